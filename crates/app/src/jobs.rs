//! The work that goes on behind the page: one job at a time, each kept alive
//! by a heartbeat that also brings the wish to cancel.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use keji_store::{Job, JobId, JobState, Lease, NewJob, Retry};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinHandle;
use utoipa::ToSchema;

use crate::context::App;
use crate::error::{Error, Result};
use crate::evaluation::{self, Step};
use crate::import;
use crate::permission::{Admin, Caller, require_admin};

/// A worker that is silent for longer has lost its job.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
const BEAT: Duration = Duration::from_millis(500);

const EVALUATE: &str = "evaluate";

/// One job as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobBody {
    pub id: i64,
    pub kind: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    pub stage: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub progress: Option<serde_json::Value>,
    #[schema(value_type = Option<Object>)]
    pub error: Option<serde_json::Value>,
}

fn body(job: Job) -> JobBody {
    let progress = Some(job.progress).filter(|p| !p.is_null());
    JobBody {
        id: job.id.0,
        kind: job.kind,
        state: serde_json::to_value(job.state)
            .ok()
            .and_then(|s| s.as_str().map(str::to_owned))
            .unwrap_or_default(),
        stage: progress
            .as_ref()
            .and_then(|p| p.get("stage")?.as_str().map(str::to_owned)),
        progress,
        error: job.error.map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|_| json!({ "zh": text, "en": text }))
        }),
    }
}

pub async fn get(app: &App, caller: &Caller, id: i64) -> Result<JobBody> {
    require_admin(caller, Admin::Evaluations)?;
    app.store
        .job(JobId(id))
        .await?
        .map(body)
        .ok_or_else(|| Error::not_found("job", id))
}

pub async fn submit_evaluation(app: &App, caller: &Caller, as_of: Option<Date>) -> Result<JobBody> {
    require_admin(caller, Admin::Evaluations)?;
    let id = app
        .store
        .enqueue(NewJob::new(EVALUATE, json!({ "as_of": as_of })))
        .await?;
    get(app, caller, id.0).await
}

/// Works on the oldest waiting job, if any; true when there was one.
pub async fn work_one(app: &App) -> Result<bool> {
    let Some(job) = app
        .store
        .lease_job(&[import::jobs::KIND, EVALUATE], LEASE)
        .await?
    else {
        return Ok(false);
    };
    let caller = Caller::job();
    let cancel = Arc::new(AtomicBool::new(false));
    match job.kind.as_str() {
        import::jobs::KIND => {
            // What went wrong is kept with the job and shown there.
            if let Err(problem) = import::jobs::work(app, &caller, job, &|_| {}, cancel).await {
                tracing::info!(error = ?problem, "an import ended with an error");
            }
        }
        _ => evaluate(app, &caller, job, cancel).await?,
    }
    Ok(true)
}

async fn evaluate(app: &App, caller: &Caller, job: Job, cancel: Arc<AtomicBool>) -> Result<()> {
    let as_of = job
        .args
        .get("as_of")
        .and_then(|d| d.as_str())
        .and_then(|d| d.parse().ok());
    let beat = Beat::start(app, job.lease(), cancel);
    let result = evaluation::run(app, caller, as_of, &|step| {
        beat.set(&json!({ "stage": match step {
            Step::Summaries => "summaries",
            Step::Models => "models",
            Step::Scores => "scores",
        } }));
    })
    .await;
    beat.stop().await;
    match result {
        Ok(document) => {
            app.store
                .finish_job(&job.lease(), json!({ "as_of": document.get("as_of") }))
                .await?
        }
        Err(problem) => drop(fail(app, &job, &problem).await?),
    }
    Ok(())
}

/// Ends a job with its error, and says what became of it. Only what another
/// try could mend is tried again.
pub(crate) async fn fail(app: &App, job: &Job, problem: &Error) -> Result<JobState> {
    let retry = match problem {
        Error::Store(
            keji_store::Error::Busy
            | keji_store::Error::Unreachable(_)
            | keji_store::Error::Database(_),
        ) => Retry::After(Duration::from_secs(5)),
        _ => Retry::Never,
    };
    let state = app
        .store
        .fail_job(&job.lease(), &import::jobs::kept(problem), retry)
        .await?;
    Ok(state)
}

/// Keeps a lease alive, stores the newest progress, and hands on the wish to
/// cancel.
pub(crate) struct Beat {
    newest: Arc<Mutex<serde_json::Value>>,
    task: JoinHandle<()>,
}

impl Beat {
    pub fn start(app: &App, lease: Lease, cancel: Arc<AtomicBool>) -> Beat {
        let newest = Arc::new(Mutex::new(serde_json::Value::Null));
        let shown = newest.clone();
        let store = app.store.clone();
        let task = tokio::spawn(async move {
            loop {
                let progress = shown.lock().map(|p| p.clone()).unwrap_or_default();
                match store.heartbeat(&lease, progress).await {
                    Ok(true) => cancel.store(true, Ordering::Relaxed),
                    Ok(false) => {}
                    // Another worker has the job: stop before doing it twice.
                    Err(keji_store::Error::LeaseLost(_)) => cancel.store(true, Ordering::Relaxed),
                    Err(problem) => tracing::warn!(error = ?problem, "a heartbeat was lost"),
                }
                tokio::time::sleep(BEAT).await;
            }
        });
        Beat { newest, task }
    }

    pub fn set<T: Serialize>(&self, progress: &T) {
        if let (Ok(mut newest), Ok(value)) = (self.newest.lock(), serde_json::to_value(progress)) {
            *newest = value;
        }
    }

    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

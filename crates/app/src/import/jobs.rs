//! Imports as people see them: a job each, from the page or the command line,
//! with its file, progress, result and undo.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use keji_store::{BatchId, BatchState, Job, JobId, JobState, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use utoipa::ToSchema;

use super::Mapping;
use super::driver::{self, ImportOutcome, Progress, Summary, Wanted};
use crate::context::App;
use crate::error::{Error, ProblemText, Result};
use crate::jobs::{Beat, LEASE};
use crate::messages::Language;
use crate::permission::Caller;

/// The kind of job that the server works on.
pub const KIND: &str = "import";

/// One import.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportBody {
    pub id: i64,
    pub filename: String,
    /// `queued`, `needs_mapping`, `running`, `cancelled`, `failed`, `done` or `undone`.
    pub state: String,
    pub stage: Option<String>,
    pub dry_run: bool,
    pub progress: Option<Progress>,
    /// The proposal, while it needs somebody.
    pub mapping: Option<Mapping>,
    pub summary: Option<Summary>,
    /// What went wrong, in both languages.
    #[schema(value_type = Option<Object>)]
    pub error: Option<serde_json::Value>,
    pub batch: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportList {
    pub resources: Vec<ImportBody>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Args {
    path: PathBuf,
    filename: String,
    dry_run: bool,
    mapping: Option<Mapping>,
    rejects: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Outcome {
    #[serde(default)]
    mapping: Option<Mapping>,
    #[serde(default)]
    summary: Option<Summary>,
    #[serde(default)]
    batch: Option<i64>,
}

/// A file that is being received.
pub struct Upload {
    file: File,
    path: PathBuf,
    filename: String,
}

impl Upload {
    /// `filename` names the file for people; its ending decides nothing but
    /// where no content tells.
    pub async fn create(app: &App, filename: &str) -> Result<Upload> {
        let filename = filename
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        if filename.is_empty() {
            return Err(Error::Argument {
                name: "filename",
                message: "empty".to_owned(),
            });
        }
        let folder = app.folder().join("uploads").join(unique());
        tokio::fs::create_dir_all(&folder)
            .await
            .map_err(Error::io(folder.display().to_string()))?;
        let path = folder.join("file");
        let file = File::create(&path)
            .await
            .map_err(Error::io(path.display().to_string()))?;
        Ok(Upload {
            file,
            path,
            filename,
        })
    }

    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }
}

/// Never twice, also in another process.
fn unique() -> String {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = Timestamp::now().as_nanosecond();
    format!(
        "{now:x}-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Queues the import of a file that was received whole.
pub async fn submit(
    app: &App,
    _caller: &Caller,
    mut upload: Upload,
    dry_run: bool,
) -> Result<ImportBody> {
    upload.file.flush().await.map_err(Error::io("upload"))?;
    upload.file.sync_all().await.map_err(Error::io("upload"))?;
    let rejects = upload.path.with_file_name("rejects.csv");
    let args = Args {
        path: upload.path,
        filename: upload.filename,
        dry_run,
        mapping: None,
        rejects,
    };
    enqueue(app, KIND, &args).await
}

async fn enqueue(app: &App, kind: &str, args: &Args) -> Result<ImportBody> {
    let args = serde_json::to_value(args).map_err(|e| Error::Internal(e.to_string()))?;
    // A second attempt would read the same bytes and fail the same way; a
    // server that was killed on the way is the exception.
    let id = app
        .store
        .enqueue(NewJob {
            max_attempts: 3,
            ..NewJob::new(kind, args)
        })
        .await?;
    body(app, find(app, id.0).await?).await
}

async fn find(app: &App, id: i64) -> Result<Job> {
    app.store
        .job(JobId(id))
        .await?
        .filter(|job| job.kind == KIND || job.kind.starts_with("import@"))
        .ok_or_else(|| Error::not_found("import", id))
}

fn args(job: &Job) -> Result<Args> {
    serde_json::from_value(job.args.clone())
        .map_err(|e| Error::Internal(format!("import {}: {e}", job.id.0)))
}

pub async fn get(app: &App, _caller: &Caller, id: i64) -> Result<ImportBody> {
    body(app, find(app, id).await?).await
}

pub async fn list(app: &App, _caller: &Caller) -> Result<ImportList> {
    let mut resources = Vec::new();
    for job in app.store.jobs(None, 200).await? {
        if job.kind == KIND || job.kind.starts_with("import@") {
            resources.push(body(app, job).await?);
        }
    }
    Ok(ImportList { resources })
}

async fn body(app: &App, job: Job) -> Result<ImportBody> {
    let given = args(&job)?;
    let outcome: Outcome = serde_json::from_value(job.result.clone()).unwrap_or_default();
    let progress: Option<Progress> = serde_json::from_value(job.progress.clone()).ok();
    let is_undone = match outcome.batch {
        Some(batch) => app
            .store
            .batch(BatchId(batch))
            .await?
            .is_some_and(|b| b.state == BatchState::Undone),
        None => false,
    };
    let state = match job.state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done if outcome.mapping.is_some() => "needs_mapping",
        JobState::Done if is_undone => "undone",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    };
    Ok(ImportBody {
        id: job.id.0,
        filename: given.filename,
        state: state.to_owned(),
        stage: progress.as_ref().map(|p| p.stage.clone()),
        dry_run: given.dry_run,
        progress,
        mapping: outcome.mapping,
        summary: outcome.summary,
        error: job.error.as_deref().map(|text| {
            serde_json::from_str(text).unwrap_or_else(|_| json!({ "zh": text, "en": text }))
        }),
        batch: outcome.batch,
        created_at: job.created_at,
        finished_at: job.finished_at,
    })
}

/// Goes on with a mapping that somebody has looked at, as a new import of the
/// same file; the answer is that new import.
pub async fn map(app: &App, _caller: &Caller, id: i64, mapping: Mapping) -> Result<ImportBody> {
    let job = find(app, id).await?;
    let outcome: Outcome = serde_json::from_value(job.result.clone()).unwrap_or_default();
    if outcome.mapping.is_none() {
        return Err(Error::State {
            code: "not_waiting",
            zh: format!("导入 {id} 没有在等待确认列"),
            en: format!("import {id} is not waiting for a mapping"),
        });
    }
    let mut given = args(&job)?;
    given.mapping = Some(mapping);
    enqueue(app, KIND, &given).await
}

pub async fn cancel(app: &App, caller: &Caller, id: i64) -> Result<ImportBody> {
    find(app, id).await?;
    app.store.cancel_job(JobId(id)).await?;
    get(app, caller, id).await
}

/// Takes the batch of a finished import back.
pub async fn undo_import(app: &App, caller: &Caller, id: i64) -> Result<ImportBody> {
    let import = get(app, caller, id).await?;
    let Some(batch) = import.batch.filter(|_| import.state == "done") else {
        return Err(Error::State {
            code: "nothing_to_undo",
            zh: format!("导入 {id} 没有可撤销的批次"),
            en: format!("import {id} has no batch to take back"),
        });
    };
    undo(app, caller, batch).await?;
    get(app, caller, id).await
}

/// Takes a batch back and evaluates again what is left.
pub async fn undo(app: &App, caller: &Caller, batch: i64) -> Result<keji_store::UndoSummary> {
    let undone = app
        .store
        .import_undo(BatchId(batch), &caller.actor, caller.channel.id())
        .await;
    let summary = match undone {
        Ok(summary) => summary,
        Err(keji_store::Error::Missing { .. }) => return Err(Error::not_found("batch", batch)),
        Err(keji_store::Error::Batch { state, .. }) => {
            return Err(Error::State {
                code: "nothing_to_undo",
                zh: format!("批次 {batch} 的状态是 {state}，不能撤销"),
                en: format!("batch {batch} is {state} and cannot be taken back"),
            });
        }
        Err(other) => return Err(other.into()),
    };
    app.copy.refresh().await?;
    if app.store.counts().await?.last_ordered_on.is_some() {
        crate::evaluation::run(app, caller, None, &|_| {}).await?;
    }
    Ok(summary)
}

/// The file of rejected rows.
pub async fn rejects(app: &App, _caller: &Caller, id: i64) -> Result<PathBuf> {
    let given = args(&find(app, id).await?)?;
    if tokio::fs::try_exists(&given.rejects).await.unwrap_or(false) {
        Ok(given.rejects)
    } else {
        Err(Error::not_found("rejects", id))
    }
}

/// An import from the command line.
#[derive(Debug)]
pub struct ImportRequest {
    pub path: PathBuf,
    pub mapping: Option<Mapping>,
    pub dry_run: bool,
    pub rejects: Option<PathBuf>,
}

/// Imports in this process, visible to others as a job.
pub async fn run(
    app: &App,
    caller: &Caller,
    request: ImportRequest,
    progress: driver::OnProgress<'_>,
    cancel: Arc<AtomicBool>,
) -> Result<ImportOutcome> {
    let path = std::path::absolute(&request.path)
        .map_err(Error::io(request.path.display().to_string()))?;
    let filename = path
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let folder = app.folder().join("uploads").join(unique());
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(Error::io(folder.display().to_string()))?;
    let folder = std::path::absolute(&folder).map_err(Error::io(folder.display().to_string()))?;
    let given = Args {
        path,
        filename,
        dry_run: request.dry_run,
        mapping: request.mapping,
        rejects: request
            .rejects
            .unwrap_or_else(|| folder.join("rejects.csv")),
    };
    // A kind of its own, so that no server takes it over.
    let kind = format!("import@{}", unique());
    enqueue(app, &kind, &given).await?;
    let job = app
        .store
        .lease_job(&[kind.as_str()], LEASE)
        .await?
        .ok_or_else(|| Error::Internal("the import's own job is gone".to_owned()))?;
    work(app, caller, job, progress, cancel).await
}

/// Works on a leased import and ends its job.
pub async fn work(
    app: &App,
    caller: &Caller,
    job: Job,
    progress: driver::OnProgress<'_>,
    cancel: Arc<AtomicBool>,
) -> Result<ImportOutcome> {
    let given = args(&job)?;
    let beat = Beat::start(app, job.lease(), cancel.clone());
    let wanted = Wanted {
        path: &given.path,
        filename: &given.filename,
        mapping: given.mapping.clone(),
        dry_run: given.dry_run,
        rejects: Some(&given.rejects),
    };
    let report = |p: Progress| {
        beat.set(&p);
        progress(p);
    };
    let result = driver::import(app, caller, wanted, &report, cancel).await;
    beat.stop().await;
    match &result {
        Ok(ImportOutcome::NeedsMapping(mapping)) => {
            let outcome = Outcome {
                mapping: Some((**mapping).clone()),
                ..Outcome::default()
            };
            app.store.finish_job(&job.lease(), json!(outcome)).await?;
        }
        Ok(ImportOutcome::Done { batch, summary }) => {
            let outcome = Outcome {
                mapping: None,
                summary: Some((**summary).clone()),
                batch: *batch,
            };
            app.store.finish_job(&job.lease(), json!(outcome)).await?;
        }
        Err(problem) => crate::jobs::fail(app, &job, problem).await?,
    }
    result
}

/// An error as it is kept with a job: both languages and the place.
pub(crate) fn kept(problem: &Error) -> String {
    let zh: ProblemText = problem.problem(Language::Zh);
    let en = problem.problem(Language::En);
    json!({ "code": zh.code, "zh": zh.detail, "en": en.detail, "at": zh.at }).to_string()
}

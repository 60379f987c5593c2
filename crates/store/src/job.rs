//! Jobs: deferred work in a table, leased by one worker at a time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use keji_schema::{Type, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::db::{Conn, Fields, int};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub kind: String,
    pub args: Json,
    /// While a job of the same kind and key is queued, no second one is made.
    pub key: Option<String>,
    /// Not before this.
    pub run_at: Option<Timestamp>,
    /// After this many failed attempts it is a dead letter; at least 1.
    pub max_attempts: u32,
}

impl NewJob {
    pub fn new(kind: &str, args: Json) -> Self {
        NewJob {
            kind: kind.to_owned(),
            args,
            key: None,
            run_at: None,
            max_attempts: 3,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Done,
    /// A dead letter: it stays here to be seen.
    Failed,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub args: Json,
    pub state: JobState,
    pub progress: Json,
    pub result: Json,
    pub error: Option<String>,
    pub attempts: u32,
    pub max_attempts: u32,
    pub cancel_asked: bool,
    /// Counts the leases; a worker with an older number has lost the job.
    pub fence: i64,
    pub created_at: Timestamp,
    pub run_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Job {
    pub fn lease(&self) -> Lease {
        Lease {
            job: self.id,
            fence: self.fence,
        }
    }
}

/// The right to work on a job, until its time is up and another takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub job: JobId,
    pub fence: i64,
}

/// What becomes of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Again after this time, unless the attempts are used up.
    After(Duration),
    Never,
}

/// What a heartbeat waits for a writer at most: a merge in this process or
/// another must not make its own job look dead.
const PATIENCE: Duration = Duration::from_secs(1);

/// Jobs that this process works on, kept in memory beside the table: while one
/// of them holds the database for minutes, its lease cannot be written.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<JobId, Holding>>);

#[derive(Debug, Clone)]
struct Holding {
    fence: i64,
    lease: Duration,
    beat: Instant,
    cancel_asked: bool,
}

impl Held {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Holding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, job: &Job, lease: Duration) {
        let holding = Holding {
            fence: job.fence,
            lease,
            beat: Instant::now(),
            cancel_asked: false,
        };
        self.all().insert(job.id, holding);
    }

    /// Whether the job's stop was asked for, here.
    fn beat(&self, lease: &Lease) -> bool {
        match self.all().get_mut(&lease.job) {
            Some(holding) if holding.fence == lease.fence => {
                holding.beat = Instant::now();
                holding.cancel_asked
            }
            _ => false,
        }
    }

    fn ask_cancel(&self, job: JobId) -> bool {
        self.all()
            .get_mut(&job)
            .map(|holding| holding.cancel_asked = true)
            .is_some()
    }

    fn end(&self, lease: &Lease) -> bool {
        let mut all = self.all();
        match all.get(&lease.job) {
            Some(holding) if holding.fence == lease.fence => {
                all.remove(&lease.job).is_some_and(|h| h.cancel_asked)
            }
            _ => false,
        }
    }

    fn alive(&self) -> Vec<(JobId, Holding)> {
        let mut all = self.all();
        all.retain(|_, holding| holding.beat.elapsed() < holding.lease);
        all.iter()
            .map(|(id, holding)| (*id, holding.clone()))
            .collect()
    }
}

impl Store {
    pub async fn enqueue(&self, job: NewJob) -> Result<JobId> {
        let mut tx = self.db().begin().await?;
        let id = insert(&mut tx.conn(), &job).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The oldest due job of these kinds, or `None`. It is this worker's for
    /// `lease`, and longer with every heartbeat. A job whose worker died
    /// counts as one attempt, and is given out again or becomes a dead letter.
    pub async fn lease_job(&self, kinds: &[&str], lease: Duration) -> Result<Option<Job>> {
        let mut params = vec![Value::Instant(now())];
        params.extend(kinds.iter().map(|kind| Value::from(*kind)));
        let names: Vec<String> = (2..=params.len()).map(|n| format!("${n}")).collect();
        let alive = self.0.held.alive();
        let alive: Vec<String> = alive.iter().map(|(id, _)| id.0.to_string()).collect();
        let due = format!(
            "(state = 'queued' and run_at <= $1 or state = 'running' and lease_until <= $1) \
             and kind in ({}) {}",
            names.join(", "),
            match alive.is_empty() {
                true => String::new(),
                false => format!("and id not in ({})", alive.join(", ")),
            }
        );
        if kinds.is_empty() {
            return Ok(None);
        }
        // Most of the time there is nothing: no need to ask for the writer.
        let any = format!("select count(*) from keji_job where {due}");
        if self.db().reader().await?.conn().int(any, &params).await? == 0 {
            return Ok(None);
        }
        let mut tx = self.db().begin().await?;
        let mut leased = None;
        while leased.is_none() {
            let mut conn = tx.conn();
            let sql = format!(
                "select {COLUMNS} from keji_job where {due} order by run_at, id limit 1{}",
                conn.dialect().pick("", " for update skip locked")
            );
            let Some(row) = conn.row(sql, &params, KINDS).await? else {
                break;
            };
            let mut job = job_of_row(row)?;
            if job.state == JobState::Running
                && (job.cancel_asked || job.attempts >= job.max_attempts)
            {
                let state = if job.cancel_asked {
                    JobState::Cancelled
                } else {
                    JobState::Failed
                };
                let error = Some("the worker was lost");
                end(&mut conn, job.id, state, &Json::Null, error).await?;
                continue;
            }
            job.state = JobState::Running;
            job.attempts += 1;
            job.fence += 1;
            let sql = "update keji_job set state = 'running', attempts = attempts + 1, \
                       fence = fence + 1, lease_until = $2 where id = $1";
            conn.run(sql, &[Value::Int(job.id.0), Value::Instant(later(lease))])
                .await?;
            leased = Some(job);
        }
        tx.commit().await?;
        if let Some(job) = &leased {
            self.0.held.take(job, lease);
        }
        Ok(leased)
    }

    /// Extends the lease and stores the progress. True when the job shall
    /// stop. While the database is busy writing, it counts all the same, and
    /// the progress is left out.
    pub async fn heartbeat(&self, lease: &Lease, progress: Json) -> Result<bool> {
        let asked_here = self.0.held.beat(lease);
        let stored = tokio::time::timeout(PATIENCE, self.store_heartbeat(lease, progress)).await;
        match stored {
            Ok(Ok(asked)) => Ok(asked || asked_here),
            Ok(Err(Error::Busy)) | Err(_) => Ok(asked_here),
            Ok(Err(e)) => Err(e),
        }
    }

    async fn store_heartbeat(&self, lease: &Lease, progress: Json) -> Result<bool> {
        let duration = self
            .0
            .held
            .all()
            .get(&lease.job)
            .map_or(Duration::from_secs(60), |h| h.lease);
        let mut tx = self.db().begin().await?;
        let sql = "update keji_job set lease_until = $3, progress = $4 \
                   where id = $1 and fence = $2 and state = 'running' returning cancel_asked";
        let params = [
            Value::Int(lease.job.0),
            Value::Int(lease.fence),
            Value::Instant(later(duration)),
            Value::Text(progress.to_string()),
        ];
        let row = tx.conn().row(sql, &params, &[Type::Bool]).await?;
        let row = row.ok_or(Error::LeaseLost(lease.job.0))?;
        tx.commit().await?;
        Ok(row[0] == Value::Bool(true))
    }

    pub async fn finish_job(&self, lease: &Lease, result: Json) -> Result<()> {
        self.end_leased(lease, JobState::Done, &result, None).await
    }

    /// Ends an attempt; the answer is what became of the job. One whose cancel
    /// was asked becomes `cancelled`, one without attempts left a dead letter.
    pub async fn fail_job(&self, lease: &Lease, error: &str, retry: Retry) -> Result<JobState> {
        let asked_here = self.0.held.beat(lease);
        let job = self
            .job(lease.job)
            .await?
            .ok_or(Error::LeaseLost(lease.job.0))?;
        let state = match retry {
            _ if job.cancel_asked || asked_here => JobState::Cancelled,
            Retry::After(_) if job.attempts < job.max_attempts => JobState::Queued,
            _ => JobState::Failed,
        };
        let Retry::After(wait) = retry else {
            self.end_leased(lease, state, &Json::Null, Some(error))
                .await?;
            return Ok(state);
        };
        if state != JobState::Queued {
            self.end_leased(lease, state, &Json::Null, Some(error))
                .await?;
            return Ok(state);
        }
        let mut tx = self.db().begin().await?;
        // Another one with the same key may wait already; this one gives way.
        let sql = "update keji_job set state = 'queued', run_at = $3, error = $4, \
                   lease_until = null, key = case when exists (select 1 from keji_job o \
                   where o.kind = keji_job.kind and o.key = keji_job.key and o.state = 'queued') \
                   then null else key end \
                   where id = $1 and fence = $2 and state = 'running'";
        let params = [
            Value::Int(lease.job.0),
            Value::Int(lease.fence),
            Value::Instant(later(wait)),
            error.into(),
        ];
        if tx.conn().run(sql, &params).await? == 0 {
            return Err(Error::LeaseLost(lease.job.0));
        }
        tx.commit().await?;
        self.0.held.end(lease);
        Ok(state)
    }

    async fn end_leased(
        &self,
        lease: &Lease,
        state: JobState,
        result: &Json,
        error: Option<&str>,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql =
            "select count(*) from keji_job where id = $1 and fence = $2 and state = 'running'";
        let params = [Value::Int(lease.job.0), Value::Int(lease.fence)];
        if conn.int(sql, &params).await? == 0 {
            return Err(Error::LeaseLost(lease.job.0));
        }
        end(&mut conn, lease.job, state, result, error).await?;
        tx.commit().await?;
        self.0.held.end(lease);
        Ok(())
    }

    /// A queued job ends at once; a running one is asked to stop and learns it
    /// with its next heartbeat. The answer is its state now.
    pub async fn cancel_job(&self, job: JobId) -> Result<JobState> {
        if !self.0.held.ask_cancel(job) {
            return self.store_cancel(job).await;
        }
        match tokio::time::timeout(PATIENCE, self.store_cancel(job)).await {
            Ok(Err(Error::Busy)) | Err(_) => Ok(JobState::Running),
            Ok(stored) => stored,
        }
    }

    async fn store_cancel(&self, job: JobId) -> Result<JobState> {
        let missing = || Error::Missing {
            kind: "job",
            id: job.0.to_string(),
        };
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_job set cancel_asked = $2 where id = $1 returning state";
        let row = conn
            .row(sql, &[Value::Int(job.0), Value::Bool(true)], &[Type::Text])
            .await?;
        let state = state_of(&row.ok_or_else(missing)?[0])?;
        if state == JobState::Queued {
            end(&mut conn, job, JobState::Cancelled, &Json::Null, None).await?;
        }
        tx.commit().await?;
        Ok(if state == JobState::Queued {
            JobState::Cancelled
        } else {
            state
        })
    }

    pub async fn job(&self, job: JobId) -> Result<Option<Job>> {
        let sql = format!("select {COLUMNS} from keji_job where id = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[Value::Int(job.0)], KINDS).await?;
        row.map(job_of_row).transpose()
    }

    /// Newest first.
    pub async fn jobs(&self, kind: Option<&str>, limit: u32) -> Result<Vec<Job>> {
        let (condition, params) = match kind {
            Some(kind) => ("where kind = $1", vec![Value::from(kind)]),
            None => ("", Vec::new()),
        };
        let sql =
            format!("select {COLUMNS} from keji_job {condition} order by id desc limit {limit}");
        let rows = self
            .db()
            .reader()
            .await?
            .conn()
            .rows(sql, &params, KINDS)
            .await?;
        rows.into_iter().map(job_of_row).collect()
    }

    /// Extends the leases of this process within a transaction that held the
    /// database for long, so that nobody finds them expired when it ends.
    pub(crate) async fn renew_leases(&self, conn: &mut Conn<'_>) -> Result<()> {
        for (job, holding) in self.0.held.alive() {
            let sql = "update keji_job set lease_until = $3 where id = $1 and fence = $2 \
                       and state = 'running'";
            let until = Value::Instant(later(holding.lease));
            conn.run(sql, &[Value::Int(job.0), Value::Int(holding.fence), until])
                .await?;
        }
        Ok(())
    }
}

/// Enqueues within a transaction. A queued job of the same kind and key is
/// given back instead of a second one.
pub(crate) async fn insert(conn: &mut Conn<'_>, job: &NewJob) -> Result<JobId> {
    let now = now();
    let sql = "insert into keji_job (kind, args, key, state, progress, result, attempts, \
               max_attempts, cancel_asked, fence, created_at, run_at) \
               values ($1, $2, $3, 'queued', 'null', 'null', 0, $4, $5, 0, $6, $7) \
               on conflict (kind, key) where state = 'queued' and key is not null \
               do nothing returning id";
    let params = [
        job.kind.as_str().into(),
        Value::Text(job.args.to_string()),
        job.key.as_deref().map_or(Value::Null, Value::from),
        Value::Int(i64::from(job.max_attempts.max(1))),
        Value::Bool(false),
        Value::Instant(now),
        Value::Instant(job.run_at.unwrap_or(now)),
    ];
    if let Some(row) = conn.row(sql, &params, &[Type::Int]).await? {
        return int(&row[0])
            .map(JobId)
            .ok_or_else(|| Error::Corrupt("a job without id".to_owned()));
    }
    let sql = "select id from keji_job where kind = $1 and key = $2 and state = 'queued'";
    Ok(JobId(
        conn.int(sql, &[params[0].clone(), params[2].clone()])
            .await?,
    ))
}

async fn end(
    conn: &mut Conn<'_>,
    job: JobId,
    state: JobState,
    result: &Json,
    error: Option<&str>,
) -> Result<()> {
    let sql = "update keji_job set state = $2, result = $3, error = $4, finished_at = $5, \
               lease_until = null where id = $1";
    let params = [
        Value::Int(job.0),
        state_text(state).into(),
        Value::Text(result.to_string()),
        error.map_or(Value::Null, Value::from),
        Value::Instant(now()),
    ];
    conn.run(sql, &params).await?;
    Ok(())
}

const COLUMNS: &str = "id, kind, args, state, progress, result, error, attempts, max_attempts, \
                       cancel_asked, fence, created_at, run_at, finished_at";
const KINDS: &[Type] = &[
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Int,
    Type::Int,
    Type::Bool,
    Type::Int,
    Type::Instant,
    Type::Instant,
    Type::Instant,
];

fn job_of_row(row: Vec<Value>) -> Result<Job> {
    let mut row = Fields::new(row);
    Ok(Job {
        id: JobId(row.int()?),
        kind: row.text()?,
        args: row.json()?,
        state: state_of(&row.value())?,
        progress: row.json()?,
        result: row.json()?,
        error: row.optional_text(),
        attempts: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        max_attempts: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        cancel_asked: row.value() == Value::Bool(true),
        fence: row.int()?,
        created_at: row.instant()?,
        run_at: row.instant()?,
        finished_at: row.optional_instant(),
    })
}

fn state_text(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn state_of(value: &Value) -> Result<JobState> {
    Ok(match value {
        Value::Text(t) if t == "queued" => JobState::Queued,
        Value::Text(t) if t == "running" => JobState::Running,
        Value::Text(t) if t == "done" => JobState::Done,
        Value::Text(t) if t == "failed" => JobState::Failed,
        Value::Text(t) if t == "cancelled" => JobState::Cancelled,
        other => return Err(Error::Corrupt(format!("a job in state {other:?}"))),
    })
}

fn later(wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    now().checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use keji_schema::Catalog;
    use std::sync::Arc;

    /// While a merge holds SQLite's one writer, its own job stays alive and
    /// can be stopped.
    #[tokio::test]
    async fn a_busy_database_loses_no_job() {
        let place = testing::sqlite();
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let id = store
            .enqueue(NewJob::new("import", Json::Null))
            .await
            .unwrap();
        let brief = Duration::from_millis(1500);
        let job = store.lease_job(&["import"], brief).await.unwrap().unwrap();
        let mut merge = store.db().begin().await.unwrap();
        assert!(!store.heartbeat(&job.lease(), Json::Null).await.unwrap());
        assert_eq!(store.cancel_job(id).await.unwrap(), JobState::Running);
        assert!(store.heartbeat(&job.lease(), Json::Null).await.unwrap());
        store.renew_leases(&mut merge.conn()).await.unwrap();
        merge.commit().await.unwrap();
        assert!(store.lease_job(&["import"], brief).await.unwrap().is_none());
        let state = store
            .fail_job(&job.lease(), "stopped", Retry::Never)
            .await
            .unwrap();
        assert_eq!(state, JobState::Cancelled);
    }
}

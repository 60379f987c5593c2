//! Jobs: deferred work in a table, leased by one worker at a time.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

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

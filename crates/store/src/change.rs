//! The change log: what was written, by whom, in commit order.

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::Value;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::job::NewJob;

/// One write of one record.
#[derive(Debug, Clone)]
pub struct NewChange {
    pub object: String,
    pub op: Op,
    pub actor: String,
    /// Through what: `api`, `page`, `cli`, `job` …
    pub channel: String,
    /// The module that writes, for objects with `written_by`.
    pub module: Option<String>,
    /// Written in the same transaction.
    pub jobs: Vec<NewJob>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    Create {
        values: Vec<(String, Value)>,
    },
    /// Fields that are not named keep their value.
    Update {
        id: i64,
        values: Vec<(String, Value)>,
    },
    Delete {
        id: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Create,
    Update,
    Delete,
    /// All inserts of one import; the rows carry the batch id.
    Import,
    /// All deletes of one import's undo.
    Undo,
    /// One evaluation: its scores are rows of object `score`.
    Evaluation,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub channel: String,
    pub kind: ChangeKind,
    /// Of a bulk change (`import`, `undo`, `evaluation`): null.
    pub object: Option<String>,
    pub record: Option<i64>,
    pub batch: Option<i64>,
    /// Values of the changed fields, JSON as the API shows it; null where
    /// there was no record. Of a bulk change: null.
    pub before: Option<Map<String, Json>>,
    /// Of a bulk change: its counts.
    pub after: Option<Map<String, Json>>,
}

/// Which changes to read; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct ChangeQuery {
    pub after_seq: i64,
    /// `(object, id)`
    pub record: Option<(String, i64)>,
    pub batch: Option<i64>,
    pub limit: u32,
}

/// A part of an object that a change touched: the columnar copy of it is
/// outdated since `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    pub object: String,
    /// First day of the month; `None` for objects without a time, and for
    /// records whose time is null.
    pub month: Option<Date>,
    /// The newest change that touched it.
    pub seq: i64,
}

//! The only SQL: tables made from the catalog, records, imports, change log
//! and jobs, on SQLite and on PostgreSQL.
//!
//! It does not know HTTP, Arrow or what the numbers mean, and it holds no
//! rule of the business beyond how an order file becomes orders.
//!
//! ```text
//!   server > app > metrics > store (here) > schema
//! ```
//!
//! Reading order: [`Store`] (everything it can do), [`access`], [`record`],
//! [`change`], [`batch`], then the private modules behind them.

mod store;

pub mod access;
pub mod audit;
mod group;
mod read;
pub mod record;

pub mod change;
mod insert;
mod log;
mod number;
mod totals;
mod version;
mod write;
mod write_many;

pub mod bulk;

pub mod batch;
mod import;

mod backup;
mod check;
pub mod comment;
pub mod content;
mod erase;
pub mod evaluation;
mod form;
pub mod identity;
pub mod job;
pub mod manifest;
pub mod mapping;
mod mark;
pub mod merge;
pub mod notification;
mod pack;
mod pair;
mod passkey;
mod person;
mod provider;
mod view;
pub mod webhook;

mod db;
mod ddl;
mod design;
mod search;
mod sql;
mod system;

pub mod error;
#[cfg(feature = "testing")]
pub mod testing;

pub use access::Access;
pub use audit::{LogProof, LogQuery, Note, Seal};
pub use backup::{
    BackupFault, BackupProgress, BackupReport, BackupStep, Checksum, Manifest, Source, TableSum,
    check_backup, read_manifest, restore, sweep_backups,
};
pub use batch::{
    Batch, BatchId, BatchState, ImportMode, ImportSummary, NewBatch, OrderLineRow, StageMark,
    UndoSummary,
};
pub use bulk::{
    Bulk, BulkAccess, BulkConflict, BulkDone, BulkMode, BulkOutcome, BulkRow, BulkUndo, BulkUndone,
    BulkWatch, BulkWhy, BulkWrite, Deleted, KEPT_DAYS, Told,
};
pub use change::{Change, ChangeKind, ChangeQuery, Delta, Deltas, NewChange, Op, Touched};
pub use check::Counts;
pub use comment::{Comment, NewComment};
pub use content::{ContentCheck, ContentDamage, ContentPart, Contents, Incoming, Landed};
pub use design::{Design, DesignVersion, Emptied, NewDesign, Trashed};
pub use erase::{Erased, Erasure, ErasureLine, ErasureRequest};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
pub use form::{Form, FormValues};
pub use group::{Group, GroupQuery, Groups};
pub use identity::{By, NewToken, Proof, Session, Sign, Token};
pub use import::Found;
pub use job::{Job, JobId, JobState, Lease, NewJob, Retry};
pub use manifest::{CopyFile, CopyManifest};
pub use mapping::SavedMapping;
pub use mark::{Mark, Marked};
pub use merge::{
    Merge, MergeOrder, MergeProblem, MergeSide, Merged, MovedLinks, UNDO_DAYS, Unmerged,
    merged_value,
};
pub use notification::{NewNotification, Notification, NotificationKind};
pub use pack::InstalledPack;
pub use pair::{Block, Pair};
pub use passkey::{NewPasskey, Passkey};
pub use provider::{NewProvider, Provider};
pub use record::{ListPage, ListQuery, Record, ScanQuery, Sort};
pub use search::{Candidate, Fitting, KeyReader, Spelling, Wanted};
pub use store::{Cancel, Location, Store};
pub use totals::{comes_by_itself, follows};
pub use view::{View, ViewValues};
pub use webhook::{Attempt, Delivery, NewDelivery, Webhook, WebhookValues};
pub use write_many::{Answered, Once, WriteFault, Written};

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

pub mod access;
pub mod batch;
pub mod change;
pub mod error;
pub mod evaluation;
pub mod job;
pub mod manifest;
pub mod record;
mod store;

pub use access::Access;
pub use batch::{Batch, BatchId, BatchState, ImportSummary, NewBatch, OrderLineRow, UndoSummary};
pub use change::{Change, ChangeKind, ChangeQuery, NewChange, Op, Touched};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
pub use job::{Job, JobId, JobState, Lease, NewJob, Retry};
pub use manifest::{CopyFile, CopyManifest};
pub use record::{ListPage, ListQuery, Record, ScanQuery, Sort};
pub use store::{Cancel, Counts, Location, Store};

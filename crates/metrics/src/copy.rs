//! The columnar copy of the store: plain zstd Parquet below
//! `<folder>/<object>/month=YYYY-MM/` (small objects: `<object>/all/`), a
//! layout that other engines read too.
//!
//! Which files count is decided by the store's list alone; a file that is not
//! in it is an orphan. It must not compute any metric.

pub mod columns;
mod snapshot;
pub mod write;

pub use snapshot::{DataFile, Snapshot};

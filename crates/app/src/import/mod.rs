//! A file of orders becomes customers, products, orders and lines.
//!
//! Bytes to rows: [`bytes`] (unpacking and decoding), [`sniff`], [`records`],
//! [`table`] (headings and sample), [`field`] and [`mapping`] (what the columns
//! mean), [`parse`], [`rows`], [`hash`], [`rejects`], [`xlsx`] (workbooks, in a
//! child process). Those know no store. Rows to the store: `reading` (the
//! thread), [`driver`] (the way of one file), [`jobs`] (imports as people see
//! them).

pub mod bytes;
pub mod driver;
pub mod error;
pub mod field;
pub mod hash;
pub mod jobs;
pub mod mapping;
pub mod messages;
pub mod parse;
mod reading;
pub mod records;
pub mod rejects;
pub mod rows;
pub mod sniff;
pub mod table;
pub mod xlsx;

pub use driver::{ImportOutcome, Progress, Summary};
pub use error::ImportError;
pub use jobs::{
    ImportBody, ImportList, ImportRequest, Upload, cancel, get, list, map, rejects as rejects_file,
    run, submit, undo, undo_import,
};
pub use keji_store::OrderLineRow;
pub use mapping::Mapping;
pub use xlsx::child_main as parse_workbook_child;

//! A file of orders becomes customers, products, orders and lines.
//!
//! A file of plain records of any other object takes the same way with
//! [`plain`].
//!
//! Bytes to rows: [`bytes`] (unpacking and decoding), [`sniff`], [`records`],
//! [`table`] (headings and sample), [`field`] and [`mapping`] (what the columns
//! mean), [`parse`], [`rows`], [`hash`], [`names`] and [`oddities`] (what is odd
//! and no reason to turn a row away), [`rejects`], [`preview`], [`xlsx`]
//! (workbooks, in a child process). Those know no store. Rows to the store: `reading` (the
//! thread), [`driver`] (the way of one file), [`jobs`] (imports as people see
//! them).

pub mod bytes;
pub mod driver;
pub mod error;
pub mod field;
mod forget;
pub mod hash;
pub mod jobs;
pub mod mapping;
pub mod messages;
pub mod names;
pub mod oddities;
pub mod parse;
pub mod plain;
pub mod preview;
mod reading;
pub mod records;
pub mod rejects;
mod report;
pub mod rows;
mod scored;
pub mod sniff;
pub mod table;
pub mod xlsx;

pub use driver::{ImportOutcome, Progress, Summary};
pub use error::ImportError;
pub use jobs::{
    How, ImportBody, ImportList, ImportRequest, Mode, SavedMappingBody, SavedMappingList, Upload,
    cancel, delete_mapping, get, list, map, mappings, preview_of, rejects as rejects_file, run,
    scored_file, submit, sweep, undo, undo_import,
};
pub(crate) use jobs::{forget_person, is_at_work};
pub use keji_store::OrderLineRow;
pub use mapping::Mapping;
pub use preview::Preview;
pub use report::ReportLine;
pub use scored::{Source, scored};
pub use xlsx::child_main as parse_workbook_child;

//! The columnar copy, the question engine and the one-pass evaluation: the
//! only crate that knows Arrow, Parquet and DataFusion.
//!
//! It must not know callers, permission rules, HTTP or SQL: it is given
//! predicates and reads rows of the store through `keji_store`.
//!
//! ```text
//!   server > app > metrics (here) > store > schema
//! ```
//!
//! Reading order: [`copy`] (the month-partitioned Parquet files and the
//! [`copy::Snapshot`] that an answer reads), [`summaries`] (one pass over the
//! orders to a purchase history per customer), [`plan`] (a question as a
//! printable plan), [`expr`] and [`run`] (a plan through DataFusion to an
//! answer), [`explain`] and [`records`] (how a number comes about, and the facts
//! behind it), [`examples`] (the definitions' worked examples), [`mod@file`] (a
//! result as a Parquet file).

pub mod copy;
pub mod error;
pub mod examples;
pub mod explain;
pub mod expr;
pub mod file;
pub mod plan;
pub mod records;
mod rows;
pub mod run;
pub mod summaries;

pub use error::{Error, Result};
pub use rows::Column;

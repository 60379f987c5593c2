//! What exists: values, definitions, expressions, the calendar and the catalog.
//!
//! Pure: no I/O beyond the definitions embedded at build time, no async, no
//! SQL text, no Arrow. Every other crate except `models` may use it.
//!
//! ```text
//!   server > app > metrics > store > schema (here)
//! ```
//!
//! Reading order: [`decimal`], [`value`], [`definition`], [`metric`],
//! [`catalog`], then [`expr`] (the one expression language), [`calendar`] and
//! [`question`] (the one way to ask for a number).

pub mod calendar;
pub mod catalog;
pub mod choice;
pub mod decimal;
pub mod definition;
pub mod error;
pub mod expr;
pub mod metric;
pub mod question;
pub mod role;
pub mod rule;
pub mod value;

pub use calendar::Calendar;
pub use catalog::{ADDED, Catalog, packs};
pub use decimal::Decimal;
pub use error::{Error, Result};
pub use value::{Type, Value};

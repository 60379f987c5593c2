//! Evaluations: the scores of all customers as of one day.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    pub as_of: Date,
    pub at: Timestamp,
    pub n_customers: i64,
    /// The change that wrote it.
    pub seq: i64,
}

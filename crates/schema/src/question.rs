//! Question in, Result out: the one way to ask for a number. Tile, list,
//! report, command line and API all use these two documents.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::calendar::{Grain, Period};
use crate::value::Value;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    pub metrics: Vec<String>,
    /// Dimensions: a field of the fact (`country`) or a path over a link
    /// (`customer.kind`, `product.category`).
    #[serde(default)]
    pub by: Vec<String>,
    /// Split by period; absent: one number for the whole span.
    pub grain: Option<Grain>,
    /// First day, included. Absent: the first fact.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub from: Option<Date>,
    /// End, not included. Absent: `as_of`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub to: Option<Date>,
    /// An expression over the dimensions.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    pub compare: Option<Compare>,
    /// Facts before this day count. Absent: the day after the last fact or
    /// today, whichever is earlier.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub as_of: Option<Date>,
    /// Column names of the answer, `-` before one for descending, `abs:` to
    /// compare sizes (`-abs:net_revenue_change`). Absent: by the dimensions.
    #[serde(default)]
    pub sort: Vec<String>,
    /// At most this many rows (default 10,000).
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Compare {
    /// The period before, over equal elapsed time.
    Previous,
    /// The same period a year before.
    Year,
}

/// Rows of typed columns, with where they come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answer {
    pub columns: Vec<Column>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<Value>>))]
    pub rows: Vec<Vec<Value>>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub as_of: Date,
    /// The worst status of any row.
    pub status: Status,
    /// One status a row.
    pub row_status: Vec<Status>,
    /// The values that rest on too few cases to be relied on.
    pub small: Vec<Small>,
    pub period: Period,
    /// The span compared with, when the question compares.
    pub compared: Option<Period>,
    /// The change-log position that the answer includes.
    pub seq: i64,
    /// True where `limit` cut rows off.
    pub truncated: bool,
    /// True where the caller sees a part of the records only, and these are
    /// the numbers of that part.
    pub is_partial: bool,
}

/// A value with fewer cases behind it than its metric's `min_n`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Small {
    /// Where it stands in the answer.
    pub row: usize,
    pub column: usize,
    /// How many cases there are.
    pub n: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    pub name: String,
    pub role: Role,
    pub unit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    Dimension,
    Metric,
}

/// How final a value is. Ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ValueStatus))]
pub enum Status {
    Settled,
    /// The period is over, late facts may still come.
    Unsettled,
    /// The period is running.
    Open,
}

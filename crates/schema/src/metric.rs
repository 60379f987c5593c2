//! What one number is. One TOML file each below `definitions/metrics/`; the
//! file name is the id, and every file carries a worked example that runs as
//! a test.
//!
//! Scalars are expressions; everything above a scalar (aggregate, reduction
//! per customer, window, cohort) is a key with a closed set of values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::Grain;
use crate::definition::Text2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricDef {
    #[serde(skip_deserializing, default)]
    pub id: String,
    /// Catalogue code, for example `F14`.
    pub code: String,
    pub version: u32,
    pub name: Text2,
    /// The definition in the user's words; shown as help.
    pub about: Text2,
    pub group: String,
    pub unit: Unit,
    pub direction: Direction,
    pub measure: Option<Measure>,
    pub ratio: Option<Ratio>,
    pub cohort: Option<Cohort>,
    /// Finest period for which the number is honest.
    #[serde(default = "day")]
    pub grain_min: Grain,
    /// Days after the end of a period until its value is settled.
    #[serde(default)]
    pub settle_days: u32,
    /// Below this denominator the value is greyed and carries an interval.
    pub min_n: Option<u32>,
    #[serde(rename = "example")]
    pub examples: Vec<Example>,
}

fn day() -> Grain {
    Grain::Day
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Money,
    Count,
    Pct,
    Days,
    /// A number between 0 and 1 that is not shown as a percentage.
    Score,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    Band,
}

/// One aggregate over one object at that object's own grain; with `per`,
/// first reduced to one row per customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    pub agg: Agg,
    /// The object whose records are counted or summed.
    pub from: String,
    /// What is summed or counted distinctly; without it `count` counts rows.
    /// With `per` it may name the reductions and `period_end` (the last day
    /// of the window).
    pub expr: Option<String>,
    /// Which records of `from` take part.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Reduce to one row per this link of `from` (a field, `customer`) first.
    pub per: Option<String>,
    /// Names of the reductions, with `per` only.
    #[serde(default, rename = "let")]
    pub lets: BTreeMap<String, Reduce>,
    /// Which reduced rows take part, an expression over the reductions.
    pub having: Option<String>,
    /// The date that places a row in a period: a field of `from`, or with
    /// `per` and `window = "all"` a reduction (`first`). Absent: the time of
    /// the object's copy.
    pub time: Option<String>,
    /// Which facts a period looks at.
    #[serde(default)]
    pub window: Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agg {
    Sum,
    Count,
    CountDistinct,
    Avg,
    Min,
    Max,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    pub agg: Agg,
    pub expr: Option<String>,
}

/// The facts behind one period `[from, to)` of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Those of the period itself.
    #[default]
    Period,
    /// Those of the 365 days that end with the period (or with `as_of` where
    /// the period is still running).
    Days365,
    /// All before the period's end. With `time` naming a reduction, a row
    /// counts in the period where that reduction falls.
    All,
    /// The records of the last evaluation on or before the period's end; only
    /// for `from = "score"`.
    Latest,
}

/// `num / den`, both kept until the last step; null where `den` is zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    pub num: Term,
    pub den: Term,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Term {
    Metric(MetricRef),
    Measure(Box<Measure>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricRef {
    pub metric: String,
}

/// Customers grouped by the month of their first fact, by months since.
/// The result has the dimensions `cohort` (first day of the month) and `age`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    pub from: String,
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// `customers` counts those active at that age; `share` divides by age 0.
    pub show: CohortShow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CohortShow {
    Customers,
    Share,
}

/// A worked example: a few records, a question, the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub about: Option<Text2>,
    /// Object id → records; a link holds the number or 1-based position of
    /// the record it points to.
    pub given: BTreeMap<String, Vec<toml::Table>>,
    pub as_of: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub grain: Option<Grain>,
    #[serde(default)]
    pub by: Vec<String>,
    /// Rows of the answer as text, null as `null`.
    pub rows: Vec<Vec<String>>,
}

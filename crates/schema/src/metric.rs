//! What one number is. One TOML file each below `definitions/metrics/`; the
//! file name is the id, and every file carries a worked example that runs as
//! a test.
//!
//! Scalars are expressions; everything above a scalar (aggregate, reduction
//! per customer, window, cohort) is a key with a closed set of values.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::calendar::Grain;
use crate::decimal::Decimal;
use crate::definition::Text2;
use crate::question::Compare;

/// The name, beside the reductions, of the day on which the window of a
/// measure with `per` ends: the first day that no longer counts. It is the end
/// of the period, or `as_of` where the period is still running, so
/// `period_end - last` is the recency of metrics and evaluations alike.
pub const PERIOD_END: &str = "period_end";

/// The name of the first day of the period, beside [`PERIOD_END`]. Both may
/// also stand in `where`, `expr` and the reductions, unless the object has a
/// field of that name: then it is the field.
pub const PERIOD_START: &str = "period_start";

/// The name, in a formula, of the number of days of the period, of a running
/// one those that count.
pub const PERIOD_DAYS: &str = "period_days";

/// Whether a path is one of the two names of a period's ends.
pub fn is_bound(path: &[String]) -> bool {
    matches!(path, [name] if name == PERIOD_END || name == PERIOD_START)
}

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
    pub derived: Option<Derived>,
    pub cohort: Option<Cohort>,
    pub conversion: Option<Conversion>,
    /// The dimensions that the number may be split by, of those that all its
    /// inputs have; a link stands for everything over it too. Absent: all.
    /// Two inputs may have one word for different things.
    pub dims: Option<Vec<String>>,
    /// Finest period for which the number is honest.
    #[serde(default = "day")]
    pub grain_min: Grain,
    /// Days after the end of a period until its value is settled.
    #[serde(default)]
    pub settle_days: u32,
    /// With fewer cases than this behind it (a quotient: below the line) a
    /// value is marked as small.
    pub min_n: Option<u32>,
    /// The role that answers for the definition.
    pub owner: Option<String>,
    /// The standard, book or rule that the definition keeps to.
    pub reference: Option<Text2>,
    /// What others have found, to compare with; never a target.
    #[serde(rename = "benchmark", default)]
    pub benchmarks: Vec<Benchmark>,
    #[serde(rename = "example", default)]
    pub examples: Vec<Example>,
}

/// A published value or range, with where it is from and how far to trust it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// Of whom it is, and what it says: a median, a good value, a limit.
    pub about: Text2,
    /// In the metric's unit, a percentage as a share. One end may be open.
    pub low: Option<Decimal>,
    pub high: Option<Decimal>,
    pub source: String,
    /// `2024` or `2024-03`, when it was found; absent: the source does not say.
    pub dated: Option<String>,
    pub grade: BenchmarkGrade,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BenchmarkGrade {
    /// Who counted it publishes it.
    A,
    /// Put together by others.
    B,
    /// A rule of thumb.
    C,
}

fn day() -> Grain {
    Grain::Day
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Money,
    Count,
    Pct,
    Days,
    /// A number between 0 and 1 that is not shown as a percentage.
    Score,
}

impl Unit {
    pub const ALL: [Unit; 5] = [Unit::Money, Unit::Count, Unit::Pct, Unit::Days, Unit::Score];

    pub fn name(self) -> &'static str {
        match self {
            Unit::Money => "money",
            Unit::Count => "count",
            Unit::Pct => "pct",
            Unit::Days => "days",
            Unit::Score => "score",
        }
    }

    pub fn named(name: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|u| u.name() == name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// What is aggregated; only `count` has none, it counts rows. With `per`
    /// it may name the reductions and [`PERIOD_END`], and nothing else.
    pub expr: Option<String>,
    /// Which records of `from` take part.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Reduce to one row per this link of `from` (a field, `customer`) first;
    /// records without the link take no part.
    pub per: Option<String>,
    /// Names of the reductions, with `per` only.
    #[serde(default, rename = "let")]
    pub lets: BTreeMap<String, Reduce>,
    /// Which reduced rows take part, an expression over the same names.
    pub having: Option<String>,
    /// The date that places a row in a period: a field of `from` or a path
    /// over its links; with `per` a reduction (`first`), which needs
    /// `window = "all"`. Absent: the time of the object's copy.
    pub time: Option<String>,
    /// Which facts a period looks at.
    #[serde(default)]
    pub window: Window,
    /// The date with which a record enters a balance, and the one with which
    /// it leaves (never, where that is null): on a day those count that have
    /// entered on or before it and leave after it.
    pub enter: Option<String>,
    /// A date or an instant.
    pub exit: Option<String>,
    /// What a period of several days shows of the balance of each: with
    /// `enter`, or a window that ends with the day. A balance is never added
    /// up over time.
    pub over_time: Option<OverTime>,
    /// The aligned earlier period instead of the period itself.
    pub shift: Option<Compare>,
    /// The same period so many days earlier.
    #[serde(default)]
    pub lag_days: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverTime {
    /// Of the last day.
    Last,
    /// Of the first day.
    First,
    /// The mean of all days.
    Avg,
    /// The highest of all days.
    Max,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agg {
    Sum,
    Count,
    CountDistinct,
    /// Of exact numbers exact to four places, half away from zero; null over
    /// no rows.
    Avg,
    Min,
    Max,
    /// The middle value; of an even number the mean of the middle two.
    Median,
    /// The value below which three quarters lie, between two by their distance.
    P75,
    P90,
}

impl Agg {
    /// The part of the values that lies below, for a quantile.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Agg::Median => Some(0.5),
            Agg::P75 => Some(0.75),
            Agg::P90 => Some(0.9),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Agg::Sum => "sum",
            Agg::Count => "count",
            Agg::CountDistinct => "count_distinct",
            Agg::Avg => "avg",
            Agg::Min => "min",
            Agg::Max => "max",
            Agg::Median => "median",
            Agg::P75 => "p75",
            Agg::P90 => "p90",
        }
    }
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

/// A formula over terms; null where a term is, and where it divides by zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// `+ - * /` and numbers over the names of the terms and [`PERIOD_DAYS`].
    pub formula: String,
    pub terms: BTreeMap<String, Term>,
}

/// `{ metric = "buyers" }`, a metric (in a ratio: one that is a plain
/// measure), or a measure written out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Term {
    Metric(MetricRef),
    Measure(Box<Measure>),
}

impl<'de> Deserialize<'de> for Term {
    /// By hand, because serde's choice between the two would hide what is
    /// wrong in either.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(d)?;
        if table.contains_key("metric") {
            table.try_into().map(Term::Metric)
        } else {
            table.try_into().map(|m| Term::Measure(Box::new(m)))
        }
        .map_err(|e: toml::de::Error| D::Error::custom(e.message()))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricRef {
    pub metric: String,
    /// See [`Measure::shift`] and [`Measure::lag_days`].
    pub shift: Option<Compare>,
    #[serde(default)]
    pub lag_days: u32,
}

/// Customers grouped by the month of their first fact, by months since. The
/// facts are linked to customers by `customer`. The result has the dimensions
/// `cohort` (first day of the month) and `age`, asked for or not.
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

/// Of the keys (customers) whose first fact falls in the period, the share
/// with another fact on a later day, soon enough. A period is shown once all
/// its keys have had that time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    pub from: String,
    /// Which facts may be the first.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Which facts may follow; absent: those that may be the first.
    pub then: Option<String>,
    /// The link to the key.
    pub per: String,
    pub within_days: u32,
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

impl MetricDef {
    /// `measure`, `ratio`, `derived`, `cohort` or `conversion`.
    pub fn kind(&self) -> &'static str {
        let kinds = [
            ("measure", self.measure.is_some()),
            ("ratio", self.ratio.is_some()),
            ("derived", self.derived.is_some()),
            ("cohort", self.cohort.is_some()),
        ];
        let found = kinds.into_iter().find(|(_, is_there)| *is_there);
        found.map_or("conversion", |(kind, _)| kind)
    }

    /// What a ratio or a formula is made of.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        let ratio = self.ratio.iter().flat_map(|r| [&r.num, &r.den]);
        let derived = self.derived.iter().flat_map(|d| d.terms.values());
        ratio.chain(derived)
    }

    /// The definition as one line of text, made from its keys:
    /// `sum(net_amount) of order where kind in ('sale', 'return')`.
    pub fn formula(&self) -> String {
        if let Some(measure) = &self.measure {
            return measure.formula();
        }
        if let Some(ratio) = &self.ratio {
            return format!("({}) ÷ ({})", ratio.num.formula(), ratio.den.formula());
        }
        if let Some(derived) = &self.derived {
            let terms = derived.terms.iter();
            let terms: Vec<String> = terms
                .map(|(name, term)| format!("{name} = ({})", term.formula()))
                .collect();
            return format!("{}, with {}", derived.formula, terms.join(", "));
        }
        if let Some(conversion) = &self.conversion {
            return conversion.formula();
        }
        self.cohort
            .as_ref()
            .map(Cohort::formula)
            .unwrap_or_default()
    }
}

impl Term {
    fn formula(&self) -> String {
        match self {
            Term::Metric(other) => {
                format!("{}{}", other.metric, moved(other.shift, other.lag_days))
            }
            Term::Measure(measure) => measure.formula(),
        }
    }
}

fn moved(shift: Option<Compare>, lag_days: u32) -> String {
    let shift = match shift {
        None => "",
        Some(Compare::Previous) => ", of the period before",
        Some(Compare::Year) => ", of the same period a year before",
    };
    match lag_days {
        0 => shift.to_owned(),
        n => format!("{shift}, of {n} days earlier"),
    }
}

impl Measure {
    fn formula(&self) -> String {
        let rows = of_rows(&self.from, self.filter.as_deref());
        let mut text = call(self.agg, self.expr.as_deref());
        match &self.per {
            None => text.push_str(&rows),
            Some(per) => {
                text.push_str(&format!(" over each {per}"));
                if let Some(having) = &self.having {
                    text.push_str(&format!(" having {having}"));
                }
                let lets = self.lets.iter();
                let lets: Vec<String> = lets
                    .map(|(name, r)| format!("{name} = {}", call(r.agg, r.expr.as_deref())))
                    .collect();
                let with = if lets.is_empty() {
                    String::new()
                } else {
                    format!(", with {}", lets.join(", "))
                };
                text.push_str(&format!("{with}{rows}"));
            }
        }
        if let Some(time) = &self.time {
            text.push_str(&format!(", dated by {time}"));
        }
        text.push_str(match self.window {
            Window::Period => "",
            Window::Days365 => ", in the 365 days to the end of the period",
            Window::All => ", in all days to the end of the period",
            Window::Latest => ", as of the last evaluation",
        });
        if let Some(enter) = &self.enter {
            text.push_str(&format!(", from {enter}"));
            if let Some(exit) = &self.exit {
                text.push_str(&format!(" until before {exit}"));
            }
        }
        text.push_str(match self.over_time {
            Some(OverTime::First) => ", on the first day of the period",
            Some(OverTime::Avg) => ", on average of the days of the period",
            Some(OverTime::Max) => ", on the highest day of the period",
            Some(OverTime::Last) => ", on the last day of the period",
            None if self.enter.is_some() => ", on the last day of the period",
            None => "",
        });
        text.push_str(&moved(self.shift, self.lag_days));
        text
    }
}

impl Conversion {
    fn formula(&self) -> String {
        let rows = of_rows(&self.from, self.filter.as_deref());
        let then = match &self.then {
            None => "another".to_owned(),
            Some(then) => format!("one where {then}"),
        };
        let (per, days) = (&self.per, self.within_days);
        format!(
            "share of the {per}s with their first{rows} in the period that have {then} on a later day within {days} days"
        )
    }
}

impl Cohort {
    fn formula(&self) -> String {
        let rows = of_rows(&self.from, self.filter.as_deref());
        let show = match self.show {
            CohortShow::Customers => "count_distinct(customer)",
            CohortShow::Share => "share of the cohort's customers",
        };
        format!("{show}{rows}, by month of the customer's first and months since")
    }
}

fn call(agg: Agg, expr: Option<&str>) -> String {
    match expr {
        Some(expr) => format!("{}({expr})", agg.name()),
        None => agg.name().to_owned(),
    }
}

fn of_rows(from: &str, filter: Option<&str>) -> String {
    match filter {
        Some(filter) => format!(" of {from} where {filter}"),
        None => format!(" of {from}"),
    }
}

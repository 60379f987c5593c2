//! A question as a plan: which objects are read, what is computed over them
//! and how the answers are put together. Pure: it opens no file, knows no
//! clock and prints as text ([`Plan`] implements `Display`).
//!
//! A measure is aggregated at its own object's grain; only then are measures
//! joined on period and dimensions, so a one-to-many link never inflates a
//! sum, and a ratio keeps numerator and denominator until the last step.

mod dimensions;
mod display;
mod measures;
pub(crate) mod source;
pub(crate) mod spans;

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::calendar::{Grain, Period};
use keji_schema::definition::Text2;
use keji_schema::expr::{Expr, Op};
use keji_schema::metric::{Agg, OverTime, Unit, Window, is_bound};
use keji_schema::question::{Compare, Question};
use keji_schema::{Calendar, Catalog, Decimal, Type};

use crate::error::Result;
use crate::plan::measures::Builder;
use crate::plan::source::question;
pub use crate::plan::source::{Join, Source};
pub use crate::plan::spans::Span;

/// Rows of an answer when the question sets no limit.
pub const DEFAULT_LIMIT: usize = 10_000;

/// What the copy holds, for the spans that a question leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Day of the first and of the last fact; `None` while there is none.
    pub first: Option<Date>,
    pub last: Option<Date>,
    pub today: Date,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub calendar: Calendar,
    /// Facts before this day count.
    pub as_of: Date,
    /// Of days before this one nothing is known.
    pub first: Option<Date>,
    pub asked: Period,
    pub grain: Option<Grain>,
    /// The dimensions beside the period.
    pub dimensions: Vec<Dimension>,
    pub now: Span,
    pub compared: Option<Compared>,
    pub scans: Vec<Scan>,
    pub metrics: Vec<Metric>,
    /// Customers by the month of their first fact and months since: the period
    /// is the cohort's month and the first dimension the age.
    pub cohort: bool,
    pub sort: Vec<SortKey>,
    pub limit: usize,
    /// Days after a period's end until all its values are settled.
    pub settle_days: u32,
}

#[derive(Debug, Clone)]
pub struct Dimension {
    pub name: String,
    pub label: Text2,
    pub kind: Type,
    pub unit: String,
}

#[derive(Debug, Clone)]
pub struct Compared {
    pub by: Compare,
    pub span: Span,
    /// For every period of now, its counterpart in `span`.
    pub counterparts: Vec<Option<usize>>,
}

/// The name of the instant at which a period's end begins; no field has it.
pub const PERIOD_END_AT: &str = "$period_end_at";

/// Whether a path names an end of the period.
pub fn is_end(path: &[String]) -> bool {
    is_bound(path) || matches!(path, [name] if name == PERIOD_END_AT)
}

/// One reading of one object: every state is computed in the same pass.
#[derive(Debug, Clone)]
pub struct Scan {
    pub source: Source,
    /// The column that dates a row; `None` for an object without a time.
    pub time: Option<String>,
    /// Whether `time` decides in which month's file a row stands.
    pub by_month: bool,
    pub window: Window,
    pub moved: Moved,
    /// What a period shows of the values of its days; `None` for that of its
    /// end.
    pub over_time: Option<OverTime>,
    /// All hold for every row.
    pub filters: Vec<Expr>,
    /// Columns, one per dimension of the plan.
    pub dimensions: Vec<String>,
    pub shape: Shape,
    pub states: Vec<State>,
}

/// An earlier period in the place of each that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    pub shift: Option<Compare>,
    pub lag_days: u32,
}

impl Moved {
    pub fn is_none(self) -> bool {
        self == Moved::default()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Aggregates over the rows.
    Rows,
    /// First one row per key (those without a key are left out), then
    /// aggregates over these.
    Reduced(Reduced),
    /// Keys by the month of their first row and the months in which they came
    /// back.
    Cohort { key: String },
    /// One row per key with the day of its `first` fact and, as `next`, that
    /// of the first later one that may follow; then aggregates over these.
    Conversion(Conversion),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    pub key: String,
    /// Which rows may be the first.
    pub first: Option<Expr>,
    /// Which rows may follow.
    pub then: Option<Expr>,
    pub within_days: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    pub key: String,
    pub lets: Vec<Let>,
    /// The reduction that places a key in a period.
    pub dated_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    pub name: String,
    pub agg: Agg,
    pub expr: Option<Expr>,
    pub kind: Type,
}

/// What is kept of the rows of one group: a sum, a count or an extreme, never
/// an average or a ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub name: String,
    pub agg: Agg,
    /// Over the source's columns, or over the reductions of a reduced scan.
    pub expr: Option<Expr>,
    pub filter: Option<Expr>,
    pub kind: Type,
}

#[derive(Debug, Clone)]
pub struct Metric {
    pub id: String,
    pub label: Text2,
    pub unit: Unit,
    /// Fewer cases make a value small.
    pub min_n: Option<u32>,
    pub formula: Formula,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    Measure(Part),
    /// Null where the second is zero.
    Ratio(Part, Part),
    /// Of the cohort at that age, divided by the cohort at age 0.
    ShareOfCohort(Part),
    Derived(Calculation),
}

/// A formula over measures; null where one is, and where it divides by zero.
#[derive(Debug, Clone, PartialEq)]
pub enum Calculation {
    Part(Part),
    Constant(Decimal),
    /// The days of the period that count.
    PeriodDays,
    Negate(Box<Calculation>),
    /// `op` is one of `+ - * /`.
    Of(Op, Box<Calculation>, Box<Calculation>),
}

impl Formula {
    /// In the order in which they are written; the first is what a number is
    /// made of before all.
    pub fn parts(&self) -> Vec<&Part> {
        match self {
            Formula::Measure(part) | Formula::ShareOfCohort(part) => vec![part],
            Formula::Ratio(num, den) => vec![num, den],
            Formula::Derived(calculation) => {
                let mut parts = Vec::new();
                calculation.add_parts(&mut parts, &mut Vec::new());
                parts
            }
        }
    }

    /// The measures whose rows are the cases behind a value: what is divided
    /// by, or all where nothing is.
    pub fn cases(&self) -> Vec<&Part> {
        match self {
            Formula::Ratio(_, den) => vec![den],
            Formula::Derived(calculation) => {
                let (mut parts, mut below) = (Vec::new(), Vec::new());
                calculation.add_parts(&mut parts, &mut below);
                if below.is_empty() { parts } else { below }
            }
            one => one.parts(),
        }
    }
}

impl Calculation {
    fn add_parts<'a>(&'a self, parts: &mut Vec<&'a Part>, below: &mut Vec<&'a Part>) {
        match self {
            Calculation::Part(part) => parts.push(part),
            Calculation::Constant(_) | Calculation::PeriodDays => {}
            Calculation::Negate(x) => x.add_parts(parts, below),
            Calculation::Of(op, a, b) => {
                a.add_parts(parts, below);
                let (n, n_below) = (parts.len(), below.len());
                b.add_parts(parts, below);
                // Of `1 - kept / all` below the line, all are the cases.
                if *op == Op::Div && below.len() == n_below {
                    below.extend_from_slice(&parts[n..]);
                }
            }
        }
    }
}

/// A measure's place among the scans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub scan: usize,
    pub agg: Agg,
    pub state: usize,
    /// The state that counts the rows (for an average: the values) behind it;
    /// a sum over no row is zero, a sum over nulls is null.
    pub rows: usize,
    pub kind: Type,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Index among the columns of the answer.
    pub column: usize,
    pub descending: bool,
    /// By size, without the sign.
    pub absolute: bool,
}

/// Plans a question. `access` is the caller's row filter, an expression over
/// dimensions such as the question's own filter; a metric that lacks one of
/// them cannot be asked.
pub fn plan(
    catalog: &Catalog,
    asked: &Question,
    access: Option<&Expr>,
    facts: &Facts,
) -> Result<Plan> {
    if asked.metrics.is_empty() {
        return Err(question("a question names at least one metric".to_owned()));
    }
    let metrics = asked.metrics.iter().map(|id| catalog.metric(id));
    let metrics = metrics.collect::<keji_schema::Result<Vec<_>>>()?;
    let cohort = is_cohort(&metrics, asked)?;
    let as_of = as_of(asked, facts);
    let period = period(asked, facts, as_of)?;
    let grain = if cohort {
        Some(Grain::Month)
    } else {
        asked.grain
    };
    if let (Some(grain), false) = (grain, cohort)
        && let Some(coarse) = metrics.iter().find(|m| m.grain_min > grain)
    {
        let (id, min) = (&coarse.id, coarse.grain_min.name());
        let message = format!(
            "metric `{id}` is honest by {min} at the finest, not by {}",
            grain.name()
        );
        return Err(question(message));
    }
    let now = Span::new(&catalog.calendar, grain, period, as_of);
    let compared = asked.compare.map(|by| {
        let (span, mut counterparts) = spans::compared(&catalog.calendar, grain, by, &now);
        for counterpart in &mut counterparts {
            // Of days before the first fact nothing is known, which is not zero.
            *counterpart = counterpart.filter(|&i| facts.first.is_none_or(|f| span.end(i) > f));
        }
        Compared {
            by,
            span,
            counterparts,
        }
    });
    let by: Vec<_> = asked
        .by
        .iter()
        .filter(|d| !(cohort && is_cohort_word(d)))
        .collect();
    let mut builder = Builder::new(catalog, &by, asked.filter.as_deref(), access, as_of);
    let formulas = metrics
        .iter()
        .map(|m| builder.metric(m))
        .collect::<Result<Vec<_>>>()?;
    let (scans, mut dimensions) = builder.finish()?;
    if cohort {
        dimensions.insert(0, age());
    }
    let made = metrics.iter().zip(formulas).map(|(def, formula)| Metric {
        id: def.id.clone(),
        label: def.name.clone(),
        unit: def.unit,
        min_n: def.min_n,
        formula,
    });
    let mut plan = Plan {
        calendar: catalog.calendar.clone(),
        as_of,
        first: facts.first,
        asked: period,
        grain,
        dimensions,
        now,
        compared,
        scans,
        metrics: made.collect(),
        cohort,
        sort: Vec::new(),
        limit: asked.limit.unwrap_or(DEFAULT_LIMIT),
        settle_days: metrics.iter().map(|m| m.settle_days).max().unwrap_or(0),
    };
    plan.check()?;
    plan.sort = sort(&plan, &asked.sort)?;
    Ok(plan)
}

impl Plan {
    /// The columns of the answer, in order: name and whether it is a metric's.
    pub fn column_names(&self) -> Vec<String> {
        let period = self
            .grain
            .map(|_| if self.cohort { "cohort" } else { "period" });
        let mut names: Vec<String> = period.into_iter().map(str::to_owned).collect();
        names.extend(self.dimensions.iter().map(|d| d.name.clone()));
        for metric in &self.metrics {
            names.push(metric.id.clone());
            if self.compared.is_some() {
                names.push(format!("{}_previous", metric.id));
                names.push(format!("{}_change", metric.id));
            }
        }
        names
    }

    /// What a scan cannot do with the periods that are asked for.
    fn check(&self) -> Result<()> {
        for scan in &self.scans {
            let object = &scan.source.object;
            if scan.time.is_none() && (self.grain.is_some() || self.compared.is_some()) {
                return Err(question(format!(
                    "`{object}` has no date, so it has no periods"
                )));
            }
            let dated = matches!(
                &scan.shape,
                Shape::Reduced(Reduced {
                    dated_by: Some(_),
                    ..
                })
            );
            if dated && scan.knows_bounds() {
                let message = "what is dated by a reduction cannot name the ends of a period";
                return Err(question(message.to_owned()));
            }
        }
        Ok(())
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span> {
        std::iter::once(&self.now).chain(self.compared.as_ref().map(|c| &c.span))
    }
}

/// The rows that one pass of a scan looks at and the period they count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Included; `None` for all before `to`.
    pub from: Option<Date>,
    /// Not included, except by the last evaluation, which may be of this day.
    pub to: Date,
    /// The first day of the period that the pass is about, which its window
    /// may exceed; of several periods the first.
    pub start: Date,
    /// The instant at which `to` begins, of a pass about one period.
    pub end_at: Option<Timestamp>,
    /// Index of the period, or of the day of a scan [`Scan::by_days`]; `None`
    /// where each row's date decides.
    pub period: Option<usize>,
}

/// The passes of a scan over a span.
#[derive(Debug, Default)]
pub struct Passes {
    pub passes: Vec<Pass>,
    /// Periods of which nothing can be known.
    pub unknown: Vec<usize>,
    /// Of a scan by days the passes of each period.
    pub days: Vec<std::ops::Range<usize>>,
}

impl Scan {
    /// The passes that give the values of a span's periods.
    pub fn passes(&self, plan: &Plan, span: &Span) -> Passes {
        let one = |from, to| {
            let period = (span.periods.len() == 1).then_some(0);
            let start = span.seen.from;
            Passes {
                passes: vec![Pass {
                    from,
                    to,
                    start,
                    end_at: None,
                    period,
                }],
                ..Passes::default()
            }
        };
        let dated = matches!(
            &self.shape,
            Shape::Reduced(Reduced {
                dated_by: Some(_),
                ..
            })
        );
        // A cohort of the span is followed beyond it.
        if matches!(self.shape, Shape::Cohort { .. }) {
            let mut all = one(None, plan.as_of);
            all.passes[0].period = None;
            return all;
        }
        // What follows does so beyond the span, too.
        if let Shape::Conversion(conversion) = &self.shape {
            let mut all = one(None, plan.as_of);
            all.passes[0].period = None;
            let days = conversion.within_days as i32;
            let is_ripe = |i: &usize| spans::plus(span.end(*i), days) <= plan.as_of;
            let periods = 0..span.periods.len();
            all.unknown = periods.filter(|i| !is_ripe(i)).collect();
            return all;
        }
        let is_plain = self.moved.is_none() && self.over_time.is_none() && !self.knows_bounds();
        if is_plain && self.window == Window::Period {
            return one(Some(span.seen.from), span.seen.to);
        }
        if is_plain && dated {
            let mut all = one(None, span.seen.to);
            all.passes[0].period = None;
            return all;
        }
        let mut all = Passes::default();
        for (i, window) in self.windows(plan, span).into_iter().enumerate() {
            let Some(Period { from, to }) = window else {
                all.unknown.push(i);
                continue;
            };
            let zone = &plan.calendar.zone;
            let pass = |start, to: Date, period| Pass {
                from: match self.window {
                    Window::Period => Some(start),
                    Window::Days365 => Some(spans::plus(to, -365)),
                    Window::All | Window::Latest => None,
                },
                to,
                start,
                end_at: to.to_zoned(zone.clone()).ok().map(|at| at.timestamp()),
                period: Some(period),
            };
            match self.over_time {
                None | Some(OverTime::Last) => all.passes.push(pass(from, to, i)),
                Some(OverTime::First) => {
                    let next = spans::plus(from, 1).min(to);
                    all.passes.push(pass(from, next, i));
                }
                Some(OverTime::Avg | OverTime::Max) => {
                    let n = all.passes.len();
                    let mut day = from;
                    while day < to {
                        let next = spans::plus(day, 1);
                        all.passes.push(pass(day, next, all.passes.len()));
                        day = next;
                    }
                    all.days.resize(i, n..n);
                    all.days.push(n..all.passes.len());
                }
            }
        }
        all
    }

    /// Whether each day of a period has a pass of its own.
    pub fn by_days(&self) -> bool {
        matches!(self.over_time, Some(OverTime::Avg | OverTime::Max))
    }

    /// The days that stand for each period; `None` where nothing is known of
    /// them.
    fn windows(&self, plan: &Plan, span: &Span) -> Vec<Option<Period>> {
        let calendar = &plan.calendar;
        let windows = (0..span.periods.len()).map(|i| {
            let own = Period {
                from: span.periods[i].from.max(span.seen.from),
                to: span.end(i),
            };
            // Each period for itself: of several, the one before is mostly
            // among them.
            match self.moved.shift {
                None => own,
                Some(Compare::Previous) => calendar.span_before(own, plan.grain),
                Some(Compare::Year) => calendar.span_year_before(own, plan.grain),
            }
        });
        let lag = self.moved.lag_days as i32;
        let earlier = |w: Period| Period {
            from: spans::plus(w.from, -lag),
            to: spans::plus(w.to, -lag),
        };
        // Of days before the first fact nothing is known, which is not zero.
        let is_known =
            |w: &Period| self.moved.is_none() || plan.first.is_none_or(|first| w.to > first);
        windows
            .map(earlier)
            .map(|w| Some(w).filter(is_known))
            .collect()
    }

    /// Whether an expression differs from period to period by its ends.
    pub fn knows_bounds(&self) -> bool {
        let names = |expr: &Expr| expr.fields().iter().any(|f| is_end(f));
        let of_states = |s: &State| s.expr.iter().chain(&s.filter).any(names);
        let of_lets = match &self.shape {
            Shape::Reduced(reduced) => reduced.lets.iter().any(|l| l.expr.iter().any(names)),
            Shape::Rows | Shape::Cohort { .. } | Shape::Conversion(_) => false,
        };
        of_lets || self.filters.iter().any(names) || self.states.iter().any(of_states)
    }
}

fn as_of(asked: &Question, facts: &Facts) -> Date {
    asked.as_of.unwrap_or_else(|| {
        // Today's facts count; those of a mistyped later day do not.
        let tomorrow = spans::plus(facts.today, 1);
        let after_last = facts.last.map(|last| spans::plus(last, 1));
        after_last.map_or(facts.today, |day| day.min(tomorrow))
    })
}

fn period(asked: &Question, facts: &Facts, as_of: Date) -> Result<Period> {
    let to = asked.to.unwrap_or(as_of);
    let from = asked
        .from
        .unwrap_or_else(|| facts.first.unwrap_or(to).min(to));
    if asked.from.is_some() && asked.to.is_some() && from >= to {
        return Err(question(format!(
            "the period from {from} to {to} has no day"
        )));
    }
    Ok(Period {
        from: from.min(to),
        to,
    })
}

fn is_cohort(metrics: &[&keji_schema::metric::MetricDef], asked: &Question) -> Result<bool> {
    let n = metrics.iter().filter(|m| m.cohort.is_some()).count();
    if n == 0 {
        return Ok(false);
    }
    let refused = if n < metrics.len() {
        "cohort metrics are asked apart from other metrics"
    } else if asked.grain.is_some_and(|g| g != Grain::Month) {
        "cohorts are by month"
    } else if asked.compare.is_some() {
        "cohorts are not compared with an earlier period"
    } else {
        return Ok(true);
    };
    Err(question(refused.to_owned()))
}

fn is_cohort_word(name: &str) -> bool {
    name == "cohort" || name == "age"
}

fn age() -> Dimension {
    Dimension {
        name: "age".to_owned(),
        label: Text2 {
            zh: "月龄".to_owned(),
            en: "Age in months".to_owned(),
        },
        kind: Type::Int,
        unit: "count".to_owned(),
    }
}

fn sort(plan: &Plan, asked: &[String]) -> Result<Vec<SortKey>> {
    let names = plan.column_names();
    let key = |text: &String| {
        let (descending, rest) = strip(text, "-");
        let (absolute, name) = strip(rest, "abs:");
        let column = names.iter().position(|n| n == name).ok_or_else(|| {
            question(format!(
                "cannot sort by `{name}`; the columns are {}",
                names.join(", ")
            ))
        })?;
        Ok(SortKey {
            column,
            descending,
            absolute,
        })
    };
    asked.iter().map(key).collect()
}

fn strip<'a>(text: &'a str, prefix: &str) -> (bool, &'a str) {
    text.strip_prefix(prefix)
        .map_or((false, text), |rest| (true, rest))
}

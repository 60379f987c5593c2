//! Runs a plan over one snapshot of the copy: every pass of every scan through
//! DataFusion, the small results put together in plain Rust. It must not know
//! questions, callers or the store.

mod answer;
mod engine;
mod groups;
mod memo;
mod pass;
mod roll_up;
mod slide;
pub(crate) mod tables;

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_schema::Catalog;
use keji_schema::calendar::Grain;
use keji_schema::metric::{Agg, Window};
use keji_schema::question::Answer;

use crate::copy::Snapshot;
use crate::error::Result;
use crate::plan::{Pass, Passes, Plan, Scan, Shape, Span};
pub use crate::run::engine::{Engine, MEMORY_BYTES};

use crate::run::groups::Groups;
pub(crate) use crate::run::groups::value_at;
pub(crate) use crate::run::pass::{KEY, Reader, filtered, with_bounds};

/// Answers a plan from the files of `snapshot`.
pub async fn run(
    engine: &Engine,
    catalog: &Catalog,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<Answer> {
    let reader = Reader {
        engine,
        catalog,
        snapshot,
        plan,
    };
    let mut spans = Vec::new();
    for span in plan.spans() {
        let mut tables = Vec::new();
        for scan in &plan.scans {
            tables.push(scanned(&reader, scan, span).await?);
        }
        spans.push(tables);
    }
    let before = if plan.compared.is_some() {
        spans.pop()
    } else {
        None
    };
    let now = spans.pop().unwrap_or_default();
    answer::answer(plan, &now, before.as_deref(), snapshot.seq())
}

async fn scanned(reader: &Reader<'_>, scan: &Scan, span: &Span) -> Result<Groups> {
    let mut groups = Groups::default();
    let Passes {
        passes,
        unknown,
        days,
    } = scan.passes(reader.plan, span);
    if scan.by_days() {
        groups.of_days(scan.over_time, days);
    }
    unknown.into_iter().for_each(|i| groups.without_data(i));
    if scan.window == Window::Latest {
        let days = reader.days(scan, passes.iter().map(|p| p.to).max()).await?;
        // Several periods may look at one evaluation, which is read once.
        let mut by_day: BTreeMap<Date, Vec<usize>> = BTreeMap::new();
        for Pass { to, period, .. } in passes {
            let period = period.unwrap_or(0);
            match days.range(..=to).next_back() {
                Some(day) => by_day.entry(*day).or_default().push(period),
                None => groups.without_data(period),
            }
        }
        for (day, periods) in by_day {
            let batches = reader.evaluation(scan, day).await?;
            for period in periods {
                groups.add(reader.plan, scan, span, Some(period), &batches)?;
            }
        }
        return Ok(groups);
    }
    let is_plain = scan.moved.is_none() && scan.over_time.is_none() && !scan.knows_bounds();
    if is_plain && let Some(groups) = roll_up::rolled_up(reader, scan, span).await? {
        return Ok(groups);
    }
    if passes.len() > 1 && slide::slides(scan) {
        slide::slide(reader, scan, span, &passes, &mut groups).await?;
        return Ok(groups);
    }
    let passes = if is_plain {
        pieces(reader, scan, span, passes)
    } else {
        passes
    };
    for pass in passes {
        let batches = reader.pass(scan, span, pass).await?;
        groups.add(reader.plan, scan, span, pass.period, &batches)?;
    }
    Ok(groups)
}

/// The passes cut at the turns of months, where their groups can be put
/// together again: a month that did not change is then not read again.
fn pieces(reader: &Reader<'_>, scan: &Scan, span: &Span, passes: Vec<Pass>) -> Vec<Pass> {
    let merges = |agg| matches!(agg, Agg::Sum | Agg::Count | Agg::Min | Agg::Max);
    let grain = reader.plan.grain;
    let is_month = grain == Some(Grain::Month);
    // With dimensions every piece may have nearly as many groups as the whole.
    let splits = scan.by_month
        && scan.shape == Shape::Rows
        && scan.window == Window::Period
        && scan.states.iter().all(|s| merges(s.agg))
        && (scan.dimensions.is_empty() || is_month);
    if !splits {
        return passes;
    }
    let cut = |from, to, period| {
        let months = reader.months(scan, from, to).into_iter();
        months.map(move |(from, to)| Pass {
            from: Some(from),
            to,
            start: from,
            end_at: None,
            period,
        })
    };
    if matches!(grain, Some(Grain::Day | Grain::Week)) {
        let pieces = passes.iter().flat_map(|p| cut(p.from, p.to, p.period));
        return pieces.collect();
    }
    // The days of a period are known, so that no row needs to tell its own.
    let pieces = span.periods.iter().enumerate().flat_map(|(i, period)| {
        let from = period.from.max(span.seen.from);
        cut(Some(from), span.end(i), Some(i))
    });
    pieces.collect()
}

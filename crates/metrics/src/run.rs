//! Runs a plan over one snapshot of the copy: every pass of every scan through
//! DataFusion, the small results put together in plain Rust. It must not know
//! questions, callers or the store.

mod answer;
mod engine;
mod groups;
mod pass;
mod slide;
pub(crate) mod tables;

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_schema::Catalog;
use keji_schema::metric::Window;
use keji_schema::question::Answer;

use crate::copy::Snapshot;
use crate::error::Result;
use crate::plan::{Pass, Plan, Scan, Span};
pub use crate::run::engine::{Engine, MEMORY_BYTES};

use crate::run::groups::Groups;
pub(crate) use crate::run::groups::value_at;
pub(crate) use crate::run::pass::{KEY, Reader, filtered, with_end};

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
    if scan.window == Window::Latest {
        let passes = scan.passes(span, reader.plan.as_of);
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
    let passes = scan.passes(span, reader.plan.as_of);
    if passes.len() > 1 && slide::slides(scan) {
        slide::slide(reader, scan, span, &passes, &mut groups).await?;
        return Ok(groups);
    }
    for pass in passes {
        let batches = reader.pass(scan, span, pass).await?;
        groups.add(reader.plan, scan, span, pass.period, &batches)?;
    }
    Ok(groups)
}

//! Which rows a model may learn from, and which judge it.
//! Must not shuffle: rows with a date are cut by date, or the test knows the future.

use std::collections::BTreeMap;

use crate::error::{self, Result};
use crate::features;

/// Positions of rows, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub learn: Vec<usize>,
    pub judge: Vec<usize>,
    /// In neither part: their outcome was still open at the cut.
    pub open: Vec<usize>,
}

/// Cuts rows scored on `days` (day numbers) at `cut`: the model is made on that day, judged on what came after.
///
/// The outcome of a row is known `horizon_days` after it was scored, so rows from the last `horizon_days` before the
/// cut may not be learned from: on the day of the cut nobody knew how they would end. Fails if either part is empty.
pub fn by_time(days: &[i64], cut: i64, horizon_days: u32) -> Result<Split> {
    let mut split = Split {
        learn: Vec::new(),
        judge: Vec::new(),
        open: Vec::new(),
    };
    for (row, &day) in days.iter().enumerate() {
        if day >= cut {
            split.judge.push(row);
        } else if day.saturating_add(i64::from(horizon_days)) <= cut {
            split.learn.push(row);
        } else {
            split.open.push(row);
        }
    }
    features::at_least("rows before the cut", 1, split.learn.len())?;
    features::at_least("rows after the cut", 1, split.judge.len())?;
    Ok(split)
}

/// Every `step`-th row from `first` on judges, for data without a date.
pub fn every(n: usize, step: usize, first: usize) -> Result<Split> {
    error::within("step", step as f64, 2.0, n.max(2) as f64)?;
    error::within("first", first as f64, 0.0, (step - 1) as f64)?;
    let (judge, learn) = (0..n).partition(|row| row % step == first);
    Ok(Split {
        learn,
        judge,
        open: Vec::new(),
    })
}

/// Folds 0 to k-1 that share both outcomes out evenly, in order of rows.
pub fn folds(outcome: &[bool], k: usize) -> Result<Vec<u32>> {
    error::within("number of folds", k as f64, 2.0, 20.0)?;
    let n_positive = features::check_both(outcome)?;
    let rarer = n_positive.min(outcome.len() - n_positive);
    features::at_least("rows of the rarer outcome", k, rarer)?;
    let mut seen = [0, 0];
    Ok(outcome
        .iter()
        .map(|&y| {
            let next = &mut seen[usize::from(y)];
            *next += 1;
            ((*next - 1) % k) as u32
        })
        .collect())
}

/// Folds 0 to k-1 that keep rows of one customer together, for tables with a row per customer and day.
pub fn folds_by_customer(customers: &[u64], k: usize) -> Result<Vec<u32>> {
    error::within("number of folds", k as f64, 2.0, 20.0)?;
    let mut positions: BTreeMap<u64, usize> = customers.iter().map(|&id| (id, 0)).collect();
    features::at_least("customers", k, positions.len())?;
    for (position, slot) in positions.values_mut().enumerate() {
        *slot = position;
    }
    let fold = |id| {
        positions
            .get(id)
            .map_or(0, |position| (position % k) as u32)
    };
    Ok(customers.iter().map(fold).collect())
}

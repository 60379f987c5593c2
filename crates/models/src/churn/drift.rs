//! Has the world changed since the model was made: the population stability index of columns and of scores.
//! Must not look at outcomes, which come in late; [`super::calibration::advise`] does.
//!
//! PSI = sum over bins (q_i - p_i) ln(q_i / p_i), p and q the shares then and now: the symmetric Kullback-Leibler
//! divergence. Bins are ten quantiles of then, or levels, and one for "not known". Half a row is added to each bin,
//! so that an empty one does not make it infinite.
//!
//! By custom below 0.1 is no change and above 0.25 a strong one. Small samples exceed 0.1 by chance: without any
//! change PSI is about chi-square with B-1 degrees times 1/n + 1/m (Yurdakul & Naranjo 2020, Journal of Risk Model
//! Validation 14), and what stays within 95% of that is called no change here.

use crate::error::{self, Result, RowProblem};
use crate::features::{self, Features};
use crate::proportion::chi_square_95;

use super::bins::{Bins, Cuts};

#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    pub name: String,
    pub psi: f64,
    /// What would be exceeded once in twenty times without any change.
    pub by_chance: f64,
    /// Share of rows whose value is not known, or was never seen, then and now.
    pub unknown_then: f64,
    pub unknown_now: f64,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    None,
    Some,
    Strong,
}

/// Drift of every column. Both tables have the same columns; fails on an empty one.
pub fn of_columns(then: &Features, now: &Features) -> Result<Vec<Drift>> {
    features::at_least("rows then", 1, then.n_rows())?;
    features::at_least("rows now", 1, now.n_rows())?;
    let bins = Bins::of(then, 10);
    now.check_like(&bins.shapes)?;
    let (then, now) = (bins.place(then), bins.place(now));
    let columns = bins.columns.iter().zip(&bins.shapes);
    Ok(columns
        .zip(then.iter().zip(&now))
        .map(|((cuts, shape), (then, now))| psi(&shape.name, &count(then, cuts), &count(now, cuts)))
        .collect())
}

/// Drift of scores. Fails on scores that are not finite and on empty lists.
pub fn of_scores(then: &[f64], now: &[f64]) -> Result<Drift> {
    for scores in [then, now] {
        if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
            return Err(error::row(row)(RowProblem::BadScore(scores[row])));
        }
    }
    let table = |scores: &[f64]| Features::new(scores.len()).number("score", scores.to_vec());
    let mut drifts = of_columns(&table(then)?, &table(now)?)?;
    drifts.pop().ok_or(error::Error::NotEnough("no scores"))
}

fn count(column: &[u8], cuts: &Cuts) -> Vec<f64> {
    let mut counts = vec![0.0; cuts.n_bins()];
    for &bin in column {
        counts[usize::from(bin)] += 1.0;
    }
    counts
}

fn psi(name: &str, then: &[f64], now: &[f64]) -> Drift {
    let (n, m): (f64, f64) = (then.iter().sum(), now.iter().sum());
    let pairs = || then.iter().zip(now).filter(|(a, b)| **a + **b > 0.0);
    let n_bins = pairs().count() as f64;
    let term = |(a, b): (&f64, &f64)| {
        let p = (a + 0.5) / (n + 0.5 * n_bins);
        let q = (b + 0.5) / (m + 0.5 * n_bins);
        (q - p) * (q / p).ln()
    };
    let psi: f64 = pairs().map(term).sum();
    let by_chance = if n_bins > 1.0 {
        chi_square_95(n_bins - 1.0) * (1.0 / n + 1.0 / m)
    } else {
        0.0
    };
    let verdict = match psi {
        psi if psi < 0.1 || psi <= by_chance => Verdict::None,
        psi if psi < 0.25 => Verdict::Some,
        _ => Verdict::Strong,
    };
    let unknown = |counts: &[f64], total: f64| counts.first().map_or(0.0, |k| k / total);
    Drift {
        name: name.to_owned(),
        psi,
        by_chance,
        unknown_then: unknown(then, n),
        unknown_now: unknown(now, m),
        verdict,
    }
}

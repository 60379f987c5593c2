//! How well a fit on a calibration period foretold a hold-out period, beside a naive rule that needs no model.
//! Must not split data; the caller decides where calibration ends.
//!
//! Naive rule: everybody goes on at the own past rate, x/T H purchases, and 0 for customers first seen on the last
//! day (T = 0). A model that does not beat it on error is not worth showing.

use crate::error::{self, Error, Result};
use crate::history::Collapsed;
use crate::predict::predict_all;
use crate::purchase_model::PurchaseModel;

/// Totals over customers and errors per customer, in purchases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holdout {
    pub n: usize,
    pub actual_total: f64,
    pub model: Score,
    pub naive: Score,
    pub mean_p_alive: f64,
    /// Share of customers with at least one purchase in the hold-out.
    pub actual_active_share: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    pub expected_total: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean squared error.
    pub rmse: f64,
    /// Pearson correlation of expected and actual; 0 when one of them does not vary.
    pub correlation: f64,
}

/// Scores predictions for `horizon` weeks; `actual` holds purchases in the hold-out per row of `data`.
pub fn score<M: PurchaseModel>(
    params: &M,
    data: &Collapsed,
    actual: &[u32],
    horizon: f64,
) -> Result<Holdout> {
    error::same_length("actual", data.n_customers(), actual.len())?;
    if !(horizon > 0.0 && horizon.is_finite()) {
        return Err(Error::Horizon(horizon));
    }
    let predictions = predict_all(params, data, &[horizon], None)?;
    let naive: Vec<f64> = data
        .iter()
        .map(|(history, _)| {
            if history.age > 0.0 {
                f64::from(history.repeats) / history.age * horizon
            } else {
                0.0
            }
        })
        .collect();
    let n = actual.len() as f64;
    let compare = |per_group: &[f64]| {
        let expected = data
            .group_of()
            .iter()
            .map(|&group| per_group[group as usize]);
        score_rows(expected, actual)
    };
    let p_alive = |&group: &u32| predictions.p_alive[group as usize];
    Ok(Holdout {
        n: actual.len(),
        actual_total: actual.iter().map(|&y| f64::from(y)).sum(),
        model: compare(&predictions.expected[0]),
        naive: compare(&naive),
        mean_p_alive: data.group_of().iter().map(p_alive).sum::<f64>() / n,
        actual_active_share: actual.iter().filter(|&&y| y > 0).count() as f64 / n,
    })
}

/// Scores expected against actual numbers per row, whatever they were expected from.
pub fn compare(expected: &[f64], actual: &[u32]) -> Result<Score> {
    error::same_length("actual", expected.len(), actual.len())?;
    if actual.is_empty() {
        return Err(Error::NotEnough("no rows"));
    }
    Ok(score_rows(expected.iter().copied(), actual))
}

fn score_rows(expected: impl Iterator<Item = f64> + Clone, actual: &[u32]) -> Score {
    let n = actual.len() as f64;
    let pairs = expected.zip(actual.iter().map(|&y| f64::from(y)));
    let (mut total, mut actual_total, mut absolute, mut squared) = (0.0, 0.0, 0.0, 0.0);
    for (e, y) in pairs.clone() {
        total += e;
        actual_total += y;
        absolute += (e - y).abs();
        squared += (e - y) * (e - y);
    }
    let (mut ee, mut yy, mut ey) = (0.0, 0.0, 0.0);
    for (e, y) in pairs {
        let (de, dy) = (e - total / n, y - actual_total / n);
        ee += de * de;
        yy += dy * dy;
        ey += de * dy;
    }
    Score {
        expected_total: total,
        mae: absolute / n,
        rmse: (squared / n).sqrt(),
        correlation: if ee > 0.0 && yy > 0.0 {
            ey / (ee * yy).sqrt()
        } else {
            0.0
        },
    }
}

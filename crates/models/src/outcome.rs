//! What one customer may actually do: the exact distribution of purchases in a horizon, and an interval from it.
//! Must not be confused with the standard error of an expectation, which is far narrower.
//!
//! The models give P(X > j) in closed form or as an integral, so no simulation is needed. The uncertainty of the
//! parameters is mixed in over [`crate::fit::Fitted::spread`], again without random numbers.
//! Cost: 8 sums of about as many terms as purchases expected.

use crate::error::{self, Error, Result};
use crate::fit::Fitted;
use crate::history::{Collapsed, PurchaseHistory};
use crate::purchase_model::PurchaseModel;
use crate::special::deviations;

/// Purchases a customer will make with at least the given probability, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub lower: u32,
    pub upper: u32,
    pub level: f64,
}

/// Interval for the number of purchases of one customer in the next `horizon` weeks.
///
/// Holds outcome and parameter uncertainty; counts being whole, it covers at least `level` (0 < level < 1), not
/// exactly. Each tail holds at most (1-level)/2.
pub fn interval<M: PurchaseModel>(
    fitted: &Fitted<M, 4>,
    customer: &PurchaseHistory,
    horizon: f64,
    level: f64,
) -> Result<Interval> {
    customer.check().map_err(error::row(0))?;
    error::horizon(horizon)?;
    check_level(level)?;
    let tail = 0.5 * (1.0 - level);
    let points = fitted.spread();
    let mut walks: Vec<_> = points
        .iter()
        .map(|params| params.outcomes(customer, horizon))
        .collect();
    let n_points = walks.len() as f64;
    let mut next = || walks.iter_mut().map(|more| more()).sum::<f64>() / n_points;
    // lower = the first count with P(X <= count) > tail; upper = the first with P(X > count) <= tail.
    let mut lower = None;
    let mut count = 0;
    loop {
        // P(X > count), mixed over the parameter points.
        let more = next();
        if lower.is_none() && 1.0 - more > tail {
            lower = Some(count);
        }
        if more <= tail || count == u32::MAX {
            let lower = lower.unwrap_or(count);
            return Ok(Interval {
                lower,
                upper: count,
                level,
            });
        }
        count += 1;
    }
}

/// What all customers together may do in the next `horizon` weeks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TotalInterval {
    /// As [`crate::predict::expected_total`], averaged over the uncertainty of the parameters.
    pub expected: f64,
    /// Of the outcome: customers' chance and parameters together.
    pub std_dev: f64,
    pub lower: f64,
    pub upper: f64,
    pub level: f64,
}

/// Interval for the sum of the purchases of all customers in the next `horizon` weeks, at `level` (0 < level < 1).
///
/// Customers are independent given the parameters, so their variances add, and the sum is near normal for some tens
/// of purchases; the variance of the expectation over the parameters comes on top. It knows nothing of what moves all
/// customers at once, such as a season or a campaign. Cost: 8 distributions per distinct history.
pub fn total_interval<M: PurchaseModel>(
    fitted: &Fitted<M, 4>,
    data: &Collapsed,
    horizon: f64,
    level: f64,
) -> Result<TotalInterval> {
    error::horizon(horizon)?;
    check_level(level)?;
    let points = fitted.spread();
    let totals: Vec<[f64; 2]> = points
        .iter()
        .map(|params| {
            data.iter()
                .fold([0.0; 2], |[mean, variance], (customer, n)| {
                    let [one, squared] = moments(params.outcomes(&customer, horizon));
                    let n = f64::from(n);
                    [mean + n * one, variance + n * (squared - one * one)]
                })
        })
        .collect();
    let n = totals.len() as f64;
    let expected = totals.iter().map(|[mean, _]| mean).sum::<f64>() / n;
    let variance = totals
        .iter()
        .map(|[mean, variance]| variance + (mean - expected) * (mean - expected))
        .sum::<f64>()
        / n;
    let std_dev = variance.max(0.0).sqrt();
    let reach = deviations(level) * std_dev;
    Ok(TotalInterval {
        expected,
        std_dev,
        lower: (expected - reach).max(0.0),
        upper: expected + reach,
        level,
    })
}

/// Mean and mean square of X from P(X > 0), P(X > 1), ..
fn moments(mut more: impl FnMut() -> f64) -> [f64; 2] {
    /// Beyond it nothing is left even of daily purchases over decades.
    const MAX_COUNT: u32 = 1_000_000;
    let (mut mean, mut square) = (0.0, 0.0);
    for j in 0..MAX_COUNT {
        let p = more();
        let term = (2.0 * f64::from(j) + 1.0) * p;
        mean += p;
        square += term;
        if term <= 1e-10 * square {
            break;
        }
    }
    [mean, square]
}

fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        Ok(())
    } else {
        Err(Error::OutOfRange {
            name: "level",
            value: level,
        })
    }
}

/// P(X = 0), .., P(X = n-1) of the purchases X in the next `horizon` weeks.
pub fn distribution<M: PurchaseModel>(
    params: &M,
    customer: &PurchaseHistory,
    horizon: f64,
    n: u32,
) -> Result<Vec<f64>> {
    customer.check().map_err(error::row(0))?;
    error::horizon(horizon)?;
    let mut next = params.outcomes(customer, horizon);
    let mut at_least = 1.0;
    Ok((0..n)
        .map(|_| {
            let more = next();
            let exactly = at_least - more;
            at_least = more;
            exactly
        })
        .collect())
}

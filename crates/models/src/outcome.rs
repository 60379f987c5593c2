//! What one customer may actually do: the exact distribution of purchases in a horizon, and an interval from it.
//! Must not be confused with the standard error of an expectation, which is far narrower.
//!
//! The models give P(X > j) in closed form or as an integral, so no simulation is needed. The uncertainty of the
//! parameters is mixed in over [`crate::fit::Fitted::spread`], again without random numbers.
//! Cost: 8 sums of about as many terms as purchases expected.

use crate::error::{self, Error, Result};
use crate::fit::Fitted;
use crate::history::PurchaseHistory;
use crate::purchase_model::PurchaseModel;

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
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::OutOfRange {
            name: "level",
            value: level,
        });
    }
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

//! What one customer may actually do: the exact distribution of purchases in a horizon, and an interval from it.
//! Must not be confused with the standard error of an expectation, which is far narrower.
//!
//! Given alive, purchase rate and dropout probability are independent a posteriori: gamma (r+x, alpha+T) and beta
//! (a, b'') with b'' = b+x for BG and b+x+1 for MBG. Let N be the purchases that would happen in H without dropout.
//! The customer makes at least j of them if N >= j and the first j-1 were not followed by dropout, so
//!
//! P(X >= j) = P(alive) P(N >= j) prod over i < j-1 of (b''+i)/(a+b''+i),
//!
//! N negative binomial with size r+x and probability H/(alpha+T+H). This is a closed form; no simulation is needed.
//! The uncertainty of the parameters is mixed in over [`crate::fit::Fitted::spread`], again without random numbers.
//! Cost: 8 sums of about as many terms as purchases expected.

use crate::beta_geometric::{FittedPurchases, Params};
use crate::error::{self, Error, Result};
use crate::history::PurchaseHistory;
use crate::predict::alive;

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
pub fn interval(
    fitted: &FittedPurchases,
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
    let mut walks: Vec<Walk> = fitted
        .spread()
        .iter()
        .map(|params| Walk::new(params, customer, horizon))
        .collect();
    let n_points = walks.len() as f64;
    let mut next = || walks.iter_mut().map(Walk::advance).sum::<f64>() / n_points;
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
pub fn distribution(
    params: &Params,
    customer: &PurchaseHistory,
    horizon: f64,
    n: u32,
) -> Result<Vec<f64>> {
    customer.check().map_err(error::row(0))?;
    error::horizon(horizon)?;
    let mut walk = Walk::new(params, customer, horizon);
    let mut at_least = 1.0;
    Ok((0..n)
        .map(|_| {
            let more = walk.advance();
            let exactly = at_least - more;
            at_least = more;
            exactly
        })
        .collect())
}

/// Walks over j = 1, 2, .. and yields P(X >= j).
struct Walk {
    a: f64,
    b_after: f64,
    size: f64,
    ln_z: f64,
    j: f64,
    /// ln P(N = j), and P(N > j).
    ln_p: f64,
    above: f64,
    /// P(alive) times the probability of not having dropped out before purchase j.
    surviving: f64,
}

impl Walk {
    fn new(params: &Params, customer: &PurchaseHistory, horizon: f64) -> Self {
        let x = f64::from(customer.repeats);
        let size = params.r + x;
        let start = params.alpha + customer.age;
        let ln_p = -size * (horizon / start).ln_1p();
        Walk {
            a: params.a,
            b_after: params.b_shifted() + x,
            size,
            ln_z: (horizon / (start + horizon)).ln(),
            j: 0.0,
            ln_p,
            above: -ln_p.exp_m1(),
            surviving: alive(params, customer),
        }
    }

    fn advance(&mut self) -> f64 {
        let at_least = self.surviving * self.above;
        self.surviving *= (self.b_after + self.j) / (self.a + self.b_after + self.j);
        self.ln_p += self.ln_z + ((self.size + self.j) / (self.j + 1.0)).ln();
        self.j += 1.0;
        self.above = (self.above - self.ln_p.exp()).max(0.0);
        at_least
    }
}

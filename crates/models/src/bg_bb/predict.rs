//! What the BG/BB says of a customer and of a new one. Must not fit.
//!
//! A posteriori, given alive at n, the transaction probability is beta (alpha+x, beta+n-x) and the death probability
//! beta (gamma, delta+n), independent. With A the share of the term of being alive at n in the likelihood,
//! p = (alpha+x)/(alpha+beta+n) and S_i = prod over l < i of (delta+n+l)/(gamma+delta+n+l), the probability of
//! living to opportunity n+i,
//!
//! E[X(n, n+m)] = A p (S_1 + .. + S_m),   DERT = A p sum over i >= 1 of S_i/(1+d)^i.
//!
//! The sum stands for the closed form of the paper, which divides by gamma - 1.

use super::{FittedBgBb, History, Params, Tables, shares};
use crate::error::{self, Error, Result};
use crate::gauss;
use crate::outcome::Interval;

/// More opportunities ahead than this are refused, because sums are taken one by one.
pub const MAX_AHEAD: u32 = 1_000_000;

/// Beyond this many opportunities [`distribution`] is refused: its cost grows with the square.
pub const MAX_DISTRIBUTION: u32 = 2_000;

/// Probability of being alive at opportunity n+1, the next one.
pub fn p_alive(params: &Params, customer: &History) -> Result<f64> {
    p_alive_at(params, customer, 1)
}

/// Probability of being alive at opportunity n + `ahead`; at 0, of having been alive at the last one observed.
pub fn p_alive_at(params: &Params, customer: &History, ahead: u32) -> Result<f64> {
    check(customer, ahead)?;
    let living = Living::new(params, customer.opportunities);
    let stays: f64 = living.steps().take(ahead as usize).product();
    Ok(alive(params, customer) * stays)
}

/// Transactions expected at the next `ahead` opportunities.
pub fn expected_transactions(params: &Params, customer: &History, ahead: u32) -> Result<f64> {
    check(customer, ahead)?;
    let living = Living::new(params, customer.opportunities);
    Ok(alive(params, customer) * probability(params, customer) * living.total(ahead))
}

/// Transactions expected at the first `opportunities` after the first transaction, E\[X(n)\].
pub fn expected_of_new(params: &Params, opportunities: u32) -> Result<f64> {
    expected_transactions(params, &NEW_CUSTOMER, opportunities)
}

/// Standard error of [`expected_transactions`] as a mean; `None` when the fit has no covariance.
pub fn expected_transactions_std_error(
    fitted: &FittedBgBb,
    customer: &History,
    ahead: u32,
) -> Result<Option<f64>> {
    check(customer, ahead)?;
    Ok(fitted.std_error_of(|params| {
        let living = Living::new(params, customer.opportunities);
        alive(params, customer) * probability(params, customer) * living.total(ahead)
    }))
}

/// Discounted expected residual transactions (DERT): all transactions to come, that at n+i worth
/// 1/(1+`discount`)^i. `discount` is per opportunity and above zero.
pub fn residual_transactions(params: &Params, customer: &History, discount: f64) -> Result<f64> {
    check(customer, 0)?;
    if !(discount > 0.0 && discount.is_finite()) {
        return Err(Error::OutOfRange {
            name: "discount",
            value: discount,
        });
    }
    let z = (1.0 + discount).recip();
    let delta = params.delta + f64::from(customer.opportunities);
    let both = params.gamma + delta;
    let sum = delta / both * z * gauss::hypergeometric(delta + 1.0, both + 1.0, z);
    Ok(alive(params, customer) * probability(params, customer) * sum)
}

/// P(X = 0), .., P(X = `ahead`) of the transactions X at the next `ahead` opportunities. Cost: `ahead` squared.
pub fn distribution(params: &Params, customer: &History, ahead: u32) -> Result<Vec<f64>> {
    check_distribution(customer, ahead)?;
    Ok(outcomes(params, customer, ahead))
}

/// P(X = 0), .., P(X = n) of a new customer over n opportunities, to be held against the observed frequencies.
pub fn distribution_of_new(params: &Params, opportunities: u32) -> Result<Vec<f64>> {
    distribution(params, &NEW_CUSTOMER, opportunities)
}

/// Interval for the number of transactions of one customer at the next `ahead` opportunities, with the uncertainty of
/// the parameters mixed in. Counts being whole, it covers at least `level` (0 < level < 1), not exactly.
pub fn interval(
    fitted: &FittedBgBb,
    customer: &History,
    ahead: u32,
    level: f64,
) -> Result<Interval> {
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::OutOfRange {
            name: "level",
            value: level,
        });
    }
    check_distribution(customer, ahead)?;
    let tail = 0.5 * (1.0 - level);
    let points = fitted.spread();
    let mut mixed = vec![0.0; ahead as usize + 1];
    for params in &points {
        for (sum, p) in mixed.iter_mut().zip(outcomes(params, customer, ahead)) {
            *sum += p / points.len() as f64;
        }
    }
    let (mut lower, mut below) = (None, 0.0);
    for (count, p) in (0..=ahead).zip(mixed) {
        below += p;
        if lower.is_none() && below > tail {
            lower = Some(count);
        }
        if 1.0 - below <= tail {
            return Ok(Interval {
                lower: lower.unwrap_or(count),
                upper: count,
                level,
            });
        }
    }
    Ok(Interval {
        lower: lower.unwrap_or(ahead),
        upper: ahead,
        level,
    })
}

const NEW_CUSTOMER: History = History {
    transactions: 0,
    last: 0,
    opportunities: 0,
};

fn check(customer: &History, ahead: u32) -> Result<()> {
    customer.check().map_err(error::row(0))?;
    if ahead > MAX_AHEAD {
        return Err(Error::OutOfRange {
            name: "ahead",
            value: f64::from(ahead),
        });
    }
    Ok(())
}

fn check_distribution(customer: &History, ahead: u32) -> Result<()> {
    check(customer, ahead)?;
    if ahead > MAX_DISTRIBUTION {
        return Err(Error::OutOfRange {
            name: "ahead",
            value: f64::from(ahead),
        });
    }
    Ok(())
}

/// A: the probability of being alive at n.
fn alive(params: &Params, customer: &History) -> f64 {
    let tables = Tables::new(params, customer.opportunities);
    let mut terms = Vec::new();
    tables.ln_terms(customer, &mut terms);
    shares(&mut terms);
    terms.last().copied().unwrap_or(f64::NAN)
}

/// p: of a transaction at an opportunity, given alive.
fn probability(params: &Params, customer: &History) -> f64 {
    (params.alpha + f64::from(customer.transactions))
        / (params.alpha + params.beta + f64::from(customer.opportunities))
}

/// Survival beyond the last opportunity observed.
struct Living {
    gamma: f64,
    delta: f64,
}

impl Living {
    fn new(params: &Params, n: u32) -> Self {
        Living {
            gamma: params.gamma,
            delta: params.delta + f64::from(n),
        }
    }

    /// Of living on from one opportunity to the next.
    fn steps(&self) -> impl Iterator<Item = f64> + '_ {
        (0..).map(|l: u32| {
            let delta = self.delta + f64::from(l);
            delta / (self.gamma + delta)
        })
    }

    /// S_1 + .. + S_m.
    fn total(&self, ahead: u32) -> f64 {
        let mut stays = 1.0;
        self.steps()
            .take(ahead as usize)
            .map(|step| {
                stays *= step;
                stays
            })
            .sum()
    }
}

/// Mixes, over the opportunities l still lived, the beta-binomial with l trials.
fn outcomes(params: &Params, customer: &History, ahead: u32) -> Vec<f64> {
    let alive = alive(params, customer);
    let one = params.alpha + f64::from(customer.transactions);
    let other = params.beta + f64::from(customer.opportunities - customer.transactions);
    let living = Living::new(params, customer.opportunities);
    let mut steps = living.steps();
    let mut p = vec![0.0; ahead as usize + 1];
    let mut stays = alive;
    // Beta-binomial probabilities of 0, 1, .. out of l trials.
    let mut trials = vec![1.0];
    for l in 0..=ahead {
        let step = if l < ahead {
            steps.next().unwrap_or(0.0)
        } else {
            0.0
        };
        for (sum, probability) in p.iter_mut().zip(&trials) {
            *sum += stays * (1.0 - step) * probability;
        }
        stays *= step;
        // One more trial, given y successes in l: success with probability (one + y)/(one + other + l).
        let both = one + other + f64::from(l);
        let mut carried = 0.0;
        for (y, slot) in (0u32..).zip(trials.iter_mut()) {
            let succeeds = *slot * (one + f64::from(y)) / both;
            let fails = *slot - succeeds;
            *slot = fails + carried;
            carried = succeeds;
        }
        trials.push(carried);
    }
    if let Some(none) = p.first_mut() {
        *none += 1.0 - alive;
    }
    p
}

//! Predictions of the purchase models: alive or not, expected purchases, for one customer or all at once.
//! Must not fit, and must not know about money; [`crate::clv`] multiplies.
//!
//! P(alive) = 1 / (1 + e^d), d = ln a - ln(b+s+x-1) + (r+x) ln((alpha+T)/(alpha+t)), and 1 for BG/NBD with x = 0.
//!
//! Expected purchases in (T, T+H] are P(alive) times the expectation of a living customer, which depends on x, T
//! and H only (see the source of the `expectation` module for the formula). Fader, Hardie & Lee (2005) eq. 10.
//!
//! ```
//! use keji_models::{bg_nbd, history::PurchaseHistory, predict};
//! // Fader, Hardie & Lee (2005): customer with x = 2, t = 30.43, T = 38.86, in the next 39 weeks.
//! let params = bg_nbd::params(0.243, 4.414, 0.793, 2.426)?;
//! let customer = PurchaseHistory { repeats: 2, age_at_last: 30.43, age: 38.86 };
//! let purchases = predict::expected_purchases(&params, &customer, 39.0)?;
//! assert_eq!(format!("{purchases:.3}"), "1.226");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::beta_geometric::{FittedPurchases, Params};
use crate::clv::Plan;
use crate::error::{self, Result};
use crate::expectation::Futures;
use crate::history::{Collapsed, PurchaseHistory};

/// Predictions per group of a [`Collapsed`]; [`Collapsed::group_of`] shares them out to customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    pub p_alive: Vec<f64>,
    /// `n horizons x n groups`: purchases expected in (T, T+H].
    pub expected: Vec<Vec<f64>>,
    /// Discounted purchases over the plan, see [`crate::clv`]; empty without a plan.
    pub discounted: Vec<f64>,
}

/// Probability that the customer has not dropped out. Very small values underflow to 0.
pub fn p_alive(params: &Params, customer: &PurchaseHistory) -> Result<f64> {
    customer.check().map_err(error::row(0))?;
    Ok(alive(params, customer))
}

/// Purchases expected in the `horizon` weeks after the end of observation.
pub fn expected_purchases(
    params: &Params,
    customer: &PurchaseHistory,
    horizon: f64,
) -> Result<f64> {
    customer.check().map_err(error::row(0))?;
    error::horizon(horizon)?;
    Ok(expected(params, customer, horizon))
}

/// Repeat purchases expected of a customer in the first `horizon` weeks after the first purchase, E\[X(H)\].
///
/// BG: (a+b-1)/(a-1) \[1 - (alpha/(alpha+H))^r 2F1(r, b; a+b-1; H/(alpha+H))\], eq. 9 of the paper.
/// MBG: b/(a-1) \[1 - (alpha/(alpha+H))^r 2F1(r, b+1; a+b; H/(alpha+H))\].
pub fn expected_of_new(params: &Params, horizon: f64) -> Result<f64> {
    error::horizon(horizon)?;
    Ok(expected(params, &NEW_CUSTOMER, horizon))
}

/// Standard error of [`p_alive`] from the uncertainty of the parameters; `None` when the fit has no covariance.
pub fn p_alive_std_error(
    fitted: &FittedPurchases,
    customer: &PurchaseHistory,
) -> Result<Option<f64>> {
    customer.check().map_err(error::row(0))?;
    Ok(fitted.std_error_of(|params| alive(params, customer)))
}

/// Standard error of [`expected_purchases`] as a mean. The outcome of one customer varies far more:
/// see [`crate::outcome::interval`].
pub fn expected_purchases_std_error(
    fitted: &FittedPurchases,
    customer: &PurchaseHistory,
    horizon: f64,
) -> Result<Option<f64>> {
    customer.check().map_err(error::row(0))?;
    error::horizon(horizon)?;
    Ok(fitted.std_error_of(|params| expected(params, customer, horizon)))
}

/// Predicts every group for several horizons (weeks), and the discounted purchases of a plan if given.
///
/// Cost: the expectation is computed once per distinct (x, T) and horizon, P(alive) once per group.
pub fn predict_all(
    params: &Params,
    data: &Collapsed,
    horizons: &[f64],
    plan: Option<&Plan>,
) -> Result<Predictions> {
    for &horizon in horizons {
        error::horizon(horizon)?;
    }
    let (months, discounts) = match plan {
        Some(plan) => plan.schedule()?,
        None => (Vec::new(), Vec::new()),
    };
    let n_horizons = horizons.len();
    let all: Vec<f64> = horizons.iter().chain(&months).copied().collect();
    let mut at = vec![0.0; all.len()];

    let n_groups = data.n_groups();
    let table: Vec<f64> = data
        .ages
        .iter()
        .map(|age| (params.alpha + age).ln())
        .collect();
    let mut predictions = Predictions {
        p_alive: Vec::with_capacity(n_groups),
        expected: vec![Vec::with_capacity(n_groups); n_horizons],
        discounted: Vec::with_capacity(if plan.is_some() { n_groups } else { 0 }),
    };
    for same_repeats in data
        .groups
        .chunk_by(|one, next| one.repeats == next.repeats)
    {
        let repeats = same_repeats[0].repeats;
        let mut futures = Futures::new(params, repeats);
        for same_age in same_repeats.chunk_by(|one, next| one.age == next.age) {
            let age = same_age[0].age as usize;
            futures.expected(data.ages[age], &all, &mut at);
            let discounted = discounted_sum(&at[n_horizons..], &discounts);
            for group in same_age {
                let gap = table[age] - table[group.age_at_last as usize];
                let p_alive = alive_from_gap(params, repeats, gap);
                predictions.p_alive.push(p_alive);
                for (column, &purchases) in predictions.expected.iter_mut().zip(&at) {
                    column.push(p_alive * purchases);
                }
                if plan.is_some() {
                    predictions.discounted.push(p_alive * discounted);
                }
            }
        }
    }
    Ok(predictions)
}

/// Sum over customers of the purchases expected in the next `horizon` weeks.
pub fn expected_total(params: &Params, data: &Collapsed, horizon: f64) -> Result<f64> {
    let predictions = predict_all(params, data, &[horizon], None)?;
    Ok(total(data, &predictions.expected[0]))
}

/// Sum of a column of [`Predictions`] over customers.
pub fn total(data: &Collapsed, per_group: &[f64]) -> f64 {
    (0..data.n_groups())
        .map(|group| f64::from(data.count(group)) * per_group[group])
        .sum()
}

pub(crate) const NEW_CUSTOMER: PurchaseHistory = PurchaseHistory {
    repeats: 0,
    age_at_last: 0.0,
    age: 0.0,
};

pub(crate) fn alive(params: &Params, customer: &PurchaseHistory) -> f64 {
    let gap =
        ((customer.age - customer.age_at_last) / (params.alpha + customer.age_at_last)).ln_1p();
    alive_from_gap(params, customer.repeats, gap)
}

pub(crate) fn expected(params: &Params, customer: &PurchaseHistory, horizon: f64) -> f64 {
    let mut purchases = [0.0];
    Futures::new(params, customer.repeats).expected(customer.age, &[horizon], &mut purchases);
    alive(params, customer) * purchases[0]
}

/// Increments of a cumulative expectation, each times its discount.
pub(crate) fn discounted_sum(cumulative: &[f64], discounts: &[f64]) -> f64 {
    let mut before = 0.0;
    let mut sum = 0.0;
    for (&until, discount) in cumulative.iter().zip(discounts) {
        sum += (until - before) * discount;
        before = until;
    }
    sum
}

/// `gap` is ln((alpha+T)/(alpha+t)).
fn alive_from_gap(params: &Params, repeats: u32, gap: f64) -> f64 {
    if !params.can_be_lost(repeats) {
        return 1.0;
    }
    let x = f64::from(repeats);
    let survivors = params.b_shifted() + x - 1.0;
    let odds_lost = params.a / survivors * ((params.r + x) * gap).exp();
    (1.0 + odds_lost).recip()
}

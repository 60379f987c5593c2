//! Predictions of the purchase models: alive or not, expected purchases, for one customer or all at once.
//! Must not fit, and must not know about money; [`crate::clv`] multiplies.
//!
//! For BG/NBD, MBG/NBD and Pareto/NBD alike; their formulas are behind [`crate::purchase_model::PurchaseModel`].
//! Expected purchases in (T, T+H] are P(alive) times the expectation of a living customer, which depends on x, T
//! and H only. Fader, Hardie & Lee (2005) eq. 10; Schmittlein, Morrison & Colombo (1987).
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

use crate::clv::Plan;
use crate::error::{self, Result};
use crate::fit::Fitted;
use crate::history::{Collapsed, PurchaseHistory};
use crate::purchase_model::PurchaseModel;

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
pub fn p_alive<M: PurchaseModel>(params: &M, customer: &PurchaseHistory) -> Result<f64> {
    customer.check().map_err(error::row(0))?;
    Ok(params.alive(customer))
}

/// Purchases expected in the `horizon` weeks after the end of observation.
pub fn expected_purchases<M: PurchaseModel>(
    params: &M,
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
/// Pareto/NBD: r beta/(alpha (s-1)) \[1 - (beta/(beta+H))^(s-1)\].
pub fn expected_of_new<M: PurchaseModel>(params: &M, horizon: f64) -> Result<f64> {
    error::horizon(horizon)?;
    // Alive until the first purchase; MBG/NBD doubts right after it, which P(alive) at T = 0 holds.
    Ok(expected(params, &NEW_CUSTOMER, horizon))
}

/// Standard error of [`p_alive`] from the uncertainty of the parameters; `None` when the fit has no covariance.
pub fn p_alive_std_error<M: PurchaseModel>(
    fitted: &Fitted<M, 4>,
    customer: &PurchaseHistory,
) -> Result<Option<f64>> {
    customer.check().map_err(error::row(0))?;
    Ok(fitted.std_error_of(|params| params.alive(customer)))
}

/// Standard error of [`expected_purchases`] as a mean. The outcome of one customer varies far more:
/// see [`crate::outcome::interval`].
pub fn expected_purchases_std_error<M: PurchaseModel>(
    fitted: &Fitted<M, 4>,
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
pub fn predict_all<M: PurchaseModel>(
    params: &M,
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
    let mut predictions = Predictions {
        p_alive: params.alive_per_group(data),
        expected: vec![Vec::with_capacity(n_groups); n_horizons],
        discounted: Vec::with_capacity(if plan.is_some() { n_groups } else { 0 }),
    };
    let mut alive = predictions.p_alive.iter();
    for same_repeats in data
        .groups
        .chunk_by(|one, next| one.repeats == next.repeats)
    {
        let mut expected = params.expected_if_alive(same_repeats[0].repeats);
        for same_age in same_repeats.chunk_by(|one, next| one.age == next.age) {
            expected(data.ages[same_age[0].age as usize], &all, &mut at);
            let discounted = discounted_sum(&at[n_horizons..], &discounts);
            for p_alive in alive.by_ref().take(same_age.len()) {
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
pub fn expected_total<M: PurchaseModel>(params: &M, data: &Collapsed, horizon: f64) -> Result<f64> {
    let predictions = predict_all(params, data, &[horizon], None)?;
    Ok(total(data, &predictions.expected[0]))
}

/// Sum of a column of [`Predictions`] over customers.
pub fn total(data: &Collapsed, per_group: &[f64]) -> f64 {
    (0..data.n_groups())
        .map(|group| f64::from(data.count(group)) * per_group[group])
        .sum()
}

const NEW_CUSTOMER: PurchaseHistory = PurchaseHistory {
    repeats: 0,
    age_at_last: 0.0,
    age: 0.0,
};

fn expected<M: PurchaseModel>(params: &M, customer: &PurchaseHistory, horizon: f64) -> f64 {
    let mut purchases = [0.0];
    params.expected_if_alive(customer.repeats)(customer.age, &[horizon], &mut purchases);
    params.alive(customer) * purchases[0]
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

//! Customer lifetime value over a number of months: discounted expected purchases times expected spend.
//! Must not know currencies or costs; the margin is one factor, and amounts carry the unit of the spend data.
//!
//! CLV = margin E\[Z|x,m\] sum over i = 1..n of (E[X(T, T+i w)] - E[X(T, T+(i-1) w)]) / (1+d)^i
//!
//! with w the weeks per month and d the discount per month: purchases of a month count at its end. E\[Z|x,m\] is
//! the expected spend per purchase of [`crate::gamma_gamma`]; the product needs spend to be independent of
//! frequency, see [`crate::gamma_gamma::Spends::correlation`].
//!
//! For all customers: [`crate::predict::predict_all`] gives the discounted purchases per group, and
//! [`values`] multiplies. Cost: one multiplication per customer beyond the predictions per group.
//!
//! ```
//! use keji_models::{bg_nbd, clv, gamma_gamma, history::PurchaseHistory};
//! let purchases = bg_nbd::params(0.243, 4.414, 0.793, 2.426)?;
//! let spend = gamma_gamma::params(6.25, 3.74, 15.44)?;
//! let customer = PurchaseHistory { repeats: 2, age_at_last: 30.43, age: 38.86 };
//! let value = clv::value(&purchases, &spend, &customer, 22.345, &clv::Plan::default())?;
//! assert_eq!(format!("{value:.1}"), "36.3");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result};
use crate::gamma_gamma;
use crate::history::{Collapsed, PurchaseHistory};
use crate::predict::discounted_sum;
use crate::purchase_model::PurchaseModel;

/// Weeks in a month of 365/12 days.
pub const WEEKS_PER_MONTH: f64 = 365.0 / 12.0 / 7.0;

/// What a lifetime value counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    pub months: u32,
    /// Share of value lost per month of waiting, 0.01 = 1%.
    pub monthly_discount: f64,
    /// [`WEEKS_PER_MONTH`] unless another convention is to be matched (Python's lifetimes uses 4.345).
    pub weeks_per_month: f64,
    /// Share of the spend that counts as value.
    pub margin: f64,
}

impl Default for Plan {
    /// Twelve months at 1% per month, all spend counted.
    fn default() -> Self {
        Plan {
            months: 12,
            monthly_discount: 0.01,
            weeks_per_month: WEEKS_PER_MONTH,
            margin: 1.0,
        }
    }
}

impl Plan {
    /// Ends of the months in weeks, and the discount of each.
    pub(crate) fn schedule(&self) -> Result<(Vec<f64>, Vec<f64>)> {
        let out_of_range = |name, value| Err(Error::OutOfRange { name, value });
        if !(self.weeks_per_month > 0.0 && self.weeks_per_month.is_finite()) {
            return out_of_range("weeks_per_month", self.weeks_per_month);
        }
        if !(self.monthly_discount > -1.0 && self.monthly_discount.is_finite()) {
            return out_of_range("monthly_discount", self.monthly_discount);
        }
        if !self.margin.is_finite() {
            return out_of_range("margin", self.margin);
        }
        Ok((1..=self.months)
            .map(|month| {
                let discount = (1.0 + self.monthly_discount).powf(-f64::from(month));
                (f64::from(month) * self.weeks_per_month, discount)
            })
            .unzip())
    }
}

/// Purchases of one customer over the plan, each discounted to today.
pub fn discounted_purchases<M: PurchaseModel>(
    purchases: &M,
    customer: &PurchaseHistory,
    plan: &Plan,
) -> Result<f64> {
    customer.check().map_err(error::row(0))?;
    let (months, discounts) = plan.schedule()?;
    let mut cumulative = vec![0.0; months.len()];
    purchases.expected_if_alive(customer.repeats)(customer.age, &months, &mut cumulative);
    Ok(purchases.alive(customer) * discounted_sum(&cumulative, &discounts))
}

/// Value of one customer; `mean_spend` is ignored without repeat purchases.
pub fn value<M: PurchaseModel>(
    purchases: &M,
    spend: &gamma_gamma::Params,
    customer: &PurchaseHistory,
    mean_spend: f64,
    plan: &Plan,
) -> Result<f64> {
    let per_purchase = spend.expected_spend(customer.repeats, mean_spend)?;
    Ok(plan.margin * per_purchase * discounted_purchases(purchases, customer, plan)?)
}

/// Values of all customers, in the order of the rows that were collapsed.
///
/// `discounted` comes from [`crate::predict::predict_all`] for `data`; `mean_spend` holds one mean per row and is
/// ignored for rows without repeat purchases. Fails when a row has no finite expected spend.
pub fn values(
    data: &Collapsed,
    discounted: &[f64],
    spend: &gamma_gamma::Params,
    mean_spend: &[f64],
    plan: &Plan,
) -> Result<Vec<f64>> {
    error::same_length("discounted", data.n_groups(), discounted.len())?;
    error::same_length("mean_spend", data.n_customers(), mean_spend.len())?;
    data.group_of()
        .iter()
        .zip(mean_spend)
        .map(|(&group, &mean)| {
            let group = group as usize;
            let per_purchase = spend.expected_spend(data.groups[group].repeats, mean)?;
            Ok(plan.margin * per_purchase * discounted[group])
        })
        .collect()
}

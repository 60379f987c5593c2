//! One pass over the orders to a purchase history per customer: what RFM,
//! tiers, purchase cycles and the models share.
//!
//! Months are streamed in order into dense accumulators by customer id, so
//! nothing is sorted; only the days of one month are kept apart, as a bit mask.
//! It must not score, name or judge a customer.
//!
//! Reading order: this file (what comes out), `accumulate` (the pass),
//! `read` (the columns it needs), `gaps` (days between purchases), `costs`.
//!
//! Words: *as of D* means facts before D. A *purchase* is an order of kind
//! sale with a positive gross amount; a *purchase day* is a day with at least
//! one. Money is exact, in ten-thousandths.

mod accumulate;
mod costs;
mod gaps;
mod read;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use keji_schema::calendar::{epoch_days, from_epoch_days};

use crate::copy::DataFile;
use crate::error::Result;

pub use costs::{Costs, costs};
pub use gaps::CycleRule;

use accumulate::{Account, Recent};
use gaps::Gaps;

/// Days of the longer window.
pub const YEAR_DAYS: i32 = 365;
/// Days of the shorter window and of the one before it.
pub const HALF_YEAR_DAYS: i32 = 180;

/// The purchase histories of a base as of one day. Customers without any order
/// before that day are absent.
#[derive(Debug)]
pub struct Summaries {
    as_of: Date,
    n_orders: u64,
    n_without_customer: u64,
    n_present: usize,
    /// By customer id; the one at 0 stays empty.
    accounts: Vec<Account>,
    recent: Vec<Recent>,
    gaps: Gaps,
}

/// The purchase history of one customer as of D.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub customer: i64,
    /// Days since 1970-01-01; of meaning only with `n_purchase_days > 0`, as
    /// with [`Summary::first_on`].
    pub first_day: i32,
    pub last_day: i32,
    pub n_orders: u32,
    pub n_purchase_days: u32,
    pub n_returns: u32,
    /// Gross amount of all purchases, in ten-thousandths like all amounts here.
    pub gross_units: i64,
    /// The part of `gross_units` bought on the first purchase day: the mean
    /// spend of a repeat day is (gross − first) ÷ (days − 1).
    pub first_gross_units: i64,
    /// Net amount of sales and returns, adjustments left out.
    pub net_units: i64,
    /// Purchases of the days D − 365 … D − 1.
    pub n_orders_365: u32,
    pub n_purchase_days_365: u32,
    pub gross_365_units: i64,
    pub net_365_units: i64,
    /// Of the days D − 180 … D − 1, and of the 180 days before those.
    pub net_180_units: i64,
    pub net_180_before_units: i64,
    /// Twice the median of the days between purchase days; 0 without a gap.
    median_gap_doubled: u32,
}

/// Reads the order files of a snapshot once. `n_customers` is a hint, the
/// largest customer id expected; a larger one only costs a reallocation.
pub fn summarise(orders: &[DataFile], as_of: Date, n_customers: usize) -> Result<Summaries> {
    accumulate::run(orders, as_of, n_customers)
}

impl Summaries {
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Customers with at least one order of any kind before D.
    pub fn len(&self) -> usize {
        self.n_present
    }

    pub fn is_empty(&self) -> bool {
        self.n_present == 0
    }

    /// Orders of any kind before D, those without a customer included.
    pub fn n_orders(&self) -> u64 {
        self.n_orders
    }

    /// Orders before D that name no customer and so count for nobody.
    pub fn n_without_customer(&self) -> u64 {
        self.n_without_customer
    }

    /// Every present customer, in order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = Summary> {
        (1..self.accounts.len()).filter_map(|i| self.at(i))
    }

    pub fn get(&self, customer: i64) -> Option<Summary> {
        self.at(usize::try_from(customer).ok()?)
    }

    /// Days between one purchase day and the next, oldest first.
    pub fn gaps(&self, customer: i64) -> &[u16] {
        usize::try_from(customer).map_or(&[], |i| self.gaps.of(i))
    }

    /// The prior of the purchase cycle: the median, over the customers with at
    /// least two purchase days, of their own median gaps. `None` without any.
    pub fn base_median_gap(&self) -> Option<f64> {
        self.gaps.base_median()
    }

    /// The day on which a customer last came back from a silence of more than
    /// `rule.lapsed_cycles` own cycles, each cycle taken from the purchases
    /// before that silence. `None`: never, or absent.
    pub fn won_back_on(&self, customer: i64, prior: f64, rule: &CycleRule) -> Option<Date> {
        let i = usize::try_from(customer).ok()?;
        let last = self.accounts.get(i)?.last_day;
        from_epoch_days(last - self.gaps.days_since_won_back(i, prior, rule)?)
    }

    fn at(&self, i: usize) -> Option<Summary> {
        let account = self.accounts.get(i).filter(|a| a.n_rows > 0)?;
        let recent = self.recent.get(i).copied().unwrap_or_default();
        Some(Summary {
            customer: i as i64,
            first_day: account.first_day,
            last_day: account.last_day,
            n_orders: account.n_orders,
            n_purchase_days: account.n_days,
            n_returns: account.n_returns,
            gross_units: account.gross,
            first_gross_units: account.first_gross,
            net_units: account.net,
            n_orders_365: recent.n_orders,
            n_purchase_days_365: recent.n_days,
            gross_365_units: recent.gross,
            net_365_units: recent.net,
            net_180_units: recent.net_half,
            net_180_before_units: recent.net_half_before,
            median_gap_doubled: self.gaps.median_doubled(i),
        })
    }
}

impl Summary {
    pub fn first_on(&self) -> Option<Date> {
        (self.n_purchase_days > 0)
            .then(|| from_epoch_days(self.first_day))
            .flatten()
    }

    pub fn last_on(&self) -> Option<Date> {
        (self.n_purchase_days > 0)
            .then(|| from_epoch_days(self.last_day))
            .flatten()
    }

    /// D − last purchase day, at least 1; `None` without a purchase.
    pub fn days_since_last(&self, as_of: Date) -> Option<i32> {
        (self.n_purchase_days > 0).then(|| epoch_days(as_of) - self.last_day)
    }

    /// Median of the days between purchase days, the mean of the middle two
    /// where their number is even; `None` with fewer than two purchase days.
    pub fn median_gap_days(&self) -> Option<f64> {
        (self.median_gap_doubled > 0).then(|| f64::from(self.median_gap_doubled) / 2.0)
    }
}

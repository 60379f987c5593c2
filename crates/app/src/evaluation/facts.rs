//! What the evaluation knows of one customer before any rule is applied, and
//! the purchase cycle that follows from it.

use jiff::civil::Date;
use keji_metrics::copy::Snapshot;
use keji_metrics::summaries::{CycleRule, costs, summarise};
use keji_schema::calendar::epoch_days;
use keji_schema::rule::TierRule;

use crate::error::Result;

/// The purchase-history summary of one customer who has at least one order.
/// Days count from 1970-01-01; money is in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    pub customer: i64,
    pub first_day: i32,
    pub last_day: i32,
    pub n_orders: u32,
    /// Days with a valid sale order; orders of one day are one purchase.
    pub n_purchase_days: u32,
    pub gross: i64,
    /// Gross sales of the first purchase day, so that the mean of the repeat
    /// days can be told apart.
    pub gross_first_day: i64,
    pub net: i64,
    pub net_365: i64,
    pub net_180: i64,
    pub net_180_before: i64,
    pub orders_365: u32,
    pub purchase_days_365: u32,
    pub gross_365: i64,
    /// Median of the gaps between purchase days; none with one purchase day.
    pub median_gap: Option<f64>,
    /// Day of the last order that ended a silence of more than the dormant
    /// number of cycles.
    pub won_back_day: Option<i32>,
    /// Recorded cost of goods and service.
    pub cost: Option<i64>,
}

/// What a customer without any purchase brought: returns of goods bought
/// before the data begins. Money is in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReturnsOnly {
    pub customer: i64,
    pub net: i64,
    pub net_365: i64,
    pub net_180: i64,
    pub net_180_before: i64,
}

/// Every customer with at least one order before a day, by customer id.
pub struct Base {
    /// Those with a purchase.
    pub facts: Vec<Facts>,
    /// Those without; their money counts in every total.
    pub returns_only: Vec<ReturnsOnly>,
    /// Median over the customers of their own median gap; where nobody came
    /// back yet, the rule's longest cycle.
    pub base_cycle: f64,
}

impl Base {
    /// One pass over the orders and one over the costs of a snapshot. Blocks.
    pub fn read(
        snapshot: &Snapshot,
        as_of: Date,
        n_customers: usize,
        rule: &TierRule,
    ) -> Result<Base> {
        let summaries = summarise(snapshot.files("order"), as_of, n_customers)?;
        let costs = costs(snapshot.files("cost"), as_of)?;
        let base_cycle = summaries
            .base_median_gap()
            .unwrap_or(f64::from(rule.cycle_max_days));
        let cycle_rule = CycleRule {
            prior_weight: f64::from(rule.cycle_prior_weight),
            min_days: f64::from(rule.cycle_min_days),
            max_days: f64::from(rule.cycle_max_days),
            lapsed_cycles: rule.dormant_cycles,
        };
        let returns_only = summaries
            .iter()
            .filter(|s| s.n_purchase_days == 0)
            .map(|s| ReturnsOnly {
                customer: s.customer,
                net: s.net_units,
                net_365: s.net_365_units,
                net_180: s.net_180_units,
                net_180_before: s.net_180_before_units,
            })
            .collect();
        let facts = summaries
            .iter()
            .filter(|s| s.n_purchase_days > 0)
            .map(|s| {
                let cost = costs.of_customer_units(s.customer);
                Facts {
                    customer: s.customer,
                    first_day: s.first_day,
                    last_day: s.last_day,
                    n_orders: s.n_orders,
                    n_purchase_days: s.n_purchase_days,
                    gross: s.gross_units,
                    gross_first_day: s.first_gross_units,
                    net: s.net_units,
                    net_365: s.net_365_units,
                    net_180: s.net_180_units,
                    net_180_before: s.net_180_before_units,
                    orders_365: s.n_orders_365,
                    purchase_days_365: s.n_purchase_days_365,
                    gross_365: s.gross_365_units,
                    median_gap: s.median_gap_days(),
                    won_back_day: summaries
                        .won_back_on(s.customer, base_cycle, &cycle_rule)
                        .map(epoch_days),
                    cost: (cost != 0).then_some(cost),
                }
            })
            .collect();
        Ok(Base {
            facts,
            returns_only,
            base_cycle,
        })
    }
}

impl Facts {
    pub fn days_since_last(&self, as_of: i32) -> i32 {
        as_of - self.last_day
    }
}

/// Own purchase cycle in days: the median gap pulled towards the base's median
/// by `cycle_prior_weight` purchases, within the rule's borders
/// (metrics.md T03). One purchase day: the base's median itself.
pub fn cycle_days(
    median_gap: Option<f64>,
    n_purchase_days: u32,
    base: f64,
    rule: &TierRule,
) -> f64 {
    let prior = f64::from(rule.cycle_prior_weight);
    let pulled = match median_gap {
        Some(gap) => {
            let k = f64::from(n_purchase_days);
            (k * gap + prior * base) / (k + prior)
        }
        None => base,
    };
    pulled.clamp(
        f64::from(rule.cycle_min_days),
        f64::from(rule.cycle_max_days),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use keji_schema::Catalog;

    #[test]
    fn a_short_history_is_pulled_towards_the_base() {
        let rule = Catalog::standard().unwrap().tiers;
        // (2 × 10 + 3 × 40) / 5
        assert_eq!(cycle_days(Some(10.0), 2, 40.0, &rule), 28.0);
        assert_eq!(cycle_days(None, 1, 40.0, &rule), 40.0);
        assert_eq!(cycle_days(Some(1.0), 500, 1.0, &rule), 7.0);
        assert_eq!(cycle_days(Some(900.0), 9, 900.0, &rule), 365.0);
    }
}

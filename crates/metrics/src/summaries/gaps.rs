//! The days between purchase days, of every customer, in one flat store.

use std::ops::Range;

/// How a purchase cycle follows from the gaps (metrics.md T03, B05):
/// clamp((k·median + w·prior) ÷ (k + w), min, max), k = purchase days so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CycleRule {
    /// w: so many purchase days' worth of pull towards the base's median.
    pub prior_weight: f64,
    pub min_days: f64,
    pub max_days: f64,
    /// A silence longer than so many cycles is a loss, ended by a return.
    pub lapsed_cycles: f64,
}

impl Default for CycleRule {
    fn default() -> Self {
        CycleRule {
            prior_weight: 3.0,
            min_days: 7.0,
            max_days: 365.0,
            lapsed_cycles: 2.0,
        }
    }
}

impl CycleRule {
    /// The cycle of a customer with `n_purchase_days` ≥ 1; without a gap the
    /// median is not known and the prior stands alone.
    pub fn cycle_days(&self, n_purchase_days: u32, median: Option<f64>, prior: f64) -> f64 {
        let cycle = match median {
            Some(median) => {
                let k = f64::from(n_purchase_days);
                (k * median + self.prior_weight * prior) / (k + self.prior_weight)
            }
            None => prior,
        };
        cycle.max(self.min_days).min(self.max_days)
    }
}

/// The gaps of one month as they are found: beside each its customer.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub customers: Vec<u32>,
    pub gaps: Vec<u16>,
}

impl Found {
    /// A gap of more than 65,535 days (179 years) counts as that many.
    pub fn push(&mut self, customer: u32, days: i32) {
        self.customers.push(customer);
        self.gaps.push(u16::try_from(days).unwrap_or(u16::MAX));
    }
}

#[derive(Debug)]
pub(super) struct Gaps {
    /// Gaps of customer i: `gaps[ends[i - 1]..ends[i]]`, oldest first.
    ends: Vec<u32>,
    gaps: Vec<u16>,
    /// Twice the median, by customer; 0 without a gap.
    medians: Vec<u32>,
}

impl Gaps {
    /// A counting sort by customer; `found` holds the months in order, and
    /// `n_gaps` the number for each customer id from 0.
    pub fn new(found: Vec<Found>, n_gaps: impl Iterator<Item = u32>) -> Self {
        let mut end = 0;
        // Where each customer's next gap goes; its end when all are placed.
        let mut ends: Vec<u32> = n_gaps
            .map(|n| {
                let start = end;
                end += n;
                start
            })
            .collect();
        let mut gaps = vec![0u16; end as usize];
        for month in found {
            for (&customer, &gap) in month.customers.iter().zip(&month.gaps) {
                let place = &mut ends[customer as usize];
                gaps[*place as usize] = gap;
                *place += 1;
            }
        }
        let mut all = Gaps {
            ends,
            gaps,
            medians: Vec::new(),
        };
        let mut scratch = Vec::new();
        all.medians = (0..all.ends.len())
            .map(|i| median_doubled(all.of(i), &mut scratch))
            .collect();
        all
    }

    pub fn of(&self, customer: usize) -> &[u16] {
        &self.gaps[self.range(customer)]
    }

    pub fn median_doubled(&self, customer: usize) -> u32 {
        self.medians.get(customer).copied().unwrap_or(0)
    }

    /// Median of the customers' medians, by counting.
    pub fn base_median(&self) -> Option<f64> {
        let mut counts = vec![0u32; 2 * usize::from(u16::MAX) + 1];
        let mut n = 0u64;
        for &median in self.medians.iter().filter(|&&m| m > 0) {
            counts[median as usize] += 1;
            n += 1;
        }
        let at = |rank: u64| {
            let mut seen = 0;
            counts.iter().position(|&c| {
                seen += u64::from(c);
                seen > rank
            })
        };
        let middle = at(n.checked_sub(1)? / 2)? + at(n / 2)?;
        Some(middle as f64 / 4.0)
    }

    /// Days from the last return after a long silence to the last purchase.
    pub fn days_since_won_back(
        &self,
        customer: usize,
        prior: f64,
        rule: &CycleRule,
    ) -> Option<i32> {
        let gaps = self.of(customer);
        let least = rule.lapsed_cycles * rule.min_days;
        let mut scratch = Vec::new();
        let mut since = 0;
        for (i, &gap) in gaps.iter().enumerate().rev() {
            let gap_days = f64::from(gap);
            if gap_days > least {
                let doubled = median_doubled(&gaps[..i], &mut scratch);
                let median = (doubled > 0).then(|| f64::from(doubled) / 2.0);
                let cycle = rule.cycle_days(i as u32 + 1, median, prior);
                if gap_days > rule.lapsed_cycles * cycle {
                    return Some(since);
                }
            }
            since += i32::from(gap);
        }
        None
    }

    fn range(&self, customer: usize) -> Range<usize> {
        let Some(&end) = self.ends.get(customer) else {
            return 0..0;
        };
        let start = if customer == 0 {
            0
        } else {
            self.ends[customer - 1]
        };
        start as usize..end as usize
    }
}

/// Twice the median, so that the mean of the middle two stays whole.
fn median_doubled(gaps: &[u16], scratch: &mut Vec<u16>) -> u32 {
    match *gaps {
        [] => 0,
        [a] => 2 * u32::from(a),
        [a, b] => u32::from(a) + u32::from(b),
        _ => {
            scratch.clear();
            scratch.extend_from_slice(gaps);
            let middle = gaps.len() / 2;
            let (below, &mut upper, _) = scratch.select_nth_unstable(middle);
            if gaps.len() % 2 == 1 {
                return 2 * u32::from(upper);
            }
            let lower = below.iter().max().copied().unwrap_or(upper);
            u32::from(lower) + u32::from(upper)
        }
    }
}

//! Log-rank test: do k groups lose their customers at the same pace?
//! Must not say by how much; [`super::cox`] does.
//!
//! At each event time, with n_j of n at risk and d events in all, group j would have d n_j/n of them if groups did not
//! matter. The sums of observed less expected, with their hypergeometric covariance, give chi-squared with k-1
//! degrees of freedom (Mantel 1966; Klein & Moeschberger 2003, section 7.3).
//!
//! It looks for curves that keep to one side. Curves that cross can differ a lot and pass: look at them.
//!
//! ```
//! use keji_models::survival::{Lifetimes, log_rank::{self, Weight}};
//! let lifetimes = Lifetimes::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[true; 6])?;
//! let found = log_rank::test(&lifetimes, &[0, 0, 0, 1, 1, 1], Weight::Equal)?;
//! assert_eq!(found.groups[0].observed, 3.0);
//! assert!(found.test.p_value < 0.05);
//! # Ok::<(), keji_models::Error>(())
//! ```

use super::{Lifetimes, Test};
use crate::dense::Dense;
use crate::error::{self, Error, Result};

/// What each event time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The log-rank test; best when hazards are proportional.
    Equal,
    /// The number at risk, so early differences count more (Gehan 1965, Breslow 1970).
    AtRisk,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// Degrees of freedom: groups that were ever at risk together with others, less one.
    pub test: Test,
    /// In the order of the group numbers.
    pub groups: Vec<GroupSum>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupSum {
    pub n: usize,
    /// Weighted number of events.
    pub observed: f64,
    /// If groups did not matter.
    pub expected: f64,
}

/// Compares the groups 0, 1, .. given per row. Fails with fewer than two groups or without events.
/// Cost: n ln n, plus k^2 per event time.
pub fn test(lifetimes: &Lifetimes, group: &[usize], weight: Weight) -> Result<LogRank> {
    error::same_length("group", lifetimes.n(), group.len())?;
    let k = group.iter().max().map_or(0, |last| last.saturating_add(1));
    if k > lifetimes.n() {
        return Err(Error::OutOfRange {
            name: "group",
            value: (k - 1) as f64,
        });
    }
    let mut groups = vec![
        GroupSum {
            n: 0,
            observed: 0.0,
            expected: 0.0,
        };
        k
    ];
    for &of in group {
        groups[of].n += 1;
    }
    if groups.iter().filter(|group| group.n > 0).count() < 2 {
        return Err(Error::NotEnough(
            "a log-rank test compares at least two groups",
        ));
    }
    if lifetimes.n_events() == 0 {
        return Err(Error::NotEnough("no events"));
    }
    let mut exits: Vec<usize> = (0..lifetimes.n()).collect();
    exits.sort_unstable_by(|&i, &j| lifetimes.exit[i].total_cmp(&lifetimes.exit[j]));
    let mut entries: Vec<usize> = (0..lifetimes.n()).collect();
    entries.sort_unstable_by(|&i, &j| lifetimes.entry[i].total_cmp(&lifetimes.entry[j]));
    let mut entering = entries.into_iter().peekable();
    let mut at_risk = vec![0.0; k];
    let mut covariance = Dense::zeros(k);
    for run in exits.chunk_by(|&i, &j| lifetimes.exit[i] == lifetimes.exit[j]) {
        let time = lifetimes.exit[run[0]];
        let has_entered = |&i: &usize| lifetimes.entry[i] < time || lifetimes.entry[i] == 0.0;
        while let Some(i) = entering.next_if(has_entered) {
            at_risk[group[i]] += 1.0;
        }
        let n: f64 = at_risk.iter().sum();
        let d = run.iter().filter(|&&i| lifetimes.is_event[i]).count() as f64;
        if d > 0.0 {
            let w = match weight {
                Weight::Equal => 1.0,
                Weight::AtRisk => n,
            };
            for &i in run.iter().filter(|&&i| lifetimes.is_event[i]) {
                groups[group[i]].observed += w;
            }
            for (sum, n_j) in groups.iter_mut().zip(&at_risk) {
                sum.expected += w * d * n_j / n;
            }
            if n > 1.0 {
                let spread = w * w * d * (n - d) / (n - 1.0);
                for (j, n_j) in at_risk.iter().enumerate() {
                    covariance.set(j, j, covariance.at(j, j) + spread * n_j / n);
                }
                covariance.add_outer(-spread / (n * n), &at_risk);
            }
        }
        for &i in run {
            at_risk[group[i]] -= 1.0;
        }
    }
    covariance.mirror();
    let differences: Vec<f64> = groups
        .iter()
        .map(|sum| sum.observed - sum.expected)
        .collect();
    let (chi_squared, df) = covariance.quadratic_inverse(&differences);
    if df == 0 {
        return Err(Error::NotEnough(
            "the groups were never at risk at the same time",
        ));
    }
    Ok(LogRank {
        test: Test::new(chi_squared, df),
        groups,
    })
}

//! How often a score of risk puts the one who had the event first above the one who went on.
//! Must not know where the score comes from.

use super::Lifetimes;
use crate::error::{self, Error, Result};

/// Harrell's C (Harrell, Lee & Mark 1996, Statistics in Medicine 15:361-387).
///
/// A pair counts when one had the event while the other was at risk and went on, or was censored at that time; two
/// events at one time do not count. C = (concordant + ties/2) / pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concordance {
    /// 0.5 is chance, 1 a perfect order; `None` without a pair that counts.
    pub value: Option<f64>,
    pub concordant: f64,
    pub discordant: f64,
    pub tied: f64,
}

/// Concordance of `risk`, higher for an earlier event, within `strata` where given. Fails on NaN. Cost: n ln n.
pub fn concordance(
    lifetimes: &Lifetimes,
    risk: &[f64],
    strata: Option<&[u32]>,
) -> Result<Concordance> {
    error::same_length("risk", lifetimes.n(), risk.len())?;
    if let Some(strata) = strata {
        error::same_length("strata", lifetimes.n(), strata.len())?;
    }
    if risk.iter().any(|risk| risk.is_nan()) {
        return Err(Error::OutOfRange {
            name: "risk",
            value: f64::NAN,
        });
    }
    let mut levels = risk.to_vec();
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup();
    let ranks: Vec<usize> = risk
        .iter()
        .map(|risk| levels.partition_point(|level| level < risk))
        .collect();
    let stratum = |row: usize| strata.map_or(0, |strata| strata[row]);
    let mut order: Vec<usize> = (0..lifetimes.n()).collect();
    // Latest first; at one time the censored before the events, because they went on.
    order.sort_unstable_by(|&i, &j| {
        stratum(i)
            .cmp(&stratum(j))
            .then(lifetimes.exit[j].total_cmp(&lifetimes.exit[i]))
            .then(lifetimes.is_event[i].cmp(&lifetimes.is_event[j]))
    });
    let (mut concordant, mut discordant, mut tied) = (0.0, 0.0, 0.0);
    for run in order.chunk_by(|&i, &j| stratum(i) == stratum(j)) {
        let mut entries: Vec<usize> = run
            .iter()
            .copied()
            .filter(|&i| lifetimes.entry[i] > 0.0)
            .collect();
        entries.sort_unstable_by(|&i, &j| lifetimes.entry[j].total_cmp(&lifetimes.entry[i]));
        let mut not_yet = entries.into_iter().peekable();
        let mut at_risk = Counts::new(levels.len());
        for tie in run.chunk_by(|&i, &j| lifetimes.exit[i] == lifetimes.exit[j]) {
            let n_censored = tie.iter().take_while(|&&i| !lifetimes.is_event[i]).count();
            let (censored, events) = tie.split_at(n_censored);
            for &i in censored {
                at_risk.add(ranks[i], 1);
            }
            if let Some(&first) = events.first() {
                let time = lifetimes.exit[first];
                while let Some(i) = not_yet.next_if(|&i| lifetimes.entry[i] >= time) {
                    at_risk.add(ranks[i], -1);
                }
            }
            for &i in events {
                let below = at_risk.below(ranks[i]);
                let up_to = at_risk.below(ranks[i] + 1);
                concordant += below as f64;
                tied += (up_to - below) as f64;
                discordant += (at_risk.total - up_to) as f64;
            }
            for &i in events {
                at_risk.add(ranks[i], 1);
            }
        }
    }
    let pairs = concordant + discordant + tied;
    Ok(Concordance {
        value: (pairs > 0.0).then(|| (concordant + 0.5 * tied) / pairs),
        concordant,
        discordant,
        tied,
    })
}

/// Numbers per rank with fast sums from below (Fenwick 1994).
struct Counts {
    tree: Vec<i64>,
    total: i64,
}

impl Counts {
    fn new(n: usize) -> Self {
        Counts {
            tree: vec![0; n + 1],
            total: 0,
        }
    }

    fn add(&mut self, rank: usize, count: i64) {
        self.total += count;
        let mut i = rank + 1;
        while let Some(cell) = self.tree.get_mut(i) {
            *cell += count;
            i += i & i.wrapping_neg();
        }
    }

    fn below(&self, rank: usize) -> i64 {
        let (mut sum, mut i) = (0, rank.min(self.tree.len() - 1));
        while i > 0 {
            sum += self.tree[i];
            i &= i - 1;
        }
        sum
    }
}

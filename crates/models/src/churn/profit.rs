//! How long a list pays: expected profit of contacting the highest scores.
//! Must not know what a campaign costs; the caller says.
//!
//! Of N a customers contacted, with share b of leavers among them (Neslin, Gupta, Kamakura, Lu & Mason 2006, Journal
//! of Marketing Research 43:204-211):
//!
//! profit = N a ( [g V + d (1-g)] b - d - c ) - A
//!
//! | symbol | field | meaning |
//! |---|---|---|
//! | g | `save_rate` | share of contacted leavers who stay because of it |
//! | V | `value` | worth of one who stays |
//! | d | `incentive` | cost of the offer to one who takes it; stayers take it too |
//! | c | `contact` | cost of the contact itself |
//! | A | `fixed` | cost of having a campaign at all |
//!
//! It assumes one save rate for all. Those most likely to leave may be the hardest to hold; only a group left out at
//! random tells, and with one the list should go by the difference contact makes.

use crate::error::{self, Result};

use super::quality::{self, Ranked};

/// Money in one unit of the caller's choice, expected values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Campaign {
    pub save_rate: f64,
    pub value: f64,
    pub incentive: f64,
    pub contact: f64,
    pub fixed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub length: usize,
    /// Expected leavers among them.
    pub hits: f64,
    pub profit: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Lengths from 0 (no campaign, profit 0) to all, evenly spread, the best among them.
    pub points: Vec<Point>,
    /// The shortest of the most profitable; length 0 says: do not run it.
    pub best: Point,
    pub everybody: Point,
}

impl Campaign {
    fn check(&self) -> Result<()> {
        error::within("save_rate", self.save_rate, 0.0, 1.0)?;
        for (name, value) in [
            ("value", self.value),
            ("incentive", self.incentive),
            ("contact", self.contact),
            ("fixed", self.fixed),
        ] {
            error::within(name, value, 0.0, f64::MAX)?;
        }
        Ok(())
    }

    fn profit(&self, length: usize, hits: f64) -> f64 {
        if length == 0 {
            return 0.0;
        }
        let per_leaver = self.save_rate * self.value + self.incentive * (1.0 - self.save_rate);
        per_leaver * hits - (self.incentive + self.contact) * length as f64 - self.fixed
    }

    /// The probability of leaving above which one more contact pays; above 1 if none does.
    pub fn break_even(&self) -> Result<f64> {
        self.check()?;
        let per_leaver = self.save_rate * self.value + self.incentive * (1.0 - self.save_rate);
        Ok(if per_leaver > 0.0 {
            (self.incentive + self.contact) / per_leaver
        } else {
            f64::INFINITY
        })
    }
}

/// Profit over list lengths, `n_points` of them besides 0 and the best.
pub fn curve(
    scores: &[f64],
    outcome: &[bool],
    campaign: &Campaign,
    n_points: usize,
) -> Result<Curve> {
    campaign.check()?;
    error::within("n_points", n_points as f64, 1.0, 1e6)?;
    let Ranked { hits, .. } = quality::rank(scores, outcome)?;
    let point = |length: usize| Point {
        length,
        hits: hits[length],
        profit: campaign.profit(length, hits[length]),
    };
    let n = outcome.len();
    let mut best = point(0);
    for length in 1..=n {
        let next = point(length);
        if next.profit > best.profit {
            best = next;
        }
    }
    let mut lengths: Vec<usize> = (0..=n_points).map(|k| k * n / n_points).collect();
    lengths.push(best.length);
    lengths.sort_unstable();
    lengths.dedup();
    Ok(Curve {
        points: lengths.into_iter().map(point).collect(),
        best,
        everybody: point(n),
    })
}

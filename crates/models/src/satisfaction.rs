//! Satisfaction scores with honest intervals: NPS, CSAT and CES from ratings, and whether two of them differ.
//! Must not decide what is shown: it marks small samples, and the caller hides or greys them.
//!
//! | score | scale | value | interval |
//! |---|---|---|---|
//! | NPS | 0..=10 | 100 (promoters 9-10 less detractors 0-6) / n | adjusted Wald; bootstrap on demand |
//! | CSAT | 1..=5 | share of 4 and 5 | Wilson |
//! | CES | 1..=7, 7 is easy | mean, and share of 5 to 7 | normal, and Wilson |
//!
//! The plain (Wald) interval of NPS has no width when everyone answers alike, which is when few answered.
//! The adjusted one adds three imagined answers, 3/4 promoter, 3/2 passive, 3/4 detractor, before it computes
//! (the plus-three rule of Bonett & Price 2012, J. Educ. Behav. Stat. 37:479-488, for differences of two shares).
//!
//! Who answers is not who was asked. Weights correct for known shares of channels or tiers (a stratum's weight is
//! its share among customers over its share among answers); they enter intervals through the effective number of
//! answers (sum w)^2 / sum w^2 (Kish 1965). Nothing corrects for the silence of the unhappy within a stratum.
//!
//! ```
//! use keji_models::interval::USUAL_LEVEL;
//! use keji_models::satisfaction::{Nps, Tally};
//!
//! let ratings = [10, 9, 9, 8, 7, 10, 3, 6, 9, 10];
//! let nps = Tally::nps(&ratings, None)?.to_nps(USUAL_LEVEL)?;
//! assert_eq!(nps.score, 40.0);
//! // Ten answers cannot tell this from zero, and the result says so.
//! assert!(nps.interval.contains(0.0) && nps.sample.is_small());
//! // The same from counts.
//! assert_eq!(Nps::from_counts(6, 2, 2, USUAL_LEVEL)?, nps);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::distribution::two_sided_p;
use crate::error::{self, Error, Result, RowProblem};
use crate::interval::{self, Interval, critical, wilson};
use crate::random::{Random, quantile};

/// Below this number of answers a reader may guess who answered what: do not show the number.
pub const MIN_SHOWN: u64 = 5;

/// Below this number the interval is wide and its formula rough: show the number with a mark.
pub const MIN_RELIABLE: u64 = 30;

/// How far a number from `n` answers can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sample {
    /// Fewer than [`MIN_SHOWN`].
    TooFew,
    /// Fewer than [`MIN_RELIABLE`].
    Small,
    Enough,
}

impl Sample {
    pub fn of(n: u64) -> Self {
        match n {
            0..MIN_SHOWN => Sample::TooFew,
            MIN_SHOWN..MIN_RELIABLE => Sample::Small,
            _ => Sample::Enough,
        }
    }

    pub fn is_small(self) -> bool {
        self != Sample::Enough
    }

    /// Stable; stored with results.
    pub fn code(self) -> &'static str {
        match self {
            Sample::TooFew => "too_few",
            Sample::Small => "small",
            Sample::Enough => "enough",
        }
    }
}

/// Answers counted by point of the scale, plain or weighted.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    lowest: u8,
    /// Weight per point of the scale, ascending.
    weights: Vec<f64>,
    n: u64,
    sum_of_squared_weights: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nps {
    /// From -100 to 100.
    pub score: f64,
    /// Of the score, without adjustment.
    pub std_error: f64,
    /// Adjusted Wald, cut to -100..=100.
    pub interval: Interval,
    /// Plain Wald, for comparison with other software.
    pub wald: Interval,
    pub promoter_share: f64,
    pub detractor_share: f64,
    /// Answers.
    pub n: u64,
    /// What the answers count for after weighting; `n` without weights.
    pub n_effective: f64,
    pub sample: Sample,
}

/// A share of answers at or above some point of the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    pub share: f64,
    /// Wilson.
    pub interval: Interval,
    pub n: u64,
    pub n_effective: f64,
    pub sample: Sample,
}

/// The mean of a scale, taken as if its steps were equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    pub mean: f64,
    /// Between answers, with n-1; `None` for one answer.
    pub std_deviation: Option<f64>,
    /// mean +- z sd/sqrt(n), cut to the scale; `None` for one answer. Ratings all alike give it no width.
    pub interval: Option<Interval>,
    pub n: u64,
    pub n_effective: f64,
    pub sample: Sample,
}

/// First less second, of two groups without common customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub difference: f64,
    pub std_error: f64,
    pub interval: Interval,
    pub z: f64,
    /// Two-sided, for no difference.
    pub p_value: f64,
}

impl Tally {
    /// Ratings 0..=10. `weights` per answer, above zero; `None` counts each as one.
    pub fn nps(ratings: &[u8], weights: Option<&[f64]>) -> Result<Self> {
        Tally::new(0, 10, ratings, weights)
    }

    /// Ratings 1..=5.
    pub fn csat(ratings: &[u8], weights: Option<&[f64]>) -> Result<Self> {
        Tally::new(1, 5, ratings, weights)
    }

    /// Ratings 1..=7, 7 for "very easy".
    pub fn ces(ratings: &[u8], weights: Option<&[f64]>) -> Result<Self> {
        Tally::new(1, 7, ratings, weights)
    }

    /// Any scale of whole steps. Fails on a rating off the scale or a weight that is not above zero, naming the row,
    /// and without answers.
    pub fn new(lowest: u8, highest: u8, ratings: &[u8], weights: Option<&[f64]>) -> Result<Self> {
        if let Some(weights) = weights {
            error::same_length("weights", ratings.len(), weights.len())?;
        }
        let Some(n_steps) = highest.checked_sub(lowest) else {
            return Err(Error::OutOfRange {
                name: "highest",
                value: highest.into(),
            });
        };
        let mut tally = Tally {
            lowest,
            weights: vec![0.0; usize::from(n_steps) + 1],
            n: 0,
            sum_of_squared_weights: 0.0,
        };
        for (row, &rating) in ratings.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[row]);
            if !(weight > 0.0 && weight.is_finite()) {
                return Err(error::row(row)(RowProblem::BadWeight(weight)));
            }
            let point = rating
                .checked_sub(lowest)
                .and_then(|above| tally.weights.get_mut(usize::from(above)));
            let Some(point) = point else {
                return Err(error::row(row)(RowProblem::OffScale {
                    rating,
                    lowest,
                    highest,
                }));
            };
            *point += weight;
            tally.n += 1;
            tally.sum_of_squared_weights += weight * weight;
        }
        if tally.n == 0 {
            return Err(Error::NotEnough("no answers"));
        }
        Ok(tally)
    }

    /// Weight per point, from the lowest up: plain counts without weights.
    pub fn counts(&self) -> &[f64] {
        &self.weights
    }

    pub fn n(&self) -> u64 {
        self.n
    }

    /// (sum w)^2 / sum w^2; `n` when all weigh the same.
    pub fn n_effective(&self) -> f64 {
        let total = self.total();
        total * total / self.sum_of_squared_weights
    }

    /// Promoters are 9 and 10, detractors 0 to 6. Fails on another scale than 0..=10.
    pub fn to_nps(&self, level: f64) -> Result<Nps> {
        self.on_nps_scale()?;
        let below_seven: f64 = self.weights.iter().take(7).sum();
        nps(
            self.share_from(9),
            below_seven / self.total(),
            self.n,
            self.n_effective(),
            level,
        )
    }

    /// Share of the two highest points: CSAT on 1..=5.
    pub fn top_two(&self, level: f64) -> Result<Share> {
        let from = usize::from(self.lowest) + self.weights.len().saturating_sub(2);
        self.at_least(from as u8, level)
    }

    /// Share of answers at or above a point: 5 for CES on 1..=7.
    pub fn at_least(&self, point: u8, level: f64) -> Result<Share> {
        let share = self.share_from(point);
        let n_effective = self.n_effective();
        Ok(Share {
            share,
            interval: wilson(share * n_effective, n_effective, level)?,
            n: self.n,
            n_effective,
            sample: Sample::of(self.n),
        })
    }

    /// Mean of the scale, for CES and as a second look at CSAT.
    pub fn mean(&self, level: f64) -> Result<Mean> {
        let z = critical(level)?;
        let total = self.total();
        let points = || (self.lowest..).map(f64::from).zip(&self.weights);
        let mean = points().map(|(point, w)| point * w).sum::<f64>() / total;
        let squares = points()
            .map(|(point, w)| w * (point - mean) * (point - mean))
            .sum::<f64>();
        let n = self.n_effective();
        let std_deviation = (n > 1.0).then(|| (squares / total * n / (n - 1.0)).sqrt());
        let highest = f64::from(self.lowest) + self.weights.len() as f64 - 1.0;
        Ok(Mean {
            mean,
            std_deviation,
            interval: std_deviation.map(|sd| {
                Interval::around(mean, z * sd / n.sqrt()).within(self.lowest.into(), highest)
            }),
            n: self.n,
            n_effective: n,
            sample: Sample::of(self.n),
        })
    }

    /// Percentile bootstrap of the NPS: shares drawn again `n_draws` times, always alike for one `seed`.
    ///
    /// No better than the adjusted interval for NPS alone, and without width when all answer alike; it is here for
    /// those who report it. Weighted answers are drawn as if they were their effective number. Cost: n x draws.
    pub fn nps_bootstrap(&self, level: f64, n_draws: usize, seed: u64) -> Result<Interval> {
        self.on_nps_scale()?;
        self.bootstrap(level, n_draws, seed, |point| match point {
            9.. => 100.0,
            7.. => 0.0,
            _ => -100.0,
        })
    }

    /// Percentile bootstrap of the mean of the scale.
    pub fn mean_bootstrap(&self, level: f64, n_draws: usize, seed: u64) -> Result<Interval> {
        self.bootstrap(level, n_draws, seed, f64::from)
    }

    fn bootstrap(
        &self,
        level: f64,
        n_draws: usize,
        seed: u64,
        value: impl Fn(u8) -> f64,
    ) -> Result<Interval> {
        critical(level)?;
        // Fewer would leave the limits to chance.
        if n_draws < 200 {
            return Err(Error::OutOfRange {
                name: "n_draws",
                value: n_draws as f64,
            });
        }
        let total = self.total();
        let mut reached = 0.0;
        let ladder: Vec<(f64, f64)> = (self.lowest..)
            .zip(&self.weights)
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(point, weight)| {
                reached += weight / total;
                (reached, value(point))
            })
            .collect();
        let last = ladder.last().map_or(0.0, |&(_, value)| value);
        let n = self.n_effective().round().max(1.0) as u64;
        let mut random = Random::new(seed);
        let mut means: Vec<f64> = (0..n_draws)
            .map(|_| {
                let draw = |_| {
                    let at = random.unit();
                    let found = ladder.iter().find(|(up_to, _)| at <= *up_to);
                    found.map_or(last, |&(_, value)| value)
                };
                (0..n).map(draw).sum::<f64>() / n as f64
            })
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        Ok(Interval {
            low: quantile(&means, 0.5 - 0.5 * level),
            high: quantile(&means, 0.5 + 0.5 * level),
        })
    }

    fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// Clamped, because a sum of weights can pass 1 by rounding.
    fn share_from(&self, point: u8) -> f64 {
        let skipped = usize::from(point.saturating_sub(self.lowest));
        let above: f64 = self.weights.iter().skip(skipped).sum();
        (above / self.total()).clamp(0.0, 1.0)
    }

    fn on_nps_scale(&self) -> Result<()> {
        if self.lowest == 0 && self.weights.len() == 11 {
            Ok(())
        } else {
            Err(Error::OutOfRange {
                name: "highest point of the NPS scale",
                value: f64::from(self.lowest) + self.weights.len() as f64 - 1.0,
            })
        }
    }
}

impl Nps {
    /// From people counted already. Fails when there are none.
    pub fn from_counts(promoters: u64, passives: u64, detractors: u64, level: f64) -> Result<Self> {
        let n = promoters + passives + detractors;
        if n == 0 {
            return Err(Error::NotEnough("no answers"));
        }
        let of = |count: u64| count as f64 / n as f64;
        nps(of(promoters), of(detractors), n, n as f64, level)
    }
}

/// Whether two scores differ, by their standard errors; for groups without common customers.
///
/// The interval uses the same imagined answers as [`Nps::interval`]; z and p value the plain standard errors,
/// and are infinite and 0 when neither varies.
pub fn compare_nps(first: &Nps, second: &Nps, level: f64) -> Result<Difference> {
    let critical = critical(level)?;
    let difference = first.score - second.score;
    let std_error = first.std_error.hypot(second.std_error);
    let [(one, one_error), (two, two_error)] = [first, second]
        .map(|nps| adjusted(nps.promoter_share, nps.detractor_share, nps.n_effective));
    let z = if difference == 0.0 {
        0.0
    } else {
        difference / std_error
    };
    Ok(Difference {
        difference,
        std_error,
        interval: Interval::around(one - two, critical * one_error.hypot(two_error))
            .within(-200.0, 200.0),
        z,
        p_value: two_sided_p(z),
    })
}

/// Whether two shares differ: Newcombe's interval, and the z test with the pooled share.
pub fn compare_shares(first: &Share, second: &Share, level: f64) -> Result<Difference> {
    let counts = |one: &Share| (one.share * one.n_effective, one.n_effective);
    let interval = interval::share_difference(counts(first), counts(second), level)?;
    let (n, m) = (first.n_effective, second.n_effective);
    let pooled = (first.share * n + second.share * m) / (n + m);
    let difference = first.share - second.share;
    let std_error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let z = if difference == 0.0 {
        0.0
    } else {
        difference / std_error
    };
    Ok(Difference {
        difference,
        std_error,
        interval,
        z,
        p_value: two_sided_p(z),
    })
}

fn nps(promoters: f64, detractors: f64, n: u64, n_effective: f64, level: f64) -> Result<Nps> {
    let z = critical(level)?;
    let score = 100.0 * promoters - 100.0 * detractors;
    let std_error = spread(promoters, detractors, n_effective);
    let (centre, adjusted_error) = adjusted(promoters, detractors, n_effective);
    Ok(Nps {
        score,
        std_error,
        interval: Interval::around(centre, z * adjusted_error).within(-100.0, 100.0),
        wald: Interval::around(score, z * std_error).within(-100.0, 100.0),
        promoter_share: promoters,
        detractor_share: detractors,
        n,
        n_effective,
        sample: Sample::of(n),
    })
}

/// Standard error of a score: one answer is 1, 0 or -1, so its variance is P + D - (P - D)^2.
fn spread(promoters: f64, detractors: f64, n: f64) -> f64 {
    let score = promoters - detractors;
    100.0 * ((promoters + detractors - score * score).max(0.0) / n).sqrt()
}

/// Score and its standard error with three imagined answers.
fn adjusted(promoters: f64, detractors: f64, n: f64) -> (f64, f64) {
    let promoters = (promoters * n + 0.75) / (n + 3.0);
    let detractors = (detractors * n + 0.75) / (n + 3.0);
    let score = 100.0 * (promoters - detractors);
    (score, spread(promoters, detractors, n + 3.0))
}

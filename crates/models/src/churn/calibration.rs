//! Makes scores mean what they say, and notices when they no longer do.
//! Must be fitted on rows the model has not learned from: out-of-fold scores or a held-out part.
//!
//! | | shape | needs | use |
//! |---|---|---|---|
//! | [`Platt`] | logistic in the log-odds, two numbers | 100 rows of the rarer outcome | few rows; keeps every difference of scores |
//! | [`Isotonic`] | any rising step function | 1000 rows or more | many rows and a bent curve; ties customers together |
//!
//! Neither changes who stands above whom (isotonic only makes ties), so AUC and lift stay as they are.
//!
//! ```
//! use keji_models::churn::calibration::Platt;
//! // Log-odds twice too bold: of those scored 88% (log-odds 2) only 73% left.
//! let log_odds: Vec<f64> = (0..200).map(|i| if i < 100 { 2.0 } else { -2.0 }).collect();
//! let left: Vec<bool> = (0..200).map(|i| i < 73 || i >= 173).collect();
//! let platt = Platt::fit(&log_odds, &left)?;
//! assert!((platt.slope - 0.5).abs() < 0.02);
//! assert!((platt.probability(2.0) - 0.73).abs() < 0.01);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result, RowProblem};
use crate::features;

use super::quality::{self, Estimate};

/// p = 1/(1+e^-(offset + slope x)) of log-odds x.
///
/// Platt (1999), with his targets (k+1)/(k+2) and 1/(m+2) instead of 1 and 0, which keep few rows from certainty;
/// by Newton steps (Lin, Lin & Weng 2007, Machine Learning 68:267).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    pub slope: f64,
    pub offset: f64,
}

impl Platt {
    /// Fails on one kind of outcome, on scores that are not finite or all equal, and if the scores rank worse than
    /// chance (slope at or below 0).
    pub fn fit(log_odds: &[f64], outcome: &[bool]) -> Result<Self> {
        check(log_odds, outcome)?;
        let n_positive = features::check_both(outcome)? as f64;
        let n_negative = outcome.len() as f64 - n_positive;
        let high = (n_positive + 1.0) / (n_positive + 2.0);
        let low = 1.0 / (n_negative + 2.0);
        let targets: Vec<f64> = outcome
            .iter()
            .map(|&y| if y { high } else { low })
            .collect();
        let fit = two(log_odds, &targets)?;
        if fit.slope <= 0.0 {
            return Err(Error::NotEnough(
                "the scores do not rank better than chance, so they cannot be calibrated",
            ));
        }
        Ok(Self {
            slope: fit.slope,
            offset: fit.offset,
        })
    }

    pub fn probability(&self, log_odds: f64) -> f64 {
        features::logistic(self.offset + self.slope * log_odds)
    }
}

/// A rising step function of the score, with straight lines between its steps.
///
/// Pooled adjacent violators (Ayer et al. 1955; Zadrozny & Elkan 2002, KDD). The first and last step are drawn
/// towards the share of all as if by one more customer, so that nobody is promised 0% or 100% for want of data.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// Ascending scores and the probability at each.
    pub scores: Vec<f64>,
    pub probabilities: Vec<f64>,
}

impl Isotonic {
    /// Fails on one kind of outcome and on scores that are not finite.
    pub fn fit(scores: &[f64], outcome: &[bool]) -> Result<Self> {
        check(scores, outcome)?;
        let share = features::check_both(outcome)? as f64 / outcome.len() as f64;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let mut blocks: Vec<Block> = Vec::new();
        for i in order {
            let hit = f64::from(u8::from(outcome[i]));
            match blocks.last_mut() {
                // Equal scores must have one probability whatever their outcomes.
                Some(last) if last.to == scores[i] => {
                    last.hits += hit;
                    last.n += 1.0;
                }
                _ => blocks.push(Block {
                    from: scores[i],
                    to: scores[i],
                    hits: hit,
                    n: 1.0,
                }),
            }
        }
        let mut rising: Vec<Block> = Vec::new();
        for mut block in blocks {
            while let Some(last) = rising.pop_if(|last| last.rate() >= block.rate()) {
                block.from = last.from;
                block.hits += last.hits;
                block.n += last.n;
            }
            rising.push(block);
        }
        let last = rising.len() - 1;
        let mut isotonic = Self {
            scores: Vec::new(),
            probabilities: Vec::new(),
        };
        for (i, block) in rising.iter().enumerate() {
            let rate = if i == 0 || i == last {
                (block.hits + share) / (block.n + 1.0)
            } else {
                block.rate()
            };
            // The shrunk ends must not pass their neighbours.
            let lowest = isotonic.probabilities.last().copied().unwrap_or(0.0);
            let highest = rising.get(i + 1).map_or(1.0, Block::rate);
            let rate = rate.clamp(lowest, highest.max(lowest));
            for score in [block.from, block.to] {
                if isotonic.scores.last() != Some(&score) {
                    isotonic.scores.push(score);
                    isotonic.probabilities.push(rate);
                }
            }
        }
        Ok(isotonic)
    }

    /// Beyond the scores of the fit, the probability of the nearest.
    pub fn probability(&self, score: f64) -> f64 {
        let next = self.scores.partition_point(|s| *s < score);
        let at = |i: usize| Some((*self.scores.get(i)?, *self.probabilities.get(i)?));
        let below = next.checked_sub(1).and_then(at);
        match (below, at(next)) {
            (Some((s0, p0)), Some((s1, p1))) => p0 + (p1 - p0) * (score - s0) / (s1 - s0),
            (Some((_, p)), None) | (None, Some((_, p))) => p,
            (None, None) => f64::NAN,
        }
    }
}

struct Block {
    from: f64,
    to: f64,
    hits: f64,
    n: f64,
}

impl Block {
    fn rate(&self) -> f64 {
        self.hits / self.n
    }
}

/// Outcomes of later customers against what was said of them: logit P(y) = offset + slope x (Cox 1958, Biometrika
/// 45:562). Slope 1 and offset 0 are right; a slope below 1 says too bold, an offset below 0 too high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    pub slope: f64,
    pub slope_std_error: f64,
    pub offset: f64,
    pub offset_std_error: f64,
    /// Of the likelihood ratio test of slope 1 and offset 0 (two degrees of freedom).
    pub p_value: f64,
    /// Mean log-loss that the best slope and offset would save.
    pub gain: f64,
}

/// Fits offset and slope. Fails as [`Platt::fit`] but takes any slope, and when a score parts the outcomes.
pub fn check_calibration(log_odds: &[f64], outcome: &[bool]) -> Result<Check> {
    check(log_odds, outcome)?;
    features::check_both(outcome)?;
    let targets: Vec<f64> = outcome.iter().map(|&y| f64::from(u8::from(y))).collect();
    let fit = two(log_odds, &targets)?;
    let before: f64 = log_odds
        .iter()
        .zip(outcome)
        .map(|(&x, &y)| features::log_loss_at(x, y))
        .sum();
    let gain = (before - fit.loss).max(0.0);
    Ok(Check {
        slope: fit.slope,
        slope_std_error: fit.slope_std_error,
        offset: fit.offset,
        offset_std_error: fit.offset_std_error,
        // The survival function of a chi-square with two degrees at 2 gain is e^-gain.
        p_value: (-gain).exp(),
        gain: gain / outcome.len() as f64,
    })
}

/// What to do with a model in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Fewer than 100 of either outcome came in: a verdict would be a guess (Vergouwe et al. 2005, J. Clinical
    /// Epidemiology 58:475).
    Wait,
    Keep,
    /// It still ranks, but its probabilities are off: fit [`Platt`] on the new outcomes.
    Recalibrate,
    /// It ranks worse than when it was made: learn again on newer rows.
    Refit,
}

/// Judges a model in use by the outcomes that came in since.
///
/// `auc_when_made` is that of its hold-out. Refit when the AUC fell by more than 0.02 and by more than 1.96 standard
/// errors; recalibrate when the test of [`check_calibration`] has p < 0.01 and there is more than 0.001 of mean
/// log-loss to gain. The second halves of both rules keep large bases from alarms over nothing.
pub fn advise(log_odds: &[f64], outcome: &[bool], auc_when_made: &Estimate) -> Result<Advice> {
    check(log_odds, outcome)?;
    let n_positive = outcome.iter().filter(|&&y| y).count();
    if n_positive.min(outcome.len() - n_positive) < 100 {
        return Ok(Advice::Wait);
    }
    let now = quality::auc(log_odds, outcome)?;
    let fall = auc_when_made.value - now.value;
    if fall > 0.02 && fall > 1.96 * now.std_error.hypot(auc_when_made.std_error) {
        return Ok(Advice::Refit);
    }
    let found = check_calibration(log_odds, outcome)?;
    Ok(if found.p_value < 0.01 && found.gain > 0.001 {
        Advice::Recalibrate
    } else {
        Advice::Keep
    })
}

fn check(scores: &[f64], outcome: &[bool]) -> Result<()> {
    error::same_length("scores", outcome.len(), scores.len())?;
    match scores.iter().position(|score| !score.is_finite()) {
        Some(row) => Err(error::row(row)(RowProblem::BadScore(scores[row]))),
        None => Ok(()),
    }
}

struct Two {
    slope: f64,
    slope_std_error: f64,
    offset: f64,
    offset_std_error: f64,
    loss: f64,
}

/// Logistic regression on one column with targets within 0 and 1, by Newton steps with halving.
fn two(x: &[f64], targets: &[f64]) -> Result<Two> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let share = targets.iter().sum::<f64>() / n;
    let loss = |a: f64, b: f64| -> f64 {
        let one = |(x, t): (&f64, &f64)| {
            let eta = a + b * (x - mean);
            features::softplus(eta) - t * eta
        };
        x.iter().zip(targets).map(one).sum()
    };
    // About the mean the two estimates are almost independent.
    let (mut a, mut b) = ((share / (1.0 - share)).ln(), 0.0);
    let mut here = loss(a, b);
    for iterations in 1..=100 {
        let (mut ga, mut gb, mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (x, t) in x.iter().zip(targets) {
            let d = x - mean;
            let p = features::logistic(a + b * d);
            let w = p * (1.0 - p);
            ga += t - p;
            gb += (t - p) * d;
            aa += w;
            ab += w * d;
            bb += w * d * d;
        }
        let determinant = aa * bb - ab * ab;
        if determinant.is_nan() || determinant <= 1e-12 * aa * bb {
            return Err(Error::NotEnough(
                "scores are all equal, or part the outcomes without error",
            ));
        }
        let (da, db) = (
            (bb * ga - ab * gb) / determinant,
            (aa * gb - ab * ga) / determinant,
        );
        if ga * da + gb * db <= 1e-15 * (1.0 + here) {
            return Ok(Two {
                slope: b,
                slope_std_error: (aa / determinant).sqrt(),
                offset: a - b * mean,
                offset_std_error: ((bb + 2.0 * mean * ab + mean * mean * aa) / determinant).sqrt(),
                loss: here,
            });
        }
        let mut share = 1.0;
        while loss(a + share * da, b + share * db) > here * (1.0 + 1e-14) && share > 1e-6 {
            share *= 0.5;
        }
        (a, b) = (a + share * da, b + share * db);
        here = loss(a, b);
        if iterations == 100 {
            return Err(Error::NoConvergence {
                iterations,
                gradient_norm: ga.abs().max(gb.abs()),
            });
        }
    }
    Err(Error::NotEnough("no step was made"))
}

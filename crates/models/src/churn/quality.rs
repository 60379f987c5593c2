//! How good scores are: do they rank, are they right as probabilities, what does a list of a given length hold.
//! Must not see the rows the model learned from; the caller passes later ones.
//!
//! | figure | asks | of no use is | perfect is |
//! |---|---|---|---|
//! | AUC | does a leaver score above a stayer | 0.5 | 1 |
//! | average precision | how pure are the lists, over all lengths | share of leavers | 1 |
//! | log-loss, Brier | are the probabilities right and sharp | that of the share | 0 |
//! | calibration error | does 30% mean 30% | - | 0 |
//! | lift | how much richer than a random list | 1 | 1 / share |
//!
//! Equal scores count as a random order among themselves, so that a constant score has AUC 0.5 and lift 1.
//! Every list and the AUC come with a 95% interval: two models whose intervals overlap are compared with
//! [`auc_difference`], which knows that they judged the same customers.
//!
//! ```
//! use keji_models::churn::quality;
//! let left = [true, true, false, true, false, false, false, false];
//! let score = [0.9, 0.8, 0.7, 0.4, 0.3, 0.2, 0.2, 0.1];
//! let judged = quality::judge(&score, &left)?;
//! assert!((judged.auc.value - 14.0 / 15.0).abs() < 1e-12); // one of 15 pairs is the wrong way round
//! let list = quality::list(&score, &left, 2)?;
//! assert_eq!((list.precision, list.recall), (1.0, 2.0 / 3.0));
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Result, RowProblem};
use crate::features;
use crate::proportion::{Z95, wilson};

/// Groups of equal size for the calibration error.
const N_GROUPS: usize = 10;

/// A figure with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub std_error: f64,
    pub lower: f64,
    pub upper: f64,
}

/// All figures of one model on one set of customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    pub n: usize,
    pub n_positive: usize,
    /// Area under the ROC curve, interval by DeLong on the log-odds scale.
    pub auc: Estimate,
    /// Area under precision over recall, by steps.
    pub average_precision: f64,
    /// Mean per customer; probabilities are cut at 1e-15 and 1 - 1e-15.
    pub log_loss: f64,
    /// Of giving everybody the share of these customers.
    pub log_loss_naive: f64,
    pub brier: f64,
    pub brier_naive: f64,
    pub mean_probability: f64,
    /// Mean absolute difference of probability and rate over ten groups of equal size.
    pub calibration_error: f64,
    /// What right probabilities would show here by chance.
    pub calibration_error_by_chance: f64,
}

/// Judges probabilities. Fails on one kind of outcome and on probabilities outside 0 to 1.
pub fn judge(probabilities: &[f64], outcome: &[bool]) -> Result<Quality> {
    let auc = auc(probabilities, outcome)?;
    check_probabilities(probabilities)?;
    let n = outcome.len() as f64;
    let n_positive = outcome.iter().filter(|&&y| y).count();
    let share = n_positive as f64 / n;
    let mut log_loss = 0.0;
    let mut brier = 0.0;
    for (&p, &y) in probabilities.iter().zip(outcome) {
        let right = if y { p } else { 1.0 - p };
        log_loss -= right.max(1e-15).ln();
        brier += (1.0 - right) * (1.0 - right);
    }
    let groups = reliability(probabilities, outcome, N_GROUPS)?;
    let over_groups = |error: &dyn Fn(&Group) -> f64| {
        groups
            .iter()
            .map(|g| g.n as f64 / n * error(g))
            .sum::<f64>()
    };
    Ok(Quality {
        n: outcome.len(),
        n_positive,
        auc,
        average_precision: average_precision(probabilities, outcome)?,
        log_loss: log_loss / n,
        log_loss_naive: -share * share.ln() - (1.0 - share) * (1.0 - share).ln(),
        brier: brier / n,
        brier_naive: share * (1.0 - share),
        mean_probability: probabilities.iter().sum::<f64>() / n,
        calibration_error: over_groups(&|g| (g.mean_probability - g.rate).abs()),
        // Mean absolute value of a normal variable with the group's variance.
        calibration_error_by_chance: over_groups(&|g| {
            let p = g.mean_probability;
            (2.0 / std::f64::consts::PI * p * (1.0 - p) / g.n as f64).sqrt()
        }),
    })
}

/// Area under the ROC curve with its standard error (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837, by
/// midranks as Sun & Xu 2014). A perfect ranking has standard error 0, which says too little with few customers.
/// Cost: O(n log n).
pub fn auc(scores: &[f64], outcome: &[bool]) -> Result<Estimate> {
    let (above, below) = placements(scores, outcome)?;
    let value = mean(&above);
    let std_error =
        (variance(&above) / above.len() as f64 + variance(&below) / below.len() as f64).sqrt();
    // Symmetric on the log-odds, so that the interval stays within 0 and 1.
    let spread = if value > 0.0 && value < 1.0 {
        Z95 * std_error / (value * (1.0 - value))
    } else {
        0.0
    };
    let centre = (value / (1.0 - value)).ln();
    Ok(Estimate {
        value,
        std_error,
        lower: features::logistic(centre - spread),
        upper: features::logistic(centre + spread),
    })
}

/// AUC of `a` less that of `b` on the same customers; an interval that holds 0 means no difference was shown.
pub fn auc_difference(a: &[f64], b: &[f64], outcome: &[bool]) -> Result<Estimate> {
    let (above_a, below_a) = placements(a, outcome)?;
    let (above_b, below_b) = placements(b, outcome)?;
    let minus = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x - y).collect::<Vec<_>>();
    let (above, below) = (minus(&above_a, &above_b), minus(&below_a, &below_b));
    let value = mean(&above);
    let std_error =
        (variance(&above) / above.len() as f64 + variance(&below) / below.len() as f64).sqrt();
    Ok(Estimate {
        value,
        std_error,
        lower: value - Z95 * std_error,
        upper: value + Z95 * std_error,
    })
}

/// Sum over lists of precision times the recall gained, without interpolation; equal scores enter together.
pub fn average_precision(scores: &[f64], outcome: &[bool]) -> Result<f64> {
    let order = descending(scores, outcome)?;
    let total = outcome.iter().filter(|&&y| y).count() as f64;
    let (mut hits, mut sum) = (0.0, 0.0);
    let mut at = 0;
    while at < order.len() {
        let end = end_of_ties(&order, scores, at);
        let new = order[at..end].iter().filter(|&&i| outcome[i]).count() as f64;
        hits += new;
        sum += new / total * hits / end as f64;
        at = end;
    }
    Ok(sum)
}

/// Customers of like probability, and how they ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    pub n: usize,
    pub mean_probability: f64,
    /// Share with the outcome, and its 95% interval (Wilson).
    pub rate: f64,
    pub lower: f64,
    pub upper: f64,
}

/// The reliability table: about `n_groups` groups of equal size, lowest probability first; equal probabilities
/// stay together, so groups may be fewer.
pub fn reliability(probabilities: &[f64], outcome: &[bool], n_groups: usize) -> Result<Vec<Group>> {
    check_probabilities(probabilities)?;
    let mut order = descending(probabilities, outcome)?;
    error::within("n_groups", n_groups as f64, 1.0, 1000.0)?;
    order.reverse();
    let n = order.len();
    let mut groups = Vec::new();
    let mut from = 0;
    for k in 1..=n_groups {
        let wanted = k * n / n_groups;
        if wanted <= from {
            continue;
        }
        let to = end_of_ties(&order, probabilities, wanted - 1);
        let members = &order[from..to];
        let size = members.len() as f64;
        let hits = members.iter().filter(|&&i| outcome[i]).count() as f64;
        let (lower, upper) = wilson(hits, size, Z95);
        groups.push(Group {
            n: members.len(),
            mean_probability: members.iter().map(|&i| probabilities[i]).sum::<f64>() / size,
            rate: hits / size,
            lower,
            upper,
        });
        from = to;
    }
    Ok(groups)
}

/// A working list: the customers with the highest scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct List {
    pub length: usize,
    /// Leavers on it; a fraction where the border cuts through equal scores.
    pub hits: f64,
    /// Share of the list that left, and its 95% interval (Wilson).
    pub precision: f64,
    pub lower: f64,
    pub upper: f64,
    /// Share of those who left that is on it.
    pub recall: f64,
    /// Precision over the share of all.
    pub lift: f64,
    /// Score of the last one on it.
    pub threshold: f64,
}

/// The list of a given length, 1 to all.
pub fn list(scores: &[f64], outcome: &[bool], length: usize) -> Result<List> {
    error::within("length", length as f64, 1.0, outcome.len() as f64)?;
    let Ranked { hits, order } = rank(scores, outcome)?;
    let (found, size) = (hits[length], length as f64);
    let total = hits[hits.len() - 1];
    let (lower, upper) = wilson(found, size, Z95);
    Ok(List {
        length,
        hits: found,
        precision: found / size,
        lower,
        upper,
        recall: found / total,
        lift: found / size * outcome.len() as f64 / total,
        threshold: scores[order[length - 1]],
    })
}

/// Customers from the highest score down.
pub(crate) struct Ranked {
    pub order: Vec<usize>,
    /// Expected hits among the first 0, 1, .. n, equal scores in random order.
    pub hits: Vec<f64>,
}

pub(crate) fn rank(scores: &[f64], outcome: &[bool]) -> Result<Ranked> {
    let order = descending(scores, outcome)?;
    let mut hits = vec![0.0; order.len() + 1];
    let mut at = 0;
    while at < order.len() {
        let end = end_of_ties(&order, scores, at);
        let new = order[at..end].iter().filter(|&&i| outcome[i]).count() as f64;
        for k in at..end {
            hits[k + 1] = hits[at] + new * (k + 1 - at) as f64 / (end - at) as f64;
        }
        at = end;
    }
    Ok(Ranked { order, hits })
}

/// Per leaver the share of stayers below it, per stayer the share of leavers above it; ties count half.
fn placements(scores: &[f64], outcome: &[bool]) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut order = descending(scores, outcome)?;
    order.reverse();
    let n_positive = outcome.iter().filter(|&&y| y).count() as f64;
    let n_negative = outcome.len() as f64 - n_positive;
    // In order of rows, so that two models can be compared customer by customer.
    let mut place = vec![0.0; outcome.len()];
    let (mut positive, mut negative) = (0.0, 0.0);
    let mut at = 0;
    while at < order.len() {
        let end = end_of_ties(&order, scores, at);
        let ties = &order[at..end];
        let tied = ties.iter().filter(|&&i| outcome[i]).count() as f64;
        let tied_negative = ties.len() as f64 - tied;
        for &i in ties {
            place[i] = if outcome[i] {
                (negative + 0.5 * tied_negative) / n_negative
            } else {
                1.0 - (positive + 0.5 * tied) / n_positive
            };
        }
        positive += tied;
        negative += tied_negative;
        at = end;
    }
    let of = |kind: bool| {
        let rows = place.iter().zip(outcome).filter(|(_, y)| **y == kind);
        rows.map(|(place, _)| *place).collect()
    };
    Ok((of(true), of(false)))
}

/// Positions by falling score, equal scores by row.
fn descending(scores: &[f64], outcome: &[bool]) -> Result<Vec<usize>> {
    error::same_length("scores", outcome.len(), scores.len())?;
    features::check_both(outcome)?;
    if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
        return Err(error::row(row)(RowProblem::BadScore(scores[row])));
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // Not total_cmp, which tells -0 from 0: those are equal scores.
    order.sort_by(|&a, &b| {
        scores[b]
            .partial_cmp(&scores[a])
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(order)
}

fn end_of_ties(order: &[usize], scores: &[f64], at: usize) -> usize {
    let score = scores[order[at]];
    at + order[at..]
        .iter()
        .take_while(|&&i| scores[i] == score)
        .count()
}

pub(crate) fn check_probabilities(probabilities: &[f64]) -> Result<()> {
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        Some(row) => Err(error::row(row)(RowProblem::BadProbability(
            probabilities[row],
        ))),
        None => Ok(()),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    squares / (values.len() as f64 - 1.0).max(1.0)
}

//! Prospects who are like the best customers, and how often such likeness was right.
//! Must only use what is known of prospects too: a table with orders in it cannot be filled for people who never ordered.
//!
//! Two answers, which belong together:
//!
//! | | what | use |
//! |---|---|---|
//! | score | log-odds of being one of the best, from the weight of evidence of each column | who first |
//! | neighbours | the best customers with the highest Gower similarity | "like customer so-and-so", for a person to check |
//!
//! Weight of evidence of bin i (Good 1950): ln of its share among the best over its share among the others, numbers in
//! three to ten bins by quantile, each pulled to 0 as if by [`SMOOTHING`] more customers of the usual mix. A ridge
//! regression on these weights ([`crate::churn::logistic`]) takes out what columns say twice. Reasons are exact sums.
//!
//! Gower's (1971, Biometrics 27:857) similarity: mean over columns known of both of 1 - |x-y|/range for numbers, and
//! of equality for categories.
//!
//! When not to believe it: fewer than some tens of best customers; prospects from another channel or region than the
//! customers (see [`crate::churn::drift`]); and wherever the hit rate on held-out customers is no better than that of
//! the best single column. Likeness to those who came is not proof of wanting to come. Columns such as sex, age or
//! home may be unlawful to select by; what is fair is not for a model to say.
//!
//! ```
//! use keji_models::features::Features;
//! use keji_models::look_alike;
//! let n = 200;
//! let sector: Vec<Option<u32>> = (0..n).map(|i| Some(i % 4)).collect();
//! let staff: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 100)).collect();
//! let is_best: Vec<bool> = (0..n).map(|i| i % 4 == 1 && i * 7 % 100 > 30).collect();
//! let table = Features::new(200).category("sector", sector)?.number("staff", staff)?;
//! let model = look_alike::fit(&table, &is_best, 1.0)?;
//!
//! let prospects = Features::new(2)
//!     .category("sector", vec![Some(1), Some(2)])?
//!     .number("staff", vec![80.0, f64::NAN])?;
//! let scores = model.scores(&prospects)?;
//! assert!(scores[0] > scores[1]);
//! assert!(is_best[model.most_similar(&prospects, 0, 1)?[0].row]);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::churn::bins::{Bins, Cuts};
use crate::churn::{Reasons, logistic, quality, single_column, split};
use crate::error::{self, Result};
use crate::features::{self, Features, Shape, Values};

/// Customers a bin must bring before its own evidence counts more than none.
pub const SMOOTHING: f64 = 10.0;

/// A fitted likeness.
#[derive(Debug, Clone, PartialEq)]
pub struct LookAlike {
    bins: Bins,
    /// Per column and bin.
    weights: Vec<Vec<f64>>,
    /// Columns whose weights vary, which the regression is made of.
    used: Vec<usize>,
    regression: logistic::Logistic,
    shapes: Vec<Shape>,
    /// The best customers, for neighbours.
    best: Features,
    /// Their rows in training.
    best_rows: Vec<usize>,
    /// Largest less smallest number of each column in training.
    ranges: Vec<f64>,
}

/// A best customer and how similar it is, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similar {
    /// Of the table of training.
    pub row: usize,
    pub similarity: f64,
}

/// Learns who the best are among customers. `ridge` as in [`logistic::fit`], 1 by default.
///
/// Fails as that does: on too few customers or best ones, on constant columns, and if no column says anything.
pub fn fit(table: &Features, is_best: &[bool], ridge: f64) -> Result<LookAlike> {
    features::check_training(table, is_best)?;
    // About thirty best customers per bin, or evidence is made of single ones.
    let n_best = is_best.iter().filter(|&&best| best).count();
    let bins = Bins::of(table, (n_best / 30).clamp(3, 10));
    let placed = bins.place(table);
    let weights: Vec<Vec<f64>> = bins
        .columns
        .iter()
        .zip(&placed)
        .map(|(cuts, column)| evidence(cuts, column, is_best))
        .collect();
    let varies = |column: usize| {
        let mut own = placed[column]
            .iter()
            .map(|&bin| weights[column][usize::from(bin)]);
        let first = own.next();
        own.any(|weight| Some(weight) != first)
    };
    let used: Vec<usize> = (0..weights.len())
        .filter(|&column| varies(column))
        .collect();
    let ranges = table.columns().iter().map(|column| match &column.values {
        Values::Number(values) => {
            let known = || values.iter().copied().filter(|x| !x.is_nan());
            known().fold(f64::NEG_INFINITY, f64::max) - known().fold(f64::INFINITY, f64::min)
        }
        Values::Category(_) => 1.0,
    });
    let best_rows: Vec<usize> = (0..is_best.len()).filter(|&row| is_best[row]).collect();
    let evidence = weigh(&bins, &weights, &used, table)?;
    Ok(LookAlike {
        regression: logistic::fit(&evidence, is_best, ridge)?,
        ranges: ranges.collect(),
        best: table.rows(&best_rows)?,
        best_rows,
        shapes: table.shapes(),
        bins,
        weights,
        used,
    })
}

fn evidence(cuts: &Cuts, column: &[u8], is_best: &[bool]) -> Vec<f64> {
    let mut counts = vec![(0.0, 0.0); cuts.n_bins()];
    let n_best = is_best.iter().filter(|&&best| best).count() as f64;
    let n_other = is_best.len() as f64 - n_best;
    let share = n_best / is_best.len() as f64;
    for (&bin, &best) in column.iter().zip(is_best) {
        let slot: &mut (f64, f64) = &mut counts[usize::from(bin)];
        if best { slot.0 += 1.0 } else { slot.1 += 1.0 }
    }
    let weight = |(best, other): (f64, f64)| {
        let best = best + SMOOTHING * share;
        let other = other + SMOOTHING * (1.0 - share);
        ((best / n_best) / (other / n_other)).ln()
    };
    counts.into_iter().map(weight).collect()
}

fn weigh(bins: &Bins, weights: &[Vec<f64>], used: &[usize], table: &Features) -> Result<Features> {
    let placed = bins.place(table);
    let mut evidence = Features::new(table.n_rows());
    for &column in used {
        let values = placed[column]
            .iter()
            .map(|&bin| weights[column][usize::from(bin)]);
        evidence = evidence.number(&bins.shapes[column].name, values.collect())?;
    }
    Ok(evidence)
}

impl LookAlike {
    /// Log-odds of being one of the best, per prospect; for ranking. Among prospects the best may be rarer than among
    /// customers, so read no probability from it. Fails unless the table has the columns of training.
    pub fn scores(&self, prospects: &Features) -> Result<Vec<f64>> {
        Ok(self.reasons(prospects)?.totals())
    }

    /// What each column adds to the score, beside the mean customer; a column that says nothing is left out.
    pub fn reasons(&self, prospects: &Features) -> Result<Reasons> {
        prospects.check_like(&self.shapes)?;
        let evidence = weigh(&self.bins, &self.weights, &self.used, prospects)?;
        self.regression.reasons(&evidence)
    }

    /// The `k` best customers most similar to one prospect, the most similar first. Cost: best customers x columns.
    pub fn most_similar(&self, prospects: &Features, row: usize, k: usize) -> Result<Vec<Similar>> {
        prospects.check_like(&self.shapes)?;
        error::within("row", row as f64, 0.0, prospects.n_rows() as f64 - 1.0)?;
        let mut found: Vec<Similar> = self
            .best_rows
            .iter()
            .enumerate()
            .map(|(position, &best)| Similar {
                row: best,
                similarity: self.similarity(position, prospects, row),
            })
            .collect();
        found.sort_by(|a, b| {
            b.similarity
                .total_cmp(&a.similarity)
                .then(a.row.cmp(&b.row))
        });
        found.truncate(k);
        Ok(found)
    }

    /// 0 if nothing is known of both.
    fn similarity(&self, position: usize, prospects: &Features, row: usize) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        let pairs = self.best.columns().iter().zip(prospects.columns());
        for ((best, prospect), range) in pairs.zip(&self.ranges) {
            match (&best.values, &prospect.values) {
                (Values::Number(a), Values::Number(b)) => {
                    let distance = (a[position] - b[row]).abs() / range;
                    if !distance.is_nan() {
                        sum += (1.0 - distance).max(0.0);
                        n += 1.0;
                    }
                }
                (Values::Category(a), Values::Category(b)) => {
                    if let (Some(a), Some(b)) = (a[position], b[row]) {
                        sum += f64::from(u8::from(a == b));
                        n += 1.0;
                    }
                }
                _ => {}
            }
        }
        if n > 0.0 { sum / n } else { 0.0 }
    }
}

/// Hit rates on customers the likeness had not seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdout {
    pub n: usize,
    pub n_best: usize,
    pub auc: quality::Estimate,
    /// Of the list by score; its precision is the hit rate, its lift that over a random list.
    pub list: quality::List,
    /// The best single column on the learning rows, and its list.
    pub naive_column: String,
    pub naive: quality::List,
    /// AUC less that of the single column; no likeness is worth showing if its interval holds 0.
    pub gain: quality::Estimate,
}

/// Learns on four rows of five, judges on the fifth, `length` rows on the list. Fails as [`fit`].
///
/// For customers with a date of entry, cut by time instead ([`split::by_time`]) and use [`judge`].
pub fn hold_out(table: &Features, is_best: &[bool], ridge: f64, length: usize) -> Result<Holdout> {
    error::same_length("outcome", table.n_rows(), is_best.len())?;
    let parts = split::every(table.n_rows(), 5, 4)?;
    let pick = |rows: &[usize]| rows.iter().map(|&row| is_best[row]).collect::<Vec<bool>>();
    let learn = (table.rows(&parts.learn)?, pick(&parts.learn));
    let later = (table.rows(&parts.judge)?, pick(&parts.judge));
    judge((&learn.0, &learn.1), (&later.0, &later.1), ridge, length)
}

/// Learns on one part, judges on another.
pub fn judge(
    learn: (&Features, &[bool]),
    later: (&Features, &[bool]),
    ridge: f64,
    length: usize,
) -> Result<Holdout> {
    let (table, truth) = later;
    let model = fit(learn.0, learn.1, ridge)?;
    let scores = model.scores(table)?;
    // The single column that ranks the learning rows best; chosen without a look at the later ones.
    let mut naive: Option<(f64, String, Vec<f64>)> = None;
    for name in learn.0.names() {
        let single = single_column::fit(learn.0, name, learn.1)?;
        let auc = quality::auc(&single.probabilities(learn.0)?, learn.1)?.value;
        if naive.as_ref().is_none_or(|(best, ..)| auc > *best) {
            naive = Some((auc, name.to_owned(), single.probabilities(table)?));
        }
    }
    let Some((_, naive_column, naive)) = naive else {
        return Err(error::Error::NotEnough("no columns"));
    };
    Ok(Holdout {
        n: truth.len(),
        n_best: truth.iter().filter(|&&best| best).count(),
        auc: quality::auc(&scores, truth)?,
        list: quality::list(&scores, truth, length)?,
        naive: quality::list(&naive, truth, length)?,
        naive_column,
        gain: quality::auc_difference(&scores, &naive, truth)?,
    })
}

//! Gradient boosted trees on binned columns for a yes/no outcome: finds thresholds and interactions that a
//! regression has to be told. Must not split the data by itself; the caller says which rows it may learn from.
//!
//! The log-odds is a sum of small trees, each fitted to the gradient of the log-loss of those before it (Friedman
//! 2001, Annals of Statistics 29:1189-1232). With g the sum of (p - y) and h the sum of p (1-p) over the rows of a leaf,
//!
//! leaf value = -rate * g/(h+l2),   gain of a split = g_L^2/(h_L+l2) + g_R^2/(h_R+l2) - g^2/(h+l2)
//!
//! (Chen & Guestrin 2016, KDD, eq. 5-7). Leaves are split best first, columns are cut into at most 255 bins (Ke et
//! al. 2017, NeurIPS). Rows where the column is not known go to the side that gains more. Levels of a category are
//! ordered by g/(h+smoothing) and cut once, which finds the best of all two-way partitions (Fisher 1958, JASA 53:789).
//!
//! Deterministic: no threads, no clock; shares of rows and columns are drawn from `seed`.
//! Cost: per tree about rows x columns x depth additions.
//!
//! When not to believe it: fewer than some hundred rows of the rarer outcome; columns filled after the fact; values
//! outside the range of training, where trees go on flat.

use crate::error::{self, Error, Result};
use crate::features::{self, Features};
use crate::random::Random;

use super::bins::{Bins, MISSING};
use super::grow::{Grower, Tree};
use super::{Reasons, shapley};

/// How to grow. The defaults suit some thousands of customers and ten to fifty columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Most trees; fewer if the held-out rows stop gaining.
    pub max_trees: usize,
    /// Shrinkage of each tree, above 0 up to 1.
    pub rate: f64,
    pub max_leaves: usize,
    pub min_rows_per_leaf: usize,
    /// Added to h: pulls leaves of few or certain rows to 0.
    pub l2: f64,
    /// Rows a level of a category must bring before its own rate counts more than that of all.
    pub level_smoothing: f64,
    /// Share of rows, and of columns, each tree may see; 1 is all.
    pub row_share: f64,
    pub column_share: f64,
    /// Trees without gain on the held-out rows before growing stops.
    pub patience: usize,
    /// At most 254.
    pub max_bins: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_trees: 500,
            rate: 0.05,
            max_leaves: 15,
            min_rows_per_leaf: 20,
            l2: 1.0,
            level_smoothing: 10.0,
            row_share: 1.0,
            column_share: 1.0,
            patience: 30,
            max_bins: 254,
            seed: 1,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<()> {
        error::within("max_trees", self.max_trees as f64, 1.0, 1e5)?;
        error::within("rate", self.rate, 1e-6, 1.0)?;
        error::within("max_leaves", self.max_leaves as f64, 2.0, 65_536.0)?;
        error::within(
            "min_rows_per_leaf",
            self.min_rows_per_leaf as f64,
            1.0,
            1e12,
        )?;
        error::within("l2", self.l2, 0.0, 1e12)?;
        error::within("level_smoothing", self.level_smoothing, 0.0, 1e12)?;
        error::within("row_share", self.row_share, 0.01, 1.0)?;
        error::within("column_share", self.column_share, 0.01, 1.0)?;
        error::within("patience", self.patience as f64, 1.0, 1e5)?;
        error::within("max_bins", self.max_bins as f64, 2.0, 254.0)
    }
}

/// A fitted sum of trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosted {
    /// Log-odds before the first tree.
    start: f64,
    bins: Bins,
    trees: Vec<Tree>,
    /// Mean log-loss after each tree.
    pub losses: Losses,
}

/// Mean log-loss per row, after 1, 2, .. trees.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Losses {
    pub training: Vec<f64>,
    /// Empty without held-out rows. Longer than the model has trees by the patience.
    pub held_out: Vec<f64>,
}

/// Fits on all rows of the table.
///
/// With `held_out` rows growing stops after `patience` trees without gain on them, and the best number of trees is
/// kept; without, all `max_trees` are grown, which overfits unless there are few. Hold out the newest rows.
/// Fails on too few rows, on one kind of outcome, on constant columns, and on settings out of range.
pub fn fit(
    features: &Features,
    outcome: &[bool],
    settings: &Settings,
    held_out: Option<(&Features, &[bool])>,
) -> Result<Boosted> {
    features::check_training(features, outcome)?;
    settings.check()?;
    let bins = Bins::of(features, settings.max_bins);
    if let Some((table, outcome)) = held_out {
        table.check_like(&bins.shapes)?;
        error::same_length("held-out outcome", table.n_rows(), outcome.len())?;
        features::check_both(outcome)?;
    }
    let training = bins.place(features);
    let other = held_out.map(|(table, outcome)| (bins.place(table), outcome));
    let other = other.as_ref().map(|(columns, y)| (columns.as_slice(), *y));
    let (start, trees, losses) = boost(&bins, &training, outcome, settings, other);
    Ok(Boosted {
        start,
        bins,
        trees,
        losses,
    })
}

/// A model whose every training row was also scored by trees that had not seen it.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossFitted {
    /// The mean of the models of all folds.
    pub model: Boosted,
    /// Log-odds per row from the one model that did not learn from it: for calibration and honest reports. Its
    /// only knowledge of the row is when to stop.
    pub out_of_fold: Vec<f64>,
    /// Trees kept per fold; numbers far apart say that the folds differ.
    pub n_trees: Vec<usize>,
}

/// Fits one model per fold on the other folds, stopping on the fold itself, and averages them.
///
/// `folds` names the fold of each row, 0 to k-1 with k from 2 to 20 ([`super::split::folds`]); rows of one customer
/// belong in one fold. The mean of k models is steadier than one model and wastes no rows on stopping.
/// Fails as [`fit`], and when a fold holds one kind of outcome only.
pub fn fit_in_folds(
    features: &Features,
    outcome: &[bool],
    folds: &[u32],
    settings: &Settings,
) -> Result<CrossFitted> {
    features::check_training(features, outcome)?;
    settings.check()?;
    error::same_length("folds", outcome.len(), folds.len())?;
    let n_folds = folds.iter().max().map_or(0, |last| *last as usize + 1);
    error::within("number of folds", n_folds as f64, 2.0, 20.0)?;
    let bins = Bins::of(features, settings.max_bins);
    let placed = bins.place(features);
    let mut out_of_fold = vec![0.0; outcome.len()];
    let mut model = Boosted {
        start: 0.0,
        bins,
        trees: Vec::new(),
        losses: Losses::default(),
    };
    let mut n_trees = Vec::new();
    let share = 1.0 / n_folds as f64;
    for fold in 0..n_folds as u32 {
        let (held_out, learning): (Vec<usize>, Vec<usize>) =
            (0..folds.len()).partition(|&row| folds[row] == fold);
        let part = |rows: &[usize]| -> (Vec<Vec<u8>>, Vec<bool>) {
            let pick = |column: &Vec<u8>| rows.iter().map(|&row| column[row]).collect();
            let outcome = rows.iter().map(|&row| outcome[row]).collect();
            (placed.iter().map(pick).collect(), outcome)
        };
        let (inside, y) = part(&learning);
        let (outside, y_outside) = part(&held_out);
        features::check_both(&y)?;
        features::check_both(&y_outside)?;
        let settings = Settings {
            seed: settings.seed.wrapping_add(u64::from(fold)),
            ..*settings
        };
        let other = Some((outside.as_slice(), y_outside.as_slice()));
        let (start, mut trees, losses) = boost(&model.bins, &inside, &y, &settings, other);
        for (position, &row) in held_out.iter().enumerate() {
            out_of_fold[row] = start
                + trees
                    .iter()
                    .map(|t| t.value(&outside, position))
                    .sum::<f64>();
        }
        for tree in &mut trees {
            tree.scale(share);
        }
        n_trees.push(trees.len());
        model.start += share * start;
        model.trees.append(&mut trees);
        if fold == 0 {
            model.losses = losses;
        }
    }
    Ok(CrossFitted {
        model,
        out_of_fold,
        n_trees,
    })
}

type Outside<'a> = Option<(&'a [Vec<u8>], &'a [bool])>;

fn boost(
    bins: &Bins,
    columns: &[Vec<u8>],
    outcome: &[bool],
    settings: &Settings,
    held_out: Outside<'_>,
) -> (f64, Vec<Tree>, Losses) {
    let n = outcome.len();
    let n_positive = outcome.iter().filter(|&&y| y).count() as f64;
    let start = (n_positive / (n as f64 - n_positive)).ln();
    let mut log_odds = vec![start; n];
    let mut outside = held_out.map(|(columns, y)| (columns, y, vec![start; y.len()]));
    let mut random = Random::new(settings.seed);
    let mut slopes = vec![(0.0, 0.0); n];
    let n_bins: Vec<usize> = bins.columns.iter().map(|cuts| cuts.n_bins()).collect();
    let is_level: Vec<bool> = bins.shapes.iter().map(|shape| !shape.is_number).collect();
    let mut grower = Grower::new(columns, &n_bins, &is_level, settings);
    let mut trees: Vec<Tree> = Vec::new();
    let mut losses = Losses::default();
    // The best so far: number of trees and their loss on the held-out rows.
    let mut best = (0, f64::INFINITY);
    while trees.len() < settings.max_trees {
        for ((slope, &eta), &y) in slopes.iter_mut().zip(&log_odds).zip(outcome) {
            let p = features::logistic(eta);
            *slope = (p - f64::from(u8::from(y)), p * (1.0 - p));
        }
        let rows = random.sample(n, share_of(n, settings.row_share));
        let chosen = random.sample(
            columns.len(),
            share_of(columns.len(), settings.column_share),
        );
        let tree = grower.grow(&slopes, rows, &chosen);
        let is_stump = tree.is_leaf();
        if is_stump && settings.row_share == 1.0 && settings.column_share == 1.0 {
            // Nothing is left to split, and the next try would be the same.
            break;
        }
        for (row, eta) in log_odds.iter_mut().enumerate() {
            *eta += tree.value(columns, row);
        }
        losses.training.push(mean_loss(&log_odds, outcome));
        if let Some((columns, y, log_odds)) = &mut outside {
            for (row, eta) in log_odds.iter_mut().enumerate() {
                *eta += tree.value(columns, row);
            }
            let loss = mean_loss(log_odds, y);
            losses.held_out.push(loss);
            if loss < best.1 - 1e-7 {
                best = (trees.len() + 1, loss);
            }
        }
        trees.push(tree);
        if outside.is_some() && trees.len() >= best.0 + settings.patience {
            break;
        }
    }
    if outside.is_some() {
        trees.truncate(best.0);
    }
    (start, trees, losses)
}

fn share_of(n: usize, share: f64) -> usize {
    ((n as f64 * share).round() as usize).clamp(1, n)
}

fn mean_loss(log_odds: &[f64], outcome: &[bool]) -> f64 {
    let losses = log_odds
        .iter()
        .zip(outcome)
        .map(|(&eta, &y)| features::log_loss_at(eta, y));
    losses.sum::<f64>() / outcome.len() as f64
}

impl Boosted {
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Log-odds per row. Fails unless the table has the columns of training.
    pub fn log_odds(&self, features: &Features) -> Result<Vec<f64>> {
        features.check_like(&self.bins.shapes)?;
        let columns = self.bins.place(features);
        let mut log_odds = vec![self.start; features.n_rows()];
        for tree in &self.trees {
            for (row, eta) in log_odds.iter_mut().enumerate() {
                *eta += tree.value(&columns, row);
            }
        }
        Ok(log_odds)
    }

    /// Probabilities per row; calibrate them on rows the model has not seen ([`super::calibration`]).
    pub fn probabilities(&self, features: &Features) -> Result<Vec<f64>> {
        let log_odds = self.log_odds(features)?;
        Ok(log_odds.into_iter().map(features::logistic).collect())
    }

    /// What each column adds to the log-odds of each row: exact Shapley values of the trees,
    /// columns not known shared out by the rows of training (path-dependent TreeSHAP, Lundberg et al. 2020, Nature
    /// Machine Intelligence 2:56). Base and contributions add up to the score.
    ///
    /// Cost per row: leaves x depth^2 per tree, a hundred times that of scoring; ask for the customers on a list.
    pub fn reasons(&self, features: &Features) -> Result<Reasons> {
        features.check_like(&self.bins.shapes)?;
        let columns = self.bins.place(features);
        let base = self.start + self.trees.iter().map(shapley::mean).sum::<f64>();
        let mut reasons = Reasons::new(base, features.n_rows(), &self.bins.shapes);
        for tree in &self.trees {
            for row in 0..features.n_rows() {
                shapley::add(tree, &columns, row, reasons.row_mut(row));
            }
        }
        Ok(reasons)
    }

    /// Rows and columns in which a table holds what training never saw: categories without a bin. Shares per column.
    pub fn unknown_shares(&self, features: &Features) -> Result<Vec<(String, f64)>> {
        features.check_like(&self.bins.shapes)?;
        let n = features.n_rows();
        if n == 0 {
            return Err(Error::TooFew {
                what: "rows",
                needed: 1,
                found: 0,
            });
        }
        let share = |(shape, bins): (&features::Shape, Vec<u8>)| {
            let n_unknown = bins.iter().filter(|&&bin| bin == MISSING).count();
            (shape.name.clone(), n_unknown as f64 / n as f64)
        };
        let placed = self.bins.place(features).into_iter();
        Ok(self.bins.shapes.iter().zip(placed).map(share).collect())
    }
}

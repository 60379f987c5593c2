//! Who is likely to leave: classifiers for a yes/no outcome, how good they are, and when to stop believing them.
//! Must not decide what "left" means, nor what is done about it.
//!
//! ```text
//!  features + outcome, cut by time (split)
//!        |                 |                 |
//!  single_column       logistic            trees          naive, baseline, boosted
//!        |                 |                 |
//!        +------- quality, profit -----------+            ranking, probabilities, money
//!                          |
//!              calibration, drift                         believe it still?
//! ```
//!
//! | question | where |
//! |---|---|
//! | which rows may be learned from | [`split`] |
//! | what would one column alone do | [`single_column`] |
//! | who, with which probability | [`logistic`], [`trees`], side by side in [`contest`] |
//! | why this customer | [`Reasons`] |
//! | is the ranking good, are the probabilities right | [`quality`], [`calibration`] |
//! | how long should the list be | [`profit`] |
//! | has the world changed | [`drift`], [`calibration::advise`] |
//!
//! For customers without contract, "left" has to be defined by a silence, and P(alive) of [`crate::bg_nbd`] needs no
//! such definition; a classifier is worth its trouble where there is more to know than purchases.
//!
//! ```
//! use keji_models::churn::{logistic, quality, trees};
//! use keji_models::features::Features;
//!
//! // 400 customers: silence and complaints drive them away, together more than one by one.
//! let silence: Vec<f64> = (0..400).map(|i| f64::from(i % 20) * 10.0).collect();
//! let complaints: Vec<f64> = (0..400).map(|i| f64::from(i / 20 % 4)).collect();
//! let left: Vec<bool> = (0..400)
//!     .map(|i| silence[i] * complaints[i] + f64::from(i as u32 * 37 % 101) > 180.0)
//!     .collect();
//! let table = Features::new(400).number("silence", silence)?.number("complaints", complaints)?;
//!
//! let baseline = logistic::fit(&table, &left, 1.0)?;
//! let settings = trees::Settings { max_trees: 50, ..Default::default() };
//! let boosted = trees::fit(&table, &left, &settings, None)?;
//! let why = boosted.reasons(&table)?;
//! let score = boosted.log_odds(&table)?[399];
//! assert!((why.base + why.row(399).iter().sum::<f64>() - score).abs() < 1e-9);
//! // On the rows it learned from, so no praise: judge on later rows.
//! let judged = quality::judge(&boosted.probabilities(&table)?, &left)?;
//! assert!(judged.auc.value > quality::judge(&baseline.probabilities(&table)?, &left)?.auc.value);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::features::Shape;

pub mod split;

pub mod contest;
pub mod logistic;
pub mod single_column;
pub mod trees;

pub(crate) mod bins;
mod grow;
mod shapley;

pub mod calibration;
pub mod drift;
pub mod profit;
pub mod quality;

/// How each column moved the score of each row: `base` plus the contributions of a row is its log-odds.
///
/// The contributions explain the model, not the world: a column may carry the blame of another it goes along with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reasons {
    /// Log-odds of the mean customer of training.
    pub base: f64,
    names: Vec<String>,
    n_rows: usize,
    /// n rows x p columns, in log-odds.
    values: Vec<f64>,
}

impl Reasons {
    pub(crate) fn new(base: f64, n_rows: usize, shapes: &[Shape]) -> Self {
        Self {
            base,
            names: shapes.iter().map(|shape| shape.name.clone()).collect(),
            n_rows,
            values: vec![0.0; n_rows * shapes.len()],
        }
    }

    pub(crate) fn at(&mut self, row: usize, column: usize) -> &mut f64 {
        let width = self.names.len();
        &mut self.values[row * width + column]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        let width = self.names.len();
        &mut self.values[row * width..(row + 1) * width]
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Contributions of one row by column, in log-odds; empty for a row that is not there.
    pub fn row(&self, row: usize) -> &[f64] {
        let width = self.names.len();
        if row < self.n_rows {
            &self.values[row * width..(row + 1) * width]
        } else {
            &[]
        }
    }

    /// The `k` columns that moved the row most, the strongest first, whichever way.
    pub fn strongest(&self, row: usize, k: usize) -> Vec<(&str, f64)> {
        let mut named: Vec<(&str, f64)> = self
            .names
            .iter()
            .map(String::as_str)
            .zip(self.row(row).iter().copied())
            .collect();
        named.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        named.truncate(k);
        named
    }

    /// Base plus contributions per row.
    pub fn totals(&self) -> Vec<f64> {
        (0..self.n_rows)
            .map(|row| self.base + self.row(row).iter().sum::<f64>())
            .collect()
    }

    /// Mean absolute contribution per column: what the model goes by, over all rows. 0 without rows.
    pub fn importance(&self) -> Vec<(&str, f64)> {
        let n = self.n_rows.max(1) as f64;
        let mean = |column: usize| {
            let absolute = |row| self.row(row)[column].abs();
            (0..self.n_rows).map(absolute).sum::<f64>() / n
        };
        let names = self.names.iter().map(String::as_str).enumerate();
        names.map(|(column, name)| (name, mean(column))).collect()
    }
}

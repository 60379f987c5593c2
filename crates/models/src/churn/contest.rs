//! The naive column, the regression and the trees on the same rows, so that nobody shows a model that a rule of
//! thumb would beat. Must not choose the rows; see [`super::split`].

use crate::error::Result;
use crate::features::Features;

use super::logistic::{self, Logistic};
use super::quality::{self, Estimate, Quality};
use super::single_column::{self, SingleColumn};
use super::split;
use super::trees::{self, CrossFitted, Settings};

/// Learned on one part, judged on another.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    pub naive: Entrant<SingleColumn>,
    pub logistic: Entrant<Logistic>,
    pub trees: Entrant<CrossFitted>,
    pub advised: Choice,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entrant<M> {
    pub model: M,
    /// Per row of the judging part.
    pub probabilities: Vec<f64>,
    pub quality: Quality,
    /// AUC less that of the simpler rival before it; `None` for the naive one.
    pub gain: Option<Estimate>,
}

/// The simplest model that was not shown to be beaten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Neither model was shown to beat the naive column.
    Naive,
    Logistic,
    Trees,
}

/// Fits and judges all three. `naive` names the column of the naive rule, such as the days since the last purchase.
///
/// A more complex model is advised only when the 95% interval of its AUC gain over the simpler one lies above 0.
/// Fails as the three fits do.
pub fn run(
    learn: (&Features, &[bool]),
    judge: (&Features, &[bool]),
    naive: &str,
    ridge: f64,
    settings: &Settings,
) -> Result<Contest> {
    let (table, outcome) = learn;
    let (later, truth) = judge;
    let model = single_column::fit(table, naive, outcome)?;
    let probabilities = model.probabilities(later)?;
    let naive = Entrant {
        quality: quality::judge(&probabilities, truth)?,
        gain: None,
        model,
        probabilities,
    };
    let model = logistic::fit(table, outcome, ridge)?;
    let probabilities = model.probabilities(later)?;
    let logistic = Entrant {
        quality: quality::judge(&probabilities, truth)?,
        gain: Some(quality::auc_difference(
            &probabilities,
            &naive.probabilities,
            truth,
        )?),
        model,
        probabilities,
    };
    let folds = split::folds(outcome, 5)?;
    let model = trees::fit_in_folds(table, outcome, &folds, settings)?;
    let probabilities = model.model.probabilities(later)?;
    let trees = Entrant {
        quality: quality::judge(&probabilities, truth)?,
        gain: Some(quality::auc_difference(
            &probabilities,
            &logistic.probabilities,
            truth,
        )?),
        model,
        probabilities,
    };
    let over_naive = quality::auc_difference(&trees.probabilities, &naive.probabilities, truth)?;
    let is_gain = |gain: Option<Estimate>| gain.is_some_and(|gain| gain.lower > 0.0);
    let advised = match (is_gain(logistic.gain), is_gain(trees.gain)) {
        (_, true) if over_naive.lower > 0.0 => Choice::Trees,
        (true, _) => Choice::Logistic,
        _ if over_naive.lower > 0.0 => Choice::Trees,
        _ => Choice::Naive,
    };
    Ok(Contest {
        naive,
        logistic,
        trees,
        advised,
    })
}

//! Ridge logistic regression by iteratively reweighted least squares: the baseline every churn model must beat.
//! Must not search interactions; who needs them fits [`super::trees`].
//!
//! P(y=1) = 1/(1+e^-eta), eta = b0 + sum b_j (x_j - mean_j), maximising LL - ridge/2 sum (b_j s_j)^2.
//!
//! | symbol | meaning |
//! |---|---|
//! | b_j | change of the log-odds per unit of x_j |
//! | mean_j | training mean of x_j, so that b0 is the log-odds of the average customer |
//! | s_j | training standard deviation for numbers; 1 for levels and for "is missing", so that a rare level is held back more than a common one |
//!
//! A category enters as one column of 0 and 1 per level except its most frequent. A missing number takes the mean,
//! plus a column that says so if any was missing in training; a missing category is a level of its own. What was
//! never seen in training counts as the average customer: its contribution is 0.
//!
//! Standard errors are (F+R)^-1 F (F+R)^-1, F the information and R the penalty (Cule, Vineis & De Iorio 2011, BMC
//! Bioinformatics 12:372); without ridge that is the usual inverse information. With a ridge they describe the spread
//! of an estimate that is pulled towards 0, not its distance from the truth.
//! Hosmer, Lemeshow & Sturdivant (2013), Applied Logistic Regression, ch. 1-3. Cost: about 7 passes of n p^2.

use crate::cholesky::Cholesky;
use crate::error::{self, ColumnProblem, Error, Result};
use crate::features::{self, Features, Shape, Values};

use super::Reasons;

/// Above this standard error, per standard deviation of the column, an estimate is running away to infinity.
const RUNAWAY: f64 = 20.0;

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// Log-odds of the average customer of training (b0).
    pub at_mean: f64,
    /// Log-odds where all columns are 0 and all categories at their most frequent level.
    pub intercept: f64,
    pub intercept_std_error: f64,
    pub coefficients: Vec<Coefficient>,
    /// Without the penalty.
    pub log_likelihood: f64,
    /// Of a model that gives everybody the same probability.
    pub log_likelihood_null: f64,
    pub ridge: f64,
    pub n: usize,
    pub n_positive: usize,
    pub iterations: usize,
    /// Largest absolute derivative of the penalised log-likelihood at the solution.
    pub gradient_norm: f64,
    shapes: Vec<Shape>,
    /// Per column, the most frequent level of a category.
    base_levels: Vec<Option<Option<u32>>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Coefficient {
    /// Position of the column in the table.
    pub column: usize,
    pub name: String,
    pub term: Term,
    /// Per unit of the column.
    pub value: f64,
    pub std_error: f64,
    /// Of the term in training.
    pub mean: f64,
}

/// What a coefficient multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// The number itself.
    Slope,
    /// 1 where the category is this code, `None` where it is missing.
    Level(Option<u32>),
    /// 1 where the number is missing.
    Missing,
}

/// Fits by Newton steps with halving.
///
/// `ridge >= 0`; 1 is a light touch that keeps rare levels from running away, 0 is maximum likelihood.
/// Fails on too few rows, on one kind of outcome, on constant columns and, without ridge, on columns that are
/// combinations of others or tell the outcomes apart without error.
pub fn fit(features: &Features, outcome: &[bool], ridge: f64) -> Result<Logistic> {
    features::check_training(features, outcome)?;
    error::within("ridge", ridge, 0.0, 1e12)?;
    let design = Design::of(features);
    let (n, p) = (outcome.len(), design.terms.len());
    let n_positive = outcome.iter().filter(|&&y| y).count();
    let share = n_positive as f64 / n as f64;
    // Positions 0..p are the terms, p is the intercept, which is last so that a failed pivot names a term.
    let width = p + 1;
    let mut b = vec![0.0; width];
    b[p] = (share / (1.0 - share)).ln();
    let mut here = design.value(&b, outcome, ridge);
    let mut iterations = 0;
    let (factor, gradient_norm, information) = loop {
        iterations += 1;
        let (gradient, information) = design.derivatives(&b, outcome, ridge);
        let mut penalised = information.clone();
        for j in 0..p {
            penalised[j * width + j] += ridge;
        }
        let factor = Cholesky::new(&penalised, width).map_err(|row| {
            // Only a runaway intercept is left without a column to name.
            let at = design.terms.get(row.min(p.saturating_sub(1)));
            let name = at.map_or("", |term| features.columns()[term.column].name.as_str());
            // Weights that vanish everywhere look like a combination of columns, but come from separation.
            error::column(
                name,
                if b.iter().any(|b| b.abs() > RUNAWAY) {
                    ColumnProblem::Separates
                } else {
                    ColumnProblem::Collinear
                },
            )
        })?;
        let step = factor.solve(&gradient);
        let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        let gradient_norm = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        if gain <= 1e-16 * (1.0 + here.abs()) {
            break (factor, gradient_norm, information);
        }
        if iterations == 100 {
            return Err(Error::NoConvergence {
                iterations,
                gradient_norm,
            });
        }
        let mut share = 1.0;
        let is_moved = loop {
            let next: Vec<f64> = b.iter().zip(&step).map(|(b, s)| b + share * s).collect();
            let value = design.value(&next, outcome, ridge);
            // The last steps gain less than the sum's rounding.
            if value >= here - 1e-13 * here.abs() {
                (b, here) = (next, value);
                break true;
            }
            share *= 0.5;
            if share < 1e-8 {
                break false;
            }
        };
        if !is_moved {
            break (factor, gradient_norm, information);
        }
    };
    let covariance = sandwich(&factor, &information, width);
    if ridge == 0.0 {
        let runaway = (0..p).find(|&j| covariance[j * width + j] > RUNAWAY * RUNAWAY);
        if let Some(term) = runaway.and_then(|j| design.terms.get(j)) {
            let name = &features.columns()[term.column].name;
            return Err(error::column(name, ColumnProblem::Separates));
        }
    }
    // intercept = b0 - sum b_j mean_j / s_j, a linear function of the estimates.
    let to_intercept: Vec<f64> = (0..p)
        .map(|j| -design.terms[j].mean / design.terms[j].scale)
        .chain([1.0])
        .collect();
    let mut variance = 0.0;
    for i in 0..width {
        for j in 0..width {
            variance += to_intercept[i] * covariance[i * width + j] * to_intercept[j];
        }
    }
    let coefficient = |(j, term): (usize, &Built)| Coefficient {
        column: term.column,
        name: features.columns()[term.column].name.clone(),
        term: term.term,
        value: b[j] / term.scale,
        std_error: covariance[j * width + j].sqrt() / term.scale,
        mean: term.mean,
    };
    let penalty: f64 = b[..p].iter().map(|b| 0.5 * ridge * b * b).sum();
    Ok(Logistic {
        at_mean: b[p],
        intercept: b.iter().zip(&to_intercept).map(|(b, a)| a * b).sum(),
        intercept_std_error: variance.sqrt(),
        coefficients: design.terms.iter().enumerate().map(coefficient).collect(),
        log_likelihood: here + penalty,
        log_likelihood_null: n_positive as f64 * share.ln()
            + (n - n_positive) as f64 * (1.0 - share).ln(),
        ridge,
        n,
        n_positive,
        iterations,
        gradient_norm,
        shapes: features.shapes(),
        base_levels: design.base_levels,
    })
}

impl Logistic {
    /// Log-odds per row. Fails unless the table has the columns of training.
    pub fn log_odds(&self, features: &Features) -> Result<Vec<f64>> {
        Ok(self.reasons(features)?.totals())
    }

    /// Probabilities per row.
    pub fn probabilities(&self, features: &Features) -> Result<Vec<f64>> {
        let log_odds = self.log_odds(features)?;
        Ok(log_odds.into_iter().map(features::logistic).collect())
    }

    /// Contributions b_j (x_j - mean_j) to the log-odds, summed over the terms of each column.
    pub fn reasons(&self, features: &Features) -> Result<Reasons> {
        features.check_like(&self.shapes)?;
        let n = features.n_rows();
        let mut reasons = Reasons::new(self.at_mean, n, &self.shapes);
        let mut terms = self.coefficients.as_slice();
        for (column, table) in features.columns().iter().enumerate() {
            let n_terms = terms.iter().take_while(|c| c.column == column).count();
            let (own, rest) = terms.split_at(n_terms);
            terms = rest;
            match &table.values {
                Values::Number(values) => {
                    for (row, value) in values.iter().enumerate() {
                        let part = |c: &Coefficient| match c.term {
                            Term::Slope if value.is_nan() => 0.0,
                            Term::Slope => c.value * (value - c.mean),
                            _ => c.value * (f64::from(u8::from(value.is_nan())) - c.mean),
                        };
                        *reasons.at(row, column) = own.iter().map(part).sum();
                    }
                }
                Values::Category(codes) => {
                    let base = self.base_levels[column];
                    let shift: f64 = own.iter().map(|c| c.value * c.mean).sum();
                    for (row, code) in codes.iter().enumerate() {
                        let level = own.iter().find(|c| c.term == Term::Level(*code));
                        *reasons.at(row, column) = match level {
                            Some(c) => c.value - shift,
                            None if base == Some(*code) => -shift,
                            None => 0.0,
                        };
                    }
                }
            }
        }
        Ok(reasons)
    }
}

/// One column of the design, centred and scaled.
struct Built {
    column: usize,
    term: Term,
    mean: f64,
    scale: f64,
    values: Vec<f64>,
}

struct Design {
    terms: Vec<Built>,
    base_levels: Vec<Option<Option<u32>>>,
    n: usize,
}

impl Design {
    fn of(features: &Features) -> Self {
        let n = features.n_rows();
        let mut terms = Vec::new();
        let mut base_levels = Vec::new();
        let flag = |column, term, is_one: &dyn Fn(usize) -> bool| {
            let raw: Vec<f64> = (0..n).map(|i| f64::from(u8::from(is_one(i)))).collect();
            let mean = raw.iter().sum::<f64>() / n as f64;
            Built {
                column,
                term,
                mean,
                scale: 1.0,
                values: raw.into_iter().map(|x| x - mean).collect(),
            }
        };
        for (column, table) in features.columns().iter().enumerate() {
            match &table.values {
                Values::Number(values) => {
                    base_levels.push(None);
                    let known = || values.iter().filter(|x| !x.is_nan());
                    let n_known = known().count();
                    let mean = known().sum::<f64>() / n_known as f64;
                    let variance = known().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
                    if variance > 0.0 {
                        let scale = variance.sqrt();
                        let scaled = |x: &f64| if x.is_nan() { 0.0 } else { (x - mean) / scale };
                        terms.push(Built {
                            column,
                            term: Term::Slope,
                            mean,
                            scale,
                            values: values.iter().map(scaled).collect(),
                        });
                    }
                    if n_known < n {
                        terms.push(flag(column, Term::Missing, &|i| values[i].is_nan()));
                    }
                }
                Values::Category(codes) => {
                    let mut counts = std::collections::BTreeMap::new();
                    for &code in codes {
                        *counts.entry(code).or_insert(0usize) += 1;
                    }
                    // The lowest code wins a tie, so that the order of rows does not matter.
                    let base = counts
                        .iter()
                        .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))
                        .map(|(&code, _)| code);
                    base_levels.push(base);
                    for &code in counts.keys().filter(|&&code| Some(code) != base) {
                        terms.push(flag(column, Term::Level(code), &|i| codes[i] == code));
                    }
                }
            }
        }
        Self {
            terms,
            base_levels,
            n,
        }
    }

    fn log_odds(&self, b: &[f64]) -> Vec<f64> {
        let mut log_odds = vec![b[self.terms.len()]; self.n];
        for (term, b) in self.terms.iter().zip(b) {
            for (eta, x) in log_odds.iter_mut().zip(&term.values) {
                *eta += b * x;
            }
        }
        log_odds
    }

    /// The penalised log-likelihood.
    fn value(&self, b: &[f64], outcome: &[bool], ridge: f64) -> f64 {
        let log_odds = self.log_odds(b);
        let loss: f64 = log_odds
            .iter()
            .zip(outcome)
            .map(|(&eta, &y)| features::log_loss_at(eta, y))
            .sum();
        let penalty: f64 = b[..self.terms.len()].iter().map(|b| b * b).sum();
        -loss - 0.5 * ridge * penalty
    }

    /// Gradient of the penalised log-likelihood, and the information without the penalty.
    fn derivatives(&self, b: &[f64], outcome: &[bool], ridge: f64) -> (Vec<f64>, Vec<f64>) {
        let p = self.terms.len();
        let width = p + 1;
        let fitted: Vec<f64> = self
            .log_odds(b)
            .into_iter()
            .map(features::logistic)
            .collect();
        let rest: Vec<f64> = fitted
            .iter()
            .zip(outcome)
            .map(|(p, &y)| f64::from(u8::from(y)) - p)
            .collect();
        let weights: Vec<f64> = fitted.iter().map(|p| p * (1.0 - p)).collect();
        let ones = vec![1.0; self.n];
        let column = |j: usize| self.terms.get(j).map_or(&ones, |term| &term.values);
        let mut gradient = vec![0.0; width];
        let mut information = vec![0.0; width * width];
        for i in 0..width {
            gradient[i] = dot(column(i), &rest) - if i < p { ridge * b[i] } else { 0.0 };
            let weighted: Vec<f64> = column(i).iter().zip(&weights).map(|(x, w)| x * w).collect();
            for j in 0..=i {
                let entry = dot(&weighted, column(j));
                information[i * width + j] = entry;
                information[j * width + i] = entry;
            }
        }
        (gradient, information)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// (F+R)^-1 F (F+R)^-1, n x n.
fn sandwich(factor: &Cholesky, information: &[f64], n: usize) -> Vec<f64> {
    let inverse = factor.inverse();
    let times = |a: &[f64], b: &[f64]| {
        let mut product = vec![0.0; n * n];
        for i in 0..n {
            for k in 0..n {
                for j in 0..n {
                    product[i * n + j] += a[i * n + k] * b[k * n + j];
                }
            }
        }
        product
    };
    times(&times(&inverse, information), &inverse)
}

//! Weibull lifetimes, alone and with covariates (accelerated failure time): a shape is assumed, so that times beyond
//! the data can be foretold. Must not be used where [`super::kaplan_meier`] answers the question.
//!
//! S(t | x) = exp(-(t/lambda)^rho), ln lambda = intercept + x'beta.
//!
//! | symbol | meaning | unit |
//! |---|---|---|
//! | lambda | time by which 63% have had the event | as the durations |
//! | rho | shape: risk falls with age below 1, rises above 1, steady at 1 | - |
//! | e^beta | factor by which one more unit of a covariate stretches every lifetime | - |
//!
//! With w = rho (ln t - ln lambda), the log-likelihood of one customer is \[event\] (ln rho - ln t + w) - e^w + e^w0, w0 the
//! same at the entry: who came late is known to have lasted until then (Kalbfleisch & Prentice 2002, section 3.2). It
//! is maximised over the coefficients and ln rho with exact second derivatives.
//!
//! Do not believe it beyond the data unless its curve follows Kaplan-Meier within them: contracts that end at renewal
//! dates do not, and a group that never leaves (loyal customers) makes lambda far too large. One rho is assumed for
//! all. Cost: p^2 per customer and iteration.
//!
//! ```
//! use keji_models::survival::{Lifetimes, weibull};
//! let lifetimes = Lifetimes::new(&[2.0, 4.0, 5.0, 7.0, 9.0, 12.0], &[true, true, true, true, false, false])?;
//! let fitted = weibull::fit(&lifetimes)?;
//! let median = fitted.quantile(&[], 0.5)?;
//! assert!((fitted.survival(&[], median)? - 0.5).abs() < 1e-12);
//! // Six contracts leave much open.
//! let band = fitted.quantile_interval(&[], 0.5, 0.95)?;
//! assert!(band.low < median && 1.5 * median < band.high);
//! # Ok::<(), keji_models::Error>(())
//! ```

use super::{Lifetimes, Standardised, Test, check_values, concordance};
use crate::dense::{Dense, inner};
use crate::distribution::two_sided_p;
use crate::error::{self, Error, Result, RowProblem};
use crate::interval::{Interval, critical};
use crate::newton::{self, Point};

#[derive(Debug, Clone, PartialEq)]
pub struct Weibull {
    /// ln lambda with all covariates 0.
    pub intercept: f64,
    /// Of ln lambda, per unit of each covariate.
    pub coefficients: Vec<f64>,
    pub ln_rho: f64,
    /// Of (intercept, coefficients.., ln rho).
    pub std_errors: Vec<f64>,
    /// In the same order.
    pub covariance: Vec<Vec<f64>>,
    pub log_likelihood: f64,
    /// Of the predicted lifetime; `None` without covariates, or without pairs.
    pub concordance: Option<f64>,
    pub n: usize,
    pub n_events: usize,
    pub iterations: usize,
    pub gradient_norm: f64,
}

/// What one more unit of a covariate does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acceleration {
    /// Lifetimes are stretched by it: above 1 is longer.
    pub time_ratio: f64,
    pub interval: Interval,
    pub z: f64,
    pub p_value: f64,
}

/// Fits lambda and rho without covariates.
pub fn fit(lifetimes: &Lifetimes) -> Result<Weibull> {
    fit_aft(lifetimes, &[])
}

/// Fits with covariates: one slice each, with a value per lifetime.
///
/// Fails on a duration of 0, naming the row, with as few events as parameters, on collinear covariates, and where a
/// coefficient would be infinite because one side of a covariate never has the event.
pub fn fit_aft(lifetimes: &Lifetimes, covariates: &[&[f64]]) -> Result<Weibull> {
    if let Some(row) = lifetimes.exit.iter().position(|&exit| exit == 0.0) {
        return Err(error::row(row)(RowProblem::ZeroDuration));
    }
    let p = covariates.len();
    if lifetimes.n_events() < p + 2 {
        return Err(Error::NotEnough("fewer events than parameters"));
    }
    let x = Standardised::new(covariates, lifetimes.n())?;
    // Times in units of the mean time per event, so that the start is near and the intercept small.
    let total: f64 = lifetimes
        .exit
        .iter()
        .zip(&lifetimes.entry)
        .map(|(t, from)| t - from)
        .sum();
    let ln_unit = (total / lifetimes.n_events() as f64).ln();
    let log_times: Vec<[f64; 2]> = lifetimes
        .exit
        .iter()
        .zip(&lifetimes.entry)
        .map(|(t, from)| [t.ln() - ln_unit, from.ln() - ln_unit])
        .collect();
    let top = newton::maximise(vec![0.0; p + 2], 1..p + 1, |at| {
        evaluate(at, &x, &log_times, &lifetimes.is_event)
    })
    .map_err(|error| name_covariate(error, p))?;
    // The density is per unit of time: d events in another unit.
    let log_likelihood = top.value - lifetimes.n_events() as f64 * ln_unit;
    let coefficients: Vec<f64> = (0..p).map(|i| top.at[i + 1] / x.scales[i]).collect();
    let intercept = top.at[0] + ln_unit - inner(&coefficients, &x.means);
    // Rows of the linear map from standardised to original parameters.
    let map: Vec<Vec<f64>> = (0..p + 2)
        .map(|i| {
            let mut row = vec![0.0; p + 2];
            row[i] = if (1..=p).contains(&i) {
                x.scales[i - 1].recip()
            } else {
                1.0
            };
            if i == 0 {
                for k in 0..p {
                    row[k + 1] = -x.means[k] / x.scales[k];
                }
            }
            row
        })
        .collect();
    let covariance: Vec<Vec<f64>> = map
        .iter()
        .map(|row| {
            let seen = top.covariance.times(row);
            map.iter().map(|other| inner(other, &seen)).collect()
        })
        .collect();
    let concordance = if p == 0 {
        None
    } else {
        let scores: Vec<f64> = (0..lifetimes.n())
            .map(|row| -inner(x.row(row), &top.at[1..=p]))
            .collect();
        concordance(lifetimes, &scores, None)?.value
    };
    Ok(Weibull {
        intercept,
        coefficients,
        ln_rho: top.at[p + 1],
        std_errors: (0..p + 2).map(|i| covariance[i][i].sqrt()).collect(),
        covariance,
        log_likelihood,
        concordance,
        n: lifetimes.n(),
        n_events: lifetimes.n_events(),
        iterations: top.iterations,
        gradient_norm: top.gradient_norm,
    })
}

impl Weibull {
    pub fn rho(&self) -> f64 {
        self.ln_rho.exp()
    }

    /// Time by which 63% have had the event.
    pub fn lambda(&self, covariates: &[f64]) -> Result<f64> {
        Ok(self.ln_lambda(covariates)?.exp())
    }

    /// Interval of rho; 1 inside means that a steady risk would do.
    pub fn rho_interval(&self, level: f64) -> Result<Interval> {
        let std_error = self.std_errors.last().copied().unwrap_or(f64::NAN);
        Ok(Interval::around(self.ln_rho, critical(level)? * std_error).map(f64::exp))
    }

    /// S(t) for given covariates; 1 at 0. Fails on a time that is negative or not finite.
    pub fn survival(&self, covariates: &[f64], time: f64) -> Result<f64> {
        error::horizon(time)?;
        let w = self.rho() * (time.ln() - self.ln_lambda(covariates)?);
        Ok((-w.exp()).exp())
    }

    /// By the delta method on ln(-ln S), so within (0, 1).
    pub fn survival_interval(&self, covariates: &[f64], time: f64, level: f64) -> Result<Interval> {
        let reach = critical(level)?;
        error::horizon(time)?;
        if time == 0.0 {
            return Ok(Interval::around(1.0, 0.0));
        }
        let w = self.rho() * (time.ln() - self.ln_lambda(covariates)?);
        let reach = reach * self.std_error_of(covariates, -self.rho(), w);
        Ok(Interval::around(w, -reach).map(|w| (-w.exp()).exp()))
    }

    /// Probability to go on for `more` after having lasted until `age`.
    pub fn conditional_survival(&self, covariates: &[f64], age: f64, more: f64) -> Result<f64> {
        error::horizon(age)?;
        error::horizon(more)?;
        let ln_lambda = self.ln_lambda(covariates)?;
        let hazard = |t: f64| (self.rho() * (t.ln() - ln_lambda)).exp();
        Ok((hazard(age) - hazard(age + more)).exp())
    }

    /// Time by which `share` have had the event; 0.5 for the median.
    pub fn quantile(&self, covariates: &[f64], share: f64) -> Result<f64> {
        let ln_time = self.ln_lambda(covariates)? + ln_hazard_at(share)? / self.rho();
        Ok(ln_time.exp())
    }

    /// By the delta method on the logarithm of the time.
    pub fn quantile_interval(
        &self,
        covariates: &[f64],
        share: f64,
        level: f64,
    ) -> Result<Interval> {
        let spread = ln_hazard_at(share)? / self.rho();
        let ln_time = self.ln_lambda(covariates)? + spread;
        let reach = critical(level)? * self.std_error_of(covariates, 1.0, -spread);
        Ok(Interval::around(ln_time, reach).map(f64::exp))
    }

    /// lambda G(1 + 1/rho). Leans on the far tail, so mostly beyond the data: prefer the median.
    pub fn mean(&self, covariates: &[f64]) -> Result<f64> {
        Ok((self.ln_lambda(covariates)? + libm::lgamma(1.0 + self.rho().recip())).exp())
    }

    /// Fails when there is no such covariate.
    pub fn acceleration(&self, covariate: usize, level: f64) -> Result<Acceleration> {
        let reach = critical(level)?;
        let pair = self
            .coefficients
            .get(covariate)
            .zip(self.std_errors.get(covariate + 1));
        let Some((&b, &std_error)) = pair else {
            return Err(Error::OutOfRange {
                name: "covariate",
                value: covariate as f64,
            });
        };
        Ok(Acceleration {
            time_ratio: b.exp(),
            interval: Interval::around(b, reach * std_error).map(f64::exp),
            z: b / std_error,
            p_value: two_sided_p(b / std_error),
        })
    }

    /// Against a smaller fit on the same rows, whose covariates are among these.
    pub fn likelihood_ratio(&self, smaller: &Weibull) -> Test {
        let ratio = 2.0 * (self.log_likelihood - smaller.log_likelihood);
        let df = self
            .coefficients
            .len()
            .saturating_sub(smaller.coefficients.len());
        Test::new(ratio.max(0.0), df)
    }

    pub fn aic(&self) -> f64 {
        2.0 * (self.coefficients.len() + 2) as f64 - 2.0 * self.log_likelihood
    }

    fn ln_lambda(&self, covariates: &[f64]) -> Result<f64> {
        check_values(covariates, self.coefficients.len())?;
        Ok(self.intercept + inner(&self.coefficients, covariates))
    }

    /// Of a quantity with these derivatives by ln lambda and ln rho.
    fn std_error_of(&self, covariates: &[f64], by_ln_lambda: f64, by_ln_rho: f64) -> f64 {
        let mut slope = vec![by_ln_lambda];
        slope.extend(covariates.iter().map(|x| by_ln_lambda * x));
        slope.push(by_ln_rho);
        let rows = self.covariance.iter().zip(&slope);
        rows.map(|(row, s)| s * inner(row, &slope))
            .sum::<f64>()
            .max(0.0)
            .sqrt()
    }
}

/// ln of the cumulative hazard when `share` have had the event.
fn ln_hazard_at(share: f64) -> Result<f64> {
    if share > 0.0 && share < 1.0 {
        Ok((-(-share).ln_1p()).ln())
    } else {
        Err(Error::OutOfRange {
            name: "share",
            value: share,
        })
    }
}

/// Parameters (ln lambda at the means, standardised coefficients.., ln rho).
fn evaluate(at: &[f64], x: &Standardised, log_times: &[[f64; 2]], is_event: &[bool]) -> Point {
    let p = x.n_columns;
    let n = p + 2;
    let (ln_rho, rho) = (at[p + 1], at[p + 1].exp());
    let mut value = 0.0;
    let mut gradient = vec![0.0; n];
    let mut information = Dense::zeros(n);
    let mut design = vec![1.0; p + 1];
    let mut padded = vec![0.0; n];
    for (row, ([ln_t, ln_entry], &is_event)) in log_times.iter().zip(is_event).enumerate() {
        design[1..].copy_from_slice(x.row(row));
        let ln_lambda = inner(&design, &at[..=p]);
        let d = f64::from(is_event);
        let w = rho * (ln_t - ln_lambda);
        let hazard = w.exp();
        // An entry of 0 has the logarithm -infinity and no hazard before it.
        let (w0, before) = if ln_entry.is_finite() {
            let w0 = rho * (ln_entry - ln_lambda);
            (w0, w0.exp())
        } else {
            (0.0, 0.0)
        };
        if is_event {
            value += ln_rho - ln_t + w;
        }
        value -= hazard - before;
        // First and second derivatives by ln lambda and ln rho: dw = -rho, w; d2w = 0, -rho, w.
        let by_w = d - hazard + before;
        let bend = w * hazard - w0 * before;
        let by_lambda = -rho * by_w;
        for (sum, x) in gradient.iter_mut().zip(&design) {
            *sum += by_lambda * x;
        }
        gradient[p + 1] += d * (1.0 + w) - bend;
        padded[..=p].copy_from_slice(&design);
        information.add_outer(rho * rho * (hazard - before), &padded);
        let mixed = rho * (by_w - bend);
        for (i, x) in design.iter().enumerate() {
            let sum = information.at(i, p + 1) + mixed * x;
            information.set(i, p + 1, sum);
        }
        let own = bend - d * w + w * w * hazard - w0 * w0 * before;
        information.set(p + 1, p + 1, information.at(p + 1, p + 1) + own);
    }
    information.mirror();
    Point {
        value,
        gradient,
        information,
    }
}

/// From the position of a parameter to that of its covariate.
fn name_covariate(error: Error, p: usize) -> Error {
    let covariate = |row: usize| (1..=p).contains(&row).then(|| row - 1);
    match error {
        Error::Collinear(row) => covariate(row).map_or(
            Error::NotEnough("the lifetimes do not tell scale and shape apart"),
            Error::Collinear,
        ),
        Error::Separated(row) => covariate(row).map_or(
            Error::NotEnough("the lifetimes do not tell scale and shape apart"),
            Error::Separated,
        ),
        other => other,
    }
}

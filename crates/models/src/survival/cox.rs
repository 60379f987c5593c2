//! Cox's proportional hazards: what raises or lowers the risk of the event, without assuming a shape over time.
//! Must not judge the assumption; [`super::proportionality`] does.
//!
//! h(t | x) = h0(t) exp(x'beta), with an own h0 per stratum (Cox 1972, JRSS B 34:187-220).
//!
//! Ties by Efron (1977, JASA 72:557-565): months tie heavily, and Breslow's simpler formula then pulls every
//! coefficient towards 0. With D the d customers who go at one time, R those at risk, w = exp(x'beta):
//!
//! ln L = sum over event times of { sum over D of x'beta - sum over l < d of ln( sum over R of w - l/d sum over D of w ) }
//!
//! | field | meaning |
//! |---|---|
//! | coefficient b of a covariate | each unit more multiplies the risk by e^b, at every time |
//! | baseline | Breslow's cumulative hazard (1974) at the means of the covariates, so at e^0 |
//!
//! Do not believe it where fewer than about ten events stand against each covariate
//! ([`Cox::events_per_covariate`]), where the effect of a covariate wears off, or where a covariate is only known
//! because the event came (days since last login at the time of leaving).
//!
//! Cost of one of some six iterations: p^2 per customer. Each row enters and leaves the sums once, so late entry costs
//! no more.
//!
//! ```
//! use keji_models::survival::{Lifetimes, cox};
//! let lifetimes = Lifetimes::new(
//!     &[2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 9.0, 11.0],
//!     &[true, true, true, false, true, true, false, true],
//! )?;
//! let complaints = [3.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 0.0];
//! let fitted = cox::fit(&lifetimes, &[&complaints], None)?;
//! let effect = fitted.effect(0, 0.95)?;
//! assert!(effect.hazard_ratio > 1.0);
//! assert!(fitted.survival(0, &[3.0], 4.0)? < fitted.survival(0, &[0.0], 4.0)?);
//! # Ok::<(), keji_models::Error>(())
//! ```

use super::{Lifetimes, Standardised, Test, check_values, concordance};
use crate::dense::{Dense, inner};
use crate::distribution::two_sided_p;
use crate::error::{self, Error, Result};
use crate::interval::{Interval, critical};
use crate::newton::{self, Point};

#[derive(Debug, Clone, PartialEq)]
pub struct Cox {
    /// Per unit of each covariate, in the order given.
    pub coefficients: Vec<f64>,
    pub std_errors: Vec<f64>,
    /// Of the coefficients.
    pub covariance: Vec<Vec<f64>>,
    /// Partial, with Efron ties.
    pub log_likelihood: f64,
    /// With all coefficients 0.
    pub null_log_likelihood: f64,
    /// That the score orders pairs rightly, on the data of the fit: a little too good. Within strata.
    pub concordance: Option<f64>,
    /// Means of the covariates over all rows: where the baseline is.
    pub means: Vec<f64>,
    /// One per stratum, by stratum number; strata without events have no steps.
    pub baselines: Vec<Baseline>,
    pub n: usize,
    pub n_events: usize,
    pub iterations: usize,
    /// Largest absolute slope, per standard deviation of a covariate.
    pub gradient_norm: f64,
    scales: Vec<f64>,
}

/// Cumulative hazard of a stratum at the means of the covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    pub stratum: u32,
    /// Latest exit: nothing is known beyond it.
    pub last_time: f64,
    pub steps: Vec<BaselineStep>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BaselineStep {
    pub time: f64,
    pub n_events: usize,
    /// Up to and including this time.
    pub cumulative_hazard: f64,
    /// Running sums for its variance: d/S0^2, and the standardised covariate means at risk times d/S0.
    variance: f64,
    means: Vec<f64>,
}

/// What one more unit of a covariate does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    pub hazard_ratio: f64,
    pub interval: Interval,
    pub z: f64,
    /// Wald, two-sided.
    pub p_value: f64,
}

/// Fits by maximum partial likelihood. `covariates`: one slice per covariate, each with a value per lifetime;
/// `strata`: a number per lifetime.
///
/// [`Error::Collinear`] names a covariate that is constant or told by those before it, [`Error::Separated`] one whose
/// coefficient is infinite because one side of it never has the event.
pub fn fit(lifetimes: &Lifetimes, covariates: &[&[f64]], strata: Option<&[u32]>) -> Result<Cox> {
    let risk_sets = RiskSets::new(lifetimes, covariates, strata)?;
    let x = &risk_sets.x;
    let mut null = None;
    let top = newton::maximise(vec![0.0; x.n_columns], 0..x.n_columns, |beta| {
        let point = risk_sets.evaluate(beta);
        null.get_or_insert(point.value);
        point
    })?;
    let baselines = risk_sets.baselines(&top.at);
    let scores: Vec<f64> = (0..lifetimes.n())
        .map(|row| inner(x.row(row), &top.at))
        .collect();
    let unit = |i: usize, j: usize| top.covariance.at(i, j) / (x.scales[i] * x.scales[j]);
    let p = x.n_columns;
    Ok(Cox {
        coefficients: top.at.iter().zip(&x.scales).map(|(b, s)| b / s).collect(),
        std_errors: (0..p).map(|i| unit(i, i).sqrt()).collect(),
        covariance: (0..p)
            .map(|i| (0..p).map(|j| unit(i, j)).collect())
            .collect(),
        log_likelihood: top.value,
        null_log_likelihood: null.unwrap_or(f64::NAN),
        concordance: concordance(lifetimes, &scores, strata)?.value,
        means: x.means.clone(),
        baselines,
        n: lifetimes.n(),
        n_events: lifetimes.n_events(),
        iterations: top.iterations,
        gradient_norm: top.gradient_norm,
        scales: x.scales.clone(),
    })
}

impl Cox {
    /// Whether the covariates tell anything at all.
    pub fn likelihood_ratio(&self) -> Test {
        let ratio = 2.0 * (self.log_likelihood - self.null_log_likelihood);
        Test::new(ratio.max(0.0), self.coefficients.len())
    }

    /// Below about ten, coefficients are too large and their errors too small.
    pub fn events_per_covariate(&self) -> f64 {
        self.n_events as f64 / self.coefficients.len() as f64
    }

    pub fn aic(&self) -> f64 {
        2.0 * self.coefficients.len() as f64 - 2.0 * self.log_likelihood
    }

    /// Fails when there is no such covariate.
    pub fn effect(&self, covariate: usize, level: f64) -> Result<Effect> {
        let critical = critical(level)?;
        let pair = self
            .coefficients
            .get(covariate)
            .zip(self.std_errors.get(covariate));
        let Some((&b, &std_error)) = pair else {
            return Err(Error::OutOfRange {
                name: "covariate",
                value: covariate as f64,
            });
        };
        Ok(Effect {
            hazard_ratio: b.exp(),
            interval: Interval::around(b, critical * std_error).map(f64::exp),
            z: b / std_error,
            p_value: two_sided_p(b / std_error),
        })
    }

    /// ln of the hazard relative to a customer at the means of the covariates.
    pub fn log_relative_hazard(&self, covariates: &[f64]) -> Result<f64> {
        check_values(covariates, self.coefficients.len())?;
        let terms = covariates.iter().zip(&self.means).zip(&self.coefficients);
        Ok(terms.map(|((x, mean), b)| (x - mean) * b).sum())
    }

    /// Probability to go on beyond `time`; `None` beyond the last exit of the stratum. Stratum 0 without strata.
    pub fn survival(&self, stratum: u32, covariates: &[f64], time: f64) -> Result<Option<f64>> {
        let ratio = self.log_relative_hazard(covariates)?.exp();
        let step = self.step_at(stratum, time)?;
        Ok(step.map(|step| step.map_or(1.0, |step| (-step.cumulative_hazard * ratio).exp())))
    }

    /// Interval of [`Self::survival`] on the log(-log) scale, from the uncertainty of both coefficients and baseline
    /// (Link 1984, Biometrics 40:601-610). `None` where survival is, and before the first event.
    pub fn survival_interval(
        &self,
        stratum: u32,
        covariates: &[f64],
        time: f64,
        level: f64,
    ) -> Result<Option<Interval>> {
        let critical = critical(level)?;
        let log_ratio = self.log_relative_hazard(covariates)?;
        let Some(Some(step)) = self.step_at(stratum, time)? else {
            return Ok(None);
        };
        // Derivative of the cumulative hazard by the coefficients, over exp(x'beta).
        let slope: Vec<f64> = (0..covariates.len())
            .map(|i| {
                let own = covariates[i] - self.means[i];
                own * step.cumulative_hazard - self.scales[i] * step.means[i]
            })
            .collect();
        let rows = self.covariance.iter().zip(&slope);
        let by_coefficients: f64 = rows.map(|(row, s)| s * inner(row, &slope)).sum();
        let hazard = step.cumulative_hazard;
        let relative_error = (step.variance + by_coefficients).sqrt() / hazard;
        let at = |sign: f64| (-hazard * (log_ratio + sign * critical * relative_error).exp()).exp();
        Ok(Some(Interval {
            low: at(1.0),
            high: at(-1.0),
        }))
    }

    fn step_at(&self, stratum: u32, time: f64) -> Result<Option<Option<&BaselineStep>>> {
        let Some(baseline) = self.baselines.iter().find(|of| of.stratum == stratum) else {
            return Err(Error::OutOfRange {
                name: "stratum",
                value: stratum.into(),
            });
        };
        if !(time >= 0.0 && time <= baseline.last_time) {
            return Ok(None);
        }
        let n_before = baseline.steps.partition_point(|step| step.time <= time);
        Ok(Some(
            n_before.checked_sub(1).and_then(|i| baseline.steps.get(i)),
        ))
    }
}

/// Rows by stratum and time, ready to be walked through from the last exit to the first.
pub(super) struct RiskSets<'a> {
    lifetimes: &'a Lifetimes,
    pub x: Standardised,
    strata: Vec<Stratum>,
}

struct Stratum {
    number: u32,
    /// Latest first.
    by_exit: Vec<usize>,
    /// Rows with late entry, latest first.
    by_entry: Vec<usize>,
}

/// Sums of w, w x and w x x' over some customers, w = exp(x'beta) up to a common factor.
struct Sums {
    s0: f64,
    s1: Vec<f64>,
    /// Above the diagonal.
    s2: Dense,
}

/// One event time.
pub(super) struct Moments {
    pub stratum: usize,
    pub time: f64,
    pub n_events: usize,
    /// Term of the log-likelihood.
    value: f64,
    /// Sum over the events of x less what was expected of them: the Schoenfeld residuals of this time, added.
    pub residual: Vec<f64>,
    /// Variance of that sum: the information of this time, whole.
    pub variance: Dense,
    /// Sum of exp(x'beta) over those at risk, at the means of the covariates.
    s0: f64,
    mean_at_risk: Vec<f64>,
}

impl<'a> RiskSets<'a> {
    pub fn new(
        lifetimes: &'a Lifetimes,
        covariates: &[&[f64]],
        strata: Option<&[u32]>,
    ) -> Result<Self> {
        if covariates.is_empty() {
            return Err(Error::NotEnough("no covariates"));
        }
        let x = Standardised::new(covariates, lifetimes.n())?;
        if let Some(strata) = strata {
            error::same_length("strata", lifetimes.n(), strata.len())?;
        }
        if lifetimes.n_events() <= covariates.len() {
            return Err(Error::NotEnough("as few events as covariates"));
        }
        let stratum = |row: usize| strata.map_or(0, |strata| strata[row]);
        let mut order: Vec<usize> = (0..lifetimes.n()).collect();
        order.sort_unstable_by(|&i, &j| {
            let by_exit = lifetimes.exit[j].total_cmp(&lifetimes.exit[i]);
            stratum(i).cmp(&stratum(j)).then(by_exit).then(i.cmp(&j))
        });
        let strata = order
            .chunk_by(|&i, &j| stratum(i) == stratum(j))
            .map(|run| {
                let is_late = |&i: &usize| lifetimes.entry[i] > 0.0;
                let mut by_entry: Vec<usize> = run.iter().copied().filter(is_late).collect();
                by_entry.sort_unstable_by(|&i, &j| {
                    let by_entry = lifetimes.entry[j].total_cmp(&lifetimes.entry[i]);
                    by_entry.then(i.cmp(&j))
                });
                Stratum {
                    number: stratum(run[0]),
                    by_exit: run.to_vec(),
                    by_entry,
                }
            })
            .collect();
        Ok(RiskSets {
            lifetimes,
            x,
            strata,
        })
    }

    fn evaluate(&self, beta: &[f64]) -> Point {
        let mut point = Point {
            value: 0.0,
            gradient: vec![0.0; beta.len()],
            information: Dense::zeros(beta.len()),
        };
        self.for_each_time(beta, |moments| {
            point.value += moments.value;
            for (sum, residual) in point.gradient.iter_mut().zip(&moments.residual) {
                *sum += residual;
            }
            point.information.add_scaled(1.0, &moments.variance);
        });
        point
    }

    fn baselines(&self, beta: &[f64]) -> Vec<Baseline> {
        let mut baselines: Vec<Baseline> = self
            .strata
            .iter()
            .map(|stratum| Baseline {
                stratum: stratum.number,
                last_time: stratum
                    .by_exit
                    .first()
                    .map_or(0.0, |&row| self.lifetimes.exit[row]),
                steps: Vec::new(),
            })
            .collect();
        self.for_each_time(beta, |moments| {
            let increment = moments.n_events as f64 / moments.s0;
            let means = moments
                .mean_at_risk
                .iter()
                .map(|mean| mean * increment)
                .collect();
            baselines[moments.stratum].steps.push(BaselineStep {
                time: moments.time,
                n_events: moments.n_events,
                cumulative_hazard: increment,
                variance: increment / moments.s0,
                means,
            });
        });
        for baseline in &mut baselines {
            baseline.steps.reverse();
            for i in 1..baseline.steps.len() {
                let (before, from) = baseline.steps.split_at_mut(i);
                let (before, step) = (&before[i - 1], &mut from[0]);
                step.cumulative_hazard += before.cumulative_hazard;
                step.variance += before.variance;
                for (sum, mean) in step.means.iter_mut().zip(&before.means) {
                    *sum += mean;
                }
            }
        }
        baselines
    }

    /// Visits every event time of every stratum, from the last to the first.
    pub fn for_each_time(&self, beta: &[f64], mut visit: impl FnMut(&Moments)) {
        let p = beta.len();
        let n = self.lifetimes.n();
        let mut weights: Vec<f64> = (0..n).map(|row| inner(self.x.row(row), beta)).collect();
        let largest = weights
            .iter()
            .fold(f64::NEG_INFINITY, |most, w| most.max(*w));
        for weight in &mut weights {
            *weight = (*weight - largest).exp();
        }
        let mut moments = Moments {
            stratum: 0,
            time: 0.0,
            n_events: 0,
            value: 0.0,
            residual: vec![0.0; p],
            variance: Dense::zeros(p),
            s0: 0.0,
            mean_at_risk: vec![0.0; p],
        };
        let (mut at_risk, mut events) = (Sums::new(p), Sums::new(p));
        for (number, stratum) in self.strata.iter().enumerate() {
            at_risk.clear();
            let mut not_yet = stratum.by_entry.iter().copied().peekable();
            let same_exit =
                |&i: &usize, &j: &usize| self.lifetimes.exit[i] == self.lifetimes.exit[j];
            for tie in stratum.by_exit.chunk_by(same_exit) {
                let time = self.lifetimes.exit[tie[0]];
                events.clear();
                moments.residual.fill(0.0);
                moments.n_events = 0;
                for &row in tie {
                    at_risk.add(weights[row], self.x.row(row));
                    if self.lifetimes.is_event[row] {
                        events.add(weights[row], self.x.row(row));
                        moments.n_events += 1;
                        for (sum, x) in moments.residual.iter_mut().zip(self.x.row(row)) {
                            *sum += x;
                        }
                    }
                }
                if moments.n_events == 0 {
                    continue;
                }
                while let Some(row) = not_yet.next_if(|&row| self.lifetimes.entry[row] >= time) {
                    at_risk.add(-weights[row], self.x.row(row));
                }
                moments.stratum = number;
                moments.time = time;
                moments.value = inner(&moments.residual, beta);
                moments.efron(&at_risk, &events, largest);
                visit(&moments);
            }
        }
    }
}

impl Moments {
    /// Adds to value, residual and variance what is expected of the events. With f = l/d, the mean of x at the l-th
    /// step is (R1 - f D1)/(R0 - f D0); sums over l are taken first, so that matrices are formed once.
    fn efron(&mut self, at_risk: &Sums, events: &Sums, log_scale: f64) {
        let d = self.n_events as f64;
        let [mut inverse, mut inverse_f] = [0.0; 2];
        let [mut square, mut square_f, mut square_ff] = [0.0; 3];
        for l in 0..self.n_events {
            let f = l as f64 / d;
            let left = at_risk.s0 - f * events.s0;
            self.value -= left.ln() + log_scale;
            let r = left.recip();
            inverse += r;
            inverse_f += f * r;
            square += r * r;
            square_f += f * r * r;
            square_ff += f * f * r * r;
        }
        for ((sum, all), gone) in self.residual.iter_mut().zip(&at_risk.s1).zip(&events.s1) {
            *sum -= inverse * all - inverse_f * gone;
        }
        self.variance.clear();
        self.variance.add_scaled(inverse, &at_risk.s2);
        self.variance.add_outer(-square, &at_risk.s1);
        if self.n_events > 1 {
            self.variance.add_scaled(-inverse_f, &events.s2);
            self.variance.add_product(square_f, &at_risk.s1, &events.s1);
            self.variance.add_product(square_f, &events.s1, &at_risk.s1);
            self.variance.add_outer(-square_ff, &events.s1);
        }
        self.variance.mirror();
        self.s0 = at_risk.s0 * log_scale.exp();
        for (mean, all) in self.mean_at_risk.iter_mut().zip(&at_risk.s1) {
            *mean = all / at_risk.s0;
        }
    }
}

impl Sums {
    fn new(p: usize) -> Self {
        Sums {
            s0: 0.0,
            s1: vec![0.0; p],
            s2: Dense::zeros(p),
        }
    }

    fn clear(&mut self) {
        self.s0 = 0.0;
        self.s1.fill(0.0);
        self.s2.clear();
    }

    fn add(&mut self, weight: f64, x: &[f64]) {
        self.s0 += weight;
        for (sum, x) in self.s1.iter_mut().zip(x) {
            *sum += weight * x;
        }
        self.s2.add_outer(weight, x);
    }
}

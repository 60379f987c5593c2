//! Whether the effects of a Cox model last: the test of proportional hazards, and each effect over time.
//! Must not refit the model.
//!
//! At each event time the Schoenfeld residual is x of who had the event less the mean of x at risk, weighted by risk.
//! If an effect wears off, residuals fall with time (Schoenfeld 1982; Grambsch & Therneau 1994, Biometrika
//! 81:515-526). The test here is the score test of adding x g(t) to the model, which the sum of residual times g(t) is
//! the numerator of, with its exact variance instead of the approximation by an average one (so does cox.zph of R's
//! survival since version 3.0).
//!
//! With thousands of events any effect is found to change a little; then look at how much, in
//! [`Proportionality::effects`], before leaving the model or making the covariate a stratum.
//!
//! ```
//! use keji_models::survival::{Lifetimes, cox, proportionality::{self, TimeScale}};
//! let lifetimes = Lifetimes::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[true; 8])?;
//! // First those with the trait go, then those without, then those with it.
//! let has_trait = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
//! let fitted = cox::fit(&lifetimes, &[&has_trait], None)?;
//! let check = proportionality::test(&fitted, &lifetimes, &[&has_trait], None, TimeScale::Rank)?;
//! assert!(check.per_covariate[0].p_value < 0.2);
//! # Ok::<(), keji_models::Error>(())
//! ```

use super::cox::{Cox, RiskSets};
use super::kaplan_meier::{self, Band};
use super::{Lifetimes, Test};
use crate::dense::Dense;
use crate::error::{self, Result};
use crate::interval::USUAL_LEVEL;

/// How time is stretched before residuals are held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeScale {
    /// Share of customers gone just before, by Kaplan-Meier over all strata: the usual choice, no outliers.
    KaplanMeier,
    /// Rank of the event time, ties sharing their mean rank.
    Rank,
    /// Time as it is: one late event can decide.
    Identity,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Proportionality {
    /// One degree of freedom each, in the order of the covariates.
    pub per_covariate: Vec<Test>,
    /// All covariates at once.
    pub global: Test,
    /// Ascending in time. Noisy one by one: smooth before drawing.
    pub effects: Vec<EffectAt>,
}

/// The coefficients as the events of one time alone would have them: scaled Schoenfeld residuals plus coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectAt {
    pub time: f64,
    pub n_events: usize,
    pub coefficients: Vec<f64>,
}

/// Tests a fit on the data it was made from. Cost: p^2 per customer.
pub fn test(
    fitted: &Cox,
    lifetimes: &Lifetimes,
    covariates: &[&[f64]],
    strata: Option<&[u32]>,
    scale: TimeScale,
) -> Result<Proportionality> {
    error::same_length("covariates", fitted.coefficients.len(), covariates.len())?;
    let risk_sets = RiskSets::new(lifetimes, covariates, strata)?;
    let scales = &risk_sets.x.scales;
    let beta: Vec<f64> = fitted
        .coefficients
        .iter()
        .zip(scales)
        .map(|(b, s)| b * s)
        .collect();
    let p = beta.len();
    let stretch = Stretch::new(lifetimes, scale)?;
    let mut score = vec![0.0; p];
    // Information of (coefficients, coefficients times g): the blocks above the diagonal.
    let [mut plain, mut cross, mut stretched] = [0; 3].map(|_| Dense::zeros(p));
    let mut residuals: Vec<(f64, usize, Vec<f64>)> = Vec::new();
    risk_sets.for_each_time(&beta, |moments| {
        let g = stretch.at(moments.time);
        for (sum, residual) in score.iter_mut().zip(&moments.residual) {
            *sum += g * residual;
        }
        plain.add_scaled(1.0, &moments.variance);
        cross.add_scaled(g, &moments.variance);
        stretched.add_scaled(g * g, &moments.variance);
        residuals.push((moments.time, moments.n_events, moments.residual.clone()));
    });
    // The variance of the score once the coefficients are fitted: stretched - cross plain^-1 cross.
    let factor = plain.cholesky().map_err(error::Error::Collinear)?;
    let mut variance = stretched;
    for i in 0..p {
        let column: Vec<f64> = (0..p).map(|k| cross.at(k, i)).collect();
        let solved = factor.solve(&column);
        for (j, taken) in cross.times(&solved).into_iter().enumerate() {
            variance.set(i, j, variance.at(i, j) - taken);
        }
    }
    let per_covariate = (0..p)
        .map(|i| {
            let own = variance.at(i, i);
            // No variance when all events fall on one time.
            if own > 1e-12 * plain.at(i, i) {
                Test::new(score[i] * score[i] / own, 1)
            } else {
                Test::new(0.0, 0)
            }
        })
        .collect();
    let (chi_squared, df) = variance.quadratic_inverse(&score);
    let covariance = factor.inverse();
    let n_events = fitted.n_events as f64;
    let mut effects: Vec<EffectAt> = residuals
        .into_iter()
        .map(|(time, n, residual)| {
            let scaled = covariance.times(&residual);
            let per_event = n_events / n as f64;
            let coefficients = scaled.iter().zip(&beta).zip(scales);
            EffectAt {
                time,
                n_events: n,
                coefficients: coefficients
                    .map(|((r, b), s)| (b + r * per_event) / s)
                    .collect(),
            }
        })
        .collect();
    effects.sort_by(|one, two| one.time.total_cmp(&two.time));
    Ok(Proportionality {
        per_covariate,
        global: Test::new(chi_squared, df),
        effects,
    })
}

/// g at each event time, ascending, centred and of order one.
struct Stretch {
    times: Vec<f64>,
    values: Vec<f64>,
}

impl Stretch {
    fn new(lifetimes: &Lifetimes, scale: TimeScale) -> Result<Self> {
        let table = lifetimes.risk_table();
        let times: Vec<f64> = table.iter().map(|at| at.time).collect();
        let mut values: Vec<f64> = match scale {
            TimeScale::Identity => times.clone(),
            TimeScale::Rank => {
                let mut n_before = 0;
                let rank = |at: &super::AtTime| {
                    let rank = n_before as f64 + 0.5 * (at.n_events as f64 + 1.0);
                    n_before += at.n_events;
                    rank
                };
                table.iter().map(rank).collect()
            }
            TimeScale::KaplanMeier => {
                let curve = kaplan_meier::estimate(lifetimes, Band::LogLog, USUAL_LEVEL)?;
                let falls = curve.steps.iter().map(|step| 1.0 - step.survival);
                let mut values: Vec<f64> = std::iter::once(0.0).chain(falls).collect();
                // A curve that emptied early stays down.
                values.resize(times.len(), 1.0);
                values
            }
        };
        // The test does not change under g -> (g - c)/s, its rounding does.
        let n: f64 = table.iter().map(|at| at.n_events as f64).sum();
        let weighted = || {
            values
                .iter()
                .zip(&table)
                .map(|(v, at)| (v, at.n_events as f64))
        };
        let mean = weighted().map(|(v, d)| v * d).sum::<f64>() / n;
        let variance = weighted()
            .map(|(v, d)| d * (v - mean) * (v - mean))
            .sum::<f64>()
            / n;
        let spread = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        for value in &mut values {
            *value = (*value - mean) / spread;
        }
        Ok(Stretch { times, values })
    }

    fn at(&self, time: f64) -> f64 {
        let i = self.times.partition_point(|t| *t < time);
        self.values.get(i).copied().unwrap_or(0.0)
    }
}

//! What a method would have said in the past, and what came: rolling-origin evaluation beside the naive rule.
//! Must not choose a method for the user; it ranks.
//!
//! From each origin the method is fitted to the values before it only, and its forecasts are held against the values
//! after (Tashman 2000, Int. J. Forecasting 16:437-450). MASE divides each error by the mean error of the seasonal
//! naive rule within the values it was fitted to (Hyndman & Koehler 2006, IJF 22:679-688), so that 1 is naive whatever
//! the unit, and zeros in the data do no harm as they do to percentages.
//!
//! Errors of neighbouring origins share values: twelve origins are far fewer than twelve independent trials. Coverage
//! from 30 forecasts at 95% is anything from 85% to 100% by luck alone.
//!
//! ```
//! use keji_models::forecast::{Method, backtest::{self, Plan}};
//! let values: Vec<f64> = (0..48).map(|i| 100.0 + f64::from(i) + 20.0 * f64::from(i % 4)).collect();
//! let plan = Plan { horizon: 4, step: 4, n_first: 32, level: 0.95, seed: 1 };
//! let found = backtest::run(&values, 4, &[Method::HOLT_WINTERS_ADDITIVE], &plan)?;
//! // A steady rise of 4 a year is what the seasonal naive rule misses.
//! assert!((found.benchmark.mae - 4.0).abs() < 1e-9);
//! assert!(found.scores[0].as_ref().is_ok_and(|score| score.mae < 0.1));
//! # Ok::<(), keji_models::Error>(())
//! ```

use super::{Method, fit};
use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Steps ahead.
    pub horizon: usize,
    /// Values from one origin to the next; the horizon makes forecasts that do not overlap.
    pub step: usize,
    /// Values before the first origin.
    pub n_first: usize,
    /// Of the intervals.
    pub level: f64,
    pub seed: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    /// Number of values before each origin.
    pub origins: Vec<usize>,
    /// Seasonal naive, or naive without season.
    pub benchmark: Score,
    /// In the order asked; the error of a method that could not be fitted from some origin.
    pub scores: Vec<Result<Score>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub method: Method,
    /// Mean absolute error, and root mean squared error.
    pub mae: f64,
    pub rmse: f64,
    /// Mean absolute scaled error.
    pub mase: f64,
    /// Mean of actual less forecast: above 0 is too low.
    pub bias: f64,
    /// Share of values within their interval; close to the level if the intervals are honest.
    pub coverage: f64,
    /// Mean width of the intervals. Of two methods with the right coverage, the narrower is better.
    pub mean_width: f64,
    /// Mean absolute error by step ahead.
    pub mae_by_step: Vec<f64>,
    pub n_forecasts: usize,
}

impl Backtest {
    /// Place in `scores` of the lowest MASE, if any is lower than the benchmark's.
    pub fn best(&self) -> Option<usize> {
        let mases = self.scores.iter().enumerate();
        mases
            .filter_map(|(i, score)| score.as_ref().ok().map(|score| (i, score.mase)))
            .filter(|(_, mase)| *mase < self.benchmark.mase)
            .min_by(|one, two| one.1.total_cmp(&two.1))
            .map(|(i, _)| i)
    }
}

/// Evaluates methods. Fails when no origin leaves a whole horizon, when the first leaves less than the benchmark needs,
/// or when a stretch to scale by does not vary. Cost: one fit per method and origin.
pub fn run(values: &[f64], period: usize, methods: &[Method], plan: &Plan) -> Result<Backtest> {
    let benchmark = if period > 1 {
        Method::SeasonalNaive
    } else {
        Method::Naive
    };
    for (name, value) in [("horizon", plan.horizon), ("step", plan.step)] {
        if value == 0 {
            return Err(Error::OutOfRange { name, value: 0.0 });
        }
    }
    let n_first = plan.n_first.max(benchmark.n_needed(period));
    if values.len() < n_first.saturating_add(plan.horizon) {
        return Err(Error::TooShort {
            needed: n_first.saturating_add(plan.horizon),
            found: values.len(),
        });
    }
    let origins: Vec<usize> = (n_first..=values.len() - plan.horizon)
        .step_by(plan.step)
        .collect();
    Ok(Backtest {
        benchmark: score(values, period, benchmark, &origins, plan)?,
        scores: methods
            .iter()
            .map(|&method| score(values, period, method, &origins, plan))
            .collect(),
        origins,
    })
}

/// Mean absolute error of the seasonal naive rule within values: what MASE divides by. `period` 1 for no season. Fails
/// when there are too few values or it is 0.
pub fn scale(values: &[f64], period: usize) -> Result<f64> {
    let lag = period.max(1);
    let pairs = values.iter().zip(values.iter().skip(lag));
    let n = values.len().saturating_sub(lag) as f64;
    let scale = pairs
        .map(|(earlier, later)| (later - earlier).abs())
        .sum::<f64>()
        / n;
    if scale > 0.0 {
        Ok(scale)
    } else {
        Err(Error::NotEnough(
            "no change from season to season to scale errors by",
        ))
    }
}

fn score(
    values: &[f64],
    period: usize,
    method: Method,
    origins: &[usize],
    plan: &Plan,
) -> Result<Score> {
    let mut by_step = vec![0.0; plan.horizon];
    let [mut absolute, mut squared, mut scaled, mut signed] = [0.0; 4];
    let [mut covered, mut width] = [0.0; 2];
    for &origin in origins {
        let (past, future) = values.split_at(origin);
        let scale = scale(past, period)?;
        let forecast = fit(past, period, method)?.forecast(plan.horizon, plan.level, plan.seed)?;
        let expected = forecast.means.iter().zip(&forecast.intervals);
        for ((actual, (mean, interval)), sum) in future.iter().zip(expected).zip(&mut by_step) {
            let error = actual - mean;
            absolute += error.abs();
            squared += error * error;
            scaled += error.abs() / scale;
            signed += error;
            covered += f64::from(interval.contains(*actual));
            width += interval.width();
            *sum += error.abs() / origins.len() as f64;
        }
    }
    let n_forecasts = origins.len() * plan.horizon;
    let n = n_forecasts as f64;
    Ok(Score {
        method,
        mae: absolute / n,
        rmse: (squared / n).sqrt(),
        mase: scaled / n,
        bias: signed / n,
        coverage: covered / n,
        mean_width: width / n,
        mae_by_step: by_step,
        n_forecasts,
    })
}

//! Forecasts of a series at equal steps (sales by month, tickets by week), with intervals and a check on the past.
//! Must not know calendars: the caller gives values in order, and how many of them make a season.
//!
//! ```text
//!  values, period --> fit(method) --> Fitted --> forecast(horizon) --> means, intervals, total
//!                                        |
//!   backtest: the same, from many origins in the past, beside the naive rule
//!   reconcile: forecasts of parts and of their sums made to agree
//! ```
//!
//! | method | forecast | interval |
//! |---|---|---|
//! | [`Method::Naive`] | the last value | exact for a random walk |
//! | [`Method::Drift`] | last value, plus the mean step | exact, with the uncertainty of the step |
//! | [`Method::SeasonalNaive`] | the value one season ago | exact for a seasonal random walk |
//! | [`Method::Smoothing`] | exponential smoothing, see [`smoothing`] | exact where errors and season add, simulated where they multiply |
//!
//! A model that does not beat the seasonal naive rule in [`backtest`] is not worth showing. Intervals hold if the
//! future goes on as the past: they know nothing of a lost key account or a holiday that moves (Chinese New Year
//! between January and February), and they are too narrow by what choosing among methods costs.
//!
//! ```
//! use keji_models::forecast::{self, Method};
//! // Three years of quarters.
//! let sales = [10.0, 14.0, 18.0, 13.0, 12.0, 16.0, 21.0, 15.0, 13.0, 18.0, 23.0, 17.0];
//! let fitted = forecast::fit(&sales, 4, Method::SeasonalNaive)?;
//! let next = fitted.forecast(4, 0.95, 1)?;
//! assert_eq!(next.means, [13.0, 18.0, 23.0, 17.0]);
//! assert!(next.intervals[0].low < 13.0 && next.total_interval.contains(71.0));
//! // Twelve values cannot carry seven parameters and tell how far off they are.
//! assert!(forecast::fit(&sales[..9], 4, Method::HOLT_WINTERS_ADDITIVE).is_err());
//! # Ok::<(), keji_models::Error>(())
//! ```

pub mod backtest;
pub mod reconcile;
pub mod smoothing;

pub use smoothing::{Errors, Season, Smoothing, Trend};

use crate::error::{self, Error, Result, RowProblem};
use crate::interval::{Interval, critical};
use crate::random::{Random, quantile};
use smoothing::{Parameters, State};

/// Longer seasons would need more values than anybody has; for days use 7.
pub const MAX_PERIOD: usize = 366;

/// Steps ahead at most; intervals say nothing long before.
pub const MAX_HORIZON: usize = 1000;

/// Paths of a simulated interval.
pub const N_PATHS: usize = 5000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Naive,
    Drift,
    SeasonalNaive,
    Smoothing(Smoothing),
}

impl Method {
    /// Simple exponential smoothing: a level without trend and season.
    pub const SIMPLE: Method = smoothing(Trend::None, Season::None, Errors::Additive);
    /// Holt's linear trend.
    pub const HOLT: Method = smoothing(Trend::Linear, Season::None, Errors::Additive);
    /// Holt's trend that levels off.
    pub const HOLT_DAMPED: Method = smoothing(Trend::Damped, Season::None, Errors::Additive);
    /// Seasons add a fixed amount.
    pub const HOLT_WINTERS_ADDITIVE: Method =
        smoothing(Trend::Linear, Season::Additive, Errors::Additive);
    pub const DAMPED_ADDITIVE: Method =
        smoothing(Trend::Damped, Season::Additive, Errors::Additive);
    /// Seasons are a share of the level; errors of one size, so the sum of squared errors is least.
    pub const HOLT_WINTERS_MULTIPLICATIVE: Method =
        smoothing(Trend::Linear, Season::Multiplicative, Errors::Additive);
    pub const DAMPED_MULTIPLICATIVE: Method =
        smoothing(Trend::Damped, Season::Multiplicative, Errors::Additive);
    /// Seasons and errors are a share of the level: intervals widen with the level.
    pub const HOLT_WINTERS_RELATIVE: Method = smoothing(
        Trend::Linear,
        Season::Multiplicative,
        Errors::Multiplicative,
    );

    /// Stable; stored with results.
    pub fn code(self) -> String {
        match self {
            Method::Naive => "naive".to_owned(),
            Method::Drift => "drift".to_owned(),
            Method::SeasonalNaive => "seasonal_naive".to_owned(),
            Method::Smoothing(of) => of.code(),
        }
    }

    /// Fewest values it can be fitted to: for smoothing two full seasons, and four more than there are parameters.
    pub fn n_needed(self, period: usize) -> usize {
        match self {
            Method::Naive => 2,
            Method::Drift => 3,
            Method::SeasonalNaive => period + 1,
            Method::Smoothing(of) if of.season == Season::None => of.n_parameters(period) + 4,
            Method::Smoothing(of) => (of.n_parameters(period) + 4).max(2 * period),
        }
    }
}

const fn smoothing(trend: Trend, season: Season, errors: Errors) -> Method {
    Method::Smoothing(Smoothing {
        trend,
        season,
        errors,
    })
}

#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    pub method: Method,
    pub period: usize,
    /// Values it was fitted to.
    pub n: usize,
    /// Of smoothing; `None` for the naive methods.
    pub parameters: Option<Parameters>,
    /// Before the first value.
    pub initial: Option<State>,
    /// After the last value.
    pub last: Option<State>,
    /// One step ahead, in the order of the values; the naive methods have none for the first ones.
    pub one_step: Vec<Option<f64>>,
    /// Of the one-step errors, in the unit of the values.
    pub sum_of_squares: f64,
    /// Of the one-step errors with n less parameters; relative to the forecast where errors multiply.
    pub std_deviation: f64,
    /// Normal; `None` for the naive methods, which have no initial state to condition on.
    pub log_likelihood: Option<f64>,
    /// Coefficients, initial states and the variance.
    pub n_parameters: usize,
    /// The last season, for the naive methods.
    tail: Vec<f64>,
    drift: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// One per step ahead. Where things multiply it is the path without errors, close to the median.
    pub means: Vec<f64>,
    pub std_errors: Vec<f64>,
    /// Each for its step by itself.
    pub intervals: Vec<Interval>,
    /// Sum of the means, and an interval for the sum of the values: errors of neighbours go together, so it cannot be
    /// had from the intervals of the steps.
    pub total: f64,
    pub total_interval: Interval,
    /// Drawn from [`N_PATHS`] seeded paths instead of computed.
    pub is_simulated: bool,
}

/// Fits a method. `period`: values per season, 12 for months, 1 for none.
///
/// Fails with too few values ([`Error::TooShort`]), on a value that is not finite or, where the season or the errors
/// multiply, not above zero (naming the row), and on a series that does not vary. Cost of smoothing: some
/// thousands of passes, times the number of parameters; 0.1 s for eleven years of months.
pub fn fit(values: &[f64], period: usize, method: Method) -> Result<Fitted> {
    if !(1..=MAX_PERIOD).contains(&period) {
        return Err(Error::OutOfRange {
            name: "period",
            value: period as f64,
        });
    }
    if let Method::Smoothing(of) = method
        && of.season != Season::None
        && period < 2
    {
        return Err(Error::OutOfRange {
            name: "period",
            value: period as f64,
        });
    }
    if let Some(row) = values.iter().position(|value| !value.is_finite()) {
        return Err(error::row(row)(RowProblem::BadValue(values[row])));
    }
    let needed = method.n_needed(period);
    if values.len() < needed {
        return Err(Error::TooShort {
            needed,
            found: values.len(),
        });
    }
    match method {
        Method::Smoothing(of) => smoothing::fit(values, period, of),
        Method::Naive => Ok(repeat(values, 1, method, 0.0)),
        Method::SeasonalNaive => Ok(repeat(values, period, method, 0.0)),
        Method::Drift => {
            let drift = (values[values.len() - 1] - values[0]) / (values.len() - 1) as f64;
            Ok(repeat(values, 1, method, drift))
        }
    }
}

/// The smoothing method with the lowest corrected AIC (Hyndman et al. 2008, section 7.1) among those that can be
/// fitted: with and without trend, damping and season, errors that add or multiply.
///
/// It ranks by fit to the past with a price on parameters; [`backtest`] ranks by what came true. Fails as [`fit`] does
/// for the simplest method.
pub fn best(values: &[f64], period: usize) -> Result<Fitted> {
    let mut best = fit(values, period, Method::SIMPLE)?;
    for trend in [Trend::None, Trend::Linear, Trend::Damped] {
        for season in [Season::None, Season::Additive, Season::Multiplicative] {
            for errors in [Errors::Additive, Errors::Multiplicative] {
                let method = smoothing(trend, season, errors);
                match fit(values, period, method) {
                    Ok(other) if other.aicc() < best.aicc() => best = other,
                    _ => (),
                }
            }
        }
    }
    Ok(best)
}

impl Fitted {
    /// AIC corrected for few values; infinite for the naive methods.
    pub fn aicc(&self) -> f64 {
        let (k, n) = (self.n_parameters as f64, self.n as f64);
        let Some(log_likelihood) = self.log_likelihood.filter(|_| n > k + 1.0) else {
            return f64::INFINITY;
        };
        2.0 * k - 2.0 * log_likelihood + 2.0 * k * (k + 1.0) / (n - k - 1.0)
    }

    /// Forecasts the next `horizon` steps, 1 to [`MAX_HORIZON`]. `seed` matters only where the interval is simulated, and then gives the same
    /// result every time.
    pub fn forecast(&self, horizon: usize, level: f64, seed: u64) -> Result<Forecast> {
        let z = critical(level)?;
        if !(1..=MAX_HORIZON).contains(&horizon) {
            return Err(Error::Horizon(horizon as f64));
        }
        let means: Vec<f64> = (1..=horizon).map(|h| self.mean(h)).collect();
        match (self.method, self.parameters, &self.last) {
            (Method::Smoothing(of), Some(parameters), Some(last)) if !of.is_linear() => {
                Ok(self.simulate(of, &parameters, last, means, level, seed))
            }
            _ => Ok(self.exact(means, z)),
        }
    }

    fn mean(&self, h: usize) -> f64 {
        match (self.method, self.parameters, &self.last) {
            (Method::Smoothing(of), Some(parameters), Some(last)) => of.ahead(&parameters, last, h),
            _ => {
                let position = (h - 1) % self.tail.len().max(1);
                let base = self.tail.get(position).copied().unwrap_or(f64::NAN);
                base + self.drift * h as f64
            }
        }
    }

    /// How much an error of one still weighs j steps later (Hyndman et al. 2008, table 6.2).
    fn weight(&self, j: usize) -> f64 {
        let is_season = j.is_multiple_of(self.period);
        match (self.method, &self.parameters) {
            (Method::SeasonalNaive, _) => f64::from(is_season),
            (_, Some(parameters)) => parameters.weight(j, is_season),
            _ => 1.0,
        }
    }

    fn exact(&self, means: Vec<f64>, z: f64) -> Forecast {
        let horizon = means.len();
        let variance = self.std_deviation * self.std_deviation;
        // The mean step is known from n-1 steps, each with the variance of one error.
        let of_drift = if self.method == Method::Drift {
            variance / (self.n - 1) as f64
        } else {
            0.0
        };
        let (mut squares, mut so_far, mut of_total) = (0.0, 0.0, 0.0);
        let mut std_errors = Vec::with_capacity(horizon);
        for h in 1..=horizon {
            let weight = if h == 1 { 1.0 } else { self.weight(h - 1) };
            squares += weight * weight;
            // An error h steps before the end enters the sum with all weights up to then.
            so_far += weight;
            of_total += so_far * so_far;
            std_errors.push((variance * squares + of_drift * (h * h) as f64).sqrt());
        }
        let steps = (horizon * (horizon + 1) / 2) as f64;
        let total_error = (variance * of_total + of_drift * steps * steps).sqrt();
        let total = means.iter().sum();
        let pairs = means.iter().zip(&std_errors);
        Forecast {
            intervals: pairs
                .map(|(mean, se)| Interval::around(*mean, z * se))
                .collect(),
            total,
            total_interval: Interval::around(total, z * total_error),
            means,
            std_errors,
            is_simulated: false,
        }
    }

    fn simulate(
        &self,
        of: Smoothing,
        parameters: &Parameters,
        last: &State,
        means: Vec<f64>,
        level: f64,
        seed: u64,
    ) -> Forecast {
        let horizon = means.len();
        let mut random = Random::new(seed);
        let mut by_step = vec![Vec::with_capacity(N_PATHS); horizon];
        let mut totals = Vec::with_capacity(N_PATHS);
        for _ in 0..N_PATHS {
            let mut state = last.clone();
            let mut total = 0.0;
            for values in &mut by_step {
                let expected = of.expected(parameters, &state);
                let error = self.std_deviation * random.normal();
                let value = match of.errors {
                    Errors::Additive => expected + error,
                    // A fall of more than all there is has no meaning.
                    Errors::Multiplicative => expected * (1.0 + error).max(0.0),
                };
                of.advance(parameters, &mut state, value);
                values.push(value);
                total += value;
            }
            totals.push(total);
        }
        let limits = |values: &mut Vec<f64>| {
            values.sort_unstable_by(f64::total_cmp);
            Interval {
                low: quantile(values, 0.5 - 0.5 * level),
                high: quantile(values, 0.5 + 0.5 * level),
            }
        };
        let std_error = |values: &Vec<f64>| {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|y| (y - mean) * (y - mean)).sum();
            (squares / (n - 1.0)).sqrt()
        };
        Forecast {
            std_errors: by_step.iter().map(std_error).collect(),
            intervals: by_step.iter_mut().map(limits).collect(),
            total: means.iter().sum(),
            total_interval: limits(&mut totals),
            means,
            is_simulated: true,
        }
    }
}

/// A naive method: the value `lag` steps ago, plus a drift.
fn repeat(values: &[f64], lag: usize, method: Method, drift: f64) -> Fitted {
    let n = values.len();
    let earlier = values.iter().map(|value| Some(value + drift));
    let one_step: Vec<Option<f64>> = std::iter::repeat_n(None, lag)
        .chain(earlier)
        .take(n)
        .collect();
    let pairs = values.iter().zip(&one_step);
    let sum_of_squares: f64 = pairs
        .filter_map(|(y, f)| f.map(|f| (y - f) * (y - f)))
        .sum();
    let n_parameters = usize::from(method == Method::Drift);
    let n_errors = n.saturating_sub(lag + n_parameters).max(1);
    Fitted {
        method,
        period: if method == Method::SeasonalNaive {
            lag
        } else {
            1
        },
        n,
        parameters: None,
        initial: None,
        last: None,
        one_step,
        sum_of_squares,
        std_deviation: (sum_of_squares / n_errors as f64).sqrt(),
        log_likelihood: None,
        n_parameters,
        tail: values
            .get(n.saturating_sub(lag)..)
            .unwrap_or_default()
            .to_vec(),
        drift,
    }
}

//! Beta-discrete-Weibull (BdW) of Fader, Hardie, Liu, Davin & Steenburgh (2018), "'How to project customer retention'
//! revisited: the role of duration dependence", Journal of Interactive Marketing 43:1-16: as
//! [`crate::shifted_beta_geometric`], but a customer's own probability of leaving may change with tenure.
//!
//! | assumption | consequence when it fails |
//! |---|---|
//! | a customer survives t renewals with probability (1-theta)^(t^c) | offers or price steps at fixed renewals are smoothed over |
//! | theta beta distributed (alpha, beta) over customers, c common to all | - |
//!
//! S(t) = B(alpha, beta+t^c)/B(alpha, beta),   c = 1: the sBG;   c > 1: own churn rises with tenure;   c < 1: it falls.
//!
//! c and the spread of theta both bend the retention curve, so few renewals do not tell them apart: [`compare`] asks
//! whether c = 1 will do, [`crate::fit::Fitted::is_identified`] whether the parameters can be read.
//!
//! ln r_t is taken as ln B(alpha, beta+t^c) - ln B(alpha, beta+(t-1)^c) in one piece, so that nothing large is
//! subtracted from anything large.
//!
//! ```
//! use keji_models::{beta_discrete_weibull as bdw, retention::Renewals, shifted_beta_geometric as sbg};
//! let data = Renewals::from_survivors(&[1000, 869, 743, 653, 593, 551, 517, 491])?;
//! let (simple, fitted) = (sbg::fit(&data)?, bdw::fit(&data)?);
//! let compared = bdw::compare(&fitted, &simple);
//! assert!(compared.likelihood_ratio > 0.0 && fitted.params.c > 1.0);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{Error, Result};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::retention::{self, Comparison, Outcome, Renewals, RetentionModel};
use crate::shifted_beta_geometric::{self as sbg, FittedRetention};
use crate::special::{digamma, ln_beta_ratio, trigamma};
use crate::symmetric::mirror;

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    pub alpha: f64,
    pub beta: f64,
    /// Duration dependence; 1 is the sBG.
    pub c: f64,
}

pub type FittedWeibull = Fitted<Params, 3>;

/// A larger c would say that everybody leaves at one renewal, and t^c would overflow.
pub const MAX_C: f64 = 50.0;

/// Fails unless all are above zero and finite, and `c` is at most [`MAX_C`].
pub fn params(alpha: f64, beta: f64, c: f64) -> Result<Params> {
    for (name, value) in Params::NAMES.into_iter().zip([alpha, beta, c]) {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Parameter { name, value });
        }
    }
    if c > MAX_C {
        return Err(Error::OutOfRange {
            name: "c",
            value: c,
        });
    }
    Ok(Params { alpha, beta, c })
}

impl Positive<3> for Params {
    const NAMES: [&'static str; 3] = ["alpha", "beta", "c"];

    fn to_array(&self) -> [f64; 3] {
        [self.alpha, self.beta, self.c]
    }

    fn with(&self, [alpha, beta, c]: [f64; 3]) -> Self {
        Params { alpha, beta, c }
    }
}

impl RetentionModel for Params {
    fn ln_survival(&self, t: u32) -> f64 {
        ln_beta_ratio(self.alpha, self.beta, f64::from(t).powf(self.c))
    }

    fn ln_retention(&self, t: u32) -> f64 {
        if t == 0 {
            return 0.0;
        }
        let before = f64::from(t - 1).powf(self.c);
        let step = f64::from(t).powf(self.c) - before;
        ln_beta_ratio(self.alpha, self.beta + before, step)
    }
}

/// Maximum likelihood over all cohorts; starts from the sBG. Fails with fewer than three renewals.
///
/// A result that is not identified is still returned.
pub fn fit(data: &Renewals) -> Result<FittedWeibull> {
    if data.outcomes().len() < 3 {
        return Err(Error::NotEnough("fewer than three renewals"));
    }
    let simple = sbg::fit(data)?.params;
    let from = |alpha, beta, c| {
        let start = Params { alpha, beta, c };
        fit::maximise(start, data.n_customers(), |params| evaluate(params, data))
    };
    let mut best = from(simple.alpha, simple.beta, 1.0);
    // Strong heterogeneity with rising churn, and the reverse, are the other likely feet of a ridge.
    for (scale, c) in [(0.5, 1.6), (3.0, 0.6)] {
        let other = from(
            scale * simple.alpha.min(10.0),
            scale * simple.beta.min(10.0),
            c,
        );
        best = match (best, other) {
            (Ok(best), Ok(other)) if other.log_likelihood > best.log_likelihood + 1e-9 => Ok(other),
            (Ok(best), _) => Ok(best),
            (Err(_), other) => other,
        };
    }
    best
}

/// Likelihood-ratio test of c = 1, the sBG fitted to the same data, with one degree of freedom.
pub fn compare(fitted: &FittedWeibull, simple: &FittedRetention) -> Comparison {
    let likelihood_ratio = (2.0 * (fitted.log_likelihood - simple.log_likelihood)).max(0.0);
    Comparison {
        null_log_likelihood: simple.log_likelihood,
        likelihood_ratio,
        p_value: retention::tail(likelihood_ratio),
    }
}

/// Summed over customers.
pub fn log_likelihood(params: &Params, data: &Renewals) -> f64 {
    evaluate(params, data).value
}

/// Derivatives of the log-likelihood by (alpha, beta, c).
pub fn gradient(params: &Params, data: &Renewals) -> [f64; 3] {
    evaluate(params, data).gradient
}

/// Derivatives of ln S(t), the constant part left out, which cancels in ln r_t.
#[derive(Clone, Copy)]
struct Slopes {
    gradient: [f64; 3],
    hessian: [[f64; 3]; 3],
}

impl Slopes {
    fn at(params: &Params, t: u32) -> Self {
        let t = f64::from(t);
        let y = t.powf(params.c);
        // Derivatives of y by c; y does not move at t = 0.
        let ln = if t > 0.0 { t.ln() } else { 0.0 };
        let (y_1, y_2) = (y * ln, y * ln * ln);
        let (below, both) = (params.beta + y, params.alpha + params.beta + y);
        let (psi_both, curve_both) = (digamma(both), trigamma(both));
        let slope = digamma(below) - psi_both;
        let bend = trigamma(below) - curve_both;
        Slopes {
            gradient: [-psi_both, slope, slope * y_1],
            hessian: [
                [-curve_both, -curve_both, -curve_both * y_1],
                [0.0, bend, bend * y_1],
                [0.0, 0.0, bend * y_1 * y_1 + slope * y_2],
            ],
        }
    }
}

fn evaluate(params: &Params, data: &Renewals) -> Evaluation<3> {
    let mut sum = Evaluation {
        value: 0.0,
        gradient: [0.0; 3],
        hessian: [[0.0; 3]; 3],
    };
    let mut before = Slopes::at(params, 0);
    for (t, &Outcome { kept, lost }) in (1u32..).zip(data.outcomes()) {
        let after = Slopes::at(params, t);
        let (kept, lost) = (kept as f64, lost as f64);
        let ln = params.ln_retention(t);
        let leaves = -ln.exp_m1();
        if kept > 0.0 {
            sum.value += kept * ln;
        }
        if lost > 0.0 {
            sum.value += lost * leaves.ln();
        }
        // d ln(1-r)/d ln r = -odds of staying, and its derivative -odds (1 + odds).
        let odds = ln.exp() / leaves;
        let weight = kept - lost * odds;
        let curve = lost * odds / leaves;
        let slope: [f64; 3] = std::array::from_fn(|i| after.gradient[i] - before.gradient[i]);
        for i in 0..3 {
            sum.gradient[i] += weight * slope[i];
            for j in i..3 {
                let bend = after.hessian[i][j] - before.hessian[i][j];
                sum.hessian[i][j] += weight * bend - curve * slope[i] * slope[j];
            }
        }
        before = after;
    }
    mirror(&mut sum.hessian);
    sum
}

//! Shifted-beta-geometric (sBG) of Fader & Hardie (2007), "How to project customer retention", Journal of Interactive
//! Marketing 21:76-90: contracts that are renewed or not, and customers who differ.
//!
//! | assumption | consequence when it fails |
//! |---|---|
//! | each customer leaves at every renewal with the same own probability theta | habit or boredom: [`crate::beta_discrete_weibull`] |
//! | theta beta distributed (alpha, beta) over customers | a group that never leaves is missed, long tenures most |
//! | cohorts alike | prices or service that changed: fit by cohort and compare |
//!
//! S(t) = B(alpha, beta+t)/B(alpha, beta),   r_t = (beta+t-1)/(alpha+beta+t-1)
//!
//! Data, projections and discounted lifetimes are in [`crate::retention`]. Cost of a fit: some ten passes over the
//! renewals. With one renewal only the mean alpha/(alpha+beta) is known; ask [`crate::fit::Fitted::is_identified`].
//!
//! ```
//! use keji_models::{retention::Renewals, shifted_beta_geometric as sbg};
//! let data = Renewals::from_survivors(&[1000, 631, 468, 382, 326, 289, 262, 241])?;
//! let fitted = sbg::fit(&data)?;
//! assert_eq!(format!("{:.3} {:.3}", fitted.params.alpha, fitted.params.beta), "0.704 1.182");
//! // Customers differ: one retention rate for all would fit far worse.
//! assert!(sbg::compare(&fitted, &data).p_value < 1e-6);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{Error, Result};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::gauss;
use crate::retention::{self, Comparison, Outcome, Renewals, RetentionModel};
use crate::special::ln_beta_ratio;

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    pub alpha: f64,
    pub beta: f64,
}

pub type FittedRetention = Fitted<Params, 2>;

/// Fails unless both are above zero and finite.
pub fn params(alpha: f64, beta: f64) -> Result<Params> {
    for (name, value) in Params::NAMES.into_iter().zip([alpha, beta]) {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Parameter { name, value });
        }
    }
    Ok(Params { alpha, beta })
}

impl Positive<2> for Params {
    const NAMES: [&'static str; 2] = ["alpha", "beta"];

    fn to_array(&self) -> [f64; 2] {
        [self.alpha, self.beta]
    }

    fn with(&self, [alpha, beta]: [f64; 2]) -> Self {
        Params { alpha, beta }
    }
}

impl RetentionModel for Params {
    fn ln_survival(&self, t: u32) -> f64 {
        ln_beta_ratio(self.alpha, self.beta, f64::from(t))
    }

    fn ln_retention(&self, t: u32) -> f64 {
        if t == 0 {
            return 0.0;
        }
        -(self.alpha / (self.beta + f64::from(t) - 1.0)).ln_1p()
    }
}

impl Params {
    /// Mean probability of leaving at the first renewal, E\[theta\].
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// Polarisation index 1/(alpha+beta+1): 0 when all customers are alike, 1 when each is certain either way.
    pub fn polarisation(&self) -> f64 {
        (self.alpha + self.beta + 1.0).recip()
    }

    /// [`retention::expected_lifetime`] in closed form, 2F1(1, beta; alpha+beta; 1/(1+d)), for any discount above zero.
    pub fn expected_lifetime(&self, discount: f64) -> Result<f64> {
        check_discount(discount)?;
        let z = (1.0 + discount).recip();
        Ok(gauss::hypergeometric(self.beta, self.alpha + self.beta, z))
    }

    /// [`retention::residual_lifetime`] in closed form,
    /// (beta+n)/(alpha+beta+n) 2F1(1, beta+n+1; alpha+beta+n+1; 1/(1+d)), for any discount above zero.
    pub fn residual_lifetime(&self, renewals: u32, discount: f64) -> Result<f64> {
        check_discount(discount)?;
        let beta = self.beta + f64::from(renewals);
        let both = self.alpha + beta;
        let z = (1.0 + discount).recip();
        Ok(beta / both * gauss::hypergeometric(beta + 1.0, both + 1.0, z))
    }
}

/// Maximum likelihood over all cohorts.
///
/// A result that is not identified is still returned. Customers who are all alike send alpha and beta to infinity.
pub fn fit(data: &Renewals) -> Result<FittedRetention> {
    let leaves = 1.0 - data.average_retention();
    let start = Params {
        alpha: 2.0 * leaves,
        beta: 2.0 * (1.0 - leaves),
    };
    fit::maximise(start, data.n_customers(), |params| evaluate(params, data))
}

/// Compares with one retention rate for everybody, which is the limit of alpha and beta to infinity. As this is on the
/// border, half the tail of chi-squared with one degree of freedom is the p value.
pub fn compare(fitted: &FittedRetention, data: &Renewals) -> Comparison {
    let null_log_likelihood = data.geometric_log_likelihood();
    let likelihood_ratio = (2.0 * (fitted.log_likelihood - null_log_likelihood)).max(0.0);
    Comparison {
        null_log_likelihood,
        likelihood_ratio,
        p_value: 0.5 * retention::tail(likelihood_ratio),
    }
}

/// Summed over customers.
pub fn log_likelihood(params: &Params, data: &Renewals) -> f64 {
    evaluate(params, data).value
}

/// Derivatives of the log-likelihood by (alpha, beta).
pub fn gradient(params: &Params, data: &Renewals) -> [f64; 2] {
    evaluate(params, data).gradient
}

fn evaluate(params: &Params, data: &Renewals) -> Evaluation<2> {
    let Params { alpha, beta } = *params;
    let mut sum = Evaluation {
        value: 0.0,
        gradient: [0.0; 2],
        hessian: [[0.0; 2]; 2],
    };
    for (i, &Outcome { kept, lost }) in data.outcomes().iter().enumerate() {
        let (kept, lost) = (kept as f64, lost as f64);
        let below = beta + i as f64;
        let both = alpha + below;
        sum.value -= kept * (alpha / below).ln_1p() + lost * (below / alpha).ln_1p();
        let all = (kept + lost) / both;
        sum.gradient[0] += lost / alpha - all;
        sum.gradient[1] += kept / below - all;
        sum.hessian[0][0] += all / both - lost / (alpha * alpha);
        sum.hessian[0][1] += all / both;
        sum.hessian[1][1] += all / both - kept / (below * below);
    }
    sum.hessian[1][0] = sum.hessian[0][1];
    sum
}

fn check_discount(discount: f64) -> Result<()> {
    if discount > 0.0 && discount.is_finite() {
        Ok(())
    } else {
        Err(Error::OutOfRange {
            name: "discount",
            value: discount,
        })
    }
}

//! Whether the parameters of a purchase model can be read off the data, or only some combination of them.
//! Must not refit the model; it fits the NBD null beside it and looks at the curvature of the likelihood.
//!
//! Where dropout is rare, the likelihood is flat along a ridge: any a and b with the same ratio fit alike, standard
//! errors exceed the values, and other software reports whatever its optimiser stopped at. Predictions may still
//! be good. The Pareto/NBD has the same ridge in s and beta. Three things are judged:
//!
//! 1. Is there dropout at all? Likelihood ratio LR = 2 (ln L - ln L_NBD). Two parameters vanish under the null, on
//!    its border, so exp(-LR/2), the tail of chi-squared with 2 degrees of freedom, is an upper bound of the p value.
//! 2. Is some direction in log-parameters flat, and which? See [`crate::fit::Direction`].
//! 3. How stable is a prediction: relative standard deviation of all purchases expected in the next 52 weeks over
//!    [`crate::fit::Fitted::spread`], so with flat directions moved by factors up to e^2.
//!
//! Cost: the NBD fit is negligible; the third part is eight predictions of all groups.

use crate::error::Result;
use crate::fit::Fitted;
use crate::history::Collapsed;
use crate::purchase_model::{DropoutWords, PurchaseModel};
use crate::{nbd, predict};

/// The ratio a/b, or r/alpha, counts as known up to this standard error of its logarithm.
const MAX_RATIO_STD_ERROR: f64 = 0.5;

/// With a larger upper bound of the p value, dropout is not established.
pub const MAX_P_VALUE: f64 = 0.05;

/// Predictions with a larger relative standard error of the total are not to be relied on.
pub const MAX_TOTAL_STD_ERROR: f64 = 0.10;

const HORIZON_WEEKS: f64 = 52.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// All parameters can be read.
    Identified,
    /// The data fit no better than without any dropout: practically NBD.
    NoDropout,
    /// Only the mean dropout probability a/(a+b), or death rate s/beta, is known, not how it differs between customers.
    OnlyMeanDropout,
    /// Only the mean purchase rate r/alpha is known, not how it differs between customers.
    OnlyMeanRate,
    /// Some other combination is flat; [`Identification::direction`] says which.
    FlatDirection,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identification {
    pub verdict: Verdict,
    /// Loadings of the least known direction on the logarithms of the parameters, and its standard error.
    pub direction: [f64; 4],
    pub direction_std_error: f64,
    pub condition: f64,
    pub nbd_log_likelihood: f64,
    /// 2 (ln L - ln L_NBD).
    pub likelihood_ratio: f64,
    /// Upper bound of the p value of no dropout.
    pub p_value: f64,
    /// Relative standard error of all purchases expected in 52 weeks.
    pub total_std_error: f64,
    words: DropoutWords,
}

/// Judges a fit on the data it was made from.
pub fn judge<M: PurchaseModel>(fitted: &Fitted<M, 4>, data: &Collapsed) -> Result<Identification> {
    let null = nbd::fit(data)?;
    let likelihood_ratio = (2.0 * (fitted.log_likelihood - null.log_likelihood)).max(0.0);
    let p_value = (-0.5 * likelihood_ratio).exp();
    // As BG/NBD names them.
    let [r, alpha, a, b] = fitted.weakest().loadings;
    let verdict = if p_value > MAX_P_VALUE {
        Verdict::NoDropout
    } else if fitted.is_identified() {
        Verdict::Identified
    } else if moves_together(a, b, r, alpha) || is_known(fitted, 2, 3) {
        Verdict::OnlyMeanDropout
    } else if moves_together(r, alpha, a, b) {
        Verdict::OnlyMeanRate
    } else {
        Verdict::FlatDirection
    };
    let totals = fitted
        .spread()
        .iter()
        .map(|params| predict::expected_total(params, data, HORIZON_WEEKS))
        .collect::<Result<Vec<f64>>>()?;
    let n = totals.len() as f64;
    let mean = totals.iter().sum::<f64>() / n;
    let variance = totals.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n;
    Ok(Identification {
        verdict,
        direction: fitted.weakest().loadings,
        direction_std_error: fitted.weakest().std_error,
        condition: fitted.condition,
        nbd_log_likelihood: null.log_likelihood,
        likelihood_ratio,
        p_value,
        total_std_error: variance.sqrt() / mean,
        words: M::DROPOUT,
    })
}

impl Identification {
    pub fn is_identified(&self) -> bool {
        self.verdict == Verdict::Identified
    }

    /// Whether totals may be shown even if parameters may not.
    pub fn is_prediction_stable(&self) -> bool {
        self.total_std_error <= MAX_TOTAL_STD_ERROR
    }

    pub fn code(&self) -> &'static str {
        match self.verdict {
            Verdict::Identified => "identified",
            Verdict::NoDropout => "no_dropout",
            Verdict::OnlyMeanDropout => "only_mean_dropout",
            Verdict::OnlyMeanRate => "only_mean_rate",
            Verdict::FlatDirection => "flat_direction",
        }
    }

    /// One or two sentences for the user.
    pub fn in_chinese(&self) -> String {
        let DropoutWords {
            one,
            other,
            mean_zh,
            ..
        } = self.words;
        let verdict = match self.verdict {
            Verdict::Identified => return "数据足以确定全部参数。".to_owned(),
            Verdict::NoDropout => format!(
                "数据没有显示客户流失:模型与不含流失的 NBD 模型几乎相同,参数 {one}、{other} 没有意义。"
            ),
            Verdict::OnlyMeanDropout => {
                format!("数据只能确定{mean_zh},不能分别确定 {one} 和 {other},请勿单独解读它们。")
            }
            Verdict::OnlyMeanRate => {
                "数据只能确定平均购买频率 r/alpha,不能分别确定 r 和 alpha,请勿单独解读它们。"
                    .to_owned()
            }
            Verdict::FlatDirection => "数据不足以分别确定各参数,请勿单独解读它们。".to_owned(),
        };
        let predictions = if self.is_prediction_stable() {
            "预测总量仍然稳定,可以使用。"
        } else {
            "预测总量也不稳定,请谨慎使用。"
        };
        format!("{verdict}{predictions}")
    }

    pub fn in_english(&self) -> String {
        let DropoutWords {
            one,
            other,
            mean_en,
            ..
        } = self.words;
        let verdict = match self.verdict {
            Verdict::Identified => return "The data determine all parameters.".to_owned(),
            Verdict::NoDropout => format!(
                "The data show no dropout: the fit is practically the NBD model without it, and {one} and {other} mean nothing."
            ),
            Verdict::OnlyMeanDropout => format!(
                "The data determine only {mean_en}, not {one} and {other}; do not read them alone."
            ),
            Verdict::OnlyMeanRate => {
                "The data determine only the mean purchase rate r/alpha, not r and alpha; do not read them alone."
                    .to_owned()
            }
            Verdict::FlatDirection => {
                "The data do not determine the parameters one by one; do not read them alone.".to_owned()
            }
        };
        let predictions = if self.is_prediction_stable() {
            "Predicted totals are stable and can be used."
        } else {
            "Predicted totals are unstable as well; use them with care."
        };
        format!("{verdict} {predictions}")
    }
}

/// The flat direction raises or lowers the first two logarithms alike and leaves the others.
fn moves_together(one: f64, two: f64, other: f64, another: f64) -> bool {
    one * two > 0.0 && (one - two).abs() < 0.35 && other.abs() < 0.2 && another.abs() < 0.2
}

/// Whether the ratio of two parameters is known although some direction is flat.
fn is_known<M: PurchaseModel>(fitted: &Fitted<M, 4>, i: usize, j: usize) -> bool {
    fitted.log_covariance.is_some_and(|covariance| {
        let variance = covariance[i][i] + covariance[j][j] - 2.0 * covariance[i][j];
        variance.sqrt() <= MAX_RATIO_STD_ERROR
    })
}

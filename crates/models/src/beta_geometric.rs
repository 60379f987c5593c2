//! What BG/NBD and MBG/NBD share: parameters, likelihood with exact derivatives, and the fit.
//! Must not compute predictions; [`crate::predict`] does.
//!
//! While alive, a customer buys as in [`crate::nbd`]. After a purchase the customer drops out for good with an
//! own probability p, beta distributed with (a, b). The two models differ only in which purchases are followed
//! by that risk, see [`Dropout`].
//!
//! | symbol | meaning | unit |
//! |---|---|---|
//! | r, alpha | shape and rate of the gamma distribution of purchase rates | -, weeks |
//! | a, b | beta distribution of the dropout probability; mean a/(a+b) | - |
//! | x, t, T | see [`crate::history`] | count, weeks, weeks |
//!
//! With k = r+x, s = 0 for BG and 1 for MBG, and \[.\] = 1 if a dropout can have happened (BG: x > 0; MBG: always):
//!
//! ln L = ln G(k) - ln G(r) + r ln alpha + ln B(a, b+x+s) - ln B(a, b)
//!      + ln{ (alpha+T)^-k + \[.\] a/(b+s+x-1) (alpha+t)^-k }
//!
//! The last line is taken as -k ln(alpha+T) + ln(1 + e^d), d = ln a - ln(b+s+x-1) + k (ln(alpha+T) - ln(alpha+t)),
//! so no power is ever formed; the powers overflow from x of about 150 (Fader & Hardie, note 027). The posterior
//! probability of being alive is 1/(1 + e^d).
//!
//! Cost of one evaluation with gradient and Hessian: one exponential and one logarithm per distinct (x, t, T).

use crate::error::{Error, Result};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::history::{Collapsed, Group};
use crate::nbd::{self, AgeTable, Counts};
use crate::symmetric::mirror;

/// After which purchases a customer can drop out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropout {
    /// BG/NBD: after repeat purchases only, so whoever never came back counts as alive.
    AfterRepeat,
    /// MBG/NBD: after every purchase, the first included.
    AfterEvery,
}

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    pub dropout: Dropout,
    pub r: f64,
    pub alpha: f64,
    pub a: f64,
    pub b: f64,
}

pub type FittedPurchases = Fitted<Params, 4>;

impl Params {
    /// Fails unless all four are above zero and finite. `alpha` is in weeks.
    pub fn new(dropout: Dropout, r: f64, alpha: f64, a: f64, b: f64) -> Result<Self> {
        for (name, value) in Self::NAMES.into_iter().zip([r, alpha, a, b]) {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::Parameter { name, value });
            }
        }
        Ok(Params {
            dropout,
            r,
            alpha,
            a,
            b,
        })
    }

    /// b + s: with it the formulas of BG/NBD for x > 0 hold for MBG/NBD at every x.
    pub(crate) fn b_shifted(&self) -> f64 {
        match self.dropout {
            Dropout::AfterRepeat => self.b,
            Dropout::AfterEvery => self.b + 1.0,
        }
    }

    pub(crate) fn can_be_lost(&self, repeats: u32) -> bool {
        repeats > 0 || self.dropout == Dropout::AfterEvery
    }
}

impl Positive<4> for Params {
    const NAMES: [&'static str; 4] = ["r", "alpha", "a", "b"];

    fn to_array(&self) -> [f64; 4] {
        [self.r, self.alpha, self.a, self.b]
    }

    fn with(&self, [r, alpha, a, b]: [f64; 4]) -> Self {
        Params {
            dropout: self.dropout,
            r,
            alpha,
            a,
            b,
        }
    }
}

/// Summed over customers, in the unit of the ages.
pub fn log_likelihood(params: &Params, data: &Collapsed) -> f64 {
    evaluate(params, data, &Counts::new(data)).value
}

/// Derivatives of the log-likelihood by (r, alpha, a, b).
pub fn gradient(params: &Params, data: &Collapsed) -> [f64; 4] {
    evaluate(params, data, &Counts::new(data)).gradient
}

/// Fits by maximum likelihood; start from the fitted NBD.
///
/// A result that is not identified is still returned: it predicts, but its parameters mean little.
/// Ask [`crate::identification::judge`] before showing them.
pub fn fit(dropout: Dropout, data: &Collapsed) -> Result<FittedPurchases> {
    let counts = Counts::new(data);
    let null = nbd::fit_counts(&counts)?.params;
    let from = |a, b| {
        let start = Params {
            dropout,
            r: null.r,
            alpha: null.alpha,
            a,
            b,
        };
        fit::maximise(start, data.n_customers(), |params| {
            evaluate(params, data, &counts)
        })
    };
    let first = from(0.8, 2.5);
    if first.as_ref().is_ok_and(Fitted::is_identified) {
        return first;
    }
    // A ridge can have more than one foot; rare dropout is the other likely one.
    let second = from(0.1, 20.0);
    match (first, second) {
        (Ok(first), Ok(second)) if second.log_likelihood > first.log_likelihood => Ok(second),
        (Ok(first), _) => Ok(first),
        (Err(_), second) => second,
    }
}

fn evaluate(params: &Params, data: &Collapsed, counts: &Counts) -> Evaluation<4> {
    let table = counts.age_table(params.alpha);
    let rate = nbd::Params {
        r: params.r,
        alpha: params.alpha,
    };
    let steady = nbd::evaluate(&rate, counts, &table);
    let mut sum = Evaluation {
        value: steady.value,
        gradient: [steady.gradient[0], steady.gradient[1], 0.0, 0.0],
        hessian: [[0.0; 4]; 4],
    };
    for i in 0..2 {
        sum.hessian[i][..2].copy_from_slice(&steady.hessian[i]);
    }
    add_survival(&mut sum, params, counts);
    for run in data
        .groups
        .chunk_by(|one, next| one.repeats == next.repeats)
    {
        if params.can_be_lost(run[0].repeats) {
            add_loss(&mut sum, params, run, &table);
        }
    }
    mirror(&mut sum.hessian);
    sum
}

/// Adds the sum over customers of ln B(a, b+x+s) - ln B(a, b) = -sum over j < x+s of ln(1 + a/(b+j)).
fn add_survival(sum: &mut Evaluation<4>, params: &Params, counts: &Counts) {
    let Params { a, b, .. } = *params;
    let first = (params.dropout == Dropout::AfterEvery).then_some(&counts.n);
    for (j, n) in first.into_iter().chain(&counts.above).enumerate() {
        let below = b + j as f64;
        let both = a + below;
        sum.value -= n * (a / below).ln_1p();
        sum.gradient[2] -= n / both;
        sum.gradient[3] += n * a / (below * both);
        sum.hessian[2][2] += n / (both * both);
        sum.hessian[2][3] += n / (both * both);
        sum.hessian[3][3] -= n * a * (below + both) / (below * both * below * both);
    }
}

/// Adds ln(1 + e^d) for groups of equal x.
fn add_loss(sum: &mut Evaluation<4>, params: &Params, run: &[Group], table: &AgeTable) {
    let repeats = f64::from(run[0].repeats);
    let k = params.r + repeats;
    let survivors = params.b_shifted() + repeats - 1.0;
    let constant = params.a.ln() - survivors.ln();

    // Sums of the probability of being lost, times the derivatives of d by k (`gap`) and by alpha over k (`fall`).
    let (mut value, mut lost) = (0.0, 0.0);
    let (mut lost_gap, mut lost_fall, mut lost_curve) = (0.0, 0.0, 0.0);
    // The same of its variance.
    let (mut spread, mut spread_gap, mut spread_fall) = (0.0, 0.0, 0.0);
    let (mut spread_gap_gap, mut spread_gap_fall, mut spread_fall_fall) = (0.0, 0.0, 0.0);
    for group in run {
        let [ln_age, inverse_age] = table[group.age as usize];
        let [ln_last, inverse_last] = table[group.age_at_last as usize];
        let n = f64::from(group.n);
        let gap = ln_age - ln_last;
        let fall = inverse_age - inverse_last;
        let d = constant + k * gap;
        let small = (-d.abs()).exp();
        let larger = (1.0 + small).recip();
        let p_lost = if d > 0.0 { larger } else { small * larger };
        let weight = n * p_lost;
        let variance = n * small * larger * larger;
        value += n * (d.max(0.0) + small.ln_1p());
        lost += weight;
        lost_gap += weight * gap;
        lost_fall += weight * fall;
        lost_curve += weight * fall * (inverse_age + inverse_last);
        spread += variance;
        spread_gap += variance * gap;
        spread_fall += variance * fall;
        spread_gap_gap += variance * gap * gap;
        spread_gap_fall += variance * gap * fall;
        spread_fall_fall += variance * fall * fall;
    }

    let by_a = params.a.recip();
    let by_b = -survivors.recip();
    sum.value += value;
    sum.gradient[0] += lost_gap;
    sum.gradient[1] += k * lost_fall;
    sum.gradient[2] += lost * by_a;
    sum.gradient[3] += lost * by_b;
    // Hessian of ln(1 + e^d): p_lost times the Hessian of d, plus the variance times the outer product of its gradient.
    let h = &mut sum.hessian;
    h[0][0] += spread_gap_gap;
    h[0][1] += lost_fall + k * spread_gap_fall;
    h[0][2] += by_a * spread_gap;
    h[0][3] += by_b * spread_gap;
    h[1][1] += k * k * spread_fall_fall - k * lost_curve;
    h[1][2] += k * by_a * spread_fall;
    h[1][3] += k * by_b * spread_fall;
    h[2][2] += by_a * by_a * (spread - lost);
    h[2][3] += by_a * by_b * spread;
    h[3][3] += by_b * by_b * (spread + lost);
}

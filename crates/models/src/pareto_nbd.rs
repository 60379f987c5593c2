//! Pareto/NBD of Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will they
//! do next?", Management Science 33:1-24: parameters, likelihood with exact derivatives, the fit, and what only this
//! model has in closed form. The predictions common to all purchase models are in [`crate::predict`].
//!
//! | assumption | consequence when it fails |
//! |---|---|
//! | purchases at a steady own rate, Poisson | regular or seasonal buyers are misjudged right after a purchase |
//! | rates gamma distributed (r, alpha) over customers | - |
//! | every customer has an own death rate mu and can leave at any time, bought or not | leaving right after a bad purchase: [`crate::mbg_nbd`] |
//! | death rates gamma distributed (s, beta), independent of the purchase rates | - |
//!
//! | symbol | meaning | unit |
//! |---|---|---|
//! | r, alpha | shape and rate of the gamma distribution of purchase rates | -, weeks |
//! | s, beta | shape and rate of the gamma distribution of death rates; mean death rate s/beta | -, weeks |
//! | x, t, T | see [`crate::history`] | count, weeks, weeks |
//!
//! With k = r+x and u the time of death:
//!
//! ln L = ln G(k) - ln G(r) + r ln alpha - k ln(alpha+T)     (the NBD, [`crate::nbd`])
//!      - s ln((beta+T)/beta) + ln(1 + e^d)
//!
//! e^d = s (alpha+T)^k (beta+T)^s J,   J = integral over (t, T) of (alpha+u)^-k (beta+u)^-(s+1) du
//!
//! e^d is the odds of death in (t, T], so P(alive) = 1/(1 + e^d). J is the usual difference of two Gauss
//! hypergeometric functions (Fader & Hardie 2005, "A note on deriving the Pareto/NBD model", A0 = (r+s+x) J) before
//! it is taken apart. Kept whole, it is a positive smooth function integrated without cancellation: alpha = beta and
//! t = T are no special cases, no power is formed, and the same nodes give gradient and Hessian. In y = ln(u + the
//! smaller of alpha and beta) the integrand has no singularity nearer than pi; `quadrature` does the rest.
//!
//! Two limits are models of their own: s/beta to 0 is the NBD, its null ([`crate::identification`]); s and beta to
//! infinity at a fixed ratio is death at one rate common to all.
//!
//! Cost of one evaluation: 12 nodes per distinct (x, t, T), up to 60 for large x.
//!
//! ```
//! use keji_models::{history::PurchaseHistory, pareto_nbd, predict};
//! // CDNOW sample, Fader, Hardie & Lee (2005): r = .553, alpha = 10.578, s = .606, beta = 11.669.
//! let params = pareto_nbd::params(0.553, 10.578, 0.606, 11.669)?;
//! let customer = PurchaseHistory { repeats: 2, age_at_last: 30.43, age: 38.86 };
//! assert_eq!(format!("{:.2}", predict::p_alive(&params, &customer)?), "0.87");
//! assert_eq!(format!("{:.2}", predict::expected_purchases(&params, &customer, 39.0)?), "1.46");
//! // Discounted purchases still to come, for ever, at 15% a year.
//! let weekly = pareto_nbd::continuous_discount(0.15, 52.0)?;
//! assert_eq!(format!("{:.1}", pareto_nbd::residual_purchases(&params, &customer, weekly)?), "6.5");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::history::{Collapsed, Group, PurchaseHistory};
use crate::nbd::{self, Counts};
use crate::purchase_model::PurchaseModel;
use crate::quadrature;
use crate::symmetric::mirror;

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    pub r: f64,
    pub alpha: f64,
    pub s: f64,
    pub beta: f64,
}

pub type FittedPareto = Fitted<Params, 4>;

/// Parameters with `alpha` and `beta` in weeks. Fails unless all are above zero and finite.
pub fn params(r: f64, alpha: f64, s: f64, beta: f64) -> Result<Params> {
    for (name, value) in Params::NAMES.into_iter().zip([r, alpha, s, beta]) {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Parameter { name, value });
        }
    }
    Ok(Params { r, alpha, s, beta })
}

impl Positive<4> for Params {
    const NAMES: [&'static str; 4] = ["r", "alpha", "s", "beta"];

    fn to_array(&self) -> [f64; 4] {
        [self.r, self.alpha, self.s, self.beta]
    }

    fn with(&self, [r, alpha, s, beta]: [f64; 4]) -> Self {
        Params { r, alpha, s, beta }
    }
}

/// Maximum likelihood. Cost: some fifteen evaluations, more on a ridge.
///
/// A result that is not identified is still returned: it predicts, but its parameters mean little.
/// Ask [`crate::identification::judge`] before showing them. Fails as [`nbd::fit`] does.
pub fn fit(data: &Collapsed) -> Result<FittedPareto> {
    let counts = Counts::new(data);
    let null = nbd::fit_counts(&counts)?.params;
    let (time, n) = counts
        .customers_by_age()
        .fold((0.0, 0.0), |(time, sum), (age, n)| {
            (time + n * age, sum + n)
        });
    let mean_age = time / n;
    let from = |s: f64, beta: f64| {
        let start = Params {
            r: null.r,
            alpha: null.alpha,
            s,
            beta,
        };
        fit::maximise(start, data.n_customers(), |params| {
            evaluate(params, data, &counts)
        })
    };
    let first = from(0.7, mean_age);
    if first.as_ref().is_ok_and(Fitted::is_identified) {
        return first;
    }
    // A ridge can have more than one foot; a death rate common to all, and low, is the other likely one.
    let second = from(10.0, 50.0 * mean_age);
    match (first, second) {
        (Ok(first), Ok(second)) if second.log_likelihood > first.log_likelihood => Ok(second),
        (Ok(first), _) => Ok(first),
        (Err(_), second) => second,
    }
}

/// Summed over customers, in the unit of the ages. Comparable with the other purchase models.
pub fn log_likelihood(params: &Params, data: &Collapsed) -> f64 {
    evaluate(params, data, &Counts::new(data)).value
}

/// Derivatives of the log-likelihood by (r, alpha, s, beta).
pub fn gradient(params: &Params, data: &Collapsed) -> [f64; 4] {
    evaluate(params, data, &Counts::new(data)).gradient
}

/// Probability that the customer is alive `horizon` weeks after the end of observation:
/// P(alive) ((beta+T)/(beta+T+H))^s.
pub fn p_alive_after(params: &Params, customer: &PurchaseHistory, horizon: f64) -> Result<f64> {
    customer.check().map_err(error::row(0))?;
    error::horizon(horizon)?;
    let stays = (-params.s * (horizon / (params.beta + customer.age)).ln_1p()).exp();
    Ok(params.alive(customer) * stays)
}

/// Discounted expected residual transactions (DERT): all purchases after the end of observation, each worth
/// exp(-`discount` h) when it happens h weeks later. `discount` is continuous, per week, and above zero; see
/// [`continuous_discount`]. Times expected spend it is the residual lifetime value.
///
/// P(alive) (r+x)/(alpha+T) (beta+T) U(1, 2-s, z), z = `discount` (beta+T), U of Tricomi: Fader, Hardie & Lee
/// (2005), "RFM and CLV", after U(s, s, z) = z^(1-s) U(1, 2-s, z).
pub fn residual_purchases(
    params: &Params,
    customer: &PurchaseHistory,
    discount: f64,
) -> Result<f64> {
    customer.check().map_err(error::row(0))?;
    if !(discount > 0.0 && discount.is_finite()) {
        return Err(Error::OutOfRange {
            name: "discount",
            value: discount,
        });
    }
    let until = params.beta + customer.age;
    let rate = (params.r + f64::from(customer.repeats)) / (params.alpha + customer.age);
    Ok(params.alive(customer) * rate * until * tricomi(params.s, discount * until))
}

/// The continuous discount per week that loses the share `yearly` per year: ln(1 + yearly)/weeks.
pub fn continuous_discount(yearly: f64, weeks_per_year: f64) -> Result<f64> {
    if !(yearly > 0.0 && yearly.is_finite()) {
        return Err(Error::OutOfRange {
            name: "yearly",
            value: yearly,
        });
    }
    if !(weeks_per_year > 0.0 && weeks_per_year.is_finite()) {
        return Err(Error::OutOfRange {
            name: "weeks_per_year",
            value: weeks_per_year,
        });
    }
    Ok(yearly.ln_1p() / weeks_per_year)
}

/// U(1, 2-s, z) = integral over (0, infinity) of exp(-z v) (1+v)^-s dv (A&S 13.2.5), in y = ln(1+v).
fn tricomi(s: f64, z: f64) -> f64 {
    quadrature::integrate(
        f64::INFINITY,
        |y| z * y.exp() + s - 1.0,
        |y, _| (-z * y.exp_m1() - (s - 1.0) * y).exp(),
    )
}

/// What the odds of death need to know of one customer.
pub(crate) struct Death {
    k: f64,
    s: f64,
    alpha_at_last: f64,
    beta_at_last: f64,
    /// T - t.
    waited: f64,
    /// ln((alpha+T)/(alpha+t)) and ln((beta+T)/(beta+t)).
    gap_alpha: f64,
    gap_beta: f64,
}

/// A possible time u of death, with ln((alpha+u)/(alpha+t)), ln((beta+u)/(beta+t)) and u - t.
struct At {
    ln_alpha: f64,
    ln_beta: f64,
    since: f64,
}

impl Death {
    pub fn new(params: &Params, repeats: u32, age_at_last: f64, age: f64) -> Self {
        let waited = age - age_at_last;
        let alpha_at_last = params.alpha + age_at_last;
        let beta_at_last = params.beta + age_at_last;
        Death {
            k: params.r + f64::from(repeats),
            s: params.s,
            alpha_at_last,
            beta_at_last,
            waited,
            gap_alpha: (waited / alpha_at_last).ln_1p(),
            gap_beta: (waited / beta_at_last).ln_1p(),
        }
    }

    /// d: the logarithm of the odds of death; minus infinity when t = T.
    pub fn ln_odds(&self) -> f64 {
        self.integrate(|_, _| {})
    }

    /// [`Death::ln_odds`]; `visit` gets every node with its share of the integral, not yet divided by their sum.
    fn integrate(&self, mut visit: impl FnMut(&At, f64)) -> f64 {
        let &Death {
            k,
            s,
            alpha_at_last,
            beta_at_last,
            ..
        } = self;
        let is_alpha_smaller = alpha_at_last <= beta_at_last;
        let (smaller, larger, length) = if is_alpha_smaller {
            (alpha_at_last, beta_at_last, self.gap_alpha)
        } else {
            (beta_at_last, alpha_at_last, self.gap_beta)
        };
        // The integrand as a power of the smaller and of the larger sum.
        let (by_smaller, by_larger) = if is_alpha_smaller {
            (k, s + 1.0)
        } else {
            (s + 1.0, k)
        };
        let difference = larger - smaller;
        let fall = |y: f64| {
            let now = smaller * y.exp();
            by_smaller - 1.0 + by_larger * now / (difference + now)
        };
        let integral = quadrature::integrate(length, fall, |y, weight| {
            let since = smaller * y.exp_m1();
            let ln_larger = (since / larger).ln_1p();
            let value = (y - by_smaller * y - by_larger * ln_larger).exp();
            let (ln_alpha, ln_beta) = if is_alpha_smaller {
                (y, ln_larger)
            } else {
                (ln_larger, y)
            };
            visit(
                &At {
                    ln_alpha,
                    ln_beta,
                    since,
                },
                weight * value,
            );
            value
        });
        (s / beta_at_last * smaller * integral).ln() + k * self.gap_alpha + s * self.gap_beta
    }
}

fn evaluate(params: &Params, data: &Collapsed, counts: &Counts) -> Evaluation<4> {
    let rate = nbd::Params {
        r: params.r,
        alpha: params.alpha,
    };
    let steady = nbd::evaluate(&rate, counts, &counts.age_table(params.alpha));
    let mut sum = Evaluation {
        value: steady.value,
        gradient: [steady.gradient[0], steady.gradient[1], 0.0, 0.0],
        hessian: [[0.0; 4]; 4],
    };
    for i in 0..2 {
        sum.hessian[i][..2].copy_from_slice(&steady.hessian[i]);
    }
    add_survival(&mut sum, params, counts);
    for group in &data.groups {
        if group.age_at_last < group.age {
            add_loss(&mut sum, params, data, group);
        }
    }
    mirror(&mut sum.hessian);
    sum
}

/// Adds the sum over customers of -s ln((beta+T)/beta).
fn add_survival(sum: &mut Evaluation<4>, params: &Params, counts: &Counts) {
    let Params { s, beta, .. } = *params;
    for (age, n) in counts.customers_by_age() {
        let later = beta + age;
        let ln = (age / beta).ln_1p();
        let fall = age / (beta * later);
        sum.value -= n * s * ln;
        sum.gradient[2] -= n * ln;
        sum.gradient[3] += n * s * fall;
        sum.hessian[2][3] += n * fall;
        sum.hessian[3][3] -= n * s * fall * (beta + later) / (beta * later);
    }
}

/// Adds ln(1 + e^d) of one group.
///
/// d is ln s plus the logarithm of an integral of e^f, so its gradient is the mean of the gradient of f under the
/// weights e^f, and its Hessian the mean of the Hessian of f plus the covariance of its gradient.
fn add_loss(sum: &mut Evaluation<4>, params: &Params, data: &Collapsed, group: &Group) {
    let age = data.ages[group.age as usize];
    let age_at_last = data.ages[group.age_at_last as usize];
    let death = Death::new(params, group.repeats, age_at_last, age);
    let (k, s) = (death.k, params.s);
    let inverse_alpha = (params.alpha + age).recip();
    let inverse_beta = (params.beta + age).recip();

    let mut total = 0.0;
    let mut mean = [0.0; 4];
    let mut square = [[0.0; 4]; 4];
    // Of the Hessian of f: by r and alpha, by alpha twice, by s and beta, by beta twice.
    let mut bend = [0.0; 4];
    let d = death.integrate(|at, weight| {
        let left = death.waited - at.since;
        let inverse_alpha_u = (death.alpha_at_last + at.since).recip();
        let inverse_beta_u = (death.beta_at_last + at.since).recip();
        let fall_alpha = -left * inverse_alpha * inverse_alpha_u;
        let fall_beta = -left * inverse_beta * inverse_beta_u;
        let slope = [
            death.gap_alpha - at.ln_alpha,
            k * fall_alpha,
            death.gap_beta - at.ln_beta,
            s * fall_beta - inverse_beta_u,
        ];
        total += weight;
        for i in 0..4 {
            let weighted = weight * slope[i];
            mean[i] += weighted;
            for j in i..4 {
                square[i][j] += weighted * slope[j];
            }
        }
        bend[0] += weight * fall_alpha;
        bend[1] -= weight * k * fall_alpha * (inverse_alpha + inverse_alpha_u);
        bend[2] += weight * fall_beta;
        bend[3] += weight
            * (inverse_beta_u * inverse_beta_u - s * fall_beta * (inverse_beta + inverse_beta_u));
    });
    if total == 0.0 {
        return;
    }
    let bend = bend.map(|b| b / total);
    let mean = mean.map(|m| m / total);
    let small = (-d.abs()).exp();
    let larger = (1.0 + small).recip();
    let n = f64::from(group.n);
    let lost = n * if d > 0.0 { larger } else { small * larger };
    let spread = n * small * larger * larger;
    let slope = [mean[0], mean[1], mean[2] + s.recip(), mean[3]];
    sum.value += n * (d.max(0.0) + small.ln_1p());
    for i in 0..4 {
        sum.gradient[i] += lost * slope[i];
        for j in i..4 {
            let covariance = square[i][j] / total - mean[i] * mean[j];
            sum.hessian[i][j] += lost * covariance + spread * slope[i] * slope[j];
        }
    }
    sum.hessian[0][1] += lost * bend[0];
    sum.hessian[1][1] += lost * bend[1];
    sum.hessian[2][2] -= lost / (s * s);
    sum.hessian[2][3] += lost * bend[2];
    sum.hessian[3][3] += lost * bend[3];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U(1, 2-s, z) = e^z times the exponential integral of order s: E_1(1), E_2(1/2) (A&S table 5.1, 5.4) and,
    /// for s = 1/2, sqrt(pi/z) e^z erfc(sqrt z).
    #[test]
    fn tricomi_known_values() {
        let root: f64 = 0.3;
        let half = (std::f64::consts::PI / root).sqrt() * root.exp() * libm::erfc(root.sqrt());
        let pairs = [
            (tricomi(1.0, 1.0), 0.219_383_934_395_520_3 * 1f64.exp()),
            (tricomi(2.0, 0.5), 0.326_643_862_324_553 * 0.5f64.exp()),
            (tricomi(0.5, root), half),
            (tricomi(1e-12, 0.01), 100.0),
            // z U(1, 2-s, z) to 1 - s/z for large z.
            (tricomi(0.6, 1e9), 1e-9 * (1.0 - 0.6e-9)),
        ];
        for (found, expected) in pairs {
            assert!((found / expected - 1.0).abs() < 1e-11, "{found} {expected}");
        }
    }
}

//! Gamma-Gamma model of spend per purchase: how much a customer's mean so far should be trusted.
//! Must not know purchase timing; [`crate::clv`] joins the two. Amounts are statistical means, not bookings.
//!
//! Single purchases are gamma distributed with shape p and an own rate nu, and nu is gamma distributed with shape q
//! and rate v. For mean m over x repeat purchases (Fader & Hardie 2013, note "The Gamma-Gamma model of monetary
//! value", eq. 1a and 5; Colombo & Jiang 1999):
//!
//! ln L = ln G(px+q) - ln G(px) - ln G(q) + q ln v + (px-1) ln m + px ln x - (px+q) ln(xm+v)
//!
//! E\[Z|x,m\] = p (v + x m)/(p x + q - 1), population mean p v/(q-1) if q > 1.
//!
//! | symbol | meaning | unit |
//! |---|---|---|
//! | p | shape of one customer's purchases; large means alike | - |
//! | q, v | shape and rate of the rates over customers | -, amount |
//! | x, m | repeat purchases and their mean amount, without the first purchase | count, amount |
//!
//! Assumes spend independent of frequency: look at [`Spends::correlation`], and doubt lifetime values above
//! [`MAX_CORRELATION`]. Fails when all customers spend the same (p grows without bound). With q <= 1 the mean of
//! a customer without history is infinite: predictions for those customers are then an error, not a number.
//!
//! Cost: one logarithm per customer and pass, about ten passes; gamma functions once per distinct x.

use crate::error::{self, Error, Result, RowProblem};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::special::{digamma, trigamma};
use crate::symmetric::mirror;

/// A correlation between x and m beyond this breaks the model's independence assumption in practice.
pub const MAX_CORRELATION: f64 = 0.3;

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    pub p: f64,
    pub q: f64,
    pub v: f64,
}

/// Mean spend of customers with at least one repeat purchase.
#[derive(Debug, Clone, PartialEq)]
pub struct Spends {
    /// (x, x m) per customer.
    rows: Vec<[f64; 2]>,
    /// Distinct x with the number of customers.
    counts: Vec<(f64, f64)>,
    sum_ln_mean: f64,
    /// Sum of x ln(x m).
    sum_weighted_ln: f64,
    mean: f64,
    correlation: f64,
}

pub type FittedSpend = Fitted<Params, 3>;

/// Parameters with `v` in the unit of the amounts. Fails unless all are above zero and finite.
pub fn params(p: f64, q: f64, v: f64) -> Result<Params> {
    for (name, value) in Params::NAMES.into_iter().zip([p, q, v]) {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Parameter { name, value });
        }
    }
    Ok(Params { p, q, v })
}

/// Whether a row can enter the model: no repeat purchase, or a mean above zero.
pub fn check(repeats: u32, mean_spend: f64) -> std::result::Result<(), RowProblem> {
    if repeats > crate::history::MAX_REPEATS {
        Err(RowProblem::TooManyRepeats(repeats))
    } else if repeats > 0 && !(mean_spend > 0.0 && mean_spend.is_finite()) {
        Err(RowProblem::BadSpend(mean_spend))
    } else {
        Ok(())
    }
}

impl Params {
    /// E\[Z|x,m\]; without repeat purchases the population mean, whatever `mean_spend` says.
    ///
    /// Fails when the expectation is infinite (p x + q <= 1) or the mean is not above zero.
    pub fn expected_spend(&self, repeats: u32, mean_spend: f64) -> Result<f64> {
        check(repeats, mean_spend).map_err(error::row(0))?;
        let shape = self.p * f64::from(repeats) + self.q;
        if shape <= 1.0 {
            return Err(Error::InfiniteMean(shape));
        }
        Ok(self.expected(repeats, mean_spend))
    }

    /// Mean spend per purchase over customers, p v/(q-1); fails when q <= 1.
    pub fn population_mean(&self) -> Result<f64> {
        self.expected_spend(0, 0.0)
    }

    fn expected(&self, repeats: u32, mean_spend: f64) -> f64 {
        let x = f64::from(repeats);
        let total = if repeats == 0 { 0.0 } else { x * mean_spend };
        self.p * (self.v + total) / (self.p * x + self.q - 1.0)
    }
}

impl Positive<3> for Params {
    const NAMES: [&'static str; 3] = ["p", "q", "v"];

    fn to_array(&self) -> [f64; 3] {
        [self.p, self.q, self.v]
    }

    fn with(&self, [p, q, v]: [f64; 3]) -> Self {
        Params { p, q, v }
    }
}

impl Spends {
    /// From x and m, one entry per customer; rows with x = 0 carry no information and are passed over.
    ///
    /// Fails with the position of the first row that [`check`] refuses, and without any row with x > 0.
    pub fn new(repeats: &[u32], mean_spend: &[f64]) -> Result<Self> {
        error::same_length("mean_spend", repeats.len(), mean_spend.len())?;
        let mut rows = Vec::with_capacity(repeats.len());
        let mut customers_by_x = Vec::new();
        let (mut sum_ln_mean, mut sum_weighted_ln) = (0.0, 0.0);
        for (i, (&x, &m)) in repeats.iter().zip(mean_spend).enumerate() {
            check(x, m).map_err(error::row(i))?;
            if x == 0 {
                continue;
            }
            if customers_by_x.len() <= x as usize {
                customers_by_x.resize(x as usize + 1, 0u32);
            }
            customers_by_x[x as usize] += 1;
            let x = f64::from(x);
            let ln_mean = m.ln();
            sum_ln_mean += ln_mean;
            sum_weighted_ln += x * ln_mean;
            rows.push([x, x * m]);
        }
        if rows.is_empty() {
            return Err(Error::NotEnough("no customer bought again"));
        }
        let counts: Vec<(f64, f64)> = customers_by_x
            .iter()
            .enumerate()
            .filter(|&(_, &n)| n > 0)
            .map(|(x, &n)| (x as f64, f64::from(n)))
            .collect();
        sum_weighted_ln += counts.iter().map(|(x, n)| n * x * x.ln()).sum::<f64>();
        let n = rows.len() as f64;
        Ok(Spends {
            mean: rows.iter().map(|[x, total]| total / x).sum::<f64>() / n,
            correlation: correlation(&rows),
            rows,
            counts,
            sum_ln_mean,
            sum_weighted_ln,
        })
    }

    /// Customers with repeat purchases.
    pub fn n_customers(&self) -> usize {
        self.rows.len()
    }

    /// Pearson correlation of x and m; 0 when one of them does not vary.
    pub fn correlation(&self) -> f64 {
        self.correlation
    }

    /// Whether frequency and spend move together too much for their product to be trusted.
    pub fn is_correlated(&self) -> bool {
        self.correlation.abs() > MAX_CORRELATION
    }
}

/// Summed over customers, in the unit of the amounts.
pub fn log_likelihood(params: &Params, data: &Spends) -> f64 {
    evaluate(params, data).value
}

/// Derivatives of the log-likelihood by (p, q, v).
pub fn gradient(params: &Params, data: &Spends) -> [f64; 3] {
    evaluate(params, data).gradient
}

/// Fits by maximum likelihood.
pub fn fit(data: &Spends) -> Result<FittedSpend> {
    // The middle of what retail data give; v then makes the population mean right.
    let (p, q) = (4.0, 4.0);
    let start = Params {
        p,
        q,
        v: data.mean * (q - 1.0) / p,
    };
    // The limits of the optimiser are absolute, so amounts are measured in units of their mean.
    let unit = data.mean;
    let fitted = fit::maximise(
        Params {
            v: start.v / unit,
            ..start
        },
        data.n_customers(),
        |params| {
            let v = params.v * unit;
            let mut evaluation = evaluate(&Params { v, ..*params }, data);
            evaluation.gradient[2] *= unit;
            for i in 0..3 {
                evaluation.hessian[i][2] *= unit;
                evaluation.hessian[2][i] *= unit;
            }
            evaluation
        },
    )?;
    Ok(Fitted {
        params: Params {
            v: fitted.params.v * unit,
            ..fitted.params
        },
        std_errors: fitted.std_errors.map(|[p, q, v]| [p, q, v * unit]),
        ..fitted
    })
}

/// Standard error of [`Params::expected_spend`] as a mean, from the uncertainty of the parameters.
pub fn expected_spend_std_error(
    fitted: &FittedSpend,
    repeats: u32,
    mean_spend: f64,
) -> Result<Option<f64>> {
    fitted.params.expected_spend(repeats, mean_spend)?;
    Ok(fitted.std_error_of(|params| params.expected(repeats, mean_spend)))
}

fn correlation(rows: &[[f64; 2]]) -> f64 {
    let n = rows.len() as f64;
    let mean_x = rows.iter().map(|[x, _]| x).sum::<f64>() / n;
    let mean_m = rows.iter().map(|[x, total]| total / x).sum::<f64>() / n;
    let (mut xx, mut mm, mut xm) = (0.0, 0.0, 0.0);
    for [x, total] in rows {
        let (dx, dm) = (x - mean_x, total / x - mean_m);
        xx += dx * dx;
        mm += dm * dm;
        xm += dx * dm;
    }
    if xx > 0.0 && mm > 0.0 {
        xm / (xx * mm).sqrt()
    } else {
        0.0
    }
}

fn evaluate(params: &Params, data: &Spends) -> Evaluation<3> {
    let Params { p, q, v } = *params;
    let n = data.rows.len() as f64;

    let (mut ln, mut x_ln) = (0.0, 0.0);
    let (mut inverse, mut x_inverse) = (0.0, 0.0);
    let (mut square, mut x_square) = (0.0, 0.0);
    for &[x, total] in &data.rows {
        let ln_sum = (total + v).ln();
        let by_sum = (total + v).recip();
        ln += ln_sum;
        x_ln += x * ln_sum;
        inverse += by_sum;
        x_inverse += x * by_sum;
        square += by_sum * by_sum;
        x_square += x * by_sum * by_sum;
    }

    let ln_v = v.ln();
    let mut value = n * (q * ln_v - libm::lgamma(q)) + p * (data.sum_weighted_ln - x_ln)
        - q * ln
        - data.sum_ln_mean;
    let mut gradient = [
        data.sum_weighted_ln - x_ln,
        n * (ln_v - digamma(q)) - ln,
        n * q / v - p * x_inverse - q * inverse,
    ];
    let mut hessian = [[0.0; 3]; 3];
    hessian[0][2] = -x_inverse;
    hessian[1][1] = -n * trigamma(q);
    hessian[1][2] = n / v - inverse;
    hessian[2][2] = p * x_square + q * square - n * q / (v * v);
    for &(x, n) in &data.counts {
        let px = p * x;
        value += n * (libm::lgamma(px + q) - libm::lgamma(px));
        let (slope, curve) = (digamma(px + q), trigamma(px + q));
        gradient[0] += n * x * (slope - digamma(px));
        gradient[1] += n * slope;
        hessian[0][0] += n * x * x * (curve - trigamma(px));
        hessian[0][1] += n * x * curve;
        hessian[1][1] += n * curve;
    }
    mirror(&mut hessian);
    Evaluation {
        value,
        gradient,
        hessian,
    }
}

//! NBD: customers buy at their own steady rate and never drop out. The null model of every dropout model here.
//! Must not know about dropout; [`crate::identification`] compares.
//!
//! Purchases are Poisson with rate lambda, and lambda is gamma distributed with shape r and rate alpha (Ehrenberg 1959):
//!
//! ln L = ln G(r+x) - ln G(r) + r ln alpha - (r+x) ln(alpha+T), with G the gamma function.
//!
//! It leaves out the same constant T^x/x! as the dropout models, so log-likelihoods can be compared directly.
//! Cost of one call: the distinct ages plus the largest x; the customers enter only through counts.

use crate::error::{Error, Result};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::history::Collapsed;

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    /// Shape of the purchase rates: small means very unlike customers.
    pub r: f64,
    /// Rate of the gamma distribution, in weeks; r/alpha is the mean number of purchases per week.
    pub alpha: f64,
}

impl Positive<2> for Params {
    const NAMES: [&'static str; 2] = ["r", "alpha"];

    fn to_array(&self) -> [f64; 2] {
        [self.r, self.alpha]
    }

    fn with(&self, [r, alpha]: [f64; 2]) -> Self {
        Params { r, alpha }
    }
}

/// Fits by maximum likelihood.
///
/// Fails when nobody was observed for any time or nobody bought again.
pub fn fit(data: &Collapsed) -> Result<Fitted<Params, 2>> {
    fit_counts(&Counts::new(data))
}

/// What the likelihood needs to know of the customers; computed once per fit.
pub(crate) struct Counts {
    pub n: f64,
    /// `above[j]` = customers with x > j: turns a sum over customers of a sum over purchases into one sum.
    pub above: Vec<f64>,
    ages: Vec<f64>,
    /// Customers, and their repeat purchases, per distinct age.
    per_age: Vec<[f64; 2]>,
}

/// ln(alpha + age) and 1/(alpha + age) per distinct age.
pub(crate) type AgeTable = Vec<[f64; 2]>;

impl Counts {
    pub fn new(data: &Collapsed) -> Self {
        let largest = data.groups.last().map_or(0, |group| group.repeats) as usize;
        let mut above = vec![0.0; largest];
        let mut per_age = vec![[0.0; 2]; data.ages.len()];
        for group in &data.groups {
            let n = f64::from(group.n);
            if group.repeats > 0 {
                above[group.repeats as usize - 1] += n;
            }
            let slot = &mut per_age[group.age as usize];
            slot[0] += n;
            slot[1] += n * f64::from(group.repeats);
        }
        for j in (1..largest).rev() {
            above[j - 1] += above[j];
        }
        Counts {
            n: data.n_customers() as f64,
            above,
            ages: data.ages.clone(),
            per_age,
        }
    }

    /// Distinct ages with the customers of each.
    pub fn customers_by_age(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.ages
            .iter()
            .zip(&self.per_age)
            .map(|(&age, &[n, _])| (age, n))
    }

    pub fn age_table(&self, alpha: f64) -> AgeTable {
        self.ages
            .iter()
            .map(|age| [(alpha + age).ln(), (alpha + age).recip()])
            .collect()
    }
}

pub(crate) fn fit_counts(counts: &Counts) -> Result<Fitted<Params, 2>> {
    let repeats: f64 = counts.above.iter().sum();
    let time: f64 = counts
        .ages
        .iter()
        .zip(&counts.per_age)
        .map(|(age, [n, _])| age * n)
        .sum();
    if time == 0.0 {
        return Err(Error::NotEnough("no customer was observed for any time"));
    }
    if repeats == 0.0 {
        return Err(Error::NotEnough("no customer bought again"));
    }
    // Moment start: the mean rate is r/alpha, and r = 1 is an exponential spread of rates.
    let start = Params {
        r: 1.0,
        alpha: time / repeats,
    };
    fit::maximise(start, counts.n as usize, |params| {
        evaluate(params, counts, &counts.age_table(params.alpha))
    })
}

pub(crate) fn evaluate(params: &Params, counts: &Counts, table: &AgeTable) -> Evaluation<2> {
    let Params { r, alpha } = *params;
    let n = counts.n;
    let mut value = 0.0;
    let mut gradient = [0.0, n * r / alpha];
    let mut hessian = [[0.0, n / alpha], [n / alpha, -n * r / (alpha * alpha)]];
    for (j, above) in counts.above.iter().enumerate() {
        // ln G(r+x) - ln G(r) = sum over j < x of ln(r+j): exact for small r and large x alike.
        let term = r + j as f64;
        value += above * term.ln();
        gradient[0] += above / term;
        hessian[0][0] -= above / (term * term);
    }
    let ln_alpha = alpha.ln();
    for (&[ln, inverse], [n, repeats]) in table.iter().zip(&counts.per_age) {
        let weight = r * n + repeats;
        value += r * n * (ln_alpha - ln) - repeats * ln;
        gradient[0] += n * (ln_alpha - ln);
        gradient[1] -= weight * inverse;
        hessian[0][1] -= n * inverse;
        hessian[1][1] += weight * inverse * inverse;
    }
    hessian[1][0] = hessian[0][1];
    Evaluation {
        value,
        gradient,
        hessian,
    }
}

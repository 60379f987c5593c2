//! BG/BB of Fader, Hardie & Shang (2010), "Customer-base analysis in a discrete-time noncontractual setting",
//! Marketing Science 29:1086-1108: who still takes part when there is at most one transaction per opportunity, as
//! with yearly donations, conferences, weekly visits. An opportunity here is an occasion to take part, never a deal in
//! the sales pipeline. The predictions are in [`crate::bg_bb::predict`].
//!
//! | assumption | consequence when it fails |
//! |---|---|
//! | alive, a customer transacts at each opportunity with an own steady probability | habits that build up or seasons are missed |
//! | before each opportunity a customer dies with an own probability | breaks and returns count as silence |
//! | both beta distributed over customers, (alpha, beta) and (gamma, delta), and independent | - |
//!
//! | symbol | field | meaning |
//! |---|---|---|
//! | n | `opportunities` | opportunities since the first transaction, which itself is not counted |
//! | x | `transactions` | of them taken |
//! | t | `last` | number of the last one taken, 0 when x = 0 |
//!
//! With A_j = B(alpha+x, beta+j-x)/B(alpha, beta) B(gamma, delta+j)/B(gamma, delta), the probability of the history up
//! to j and of being alive then:
//!
//! L = A_n + sum over j = t..n-1 of A_j gamma/(gamma+delta+j)
//!
//! All terms are positive; they are added on the log scale from tables of ln(p+i), so any n is safe, and gradient and
//! Hessian are means and covariances under the same weights. Customers enter through the distinct (x, t, n): 22 for
//! 11,104 donors. Cost of one evaluation: the sum of n-t over them.
//!
//! ```
//! use keji_models::bg_bb::{self, Histories, History, predict};
//! // Donors of the paper: alpha = 1.204, beta = .750, gamma = .657, delta = 2.783.
//! let params = bg_bb::params(1.2035, 0.7497, 0.6567, 2.7834)?;
//! let every_year = History { transactions: 6, last: 6, opportunities: 6 };
//! assert_eq!(format!("{:.2}", predict::expected_transactions(&params, &every_year, 5)?), "3.75");
//! let data = Histories::new(&[every_year; 3])?;
//! assert_eq!((data.n_customers(), data.n_groups()), (3, 1));
//! # Ok::<(), keji_models::Error>(())
//! ```

pub mod predict;

use std::collections::BTreeMap;

use crate::error::{self, Error, Result, RowProblem};
use crate::fit::{self, Evaluation, Fitted, Positive};
use crate::symmetric::mirror;

/// A history longer than this is a fault upstream, or asks for the continuous [`crate::pareto_nbd`].
pub const MAX_OPPORTUNITIES: u32 = 10_000;

/// One customer (x, t, n).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct History {
    pub transactions: u32,
    pub last: u32,
    pub opportunities: u32,
}

/// Distinct histories, ordered by (x, t, n), with the number of customers that share each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histories {
    groups: Vec<(History, u32)>,
    group_of: Vec<u32>,
    n_customers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Params {
    pub alpha: f64,
    pub beta: f64,
    pub gamma: f64,
    pub delta: f64,
}

pub type FittedBgBb = Fitted<Params, 4>;

/// The fit beside its null without death, the beta-binomial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub null_log_likelihood: f64,
    /// 2 (ln L - ln L_null).
    pub likelihood_ratio: f64,
    /// Upper bound of the p value of no death: two parameters vanish under the null, on its border.
    pub p_value: f64,
}

impl History {
    /// Whether the row can enter the model.
    pub fn check(&self) -> std::result::Result<(), RowProblem> {
        let &History {
            transactions,
            last,
            opportunities,
        } = self;
        if opportunities > MAX_OPPORTUNITIES {
            Err(RowProblem::TooManyOpportunities(opportunities))
        } else if last > opportunities {
            Err(RowProblem::LastAfterOpportunities {
                last,
                opportunities,
            })
        } else if transactions > last || (transactions == 0) != (last == 0) {
            Err(RowProblem::TransactionsUpToLast { transactions, last })
        } else {
            Ok(())
        }
    }
}

impl Histories {
    /// One entry per customer. Fails with the position of the first bad row. Cost: O(n log n).
    pub fn new(histories: &[History]) -> Result<Self> {
        let ones = vec![1; histories.len()];
        Self::with_counts(histories, &ones)
    }

    /// One entry per history with the number of customers that share it, as data are often published.
    pub fn with_counts(histories: &[History], counts: &[u32]) -> Result<Self> {
        error::same_length("counts", histories.len(), counts.len())?;
        let mut found: BTreeMap<History, u32> = BTreeMap::new();
        for (i, (history, &count)) in histories.iter().zip(counts).enumerate() {
            history.check().map_err(error::row(i))?;
            let sum = found.entry(*history).or_default();
            *sum = sum
                .checked_add(count)
                .ok_or(Error::TooFine(histories.len()))?;
        }
        let places: BTreeMap<History, u32> = found.keys().copied().zip(0..).collect();
        let n_customers = counts.iter().map(|&n| n as usize).sum();
        if n_customers == 0 {
            return Err(Error::NotEnough("no customers"));
        }
        Ok(Histories {
            group_of: histories
                .iter()
                .filter_map(|history| places.get(history).copied())
                .collect(),
            groups: found.into_iter().collect(),
            n_customers,
        })
    }

    pub fn n_customers(&self) -> usize {
        self.n_customers
    }

    pub fn n_groups(&self) -> usize {
        self.groups.len()
    }

    /// For each input row its group.
    pub fn group_of(&self) -> &[u32] {
        &self.group_of
    }

    /// Every group with its number of customers.
    pub fn iter(&self) -> impl Iterator<Item = (History, u32)> + '_ {
        self.groups.iter().copied()
    }

    fn longest(&self) -> u32 {
        self.iter().map(|(h, _)| h.opportunities).max().unwrap_or(0)
    }
}

/// Fails unless all are above zero and finite.
pub fn params(alpha: f64, beta: f64, gamma: f64, delta: f64) -> Result<Params> {
    for (name, value) in Params::NAMES.into_iter().zip([alpha, beta, gamma, delta]) {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Parameter { name, value });
        }
    }
    Ok(Params {
        alpha,
        beta,
        gamma,
        delta,
    })
}

impl Positive<4> for Params {
    const NAMES: [&'static str; 4] = ["alpha", "beta", "gamma", "delta"];

    fn to_array(&self) -> [f64; 4] {
        [self.alpha, self.beta, self.gamma, self.delta]
    }

    fn with(&self, [alpha, beta, gamma, delta]: [f64; 4]) -> Self {
        Params {
            alpha,
            beta,
            gamma,
            delta,
        }
    }
}

/// Maximum likelihood; fails when nobody had an opportunity or nobody took one.
///
/// A result that is not identified is still returned ([`Fitted::is_identified`]); with few opportunities that is the
/// rule, as death and a low probability then look alike.
pub fn fit(data: &Histories) -> Result<FittedBgBb> {
    check_enough(data)?;
    let from = |start: [f64; 4]| {
        let start = UNIT.with(start);
        fit::maximise(start, data.n_customers(), |params| evaluate(params, data))
    };
    // Rare death, many deaths at once, and customers much alike: a ridge can have more than one foot.
    let mut best = from([1.0, 1.0, 0.7, 3.0]);
    for start in [[0.5, 1.0, 0.2, 8.0], [5.0, 5.0, 5.0, 50.0]] {
        if best.as_ref().is_ok_and(Fitted::is_identified) {
            break;
        }
        let other = from(start);
        best = match (best, other) {
            (Ok(best), Ok(other)) if other.log_likelihood > best.log_likelihood => Ok(other),
            (Ok(best), _) => Ok(best),
            (Err(_), other) => other,
        };
    }
    best
}

/// Compares with customers who never die. Fails as [`fit()`].
pub fn compare(fitted: &FittedBgBb, data: &Histories) -> Result<Comparison> {
    check_enough(data)?;
    let start = BetaBinomial([1.0, 1.0]);
    let null = fit::maximise(start, data.n_customers(), |params| params.evaluate(data))?;
    let likelihood_ratio = (2.0 * (fitted.log_likelihood - null.log_likelihood)).max(0.0);
    Ok(Comparison {
        null_log_likelihood: null.log_likelihood,
        likelihood_ratio,
        p_value: (-0.5 * likelihood_ratio).exp(),
    })
}

/// Summed over customers.
pub fn log_likelihood(params: &Params, data: &Histories) -> f64 {
    evaluate(params, data).value
}

/// Derivatives of the log-likelihood by (alpha, beta, gamma, delta).
pub fn gradient(params: &Params, data: &Histories) -> [f64; 4] {
    evaluate(params, data).gradient
}

const UNIT: Params = Params {
    alpha: 1.0,
    beta: 1.0,
    gamma: 1.0,
    delta: 1.0,
};

fn check_enough(data: &Histories) -> Result<()> {
    if data.longest() == 0 {
        return Err(Error::NotEnough("no customer had an opportunity"));
    }
    if data.iter().all(|(h, _)| h.transactions == 0) {
        return Err(Error::NotEnough("no customer took an opportunity"));
    }
    Ok(())
}

/// For m = 0, 1, ..: sums over i < m of ln(p+i), 1/(p+i) and 1/(p+i)^2, so ln G(p+m) - ln G(p) and its derivatives.
struct Rising(Vec<[f64; 3]>);

impl Rising {
    fn new(p: f64, n: u32) -> Self {
        let mut sum = [0.0; 3];
        let mut table = vec![sum];
        table.extend((0..n).map(|i| {
            let term = p + f64::from(i);
            let inverse = term.recip();
            sum = [
                sum[0] + term.ln(),
                sum[1] + inverse,
                sum[2] + inverse * inverse,
            ];
            sum
        }));
        Rising(table)
    }

    /// `m` is at most the `n` of the table, as histories are checked when they are collected.
    fn at(&self, m: u32) -> [f64; 3] {
        self.0.get(m as usize).copied().unwrap_or([f64::NAN; 3])
    }
}

/// Tables of all sums of parameters that occur.
pub(crate) struct Tables {
    params: Params,
    alpha: Rising,
    beta: Rising,
    both: Rising,
    delta: Rising,
    dropout: Rising,
}

impl Tables {
    pub fn new(params: &Params, n: u32) -> Self {
        Tables {
            params: *params,
            alpha: Rising::new(params.alpha, n),
            beta: Rising::new(params.beta, n),
            both: Rising::new(params.alpha + params.beta, n),
            delta: Rising::new(params.delta, n),
            dropout: Rising::new(params.gamma + params.delta, n),
        }
    }

    /// ln A_j.
    fn ln_up_to(&self, x: u32, j: u32) -> f64 {
        self.alpha.at(x)[0] + self.beta.at(j - x)[0] - self.both.at(j)[0] + self.delta.at(j)[0]
            - self.dropout.at(j)[0]
    }

    /// Logarithms of the terms of L, for death after j = t, .., n-1 and for being alive at n, the last.
    pub fn ln_terms(&self, history: &History, terms: &mut Vec<f64>) {
        let Params { gamma, delta, .. } = self.params;
        let (x, n) = (history.transactions, history.opportunities);
        terms.clear();
        terms.extend(
            (history.last..n)
                .map(|j| self.ln_up_to(x, j) + (gamma / (gamma + delta + f64::from(j))).ln()),
        );
        terms.push(self.ln_up_to(x, n));
    }
}

/// The logarithm of the sum of exponentials; leaves the shares in their place.
pub(crate) fn shares(terms: &mut [f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for term in terms.iter_mut() {
        *term = (*term - largest).exp();
        sum += *term;
    }
    for term in terms {
        *term /= sum;
    }
    largest + sum.ln()
}

fn evaluate(params: &Params, data: &Histories) -> Evaluation<4> {
    let tables = Tables::new(params, data.longest());
    let mut sum = Evaluation {
        value: 0.0,
        gradient: [0.0; 4],
        hessian: [[0.0; 4]; 4],
    };
    let mut weights = Vec::new();
    for (history, count) in data.iter() {
        tables.ln_terms(&history, &mut weights);
        let n = f64::from(count);
        sum.value += n * shares(&mut weights);
        let mut mean = [0.0; 4];
        let mut square = [[0.0; 4]; 4];
        for (j, &weight) in (history.last..=history.opportunities).zip(&weights) {
            let (slope, bend) = derivatives(&tables, &history, j);
            for i in 0..4 {
                mean[i] += weight * slope[i];
                for k in i..4 {
                    square[i][k] += weight * (slope[i] * slope[k] + bend[i][k]);
                }
            }
        }
        for i in 0..4 {
            sum.gradient[i] += n * mean[i];
            for k in i..4 {
                sum.hessian[i][k] += n * (square[i][k] - mean[i] * mean[k]);
            }
        }
    }
    mirror(&mut sum.hessian);
    sum
}

/// Gradient and upper half of the Hessian of the logarithm of the term for death after j, or for being alive at n.
fn derivatives(tables: &Tables, history: &History, j: u32) -> ([f64; 4], [[f64; 4]; 4]) {
    let x = history.transactions;
    let [_, alpha_1, alpha_2] = tables.alpha.at(x);
    let [_, beta_1, beta_2] = tables.beta.at(j - x);
    let [_, both_1, both_2] = tables.both.at(j);
    let [_, delta_1, delta_2] = tables.delta.at(j);
    let [_, dropout_1, dropout_2] = tables.dropout.at(j);
    let (gamma, after) = if j < history.opportunities {
        let Params { gamma, delta, .. } = tables.params;
        (gamma.recip(), (gamma + delta + f64::from(j)).recip())
    } else {
        (0.0, 0.0)
    };
    let slope = [
        alpha_1 - both_1,
        beta_1 - both_1,
        gamma - after - dropout_1,
        delta_1 - dropout_1 - after,
    ];
    let dying = dropout_2 + after * after;
    let bend = [
        [both_2 - alpha_2, both_2, 0.0, 0.0],
        [0.0, both_2 - beta_2, 0.0, 0.0],
        [0.0, 0.0, dying - gamma * gamma, dying],
        [0.0, 0.0, 0.0, dying - delta_2],
    ];
    (slope, bend)
}

/// The beta-binomial: nobody dies.
#[derive(Debug, Clone, Copy)]
struct BetaBinomial([f64; 2]);

impl Positive<2> for BetaBinomial {
    const NAMES: [&'static str; 2] = ["alpha", "beta"];

    fn to_array(&self) -> [f64; 2] {
        self.0
    }

    fn with(&self, values: [f64; 2]) -> Self {
        BetaBinomial(values)
    }
}

impl BetaBinomial {
    fn evaluate(&self, data: &Histories) -> Evaluation<2> {
        let [alpha, beta] = self.0;
        let n = data.longest();
        let tables = [
            Rising::new(alpha, n),
            Rising::new(beta, n),
            Rising::new(alpha + beta, n),
        ];
        let mut sum = Evaluation {
            value: 0.0,
            gradient: [0.0; 2],
            hessian: [[0.0; 2]; 2],
        };
        for (history, count) in data.iter() {
            let weight = f64::from(count);
            let (x, n) = (history.transactions, history.opportunities);
            let [one, other, both] = [tables[0].at(x), tables[1].at(n - x), tables[2].at(n)];
            sum.value += weight * (one[0] + other[0] - both[0]);
            sum.gradient[0] += weight * (one[1] - both[1]);
            sum.gradient[1] += weight * (other[1] - both[1]);
            sum.hessian[0][0] += weight * (both[2] - one[2]);
            sum.hessian[0][1] += weight * both[2];
            sum.hessian[1][1] += weight * (both[2] - other[2]);
        }
        mirror(&mut sum.hessian);
        sum
    }
}

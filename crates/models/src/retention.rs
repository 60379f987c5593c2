//! Renewals of contracts: the data of the retention models, and what every one of them can say.
//! Must not know any one model; [`crate::shifted_beta_geometric`] and [`crate::beta_discrete_weibull`] are two.
//!
//! A contract runs over periods; at the end of each the customer renews or leaves, and we see which. This is not the
//! setting of [`crate::bg_nbd`], where nobody tells us of leaving. Renewal t = 1, 2, .. is the end of period t.
//!
//! | symbol | meaning |
//! |---|---|
//! | S(t) | probability of making the first t renewals, S(0) = 1 |
//! | r_t | retention rate S(t)/S(t-1), of those still there after t-1 renewals |
//!
//! The likelihood of any model is prod over t of r_t^kept (1-r_t)^lost, so two numbers per t are all that is needed of
//! any number of cohorts, whenever they began. A cohort seen for a shorter time (right censoring) or only from its
//! third renewal on (left truncation) simply adds nothing elsewhere.
//!
//! ```
//! use keji_models::retention::{self, Renewals, RetentionModel};
//! use keji_models::shifted_beta_geometric;
//! // Fader & Hardie (2007): 1,000 high-end customers and those still there after each of seven years.
//! let data = Renewals::from_survivors(&[1000, 869, 743, 653, 593, 551, 517, 491])?;
//! let fitted = shifted_beta_geometric::fit(&data)?;
//! // Retention rises with tenure, because those who would leave have left.
//! assert_eq!(format!("{:.3}", fitted.params.retention(1)), "0.851");
//! assert_eq!(format!("{:.3}", fitted.params.retention(7)), "0.936");
//! // Expected discounted lifetime at 10% per year, in years paid.
//! assert_eq!(format!("{:.2}", retention::expected_lifetime(&fitted.params, 0.1)?), "5.92");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result, RowProblem};
use crate::fit::{Fitted, Positive};
use crate::special::deviations;

/// Later renewals than this are a fault upstream.
pub const MAX_RENEWALS: u32 = 100_000;

/// Sums over periods take about 40/discount terms, so smaller discounts per period are refused.
pub const MIN_DISCOUNT: f64 = 1e-4;

/// How many customers were up for renewal t = 1, 2, .. and renewed, or left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewals {
    outcomes: Vec<Outcome>,
    n_customers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    pub kept: u64,
    pub lost: u64,
}

/// A model of the number of renewals.
pub trait RetentionModel: Copy {
    /// ln S(t).
    fn ln_survival(&self, t: u32) -> f64;

    /// ln r_t, for t = 1, 2, ..
    fn ln_retention(&self, t: u32) -> f64;

    /// S(t): the share of a new cohort that makes the first `t` renewals.
    fn survival(&self, t: u32) -> f64 {
        self.ln_survival(t).exp()
    }

    /// r_t: the share that makes renewal `t` of those who made the one before; 1 at t = 0.
    fn retention(&self, t: u32) -> f64 {
        self.ln_retention(t).exp()
    }

    /// P(T = t): the share of a new cohort that leaves at renewal `t`; 0 at t = 0.
    fn churn(&self, t: u32) -> f64 {
        if t == 0 {
            return 0.0;
        }
        -self.survival(t - 1) * self.ln_retention(t).exp_m1()
    }
}

/// Errors of projected against actual survival beyond the calibration period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    /// Renewals that were projected.
    pub n: usize,
    /// Mean absolute relative error of S(t).
    pub model_mape: f64,
    /// The same of the naive rule: the average retention of the calibration period goes on.
    pub naive_mape: f64,
}

/// A model beside a simpler one that it contains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub null_log_likelihood: f64,
    /// 2 (ln L - ln L_null).
    pub likelihood_ratio: f64,
    pub p_value: f64,
}

impl Outcome {
    pub fn at_risk(&self) -> u64 {
        self.kept.saturating_add(self.lost)
    }
}

impl Renewals {
    /// One cohort: its size, then how many were left after renewal 1, 2, ..
    pub fn from_survivors(survivors: &[u64]) -> Result<Self> {
        Self::from_cohorts(&[survivors])
    }

    /// Cohorts of any length, each as in [`Renewals::from_survivors`].
    ///
    /// Fails with the position of the first cohort that is empty or grows.
    pub fn from_cohorts<C: AsRef<[u64]>>(cohorts: &[C]) -> Result<Self> {
        let mut data = Renewals::empty();
        for (i, cohort) in cohorts.iter().enumerate() {
            let cohort = cohort.as_ref();
            let Some(&size) = cohort.first() else {
                return Err(error::row(i)(RowProblem::EmptyCohort));
            };
            if cohort.len() > MAX_RENEWALS as usize {
                return Err(error::row(i)(RowProblem::TooManyRenewals(MAX_RENEWALS)));
            }
            data.n_customers = data.n_customers.saturating_add(size as usize);
            data.reach(cohort.len() - 1);
            for (t, (outcome, pair)) in data.outcomes.iter_mut().zip(cohort.windows(2)).enumerate()
            {
                let &[before, after] = pair else { continue };
                let lost = before
                    .checked_sub(after)
                    .ok_or_else(|| error::row(i)(RowProblem::CohortGrows { renewal: t + 1 }))?;
                outcome.kept = outcome.kept.saturating_add(after);
                outcome.lost = outcome.lost.saturating_add(lost);
            }
        }
        data.checked()
    }

    /// One entry per contract: renewals made so far, and whether it then ended (else it still runs, or is no longer
    /// observed). `made_before` holds the renewals made before observation began, if not 0 for all.
    pub fn from_contracts(
        renewals: &[u32],
        is_ended: &[bool],
        made_before: Option<&[u32]>,
    ) -> Result<Self> {
        error::same_length("is_ended", renewals.len(), is_ended.len())?;
        if let Some(made_before) = made_before {
            error::same_length("made_before", renewals.len(), made_before.len())?;
        }
        let mut data = Renewals::empty();
        data.n_customers = renewals.len();
        for (i, (&made, &is_ended)) in renewals.iter().zip(is_ended).enumerate() {
            let before = made_before.and_then(|all| all.get(i)).copied().unwrap_or(0);
            if made >= MAX_RENEWALS {
                return Err(error::row(i)(RowProblem::TooManyRenewals(made)));
            }
            if before > made {
                return Err(error::row(i)(RowProblem::RenewalsBefore { before, made }));
            }
            let end = made as usize + usize::from(is_ended);
            data.reach(end);
            for (t, outcome) in data
                .outcomes
                .iter_mut()
                .enumerate()
                .take(end)
                .skip(before as usize)
            {
                if t < made as usize {
                    outcome.kept += 1;
                } else {
                    outcome.lost += 1;
                }
            }
        }
        data.checked()
    }

    /// Renewals 1, 2, .. in order.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    pub fn n_customers(&self) -> usize {
        self.n_customers
    }

    /// Observed retention rates r_1, r_2, ..; `None` where nobody was up for renewal.
    pub fn observed_retention(&self) -> Vec<Option<f64>> {
        self.outcomes
            .iter()
            .map(|o| (o.at_risk() > 0).then(|| o.kept as f64 / o.at_risk() as f64))
            .collect()
    }

    /// Retention if it were the same at every renewal.
    pub fn average_retention(&self) -> f64 {
        let (kept, lost) = self.totals();
        kept / (kept + lost)
    }

    /// Log-likelihood of one retention rate for everybody and at all times (geometric lifetimes), the null model.
    pub fn geometric_log_likelihood(&self) -> f64 {
        let (kept, lost) = self.totals();
        let rate = kept / (kept + lost);
        kept * rate.ln() + lost * (-rate).ln_1p()
    }

    fn empty() -> Self {
        Renewals {
            outcomes: Vec::new(),
            n_customers: 0,
        }
    }

    fn reach(&mut self, n: usize) {
        if self.outcomes.len() < n {
            self.outcomes.resize(n, Outcome::default());
        }
    }

    fn totals(&self) -> (f64, f64) {
        self.outcomes.iter().fold((0.0, 0.0), |(kept, lost), o| {
            (kept + o.kept as f64, lost + o.lost as f64)
        })
    }

    fn checked(self) -> Result<Self> {
        let (kept, lost) = self.totals();
        if kept + lost == 0.0 {
            Err(Error::NotEnough("nobody was up for renewal"))
        } else if lost == 0.0 {
            Err(Error::NotEnough("nobody has left"))
        } else if kept == 0.0 {
            Err(Error::NotEnough("nobody has renewed"))
        } else {
            Ok(self)
        }
    }
}

/// Expected discounted lifetime (DEL) of a new customer in periods paid, the first at once:
/// sum over t >= 0 of S(t)/(1+`discount`)^t. Times the margin per period it is the lifetime value.
///
/// `discount` is per period, at least [`MIN_DISCOUNT`].
pub fn expected_lifetime<M: RetentionModel>(model: &M, discount: f64) -> Result<f64> {
    check_discount(discount)?;
    Ok(1.0 + discounted(model, 0, discount) / (1.0 + discount))
}

/// Expected discounted residual lifetime (DERL) of a customer who made `renewals` and is about to decide on the next:
/// sum over t > n of S(t)/S(n)/(1+`discount`)^(t-n-1), so the next payment counts whole, if it comes.
pub fn residual_lifetime<M: RetentionModel>(
    model: &M,
    renewals: u32,
    discount: f64,
) -> Result<f64> {
    check_discount(discount)?;
    if renewals > MAX_RENEWALS {
        return Err(error::row(0)(RowProblem::TooManyRenewals(renewals)));
    }
    Ok(discounted(model, renewals, discount))
}

/// Projects `survivors` (as in [`Renewals::from_survivors`]) beyond renewal `calibration` with a model fitted up to
/// there, beside the naive rule of constant retention. Survival is from the start of the cohort, as in the paper.
pub fn project<M: RetentionModel>(
    model: &M,
    survivors: &[u64],
    calibration: usize,
) -> Result<Projection> {
    let known = survivors.get(..=calibration).ok_or(Error::NotEnough(
        "the cohort is shorter than the calibration period",
    ))?;
    let naive = Renewals::from_survivors(known)?.average_retention();
    let size = known.first().map_or(0.0, |&n| n as f64);
    let (mut n, mut by_model, mut by_naive) = (0, 0.0, 0.0);
    for (t, &left) in (0u32..).zip(survivors).skip(calibration + 1) {
        if left == 0 {
            break;
        }
        let actual = left as f64 / size;
        n += 1;
        by_model += (model.survival(t) / actual - 1.0).abs();
        by_naive += (naive.powi(t as i32) / actual - 1.0).abs();
    }
    if n == 0 {
        return Err(Error::NotEnough(
            "no survivors after the calibration period",
        ));
    }
    Ok(Projection {
        n,
        model_mape: by_model / n as f64,
        naive_mape: by_naive / n as f64,
    })
}

/// Interval of S(`t`) at `level` (0 < level < 1) from the uncertainty of the parameters, by the delta method on the
/// logit, which keeps it in (0, 1). `None` when the fit has no covariance. The share of one cohort scatters more.
pub fn survival_interval<M, const N: usize>(
    fitted: &Fitted<M, N>,
    t: u32,
    level: f64,
) -> Result<Option<[f64; 2]>>
where
    M: RetentionModel + Positive<N>,
{
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::OutOfRange {
            name: "level",
            value: level,
        });
    }
    if t == 0 {
        return Ok(Some([1.0; 2]));
    }
    let logit = |model: &M| {
        let ln = model.ln_survival(t);
        ln - (-ln.exp_m1()).ln()
    };
    let centre = logit(&fitted.params);
    Ok(fitted.std_error_of(logit).map(|std_error| {
        let reach = deviations(level) * std_error;
        [centre - reach, centre + reach].map(|logit| (1.0 + (-logit).exp()).recip())
    }))
}

/// P(|Z| > z) of a chi-squared variable z^2 with one degree of freedom.
pub(crate) fn tail(likelihood_ratio: f64) -> f64 {
    libm::erfc((0.5 * likelihood_ratio).sqrt())
}

fn check_discount(discount: f64) -> Result<()> {
    if discount >= MIN_DISCOUNT && discount.is_finite() {
        Ok(())
    } else {
        Err(Error::OutOfRange {
            name: "discount",
            value: discount,
        })
    }
}

/// Sum over t > n of S(t)/S(n)/(1+d)^(t-n-1). S falls, so what is left after a term is at most that term times (1+d)/d.
fn discounted<M: RetentionModel>(model: &M, renewals: u32, discount: f64) -> f64 {
    let (mut sum, mut term) = (0.0, 1.0);
    for t in renewals + 1.. {
        term *= model.retention(t);
        sum += term;
        term /= 1.0 + discount;
        if term <= 1e-17 * discount * sum || term == 0.0 {
            break;
        }
    }
    sum
}

//! What the models say of every customer: alive, next year's purchases and
//! spend, lifetime value, each with its standard error; and when the next
//! purchase is due. Statistics in floats; money leaves as ten-thousandths.

use keji_models::beta_geometric::{Dropout, FittedPurchases, Params};
use keji_models::clv::Plan;
use keji_models::gamma_gamma::{self, FittedSpend, Spends};
use keji_models::history::Collapsed;
use keji_models::identification::{self, Identification};
use keji_models::predict::{self, Predictions};
use keji_models::{bg_nbd, holdout, mbg_nbd};

use super::facts::Facts;
use crate::error::Result;

/// Weeks in the year ahead.
pub const YEAR_WEEKS: f64 = 365.0 / 7.0;
/// Fewer customers, or fewer who came back, and no model is fitted.
const MIN_CUSTOMERS: usize = 30;
const MIN_REPEATERS: usize = 10;

/// The fitted models of one evaluation.
pub struct Models {
    pub bg: Option<(FittedPurchases, Identification)>,
    pub mbg: Option<(FittedPurchases, Identification)>,
    pub spend: Option<(FittedSpend, f64)>,
}

/// Per customer, in the order of the facts. Money in currency units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Prediction {
    pub p_alive: Option<f64>,
    pub p_alive_se: Option<f64>,
    pub purchases: Option<f64>,
    pub purchases_se: Option<f64>,
    pub spend: Option<f64>,
    pub spend_se: Option<f64>,
    pub clv_revenue: Option<f64>,
    pub clv_revenue_se: Option<f64>,
    /// Days from the evaluation day to the next purchase of a living
    /// customer: 10 %, 50 % and 90 % of the waiting time.
    pub wait_days: Option<[f64; 3]>,
}

/// Histories for the models: observation ends on the day before `as_of`.
pub fn histories(facts: &[Facts], as_of: i32) -> Result<Collapsed> {
    let span = |days: i32| u32::try_from(days).unwrap_or(0);
    let repeats: Vec<u32> = facts.iter().map(|f| f.n_purchase_days - 1).collect();
    let at_last: Vec<u32> = facts
        .iter()
        .map(|f| span(f.last_day - f.first_day))
        .collect();
    let age: Vec<u32> = facts
        .iter()
        .map(|f| span(as_of - 1 - f.first_day))
        .collect();
    Ok(Collapsed::from_days(&repeats, &at_last, &age)?)
}

/// Mean of the daily totals over the repeat days; none without one, or where
/// it is not above zero.
fn mean_repeat_spend(f: &Facts) -> Option<f64> {
    let repeats = f.n_purchase_days - 1;
    let repeat_gross = f.gross - f.gross_first_day;
    (repeats > 0 && repeat_gross > 0).then(|| repeat_gross as f64 / 10_000.0 / f64::from(repeats))
}

impl Models {
    /// Where there is nothing to fit.
    pub fn none() -> Models {
        Models {
            bg: None,
            mbg: None,
            spend: None,
        }
    }

    /// Fits what the base is large enough for. A fit that does not converge is
    /// left out, never guessed.
    pub fn fit(facts: &[Facts], histories: &Collapsed) -> Models {
        let n_repeaters = facts.iter().filter(|f| f.n_purchase_days > 1).count();
        if facts.len() < MIN_CUSTOMERS || n_repeaters < MIN_REPEATERS {
            return Models::none();
        }
        let judged = |fitted: keji_models::Result<FittedPurchases>| {
            let fitted = fitted.ok()?;
            let judgement = identification::judge(&fitted, histories).ok()?;
            Some((fitted, judgement))
        };
        Models {
            bg: judged(bg_nbd::fit(histories)),
            mbg: judged(mbg_nbd::fit(histories)),
            spend: fit_spend(facts),
        }
    }

    /// The purchase model with the higher likelihood; both have four
    /// parameters, so nothing else needs weighing.
    pub fn used(&self) -> Option<&FittedPurchases> {
        match (&self.bg, &self.mbg) {
            (Some((bg, _)), Some((mbg, _))) => Some(if bg.log_likelihood > mbg.log_likelihood {
                bg
            } else {
                mbg
            }),
            (Some((one, _)), None) | (None, Some((one, _))) => Some(one),
            (None, None) => None,
        }
    }

    pub fn used_id(&self) -> Option<&'static str> {
        self.used().map(|fitted| match fitted.params.dropout {
            Dropout::AfterRepeat => "bg_nbd",
            _ => "mbg_nbd",
        })
    }

    pub fn predict(
        &self,
        facts: &[Facts],
        histories: &Collapsed,
        as_of: i32,
    ) -> Result<Vec<Prediction>> {
        let mut all = vec![Prediction::default(); facts.len()];
        let Some(fitted) = self.used() else {
            return Ok(all);
        };
        let groups = Groups::predict(fitted, histories)?;
        for ((out, f), &group) in all.iter_mut().zip(facts).zip(histories.group_of()) {
            let g = group as usize;
            out.p_alive = Some(groups.at.p_alive[g]);
            out.purchases = Some(groups.at.expected[0][g]);
            out.p_alive_se = groups.se.as_ref().map(|se| se.p_alive[g]);
            out.purchases_se = groups.se.as_ref().map(|se| se.expected[0][g]);
            out.wait_days = Some(wait_days(&fitted.params, f, as_of));
            let Some((spend, _)) = &self.spend else {
                continue;
            };
            let mean = mean_repeat_spend(f);
            let repeats = mean.map_or(0, |_| f.n_purchase_days - 1);
            // An infinite population mean (q ≤ 1) leaves the value unknown.
            let Ok(expected) = spend.params.expected_spend(repeats, mean.unwrap_or(0.0)) else {
                continue;
            };
            out.spend = Some(expected);
            out.spend_se =
                gamma_gamma::expected_spend_std_error(spend, repeats, mean.unwrap_or(0.0))
                    .ok()
                    .flatten();
            let discounted = groups.at.discounted[g];
            out.clv_revenue = Some(discounted * expected);
            out.clv_revenue_se = match (&groups.se, out.spend_se) {
                // Spend and frequency are independent in the model.
                (Some(se), Some(spend_se)) => {
                    Some((se.discounted[g] * expected).hypot(discounted * spend_se))
                }
                _ => None,
            };
        }
        Ok(all)
    }
}

fn fit_spend(facts: &[Facts]) -> Option<(FittedSpend, f64)> {
    let (repeats, means): (Vec<u32>, Vec<f64>) = facts
        .iter()
        .filter_map(|f| mean_repeat_spend(f).map(|m| (f.n_purchase_days - 1, m)))
        .unzip();
    let spends = Spends::new(&repeats, &means).ok()?;
    let fitted = gamma_gamma::fit(&spends).ok()?;
    Some((fitted, spends.correlation()))
}

/// Waiting time of a living customer from the end of observation: with the
/// rate's posterior Gamma(r + x, alpha + T) the wait w has
/// P(wait > w) = ((alpha + T) / (alpha + T + w))^(r + x).
fn wait_days(params: &Params, f: &Facts, as_of: i32) -> [f64; 3] {
    let age_weeks = f64::from(as_of - 1 - f.first_day) / 7.0;
    let shape = params.r + f64::from(f.n_purchase_days - 1);
    [0.1, 0.5, 0.9].map(|part: f64| {
        let weeks = (params.alpha + age_weeks) * ((1.0 - part).powf(-1.0 / shape) - 1.0);
        weeks * 7.0
    })
}

/// Predictions per group of equal history, and their standard errors by the
/// delta method on the log-parameters (central differences).
struct Groups {
    at: Predictions,
    se: Option<Predictions>,
}

impl Groups {
    fn predict(fitted: &FittedPurchases, histories: &Collapsed) -> Result<Groups> {
        const STEP: f64 = 1e-4;
        let plan = Plan::default();
        let all =
            |params: &Params| predict::predict_all(params, histories, &[YEAR_WEEKS], Some(&plan));
        let at = all(&fitted.params)?;
        let Some(covariance) = &fitted.log_covariance else {
            return Ok(Groups { at, se: None });
        };
        let mut slopes: Vec<Predictions> = Vec::with_capacity(4);
        for i in 0..4 {
            let moved = |sign: f64| {
                let p = &fitted.params;
                let mut values = [p.r, p.alpha, p.a, p.b];
                values[i] *= (sign * STEP).exp();
                Params::new(p.dropout, values[0], values[1], values[2], values[3])
            };
            let (up, down) = (all(&moved(1.0)?)?, all(&moved(-1.0)?)?);
            slopes.push(combine(&up, &down, |u, d| (u - d) / (2.0 * STEP)));
        }
        let error = |pick: &dyn Fn(&Predictions) -> &Vec<f64>| -> Vec<f64> {
            (0..pick(&at).len())
                .map(|g| {
                    let gradient: [f64; 4] = std::array::from_fn(|i| pick(&slopes[i])[g]);
                    let mut variance = 0.0;
                    for (i, row) in covariance.iter().enumerate() {
                        for (j, c) in row.iter().enumerate() {
                            variance += gradient[i] * c * gradient[j];
                        }
                    }
                    variance.max(0.0).sqrt()
                })
                .collect()
        };
        let se = Predictions {
            p_alive: error(&|p| &p.p_alive),
            expected: vec![error(&|p| &p.expected[0])],
            discounted: error(&|p| &p.discounted),
        };
        Ok(Groups { at, se: Some(se) })
    }
}

fn combine(a: &Predictions, b: &Predictions, f: impl Fn(f64, f64) -> f64) -> Predictions {
    let zip = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(&x, &y)| f(x, y)).collect();
    Predictions {
        p_alive: zip(&a.p_alive, &b.p_alive),
        expected: vec![zip(&a.expected[0], &b.expected[0])],
        discounted: zip(&a.discounted, &b.discounted),
    }
}

/// How the model would have done: fitted on what was known `weeks` before,
/// compared with what came. `None` where the earlier base is too small.
pub fn hold_out(
    earlier: &[Facts],
    earlier_as_of: i32,
    now: &[Facts],
    as_of: i32,
) -> Option<holdout::Holdout> {
    let histories = histories(earlier, earlier_as_of).ok()?;
    let models = Models::fit(earlier, &histories);
    let fitted = models.used()?;
    // Both lists are in order of customer id.
    let mut later = now.iter().peekable();
    let actual: Vec<u32> = earlier
        .iter()
        .map(|e| {
            while later.peek().is_some_and(|n| n.customer < e.customer) {
                later.next();
            }
            later
                .peek()
                .filter(|n| n.customer == e.customer)
                .map_or(0, |n| n.n_purchase_days.saturating_sub(e.n_purchase_days))
        })
        .collect();
    let weeks = f64::from(as_of - earlier_as_of) / 7.0;
    holdout::score(&fitted.params, &histories, &actual, weeks).ok()
}

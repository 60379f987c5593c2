//! The document that sums an evaluation up: what the overview and
//! `keji evaluate --json` show.

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_models::beta_geometric::FittedPurchases;
use keji_models::gamma_gamma::MAX_CORRELATION;
use keji_models::holdout::Holdout;
use keji_models::identification::Identification;
use keji_schema::Decimal;
use keji_schema::definition::Text2;
use serde::Serialize;
use utoipa::ToSchema;

use super::predict::Models;
use super::score::Scored;
use super::tier::{Stage, Tier};

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvaluationDoc {
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// Whether it is of the customers that the caller sees, and not of all.
    pub is_partial: bool,
    /// When it was made; set when it is read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<jiff::Timestamp>,
    /// Everybody, prospects included.
    pub n_customers: usize,
    /// Those with at least one order.
    pub n_buyers: usize,
    pub tiers: BTreeMap<String, GroupDoc>,
    pub stages: BTreeMap<String, GroupDoc>,
    /// By rule.
    pub rfm: BTreeMap<String, RfmDoc>,
    pub models: ModelsDoc,
    /// Σ over those silent for more than one cycle of 365-day net revenue ×
    /// (1 − P(alive)).
    #[schema(value_type = String)]
    pub value_at_risk: Decimal,
    /// Those who would be missed: with a value at risk above zero.
    pub n_at_risk: usize,
    /// Median over the customers of their own median gap.
    pub base_cycle_days: f64,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupDoc {
    pub customers: usize,
    #[schema(value_type = String)]
    pub net_revenue_365: Decimal,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RfmDoc {
    /// Customers per score, `"1"` to `"5"`.
    pub r: BTreeMap<String, usize>,
    pub f: BTreeMap<String, usize>,
    pub m: BTreeMap<String, usize>,
    /// Customers per cell such as `543`.
    pub cells: BTreeMap<String, usize>,
    /// Customers by R (row, 1 to 5) and F (column, 1 to 5).
    pub matrix: Vec<Vec<usize>>,
    /// 365-day net revenue of the same cells.
    #[schema(value_type = Vec<Vec<String>>)]
    pub money: Vec<Vec<Decimal>>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelsDoc {
    pub bg_nbd: Option<ModelDoc>,
    pub mbg_nbd: Option<ModelDoc>,
    pub gamma_gamma: Option<ModelDoc>,
    /// The purchase model whose predictions are used: the higher likelihood.
    pub used: Option<String>,
    pub holdout: Option<HoldoutDoc>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelDoc {
    pub params: BTreeMap<String, f64>,
    pub std_errors: Option<BTreeMap<String, f64>>,
    pub log_likelihood: f64,
    pub n: usize,
    /// Whether the data tell the parameters, not only the predictions.
    pub identified: bool,
    pub note: Text2,
}

/// The model fitted on what was known before, against what came.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldoutDoc {
    pub weeks: f64,
    pub customers: usize,
    pub actual: f64,
    pub expected: f64,
    /// Past rate × horizon.
    pub naive: f64,
    pub mae: f64,
    pub naive_mae: f64,
    pub rmse: f64,
    pub naive_rmse: f64,
}

pub fn document(
    as_of: Date,
    n_customers: usize,
    scored: &Scored,
    models: &Models,
    holdout: Option<(f64, Holdout)>,
) -> EvaluationDoc {
    let n = scored.facts.len();
    let group = |is_in: &dyn Fn(usize) -> bool| {
        let members: Vec<usize> = (0..n).filter(|&i| is_in(i)).collect();
        GroupDoc {
            customers: members.len(),
            net_revenue_365: sum_of(members.iter().map(|&i| scored.facts[i].net_365)),
        }
    };
    let tiers = Tier::ALL
        .iter()
        .map(|&tier| (tier.id().to_owned(), group(&|i| scored.tier_of(i) == tier)))
        .collect();
    let mut stages: BTreeMap<String, GroupDoc> = Stage::ALL
        .iter()
        .map(|&stage| (stage.id().to_owned(), group(&|i| scored.stages[i] == stage)))
        .collect();
    if let Some(prospects) = stages.get_mut(Stage::Prospect.id()) {
        prospects.customers = n_customers - n;
        // Nothing bought, but goods of an earlier time sent back.
        prospects.net_revenue_365 = sum_of(scored.returns_only.iter().map(|r| r.net_365));
    }
    let at_risk = scored.value_at_risk.iter().flatten();
    EvaluationDoc {
        as_of,
        at: None,
        is_partial: false,
        n_customers,
        n_buyers: n,
        tiers,
        stages,
        rfm: scored
            .rfm
            .iter()
            .map(|(id, scores)| (id.clone(), rfm_doc(scored, scores)))
            .collect(),
        models: models_doc(models, holdout),
        value_at_risk: sum_of(scored.value_at_risk.iter().flatten().copied()),
        n_at_risk: at_risk.filter(|units| **units > 0).count(),
        base_cycle_days: scored.base_cycle,
    }
}

fn sum_of(units: impl Iterator<Item = i64>) -> Decimal {
    sum(units.map(i128::from).sum())
}

/// A sum that leaves 64 bits is cut at the border; it would take 922 × 10¹².
pub(super) fn sum(total: i128) -> Decimal {
    Decimal::from_units(total.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

fn rfm_doc(scored: &Scored, scores: &keji_models::rfm::Scores) -> RfmDoc {
    let counts = |of: &[u8]| {
        (1..=5u8)
            .map(|k| (k.to_string(), of.iter().filter(|&&s| s == k).count()))
            .collect()
    };
    let mut cells = BTreeMap::new();
    let mut members = vec![vec![Vec::new(); 5]; 5];
    for i in 0..scored.facts.len() {
        *cells.entry(scores.cell(i).to_string()).or_insert(0) += 1;
        let (r, f) = (
            usize::from(scores.recency[i]),
            usize::from(scores.frequency[i]),
        );
        members[r - 1][f - 1].push(scored.facts[i].net_365);
    }
    RfmDoc {
        r: counts(&scores.recency),
        f: counts(&scores.frequency),
        m: counts(&scores.monetary),
        cells,
        matrix: members
            .iter()
            .map(|row| row.iter().map(Vec::len).collect())
            .collect(),
        money: members
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| sum_of(cell.iter().copied()))
                    .collect()
            })
            .collect(),
    }
}

fn models_doc(models: &Models, holdout: Option<(f64, Holdout)>) -> ModelsDoc {
    ModelsDoc {
        bg_nbd: models.bg.as_ref().map(purchase_doc),
        mbg_nbd: models.mbg.as_ref().map(purchase_doc),
        gamma_gamma: models.spend.as_ref().map(|(fitted, correlation)| {
            let names = ["p", "q", "v"];
            let p = &fitted.params;
            let warns = correlation.abs() > MAX_CORRELATION;
            let note = if warns {
                Text2 {
                    zh: format!("购买次数与单次金额相关（{correlation:.2}），模型假定两者无关，预期金额仅供参考"),
                    en: format!(
                        "frequency and spend are correlated ({correlation:.2}); the model assumes they are not, so take the expected spend with care"
                    ),
                }
            } else {
                Text2 {
                    zh: format!("购买次数与单次金额的相关系数为{correlation:.2}，模型适用"),
                    en: format!("correlation of frequency and spend {correlation:.2}: the model applies"),
                }
            };
            ModelDoc {
                params: named(&names, &[p.p, p.q, p.v]),
                std_errors: fitted.std_errors.map(|se| named(&names, &se)),
                log_likelihood: fitted.log_likelihood,
                n: fitted.n,
                identified: fitted.is_identified(),
                note,
            }
        }),
        used: models.used_id().map(str::to_owned),
        holdout: holdout.map(|(weeks, h)| HoldoutDoc {
            weeks,
            customers: h.n,
            actual: h.actual_total,
            expected: h.model.expected_total,
            naive: h.naive.expected_total,
            mae: h.model.mae,
            naive_mae: h.naive.mae,
            rmse: h.model.rmse,
            naive_rmse: h.naive.rmse,
        }),
    }
}

fn purchase_doc((fitted, judgement): &(FittedPurchases, Identification)) -> ModelDoc {
    let names = ["r", "alpha", "a", "b"];
    let p = &fitted.params;
    ModelDoc {
        params: named(&names, &[p.r, p.alpha, p.a, p.b]),
        std_errors: fitted.std_errors.map(|se| named(&names, &se)),
        log_likelihood: fitted.log_likelihood,
        n: fitted.n,
        identified: judgement.is_identified(),
        note: Text2 {
            zh: judgement.in_chinese(),
            en: judgement.in_english(),
        },
    }
}

fn named(names: &[&str], values: &[f64]) -> BTreeMap<String, f64> {
    names
        .iter()
        .map(|n| (*n).to_owned())
        .zip(values.iter().copied())
        .collect()
}

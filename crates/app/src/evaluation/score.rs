//! The wide row of one customer: everything that the evaluation found out, in
//! the fields of the object `score`.

use std::collections::BTreeMap;

use keji_models::rfm;
use keji_schema::decimal::UNIT;
use keji_schema::rule::{RfmAmount, RfmEvent, RfmMethod, RfmRule, TierRule};
use keji_schema::{Decimal, Value};

use super::date;
use super::facts::{Base, Facts, ReturnsOnly};
use super::predict::Prediction;
use super::reasons;
use super::tier::{self, Judged, Stage, Tier};
use crate::error::Result;

/// The fields of `score` in the order of [`rows`]; a test holds them equal to
/// the definition.
pub const FIELDS: &[&str] = &[
    "customer",
    "tier",
    "tier_reason_zh",
    "tier_reason_en",
    "stage",
    "stage_reason_zh",
    "stage_reason_en",
    "first_ordered_on",
    "last_ordered_on",
    "days_since_last",
    "n_orders",
    "n_purchase_days",
    "gross_sales",
    "net_revenue",
    "net_revenue_365",
    "net_revenue_180",
    "net_revenue_180_before",
    "frequency_365",
    "cycle_days",
    "silence",
    "next_expected_on",
    "next_expected_from",
    "next_expected_to",
    "r_reference",
    "f_reference",
    "m_reference",
    "r_cut",
    "f_cut",
    "m_cut",
    "r_fixed",
    "f_fixed",
    "m_fixed",
    "p_alive",
    "p_alive_se",
    "expected_purchases_365",
    "expected_purchases_365_se",
    "expected_spend",
    "expected_spend_se",
    "expected_revenue_365",
    "clv_12m",
    "clv_12m_se",
    "clv_basis",
    "value_at_risk",
];

/// The rules whose scores have fields of their own, in the order of [`FIELDS`].
pub const RFM_RULES: [&str; 3] = ["reference", "reference_cut", "fixed"];

/// Everything about the customers with at least one order, by customer id.
pub struct Scored {
    pub as_of: i32,
    pub base_cycle: f64,
    pub facts: Vec<Facts>,
    pub returns_only: Vec<ReturnsOnly>,
    pub cycles: Vec<f64>,
    pub predictions: Vec<Prediction>,
    /// By rule id: r, f, m of every customer.
    pub rfm: BTreeMap<String, rfm::Scores>,
    pub tiers: Vec<tier::TierResult>,
    pub stages: Vec<Stage>,
    pub expected_revenue: Vec<Option<i64>>,
    /// Ten-thousandths; only where silent for more than one cycle.
    pub value_at_risk: Vec<Option<i64>>,
    rule: TierRule,
}

/// R, F and M of every customer by every rule of the catalog.
pub fn rfm(
    facts: &[Facts],
    as_of: i32,
    numbers: &[&str],
    rules: &BTreeMap<String, RfmRule>,
) -> Result<BTreeMap<String, rfm::Scores>> {
    let days: Vec<u32> = facts
        .iter()
        .map(|f| u32::try_from(f.days_since_last(as_of)).unwrap_or(0))
        .collect();
    let mut all = BTreeMap::new();
    for (id, rule) in rules {
        let is_window = rule.window_days.is_some();
        let frequency: Vec<u32> = facts
            .iter()
            .map(|f| match (rule.event, is_window) {
                (RfmEvent::Orders, false) => f.n_orders,
                (RfmEvent::Orders, true) => f.orders_365,
                (RfmEvent::PurchaseDays, false) => f.n_purchase_days,
                (RfmEvent::PurchaseDays, true) => f.purchase_days_365,
            })
            .collect();
        let monetary: Vec<i128> = facts
            .iter()
            .map(|f| {
                i128::from(match (rule.amount, is_window) {
                    (RfmAmount::GrossSales, false) => f.gross,
                    (RfmAmount::GrossSales, true) => f.gross_365,
                    (RfmAmount::NetRevenue, false) => f.net,
                    (RfmAmount::NetRevenue, true) => f.net_365,
                })
            })
            .collect();
        let method = match (&rule.method, &rule.thresholds) {
            (RfmMethod::Rank, _) => rfm::Rule::Rank,
            (RfmMethod::CutPoints, _) => rfm::Rule::Cut,
            (RfmMethod::Thresholds, Some(t)) => rfm::Rule::Thresholds(rfm::Thresholds {
                days_since_last: t.recency_days,
                frequency: t.frequency,
                monetary: t.monetary.map(|d| i128::from(d.units())),
            }),
            // The catalog refuses a threshold rule without thresholds.
            (RfmMethod::Thresholds, None) => continue,
        };
        let customers = rfm::Customers {
            ids: numbers,
            days_since_last: &days,
            frequency: &frequency,
            monetary: &monetary,
        };
        all.insert(id.clone(), rfm::score(&customers, &method)?);
    }
    Ok(all)
}

pub fn score(
    base: Base,
    cycles: Vec<f64>,
    predictions: Vec<Prediction>,
    rfm: BTreeMap<String, rfm::Scores>,
    as_of: i32,
    rule: &TierRule,
) -> Result<Scored> {
    let expected_revenue: Vec<Option<i64>> = predictions
        .iter()
        .map(|p| match (p.purchases, p.spend) {
            (Some(n), Some(each)) => units(n * each),
            _ => None,
        })
        .collect();
    let judged: Vec<Judged<'_>> = base
        .facts
        .iter()
        .zip(&cycles)
        .zip(&expected_revenue)
        .map(|((facts, &cycle_days), &expected_revenue_365)| Judged {
            facts,
            cycle_days,
            expected_revenue_365,
        })
        .collect();
    let of_others = base.returns_only.iter().map(|r| i128::from(r.net_365));
    let tiers = tier::tiers(&judged, of_others.sum(), as_of, rule);
    let stages = judged.iter().map(|j| tier::stage(j, as_of, rule)).collect();
    let value_at_risk = judged
        .iter()
        .zip(&predictions)
        .map(|(j, p)| match p.p_alive {
            Some(alive) if j.silence(as_of) > rule.at_risk_cycles => {
                Some((j.facts.net_365 as f64 * (1.0 - alive)).round() as i64)
            }
            _ => None,
        })
        .collect();
    drop(judged);
    Ok(Scored {
        as_of,
        base_cycle: base.base_cycle,
        facts: base.facts,
        returns_only: base.returns_only,
        cycles,
        predictions,
        rfm,
        tiers,
        stages,
        expected_revenue,
        value_at_risk,
        rule: rule.clone(),
    })
}

/// Statistics into exact money, four places; none when it does not fit.
fn units(amount: f64) -> Option<i64> {
    let scaled = (amount * UNIT as f64).round();
    (scaled.is_finite() && scaled.abs() < 9e18).then_some(scaled as i64)
}

/// One row for every customer of the base, those without an order included.
pub fn rows<'a>(
    scored: &'a Scored,
    ids: &'a [i64],
) -> impl Iterator<Item = Vec<Value>> + Send + 'a {
    let mut next = 0;
    let mut returned = scored.returns_only.iter().peekable();
    ids.iter().map(move |&id| {
        if scored.facts.get(next).is_some_and(|f| f.customer == id) {
            next += 1;
            scored.row(next - 1)
        } else {
            prospect(id, returned.next_if(|r| r.customer == id))
        }
    })
}

/// The row of a customer without a purchase: with what went back, if anything.
fn prospect(id: i64, returned: Option<&ReturnsOnly>) -> Vec<Value> {
    let why = reasons::prospect();
    let text = |name: &str| match name {
        "customer" => Value::Int(id),
        "stage" => Value::from(Stage::Prospect.id()),
        "stage_reason_zh" => Value::Text(why.zh.clone()),
        "stage_reason_en" => Value::Text(why.en.clone()),
        _ => Value::Null,
    };
    let money = |r: &ReturnsOnly, name: &str| match name {
        "net_revenue" => Some(r.net),
        "net_revenue_365" => Some(r.net_365),
        "net_revenue_180" => Some(r.net_180),
        "net_revenue_180_before" => Some(r.net_180_before),
        _ => None,
    };
    let field = |name: &&str| match returned.and_then(|r| money(r, name)) {
        Some(units) => Value::Decimal(Decimal::from_units(units)),
        None => text(name),
    };
    FIELDS.iter().map(field).collect()
}

impl Scored {
    fn row(&self, i: usize) -> Vec<Value> {
        let (f, p) = (&self.facts[i], &self.predictions[i]);
        let judged = Judged {
            facts: f,
            cycle_days: self.cycles[i],
            expected_revenue_365: self.expected_revenue[i],
        };
        let tier = self.tiers[i];
        let stage = self.stages[i];
        let tier_why = reasons::tier_reason(&judged, tier, self.as_of, &self.rule);
        let stage_why = reasons::stage_reason(&judged, stage, self.as_of);
        let money = |units: i64| Value::Decimal(Decimal::from_units(units));
        let float = |x: Option<f64>| x.map_or(Value::Null, Value::Float);
        let amount = |x: Option<f64>| x.and_then(units).map_or(Value::Null, money);
        let int = |n: u32| Value::Int(i64::from(n));
        let wait = |k: usize| {
            p.wait_days
                .map(|w| w[k])
                .filter(|days| *days < 36_500.0)
                .map_or(Value::Null, |days| date(self.as_of + days.round() as i32))
        };
        let (margin, basis) = self.margin(f);
        let mut row = Vec::with_capacity(FIELDS.len());
        row.extend([
            Value::Int(f.customer),
            Value::from(tier.tier.id()),
            Value::Text(tier_why.zh),
            Value::Text(tier_why.en),
            Value::from(stage.id()),
            Value::Text(stage_why.zh),
            Value::Text(stage_why.en),
            date(f.first_day),
            date(f.last_day),
            Value::Int(i64::from(f.days_since_last(self.as_of))),
            int(f.n_orders),
            int(f.n_purchase_days),
            money(f.gross),
            money(f.net),
            money(f.net_365),
            money(f.net_180),
            money(f.net_180_before),
            int(f.purchase_days_365),
            Value::Float(self.cycles[i]),
            Value::Float(judged.silence(self.as_of)),
            wait(1),
            wait(0),
            wait(2),
        ]);
        for rule in RFM_RULES {
            match self.rfm.get(rule) {
                Some(s) => row.extend(
                    [s.recency[i], s.frequency[i], s.monetary[i]].map(|n| Value::Int(i64::from(n))),
                ),
                None => row.extend([Value::Null, Value::Null, Value::Null]),
            }
        }
        row.extend([
            float(p.p_alive),
            float(p.p_alive_se),
            float(p.purchases),
            float(p.purchases_se),
            amount(p.spend),
            amount(p.spend_se),
            self.expected_revenue[i].map_or(Value::Null, money),
            amount(p.clv_revenue.map(|v| v * margin)),
            amount(p.clv_revenue_se.map(|v| v * margin.abs())),
            if p.clv_revenue.is_some() {
                Value::from(basis)
            } else {
                Value::Null
            },
            self.value_at_risk[i].map_or(Value::Null, money),
        ]);
        row
    }

    /// The share of net revenue that is left after recorded costs, and what
    /// the lifetime value is therefore called.
    fn margin(&self, f: &Facts) -> (f64, &'static str) {
        match f.cost {
            Some(cost) if f.net > 0 => ((f.net - cost) as f64 / f.net as f64, "margin"),
            _ => (1.0, "revenue"),
        }
    }

    pub fn tier_of(&self, i: usize) -> Tier {
        self.tiers[i].tier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_has_every_field_of_the_definition_but_the_day() {
        let catalog = keji_schema::Catalog::standard().unwrap();
        let defined: Vec<&str> = catalog
            .object("score")
            .unwrap()
            .fields
            .iter()
            .map(|f| f.id.as_str())
            .filter(|id| *id != "as_of")
            .collect();
        assert_eq!(FIELDS, defined);
        assert_eq!(prospect(7, None).len(), FIELDS.len());
    }
}

//! The document of an evaluation for whoever sees a part of the customers: the
//! same counts and sums, of the scores that he sees. The models stay out: they
//! are fitted on everybody.

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::ScanQuery;

use super::doc::{EvaluationDoc, GroupDoc, ModelsDoc, RfmDoc, sum};
use super::score::RFM_RULES;
use super::tier::{Stage, Tier};
use crate::context::App;
use crate::error::Result;
use crate::permission::{Caller, access};

const FIELDS: [&str; 5] = [
    "tier",
    "stage",
    "n_orders",
    "net_revenue_365",
    "value_at_risk",
];
/// Fields of the scores of each rule, in the order of [`RFM_RULES`].
const SCORES: [[&str; 3]; 3] = [
    ["r_reference", "f_reference", "m_reference"],
    ["r_cut", "f_cut", "m_cut"],
    ["r_fixed", "f_fixed", "m_fixed"],
];

#[derive(Default)]
struct Sums {
    customers: usize,
    buyers: usize,
    tiers: BTreeMap<String, (usize, i128)>,
    stages: BTreeMap<String, (usize, i128)>,
    rules: [Rule; 3],
    at_risk: i128,
    n_at_risk: usize,
}

#[derive(Default)]
struct Rule {
    counts: [[usize; 5]; 3],
    cells: BTreeMap<String, usize>,
    matrix: [[(usize, i128); 5]; 5],
}

/// As of a day that was evaluated; `base_cycle_days` is that evaluation's.
pub(super) async fn document(
    app: &App,
    caller: &Caller,
    as_of: Date,
    base_cycle_days: f64,
) -> Result<EvaluationDoc> {
    let mut fields: Vec<String> = FIELDS.map(str::to_owned).into();
    fields.extend(SCORES.iter().flatten().map(|f| (*f).to_owned()));
    let day = format!("as_of = date '{as_of}'");
    let query = ScanQuery {
        object: "score".to_owned(),
        fields,
        filter: Some(Expr::parse_filter(&day, &app.catalog.scope("score"))?),
        sort: Vec::new(),
    };
    let mut sums = Sums::default();
    app.store
        .scan(&query, &access(caller, "score"), |row| -> Result<()> {
            sums.add(row);
            Ok(())
        })
        .await?;
    Ok(sums.document(as_of, base_cycle_days))
}

impl Sums {
    fn add(&mut self, row: &[Value]) {
        let [tier, stage, n_orders, revenue, at_risk, scores @ ..] = row else {
            return;
        };
        let revenue = units(revenue).unwrap_or(0);
        self.customers += 1;
        self.buyers += usize::from(matches!(n_orders, Value::Int(n) if *n > 0));
        for (group, groups) in [(tier, &mut self.tiers), (stage, &mut self.stages)] {
            if let Value::Text(id) = group {
                let group = groups.entry(id.clone()).or_default();
                group.0 += 1;
                group.1 += revenue;
            }
        }
        if let Some(lost) = units(at_risk) {
            self.at_risk += lost;
            self.n_at_risk += usize::from(lost > 0);
        }
        for (rule, scores) in self.rules.iter_mut().zip(scores.chunks(3)) {
            rule.add(scores, revenue);
        }
    }

    fn document(self, as_of: Date, base_cycle_days: f64) -> EvaluationDoc {
        let groups = |ids: Vec<&str>, found: &BTreeMap<String, (usize, i128)>| {
            let group = |id: &str| {
                let (customers, revenue) = found.get(id).copied().unwrap_or_default();
                GroupDoc {
                    customers,
                    net_revenue_365: sum(revenue),
                }
            };
            ids.iter().map(|id| ((*id).to_owned(), group(id))).collect()
        };
        EvaluationDoc {
            as_of,
            at: None,
            is_partial: true,
            n_customers: self.customers,
            n_buyers: self.buyers,
            tiers: groups(Tier::ALL.iter().map(|t| t.id()).collect(), &self.tiers),
            stages: groups(Stage::ALL.iter().map(|s| s.id()).collect(), &self.stages),
            rfm: RFM_RULES
                .iter()
                .map(|id| (*id).to_owned())
                .zip(self.rules.into_iter().map(Rule::document))
                .collect(),
            models: ModelsDoc {
                bg_nbd: None,
                mbg_nbd: None,
                gamma_gamma: None,
                used: None,
                holdout: None,
            },
            value_at_risk: sum(self.at_risk),
            n_at_risk: self.n_at_risk,
            base_cycle_days,
        }
    }
}

impl Rule {
    fn add(&mut self, scores: &[Value], revenue: i128) {
        let score = |value: &Value| match value {
            Value::Int(n @ 1..=5) => usize::try_from(*n - 1).ok(),
            _ => None,
        };
        let [r, f, m] = scores else { return };
        let (Some(r), Some(f), Some(m)) = (score(r), score(f), score(m)) else {
            return;
        };
        for (of, at) in self.counts.iter_mut().zip([r, f, m]) {
            of[at] += 1;
        }
        let cell = format!("{}{}{}", r + 1, f + 1, m + 1);
        *self.cells.entry(cell).or_default() += 1;
        let cell = &mut self.matrix[r][f];
        cell.0 += 1;
        cell.1 += revenue;
    }

    fn document(self) -> RfmDoc {
        let counts = |of: [usize; 5]| {
            let scores = (1..=5).map(|k: usize| k.to_string());
            scores.zip(of).collect::<BTreeMap<_, _>>()
        };
        let [r, f, m] = self.counts;
        RfmDoc {
            r: counts(r),
            f: counts(f),
            m: counts(m),
            cells: self.cells,
            matrix: self
                .matrix
                .iter()
                .map(|row| row.map(|c| c.0).to_vec())
                .collect(),
            money: self
                .matrix
                .iter()
                .map(|row| row.map(|c| sum(c.1)).to_vec())
                .collect(),
        }
    }
}

fn units(value: &Value) -> Option<i128> {
    match value {
        Value::Decimal(amount) => Some(i128::from(amount.units())),
        _ => None,
    }
}

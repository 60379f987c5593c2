//! Sliding gives what one pass per period gives.

use std::collections::BTreeMap;

use jiff::civil::date;
use keji_schema::calendar::Grain;
use keji_schema::question::Question;
use keji_schema::{Catalog, Decimal, Value};

use super::*;
use crate::examples::TinyCopy;
use crate::plan::{Facts, plan};
use crate::run::{Engine, MEMORY_BYTES};

/// Some 400 orders of 30 customers over 500 days, by a fixed rule without
/// pattern; some days have several of one customer.
pub(in crate::run) fn orders() -> Vec<BTreeMap<String, Value>> {
    let mut state = 7u64;
    let mut draw = |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % n
    };
    let mut order = |i: i64| {
        let day = crate::plan::spans::plus(date(2022, 11, 20), draw(500) as i32);
        let customer = draw(31) as i64;
        let kind = if draw(5) == 0 { "return" } else { "sale" };
        let amount = Decimal::from_units(draw(1_000_000) as i64);
        let fields = [
            ("id", Value::Int(i)),
            (
                "customer",
                if customer == 0 {
                    Value::Null
                } else {
                    Value::Int(customer)
                },
            ),
            ("ordered_on", Value::Date(day)),
            ("kind", kind.into()),
            (
                "country",
                if draw(4) == 0 {
                    Value::Null
                } else {
                    ["FR", "DE"][draw(2) as usize].into()
                },
            ),
            ("gross_amount", amount.into()),
            (
                "net_amount",
                if draw(9) == 0 {
                    Value::Null
                } else {
                    amount.into()
                },
            ),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).into()
    };
    (1..=400).map(&mut order).collect()
}

#[tokio::test]
async fn the_same_as_one_pass_per_period() {
    let catalog = Catalog::standard().unwrap();
    let customers = (1..=31).map(|i| BTreeMap::from([("id".to_owned(), Value::Int(i))]));
    let given = BTreeMap::from([
        ("customer".to_owned(), customers.collect()),
        ("order".to_owned(), orders()),
    ]);
    let copy = TinyCopy::new(&catalog, &given).unwrap();
    let engine = Engine::new(MEMORY_BYTES).unwrap();
    let facts = Facts {
        today: date(2030, 1, 1),
        ..copy.facts
    };
    let mut n_compared = 0;
    for metric in [
        "active_customers",
        "repeat_purchase_rate",
        "recency",
        "frequency",
        "monetary",
    ] {
        for by in [
            vec![],
            vec!["country".to_owned()],
            vec!["country".to_owned(), "kind".to_owned()],
        ] {
            let asked = Question {
                metrics: vec![metric.to_owned()],
                by,
                grain: Some(Grain::Month),
                from: Some(date(2023, 1, 1)),
                ..Question::default()
            };
            let plan = plan(&catalog, &asked, None, &facts).unwrap();
            let (engine, snapshot) = (&engine, &copy.snapshot);
            let reader = Reader {
                engine,
                catalog: &catalog,
                snapshot,
                plan: &plan,
            };
            for scan in &plan.scans {
                assert!(slides(scan), "{metric}");
                let passes = scan.passes(&plan, &plan.now).passes;
                let (mut slid, mut passed) = (Groups::default(), Groups::default());
                slide(&reader, scan, &plan.now, &passes, &mut slid)
                    .await
                    .unwrap();
                for pass in passes {
                    let batches = reader.pass(scan, &plan.now, pass).await.unwrap();
                    passed
                        .add(&plan, scan, &plan.now, pass.period, &batches)
                        .unwrap();
                }
                assert_eq!(slid, passed, "{metric} by {:?}", asked.by);
                n_compared += passed.keys().count();
            }
        }
    }
    assert!(n_compared > 200, "{n_compared}");
}

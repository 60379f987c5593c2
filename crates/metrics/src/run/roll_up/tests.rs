//! Whole months and their keys give what reading the rows gives.

use std::collections::BTreeMap;

use jiff::civil::date;
use keji_schema::question::Question;
use keji_schema::{Catalog, Value};

use super::*;
use crate::examples::TinyCopy;
use crate::plan::{Facts, plan};
use crate::run::slide::tests::orders;
use crate::run::{Engine, MEMORY_BYTES, pieces};

fn of(ids: &[usize]) -> Bits {
    let mut bits = Bits::default();
    ids.iter().for_each(|id| bits.set(*id));
    bits
}

#[test]
fn bits_are_sets() {
    let (a, b) = (of(&[1, 64, 200]), of(&[64, 3]));
    assert_eq!(a.count(), 3);
    assert_eq!(a.n_common(&b), 1);
    assert_eq!(a.without(&b), of(&[1, 200]));
    assert_eq!(b.without(&a).count(), 1);
    let mut both = b.clone();
    both.add(&a);
    assert_eq!(both, of(&[1, 3, 64, 200]));
}

#[test]
fn seen_twice_adds_up() {
    let seen = |once: &[usize], twice: &[usize]| Seen {
        once: of(once),
        twice: of(twice),
    };
    let mut all = Seen::default();
    all.add(&seen(&[1, 2, 70], &[2]));
    assert_eq!(all, seen(&[1, 2, 70], &[2]));
    all.add(&seen(&[1, 3], &[]));
    assert_eq!(all.once, of(&[1, 2, 3, 70]));
    assert_eq!(all.twice.count(), 2);
    assert_eq!(all.twice.without(&of(&[1, 2])).count(), 0);
}

#[tokio::test]
async fn the_same_as_reading_every_row() {
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
    let spans = [
        (None, None),
        (Some(date(2023, 1, 1)), Some(date(2023, 10, 1))),
        (Some(date(2022, 12, 13)), Some(date(2023, 7, 22))),
        (Some(date(2030, 1, 1)), None),
    ];
    let metrics = [
        "buyers",
        "new_customers",
        "cohort_retention",
        "net_revenue",
        "orders",
        "average_order_value",
        "repeat_purchase_rate",
        "repeat_customer_share",
        "active_customers",
    ];
    let grains = [
        Grain::Day,
        Grain::Week,
        Grain::Month,
        Grain::Quarter,
        Grain::Year,
    ];
    let (mut n_rolled, mut n_cut, mut n_values) = (0, 0, 0);
    for metric in metrics {
        for grain in grains.map(Some).into_iter().chain([None]) {
            for (from, to) in spans {
                let is_cohort = metric == "cohort_retention";
                if is_cohort && grain != Some(Grain::Month) {
                    continue;
                }
                let asked = Question {
                    metrics: vec![metric.to_owned()],
                    grain: grain.filter(|_| !is_cohort),
                    from,
                    to,
                    ..Question::default()
                };
                // Some say that they are not honest by the day.
                let Ok(plan) = plan(&catalog, &asked, None, &facts) else {
                    assert!(matches!(grain, Some(Grain::Day | Grain::Week)), "{metric}");
                    continue;
                };
                let reader = Reader {
                    engine: &engine,
                    catalog: &catalog,
                    snapshot: &copy.snapshot,
                    plan: &plan,
                };
                for scan in &plan.scans {
                    let span = &plan.now;
                    let mut whole = Groups::default();
                    for pass in scan.passes(&plan, span).passes {
                        let batches = reader.computed(scan, span, pass).await.unwrap();
                        whole.add(&plan, scan, span, pass.period, &batches).unwrap();
                    }
                    let ours = match rolled_up(&reader, scan, span).await.unwrap() {
                        Some(rolled) => {
                            n_rolled += 1;
                            rolled
                        }
                        None => {
                            let passes = scan.passes(&plan, span).passes;
                            let n = passes.len();
                            let mut cut = Groups::default();
                            let pieces = pieces(&reader, scan, span, passes);
                            n_cut += usize::from(pieces.len() > n);
                            for pass in pieces {
                                let batches = reader.pass(scan, span, pass).await.unwrap();
                                cut.add(&plan, scan, span, pass.period, &batches).unwrap();
                            }
                            cut
                        }
                    };
                    let (ours, whole) = (ours.without_zeros(), whole.without_zeros());
                    n_values += whole.len();
                    assert_eq!(ours, whole, "{metric} by {grain:?} from {from:?} to {to:?}");
                }
            }
        }
    }
    assert!(n_rolled > 70 && n_cut > 20, "{n_rolled} {n_cut}");
    assert!(n_values > 1_000, "{n_values}");
}

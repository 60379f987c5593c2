//! The streaming pass against a naive reading of the same orders, and small
//! literal cases.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use keji_schema::{Decimal, Type, Value};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::*;
use crate::rows::{Column, RowBuilder, arrow_schema};

#[derive(Debug, Clone)]
struct Order {
    customer: Option<i64>,
    kind: &'static str,
    on: Date,
    gross: i64,
    net: i64,
}

fn sale(customer: i64, on: Date, gross: i64) -> Order {
    Order {
        customer: Some(customer),
        kind: "sale",
        on,
        gross,
        net: gross,
    }
}

/// One file per month, or two where `split`, rows in the order given.
fn write(folder: &Path, orders: &[Order], split: bool) -> Vec<DataFile> {
    let column = |name: &str, kind, required| Column {
        name: name.into(),
        kind,
        required,
    };
    let schema = arrow_schema(&[
        column("id", Type::Link, true),
        column("customer", Type::Link, false),
        column("kind", Type::Choice, true),
        column("note", Type::Text, false),
        column("ordered_on", Type::Date, true),
        column("net_amount", Type::Decimal, true),
        column("gross_amount", Type::Decimal, true),
    ]);
    let mut months: BTreeMap<(Date, usize), Vec<&Order>> = BTreeMap::new();
    for (i, order) in orders.iter().enumerate() {
        let part = if split { i % 2 } else { 0 };
        months
            .entry((order.on.first_of_month(), part))
            .or_default()
            .push(order);
    }
    let file = |((month, part), orders): ((Date, usize), Vec<&Order>)| {
        let mut rows = RowBuilder::new(schema.clone());
        for (i, o) in orders.iter().enumerate() {
            rows.append(&[
                Value::Int(i as i64),
                o.customer.map_or(Value::Null, Value::Int),
                Value::from(o.kind),
                Value::Null,
                Value::Date(o.on),
                Value::Decimal(Decimal::from_units(o.net)),
                Value::Decimal(Decimal::from_units(o.gross)),
            ])
            .unwrap();
        }
        let path = folder.join(format!("{month}-{part}.parquet"));
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), schema.clone(), None).unwrap();
        writer.write(&rows.finish().unwrap()).unwrap();
        writer.close().unwrap();
        DataFile {
            path,
            month: Some(month),
            n_rows: orders.len() as u64,
            n_bytes: 0,
        }
    };
    months.into_iter().map(file).collect()
}

fn summarised(orders: &[Order], as_of: Date) -> Summaries {
    let folder = tempfile::tempdir().unwrap();
    summarise(&write(folder.path(), orders, false), as_of, 0).unwrap()
}

fn median(sorted: &[i32]) -> Option<f64> {
    let n = sorted.len();
    let middle = |i: usize| f64::from(sorted[i]);
    (n > 0).then(|| (middle((n - 1) / 2) + middle(n / 2)) / 2.0)
}

/// The definitions, read one by one.
fn naive(orders: &[Order], customer: i64, as_of: Date) -> Option<(Summary, Vec<i32>)> {
    let own: Vec<_> = orders
        .iter()
        .filter(|o| o.customer == Some(customer) && o.on < as_of)
        .collect();
    if own.is_empty() {
        return None;
    }
    let bought: Vec<_> = own
        .iter()
        .filter(|o| o.kind == "sale" && o.gross > 0)
        .collect();
    let mut days: Vec<i32> = bought.iter().map(|o| epoch_days(o.on)).collect();
    days.sort();
    days.dedup();
    let gaps: Vec<i32> = days.windows(2).map(|d| d[1] - d[0]).collect();
    let mut sorted = gaps.clone();
    sorted.sort();
    let day = epoch_days(as_of);
    let within = |on: Date, from: i32, to: i32| (day - from..day - to).contains(&epoch_days(on));
    let net = |from, to| -> i64 {
        let counts = |o: &&&Order| o.kind != "adjustment" && within(o.on, from, to);
        own.iter().filter(counts).map(|o| o.net).sum()
    };
    let first = days.first().copied();
    let gross = |keep: &dyn Fn(&Order) -> bool| -> i64 {
        bought.iter().filter(|o| keep(o)).map(|o| o.gross).sum()
    };
    let summary = Summary {
        customer,
        first_day: first.unwrap_or(0),
        last_day: days.last().copied().unwrap_or(0),
        n_orders: bought.len() as u32,
        n_purchase_days: days.len() as u32,
        n_returns: own.iter().filter(|o| o.kind == "return").count() as u32,
        gross_units: gross(&|_| true),
        first_gross_units: gross(&|o| Some(epoch_days(o.on)) == first),
        net_units: net(1_000_000, 0),
        n_orders_365: bought.iter().filter(|o| within(o.on, 365, 0)).count() as u32,
        n_purchase_days_365: days.iter().filter(|&&d| d >= day - 365).count() as u32,
        gross_365_units: gross(&|o| within(o.on, 365, 0)),
        net_365_units: net(365, 0),
        net_180_units: net(180, 0),
        net_180_before_units: net(360, 180),
        median_gap_doubled: median(&sorted).map_or(0, |m| (m * 2.0) as u32),
    };
    Some((summary, gaps))
}

fn naive_won_back(summary: &Summary, gaps: &[i32], prior: f64) -> Option<Date> {
    let rule = CycleRule::default();
    let mut day = summary.first_day;
    let mut last = None;
    for (i, &gap) in gaps.iter().enumerate() {
        let mut before = gaps[..i].to_vec();
        before.sort();
        day += gap;
        let cycle = rule.cycle_days(i as u32 + 1, median(&before), prior);
        if f64::from(gap) > 2.0 * cycle {
            last = from_epoch_days(day);
        }
    }
    last
}

prop_compose! {
    fn order()(
        customer in prop::option::weighted(0.95, 1i64..6),
        kind in prop::sample::select(vec!["sale", "sale", "sale", "return", "adjustment"]),
        day in 0i64..900,
        gross in 0i64..4,
        net in -5i64..5,
    ) -> Order {
        Order { customer, kind, on: date(2010, 12, 1).checked_add(day.days()).unwrap(), gross, net }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn equals_the_naive_reading(
        orders in prop::collection::vec(order(), 0..200),
        as_of in 0i64..1000,
        split: bool,
    ) {
        let as_of = date(2010, 11, 20).checked_add(as_of.days()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let all = summarise(&write(folder.path(), &orders, split), as_of, 3).unwrap();
        let before: Vec<_> = orders.iter().filter(|o| o.on < as_of).collect();
        prop_assert_eq!(all.n_orders(), before.len() as u64);
        let nobody = before.iter().filter(|o| o.customer.is_none()).count();
        prop_assert_eq!(all.n_without_customer(), nobody as u64);
        let mut present = 0;
        let mut medians = Vec::new();
        for customer in 0..8 {
            let expected = naive(&orders, customer, as_of);
            prop_assert_eq!(all.get(customer), expected.as_ref().map(|e| e.0));
            let Some((summary, gaps)) = expected else { continue };
            present += 1;
            medians.extend(summary.median_gap_days());
            let found: Vec<i32> = all.gaps(customer).iter().map(|&g| i32::from(g)).collect();
            prop_assert_eq!(&found, &gaps);
            for prior in [7.0, 20.5, 90.0] {
                let won_back = all.won_back_on(customer, prior, &CycleRule::default());
                prop_assert_eq!(won_back, naive_won_back(&summary, &gaps, prior));
            }
        }
        prop_assert_eq!(all.len(), present);
        prop_assert_eq!(all.iter().count(), present);
        let doubled: Vec<i32> = { let mut d: Vec<_> = medians.iter().map(|m| (m * 2.0) as i32).collect(); d.sort(); d };
        prop_assert_eq!(all.base_median_gap(), median(&doubled).map(|m| m / 2.0));
    }
}

#[test]
fn orders_of_one_day_are_one_purchase() {
    let all = summarised(
        &[
            sale(2, date(2011, 1, 31), 30),
            sale(2, date(2011, 1, 5), 10),
            sale(2, date(2011, 1, 5), 20),
            sale(2, date(2011, 2, 4), 50),
        ],
        date(2011, 3, 1),
    );
    let summary = all.get(2).unwrap();
    assert_eq!((summary.n_orders, summary.n_purchase_days), (4, 3));
    assert_eq!((summary.gross_units, summary.first_gross_units), (110, 30));
    assert_eq!(summary.first_on(), Some(date(2011, 1, 5)));
    assert_eq!(summary.last_on(), Some(date(2011, 2, 4)));
    assert_eq!(summary.days_since_last(date(2011, 3, 1)), Some(25));
    assert_eq!(all.gaps(2), [26, 4]);
    assert_eq!(summary.median_gap_days(), Some(15.0));
    assert_eq!(all.base_median_gap(), Some(15.0));
}

#[test]
fn facts_of_the_day_itself_do_not_count() {
    let orders = [
        sale(1, date(2011, 1, 5), 10),
        sale(1, date(2011, 1, 6), 20),
        sale(1, date(2011, 2, 1), 40),
    ];
    let summary = summarised(&orders, date(2011, 1, 6)).get(1).unwrap();
    assert_eq!((summary.n_orders, summary.gross_units), (1, 10));
    assert_eq!(summarised(&orders, date(2011, 1, 5)).len(), 0);
}

#[test]
fn a_customer_with_returns_only_is_present_without_a_purchase() {
    let refund = Order {
        customer: Some(3),
        kind: "return",
        on: date(2011, 1, 5),
        gross: 0,
        net: -7,
    };
    let gift = Order {
        customer: Some(4),
        kind: "sale",
        on: date(2011, 1, 5),
        gross: 0,
        net: 0,
    };
    let all = summarised(&[refund, gift], date(2011, 3, 1));
    let summary = all.get(3).unwrap();
    assert_eq!(
        (
            summary.n_purchase_days,
            summary.n_returns,
            summary.net_units
        ),
        (0, 1, -7)
    );
    assert_eq!(
        (
            summary.first_on(),
            summary.days_since_last(date(2011, 3, 1))
        ),
        (None, None)
    );
    assert_eq!((all.len(), all.get(4).unwrap().n_orders), (2, 0));
    assert_eq!((all.get(1), all.base_median_gap()), (None, None));
}

#[test]
fn a_return_after_twice_the_cycle_is_a_win_back() {
    // Monthly, then 70 days of silence, then monthly again. With k = 3 and the
    // base's 20 days the cycle before it is (3·30 + 3·20) ÷ 6 = 25.
    let start = date(2011, 1, 1);
    let on = |days: i64| start.checked_add(days.days()).unwrap();
    let orders = [0, 30, 60, 130, 160].map(|d| sale(1, on(d), 1));
    let all = summarised(&orders, on(161));
    assert_eq!(
        all.won_back_on(1, 20.0, &CycleRule::default()),
        Some(on(130))
    );
    // With the base's 40 days it is 35, and 70 is not more than twice that.
    assert_eq!(all.won_back_on(1, 40.0, &CycleRule::default()), None);
    assert_eq!(all.won_back_on(9, 20.0, &CycleRule::default()), None);
}

#[test]
fn a_total_beyond_the_exact_decimal_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let files = write(
        folder.path(),
        &[
            sale(1, date(2011, 1, 5), i64::MAX),
            sale(1, date(2011, 1, 6), 1),
        ],
        false,
    );
    let error = summarise(&files, date(2011, 3, 1), 1).unwrap_err();
    assert!(matches!(error, crate::Error::Overflow(_)), "{error}");
}

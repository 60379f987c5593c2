//! What the numbers mean, on records that can be counted by hand.

use crate::tiny::{self, Tiny, day};
use keji_schema::question::Status;

/// Two customers, an anonymous order, a return, three months, two lines in the
/// first order.
const SHOP: &str = r#"
customer = [
  { number = "A", kind = "company", country = "中国" },
  { number = "B", kind = "person", country = "德国" },
]
product = [
  { number = "P", category = "tea" },
  { number = "Q", category = "cups" },
  { number = "R" },
]
order = [
  { number = "1", customer = "A", kind = "sale", ordered_on = "2024-01-05", country = "FR", gross_amount = "30", net_amount = "35" },
  { number = "2", customer = "B", kind = "sale", ordered_on = "2024-01-31", country = "DE", gross_amount = "5", net_amount = "5" },
  { number = "3", customer = "A", kind = "sale", ordered_on = "2024-03-01", country = "FR", gross_amount = "7.5", net_amount = "7.5" },
  { number = "4", kind = "sale", ordered_on = "2024-03-02", country = "DE", gross_amount = "1", net_amount = "1" },
  { number = "C5", customer = "A", kind = "return", ordered_on = "2024-03-09", country = "FR", gross_amount = "0", net_amount = "-10" },
]
order_line = [
  { order = "1", product = "P", quantity = "2", price = "10", amount = "20" },
  { order = "1", product = "Q", quantity = "1", price = "10", amount = "10" },
  { order = "2", product = "P", quantity = "1", price = "5", amount = "5" },
  { order = "3", product = "R", quantity = "1", price = "7.5", amount = "7.5" },
  { order = "4", quantity = "1", price = "1", amount = "1" },
  { order = "C5", product = "P", quantity = "-1", price = "10", amount = "-10" },
]
"#;

#[tokio::test]
async fn lines_never_inflate_their_order() {
    let shop = Tiny::new(SHOP);
    // Gross sales are summed over lines, net revenue over orders; order 1 has
    // two lines and one freight of 5.
    let rows =
        shop.rows(r#""metrics": ["gross_sales", "net_revenue", "orders"], "by": ["country"]"#);
    assert_eq!(rows.await, ["DE | 6 | 6 | 2", "FR | 37.5 | 32.5 | 2"]);
    // Each value is the one asked alone.
    let whole = shop.rows(r#""metrics": ["gross_sales", "net_revenue", "orders"]"#);
    assert_eq!(whole.await, ["43.5 | 38.5 | 4"]);
}

#[tokio::test]
async fn every_period_of_the_span_appears() {
    let shop = Tiny::new(SHOP);
    let rows = shop.rows(
        r#""metrics": ["gross_sales", "orders", "average_order_value"], "grain": "month",
           "from": "2024-01-01", "to": "2024-04-01", "as_of": "2024-04-01""#,
    );
    // Nothing was sold in February: sums are 0, the average is unknown.
    let expected = [
        "2024-01-01 | 35 | 2 | 20",
        "2024-02-01 | 0 | 0 | null",
        "2024-03-01 | 8.5 | 2 | 4.25",
    ];
    assert_eq!(rows.await, expected);
}

#[tokio::test]
async fn periods_with_dimensions_are_filled_too() {
    let shop = Tiny::new(SHOP);
    let rows = shop.rows(
        r#""metrics": ["orders"], "by": ["customer.kind"], "grain": "quarter",
           "from": "2023-10-01", "to": "2024-04-01", "as_of": "2024-04-01""#,
    );
    // The anonymous order has no kind; null comes last.
    let expected = [
        "2023-10-01 | company | 0",
        "2023-10-01 | person | 0",
        "2023-10-01 | null | 0",
        "2024-01-01 | company | 2",
        "2024-01-01 | person | 1",
        "2024-01-01 | null | 1",
    ];
    assert_eq!(rows.await, expected);
}

#[tokio::test]
async fn distinct_customers_do_not_add_up_over_periods() {
    let shop = Tiny::new(SHOP);
    let span = r#""from": "2024-01-01", "to": "2024-04-01", "as_of": "2024-04-01""#;
    let months = shop.rows(format!(
        r#""metrics": ["buyers"], "grain": "month", {span}"#
    ));
    assert_eq!(
        months.await,
        ["2024-01-01 | 2", "2024-02-01 | 0", "2024-03-01 | 1"]
    );
    let whole = shop.rows(format!(r#""metrics": ["buyers"], {span}"#));
    assert_eq!(whole.await, ["2"]);
    let lines = shop.rows(format!(
        r#""metrics": ["gross_sales"], "by": ["product.category"], {span}"#
    ));
    assert_eq!(lines.await, ["cups | 10", "tea | 25", "null | 8.5"]);
}

#[tokio::test]
async fn a_filter_reaches_every_measure_at_its_own_object() {
    let shop = Tiny::new(SHOP);
    let filtered =
        |filter: &str| format!(r#""metrics": ["gross_sales", "net_revenue"], "where": "{filter}""#);
    let rows = shop.rows(filtered("customer is not null"));
    assert_eq!(rows.await, ["42.5 | 37.5"]);
    let rows = shop.rows(filtered("customer is null"));
    assert_eq!(rows.await, ["1 | 1"]);
    let rows = shop.rows(filtered("customer.country in ('德国', '法国')"));
    assert_eq!(rows.await, ["5 | 5"]);
    let rows = shop.rows(filtered("customer.kind = 'company' and country = 'FR'"));
    assert_eq!(rows.await, ["37.5 | 32.5"]);
    let rows = shop.rows(r#""metrics": ["gross_sales"], "where": "product.category = 'tea'""#);
    assert_eq!(rows.await, ["25"]);
    // Nobody from there: an empty sum, an unknown average.
    let rows =
        shop.rows(r#""metrics": ["orders", "average_order_value"], "where": "country = 'XX'""#);
    assert_eq!(rows.await, ["0 | null"]);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let shop = Tiny::new(SHOP);
    assert_eq!(
        shop.refusal(r#""metrics": ["net_revenue"], "by": ["product.category"]"#)
            .split(';')
            .next()
            .unwrap(),
        "metric `net_revenue` has no dimension `product.category`"
    );
    let refusal = shop.refusal(r#""metrics": ["orders"], "where": "product.category = 'tea'""#);
    assert!(
        refusal.contains("metric `orders` has no dimension `product.category`"),
        "{refusal}"
    );
    assert_eq!(
        shop.refusal(r#""metrics": ["repeat_purchase_rate"], "grain": "day""#),
        "metric `repeat_purchase_rate` is honest by month at the finest, not by day"
    );
    assert_eq!(
        shop.refusal(r#""metrics": ["orders"], "from": "2024-02-01", "to": "2024-02-01""#),
        "the period from 2024-02-01 to 2024-02-01 has no day"
    );
    assert_eq!(
        shop.refusal(r#""metrics": ["orders"], "sort": ["-money"]"#),
        "cannot sort by `money`; the columns are orders"
    );
    assert_eq!(
        shop.refusal(r#""metrics": ["orders", "cohort_customers"]"#),
        "cohort metrics are asked apart from other metrics"
    );
}

#[tokio::test]
async fn only_facts_before_as_of_count() {
    let shop = Tiny::new(SHOP);
    // The order of 31 January is not before 31 January.
    let rows = shop.rows(r#""metrics": ["orders"], "as_of": "2024-01-31""#);
    assert_eq!(rows.await, ["1"]);
    // Without as_of everything counts: the day after the last fact.
    let answer = shop.answer(r#""metrics": ["orders"]"#).await;
    assert_eq!(answer.as_of, day("2024-03-10"));
    assert_eq!(
        (answer.period.from, answer.period.to),
        (day("2024-01-05"), day("2024-03-10"))
    );
}

#[tokio::test]
async fn a_running_period_is_compared_over_equal_time() {
    let days = Tiny::new(
        r#"order = [
          { kind = "sale", ordered_on = "2024-01-09", gross_amount = "4", net_amount = "4" },
          { kind = "sale", ordered_on = "2024-01-10", gross_amount = "100", net_amount = "100" },
          { kind = "sale", ordered_on = "2024-02-01", gross_amount = "5", net_amount = "5" },
          { kind = "return", ordered_on = "2024-02-09", gross_amount = "0", net_amount = "-3" },
        ]"#,
    );
    // Nine days of February against nine of January: the 100 are too late.
    let asked = r#""metrics": ["net_revenue", "orders"], "from": "2024-02-01", "to": "2024-03-01",
                   "as_of": "2024-02-10", "compare": "previous""#;
    let answer = days.answer(asked).await;
    assert_eq!(tiny::shown(&answer.rows), ["2 | 4 | ~-0.5 | 1 | 1 | ~0"]);
    let compared = answer.compared.unwrap();
    assert_eq!(
        (compared.from, compared.to),
        (day("2024-01-01"), day("2024-01-10"))
    );
    assert_eq!(answer.status, Status::Open);
    let names: Vec<_> = answer.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names[..3],
        ["net_revenue", "net_revenue_previous", "net_revenue_change"]
    );
    // Of the year before nothing is known: that is not zero.
    let rows = days.rows(asked.replace("previous", "year"));
    assert_eq!(rows.await, ["2 | null | null | 1 | null | null"]);
    // Days after the first fact without one are zero: nothing was sold.
    let rows = days.rows(
        r#""metrics": ["orders"], "grain": "day", "from": "2024-01-10", "to": "2024-01-13",
           "as_of": "2024-03-01", "compare": "previous""#,
    );
    assert_eq!(
        rows.await,
        [
            "2024-01-10 | 1 | null | null",
            "2024-01-11 | 0 | null | null",
            "2024-01-12 | 0 | 1 | ~-1"
        ]
    );
    let rows = days.rows(
        r#""metrics": ["orders"], "from": "2024-01-12", "to": "2024-01-13",
           "as_of": "2024-03-01", "compare": "previous""#,
    );
    assert_eq!(rows.await, ["0 | 0 | null"]);
}

#[tokio::test]
async fn comparison_joins_positions_and_dimensions() {
    let shop = Tiny::new(SHOP);
    let rows = shop.rows(
        r#""metrics": ["orders"], "by": ["country"], "from": "2024-03-01", "to": "2024-04-01",
           "as_of": "2024-04-01", "compare": "previous""#,
    );
    assert_eq!(rows.await, ["DE | 1 | 0 | null", "FR | 1 | 0 | null"]);
    let rows = shop.rows(
        r#""metrics": ["net_revenue"], "by": ["customer.number"], "from": "2024-02-01",
           "to": "2024-04-01", "as_of": "2024-04-01", "compare": "previous",
           "sort": ["-abs:net_revenue_change"]"#,
    );
    // B bought before and not now; the anonymous order has no before.
    assert_eq!(
        rows.await,
        [
            "A | -2.5 | 35 | ~-1.071429",
            "B | 0 | 5 | ~-1",
            "null | 1 | 0 | null"
        ]
    );
    let rows = shop.rows(
        r#""metrics": ["orders"], "grain": "month", "from": "2024-02-01", "to": "2024-04-01",
           "as_of": "2024-04-01", "compare": "previous""#,
    );
    // December, of which nothing is known, and January stand before February
    // and March.
    assert_eq!(
        rows.await,
        ["2024-02-01 | 0 | null | null", "2024-03-01 | 2 | 2 | ~0"]
    );
}

#[tokio::test]
async fn weeks_begin_on_monday_and_years_at_new_year() {
    let days = Tiny::new(
        r#"order = [
          { kind = "sale", ordered_on = "2023-12-31", gross_amount = "1", net_amount = "1" },
          { kind = "sale", ordered_on = "2024-01-01", gross_amount = "2", net_amount = "2" },
          { kind = "sale", ordered_on = "2024-01-07", gross_amount = "4", net_amount = "4" },
          { kind = "sale", ordered_on = "2024-01-08", gross_amount = "8", net_amount = "8" },
        ]"#,
    );
    let by = |grain: &str| format!(r#""metrics": ["net_revenue"], "grain": "{grain}""#);
    // 31 December 2023 was a Sunday.
    let weeks = ["2023-12-25 | 1", "2024-01-01 | 6", "2024-01-08 | 8"];
    assert_eq!(days.rows(by("week")).await, weeks);
    assert_eq!(
        days.rows(by("year")).await,
        ["2023-01-01 | 1", "2024-01-01 | 14"]
    );
    assert_eq!(
        days.rows(by("quarter")).await,
        ["2023-10-01 | 1", "2024-01-01 | 14"]
    );
    let of_days = days.rows(by("day")).await;
    assert_eq!((of_days.len(), of_days[1].as_str()), (9, "2024-01-01 | 2"));
}

#[tokio::test]
async fn a_value_is_open_then_unsettled_then_settled() {
    let metric = r#"
code = "X01"
version = 1
group = "test"
name = { zh = "退货额", en = "Returns" }
about = { zh = "退货单的净额。", en = "Net amount of returns." }
unit = "money"
direction = "down"
settle_days = 10
[measure]
agg = "sum"
from = "order"
expr = "net_amount"
where = "kind = 'return'"
[[example]]
as_of = "2024-02-01"
rows = [["0"]]
given = {}
"#;
    let shop = Tiny::with_metrics(SHOP, &[("returns", metric)]);
    let answer = shop
        .answer(r#""metrics": ["returns"], "grain": "month", "as_of": "2024-03-10""#)
        .await;
    // February ended nine days before.
    assert_eq!(
        tiny::shown(&answer.rows),
        ["2024-01-01 | 0", "2024-02-01 | 0", "2024-03-01 | -10"]
    );
    assert_eq!(
        answer.row_status,
        [Status::Settled, Status::Unsettled, Status::Open]
    );
    assert_eq!(answer.status, Status::Open);
}

#[tokio::test]
async fn the_rest_is_cut_and_said() {
    let shop = Tiny::new(SHOP);
    let answer = shop
        .answer(
            r#""metrics": ["orders"], "by": ["customer.number"], "sort": ["-orders"], "limit": 2"#,
        )
        .await;
    assert_eq!(tiny::shown(&answer.rows), ["A | 2", "B | 1"]);
    assert!(answer.truncated);
    assert_eq!(answer.row_status.len(), 2);
}

#[tokio::test]
async fn windows_slide_with_their_periods() {
    let days = Tiny::new(
        r#"
customer = [{ number = "A" }, { number = "B" }]
order = [
  { customer = "A", kind = "sale", ordered_on = "2023-02-10", gross_amount = "1", net_amount = "1" },
  { customer = "A", kind = "sale", ordered_on = "2024-01-15", gross_amount = "2", net_amount = "2" },
  { customer = "B", kind = "sale", ordered_on = "2024-02-20", gross_amount = "4", net_amount = "4" },
]"#,
    );
    let rows = days.rows(
        r#""metrics": ["active_customers", "repeat_purchase_rate", "recency", "new_customers"],
           "grain": "month", "from": "2024-01-01", "to": "2024-04-01", "as_of": "2024-03-11""#,
    );
    // March runs until the 10th: 56 days since A, 20 since B.
    let expected = [
        "2024-01-01 | 1 | ~1 | ~17 | 0",
        "2024-02-01 | 2 | ~0 | ~28 | 1",
        "2024-03-01 | 2 | ~0 | ~38 | 0",
    ];
    assert_eq!(rows.await, expected);
}

#[tokio::test]
async fn the_last_evaluation_counts_and_none_is_unknown() {
    let scores = Tiny::new(
        r#"
customer = [{ number = "A", country = "FR" }, { number = "B", country = "DE" }]
score = [
  { as_of = "2024-02-01", customer = "A", tier = "vip", clv_12m = "10" },
  { as_of = "2024-02-01", customer = "B", tier = "regular", clv_12m = "1" },
  { as_of = "2024-02-15", customer = "A", tier = "vip", clv_12m = "20" },
  { as_of = "2024-02-15", customer = "B", tier = "dormant" },
]"#,
    );
    let rows = scores.rows(
        r#""metrics": ["predicted_clv", "high_value_share"], "grain": "month",
           "from": "2023-12-01", "to": "2024-04-01", "as_of": "2024-03-05""#,
    );
    // At the end of January stands the evaluation of 1 February.
    let expected = [
        "2023-12-01 | null | null",
        "2024-01-01 | 11 | ~0.5",
        "2024-02-01 | 20 | ~0.5",
        "2024-03-01 | 20 | ~0.5",
    ];
    assert_eq!(rows.await, expected);
    // An evaluation without such customers is known to have none; a sum of
    // unknown values is unknown.
    let asked =
        r#""metrics": ["predicted_clv"], "as_of": "2024-03-01", "where": "tier = 'potential'""#;
    assert_eq!(scores.rows(asked).await, ["0"]);
    let asked =
        r#""metrics": ["predicted_clv"], "as_of": "2024-03-01", "by": ["customer.country"]"#;
    assert_eq!(scores.rows(asked).await, ["DE | null", "FR | 20"]);
}

#[tokio::test]
async fn cohorts_age_until_as_of_and_the_running_month_is_open() {
    let shop = Tiny::new(SHOP);
    let answer = shop
        .answer(r#""metrics": ["cohort_customers", "cohort_retention"], "as_of": "2024-03-10""#)
        .await;
    // A and B begin in January; A is back in March, which still runs.
    let expected = [
        "2024-01-01 | 0 | 2 | ~1",
        "2024-01-01 | 1 | 0 | ~0",
        "2024-01-01 | 2 | 1 | ~0.5",
        "2024-02-01 | 0 | 0 | null",
        "2024-02-01 | 1 | 0 | null",
        "2024-03-01 | 0 | 0 | null",
    ];
    assert_eq!(tiny::shown(&answer.rows), expected);
    use Status::{Open, Settled};
    assert_eq!(
        answer.row_status,
        [Settled, Settled, Open, Settled, Open, Open]
    );
    let by_kind = shop
        .rows(r#""metrics": ["cohort_customers"], "by": ["customer.kind"], "to": "2024-02-01""#);
    let expected = [
        "2024-01-01 | 0 | company | 1",
        "2024-01-01 | 0 | person | 1",
        "2024-01-01 | 1 | company | 0",
        "2024-01-01 | 1 | person | 0",
        "2024-01-01 | 2 | company | 1",
        "2024-01-01 | 2 | person | 0",
    ];
    assert_eq!(by_kind.await, expected);
}

#[tokio::test]
async fn money_is_exact_and_rounded_away_from_zero_once() {
    let days = Tiny::new(
        r#"order = [
          { kind = "sale", ordered_on = "2024-01-01", gross_amount = "0.1", net_amount = "0.0001" },
          { kind = "sale", ordered_on = "2024-01-01", gross_amount = "0.2", net_amount = "0.0001" },
          { kind = "return", ordered_on = "2024-01-01", gross_amount = "0", net_amount = "-900000000000000" },
          { kind = "sale", ordered_on = "2024-01-01", gross_amount = "0.2", net_amount = "900000000000000" },
          { kind = "sale", ordered_on = "2024-01-02", gross_amount = "1", net_amount = "-0.0001" },
          { kind = "sale", ordered_on = "2024-01-02", gross_amount = "1", net_amount = "0" },
        ]"#,
    );
    assert_eq!(days.rows(r#""metrics": ["net_revenue"]"#).await, ["0.0001"]);
    // −0.0001 over two orders: half of a ten-thousandth goes away from zero.
    let asked = r#""metrics": ["average_order_value"], "from": "2024-01-02""#;
    assert_eq!(days.rows(asked).await, ["-0.0001"]);
}

#[tokio::test]
async fn an_empty_copy_answers_too() {
    let nothing = Tiny::new("");
    let rows = nothing.rows(
        r#""metrics": ["gross_sales", "orders", "average_order_value", "recency", "p_alive"]"#,
    );
    assert_eq!(rows.await, ["0 | 0 | null | null | null"]);
    let none: [&str; 0] = [];
    let by = r#""metrics": ["orders"], "by": ["country"]"#;
    assert_eq!(nothing.rows(by).await, none);
    let cohorts = r#""metrics": ["cohort_retention"]"#;
    assert_eq!(nothing.rows(cohorts).await, none);
}

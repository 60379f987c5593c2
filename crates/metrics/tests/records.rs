//! The records behind a number.

use crate::tiny::{Tiny, asked, shown};
use keji_metrics::records::{Records, records};

const SHOP: &str = r#"
customer = [{ number = "A", kind = "company" }, { number = "B", kind = "person" }]
order = [
  { number = "1", customer = "A", kind = "sale", ordered_on = "2024-01-05", country = "FR", gross_amount = "30", net_amount = "30" },
  { number = "2", customer = "B", kind = "sale", ordered_on = "2024-01-31", country = "DE", gross_amount = "5", net_amount = "5" },
  { number = "3", customer = "A", kind = "sale", ordered_on = "2024-03-01", country = "FR", gross_amount = "7.5", net_amount = "7.5" },
  { number = "C4", customer = "A", kind = "return", ordered_on = "2024-03-09", country = "FR", gross_amount = "0", net_amount = "-10" },
]
order_line = [
  { order = "1", quantity = "2", price = "15", amount = "30" },
  { order = "2", quantity = "1", price = "5", amount = "5" },
  { order = "3", quantity = "1", price = "7.5", amount = "7.5" },
  { order = "C4", quantity = "-1", price = "10", amount = "-10" },
]
score = [
  { as_of = "2024-02-01", customer = "A", tier = "vip" },
  { as_of = "2024-03-01", customer = "A", tier = "vip" },
  { as_of = "2024-03-01", customer = "B", tier = "regular" },
]
"#;

async fn behind(shop: &Tiny, question: &str) -> Records {
    let facts = shop.facts();
    let (engine, snapshot) = (&shop.engine, &shop.copy.snapshot);
    records(
        engine,
        &shop.catalog,
        snapshot,
        &asked(question),
        None,
        &facts,
        1_000,
    )
    .await
    .unwrap()
}

/// The named columns of every record.
fn of(found: &Records, names: &[&str]) -> Vec<String> {
    let at = |name: &&str| found.columns.iter().position(|c| c.name == *name).unwrap();
    let at: Vec<_> = names.iter().map(at).collect();
    let pick = |row: &Vec<keji_schema::Value>| at.iter().map(|i| row[*i].clone()).collect();
    let rows: Vec<Vec<keji_schema::Value>> = found.rows.iter().map(pick).collect();
    shown(&rows)
}

#[tokio::test]
async fn are_the_facts_of_the_first_measure_newest_first() {
    let shop = Tiny::new(SHOP);
    let found = behind(
        &shop,
        r#""metrics": ["net_revenue"], "where": "customer.kind = 'company'""#,
    );
    let found = found.await;
    assert_eq!(
        (found.object.as_str(), found.total, found.truncated),
        ("order", 3, false)
    );
    assert_eq!(
        of(
            &found,
            &["id", "number", "customer.number", "kind", "net_amount"]
        ),
        [
            "4 | C4 | A | return | -10",
            "3 | 3 | A | sale | 7.5",
            "1 | 1 | A | sale | 30"
        ]
    );
    // A grain or a dimension changes nothing about the records.
    let split = behind(
        &shop,
        r#""metrics": ["net_revenue"], "where": "customer.kind = 'company'", "grain": "month",
           "by": ["country"], "compare": "previous", "sort": ["-net_revenue_change"]"#,
    );
    assert_eq!(split.await, found);
}

#[tokio::test]
async fn of_lines_name_their_order() {
    let shop = Tiny::new(SHOP);
    let found = behind(&shop, r#""metrics": ["gross_sales"], "to": "2024-02-01""#).await;
    assert_eq!(
        of(&found, &["order.number", "quantity", "amount"]),
        ["2 | 1 | 5", "1 | 2 | 30"]
    );
    assert!(found.columns.iter().all(|c| c.name != "row_hash"));
}

#[tokio::test]
async fn of_a_rate_are_those_of_its_numerator() {
    let shop = Tiny::new(SHOP);
    // Only A comes back.
    let found = behind(&shop, r#""metrics": ["repeat_customer_share"]"#).await;
    assert_eq!(
        of(&found, &["number", "customer.number"]),
        ["3 | A", "1 | A"]
    );
    // A new customer is behind by the first order.
    let found = behind(&shop, r#""metrics": ["new_customers"]"#).await;
    assert_eq!(
        of(&found, &["number", "customer.number"]),
        ["2 | B", "1 | A"]
    );
    let found = behind(&shop, r#""metrics": ["high_value_share"]"#).await;
    assert_eq!(of(&found, &["customer.number", "tier"]), ["A | vip"]);
    let found = behind(
        &shop,
        r#""metrics": ["cohort_retention"], "to": "2024-01-20""#,
    )
    .await;
    assert_eq!(
        of(&found, &["number", "customer.number"]),
        ["3 | A", "1 | A"]
    );
}

#[tokio::test]
async fn of_nothing_are_none() {
    let nothing = Tiny::new("");
    for metric in [
        "gross_sales",
        "high_value_share",
        "new_customers",
        "cohort_retention",
    ] {
        let found = behind(&nothing, &format!(r#""metrics": ["{metric}"]"#)).await;
        assert_eq!((found.total, found.rows.len()), (0, 0), "{metric}");
    }
}

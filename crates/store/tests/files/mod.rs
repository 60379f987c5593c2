//! Small files of orders for the stories, and the records that come of them.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::{Catalog, Decimal};
use keji_store::*;

pub fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn catalog() -> Arc<Catalog> {
    Arc::new(Catalog::standard().unwrap())
}

/// `order|customer|city|product|category|day|quantity|price|freight|channel|kind`,
/// one row per line; empty is nothing, and what is left out at the end too.
pub fn rows(text: &str) -> Vec<OrderLineRow> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.zip(1..).map(|(line, n)| row(line, n)).collect()
}

fn row(line: &str, row_no: u64) -> OrderLineRow {
    let mut parts = line.split('|').chain(std::iter::repeat(""));
    let mut next = || Some(parts.next().unwrap().to_owned()).filter(|part| !part.is_empty());
    let (order_number, customer_number, city) = (next(), next(), next());
    let (product_number, category) = (next(), next());
    let ordered_on: Date = next().unwrap().parse().unwrap();
    let (quantity, price) = (d(&next().unwrap()), d(&next().unwrap()));
    let freight = next().map(|text| d(&text));
    let (channel, kind) = (next(), next());
    let days = i64::from(keji_schema::calendar::epoch_days(ordered_on));
    OrderLineRow {
        row_no,
        order_number,
        kind,
        customer_name: customer_number.as_ref().map(|c| format!("Name of {c}")),
        customer_number,
        customer_kind: None,
        country: None,
        region: None,
        city,
        industry: None,
        owner: None,
        phone: None,
        email: None,
        product_name: product_number.as_ref().map(|p| format!("{p} \"x\"")),
        product_number,
        category,
        ordered_at: Timestamp::from_microsecond(days * 86_400_000_000 + 1_500_000).unwrap(),
        ordered_on,
        channel,
        currency: None,
        quantity,
        price,
        amount: quantity.checked_mul(price).unwrap(),
        freight,
        discount: None,
        row_hash: line.bytes().fold(-7_046_029_254_386_353_131i64, |h, b| {
            (h ^ i64::from(b)).wrapping_mul(0x100_0000_01b3)
        }),
    }
}

pub fn new_batch(mode: ImportMode, source: Option<&str>) -> NewBatch {
    NewBatch {
        mode,
        source: source.map(str::to_owned),
        ..NewBatch::new("orders.csv", "anna", "cli")
    }
}

pub async fn import(store: &Store, new: &NewBatch, text: &str) -> (BatchId, ImportSummary) {
    let batch = store.import_begin(new).await.unwrap();
    for part in rows(text).chunks(3) {
        store.import_stage(batch.id, part).await.unwrap();
    }
    let summary = store.import_merge(batch.id, &Cancel::new()).await.unwrap();
    (batch.id, summary)
}

/// The values of all records of an object, by id, as text.
pub async fn table(store: &Store, object: &str, fields: &[&str]) -> Vec<String> {
    let query = ScanQuery {
        object: object.to_owned(),
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        filter: None,
        sort: vec![Sort::asc("id")],
    };
    let mut all = Vec::new();
    let each = |row: &[keji_schema::Value]| {
        let cells = row.iter().map(|value| match serde_json::to_value(value) {
            Ok(serde_json::Value::String(text)) => text,
            Ok(other) => other.to_string(),
            Err(e) => panic!("{e}"),
        });
        all.push(cells.collect::<Vec<_>>().join("|"));
        Ok::<_, Error>(())
    };
    store.scan(&query, &Access::all(), each).await.unwrap();
    all
}

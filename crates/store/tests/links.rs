//! A record is deleted while another begins to link to it: one of the two is
//! refused, and no link ever leads to nothing.

use crate::files::{catalog, d};
use jiff::Timestamp;
use jiff::civil::date;
use keji_schema::Value;
use keji_store::*;

async fn write(store: &Store, object: &str, op: Op) -> Result<i64> {
    let change = NewChange {
        object: object.to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    };
    let written = store.write(change, &Access::all()).await?;
    Ok(written.and_then(|change| change.record).unwrap_or_default())
}

fn create(values: &[(&str, Value)]) -> Op {
    Op::Create {
        values: values
            .iter()
            .map(|(field, value)| ((*field).to_owned(), value.clone()))
            .collect(),
    }
}

fn order(number: &str, link: Option<(&str, Value)>) -> Op {
    let zero = Value::Decimal(d("0"));
    let mut values = vec![
        ("number", number.into()),
        ("kind", "sale".into()),
        ("ordered_at", Value::Instant(Timestamp::UNIX_EPOCH)),
        ("ordered_on", Value::Date(date(2024, 1, 1))),
        ("goods_amount", zero.clone()),
        ("gross_amount", zero.clone()),
        ("freight", zero.clone()),
        ("discount", zero.clone()),
        ("net_amount", zero),
        ("n_lines", Value::Int(0)),
    ];
    values.extend(link);
    create(&values)
}

fn line(order: i64, link: Option<(&str, Value)>) -> Op {
    let zero = Value::Decimal(d("0"));
    let mut values = vec![
        ("order", Value::Int(order)),
        ("quantity", zero.clone()),
        ("price", zero.clone()),
        ("amount", zero),
        ("occurrence", Value::Int(1)),
        ("row_hash", Value::Int(1)),
    ];
    values.extend(link);
    create(&values)
}

async fn race(store: &Store) {
    let kept = write(store, "order", order("kept", None)).await.unwrap();
    for n in 0..60 {
        let number = format!("n{n}");
        let party = || create(&[("number", number.as_str().into())]);
        let (object, target) = match n % 3 {
            0 => ("product", write(store, "product", party()).await),
            1 => ("customer", write(store, "customer", party()).await),
            _ => ("order", write(store, "order", order(&number, None)).await),
        };
        let target = target.unwrap();
        let link = |field| Some((field, Value::Int(target)));
        let (from, linked) = match object {
            "product" => ("order_line", line(kept, link("product"))),
            "customer" => ("order", order(&format!("of {n}"), link("customer"))),
            _ => ("order_line", line(target, None)),
        };
        let delete = Op::Delete { id: target };
        // Neither begins always first.
        let (linked, deleted) = match n % 2 {
            0 => tokio::join!(write(store, from, linked), write(store, object, delete)),
            _ => {
                let (deleted, linked) =
                    tokio::join!(write(store, object, delete), write(store, from, linked));
                (linked, deleted)
            }
        };
        match (&linked, &deleted) {
            (Ok(_), Err(Error::InUse { .. })) | (Err(Error::Invalid { .. }), Ok(_)) => {}
            both => panic!("{object} {n}: {both:?}"),
        }
    }
    let mut problems = store.integrity_check().await.unwrap();
    // The orders here are not the sum of their lines.
    problems.retain(|problem| problem.contains("link to nothing"));
    assert_eq!(problems, Vec::<String>::new());
}

#[tokio::test]
async fn no_link_leads_to_nothing() {
    for place in testing::places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        race(&store).await;
        store.close().await;
    }
}

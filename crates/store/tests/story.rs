//! One story on both databases: files come in, records are changed and read,
//! the import is taken back.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use keji_schema::expr::Expr;
use keji_schema::{Catalog, Decimal, Value};
use keji_store::*;
use serde_json::json;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn catalog() -> Arc<Catalog> {
    Arc::new(Catalog::standard().unwrap())
}

fn filter(object: &str, text: &str) -> Option<Expr> {
    Some(Expr::parse_filter(text, &catalog().scope(object)).unwrap())
}

/// `order|customer|city|product|day|quantity|price`; empty is nothing.
fn rows(text: &str) -> Vec<OrderLineRow> {
    let mut n = 0;
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            n += 1;
            let parts: Vec<Option<String>> = line
                .split('|')
                .map(|p| (!p.is_empty()).then(|| p.to_owned()))
                .collect();
            let day: Date = parts[4].as_ref().unwrap().parse().unwrap();
            let (quantity, price) = (d(parts[5].as_ref().unwrap()), d(parts[6].as_ref().unwrap()));
            OrderLineRow {
                row_no: n,
                order_number: parts[0].clone(),
                kind: None,
                customer_number: parts[1].clone(),
                customer_name: parts[1].as_ref().map(|c| format!("Name of {c}")),
                customer_kind: None,
                country: Some("CN".to_owned()),
                region: None,
                city: parts[2].clone(),
                industry: None,
                owner: None,
                phone: None,
                email: None,
                product_number: parts[3].clone(),
                product_name: parts[3].as_ref().map(|p| format!("{p} \"x\"\t\\y")),
                category: None,
                ordered_at: Timestamp::from_second(
                    i64::from(keji_schema::calendar::epoch_days(day)) * 86_400 + n as i64,
                )
                .unwrap(),
                ordered_on: day,
                channel: None,
                currency: None,
                quantity,
                price,
                amount: quantity.checked_mul(price).unwrap(),
                freight: None,
                discount: None,
                row_hash: hash(line),
            }
        })
        .collect()
}

fn hash(text: &str) -> i64 {
    text.bytes().fold(-7_046_029_254_386_353_131i64, |h, b| {
        (h ^ i64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

async fn import(store: &Store, rows: &[OrderLineRow]) -> (BatchId, ImportSummary) {
    let new = NewBatch::new("orders.csv", "anna", "cli");
    let batch = store.import_begin(&new).await.unwrap();
    for part in rows.chunks(2) {
        store.import_stage(batch.id, part).await.unwrap();
    }
    let summary = store.import_merge(batch.id, &Cancel::new()).await.unwrap();
    (batch.id, summary)
}

fn query(object: &str, fields: &[&str]) -> ListQuery {
    ListQuery {
        object: object.to_owned(),
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        limit: 100,
        ..ListQuery::default()
    }
}

/// Rows as text, for short comparisons.
async fn table(store: &Store, query: &ListQuery) -> Vec<String> {
    let page = store.list(query, &Access::all()).await.unwrap();
    page.rows.iter().map(|row| shown(row)).collect()
}

fn shown(row: &[Value]) -> String {
    let cells: Vec<String> = row
        .iter()
        .map(|value| match serde_json::to_value(value).unwrap() {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        })
        .collect();
    cells.join("|")
}

fn change(object: &str, op: Op) -> NewChange {
    NewChange {
        object: object.to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    }
}

const FIRST: &str = "
    1001|C1||P1|2024-01-05|2|10.5
    1001|C1||P2|2024-01-05|1|3
    1001|C1||P2|2024-01-05|1|3
    C1002|C1||P1|2024-02-01|-1|10.5
    1003|||P3|2024-02-10|4|0.25
    A1004|C2|Wuhan|P1|2024-03-01|1|-5
    |C2||P2|2024-03-02|1|3
    |C2||P2|2024-03-02|1|3
    1005|C2||P2|2024-03-03|-2|3
";

const SECOND: &str = "
    1001|C1|Xi'an|P1|2024-01-05|2|10.5
    1001|C1|Xi'an|P4|2024-01-06|1|7
    2001|C3||P1|2024-04-01|1|10
";

async fn imports(store: &Store) {
    let empty = store.state_hash().await.unwrap();
    let (first, summary) = import(store, &rows(FIRST)).await;
    assert_eq!(
        (
            summary.rows,
            summary.lines_new,
            summary.lines_known,
            summary.orders_new
        ),
        (9, 9, 0, 7)
    );
    assert_eq!((summary.customers_new, summary.products_new), (2, 3));
    assert_eq!(summary.rows_without_customer, 1);
    assert_eq!(summary.gross_amount, d("34"));
    assert_eq!(summary.net_amount, d("12.5"));
    assert_eq!(summary.seq, Some(1));
    assert_eq!(summary.first_ordered_on, Some(date(2024, 1, 5)));

    let orders = query(
        "order",
        &[
            "number",
            "customer.number",
            "kind",
            "ordered_on",
            "goods_amount",
            "gross_amount",
            "n_lines",
        ],
    );
    let known = table(store, &orders).await;
    assert_eq!(known[0], "1001|C1|sale|2024-01-05|27|27|3");
    assert_eq!(known[1], "C1002|C1|return|2024-02-01|-10.5|0|1");
    assert_eq!(known[2], "1003|null|sale|2024-02-10|1|1|1");
    assert_eq!(known[3], "A1004|C2|adjustment|2024-03-01|-5|0|1");
    assert!(
        known[4].starts_with('~') && known[4].contains("-1|C2|sale"),
        "{}",
        known[4]
    );
    assert!(
        known[5].starts_with('~') && known[5].contains("-2|C2|sale"),
        "{}",
        known[5]
    );
    assert_eq!(known[6], "1005|C2|return|2024-03-03|-6|0|1");
    let lines = query(
        "order_line",
        &["order.number", "product.name", "quantity", "occurrence"],
    );
    assert_eq!(table(store, &lines).await[2], "1001|P2 \"x\"\t\\y|1|2");
    let touched = store.touched_since(0).await.unwrap();
    let months: Vec<_> = touched
        .iter()
        .filter(|t| t.object == "order_line")
        .map(|t| t.month.unwrap())
        .collect();
    assert_eq!(
        months,
        [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    );
    assert!(
        touched
            .iter()
            .any(|t| t.object == "customer" && t.month.is_none())
    );

    // Once more: nothing.
    let (again, summary) = import(store, &rows(FIRST)).await;
    assert_eq!(
        (summary.lines_new, summary.lines_known, summary.seq),
        (0, 9, None)
    );
    assert_eq!(summary.net_amount, Decimal::ZERO);
    assert_eq!(store.last_seq().await.unwrap(), 1);

    // New lines of a known order, a new customer, and a city for a known one.
    let before_second = store.state_hash().await.unwrap();
    let (second, summary) = import(store, &rows(SECOND)).await;
    // The city is part of the row, so its fingerprint differs from the first.
    assert_eq!((summary.lines_new, summary.lines_known), (3, 0));
    assert_eq!((summary.orders_new, summary.orders_changed), (1, 1));
    assert_eq!(
        (
            summary.customers_new,
            summary.customers_changed,
            summary.products_new
        ),
        (1, 1, 1)
    );
    assert_eq!(summary.net_amount, d("38"));
    let log = store
        .changes(&ChangeQuery {
            after_seq: 1,
            limit: 10,
            ..Default::default()
        })
        .await;
    let log = log.unwrap();
    assert_eq!(log.iter().map(|c| c.seq).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(log[0].object.as_deref(), Some("customer"));
    assert_eq!(json!(log[0].before), json!({ "city": null }));
    assert_eq!(json!(log[0].after), json!({ "city": "Xi'an" }));
    assert_eq!(
        json!(log[1].before),
        json!({ "goods_amount": "27", "gross_amount": "27", "net_amount": "27", "n_lines": 3 })
    );
    assert_eq!(
        json!(log[1].after),
        json!({ "goods_amount": "55", "gross_amount": "55", "net_amount": "55", "n_lines": 5 })
    );
    assert_eq!(
        (log[2].kind, log[2].batch),
        (ChangeKind::Import, Some(second.0))
    );
    assert!(store.integrity_check().await.unwrap().is_empty());

    // Taking back the second leaves the first; the first while the second is
    // there leaves the order with the second's lines.
    let undone = store.import_undo(second, "anna", "cli").await.unwrap();
    assert_eq!(
        (
            undone.lines_deleted,
            undone.orders_deleted,
            undone.customers_deleted
        ),
        (3, 1, 1)
    );
    assert_eq!(undone.records_restored, 2);
    assert_eq!(store.state_hash().await.unwrap(), before_second);
    let refused = store.import_undo(second, "anna", "cli").await;
    assert!(matches!(refused, Err(Error::Batch { .. })), "{refused:?}");
    let (third, summary) = import(store, &rows(SECOND)).await;
    assert_eq!(summary.lines_new, 3);
    store.import_undo(first, "anna", "cli").await.unwrap();
    assert_eq!(
        table(store, &orders).await,
        [
            "1001|C1|sale|2024-01-05|28|28|2",
            "2001|C3|sale|2024-04-01|10|10|1"
        ]
    );
    assert!(store.integrity_check().await.unwrap().is_empty());
    store.import_undo(again, "anna", "cli").await.unwrap();
    store.import_undo(third, "anna", "cli").await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), empty);
    assert_eq!(
        store.batch(third).await.unwrap().unwrap().state,
        BatchState::Undone
    );
    assert_eq!(store.batches(10).await.unwrap().len(), 4);

    // A stop leaves nothing.
    let new = NewBatch::new("x", "anna", "cli");
    let batch = store.import_begin(&new).await.unwrap();
    store.import_stage(batch.id, &rows(FIRST)).await.unwrap();
    let cancel = Cancel::new();
    cancel.ask();
    let stopped = store.import_merge(batch.id, &cancel).await;
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    assert_eq!(store.state_hash().await.unwrap(), empty);
    assert_eq!(
        store.batch(batch.id).await.unwrap().unwrap().state,
        BatchState::Aborted
    );
    let given_up = store.import_begin(&new).await.unwrap();
    store.import_stage(given_up.id, &rows(FIRST)).await.unwrap();
    store.import_abort(given_up.id).await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), empty);
}

async fn leftovers(store: &Store, location: &Location) {
    let new = NewBatch::new("x", "anna", "cli");
    let batch = store.import_begin(&new).await.unwrap();
    store.import_stage(batch.id, &rows(FIRST)).await.unwrap();
    // Another process opens the store: a living import is left alone.
    let other = Store::open(location, catalog()).await.unwrap();
    assert_eq!(
        other.batch(batch.id).await.unwrap().unwrap().state,
        BatchState::Staging
    );
    other.close().await;
    store.import_stage(batch.id, &[]).await.unwrap();
    // What a killed process leaves: a batch that nobody holds.
    store.clone().close().await;
    let other = Store::open(location, catalog()).await.unwrap();
    assert_eq!(
        other.batch(batch.id).await.unwrap().unwrap().state,
        BatchState::Aborted
    );
    other.close().await;
}

async fn records(store: &Store) {
    let all = Access::all();
    let create = |number: &str, name: &str| {
        let values = vec![
            ("number".to_owned(), number.into()),
            ("name".to_owned(), name.into()),
        ];
        change("customer", Op::Create { values })
    };
    let made = store
        .write(create("N1", "Älpha"), &all)
        .await
        .unwrap()
        .unwrap();
    let id = made.record.unwrap();
    assert_eq!(made.kind, ChangeKind::Create);
    let twice = store.write(create("N1", "again"), &all).await;
    assert!(
        matches!(&twice, Err(Error::Duplicate { field, .. }) if field == "number"),
        "{twice:?}"
    );
    let update = |values: Vec<(&str, Value)>| {
        let values = values.into_iter().map(|(f, v)| (f.to_owned(), v)).collect();
        change("customer", Op::Update { id, values })
    };
    let mut with_job = update(vec![("city", "Wuhan".into())]);
    with_job
        .jobs
        .push(NewJob::new("greet", json!({ "id": id })));
    let changed = store.write(with_job, &all).await.unwrap().unwrap();
    assert_eq!(json!(changed.before), json!({ "city": null }));
    assert_eq!(store.jobs(Some("greet"), 5).await.unwrap().len(), 1);
    let same = store
        .write(update(vec![("city", "Wuhan".into())]), &all)
        .await
        .unwrap();
    assert!(same.is_none());
    let read = store.get("customer", id, &all).await.unwrap().unwrap();
    assert_eq!(read.value("city"), &Value::from("Wuhan"));
    for (values, wanted) in [
        (
            vec![("kind", "alien".into())],
            "its options are company, person",
        ),
        (vec![("city", Value::Int(1))], "it must be a text"),
        (vec![("number", Value::Null)], "required"),
        (vec![("colour", "red".into())], "there is no field `colour`"),
    ] {
        let refused = store.write(update(values), &all).await.unwrap_err();
        assert!(refused.to_string().contains(wanted), "{refused}");
    }
    let order = vec![
        ("number".to_owned(), "O1".into()),
        ("customer".to_owned(), Value::Int(id + 999)),
        ("kind".to_owned(), "sale".into()),
        (
            "ordered_at".to_owned(),
            Value::Instant("2024-05-06T07:08:09.123456Z".parse().unwrap()),
        ),
        ("ordered_on".to_owned(), Value::Date(date(2024, 5, 6))),
        (
            "goods_amount".to_owned(),
            Value::Decimal(d("922337203685477.5807")),
        ),
        ("gross_amount".to_owned(), Value::Decimal(d("-0.0001"))),
        ("freight".to_owned(), Value::Decimal(d("0"))),
        ("discount".to_owned(), Value::Decimal(d("-12345.67"))),
        ("net_amount".to_owned(), Value::Decimal(d("10000"))),
        ("n_lines".to_owned(), Value::Int(0)),
    ];
    let dangling = store
        .write(
            change(
                "order",
                Op::Create {
                    values: order.clone(),
                },
            ),
            &all,
        )
        .await;
    assert!(
        matches!(dangling, Err(Error::Invalid { .. })),
        "{dangling:?}"
    );
    let mut order = order;
    order[1].1 = Value::Int(id);
    let order_id = store
        .write(
            change(
                "order",
                Op::Create {
                    values: order.clone(),
                },
            ),
            &all,
        )
        .await
        .unwrap();
    let order_id = order_id.unwrap().record.unwrap();
    let read = store.get("order", order_id, &all).await.unwrap().unwrap();
    for (field, value) in &order {
        assert_eq!(read.value(field), value, "{field}");
    }
    // The copy of orders holds the customer's kind: its months are outdated.
    let seq = store.last_seq().await.unwrap();
    store
        .write(update(vec![("kind", "person".into())]), &all)
        .await
        .unwrap();
    let touched = store.touched_since(seq).await.unwrap();
    let order_month = (String::from("order"), Some(date(2024, 5, 1)));
    assert!(
        touched
            .iter()
            .any(|t| (t.object.clone(), t.month) == order_month),
        "{touched:?}"
    );

    let in_use = store
        .write(change("customer", Op::Delete { id }), &all)
        .await;
    assert!(
        matches!(&in_use, Err(Error::InUse { by, .. }) if by == "order"),
        "{in_use:?}"
    );
    store
        .write(change("order", Op::Delete { id: order_id }), &all)
        .await
        .unwrap();
    let refused = store
        .write(change("score", Op::Create { values: vec![] }), &all)
        .await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");

    // What one may not see does not exist.
    let others = Access {
        predicate: filter("customer", "city = 'Beijing'"),
        ..Access::all()
    };
    assert!(store.get("customer", id, &others).await.unwrap().is_none());
    let unseen = store
        .write(update(vec![("city", "x".into())]), &others)
        .await;
    assert!(matches!(unseen, Err(Error::NotFound { .. })), "{unseen:?}");
    let masked = Access {
        hidden: ["customer.city".to_owned()].into(),
        ..Access::all()
    };
    let unseen = store
        .write(update(vec![("city", "x".into())]), &masked)
        .await;
    assert!(matches!(unseen, Err(Error::Schema(_))), "{unseen:?}");
    store
        .write(change("customer", Op::Delete { id }), &all)
        .await
        .unwrap();
    assert!(store.get("customer", id, &all).await.unwrap().is_none());
    let history = ChangeQuery {
        record: Some(("customer".into(), id)),
        limit: 10,
        ..Default::default()
    };
    let kinds: Vec<_> = store
        .changes(&history)
        .await
        .unwrap()
        .iter()
        .map(|c| c.kind)
        .collect();
    use ChangeKind::{Create, Delete, Update};
    assert_eq!(kinds, [Create, Update, Update, Delete]);
}

async fn lists(store: &Store) {
    let (batch, _) = import(store, &rows(FIRST)).await;
    let mut orders = query("order", &["number", "customer.city"]);
    orders.filter = filter("order", "customer.city = 'Wuhan' or number like 'C1%'");
    orders.sort = vec![Sort::desc("goods_amount")];
    orders.total = true;
    let page = store.list(&orders, &Access::all()).await.unwrap();
    assert_eq!(page.total, Some(5));
    assert_eq!(shown(&page.rows[4]), "C1002|null");
    // Pages by position, over ties and nulls, forwards and backwards.
    for sort in [
        Sort::asc("customer.city"),
        Sort::desc("customer.city"),
        Sort::asc("customer.number"),
        Sort::desc("kind"),
    ] {
        let mut paged = query("order", &["id"]);
        paged.sort = vec![sort];
        let whole = table(store, &paged).await;
        assert_eq!(whole.len(), 7);
        paged.limit = 2;
        let mut seen = Vec::new();
        loop {
            let page = store.list(&paged, &Access::all()).await.unwrap();
            seen.extend(page.rows.iter().map(|row| shown(row)));
            match page.next {
                Some(next) => paged.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, whole, "{:?}", paged.sort);
    }
    let mut last = query("customer", &["number", "city"]);
    last.sort = vec![Sort::asc("city")];
    assert_eq!(table(store, &last).await, ["C2|Wuhan", "C1|null"]);
    last.sort = vec![Sort::desc("city")];
    assert_eq!(table(store, &last).await, ["C2|Wuhan", "C1|null"]);
    last.search = Some("NAME OF c1".to_owned());
    assert_eq!(table(store, &last).await, ["C1|null"]);
    let mut broken = orders.clone();
    broken.after = Some("[1]".to_owned());
    assert!(matches!(
        store.list(&broken, &Access::all()).await,
        Err(Error::Query(_))
    ));

    // A hidden field is like one that does not exist, on every way to it.
    let masked = Access {
        hidden: ["customer.city".to_owned()].into(),
        ..Access::all()
    };
    let plain = query("order", &["number"]);
    let asking = [
        query("order", &["customer.city"]),
        ListQuery {
            filter: filter("order", "customer.city is null"),
            ..plain.clone()
        },
        ListQuery {
            sort: vec![Sort::asc("customer.city")],
            ..plain.clone()
        },
        ListQuery {
            search: Some("x".into()),
            search_in: vec!["customer.city".into()],
            ..plain.clone()
        },
    ];
    for query in &asking {
        let refused = store.list(query, &masked).await.unwrap_err().to_string();
        assert_eq!(refused, "there is no field `customer.city`");
    }
    let record = store
        .list(&query("customer", &["id"]), &masked)
        .await
        .unwrap()
        .rows;
    let Value::Int(id) = record[0][0] else {
        panic!()
    };
    let record = store.get("customer", id, &masked).await.unwrap().unwrap();
    assert!(record.values.iter().all(|(field, _)| field != "city"));
    // The caller's own predicate may use what the caller may not see.
    let scoped = Access {
        predicate: filter("order", "customer.city = 'Wuhan'"),
        ..masked
    };
    assert_eq!(store.list(&plain, &scoped).await.unwrap().rows.len(), 4);

    let mut seen = Vec::new();
    let lines = ScanQuery {
        object: "order_line".to_owned(),
        fields: ["id", "order.ordered_on", "order.customer", "amount"]
            .map(str::to_owned)
            .into(),
        filter: filter(
            "order_line",
            "order.ordered_on >= '2024-02-01' and order.ordered_on < '2024-03-01'",
        ),
        sort: Vec::new(),
    };
    let n = store
        .scan(&lines, &Access::all(), |row| {
            seen.push(shown(&row[1..]));
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    assert_eq!(n, 2);
    assert!(
        seen[0].starts_with("2024-02-01|") && seen[0].ends_with("|-10.5"),
        "{seen:?}"
    );
    let stopped = store
        .scan(&lines, &Access::all(), |_| Err(Error::Cancelled))
        .await;
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.objects["order_line"], 9);
    assert_eq!(counts.last_ordered_on, Some(date(2024, 3, 3)));
    store.import_undo(batch, "anna", "cli").await.unwrap();
    assert_eq!(store.counts().await.unwrap().objects["order_line"], 0);
}

async fn evaluations(store: &Store) {
    let (batch, _) = import(store, &rows(FIRST)).await;
    let customers = store
        .list(&query("customer", &["id"]), &Access::all())
        .await
        .unwrap()
        .rows;
    let day = date(2024, 4, 1);
    let score = |tier: &str| {
        let tier = Value::from(tier);
        customers
            .iter()
            .map(|row| {
                vec![
                    row[0].clone(),
                    tier.clone(),
                    Value::Float(0.1 + 0.2),
                    Value::Decimal(d("7.25")),
                ]
            })
            .collect::<Vec<_>>()
    };
    let fields = ["customer", "tier", "p_alive", "clv_12m"];
    for tier in ["vip", "dormant"] {
        let seq = store
            .write_scores(
                day,
                json!({ "tier": tier }),
                &fields,
                score(tier).into_iter(),
                "anna",
            )
            .await
            .unwrap();
        assert_eq!(seq, store.last_seq().await.unwrap());
    }
    let nobody = vec![vec![
        Value::Int(999_999),
        Value::Null,
        Value::Null,
        Value::Null,
    ]];
    let refused = store.write_scores(
        date(2024, 5, 1),
        json!(0),
        &fields,
        nobody.into_iter(),
        "anna",
    );
    assert!(matches!(refused.await, Err(Error::Invalid { .. })));
    let mut scores = query(
        "score",
        &["customer.number", "tier", "p_alive", "clv_12m", "as_of"],
    );
    scores.sort = vec![Sort::desc("customer.number")];
    let shown = table(store, &scores).await;
    assert_eq!(shown[0], "C2|dormant|0.30000000000000004|7.25|2024-04-01");
    assert_eq!(shown.len(), 2);
    let (evaluation, summary) = store.evaluation(day).await.unwrap().unwrap();
    assert_eq!(
        (evaluation.n_customers, summary),
        (2, json!({ "tier": "dormant" }))
    );
    assert_eq!(store.evaluations().await.unwrap(), [evaluation]);
    let unknown = store
        .write_scores(day, json!({}), &["nope"], std::iter::empty(), "anna")
        .await;
    assert!(matches!(unknown, Err(Error::Schema(_))));
    // Scores go with their customers.
    store.import_undo(batch, "anna", "cli").await.unwrap();
    assert!(table(store, &scores).await.is_empty());
    assert!(store.evaluations().await.unwrap().is_empty());
    assert!(store.integrity_check().await.unwrap().is_empty());
}

async fn jobs(store: &Store) {
    for job in store.jobs(None, 10).await.unwrap() {
        store.cancel_job(job.id).await.unwrap();
    }
    let lease = Duration::from_millis(300);
    let mut new = NewJob::new("copy", json!({ "n": 1 }));
    new.key = Some("copy".to_owned());
    new.max_attempts = 2;
    let id = store.enqueue(new.clone()).await.unwrap();
    assert_eq!(
        store.enqueue(new.clone()).await.unwrap(),
        id,
        "one with a key waits already"
    );
    assert!(store.lease_job(&["other"], lease).await.unwrap().is_none());
    let job = store
        .lease_job(&["other", "copy"], lease)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (job.id, job.state, job.attempts),
        (id, JobState::Running, 1)
    );
    assert!(store.lease_job(&["copy"], lease).await.unwrap().is_none());
    assert!(
        !store
            .heartbeat(&job.lease(), json!({ "rows": 5 }))
            .await
            .unwrap()
    );
    assert_eq!(
        store.job(id).await.unwrap().unwrap().progress,
        json!({ "rows": 5 })
    );
    // The worker falls silent; another takes over and the first has lost it.
    tokio::time::sleep(lease * 2).await;
    let second = store.lease_job(&["copy"], lease).await.unwrap().unwrap();
    assert_eq!((second.id, second.attempts), (id, 2));
    let lost = store.finish_job(&job.lease(), json!(null)).await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    // Its attempts are used up: a dead letter, visible.
    let retry = Retry::After(Duration::ZERO);
    assert_eq!(
        store
            .fail_job(&second.lease(), "boom", retry)
            .await
            .unwrap(),
        JobState::Failed
    );
    let dead = store.job(id).await.unwrap().unwrap();
    assert_eq!(
        (dead.state, dead.error.as_deref()),
        (JobState::Failed, Some("boom"))
    );

    // Retried once, then done.
    let id = store.enqueue(new.clone()).await.unwrap();
    let job = store.lease_job(&["copy"], lease).await.unwrap().unwrap();
    assert_eq!(
        store.fail_job(&job.lease(), "boom", retry).await.unwrap(),
        JobState::Queued
    );
    let job = store.lease_job(&["copy"], lease).await.unwrap().unwrap();
    assert_eq!(job.id, id);
    store
        .finish_job(&job.lease(), json!({ "ok": true }))
        .await
        .unwrap();
    assert_eq!(
        store.job(id).await.unwrap().unwrap().result,
        json!({ "ok": true })
    );

    // Cancelled while it waits, and while it runs.
    let id = store.enqueue(new.clone()).await.unwrap();
    assert_eq!(store.cancel_job(id).await.unwrap(), JobState::Cancelled);
    let id = store.enqueue(new.clone()).await.unwrap();
    let job = store.lease_job(&["copy"], lease).await.unwrap().unwrap();
    assert_eq!(store.cancel_job(id).await.unwrap(), JobState::Running);
    assert!(store.heartbeat(&job.lease(), json!(null)).await.unwrap());
    assert_eq!(
        store
            .fail_job(&job.lease(), "stopped", retry)
            .await
            .unwrap(),
        JobState::Cancelled
    );
    let none = store.cancel_job(JobId(999_999)).await;
    assert!(matches!(none, Err(Error::Missing { .. })));
}

async fn manifest(store: &Store) {
    assert_eq!(
        store.copy_manifest().await.unwrap(),
        CopyManifest {
            seq: 0,
            files: vec![]
        }
    );
    let file = |object: &str, month: Option<Date>, path: &str| CopyFile {
        object: object.to_owned(),
        month,
        path: path.to_owned(),
        n_rows: 3,
        n_bytes: 100,
        checksum: "abc".to_owned(),
    };
    let january = Some(date(2024, 1, 1));
    let first = [file("order", january, "a"), file("customer", None, "b")];
    assert!(store.copy_replace(5, &[], &first).await.unwrap().is_empty());
    let removed = [("order".to_owned(), january), ("customer".to_owned(), None)];
    let second = [file("order", january, "c"), file("customer", None, "b")];
    assert_eq!(
        store.copy_replace(6, &removed, &second).await.unwrap(),
        ["a"]
    );
    assert_eq!(
        store.copy_files(Some("order")).await.unwrap(),
        [second[0].clone()]
    );
    assert_eq!(store.copy_seq().await.unwrap(), 6);
    let late = store.copy_replace(5, &[], &[]).await;
    assert!(matches!(late, Err(Error::Outdated(_))), "{late:?}");
}

/// Many writers at once, and a reader that never sees a later change before
/// an earlier one.
async fn log_order(store: &Store, location: &Location) {
    // Another process, such as the command line beside a server.
    let other = Store::open(location, catalog()).await.unwrap();
    let start = store.last_seq().await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = if writer % 2 == 0 { store } else { &other };
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    let number = format!("W{writer}-{n}");
                    let values = vec![("number".to_owned(), Value::Text(number))];
                    let new = change("product", Op::Create { values });
                    store.write(new, &Access::all()).await.unwrap();
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    while seen.len() < 200 {
        let after_seq = seen.last().copied().unwrap_or(start);
        let query = ChangeQuery {
            after_seq,
            limit: 1000,
            ..Default::default()
        };
        seen.extend(store.changes(&query).await.unwrap().iter().map(|c| c.seq));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let wanted: Vec<i64> = (start + 1..=start + 200).collect();
    assert_eq!(seen, wanted);
    other.close().await;
}

/// What a header says, how an order's kind follows, and a merge that is
/// dropped in the middle.
async fn headers(store: &Store) {
    let mut file = rows(
        "
        H1|C1||P1|2024-01-01|1|10
        H1|C1||P2|2024-01-01|2|10
        H2|C1||P1|2024-01-02|1|10
        c3|C1||P1|2024-01-02|1|10
        ",
    );
    file[0].freight = None;
    file[1].freight = Some(d("5"));
    file[1].discount = Some(d("1.25"));
    file[2].kind = Some("adjustment".to_owned());
    file[0].kind = None;
    let empty = store.state_hash().await.unwrap();
    let new = NewBatch::new("x", "anna", "cli");
    for after_ms in [0, 1, 3, 10] {
        let batch = store.import_begin(&new).await.unwrap();
        store.import_stage(batch.id, &file).await.unwrap();
        let cancel = Cancel::new();
        let merge = store.import_merge(batch.id, &cancel);
        let _ = tokio::time::timeout(Duration::from_millis(after_ms), merge).await;
        // Waits until the database has ended what was dropped. It may have
        // been its commit: then the whole batch is there.
        store
            .enqueue(NewJob::new("wait", json!(null)))
            .await
            .unwrap();
        match store.batch(batch.id).await.unwrap().unwrap().state {
            BatchState::Merged => {
                store.import_undo(batch.id, "anna", "cli").await.unwrap();
            }
            _ => store.import_abort(batch.id).await.unwrap(),
        }
        assert_eq!(store.state_hash().await.unwrap(), empty);
    }
    let (batch, summary) = import(store, &file).await;
    assert_eq!(summary.net_amount, d("53.75"));
    let fields = ["number", "kind", "freight", "discount", "net_amount"];
    let orders = table(store, &query("order", &fields)).await;
    assert_eq!(
        orders,
        [
            "H1|sale|5|1.25|33.75",
            "H2|adjustment|0|0|10",
            "c3|return|0|0|10"
        ]
    );
    store.import_undo(batch, "anna", "cli").await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), empty);
}

async fn many_at_once(store: &Store) {
    let empty = store.state_hash().await.unwrap();
    let row = |month: i8| {
        let day = Value::Date(date(2024, month, 9));
        vec![Value::from("goods"), Value::Decimal(d("1.5")), day]
    };
    let fields = ["class", "amount", "incurred_on"];
    let insert = |fields: &'static [&'static str], rows: Vec<Vec<Value>>| {
        store.insert_many("cost", fields, rows.into_iter(), "anna", "cli")
    };
    assert_eq!(
        insert(&["class", "amount", "incurred_on"], vec![])
            .await
            .unwrap(),
        None
    );
    let rows = (0..4500)
        .map(|n| row(if n < 2250 { 1 } else { 2 }))
        .collect();
    let seq = insert(&["class", "amount", "incurred_on"], rows)
        .await
        .unwrap()
        .unwrap();
    let touched = store.touched_since(seq - 1).await.unwrap();
    let months: Vec<_> = touched.iter().map(|t| t.month.unwrap()).collect();
    assert_eq!(months, [date(2024, 1, 1), date(2024, 2, 1)]);
    let mut costs = query("cost", &fields);
    costs.total = true;
    let page = store.list(&costs, &Access::all()).await.unwrap();
    assert_eq!((page.total, page.rows.len()), (Some(4500), 100));
    // All or nothing: the last row lacks a required value.
    let mut rows: Vec<_> = (0..3000i32).map(|_| row(3)).collect();
    rows.push(vec![
        Value::Null,
        Value::Null,
        Value::Date(date(2024, 3, 9)),
    ]);
    assert!(
        insert(&["class", "amount", "incurred_on"], rows)
            .await
            .is_err()
    );
    assert_eq!(store.counts().await.unwrap().objects["cost"], 4500);
    assert!(insert(&["class", "amount"], vec![]).await.is_err());
    // Gone one by one, for the tests that follow.
    costs.limit = 5000;
    costs.fields = vec!["id".to_owned()];
    for row in store
        .list(&costs, &Access::all())
        .await
        .unwrap()
        .rows
        .iter()
        .skip(4490)
    {
        let Value::Int(id) = row[0] else { panic!() };
        store
            .write(change("cost", Op::Delete { id }), &Access::all())
            .await
            .unwrap();
    }
    assert_eq!(store.counts().await.unwrap().objects["cost"], 4490);
    assert_ne!(store.state_hash().await.unwrap(), empty);
}

/// A handler of a server may await any of these.
#[allow(dead_code)]
fn futures_can_move_between_threads(store: &'static Store, rows: &'static [OrderLineRow]) {
    fn is_send(_: impl Send) {}
    let access: &'static Access = Box::leak(Box::new(Access::all()));
    let scan: &'static ScanQuery = Box::leak(Box::default());
    is_send(Store::open(
        Box::leak(Box::new(Location::Folder("x".into()))),
        catalog(),
    ));
    is_send(store.scan(scan, access, |_| Ok::<_, Error>(())));
    is_send(store.list(Box::leak(Box::default()), access));
    is_send(store.write(change("customer", Op::Delete { id: 1 }), access));
    is_send(store.import_stage(BatchId(1), rows));
    let new: &'static NewBatch = Box::leak(Box::default());
    is_send(store.import_open(new));
    is_send(store.import_mark(BatchId(1), Box::leak(Box::default())));
    is_send(store.changes_since(0, 1));
    is_send(store.mapping_by_signature("x"));
    is_send(store.import_merge(BatchId(1), Box::leak(Box::default())));
    is_send(store.import_undo(BatchId(1), "anna", "cli"));
    is_send(store.write_scores(date(2024, 1, 1), json!(1), &[], std::iter::empty(), "anna"));
    is_send(store.state_hash());
    is_send(store.lease_job(&["x"], Duration::ZERO));
}

async fn story(location: &Location) {
    let store = Store::open(location, catalog()).await.unwrap();
    imports(&store).await;
    headers(&store).await;
    records(&store).await;
    lists(&store).await;
    evaluations(&store).await;
    jobs(&store).await;
    manifest(&store).await;
    log_order(&store, location).await;
    many_at_once(&store).await;
    leftovers(&store, location).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_on_sqlite() {
    story(&testing::sqlite().location).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_on_postgres() {
    if let Some(place) = testing::postgres().await {
        story(&place.location).await;
    }
}

//! Orders and lines that somebody writes by itself, beside those of files:
//! what follows from them, what an import of the same order makes of them, and
//! what an undo leaves, on both databases.

use keji_schema::Value;
use keji_store::testing::places;
use keji_store::*;
use serde_json::json;

use crate::files::{catalog, d, import, new_batch, table};

const ORDER: [&str; 7] = [
    "number",
    "kind",
    "goods_amount",
    "gross_amount",
    "net_amount",
    "n_lines",
    "ordered_on",
];
const LINE: [&str; 5] = [
    "order.number",
    "product.number",
    "quantity",
    "price",
    "amount",
];

fn change(object: &str, op: Op) -> NewChange {
    NewChange {
        object: object.to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: true,
        jobs: Vec::new(),
    }
}

async fn write(store: &Store, object: &str, op: Op) -> i64 {
    let written = store.write(change(object, op), &Access::all()).await;
    written.unwrap().unwrap().record.unwrap()
}

fn values(given: &[(&str, Value)]) -> Vec<(String, Value)> {
    let given = given.iter();
    given.map(|(f, v)| ((*f).to_owned(), v.clone())).collect()
}

fn create(given: &[(&str, Value)]) -> Op {
    let values = values(given);
    Op::Create { values }
}

fn update(id: i64, given: &[(&str, Value)]) -> Op {
    let values = values(given);
    Op::Update { id, values }
}

fn number(text: &str) -> Value {
    Value::Decimal(d(text))
}

async fn line(store: &Store, order: i64, product: Option<i64>, quantity: &str, price: &str) -> i64 {
    let given = [
        ("order", Value::Int(order)),
        ("product", product.map_or(Value::Null, Value::Int)),
        ("quantity", number(quantity)),
        ("price", number(price)),
    ];
    write(store, "order_line", create(&given)).await
}

async fn id_of(store: &Store, object: &str, of: &str) -> i64 {
    let all = table(store, object, &["id", "number"]).await;
    let ends = format!("|{of}");
    let found = all.iter().find_map(|row| row.strip_suffix(&ends));
    found.unwrap().parse().unwrap()
}

async fn sound(store: &Store) {
    let problems = store.integrity_check().await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
}

#[tokio::test]
async fn an_order_is_the_sum_of_its_lines() {
    for place in places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let at = "2024-05-06T23:30:00+08:00".parse().unwrap();
        let given = [
            ("number", "H1".into()),
            ("ordered_at", Value::Instant(at)),
            ("freight", number("12.5")),
        ];
        let order = write(&store, "order", create(&given)).await;
        let orders = table(&store, "order", &ORDER).await;
        assert_eq!(orders, ["H1|sale|0|0|12.5|0|2024-05-06"]);

        let one = line(&store, order, None, "3", "0.3333").await;
        let back = line(&store, order, None, "-1", "2").await;
        let orders = table(&store, "order", &ORDER).await;
        assert_eq!(orders, ["H1|sale|-1.0001|0.9999|11.4999|2|2024-05-06"]);
        // The log says of the order what changed, and by whom.
        let query = ChangeQuery {
            record: Some(("order".to_owned(), order)),
            limit: 10,
            ..ChangeQuery::default()
        };
        let log = store.changes(&query).await.unwrap();
        let last = log.last().unwrap();
        assert_eq!(
            (last.kind, last.actor.as_str()),
            (ChangeKind::Update, "anna")
        );
        assert_eq!(last.before.as_ref().unwrap()["n_lines"], json!(1));
        assert_eq!(last.after.as_ref().unwrap()["net_amount"], json!("11.4999"));

        // A factor that changes, and a part of the sum.
        let price = [("price", number("2"))];
        write(&store, "order_line", update(one, &price)).await;
        let discount = [("discount", number("0.5"))];
        write(&store, "order", update(order, &discount)).await;
        let orders = table(&store, "order", &ORDER).await;
        assert_eq!(orders, ["H1|sale|4|6|16|2|2024-05-06"]);
        // Another day is another month of the copy, of the lines too.
        let seq = store.last_seq().await.unwrap();
        let at = "2024-07-01T00:00:00+08:00".parse().unwrap();
        let day = [("ordered_at", Value::Instant(at))];
        write(&store, "order", update(order, &day)).await;
        let mut months = store.touched_since(seq).await.unwrap();
        months.retain(|t| t.object == "order_line");
        let months = months.iter().map(|t| t.month.unwrap().to_string());
        assert_eq!(months.collect::<Vec<_>>(), ["2024-05-01", "2024-07-01"]);

        // A line that goes to another order.
        let other = write(&store, "order", create(&[("number", "H2".into())])).await;
        let moved = [("order", Value::Int(other))];
        write(&store, "order_line", update(back, &moved)).await;
        let orders = table(&store, "order", &ORDER[..6]).await;
        assert_eq!(orders, ["H1|sale|6|6|18|1", "H2|sale|-2|0|-2|1"]);
        let used = store
            .write(change("order", Op::Delete { id: other }), &Access::all())
            .await;
        assert!(matches!(used, Err(Error::InUse { .. })), "{used:?}");
        write(&store, "order_line", Op::Delete { id: back }).await;
        let orders = table(&store, "order", &ORDER[..6]).await;
        assert_eq!(orders[1], "H2|sale|0|0|0|0");

        // What is deleted comes back, and counts again.
        let seq = store.last_seq().await.unwrap();
        let deleted = store.deleted(None, 10).await.unwrap();
        assert_eq!((deleted[0].seq, deleted[0].record), (seq, back));
        let all = Access::all();
        let again = store.restore_deleted(seq, &all, "anna", "api").await;
        assert_eq!(again.unwrap(), Ok(back));
        let orders = table(&store, "order", &ORDER[..6]).await;
        assert_eq!(orders[1], "H2|sale|-2|0|-2|1");
        write(&store, "order_line", Op::Delete { id: back }).await;
        write(&store, "order", Op::Delete { id: other }).await;
        sound(&store).await;

        // Too large for an amount, or for the sum of two that are not.
        let too_large = |quantity: &str, price: &str| {
            let given = [
                ("order", Value::Int(order)),
                ("quantity", number(quantity)),
                ("price", number(price)),
            ];
            change("order_line", create(&given))
        };
        let all = Access::all();
        let refused = store
            .write(too_large("900000000000", "900000000000"), &all)
            .await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        store
            .write(too_large("1", "900000000000000"), &all)
            .await
            .unwrap();
        let before = store.state_hash().await.unwrap();
        let refused = store.write(too_large("1", "900000000000000"), &all).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        assert_eq!(store.state_hash().await.unwrap(), before);
        sound(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn many_lines_are_one_write_and_one_undo() {
    for place in places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let order = write(&store, "order", create(&[("number", "H1".into())])).await;
        line(&store, order, None, "1", "1").await;
        let before = store.state_hash().await.unwrap();
        let row = |n: i64| {
            let given = [
                ("order", Value::Int(order)),
                (
                    "quantity",
                    Value::Decimal(keji_schema::Decimal::from_int(n).unwrap()),
                ),
                ("price", number("1.5")),
            ];
            BulkRow {
                change: change("order_line", create(&given)),
                seen: Vec::new(),
            }
        };
        let rows: Vec<BulkRow> = (1..=4).map(row).collect();
        let write = BulkWrite {
            object: "order_line",
            kind: "paste",
            rows: &rows,
            since: None,
            mode: BulkMode::Whole,
            actor: "anna",
        };
        let (access, watch) = (BulkAccess::default(), BulkWatch::default());
        let done = store.write_bulk(&write, &access, &watch).await.unwrap();
        let orders = table(&store, "order", &ORDER[..6]).await;
        assert_eq!(orders, ["H1|sale|16|16|16|5"]);
        let undo = BulkUndo {
            id: done.id.unwrap(),
            actor: "anna",
            channel: "page",
            leaves: false,
        };
        let undone = store.undo_bulk(&undo, &access, &watch).await.unwrap();
        assert_eq!((undone.n, undone.left), (4, Vec::new()));
        assert_eq!(store.state_hash().await.unwrap(), before);
        sound(&store).await;
        store.close().await;
    }
}

/// Writers of lines of one order come one behind the other, so that none is
/// missing in its sum.
#[tokio::test(flavor = "multi_thread")]
async fn writers_at_one_time_all_count() {
    for place in places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let order = write(&store, "order", create(&[("number", "H1".into())])).await;
        let each = |n: usize| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..8 {
                    line(&store, order, None, "1", &format!("{}", n + 1)).await;
                }
            })
        };
        let all: Vec<_> = (0..4).map(each).collect();
        for one in all {
            one.await.unwrap();
        }
        let orders = table(&store, "order", &ORDER[..6]).await;
        assert_eq!(orders, ["H1|sale|80|80|80|32"]);
        let mut places = table(&store, "order_line", &["occurrence"]).await;
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 32);
        sound(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_of_the_same_order_counts_a_line_once() {
    for place in places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let product = write(&store, "product", create(&[("number", "P1".into())])).await;
        let order = write(&store, "order", create(&[("number", "1".into())])).await;
        let by_hand = [("number", "HAND".into())];
        let alone = write(&store, "order", create(&by_hand)).await;
        line(&store, alone, Some(product), "1", "9").await;
        for _ in 0..2 {
            line(&store, order, Some(product), "2", "10").await;
        }
        // Twice the same, once with another price, and another product.
        let file = "
            1|C1||P1||2024-01-05|2|10
            1|C1||P1||2024-01-05|2|11
            1|C1||P2||2024-01-05|2|10
        ";
        let seq = store.last_seq().await.unwrap();
        let add = new_batch(ImportMode::Add, None);
        let (batch, summary) = import(&store, &add, file).await;
        assert_eq!((summary.lines_new, summary.lines_known), (2, 1));
        assert_eq!((summary.orders_new, summary.orders_changed), (0, 1));
        let lines = table(&store, "order_line", &LINE).await;
        let four = [
            "1|P1|2|10|20",
            "1|P1|2|10|20",
            "1|P1|2|11|22",
            "1|P2|2|10|20",
        ];
        assert_eq!(lines[0], "HAND|P1|1|9|9");
        assert_eq!(lines[1..], four);
        let touched = store.touched_since(seq).await.unwrap();
        assert!(touched.iter().any(|t| t.object == "order_line"));
        let (_, again) = import(&store, &add, file).await;
        assert_eq!(again.seq, None, "{again:?}");
        sound(&store).await;

        // Taken back, what was made by hand is there as before.
        store.import_undo(batch, "anna", "cli").await.unwrap();
        let lines = table(&store, "order_line", &LINE).await;
        assert_eq!(lines, ["HAND|P1|1|9|9", "1|P1|2|10|20", "1|P1|2|10|20"]);
        let mut orders = table(&store, "order", &ORDER[..6]).await;
        orders.sort();
        assert_eq!(orders, ["1|sale|40|40|40|2", "HAND|sale|9|9|9|1"]);
        sound(&store).await;

        // A file that is the truth about its orders takes what it does not
        // have, and leaves the others; its undo brings that back.
        let before = store.state_hash().await.unwrap();
        let update = new_batch(ImportMode::Update, None);
        let (batch, summary) = import(&store, &update, file).await;
        assert_eq!(summary.lines_deleted, 1);
        let mut lines = table(&store, "order_line", &LINE).await;
        lines.sort();
        let three = ["1|P1|2|10|20", "1|P1|2|11|22", "1|P2|2|10|20"];
        assert_eq!(
            (&lines[..3], lines[3].as_str()),
            (&three.map(str::to_owned)[..], "HAND|P1|1|9|9")
        );
        sound(&store).await;
        store.import_undo(batch, "anna", "cli").await.unwrap();
        assert_eq!(store.state_hash().await.unwrap(), before);
        store.close().await;
    }
}

#[tokio::test]
async fn an_undo_leaves_what_was_made_by_hand() {
    for place in places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let shop = new_batch(ImportMode::Add, Some("shop"));
        let file = "
            1|C1||P1||2024-01-05|2|10
            2|C2||P2||2024-01-06|1|5
        ";
        let (batch, _) = import(&store, &shop, file).await;
        let (one, customer) = (
            id_of(&store, "order", "1").await,
            id_of(&store, "customer", "C2").await,
        );
        // A line in an order of the file, and an order of its customer.
        line(&store, one, None, "1", "7").await;
        let given = [("number", "H1".into()), ("customer", Value::Int(customer))];
        let own = write(&store, "order", create(&given)).await;
        line(&store, own, None, "1", "3").await;
        // A line that somebody corrected is known when the file comes again.
        let known = table(&store, "order_line", &["id"]).await[0]
            .parse()
            .unwrap();
        write(
            &store,
            "order_line",
            update(known, &[("quantity", number("3"))]),
        )
        .await;
        let (_, again) = import(&store, &shop, file).await;
        assert_eq!(again.seq, None, "{again:?}");
        let mut orders = table(&store, "order", &ORDER[..6]).await;
        orders.sort();
        let all = ["1|sale|37|37|37|2", "2|sale|5|5|5|1", "H1|sale|3|3|3|1"];
        assert_eq!(orders, all);

        // A replacing file takes what its source brought and no more.
        let replace = new_batch(ImportMode::Replace, Some("shop"));
        let before = store.state_hash().await.unwrap();
        let (other, _) = import(&store, &replace, "3|C3||P1||2024-01-05|1|1").await;
        let mut orders = table(&store, "order", &ORDER[..6]).await;
        orders.sort();
        assert_eq!(
            orders,
            ["1|sale|7|7|7|1", "3|sale|1|1|1|1", "H1|sale|3|3|3|1"]
        );
        sound(&store).await;
        store.import_undo(other, "anna", "cli").await.unwrap();
        assert_eq!(store.state_hash().await.unwrap(), before);

        store.import_undo(batch, "anna", "cli").await.unwrap();
        let mut orders = table(&store, "order", &ORDER[..6]).await;
        orders.sort();
        assert_eq!(orders, ["1|sale|7|7|7|1", "H1|sale|3|3|3|1"]);
        let customers = table(&store, "customer", &["number"]).await;
        assert_eq!(customers, ["C1", "C2"]);
        sound(&store).await;
        store.close().await;
    }
}

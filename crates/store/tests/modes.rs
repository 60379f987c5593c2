//! Imports that add, update and replace, what they leave alone, and that each
//! can be taken back to the state before, on both databases.

use crate::files::{catalog, d, import, new_batch, table};
use keji_schema::Value;
use keji_store::*;
use serde_json::json;

const FIRST: &str = "
    1|C1|Wuhan|P1|toys|2024-01-05|2|10|5|web
    1|C1|Wuhan|P2||2024-01-05|1|3||web
    2|C1||P1||2024-02-01|1|10
    3|C2||P2||2024-02-10|4|0.25
    |C2||P2||2024-03-02|1|3
";

/// Order 1 has another second line, another customer, day, freight and
/// channel; the city and the category differ; order 4 is new.
const SECOND: &str = "
    1|C3|Wuhan|P1|toys|2024-01-05|2|10|5|web
    1|C3|Beijing|P2|food|2024-04-06|1|4|6|shop
    4|C1|Beijing|P1|games|2024-04-07|1|10
";

const ORDER: [&str; 8] = [
    "number",
    "customer.number",
    "kind",
    "ordered_on",
    "channel",
    "freight",
    "net_amount",
    "n_lines",
];
const LINE: [&str; 4] = ["order.number", "product.number", "quantity", "price"];

async fn imports_again_without_a_change(store: &Store, new: &NewBatch, text: &str) {
    let before = store.state_hash().await.unwrap();
    let (_, summary) = import(store, new, text).await;
    assert_eq!(summary.seq, None, "{summary:?}");
    assert_eq!(store.state_hash().await.unwrap(), before);
}

async fn add(store: &Store) {
    let new = new_batch(ImportMode::Add, Some("shop"));
    let (first, _) = import(store, &new, FIRST).await;
    imports_again_without_a_change(store, &new, FIRST).await;
    let before = store.state_hash().await.unwrap();
    let (second, summary) = import(store, &new, SECOND).await;
    assert_eq!((summary.lines_new, summary.lines_deleted), (3, 0));
    // The header of order 1 and what was known stay; C1 has a city already.
    let orders = table(store, "order", &ORDER).await;
    assert_eq!(orders[0], "1|C1|sale|2024-01-05|web|5|52|4");
    imports_again_without_a_change(store, &new, SECOND).await;
    store.import_undo(second, "anna", "cli").await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), before);
    store.import_undo(first, "anna", "cli").await.unwrap();
}

async fn update(store: &Store) {
    let (first, _) = import(store, &new_batch(ImportMode::Add, None), FIRST).await;
    let before = store.state_hash().await.unwrap();
    let seq = store.last_seq().await.unwrap();
    let new = new_batch(ImportMode::Update, None);
    let file = SECOND.replace("    1|C3|Wuhan|P1|toys|2024-01-05|2|10|5|web\n", "");
    let (batch, summary) = import(store, &new, &file).await;
    assert_eq!((summary.lines_new, summary.lines_deleted), (2, 2));
    assert_eq!(
        (
            summary.orders_new,
            summary.orders_changed,
            summary.orders_deleted
        ),
        (1, 1, 0)
    );
    assert_eq!(
        (summary.customers_changed, summary.products_changed),
        (1, 2)
    );
    // 10 from order 4, and order 1 from 28 to 10.
    assert_eq!(summary.net_amount, d("-8"));
    assert_eq!(summary.gross_amount, d("-9"));
    let orders = table(store, "order", &ORDER).await;
    assert_eq!(orders[0], "1|C3|sale|2024-04-06|shop|6|10|1");
    assert_eq!(orders[1], "2|C1|sale|2024-02-01|null|0|10|1");
    assert_eq!(orders.len(), 5);
    let customers = table(store, "customer", &["number", "city"]).await;
    assert_eq!(customers, ["C1|Beijing", "C2|null", "C3|Beijing"]);
    let products = table(store, "product", &["number", "category"]).await;
    assert_eq!(products, ["P1|games", "P2|food"]);
    assert!(store.integrity_check().await.unwrap().is_empty());

    // The log has what was there, and January and April are outdated.
    let query = ChangeQuery {
        after_seq: seq,
        limit: 100,
        ..ChangeQuery::default()
    };
    let log = store.changes(&query).await.unwrap();
    let of = |object: &str, kind: ChangeKind| {
        let found = log
            .iter()
            .filter(|c| c.object.as_deref() == Some(object) && c.kind == kind);
        found.cloned().collect::<Vec<_>>()
    };
    let order = &of("order", ChangeKind::Update)[0];
    let header = order.before.as_ref().unwrap();
    assert_eq!(
        (&header["ordered_at"], &header["ordered_on"]),
        (&json!("2024-01-05T00:00:01.5Z"), &json!("2024-01-05"))
    );
    assert_eq!(
        (&header["freight"], &header["channel"], &header["n_lines"]),
        (&json!("5"), &json!("web"), &json!(2))
    );
    assert!(!header.contains_key("kind"), "{header:?}");
    let lines = of("order_line", ChangeKind::Delete);
    assert_eq!(lines.len(), 2);
    let line = lines[0].before.as_ref().unwrap();
    assert_eq!(
        (&line["quantity"], &line["price"], &line["occurrence"]),
        (&json!("2"), &json!("10"), &json!(1))
    );
    let touched = store.touched_since(seq).await.unwrap();
    let months: Vec<String> = touched
        .iter()
        .filter(|t| t.object == "order_line")
        .map(|t| t.month.unwrap().to_string())
        .collect();
    assert_eq!(months, ["2024-01-01", "2024-04-01"]);

    imports_again_without_a_change(store, &new, &file).await;
    let undone = store.import_undo(batch, "anna", "cli").await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), before);
    // C1, P1, P2, order 1 and its two lines; C2 was never changed.
    assert_eq!(undone.records_restored, 6);
    assert_eq!((undone.customers_deleted, undone.orders_deleted), (1, 1));
    store.import_undo(first, "anna", "cli").await.unwrap();
}

/// A kind that followed from the lines follows the new ones; one that was
/// given stays.
async fn kinds(store: &Store) {
    let first = "
        1|C1||P1||2024-01-05|2|10
        2|C1||P1||2024-01-05|2|10|||adjustment
    ";
    let (batch, _) = import(store, &new_batch(ImportMode::Add, None), first).await;
    let second = "
        1|C1||P1||2024-01-05|-2|10
        2|C1||P1||2024-01-05|-2|10
    ";
    let new = new_batch(ImportMode::Update, None);
    let (again, _) = import(store, &new, second).await;
    let kinds = table(store, "order", &["number", "kind"]).await;
    assert_eq!(kinds, ["1|return", "2|adjustment"]);
    imports_again_without_a_change(store, &new, second).await;
    store.import_undo(again, "anna", "cli").await.unwrap();
    let kinds = table(store, "order", &["number", "kind"]).await;
    assert_eq!(kinds, ["1|sale", "2|adjustment"]);
    store.import_undo(batch, "anna", "cli").await.unwrap();
}

async fn write(store: &Store, object: &str, op: Op) -> i64 {
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
    let written = store.write(change, &Access::all()).await.unwrap().unwrap();
    written.record.unwrap()
}

async fn replace(store: &Store) {
    let refused = store
        .import_begin(&new_batch(ImportMode::Replace, None))
        .await;
    let refused = refused.unwrap_err().to_string();
    assert_eq!(
        refused,
        "an import that replaces needs the name of its source"
    );

    let new = new_batch(ImportMode::Replace, Some("shop"));
    let (first, _) = import(store, &new, FIRST).await;
    imports_again_without_a_change(store, &new, FIRST).await;
    // Another source adds a line to order 2 and an order of its own.
    let other = "
        2|C1||P9||2024-02-01|1|7
        9|C9||P9||2024-02-01|1|7
    ";
    let (other, _) = import(store, &new_batch(ImportMode::Add, Some("fair")), other).await;
    // A cost is linked to order 3.
    let order_3 = table(store, "order", &["id", "number"]).await;
    let order_3 = order_3.iter().find_map(|row| row.strip_suffix("|3"));
    let values = vec![
        (
            "order".to_owned(),
            Value::Int(order_3.unwrap().parse().unwrap()),
        ),
        ("class".to_owned(), "goods".into()),
        ("amount".to_owned(), Value::Decimal(d("1"))),
        (
            "incurred_on".to_owned(),
            Value::Date("2024-02-10".parse().unwrap()),
        ),
    ];
    let cost = write(store, "cost", Op::Create { values }).await;

    let before = store.state_hash().await.unwrap();
    let (second, summary) = import(store, &new, SECOND).await;
    let orders = table(store, "order", &ORDER).await;
    // 2 keeps the line of the other source, 3 is held by its cost, the order
    // without a number is gone.
    assert_eq!(
        orders,
        [
            "1|C3|sale|2024-01-05|web|5|29|2",
            "2|C1|sale|2024-02-01|null|0|7|1",
            "3|C2|sale|2024-02-10|null|0|0|0",
            "9|C9|sale|2024-02-01|null|0|7|1",
            "4|C1|sale|2024-04-07|null|0|10|1",
        ]
    );
    let lines = table(store, "order_line", &LINE).await;
    assert_eq!(
        lines,
        ["2|P9|1|7", "9|P9|1|7", "1|P1|2|10", "1|P2|1|4", "4|P1|1|10"]
    );
    assert_eq!((summary.orders_deleted, summary.lines_deleted), (1, 5));
    assert_eq!((summary.orders_changed, summary.orders_new), (3, 1));
    assert!(store.integrity_check().await.unwrap().is_empty());
    imports_again_without_a_change(store, &new, SECOND).await;
    store.import_undo(second, "anna", "cli").await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), before);
    write(store, "cost", Op::Delete { id: cost }).await;
    store.import_undo(other, "anna", "cli").await.unwrap();
    store.import_undo(first, "anna", "cli").await.unwrap();
}

/// An undo leaves alone what a later import or a person wrote, and the undo
/// of the later one then leads back behind both.
async fn undo_below_others(store: &Store) {
    let city = |city: &str| format!("1|C1|{city}|P1||2024-01-05|2|10");
    let update = new_batch(ImportMode::Update, None);
    let (a, _) = import(store, &update, &city("Wuhan")).await;
    let before = store.state_hash().await.unwrap();
    let (b, _) = import(store, &update, &city("Xiamen")).await;
    let (c, _) = import(store, &update, &city("Beijing")).await;
    let fields = ["number", "city"];
    store.import_undo(b, "anna", "cli").await.unwrap();
    assert_eq!(table(store, "customer", &fields).await, ["C1|Beijing"]);
    store.import_undo(c, "anna", "cli").await.unwrap();
    assert_eq!(table(store, "customer", &fields).await, ["C1|Wuhan"]);
    assert_eq!(table(store, "order_line", &LINE).await, ["1|P1|2|10"]);
    assert_eq!(store.state_hash().await.unwrap(), before);

    let (b, _) = import(store, &update, &city("Xiamen")).await;
    let id = table(store, "customer", &["id"]).await[0].parse().unwrap();
    let values = vec![("city".to_owned(), "Lhasa".into())];
    write(store, "customer", Op::Update { id, values }).await;
    store.import_undo(b, "anna", "cli").await.unwrap();
    assert_eq!(table(store, "customer", &fields).await, ["C1|Lhasa"]);
    // What came back belongs to the import that had brought it.
    store.import_undo(a, "anna", "cli").await.unwrap();
    assert!(table(store, "customer", &fields).await.is_empty());
    assert!(table(store, "order_line", &LINE).await.is_empty());
}

/// A small generator, so that a failure can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len() as u64) as usize]
    }

    fn file(&mut self) -> String {
        let row = |dice: &mut Dice| {
            [
                dice.one(&["1", "2", "3", "4", "C5", "6", ""]),
                dice.one(&["C1", "C2", "C3", "C4", ""]),
                dice.one(&["Wuhan", "Beijing", "", ""]),
                dice.one(&["P1", "P2", "P3", ""]),
                dice.one(&["toys", "food", "", ""]),
                dice.one(&["2024-01-05", "2024-02-01", "2024-03-09"]),
                dice.one(&["1", "2", "-1", "-2.5"]),
                dice.one(&["10", "0.25", "-3"]),
                dice.one(&["", "", "5", "7.1234"]),
                dice.one(&["", "", "web", "shop"]),
                dice.one(&["", "", "", "", "sale", "return"]),
            ]
            .join("|")
        };
        let n = 1 + self.below(12);
        (0..n).map(|_| row(self) + "\n").collect()
    }

    fn batch(&mut self) -> NewBatch {
        let source = ["shop", "fair"][self.below(2) as usize];
        match self.below(4) {
            0 => new_batch(ImportMode::Add, Some(source)),
            1 => new_batch(ImportMode::Add, None),
            2 => new_batch(ImportMode::Update, Some(source)),
            _ => new_batch(ImportMode::Replace, Some(source)),
        }
    }
}

/// Every record with its id and the import that it belongs to.
async fn all(store: &Store) -> Vec<String> {
    let mut all = Vec::new();
    for object in ["customer", "product", "order", "order_line"] {
        for id in table(store, object, &["id"]).await {
            let id = id.parse().unwrap();
            let record = store.get(object, id, &Access::all()).await.unwrap();
            all.push(format!("{:?}", record.unwrap()));
        }
    }
    all
}

async fn any_import_can_be_taken_back(store: &Store, seed: u64) {
    let empty = store.state_hash().await.unwrap();
    let mut dice = Dice(seed);
    let mut undoable = Vec::new();
    for n in 0..6 {
        let (new, text) = (dice.batch(), dice.file());
        let what = format!("seed {seed}, import {n}: {new:?}\n{text}");
        let before = (store.state_hash().await.unwrap(), all(store).await);
        let (batch, _) = import(store, &new, &text).await;
        let problems = store.integrity_check().await.unwrap();
        assert!(problems.is_empty(), "{problems:?} {what}");
        let merged = store.state_hash().await.unwrap();
        let (_, again) = import(store, &new, &text).await;
        assert_eq!(again.seq, None, "{again:?} {what}");
        assert_eq!(store.state_hash().await.unwrap(), merged, "{what}");
        if dice.below(3) == 0 {
            store.import_undo(batch, "anna", "cli").await.unwrap();
            assert_eq!(all(store).await, before.1, "{what}");
            assert_eq!(store.state_hash().await.unwrap(), before.0, "{what}");
        } else {
            undoable.push((batch, before, what));
        }
    }
    // From the last to the first leads back the same way; any other order
    // leaves a sound state, and nothing in the end.
    let in_order = dice.below(2) == 0;
    while !undoable.is_empty() {
        let at = match in_order {
            true => undoable.len() - 1,
            false => dice.below(undoable.len() as u64) as usize,
        };
        let (batch, before, what) = undoable.remove(at);
        store.import_undo(batch, "anna", "cli").await.unwrap();
        let problems = store.integrity_check().await.unwrap();
        assert!(problems.is_empty(), "{problems:?} after undo, {what}");
        if in_order {
            assert_eq!(all(store).await, before.1, "{what}");
        }
    }
    assert_eq!(
        store.state_hash().await.unwrap(),
        empty,
        "seed {seed}, in order: {in_order}: {:#?}",
        all(store).await
    );
}

async fn story(location: &Location, seeds: std::ops::Range<u64>) {
    let store = Store::open(location, catalog()).await.unwrap();
    let empty = store.state_hash().await.unwrap();
    add(&store).await;
    assert_eq!(store.state_hash().await.unwrap(), empty);
    update(&store).await;
    assert_eq!(store.state_hash().await.unwrap(), empty);
    kinds(&store).await;
    assert_eq!(store.state_hash().await.unwrap(), empty);
    replace(&store).await;
    assert_eq!(store.state_hash().await.unwrap(), empty);
    undo_below_others(&store).await;
    assert_eq!(store.state_hash().await.unwrap(), empty);
    for seed in seeds {
        any_import_can_be_taken_back(&store, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_on_sqlite() {
    story(&testing::sqlite().location, 0..40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_on_postgres() {
    if let Some(place) = testing::postgres().await {
        story(&place.location, 40..55).await;
    }
}

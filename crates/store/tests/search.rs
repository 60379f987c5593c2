//! A search finds what a look at every record finds, however far its index is
//! behind, whatever was created, changed, deleted, imported and taken back.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use keji_schema::{Catalog, Decimal, Value};
use keji_store::testing::places;
use keji_store::*;

const SIGNS: [&str; 12] = [
    "云", "海", "明", "朗", "贸", "易", "A", "b", "4", "7", " ", "（",
];

/// Letters stand for the signs' places: 云海 is `ab`.
fn spell(name: &str) -> Option<Spelling> {
    let letter = |c: char| {
        let at = SIGNS.iter().position(|s| s.starts_with(c))?;
        (at < 6).then(|| char::from(b'a' + at as u8))
    };
    let initials: String = name.chars().filter_map(letter).collect();
    let full = initials.replace('a', "yun").replace('b', "hai");
    (!initials.is_empty()).then_some(Spelling { initials, full })
}

/// The same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    fn name(&mut self) -> String {
        let n = 1 + self.below(6);
        (0..n).map(|_| SIGNS[self.below(12) as usize]).collect()
    }
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

fn query(text: &str, search_in: &[&str], object: &str) -> ListQuery {
    ListQuery {
        object: object.to_owned(),
        fields: vec!["id".to_owned()],
        search: Some(text.to_owned()),
        search_in: search_in.iter().map(|p| (*p).to_owned()).collect(),
        limit: 1000,
        total: true,
        ..ListQuery::default()
    }
}

async fn find(store: &Store, query: &ListQuery) -> Vec<Value> {
    let page = store.list(query, &Access::all()).await.unwrap();
    assert_eq!(page.total, Some(page.rows.len() as i64));
    page.rows.into_iter().flatten().collect()
}

#[tokio::test]
async fn the_index_finds_what_a_look_at_all_finds() {
    for place in places().await {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Arc::new(Catalog::standard().unwrap());
        // Without an index it looks at every record.
        let looking = Store::open(&place.location, catalog.clone()).await.unwrap();
        let indexed = Store::open(&place.location, catalog).await.unwrap();
        indexed
            .use_search(&folder.path().join("search.sqlite"))
            .await
            .unwrap();
        let mut dice = Dice(7);
        let mut ids = Vec::new();
        for round in 0..12 {
            for _ in 0..25 {
                let name = dice.name();
                let op = match (dice.below(10), ids.len() as u64) {
                    (0..=5, _) | (_, 0) => {
                        let number = format!("K{round}{}", dice.below(1 << 30));
                        let values = vec![
                            ("number".to_owned(), Value::Text(number)),
                            ("name".to_owned(), Value::Text(name)),
                        ];
                        Op::Create { values }
                    }
                    (6..=8, n) => Op::Update {
                        id: ids[dice.below(n) as usize],
                        values: vec![("name".to_owned(), Value::Text(name))],
                    },
                    (_, n) => Op::Delete {
                        id: ids.swap_remove(dice.below(n) as usize),
                    },
                };
                let is_create = matches!(op, Op::Create { .. });
                let written = indexed.write(change("customer", op), &Access::all()).await;
                if let Some(written) = written.unwrap()
                    && is_create
                {
                    ids.push(written.record.unwrap());
                }
            }
            // Now and then it is up to date, now and then some way behind.
            for _ in 0..dice.below(4) {
                indexed.follow_search(spell).await.unwrap();
            }
            for _ in 0..30 {
                let text = dice.name();
                let text = text.trim();
                let query = query(text, &[], "customer");
                let found = find(&indexed, &query).await;
                assert_eq!(found, find(&looking, &query).await, "{text:?}");
            }
        }
        while indexed.follow_search(spell).await.unwrap() {}
        assert_eq!(indexed.search_behind().await.unwrap(), 0);
        let found = find(&indexed, &query("yunhai", &[], "customer")).await;
        assert!(!found.is_empty());
        assert_eq!(
            found,
            find(&looking, &query("yunhai", &[], "customer")).await
        );

        // Over a link, and after its file was lost.
        let values = vec![
            ("customer".to_owned(), Value::Int(ids[0])),
            ("name".to_owned(), Value::from("李云")),
        ];
        let create = change("contact", Op::Create { values });
        indexed.write(create, &Access::all()).await.unwrap();
        let by_link = query("K", &["customer.number"], "contact");
        assert_eq!(find(&indexed, &by_link).await.len(), 1);
        indexed.close().await;
        std::fs::write(
            folder.path().join("search.sqlite"),
            b"no database at all, but long enough to be looked at",
        )
        .unwrap();
        let again = Store::open(&place.location, Arc::new(Catalog::standard().unwrap()))
            .await
            .unwrap();
        again
            .use_search(&folder.path().join("search.sqlite"))
            .await
            .unwrap();
        while again.follow_search(spell).await.unwrap() {}
        let wanted = query("云海", &[], "customer");
        assert_eq!(find(&again, &wanted).await, find(&looking, &wanted).await);
        again.close().await;
        looking.close().await;
    }
}

fn row(n: u64) -> OrderLineRow {
    OrderLineRow {
        row_no: n + 1,
        order_number: Some(format!("O{n}")),
        kind: None,
        customer_number: Some(format!("K{}", 4700 + n)),
        customer_name: Some(format!("云海 {n}")),
        customer_kind: None,
        country: None,
        region: None,
        city: None,
        industry: None,
        owner: None,
        phone: None,
        email: None,
        product_number: None,
        product_name: None,
        category: None,
        ordered_at: Timestamp::from_second(1_700_000_000).unwrap(),
        ordered_on: date(2023, 11, 14),
        channel: None,
        currency: None,
        quantity: Decimal::from_units(10_000),
        price: Decimal::from_units(25_000),
        amount: Decimal::from_units(25_000),
        freight: None,
        discount: None,
        row_hash: n as i64,
    }
}

/// An import names no records in the log, nor does its undo.
#[tokio::test]
async fn imports_are_found_and_gone_again() {
    for place in places().await {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        store
            .use_search(&folder.path().join("search.sqlite"))
            .await
            .unwrap();
        while store.follow_search(spell).await.unwrap() {}
        let found = |text: &'static str| {
            let store = store.clone();
            async move { find(&store, &query(text, &[], "customer")).await.len() }
        };
        let batch = store
            .import_begin(&NewBatch::new("orders.csv", "anna", "cli"))
            .await
            .unwrap();
        let rows: Vec<OrderLineRow> = (0..30).map(row).collect();
        store.import_stage(batch.id, &rows).await.unwrap();
        store.import_merge(batch.id, &Cancel::new()).await.unwrap();
        assert_eq!(found("4711").await, 1);
        while store.follow_search(spell).await.unwrap() {}
        assert_eq!(found("4711").await, 1);
        assert_eq!(found("云海").await, 30);
        assert_eq!(found("ab").await, 30, "spelt");
        store.import_undo(batch.id, "anna", "cli").await.unwrap();
        assert_eq!(found("云海").await, 0);
        while store.follow_search(spell).await.unwrap() {}
        assert_eq!(found("云海").await, 0);
        store.close().await;
    }
}

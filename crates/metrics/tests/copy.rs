//! The columnar copy's story on every kind of database: changes arrive, their
//! months alone are rewritten, nothing that is read is removed, and copy =
//! store is proven or the part that differs is named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::{Date, date};
use keji_metrics::copy::{Copy, Snapshot};
use keji_metrics::summaries::summarise;
use keji_schema::{Catalog, Decimal, Value};
use keji_store::testing::places;
use keji_store::{Access, NewChange, Op, Store};

async fn write(store: &Store, object: &str, op: Op) -> i64 {
    let change = NewChange {
        object: object.into(),
        op,
        actor: "test".into(),
        channel: "test".into(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    };
    store
        .write(change, &Access::all())
        .await
        .unwrap()
        .unwrap()
        .record
        .unwrap()
}

async fn customer(store: &Store, number: &str) -> i64 {
    let values = vec![
        ("number".into(), number.into()),
        ("kind".into(), "person".into()),
    ];
    write(store, "customer", Op::Create { values }).await
}

async fn order(store: &Store, number: &str, customer: i64, on: Date, gross: i64) -> i64 {
    let money = |units| Value::Decimal(Decimal::from_units(units));
    let at = on
        .at(9, 0, 0, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap()
        .timestamp();
    let values = [
        ("number", number.into()),
        ("customer", Value::Int(customer)),
        ("kind", "sale".into()),
        ("ordered_at", Value::Instant(at)),
        ("ordered_on", Value::Date(on)),
        ("country", "France".into()),
        ("goods_amount", money(gross)),
        ("gross_amount", money(gross)),
        ("freight", money(0)),
        ("discount", money(0)),
        ("net_amount", money(gross)),
        ("n_lines", Value::Int(1)),
    ];
    let values = values.into_iter().map(|(f, v)| (f.to_owned(), v)).collect();
    write(store, "order", Op::Create { values }).await
}

async fn update(store: &Store, object: &str, id: i64, field: &str, value: impl Into<Value>) {
    write(
        store,
        object,
        Op::Update {
            id,
            values: vec![(field.into(), value.into())],
        },
    )
    .await;
}

fn paths(snapshot: &Snapshot, object: &str) -> Vec<PathBuf> {
    snapshot
        .files(object)
        .iter()
        .map(|f| f.path.clone())
        .collect()
}

fn months(snapshot: &Snapshot) -> Vec<Date> {
    snapshot
        .files("order")
        .iter()
        .filter_map(|f| f.month)
        .collect()
}

async fn assert_equal(copy: &Copy) {
    let report = copy.check().await.unwrap();
    assert!(report.is_equal(), "{report:#?}");
    assert_eq!(report.n_moving, 0);
}

/// All Parquet files below the folder.
fn on_disk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(on_disk(&path));
        } else if path.extension().is_some_and(|e| e == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn the_copy_follows_the_store() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = Copy::open(folder.path(), store.clone()).unwrap();

        // Nothing yet.
        assert_eq!(
            copy.refresh().await.unwrap(),
            store.last_seq().await.unwrap()
        );
        assert!(on_disk(folder.path()).is_empty());
        assert_equal(&copy).await;

        // The first months.
        let ann = customer(&store, "C1").await;
        let bob = customer(&store, "C2").await;
        let first = order(&store, "S1", bob, date(2011, 1, 31), 10_0000).await;
        order(&store, "S2", ann, date(2011, 1, 31), 20_0000).await;
        let moved = order(&store, "S3", ann, date(2011, 2, 1), 30_0000).await;
        let one = copy.snapshot().await.unwrap();
        assert_eq!(one.seq(), store.last_seq().await.unwrap());
        assert_eq!(months(&one), [date(2011, 1, 1), date(2011, 2, 1)]);
        assert_eq!((one.n_rows("order"), one.n_rows("customer")), (3, 2));
        assert_eq!(one.files("order")[0].path.parent().unwrap(), {
            folder
                .path()
                .canonicalize()
                .unwrap()
                .join("order/month=2011-01")
        });
        let summaries = summarise(one.files("order"), date(2011, 2, 2), 2).unwrap();
        assert_eq!(summaries.get(ann).unwrap().gross_units, 50_0000);
        assert_eq!(summaries.gaps(ann), [1]);
        assert_equal(&copy).await;

        // Nothing new: the same snapshot.
        assert!(Arc::ptr_eq(&one, &copy.snapshot().await.unwrap()));

        // A change rewrites its month alone; what is read stays on disk.
        update(&store, "order", moved, "country", "Spain").await;
        let two = copy.snapshot().await.unwrap();
        assert_eq!(paths(&two, "order")[0], paths(&one, "order")[0]);
        assert_ne!(paths(&two, "order")[1], paths(&one, "order")[1]);
        assert!(paths(&one, "order")[1].exists());
        let outdated = paths(&one, "order")[1].clone();
        drop(one);

        // An order moves to another month; an empty month has no file.
        update(
            &store,
            "order",
            moved,
            "ordered_on",
            Value::Date(date(2011, 4, 2)),
        )
        .await;
        let three = copy.snapshot().await.unwrap();
        assert_eq!(months(&three), [date(2011, 1, 1), date(2011, 4, 1)]);
        assert!(!outdated.exists());
        assert_equal(&copy).await;

        // The order files hold the customer's kind too.
        update(&store, "customer", bob, "kind", "company").await;
        let four = copy.snapshot().await.unwrap();
        assert_ne!(paths(&four, "order")[0], paths(&three, "order")[0]);
        assert_eq!(paths(&four, "order")[1], paths(&three, "order")[1]);
        assert_equal(&copy).await;

        // Deleted rows leave.
        write(&store, "order", Op::Delete { id: first }).await;
        assert_eq!(copy.snapshot().await.unwrap().n_rows("order"), 2);

        // Several at once do the work once.
        order(&store, "S4", bob, date(2011, 5, 1), 1).await;
        let (a, b, c) = tokio::join!(copy.snapshot(), copy.snapshot(), copy.snapshot());
        let a = a.unwrap();
        assert!(Arc::ptr_eq(&a, &b.unwrap()) && Arc::ptr_eq(&a, &c.unwrap()));
        drop((two, three, four));
        assert_equal(&copy).await;

        // A rebuild writes all anew; the old files go once nobody reads them.
        assert_eq!(copy.rebuild().await.unwrap(), a.seq());
        assert!(paths(&a, "order").iter().all(|p| p.exists()));
        drop(a);
        copy.rebuild().await.unwrap();
        let newest = copy.snapshot().await.unwrap();
        let listed = [paths(&newest, "customer"), paths(&newest, "order")].concat();
        assert_eq!(on_disk(&folder.path().canonicalize().unwrap()), listed);
        assert_equal(&copy).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_lost_damaged_or_left_over_file_is_found() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ann = customer(&store, "C1").await;
        order(&store, "S1", ann, date(2011, 1, 31), 10_0000).await;
        order(&store, "S2", ann, date(2011, 2, 1), 20_0000).await;
        let copy = Copy::open(folder.path(), store.clone()).unwrap();
        let january = paths(&copy.snapshot().await.unwrap(), "order")[0].clone();

        // Another process lost a file and left one over.
        std::fs::remove_file(&january).unwrap();
        let orphan = january.with_file_name("1-0-0.parquet");
        std::fs::write(&orphan, "half a fi").unwrap();
        let copy = Copy::open(folder.path(), store.clone()).unwrap();
        let snapshot = copy.snapshot().await.unwrap();
        assert!(!orphan.exists());
        assert_equal(&copy).await;

        // Another value in a file of the same length, as a failing disk would.
        let path = paths(&snapshot, "order")[0].clone();
        let february = paths(&snapshot, "order")[1].clone();
        let bytes = std::fs::read(&february).unwrap();
        std::fs::write(&february, vec![0; bytes.len()]).unwrap();
        let report = copy.check().await.unwrap();
        let [difference] = report.differences.as_slice() else {
            panic!("{report:#?}")
        };
        assert_eq!(difference.object, "order");
        assert_eq!(difference.month, Some(date(2011, 2, 1)));
        assert_eq!((difference.store.n_rows, difference.copy.n_rows), (1, 0));
        assert!(difference.damage.is_some());

        copy.rebuild().await.unwrap();
        assert_equal(&copy).await;
        assert!(path.exists(), "a snapshot still reads it");
        drop(snapshot);
        let newest = copy.snapshot().await.unwrap();
        copy.rebuild().await.unwrap();
        assert!(!path.exists());

        // Whoever had the files of before the other's rebuild gets the new.
        let other = Copy::open(folder.path(), store.clone()).unwrap();
        drop(newest);
        other.rebuild().await.unwrap();
        assert!(
            paths(&copy.snapshot().await.unwrap(), "order")
                .iter()
                .all(|p| p.exists())
        );
        assert_eq!(on_disk(folder.path()).len(), 3);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_during_a_refresh_are_in_it_or_in_the_next() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = Copy::open(folder.path(), store.clone()).unwrap();
        let ann = customer(&store, "C1").await;
        let writer = tokio::spawn({
            let store = store.clone();
            async move {
                for i in 0..60 {
                    let on = date(2011, 1 + i % 6, 1);
                    order(&store, &format!("S{i}"), ann, on, 1).await;
                }
            }
        });
        while !writer.is_finished() {
            let snapshot = copy.snapshot().await.unwrap();
            // Every change makes one record.
            let n_rows = snapshot.n_rows("order") + snapshot.n_rows("customer");
            assert!(
                n_rows as i64 >= snapshot.seq(),
                "{n_rows} {}",
                snapshot.seq()
            );
        }
        writer.await.unwrap();
        assert_eq!(copy.snapshot().await.unwrap().n_rows("order"), 60);
        assert_equal(&copy).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_order_is_added_without_rewriting_its_month() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = Copy::open(folder.path(), store.clone()).unwrap();
        let who = customer(&store, "A").await;
        for n in 0..40 {
            order(&store, &format!("S{n}"), who, date(2025, 3, 1 + n % 28), 10).await;
        }
        let before = paths(&copy.snapshot().await.unwrap(), "order");
        let bytes: Vec<Vec<u8>> = before.iter().map(|p| std::fs::read(p).unwrap()).collect();

        let new = order(&store, "N", who, date(2025, 3, 9), 77).await;
        let snapshot = copy.snapshot().await.unwrap();
        let after = paths(&snapshot, "order");
        assert_eq!(after.len(), before.len() + 1, "{after:?}");
        assert!(before.iter().all(|p| after.contains(p)));
        let still: Vec<Vec<u8>> = before.iter().map(|p| std::fs::read(p).unwrap()).collect();
        assert!(bytes == still, "a file was changed in place");
        assert_eq!(snapshot.n_rows("order"), 41);
        assert!(copy.check().await.unwrap().is_equal());

        // What is changed later is in a file, which is then written again.
        update(&store, "order", new, "country", "Spain").await;
        let snapshot = copy.snapshot().await.unwrap();
        assert_eq!(snapshot.n_rows("order"), 41);
        assert!(copy.check().await.unwrap().is_equal());
        // Created and changed between two looks: one new row.
        let twice = order(&store, "M", who, date(2025, 3, 9), 5).await;
        update(&store, "order", twice, "country", "Italy").await;
        assert_eq!(copy.snapshot().await.unwrap().n_rows("order"), 42);
        assert!(copy.check().await.unwrap().is_equal());
        // Created and gone again: none.
        let gone = order(&store, "G", who, date(2025, 3, 9), 5).await;
        write(&store, "order", Op::Delete { id: gone }).await;
        assert_eq!(copy.snapshot().await.unwrap().n_rows("order"), 42);
        assert!(copy.check().await.unwrap().is_equal());
        // Many small files become one again.
        for n in 0..60 {
            order(&store, &format!("T{n}"), who, date(2025, 3, 9), 1).await;
            copy.snapshot().await.unwrap();
        }
        let files = paths(&copy.snapshot().await.unwrap(), "order").len();
        assert!(files < 40, "{files} files for a month of 102 orders");
        assert!(copy.check().await.unwrap().is_equal());
        store.close().await;
    }
}

//! Backups on both databases and across: what is restored is what there was,
//! whatever is written meanwhile, and what is not a whole backup is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use keji_schema::{Catalog, Decimal, Value};
use keji_store::testing::{Place, places, postgres, sqlite};
use keji_store::*;
use serde_json::json;

fn catalog() -> Arc<Catalog> {
    Arc::new(Catalog::standard().unwrap())
}

async fn open(location: &Location) -> Store {
    Store::open(location, catalog()).await.unwrap()
}

async fn bytes(store: &Store, place: &Place) -> Contents {
    store.contents(&place.folder).await.unwrap()
}

/// A file's record with its bytes; its checksum.
async fn attach(store: &Store, contents: &Contents, content: &[u8]) -> String {
    let mut incoming = contents.incoming().unwrap();
    incoming.write(content).unwrap();
    let landed = incoming.finish().unwrap();
    let op = Op::Create {
        values: vec![
            ("name".to_owned(), "a.txt".into()),
            ("checksum".to_owned(), landed.checksum.as_str().into()),
        ],
    };
    let change = NewChange {
        object: "file".to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "cli".to_owned(),
        module: None,
        expected: None,
        gives_number: true,
        jobs: Vec::new(),
    };
    store.write(change, &Access::all()).await.unwrap();
    landed.checksum
}

fn line(order: u64, n: u64) -> OrderLineRow {
    let text = |text: String| Some(text);
    OrderLineRow {
        row_no: n + 1,
        order_number: text(format!("O{order}")),
        kind: None,
        customer_number: text(format!("C{}", order % 50)),
        customer_name: text("客 \"x\"\t\\y\r\n".to_owned()),
        customer_kind: None,
        country: None,
        region: None,
        city: None,
        industry: None,
        owner: None,
        phone: None,
        email: None,
        product_number: text(format!("P{}", n % 7)),
        product_name: None,
        category: None,
        ordered_at: Timestamp::from_second(1_700_000_000 + n as i64).unwrap(),
        ordered_on: date(2023, 11, 14),
        channel: None,
        currency: None,
        quantity: Decimal::from_units(10_000),
        price: Decimal::from_units(25_001),
        amount: Decimal::from_units(25_001),
        freight: None,
        discount: None,
        row_hash: (order * 1000 + n) as i64,
    }
}

async fn import(store: &Store, rows: &[OrderLineRow]) {
    let batch = store
        .import_begin(&NewBatch::new("orders.csv", "anna", "cli"))
        .await
        .unwrap();
    for part in rows.chunks(5000) {
        store.import_stage(batch.id, part).await.unwrap();
    }
    store.import_merge(batch.id, &Cancel::new()).await.unwrap();
}

fn change(op: Op) -> NewChange {
    NewChange {
        object: "customer".to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: vec![NewJob::new("mail", json!({"to": 1}))],
    }
}

async fn new_customer(store: &Store, number: &str) -> i64 {
    let op = Op::Create {
        values: vec![
            ("number".to_owned(), Value::from(number)),
            ("name".to_owned(), Value::from("Anna")),
            ("kind".to_owned(), Value::from("company")),
        ],
    };
    let written = store.write(change(op), &Access::all()).await.unwrap();
    written.unwrap().record.unwrap()
}

/// Something of everything. Returns the highest customer id ever given out,
/// of a record that is gone.
async fn fill(store: &Store) -> i64 {
    let rows: Vec<OrderLineRow> = (0..600).map(|n| line(n / 3, n)).collect();
    import(store, &rows).await;
    new_customer(store, "N1").await;
    let gone = new_customer(store, "N2").await;
    let delete = change(Op::Delete { id: gone });
    store.write(delete, &Access::all()).await.unwrap();
    let lease = Duration::from_secs(600);
    store.lease_job(&["mail"], lease).await.unwrap().unwrap();
    let file = CopyFile {
        object: "order".to_owned(),
        month: Some(date(2023, 11, 1)),
        path: "order/a.parquet".to_owned(),
        n_rows: 1,
        n_bytes: 2,
        checksum: "3".to_owned(),
    };
    let files = [file];
    store.copy_replace(1, &[], &files).await.unwrap();
    gone
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap();
    let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

async fn is_empty(place: &Place) -> bool {
    match &place.location {
        Location::Folder(folder) => entries(folder).is_empty(),
        Location::Postgres(url) => {
            use sqlx::Connection;
            let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
            let sql = "select count(*) from pg_tables where schemaname = 'public'";
            let n: i64 = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
            n == 0
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_on_either_database() {
    let folder = tempfile::tempdir().unwrap();
    for (n, source) in places().await.iter().enumerate() {
        let store = open(&source.location).await;
        let gone = fill(&store).await;
        let file = folder.path().join(format!("{n}.keji-backup"));
        let mut steps = Vec::new();
        let report = store
            .backup(&file, None, &bytes(&store, source).await, |p| {
                steps.push(p.step)
            })
            .await
            .unwrap();
        steps.dedup();
        assert_eq!(steps.first(), Some(&BackupStep::Copy));
        assert_eq!(steps.last(), Some(&BackupStep::Finish));
        let hash = store.state_hash().await.unwrap();
        assert_eq!(report.state_hash, Checksum(hash));
        assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
        let rows = |name: &str| report.tables.iter().find(|t| t.name == name).unwrap().rows;
        assert_eq!((rows("order_line"), rows("order")), (600, 200));
        assert_eq!((rows("customer"), rows("keji_job")), (51, 3));
        let manifest = read_manifest(&file).unwrap();
        assert_eq!(manifest.tables, report.tables);
        assert_eq!(manifest.seq, store.last_seq().await.unwrap());
        // No second backup under the same name.
        assert!(
            store
                .backup(&file, None, &bytes(&store, source).await, |_| ())
                .await
                .is_err()
        );
        assert!(!store.is_frozen().await.unwrap());

        for target in places().await {
            let restored =
                restore(&file, &target.location, &target.folder, catalog(), |_| ()).await;
            assert_eq!(restored.unwrap(), report);
            let copy = open(&target.location).await;
            assert_eq!(copy.state_hash().await.unwrap(), hash);
            assert_eq!(copy.integrity_check().await.unwrap(), Vec::<String>::new());
            assert_eq!(
                copy.changes(&all_changes()).await.unwrap(),
                store.changes(&all_changes()).await.unwrap()
            );
            assert_eq!(
                copy.jobs(None, 10).await.unwrap(),
                store.jobs(None, 10).await.unwrap()
            );
            assert_eq!(
                copy.batches(10).await.unwrap(),
                store.batches(10).await.unwrap()
            );
            // The files of the columnar copy are not in the backup.
            assert_eq!(copy.copy_manifest().await.unwrap().files, []);
            assert!(copy.is_frozen().await.unwrap());
            copy.unfreeze().await.unwrap();
            assert!(!copy.is_frozen().await.unwrap());
            // It goes on, with ids that were never used.
            assert_eq!(new_customer(&copy, "N3").await, gone + 1);
            import(&copy, &[line(9999, 1)]).await;
            let counts = copy.counts().await.unwrap();
            assert_eq!(counts.objects["order"], 201);
            // Its own backup is the same but for what came since.
            let again = folder.path().join("again");
            let second = copy
                .backup(&again, None, &bytes(&copy, &target).await, |_| ())
                .await
                .unwrap();
            assert_eq!(
                second.state_hash,
                Checksum(copy.state_hash().await.unwrap())
            );
            fs::remove_file(again).unwrap();
            copy.close().await;
            // A second restore into the same place is refused.
            let refused = restore(&file, &target.location, &target.folder, catalog(), |_| ()).await;
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("already"), "{message}");
        }
        store.close().await;
    }
    assert!(entries(folder.path()).iter().all(|e| e.is_file()));
}

fn all_changes() -> ChangeQuery {
    ChangeQuery {
        limit: 100,
        ..ChangeQuery::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_consistent_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    for (n, source) in places().await.iter().enumerate() {
        let store = open(&source.location).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn({
            let (store, stop) = (store.clone(), stop.clone());
            async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    // An order and its line in one transaction.
                    import(&store, &[line(n, 1)]).await;
                    n += 1;
                }
                n
            }
        });
        let mut seen = Vec::new();
        for i in 0..5 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let file = folder.path().join(format!("{n}-{i}.keji-backup"));
            let report = store
                .backup(&file, None, &bytes(&store, source).await, |_| ())
                .await
                .unwrap();
            let rows = |name: &str| report.tables.iter().find(|t| t.name == name).unwrap().rows;
            assert_eq!(rows("order"), rows("order_line"));
            assert_eq!(rows("order"), rows("keji_change"));
            seen.push(rows("order"));
            for target in [Some(sqlite()), postgres().await].into_iter().flatten() {
                restore(&file, &target.location, &target.folder, catalog(), |_| ())
                    .await
                    .unwrap();
                let copy = open(&target.location).await;
                assert_eq!(copy.integrity_check().await.unwrap(), Vec::<String>::new());
                let hash = Checksum(copy.state_hash().await.unwrap());
                assert_eq!(hash, report.state_hash);
                copy.close().await;
            }
        }
        stop.store(true, Ordering::Relaxed);
        let written = writing.await.unwrap();
        assert!(seen.is_sorted() && seen[0] < seen[4] && seen[4] <= written);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_backup_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite();
    let store = open(&source.location).await;
    fill(&store).await;
    let contents = bytes(&store, &source).await;
    attach(&store, &contents, &[7; 200_000]).await;
    let file = folder.path().join("good.keji-backup");
    store.backup(&file, None, &contents, |_| ()).await.unwrap();
    store.close().await;
    let good = fs::read(&file).unwrap();
    let bad = folder.path().join("bad");
    let targets = places().await;
    let refused = async |content: &[u8], what: &str| {
        fs::write(&bad, content).unwrap();
        for target in &targets {
            let error = restore(&bad, &target.location, &target.folder, catalog(), |_| ()).await;
            let message = error.expect_err(what).to_string();
            assert!(message.contains("bad: "), "{what}: {message}");
            assert!(is_empty(target).await, "{what} left something");
        }
    };
    let at = |i: usize| i * (good.len() - 1) / 19;
    for i in 0..20 {
        refused(&good[..at(i)], &format!("cut off at {}", at(i))).await;
        let mut flipped = good.clone();
        flipped[at(i)] ^= 0x10;
        refused(&flipped, &format!("byte {} flipped", at(i))).await;
    }
    refused(b"", "an empty file").await;
    refused(&[b"x".as_slice(), &good].concat(), "a byte before").await;
    refused(&[&good, b"x".as_slice()].concat(), "a byte behind").await;
    let Location::Folder(data) = &source.location else {
        unreachable!()
    };
    let foreign = fs::read(data.join("keji.sqlite")).unwrap();
    refused(&foreign, "a SQLite file").await;
    fs::remove_file(&bad).unwrap();
    assert!(
        restore(
            &bad,
            &targets[0].location,
            &targets[0].folder,
            catalog(),
            |_| ()
        )
        .await
        .is_err()
    );
    // A new folder that a refused restore made is gone again.
    let fresh = Location::Folder(folder.path().join("fresh"));
    fs::write(&bad, &good[1..]).unwrap();
    assert!(
        restore(
            &bad,
            &fresh,
            &folder.path().join("fresh"),
            catalog(),
            |_| ()
        )
        .await
        .is_err()
    );
    fs::remove_file(&bad).unwrap();
    assert_eq!(entries(folder.path()), [file]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_files_are_in_it() {
    let folder = tempfile::tempdir().unwrap();
    for (n, source) in places().await.iter().enumerate() {
        let store = open(&source.location).await;
        let contents = bytes(&store, source).await;
        let large: Vec<u8> = (0..700_001u32).map(|i| (i % 251) as u8).collect();
        let first = attach(&store, &contents, &large).await;
        let empty = attach(&store, &contents, b"").await;
        let lost = attach(&store, &contents, b"lost").await;
        let rotten = attach(&store, &contents, b"rotten").await;
        // A second record with the same content has the same bytes.
        assert_eq!(attach(&store, &contents, &large).await, first);
        let at = |checksum: &str| {
            let found = find(&source.folder, checksum);
            found.into_iter().next().expect("bytes in the data folder")
        };
        fs::remove_file(at(&lost)).unwrap();
        fs::write(at(&rotten), b"rotted").unwrap();
        let file = folder.path().join(format!("{n}.keji-backup"));
        let report = store.backup(&file, None, &contents, |_| ()).await.unwrap();
        assert_eq!((report.contents, report.contents_missing), (2, 2));
        for target in places().await {
            restore(&file, &target.location, &target.folder, catalog(), |_| ())
                .await
                .unwrap();
            let copy = open(&target.location).await;
            let there = bytes(&copy, &target).await;
            let mut found = Vec::new();
            use std::io::Read;
            let mut content = there.open(&first).unwrap().expect("the bytes");
            content.read_to_end(&mut found).unwrap();
            assert_eq!(found, large);
            assert!(there.open(&empty).unwrap().is_some());
            let check = copy.check_contents(&there).await.unwrap();
            assert_eq!((check.n, check.damages.len()), (2, 2));
            assert!(check.damages.iter().all(|damage| damage.is_missing));
            assert_eq!(copy.sweep_contents(&there, true).await.unwrap(), Some(0));
            copy.close().await;
        }
        store.close().await;
        fs::remove_file(file).unwrap();
    }
    assert!(entries(folder.path()).is_empty());
}

/// Files of this name below the folder.
fn find(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(find(&path, name));
        } else if path.ends_with(name) {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite();
    let store = open(&source.location).await;
    fill(&store).await;
    let file = folder.path().join("good.keji-backup");
    store
        .backup(&file, None, &bytes(&store, &source).await, |_| ())
        .await
        .unwrap();
    for target in places().await {
        let other = open(&target.location).await;
        new_customer(&other, "X").await;
        let hash = other.state_hash().await.unwrap();
        let refused = restore(&file, &target.location, &target.folder, catalog(), |_| ()).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("already"), "{message}");
        assert_eq!(other.state_hash().await.unwrap(), hash);
        other.close().await;
    }
    // What a database left behind is not mixed with ours.
    let place = sqlite();
    let Location::Folder(data) = &place.location else {
        unreachable!()
    };
    fs::write(data.join("keji.sqlite-wal"), b"").unwrap();
    assert!(
        restore(&file, &place.location, &place.folder, catalog(), |_| ())
            .await
            .is_err()
    );
    assert_eq!(entries(data), [data.join("keji.sqlite-wal")]);
    // Definitions that would drop stored fields.
    let mut smaller = Catalog::standard().unwrap();
    smaller.objects.remove("cost");
    let smaller = Arc::new(smaller);
    for target in places().await {
        let refused = restore(
            &file,
            &target.location,
            &target.folder,
            smaller.clone(),
            |_| (),
        )
        .await;
        assert!(matches!(refused, Err(Error::Drop(_))), "{refused:?}");
        assert!(is_empty(&target).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_broke_off_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite();
    let store = open(&source.location).await;
    fill(&store).await;
    let file = folder.path().join("good.keji-backup");
    let report = store
        .backup(&file, None, &bytes(&store, &source).await, |_| ())
        .await
        .unwrap();
    for target in places().await {
        for ms in [1, 5, 10, 20, 40, 80] {
            let restoring = restore(&file, &target.location, &target.folder, catalog(), |_| ());
            let wait = Duration::from_millis(ms);
            if tokio::time::timeout(wait, restoring).await.is_ok() {
                break;
            }
        }
        let restored = restore(&file, &target.location, &target.folder, catalog(), |_| ()).await;
        if let Err(e) = restored {
            // One of those above was done.
            assert!(e.to_string().contains("already"), "{e}");
        }
        let copy = open(&target.location).await;
        assert_eq!(
            Checksum(copy.state_hash().await.unwrap()),
            report.state_hash
        );
    }
}

/// A field that became required after the first records is empty in those,
/// and stays so.
#[tokio::test(flavor = "multi_thread")]
async fn older_definitions_are_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let mut newer = Catalog::standard().unwrap();
    let mut older = newer.clone();
    let customer = newer.objects.get_mut("customer").unwrap();
    let added = customer.fields.iter_mut().find(|f| f.id == "city").unwrap();
    added.required = true;
    let newer = Arc::new(newer);
    older.objects.remove("cost");
    let customer = older.objects.get_mut("customer").unwrap();
    customer.fields.retain(|f| f.id != "city");
    customer
        .indexes
        .retain(|index| !index.contains(&"city".to_owned()));
    let older = Arc::new(older);
    for (n, source) in places().await.iter().enumerate() {
        let store = Store::open(&source.location, older.clone()).await.unwrap();
        let rows = (0..10).map(|n| {
            let text = Value::Text(format!("C{n}"));
            vec![text.clone(), text]
        });
        let fields = ["number", "name"];
        store
            .insert_many("customer", &fields, rows, "anna", "cli")
            .await
            .unwrap();
        let file = folder.path().join(format!("{n}.keji-backup"));
        store
            .backup(&file, None, &bytes(&store, source).await, |_| ())
            .await
            .unwrap();
        store.close().await;
        let store = Store::open(&source.location, newer.clone()).await.unwrap();
        let now = folder.path().join(format!("{n}-now.keji-backup"));
        let report = store
            .backup(&now, None, &bytes(&store, source).await, |_| ())
            .await
            .unwrap();
        for file in [&file, &now] {
            for target in places().await {
                restore(
                    file,
                    &target.location,
                    &target.folder,
                    newer.clone(),
                    |_| (),
                )
                .await
                .unwrap();
                let copy = Store::open(&target.location, newer.clone()).await.unwrap();
                let hash = Checksum(copy.state_hash().await.unwrap());
                assert_eq!(hash, report.state_hash);
            }
        }
    }
}

/// Run it alone, in release: `KEJI_ROWS=1000000 cargo test --test backup speed -- --nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn speed() {
    let n_rows: u64 = std::env::var("KEJI_ROWS").map_or(2000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for (n, source) in places().await.iter().enumerate() {
        let store = open(&source.location).await;
        for part in 0..n_rows.div_ceil(250_000) {
            let from = part * 250_000;
            let rows: Vec<OrderLineRow> = (from..n_rows.min(from + 250_000))
                .map(|n| line(n / 5, n))
                .collect();
            import(&store, &rows).await;
        }
        let file = folder.path().join(format!("{n}.keji-backup"));
        // From here on, the peak is of backup and restore.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let before = memory("VmRSS");
        let begin = std::time::Instant::now();
        let report = store
            .backup(&file, None, &bytes(&store, source).await, |_| ())
            .await
            .unwrap();
        println!(
            "backup of {:?}: {:.1?}, {} MB",
            source.location,
            begin.elapsed(),
            report.bytes >> 20
        );
        for target in places().await {
            let begin = std::time::Instant::now();
            restore(&file, &target.location, &target.folder, catalog(), |_| ())
                .await
                .unwrap();
            println!(
                "  restored to {:?}: {:.1?}",
                target.location,
                begin.elapsed()
            );
        }
        println!("  memory: {before} before, {} at most", memory("VmHWM"));
        store.close().await;
    }
}

/// Of this process, where the system says it.
fn memory(what: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    line.unwrap_or_default().to_owned()
}

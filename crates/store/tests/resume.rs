//! An import that is killed goes on where its last mark stands, and the end
//! is the same as without the kill.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::files::{catalog, import, new_batch, rows};
use keji_schema::Decimal;
use keji_store::*;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Set in the process that is killed: a folder, or a URL.
const CHILD: &str = "KEJI_STORE_RESUME_CHILD";
/// Where it notes from which mark it went on.
const NOTES: &str = "KEJI_STORE_RESUME_NOTES";
const N_ROWS: u64 = 20_000;
const PORTION: u64 = 500;
const MARK_EVERY: u64 = 2000;

fn new() -> NewBatch {
    NewBatch {
        fingerprint: Some("orders.csv, as it is".to_owned()),
        ..new_batch(ImportMode::Update, Some("shop"))
    }
}

const FILE: &str = "
    1|C1||P1||2024-01-05|2|10
    1|C1||P2||2024-01-05|1|3
    2|C1||P1||2024-02-01|1|10
    3|C2||P2||2024-02-10|4|0.25
";

fn mark(row_no: u64, is_complete: bool) -> StageMark {
    StageMark {
        row_no,
        rows: row_no + 1,
        note: format!("{{\"rejected\":{row_no}}}"),
        is_complete,
    }
}

async fn open(location: &Location) -> Store {
    Store::open(location, catalog()).await.unwrap()
}

/// Runs a statement of its own on the database of a closed store.
async fn by_hand(location: &Location, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match location {
        Location::Folder(folder) => {
            let options =
                sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("keji.sqlite"));
            let mut conn = options.connect().await.unwrap();
            conn.execute(sql).await.unwrap();
            conn.close().await.unwrap();
        }
        Location::Postgres(url) => {
            let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
            let mut conn = options.connect().await.unwrap();
            conn.execute(sql).await.unwrap();
            conn.close().await.unwrap();
        }
    }
}

async fn state_of(store: &Store, batch: BatchId) -> BatchState {
    store.batch(batch).await.unwrap().unwrap().state
}

async fn story(location: &Location) {
    let store = open(location).await;
    let file = rows(FILE);
    let (expected_batch, _) = import(&store, &new_batch(ImportMode::Update, None), FILE).await;
    let expected = store.state_hash().await.unwrap();
    let undone = store.import_undo(expected_batch, "anna", "cli").await;
    undone.unwrap();
    let empty = store.state_hash().await.unwrap();

    // Without a fingerprint there is nothing to come back to.
    let plain = store.import_begin(&NewBatch::new("x", "anna", "cli")).await;
    let plain = plain.unwrap();
    assert!(store.import_mark(plain.id, &mark(1, false)).await.is_err());
    store.import_stage(plain.id, &file).await.unwrap();

    // Two rows, a mark, one row more, and the store closes.
    let (batch, none) = store.import_open(&new()).await.unwrap();
    assert_eq!(none, None);
    store.import_stage(batch.id, &file[..2]).await.unwrap();
    store.import_mark(batch.id, &mark(2, false)).await.unwrap();
    store.import_stage(batch.id, &file[2..3]).await.unwrap();
    // While it lives nobody takes it.
    let other = open(location).await;
    assert_eq!(state_of(&other, batch.id).await, BatchState::Staging);
    let (second, none) = other.import_open(&new()).await.unwrap();
    assert_eq!((none, second.id == batch.id), (None, false));
    other.import_abort(second.id).await.unwrap();
    other.close().await;
    store.close().await;

    // PostgreSQL lets go of a lock when it notices that the connection ended.
    let mut store = open(location).await;
    for _ in 0..50 {
        if state_of(&store, plain.id).await == BatchState::Aborted {
            break;
        }
        store.close().await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        store = open(location).await;
    }
    assert_eq!(state_of(&store, plain.id).await, BatchState::Aborted);
    assert_eq!(state_of(&store, batch.id).await, BatchState::Staging);
    let different = NewBatch {
        fingerprint: Some("another".to_owned()),
        ..new()
    };
    let (unlike, none) = store.import_open(&different).await.unwrap();
    assert_eq!((none, unlike.id == batch.id), (None, false));
    store.import_abort(unlike.id).await.unwrap();
    let (taken, found) = store.import_open(&new()).await.unwrap();
    assert_eq!((taken.id, found), (batch.id, Some(mark(2, false))));
    assert_eq!(
        (taken.mode, taken.source.as_deref()),
        (ImportMode::Update, Some("shop"))
    );
    // The third row was behind the mark: it is staged again.
    store.import_stage(batch.id, &file[2..]).await.unwrap();
    store.import_mark(batch.id, &mark(4, true)).await.unwrap();

    // A merge that is dropped in the middle leaves what was staged.
    for after_ms in [0, 2, 8] {
        let cancel = Cancel::new();
        let merge = store.import_merge(batch.id, &cancel);
        if tokio::time::timeout(Duration::from_millis(after_ms), merge)
            .await
            .is_ok()
        {
            break;
        }
        store
            .enqueue(NewJob::new("wait", serde_json::json!(null)))
            .await
            .unwrap();
        if state_of(&store, batch.id).await == BatchState::Merged {
            break;
        }
        let (taken, found) = store.import_open(&new()).await.unwrap();
        assert_eq!((taken.id, found), (batch.id, Some(mark(4, true))));
    }
    if state_of(&store, batch.id).await == BatchState::Staging {
        store.import_merge(batch.id, &Cancel::new()).await.unwrap();
    }
    assert_eq!(store.state_hash().await.unwrap(), expected);
    let (again, none) = store.import_open(&new()).await.unwrap();
    assert_eq!((none, again.id == batch.id), (None, false));
    store.import_abort(again.id).await.unwrap();
    store.import_undo(batch.id, "anna", "cli").await.unwrap();
    assert_eq!(store.state_hash().await.unwrap(), empty);

    // After a week it is a leftover.
    let (old, _) = store.import_open(&new()).await.unwrap();
    store.import_stage(old.id, &file).await.unwrap();
    store.import_mark(old.id, &mark(4, true)).await.unwrap();
    store.close().await;
    let week_ago = match location {
        Location::Folder(_) => "update keji_batch set created_at = created_at - 605000000000",
        Location::Postgres(_) => {
            "update keji_batch set created_at = created_at - interval '605000 s'"
        }
    };
    by_hand(location, week_ago).await;
    let store = open(location).await;
    assert_eq!(state_of(&store, old.id).await, BatchState::Aborted);
    let (fresh, none) = store.import_open(&new()).await.unwrap();
    assert_eq!(none, None);
    store.import_abort(fresh.id).await.unwrap();
    store.close().await;
    if let Location::Folder(folder) = location {
        let left = std::fs::read_dir(folder.join("import")).unwrap().count();
        assert_eq!(left, 0, "scratch files are left");
        // A file that nobody wrote to its end is not trusted.
        let store = open(location).await;
        let (batch, _) = store.import_open(&new()).await.unwrap();
        store.import_stage(batch.id, &file).await.unwrap();
        store.import_mark(batch.id, &mark(4, true)).await.unwrap();
        store.close().await;
        let path = folder.join(format!("import/{}.sqlite", batch.id.0));
        std::fs::write(&path, b"not a database, as after a power cut").unwrap();
        let store = open(location).await;
        let (taken, none) = store.import_open(&new()).await.unwrap();
        assert_eq!((taken.id, none), (batch.id, None));
        store.import_stage(batch.id, &file).await.unwrap();
        store.import_merge(batch.id, &Cancel::new()).await.unwrap();
        assert_eq!(store.state_hash().await.unwrap(), expected);
    }
}

/// Rows of one of several large files; the later ones touch the orders of the
/// earlier.
fn many(file: u64, from: u64, to: u64) -> Vec<OrderLineRow> {
    let template = rows(FILE).swap_remove(0);
    (from..to)
        .map(|n| OrderLineRow {
            row_no: n + 1,
            order_number: Some((file * N_ROWS / 20 + n / 10).to_string()),
            customer_number: Some(format!("C{}", n % 500)),
            product_number: Some(format!("P{}", n % 77)),
            city: Some(format!("City {file}")),
            quantity: Decimal::from_units(10_000 * (1 + n as i64 % 3)),
            row_hash: (file * N_ROWS + n) as i64,
            ..template.clone()
        })
        .collect()
}

/// Imports the file as far as it is not, by mark and resume.
async fn go_on(store: &Store, file: u64, notes: &Path) {
    let new = NewBatch {
        filename: format!("{file}.csv"),
        fingerprint: Some(format!("file {file}")),
        ..new_batch(ImportMode::Update, Some("shop"))
    };
    let (batch, mark) = store.import_open(&new).await.unwrap();
    let mark = mark.unwrap_or_default();
    assert_eq!(mark.row_no, mark.rows);
    let mut notes = std::fs::File::options()
        .append(true)
        .create(true)
        .open(notes)
        .unwrap();
    writeln!(notes, "{}", mark.row_no).unwrap();
    let mut row_no = mark.row_no;
    while row_no < N_ROWS {
        let part = many(file, row_no, row_no + PORTION);
        store.import_stage(batch.id, &part).await.unwrap();
        row_no += PORTION;
        if row_no % MARK_EVERY == 0 {
            let mark = StageMark {
                row_no,
                rows: row_no,
                note: String::new(),
                is_complete: row_no == N_ROWS,
            };
            store.import_mark(batch.id, &mark).await.unwrap();
        }
    }
    store.import_merge(batch.id, &Cancel::new()).await.unwrap();
}

async fn n_merged(store: &Store) -> u64 {
    let batches = store.batches(1000).await.unwrap();
    let merged = batches.iter().filter(|b| b.state == BatchState::Merged);
    merged.count() as u64
}

/// Imports one file after the other until it is killed. Does nothing in an
/// ordinary test run.
#[tokio::test]
async fn child() {
    let (Ok(place), Ok(notes)) = (std::env::var(CHILD), std::env::var(NOTES)) else {
        return;
    };
    let location = match place.starts_with("postgres") {
        true => Location::Postgres(place),
        false => Location::Folder(place.into()),
    };
    let store = open(&location).await;
    for file in n_merged(&store).await.. {
        go_on(&store, file, Path::new(&notes)).await;
    }
}

async fn killed(location: &Location, n_kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    let place = match location {
        Location::Folder(folder) => folder.to_string_lossy().into_owned(),
        Location::Postgres(url) => url.clone(),
    };
    for kill in 0..n_kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "resume::child"])
            .env(CHILD, &place)
            .env(NOTES, &notes)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(200 + kill * 373 % 1100));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(location).await;
        let batches = store.batches(1000).await.unwrap();
        assert!(batches.iter().all(|b| b.state != BatchState::Aborted));
        assert!(store.integrity_check().await.unwrap().is_empty());
        store.close().await;
    }
    // The one that is open still is brought to its end.
    let store = open(location).await;
    let n_files = n_merged(&store).await + 1;
    go_on(&store, n_files - 1, &notes).await;
    let state = store.state_hash().await.unwrap();
    store.close().await;

    let place = testing::sqlite();
    let store = open(&place.location).await;
    for file in 0..n_files {
        let new = new_batch(ImportMode::Update, Some("shop"));
        let batch = store.import_begin(&new).await.unwrap();
        let all = many(file, 0, N_ROWS);
        store.import_stage(batch.id, &all).await.unwrap();
        store.import_merge(batch.id, &Cancel::new()).await.unwrap();
    }
    assert_eq!(store.state_hash().await.unwrap(), state);
    let notes = std::fs::read_to_string(&notes).unwrap();
    let marks: Vec<u64> = notes.lines().map(|line| line.parse().unwrap()).collect();
    println!("{n_files} files, {n_kills} kills, begun at rows {marks:?}");
    let n_resumed = marks.iter().filter(|row_no| **row_no > 0).count();
    assert!(n_resumed > 0, "nothing was ever resumed: {marks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_on_sqlite() {
    story(&testing::sqlite().location).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_on_postgres() {
    if let Some(place) = testing::postgres().await {
        story(&place.location).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_sqlite() {
    killed(&testing::sqlite().location, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_postgres() {
    if let Some(place) = testing::postgres().await {
        killed(&place.location, 6).await;
    }
}

//! A process that imports is killed at any moment: what is left is the whole
//! batch or nothing, and the next start clears up.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use keji_schema::{Catalog, Decimal};
use keji_store::*;

/// Set in the process that is killed: where its data are.
const CHILD: &str = "KEJI_STORE_CHILD";
const N_ROWS: u64 = 20_000;
const N_KILLS: u32 = 12;

fn rows(file: u64) -> Vec<OrderLineRow> {
    let text = |prefix: &str, n: u64| Some(format!("{prefix}{n}"));
    (0..N_ROWS)
        .map(|n| OrderLineRow {
            row_no: n + 1,
            order_number: text("", file * N_ROWS + n / 10),
            kind: None,
            customer_number: text("C", n % 500),
            customer_name: None,
            customer_kind: None,
            country: None,
            region: None,
            city: None,
            industry: None,
            owner: None,
            phone: None,
            email: None,
            product_number: text("P", n % 77),
            product_name: None,
            category: None,
            ordered_at: Timestamp::UNIX_EPOCH,
            ordered_on: date(2024, 1, 1),
            channel: None,
            currency: None,
            quantity: Decimal::from_units(10_000),
            price: Decimal::from_units(25_000),
            amount: Decimal::from_units(25_000),
            freight: None,
            discount: None,
            row_hash: n as i64,
        })
        .collect()
}

async fn open(folder: &Path) -> Store {
    let catalog = Arc::new(Catalog::standard().unwrap());
    Store::open(&Location::Folder(folder.to_owned()), catalog)
        .await
        .unwrap()
}

/// Imports one file after the other until it is killed. Does nothing in an
/// ordinary test run.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let store = open(Path::new(&folder)).await;
    let first = store.counts().await.unwrap().objects["order_line"] as u64 / N_ROWS;
    for file in first.. {
        let new = NewBatch::new(&format!("{file}.csv"), "test", "cli");
        let batch = store.import_begin(&new).await.unwrap();
        for part in rows(file).chunks(5000) {
            store.import_stage(batch.id, part).await.unwrap();
        }
        store.import_merge(batch.id, &Cancel::new()).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_import_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut n_merged = 0;
    for kill in 0..N_KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child"])
            .env(CHILD, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(100 + u64::from(kill) * 97 % 600));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(folder.path()).await;
        let batches = store.batches(1000).await.unwrap();
        let merged = batches
            .iter()
            .filter(|b| b.state == BatchState::Merged)
            .count();
        assert!(batches.iter().all(|b| b.state != BatchState::Staging));
        let n_lines = store.counts().await.unwrap().objects["order_line"];
        assert_eq!(n_lines, merged as i64 * N_ROWS as i64);
        assert!(merged >= n_merged, "an acknowledged import is gone");
        n_merged = merged;
        assert_eq!(store.last_seq().await.unwrap(), merged as i64);
        assert!(store.integrity_check().await.unwrap().is_empty());
        let left = std::fs::read_dir(folder.path().join("import")).map_or(0, |d| d.count());
        assert_eq!(left, 0, "scratch files are left");
        store.close().await;
    }
    assert!(n_merged > 0, "no import ever ended: the test is too short");
}

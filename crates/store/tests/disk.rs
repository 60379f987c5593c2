//! A full disk: every operation that meets it says so, and the same store
//! works again as soon as there is room.

use std::fs::{File, remove_file};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{catalog, new_batch, rows};
use keji_store::*;

/// Set in the process that sees the small disk: where it is.
const CHILD: &str = "KEJI_STORE_DISK";
const DISK_KIB: u64 = 16 * 1024;

/// Runs [`child`] where a small disk is mounted that nobody else sees.
#[test]
fn a_full_disk_is_named_and_forgotten_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let small = format!("mount -t tmpfs -o size={DISK_KIB}k tmpfs \"$1\"");
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
            .arg(folder.path())
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, folder.path());
        command.output()
    };
    if !run(&small).is_ok_and(|tried| tried.status.success()) {
        println!("no small disk can be mounted here: the full disk is not tested");
        return;
    }
    let ended = run(&format!(
        "{small} && exec \"$2\" --exact disk::child --nocapture"
    ))
    .unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// Does nothing in an ordinary test run.
#[tokio::test]
async fn child() {
    let Ok(disk) = std::env::var(CHILD) else {
        return;
    };
    let disk = Path::new(&disk);
    for free_kib in [0, 8, 40, 100, 300, 700, 1500, 3000] {
        let folder = disk.join(format!("data-{free_kib}"));
        let location = Location::Folder(folder.clone());
        let store = Store::open(&location, catalog()).await.unwrap();
        write(&store, "before").await.unwrap();
        let order_file = order_file();

        let ballast = fill_but(disk, free_kib);
        let failed = import(&store, &order_file).await;
        assert!(matches!(failed, Err(Error::Full)), "{failed:?}");
        let mut n_written = 0;
        let failed = loop {
            match write(&store, &format!("{n_written}")).await {
                Ok(()) => n_written += 1,
                failed => break failed,
            }
        };
        assert!(matches!(failed, Err(Error::Full)), "{failed:?}");
        for _ in 0..3 {
            let failed = import(&store, &order_file).await;
            assert!(matches!(failed, Err(Error::Full)), "again: {failed:?}");
            // A small one may find room where the log was cleared meanwhile.
            match write(&store, "small").await {
                Ok(()) => n_written += 1,
                Err(Error::Full | Error::Duplicate { .. }) => {}
                failed => panic!("again: {failed:?}"),
            }
        }

        remove_file(ballast).unwrap();
        write(&store, "after").await.unwrap();
        let summary = import(&store, &order_file).await.unwrap();
        assert_eq!(summary.lines_new, 20_000, "with {free_kib} KiB free");
        let counts = store.counts().await.unwrap().objects;
        assert_eq!(counts["order_line"], 20_000);
        assert!(counts["customer"] >= n_written + 2);
        assert!(store.integrity_check().await.unwrap().is_empty());
        store.close().await;
        let store = Store::open(&location, catalog()).await.unwrap();
        let batches = store.batches(100).await.unwrap();
        assert!(batches.iter().all(|b| b.state != BatchState::Staging));
        store.close().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

fn order_file() -> Vec<OrderLineRow> {
    let text: String = (0..20_000)
        .map(|n| format!("O{}|C{}||P{}||2024-01-01|1|2.5\n", n / 10, n % 500, n % 77))
        .collect();
    let mut all = rows(&text);
    for (row, n) in all.iter_mut().zip(0..) {
        row.row_hash = n;
    }
    all
}

async fn import(store: &Store, file: &[OrderLineRow]) -> Result<ImportSummary> {
    let batch = store
        .import_begin(&new_batch(ImportMode::Add, None))
        .await?;
    for part in file.chunks(5000) {
        store.import_stage(batch.id, part).await?;
    }
    store.import_merge(batch.id, &Cancel::new()).await
}

async fn write(store: &Store, number: &str) -> Result<()> {
    let change = NewChange {
        object: "customer".to_owned(),
        op: Op::Create {
            values: vec![("number".to_owned(), number.into())],
        },
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    };
    store.write(change, &Access::all()).await.map(|_| ())
}

/// Leaves so much room.
fn fill_but(disk: &Path, free_kib: u64) -> PathBuf {
    let path = disk.join("ballast");
    let mut ballast = File::create(&path).unwrap();
    let block = [0; 4096];
    while ballast.write_all(&block).is_ok() {}
    let size = ballast.metadata().unwrap().len();
    ballast.set_len(size - free_kib * 1024).unwrap();
    path
}

//! The comparison with the manifest, of a file whose own checksum is right.

use std::sync::Arc;

use keji_schema::{Catalog, Type, Value};

use super::workplace::{self, Workplace};
use super::{file, read_manifest, restore};
use crate::db::Db;
use crate::error::Error;
use crate::store::{Location, Store};
use crate::testing;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_removed_from_the_file_is_missed() {
    let catalog = Arc::new(Catalog::standard().unwrap());
    let source = testing::sqlite();
    let store = Store::open(&source.location, catalog.clone())
        .await
        .unwrap();
    let rows = (0..100).map(|n| vec![Value::Text(format!("P{n}"))]);
    store
        .insert_many("product", &["number"], rows, "anna", "cli")
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.keji-backup");
    let contents = store.contents(&source.folder).await.unwrap();
    store.backup(&whole, None, &contents, |_| ()).await.unwrap();
    let opened = file::open(&whole).unwrap();
    // SQLite reads the backup as it stands.
    let copy = folder.path().join("copy");
    std::fs::copy(&whole, &copy).unwrap();
    let db = Db::Sqlite(workplace::open(&copy).await.unwrap());
    let mut reader = db.reader().await.unwrap();
    let mut conn = reader.conn();
    let checked = conn.rows("pragma integrity_check", &[], &[Type::Text]);
    assert_eq!(checked.await.unwrap(), [[Value::from("ok")]]);
    let n = conn.int("select count(*) from product", &[]).await.unwrap();
    assert_eq!(n, 100);
    drop(reader);
    db.close().await;
    std::fs::remove_file(&copy).unwrap();
    // A killed process left its workplace.
    let dead = folder.path().join(".keji-backup-0-0");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("lock"), b"").unwrap();
    // Another one was killed while it removed its own, the lock first.
    let robbed = folder.path().join(".keji-backup-4294967294-1");
    std::fs::create_dir(&robbed).unwrap();
    std::fs::write(robbed.join("keji.sqlite"), b"").unwrap();
    // And this one is being made.
    let young = format!(".keji-backup-{}-9", std::process::id());
    let young = folder.path().join(young);
    std::fs::create_dir(&young).unwrap();
    for (planted, table) in [
        ("delete from product where id = 50", "product"),
        ("update product set number = 'P' where id = 50", "product"),
        ("delete from keji_change", "keji_change"),
        ("drop table keji_mapping", "keji_mapping"),
    ] {
        let work = Workplace::new(folder.path()).unwrap();
        file::unpack(&whole, opened.payload, &work.database()).unwrap();
        let db = Db::Sqlite(workplace::open(&work.database()).await.unwrap());
        let mut tx = db.begin().await.unwrap();
        tx.conn().run(planted, &[]).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        file::seal(&work.database(), &opened.manifest).unwrap();
        for target in testing::places().await {
            let altered = work.database();
            let refused = restore(
                &altered,
                &target.location,
                &target.folder,
                catalog.clone(),
                |_| (),
            )
            .await;
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(&format!("table `{table}`")), "{message}");
            match &target.location {
                Location::Folder(folder) => {
                    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
                }
                Location::Postgres(_) => {
                    restore(
                        &whole,
                        &target.location,
                        &target.folder,
                        catalog.clone(),
                        |_| (),
                    )
                    .await
                    .unwrap();
                }
            }
        }
    }
    assert!(!dead.exists() && !robbed.exists() && young.exists());
    std::fs::remove_dir(&young).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let mut later = opened.manifest.clone();
    later.format += 1;
    let work = Workplace::new(folder.path()).unwrap();
    file::unpack(&whole, opened.payload, &work.database()).unwrap();
    file::seal(&work.database(), &later).unwrap();
    let refused = read_manifest(&work.database());
    assert!(matches!(refused, Err(Error::Newer { .. })), "{refused:?}");
}

//! The bytes of files: kept under what they hold, there before their record,
//! and gone when no record names them.

use std::sync::Arc;

use keji_schema::Catalog;
use keji_store::testing::places;
use keji_store::*;

async fn record(store: &Store, landed: &Landed) -> i64 {
    let op = Op::Create {
        values: vec![
            ("name".to_owned(), "a".into()),
            ("checksum".to_owned(), landed.checksum.as_str().into()),
        ],
    };
    let written = store.write(change(op), &Access::all()).await.unwrap();
    written.unwrap().record.unwrap()
}

fn change(op: Op) -> NewChange {
    NewChange {
        object: "file".to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "cli".to_owned(),
        module: None,
        expected: None,
        gives_number: true,
        jobs: Vec::new(),
    }
}

fn landed(contents: &Contents, bytes: &[u8]) -> Landed {
    let mut incoming = contents.incoming().unwrap();
    incoming.write(bytes).unwrap();
    assert_eq!(incoming.bytes(), bytes.len() as u64);
    incoming.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_stay_as_long_as_a_record_names_them() {
    let catalog = Arc::new(Catalog::standard().unwrap());
    for place in places().await {
        let store = Store::open(&place.location, catalog.clone()).await.unwrap();
        let contents = store.contents(&place.folder).await.unwrap();
        // Nothing there, nothing to do.
        assert_eq!(
            store.sweep_contents(&contents, true).await.unwrap(),
            Some(0)
        );
        let abc = landed(&contents, b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((abc.checksum.as_str(), abc.bytes), (known, 3));
        // Between bytes and record no sweep goes on.
        assert_eq!(store.sweep_contents(&contents, false).await.unwrap(), None);
        assert!(!store.drop_content(&contents, known).await.unwrap());
        let first = record(&store, &abc).await;
        drop(abc);
        let second = record(&store, &landed(&contents, b"abc")).await;
        let left = landed(&contents, b"nobody's").checksum;
        assert_eq!(
            store.sweep_contents(&contents, false).await.unwrap(),
            Some(1)
        );
        assert!(contents.open(&left).unwrap().is_none());
        store
            .write(change(Op::Delete { id: first }), &Access::all())
            .await
            .unwrap();
        assert!(store.drop_content(&contents, known).await.unwrap());
        assert!(contents.open(known).unwrap().is_some());
        store
            .write(change(Op::Delete { id: second }), &Access::all())
            .await
            .unwrap();
        assert!(store.drop_content(&contents, known).await.unwrap());
        assert!(contents.open(known).unwrap().is_none());
        // The same place again.
        assert_eq!(store.contents(&place.folder).await.unwrap(), contents);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_go_with_their_writer_or_with_the_sweep() {
    let catalog = Arc::new(Catalog::standard().unwrap());
    let place = keji_store::testing::sqlite();
    let store = Store::open(&place.location, catalog).await.unwrap();
    let contents = store.contents(&place.folder).await.unwrap();
    let parts = || {
        let all = std::fs::read_dir(place.folder.join("files")).unwrap();
        let names = all.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "lock").count()
    };
    let mut given_up = contents.incoming().unwrap();
    given_up.write(b"half").unwrap();
    // One that is at work is nobody's to sweep.
    assert_eq!(
        store.sweep_contents(&contents, true).await.unwrap(),
        Some(0)
    );
    assert_eq!(parts(), 1);
    drop(given_up);
    assert_eq!(parts(), 0);
    std::fs::write(place.folder.join("files/part-of-a-dead-process"), b"x").unwrap();
    assert_eq!(
        store.sweep_contents(&contents, true).await.unwrap(),
        Some(0)
    );
    assert_eq!(parts(), 0);
}

/// A name is 64 hexadecimal digits; all else leads nowhere.
#[tokio::test]
async fn no_name_leads_out_of_the_folder() {
    let catalog = Arc::new(Catalog::standard().unwrap());
    let place = keji_store::testing::sqlite();
    let store = Store::open(&place.location, catalog).await.unwrap();
    let contents = store.contents(&place.folder).await.unwrap();
    drop(landed(&contents, b"x"));
    let upper = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
    for name in ["../keji.sqlite", "/etc/passwd", "lock", "", "a\0", upper] {
        assert!(contents.open(name).unwrap().is_none(), "{name:?}");
    }
}

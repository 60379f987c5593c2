//! A merge that is asked to stop at any moment says that it stopped, and
//! leaves nothing.

use std::time::Duration;

use crate::files::{catalog, new_batch, rows};
use keji_store::*;

#[tokio::test]
async fn a_merge_stops_in_its_midst() {
    for place in testing::places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let empty = store.state_hash().await.unwrap();
        let text: String = (0..10_000)
            .map(|n| format!("O{n}|C{}||P{}||2024-01-01|1|2.5\n", n % 500, n % 77))
            .collect();
        let file = rows(&text);
        let mut n_stopped = 0;
        for after_ms in (0..).map(|n| 3 << n) {
            let new = new_batch(ImportMode::Add, None);
            let batch = store.import_begin(&new).await.unwrap();
            store.import_stage(batch.id, &file).await.unwrap();
            let cancel = Cancel::new();
            let asked = async {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                cancel.ask();
            };
            let (merged, ()) = tokio::join!(store.import_merge(batch.id, &cancel), asked);
            match merged {
                Err(Error::Cancelled) => n_stopped += 1,
                Ok(_) => break,
                failed => panic!("after {after_ms} ms: {failed:?}"),
            }
            assert_eq!(store.state_hash().await.unwrap(), empty);
        }
        assert!(n_stopped > 1, "no merge was long enough to be stopped");
        store.close().await;
    }
}

//! Every standard metric's worked examples, run as the product runs them.

use keji_metrics::examples::run_examples;
use keji_metrics::run::{Engine, MEMORY_BYTES};
use keji_schema::Catalog;

#[tokio::test]
async fn every_example_gives_the_answer_it_promises() {
    let catalog = Catalog::standard().unwrap();
    let engine = Engine::new(MEMORY_BYTES).unwrap();
    let mut n = 0;
    let mut failures = Vec::new();
    for metric in catalog.metrics.values() {
        for outcome in run_examples(&engine, &catalog, metric).await {
            n += 1;
            if let Some(failure) = outcome.failure {
                failures.push(format!("{} {}: {failure}", outcome.metric, outcome.number));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(n >= catalog.metrics.len());
}

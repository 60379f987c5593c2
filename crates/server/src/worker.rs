//! The loop that works off jobs while the server runs: one at a time, woken by
//! the routes and by a slow clock for what other processes enqueue.

use std::sync::Arc;
use std::time::Duration;

use keji_app::App;
use tokio::sync::Notify;

const LOOK_AGAIN: Duration = Duration::from_secs(2);

pub async fn run(app: App, wake: Arc<Notify>) {
    loop {
        match keji_app::jobs::work_one(&app).await {
            Ok(true) => {}
            Ok(false) => {
                let _ = tokio::time::timeout(LOOK_AGAIN, wake.notified()).await;
            }
            Err(problem) => {
                tracing::error!(error = ?problem, "a job could not be worked on");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

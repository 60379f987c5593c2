//! The loop that works off jobs while the server runs: one at a time, woken by
//! the routes and by a slow clock for what other processes enqueue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::live::Live;

const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Received files, and answers kept for requests that come again, go when their
/// time is over, also while the server runs on.
const SWEEP_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Bytes of files that no record names, such as those of a killed upload.
const SWEEP_FILES_AGAIN: Duration = Duration::from_secs(3600);

/// What was changed before may be changed unseen for as long.
const SEAL_AGAIN: Duration = Duration::from_secs(60);

/// How soon a change is told to other programs, at the latest.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// How soon a new name is found by its spelling.
const FOLLOW_AGAIN: Duration = Duration::from_millis(300);
const BREATH: Duration = Duration::from_millis(2);

/// Tells webhooks what changed, and people what became theirs. By itself, so
/// that no import holds it up.
pub async fn tell(live: Arc<Live>) {
    while let Some(app) = live.app() {
        if let Err(problem) = keji_app::notifications::follow(&app).await {
            tracing::warn!(error = ?problem, "notifications wait");
        }
        match keji_app::webhooks::tell::work(&app).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(TELL_AGAIN).await,
            Err(problem) => {
                tracing::warn!(error = ?problem, "webhooks wait");
                tokio::time::sleep(TELL_AGAIN).await;
            }
        }
    }
}

/// Keeps the search's index up. By itself, and with a breath between its
/// portions, so that neither holds up the other.
pub async fn follow(live: Arc<Live>) {
    while let Some(app) = live.app() {
        keji_app::spelling::is_followed(&app);
        let more = match keji_app::spelling::follow_on(&app).await {
            Ok(false) => keji_app::spelling::settle_on(&app).await,
            more => more,
        };
        let pause = match more {
            Ok(true) => BREATH,
            Ok(false) => FOLLOW_AGAIN,
            Err(problem) => {
                tracing::warn!(error = ?problem, "the search's index waits");
                LOOK_AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Keeps up the keys by which duplicates are found. Beside the search, which
/// waits for nothing.
pub async fn follow_keys(live: Arc<Live>) {
    while let Some(app) = live.app() {
        let pause = match keji_app::duplicates::follow_on(&app).await {
            Ok(true) => BREATH,
            Ok(false) => FOLLOW_AGAIN,
            Err(problem) => {
                tracing::warn!(error = ?problem, "the keys of duplicates wait");
                LOOK_AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Looks for duplicates at night and when somebody asks. By itself, so that no
/// import waits for it.
pub async fn scan(live: Arc<Live>) {
    while let Some(app) = live.app() {
        match keji_app::duplicates::scan::work(&app).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK_AGAIN).await,
            Err(problem) => {
                tracing::warn!(error = ?problem, "duplicates are looked for another time");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// Tells open pages what changed. By itself, so that nothing holds it up.
pub async fn live(app: keji_app::App) {
    keji_app::live::follow(&app).await;
}

/// Takes over what another process defined.
pub async fn define(live: Arc<Live>) {
    while let Some(app) = live.app() {
        {
            let _one = live.changing.lock().await;
            match keji_app::design::follow(&app).await {
                Ok(Some(next)) if live.app().is_some_and(|now| now.is_same(&app)) => live.put(next),
                Ok(_) => {}
                Err(problem) => {
                    tracing::warn!(error = ?problem, "definitions of another process wait");
                }
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

pub async fn run(live: Arc<Live>, wake: Arc<Notify>) {
    let mut swept: Option<Instant> = None;
    let mut files_swept: Option<Instant> = None;
    let mut sealed = Instant::now();
    while let Some(app) = live.app() {
        if swept.is_none_or(|at| at.elapsed() > SWEEP_AGAIN) {
            swept = Some(Instant::now());
            if let Err(problem) = keji_app::import::sweep(&app) {
                tracing::warn!(error = ?problem, "old files are left to the next sweep");
            }
            if let Err(problem) = keji_app::records::sweep(&app).await {
                tracing::warn!(error = ?problem, "old answers are left to the next sweep");
            }
            if let Err(problem) = keji_app::webhooks::tell::sweep(&app).await {
                tracing::warn!(error = ?problem, "old deliveries are left to the next sweep");
            }
            if let Err(problem) = keji_app::design::sweep(&app).await {
                tracing::warn!(error = ?problem, "removed fields are left to the next sweep");
            }
            if let Err(problem) = keji_app::notifications::sweep(&app).await {
                tracing::warn!(error = ?problem, "old notifications are left to the next sweep");
            }
            if let Err(problem) = keji_app::comments::sweep(&app).await {
                tracing::warn!(error = ?problem, "comments of what is gone are left to the next sweep");
            }
        }
        if files_swept.is_none_or(|at| at.elapsed() > SWEEP_FILES_AGAIN) {
            match keji_app::records::files::sweep(&app, false).await {
                Ok(Some(_)) => {
                    files_swept = Some(Instant::now());
                    keji_app::backup::kept::sweep(&app);
                }
                // Somebody is at it just now.
                Ok(None) => {}
                Err(problem) => {
                    files_swept = Some(Instant::now());
                    tracing::warn!(error = ?problem, "unused bytes are left to the next sweep");
                }
            }
        }
        if sealed.elapsed() > SEAL_AGAIN {
            sealed = Instant::now();
            if let Err(problem) = keji_app::audit::seal(&app).await {
                tracing::warn!(error = ?problem, "the log is sealed another time");
            }
        }
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

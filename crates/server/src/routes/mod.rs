//! The API's paths. A handler extracts, calls `app` and answers.

pub mod backups;
pub mod batches;
pub mod customers;
pub mod description;
pub mod design;
pub mod duplicates;
pub mod evaluations;
pub mod exports;
pub mod files;
pub mod forms;
pub mod imports;
pub mod insight;
pub mod live;
pub mod passkeys;
pub mod people;
pub mod records;
pub mod search;
pub mod session;
pub mod sso;
pub mod status;
pub mod talk;
pub mod trust;
pub mod views;
pub mod webhooks;

use std::sync::Arc;

use keji_app::App;
use utoipa_axum::router::OpenApiRouter;

use crate::door::Door;
use crate::flood::Flood;
use crate::live::Live;

/// What every handler shares.
#[derive(Clone)]
pub struct Shared {
    pub app: App,
    /// Wakes the worker when a job was enqueued.
    pub wake: Arc<tokio::sync::Notify>,
    pub door: Arc<Door>,
    pub flood: Arc<Flood>,
    /// Of one file's bytes; 0 is no limit.
    pub limit_file_bytes: u64,
    /// Where the next requests find other definitions.
    pub live: Arc<Live>,
}

pub fn all() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(passkeys::routes())
        .merge(sso::routes())
        .merge(people::routes())
        .merge(status::routes())
        .merge(imports::routes())
        .merge(insight::routes())
        .merge(evaluations::routes())
        .merge(customers::routes())
        .merge(exports::routes())
        .merge(records::routes())
        .merge(batches::routes())
        .merge(live::routes())
        .merge(search::routes())
        .merge(talk::routes())
        .merge(duplicates::routes())
        .merge(files::routes())
        .merge(webhooks::routes())
        .merge(description::routes())
        .merge(trust::routes())
        .merge(backups::routes())
        .merge(design::routes())
        .merge(forms::routes())
        .merge(views::routes())
}

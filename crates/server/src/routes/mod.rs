//! The API's paths. A handler extracts, calls `app` and answers.

pub mod customers;
pub mod description;
pub mod evaluations;
pub mod exports;
pub mod imports;
pub mod insight;
pub mod people;
pub mod records;
pub mod session;
pub mod status;
pub mod webhooks;
pub mod trust;

use keji_app::App;
use utoipa_axum::router::OpenApiRouter;

/// What every handler shares.
#[derive(Clone)]
pub struct Shared {
    pub app: App,
    /// Wakes the worker when a job was enqueued.
    pub wake: std::sync::Arc<tokio::sync::Notify>,
}

pub fn all() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(people::routes())
        .merge(status::routes())
        .merge(imports::routes())
        .merge(insight::routes())
        .merge(evaluations::routes())
        .merge(customers::routes())
        .merge(exports::routes())
        .merge(records::routes())
        .merge(webhooks::routes())
        .merge(description::routes())
        .merge(trust::routes())
}

//! The API's paths. A handler extracts, calls `app` and answers.

pub mod customers;
pub mod evaluations;
pub mod exports;
pub mod imports;
pub mod insight;
pub mod records;
pub mod status;

use keji_app::{App, Caller};
use utoipa_axum::router::OpenApiRouter;

/// What every handler shares.
#[derive(Clone)]
pub struct Shared {
    pub app: App,
    /// Wakes the worker when a job was enqueued.
    pub wake: std::sync::Arc<tokio::sync::Notify>,
}

/// The caller of a request: the machine's owner until there are logins.
pub fn caller() -> Caller {
    Caller::api()
}

pub fn all() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .merge(status::routes())
        .merge(imports::routes())
        .merge(insight::routes())
        .merge(evaluations::routes())
        .merge(customers::routes())
        .merge(exports::routes())
        .merge(records::routes())
}

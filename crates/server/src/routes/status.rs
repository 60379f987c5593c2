//! What there is: counts, dates, and the catalog in the page's words.

use axum::Json;
use axum::extract::State;
use keji_app::status::{CatalogBody, Status};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(get_status))
        .routes(routes!(get_catalog))
}

/// What the place holds and how fresh it is.
#[utoipa::path(get, path = "/api/status", operation_id = "get_status", tag = "status",
    responses((status = 200, body = Status), (status = "default", body = ProblemBody)))]
async fn get_status(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<Status>> {
    keji_app::status::status(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Objects, metrics, tiers, stages and rules.
#[utoipa::path(get, path = "/api/catalog", operation_id = "get_catalog", tag = "status",
    responses((status = 200, body = CatalogBody)))]
async fn get_catalog(State(shared): State<Shared>, Who(_): Who) -> Json<CatalogBody> {
    Json(keji_app::status::catalog(&shared.app))
}

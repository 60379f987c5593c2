//! The API's own description, with the objects that the caller may read.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::State;
use keji_app::records;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::ProblemBody;
use crate::openapi;
use crate::who::MayBe;

static BASE: LazyLock<Value> = LazyLock::new(openapi::base);

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(description))
}

/// This description. Whoever is signed in finds each object of the catalog in
/// it that he may read, with its fields; nobody else learns of them.
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "get_description", tag = "status",
    responses((status = 200, body = Object), (status = "default", body = ProblemBody)))]
async fn description(State(shared): State<Shared>, MayBe(caller): MayBe) -> Json<Value> {
    let Some(caller) = caller else {
        return Json(BASE.clone());
    };
    let objects = records::objects(&shared.app, &caller).objects;
    Json(openapi::with_objects(&BASE, &objects))
}

//! One box over the records of every object.

use axum::Json;
use axum::extract::State;
use keji_app::search::{self, Hits, Search};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(find))
}

/// The records of all objects that fit a text best: by a part of a name or a
/// number, by Pinyin or its first letters, also with one character mistyped.
#[utoipa::path(get, path = "/api/search", operation_id = "search", tag = "records",
    params(Search),
    responses((status = 200, body = Hits), (status = "default", body = ProblemBody)))]
async fn find(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<Search>,
) -> Answer<Json<Hits>> {
    search::search(&shared.app, &caller, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

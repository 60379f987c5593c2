//! Objects and fields, changed while the program runs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::App;
use keji_app::design::{
    self, DesignBody, DesignChange, DesignOutcome, MetricDesign, ObjectDesign, Pack, RollBack,
    TrashPlace,
};
use keji_app::packs::{self, PackChange, PackList, PackOutcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(read, change))
        .routes(routes!(object))
        .routes(routes!(metric))
        .routes(routes!(roll_back))
        .routes(routes!(pack))
        .routes(routes!(packs))
        .routes(routes!(take_pack_in))
        .routes(routes!(remove_pack))
        .routes(routes!(restore))
        .routes(routes!(discard))
}

/// What comes back out of the trash.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Restore {
    version: i64,
    place: TrashPlace,
    #[serde(default)]
    dry_run: bool,
}

/// Objects, versions and the trash, for whoever may design.
#[utoipa::path(get, path = "/api/design", operation_id = "get_design", tag = "design",
    responses((status = 200, body = DesignBody), (status = "default", body = ProblemBody)))]
async fn read(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<DesignBody>> {
    design::read(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// One object with all that may be changed of it.
#[utoipa::path(get, path = "/api/design/objects/{id}", operation_id = "get_object_design",
    tag = "design", params(("id" = String, Path)),
    responses((status = 200, body = ObjectDesign), (status = "default", body = ProblemBody)))]
async fn object(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
) -> Answer<Json<ObjectDesign>> {
    design::object(&shared.app, &caller, &id)
        .map(Json)
        .map_err(speaks.problem())
}

/// One metric that was defined here, with all that may be changed of it.
#[utoipa::path(get, path = "/api/design/metrics/{id}", operation_id = "get_metric_design",
    tag = "design", params(("id" = String, Path)),
    responses((status = 200, body = MetricDesign), (status = "default", body = ProblemBody)))]
async fn metric(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
) -> Answer<Json<MetricDesign>> {
    design::metric(&shared.app, &caller, &id)
        .map(Json)
        .map_err(speaks.problem())
}

/// Changes objects and metrics, or with `dry_run` says what would change. All of it takes
/// effect at once, or nothing does.
#[utoipa::path(post, path = "/api/design", operation_id = "change_design", tag = "design",
    request_body = DesignChange,
    responses((status = 200, body = DesignOutcome), (status = "default", body = ProblemBody)))]
async fn change(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<DesignChange>,
) -> Answer<Json<DesignOutcome>> {
    let _one = shared.live.changing.lock().await;
    let app = current(&shared);
    let changed = design::change(&app, &caller, &wanted).await;
    put(&shared, changed.map_err(speaks.problem())?)
}

/// Back to an earlier version. What came since goes to the trash, what went
/// comes back with its values where the trash has them.
#[utoipa::path(post, path = "/api/design/rollback", operation_id = "roll_design_back",
    tag = "design", request_body = RollBack,
    responses((status = 200, body = DesignOutcome), (status = "default", body = ProblemBody)))]
async fn roll_back(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<RollBack>,
) -> Answer<Json<DesignOutcome>> {
    let _one = shared.live.changing.lock().await;
    let app = current(&shared);
    let changed = design::roll_back(&app, &caller, &wanted).await;
    put(&shared, changed.map_err(speaks.problem())?)
}

/// All that was defined here, as one file that another place takes in.
#[utoipa::path(get, path = "/api/design/export", operation_id = "export_design", tag = "design",
    responses((status = 200, body = Pack), (status = "default", body = ProblemBody)))]
async fn pack(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<Pack>> {
    design::pack(&shared.app, &caller)
        .map(Json)
        .map_err(speaks.problem())
}

/// Brings a removed field or object back, with its values.
#[utoipa::path(post, path = "/api/design/trash/restore", operation_id = "restore_from_trash",
    tag = "design", request_body = Restore,
    responses((status = 200, body = DesignOutcome), (status = "default", body = ProblemBody)))]
async fn restore(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<Restore>,
) -> Answer<Json<DesignOutcome>> {
    let _one = shared.live.changing.lock().await;
    let app = current(&shared);
    let Restore {
        version,
        place,
        dry_run,
    } = wanted;
    let changed = design::restore(&app, &caller, version, &place, dry_run).await;
    put(&shared, changed.map_err(speaks.problem())?)
}

/// Removes a removed field or object for good, with its values.
#[utoipa::path(post, path = "/api/design/trash/discard", operation_id = "discard_from_trash",
    tag = "design", request_body = TrashPlace,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn discard(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(place): Body<TrashPlace>,
) -> Answer<StatusCode> {
    let _one = shared.live.changing.lock().await;
    design::discard(&current(&shared), &caller, &place)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ready-made objects, fields and views, with sample records.
#[utoipa::path(get, path = "/api/design/packs", operation_id = "list_packs", tag = "design",
    responses((status = 200, body = PackList), (status = "default", body = ProblemBody)))]
async fn packs(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<PackList>> {
    packs::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Takes a pack in, or with `dry_run` says what it brings.
#[utoipa::path(post, path = "/api/design/packs/{id}", operation_id = "take_pack_in",
    tag = "design", params(("id" = String, Path)), request_body = PackChange,
    responses((status = 200, body = PackOutcome), (status = "default", body = ProblemBody)))]
async fn take_pack_in(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
    Body(wanted): Body<PackChange>,
) -> Answer<Json<PackOutcome>> {
    let _one = shared.live.changing.lock().await;
    let app = current(&shared);
    let done = packs::take_in(&app, &caller, &id, &wanted, speaks.0).await;
    put(&shared, done.map_err(speaks.problem())?)
}

/// Takes a pack out again, or its samples alone, or with `dry_run` says what
/// would go.
#[utoipa::path(post, path = "/api/design/packs/{id}/remove", operation_id = "remove_pack",
    tag = "design", params(("id" = String, Path)), request_body = PackChange,
    responses((status = 200, body = PackOutcome), (status = "default", body = ProblemBody)))]
async fn remove_pack(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
    Body(wanted): Body<PackChange>,
) -> Answer<Json<PackOutcome>> {
    let _one = shared.live.changing.lock().await;
    let app = current(&shared);
    let done = packs::remove(&app, &caller, &id, &wanted, speaks.0).await;
    put(&shared, done.map_err(speaks.problem())?)
}

/// With the definitions of this moment, not of when the request came.
fn current(shared: &Shared) -> App {
    shared.live.app().unwrap_or_else(|| shared.app.clone())
}

/// Whoever gets the answer meets the new definitions with the next request.
fn put<T>(shared: &Shared, (outcome, next): (T, Option<App>)) -> Answer<Json<T>> {
    if let Some(next) = next {
        shared.live.put(next);
    }
    Ok(Json(outcome))
}

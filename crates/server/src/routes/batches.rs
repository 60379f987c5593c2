//! Many writes that are one, how they are taken back, and the recycle bin.

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use keji_app::records::{
    self, BatchAnswer, BatchList, BatchProgress, BatchUndone, Bin, BinQuery, EditBody, PasteBody,
    RecordDoc, UndoBatchBody,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

/// Of a table: twenty thousand rows of fifty cells are less.
const MAX_BYTES: usize = 64 << 20;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(paste))
        .routes(routes!(edit))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .routes(routes!(undo))
        .routes(routes!(progress, stop))
        .routes(routes!(bin))
        .routes(routes!(restore))
}

/// What was written at once of late, and can be taken back.
#[utoipa::path(get, path = "/api/batches", operation_id = "list_batches", tag = "batches",
    responses((status = 200, body = BatchList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<BatchList>> {
    records::batches(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Checks or writes a table of cells, as one batch.
#[utoipa::path(post, path = "/api/batches/paste/{object}", operation_id = "paste_records", tag = "batches",
    params(("object" = String, Path)), request_body = PasteBody,
    responses((status = 200, body = BatchAnswer), (status = "default", body = ProblemBody)))]
async fn paste(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(body): Body<PasteBody>,
) -> Answer<Json<BatchAnswer>> {
    records::paste(&shared.app, &caller, &object, &body, speaks.0)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Checks or makes the same change of many records, or deletes them, as one
/// batch.
#[utoipa::path(post, path = "/api/batches/edit/{object}", operation_id = "edit_records", tag = "batches",
    params(("object" = String, Path)), request_body = EditBody,
    responses((status = 200, body = BatchAnswer), (status = "default", body = ProblemBody)))]
async fn edit(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(body): Body<EditBody>,
) -> Answer<Json<BatchAnswer>> {
    records::edit(&shared.app, &caller, &object, &body, speaks.0)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Puts every record of a batch back, all or, where asked for, those that can
/// be. The undo of an undo does it again.
#[utoipa::path(post, path = "/api/batches/{id}/undo", operation_id = "undo_batch", tag = "batches",
    params(("id" = i64, Path)), request_body = UndoBatchBody,
    responses((status = 200, body = BatchUndone), (status = "default", body = ProblemBody)))]
async fn undo(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(body): Body<UndoBatchBody>,
) -> Answer<Json<BatchUndone>> {
    records::undo(&shared.app, &caller, id, &body, speaks.0)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// How far one's own batch is that this process works on; 0 of 0 where there is
/// none.
#[utoipa::path(get, path = "/api/batches/progress/{key}", operation_id = "get_batch_progress", tag = "batches",
    params(("key" = String, Path)),
    responses((status = 200, body = BatchProgress), (status = "default", body = ProblemBody)))]
async fn progress(
    State(shared): State<Shared>,
    Who(caller): Who,
    Path(key): Path<String>,
) -> Json<BatchProgress> {
    let none = BatchProgress {
        n_done: 0,
        n_all: 0,
    };
    Json(records::progress(&shared.app, &caller, &key).unwrap_or(none))
}

/// Stops it; nothing of it is written.
#[utoipa::path(delete, path = "/api/batches/progress/{key}", operation_id = "stop_batch", tag = "batches",
    params(("key" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn stop(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(key): Path<String>,
) -> Answer<StatusCode> {
    records::stop(&shared.app, &caller, &key).map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Records that were deleted in the last 30 days.
#[utoipa::path(get, path = "/api/bin", operation_id = "list_deleted", tag = "batches",
    params(BinQuery),
    responses((status = 200, body = Bin), (status = "default", body = ProblemBody)))]
async fn bin(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<BinQuery>,
) -> Answer<Json<Bin>> {
    records::bin(&shared.app, &caller, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Brings a deleted record back, with its id and its links.
#[utoipa::path(post, path = "/api/bin/{seq}/restore", operation_id = "restore_record", tag = "batches",
    params(("seq" = i64, Path)),
    responses((status = 200, body = RecordDoc), (status = "default", body = ProblemBody)))]
async fn restore(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(seq): Path<i64>,
) -> Answer<Json<RecordDoc>> {
    records::restore(&shared.app, &caller, seq)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

//! Files in: receive, watch, map, cancel, undo.

use axum::Json;
use axum::body::Body as Stream;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use keji_app::import::{How, ImportBody, ImportList, Mode, Preview, SavedMappingList};
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use keji_app::import::Mapping;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(map))
        .routes(routes!(preview, preview_by))
        .routes(routes!(mappings))
        .routes(routes!(forget_mapping))
        .routes(routes!(cancel))
        .routes(routes!(undo))
        .routes(routes!(rejects))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NewImport {
    /// The file's name, with its ending.
    filename: String,
    /// Read and check everything, keep nothing.
    #[serde(default)]
    dry_run: bool,
    /// Wait for somebody to look at the columns, however sure they are.
    #[serde(default)]
    review: bool,
    /// `add` (default), `update` or `replace`.
    #[serde(default)]
    mode: Mode,
    /// Where the file comes from; `replace` needs one.
    #[serde(default)]
    source: Option<String>,
    /// The object whose plain records the file has, such as `contact`; without
    /// it the file is one of orders.
    #[serde(default)]
    object: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MapHow {
    /// Keeps the mapping under this name for files with the same headings.
    #[serde(default)]
    save_as: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PreviewHow {
    /// How many rows, at most 100.
    #[serde(default = "ten")]
    rows: usize,
}

fn ten() -> usize {
    10
}

/// Imports a file of orders, or of records of one object; the body is the file.
#[utoipa::path(post, path = "/api/imports", operation_id = "create_import", tag = "imports",
    params(NewImport), request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = ImportBody), (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<NewImport>,
    body: Stream,
) -> Answer<(StatusCode, Json<ImportBody>)> {
    let mut upload = keji_app::import::Upload::create(&shared.app, &wanted.filename)
        .await
        .map_err(speaks.problem())?;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| speaks.malformed(StatusCode::BAD_REQUEST, broken(&e)))?;
        upload
            .file()
            .write_all(&chunk)
            .await
            .map_err(keji_app::Error::io("upload"))
            .map_err(speaks.problem())?;
    }
    let how = How {
        dry_run: wanted.dry_run,
        review: wanted.review,
        mode: wanted.mode,
        source: wanted.source,
        object: wanted.object,
        mapping: None,
        language: speaks.0,
    };
    let import = keji_app::import::submit(&shared.app, &caller, upload, how)
        .await
        .map_err(speaks.problem())?;
    shared.wake.notify_one();
    Ok((StatusCode::CREATED, Json(import)))
}

/// A file that ends before its length.
fn broken(problem: &axum::Error) -> String {
    format!("Failed to buffer the request body: {problem}")
}

/// Every import, newest first.
#[utoipa::path(get, path = "/api/imports", operation_id = "list_imports", tag = "imports",
    responses((status = 200, body = ImportList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<ImportList>> {
    keji_app::import::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// One import and how far it is.
#[utoipa::path(get, path = "/api/imports/{id}", operation_id = "get_import", tag = "imports",
    params(("id" = i64, Path)),
    responses((status = 200, body = ImportBody), (status = "default", body = ProblemBody)))]
async fn get(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<ImportBody>> {
    keji_app::import::get(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Says what the columns mean and lets the import go on.
#[utoipa::path(post, path = "/api/imports/{id}/mapping", operation_id = "map_import", tag = "imports",
    params(("id" = i64, Path), MapHow), request_body = Mapping,
    responses((status = 200, body = ImportBody), (status = "default", body = ProblemBody)))]
async fn map(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(how): Query<MapHow>,
    Body(mapping): Body<Mapping>,
) -> Answer<Json<ImportBody>> {
    let save_as = how.save_as.as_deref();
    let import = keji_app::import::map(&shared.app, &caller, id, mapping, save_as)
        .await
        .map_err(speaks.problem())?;
    shared.wake.notify_one();
    Ok(Json(import))
}

/// The first rows of the file as they are and as they are read by its own or
/// the proposed mapping.
#[utoipa::path(get, path = "/api/imports/{id}/preview", operation_id = "preview_import", tag = "imports",
    params(("id" = i64, Path), PreviewHow),
    responses((status = 200, body = Preview), (status = "default", body = ProblemBody)))]
async fn preview(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(how): Query<PreviewHow>,
) -> Answer<Json<Preview>> {
    keji_app::import::preview_of(&shared.app, &caller, id, None, how.rows.min(100))
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The same by a mapping that somebody is editing. Nothing is kept.
#[utoipa::path(post, path = "/api/imports/{id}/preview", operation_id = "preview_mapping", tag = "imports",
    params(("id" = i64, Path), PreviewHow), request_body = Mapping,
    responses((status = 200, body = Preview), (status = "default", body = ProblemBody)))]
async fn preview_by(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(how): Query<PreviewHow>,
    Body(mapping): Body<Mapping>,
) -> Answer<Json<Preview>> {
    let rows = how.rows.min(100);
    keji_app::import::preview_of(&shared.app, &caller, id, Some(mapping), rows)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The saved mappings, the one used last first.
#[utoipa::path(get, path = "/api/mappings", operation_id = "list_mappings", tag = "imports",
    responses((status = 200, body = SavedMappingList), (status = "default", body = ProblemBody)))]
async fn mappings(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<SavedMappingList>> {
    keji_app::import::mappings(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Forgets a saved mapping; what it imported stays.
#[utoipa::path(delete, path = "/api/mappings/{name}", operation_id = "delete_mapping", tag = "imports",
    params(("name" = String, Path)),
    responses((status = 204, description = "forgotten"), (status = "default", body = ProblemBody)))]
async fn forget_mapping(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    keji_app::import::delete_mapping(&shared.app, &caller, &name)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(speaks.problem())
}

/// Stops an import; nothing of it stays.
#[utoipa::path(post, path = "/api/imports/{id}/cancel", operation_id = "cancel_import", tag = "imports",
    params(("id" = i64, Path)),
    responses((status = 200, body = ImportBody), (status = "default", body = ProblemBody)))]
async fn cancel(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<ImportBody>> {
    keji_app::import::cancel(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Takes the whole batch of a finished import back.
#[utoipa::path(post, path = "/api/imports/{id}/undo", operation_id = "undo_import", tag = "imports",
    params(("id" = i64, Path)),
    responses((status = 200, body = ImportBody), (status = "default", body = ProblemBody)))]
async fn undo(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<ImportBody>> {
    keji_app::import::undo_import(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The rejected rows with their reasons, as CSV.
#[utoipa::path(get, path = "/api/imports/{id}/rejects", operation_id = "get_import_rejects", tag = "imports",
    params(("id" = i64, Path)),
    responses((status = 200, description = "the rows", content_type = "text/csv"),
        (status = "default", body = ProblemBody)))]
async fn rejects(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Response> {
    let path = keji_app::import::rejects_file(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    let bytes = tokio::fs::read(&path)
        .await
        .map_err(keji_app::Error::io("rejects"))
        .map_err(speaks.problem())?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"keji-rejects.csv\"",
        ),
    ];
    Ok((headers, bytes).into_response())
}

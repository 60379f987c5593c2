//! Backups that the place keeps: made, listed, checked, taken out, deleted.

use axum::Json;
use axum::body::Body as Stream;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keji_app::backup::kept::{self, BackupList};
use keji_app::backup::work::{self, RunBody};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::exports::read_piecewise;
use crate::error::{Answer, Path, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(content))
        .routes(routes!(check))
        .routes(routes!(delete))
}

/// The backups of the place, newest first, and the work that is under way.
#[utoipa::path(get, path = "/api/backups", operation_id = "list_backups", tag = "backups",
    responses((status = 200, body = BackupList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<BackupList>> {
    kept::list(&shared.app, &caller, speaks.0)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Begins a backup of everything, unless one is being made or checked; the list
/// tells how far it is.
#[utoipa::path(post, path = "/api/backups", operation_id = "create_backup", tag = "backups",
    responses((status = 202, body = RunBody), (status = "default", body = ProblemBody)))]
async fn start(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<(StatusCode, Json<RunBody>)> {
    let run = work::start(&shared.app, &caller)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}

/// The whole file, for `keji restore`.
#[utoipa::path(get, path = "/api/backups/{name}/content", operation_id = "get_backup_content", tag = "backups",
    params(("name" = String, Path, description = "as the list has it")),
    responses((status = 200, description = "the file", content_type = "application/octet-stream",
        headers(("Content-Disposition" = String))),
        (status = "default", body = ProblemBody)))]
async fn content(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(name): Path<String>,
) -> Answer<Response> {
    let taken = kept::open(&shared.app, &caller, &name)
        .await
        .map_err(speaks.problem())?;
    let file = tokio::fs::File::from_std(taken.file);
    // What is open has a name that may stand there as it is.
    let disposition = format!("attachment; filename=\"{name}\"");
    Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, taken.bytes)
        .header(header::CONTENT_DISPOSITION, disposition)
        .body(Stream::from_stream(read_piecewise(file)))
        .map(IntoResponse::into_response)
        .map_err(|e| keji_app::Error::Internal(e.to_string()))
        .map_err(speaks.problem())
}

/// Begins to read a backup to its end, as a restore would, without restoring;
/// what is wrong, and where, stands in the list afterwards.
#[utoipa::path(post, path = "/api/backups/{name}/check", operation_id = "check_backup", tag = "backups",
    params(("name" = String, Path, description = "as the list has it")),
    responses((status = 202, body = RunBody), (status = "default", body = ProblemBody)))]
async fn check(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(name): Path<String>,
) -> Answer<(StatusCode, Json<RunBody>)> {
    let run = work::check(&shared.app, &caller, &name)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}

/// Deletes a backup for good.
#[utoipa::path(delete, path = "/api/backups/{name}", operation_id = "delete_backup", tag = "backups",
    params(("name" = String, Path, description = "as the list has it")),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    kept::delete(&shared.app, &caller, &name)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

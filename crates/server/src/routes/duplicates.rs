//! Records that mean the same: told while one is typed, listed, made one and
//! taken apart again.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::duplicates::check::{self, DuplicateAnswer, DuplicateCheck};
use keji_app::duplicates::merge::{
    self, MergeBody, MergeDone, MergeList, MergePreview, PreviewQuery, UnmergeDone,
};
use keji_app::duplicates::scan::{self, PairList, PairQuery, ScanJob};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(pairs))
        .routes(routes!(check))
        .routes(routes!(scan))
        .routes(routes!(tell_apart, tell_alike))
        .routes(routes!(preview))
        .routes(routes!(merges, merge))
        .routes(routes!(undo))
}

/// Pairs of records that look like one, as the last scan found them.
#[utoipa::path(get, path = "/api/duplicates/{object}", operation_id = "list_duplicates", tag = "duplicates",
    params(("object" = String, Path), PairQuery),
    responses((status = 200, body = PairList), (status = "default", body = ProblemBody)))]
async fn pairs(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Query(query): Query<PairQuery>,
) -> Answer<Json<PairList>> {
    scan::pairs(&shared.app, &caller, &object, &query)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Whether a record that is typed is there already.
#[utoipa::path(post, path = "/api/duplicates/{object}/check", operation_id = "check_duplicates", tag = "duplicates",
    params(("object" = String, Path)), request_body = DuplicateCheck,
    responses((status = 200, body = DuplicateAnswer), (status = "default", body = ProblemBody)))]
async fn check(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(body): Body<DuplicateCheck>,
) -> Answer<Json<DuplicateAnswer>> {
    check::check(&shared.app, &caller, &object, &body)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Looks for duplicates now.
#[utoipa::path(post, path = "/api/duplicates/{object}/scan", operation_id = "scan_duplicates", tag = "duplicates",
    params(("object" = String, Path)),
    responses((status = 202, body = ScanJob), (status = "default", body = ProblemBody)))]
async fn scan(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
) -> Answer<(StatusCode, Json<ScanJob>)> {
    let job = scan::ask(&shared.app, &caller, &object)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::ACCEPTED, Json(job)))
}

/// Two records of an object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TwoRecords {
    a: i64,
    b: i64,
}

/// Says that two records are two: they are not proposed again.
#[utoipa::path(post, path = "/api/duplicates/{object}/distinct", operation_id = "tell_apart", tag = "duplicates",
    params(("object" = String, Path)), request_body = inline(TwoRecords),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn tell_apart(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(two): Body<TwoRecords>,
) -> Answer<StatusCode> {
    scan::tell_apart(&shared.app, &caller, &object, two.a, two.b)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back that two records are two.
#[utoipa::path(delete, path = "/api/duplicates/{object}/distinct", operation_id = "tell_alike", tag = "duplicates",
    params(("object" = String, Path)), request_body = inline(TwoRecords),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn tell_alike(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(two): Body<TwoRecords>,
) -> Answer<StatusCode> {
    scan::tell_alike(&shared.app, &caller, &object, two.a, two.b)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// What making two records one would do: every field, every link.
#[utoipa::path(get, path = "/api/duplicates/{object}/preview", operation_id = "preview_merge", tag = "duplicates",
    params(("object" = String, Path), PreviewQuery),
    responses((status = 200, body = MergePreview), (status = "default", body = ProblemBody)))]
async fn preview(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Query(query): Query<PreviewQuery>,
) -> Answer<Json<MergePreview>> {
    merge::preview(&shared.app, &caller, &object, &query)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Makes two records one. What links to the one links to the other; the old id
/// leads there.
#[utoipa::path(post, path = "/api/duplicates/{object}/merges", operation_id = "merge_records", tag = "duplicates",
    params(("object" = String, Path)), request_body = MergeBody,
    responses((status = 201, body = MergeDone), (status = "default", body = ProblemBody)))]
async fn merge(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(body): Body<MergeBody>,
) -> Answer<(StatusCode, Json<MergeDone>)> {
    let done = merge::merge(&shared.app, &caller, &object, &body)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(done)))
}

/// What was made one, newest first.
#[utoipa::path(get, path = "/api/duplicates/{object}/merges", operation_id = "list_merges", tag = "duplicates",
    params(("object" = String, Path)),
    responses((status = 200, body = MergeList), (status = "default", body = ProblemBody)))]
async fn merges(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
) -> Answer<Json<MergeList>> {
    merge::list(&shared.app, &caller, &object)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Makes them two again, within 30 days.
#[utoipa::path(post, path = "/api/duplicates/{object}/merges/{id}/undo", operation_id = "undo_merge", tag = "duplicates",
    params(("object" = String, Path), ("id" = i64, Path)),
    responses((status = 200, body = UnmergeDone), (status = "default", body = ProblemBody)))]
async fn undo(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
) -> Answer<Json<UnmergeDone>> {
    merge::undo(&shared.app, &caller, &object, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

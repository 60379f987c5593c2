//! The objects of the catalog and their records: the same calls for each.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keji_app::Caller;
use keji_app::records::{
    self, BulkAnswer, BulkBody, GroupRecords, HistoryPage, ListRecords, ObjectDoc, ObjectList,
    RecordDoc, RecordGroups, RecordList, RequestKey, RevealBody, Revealed,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(objects))
        .routes(routes!(object))
        .routes(routes!(list, create))
        .routes(routes!(groups))
        .routes(routes!(get, update, delete))
        .routes(routes!(bulk))
        .routes(routes!(history))
        .routes(routes!(reveal))
}

/// Every object with its fields, and what may be done with its records.
#[utoipa::path(get, path = "/api/objects", operation_id = "list_objects", tag = "records",
    responses((status = 200, body = ObjectList), (status = "default", body = ProblemBody)))]
async fn objects(State(shared): State<Shared>, Who(caller): Who) -> Json<ObjectList> {
    Json(records::objects(&shared.app, &caller))
}

/// One object with its fields.
#[utoipa::path(get, path = "/api/objects/{object}", operation_id = "get_object", tag = "records",
    params(("object" = String, Path)),
    responses((status = 200, body = ObjectDoc), (status = "default", body = ProblemBody)))]
async fn object(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
) -> Answer<Json<ObjectDoc>> {
    records::object(&shared.app, &caller, &object)
        .map(Json)
        .map_err(speaks.problem())
}

/// Records of one object: filtered, searched, sorted, page by page.
#[utoipa::path(get, path = "/api/records/{object}", operation_id = "list_records", tag = "records",
    params(("object" = String, Path), ListRecords),
    responses((status = 200, body = RecordList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Query(wanted): Query<ListRecords>,
) -> Answer<Json<RecordList>> {
    records::list(&shared.app, &caller, &object, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The records of a list counted, and one of their numbers added up, by a field.
#[utoipa::path(get, path = "/api/records/{object}/groups", operation_id = "group_records", tag = "records",
    params(("object" = String, Path), GroupRecords),
    responses((status = 200, body = RecordGroups), (status = "default", body = ProblemBody)))]
async fn groups(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Query(wanted): Query<GroupRecords>,
) -> Answer<Json<RecordGroups>> {
    records::groups(&shared.app, &caller, &object, &wanted, speaks.0)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OneRecord {
    /// Fields of the record, separated by commas; all by default.
    fields: Option<String>,
}

/// One record, its version as `ETag`. Of one that was merged into another, the
/// way there.
#[utoipa::path(get, path = "/api/records/{object}/{id}", operation_id = "get_record", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path), OneRecord),
    responses(
        (status = 200, body = RecordDoc, headers(("ETag" = String, description = "the version"))),
        (status = 307, description = "it was merged into another record", headers(("Location" = String))),
        (status = "default", body = ProblemBody)))]
async fn get(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Query(wanted): Query<OneRecord>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let fields = wanted.fields.as_deref();
    let found = records::get_some(&shared.app, &caller, &object, id, fields).await;
    if found.is_err()
        && let Some(to) = moved(&shared, &caller, &object, id).await
    {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(to_another(&format!("/api/records/{object}/{to}{query}")));
    }
    let record = found.map_err(speaks.problem())?;
    Ok(([(header::ETAG, etag(record.version))], Json(record)).into_response())
}

/// Creates a record; the body is field to value. A link is an id or
/// `{ "number": "…" }`; a number that is not given is counted on.
#[utoipa::path(post, path = "/api/records/{object}", operation_id = "create_record", tag = "records",
    params(("object" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "the caller's name of this request: sent again within 24 hours it has no second effect and gets the first answer")),
    request_body = Object,
    responses(
        (status = 201, body = RecordDoc, headers(
            ("ETag" = String, description = "the version"), ("Location" = String),
            ("Idempotent-Replayed" = String, description = "`true` of an answer given before"))),
        (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    headers: HeaderMap,
    Body(values): Body<Map<String, Value>>,
) -> Answer<Response> {
    let what = format!("POST /api/records/{object}");
    let key = request_key(&headers, &what, &values).map_err(speaks.problem())?;
    let saved = records::create(&shared.app, &caller, &object, &values, key.as_ref())
        .await
        .map_err(speaks.problem())?;
    let location = format!("/api/records/{object}/{}", saved.id);
    let own = [
        (header::ETAG, etag(saved.version)),
        (header::LOCATION, location),
    ];
    let answer = (StatusCode::CREATED, own, Json(saved.body));
    Ok(replayed(answer.into_response(), saved.is_replay))
}

/// Changes the fields in the body; null clears one.
#[utoipa::path(patch, path = "/api/records/{object}/{id}", operation_id = "update_record", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "the `ETag` that was read; another one is refused")),
    request_body = Object,
    responses(
        (status = 200, body = RecordDoc, headers(("ETag" = String, description = "the version"))),
        (status = "default", body = ProblemBody)))]
async fn update(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    headers: HeaderMap,
    Body(values): Body<Map<String, Value>>,
) -> Answer<Response> {
    let expected = expected(&headers);
    let record = records::update(&shared.app, &caller, &object, id, &values, expected)
        .await
        .map_err(speaks.problem())?;
    Ok(([(header::ETAG, etag(record.version))], Json(record)).into_response())
}

/// Deletes a record that no other links to.
#[utoipa::path(delete, path = "/api/records/{object}/{id}", operation_id = "delete_record", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "the `ETag` that was read; another one is refused")),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    records::delete(&shared.app, &caller, &object, id, expected(&headers))
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Up to 1,000 creates, updates and deletes: all or none, or each by itself.
#[utoipa::path(post, path = "/api/records/{object}/bulk", operation_id = "bulk_records", tag = "records",
    params(("object" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "as for `create_record`")),
    request_body = BulkBody,
    responses(
        (status = 200, body = BulkAnswer, headers(
            ("Idempotent-Replayed" = String, description = "`true` of an answer given before"))),
        (status = "default", body = ProblemBody)))]
async fn bulk(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    headers: HeaderMap,
    Body(body): Body<BulkBody>,
) -> Answer<Response> {
    let what = format!("POST /api/records/{object}/bulk");
    let key = request_key(&headers, &what, &body).map_err(speaks.problem())?;
    let (answer, is_replay) =
        records::bulk(&shared.app, &caller, &object, &body, key.as_ref(), speaks.0)
            .await
            .map_err(speaks.problem())?;
    Ok(replayed(Json(answer).into_response(), is_replay))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Behind {
    /// The `next` of the page before.
    after: Option<i64>,
    /// At most 1000; 50 by default.
    limit: Option<u32>,
}

/// The value of one masked field of one record, for a reason that is kept.
#[utoipa::path(post, path = "/api/records/{object}/{id}/reveal", operation_id = "reveal_field", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path)), request_body = RevealBody,
    responses((status = 200, body = Revealed), (status = "default", body = ProblemBody)))]
async fn reveal(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Body(wanted): Body<RevealBody>,
) -> Answer<Json<Revealed>> {
    records::reveal(&shared.app, &caller, &object, id, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// What happened to a record, newest first.
#[utoipa::path(get, path = "/api/records/{object}/{id}/history", operation_id = "list_record_history", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path), Behind),
    responses((status = 200, body = HistoryPage), (status = "default", body = ProblemBody)))]
async fn history(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Query(wanted): Query<Behind>,
) -> Answer<Json<HistoryPage>> {
    let (after, limit) = (wanted.after, wanted.limit);
    records::history(&shared.app, &caller, &object, id, after, limit)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Where a record went that is no more; a fault here says no more than that it
/// is not there.
pub(super) async fn moved(shared: &Shared, caller: &Caller, object: &str, id: i64) -> Option<i64> {
    let to = keji_app::duplicates::merge::moved_to(&shared.app, caller, object, id).await;
    to.ok().flatten()
}

/// Not for good: a merge can be taken back.
pub(super) fn to_another(path: &str) -> Response {
    let to = [(header::LOCATION, path.to_owned())];
    (StatusCode::TEMPORARY_REDIRECT, to).into_response()
}

pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version in `If-Match`; `None` where any will do. What is no tag of ours
/// matches no version.
pub(super) fn expected(headers: &HeaderMap) -> Option<i64> {
    const NONE: i64 = -1;
    let given = headers.get(header::IF_MATCH)?.to_str().unwrap_or_default();
    if given.trim() == "*" {
        return None;
    }
    let tag = given
        .trim()
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'));
    Some(tag.and_then(|tag| tag.parse().ok()).unwrap_or(NONE))
}

fn request_key(
    headers: &HeaderMap,
    what: &str,
    body: &impl serde::Serialize,
) -> keji_app::Result<Option<RequestKey>> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let body = serde_json::to_string(body).unwrap_or_default();
    RequestKey::new(key.to_str().unwrap_or_default(), what, &body).map(Some)
}

pub(super) fn replayed(mut answer: Response, is_replay: bool) -> Response {
    if is_replay {
        let name = HeaderName::from_static("idempotent-replayed");
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static("true"));
    }
    answer
}

//! The bytes of files: in, out, replaced. All else about a file is a record's.

use std::time::Duration;

use axum::Json;
use axum::body::{Body as Stream, BodyDataStream};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use keji_app::Caller;
use keji_app::records::files::{self, Target, Upload};
use keji_app::records::{RecordDoc, Saved};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::exports::read_piecewise;
use super::records::{etag, expected, replayed};
use crate::error::{Answer, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

/// Whoever is refused may still be sending; for so long and so much is read on,
/// so that the answer reaches him.
const DRAIN: Duration = Duration::from_secs(10);
const DRAIN_BYTES: usize = 64 << 20;

/// Nothing in it runs, and nothing is fetched for it.
const POLICY: &str = "default-src 'none'; sandbox";

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(content, replace))
}

/// The fields of the record; size, type and checksum follow from the bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NewFile {
    /// The file's name with its ending; a path before it is left out.
    name: String,
    /// Without it, the customer of the contract, ticket or contact.
    customer: Option<i64>,
    contract: Option<i64>,
    ticket: Option<i64>,
    contact: Option<i64>,
    /// Without it, whoever sends the file.
    user: Option<i64>,
    /// Without it, today.
    added_on: Option<String>,
    note: Option<String>,
}

impl NewFile {
    fn values(self) -> Map<String, Value> {
        let all = [
            ("name", json!(self.name)),
            ("customer", json!(self.customer)),
            ("contract", json!(self.contract)),
            ("ticket", json!(self.ticket)),
            ("contact", json!(self.contact)),
            ("user", json!(self.user)),
            ("added_on", json!(self.added_on)),
            ("note", json!(self.note)),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_null());
        given.map(|(id, value)| (id.to_owned(), value)).collect()
    }
}

/// Creates a file's record with its bytes, which are the body.
#[utoipa::path(post, path = "/api/files", operation_id = "create_file", tag = "records",
    params(NewFile,
        ("Idempotency-Key" = Option<String>, Header, description = "as for `create_record`")),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = RecordDoc, headers(
            ("ETag" = String, description = "the version"), ("Location" = String),
            ("Idempotent-Replayed" = String, description = "`true` of an answer given before"))),
        (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<NewFile>,
    headers: HeaderMap,
    body: Stream,
) -> Answer<Response> {
    let target = Target::New(wanted.values());
    let saved = received(&shared, &caller, speaks, target, &headers, body).await?;
    let own = [
        (header::ETAG, etag(saved.version)),
        (header::LOCATION, format!("/api/records/file/{}", saved.id)),
    ];
    let answer = (StatusCode::CREATED, own, Json(saved.body));
    Ok(replayed(answer.into_response(), saved.is_replay))
}

/// Puts other bytes, which are the body, in the place of a file's.
#[utoipa::path(put, path = "/api/files/{id}/content", operation_id = "replace_file_content", tag = "records",
    params(("id" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "the `ETag` that was read; another one is refused")),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = RecordDoc, headers(("ETag" = String, description = "the version"))),
        (status = "default", body = ProblemBody)))]
async fn replace(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    headers: HeaderMap,
    body: Stream,
) -> Answer<Response> {
    let expected = expected(&headers);
    let target = Target::Record { id, expected };
    let saved = received(&shared, &caller, speaks, target, &headers, body).await?;
    Ok(([(header::ETAG, etag(saved.version))], Json(saved.body)).into_response())
}

/// The bytes of a file: images and PDF to be shown, all else to be kept.
#[utoipa::path(get, path = "/api/files/{id}/content", operation_id = "get_file_content", tag = "records",
    params(("id" = i64, Path)),
    responses((status = 200, description = "the bytes", content_type = "application/octet-stream",
        headers(("Content-Disposition" = String), ("Content-Security-Policy" = String))),
        (status = "default", body = ProblemBody)))]
async fn content(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Response> {
    let content = files::open(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    let disposition = files::disposition(&content.name, content.is_inline);
    let file = tokio::fs::File::from_std(content.file);
    Response::builder()
        .header(header::CONTENT_TYPE, content.media_type)
        .header(header::CONTENT_LENGTH, content.bytes)
        .header(header::CONTENT_DISPOSITION, disposition)
        .header(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        )
        .header(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        )
        .body(Stream::from_stream(read_piecewise(file)))
        .map(IntoResponse::into_response)
        .map_err(|e| keji_app::Error::Internal(e.to_string()))
        .map_err(speaks.problem())
}

async fn received(
    shared: &Shared,
    caller: &Caller,
    speaks: Speaks,
    target: Target,
    headers: &HeaderMap,
    body: Stream,
) -> Answer<Saved> {
    let mut chunks = body.into_data_stream();
    let taken = take(shared, caller, speaks, target, headers, &mut chunks).await;
    if taken.is_err() {
        tokio::spawn(drain(chunks));
    }
    let key = headers.get("idempotency-key");
    let key = key.map(|key| key.to_str().unwrap_or_default());
    taken?
        .finish(&shared.app, caller, key)
        .await
        .map_err(speaks.problem())
}

async fn take(
    shared: &Shared,
    caller: &Caller,
    speaks: Speaks,
    target: Target,
    headers: &HeaderMap,
    chunks: &mut BodyDataStream,
) -> Answer<Upload> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|n| n.to_str().ok()?.parse().ok());
    let limit = Some(shared.limit_file_bytes).filter(|limit| *limit > 0);
    let mut upload = Upload::begin(&shared.app, caller, target, limit, announced)
        .await
        .map_err(speaks.problem())?;
    while let Some(chunk) = chunks.next().await {
        let broken = |e| format!("Failed to buffer the request body: {e}");
        let chunk = chunk.map_err(|e| speaks.malformed(StatusCode::BAD_REQUEST, broken(e)))?;
        upload.write(&chunk).await.map_err(speaks.problem())?;
    }
    Ok(upload)
}

async fn drain(mut chunks: BodyDataStream) {
    let all = async {
        let mut n = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            n += chunk.len();
            if n > DRAIN_BYTES {
                break;
            }
        }
    };
    // Whoever is slower than that sees a broken connection.
    let _ = tokio::time::timeout(DRAIN, all).await;
}

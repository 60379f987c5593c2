//! Consents, and all that there is of a person: taken out, and erased.

use axum::Json;
use axum::body::Body as Stream;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keji_app::consent::{self, ConsentDoc, ConsentQuery, NewConsent, Party};
use keji_app::export;
use keji_app::person::{self, Confirmation, ErasureList, ErasureReport, NewErasure};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::exports::read_piecewise;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(consents, record_consent))
        .routes(routes!(export_person))
        .routes(routes!(erasures, ask_erasure))
        .routes(routes!(confirm_erasure))
        .routes(routes!(withdraw_erasure))
}

#[derive(Debug, Serialize, ToSchema)]
struct Added {
    id: i64,
}

/// What a person consents to, and since when; of any moment.
#[utoipa::path(get, path = "/api/consents/{party}/{id}", operation_id = "get_consents", tag = "trust",
    params(("party" = inline(Party), Path), ("id" = i64, Path), ConsentQuery),
    responses((status = 200, body = ConsentDoc), (status = "default", body = ProblemBody)))]
async fn consents(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((party, id)): Path<(Party, i64)>,
    Query(query): Query<ConsentQuery>,
) -> Answer<Json<ConsentDoc>> {
    consent::state(&shared.app, &caller, party, id, &query)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Adds an entry to a person's consents; none is ever changed.
#[utoipa::path(post, path = "/api/consents/{party}/{id}", operation_id = "record_consent", tag = "trust",
    params(("party" = inline(Party), Path), ("id" = i64, Path)), request_body = NewConsent,
    responses((status = 201, body = Added), (status = "default", body = ProblemBody)))]
async fn record_consent(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((party, id)): Path<(Party, i64)>,
    Body(new): Body<NewConsent>,
) -> Answer<(StatusCode, Json<Added>)> {
    let id = consent::record(&shared.app, &caller, party, id, &new)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Everything of a person as a ZIP of JSON and CSV.
#[utoipa::path(get, path = "/api/persons/{party}/{id}/export", operation_id = "export_person", tag = "trust",
    params(("party" = inline(Party), Path), ("id" = i64, Path)),
    responses((status = 200, description = "the file", content_type = "application/zip"),
        (status = "default", body = ProblemBody)))]
async fn export_person(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((party, id)): Path<(Party, i64)>,
) -> Answer<Response> {
    let object = party.object();
    let file = export::temporary(&shared.app).map_err(speaks.problem())?;
    person::export(&shared.app, &caller, object, id, file.path())
        .await
        .map_err(speaks.problem())?;
    // The file may be taken away while it is open.
    let opened = tokio::fs::File::open(file.path())
        .await
        .map_err(keji_app::Error::io("export"))
        .map_err(speaks.problem())?;
    let name = format!("attachment; filename=\"keji-{object}-{id}.zip\"");
    Response::builder()
        .header(header::CONTENT_TYPE, "application/zip")
        .header(header::CONTENT_DISPOSITION, name)
        .body(Stream::from_stream(read_piecewise(opened)))
        .map(IntoResponse::into_response)
        .map_err(|e| keji_app::Error::Internal(e.to_string()))
        .map_err(speaks.problem())
}

/// Erasures that wait for an administrator, and those that are done.
#[utoipa::path(get, path = "/api/erasures", operation_id = "list_erasures", tag = "trust",
    responses((status = 200, body = ErasureList), (status = "default", body = ProblemBody)))]
async fn erasures(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<ErasureList>> {
    person::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Asks for a person's erasure; nothing is erased yet.
#[utoipa::path(post, path = "/api/erasures", operation_id = "ask_erasure", tag = "trust",
    request_body = NewErasure,
    responses((status = 201, body = Added), (status = "default", body = ProblemBody)))]
async fn ask_erasure(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<NewErasure>,
) -> Answer<(StatusCode, Json<Added>)> {
    let id = person::ask(&shared.app, &caller, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Confirms an erasure, by another administrator and with the person's name
/// typed; then it is done, and cannot be undone.
#[utoipa::path(post, path = "/api/erasures/{id}/confirm", operation_id = "confirm_erasure", tag = "trust",
    params(("id" = i64, Path)), request_body = Confirmation,
    responses((status = 200, body = ErasureReport), (status = "default", body = ProblemBody)))]
async fn confirm_erasure(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(typed): Body<Confirmation>,
) -> Answer<Json<ErasureReport>> {
    person::confirm(&shared.app, &caller, id, &typed)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Takes a request back.
#[utoipa::path(delete, path = "/api/erasures/{id}", operation_id = "withdraw_erasure", tag = "trust",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn withdraw_erasure(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    person::withdraw(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

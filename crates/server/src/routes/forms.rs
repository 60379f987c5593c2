//! Public forms: for whoever designs them, and for whoever has an address.

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use keji_app::forms::{self, AskedForm, FormAnswer, FormDraft, FormList, FormMade, Thanks};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::door::At;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::Who;

/// Of one answer: texts, no files.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

pub fn routes() -> OpenApiRouter<Shared> {
    let answers = OpenApiRouter::new()
        .routes(routes!(answer))
        .layer(DefaultBodyLimit::max(MAX_ANSWER_BYTES));
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change, delete))
        .routes(routes!(ask))
        .merge(answers)
}

#[derive(Debug, Serialize, ToSchema)]
struct FormsHere {
    #[serde(flatten)]
    list: FormList,
    /// The address that people elsewhere open, without a path; a form is
    /// behind `/f/` and its token.
    origin: String,
}

/// Public forms with their addresses and how often they were answered.
#[utoipa::path(get, path = "/api/design/forms", operation_id = "list_forms", tag = "forms",
    responses((status = 200, body = FormsHere), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    At(visit): At,
    speaks: Speaks,
) -> Answer<Json<FormsHere>> {
    let list = forms::list(&shared.app, &caller, speaks.0)
        .await
        .map_err(speaks.problem())?;
    let origin = shared.door.outward(&visit.origin).to_owned();
    Ok(Json(FormsHere { list, origin }))
}

/// Makes a form; its answers are written in the name of who saved it last.
#[utoipa::path(post, path = "/api/design/forms", operation_id = "create_form", tag = "forms",
    request_body = FormDraft,
    responses((status = 201, body = FormMade), (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(draft): Body<FormDraft>,
) -> Answer<(StatusCode, Json<FormMade>)> {
    let made = forms::create(&shared.app, &caller, draft)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Changes all of a form but its address.
#[utoipa::path(put, path = "/api/design/forms/{id}", operation_id = "change_form", tag = "forms",
    params(("id" = i64, Path)), request_body = FormDraft,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn change(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(draft): Body<FormDraft>,
) -> Answer<StatusCode> {
    forms::change(&shared.app, &caller, id, draft)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a form; what was answered stays.
#[utoipa::path(delete, path = "/api/design/forms/{id}", operation_id = "delete_form", tag = "forms",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    forms::delete(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a form asks; nobody has to be signed in.
#[utoipa::path(get, path = "/api/forms/{token}", operation_id = "get_form", tag = "forms",
    params(("token" = String, Path)),
    responses((status = 200, body = AskedForm), (status = "default", body = ProblemBody)))]
async fn ask(
    State(shared): State<Shared>,
    speaks: Speaks,
    Path(token): Path<String>,
) -> Answer<Json<AskedForm>> {
    forms::answer::ask(&shared.app, &token)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Answers a form. The same answer once more has no second effect; too many
/// from one address, or for one form, are told to wait.
#[utoipa::path(post, path = "/api/forms/{token}/answers", operation_id = "answer_form", tag = "forms",
    params(("token" = String, Path)), request_body = FormAnswer,
    responses((status = 201, body = Thanks), (status = "default", body = ProblemBody)))]
async fn answer(
    State(shared): State<Shared>,
    At(visit): At,
    speaks: Speaks,
    Path(token): Path<String>,
    Body(given): Body<FormAnswer>,
) -> Answer<(StatusCode, Json<Thanks>)> {
    (shared.flood)
        .answer(&visit.address, &token)
        .map_err(|seconds| speaks.too_many_requests(seconds))?;
    let thanks = forms::answer::answer(&shared.app, &token, &given)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(thanks)))
}

//! Evaluations and the jobs that make them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::civil::Date;
use keji_app::evaluation::{EvaluationDoc, EvaluationList};
use keji_app::jobs::JobBody;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(get_job))
}

/// Every evaluation, newest first.
#[utoipa::path(get, path = "/api/evaluations", operation_id = "list_evaluations", tag = "evaluations",
    responses((status = 200, body = EvaluationList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<EvaluationList>> {
    keji_app::evaluation::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEvaluation {
    /// Facts before this day count; absent: the day after the last order.
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
}

/// Evaluates every customer, as a job.
#[utoipa::path(post, path = "/api/evaluations", operation_id = "create_evaluation", tag = "evaluations",
    request_body = NewEvaluation,
    responses((status = 202, body = JobBody), (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<NewEvaluation>,
) -> Answer<(StatusCode, Json<JobBody>)> {
    let job = keji_app::jobs::submit_evaluation(&shared.app, &caller, wanted.as_of)
        .await
        .map_err(speaks.problem())?;
    shared.wake.notify_one();
    Ok((StatusCode::ACCEPTED, Json(job)))
}

/// One evaluation: customers per tier, stage and RFM cell, models, value at risk.
#[utoipa::path(get, path = "/api/evaluations/{as_of}", operation_id = "get_evaluation", tag = "evaluations",
    params(("as_of" = String, Path, description = "the evaluation's day")),
    responses((status = 200, body = EvaluationDoc), (status = "default", body = ProblemBody)))]
async fn get(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(as_of): Path<Date>,
) -> Answer<Json<serde_json::Value>> {
    keji_app::evaluation::get(&shared.app, &caller, as_of)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// One job and how far it is.
#[utoipa::path(get, path = "/api/jobs/{id}", operation_id = "get_job", tag = "evaluations",
    params(("id" = i64, Path)),
    responses((status = 200, body = JobBody), (status = "default", body = ProblemBody)))]
async fn get_job(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<JobBody>> {
    keji_app::jobs::get(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

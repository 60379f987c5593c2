//! Asking for numbers, and asking them where they come from.

use axum::Json;
use axum::extract::State;
use keji_app::insight::{Explanation, FactRows};
use keji_schema::question::{Answer as Result_, Question};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(explain))
        .routes(routes!(rows))
}

/// Metrics by dimensions and periods.
#[utoipa::path(post, path = "/api/insight", operation_id = "ask_insight", tag = "insight",
    request_body = Question,
    responses((status = 200, body = Result_), (status = "default", body = ProblemBody)))]
async fn ask(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(question): Body<Question>,
) -> Answer<Json<Result_>> {
    keji_app::insight::ask(&shared.app, &caller, &question)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Definition, plan and SQL of a question's numbers.
#[utoipa::path(post, path = "/api/insight/explain", operation_id = "explain_insight", tag = "insight",
    request_body = Question,
    responses((status = 200, body = Explanation), (status = "default", body = ProblemBody)))]
async fn explain(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(question): Body<Question>,
) -> Answer<Json<Explanation>> {
    keji_app::insight::explain(&shared.app, &caller, &question)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The records behind a question of one metric.
#[utoipa::path(post, path = "/api/insight/rows", operation_id = "list_insight_rows", tag = "insight",
    request_body = Question,
    responses((status = 200, body = FactRows), (status = "default", body = ProblemBody)))]
async fn rows(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(question): Body<Question>,
) -> Answer<Json<FactRows>> {
    keji_app::insight::rows(&shared.app, &caller, &question)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

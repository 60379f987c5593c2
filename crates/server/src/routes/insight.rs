//! Asking for numbers, and asking them where they come from.

use axum::Json;
use axum::extract::State;
use keji_app::insight::{
    Choice, ChoiceWords, Explanation, FactRows, MetricDefinition, Relations, RelationsQuestion,
    Situation, Why,
};
use keji_schema::question::{Answer as Result_, Question};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(explain))
        .routes(routes!(rows))
        .routes(routes!(why))
        .routes(routes!(choice_words, choose))
        .routes(routes!(relations))
        .routes(routes!(definition))
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

/// What made a metric move: volume, mix and rate by the values of one
/// dimension, for a question of one metric that compares.
#[utoipa::path(post, path = "/api/insight/why", operation_id = "explain_change", tag = "insight",
    request_body = Question,
    responses((status = 200, body = Why), (status = "default", body = ProblemBody)))]
async fn why(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(question): Body<Question>,
) -> Answer<Json<Why>> {
    keji_app::insight::why(&shared.app, &caller, &question)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// All that one metric's definition says: its formula, who answers for it, what
/// others have found, its worked examples, and what is not recorded yet.
#[utoipa::path(get, path = "/api/metrics/{id}", operation_id = "get_metric", tag = "insight",
    params(("id" = String, Path)),
    responses((status = 200, body = MetricDefinition), (status = "default", body = ProblemBody)))]
async fn definition(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
) -> Answer<Json<MetricDefinition>> {
    keji_app::insight::definition(&shared.app, &caller, &id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// What a firm may say of its goals, customers, industry and position.
#[utoipa::path(get, path = "/api/insight/choice", operation_id = "get_choice_words", tag = "insight",
    responses((status = 200, body = ChoiceWords), (status = "default", body = ProblemBody)))]
async fn choice_words(State(shared): State<Shared>, Who(_): Who) -> Json<ChoiceWords> {
    Json(keji_app::insight::words(&shared.app))
}

/// The metrics that fit what a firm says of itself, each with its reasons,
/// where the firm stands, what it reached before and what is not recorded yet.
#[utoipa::path(post, path = "/api/insight/choice", operation_id = "choose_metrics", tag = "insight",
    request_body = Situation,
    responses((status = 200, body = Choice), (status = "default", body = ProblemBody)))]
async fn choose(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(situation): Body<Situation>,
) -> Answer<Json<Choice>> {
    keji_app::insight::choose(&shared.app, &caller, &situation)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// How the months of two to six metrics move together, at once or one some
/// months behind the other. Correlated, not caused.
#[utoipa::path(post, path = "/api/insight/relations", operation_id = "relate_metrics", tag = "insight",
    request_body = RelationsQuestion,
    responses((status = 200, body = Relations), (status = "default", body = ProblemBody)))]
async fn relations(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(question): Body<RelationsQuestion>,
) -> Answer<Json<Relations>> {
    keji_app::insight::relations(&shared.app, &caller, &question)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

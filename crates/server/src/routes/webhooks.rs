//! Webhooks, their deliveries, and what a restore has frozen.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::webhooks::{
    self, AttemptBody, AttemptList, DeliveryList, DeliveryQuery, NewWebhook, WebhookChange,
    WebhookList, WebhookMade, WebhookSecret,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change, delete))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(attempts))
        .routes(routes!(resend))
        .routes(routes!(outbound))
        .routes(routes!(release))
}

/// Who is told of changes.
#[utoipa::path(get, path = "/api/webhooks", operation_id = "list_webhooks", tag = "webhooks",
    responses((status = 200, body = WebhookList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<WebhookList>> {
    webhooks::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Adds a webhook; its secret is told this once.
#[utoipa::path(post, path = "/api/webhooks", operation_id = "create_webhook", tag = "webhooks",
    request_body = NewWebhook,
    responses((status = 201, body = WebhookMade), (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<NewWebhook>,
) -> Answer<(StatusCode, Json<WebhookMade>)> {
    let made = webhooks::create(&shared.app, &caller, wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Changes what is given; who does it becomes the owner.
#[utoipa::path(patch, path = "/api/webhooks/{id}", operation_id = "change_webhook", tag = "webhooks",
    params(("id" = i64, Path)), request_body = WebhookChange,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn change(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(wanted): Body<WebhookChange>,
) -> Answer<StatusCode> {
    webhooks::change(&shared.app, &caller, id, wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a webhook with its deliveries.
#[utoipa::path(delete, path = "/api/webhooks/{id}", operation_id = "delete_webhook", tag = "webhooks",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    webhooks::delete(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new secret, told this once; the one before it holds for another day.
#[utoipa::path(post, path = "/api/webhooks/{id}/secret", operation_id = "rotate_webhook_secret", tag = "webhooks",
    params(("id" = i64, Path)),
    responses((status = 200, body = WebhookSecret), (status = "default", body = ProblemBody)))]
async fn rotate(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<WebhookSecret>> {
    webhooks::rotate(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Sends a test at once and tells how it went.
#[utoipa::path(post, path = "/api/webhooks/{id}/test", operation_id = "test_webhook", tag = "webhooks",
    params(("id" = i64, Path)),
    responses((status = 200, body = AttemptBody), (status = "default", body = ProblemBody)))]
async fn test(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<AttemptBody>> {
    webhooks::tell::test(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// What was sent, or is to be, newest first.
#[utoipa::path(get, path = "/api/webhooks/{id}/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    params(("id" = i64, Path), DeliveryQuery),
    responses((status = 200, body = DeliveryList), (status = "default", body = ProblemBody)))]
async fn deliveries(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(wanted): Query<DeliveryQuery>,
) -> Answer<Json<DeliveryList>> {
    webhooks::deliveries(&shared.app, &caller, id, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Every try of one delivery.
#[utoipa::path(get, path = "/api/webhooks/{id}/deliveries/{delivery}", operation_id = "list_attempts", tag = "webhooks",
    params(("id" = i64, Path), ("delivery" = i64, Path)),
    responses((status = 200, body = AttemptList), (status = "default", body = ProblemBody)))]
async fn attempts(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((id, delivery)): Path<(i64, i64)>,
) -> Answer<Json<AttemptList>> {
    webhooks::attempts(&shared.app, &caller, id, delivery)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Sends a delivery once more, with the same id.
#[utoipa::path(post, path = "/api/webhooks/{id}/deliveries/{delivery}/resend", operation_id = "resend_delivery", tag = "webhooks",
    params(("id" = i64, Path), ("delivery" = i64, Path)),
    responses((status = 202), (status = "default", body = ProblemBody)))]
async fn resend(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((id, delivery)): Path<(i64, i64)>,
) -> Answer<StatusCode> {
    webhooks::resend(&shared.app, &caller, id, delivery)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug, Serialize, ToSchema)]
struct Outbound {
    /// After a restore: nothing is sent out until somebody releases it.
    is_frozen: bool,
}

/// Whether requests go out.
#[utoipa::path(get, path = "/api/outbound", operation_id = "get_outbound", tag = "webhooks",
    responses((status = 200, body = Outbound), (status = "default", body = ProblemBody)))]
async fn outbound(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<Outbound>> {
    webhooks::is_frozen(&shared.app, &caller)
        .await
        .map(|is_frozen| Json(Outbound { is_frozen }))
        .map_err(speaks.problem())
}

/// Lets requests go out after a restore: from now on this place tells the
/// others, and not the one that it was restored from.
#[utoipa::path(post, path = "/api/outbound/release", operation_id = "release_outbound", tag = "webhooks",
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn release(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<StatusCode> {
    webhooks::release(&shared.app, &caller)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

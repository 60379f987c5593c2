//! Customers with their scores, and one customer's page.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use keji_app::customers::{CustomerDoc, CustomerPage, ListCustomers, RecordPage, TimelinePage};
use keji_app::sharing::{self, NewShare, ShareList};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::records::{moved, to_another};
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(orders))
        .routes(routes!(lines))
        .routes(routes!(timeline))
        .routes(routes!(shares, share))
        .routes(routes!(end_share))
}

/// Customers with their scores as of one evaluation.
#[utoipa::path(get, path = "/api/customers", operation_id = "list_customers", tag = "customers",
    params(ListCustomers),
    responses((status = 200, body = CustomerPage), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<ListCustomers>,
) -> Answer<Json<CustomerPage>> {
    keji_app::customers::list(&shared.app, &caller, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AsOf {
    /// The evaluation to read; absent: the newest.
    #[param(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
}

/// One customer: profile, scores, history, money by month. Of one that was
/// merged into another, the way there.
#[utoipa::path(get, path = "/api/customers/{id}", operation_id = "get_customer", tag = "customers",
    params(("id" = i64, Path), AsOf),
    responses((status = 200, body = CustomerDoc),
        (status = 307, description = "it was merged into another customer", headers(("Location" = String))),
        (status = "default", body = ProblemBody)))]
async fn get(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(wanted): Query<AsOf>,
) -> Answer<Response> {
    let found = keji_app::customers::get(&shared.app, &caller, id, wanted.as_of).await;
    if found.is_err()
        && let Some(to) = moved(&shared, &caller, "customer", id).await
    {
        return Ok(to_another(&format!("/api/customers/{to}")));
    }
    let customer = found.map_err(speaks.problem())?;
    Ok(Json(customer).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Span {
    /// At most 200.
    limit: Option<u32>,
    offset: Option<u64>,
}

/// A customer's orders, newest first.
#[utoipa::path(get, path = "/api/customers/{id}/orders", operation_id = "list_customer_orders", tag = "customers",
    params(("id" = i64, Path), Span),
    responses((status = 200, body = RecordPage), (status = "default", body = ProblemBody)))]
async fn orders(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(span): Query<Span>,
) -> Answer<Json<RecordPage>> {
    keji_app::customers::orders(&shared.app, &caller, id, span.limit, span.offset)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// An order's lines, in the file's order.
#[utoipa::path(get, path = "/api/orders/{id}/lines", operation_id = "list_order_lines", tag = "customers",
    params(("id" = i64, Path), Span),
    responses((status = 200, body = RecordPage), (status = "default", body = ProblemBody)))]
async fn lines(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(span): Query<Span>,
) -> Answer<Json<RecordPage>> {
    keji_app::customers::lines(&shared.app, &caller, id, span.limit, span.offset)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Before {
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<String>,
}

/// What happened with a customer, newest first.
#[utoipa::path(get, path = "/api/customers/{id}/timeline", operation_id = "list_customer_timeline", tag = "customers",
    params(("id" = i64, Path), Before),
    responses((status = 200, body = TimelinePage), (status = "default", body = ProblemBody)))]
async fn timeline(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(wanted): Query<Before>,
) -> Answer<Json<TimelinePage>> {
    keji_app::customers::timeline(
        &shared.app,
        &caller,
        id,
        wanted.limit,
        wanted.before.as_deref(),
    )
    .await
    .map(Json)
    .map_err(speaks.problem())
}

/// With whom a customer is shared.
#[utoipa::path(get, path = "/api/customers/{id}/shares", operation_id = "list_shares", tag = "customers",
    params(("id" = i64, Path)),
    responses((status = 200, body = ShareList), (status = "default", body = ProblemBody)))]
async fn shares(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<Json<ShareList>> {
    sharing::list(&shared.app, &caller, id)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

#[derive(Debug, Serialize, ToSchema)]
struct Made {
    id: i64,
}

/// Opens a customer, with all that belongs to it, to somebody else.
#[utoipa::path(post, path = "/api/customers/{id}/shares", operation_id = "share_customer", tag = "customers",
    params(("id" = i64, Path)), request_body = NewShare,
    responses((status = 201, body = Made), (status = "default", body = ProblemBody)))]
async fn share(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(wanted): Body<NewShare>,
) -> Answer<(StatusCode, Json<Made>)> {
    let id = sharing::share(&shared.app, &caller, id, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Ends a share.
#[utoipa::path(delete, path = "/api/customers/{id}/shares/{share}", operation_id = "end_share", tag = "customers",
    params(("id" = i64, Path), ("share" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn end_share(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((id, share)): Path<(i64, i64)>,
) -> Answer<StatusCode> {
    sharing::end(&shared.app, &caller, id, share)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

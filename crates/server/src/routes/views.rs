//! Saved views of lists.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::views::{self, NewView, UsualView, ViewChange, ViewList, ViewMade};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create, set_usual))
        .routes(routes!(change, delete))
}

/// The saved views of an object's list: one's own, and those shared with one.
#[utoipa::path(get, path = "/api/views/{object}", operation_id = "list_views", tag = "views",
    params(("object" = String, Path)),
    responses((status = 200, body = ViewList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
) -> Answer<Json<ViewList>> {
    views::list(&shared.app, &caller, &object)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Saves what a list shows under a name.
#[utoipa::path(post, path = "/api/views/{object}", operation_id = "create_view", tag = "views",
    params(("object" = String, Path)), request_body = NewView,
    responses((status = 201, body = ViewMade), (status = "default", body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(new): Body<NewView>,
) -> Answer<(StatusCode, Json<ViewMade>)> {
    let made = views::create(&shared.app, &caller, &object, new)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// With which view one's own list begins.
#[utoipa::path(put, path = "/api/views/{object}", operation_id = "set_usual_view", tag = "views",
    params(("object" = String, Path)), request_body = UsualView,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn set_usual(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Body(wanted): Body<UsualView>,
) -> Answer<StatusCode> {
    views::set_usual(&shared.app, &caller, &object, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes what is given.
#[utoipa::path(patch, path = "/api/views/{object}/{id}", operation_id = "change_view", tag = "views",
    params(("object" = String, Path), ("id" = i64, Path)), request_body = ViewChange,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn change(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Body(wanted): Body<ViewChange>,
) -> Answer<StatusCode> {
    views::change(&shared.app, &caller, &object, id, wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a view; the list stays as it is.
#[utoipa::path(delete, path = "/api/views/{object}/{id}", operation_id = "delete_view", tag = "views",
    params(("object" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
) -> Answer<StatusCode> {
    views::delete(&shared.app, &caller, &object, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

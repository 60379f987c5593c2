//! What colleagues say of records, what each is told, what each marked, and
//! what each has to look at today.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::comments::{
    self, CommentList, CommentQuery, CommentSaved, CommentText, PeopleList, PeopleQuery,
};
use keji_app::favourites::{self, FavouriteList, Mark};
use keji_app::notifications::{self, NotificationList, NotificationQuery, ReadBody};
use keji_app::today::{self, Today};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, delete))
        .routes(routes!(people))
        .routes(routes!(told))
        .routes(routes!(read))
        .routes(routes!(marked))
        .routes(routes!(mark, unmark))
        .routes(routes!(see))
        .routes(routes!(day))
}

/// The comments of a record, for whoever sees it.
#[utoipa::path(get, path = "/api/records/{object}/{id}/comments", operation_id = "list_comments", tag = "comments",
    params(("object" = String, Path), ("id" = i64, Path), CommentQuery),
    responses((status = 200, body = CommentList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Query(query): Query<CommentQuery>,
) -> Answer<Json<CommentList>> {
    comments::list(&shared.app, &caller, &object, id, &query)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Adds a comment. Whoever is named with `@`, the record's owner and who
/// commented before are told, if they see the record.
#[utoipa::path(post, path = "/api/records/{object}/{id}/comments", operation_id = "create_comment", tag = "comments",
    params(("object" = String, Path), ("id" = i64, Path)), request_body = CommentText,
    responses((status = 201, body = CommentSaved), (status = "default", body = ProblemBody)))]
async fn add(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Body(body): Body<CommentText>,
) -> Answer<(StatusCode, Json<CommentSaved>)> {
    let saved = comments::add(&shared.app, &caller, &object, id, &body)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Changes one's own comment.
#[utoipa::path(patch, path = "/api/records/{object}/{id}/comments/{comment}", operation_id = "update_comment", tag = "comments",
    params(("object" = String, Path), ("id" = i64, Path), ("comment" = i64, Path)), request_body = CommentText,
    responses((status = 200, body = CommentSaved), (status = "default", body = ProblemBody)))]
async fn change(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id, comment)): Path<(String, i64, i64)>,
    Body(body): Body<CommentText>,
) -> Answer<Json<CommentSaved>> {
    comments::change(&shared.app, &caller, &object, id, comment, &body)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Takes back one's own comment.
#[utoipa::path(delete, path = "/api/records/{object}/{id}/comments/{comment}", operation_id = "delete_comment", tag = "comments",
    params(("object" = String, Path), ("id" = i64, Path), ("comment" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id, comment)): Path<(String, i64, i64)>,
) -> Answer<StatusCode> {
    comments::delete(&shared.app, &caller, &object, id, comment)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who may be named in a comment on a record: who sees it.
#[utoipa::path(get, path = "/api/records/{object}/{id}/people", operation_id = "list_people", tag = "comments",
    params(("object" = String, Path), ("id" = i64, Path), PeopleQuery),
    responses((status = 200, body = PeopleList), (status = "default", body = ProblemBody)))]
async fn people(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
    Query(query): Query<PeopleQuery>,
) -> Answer<Json<PeopleList>> {
    comments::people(&shared.app, &caller, &object, id, &query)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// What the caller is told: who named him, commented on what is his, or gave
/// him something.
#[utoipa::path(get, path = "/api/notifications", operation_id = "list_notifications", tag = "comments",
    params(NotificationQuery),
    responses((status = 200, body = NotificationList), (status = "default", body = ProblemBody)))]
async fn told(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(query): Query<NotificationQuery>,
) -> Answer<Json<NotificationList>> {
    notifications::list(&shared.app, &caller, &query)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The caller has read a notification, or all up to it.
#[utoipa::path(post, path = "/api/notifications/read", operation_id = "read_notifications", tag = "comments",
    request_body = ReadBody,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn read(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(body): Body<ReadBody>,
) -> Answer<StatusCode> {
    notifications::read(&shared.app, &caller, &body)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// The records that the caller marked, and those that he had open last.
#[utoipa::path(get, path = "/api/favourites", operation_id = "list_favourites", tag = "records",
    responses((status = 200, body = FavouriteList), (status = "default", body = ProblemBody)))]
async fn marked(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<FavouriteList>> {
    favourites::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Marks a record.
#[utoipa::path(put, path = "/api/favourites/{object}/{id}", operation_id = "add_favourite", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn mark(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
) -> Answer<StatusCode> {
    favourites::mark(&shared.app, &caller, Mark::Favourite, &object, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the mark away.
#[utoipa::path(delete, path = "/api/favourites/{object}/{id}", operation_id = "delete_favourite", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn unmark(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
) -> Answer<StatusCode> {
    favourites::unmark(&shared.app, &caller, &object, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Notes that the caller has a record open.
#[utoipa::path(put, path = "/api/seen/{object}/{id}", operation_id = "see_record", tag = "records",
    params(("object" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn see(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path((object, id)): Path<(String, i64)>,
) -> Answer<StatusCode> {
    favourites::mark(&shared.app, &caller, Mark::Seen, &object, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the caller has to look at today, by role: one answer for the page.
#[utoipa::path(get, path = "/api/today", operation_id = "today", tag = "customers",
    responses((status = 200, body = Today), (status = "default", body = ProblemBody)))]
async fn day(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<Today>> {
    today::today(&shared.app, &caller, speaks.0)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

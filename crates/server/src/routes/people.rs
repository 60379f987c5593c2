//! Users, departments, roles, and the log of all changes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::audit::{AuditPage, AuditQuery};
use keji_app::identity::people::{
    self, DepartmentChange, DepartmentList, HandedOver, NewDepartment, NewRole, NewUser, RoleList,
    UserChange, UserList,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(users, create_user))
        .routes(routes!(change_user))
        .routes(routes!(hand_over))
        .routes(routes!(departments, create_department))
        .routes(routes!(change_department, delete_department))
        .routes(routes!(roles))
        .routes(routes!(save_role, delete_role))
        .routes(routes!(audit))
}

#[derive(Debug, Serialize, ToSchema)]
struct Made {
    id: i64,
}

/// Everybody who can sign in.
#[utoipa::path(get, path = "/api/users", operation_id = "list_users", tag = "people",
    responses((status = 200, body = UserList), (status = "default", body = ProblemBody)))]
async fn users(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<UserList>> {
    people::users(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Adds a user.
#[utoipa::path(post, path = "/api/users", operation_id = "create_user", tag = "people",
    request_body = NewUser,
    responses((status = 201, body = Made), (status = "default", body = ProblemBody)))]
async fn create_user(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<NewUser>,
) -> Answer<(StatusCode, Json<Made>)> {
    let id = people::create_user(&shared.app, &caller, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Changes what is given.
#[utoipa::path(patch, path = "/api/users/{id}", operation_id = "change_user", tag = "people",
    params(("id" = i64, Path)), request_body = UserChange,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn change_user(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(wanted): Body<UserChange>,
) -> Answer<StatusCode> {
    people::change_user(&shared.app, &caller, id, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOver {
    /// Id of the user who takes over.
    to: i64,
}

/// Gives everything of a user to another one.
#[utoipa::path(post, path = "/api/users/{id}/hand-over", operation_id = "hand_over", tag = "people",
    params(("id" = i64, Path)), request_body = HandOver,
    responses((status = 200, body = HandedOver), (status = "default", body = ProblemBody)))]
async fn hand_over(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(wanted): Body<HandOver>,
) -> Answer<Json<HandedOver>> {
    people::hand_over(&shared.app, &caller, id, wanted.to)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// The tree of departments and teams.
#[utoipa::path(get, path = "/api/departments", operation_id = "list_departments", tag = "people",
    responses((status = 200, body = DepartmentList), (status = "default", body = ProblemBody)))]
async fn departments(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<DepartmentList>> {
    people::departments(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Adds a department.
#[utoipa::path(post, path = "/api/departments", operation_id = "create_department", tag = "people",
    request_body = NewDepartment,
    responses((status = 201, body = Made), (status = "default", body = ProblemBody)))]
async fn create_department(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<NewDepartment>,
) -> Answer<(StatusCode, Json<Made>)> {
    let id = people::create_department(&shared.app, &caller, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Changes what is given.
#[utoipa::path(patch, path = "/api/departments/{id}", operation_id = "change_department", tag = "people",
    params(("id" = i64, Path)), request_body = DepartmentChange,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn change_department(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(wanted): Body<DepartmentChange>,
) -> Answer<StatusCode> {
    people::change_department(&shared.app, &caller, id, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a department that nobody is in.
#[utoipa::path(delete, path = "/api/departments/{id}", operation_id = "delete_department", tag = "people",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete_department(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    people::delete_department(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// The product's roles and one's own.
#[utoipa::path(get, path = "/api/roles", operation_id = "list_roles", tag = "people",
    responses((status = 200, body = RoleList), (status = "default", body = ProblemBody)))]
async fn roles(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<RoleList>> {
    people::roles(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Creates or replaces a role of one's own.
#[utoipa::path(put, path = "/api/roles/{id}", operation_id = "save_role", tag = "people",
    params(("id" = String, Path)), request_body = NewRole,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn save_role(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
    Body(wanted): Body<NewRole>,
) -> Answer<StatusCode> {
    people::save_role(&shared.app, &caller, &id, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/api/roles/{id}", operation_id = "delete_role", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete_role(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    people::delete_role(&shared.app, &caller, &id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// The log of all changes, newest first.
#[utoipa::path(get, path = "/api/audit", operation_id = "list_audit", tag = "people",
    params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = "default", body = ProblemBody)))]
async fn audit(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<AuditQuery>,
) -> Answer<Json<AuditPage>> {
    keji_app::audit::list(&shared.app, &caller, &wanted)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

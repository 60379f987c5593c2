//! Passkeys: to make, list and delete one's own, and to sign in with one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keji_app::identity::SessionBody;
use keji_app::identity::passkey::{self, PasskeyList, PasskeySignIn, WantedPasskey};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::session::{WithCookie, may_try, signed_in};
use crate::door::At;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(delete))
        .routes(routes!(propose))
        .routes(routes!(ask))
        .routes(routes!(sign_in))
}

/// What a browser's `navigator.credentials` is given.
#[derive(Debug, Serialize, ToSchema)]
struct Options {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON`, or of signing in
    /// `parseRequestOptionsFromJSON`.
    #[serde(rename = "publicKey")]
    #[schema(value_type = Object)]
    public_key: serde_json::Value,
}

impl Options {
    fn of(mut options: serde_json::Value) -> Json<Options> {
        let inner = options.get_mut("publicKey").map(serde_json::Value::take);
        Json(Options {
            public_key: inner.unwrap_or(options),
        })
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PasskeyMade {
    id: i64,
}

/// The own passkeys.
#[utoipa::path(get, path = "/api/passkeys", operation_id = "list_passkeys", tag = "session",
    responses((status = 200, body = PasskeyList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<PasskeyList>> {
    passkey::passkeys(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Begins to make a passkey; counts for two minutes.
#[utoipa::path(post, path = "/api/passkeys/options", operation_id = "propose_passkey", tag = "session",
    responses((status = 200, body = Options), (status = "default", body = ProblemBody)))]
async fn propose(
    State(shared): State<Shared>,
    Who(caller): Who,
    At(visit): At,
    speaks: Speaks,
) -> Answer<Json<Options>> {
    passkey::propose(&shared.app, &caller, &visit)
        .await
        .map(Options::of)
        .map_err(speaks.problem())
}

/// Keeps the passkey that the browser made.
#[utoipa::path(post, path = "/api/passkeys", operation_id = "add_passkey", tag = "session",
    request_body = WantedPasskey,
    responses((status = 201, body = PasskeyMade), (status = "default", body = ProblemBody)))]
async fn add(
    State(shared): State<Shared>,
    Who(caller): Who,
    At(visit): At,
    speaks: Speaks,
    Body(wanted): Body<WantedPasskey>,
) -> Answer<(StatusCode, Json<PasskeyMade>)> {
    let id = passkey::add(&shared.app, &caller, &wanted, &visit)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(PasskeyMade { id })))
}

/// Deletes a passkey.
#[utoipa::path(delete, path = "/api/passkeys/{id}", operation_id = "delete_passkey", tag = "session",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    passkey::delete(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to sign in with a passkey; counts once, for two minutes.
#[utoipa::path(post, path = "/api/session/passkey/options", operation_id = "ask_passkey", tag = "session",
    security(()),
    responses((status = 200, body = Options), (status = "default", body = ProblemBody)))]
async fn ask(State(shared): State<Shared>, At(visit): At, speaks: Speaks) -> Answer<Json<Options>> {
    may_try(&shared, &visit, speaks)?;
    passkey::ask(&shared.app, &visit)
        .map(Options::of)
        .map_err(speaks.problem())
}

/// Signs in with a passkey; the answer sets the session's cookie.
#[utoipa::path(post, path = "/api/session/passkey", operation_id = "sign_in_with_passkey", tag = "session",
    request_body = PasskeySignIn, security(()),
    responses((status = 200, body = SessionBody), (status = "default", body = ProblemBody)))]
async fn sign_in(
    State(shared): State<Shared>,
    At(visit): At,
    speaks: Speaks,
    Body(wanted): Body<PasskeySignIn>,
) -> Answer<WithCookie<Json<SessionBody>>> {
    let session = passkey::sign_in(&shared.app, &wanted, &visit)
        .await
        .map_err(speaks.problem())?;
    Ok(signed_in(StatusCode::OK, session, &visit))
}

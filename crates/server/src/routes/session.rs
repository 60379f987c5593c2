//! The first user, signing in and out, the own password, second factor and
//! tokens.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use keji_app::identity::{
    self, SessionBody, Setup, SignIn, SignedIn, TokenList, TokenMade, Visit, WantedToken,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::door::At;
use crate::error::{Answer, Body, Path, Problem, ProblemBody, Speaks};
use crate::who::{MayBe, Who, cookie, no_cookie, session_key};

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(setup))
        .routes(routes!(get, sign_in, sign_out))
        .routes(routes!(password))
        .routes(routes!(propose_totp, confirm_totp, remove_totp))
        .routes(routes!(tokens, create_token))
        .routes(routes!(delete_token))
}

pub type WithCookie<T> = (StatusCode, [(HeaderName, String); 1], T);

pub fn signed_in(
    status: StatusCode,
    session: SignedIn,
    visit: &Visit,
) -> WithCookie<Json<SessionBody>> {
    let cookie = cookie(&session.key, &visit.origin);
    (status, [(header::SET_COOKIE, cookie)], Json(session.body))
}

/// Refuses where too many tries to sign in came from one address.
pub fn may_try(shared: &Shared, visit: &Visit, speaks: Speaks) -> Answer<()> {
    let tried = shared.flood.sign_in(&visit.address);
    tried.map_err(|seconds| speaks.problem()(keji_app::Error::TooMany { seconds }))
}

/// The address of the first start, which is there as long as nobody is.
pub struct FirstStart;

impl FromRequestParts<Shared> for FirstStart {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Answer<FirstStart> {
        let speaks = Speaks::of(&parts.headers);
        let known = identity::is_set_up(&shared.app).await;
        match known.map_err(speaks.problem())? {
            false => Ok(FirstStart),
            true => Err(speaks.no_such_path(parts.uri.path())),
        }
    }
}

/// Makes the first user with the code from the server's console. Once there is
/// a user, the address is gone.
#[utoipa::path(post, path = "/api/setup", operation_id = "set_up", tag = "session",
    request_body = Setup, security(()),
    responses((status = 201, body = SessionBody), (status = "default", body = ProblemBody)))]
async fn setup(
    State(shared): State<Shared>,
    FirstStart: FirstStart,
    At(visit): At,
    speaks: Speaks,
    Body(wanted): Body<Setup>,
) -> Answer<WithCookie<Json<SessionBody>>> {
    may_try(&shared, &visit, speaks)?;
    let session = identity::set_up(&shared.app, &wanted, &visit)
        .await
        .map_err(speaks.problem())?;
    Ok(signed_in(StatusCode::CREATED, session, &visit))
}

/// Whether somebody is signed in, and who.
#[utoipa::path(get, path = "/api/session", operation_id = "get_session", tag = "session",
    security(()),
    responses((status = 200, body = SessionBody), (status = "default", body = ProblemBody)))]
async fn get(
    State(shared): State<Shared>,
    MayBe(caller): MayBe,
    speaks: Speaks,
) -> Answer<Json<SessionBody>> {
    identity::session(&shared.app, caller.as_ref())
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Signs in; the answer sets the session's cookie.
#[utoipa::path(post, path = "/api/session", operation_id = "sign_in", tag = "session",
    request_body = SignIn, security(()),
    responses((status = 200, body = SessionBody), (status = "default", body = ProblemBody)))]
async fn sign_in(
    State(shared): State<Shared>,
    At(visit): At,
    speaks: Speaks,
    Body(wanted): Body<SignIn>,
) -> Answer<WithCookie<Json<SessionBody>>> {
    may_try(&shared, &visit, speaks)?;
    let session = identity::sign_in(&shared.app, &wanted, &visit)
        .await
        .map_err(speaks.problem())?;
    Ok(signed_in(StatusCode::OK, session, &visit))
}

/// Ends the session.
#[utoipa::path(delete, path = "/api/session", operation_id = "sign_out", tag = "session",
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn sign_out(
    State(shared): State<Shared>,
    At(visit): At,
    speaks: Speaks,
    headers: HeaderMap,
) -> Answer<WithCookie<()>> {
    if let Some(key) = session_key(&headers) {
        identity::sign_out(&shared.app, key, &visit)
            .await
            .map_err(speaks.problem())?;
    }
    let cookie = [(header::SET_COOKIE, no_cookie())];
    Ok((StatusCode::NO_CONTENT, cookie, ()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    old: String,
    /// At least 12 characters.
    new: String,
}

/// Changes the own password; all other sessions end.
#[utoipa::path(post, path = "/api/session/password", operation_id = "change_password", tag = "session",
    request_body = NewPassword,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn password(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    headers: HeaderMap,
    Body(wanted): Body<NewPassword>,
) -> Answer<StatusCode> {
    let key = session_key(&headers);
    identity::change_password(&shared.app, &caller, key, &wanted.old, &wanted.new)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an authenticator app needs.
#[derive(Debug, Serialize, ToSchema)]
struct TotpBody {
    secret: String,
    /// The same as `otpauth://…`, for a QR code.
    uri: String,
}

/// Proposes a second factor; it is on once a code of it was given.
#[utoipa::path(post, path = "/api/session/totp", operation_id = "propose_totp", tag = "session",
    responses((status = 200, body = TotpBody), (status = "default", body = ProblemBody)))]
async fn propose_totp(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<TotpBody>> {
    let (secret, uri) = identity::propose_totp(&shared.app, &caller).map_err(speaks.problem())?;
    Ok(Json(TotpBody { secret, uri }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TotpCode {
    code: String,
}

/// Turns the proposed second factor on.
#[utoipa::path(put, path = "/api/session/totp", operation_id = "confirm_totp", tag = "session",
    request_body = TotpCode,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn confirm_totp(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<TotpCode>,
) -> Answer<StatusCode> {
    identity::confirm_totp(&shared.app, &caller, &wanted.code)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    password: String,
}

/// Turns the second factor off.
#[utoipa::path(delete, path = "/api/session/totp", operation_id = "remove_totp", tag = "session",
    request_body = OwnPassword,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn remove_totp(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<OwnPassword>,
) -> Answer<StatusCode> {
    identity::remove_totp(&shared.app, &caller, &wanted.password)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// The own tokens, without what is secret.
#[utoipa::path(get, path = "/api/tokens", operation_id = "list_tokens", tag = "session",
    responses((status = 200, body = TokenList), (status = "default", body = ProblemBody)))]
async fn tokens(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<TokenList>> {
    identity::tokens(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Makes a token for programs; it is shown this once.
#[utoipa::path(post, path = "/api/tokens", operation_id = "create_token", tag = "session",
    request_body = WantedToken,
    responses((status = 201, body = TokenMade), (status = "default", body = ProblemBody)))]
async fn create_token(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<WantedToken>,
) -> Answer<(StatusCode, Json<TokenMade>)> {
    let made = identity::create_token(&shared.app, &caller, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Ends a token.
#[utoipa::path(delete, path = "/api/tokens/{id}", operation_id = "delete_token", tag = "session",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete_token(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    identity::delete_token(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

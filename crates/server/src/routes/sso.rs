//! Single sign-on: the providers, and the way there and back.

use axum::Json;
use axum::extract::{Query as AnyQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use keji_app::identity::sso::{self, BACK, ProviderList, ProviderNames, Returned, WantedProvider};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::session::may_try;
use crate::door::At;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::{self, Who};

/// What the browser that began a sign-in keeps until it is back.
const COOKIE: &str = "keji_sso";

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(names))
        .routes(routes!(start))
        .routes(routes!(list, add))
        .routes(routes!(change, delete))
}

/// Where providers send people back to: no call for programs, and providers
/// append parameters of their own.
pub fn back() -> (&'static str, MethodRouter<Shared>) {
    (BACK, get(finish))
}

/// The providers to sign in with.
#[utoipa::path(get, path = "/api/session/providers", operation_id = "list_sign_in_providers", tag = "session",
    security(()),
    responses((status = 200, body = ProviderNames), (status = "default", body = ProblemBody)))]
async fn names(State(shared): State<Shared>, speaks: Speaks) -> Answer<Json<ProviderNames>> {
    sso::names(&shared.app)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

#[derive(Debug, Serialize, ToSchema)]
struct SignInAt {
    /// Where the browser goes to sign in.
    url: String,
}

/// Begins to sign in with a provider; the answer sets a cookie that the browser
/// has to bring back.
#[utoipa::path(post, path = "/api/session/sso/{id}", operation_id = "begin_single_sign_on", tag = "session",
    params(("id" = i64, Path)), security(()),
    responses((status = 200, body = SignInAt), (status = "default", body = ProblemBody)))]
async fn start(
    State(shared): State<Shared>,
    At(visit): At,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<([(HeaderName, String); 1], Json<SignInAt>)> {
    may_try(&shared, &visit, speaks)?;
    let begun = sso::start(&shared.app, id, &visit)
        .await
        .map_err(speaks.problem())?;
    let cookie = cookie(&begun.browser, 600, &visit.origin);
    let url = begun.url;
    Ok(([(header::SET_COOKIE, cookie)], Json(SignInAt { url })))
}

/// Back from the provider: into the page, or to the page with what went wrong.
async fn finish(
    State(shared): State<Shared>,
    At(visit): At,
    headers: HeaderMap,
    AnyQuery(returned): AnyQuery<Returned>,
) -> Response {
    let gone = cookie("", 0, &visit.origin);
    if let Err(seconds) = shared.flood.sign_in(&visit.address) {
        let wait = [(header::RETRY_AFTER, seconds.to_string())];
        return (wait, to_page("/?sso=too_many_tries")).into_response();
    }
    let browser = who::cookie_of(&headers, COOKIE);
    match sso::finish(&shared.app, &returned, browser, &visit).await {
        Ok(session) => {
            let session = who::cookie(&session.key, &visit.origin);
            let cookies = [(header::SET_COOKIE, session), (header::SET_COOKIE, gone)];
            (AppendHeaders(cookies), to_page("/")).into_response()
        }
        Err(problem) => {
            let code = problem.code();
            if !problem.is_callers_fault() {
                tracing::error!(error = ?problem, "a single sign-on failed");
            }
            let cookies = [(header::SET_COOKIE, gone)];
            (AppendHeaders(cookies), to_page(&format!("/?sso={code}"))).into_response()
        }
    }
}

fn to_page(path: &str) -> (StatusCode, [(HeaderName, String); 1]) {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())])
}

/// The provider's page leads back, so it comes along with links.
fn cookie(value: &str, seconds: u32, origin: &str) -> String {
    let secure = match origin.starts_with("https://") {
        true => "; Secure",
        false => "",
    };
    format!(
        "{COOKIE}={value}; Path=/api/session/sso; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    )
}

#[derive(Debug, Serialize, ToSchema)]
struct ProviderMade {
    id: i64,
}

/// The providers of single sign-on.
#[utoipa::path(get, path = "/api/providers", operation_id = "list_providers", tag = "people",
    responses((status = 200, body = ProviderList), (status = "default", body = ProblemBody)))]
async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
) -> Answer<Json<ProviderList>> {
    sso::list(&shared.app, &caller)
        .await
        .map(Json)
        .map_err(speaks.problem())
}

/// Adds a provider.
#[utoipa::path(post, path = "/api/providers", operation_id = "add_provider", tag = "people",
    request_body = WantedProvider,
    responses((status = 201, body = ProviderMade), (status = "default", body = ProblemBody)))]
async fn add(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Body(wanted): Body<WantedProvider>,
) -> Answer<(StatusCode, Json<ProviderMade>)> {
    let id = sso::add(&shared.app, &caller, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok((StatusCode::CREATED, Json(ProviderMade { id })))
}

/// Replaces what is known of a provider; another issuer has other people, who
/// are found anew.
#[utoipa::path(put, path = "/api/providers/{id}", operation_id = "change_provider", tag = "people",
    params(("id" = i64, Path)), request_body = WantedProvider,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn change(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Body(wanted): Body<WantedProvider>,
) -> Answer<StatusCode> {
    sso::change(&shared.app, &caller, id, &wanted)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a provider; its users come in by password again.
#[utoipa::path(delete, path = "/api/providers/{id}", operation_id = "delete_provider", tag = "people",
    params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
) -> Answer<StatusCode> {
    sso::delete(&shared.app, &caller, id)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

//! What the server is made of: routes, the guard, the page.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;

use crate::error::Speaks;
use crate::flood;
use crate::guard;
use crate::openapi;
use crate::page;
use crate::routes::{self, Shared};

/// As it stands in `web/openapi.json`.
pub fn openapi_json() -> String {
    serde_json::to_string_pretty(&openapi::base()).unwrap_or_default()
}

/// The whole service.
pub fn router(shared: Shared) -> Router {
    let door = shared.door.clone();
    let flood = shared.clone();
    let (api, _) = openapi::described().split_for_parts();
    let known = Arc::new(Known::of(&openapi::base()));
    let (path, back) = routes::sso::back();
    let back = back.with_state(shared.clone());
    api.with_state(shared)
        .route_layer(middleware::from_fn_with_state(known, known_parameters_only))
        .route(path, back)
        .fallback(page::serve)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(flood, flood::limit))
        .layer(middleware::map_response(no_sniff))
        .layer(middleware::from_fn_with_state(
            door,
            guard::own_requests_only,
        ))
}

/// What each method and path takes, as the description has it.
struct Known {
    parameters: HashMap<(String, String), Vec<String>>,
    /// Those that take an `Idempotency-Key`.
    keyed: HashSet<(String, String)>,
}

const KEY: &str = "Idempotency-Key";

impl Known {
    fn of(document: &Json) -> Known {
        let (mut parameters, mut keyed) = (HashMap::new(), HashSet::new());
        let paths = document["paths"].as_object();
        for (path, methods) in paths.into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let of = (method.to_uppercase(), path.clone());
                let names = |place: &'static str| {
                    let all = operation["parameters"].as_array().into_iter().flatten();
                    let those = all.filter(move |p| p["in"] == place);
                    those.filter_map(|p| p["name"].as_str().map(str::to_owned))
                };
                if names("header").any(|name| name == KEY) {
                    keyed.insert(of.clone());
                }
                parameters.insert(of, names("query").collect());
            }
        }
        Known { parameters, keyed }
    }
}

/// A mistyped parameter would otherwise give an answer to another question,
/// and a key that nobody heeds a second effect.
async fn known_parameters_only(
    State(known): State<Arc<Known>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let key = (request.method().to_string(), path.as_str().to_owned());
    let given = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    if let (Some(known), Ok(Query(given))) = (known.parameters.get(&key), given)
        && let Some((name, _)) = given.iter().find(|(name, _)| !known.contains(name))
    {
        return Speaks::of(request.headers())
            .unknown_parameter(name, known)
            .into_response();
    }
    // The other methods have one effect however often they come.
    let is_heeded = request.method() != Method::POST || known.keyed.contains(&key);
    if request.headers().contains_key(KEY) && !is_heeded {
        return Speaks::of(request.headers())
            .no_key(request.uri().path())
            .into_response();
    }
    next.run(request).await
}

async fn no_such_method(request: Request) -> Response {
    Speaks::of(request.headers())
        .no_such_method(request.method(), request.uri().path())
        .into_response()
}

/// Answers of the API are data, never to be guessed at or kept.
async fn no_sniff(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

//! What the server is made of: routes, the guard, the page.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::guard::{self, Own};
use crate::page;
use crate::routes::{self, Shared};

#[derive(OpenApi)]
#[openapi(info(
    title = "Keji 客绩",
    description = "How every customer performs: import, insight, evaluation, customers.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

pub fn openapi_json() -> String {
    let (_, document) = described().split_for_parts();
    document
        .to_pretty_json()
        .expect("the description is made of plain values")
}

fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi()).merge(routes::all())
}

/// The whole service for the given own address.
pub fn router(shared: Shared, own: SocketAddr) -> Router {
    let (api, document) = described().split_for_parts();
    let document = document
        .to_json()
        .expect("the description is made of plain values");
    api.with_state(shared)
        .route(
            "/api/openapi.json",
            get(move || {
                let document = document.clone();
                async move { ([(header::CONTENT_TYPE, "application/json")], document) }
            }),
        )
        .fallback(page::serve)
        .layer(middleware::map_response(no_sniff))
        .layer(middleware::from_fn_with_state(
            Own(own),
            guard::own_requests_only,
        ))
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

//! The page inside the binary: hashed assets for ever, `index.html` never
//! cached and with a nonce of its own for each answer. Public forms have a page
//! of their own.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::error::Speaks;

/// Built by `npm run build`; `build.rs` makes the folder where it is absent,
/// so that the server builds without the page and says so.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Files;

/// The only page below the API: its documentation.
const DOCS: &str = "api/docs";

/// Below it the public forms: a page of its own, for whoever has an address.
const FORM: &str = "f/";

/// Scripts only from here and with the nonce; style attributes stay open for
/// the chart's tooltip and the grid, see docs/decisions.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}'; \
         style-src-elem 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

pub async fn serve(request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return no_such_path(&request);
    }
    let path = request.uri().path().trim_start_matches('/');
    if path != DOCS && (path.starts_with("api/") || path == "api") {
        return no_such_path(&request);
    }
    if path.starts_with(FORM) {
        return html("form.html");
    }
    if !path.is_empty() && path != "index.html" && path != "form.html" {
        if let Some(response) = asset(path, request.headers()) {
            return response;
        }
        // A missing asset must not turn into the page, or a stale page would
        // run HTML as script.
        if path.starts_with("assets/") {
            return no_such_path(&request);
        }
    }
    html("index.html")
}

fn no_such_path(request: &Request) -> Response {
    Speaks::of(request.headers())
        .no_such_path(request.uri().path())
        .into_response()
}

fn asset(path: &str, headers: &HeaderMap) -> Option<Response> {
    let accepts = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let packed = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(name, _)| {
            accepts
                .split(',')
                .any(|a| a.trim().split(';').next() == Some(name))
        })
        .find_map(|(name, end)| Files::get(&format!("{path}{end}")).map(|file| (name, file)));
    let (encoding, file) = match packed {
        Some((name, file)) => (Some(name), file),
        None => (None, Files::get(path)?),
    };
    let mut response = Response::new(Body::from(file.data.into_owned()));
    let out = response.headers_mut();
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(path)),
    );
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let cache = if path.starts_with("assets/") {
        "public,max-age=31536000,immutable"
    } else {
        "no-cache"
    };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Some(name) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Some(response)
}

fn html(name: &str) -> Response {
    let Some(file) = Files::get(name) else {
        return (
            StatusCode::NOT_FOUND,
            "这个程序里没有页面，请运行 `make build` / the page is not built into this binary: run `make build`",
        )
            .into_response();
    };
    let nonce = nonce();
    let html = String::from_utf8_lossy(&file.data).replace("__CSP_NONCE__", &nonce);
    let mut response = html.into_response();
    let out = response.headers_mut();
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    out.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    out.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    if let Ok(value) = HeaderValue::from_str(&policy(&nonce)) {
        out.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response
}

/// 128 random bits in hexadecimal.
fn nonce() -> String {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

//! Who may talk to the server while there are no logins: only pages and
//! programs of this very machine that name it by its own address.
//!
//! A web page from elsewhere can send requests to loopback (and, with DNS
//! rebinding, read the answers). Its `Host` or `Origin` gives it away.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Speaks;

/// The address that the server listens on.
#[derive(Debug, Clone, Copy)]
pub struct Own(pub SocketAddr);

pub async fn own_requests_only(State(own): State<Own>, request: Request, next: Next) -> Response {
    if let Some(what) = foreign(own, request.headers()) {
        return Speaks::of(request.headers())
            .foreign_request(what)
            .into_response();
    }
    next.run(request).await
}

/// Which header is not the server's own, if any.
fn foreign(own: Own, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|h| h.to_str().ok());
    if hosts.next().is_some() || !host.is_some_and(|h| is_own(own, h)) {
        return Some("Host");
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let own_origin = origin
            .to_str()
            .ok()
            .and_then(|o| o.strip_prefix("http://"))
            .is_some_and(|o| is_own(own, o));
        if !own_origin || origins.next().is_some() {
            return Some("Origin");
        }
    }
    // A browser that omits Origin on a cross-site GET still says where it
    // comes from.
    match headers.get("sec-fetch-site").map(|v| v.as_bytes()) {
        None | Some(b"same-origin" | b"none") => None,
        // Following a link into the page is how people arrive.
        Some(_)
            if headers
                .get("sec-fetch-mode")
                .is_some_and(|v| v == "navigate") =>
        {
            None
        }
        Some(_) => Some("Sec-Fetch-Site"),
    }
}

fn is_own(own: Own, host: &str) -> bool {
    let port = own.0.port();
    [
        own.0.ip().to_string(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "[::1]".to_owned(),
    ]
    .iter()
    .any(|name| {
        host.strip_prefix(name.as_str())
            .is_some_and(|rest| rest == format!(":{port}") || (rest.is_empty() && port == 80))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let own = Own("127.0.0.1:8080".parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        foreign(own, &headers)
    }

    #[test]
    fn only_own_hosts_and_origins_pass() {
        assert_eq!(check(&[("host", "127.0.0.1:8080")]), None);
        assert_eq!(
            check(&[
                ("host", "localhost:8080"),
                ("origin", "http://localhost:8080")
            ]),
            None
        );
        for (headers, what) in [
            (vec![], "Host"),
            (vec![("host", "evil.example")], "Host"),
            (vec![("host", "127.0.0.1:8081")], "Host"),
            (vec![("host", "127.0.0.1")], "Host"),
            (vec![("host", "127.0.0.1:8080.evil.example")], "Host"),
            (
                vec![("host", "localhost:8080"), ("host", "evil.example")],
                "Host",
            ),
            (
                vec![
                    ("host", "localhost:8080"),
                    ("origin", "http://evil.example"),
                ],
                "Origin",
            ),
            (
                vec![("host", "localhost:8080"), ("origin", "null")],
                "Origin",
            ),
            (
                vec![
                    ("host", "localhost:8080"),
                    ("origin", "https://localhost:8080"),
                ],
                "Origin",
            ),
            (
                vec![("host", "localhost:8080"), ("sec-fetch-site", "cross-site")],
                "Sec-Fetch-Site",
            ),
        ] {
            assert_eq!(check(&headers), Some(what), "{headers:?}");
        }
        let link = [
            ("host", "localhost:8080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert_eq!(check(&link), None);
    }
}

//! Who may talk to the server: pages and programs that name it by an address of
//! its own, on this very machine or the public one.
//!
//! A web page from elsewhere can send requests to loopback (and, with DNS
//! rebinding, read the answers). Its `Host` or `Origin` gives it away.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::door::Door;
use crate::error::Speaks;

pub async fn own_requests_only(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(what) = foreign(&door, request.headers()) {
        return Speaks::of(request.headers())
            .foreign_request(what)
            .into_response();
    }
    next.run(request).await
}

/// Which header is not the server's own, if any.
fn foreign(door: &Door, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|h| h.to_str().ok());
    let public = (door.public.as_ref()).filter(|_| host.is_some_and(|h| door.is_public(h)));
    let is_known = public.is_some() || host.is_some_and(|h| door.is_own(h));
    if hosts.next().is_some() || !is_known {
        return Some("Host");
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let origin = origin.to_str().unwrap_or_default();
        let own_origin = match public {
            Some(public) => origin == public.origin,
            None => (origin.strip_prefix("http://")).is_some_and(|o| door.is_own(o)),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let door = Door {
            own: "127.0.0.1:8080".parse().unwrap(),
            public: Some("https://keji.example.com".parse().unwrap()),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        foreign(&door, &headers)
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
        let public = ("host", "keji.example.com");
        assert_eq!(check(&[public]), None);
        assert_eq!(
            check(&[public, ("origin", "https://keji.example.com")]),
            None
        );
        for (headers, what) in [
            (vec![], "Host"),
            (
                vec![public, ("origin", "http://keji.example.com")],
                "Origin",
            ),
            (vec![public, ("origin", "http://localhost:8080")], "Origin"),
            (
                vec![
                    ("host", "localhost:8080"),
                    ("origin", "https://keji.example.com"),
                ],
                "Origin",
            ),
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

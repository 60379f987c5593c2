//! Where the server stands: the address it listens on, the public one in front
//! of it, and where a request says it comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Uri, header};
use keji_app::identity::Visit;

use crate::routes::Shared;

#[derive(Debug, Clone)]
pub struct Door {
    /// What the server listens on.
    pub own: SocketAddr,
    pub public: Option<Public>,
}

/// The address that people open, where something in front of the server passes
/// requests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// `https://keji.example.com`
    pub origin: String,
    /// As a request's `Host` has it.
    pub host: String,
}

impl std::str::FromStr for Public {
    type Err = String;

    fn from_str(text: &str) -> Result<Public, String> {
        let wrong = || format!("`{text}` is no address such as https://keji.example.com");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let scheme = uri.scheme_str().filter(|s| matches!(*s, "http" | "https"));
        let host = uri.authority().filter(|a| !a.as_str().contains('@'));
        let (Some(scheme), Some(host), "" | "/", None) = (scheme, host, uri.path(), uri.query())
        else {
            return Err(wrong());
        };
        let host = host.as_str().to_ascii_lowercase();
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(usual).unwrap_or(&host).to_owned();
        Ok(Public {
            origin: format!("{scheme}://{host}"),
            host,
        })
    }
}

impl Door {
    /// Whether a `Host` is one by which people on this very machine name it.
    pub fn is_own(&self, host: &str) -> bool {
        let port = self.own.port();
        [
            self.own.ip().to_string(),
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

    pub fn is_public(&self, host: &str) -> bool {
        let public = self.public.as_ref();
        public.is_some_and(|p| p.host.eq_ignore_ascii_case(host))
    }

    /// The address that the request came to, of a page that it came from.
    fn origin(&self, headers: &HeaderMap) -> String {
        let host = host(headers).unwrap_or_default();
        match &self.public {
            Some(public) if self.is_public(host) => public.origin.clone(),
            _ => format!("http://{host}"),
        }
    }

    /// The address for people elsewhere, where there is one; else where the
    /// request came to.
    pub fn outward<'a>(&'a self, origin: &'a str) -> &'a str {
        self.public.as_ref().map_or(origin, |p| &p.origin)
    }

    /// Who sent the request. What came to the public address was passed on by
    /// a program on this machine, which adds the sender at the end.
    pub fn sender(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |c| c.0.ip());
        let is_passed_on = peer.is_loopback() && host(headers).is_some_and(|h| self.is_public(h));
        if !is_passed_on {
            return peer.to_canonical();
        }
        let all = headers.get_all("x-forwarded-for").iter();
        let last = all.filter_map(|v| v.to_str().ok()).next_back();
        let last = last.and_then(|v| v.rsplit(',').next());
        let sender = last.and_then(|text| text.trim().parse::<IpAddr>().ok());
        sender.unwrap_or(peer).to_canonical()
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Where a request comes from.
pub struct At(pub Visit);

impl FromRequestParts<Shared> for At {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<At, Self::Rejection> {
        Ok(At(Visit {
            address: (shared.door.sender(&parts.headers, &parts.extensions)).to_string(),
            origin: shared.door.origin(&parts.headers),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> Door {
        Door {
            own: "127.0.0.1:8080".parse().unwrap(),
            public: Some("https://Keji.example.com:443/".parse().unwrap()),
        }
    }

    #[test]
    fn public_addresses_are_scheme_and_host() {
        let public = door().public.unwrap();
        assert_eq!(public.origin, "https://keji.example.com");
        for wrong in [
            "keji.example.com",
            "ftp://keji.example.com",
            "https://",
            "https://keji.example.com/path",
            "https://keji.example.com?a",
            "https://li@keji.example.com",
        ] {
            assert!(wrong.parse::<Public>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_sender_is_believed_only_behind_the_public_address() {
        let sender = |host: &str, forwarded: &[&'static str], peer: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let mut extensions = Extensions::new();
            let peer: SocketAddr = peer.parse().unwrap();
            extensions.insert(ConnectInfo(peer));
            door().sender(&headers, &extensions).to_string()
        };
        let (own, public, peer) = ("localhost:8080", "keji.example.com", "127.0.0.1:5");
        assert_eq!(sender(own, &["1.2.3.4"], peer), "127.0.0.1");
        assert_eq!(sender(public, &["1.2.3.4"], peer), "1.2.3.4");
        // What the sender wrote himself stands before it.
        assert_eq!(sender(public, &["9.9.9.9, 1.2.3.4"], peer), "1.2.3.4");
        assert_eq!(sender(public, &["9.9.9.9", "1.2.3.4"], peer), "1.2.3.4");
        assert_eq!(sender(public, &["nonsense"], peer), "127.0.0.1");
        assert_eq!(sender(public, &["1.2.3.4"], "10.0.0.5:5"), "10.0.0.5");
    }
}

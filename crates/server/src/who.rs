//! Who a request comes from: a browser by its session's cookie, a program by
//! its token. A handler that needs somebody takes [`Who`].

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use keji_app::{Caller, identity};

use crate::error::{Problem, Speaks};
use crate::routes::Shared;

const COOKIE: &str = "keji_session";

/// The signed-in caller; without one the request ends with 401.
pub struct Who(pub Caller);

/// The caller, where there is one.
pub struct MayBe(pub Option<Caller>);

impl FromRequestParts<Shared> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let MayBe(caller) = MayBe::from_request_parts(parts, shared).await?;
        let speaks = Speaks::of(&parts.headers);
        caller.map(Who).ok_or_else(|| speaks.signed_out())
    }
}

impl FromRequestParts<Shared> for MayBe {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let caller = match token(&parts.headers) {
            Some(token) => identity::caller_of_token(&shared.app, token).await,
            None => match session_key(&parts.headers) {
                Some(key) => identity::caller_of_session(&shared.app, key).await,
                None => Ok(None),
            },
        };
        caller
            .map(MayBe)
            .map_err(Speaks::of(&parts.headers).problem())
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The secret of the browser's session.
pub fn session_key(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter();
    all.filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then(|| value.trim()))
}

/// Scripts cannot read it, and other sites' pages cannot make it be sent.
pub fn cookie(key: &str) -> String {
    let seconds = identity::LONGEST.as_secs();
    format!("{COOKIE}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict")
}

pub fn no_cookie() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_own_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; xkeji_session=no".parse().unwrap());
        assert_eq!(session_key(&headers), None);
        headers.append(
            header::COOKIE,
            "c=d;  keji_session=yes ; e".parse().unwrap(),
        );
        assert_eq!(session_key(&headers), Some("yes"));
        headers.insert(header::AUTHORIZATION, "BEARER keji_1".parse().unwrap());
        assert_eq!(token(&headers), Some("keji_1"));
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(token(&headers), None);
    }
}

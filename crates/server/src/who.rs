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
        let mut caller = caller.map_err(Speaks::of(&parts.headers).problem())?;
        if let Some(caller) = &mut caller {
            let sender = shared.door.sender(&parts.headers, &parts.extensions);
            caller.address = Some(sender.to_string());
        }
        if let Some((user, key)) = caller
            .as_ref()
            .and_then(Caller::user)
            .zip(key(&parts.headers))
        {
            shared.flood.holds(key, user);
        }
        Ok(MayBe(caller))
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What says who the request comes from, whether it holds or not.
pub fn key(headers: &HeaderMap) -> Option<&str> {
    token(headers).or_else(|| session_key(headers))
}

/// The secret of the browser's session.
pub fn session_key(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, COOKIE)
}

pub fn cookie_of<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter();
    all.filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then(|| value.trim()))
}

/// Scripts cannot read it, and other sites' pages cannot make it be sent; nor is
/// it sent in the clear where the page came encrypted.
pub fn cookie(key: &str, origin: &str) -> String {
    let seconds = identity::LONGEST.as_secs();
    let secure = match origin.starts_with("https://") {
        true => "; Secure",
        false => "",
    };
    format!("{COOKIE}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
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

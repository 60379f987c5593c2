//! Single sign-on by OpenID Connect: the authorization code flow with PKCE,
//! state and nonce. A provider says who somebody is; which user that is was
//! decided here, and nobody becomes a user by it who is none.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_schema::role::Admin;
use keji_store::{Access, By, ListQuery, NewProvider, Provider, Sign};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;
use utoipa::ToSchema;

use super::id_token::{self, Claims, Expected};
use super::{SignedIn, Visit, begin, by, held, now_s, people, secret};
use crate::context::App;
use crate::error::{Error, Result};
use crate::outbound::Request;
use crate::permission::{Caller, require_admin};

/// For a person to find the password of the provider.
const TIME: Duration = Duration::from_secs(600);
/// Sign-ins under way; further ones wait until some have ended.
const MAX_ASKED: usize = 4_096;
const MAX_TEXT: usize = 1_000;
/// Where the provider sends people back to.
pub const BACK: &str = "/api/session/sso/callback";

/// Sign-ins that a provider has not answered yet, by their state.
#[derive(Default)]
pub(super) struct Asked(Mutex<HashMap<String, Pending>>);

struct Pending {
    since: Instant,
    provider: i64,
    nonce: String,
    /// What the code is given out against.
    verifier: String,
    /// Hash of what the browser that asked has as a cookie.
    browser: String,
    back: String,
    place: Place,
}

/// Of the provider's own description.
#[derive(Debug, Clone, Deserialize)]
struct Place {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderNames {
    pub providers: Vec<ProviderName>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderName {
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderList {
    pub providers: Vec<ProviderBody>,
}

/// Without the secret, which is written only.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderBody {
    pub id: i64,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub claim: String,
    /// `email` or `login`.
    pub matches: String,
    pub allows_other_ways: bool,
    pub is_active: bool,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedProvider {
    /// As the sign-in page shows it.
    pub name: String,
    /// The address that it calls itself, such as `https://id.example.com`.
    pub issuer: String,
    pub client_id: String,
    /// Of a change: absent keeps the one that is there.
    pub client_secret: Option<String>,
    /// The claim that says which user it is: `email`, `preferred_username` …
    pub claim: String,
    /// What of the user it is compared with: `email` or `login`. An e-mail
    /// address counts only where the provider says that it is verified.
    pub matches: String,
    /// Whether its users may also come in by password and passkey.
    #[serde(default)]
    pub allows_other_ways: bool,
    #[serde(default = "yes")]
    pub is_active: bool,
}

fn yes() -> bool {
    true
}

/// Where the browser goes, and what it keeps until it is back.
pub struct Begun {
    pub url: String,
    /// For a cookie that a link from another site brings along.
    pub browser: String,
}

/// What the provider sends back with the browser.
#[derive(Debug, Default, Deserialize)]
pub struct Returned {
    pub state: Option<String>,
    pub code: Option<String>,
    pub error: Option<String>,
    pub iss: Option<String>,
}

pub async fn names(app: &App) -> Result<ProviderNames> {
    let active = app.store.providers().await?;
    let active = active.into_iter().filter(|p| p.kept.is_active);
    let name = |p: Provider| ProviderName {
        id: p.id,
        name: p.kept.name,
    };
    Ok(ProviderNames {
        providers: active.map(name).collect(),
    })
}

pub async fn list(app: &App, caller: &Caller) -> Result<ProviderList> {
    require_admin(caller, Admin::Users)?;
    let body = |p: Provider| ProviderBody {
        id: p.id,
        name: p.kept.name,
        issuer: p.kept.issuer,
        client_id: p.kept.client_id,
        claim: p.kept.claim,
        matches: p.kept.matches,
        allows_other_ways: p.kept.allows_other_ways,
        is_active: p.kept.is_active,
    };
    let all = app.store.providers().await?;
    Ok(ProviderList {
        providers: all.into_iter().map(body).collect(),
    })
}

pub async fn add(app: &App, caller: &Caller, wanted: &WantedProvider) -> Result<i64> {
    require_owner(caller)?;
    let new = checked(wanted, None)?;
    Ok(app.store.add_provider(&new, by(caller)).await?)
}

pub async fn change(app: &App, caller: &Caller, id: i64, wanted: &WantedProvider) -> Result<()> {
    require_owner(caller)?;
    let known = provider(app, id).await?;
    let new = checked(wanted, Some(&known.kept))?;
    match app.store.change_provider(id, &new, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("provider", id)),
    }
}

pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<()> {
    require_owner(caller)?;
    match app.store.delete_provider(id, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("provider", id)),
    }
}

/// A provider says who an owner is as well, so only who may make owners enters
/// one.
fn require_owner(caller: &Caller) -> Result<()> {
    require_admin(caller, Admin::Users)?;
    require_admin(caller, Admin::Roles)
}

fn checked(wanted: &WantedProvider, known: Option<&NewProvider>) -> Result<NewProvider> {
    let texts = [
        ("name", &wanted.name),
        ("issuer", &wanted.issuer),
        ("client_id", &wanted.client_id),
        ("claim", &wanted.claim),
    ];
    for (name, text) in texts {
        let n = text.trim().chars().count();
        if n == 0 || n > MAX_TEXT {
            return Err(Error::Argument {
                name,
                zh: format!("要填，最多 {MAX_TEXT} 个字符"),
                en: format!("has to be given, with {MAX_TEXT} characters at most"),
            });
        }
    }
    if !matches!(wanted.matches.as_str(), "email" | "login") {
        return Err(Error::Argument {
            name: "matches",
            zh: "只能是 email 或 login".to_owned(),
            en: "is `email` or `login`".to_owned(),
        });
    }
    let issuer = wanted.issuer.trim();
    if !is_issuer(issuer) {
        return Err(Error::Argument {
            name: "issuer",
            zh: "要写 https 地址，例如 https://id.example.com，不带参数".to_owned(),
            en: "is an https address such as https://id.example.com, without parameters".to_owned(),
        });
    }
    // Who changes the address could otherwise have the secret sent there.
    let kept = known
        .filter(|k| k.issuer == issuer)
        .map(|k| &k.client_secret);
    let given = wanted.client_secret.as_ref().filter(|s| !s.is_empty());
    let Some(secret) = given.or(kept).filter(|s| s.len() <= MAX_TEXT) else {
        return Err(Error::Argument {
            name: "client_secret",
            zh: "请填写密钥；换了地址要重新填".to_owned(),
            en: "give the secret; another address needs it anew".to_owned(),
        });
    };
    Ok(NewProvider {
        name: wanted.name.trim().to_owned(),
        issuer: issuer.to_owned(),
        client_id: wanted.client_id.trim().to_owned(),
        client_secret: secret.clone(),
        claim: wanted.claim.trim().to_owned(),
        matches: wanted.matches.clone(),
        allows_other_ways: wanted.allows_other_ways,
        is_active: wanted.is_active,
    })
}

/// Encrypted, or on this very machine.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_plain = url.query().is_none() && url.fragment().is_none();
        let is_nobody = url.username().is_empty() && url.password().is_none();
        (url.scheme() == "https" || (url.scheme() == "http" && is_here)) && is_plain && is_nobody
    })
}

async fn provider(app: &App, id: i64) -> Result<Provider> {
    let all = app.store.providers().await?;
    let found = all.into_iter().find(|p| p.id == id);
    found.ok_or_else(|| Error::not_found("provider", id))
}

/// Begins a sign-in at a provider.
pub async fn start(app: &App, id: i64, visit: &Visit) -> Result<Begun> {
    let provider = provider(app, id).await?;
    if !provider.kept.is_active {
        return Err(Error::not_found("provider", id));
    }
    let place = place(app, &provider.kept.issuer).await?;
    let (state, nonce, verifier, browser) = (
        secret::key()?,
        secret::key()?,
        secret::key()?,
        secret::key()?,
    );
    let back = format!("{}{BACK}", visit.origin);
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
    let mut url = Url::parse(&place.authorization_endpoint).map_err(|_| unusable("address"))?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.kept.client_id)
        .append_pair("redirect_uri", &back)
        .append_pair("scope", "openid email profile")
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let pending = Pending {
        since: Instant::now(),
        provider: id,
        nonce,
        verifier,
        browser: secret::kept(&browser),
        back,
        place,
    };
    let mut asked = held(&app.identity.sso.0);
    if asked.len() >= MAX_ASKED {
        asked.retain(|_, p| p.since.elapsed() < TIME);
    }
    if asked.len() >= MAX_ASKED {
        return Err(Error::TooMany { seconds: 60 });
    }
    asked.insert(secret::kept(&state), pending);
    Ok(Begun {
        url: url.into(),
        browser,
    })
}

/// Signs in whom the provider sent back. `browser` is the cookie's value.
pub async fn finish(
    app: &App,
    returned: &Returned,
    browser: Option<&str>,
    visit: &Visit,
) -> Result<SignedIn> {
    let mut actor = None;
    match proven(app, returned, browser, &mut actor).await {
        Ok(user) => begin(app, user, visit, "single_sign_on").await,
        Err(problem) => {
            let sign = Sign {
                why: Some(problem.code()),
                ..visit.sign(actor.as_deref(), "single_sign_on")
            };
            app.store.refused(sign).await?;
            Err(problem)
        }
    }
}

async fn proven(
    app: &App,
    returned: &Returned,
    browser: Option<&str>,
    actor: &mut Option<String>,
) -> Result<i64> {
    let state = returned.state.as_deref().unwrap_or_default();
    // Taken out: an answer counts once, whatever comes of it.
    let pending = held(&app.identity.sso.0).remove(&secret::kept(state));
    let pending = pending.filter(|p| p.since.elapsed() < TIME);
    let pending = pending.ok_or_else(|| refused("this sign-in is over"))?;
    if browser.map(secret::kept).as_ref() != Some(&pending.browser) {
        return Err(refused("another browser began this sign-in"));
    }
    if returned
        .iss
        .as_ref()
        .is_some_and(|iss| *iss != pending.place.issuer)
    {
        return Err(refused("the answer is of another provider"));
    }
    if let Some(error) = &returned.error {
        tracing::warn!(error, "a provider refused a sign-in");
        return Err(refused("the provider refused"));
    }
    let code = returned.code.as_deref();
    let code = code.ok_or_else(|| refused("the provider sent no code"))?;
    let provider = provider(app, pending.provider).await?;
    if !provider.kept.is_active || provider.kept.issuer != pending.place.issuer {
        return Err(refused("the provider is off"));
    }
    let claims = claims(app, &provider.kept, &pending, code).await?;
    let user = user_of(app, &provider, &claims).await?;
    let record = people::record(app, user).await?;
    *actor = Some(people::text(&record, "login").to_owned());
    match record.value("is_active") {
        Value::Bool(true) => Ok(user),
        _ => Err(unknown()),
    }
}

async fn claims(
    app: &App,
    provider: &NewProvider,
    pending: &Pending,
    code: &str,
) -> Result<Claims> {
    let given = send(app, exchange(provider, pending, code)).await?;
    let keys = get(app, &pending.place.jwks_uri, None).await?;
    let token = given["id_token"].as_str();
    let token = token.ok_or_else(|| refused("the provider sent no ID token"))?;
    let expected = Expected {
        issuer: &pending.place.issuer,
        client_id: &provider.client_id,
        nonce: &pending.nonce,
        now_s: i64::try_from(now_s()).unwrap_or(i64::MAX),
    };
    let mut claims = id_token::claims(token, &keys, &expected).map_err(|why| {
        tracing::warn!(why, "an ID token was refused");
        refused(&format!("the ID token {why}"))
    })?;
    // Some providers tell who it is only when asked.
    if !claims.contains_key(&provider.claim)
        && let Some(address) = &pending.place.userinfo_endpoint
        && let Some(access) = given["access_token"].as_str()
    {
        let more = get(app, address, Some(access)).await?;
        if more["sub"] != claims["sub"] {
            return Err(refused("the provider told of somebody else"));
        }
        for name in [provider.claim.as_str(), "email_verified"] {
            if let Some(value) = more.get(name) {
                claims.insert(name.to_owned(), value.clone());
            }
        }
    }
    Ok(claims)
}

/// The user that the subject was bound to, else the one whom the claim names,
/// who is bound to it from now on.
async fn user_of(app: &App, provider: &Provider, claims: &Claims) -> Result<i64> {
    let subject = claims["sub"].as_str().unwrap_or_default();
    if let Some(user) = app.store.bound(provider.id, subject).await? {
        return Ok(user);
    }
    let field = provider.kept.matches.as_str();
    let value = claims.get(&provider.kept.claim).and_then(Json::as_str);
    let value = value.map(|v| v.trim().to_lowercase()).unwrap_or_default();
    if value.is_empty() {
        return Err(unknown());
    }
    if field == "email" && claims.get("email_verified") != Some(&Json::Bool(true)) {
        return Err(refused("the provider has not verified the e-mail address"));
    }
    let filter = format!("lower({field}) = '{}'", value.replace('\'', "''"));
    let query = ListQuery {
        object: "user".to_owned(),
        fields: vec!["id".to_owned()],
        filter: Some(Expr::parse_filter(&filter, &app.catalog.scope("user"))?),
        limit: 2,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &Access::all()).await?;
    // Where two have the address nobody can say who it is.
    let [row] = page.rows.as_slice() else {
        return Err(unknown());
    };
    let Some(Value::Int(user)) = row.first() else {
        return Err(unknown());
    };
    let record = people::record(app, *user).await?;
    if record.value("is_active") != &Value::Bool(true) {
        return Err(unknown());
    }
    let by = By {
        actor: people::text(&record, "login"),
        channel: "page",
        address: None,
    };
    match app.store.bind(provider.id, subject, *user, by).await? {
        true => Ok(*user),
        // Already another of the provider's people.
        false => Err(unknown()),
    }
}

async fn place(app: &App, issuer: &str) -> Result<Place> {
    let address = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let told = get(app, &address, None).await?;
    let place: Place = serde_json::from_value(told).map_err(|_| unusable("description"))?;
    if place.issuer != issuer {
        return Err(unusable("issuer"));
    }
    Ok(place)
}

/// What a code is given out for.
fn exchange(provider: &NewProvider, pending: &Pending, code: &str) -> Request {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &pending.back)
        .append_pair("code_verifier", &pending.verifier);
    let methods = pending.place.token_endpoint_auth_methods_supported.as_ref();
    let is_posted = methods.is_some_and(|all| {
        let has = |one: &str| all.iter().any(|m| m == one);
        has("client_secret_post") && !has("client_secret_basic")
    });
    if is_posted {
        form.append_pair("client_id", &provider.client_id)
            .append_pair("client_secret", &provider.client_secret);
    }
    let mut request = Request::post(&pending.place.token_endpoint, form.finish())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json");
    if !is_posted {
        // RFC 6749, section 2.3.1: both are encoded as a form before.
        let encoded =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!(
            "{}:{}",
            encoded(&provider.client_id),
            encoded(&provider.client_secret)
        );
        request = request.header(
            "authorization",
            format!("Basic {}", BASE64.encode(pair.as_bytes())),
        );
    }
    request
}

async fn get(app: &App, address: &str, access: Option<&str>) -> Result<Json> {
    let mut request = Request::get(address).header("accept", "application/json");
    if let Some(access) = access {
        request = request.header("authorization", format!("Bearer {access}"));
    }
    send(app, request).await
}

async fn send(app: &App, request: Request) -> Result<Json> {
    let url = request.url.clone();
    let answer = app.outbound.send(request).await.map_err(|problem| {
        tracing::warn!(url, %problem, "a provider was not reached");
        Error::State {
            code: "sso_unreachable",
            zh: format!("连不上单点登录的服务：{}", problem.zh()),
            en: format!("the single sign-on provider is not reached: {problem}"),
        }
    })?;
    if answer.status != 200 {
        tracing::warn!(url, status = answer.status, "a provider refused");
        return Err(refused(&format!("the provider answered {}", answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(|_| unusable("answer"))
}

fn unusable(what: &str) -> Error {
    Error::State {
        code: "sso_unusable",
        zh: format!("单点登录的服务给出的内容不能用：{what}"),
        en: format!("what the single sign-on provider says cannot be used: its {what}"),
    }
}

fn refused(why: &str) -> Error {
    Error::SignedOut {
        code: "sso_refused",
        zh: "单点登录没有成功，请再试一次".to_owned(),
        en: format!("single sign-on did not work: {why}; try again"),
    }
}

fn unknown() -> Error {
    Error::SignedOut {
        code: "sso_unknown",
        zh: "单点登录的账号不对应这里的任何用户；请管理员添加".to_owned(),
        en: "the account of single sign-on is no user here; ask an administrator to add one"
            .to_owned(),
    }
}

/// Refuses who has to come in by single sign-on.
pub(super) async fn require_other_ways(app: &App, user: i64) -> Result<()> {
    match app.store.is_only_bound(user).await? {
        false => Ok(()),
        true => Err(Error::SignedOut {
            code: "sso_only",
            zh: "这个账号只能用单点登录".to_owned(),
            en: "this account signs in by single sign-on only".to_owned(),
        }),
    }
}

//! Who somebody is: the first user, signing in, sessions, second factors and
//! tokens. What follows from it is [`crate::permission`]'s; the people
//! themselves are in [`people`].

mod id_token;
pub mod passkey;
pub mod people;
mod secret;
pub mod sso;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keji_schema::Value;
use keji_schema::definition::Text2;
use keji_schema::role::{Action, Admin, RoleDef};
use keji_store::{Access, By, NewToken, ScanQuery, Sign};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Caller, Channel, Reach, Rights};

const MIN_PASSWORD: usize = 12;
const MAX_PASSWORD: usize = 1_000;
/// A session nobody uses.
const IDLE: Duration = Duration::from_secs(8 * 3600);
/// A session however it is used.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a change of rights may take to be noticed by another process.
const KEPT: Duration = Duration::from_secs(2);
/// How often the use of a session or token is noted.
const NOTED: Duration = Duration::from_secs(60);
/// Wrong passwords before there is a wait, which then doubles.
const FREE_TRIES: u32 = 5;
/// The same from all addresses together, so that nobody keeps somebody else out
/// with a few tries.
const FREE_TRIES_IN_ALL: u32 = 30;
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Sign-in names that are remembered for their wrong passwords.
const MAX_TRIED: usize = 10_000;

/// A user, the scopes of the token that stands for him (empty for himself), and
/// the version of the definitions.
type UserWithin = (i64, String, i64);

/// What is known between requests; nothing of it has to survive.
#[derive(Default)]
pub(crate) struct Memory {
    setup_code: Mutex<Option<String>>,
    rights: Mutex<HashMap<UserWithin, (Instant, Arc<Rights>)>>,
    tries: Mutex<HashMap<Tried, Tries>>,
    /// Second factors that nobody has confirmed yet, by user.
    proposed: Mutex<HashMap<i64, String>>,
    passkeys: passkey::Asked,
    sso: sso::Asked,
    hashing: Hashing,
}

/// A sign-in name and an address; an empty address stands for all.
type Tried = (String, String);

/// A hash takes a processor and 19 MiB, so only so many are made at a time.
struct Hashing(tokio::sync::Semaphore);

impl Default for Hashing {
    fn default() -> Hashing {
        let n = std::thread::available_parallelism().map_or(2, usize::from);
        Hashing(tokio::sync::Semaphore::new(n))
    }
}

impl Hashing {
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let failed = |e: String| Error::Internal(e);
        let _permit = (self.0.acquire().await).map_err(|e| failed(e.to_string()))?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| failed(e.to_string()))
    }
}

/// Where somebody comes from who is not known yet.
#[derive(Debug, Clone)]
pub struct Visit {
    pub address: String,
    /// The address of the page, such as `https://keji.example.com`.
    pub origin: String,
}

impl Visit {
    /// For the log; `actor` is none where nobody has the name that was given.
    fn sign<'a>(&'a self, actor: Option<&'a str>, way: &'a str) -> Sign<'a> {
        Sign {
            by: By {
                actor: actor.unwrap_or(UNKNOWN),
                channel: Channel::Page.id(),
                address: Some(&self.address),
            },
            way,
            why: None,
        }
    }
}

/// No sign-in name has a colon. What was typed is not kept: it may well be a
/// password.
const UNKNOWN: &str = ":unknown";

#[derive(Clone, Copy)]
struct Tries {
    n: u32,
    last: Instant,
}

/// Whether there is somebody, and who.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionBody {
    pub state: SessionState,
    pub user: Option<Me>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// There is no user yet; the server's console shows the code for the first.
    Setup,
    SignedOut,
    SignedIn,
}

/// The signed-in user.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    pub id: i64,
    pub login: String,
    pub name: String,
    pub role: String,
    pub role_name: Text2,
    #[schema(value_type = Vec<String>)]
    pub admin: Vec<Admin>,
    pub has_totp: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// As the server's console shows it.
    pub code: String,
    pub login: String,
    pub name: String,
    /// At least 12 characters.
    pub password: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub login: String,
    pub password: String,
    /// The six digits of the second factor, where it is on.
    pub totp: Option<String>,
}

/// A new session: the secret is for the cookie and nowhere else.
pub struct SignedIn {
    pub key: String,
    pub body: SessionBody,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    pub tokens: Vec<TokenBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TokenBody {
    pub id: i64,
    pub name: String,
    pub scopes: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// The token itself is told this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenMade {
    pub id: i64,
    pub token: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedToken {
    pub name: String,
    /// `read`, `write`, `export`, `admin`, or the first three of one object as
    /// `customer:read`; none: all that the user may.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The day on which it ends; absent: it does not.
    #[schema(value_type = Option<String>, format = Date)]
    pub expires_on: Option<jiff::civil::Date>,
}

/// The code for the first user, where there is none yet; the same until it is
/// used. For the console of whoever starts the server.
pub async fn setup_code(app: &App) -> Result<Option<String>> {
    if app.store.n_users().await? > 0 {
        return Ok(None);
    }
    let mut kept = held(&app.identity.setup_code);
    if kept.is_none() {
        *kept = Some(secret::code()?);
    }
    Ok(kept.clone())
}

/// Whether there is a user, so that nobody becomes the first one any more.
pub async fn is_set_up(app: &App) -> Result<bool> {
    Ok(app.store.n_users().await? > 0)
}

/// Makes the first user, an owner, and signs in. Of use once.
pub async fn set_up(app: &App, wanted: &Setup, visit: &Visit) -> Result<SignedIn> {
    if is_set_up(app).await? {
        return Err(set_up_already());
    }
    check_tries(app, ":setup", &visit.address)?;
    let code = held(&app.identity.setup_code).clone();
    if !code.is_some_and(|code| secret::same_code(&code, &wanted.code)) {
        failed(app, ":setup", &visit.address);
        return Err(Error::Forbidden {
            zh: "一次性代码不对；它显示在启动服务的窗口里".to_owned(),
            en: "the one-time code is wrong; it is shown where the server was started".to_owned(),
        });
    }
    let user = people::NewUser {
        login: wanted.login.clone(),
        name: wanted.name.clone(),
        role: "owner".to_owned(),
        password: Some(wanted.password.clone()),
        ..people::NewUser::default()
    };
    let by = Caller::job();
    let Some(id) = people::insert(app, &by, &user, true).await? else {
        return Err(set_up_already());
    };
    *held(&app.identity.setup_code) = None;
    begin(app, id, visit, "setup").await
}

fn set_up_already() -> Error {
    Error::State {
        code: "set_up",
        zh: "已经有用户了，请登录".to_owned(),
        en: "there is a user already: sign in".to_owned(),
    }
}

pub async fn sign_in(app: &App, wanted: &SignIn, visit: &Visit) -> Result<SignedIn> {
    let login = wanted.login.trim().to_lowercase();
    check_tries(app, &login, &visit.address)?;
    let user = people::by_login(app, &login).await?;
    let proof = match &user {
        Some(user) => app.store.proof(user.id).await?,
        None => None,
    };
    // As much work for a name that nobody has.
    let password = wanted.password.clone();
    let hash = match &proof {
        Some(proof) => proof.password.clone(),
        None => NOBODY.clone(),
    };
    let hashing = &app.identity.hashing;
    let is_right = hashing
        .work(move || secret::is_password(&password, &hash))
        .await?;
    let refused = async |why: &'static str| {
        failed(app, &login, &visit.address);
        let actor = user.as_ref().map(|_| login.as_str());
        let sign = Sign {
            why: Some(why),
            ..visit.sign(actor, "password")
        };
        app.store.refused(sign).await
    };
    let (Some(known), Some(proof)) = (&user, proof) else {
        refused("wrong_login").await?;
        return Err(wrong_login());
    };
    if !is_right || known.value("is_active") != &Value::Bool(true) {
        refused("wrong_login").await?;
        return Err(wrong_login());
    }
    // Whoever has the password is told; nobody else learns of it.
    if let Err(problem) = sso::require_other_ways(app, known.id).await {
        refused(problem.code()).await?;
        return Err(problem);
    }
    let mut way = "password";
    if let Some(kept) = &proof.totp {
        let Some(code) = wanted.totp.as_deref().filter(|c| !c.trim().is_empty()) else {
            return Err(Error::SignedOut {
                code: "needs_totp",
                zh: "还要输入验证器上的六位数字".to_owned(),
                en: "the six digits of the authenticator are needed too".to_owned(),
            });
        };
        way = "password_and_second_factor";
        let step = secret::totp_step(kept, code, now_s());
        let is_new = match step {
            Some(step) => app.store.use_totp(known.id, step).await?,
            None => false,
        };
        if !is_new {
            refused("wrong_second_factor").await?;
            return Err(Error::SignedOut {
                code: "needs_totp",
                zh: "六位数字不对，或已经用过；请等下一组".to_owned(),
                en: "the six digits are wrong or were used before; wait for the next".to_owned(),
            });
        }
    }
    forgive(app, &login, &visit.address);
    begin(app, known.id, visit, way).await
}

/// A hash of a password that nobody has.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    secret::key()
        .and_then(|k| secret::hashed(&k))
        .unwrap_or_default()
});

fn wrong_login() -> Error {
    Error::SignedOut {
        code: "wrong_login",
        zh: "登录名或密码不对".to_owned(),
        en: "the sign-in name or the password is wrong".to_owned(),
    }
}

async fn begin(app: &App, user: i64, visit: &Visit, way: &str) -> Result<SignedIn> {
    let key = secret::key()?;
    let body = me(app, user).await?;
    let login = body.user.as_ref().map(|me| me.login.as_str());
    let sign = visit.sign(login, way);
    app.store
        .add_session(&secret::kept(&key), user, before(LONGEST), sign)
        .await?;
    Ok(SignedIn { key, body })
}

/// Who the caller is; signed out for none.
pub async fn session(app: &App, caller: Option<&Caller>) -> Result<SessionBody> {
    if let Some(user) = caller.and_then(Caller::user) {
        return me(app, user).await;
    }
    let state = match app.store.n_users().await? {
        0 => SessionState::Setup,
        _ => SessionState::SignedOut,
    };
    Ok(SessionBody { state, user: None })
}

async fn me(app: &App, user: i64) -> Result<SessionBody> {
    let record = people::record(app, user).await?;
    let role = role(app, people::text(&record, "role")).await?;
    let proof = app.store.proof(user).await?;
    Ok(SessionBody {
        state: SessionState::SignedIn,
        user: Some(Me {
            id: user,
            login: people::text(&record, "login").to_owned(),
            name: people::text(&record, "name").to_owned(),
            role: role.id,
            role_name: role.name,
            admin: role.admin,
            has_totp: proof.is_some_and(|p| p.totp.is_some()),
        }),
    })
}

/// The caller of a session's key; none where it has ended.
pub async fn caller_of_session(app: &App, key: &str) -> Result<Option<Caller>> {
    caller_of(app, key, true).await
}

/// The same, without the session being used: what the program asks by itself
/// keeps nobody signed in.
pub async fn still_caller_of_session(app: &App, key: &str) -> Result<Option<Caller>> {
    caller_of(app, key, false).await
}

async fn caller_of(app: &App, key: &str, is_use: bool) -> Result<Option<Caller>> {
    let hash = secret::kept(key);
    let Some(session) = app.store.session(&hash).await? else {
        return Ok(None);
    };
    if session.created_at < before(LONGEST) || session.seen_at < before(IDLE) {
        return Ok(None);
    }
    if is_use && session.seen_at < before(NOTED) {
        app.store.see_session(&hash).await?;
    }
    let rights = rights(app, session.user, "").await?;
    Ok(rights.map(|rights| Caller::of(rights, Channel::Page)))
}

/// The caller of a token; none where it is unknown or over.
pub async fn caller_of_token(app: &App, key: &str) -> Result<Option<Caller>> {
    let Some(token) = app.store.token(&secret::kept(key)).await? else {
        return Ok(None);
    };
    if token.expires_at.is_some_and(|at| at <= Timestamp::now()) {
        return Ok(None);
    }
    if token.used_at.is_none_or(|at| at < before(NOTED)) {
        app.store.see_token(token.id).await?;
    }
    let rights = rights(app, token.user, &token.scopes).await?;
    Ok(rights.map(|rights| {
        let mut caller = Caller::of(rights, Channel::Api);
        caller.is_limited = !token.scopes.is_empty();
        caller
    }))
}

/// In whose name a command of the command line works, with the rights of this
/// user; an error where there is no such user or he is not active.
pub async fn caller_of_login(app: &App, login: &str) -> Result<Caller> {
    let user = people::by_login(app, &login.to_lowercase()).await?;
    let user = user.ok_or_else(|| Error::not_found("user", login))?;
    let rights = rights(app, user.id, "").await?;
    let rights = rights.ok_or_else(|| Error::not_found("user", login))?;
    Ok(Caller::of(rights, Channel::CommandLine))
}

/// In whose name something is done later, with the rights of then; none where
/// the user is not active.
pub(crate) async fn caller_of_user(app: &App, user: i64) -> Result<Option<Caller>> {
    let rights = rights(app, user, "").await?;
    Ok(rights.map(|rights| Caller::of(rights, Channel::Job)))
}

pub async fn sign_out(app: &App, key: &str, visit: &Visit) -> Result<()> {
    let caller = caller_of_session(app, key).await?;
    let sign = visit.sign(caller.as_ref().map(|c| c.actor.as_str()), "");
    Ok(app.store.end_session(&secret::kept(key), sign).await?)
}

/// Changes the caller's own password; every other session of his ends.
pub async fn change_password(
    app: &App,
    caller: &Caller,
    key: Option<&str>,
    old: &str,
    new: &str,
) -> Result<()> {
    let user = whole(caller)?;
    sso::require_other_ways(app, user)
        .await
        .map_err(forbidden)?;
    prove(app, caller, user, old).await?;
    let hash = hash_of(app, new).await?;
    let kept = key.map(secret::kept);
    app.store
        .set_password(user, &hash, kept.as_deref(), by(caller))
        .await?;
    Ok(())
}

/// A secret for the caller's second factor, which is off until
/// [`confirm_totp`] got a code of it.
pub fn propose_totp(app: &App, caller: &Caller) -> Result<(String, String)> {
    let user = whole(caller)?;
    let made = secret::totp_secret()?;
    let uri = secret::totp_uri(&made, &caller.actor)?;
    held(&app.identity.proposed).insert(user, made.clone());
    Ok((made, uri))
}

pub async fn confirm_totp(app: &App, caller: &Caller, code: &str) -> Result<()> {
    let user = whole(caller)?;
    let proposed = held(&app.identity.proposed).get(&user).cloned();
    let is_right = |secret: &String| secret::totp_step(secret, code, now_s()).is_some();
    let Some(proposed) = proposed.filter(is_right) else {
        return Err(Error::Argument {
            name: "code",
            zh: "六位数字不对；请看手机的时间是否准确".to_owned(),
            en: "the six digits are wrong; see whether the phone's clock is right".to_owned(),
        });
    };
    app.store
        .set_totp(user, Some(&proposed), by(caller))
        .await?;
    held(&app.identity.proposed).remove(&user);
    Ok(())
}

pub async fn remove_totp(app: &App, caller: &Caller, password: &str) -> Result<()> {
    let user = whole(caller)?;
    prove(app, caller, user, password).await?;
    app.store.set_totp(user, None, by(caller)).await?;
    Ok(())
}

pub async fn tokens(app: &App, caller: &Caller) -> Result<TokenList> {
    tokens_of(app, own(caller)?).await
}

/// Of any user: for the command line.
pub async fn tokens_of(app: &App, user: i64) -> Result<TokenList> {
    let tokens = app.store.tokens(user).await?;
    let body = |t: keji_store::Token| TokenBody {
        id: t.id,
        name: t.name,
        scopes: t.scopes.split_whitespace().map(str::to_owned).collect(),
        created_at: t.created_at,
        used_at: t.used_at,
        expires_at: t.expires_at,
    };
    Ok(TokenList {
        tokens: tokens.into_iter().map(body).collect(),
    })
}

pub async fn create_token(app: &App, caller: &Caller, wanted: &WantedToken) -> Result<TokenMade> {
    create_token_for(app, caller, whole(caller)?, wanted).await
}

/// For the command line, which is nobody of the users.
pub async fn create_token_for(
    app: &App,
    caller: &Caller,
    user: i64,
    wanted: &WantedToken,
) -> Result<TokenMade> {
    if wanted.name.trim().is_empty() {
        return Err(Error::Argument {
            name: "name",
            zh: "请给令牌起个名字".to_owned(),
            en: "give the token a name".to_owned(),
        });
    }
    for scope in &wanted.scopes {
        Scope::parse(app, scope)?;
    }
    let token = format!("keji_{}", secret::key()?);
    let zone = app.catalog.calendar.zone.clone();
    let expires_at = wanted
        .expires_on
        .map(|day| day.to_zoned(zone).map(|z| z.timestamp()))
        .transpose()
        .map_err(|e| Error::Argument {
            name: "expires_on",
            zh: e.to_string(),
            en: e.to_string(),
        })?;
    let new = NewToken {
        hash: secret::kept(&token),
        user,
        name: wanted.name.trim().to_owned(),
        scopes: wanted.scopes.join(" "),
        expires_at,
    };
    let id = app.store.add_token(&new, by(caller)).await?;
    Ok(TokenMade { id, token })
}

pub async fn delete_token(app: &App, caller: &Caller, id: i64) -> Result<()> {
    delete_token_of(app, caller, whole(caller)?, id).await
}

/// Of any user: for the command line.
pub async fn delete_token_of(app: &App, caller: &Caller, user: i64, id: i64) -> Result<()> {
    match app.store.delete_token(user, id, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("token", id)),
    }
}

/// What a token is limited to: `read`, or of one object `customer:read`.
struct Scope {
    object: Option<String>,
    /// None: what concerns the whole place.
    actions: Option<&'static [Action]>,
}

impl Scope {
    fn parse(app: &App, text: &str) -> Result<Scope> {
        let (object, word) = match text.split_once(':') {
            Some((object, word)) => (Some(object), word),
            None => (None, text),
        };
        if let Some(object) = object {
            app.catalog.object(object)?;
        }
        let actions: Option<&'static [Action]> = match word {
            "read" => Some(&[Action::Read]),
            "write" => Some(&[
                Action::Read,
                Action::Create,
                Action::Update,
                Action::Delete,
                Action::Import,
            ]),
            "export" => Some(&[Action::Read, Action::Export]),
            "admin" if object.is_none() => None,
            _ => {
                return Err(Error::Argument {
                    name: "scopes",
                    zh: format!(
                        "没有范围 `{text}`；可用的有 read、write、export、admin 和 customer:read 这样的"
                    ),
                    en: format!(
                        "there is no scope `{text}`; there are read, write, export, admin and such as customer:read"
                    ),
                });
            }
        };
        Ok(Scope {
            object: object.map(str::to_owned),
            actions,
        })
    }
}

/// The user's rights within the scopes; none where the user is not active.
async fn rights(app: &App, user: i64, scopes: &str) -> Result<Option<Arc<Rights>>> {
    let key = (user, scopes.to_owned(), app.design);
    let kept = held(&app.identity.rights).get(&key).cloned();
    if let Some((at, rights)) = kept
        && at.elapsed() < KEPT
    {
        return Ok(Some(rights));
    }
    let Some(record) = app.store.get("user", user, &Access::all()).await? else {
        return Ok(None);
    };
    if record.value("is_active") != &Value::Bool(true) {
        return Ok(None);
    }
    let mut role = role(app, people::text(&record, "role")).await?;
    if !scopes.is_empty() {
        let scopes = scopes.split_whitespace().map(|s| Scope::parse(app, s));
        narrow(app, &mut role, &scopes.collect::<Result<Vec<_>>>()?);
    }
    let reach = reach(app, user).await?;
    let login = people::text(&record, "login");
    let rights = Arc::new(Rights::of(&app.catalog, &role, user, login, &reach));
    let mut all = held(&app.identity.rights);
    all.retain(|_, (at, _)| at.elapsed() < KEPT);
    all.insert(key, (Instant::now(), rights.clone()));
    Ok(Some(rights))
}

/// Forgets what was worked out, after a change of people or roles.
pub(crate) fn forget(app: &App) {
    held(&app.identity.rights).clear();
}

/// Takes from a role what none of the scopes has.
fn narrow(app: &App, role: &mut RoleDef, scopes: &[Scope]) {
    let allows = |object: &str, action: Action| {
        scopes.iter().any(|scope| {
            scope.object.as_deref().is_none_or(|o| o == object)
                && scope.actions.is_some_and(|a| a.contains(&action))
        })
    };
    let mut grants = Vec::new();
    for object in app.catalog.objects.keys() {
        let own: Vec<_> = (role.grants.iter())
            .filter(|g| g.objects.contains(object))
            .collect();
        let of_all: Vec<_> = (role.grants.iter())
            .filter(|g| g.objects == ["*"])
            .collect();
        for grant in if own.is_empty() { of_all } else { own } {
            let mut grant = grant.clone();
            grant.objects = vec![object.clone()];
            grant.actions.retain(|&action| allows(object, action));
            grants.push(grant);
        }
    }
    role.grants = grants;
    if !scopes.iter().any(|s| s.actions.is_none()) {
        role.admin.clear();
    }
}

/// Whose records the user's departments mean.
async fn reach(app: &App, user: i64) -> Result<Reach> {
    let mut members: Vec<(i64, i64)> = Vec::new();
    scan(app, "member", &["department", "user"], |row| {
        if let [Value::Int(department), Value::Int(user)] = row {
            members.push((*department, *user));
        }
    })
    .await?;
    let own = members.iter().filter(|(_, u)| *u == user);
    let own: BTreeSet<i64> = own.map(|(d, _)| *d).collect();
    if own.is_empty() {
        return Ok(Reach {
            shared: crate::sharing::shared(app, user, &own).await?,
            ..Reach::default()
        });
    }
    let mut below: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut above: BTreeMap<i64, i64> = BTreeMap::new();
    scan(app, "department", &["id", "parent"], |row| {
        if let [Value::Int(id), Value::Int(parent)] = row {
            below.entry(*parent).or_default().push(*id);
            above.insert(*id, *parent);
        }
    })
    .await?;
    let mut with_above = own.clone();
    for &department in &own {
        let mut at = department;
        while let Some(&parent) = above.get(&at) {
            if !with_above.insert(parent) {
                break;
            }
            at = parent;
        }
    }
    let mut tree = own.clone();
    let mut open: Vec<i64> = own.iter().copied().collect();
    while let Some(at) = open.pop() {
        for &child in below.get(&at).into_iter().flatten() {
            if tree.insert(child) {
                open.push(child);
            }
        }
    }
    let of = |departments: &BTreeSet<i64>| {
        let members = members.iter().filter(|(d, _)| departments.contains(d));
        members.map(|(_, user)| *user).collect()
    };
    Ok(Reach {
        team: of(&own),
        department: of(&tree),
        shared: crate::sharing::shared(app, user, &with_above).await?,
    })
}

async fn scan(
    app: &App,
    object: &str,
    fields: &[&str],
    mut each: impl FnMut(&[Value]) + Send,
) -> Result<()> {
    let query = ScanQuery {
        object: object.to_owned(),
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        ..ScanQuery::default()
    };
    app.store
        .scan(&query, &Access::all(), |row| -> Result<()> {
            each(row);
            Ok(())
        })
        .await?;
    Ok(())
}

/// Whether another active user may look after this.
pub(crate) async fn has_other_admin(app: &App, admin: Admin, login: &str) -> Result<bool> {
    let mut roles = BTreeSet::new();
    scan(app, "user", &["login", "role", "is_active"], |row| {
        if let [Value::Text(other), Value::Text(role), is_active] = row
            && other != login
            && is_active == &Value::Bool(true)
        {
            roles.insert(role.clone());
        }
    })
    .await?;
    for id in roles {
        if role(app, &id).await?.admin.contains(&admin) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A role by its id: the product's own or a kept one.
pub(crate) async fn role(app: &App, id: &str) -> Result<RoleDef> {
    if let Some(role) = app.catalog.roles.get(id) {
        return Ok(role.clone());
    }
    let kept = app.store.roles().await?;
    let found = kept.into_iter().find(|(known, _)| known == id);
    let (_, document) = found.ok_or_else(|| Error::not_found("role", id))?;
    people::role_of(id, &document)
}

fn own(caller: &Caller) -> Result<i64> {
    caller.user().ok_or_else(|| Error::Forbidden {
        zh: "这只能由登录的用户来做".to_owned(),
        en: "only a signed-in user can do this".to_owned(),
    })
}

/// For whoever is signed in already.
fn forbidden(problem: Error) -> Error {
    match problem {
        Error::SignedOut { zh, en, .. } => Error::Forbidden { zh, en },
        other => other,
    }
}

/// The user, unless a token with scopes stands for him: it must not make itself
/// a way in that does more.
fn whole(caller: &Caller) -> Result<i64> {
    if caller.is_limited {
        return Err(Error::Forbidden {
            zh: "有范围的令牌不能改变登录方式和令牌".to_owned(),
            en: "a token with scopes cannot change how its user comes in".to_owned(),
        });
    }
    own(caller)
}

fn by(caller: &Caller) -> By<'_> {
    By {
        actor: &caller.actor,
        channel: caller.channel.id(),
        address: caller.address.as_deref(),
    }
}

/// Asks for the password again.
async fn prove(app: &App, caller: &Caller, user: i64, password: &str) -> Result<()> {
    let who = format!(":user {user}");
    let address = caller.address.as_deref().unwrap_or_default();
    check_tries(app, &who, address)?;
    let proof = app.store.proof(user).await?;
    let password = password.to_owned();
    let is_right = match proof {
        Some(proof) => {
            let hashing = &app.identity.hashing;
            hashing
                .work(move || secret::is_password(&password, &proof.password))
                .await?
        }
        None => false,
    };
    if is_right {
        return Ok(());
    }
    failed(app, &who, address);
    Err(Error::Argument {
        name: "password",
        zh: "密码不对".to_owned(),
        en: "the password is wrong".to_owned(),
    })
}

async fn hash_of(app: &App, password: &str) -> Result<String> {
    let n = password.chars().count();
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&n) {
        return Err(Error::Argument {
            name: "password",
            zh: format!("密码要有 {MIN_PASSWORD} 到 {MAX_PASSWORD} 个字符，这个有 {n} 个"),
            en: format!("a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters, this one {n}"),
        });
    }
    let password = password.to_owned();
    let hashing = &app.identity.hashing;
    hashing.work(move || secret::hashed(&password)).await?
}

/// Refuses while a name has to wait for its wrong passwords.
fn check_tries(app: &App, who: &str, address: &str) -> Result<()> {
    let tries = held(&app.identity.tries);
    let left = names(who, address).map(|(tried, free)| {
        let tries = tries.get(&tried)?;
        wait(tries.n, free).checked_sub(tries.last.elapsed())
    });
    match left.into_iter().flatten().max() {
        None => Ok(()),
        Some(left) => Err(Error::TooMany {
            seconds: left.as_secs() + 1,
        }),
    }
}

/// What tries are counted by, and how many are free.
fn names(who: &str, address: &str) -> [(Tried, u32); 2] {
    // Nobody's name is longer.
    let who: String = who.chars().take(people::MAX_LOGIN).collect();
    [
        ((who.clone(), address.to_owned()), FREE_TRIES),
        ((who, String::new()), FREE_TRIES_IN_ALL),
    ]
}

fn wait(n: u32, free: u32) -> Duration {
    match n.checked_sub(free) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1 << over.min(10)).min(LONGEST_WAIT),
    }
}

fn failed(app: &App, who: &str, address: &str) {
    let mut tries = held(&app.identity.tries);
    if tries.len() >= MAX_TRIED {
        tries.retain(|_, t| t.last.elapsed() < wait(t.n, FREE_TRIES));
    }
    let now = Instant::now();
    for (name, _) in names(who, address) {
        let tried = tries.entry(name).or_insert(Tries { n: 0, last: now });
        // Who waits long enough begins anew.
        if tried.last.elapsed() > LONGEST_WAIT {
            tried.n = 0;
        }
        tried.n += 1;
        tried.last = now;
    }
}

fn forgive(app: &App, who: &str, address: &str) {
    let mut tries = held(&app.identity.tries);
    for (name, _) in names(who, address) {
        tries.remove(&name);
    }
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn before(span: Duration) -> Timestamp {
    Timestamp::now().checked_sub(span).unwrap_or(Timestamp::MIN)
}

fn now_s() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

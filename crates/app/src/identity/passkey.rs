//! Passkeys: signing in with what a person's device holds and unlocks. The
//! rules of the ceremony are the library's; which passkeys there are is the
//! store's. What was asked is kept in memory, counts once and for two minutes.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Mutex;

use jiff::Timestamp;
use keji_schema::Value;
use keji_store::{NewPasskey, Passkey};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::{
    AuthenticationVerificationOptions, DiscoverableCredentialRequestOptions,
};
use webauthn_rp::request::register::{
    CredProtect, Nickname, PublicKeyCredentialCreationOptions, PublicKeyCredentialUserEntity,
    RegistrationVerificationOptions, UserHandle16, Username,
};
use webauthn_rp::request::{
    AsciiDomain, FixedCapHashSet, InsertResult, PublicKeyCredentialDescriptor, RpId,
};
use webauthn_rp::response::auth::DiscoverableAuthentication16;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, Registration, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthenticationServerState, RegistrationServerState,
};

use super::{SignedIn, Visit, begin, by, forbidden, held, people, secret, sso, whole};
use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::Caller;

/// Milliseconds for a person to find a finger.
const TIME_MS: NonZeroU32 = NonZeroU32::new(120_000).expect("is not zero");
/// Ceremonies under way; further ones wait until some have ended.
const MAX_ASKED: usize = 4_096;
const MAX_NAME: usize = 100;
const MAX_PASSKEYS: usize = 20;
const HANDLE: usize = 16;

/// Challenges that nobody has answered yet.
pub(super) struct Asked {
    registrations: Mutex<FixedCapHashSet<RegistrationServerState<HANDLE>>>,
    sign_ins: Mutex<FixedCapHashSet<DiscoverableAuthenticationServerState>>,
    /// What authenticators are to know users by who have no passkey yet.
    handles: Mutex<HashMap<i64, String>>,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked {
            registrations: Mutex::new(FixedCapHashSet::new(MAX_ASKED)),
            sign_ins: Mutex::new(FixedCapHashSet::new(MAX_ASKED)),
            handles: Mutex::default(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyList {
    pub passkeys: Vec<PasskeyBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyBody {
    pub id: i64,
    pub name: String,
    /// The name of the server that it is for.
    pub host: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedPasskey {
    /// For its owner to know it by.
    pub name: String,
    /// What `navigator.credentials.create` gave, by its `toJSON`.
    #[schema(value_type = Object)]
    pub credential: Json,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeySignIn {
    /// What `navigator.credentials.get` gave, by its `toJSON`.
    #[schema(value_type = Object)]
    pub credential: Json,
}

pub async fn passkeys(app: &App, caller: &Caller) -> Result<PasskeyList> {
    let body = |p: Passkey| PasskeyBody {
        id: p.id,
        name: p.kept.name,
        host: p.kept.rp,
        created_at: p.created_at,
        used_at: p.used_at,
    };
    let passkeys = app.store.passkeys(super::own(caller)?).await?;
    Ok(PasskeyList {
        passkeys: passkeys.into_iter().map(body).collect(),
    })
}

/// What the browser needs to make a passkey for the caller, in the shape of
/// `PublicKeyCredentialCreationOptionsJSON`.
pub async fn propose(app: &App, caller: &Caller, visit: &Visit) -> Result<Json> {
    let user = whole(caller)?;
    let (rp, _) = rp(visit)?;
    sso::require_other_ways(app, user)
        .await
        .map_err(forbidden)?;
    let record = people::record(app, user).await?;
    let known = app.store.passkeys(user).await?;
    if known.len() >= MAX_PASSKEYS {
        return Err(Error::State {
            code: "too_many_passkeys",
            zh: format!("通行密钥最多 {MAX_PASSKEYS} 个，请先删除不用的"),
            en: format!("there are {MAX_PASSKEYS} passkeys at most; delete those not in use"),
        });
    }
    let handle = handle(app, user, &known)?;
    let handle = UserHandle16::decode(array(&handle)?).map_err(kept_wrong)?;
    let login = people::text(&record, "login").to_owned();
    let id = format!("user-{user}");
    let name = Username::try_from(login.as_str()).or_else(|_| Username::try_from(id.as_str()));
    let entity = PublicKeyCredentialUserEntity {
        name: name.map_err(|e| Error::Internal(format!("{e:?}")))?,
        id: &handle,
        display_name: Nickname::try_from(people::text(&record, "name")).ok(),
    };
    let there = known.iter().filter(|p| p.kept.rp == rp.as_ref());
    let excluded = there.map(|p| descriptor(&p.kept)).collect::<Result<_>>()?;
    let mut options = PublicKeyCredentialCreationOptions::passkey(&rp, entity, excluded);
    options.timeout = TIME_MS;
    // Asked for with force, a device that cannot do it makes no passkey at all;
    // each sign-in asks for the unlocking anyway.
    options.extensions.cred_protect = CredProtect::None;
    let (server, client) =
        (options.start_ceremony()).map_err(|e| Error::Internal(e.to_string()))?;
    let options = serde_json::to_value(&client).map_err(|e| Error::Internal(e.to_string()))?;
    let mut asked = held(&app.identity.passkeys.registrations);
    match asked.insert_or_replace_all_expired(server) {
        InsertResult::Success => Ok(options),
        _ => Err(busy()),
    }
}

/// Keeps a passkey that the browser made; its id.
pub async fn add(app: &App, caller: &Caller, wanted: &WantedPasskey, visit: &Visit) -> Result<i64> {
    let user = whole(caller)?;
    let (rp, origins) = rp(visit)?;
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::Argument {
            name: "name",
            zh: format!("请给通行密钥起个名字，最多 {MAX_NAME} 个字符"),
            en: format!("give the passkey a name, of {MAX_NAME} characters at most"),
        });
    }
    let json = wanted.credential.to_string();
    let registration = Registration::from_json_relaxed(json.as_bytes()).map_err(unreadable)?;
    let challenge = registration.challenge_relaxed().map_err(unreadable)?;
    let asked = held(&app.identity.passkeys.registrations).take(&challenge);
    let asked = asked.ok_or_else(over)?;
    let options = RegistrationVerificationOptions::<&str, &str> {
        allowed_origins: &origins.each_ref().map(String::as_str),
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    let made = asked
        .verify(&rp, &registration, &options)
        .map_err(unreadable)?;
    // The one for whom it was asked is the one who is signed in.
    let known = app.store.passkeys(user).await?;
    let handle = handle(app, user, &known)?;
    if hex(made.user_id().as_ref()) != handle {
        return Err(over());
    }
    let key = made.static_state();
    let key = key.encode().map_err(|e| Error::Internal(e.to_string()))?;
    let new = NewPasskey {
        user,
        name: name.to_owned(),
        credential: hex(made.id().as_ref()),
        handle,
        rp: rp.as_ref().to_owned(),
        transports: made.transports().encode().map_or(0, i64::from),
        key: hex(&key),
        state: hex(&state(made.dynamic_state())?),
    };
    let id = app.store.add_passkey(&new, by(caller)).await?;
    id.ok_or_else(|| Error::State {
        code: "passkey_known",
        zh: "这个通行密钥已经登记过了".to_owned(),
        en: "this passkey is known already".to_owned(),
    })
}

pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<()> {
    match app
        .store
        .delete_passkey(whole(caller)?, id, by(caller))
        .await?
    {
        true => Ok(()),
        false => Err(Error::not_found("passkey", id)),
    }
}

/// What the browser needs to sign in with any passkey of this server, in the
/// shape of `PublicKeyCredentialRequestOptionsJSON`.
pub fn ask(app: &App, visit: &Visit) -> Result<Json> {
    let (rp, _) = rp(visit)?;
    let mut options = DiscoverableCredentialRequestOptions::passkey(&rp);
    options.0.timeout = TIME_MS;
    let (server, client) =
        (options.start_ceremony()).map_err(|e| Error::Internal(e.to_string()))?;
    let options = serde_json::to_value(&client).map_err(|e| Error::Internal(e.to_string()))?;
    let mut asked = held(&app.identity.passkeys.sign_ins);
    match asked.insert_or_replace_all_expired(server) {
        InsertResult::Success => Ok(options),
        _ => Err(busy()),
    }
}

/// A passkey is two factors, the device and what unlocks it, so no digits are
/// asked for.
pub async fn sign_in(app: &App, wanted: &PasskeySignIn, visit: &Visit) -> Result<SignedIn> {
    let mut actor = None;
    let done = proven(app, wanted, visit, &mut actor).await;
    match done {
        Ok(user) => begin(app, user, visit, "passkey").await,
        Err(problem) => {
            if let Error::SignedOut { code, .. } = &problem {
                let sign = keji_store::Sign {
                    why: Some(code),
                    ..visit.sign(actor.as_deref(), "passkey")
                };
                app.store.refused(sign).await?;
            }
            Err(problem)
        }
    }
}

/// The user; `actor` is told as soon as it is known whose passkey it is.
async fn proven(
    app: &App,
    wanted: &PasskeySignIn,
    visit: &Visit,
    actor: &mut Option<String>,
) -> Result<i64> {
    let (rp, origins) = rp(visit)?;
    let json = wanted.credential.to_string();
    let given = DiscoverableAuthentication16::from_json_relaxed(json.as_bytes());
    let given = given.map_err(unreadable)?;
    let challenge = given.challenge_relaxed().map_err(unreadable)?;
    let asked = held(&app.identity.passkeys.sign_ins).take(&challenge);
    let asked = asked.ok_or_else(wrong)?;
    let known = app.store.passkey(&hex(given.raw_id().as_ref())).await?;
    let known = known.ok_or_else(wrong)?;
    let user = people::record(app, known.kept.user).await?;
    *actor = Some(people::text(&user, "login").to_owned());
    if known.kept.rp != rp.as_ref() || user.value("is_active") != &Value::Bool(true) {
        return Err(wrong());
    }
    sso::require_other_ways(app, known.kept.user).await?;
    let handle = UserHandle16::decode(array(&known.kept.handle)?).map_err(kept_wrong)?;
    let id = bytes(&known.kept.credential)?;
    let id = CredentialId::<Vec<u8>>::decode(id).map_err(kept_wrong)?;
    let key = bytes(&known.kept.key)?;
    let key = StaticState::<CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>>::decode(&key)
        .map_err(kept_wrong)?;
    let before = DynamicState::decode(array(&known.kept.state)?).map_err(kept_wrong)?;
    let mut credential =
        AuthenticatedCredential::new((&id).into(), &handle, key, before).map_err(kept_wrong)?;
    // The counter has to grow, where the device counts at all.
    let options = AuthenticationVerificationOptions::<&str, &str> {
        allowed_origins: &origins.each_ref().map(String::as_str),
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    asked
        .verify(&rp, &given, &mut credential, &options)
        .map_err(|_| wrong())?;
    let after = hex(&state(credential.dynamic_state())?);
    let store = &app.store;
    match store
        .use_passkey(known.id, &known.kept.state, &after)
        .await?
    {
        true => Ok(known.kept.user),
        false => Err(wrong()),
    }
}

/// The name that passkeys are for, and the page's address. Browsers take no
/// numbers for a name.
fn rp(visit: &Visit) -> Result<(RpId, [String; 1])> {
    let host = visit.origin.split_once("://").map_or("", |(_, rest)| rest);
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        match port.bytes().all(|b| b.is_ascii_digit()) {
            true => name,
            false => host,
        }
    });
    let is_number = name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    let domain = AsciiDomain::try_from(name.to_ascii_lowercase());
    match domain {
        Ok(domain) if !is_number => Ok((RpId::Domain(domain), [visit.origin.clone()])),
        _ => Err(Error::State {
            code: "no_passkeys_here",
            zh: format!(
                "通行密钥要用名字打开的地址，不能用 {name}；本机请打开 http://localhost:端口"
            ),
            en: format!(
                "passkeys need an address with a name, not {name}; on this machine open http://localhost:PORT"
            ),
        }),
    }
}

/// One for all passkeys of a user.
fn handle(app: &App, user: i64, known: &[Passkey]) -> Result<String> {
    if let Some(passkey) = known.first() {
        return Ok(passkey.kept.handle.clone());
    }
    let made = hex(&secret::random::<HANDLE>()?);
    let mut handles = held(&app.identity.passkeys.handles);
    Ok(handles.entry(user).or_insert(made).clone())
}

fn descriptor(kept: &NewPasskey) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>> {
    let transports = u8::try_from(kept.transports).unwrap_or(0);
    Ok(PublicKeyCredentialDescriptor {
        id: CredentialId::<Vec<u8>>::decode(bytes(&kept.credential)?).map_err(kept_wrong)?,
        transports: AuthTransports::decode(transports).map_err(kept_wrong)?,
    })
}

fn state(state: DynamicState) -> Result<[u8; 7]> {
    state.encode().map_err(|e| Error::Internal(e.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    secret::hex(bytes)
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let pair = |i| {
        hex.get(i..i + 2)
            .and_then(|h| u8::from_str_radix(h, 16).ok())
    };
    let all: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
    all.ok_or_else(|| kept_wrong("no hexadecimal digits"))
}

fn array<const N: usize>(hex: &str) -> Result<[u8; N]> {
    let all = bytes(hex)?;
    all.try_into().map_err(|_| kept_wrong("another length"))
}

fn kept_wrong(why: impl std::fmt::Debug) -> Error {
    Error::Internal(format!("a kept passkey cannot be read: {why:?}"))
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::Argument {
        name: "credential",
        zh: "浏览器给出的通行密钥不成立".to_owned(),
        en: format!("the passkey does not hold: {why}"),
    }
}

fn over() -> Error {
    Error::Argument {
        name: "credential",
        zh: "登记用得太久，或已经用过；请重新开始".to_owned(),
        en: "this took too long, or was used before; begin again".to_owned(),
    }
}

fn wrong() -> Error {
    Error::SignedOut {
        code: "wrong_passkey",
        zh: "这个通行密钥不能登录：不认识、已经过时或用过；请再试一次".to_owned(),
        en:
            "this passkey does not sign in: it is not known, too late or was used before; try again"
                .to_owned(),
    }
}

fn busy() -> Error {
    Error::TooMany { seconds: 30 }
}

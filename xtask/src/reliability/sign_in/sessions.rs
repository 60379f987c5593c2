//! Sessions and tokens: how they begin, what they are limited to, and that
//! they end.

use anyhow::{Result, ensure};
use serde_json::{Value as Json, json};

use super::Case;
use super::place::{PASSWORD, Place, cookie, good, refused};

pub const CASES: &[Case] = &[
    ("a session that was brought along is not taken over", |p| {
        let user = p.user()?;
        let brought = format!("keji_session={}", "ab".repeat(32));
        let wanted = json!({ "login": user.login, "password": PASSWORD });
        let key = cookie(&p.post("/api/session", &brought, &wanted)?)?;
        ensure!(key != brought, "the key is the one that was brought");
        p.lets_in(&key)?;
        p.keeps_out(&brought)
    }),
    ("each sign-in has a key of its own", |p| {
        let user = p.user()?;
        let one = p.session(&user)?;
        let wanted = json!({ "login": user.login, "password": PASSWORD });
        let two = cookie(&p.post("/api/session", &one, &wanted)?)?;
        ensure!(one != two, "the same key");
        Ok(())
    }),
    ("a refused sign-in gives no key", |p| {
        let user = p.user()?;
        refused(&p.sign_in(&user.login, "wrong")?, 401, "wrong_login")
    }),
    ("signing out ends the session", |p| {
        let user = p.user()?;
        let (key, other) = (p.session(&user)?, p.session(&user)?);
        p.lets_in(&key)?;
        p.plant(
            "an ended session comes back",
            "create table kept as select * from keji_session",
        )?;
        let reply = p.ask("DELETE", "/api/session", &key, &Json::Null)?;
        good(&reply)?;
        ensure!(
            reply
                .header("set-cookie")
                .is_some_and(|c| c.contains("Max-Age=0")),
            "the cookie stays"
        );
        p.plant(
            "an ended session comes back",
            "insert or ignore into keji_session select * from kept",
        )?;
        p.keeps_out(&key)?;
        p.lets_in(&other)
    }),
    ("a new password ends other sessions", |p| {
        let user = p.user()?;
        let (key, other) = (p.session(&user)?, p.session(&user)?);
        p.plant(
            "sessions outlive the password",
            "create table kept as select * from keji_session",
        )?;
        let wanted = json!({ "old": PASSWORD, "new": "a new and longer one" });
        good(&p.post("/api/session/password", &key, &wanted)?)?;
        p.plant(
            "sessions outlive the password",
            "insert or ignore into keji_session select * from kept",
        )?;
        p.lets_in(&key)?;
        p.keeps_out(&other)
    }),
    (
        "a password that an administrator gives ends all sessions",
        |p| {
            let user = p.user()?;
            let key = p.session(&user)?;
            p.change(&user, &json!({ "password": "given by somebody" }))?;
            p.keeps_out(&key)
        },
    ),
    ("who leaves is out at once", |p| {
        let user = p.user()?;
        let key = p.session(&user)?;
        let (_, token) = p.token(&key, &json!({ "name": "t" }))?;
        p.lets_in(&key)?;
        p.lets_in(&token)?;
        p.change(&user, &json!({ "is_active": false }))?;
        p.keeps_out(&key)?;
        p.keeps_out(&token)
    }),
    ("a smaller role counts at once", |p| {
        let user = p.user_of("owner")?;
        let key = p.session(&user)?;
        good(&p.get("/api/users", &key)?)?;
        p.change(&user, &json!({ "role": "representative" }))?;
        refused(&p.get("/api/users", &key)?, 403, "forbidden")
    }),
    ("a session ends after a week", |p| {
        let key = p.session(&p.user()?)?;
        p.lets_in(&key)?;
        older(p, "created_at", 8 * 24)?;
        p.plant(
            "an old session is made young",
            "update keji_session set created_at = seen_at",
        )?;
        p.keeps_out(&key)
    }),
    ("a session that nobody uses ends", |p| {
        let key = p.session(&p.user()?)?;
        p.lets_in(&key)?;
        older(p, "seen_at", 9)?;
        p.keeps_out(&key)
    }),
    ("of two cookies the first counts", |p| {
        let key = p.session(&p.user()?)?;
        let both = format!("keji_session={}; {key}", "0".repeat(64));
        let reply = p.ask_with("GET", "/api/status", "", &[("cookie", &both)], &Json::Null)?;
        refused(&reply, 401, "signed_out")
    }),
    ("a deleted token ends at once", |p| {
        let key = p.session(&p.user()?)?;
        let (id, token) = p.token(&key, &json!({ "name": "t" }))?;
        p.lets_in(&token)?;
        p.plant(
            "a deleted token comes back",
            "create table kept as select * from keji_token",
        )?;
        good(&p.ask("DELETE", &format!("/api/tokens/{id}"), &key, &Json::Null)?)?;
        p.plant(
            "a deleted token comes back",
            "insert or ignore into keji_token select * from kept",
        )?;
        p.keeps_out(&token)
    }),
    ("nobody deletes another's token", |p| {
        let key = p.session(&p.user()?)?;
        let (id, token) = p.token(&key, &json!({ "name": "t" }))?;
        let other = p.session(&p.user()?)?;
        let path = format!("/api/tokens/{id}");
        refused(
            &p.ask("DELETE", &path, &other, &Json::Null)?,
            404,
            "not_found",
        )?;
        p.lets_in(&token)
    }),
    ("a token ends on its day", |p| {
        let key = p.session(&p.user()?)?;
        let wanted = json!({ "name": "t", "expires_on": "2020-01-01" });
        let (_, token) = p.token(&key, &wanted)?;
        p.plant(
            "a token never ends",
            "update keji_token set expires_at = null",
        )?;
        p.keeps_out(&token)?;
        let wanted = json!({ "name": "t", "expires_on": "2999-01-01" });
        p.lets_in(&p.token(&key, &wanted)?.1)
    }),
    ("a token that reads does not write", |p| {
        let key = p.session(&p.user_of("owner")?)?;
        let (_, token) = p.token(&key, &json!({ "name": "t", "scopes": ["read"] }))?;
        good(&p.get("/api/records/customer", &token)?)?;
        let customer = json!({ "number": "T1", "name": "T1" });
        refused(
            &p.post("/api/records/customer", &token, &customer)?,
            403,
            "forbidden",
        )?;
        refused(&p.get("/api/users", &token)?, 403, "forbidden")
    }),
    ("a token of one object reads no other", |p| {
        let key = p.session(&p.user_of("owner")?)?;
        let wanted = json!({ "name": "t", "scopes": ["product:read"] });
        let (_, token) = p.token(&key, &wanted)?;
        good(&p.get("/api/records/product", &token)?)?;
        refused(&p.get("/api/records/customer", &token)?, 403, "forbidden")
    }),
    ("a limited token makes no token", |p| {
        limited(p, "POST", "/api/tokens", &json!({ "name": "more" }))
    }),
    ("a limited token deletes no token", |p| {
        limited(p, "DELETE", "/api/tokens/1", &Json::Null)
    }),
    ("a limited token changes no password", |p| {
        let wanted = json!({ "old": PASSWORD, "new": "a new and longer one" });
        limited(p, "POST", "/api/session/password", &wanted)
    }),
    ("a limited token turns no second factor on", |p| {
        limited(p, "POST", "/api/session/totp", &Json::Null)
    }),
    ("a limited token turns no second factor off", |p| {
        limited(
            p,
            "DELETE",
            "/api/session/totp",
            &json!({ "password": PASSWORD }),
        )
    }),
    ("a limited token makes no passkey", |p| {
        limited(p, "POST", "/api/passkeys/options", &Json::Null)
    }),
    ("a scope that there is not", |p| {
        let key = p.session(&p.user()?)?;
        for scope in [
            "everything",
            "customer:admin",
            "nothing:read",
            "",
            "read write",
        ] {
            let wanted = json!({ "name": "t", "scopes": [scope] });
            let reply = p.post("/api/tokens", &key, &wanted)?;
            ensure!(
                (400..500).contains(&reply.status),
                "{scope}: {}",
                reply.status
            );
        }
        Ok(())
    }),
    ("a token does no more than its user", |p| {
        let key = p.session(&p.user()?)?;
        let (_, token) = p.token(&key, &json!({ "name": "t", "scopes": ["admin", "write"] }))?;
        refused(&p.get("/api/users", &token)?, 403, "forbidden")
    }),
    ("only an owner makes owners", |p| {
        // A role that looks after users, and nothing else.
        let text = json!({ "zh": "人事", "en": "People" });
        let role = json!({ "name": text, "about": text, "grants": [], "admin": ["users"] });
        good(&p.ask("PUT", "/api/roles/people", p.admin(), &role)?)?;
        let key = p.session(&p.user_of("people")?)?;
        good(&p.get("/api/users", &key)?)?;
        let wanted = json!({ "login": "x", "name": "x", "role": "owner", "password": PASSWORD });
        refused(&p.post("/api/users", &key, &wanted)?, 403, "forbidden")
    }),
    ("sign-ins are in the log, with the address", |p| {
        let user = p.user()?;
        refused(&p.sign_in(&user.login, "wrong")?, 401, "wrong_login")?;
        let key = p.session(&user)?;
        good(&p.ask("DELETE", "/api/session", &key, &Json::Null)?)?;
        for (kind, n) in [("sign_in", 1), ("sign_in_failed", 1), ("sign_out", 1)] {
            let path = format!("/api/audit?actor={}&kind={kind}", user.login);
            let page = p.get(&path, p.admin())?.json()?;
            let entries = page["entries"].as_array().map_or(0, Vec::len);
            ensure!(entries == n, "{kind}: {page}");
            let address = &page["entries"][0]["after"]["address"];
            ensure!(address == "127.0.0.1", "{kind}: {page}");
        }
        Ok(())
    }),
];

fn limited(p: &Place, method: &str, path: &str, body: &Json) -> Result<()> {
    let key = p.session(&p.user_of("owner")?)?;
    let wanted = json!({ "name": "t", "scopes": ["read", "write", "export", "admin"] });
    let (_, token) = p.token(&key, &wanted)?;
    refused(&p.ask(method, path, &token, body)?, 403, "forbidden")
}

/// Makes every session older.
fn older(p: &Place, column: &str, hours: u32) -> Result<()> {
    let micros = u64::from(hours) * 3_600_000_000;
    let sqlite = format!("update keji_session set {column} = {column} - {micros}");
    let postgres =
        format!("update keji_session set {column} = {column} - interval '{hours} hours'");
    let sql = if p.home.is_postgres() {
        postgres
    } else {
        sqlite
    };
    p.home.sql(&sql)?;
    Ok(())
}

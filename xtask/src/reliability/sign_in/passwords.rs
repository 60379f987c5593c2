//! Passwords and the digits of a second factor.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::Case;
use super::place::{PASSWORD, Place, good, refused};

pub const CASES: &[Case] = &[
    ("the right password, in any case of the name", |p| {
        let user = p.user()?;
        good(&p.sign_in(&user.login.to_uppercase(), PASSWORD)?)?;
        good(&p.sign_in(&format!(" {} ", user.login), PASSWORD)?)
    }),
    ("an empty password", |p| wrong(p, "")),
    ("a space more", |p| wrong(p, &format!("{PASSWORD} "))),
    ("a letter less", |p| {
        wrong(p, &PASSWORD[..PASSWORD.len() - 1])
    }),
    ("another case", |p| wrong(p, &PASSWORD.to_uppercase())),
    ("a zero byte behind it", |p| {
        let user = p.user()?;
        let reply = p.sign_in(&user.login, &format!("{PASSWORD}\0"))?;
        refused(&reply, 422, "malformed")?;
        good(&p.sign_in(&user.login, PASSWORD)?)
    }),
    ("the kept hash", |p| {
        let user = p.user()?;
        let sql = format!(
            "select password from keji_proof where user_id = {}",
            user.id
        );
        let hash = p.home.sql(&sql)?.first().context("no hash")?.clone();
        refused(&p.sign_in(&user.login, &hash)?, 401, "wrong_login")
    }),
    ("a password of a megabyte", |p| {
        let user = p.user()?;
        let started = Instant::now();
        let reply = p.sign_in(&user.login, &"a".repeat(1_000_000))?;
        ensure!((400..500).contains(&reply.status), "{}", reply.status);
        ensure!(
            started.elapsed() < Duration::from_secs(10),
            "{:?}",
            started.elapsed()
        );
        Ok(())
    }),
    ("somebody else's password", |p| {
        let (one, two) = (p.user()?, p.user()?);
        p.change(&two, &json!({ "password": "another long password" }))?;
        good(&p.sign_in(&two.login, "another long password")?)?;
        refused(
            &p.sign_in(&one.login, "another long password")?,
            401,
            "wrong_login",
        )
    }),
    ("SQL as the name", |p| {
        for login in [
            "' or 1=1 --",
            "\" or \"\"=\"",
            "owner'--",
            "%",
            "_____",
            "*",
        ] {
            refused(&p.sign_in(login, PASSWORD)?, 401, "wrong_login").context(login)?;
        }
        Ok(())
    }),
    ("lists and objects where texts belong", |p| {
        let user = p.user()?;
        for value in [
            json!([]),
            json!({ "$ne": 1 }),
            json!(null),
            json!(true),
            json!(1),
        ] {
            for field in ["login", "password"] {
                let mut wanted = json!({ "login": user.login, "password": PASSWORD });
                wanted[field] = value.clone();
                let reply = p.post("/api/session", "", &wanted)?;
                ensure!(
                    (400..500).contains(&reply.status),
                    "{field} {value}: {}",
                    reply.status
                );
            }
        }
        Ok(())
    }),
    ("a field that there is not", |p| {
        let user = p.user()?;
        let wanted = json!({ "login": user.login, "password": PASSWORD, "role": "owner" });
        refused(&p.post("/api/session", "", &wanted)?, 422, "malformed")
    }),
    ("a form of another site", |p| {
        let user = p.user()?;
        let body = json!(format!("login={}&password={PASSWORD}", user.login));
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let reply = p.ask_with("POST", "/api/session", "", &kind, &body)?;
        refused(&reply, 415, "malformed")?;
        let body = json!({ "login": user.login, "password": PASSWORD });
        let kind = [("content-type", "text/plain")];
        let reply = p.ask_with("POST", "/api/session", "", &kind, &body)?;
        refused(&reply, 415, "malformed")
    }),
    ("a user without a password", |p| {
        let login = format!("bare{}", super::place::next());
        let wanted = json!({ "login": login, "name": "a", "role": "representative" });
        good(&p.post("/api/users", p.admin(), &wanted)?)?;
        for password in ["", " ", PASSWORD, "null"] {
            refused(&p.sign_in(&login, password)?, 401, "wrong_login")?;
        }
        Ok(())
    }),
    ("a user who left", |p| {
        let user = p.user()?;
        p.change(&user, &json!({ "is_active": false }))?;
        refused(&p.sign_in(&user.login, PASSWORD)?, 401, "wrong_login")
    }),
    ("a new password ends the old one", |p| {
        let user = p.user()?;
        let key = p.session(&user)?;
        let wanted = json!({ "old": PASSWORD, "new": "a new and longer one" });
        good(&p.post("/api/session/password", &key, &wanted)?)?;
        refused(&p.sign_in(&user.login, PASSWORD)?, 401, "wrong_login")?;
        good(&p.sign_in(&user.login, "a new and longer one")?)
    }),
    ("a password is not changed without the old one", |p| {
        let user = p.user()?;
        let key = p.session(&user)?;
        let wanted = json!({ "old": "not the old one", "new": "a new and longer one" });
        refused(
            &p.post("/api/session/password", &key, &wanted)?,
            422,
            "argument",
        )?;
        good(&p.sign_in(&user.login, PASSWORD)?)
    }),
    ("short passwords are refused", |p| {
        let key = p.session(&p.user()?)?;
        for new in ["", "short", "eleven char"] {
            let wanted = json!({ "old": PASSWORD, "new": new });
            refused(
                &p.post("/api/session/password", &key, &wanted)?,
                422,
                "argument",
            )?;
        }
        Ok(())
    }),
    ("names that nobody has are answered like others", |p| {
        let user = p.user()?;
        let known = p.sign_in(&user.login, "wrong")?;
        let unknown = p.sign_in("nobody-has-this", "wrong")?;
        ensure!(
            known.status == unknown.status && known.body == unknown.body,
            "told apart"
        );
        let headers = |head: &str| {
            let mut names: Vec<String> = (head.lines().skip(1))
                .filter_map(|l| Some(l.split_once(':')?.0.to_lowercase()))
                .collect();
            names.sort();
            names
        };
        ensure!(
            headers(&known.head) == headers(&unknown.head),
            "{}",
            unknown.head
        );
        Ok(())
    }),
    ("and take as long", |p| {
        let users: Result<Vec<_>> = (0..6).map(|_| p.user()).collect();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let time = |login: &str| -> Result<Duration> {
            let started = Instant::now();
            refused(&p.sign_in(login, "wrong password")?, 401, "wrong_login")?;
            Ok(started.elapsed())
        };
        // One after the other, so that what else the machine does meets both;
        // four tries at each name are free.
        for user in users? {
            for _ in 0..4 {
                known.push(time(&user.login)?);
                unknown.push(time(&format!("no{}", user.login))?);
            }
        }
        known.sort();
        unknown.sort();
        // The quickest quarter: what waited for another program says nothing.
        let (known, unknown) = (known[known.len() / 4], unknown[unknown.len() / 4]);
        let apart = known.abs_diff(unknown);
        // Twenty milliseconds, or a fifth where the machine is slow today.
        let allowed = Duration::from_millis(20).max(known / 5);
        ensure!(apart <= allowed, "{known:?} and {unknown:?}");
        Ok(())
    }),
    ("guessing waits", |p| {
        let user = p.user()?;
        let other = p.user()?;
        for _ in 0..5 {
            refused(&p.sign_in(&user.login, "guess")?, 401, "wrong_login")?;
        }
        // The right one waits too, under whatever spelling.
        for login in [user.login.clone(), user.login.to_uppercase()] {
            let reply = p.sign_in(&login, PASSWORD)?;
            refused(&reply, 429, "too_many_tries")?;
            let wait = reply.header("retry-after").context("no Retry-After")?;
            ensure!((1..=300).contains(&wait.parse::<u64>()?), "{wait}");
        }
        good(&p.sign_in(&other.login, PASSWORD)?)
    }),
    ("guessing at names that nobody has waits too", |p| {
        let login = format!("no{}", super::place::next());
        for _ in 0..5 {
            refused(&p.sign_in(&login, "guess")?, 401, "wrong_login")?;
        }
        refused(&p.sign_in(&login, "guess")?, 429, "too_many_tries")
    }),
    ("guessing the old password waits", |p| {
        let key = p.session(&p.user()?)?;
        let wanted = json!({ "old": "guess at it", "new": "a new and longer one" });
        for _ in 0..5 {
            refused(
                &p.post("/api/session/password", &key, &wanted)?,
                422,
                "argument",
            )?;
        }
        refused(
            &p.post("/api/session/password", &key, &wanted)?,
            429,
            "too_many_tries",
        )
    }),
    ("what was typed for a name is not kept", |p| {
        let typed = format!("typedbymistake{}", super::place::next());
        refused(&p.sign_in(&typed, "x")?, 401, "wrong_login")?;
        let log = p
            .home
            .sql("select actor, coalesce(after, '') from keji_change")?;
        ensure!(!log.join("\n").contains(&typed), "it is in the log");
        Ok(())
    }),
    ("a second factor is asked for", |p| {
        let (user, _) = with_digits(p)?;
        refused(&p.sign_in(&user.login, PASSWORD)?, 401, "needs_totp")?;
        for digits in ["", "      ", "abcdef", "12345", "1234567"] {
            refused(&p.sign_in_with(&user.login, digits)?, 401, "needs_totp")
                .with_context(|| digits.to_owned())
                .or_else(waits)?;
        }
        Ok(())
    }),
    ("the right digits with a wrong password", |p| {
        let (user, digits) = with_digits(p)?;
        let wanted = json!({ "login": user.login, "password": "wrong", "totp": digits.at(0)? });
        refused(&p.post("/api/session", "", &wanted)?, 401, "wrong_login")?;
        // They are not used up by it.
        good(&p.sign_in_with(&user.login, &digits.at(0)?)?)
    }),
    ("digits count once", |p| {
        let (user, digits) = with_digits(p)?;
        let now = digits.at(0)?;
        good(&p.sign_in_with(&user.login, &now)?)?;
        let sql = format!(
            "update keji_proof set totp_step = null where user_id = {}",
            user.id
        );
        p.plant("a used code is forgotten", &sql)?;
        refused(&p.sign_in_with(&user.login, &now)?, 401, "needs_totp")
    }),
    ("digits of before a used one do not count", |p| {
        let (user, digits) = with_digits(p)?;
        let (before, next) = (digits.at(0)?, digits.at(1)?);
        good(&p.sign_in_with(&user.login, &next)?)?;
        refused(&p.sign_in_with(&user.login, &before)?, 401, "needs_totp")
    }),
    ("old digits", |p| {
        let (user, digits) = with_digits(p)?;
        refused(
            &p.sign_in_with(&user.login, &digits.at(-3)?)?,
            401,
            "needs_totp",
        )
    }),
    ("digits of the time to come", |p| {
        let (user, digits) = with_digits(p)?;
        refused(
            &p.sign_in_with(&user.login, &digits.at(3)?)?,
            401,
            "needs_totp",
        )
    }),
    ("somebody else's digits", |p| {
        let (user, _) = with_digits(p)?;
        let (_, digits) = with_digits(p)?;
        refused(
            &p.sign_in_with(&user.login, &digits.at(0)?)?,
            401,
            "needs_totp",
        )
    }),
    ("digits at the same time from many sides count once", |p| {
        let (user, digits) = with_digits(p)?;
        let now = digits.at(0)?;
        let n = std::thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| p.sign_in_with(&user.login, &now)))
                .collect();
            let all = all.into_iter().filter_map(|t| t.join().ok()?.ok());
            all.filter(|r| r.status == 200).count()
        });
        ensure!(n == 1, "{n} came in");
        Ok(())
    }),
    ("guessing digits waits", |p| {
        let (user, digits) = with_digits(p)?;
        for i in 0..5 {
            let reply = p.sign_in_with(&user.login, &format!("00000{i}"))?;
            refused(&reply, 401, "needs_totp")?;
        }
        let reply = p.sign_in_with(&user.login, &digits.at(0)?)?;
        refused(&reply, 429, "too_many_tries")
    }),
    ("a proposed second factor is not on", |p| {
        let user = p.user()?;
        let key = p.session(&user)?;
        good(&p.post("/api/session/totp", &key, &Json::Null)?)?;
        let wrong = json!({ "code": "000000" });
        refused(
            &p.ask("PUT", "/api/session/totp", &key, &wrong)?,
            422,
            "argument",
        )?;
        good(&p.sign_in(&user.login, PASSWORD)?)
    }),
    ("a second factor is not turned on without a proposal", |p| {
        let key = p.session(&p.user()?)?;
        let code = json!({ "code": "123456" });
        refused(
            &p.ask("PUT", "/api/session/totp", &key, &code)?,
            422,
            "argument",
        )
    }),
    (
        "a second factor is not turned off without the password",
        |p| {
            let user = p.user()?;
            let key = p.session(&user)?;
            p.second_factor(&key)?;
            let wrong = json!({ "password": "wrong" });
            refused(
                &p.ask("DELETE", "/api/session/totp", &key, &wrong)?,
                422,
                "argument",
            )?;
            refused(&p.sign_in(&user.login, PASSWORD)?, 401, "needs_totp")
        },
    ),
];

fn wrong(p: &Place, password: &str) -> Result<()> {
    let user = p.user()?;
    refused(&p.sign_in(&user.login, password)?, 401, "wrong_login")?;
    good(&p.sign_in(&user.login, PASSWORD)?)
}

fn with_digits(p: &Place) -> Result<(super::place::User, super::place::Digits)> {
    let user = p.user()?;
    let digits = p.second_factor(&p.session(&user)?)?;
    Ok((user, digits))
}

/// Some of many wrong tries have to wait, which is a refusal as well.
fn waits(problem: anyhow::Error) -> Result<()> {
    match format!("{problem:#}").contains("too_many_tries") {
        true => Ok(()),
        false => Err(problem),
    }
}

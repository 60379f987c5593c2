//! Doors that nobody opens without a key, the first start, and keys that
//! nobody guesses.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value as Json, json};

use super::super::server::Reply;
use super::Case;
use super::place::{PASSWORD, Place, code, cookie, good, refused};

pub const CASES: &[Case] = &[
    ("no door opens without a key", |p| closed(p, "")),
    ("nor with an empty cookie", |p| closed(p, "keji_session=")),
    ("nor with a made-up cookie", |p| {
        closed(p, &format!("keji_session={}", "0".repeat(64)))
    }),
    ("nor with a made-up token", |p| {
        closed(p, &format!("keji_{}", "0".repeat(64)))
    }),
    ("nor with a very long token", |p| {
        closed(p, &"a".repeat(6_000))
    }),
    ("nor with a word of SQL", |p| closed(p, "' or '1'='1")),
    ("a session's key is no token", |p| {
        let session = p.session(&p.user()?)?;
        p.lets_in(&session)?;
        p.keeps_out(session.trim_start_matches("keji_session="))
    }),
    ("a token is no session's key", |p| {
        let (_, token) = p.token(&p.session(&p.user()?)?, &json!({ "name": "t" }))?;
        p.lets_in(&token)?;
        p.keeps_out(&format!("keji_session={token}"))?;
        p.keeps_out(&format!("keji_session={}", &token[5..]))
    }),
    ("a token in the address counts for nothing", |p| {
        let path = format!("/api/status?token={}", p.admin());
        let reply = p.get(&path, "")?;
        ensure!(matches!(reply.status, 400 | 401), "{}", reply.status);
        Ok(())
    }),
    ("a token as another kind of proof counts for nothing", |p| {
        for scheme in ["Basic", "Token", "bearertoken"] {
            let value = format!("{scheme} {}", p.admin());
            let headers = [("authorization", value.as_str())];
            let reply = p.ask_with("GET", "/api/status", "", &headers, &Json::Null)?;
            refused(&reply, 401, "signed_out")?;
        }
        Ok(())
    }),
    (
        "keys of sessions are long, random and kept as hashes",
        |p| {
            let user = p.user()?;
            let keys: Result<Vec<String>> = (0..12).map(|_| p.session(&user)).collect();
            let keys: Vec<String> = keys?.iter().map(|k| k[13..].to_owned()).collect();
            are_random(&keys)?;
            are_not_kept(p, "keji_session", &keys)
        },
    ),
    ("tokens are long, random and kept as hashes", |p| {
        let session = p.session(&p.user()?)?;
        let made = (0..40).map(|i| Ok(p.token(&session, &json!({ "name": i.to_string() }))?.1));
        let keys: Vec<String> = made.collect::<Result<Vec<_>>>()?;
        let keys: Vec<String> = keys.iter().map(|k| k[5..].to_owned()).collect();
        are_random(&keys)?;
        are_not_kept(p, "keji_token", &keys)?;
        let told = p.get("/api/tokens", &session)?;
        let told = String::from_utf8_lossy(&told.body).into_owned();
        ensure!(!keys.iter().any(|k| told.contains(k)), "told again");
        Ok(())
    }),
    ("passwords are kept as Argon2id", |p| {
        let user = p.user()?;
        let kept = p.home.sql(&format!(
            "select password from keji_proof where user_id = {}",
            user.id
        ))?;
        let kept = kept.first().context("no password")?;
        ensure!(kept.starts_with("$argon2id$v=19$m=19456,t=2"), "{kept}");
        Ok(())
    }),
    ("another site's page is not answered", |p| {
        let session = p.session(&p.user()?)?;
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("host", "evil.example"),
        ] {
            let reply = p.ask_with(
                "POST",
                "/api/session/totp",
                &session,
                &[(name, value)],
                &Json::Null,
            );
            refused(&reply?, 403, "foreign_request").context(value)?;
        }
        Ok(())
    }),
    ("setup is closed once there is somebody", |p| {
        ensure!(
            p.get("/api/session", "")?.json()?["state"] == "signed_out",
            "open"
        );
        for code in ["", "AAAA-BBBB-CCCC"] {
            refused(&set_up(p, code)?, 404, "no_such_path")?;
        }
        Ok(())
    }),
    ("nobody is told what is inside", |p| {
        let reply = p.get("/api/session", "")?;
        let body = reply.json()?;
        ensure!(
            body == json!({ "state": "signed_out", "user": null }),
            "{body}"
        );
        let wrong = p.sign_in("owner", "wrong password")?;
        let text = String::from_utf8_lossy(&wrong.body).to_lowercase();
        for word in ["select", "sqlite", "postgres", "argon", "/work", "panicked"] {
            ensure!(!text.contains(word), "{word}: {text}");
        }
        Ok(())
    }),
];

fn set_up(p: &Place, code: &str) -> Result<Reply> {
    let wanted = json!({ "code": code, "login": "first", "name": "first", "password": PASSWORD });
    p.post("/api/setup", "", &wanted)
}

/// Every operation that is not open to all is refused.
fn closed(p: &Place, key: &str) -> Result<()> {
    let document = p.get("/api/openapi.json", p.admin())?.json()?;
    let paths = document["paths"].as_object().context("no paths")?;
    let mut n = 0;
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let is_open = operation.get("security").is_some_and(|s| *s == json!([{}]));
            // What is served to nobody in particular says nothing of the place.
            let is_open = is_open || operation["security"].as_array().is_some_and(Vec::is_empty);
            if is_open || (path == "/api/session" && method == "delete") {
                continue;
            }
            let path = path.replace("{id}", "1").replace("{object}", "customer");
            let path = path.split('{').next().unwrap_or_default();
            let reply = p.ask(&method.to_uppercase(), path, key, &json!({}))?;
            let is_refused = reply.status == 401 && code(&reply) == "signed_out";
            // A path that was cut at a parameter may be none.
            let is_none = matches!(reply.status, 404 | 405);
            if !is_refused && !is_none {
                bail!("{method} {path}: {} {}", reply.status, code(&reply));
            }
            n += usize::from(is_refused);
        }
    }
    ensure!(n > 40, "only {n} doors were tried");
    Ok(())
}

/// 64 hexadecimal digits, none like another, and as many ones as zeros.
fn are_random(keys: &[String]) -> Result<()> {
    let different: BTreeSet<&String> = keys.iter().collect();
    ensure!(different.len() == keys.len(), "two are the same");
    let mut ones = 0;
    for key in keys {
        ensure!(key.len() == 64, "{} digits", key.len());
        for digit in key.chars() {
            ones += digit.to_digit(16).context("no digit")?.count_ones();
        }
    }
    let n = keys.len() as f64 * 256.0;
    // Five standard deviations of a fair coin.
    let off = (f64::from(ones) - n / 2.0).abs() / (n / 4.0).sqrt();
    ensure!(off < 5.0, "{ones} of {n} bits are set");
    Ok(())
}

fn are_not_kept(p: &Place, table: &str, keys: &[String]) -> Result<()> {
    let kept = p.home.sql(&format!("select * from {table}"))?.join("\n");
    ensure!(!kept.is_empty(), "nothing is kept");
    ensure!(!keys.iter().any(|k| kept.contains(k)), "kept as they are");
    let log = p
        .home
        .sql("select coalesce(after, '') from keji_change")?
        .join("\n");
    ensure!(!keys.iter().any(|k| log.contains(k)), "in the log");
    Ok(())
}

/// The first start, at a place of its own: a wrong code, then the right one,
/// many times at once, of which one makes a user.
pub fn first_start(ground: &super::Ground, store: super::Store) -> Result<()> {
    let home = ground.home(store)?;
    let mut codes = BTreeSet::new();
    for _ in 0..3 {
        codes.insert(start(&home)?.1);
    }
    ensure!(codes.len() == 3, "a code comes again: {codes:?}");
    let (server, code) = start(&home)?;
    let client = server.client();
    let host = server.address.to_string();
    let headers = [
        ("host", host.as_str()),
        ("content-type", "application/json"),
    ];
    let session = client.ask_with("GET", "/api/session", &headers, b"")?;
    let told = String::from_utf8_lossy(&session.body).into_owned();
    ensure!(told.contains("setup") && !told.contains(&code), "{told}");
    for path in ["/api/status", "/api/users", "/api/objects"] {
        let reply = client.ask_with("GET", path, &headers, b"")?;
        refused(&reply, 401, "signed_out")?;
    }
    let try_it = |code: &str, login: &str| {
        let wanted = json!({ "code": code, "login": login, "name": login, "password": PASSWORD });
        client.ask_with(
            "POST",
            "/api/setup",
            &headers,
            wanted.to_string().as_bytes(),
        )
    };
    let old = codes.first().context("no code")?;
    for wrong in ["", "AAAA-BBBB-CCCC", &code[..13], old] {
        refused(&try_it(wrong, "first")?, 403, "forbidden").with_context(|| wrong.to_owned())?;
    }
    let made: Result<Vec<u16>> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6)
            .map(|i| {
                let (try_it, code) = (&try_it, &code);
                scope.spawn(move || Ok(try_it(code, &format!("first{i}"))?.status))
            })
            .collect();
        let joined = all.into_iter().map(|t| t.join());
        joined
            .map(|t| t.unwrap_or_else(|_| bail!("a thread died")))
            .collect()
    });
    let made = made?;
    let n = made.iter().filter(|s| **s == 201).count();
    ensure!(n == 1, "{n} users were made: {made:?}");
    refused(&try_it(&code, "second")?, 404, "no_such_path")
}

fn start(home: &super::super::ground::Home) -> Result<(super::super::server::Server, String)> {
    super::super::server::Server::start_saying(&mut home.keji(["serve", "--listen", "127.0.0.1:0"]))
}

pub fn guessing_the_code_waits(ground: &super::Ground, store: super::Store) -> Result<()> {
    let home = ground.home(store)?;
    let (server, code) = start(&home)?;
    let client = server.client();
    let host = server.address.to_string();
    let headers = [
        ("host", host.as_str()),
        ("content-type", "application/json"),
    ];
    for i in 0..6 {
        let code = if i < 5 {
            "AAAA-BBBB-CCCC"
        } else {
            code.as_str()
        };
        let wanted = json!({ "code": code, "login": "a", "name": "a", "password": PASSWORD });
        let reply = client.ask_with(
            "POST",
            "/api/setup",
            &headers,
            wanted.to_string().as_bytes(),
        )?;
        match i {
            5 => refused(&reply, 429, "too_many_tries")?,
            _ => refused(&reply, 403, "forbidden")?,
        }
    }
    Ok(())
}

/// A flood from one address, at a server that allows little; another caller is
/// served as before.
pub fn floods(ground: &super::Ground, store: super::Store) -> Result<()> {
    let home = ground.home(store)?;
    let mut serve = home.serve();
    serve.args(["--limit-requests", "20", "--limit-sign-ins", "5"]);
    serve.args(["--public-url", "https://keji.example.com"]);
    let server = super::super::server::Server::start(&mut serve)?;
    let client = server.client();
    let host = server.address.to_string();
    let ask = |more: &[(&str, &str)], method: &str, path: &str, body: &Json| {
        let mut headers = vec![("content-type", "application/json")];
        if !more.iter().any(|(name, _)| *name == "host") {
            headers.push(("host", &host));
        }
        headers.extend(more);
        client.ask_with(method, path, &headers, body.to_string().as_bytes())
    };
    let own = format!("Bearer {}", client.token());
    let own = [("authorization", own.as_str())];
    good(&ask(&own, "GET", "/api/status", &Json::Null)?)?;
    let wrong = json!({ "login": "nobody", "password": "x" });
    let tried: Result<Vec<Reply>> = (0..9)
        .map(|i| {
            // What a sender says of himself does not make him another.
            let forwarded = format!("9.9.9.{i}");
            let more = [("x-forwarded-for", forwarded.as_str())];
            ask(&more, "POST", "/api/session", &wrong)
        })
        .collect();
    let tried = tried?;
    let stopped: Vec<&Reply> = tried.iter().filter(|r| r.status == 429).collect();
    ensure!(
        stopped.len() >= 3,
        "{:?}",
        tried.iter().map(|r| r.status).collect::<Vec<_>>()
    );
    let wait = stopped[0].header("retry-after").context("no Retry-After")?;
    ensure!((1..=60).contains(&wait.parse::<u64>()?), "{wait}");
    // Behind the public address each sender is counted for himself.
    let passed_on = [("host", "keji.example.com"), ("x-forwarded-for", "8.8.8.8")];
    let other = ask(&passed_on, "POST", "/api/session", &wrong)?;
    refused(&other, 401, "wrong_login")?;
    // Guessed keys, another each time, are one flood.
    let mut n_stopped = 0;
    for i in 0..400 {
        let guess = format!("Bearer keji_{i:064}");
        let reply = ask(
            &[("authorization", &guess)],
            "GET",
            "/api/status",
            &Json::Null,
        )?;
        n_stopped += usize::from(reply.status == 429);
        if i % 40 == 0 {
            good(&ask(&own, "GET", "/api/status", &Json::Null)?).context("another caller")?;
        }
    }
    ensure!(n_stopped > 50, "{n_stopped} of 400 were stopped");
    let flooded = ask(&[], "GET", "/api/session", &Json::Null)?;
    refused(&flooded, 429, "too_many_requests")?;
    ensure!(flooded.header("retry-after").is_some(), "no Retry-After");
    Ok(())
}

/// The cookie is not sent in the clear where the page came encrypted.
pub fn secure_cookie(ground: &super::Ground, store: super::Store) -> Result<()> {
    let home = ground.home(store)?;
    let mut serve = home.serve();
    serve.args(["--public-url", "https://keji.example.com"]);
    let server = super::super::server::Server::start(&mut serve)?;
    let client = server.client();
    let bearer = format!("Bearer {}", client.token());
    for (host, is_secure) in [
        (server.address.to_string(), false),
        ("keji.example.com".to_owned(), true),
    ] {
        let headers = [
            ("host", host.as_str()),
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
        ];
        let login = format!("secure-{is_secure}");
        let wanted =
            json!({ "login": login, "name": "a", "role": "representative", "password": PASSWORD });
        good(&client.ask_with(
            "POST",
            "/api/users",
            &headers,
            wanted.to_string().as_bytes(),
        )?)?;
        let wanted = json!({ "login": login, "password": PASSWORD }).to_string();
        let reply = client.ask_with("POST", "/api/session", &headers, wanted.as_bytes())?;
        cookie(&reply)?;
        let set = reply.header("set-cookie").unwrap_or_default();
        ensure!(
            set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"),
            "{set}"
        );
        ensure!(set.contains("Secure") == is_secure, "{host}: {set}");
    }
    Ok(())
}

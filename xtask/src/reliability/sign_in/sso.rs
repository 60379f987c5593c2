//! Single sign-on, with a provider that lies or is lied about.

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::super::server::Reply;
use super::Case;
use super::place::{PASSWORD, Place, User, good, next, refused};
use super::provider::{CLIENT, SECRET, Say, Signed};

pub const CASES: &[Case] = &[
    ("single sign-on lets in whom it knows, and again", |p| {
        let one = Way::new(p)?;
        for _ in 0..2 {
            let key = entered(&one.sign_in(Say::default())?)?;
            p.lets_in(&key)?;
        }
        Ok(())
    }),
    ("an ID token without a signature", |p| {
        lie(p, |s| {
            s.header = json!({ "alg": "none" });
            s.signed = Signed::Not;
        })
    }),
    ("an ID token whose signature was taken away", |p| {
        lie(p, |s| s.signed = Signed::Not)
    }),
    ("an ID token signed with the secret", |p| {
        lie(p, |s| {
            s.header = json!({ "alg": "HS256" });
            s.signed = Signed::WithTheSecret;
        })
    }),
    ("an ID token signed with the public key as a secret", |p| {
        lie(p, |s| {
            s.header = json!({ "alg": "HS256", "kid": "k1" });
            s.signed = Signed::WithThePublicKey;
        })
    }),
    ("an ID token signed by somebody else", |p| {
        lie(p, |s| s.signed = Signed::Otherwise)
    }),
    ("an ID token with one bit turned", |p| {
        lie(p, |s| s.signed = Signed::Bent)
    }),
    ("an ID token of an unknown key", |p| {
        lie(p, |s| s.header["kid"] = json!("k2"))
    }),
    ("an ID token of another algorithm", |p| {
        lie(p, |s| s.header["alg"] = json!("RS256"))
    }),
    ("an ID token that asks for more", |p| {
        lie(p, |s| s.header["crit"] = json!(["b64"]))
    }),
    ("an ID token of another issuer", |p| {
        claim(p, "iss", json!("https://evil.example"))
    }),
    ("an ID token for another client", |p| {
        claim(p, "aud", json!("another"))
    }),
    ("an ID token for two clients", |p| {
        claim(p, "aud", json!([CLIENT, "another"]))
    }),
    ("an ID token given to another", |p| {
        claim(p, "azp", json!("another"))
    }),
    ("an ID token for nobody", |p| claim(p, "aud", json!(null))),
    ("an ID token that has expired", |p| {
        claim(p, "exp", json!(1_000_000_000))
    }),
    ("an ID token that never ends", |p| {
        claim(p, "exp", json!(null))
    }),
    ("an ID token of the time to come", |p| {
        claim(p, "iat", json!(9_000_000_000_u64))
    }),
    ("an ID token of another sign-in", |p| {
        claim(p, "nonce", json!("another"))
    }),
    ("an ID token of no sign-in", |p| {
        claim(p, "nonce", json!(null))
    }),
    ("an ID token of nobody", |p| claim(p, "sub", json!(null))),
    ("no ID token", |p| lie(p, |s| s.token = Some(json!(null)))),
    ("nonsense for an ID token", |p| {
        lie(p, |s| s.token = Some(json!("a.b.c")))
    }),
    ("a provider that refuses the code", |p| {
        lie(p, |s| s.status = 400)
    }),
    ("an ID token that was used before", |p| {
        let one = Way::new(p)?;
        entered(&one.sign_in(Say::default())?)?;
        let token = Some(json!(p.provider.last_token()));
        not_entered(
            &one.sign_in(Say {
                token,
                ..Say::default()
            })?,
            "sso_refused",
        )
    }),
    ("an e-mail address that is not verified", |p| {
        claim(p, "email_verified", json!(false))
    }),
    ("a verified address as a word", |p| {
        claim(p, "email_verified", json!("true"))
    }),
    ("somebody whom nobody knows", |p| {
        let one = Way::new(p)?;
        let other = json!({ "sub": "x", "email": "nobody@example.com" });
        not_entered(&one.sign_in(said(&other))?, "sso_unknown")?;
        let count = p
            .home
            .sql("select count(*) from \"user\" where email = 'nobody@example.com'")?;
        ensure!(count == ["0"], "a user was made");
        Ok(())
    }),
    ("an address that two have", |p| {
        let one = Way::new(p)?;
        let twin = p.user()?;
        p.change(&twin, &json!({ "email": one.email }))?;
        not_entered(&one.sign_in(Say::default())?, "sso_unknown")
    }),
    ("another subject with the same address", |p| {
        let one = Way::new(p)?;
        entered(&one.sign_in(Say::default())?)?;
        let other = json!({ "sub": format!("{}-again", one.subject) });
        not_entered(&one.sign_in(said(&other))?, "sso_unknown")
    }),
    ("the same subject with another's address", |p| {
        let (one, two) = (Way::new(p)?, p.user()?);
        entered(&one.sign_in(Say::default())?)?;
        p.change(
            &two,
            &json!({ "email": format!("{}@example.com", two.login) }),
        )?;
        let moved = json!({ "email": format!("{}@example.com", two.login) });
        let reply = one.sign_in(said(&moved))?;
        let who = p.get("/api/session", &entered(&reply)?)?.json()?;
        ensure!(who["user"]["login"] == one.user.login, "{who}");
        Ok(())
    }),
    ("details of somebody else", |p| {
        let one = Way::new(p)?;
        let say = Say {
            claims: json!({ "email": null, "email_verified": null }),
            userinfo: json!({ "sub": "another", "email": one.email, "email_verified": true }),
            ..Say::default()
        };
        not_entered(&one.sign_in(say)?, "sso_refused")
    }),
    ("who left comes in by no provider", |p| {
        let one = Way::new(p)?;
        entered(&one.sign_in(Say::default())?)?;
        p.change(&one.user, &json!({ "is_active": false }))?;
        not_entered(&one.sign_in(Say::default())?, "sso_unknown")
    }),
    ("a sign-in counts once", |p| {
        let one = Way::new(p)?;
        let begun = one.begin()?;
        entered(&one.end(&begun, Say::default(), "code=c")?)?;
        not_entered(&one.end(&begun, Say::default(), "code=c")?, "sso_refused")
    }),
    ("a made-up state", |p| {
        let one = Way::new(p)?;
        let begun = Begun {
            state: "0".repeat(64),
            ..one.begin()?
        };
        not_entered(&one.end(&begun, Say::default(), "code=c")?, "sso_refused")
    }),
    ("another browser", |p| {
        let one = Way::new(p)?;
        for cookie in ["", "keji_sso=", "keji_sso=0123"] {
            let begun = Begun {
                cookie: cookie.to_owned(),
                ..one.begin()?
            };
            not_entered(&one.end(&begun, Say::default(), "code=c")?, "sso_refused")?;
        }
        Ok(())
    }),
    ("the cookie of another sign-in", |p| {
        let one = Way::new(p)?;
        let (first, second) = (one.begin()?, one.begin()?);
        let mixed = Begun {
            cookie: second.cookie,
            ..first
        };
        not_entered(&one.end(&mixed, Say::default(), "code=c")?, "sso_refused")
    }),
    ("an answer without a code", |p| answer(p, "")),
    ("an answer that is an error", |p| {
        answer(p, "error=access_denied&code=c")
    }),
    ("an answer of another provider", |p| {
        answer(p, "code=c&iss=https%3A%2F%2Fevil.example")
    }),
    ("a provider that is off", |p| {
        let one = Way::new(p)?;
        let begun = one.begin()?;
        one.set(&json!({ "is_active": false }))?;
        not_entered(&one.end(&begun, Say::default(), "code=c")?, "sso_refused")?;
        let path = format!("/api/session/sso/{}", one.id);
        refused(&p.post(&path, "", &Json::Null)?, 404, "not_found")
    }),
    ("who came by a provider has no password any more", |p| {
        let one = Way::new(p)?;
        good(&p.sign_in(&one.user.login, PASSWORD)?)?;
        let key = entered(&one.sign_in(Say::default())?)?;
        refused(&p.sign_in(&one.user.login, PASSWORD)?, 401, "sso_only")?;
        // A wrong one is told nothing.
        refused(&p.sign_in(&one.user.login, "wrong")?, 401, "wrong_login")?;
        let wanted = json!({ "old": PASSWORD, "new": "a new and longer one" });
        refused(
            &p.post("/api/session/password", &key, &wanted)?,
            403,
            "forbidden",
        )?;
        refused(
            &p.post("/api/passkeys/options", &key, &Json::Null)?,
            403,
            "forbidden",
        )?;
        p.change(&one.user, &json!({ "password": "given by somebody" }))?;
        refused(
            &p.sign_in(&one.user.login, "given by somebody")?,
            401,
            "sso_only",
        )?;
        one.set(&json!({ "allows_other_ways": true }))?;
        good(&p.sign_in(&one.user.login, "given by somebody")?)
    }),
    ("only who may make owners enters a provider", |p| {
        let text = json!({ "zh": "人事", "en": "People" });
        let role = json!({ "name": text, "about": text, "grants": [], "admin": ["users"] });
        good(&p.ask("PUT", "/api/roles/people", p.admin(), &role)?)?;
        let key = p.session(&p.user_of("people")?)?;
        refused(
            &p.post("/api/providers", &key, &wanted(p))?,
            403,
            "forbidden",
        )
    }),
    ("a provider's secret is not told", |p| {
        let _ = Way::new(p)?;
        let list = p.get("/api/providers", p.admin())?;
        let text = String::from_utf8_lossy(&list.body).into_owned();
        let log = p
            .home
            .sql("select coalesce(after, '') from keji_change")?
            .join("\n");
        ensure!(!text.contains(SECRET) && !log.contains(SECRET), "told");
        Ok(())
    }),
    ("a provider at an address inside", |p| {
        for issuer in [
            "https://169.254.169.254",
            "https://localhost:1",
            "http://127.0.0.1:1",
        ] {
            let mut wanted = wanted(p);
            wanted["issuer"] = json!(issuer);
            let id = p.post("/api/providers", p.admin(), &wanted)?.json()?["id"].clone();
            let reply = p.post(&format!("/api/session/sso/{id}"), "", &Json::Null)?;
            refused(&reply, 409, "sso_unreachable").context(issuer)?;
        }
        for issuer in [
            "ftp://id.example",
            "http://id.example",
            "id.example",
            "https://a@b.example",
            "file:///etc/passwd",
        ] {
            let mut wanted = wanted(p);
            wanted["issuer"] = json!(issuer);
            let reply = p.post("/api/providers", p.admin(), &wanted)?;
            refused(&reply, 422, "argument").context(issuer)?;
        }
        Ok(())
    }),
];

fn wanted(p: &Place) -> Json {
    json!({
        "name": format!("Provider {}", next()),
        "issuer": p.provider.issuer(),
        "client_id": CLIENT,
        "client_secret": SECRET,
        "claim": "email",
        "matches": "email",
    })
}

/// One provider's entry and one user whom it knows.
struct Way<'a> {
    p: &'a Place,
    id: i64,
    wanted: Json,
    user: User,
    email: String,
    subject: String,
}

struct Begun {
    state: String,
    nonce: String,
    cookie: String,
}

impl Way<'_> {
    fn new(p: &Place) -> Result<Way<'_>> {
        let user = p.user()?;
        let email = format!("{}@example.com", user.login);
        p.change(&user, &json!({ "email": email.to_uppercase() }))?;
        let wanted = wanted(p);
        let made = p.post("/api/providers", p.admin(), &wanted)?.json()?;
        Ok(Way {
            p,
            id: made["id"].as_i64().context("no id")?,
            wanted,
            subject: format!("subject-{}", user.id),
            user,
            email,
        })
    }

    fn set(&self, change: &Json) -> Result<()> {
        let mut wanted = self.wanted.clone();
        for (name, value) in change.as_object().into_iter().flatten() {
            wanted[name] = value.clone();
        }
        let path = format!("/api/providers/{}", self.id);
        good(&self.p.ask("PUT", &path, self.p.admin(), &wanted)?)
    }

    fn begin(&self) -> Result<Begun> {
        let path = format!("/api/session/sso/{}", self.id);
        let reply = self.p.post(&path, "", &Json::Null)?;
        let url = reply.json()?["url"]
            .as_str()
            .context("no address")?
            .to_owned();
        let of = |name: &str| {
            let (_, query) = url.split_once('?')?;
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
        };
        ensure!(
            of("code_challenge_method").as_deref() == Some("S256"),
            "no PKCE"
        );
        ensure!(
            of("code_challenge").is_some_and(|c| c.len() == 43),
            "no PKCE"
        );
        let cookie = reply.header("set-cookie").context("no cookie")?;
        ensure!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
        Ok(Begun {
            state: of("state").context("no state")?,
            nonce: of("nonce").context("no nonce")?,
            cookie: cookie.split(';').next().unwrap_or_default().to_owned(),
        })
    }

    fn end(&self, begun: &Begun, mut say: Say, more: &str) -> Result<Reply> {
        let usual = json!({
            "sub": self.subject,
            "nonce": begun.nonce,
            "email": self.email,
            "email_verified": true,
        });
        for (name, value) in usual.as_object().into_iter().flatten() {
            if say.claims.get(name).is_none() {
                say.claims[name] = value.clone();
            }
        }
        self.p.provider.will_say(say);
        let path = format!("/api/session/sso/callback?state={}&{more}", begun.state);
        let cookie = [("cookie", begun.cookie.as_str())];
        let cookie = if begun.cookie.is_empty() {
            &[][..]
        } else {
            &cookie[..]
        };
        self.p.ask_with("GET", &path, "", cookie, &Json::Null)
    }

    fn sign_in(&self, say: Say) -> Result<Reply> {
        self.end(&self.begin()?, say, "code=c&session_state=abc")
    }
}

fn said(claims: &Json) -> Say {
    Say {
        claims: claims.clone(),
        ..Say::default()
    }
}

/// The honest answer lets in, this one does not.
fn lie(p: &Place, change: impl Fn(&mut Say)) -> Result<()> {
    let one = Way::new(p)?;
    let mut say = Say::default();
    change(&mut say);
    not_entered(&one.sign_in(say)?, "sso_refused")?;
    entered(&one.sign_in(Say::default())?).map(drop)
}

fn claim(p: &Place, name: &str, value: Json) -> Result<()> {
    lie(p, |say| say.claims[name] = value.clone())
}

fn answer(p: &Place, more: &str) -> Result<()> {
    let one = Way::new(p)?;
    not_entered(
        &one.end(&one.begin()?, Say::default(), more)?,
        "sso_refused",
    )
}

fn cookies(reply: &Reply) -> impl Iterator<Item = &str> {
    let lines = reply.head.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .filter_map(|(_, value)| value.trim().split(';').next())
}

/// The session's cookie.
fn entered(reply: &Reply) -> Result<String> {
    let to = reply.header("location").unwrap_or_default();
    ensure!(reply.status == 303 && to == "/", "{} {to}", reply.status);
    let session = cookies(reply).find(|c| c.starts_with("keji_session="));
    Ok(session.context("no session")?.to_owned())
}

fn not_entered(reply: &Reply, code: &str) -> Result<()> {
    let to = reply.header("location").unwrap_or_default();
    ensure!(
        reply.status == 303 && to == format!("/?sso={code}"),
        "{code} was due: {} {to}",
        reply.status
    );
    let session = cookies(reply).find(|c| c.starts_with("keji_session="));
    ensure!(session.is_none(), "a refusal sets a session");
    Ok(())
}

//! A server, its administrator, and users that a case has for itself.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};
use totp_rs::{Builder, Secret, Totp};

use super::super::ground::{Ground, Home, Store};
use super::super::server::{Client, Reply, Server};
use super::provider::Provider;

pub const PASSWORD: &str = "twelve letters or more";

static N: AtomicU64 = AtomicU64::new(0);

/// Another number at each call.
pub fn next() -> u64 {
    N.fetch_add(1, Ordering::Relaxed) + 1
}

pub struct Place {
    pub home: Home,
    pub client: Client,
    /// As a browser on this machine names it.
    pub host: String,
    pub provider: Provider,
    bug: Option<&'static str>,
    _server: Server,
}

pub struct User {
    pub id: i64,
    pub login: String,
}

impl Place {
    pub fn new(ground: &Ground, store: Store, bug: Option<&'static str>) -> Result<Place> {
        let home = ground.home(store)?;
        let provider = Provider::start()?;
        let mut serve = home.serve();
        serve.args(["--limit-sign-ins", "0", "--allow-outbound"]);
        serve.arg(provider.address.to_string());
        let server = Server::start(&mut serve)?;
        Ok(Place {
            client: server.client(),
            host: format!("localhost:{}", server.address.port()),
            home,
            provider,
            bug,
            _server: server,
        })
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.host)
    }

    /// The planted bug, where it is this one.
    pub fn plant(&self, bug: &str, sql: &str) -> Result<()> {
        if self.bug == Some(bug) {
            self.home.sql(sql)?;
        }
        Ok(())
    }

    /// `key` is a token, a session's `name=value`, or nothing.
    pub fn ask(&self, method: &str, path: &str, key: &str, body: &Json) -> Result<Reply> {
        self.ask_with(method, path, key, &[], body)
    }

    pub fn ask_with(
        &self,
        method: &str,
        path: &str,
        key: &str,
        more: &[(&str, &str)],
        body: &Json,
    ) -> Result<Reply> {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("accept-language", "en")];
        if !more.iter().any(|(name, _)| *name == "host") {
            headers.push(("host", &self.host));
        }
        if !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        match key {
            "" => {}
            key if key.starts_with("keji_session=") => headers.push(("cookie", key)),
            _ => headers.push(("authorization", &bearer)),
        }
        headers.extend(more);
        let body = match body {
            Json::Null => String::new(),
            Json::String(raw) => raw.clone(),
            body => body.to_string(),
        };
        self.client
            .ask_with(method, path, &headers, body.as_bytes())
    }

    pub fn get(&self, path: &str, key: &str) -> Result<Reply> {
        self.ask("GET", path, key, &Json::Null)
    }

    pub fn post(&self, path: &str, key: &str, body: &Json) -> Result<Reply> {
        self.ask("POST", path, key, body)
    }

    pub fn admin(&self) -> &str {
        self.client.token()
    }

    pub fn user(&self) -> Result<User> {
        self.user_of("representative")
    }

    pub fn user_of(&self, role: &str) -> Result<User> {
        let login = format!("user{}", next());
        let wanted = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
        let made = self.post("/api/users", self.admin(), &wanted)?.json()?;
        let id = made["id"].as_i64().context("no id")?;
        Ok(User { id, login })
    }

    pub fn change(&self, user: &User, change: &Json) -> Result<()> {
        let path = format!("/api/users/{}", user.id);
        good(&self.ask("PATCH", &path, self.admin(), change)?)
    }

    pub fn sign_in(&self, login: &str, password: &str) -> Result<Reply> {
        let wanted = json!({ "login": login, "password": password });
        self.post("/api/session", "", &wanted)
    }

    pub fn sign_in_with(&self, login: &str, digits: &str) -> Result<Reply> {
        let wanted = json!({ "login": login, "password": PASSWORD, "totp": digits });
        self.post("/api/session", "", &wanted)
    }

    /// The cookie of a new session.
    pub fn session(&self, user: &User) -> Result<String> {
        cookie(&self.sign_in(&user.login, PASSWORD)?)
    }

    /// A token and its id.
    pub fn token(&self, key: &str, wanted: &Json) -> Result<(i64, String)> {
        let made = self.post("/api/tokens", key, wanted)?.json()?;
        let token = made["token"].as_str().context("no token")?.to_owned();
        Ok((made["id"].as_i64().context("no id")?, token))
    }

    /// Whether the key lets somebody in.
    pub fn lets_in(&self, key: &str) -> Result<()> {
        good(&self.get("/api/status", key)?)
    }

    pub fn keeps_out(&self, key: &str) -> Result<()> {
        refused(&self.get("/api/status", key)?, 401, "signed_out")
    }

    /// Turns the second factor on, with the code of the half minute before so
    /// that the present one is still there.
    pub fn second_factor(&self, key: &str) -> Result<Digits> {
        let proposed = self.post("/api/session/totp", key, &Json::Null)?.json()?;
        let digits = Digits::of(proposed["secret"].as_str().context("no secret")?)?;
        let code = json!({ "code": digits.at(-1)? });
        good(&self.ask("PUT", "/api/session/totp", key, &code)?)?;
        Ok(digits)
    }
}

pub struct Digits(Totp);

impl Digits {
    pub fn of(secret: &str) -> Result<Digits> {
        let secret = Secret::try_from_base32(secret).map_err(|e| anyhow::anyhow!("{e}"))?;
        let totp = Builder::new()
            .with_secret(secret)
            .with_step_duration(30)
            .with_account_name("user")
            .build();
        totp.map(Digits).map_err(|e| anyhow::anyhow!("{e}"))
    }

    /// Of so many half minutes from now.
    pub fn at(&self, steps: i64) -> Result<String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let at = i64::try_from(now.as_secs())? + steps * 30;
        Ok(self.0.generate(u64::try_from(at)?).to_string())
    }
}

pub fn cookie(reply: &Reply) -> Result<String> {
    good(reply)?;
    let set = reply.header("set-cookie").context("no cookie")?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}

pub fn good(reply: &Reply) -> Result<()> {
    ensure!(
        (200..300).contains(&reply.status),
        "{}: {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    Ok(())
}

pub fn code(reply: &Reply) -> String {
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

pub fn refused(reply: &Reply, status: u16, wanted: &str) -> Result<()> {
    ensure!(
        reply.status == status && code(reply) == wanted,
        "{status} {wanted} was due: {} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    ensure!(
        reply.header("set-cookie").is_none(),
        "a refusal sets a cookie"
    );
    Ok(())
}

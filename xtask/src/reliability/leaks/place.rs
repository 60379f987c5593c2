//! A place with texts that stand nowhere else, and the people who ask.

use std::fs::OpenOptions;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::super::ground::Home;
use super::super::receiver::{Does, Receiver};
use super::super::server::{Client, Server};

pub const NAME: &str = "Canaria Goldwing";
pub const MAIL: &str = "goldwing.canary@example.com";
pub const WRONG: &str = "canary-wrong-password-4711";
const CLIENT_SECRET: &str = "canary-client-secret-4711";
const PASSWORD: &str = "canary-password-4711-long";

/// Personal data of customers and contacts; the roles here see none of it.
pub const PERSONAL: [&str; 8] = [
    "13700047110",
    NAME,
    MAIL,
    "canary-street-4711",
    "canarywechat4711",
    "canary-note-4711",
    "13900047112",
    "canary-evidence-4711",
];

/// Of objects without a place in the columnar copy.
pub const NOT_COPIED: [&str; 3] = [PERSONAL[4], PERSONAL[5], PERSONAL[6]];

/// Doors through which hidden values might come, each asked by those from whom
/// they are hidden.
pub const SEEN_BY_NOBODY_LOW: [&str; 18] = [
    "/api/records/customer?limit=1000",
    "/api/records/contact?limit=1000",
    "/api/records/order?limit=1000&fields=number,customer,customer.name",
    "/api/records/customer?search=1370004",
    "/api/records/customer?sort=phone",
    "/api/records/customer?where=phone%20like%20'137%25'",
    "/api/customers?search=Canaria",
    "/api/customers?search=cg",
    "/api/customers?sort=name&limit=100",
    "/api/exports/records/customer?format=csv",
    "/api/exports/records/contact?format=csv",
    "/api/exports/records/order?format=csv",
    "/api/exports/customers?format=csv",
    "/api/status",
    "/api/catalog",
    "/api/audit?object=customer",
    "/api/audit?object=contact",
    "/api/audit?limit=500",
];

pub struct Place {
    server: Server,
    pub owner: Client,
    masked: Client,
    none: Client,
    pub secrets: Vec<String>,
    /// Those that are used to sign and to ask with, so that they stand in the
    /// database, and in its backup, as they are.
    pub kept: Vec<String>,
    receiver: Receiver,
    customer: i64,
    contact: i64,
}

pub struct Uses {
    pub password: String,
}

pub fn serve(home: &Home, log: &Path) -> Result<Server> {
    serving(home, log, &[])
}

fn serving(home: &Home, log: &Path, more: &[&str]) -> Result<Server> {
    let mut serve = home.serve();
    serve
        .args(["--limit-requests", "0", "--limit-sign-ins", "0"])
        .args(more);
    serve.env("RUST_LOG", "debug");
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    Server::start_logging(&mut serve, log)
}

/// Sees every record, without names, numbers and addresses, and has webhooks
/// told of all.
fn masked() -> Json {
    let covered = [
        ("customer.name", "masked"),
        ("customer.phone", "masked"),
        ("customer.email", "hidden"),
        ("customer.address", "hidden"),
        ("contact.name", "masked"),
        ("contact.mobile", "masked"),
        ("contact.email", "hidden"),
        ("contact.wechat", "hidden"),
        ("consent.evidence", "hidden"),
        ("note.text", "hidden"),
    ];
    let fields: Vec<Json> = covered
        .iter()
        .map(|(field, shown)| json!({ "field": field, "as": shown }))
        .collect();
    json!({
        "name": { "zh": "低", "en": "Low" }, "about": { "zh": "低", "en": "Low" },
        "grants": [{ "object": "*", "actions": ["read", "export"], "rows": "all" }],
        "fields": fields, "admin": ["audit", "webhooks"],
    })
}

impl Place {
    pub fn make(home: &Home, log: &Path) -> Result<Place> {
        let receiver = Receiver::start(|_| Does::Answers(200))?;
        let allowed = format!("127.0.0.1:{}", receiver.port);
        let server = serving(home, log, &["--allow-outbound", &allowed])?;
        let owner = server.client();
        let post = |path: &str, body: Json| -> Result<Json> {
            let reply = owner.ask("POST", path, &body)?;
            reply.json().with_context(|| path.to_owned())
        };
        owner.ask("PUT", "/api/roles/masked", &masked())?.good()?;
        let token = |login: &str, role: &str| -> Result<String> {
            post(
                "/api/users",
                json!({ "login": login, "name": login, "role": role, "password": PASSWORD }),
            )?;
            let made = home.json(["token", "create", "t", "--user", login])?;
            Ok(made["token"].as_str().context("no token")?.to_owned())
        };
        let (low, rep) = (token("low", "masked")?, token("rep", "representative")?);
        let masked = owner.with(&low);
        let mut secrets = vec![
            PASSWORD.to_owned(),
            WRONG.to_owned(),
            owner.token().to_owned(),
            low,
            rep.clone(),
        ];
        secrets.extend(keys(&owner)?);
        // A webhook of the one who sees little, before anything is told.
        let hook = json!({ "name": "low", "url": format!("http://{allowed}/"), "objects": ["*"],
            "kinds": ["create", "update", "delete", "import", "undo", "evaluation"] });
        let made = masked.ask("POST", "/api/webhooks", &hook)?.json()?;
        let mut kept = vec![made["secret"].as_str().context("no secret")?.to_owned()];
        let provider = json!({ "name": "x", "issuer": "https://id.example.com", "client_id": "keji",
            "client_secret": CLIENT_SECRET, "claim": "email", "matches": "email",
            "is_active": false, "allows_other_ways": true });
        post("/api/providers", provider)?;
        kept.push(CLIENT_SECRET.to_owned());
        secrets.extend(kept.iter().cloned());

        let id = |made: Json| made["id"].as_i64().context("no id");
        let customer = id(post(
            "/api/records/customer",
            json!({ "number": "K1", "name": NAME, "kind": "person", "phone": PERSONAL[0], "email": MAIL, "address": PERSONAL[3] }),
        )?)?;
        let contact = id(post(
            "/api/records/contact",
            json!({ "customer": customer, "name": NAME, "mobile": PERSONAL[6], "email": MAIL, "wechat": PERSONAL[4] }),
        )?)?;
        post(
            "/api/records/note",
            json!({ "customer": customer, "text": PERSONAL[5], "written_on": "2025-01-01" }),
        )?;
        let consent = json!({ "channel": "phone", "purpose": "marketing", "state": "given", "source": "form", "evidence": PERSONAL[7] });
        post(&format!("/api/consents/customer/{customer}"), consent)?;
        let orders = format!(
            "单号,日期,客户编号,客户,电话,产品,数量,单价\nS1,2025-03-05,K1,{NAME},{},茶,2,10\n",
            PERSONAL[0]
        );
        owner.import("orders.csv", orders.as_bytes(), Duration::from_secs(60))?;
        owner.quiet(Duration::from_secs(60))?;
        Ok(Place {
            owner: owner.clone(),
            masked,
            none: owner.with(&rep),
            server,
            secrets,
            kept,
            receiver,
            customer,
            contact,
        })
    }

    /// Who asks, and whether personal data may come in a good answer.
    pub fn people(&self) -> Vec<(&'static str, Client, bool)> {
        vec![
            ("owner", self.owner.clone(), true),
            ("masked", self.masked.clone(), false),
            ("representative", self.none.clone(), false),
            ("nobody", self.owner.with(""), false),
        ]
    }

    /// A path with what is there in the place of its parameters.
    pub fn filled(&self, path: &str, operation: &Json) -> String {
        let is_contact = path.contains("/contact");
        let id = match is_contact {
            true => self.contact,
            false => self.customer,
        };
        let parts = path.split('/').map(|part| match part {
            "{object}" | "{party}" => "customer".to_owned(),
            "{as_of}" => "2025-03-06".to_owned(),
            "{name}" => "x".to_owned(),
            part if part.starts_with('{') => id.to_string(),
            part => part.to_owned(),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let needed = operation["parameters"].as_array().into_iter().flatten();
        let needed = needed.filter(|p| p["in"] == "query" && p["name"] == "format");
        match needed.count() {
            0 => path,
            _ => format!("{path}?format=csv"),
        }
    }

    /// What the webhook of the role that sees little was told.
    pub fn told(&self, home: &Home) -> Result<Vec<Vec<u8>>> {
        let change = json!({ "phone": PERSONAL[0], "city": "Leeds" });
        let path = format!("/api/records/customer/{}", self.customer);
        self.owner.ask("PATCH", &path, &change)?.good()?;
        let started = Instant::now();
        while self.receiver.got().len() < 3 {
            ensure!(
                started.elapsed() < Duration::from_secs(60),
                "only {} told, in {}",
                self.receiver.got().len(),
                home.data.display()
            );
            sleep(Duration::from_millis(200));
        }
        Ok(self
            .receiver
            .got()
            .into_iter()
            .map(|got| got.body)
            .collect())
    }

    /// The server ends, with all that it has still to log.
    pub fn stop(self) -> Uses {
        drop(self.server);
        Uses {
            password: PASSWORD.to_owned(),
        }
    }
}

/// Of a session: its cookie and the secret of a second factor; and sign-ins
/// that fail.
fn keys(owner: &Client) -> Result<Vec<String>> {
    let nobody = owner.with("");
    let sign_in = |password: &str| {
        let wanted = json!({ "login": "rep", "password": password });
        nobody.ask("POST", "/api/session", &wanted)
    };
    ensure!(sign_in(WRONG)?.status == 401, "a wrong password lets in");
    let entered = sign_in(PASSWORD)?;
    let cookie = entered.header("set-cookie").context("no cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let host = owner.address().to_string();
    let headers = [
        ("host", host.as_str()),
        ("cookie", cookie.as_str()),
        ("content-type", "application/json"),
    ];
    let totp = nobody
        .ask_with("POST", "/api/session/totp", &headers, b"")?
        .json()?;
    let secret = totp["secret"].as_str().context("no second factor")?;
    let (_, session) = cookie.split_once('=').context("no session")?;
    Ok(vec![session.to_owned(), secret.to_owned()])
}

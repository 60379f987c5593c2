//! SEC-1: Schemathesis asks the server everything that the API's description
//! allows and much that it does not, as an owner, as a representative and as
//! nobody: no server error, and no answer that is not described.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value as Json, json};

use super::ground::{Ground, Home, STORES, Store};
use super::orders;
use super::outcome::Outcome;
use super::process::{Ended, ended};
use super::receiver::{Does, Receiver};
use super::server::Server;

const RUN: Duration = Duration::from_secs(3 * 3600);

/// What the script ends with where there is no Python.
const NO_PYTHON: i32 = 77;

/// Would end the session or the token that asks, or send the machine to work.
const LEFT_OUT: [&str; 2] = ["delete_token", "create_evaluation"];

/// Of a sample: one small part of each kind of route.
const SAMPLE: &str = "^/api/(session|tokens|webhooks|status|records/product)";

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("SEC-1 contract of the API, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        // A sample is of one store.
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        let mut planted = Vec::new();
        let found = Outcome::of(name.clone(), |outcome| {
            contract(ground, store, outcome, &mut planted)
        });
        let lacks = found.skipped.is_some();
        tell(found);
        if !lacks {
            tell(Outcome::of(format!("{name} (planted)"), |outcome| {
                planted
                    .drain(..)
                    .for_each(|(what, checked)| outcome.planted(what, checked));
                Ok(())
            }));
        }
    }
}

fn contract(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(store)?;
    home.import(&home.write("base.csv", orders::file(300, 3, 50))?)?;
    let mut server = Server::start(&mut home.serve())?;
    let client = server.client();
    let hook = json!({ "name": "x", "url": "http://127.0.0.1:9/", "objects": ["*"], "kinds": ["create"], "is_active": false });
    client.ask("POST", "/api/webhooks", &hook)?.json()?;
    home.run([
        "user",
        "add",
        "rep",
        "--role",
        "representative",
        "--no-password",
    ])?
    .good()?;
    let rep = home.json(["token", "create", "rep", "--user", "rep"])?;
    let rep = rep["token"].as_str().context("no token")?.to_owned();
    let document = client.get("/api/openapi.json")?;
    let asked = Asked {
        ground,
        home: &home,
        url: format!("http://{}", client.address()),
    };
    let n = ground.n(12, 2);
    for (who, token) in [
        ("owner", client.token()),
        ("representative", &rep),
        ("nobody", ""),
    ] {
        let n = if who == "owner" { n } else { n.min(4) };
        let Some(report) = asked.of(&document, who, token, n)? else {
            outcome.skip("no Python 3 with venv and pip");
            return Ok(());
        };
        count(&report, who, outcome);
        outcome.trial(match server.is_alive() {
            true => Ok(()),
            false => Err(anyhow::anyhow!("{who}: the server has ended")),
        });
    }

    // A description that promises another answer, and a server that breaks.
    let mut lying = only(&document, "/api/session", "get");
    lying["components"]["schemas"]["SessionBody"]["required"] = json!(["never_there"]);
    planted.push(("an answer is not as described", good(&asked, &lying)?));
    let broken = Receiver::start(|_| Does::Answers(500))?;
    let broken = Asked {
        url: format!("http://127.0.0.1:{}", broken.port),
        ..asked
    };
    let whole = only(&document, "/api/session", "get");
    planted.push(("the server breaks", good(&broken, &whole)?));
    Ok(())
}

fn only(document: &Json, path: &str, method: &str) -> Json {
    let mut document = document.clone();
    let operation = document["paths"][path][method].clone();
    document["paths"] = json!({ path: { method: operation } });
    document
}

fn good(asked: &Asked, document: &Json) -> Result<Result<()>> {
    let report = asked.of(document, "planted", "", 3)?;
    let report = report.context("there was a Python before")?;
    let n = report["test_cases"]["unique_failures"].as_u64();
    Ok(match n {
        Some(0) => Ok(()),
        _ => Err(anyhow::anyhow!("{n:?} failures")),
    })
}

struct Asked<'a> {
    ground: &'a Ground,
    home: &'a Home,
    url: String,
}

impl Asked<'_> {
    /// The report; none where Schemathesis cannot be run here.
    fn of(&self, document: &Json, who: &str, token: &str, n: usize) -> Result<Option<Json>> {
        let folder = self.home.folder().join(format!("contract-{who}"));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("document.json");
        std::fs::write(&path, document.to_string())?;
        let mut script = Command::new(self.ground.root.join("scripts/schemathesis.sh"));
        script
            .args([&folder, &path])
            .arg(&self.url)
            .env("KEJI_TOKEN", token)
            .args(["--max-examples", &n.to_string()])
            .args(["--seed", &self.ground.seed.to_string()])
            .args(["--suppress-health-check", "all", "--continue-on-failure"]);
        for id in LEFT_OUT {
            script.args(["--exclude-operation-id", id]);
        }
        if self.ground.is_sample {
            script.args([
                "--include-path-regex",
                SAMPLE,
                "--phases",
                "coverage,fuzzing",
            ]);
        }
        let ran = ended(&mut script, RUN)?;
        if ran.status.code() == Some(NO_PYTHON) {
            return Ok(None);
        }
        read(&folder, &ran).map(Some)
    }
}

fn read(folder: &Path, ran: &Ended) -> Result<Json> {
    let Ok(text) = std::fs::read_to_string(folder.join("report.json")) else {
        bail!("no report: {}", ran.said());
    };
    let report: Json = serde_json::from_str(&text)?;
    ensure!(report["complete"] == true, "not complete: {}", ran.said());
    Ok(report)
}

/// Every case is a trial, every kind of failure of an operation one failed.
fn count(report: &Json, who: &str, outcome: &mut Outcome) {
    let n = report["test_cases"]["generated"].as_u64().unwrap_or(0);
    let mut n_failed = 0;
    let failures = report["failures"].as_array().into_iter().flatten();
    let errors = report["errors"].as_array().into_iter().flatten();
    for failure in failures {
        for operation in failure["operations"].as_array().into_iter().flatten() {
            n_failed += 1;
            outcome.trial(Err(anyhow::anyhow!(
                "{who}: {} at {operation}",
                failure["title"]
            )));
        }
    }
    for error in errors {
        n_failed += 1;
        outcome.trial(Err(anyhow::anyhow!("{who}: {error}")));
    }
    for _ in n_failed..n {
        outcome.trial(Ok(()));
    }
    let operations = &report["operations"]["tested"];
    outcome.note(format!("{who}: {n} cases of {operations} operations"));
}

//! SEC-5: texts that want to run in a browser, in every place where somebody
//! can type one, on every page of the real program in a real browser. The
//! story is the page's own (`web/e2e/xss.spec.ts`); here it is run whole and
//! counted.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::ground::{Ground, Home, STORES, Store};
use super::outcome::Outcome;
use super::process::{ended, is_there};
use super::server::Server;

const RUN: Duration = Duration::from_secs(3600);
const LOGIN: &str = "story";
const PASSWORD: &str = "a password of the stories";

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("SEC-5 texts in the browser, {}", store.name());
        // Its sample is among the stories of the page.
        if ground.is_sample {
            continue;
        }
        let lacks = ground.lacks(store).or_else(|| lacks_browser(&ground.root));
        if let Some(why) = lacks {
            tell(Outcome::skipped(name, why));
            continue;
        }
        let mut planted = Vec::new();
        tell(Outcome::of(&name, |outcome| {
            let report = story(ground, store)?;
            count(&report, outcome, &mut planted)
        }));
        tell(Outcome::of(format!("{name} (planted)"), |outcome| {
            for (what, n_found) in planted.drain(..) {
                outcome.planted(
                    &what,
                    match n_found {
                        0 => Ok(()),
                        n => Err(anyhow::anyhow!("{n} found")),
                    },
                );
            }
            Ok(())
        }));
    }
}

fn lacks_browser(root: &Path) -> Option<&'static str> {
    let chromium = std::env::var("KEJI_CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
    if !Path::new(&chromium).exists() {
        return Some("no Chromium");
    }
    let has_node = is_there("node", &["--version"]);
    let has_playwright = root.join("web/node_modules/@playwright/test").is_dir();
    (!has_node || !has_playwright).then_some("no Node.js with the packages of the page")
}

/// What the story reports of a place of its own.
fn story(ground: &Ground, store: Store) -> Result<Json> {
    let home = ground.home(store)?;
    let web = ground.root.join("web");
    let objects = home.data.join("definitions/objects");
    std::fs::create_dir_all(&objects)?;
    std::fs::copy(
        web.join("e2e/xss/hostile.toml"),
        objects.join("hostile.toml"),
    )?;
    let server = Server::start(&mut home.serve())?;
    let client = server.client();
    let user = json!({ "login": LOGIN, "name": "007", "role": "owner", "password": PASSWORD });
    client.ask("POST", "/api/users", &user)?.json()?;
    // A page shows the same whatever store the texts come from: one of them is
    // looked through whole, the other by some records of each object.
    let extent = match store {
        Store::Sqlite => "whole",
        Store::Postgres => "sample",
    };
    let report = home.folder().join("report.json");
    let mut playwright = Command::new("npx");
    playwright
        .current_dir(&web)
        .args(["--no", "playwright", "test", "xss", "--retries=0"])
        .arg("--output")
        .arg(home.folder().join("playwright"))
        .env("CI", "1")
        .env("KEJI_URL", format!("http://{}", client.address()))
        .env("KEJI_LOGIN", LOGIN)
        .env("KEJI_PASSWORD", PASSWORD)
        .env("KEJI_XSS", extent)
        .env("KEJI_XSS_REPORT", &report);
    let ran = ended(&mut playwright, RUN)?;
    let text =
        std::fs::read_to_string(&report).with_context(|| format!("no report: {}", ran.said()))?;
    let report: Json = serde_json::from_str(&text)?;
    let n_pages = report["pages"].as_u64().unwrap_or(0);
    ensure!(n_pages > 0, "no page was seen: {}", ran.said());
    is_whole(&home)?;
    Ok(report)
}

/// That hostile texts are stored as they are: a place that dropped them would
/// have nothing to show.
fn is_whole(home: &Home) -> Result<()> {
    let found = home.sql("select count(*) from contact where name like '%<script>%'")?;
    let n: i64 = found.first().context("no count")?.parse()?;
    ensure!(n > 0, "no hostile text is stored");
    Ok(())
}

fn count(report: &Json, outcome: &mut Outcome, planted: &mut Vec<(String, u64)>) -> Result<()> {
    let n_pages = report["pages"].as_u64().unwrap_or(0);
    let found = report["found"].as_array().context("nothing was counted")?;
    for what in found {
        outcome.trial(Err(anyhow::anyhow!(
            "{}",
            what.as_str().unwrap_or_default()
        )));
    }
    for _ in found.len() as u64..n_pages {
        outcome.trial(Ok(()));
    }
    let number = |key: &str| report[key].as_u64().unwrap_or(0);
    outcome.note(format!(
        "{n_pages} pages, {} payloads in {} places for text",
        number("payloads"),
        number("slots")
    ));
    for plant in report["planted"].as_array().into_iter().flatten() {
        let what = plant["what"].as_str().unwrap_or_default().to_owned();
        planted.push((what, plant["found"].as_u64().unwrap_or(0)));
    }
    ensure!(planted.len() == 5, "{} bugs were planted", planted.len());
    Ok(())
}

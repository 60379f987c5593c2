//! SEC-9: secrets and personal data stay where they belong. A place is seeded
//! with texts that stand nowhere else, every operation of the API's
//! description is asked by an owner, by roles that see little and by nobody,
//! and then everything that leaves the place, or lies beside it, is looked
//! through for them.
//!
//! [`place`] (what is seeded, and who asks), here (where it is looked for).

mod place;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::ground::{Ground, Home, STORES, Store};
use super::outcome::Outcome;
use super::server::{Client, Reply};
use place::{Place, SEEN_BY_NOBODY_LOW};

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("SEC-9 leaks, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        let mut planted = Vec::new();
        tell(Outcome::of(&name, |outcome| {
            leaks(ground, store, outcome, &mut planted)
        }));
        tell(Outcome::of(format!("{name} (planted)"), |outcome| {
            planted
                .drain(..)
                .for_each(|(what, checked)| outcome.planted(what, checked));
            Ok(())
        }));
    }
}

fn leaks(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(store)?;
    let log = home.folder().join("log");
    let place = Place::make(&home, &log)?;
    let document = place.owner.get("/api/openapi.json")?;
    let mut n_operations = 0;
    let secrets = place.secrets.clone();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    // Of the others only a hash is kept.
    let hashed: Vec<&str> = secrets
        .iter()
        .copied()
        .filter(|secret| !place.kept.iter().any(|kept| kept == secret))
        .collect();
    let all: Vec<&str> = secrets.iter().copied().chain(place::PERSONAL).collect();
    for (who, client, may_see) in place.people() {
        for (method, path, operation) in operations(&document) {
            n_operations += 1;
            for reply in asked(&place, &client, who, &method, &path, &operation)? {
                // An owner sees whom the place knows, and is told of his
                // mistakes without that.
                let hidden: &[&str] = match reply.status {
                    200..300 if may_see => &secrets,
                    200..300 => &all,
                    _ => &all,
                };
                let what = || format!("{who}: {method} {path}: {}", reply.status);
                outcome.trial(without(&reply, hidden).with_context(what));
                outcome.trial(is_answer(&reply).with_context(what));
            }
        }
    }
    for (who, client, may_see) in place.people().into_iter().filter(|p| !p.2) {
        for (what, reply) in questions(&client)? {
            ensure!(!may_see, "only of those who see little");
            outcome.trial(without(&reply, &all).with_context(|| format!("{who}: {what}")));
        }
    }
    let told = place.told(&home)?;
    for body in &told {
        outcome.trial(clean(body, &all).context("a webhook of a role that sees little"));
    }

    // What lies beside the database, what is logged, what is kept.
    let backup = home.folder().join("kept.backup");
    let report = home.run(["backup".into(), backup.clone().into_os_string()])?;
    outcome.trial(clean(report.said().as_bytes(), &all).context("what a backup says"));
    let bytes = std::fs::read(&backup)?;
    outcome.trial(clean(&bytes, &hashed).context("the backup"));
    outcome.trial(clean(manifest(&bytes)?, &all).context("the manifest of the backup"));
    std::fs::remove_file(&backup)?;
    for (texts, without) in [
        (&hashed, &[][..]),
        (&all, &["keji.sqlite", "backups", "uploads", "copy"][..]),
        (&secrets, &["keji.sqlite", "backups"][..]),
    ] {
        outcome.trial(clean_folder(&home.data, texts, without));
    }
    // The copy has objects that are counted, and no others' values.
    outcome.trial(clean_folder(
        &home.data,
        &place::NOT_COPIED,
        &["keji.sqlite", "backups", "uploads"],
    ));
    let uses = place.stop();
    let bytes = std::fs::read(&log)?;
    outcome.trial(clean(&bytes, &all).context("the log"));
    ensure!(bytes.len() > 10_000, "hardly anything was logged");
    outcome.trial(home.is_good());
    outcome.note(format!(
        "{n_operations} operations, {} bodies of webhooks, {} kB of log at the level of debugging, {} texts",
        told.len(),
        bytes.len() / 1000,
        all.len()
    ));

    // Each look finds what is put there.
    let [phone, password] = [place::PERSONAL[0], uses.password.as_str()];
    let with = |text: &str| [&bytes, text.as_bytes()].concat();
    planted.push(("a password is logged", clean(&with(password), &all)));
    planted.push(("a telephone number is logged", clean(&with(phone), &all)));
    std::fs::write(home.data.join("left"), phone)?;
    let left = clean_folder(
        &home.data,
        &all,
        &["keji.sqlite", "backups", "uploads", "copy"],
    );
    planted.push(("a number lies in the data folder", left));
    planted.push((
        "a role sees what is hidden from it",
        seen_by_owner(ground, &home, &log, &all)?,
    ));
    Ok(())
}

/// As if the owner were one of those who see little.
fn seen_by_owner(ground: &Ground, home: &Home, log: &Path, all: &[&str]) -> Result<Result<()>> {
    ensure!(!ground.bin.as_os_str().is_empty(), "no program");
    let server = place::serve(home, log)?;
    for (_, reply) in questions(&server.client())? {
        if let Err(problem) = without(&reply, all) {
            return Ok(Err(problem));
        }
    }
    Ok(Ok(()))
}

/// Method, path with its parameters, and what is said of it.
fn operations(document: &Json) -> Vec<(String, String, Json)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let method = method.to_ascii_uppercase();
            if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                all.push((method, path.clone(), operation.clone()));
            }
        }
    }
    all
}

/// What would end the session or the tokens that ask, or take away what is
/// looked for; and a webhook that an owner saves tells what the owner sees.
const NOT_BY_OWNER: [&str; 9] = [
    "DELETE",
    "/api/webhooks",
    "/api/webhooks/{id}",
    "/api/users/{id}",
    "/confirm",
    "/undo",
    "/hand-over",
    "/release",
    "/cancel",
];

/// Asks an operation, well and wrongly.
fn asked(
    place: &Place,
    client: &Client,
    who: &str,
    method: &str,
    path: &str,
    operation: &Json,
) -> Result<Vec<Reply>> {
    let is_ending = NOT_BY_OWNER
        .iter()
        .any(|word| method == *word || method != "GET" && path.ends_with(word));
    // Its session, and the webhook that is listened to.
    let is_needed = path == "/api/session" || path.starts_with("/api/webhooks");
    if (who == "owner" && is_ending) || (method == "DELETE" && is_needed) {
        return Ok(Vec::new());
    }
    let path = place.filled(path, operation);
    let wrong = json!({ "name": place::NAME, "phone": place::PERSONAL[0], "email": place::MAIL,
        "login": "canary", "password": place::WRONG, "city": [1], "nothing": 1 });
    let bodies = match method {
        "GET" => vec![Json::Null],
        // For roles that may write nothing: as if they might.
        "DELETE" => vec![Json::Null],
        _ => vec![json!({}), wrong],
    };
    let mut replies = Vec::new();
    for body in &bodies {
        replies.push(client.ask(method, &path, body)?);
    }
    if method == "GET" && path.contains('?') {
        replies.push(client.ask(
            method,
            &format!("{path}&limit=nothing&sort=nothing"),
            &Json::Null,
        )?);
    }
    Ok(replies)
}

/// Questions by which what is hidden might be found out.
fn questions(client: &Client) -> Result<Vec<(String, Reply)>> {
    let mut all = Vec::new();
    for path in SEEN_BY_NOBODY_LOW {
        all.push(((*path).to_owned(), client.ask("GET", path, &Json::Null)?));
    }
    for by in [
        "customer",
        "customer.name",
        "customer.phone",
        "customer.city",
    ] {
        let question = json!({ "metrics": ["orders"], "by": [by] });
        for path in [
            "/api/insight",
            "/api/insight/rows",
            "/api/insight/explain",
            "/api/exports/insight?format=csv",
            "/api/exports/rows?format=csv",
        ] {
            let reply = client.ask("POST", path, &question)?;
            all.push((format!("{path} by {by}"), reply));
        }
    }
    Ok(all)
}

/// An answer of the program, and no fault of its own.
fn is_answer(reply: &Reply) -> Result<()> {
    ensure!(reply.status < 500, "status {}", reply.status);
    Ok(())
}

fn without(reply: &Reply, texts: &[&str]) -> Result<()> {
    clean(reply.head.as_bytes(), texts)?;
    clean(&reply.body, texts)
}

fn clean(bytes: &[u8], texts: &[&str]) -> Result<()> {
    for text in texts {
        let at = bytes.windows(text.len()).position(|w| w == text.as_bytes());
        if let Some(at) = at {
            let around = &bytes[at.saturating_sub(80)..(at + text.len() + 40).min(bytes.len())];
            anyhow::bail!("{text} in …{}…", String::from_utf8_lossy(around));
        }
    }
    Ok(())
}

fn clean_folder(folder: &Path, texts: &[&str], without: &[&str]) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if without.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        match path.is_dir() {
            true => clean_folder(&path, texts, without)?,
            false => {
                clean(&std::fs::read(&path)?, texts).with_context(|| path.display().to_string())?
            }
        }
    }
    Ok(())
}

/// The part of a backup behind its database.
fn manifest(backup: &[u8]) -> Result<&[u8]> {
    const START: &[u8] = br#"{"format":"#;
    let at = backup.windows(START.len()).rposition(|w| w == START);
    Ok(&backup[at.context("no manifest")?..])
}

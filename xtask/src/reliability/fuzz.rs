//! SEC-8: mutated files through the door that people use. The server neither
//! crashes nor hangs, and nothing half stays behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use super::ground::{Ground, Store};
use super::mutate;
use super::orders;
use super::outcome::Outcome;
use super::random::Random;
use super::server::{Client, Server, id};
use super::stand_in;

const HANGS: Duration = Duration::from_secs(20);

/// One in so many is kept, and then undone.
const KEPT: usize = 10;

/// After so many failures the rest would say nothing new.
const MOST_FAILURES: u64 = 20;

struct Seed {
    /// The ending that the product reads the kind of a file from.
    ending: String,
    bytes: Vec<u8>,
}

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for (kind, endings, n) in [
        (
            "CSV",
            &["csv", "tsv", "txt", "csv.gz"][..],
            ground.n(10_000, 100),
        ),
        ("XLSX", &["xlsx"][..], ground.n(1_000, 20)),
    ] {
        let name = format!("SEC-8 mutated {kind}");
        tell(Outcome::of(&name, |outcome| {
            let seeds = seeds(&ground.root, endings)?;
            let mut random = ground.random(&name);
            // In a place with orders, as those that people import into.
            let home = ground.home(Store::Sqlite)?;
            home.import(&home.write("base.csv", orders::file(3_000, 3, 100))?)?;
            hunt(&mut || home.serve(), &seeds, n, HANGS, &mut random, outcome)?;
            outcome.trial(home.is_good());
            Ok(())
        }));
    }
    tell(Outcome::of("SEC-8 (planted)", |outcome| {
        planted(ground, outcome)
    }));
}

fn planted(ground: &Ground, outcome: &mut Outcome) -> Result<()> {
    let seeds = seeds(&ground.root, &["csv", "xlsx"])?;
    let own = std::env::current_exe()?;
    for bug in stand_in::BUGS {
        let mut seen = Outcome::of("stand-in", |seen| {
            let mut random = ground.random("stand-in");
            let mut start = || {
                let mut command = Command::new(&own);
                command.args(["reliability", stand_in::COMMAND, bug]);
                command
            };
            hunt(
                &mut start,
                &seeds,
                120,
                Duration::from_millis(200),
                &mut random,
                seen,
            )
        });
        let result = match (seen.failures, seen.details.pop()) {
            (0, _) => Ok(()),
            (_, why) => Err(anyhow::anyhow!(why.unwrap_or_default())),
        };
        match bug {
            stand_in::NONE => outcome.trial(result.context("an honest stand-in")),
            bug => outcome.planted(bug, result),
        }
    }
    // What a file leaves behind in a store that nobody may see.
    let home = ground.home(Store::Sqlite)?;
    home.import(&home.write("base.csv", orders::file(300, 3, 100))?)?;
    home.sql("delete from order_line where id = 1")?;
    outcome.planted("an order line is gone", home.is_good());
    Ok(())
}

/// Sends `n` mutated files in.
fn hunt(
    start: &mut dyn FnMut() -> Command,
    seeds: &[Seed],
    n: usize,
    hangs: Duration,
    random: &mut Random,
    outcome: &mut Outcome,
) -> Result<()> {
    let mut server = Server::start(&mut start())?;
    for i in 0..n {
        if outcome.failures >= MOST_FAILURES {
            outcome.note(format!("stopped after {i} of {n} files"));
            break;
        }
        let (seed, other) = (random.any(seeds), random.any(seeds));
        let file = match seed.ending.as_str() {
            "xlsx" => mutate::workbook(&seed.bytes, &other.bytes, random),
            _ => mutate::table(&seed.bytes, &other.bytes, random),
        };
        let client = server.client();
        let query = format!("mutated.{}", seed.ending);
        let result = if i % KEPT == KEPT - 1 {
            let mode = *random.any(&["add", "add", "update"]);
            kept(&client, &format!("{query}&mode={mode}"), &file, hangs)
        } else {
            tried(&client, &query, &file, hangs)
        };
        let result = match server.is_alive() {
            true => result,
            false => Err(anyhow::anyhow!("the server is gone: {result:?}")),
        };
        let has_failed = result.is_err();
        outcome.trial(result.with_context(|| format!("file {i}, {query}")));
        if has_failed {
            // The next file is to meet a server that is well.
            server = Server::start(&mut start())?;
        }
    }
    Ok(())
}

fn tried(client: &Client, query: &str, file: &[u8], hangs: Duration) -> Result<()> {
    let Some(import) = sent(client, &format!("{query}&dry_run=true"), file, hangs)? else {
        return Ok(());
    };
    ended(client, &import)
}

/// Ends in one of the ways in which an import may end.
fn ended(client: &Client, import: &Json) -> Result<()> {
    match import["state"].as_str() {
        Some("needs_mapping") => {
            let id = id(import)?;
            client.post(&format!("/api/imports/{id}/cancel"))?;
            Ok(())
        }
        Some("failed") => {
            ensure!(import["error"]["en"].is_string(), "no reason: {import}");
            Ok(())
        }
        Some("done") => Ok(()),
        other => bail!("ended as {other:?}: {import}"),
    }
}

/// A real import; whatever came of it can be taken back, and nothing stays.
fn kept(client: &Client, query: &str, file: &[u8], hangs: Duration) -> Result<()> {
    let before = counts(client)?;
    let Some(import) = sent(client, query, file, hangs)? else {
        return Ok(());
    };
    ended(client, &import)?;
    let state = &import["state"];
    // Of a file without one good row there is nothing to take back.
    if state == "done" && import["batch"].is_i64() {
        let id = id(&import)?;
        client
            .post(&format!("/api/imports/{id}/undo"))
            .context("cannot be undone")?;
    }
    let after = counts(client)?;
    ensure!(
        before == after,
        "{state} and left something: {after:?}, before {before:?}: {}",
        import["error"]
    );
    Ok(())
}

/// None when the file was refused at the door.
fn sent(client: &Client, query: &str, file: &[u8], hangs: Duration) -> Result<Option<Json>> {
    let reply = client.send("POST", &format!("/api/imports?filename={query}"), file)?;
    match reply.status {
        201 => Ok(Some(client.settled(id(&reply.json()?)?, hangs)?)),
        400..500 => Ok(None),
        status => bail!("status {status}: {}", String::from_utf8_lossy(&reply.body)),
    }
}

/// Records, without the scores, which follow from them.
fn counts(client: &Client) -> Result<Vec<(String, i64)>> {
    let status = client.get("/api/status")?;
    let counts = status["counts"].as_object().context("no counts")?;
    Ok(counts
        .iter()
        .filter(|(object, _)| object.as_str() != "score")
        .map(|(object, n)| (object.clone(), n.as_i64().unwrap_or(-1)))
        .collect())
}

/// The ugly files of the import's own tests, in the order of their names.
fn seeds(root: &Path, endings: &[&str]) -> Result<Vec<Seed>> {
    let folder = root.join("crates/app/tests/fixtures/ugly");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .collect();
    paths.sort();
    let mut seeds = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ending = name.split_once('.').map_or("", |(_, ending)| ending);
        if endings.contains(&ending) {
            seeds.push(Seed {
                ending: ending.to_owned(),
                bytes: std::fs::read(&path)?,
            });
        }
    }
    ensure!(
        !seeds.is_empty(),
        "no files to mutate in {}",
        folder.display()
    );
    Ok(seeds)
}

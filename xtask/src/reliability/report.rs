//! What a run writes: one line per test while it runs, and the list and the
//! page of a whole run, with every failure in them.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::bound::bound95;
use super::ground::Ground;
use super::outcome::Outcome;
use super::process::ended;

pub fn line(outcome: &Outcome) -> String {
    let seconds = outcome.duration.as_secs_f64();
    let mut line = match &outcome.skipped {
        Some(why) => format!("skipped {}: {why}", outcome.test),
        None => format!(
            "{}  {}: {} of {} failed, at most {:.4} ({seconds:.1} s)",
            if outcome.failures == 0 {
                "ok    "
            } else {
                "FAILED"
            },
            outcome.test,
            outcome.failures,
            outcome.n,
            bound95(outcome.n, outcome.failures),
        ),
    };
    for detail in &outcome.details {
        // Writing to a text cannot fail.
        let _ = write!(line, "\n          {detail}");
    }
    line
}

/// Puts a test into docs/reliability.json, in place of its earlier run, and
/// writes docs/reliability.md from that.
pub fn add(ground: &Ground, commit: &str, outcome: &Outcome) -> Result<()> {
    let mut list = read(&ground.root)?;
    put(&mut list, entry(outcome, ground.seed, commit));
    write(&ground.root, &list)
}

/// Tests that are no more leave with the next whole run.
pub fn keep_only(ground: &Ground, outcomes: &[Outcome]) -> Result<()> {
    let mut list = read(&ground.root)?;
    list.retain(|entry| outcomes.iter().any(|o| entry["test"] == o.test));
    write(&ground.root, &list)
}

fn put(list: &mut Vec<Json>, entry: Json) {
    match list.iter_mut().find(|e| e["test"] == entry["test"]) {
        Some(earlier) => *earlier = entry,
        None => list.push(entry),
    }
}

fn read(root: &Path) -> Result<Vec<Json>> {
    let path = root.join("docs/reliability.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is no list", path.display()))
}

fn write(root: &Path, list: &[Json]) -> Result<()> {
    let docs = root.join("docs");
    let mut text = serde_json::to_string_pretty(list)?;
    text.push('\n');
    std::fs::write(docs.join("reliability.json"), text)?;
    std::fs::write(docs.join("reliability.md"), page(list))?;
    Ok(())
}

fn entry(outcome: &Outcome, seed: u64, commit: &str) -> Json {
    let bound = bound95(outcome.n, outcome.failures);
    json!({
        "test": outcome.test,
        "n": outcome.n,
        "failures": outcome.failures,
        "bound95": if outcome.skipped.is_some() { Json::Null } else { json!((bound * 1e6).round() / 1e6) },
        "seed": seed,
        "commit": commit,
        "duration_s": (outcome.duration.as_secs_f64() * 10.0).round() / 10.0,
        "skipped": outcome.skipped,
        "details": outcome.details,
    })
}

/// The commit of the folder, marked where something is changed.
pub fn commit(root: &Path) -> String {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["describe", "--always", "--dirty", "--abbrev=10"]);
    ended(&mut git, Duration::from_secs(30))
        .and_then(|e| e.good())
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn page(list: &[Json]) -> String {
    let mut page = String::from(
        "# Reliability\n\n\
         Written by `make reliability` from `docs/reliability.json`; nobody edits it, and a failure stays in it \
         until a run without it.\n\n\
         The bound is how often it may still fail in truth, at 95 %: 3/n without a failure, else the exact \
         binomial bound. A test marked *planted* puts a bug in and fails when its check does not see it.\n\n\
         | Test | Trials | Failures | Bound | Seconds | Commit | Seed |\n|---|---|---|---|---|---|---|\n",
    );
    for entry in list {
        let row = match entry["skipped"].as_str() {
            Some(why) => format!("skipped: {} | – | –", cell(why)),
            None => format!(
                "{} | {} | {}",
                entry["n"], entry["failures"], entry["bound95"]
            ),
        };
        let _ = writeln!(
            page,
            "| {} | {row} | {} | {} | {} |",
            cell(text(&entry["test"])),
            entry["duration_s"],
            text(&entry["commit"]),
            entry["seed"],
        );
    }
    let mut notes = String::new();
    for entry in list {
        for detail in entry["details"].as_array().into_iter().flatten() {
            let _ = writeln!(
                notes,
                "- {}: `{}`",
                text(&entry["test"]),
                text(detail).replace('`', "'").replace('\n', " ")
            );
        }
    }
    if !notes.is_empty() {
        let _ = write!(page, "\n## Failures and remarks\n\n{notes}");
    }
    page
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or("")
}

fn cell(text: &str) -> String {
    text.replace('|', "/").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_takes_the_place_of_its_earlier_run() {
        let mut list = vec![json!({"test": "A", "n": 1}), json!({"test": "B", "n": 1})];
        put(&mut list, json!({"test": "A", "n": 2}));
        put(&mut list, json!({"test": "C", "n": 3}));
        let n: Vec<_> = list.iter().map(|e| e["n"].as_u64().unwrap()).collect();
        assert_eq!(n, [2, 1, 3]);
    }

    #[test]
    fn a_failure_stays_on_the_page() {
        let outcome = Outcome::of("REL-X", |outcome| {
            outcome.trial(Ok(()));
            outcome.trial(Err(anyhow::anyhow!("one `lost`")));
            Ok(())
        });
        let skipped = Outcome::skipped("REL-Y", "no such tool");
        let list = [entry(&outcome, 7, "abc"), entry(&skipped, 7, "abc")];
        assert_eq!(
            (&list[0]["n"], &list[0]["failures"]),
            (&json!(2), &json!(1))
        );
        let page = page(&list);
        assert!(page.contains("| REL-X | 2 | 1 | 0.97"), "{page}");
        assert!(page.contains("- REL-X: `trial 2: one 'lost'`"), "{page}");
        assert!(page.contains("skipped: no such tool"), "{page}");
    }
}

//! What a run writes: one line per test while it runs, and the list and the
//! page of a whole run, with every failure in them.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
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

/// Writes docs/reliability.json and, from that, docs/reliability.md.
pub fn write(ground: &Ground, outcomes: &[Outcome]) -> Result<()> {
    let commit = commit(&ground.root);
    let list: Vec<Json> = outcomes
        .iter()
        .map(|outcome| entry(outcome, ground.seed, &commit))
        .collect();
    let docs = ground.root.join("docs");
    let mut text = serde_json::to_string_pretty(&list)?;
    text.push('\n');
    std::fs::write(docs.join("reliability.json"), text)?;
    std::fs::write(docs.join("reliability.md"), page(&list))?;
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

fn commit(root: &Path) -> String {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["describe", "--always", "--dirty", "--abbrev=10"]);
    ended(&mut git, Duration::from_secs(30))
        .and_then(|e| e.good())
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn page(list: &[Json]) -> String {
    let first = list.first().unwrap_or(&Json::Null);
    let mut page = format!(
        "# Reliability\n\n\
         Written by `make reliability` from `docs/reliability.json`; nobody edits it, and a failure stays in it \
         until a run without it. Commit {}, seed {}.\n\n\
         The bound is how often it may still fail in truth, at 95 %: 3/n without a failure, else the exact \
         binomial bound. A test marked *planted* puts a bug in and fails when its check does not see it.\n\n\
         | Test | Trials | Failures | Bound | Seconds |\n|---|---|---|---|---|\n",
        text(&first["commit"]),
        first["seed"],
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
            "| {} | {row} | {} |",
            cell(text(&entry["test"])),
            entry["duration_s"]
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

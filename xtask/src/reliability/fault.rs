//! REL-1c: the nth write or sync of an import fails. It ends with an error or
//! with everything; the store opens and is whole, and the same import works
//! afterwards. strace injects the fault, so the product's code is not touched.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::ground::{COMMAND, Ground, Home, Store};
use super::orders;
use super::outcome::Outcome;
use super::process::{Ended, ended};
use super::sync::lacks_strace;

/// Calls, the error, and whether all later calls fail too.
const FAULTS: [(&str, &str, bool); 3] = [
    ("fsync,fdatasync", "EIO", false),
    ("pwrite64", "ENOSPC", true),
    ("pwrite64", "EIO", false),
];

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let name = "REL-1c nth fault of an import, SQLite";
    if let Some(why) = lacks_strace() {
        return tell(Outcome::skipped(name, why));
    }
    let mut planted = Vec::new();
    let found = Outcome::of(name, |outcome| faults(ground, outcome, &mut planted));
    let planted = Outcome::of(format!("{name} (planted)"), |outcome| {
        planted
            .drain(..)
            .for_each(|(what, checked)| outcome.planted(what, checked));
        Ok(())
    });
    tell(found);
    tell(planted);
}

fn faults(
    ground: &Ground,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let whole = ground.home(Store::Sqlite)?;
    let file = whole.write("orders.csv", orders::file(ground.n(30_000, 3_000), 3, 500))?;
    let log = whole.folder().join("strace");
    let traced = traced(&whole, &log, "-e", "trace=fsync,fdatasync,pwrite64", &file)?;
    traced.good()?;
    let expected = whole.state()?;
    let n_orders = whole.n_orders()?;
    let calls = std::fs::read_to_string(&log)?;

    let mut n_said = 0;
    for (names, error, is_lasting) in FAULTS.into_iter().take(ground.n(3, 2)) {
        let most = most_of_a_thread(&calls, names);
        let n = ground.n(20, 1).min(most);
        ensure!(n > 0, "an import calls no {names}");
        for i in 1..=n {
            // Syncs one by one; of the many writes, some spread over all.
            let when = most * i / (n + usize::from(most > n));
            let more = if is_lasting { "+" } else { "" };
            let inject = format!("inject={names}:error={error}:when={when}{more}");
            let home = ground.home(Store::Sqlite)?;
            let log = home.folder().join("strace");
            let struck = self::traced(&home, &log, "-e", &inject, &file)?;
            if !std::fs::read_to_string(&log)?.contains("(INJECTED)") {
                outcome.note(format!("{inject}: was not reached"));
                continue;
            }
            let has_failed = !struck.status.success();
            let result = all_or_nothing(&home, &struck, n_orders).and_then(|()| {
                n_said += usize::from(has_failed && home.n_orders()? == n_orders);
                home.import(&file).context("the same import afterwards")?;
                home.agrees_with(&expected)?;
                home.is_good()
            });
            outcome.trial(result.context(inject));
        }
    }
    outcome.note(format!(
        "{n_said} of {} said an error after everything was stored",
        outcome.n
    ));

    let empty = ground.home(Store::Sqlite)?;
    let lies = ended(&mut Command::new("true"), COMMAND)?;
    planted.push((
        "success is said and nothing is stored",
        all_or_nothing(&empty, &lies, n_orders),
    ));
    let silent = ended(&mut Command::new("false"), COMMAND)?;
    planted.push((
        "an error without a word",
        all_or_nothing(&empty, &silent, n_orders),
    ));
    whole.sql("delete from order_line where id = (select max(id) from order_line)")?;
    planted.push(("an order line is gone", whole.is_good()));
    Ok(())
}

/// After a fault: what was said is true, and the store is whole.
fn all_or_nothing(home: &Home, struck: &Ended, n_orders: i64) -> Result<()> {
    ensure!(!struck.has_crashed(), "crashed: {}", struck.said().trim());
    home.is_good()?;
    let n = home.n_orders()?;
    if struck.status.success() {
        ensure!(n == n_orders, "success was said, and {n} orders are stored");
    } else {
        ensure!(!struck.said().trim().is_empty(), "an error without a word");
        ensure!(n == 0 || n == n_orders, "{n} orders of {n_orders}");
    }
    Ok(())
}

fn traced(home: &Home, log: &Path, option: &str, what: &str, file: &Path) -> Result<Ended> {
    let under: [OsString; 6] = [
        "strace".into(),
        "-f".into(),
        "-o".into(),
        log.into(),
        option.into(),
        what.into(),
    ];
    let arguments: [OsString; 3] = ["import".into(), file.into(), "--json".into()];
    ended(&mut home.keji_under(under, arguments), COMMAND)
}

/// strace counts the calls of each thread by itself.
fn most_of_a_thread(log: &str, names: &str) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    for line in log.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(call)) = (words.next(), words.next()) else {
            continue;
        };
        if names
            .split(',')
            .any(|name| call.starts_with(&format!("{name}(")))
        {
            *counts.entry(thread).or_insert(0) += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

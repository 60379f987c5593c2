//! `xtask reliability`: what happens to the data when processes die, disks
//! fill, databases restart and files are hostile. Drives the real program over
//! its command line and HTTP; knows nothing of its inside.
//!
//! Reading order: [`outcome`] (what a test counts), [`ground`] (places and
//! stores), [`server`], then one file per test. Every test plants a bug of its
//! own and fails when it does not find it.

mod acknowledged;
mod backup;
mod bound;
mod contract;
mod disk;
mod erase;
mod fault;
mod files;
mod fuzz;
mod ground;
mod injection;
mod kill;
mod leaks;
mod markup;
mod matrix;
mod mutate;
mod orders;
mod outbound;
mod outcome;
mod process;
mod random;
mod receiver;
mod records;
mod report;
mod restart;
mod server;
mod sign_in;
mod stand_in;
mod sync;
mod webhooks;
mod zip;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use ground::{Cluster, Ground};
use outcome::Outcome;

/// The name for `--only`, and the test.
type Test = fn(&Ground, &mut dyn FnMut(Outcome));
const TESTS: [(&str, Test); 17] = [
    ("REL-1", kill::run),
    ("REL-1b", sync::run),
    ("REL-1c", fault::run),
    ("REL-4", webhooks::run),
    ("REL-5", disk::run),
    ("REL-5b", restart::run),
    ("REL-6", backup::run),
    ("SEC-1", contract::run),
    ("SEC-2", matrix::run),
    ("SEC-3", outbound::run),
    ("SEC-4", injection::run),
    ("SEC-5", markup::run),
    ("SEC-6", sign_in::run),
    ("SEC-7", files::run),
    ("SEC-8", fuzz::run),
    ("SEC-9", leaks::run),
    ("SEC-10", erase::run),
];

const SEED: u64 = 20_251_122;

pub const USAGE: &str = "cargo xtask reliability [--sample] [--only NAME] [--bin PATH] [--seed N]";

#[derive(Debug)]
struct Wanted {
    is_sample: bool,
    only: Option<String>,
    bin: PathBuf,
    seed: u64,
}

/// Runs what is wanted; true when every trial went well. All but a sample is
/// written to docs/reliability.json and docs/reliability.md, each test with the
/// commit that it ran on.
pub fn run(root: &Path, arguments: &[String]) -> Result<bool> {
    if let [command, bug] = arguments
        && command == stand_in::COMMAND
    {
        return stand_in::serve(bug).map(|()| true);
    }
    let wanted = parse(root, arguments)?;
    let bin = std::fs::canonicalize(&wanted.bin)
        .with_context(|| format!("no program at {}", wanted.bin.display()))?;
    let ground = Ground {
        bin,
        seed: wanted.seed,
        is_sample: wanted.is_sample,
        cluster: Cluster::of_environment(root)?,
        root: root.to_owned(),
    };
    let started = Instant::now();
    let mut outcomes = Vec::new();
    let mut unwritten = None;
    // Of now: what is written here changes the folder.
    let commit = report::commit(root);
    for (name, test) in TESTS {
        if wanted.only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        test(&ground, &mut |outcome| {
            println!("{}", report::line(&outcome));
            // At once, so that a run which is cut short has told what it found.
            if !wanted.is_sample
                && let Err(problem) = report::add(&ground, &commit, &outcome)
            {
                unwritten.get_or_insert(problem);
            }
            outcomes.push(outcome);
        });
    }
    if let Some(problem) = unwritten {
        return Err(problem);
    }
    ensure!(!outcomes.is_empty(), "no test of that name: {}", names());
    let n_failed = outcomes.iter().filter(|o| o.failures > 0).count();
    if !wanted.is_sample && wanted.only.is_none() {
        report::keep_only(&ground, &outcomes)?;
    }
    println!(
        "reliability: {} tests, {n_failed} failed, {} skipped, {:.0} s",
        outcomes.len(),
        outcomes.iter().filter(|o| o.skipped.is_some()).count(),
        started.elapsed().as_secs_f64()
    );
    Ok(n_failed == 0)
}

fn names() -> String {
    TESTS.map(|(name, _)| name).join(", ")
}

fn parse(root: &Path, arguments: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted {
        is_sample: false,
        only: None,
        bin: std::env::var_os("KEJI_BIN")
            .map_or_else(|| root.join("target/release/keji"), PathBuf::from),
        seed: SEED,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            rest.next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--sample" => wanted.is_sample = true,
            "--only" => wanted.only = Some(value()?.clone()),
            "--bin" => wanted.bin = value()?.into(),
            "--seed" => wanted.seed = value()?.parse().context("--seed needs a number")?,
            _ => bail!("unknown argument {argument}; usage: {USAGE}"),
        }
    }
    Ok(wanted)
}

//! REL-1b: between the arrival of a file or a record and its acknowledgement
//! the log of the database reaches the disk. A kill cannot show that, because the pages that
//! were not synced stay with the kernel; strace is the witness.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::acknowledged;
use super::ground::{COMMAND, Ground, Store};
use super::orders;
use super::outcome::Outcome;
use super::process::{ended, is_there};
use super::records::Records;
use super::server::Server;

/// strace writes its lines a little after the calls.
const WRITTEN: Duration = Duration::from_secs(5);

/// Why there can be no witness here.
pub fn lacks_strace() -> Option<&'static str> {
    (!is_there("strace", &["-o", "/dev/null", "true"]))
        .then_some("strace is missing or may not trace: apt-get install strace")
}

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let name = "REL-1b sync before acknowledgement, SQLite";
    if let Some(why) = lacks_strace() {
        return tell(Outcome::skipped(name, why));
    }
    tell(Outcome::of(name, |outcome| server(ground, outcome)));
    tell(Outcome::of(format!("{name} (planted)"), |outcome| {
        shell(ground, outcome)
    }));
}

fn server(ground: &Ground, outcome: &mut Outcome) -> Result<()> {
    let home = ground.home(Store::Sqlite)?;
    home.import(&home.write("base.csv", orders::file(300, 3, 100))?)?;
    let log = home.folder().join("strace");
    let mut server = Server::start(&mut home.serve_under(witness(&log)))?;
    let mut acknowledged = Vec::new();
    for i in 0..ground.n(200, 5) {
        let arrives = now_s()?;
        let order = acknowledged::number(i);
        let import = server
            .client()
            .import("one.csv", orders::one(&order).as_bytes(), COMMAND)?;
        ensure!(import["state"] == "done", "{import}");
        acknowledged.push((arrives, now_s()?));
    }
    let n = acknowledged.len();
    // One at a time, so that no other's sync is taken for its own.
    let mut records = Records::new(1);
    let written = records.one_by_one(&server.client(), ground.n(200, 8), now_s)?;
    server.kill()?;
    std::thread::sleep(WRITTEN.mul_f64(if ground.is_sample { 0.1 } else { 1.0 }));
    let syncs = syncs(&log, "keji.sqlite-wal")?;
    outcome.note(format!(
        "{} syncs of the log for {n} files and {} requests over records",
        syncs.len(),
        written.len()
    ));
    for (arrives, acknowledged) in acknowledged.into_iter().chain(written) {
        let n = count(&syncs, arrives, acknowledged);
        outcome.trial(match n {
            0 => Err(anyhow::anyhow!("acknowledged without a sync")),
            _ => Ok(()),
        });
    }
    Ok(())
}

/// The same witness over a program that is told not to wait for the disk, or
/// only at checkpoints, as an inattentive setting would.
fn shell(ground: &Ground, outcome: &mut Outcome) -> Result<()> {
    for (setting, is_safe) in [("full", true), ("normal", false), ("off", false)] {
        let home = ground.home(Store::Sqlite)?;
        let (log, file) = (
            home.folder().join("strace"),
            home.folder().join("keji.sqlite"),
        );
        let n = 100;
        let mut script = format!(
            "pragma journal_mode = wal; create table t (x); pragma synchronous = {setting};"
        );
        (0..n).for_each(|i| script.push_str(&format!("insert into t values ({i});")));
        let under = witness(&log);
        let mut sqlite = Command::new(&under[0]);
        sqlite
            .args(&under[1..])
            .arg("sqlite3")
            .arg(file)
            .arg(script);
        ended(&mut sqlite, COMMAND)?.good()?;
        std::thread::sleep(WRITTEN.mul_f64(0.1));
        let n_syncs = syncs(&log, "keji.sqlite-wal")?.len();
        let checked = match n_syncs >= n {
            true => Ok(()),
            false => Err(anyhow::anyhow!("{n_syncs} syncs for {n} writes")),
        };
        match is_safe {
            true => outcome.trial(checked.context("the witness itself")),
            false => outcome.planted(setting, checked),
        }
    }
    Ok(())
}

/// `-D` keeps the program, not strace, the child that is stopped.
fn witness(log: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["strace", "-D", "-f", "-y", "-ttt", "-e"]
        .map(OsString::from)
        .to_vec();
    words.push("trace=fsync,fdatasync".into());
    words.push("-o".into());
    words.push(log.into());
    words
}

/// When each sync of that file began, in seconds since 1970.
fn syncs(log: &PathBuf, file: &str) -> Result<Vec<f64>> {
    let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
    Ok(parsed(&text, file))
}

fn parsed(log: &str, file: &str) -> Vec<f64> {
    log.lines()
        .filter(|line| line.contains("sync(") && line.contains(&format!("{file}>")))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse().ok())
        .collect()
}

fn count(syncs: &[f64], from: f64, to: f64) -> usize {
    syncs.iter().filter(|at| (from..=to).contains(*at)).count()
}

fn now_s() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_strace_writes() {
        let log = "30470 1763779690.5 fsync(7</d/keji.sqlite-wal>) = 0\n\
                   30471 1763779691.5 fdatasync(7</d/keji.sqlite-wal> <unfinished ...>\n\
                   30471 1763779691.7 <... fdatasync resumed>) = 0\n\
                   30470 1763779692.5 fsync(9</d/keji.sqlite>) = 0\n";
        let syncs = parsed(log, "keji.sqlite-wal");
        assert_eq!(syncs, [1763779690.5, 1763779691.5]);
        assert_eq!(count(&syncs, 1763779691.0, 1763779692.0), 1);
    }
}

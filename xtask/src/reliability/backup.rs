//! REL-6: backups made while files go in come back whole: each holds all that
//! was acknowledged before it began, and one of a quiet place is equal to it;
//! by it a log that was rewritten is found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::acknowledged::{self, Writer};
use super::ground::{Ground, Home, STORES, Store};
use super::kill::RESUMED;
use super::orders;
use super::outcome::Outcome;
use super::server::Server;

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        let name = format!("REL-6 backup under load, {}", store.name());
        let why = match ground.lacks(store) {
            None if has_no_backup(ground) => Some("this program has no backup"),
            why => why,
        };
        if let Some(why) = why {
            tell(Outcome::skipped(name, why));
            continue;
        }
        let mut planted = Vec::new();
        tell(Outcome::of(&name, |outcome| {
            backups(ground, store, outcome, &mut planted)
        }));
        tell(Outcome::of(format!("{name} (planted)"), |outcome| {
            planted
                .drain(..)
                .for_each(|(what, checked)| outcome.planted(what, checked));
            Ok(())
        }));
    }
}

fn has_no_backup(ground: &Ground) -> bool {
    let help = ground
        .home(Store::Sqlite)
        .and_then(|home| home.run(["backup", "--help"]));
    !help.is_ok_and(|help| help.status.success())
}

fn backups(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(store)?;
    home.import(&home.write("base.csv", orders::file(ground.n(30_000, 3_000), 3, 500))?)?;
    let acks = home.folder().join("acknowledged");
    let server = Server::start(&mut home.serve())?;
    let writer = Writer::start(server.client(), acks.clone(), 0);
    let mut made = Vec::new();
    for i in 0..ground.n(5, 1) {
        std::thread::sleep(Duration::from_millis(500));
        let before = home.folder().join(format!("acknowledged-{i}"));
        std::fs::write(&before, acknowledged::read(&acks)?.join("\n"))?;
        made.push((backup(&home, &format!("{i}.backup")), before));
    }
    let sent = writer.end()?;
    for (made, before) in made {
        outcome.trial(made.and_then(|file| {
            let restored = restored(ground, store, &file)?;
            acknowledged::all_stored_once(&before, &restored, sent)?;
            restored.is_good()
        }));
    }
    if !ground.is_sample {
        server.client().quiet(RESUMED)?;
    }
    drop(server);
    let file = backup(&home, "quiet.backup")?;
    let quiet = restored(ground, store, &file)?;
    let expected = home.state()?;
    outcome.trial(quiet.agrees_with(&expected).and_then(|()| quiet.is_good()));
    outcome.trial(same_log(&quiet, &file));
    outcome.note(format!("{sent} orders sent meanwhile"));

    // Nothing of the chain itself is wrong: only the backup knows better.
    for (what, sql) in [
        (
            "a log that was written anew",
            "update keji_change set actor = 'eve' where seq = 1; delete from keji_seal",
        ),
        (
            "a log without its end",
            "delete from keji_change where seq = (select max(seq) from keji_change); \
             delete from keji_seal",
        ),
    ] {
        let other = restored(ground, store, &file)?;
        other.sql(sql)?;
        planted.push((what, same_log(&other, &file)));
    }

    quiet.sql("delete from order_line where id = (select max(id) from order_line)")?;
    planted.push(("an order line is gone", quiet.agrees_with(&expected)));
    let bytes = std::fs::read(&file)?;
    for part in [0.1, 0.5, 0.9, 0.999] {
        let mut flipped = bytes.clone();
        let at = (flipped.len() as f64 * part) as usize;
        *flipped.get_mut(at).context("an empty backup")? ^= 1;
        std::fs::write(&file, flipped)?;
        planted.push((
            "a flipped bit of a backup",
            restored(ground, store, &file).map(|_| ()),
        ));
    }
    Ok(())
}

/// The log is the one that the backup was made of.
fn same_log(home: &Home, backup: &Path) -> Result<()> {
    let against = OsString::from("--against");
    let report = home.json(["check".into(), against, backup.into()])?;
    let findings = report["findings"].as_array().context("no findings")?;
    let log = findings.iter().find(|f| f["what"] == "log");
    ensure!(log.is_some_and(|log| log["is_good"] == true), "{report}");
    Ok(())
}

fn backup(home: &Home, name: &str) -> Result<PathBuf> {
    let file = home.folder().join(name);
    home.json([OsString::from("backup"), file.clone().into()])
        .context("backup")?;
    ensure!(file.is_file(), "no backup at {}", file.display());
    Ok(file)
}

/// A new place with what is in a backup.
fn restored(ground: &Ground, store: Store, file: &Path) -> Result<Home> {
    let home = ground.home(store)?;
    home.json([OsString::from("restore"), file.into()])
        .context("restore")?;
    Ok(home)
}

//! REL-5b: PostgreSQL is restarted hard, again and again, while one-order
//! files go in and records are written through the server; whoever is not
//! answered sends again.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::acknowledged::{self, Writer};
use super::ground::{Cluster, Ground, Store};
use super::kill::RESUMED;
use super::orders;
use super::outcome::Outcome;
use super::process;
use super::records::{N_WRITERS, Records};
use super::server::{Server, unlimited};

const RESTART: Duration = Duration::from_secs(120);

/// The server answers and writes again so soon after the database is back.
const RECOVERED: Duration = Duration::from_secs(60);

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let name = "REL-5b database restarts, PostgreSQL";
    let Some(cluster) = &ground.cluster else {
        let why = ground.lacks(Store::Postgres).unwrap_or_default();
        return tell(Outcome::skipped(name, why));
    };
    let mut planted = Vec::new();
    let found = Outcome::of(name, |outcome| {
        restarts(ground, cluster, outcome, &mut planted)
    });
    let planted = Outcome::of(format!("{name} (planted)"), |outcome| {
        planted
            .drain(..)
            .for_each(|(what, checked)| outcome.planted(what, checked));
        Ok(())
    });
    tell(found);
    tell(planted);
}

fn restarts(
    ground: &Ground,
    cluster: &Cluster,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(Store::Postgres)?;
    home.import(&home.write("base.csv", orders::file(3_000, 3, 100))?)?;
    let acks = home.folder().join("acknowledged");
    let mut server = Server::start(&mut unlimited(&home))?;
    let writer = Writer::patient(server.client(), acks.clone(), 0);
    let mut records = Records::new(N_WRITERS);
    let mut random = ground.random("restart");
    let mut results = Vec::new();
    for _ in 0..ground.n(10, 1) {
        let writing = records.start(&server.client(), true);
        sleep(Duration::from_millis(500 + random.below(1_500) as u64));
        let before = acknowledged::read(&acks)?.len();
        let n_records = writing.n_acknowledged();
        restart(cluster)?;
        // One may have been under way; the second is new.
        results.push(
            acknowledged::grows(&acks, before + 2, RECOVERED).and_then(|()| {
                ensure!(server.is_alive(), "the server is gone");
                Ok(())
            }),
        );
        results.push(
            writing
                .grows(n_records + N_WRITERS + 1, RECOVERED)
                .and_then(|()| writing.all_there_once(&home)),
        );
        records = writing.end()?;
    }
    let sent = writer.end()?;
    if !ground.is_sample {
        server.client().quiet(RESUMED)?;
    }
    results.into_iter().for_each(|r| outcome.trial(r));
    outcome.trial(records.all_there_once(&home));
    outcome.note(format!(
        "{} records acknowledged by {N_WRITERS} writers",
        records.n_acknowledged()
    ));
    records.repeat_without_key(&server.client())?;
    planted.push((
        "a create is repeated without its key",
        records.all_there_once(&home),
    ));
    drop(server);
    outcome.trial(acknowledged::all_stored_once(&acks, &home, sent));
    outcome.trial(home.is_good());
    let list = acknowledged::read(&acks)?;
    outcome.note(format!("{} orders acknowledged of {sent} sent", list.len()));

    let some = list
        .get(list.len() / 2)
        .context("nothing was acknowledged")?;
    home.sql(&format!(
        r#"delete from order_line where "order" = (select id from "order" where number = '{some}');
        delete from "order" where number = '{some}'"#
    ))?;
    planted.push((
        "an acknowledged order is gone",
        acknowledged::all_stored_once(&acks, &home, sent),
    ));
    Ok(())
}

/// As the user who owns the cluster; PostgreSQL does not run as root. Its
/// output goes nowhere: the new database would keep a pipe open.
fn restart(cluster: &Cluster) -> Result<()> {
    let owner = std::fs::metadata(cluster.folder.join("data"))?;
    let mut command = Command::new(cluster.programs.join("pg_ctl"));
    command
        .args(["restart", "--mode=immediate", "--wait", "--silent"])
        .arg("--pgdata")
        .arg(cluster.folder.join("data"))
        .arg("--log")
        .arg(cluster.folder.join("log"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // Root alone may become somebody else.
    if std::fs::metadata("/proc/self")?.uid() == 0 {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut child = command.spawn()?;
    let Some(status) = process::wait(&mut child, RESTART)? else {
        process::stop(&mut child)?;
        bail!("PostgreSQL did not restart within {RESTART:?}");
    };
    ensure!(status.success(), "pg_ctl: {status}");
    Ok(())
}

//! REL-1: kill -9 at random moments of commands and of the server. What is
//! there afterwards is all or nothing, and what was acknowledged is there.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value as Json;

use super::acknowledged::{self, Writer};
use super::ground::{COMMAND, Ground, Home, STORES, Store};
use super::orders;
use super::outcome::Outcome;
use super::process;
use super::records::{N_WRITERS, Records};
use super::server::{self, Server};

/// Lines of the file that is imported, three to an order.
fn n_lines(ground: &Ground) -> usize {
    ground.n(30_000, 3_000)
}

type Scene = fn(&Ground, Store, &mut Both) -> Result<()>;
const WRITES: &str = "one-order writes";
const RECORDS: &str = "record writes";
const SCENES: [(&str, Scene); 5] = [
    ("import", import),
    ("evaluation", evaluation),
    ("server import", server_import),
    (WRITES, writes),
    (RECORDS, records),
];

/// Longer than the lease of a job whose worker died.
pub const RESUMED: Duration = Duration::from_secs(90);

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        for (scene, run) in SCENES {
            // A sample looks at PostgreSQL where the two stores differ most.
            let is_write = [WRITES, RECORDS].contains(&scene);
            if ground.is_sample && store == Store::Postgres && !is_write {
                continue;
            }
            let name = format!("REL-1 kill -9: {scene}, {}", store.name());
            if let Some(why) = ground.lacks(store) {
                tell(Outcome::skipped(name, why));
                continue;
            }
            let mut both = Both::default();
            tell(Outcome::of(&name, |outcome| {
                let result = run(ground, store, &mut both);
                both.trials.drain(..).for_each(|t| outcome.trial(t));
                both.notes.drain(..).for_each(|n| outcome.note(n));
                result
            }));
            tell(Outcome::of(format!("{name} (planted)"), |outcome| {
                both.planted
                    .drain(..)
                    .for_each(|(what, checked)| outcome.planted(what, checked));
                Ok(())
            }));
        }
    }
}

/// Trials and the planted bug of one scene, which share a place.
#[derive(Default)]
struct Both {
    trials: Vec<Result<()>>,
    planted: Vec<(&'static str, Result<()>)>,
    notes: Vec<String>,
}

/// Starts a command and kills it at a random moment of its usual time; false
/// when it had ended before.
fn killed(home: &Home, arguments: &[&str], usual: Duration, part: f64) -> Result<bool> {
    let mut child = home
        .keji(arguments.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    sleep(usual.mul_f64(part));
    process::stop(&mut child)
}

fn import(ground: &Ground, store: Store, both: &mut Both) -> Result<()> {
    let whole = ground.home(store)?;
    let file = whole.write("orders.csv", orders::file(n_lines(ground), 3, 500))?;
    let started = Instant::now();
    whole.import(&file)?;
    let usual = started.elapsed();
    let expected = whole.state()?;
    let path = file.to_string_lossy().into_owned();

    let checked = |home: &Home| -> Result<()> {
        home.agrees_with(&expected)?;
        home.is_good()
    };
    let n_orders = whole.n_orders()?;
    let n = ground.n(60, 1);
    let mut random = ground.random("kill import");
    let mut last = None;
    // Some end before they are killed; those do not count.
    for _ in 0..n * 4 {
        if both.trials.len() >= n {
            break;
        }
        let home = ground.home(store)?;
        if !killed(&home, &["import", &path], usual, random.part())? {
            continue;
        }
        both.trials.push((|| {
            let between = home.n_orders()?;
            ensure!(
                between == 0 || between == n_orders,
                "{between} orders of {n_orders} after the kill"
            );
            home.import(&file)?;
            checked(&home)
        })());
        last = Some(home);
    }
    both.notes.push(format!("undisturbed: {usual:.2?}"));
    let home = last.unwrap_or(whole);
    home.sql("delete from order_line where id = (select max(id) from order_line)")?;
    both.planted.push(("an order line is gone", checked(&home)));
    both.planted
        .push(("an order line is gone, for `check`", home.is_good()));
    Ok(())
}

fn evaluation(ground: &Ground, store: Store, both: &mut Both) -> Result<()> {
    let (home, twin) = (ground.home(store)?, ground.home(store)?);
    // Many customers, so that an evaluation takes its time.
    let file = home.write("orders.csv", orders::file(n_lines(ground), 2, 15_000))?;
    home.import(&file)?;
    twin.import(&file)?;

    let n = ground.n(60, 1);
    let mut random = ground.random("kill evaluation");
    for i in 0..n * 4 {
        if both.trials.len() >= n {
            break;
        }
        // Few days: every evaluation that is kept makes the checks longer.
        let day = format!("2025-{:02}-01", 2 + i % 4);
        let command = ["evaluate", "--as-of", &day];
        let started = Instant::now();
        let expected = without_time(twin.json(command)?);
        if !killed(&home, &command, started.elapsed(), random.part())? {
            continue;
        }
        both.trials.push((|| {
            evaluations_whole(&home)?;
            let document = without_time(home.json(command)?);
            ensure!(document == expected, "{document} instead of {expected}");
            evaluations_whole(&home)?;
            home.is_good()
        })());
    }
    home.sql("delete from score where id = (select max(id) from score)")?;
    both.planted
        .push(("a customer's score is gone", evaluations_whole(&home)));
    Ok(())
}

/// Every evaluation has a score for each of its customers, and no score is
/// without an evaluation.
fn evaluations_whole(home: &Home) -> Result<()> {
    let told = home.sql("select as_of, n_customers from keji_evaluation order by 1")?;
    let kept = home.sql("select as_of, count(*) from score group by 1 order by 1")?;
    ensure!(told == kept, "scores {kept:?} of evaluations {told:?}");
    Ok(())
}

fn without_time(mut document: Json) -> Json {
    if let Some(fields) = document.as_object_mut() {
        fields.remove("at");
    }
    document
}

fn server_import(ground: &Ground, store: Store, both: &mut Both) -> Result<()> {
    let text = orders::file(n_lines(ground), 3, 500);
    let whole = ground.home(store)?;
    let started = Instant::now();
    let running = Server::start(&mut whole.serve())?;
    let done = running
        .client()
        .import("orders.csv", text.as_bytes(), COMMAND)?;
    ensure!(done["state"] == "done", "{done}");
    let usual = started.elapsed();
    drop(running);
    let expected = whole.state()?;

    // Fewer: each waits until the dead worker's lease has run out.
    let n = ground.n(10, 0);
    let mut random = ground.random("kill server import");
    for _ in 0..n * 4 {
        if both.trials.len() >= n {
            break;
        }
        let home = ground.home(store)?;
        let mut first = Server::start(&mut home.serve())?;
        let import = first
            .client()
            .send("POST", "/api/imports?filename=orders.csv", text.as_bytes())?
            .json()?;
        sleep(usual.mul_f64(random.part()));
        let id = server::id(&import)?;
        let before = first.client().get(&format!("/api/imports/{id}"))?;
        first.kill()?;
        if before["state"] == "done" {
            continue;
        }
        both.trials.push((|| {
            let second = Server::start(&mut home.serve())?;
            let done = second.client().settled(id, RESUMED)?;
            ensure!(done["state"] == "done", "not resumed: {done}");
            drop(second);
            home.agrees_with(&expected)?;
            home.is_good()
        })());
    }
    if n == 0 {
        // A sample has no time for a lease to run out.
        both.trials.push(whole.agrees_with(&expected));
        both.notes
            .push("a sample kills no server here: the lease takes 30 s".to_owned());
    }
    whole.sql("delete from order_line where id = (select max(id) from order_line)")?;
    both.planted
        .push(("an order line is gone", whole.agrees_with(&expected)));
    Ok(())
}

fn writes(ground: &Ground, store: Store, both: &mut Both) -> Result<()> {
    let home = ground.home(store)?;
    home.import(&home.write("base.csv", orders::file(3_000, 3, 100))?)?;
    let acks = home.folder().join("acknowledged");
    let mut random = ground.random("kill writes");
    let mut sent = 0;
    for _ in 0..ground.n(60, 1) {
        let mut server = Server::start(&mut home.serve())?;
        let writer = Writer::start(server.client(), acks.clone(), sent);
        if sent == 0 {
            // Without one there is nothing that could be lost.
            acknowledged::grows(&acks, 1, COMMAND)?;
        }
        sleep(Duration::from_millis(50 + random.below(1_451) as u64));
        let was_running = server.kill()?;
        sent = writer.end()?;
        both.trials.push((|| {
            ensure!(was_running, "the server had ended by itself");
            acknowledged::all_stored_once(&acks, &home, sent)
        })());
    }
    // What was under way at the last kill comes to its end.
    if !ground.is_sample {
        let server = Server::start(&mut home.serve())?;
        server.client().quiet(RESUMED)?;
    }
    both.trials.push((|| {
        acknowledged::all_stored_once(&acks, &home, sent)?;
        home.is_good()
    })());
    let n_acks = acknowledged::read(&acks)?.len();
    ensure!(n_acks > 0, "nothing was acknowledged");
    both.notes
        .push(format!("{n_acks} orders acknowledged of {sent} sent"));

    let some = &acknowledged::read(&acks)?[n_acks / 2];
    let line = format!(
        r#"from order_line where "order" = (select id from "order" where number = '{some}')"#
    );
    home.sql(&format!(
        r#"insert into order_line ("order", quantity, price, amount, occurrence, row_hash)
        select "order", quantity, price, amount, occurrence + 1, row_hash {line}"#
    ))?;
    both.planted.push((
        "an order is stored twice",
        acknowledged::all_stored_once(&acks, &home, sent),
    ));
    home.sql(&format!("delete {line}"))?;
    home.sql(&format!(r#"delete from "order" where number = '{some}'"#))?;
    both.planted.push((
        "an acknowledged order is gone",
        acknowledged::all_stored_once(&acks, &home, sent),
    ));
    Ok(())
}

fn records(ground: &Ground, store: Store, both: &mut Both) -> Result<()> {
    let home = ground.home(store)?;
    let mut random = ground.random("kill record writes");
    let mut records = Records::new(N_WRITERS);
    for _ in 0..ground.n(60, 1) {
        let before = records.n_acknowledged();
        let mut server = Server::start(&mut server::unlimited(&home))?;
        let writing = records.start(&server.client(), false);
        // Without one there is nothing that could be lost.
        writing.grows(before + 1, COMMAND)?;
        sleep(Duration::from_millis(20 + random.below(701) as u64));
        let was_running = server.kill()?;
        records = writing.end()?;
        both.trials.push((|| {
            ensure!(was_running, "the server had ended by itself");
            records.all_there_once(&home)
        })());
    }
    // What had no answer is sent once more, under its key.
    let server = Server::start(&mut server::unlimited(&home))?;
    let before = records.n_acknowledged();
    let writing = records.start(&server.client(), false);
    writing.grows(before + 2 * N_WRITERS, COMMAND)?;
    records = writing.end()?;
    drop(server);
    both.trials.push(records.all_there_once(&home));
    both.trials.push(home.is_good());
    both.notes.push(format!(
        "{} records acknowledged by {N_WRITERS} writers",
        records.n_acknowledged()
    ));
    planted_in_records(&home, &records, both)
}

/// Bugs that the check of records has to find; each is taken back before the
/// next, and the last one stays.
fn planted_in_records(home: &Home, records: &Records, both: &mut Both) -> Result<()> {
    let name = records.some()?;
    for (what, harm, mend) in [
        (
            "an acknowledged record is gone",
            format!("update customer set name = 'gone' where name = '{name}'"),
            format!("update customer set name = '{name}' where name = 'gone'"),
        ),
        (
            "an acknowledged change is lost",
            format!(
                "update customer set former_name = address, address = '0' where name = '{name}'"
            ),
            format!(
                "update customer set address = former_name, former_name = null \
                 where name = '{name}'"
            ),
        ),
        (
            "an entry of the log is gone",
            "update keji_change set seq = -1 where seq = 2".to_owned(),
            "update keji_change set seq = 2 where seq = -1".to_owned(),
        ),
    ] {
        home.sql(&harm)?;
        both.planted.push((what, records.all_there_once(home)));
        home.sql(&mend)?;
        both.trials.push(records.all_there_once(home));
    }
    let server = Server::start(&mut server::unlimited(home))?;
    records.repeat_without_key(&server.client())?;
    drop(server);
    both.planted.push((
        "a create is repeated without its key",
        records.all_there_once(home),
    ));
    Ok(())
}

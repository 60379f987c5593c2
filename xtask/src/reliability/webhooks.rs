//! REL-4: what changed is told at least once, with one id however often,
//! rightly signed, although receivers fail, hang up and get killed workers'
//! repeats, and two workers share the place; what nobody takes is given up
//! after 72 hours and is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::ground::{Ground, Home, STORES, Store};
use super::outcome::Outcome;
use super::receiver::{Does, Got, Receiver};
use super::server::{Client, Server};

const SETTLED: Duration = Duration::from_secs(180);

/// Seconds from each try to the next.
const WAITS: [i64; 9] = [5, 20, 80, 320, 1_280, 5_120, 20_480, 43_200, 43_200];

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("REL-4 webhooks, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        let mut planted = Vec::new();
        let found = Outcome::of(name.clone(), |outcome| {
            told(ground, store, outcome, &mut planted)?;
            given_up(ground, store, outcome)
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
}

fn told(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(store)?;
    // Every third fails, every fifth is received and not acknowledged.
    let receiver = Receiver::start(|n| match (n % 3, n % 5) {
        (1, _) => Does::Answers(500),
        (_, 2) => Does::HangsUp,
        _ => Does::Answers(204),
    })?;
    let mut first = Server::start(&mut serving(&home, &receiver))?;
    let second = Server::start(&mut serving(&home, &receiver))?;
    let client = second.client();
    let (_, secret) = hook(&client, &receiver)?;
    let n = ground.n(300, 30);
    let mut records = BTreeSet::new();
    for i in 0..n {
        records.insert(customer(&client, &format!("customer {i}"))?);
        if i % (n / 3).max(1) == n / 6 {
            // In the middle of its sending, as likely as not.
            first.kill()?;
            first = Server::start(&mut serving(&home, &receiver))?;
        }
    }
    let started = Instant::now();
    while !is_quiet(&home)? {
        ensure!(started.elapsed() < SETTLED, "not all is delivered in time");
        hurry(&home)?;
        sleep(Duration::from_millis(300));
    }
    let got = receiver.got();
    for record in &records {
        let of_record: Vec<&Got> = got
            .iter()
            .filter(|g| body(g)["data"]["record"] == *record)
            .collect();
        outcome.trial(is_one(&of_record, &secret).with_context(|| format!("record {record}")));
    }
    outcome.trial(all_told(&records, &got));
    outcome.note(format!(
        "{} requests for {} changes; a receiver that looks at the id has {} effects",
        got.len(),
        records.len(),
        got.iter().map(|g| &g.id).collect::<BTreeSet<_>>().len()
    ));

    let one = got.first().context("nothing was told")?;
    let without: Vec<Got> = got.iter().filter(|g| g.id != one.id).cloned().collect();
    planted.push(("a change is told to nobody", all_told(&records, &without)));
    let mut other = one.clone();
    other.id = "msg_other".to_owned();
    planted.push(("a repeat has another id", is_one(&[one, &other], &secret)));
    let mut forged = one.clone();
    forged.body.push(b' ');
    planted.push(("a body is not the one signed", is_one(&[&forged], &secret)));
    Ok(())
}

/// One that nobody takes: the waits grow, and after 72 hours it is a dead
/// letter until somebody sends it by hand.
fn given_up(ground: &Ground, store: Store, outcome: &mut Outcome) -> Result<()> {
    let home = ground.home(store)?;
    let receiver = Receiver::start(|_| Does::Answers(503))?;
    let server = Server::start(&mut serving(&home, &receiver))?;
    let client = server.client();
    let (id, _) = hook(&client, &receiver)?;
    customer(&client, "nobody takes it")?;
    for (n, wanted) in WAITS.iter().enumerate() {
        let wait = wait_after(&home, n + 1)?;
        let is_right = (wanted - wait).abs() <= 3;
        outcome.trial(match is_right {
            true => Ok(()),
            false => Err(anyhow::anyhow!("try {}: {wait} s to the next", n + 1)),
        });
        if n + 1 < WAITS.len() {
            hurry(&home)?;
        }
    }
    older(&home, 73)?;
    hurry(&home)?;
    let started = Instant::now();
    let dead = loop {
        let list = client.get(&format!("/api/webhooks/{id}/deliveries?dead=true"))?;
        if let Some(dead) = list["deliveries"].get(0) {
            break dead.clone();
        }
        ensure!(started.elapsed() < SETTLED, "it is never given up");
        sleep(Duration::from_millis(200));
    };
    let hooks = client.get("/api/webhooks")?;
    outcome.trial(match hooks["webhooks"][0]["n_dead"] == 1 {
        true => Ok(()),
        false => Err(anyhow::anyhow!("the dead letter is not seen: {hooks}")),
    });
    let n = receiver.got().len();
    let path = format!("/api/webhooks/{id}/deliveries/{}/resend", dead["id"]);
    let sent = client.ask("POST", &path, &Json::Null)?;
    ensure!(sent.status == 202, "resend: {}", sent.status);
    let started = Instant::now();
    while receiver.got().len() == n {
        ensure!(started.elapsed() < SETTLED, "it is not sent by hand");
        sleep(Duration::from_millis(100));
    }
    let ids: BTreeSet<String> = receiver.got().into_iter().map(|g| g.id).collect();
    outcome.trial(match ids.len() {
        1 => Ok(()),
        n => Err(anyhow::anyhow!("{n} ids of one change")),
    });
    Ok(())
}

fn serving(home: &Home, receiver: &Receiver) -> std::process::Command {
    let mut serve = home.serve();
    serve.args(["--allow-outbound", &format!("127.0.0.1:{}", receiver.port)]);
    serve
}

fn hook(client: &Client, receiver: &Receiver) -> Result<(Json, Vec<u8>)> {
    let url = format!("http://127.0.0.1:{}/", receiver.port);
    let wanted = json!({ "name": "x", "url": url, "objects": ["customer"], "kinds": ["create"] });
    let made = client.ask("POST", "/api/webhooks", &wanted)?.json()?;
    let secret = made["secret"].as_str().context("no secret")?;
    let secret = secret.strip_prefix("whsec_").context("no prefix")?;
    let key = BASE64.decode(secret.as_bytes()).ok();
    Ok((made["id"].clone(), key.context("a secret that is none")?))
}

fn customer(client: &Client, name: &str) -> Result<i64> {
    let made = client.ask("POST", "/api/records/customer", &json!({ "name": name }))?;
    made.json()?["id"].as_i64().context("no id")
}

fn body(got: &Got) -> Json {
    serde_json::from_slice(&got.body).unwrap_or_default()
}

/// All of one change: under one id, and each as it was signed.
fn is_one(got: &[&Got], secret: &[u8]) -> Result<()> {
    ensure!(!got.is_empty(), "never told");
    let ids: BTreeMap<&str, usize> = got.iter().map(|g| (g.id.as_str(), 1)).collect();
    ensure!(ids.len() == 1, "{} ids", ids.len());
    for one in got {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret)?;
        mac.update(format!("{}.{}.", one.id, one.timestamp).as_bytes());
        mac.update(&one.body);
        let signed = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
        ensure!(signed == one.signature, "signed as {}", one.signature);
    }
    Ok(())
}

fn all_told(records: &BTreeSet<i64>, got: &[Got]) -> Result<()> {
    let told: BTreeSet<i64> = got
        .iter()
        .filter_map(|g| body(g)["data"]["record"].as_i64())
        .collect();
    let missing = records.difference(&told).count();
    ensure!(missing == 0, "{missing} changes were never told");
    Ok(())
}

/// Whether all that changed was looked at and nothing waits.
fn is_quiet(home: &Home) -> Result<bool> {
    let rows = home.sql(
        "select (select count(*) from keji_job where kind = 'webhook' \
         and state in ('queued', 'running')) + (select count(*) from keji_webhook \
         where position < (select max(seq) from keji_change))",
    )?;
    Ok(rows == ["0"])
}

/// What waits is due now.
fn hurry(home: &Home) -> Result<()> {
    home.sql(
        "update keji_job set run_at = created_at where kind = 'webhook' and state = 'queued'",
    )?;
    Ok(())
}

/// As if everything had begun so many hours before.
fn older(home: &Home, hours: i64) -> Result<()> {
    let past = match home.is_postgres() {
        true => format!("created_at - interval '{hours} hours'"),
        false => format!("created_at - {}", hours * 3_600_000_000),
    };
    home.sql(&format!(
        "update keji_job set created_at = {past} where kind = 'webhook'"
    ))?;
    Ok(())
}

/// Seconds from the nth try to when the next one is due, once the nth is over.
fn wait_after(home: &Home, n: usize) -> Result<i64> {
    let seconds = match home.is_postgres() {
        true => "round(extract(epoch from j.run_at - a.at))",
        false => "(j.run_at - a.at + 500000) / 1000000",
    };
    let sql = format!(
        "select {seconds} from keji_job j join keji_delivery d on d.job = j.id \
         join keji_attempt a on a.id = d.attempt \
         where j.kind = 'webhook' and j.state = 'queued' and j.attempts = {n}"
    );
    let started = Instant::now();
    loop {
        if let Some(row) = home.sql(&sql)?.first() {
            return Ok(row.parse::<f64>()? as i64);
        }
        ensure!(started.elapsed() < SETTLED, "try {n} never ends");
        sleep(Duration::from_millis(100));
    }
}

//! SEC-3: whatever address somebody types in, by whatever notation, redirect
//! or name that changes its meaning: no request of the program reaches what is
//! not public, unless the operator has named it.

use std::net::UdpSocket;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::ground::{Ground, Home, Store};
use super::outcome::Outcome;
use super::process::ended;
use super::receiver::{Does, Receiver};
use super::server::{Client, Server};

const CORPUS: &str = "crates/app/tests/fixtures/outbound/refused.txt";
const SETTLED: Duration = Duration::from_secs(60);

/// Names below it mean something public when they are asked first, and then
/// loopback.
const NAMES: &str = "127.0.0.77:53";

/// The ways by which an address that somebody typed in is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    /// A webhook is tested from its page.
    Test,
    /// A webhook is told of a change.
    Change,
}

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let name = "SEC-3 addresses that are not public";
    let mut planted = Vec::new();
    let found = Outcome::of(name, |outcome| corpus(ground, outcome, &mut planted));
    let planted = Outcome::of(format!("{name} (planted)"), |outcome| {
        planted
            .drain(..)
            .for_each(|(what, checked)| outcome.planted(what, checked));
        Ok(())
    });
    tell(found);
    tell(planted);
    rebinding(ground, tell);
}

fn corpus(
    ground: &Ground,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let trap = Receiver::start(|_| Does::Answers(200))?;
    let text = std::fs::read_to_string(ground.root.join(CORPUS))?;
    let port = trap.port.to_string();
    let urls: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.replace("PORT", &port))
        .collect();
    ensure!(urls.len() >= 60, "{} notations", urls.len());

    let home = ground.home(Store::Sqlite)?;
    let server = Server::start(&mut home.serve())?;
    let client = server.client();
    for feature in [Feature::Test, Feature::Change] {
        // Each portion fits into the number of webhooks that there may be.
        for urls in urls.chunks(50) {
            let before = trap.n_connections();
            let asked = ask(&client, feature, urls)?;
            for (url, asked) in urls.iter().zip(asked) {
                outcome.trial(asked.with_context(|| format!("{feature:?} {url}")));
            }
            outcome.trial(unreached(&trap, before).with_context(|| format!("{feature:?}")));
        }
    }
    drop(server);

    // A redirect from a place that is allowed to one that is not.
    let to = format!("http://127.0.0.1:{port}/");
    let inner = to.clone();
    let outer = Receiver::start(move |_| Does::Redirects(inner.clone()))?;
    let allowed = Server::start(&mut allowing(&home, outer.port))?;
    let before = trap.n_connections();
    for feature in [Feature::Test, Feature::Change] {
        let n = outer.n_connections();
        let url = format!("http://127.0.0.1:{}/", outer.port);
        ask(&allowed.client(), feature, &[url])?;
        let reached = outer.n_connections() > n;
        outcome.trial(if reached {
            unreached(&trap, before).context("a redirect was followed")
        } else {
            Err(anyhow::anyhow!("what the operator allows is not reached"))
        });
    }
    drop(allowed);

    // A filter that lets one address through.
    let leaky = Server::start(&mut allowing(&home, trap.port))?;
    for (what, feature) in [
        ("the test of a webhook reaches loopback", Feature::Test),
        ("what a webhook is told reaches loopback", Feature::Change),
    ] {
        let before = trap.n_connections();
        ask(&leaky.client(), feature, &urls[..1])?;
        planted.push((what, unreached(&trap, before)));
    }
    Ok(())
}

fn allowing(home: &Home, port: u16) -> std::process::Command {
    let mut serve = home.serve();
    serve.args(["--allow-outbound", &format!("127.0.0.1:{port}")]);
    serve
}

fn unreached(trap: &Receiver, before: usize) -> Result<()> {
    // A connection that is on its way.
    sleep(Duration::from_millis(200));
    let n = trap.n_connections() - before;
    ensure!(n == 0, "{n} connections to loopback");
    Ok(())
}

/// Makes a webhook of each address and has it asked; for each that it was
/// refused, or that there was an end without an answer.
fn ask(client: &Client, feature: Feature, urls: &[String]) -> Result<Vec<Result<()>>> {
    let mut made = Vec::new();
    for url in urls {
        let wanted = json!({ "name": "x", "url": url, "objects": ["customer"], "kinds": ["create"], "is_active": feature == Feature::Change });
        let reply = client.ask("POST", "/api/webhooks", &wanted)?;
        made.push(match reply.status {
            422 => None,
            201 => Some(serde_json::from_slice::<Json>(&reply.body)?["id"].clone()),
            other => anyhow::bail!("{url}: status {other}"),
        });
    }
    if feature == Feature::Change {
        let customer = json!({ "name": "told to all" });
        client
            .ask("POST", "/api/records/customer", &customer)?
            .json()?;
    }
    let mut all = Vec::new();
    for id in &made {
        let Some(id) = id else {
            all.push(Ok(()));
            continue;
        };
        let attempt = match feature {
            Feature::Test => client
                .ask("POST", &format!("/api/webhooks/{id}/test"), &Json::Null)?
                .json()?,
            Feature::Change => first_attempt(client, id)?,
        };
        let is_refused = attempt["status"].is_null() && attempt["error"].is_string();
        all.push(match is_refused {
            true => Ok(()),
            false => Err(anyhow::anyhow!("answered: {attempt}")),
        });
    }
    for id in made.iter().flatten() {
        client.ask("DELETE", &format!("/api/webhooks/{id}"), &Json::Null)?;
    }
    Ok(all)
}

fn first_attempt(client: &Client, id: &Json) -> Result<Json> {
    let started = Instant::now();
    loop {
        let list = client.get(&format!("/api/webhooks/{id}/deliveries"))?;
        let attempt = &list["deliveries"][0]["attempt"];
        if !attempt.is_null() {
            return Ok(attempt.clone());
        }
        ensure!(started.elapsed() < SETTLED, "webhook {id} was never tried");
        sleep(Duration::from_millis(100));
    }
}

/// With a resolver of our own below the program, which takes root.
fn rebinding(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let name = "SEC-3b names that change their meaning";
    let mut unshare = std::process::Command::new("unshare");
    let may = ended(unshare.args(["-m", "true"]), Duration::from_secs(10));
    let (Ok(names), true) = (
        UdpSocket::bind(NAMES),
        may.is_ok_and(|ended| ended.status.success()),
    ) else {
        let why = "a resolver of our own takes root and a free port 53";
        return tell(Outcome::skipped(name, why));
    };
    let mut planted = Vec::new();
    let found = Outcome::of(name, |outcome| {
        let trap = Receiver::start(|_| Does::Answers(200))?;
        spawn(move || answer_names(&names));
        let home = ground.home(Store::Sqlite)?;
        let (ip, _) = NAMES.split_once(':').context("an address")?;
        let conf = home.write(
            "resolv.conf",
            format!("nameserver {ip}\noptions timeout:2\n"),
        )?;
        let hosts = home.write("nsswitch.conf", "hosts: dns\n")?;
        let mount = format!(
            "mount --bind {} /etc/resolv.conf && {{ mount --bind {} /etc/nsswitch.conf || true; }} \
             && exec \"$@\"",
            conf.display(),
            hosts.display()
        );
        let under = ["unshare", "-m", "sh", "-c", &mount, "sh"];
        let server = Server::start(&mut home.serve_under(under))?;
        for n in 0..ground.n(20, 3) {
            let before = trap.n_connections();
            // Always loopback, and loopback from the second question on.
            for kind in ["always", "later"] {
                let url = format!("http://{kind}-{n}.rebinds.test:{}/", trap.port);
                for asked in ask(&server.client(), Feature::Test, &[url.clone(), url])? {
                    outcome.trial(asked.with_context(|| format!("{kind} {n}")));
                }
            }
            outcome.trial(unreached(&trap, before));
        }
        drop(server);
        let mut serve = home.serve_under(under);
        let leak = format!("always-planted.rebinds.test:{}", trap.port);
        let leaky = Server::start(serve.args(["--allow-outbound", &leak]))?;
        let before = trap.n_connections();
        ask(&leaky.client(), Feature::Test, &[format!("http://{leak}/")])?;
        planted.push(("a name leads to loopback", unreached(&trap, before)));
        Ok(())
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

/// Of IPv4 only. `later-…` means 192.0.9.1, which is public and nobody's here,
/// at the first question and loopback at every other.
fn answer_names(socket: &UdpSocket) {
    let mut asked = std::collections::BTreeSet::new();
    let mut buffer = [0; 1500];
    while let Ok((n, from)) = socket.recv_from(&mut buffer) {
        if let Some(answer) = answer_to(&buffer[..n], &mut asked) {
            let _ = socket.send_to(&answer, from);
        }
    }
}

fn answer_to(question: &[u8], asked: &mut std::collections::BTreeSet<Vec<u8>>) -> Option<Vec<u8>> {
    let name_end = 12 + question.get(12..)?.iter().position(|b| *b == 0)? + 1;
    let is_v4 = question.get(name_end..name_end + 2)? == [0, 1];
    let name = question.get(12..name_end)?.to_vec();
    let is_later = name.get(1..6) == Some(b"later");
    let mut answer = question.get(..2)?.to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_v4), 0, 0, 0, 0]);
    answer.extend(question.get(12..name_end + 4)?);
    if is_v4 {
        let ip = match is_later && asked.insert(name) {
            true => [192, 0, 9, 1],
            false => [127, 0, 0, 1],
        };
        // The name of the question, IPv4, the internet, no time to live.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(ip);
    }
    Some(answer)
}

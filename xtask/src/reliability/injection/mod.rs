//! SEC-4: text that wants to be SQL, at every place where a client's text
//! reaches a query. Each payload is a pair of twins that differ in one number
//! only, by which a condition in it is true or false: where the text is only
//! ever a value, both get the same answer, or both are refused.
//!
//! [`payloads`] (what is sent), [`slots`] (where), [`stored`] (values that are
//! kept first and used by a query later), [`pasting`] (a server that pastes).

mod pasting;
mod payloads;
mod slots;
mod stored;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::ground::{Ground, Home, STORES, Store};
use super::orders;
use super::outcome::Outcome;
use super::server::{Client, Reply, Server};
use payloads::{FALSE, Payload, TRUE};
use slots::{Request, Slot};

/// No answer takes longer, whatever the text asks the database to compute.
const SLOWEST: Duration = Duration::from_secs(2);

/// Wanted of a whole run, for each store.
const N_PAIRS: u64 = 5_000;

/// What differs from answer to answer by itself.
const PASSING: [&str; 9] = [
    "version",
    "seq",
    "copy_seq",
    "at",
    "request_id",
    "token",
    "secret",
    "created_at",
    "last_used_at",
];

/// Besides, of what has just been made.
const OF_ITS_OWN: [&str; 6] = ["id", "state", "stage", "error", "batch", "finished_at"];

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("SEC-4 twins of injected SQL, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        let mut planted = Vec::new();
        tell(Outcome::of(&name, |outcome| {
            twins(ground, store, outcome, &mut planted)
        }));
        tell(Outcome::of(format!("{name} (planted)"), |outcome| {
            planted
                .drain(..)
                .for_each(|(what, checked)| outcome.planted(what, checked));
            Ok(())
        }));
    }
}

fn twins(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(store)?;
    home.import(&home.write("base.csv", orders::file(90, 3, 12))?)?;
    let mut serve = home.serve();
    serve.args(["--limit-requests", "0", "--limit-sign-ins", "0"]);
    let server = Server::start(&mut serve)?;
    let place = Place::make(&home, server.client())?;
    let before = untouched(&home)?;

    let payloads = payloads::all();
    // Each slot takes a part of the payloads and the next one others, so that
    // all are tried.
    let step = ground.n(2, 48);
    for (i, slot) in slots::all(&place).iter().enumerate() {
        for (j, payload) in payloads.iter().enumerate() {
            if (i + j) % step == 0 && slot.takes(payload) {
                outcome.trial(pair(&place.client, slot, payload));
            }
        }
    }
    let n_asked = outcome.n;
    for (i, payload) in payloads.iter().enumerate() {
        if i % ground.n(1, 47) == 0 {
            stored::pairs(&place, payload, outcome)?;
        }
    }
    if !ground.is_sample {
        let enough = outcome.n >= N_PAIRS;
        outcome.trial(match enough {
            true => Ok(()),
            false => Err(anyhow::anyhow!("{} pairs, fewer than {N_PAIRS}", outcome.n)),
        });
    }
    outcome.note(format!(
        "{n_asked} pairs by {} payloads at once, {} by what was stored before",
        payloads.len(),
        outcome.n - n_asked
    ));
    let after = untouched(&home)?;
    outcome.trial(match after == before {
        true => Ok(()),
        false => Err(anyhow::anyhow!(
            "the tables went from {before:?} to {after:?}"
        )),
    });
    outcome.trial(home.is_good());
    drop(server);
    pasting::find(&home, planted)
}

/// What no text may have changed: the tables that stacked statements name.
fn untouched(home: &Home) -> Result<Vec<String>> {
    let mut rows = home.sql(
        r#"select count(*) from customer union all select count(*) from "order"
        union all select count(*) from order_line union all select count(*) from "user""#,
    )?;
    rows.sort();
    Ok(rows)
}

/// A place with one record of each kind that the slots need.
struct Place {
    client: Client,
    customer: i64,
    contact: i64,
    ticket: i64,
    order: i64,
    department: i64,
    webhook: i64,
    import: i64,
    as_of: String,
}

impl Place {
    fn make(home: &Home, client: Client) -> Result<Place> {
        let made = |path: &str, body: Json| -> Result<i64> {
            let reply = client.ask("POST", path, &body)?;
            reply.json().with_context(|| path.to_owned())?["id"]
                .as_i64()
                .context("no id")
        };
        let first = |path: &str| -> Result<i64> {
            let list = client.get(path)?;
            list["rows"][0]["id"].as_i64().context("no record")
        };
        let customer = first("/api/records/customer?limit=1")?;
        let evaluated = home.json(["evaluate"])?;
        let file = "客户编号,客户名称,城市\nT1,twin,上海\n";
        let import = client.import(
            "twins.csv&object=customer&dry_run=true",
            file.as_bytes(),
            Duration::from_secs(60),
        )?;
        Ok(Place {
            customer,
            order: first("/api/records/order?limit=1")?,
            contact: made(
                "/api/records/contact",
                json!({ "name": "twin", "customer": customer, "mobile": "13812345678" }),
            )?,
            ticket: made(
                "/api/records/ticket",
                json!({ "subject": "twin", "customer": customer, "opened_on": "2025-02-03", "state": "open" }),
            )?,
            department: made("/api/departments", json!({ "name": "twin" }))?,
            webhook: made(
                "/api/webhooks",
                json!({ "name": "x", "url": "http://127.0.0.1:9/", "objects": ["customer"], "kinds": ["create"], "is_active": false }),
            )?,
            import: super::server::id(&import)?,
            as_of: evaluated["as_of"].as_str().context("no day")?.to_owned(),
            client,
        })
    }
}

/// One payload at one place, as both twins.
fn pair(client: &Client, slot: &Slot, payload: &Payload) -> Result<()> {
    let what = || format!("{} {:?}", slot.name, payload.of(TRUE));
    let ask = |twin: &str| asked(client, &(slot.request)(&payload.of(twin)));
    let twins = || {
        anyhow::Ok((
            ask(TRUE).with_context(what)?,
            ask(FALSE).with_context(what)?,
        ))
    };
    let (mut yes, mut no) = twins()?;
    if yes.took.max(no.took) >= SLOWEST {
        // Others may have kept the machine busy; what is computed is computed
        // again.
        (yes, no) = twins()?;
    }
    same(&yes, &no, slot.makes).with_context(what)
}

/// An answer and how long it took.
struct Answer {
    status: u16,
    body: Vec<u8>,
    took: Duration,
}

fn asked(client: &Client, request: &Request) -> Result<Answer> {
    let started = Instant::now();
    let bearer = format!("Bearer {}", client.token());
    let host = client.address().to_string();
    let mut headers = vec![
        ("host", host.as_str()),
        ("accept-language", "en"),
        ("authorization", bearer.as_str()),
        ("content-type", request.kind),
    ];
    headers.extend(request.header.as_ref().map(|(n, v)| (*n, v.as_str())));
    let reply: Reply = client.ask_with(request.method, &request.path, &headers, &request.body)?;
    Ok(Answer {
        status: reply.status,
        body: reply.body,
        took: started.elapsed(),
    })
}

/// Both refused, or one and the same answer; never a server's error and never
/// a long time.
fn same(yes: &Answer, no: &Answer, is_made: bool) -> Result<()> {
    for (twin, answer) in [("true", yes), ("false", no)] {
        ensure!(
            answer.status < 500,
            "the {twin} twin: status {}: {}",
            answer.status,
            start(&answer.body)
        );
        ensure!(
            answer.took < SLOWEST,
            "the {twin} twin took {:?}",
            answer.took
        );
    }
    let is_refused = |a: &Answer| (400..500).contains(&a.status);
    if is_refused(yes) && is_refused(no) {
        return Ok(());
    }
    ensure!(
        yes.status == no.status,
        "status {} and {}",
        yes.status,
        no.status
    );
    let (yes, no) = (
        comparable(&yes.body, is_made),
        comparable(&no.body, is_made),
    );
    ensure!(yes == no, "{} and {}", start(&yes), start(&no));
    Ok(())
}

/// An answer without what passes, and with both twins' numbers as one: where
/// the text is told back, it differs in nothing else.
fn comparable(body: &[u8], is_made: bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(body).replace(FALSE, TRUE);
    match serde_json::from_str::<Json>(&text) {
        Ok(mut json) => {
            lasting(&mut json, is_made);
            json.to_string().into_bytes()
        }
        Err(_) => text.into_bytes(),
    }
}

fn lasting(json: &mut Json, is_made: bool) {
    match json {
        Json::Object(map) => {
            let passes = |key: &str| PASSING.contains(&key) || is_made && OF_ITS_OWN.contains(&key);
            map.retain(|key, _| !passes(key));
            map.values_mut().for_each(|value| lasting(value, is_made));
        }
        Json::Array(list) => list.iter_mut().for_each(|value| lasting(value, is_made)),
        _ => {}
    }
}

fn start(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}

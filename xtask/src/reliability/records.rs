//! Records written through the API by several at once, each create under a key
//! and each request again until it is answered; and what was acknowledged,
//! remembered outside the product.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value as Json, json};

use super::ground::Home;
use super::server::{Client, Reply};

/// Threads that write.
pub const N_WRITERS: usize = 6;

/// Requests of one thread between two disturbances; more would make the checks
/// longer and find nothing else.
const MOST: usize = 1_000;

/// Before a request is sent again, and between those of a patient writer.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known of one record by its name, which nothing else has: the
/// product gives the number, so it keeps no second one from being made.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Whether its create was acknowledged, and under which number where the
    /// answer said that.
    is_acknowledged: bool,
    number: Option<String>,
    /// The last value that was sent, and the last acknowledged one with the
    /// version that the answer named.
    sent: u64,
    patched: Option<(u64, i64)>,
}

type Ledger = BTreeMap<String, Known>;

/// A record that a writer made, and what he wrote to it last.
#[derive(Debug, Clone)]
struct Own {
    name: String,
    id: i64,
    value: u64,
}

/// A request that has no answer yet. It keeps its key whenever it is sent
/// again, also to the next server.
#[derive(Debug, Clone)]
enum Request {
    Create {
        name: String,
    },
    Patch {
        of: usize,
        value: u64,
    },
    /// Two creates and a change in one.
    Bulk {
        names: [String; 2],
        of: usize,
        value: u64,
    },
}

#[derive(Debug)]
struct Hand {
    id: usize,
    n: usize,
    pending: Option<Request>,
    own: Vec<Own>,
    ledger: Arc<Mutex<Ledger>>,
}

/// The writers, before and after they write.
#[derive(Debug)]
pub struct Records {
    hands: Vec<Hand>,
    ledger: Arc<Mutex<Ledger>>,
}

/// The writers while they write.
pub struct Writing {
    threads: Vec<JoinHandle<(Hand, Result<()>)>>,
    over: Arc<AtomicBool>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Records {
    pub fn new(n_writers: usize) -> Records {
        let ledger = Arc::new(Mutex::new(Ledger::new()));
        let hands = (0..n_writers).map(|id| Hand {
            id,
            n: 0,
            pending: None,
            own: Vec::new(),
            ledger: ledger.clone(),
        });
        Records {
            hands: hands.collect(),
            ledger: ledger.clone(),
        }
    }

    /// Writes until told to end or, unless patient, until the server does not
    /// answer. A patient one sends again, as a program would whose server or
    /// database went away.
    pub fn start(self, client: &Client, is_patient: bool) -> Writing {
        let over = Arc::new(AtomicBool::new(false));
        let threads = self.hands.into_iter().map(|mut hand| {
            let (client, over) = (client.clone(), over.clone());
            spawn(move || {
                let ended = hand.write(&client, is_patient, &over);
                (hand, ended)
            })
        });
        Writing {
            threads: threads.collect(),
            over,
            ledger: self.ledger,
        }
    }

    /// One request after the other by the first writer, `n` of them: when each
    /// was sent and answered, as `clock` tells.
    pub fn one_by_one(
        &mut self,
        client: &Client,
        n: usize,
        clock: impl Fn() -> Result<f64>,
    ) -> Result<Vec<(f64, f64)>> {
        let hand = self.hands.first_mut().context("no writer")?;
        let mut spans = Vec::new();
        for _ in 0..n {
            let sent = clock()?;
            ensure!(hand.step(client)?, "a request was put off");
            spans.push((sent, clock()?));
        }
        Ok(spans)
    }

    pub fn n_acknowledged(&self) -> usize {
        n_acknowledged(&lock(&self.ledger))
    }

    pub fn all_there_once(&self, home: &Home) -> Result<()> {
        all_there_once(&self.ledger, home)
    }

    /// Some record that was acknowledged, and its last acknowledged value.
    pub fn some(&self) -> Result<String> {
        let ledger = lock(&self.ledger);
        let changed = ledger.iter().find(|(_, known)| known.patched.is_some());
        Ok(changed.context("nothing was changed")?.0.clone())
    }

    /// A planted bug: the same create is sent again without its key, as if the
    /// first answer had been lost.
    pub fn repeat_without_key(&self, client: &Client) -> Result<()> {
        let name = "W-planted";
        for _ in 0..2 {
            let reply = client.ask("POST", "/api/records/customer", &json!({ "name": name }))?;
            acknowledge(&mut lock(&self.ledger), name, Some(&reply.json()?));
        }
        Ok(())
    }
}

impl Writing {
    pub fn n_acknowledged(&self) -> usize {
        n_acknowledged(&lock(&self.ledger))
    }

    pub fn all_there_once(&self, home: &Home) -> Result<()> {
        all_there_once(&self.ledger, home)
    }

    /// Waits until so many records are acknowledged.
    pub fn grows(&self, to: usize, within: Duration) -> Result<()> {
        let started = Instant::now();
        while self.n_acknowledged() < to {
            ensure!(
                started.elapsed() < within,
                "fewer than {to} records acknowledged after {within:?}"
            );
            sleep(PAUSE);
        }
        Ok(())
    }

    pub fn end(self) -> Result<Records> {
        self.over.store(true, Ordering::Relaxed);
        let mut hands = Vec::new();
        for thread in self.threads {
            let joined = thread.join();
            let (hand, ended) = joined.map_err(|_| anyhow::anyhow!("a writer panicked"))?;
            ended?;
            hands.push(hand);
        }
        Ok(Records {
            hands,
            ledger: self.ledger,
        })
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

fn n_acknowledged(ledger: &Ledger) -> usize {
    ledger.values().filter(|k| k.is_acknowledged).count()
}

/// `answer` is the record, where the answer had it.
fn acknowledge(ledger: &mut Ledger, name: &str, answer: Option<&Json>) {
    let known = ledger.entry(name.to_owned()).or_default();
    known.is_acknowledged = true;
    let number = answer.and_then(|a| a["values"]["number"].as_str());
    known.number = number.map(str::to_owned).or(known.number.take());
}

/// What was acknowledged is stored as it was, once, under its number; nothing
/// is stored that was not sent; and the log has every record's beginning, once,
/// and no gap. It may be asked while records are written.
fn all_there_once(ledger: &Mutex<Ledger>, home: &Home) -> Result<()> {
    let before = lock(ledger).clone();
    let rows = home.sql(
        "select c.name, c.number, coalesce(c.address, ''),
           (select count(*) from keji_change k
             where k.object = 'customer' and k.record = c.id and k.kind = 'create'),
           (select max(k.seq) from keji_change k
             where k.object = 'customer' and k.record = c.id)
         from customer c where c.name like 'W-%'",
    )?;
    let log = "select count(*), coalesce(max(seq), 0) from keji_change where seq > 0";
    let log = home.sql(log)?;
    let after = lock(ledger).clone();
    let mut stored: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in &rows {
        let columns: Vec<&str> = row.split('|').collect();
        let [name, number, value, n_created, version] = columns[..] else {
            bail!("not five columns: {row}");
        };
        let sent = after.get(name);
        let sent = sent.with_context(|| format!("{name} was never sent"))?;
        stored.entry(name).or_default().push(number);
        ensure!(
            n_created == "1",
            "{name} ({number}) begins {n_created} times in the log"
        );
        let value: u64 = match value {
            "" => 0,
            value => value.parse()?,
        };
        ensure!(
            value <= sent.sent,
            "{name} has the value {value}, which was never sent"
        );
        if let Some((known, seen)) = before.get(name).and_then(|k| k.patched) {
            ensure!(
                value >= known,
                "{name} has the value {value}; {known} was acknowledged"
            );
            let version: i64 = version.parse()?;
            ensure!(
                version >= seen,
                "{name} is at version {version}; {seen} was acknowledged"
            );
        }
    }
    for (name, numbers) in &stored {
        ensure!(
            numbers.len() == 1,
            "{name} is stored {} times, as {numbers:?}",
            numbers.len()
        );
    }
    for (name, known) in before.iter().filter(|(_, k)| k.is_acknowledged) {
        let numbers = stored.get(name.as_str());
        let numbers = numbers.with_context(|| format!("{name} was acknowledged and is gone"))?;
        if let Some(number) = &known.number {
            ensure!(
                numbers.contains(&number.as_str()),
                "{name} was acknowledged as {number} and is {numbers:?}"
            );
        }
    }
    let log = log.first().context("no count of the log")?;
    let (n, last) = log.split_once('|').context("two columns")?;
    ensure!(n == last, "the log has {n} entries up to number {last}");
    Ok(())
}

impl Hand {
    fn write(&mut self, client: &Client, is_patient: bool, over: &AtomicBool) -> Result<()> {
        let mut n = 0;
        while n < MOST && !over.load(Ordering::Relaxed) {
            match self.step(client) {
                Ok(true) if !is_patient => n += 1,
                Ok(_) => sleep(PAUSE),
                Err(problem) if problem.is::<Refused>() => return Err(problem),
                Err(_) if is_patient => sleep(PAUSE),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Sends one request; true when it was answered. One that is to be sent
    /// later or has no answer stays pending.
    fn step(&mut self, client: &Client) -> Result<bool> {
        let request = match self.pending.take() {
            Some(request) => request,
            None => self.next(),
        };
        let answered = self.send(client, &request);
        match &answered {
            Ok(Some(reply)) => self
                .note(&request, reply)
                .map_err(|problem| Refused(format!("{request:?}: {problem:#}")))?,
            Ok(None) | Err(_) => self.pending = Some(request),
        }
        Ok(answered?.is_some())
    }

    fn next(&mut self) -> Request {
        self.n += 1;
        let (n, hand) = (self.n, self.id);
        let of = n % self.own.len().max(1);
        let request = match (n % 4, self.own.get_mut(of)) {
            (1, _) | (_, None) => Request::Create {
                name: format!("W-{hand}-{n}"),
            },
            (3, Some(own)) => {
                own.value += 1;
                Request::Bulk {
                    names: ["a", "b"].map(|part| format!("W-{hand}-{n}{part}")),
                    of,
                    value: own.value,
                }
            }
            (_, Some(own)) => {
                own.value += 1;
                Request::Patch {
                    of,
                    value: own.value,
                }
            }
        };
        let mut ledger = lock(&self.ledger);
        let (names, changed): (&[String], _) = match &request {
            Request::Create { name } => (std::slice::from_ref(name), None),
            Request::Patch { of, value } => (&[], Some((*of, *value))),
            Request::Bulk { names, of, value } => (names, Some((*of, *value))),
        };
        for name in names {
            ledger.entry(name.clone()).or_default();
        }
        if let Some((of, value)) = changed {
            let name = self.own[of].name.clone();
            ledger.entry(name).or_default().sent = value;
        }
        drop(ledger);
        request
    }

    /// None where it is to be sent again later. A patch needs no key: the same
    /// values a second time are no second change.
    fn send(&self, client: &Client, request: &Request) -> Result<Option<Reply>> {
        let key = format!("{}-{}", self.id, self.n);
        let (method, path, body) = match request {
            Request::Create { name } => (
                "POST",
                "/api/records/customer".to_owned(),
                json!({ "name": name }),
            ),
            Request::Patch { of, value } => (
                "PATCH",
                format!("/api/records/customer/{}", self.own[*of].id),
                json!({ "address": value.to_string() }),
            ),
            Request::Bulk { names, of, value } => {
                let mut operations: Vec<Json> = names
                    .iter()
                    .map(|name| json!({ "create": { "name": name } }))
                    .collect();
                let values = json!({ "address": value.to_string() });
                operations.push(json!({ "update": { "id": self.own[*of].id, "values": values } }));
                (
                    "POST",
                    "/api/records/customer/bulk".to_owned(),
                    json!({ "operations": operations }),
                )
            }
        };
        let host = client.address().to_string();
        let token = format!("Bearer {}", client.token());
        let mut headers = vec![
            ("host", host.as_str()),
            ("accept-language", "en"),
            ("content-type", "application/json"),
            ("authorization", token.as_str()),
        ];
        if method == "POST" {
            headers.push(("idempotency-key", key.as_str()));
        }
        let reply = client.ask_with(method, &path, &headers, body.to_string().as_bytes())?;
        match reply.status {
            200..300 => Ok(Some(reply)),
            // Busy, or the database is away: neither done nor refused.
            409 | 429 | 500..600 => Ok(None),
            _ => Err(Refused(format!("{method} {path}: {:?}", reply.json())).into()),
        }
    }

    fn note(&mut self, request: &Request, reply: &Reply) -> Result<()> {
        let answer = reply.json()?;
        let id = |answer: &Json| answer["id"].as_i64().context("an answer without an id");
        let mut ledger = lock(&self.ledger);
        let mut made = Vec::new();
        let changed = match request {
            Request::Create { name } => {
                acknowledge(&mut ledger, name, Some(&answer));
                made.push((name.clone(), id(&answer)?));
                None
            }
            Request::Patch { of, value } => Some((*of, *value, &answer["version"])),
            Request::Bulk { names, of, value } => {
                for (at, name) in names.iter().enumerate() {
                    let outcome = &answer["outcomes"][at];
                    acknowledge(&mut ledger, name, None);
                    made.push((name.clone(), id(outcome)?));
                }
                Some((*of, *value, &answer["outcomes"][names.len()]["version"]))
            }
        };
        if let Some((of, value, version)) = changed {
            let version = version.as_i64().context("an answer without a version")?;
            let name = self.own[of].name.clone();
            ledger.entry(name).or_default().patched = Some((value, version));
        }
        drop(ledger);
        let own = made
            .into_iter()
            .map(|(name, id)| Own { name, id, value: 0 });
        self.own.extend(own);
        Ok(())
    }
}

/// The server answered, and not as it should: nothing that time mends.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_answer_is_sent_again_under_its_key() {
        let mut records = Records::new(1);
        let hand = &mut records.hands[0];
        // Nobody listens there.
        let nowhere = Client::at(([127, 0, 0, 1], 1).into());
        assert!(hand.step(&nowhere).is_err());
        let (n, first) = (hand.n, format!("{:?}", hand.pending));
        assert!(hand.step(&nowhere).is_err());
        assert_eq!((hand.n, format!("{:?}", hand.pending)), (n, first));
        assert_eq!(records.n_acknowledged(), 0);
    }
}

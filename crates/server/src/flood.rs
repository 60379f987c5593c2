//! Nobody's flood slows the others: how many requests and sign-ins one caller
//! may send, and how many answers one form takes. Who comes with a session or token that holds is counted as that
//! user, everybody else by the address; a key that was never seen to hold
//! counts for nothing, or each guess would begin a new count.
//!
//! What is remembered is bounded; where there are too many to tell apart, the
//! rest is counted as one.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Speaks;
use crate::routes::Shared;
use crate::who;

/// Callers that are told apart.
const MAX_CALLERS: usize = 20_000;
/// Requests in one go, in seconds of the lasting rate.
const IN_ONE_GO: u32 = 10;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A second; none of them is a limit where it is 0.
    pub requests: u32,
    pub at_once: u32,
    /// A minute, from one address.
    pub sign_ins: u32,
    /// Answers of public forms a minute, from one address.
    pub answers: u32,
}

/// How many times as many answers one form takes from all addresses.
const TIMES_PER_FORM: u32 = 20;

pub struct Flood {
    limits: Limits,
    requests: Mutex<Counts<Sender>>,
    sign_ins: Mutex<Counts<Sender>>,
    answers: Mutex<Counts<Answering>>,
    /// Whose the keys are that were seen to hold, by their hash.
    known: Mutex<HashMap<u64, i64>>,
    hashes: RandomState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sender {
    User(i64),
    Address(IpAddr),
    /// Those who are too many to be told apart.
    Rest,
}

/// Who answers, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answering {
    By(IpAddr),
    /// A form, by the hash of its address.
    In(u64),
    Rest,
}

/// For each sender, when what was sent so far would have been due at the
/// lasting rate, and how many requests are being worked on.
struct Counts<K>(HashMap<K, Count>);

struct Count {
    due: Instant,
    at_work: u32,
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn of(&mut self, key: K, rest: K, now: Instant) -> &mut Count {
        if self.0.len() >= MAX_CALLERS && !self.0.contains_key(&key) {
            self.0.retain(|_, c| c.due > now || c.at_work > 0);
        }
        let key = match self.0.len() >= MAX_CALLERS && !self.0.contains_key(&key) {
            true => rest,
            false => key,
        };
        self.0.entry(key).or_insert(Count {
            due: now,
            at_work: 0,
        })
    }
}

impl Count {
    /// Counts one more, or tells how long it has to wait.
    fn more(&mut self, each: Duration, in_one_go: Duration, now: Instant) -> Result<(), Duration> {
        let due = self.due.max(now) + each;
        match (due - now).checked_sub(in_one_go) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.due = due;
                Ok(())
            }
        }
    }
}

impl Flood {
    pub fn new(limits: Limits) -> Flood {
        Flood {
            limits,
            requests: Mutex::new(Counts(HashMap::new())),
            sign_ins: Mutex::new(Counts(HashMap::new())),
            answers: Mutex::new(Counts(HashMap::new())),
            known: Mutex::default(),
            hashes: RandomState::new(),
        }
    }

    /// One try to sign in from an address; else the seconds to wait.
    pub fn sign_in(&self, address: &str) -> Result<(), u64> {
        let n = self.limits.sign_ins;
        let Ok(address) = address.parse() else {
            return Ok(());
        };
        if n == 0 {
            return Ok(());
        }
        let minute = Duration::from_secs(60);
        let now = Instant::now();
        let mut counts = held(&self.sign_ins);
        let count = counts.of(Sender::Address(network(address)), Sender::Rest, now);
        count.more(minute / n, minute, now).map_err(seconds)
    }

    /// One answer of a form from an address; else the seconds to wait. What an
    /// address sends too much does not count for the form, so one sender alone
    /// keeps nobody else out of it.
    pub fn answer(&self, address: &str, form: &str) -> Result<(), u64> {
        let n = self.limits.answers;
        let Ok(address) = address.parse() else {
            return Ok(());
        };
        if n == 0 {
            return Ok(());
        }
        let minute = Duration::from_secs(60);
        let now = Instant::now();
        let mut counts = held(&self.answers);
        let form = Answering::In(self.hashes.hash_one(form));
        let by = Answering::By(network(address));
        for (who, n) in [(by, n), (form, n.saturating_mul(TIMES_PER_FORM))] {
            let count = counts.of(who, Answering::Rest, now);
            count.more(minute / n, minute, now).map_err(seconds)?;
        }
        Ok(())
    }

    /// From now on a key that held is counted as its user's.
    pub fn holds(&self, key: &str, user: i64) {
        let mut known = held(&self.known);
        if known.len() >= MAX_CALLERS {
            known.clear();
        }
        known.insert(self.hashes.hash_one(key), user);
    }

    fn sender(&self, headers: &HeaderMap, address: IpAddr) -> Sender {
        let user = who::key(headers)
            .and_then(|key| held(&self.known).get(&self.hashes.hash_one(key)).copied());
        user.map_or(Sender::Address(network(address)), Sender::User)
    }

    fn begin(&self, sender: Sender) -> Result<(), u64> {
        let now = Instant::now();
        let mut counts = held(&self.requests);
        let count = counts.of(sender, Sender::Rest, now);
        if self.limits.at_once > 0 && count.at_work >= self.limits.at_once {
            return Err(1);
        }
        if self.limits.requests > 0 {
            let each = Duration::from_secs(1) / self.limits.requests;
            let in_one_go = Duration::from_secs(IN_ONE_GO.into());
            count.more(each, in_one_go, now).map_err(seconds)?;
        }
        count.at_work += 1;
        Ok(())
    }

    fn end(&self, sender: Sender) {
        let mut counts = held(&self.requests);
        // Who came when there were too many was counted with the rest.
        let sender = match counts.0.contains_key(&sender) {
            true => sender,
            false => Sender::Rest,
        };
        if let Some(count) = counts.0.get_mut(&sender) {
            count.at_work = count.at_work.saturating_sub(1);
        }
    }
}

/// Ends with the request, also where the caller goes away in the middle of it.
struct AtWork<'a>(&'a Flood, Sender);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

pub async fn limit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let address = (shared.door).sender(request.headers(), request.extensions());
    let sender = shared.flood.sender(request.headers(), address);
    if let Err(seconds) = shared.flood.begin(sender) {
        return Speaks::of(request.headers())
            .too_many_requests(seconds)
            .into_response();
    }
    let _at_work = AtWork(&shared.flood, sender);
    next.run(request).await
}

/// Whoever has one address of version 6 has all of its last 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        v4 => v4,
    }
}

/// Rounded up, as a header has it.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(requests: u32, at_once: u32, sign_ins: u32) -> Flood {
        Flood::new(Limits {
            requests,
            at_once,
            sign_ins,
            answers: 3,
        })
    }

    #[test]
    fn one_who_answers_too_much_keeps_nobody_out() {
        let flood = flood(0, 0, 0);
        for _ in 0..3 {
            assert_eq!(flood.answer("10.0.0.1", "a"), Ok(()));
        }
        for _ in 0..1_000 {
            assert!((1..=20).contains(&flood.answer("10.0.0.1", "a").unwrap_err()));
        }
        assert!(flood.answer("10.0.0.1", "b").is_err());
        // 3 × 20 of all together, 3 of which were sent.
        let sent = (2..=100).map(|i| flood.answer(&format!("10.0.0.{i}"), "a"));
        let taken = sent.filter(Result::is_ok).count();
        assert!((57..=60).contains(&taken), "{taken}");
        assert_eq!(flood.answer("10.0.1.1", "b"), Ok(()));
    }

    #[test]
    fn a_caller_is_stopped_and_the_next_one_is_not() {
        let flood = flood(10, 0, 3);
        let sent = |sender| {
            let n = (0..200).filter(|_| flood.begin(sender).is_ok()).count();
            flood.end(sender);
            n
        };
        // Ten seconds of it in one go, and what came due meanwhile.
        assert!((100..=105).contains(&sent(Sender::User(1))));
        assert!(flood.begin(Sender::User(1)).is_err());
        assert!((100..=105).contains(&sent(Sender::User(2))));
        for _ in 0..3 {
            assert_eq!(flood.sign_in("10.0.0.1"), Ok(()));
        }
        assert!((1..=20).contains(&flood.sign_in("10.0.0.1").unwrap_err()));
        assert_eq!(flood.sign_in("10.0.0.2"), Ok(()));
        for _ in 0..3 {
            assert_eq!(flood.sign_in("2001:db8::1"), Ok(()));
        }
        assert!(flood.sign_in("2001:db8::2").is_err());
    }

    #[test]
    fn requests_at_the_same_time_end() {
        let flood = flood(0, 2, 0);
        let user = Sender::User(1);
        assert!(flood.begin(user).is_ok() && flood.begin(user).is_ok());
        assert_eq!(flood.begin(user), Err(1));
        flood.end(user);
        assert!(flood.begin(user).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let flood = flood(1, 0, 1);
        let n = u32::try_from(MAX_CALLERS).unwrap() + 5_000;
        for i in 0..n {
            let address = IpAddr::from(i.to_be_bytes());
            let _ = flood.begin(Sender::Address(address));
            let _ = flood.sign_in(&address.to_string());
            flood.holds(&i.to_string(), i.into());
        }
        assert!(held(&flood.requests).0.len() <= MAX_CALLERS + 1);
        assert!(held(&flood.sign_ins).0.len() <= MAX_CALLERS + 1);
        assert!(held(&flood.known).len() <= MAX_CALLERS);
        // The rest is counted as one.
        assert!(flood.sign_in("250.0.0.1").is_err());
    }

    #[test]
    fn only_keys_that_held_are_users() {
        let flood = flood(1, 0, 1);
        let address = IpAddr::from([10, 0, 0, 1]);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer keji_1".parse().unwrap());
        assert_eq!(flood.sender(&headers, address), Sender::Address(address));
        flood.holds("keji_1", 7);
        assert_eq!(flood.sender(&headers, address), Sender::User(7));
    }
}

//! All records of an object compared, as far as they share a key: every night
//! and when somebody asks. What is found waits in a list until the two are made
//! one or somebody says that they are two.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use keji_store::{NewJob, Pair};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::check::titles;
use super::traits::{self, LISTED, Reason};
use super::{follow, known, traits_of};
use crate::context::App;
use crate::error::{Error, Result};
use crate::jobs::{Beat, LEASE, fail};
use crate::permission::{Action, Caller, access, access_for};

const KIND: &str = "duplicates";

/// Records that share a key at most, for them to be compared: a name or a
/// number that more of them have tells nothing.
const CROWD: u32 = 60;

/// Keys that are looked at in one go.
const KEYS: u32 = 2_000;

/// Pairs of one page are looked for among so many at most, where the caller
/// sees a part of the records only.
const LOOKED_AT: u32 = 2_000;

const USUAL_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;

/// The first hour of the calendar's day at which the scan may begin.
const AT_NIGHT: i8 = 2;
const NIGHT_HOURS: i8 = 4;
/// A machine that sleeps at night scans by day: the first time so long after
/// the program started, so that its first minutes are its users'; later when
/// nights were missed.
const FIRST_AFTER_HOURS: i64 = 2;
const AGAIN_AFTER_HOURS: i64 = 36;

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PairQuery {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// At most 200; 50 by default.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PairList {
    /// The most alike first. Only pairs of which the caller sees both.
    pub pairs: Vec<PairBody>,
    pub next: Option<String>,
    /// Null until there was a scan.
    pub last_scan: Option<ScanBody>,
    /// Whether the caller may make two records one.
    pub may_merge: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PairBody {
    /// The older one.
    pub a: PairSide,
    pub b: PairSide,
    /// In hundredths.
    pub score: i64,
    pub reasons: Vec<Reason>,
    #[schema(value_type = String, format = DateTime)]
    pub found_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PairSide {
    pub id: i64,
    pub title: Option<String>,
    pub number: Option<String>,
}

/// What a scan did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ScanBody {
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: Timestamp,
    pub seconds: f64,
    /// Pairs that look like one.
    pub n_pairs: i64,
    /// Pairs that were compared.
    pub n_compared: u64,
    /// Names and numbers that too many records share to tell anything; by
    /// those alone nothing was compared.
    pub n_crowded: i64,
}

/// A scan that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScanJob {
    /// Of the job; while one waits, it is that.
    pub job: i64,
}

/// The pairs that the last scans found.
pub async fn pairs(
    app: &App,
    caller: &Caller,
    object: &str,
    query: &PairQuery,
) -> Result<PairList> {
    let (def, _) = known(app, caller, object, &[Action::Read])?;
    let limit = query.limit.unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE) as usize;
    let mut after = match query.after.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(cursor(text)?),
    };
    let own = access(caller, object);
    let mut found: Vec<PairBody> = Vec::new();
    let mut looked_at = 0;
    let mut has_more = true;
    while has_more && found.len() < limit && looked_at < LOOKED_AT {
        let page = app.store.pairs(object, after, MAX_PAGE).await?;
        has_more = page.len() == MAX_PAGE as usize;
        looked_at += MAX_PAGE;
        let ids: BTreeSet<i64> = page.iter().flat_map(|p| [p.a, p.b]).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let seen = titles(app, def, &ids, &own).await?;
        let seen: HashMap<i64, PairSide> = (seen.into_iter())
            .map(|(id, title, number)| (id, PairSide { id, title, number }))
            .collect();
        let n = page.len();
        for (at, pair) in page.into_iter().enumerate() {
            after = Some((pair.score, pair.a, pair.b));
            if let (Some(a), Some(b)) = (seen.get(&pair.a), seen.get(&pair.b)) {
                found.push(PairBody {
                    a: a.clone(),
                    b: b.clone(),
                    score: pair.score,
                    reasons: reasons(&pair.reasons),
                    found_at: pair.found_at,
                });
            }
            if found.len() == limit {
                has_more |= at + 1 < n;
                break;
            }
        }
    }
    let last_scan = app.store.scan_noted(object).await?;
    let may = |action| crate::permission::may(caller, object, action);
    Ok(PairList {
        pairs: found,
        next: (after.filter(|_| has_more)).map(|(score, a, b)| format!("{score}-{a}-{b}")),
        last_scan: last_scan.and_then(|note| serde_json::from_value(note).ok()),
        may_merge: may(Action::Update) && may(Action::Delete),
    })
}

fn cursor(text: &str) -> Result<(i64, i64, i64)> {
    let numbers: Vec<i64> = text.split('-').filter_map(|n| n.parse().ok()).collect();
    match numbers[..] {
        [score, a, b] => Ok((score, a, b)),
        _ => Err(Error::Argument {
            name: "after",
            zh: format!("`{text}` 不是这个列表的下一页"),
            en: format!("`{text}` is not the next page of this list"),
        }),
    }
}

fn reasons(text: &str) -> Vec<Reason> {
    let all = text.split(',');
    all.filter_map(|word| serde_json::from_value(json!(word)).ok())
        .collect()
}

/// Two records that were proposed as one are two: no scan proposes them again.
pub async fn tell_apart(app: &App, caller: &Caller, object: &str, a: i64, b: i64) -> Result<()> {
    both_within(app, caller, object, a, b).await?;
    Ok(app.store.tell_apart(object, a, b, &caller.actor).await?)
}

/// That was a mistake.
pub async fn tell_alike(app: &App, caller: &Caller, object: &str, a: i64, b: i64) -> Result<()> {
    both_within(app, caller, object, a, b).await?;
    Ok(app.store.tell_alike(object, a, b).await?)
}

async fn both_within(app: &App, caller: &Caller, object: &str, a: i64, b: i64) -> Result<()> {
    known(app, caller, object, &[Action::Update])?;
    let own = access_for(caller, object, &[Action::Read, Action::Update]);
    for id in [a, b] {
        let seen = app.store.get(object, id, &own).await?;
        seen.ok_or_else(|| Error::not_found("record", id))?;
    }
    Ok(())
}

/// Asks for a scan now.
pub async fn ask(app: &App, caller: &Caller, object: &str) -> Result<ScanJob> {
    known(app, caller, object, &[Action::Update, Action::Delete])?;
    Ok(ScanJob {
        job: enqueue(app, object).await?,
    })
}

async fn enqueue(app: &App, object: &str) -> Result<i64> {
    let job = NewJob {
        key: Some(object.to_owned()),
        ..NewJob::new(KIND, json!({ "object": object }))
    };
    Ok(app.store.enqueue(job).await?.0)
}

/// For a worker: asks for the night's scans where it is time, and works on the
/// oldest that was asked for. True when there was one.
pub async fn work(app: &App) -> Result<bool> {
    ask_nightly(app).await?;
    let Some(job) = app.store.lease_job(&[KIND], LEASE).await? else {
        return Ok(false);
    };
    let object = job.args["object"].as_str().unwrap_or_default().to_owned();
    let cancel = Arc::new(AtomicBool::new(false));
    let beat = Beat::start(app, job.lease(), cancel.clone());
    let done = scan(app, &object, &cancel, |n| {
        beat.set(&json!({ "compared": n }))
    })
    .await;
    beat.stop().await;
    match done {
        Ok(note) => {
            let note = serde_json::to_value(note).unwrap_or_default();
            app.store.finish_job(&job.lease(), note).await?;
        }
        Err(problem) => drop(fail(app, &job, &problem).await?),
    }
    Ok(true)
}

/// Once a day, at night; what is kept for undoing merges goes then, too.
async fn ask_nightly(app: &App) -> Result<()> {
    const LOOK_AGAIN: Duration = Duration::from_secs(300);
    {
        let looked = app.duplicates.looked.lock();
        let mut looked = looked.unwrap_or_else(PoisonError::into_inner);
        if looked.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
            return Ok(());
        }
        *looked = Some(Instant::now());
    }
    app.store.sweep_merges().await?;
    let started_at = *app.duplicates.since.get_or_init(Timestamp::now);
    let now = Timestamp::now().to_zoned(app.catalog.calendar.zone.clone());
    for def in app
        .catalog
        .objects
        .values()
        .filter(|d| d.duplicates.is_some())
    {
        let noted = app.store.scan_noted(&def.id).await?;
        let last: Option<ScanBody> = noted.and_then(|note| serde_json::from_value(note).ok());
        if is_due(last.map(|scan| scan.begun_at), started_at, &now) {
            enqueue(app, &def.id).await?;
        }
    }
    Ok(())
}

/// Whether an object whose last scan began at `last` is to be scanned by
/// itself, in a program that has run since `started_at`.
fn is_due(last: Option<Timestamp>, started_at: Timestamp, now: &Zoned) -> bool {
    let is_night = (AT_NIGHT..AT_NIGHT + NIGHT_HOURS).contains(&now.hour());
    let hours_since = |at: Timestamp| at.duration_until(now.timestamp()).as_hours();
    match last {
        None => is_night || hours_since(started_at) >= FIRST_AFTER_HOURS,
        Some(last) => {
            let is_today = last.to_zoned(now.time_zone().clone()).date() == now.date();
            !is_today && (is_night || hours_since(last) >= AGAIN_AFTER_HOURS)
        }
    }
}

/// Compares what shares a key, some thousands of records in memory at a time.
pub async fn scan(
    app: &App,
    object: &str,
    cancel: &AtomicBool,
    tell: impl Fn(u64),
) -> Result<ScanBody> {
    let (def, duplicates) = known(app, &Caller::job(), object, &[])?;
    follow(app).await?;
    let start = Instant::now();
    // As the store keeps it.
    let begun_at = Timestamp::from_microsecond(Timestamp::now().as_microsecond());
    let begun_at = begun_at.map_err(|e| Error::Internal(e.to_string()))?;
    let mut n_compared = 0;
    let mut after = None;
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let blocks = app.store.key_blocks(object, after, CROWD, KEYS).await?;
        let Some(last) = blocks.last() else {
            break;
        };
        after = Some(last.key);
        let ids: BTreeSet<i64> = blocks.iter().flat_map(|b| b.records.clone()).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let all = traits_of(app, def, duplicates, &ids, |_| true).await?;
        let mut seen: BTreeSet<(i64, i64)> = BTreeSet::new();
        let mut pairs = Vec::new();
        for block in &blocks {
            for (i, one) in block.records.iter().enumerate() {
                for other in &block.records[i + 1..] {
                    let (a, b) = (*one.min(other), *one.max(other));
                    let (Some(left), Some(right)) = (all.get(&a), all.get(&b)) else {
                        continue;
                    };
                    if a == b || !seen.insert((a, b)) {
                        continue;
                    }
                    n_compared += 1;
                    let likeness = traits::compare(left, right);
                    let Some(likeness) = likeness.filter(|l| l.score >= LISTED) else {
                        continue;
                    };
                    let words = likeness.reasons.iter().filter_map(|reason| {
                        let word = serde_json::to_value(reason).ok()?;
                        word.as_str().map(str::to_owned)
                    });
                    pairs.push(Pair {
                        a,
                        b,
                        score: likeness.score.into(),
                        reasons: words.collect::<Vec<_>>().join(","),
                        found_at: begun_at,
                    });
                }
            }
        }
        if !pairs.is_empty() {
            app.store.keep_pairs(object, &pairs).await?;
        }
        tell(n_compared);
    }
    let note = ScanBody {
        begun_at,
        n_pairs: app.store.close_pairs(object, begun_at).await?,
        n_compared,
        n_crowded: app.store.crowded_keys(object, CROWD).await?,
        seconds: start.elapsed().as_secs_f64(),
    };
    let kept = serde_json::to_value(&note).map_err(|e| Error::Internal(e.to_string()))?;
    app.store.note_scan(object, &kept).await?;
    Ok(note)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;

    /// Of November 2026 in Shanghai.
    fn at(day: i8, hour: i8) -> Zoned {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        date(2026, 11, day)
            .at(hour, 30, 0, 0)
            .to_zoned(zone)
            .unwrap()
    }

    fn is_due(last: Option<Zoned>, started_at: &Zoned, now: &Zoned) -> bool {
        super::is_due(last.map(|at| at.timestamp()), started_at.timestamp(), now)
    }

    #[test]
    fn where_the_machine_sleeps_at_night_the_first_scan_is_by_day() {
        // From 9 to 18, day after day.
        let started = at(2, 9);
        assert!(!is_due(None, &started, &at(2, 10)));
        let hours: Vec<i8> = (9..18)
            .filter(|h| is_due(None, &started, &at(2, *h)))
            .collect();
        assert_eq!(hours, [11, 12, 13, 14, 15, 16, 17]);
        let last = Some(at(2, 11));
        assert!(!is_due(last.clone(), &at(3, 9), &at(3, 17)));
        assert!(is_due(last, &at(4, 9), &at(4, 9)));
    }

    #[test]
    fn where_it_runs_at_night_it_is_scanned_once_a_night() {
        let started = at(2, 1);
        assert!(!is_due(None, &started, &at(2, 1)));
        assert!(is_due(None, &started, &at(2, 2)));
        let last = Some(at(2, 2));
        assert!(!is_due(last.clone(), &started, &at(2, 3)));
        assert!(!is_due(last.clone(), &started, &at(3, 1)));
        assert!(is_due(last.clone(), &started, &at(3, 2)));
        assert!(!is_due(last, &started, &at(3, 6)));
        // Asked for by day, it is done for that day and not for the night.
        assert!(is_due(Some(at(2, 15)), &started, &at(3, 5)));
    }
}

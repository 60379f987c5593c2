//! Telling: following the change log, sending what is due, trying again. At
//! least once, with the same id in every try; any number of workers.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use keji_store::{
    Attempt, Change, ChangeKind, ChangeQuery, Delivery, Job, JobState, NewDelivery, Retry, Webhook,
};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::{AttemptBody, known, sign};
use crate::context::App;
use crate::error::{Error, Result};
use crate::identity;
use crate::outbound::Request;
use crate::permission::{Action, Admin, Caller, access, may, require_admin, sees_all};

/// The kind of its jobs.
const KIND: &str = "webhook";

/// A receiver that takes longer has not received it.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Longer than a try: a worker that is silent for longer has died.
const LEASE: Duration = Duration::from_secs(40);

/// Nobody reads the answers.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Changes that are looked at in one go.
const PORTION: u32 = 500;

/// Sent at once.
const N_AT_ONCE: usize = 8;

const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(12 * 3600);
/// From the first try to the last.
const GIVE_UP: Duration = Duration::from_secs(72 * 3600);

/// More than fit into [`GIVE_UP`]: the time ends them, and not their number.
pub(super) const MAX_ATTEMPTS: u32 = 30;

/// Deliveries are shown for as long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long to wait after the nth try (from 1), `age` after the first one was
/// due: four times as long each time, at most twelve hours, the last one 72
/// hours after the first. None where it is given up.
pub fn wait(n: u32, age: Duration) -> Option<Duration> {
    let left = GIVE_UP.checked_sub(age).filter(|left| !left.is_zero())?;
    let factor = 4_u32.saturating_pow(n.saturating_sub(1));
    Some(
        FIRST_WAIT
            .saturating_mul(factor)
            .min(LONGEST_WAIT)
            .min(left),
    )
}

/// Looks at what has changed and sends what is due; true when there may be
/// more to do at once. Nothing is done while the place is frozen.
pub async fn work(app: &App) -> Result<bool> {
    if app.store.is_frozen().await? {
        return Ok(false);
    }
    let has_followed = follow(app).await?;
    Ok(send_due(app).await? || has_followed)
}

/// Forgets deliveries that ended long ago.
pub async fn sweep(app: &App) -> Result<()> {
    Ok(app.store.sweep_deliveries(Timestamp::now() - KEPT).await?)
}

/// Makes deliveries of what has changed behind each webhook's position.
async fn follow(app: &App) -> Result<bool> {
    let mut has_more = false;
    let hooks = app.store.webhooks().await?;
    if !hooks.iter().any(|hook| hook.values.is_active) {
        return Ok(false);
    }
    let last = app.store.last_seq().await?;
    for hook in hooks {
        if !hook.values.is_active || hook.position >= last {
            continue;
        }
        // Without an owner there is nobody with whose rights to tell; it goes
        // on where it stands when somebody saves the webhook.
        let Some(owner) = identity::caller_of_user(app, hook.values.user).await? else {
            continue;
        };
        let query = ChangeQuery {
            after_seq: hook.position,
            limit: PORTION,
            ..ChangeQuery::default()
        };
        let changes = app.store.changes(&query).await?;
        let Some(to) = changes.last().map(|c| c.seq) else {
            continue;
        };
        let mut all = Vec::new();
        for change in &changes {
            if is_wanted(&hook, change) && payload(app, &owner, change).await?.is_some() {
                all.push(delivery(&hook, change));
            }
        }
        let from = hook.position;
        app.store
            .follow_webhook(hook.id, from, to, &all, MAX_ATTEMPTS)
            .await?;
        has_more |= to < last;
    }
    Ok(has_more)
}

fn is_wanted(hook: &Webhook, change: &Change) -> bool {
    let objects = &hook.values.objects;
    let is_object = match &change.object {
        Some(object) => objects.iter().any(|o| o == "*" || o == object),
        None => true,
    };
    is_object && hook.values.kinds.iter().any(|k| k == kind(change.kind))
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "create",
        ChangeKind::Update => "update",
        ChangeKind::Delete => "delete",
        ChangeKind::Import => "import",
        ChangeKind::Undo => "undo",
        ChangeKind::Evaluation => "evaluation",
        ChangeKind::Merge => "merge",
        ChangeKind::Unmerge => "unmerge",
        // Not of the records, and nobody's to be told: no webhook can want it.
        ChangeKind::Reveal
        | ChangeKind::Export
        | ChangeKind::Erasure
        | ChangeKind::Define
        | ChangeKind::Comment
        | ChangeKind::SignIn
        | ChangeKind::SignInFailed
        | ChangeKind::SignOut => "",
    }
}

fn what(change: &Change) -> String {
    match &change.object {
        Some(object) => format!("{object}.{}", kind(change.kind)),
        None => kind(change.kind).to_owned(),
    }
}

fn delivery(hook: &Webhook, change: &Change) -> NewDelivery {
    // The same in the place that this one was restored from, as long as it is
    // the same change; another one where the two went on by themselves.
    let whole = format!(
        "{} {} {} {}",
        hook.id,
        hook.created_at.as_microsecond(),
        change.seq,
        change.at.as_microsecond()
    );
    NewDelivery {
        event: event_id(whole.as_bytes()),
        what: what(change),
        seq: Some(change.seq),
        object: change.object.clone(),
        record: change.record,
    }
}

fn event_id(of: &[u8]) -> String {
    let hash = Sha256::digest(of);
    let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("msg_{hex}")
}

/// What is told of a change under the owner's rights; none where that is
/// nothing. A deleted record can no longer be asked whose it was, so a delete
/// is told only to who sees all records of the object.
async fn payload(app: &App, owner: &Caller, change: &Change) -> Result<Option<Json>> {
    let (before, after) = match (&change.object, change.record) {
        (Some(object), Some(record)) => {
            let Some(def) = app.catalog.objects.get(object) else {
                return Ok(None);
            };
            if !may(owner, object, Action::Read) {
                return Ok(None);
            }
            let access = access(owner, object);
            let is_seen = match (&access.predicate, change.kind) {
                (None, _) => true,
                (Some(_), ChangeKind::Delete) => false,
                (Some(_), _) => app.store.get(object, record, &access).await?.is_some(),
            };
            let shown = |values: &Option<Map<String, Json>>| -> Option<Map<String, Json>> {
                let values = values.as_ref()?.iter();
                let shown =
                    values.filter(|(f, _)| def.field(f).is_some() && !access.hides(object, f));
                Some(shown.map(|(f, v)| (f.clone(), v.clone())).collect())
            };
            let (before, after) = (shown(&change.before), shown(&change.after));
            let is_empty =
                |values: &Option<Map<String, Json>>| values.as_ref().is_none_or(Map::is_empty);
            // Only what the owner may not see has changed.
            let says_nothing =
                change.kind == ChangeKind::Update && is_empty(&before) && is_empty(&after);
            if !is_seen || says_nothing {
                return Ok(None);
            }
            (before, after)
        }
        (Some(_), None) => return Ok(None),
        // Counts over everything.
        (None, _) => {
            if !sees_all(owner, "customer") {
                return Ok(None);
            }
            (None, change.after.clone())
        }
    };
    Ok(Some(json!({
        "type": what(change),
        "timestamp": change.at,
        "data": {
            "seq": change.seq,
            "object": change.object,
            "record": change.record,
            "batch": change.batch,
            "actor": change.actor,
            "channel": change.channel,
            "before": before,
            "after": after,
        },
    })))
}

/// Sends up to [`N_AT_ONCE`] deliveries that are due; true when there was one.
async fn send_due(app: &App) -> Result<bool> {
    let mut tasks = JoinSet::new();
    for _ in 0..N_AT_ONCE {
        let Some(job) = app.store.lease_job(&[KIND], LEASE).await? else {
            break;
        };
        let app = app.clone();
        tasks.spawn(async move {
            if let Err(problem) = send_job(&app, &job).await {
                tracing::warn!(error = ?problem, "a delivery is tried another time");
            }
        });
    }
    let any = !tasks.is_empty();
    while tasks.join_next().await.is_some() {}
    Ok(any)
}

/// What became of one try.
enum Sent {
    Good,
    /// Another try may help.
    Bad(String),
    /// No other try helps.
    Never(String),
    /// The owner may no longer read it.
    Withheld,
}

async fn send_job(app: &App, job: &Job) -> Result<()> {
    let id = job.args.get("delivery").and_then(Json::as_i64);
    let delivery = match id {
        Some(id) => app.store.delivery(id).await?,
        None => None,
    };
    let lease = job.lease();
    let Some(delivery) = delivery else {
        app.store.finish_job(&lease, Json::Null).await?;
        return Ok(());
    };
    let Some(hook) = app.store.webhook(delivery.webhook).await? else {
        app.store.finish_job(&lease, Json::Null).await?;
        return Ok(());
    };
    match try_change(app, &hook, &delivery).await? {
        Sent::Good => app.store.finish_job(&lease, Json::Null).await?,
        Sent::Bad(why) => {
            let age = Timestamp::now().duration_since(job.created_at);
            let age = Duration::try_from(age).unwrap_or_default();
            let retry = wait(job.attempts, age).map_or(Retry::Never, Retry::After);
            let state = app.store.fail_job(&lease, &why, retry).await?;
            if state == JobState::Failed {
                tracing::warn!(
                    webhook = hook.id,
                    event = delivery.delivery.event,
                    "given up"
                );
            }
        }
        Sent::Never(why) => {
            app.store.fail_job(&lease, &why, Retry::Never).await?;
        }
        Sent::Withheld => {
            app.store.cancel_job(job.id).await?;
            app.store.fail_job(&lease, "withheld", Retry::Never).await?;
        }
    }
    Ok(())
}

async fn try_change(app: &App, hook: &Webhook, delivery: &Delivery) -> Result<Sent> {
    if !hook.values.is_active {
        note(app, delivery.id, "switched_off").await?;
        return Ok(Sent::Never("switched_off".to_owned()));
    }
    let Some(owner) = identity::caller_of_user(app, hook.values.user).await? else {
        note(app, delivery.id, "no_owner").await?;
        return Ok(Sent::Bad("no_owner".to_owned()));
    };
    let query = ChangeQuery {
        after_seq: delivery.delivery.seq.unwrap_or_default() - 1,
        limit: 1,
        ..ChangeQuery::default()
    };
    let change = app.store.changes(&query).await?.pop();
    let Some(change) = change.filter(|c| Some(c.seq) == delivery.delivery.seq) else {
        return Ok(Sent::Withheld);
    };
    let Some(payload) = payload(app, &owner, &change).await? else {
        return Ok(Sent::Withheld);
    };
    let attempt = send(app, hook, delivery.id, &delivery.delivery.event, &payload).await?;
    Ok(match (attempt.status, attempt.error) {
        (Some(200..300), _) => Sent::Good,
        // Gone, says the receiver: for good.
        (Some(410), _) => Sent::Never("status 410".to_owned()),
        (Some(status), _) => Sent::Bad(format!("status {status}")),
        (None, error) => Sent::Bad(error.unwrap_or_default()),
    })
}

/// Notes that a try did not come to anything.
async fn note(app: &App, delivery: i64, error: &str) -> Result<()> {
    let attempt = Attempt {
        at: Timestamp::now(),
        status: None,
        error: Some(error.to_owned()),
        duration_ms: 0,
    };
    Ok(app.store.add_attempt(delivery, &attempt).await?)
}

/// One try, noted.
async fn send(
    app: &App,
    hook: &Webhook,
    delivery: i64,
    event: &str,
    payload: &Json,
) -> Result<Attempt> {
    let body = payload.to_string().into_bytes();
    let secrets = app.store.webhook_secrets(hook.id).await?;
    let (at, started) = (Timestamp::now(), Instant::now());
    let signature = sign::signature(&secrets, event, at.as_second(), &body)?;
    let request = Request {
        timeout: TIMEOUT,
        max_answer_bytes: MAX_ANSWER_BYTES,
        ..Request::post(&hook.values.url, body)
    }
    .header("content-type", "application/json")
    .header("webhook-id", event)
    .header("webhook-timestamp", at.as_second().to_string())
    .header("webhook-signature", signature);
    let result = app.outbound.send(request).await;
    let attempt = Attempt {
        at,
        status: result.as_ref().ok().map(|answer| i64::from(answer.status)),
        error: result.err().map(|problem| problem.code().to_owned()),
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
    };
    app.store.add_attempt(delivery, &attempt).await?;
    Ok(attempt)
}

/// Sends a `test` at once and tells how it went.
pub async fn test(app: &App, caller: &Caller, id: i64) -> Result<AttemptBody> {
    require_admin(caller, Admin::Webhooks)?;
    let hook = known(app, id).await?;
    if app.store.is_frozen().await? {
        return Err(Error::State {
            code: "frozen",
            zh: "恢复自备份以后，对外发送先停着；请先放行".to_owned(),
            en: "since the restore nothing is sent out; release it first".to_owned(),
        });
    }
    let at = Timestamp::now();
    let event = event_id(format!("test {id} {}", at.as_nanosecond()).as_bytes());
    let new = NewDelivery {
        event: event.clone(),
        what: "test".to_owned(),
        seq: None,
        object: None,
        record: None,
    };
    let delivery = app.store.add_delivery(id, &new).await?;
    let payload = json!({
        "type": "test",
        "timestamp": at,
        "data": { "webhook": id, "name": hook.values.name },
    });
    let attempt = send(app, &hook, delivery, &event, &payload).await?;
    Ok(AttemptBody::of(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_go_on_for_72_hours_and_get_rarer() {
        let (mut age, mut n, mut waits) = (Duration::ZERO, 0, Vec::new());
        loop {
            n += 1;
            let Some(wait) = wait(n, age) else { break };
            waits.push(wait.as_secs());
            age += wait;
        }
        assert_eq!(waits[..8], [5, 20, 80, 320, 1280, 5120, 20_480, 43_200]);
        assert_eq!(age, GIVE_UP);
        assert!(n < MAX_ATTEMPTS, "{n} tries");
        assert_eq!(wait(1, GIVE_UP + Duration::from_secs(1)), None);
        assert_eq!(wait(u32::MAX, Duration::ZERO), Some(LONGEST_WAIT));
    }
}

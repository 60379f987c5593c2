//! Webhooks: other programs are told of what changed here, in the way of the
//! Standard Webhooks convention. An administrator says where to, about which
//! objects and which kinds of changes; whoever saved a webhook last is its
//! owner, and nothing is told that its owner may not read.
//!
//! Reading order: here (making, changing, looking), [`tell`] (following the
//! log, sending, trying again), `sign`.

mod sign;
pub mod tell;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keji_store::{Attempt, By, Delivery, Webhook, WebhookValues};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::App;
use crate::error::{Error, Result};
use crate::identity;
use crate::outbound;
use crate::permission::{Action, Admin, Caller, may, require_admin};

pub use sign::signature;

/// For how long the secret before the present one holds too.
const ROTATION: SignedDuration = SignedDuration::from_hours(24);
const MAX_WEBHOOKS: usize = 100;
const MAX_NAME: usize = 200;
const USUAL_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;

const KINDS: [&str; 8] = [
    "create",
    "update",
    "delete",
    "import",
    "undo",
    "evaluation",
    "merge",
    "unmerge",
];

#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    pub webhooks: Vec<WebhookBody>,
    /// After a restore: nothing is sent until somebody releases it.
    pub is_frozen: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookBody {
    pub id: i64,
    pub name: String,
    pub url: String,
    /// Ids of objects, or `*` alone for all that the owner may read.
    pub objects: Vec<String>,
    /// `create`, `update`, `delete`, `import`, `undo` or `evaluation`.
    pub kinds: Vec<String>,
    pub is_active: bool,
    /// The user with whose rights it is told: who saved it last.
    pub owner: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until then the secret before the present one holds too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub old_secret_until: Option<Timestamp>,
    /// Deliveries that were given up, and those that are still on their way.
    pub n_dead: i64,
    pub n_waiting: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    pub name: String,
    /// http or https.
    pub url: String,
    /// Ids of objects, or `*` alone.
    pub objects: Vec<String>,
    /// `create`, `update`, `delete`, `import`, `undo` or `evaluation`.
    pub kinds: Vec<String>,
    pub is_active: Option<bool>,
}

/// What is given is changed. What changes while it is not active is not told.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    pub name: Option<String>,
    pub url: Option<String>,
    pub objects: Option<Vec<String>>,
    pub kinds: Option<Vec<String>>,
    pub is_active: Option<bool>,
}

/// The secret is told this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMade {
    pub id: i64,
    /// `whsec_` and 32 bytes in base64.
    pub secret: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecret {
    pub secret: String,
    #[schema(value_type = String, format = DateTime)]
    pub old_secret_until: Timestamp,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Only those that were given up.
    #[serde(default)]
    pub dead: bool,
    /// The `next` of the page before.
    pub before: Option<i64>,
    /// At most 200.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryList {
    /// Newest first.
    pub deliveries: Vec<DeliveryBody>,
    pub next: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryBody {
    pub id: i64,
    /// The `webhook-id`: the same in every try.
    pub event: String,
    /// `customer.update`, `import` or `test`.
    #[serde(rename = "type")]
    pub what: String,
    pub object: Option<String>,
    pub record: Option<i64>,
    /// Position in the change log; a test has none.
    pub seq: Option<i64>,
    /// `waiting`, `delivered`, `dead` (given up) or `withheld` (its owner may
    /// no longer read it).
    pub state: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Of one that waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// The newest.
    pub attempt: Option<AttemptBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptList {
    /// Oldest first.
    pub attempts: Vec<AttemptBody>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttemptBody {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Of the answer; null where there was none.
    pub status: Option<i64>,
    /// Why there was none: `refused_address`, `no_address`, `no_connection`,
    /// `no_secure_connection`, `timeout`, `broken_connection`,
    /// `answer_too_long`, `url`, `switched_off` or `no_owner`.
    pub error: Option<String>,
    pub duration_ms: i64,
}

impl AttemptBody {
    fn of(attempt: Attempt) -> AttemptBody {
        AttemptBody {
            at: attempt.at,
            status: attempt.status,
            error: attempt.error,
            duration_ms: attempt.duration_ms,
        }
    }
}

fn is_good(attempt: &Attempt) -> bool {
    attempt.status.is_some_and(|s| (200..300).contains(&s))
}

impl DeliveryBody {
    fn of(delivery: Delivery) -> DeliveryBody {
        let state = match &delivery.job {
            Some(job) => match job.state.as_str() {
                "done" => "delivered",
                "failed" => "dead",
                "cancelled" => "withheld",
                _ => "waiting",
            },
            None if delivery.attempt.as_ref().is_some_and(is_good) => "delivered",
            None => "dead",
        };
        let job = delivery.job.filter(|_| state == "waiting");
        DeliveryBody {
            id: delivery.id,
            event: delivery.delivery.event,
            what: delivery.delivery.what,
            object: delivery.delivery.object,
            record: delivery.delivery.record,
            seq: delivery.delivery.seq,
            state: state.to_owned(),
            created_at: delivery.created_at,
            next_at: job.map(|job| job.run_at),
            attempt: delivery.attempt.map(AttemptBody::of),
        }
    }
}

pub async fn list(app: &App, caller: &Caller) -> Result<WebhookList> {
    require_admin(caller, Admin::Webhooks)?;
    let counts = app.store.delivery_counts().await?;
    let all = app.store.webhooks().await?.into_iter();
    Ok(WebhookList {
        webhooks: all.map(|hook| body(hook, &counts)).collect(),
        is_frozen: app.store.is_frozen().await?,
    })
}

fn body(hook: Webhook, counts: &BTreeMap<i64, (i64, i64)>) -> WebhookBody {
    let (n_dead, n_waiting) = counts.get(&hook.id).copied().unwrap_or_default();
    let now = Timestamp::now();
    WebhookBody {
        id: hook.id,
        name: hook.values.name,
        url: hook.values.url,
        objects: hook.values.objects,
        kinds: hook.values.kinds,
        is_active: hook.values.is_active,
        owner: hook.values.user,
        created_at: hook.created_at,
        old_secret_until: hook.old_until.filter(|until| *until > now),
        n_dead,
        n_waiting,
    }
}

pub async fn create(app: &App, caller: &Caller, wanted: NewWebhook) -> Result<WebhookMade> {
    require_admin(caller, Admin::Webhooks)?;
    let values = WebhookValues {
        name: wanted.name.trim().to_owned(),
        url: wanted.url,
        objects: wanted.objects,
        kinds: wanted.kinds,
        is_active: wanted.is_active.unwrap_or(true),
        user: owner(caller)?,
    };
    check(app, caller, &values).await?;
    if app.store.webhooks().await?.len() >= MAX_WEBHOOKS {
        return Err(Error::State {
            code: "too_many_webhooks",
            zh: format!("最多只能有 {MAX_WEBHOOKS} 个网络钩子"),
            en: format!("there are {MAX_WEBHOOKS} webhooks, and no more are taken"),
        });
    }
    let secret = sign::new_secret()?;
    let id = app.store.add_webhook(&values, &secret, by(caller)).await?;
    Ok(WebhookMade { id, secret })
}

pub async fn change(app: &App, caller: &Caller, id: i64, wanted: WebhookChange) -> Result<()> {
    require_admin(caller, Admin::Webhooks)?;
    let present = known(app, id).await?.values;
    let values = WebhookValues {
        name: wanted.name.map_or(present.name, |n| n.trim().to_owned()),
        url: wanted.url.unwrap_or(present.url),
        objects: wanted.objects.unwrap_or(present.objects),
        kinds: wanted.kinds.unwrap_or(present.kinds),
        is_active: wanted.is_active.unwrap_or(present.is_active),
        user: owner(caller)?,
    };
    check(app, caller, &values).await?;
    let begins_anew = values.is_active && !present.is_active;
    let by = by(caller);
    match app
        .store
        .change_webhook(id, &values, begins_anew, by)
        .await?
    {
        true => Ok(()),
        false => Err(Error::not_found("webhook", id)),
    }
}

pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<()> {
    require_admin(caller, Admin::Webhooks)?;
    match app.store.delete_webhook(id, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("webhook", id)),
    }
}

/// A new secret; the present one holds for another day.
pub async fn rotate(app: &App, caller: &Caller, id: i64) -> Result<WebhookSecret> {
    require_admin(caller, Admin::Webhooks)?;
    let secret = sign::new_secret()?;
    let until = Timestamp::now() + ROTATION;
    let by = by(caller);
    match app
        .store
        .change_webhook_secret(id, &secret, until, by)
        .await?
    {
        true => Ok(WebhookSecret {
            secret,
            old_secret_until: until,
        }),
        false => Err(Error::not_found("webhook", id)),
    }
}

pub async fn deliveries(
    app: &App,
    caller: &Caller,
    id: i64,
    wanted: &DeliveryQuery,
) -> Result<DeliveryList> {
    require_admin(caller, Admin::Webhooks)?;
    known(app, id).await?;
    let limit = wanted.limit.unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE);
    let mut found = app
        .store
        .deliveries(id, wanted.dead, wanted.before, limit + 1)
        .await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok(DeliveryList {
        next: found.last().map(|d| d.id).filter(|_| has_more),
        deliveries: found.into_iter().map(DeliveryBody::of).collect(),
    })
}

/// Every try of one delivery.
pub async fn attempts(app: &App, caller: &Caller, id: i64, delivery: i64) -> Result<AttemptList> {
    require_admin(caller, Admin::Webhooks)?;
    of_webhook(app, id, delivery).await?;
    let all = app.store.attempts(delivery).await?;
    Ok(AttemptList {
        attempts: all.into_iter().map(AttemptBody::of).collect(),
    })
}

/// Sends a delivery once more, with the same id.
pub async fn resend(app: &App, caller: &Caller, id: i64, delivery: i64) -> Result<()> {
    require_admin(caller, Admin::Webhooks)?;
    if of_webhook(app, id, delivery).await?.delivery.seq.is_none() {
        return Err(Error::State {
            code: "was_a_test",
            zh: "这是一次测试；要再试，请再测试一次".to_owned(),
            en: "it was a test; to try again, test again".to_owned(),
        });
    }
    match app.store.resend(delivery, tell::MAX_ATTEMPTS).await? {
        true => Ok(()),
        false => Err(Error::State {
            code: "on_its_way",
            zh: "这次投递还在途中".to_owned(),
            en: "the delivery is on its way still".to_owned(),
        }),
    }
}

/// Whether what a restore has frozen is frozen still.
pub async fn is_frozen(app: &App, caller: &Caller) -> Result<bool> {
    require_admin(caller, Admin::Webhooks)?;
    Ok(app.store.is_frozen().await?)
}

/// Says that this place, and not the one that it was restored from, tells the
/// others from now on. What waits goes out.
pub async fn release(app: &App, caller: &Caller) -> Result<()> {
    require_admin(caller, Admin::Webhooks)?;
    Ok(app.store.release(by(caller)).await?)
}

async fn known(app: &App, id: i64) -> Result<Webhook> {
    let hook = app.store.webhook(id).await?;
    hook.ok_or_else(|| Error::not_found("webhook", id))
}

async fn of_webhook(app: &App, id: i64, delivery: i64) -> Result<Delivery> {
    let found = app.store.delivery(delivery).await?;
    found
        .filter(|d| d.webhook == id)
        .ok_or_else(|| Error::not_found("delivery", delivery))
}

fn by(caller: &Caller) -> By<'_> {
    By {
        actor: &caller.actor,
        channel: caller.channel.id(),
        address: caller.address.as_deref(),
    }
}

fn owner(caller: &Caller) -> Result<i64> {
    caller.user().ok_or_else(|| Error::Forbidden {
        zh: "网络钩子属于保存它的用户，命令行不是用户".to_owned(),
        en: "a webhook belongs to the user who saves it, and the command line is none".to_owned(),
    })
}

async fn check(app: &App, caller: &Caller, values: &WebhookValues) -> Result<()> {
    let wrong = |name: &'static str, zh: String, en: String| Err(Error::Argument { name, zh, en });
    if values.name.is_empty() || values.name.chars().count() > MAX_NAME {
        return wrong(
            "name",
            format!("要有 1 到 {MAX_NAME} 个字符"),
            format!("it must have 1 to {MAX_NAME} characters"),
        );
    }
    if let Err(problem) = outbound::check_url(&values.url) {
        return wrong("url", problem.zh(), problem.to_string());
    }
    let is_all = values.objects == ["*"];
    let unknown = values
        .objects
        .iter()
        .find(|o| !app.catalog.objects.contains_key(*o));
    if values.objects.is_empty() || (!is_all && unknown.is_some()) {
        let found = unknown.map_or("", String::as_str);
        return wrong(
            "objects",
            format!("`{found}` 不是对象；要列出对象，或只写 `*`"),
            format!("`{found}` is no object; name objects, or `*` alone"),
        );
    }
    let unknown = values.kinds.iter().find(|k| !KINDS.contains(&k.as_str()));
    if values.kinds.is_empty() || unknown.is_some() {
        let found = unknown.map_or("", String::as_str);
        let all = KINDS.join(", ");
        return wrong(
            "kinds",
            format!("`{found}` 不是变更种类；有 {all}"),
            format!("`{found}` is no kind of change; there are {all}"),
        );
    }
    // A token may do less than its user, in whose name the webhook tells.
    let Some(user) = identity::caller_of_user(app, values.user).await? else {
        return Ok(());
    };
    for object in app.catalog.objects.keys() {
        let is_told = is_all || values.objects.contains(object);
        if is_told && may(&user, object, Action::Read) && !may(caller, object, Action::Read) {
            return Err(Error::Forbidden {
                zh: format!("这个令牌不能查看「{object}」，所以也不能让别人得知"),
                en: format!("the token may not read `{object}`, so it may not have it told"),
            });
        }
    }
    Ok(())
}

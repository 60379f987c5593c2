//! What a user is to be told, under his rights of this moment: of a record
//! that he may no longer see he is told nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keji_store::{Notification, UNDO_DAYS};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::comments::People;
use crate::context::App;
use crate::error::Result;
use crate::permission::{Caller, own_user};
use crate::records::titles;

const USUAL_PAGE: u32 = 30;
const MAX_PAGE: u32 = 100;
/// Characters of a comment that are told with it.
const EXCERPT: usize = 200;
/// From so many on it is only told that there are many.
const MANY: u32 = 100;
/// Days after which a notification is forgotten, read or not.
const KEPT_DAYS: i64 = 180;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// Those only that were not read.
    #[serde(default)]
    pub unread: bool,
    /// The `next` of the page before.
    pub before: Option<i64>,
    /// At most 100; 30 by default.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationList {
    /// Newest first.
    pub notifications: Vec<NotificationBody>,
    pub next: Option<i64>,
    /// How many were not read; 100 stands for more.
    pub unread: u32,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationBody {
    pub id: i64,
    /// `mention`, `comment`, `task` or `owner`.
    pub kind: &'static str,
    pub object: String,
    pub record: i64,
    /// Of the record; null where it has none.
    pub title: Option<String>,
    /// Of the comment, from its beginning.
    pub text: Option<String>,
    /// Name of who did it.
    pub actor: String,
    /// How many records became the user's; `record` is one of them.
    pub n: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub is_read: bool,
}

/// Which were read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    pub id: i64,
    /// All up to this one, and not this one alone.
    #[serde(default)]
    pub up_to: bool,
}

/// The caller's; of somebody who is no user there are none.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &NotificationQuery,
) -> Result<NotificationList> {
    let none = NotificationList {
        notifications: Vec::new(),
        next: None,
        unread: 0,
    };
    let Some(user) = caller.user() else {
        return Ok(none);
    };
    follow(app).await?;
    let limit = query.limit.unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE);
    let store = &app.store;
    let found = store
        .notifications(user, query.unread, query.before, limit + 1)
        .await?;
    let has_more = found.len() > limit as usize;
    let next = found.get(limit as usize - 1).map(|n| n.id);
    let shown = found.into_iter().take(limit as usize).collect();
    let unread = store.notifications(user, true, None, MANY).await?;
    Ok(NotificationList {
        notifications: seen(app, caller, shown).await?,
        next: next.filter(|_| has_more),
        unread: u32::try_from(seen(app, caller, unread).await?.len()).unwrap_or(MANY),
    })
}

/// The caller has read it, or all up to it.
pub async fn read(app: &App, caller: &Caller, which: &ReadBody) -> Result<()> {
    let user = own_user(caller)?;
    let read = app.store.read_notifications(user, which.id, which.up_to);
    read.await?;
    Ok(())
}

/// Looks for records that became somebody's since the last time.
pub async fn follow(app: &App) -> Result<()> {
    while app.store.follow_owners().await? {}
    Ok(())
}

/// Forgets what nobody needs to be told any more.
pub async fn sweep(app: &App) -> Result<()> {
    let kept = jiff::SignedDuration::from_hours(24 * KEPT_DAYS.max(UNDO_DAYS));
    app.store
        .sweep_notifications(Timestamp::now() - kept)
        .await?;
    Ok(())
}

async fn seen(
    app: &App,
    caller: &Caller,
    found: Vec<Notification>,
) -> Result<Vec<NotificationBody>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for n in &found {
        ids.entry(&n.object).or_default().insert(n.record);
    }
    let mut known = BTreeMap::new();
    for (object, ids) in ids {
        for (id, link) in titles(app, caller, object, ids).await? {
            known.insert((object.to_owned(), id), link.title);
        }
    }
    let people = People::of(app).await?;
    let bodies = found.into_iter().filter_map(|n| {
        let title = known.get(&(n.object.clone(), n.record))?.clone();
        Some(NotificationBody {
            id: n.id,
            kind: n.kind.id(),
            title,
            object: n.object,
            record: n.record,
            text: n.text.map(|text| excerpt(&text)),
            actor: people.name_of(&n.actor),
            n: n.n,
            at: n.at,
            is_read: n.read_at.is_some(),
        })
    });
    Ok(bodies.collect())
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

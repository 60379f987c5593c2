//! Who changed what: the change log for those who may see all of it.

use jiff::Timestamp;
use keji_store::{Change, ChangeKind, LogQuery, Note};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};

use crate::context::App;
use crate::error::Result;
use crate::permission::{Admin, Caller, require_admin};

const USUAL_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Sign-in name of who did it.
    pub actor: Option<String>,
    pub object: Option<String>,
    /// Id of a record of the object.
    pub record: Option<i64>,
    /// `create`, `update`, `delete`, `import`, `undo`, `evaluation`, `reveal`,
    /// `export`, `erasure`, `merge`, `unmerge` or `comment`.
    #[param(value_type = Option<String>)]
    pub kind: Option<ChangeKind>,
    /// The `next` of the page before.
    pub before: Option<i64>,
    /// At most 500.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Where the next, older page begins; null after the last one.
    pub next: Option<i64>,
    /// Whether the log up to now is as it was written, by its chain of hashes;
    /// told with the first page.
    pub is_whole: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    pub seq: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub actor: String,
    /// `page`, `api`, `command_line` or `job`.
    pub channel: String,
    /// `create`, `update`, `delete`, `import`, `undo`, `evaluation`, `reveal`,
    /// `export`, `erasure`, `merge`, `unmerge` or `comment`.
    #[schema(value_type = String)]
    pub kind: ChangeKind,
    pub object: Option<String>,
    pub record: Option<i64>,
    /// Of the changed fields; null where there was no record.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Map<String, Json>>,
    #[schema(value_type = Option<Object>)]
    pub after: Option<Map<String, Json>>,
}

impl AuditEntry {
    fn of(change: Change) -> AuditEntry {
        AuditEntry {
            seq: change.seq,
            at: change.at,
            actor: change.actor,
            channel: change.channel,
            kind: change.kind,
            object: change.object,
            record: change.record,
            before: change.before,
            after: change.after,
        }
    }
}

/// Newest first.
pub async fn list(app: &App, caller: &Caller, wanted: &AuditQuery) -> Result<AuditPage> {
    require_admin(caller, Admin::Audit)?;
    let limit = wanted.limit.unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE);
    let query = LogQuery {
        before_seq: wanted.before,
        actor: wanted.actor.clone(),
        object: wanted.object.clone(),
        record: wanted.record,
        kind: wanted.kind,
        limit: limit + 1,
    };
    let mut changes = app.store.log(&query).await?;
    let has_more = changes.len() > limit as usize;
    changes.truncate(limit as usize);
    let next = changes.last().map(|c| c.seq).filter(|_| has_more);
    // The first page is asked for when somebody looks; it may take a moment.
    let is_whole = match wanted.before {
        Some(_) => None,
        None => Some(app.store.prove_log().await?.broken.is_none()),
    };
    Ok(AuditPage {
        is_whole,
        entries: changes.into_iter().map(AuditEntry::of).collect(),
        next,
    })
}

/// What somebody did that changed no record, and that is known all the same.
pub(crate) struct Event {
    kind: ChangeKind,
    object: Option<String>,
    record: Option<i64>,
    what: Map<String, Json>,
}

impl Event {
    pub(crate) fn new(kind: ChangeKind) -> Event {
        Event {
            kind,
            object: None,
            record: None,
            what: Map::new(),
        }
    }

    pub(crate) fn of(mut self, object: &str, record: Option<i64>) -> Event {
        self.object = Some(object.to_owned());
        self.record = record;
        self
    }

    /// Null is left out.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Json>) -> Event {
        let value = value.into();
        if !value.is_null() {
            self.what.insert(name.to_owned(), value);
        }
        self
    }
}

/// Enters the event into the log; where that fails, what it is about must not
/// go on.
pub(crate) async fn note(app: &App, caller: &Caller, event: Event) -> Result<()> {
    let note = Note {
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        kind: event.kind,
        object: event.object,
        record: event.record,
        what: event.what,
    };
    app.store.note(&note).await?;
    Ok(())
}

/// Makes what the log holds so far part of its chain of hashes.
pub async fn seal(app: &App) -> Result<()> {
    app.store.seal_log().await?;
    Ok(())
}

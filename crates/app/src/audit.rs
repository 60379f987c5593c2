//! Who changed what: the change log for those who may look at it. What an entry
//! holds of a record is seen as the record itself is: by the rows and fields of
//! whoever looks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keji_store::{Access, Change, ChangeKind, LogQuery, Note};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};

use crate::backup;
use crate::context::App;
use crate::error::Result;
use crate::permission::{
    Action, Admin, Caller, access, may, require_admin, require_everything, sees_all,
};
use crate::records;

const USUAL_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

/// Entries that are looked at in one go, and how often, where some of them are
/// not the caller's to see.
const PORTION: u32 = 500;
const PORTIONS: u32 = 20;

/// What the log calls that is of the place itself, and no object's.
const THINGS: [&str; 8] = [
    "backup", "form", "outbound", "pack", "provider", "role", "view", "webhook",
];

/// What an export was asked for, in which values may stand.
const ASKED: [&str; 2] = ["where", "search"];

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
    /// Without those of records that the caller may not see. There may be fewer
    /// than asked for, or none, and still a `next`.
    pub entries: Vec<AuditEntry>,
    /// Where the next, older page begins; null after the last one.
    pub next: Option<i64>,
    /// Whether the log up to now is as it was written, by its chain of hashes
    /// and by the backups that are kept; told with the first page.
    pub is_whole: Option<bool>,
    /// Kept backups in which the log was another one, by name; told with the
    /// first page.
    pub rewritten_since: Vec<String>,
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
    /// What the record is called now; null where it is no more, or has no title.
    pub title: Option<String>,
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
            title: None,
            before: change.before,
            after: change.after,
        }
    }
}

/// Newest first.
pub async fn list(app: &App, caller: &Caller, wanted: &AuditQuery) -> Result<AuditPage> {
    require_admin(caller, Admin::Audit)?;
    let mut page = gather(app, caller, wanted).await?;
    let mut ids: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for entry in &page.entries {
        if let (Some(object), Some(record)) = (&entry.object, entry.record)
            && may(caller, object, Action::Read)
            && app.catalog.objects.contains_key(object)
        {
            ids.entry(object.clone()).or_default().insert(record);
        }
    }
    let mut titles = BTreeMap::new();
    for (object, ids) in ids {
        let of_object = records::titles(app, caller, &object, ids).await?;
        titles.insert(object, of_object);
    }
    for entry in &mut page.entries {
        if let (Some(object), Some(record)) = (&entry.object, entry.record) {
            let link = titles.get(object).and_then(|links| links.get(&record));
            entry.title = link.and_then(|link| link.title.clone());
        }
    }
    Ok(page)
}

async fn gather(app: &App, caller: &Caller, wanted: &AuditQuery) -> Result<AuditPage> {
    let limit = wanted.limit.unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE);
    let mut page = AuditPage {
        entries: Vec::new(),
        next: None,
        is_whole: None,
        rewritten_since: Vec::new(),
    };
    // The first page is asked for when somebody looks; it may take a moment.
    if wanted.before.is_none() {
        let is_proven = app.store.prove_log().await?.broken.is_none();
        page.rewritten_since = backup::anchor::missing(app).await?;
        page.is_whole = Some(is_proven && page.rewritten_since.is_empty());
    }
    let mut query = LogQuery {
        before_seq: wanted.before,
        actor: wanted.actor.clone(),
        object: wanted.object.clone(),
        record: wanted.record,
        kind: wanted.kind,
        limit: limit + 1,
    };
    let mut sight = Sight::of(app, caller);
    for _ in 0..PORTIONS {
        let changes = app.store.log(&query).await?;
        let is_last = changes.len() < query.limit as usize;
        let unseen = sight.unseen(&changes).await?;
        for change in changes {
            let seq = change.seq;
            if !unseen.contains(&seq) {
                if page.entries.len() == limit as usize {
                    page.next = query.before_seq;
                    return Ok(page);
                }
                page.entries.push(AuditEntry::of(sight.shown(change)));
            }
            query.before_seq = Some(seq);
        }
        if is_last {
            return Ok(page);
        }
        query.limit = PORTION;
    }
    page.next = query.before_seq;
    Ok(page)
}

/// What one caller sees of the log.
struct Sight<'a> {
    app: &'a App,
    caller: &'a Caller,
    accesses: BTreeMap<String, Access>,
}

impl<'a> Sight<'a> {
    fn of(app: &'a App, caller: &'a Caller) -> Sight<'a> {
        Sight {
            app,
            caller,
            accesses: BTreeMap::new(),
        }
    }

    fn access(&mut self, object: &str) -> &Access {
        let caller = self.caller;
        (self.accesses.entry(object.to_owned())).or_insert_with(|| access(caller, object))
    }

    /// Entries that are not the caller's to see, by their places. Of a record
    /// that is no more one cannot say whose it was: only who sees all of its
    /// object sees what happened to it.
    async fn unseen(&mut self, changes: &[Change]) -> Result<BTreeSet<i64>> {
        let mut unseen = BTreeSet::new();
        let mut asked: BTreeMap<&str, BTreeMap<i64, Vec<i64>>> = BTreeMap::new();
        for change in changes {
            let Some(object) = change.object.as_deref() else {
                continue;
            };
            let is_known = self.app.catalog.objects.contains_key(object);
            let is_open = match is_known {
                true => may(self.caller, object, Action::Read),
                // Of an object that is no more nobody's rights say anything.
                false => THINGS.contains(&object) || require_everything(self.caller).is_ok(),
            };
            let has_rows = is_known && self.access(object).predicate.is_some();
            match change.record {
                _ if !is_open => drop(unseen.insert(change.seq)),
                Some(record) if has_rows => {
                    let of = asked.entry(object).or_default();
                    of.entry(record).or_default().push(change.seq);
                }
                _ => {}
            }
        }
        for (object, mut records) in asked {
            let ids = records.keys().copied().collect();
            for id in records::titles(self.app, self.caller, object, ids)
                .await?
                .keys()
            {
                records.remove(id);
            }
            unseen.extend(records.into_values().flatten());
        }
        Ok(unseen)
    }

    /// The entry as the record's own history shows it.
    fn shown(&mut self, change: Change) -> Change {
        let (app, caller) = (self.app, self.caller);
        let def = (change.object.as_ref()).and_then(|object| app.catalog.objects.get(object));
        let object = def.map_or("customer", |def| def.id.as_str());
        let is_asked = change.kind == ChangeKind::Export;
        let access = self.access(object);
        let sees_whole = access.hidden.is_empty() && sees_all(caller, object);
        let values = |values: Option<Map<String, Json>>| {
            let mut values = values?;
            if is_asked && !sees_whole {
                for name in ASKED {
                    if let Some(value) = values.get_mut(name) {
                        *value = Json::from("****");
                    }
                }
            }
            Some(match def {
                Some(def) => records::logged(def, access, values),
                None => values,
            })
        };
        Change {
            before: values(change.before),
            after: values(change.after),
            ..change
        }
    }
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

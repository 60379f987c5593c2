//! The records of any object of the catalog: list, get, create, update,
//! delete, several at once, history. What an object is, its definition says;
//! nothing here knows a field by name but the owner.
//!
//! Reading order: here, `coerce` (JSON to values), `links` (to what they
//! lead), `task` (what follows from a task's values), `bulk`, `groups`, `files` (the bytes of one object), `objects` (what
//! there is), `problem` (what the store refuses).

mod batch;
mod bin;
mod bulk;
mod cells;
mod coerce;
pub mod files;
mod groups;
mod links;
mod objects;
mod problem;
mod reveal;
mod task;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keji_schema::definition::{DerivedDef, FieldDef, ObjectDef};
use keji_schema::expr::Expr;
use keji_schema::{Type, Value};
use keji_store::{Access, ChangeKind, ListQuery, NewChange, Once, Op, Record, Sort, Written};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};

use crate::context::{App, stable_hash};
use crate::error::{Error, FieldFault, Result};
use crate::permission::{
    Action, Caller, access, access_for, require, require_fields, require_path, sees_derived,
};

pub use batch::{
    BatchAnswer, BatchDoc, BatchFault, BatchList, BatchProgress, BatchSample, BatchUndone,
    EditBody, MAX_ROWS, PasteBody, PasteRow, UndoBatchBody, batches, edit, paste, progress, stop,
    undo,
};
pub use bin::{Bin, BinEntry, BinQuery, bin, restore};
pub use bulk::{BulkAnswer, BulkBody, BulkOperation, BulkOutcome, bulk};
pub use coerce::text_form;
pub use groups::{GroupRecords, OtherGroups, RecordGroup, RecordGroups, groups};
pub use objects::{FieldDoc, ObjectDoc, ObjectList, object, objects};
pub(crate) use reveal::reason;
pub use reveal::{RevealBody, Revealed, reveal};

/// At most so many records in one page, or operations in one request.
pub const MAX_RECORDS: u32 = 1000;

const DEFAULT_PAGE: u32 = 50;

/// Which records, in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRecords {
    /// A condition over the fields and those behind links:
    /// `city = '上海' and user.name is not null`.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Part of a text in the fields that are searched.
    pub search: Option<String>,
    /// Fields separated by commas, `-` before one for descending; by `id`
    /// without any.
    pub sort: Option<String>,
    /// Fields separated by commas, also over links (`customer.name`); all of
    /// the object's own without any.
    pub fields: Option<String>,
    /// 1 to 1000; 50 by default.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Count all records that match; that reads them all.
    #[serde(default)]
    pub count: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RecordList {
    /// The fields of every row, in the order asked for.
    pub fields: Vec<String>,
    pub rows: Vec<RecordRow>,
    /// Where the next page begins, for `after`; null after the last one.
    pub next: Option<String>,
    /// Null unless it was asked for.
    pub total: Option<i64>,
    /// Whether there may be records that the caller does not see; `total` is
    /// of those he sees.
    pub is_partial: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RecordRow {
    pub id: i64,
    /// Field to value; decimals as text, links as ids.
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
    /// Of each link field that is set: what it leads to, where the caller may
    /// see that.
    pub links: BTreeMap<String, LinkDoc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LinkDoc {
    pub id: i64,
    /// Null where the object has no title, or the record none.
    pub title: Option<String>,
}

/// One record with every field that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordDoc {
    pub id: i64,
    /// The position in the change log of the newest change that touched it.
    pub version: i64,
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
    pub links: BTreeMap<String, LinkDoc>,
}

/// A record as it was written, or the answer that an equal request got.
#[derive(Debug)]
pub struct Saved {
    pub id: i64,
    pub version: i64,
    /// A [`RecordDoc`].
    pub body: Json,
    /// Whether an earlier request with this key did it.
    pub is_replay: bool,
}

/// The caller's name of a request that it may send again.
#[derive(Debug, Clone)]
pub struct RequestKey {
    key: String,
    fingerprint: String,
}

impl RequestKey {
    /// `what` is the method and path, `body` all that is asked for. The key
    /// has 1 to 200 visible ASCII characters.
    pub fn new(key: &str, what: &str, body: &str) -> Result<RequestKey> {
        let fits = (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            let zh = "要有 1 到 200 个可见的 ASCII 字符";
            let en = "it must have 1 to 200 visible ASCII characters";
            return Err(FieldFault::new("Idempotency-Key", "value", zh, en).into());
        }
        let whole = format!("{what}\n{body}");
        Ok(RequestKey {
            key: key.to_owned(),
            // By accident no two bodies of one length share it, and who makes
            // two that do meets an answer of his own.
            fingerprint: format!("{:x}-{:016x}", whole.len(), stable_hash(whole.as_bytes())),
        })
    }

    fn once(&self, caller: &Caller) -> Once {
        Once {
            actor: caller.actor.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

/// One page; a wrong parameter is named.
pub async fn list(
    app: &App,
    caller: &Caller,
    object: &str,
    wanted: &ListRecords,
) -> Result<RecordList> {
    let def = known(app, caller, object, Action::Read)?;
    let access = access(caller, object);
    let paths = Paths {
        app,
        caller,
        access: &access,
        def,
    };
    let limit = page_limit(wanted.limit)?;
    let fields = paths.fields(wanted.fields.as_deref())?;
    let search = wanted.search.clone().filter(|s| !s.trim().is_empty());
    if search.is_some() {
        crate::spelling::follow(app).await?;
    }
    let mut columns = vec!["id".to_owned()];
    columns.extend(fields.iter().map(|(path, _)| path.clone()));
    let query = ListQuery {
        object: object.to_owned(),
        fields: columns,
        filter: paths.filter(wanted.filter.as_deref())?,
        search,
        search_in: Vec::new(),
        sort: paths.sort(wanted.sort.as_deref())?,
        limit,
        offset: 0,
        after: wanted.after.clone().filter(|after| !after.is_empty()),
        total: wanted.count,
    };
    let page = app.store.list(&query, &access).await;
    let page = page.map_err(|problem| match problem {
        // All else that a list is asked was looked at above.
        keji_store::Error::Query(_) => FieldFault::of("after", &problem.into()).into(),
        other => Error::from(other),
    })?;
    let mut rows: Vec<RecordRow> = page
        .rows
        .into_iter()
        .map(|row| {
            let mut values = row.into_iter();
            let id = values.next().and_then(|v| as_id(&v)).unwrap_or_default();
            let values = fields.iter().zip(values);
            RecordRow {
                id,
                values: values
                    .map(|((path, _), v)| (path.clone(), json(&v)))
                    .collect(),
                links: BTreeMap::new(),
            }
        })
        .collect();
    for (path, to) in fields.iter().filter_map(|(p, to)| Some((p, to.as_ref()?))) {
        let at = |row: &RecordRow| row.values.get(path).and_then(Json::as_i64);
        let ids = rows.iter().filter_map(at).collect();
        let titles = links::titles(app, caller, to, ids).await?;
        for row in &mut rows {
            if let Some(link) = at(row).and_then(|id| titles.get(&id)) {
                row.links.insert(path.clone(), link.clone());
            }
        }
    }
    Ok(RecordList {
        fields: fields.into_iter().map(|(path, _)| path).collect(),
        rows,
        next: page.next,
        total: page.total,
        is_partial: access.predicate.is_some(),
    })
}

pub async fn get(app: &App, caller: &Caller, object: &str, id: i64) -> Result<RecordDoc> {
    let def = known(app, caller, object, Action::Read)?;
    let access = access(caller, object);
    let found = app.store.get_with_version(object, id, &access).await?;
    let (record, version) = found.ok_or_else(|| problem::not_found(def, id))?;
    doc(app, caller, def, record, version).await
}

/// The same with these of its fields only, separated by commas; all where none
/// is named.
pub async fn get_some(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    fields: Option<&str>,
) -> Result<RecordDoc> {
    let mut doc = get(app, caller, object, id).await?;
    let wanted: BTreeSet<&str> = names(fields).collect();
    if wanted.is_empty() {
        return Ok(doc);
    }
    if let Some(name) = wanted.iter().find(|name| !doc.values.contains_key(**name)) {
        let problem = keji_schema::Error::Unknown {
            kind: "field",
            name: (*name).to_owned(),
        };
        return Err(FieldFault::of("fields", &problem.into()).into());
    }
    doc.values
        .retain(|field, _| wanted.contains(field.as_str()));
    doc.links.retain(|field, _| wanted.contains(field.as_str()));
    Ok(doc)
}

/// Creates a record of `values`, field to value; see `coerce` for their forms.
/// Where the object has a number and none is given, the next running one is.
pub async fn create(
    app: &App,
    caller: &Caller,
    object: &str,
    values: &Map<String, Json>,
    key: Option<&RequestKey>,
) -> Result<Saved> {
    let def = writable(app, caller, object, Action::Create)?;
    let mut draft = coerce::create(app, caller, def, values);
    links::resolve(app, caller, [&mut draft]).await?;
    let titles = draft.titles();
    let change = change(caller, def, draft.create()?);
    require_fields(
        caller,
        object,
        Action::Create,
        values.keys().map(String::as_str),
    )?;
    let (changes, access) = ([change], access_for(caller, object, &[Action::Create]));
    let once = key.map(|key| key.once(caller));
    let made =
        app.store.write_many(
            &changes,
            &access,
            true,
            once.as_ref(),
            |outcomes| match outcomes.first() {
                Some(Ok(written)) => json(&written_doc(def, written, &titles)),
                _ => Json::Null,
            },
        );
    let answered = made
        .await
        .map_err(|fault| problem::told(def, fault, false))?;
    saved(answered.body, answered.is_replay)
}

/// Creates the record that an answer to a form is, and counts the answer. An
/// equal request with the same key has no second effect.
pub(crate) async fn answer(
    app: &App,
    caller: &Caller,
    object: &str,
    values: &Map<String, Json>,
    form: i64,
    key: &RequestKey,
) -> Result<()> {
    let def = writable(app, caller, object, Action::Create)?;
    let mut draft = coerce::create(app, caller, def, values);
    links::resolve(app, caller, [&mut draft]).await?;
    let change = change(caller, def, draft.create()?);
    let names = values.keys().map(String::as_str);
    require_fields(caller, object, Action::Create, names)?;
    let once = Once {
        // Nobody's name has a colon.
        actor: format!(":form {form}"),
        ..key.once(caller)
    };
    let access = access_for(caller, object, &[Action::Create]);
    let made = app.store.answer_form(form, change, &access, &once).await;
    made.map_err(|fault| problem::told(def, fault, false))?;
    Ok(())
}

/// What is wrong with values that are to be written later: as they are given,
/// and where their links lead.
pub(crate) async fn trial(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    values: &Map<String, Json>,
) -> Result<Vec<FieldFault>> {
    let mut draft = coerce::update(app, caller, def, values);
    links::resolve(app, caller, [&mut draft]).await?;
    Ok(draft.faults)
}

/// Whether anybody writes the object's records but the product itself.
pub(crate) fn is_writable(def: &ObjectDef) -> bool {
    def.written_by.is_none()
}

/// The fields without which no record of the object is created: a running
/// number, the user who creates it and what follows from the others come by
/// themselves.
pub(crate) fn needed(def: &ObjectDef) -> impl Iterator<Item = &FieldDef> {
    let own = owner(def).map(|f| &f.id);
    def.fields.iter().filter(move |f| {
        let comes = keji_store::comes_by_itself(&def.id, &f.id);
        f.required && !comes && def.number.as_ref() != Some(&f.id) && own != Some(&f.id)
    })
}

/// Refuses what a list would refuse: a condition, an order or fields that are
/// not there for the caller.
pub(crate) fn may_ask(
    app: &App,
    caller: &Caller,
    object: &str,
    filter: Option<&str>,
    sorts: &[&str],
    fields: Option<&str>,
) -> Result<()> {
    let def = known(app, caller, object, Action::Read)?;
    let access = access(caller, object);
    let paths = Paths {
        app,
        caller,
        access: &access,
        def,
    };
    paths.filter(filter)?;
    for sort in sorts {
        paths.sort(Some(sort))?;
    }
    paths.fields(fields)?;
    Ok(())
}

/// Changes the fields in `values`; null clears one. `expected` is the version
/// that the caller has seen, where it asks for that.
pub async fn update(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    values: &Map<String, Json>,
    expected: Option<i64>,
) -> Result<RecordDoc> {
    let def = writable(app, caller, object, Action::Update)?;
    let mut draft = coerce::update(app, caller, def, values);
    links::resolve(app, caller, [&mut draft]).await?;
    let mut change = change(caller, def, draft.update(id)?);
    change.expected = expected;
    require_fields(
        caller,
        object,
        Action::Update,
        values.keys().map(String::as_str),
    )?;
    let written = write_one(app, caller, def, change, Action::Update).await?;
    let (record, version) = written
        .and_then(|written| Some((written.record?, written.version)))
        .ok_or_else(|| Error::Internal(format!("an update of {object} {id} left no record")))?;
    doc(app, caller, def, record, version).await
}

/// Refused while other records link to it.
pub async fn delete(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    expected: Option<i64>,
) -> Result<()> {
    let def = writable(app, caller, object, Action::Delete)?;
    let mut change = change(caller, def, Op::Delete { id });
    change.expected = expected;
    write_one(app, caller, def, change, Action::Delete).await?;
    Ok(())
}

/// One change of one record.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    pub seq: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub actor: String,
    /// `page`, `api`, `command_line`, `job` or `form`.
    pub channel: String,
    /// `create`, `update`, `import`, `undo`, `merge`, `unmerge` or `comment`.
    pub kind: String,
    /// The values of the changed fields; null where there was no record, and
    /// of an import or undo, which changed many.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Map<String, Json>>,
    #[schema(value_type = Option<Object>)]
    pub after: Option<Map<String, Json>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    /// Newest first.
    pub changes: Vec<HistoryEntry>,
    /// By field, the records that its values before and after mean, as they
    /// are called now. What is gone or not the caller's to see is not there.
    pub links: BTreeMap<String, Vec<LinkDoc>>,
    /// For `after`, to read on; null at the end.
    pub next: Option<i64>,
}

/// What happened to a record that is there, newest first, behind the change
/// `after`.
pub async fn history(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    after: Option<i64>,
    limit: Option<u32>,
) -> Result<HistoryPage> {
    let def = known(app, caller, object, Action::Read)?;
    let limit = page_limit(limit)?;
    let access = access(caller, object);
    let record = app.store.get(object, id, &access).await?;
    let record = record.ok_or_else(|| problem::not_found(def, id))?;
    let mut changes = app.store.history(&record, after, limit + 1).await?;
    let has_more = changes.len() > limit as usize;
    changes.truncate(limit as usize);
    let shown = |values: Option<Map<String, Json>>| values.map(|v| logged(def, &access, v));
    let next = has_more.then(|| changes.last().map(|c| c.seq)).flatten();
    let changes: Vec<HistoryEntry> = changes
        .into_iter()
        .map(|c| {
            // What was said stands with the comments, as long as it stands.
            let is_said = c.kind == ChangeKind::Comment;
            HistoryEntry {
                seq: c.seq,
                at: c.at,
                actor: c.actor,
                channel: c.channel,
                kind: json(&c.kind).as_str().unwrap_or_default().to_owned(),
                before: shown(c.before).filter(|_| !is_said),
                after: shown(c.after).filter(|_| !is_said),
            }
        })
        .collect();
    let mut links = BTreeMap::new();
    for field in def.fields.iter().filter(|f| f.kind == Type::Link) {
        let sides = changes.iter().flat_map(|c| [&c.before, &c.after]);
        let values = sides.filter_map(|side| side.as_ref()?.get(&field.id)?.as_i64());
        let ids: BTreeSet<i64> = values.collect();
        if let Some(to) = field.to.as_deref().filter(|_| !ids.is_empty()) {
            let found = titles(app, caller, to, ids).await?;
            links.insert(field.id.clone(), found.into_values().collect());
        }
    }
    Ok(HistoryPage {
        next,
        changes,
        links,
    })
}

/// Forgets the answers to keyed requests whose time is over.
pub async fn sweep(app: &App) -> Result<()> {
    app.store.sweep_answers().await?;
    Ok(())
}

/// The user that the caller is; `None` for the system and the command line.
fn own_user(caller: &Caller) -> Option<i64> {
    caller.user()
}

fn page_limit(wanted: Option<u32>) -> Result<u32> {
    let limit = wanted.unwrap_or(DEFAULT_PAGE);
    if (1..=MAX_RECORDS).contains(&limit) {
        return Ok(limit);
    }
    let zh = format!("只能是 1 到 {MAX_RECORDS}");
    let en = format!("it must be 1 to {MAX_RECORDS}");
    Err(FieldFault::new("limit", "value", zh, en).into())
}

/// An object whose records the caller may read.
pub(crate) fn readable<'a>(app: &'a App, caller: &Caller, object: &str) -> Result<&'a ObjectDef> {
    known(app, caller, object, Action::Read)
}

/// Refuses where the record is not there for the caller.
pub(crate) async fn require_seen(app: &App, caller: &Caller, object: &str, id: i64) -> Result<()> {
    let def = known(app, caller, object, Action::Read)?;
    let found = app.store.get(object, id, &access(caller, object)).await?;
    found.map(|_| ()).ok_or_else(|| problem::not_found(def, id))
}

/// Of these records those that the caller sees, with their titles.
pub(crate) async fn titles(
    app: &App,
    caller: &Caller,
    object: &str,
    ids: BTreeSet<i64>,
) -> Result<BTreeMap<i64, LinkDoc>> {
    match app.catalog.objects.contains_key(object) {
        true => links::titles(app, caller, object, ids).await,
        // Of a definition that was taken away since.
        false => Ok(BTreeMap::new()),
    }
}

/// Whether the records of an object have a user that they belong to.
pub(crate) fn is_owned(app: &App, object: &str) -> bool {
    app.catalog.objects.get(object).and_then(owner).is_some()
}

/// An object that the caller may do this with.
fn known<'a>(app: &'a App, caller: &Caller, object: &str, action: Action) -> Result<&'a ObjectDef> {
    let def = app.catalog.objects.get(object);
    let def = def.ok_or_else(|| problem::no_object(object))?;
    require(caller, object, action)?;
    Ok(def)
}

fn writable<'a>(
    app: &'a App,
    caller: &Caller,
    object: &str,
    action: Action,
) -> Result<&'a ObjectDef> {
    let def = known(app, caller, object, action)?;
    match is_writable(def) {
        true => Ok(def),
        false => Err(problem::read_only(def)),
    }
}

fn change(caller: &Caller, def: &ObjectDef, op: Op) -> NewChange {
    NewChange {
        object: def.id.clone(),
        op,
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        module: None,
        expected: None,
        gives_number: true,
        jobs: Vec::new(),
    }
}

async fn write_one(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    change: NewChange,
    action: Action,
) -> Result<Option<Written>> {
    let written = write_only(app, caller, def, change, action).await?;
    files::give_up(app, def, &written).await;
    Ok(written)
}

/// Without taking away the bytes that it gave up.
async fn write_only(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    change: NewChange,
    action: Action,
) -> Result<Option<Written>> {
    let (changes, access) = ([change], access_for(caller, &def.id, &[action]));
    let made = app
        .store
        .write_many(&changes, &access, true, None, |_| Json::Null);
    let answered = made
        .await
        .map_err(|fault| problem::told(def, fault, false))?;
    Ok(answered
        .outcomes
        .into_iter()
        .next()
        .and_then(keji_store::Result::ok))
}

fn saved(body: Json, is_replay: bool) -> Result<Saved> {
    let number = |name: &str| body.get(name).and_then(Json::as_i64);
    let (Some(id), Some(version)) = (number("id"), number("version")) else {
        return Err(Error::Internal(format!("no record in {body}")));
    };
    Ok(Saved {
        id,
        version,
        body,
        is_replay,
    })
}

async fn doc(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    record: Record,
    version: i64,
) -> Result<RecordDoc> {
    let mut links = BTreeMap::new();
    for field in &def.fields {
        let (Some(to), Some(id)) = (&field.to, as_id(record.value(&field.id))) else {
            continue;
        };
        let titles = links::titles(app, caller, to, [id].into()).await?;
        if let Some(link) = titles.get(&id) {
            links.insert(field.id.clone(), link.clone());
        }
    }
    let values = record.values.iter();
    let mut values: Map<String, Json> = values.map(|(f, v)| (f.clone(), json(v))).collect();
    values.append(&mut worked_out(app, caller, def, record.id).await?);
    Ok(RecordDoc {
        id: record.id,
        version,
        values,
        links,
    })
}

/// What is derived of an object's records, as far as the caller sees it.
fn derived<'a>(
    app: &'a App,
    caller: &'a Caller,
    def: &'a ObjectDef,
) -> impl Iterator<Item = &'a DerivedDef> {
    let all = def.derived.iter();
    all.filter(|derived| sees_derived(&app.catalog, caller, &def.id, derived))
}

/// What is derived of one record, now.
async fn worked_out(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    id: i64,
) -> Result<Map<String, Json>> {
    let fields: Vec<String> = derived(app, caller, def).map(|d| d.id.clone()).collect();
    if fields.is_empty() {
        return Ok(Map::new());
    }
    let query = ListQuery {
        object: def.id.clone(),
        filter: Some(Expr::parse_filter(
            &format!("id = {id}"),
            &app.catalog.scope(&def.id),
        )?),
        fields: fields.clone(),
        limit: 1,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, &def.id)).await?;
    let row = page.rows.into_iter().flatten();
    Ok(fields.into_iter().zip(row.map(|v| json(&v))).collect())
}

/// Of a record just written, whose links were looked up before.
fn written_doc(
    def: &ObjectDef,
    written: &Written,
    titles: &BTreeMap<String, LinkDoc>,
) -> RecordDoc {
    let values = written.record.iter().flat_map(|record| &record.values);
    let links = def.fields.iter().filter_map(|f| {
        let link = titles.get(&f.id)?;
        Some((f.id.clone(), link.clone()))
    });
    RecordDoc {
        id: written.id,
        version: written.version,
        values: values.map(|(f, v)| (f.clone(), json(v))).collect(),
        links: links.collect(),
    }
}

/// Field paths of one list, each checked against the catalog, the mask and
/// what the caller may read.
struct Paths<'a> {
    app: &'a App,
    caller: &'a Caller,
    access: &'a Access,
    def: &'a ObjectDef,
}

impl Paths<'_> {
    /// Each with the object that it links to, if it is a link.
    fn fields(&self, text: Option<&str>) -> Result<Vec<(String, Option<String>)>> {
        let mut all: Vec<(String, Option<String>)> = Vec::new();
        for name in names(text) {
            let to = self.check("fields", name)?.and_then(|f| f.to.clone());
            if !all.iter().any(|(path, _)| path == name) {
                all.push((name.to_owned(), to));
            }
        }
        if all.is_empty() {
            let own = self.def.fields.iter();
            let own = own.filter(|f| self.access.shows(&self.def.id, &f.id));
            all.extend(own.map(|f| (f.id.clone(), f.to.clone())));
            let derived = derived(self.app, self.caller, self.def);
            all.extend(derived.map(|d| (d.id.clone(), None)));
        }
        Ok(all)
    }

    fn sort(&self, text: Option<&str>) -> Result<Vec<Sort>> {
        let parsed = names(text).map(|key| {
            let (name, descending) = match key.strip_prefix('-') {
                Some(name) => (name, true),
                None => (key, false),
            };
            self.check("sort", name)?;
            Ok(Sort {
                path: name.to_owned(),
                descending,
            })
        });
        parsed.collect()
    }

    fn filter(&self, text: Option<&str>) -> Result<Option<Expr>> {
        let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
            return Ok(None);
        };
        let expr = Expr::parse_filter(text, &self.app.catalog.read_scope(&self.def.id));
        let expr = expr.map_err(|e| FieldFault::of("where", &e.into()))?;
        for path in expr.fields() {
            self.check("where", &path.join("."))?;
        }
        Ok(Some(expr))
    }

    /// The field at the end; `None` for an `id` and for what is derived. A
    /// hidden one is unknown.
    fn check(&self, parameter: &str, name: &str) -> Result<Option<&FieldDef>> {
        let unknown = || -> Error {
            let name = name.to_owned();
            let problem = keji_schema::Error::Unknown {
                kind: "field",
                name,
            };
            FieldFault::of(parameter, &problem.into()).into()
        };
        let mut at = self.def;
        let mut steps = name.split('.').peekable();
        while let Some(step) = steps.next() {
            let is_last = steps.peek().is_none();
            if is_last && step == "id" {
                return Ok(None);
            }
            if let Some(derived) = at.derived(step).filter(|_| is_last) {
                return match sees_derived(&self.app.catalog, self.caller, &at.id, derived) {
                    true => Ok(None),
                    false => Err(unknown()),
                };
            }
            let is_there = match is_last && parameter == "fields" {
                true => self.access.shows(&at.id, step),
                false => !self.access.hides(&at.id, step),
            };
            let field = at.field(step).filter(|_| is_there);
            let field = field.ok_or_else(unknown)?;
            if is_last {
                return Ok(Some(field));
            }
            let to = field.to.as_deref().ok_or_else(unknown)?;
            let link = [step.to_owned(), "id".to_owned()];
            require_path(&self.app.catalog, self.caller, &at.id, &link)?;
            at = known(self.app, self.caller, to, Action::Read)?;
        }
        Err(unknown())
    }
}

fn names(text: Option<&str>) -> impl Iterator<Item = &str> {
    let all = text.unwrap_or_default().split(',').map(str::trim);
    all.filter(|name| !name.is_empty())
}

fn json<T: Serialize>(value: &T) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// Values that the log holds of a record, as far as its reader sees the fields.
pub(crate) fn logged(
    def: &ObjectDef,
    access: &Access,
    values: Map<String, Json>,
) -> Map<String, Json> {
    let values = values.into_iter();
    let values = values.filter(|(field, _)| access.shows(&def.id, field));
    let seen = |(field, value): (String, Json)| match access.masks(&def.id, &field) {
        true => {
            let covered = cover(def, &field, &value);
            (field, covered)
        }
        false => (field, value),
    };
    values.map(seen).collect()
}

/// A value of the log as those see it to whom the field is masked.
fn cover(def: &ObjectDef, field: &str, value: &Json) -> Json {
    let mask = def.field(field).map(|f| f.mask).unwrap_or_default();
    match value {
        Json::Null => Json::Null,
        Json::String(text) => json(&mask.cover(&Value::from(text.as_str()))),
        _ => json(&mask.cover(&Value::Bool(true))),
    }
}

fn as_id(value: &Value) -> Option<i64> {
    match value {
        Value::Int(id) => Some(*id),
        _ => None,
    }
}

/// Whether an object has the field of the user that its records belong to.
fn owner(def: &ObjectDef) -> Option<&FieldDef> {
    let user = def.field("user")?;
    (user.kind == Type::Link && user.to.as_deref() == Some("user")).then_some(user)
}

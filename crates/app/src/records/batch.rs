//! Many writes that are one: a pasted table, the same change of many records,
//! many deletes. First tried, so that everything that is wrong is known before
//! anything is written; then written whole, or without what is wrong where
//! somebody says so; and taken back as one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use keji_store::{
    Bulk, BulkAccess, BulkMode, BulkOutcome, BulkRow, BulkUndo, BulkWatch, BulkWhy, BulkWrite,
    ChangeKind, Op,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::cells::{self, LinkTexts};
use super::coerce::{self, Draft, Read};
use super::{
    LinkDoc, ListRecords, MAX_RECORDS, RecordRow, change, files, links, list, problem, writable,
};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::messages::Language;
use crate::permission::{
    Action, Caller, access, access_for, may, require, require_fields, sees_all,
};

/// Rows of one batch; more is an import.
pub const MAX_ROWS: usize = 20_000;
/// Faults that are told one by one.
const MAX_FAULTS: usize = 5_000;
/// Records whose values before and after are shown.
const N_SAMPLE: usize = 20;
const N_RECENT: u32 = 50;

/// A table as it comes from a clipboard, in the order of `fields`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasteBody {
    pub fields: Vec<String>,
    /// 1 to 20,000.
    pub rows: Vec<PasteRow>,
    /// Only tries it: nothing is written.
    #[serde(default)]
    pub check: bool,
    /// Writes the right rows where others are wrong; otherwise one wrong row
    /// and nothing is written.
    #[serde(default)]
    pub leave_wrong: bool,
    /// That of the check: what somebody changed since is wrong.
    #[serde(default)]
    pub position: Option<i64>,
    /// By which its progress is asked for and it is stopped.
    #[serde(default)]
    pub key: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasteRow {
    /// Of the record to change; without one a new one is made.
    #[serde(default)]
    pub id: Option<i64>,
    /// Text as people write it, or a value as of `create_record`. Null leaves
    /// the field alone, blank text clears it.
    #[schema(value_type = Vec<Object>)]
    pub cells: Vec<Json>,
    /// What the caller saw in fields that he changes; another value now is a
    /// fault of code `changed`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub seen: Map<String, Json>,
}

/// The same change of many records.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    /// These, at most 20,000; or all that match `where` and `search`.
    #[serde(default)]
    pub ids: Option<Vec<i64>>,
    #[serde(rename = "where", default)]
    pub filter: Option<String>,
    #[serde(default)]
    pub search: Option<String>,
    /// Field to value, as of `update_record`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
    /// Deletes them instead.
    #[serde(default)]
    pub delete: bool,
    #[serde(default)]
    pub check: bool,
    #[serde(default)]
    pub leave_wrong: bool,
    #[serde(default)]
    pub position: Option<i64>,
    /// How many the check found; another number now is refused.
    #[serde(default)]
    pub expect: Option<usize>,
    #[serde(default)]
    pub key: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// For `undo_batch`; null where nothing was written.
    pub batch: Option<i64>,
    /// For the write that follows a check.
    pub position: i64,
    pub n_created: usize,
    pub n_updated: usize,
    pub n_deleted: usize,
    pub n_unchanged: usize,
    pub n_wrong: usize,
    /// The first 5,000.
    pub faults: Vec<BatchFault>,
    /// The first records that change, as they are and as they become.
    pub sample: Vec<BatchSample>,
    /// Of each pasted row the record that it is or became; null where there
    /// is none.
    pub ids: Vec<Option<i64>>,
}

/// What is wrong with a row, or a cell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BatchFault {
    /// From 0.
    pub row: usize,
    pub id: Option<i64>,
    /// What the record is called, where it is known.
    pub title: Option<String>,
    /// None where it is the row.
    pub field: Option<String>,
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BatchSample {
    pub id: i64,
    pub title: Option<String>,
    /// The fields that change.
    pub before: RecordRow,
    pub after: RecordRow,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BatchDoc {
    pub id: i64,
    pub object: String,
    /// `paste`, `edit`, `delete`, `undo` or `redo`.
    pub kind: String,
    pub actor: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub n_created: i64,
    pub n_updated: i64,
    pub n_deleted: i64,
    /// The batch that it took back.
    pub undo_of: Option<i64>,
    /// The batch that took it back.
    pub undone_by: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BatchList {
    /// Newest first, at most 50 of the last 30 days.
    pub batches: Vec<BatchDoc>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoBatchBody {
    /// Leaves records as they are that cannot be put back; otherwise nothing
    /// is done where there is one.
    #[serde(default)]
    pub leave: bool,
    #[serde(default)]
    pub key: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BatchUndone {
    /// The undo, which can be taken back itself; null where nothing was done.
    pub batch: Option<i64>,
    pub object: String,
    /// Records that are what they were before.
    pub n: i64,
    /// Those that are not, and why.
    pub left: Vec<BatchFault>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BatchProgress {
    pub n_done: u64,
    pub n_all: u64,
}

/// Checks or writes a table of cells.
pub async fn paste(
    app: &App,
    caller: &Caller,
    object: &str,
    body: &PasteBody,
    language: Language,
) -> Result<BatchAnswer> {
    let def = writable(app, caller, object, Action::Read)?;
    let n = body.rows.len();
    n_rows_fit(n)?;
    let mut named = BTreeSet::new();
    for field in &body.fields {
        if !named.insert(field) {
            let (zh, en) = ("同一列写了两次", "it is there twice");
            return Err(FieldFault::new(field, "value", zh, en).into());
        }
    }
    for (row, cells) in body.rows.iter().enumerate() {
        if cells.cells.len() != body.fields.len() {
            let n = body.fields.len();
            let zh = format!("这一行要有 {n} 个格子");
            let en = format!("the row must have {n} cells");
            return Err(FieldFault::new("cells", "value", zh, en)
                .at(Some(row))
                .into());
        }
    }
    for (action, is_there) in [
        (Action::Update, body.rows.iter().any(|r| r.id.is_some())),
        (Action::Create, body.rows.iter().any(|r| r.id.is_none())),
    ] {
        if is_there {
            writable(app, caller, object, action)?;
            require_fields(
                caller,
                object,
                action,
                body.fields.iter().map(String::as_str),
            )?;
        }
    }
    let all = body.rows.iter();
    let all = all.flat_map(|r| body.fields.iter().map(String::as_str).zip(&r.cells));
    let texts = LinkTexts::find(app, caller, def, all).await?;
    let (mut drafts, mut blank) = (Vec::with_capacity(n), BTreeSet::new());
    for (at, row) in body.rows.iter().enumerate() {
        let (values, faults) = cells::values(app, def, &body.fields, &row.cells, &texts);
        let is_blank = |v: &Json| v.is_null() || v.as_str().is_some_and(|t| t.trim().is_empty());
        let is_nothing = match row.id {
            Some(_) => values.is_empty(),
            None => values.values().all(is_blank),
        };
        if is_nothing && faults.is_empty() {
            blank.insert(at);
        }
        let mut draft = match row.id {
            Some(_) => coerce::update(app, caller, def, &values),
            None => coerce::create(app, caller, def, &values),
        };
        // What is missing is what could not be read.
        draft
            .faults
            .retain(|f| f.code != "required" || faults.iter().all(|g| g.field != f.field));
        draft.faults.extend(faults);
        drafts.push(draft);
    }
    links::resolve(app, caller, &mut drafts).await?;
    let mut batch = Tried::new(n);
    let mut rows = Vec::with_capacity(n);
    for (at, (row, mut draft)) in body.rows.iter().zip(drafts).enumerate() {
        if blank.contains(&at) {
            batch.n_unchanged += 1;
            continue;
        }
        let seen = seen(app, caller, def, &row.seen, &mut draft);
        if !draft.faults.is_empty() {
            batch.wrong(at, row.id, &draft.faults, language);
            continue;
        }
        let op = match row.id {
            Some(id) => draft.update(id)?,
            None => draft.create()?,
        };
        rows.push((
            at,
            row.id,
            BulkRow {
                change: change(caller, def, op),
                seen,
            },
        ));
    }
    let how = How {
        kind: "paste",
        check: body.check,
        leave_wrong: body.leave_wrong,
        position: body.position,
        key: body.key.as_deref(),
        language,
    };
    batch.write(app, caller, def, rows, &how).await
}

/// Checks or makes the same change of many records.
pub async fn edit(
    app: &App,
    caller: &Caller,
    object: &str,
    body: &EditBody,
    language: Language,
) -> Result<BatchAnswer> {
    let action = if body.delete {
        Action::Delete
    } else {
        Action::Update
    };
    let def = writable(app, caller, object, action)?;
    if body.delete && object == files::OBJECT {
        let zh = "附件的内容删除后不能恢复，请一个一个删除";
        let en = "the content of a file does not come back: delete files one by one";
        return Err(FieldFault::new("delete", "value", zh, en).into());
    }
    if body.delete != body.values.is_empty() {
        let zh = "要么写 `values`，要么删除";
        let en = "give `values`, or delete";
        return Err(FieldFault::new("values", "value", zh, en).into());
    }
    require_fields(
        caller,
        object,
        action,
        body.values.keys().map(String::as_str),
    )?;
    let mut draft = coerce::update(app, caller, def, &body.values);
    links::resolve(app, caller, [&mut draft]).await?;
    let op = draft.update(0)?;
    let ids = selected(app, caller, object, body).await?;
    n_rows_fit(ids.len())?;
    if body.expect.is_some_and(|n| n != ids.len()) {
        let n = ids.len();
        return Err(Error::State {
            code: "selection_changed",
            zh: format!("符合条件的记录现在是 {n} 条，与预览时不同；请重新预览"),
            en: format!(
                "there are {n} such records now, not as many as were previewed: look again"
            ),
        });
    }
    let row = |(at, id): (usize, &i64)| {
        let op = match &op {
            Op::Update { values, .. } if !body.delete => Op::Update {
                id: *id,
                values: values.clone(),
            },
            _ => Op::Delete { id: *id },
        };
        let change = change(caller, def, op);
        (
            at,
            Some(*id),
            BulkRow {
                change,
                seen: Vec::new(),
            },
        )
    };
    let rows = ids.iter().enumerate().map(row).collect();
    let how = How {
        kind: if body.delete { "delete" } else { "edit" },
        check: body.check,
        leave_wrong: body.leave_wrong,
        position: body.position,
        key: body.key.as_deref(),
        language,
    };
    let mut answer = Tried::new(ids.len())
        .write(app, caller, def, rows, &how)
        .await?;
    answer.ids = Vec::new();
    let told: BTreeSet<i64> = answer.faults.iter().filter_map(|f| f.id).collect();
    let titles = links::titles(app, caller, object, told).await?;
    for fault in &mut answer.faults {
        let link = fault.id.and_then(|id| titles.get(&id));
        fault.title = link.and_then(|link| link.title.clone());
    }
    Ok(answer)
}

/// What the caller wrote of late, and where he sees everything, what anybody
/// did.
pub async fn batches(app: &App, caller: &Caller) -> Result<BatchList> {
    let own = Some(caller.actor.as_str());
    let mine = app.store.bulks(own, N_RECENT).await?;
    let all = app.store.bulks(None, N_RECENT * 4).await?;
    let others = all.into_iter().filter(|b| !mine.contains(b));
    let mut batches: Vec<Bulk> = others
        .filter(|bulk| sees_all(caller, &bulk.object))
        .chain(
            mine.iter()
                .filter(|b| may(caller, &b.object, Action::Read))
                .cloned(),
        )
        .collect();
    batches.sort_by_key(|bulk| -bulk.id);
    batches.truncate(N_RECENT as usize);
    let doc = |bulk: Bulk| BatchDoc {
        id: bulk.id,
        object: bulk.object,
        kind: bulk.kind,
        actor: bulk.actor,
        at: bulk.at,
        n_created: bulk.n_created,
        n_updated: bulk.n_updated,
        n_deleted: bulk.n_deleted,
        undo_of: bulk.undo_of,
        undone_by: bulk.undone_by,
    };
    Ok(BatchList {
        batches: batches.into_iter().map(doc).collect(),
    })
}

/// Takes a batch back under the caller's rights: his own, or anybody's where
/// he sees everything.
pub async fn undo(
    app: &App,
    caller: &Caller,
    id: i64,
    body: &UndoBatchBody,
    language: Language,
) -> Result<BatchUndone> {
    let missing = || Error::not_found("batch", id);
    let bulk = app.store.bulk(id).await?.ok_or_else(missing)?;
    let is_own = bulk.actor == caller.actor && may(caller, &bulk.object, Action::Read);
    if !(is_own || sees_all(caller, &bulk.object)) {
        return Err(missing());
    }
    let object = bulk.object.as_str();
    let def = writable(app, caller, object, Action::Read)?;
    for (n, action) in [
        (bulk.n_created, Action::Delete),
        (bulk.n_updated, Action::Update),
        (bulk.n_deleted, Action::Create),
    ] {
        if n > 0 {
            require(caller, object, action)?;
        }
    }
    if !bulk.is_kept() {
        return Err(Error::State {
            code: "batch_too_old",
            zh: format!(
                "批次在 {} 天内可以撤销，这次已经不行了",
                keji_store::KEPT_DAYS
            ),
            en: format!("a batch can be undone for {} days", keji_store::KEPT_DAYS),
        });
    }
    let under_way = UnderWay::begin(app, caller, body.key.as_deref());
    let order = BulkUndo {
        id,
        actor: &caller.actor,
        channel: caller.channel.id(),
        leaves: body.leave,
    };
    let done = app
        .store
        .undo_bulk(&order, &reach(caller, object), &under_way.watch)
        .await;
    let done = done.map_err(|error| match error {
        keji_store::Error::Batch { .. } => Error::State {
            code: "batch_undone",
            zh: "这个批次已经撤销过了".to_owned(),
            en: "the batch was undone already".to_owned(),
        },
        keji_store::Error::Cancelled => Error::Cancelled,
        other => other.into(),
    })?;
    let ids: BTreeSet<i64> = done.left.iter().map(|c| c.record).collect();
    let titles = links::titles(app, caller, object, ids).await?;
    let left = done.left.iter().enumerate().map(|(row, conflict)| {
        let link = titles.get(&conflict.record);
        let (code, detail) = why(def, &conflict.why, language);
        BatchFault {
            row,
            id: Some(conflict.record),
            title: link.and_then(|link| link.title.clone()),
            field: None,
            code: code.to_owned(),
            detail,
        }
    });
    Ok(BatchUndone {
        batch: done.id,
        object: done.object,
        n: done.n,
        left: left.take(MAX_FAULTS).collect(),
    })
}

/// Of the caller's batch with this key that is under way in this process.
pub fn progress(app: &App, caller: &Caller, key: &str) -> Result<BatchProgress> {
    let watch = under_way(app, caller, key)?;
    Ok(BatchProgress {
        n_done: watch.n_done.load(Ordering::Relaxed),
        n_all: watch.n_all.load(Ordering::Relaxed),
    })
}

/// Asks it to stop; then nothing of it is written.
pub fn stop(app: &App, caller: &Caller, key: &str) -> Result<()> {
    under_way(app, caller, key)?.cancel.ask();
    Ok(())
}

fn under_way(app: &App, caller: &Caller, key: &str) -> Result<Arc<BulkWatch>> {
    let all = app.batches.lock().unwrap_or_else(PoisonError::into_inner);
    let found = all.get(&(caller.actor.clone(), key.to_owned())).cloned();
    found.ok_or_else(|| Error::not_found("batch", key))
}

/// Known under its key for as long as it is worked on.
struct UnderWay<'a> {
    app: &'a App,
    key: Option<(String, String)>,
    watch: Arc<BulkWatch>,
}

impl<'a> UnderWay<'a> {
    fn begin(app: &'a App, caller: &Caller, key: Option<&str>) -> UnderWay<'a> {
        let key = key.filter(|key| key.len() <= 100);
        let key = key.map(|key| (caller.actor.clone(), key.to_owned()));
        let watch = Arc::<BulkWatch>::default();
        if let Some(key) = &key {
            let mut all = app.batches.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(key.clone(), watch.clone());
        }
        UnderWay { app, key, watch }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut all = self
            .app
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &self.key {
            all.remove(key);
        }
    }
}

struct How<'a> {
    kind: &'static str,
    check: bool,
    leave_wrong: bool,
    position: Option<i64>,
    key: Option<&'a str>,
    language: Language,
}

/// What is known before the store is asked.
struct Tried {
    n: usize,
    n_unchanged: usize,
    n_wrong: usize,
    faults: Vec<BatchFault>,
}

impl Tried {
    fn new(n: usize) -> Tried {
        Tried {
            n,
            n_unchanged: 0,
            n_wrong: 0,
            faults: Vec::new(),
        }
    }

    fn wrong(&mut self, row: usize, id: Option<i64>, faults: &[FieldFault], language: Language) {
        self.n_wrong += 1;
        let told = faults.iter().map(|fault| BatchFault {
            row,
            id,
            title: None,
            field: Some(fault.field.clone()),
            code: fault.code.to_owned(),
            detail: language.pick(&fault.zh, &fault.en).to_owned(),
        });
        let left = MAX_FAULTS.saturating_sub(self.faults.len());
        self.faults.extend(told.take(left));
    }

    /// Writes the rows, each with its place and the record that it changes.
    async fn write(
        mut self,
        app: &App,
        caller: &Caller,
        def: &ObjectDef,
        rows: Vec<(usize, Option<i64>, BulkRow)>,
        how: &How<'_>,
    ) -> Result<BatchAnswer> {
        let mode = match (how.check, how.leave_wrong) {
            (true, _) => BulkMode::Check,
            (false, true) => BulkMode::Right,
            // What is wrong already keeps the rest from being written.
            (false, false) if self.n_wrong > 0 => BulkMode::Check,
            (false, false) => BulkMode::Whole,
        };
        let mut places = Vec::with_capacity(rows.len());
        let mut writes = Vec::with_capacity(rows.len());
        for (at, id, row) in rows {
            places.push((at, id));
            writes.push(row);
        }
        let under_way = UnderWay::begin(app, caller, how.key);
        let write = BulkWrite {
            object: &def.id,
            kind: how.kind,
            rows: &writes,
            since: how.position,
            mode,
            actor: &caller.actor,
        };
        let done = app
            .store
            .write_bulk(&write, &reach(caller, &def.id), &under_way.watch)
            .await;
        let done = done.map_err(|error| match error {
            keji_store::Error::Cancelled => Error::Cancelled,
            other => other.into(),
        })?;
        let own = access(caller, &def.id);
        let mut answer = BatchAnswer {
            batch: done.id,
            position: done.position,
            n_created: 0,
            n_updated: 0,
            n_deleted: 0,
            n_unchanged: self.n_unchanged,
            n_wrong: 0,
            faults: Vec::new(),
            sample: Vec::new(),
            ids: vec![None; self.n],
        };
        let is_written = done.id.is_some();
        for ((at, id), outcome) in places.iter().zip(&done.outcomes) {
            match outcome {
                Ok(outcome) => {
                    // The id of one that was only tried is nobody's.
                    answer.ids[*at] = id.or(is_written.then_some(outcome.id));
                    match outcome.kind {
                        None => answer.n_unchanged += 1,
                        Some(ChangeKind::Create) => answer.n_created += 1,
                        Some(ChangeKind::Delete) => answer.n_deleted += 1,
                        Some(_) => {
                            answer.n_updated += 1;
                            if answer.sample.len() < N_SAMPLE {
                                answer.sample.push(sample(&own, def, outcome));
                            }
                        }
                    }
                }
                Err(error) => {
                    self.n_wrong += 1;
                    if self.faults.len() < MAX_FAULTS {
                        self.faults.push(fault(def, *at, *id, error, how.language));
                    }
                }
            }
        }
        self.faults.sort_by_key(|fault| fault.row);
        (answer.n_wrong, answer.faults) = (self.n_wrong, self.faults);
        name_links(app, caller, def, &mut answer.sample).await?;
        Ok(answer)
    }
}

fn n_rows_fit(n: usize) -> Result<()> {
    if (1..=MAX_ROWS).contains(&n) {
        return Ok(());
    }
    let zh = format!("一次是 1 到 {MAX_ROWS} 条，这里有 {n} 条；更多请用导入");
    let en = format!("1 to {MAX_ROWS} at once, here are {n}; more is an import");
    Err(FieldFault::new("rows", "value", zh, en).into())
}

/// The records that are meant, each once.
async fn selected(app: &App, caller: &Caller, object: &str, body: &EditBody) -> Result<Vec<i64>> {
    if let Some(ids) = &body.ids {
        let mut known = BTreeSet::new();
        return Ok(ids.iter().copied().filter(|id| known.insert(*id)).collect());
    }
    let mut wanted = ListRecords {
        filter: body.filter.clone(),
        search: body.search.clone(),
        limit: Some(MAX_RECORDS),
        ..ListRecords::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = list(app, caller, object, &wanted).await?;
        ids.extend(page.rows.iter().map(|row| row.id));
        wanted.after = page.next;
        if wanted.after.is_none() || ids.len() > MAX_ROWS {
            return Ok(ids);
        }
    }
}

fn reach(caller: &Caller, object: &str) -> BulkAccess {
    let of = |action| access_for(caller, object, &[action]);
    BulkAccess {
        create: of(Action::Create),
        update: of(Action::Update),
        delete: of(Action::Delete),
    }
}

/// What the caller saw, as values; what is none is wrong.
fn seen(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    given: &Map<String, Json>,
    draft: &mut Draft,
) -> Vec<(String, Value)> {
    let own = access(caller, &def.id);
    let mut seen = Vec::with_capacity(given.len());
    for (id, json) in given {
        let Some(field) = def.field(id).filter(|_| !own.hides(&def.id, id)) else {
            let (zh, en) = ("没有这个字段", "there is no such field");
            draft
                .faults
                .push(FieldFault::new(id, "unknown_field", zh, en));
            continue;
        };
        let instant = |civil| app.catalog.calendar.instant_of(civil).ok();
        match coerce::value(field, json, false, instant) {
            Ok(Read::Value(value)) => seen.push((id.clone(), value)),
            Ok(Read::Link(coerce::Wanted::Id(to))) => seen.push((id.clone(), Value::Int(to))),
            Ok(Read::Link(_)) => {}
            Err(fault) => draft.faults.push(fault),
        }
    }
    seen
}

fn sample(own: &keji_store::Access, def: &ObjectDef, outcome: &BulkOutcome) -> BatchSample {
    let side = |values: &Option<Map<String, Json>>| RecordRow {
        id: outcome.id,
        values: (values.iter().flatten())
            .filter(|(field, _)| !own.hides(&def.id, field))
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect(),
        links: BTreeMap::new(),
    };
    BatchSample {
        id: outcome.id,
        title: None,
        before: side(&outcome.before),
        after: side(&outcome.after),
    }
}

/// What the records of the sample, and those that they lead to, are called.
async fn name_links(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    samples: &mut [BatchSample],
) -> Result<()> {
    let ids: BTreeSet<i64> = samples.iter().map(|s| s.id).collect();
    let own = links::titles(app, caller, &def.id, ids).await?;
    for sample in samples.iter_mut() {
        sample.title = own.get(&sample.id).and_then(|link| link.title.clone());
    }
    for field in &def.fields {
        let Some(to) = &field.to else { continue };
        let ids: BTreeSet<i64> = (samples.iter())
            .flat_map(|s| [&s.before, &s.after])
            .filter_map(|row| row.values.get(&field.id)?.as_i64())
            .collect();
        if ids.is_empty() {
            continue;
        }
        let titles: BTreeMap<i64, LinkDoc> = links::titles(app, caller, to, ids).await?;
        for sample in samples.iter_mut() {
            for row in [&mut sample.before, &mut sample.after] {
                let id = row.values.get(&field.id).and_then(Json::as_i64);
                if let Some(link) = id.and_then(|id| titles.get(&id)) {
                    row.links.insert(field.id.clone(), link.clone());
                }
            }
        }
    }
    Ok(())
}

/// What the store refuses of one row.
fn fault(
    def: &ObjectDef,
    row: usize,
    id: Option<i64>,
    error: &keji_store::Error,
    language: Language,
) -> BatchFault {
    let said = |field: Option<String>, code: &str, detail: String| BatchFault {
        row,
        id,
        title: None,
        field,
        code: code.to_owned(),
        detail,
    };
    if let keji_store::Error::OutOfReach { .. } = error {
        let detail = language.pick(
            "这样写，记录就归了您不能写的人",
            "the record would belong to somebody whose records you may not write",
        );
        return said(None, "forbidden", detail.to_owned());
    }
    let told = problem::told_of(def, error, None);
    let told = told.unwrap_or_else(|| Error::Internal(error.to_string()));
    let text = told.problem(language);
    match text.fields.first() {
        Some(field) => said(Some(field.field.clone()), field.code, field.detail.clone()),
        None => said(None, text.code, text.detail),
    }
}

/// Why a record is not put back, in words.
pub(super) fn why(def: &ObjectDef, why: &BulkWhy, language: Language) -> (&'static str, String) {
    let label = |field: &String| match def.field(field) {
        Some(f) => language.pick(&f.name.zh, &f.name.en).to_owned(),
        None => field.clone(),
    };
    let code = match why {
        BulkWhy::Changed => "changed",
        BulkWhy::Gone => "gone",
        BulkWhy::Erased => "erased",
        BulkWhy::InUse(_) => "in_use",
        BulkWhy::Taken(_) => "duplicate",
        BulkWhy::LinkGone(_) => "link",
        BulkWhy::OutOfReach => "forbidden",
    };
    let zh = match why {
        BulkWhy::Changed => "之后有人改过".to_owned(),
        BulkWhy::Gone => "之后有人删掉了".to_owned(),
        BulkWhy::Erased => "原来的内容已按要求删除".to_owned(),
        BulkWhy::InUse(by) => format!("已有 `{by}` 的记录关联着它"),
        BulkWhy::Taken(field) => format!("它的{}已被别的记录用了", label(field)),
        BulkWhy::LinkGone(field) => format!("它的{}所指的记录已经不在了", label(field)),
        BulkWhy::OutOfReach => "您不能写这条记录".to_owned(),
    };
    let en = match why {
        BulkWhy::Taken(field) => format!("another record has its {}", label(field)),
        BulkWhy::LinkGone(field) => format!("what its {} led to is no more", label(field)),
        other => other.to_string(),
    };
    (code, language.pick(&zh, &en).to_owned())
}

//! Many writes of one object's records that are one: all in one transaction,
//! a stretch of the log that nobody else's entries interrupt, and taken back
//! as one. An undo is such a write itself, so that it can be taken back, too.
//!
//! What cells, selections and people mean is not known here.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};

use crate::access::Access;
use crate::change::{ChangeKind, NewChange, Op};
use crate::db::{Conn, Fields, int};
use crate::error::{Error, Result};
use crate::import::value_of_log;
use crate::log::{self, Touches, kind_of_text};
use crate::merge::{all_values, list, put_back, record_of};
use crate::record::Record;
use crate::search::list_sql;
use crate::sql::{Dialect, quote};
use crate::store::{Cancel, Store};
use crate::totals;
use crate::write::{Applied, Done, check_links, constraint, hold_links, now};
use crate::write_many::{hold, is_its_own};

/// How long a bulk write can be taken back, and a deleted record restored.
pub const KEPT_DAYS: i64 = 30;

/// Two writers that wait for each other: one of them begins again.
const TRIES: u32 = 4;

/// One write among many.
#[derive(Debug, Clone)]
pub struct BulkRow {
    pub change: NewChange,
    /// What the caller saw in fields that he changes; another value now is
    /// [`Error::Moved`].
    pub seen: Vec<(String, Value)>,
}

/// What the caller may see of the object for each kind of write.
#[derive(Debug, Clone, Default)]
pub struct BulkAccess {
    pub create: Access,
    pub update: Access,
    pub delete: Access,
}

impl BulkAccess {
    fn of(&self, op: &Op) -> &Access {
        match op {
            Op::Create { .. } => &self.create,
            Op::Update { .. } => &self.update,
            Op::Delete { .. } => &self.delete,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMode {
    /// Everything is tried and nothing stays.
    Check,
    /// One wrong row, and nothing is written.
    Whole,
    /// The right rows are written.
    Right,
}

#[derive(Debug, Clone, Copy)]
pub struct BulkWrite<'a> {
    pub object: &'a str,
    /// In one word, such as `paste`.
    pub kind: &'a str,
    pub rows: &'a [BulkRow],
    /// The position that a [`BulkMode::Check`] gave: a record that somebody
    /// changed behind it is wrong.
    pub since: Option<i64>,
    pub mode: BulkMode,
    pub actor: &'a str,
}

/// How far it is, and whether it shall stop; for another task to look at.
#[derive(Debug, Default)]
pub struct BulkWatch {
    pub n_done: AtomicU64,
    pub n_all: AtomicU64,
    pub cancel: Cancel,
}

impl BulkWatch {
    fn begin(&self, n: usize) {
        self.n_all.store(n as u64, Ordering::Relaxed);
        self.n_done.store(0, Ordering::Relaxed);
    }

    fn step(&self) -> Result<()> {
        self.n_done.fetch_add(1, Ordering::Relaxed);
        self.cancel.check()
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOutcome {
    pub id: i64,
    /// `None` where an update changes nothing.
    pub kind: Option<ChangeKind>,
    /// As the log has it.
    pub before: Option<Map<String, Json>>,
    pub after: Option<Map<String, Json>>,
}

#[derive(Debug)]
pub struct BulkDone {
    /// `None` where nothing was written.
    pub id: Option<i64>,
    /// The end of the log, with what was written.
    pub position: i64,
    /// In the order of the rows.
    pub outcomes: Vec<Result<BulkOutcome>>,
}

/// One bulk write that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Bulk {
    pub id: i64,
    pub object: String,
    pub kind: String,
    pub actor: String,
    pub at: Timestamp,
    pub n_created: i64,
    pub n_updated: i64,
    pub n_deleted: i64,
    /// The one that it took back.
    pub undo_of: Option<i64>,
    /// The one that took it back.
    pub undone_by: Option<i64>,
    first: i64,
    last: i64,
    is_back: bool,
}

impl Bulk {
    /// Whether it can still be taken back, as far as time goes.
    pub fn is_kept(&self) -> bool {
        self.at > oldest()
    }
}

#[derive(Debug, Clone, Copy)]
pub struct BulkUndo<'a> {
    pub id: i64,
    pub actor: &'a str,
    pub channel: &'a str,
    /// Records that cannot be put back are left as they are; otherwise nothing
    /// is done where there is one.
    pub leaves: bool,
}

/// Why a record is not put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkWhy {
    /// Somebody changed it since.
    Changed,
    /// Somebody deleted it since.
    Gone,
    /// What it was is erased.
    Erased,
    /// Records of this object link to it meanwhile.
    InUse(String),
    /// Another record has its value of this field meanwhile.
    Taken(String),
    /// What this link led to is no more.
    LinkGone(String),
    /// The caller may not write it.
    OutOfReach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkConflict {
    pub record: i64,
    pub why: BulkWhy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkUndone {
    pub object: String,
    /// The bulk write that the undo is; `None` where nothing was done.
    pub id: Option<i64>,
    /// Records that are what they were.
    pub n: i64,
    /// Those that are not, or would not be.
    pub left: Vec<BulkConflict>,
}

/// A record that was deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Deleted {
    /// Of the entry that says so.
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub object: String,
    pub record: i64,
    /// All that it was, as the log has it.
    pub before: Map<String, Json>,
}

/// That something happened, without what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub seq: i64,
    pub actor: String,
    /// `None` of what changed many at once, such as an import.
    pub object: Option<String>,
    pub record: Option<i64>,
}

/// What keeps one record from being put back, or all.
enum Fault {
    Why(BulkWhy),
    Error(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::NotFound { .. } | Error::OutOfReach { .. } => Fault::Why(BulkWhy::OutOfReach),
            Error::InUse { by, .. } => Fault::Why(BulkWhy::InUse(by)),
            Error::Duplicate { field, .. } => Fault::Why(BulkWhy::Taken(field)),
            Error::Invalid { field, .. } | Error::Required { field, .. } => {
                Fault::Why(BulkWhy::LinkGone(field))
            }
            error if is_its_own(&error) => Fault::Why(BulkWhy::Changed),
            error => Fault::Error(error),
        }
    }
}

/// An entry of the log that is to be taken back.
struct Entry {
    kind: ChangeKind,
    record: i64,
    batch: Option<i64>,
    /// As it is written, and read.
    before: Option<(String, Map<String, Json>)>,
    after: Option<(String, Map<String, Json>)>,
}

impl fmt::Display for BulkWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BulkWhy::Changed => f.write_str("somebody changed it since"),
            BulkWhy::Gone => f.write_str("somebody deleted it since"),
            BulkWhy::Erased => f.write_str("what it was is erased"),
            BulkWhy::InUse(by) => write!(f, "a record of `{by}` links to it"),
            BulkWhy::Taken(field) => write!(f, "another record has its `{field}`"),
            BulkWhy::LinkGone(field) => write!(f, "what its `{field}` led to is no more"),
            BulkWhy::OutOfReach => f.write_str("it is not yours to write"),
        }
    }
}

impl Store {
    /// Writes, or tries, many changes of one object in one transaction.
    pub async fn write_bulk(
        &self,
        write: &BulkWrite<'_>,
        access: &BulkAccess,
        watch: &BulkWatch,
    ) -> Result<BulkDone> {
        let mut attempt = 1;
        loop {
            watch.begin(write.rows.len());
            match self.try_bulk(write, access, watch).await {
                // On SQLite the time for waiting is over.
                Err(Error::Busy) if self.db().dialect() == Dialect::Postgres && attempt < TRIES => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_bulk(
        &self,
        write: &BulkWrite<'_>,
        access: &BulkAccess,
        watch: &BulkWatch,
    ) -> Result<BulkDone> {
        let def = self.0.catalog.object(write.object)?;
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let ids = write.rows.iter().filter_map(|row| touched(&row.change.op));
        let ids: Vec<i64> = ids.collect();
        hold(&mut conn, def, ids.clone()).await?;
        let moved = match write.since {
            Some(since) => self.changed_since(&mut conn, def, since, &ids).await?,
            None => BTreeSet::new(),
        };
        let mut done = Vec::with_capacity(write.rows.len());
        for row in write.rows {
            watch.step()?;
            let access = access.of(&row.change.op);
            let result = match touched(&row.change.op).filter(|id| moved.contains(id)) {
                Some(id) => Err(Error::Moved {
                    object: def.id.clone(),
                    id,
                    field: "id".to_owned(),
                }),
                None => self.apply_seen(&mut conn, def, row, access).await,
            };
            let result = result.map_err(|e| crate::write::named(e, &row.change));
            match result {
                Err(error) if !is_its_own(&error) => return Err(error),
                other => done.push(other),
            }
        }
        let is_wrong = done.iter().any(Result::is_err);
        let stays = match write.mode {
            BulkMode::Check => false,
            BulkMode::Whole => !is_wrong,
            BulkMode::Right => true,
        };
        if !stays {
            let sql = "select max(seq) from keji_change";
            let position = conn.int(sql, &[]).await?;
            let outcomes = done.into_iter().map(|done| done.map(told)).collect();
            return Ok(BulkDone {
                id: None,
                position,
                outcomes,
            });
        }
        // The log last: nobody who has it waits for a record.
        let mut made = Made::default();
        let mut outcomes = Vec::with_capacity(done.len());
        for (row, done) in write.rows.iter().zip(done) {
            outcomes.push(match done {
                Err(error) => Err(error),
                Ok(Done::Unchanged(record)) => Ok(told(Done::Unchanged(record))),
                Ok(Done::Changed(applied)) => {
                    let change = self.enter(&mut conn, def, &row.change, *applied).await?;
                    made.count(change.kind, change.seq);
                    Ok(BulkOutcome {
                        id: change.record.unwrap_or_default(),
                        kind: Some(change.kind),
                        before: change.before,
                        after: change.after,
                    })
                }
            });
        }
        let id = made
            .keep(&mut conn, &def.id, write.kind, write.actor, None)
            .await?;
        let position = match made.span {
            Some((_, last)) => last,
            None => conn.int("select max(seq) from keji_change", &[]).await?,
        };
        self.renew_leases(&mut conn).await?;
        tx.commit().await?;
        Ok(BulkDone {
            id,
            position,
            outcomes,
        })
    }

    async fn apply_seen(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        row: &BulkRow,
        access: &Access,
    ) -> Result<Done> {
        self.check_op(&row.change, access)?;
        if let (false, Some(id)) = (row.seen.is_empty(), touched(&row.change.op)) {
            let now = self.record(conn, &def.id, id, access, true).await?;
            let now = now.ok_or_else(|| crate::write::not_found(def, id))?;
            if let Some((field, _)) = row.seen.iter().find(|(f, v)| now.value(f) != v) {
                return Err(Error::Moved {
                    object: def.id.clone(),
                    id,
                    field: field.clone(),
                });
            }
        }
        self.apply_alone(conn, def, &row.change, access).await
    }

    /// Those of the records that were written behind a position of the log,
    /// but for what was taken back again.
    async fn changed_since(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        seq: i64,
        ids: &[i64],
    ) -> Result<BTreeSet<i64>> {
        let sql = format!(
            "select distinct c.record from keji_change c where c.object = $1 and c.seq > $2 \
             and c.kind not in ('reveal', 'export') and c.record in ({}) \
             and not exists (select 1 from keji_bulk b where b.object = c.object \
             and b.last_seq >= c.seq and b.first_seq <= c.seq \
             and (b.undone_by is not null or b.is_back))",
            list_sql(conn.dialect(), "$3")
        );
        let params = [def.id.as_str().into(), Value::Int(seq), list(ids)];
        let rows = conn.rows(sql, &params, &[Type::Int]).await?;
        Ok(rows.iter().filter_map(|row| int(&row[0])).collect())
    }

    /// Puts back every record that a bulk write touched, to the byte, in one
    /// transaction. The answer is itself a bulk write.
    pub async fn undo_bulk(
        &self,
        undo: &BulkUndo<'_>,
        access: &BulkAccess,
        watch: &BulkWatch,
    ) -> Result<BulkUndone> {
        let mut attempt = 1;
        loop {
            match self.try_undo(undo, access, watch).await {
                Err(Error::Busy) if self.db().dialect() == Dialect::Postgres && attempt < TRIES => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_undo(
        &self,
        undo: &BulkUndo<'_>,
        access: &BulkAccess,
        watch: &BulkWatch,
    ) -> Result<BulkUndone> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        // Who comes second finds it undone.
        let sql = "update keji_bulk set kind = kind where id = $1";
        conn.run(sql, &[Value::Int(undo.id)]).await?;
        let missing = || Error::Missing {
            kind: "batch",
            id: undo.id.to_string(),
        };
        let known = bulks(&mut conn, "id = $1", &[Value::Int(undo.id)]).await?;
        let known = known.into_iter().next().ok_or_else(missing)?;
        if known.undone_by.is_some() || !known.is_kept() {
            return Err(Error::Batch {
                id: known.id,
                state: if known.is_kept() { "undone" } else { "too old" }.to_owned(),
            });
        }
        let def = self.0.catalog.object(&known.object)?;
        let entries = entries(&mut conn, &known).await?;
        let ids: BTreeSet<i64> = entries.iter().map(|e| e.record).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        watch.begin(entries.len());
        hold(&mut conn, def, ids.clone()).await?;
        let moved = self.changed_since(&mut conn, def, known.last, &ids).await?;
        let mut left: Vec<BulkConflict> = Vec::new();
        let mut applied = Vec::new();
        let mut stays: BTreeSet<i64> = BTreeSet::new();
        for entry in &entries {
            watch.step()?;
            let record = entry.record;
            if stays.contains(&record) {
                continue;
            }
            let back = match moved.contains(&record) {
                true => Err(Fault::Why(
                    match self.is_there(&mut conn, def, record).await? {
                        false if entry.kind != ChangeKind::Delete => BulkWhy::Gone,
                        _ => BulkWhy::Changed,
                    },
                )),
                false => self.back_alone(&mut conn, def, entry, undo, access).await,
            };
            match back {
                Ok(done) => applied.push(done),
                Err(Fault::Error(error)) => return Err(error),
                Err(Fault::Why(why)) => {
                    stays.insert(record);
                    left.push(BulkConflict { record, why });
                }
            }
        }
        if applied.is_empty() || !(undo.leaves || left.is_empty()) {
            return Ok(BulkUndone {
                object: known.object,
                id: None,
                n: 0,
                left,
            });
        }
        let mut made = Made {
            is_back: !known.is_back,
            ..Made::default()
        };
        let mut n: BTreeSet<i64> = BTreeSet::new();
        for (change, applied) in applied {
            n.insert(applied.id);
            let change = self.enter(&mut conn, def, &change, *applied).await?;
            made.count(change.kind, change.seq);
        }
        let kind = if known.is_back { "redo" } else { "undo" };
        let id = made
            .keep(&mut conn, &def.id, kind, undo.actor, Some(known.id))
            .await?;
        let sql = "update keji_bulk set undone_by = $2 where id = $1";
        let by = id.map_or(Value::Null, Value::Int);
        conn.run(sql, &[Value::Int(known.id), by]).await?;
        self.renew_leases(&mut conn).await?;
        tx.commit().await?;
        Ok(BulkUndone {
            object: known.object,
            id,
            n: n.len() as i64,
            left,
        })
    }

    async fn is_there(&self, conn: &mut Conn<'_>, def: &ObjectDef, id: i64) -> Result<bool> {
        let sql = format!("select count(*) from {} where \"id\" = $1", quote(&def.id));
        Ok(conn.int(sql, &[Value::Int(id)]).await? > 0)
    }

    /// An error takes back this record only.
    async fn back_alone(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        entry: &Entry,
        undo: &BulkUndo<'_>,
        access: &BulkAccess,
    ) -> std::result::Result<(NewChange, Box<Applied>), Fault> {
        conn.run("savepoint back", &[])
            .await
            .map_err(Fault::Error)?;
        let done = self.back(conn, def, entry, undo, access).await;
        let end = match done {
            Ok(_) => "release savepoint back",
            Err(_) => "rollback to savepoint back",
        };
        conn.run(end, &[]).await.map_err(Fault::Error)?;
        done
    }

    async fn back(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        entry: &Entry,
        undo: &BulkUndo<'_>,
        access: &BulkAccess,
    ) -> std::result::Result<(NewChange, Box<Applied>), Fault> {
        let id = entry.record;
        let now = self.record(conn, &def.id, id, &Access::all(), true).await?;
        let change = |op: Op| NewChange {
            object: def.id.clone(),
            op,
            actor: undo.actor.to_owned(),
            channel: undo.channel.to_owned(),
            module: None,
            expected: None,
            gives_number: false,
            jobs: Vec::new(),
        };
        if entry.before.is_none() && entry.after.is_none() {
            return Err(Fault::Why(BulkWhy::Erased));
        }
        let change = match (entry.kind, now) {
            (ChangeKind::Delete, Some(_)) => return Err(Fault::Why(BulkWhy::Changed)),
            (ChangeKind::Delete, None) => {
                let before = entry.before.as_ref();
                let (text, values) = before.ok_or(Fault::Why(BulkWhy::Erased))?;
                let record = whole(def, id, entry.batch, text, values)?;
                let applied = self
                    .put(conn, def, &record, &access.create)
                    .await
                    .map_err(|e| Fault::from(constraint(e, &def.id, None)))?;
                let values = record.values;
                return Ok((change(Op::Create { values }), Box::new(applied)));
            }
            (_, None) => return Err(Fault::Why(BulkWhy::Gone)),
            (ChangeKind::Create, Some(now)) => {
                let after = entry.after.as_ref();
                let (text, values) = after.ok_or(Fault::Why(BulkWhy::Erased))?;
                if whole(def, id, now.batch, text, values)?.values != now.values {
                    return Err(Fault::Why(BulkWhy::Changed));
                }
                change(Op::Delete { id })
            }
            (_, Some(now)) => {
                let sides = entry.before.as_ref().zip(entry.after.as_ref());
                let (before, after) = sides.ok_or(Fault::Why(BulkWhy::Erased))?;
                let is_there = some_of(def, &after.0, &after.1)?;
                if is_there.iter().any(|(f, v)| now.value(f) != v) {
                    return Err(Fault::Why(BulkWhy::Changed));
                }
                let values = some_of(def, &before.0, &before.1)?;
                change(Op::Update { id, values })
            }
        };
        let own = access.of(&change.op);
        self.check_op(&change, own)?;
        let done = self.apply(conn, def, &change, own).await;
        match done.map_err(|e| Fault::from(crate::write::named(e, &change)))? {
            Done::Changed(applied) => Ok((change, applied)),
            Done::Unchanged(_) => Err(Fault::Why(BulkWhy::Changed)),
        }
    }

    /// A record that was, with the id that it had.
    async fn put(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        record: &Record,
        access: &Access,
    ) -> Result<Applied> {
        let given: Vec<&(String, Value)> = record.values.iter().collect();
        let mut touches = Touches::new();
        totals::hold_order_of(conn, def, record).await?;
        check_links(conn, def, &given, false).await?;
        put_back(conn, def, record).await?;
        hold_links(conn, def, &given).await?;
        self.check_reach(conn, def, record.id, access).await?;
        log::touched_by(conn, &self.0.catalog, def, record.id, &[], &mut touches).await?;
        let orders = totals::orders_of(def, [record.value("order")]);
        let totals = self.add_up(conn, &orders).await?;
        Ok(Applied {
            kind: ChangeKind::Create,
            id: record.id,
            before: None,
            after: Some(all_values(record)),
            touches,
            batch: None,
            totals,
        })
    }

    pub async fn bulk(&self, id: i64) -> Result<Option<Bulk>> {
        let mut reader = self.db().reader().await?;
        let found = bulks(&mut reader.conn(), "id = $1", &[Value::Int(id)]).await?;
        Ok(found.into_iter().next())
    }

    /// The newest that can be taken back, of one actor or of all.
    pub async fn bulks(&self, actor: Option<&str>, limit: u32) -> Result<Vec<Bulk>> {
        let mut reader = self.db().reader().await?;
        let mut params = vec![Value::Instant(oldest())];
        let mut which = "at > $1".to_owned();
        if let Some(actor) = actor {
            params.push(actor.into());
            which.push_str(" and actor = $2");
        }
        let which = format!("{which} order by id desc limit {limit}");
        bulks(&mut reader.conn(), &which, &params).await
    }

    /// Records of the last days that were deleted and did not come back,
    /// newest first, before `before_seq` where that is given. What is erased
    /// is not among them.
    pub async fn deleted(&self, before_seq: Option<i64>, limit: u32) -> Result<Vec<Deleted>> {
        let mut reader = self.db().reader().await?;
        let which = format!("c.seq < $1 and c.at > $2 order by c.seq desc limit {limit}");
        let before = Value::Int(before_seq.unwrap_or(i64::MAX));
        let params = [before, Value::Instant(oldest())];
        Ok(deleted(&mut reader.conn(), &which, &params)
            .await?
            .into_iter()
            .map(|(deleted, ..)| deleted)
            .collect())
    }

    /// One of them; `None` where it is none any more.
    pub async fn one_deleted(&self, seq: i64) -> Result<Option<Deleted>> {
        let mut reader = self.db().reader().await?;
        let params = [Value::Int(seq), Value::Instant(oldest())];
        let found = deleted(&mut reader.conn(), "c.seq = $1 and c.at > $2", &params).await?;
        Ok(found.into_iter().next().map(|(deleted, ..)| deleted))
    }

    /// Brings a deleted record back, with its id and its links.
    pub async fn restore_deleted(
        &self,
        seq: i64,
        access: &Access,
        actor: &str,
        channel: &str,
    ) -> Result<std::result::Result<i64, BulkWhy>> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        log::take(&mut conn).await?;
        let params = [Value::Int(seq), Value::Instant(oldest())];
        let found = deleted(&mut conn, "c.seq = $1 and c.at > $2", &params).await?;
        let Some((gone, text, batch)) = found.into_iter().next() else {
            return Ok(Err(BulkWhy::Gone));
        };
        let def = self.0.catalog.object(&gone.object)?;
        if self.is_there(&mut conn, def, gone.record).await? {
            return Ok(Err(BulkWhy::Changed));
        }
        let record = whole(def, gone.record, batch, &text, &gone.before)?;
        let put = self.put(&mut conn, def, &record, access).await;
        let applied = match put.map_err(|e| Fault::from(constraint(e, &def.id, None))) {
            Ok(applied) => applied,
            Err(Fault::Why(why)) => return Ok(Err(why)),
            Err(Fault::Error(error)) => return Err(error),
        };
        let change = NewChange {
            object: def.id.clone(),
            op: Op::Create {
                values: record.values,
            },
            actor: actor.to_owned(),
            channel: channel.to_owned(),
            module: None,
            expected: None,
            gives_number: false,
            jobs: Vec::new(),
        };
        self.enter(&mut conn, def, &change, applied).await?;
        tx.commit().await?;
        Ok(Ok(gone.record))
    }

    /// What happened behind a position of the log, without what it was; in log
    /// order.
    pub async fn told_since(&self, seq: i64, limit: u32) -> Result<Vec<Told>> {
        let sql = format!(
            "select seq, actor, object, record from keji_change where seq > $1 \
             and kind not in ('reveal', 'export', 'sign_in', 'sign_in_failed', 'sign_out') \
             order by seq limit {limit}"
        );
        let kinds = [Type::Int, Type::Text, Type::Text, Type::Int];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[Value::Int(seq)], &kinds).await?;
        let told = rows.into_iter().map(|row| {
            let mut row = Fields::new(row);
            Ok(Told {
                seq: row.int()?,
                actor: row.text()?,
                object: row.optional_text(),
                record: row.optional_int(),
            })
        });
        told.collect()
    }
}

/// What a bulk write made.
#[derive(Default)]
struct Made {
    span: Option<(i64, i64)>,
    created: i64,
    updated: i64,
    deleted: i64,
    is_back: bool,
}

impl Made {
    fn count(&mut self, kind: ChangeKind, seq: i64) {
        match kind {
            ChangeKind::Create => self.created += 1,
            ChangeKind::Delete => self.deleted += 1,
            _ => self.updated += 1,
        }
        let first = self.span.map_or(seq, |(first, _)| first);
        self.span = Some((first, seq));
    }

    /// Nothing where nothing was made.
    async fn keep(
        &self,
        conn: &mut Conn<'_>,
        object: &str,
        kind: &str,
        actor: &str,
        undo_of: Option<i64>,
    ) -> Result<Option<i64>> {
        let Some((first, last)) = self.span else {
            return Ok(None);
        };
        let sql = "insert into keji_bulk (object, kind, actor, at, first_seq, last_seq, \
                   n_created, n_updated, n_deleted, undo_of, is_back) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id";
        let params = [
            object.into(),
            kind.into(),
            actor.into(),
            Value::Instant(now()),
            Value::Int(first),
            Value::Int(last),
            Value::Int(self.created),
            Value::Int(self.updated),
            Value::Int(self.deleted),
            undo_of.map_or(Value::Null, Value::Int),
            Value::Bool(self.is_back),
        ];
        conn.int(sql, &params).await.map(Some)
    }
}

fn touched(op: &Op) -> Option<i64> {
    match op {
        Op::Create { .. } => None,
        Op::Update { id, .. } | Op::Delete { id } => Some(*id),
    }
}

fn told(done: Done) -> BulkOutcome {
    match done {
        Done::Changed(applied) => BulkOutcome {
            id: applied.id,
            kind: Some(applied.kind),
            before: applied.before,
            after: applied.after,
        },
        Done::Unchanged(record) => BulkOutcome {
            id: record.id,
            kind: None,
            before: None,
            after: None,
        },
    }
}

fn oldest() -> Timestamp {
    now() - SignedDuration::from_hours(KEPT_DAYS * 24)
}

async fn bulks(conn: &mut Conn<'_>, which: &str, params: &[Value]) -> Result<Vec<Bulk>> {
    let sql = format!(
        "select id, object, kind, actor, at, n_created, n_updated, n_deleted, undo_of, \
         undone_by, first_seq, last_seq, is_back from keji_bulk where {which}"
    );
    let kinds = [
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Instant,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Bool,
    ];
    let rows = conn.rows(sql, params, &kinds).await?;
    let bulk = rows.into_iter().map(|row| {
        let mut row = Fields::new(row);
        Ok(Bulk {
            id: row.int()?,
            object: row.text()?,
            kind: row.text()?,
            actor: row.text()?,
            at: row.instant()?,
            n_created: row.int()?,
            n_updated: row.int()?,
            n_deleted: row.int()?,
            undo_of: row.optional_int(),
            undone_by: row.optional_int(),
            first: row.int()?,
            last: row.int()?,
            is_back: row.value() == Value::Bool(true),
        })
    });
    bulk.collect()
}

/// The entries of a bulk write, the last first.
async fn entries(conn: &mut Conn<'_>, of: &Bulk) -> Result<Vec<Entry>> {
    let sql = "select kind, record, prior_batch, before, after, digest from keji_change \
               where seq between $1 and $2 and object = $3 and record is not null \
               order by seq desc";
    let params = [
        Value::Int(of.first),
        Value::Int(of.last),
        of.object.as_str().into(),
    ];
    let kinds = [
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Text,
    ];
    let rows = conn.rows(sql, &params, &kinds).await?;
    let entry = rows.into_iter().map(|row| {
        let mut row = Fields::new(row);
        let kind = kind_of_text(&row.text()?)?;
        let (record, batch) = (row.int()?, row.optional_int());
        let (before, after) = (row.optional_text(), row.optional_text());
        // Where a digest stands, what it held is erased.
        let is_whole = row.optional_text().is_none();
        let read = |text: Option<String>| match text.filter(|_| is_whole) {
            Some(text) => read_map(&text).map(|map| Some((text, map))),
            None => Ok(None),
        };
        Ok(Entry {
            kind,
            record,
            batch,
            before: read(before)?,
            after: read(after)?,
        })
    });
    entry.collect()
}

/// Each with its values as they are written, and its import.
async fn deleted(
    conn: &mut Conn<'_>,
    which: &str,
    params: &[Value],
) -> Result<Vec<(Deleted, String, Option<i64>)>> {
    let sql = format!(
        "select c.seq, c.at, c.actor, c.object, c.record, c.prior_batch, c.before \
         from keji_change c where c.kind = 'delete' and c.before is not null and c.digest is null \
         and not exists (select 1 from keji_change n where n.object = c.object \
         and n.record = c.record and n.seq > c.seq) and {which}"
    );
    let kinds = [
        Type::Int,
        Type::Instant,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Text,
    ];
    let rows = conn.rows(sql, params, &kinds).await?;
    let one = rows.into_iter().map(|row| {
        let mut row = Fields::new(row);
        let (seq, at) = (row.int()?, row.instant()?);
        let (actor, object, record) = (row.text()?, row.text()?, row.int()?);
        let batch = row.optional_int();
        let text = row.text()?;
        let before = read_map(&text)?;
        let deleted = Deleted {
            seq,
            at,
            actor,
            object,
            record,
            before,
        };
        Ok((deleted, text, batch))
    });
    one.collect()
}

fn read_map(text: &str) -> Result<Map<String, Json>> {
    serde_json::from_str(text).map_err(|e| Error::Corrupt(format!("a change is not JSON: {e}")))
}

fn whole(
    def: &ObjectDef,
    id: i64,
    batch: Option<i64>,
    text: &str,
    values: &Map<String, Json>,
) -> Result<Record> {
    let mut record = record_of(def, id, batch, values)?;
    for (field, value) in &mut record.values {
        *value = exact(text, field, std::mem::replace(value, Value::Null));
    }
    Ok(record)
}

/// The values that are there; a field that is no more is left out.
fn some_of(
    def: &ObjectDef,
    text: &str,
    values: &Map<String, Json>,
) -> Result<Vec<(String, Value)>> {
    let mut all = Vec::with_capacity(values.len());
    for (id, json) in values {
        if let Some(field) = def.field(id) {
            let value = value_of_log(Some(json), field.kind)?;
            all.push((id.clone(), exact(text, id, value)));
        }
    }
    Ok(all)
}

/// The text of a float may be read as its neighbour: the one is meant that is
/// written as it stands there.
fn exact(text: &str, field: &str, value: Value) -> Value {
    let Value::Float(x) = value else {
        return value;
    };
    let near = [x, x.next_up(), x.next_down()];
    let is_meant = |x: &f64| {
        let pair = Json::from(*x).to_string();
        let pair = format!("{}:{pair}", Json::from(field));
        [",", "}"]
            .iter()
            .any(|end| text.contains(&(pair.clone() + end)))
    };
    Value::Float(near.into_iter().find(is_meant).unwrap_or(x))
}

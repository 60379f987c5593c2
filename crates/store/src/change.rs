//! The change log: what was written, by whom, in commit order.

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::{Type, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::db::{Fields, int};
use crate::error::{Error, Result};
use crate::job::NewJob;
use crate::log::kind_of_text;
use crate::record::Record;
use crate::store::Store;
use crate::version::{TOUCHING, touching};

/// One write of one record.
#[derive(Debug, Clone)]
pub struct NewChange {
    pub object: String,
    pub op: Op,
    pub actor: String,
    /// Through what: `api`, `page`, `cli`, `job` …
    pub channel: String,
    /// The module that writes, for objects with `written_by`.
    pub module: Option<String>,
    /// Of an update or a delete: the version that the caller has seen
    /// ([`Store::get_with_version`]); another one is refused.
    pub expected: Option<i64>,
    /// Of a create: where the object has a number and none is given, the next
    /// running one is.
    pub gives_number: bool,
    /// Written in the same transaction.
    pub jobs: Vec<NewJob>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    Create {
        values: Vec<(String, Value)>,
    },
    /// Fields that are not named keep their value.
    Update {
        id: i64,
        values: Vec<(String, Value)>,
    },
    Delete {
        id: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Create,
    Update,
    Delete,
    /// All inserts of one import; the rows carry the batch id.
    Import,
    /// All deletes of one import's undo.
    Undo,
    /// One evaluation: its scores are rows of object `score`.
    Evaluation,
    /// Somebody saw a masked value; changes nothing, as the next.
    Reveal,
    /// Somebody took records or numbers out as a file.
    Export,
    /// A person's data were erased.
    Erasure,
    /// Two records became one: of the survivor its changed fields, of the
    /// other one all it was.
    Merge,
    /// That was taken back.
    Unmerge,
    /// Somebody changed what the objects are; `after` says to which version.
    Define,
    /// Somebody commented on a record, changed that or took it back; of the
    /// record nothing changed.
    Comment,
    /// Somebody came in; `after` says by which way and from where.
    SignIn,
    /// Somebody tried to.
    SignInFailed,
    SignOut,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub channel: String,
    pub kind: ChangeKind,
    /// Of a bulk change (`import`, `undo`, `evaluation`): null.
    pub object: Option<String>,
    pub record: Option<i64>,
    pub batch: Option<i64>,
    /// Values of the changed fields, JSON as the API shows it; null where
    /// there was no record. Of a bulk change: null.
    pub before: Option<Map<String, Json>>,
    /// Of a bulk change: its counts.
    pub after: Option<Map<String, Json>>,
}

/// Which changes to read; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct ChangeQuery {
    pub after_seq: i64,
    /// `(object, id)`
    pub record: Option<(String, i64)>,
    pub batch: Option<i64>,
    /// Nothing is read without one.
    pub limit: u32,
}

/// A part of an object that a change touched: the columnar copy of it is
/// outdated since `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    pub object: String,
    /// First day of the month; `None` for objects without a time, and for
    /// records whose time is null.
    pub month: Option<Date>,
    /// The newest change that touched it.
    pub seq: i64,
}

/// One part of an object that one change touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delta {
    pub seq: i64,
    pub object: String,
    /// As of [`Touched`].
    pub month: Option<Date>,
    /// The record, where this part changed in that one only: it was created,
    /// changed or deleted there, or moved in or out. `None` after an import,
    /// an undo or an evaluation, and where the part holds a field of the
    /// changed record over a link.
    pub record: Option<i64>,
}

/// What happened behind a position of the log, in log order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deltas {
    pub deltas: Vec<Delta>,
    /// All of the changes up to this one are in `deltas`; go on from here.
    pub seq: i64,
    pub has_more: bool,
}

/// Ten columns of `keji_change`.
const COLUMNS: &str = "seq, at, actor, channel, kind, object, record, batch, before, after";
const KINDS: [Type; 10] = [
    Type::Int,
    Type::Instant,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Text,
];

impl Store {
    /// 0 when nothing was ever written.
    pub async fn last_seq(&self) -> Result<i64> {
        let mut reader = self.db().reader().await?;
        reader
            .conn()
            .int("select max(seq) from keji_change", &[])
            .await
    }

    /// In log order.
    pub async fn changes(&self, query: &ChangeQuery) -> Result<Vec<Change>> {
        let mut params = vec![Value::Int(query.after_seq)];
        let mut sql = format!("select {COLUMNS} from keji_change where seq > $1");
        if let Some((object, id)) = &query.record {
            params.extend([object.as_str().into(), Value::Int(*id)]);
            sql.push_str(&format!(
                " and object = ${} and record = ${}",
                params.len() - 1,
                params.len()
            ));
        }
        if let Some(batch) = query.batch {
            params.push(Value::Int(batch));
            sql.push_str(&format!(" and batch = ${}", params.len()));
        }
        sql.push_str(&format!(" order by seq limit {}", query.limit));
        let rows = self
            .db()
            .reader()
            .await?
            .conn()
            .rows(sql, &params, &KINDS)
            .await?;
        rows.into_iter().map(change_of_row).collect()
    }

    /// What happened to one record, newest first, before `before_seq` where
    /// that is given. The import that brought it is the first of all. A change
    /// of many records, such as that, has neither `before` nor `after` here.
    pub async fn history(
        &self,
        record: &Record,
        before_seq: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Change>> {
        let sql = format!(
            "select {COLUMNS} from keji_change where seq < $4 and seq in ({TOUCHING} \
             union all select seq from keji_change where object = $1 and record = $2 \
             and kind = 'comment') order by seq desc limit {limit}"
        );
        let [object, id, batch] = touching(record);
        let before = Value::Int(before_seq.unwrap_or(i64::MAX));
        let params = [object, id, batch, before];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &KINDS).await?;
        let of_record = |row| {
            let mut change = change_of_row(row)?;
            if change.record.is_none() {
                (change.before, change.after) = (None, None);
            }
            Ok(change)
        };
        rows.into_iter().map(of_record).collect()
    }

    /// Every part of an object that a change after `seq` touched, once each.
    pub async fn touched_since(&self, seq: i64) -> Result<Vec<Touched>> {
        let sql = "select object, month, max(seq) from keji_touched where seq > $1 \
                   group by object, month order by object, month";
        let kinds = [Type::Text, Type::Date, Type::Int];
        let rows = self
            .db()
            .reader()
            .await?
            .conn()
            .rows(sql, &[Value::Int(seq)], &kinds)
            .await?;
        let touched = |row| {
            let mut row = Fields::new(row);
            Ok(Touched {
                object: row.text()?,
                month: row.optional_date(),
                seq: row.int()?,
            })
        };
        rows.into_iter().map(touched).collect()
    }

    /// Which parts each change after `seq` touched, and where it was a single
    /// record, which one. At most about `limit`: the touches of one change are
    /// never cut apart.
    pub async fn changes_since(&self, seq: i64, limit: u32) -> Result<Deltas> {
        let kinds = [Type::Int, Type::Text, Type::Date, Type::Int];
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let last = conn.int("select max(seq) from keji_change", &[]).await?;
        let limit = limit.max(1) as usize;
        let sql = format!(
            "select seq, object, month, record from keji_touched where seq > $1 \
             order by seq, object, month limit {}",
            limit + 1
        );
        let mut rows = conn.rows(sql, &[Value::Int(seq)], &kinds).await?;
        let has_more = rows.len() > limit;
        let mut up_to = last.max(seq);
        if has_more {
            // The last change may be incomplete here: it comes next time,
            // unless it is the only one.
            let (first, cut) = (rows[0][0].clone(), rows[limit][0].clone());
            if first == cut {
                let sql = "select seq, object, month, record from keji_touched where seq = $1 \
                           order by object, month";
                rows = conn.rows(sql, &[first], &kinds).await?;
            } else {
                rows.retain(|row| row[0] != cut);
            }
            up_to = rows.last().and_then(|row| int(&row[0])).unwrap_or(up_to);
        }
        Ok(Deltas {
            deltas: rows.into_iter().map(delta_of_row).collect::<Result<_>>()?,
            seq: up_to,
            has_more: has_more && up_to < last,
        })
    }
}

fn delta_of_row(row: Vec<Value>) -> Result<Delta> {
    let mut row = Fields::new(row);
    Ok(Delta {
        seq: row.int()?,
        object: row.text()?,
        month: row.optional_date(),
        record: row.optional_int(),
    })
}

pub(crate) fn change_of_row(row: Vec<Value>) -> Result<Change> {
    let mut row = Fields::new(row);
    Ok(Change {
        seq: row.int()?,
        at: row.instant()?,
        actor: row.text()?,
        channel: row.text()?,
        kind: kind_of_text(&row.text()?)?,
        object: row.optional_text(),
        record: row.optional_int(),
        batch: row.optional_int(),
        before: map(row.optional_text())?,
        after: map(row.optional_text())?,
    })
}

fn map(text: Option<String>) -> Result<Option<Map<String, Json>>> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| Error::Corrupt(format!("a change is not JSON: {e}")))
}

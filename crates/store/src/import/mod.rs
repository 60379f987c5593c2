//! Order files: rows are staged aside, then turned into records in one
//! transaction, and can be taken back as a whole.
//!
//! Staged rows never touch the data tables. On SQLite they stand in a file of
//! their own, on PostgreSQL in a table of their own. As long as the importing
//! process lives it holds a lock that dies with it, so whoever opens the store
//! later can tell a living import from a leftover. A batch with a fingerprint
//! is no leftover for some days: the next import of the same fingerprint takes
//! it over and goes on behind its last mark.

mod stage;

mod edit;
mod entries;
mod merge;
mod statements;

mod plain;

mod restore;
mod undo;

pub use plain::Found;
pub(crate) use restore::value as value_of_log;
pub(crate) use undo::DERIVED;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keji_schema::{Type, Value};

use crate::batch::{
    Batch, BatchId, BatchState, ImportMode, ImportSummary, NewBatch, OrderLineRow, StageMark,
};
use crate::db::{Conn, Db, Fields, int};
use crate::error::{Error, Result};
use crate::sql::Dialect;
use crate::store::{Cancel, Store};
use crate::system::lock;
use crate::write::now;
use stage::Staging;

/// So long a batch with a fingerprint waits for the next try.
const RESUMABLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// So long a dead process may still have its lock on a PostgreSQL server that
/// has not noticed.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Imports that this process is staging. Each is taken out while it is used,
/// so one that broke off in the middle is gone.
#[derive(Debug, Default)]
pub(crate) struct Imports(Mutex<HashMap<BatchId, Slot>>);

type Slot = Arc<tokio::sync::Mutex<Option<Staging>>>;

impl Imports {
    fn insert(&self, batch: BatchId, staging: Staging) {
        let slot = Arc::new(tokio::sync::Mutex::new(Some(staging)));
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(batch, slot);
    }

    fn slot(&self, batch: BatchId) -> Option<Slot> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&batch)
            .cloned()
    }

    fn remove(&self, batch: BatchId) -> Option<Slot> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&batch)
    }

    pub(crate) async fn clear(&self) {
        let all: Vec<Slot> = {
            let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            map.drain().map(|(_, slot)| slot).collect()
        };
        for slot in all {
            if let Some(staging) = slot.lock().await.take() {
                staging.release().await;
            }
        }
    }
}

impl Store {
    /// Takes over the batch of the same fingerprint whose process died or
    /// closed the store, with its last mark: what was staged behind that is
    /// gone, and staging goes on with the row after [`StageMark::row_no`].
    /// Where there is none, or none with a mark that can be trusted, the
    /// answer is an empty batch and `None`.
    pub async fn import_open(&self, batch: &NewBatch) -> Result<(Batch, Option<StageMark>)> {
        if let Some(fingerprint) = &batch.fingerprint {
            let until = std::time::Instant::now() + LOCK_WAIT;
            loop {
                let sql = "select id from keji_batch where state = 'staging' \
                           and fingerprint = $1 order by id desc";
                let params = [fingerprint.as_str().into()];
                let mut reader = self.db().reader().await?;
                let known = reader.conn().rows(sql, &params, &[Type::Int]).await?;
                drop(reader);
                for id in known.iter().filter_map(|row| int(&row[0])) {
                    if let Some(taken) = self.take_over(BatchId(id)).await? {
                        return Ok(taken);
                    }
                }
                // On SQLite the lock of a dead process is free at once.
                let may_wait = matches!(self.db(), Db::Postgres(_)) && !known.is_empty();
                if !may_wait || std::time::Instant::now() >= until {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok((self.import_begin(batch).await?, None))
    }

    async fn take_over(&self, id: BatchId) -> Result<Option<(Batch, Option<StageMark>)>> {
        let Some((staging, mark)) = stage::reopen(self.db(), id).await? else {
            return Ok(None);
        };
        // Whoever had it may have ended it before the lock was ours.
        match self.batch(id).await? {
            Some(batch) if batch.state == BatchState::Staging => {
                self.0.imports.insert(id, staging);
                Ok(Some((batch, mark)))
            }
            _ => {
                staging.discard().await;
                self.give_up(id).await?;
                Ok(None)
            }
        }
    }

    /// Opens a batch to stage rows in. It belongs to this process; without a
    /// fingerprint it ends with it.
    pub async fn import_begin(&self, batch: &NewBatch) -> Result<Batch> {
        statements::check(&self.0.catalog)?;
        self.begin_with(batch, None).await
    }

    /// `plain`: the object and its fields; without it, order lines.
    async fn begin_with(
        &self,
        batch: &NewBatch,
        plain: Option<(&str, &[(String, Type)])>,
    ) -> Result<Batch> {
        if batch.mode == ImportMode::Replace && batch.source.is_none() {
            return Err(Error::Query(
                "an import that replaces needs the name of its source".to_owned(),
            ));
        }
        let mut tx = self.db().begin().await?;
        let created_at = now();
        let sql = "insert into keji_batch \
                   (filename, actor, channel, state, created_at, mode, source, fingerprint) \
                   values ($1, $2, $3, 'staging', $4, $5, $6, $7) returning id";
        let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let params = [
            batch.filename.as_str().into(),
            batch.actor.as_str().into(),
            batch.channel.as_str().into(),
            Value::Instant(created_at),
            mode_text(batch.mode).into(),
            optional(&batch.source),
            optional(&batch.fingerprint),
        ];
        let id = BatchId(tx.conn().int(sql, &params).await?);
        // Locked before anybody can see the batch.
        let staging = match plain {
            None => stage::open(self.db(), id, batch.fingerprint.is_some()).await?,
            Some((object, fields)) => stage::open_plain(self.db(), id, object, fields).await?,
        };
        tx.commit().await?;
        self.0.imports.insert(id, staging);
        Ok(Batch {
            id,
            filename: batch.filename.clone(),
            actor: batch.actor.clone(),
            channel: batch.channel.clone(),
            mode: batch.mode,
            source: batch.source.clone(),
            state: BatchState::Staging,
            created_at,
            finished_at: None,
            summary: None,
            seq: None,
        })
    }

    /// Adds rows to the batch, in any portions; some thousands at a time are
    /// fast. Their `row_no` must ascend.
    pub async fn import_stage(&self, batch: BatchId, rows: &[OrderLineRow]) -> Result<()> {
        let slot = self.staged(batch).await?;
        let mut slot = slot.lock().await;
        let staging = slot.take().ok_or_else(|| broken(batch))?;
        *slot = Some(staging.add(rows).await?);
        Ok(())
    }

    /// Makes what is staged so far outlive this process, so that an import
    /// that is killed later goes on from here. It costs little, but some ten
    /// thousands of rows should lie between two marks. Only for a batch with a
    /// fingerprint.
    pub async fn import_mark(&self, batch: BatchId, mark: &StageMark) -> Result<()> {
        let slot = self.staged(batch).await?;
        let mut slot = slot.lock().await;
        if slot.as_ref().is_some_and(|staging| !staging.is_resumable) {
            let message = format!("import {} has no fingerprint to be resumed by", batch.0);
            return Err(Error::Query(message));
        }
        let staging = slot.take().ok_or_else(|| broken(batch))?;
        *slot = Some(staging.mark(batch, mark).await?);
        Ok(())
    }

    /// Turns the staged rows into customers, products, orders and lines, or
    /// into plain records, in one transaction. A stop or an error leaves nothing behind and ends the
    /// batch.
    pub async fn import_merge(&self, batch: BatchId, cancel: &Cancel) -> Result<ImportSummary> {
        let slot = self.staged(batch).await?;
        let staging = slot.lock().await.take().ok_or_else(|| broken(batch))?;
        let merged = match staging.object.clone() {
            None => merge::merge(self, batch, staging, cancel).await,
            Some(object) => plain::merge(self, batch, staging, &object, cancel).await,
        };
        self.0.imports.remove(batch);
        if merged.is_err() {
            // The first error says more than that of a disk still full. What
            // is left open here the next start ends.
            let _ = self.give_up(batch).await;
        }
        merged
    }

    /// Gives the batch up; its rows are forgotten.
    pub async fn import_abort(&self, batch: BatchId) -> Result<()> {
        let slot = self.staged(batch).await?;
        if let Some(staging) = slot.lock().await.take() {
            staging.discard().await;
        }
        self.0.imports.remove(batch);
        self.give_up(batch).await
    }

    /// Newest first.
    pub async fn batches(&self, limit: u32) -> Result<Vec<Batch>> {
        let sql = format!("select {COLUMNS} from keji_batch order by id desc limit {limit}");
        let rows = self
            .db()
            .reader()
            .await?
            .conn()
            .rows(sql, &[], KINDS)
            .await?;
        rows.into_iter().map(batch_of_row).collect()
    }

    pub async fn batch(&self, batch: BatchId) -> Result<Option<Batch>> {
        let mut reader = self.db().reader().await?;
        stored_batch(&mut reader.conn(), batch).await
    }

    /// Ends batches whose process died, and removes what they staged, but for
    /// those that can be resumed.
    pub(crate) async fn sweep_imports(&self) -> Result<()> {
        let sql = "select id, fingerprint, created_at from keji_batch where state = 'staging'";
        let kinds = [Type::Int, Type::Text, Type::Instant];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &kinds).await?;
        drop(reader);
        let mut kept = Vec::new();
        for row in rows {
            let mut row = Fields::new(row);
            let (id, fingerprint) = (BatchId(row.int()?), row.optional_text());
            let age = now().duration_since(row.instant()?);
            let is_young = Duration::try_from(age).is_ok_and(|age| age < RESUMABLE);
            if fingerprint.is_some() && is_young {
                kept.push(id);
            } else if stage::is_abandoned(self.db(), id).await? {
                self.give_up(id).await?;
            }
        }
        if let Db::Sqlite(pools) = self.db() {
            stage::remove_abandoned_files(&pools.folder, &kept)?;
        }
        Ok(())
    }

    /// Ends a batch that is not merged, with all that it staged.
    async fn give_up(&self, batch: BatchId) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_batch set state = $2, finished_at = $3 \
                   where id = $1 and state = 'staging'";
        let params = [
            Value::Int(batch.0),
            state_text(BatchState::Aborted).into(),
            Value::Instant(now()),
        ];
        conn.run(sql, &params).await?;
        if conn.dialect() == Dialect::Postgres {
            conn.script(&stage::forget(batch)).await?;
        }
        tx.commit().await?;
        if let Db::Sqlite(pools) = self.db() {
            stage::remove_files(&pools.folder, batch);
        }
        Ok(())
    }

    async fn staged(&self, batch: BatchId) -> Result<Slot> {
        if let Some(slot) = self.0.imports.slot(batch) {
            return Ok(slot);
        }
        Err(match self.batch(batch).await? {
            None => missing(batch),
            Some(known) => wrong_state(batch, known.state),
        })
    }
}

pub(crate) async fn stored_batch(conn: &mut Conn<'_>, batch: BatchId) -> Result<Option<Batch>> {
    let sql = format!("select {COLUMNS} from keji_batch where id = $1");
    let row = conn.row(sql, &[Value::Int(batch.0)], KINDS).await?;
    row.map(batch_of_row).transpose()
}

fn missing(batch: BatchId) -> Error {
    Error::Missing {
        kind: "import",
        id: batch.0.to_string(),
    }
}

fn wrong_state(batch: BatchId, state: BatchState) -> Error {
    Error::Batch {
        id: batch.0,
        state: state_text(state).to_owned(),
    }
}

fn broken(batch: BatchId) -> Error {
    Error::Batch {
        id: batch.0,
        state: "broken off".to_owned(),
    }
}

const COLUMNS: &str = "id, filename, actor, channel, mode, source, state, created_at, \
                       finished_at, summary, seq";
const KINDS: &[Type] = &[
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Instant,
    Type::Instant,
    Type::Text,
    Type::Int,
];

fn batch_of_row(row: Vec<Value>) -> Result<Batch> {
    let mut row = Fields::new(row);
    Ok(Batch {
        id: BatchId(row.int()?),
        filename: row.text()?,
        actor: row.text()?,
        channel: row.text()?,
        mode: mode_of(&row.text()?)?,
        source: row.optional_text(),
        state: state_of(&row.text()?)?,
        created_at: row.instant()?,
        finished_at: row.optional_instant(),
        summary: row
            .optional_text()
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| Error::Corrupt(format!("an import's summary: {e}")))?,
        seq: row.optional_int(),
    })
}

fn mode_text(mode: ImportMode) -> &'static str {
    match mode {
        ImportMode::Add => "add",
        ImportMode::Update => "update",
        ImportMode::Replace => "replace",
    }
}

fn mode_of(text: &str) -> Result<ImportMode> {
    Ok(match text {
        "add" => ImportMode::Add,
        "update" => ImportMode::Update,
        "replace" => ImportMode::Replace,
        _ => return Err(Error::Corrupt(format!("an import of mode {text}"))),
    })
}

pub(crate) fn state_text(state: BatchState) -> &'static str {
    match state {
        BatchState::Staging => "staging",
        BatchState::Merged => "merged",
        BatchState::Undone => "undone",
        BatchState::Aborted => "aborted",
    }
}

fn state_of(text: &str) -> Result<BatchState> {
    Ok(match text {
        "staging" => BatchState::Staging,
        "merged" => BatchState::Merged,
        "undone" => BatchState::Undone,
        "aborted" => BatchState::Aborted,
        _ => return Err(Error::Corrupt(format!("an import in state {text}"))),
    })
}

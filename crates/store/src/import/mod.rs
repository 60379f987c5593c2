//! Order files: rows are staged aside, then turned into records in one
//! transaction, and can be taken back as a whole.
//!
//! Staged rows never touch the data tables. On SQLite they stand in a file of
//! their own without journal, on PostgreSQL in a temporary table of a
//! connection of their own. As long as the importing process lives it holds a
//! lock that dies with it, so whoever opens the store later can tell a living
//! import from a leftover.

mod merge;
mod stage;
mod statements;
mod undo;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keji_schema::{Type, Value};

use crate::batch::{Batch, BatchId, BatchState, ImportSummary, NewBatch, OrderLineRow};
use crate::db::{Conn, Db, Fields, int};
use crate::error::{Error, Result};
use crate::store::{Cancel, Store};
use crate::system::lock;
use crate::write::now;
use stage::Staging;

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
                staging.discard().await;
            }
        }
    }
}

impl Store {
    /// Opens a batch to stage rows in. It belongs to this process and ends
    /// with it.
    pub async fn import_begin(&self, batch: &NewBatch) -> Result<Batch> {
        statements::check(&self.0.catalog)?;
        let mut tx = self.db().begin().await?;
        let created_at = now();
        let sql = "insert into keji_batch (filename, actor, channel, state, created_at) \
                   values ($1, $2, $3, 'staging', $4) returning id";
        let params = [
            batch.filename.as_str().into(),
            batch.actor.as_str().into(),
            batch.channel.as_str().into(),
            Value::Instant(created_at),
        ];
        let id = BatchId(tx.conn().int(sql, &params).await?);
        // Locked before anybody can see the batch.
        let staging = stage::open(self.db(), id).await?;
        tx.commit().await?;
        self.0.imports.insert(id, staging);
        Ok(Batch {
            id,
            filename: batch.filename.clone(),
            actor: batch.actor.clone(),
            channel: batch.channel.clone(),
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

    /// Turns the staged rows into customers, products, orders and lines, in
    /// one transaction. A stop leaves nothing behind and ends the batch.
    pub async fn import_merge(&self, batch: BatchId, cancel: &Cancel) -> Result<ImportSummary> {
        let slot = self.staged(batch).await?;
        let staging = slot.lock().await.take().ok_or_else(|| broken(batch))?;
        let merged = merge::merge(self, batch, staging, cancel).await;
        self.0.imports.remove(batch);
        if merged.is_err() {
            self.end_batch(batch, BatchState::Aborted).await?;
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
        self.end_batch(batch, BatchState::Aborted).await
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

    /// Ends batches whose process died, and removes what they staged.
    pub(crate) async fn sweep_imports(&self) -> Result<()> {
        let sql = "select id from keji_batch where state = 'staging'";
        let rows = self
            .db()
            .reader()
            .await?
            .conn()
            .rows(sql, &[], &[Type::Int])
            .await?;
        for id in rows.iter().filter_map(|row| int(&row[0])) {
            if stage::is_abandoned(self.db(), BatchId(id)).await? {
                self.end_batch(BatchId(id), BatchState::Aborted).await?;
            }
        }
        if let Db::Sqlite(pools) = self.db() {
            stage::remove_abandoned_files(&pools.folder)?;
        }
        Ok(())
    }

    async fn end_batch(&self, batch: BatchId, state: BatchState) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let sql = "update keji_batch set state = $2, finished_at = $3 \
                   where id = $1 and state = 'staging'";
        let params = [
            Value::Int(batch.0),
            state_text(state).into(),
            Value::Instant(now()),
        ];
        tx.conn().run(sql, &params).await?;
        tx.commit().await
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

const COLUMNS: &str = "id, filename, actor, channel, state, created_at, finished_at, summary, seq";
const KINDS: &[Type] = &[
    Type::Int,
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

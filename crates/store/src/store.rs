//! The store as the crates above see it: one handle, cheap to clone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use keji_schema::{Catalog, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::*;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A data folder; the database is `keji.sqlite` in it.
    Folder(PathBuf),
    /// `postgres://…`
    Postgres(String),
}

/// Asks a long operation to stop; checked between its statements.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn new() -> Self {
        Cancel::default()
    }

    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records per object.
    pub objects: BTreeMap<String, i64>,
    pub first_ordered_on: Option<Date>,
    pub last_ordered_on: Option<Date>,
    /// The change-log position of these counts.
    pub seq: i64,
}

#[derive(Debug, Clone)]
pub struct Store {
    catalog: Arc<Catalog>,
}

impl Store {
    /// Creates or extends the tables after the catalog and sweeps what dead
    /// imports left behind.
    pub async fn open(location: &Location, catalog: Arc<Catalog>) -> Result<Store> {
        unimplemented!("{location:?} {catalog:?}")
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub async fn close(self) {
        unimplemented!()
    }

    pub async fn list(&self, query: &ListQuery, access: &Access) -> Result<ListPage> {
        unimplemented!("{query:?} {access:?}")
    }

    pub async fn get(&self, object: &str, id: i64, access: &Access) -> Result<Option<Record>> {
        unimplemented!("{object} {id} {access:?}")
    }

    /// Hands every row to `each`, its values in the order of the query's
    /// fields; memory stays constant. Returns how many there were. An error of
    /// `each` ends the scan and is returned.
    pub async fn scan<E, F>(
        &self,
        query: &ScanQuery,
        access: &Access,
        each: F,
    ) -> std::result::Result<u64, E>
    where
        F: FnMut(&[Value]) -> std::result::Result<(), E> + Send,
        E: From<Error> + Send,
    {
        let _ = each;
        unimplemented!("{query:?} {access:?}")
    }

    /// Writes one record with its change, touched months and jobs in one
    /// transaction. An update that changes nothing is no change: the newest
    /// one of the record is not repeated, `None` is returned.
    pub async fn write(&self, change: NewChange, access: &Access) -> Result<Option<Change>> {
        unimplemented!("{change:?} {access:?}")
    }

    pub async fn import_begin(&self, batch: &NewBatch) -> Result<Batch> {
        unimplemented!("{batch:?}")
    }

    pub async fn import_stage(&self, batch: BatchId, rows: &[OrderLineRow]) -> Result<()> {
        unimplemented!("{batch:?} {rows:?}")
    }

    /// Turns the staged rows into customers, products, orders and lines, in
    /// one transaction.
    pub async fn import_merge(&self, batch: BatchId, cancel: &Cancel) -> Result<ImportSummary> {
        unimplemented!("{batch:?} {cancel:?}")
    }

    pub async fn import_abort(&self, batch: BatchId) -> Result<()> {
        unimplemented!("{batch:?}")
    }

    pub async fn import_undo(
        &self,
        batch: BatchId,
        actor: &str,
        channel: &str,
    ) -> Result<UndoSummary> {
        unimplemented!("{batch:?} {actor} {channel}")
    }

    /// Newest first.
    pub async fn batches(&self, limit: u32) -> Result<Vec<Batch>> {
        unimplemented!("{limit}")
    }

    pub async fn batch(&self, batch: BatchId) -> Result<Option<Batch>> {
        unimplemented!("{batch:?}")
    }

    /// 0 when nothing was ever written.
    pub async fn last_seq(&self) -> Result<i64> {
        unimplemented!()
    }

    /// In log order.
    pub async fn changes(&self, query: &ChangeQuery) -> Result<Vec<Change>> {
        unimplemented!("{query:?}")
    }

    /// Every part of an object that a change after `seq` touched, once each.
    pub async fn touched_since(&self, seq: i64) -> Result<Vec<Touched>> {
        unimplemented!("{seq}")
    }

    /// Files and position, read together.
    pub async fn copy_manifest(&self) -> Result<CopyManifest> {
        unimplemented!()
    }

    pub async fn copy_files(&self, object: Option<&str>) -> Result<Vec<CopyFile>> {
        unimplemented!("{object:?}")
    }

    /// The change that the copy includes; 0 when there is none yet.
    pub async fn copy_seq(&self) -> Result<i64> {
        unimplemented!()
    }

    /// Replaces every file of the parts in `removed` by those in `added` and
    /// moves the copy to `seq`, in one transaction. Returns the paths that are
    /// no longer used. A `seq` behind the copy's is [`Error::Outdated`].
    pub async fn copy_replace(
        &self,
        seq: i64,
        removed: &[(String, Option<Date>)],
        added: &[CopyFile],
    ) -> Result<Vec<String>> {
        unimplemented!("{seq} {removed:?} {added:?}")
    }

    pub async fn enqueue(&self, job: NewJob) -> Result<JobId> {
        unimplemented!("{job:?}")
    }

    /// The oldest due job of these kinds, or `None`. It is this worker's for
    /// `lease`, and longer with every heartbeat.
    pub async fn lease_job(&self, kinds: &[&str], lease: Duration) -> Result<Option<Job>> {
        unimplemented!("{kinds:?} {lease:?}")
    }

    /// Extends the lease and stores the progress. True when the job shall
    /// stop.
    pub async fn heartbeat(&self, lease: &Lease, progress: Json) -> Result<bool> {
        unimplemented!("{lease:?} {progress}")
    }

    pub async fn finish_job(&self, lease: &Lease, result: Json) -> Result<()> {
        unimplemented!("{lease:?} {result}")
    }

    /// Ends an attempt. A job whose cancel was asked becomes `cancelled`.
    pub async fn fail_job(&self, lease: &Lease, error: &str, retry: Retry) -> Result<JobState> {
        unimplemented!("{lease:?} {error} {retry:?}")
    }

    /// A queued job ends at once; a running one is asked to stop.
    pub async fn cancel_job(&self, job: JobId) -> Result<JobState> {
        unimplemented!("{job:?}")
    }

    pub async fn job(&self, job: JobId) -> Result<Option<Job>> {
        unimplemented!("{job:?}")
    }

    /// Newest first.
    pub async fn jobs(&self, kind: Option<&str>, limit: u32) -> Result<Vec<Job>> {
        unimplemented!("{kind:?} {limit}")
    }

    /// Replaces the scores as of one day, in one transaction and one change,
    /// and returns its position. Each row has the values of `fields` of object
    /// `score`; `as_of` is set here.
    pub async fn write_scores(
        &self,
        as_of: Date,
        summary: Json,
        fields: &[&str],
        rows: impl Iterator<Item = Vec<Value>> + Send,
        actor: &str,
    ) -> Result<i64> {
        let _ = rows;
        unimplemented!("{as_of} {summary} {fields:?} {actor}")
    }

    /// Newest day first.
    pub async fn evaluations(&self) -> Result<Vec<Evaluation>> {
        unimplemented!()
    }

    pub async fn evaluation(&self, as_of: Date) -> Result<Option<(Evaluation, Json)>> {
        unimplemented!("{as_of}")
    }

    pub async fn counts(&self) -> Result<Counts> {
        unimplemented!()
    }

    /// What is wrong with the database; empty when nothing is.
    pub async fn integrity_check(&self) -> Result<Vec<String>> {
        unimplemented!()
    }

    /// A hash of all records by their natural keys, independent of ids and of
    /// physical order.
    pub async fn state_hash(&self) -> Result<u128> {
        unimplemented!()
    }
}

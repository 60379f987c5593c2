//! SQLite: how the file is opened, how values go in and come out. Dates are
//! days since 1970, instants microseconds, decimals ten-thousandths, yes and
//! no 1 and 0, all of them INTEGER.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use keji_schema::calendar::{epoch_days, from_epoch_days};
use keji_schema::{Decimal, Type, Value};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Arguments, Connection, Row, Sqlite, TypeInfo, ValueRef};

use super::fault::{fault, overflow};
use super::functions;
use super::group::Group;
use crate::error::{Error, Result};

pub(crate) const FILE: &str = "keji.sqlite";

/// How long one waits for the writer, of this process or another: longer than
/// the merge of a large file.
const WRITER_WAIT: Duration = Duration::from_secs(15 * 60);
const N_READERS: u32 = 4;

#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) folder: PathBuf,
    /// One connection: SQLite has one writer, and waiting in a queue is fairer
    /// than polling the file lock. Another process may still hold the file;
    /// then SQLite's busy handler waits.
    pub(crate) writer: sqlx::Pool<Sqlite>,
    /// Where writers of records share the writer.
    pub(crate) group: Group,
    pub(crate) readers: sqlx::Pool<Sqlite>,
}

pub(crate) async fn open(folder: &Path) -> Result<Pools> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Io {
        what: folder.display().to_string(),
        source,
    })?;
    let options = main_file(folder);
    let writer = pool(1).connect_with(options.clone()).await.map_err(fault)?;
    let readers = pool(N_READERS).connect_lazy_with(
        options
            .pragma("query_only", "on")
            .pragma("cache_size", "-4096"),
    );
    Ok(Pools {
        folder: folder.to_owned(),
        group: Group::new(writer.clone()),
        writer,
        readers,
    })
}

/// The database itself: nothing is acknowledged before it is on disk.
pub(crate) fn main_file(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join(FILE))
        .create_if_missing(true)
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WRITER_WAIT)
        // What is deleted is overwritten, so that nothing of an erased person
        // is left in a page that nobody reads.
        .pragma("secure_delete", "on")
        // KiB; with the sorters' spill files it bounds the memory of a merge.
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "file")
        // After a merge the log file shrinks again to 64 MiB.
        .pragma("journal_size_limit", "67108864")
        .row_buffer_size(500)
        // Lists and writes of some thirty objects; 100 would be too few.
        .statement_cache_capacity(256)
}

/// The index of the search: consistent whenever the machine stops, but not
/// complete; who follows finds out.
#[derive(Debug, Clone)]
pub(crate) struct IndexPools {
    pub(crate) writer: sqlx::Pool<Sqlite>,
    pub(crate) readers: sqlx::Pool<Sqlite>,
}

pub(crate) async fn open_index(path: &Path) -> Result<IndexPools> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(WRITER_WAIT)
        .pragma("secure_delete", "on")
        .pragma("cache_size", "-8192")
        .pragma("journal_size_limit", "16777216")
        .row_buffer_size(500)
        .statement_cache_capacity(256);
    let writer = pool(1).connect_with(options.clone()).await.map_err(fault)?;
    let readers = pool(N_READERS).connect_lazy_with(options.pragma("query_only", "on"));
    Ok(IndexPools { writer, readers })
}

/// A file that may be lost when the machine stops: no waiting for the disk.
/// With a journal it survives the end of the process at any moment.
pub(crate) fn scratch_file(path: &Path, has_journal: bool) -> SqliteConnectOptions {
    let journal = match has_journal {
        true => SqliteJournalMode::Truncate,
        false => SqliteJournalMode::Off,
    };
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(8192)
        .journal_mode(journal)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-8192")
        .pragma("temp_store", "file")
}

fn pool(n: u32) -> PoolOptions<Sqlite> {
    PoolOptions::new()
        .max_connections(n)
        .acquire_timeout(WRITER_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // On a full disk, a failed read and the like SQLite ends the transaction
        // by itself. The rollback that follows fails then, and the driver
        // counts the transaction as open for ever: such a connection goes.
        .before_acquire(|conn: &mut SqliteConnection, _| {
            let is_free = !conn.is_in_transaction();
            Box::pin(async move { Ok(is_free) })
        })
        .after_connect(|conn: &mut SqliteConnection, _| {
            Box::pin(async move { functions::register(conn.lock_handle().await?.as_raw_handle()) })
        })
}

pub(crate) fn arguments(params: &[Value]) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(params.len(), 0);
    for param in params {
        match param {
            Value::Null => arguments.add(None::<i64>),
            Value::Text(text) => arguments.add(text.clone()),
            Value::Float(x) => arguments.add(*x),
            other => arguments.add(stored_int(other)),
        }
        .map_err(|e| Error::Database(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

/// The INTEGER of a value that is kept as one.
pub(crate) fn stored_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Decimal(d) => Some(d.units()),
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Date(d) => Some(i64::from(epoch_days(*d))),
        Value::Instant(t) => Some(t.as_microsecond()),
        Value::Null | Value::Text(_) | Value::Float(_) => None,
    }
}

/// The value of an INTEGER column of this type.
pub(crate) fn value_of_int(n: i64, kind: Type) -> Result<Value> {
    let wrong = || Error::Corrupt(format!("{n} is not a {}", kind.name()));
    Ok(match kind {
        Type::Int | Type::Link => Value::Int(n),
        Type::Decimal => Value::Decimal(Decimal::from_units(n)),
        Type::Bool => Value::Bool(n != 0),
        Type::Date => Value::Date(
            i32::try_from(n)
                .ok()
                .and_then(from_epoch_days)
                .ok_or_else(wrong)?,
        ),
        Type::Instant => Value::Instant(Timestamp::from_microsecond(n).map_err(|_| wrong())?),
        Type::Float => Value::Float(n as f64),
        Type::Text | Type::Choice => return Err(wrong()),
    })
}

pub(crate) fn value(row: &SqliteRow, at: usize, kind: Type) -> Result<Value> {
    let raw = row.try_get_raw(at).map_err(fault)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    // An INTEGER expression that left 64 bits became a REAL on the way.
    let is_real = raw.type_info().name() == "REAL";
    match kind {
        Type::Text | Type::Choice => Ok(Value::Text(row.try_get_unchecked(at).map_err(fault)?)),
        Type::Float => Ok(Value::Float(row.try_get_unchecked(at).map_err(fault)?)),
        _ if is_real => Err(overflow()),
        _ => value_of_int(row.try_get_unchecked(at).map_err(fault)?, kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All page caches of the process under one lock: see decision 0031.
    #[tokio::test]
    async fn connections_share_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let pools = open_index(&folder.path().join("index")).await.unwrap();
        let mut writer = pools.writer.acquire().await.unwrap();
        let options: Vec<String> = sqlx::query_scalar("pragma compile_options")
            .fetch_all(&mut *writer)
            .await
            .unwrap();
        assert!(options.iter().any(|option| option == "ENABLE_FTS5"));
        let is_shared = |option: &&String| option.starts_with("ENABLE_MEMORY_MANAGEMENT");
        assert_eq!(options.iter().find(is_shared), None);
    }
}

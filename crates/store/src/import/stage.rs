//! Where staged rows stand until they are merged, and how far they got.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use keji_schema::{Type, Value};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

use super::lock;
use super::statements::{LINE, stage_table};
use crate::batch::{BatchId, OrderLineRow, StageMark};
use crate::db::bulk::{self, Rows};
use crate::db::{Conn, Db, Fields, fault, postgres, sqlite};
use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};

/// Below the data folder.
const FOLDER: &str = "import";

#[derive(Debug)]
pub(crate) struct Staging {
    pub(super) place: Place,
    /// Which columns of the staging table hold anything; the others are left
    /// out of the merge.
    pub(super) filled: Vec<bool>,
    /// The columns of the staging table, `row_no` first.
    pub(super) columns: Vec<(String, Type)>,
    /// The object of plain records; `None` for order lines.
    pub(super) object: Option<String>,
    /// A batch that can be resumed keeps its rows up to the last mark when
    /// the process ends.
    pub(super) is_resumable: bool,
    n_rows: i64,
}

#[derive(Debug)]
pub(super) enum Place {
    Sqlite {
        conn: Box<SqliteConnection>,
        file: ScratchFile,
    },
    Postgres {
        conn: Box<PgConnection>,
        /// Of the staged rows.
        table: String,
    },
}

/// A scratch database and the lock that says that it is in use. The lock goes
/// away with this value, and so does the file unless it is kept; of a killed
/// process the lock goes at once and the file at the next start.
#[derive(Debug)]
pub(super) struct ScratchFile {
    pub(super) path: PathBuf,
    lock_path: PathBuf,
    pub(super) is_kept: bool,
    #[allow(dead_code)] // Held, never read.
    lock: File,
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        if !self.is_kept {
            remove(&self.path, &self.lock_path);
        }
    }
}

/// What cannot be removed now is swept at the next start.
fn remove(path: &Path, lock_path: &Path) {
    let _ = std::fs::remove_file(path);
    let _ = std::fs::remove_file(path.with_extension("sqlite-journal"));
    let _ = std::fs::remove_file(lock_path);
}

pub(super) async fn open(db: &Db, batch: BatchId, is_resumable: bool) -> Result<Staging> {
    open_with(db, batch, is_resumable, order_lines(), None).await
}

/// For plain records of an object, with these fields.
pub(super) async fn open_plain(
    db: &Db,
    batch: BatchId,
    object: &str,
    fields: &[(String, Type)],
) -> Result<Staging> {
    let mut columns = vec![("row_no".to_owned(), Type::Int)];
    columns.extend(fields.iter().cloned());
    open_with(db, batch, false, columns, Some(object.to_owned())).await
}

fn order_lines() -> Vec<(String, Type)> {
    LINE.map(|(name, kind)| (name.to_owned(), kind)).to_vec()
}

async fn open_with(
    db: &Db,
    batch: BatchId,
    is_resumable: bool,
    columns: Vec<(String, Type)>,
    object: Option<String>,
) -> Result<Staging> {
    let place = match db {
        Db::Sqlite(pools) => {
            let file = scratch(&pools.folder, batch, is_resumable)?.ok_or(Error::Busy)?;
            new_sqlite(file, &columns).await?
        }
        Db::Postgres(server) => {
            let mut conn = connect(server).await?;
            let mut on = Conn::Postgres(&mut conn);
            on.run(lock_sql("pg_advisory_lock", batch), &[]).await?;
            new_postgres(conn, batch, is_resumable, &columns).await?
        }
    };
    Ok(Staging {
        place,
        filled: vec![false; columns.len()],
        columns,
        object,
        is_resumable,
        n_rows: 0,
    })
}

/// Takes over what a dead process staged, up to its last mark. `None` where
/// the process lives. Without a mark, or where the rows cannot be trusted, it
/// begins anew.
pub(super) async fn reopen(
    db: &Db,
    batch: BatchId,
) -> Result<Option<(Staging, Option<StageMark>)>> {
    let (place, found) = match db {
        Db::Sqlite(pools) => {
            let Some(file) = scratch(&pools.folder, batch, true)? else {
                return Ok(None);
            };
            match marked_sqlite(&file).await {
                Ok(Some((conn, found))) => {
                    let conn = Box::new(conn);
                    (Place::Sqlite { conn, file }, Some(found))
                }
                Ok(None) | Err(_) => (new_sqlite(file, &order_lines()).await?, None),
            }
        }
        Db::Postgres(server) => {
            let mut conn = connect(server).await?;
            let mut on = Conn::Postgres(&mut conn);
            let try_lock = format!(
                "select case when {} then 1 else 0 end::bigint",
                lock_call("pg_try_advisory_lock", batch)
            );
            if on.int(try_lock, &[]).await? == 0 {
                let _ = conn.close().await;
                return Ok(None);
            }
            let table = postgres_table(batch);
            match marked_postgres(&mut on, batch, &table).await? {
                Some(found) => {
                    on.script(&["begin".to_owned()]).await?;
                    let conn = Box::new(conn);
                    (Place::Postgres { conn, table }, Some(found))
                }
                None => {
                    on.script(&forget(batch)).await?;
                    (new_postgres(conn, batch, true, &order_lines()).await?, None)
                }
            }
        }
    };
    let (mark, n_rows, filled) = match found {
        Some((mark, n_rows, filled)) => (Some(mark), n_rows, filled),
        None => (None, 0, 0),
    };
    let staging = Staging {
        place,
        filled: (0..LINE.len()).map(|at| filled & (1 << at) != 0).collect(),
        columns: order_lines(),
        object: None,
        is_resumable: true,
        n_rows,
    };
    Ok(Some((staging, mark)))
}

fn scratch(folder: &Path, batch: BatchId, is_kept: bool) -> Result<Option<ScratchFile>> {
    let (path, lock_path) = paths(folder, batch);
    let folder = folder.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|e| io(&folder, e))?;
    let lock = try_lock(&lock_path)?;
    Ok(lock.map(|lock| ScratchFile {
        path,
        lock_path,
        is_kept,
        lock,
    }))
}

async fn new_sqlite(file: ScratchFile, columns: &[(String, Type)]) -> Result<Place> {
    let _ = std::fs::remove_file(&file.path);
    let _ = std::fs::remove_file(file.path.with_extension("sqlite-journal"));
    let mut conn = sqlite::scratch_file(&file.path, file.is_kept)
        .connect()
        .await
        .map_err(fault)?;
    let mark_table = "create table stage_mark (id integer primary key, row_no integer, \
                      n_rows integer, note text, is_complete integer, n_staged integer, \
                      filled integer, boot text)";
    let script = [
        stage_table(Dialect::Sqlite, "table stage_line", columns),
        mark_table.to_owned(),
        "begin".to_owned(),
    ];
    Conn::Sqlite(&mut conn).script(&script).await?;
    Ok(Place::Sqlite {
        conn: Box::new(conn),
        file,
    })
}

async fn connect(server: &postgres::Server) -> Result<PgConnection> {
    let mut conn = server.options.connect().await.map_err(fault)?;
    // So that the server notices the death of this process within a long
    // statement, and lets its lock go. Servers before version 14 do not know
    // it; there the next one waits for the statement's end.
    let sql = "set client_connection_check_interval = '500ms'".to_owned();
    let _ = Conn::Postgres(&mut conn).script(&[sql]).await;
    Ok(conn)
}

/// A temporary table, or one that outlives the process. Not in the log of the
/// server, so it costs no more, and a crash of the server empties it together
/// with its mark.
async fn new_postgres(
    mut conn: PgConnection,
    batch: BatchId,
    is_resumable: bool,
    columns: &[(String, Type)],
) -> Result<Place> {
    let mut on = Conn::Postgres(&mut conn);
    let table = match is_resumable {
        false => "stage_line".to_owned(),
        true => postgres_table(batch),
    };
    let what = if is_resumable {
        "unlogged"
    } else {
        "temporary"
    };
    on.script(&[stage_table(
        Dialect::Postgres,
        &format!("{what} table {table}"),
        columns,
    )])
    .await?;
    if is_resumable {
        on.script(&["begin".to_owned()]).await?;
    }
    Ok(Place::Postgres {
        conn: Box::new(conn),
        table,
    })
}

fn postgres_table(batch: BatchId) -> String {
    format!("keji_stage_{}", batch.0)
}

/// On PostgreSQL: removes what a resumable batch staged.
pub(super) fn forget(batch: BatchId) -> [String; 2] {
    [
        // With the view that a merge has made of it.
        format!("drop table if exists {} cascade", postgres_table(batch)),
        format!("delete from keji_stage_mark where batch = {}", batch.0),
    ]
}

type Found = (StageMark, i64, i64);

const MARK: [Type; 6] = [
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Bool,
    Type::Int,
    Type::Int,
];

async fn marked_sqlite(file: &ScratchFile) -> Result<Option<(SqliteConnection, Found)>> {
    if !file.path.exists() {
        return Ok(None);
    }
    let mut conn = sqlite::scratch_file(&file.path, true)
        .connect()
        .await
        .map_err(fault)?;
    let mut on = Conn::Sqlite(&mut conn);
    on.script(&["begin".to_owned()]).await?;
    let sql = "select row_no, n_rows, note, is_complete, n_staged, filled from stage_mark \
               where boot = $1";
    let row = on.row(sql, &[Value::Text(boot())], &MARK).await?;
    let found = unless_damaged(&mut on, "stage_line", row).await?;
    Ok(found.map(|found| (conn, found)))
}

async fn marked_postgres(on: &mut Conn<'_>, batch: BatchId, table: &str) -> Result<Option<Found>> {
    let sql = "select row_no, n_rows, note, is_complete, n_staged, filled from keji_stage_mark \
               where batch = $1";
    let row = on.row(sql, &[Value::Int(batch.0)], &MARK).await?;
    unless_damaged(on, table, row).await
}

/// Takes away what was staged behind the mark, and compares the count.
async fn unless_damaged(
    on: &mut Conn<'_>,
    table: &str,
    row: Option<Vec<Value>>,
) -> Result<Option<Found>> {
    let Some(row) = row else {
        return Ok(None);
    };
    let mut row = Fields::new(row);
    let mark = StageMark {
        row_no: row.int()?.unsigned_abs(),
        rows: row.int()?.unsigned_abs(),
        note: row.text()?,
        is_complete: row.value() == Value::Bool(true),
    };
    let (n_staged, filled) = (row.int()?, row.int()?);
    let behind = format!("delete from {table} where row_no > $1");
    on.run(behind, &[row_no(mark.row_no)?]).await?;
    let n_there = on.int(format!("select count(*) from {table}"), &[]).await?;
    Ok((n_there == n_staged).then_some((mark, n_staged, filled)))
}

/// Which start of the machine this is, where that can be known. The scratch
/// file is never synced, so after a power cut it may be anything.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

impl Staging {
    /// Adds rows. An error loses the staging, so that no half portion counts.
    pub(super) async fn add(self, rows: &[OrderLineRow]) -> Result<Self> {
        let mut values = Rows {
            width: LINE.len(),
            values: Vec::new(),
        };
        values.values.reserve(rows.len() * LINE.len());
        for row in rows {
            push(&mut values.values, row)?;
        }
        self.add_values(values).await
    }

    /// Adds rows of values, in the order of the columns.
    pub(super) async fn add_values(mut self, values: Rows) -> Result<Self> {
        let n_rows = values.values.len() / self.columns.len();
        self.n_rows += i64::try_from(n_rows).unwrap_or(i64::MAX);
        for row in values.iter() {
            for (filled, value) in self.filled.iter_mut().zip(row) {
                *filled |= !value.is_null();
            }
        }
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        self.place = match self.place {
            Place::Sqlite { mut conn, file } => {
                let places = vec!["?"; columns.len()].join(", ");
                let names: Vec<String> = columns.iter().map(|name| quote(name)).collect();
                let sql = format!(
                    "insert into stage_line ({}) values ({places})",
                    names.join(", ")
                );
                let written = tokio::task::spawn_blocking(move || {
                    bulk::write(&mut conn, &sql, &values).map(|()| conn)
                });
                let written = written
                    .await
                    .map_err(|e| Error::Query(format!("staging: {e}")))?;
                Place::Sqlite {
                    conn: written?,
                    file,
                }
            }
            Place::Postgres { mut conn, table } => {
                postgres::copy_in(&mut conn, &table, &columns, &values).await?;
                Place::Postgres { conn, table }
            }
        };
        Ok(self)
    }

    /// Makes what is staged so far outlive the process. An error loses the
    /// staging back to the mark before.
    pub(super) async fn mark(mut self, batch: BatchId, mark: &StageMark) -> Result<Self> {
        let filled = self.filled.iter().enumerate();
        let filled = filled.fold(0i64, |bits, (at, is)| bits | i64::from(*is) << at);
        let rows = i64::try_from(mark.rows)
            .map_err(|_| Error::Query(format!("{} rows are too many", mark.rows)))?;
        let mut params = vec![
            Value::Int(batch.0),
            row_no(mark.row_no)?,
            Value::Int(rows),
            Value::Text(mark.note.replace('\0', "")),
            Value::Bool(mark.is_complete),
            Value::Int(self.n_rows),
            Value::Int(filled),
        ];
        let sql = match &mut self.place {
            Place::Sqlite { .. } => {
                params.push(Value::Text(boot()));
                "insert or replace into stage_mark \
                 (id, row_no, n_rows, note, is_complete, n_staged, filled, boot) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8)"
            }
            Place::Postgres { .. } => {
                "insert into keji_stage_mark \
                 (batch, row_no, n_rows, note, is_complete, n_staged, filled) \
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict (batch) do update set \
                 row_no = excluded.row_no, n_rows = excluded.n_rows, note = excluded.note, \
                 is_complete = excluded.is_complete, n_staged = excluded.n_staged, \
                 filled = excluded.filled"
            }
        };
        let mut conn = match &mut self.place {
            Place::Sqlite { conn, .. } => Conn::Sqlite(conn),
            Place::Postgres { conn, .. } => Conn::Postgres(conn),
        };
        conn.run(sql, &params).await?;
        conn.script(&["commit".to_owned(), "begin".to_owned()])
            .await?;
        Ok(self)
    }

    /// Ends without the batch: what can be resumed stays up to its last mark.
    pub(super) async fn release(self) {
        match self.place {
            Place::Sqlite { conn, file } => {
                let _ = conn.close().await;
                drop(file);
            }
            // Closing drops the temporary table and the lock.
            Place::Postgres { conn, .. } => {
                let _ = conn.close().await;
            }
        }
    }

    /// Ends with the batch.
    pub(super) async fn discard(mut self) {
        if let Place::Sqlite { file, .. } = &mut self.place {
            file.is_kept = false;
        }
        self.release().await;
    }
}

/// Removes the files of a batch that nobody stages any more.
pub(super) fn remove_files(folder: &Path, batch: BatchId) {
    let (path, lock_path) = paths(folder, batch);
    remove(&path, &lock_path);
}

/// Whether the process that staged this batch is gone.
pub(super) async fn is_abandoned(db: &Db, batch: BatchId) -> Result<bool> {
    match db {
        Db::Sqlite(pools) => {
            let (_, lock_path) = paths(&pools.folder, batch);
            if !lock_path.exists() {
                return Ok(true);
            }
            Ok(try_lock(&lock_path)?.is_some())
        }
        Db::Postgres(_) => {
            let mut tx = db.begin().await?;
            let sql = format!(
                "select case when {} then 1 else 0 end::bigint",
                lock_call("pg_try_advisory_xact_lock", batch)
            );
            Ok(tx.conn().int(sql, &[]).await? == 1)
        }
    }
}

/// Removes scratch files that nobody holds, but for those of `kept` batches.
pub(super) fn remove_abandoned_files(folder: &Path, kept: &[BatchId]) -> Result<()> {
    let folder = folder.join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.map_err(|e| io(&folder, e))?.path();
        let batch = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        if batch.is_some_and(|batch| kept.contains(&BatchId(batch))) {
            continue;
        }
        if path.extension().is_some_and(|e| e == "lock") {
            if let Some(lock) = try_lock(&path)? {
                remove(&path.with_extension("sqlite"), &path);
                drop(lock);
            }
        } else if !path.with_extension("lock").exists() {
            let _ = std::fs::remove_file(&path);
        }
    }
    Ok(())
}

fn push(values: &mut Vec<Value>, row: &OrderLineRow) -> Result<()> {
    // PostgreSQL has no zero character in text, so neither store keeps one.
    let text = |text: &Option<String>| match text {
        Some(text) if text.contains('\0') => Value::Text(text.replace('\0', "")),
        Some(text) => Value::Text(text.clone()),
        None => Value::Null,
    };
    values.extend([
        row_no(row.row_no)?,
        text(&row.order_number),
        text(&row.kind),
        text(&row.customer_number),
        text(&row.customer_name),
        text(&row.customer_kind),
        text(&row.country),
        text(&row.region),
        text(&row.city),
        text(&row.industry),
        text(&row.owner),
        text(&row.phone),
        text(&row.email),
        text(&row.product_number),
        text(&row.product_name),
        text(&row.category),
        Value::Instant(row.ordered_at),
        Value::Date(row.ordered_on),
        text(&row.channel),
        text(&row.currency),
        Value::Decimal(row.quantity),
        Value::Decimal(row.price),
        Value::Decimal(row.amount),
        row.freight.map_or(Value::Null, Value::Decimal),
        row.discount.map_or(Value::Null, Value::Decimal),
        Value::Int(row.row_hash),
    ]);
    Ok(())
}

fn row_no(n: u64) -> Result<Value> {
    i64::try_from(n)
        .map(Value::Int)
        .map_err(|_| Error::Query(format!("there is no row {n}")))
}

fn paths(folder: &Path, batch: BatchId) -> (PathBuf, PathBuf) {
    let folder = folder.join(FOLDER);
    (
        folder.join(format!("{}.sqlite", batch.0)),
        folder.join(format!("{}.lock", batch.0)),
    )
}

/// `None` when another process, or another store of this one, holds it.
fn try_lock(path: &Path) -> Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| io(path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(io(path, e)),
    }
}

fn lock_sql(function: &str, batch: BatchId) -> String {
    format!("select {}", lock_call(function, batch))
}

/// The second half of the key has 32 bits; batches are counted from 1.
fn lock_call(function: &str, batch: BatchId) -> String {
    format!("{function}({}, {})", lock::IMPORT, batch.0 as i32)
}

fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        what: path.display().to_string(),
        source,
    }
}

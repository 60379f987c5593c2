//! Where staged rows stand until they are merged.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use keji_schema::Value;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

use super::lock;
use super::statements::{LINE, line_table};
use crate::batch::{BatchId, OrderLineRow};
use crate::db::bulk::{self, Rows};
use crate::db::{Conn, Db, fault, postgres, sqlite};
use crate::error::{Error, Result};
use crate::sql::Dialect;

/// Below the data folder.
const FOLDER: &str = "import";

#[derive(Debug)]
pub(crate) struct Staging {
    pub(super) place: Place,
    /// Which columns of the staging table hold anything; the others are left
    /// out of the merge.
    pub(super) filled: Vec<bool>,
}

#[derive(Debug)]
pub(super) enum Place {
    Sqlite {
        conn: Box<SqliteConnection>,
        file: ScratchFile,
    },
    Postgres(Box<PgConnection>),
}

/// A scratch database and the lock that says that it is in use. Both go away
/// with this value; of a killed process the lock goes at once and the file at
/// the next start.
#[derive(Debug)]
pub(super) struct ScratchFile {
    pub(super) path: PathBuf,
    lock_path: PathBuf,
    #[allow(dead_code)] // Held, never read.
    lock: File,
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // What cannot be removed now is swept at the next start.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

pub(super) async fn open(db: &Db, batch: BatchId) -> Result<Staging> {
    let place = match db {
        Db::Sqlite(pools) => {
            let (path, lock_path) = paths(&pools.folder, batch);
            let folder = pools.folder.join(FOLDER);
            std::fs::create_dir_all(&folder).map_err(|e| io(&folder, e))?;
            let lock = try_lock(&lock_path)?.ok_or(Error::Busy)?;
            let _ = std::fs::remove_file(&path);
            let file = ScratchFile {
                path,
                lock_path,
                lock,
            };
            let mut conn = sqlite::scratch_file(&file.path)
                .connect()
                .await
                .map_err(fault)?;
            let mut on = Conn::Sqlite(&mut conn);
            on.script(&[line_table(Dialect::Sqlite), "begin".to_owned()])
                .await?;
            Place::Sqlite {
                conn: Box::new(conn),
                file,
            }
        }
        Db::Postgres(server) => {
            let mut conn = server.options.connect().await.map_err(fault)?;
            let mut on = Conn::Postgres(&mut conn);
            on.run(lock_sql("pg_advisory_lock", batch), &[]).await?;
            on.script(&[line_table(Dialect::Postgres)]).await?;
            Place::Postgres(Box::new(conn))
        }
    };
    Ok(Staging {
        place,
        filled: vec![false; LINE.len()],
    })
}

impl Staging {
    /// Adds rows. An error loses the staging, so that no half portion counts.
    pub(super) async fn add(mut self, rows: &[OrderLineRow]) -> Result<Self> {
        let mut values = Rows {
            width: LINE.len(),
            values: Vec::new(),
        };
        values.values.reserve(rows.len() * LINE.len());
        for row in rows {
            push(&mut values.values, row)?;
        }
        for row in values.iter() {
            for (filled, value) in self.filled.iter_mut().zip(row) {
                *filled |= !value.is_null();
            }
        }
        let columns: Vec<&str> = LINE.iter().map(|(name, _)| *name).collect();
        self.place = match self.place {
            Place::Sqlite { mut conn, file } => {
                let places = vec!["?"; columns.len()].join(", ");
                let sql = format!(
                    "insert into stage_line ({}) values ({places})",
                    columns.join(", ")
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
            Place::Postgres(mut conn) => {
                postgres::copy_in(&mut conn, "stage_line", &columns, &values).await?;
                Place::Postgres(conn)
            }
        };
        Ok(self)
    }

    pub(super) async fn discard(self) {
        match self.place {
            Place::Sqlite { conn, file } => {
                let _ = conn.close().await;
                drop(file);
            }
            // Closing drops the temporary table and the lock.
            Place::Postgres(conn) => {
                let _ = conn.close().await;
            }
        }
    }
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

/// Removes scratch files that nobody holds.
pub(super) fn remove_abandoned_files(folder: &Path) -> Result<()> {
    let folder = folder.join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.map_err(|e| io(&folder, e))?.path();
        if path.extension().is_some_and(|e| e == "lock") {
            if let Some(lock) = try_lock(&path)? {
                let _ = std::fs::remove_file(path.with_extension("sqlite"));
                let _ = std::fs::remove_file(&path);
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
    let row_no = i64::try_from(row.row_no)
        .map_err(|_| Error::Query(format!("there is no row {}", row.row_no)))?;
    values.extend([
        Value::Int(row_no),
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

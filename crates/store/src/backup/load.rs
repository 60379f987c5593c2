//! Rows from PostgreSQL into a database file and back, and the places that a
//! restore may fill. SQLite to SQLite is a copy of the file and not here.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use keji_schema::{Catalog, Type, Value};

use super::tables::{self, SYSTEM, Sum, Table, read, report, stored_shape};
use super::{BackupStep, TableSum, Tell, freeze, refused, workplace};
use crate::db::bulk::Rows;
use crate::db::{Conn, Db, Fields, sqlite};
use crate::ddl::{self, Shape, Step};
use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};
use crate::store::Store;
use crate::system::{self, lock};

/// Makes a database file of what one transaction sees, and returns the sums of
/// what it saw.
pub(super) async fn from_postgres(
    store: &Store,
    path: &Path,
    tell: Tell<'_>,
) -> Result<Vec<TableSum>> {
    let pools = workplace::open(path).await?;
    let db = Db::Sqlite(pools);
    system::prepare(&db, &without_objects(&store.0.catalog), false).await?;
    let mut from = store.snapshot().await?;
    let mut conn = from.conn();
    let tables = tables::tables(&mut conn).await?;
    let shape = stored_shape(&mut conn).await?;
    let (before, after) = creation(&shape, Dialect::Sqlite)?;
    let mut to = db.begin().await?;
    to.conn().script(&before).await?;
    // What `prepare` wrote there; the source's own comes now.
    to.conn().run("delete from keji_meta", &[]).await?;
    let mut sums = Vec::new();
    for (n, table) in tables.iter().enumerate() {
        let mut sum = Sum::default();
        // Named apart: the driver remembers a statement's columns by its text.
        let cursor = format!("keji_backup_{n}");
        let sql = format!("declare {cursor} no scroll cursor for {}", table.select());
        conn.run(sql, &[]).await?;
        let fetch = format!("fetch forward {} from {cursor}", table.portion());
        loop {
            let mut rows = Rows {
                width: table.columns.len(),
                values: Vec::with_capacity(table.portion() * table.columns.len()),
            };
            let each = |row: &[Value]| {
                let at = rows.values.len();
                rows.values.extend(row.iter().map(as_in_sqlite));
                sum.add(&rows.values[at..]);
                Ok::<_, Error>(())
            };
            let n = conn.each(fetch.as_str(), &[], &table.kinds, each).await?;
            if n == 0 {
                break;
            }
            to = to.insert(&table.name, &table.columns, rows).await?;
            report(tell, BackupStep::Copy, table, sum.rows);
        }
        conn.run(format!("close {cursor}"), &[]).await?;
        sums.push(sum.of(table));
    }
    let mut on = to.conn();
    on.script(&after).await?;
    for table in tables.iter().filter(|table| table.has_id()) {
        // Not of the snapshot, so never too small.
        let sql = "select pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass)";
        let last = conn.int(sql, &[Value::Text(quote(&table.name))]).await?;
        let name = Value::from(table.name.as_str());
        let sql = "delete from sqlite_sequence where name = $1 and seq < $2";
        on.run(sql, &[name.clone(), Value::Int(last)]).await?;
        let sql = "insert into sqlite_sequence (name, seq) select $1, $2 \
                   where $2 > 0 and not exists (select 1 from sqlite_sequence where name = $1)";
        on.run(sql, &[name, Value::Int(last)]).await?;
    }
    to.commit().await?;
    from.commit().await?;
    db.close().await;
    Ok(sums)
}

/// Fills the tables of a database from a file that was checked, in one
/// transaction, and reads them back.
pub(super) async fn into_postgres(
    from: &sqlite::Pools,
    db: &Db,
    catalog: &Catalog,
    place: Option<&str>,
    tell: Tell<'_>,
) -> Result<()> {
    system::prepare(db, &without_objects(catalog), false).await?;
    let source = Db::Sqlite(from.clone());
    let (shape, stored) = {
        let mut reader = source.reader().await?;
        let mut conn = reader.conn();
        (
            stored_shape(&mut conn).await?,
            tables::tables(&mut conn).await?,
        )
    };
    let (before, after) = creation(&shape, Dialect::Postgres)?;
    let mut to = db.begin().await?;
    let mut conn = to.conn();
    take_place(&mut conn).await?;
    conn.more_memory().await?;
    conn.script(&before).await?;
    conn.run("delete from keji_meta", &[]).await?;
    let wanted = tables_with(&mut conn, &shape).await?;
    let mut sums = Vec::new();
    for table in stored {
        let table = typed(table, &wanted)?;
        let mut sum = Sum::default();
        let mut rows = read(from, &table).await?;
        while let Some(portion) = rows.next().await? {
            portion.iter().for_each(|row| sum.add(row));
            to = to.insert(&table.name, &table.columns, portion).await?;
            report(tell, BackupStep::Copy, &table, sum.rows);
        }
        sums.push((sum.of(&table), table));
    }
    let mut conn = to.conn();
    conn.script(&after).await?;
    for (expected, table) in &sums {
        let mut sum = Sum::default();
        conn.each(table.select(), &[], &table.kinds, |row| {
            sum.add(row);
            if sum.rows.is_multiple_of(table.portion() as u64) {
                report(tell, BackupStep::Verify, table, sum.rows);
            }
            Ok::<_, Error>(())
        })
        .await?;
        let place = Path::new("PostgreSQL");
        let found = sum.of(table);
        super::same(place, std::slice::from_ref(expected), &[found])?;
    }
    let last = last_ids(&source).await?;
    for (_, table) in sums.iter().filter(|(_, table)| table.has_id()) {
        let name = quote(&table.name);
        let highest = format!("select coalesce(max(\"id\"), 0) from {name}");
        let highest = conn.int(highest, &[]).await?;
        let last = last.get(&table.name).copied().unwrap_or(0).max(highest);
        if last > 0 {
            let sql = "select setval(pg_get_serial_sequence($1, 'id'), $2)";
            conn.int(sql, &[Value::Text(name), Value::Int(last)])
                .await?;
        }
    }
    freeze(&mut conn, place).await?;
    to.commit().await
}

/// A folder with a database, or with what a database left behind, which
/// SQLite would take for a part of ours.
pub(super) fn refuse_used_folder(folder: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = folder.join(format!("{}{suffix}", sqlite::FILE));
        if path.exists() {
            let message = "there is a database already; a backup is restored into an empty folder";
            return Err(refused(&path, ErrorKind::AlreadyExists, message));
        }
    }
    Ok(())
}

/// Whether our system tables are there, left by a restore that was killed:
/// without any object. Any other table of ours is an error.
pub(super) async fn refuse_used_database(db: &Db, catalog: &Catalog) -> Result<bool> {
    let mut reader = db.reader().await?;
    let mut conn = reader.conn();
    let mut is_ours = false;
    for name in names(&mut conn).await? {
        if catalog.objects.contains_key(&name) {
            return Err(used(&name));
        }
        is_ours |= name == "keji_meta";
    }
    if is_ours && !stored_shape(&mut conn).await?.tables.is_empty() {
        return Err(used("keji_meta"));
    }
    Ok(is_ours)
}

/// After a restore that failed: the system tables, while there is no object.
pub(super) async fn remove_from_postgres(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    let mut conn = tx.conn();
    // Not `take_place`: they may not have come into being.
    let sql = "select pg_advisory_xact_lock($1)";
    conn.run(sql, &[Value::Int(lock::DDL)]).await?;
    let names: Vec<String> = names(&mut conn).await?;
    let is_there = names.iter().any(|name| name == "keji_meta");
    if !is_there || !stored_shape(&mut conn).await?.tables.is_empty() {
        return Ok(());
    }
    let drops = names.iter().filter(|name| name.starts_with(SYSTEM));
    let drops: Vec<String> = drops
        .map(|name| format!("drop table {}", quote(name)))
        .collect();
    conn.script(&drops).await?;
    tx.commit().await
}

/// Keeps others from making tables until the transaction ends. Whoever was
/// faster has the place.
async fn take_place(conn: &mut Conn<'_>) -> Result<()> {
    let sql = "select pg_advisory_xact_lock($1)";
    conn.run(sql, &[Value::Int(lock::DDL)]).await?;
    match stored_shape(conn).await?.tables.is_empty() {
        true => Ok(()),
        false => Err(used("keji_meta")),
    }
}

/// Of PostgreSQL.
async fn names(conn: &mut Conn<'_>) -> Result<Vec<String>> {
    let sql = "select tablename::text from pg_tables where schemaname = current_schema()";
    let rows = conn.rows(sql, &[], &[Type::Text]).await?;
    rows.into_iter()
        .map(|row| Fields::new(row).text())
        .collect()
}

fn used(table: &str) -> Error {
    let message = format!(
        "there is a table `{table}` already; a backup is restored into a database without our tables"
    );
    refused(
        Path::new("the PostgreSQL database"),
        ErrorKind::AlreadyExists,
        &message,
    )
}

/// For the system tables alone.
fn without_objects(catalog: &Catalog) -> Catalog {
    Catalog {
        objects: BTreeMap::new(),
        ..catalog.clone()
    }
}

/// What makes the objects' tables as they were stored, and after their rows
/// are in, indexes and foreign keys.
fn creation(shape: &Shape, dialect: Dialect) -> Result<(Vec<String>, Vec<String>)> {
    let (steps, _) = ddl::diff(&Shape::default(), shape, &ddl::Kept::new(), false)?;
    let (before, after): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .partition(|step| matches!(step, Step::CreateTable(..)));
    let sql = |steps: Vec<Step>| steps.iter().filter_map(|step| step.sql(dialect)).collect();
    Ok((sql(before), sql(after)))
}

/// The tables of a database whose shape is not written yet.
async fn tables_with(conn: &mut Conn<'_>, shape: &Shape) -> Result<Vec<Table>> {
    let text = serde_json::to_string(shape).map_err(|e| Error::Corrupt(e.to_string()))?;
    system::set_meta(conn, "shape", &text).await?;
    let tables = tables::tables(conn).await?;
    conn.run("delete from keji_meta", &[]).await?;
    Ok(tables)
}

/// The same table with the types of the target.
fn typed(mut table: Table, wanted: &[Table]) -> Result<Table> {
    let target = wanted.iter().find(|target| target.name == table.name);
    for (column, kind) in table.columns.iter().zip(&mut table.kinds) {
        let at = target.and_then(|t| t.columns.iter().position(|c| c == column));
        let found = target.zip(at).map(|(target, at)| target.kinds[at]);
        *kind = found
            .ok_or_else(|| Error::Corrupt(format!("nothing takes up `{}.{column}`", table.name)))?;
    }
    Ok(table)
}

/// The highest id that was ever given out, where that is known.
async fn last_ids(db: &Db) -> Result<BTreeMap<String, i64>> {
    let mut reader = db.reader().await?;
    let sql = "select name, seq from sqlite_sequence";
    let rows = reader
        .conn()
        .rows(sql, &[], &[Type::Text, Type::Int])
        .await?;
    let mut last = BTreeMap::new();
    for row in rows {
        let mut row = Fields::new(row);
        last.insert(row.text()?, row.int()?);
    }
    Ok(last)
}

/// SQLite has no number that is none.
fn as_in_sqlite(value: &Value) -> Value {
    match value {
        Value::Float(x) if x.is_nan() => Value::Null,
        other => other.clone(),
    }
}

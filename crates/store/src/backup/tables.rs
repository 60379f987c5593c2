//! What tables there are, and the sum of each. The columns and their types
//! come from the database, so a table or a column that is new elsewhere needs
//! no line here.

use std::collections::BTreeMap;

use keji_schema::{Type, Value};

use super::checksum::{Checksum, of_row};
use super::{BackupProgress, BackupStep, TableSum, Tell};
use crate::db::bulk::{self, Rows};
use crate::db::{Conn, Db, Fields, fault, sqlite};
use crate::ddl::Shape;
use crate::error::{Error, Result};
use crate::sql::quote;
use crate::system::meta;

/// Our system tables begin so.
pub(super) const SYSTEM: &str = "keji_";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    /// By name, so that the sum does not depend on when a column was added.
    pub(super) columns: Vec<String>,
    pub(super) kinds: Vec<Type>,
}

impl Table {
    /// All rows, those with an id in its order.
    pub(super) fn select(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|c| quote(c)).collect();
        let order = if self.has_id() {
            " order by \"id\""
        } else {
            ""
        };
        format!(
            "select {} from {}{order}",
            columns.join(", "),
            quote(&self.name)
        )
    }

    /// Rows at once: some megabytes. Our own tables hold whole documents.
    pub(super) fn portion(&self) -> usize {
        match self.name.starts_with(SYSTEM) {
            true => 128,
            false => 4096,
        }
    }

    pub(super) fn has_id(&self) -> bool {
        self.columns.iter().any(|column| column == "id")
    }
}

/// Counts and sums rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) rows: u64,
    sum: u128,
}

impl Sum {
    /// The sum of the rows' hashes does not depend on their order, and a row
    /// that is there twice counts twice.
    pub(super) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(of_row(row));
    }

    pub(super) fn of(self, table: &Table) -> TableSum {
        TableSum {
            name: table.name.clone(),
            rows: self.rows,
            checksum: Checksum(self.sum),
        }
    }
}

/// The tables of the objects, as stored, and our own.
pub(super) async fn tables(conn: &mut Conn<'_>) -> Result<Vec<Table>> {
    let shape = stored_shape(conn).await?;
    let sql = match conn {
        Conn::Sqlite(_) => {
            "select t.name, c.name, c.type from sqlite_master t, pragma_table_info(t.name) c \
             where t.type = 'table'"
        }
        // Without unlogged tables: staged rows, which belong to a process.
        Conn::Postgres(_) => {
            "select c.relname::text, a.attname::text, t.typname::text from pg_class c \
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
             join pg_type t on t.oid = a.atttypid \
             where c.relnamespace = current_schema()::regnamespace \
             and c.relkind = 'r' and c.relpersistence = 'p'"
        }
    };
    let mut found: BTreeMap<String, BTreeMap<String, Type>> = BTreeMap::new();
    for row in conn.rows(sql, &[], &[Type::Text; 3]).await? {
        let mut row = Fields::new(row);
        let (table, column, kind) = (row.text()?, row.text()?, row.text()?);
        if table.starts_with(SYSTEM) || shape.tables.contains_key(&table) {
            let kind = kind_of(&kind)
                .ok_or_else(|| Error::Corrupt(format!("`{table}.{column}` is stored as {kind}")))?;
            found.entry(table).or_default().insert(column, kind);
        }
    }
    let table = |(name, columns): (String, BTreeMap<String, Type>)| {
        let (columns, kinds) = columns.into_iter().unzip();
        Table {
            name,
            columns,
            kinds,
        }
    };
    Ok(found.into_iter().map(table).collect())
}

/// As far as its database tells it apart: on SQLite, days and instants are
/// whole numbers.
fn kind_of(stored: &str) -> Option<Type> {
    Some(match stored.to_ascii_lowercase().as_str() {
        "text" => Type::Text,
        "integer" | "int8" => Type::Int,
        "real" | "float8" => Type::Float,
        "numeric" => Type::Decimal,
        "bool" => Type::Bool,
        "date" => Type::Date,
        "timestamptz" => Type::Instant,
        _ => return None,
    })
}

/// Empty where there is none.
pub(super) async fn stored_shape(conn: &mut Conn<'_>) -> Result<Shape> {
    match meta(conn, "shape").await? {
        Some(text) => serde_json::from_str(&text).map_err(|e| Error::Corrupt(e.to_string())),
        None => Ok(Shape::default()),
    }
}

/// Of every table of a database file that nobody else has.
pub(super) async fn sums(pools: &sqlite::Pools, tell: Tell<'_>) -> Result<Vec<TableSum>> {
    let db = Db::Sqlite(pools.clone());
    let tables = tables(&mut db.reader().await?.conn()).await?;
    let mut sums = Vec::new();
    for table in tables {
        sums.push(sum(pools, &table, tell).await?.of(&table));
    }
    Ok(sums)
}

pub(super) async fn sum(pools: &sqlite::Pools, table: &Table, tell: Tell<'_>) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut rows = read(pools, table).await?;
    while let Some(portion) = rows.next().await? {
        portion.iter().for_each(|row| sum.add(row));
        report(tell, BackupStep::Verify, table, sum.rows);
    }
    Ok(sum)
}

pub(super) fn report(tell: Tell<'_>, step: BackupStep, table: &Table, rows: u64) {
    tell(BackupProgress {
        step,
        table: Some(table.name.clone()),
        rows,
    });
}

/// All rows of a table of a database file, in portions.
pub(super) struct Reading {
    portions: tokio::sync::mpsc::Receiver<Rows>,
    thread: Option<tokio::task::JoinHandle<Result<()>>>,
}

pub(super) async fn read(pools: &sqlite::Pools, table: &Table) -> Result<Reading> {
    let mut conn = pools.readers.acquire().await.map_err(fault)?;
    let (sql, kinds, portion) = (table.select(), table.kinds.clone(), table.portion());
    let (send, portions) = tokio::sync::mpsc::channel(2);
    let thread = tokio::task::spawn_blocking(move || {
        bulk::read(&mut conn, &sql, &[], &kinds, portion, |rows| {
            send.blocking_send(rows).is_ok()
        })
    });
    Ok(Reading {
        portions,
        thread: Some(thread),
    })
}

impl Reading {
    pub(super) async fn next(&mut self) -> Result<Option<Rows>> {
        if let Some(rows) = self.portions.recv().await {
            return Ok(Some(rows));
        }
        if let Some(thread) = self.thread.take() {
            thread
                .await
                .map_err(|e| Error::Query(format!("the reading broke off: {e}")))??;
        }
        Ok(None)
    }
}

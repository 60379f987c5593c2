//! One way to speak to either database: statements with bound values, rows
//! read back by type. It knows no tables.

pub(crate) mod bulk;
mod fault;
mod functions;
pub(crate) mod group;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::{Decimal, Type, Value};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};
use bulk::Rows;

pub(crate) use fault::{fault, violation};

#[derive(Debug, Clone)]
pub(crate) enum Db {
    Sqlite(sqlite::Pools),
    Postgres(postgres::Server),
}

impl Db {
    /// Nothing that was prepared for tables of before is used any more.
    pub(crate) fn renew(&self) {
        if let Db::Postgres(server) = self {
            server.renew();
        }
    }
}

/// A transaction that rolls back when it is dropped.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    /// One of several writers in one transaction of SQLite.
    Member(group::Member),
    Postgres(Transaction<'static, Postgres>),
}

/// A connection, in a transaction or not.
pub(crate) enum Conn<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A pooled connection for reading.
pub(crate) enum Reader {
    Sqlite(sqlx::pool::PoolConnection<Sqlite>),
    Postgres(sqlx::pool::PoolConnection<Postgres>),
}

impl Db {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Db::Sqlite(_) => Dialect::Sqlite,
            Db::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins a writing transaction. On SQLite it waits here for the one
    /// writer, so that no later statement finds the database locked.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite(pools) => Tx::Sqlite(
                pools
                    .writer
                    .begin_with("begin immediate")
                    .await
                    .map_err(fault)?,
            ),
            Db::Postgres(server) => Tx::Postgres(server.begin("begin").await?),
        })
    }

    /// Begins a short writing transaction, which on SQLite is committed
    /// together with those of others that come at the same time. Returning
    /// early is no acknowledgement only where it is an error: an answer that
    /// rests on what was read here waits for the commit too.
    pub(crate) async fn begin_shared(&self) -> Result<Tx> {
        match self {
            Db::Sqlite(pools) => Ok(Tx::Member(pools.group.join().await?)),
            Db::Postgres(_) => self.begin().await,
        }
    }

    pub(crate) async fn reader(&self) -> Result<Reader> {
        Ok(match self {
            Db::Sqlite(pools) => Reader::Sqlite(pools.readers.acquire().await.map_err(fault)?),
            Db::Postgres(server) => Reader::Postgres(server.pool.acquire().await.map_err(fault)?),
        })
    }

    /// A reading transaction: all its statements see the same state.
    pub(crate) async fn snapshot(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite(pools) => Tx::Sqlite(pools.readers.begin().await.map_err(fault)?),
            Db::Postgres(server) => {
                let how = "begin isolation level repeatable read read only";
                Tx::Postgres(server.begin(how).await?)
            }
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Db::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
            Db::Postgres(server) => server.pool.close().await,
        }
    }
}

impl Tx {
    pub(crate) fn conn(&mut self) -> Conn<'_> {
        match self {
            Tx::Sqlite(tx) => Conn::Sqlite(tx),
            Tx::Member(member) => member.conn(),
            Tx::Postgres(tx) => Conn::Postgres(tx),
        }
    }

    /// Inserts many rows fast. An error ends the transaction, which must be
    /// one of its own.
    pub(crate) async fn insert(self, table: &str, columns: &[String], rows: Rows) -> Result<Tx> {
        match self {
            Tx::Sqlite(mut tx) => {
                let names: Vec<String> = columns.iter().map(|column| quote(column)).collect();
                let sql = format!(
                    "insert into {} ({}) values ({})",
                    quote(table),
                    names.join(", "),
                    vec!["?"; names.len()].join(", ")
                );
                let written = tokio::task::spawn_blocking(move || {
                    bulk::write(&mut tx, &sql, &rows)?;
                    Ok(Tx::Sqlite(tx))
                });
                written
                    .await
                    .map_err(|e| Error::Query(format!("the insert broke off: {e}")))?
            }
            Tx::Member(_) => Err(Error::Query(
                "a shared transaction takes no sets".to_owned(),
            )),
            Tx::Postgres(mut tx) => {
                postgres::copy_in(&mut tx, table, columns, &rows).await?;
                Ok(Tx::Postgres(tx))
            }
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await.map_err(fault),
            Tx::Member(member) => member.commit().await,
            Tx::Postgres(tx) => tx.commit().await.map_err(fault),
        }
    }
}

impl Reader {
    pub(crate) fn conn(&mut self) -> Conn<'_> {
        match self {
            Reader::Sqlite(c) => Conn::Sqlite(c),
            Reader::Postgres(c) => Conn::Postgres(c),
        }
    }
}

impl Conn<'_> {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Conn::Sqlite(_) => Dialect::Sqlite,
            Conn::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs one statement and returns how many rows it changed.
    pub(crate) async fn run(&mut self, sql: impl Into<String>, params: &[Value]) -> Result<u64> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Conn::Sqlite(c) => {
                let done = sqlx::query_with(sql, sqlite::arguments(params)?)
                    .execute(&mut **c)
                    .await
                    .map_err(fault)?;
                Ok(done.rows_affected())
            }
            Conn::Postgres(c) => {
                let done = sqlx::query_with(sql, postgres::arguments(params)?)
                    .execute(&mut **c)
                    .await
                    .map_err(fault)?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Runs a script without values, statement by statement.
    pub(crate) async fn script(&mut self, sql: &[String]) -> Result<()> {
        for statement in sql {
            let statement = AssertSqlSafe(statement.clone());
            match self {
                Conn::Sqlite(c) => {
                    sqlx::raw_sql(statement)
                        .execute(&mut **c)
                        .await
                        .map_err(fault)?;
                }
                Conn::Postgres(c) => {
                    sqlx::raw_sql(statement)
                        .execute(&mut **c)
                        .await
                        .map_err(fault)?;
                }
            }
        }
        Ok(())
    }

    /// For a transaction of few, large statements: more memory for their sorts
    /// and joins. SQLite has a bound of its own per connection. PostgreSQL
    /// would also compile each of them to machine code first, which took
    /// longer than it saved: with it a merge of 525,000 rows ran at half the
    /// speed.
    pub(crate) async fn more_memory(&mut self) -> Result<()> {
        if let Conn::Postgres(_) = self {
            self.run("set local work_mem = '64MB'", &[]).await?;
            self.run("set local jit = off", &[]).await?;
        }
        Ok(())
    }

    /// Hands every row to `each`, read as `kinds`.
    pub(crate) async fn each<E: From<crate::Error>>(
        &mut self,
        sql: impl Into<String>,
        params: &[Value],
        kinds: &[Type],
        mut each: impl FnMut(&[Value]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let sql = AssertSqlSafe(sql.into());
        let mut values = Vec::with_capacity(kinds.len());
        let mut n_rows = 0;
        match self {
            Conn::Sqlite(c) => {
                let arguments: SqliteArguments = sqlite::arguments(params)?;
                let mut rows = sqlx::query_with(sql, arguments).fetch(&mut **c);
                while let Some(row) = rows.try_next().await.map_err(fault)? {
                    values.clear();
                    for (at, kind) in kinds.iter().enumerate() {
                        values.push(sqlite::value(&row, at, *kind)?);
                    }
                    each(&values)?;
                    n_rows += 1;
                }
            }
            Conn::Postgres(c) => {
                let arguments: PgArguments = postgres::arguments(params)?;
                let mut rows = sqlx::query_with(sql, arguments).fetch(&mut **c);
                while let Some(row) = rows.try_next().await.map_err(fault)? {
                    values.clear();
                    for (at, kind) in kinds.iter().enumerate() {
                        values.push(postgres::value(&row, at, *kind)?);
                    }
                    each(&values)?;
                    n_rows += 1;
                }
            }
        }
        Ok(n_rows)
    }

    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<String>,
        params: &[Value],
        kinds: &[Type],
    ) -> Result<Vec<Vec<Value>>> {
        let mut all = Vec::new();
        self.each(sql, params, kinds, |row| {
            all.push(row.to_vec());
            Ok::<_, crate::Error>(())
        })
        .await?;
        Ok(all)
    }

    pub(crate) async fn row(
        &mut self,
        sql: impl Into<String>,
        params: &[Value],
        kinds: &[Type],
    ) -> Result<Option<Vec<Value>>> {
        Ok(self.rows(sql, params, kinds).await?.into_iter().next())
    }

    /// The whole number of a statement that gives one; null counts as 0.
    pub(crate) async fn int(&mut self, sql: impl Into<String>, params: &[Value]) -> Result<i64> {
        let row = self.row(sql, params, &[Type::Int]).await?;
        Ok(row.and_then(|row| int(&row[0])).unwrap_or(0))
    }
}

pub(crate) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        _ => None,
    }
}

/// The values of one row of a system table, taken in order.
pub(crate) struct Fields(std::vec::IntoIter<Value>);

impl Fields {
    pub(crate) fn new(row: Vec<Value>) -> Self {
        Fields(row.into_iter())
    }

    pub(crate) fn value(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Null)
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.optional_int().ok_or_else(|| unexpected("number"))
    }

    pub(crate) fn optional_int(&mut self) -> Option<i64> {
        int(&self.value())
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.optional_text().ok_or_else(|| unexpected("text"))
    }

    pub(crate) fn optional_text(&mut self) -> Option<String> {
        match self.value() {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn json(&mut self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.text()?).map_err(|_| unexpected("JSON text"))
    }

    pub(crate) fn optional_date(&mut self) -> Option<Date> {
        match self.value() {
            Value::Date(date) => Some(date),
            _ => None,
        }
    }

    pub(crate) fn date(&mut self) -> Result<Date> {
        self.optional_date().ok_or_else(|| unexpected("date"))
    }

    pub(crate) fn optional_instant(&mut self) -> Option<Timestamp> {
        match self.value() {
            Value::Instant(at) => Some(at),
            _ => None,
        }
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp> {
        self.optional_instant().ok_or_else(|| unexpected("instant"))
    }

    pub(crate) fn decimal(&mut self) -> Decimal {
        match self.value() {
            Value::Decimal(d) => d,
            _ => Decimal::ZERO,
        }
    }
}

fn unexpected(wanted: &str) -> Error {
    Error::Corrupt(format!("a system table lacks a {wanted}"))
}

//! The keys by which duplicates are found: each record has some numbers, and
//! two records that may mean the same share one. What the numbers are made of
//! is not known here. They stand in the file of the index and go with it when a
//! person is erased: what was read before is in no page of it.

use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};

use super::follow::list;
use super::{changed_since, list_sql};
use crate::db::{Conn, fault, int};
use crate::error::{Error, Result};
use crate::pair::Block;
use crate::sql::quote;
use crate::store::Store;

/// Rows of one statement.
const PIECE: usize = 400;

/// Ids of one key that are worth looking at.
const MANY: usize = 200;

/// Makes the keys of one record.
#[derive(Debug, Clone, Copy)]
pub struct KeyReader {
    /// Other keys have another number: those of before are made anew.
    pub version: u32,
    /// Of an object and the values of the fields of its `[duplicates]`.
    pub read: fn(&ObjectDef, &[Value]) -> Vec<i64>,
}

/// Named after what the keys are made of, so that others are not taken for
/// them.
pub(super) fn place(def: &ObjectDef, reader: &KeyReader) -> String {
    let duplicates = def.duplicates.as_ref();
    let fields = duplicates.map(|d| d.fields().join(",")).unwrap_or_default();
    format!("keys:{}:{}:{fields}", def.id, reader.version)
}

fn table(def: &ObjectDef) -> String {
    quote(&format!("keys_of_{}", def.id))
}

pub(super) async fn make(conn: &mut Conn<'_>, def: &ObjectDef) -> Result<()> {
    let table = table(def);
    let others = format!("keys:{}:", def.id);
    let sql = "delete from position where substr(object, 1, length($1)) = $1";
    conn.run(sql, &[Value::Text(others)]).await?;
    conn.script(&[
        format!("drop table if exists {table}"),
        format!(
            "create table {table} (key integer not null, record integer not null, \
             primary key (key, record)) strict, without rowid"
        ),
        format!(
            "create index {} on {table} (record)",
            quote(&format!("keys_of_{}_record", def.id))
        ),
    ])
    .await
}

/// New keys in the place of those of the records that changed.
pub(super) async fn write(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    changed: &[i64],
    keys: &[(i64, i64)],
) -> Result<()> {
    let table = table(def);
    if changed.is_empty() {
        return Ok(());
    }
    let among = list_sql(conn.dialect(), "$1");
    let sql = format!("delete from {table} where record in ({among})");
    conn.run(sql, &[list(changed)]).await?;
    for piece in keys.chunks(PIECE) {
        let rows: Vec<String> = (piece.iter())
            .map(|(record, key)| format!("({key}, {record})"))
            .collect();
        let sql = format!(
            "insert or ignore into {table} (key, record) values {}",
            rows.join(", ")
        );
        conn.script(&[sql]).await?;
    }
    Ok(())
}

impl Store {
    /// The keys of those of the records that are there.
    pub(super) async fn keyed(
        &self,
        def: &ObjectDef,
        ids: &[i64],
        reader: &KeyReader,
    ) -> Result<Vec<(i64, i64)>> {
        let Some(duplicates) = &def.duplicates else {
            return Ok(Vec::new());
        };
        let fields = duplicates.fields();
        let mut columns = vec![quote("id")];
        columns.extend(fields.iter().map(|field| quote(field)));
        let mut kinds = vec![Type::Int];
        kinds.extend(
            fields
                .iter()
                .map(|f| def.field(f).map_or(Type::Text, |f| f.kind)),
        );
        let sql = format!(
            "select {} from {} where \"id\" in ({})",
            columns.join(", "),
            quote(&def.id),
            list_sql(self.db().dialect(), "$1")
        );
        let mut found = Vec::new();
        let mut rows = self.db().reader().await?;
        for row in rows.conn().rows(sql, &[list(ids)], &kinds).await? {
            if let Some(id) = int(&row[0]) {
                let keys = (reader.read)(def, &row[1..]);
                found.extend(keys.into_iter().map(|key| (id, key)));
            }
        }
        Ok(found)
    }

    /// The records that share one of these keys, and those that changed since
    /// the keys were read; some of many. Empty where there is no index.
    pub async fn sharing_keys(
        &self,
        object: &str,
        reader: &KeyReader,
        keys: &[i64],
    ) -> Result<Vec<i64>> {
        let def = self.0.catalog.object(object)?;
        let Some(index) = self.0.search.get() else {
            return Ok(Vec::new());
        };
        let place = place(def, reader);
        // First: what comes in meanwhile is looked at twice.
        let since = index.complete_to(&place, &index.keys).await?;
        let mut ids = Vec::new();
        {
            let mut pool = index.pools.readers.acquire().await.map_err(fault)?;
            let mut conn = Conn::Sqlite(&mut pool);
            for key in keys {
                let sql = format!(
                    "select record from {} where key = $1 limit {MANY}",
                    table(def)
                );
                match conn.rows(sql, &[Value::Int(*key)], &[Type::Int]).await {
                    Ok(rows) => ids.extend(rows.iter().filter_map(|row| int(&row[0]))),
                    Err(e) if is_no_table(&e) => break,
                    Err(e) => return Err(e),
                }
            }
        }
        if let Some(since) = since {
            let mut reading = self.db().reader().await?;
            let behind = changed_since(&mut reading.conn(), object, since).await?;
            ids.extend(behind.into_iter().flatten());
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Records that share a key, of the next keys behind `after`: from two to
    /// `most` of them. Without any there are no more.
    pub async fn key_blocks(
        &self,
        object: &str,
        after: Option<i64>,
        most: u32,
        limit: u32,
    ) -> Result<Vec<Block>> {
        let def = self.0.catalog.object(object)?;
        let Some(index) = self.0.search.get() else {
            return Ok(Vec::new());
        };
        let mut pool = index.pools.readers.acquire().await.map_err(fault)?;
        let sql = format!(
            "select key, group_concat(record) from {} where key > $1 group by key \
             having count(*) between 2 and {most} order by key limit {limit}",
            table(def)
        );
        let params = [Value::Int(after.unwrap_or(-1))];
        let rows = Conn::Sqlite(&mut pool)
            .rows(sql, &params, &[Type::Int, Type::Text])
            .await;
        let rows = match rows {
            Err(e) if is_no_table(&e) => return Ok(Vec::new()),
            rows => rows?,
        };
        let block = |row: Vec<Value>| {
            let Value::Text(ids) = &row[1] else {
                return None;
            };
            Some(Block {
                key: int(&row[0])?,
                records: ids.split(',').filter_map(|id| id.parse().ok()).collect(),
            })
        };
        Ok(rows.into_iter().filter_map(block).collect())
    }

    /// How many keys are shared by more than `most` records.
    pub async fn crowded_keys(&self, object: &str, most: u32) -> Result<i64> {
        let def = self.0.catalog.object(object)?;
        let Some(index) = self.0.search.get() else {
            return Ok(0);
        };
        let mut pool = index.pools.readers.acquire().await.map_err(fault)?;
        let sql = format!(
            "select count(*) from (select 1 from {} group by key having count(*) > {most})",
            table(def)
        );
        match Conn::Sqlite(&mut pool).int(sql, &[]).await {
            Err(e) if is_no_table(&e) => Ok(0),
            n => n,
        }
    }
}

/// Not followed yet.
pub(super) fn is_no_table(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Database(e))
        if e.message().starts_with("no such table"))
}

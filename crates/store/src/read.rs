//! Reading records: a page, one, or all of them in a stream.

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::definition::Mask;
use keji_schema::{Type, Value};
use serde_json::Value as Json;

use crate::access::Access;
use crate::db::bulk;
use crate::db::{Conn, Db, Tx};
use crate::error::{Error, Result};
use crate::record::{ListPage, ListQuery, Record, ScanQuery, Sort};
use crate::search::{Candidates, SPELT, is_spelling, list_sql};
use crate::sql::{Dialect, Select, quote};
use crate::store::Store;
use crate::version::TOUCHING;

#[cfg(test)]
mod tests;

/// Rows that a scan hands over at once: large enough that the handing over
/// costs nothing, small enough to stay in the processor's cache.
const PORTION: usize = 1024;

impl Store {
    /// One page, in a stable order: by the query's sort, then by id.
    pub async fn list(&self, query: &ListQuery, access: &Access) -> Result<ListPage> {
        let mut reader = self.db().reader().await?;
        let mut conn = reader.conn();
        let candidates = self.searched(&mut conn, query).await?;
        let ListSql {
            sql,
            count_sql,
            params,
            kinds,
            masks,
        } = self.list_sql(query, &candidates, access)?;
        let mut rows = conn.rows(sql, &params, &kinds).await?;
        let next = match rows.len() > query.limit as usize {
            true => {
                rows.truncate(query.limit as usize);
                rows.last().map(|row| cursor(&row[query.fields.len()..]))
            }
            false => None,
        };
        for row in &mut rows {
            row.truncate(query.fields.len());
            cover(row, &masks);
        }
        let total = match count_sql {
            Some((sql, params)) => Some(conn.int(sql, &params).await?),
            None => None,
        };
        Ok(ListPage { rows, total, next })
    }

    /// `None` when there is no such record or the caller may not see it.
    pub async fn get(&self, object: &str, id: i64, access: &Access) -> Result<Option<Record>> {
        let mut reader = self.db().reader().await?;
        self.record(&mut reader.conn(), object, id, access, false)
            .await
    }

    /// Hands every row to `each`, its values in the order of the query's
    /// fields; memory stays constant. Returns how many there were. An error of
    /// `each` ends the scan and is returned.
    pub async fn scan<E, F>(
        &self,
        query: &ScanQuery,
        access: &Access,
        mut each: F,
    ) -> std::result::Result<u64, E>
    where
        F: FnMut(&[Value]) -> std::result::Result<(), E> + Send,
        E: From<Error> + Send,
    {
        let (sql, params, kinds, masks) = self.scan_sql(query, access)?;
        let mut each = move |row: &[Value]| match masks.is_empty() {
            true => each(row),
            false => {
                let mut row = row.to_vec();
                cover(&mut row, &masks);
                each(&row)
            }
        };
        match self.db() {
            Db::Postgres(_) => {
                let mut reader = self.db().reader().await?;
                reader.conn().each(sql, &params, &kinds, each).await
            }
            Db::Sqlite(pools) => {
                let mut conn = pools.readers.acquire().await.map_err(crate::db::fault)?;
                let (send, mut receive) = tokio::sync::mpsc::channel(4);
                let reading = tokio::task::spawn_blocking(move || {
                    bulk::read(&mut conn, &sql, &params, &kinds, PORTION, |rows| {
                        send.blocking_send(rows).is_ok()
                    })
                });
                let mut n_rows = 0;
                while let Some(rows) = receive.recv().await {
                    for row in rows.iter() {
                        each(row)?;
                        n_rows += 1;
                    }
                }
                reading
                    .await
                    .map_err(|e| Error::Query(format!("the scan broke off: {e}")))??;
                Ok(n_rows)
            }
        }
    }

    /// One record with every field that the caller may see; `lock` keeps it
    /// from other writers until the transaction ends.
    pub(crate) async fn record(
        &self,
        conn: &mut crate::db::Conn<'_>,
        object: &str,
        id: i64,
        access: &Access,
        lock: bool,
    ) -> Result<Option<Record>> {
        let mut select = Select::new(conn.dialect(), &self.0.catalog, access, object)?;
        let end = match lock && conn.dialect() == Dialect::Postgres {
            true => " for update of t",
            false => "",
        };
        let found = self
            .one(conn, &mut select, id, access, "cast(0 as bigint)", end)
            .await?;
        Ok(found.map(|(record, _)| record))
    }

    /// With its version, of one moment: in one statement, which is one way to a
    /// server and back.
    pub(crate) async fn record_with_version(
        &self,
        conn: &mut crate::db::Conn<'_>,
        object: &str,
        id: i64,
        access: &Access,
    ) -> Result<Option<(Record, i64)>> {
        let mut select = Select::new(conn.dialect(), &self.0.catalog, access, object)?;
        let of = select.bind(object.into());
        let touching = TOUCHING
            .replace("$1", &of)
            .replace("$2", "t.\"id\"")
            .replace("$3", "t.\"batch\"");
        let version = format!("(select max(seq) from ({touching}) as touching)");
        self.one(conn, &mut select, id, access, &version, "").await
    }

    /// The record, and the whole number that `beside` gives.
    async fn one(
        &self,
        conn: &mut crate::db::Conn<'_>,
        select: &mut Select<'_>,
        id: i64,
        access: &Access,
        beside: &str,
        end: &str,
    ) -> Result<Option<(Record, i64)>> {
        let object = select.object;
        let def = self.0.catalog.object(object)?;
        let fields: Vec<_> = def
            .fields
            .iter()
            .filter(|f| access.shows(object, &f.id))
            .collect();
        let mut columns = vec![beside.to_owned(), format!("t.{}", quote("batch"))];
        let mut kinds = vec![Type::Int, Type::Int];
        for field in &fields {
            columns.push(format!("t.{}", quote(&field.id)));
            kinds.push(field.kind);
        }
        let condition = select.condition(None)?;
        let id_param = select.bind(Value::Int(id));
        let sql = format!(
            "select {} {} where t.\"id\" = {id_param} and {condition}{end}",
            columns.join(", "),
            select.from()
        );
        let Some(row) = conn.row(sql, &select.params, &kinds).await? else {
            return Ok(None);
        };
        let mut values = row.into_iter();
        let mut number = || values.next().as_ref().and_then(crate::db::int);
        let (beside, batch) = (number().unwrap_or(0), number());
        let values = fields.iter().zip(values).map(|(field, value)| {
            let value = match access.masks(object, &field.id) {
                true => field.mask.cover(&value),
                false => value,
            };
            (field.id.clone(), value)
        });
        let record = Record {
            object: object.to_owned(),
            id,
            batch,
            values: values.collect(),
        };
        Ok(Some((record, beside)))
    }

    /// A read-only transaction.
    pub(crate) async fn snapshot(&self) -> Result<Tx> {
        self.db().snapshot().await
    }

    fn list_sql(
        &self,
        query: &ListQuery,
        candidates: &Candidates,
        access: &Access,
    ) -> Result<ListSql> {
        let dialect = self.db().dialect();
        let mut select = Select::new(dialect, &self.0.catalog, access, &query.object)?;
        // Before the columns, which the count does without: a derived one may
        // have values of its own.
        let mut condition = select.condition(query.filter.as_ref())?;
        if let Some(search) = self.search_sql(&mut select, query, candidates)? {
            condition = format!("{condition} and {search}");
        }
        let count_sql = query.total.then(|| {
            let sql = format!("select count(*) {} where {condition}", select.from());
            (sql, select.params.clone())
        });
        let mut columns = Vec::new();
        let mut kinds = Vec::new();
        let mut masks = Vec::new();
        for (i, path) in query.fields.iter().enumerate() {
            let (column, kind, mask) = select.shown(path)?;
            columns.push(column);
            kinds.push(kind);
            masks.extend(mask.map(|mask| (i, mask)));
        }
        let keys = self.sort_keys(&mut select, &query.object, &query.sort)?;
        for key in &keys {
            columns.push(key.column.clone());
            kinds.push(key.kind);
        }
        if let Some(after) = &query.after {
            let at = read_cursor(after, &keys)?;
            condition = format!("{condition} and {}", after_sql(&mut select, &keys, &at));
        }
        let order: Vec<String> = keys.iter().map(|key| key.order(dialect)).collect();
        let sql = format!(
            "select {} {} where {condition} order by {} limit {} offset {}",
            columns.join(", "),
            select.from(),
            order.join(", "),
            u64::from(query.limit) + 1,
            // Beyond it SQLite reads a float; there is no record there anyway.
            query.offset.min(i64::MAX as u64)
        );
        Ok(ListSql {
            sql,
            count_sql,
            params: select.params,
            kinds,
            masks,
        })
    }

    fn scan_sql(
        &self,
        query: &ScanQuery,
        access: &Access,
    ) -> Result<(String, Vec<Value>, Vec<Type>, Masks)> {
        let dialect = self.db().dialect();
        let mut select = Select::new(dialect, &self.0.catalog, access, &query.object)?;
        let mut columns = Vec::new();
        let mut kinds = Vec::new();
        let mut masks = Vec::new();
        for (i, path) in query.fields.iter().enumerate() {
            let (column, kind, mask) = select.shown(path)?;
            columns.push(column);
            kinds.push(kind);
            masks.extend(mask.map(|mask| (i, mask)));
        }
        let keys = self.sort_keys(&mut select, &query.object, &query.sort)?;
        let condition = select.condition(query.filter.as_ref())?;
        let order: Vec<String> = keys.iter().map(|key| key.order(dialect)).collect();
        let sql = format!(
            "select {} {} where {condition} order by {}",
            columns.join(", "),
            select.from(),
            order.join(", ")
        );
        Ok((sql, select.params, kinds, masks))
    }

    /// The keys of an order, always ending with the id.
    fn sort_keys(&self, select: &mut Select<'_>, object: &str, sort: &[Sort]) -> Result<Vec<Key>> {
        let mut keys = Vec::new();
        let by_id = Sort::asc("id");
        for sort in sort.iter().chain([&by_id]) {
            let (column, kind) = select.path(&sort.path)?;
            if keys.iter().any(|key: &Key| key.column == column) {
                continue;
            }
            let is_full = sort.path == "id"
                || self
                    .0
                    .shape
                    .column(object, &sort.path)
                    .is_some_and(|c| c.not_null);
            keys.push(Key {
                column,
                kind,
                descending: sort.descending,
                is_full,
            });
        }
        Ok(keys)
    }

    /// Where a query searches, as paths.
    fn search_paths(&self, query: &ListQuery) -> Result<Vec<String>> {
        if !query.search_in.is_empty() {
            return Ok(query.search_in.clone());
        }
        let def = self.0.catalog.object(&query.object)?;
        let own = def.fields.iter().filter(|f| f.search);
        Ok(own.map(|f| f.id.clone()).collect())
    }

    /// The objects at the ends of those paths.
    fn searched_objects(&self, query: &ListQuery) -> Result<BTreeSet<String>> {
        let paths = self.search_paths(query)?;
        let objects = paths.iter().map(|path| {
            let (link, _) = path.rsplit_once('.').unwrap_or(("id", path));
            self.object_behind(&query.object, link)
        });
        objects.collect()
    }

    fn object_behind(&self, object: &str, link: &str) -> Result<String> {
        if link == "id" {
            return Ok(object.to_owned());
        }
        let steps: Vec<String> = link.split('.').map(str::to_owned).collect();
        let field = self.0.catalog.field(object, &steps)?;
        (field.to.clone()).ok_or_else(|| Error::Query(format!("`{link}` leads to no object")))
    }

    /// What the index leaves of the records to search, for `search_sql`.
    pub(crate) async fn searched(
        &self,
        conn: &mut Conn<'_>,
        query: &ListQuery,
    ) -> Result<Candidates> {
        let Some(text) = searched(query) else {
            return Ok(Candidates::new());
        };
        let objects = self.searched_objects(query)?;
        self.candidates(conn, &objects, text).await
    }

    pub(crate) fn search_sql(
        &self,
        select: &mut Select<'_>,
        query: &ListQuery,
        candidates: &Candidates,
    ) -> Result<Option<String>> {
        let Some(text) = searched(query) else {
            return Ok(None);
        };
        let may_be_spelt = is_spelling(text);
        let text = select.bind(Value::Text(text.to_ascii_lowercase()));
        // By the link that leads to the object, what matches there.
        let mut by_link: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in self.search_paths(query)? {
            // An own field that is hidden is left out, one asked for by name is
            // an error.
            let (column, kind) = match select.path(&path) {
                Ok(found) => found,
                Err(_) if query.search_in.is_empty() => continue,
                Err(e) => return Err(e),
            };
            if !matches!(kind, Type::Text | Type::Choice) {
                return Err(Error::Query(format!("`{path}` is not a text to search in")));
            }
            let (link, field) = path.rsplit_once('.').unwrap_or(("id", &path));
            let any = by_link.entry(link.to_owned()).or_default();
            if may_be_spelt && field == SPELT {
                let object = self.object_behind(&query.object, link)?;
                let (id, _) = select.path(link)?;
                any.push(spelling_sql(select.dialect, &object, &id, &text));
            }
            any.push(match select.dialect {
                Dialect::Sqlite => format!("instr(lower({column}), {text}) > 0"),
                Dialect::Postgres => {
                    format!("strpos(lower({column} collate \"C\"), {text}::text) > 0")
                }
            });
        }
        let mut found = Vec::new();
        for (link, any) in by_link {
            let any = any.join(" or ");
            let object = self.object_behind(&query.object, &link)?;
            let Some(ids) = candidates.get(&object) else {
                found.push(format!("({any})"));
                continue;
            };
            let (id, _) = select.path(&link)?;
            let ids = select.bind(Value::Text(ids.clone()));
            let ids = list_sql(select.dialect, &ids);
            found.push(format!("({id} in ({ids}) and ({any}))"));
        }
        Ok(Some(if found.is_empty() {
            "false".to_owned()
        } else {
            format!("({})", found.join(" or "))
        }))
    }
}

/// A record whose name is spelt like the text.
fn spelling_sql(dialect: Dialect, object: &str, id: &str, text: &str) -> String {
    let has = |column: &str| match dialect {
        Dialect::Sqlite => format!("instr(k.{column}, {text}) > 0"),
        Dialect::Postgres => format!("strpos(k.{column}, {text}::text) > 0"),
    };
    format!(
        "exists (select 1 from keji_spelling k where k.object = '{object}' \
         and k.record = {id} and ({} or {}))",
        has("initials"),
        has("spelt")
    )
}

/// The text that a query searches for.
fn searched(query: &ListQuery) -> Option<&str> {
    let text = query.search.as_deref().map(str::trim);
    text.filter(|text| !text.is_empty())
}

/// Places of covered values, each with how it is covered.
type Masks = Vec<(usize, Mask)>;

fn cover(row: &mut [Value], masks: &Masks) {
    for (at, mask) in masks {
        row[*at] = mask.cover(&row[*at]);
    }
}

struct ListSql {
    sql: String,
    count_sql: Option<(String, Vec<Value>)>,
    params: Vec<Value>,
    kinds: Vec<Type>,
    masks: Masks,
}

/// One key of an order.
struct Key {
    column: String,
    kind: Type,
    descending: bool,
    /// Never null.
    is_full: bool,
}

impl Key {
    /// Nulls last in both directions, in the words that still let each
    /// database use an index: SQLite has nulls first, PostgreSQL last.
    fn order(&self, dialect: Dialect) -> String {
        let direction = if self.descending { " desc" } else { "" };
        let is_last_anyway = self.descending == (dialect == Dialect::Sqlite);
        let nulls = if self.is_full || is_last_anyway {
            ""
        } else {
            " nulls last"
        };
        format!("{}{direction}{nulls}", self.column)
    }
}

/// The records behind the one whose keys are `at`.
fn after_sql(select: &mut Select<'_>, keys: &[Key], at: &[Value]) -> String {
    let mut any = Vec::new();
    let mut equal = Vec::new();
    for (key, value) in keys.iter().zip(at) {
        let column = &key.column;
        if value.is_null() {
            // Nothing comes behind null but other nulls.
            equal.push(format!("{column} is null"));
            continue;
        }
        let bound = select.bind(value.clone());
        let sign = if key.descending { "<" } else { ">" };
        let or_null = if key.is_full {
            String::new()
        } else {
            format!(" or {column} is null")
        };
        let mut all = equal.clone();
        all.push(format!("({column} {sign} {bound}{or_null})"));
        any.push(format!("({})", all.join(" and ")));
        equal.push(format!("{column} = {bound}"));
    }
    let any = format!("({})", any.join(" or "));
    // What follows from it already, in the words that let an index begin there.
    match (keys.first(), at.first()) {
        (Some(key), Some(value)) if key.is_full && keys.len() > 1 => {
            let bound = select.bind(value.clone());
            let sign = if key.descending { "<=" } else { ">=" };
            format!("{} {sign} {bound} and {any}", key.column)
        }
        _ => any,
    }
}

/// Keys as text for the caller to give back.
fn cursor(keys: &[Value]) -> String {
    let all: Vec<Json> = keys
        .iter()
        .map(|key| match key {
            // A float travels by its bits: its text might be another number.
            Value::Float(x) => Json::from(x.to_bits()),
            other => serde_json::to_value(other).unwrap_or(Json::Null),
        })
        .collect();
    Json::Array(all).to_string()
}

fn read_cursor(text: &str, keys: &[Key]) -> Result<Vec<Value>> {
    let wrong = || Error::Query(format!("`{text}` is not the next page of this list"));
    let all: Vec<Json> = serde_json::from_str(text).map_err(|_| wrong())?;
    if all.len() != keys.len() {
        return Err(wrong());
    }
    let read = |(json, key): (&Json, &Key)| {
        if json.is_null() {
            return (!key.is_full).then_some(Value::Null);
        }
        Some(match key.kind {
            Type::Text | Type::Choice => Value::Text(json.as_str()?.to_owned()),
            Type::Int | Type::Link => Value::Int(json.as_i64()?),
            Type::Decimal => Value::Decimal(json.as_str()?.parse().ok()?),
            Type::Float => Value::Float(f64::from_bits(json.as_u64()?)),
            Type::Bool => Value::Bool(json.as_bool()?),
            Type::Date => Value::Date(json.as_str()?.parse().ok()?),
            Type::Instant => Value::Instant(json.as_str()?.parse().ok()?),
        })
    };
    all.iter()
        .zip(keys)
        .map(|pair| read(pair).ok_or_else(wrong))
        .collect()
}

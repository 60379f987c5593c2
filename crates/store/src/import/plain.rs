//! Plain records of one object from a file: staged aside like order lines,
//! then added, and known ones filled or updated, in one transaction.
//!
//! A record is known by the object's number. Where the object has none, it is
//! known when all the values that the file gives are equal; the second of two
//! equal rows is then known only where the store has two as well. So the same
//! file again changes nothing.

use std::collections::BTreeMap;

use keji_schema::definition::{ObjectDef, Origin};
use keji_schema::{Type, Value};

use super::merge::{
    as_map, attached, close_batch, highest_id, is_interrupted, months, stop_when_asked,
};
use super::stage::{Place, Staging};
use super::{broken, entries, missing};
use crate::access::Access;
use crate::batch::{Batch, BatchId, BatchState, ImportMode, ImportSummary, NewBatch};
use crate::change::ChangeKind;
use crate::db::bulk::Rows;
use crate::db::{Conn, Db, Fields, fault};
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::number;
use crate::sql::{Dialect, Select, quote};
use crate::store::{Cancel, Store};
use crate::write::{check_rules_of, constraint, now, origin_value};
use sqlx::Connection;

/// A record that a text of a file may mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub id: i64,
    /// The values of the links that were asked for.
    pub links: Vec<Value>,
}

/// That a number was that of a record which was merged into another one.
/// `number` is the object's field. Where another record has it by now, it is
/// that one's.
pub(super) fn merged_away(object: &str, number: &str, column: &str) -> String {
    format!(
        "exists (select 1 from keji_alias a where a.object = '{object}' and a.number = {column}) \
         and not exists (select 1 from {} m where m.{} = {column})",
        quote(object),
        quote(number)
    )
}

impl Store {
    /// The records that the caller sees whose text field `field` is one of
    /// `texts`, by that text, each with its values of `links`.
    pub async fn find_by_text(
        &self,
        object: &str,
        field: &str,
        texts: &[&str],
        links: &[String],
        access: &Access,
    ) -> Result<BTreeMap<String, Vec<Found>>> {
        let dialect = self.db().dialect();
        let mut select = Select::new(dialect, self.catalog(), access, object)?;
        let (column, _) = select.path(field)?;
        let mut columns = vec![column.clone(), "t.\"id\"".to_owned()];
        let mut kinds = vec![Type::Text, Type::Int];
        for link in links {
            columns.push(select.path(link)?.0);
            kinds.push(Type::Int);
        }
        let condition = select.condition(None)?;
        let list = serde_json::to_string(texts).map_err(|e| Error::Query(e.to_string()))?;
        let list = select.bind(Value::Text(list));
        let among = match dialect {
            Dialect::Sqlite => format!("(select value from json_each({list}))"),
            Dialect::Postgres => format!("(select json_array_elements_text({list}::json))"),
        };
        let sql = format!(
            "select {} {} where {column} in {among} and {condition}",
            columns.join(", "),
            select.from()
        );
        let params = std::mem::take(&mut select.params);
        let mut reader = self.db().reader().await?;
        let mut found: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for row in reader.conn().rows(sql, &params, &kinds).await? {
            let mut row = Fields::new(row);
            let (text, id) = (row.text()?, row.int()?);
            let links = links.iter().map(|_| row.value()).collect();
            found.entry(text).or_default().push(Found { id, links });
        }
        drop(reader);
        if self.catalog().object(object)?.number.as_deref() == Some(field) {
            self.find_by_alias(object, texts, links, access, &mut found)
                .await?;
        }
        Ok(found)
    }

    /// The same of numbers that are no record's any more.
    async fn find_by_alias(
        &self,
        object: &str,
        texts: &[&str],
        links: &[String],
        access: &Access,
        found: &mut BTreeMap<String, Vec<Found>>,
    ) -> Result<()> {
        let missing = texts.iter().filter(|text| !found.contains_key(**text));
        let missing: Vec<String> = missing.map(|text| (*text).to_owned()).collect();
        for (number, id) in self.aliases(object, &missing).await? {
            let Some(record) = self.get(object, id, access).await? else {
                continue;
            };
            let links = links
                .iter()
                .map(|link| record.value(link).clone())
                .collect();
            found.entry(number).or_default().push(Found { id, links });
        }
        Ok(())
    }

    /// Opens a batch to stage plain records of an object in, with values of
    /// `fields`. It ends with this process.
    pub async fn records_begin(
        &self,
        batch: &NewBatch,
        object: &str,
        fields: &[String],
    ) -> Result<BatchId> {
        let def = self.catalog().object(object)?;
        if let Some(by) = &def.written_by {
            return Err(Error::Refused {
                object: object.to_owned(),
                by: by.clone(),
            });
        }
        if batch.mode == ImportMode::Replace
            || (batch.mode == ImportMode::Update && def.number.is_none())
        {
            return Err(Error::Query(format!(
                "records of `{object}` cannot be imported in this mode"
            )));
        }
        let mut columns = Vec::new();
        for field in fields {
            let kind = self
                .catalog()
                .field(object, std::slice::from_ref(field))?
                .kind;
            columns.push((field.clone(), kind));
        }
        let batch = NewBatch {
            fingerprint: None,
            ..batch.clone()
        };
        let opened = self.begin_with(&batch, Some((object, &columns))).await?;
        Ok(opened.id)
    }

    /// Adds rows: `row_no`, which must ascend, and the values of the fields.
    /// The caller has checked the values against the definition.
    pub async fn records_stage(&self, batch: BatchId, rows: Vec<Value>) -> Result<()> {
        let slot = self.staged(batch).await?;
        let mut slot = slot.lock().await;
        let staging = slot.take().ok_or_else(|| broken(batch))?;
        let width = staging.n_columns();
        let values = rows.into_iter().map(without_zero).collect();
        *slot = Some(staging.add_values(Rows { width, values }).await?);
        Ok(())
    }
}

/// PostgreSQL has no zero character in text, so neither store keeps one.
fn without_zero(value: Value) -> Value {
    match value {
        Value::Text(text) if text.contains('\0') => Value::Text(text.replace('\0', "")),
        other => other,
    }
}

/// Consumes the staging, whatever comes of it.
pub(super) async fn merge(
    store: &Store,
    id: BatchId,
    staging: Staging,
    object: &str,
    cancel: &Cancel,
) -> Result<ImportSummary> {
    let batch = store.batch(id).await?.ok_or_else(|| missing(id))?;
    let def = store.catalog().object(object)?.clone();
    let fields = staging.filled_fields();
    let merge = Merge {
        store,
        batch: &batch,
        def: &def,
        fields: &fields,
        cancel,
    };
    let merged = match (staging.place, store.db()) {
        (Place::Sqlite { mut conn, file }, Db::Sqlite(pools)) => {
            let end = ["commit".to_owned()];
            Conn::Sqlite(&mut conn).script(&end).await?;
            conn.close().await.map_err(fault)?;
            // As for order lines: the pool's one writer waits meanwhile.
            let _place = pools.writer.acquire().await.map_err(fault)?;
            let mut conn = attached(&pools.folder, &file).await?;
            stop_when_asked(&mut conn, cancel).await?;
            let mut tx = conn.begin_with("begin immediate").await.map_err(fault)?;
            let merged = merge.run(&mut Conn::Sqlite(&mut tx)).await;
            let merged = match merged {
                Ok(summary) => tx.commit().await.map_err(fault).map(|()| summary),
                Err(e) => {
                    let _ = tx.rollback().await;
                    Err(e)
                }
            };
            let _ = conn.close().await;
            merged
        }
        (Place::Postgres { mut conn, .. }, _) => {
            let merged = async {
                let mut tx = conn.begin().await.map_err(fault)?;
                let mut on = Conn::Postgres(&mut tx);
                on.more_memory().await?;
                on.script(&["analyze stage_line".to_owned()]).await?;
                let summary = merge.run(&mut on).await?;
                tx.commit().await.map_err(fault)?;
                Ok(summary)
            }
            .await;
            let _ = conn.close().await;
            merged
        }
        (Place::Sqlite { .. }, Db::Postgres(_)) => Err(Error::Query("staged elsewhere".to_owned())),
    };
    match merged {
        Err(e) if cancel.is_asked() && is_interrupted(&e) => Err(Error::Cancelled),
        Err(e) => Err(constraint(e, object, None)),
        Ok(summary) => Ok(summary),
    }
}

struct Merge<'a> {
    store: &'a Store,
    batch: &'a Batch,
    def: &'a ObjectDef,
    /// Those of which the file has any value.
    fields: &'a [(String, Type)],
    cancel: &'a Cancel,
}

impl Merge<'_> {
    async fn run(&self, conn: &mut Conn<'_>) -> Result<ImportSummary> {
        let object = self.def.id.as_str();
        let name = quote(object);
        if conn.dialect() == Dialect::Postgres {
            let sql = format!("lock table {name} in share row exclusive mode");
            conn.run(sql, &[]).await?;
        }
        let max = highest_id(conn, object).await?;
        let mut summary = ImportSummary {
            object: Some(object.to_owned()),
            rows: conn.int("select count(*) from stage_line", &[]).await?,
            ..ImportSummary::default()
        };
        self.cancel.check()?;
        let mut touches = Touches::new();
        let mut updates = None;
        let number = self.def.number.as_ref();
        match number.filter(|n| self.fields.iter().any(|(field, _)| field == *n)) {
            Some(number) => {
                let number = quote(number);
                self.find_by_number(conn, &number, max).await?;
                let n = conn.int("select count(*) from plain_first", &[]).await?;
                summary.rows_repeated = summary.rows - n;
                summary.records_new = self.insert_by_number(conn, &number).await?;
                summary.records_known = n - summary.records_new;
                let sql = format!("select count(*) from fill_{object}");
                summary.records_changed = conn.int(sql, &[]).await?;
                if summary.records_changed > 0 {
                    updates = Some(self.changeable());
                }
            }
            None => {
                summary.records_new = self.insert_by_all(conn, max).await?;
                summary.records_known = summary.rows - summary.records_new;
            }
        }
        self.cancel.check()?;
        let is_filled = updates.is_some();
        if summary.records_new + summary.records_changed > 0 {
            log::take(conn).await?;
            self.touch(conn, &format!("t.id > {max}"), &mut touches)
                .await?;
            if let Some(fields) = updates {
                self.update(conn, &fields, &mut touches).await?;
            }
            let mut written = format!("t.id > {max}");
            if is_filled {
                written.push_str(&format!(" or t.id in (select id from fill_{object})"));
            }
            check_rules_of(conn, self.store.catalog(), self.def, &written).await?;
            let after = as_map(&summary);
            let entry = Entry {
                at: now(),
                actor: &self.batch.actor,
                channel: &self.batch.channel,
                kind: ChangeKind::Import,
                object: Some(object),
                record: None,
                batch: Some(self.batch.id.0),
                before: None,
                after: Some(&after),
            };
            let seq = log::append(conn, &entry).await?;
            log::touch(conn, seq, &touches, None).await?;
            summary.seq = Some(seq);
        }
        close_batch(conn, self.batch.id, BatchState::Merged, &summary).await?;
        self.store.renew_leases(conn).await?;
        // The last moment at which a stop still leaves nothing behind.
        self.cancel.check()?;
        Ok(summary)
    }

    /// What a file may change in a known record: not when and by whom it was
    /// made.
    fn changeable(&self) -> Vec<(String, Type)> {
        let fields = self.fields.iter();
        fields
            .filter(|(field, _)| Origin::of(field).is_none())
            .cloned()
            .collect()
    }

    /// The columns of new records beside the batch, `, name, phone`, their
    /// values, and the parameters: `$1` is the batch. When and by whom a record
    /// was made the file may leave open. Where it has no numbers, the records
    /// get those from `first` on.
    fn made(&self, first: Option<i64>) -> (String, String, Vec<Value>) {
        let mut params = vec![Value::Int(self.batch.id.0)];
        let (mut columns, mut values) = (String::new(), String::new());
        let own = self.fields.iter().map(|(f, _)| f.as_str());
        for field in own.filter(|f| Origin::of(f).is_none()) {
            columns.push_str(&format!(", {}", quote(field)));
            values.push_str(&format!(", s.{}", quote(field)));
        }
        if let (Some(first), Some(number)) = (first, &self.def.number) {
            columns.push_str(&format!(", {}", quote(number)));
            values.push_str(&format!(
                ", cast({first} - 1 + row_number() over (order by s.row_no) as text)"
            ));
        }
        for origin in Origin::ALL.into_iter().filter(|_| self.def.has_origin) {
            let id = origin.id();
            params.push(origin_value(origin, &self.batch.actor));
            columns.push_str(&format!(", {id}"));
            let n = params.len();
            values.push_str(&match self.fields.iter().any(|(f, _)| f == id) {
                true => format!(", coalesce(s.{id}, ${n})"),
                false => format!(", ${n}"),
            });
        }
        (columns, values, params)
    }

    /// The first row of each number, as `plain_first`, and what the file
    /// changes in known records, as `fill_<object>`: empty cells change
    /// nothing, and a file that only adds fills what is empty.
    async fn find_by_number(&self, conn: &mut Conn<'_>, number: &str, max: i64) -> Result<()> {
        let object = &self.def.id;
        let (mut values, mut any) = (String::new(), Vec::new());
        for (field, _) in self.changeable() {
            let field = quote(&field);
            let differs = match self.batch.mode {
                ImportMode::Add => format!("m.{field} is null"),
                _ => format!("(m.{field} is null or m.{field} <> s.{field})"),
            };
            values.push_str(&format!(
                ", case when {differs} then s.{field} end as {field}"
            ));
            any.push(format!("(s.{field} is not null and {differs})"));
        }
        let temporary = "create temporary table";
        let mut script = vec![
            format!(
                "{temporary} plain_first as select {number} as number, min(row_no) as row_no \
                 from stage_line group by {number}"
            ),
            format!(
                "{temporary} fill_{object} as select m.id as id{values} from plain_first k \
                 join stage_line s on s.row_no = k.row_no join {} m on m.{number} = k.number \
                 where m.id <= {max} and ({})",
                quote(object),
                any.join(" or ")
            ),
        ];
        // Whose number it was became a part of another record, which keeps what
        // it has.
        script.insert(
            1,
            format!(
                "delete from plain_first where {}",
                merged_away(object, number.trim_matches('"'), "plain_first.number")
            ),
        );
        if conn.dialect() == Dialect::Postgres {
            script.insert(2, "analyze plain_first".to_owned());
        }
        conn.script(&script).await
    }

    async fn insert_by_number(&self, conn: &mut Conn<'_>, number: &str) -> Result<i64> {
        let (columns, values, params) = self.made(None);
        let sql = format!(
            "insert into {object} (batch{columns}) select $1{values} from plain_first k \
             join stage_line s on s.row_no = k.row_no \
             where not exists (select 1 from {object} m where m.{number} = k.number) \
             order by k.row_no",
            object = quote(&self.def.id),
        );
        Ok(conn.run(sql, &params).await? as i64)
    }

    async fn insert_by_all(&self, conn: &mut Conn<'_>, max: i64) -> Result<i64> {
        let object = quote(&self.def.id);
        let first = match &self.def.number {
            Some(number) => {
                let n = conn.int("select count(*) from stage_line", &[]).await?;
                Some(number::reserve(conn, &self.def.id, number, n).await?)
            }
            None => None,
        };
        if max == 0 {
            // Nothing is known, and equal rows are as many records.
            let (columns, values, params) = self.made(first);
            let sql = format!(
                "insert into {object} (batch{columns}) select $1{values} \
                 from stage_line s order by s.row_no"
            );
            return Ok(conn.run(sql, &params).await? as i64);
        }
        let key = |of: &str| -> String {
            let parts = self.fields.iter().map(|(field, _)| {
                let column = format!("{of}.{}", quote(field));
                match conn.dialect() {
                    Dialect::Sqlite => format!("coalesce(cast({column} as text), char(1))"),
                    Dialect::Postgres => format!("coalesce({column}::text, chr(1))"),
                }
            });
            let between = match conn.dialect() {
                Dialect::Sqlite => " || char(31) || ",
                Dialect::Postgres => " || chr(31) || ",
            };
            parts.collect::<Vec<_>>().join(between)
        };
        // Of a large object only what belongs to the same customers is read.
        let narrow = self.def.indexes.iter().filter_map(|index| index.first());
        let narrow = narrow
            .filter(|first| {
                self.def
                    .field(first)
                    .is_some_and(|f| f.required && f.to.is_some())
            })
            .find(|first| self.fields.iter().any(|(field, _)| field == *first))
            .map_or(String::new(), |first| {
                let first = quote(first);
                format!(" and m.{first} in (select {first} from stage_line)")
            });
        let temporary = "create temporary table";
        let mut script = vec![
            format!(
                "{temporary} plain_key as select row_no, key, \
                 row_number() over (partition by key order by row_no) as n \
                 from (select s.row_no, {} as key from stage_line s) as keyed",
                key("s")
            ),
            format!(
                "{temporary} plain_known as select key, count(*) as n from \
                 (select {} as key from {object} m where m.id <= {max}{narrow}) as keyed \
                 where key in (select key from plain_key) group by key",
                key("m")
            ),
        ];
        if conn.dialect() == Dialect::Postgres {
            script.insert(1, "analyze plain_key".to_owned());
            script.push("analyze plain_known".to_owned());
        }
        conn.script(&script).await?;
        let (columns, values, params) = self.made(first);
        let sql = format!(
            "insert into {object} (batch{columns}) select $1{values} from plain_key k \
             join stage_line s on s.row_no = k.row_no left join plain_known x on x.key = k.key \
             where k.n > coalesce(x.n, 0) order by k.row_no"
        );
        Ok(conn.run(sql, &params).await? as i64)
    }

    /// Writes `fill_<object>`, with one change per record before it.
    async fn update(
        &self,
        conn: &mut Conn<'_>,
        fields: &[(String, Type)],
        touches: &mut Touches,
    ) -> Result<()> {
        let object = self.def.id.as_str();
        let id = Value::Int(self.batch.id.0);
        let named: Vec<(&str, Type)> = fields.iter().map(|(f, k)| (f.as_str(), *k)).collect();
        let changed = format!("t.id in (select id from fill_{object})");
        self.touch(conn, &changed, touches).await?;
        let position = conn.int("select max(seq) from keji_change", &[]).await?;
        let params = [
            Value::Int(position),
            Value::Instant(now()),
            self.batch.actor.as_str().into(),
            self.batch.channel.as_str().into(),
            id,
        ];
        let sql = entries::log_updates(conn.dialect(), object, &named);
        conn.run(sql, &params).await?;
        self.cancel.check()?;
        let name = quote(object);
        let sets: Vec<String> = named
            .iter()
            .map(|(field, _)| quote(field))
            .map(|field| format!("{field} = coalesce(f.{field}, {name}.{field})"))
            .collect();
        let sql = format!(
            "update {name} set {} from fill_{object} f where f.id = {name}.id",
            sets.join(", ")
        );
        conn.run(sql, &[]).await?;
        self.touch(conn, &changed, touches).await?;
        // Copies of other objects that include a field of these records.
        let names: Vec<&str> = named.iter().map(|(field, _)| *field).collect();
        let catalog = self.store.catalog();
        for other in catalog.objects.values() {
            for link in log::links_that_copy(other, object, &names) {
                let Some(sql) = log::months_of(catalog, conn.dialect(), other)? else {
                    touches.insert((other.id.clone(), None));
                    continue;
                };
                let link = quote(link);
                let sql = format!("{sql} where t.{link} in (select id from fill_{object})");
                for month in months(conn, sql).await? {
                    touches.insert((other.id.clone(), month));
                }
            }
        }
        Ok(())
    }

    /// The parts of the object's own copy with records for which `own` holds.
    async fn touch(&self, conn: &mut Conn<'_>, own: &str, touches: &mut Touches) -> Result<()> {
        let Some(copy) = &self.def.copy else {
            return Ok(());
        };
        if copy.time.is_none() {
            touches.insert((self.def.id.clone(), None));
        } else if let Some(sql) = log::months_of(self.store.catalog(), conn.dialect(), self.def)? {
            for month in months(conn, format!("{sql} where {own}")).await? {
                touches.insert((self.def.id.clone(), month));
            }
        }
        Ok(())
    }
}

impl Staging {
    fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// The fields of which any row has a value.
    fn filled_fields(&self) -> Vec<(String, Type)> {
        let all = self.columns.iter().zip(&self.filled).skip(1);
        all.filter(|(_, filled)| **filled)
            .map(|(column, _)| column.clone())
            .collect()
    }
}

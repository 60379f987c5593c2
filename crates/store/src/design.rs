//! What was defined in the page: objects, and what is added to those of the
//! product. The database holds every state of it, whole, as files in the form
//! of the embedded ones; the tables follow in the transaction that stores a
//! new state. What is removed stays in the tables for a while, so that it can
//! come back with its values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Type, Value};
use serde_json::json;

use crate::change::ChangeKind;
use crate::db::{Conn, Fields};
use crate::ddl::{self, Kept, Shape};
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::manifest;
use crate::sql::{Dialect, quote};
use crate::store::Store;
use crate::system::{self, lock};
use crate::write::now;

/// How long PostgreSQL waits for those who read a table that is to change;
/// everybody who comes later waits behind it.
const PATIENCE: &str = "set local lock_timeout = '5s'";

/// One state of what was defined; version 0 is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Design {
    pub version: i64,
    /// Path below `definitions/` to text.
    pub files: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesignVersion {
    pub version: i64,
    pub at: Timestamp,
    pub actor: String,
    pub note: String,
}

/// What the tables keep of what was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trashed {
    pub object: String,
    /// None: the whole object.
    pub field: Option<String>,
    pub removed_at: Timestamp,
    /// The first one without it.
    pub version: i64,
}

/// A state that is to be.
#[derive(Debug, Clone)]
pub struct NewDesign {
    /// The version that it was made from.
    pub expected: i64,
    /// With its files.
    pub catalog: Arc<Catalog>,
    pub actor: String,
    pub channel: String,
    pub note: String,
}

impl Store {
    pub async fn design(&self) -> Result<Design> {
        newest(&mut self.db().reader().await?.conn()).await
    }

    /// The newest version, without its files.
    pub async fn design_version(&self) -> Result<i64> {
        let sql = "select coalesce(max(version), 0) from keji_definition";
        self.db().reader().await?.conn().int(sql, &[]).await
    }

    pub async fn design_at(&self, version: i64) -> Result<Option<Design>> {
        let mut reader = self.db().reader().await?;
        let sql = "select version, files from keji_definition where version = $1";
        let row = reader
            .conn()
            .row(sql, &[Value::Int(version)], &[Type::Int, Type::Text])
            .await?;
        row.map(design_of).transpose()
    }

    /// The newest `limit`, newest first.
    pub async fn design_versions(&self, limit: u32) -> Result<Vec<DesignVersion>> {
        let sql = "select version, at, actor, note from keji_definition \
                   order by version desc limit $1";
        let kinds = [Type::Int, Type::Instant, Type::Text, Type::Text];
        let mut reader = self.db().reader().await?;
        let limit = [Value::Int(i64::from(limit))];
        let rows = reader.conn().rows(sql, &limit, &kinds).await?;
        let read = |row| {
            let mut row = Fields::new(row);
            Ok(DesignVersion {
                version: row.int()?,
                at: row.instant()?,
                actor: row.text()?,
                note: row.text()?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Newest first.
    pub async fn trashed(&self) -> Result<Vec<Trashed>> {
        trashed(&mut self.db().reader().await?.conn()).await
    }

    /// How many records have a value there; of an object, how many there are.
    /// Also of what was removed.
    pub async fn count_filled(&self, object: &str, field: Option<&str>) -> Result<i64> {
        let place = match field {
            Some(field) => quote(field),
            None => "*".to_owned(),
        };
        let sql = format!("select count({place}) from {}", quote(object));
        self.db().reader().await?.conn().int(sql, &[]).await
    }

    /// How many records have this word in a choice.
    pub async fn count_option(&self, object: &str, field: &str, value: &str) -> Result<i64> {
        let sql = format!(
            "select count(*) from {} where {} = $1",
            quote(object),
            quote(field)
        );
        let mut reader = self.db().reader().await?;
        reader.conn().int(sql, &[value.into()]).await
    }

    /// As what a field is stored; also of one that was removed.
    pub fn stored_kind(&self, object: &str, field: &str) -> Option<Type> {
        self.0.shape.column(object, field).map(|column| column.kind)
    }

    /// Whether two records have the same value there.
    pub async fn has_repeats(&self, object: &str, field: &str) -> Result<bool> {
        let field = quote(field);
        let sql = format!(
            "select count(*) from (select 1 from {} where {field} is not null \
             group by {field} having count(*) > 1 limit 1) repeats",
            quote(object)
        );
        Ok(self.db().reader().await?.conn().int(sql, &[]).await? > 0)
    }

    /// Stores a new state and brings the tables to it: all or nothing. Returns
    /// the store that works with it.
    ///
    /// # Errors
    /// [`Error::Outdated`] where somebody else was faster, [`Error::TypeChange`]
    /// where a field is stored as something else.
    pub async fn define(&self, new: &NewDesign) -> Result<Store> {
        let wanted = ddl::shape(&new.catalog);
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        take(&mut conn).await?;
        let (present, stored) = state(&mut conn).await?;
        if present != new.expected {
            return Err(Error::Outdated(format!(
                "the definitions are at version {present}, not {}",
                new.expected
            )));
        }
        let version = present + 1;
        let at = now();
        let mut kept = kept(&mut conn).await?;
        let removed: Vec<_> = beyond(&stored, &wanted)
            .into_iter()
            .filter(|place| !kept.contains(place))
            .collect();
        for (object, field) in &removed {
            let sql = "insert into keji_trash (object, field, removed_at, version) \
                       values ($1, $2, $3, $4)";
            let params = [
                object.as_str().into(),
                field.as_deref().unwrap_or_default().into(),
                Value::Instant(at),
                Value::Int(version),
            ];
            conn.run(sql, &params).await?;
        }
        kept.extend(removed);
        for place in kept.iter().filter(|place| has(&wanted, place)) {
            forget(&mut conn, place).await?;
        }
        let shape = system::reshape(&mut conn, &stored, &wanted, &kept, false).await?;
        let files = serde_json::to_string(&new.catalog.designed)
            .map_err(|e| Error::Corrupt(e.to_string()))?;
        let sql = "insert into keji_definition (version, at, actor, note, files) \
                   values ($1, $2, $3, $4, $5)";
        let params = [
            Value::Int(version),
            Value::Instant(at),
            new.actor.as_str().into(),
            new.note.as_str().into(),
            Value::Text(files),
        ];
        conn.run(sql, &params).await?;
        let after = json!({ "version": version, "note": new.note });
        let entry = Entry {
            at,
            actor: &new.actor,
            channel: &new.channel,
            kind: ChangeKind::Define,
            object: None,
            record: None,
            batch: None,
            before: None,
            after: after.as_object(),
        };
        let touches = self.copied_otherwise(&mut conn, &new.catalog).await?;
        log::append_touching(&mut conn, &entry, &touches, None).await?;
        tx.commit().await?;
        Ok(self.with(new.catalog.clone(), shape))
    }

    /// Parts of objects that are copied by another date from now on, or at all:
    /// what was written while they were not left no trace of its month.
    async fn copied_otherwise(&self, conn: &mut Conn<'_>, new: &Catalog) -> Result<Touches> {
        let mut touches = Touches::new();
        for def in new.objects.values() {
            let time = |def: &ObjectDef| def.copy.as_ref().map(|copy| copy.time.clone());
            let old = self.0.catalog.objects.get(&def.id).and_then(time);
            if def.copy.is_none() || old == time(def) {
                continue;
            }
            let standing = manifest::files(conn, Some(&def.id)).await?;
            touches.extend(
                standing
                    .into_iter()
                    .map(|file| (def.id.clone(), file.month)),
            );
            match log::months_of(new, conn.dialect(), def)? {
                None => drop(touches.insert((def.id.clone(), None))),
                Some(sql) => {
                    for row in conn.rows(sql, &[], &[Type::Date]).await? {
                        let month = Fields::new(row).optional_date();
                        touches.extend(month.map(|month| (def.id.clone(), Some(month))));
                    }
                }
            }
        }
        Ok(touches)
    }

    /// After another process stored a state: the store that works with it.
    pub async fn with_catalog(&self, catalog: Arc<Catalog>) -> Result<Store> {
        let stored = system::stored_shape(&mut self.db().reader().await?.conn()).await?;
        let (_, shape) = stored.unwrap_or_default();
        Ok(self.with(catalog, shape))
    }

    /// Removes for good, with its values, what was removed before `before`, or
    /// the one thing named.
    pub async fn empty_trash(&self, which: Emptied<'_>) -> Result<Vec<Trashed>> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        take(&mut conn).await?;
        let mut gone = trashed(&mut conn).await?;
        gone.retain(|old| match which {
            Emptied::Before(time) => old.removed_at < time,
            Emptied::One(object, field) => old.object == object && old.field.as_deref() == field,
        });
        if gone.is_empty() {
            return Ok(gone);
        }
        let (_, stored) = state(&mut conn).await?;
        let mut kept = kept(&mut conn).await?;
        let mut wanted = stored.clone();
        for old in &gone {
            let place = (old.object.clone(), old.field.clone());
            forget(&mut conn, &place).await?;
            kept.remove(&place);
            match &old.field {
                None => drop(wanted.tables.remove(&old.object)),
                Some(field) => {
                    if let Some(table) = wanted.tables.get_mut(&old.object) {
                        table.columns.retain(|c| c.name != *field);
                    }
                }
            }
        }
        // Only what stands above is missing in `wanted`.
        system::reshape(&mut conn, &stored, &wanted, &kept, true).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// Of what was removed.
#[derive(Debug, Clone, Copy)]
pub enum Emptied<'a> {
    Before(Timestamp),
    /// An object, or a field of one.
    One(&'a str, Option<&'a str>),
}

/// Keeps others from changing tables until the transaction ends.
async fn take(conn: &mut Conn<'_>) -> Result<()> {
    if conn.dialect() == Dialect::Postgres {
        conn.run("select pg_advisory_xact_lock($1)", &[Value::Int(lock::DDL)])
            .await?;
        conn.run(PATIENCE, &[]).await?;
    }
    Ok(())
}

async fn state(conn: &mut Conn<'_>) -> Result<(i64, Shape)> {
    let sql = "select coalesce(max(version), 0) from keji_definition";
    let version = conn.int(sql, &[]).await?;
    let stored = system::stored_shape(conn).await?;
    Ok((version, stored.unwrap_or_default().1))
}

/// What the tables have and `wanted` has not.
fn beyond(stored: &Shape, wanted: &Shape) -> BTreeSet<(String, Option<String>)> {
    let mut found = BTreeSet::new();
    for (name, table) in &stored.tables {
        if !wanted.tables.contains_key(name) {
            found.insert((name.clone(), None));
            continue;
        }
        for column in &table.columns {
            if wanted.column(name, &column.name).is_none() {
                found.insert((name.clone(), Some(column.name.clone())));
            }
        }
    }
    found
}

fn has(wanted: &Shape, (object, field): &(String, Option<String>)) -> bool {
    match field {
        None => wanted.tables.contains_key(object),
        Some(field) => wanted.column(object, field).is_some(),
    }
}

async fn forget(conn: &mut Conn<'_>, (object, field): &(String, Option<String>)) -> Result<()> {
    let sql = "delete from keji_trash where object = $1 and field = $2";
    let field = field.as_deref().unwrap_or_default();
    conn.run(sql, &[object.as_str().into(), field.into()])
        .await?;
    Ok(())
}

/// None before there is such a table.
pub(crate) async fn newest(conn: &mut Conn<'_>) -> Result<Design> {
    if !is_there(conn).await? {
        return Ok(Design::default());
    }
    let sql = "select version, files from keji_definition order by version desc limit 1";
    let row = conn.row(sql, &[], &[Type::Int, Type::Text]).await?;
    row.map_or_else(|| Ok(Design::default()), design_of)
}

fn design_of(row: Vec<Value>) -> Result<Design> {
    let mut row = Fields::new(row);
    let version = row.int()?;
    let files = serde_json::from_str(&row.text()?)
        .map_err(|e| Error::Corrupt(format!("definitions of version {version}: {e}")))?;
    Ok(Design { version, files })
}

async fn is_there(conn: &mut Conn<'_>) -> Result<bool> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "select count(*) from sqlite_master where name = 'keji_definition'",
        Dialect::Postgres => {
            "select count(*) from pg_tables \
             where schemaname = current_schema() and tablename = 'keji_definition'"
        }
    };
    Ok(conn.int(sql, &[]).await? > 0)
}

async fn trashed(conn: &mut Conn<'_>) -> Result<Vec<Trashed>> {
    let sql = "select object, field, removed_at, version from keji_trash \
               order by removed_at desc, object, field";
    let kinds = [Type::Text, Type::Text, Type::Instant, Type::Int];
    let rows = conn.rows(sql, &[], &kinds).await?;
    let read = |row| {
        let mut row = Fields::new(row);
        Ok(Trashed {
            object: row.text()?,
            field: Some(row.text()?).filter(|field| !field.is_empty()),
            removed_at: row.instant()?,
            version: row.int()?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// What the tables keep although no definition names it.
pub(crate) async fn kept(conn: &mut Conn<'_>) -> Result<Kept> {
    if !is_there(conn).await? {
        return Ok(Kept::new());
    }
    let all = trashed(conn).await?;
    Ok(all.into_iter().map(|t| (t.object, t.field)).collect())
}

//! The one write path for records: row, change, touched parts of the copy and
//! jobs in one transaction. Several at once are `write_many`'s.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use keji_schema::definition::{CheckDef, FieldDef, ObjectDef, Origin};
use keji_schema::expr::{Expr, eval};
use keji_schema::{Catalog, Type, Value};
use serde_json::{Map, Value as Json};
use sqlx::error::ErrorKind;

use crate::access::Access;
use crate::change::{Change, ChangeKind, NewChange, Op};
use crate::db::violation;
use crate::db::{Conn, int};
use crate::error::{Error, Result};
use crate::job;
use crate::log::{self, Entry, Touches};
use crate::record::Record;
use crate::sql::{Dialect, Select, quote};
use crate::store::Store;
use crate::totals::{self, Totals};
use crate::version::version;

impl Store {
    /// Writes one record with its change, touched months and jobs in one
    /// transaction. A record that the caller may not see does not exist, a
    /// field that is hidden neither. An update that changes nothing is no
    /// change: nothing is written, no job enqueued, and the answer is `None`.
    pub async fn write(&self, change: NewChange, access: &Access) -> Result<Option<Change>> {
        let def = self.check_op(&change, access)?;
        let mut tx = self.db().begin_shared().await?;
        let mut conn = tx.conn();
        let applied = match self.apply(&mut conn, def, &change, access).await {
            Ok(Done::Changed(applied)) => applied,
            Ok(Done::Unchanged(_)) => {
                tx.commit().await?;
                return Ok(None);
            }
            Err(e) => return Err(named(e, &change)),
        };
        let written = self.enter(&mut conn, def, &change, *applied).await;
        let written = written.map_err(|e| named(e, &change))?;
        tx.commit().await.map_err(|e| named(e, &change))?;
        Ok(Some(written))
    }

    /// Writes the record, but not yet the log: a transaction of several writes
    /// takes the log last, so that nobody who has it waits for a record.
    pub(crate) async fn apply(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        change: &NewChange,
        access: &Access,
    ) -> Result<Done> {
        let catalog = &self.0.catalog;
        let mut touches = Touches::new();
        let mut batch = None;
        // Orders whose lines this changes.
        let orders: BTreeSet<i64>;
        let (kind, id, before, after) = match &change.op {
            Op::Create { values } => {
                let numbered = self.numbered(conn, def, change, values).await?;
                let values = with_origin(def, change, numbered.as_ref().unwrap_or(values));
                let values = totals::made(conn, catalog, def, values).await?;
                let values = values.as_ref();
                check_rules(catalog, def, |id| {
                    let given = values.iter().find(|(f, _)| f == id);
                    given.map_or(Value::Null, |(_, value)| value.clone())
                })?;
                let id = insert(conn, def, values).await?;
                self.check_reach(conn, def, id, access).await?;
                let given = values.iter().filter(|(_, v)| !v.is_null());
                let after = given.map(|(f, v)| (f.clone(), json(v))).collect();
                log::touched_by(conn, catalog, def, id, &[], &mut touches).await?;
                let order = values.iter().filter(|(f, _)| f == "order").map(|(_, v)| v);
                orders = totals::orders_of(def, order);
                (ChangeKind::Create, id, None, Some(after))
            }
            Op::Update { id, values } => {
                let record = self.record(conn, &def.id, *id, access, true).await?;
                let record = record.ok_or_else(|| not_found(def, *id))?;
                check_version(conn, &record, change.expected).await?;
                // What follows, and the rules, know fields that the caller does
                // not see.
                let mut whole = None;
                if !def.rules.is_empty() || totals::has_any(def) {
                    let all = Access::all();
                    let found = self.record(conn, &def.id, *id, &all, false).await?;
                    whole = Some(found.ok_or_else(|| not_found(def, *id))?);
                }
                let known = whole.as_ref().unwrap_or(&record);
                let values = totals::changed(conn, catalog, def, known, values).await?;
                let changed: Vec<_> = values.iter().filter(|(f, v)| known.value(f) != v).collect();
                if changed.is_empty() {
                    return Ok(Done::Unchanged(Box::new(record)));
                }
                let fields: Vec<&str> = changed.iter().map(|(f, _)| f.as_str()).collect();
                check_rules(catalog, def, |id| {
                    let given = changed.iter().find(|(f, _)| f == id);
                    given.map_or_else(|| known.value(id).clone(), |(_, v)| v.clone())
                })?;
                log::touched_by(conn, catalog, def, *id, &fields, &mut touches).await?;
                update(conn, def, *id, &changed).await?;
                self.check_reach(conn, def, *id, access).await?;
                log::touched_by(conn, catalog, def, *id, &fields, &mut touches).await?;
                let before = fields
                    .iter()
                    .map(|f| ((*f).to_owned(), json(known.value(f))));
                let after = changed.iter().map(|(f, v)| (f.clone(), json(v)));
                let order = changed.iter().filter(|(f, _)| f == "order").map(|(_, v)| v);
                orders = totals::orders_of(def, order.chain([known.value("order")]));
                (
                    ChangeKind::Update,
                    *id,
                    Some(before.collect()),
                    Some(after.collect()),
                )
            }
            Op::Delete { id } => {
                // Visible to the caller, but the log keeps the hidden fields too.
                let seen = self.record(conn, &def.id, *id, access, true).await?;
                let seen = seen.ok_or_else(|| not_found(def, *id))?;
                check_version(conn, &seen, change.expected).await?;
                let record = self
                    .record(conn, &def.id, *id, &Access::all(), true)
                    .await?;
                let record = record.ok_or_else(|| not_found(def, *id))?;
                self.check_unused(conn, def, *id).await?;
                totals::hold_order_of(conn, def, &record).await?;
                orders = totals::orders_of(def, [record.value("order")]);
                log::touched_by(conn, catalog, def, *id, &[], &mut touches).await?;
                let sql = format!("delete from {} where \"id\" = $1", quote(&def.id));
                conn.run(sql, &[Value::Int(*id)]).await?;
                batch = record.batch;
                let kept = record.values.iter().filter(|(_, v)| !v.is_null());
                let before: Map<String, Json> = kept.map(|(f, v)| (f.clone(), json(v))).collect();
                (ChangeKind::Delete, *id, Some(before), None)
            }
        };
        let totals = self.add_up(conn, &orders).await?;
        Ok(Done::Changed(Box::new(Applied {
            kind,
            id,
            before,
            after,
            touches,
            batch,
            totals,
        })))
    }

    /// Enters what was applied into the log, with what it touched and its jobs.
    pub(crate) async fn enter(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        change: &NewChange,
        applied: Applied,
    ) -> Result<Change> {
        let Applied {
            kind,
            id,
            before,
            after,
            touches,
            batch,
            totals,
        } = applied;
        let at = now();
        for new in &totals {
            let entry = Entry {
                at,
                actor: &change.actor,
                channel: &change.channel,
                kind: ChangeKind::Update,
                object: Some(totals::ORDER),
                record: Some(new.order),
                batch: None,
                before: Some(&new.before),
                after: Some(&new.after),
            };
            let only = Some((totals::ORDER, new.order));
            log::append_touching(conn, &entry, &new.touches, only).await?;
        }
        let entry = Entry {
            at,
            actor: &change.actor,
            channel: &change.channel,
            kind,
            object: Some(&def.id),
            record: Some(id),
            batch: None,
            before: before.as_ref(),
            after: after.as_ref(),
        };
        // Of an object that copies its own fields over a link to itself, other
        // records may have changed in the same part.
        let included = def.copy.iter().flat_map(|copy| &copy.include);
        let links_to_itself = included
            .filter_map(|path| def.field(path.split_once('.')?.0))
            .any(|link| link.to.as_ref() == Some(&def.id));
        let only = (!links_to_itself).then_some((def.id.as_str(), id));
        let seq = log::append_touching(conn, &entry, &touches, only).await?;
        if let Some(batch) = batch {
            // The import that a deleted record came by, for when it comes back.
            let sql = "update keji_change set prior_batch = $2 where seq = $1";
            conn.run(sql, &[Value::Int(seq), Value::Int(batch)]).await?;
        }
        for new in &change.jobs {
            job::insert(conn, new).await?;
        }
        Ok(Change {
            seq,
            at,
            actor: change.actor.clone(),
            channel: change.channel.clone(),
            kind,
            object: Some(def.id.clone()),
            record: Some(id),
            batch: None,
            before,
            after,
        })
    }

    /// Nobody writes a record to where he may not, nor gives it away to there.
    pub(crate) async fn check_reach(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        id: i64,
        access: &Access,
    ) -> Result<()> {
        if access.predicate.is_none()
            || self
                .record(conn, &def.id, id, access, false)
                .await?
                .is_some()
        {
            return Ok(());
        }
        Err(Error::OutOfReach {
            object: def.id.clone(),
        })
    }

    /// What can be said without the database.
    pub(crate) fn check_op(&self, change: &NewChange, access: &Access) -> Result<&ObjectDef> {
        let def = self.0.catalog.object(&change.object)?;
        if let Some(by) = &def.written_by
            && change.module.as_deref() != Some(by)
        {
            return Err(Error::Refused {
                object: def.id.clone(),
                by: by.clone(),
            });
        }
        let (values, is_create) = match &change.op {
            Op::Create { values } => (values, true),
            Op::Update { values, .. } => (values, false),
            Op::Delete { .. } => return Ok(def),
        };
        let mut named = BTreeSet::new();
        for (id, value) in values {
            let unknown = || keji_schema::Error::Unknown {
                kind: "field",
                name: id.clone(),
            };
            let field = def
                .field(id)
                .filter(|_| !access.hides(&def.id, id))
                .ok_or_else(unknown)?;
            if !named.insert(id.as_str()) {
                return Err(Error::Query(format!("`{id}` is given twice")));
            }
            check_value(def, field, value)?;
        }
        let is_given = |f: &FieldDef| change.gives_number && def.number.as_ref() == Some(&f.id);
        let missing = def.fields.iter().find(|f| {
            let comes = totals::comes_by_itself(&def.id, &f.id);
            f.required && !comes && !named.contains(f.id.as_str()) && !is_given(f)
        });
        match missing {
            Some(field) if is_create => Err(Error::Required {
                object: def.id.clone(),
                field: field.id.clone(),
            }),
            _ => Ok(def),
        }
    }

    /// Refuses to delete what other records link to. The foreign keys would do
    /// it too, where there are some.
    async fn check_unused(&self, conn: &mut Conn<'_>, def: &ObjectDef, id: i64) -> Result<()> {
        for other in self.0.catalog.objects.values() {
            for field in other
                .fields
                .iter()
                .filter(|f| f.to.as_deref() == Some(&def.id))
            {
                let sql = format!(
                    "select \"id\" from {} where {} = $1 limit 1",
                    quote(&other.id),
                    quote(&field.id)
                );
                if conn
                    .row(sql, &[Value::Int(id)], &[Type::Int])
                    .await?
                    .is_some()
                {
                    let (object, by) = (def.id.clone(), other.id.clone());
                    return Err(Error::InUse { object, id, by });
                }
            }
        }
        Ok(())
    }
}

/// A write that stands in its transaction and not yet in the log.
pub(crate) struct Applied {
    pub(crate) kind: ChangeKind,
    pub(crate) id: i64,
    pub(crate) before: Option<Map<String, Json>>,
    pub(crate) after: Option<Map<String, Json>>,
    pub(crate) touches: Touches,
    /// Of a deleted record: the import that brought it.
    pub(crate) batch: Option<i64>,
    /// Of a line: what its order adds up to now.
    pub(crate) totals: Vec<Totals>,
}

pub(crate) enum Done {
    Changed(Box<Applied>),
    /// Of an update: the record has these values already.
    Unchanged(Box<Record>),
}

pub(crate) async fn check_version(
    conn: &mut Conn<'_>,
    seen: &Record,
    expected: Option<i64>,
) -> Result<()> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let present = version(conn, seen).await?;
    match present == expected {
        true => Ok(()),
        false => Err(Error::Version {
            object: seen.object.clone(),
            id: seen.id,
            expected,
            present,
        }),
    }
}

pub(crate) fn named(error: Error, change: &NewChange) -> Error {
    let deleted = match change.op {
        Op::Delete { id } => Some(id),
        Op::Create { .. } | Op::Update { .. } => None,
    };
    constraint(error, &change.object, deleted)
}

/// A violated constraint of an object's table in the words of the catalog;
/// other errors as they are. `deleted` is the record that was to be deleted.
pub(crate) fn constraint(error: Error, object: &str, deleted: Option<i64>) -> Error {
    let Some((kind, name)) = violation(&error) else {
        return error;
    };
    // SQLite names `object.field`, PostgreSQL the constraint, or the column.
    let field = name
        .strip_prefix(&format!("{object}."))
        .or_else(|| {
            name.strip_prefix(&format!("{object}_"))?
                .strip_suffix("_key")
        })
        .or_else(|| {
            name.strip_prefix(&format!("{object}_"))?
                .strip_suffix("_fkey")
        })
        .unwrap_or(&name)
        .to_owned();
    let object = object.to_owned();
    match (kind, deleted) {
        (ErrorKind::UniqueViolation, _) => Error::Duplicate { object, field },
        (ErrorKind::NotNullViolation, _) => Error::Required { object, field },
        (ErrorKind::ForeignKeyViolation, Some(id)) => {
            let by = "another object".to_owned();
            Error::InUse { object, id, by }
        }
        // SQLite does not say which link it was.
        (ErrorKind::ForeignKeyViolation, None) => {
            let field = if field.contains("FOREIGN KEY") {
                "link".to_owned()
            } else {
                field
            };
            let value = "what it was given".to_owned();
            let message = "there is no such record".to_owned();
            Error::Invalid {
                object,
                field,
                value,
                message,
            }
        }
        _ => error,
    }
}

/// Microseconds are what the store keeps.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

pub(crate) fn json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// The values with when and by whom the record is made, where they do not say.
fn with_origin<'a>(
    def: &ObjectDef,
    change: &NewChange,
    values: &'a [(String, Value)],
) -> Cow<'a, [(String, Value)]> {
    let mut values = Cow::Borrowed(values);
    for origin in Origin::ALL.into_iter().filter(|_| def.has_origin) {
        if !values.iter().any(|(f, v)| f == origin.id() && !v.is_null()) {
            let value = origin_value(origin, &change.actor);
            values.to_mut().push((origin.id().to_owned(), value));
        }
    }
    values
}

/// Of what is made here and now.
pub(crate) fn origin_value(origin: Origin, actor: &str) -> Value {
    match origin {
        Origin::At => Value::Instant(now()),
        Origin::By => actor.into(),
    }
}

async fn insert(conn: &mut Conn<'_>, def: &ObjectDef, values: &[(String, Value)]) -> Result<i64> {
    let given: Vec<_> = values.iter().filter(|(_, v)| !v.is_null()).collect();
    let columns: Vec<String> = given.iter().map(|(f, _)| quote(f)).collect();
    let params: Vec<Value> = given.iter().map(|(_, v)| v.clone()).collect();
    let places: Vec<String> = (1..=params.len()).map(|n| format!("${n}")).collect();
    let sql = if columns.is_empty() {
        format!(
            "insert into {} default values returning \"id\"",
            quote(&def.id)
        )
    } else {
        format!(
            "insert into {} ({}) values ({}) returning \"id\"",
            quote(&def.id),
            columns.join(", "),
            places.join(", ")
        )
    };
    // At once to be kept: nobody waits for a record that is not there yet.
    check_links(conn, def, &given, true).await?;
    let row = conn.row(sql, &params, &[Type::Int]).await?;
    row.and_then(|row| int(&row[0]))
        .ok_or_else(|| Error::Corrupt("an insert gave no id".to_owned()))
}

pub(crate) async fn update(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    id: i64,
    changed: &[&(String, Value)],
) -> Result<()> {
    check_links(conn, def, changed, false).await?;
    let mut params = vec![Value::Int(id)];
    let mut sets = Vec::new();
    for (field, value) in changed {
        if value.is_null() {
            sets.push(format!("{} = null", quote(field)));
            continue;
        }
        params.push(value.clone());
        sets.push(format!("{} = ${}", quote(field), params.len()));
    }
    let sql = format!(
        "update {} set {} where \"id\" = $1",
        quote(&def.id),
        sets.join(", ")
    );
    conn.run(sql, &params).await?;
    hold_links(conn, def, changed).await
}

/// Once the record is written, what it links to is kept; see [`check_links`].
/// On SQLite the transaction is the only writer anyway.
pub(crate) async fn hold_links(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    values: &[&(String, Value)],
) -> Result<()> {
    match conn.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => check_links(conn, def, values, true).await,
    }
}

/// Links must lead somewhere; not every link is a foreign key, and SQLite's
/// foreign keys do not say which one failed.
///
/// `is_held`: as a foreign key does it, what it links to is kept from being
/// deleted until the end of the transaction.
pub(crate) async fn check_links(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    values: &[&(String, Value)],
    is_held: bool,
) -> Result<()> {
    let held = match conn.dialect() {
        Dialect::Postgres if is_held => " for key share",
        _ => "",
    };
    for (id, value) in values {
        let to = def.field(id).and_then(|f| f.to.as_deref());
        let (Some(to), Some(target)) = (to, int(value)) else {
            continue;
        };
        let sql = format!("select \"id\" from {} where \"id\" = $1{held}", quote(to));
        if conn
            .row(sql, &[Value::Int(target)], &[Type::Int])
            .await?
            .is_none()
        {
            return Err(invalid(
                def,
                id,
                value,
                format!("there is no {to} {target}"),
            ));
        }
    }
    Ok(())
}

/// What the object's rules say of the record as it will be. What is not known
/// breaks none.
pub(crate) fn check_rules(
    catalog: &Catalog,
    def: &ObjectDef,
    value: impl Fn(&str) -> Value,
) -> Result<()> {
    for rule in &def.rules {
        let parsed = Expr::parse_filter(&rule.check, &catalog.scope(&def.id))?;
        let field = |path: &[String]| path.first().map_or(Value::Null, |id| value(id));
        if eval(&parsed, &field)? == Value::Bool(false) {
            return Err(broken(def, rule));
        }
    }
    Ok(())
}

/// The same of many records that were just written, those for which `which`
/// holds of `t`; the first rule that any of them breaks.
pub(crate) async fn check_rules_of(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    def: &ObjectDef,
    which: &str,
) -> Result<()> {
    let access = Access::all();
    for rule in &def.rules {
        let parsed = Expr::parse_filter(&rule.check, &catalog.scope(&def.id))?;
        let mut select = Select::new(conn.dialect(), catalog, &access, &def.id)?;
        let holds = select.expr(&parsed)?;
        let sql = format!(
            "select 1 {} where ({which}) and not ({holds}) limit 1",
            select.from()
        );
        let params = std::mem::take(&mut select.params);
        if conn.row(sql, &params, &[Type::Int]).await?.is_some() {
            return Err(broken(def, rule));
        }
    }
    Ok(())
}

fn broken(def: &ObjectDef, rule: &CheckDef) -> Error {
    Error::Rule {
        object: def.id.clone(),
        field: rule.field.clone(),
        zh: rule.message.zh.clone(),
        en: rule.message.en.clone(),
    }
}

fn check_value(def: &ObjectDef, field: &FieldDef, value: &Value) -> Result<()> {
    if value.is_null() {
        if field.required {
            return Err(Error::Required {
                object: def.id.clone(),
                field: field.id.clone(),
            });
        }
        return Ok(());
    }
    let fits = match (field.kind, value) {
        (Type::Text, Value::Text(text)) => {
            if text.contains('\0') {
                return Err(invalid(
                    def,
                    &field.id,
                    value,
                    "it holds a zero character".to_owned(),
                ));
            }
            true
        }
        (Type::Choice, Value::Text(word)) => {
            if !field.options.iter().any(|o| o.value == *word) {
                let known: Vec<&str> = field.options.iter().map(|o| o.value.as_str()).collect();
                let message = format!("its options are {}", known.join(", "));
                return Err(invalid(def, &field.id, value, message));
            }
            true
        }
        (Type::Int | Type::Link, Value::Int(_))
        | (Type::Decimal, Value::Decimal(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Date, Value::Date(_))
        | (Type::Instant, Value::Instant(_)) => true,
        (Type::Float, Value::Float(x)) => x.is_finite(),
        _ => false,
    };
    if !fits {
        return Err(invalid(
            def,
            &field.id,
            value,
            format!("it must be a {}", field.kind.name()),
        ));
    }
    Ok(())
}

fn invalid(def: &ObjectDef, field: &str, value: &Value, message: String) -> Error {
    let value = json(value).to_string();
    Error::Invalid {
        object: def.id.clone(),
        field: field.to_owned(),
        value,
        message,
    }
}

pub(crate) fn not_found(def: &ObjectDef, id: i64) -> Error {
    Error::NotFound {
        object: def.id.clone(),
        id,
    }
}

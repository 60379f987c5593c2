//! Appending to the change log, in commit order, and noting which parts of
//! the columnar copy a change outdates.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Type, Value};
use serde_json::{Map, Value as Json, json};

use crate::access::Access;
use crate::change::ChangeKind;
use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::sql::{Dialect, Select, quote};
use crate::system::lock;

/// An entry that is about to get its place in the log.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) kind: ChangeKind,
    pub(crate) object: Option<&'a str>,
    pub(crate) record: Option<i64>,
    pub(crate) batch: Option<i64>,
    pub(crate) before: Option<&'a Map<String, Json>>,
    pub(crate) after: Option<&'a Map<String, Json>>,
}

/// Takes the log for the rest of the transaction. On SQLite the transaction is
/// the only writer anyway.
pub(crate) async fn take(conn: &mut Conn<'_>) -> Result<()> {
    if conn.dialect() == Dialect::Postgres {
        conn.run("select pg_advisory_xact_lock($1)", &[Value::Int(lock::LOG)])
            .await?;
    }
    Ok(())
}

pub(crate) async fn append(conn: &mut Conn<'_>, entry: &Entry<'_>) -> Result<i64> {
    take(conn).await?;
    let sql = format!(
        "insert into keji_change \
         (seq, at, actor, channel, kind, object, record, batch, before, after, salt) \
         select coalesce(max(seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, {} \
         from keji_change returning seq",
        salt_sql(conn.dialect())
    );
    let params = params(entry);
    let row = conn
        .row(typed(conn.dialect(), &sql, &params), &params, &[Type::Int])
        .await?;
    position(row)
}

/// Appends an entry with what it touches; see [`touch`]. On PostgreSQL in one
/// call of [`append_sql`], because everybody else waits from the lock until the
/// commit.
pub(crate) async fn append_touching(
    conn: &mut Conn<'_>,
    entry: &Entry<'_>,
    touches: &Touches,
    only: Option<(&str, i64)>,
) -> Result<i64> {
    if conn.dialect() == Dialect::Sqlite {
        let seq = append(conn, entry).await?;
        touch(conn, seq, touches, only).await?;
        return Ok(seq);
    }
    let touched: Vec<Json> = (touches.iter())
        .map(|(object, month)| {
            let record = only.filter(|(of, _)| of == object).map(|(_, id)| id);
            json!([object, month.map(|m| m.to_string()), record])
        })
        .collect();
    let mut params = params(entry);
    params.push(Value::Text(Json::Array(touched).to_string()));
    let sql = "select keji_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    position(conn.row(sql, &params, &[Type::Int]).await?)
}

fn position(row: Option<Vec<Value>>) -> Result<i64> {
    row.and_then(|row| crate::db::int(&row[0]))
        .ok_or_else(|| Error::Corrupt("the change log gave no position".to_owned()))
}

/// The last parameter is a list of lists: an object, a month or null, a record
/// or null. Each statement of the function sees what was committed before it
/// began, so the position is found behind the lock.
pub(crate) fn append_sql() -> String {
    format!(
        "create or replace function keji_append(timestamptz, text, text, text, text, bigint, \
         bigint, text, text, text) returns bigint language plpgsql as $body$ \
         declare place bigint; \
         begin \
           perform pg_advisory_xact_lock({}); \
           insert into keji_change (seq, at, actor, channel, kind, object, record, batch, before, \
             after, salt) \
           select coalesce(max(c.seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, {} \
             from keji_change c returning seq into place; \
           insert into keji_touched (seq, object, month, record) \
           select place, t->>0, (t->>1)::date, (t->>2)::bigint \
             from json_array_elements($10::json) t; \
           return place; \
         end $body$",
        lock::LOG,
        salt_sql(Dialect::Postgres)
    )
}

fn params(entry: &Entry<'_>) -> Vec<Value> {
    let text = |map: Option<&Map<String, Json>>| {
        map.map_or(Value::Null, |m| {
            Value::Text(Json::Object(m.clone()).to_string())
        })
    };
    vec![
        Value::Instant(entry.at),
        entry.actor.into(),
        entry.channel.into(),
        kind_text(entry.kind).into(),
        entry.object.map_or(Value::Null, Value::from),
        entry.record.map_or(Value::Null, Value::Int),
        entry.batch.map_or(Value::Null, Value::Int),
        text(entry.before),
        text(entry.after),
    ]
}

/// 122 random bits or more, another for each row.
pub(crate) fn salt_sql(dialect: Dialect) -> &'static str {
    dialect.pick("lower(hex(randomblob(16)))", "gen_random_uuid()::text")
}

/// PostgreSQL does not look at the target column to type a parameter that is
/// selected, so each gets its type by name.
fn typed(dialect: Dialect, sql: &str, params: &[Value]) -> String {
    if dialect == Dialect::Sqlite {
        return sql.to_owned();
    }
    let kinds = [
        "timestamptz",
        "text",
        "text",
        "text",
        "text",
        "bigint",
        "bigint",
        "text",
        "text",
    ];
    let mut sql = sql.to_owned();
    for (i, kind) in kinds.iter().enumerate().take(params.len()).rev() {
        sql = sql.replace(&format!("${}", i + 1), &format!("${}::{kind}", i + 1));
    }
    sql
}

pub(crate) fn kind_text(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "create",
        ChangeKind::Update => "update",
        ChangeKind::Delete => "delete",
        ChangeKind::Import => "import",
        ChangeKind::Undo => "undo",
        ChangeKind::Evaluation => "evaluation",
        ChangeKind::Reveal => "reveal",
        ChangeKind::Export => "export",
        ChangeKind::Erasure => "erasure",
        ChangeKind::Merge => "merge",
        ChangeKind::Unmerge => "unmerge",
        ChangeKind::Define => "define",
        ChangeKind::Comment => "comment",
        ChangeKind::SignIn => "sign_in",
        ChangeKind::SignInFailed => "sign_in_failed",
        ChangeKind::SignOut => "sign_out",
    }
}

pub(crate) fn kind_of_text(text: &str) -> Result<ChangeKind> {
    Ok(match text {
        "create" => ChangeKind::Create,
        "update" => ChangeKind::Update,
        "delete" => ChangeKind::Delete,
        "import" => ChangeKind::Import,
        "undo" => ChangeKind::Undo,
        "evaluation" => ChangeKind::Evaluation,
        "reveal" => ChangeKind::Reveal,
        "export" => ChangeKind::Export,
        "erasure" => ChangeKind::Erasure,
        "merge" => ChangeKind::Merge,
        "unmerge" => ChangeKind::Unmerge,
        "define" => ChangeKind::Define,
        "comment" => ChangeKind::Comment,
        "sign_in" => ChangeKind::SignIn,
        "sign_in_failed" => ChangeKind::SignInFailed,
        "sign_out" => ChangeKind::SignOut,
        _ => return Err(Error::Corrupt(format!("a change of kind {text}"))),
    })
}

/// First day of the month of a date column.
pub(crate) fn month_sql(dialect: Dialect, date: &str) -> String {
    dialect.pick(
        format!("unixepoch({date} * 86400, 'unixepoch', 'start of month') / 86400"),
        format!("date_trunc('month', {date})::date"),
    )
}

pub(crate) type Touches = BTreeSet<(String, Option<Date>)>;

/// `only` is the record that alone changed in the parts of its object.
pub(crate) async fn touch(
    conn: &mut Conn<'_>,
    seq: i64,
    touches: &Touches,
    only: Option<(&str, i64)>,
) -> Result<()> {
    for (object, month) in touches {
        let record = only.filter(|(of, _)| of == object).map(|(_, id)| id);
        let params = [
            Value::Int(seq),
            object.as_str().into(),
            month.map_or(Value::Null, Value::Date),
            record.map_or(Value::Null, Value::Int),
        ];
        let sql = "insert into keji_touched (seq, object, month, record) values ($1, $2, $3, $4)";
        conn.run(sql, &params).await?;
    }
    Ok(())
}

/// The parts of the copy that hold something of one record: its own month, and
/// the months of records whose copy includes one of `fields` of it over a link.
pub(crate) async fn touched_by(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    object: &ObjectDef,
    id: i64,
    fields: &[&str],
    touches: &mut Touches,
) -> Result<()> {
    months(conn, catalog, object, "id", id, touches).await?;
    for other in catalog.objects.values() {
        for link in links_that_copy(other, &object.id, fields) {
            months(conn, catalog, other, link, id, touches).await?;
        }
    }
    Ok(())
}

/// Links of `other` to `object` over which its copy includes one of `fields`.
pub(crate) fn links_that_copy<'a>(
    other: &'a ObjectDef,
    object: &str,
    fields: &[&str],
) -> BTreeSet<&'a str> {
    let Some(copy) = &other.copy else {
        return BTreeSet::new();
    };
    let paths = copy.include.iter().chain(&copy.time);
    paths
        .filter_map(|path| path.split_once('.'))
        .filter(|(_, field)| fields.contains(field))
        .map(|(link, _)| link)
        .filter(|link| {
            other
                .field(link)
                .is_some_and(|f| f.to.as_deref() == Some(object))
        })
        .collect()
}

/// `select distinct <month> from … t …` of an object's copy; `None` when it
/// has no time.
pub(crate) fn months_of(
    catalog: &Catalog,
    dialect: Dialect,
    object: &ObjectDef,
) -> Result<Option<String>> {
    let Some(time) = object.copy.as_ref().and_then(|copy| copy.time.as_ref()) else {
        return Ok(None);
    };
    let access = Access::all();
    let mut select = Select::new(dialect, catalog, &access, &object.id)?;
    let (time, _) = select.path(time)?;
    Ok(Some(format!(
        "select distinct {} {}",
        month_sql(dialect, &time),
        select.from()
    )))
}

async fn months(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    object: &ObjectDef,
    column: &str,
    id: i64,
    touches: &mut Touches,
) -> Result<()> {
    if object.copy.is_none() {
        return Ok(());
    }
    let Some(sql) = months_of(catalog, conn.dialect(), object)? else {
        touches.insert((object.id.clone(), None));
        return Ok(());
    };
    let sql = format!("{sql} where t.{} = $1", quote(column));
    for row in conn.rows(sql, &[Value::Int(id)], &[Type::Date]).await? {
        touches.insert((object.id.clone(), Fields::new(row).optional_date()));
    }
    Ok(())
}

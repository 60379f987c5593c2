//! Bringing back what an import changed and deleted, from the log's values
//! before. They are read into temporary tables first, with real columns:
//! `back_<object>` holds `<field>_old` and `<field>_new` of changed records,
//! `gone_<object>` the deleted records.

use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Type, Value};
use serde_json::{Map, Value as Json};

use super::edit::HEADER;
use super::statements::{CUSTOMER, PRODUCT};
use crate::db::bulk::Rows;
use crate::db::{Conn, Fields, Tx};
use crate::ddl::column_type;
use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};

/// Entries of the log that are read at once.
const PORTION: usize = 4000;

/// A field that an import changes, with its type.
pub(super) type Field = (String, Type);

/// What an import may have changed and deleted in known records.
pub(super) struct Reach {
    pub(super) changeable: Vec<(String, Vec<Field>)>,
    deletable: &'static [&'static str],
}

impl Reach {
    /// Of an order file. The totals of an order are not among it: they are
    /// computed again from its lines.
    pub(super) fn of_orders() -> Reach {
        let texts = |all: &[(&str, &str)]| all.iter().map(|(f, _)| own((f, Type::Text))).collect();
        let changeable = vec![
            ("customer".to_owned(), texts(&CUSTOMER)),
            ("product".to_owned(), texts(&PRODUCT)),
            (
                "order".to_owned(),
                HEADER.iter().map(|(f, kind)| own((f, *kind))).collect(),
            ),
        ];
        Reach {
            changeable,
            deletable: &["order", "order_line"],
        }
    }

    /// Of plain records.
    pub(super) fn of_records(object: &ObjectDef) -> Reach {
        let fields = object.fields.iter().map(|f| own((&f.id, f.kind))).collect();
        Reach {
            changeable: vec![(object.id.clone(), fields)],
            deletable: &[],
        }
    }
}

fn own((field, kind): (&str, Type)) -> Field {
    (field.to_owned(), kind)
}

/// The places of one batch's entries in the log: they stand together, because
/// the merge held the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) batch: i64,
    pub(super) last: i64,
}

/// Makes the tables, fills them with what the batch did, and leads values that
/// an import wrote which is undone meanwhile back to what it had found.
pub(super) async fn load(mut tx: Tx, catalog: &Catalog, reach: &Reach, span: Span) -> Result<Tx> {
    let dialect = tx.conn().dialect();
    let mut script = Vec::new();
    for prefix in ["back", "past"] {
        for (object, fields) in &reach.changeable {
            let columns: String = fields
                .iter()
                .map(|(field, kind)| {
                    let kind = column_type(dialect, *kind);
                    format!(", {field}_old {kind}, {field}_new {kind}")
                })
                .collect();
            script.extend(table(dialect, &format!("{prefix}_{object}"), &columns));
        }
    }
    for object in reach.deletable {
        let columns: String = catalog
            .object(object)?
            .fields
            .iter()
            .map(|field| {
                format!(
                    ", {} {}",
                    quote(&field.id),
                    column_type(dialect, field.kind)
                )
            })
            .collect();
        let columns = format!(", batch {}{columns}", column_type(dialect, Type::Int));
        script.extend(table(dialect, &format!("gone_{object}"), &columns));
    }
    tx.conn().script(&script).await?;
    tx = read(tx, catalog, reach, span, "back").await?;
    lead_back(tx, catalog, reach, span).await
}

fn table(dialect: Dialect, name: &str, columns: &str) -> [String; 2] {
    // SQLite drops temporary tables only with the connection, and this one
    // may have undone another import before.
    let id = column_type(dialect, Type::Int);
    [
        format!("drop table if exists {name}"),
        format!("create temporary table {name} (id {id} primary key{columns})"),
    ]
}

/// Reads the entries of a batch; deleted records only for `back`.
async fn read(
    mut tx: Tx,
    catalog: &Catalog,
    reach: &Reach,
    span: Span,
    prefix: &str,
) -> Result<Tx> {
    let batch = Value::Int(span.batch);
    let sql = "select min(seq) from keji_change where batch = $1";
    let mut last = tx.conn().int(sql, std::slice::from_ref(&batch)).await? - 1;
    // The plus keeps the databases from sorting the index of the batch for
    // each portion.
    let sql = format!(
        "select seq, kind, object, record, prior_batch, before, after from keji_change \
         where seq > $1 and seq < $2 and +batch = $3 order by seq limit {PORTION}"
    );
    let kinds = [
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Text,
    ];
    loop {
        let params = [Value::Int(last), Value::Int(span.last), batch.clone()];
        let rows = tx.conn().rows(sql.as_str(), &params, &kinds).await?;
        if rows.is_empty() {
            return Ok(tx);
        }
        let mut portions: Vec<(String, Vec<String>, Rows)> = Vec::new();
        for row in rows {
            let mut row = Fields::new(row);
            last = row.int()?;
            let (kind, object, id) = (row.text()?, row.text()?, row.int()?);
            let (prior, before) = (row.value(), map(row.optional_text())?);
            let after = map(row.optional_text())?;
            let mut columns = vec!["id".to_owned()];
            let mut values = vec![Value::Int(id)];
            let name = match kind.as_str() {
                "update" => {
                    let all = &reach.changeable;
                    let Some((_, fields)) = all.iter().find(|(known, _)| *known == object) else {
                        continue;
                    };
                    for (field, kind) in fields {
                        for (side, map) in [("old", &before), ("new", &after)] {
                            columns.push(format!("{field}_{side}"));
                            values.push(value(map.get(field), *kind)?);
                        }
                    }
                    format!("{prefix}_{object}")
                }
                "delete" if prefix == "back" && reach.deletable.contains(&object.as_str()) => {
                    columns.push("batch".to_owned());
                    values.push(prior);
                    for field in &catalog.object(&object)?.fields {
                        columns.push(field.id.clone());
                        values.push(value(before.get(&field.id), field.kind)?);
                    }
                    format!("gone_{object}")
                }
                _ => continue,
            };
            match portions.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, _, rows)) => rows.values.extend(values),
                None => {
                    let width = columns.len();
                    portions.push((name, columns, Rows { width, values }));
                }
            }
        }
        for (name, columns, rows) in portions {
            tx = tx.insert(&name, &columns, rows).await?;
        }
    }
}

/// Where the value before was written by an import that was undone after this
/// one: that undo left the field alone, because this import's value stood in
/// it. So the value to go back to is the one that the other had found.
async fn lead_back(mut tx: Tx, catalog: &Catalog, reach: &Reach, span: Span) -> Result<Tx> {
    let sql = "select b.id, b.seq from keji_batch b where b.state = 'undone' and b.seq < $1 \
               and exists (select 1 from keji_change u where u.batch = b.id \
               and u.kind = 'undo' and u.seq > $1) order by b.seq desc";
    let undone = tx
        .conn()
        .rows(sql, &[Value::Int(span.last)], &[Type::Int, Type::Int])
        .await?;
    for row in undone {
        let mut row = Fields::new(row);
        let (batch, last) = (row.int()?, row.int()?);
        tx = read(tx, catalog, reach, Span { batch, last }, "past").await?;
        let mut script = Vec::new();
        for (object, fields) in &reach.changeable {
            for (field, _) in fields {
                script.push(format!(
                    "update back_{object} set {field}_old = p.{field}_old from past_{object} p \
                     where p.id = back_{object}.id and p.{field}_new = back_{object}.{field}_old"
                ));
            }
            script.push(format!("delete from past_{object}"));
        }
        tx.conn().script(&script).await?;
    }
    Ok(tx)
}

fn map(text: Option<String>) -> Result<Map<String, Json>> {
    let text = text.as_deref().unwrap_or("{}");
    serde_json::from_str(text).map_err(|e| Error::Corrupt(format!("a change is not JSON: {e}")))
}

/// A value as the log has it.
pub(crate) fn value(json: Option<&Json>, kind: Type) -> Result<Value> {
    let Some(json) = json.filter(|json| !json.is_null()) else {
        return Ok(Value::Null);
    };
    let read = match kind {
        Type::Text | Type::Choice => json.as_str().map(Value::from),
        Type::Int | Type::Link => json.as_i64().map(Value::Int),
        Type::Float => json.as_f64().map(Value::Float),
        Type::Bool => json.as_bool().map(Value::Bool),
        Type::Decimal => json
            .as_str()
            .and_then(|t| t.parse().ok())
            .map(Value::Decimal),
        Type::Date => json.as_str().and_then(|t| t.parse().ok()).map(Value::Date),
        Type::Instant => json
            .as_str()
            .and_then(|t| t.parse().ok())
            .map(Value::Instant),
    };
    read.ok_or_else(|| Error::Corrupt(format!("the log has {json} as a {}", kind.name())))
}

/// Gives the changed records of an object the values before, where they still
/// hold what the batch wrote; what is left in `back_<object>` are those. The
/// answer are the fields that any of them gets back.
pub(super) async fn fields(
    conn: &mut Conn<'_>,
    object: &str,
    fields: &[Field],
) -> Result<Vec<String>> {
    let name = quote(object);
    let same = |field: &str| format!("b.{field}_new = m.{}", quote(field));
    let any: Vec<String> = fields.iter().map(|(field, _)| same(field)).collect();
    let others = format!(
        "delete from back_{object} where not exists (select 1 from back_{object} b \
         join {name} m on m.id = b.id where b.id = back_{object}.id and ({}))",
        any.join(" or ")
    );
    conn.script(&[others]).await?;
    let counts: Vec<String> = fields
        .iter()
        .map(|(field, _)| format!("count(case when {} then 1 end)", same(field)))
        .collect();
    let sql = format!(
        "select {} from back_{object} b join {name} m on m.id = b.id",
        counts.join(", ")
    );
    let kinds = vec![Type::Int; fields.len()];
    let row = conn.row(sql, &[], &kinds).await?.unwrap_or_default();
    let changed = fields
        .iter()
        .zip(row)
        .filter(|(_, n)| *n != Value::Int(0))
        .map(|((field, _), _)| field.clone())
        .collect();
    let sets: Vec<String> = fields
        .iter()
        .map(|(field, _)| {
            let own = quote(field);
            format!(
                "{own} = case when b.{field}_new = {name}.{own} then b.{field}_old \
                 else {name}.{own} end"
            )
        })
        .collect();
    let sql = format!(
        "update {name} set {} from back_{object} b where b.id = {name}.id",
        sets.join(", ")
    );
    conn.run(sql, &[]).await?;
    Ok(changed)
}

/// Brings deleted orders and lines back, with their ids and under the import
/// that had brought them. Not those of imports that are undone meanwhile, nor
/// an order whose number another one has by now, nor the lines of an order
/// that is not there. Where a later import brought the same line again, that
/// one is the line that comes back. Returns how many records came back.
pub(super) async fn deleted(conn: &mut Conn<'_>, catalog: &Catalog) -> Result<i64> {
    let order_fields = columns(catalog, "order")?;
    let line_fields = columns(catalog, "order_line")?;
    let is_gone = |table: &str| {
        format!(
            "{table}.batch is not null and not exists (select 1 from keji_batch b \
             where b.id = {table}.batch and b.state = 'merged')"
        )
    };
    let script = [
        format!(
            "delete from gone_order_line where {}",
            is_gone("gone_order_line")
        ),
        // An order of such an import belongs to the first that added lines.
        format!(
            "delete from gone_order where {} \
             and id not in (select \"order\" from gone_order_line)",
            is_gone("gone_order")
        ),
        format!(
            "update gone_order set batch = l.batch from (select \"order\" as id, \
             min(batch) as batch from gone_order_line group by \"order\") as l \
             where l.id = gone_order.id and {}",
            is_gone("gone_order")
        ),
        "delete from gone_order where exists (select 1 from \"order\" o \
         where o.number = gone_order.number)"
            .to_owned(),
        "update gone_order set customer = null where customer is not null and not exists \
         (select 1 from customer m where m.id = gone_order.customer)"
            .to_owned(),
        "update gone_order_line set product = null where product is not null and not exists \
         (select 1 from product m where m.id = gone_order_line.product)"
            .to_owned(),
    ];
    conn.script(&script).await?;
    let insert = |object: &str, columns: &str| {
        format!(
            "insert into \"{object}\" (id, batch{columns}) select id, batch{columns} \
             from gone_{object}"
        )
    };
    let n_orders = conn.run(insert("order", &order_fields), &[]).await?;
    // One of its own means: at the same place among the order's equal lines.
    let same = "x.\"order\" = g.\"order\" and x.row_hash = g.row_hash \
                and x.occurrence = g.occurrence";
    let script = [
        "delete from gone_order_line where not exists (select 1 from \"order\" o \
         where o.id = gone_order_line.\"order\")"
            .to_owned(),
        format!(
            "update order_line set batch = again.batch from (select x.id, g.batch \
             from gone_order_line g join order_line x on {same}) as again \
             where again.id = order_line.id"
        ),
        format!(
            "delete from gone_order_line where id in (select g.id from gone_order_line g \
             join order_line x on {same})"
        ),
    ];
    conn.script(&script).await?;
    let n_lines = conn.run(insert("order_line", &line_fields), &[]).await?;
    Ok(i64::try_from(n_orders + n_lines).unwrap_or(i64::MAX))
}

fn columns(catalog: &Catalog, object: &str) -> Result<String> {
    let fields = &catalog.object(object)?.fields;
    Ok(fields
        .iter()
        .map(|f| format!(", {}", quote(&f.id)))
        .collect())
}

/// What a later undo of another import may bring back, and what of `object`
/// it will link to over `link`, as `undo_held`: those records must not go,
/// and belong to the import of what comes back.
pub(super) async fn hold(conn: &mut Conn<'_>, batch: i64, user: &str, link: &str) -> Result<()> {
    let id = match conn.dialect() {
        Dialect::Sqlite => format!("json_extract(c.before, '$.{link}')"),
        Dialect::Postgres => format!("(c.before::json ->> '{link}')::bigint"),
    };
    let sql = format!(
        "create temporary table undo_held as select {id} as id, c.prior_batch as batch \
         from keji_batch b join keji_change c on c.batch = b.id \
         where b.state = 'merged' and b.mode <> 'add' and b.id <> {batch} \
         and c.object = '{user}' and c.kind in ('update', 'delete') and {id} is not null \
         and (c.prior_batch is null or c.prior_batch in \
         (select id from keji_batch where state = 'merged' and id <> {batch}))"
    );
    conn.script(&["drop table if exists undo_held".to_owned(), sql])
        .await
}

/// No record of another import is held.
pub(super) async fn hold_nothing(conn: &mut Conn<'_>) -> Result<()> {
    let int = column_type(conn.dialect(), Type::Int);
    conn.script(&[
        "drop table if exists undo_held".to_owned(),
        format!("create temporary table undo_held (id {int}, batch {int})"),
    ])
    .await
}

//! Entries of the change log, one per record, made by the database for many
//! records at once. They run before the records are changed.

use keji_schema::Type;

use crate::log::salt_sql;
use crate::sql::{Dialect, quote};

/// One update change per record of `fill_<object>`, behind position `$1`, at
/// `$2`, by `$3` through `$4`, of batch `$5`. A field of it is null where the
/// record's does not change; only those that do are named.
pub(super) fn log_updates(dialect: Dialect, object: &str, fields: &[(&str, Type)]) -> String {
    let side = |of: &str| {
        let parts = fields.iter().map(|(field, kind)| {
            let value = json_sql(dialect, &format!("{of}.{}", quote(field)), *kind);
            (format!("f.{}", quote(field)), *field, value)
        });
        object_sql(parts)
    };
    let source = format!("fill_{object} f join {} m on m.id = f.id", quote(object));
    log(dialect, object, "update", &source, &side("m"), &side("f"))
}

/// One delete change per record whose id is in `table`, with all its fields.
/// Parameters as above.
pub(super) fn log_deletes(
    dialect: Dialect,
    object: &str,
    table: &str,
    fields: &[(&str, Type)],
) -> String {
    let parts = fields.iter().map(|(field, kind)| {
        let column = format!("m.{}", quote(field));
        let value = json_sql(dialect, &column, *kind);
        (column, *field, value)
    });
    let source = format!("{table} d join {} m on m.id = d.id", quote(object));
    log(
        dialect,
        object,
        "delete",
        &source,
        &object_sql(parts),
        "null",
    )
}

fn log(
    dialect: Dialect,
    object: &str,
    kind: &str,
    source: &str,
    before: &str,
    after: &str,
) -> String {
    let typed = |n: u8, kind: &str| match dialect {
        Dialect::Sqlite => format!("${n}"),
        Dialect::Postgres => format!("${n}::{kind}"),
    };
    format!(
        "insert into keji_change \
         (seq, at, actor, channel, kind, object, record, batch, prior_batch, before, after, salt) \
         select {seq} + row_number() over (order by m.id), {at}, {actor}, {channel}, '{kind}', \
         '{object}', m.id, {batch}, m.batch, {before}, {after}, {salt} \
         from {source}",
        salt = salt_sql(dialect),
        seq = typed(1, "bigint"),
        at = typed(2, "timestamptz"),
        actor = typed(3, "text"),
        channel = typed(4, "text"),
        batch = typed(5, "bigint"),
    )
}

/// A JSON object of those `(condition, field, value)` whose condition is not
/// null.
fn object_sql<'a>(parts: impl Iterator<Item = (String, &'a str, String)>) -> String {
    let parts: Vec<String> = parts
        .map(|(given, field, value)| {
            format!("case when {given} is not null then ',\"{field}\":' || {value} else '' end")
        })
        .collect();
    format!("'{{' || substr({}, 2) || '}}'", parts.join(" || "))
}

/// A column as JSON text, as `Value` writes it.
fn json_sql(dialect: Dialect, column: &str, kind: Type) -> String {
    match (kind, dialect) {
        (Type::Text | Type::Choice, Dialect::Sqlite) => format!("json_quote({column})"),
        (Type::Text | Type::Choice, Dialect::Postgres) => {
            format!("coalesce(to_json({column})::text, 'null')")
        }
        // The shortest exact form: no zeros at the end.
        (Type::Decimal, Dialect::Sqlite) => format!(
            "coalesce('\"' || case when {column} < 0 then '-' else '' end || \
             (abs({column}) / 10000) || \
             rtrim(rtrim(printf('.%04d', abs({column}) % 10000), '0'), '.') || '\"', 'null')"
        ),
        (Type::Decimal, Dialect::Postgres) => {
            format!("coalesce('\"' || trim_scale({column})::text || '\"', 'null')")
        }
        (Type::Date, Dialect::Sqlite) => {
            format!("coalesce('\"' || date({column} * 86400, 'unixepoch') || '\"', 'null')")
        }
        (Type::Date, Dialect::Postgres) => {
            format!("coalesce('\"' || to_char({column}, 'YYYY-MM-DD') || '\"', 'null')")
        }
        (Type::Instant, Dialect::Sqlite) => {
            // What is above the whole second, also before 1970.
            let micros = format!("(({column} % 1000000 + 1000000) % 1000000)");
            format!(
                "coalesce('\"' || strftime('%Y-%m-%dT%H:%M:%S', ({column} - {micros}) / 1000000, \
                 'unixepoch') || rtrim(rtrim(printf('.%06d', {micros}), '0'), '.') || 'Z\"', 'null')"
            )
        }
        (Type::Instant, Dialect::Postgres) => format!(
            "coalesce('\"' || rtrim(rtrim(to_char({column} at time zone 'UTC', \
             'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || 'Z\"', 'null')"
        ),
        (Type::Bool, Dialect::Sqlite) => {
            format!("case {column} when 1 then 'true' when 0 then 'false' else 'null' end")
        }
        _ => format!("coalesce(cast({column} as text), 'null')"),
    }
}

//! Running numbers for records that come without one: 1, 2, 3 … of each
//! object, behind the highest short number that is there.

use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};

use crate::change::{NewChange, Op};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};
use crate::store::Store;

/// Longer runs of digits are telephone numbers and the like: nothing to count
/// on from.
const DIGITS: u32 = 9;

/// Numbers in a row that may be taken.
const TRIES: u32 = 1000;

impl Store {
    /// The values of a create with the number that it was not given; `None`
    /// where it needs none.
    pub(crate) async fn numbered(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        change: &NewChange,
        values: &[(String, Value)],
    ) -> Result<Option<Vec<(String, Value)>>> {
        if !needs_number(def, change) {
            return Ok(None);
        }
        let Some(field) = &def.number else {
            return Ok(None);
        };
        let number = next(conn, &def.id, field).await?;
        let mut all = vec![(field.clone(), Value::Text(number))];
        all.extend(values.iter().filter(|(f, _)| f != field).cloned());
        Ok(Some(all))
    }
}

/// Whether the create is given a number here.
pub(crate) fn needs_number(def: &ObjectDef, change: &NewChange) -> bool {
    let Op::Create { values } = &change.op else {
        return false;
    };
    let has = |number: &String| values.iter().any(|(f, v)| f == number && !v.is_null());
    change.gives_number && def.number.as_ref().is_some_and(|number| !has(number))
}

/// As [`next`], `n` numbers in a row; the first of them.
pub(crate) async fn reserve(conn: &mut Conn<'_>, object: &str, field: &str, n: i64) -> Result<i64> {
    let highest = conn
        .int(highest_sql(conn.dialect(), object, field), &[])
        .await?;
    let bump = conn.dialect().pick(
        "insert into keji_meta (key, value) values ($1, cast($2 + $3 as text)) \
         on conflict (key) do update \
         set value = cast(max(cast(keji_meta.value as integer), $2) + $3 as text) \
         returning cast(value as integer)",
        "insert into keji_meta (key, value) values ($1, ($2::bigint + $3::bigint)::text) \
         on conflict (key) do update \
         set value = (greatest(keji_meta.value::bigint, $2::bigint) + $3::bigint)::text \
         returning value::bigint",
    );
    let key = format!("number {object}");
    let params = [key.as_str().into(), Value::Int(highest), Value::Int(n)];
    Ok(conn.int(bump, &params).await? - n + 1)
}

fn highest_sql(dialect: Dialect, object: &str, field: &str) -> String {
    let (table, column) = (quote(object), quote(field));
    dialect.pick(
        format!(
            "select coalesce(max(cast({column} as integer)), 0) from {table} \
             where length({column}) between 1 and {DIGITS} and {column} not glob '*[^0-9]*'"
        ),
        format!(
            "select coalesce(max({column}::bigint), 0) from {table} \
             where {column} ~ '^[0-9]{{1,{DIGITS}}}$'"
        ),
    )
}

/// The counter's row is held until the transaction ends, so that two writers
/// never get the same number, and one that gives up leaves no gap.
async fn next(conn: &mut Conn<'_>, object: &str, field: &str) -> Result<String> {
    let (table, column) = (quote(object), quote(field));
    let key = format!("number {object}");
    let highest = highest_sql(conn.dialect(), object, field);
    let bump = conn.dialect().pick(
        "insert into keji_meta (key, value) values ($1, cast($2 + 1 as text)) \
         on conflict (key) do update \
         set value = cast(max(cast(keji_meta.value as integer), $2) + 1 as text) returning value",
        "insert into keji_meta (key, value) values ($1, ($2::bigint + 1)::text) \
         on conflict (key) do update \
         set value = (greatest(keji_meta.value::bigint, $2::bigint) + 1)::text returning value",
    );
    let known = "select value from keji_meta where key = $1";
    let is_first = conn
        .row(known, &[key.as_str().into()], &[Type::Text])
        .await?
        .is_none();
    let mut floor = match is_first {
        true => conn.int(highest.as_str(), &[]).await?,
        false => 0,
    };
    for attempt in 0..TRIES {
        let params = [key.as_str().into(), Value::Int(floor)];
        let row = conn.row(bump, &params, &[Type::Text]).await?;
        let Some(Value::Text(number)) = row.and_then(|mut row| row.pop()) else {
            return Err(Error::Corrupt("a counter gave no number".to_owned()));
        };
        let taken = format!("select \"id\" from {table} where {column} = $1");
        let params = [number.as_str().into()];
        if conn.row(taken, &params, &[Type::Int]).await?.is_none() {
            return Ok(number);
        }
        // An import brought numbers of its own since.
        if attempt == 0 {
            floor = conn.int(highest.as_str(), &[]).await?;
        }
    }
    Err(Error::Outdated(format!(
        "no number of `{object}` was found free"
    )))
}

//! Records counted and added up by one field: what a chart of a list shows. It
//! reads what [`Store::list`] would, under the same access.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use keji_schema::calendar::Calendar;
use keji_schema::expr::Expr;
use keji_schema::{Type, Value};

use crate::access::Access;
use crate::db::{Fields, int};
use crate::error::{Error, Result};
use crate::record::ListQuery;
use crate::search::Candidates;
use crate::sql::{Dialect, Select};
use crate::store::Store;

/// Answers that are kept. Each is a page at most.
const KEPT: usize = 64;

/// Adding up reads every record; between two changes once is enough. By query
/// and access, with the position of the log.
#[derive(Debug, Default)]
pub(crate) struct GroupsCache(Mutex<HashMap<String, (i64, Groups)>>);

/// Which records, grouped by what.
#[derive(Debug, Clone, Default)]
pub struct GroupQuery {
    pub object: String,
    pub filter: Option<Expr>,
    /// As in [`ListQuery`].
    pub search: Option<String>,
    /// A field or a path over links. Dates and instants are grouped by month,
    /// the latter by the month of their civil day.
    pub by: String,
    /// A decimal or whole number that is added up.
    pub sum: Option<String>,
    /// A text whose smallest and largest value among the records are told, such
    /// as the currency of what is added up: one where there is only one.
    pub unit: Option<String>,
    /// At most so many groups: of months the newest, of others those with the
    /// largest sum, or the most records. The group without a value is always
    /// among them.
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Null for the records without a value; the first day of a month.
    pub key: Value,
    pub count: i64,
    /// Null where none of the records has a value, or nothing was asked for.
    pub sum: Value,
    /// How many of the records have a value that was added up.
    pub n_summed: i64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups {
    pub groups: Vec<Group>,
    /// How many groups there are in all.
    pub n_groups: i64,
    /// Of all groups, `key` being null.
    pub total: Option<Group>,
    /// Different values of the unit: the smallest, the largest, and null where
    /// a record has none.
    pub units: Vec<Value>,
}

impl Store {
    pub async fn groups(&self, query: &GroupQuery, access: &Access) -> Result<Groups> {
        let key = format!("{query:?} {access:?}");
        let kept = || {
            self.0
                .groups
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let seq = conn.int("select max(seq) from keji_change", &[]).await?;
        if let Some((at, found)) = kept().get(&key)
            && *at == seq
        {
            return Ok(found.clone());
        }
        let list = ListQuery {
            object: query.object.clone(),
            search: query.search.clone(),
            ..ListQuery::default()
        };
        let candidates = self.searched(&mut conn, &list).await?;
        let (sql, params, kinds, is_month) = self.groups_sql(query, &list, &candidates, access)?;
        let mut found = Groups::default();
        for row in conn.rows(sql, &params, &kinds).await? {
            let mut row = Fields::new(row);
            let key = row.value();
            let group = Group {
                key: if is_month { month(&key)? } else { key },
                count: row.int()?,
                sum: row.value(),
                n_summed: row.int()?,
            };
            found.groups.push(group);
            found.n_groups = row.int()?;
            found.total = Some(Group {
                key: Value::Null,
                count: row.int()?,
                sum: row.value(),
                n_summed: row.int()?,
            });
            let (first, last, n_without) = (row.value(), row.value(), row.int()?);
            found.units = match query.unit.is_some() {
                true if n_without > 0 => vec![first, last, Value::Null],
                true => vec![first, last],
                false => Vec::new(),
            };
            found.units.dedup();
        }
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, (seq, found.clone()));
        Ok(found)
    }

    fn groups_sql(
        &self,
        query: &GroupQuery,
        list: &ListQuery,
        candidates: &Candidates,
        access: &Access,
    ) -> Result<(String, Vec<Value>, Vec<Type>, bool)> {
        let dialect = self.db().dialect();
        let mut select = Select::new(dialect, &self.0.catalog, access, &query.object)?;
        let mut condition = select.condition(query.filter.as_ref())?;
        if let Some(search) = self.search_sql(&mut select, list, candidates)? {
            condition = format!("{condition} and {search}");
        }
        let (column, kind) = select.path(&query.by)?;
        let is_month = matches!(kind, Type::Date | Type::Instant);
        let (key, key_kind) = match is_month {
            true => (
                month_sql(&mut select, &self.0.catalog.calendar, &column, kind),
                Type::Int,
            ),
            false => (column, kind),
        };
        let (sum, n_summed, sum_kind) = match &query.sum {
            None => (
                "cast(null as numeric)".to_owned(),
                "0".to_owned(),
                Type::Int,
            ),
            Some(path) => match select.path(path)? {
                (column, kind @ (Type::Decimal | Type::Int)) => {
                    (format!("sum({column})"), format!("count({column})"), kind)
                }
                _ => return Err(Error::Query(format!("`{path}` cannot be added up"))),
            },
        };
        let unit = match &query.unit {
            None => "cast(null as text)".to_owned(),
            Some(path) => match select.path(path)? {
                (column, Type::Text | Type::Choice) => column,
                _ => return Err(Error::Query(format!("`{path}` is no unit"))),
            },
        };
        // What is a whole number to us is a numeric to PostgreSQL's `sum`.
        let whole = |sql: &str| format!("cast({sql} as bigint)");
        let shown = |sql: &str| match sum_kind {
            Type::Int => whole(sql),
            _ => sql.to_owned(),
        };
        let order = match (is_month, &query.sum) {
            (true, _) => "k desc",
            (false, None) => "n desc, k",
            (false, Some(_)) => "s desc nulls last, n desc, k",
        };
        let columns = [
            "k".to_owned(),
            "n".to_owned(),
            shown("s"),
            whole("h"),
            whole("count(*) over ()"),
            whole("sum(n) over ()"),
            shown("sum(s) over ()"),
            whole("sum(h) over ()"),
            "min(lo) over ()".to_owned(),
            "max(hi) over ()".to_owned(),
            whole("sum(n - u) over ()"),
        ];
        let sql = format!(
            "with g as (select {key} as k, count(*) as n, {sum} as s, {n_summed} as h, \
             min({unit}) as lo, max({unit}) as hi, count({unit}) as u \
             {} where {condition} group by 1) \
             select {} from g order by (k is null) desc, {order} limit {}",
            select.from(),
            columns.join(", "),
            query.limit
        );
        let kinds = vec![
            key_kind,
            Type::Int,
            sum_kind,
            Type::Int,
            Type::Int,
            Type::Int,
            sum_kind,
            Type::Int,
            Type::Text,
            Type::Text,
            Type::Int,
        ];
        Ok((sql, select.params, kinds, is_month))
    }
}

/// Months since the year 0 of a day, or of an instant's civil day.
fn month_sql(select: &mut Select<'_>, calendar: &Calendar, column: &str, kind: Type) -> String {
    let dialect = select.dialect;
    let at = match (dialect, kind) {
        (Dialect::Sqlite, Type::Instant) => {
            let offset = offset_sql(select, calendar, column);
            // Division goes towards zero, seconds go down.
            let down = format!("({column} - case when {column} < 0 then 999999 else 0 end)");
            format!("{down} / 1000000 + {offset}")
        }
        (Dialect::Sqlite, _) => format!("{column} * 86400"),
        (Dialect::Postgres, Type::Instant) => {
            let offset = offset_sql(select, calendar, column);
            format!("({column} at time zone 'UTC') + make_interval(secs => {offset})")
        }
        (Dialect::Postgres, _) => column.to_owned(),
    };
    match dialect {
        Dialect::Sqlite => format!(
            "cast(strftime('%Y', {at}, 'unixepoch') as integer) * 12 \
             + cast(strftime('%m', {at}, 'unixepoch') as integer) - 1"
        ),
        Dialect::Postgres => {
            format!("cast(extract(year from {at}) * 12 + extract(month from {at}) - 1 as bigint)")
        }
    }
}

/// Seconds between civil time and UTC. SQLite knows no zones, and both
/// databases are to agree with the calendar.
fn offset_sql(select: &mut Select<'_>, calendar: &Calendar, column: &str) -> String {
    let (mut offset, changes) = calendar.offsets();
    if changes.is_empty() {
        return offset.to_string();
    }
    let mut sql = "(case".to_owned();
    for (at, next) in changes {
        let at = select.bind(Value::Instant(at));
        sql.push_str(&format!(" when {column} < {at} then {offset}"));
        offset = next;
    }
    format!("{sql} else {offset} end)")
}

fn month(key: &Value) -> Result<Value> {
    let Some(n) = int(key) else {
        return Ok(Value::Null);
    };
    let wrong = || Error::Corrupt(format!("{n} is not a month"));
    let year = i16::try_from(n.div_euclid(12)).map_err(|_| wrong())?;
    let month = i8::try_from(n.rem_euclid(12) + 1).map_err(|_| wrong())?;
    let day = jiff::civil::Date::new(year, month, 1).map_err(|_| wrong())?;
    Ok(Value::Date(day))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keji_schema::Catalog;

    use super::*;
    use crate::change::{NewChange, Op};
    use crate::testing;

    /// What is kept of one moment, or of one caller, is told of no other.
    #[tokio::test]
    async fn groups_are_kept_until_the_next_change() {
        for place in testing::places().await {
            let catalog = Arc::new(Catalog::standard().unwrap());
            let store = Store::open(&place.location, catalog.clone()).await.unwrap();
            let query = GroupQuery {
                object: "customer".to_owned(),
                by: "city".to_owned(),
                limit: 50,
                ..GroupQuery::default()
            };
            let of_beijing = Access {
                predicate: Some(
                    Expr::parse_filter("city = '北京'", &catalog.scope("customer")).unwrap(),
                ),
                ..Access::all()
            };
            for n in 1..4 {
                let values = vec![
                    ("number".to_owned(), Value::Text(format!("K{n}"))),
                    ("city".to_owned(), Value::from("上海")),
                ];
                let change = NewChange {
                    object: "customer".to_owned(),
                    op: Op::Create { values },
                    actor: "anna".to_owned(),
                    channel: "api".to_owned(),
                    module: None,
                    expected: None,
                    gives_number: false,
                    jobs: Vec::new(),
                };
                store.write(change, &Access::all()).await.unwrap();
                for _ in 0..2 {
                    let all = store.groups(&query, &Access::all()).await.unwrap();
                    assert_eq!(all.total.map(|total| total.count), Some(n));
                    let none = store.groups(&query, &of_beijing).await.unwrap();
                    assert_eq!(none.groups, []);
                }
            }
            store.close().await;
        }
    }
}

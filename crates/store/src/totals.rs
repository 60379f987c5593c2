//! What follows from an order and its lines where somebody writes one of them
//! by itself: the amount of a line, the totals of its order and the day of its
//! time, as an order file gives them. `import` does the same for many.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Decimal, Type, Value};
use serde_json::{Map, Value as Json};

use crate::access::Access;
use crate::db::{Conn, Fields, int};
use crate::error::{Error, Result};
use crate::log::{self, Touches};
use crate::record::Record;
use crate::sql::Dialect;
use crate::store::Store;
use crate::write::{check_rules, json, now, update};

pub(crate) const ORDER: &str = "order";
const LINE: &str = "order_line";

/// The fingerprint of a line that no file brought; see
/// `import::statements::adopt`.
pub(crate) const BY_HAND: i64 = 0;

/// Whether a record of the object is made without the field, because it
/// follows from the others or has a value to begin with.
pub fn comes_by_itself(object: &str, field: &str) -> bool {
    match object {
        ORDER => {
            follows(object, field) || ["kind", "ordered_at", "freight", "discount"].contains(&field)
        }
        _ => follows(object, field),
    }
}

/// Whether the field follows from others, so that nobody writes it by itself.
pub fn follows(object: &str, field: &str) -> bool {
    match object {
        ORDER => [
            "ordered_on",
            "goods_amount",
            "gross_amount",
            "net_amount",
            "n_lines",
        ]
        .contains(&field),
        LINE => ["amount", "occurrence", "row_hash"].contains(&field),
        _ => false,
    }
}

/// Whether anything follows from the values of such a record.
pub(crate) fn has_any(def: &ObjectDef) -> bool {
    [ORDER, LINE].contains(&def.id.as_str())
}

/// New totals of an order.
pub(crate) struct Totals {
    pub(crate) order: i64,
    pub(crate) before: Map<String, Json>,
    pub(crate) after: Map<String, Json>,
    pub(crate) touches: Touches,
}

/// The values of a record that is made, with what follows from them. What is
/// given stays.
pub(crate) async fn made<'a>(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    def: &ObjectDef,
    values: Cow<'a, [(String, Value)]>,
) -> Result<Cow<'a, [(String, Value)]>> {
    let mut draft = Draft(values);
    match def.id.as_str() {
        ORDER => {
            draft.fill("kind", || "sale".into());
            draft.fill("ordered_at", || Value::Instant(now()));
            for field in ["freight", "discount", "goods_amount", "gross_amount"] {
                draft.fill(field, || Value::Decimal(Decimal::ZERO));
            }
            draft.fill("n_lines", || Value::Int(0));
            if let (false, Value::Instant(at)) = (draft.has("ordered_on"), draft.get("ordered_at"))
            {
                draft.set("ordered_on", day_of(catalog, at));
            }
            if !draft.has("net_amount") {
                let net = net(|field| draft.get(field)).ok_or_else(|| too_large(def, "freight"))?;
                draft.set("net_amount", Value::Decimal(net));
            }
        }
        LINE => {
            if let Value::Int(order) = draft.get("order") {
                hold(conn, &[order].into()).await?;
                draft.fill("row_hash", || Value::Int(BY_HAND));
                if let (false, Value::Int(hash)) = (draft.has("occurrence"), draft.get("row_hash"))
                {
                    let n = next_occurrence(conn, order, hash).await?;
                    draft.set("occurrence", Value::Int(n));
                }
            }
            if !draft.has("amount") {
                let amount = amount(def, |field| draft.get(field))?;
                draft.set("amount", amount);
            }
        }
        _ => {}
    }
    Ok(draft.0)
}

/// The values of a change, with what follows from them. `whole` is the record
/// as it is.
pub(crate) async fn changed<'a>(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    def: &ObjectDef,
    whole: &Record,
    values: &'a [(String, Value)],
) -> Result<Cow<'a, [(String, Value)]>> {
    let mut draft = Draft(Cow::Borrowed(values));
    let differs = |draft: &Draft<'_>, field: &str| {
        draft.has(field) && draft.get(field) != *whole.value(field)
    };
    let will_be = |draft: &Draft<'_>, field: &str| match draft.has(field) {
        true => draft.get(field),
        false => whole.value(field).clone(),
    };
    match def.id.as_str() {
        ORDER => {
            if let (true, false, Value::Instant(at)) = (
                differs(&draft, "ordered_at"),
                draft.has("ordered_on"),
                draft.get("ordered_at"),
            ) {
                draft.set("ordered_on", day_of(catalog, at));
            }
            let is_other = differs(&draft, "freight") || differs(&draft, "discount");
            if is_other && !draft.has("net_amount") {
                let net = net(|field| will_be(&draft, field));
                let net = net.ok_or_else(|| too_large(def, "freight"))?;
                draft.set("net_amount", Value::Decimal(net));
            }
        }
        LINE => {
            let orders = [whole.value("order").clone(), will_be(&draft, "order")];
            hold(conn, &orders.iter().filter_map(int).collect()).await?;
            let is_other = differs(&draft, "quantity") || differs(&draft, "price");
            if is_other && !draft.has("amount") {
                let amount = amount(def, |field| will_be(&draft, field))?;
                draft.set("amount", amount);
            }
            if let (true, false, Value::Int(order), Value::Int(hash)) = (
                differs(&draft, "order"),
                draft.has("occurrence"),
                draft.get("order"),
                will_be(&draft, "row_hash"),
            ) {
                let n = next_occurrence(conn, order, hash).await?;
                draft.set("occurrence", Value::Int(n));
            }
        }
        _ => {}
    }
    Ok(draft.0)
}

/// Keeps the order of a line that goes.
pub(crate) async fn hold_order_of(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    line: &Record,
) -> Result<()> {
    match (def.id.as_str(), line.value("order")) {
        (LINE, Value::Int(order)) => hold(conn, &[*order].into()).await,
        _ => Ok(()),
    }
}

/// The orders of a line, as it was and as it is.
pub(crate) fn orders_of<'a>(
    def: &ObjectDef,
    order: impl IntoIterator<Item = &'a Value>,
) -> BTreeSet<i64> {
    match def.id.as_str() {
        LINE => order.into_iter().filter_map(int).collect(),
        _ => BTreeSet::new(),
    }
}

impl Store {
    /// Gives these orders the totals of their lines, and says what changed.
    pub(crate) async fn add_up(
        &self,
        conn: &mut Conn<'_>,
        orders: &BTreeSet<i64>,
    ) -> Result<Vec<Totals>> {
        let catalog = &self.0.catalog;
        let mut all = Vec::new();
        for &order in orders {
            let def = catalog.object(ORDER)?;
            let access = Access::all();
            let Some(record) = self.record(conn, ORDER, order, &access, false).await? else {
                continue;
            };
            let sums = sums(conn, def, &record).await?;
            let changed: Vec<&(String, Value)> =
                sums.iter().filter(|(f, v)| record.value(f) != v).collect();
            if changed.is_empty() {
                continue;
            }
            check_rules(catalog, def, |id| {
                let new = changed.iter().find(|(f, _)| f == id);
                new.map_or_else(|| record.value(id).clone(), |(_, v)| v.clone())
            })?;
            update(conn, def, order, &changed).await?;
            let fields: Vec<&str> = changed.iter().map(|(f, _)| f.as_str()).collect();
            let mut touches = Touches::new();
            log::touched_by(conn, catalog, def, order, &fields, &mut touches).await?;
            let entry = |value: &dyn Fn(&str, &Value) -> Json| {
                let pairs = changed.iter().map(|(f, v)| (f.clone(), value(f, v)));
                pairs.collect::<Map<String, Json>>()
            };
            all.push(Totals {
                order,
                before: entry(&|field, _| json(record.value(field))),
                after: entry(&|_, value| json(value)),
                touches,
            });
        }
        Ok(all)
    }
}

/// Added up here, because a sum that is too large is an error of the line, and
/// a database has only one of its own.
async fn sums(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    order: &Record,
) -> Result<[(String, Value); 4]> {
    let sql = "select quantity, price, amount from order_line where \"order\" = $1";
    let kinds = [Type::Decimal; 3];
    let rows = conn.rows(sql, &[Value::Int(order.id)], &kinds).await?;
    let n = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let (mut goods, mut gross) = (Some(Decimal::ZERO), Some(Decimal::ZERO));
    for row in rows {
        let mut row = Fields::new(row);
        let (quantity, price, amount) = (row.decimal(), row.decimal(), row.decimal());
        goods = goods.and_then(|sum| sum.checked_add(amount));
        if quantity.is_positive() && price.is_positive() {
            gross = gross.and_then(|sum| sum.checked_add(amount));
        }
    }
    let sums = goods.zip(gross).and_then(|(goods, gross)| {
        let net = net(|field| match field {
            "goods_amount" => Value::Decimal(goods),
            other => order.value(other).clone(),
        });
        Some((goods, gross, net?))
    });
    let (goods, gross, net) = sums.ok_or_else(|| too_large(def, "goods_amount"))?;
    Ok([
        ("goods_amount".to_owned(), Value::Decimal(goods)),
        ("gross_amount".to_owned(), Value::Decimal(gross)),
        ("net_amount".to_owned(), Value::Decimal(net)),
        ("n_lines".to_owned(), Value::Int(n)),
    ])
}

fn net(value: impl Fn(&str) -> Value) -> Option<Decimal> {
    let decimal = |field: &str| match value(field) {
        Value::Decimal(decimal) => decimal,
        _ => Decimal::ZERO,
    };
    let goods = decimal("goods_amount").checked_add(decimal("freight"))?;
    goods.checked_sub(decimal("discount"))
}

/// Null where a factor is missing, which is told elsewhere.
fn amount(def: &ObjectDef, value: impl Fn(&str) -> Value) -> Result<Value> {
    let (Value::Decimal(quantity), Value::Decimal(price)) = (value("quantity"), value("price"))
    else {
        return Ok(Value::Null);
    };
    let product = quantity.checked_mul(price);
    product
        .map(Value::Decimal)
        .ok_or_else(|| too_large(def, "price"))
}

fn too_large(def: &ObjectDef, field: &str) -> Error {
    Error::Invalid {
        object: def.id.clone(),
        field: field.to_owned(),
        value: "…".to_owned(),
        message: "the amount is too large".to_owned(),
    }
}

fn day_of(catalog: &Catalog, at: Timestamp) -> Value {
    Value::Date(catalog.calendar.day_of(at))
}

/// Behind the last of its kind, so that one which goes leaves no number that
/// comes again beside another.
async fn next_occurrence(conn: &mut Conn<'_>, order: i64, hash: i64) -> Result<i64> {
    let sql = "select coalesce(max(occurrence), 0) + 1 from order_line \
               where \"order\" = $1 and row_hash = $2";
    conn.int(sql, &[Value::Int(order), Value::Int(hash)]).await
}

/// Whoever writes lines of an order does so behind the others, or the totals
/// would miss theirs. On SQLite the transaction is the only writer anyway.
async fn hold(conn: &mut Conn<'_>, orders: &BTreeSet<i64>) -> Result<()> {
    if conn.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    // In the order of their ids; the lock lets others look the order up.
    for &order in orders {
        let sql = "select \"id\" from \"order\" where \"id\" = $1 for no key update";
        conn.row(sql, &[Value::Int(order)], &[Type::Int]).await?;
    }
    Ok(())
}

/// Values on their way in.
struct Draft<'a>(Cow<'a, [(String, Value)]>);

impl Draft<'_> {
    fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(f, v)| f == field && !v.is_null())
    }

    fn get(&self, field: &str) -> Value {
        let found = self.0.iter().find(|(f, _)| f == field);
        found.map_or(Value::Null, |(_, value)| value.clone())
    }

    fn set(&mut self, field: &str, value: Value) {
        let all = self.0.to_mut();
        all.retain(|(f, _)| f != field);
        all.push((field.to_owned(), value));
    }

    fn fill(&mut self, field: &str, value: impl FnOnce() -> Value) {
        if !self.has(field) {
            self.set(field, value());
        }
    }
}

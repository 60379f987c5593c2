//! What an import changes in known orders: the SQL, one function per step.
//! The tables that it leaves for the log and for the writing: `drop_line` and
//! `drop_order` (what goes), `touch_order` (orders whose lines change),
//! `fill_order` (new values of orders, null where they stay).

use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Type, Value};

use super::statements::{ORDER, TOTALS, kind_of};
use super::undo::DERIVED;
use crate::batch::{Batch, ImportMode};
use crate::db::Conn;
use crate::error::Result;
use crate::sql::{Dialect, quote};

/// The highest ids before the merge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) order: i64,
    pub(super) line: i64,
}

/// The fields of `fill_order`.
pub(super) fn order_fields(mode: ImportMode) -> Vec<(&'static str, Type)> {
    let mut fields: Vec<_> = TOTALS
        .iter()
        .map(|field| match *field {
            "n_lines" => (*field, Type::Int),
            _ => (*field, Type::Decimal),
        })
        .collect();
    if mode != ImportMode::Add {
        fields.extend(HEADER);
    }
    fields
}

/// Fields of an order that a file may change, beside the totals.
pub(super) const HEADER: [(&str, Type); 9] = [
    ("customer", Type::Link),
    ("kind", Type::Text),
    ("ordered_at", Type::Instant),
    ("ordered_on", Type::Date),
    ("country", Type::Text),
    ("channel", Type::Text),
    ("currency", Type::Text),
    ("freight", Type::Decimal),
    ("discount", Type::Decimal),
];

/// Finds out what the file changes, with its new orders and lines already in
/// place. Nothing is changed here.
pub(super) async fn find(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    batch: &Batch,
    before: Before,
) -> Result<()> {
    let dialect = conn.dialect();
    let int = dialect.pick("integer", "bigint");
    conn.script(&[
        format!(
            "create temporary table drop_line (id {int} primary key, \"order\" {int} not null)"
        ),
        format!("create temporary table lost_order (id {int} primary key)"),
        format!("create temporary table drop_order (id {int} primary key)"),
    ])
    .await?;
    let ids = [Value::Int(before.order), Value::Int(before.line)];
    if batch.mode != ImportMode::Add {
        conn.run(LINES_NOT_IN_FILE, &ids).await?;
    }
    if let (ImportMode::Replace, Some(source)) = (batch.mode, &batch.source) {
        let source = Value::from(source.as_str());
        conn.run(ORDERS_NOT_IN_FILE, &[source.clone(), ids[0].clone()])
            .await?;
        conn.run(LINES_OF_SOURCE, &[source, ids[1].clone()]).await?;
        conn.run(unused_orders(catalog), &[]).await?;
    }
    let mut script = vec![touch_order(before), edit_order(batch.mode, before.order)];
    if dialect == Dialect::Postgres {
        for table in ["touch_order", "edit_order", "drop_line", "drop_order"] {
            script.push(format!("analyze {table}"));
        }
    }
    script.push(fill_order(dialect, batch.mode));
    conn.script(&script).await
}

/// Objects that link to an order, beside its lines.
pub(super) fn linking(catalog: &Catalog) -> impl Iterator<Item = (&ObjectDef, &str)> {
    let others = catalog
        .objects
        .values()
        .filter(|other| other.id != "order_line" && !DERIVED.contains(&other.id.as_str()));
    others.flat_map(|other| {
        let links = other
            .fields
            .iter()
            .filter(|f| f.to.as_deref() == Some("order"));
        links.map(move |field| (other, field.id.as_str()))
    })
}

/// Lines of known orders that the file names, but not these lines. `$1` is
/// the highest order id before the merge, `$2` the highest line id.
const LINES_NOT_IN_FILE: &str = "insert into drop_line select x.id, o.id from stage_order s \
     join \"order\" o on o.number = s.number join order_line x on x.\"order\" = o.id \
     where o.id <= $1 and x.id <= $2 and not exists (select 1 from stage_key k \
     where k.number = s.number and k.row_hash = x.row_hash and k.occurrence = x.occurrence)";

/// Orders that the source `$1` brought and the file does not have. `$2` is the
/// highest order id before the merge.
const ORDERS_NOT_IN_FILE: &str = "insert into lost_order select o.id from \"order\" o \
     where o.batch in (select id from keji_batch where source = $1 and state = 'merged') \
     and o.id <= $2 and not exists (select 1 from stage_key k where k.number = o.number)";

/// Their lines that the source brought. `$2` is the highest line id before.
const LINES_OF_SOURCE: &str = "insert into drop_line select x.id, x.\"order\" from lost_order l \
     join order_line x on x.\"order\" = l.id where x.id <= $2 \
     and x.batch in (select id from keji_batch where source = $1 and state = 'merged')";

/// Those to which nothing links then.
fn unused_orders(catalog: &Catalog) -> String {
    let mut sql = "insert into drop_order select l.id from lost_order l \
                   where not exists (select 1 from order_line x where x.\"order\" = l.id \
                   and not exists (select 1 from drop_line d where d.id = x.id))"
        .to_owned();
    for (other, link) in linking(catalog) {
        sql.push_str(&format!(
            " and not exists (select 1 from {} o where o.{} = l.id)",
            quote(&other.id),
            quote(link)
        ));
    }
    sql
}

/// Known orders whose lines change, with their new totals, and the least and
/// the greatest quantity before and after.
fn touch_order(before: Before) -> String {
    let Before { order, line } = before;
    let stays = "d.id is null";
    format!(
        "create temporary table touch_order as select x.\"order\" as id, \
         coalesce(sum(case when {stays} then x.amount end), 0) as goods_amount, \
         coalesce(sum(case when {stays} and x.quantity > 0 and x.price > 0 then x.amount end), 0) \
         as gross_amount, count(case when {stays} then 1 end) as n_lines, \
         min(case when x.id <= {line} then x.quantity end) as old_min, \
         max(case when x.id <= {line} then x.quantity end) as old_max, \
         min(case when {stays} then x.quantity end) as new_min, \
         max(case when {stays} then x.quantity end) as new_max \
         from order_line x left join drop_line d on d.id = x.id \
         where x.\"order\" in (select \"order\" from drop_line union \
         select \"order\" from order_line where id > {line} and \"order\" <= {order}) \
         group by x.\"order\""
    )
}

/// Known orders that may change, with their header in the file.
fn edit_order(mode: ImportMode, max_order: i64) -> String {
    if mode == ImportMode::Add {
        return "create temporary table edit_order as select id from touch_order".to_owned();
    }
    let header: String = ORDER.iter().map(|c| format!(", s.{c}")).collect();
    let nulls = ", null".repeat(ORDER.len());
    format!(
        "create temporary table edit_order as select o.id as id, s.ordered_at, s.ordered_on{header} \
         from stage_order s join \"order\" o on o.number = s.number where o.id <= {max_order} \
         union all select t.id, null, null{nulls} from touch_order t join lost_order l on l.id = t.id \
         where not exists (select 1 from drop_order d where d.id = t.id)"
    )
}

fn fill_order(dialect: Dialect, mode: ImportMode) -> String {
    let is_header = mode != ImportMode::Add;
    let (freight, discount) = match is_header {
        true => (
            "coalesce(e.freight, o.freight)",
            "coalesce(e.discount, o.discount)",
        ),
        false => ("o.freight", "o.discount"),
    };
    let net = format!("coalesce(t.goods_amount, o.goods_amount) + {freight} - {discount}");
    let changed = |field: &str, to: &str| {
        format!("case when o.{field} is null or o.{field} <> {to} then {to} end as {field}")
    };
    let mut columns: Vec<String> = ["goods_amount", "gross_amount", "n_lines"]
        .iter()
        .map(|field| changed(field, &format!("t.{field}")))
        .collect();
    // Where neither a line nor a part of the sum changes, it stays as it is.
    columns.push(format!(
        "case when (t.id is not null or {freight} <> o.freight or {discount} <> o.discount) \
         and o.net_amount <> {net} then {net} end as net_amount"
    ));
    let mut join = "";
    if is_header {
        join = " left join customer m on m.number = e.customer_number";
        // A kind that followed from the old lines follows the new ones.
        let kind = format!(
            "coalesce(e.kind, case when t.n_lines > 0 and o.kind = {} then {} end, o.kind)",
            kind_of(dialect, "o.number", "t.old_min", "t.old_max"),
            kind_of(dialect, "o.number", "t.new_min", "t.new_max"),
        );
        columns.push(changed("customer", "m.id"));
        columns.push(changed("kind", &kind));
        for (field, _) in &HEADER[2..] {
            columns.push(changed(field, &format!("e.{field}")));
        }
    }
    let any: Vec<String> = order_fields(mode)
        .iter()
        .map(|(field, _)| format!("{field} is not null"))
        .collect();
    format!(
        "create temporary table fill_order as select * from (select e.id as id, {} \
         from edit_order e join \"order\" o on o.id = e.id \
         left join touch_order t on t.id = e.id{join}) as changed where {}",
        columns.join(", "),
        any.join(" or ")
    )
}

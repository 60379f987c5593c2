//! The SQL of a merge, one function per statement. What runs on the staged
//! rows alone is in [`prepare`], what needs the data tables below it.

use keji_schema::{Catalog, Type};

use crate::batch::ImportMode;
use crate::ddl::column_type;
use crate::error::Result;
use crate::sql::{Dialect, quote};
use crate::totals;

/// Columns of `stage_line`, in the order in which rows are written.
pub(super) const LINE: [(&str, Type); 26] = [
    ("row_no", Type::Int),
    ("order_number", Type::Text),
    ("kind", Type::Text),
    ("customer_number", Type::Text),
    ("customer_name", Type::Text),
    ("customer_kind", Type::Text),
    ("country", Type::Text),
    ("region", Type::Text),
    ("city", Type::Text),
    ("industry", Type::Text),
    ("owner", Type::Text),
    ("phone", Type::Text),
    ("email", Type::Text),
    ("product_number", Type::Text),
    ("product_name", Type::Text),
    ("category", Type::Text),
    ("ordered_at", Type::Instant),
    ("ordered_on", Type::Date),
    ("channel", Type::Text),
    ("currency", Type::Text),
    ("quantity", Type::Decimal),
    ("price", Type::Decimal),
    ("amount", Type::Decimal),
    ("freight", Type::Decimal),
    ("discount", Type::Decimal),
    ("row_hash", Type::Int),
];

/// Fields of a customer that a file may bring, with the column that holds
/// them.
pub(super) const CUSTOMER: [(&str, &str); 9] = [
    ("name", "customer_name"),
    ("kind", "customer_kind"),
    ("country", "country"),
    ("region", "region"),
    ("city", "city"),
    ("industry", "industry"),
    ("owner", "owner"),
    ("phone", "phone"),
    ("email", "email"),
];

pub(super) const PRODUCT: [(&str, &str); 2] = [("name", "product_name"), ("category", "category")];

/// Header columns that an order takes from its first row that has them.
pub(super) const ORDER: [&str; 7] = [
    "customer_number",
    "kind",
    "country",
    "channel",
    "currency",
    "freight",
    "discount",
];

/// Totals of an order, computed from its lines.
pub(super) const TOTALS: [&str; 4] = ["goods_amount", "gross_amount", "net_amount", "n_lines"];

/// A party of the file: how it is known and what the file says about it.
pub(super) struct Party {
    pub(super) object: &'static str,
    /// The staging expression of its number.
    pub(super) number: &'static str,
    /// Fields with the columns that hold them; only columns with values.
    pub(super) fields: Vec<(&'static str, &'static str)>,
}

/// The customer and the product, without the columns that the file leaves
/// empty.
pub(super) fn parties(filled: &[bool]) -> [Party; 2] {
    let keep = |all: &[(&'static str, &'static str)]| {
        all.iter()
            .copied()
            .filter(|(_, column)| is_filled(filled, column))
            .collect()
    };
    [
        Party {
            object: "customer",
            number: "customer_number",
            fields: keep(&CUSTOMER),
        },
        Party {
            object: "product",
            number: "coalesce(product_number, product_name)",
            fields: keep(&PRODUCT),
        },
    ]
}

fn is_filled(filled: &[bool], column: &str) -> bool {
    LINE.iter()
        .zip(filled)
        .any(|((name, _), filled)| *name == column && *filled)
}

/// The fields that are named in this module exist in the catalog.
pub(super) fn check(catalog: &Catalog) -> Result<()> {
    let named = |object: &str, fields: &[&str]| -> Result<()> {
        for field in fields {
            catalog.field(object, &[(*field).to_owned()])?;
        }
        Ok(())
    };
    named("customer", &["number"])?;
    named("customer", &CUSTOMER.map(|(field, _)| field))?;
    named("product", &["number"])?;
    named("product", &PRODUCT.map(|(field, _)| field))?;
    named(
        "order",
        &[
            "number",
            "customer",
            "kind",
            "ordered_at",
            "ordered_on",
            "country",
        ],
    )?;
    named("order", &["channel", "currency", "freight", "discount"])?;
    named("order", &TOTALS)?;
    named(
        "order_line",
        &[
            "order",
            "product",
            "description",
            "quantity",
            "price",
            "amount",
        ],
    )?;
    named("order_line", &["occurrence", "row_hash"])?;
    Ok(())
}

/// `what` is `table stage_line`, or one with more words.
pub(super) fn stage_table(dialect: Dialect, what: &str, columns: &[(String, Type)]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|(name, kind)| {
            let is_key = name == "row_no";
            let kind = column_type(dialect, *kind);
            let key = if is_key { " primary key" } else { "" };
            format!("{} {kind}{key}", quote(name))
        })
        .collect();
    format!("create {what} ({})", columns.join(", "))
}

/// Everything that can be known from the file alone, in sorts and groupings
/// of the database: which order each row belongs to and as which occurrence,
/// and one row per order, customer and product with the first value of each of
/// their fields.
pub(super) fn prepare(dialect: Dialect, filled: &[bool], parties: &[Party]) -> Vec<String> {
    let temporary = dialect.pick("", "temporary ");
    // A merge that was killed may have left its tables in the import's file.
    let mut script: Vec<String> = ["key", "order", "customer", "product"]
        .iter()
        .filter(|_| dialect == Dialect::Sqlite)
        .map(|name| format!("drop table if exists stage_{name}"))
        .collect();
    script.extend([
        format!(
            "create {temporary}table stage_key (number {text} not null, row_hash {int} not null, \
             occurrence {int} not null, row_no {int} not null{}",
            // PostgreSQL joins so many rows without an index.
            dialect.pick(
                ", primary key (number, row_hash, occurrence)) without rowid",
                ")"
            ),
            text = dialect.pick("text", "text collate \"C\""),
            int = dialect.pick("integer", "bigint"),
        ),
        // A row without an order number is an order of its own, known by its
        // fingerprint and by how many such rows came before it.
        format!(
            "insert into stage_key select \
             case when order_number is null then '~' || {hex} || '-' || n else order_number end, \
             row_hash, case when order_number is null then 1 else n end, row_no \
             from (select row_no, order_number, row_hash, row_number() over \
             (partition by order_number, row_hash order by row_no) as n from stage_line) as l",
            hex = dialect.pick(
                "printf('%016x', row_hash)",
                "lpad(to_hex(row_hash), 16, '0')"
            ),
        ),
        order_table(temporary, filled),
    ]);
    for party in parties {
        script.push(party_table(temporary, party));
    }
    if dialect == Dialect::Postgres {
        for table in [
            "stage_key",
            "stage_order",
            "stage_customer",
            "stage_product",
        ] {
            script.push(format!("analyze {table}"));
        }
    }
    script
}

/// The rows that are first to fill a column of a group.
fn first_row(column: &str) -> String {
    format!("min(case when l.{column} is not null then l.row_no end) as {column}_row")
}

/// The column in that row. It is mostly the first row `f` of the group `g`, so
/// only the others are looked up.
fn first_value(column: &str) -> String {
    format!(
        "case when g.{column}_row = g.first_row then f.{column} else \
         (select l.{column} from stage_line l where l.row_no = g.{column}_row) end"
    )
}

fn order_table(temporary: &str, filled: &[bool]) -> String {
    let (mut firsts, mut values) = (String::new(), String::new());
    for column in ORDER {
        if is_filled(filled, column) {
            firsts.push_str(&format!(", {}", first_row(column)));
            values.push_str(&format!(", {} as {column}", first_value(column)));
        } else {
            values.push_str(&format!(", f.{column}"));
        }
    }
    format!(
        "create {temporary}table stage_order as select g.number, g.first_row, \
         f.ordered_at, f.ordered_on{values}, \
         g.n_lines, g.goods, g.gross, g.min_quantity, g.max_quantity from (\
         select k.number, min(l.row_no) as first_row{firsts}, \
         count(*) as n_lines, sum(l.amount) as goods, \
         sum(case when l.quantity > 0 and l.price > 0 then l.amount else 0 end) as gross, \
         min(l.quantity) as min_quantity, max(l.quantity) as max_quantity \
         from stage_key k join stage_line l on l.row_no = k.row_no group by k.number) as g \
         join stage_line f on f.row_no = g.first_row"
    )
}

fn party_table(temporary: &str, party: &Party) -> String {
    let (mut firsts, mut values) = (String::new(), String::new());
    for (field, column) in &party.fields {
        firsts.push_str(&format!(", {}", first_row(column)));
        values.push_str(&format!(", {} as {field}", first_value(column)));
    }
    let rest = match values.is_empty() {
        true => "",
        false => " join stage_line f on f.row_no = g.first_row",
    };
    format!(
        "create {temporary}table stage_{object} as select g.number, g.first_row{values} from (\
         select {number} as number, min(l.row_no) as first_row{firsts} from stage_line l \
         where {number} is not null group by {number}) as g{rest}",
        object = party.object,
        number = party.number,
    )
}

/// The parties that the store does not know yet. `$1` is the batch, `$2` and
/// `$3` when and by whom they are made.
pub(super) fn insert_party(party: &Party) -> String {
    let object = party.object;
    let (mut columns, mut values) = (String::new(), String::new());
    for (field, _) in &party.fields {
        columns.push_str(&format!(", {field}"));
        values.push_str(&format!(", s.{field}"));
    }
    format!(
        "insert into {object} (batch, created_at, created_by, number{columns}) \
         select $1, $2, $3, s.number{values} \
         from stage_{object} s \
         where not exists (select 1 from {object} m where m.number = s.number) \
         order by s.first_row"
    )
}

/// Known parties with a field that the file fills, or overwrites where the
/// mode says so: their id and the new values of the fields that change. `$1`
/// is the highest id before the merge.
pub(super) fn fills(party: &Party, mode: ImportMode) -> Option<String> {
    if party.fields.is_empty() {
        return None;
    }
    let object = party.object;
    let (mut values, mut any) = (String::new(), Vec::new());
    for (field, _) in &party.fields {
        // Lines without a text of their own are described by the product's
        // name, so it is never overwritten.
        let is_overwritten = mode != ImportMode::Add && (object, *field) != ("product", "name");
        let differs = match is_overwritten {
            true => format!("(m.{field} is null or m.{field} <> s.{field})"),
            false => format!("m.{field} is null"),
        };
        values.push_str(&format!(
            ", case when {differs} then s.{field} end as {field}"
        ));
        any.push(format!("s.{field} is not null and {differs}"));
    }
    Some(format!(
        "create temporary table fill_{object} as select m.id as id{values} \
         from stage_{object} s join {object} m on m.number = s.number \
         where m.id <= $1 and ({})",
        any.join(" or ")
    ))
}

/// Gives the records of `fill_<object>` the values that are not null there.
pub(super) fn fill<'a>(object: &str, fields: impl Iterator<Item = &'a str>) -> String {
    let sets: Vec<String> = fields
        .map(|field| format!("{field} = coalesce(f.{field}, \"{object}\".{field})"))
        .collect();
    format!(
        "update \"{object}\" set {} from fill_{object} f where f.id = \"{object}\".id",
        sets.join(", ")
    )
}

/// The orders that the store does not know yet. `$1` is the batch, `$2` and
/// `$3` when and by whom they are made.
pub(super) fn insert_orders(dialect: Dialect) -> String {
    format!(
        "insert into \"order\" (batch, created_at, created_by, number, customer, kind, ordered_at, ordered_on, country, \
         channel, currency, goods_amount, gross_amount, freight, discount, net_amount, n_lines) \
         select $1, $2, $3, s.number, m.id, coalesce(s.kind, {}), \
         s.ordered_at, s.ordered_on, s.country, s.channel, s.currency, \
         s.goods, s.gross, coalesce(s.freight, 0), coalesce(s.discount, 0), \
         s.goods + coalesce(s.freight, 0) - coalesce(s.discount, 0), s.n_lines \
         from stage_order s left join customer m on m.number = s.customer_number \
         where not exists (select 1 from \"order\" o where o.number = s.number) \
         order by s.first_row",
        kind_of(dialect, "s.number", "s.min_quantity", "s.max_quantity"),
    )
}

/// The kind of an order for which the file says none: by its number, else by
/// the least and the greatest quantity of its lines.
pub(super) fn kind_of(dialect: Dialect, number: &str, min: &str, max: &str) -> String {
    let begins = |letters: &str| {
        dialect.pick(
            format!("{number} glob '[{letters}][0-9]*'"),
            format!("{number} ~ '^[{letters}][0-9]'"),
        )
    };
    format!(
        "case when {} then 'return' when {} then 'adjustment' \
         when {max} <= 0 and {min} < 0 then 'return' else 'sale' end",
        begins("Cc"),
        begins("Aa"),
    )
}

/// The lines that the store does not know yet, in the order of the file.
/// `$1` is the batch, `$2` the highest order id before the merge: the lines of
/// newer orders need no search. The text of a line is kept where it differs
/// from the product's name.
pub(super) fn insert_lines(dialect: Dialect) -> String {
    // SQLite takes tables in this order only when told so.
    let join = dialect.pick("cross join", "join");
    format!(
        "insert into order_line (batch, \"order\", product, description, quantity, price, amount, \
         occurrence, row_hash) \
         select $1, o.id, p.id, case when l.product_name <> p.name then l.product_name end, \
         l.quantity, l.price, l.amount, k.occurrence, k.row_hash \
         from stage_key k {join} \"order\" o on o.number = k.number \
         {join} stage_line l on l.row_no = k.row_no \
         left join product p on p.number = coalesce(l.product_number, l.product_name) \
         where o.id > $2 or not exists (select 1 from order_line x where x.\"order\" = o.id \
         and x.row_hash = k.row_hash and x.occurrence = k.occurrence) \
         order by k.row_no"
    )
}

/// Lines that somebody made by hand, in orders that the file names.
const BY_HAND: &str = "from stage_order s {join} \"order\" o on o.number = s.number \
     {join} order_line x on x.\"order\" = o.id and x.row_hash = {BY_HAND}";

/// Whether there are any.
pub(super) fn has_by_hand(dialect: Dialect) -> String {
    format!(
        "select count(*) from (select x.id {} limit 1) as found",
        by_hand(dialect)
    )
}

fn by_hand(dialect: Dialect) -> String {
    BY_HAND
        .replace("{join}", dialect.pick("cross join", "join"))
        .replace("{BY_HAND}", &totals::BY_HAND.to_string())
}

/// Lines made by hand that the file brings too: of the same order, with the
/// same product, quantity, price and amount, as often as it has them. From then
/// on they are known by the file's fingerprint, so that they count once.
pub(super) fn adopt(dialect: Dialect) -> [String; 2] {
    let product = "coalesce(l.product_number, l.product_name, '')";
    [
        format!(
            "create temporary table known_line as select h.id, h.\"order\", f.row_hash, \
             f.occurrence from (select x.id, x.\"order\", s.number, \
             coalesce(p.number, '') as product, x.quantity, x.price, x.amount, \
             row_number() over (partition by x.\"order\", coalesce(p.number, ''), x.quantity, \
             x.price, x.amount order by x.id) as n {} \
             left join product p on p.id = x.product) as h \
             join (select k.number, {product} as product, l.quantity, l.price, l.amount, \
             k.row_hash, k.occurrence, row_number() over (partition by k.number, {product}, \
             l.quantity, l.price, l.amount order by k.row_no) as n \
             from stage_key k join stage_line l on l.row_no = k.row_no) as f \
             on f.number = h.number and f.product = h.product and f.quantity = h.quantity \
             and f.price = h.price and f.amount = h.amount and f.n = h.n \
             where not exists (select 1 from order_line y where y.\"order\" = h.\"order\" \
             and y.row_hash = f.row_hash and y.occurrence = f.occurrence)",
            by_hand(dialect)
        ),
        "update order_line set row_hash = k.row_hash, occurrence = k.occurrence \
         from known_line k where k.id = order_line.id"
            .to_owned(),
    ]
}

/// Totals of an order `o` over its lines `x`.
pub(super) fn totals() -> &'static str {
    "select o.id as id, coalesce(sum(x.amount), 0) as goods_amount, \
     coalesce(sum(case when x.quantity > 0 and x.price > 0 then x.amount else 0 end), 0) \
     as gross_amount, \
     coalesce(sum(x.amount), 0) + o.freight - o.discount as net_amount, \
     count(x.id) as n_lines"
}

//! The SQL of a merge, one function per statement. What runs on the staged
//! rows alone is in [`prepare`], what needs the data tables below it.

use keji_schema::{Catalog, Type};

use crate::batch::ImportMode;
use crate::error::Result;
use crate::sql::Dialect;

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
    let is_filled = |column: &str| {
        LINE.iter()
            .zip(filled)
            .any(|((name, _), filled)| *name == column && *filled)
    };
    let keep = |all: &[(&'static str, &'static str)]| {
        all.iter()
            .copied()
            .filter(|(_, column)| is_filled(column))
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
pub(super) fn line_table(dialect: Dialect, what: &str) -> String {
    let columns: Vec<String> = LINE
        .iter()
        .map(|(name, kind)| match (dialect, kind) {
            (_, Type::Int) if *name == "row_no" => {
                format!("row_no {} primary key", dialect.pick("integer", "bigint"))
            }
            (Dialect::Sqlite, Type::Text) => format!("{name} text"),
            (Dialect::Sqlite, _) => format!("{name} integer"),
            (Dialect::Postgres, Type::Text) => format!("{name} text collate \"C\""),
            (Dialect::Postgres, Type::Instant) => format!("{name} timestamptz"),
            (Dialect::Postgres, Type::Date) => format!("{name} date"),
            (Dialect::Postgres, Type::Decimal) => format!("{name} numeric(19,4)"),
            (Dialect::Postgres, _) => format!("{name} bigint"),
        })
        .collect();
    format!("create {what} ({})", columns.join(", "))
}

/// Everything that can be known from the file alone, in sorts and groupings
/// of the database: which order each row belongs to and as which occurrence,
/// and one row per order, customer and product with the first rows that fill
/// each of their fields.
pub(super) fn prepare(dialect: Dialect, parties: &[Party]) -> Vec<String> {
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
             occurrence {int} not null, row_no {int} not null, \
             primary key (number, row_hash, occurrence)){}",
            dialect.pick(" without rowid", ""),
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
        order_table(temporary),
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

fn order_table(temporary: &str) -> String {
    let firsts: Vec<String> = ORDER
        .iter()
        .map(|c| format!("min(case when l.{c} is not null then l.row_no end) as {c}_row"))
        .collect();
    format!(
        "create {temporary}table stage_order as select k.number, min(l.row_no) as first_row, {}, \
         count(*) as n_lines, sum(l.amount) as goods, \
         sum(case when l.quantity > 0 and l.price > 0 then l.amount else 0 end) as gross, \
         min(l.quantity) as min_quantity, max(l.quantity) as max_quantity \
         from stage_key k join stage_line l on l.row_no = k.row_no group by k.number",
        firsts.join(", ")
    )
}

fn party_table(temporary: &str, party: &Party) -> String {
    let mut firsts = vec!["min(row_no) as first_row".to_owned()];
    for (field, column) in &party.fields {
        firsts.push(format!(
            "min(case when {column} is not null then row_no end) as {field}_row"
        ));
    }
    format!(
        "create {temporary}table stage_{object} as select {number} as number, {} from stage_line \
         where {number} is not null group by {number}",
        firsts.join(", "),
        object = party.object,
        number = party.number,
    )
}

/// The parties that the store does not know yet. `$1` is the batch.
pub(super) fn insert_party(party: &Party) -> String {
    let object = party.object;
    let (mut columns, mut values, mut joins) = (String::new(), String::new(), String::new());
    for (field, column) in &party.fields {
        columns.push_str(&format!(", {field}"));
        values.push_str(&format!(", l_{field}.{column}"));
        joins.push_str(&party_join(field));
    }
    format!(
        "insert into {object} (batch, number{columns}) select $1, s.number{values} \
         from stage_{object} s{joins} \
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
    let (mut values, mut joins, mut any) = (String::new(), String::new(), Vec::new());
    for (field, column) in &party.fields {
        // Lines without a text of their own are described by the product's
        // name, so it is never overwritten.
        let is_overwritten = mode != ImportMode::Add && (object, *field) != ("product", "name");
        let differs = match is_overwritten {
            true => format!("(m.{field} is null or m.{field} <> l_{field}.{column})"),
            false => format!("m.{field} is null"),
        };
        values.push_str(&format!(
            ", case when {differs} then l_{field}.{column} end as {field}"
        ));
        joins.push_str(&party_join(field));
        any.push(format!("s.{field}_row is not null and {differs}"));
    }
    Some(format!(
        "create temporary table fill_{object} as select m.id as id{values} \
         from stage_{object} s join {object} m on m.number = s.number{joins} \
         where m.id <= $1 and ({})",
        any.join(" or ")
    ))
}

fn party_join(field: &str) -> String {
    format!(" left join stage_line l_{field} on l_{field}.row_no = s.{field}_row")
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

/// The orders that the store does not know yet. `$1` is the batch.
pub(super) fn insert_orders(dialect: Dialect) -> String {
    let joins: String = ORDER
        .iter()
        .map(|c| format!(" left join stage_line l_{c} on l_{c}.row_no = s.{c}_row"))
        .collect();
    format!(
        "insert into \"order\" (batch, number, customer, kind, ordered_at, ordered_on, country, \
         channel, currency, goods_amount, gross_amount, freight, discount, net_amount, n_lines) \
         select $1, s.number, m.id, \
         coalesce(l_kind.kind, {}), \
         f.ordered_at, f.ordered_on, l_country.country, l_channel.channel, l_currency.currency, \
         s.goods, s.gross, coalesce(l_freight.freight, 0), coalesce(l_discount.discount, 0), \
         s.goods + coalesce(l_freight.freight, 0) - coalesce(l_discount.discount, 0), s.n_lines \
         from stage_order s join stage_line f on f.row_no = s.first_row{joins} \
         left join customer m on m.number = l_customer_number.customer_number \
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

/// Totals of an order `o` over its lines `x`.
pub(super) fn totals() -> &'static str {
    "select o.id as id, coalesce(sum(x.amount), 0) as goods_amount, \
     coalesce(sum(case when x.quantity > 0 and x.price > 0 then x.amount else 0 end), 0) \
     as gross_amount, \
     coalesce(sum(x.amount), 0) + o.freight - o.discount as net_amount, \
     count(x.id) as n_lines"
}

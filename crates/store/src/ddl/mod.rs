//! Tables from the catalog. [`shape`] says what there should be, [`diff`] what
//! to do about what there is; both are pure.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::{Catalog, Type};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};

/// Objects whose records come by the million and only in bulk, and are reached
/// by their declared indexes: an index per link would double the cost of an
/// import.
const BULK: [&str; 1] = ["order_line"];

/// Objects without foreign keys on PostgreSQL, which checks them by a query and
/// a lock per row: that took half of an import. Whoever writes such a record by
/// itself holds what it links to, and an import holds the tables.
const UNCHECKED: [&str; 2] = ["order", "order_line"];

/// The tables of all objects, as stored beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) tables: BTreeMap<String, Table>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    /// Beside those of unique columns.
    pub(crate) indexes: BTreeSet<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Type,
    /// Of a required field that was there from the start. One that was added
    /// later is empty in older records, so the table cannot insist.
    pub(crate) not_null: bool,
    pub(crate) unique: bool,
    /// The object of a foreign key. Only a link with an index is one, because
    /// otherwise each delete of its target would read the whole table.
    pub(crate) references: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    CreateTable(String, Table),
    AddColumn(String, Column),
    Reference(String, Column),
    CreateIndex {
        table: String,
        fields: Vec<String>,
        /// Those of the fields whose nulls come first on PostgreSQL.
        nulls_first: BTreeSet<String>,
        unique: bool,
    },
    DropIndex {
        table: String,
        fields: Vec<String>,
        unique: bool,
    },
    DropColumn(String, String),
    DropTable(String),
}

impl Shape {
    pub(crate) fn column(&self, table: &str, column: &str) -> Option<&Column> {
        self.tables
            .get(table)?
            .columns
            .iter()
            .find(|c| c.name == column)
    }
}

pub(crate) fn shape(catalog: &Catalog) -> Shape {
    let mut tables = BTreeMap::new();
    for (id, object) in &catalog.objects {
        let mut indexes: BTreeSet<Vec<String>> = object.indexes.iter().cloned().collect();
        let is_bulk = BULK.contains(&id.as_str());
        for field in object
            .fields
            .iter()
            .filter(|f| f.to.is_some() && !f.unique && !is_bulk)
        {
            if !indexes.iter().any(|index| index.first() == Some(&field.id)) {
                indexes.insert(vec![field.id.clone()]);
            }
        }
        let columns = object
            .fields
            .iter()
            .map(|field| {
                let is_indexed =
                    field.unique || indexes.iter().any(|index| index.first() == Some(&field.id));
                Column {
                    name: field.id.clone(),
                    kind: field.kind,
                    // A field that may go while the program runs has nothing
                    // that insists on it: see `Kept`. Every write looks at
                    // what is required and at what links lead to.
                    not_null: field.required && !field.is_own,
                    unique: field.unique,
                    references: field.to.clone().filter(|_| is_indexed && !field.is_own),
                }
            })
            .collect();
        tables.insert(id.clone(), Table { columns, indexes });
    }
    Shape { tables }
}

/// What the catalog no longer has and the tables keep for a while: fields, and
/// whole objects, which stand there without a field.
pub(crate) type Kept = BTreeSet<(String, Option<String>)>;

/// The steps from `old` to `new`, and the shape that they lead to. What `new`
/// no longer has is dropped only when `may_drop` says so, and what is `kept`
/// not at all.
pub(crate) fn diff(
    old: &Shape,
    new: &Shape,
    kept: &Kept,
    may_drop: bool,
) -> Result<(Vec<Step>, Shape)> {
    let mut steps = Vec::new();
    let mut references = Vec::new();
    let mut drops = Vec::new();
    let mut dropped = Vec::new();
    let mut result = Shape::default();
    for (name, table) in &new.tables {
        let Some(before) = old.tables.get(name) else {
            steps.push(Step::CreateTable(name.clone(), table.clone()));
            for column in &table.columns {
                if column.references.is_some() {
                    references.push(Step::Reference(name.clone(), column.clone()));
                }
                if column.unique {
                    steps.push(index(name, table, std::slice::from_ref(&column.name), true));
                }
            }
            steps.extend(
                table
                    .indexes
                    .iter()
                    .map(|fields| index(name, table, fields, false)),
            );
            result.tables.insert(name.clone(), table.clone());
            continue;
        };
        let mut after = Table {
            columns: before.columns.clone(),
            indexes: table.indexes.clone(),
        };
        for column in &table.columns {
            let Some(stored) = after.columns.iter_mut().find(|c| c.name == column.name) else {
                let column = Column {
                    not_null: false,
                    ..column.clone()
                };
                steps.push(Step::AddColumn(name.clone(), column.clone()));
                if column.references.is_some() {
                    references.push(Step::Reference(name.clone(), column.clone()));
                }
                if column.unique {
                    steps.push(index(name, table, std::slice::from_ref(&column.name), true));
                }
                after.columns.push(column);
                continue;
            };
            if storage(stored.kind) != storage(column.kind) {
                return Err(Error::TypeChange {
                    object: name.clone(),
                    field: column.name.clone(),
                    stored: stored.kind.name().to_owned(),
                    wanted: column.kind.name().to_owned(),
                });
            }
            stored.kind = column.kind;
            if column.unique && !stored.unique {
                steps.push(index(name, table, std::slice::from_ref(&column.name), true));
            }
            if !column.unique && stored.unique {
                drops.push(drop_index(name, std::slice::from_ref(&column.name), true));
            }
            stored.unique = column.unique;
        }
        steps.extend(
            table
                .indexes
                .difference(&before.indexes)
                .map(|f| index(name, &after, f, false)),
        );
        drops.extend(
            before
                .indexes
                .difference(&table.indexes)
                .map(|f| drop_index(name, f, false)),
        );
        after.columns.retain(|column| {
            let is_kept = table.columns.iter().any(|c| c.name == column.name)
                || kept.contains(&(name.clone(), Some(column.name.clone())));
            if !is_kept {
                if column.unique {
                    drops.push(drop_index(name, std::slice::from_ref(&column.name), true));
                }
                drops.push(Step::DropColumn(name.clone(), column.name.clone()));
                dropped.push(format!("field `{name}.{}`", column.name));
            }
            is_kept
        });
        result.tables.insert(name.clone(), after);
    }
    for (name, table) in old
        .tables
        .iter()
        .filter(|(name, _)| !new.tables.contains_key(*name))
    {
        if kept.contains(&(name.clone(), None)) {
            result.tables.insert(name.clone(), table.clone());
            continue;
        }
        drops.push(Step::DropTable(name.clone()));
        dropped.push(format!("object `{name}`"));
    }
    if !dropped.is_empty() && !may_drop {
        return Err(Error::Drop(dropped.join(", ")));
    }
    steps.append(&mut references);
    steps.append(&mut drops);
    Ok((steps, result))
}

impl Step {
    /// Empty where the dialect needs nothing: SQLite declares a foreign key
    /// with its column, PostgreSQL when all tables are there.
    pub(crate) fn sql(&self, dialect: Dialect) -> Option<String> {
        Some(match self {
            Step::CreateTable(name, table) => {
                let mut sql = format!("create table {} (\n  ", quote(name));
                sql.push_str(dialect.pick(
                    // Ids are not used again: the change log keeps them.
                    "\"id\" integer primary key autoincrement,\n  \"batch\" integer",
                    "\"id\" bigint primary key generated by default as identity,\n  \"batch\" bigint",
                ));
                for column in &table.columns {
                    sql.push_str(",\n  ");
                    sql.push_str(&column_sql(column, dialect));
                }
                sql.push_str(dialect.pick("\n) strict", "\n)"));
                sql
            }
            Step::AddColumn(table, column) => {
                format!(
                    "alter table {} add column {}",
                    quote(table),
                    column_sql(column, dialect)
                )
            }
            Step::Reference(table, column) => match (dialect, &column.references) {
                (Dialect::Postgres, Some(to)) if !UNCHECKED.contains(&table.as_str()) => format!(
                    "alter table {} add constraint {} foreign key ({}) references {} (\"id\")",
                    quote(table),
                    quote(&format!("{table}_{}_fkey", column.name)),
                    quote(&column.name),
                    quote(to)
                ),
                _ => return None,
            },
            Step::CreateIndex {
                table,
                fields,
                nulls_first,
                unique,
            } => {
                // Lists have nulls last. Read backwards, such an index serves a
                // descending one, as on SQLite, which has nulls first anyway.
                let nulls = dialect.pick("", " nulls first");
                let column = |f: &String| match nulls_first.contains(f) {
                    true => format!("{}{nulls}", quote(f)),
                    false => quote(f),
                };
                format!(
                    "create {}index {} on {} ({})",
                    if *unique { "unique " } else { "" },
                    quote(&index_name(table, fields, *unique)),
                    quote(table),
                    fields.iter().map(column).collect::<Vec<_>>().join(", ")
                )
            }
            Step::DropIndex {
                table,
                fields,
                unique,
            } => {
                format!("drop index {}", quote(&index_name(table, fields, *unique)))
            }
            Step::DropColumn(table, column) => {
                format!("alter table {} drop column {}", quote(table), quote(column))
            }
            Step::DropTable(table) => format!("drop table {}", quote(table)),
        })
    }
}

fn index(name: &str, table: &Table, fields: &[String], unique: bool) -> Step {
    // Texts are listed from A to Z, where PostgreSQL has nulls last by itself;
    // numbers and days from the greatest, which needs them first.
    let is_last = |f: &&String| {
        let column = table.columns.iter().find(|c| c.name == **f);
        column
            .is_some_and(|c| c.not_null || matches!(c.kind, Type::Text | Type::Choice | Type::Link))
    };
    Step::CreateIndex {
        table: name.to_owned(),
        fields: fields.to_vec(),
        nulls_first: fields.iter().filter(|f| !is_last(f)).cloned().collect(),
        unique,
    }
}

fn drop_index(table: &str, fields: &[String], unique: bool) -> Step {
    Step::DropIndex {
        table: table.to_owned(),
        fields: fields.to_vec(),
        unique,
    }
}

fn index_name(table: &str, fields: &[String], unique: bool) -> String {
    format!(
        "{table}_{}_{}",
        fields.join("_"),
        if unique { "key" } else { "idx" }
    )
}

fn column_sql(column: &Column, dialect: Dialect) -> String {
    let mut sql = format!(
        "{} {}",
        quote(&column.name),
        column_type(dialect, column.kind)
    );
    if column.not_null {
        sql.push_str(" not null");
    }
    if let (Dialect::Sqlite, Some(to)) = (dialect, &column.references) {
        sql.push_str(&format!(" references {} (\"id\")", quote(to)));
    }
    sql
}

/// Types that are stored alike may be exchanged.
fn storage(kind: Type) -> Type {
    match kind {
        Type::Choice => Type::Text,
        kind => kind,
    }
}

/// What a column of this type is in the database.
pub(crate) fn column_type(dialect: Dialect, kind: Type) -> &'static str {
    dialect.pick(sqlite_type(kind), postgres_type(kind))
}

fn sqlite_type(kind: Type) -> &'static str {
    match kind {
        Type::Text | Type::Choice => "text",
        Type::Float => "real",
        Type::Int | Type::Link | Type::Decimal | Type::Bool | Type::Date | Type::Instant => {
            "integer"
        }
    }
}

fn postgres_type(kind: Type) -> &'static str {
    match kind {
        Type::Text | Type::Choice => "text collate \"C\"",
        Type::Int | Type::Link => "bigint",
        Type::Decimal => "numeric(19,4)",
        Type::Float => "double precision",
        Type::Bool => "boolean",
        Type::Date => "date",
        Type::Instant => "timestamptz",
    }
}

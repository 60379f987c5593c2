//! Records as they are read, and the questions that read them.

use keji_schema::Value;
use keji_schema::expr::Expr;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// One record: its id and every field that the caller may see, in the order
/// of the definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub object: String,
    pub id: i64,
    /// The import that brought it.
    pub batch: Option<i64>,
    pub values: Vec<(String, Value)>,
}

impl Record {
    /// Null for a field that does not exist or is hidden.
    pub fn value(&self, field: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.values
            .iter()
            .find(|(id, _)| id == field)
            .map_or(NULL, |(_, value)| value)
    }
}

impl Serialize for Record {
    /// `{"id": 1, "number": "12346", …}`
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.values.len() + 1))?;
        map.serialize_entry("id", &self.id)?;
        for (field, value) in &self.values {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

/// One key of an order. Nulls always come last; the id breaks ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// A field, `id`, or a path over links such as `customer.name`.
    pub path: String,
    pub descending: bool,
}

impl Sort {
    pub fn asc(path: &str) -> Self {
        Sort {
            path: path.to_owned(),
            descending: false,
        }
    }

    pub fn desc(path: &str) -> Self {
        Sort {
            path: path.to_owned(),
            descending: true,
        }
    }
}

/// A page of records.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    pub object: String,
    /// Fields, `id`, or paths over links (`customer.name`).
    pub fields: Vec<String>,
    pub filter: Option<Expr>,
    /// Part of a text, without regard to the case of ASCII letters.
    pub search: Option<String>,
    /// Where to search, as paths; empty means the fields that the definition
    /// marks `search`.
    pub search_in: Vec<String>,
    pub sort: Vec<Sort>,
    /// Nothing is read without one.
    pub limit: u32,
    pub offset: u64,
    /// The `next` of the page before; then `offset` counts from there.
    pub after: Option<String>,
    /// Whether to count all records that match.
    pub total: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListPage {
    /// In the order of the query's `fields`.
    pub rows: Vec<Vec<Value>>,
    /// Set when the query asked for it.
    pub total: Option<i64>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
}

/// Every record of an object, one after the other.
#[derive(Debug, Clone, Default)]
pub struct ScanQuery {
    pub object: String,
    pub fields: Vec<String>,
    pub filter: Option<Expr>,
    /// Empty means by id.
    pub sort: Vec<Sort>,
}

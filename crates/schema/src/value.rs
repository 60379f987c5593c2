//! One value of one field, and the types it may have.
//!
//! Null is a value of its own: it is not zero and not the empty text.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

use crate::decimal::Decimal;

/// The types a field or an expression may have. A choice is text whose words
/// come from a closed list; a link is the id of another record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    Text,
    Int,
    Decimal,
    Float,
    Bool,
    /// A civil date: no zone, never shifted.
    Date,
    /// An instant in UTC, kept to the microsecond.
    Instant,
    Choice,
    Link,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Int => "whole number",
            Type::Decimal => "number",
            Type::Float => "approximate number",
            Type::Bool => "yes or no",
            Type::Date => "date",
            Type::Instant => "date and time",
            Type::Choice => "choice",
            Type::Link => "link",
        }
    }

    /// For what has no type yet.
    pub(crate) fn any() -> Type {
        Type::Text
    }

    /// Whether a column of one holds the other: a choice is text.
    pub fn is_stored_as(self, other: Type) -> bool {
        let plain = |kind| match kind {
            Type::Choice => Type::Text,
            kind => kind,
        };
        plain(self) == plain(other)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Text(String),
    /// Whole numbers and links.
    Int(i64),
    Decimal(Decimal),
    Float(f64),
    Bool(bool),
    Date(Date),
    Instant(Timestamp),
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::Int(n)
    }
}

impl From<Decimal> for Value {
    fn from(d: Decimal) -> Self {
        Value::Decimal(d)
    }
}

impl Serialize for Value {
    /// JSON as the API gives it: decimals as text, dates as `2026-11-21`,
    /// instants as RFC 3339 in UTC.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => s.serialize_none(),
            Value::Text(t) => s.serialize_str(t),
            Value::Int(n) => s.serialize_i64(*n),
            Value::Decimal(d) => d.serialize(s),
            Value::Float(x) => s.serialize_f64(*x),
            Value::Bool(b) => s.serialize_bool(*b),
            Value::Date(d) => s.collect_str(d),
            Value::Instant(t) => s.collect_str(t),
        }
    }
}

//! The worked examples of metrics, as typed records.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Catalog;
use crate::definition::FieldDef;
use crate::error::{Error, Result};
use crate::metric::{Example, MetricDef};
use crate::value::{Type, Value};

/// Object id → its records. A record's id is its position from 1; a field
/// that is not given is null.
pub type Given = BTreeMap<String, Vec<BTreeMap<String, Value>>>;

/// Keys below the example and what is wrong there.
type Wrong = (Vec<String>, String);

impl Catalog {
    /// The records of an example: every field of the object and `id`, links as
    /// the ids of the records they point to.
    pub fn given(&self, example: &Example) -> Result<Given> {
        self.records(example)
            .map_err(|(_, message)| Error::Question(message))
    }

    pub(super) fn check_example(
        &self,
        metric: &MetricDef,
        example: &Example,
    ) -> std::result::Result<(), Wrong> {
        self.records(example)?;
        for (key, day) in [
            ("as_of", Some(&example.as_of)),
            ("from", example.from.as_ref()),
            ("to", example.to.as_ref()),
        ] {
            if let Some(day) = day
                && day.parse::<Date>().is_err()
            {
                return Err((vec![key.to_owned()], format!("`{day}` is not a date")));
            }
        }
        if let Some(grain) = example.grain
            && grain < metric.grain_min
        {
            let message = format!(
                "the finest grain of `{}` is {}",
                metric.id,
                metric.grain_min.name()
            );
            return Err((vec!["grain".to_owned()], message));
        }
        let dimensions = self
            .dimensions(&metric.id)
            .map_err(|e| (Vec::new(), e.to_string()))?;
        for (i, name) in example.by.iter().enumerate() {
            if !dimensions.contains(name) {
                let message = format!(
                    "`{}` has no dimension `{name}`; it has {}",
                    metric.id,
                    dimensions.join(", ")
                );
                return Err((vec!["by".to_owned(), i.to_string()], message));
            }
        }
        let n_cohort = if metric.cohort.is_some() { 2 } else { 0 };
        let n_columns = usize::from(example.grain.is_some()) + n_cohort + example.by.len() + 1;
        for (i, row) in example.rows.iter().enumerate() {
            let key = || vec!["rows".to_owned(), i.to_string()];
            if row.len() != n_columns {
                return Err((
                    key(),
                    format!("the row has {} columns, not {n_columns}", row.len()),
                ));
            }
            let value = row.last().map_or("", String::as_str);
            let is_number = value == "null" || value.parse::<f64>().is_ok_and(f64::is_finite);
            if !is_number {
                return Err((key(), format!("`{value}` is neither a number nor null")));
            }
        }
        Ok(())
    }

    fn records(&self, example: &Example) -> std::result::Result<Given, Wrong> {
        let mut all = Given::new();
        for (object, rows) in &example.given {
            let key = |more: &[&str]| {
                let mut key = vec!["given".to_owned(), object.clone()];
                key.extend(more.iter().map(|s| (*s).to_owned()));
                key
            };
            let def = self.object(object).map_err(|e| (key(&[]), e.to_string()))?;
            let mut records = Vec::with_capacity(rows.len());
            for (i, row) in rows.iter().enumerate() {
                let i_text = i.to_string();
                if let Some(name) = row.keys().find(|name| def.field(name).is_none()) {
                    return Err((
                        key(&[&i_text, name]),
                        format!("`{object}` has no field `{name}`"),
                    ));
                }
                let id = i64::try_from(i + 1).unwrap_or(i64::MAX);
                let mut record = BTreeMap::from([("id".to_owned(), Value::Int(id))]);
                for field in &def.fields {
                    let value = match row.get(&field.id) {
                        Some(given) => self
                            .given_value(example, field, given)
                            .map_err(|message| (key(&[&i_text, &field.id]), message))?,
                        None => Value::Null,
                    };
                    record.insert(field.id.clone(), value);
                }
                records.push(record);
            }
            all.insert(object.clone(), records);
        }
        Ok(all)
    }

    fn given_value(
        &self,
        example: &Example,
        field: &FieldDef,
        given: &toml::Value,
    ) -> std::result::Result<Value, String> {
        let wrong = || {
            format!(
                "field `{}` is a {}, not {given}",
                field.id,
                field.kind.name()
            )
        };
        match (field.kind, given) {
            (Type::Text, toml::Value::String(s)) => Ok(Value::Text(s.clone())),
            (Type::Choice, toml::Value::String(s)) => {
                if field.options.iter().any(|o| o.value == *s) {
                    Ok(Value::Text(s.clone()))
                } else {
                    Err(format!("field `{}` has no option `{s}`", field.id))
                }
            }
            (Type::Int, toml::Value::Integer(n)) => Ok(Value::Int(*n)),
            // Through text, because a float would not be exact.
            (Type::Decimal, toml::Value::Integer(n)) => n
                .to_string()
                .parse()
                .map(Value::Decimal)
                .map_err(|_| wrong()),
            (Type::Decimal, toml::Value::String(s)) => {
                s.parse().map(Value::Decimal).map_err(|_| wrong())
            }
            (Type::Float, toml::Value::Float(x)) => Ok(Value::Float(*x)),
            (Type::Float, toml::Value::Integer(n)) => Ok(Value::Float(*n as f64)),
            (Type::Bool, toml::Value::Boolean(b)) => Ok(Value::Bool(*b)),
            (Type::Date, toml::Value::String(s)) => s.parse().map(Value::Date).map_err(|_| wrong()),
            (Type::Instant, toml::Value::String(s)) => {
                s.parse().map(Value::Instant).map_err(|_| wrong())
            }
            (Type::Link, _) => self.linked(example, field, given).ok_or_else(|| {
                format!(
                    "field `{}` points to {given}, which is no record of the example",
                    field.id
                )
            }),
            _ => Err(wrong()),
        }
    }

    /// A link is given as the number or the position of its record.
    fn linked(&self, example: &Example, field: &FieldDef, given: &toml::Value) -> Option<Value> {
        let to = field.to.as_deref()?;
        let rows = example.given.get(to)?;
        let position = match given {
            toml::Value::Integer(n) => usize::try_from(*n)
                .ok()
                .filter(|n| (1..=rows.len()).contains(n))?,
            toml::Value::String(number) => {
                let by = self.object(to).ok()?.number.as_deref()?;
                1 + rows
                    .iter()
                    .position(|row| row.get(by).and_then(|v| v.as_str()) == Some(number))?
            }
            _ => return None,
        };
        i64::try_from(position).ok().map(Value::Int)
    }
}

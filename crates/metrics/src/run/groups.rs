//! The groups that a scan gives, as plain Rust values. It must not compute.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::calendar::from_epoch_days;
use keji_schema::metric::{Agg, OverTime};
use keji_schema::{Decimal, Value};

use crate::error::{Error, Result};
use crate::plan::spans::period_key;
use crate::plan::{Plan, Scan, Span};

/// A dimension's value. Null comes last.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Int(i64),
    Decimal(Decimal),
    Date(Date),
    Instant(Timestamp),
    Bool(bool),
    Text(String),
    Null,
}

/// A state's value. A decimal is in ten-thousandths and wider than
/// [`Decimal`], because a sum of sums must not overflow on the way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Units(i128),
    Float(f64),
    Value(Box<Value>),
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Groups {
    /// By index of the period, then by the dimensions.
    periods: BTreeMap<usize, HashMap<Vec<Key>, Vec<Cell>>>,
    no_data: BTreeSet<usize>,
    /// Where `periods` are days: which of them each period has, and what it
    /// shows of them.
    days: Option<(OverTime, Vec<Range<usize>>)>,
}

impl Groups {
    /// Adds what one pass gave. `period` is the period that it looked at;
    /// otherwise the first column says which.
    pub fn add(
        &mut self,
        plan: &Plan,
        scan: &Scan,
        span: &Span,
        period: Option<usize>,
        batches: &[RecordBatch],
    ) -> Result<()> {
        let n_dimensions = scan.dimensions.len() + usize::from(plan.cohort);
        let first = usize::from(period.is_none());
        let indices: HashMap<i32, usize> = match plan.grain {
            Some(grain) => {
                let keys = span
                    .periods
                    .iter()
                    .map(|p| period_key(&plan.calendar, grain, p.from));
                keys.zip(0..).collect()
            }
            None => HashMap::from([(0, 0)]),
        };
        for batch in batches {
            let columns = batch.columns();
            for row in 0..batch.num_rows() {
                let at = match period {
                    Some(at) => at,
                    None => {
                        let key = columns[0].as_primitive::<Int32Type>().value(row);
                        // A row outside the span cannot pass the filter on days.
                        let Some(at) = indices.get(&key) else {
                            continue;
                        };
                        *at
                    }
                };
                let keys = columns[first..first + n_dimensions].iter();
                let keys = keys.map(|c| key_at(c, row)).collect::<Result<Vec<_>>>()?;
                let cells = columns[first + n_dimensions..].iter();
                let cells = cells.map(|c| cell_at(c, row)).collect::<Result<Vec<_>>>()?;
                match self.periods.entry(at).or_default().entry(keys) {
                    Entry::Vacant(free) => {
                        free.insert(cells);
                    }
                    Entry::Occupied(mut known) => {
                        let both = known.get_mut().iter_mut().zip(cells);
                        for ((cell, more), state) in both.zip(&scan.states) {
                            cell.merge(more, state.agg)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// From now on what is added are days.
    pub fn of_days(&mut self, over_time: Option<OverTime>, days: Vec<Range<usize>>) {
        self.days = over_time.map(|over_time| (over_time, days));
    }

    /// The days of a period, of a scan by days.
    pub fn days(&self, period: usize) -> Option<(OverTime, Range<usize>)> {
        let (over_time, days) = self.days.as_ref()?;
        Some((*over_time, days.get(period).cloned().unwrap_or(0..0)))
    }

    /// Nothing is known about this period: its values are null, not zero.
    pub fn without_data(&mut self, period: usize) {
        self.no_data.insert(period);
    }

    pub fn has_data(&self, period: usize) -> bool {
        !self.no_data.contains(&period)
    }

    pub fn get(&self, period: usize, keys: &[Key]) -> Option<&[Cell]> {
        self.periods.get(&period)?.get(keys).map(Vec::as_slice)
    }

    /// Every group that is more than zeros: one without a row may be left out.
    #[cfg(test)]
    pub fn without_zeros(&self) -> BTreeMap<(usize, Vec<Key>), String> {
        let is_zero = |cell: &Cell| matches!(cell, Cell::Null | Cell::Int(0));
        let all = self.periods.iter().flat_map(|(at, groups)| {
            let groups = groups.iter();
            groups.map(move |(keys, cells)| ((*at, keys.clone()), cells))
        });
        let some = all.filter(|(_, cells)| !cells.iter().all(is_zero));
        some.map(|(at, cells)| (at, format!("{cells:?}"))).collect()
    }

    /// The dimensions of every group, those of several periods several times.
    pub fn keys(&self) -> impl Iterator<Item = &[Key]> {
        self.periods
            .values()
            .flat_map(HashMap::keys)
            .map(Vec::as_slice)
    }
}

impl Cell {
    /// What the rows of two readings give together.
    fn merge(&mut self, more: Cell, agg: Agg) -> Result<()> {
        let taken = std::mem::replace(self, Cell::Null);
        *self = match (agg, taken, more) {
            (_, Cell::Null, other) | (_, other, Cell::Null) => other,
            (Agg::Sum | Agg::Count, Cell::Int(a), Cell::Int(b)) => {
                let sum = a.checked_add(b);
                Cell::Int(sum.ok_or_else(|| Error::Overflow(format!("{a} + {b}")))?)
            }
            (Agg::Sum, Cell::Units(a), Cell::Units(b)) => {
                let sum = a.checked_add(b);
                Cell::Units(sum.ok_or_else(|| Error::Overflow(format!("{a} + {b}")))?)
            }
            (Agg::Sum, Cell::Float(a), Cell::Float(b)) => Cell::Float(a + b),
            (Agg::Min | Agg::Max, a, b) => {
                let less = compare(&a.value()?, &b.value()?) == Ordering::Less;
                if less == (agg == Agg::Min) { a } else { b }
            }
            (agg, a, b) => {
                return Err(Error::Row(format!(
                    "{agg:?} of {a:?} and {b:?} do not merge"
                )));
            }
        };
        Ok(())
    }

    fn value(&self) -> Result<Value> {
        Ok(match self {
            Cell::Null => Value::Null,
            Cell::Int(n) => Value::Int(*n),
            Cell::Units(units) => Value::Decimal(decimal(*units)?),
            Cell::Float(x) => Value::Float(*x),
            Cell::Value(v) => (**v).clone(),
        })
    }
}

impl Key {
    pub fn value(&self) -> Value {
        match self {
            Key::Int(n) => Value::Int(*n),
            Key::Decimal(d) => Value::Decimal(*d),
            Key::Date(d) => Value::Date(*d),
            Key::Instant(t) => Value::Instant(*t),
            Key::Bool(b) => Value::Bool(*b),
            Key::Text(t) => Value::Text(t.clone()),
            Key::Null => Value::Null,
        }
    }
}

/// Orders values of one column; null is after everything.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Instant(a), Value::Instant(b)) => a.cmp(b),
        (a, b) => a.is_null().cmp(&b.is_null()),
    }
}

pub(crate) fn value_at(column: &ArrayRef, row: usize) -> Result<Value> {
    cell_at(column, row)?.value()
}

pub(crate) fn decimal(units: i128) -> Result<Decimal> {
    let narrow = i64::try_from(units).map(Decimal::from_units);
    narrow.map_err(|_| Error::Overflow(format!("{units} ten-thousandths")))
}

fn key_at(column: &ArrayRef, row: usize) -> Result<Key> {
    Ok(match value_at(column, row)? {
        Value::Null => Key::Null,
        Value::Text(t) => Key::Text(t),
        Value::Int(n) => Key::Int(n),
        Value::Decimal(d) => Key::Decimal(d),
        Value::Bool(b) => Key::Bool(b),
        Value::Date(d) => Key::Date(d),
        Value::Instant(t) => Key::Instant(t),
        Value::Float(_) => return Err(unreadable(column)),
    })
}

fn cell_at(column: &ArrayRef, row: usize) -> Result<Cell> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match column.data_type() {
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(_, 4) => {
            Cell::Units(column.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::Value(Box::new(Value::Text(
            column.as_string::<i32>().value(row).to_owned(),
        ))),
        DataType::Boolean => Cell::Value(Box::new(Value::Bool(column.as_boolean().value(row)))),
        DataType::Date32 => {
            let day = column.as_primitive::<Date32Type>().value(row);
            let day = from_epoch_days(day).ok_or_else(|| unreadable(column))?;
            Cell::Value(Box::new(Value::Date(day)))
        }
        DataType::Timestamp(..) => {
            let at = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let at = Timestamp::from_microsecond(at).map_err(|_| unreadable(column))?;
            Cell::Value(Box::new(Value::Instant(at)))
        }
        _ => return Err(unreadable(column)),
    })
}

fn unreadable(column: &ArrayRef) -> Error {
    Error::Row(format!(
        "a column of type {} holds no value of ours",
        column.data_type()
    ))
}

//! Rows of values to Arrow batches, and the order-independent checksum of a
//! batch by which the copy is compared with the store.
//!
//! Types: text and choice Utf8, whole number and link Int64, decimal
//! Decimal128(18, 4), float Float64, bool Boolean, date Date32, instant
//! Timestamp(µs, UTC).

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
    Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, Int64Type, Schema, SchemaRef,
    TimeUnit, TimestampMicrosecondType,
};
use keji_schema::calendar::epoch_days;
use keji_schema::{Type, Value};

use crate::error::{Error, Result};

/// Digits of a decimal: the most that still fit 64 bits in a file.
const PRECISION: u8 = 18;
const SCALE: i8 = keji_schema::decimal::SCALE as i8;

/// One column of a table that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Type,
    /// Null is refused.
    pub required: bool,
}

pub(crate) fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|c| Field::new(&c.name, arrow_type(c.kind), !c.required));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

pub(crate) fn arrow_type(kind: Type) -> DataType {
    match kind {
        Type::Text | Type::Choice => DataType::Utf8,
        Type::Int | Type::Link => DataType::Int64,
        Type::Decimal => DataType::Decimal128(PRECISION, SCALE),
        Type::Float => DataType::Float64,
        Type::Bool => DataType::Boolean,
        Type::Date => DataType::Date32,
        Type::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// Gathers rows column by column.
pub(crate) struct RowBuilder {
    schema: SchemaRef,
    columns: Vec<Builder>,
    n_rows: usize,
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Decimal(Decimal128Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
}

impl RowBuilder {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        let columns = schema
            .fields()
            .iter()
            .map(|f| Builder::of(f.data_type()))
            .collect();
        RowBuilder {
            schema,
            columns,
            n_rows: 0,
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The values come in the order of the columns. After an error the columns
    /// differ in length: give up.
    pub(crate) fn append(&mut self, row: &[Value]) -> Result<()> {
        if row.len() != self.columns.len() {
            let message = format!(
                "a row of {} values for {} columns",
                row.len(),
                self.columns.len()
            );
            return Err(Error::Row(message));
        }
        for (i, value) in row.iter().enumerate() {
            if !self.columns[i].append(value) {
                return Err(self.refused(i, value));
            }
        }
        self.n_rows += 1;
        Ok(())
    }

    /// The rows so far; the builder is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        self.n_rows = 0;
        let columns = self.columns.iter_mut().zip(self.schema.fields());
        let arrays = columns.map(|(c, f)| c.finish(f.data_type())).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }

    fn refused(&self, column: usize, value: &Value) -> Error {
        let field = self.schema.field(column);
        Error::Row(format!(
            "column `{}` of type {} cannot hold {value:?}",
            field.name(),
            field.data_type()
        ))
    }
}

impl Builder {
    fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Int64 => Builder::Int(Int64Builder::new()),
            DataType::Decimal128(..) => Builder::Decimal(Decimal128Builder::new()),
            DataType::Float64 => Builder::Float(Float64Builder::new()),
            DataType::Boolean => Builder::Bool(BooleanBuilder::new()),
            DataType::Date32 => Builder::Date(Date32Builder::new()),
            DataType::Timestamp(..) => Builder::Instant(TimestampMicrosecondBuilder::new()),
            _ => Builder::Text(StringBuilder::new()),
        }
    }

    /// Whether the value fits the column.
    fn append(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Builder::Text(b), Value::Text(v)) => b.append_value(v),
            (Builder::Text(b), Value::Null) => b.append_null(),
            (Builder::Int(b), Value::Int(v)) => b.append_value(*v),
            (Builder::Int(b), Value::Null) => b.append_null(),
            (Builder::Decimal(b), Value::Decimal(v)) => b.append_value(i128::from(v.units())),
            (Builder::Decimal(b), Value::Null) => b.append_null(),
            (Builder::Float(b), Value::Float(v)) => b.append_value(*v),
            (Builder::Float(b), Value::Null) => b.append_null(),
            (Builder::Bool(b), Value::Bool(v)) => b.append_value(*v),
            (Builder::Bool(b), Value::Null) => b.append_null(),
            (Builder::Date(b), Value::Date(v)) => b.append_value(epoch_days(*v)),
            (Builder::Date(b), Value::Null) => b.append_null(),
            (Builder::Instant(b), Value::Instant(v)) => b.append_value(v.as_microsecond()),
            (Builder::Instant(b), Value::Null) => b.append_null(),
            _ => return false,
        }
        true
    }

    fn finish(&mut self, kind: &DataType) -> ArrayRef {
        match self {
            Builder::Text(b) => Arc::new(b.finish()),
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Decimal(b) => Arc::new(b.finish().with_data_type(kind.clone())),
            Builder::Float(b) => Arc::new(b.finish()),
            Builder::Bool(b) => Arc::new(b.finish()),
            Builder::Date(b) => Arc::new(b.finish()),
            Builder::Instant(b) => Arc::new(b.finish().with_data_type(kind.clone())),
        }
    }
}

/// Sum over the rows of a 64-bit hash of each row's values: equal for the same
/// rows in any order and any split into batches.
pub(crate) fn checksum(batch: &RecordBatch) -> u64 {
    let mut rows = vec![0u64; batch.num_rows()];
    for column in batch.columns() {
        hash_column(column, &mut rows);
    }
    rows.into_iter().fold(0, u64::wrapping_add)
}

fn hash_column(column: &ArrayRef, rows: &mut [u64]) {
    fn each(column: &dyn Array, rows: &mut [u64], hash: impl Fn(usize) -> u64) {
        for (i, row) in rows.iter_mut().enumerate() {
            // Null is no value of any type, so it gets a number of its own.
            let value = if column.is_null(i) {
                0x6e75_6c6c
            } else {
                hash(i)
            };
            *row = mix(*row ^ value);
        }
    }
    match column.data_type() {
        DataType::Int64 => {
            let a = column.as_primitive::<Int64Type>();
            each(a, rows, |i| mix(a.value(i) as u64));
        }
        DataType::Decimal128(..) => {
            let a = column.as_primitive::<Decimal128Type>();
            each(a, rows, |i| mix(a.value(i) as u64));
        }
        DataType::Float64 => {
            let a = column.as_primitive::<Float64Type>();
            each(a, rows, |i| mix(a.value(i).to_bits()));
        }
        DataType::Boolean => {
            let a = column.as_boolean();
            each(a, rows, |i| mix(u64::from(a.value(i))));
        }
        DataType::Date32 => {
            let a = column.as_primitive::<Date32Type>();
            each(a, rows, |i| mix(a.value(i) as u64));
        }
        DataType::Timestamp(..) => {
            let a = column.as_primitive::<TimestampMicrosecondType>();
            each(a, rows, |i| mix(a.value(i) as u64));
        }
        _ => {
            let a = column.as_string::<i32>();
            each(a, rows, |i| hash_bytes(a.value(i).as_bytes()));
        }
    }
}

/// A checksum against mistakes, not against an adversary.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let chunks = bytes.chunks(8).map(|chunk| {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    chunks.fold(mix(bytes.len() as u64), |h, word| mix(h ^ word))
}

/// The finaliser of SplitMix64.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

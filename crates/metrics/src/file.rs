//! Rows under a typed header as one Parquet file: an export. It knows nothing
//! about where the rows come from or who may see them.

use std::io::Write;

use keji_schema::Value;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::Result;
use crate::rows::{Column, RowBuilder, arrow_schema};

/// Rows gathered before they are encoded.
const BATCH_ROWS: usize = 16 * 1024;
/// Rows of one row group, which is held in memory, encoded.
const GROUP_ROWS: usize = 256 * 1024;

/// Writes one Parquet file, row by row, with bounded memory. Dropped without
/// [`ParquetWriter::finish`] it leaves an unreadable file.
pub struct ParquetWriter<W: Write + Send> {
    rows: RowBuilder,
    writer: ArrowWriter<W>,
    n_rows: u64,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub fn new(sink: W, columns: &[Column]) -> Result<Self> {
        let schema = arrow_schema(columns);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by("keji".to_owned())
            .build();
        let writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties))?;
        Ok(ParquetWriter {
            rows: RowBuilder::new(schema),
            writer,
            n_rows: 0,
        })
    }

    /// The values come in the order of the columns; one of another type, or
    /// null under a required column, is an error and ends the file.
    pub fn append(&mut self, row: &[Value]) -> Result<()> {
        self.rows.append(row)?;
        self.n_rows += 1;
        if self.rows.n_rows() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes the end of the file; gives back the sink, not synced, and the
    /// number of rows. A file without rows is valid.
    pub fn finish(mut self) -> Result<(W, u64)> {
        self.flush()?;
        Ok((self.writer.into_inner()?, self.n_rows))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.writer.write(&self.rows.finish()?)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Date32Type, Decimal128Type};
    use jiff::civil::date;
    use keji_schema::{Decimal, Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn column(name: &str, kind: Type, required: bool) -> Column {
        Column {
            name: name.into(),
            kind,
            required,
        }
    }

    #[test]
    fn a_file_holds_what_was_written() {
        let columns = [
            column("编号", Type::Text, true),
            column("amount", Type::Decimal, false),
            column("at", Type::Instant, false),
            column("on", Type::Date, false),
            column("share", Type::Float, false),
            column("is_new", Type::Bool, false),
        ];
        let mut writer = ParquetWriter::new(tempfile::tempfile().unwrap(), &columns).unwrap();
        let amount = Value::Decimal(Decimal::from_units(-500));
        let at = Value::Instant("2011-12-09T12:50:00.000001Z".parse().unwrap());
        let on = Value::Date(date(2011, 12, 9));
        let row = [
            "客1".into(),
            amount,
            at,
            on,
            Value::Float(0.5),
            Value::Bool(true),
        ];
        writer.append(&row).unwrap();
        let mut nulls = vec![Value::Null; 6];
        nulls[0] = "C2".into();
        writer.append(&nulls).unwrap();
        let (file, n_rows) = writer.finish().unwrap();
        assert_eq!(n_rows, 2);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let batch = reader.build().unwrap().next().unwrap().unwrap();
        assert_eq!(
            batch.schema().field(1).data_type(),
            &DataType::Decimal128(18, 4)
        );
        assert_eq!(batch.column(0).as_string::<i32>().value(0), "客1");
        assert_eq!(
            batch.column(1).as_primitive::<Decimal128Type>().value(0),
            -500
        );
        assert_eq!(batch.column(3).as_primitive::<Date32Type>().value(0), 15317);
        assert_eq!(
            batch.columns()[1..]
                .iter()
                .map(|c| c.null_count())
                .sum::<usize>(),
            5
        );
    }

    #[test]
    fn a_row_that_does_not_fit_is_refused() {
        let columns = [column("amount", Type::Decimal, false)];
        let mut writer = ParquetWriter::new(Vec::new(), &columns).unwrap();
        let error = writer.append(&[Value::Float(1.0)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `amount` of type Decimal128(18, 4) cannot hold Float(1.0)"
        );
        assert!(writer.append(&[]).is_err());
    }
}

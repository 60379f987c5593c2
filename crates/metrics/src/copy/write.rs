//! One month's rows into Parquet files, sorted by customer and day.
//!
//! The settings here are what the streaming pass of [`crate::summaries`] and
//! other engines read fast; `bench/` holds the figures.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use keji_schema::{Type, Value};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::copy::columns::CopyColumns;
use crate::error::{Error, Result};
use crate::rows::{RowBuilder, arrow_schema, checksum};

/// Rows of one file: they are sorted in memory, so this bounds the memory of
/// a refresh; a larger month gets several files.
pub const MAX_FILE_ROWS: usize = 1 << 17;
/// The same for objects with many columns, a text counted three times.
const MAX_FILE_CELLS: usize = 3 << 20;

/// A file that has been written and is safe on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub path: PathBuf,
    pub n_rows: u64,
    pub n_bytes: u64,
    pub checksum: u64,
}

/// Writes the rows of one folder, `<object>/month=YYYY-MM` or `<object>/all`.
pub struct FolderWriter<'a> {
    columns: &'a CopyColumns,
    folder: PathBuf,
    /// Distinguishes this refresh's files from all others.
    stamp: String,
    rows: RowBuilder,
    max_rows: usize,
    written: Vec<Written>,
}

impl<'a> FolderWriter<'a> {
    pub fn new(columns: &'a CopyColumns, folder: PathBuf, stamp: String) -> Self {
        let rows = RowBuilder::new(schema_of(columns));
        let cells = columns.columns.iter().map(|c| match c.kind {
            Type::Text => 3,
            _ => 1,
        });
        let max_rows = (MAX_FILE_CELLS / cells.sum::<usize>().max(1)).min(MAX_FILE_ROWS);
        FolderWriter {
            columns,
            folder,
            stamp,
            rows,
            max_rows,
            written: Vec::new(),
        }
    }

    pub fn append(&mut self, row: &[Value]) -> Result<()> {
        self.rows.append(row)?;
        if self.rows.n_rows() == self.max_rows {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// The files, in no particular order; none when there was no row.
    pub fn finish(mut self) -> Result<Vec<Written>> {
        if self.rows.n_rows() > 0 {
            self.flush()?;
        }
        Ok(self.written)
    }

    fn flush(&mut self) -> Result<()> {
        let batch = sorted(self.columns, &self.rows.finish()?)?;
        let name = format!(
            "{}-{:08x}-{}.parquet",
            self.stamp,
            self.columns.fingerprint,
            self.written.len()
        );
        std::fs::create_dir_all(&self.folder).map_err(Error::file(&self.folder))?;
        let path = self.folder.join(name);
        let n_bytes = write_file(&path, &batch, properties(self.columns))?;
        self.written.push(Written {
            path,
            n_rows: batch.num_rows() as u64,
            n_bytes,
            checksum: checksum(&batch),
        });
        Ok(())
    }
}

pub fn schema_of(columns: &CopyColumns) -> SchemaRef {
    arrow_schema(&columns.columns)
}

/// Synced before it returns, the folder too: a row of the manifest never names
/// a file that a power cut takes away.
fn write_file(path: &Path, batch: &RecordBatch, properties: WriterProperties) -> Result<u64> {
    let file = File::create(path).map_err(Error::file(path))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    let file = writer.into_inner()?;
    file.sync_all().map_err(Error::file(path))?;
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(Error::file(folder))?;
    }
    Ok(file.metadata().map_err(Error::file(path))?.len())
}

fn sorted(columns: &CopyColumns, batch: &RecordBatch) -> Result<RecordBatch> {
    let keys: Vec<_> = [columns.customer, columns.time]
        .into_iter()
        .flatten()
        .map(|i| SortColumn {
            values: batch.column(i).clone(),
            options: None,
        })
        .collect();
    if keys.is_empty() {
        return Ok(batch.clone());
    }
    let order: UInt32Array = lexsort_to_indices(&keys, None)?;
    Ok(take_record_batch(batch, &order)?)
}

/// Ids rise or lie close together, so their differences are stored; what
/// repeats (choices, days, names) is stored as a dictionary.
fn properties(columns: &CopyColumns) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("keji".to_owned());
    for column in columns.columns.iter().filter(|c| c.kind == Type::Link) {
        let path = ColumnPath::from(column.name.as_str());
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

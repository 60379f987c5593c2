//! The few columns of the facts that a streaming pass needs, month by month,
//! decoded on a thread of its own. It must not interpret them.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use crate::copy::DataFile;
use crate::error::{Error, Result};

/// Rows decoded at once: enough to drown the cost per batch, few enough for the
/// second-level cache, and for the allocator to use the same memory again (at
/// 32,768 rows every column came fresh from the system: a tenth more time).
const BATCH_ROWS: usize = 8 * 1024;
/// Batches that wait between the two threads.
const QUEUE: usize = 16;

/// Calls `each` with the file's index and the wanted columns, in the order of
/// `names`, files in their order. Decoding runs beside it. Decimals come as 64
/// bits and text as a dictionary where the file allows it.
pub(super) fn for_each_batch(
    files: &[DataFile],
    names: &[&str],
    mut each: impl FnMut(usize, &RecordBatch) -> Result<()>,
) -> Result<()> {
    thread::scope(|scope| {
        let (send, receive) = sync_channel(QUEUE);
        scope.spawn(move || decode(files, names, &send));
        consume(&receive, &mut each)
    })
}

fn consume(
    receive: &Receiver<Result<(usize, RecordBatch)>>,
    each: &mut impl FnMut(usize, &RecordBatch) -> Result<()>,
) -> Result<()> {
    for item in receive {
        let (index, batch) = item?;
        each(index, &batch)?;
    }
    Ok(())
}

/// Stops early when nobody listens any more.
fn decode(files: &[DataFile], names: &[&str], send: &SyncSender<Result<(usize, RecordBatch)>>) {
    for (index, file) in files.iter().enumerate() {
        match open(file, names) {
            Ok((reader, order)) => {
                for batch in reader {
                    let batch = batch.and_then(|b| b.project(&order)).map_err(Error::from);
                    if send.send(batch.map(|b| (index, b))).is_err() {
                        return;
                    }
                }
            }
            Err(error) => {
                let _ = send.send(Err(error));
                return;
            }
        }
    }
}

/// The reader, and where each wanted column stands in its batches.
fn open(file: &DataFile, names: &[&str]) -> Result<(ParquetRecordBatchReader, Vec<usize>)> {
    let handle = File::open(&file.path).map_err(Error::file(&file.path))?;
    let metadata = ArrowReaderMetadata::load(&handle, ArrowReaderOptions::new())?;
    let schema = narrowed(metadata.schema());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let metadata = ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)?;
    let mut wanted = Vec::new();
    for name in names {
        let missing = || Error::content(&file.path, format!("there is no column `{name}`"));
        wanted.push(metadata.schema().index_of(name).map_err(|_| missing())?);
    }
    let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted.iter().copied());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata)
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()?;
    let place = |w: &usize| wanted.iter().filter(|&o| o < w).count();
    Ok((reader, wanted.iter().map(place).collect()))
}

/// The same columns in the cheapest types that hold them.
fn narrowed(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Decimal128(p, s) if *p <= 18 => DataType::Decimal64(*p, *s),
            DataType::Utf8 => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            other => other.clone(),
        };
        Field::new(field.name(), kind, field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

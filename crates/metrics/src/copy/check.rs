//! Copy = store, part by part: the number of rows and the sum of the rows'
//! hashes, read from the store and from the files themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use jiff::civil::Date;
use keji_store::Access;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::CopyColumns;
use super::refresh::month_of;
use super::snapshot::{DataFile, Snapshot};
use super::write::schema_of;
use super::{Copy, Part};
use crate::error::{Error, Result};
use crate::rows::{RowBuilder, checksum};

const BATCH_ROWS: usize = 16 * 1024;

/// What a comparison of the copy with the store found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    pub seq: i64,
    /// Parts and rows that were compared.
    pub n_parts: u64,
    pub n_rows: u64,
    /// Empty when the copy holds exactly what the store holds.
    pub differences: Vec<Difference>,
    /// Parts that changed while they were read, and so were not compared.
    pub n_moving: u64,
}

/// A part in which copy and store differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub object: String,
    /// `None` for an object without a business date.
    pub month: Option<Date>,
    pub store: Tally,
    pub copy: Tally,
    /// Why a file could not be read.
    pub damage: Option<String>,
}

/// Number of rows, and a checksum that does not depend on their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub n_rows: u64,
    pub checksum: u64,
}

impl CheckReport {
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Copy {
    pub(super) async fn compare(&self, snapshot: &Snapshot) -> Result<CheckReport> {
        let mut report = CheckReport {
            seq: snapshot.seq(),
            n_parts: 0,
            n_rows: 0,
            differences: Vec::new(),
            n_moving: 0,
        };
        for (object, columns) in &self.0.columns {
            let mut stored = self.tally_store(object, columns).await?;
            let touched = self.0.store.touched_since(snapshot.seq()).await?;
            let moving: BTreeSet<Part> = touched.into_iter().map(|t| (t.object, t.month)).collect();
            let mut copied: BTreeMap<Option<Date>, (Tally, Option<String>)> = BTreeMap::new();
            for file in snapshot.files(object) {
                let (tally, damage) = copied.entry(file.month).or_default();
                if let Err(error) = tally_file(file, tally) {
                    *damage = Some(error.to_string());
                }
            }
            for &month in copied.keys() {
                stored.entry(month).or_default();
            }
            for (month, store) in stored {
                if moving.contains(&(object.clone(), month)) {
                    report.n_moving += 1;
                    continue;
                }
                let (copy, damage) = copied.remove(&month).unwrap_or_default();
                report.n_parts += 1;
                report.n_rows += store.n_rows;
                if copy != store || damage.is_some() {
                    let object = object.clone();
                    report.differences.push(Difference {
                        object,
                        month,
                        store,
                        copy,
                        damage,
                    });
                }
            }
        }
        Ok(report)
    }

    async fn tally_store(
        &self,
        object: &str,
        columns: &CopyColumns,
    ) -> Result<BTreeMap<Option<Date>, Tally>> {
        let query = self.query(object, columns, None, None)?;
        let mut tallies = BTreeMap::new();
        let mut rows = RowBuilder::new(schema_of(columns));
        let mut open = None;
        self.0
            .store
            .scan(&query, &Access::all(), |row| {
                let month = month_of(columns, row)?;
                if open != Some(month) || rows.n_rows() == BATCH_ROWS {
                    close(open.replace(month), &mut rows, &mut tallies)?;
                }
                rows.append(row)
            })
            .await?;
        close(open, &mut rows, &mut tallies)?;
        Ok(tallies)
    }
}

fn close(
    month: Option<Option<Date>>,
    rows: &mut RowBuilder,
    tallies: &mut BTreeMap<Option<Date>, Tally>,
) -> Result<()> {
    let Some(month) = month else { return Ok(()) };
    let batch = rows.finish()?;
    let tally = tallies.entry(month).or_default();
    tally.n_rows += batch.num_rows() as u64;
    tally.checksum = tally.checksum.wrapping_add(checksum(&batch));
    Ok(())
}

fn tally_file(file: &DataFile, tally: &mut Tally) -> Result<()> {
    let handle = File::open(&file.path).map_err(Error::file(&file.path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(handle)?;
    for batch in reader.with_batch_size(BATCH_ROWS).build()? {
        let batch = batch?;
        tally.n_rows += batch.num_rows() as u64;
        tally.checksum = tally.checksum.wrapping_add(checksum(&batch));
    }
    Ok(())
}

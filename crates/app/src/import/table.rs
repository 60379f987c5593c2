//! An opened file: its encoding, delimiter and headings are known, its first
//! rows are at hand, and the rest follows as a stream.

mod header;
mod sheets;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bytes::{Input, Limits, Text};
use super::error::{ImportError, Result, column_letters};
use super::field::{self, Vocabulary};
use super::mapping::Mapping;
use super::parse;
use super::records::{Record, Records};
use super::sniff;
use header::HEADER_WITHIN;
use sheets::{LeftOut, Sheets, Surroundings};

/// The sample is no larger than this, however long its rows are.
const SAMPLE_BYTES: usize = 4 << 20;
const HEAD_BYTES: usize = 64 << 10;

pub struct Table {
    pub(super) records: Records,
    /// Rows below the headings that were read already.
    pub(super) sample: VecDeque<Record>,
    sheets: Sheets,
    /// Set once the sample is the whole file.
    is_whole: bool,
    header: Vec<String>,
    header_row: u64,
    delimiter: u8,
    encoding: String,
    consumed: Arc<AtomicU64>,
}

impl Table {
    /// Reads as much as is needed to know the headings and a sample of rows.
    /// What `given` says of encoding, delimiter, sheets and header row is
    /// believed.
    pub fn open(
        input: Input,
        vocabulary: &Vocabulary,
        limits: &Limits,
        given: Option<&Mapping>,
    ) -> Result<Table> {
        let (consumed, is_workbook) = (input.consumed.clone(), input.is_workbook);
        let mut text = Text::open(input, limits, given.map(|m| m.encoding.as_str()))?;
        let mut head = Vec::new();
        let mut complete = false;
        while head.len() < HEAD_BYTES && !complete {
            let line = memchr::memchr_iter(b'\n', &head).count() as u64 + 1;
            complete = text.more(&mut head).map_err(|e| e.or_row(line))? == 0;
        }
        let delimiter = match given.and_then(|m| m.delimiter.bytes().next()) {
            _ if is_workbook => b',',
            Some(delimiter) => delimiter,
            None => sniff::delimiter(&head, complete),
        };
        let mut records = Records::new(text, head, delimiter, limits.clone());
        let sheets = match is_workbook {
            true => {
                let wanted = given.map_or(&[][..], |m| &m.sheets);
                Sheets::open(&mut records, vocabulary, wanted)?
            }
            false => Sheets::default(),
        };
        let mut table = Table {
            records,
            sample: VecDeque::new(),
            sheets,
            is_whole: false,
            header: Vec::new(),
            header_row: 0,
            delimiter,
            encoding: String::new(),
            consumed,
        };
        let header_row = given.map_or(0, |m| m.header_row);
        if let Err(mut fault) = table.read_sample(HEADER_WITHIN + limits.sample_rows) {
            // The fault may be in a column whose heading was read before it.
            if let ImportError::NulByte { column, .. } | ImportError::InvalidBytes { column, .. } =
                &mut fault
                && table.take_header(vocabulary, header_row).is_ok()
            {
                *column = table.records.column_name(table.records.fault_index);
            }
            return Err(fault);
        }
        table.take_header(vocabulary, header_row)?;
        table.encoding = table.records.encoding().to_owned();
        Ok(table)
    }

    pub fn file(&self) -> &str {
        self.records.file()
    }

    /// Without surrounding spaces; headings of two rows as `group/heading`
    /// where the lower one alone does not say it.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The last row of the headings.
    pub fn header_row(&self) -> u64 {
        self.header_row
    }

    pub fn delimiter(&self) -> String {
        char::from(self.delimiter).to_string()
    }

    pub fn encoding(&self) -> &str {
        &self.encoding
    }

    /// Bytes of the file used so far, packed as they are.
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    pub fn is_workbook(&self) -> bool {
        self.sheets.is_workbook()
    }

    /// The names of the sheets that are read, of a workbook.
    pub fn sheet_names(&self) -> Vec<String> {
        self.sheets.names()
    }

    /// The sheet of a row, where more than one is read.
    pub fn sheet_name(&self, sheet: usize) -> Option<&str> {
        self.sheets.name(sheet)
    }

    pub(super) fn sheets_left_out(&self) -> &[LeftOut] {
        self.sheets.left_out()
    }

    pub(super) fn is_hidden(&self, column: usize) -> bool {
        self.sheets.hidden_columns().contains(&column)
    }

    pub(super) fn counts_from_1904(&self) -> bool {
        self.sheets.counts_from_1904()
    }

    pub(super) fn surroundings(&self, sheet: usize) -> Surroundings {
        self.sheets.surroundings(sheet)
    }

    /// The next row of the data that is not blank; false at the end.
    pub(super) fn next_record(&mut self, record: &mut Record) -> Result<bool> {
        while self.records.next(record)? {
            if self.sheets.admit(record, &mut self.records) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the sample up to `rows`; false when there is no more to be had.
    pub(super) fn read_sample(&mut self, rows: usize) -> Result<bool> {
        let mut size: usize = self.sample.iter().map(Record::size).sum();
        while self.sample.len() < rows && size < SAMPLE_BYTES && !self.is_whole {
            let mut record = Record::default();
            if !self.next_record(&mut record)? {
                self.is_whole = true;
            } else {
                size += record.size();
                self.sample.push_back(record);
            }
        }
        Ok(self.sample.len() >= rows)
    }

    fn take_header(&mut self, vocabulary: &Vocabulary, given_row: u64) -> Result<()> {
        let file = self.file().to_owned();
        if self
            .sample
            .front()
            .is_some_and(|r| r.row == 1 && r.cell(0).starts_with("sep="))
        {
            self.sample.pop_front();
        }
        let Some(first_row) = self.sample.front().map(|first| first.row) else {
            return Err(ImportError::EmptyFile { file });
        };
        let found = header::find(self.sample.make_contiguous(), given_row, vocabulary);
        let Some(found) = found else {
            return Err(self.no_header(first_row));
        };
        let titles: Vec<Record> = self.sample.drain(..found.first).collect();
        self.sheets.set_titles(&titles);
        let row = self.sample[found.index - found.first].row;
        self.sample.drain(..=found.index - found.first);
        self.check_header(&found.headings, row)?;
        if self.sample.is_empty() && self.is_whole {
            return Err(ImportError::NoRows { file, row });
        }
        self.header_row = row;
        self.records.headings = found.headings.clone();
        self.header = found.headings;
        Ok(())
    }

    fn no_header(&self, row: u64) -> ImportError {
        let file = self.file().to_owned();
        let widest = self
            .sample
            .iter()
            .map(|r| filled(r).count())
            .max()
            .unwrap_or(0);
        match widest {
            0 | 1 => ImportError::TooFewColumns {
                file,
                row,
                found: widest,
            },
            _ => ImportError::NoHeader { file, row },
        }
    }

    fn check_header(&self, header: &[String], row: u64) -> Result<()> {
        let file = self.file().to_owned();
        let n_named = header.iter().filter(|h| !h.is_empty()).count();
        if n_named < 2 {
            return Err(ImportError::TooFewColumns {
                file,
                row,
                found: n_named,
            });
        }
        for (second, heading) in header.iter().enumerate() {
            if let Some(first) = header[..second]
                .iter()
                .position(|h| h == heading && !h.is_empty())
            {
                return Err(ImportError::DuplicateHeading {
                    file,
                    row,
                    column: heading.clone(),
                    first: column_letters(first),
                    second: column_letters(second),
                });
            }
        }
        Ok(())
    }
}

fn filled(record: &Record) -> impl Iterator<Item = &str> {
    record
        .cells()
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
}

fn is_value(cell: &str) -> bool {
    parse::number(cell).is_ok() || parse::day_month(cell).is_some()
}

/// `单位：万元` above a table: what its amounts are counted in.
fn unit_note(cell: &str) -> Option<i64> {
    let cell: String = cell.chars().map(parse::half_width).collect();
    let (_, unit) = cell
        .split_once("单位:")
        .or_else(|| cell.split_once("单位 :"))
        .or_else(|| cell.split_once("Unit:"))
        .or_else(|| cell.split_once("unit:"))?;
    field::money_scale(unit).filter(|scale| *scale != 1)
}

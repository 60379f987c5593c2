//! An opened file: its encoding, delimiter and headings are known, its first
//! rows are at hand, and the rest follows as a stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bytes::{Input, Limits, Text};
use super::error::{ImportError, Result, column_letters};
use super::field::{Vocabulary, WHOLE};
use super::mapping::Mapping;
use super::parse;
use super::records::{Record, Records};
use super::sniff;

/// Titles above the headings are looked for in this many rows.
const HEADER_WITHIN: usize = 20;
/// The sample is no larger than this, however long its rows are.
const SAMPLE_BYTES: usize = 4 << 20;
const HEAD_BYTES: usize = 64 << 10;

pub struct Table {
    pub(super) records: Records,
    /// Rows below the headings that were read already.
    pub(super) sample: VecDeque<Record>,
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
    /// What `given` says of encoding, delimiter and header row is believed.
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
        let mut table = Table {
            records: Records::new(text, head, delimiter, limits.clone()),
            sample: VecDeque::new(),
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

    /// As they stand in the file, without surrounding spaces.
    pub fn header(&self) -> &[String] {
        &self.header
    }

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

    /// Reads the sample up to `rows`; false when there is no more to be had.
    pub(super) fn read_sample(&mut self, rows: usize) -> Result<bool> {
        let mut size: usize = self.sample.iter().map(Record::size).sum();
        while self.sample.len() < rows && size < SAMPLE_BYTES && !self.is_whole {
            let mut record = Record::default();
            if !self.records.next(&mut record)? {
                self.is_whole = true;
            } else if !record.is_blank() {
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
        let Some(first) = self.sample.front() else {
            return Err(ImportError::EmptyFile { file });
        };
        let first_row = first.row;
        let index = match given_row {
            0 => header_index(self.sample.make_contiguous(), vocabulary),
            row => self.sample.iter().position(|r| r.row == row),
        };
        let Some(index) = index else {
            let widest = self
                .sample
                .iter()
                .map(|r| filled(r).count())
                .max()
                .unwrap_or(0);
            return Err(match widest {
                0 | 1 => ImportError::TooFewColumns {
                    file,
                    row: first_row,
                    found: widest,
                },
                _ => ImportError::NoHeader {
                    file,
                    row: first_row,
                },
            });
        };
        self.sample.drain(..index);
        let record = self.sample.pop_front().unwrap_or_default();
        let mut header: Vec<String> = record.cells().map(|cell| cell.trim().to_owned()).collect();
        while header.last().is_some_and(String::is_empty) {
            header.pop();
        }
        let n_named = header.iter().filter(|h| !h.is_empty()).count();
        if n_named < 2 {
            return Err(ImportError::TooFewColumns {
                file,
                row: record.row,
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
                    row: record.row,
                    column: heading.clone(),
                    first: column_letters(first),
                    second: column_letters(second),
                });
            }
        }
        if self.sample.is_empty() && self.is_whole {
            return Err(ImportError::NoRows {
                file,
                row: record.row,
            });
        }
        self.header_row = record.row;
        self.records.headings = header.clone();
        self.header = header;
        Ok(())
    }
}

fn filled(record: &Record) -> impl Iterator<Item = &str> {
    record
        .cells()
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
}

/// The row with the most headings that are known; where none are, the first
/// row as wide as most rows, unless it holds values and so is data.
fn header_index(sample: &[Record], vocabulary: &Vocabulary) -> Option<usize> {
    let within = &sample[..sample.len().min(HEADER_WITHIN)];
    let mut best = (0, None);
    for (index, record) in within.iter().enumerate() {
        let (n, n_values) = (
            filled(record).count(),
            filled(record).filter(|cell| is_value(cell)).count(),
        );
        let n_known = filled(record)
            .filter(|cell| matches!(vocabulary.field_of(cell), Some((_, _, WHOLE))))
            .count();
        if n >= 2 && (n_known >= 2 || (n_known == 1 && n_values == 0)) && n_known > best.0 {
            best = (n_known, Some(index));
        }
    }
    // A single known word among many cells may be a value of a headless file.
    if let (n_known, Some(index)) = best
        && (n_known >= 2 || filled(&within[index]).count() <= 4)
    {
        return Some(index);
    }
    let usual = usual_width(sample);
    let index = within.iter().position(|record| {
        let n = filled(record).count();
        n >= 2 && n * 10 >= usual * 6
    })?;
    (!filled(&within[index]).any(is_value)).then_some(index)
}

fn is_value(cell: &str) -> bool {
    parse::number(cell).is_ok() || parse::day_month(cell).is_some()
}

fn usual_width(sample: &[Record]) -> usize {
    let mut widths: Vec<usize> = sample.iter().map(Record::len).collect();
    widths.sort_unstable();
    widths.get(widths.len() / 2).copied().unwrap_or(0)
}

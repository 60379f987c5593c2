//! Text becomes records: cells of one row, with the row's number as a
//! spreadsheet shows it. No row is held beyond its limit.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::bytes::{Limits, Text};
use super::error::{ImportError, Result, column_letters};

/// The cells of one row, unquoted.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// As a spreadsheet counts, within its sheet.
    pub row: u64,
    /// The same through all sheets of the file.
    pub position: u64,
    /// Which of the sheets that are read; 0 in a file without sheets.
    pub sheet: usize,
    text: String,
    ends: Vec<usize>,
    /// A byte sequence that did not belong to the encoding was replaced.
    pub has_invalid: bool,
    /// Columns whose cell belongs to a range that is merged over several rows,
    /// and whether this is the first of them. Cells below the first repeat its
    /// value.
    pub merged: Vec<(usize, bool)>,
}

/// The first character of rows by which the parser of workbooks says what
/// follows. No cell begins with it: the parser takes it out.
pub(super) const CONTROL: char = '\u{1}';

impl Record {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Empty beyond the last cell.
    pub fn cell(&self, index: usize) -> &str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..*end]
    }

    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|i| self.cell(i))
    }

    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Puts a value into a cell that stands in the row.
    pub fn set(&mut self, index: usize, value: &str) {
        while self.ends.len() <= index {
            self.ends.push(self.text.len());
        }
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let end = self.ends[index];
        self.text.replace_range(start..end, value);
        for later in &mut self.ends[index..] {
            *later = *later - (end - start) + value.len();
        }
    }

    /// Whether the cell repeats the value of a merged range above.
    pub fn is_repeated(&self, index: usize) -> bool {
        self.merged.contains(&(index, false))
    }

    pub fn is_merged(&self, index: usize) -> bool {
        self.merged.iter().any(|(column, _)| *column == index)
    }

    /// What the parser of workbooks says, if it is not a row of a sheet.
    pub(super) fn control(&self) -> Option<&str> {
        self.cell(0).strip_prefix(CONTROL)
    }

    /// All cells, one behind the other.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of all cells.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    pub fn n_line_breaks(&self) -> usize {
        memchr::memchr_iter(b'\n', self.text.as_bytes()).count()
    }
}

pub(super) struct Records {
    text: Text,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
    core: Reader,
    out: Vec<u8>,
    ends: Vec<usize>,
    row: u64,
    /// Rows of earlier sheets.
    before: u64,
    limits: Limits,
    /// By which errors name columns.
    pub headings: Vec<String>,
    /// Replaced sequences met in records so far, and the row and column of the
    /// first.
    pub n_invalid: u64,
    pub first_invalid: Option<(u64, usize)>,
    /// The column of the last error; its heading may become known later.
    pub fault_index: usize,
}

impl Records {
    /// `head` is what was already taken from `text`.
    pub fn new(text: Text, head: Vec<u8>, delimiter: u8, limits: Limits) -> Self {
        Records {
            text,
            buffer: head,
            at: 0,
            ended: false,
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            out: vec![0; 4096],
            ends: vec![0; 64],
            row: 0,
            before: 0,
            limits,
            headings: Vec::new(),
            n_invalid: 0,
            first_invalid: None,
            fault_index: 0,
        }
    }

    pub fn encoding(&self) -> &'static str {
        self.text.encoding()
    }

    pub fn file(&self) -> &str {
        self.text.file()
    }

    pub fn column_name(&self, index: usize) -> String {
        match self.headings.get(index) {
            Some(heading) if !heading.is_empty() => heading.clone(),
            _ => column_letters(index),
        }
    }

    /// Rows count from 1 again: the next one is the first of a sheet, and the
    /// last one, which said so, is none.
    pub fn begin_sheet(&mut self) {
        self.before += self.row.saturating_sub(1);
        self.row = 0;
    }

    /// What was read so far was no row of the file.
    pub fn begin_file(&mut self) {
        (self.before, self.row) = (0, 0);
    }

    /// The last row said something and was none.
    pub fn take_back_row(&mut self) {
        self.row = self.row.saturating_sub(1);
    }

    /// The next row that is not an empty line; false at the end.
    pub fn next(&mut self, record: &mut Record) -> Result<bool> {
        let line_before = self.core.line();
        let (mut n_out, mut n_ends) = (0, 0);
        loop {
            // An empty input means the end to the parser, so it is given one
            // only there.
            if self.at == self.buffer.len() && !self.ended {
                self.refill()?;
            }
            let (result, used, written, ends) = self.core.read_record(
                &self.buffer[self.at..],
                &mut self.out[n_out..],
                &mut self.ends[n_ends..],
            );
            self.at += used;
            n_out += written;
            n_ends += ends;
            if n_out > self.limits.record_bytes {
                return Err(self.too_long());
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    if n_out >= self.limits.record_bytes {
                        return Err(self.too_long());
                    }
                    let room = (self.out.len() * 2).min(self.limits.record_bytes + 1);
                    self.out.resize(room, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    if n_ends > self.limits.columns {
                        return Err(ImportError::TooManyColumns {
                            file: self.file().to_owned(),
                            row: self.row + 1,
                            limit: self.limits.columns,
                        });
                    }
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(false),
            }
        }
        record.text.clear();
        let text = std::str::from_utf8(&self.out[..n_out])
            .expect("the decoder gives UTF-8 and cells end at ASCII");
        record.text.push_str(text);
        record.ends.clear();
        record.ends.extend_from_slice(&self.ends[..n_ends]);

        // Lines passed are those of this row, of its quoted line breaks and of
        // empty lines before it.
        let passed = self.core.line() - line_before;
        let inner = if passed > 1 {
            record.n_line_breaks() as u64
        } else {
            0
        };
        self.row += passed.saturating_sub(inner).max(1);
        record.row = self.row;
        record.position = self.before + self.row;
        record.sheet = 0;
        record.merged.clear();
        if n_ends > self.limits.columns {
            return Err(ImportError::TooManyColumns {
                file: self.file().to_owned(),
                row: self.row,
                limit: self.limits.columns,
            });
        }
        record.has_invalid = false;
        if self.text.n_nul > 0 {
            self.refuse_nul(record)?;
        }
        if self.text.n_invalid > self.n_invalid {
            self.count_invalid(record)?;
        }
        Ok(true)
    }

    fn refill(&mut self) -> Result<()> {
        self.buffer.clear();
        self.at = 0;
        let row = self.row + 1;
        self.ended = self
            .text
            .more(&mut self.buffer)
            .map_err(|e| e.or_row(row))?
            == 0;
        Ok(())
    }

    fn too_long(&self) -> ImportError {
        ImportError::RecordTooLong {
            file: self.file().to_owned(),
            row: self.row + 1,
            limit: self.limits.record_bytes,
        }
    }

    fn refuse_nul(&mut self, record: &Record) -> Result<()> {
        match record.cells().position(|cell| cell.contains('\0')) {
            None => Ok(()),
            Some(index) => {
                self.fault_index = index;
                let (file, column) = (self.file().to_owned(), self.column_name(index));
                Err(ImportError::NulByte {
                    file,
                    row: record.row,
                    column,
                })
            }
        }
    }

    fn count_invalid(&mut self, record: &mut Record) -> Result<()> {
        let here = record.text.matches('\u{fffd}').count() as u64;
        if here == 0 {
            return Ok(());
        }
        record.has_invalid = true;
        self.n_invalid += here;
        if self.first_invalid.is_none() {
            let index = record
                .cells()
                .position(|cell| cell.contains('\u{fffd}'))
                .unwrap_or(0);
            self.first_invalid = Some((record.row, index));
        }
        if self.text.n_invalid > self.limits.invalid_sequences {
            let (row, index) = self.first_invalid.unwrap_or_default();
            self.fault_index = index;
            return Err(ImportError::InvalidBytes {
                file: self.file().to_owned(),
                row,
                column: self.column_name(index),
                encoding: self.encoding().to_owned(),
                found: self.text.n_invalid,
            });
        }
        Ok(())
    }
}

//! The sheets of a workbook as one stream: which of them are read, which rows
//! of theirs are data, and what merged cells repeat. A file without sheets
//! passes through.
//!
//! The parser writes rows that begin with [`CONTROL`](super::super::records)
//! among the rows of the sheets; `xlsx` says which.

use std::collections::VecDeque;

use super::super::error::{ImportError, Result};
use super::super::field::{Field, Vocabulary, normal};
use super::super::parse;
use super::super::records::{Record, Records};
use super::header::{self, HEADER_WITHIN, Header};

/// What the name of a sheet and the titles above its headings say of all its
/// rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Of dates without one.
    pub year: Option<i16>,
    /// What amounts are counted in, from `单位：万元`.
    pub scale: Option<i64>,
}

impl Surroundings {
    pub fn of(sheet: &str, titles: &[Record]) -> Surroundings {
        let cells = || titles.iter().flat_map(|r| r.cells());
        Surroundings {
            year: parse::year_in(sheet).or_else(|| cells().find_map(parse::year_in)),
            scale: cells().find_map(super::unit_note),
        }
    }
}

/// A sheet that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub name: String,
    /// It has orders under other headings, so that its absence matters.
    pub has_orders: bool,
}

#[derive(Debug)]
struct Sheet {
    name: String,
    /// The row of its last heading; `None` where it is not read.
    header_row: Option<u64>,
    surroundings: Surroundings,
}

/// A range that is merged over several rows; rows and columns from 0.
#[derive(Debug, Clone, Copy)]
struct Merge {
    first: u64,
    last: u64,
    column: usize,
}

/// The first rows of one sheet.
struct Head {
    name: String,
    records: Vec<Record>,
}

impl Head {
    fn of(control: &Record) -> Head {
        Head {
            name: control.cell(1).to_owned(),
            records: Vec::new(),
        }
    }
}

#[derive(Debug, Default)]
pub struct Sheets {
    /// Empty for a file without sheets.
    sheets: Vec<Sheet>,
    /// Of a file without sheets.
    titles: Surroundings,
    left_out: Vec<LeftOut>,
    /// Columns of the main sheet.
    hidden: Vec<usize>,
    counts_from_1904: bool,
    /// The sheet that the stream is in.
    current: usize,
    /// The first sheet that is read: its headings are those of the file.
    main: usize,
    /// Of the sheet that comes next.
    hidden_ahead: Vec<usize>,
    merges_ahead: VecDeque<Merge>,
    /// Of the present sheet, from the row on that is being read.
    merges: VecDeque<Merge>,
    /// Merged ranges that reach the present row, with their values.
    open: Vec<(Merge, String)>,
}

impl Sheets {
    /// Reads what the parser says before the first sheet and decides which
    /// sheets are one file: those with the headings of the first that has any.
    pub fn open(records: &mut Records, vocabulary: &Vocabulary, wanted: &[String]) -> Result<Self> {
        let mut sheets = Sheets::default();
        let mut heads: Vec<Head> = Vec::new();
        let mut record = Record::default();
        while records.next(&mut record)? {
            match record.control() {
                Some("sheet") => break,
                Some("head") => {
                    sheets.begin(records);
                    heads.push(Head::of(&record));
                }
                Some(_) => sheets.take(&record),
                None => {
                    sheets.repeat_merged(&mut record);
                    if let Some(head) = heads.last_mut().filter(|_| !record.is_blank()) {
                        head.records.push(std::mem::take(&mut record));
                    }
                }
            }
        }
        // A single sheet has no head: nothing is compared with it.
        if heads.is_empty() {
            heads.push(Head::of(&record));
        }
        sheets.begin(records);
        records.begin_file();
        sheets.plan(heads, vocabulary, wanted, records.file())?;
        sheets.take_hidden();
        Ok(sheets)
    }

    fn plan(
        &mut self,
        heads: Vec<Head>,
        vocabulary: &Vocabulary,
        wanted: &[String],
        file: &str,
    ) -> Result<()> {
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w.trim() == name);
        if let Some(missing) = wanted
            .iter()
            .find(|w| !heads.iter().any(|head| head.name == w.trim()))
        {
            return Err(ImportError::MappingSheet {
                file: file.to_owned(),
                sheet: missing.clone(),
            });
        }
        let found: Vec<Option<Header>> = heads
            .iter()
            .map(|head| header::find(&head.records, 0, vocabulary))
            .collect();
        let first = |is_good: &dyn Fn(&Header) -> bool| {
            (0..heads.len())
                .find(|i| is_wanted(&heads[*i].name) && found[*i].as_ref().is_some_and(is_good))
        };
        self.main = first(&|h| h.n_known >= 2)
            .or_else(|| first(&|_| true))
            .or_else(|| heads.iter().position(|head| is_wanted(&head.name)))
            .unwrap_or(0);
        let main = found[self.main]
            .as_ref()
            .map(|h| normal_headings(&h.headings));
        for (index, head) in heads.into_iter().enumerate() {
            let own = &found[index];
            let same = main
                .as_ref()
                .and_then(|main| same_header(&head.records, main, vocabulary));
            let header = match index == self.main {
                true => Some((0, &head.records[..0])),
                false => same
                    .filter(|_| is_wanted(&head.name))
                    .map(|h| (head.records[h.index].row, &head.records[..h.first])),
            };
            if header.is_none() {
                self.left_out.push(LeftOut {
                    has_orders: wanted.is_empty()
                        && own.as_ref().is_some_and(|h| names_orders(h, vocabulary)),
                    name: head.name.clone(),
                });
            }
            let surroundings = header
                .map(|(_, titles)| Surroundings::of(&head.name, titles))
                .unwrap_or_default();
            self.sheets.push(Sheet {
                header_row: header.map(|(row, _)| row),
                name: head.name,
                surroundings,
            });
        }
        Ok(())
    }

    /// Takes up what stands before a sheet.
    fn take(&mut self, record: &Record) {
        let number = |index: usize| record.cell(index).parse::<u64>().ok();
        match record.control() {
            Some("hidden_sheet") => self.left_out.push(LeftOut {
                name: record.cell(1).to_owned(),
                has_orders: false,
            }),
            Some("1904") => self.counts_from_1904 = true,
            Some("hidden_column") => {
                self.hidden_ahead.extend(number(1).map(|n| n as usize));
            }
            Some("merge") => {
                if let (Some(first), Some(last), Some(column)) = (number(1), number(2), number(3)) {
                    self.merges_ahead.push_back(Merge {
                        first,
                        last,
                        column: column as usize,
                    });
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, records: &mut Records) {
        records.begin_sheet();
        self.open.clear();
        self.merges = std::mem::take(&mut self.merges_ahead);
    }

    fn take_hidden(&mut self) {
        let hidden = std::mem::take(&mut self.hidden_ahead);
        if self.current == self.main {
            self.hidden = hidden;
        }
    }

    /// Takes a row of the stream; false where it is none of the data.
    pub fn admit(&mut self, record: &mut Record, records: &mut Records) -> bool {
        if self.sheets.is_empty() {
            return !record.is_blank();
        }
        match record.control() {
            Some("sheet") => {
                self.current += 1;
                self.begin(records);
                self.take_hidden();
                return false;
            }
            Some(_) => {
                self.take(record);
                records.take_back_row();
                return false;
            }
            None => {}
        }
        if record.is_blank() {
            return false;
        }
        self.repeat_merged(record);
        record.sheet = self.current;
        self.sheets
            .get(self.current)
            .and_then(|sheet| sheet.header_row)
            .is_some_and(|header_row| record.row > header_row)
    }

    fn repeat_merged(&mut self, record: &mut Record) {
        let row = record.row.saturating_sub(1);
        self.open.retain(|(merge, _)| merge.last >= row);
        for (merge, value) in &self.open {
            if record.cell(merge.column).trim().is_empty() {
                record.set(merge.column, value);
                record.merged.push((merge.column, false));
            }
        }
        while self.merges.front().is_some_and(|merge| merge.first <= row) {
            let Some(merge) = self.merges.pop_front() else {
                break;
            };
            if merge.first == row && !record.cell(merge.column).trim().is_empty() {
                self.open
                    .push((merge, record.cell(merge.column).to_owned()));
                record.merged.push((merge.column, true));
            }
        }
    }

    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    pub fn hidden_columns(&self) -> &[usize] {
        &self.hidden
    }

    pub fn counts_from_1904(&self) -> bool {
        self.counts_from_1904
    }

    pub fn is_workbook(&self) -> bool {
        !self.sheets.is_empty()
    }

    /// The name of a sheet, where more than one is read.
    pub fn name(&self, sheet: usize) -> Option<&str> {
        let n_read = self
            .sheets
            .iter()
            .filter(|s| s.header_row.is_some())
            .count();
        (n_read > 1).then(|| self.sheets.get(sheet).map(|s| s.name.as_str()))?
    }

    /// The names of those that are read.
    pub fn names(&self) -> Vec<String> {
        self.sheets
            .iter()
            .filter(|sheet| sheet.header_row.is_some())
            .map(|sheet| sheet.name.clone())
            .collect()
    }

    pub fn surroundings(&self, sheet: usize) -> Surroundings {
        self.sheets
            .get(sheet)
            .map_or(self.titles, |sheet| sheet.surroundings)
    }

    /// The titles of the main sheet are known once its headings are.
    pub fn set_titles(&mut self, titles: &[Record]) {
        match self.sheets.get_mut(self.main) {
            None => self.titles = Surroundings::of("", titles),
            Some(main) => main.surroundings = Surroundings::of(&main.name, titles),
        }
    }
}

fn normal_headings(headings: &[String]) -> Vec<String> {
    headings.iter().map(|h| normal(h)).collect()
}

/// The header of a sheet that has the same headings.
fn same_header(records: &[Record], main: &[String], vocabulary: &Vocabulary) -> Option<Header> {
    (0..records.len().min(HEADER_WITHIN))
        .map(|index| header::at(records, index, false, vocabulary))
        .find(|header| normal_headings(&header.headings) == main)
}

/// A date and an amount, or quantity and price.
fn names_orders(header: &Header, vocabulary: &Vocabulary) -> bool {
    if vocabulary.is_of_plain() {
        return header.n_known >= 2;
    }
    let has = |field: Field| {
        header
            .headings
            .iter()
            .any(|h| vocabulary.field_of(h).is_some_and(|(f, _, _)| f == field))
    };
    has(Field::OrderedAt) && (has(Field::Amount) || (has(Field::Quantity) && has(Field::Price)))
}

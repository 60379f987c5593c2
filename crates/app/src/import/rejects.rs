//! Rows that were turned away, and the file in which people get them back:
//! their own columns first, then where and why. Corrected, it can be imported
//! again as it is.

use std::io::Write;

use serde_json::{Map, Value};

use crate::messages::Language;

use super::messages;
use super::parse;

/// Behind the columns of the file, in both languages at once, so that a mended
/// file is known again whoever wrote it.
const REASON_HEADINGS: [&str; 3] = ["行号/row", "列/column", "原因/reason"];

/// A heading that only a file of rejects has; its column is not imported.
pub fn is_reason(heading: &str) -> bool {
    REASON_HEADINGS.contains(&heading.trim())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// As a spreadsheet counts.
    pub row: u64,
    /// Where several sheets are read.
    pub sheet: Option<String>,
    /// The heading; `None` where it is the row as a whole.
    pub column: Option<String>,
    /// A code of [`messages::row_text`].
    pub code: &'static str,
    pub args: Vec<(&'static str, String)>,
    /// The cells as they stand in the file; what surrounds them there and
    /// changes their meaning is put in (`1.5` under `单位：万元` is `15000`).
    pub cells: Vec<String>,
}

impl Reject {
    pub fn text(&self, language: Language) -> String {
        let args: Map<String, Value> = self
            .args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::String(value.clone())))
            .collect();
        messages::fill(messages::row_text(self.code, language), &args)
    }
}

/// Writes rejects as CSV, in UTF-8 with a byte order mark so that Excel and
/// WPS show Chinese.
pub struct RejectWriter<W: Write> {
    csv: csv::Writer<W>,
    n_columns: usize,
    language: Language,
}

impl<W: Write> RejectWriter<W> {
    pub fn new(mut out: W, header: &[String], language: Language) -> std::io::Result<Self> {
        out.write_all("\u{feff}".as_bytes())?;
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(out);
        csv.write_record(
            header
                .iter()
                .map(|h| safe(h))
                .chain(REASON_HEADINGS.map(str::to_owned)),
        )
        .map_err(std::io::Error::other)?;
        Ok(RejectWriter {
            csv,
            n_columns: header.len(),
            language,
        })
    }

    /// Cells beyond the headings go behind the reason, so that every other
    /// cell keeps its column.
    pub fn write(&mut self, reject: &Reject) -> std::io::Result<()> {
        let own = (0..self.n_columns)
            .map(|i| reject.cells.get(i).map_or(String::new(), |cell| safe(cell)));
        let beyond = reject
            .cells
            .iter()
            .skip(self.n_columns)
            .map(|cell| safe(cell));
        let why = [
            match &reject.sheet {
                Some(sheet) => safe(&format!("{sheet}!{}", reject.row)),
                None => reject.row.to_string(),
            },
            safe(reject.column.as_deref().unwrap_or("")),
            safe(&reject.text(self.language)),
        ];
        self.csv
            .write_record(own.chain(why).chain(beyond))
            .map_err(std::io::Error::other)
    }

    pub fn finish(mut self) -> std::io::Result<W> {
        self.csv.flush()?;
        self.csv.into_inner().map_err(|e| e.into_error())
    }
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before
/// it; plain negative numbers stay numbers. Reading takes the apostrophe off.
fn safe(cell: &str) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') if parse::number(cell).is_err() => {
            format!("'{cell}")
        }
        _ => cell.to_owned(),
    }
}

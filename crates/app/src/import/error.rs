//! What can be wrong with a whole file, and where. Wrong rows are not errors:
//! they are [`Reject`](super::rejects::Reject)s and never stop a file.
//!
//! No status codes. The texts stand in [`messages`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Place;
use crate::messages::{Language, phrases};

use super::messages;

pub type Result<T> = std::result::Result<T, ImportError>;

/// Rows count from 1 as a spreadsheet shows them, titles, blank rows and the
/// header included. `column` is the heading where there is one, otherwise the
/// letters a spreadsheet gives the column. `row` is 0 where no row is known.
///
/// Serialised as `{"code": …, "args": {…}}`: so the child process that parses
/// a workbook hands it to its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", content = "args", rename_all = "snake_case")]
pub enum ImportError {
    EmptyFile {
        file: String,
    },
    /// `kind` is a short name such as `pdf`, or `data` where it is not known.
    BinaryFile {
        file: String,
        kind: String,
    },
    /// No row looks like headings; `row` is the first row of the data.
    NoHeader {
        file: String,
        row: u64,
    },
    /// Headings, but nothing below them.
    NoRows {
        file: String,
        row: u64,
    },
    /// `first` and `second` are the letters of the two columns.
    DuplicateHeading {
        file: String,
        row: u64,
        column: String,
        first: String,
        second: String,
    },
    TooFewColumns {
        file: String,
        row: u64,
        found: usize,
    },
    TooManyColumns {
        file: String,
        row: u64,
        limit: usize,
    },
    NulByte {
        file: String,
        row: u64,
        column: String,
    },
    /// One row is longer than `limit` bytes: often a quote that never closes.
    RecordTooLong {
        file: String,
        row: u64,
        limit: usize,
    },
    /// More than a few byte sequences do not belong to the encoding; the place
    /// is the first of them.
    InvalidBytes {
        file: String,
        row: u64,
        column: String,
        encoding: String,
        found: u64,
    },
    UnknownEncoding {
        file: String,
        encoding: String,
    },
    /// Compressed data that grows more than `limit` times.
    CompressionRatio {
        file: String,
        limit: u64,
    },
    FileTooLarge {
        file: String,
        limit: u64,
    },
    TruncatedGzip {
        file: String,
        row: u64,
    },
    CorruptGzip {
        file: String,
        row: u64,
    },
    /// The mapping names a heading that the file does not have.
    MappingHeading {
        file: String,
        column: String,
    },
    MappingField {
        file: String,
        column: String,
        field: String,
    },
    MappingTwice {
        file: String,
        field: String,
        first: String,
        second: String,
    },
    /// `missing` is `ordered_at`, `amount` or `party`.
    MappingIncomplete {
        file: String,
        missing: String,
    },
    /// Of plain records: a required field has no column.
    MappingRequired {
        file: String,
        field: String,
    },
    /// The mapping names a sheet that is not there, or hidden, or empty.
    MappingSheet {
        file: String,
        sheet: String,
    },
    MappingFormat {
        file: String,
        column: String,
        format: String,
    },
    /// A mapping file that is not TOML, or not a mapping.
    MappingUnreadable {
        file: String,
        row: u64,
        reason: String,
    },
    /// Day and month cannot be told apart, and the mapping does not say.
    DateOrderUnknown {
        file: String,
        column: String,
    },
    WorkbookUnreadable {
        file: String,
        reason: String,
    },
    /// No visible sheet has a cell.
    WorkbookEmpty {
        file: String,
    },
    /// A cell far outside what an order list needs.
    WorkbookCell {
        file: String,
        row: u64,
        column: String,
        max_rows: u64,
        max_columns: u64,
    },
    WorkbookCells {
        file: String,
        row: u64,
        column: String,
        limit: u64,
    },
    /// A part of the workbook that unpacks to more than is reasonable.
    WorkbookPart {
        file: String,
        part: String,
        bytes: u64,
        ratio: u64,
    },
    /// The process that parses the workbook died, as a rule of its memory or
    /// time limit.
    WorkbookLimit {
        file: String,
        row: u64,
    },
    ReadFailed {
        file: String,
        reason: String,
    },
    Cancelled {
        file: String,
    },
}

impl ImportError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        use ImportError::*;
        match self {
            EmptyFile { .. } => "empty_file",
            BinaryFile { .. } => "binary_file",
            NoHeader { .. } => "no_header",
            NoRows { .. } => "no_rows",
            DuplicateHeading { .. } => "duplicate_heading",
            TooFewColumns { .. } => "too_few_columns",
            TooManyColumns { .. } => "too_many_columns",
            NulByte { .. } => "nul_byte",
            RecordTooLong { .. } => "record_too_long",
            InvalidBytes { .. } => "invalid_bytes",
            UnknownEncoding { .. } => "unknown_encoding",
            CompressionRatio { .. } => "compression_ratio",
            FileTooLarge { .. } => "file_too_large",
            TruncatedGzip { .. } => "truncated_gzip",
            CorruptGzip { .. } => "corrupt_gzip",
            MappingHeading { .. } => "mapping_heading",
            MappingField { .. } => "mapping_field",
            MappingTwice { .. } => "mapping_twice",
            MappingIncomplete { .. } => "mapping_incomplete",
            MappingRequired { .. } => "mapping_required",
            MappingSheet { .. } => "mapping_sheet",
            MappingFormat { .. } => "mapping_format",
            MappingUnreadable { .. } => "mapping_unreadable",
            DateOrderUnknown { .. } => "date_order_unknown",
            WorkbookUnreadable { .. } => "workbook_unreadable",
            WorkbookEmpty { .. } => "workbook_empty",
            WorkbookCell { .. } => "workbook_cell",
            WorkbookCells { .. } => "workbook_cells",
            WorkbookPart { .. } => "workbook_part",
            WorkbookLimit { .. } => "workbook_limit",
            ReadFailed { .. } => "read_failed",
            Cancelled { .. } => "cancelled",
        }
    }

    /// The arguments by name, as an error body carries them.
    pub fn args(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(mut whole)) => match whole.remove("args") {
                Some(serde_json::Value::Object(args)) => args,
                _ => Default::default(),
            },
            _ => Default::default(),
        }
    }

    /// One or two sentences for a person: what is wrong, where, what to do.
    pub fn text(&self, language: Language) -> String {
        let mut args = self.args();
        if language == Language::Zh {
            // What a library says of a file.
            if let Some(reason) = args.get_mut("reason") {
                *reason = phrases::chinese(reason.as_str().unwrap_or_default())
                    .unwrap_or_else(|| self.reason_zh().to_owned())
                    .into();
            }
            if args.get("kind").is_some_and(|kind| kind == "data") {
                args.insert("kind".to_owned(), "格式不明".into());
            }
        }
        messages::fill(messages::file_text(self.code(), language), &args)
    }

    /// In place of a reason that there is only in English.
    fn reason_zh(&self) -> &'static str {
        match self {
            ImportError::MappingUnreadable { .. } => "写法不合 TOML",
            ImportError::ReadFailed { .. } => "系统报告读写错误",
            _ => "文件已损坏，或者不是工作簿",
        }
    }

    /// Where in the file; the file alone where no row is known.
    pub fn place(&self) -> Option<Place> {
        let args = self.args();
        let text = |name: &str| args.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        Some(Place {
            file: text("file")?,
            row: args
                .get("row")
                .and_then(|v| v.as_u64())
                .filter(|row| *row > 0),
            column: text("column"),
        })
    }

    /// The same error of the file that people know by this name.
    pub(super) fn in_file(mut self, name: &str) -> Self {
        *self.file_mut() = name.to_owned();
        self
    }

    /// Names the row where the reader knew only that the bytes ended badly.
    pub(super) fn or_row(mut self, at: u64) -> Self {
        use ImportError::*;
        match &mut self {
            TruncatedGzip { row, .. } | CorruptGzip { row, .. } | WorkbookLimit { row, .. }
                if *row == 0 =>
            {
                *row = at;
            }
            _ => {}
        }
        self
    }

    fn file_mut(&mut self) -> &mut String {
        use ImportError::*;
        match self {
            EmptyFile { file, .. }
            | BinaryFile { file, .. }
            | NoHeader { file, .. }
            | NoRows { file, .. }
            | DuplicateHeading { file, .. }
            | TooFewColumns { file, .. }
            | TooManyColumns { file, .. }
            | NulByte { file, .. }
            | RecordTooLong { file, .. }
            | InvalidBytes { file, .. }
            | UnknownEncoding { file, .. }
            | CompressionRatio { file, .. }
            | FileTooLarge { file, .. }
            | TruncatedGzip { file, .. }
            | CorruptGzip { file, .. }
            | MappingHeading { file, .. }
            | MappingField { file, .. }
            | MappingTwice { file, .. }
            | MappingIncomplete { file, .. }
            | MappingRequired { file, .. }
            | MappingSheet { file, .. }
            | MappingFormat { file, .. }
            | MappingUnreadable { file, .. }
            | DateOrderUnknown { file, .. }
            | WorkbookUnreadable { file, .. }
            | WorkbookEmpty { file, .. }
            | WorkbookCell { file, .. }
            | WorkbookCells { file, .. }
            | WorkbookPart { file, .. }
            | WorkbookLimit { file, .. }
            | ReadFailed { file, .. }
            | Cancelled { file, .. } => file,
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}

impl std::error::Error for ImportError {}

/// The letters a spreadsheet gives a column; `index` counts from 0.
pub fn column_letters(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + (rest % 26) as u8);
        rest /= 26;
    }
    letters.iter().rev().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_a_spreadsheet() {
        for (index, letters) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (701, "ZZ"),
            (702, "AAA"),
            (16_383, "XFD"),
        ] {
            assert_eq!(column_letters(index), letters);
        }
    }

    #[test]
    fn a_librarys_reason_is_no_english_in_chinese() {
        let told = |reason: &str| {
            let error = ImportError::MappingUnreadable {
                file: "m.toml".into(),
                row: 3,
                reason: reason.into(),
            };
            error.text(Language::Zh)
        };
        assert_eq!(
            told("missing field `columns`"),
            "列对应文件 m.toml 第 3 行读不懂：缺少 `columns`"
        );
        assert_eq!(
            told("key with no value, expected `=`"),
            "列对应文件 m.toml 第 3 行读不懂：写法不合 TOML"
        );
    }

    #[test]
    fn the_code_is_the_tag_and_the_text_names_the_place() {
        let error = ImportError::NulByte {
            file: "a.csv".into(),
            row: 12,
            column: "Price".into(),
        };
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["code"], error.code());
        assert_eq!(serde_json::from_value::<ImportError>(json).unwrap(), error);
        for language in [Language::Zh, Language::En] {
            let text = error.text(language);
            assert!(
                text.contains("a.csv") && text.contains("12") && text.contains("Price"),
                "{text}"
            );
        }
        assert_eq!(
            error.place(),
            Some(Place {
                file: "a.csv".into(),
                row: Some(12),
                column: Some("Price".into())
            })
        );
    }
}

//! One file under a typed header: CSV (with BOM and safe against formulas),
//! XLSX or Parquet.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use keji_metrics::{Column, file as parquet};
use keji_schema::{Type, Value};
use rust_xlsxwriter::{Format as CellFormat, Workbook};

use super::Format;
use crate::error::{Error, Result, shown};

pub(crate) struct Heading {
    pub label: String,
    pub kind: Type,
}

pub(crate) enum Sink {
    Csv(Box<csv::Writer<BufWriter<std::fs::File>>>, String),
    Xlsx {
        book: Box<Workbook>,
        date: CellFormat,
        n_rows: u32,
        path: PathBuf,
    },
    Parquet(Box<parquet::ParquetWriter<std::fs::File>>),
}

impl Sink {
    pub fn create(format: Format, path: &Path, columns: &[Heading]) -> Result<Sink> {
        let what = path.display().to_string();
        let io = |e: std::io::Error| Error::named(what.clone())(e);
        match format {
            Format::Csv => {
                let mut file = BufWriter::new(std::fs::File::create(path).map_err(io)?);
                // The byte order mark tells Excel and WPS that this is UTF-8.
                file.write_all("\u{feff}".as_bytes()).map_err(io)?;
                let mut writer = csv::Writer::from_writer(file);
                writer
                    .write_record(columns.iter().map(|c| c.label.as_str()))
                    .map_err(|e| csv_error(&what, e))?;
                Ok(Sink::Csv(Box::new(writer), what))
            }
            Format::Xlsx => {
                let mut book = Box::new(Workbook::new());
                let bold = CellFormat::new().set_bold();
                let sheet = book
                    .add_worksheet_with_constant_memory()
                    .map_err(xlsx_error)?;
                for (i, column) in columns.iter().enumerate() {
                    sheet
                        .write_with_format(0, i as u16, column.label.as_str(), &bold)
                        .map_err(xlsx_error)?;
                }
                sheet.set_freeze_panes(1, 0).map_err(xlsx_error)?;
                let date = CellFormat::new().set_num_format("yyyy-mm-dd");
                Ok(Sink::Xlsx {
                    book,
                    date,
                    n_rows: 0,
                    path: path.to_owned(),
                })
            }
            Format::Parquet => {
                let columns: Vec<Column> = columns
                    .iter()
                    .map(|c| Column {
                        name: c.label.clone(),
                        kind: c.kind,
                        required: false,
                    })
                    .collect();
                let file = std::fs::File::create(path).map_err(io)?;
                Ok(Sink::Parquet(Box::new(parquet::ParquetWriter::new(
                    file, &columns,
                )?)))
            }
        }
    }

    pub fn row(&mut self, row: &[Value]) -> Result<()> {
        match self {
            Sink::Csv(writer, what) => writer
                .write_record(row.iter().map(|v| match v {
                    Value::Text(text) => formula_safe(text),
                    other => shown(other),
                }))
                .map_err(|e| csv_error(what, e)),
            Sink::Xlsx {
                book, date, n_rows, ..
            } => {
                *n_rows += 1;
                let at = *n_rows;
                let sheet = book.worksheet_from_index(0).map_err(xlsx_error)?;
                for (i, value) in row.iter().enumerate() {
                    let column = i as u16;
                    match value {
                        Value::Null => continue,
                        Value::Int(n) => sheet.write(at, column, *n as f64),
                        Value::Decimal(d) => sheet.write(at, column, d.to_f64()),
                        Value::Float(x) if x.is_finite() => sheet.write(at, column, *x),
                        Value::Bool(b) => sheet.write(at, column, *b),
                        Value::Date(d) => {
                            let cell = rust_xlsxwriter::ExcelDateTime::from_ymd(
                                d.year().unsigned_abs(),
                                d.month().unsigned_abs(),
                                d.day().unsigned_abs(),
                            );
                            match cell {
                                Ok(cell) => sheet.write_with_format(at, column, &cell, date),
                                // Excel's calendar begins in 1900.
                                Err(_) => sheet.write(at, column, d.to_string()),
                            }
                        }
                        other => sheet.write(at, column, shown(other)),
                    }
                    .map_err(xlsx_error)?;
                }
                Ok(())
            }
            Sink::Parquet(writer) => Ok(writer.append(row)?),
        }
    }

    pub fn finish(self) -> Result<()> {
        match self {
            Sink::Csv(mut writer, what) => writer.flush().map_err(Error::io(what)),
            Sink::Xlsx { mut book, path, .. } => book.save(&path).map_err(xlsx_error),
            Sink::Parquet(writer) => {
                let (file, _) = writer.finish()?;
                file.sync_all().map_err(Error::io("parquet"))
            }
        }
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe.
pub(crate) fn formula_safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn csv_error(what: &str, problem: csv::Error) -> Error {
    Error::Io {
        what: what.to_owned(),
        source: problem.into(),
    }
}

fn xlsx_error(problem: rust_xlsxwriter::XlsxError) -> Error {
    Error::Io {
        what: "xlsx".to_owned(),
        source: std::io::Error::other(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::formula_safe;

    #[test]
    fn formulas_lose_their_power() {
        for text in ["=1+1", "+86", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(formula_safe(text), format!("'{text}"));
        }
        assert_eq!(formula_safe("苏州=恒远"), "苏州=恒远");
    }
}

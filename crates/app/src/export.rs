//! The list of customers with their scores as a file: CSV (with BOM and safe
//! against formulas), XLSX or Parquet. Streams; memory does not grow with the
//! rows, but for XLSX, whose writer keeps one row at a time too.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use keji_metrics::{Column, file as parquet};
use keji_schema::{Type, Value};
use keji_store::ScanQuery;
use rust_xlsxwriter::{Format as CellFormat, Workbook};

use crate::context::App;
use crate::customers::View;
use crate::error::{Error, Result, shown};
use crate::messages::Language;
use crate::permission::{Caller, access};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Xlsx,
    Parquet,
}

impl Format {
    /// By the file's ending.
    pub fn of(path: &Path) -> Result<Format> {
        let end = path
            .extension()
            .and_then(|e| e.to_str())
            .map(str::to_ascii_lowercase);
        match end.as_deref() {
            Some("csv") => Ok(Format::Csv),
            Some("xlsx") => Ok(Format::Xlsx),
            Some("parquet") => Ok(Format::Parquet),
            _ => Err(Error::Argument {
                name: "output",
                message: format!("{}: .csv, .xlsx, .parquet", path.display()),
            }),
        }
    }
}

/// A file that goes when it is no longer held.
pub struct Temporary(PathBuf);

impl Temporary {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left behind is swept with the folder.
        let _ = std::fs::remove_file(&self.0);
    }
}

pub async fn customers_to_temporary(
    app: &App,
    caller: &Caller,
    format: Format,
    filter: Option<&str>,
    as_of: Option<Date>,
    language: Language,
) -> Result<Temporary> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = app.folder().join("temporary");
    std::fs::create_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
    let name = format!(
        "export-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let file = Temporary(folder.join(name));
    customers(app, caller, format, filter, as_of, file.path(), language).await?;
    Ok(file)
}

/// Writes the file and returns the number of customers. A file that exists is
/// replaced only once the new one is whole.
pub async fn customers(
    app: &App,
    caller: &Caller,
    format: Format,
    filter: Option<&str>,
    as_of: Option<Date>,
    path: &Path,
    language: Language,
) -> Result<u64> {
    let view = View::open(app, as_of).await?;
    let mut columns = Vec::new();
    let mut paths = Vec::new();
    for (name, field_path) in view.columns() {
        // The reasons are kept in both languages; a file has its reader's.
        let other = match language {
            Language::Zh => "_reason_en",
            Language::En => "_reason_zh",
        };
        if name == "id" || name.ends_with(other) {
            continue;
        }
        let parts: Vec<String> = field_path.split('.').map(str::to_owned).collect();
        let field = app.catalog.field(view.object(), &parts)?;
        let label = match (format, language) {
            (Format::Parquet, _) => name.clone(),
            (_, Language::Zh) => field.name.zh.clone(),
            (_, Language::En) => field.name.en.clone(),
        };
        columns.push(Heading {
            label,
            kind: field.kind,
        });
        paths.push(field_path);
    }
    let query = ScanQuery {
        object: view.object().to_owned(),
        fields: paths,
        filter: view.filter(filter)?,
        sort: view.sort(None)?,
    };
    let partial = path.with_extension("part");
    let mut sink = Sink::create(format, &partial, &columns)?;
    let written = app
        .store
        .scan(&query, &access(caller, view.object()), |row: &[Value]| {
            sink.row(row)
        })
        .await;
    let finished = written.and_then(|n| sink.finish().map(|()| n));
    match finished {
        Ok(n) => {
            std::fs::rename(&partial, path).map_err(Error::io(path.display().to_string()))?;
            Ok(n)
        }
        Err(problem) => {
            let _ = std::fs::remove_file(&partial);
            Err(problem)
        }
    }
}

struct Heading {
    label: String,
    kind: Type,
}

enum Sink {
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
    fn create(format: Format, path: &Path, columns: &[Heading]) -> Result<Sink> {
        let what = path.display().to_string();
        let io = |e: std::io::Error| Error::Io {
            what: what.clone(),
            source: e,
        };
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

    fn row(&mut self, row: &[Value]) -> Result<()> {
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

    fn finish(self) -> Result<()> {
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

//! The child process: limits itself and writes the rows of a workbook as CSV.
//! Rows that begin with [`CONTROL`] say what follows:
//!
//! | row | meaning |
//! |---|---|
//! | `1904` | day numbers count from 1904 |
//! | `hidden_sheet,name` | a hidden sheet, which is not written |
//! | `merge,first,last,column` | cells merged over rows of the next sheet, from 0 |
//! | `hidden_column,index` | a hidden column of the next sheet, from 0 |
//! | `head,name` | the first rows of a sheet follow, where there are several |
//! | `sheet,name` | all rows of a sheet follow |

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx};

use super::super::error::{ImportError, column_letters};
use super::super::records::CONTROL;
use super::{Report, WorkbookLimits, parts};

/// Parts below this size are never called a bomb.
const RATIO_FLOOR: u64 = 16 << 20;

/// The whole life of the child process: limits itself, writes the rows of the
/// visible sheets to standard output, and says on standard error how far it is
/// and what went wrong. Call it before any thread starts.
pub fn child_main(path: &Path) -> ExitCode {
    match run_child(path, &WorkbookLimits::default(), io::stdout().lock()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

pub fn run_child(path: &Path, limits: &WorkbookLimits, out: impl Write) -> bool {
    let report = |report: &Report| {
        if let Ok(line) = serde_json::to_string(report) {
            let _ = writeln!(io::stderr(), "{line}");
        }
    };
    let written = limit_self(limits)
        .map_err(|e| Stop::unreadable(&e))
        .and_then(|()| write_rows(path, limits, out, |bytes| report(&Report::Progress(bytes))));
    match written {
        Ok(()) => true,
        // Nobody reads any more.
        Err(Stop::Output) => false,
        Err(Stop::Input(error)) => {
            report(&Report::Failed(*error));
            false
        }
    }
}

fn limit_self(limits: &WorkbookLimits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let at_most = |current: u64, maximum: u64| Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    };
    setrlimit(
        Resource::As,
        at_most(limits.memory_bytes, limits.memory_bytes),
    )?;
    setrlimit(Resource::Cpu, at_most(limits.cpu_s, limits.cpu_s + 1))?;
    setrlimit(Resource::Core, at_most(0, 0))?;
    Ok(())
}

/// Why the child stops before the end: nobody takes its output, or an error.
/// The errors name no file: the child knows a path, people know a name, and
/// the parent puts it in.
pub enum Stop {
    Input(Box<ImportError>),
    Output,
}

impl Stop {
    fn unreadable(reason: &dyn std::fmt::Display) -> Stop {
        Stop::input(ImportError::WorkbookUnreadable {
            file: String::new(),
            reason: reason.to_string(),
        })
    }

    fn input(error: ImportError) -> Stop {
        Stop::Input(Box::new(error))
    }
}

/// Rows of each sheet by which sheets of the same kind are known.
const HEAD_ROWS: usize = 40;

pub fn write_rows(
    path: &Path,
    limits: &WorkbookLimits,
    out: impl Write,
    mut on_progress: impl FnMut(u64),
) -> std::result::Result<(), Stop> {
    check_parts(path, limits)?;
    let read = Arc::new(AtomicU64::new(0));
    let file = File::open(path).map_err(|e| Stop::unreadable(&e))?;
    let size = file.metadata().map_or(u64::MAX, |m| m.len());
    let counted = BufReader::new(CountedFile {
        file,
        read: read.clone(),
    });
    let mut report = || on_progress(read.load(Ordering::Relaxed).min(size));
    let mut book = Book {
        workbook: Xlsx::new(counted).map_err(|e| Stop::unreadable(&e))?,
        limits,
        n_cells: 0,
        report: &mut report,
    };
    let mut rows = RowWriter::new(BufWriter::with_capacity(64 << 10, out));
    if book.workbook.has_1904_epoch() {
        rows.control(&["1904"])?;
    }
    let sheets = book.sheets_with_cells(path, &mut rows)?;
    if sheets.is_empty() {
        return Err(Stop::input(ImportError::WorkbookEmpty {
            file: String::new(),
        }));
    }
    if let [_, _, ..] = sheets.as_slice() {
        for sheet in &sheets {
            for merge in &sheet.extras.merges {
                if merge.first_row < HEAD_ROWS as u64 {
                    rows.merge(merge)?;
                }
            }
            rows.control(&["head", &sheet.name])?;
            book.write_sheet(&sheet.name, sheets.len(), &mut rows, HEAD_ROWS)?;
        }
    }
    for sheet in &sheets {
        for (first, last) in &sheet.extras.hidden {
            for column in *first..=(*last).min(limits.columns as usize) {
                rows.control(&["hidden_column", &column.to_string()])?;
            }
        }
        for merge in &sheet.extras.merges {
            rows.merge(merge)?;
        }
        rows.control(&["sheet", &sheet.name])?;
        book.write_sheet(&sheet.name, sheets.len(), &mut rows, usize::MAX)?;
    }
    rows.out.flush().map_err(|_| Stop::Output)?;
    on_progress(size);
    Ok(())
}

struct SheetPart {
    name: String,
    extras: parts::Extras,
}

struct Book<'a, R: Read + Seek> {
    workbook: Xlsx<R>,
    limits: &'a WorkbookLimits,
    /// Over all sheets.
    n_cells: u64,
    report: &'a mut dyn FnMut(),
}

impl<R: Read + Seek> Book<'_, R> {
    /// The visible ones; the hidden ones are named.
    fn sheets_with_cells<W: Write>(
        &mut self,
        path: &Path,
        rows: &mut RowWriter<W>,
    ) -> std::result::Result<Vec<SheetPart>, Stop> {
        let file = File::open(path).map_err(|e| Stop::unreadable(&e))?;
        let mut archive =
            zip::ZipArchive::new(BufReader::new(file)).map_err(|e| Stop::unreadable(&e))?;
        let parts = parts::sheet_parts(&mut archive);
        let mut sheets = Vec::new();
        for (index, sheet) in self.workbook.sheets_metadata().to_vec().iter().enumerate() {
            if sheet.typ != SheetType::WorkSheet || !self.has_cells(&sheet.name)? {
                continue;
            }
            if sheet.visible != SheetVisible::Visible {
                rows.control(&["hidden_sheet", &sheet.name])?;
                continue;
            }
            let part = parts.get(index).and_then(Option::as_deref);
            sheets.push(SheetPart {
                name: sheet.name.clone(),
                extras: part
                    .map(|part| parts::extras(&mut archive, part))
                    .unwrap_or_default(),
            });
        }
        Ok(sheets)
    }

    fn has_cells(&mut self, sheet: &str) -> std::result::Result<bool, Stop> {
        let mut cells = self
            .workbook
            .worksheet_cells_reader(sheet)
            .map_err(|e| Stop::unreadable(&e))?;
        while let Some(cell) = cells.next_cell().map_err(|e| Stop::unreadable(&e))? {
            if !is_blank(cell.get_value()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Streams the cells: the extents that a sheet claims are not believed.
    fn write_sheet<W: Write>(
        &mut self,
        sheet: &str,
        n_sheets: usize,
        rows: &mut RowWriter<W>,
        n_rows: usize,
    ) -> std::result::Result<(), Stop> {
        let limits = self.limits;
        let mut cells = self
            .workbook
            .worksheet_cells_reader(sheet)
            .map_err(|e| Stop::unreadable(&e))?;
        rows.begin_sheet();
        while let Some(cell) = cells.next_cell().map_err(|e| Stop::unreadable(&e))? {
            let (row, column) = (
                u64::from(cell.get_position().0),
                u64::from(cell.get_position().1),
            );
            let place = || match n_sheets {
                1 => column_letters(column as usize),
                _ => format!("{sheet}!{}", column_letters(column as usize)),
            };
            self.n_cells += 1;
            if self.n_cells > limits.cells {
                return Err(Stop::input(ImportError::WorkbookCells {
                    file: String::new(),
                    row: row + 1,
                    column: place(),
                    limit: limits.cells,
                }));
            }
            if self.n_cells.is_multiple_of(100_000) {
                (self.report)();
            }
            let value = cell.get_value();
            if is_blank(value) {
                continue;
            }
            if row >= limits.rows || column >= limits.columns {
                return Err(Stop::input(ImportError::WorkbookCell {
                    file: String::new(),
                    row: row + 1,
                    column: place(),
                    max_rows: limits.rows,
                    max_columns: limits.columns,
                }));
            }
            if row > rows.row && rows.n_filled + 1 >= n_rows {
                break;
            }
            rows.put(row, column as usize, value)?;
        }
        rows.end_row().map_err(|_| Stop::Output)
    }
}

/// Also text of nothing but spaces, which formatted templates are full of.
fn is_blank(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::Empty => true,
        DataRef::String(text) => text.trim().is_empty(),
        DataRef::SharedString(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Looks at the sizes that the archive claims for its parts. Parts that lie
/// meet the limits of the process.
fn check_parts(path: &Path, limits: &WorkbookLimits) -> std::result::Result<(), Stop> {
    let file = File::open(path).map_err(|e| Stop::unreadable(&e))?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|e| Stop::unreadable(&e))?;
    let mut is_workbook = false;
    for index in 0..archive.len() {
        let part = archive
            .by_index_raw(index)
            .map_err(|e| Stop::unreadable(&e))?;
        let name = part.name().map_err(|e| Stop::unreadable(&e))?.into_owned();
        let (bytes, ratio) = (part.size(), part.size() / part.compressed_size().max(1));
        is_workbook |= name.starts_with("xl/");
        if bytes > limits.part_bytes || (bytes > RATIO_FLOOR && ratio > limits.ratio) {
            return Err(Stop::input(ImportError::WorkbookPart {
                file: String::new(),
                part: name,
                bytes,
                ratio,
            }));
        }
    }
    match is_workbook {
        true => Ok(()),
        false => Err(Stop::input(ImportError::BinaryFile {
            file: String::new(),
            kind: "zip".to_owned(),
        })),
    }
}

struct CountedFile {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for CountedFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(out)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Seek for CountedFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Puts cells together to rows of CSV. Rows without cells become empty lines,
/// so that row numbers stay those of the sheet; short rows are filled up to
/// the widest so far.
struct RowWriter<W: Write> {
    out: W,
    /// The row that is being put together, counted from 0.
    row: u64,
    cells: Vec<String>,
    /// Cells of this row that were set.
    n_set: usize,
    width: usize,
    /// Rows of this sheet that were written and have cells.
    n_filled: usize,
}

impl<W: Write> RowWriter<W> {
    fn new(out: W) -> Self {
        RowWriter {
            out,
            row: 0,
            cells: Vec::new(),
            n_set: 0,
            width: 0,
            n_filled: 0,
        }
    }

    /// The next row is the first of another sheet.
    fn begin_sheet(&mut self) {
        (self.row, self.n_set, self.width, self.n_filled) = (0, 0, 0, 0);
        for cell in &mut self.cells {
            cell.clear();
        }
    }

    fn control(&mut self, words: &[&str]) -> std::result::Result<(), Stop> {
        let written: io::Result<()> = (|| {
            write!(self.out, "{CONTROL}")?;
            for (index, word) in words.iter().enumerate() {
                if index > 0 {
                    self.out.write_all(b",")?;
                }
                write_cell(&mut self.out, word)?;
            }
            self.out.write_all(b"\n")
        })();
        written.map_err(|_| Stop::Output)
    }

    fn merge(&mut self, merge: &parts::Merge) -> std::result::Result<(), Stop> {
        let numbers = [merge.first_row, merge.last_row, merge.column as u64];
        let [first, last, column] = numbers.map(|n| n.to_string());
        self.control(&["merge", &first, &last, &column])
    }

    fn put(
        &mut self,
        row: u64,
        column: usize,
        value: &DataRef<'_>,
    ) -> std::result::Result<(), Stop> {
        if row < self.row {
            let (earlier, later) = (row + 1, self.row + 1);
            return Err(Stop::unreadable(&format!(
                "row {earlier} stands behind row {later}"
            )));
        }
        while self.row < row {
            self.end_row().map_err(|_| Stop::Output)?;
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        let cell = &mut self.cells[column];
        cell.clear();
        write_value(cell, value);
        self.n_set = self.n_set.max(column + 1);
        Ok(())
    }

    fn end_row(&mut self) -> io::Result<()> {
        if self.n_set > 0 {
            self.width = self.width.max(self.n_set);
            for index in 0..self.width {
                if index > 0 {
                    self.out.write_all(b",")?;
                }
                match self.cells.get_mut(index) {
                    None => {}
                    Some(cell) => {
                        write_cell(&mut self.out, cell)?;
                        cell.clear();
                    }
                }
            }
            self.n_set = 0;
            self.n_filled += 1;
        }
        self.row += 1;
        self.out.write_all(b"\n")
    }
}

fn write_cell(out: &mut impl Write, cell: &str) -> io::Result<()> {
    if cell.contains(CONTROL) {
        return write_cell(out, &cell.replace(CONTROL, " "));
    }
    if !cell.contains([',', '"', '\n', '\r']) {
        return out.write_all(cell.as_bytes());
    }
    out.write_all(b"\"")?;
    out.write_all(cell.replace('"', "\"\"").as_bytes())?;
    out.write_all(b"\"")
}

/// Spreadsheets keep 15 digits; more would be invented. So the text says that
/// the rest is lost.
fn scientific(x: f64) -> String {
    let text = format!("{x:.14e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{mantissa}E+{exponent}")
}

/// Dates as ISO text, numbers plain, everything else as it is shown.
fn write_value(cell: &mut String, value: &DataRef<'_>) {
    use std::fmt::Write;
    // Writing to a string does not fail.
    let _ = match value {
        DataRef::Empty => Ok(()),
        DataRef::Int(n) => write!(cell, "{n}"),
        DataRef::Float(x) if x.abs() >= 1e15 && x.is_finite() => cell.write_str(&scientific(*x)),
        DataRef::Float(x) => write!(cell, "{x}"),
        DataRef::String(text) => cell.write_str(text),
        DataRef::SharedString(text) => cell.write_str(text),
        DataRef::Bool(true) => cell.write_str("TRUE"),
        DataRef::Bool(false) => cell.write_str("FALSE"),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => cell.write_str(text),
        DataRef::Error(error) => write!(cell, "{error}"),
        DataRef::DateTime(at) if at.is_duration() || at.as_f64() < 1.0 => {
            write!(cell, "{}", at.as_f64())
        }
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
            let _ = write!(cell, "{year:04}-{month:02}-{day:02}");
            if (hour, minute, second, milli) == (0, 0, 0, 0) {
                return;
            }
            let _ = write!(cell, " {hour:02}:{minute:02}:{second:02}");
            if milli > 0 {
                write!(cell, ".{milli:03}")
            } else {
                Ok(())
            }
        }
    };
}

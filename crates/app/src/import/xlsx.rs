//! Workbooks: read in a child process that limits its own memory and time,
//! because a few hundred bytes of XLSX can ask for any amount of memory, and
//! an allocation that fails ends the whole process.
//!
//! The child writes the rows as CSV; the parent reads them like any file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx};
use serde::{Deserialize, Serialize};

use super::bytes::Input;
use super::error::{ImportError, Result, column_letters};
use super::sniff;

/// What a workbook may cost.
#[derive(Debug, Clone)]
pub struct WorkbookLimits {
    /// Address space of the child.
    pub memory_bytes: u64,
    /// Processor time of the child.
    pub cpu_s: u64,
    /// Of one part, unpacked.
    pub part_bytes: u64,
    /// Unpacked over packed bytes of one part; sheets of real orders reach
    /// some tens.
    pub ratio: u64,
    pub rows: u64,
    pub columns: u64,
    pub cells: u64,
}

impl Default for WorkbookLimits {
    fn default() -> Self {
        WorkbookLimits {
            memory_bytes: 1 << 30,
            cpu_s: 300,
            part_bytes: 4 << 30,
            ratio: 200,
            rows: 1_048_576,
            columns: 1_024,
            cells: 100_000_000,
        }
    }
}

/// Parts below this size are never called a bomb.
const RATIO_FLOOR: u64 = 16 << 20;

/// By its first bytes; the file is left at its beginning. Any zip archive
/// counts: the child tells the others apart.
pub fn is_workbook(mut file: &File) -> io::Result<bool> {
    let mut head = [0; 4];
    let n = file.read(&mut head)?;
    file.rewind()?;
    Ok(sniff::is_workbook(&head[..n]))
}

/// Starts `parser parse-workbook path`. Setting `cancel` kills it, as does
/// dropping the input.
pub fn open(path: &Path, name: &str, parser: &Path, cancel: Arc<AtomicBool>) -> Result<Input> {
    let mut command = Command::new(parser);
    command.arg("parse-workbook").arg(path);
    spawn(command, name, cancel)
}

fn spawn(mut command: Command, name: &str, cancel: Arc<AtomicBool>) -> Result<Input> {
    let failed = |e: io::Error| ImportError::ReadFailed {
        file: name.to_owned(),
        reason: e.to_string(),
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(io::Error::other("no pipe to the child process")));
    };
    let consumed = Arc::new(AtomicU64::new(0));
    let counter = consumed.clone();
    let reports = std::thread::spawn(move || last_report(stderr, &counter));
    let child = Arc::new(Mutex::new(child));
    let done = Arc::new(AtomicBool::new(false));
    {
        // A read of the pipe cannot be interrupted; the end of the child can.
        let (child, done, cancel) = (child.clone(), done.clone(), cancel.clone());
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                if cancel.load(Ordering::Relaxed) {
                    let _ = locked(&child).kill();
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
    }
    let reader = ChildReader {
        file: name.to_owned(),
        stdout,
        child,
        reports: Some(reports),
        done,
        cancel,
    };
    Ok(Input {
        name: name.to_owned(),
        read: Box::new(reader),
        consumed,
        is_workbook: true,
    })
}

/// One line of what the child says on its standard error.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    /// Bytes of the workbook read so far.
    Progress(u64),
    Failed(ImportError),
}

fn last_report(stderr: impl Read, consumed: &AtomicU64) -> Option<ImportError> {
    let mut failed = None;
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A child that babbles is read to its end and not kept.
        match lines.by_ref().take(64 << 10).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return failed,
            Ok(_) => match serde_json::from_slice(&line) {
                Ok(Report::Progress(bytes)) => consumed.store(bytes, Ordering::Relaxed),
                Ok(Report::Failed(error)) => failed = Some(error),
                // What the allocator or a panic says; the exit status tells.
                Err(_) => {}
            },
        }
    }
}

fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The child's output. Its end is an error unless the child ended well.
struct ChildReader {
    file: String,
    stdout: ChildStdout,
    child: Arc<Mutex<Child>>,
    reports: Option<JoinHandle<Option<ImportError>>>,
    done: Arc<AtomicBool>,
    cancel: Arc<AtomicBool>,
}

impl Read for ChildReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.stdout.read(out)? {
            0 if out.is_empty() => Ok(0),
            0 => match self.ending()? {
                None => Ok(0),
                Some(error) => Err(io::Error::other(error)),
            },
            n => Ok(n),
        }
    }
}

impl ChildReader {
    fn ending(&mut self) -> io::Result<Option<ImportError>> {
        // Not `wait`, which would hold the lock that the killer needs.
        let status = loop {
            if let Some(status) = locked(&self.child).try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        self.done.store(true, Ordering::Relaxed);
        let failed = self
            .reports
            .take()
            .and_then(|reports| reports.join().ok())
            .flatten();
        if status.success() {
            return Ok(None);
        }
        let file = self.file.clone();
        Ok(Some(match (failed, status.code()) {
            _ if self.cancel.load(Ordering::Relaxed) => ImportError::Cancelled { file },
            (Some(error), _) => error.in_file(&file),
            // Ended by a signal: the allocator gave up or time was over.
            (None, None) => ImportError::WorkbookLimit { file, row: 0 },
            (None, Some(code)) => ImportError::WorkbookUnreadable {
                file,
                reason: format!("the parser ended with code {code}"),
            },
        }))
    }
}

impl Drop for ChildReader {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let mut child = locked(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

// ---- The child ----

/// The whole life of the child process: limits itself, writes the rows of the
/// first visible sheet that has any to standard output, and says on standard
/// error how far it is and what went wrong. Call it before any thread starts.
pub fn child_main(path: &Path) -> ExitCode {
    match run_child(path, &WorkbookLimits::default(), io::stdout().lock()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn run_child(path: &Path, limits: &WorkbookLimits, out: impl Write) -> bool {
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
enum Stop {
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

fn write_rows(
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
    let mut workbook = Xlsx::new(counted).map_err(|e| Stop::unreadable(&e))?;
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut rows = RowWriter::new(BufWriter::with_capacity(64 << 10, out));
    for sheet in &sheets {
        // Streams the cells: the extents that a sheet claims are not believed.
        let mut cells = workbook
            .worksheet_cells_reader(sheet)
            .map_err(|e| Stop::unreadable(&e))?;
        let mut n_cells = 0u64;
        while let Some(cell) = cells.next_cell().map_err(|e| Stop::unreadable(&e))? {
            let (row, column) = (
                u64::from(cell.get_position().0),
                u64::from(cell.get_position().1),
            );
            n_cells += 1;
            let place = |error: fn(u64, String, &WorkbookLimits) -> ImportError| {
                Stop::input(error(row + 1, column_letters(column as usize), limits))
            };
            if n_cells > limits.cells {
                return Err(place(|row, column, limits| ImportError::WorkbookCells {
                    file: String::new(),
                    row,
                    column,
                    limit: limits.cells,
                }));
            }
            if n_cells.is_multiple_of(100_000) {
                on_progress(read.load(Ordering::Relaxed).min(size));
            }
            let value = cell.get_value();
            if matches!(value, DataRef::Empty) {
                continue;
            }
            if row >= limits.rows || column >= limits.columns {
                return Err(place(|row, column, limits| ImportError::WorkbookCell {
                    file: String::new(),
                    row,
                    column,
                    max_rows: limits.rows,
                    max_columns: limits.columns,
                }));
            }
            rows.put(row, column as usize, value)?;
        }
        if rows.has_any {
            rows.end().map_err(|_| Stop::Output)?;
            on_progress(size);
            return Ok(());
        }
    }
    Err(Stop::input(ImportError::WorkbookEmpty {
        file: String::new(),
    }))
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
    has_any: bool,
}

impl<W: Write> RowWriter<W> {
    fn new(out: W) -> Self {
        RowWriter {
            out,
            row: 0,
            cells: Vec::new(),
            n_set: 0,
            width: 0,
            has_any: false,
        }
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
        self.has_any = true;
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
        }
        self.row += 1;
        self.out.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.end_row()?;
        self.out.flush()
    }
}

fn write_cell(out: &mut impl Write, cell: &str) -> io::Result<()> {
    if !cell.contains([',', '"', '\n', '\r']) {
        return out.write_all(cell.as_bytes());
    }
    out.write_all(b"\"")?;
    out.write_all(cell.replace('"', "\"\"").as_bytes())?;
    out.write_all(b"\"")
}

/// Dates as ISO text, numbers plain, everything else as it is shown.
fn write_value(cell: &mut String, value: &DataRef<'_>) {
    use std::fmt::Write;
    // Writing to a string does not fail.
    let _ = match value {
        DataRef::Empty => Ok(()),
        DataRef::Int(n) => write!(cell, "{n}"),
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

#[cfg(test)]
mod tests;

//! Workbooks: read in a child process that limits its own memory and time,
//! because a few hundred bytes of XLSX can ask for any amount of memory, and
//! an allocation that fails ends the whole process.
//!
//! The child writes the rows as CSV; the parent reads them like any file.

mod child;
mod parts;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bytes::Input;
use super::error::{ImportError, Result};
use super::sniff;
// The program's command calls it by way of this module.
pub use child::child_main;
use child::{Stop, write_rows};

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

/// The same without a child, whole in memory: for tests, and for nothing that
/// somebody else has made.
pub fn open_here(path: &Path, name: &str) -> Result<Input> {
    let mut rows = Vec::new();
    match write_rows(path, &WorkbookLimits::default(), &mut rows, |_| {}) {
        Ok(()) => Ok(Input {
            is_workbook: true,
            ..Input::new(name, io::Cursor::new(rows))
        }),
        Err(Stop::Input(error)) => Err(error.in_file(name)),
        Err(Stop::Output) => Err(ImportError::ReadFailed {
            file: name.to_owned(),
            reason: "memory".to_owned(),
        }),
    }
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
            // The parser panics on addresses that no sheet has.
            (None, Some(101)) => ImportError::WorkbookUnreadable {
                file,
                reason: "a cell's address or the extent of a sheet is none that a sheet has"
                    .to_owned(),
            },
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

#[cfg(test)]
mod tests;

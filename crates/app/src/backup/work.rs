//! Making and checking backups in the background, one at a time: minutes of
//! reading that no request waits for. It is no job in the table, because a
//! backup would hold its own half-done job, and the place that is restored
//! from it would take that up. What is known of it lives as long as the
//! process; a lock in the folder keeps two processes apart.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use keji_store::{BackupFault, BackupProgress, BackupReport, BackupStep, ChangeKind};
use serde::Serialize;
use tokio::task::AbortHandle;
use utoipa::ToSchema;

use super::kept::{self, BackupBody};
use crate::audit::note;
use crate::context::App;
use crate::error::{Error, Result, io_text};
use crate::messages::{Language, phrases};
use crate::permission::Caller;

/// Hidden, so it is none of the backups.
const LOCK: &str = ".lock";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Make,
    Check,
}

/// What is under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunBody {
    pub task: Task,
    pub name: String,
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// `open`, `copy`, `verify` or `finish`.
    #[schema(value_type = String)]
    pub step: BackupStep,
    /// The table that is read just now, and how many of its rows are done.
    pub table: Option<String>,
    pub rows: u64,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckBody {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub by: String,
    pub is_good: bool,
    /// What is wrong and where.
    pub faults: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FailureBody {
    pub task: Task,
    pub name: String,
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// As of a problem, such as `full`.
    pub code: String,
    pub detail: String,
}

/// What is known of backups between requests; nothing of it has to survive.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<RunBody>,
    thread: Option<AbortHandle>,
    failed: Option<(RunBody, Timestamp, Error)>,
    checks: BTreeMap<String, Checked>,
    /// Manifests that were read, of files of this length and age.
    seen: BTreeMap<String, (FileState, BackupBody)>,
}

/// Length and time of change.
pub(super) type FileState = (u64, SystemTime);

pub(super) fn state_of(path: &Path) -> std::io::Result<FileState> {
    let known = path.metadata()?;
    Ok((known.len(), known.modified()?))
}

#[derive(Debug)]
struct Checked {
    at: Timestamp,
    by: String,
    /// Of the file that was read: another of its name was not checked.
    file: FileState,
    faults: Vec<BackupFault>,
}

impl Memory {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn running(&self) -> Option<RunBody> {
        self.state().running.clone()
    }

    /// Whether this one is worked on.
    pub(super) fn is_at(&self, name: &str) -> bool {
        let state = self.state();
        state.running.as_ref().is_some_and(|run| run.name == name)
    }

    pub(super) fn failure(&self, language: Language) -> Option<FailureBody> {
        let state = self.state();
        let (run, at, problem) = state.failed.as_ref()?;
        Some(FailureBody {
            task: run.task,
            name: run.name.clone(),
            by: run.by.clone(),
            at: *at,
            code: problem.code().to_owned(),
            detail: said(problem, language),
        })
    }

    pub(super) fn check_of(
        &self,
        name: &str,
        now: FileState,
        language: Language,
    ) -> Option<CheckBody> {
        let state = self.state();
        let checked = state.checks.get(name).filter(|c| c.file == now)?;
        let faults = checked.faults.iter();
        Some(CheckBody {
            at: checked.at,
            by: checked.by.clone(),
            is_good: checked.faults.is_empty(),
            faults: faults.map(|fault| kept::fault(fault, language)).collect(),
        })
    }

    pub(super) fn seen(&self, name: &str, now: FileState) -> Option<BackupBody> {
        let state = self.state();
        let (then, backup) = state.seen.get(name)?;
        (*then == now).then(|| backup.clone())
    }

    pub(super) fn see(&self, now: FileState, backup: &BackupBody) {
        let name = backup.name.clone();
        self.state().seen.insert(name, (now, backup.clone()));
    }

    pub(super) fn forget(&self, name: &str) {
        let mut state = self.state();
        state.checks.remove(name);
        state.seen.remove(name);
    }

    fn tell(&self, progress: BackupProgress) {
        if let Some(run) = &mut self.state().running {
            run.step = progress.step;
            run.table = progress.table;
            run.rows = progress.rows;
        }
    }

    /// Before the store is closed, which would wait for its readers.
    pub(crate) fn stop(&self) {
        let thread = self.state().thread.take();
        if let Some(thread) = thread {
            thread.abort();
        }
    }
}

/// The right to work, in this process and among others; it ends with its value.
struct Turn {
    memory: Arc<Memory>,
    #[allow(dead_code)] // Held, never read.
    lock: File,
}

impl Turn {
    fn take(app: &App, run: RunBody) -> Result<Turn> {
        let memory = app.backups.clone();
        let mut state = memory.state();
        if state.running.is_some() {
            return Err(busy());
        }
        let lock = lock(&kept::folder(app))?;
        state.running = Some(run);
        state.failed = None;
        drop(state);
        Ok(Turn { memory, lock })
    }

    /// Ends it; what went wrong is kept to be told.
    fn end(self, outcome: Result<()>) {
        let Err(problem) = outcome else { return };
        tracing::warn!(error = ?problem, "a backup was not made or checked");
        let mut state = self.memory.state();
        if let Some(run) = state.running.clone() {
            state.failed = Some((run, Timestamp::now(), problem));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.memory.state().running = None;
    }
}

/// Makes the folder too.
fn lock(folder: &Path) -> Result<File> {
    let fail = || Error::named(kept::FOLDER);
    std::fs::create_dir_all(folder).map_err(fail())?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(fail())?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(busy()),
        Err(TryLockError::Error(problem)) => Err(fail()(problem)),
    }
}

pub(super) fn busy() -> Error {
    Error::State {
        code: "backup_running",
        zh: "正在做或检查一个备份，请等它结束".to_owned(),
        en: "a backup is being made or checked; wait until that has ended".to_owned(),
    }
}

fn run(caller: &Caller, task: Task, name: String) -> RunBody {
    RunBody {
        task,
        name,
        by: caller.actor.clone(),
        started_at: Timestamp::now(),
        step: match task {
            Task::Make => BackupStep::Copy,
            Task::Check => BackupStep::Open,
        },
        table: None,
        rows: 0,
    }
}

/// Begins a backup among those of the place; it goes on by itself.
pub async fn start(app: &App, caller: &Caller) -> Result<RunBody> {
    kept::require(caller)?;
    let run = run(caller, Task::Make, kept::new_name(&kept::folder(app)));
    let turn = Turn::take(app, run.clone())?;
    let (inside, caller, name) = (app.clone(), caller.clone(), run.name.clone());
    go(app, turn, async move {
        let memory = inside.backups.clone();
        made(&inside, &caller, &name, |p| memory.tell(p))
            .await
            .map(drop)
    });
    Ok(run)
}

/// The same for the command line, which waits; the file and what is in it.
pub async fn make(
    app: &App,
    caller: &Caller,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<(PathBuf, BackupReport)> {
    kept::require(caller)?;
    let name = kept::new_name(&kept::folder(app));
    let turn = Turn::take(app, run(caller, Task::Make, name.clone()))?;
    let report = made(app, caller, &name, progress).await;
    drop(turn);
    Ok((kept::folder(app).join(name), report?))
}

async fn made(
    app: &App,
    caller: &Caller,
    name: &str,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    let path = kept::folder(app).join(name);
    let report = super::backup(app, caller, &path, progress).await?;
    let event = kept::event(ChangeKind::Create, name, report.bytes);
    if let Err(problem) = note(app, caller, event).await {
        // Nobody would know of it.
        let _ = std::fs::remove_file(&path);
        return Err(problem);
    }
    Ok(report)
}

/// Begins to check a backup; the answer stands in the list.
pub async fn check(app: &App, caller: &Caller, name: &str) -> Result<RunBody> {
    kept::require(caller)?;
    let path = kept::path_of(app, name)?;
    let file = state_of(&path).map_err(Error::io(name.to_owned()))?;
    let run = run(caller, Task::Check, name.to_owned());
    let turn = Turn::take(app, run.clone())?;
    let (memory, found) = (app.backups.clone(), run.clone());
    go(app, turn, async move {
        let faults = keji_store::check_backup(&path, |p| memory.tell(p)).await?;
        let checked = Checked {
            at: Timestamp::now(),
            by: found.by,
            file,
            faults,
        };
        memory.state().checks.insert(found.name, checked);
        Ok(())
    });
    Ok(run)
}

fn go(app: &App, turn: Turn, work: impl Future<Output = Result<()>> + Send + 'static) {
    let thread = tokio::spawn(async move {
        let outcome = work.await;
        turn.end(outcome);
    });
    app.backups.state().thread = Some(thread.abort_handle());
}

/// What went wrong, without the names of the machine's folders.
pub(super) fn said(problem: &Error, language: Language) -> String {
    match problem {
        Error::Store(keji_store::Error::Io { source, .. })
        | Error::Io { source, .. }
        | Error::File { source, .. } => io_text(source, language),
        other => other.text(language),
    }
}

pub(super) fn translated(english: &str, language: Language) -> String {
    match language {
        Language::Zh => phrases::chinese(english).unwrap_or_else(|| english.to_owned()),
        Language::En => english.to_owned(),
    }
}

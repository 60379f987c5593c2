//! The backups that the place keeps: files in a folder beside the data, which
//! are no part of any backup. What is told of one is read from its own
//! manifest, so a file that was copied into the folder is a backup like those
//! made here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keji_store::{BackupFault, ChangeKind, Manifest};
use serde::Serialize;
use utoipa::ToSchema;

use super::work::{self, CheckBody, FailureBody, RunBody};
use crate::audit::{Event, note};
use crate::context::App;
use crate::error::{Error, Result};
use crate::messages::Language;
use crate::permission::{Admin, Caller, require_admin, require_everything};

/// Beside the data; with PostgreSQL the database's mark follows.
pub(crate) const FOLDER: &str = "backups";
const ENDING: &str = ".keji-backup";
const MAX_NAME: usize = 120;

/// What the log calls it.
pub(super) const OBJECT: &str = "backup";

#[derive(Debug, Serialize, ToSchema)]
pub struct BackupList {
    /// Newest first.
    pub backups: Vec<BackupBody>,
    /// What is being made or checked.
    pub running: Option<RunBody>,
    /// Why the newest making or check came to nothing; until the next one.
    pub failure: Option<FailureBody>,
    /// Whether the place was itself restored and nothing is sent out.
    pub is_frozen: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackupBody {
    pub name: String,
    /// By its manifest; of a file that cannot be read, when it was changed.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// The sign-in name; `owner` of the command line. Absent where nobody knows.
    pub made_by: Option<String>,
    pub bytes: u64,
    pub is_readable: bool,
    /// Why it is not.
    pub problem: Option<String>,
    /// Records of each object.
    pub records: BTreeMap<String, u64>,
    /// Contents of files, and those that were missing already when it was made.
    pub contents: u64,
    pub contents_missing: u64,
    /// Position of the change log: the last change that is in it.
    pub seq: Option<i64>,
    /// The newest seal of the log's chain then, by which the log can be proven
    /// later to be the same up to there.
    pub log_head: Option<String>,
    /// Of the product that made it.
    pub version: Option<String>,
    /// Of the newest check since the server was started.
    pub check: Option<CheckBody>,
}

/// Whether the caller may have to do with backups at all.
pub(super) fn require(caller: &Caller) -> Result<()> {
    require_admin(caller, Admin::Backups)?;
    require_everything(caller)
}

pub async fn list(app: &App, caller: &Caller, language: Language) -> Result<BackupList> {
    require(caller)?;
    // Looked at first: whoever sees nothing under way sees what came of it.
    let running = app.backups.running();
    Ok(BackupList {
        backups: lying(app, language).await?,
        running,
        failure: app.backups.failure(language),
        is_frozen: app.store.is_frozen().await?,
    })
}

/// What is kept, for the product itself; newest first.
pub(crate) async fn known(app: &App) -> Result<Vec<BackupBody>> {
    lying(app, Language::En).await
}

async fn lying(app: &App, language: Language) -> Result<Vec<BackupBody>> {
    let (folder, memory) = (folder(app), app.backups.clone());
    let found = tokio::task::spawn_blocking(move || found(&folder, &memory, language));
    found.await.map_err(|e| Error::Internal(e.to_string()))?
}

/// Its bytes, for whoever takes it out.
pub struct Taken {
    pub file: File,
    pub bytes: u64,
}

/// Opens a backup to be taken out, and notes who does.
pub async fn open(app: &App, caller: &Caller, name: &str) -> Result<Taken> {
    require(caller)?;
    let path = path_of(app, name)?;
    let fail = || Error::io(name.to_owned());
    let file = File::open(&path).map_err(fail())?;
    let bytes = file.metadata().map_err(fail())?.len();
    note(app, caller, event(ChangeKind::Export, name, bytes)).await?;
    Ok(Taken { file, bytes })
}

pub async fn delete(app: &App, caller: &Caller, name: &str) -> Result<()> {
    require(caller)?;
    let path = path_of(app, name)?;
    if app.backups.is_at(name) {
        return Err(work::busy());
    }
    let fail = || Error::io(name.to_owned());
    let bytes = path.metadata().map_err(fail())?.len();
    note(app, caller, event(ChangeKind::Delete, name, bytes)).await?;
    match std::fs::remove_file(&path) {
        Err(problem) if problem.kind() != ErrorKind::NotFound => Err(fail()(problem)),
        _ => {
            app.backups.forget(name);
            Ok(())
        }
    }
}

/// Removes what a killed process left half-made.
pub fn sweep(app: &App) {
    keji_store::sweep_backups(&folder(app));
}

pub(super) fn event(kind: ChangeKind, name: &str, bytes: u64) -> Event {
    Event::new(kind)
        .of(OBJECT, None)
        .with("name", name)
        .with("bytes", bytes)
}

pub(super) fn folder(app: &App) -> PathBuf {
    app.contents.beside(FOLDER)
}

/// A name that no backup has, by the time in UTC.
pub(super) fn new_name(folder: &Path) -> String {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut n = 1;
    loop {
        let name = match n {
            1 => format!("keji-{now}{ENDING}"),
            n => format!("keji-{now}-{n}{ENDING}"),
        };
        if !folder.join(&name).exists() {
            return name;
        }
        n += 1;
    }
}

/// The file of a backup that is there. What is no name of one is not there.
pub(super) fn path_of(app: &App, name: &str) -> Result<PathBuf> {
    let missing = || Error::not_found("backup", name);
    if !is_name(name) {
        return Err(missing());
    }
    let path = folder(app).join(name);
    match is_file(&path) {
        true => Ok(path),
        false => Err(missing()),
    }
}

/// Letters, digits, `-`, `_` and single dots, and so never a way out of the
/// folder; nor what is hidden, as all is that is only being made.
fn is_name(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.len() <= MAX_NAME
        && text.ends_with(ENDING)
        && !text.starts_with('.')
        && !text.contains("..")
        && text.bytes().all(is_plain)
}

/// A link is none: it may lead anywhere.
fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

fn found(folder: &Path, memory: &work::Memory, language: Language) -> Result<Vec<BackupBody>> {
    let fail = || Error::io(FOLDER);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(problem) if problem.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(problem) => return Err(fail()(problem)),
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_name(&name) || !is_file(&entry.path()) {
            continue;
        }
        // One that is deleted just now is none any more.
        let Ok(state) = work::state_of(&entry.path()) else {
            continue;
        };
        let mut backup = match memory.seen(&name, state) {
            Some(backup) => backup,
            None => match keji_store::read_manifest(&entry.path()) {
                Ok(manifest) => {
                    let backup = of_manifest(name, state.0, manifest);
                    memory.see(state, &backup);
                    backup
                }
                Err(problem) => unreadable(name, state, &problem.into(), language),
            },
        };
        backup.check = memory.check_of(&backup.name, state, language);
        all.push(backup);
    }
    all.sort_by(|a, b| (b.made_at, &b.name).cmp(&(a.made_at, &a.name)));
    Ok(all)
}

fn of_manifest(name: String, bytes: u64, manifest: Manifest) -> BackupBody {
    // The other tables are the program's own.
    let tables = manifest.tables.into_iter();
    let objects = tables.filter(|table| !table.name.starts_with("keji_"));
    BackupBody {
        name,
        made_at: manifest.created_at,
        made_by: manifest.created_by,
        bytes,
        is_readable: true,
        problem: None,
        records: objects.map(|table| (table.name, table.rows)).collect(),
        contents: manifest.contents.len() as u64,
        contents_missing: manifest.contents_missing,
        seq: Some(manifest.seq),
        log_head: manifest.log_head,
        version: Some(manifest.product),
        check: None,
    }
}

fn unreadable(
    name: String,
    (bytes, changed): work::FileState,
    problem: &Error,
    language: Language,
) -> BackupBody {
    BackupBody {
        made_at: Timestamp::try_from(changed).unwrap_or(Timestamp::UNIX_EPOCH),
        name,
        made_by: None,
        bytes,
        is_readable: false,
        problem: Some(work::said(problem, language)),
        records: BTreeMap::new(),
        contents: 0,
        contents_missing: 0,
        seq: None,
        log_head: None,
        version: None,
        check: None,
    }
}

/// What is wrong and where, for a person.
pub(super) fn fault(fault: &BackupFault, language: Language) -> String {
    use Language::{En, Zh};
    match (fault, language) {
        (BackupFault::File(said), _) => work::translated(said, language),
        (BackupFault::Database(said), Zh) => format!("里面的数据库读不了：{said}"),
        (BackupFault::Database(said), En) => format!("the database in it cannot be read: {said}"),
        (
            BackupFault::Table {
                name,
                expected,
                found,
            },
            language,
        ) => match (found, language) {
            (Some(n), Zh) if n == expected => format!("表 `{name}` 的 {n} 行里有值被改动过"),
            (Some(n), En) if n == expected => {
                format!("values in the {n} rows of table `{name}` were changed")
            }
            (Some(n), Zh) => format!("表 `{name}` 应有 {expected} 行，实际 {n} 行"),
            (Some(n), En) => format!("table `{name}` should have {expected} rows, but has {n}"),
            (None, Zh) => format!("表 `{name}`（应有 {expected} 行）没有或读不到底"),
            (None, En) => format!(
                "table `{name}`, which should have {expected} rows, is missing or cannot be read to its end"
            ),
        },
        (BackupFault::Content(checksum), Zh) => format!("附件内容 {checksum} 已损坏"),
        (BackupFault::Content(checksum), En) => format!("the content {checksum} is damaged"),
        (BackupFault::Bytes, Zh) => "文件里有字节被改动过，但各表和附件都完好".to_owned(),
        (BackupFault::Bytes, En) => {
            "bytes of the file were changed, though every table and content is whole".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_no_path() {
        assert!(is_name("keji-20251122T080910Z.keji-backup"));
        assert!(is_name("before_the_move-2.keji-backup"));
        for wrong in [
            "",
            ".keji-backup",
            "..keji-backup",
            "a..keji-backup",
            "../a.keji-backup",
            "a/b.keji-backup",
            "a\\b.keji-backup",
            "/etc/passwd",
            "keji.sqlite",
            "a.keji-backup/",
            "a%2fb.keji-backup",
            "备份.keji-backup",
            "a\0.keji-backup",
        ] {
            assert!(!is_name(wrong), "{wrong}");
        }
        assert!(!is_name(&format!("{}.keji-backup", "a".repeat(200))));
    }
}

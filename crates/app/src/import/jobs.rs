//! Imports as people see them: a job each, from the page or the command line,
//! with its file, progress, result and undo.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use keji_store::{BatchId, BatchState, Job, JobId, JobState, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use utoipa::ToSchema;

use super::driver::{self, ImportOutcome, Progress, Summary, Wanted};
use super::field::Vocabulary;
use super::mapping::signature;
use super::preview::{self, Preview};
use super::scored::{Source, scored};
use super::{Mapping, plain, reading};
use crate::context::App;
use crate::error::{Error, ProblemText, Result};
use crate::export::{self, Format, Temporary};
use crate::jobs::{Beat, LEASE};
use crate::messages::Language;
use crate::permission::{self, Action, Admin, Caller, require_admin};

/// The kind of job that the server works on.
pub const KIND: &str = "import";

const NEEDS_MAPPING: &str = "needs_mapping";

/// What an import does to what is known already. In every mode the same file
/// again changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// New rows are added and empty fields filled; nothing known is changed.
    #[default]
    Add,
    /// An order that the file names becomes what the file says, and customers
    /// get the values that it gives. What it does not name stays.
    Update,
    /// Like `update`, and orders that earlier files of the same source brought
    /// and this one does not have are deleted.
    Replace,
}

impl From<Mode> for keji_store::ImportMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Add => Self::Add,
            Mode::Update => Self::Update,
            Mode::Replace => Self::Replace,
        }
    }
}

/// How a file is imported.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// Read and check everything, keep nothing.
    pub dry_run: bool,
    /// Show the proposed mapping first, however sure it is.
    pub review: bool,
    pub mode: Mode,
    /// Where the file comes from; `replace` needs one.
    pub source: Option<String>,
    /// The object whose plain records the file has; absent: orders.
    pub object: Option<String>,
    pub mapping: Option<Mapping>,
    /// Of the rejects file.
    pub language: Language,
}

/// A mapping under the name of the source whose files it fits.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedMappingBody {
    pub name: String,
    pub mapping: Mapping,
    #[schema(value_type = String, format = DateTime)]
    pub used_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SavedMappingList {
    pub resources: Vec<SavedMappingBody>,
}

/// One import.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportBody {
    pub id: i64,
    pub filename: String,
    pub mode: Mode,
    /// Where the file comes from, as given.
    pub source: Option<String>,
    /// The object whose plain records the file has; absent: orders.
    pub object: Option<String>,
    /// `queued`, `needs_mapping`, `mapped`, `running`, `cancelled`, `failed`, `done` or `undone`.
    pub state: String,
    /// The import that went on with the mapping, of one that is `mapped`.
    pub next: Option<i64>,
    pub stage: Option<String>,
    pub dry_run: bool,
    pub progress: Option<Progress>,
    /// The proposal, while it needs somebody.
    pub mapping: Option<Mapping>,
    pub summary: Option<Summary>,
    /// What went wrong, in both languages.
    #[schema(value_type = Option<Object>)]
    pub error: Option<serde_json::Value>,
    pub batch: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportList {
    pub resources: Vec<ImportBody>,
}

/// What a job says of its file. Where the file lies is not in it: jobs are in
/// backups, and the paths of this machine are nobody else's ([`Source`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Args {
    /// Below `uploads`.
    #[serde(default)]
    folder: String,
    filename: String,
    /// The import that waited for the mapping.
    #[serde(default)]
    follows: Option<i64>,
    dry_run: bool,
    #[serde(default)]
    review: bool,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    object: Option<String>,
    mapping: Option<Mapping>,
    #[serde(default)]
    english: bool,
    /// Who sent it, and as whom its records are written; absent: the system.
    #[serde(default)]
    user: Option<i64>,
}

/// Where a job's file is, and where its rejected rows go.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Files {
    path: PathBuf,
    rejects: PathBuf,
}

/// In a job's folder: the [`Files`] of an import from the command line, whose
/// file stays where it is.
const ELSEWHERE: &str = "elsewhere.json";
const RECEIVED: &str = "file";
const REJECTS: &str = "rejects.csv";

impl Files {
    /// Received files lie in the job's folder.
    fn of(app: &App, given: &Args) -> Files {
        let folder = folder_of(app, &given.folder);
        std::fs::read(folder.join(ELSEWHERE))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_else(|| Files {
                path: folder.join(RECEIVED),
                rejects: folder.join(REJECTS),
            })
    }
}

fn folder_of(app: &App, name: &str) -> PathBuf {
    app.folder().join("uploads").join(name)
}

/// What a job that ended leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Of a dry run: the rejected rows are its result, the file is not.
    Rejects,
    Nothing,
}

/// Removes what nobody can ask for any more. What cannot be removed now is
/// swept later.
fn forget(app: &App, given: &Args, left: Left) {
    // A name, never a way out of the folder.
    if given.folder.is_empty() || given.folder.contains(['/', '\\', '.']) {
        return;
    }
    let folder = folder_of(app, &given.folder);
    match left {
        Left::Nothing => drop(std::fs::remove_dir_all(folder)),
        Left::Rejects => {
            // Where they were written elsewhere, nothing is left to be found.
            for name in [RECEIVED, ELSEWHERE] {
                let _ = std::fs::remove_file(folder.join(name));
            }
            // It stays only where it holds rejects.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl Args {
    fn new(app: &App, caller: &Caller, folder: String, filename: String, how: How) -> Result<Args> {
        // Before there is a job: it would say no more than this.
        match &how.object {
            Some(object) => drop(plain::object(&app.catalog, caller, object, how.mode)?),
            None => require_admin(caller, Admin::Imports)?,
        }
        let source = how
            .source
            .map(|s| s.trim().to_owned())
            .filter(|s| !s.is_empty());
        if how.mode == Mode::Replace && source.is_none() {
            return Err(Error::State {
                code: "replace_needs_source",
                zh: "“替换”需要说明文件的来源：只有同一来源以前带来的订单会被替换".to_owned(),
                en: "`replace` needs a source: only orders that the same source brought before are replaced".to_owned(),
            });
        }
        Ok(Args {
            folder,
            filename,
            follows: None,
            dry_run: how.dry_run,
            review: how.review,
            mode: how.mode,
            source,
            object: how.object,
            mapping: how.mapping,
            english: how.language == Language::En,
            user: caller.user(),
        })
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Outcome {
    #[serde(default)]
    mapping: Option<Mapping>,
    #[serde(default)]
    summary: Option<Summary>,
    #[serde(default)]
    batch: Option<i64>,
}

/// A file that is being received; it goes where it is not submitted.
pub struct Upload {
    file: File,
    folder: PathBuf,
    filename: String,
    is_submitted: bool,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_submitted {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Upload {
    /// `filename` names the file for people; its ending decides nothing but
    /// where no content tells.
    pub async fn create(app: &App, filename: &str) -> Result<Upload> {
        let filename = filename
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        if filename.is_empty() {
            return Err(Error::Argument {
                name: "filename",
                zh: "没有填写".to_owned(),
                en: "is empty".to_owned(),
            });
        }
        let folder = folder_of(app, &unique());
        tokio::fs::create_dir_all(&folder)
            .await
            .map_err(Error::io(folder.display().to_string()))?;
        let path = folder.join(RECEIVED);
        let file = File::create(&path)
            .await
            .map_err(Error::io(path.display().to_string()))?;
        Ok(Upload {
            file,
            folder,
            filename,
            is_submitted: false,
        })
    }

    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }
}

/// Never twice, also in another process.
fn unique() -> String {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = Timestamp::now().as_nanosecond();
    format!(
        "{now:x}-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// How long a received file can be asked for again.
const KEEP_DAYS: u64 = 30;

/// Removes received files, and exports that were broken off, that nobody will
/// ask for any more.
pub fn sweep(app: &App) -> Result<()> {
    for (name, days) in [("uploads", KEEP_DAYS), ("temporary", 1)] {
        let folder = app.folder().join(name);
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let kept = std::time::Duration::from_secs(days * 24 * 3600);
        for entry in entries.flatten() {
            let changed = entry.metadata().and_then(|m| m.modified());
            let age = changed.ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > kept) {
                let path = entry.path();
                let removed = if path.is_dir() {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                removed.map_err(Error::io(path.display().to_string()))?;
            }
        }
    }
    Ok(())
}

/// Whether an import writes, or is about to.
pub(crate) async fn is_at_work(app: &App) -> Result<bool> {
    let mut states = jobs(app).await?.into_iter().map(|job| job.state);
    Ok(states.any(|state| matches!(state, JobState::Queued | JobState::Running)))
}

/// Removes the received files of these batches, and all that hold a word of an
/// erased person. Files that the command line read stay where they are: they
/// are its caller's. Returns of how many imports.
pub(crate) async fn forget_person(
    app: &App,
    words: Vec<String>,
    batches: &BTreeSet<i64>,
) -> Result<u64> {
    let mut folders = BTreeSet::new();
    for job in jobs(app).await? {
        let outcome: Outcome = serde_json::from_value(job.result.clone()).unwrap_or_default();
        if outcome.batch.is_some_and(|batch| batches.contains(&batch)) {
            folders.insert(args(&job)?.folder);
        }
    }
    folders.remove("");
    let app = app.clone();
    let work = move || super::forget::forget_words(&app, &words, &folders);
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::Internal(e.to_string()))?
}

/// Queues the import of a file that was received whole.
pub async fn submit(
    app: &App,
    caller: &Caller,
    mut upload: Upload,
    how: How,
) -> Result<ImportBody> {
    upload.file.flush().await.map_err(Error::io("upload"))?;
    upload.file.sync_all().await.map_err(Error::io("upload"))?;
    let folder = upload.folder.file_name().unwrap_or_default();
    let folder = folder.to_string_lossy().into_owned();
    let args = Args::new(app, caller, folder, upload.filename.clone(), how)?;
    let import = enqueue(app, KIND, &args).await?;
    upload.is_submitted = true;
    Ok(import)
}

async fn enqueue(app: &App, kind: &str, args: &Args) -> Result<ImportBody> {
    let args = serde_json::to_value(args).map_err(|e| Error::Internal(e.to_string()))?;
    // A second attempt would read the same bytes and fail the same way; a
    // server that was killed on the way is the exception.
    let id = app
        .store
        .enqueue(NewJob {
            max_attempts: 3,
            ..NewJob::new(kind, args)
        })
        .await?;
    body(app, find(app, id.0).await?).await
}

async fn find(app: &App, id: i64) -> Result<Job> {
    app.store
        .job(JobId(id))
        .await?
        .filter(|job| job.kind == KIND || job.kind.starts_with("import@"))
        .ok_or_else(|| Error::not_found("import", id))
}

/// An import that the caller sent, or any for who looks after imports.
async fn found(app: &App, caller: &Caller, id: i64) -> Result<Job> {
    let is_all = require_admin(caller, Admin::Imports);
    match (find(app, id).await, is_all) {
        (Ok(job), Err(_)) if is_own(caller, &job) => Ok(job),
        (_, Err(refused)) => Err(refused),
        (found, Ok(())) => found,
    }
}

fn is_own(caller: &Caller, job: &Job) -> bool {
    let user = args(job).ok().and_then(|given| given.user);
    user.is_some() && user == caller.user()
}

fn args(job: &Job) -> Result<Args> {
    serde_json::from_value(job.args.clone())
        .map_err(|e| Error::Internal(format!("import {}: {e}", job.id.0)))
}

pub async fn get(app: &App, caller: &Caller, id: i64) -> Result<ImportBody> {
    let mut import = body(app, found(app, caller, id).await?).await?;
    if import.state == NEEDS_MAPPING
        && let Some(next) = successor(app, id).await?
    {
        import.state = "mapped".to_owned();
        import.next = Some(next);
    }
    Ok(import)
}

/// Without those that went on as another import, which is in the list itself.
pub async fn list(app: &App, caller: &Caller) -> Result<ImportList> {
    let mut jobs = jobs(app).await?;
    // The own ones are everybody's to see whose role imports anything.
    if let Err(refused) = require_admin(caller, Admin::Imports) {
        if !permission::may_any(caller, Action::Import) {
            return Err(refused);
        }
        jobs.retain(|job| is_own(caller, job));
    }
    let followed: BTreeSet<i64> = jobs.iter().filter_map(followed_by).collect();
    let mut resources = Vec::new();
    for job in jobs {
        let is_followed = followed.contains(&job.id.0);
        let import = body(app, job).await?;
        if !(is_followed && import.state == NEEDS_MAPPING) {
            resources.push(import);
        }
    }
    Ok(ImportList { resources })
}

async fn jobs(app: &App) -> Result<Vec<Job>> {
    let mut jobs = app.store.jobs(None, 200).await?;
    jobs.retain(|job| job.kind == KIND || job.kind.starts_with("import@"));
    Ok(jobs)
}

/// The import that this one goes on with. One that failed leaves the earlier
/// one waiting: its mapping can be mended there.
fn followed_by(job: &Job) -> Option<i64> {
    match job.state {
        JobState::Queued | JobState::Running | JobState::Done => args(job).ok()?.follows,
        JobState::Failed | JobState::Cancelled => None,
    }
}

async fn successor(app: &App, id: i64) -> Result<Option<i64>> {
    let jobs = jobs(app).await?;
    let next = jobs.iter().find(|job| followed_by(job) == Some(id));
    Ok(next.map(|job| job.id.0))
}

async fn body(app: &App, job: Job) -> Result<ImportBody> {
    let given = args(&job)?;
    let outcome: Outcome = serde_json::from_value(job.result.clone()).unwrap_or_default();
    let progress: Option<Progress> = serde_json::from_value(job.progress.clone()).ok();
    let is_undone = match outcome.batch {
        Some(batch) => app
            .store
            .batch(BatchId(batch))
            .await?
            .is_some_and(|b| b.state == BatchState::Undone),
        None => false,
    };
    let state = match job.state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done if outcome.mapping.is_some() => NEEDS_MAPPING,
        JobState::Done if is_undone => "undone",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    };
    Ok(ImportBody {
        id: job.id.0,
        filename: given.filename,
        mode: given.mode,
        source: given.source,
        object: given.object,
        state: state.to_owned(),
        next: None,
        stage: progress.as_ref().map(|p| p.stage.clone()),
        dry_run: given.dry_run,
        progress,
        mapping: outcome.mapping,
        summary: outcome.summary,
        error: job.error.as_deref().map(|text| {
            serde_json::from_str(text).unwrap_or_else(|_| json!({ "zh": text, "en": text }))
        }),
        batch: outcome.batch,
        created_at: job.created_at,
        finished_at: job.finished_at,
    })
}

/// Goes on with a mapping that somebody has looked at, as a new import of the
/// same file; the answer is that new import. `save_as` keeps the mapping for
/// files with the same headings.
pub async fn map(
    app: &App,
    caller: &Caller,
    id: i64,
    mapping: Mapping,
    save_as: Option<&str>,
) -> Result<ImportBody> {
    let job = found(app, caller, id).await?;
    let outcome: Outcome = serde_json::from_value(job.result.clone()).unwrap_or_default();
    if outcome.mapping.is_none() || successor(app, id).await?.is_some() {
        return Err(Error::State {
            code: "not_waiting",
            zh: format!("导入 {id} 没有在等待确认列"),
            en: format!("import {id} is not waiting for a mapping"),
        });
    }
    let mut given = args(&job)?;
    if let Some(name) = save_as.map(str::trim).filter(|name| !name.is_empty()) {
        let headings: Vec<String> = mapping.columns.iter().map(|c| c.heading.clone()).collect();
        // Where the headings stand differs from file to file.
        let kept = Mapping {
            header_row: 0,
            notes: Vec::new(),
            ..mapping.clone()
        };
        let text = serde_json::to_string(&kept).map_err(|e| Error::Internal(e.to_string()))?;
        app.store
            .save_mapping(name, &signature(&headings), &text)
            .await?;
        given.source.get_or_insert_with(|| name.to_owned());
    }
    given.mapping = Some(mapping);
    given.review = false;
    given.follows = Some(id);
    enqueue(app, KIND, &given).await
}

/// The first rows of an import's file as they are and as they would be read:
/// by the mapping, or by the proposal.
pub async fn preview_of(
    app: &App,
    caller: &Caller,
    id: i64,
    mapping: Option<Mapping>,
    rows: usize,
) -> Result<Preview> {
    let job = found(app, caller, id).await?;
    let given = args(&job)?;
    let path = Files::of(app, &given).path;
    let mapping = mapping.or(given.mapping);
    let catalog = app.catalog.clone();
    let parser = app.workbook_parser.clone();
    let (app, caller) = (app.clone(), caller.clone());
    let work = move || -> Result<Preview> {
        if let Some(object) = &given.object {
            let def = catalog.object(object)?;
            let (name, mapping) = (&given.filename, mapping.as_ref());
            return plain::import::preview(&app, &caller, def, &path, name, mapping, rows);
        }
        let cancel = Arc::new(AtomicBool::new(false));
        let input = reading::open(&path, &given.filename, &parser, &cancel)?;
        let vocabulary = Vocabulary::new(&catalog.objects);
        let made = preview::preview(
            input,
            &vocabulary,
            &catalog.calendar,
            mapping.as_ref(),
            rows,
        );
        cancel.store(true, Ordering::Relaxed);
        Ok(made?)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::Internal(e.to_string()))?
}

/// The saved mappings, the one used last first.
pub async fn mappings(app: &App, caller: &Caller) -> Result<SavedMappingList> {
    let mut resources = Vec::new();
    if let Err(refused) = require_admin(caller, Admin::Imports) {
        return match permission::may_any(caller, Action::Import) {
            true => Ok(SavedMappingList { resources }),
            false => Err(refused),
        };
    }
    for saved in app.store.mappings().await? {
        resources.push(SavedMappingBody {
            mapping: reading::read_saved(&saved)?,
            name: saved.name,
            used_at: saved.used_at,
        });
    }
    Ok(SavedMappingList { resources })
}

pub async fn delete_mapping(app: &App, caller: &Caller, name: &str) -> Result<()> {
    require_admin(caller, Admin::Imports)?;
    if app.store.mapping(name).await?.is_none() {
        return Err(Error::not_found("mapping", name));
    }
    Ok(app.store.delete_mapping(name).await?)
}

pub async fn cancel(app: &App, caller: &Caller, id: i64) -> Result<ImportBody> {
    let job = found(app, caller, id).await?;
    let given = args(&job)?;
    let state = app.store.cancel_job(JobId(id)).await?;
    // One that nobody works on ends here.
    if state == JobState::Cancelled && !is_shared(app, &given).await {
        forget(app, &given, Left::Nothing);
    }
    get(app, caller, id).await
}

/// Takes the batch of a finished import back.
pub async fn undo_import(app: &App, caller: &Caller, id: i64) -> Result<ImportBody> {
    let import = get(app, caller, id).await?;
    let Some(batch) = import.batch.filter(|_| import.state == "done") else {
        return Err(Error::State {
            code: "nothing_to_undo",
            zh: format!("导入 {id} 没有可撤销的批次"),
            en: format!("import {id} has no batch to take back"),
        });
    };
    undo(app, caller, batch).await?;
    get(app, caller, id).await
}

/// Takes a batch back and evaluates again what is left.
pub async fn undo(app: &App, caller: &Caller, batch: i64) -> Result<keji_store::UndoSummary> {
    let undone = app
        .store
        .import_undo(BatchId(batch), &caller.actor, caller.channel.id())
        .await;
    let summary = match undone {
        Ok(summary) => summary,
        Err(keji_store::Error::Missing { .. }) => return Err(Error::not_found("batch", batch)),
        Err(keji_store::Error::Batch { state, .. }) => {
            return Err(Error::State {
                code: "nothing_to_undo",
                zh: format!("批次 {batch} 的状态是 {state}，不能撤销"),
                en: format!("batch {batch} is {state} and cannot be taken back"),
            });
        }
        Err(other) => return Err(other.into()),
    };
    app.copy.refresh().await?;
    if app.store.counts().await?.last_ordered_on.is_some() {
        // Of all customers, whosever records were taken back.
        crate::evaluation::run(app, &Caller::job(), None, &|_| {}).await?;
    }
    Ok(summary)
}

/// The imported file back, with the scores of each row's customer.
pub async fn scored_file(
    app: &App,
    caller: &Caller,
    id: i64,
    format: Format,
    language: Language,
) -> Result<(Temporary, String)> {
    require_admin(caller, Admin::Imports)?;
    let given = args(&find(app, id).await?)?;
    if given.object.is_some() {
        return Err(Error::State {
            code: "no_orders",
            zh: format!("导入 {id} 不是订单文件，没有可附加的评分"),
            en: format!("import {id} is no file of orders, so there are no scores to add"),
        });
    }
    let path = Files::of(app, &given).path;
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return Err(Error::not_found("file", given.filename));
    }
    let source = Source {
        path,
        filename: given.filename.clone(),
        mapping: given.mapping,
    };
    let file = export::temporary(app)?;
    let out = file.path().to_owned();
    scored(app, caller, source, format, out, language).await?;
    Ok((file, given.filename))
}

/// The file of rejected rows.
pub async fn rejects(app: &App, caller: &Caller, id: i64) -> Result<PathBuf> {
    let given = args(&found(app, caller, id).await?)?;
    let rejects = Files::of(app, &given).rejects;
    if tokio::fs::try_exists(&rejects).await.unwrap_or(false) {
        Ok(rejects)
    } else {
        Err(Error::not_found("rejects", id))
    }
}

/// An import from the command line.
#[derive(Debug)]
pub struct ImportRequest {
    pub path: PathBuf,
    pub how: How,
    pub rejects: Option<PathBuf>,
}

/// Imports in this process, visible to others as a job.
pub async fn run(
    app: &App,
    caller: &Caller,
    request: ImportRequest,
    progress: driver::OnProgress<'_>,
    cancel: Arc<AtomicBool>,
) -> Result<ImportOutcome> {
    let named = || Error::named(request.path.display().to_string());
    let path = std::path::absolute(&request.path).map_err(named())?;
    // Before there is a job: it would say no more than this.
    if std::fs::metadata(&path).map_err(named())?.is_dir() {
        return Err(named()(ErrorKind::IsADirectory.into()));
    }
    let filename = path
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let name = unique();
    let mut given = Args::new(app, caller, name.clone(), filename, request.how)?;
    if given.mapping.is_some() {
        given.follows = waiting_for(app, &path).await?;
    }
    let folder = folder_of(app, &name);
    let io = || Error::io(folder.display().to_string());
    std::fs::create_dir_all(&folder).map_err(io())?;
    let rejects = request.rejects.unwrap_or_else(|| folder.join(REJECTS));
    let rejects = std::path::absolute(&rejects).map_err(io())?;
    let text =
        serde_json::to_vec(&Files { path, rejects }).map_err(|e| Error::Internal(e.to_string()))?;
    std::fs::write(folder.join(ELSEWHERE), text).map_err(io())?;
    // A kind of its own, so that no server takes it over.
    let kind = format!("import@{}", unique());
    enqueue(app, &kind, &given).await?;
    let job = app
        .store
        .lease_job(&[kind.as_str()], LEASE)
        .await?
        .ok_or_else(|| Error::Internal("the import's own job is gone".to_owned()))?;
    work(app, caller, job, progress, cancel).await
}

/// The import of this file that printed a mapping, to be mended.
async fn waiting_for(app: &App, path: &Path) -> Result<Option<i64>> {
    let waits = |job: &&Job| {
        let outcome = serde_json::from_value::<Outcome>(job.result.clone());
        job.state == JobState::Done
            && outcome.is_ok_and(|outcome| outcome.mapping.is_some())
            && args(job).is_ok_and(|given| Files::of(app, &given).path == path)
    };
    Ok(jobs(app).await?.iter().find(waits).map(|job| job.id.0))
}

/// Whether an earlier import waits for a better mapping of the very same
/// received file.
async fn is_shared(app: &App, given: &Args) -> bool {
    let Some(id) = given.follows else {
        return false;
    };
    let earlier = find(app, id).await.and_then(|job| args(&job));
    earlier.is_ok_and(|earlier| earlier.folder == given.folder)
}

/// Works on a leased import and ends its job.
pub async fn work(
    app: &App,
    caller: &Caller,
    job: Job,
    progress: driver::OnProgress<'_>,
    cancel: Arc<AtomicBool>,
) -> Result<ImportOutcome> {
    let given = args(&job)?;
    let files = Files::of(app, &given);
    let beat = Beat::start(app, job.lease(), cancel.clone());
    // As who sent it, with the rights of now.
    let sender = match given.user {
        Some(user) => crate::identity::caller_of_user(app, user).await?,
        None => Some(caller.clone()),
    };
    let wanted = Wanted {
        path: &files.path,
        filename: &given.filename,
        mapping: given.mapping.clone(),
        dry_run: given.dry_run,
        review: given.review,
        mode: given.mode,
        source: given.source.as_deref(),
        object: given.object.as_deref(),
        rejects: Some(&files.rejects),
        language: if given.english {
            Language::En
        } else {
            Language::Zh
        },
    };
    let report = |p: Progress| {
        beat.set(&p);
        progress(p);
    };
    let result = match &sender {
        Some(caller) => driver::import(app, caller, wanted, &report, cancel).await,
        None => Err(Error::Forbidden {
            zh: "发送这个文件的人已经停用".to_owned(),
            en: "who sent this file is no longer active".to_owned(),
        }),
    };
    beat.stop().await;
    match &result {
        Ok(ImportOutcome::NeedsMapping(mapping)) => {
            let outcome = Outcome {
                mapping: Some((**mapping).clone()),
                ..Outcome::default()
            };
            app.store.finish_job(&job.lease(), json!(outcome)).await?;
        }
        Ok(ImportOutcome::Done { batch, summary }) => {
            let outcome = Outcome {
                mapping: None,
                summary: Some((**summary).clone()),
                batch: *batch,
            };
            app.store.finish_job(&job.lease(), json!(outcome)).await?;
            if given.dry_run {
                forget(app, &given, Left::Rejects);
            }
        }
        Err(problem) => {
            let state = crate::jobs::fail(app, &job, problem).await?;
            if state != JobState::Queued && !is_shared(app, &given).await {
                forget(app, &given, Left::Nothing);
            }
        }
    }
    result
}

/// An error as it is kept with a job: both languages and the place.
pub(crate) fn kept(problem: &Error) -> String {
    let zh: ProblemText = problem.problem(Language::Zh);
    let en = problem.problem(Language::En);
    json!({ "code": zh.code, "zh": zh.detail, "en": en.detail, "at": zh.at }).to_string()
}

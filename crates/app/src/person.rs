//! All that there is of one person: taken out as one file, and erased.
//!
//! A person is a contact, or a customer who is one. What belongs to it follows
//! from the links of the catalog: of a customer everything that hangs on it, of
//! a contact what names it.

mod archive;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keji_schema::Value;
use keji_store::{Access, ChangeKind, Erased, Erasure, ErasureLine, Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit::{Event, note};
use crate::backup::kept;
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::export::Temporary;
use crate::permission::{Action, Admin, Caller, access_for, require, require_admin};
use crate::records::reason;

/// The register of erasures in the data folder, for a backup of the days
/// before.
pub const REGISTER: &str = "erasures.jsonl";

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// `contact` or `customer`.
    pub object: String,
    pub record: i64,
    /// In at least a few words; without the person's name.
    pub reason: String,
}

/// An erasure that waits for an administrator.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureBody {
    pub id: i64,
    pub object: String,
    pub record: i64,
    /// What has to be typed to confirm.
    pub title: String,
    pub reason: String,
    pub asked_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// Records that will lose something, or may.
    pub n_records: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureDone {
    pub pseudonym: String,
    pub object: String,
    pub record: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Kept backups from before, in which the person still is; by name.
    pub backups: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureList {
    pub waiting: Vec<ErasureBody>,
    /// Newest first.
    pub done: Vec<ErasureDone>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The title of the record, typed.
    pub title: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureReport {
    pub pseudonym: String,
    /// Records that lost something.
    pub n_records: u64,
    /// Entries of the log that lost what they held.
    pub n_entries: u64,
    /// Imports whose received files went.
    pub n_files: u64,
    /// Kept backups from before, in which the person still is; by name.
    pub backups: Vec<String>,
}

/// Everything of the person as a ZIP at `path`; the number of records.
pub async fn export(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    path: &Path,
) -> Result<usize> {
    require_admin(caller, Admin::Privacy)?;
    let subject = subject(app, caller, object, id, Action::Export).await?;
    let records = app.store.person(object, id, is_deep(&subject)).await?;
    let n = records.len();
    let partial = Temporary::at(crate::export::partial(path));
    archive::write(app, &subject, records, partial.path()).await?;
    let event = Event::new(ChangeKind::Export)
        .of(object, Some(id))
        .with("what", "person")
        .with("format", "zip")
        .with("rows", n);
    note(app, caller, event).await?;
    let named = std::fs::rename(partial.path(), path);
    named.map_err(Error::io(path.display().to_string()))?;
    Ok(n)
}

/// Asks for an erasure; an administrator has to confirm it.
pub async fn ask(app: &App, caller: &Caller, wanted: &NewErasure) -> Result<i64> {
    let object = wanted.object.as_str();
    subject(app, caller, object, wanted.record, Action::Delete).await?;
    let reason = reason(&wanted.reason)?;
    let asked = (app.store).ask_erasure(object, wanted.record, reason, &caller.actor);
    Ok(asked.await?)
}

pub async fn list(app: &App, caller: &Caller) -> Result<ErasureList> {
    require_admin(caller, Admin::Privacy)?;
    let mut waiting = Vec::new();
    for request in app.store.erasure_requests().await? {
        let all = Access::all();
        let Some(record) = (app.store.get(&request.object, request.record, &all)).await? else {
            continue;
        };
        let records = (app.store).person(&request.object, request.record, is_deep(&record));
        waiting.push(ErasureBody {
            id: request.id,
            title: title(app, &record)?,
            object: request.object.clone(),
            record: request.record,
            reason: request.reason,
            asked_by: request.asked_by,
            asked_at: request.asked_at,
            n_records: records.await?.len(),
        });
    }
    let kept = kept::known(app).await?;
    let done = app.store.erasures().await?.into_iter().rev();
    let done = done.map(|line| ErasureDone {
        pseudonym: line.pseudonym,
        object: line.object,
        record: line.record,
        at: line.at,
        backups: (kept.iter().filter(|backup| backup.made_at < line.at))
            .map(|backup| backup.name.clone())
            .collect(),
    });
    Ok(ErasureList {
        waiting,
        done: done.collect(),
    })
}

/// Takes a request back.
pub async fn withdraw(app: &App, caller: &Caller, id: i64) -> Result<()> {
    let request = request(app, id).await?;
    if request.asked_by != caller.actor {
        require_admin(caller, Admin::Privacy)?;
    }
    app.store.drop_erasure_request(id).await?;
    Ok(())
}

/// Erases. Whoever asked does not confirm, unless nobody else could.
pub async fn confirm(
    app: &App,
    caller: &Caller,
    id: i64,
    typed: &Confirmation,
) -> Result<ErasureReport> {
    require_admin(caller, Admin::Privacy)?;
    let request = request(app, id).await?;
    if request.asked_by == caller.actor
        && crate::identity::has_other_admin(app, Admin::Privacy, &caller.actor).await?
    {
        return Err(Error::State {
            code: "second_person",
            zh: "要由另一位管理员确认：申请人自己不能确认".to_owned(),
            en: "another administrator has to confirm it: whoever asked may not".to_owned(),
        });
    }
    let (object, record) = (request.object.as_str(), request.record);
    let subject = subject(app, caller, object, record, Action::Delete).await?;
    let wanted = title(app, &subject)?;
    if typed.title.trim() != wanted {
        let zh = format!("要输入「{wanted}」来确认");
        let en = format!("type `{wanted}` to confirm");
        return Err(FieldFault::new("title", "value", zh, en).into());
    }
    erase(app, caller, &subject, &request.reason, None).await
}

/// Of the command line, which is whoever has the folder: asked and confirmed at
/// once.
pub async fn erase_now(
    app: &App,
    caller: &Caller,
    wanted: &NewErasure,
    typed: &str,
) -> Result<ErasureReport> {
    require_admin(caller, Admin::Privacy)?;
    let (object, record) = (wanted.object.as_str(), wanted.record);
    let subject = subject(app, caller, object, record, Action::Delete).await?;
    let reason = reason(&wanted.reason)?;
    let name = title(app, &subject)?;
    if typed.trim() != name {
        return Err(Error::Argument {
            name: "--confirm",
            zh: format!("要写「{name}」来确认"),
            en: format!("write `{name}` to confirm"),
        });
    }
    erase(app, caller, &subject, reason, None).await
}

/// Who was erased, as the register has it.
#[derive(Debug)]
pub struct Register(Vec<ErasureLine>);

/// The register of the place to whose kept backups a file belongs, where it is
/// one of these: they lie in a folder of the data folder.
pub fn register_beside(backup: &Path) -> Option<PathBuf> {
    let backup = backup.canonicalize().ok()?;
    let folder = backup.parent()?;
    let name = folder.file_name()?.to_str()?;
    let is_kept = name == kept::FOLDER || name.starts_with(&format!("{}-", kept::FOLDER));
    let register = folder.parent()?.join(REGISTER);
    (is_kept && register.is_file()).then_some(register)
}

pub fn read_register(file: &Path) -> Result<Register> {
    let text = std::fs::read_to_string(file).map_err(Error::named(file.display().to_string()))?;
    let wrong = |line: usize| Error::Argument {
        name: "--erasures",
        zh: format!("{} 第 {line} 行不是清除登记", file.display()),
        en: format!(
            "{}: line {line} is none of a register of erasures",
            file.display()
        ),
    };
    let mut lines: Vec<ErasureLine> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        lines.push(serde_json::from_str(line).map_err(|_| wrong(i + 1))?);
    }
    Ok(Register(lines))
}

/// Erases in a restored place everybody of the register who is in it. Lines of
/// the place itself count as done. How many were erased.
pub async fn apply_register(app: &App, caller: &Caller, register: &Register) -> Result<usize> {
    let known: BTreeSet<String> = (app.store.erasures().await?.into_iter())
        .map(|line| line.pseudonym)
        .collect();
    let mut n = 0;
    for line in &register.0 {
        let is_object = app.catalog.objects.contains_key(&line.object);
        if known.contains(&line.pseudonym) || !is_object {
            continue;
        }
        // Another record may have come by the number since the backup.
        if app.store.origin(&line.object, line.record).await? != Some(line.origin) {
            continue;
        }
        let all = Access::all();
        let Some(subject) = app.store.get(&line.object, line.record, &all).await? else {
            continue;
        };
        let reason = "erased before, and restored";
        erase(app, caller, &subject, reason, Some(&line.pseudonym)).await?;
        n += 1;
    }
    write_register(app).await?;
    Ok(n)
}

/// The register as a file, so that it is there when the database is not.
pub async fn write_register(app: &App) -> Result<()> {
    let lines = app.store.erasures().await?;
    if lines.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for line in &lines {
        text.push_str(&serde_json::to_string(line).map_err(|e| Error::Internal(e.to_string()))?);
        text.push('\n');
    }
    let path = app.folder().join(REGISTER);
    let name = path.display().to_string();
    let partial = Temporary::at(crate::export::partial(&path));
    let write = || {
        let mut file = std::fs::File::create(partial.path())?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(partial.path(), &path)
    };
    write().map_err(Error::io(name))
}

async fn erase(
    app: &App,
    caller: &Caller,
    subject: &Record,
    reason: &str,
    pseudonym: Option<&str>,
) -> Result<ErasureReport> {
    if crate::import::is_at_work(app).await? {
        return Err(Error::State {
            code: "busy",
            zh: "有导入正在进行：请等它结束后再清除".to_owned(),
            en: "an import is at work: erase when it has ended".to_owned(),
        });
    }
    // Asked before: an erasure that is done must not fail over it.
    let backups = kept::known(app).await?;
    let pseudonym = match pseudonym {
        Some(known) => known.to_owned(),
        None => new_pseudonym()?,
    };
    let order = Erasure {
        object: subject.object.clone(),
        record: subject.id,
        pseudonym: pseudonym.clone(),
        reason: reason.to_owned(),
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        is_deep: is_deep(subject),
        among: match (subject.object.as_str(), subject.value("customer")) {
            ("contact", Value::Int(customer)) => Some(("customer".to_owned(), *customer)),
            _ => None,
        },
    };
    let erased = app.store.erase(&order).await?;
    let Erased {
        n_records,
        n_entries,
        words,
        batches,
        ..
    } = erased.ok_or_else(|| Error::not_found("record", subject.id))?;
    write_register(app).await?;
    let n_files = crate::import::forget_person(app, words, &batches).await?;
    // The records name the bytes no more; a backup at work is waited for.
    crate::records::files::sweep(app, true).await?;
    app.copy.refresh().await?;
    // Takes the person out of the search's file; what else belongs into it
    // follows.
    crate::spelling::follow_on(app).await?;
    Ok(ErasureReport {
        pseudonym,
        n_records,
        n_entries,
        n_files,
        backups: backups.into_iter().map(|backup| backup.name).collect(),
    })
}

/// 48 random bits; says nothing of whom it stands for.
fn new_pseudonym() -> Result<String> {
    let mut bytes = [0u8; 6];
    getrandom::fill(&mut bytes).map_err(|e| Error::Internal(e.to_string()))?;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!("erased-{hex}"))
}

/// The record of a person that the caller may do this with.
async fn subject(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    action: Action,
) -> Result<Record> {
    let is_known = ["contact", "customer"].contains(&object);
    if is_known {
        require(caller, object, action)?;
        let own = Access {
            predicate: access_for(caller, object, &[Action::Read, action]).predicate,
            ..Access::all()
        };
        let record = app.store.get(object, id, &own).await?;
        let record = record.ok_or_else(|| Error::not_found("record", id))?;
        if object == "contact" || *record.value("kind") == "person".into() {
            return Ok(record);
        }
    }
    Err(Error::State {
        code: "no_person",
        zh: "这条记录不是一个人：只有联系人和类别为个人的客户才是".to_owned(),
        en: "this record is no person: contacts are, and customers of the kind person".to_owned(),
    })
}

/// Whether all that hangs on it is the person's.
fn is_deep(subject: &Record) -> bool {
    subject.object == "customer"
}

fn title(app: &App, record: &Record) -> Result<String> {
    let def = app.catalog.object(&record.object)?;
    let fields = def.title.iter().chain(&def.number);
    let mut texts = fields.filter_map(|f| match record.value(f) {
        Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    });
    Ok(texts.next().unwrap_or_else(|| record.id.to_string()))
}

async fn request(app: &App, id: i64) -> Result<keji_store::ErasureRequest> {
    let all = app.store.erasure_requests().await?;
    let found = all.into_iter().find(|request| request.id == id);
    found.ok_or_else(|| Error::not_found("erasure", id))
}

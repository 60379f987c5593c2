//! The bytes of the object `file`: in, out, replaced. The record's rights are
//! theirs; its size, type and checksum are set here and by nobody else.
//!
//! Bytes are received before their record is written and stay nobody's until
//! it is (`keji_store::content`). What a file is, its first bytes say
//! (`kind`); its name is a text and no path (`name`).

pub(crate) mod kind;
pub(crate) mod name;

pub use name::disposition;

use std::fs::File;
use std::io::Read;

use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use keji_store::content::CHECKSUM;
pub(super) use keji_store::content::OBJECT;
use keji_store::{Access, ChangeKind, Incoming, Landed, Op, Written};
use serde_json::{Map, Value as Json};

use super::{
    RequestKey, Saved, change, coerce, json, links, problem, saved, writable, write_only,
    written_doc,
};
use crate::audit::{Event, note};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::permission::{Action, Caller, access, access_for, may_write, require_fields};

/// What says of the bytes what they are. Who does not see all of it does not
/// see the bytes either.
pub(crate) const OF_BYTES: [&str; 3] = ["size_bytes", "media_type", CHECKSUM];

/// Characters of a file's name.
const MAX_NAME: usize = 255;

/// Bytes are handed to the disk in portions.
const PORTION: usize = 256 << 10;

/// Links through which a file belongs to a customer, where it is not said.
const LEADS_TO_CUSTOMER: [&str; 3] = ["contract", "ticket", "contact"];

/// Where bytes are to go.
#[derive(Debug, Clone)]
pub enum Target {
    /// A new record of these values.
    New(Map<String, Json>),
    /// The record, in place of what it has; `expected` is the version that the
    /// caller has seen.
    Record { id: i64, expected: Option<i64> },
}

/// Bytes on their way in. Given up, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    target: Target,
    name: String,
    incoming: Option<Incoming>,
    /// Not on the disk yet.
    waiting: Vec<u8>,
    head: Vec<u8>,
    n_bytes: u64,
    limit_bytes: Option<u64>,
}

/// Bytes on their way out.
#[derive(Debug)]
pub struct Content {
    /// Without path, control characters and the like.
    pub name: String,
    pub media_type: &'static str,
    /// Whether a browser may show it itself: images of pixels, and PDF.
    pub is_inline: bool,
    pub bytes: u64,
    pub file: File,
}

impl Upload {
    /// Looks at everything but the bytes, so that nobody sends them in vain.
    /// `announced` is how many there will be, where that is known.
    pub async fn begin(
        app: &App,
        caller: &Caller,
        mut target: Target,
        limit_bytes: Option<u64>,
        announced: Option<u64>,
    ) -> Result<Upload> {
        require_bytes(caller)?;
        let name = match &mut target {
            Target::New(values) => {
                let def = writable(app, caller, OBJECT, Action::Create)?;
                complete(app, caller, values).await?;
                new_op(app, caller, def, values).await?;
                text(values, "name")
            }
            Target::Record { id, .. } => {
                let def = writable(app, caller, OBJECT, Action::Update)?;
                let own = Access {
                    predicate: access_for(caller, OBJECT, &[Action::Update]).predicate,
                    ..Access::all()
                };
                let record = app.store.get(OBJECT, *id, &own).await?;
                let record = record.ok_or_else(|| problem::not_found(def, *id))?;
                match record.value("name") {
                    Value::Text(name) => name.clone(),
                    _ => String::new(),
                }
            }
        };
        let upload = Upload {
            target,
            name,
            incoming: None,
            waiting: Vec::new(),
            head: Vec::new(),
            n_bytes: 0,
            limit_bytes,
        };
        upload.fits(announced.unwrap_or_default())?;
        let contents = app.contents.clone();
        let incoming = blocking(move || Ok(contents.incoming()?)).await?;
        Ok(Upload {
            incoming: Some(incoming),
            ..upload
        })
    }

    fn fits(&self, n_bytes: u64) -> Result<()> {
        match self.limit_bytes {
            Some(limit_bytes) if n_bytes > limit_bytes => Err(Error::TooLarge { limit_bytes }),
            _ => Ok(()),
        }
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.n_bytes += bytes.len() as u64;
        self.fits(self.n_bytes)?;
        let rest = kind::HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..rest.min(bytes.len())]);
        self.waiting.extend_from_slice(bytes);
        match self.waiting.len() >= PORTION {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(mut incoming) = self.incoming.take() else {
            return Err(Error::Internal("an upload went on after it failed".into()));
        };
        let written = blocking(move || {
            incoming.write(&waiting)?;
            Ok(incoming)
        });
        self.incoming = Some(written.await?);
        Ok(())
    }

    /// Writes the record. `key` is the caller's name of the request, for a new
    /// one.
    pub async fn finish(mut self, app: &App, caller: &Caller, key: Option<&str>) -> Result<Saved> {
        self.flush().await?;
        let Some(incoming) = self.incoming.take() else {
            return Err(Error::Internal("an upload without a file".into()));
        };
        let landed = blocking(move || Ok(incoming.finish()?)).await?;
        let media_type = kind::of(&self.head, &self.name).media_type;
        let checksum = landed.checksum.clone();
        let done = match &self.target {
            Target::New(values) => {
                let all = format!("{} {checksum}", Json::Object(values.clone()));
                let key = key.map(|key| RequestKey::new(key, "POST /api/files", &all));
                match key.transpose() {
                    Ok(key) => {
                        let of_bytes = of_bytes(&landed, media_type);
                        let made = create(app, caller, values, &of_bytes, key.as_ref());
                        made.await.map(|saved| (saved, None))
                    }
                    Err(problem) => Err(problem),
                }
            }
            Target::Record { id, expected } => {
                replace(app, caller, *id, *expected, of_bytes(&landed, media_type)).await
            }
        };
        // From here on the record keeps them, or nobody does; what it gave up
        // for them can only go when nothing is held.
        drop(landed);
        match done {
            Ok((saved, written)) => {
                if let Some(written) = &written {
                    give_up(app, app.catalog.object(OBJECT)?, [written]).await;
                }
                Ok(saved)
            }
            Err(problem) => {
                remove(app, &checksum).await;
                Err(problem)
            }
        }
    }
}

/// Opens the bytes for the caller; that he has them is in the log before they
/// go out, as with every file that holds records.
pub async fn open(app: &App, caller: &Caller, id: i64) -> Result<Content> {
    let def = super::known(app, caller, OBJECT, Action::Read)?;
    let own = access(caller, OBJECT);
    let record = app.store.get(OBJECT, id, &own).await?;
    let record = record.ok_or_else(|| problem::not_found(def, id))?;
    require_bytes(caller)?;
    let checksum = match record.value(CHECKSUM) {
        Value::Text(checksum) => checksum.clone(),
        _ => return Err(Error::not_found("content", id)),
    };
    let name = match record.value("name") {
        Value::Text(name) if !own.hides(OBJECT, "name") => name::clean(name, id),
        _ => name::clean("", id),
    };
    let contents = app.contents.clone();
    let opened = blocking(move || {
        let Some(mut file) = contents.open(&checksum)? else {
            return Ok(None);
        };
        let wrong = || Error::io(format!("content of file {id}"));
        let bytes = file.metadata().map_err(wrong())?.len();
        let mut head = Vec::new();
        (&mut file)
            .take(kind::HEAD as u64)
            .read_to_end(&mut head)
            .map_err(wrong())?;
        std::io::Seek::rewind(&mut file).map_err(wrong())?;
        Ok(Some((file, bytes, head)))
    });
    let (file, bytes, head) = opened
        .await?
        .ok_or_else(|| Error::not_found("content", id))?;
    // By what it is now, not by what somebody once wrote into the database.
    let kind = kind::of(&head, &name);
    let event = Event::new(ChangeKind::Export)
        .of(OBJECT, Some(id))
        .with("what", "file")
        .with("format", kind.media_type)
        .with("bytes", bytes);
    note(app, caller, event).await?;
    Ok(Content {
        name,
        media_type: kind.media_type,
        is_inline: kind.is_inline,
        bytes,
        file,
    })
}

/// Removes what no record names any more, also of processes that died; `None`
/// where that has to wait because others are at work.
pub async fn sweep(app: &App, waits: bool) -> Result<Option<u64>> {
    Ok(app.store.sweep_contents(&app.contents, waits).await?)
}

/// Removes the bytes that these writes gave up. They stand already: what cannot
/// be removed now is left to the next sweep.
pub(super) async fn give_up<'a>(
    app: &App,
    def: &ObjectDef,
    written: impl IntoIterator<Item = &'a Written>,
) {
    if def.id != OBJECT {
        return;
    }
    for written in written {
        let before = written.change.as_ref().and_then(|c| c.before.as_ref());
        if let Some(Json::String(checksum)) = before.and_then(|before| before.get(CHECKSUM)) {
            remove(app, checksum).await;
        }
    }
}

async fn remove(app: &App, checksum: &str) {
    if let Err(problem) = app.store.drop_content(&app.contents, checksum).await {
        tracing::warn!(error = ?problem, "unused bytes are left to the next sweep");
    }
}

async fn create(
    app: &App,
    caller: &Caller,
    values: &Map<String, Json>,
    of_bytes: &[(String, Value)],
    key: Option<&RequestKey>,
) -> Result<Saved> {
    let def = writable(app, caller, OBJECT, Action::Create)?;
    let (op, titles) = new_op(app, caller, def, values).await?;
    let Op::Create { mut values } = op else {
        return Err(Error::Internal("a new file that is none".into()));
    };
    values.extend_from_slice(of_bytes);
    let changes = [change(caller, def, Op::Create { values })];
    let own = access_for(caller, OBJECT, &[Action::Create]);
    let once = key.map(|key| key.once(caller));
    let answer = |outcomes: &[keji_store::Result<Written>]| match outcomes.first() {
        Some(Ok(written)) => json(&written_doc(def, written, &titles)),
        _ => Json::Null,
    };
    let made = app
        .store
        .write_many(&changes, &own, true, once.as_ref(), answer);
    let answered = made
        .await
        .map_err(|fault| problem::told(def, fault, false))?;
    saved(answered.body, answered.is_replay)
}

async fn replace(
    app: &App,
    caller: &Caller,
    id: i64,
    expected: Option<i64>,
    values: Vec<(String, Value)>,
) -> Result<(Saved, Option<Written>)> {
    let def = writable(app, caller, OBJECT, Action::Update)?;
    let mut change = change(caller, def, Op::Update { id, values });
    change.expected = expected;
    let written = write_only(app, caller, def, change, Action::Update).await?;
    let written = written.ok_or_else(|| Error::Internal(format!("file {id} took no content")))?;
    let doc = super::get(app, caller, OBJECT, id).await;
    let body = match doc {
        Ok(doc) => json(&doc),
        // Who may change what he may not read gets no more than that.
        Err(_) => serde_json::json!({ "id": id, "version": written.version }),
    };
    Ok((saved(body, false)?, Some(written)))
}

/// What is written of the caller's values, and the titles of its links.
async fn new_op(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    values: &Map<String, Json>,
) -> Result<(Op, std::collections::BTreeMap<String, super::LinkDoc>)> {
    let mut draft = coerce::create(app, caller, def, values);
    let given = text(values, "name");
    if given.chars().count() > MAX_NAME {
        let zh = format!("文件名最多 {MAX_NAME} 个字符");
        let en = format!("a file's name has at most {MAX_NAME} characters");
        draft
            .faults
            .push(FieldFault::new("name", "too_long", zh, en));
    }
    links::resolve(app, caller, [&mut draft]).await?;
    require_fields(
        caller,
        OBJECT,
        Action::Create,
        values.keys().map(String::as_str),
    )?;
    let titles = draft.titles();
    Ok((draft.create()?, titles))
}

/// Fills in what follows: the name without a path, the customer of the
/// contract, today.
async fn complete(app: &App, caller: &Caller, values: &mut Map<String, Json>) -> Result<()> {
    values.retain(|_, value| !value.is_null());
    let name = name::last_part(&text(values, "name"));
    values.insert("name".to_owned(), name.into());
    if may_write(caller, OBJECT, "customer") && !values.contains_key("customer") {
        for link in LEADS_TO_CUSTOMER {
            let Some(id) = values.get(link).and_then(Json::as_i64) else {
                continue;
            };
            let found = app.store.get(link, id, &access(caller, link)).await?;
            if let Some(Value::Int(customer)) = found.as_ref().map(|r| r.value("customer")) {
                values.insert("customer".to_owned(), (*customer).into());
                break;
            }
        }
    }
    if may_write(caller, OBJECT, "added_on") && !values.contains_key("added_on") {
        let today = app.catalog.calendar.day_of(jiff::Timestamp::now());
        values.insert("added_on".to_owned(), today.to_string().into());
    }
    Ok(())
}

fn text(values: &Map<String, Json>, field: &str) -> String {
    let text = values.get(field).and_then(Json::as_str);
    text.unwrap_or_default().to_owned()
}

fn of_bytes(landed: &Landed, media_type: &str) -> Vec<(String, Value)> {
    let bytes = i64::try_from(landed.bytes).unwrap_or(i64::MAX);
    let values = [
        Value::Int(bytes),
        media_type.into(),
        landed.checksum.as_str().into(),
    ];
    OF_BYTES
        .map(str::to_owned)
        .into_iter()
        .zip(values)
        .collect()
}

/// A role from which one of the bytes' own fields is kept, has no way to them.
fn require_bytes(caller: &Caller) -> Result<()> {
    let own = access(caller, OBJECT);
    match OF_BYTES.iter().find(|field| own.hides(OBJECT, field)) {
        None => Ok(()),
        Some(_) => Err(Error::Forbidden {
            zh: "您的角色不能看文件的内容".to_owned(),
            en: "your role may not see the content of files".to_owned(),
        }),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::Internal(e.to_string()))?
}

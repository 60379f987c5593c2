//! The recycle bin: records that were deleted of late, as the log has them,
//! and how one comes back. Who may delete sees what he deleted himself; who
//! sees everything of an object, all of it.

use jiff::Timestamp;
use keji_store::Deleted;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

use super::{RecordDoc, batch, files, get, page_limit, writable};
use crate::context::App;
use crate::error::{Error, Result};
use crate::messages::Language;
use crate::permission::{Action, Caller, access, access_for, may, sees_all};

/// Entries of the log that are looked at in one go, and how often.
const PORTION: u32 = 500;
const PORTIONS: u32 = 20;

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BinQuery {
    /// Of one object only.
    pub object: Option<String>,
    /// Part of the title or number.
    pub search: Option<String>,
    /// The `next` of the page before.
    pub after: Option<i64>,
    /// 1 to 1000; 50 by default.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BinEntry {
    /// For `restore_record`.
    pub seq: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub actor: String,
    pub object: String,
    pub record: i64,
    pub title: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Bin {
    /// Newest first, of the last 30 days.
    pub entries: Vec<BinEntry>,
    /// For `after`; null at the end.
    pub next: Option<i64>,
}

pub async fn bin(app: &App, caller: &Caller, wanted: &BinQuery) -> Result<Bin> {
    let limit = page_limit(wanted.limit)? as usize;
    let search = wanted
        .search
        .as_deref()
        .map(|text| text.trim().to_lowercase());
    let search = search.filter(|text| !text.is_empty());
    let mut bin = Bin {
        entries: Vec::new(),
        next: None,
    };
    let mut before = wanted.after;
    for portion in 1..=PORTIONS {
        let found = app.store.deleted(before, PORTION).await?;
        let is_last = found.len() < PORTION as usize;
        for deleted in found {
            let seq = deleted.seq;
            if bin.entries.len() == limit {
                bin.next = before;
                return Ok(bin);
            }
            before = Some(seq);
            if wanted.object.as_ref().is_some_and(|o| *o != deleted.object)
                || !is_open(app, caller, &deleted)
            {
                continue;
            }
            let (title, words) = called(app, caller, &deleted);
            let fits = |text: &String| words.to_lowercase().contains(text.as_str());
            if search.as_ref().is_none_or(fits) {
                bin.entries.push(BinEntry {
                    seq,
                    at: deleted.at,
                    actor: deleted.actor,
                    object: deleted.object,
                    record: deleted.record,
                    title,
                });
            }
        }
        if is_last {
            return Ok(bin);
        }
        if portion == PORTIONS {
            bin.next = before;
        }
    }
    Ok(bin)
}

/// Brings a record back as it was, with its id and its links.
pub async fn restore(app: &App, caller: &Caller, seq: i64) -> Result<RecordDoc> {
    let missing = || Error::not_found("deleted record", seq);
    let deleted = app.store.one_deleted(seq).await?;
    let deleted = deleted.filter(|deleted| is_open(app, caller, deleted));
    let deleted = deleted.ok_or_else(missing)?;
    let def = writable(app, caller, &deleted.object, Action::Create)?;
    let own = access_for(caller, &def.id, &[Action::Create]);
    let channel = caller.channel.id();
    let restored = app
        .store
        .restore_deleted(seq, &own, &caller.actor, channel)
        .await?;
    match restored {
        Ok(id) => get(app, caller, &def.id, id).await,
        Err(why) => {
            let [zh, en] = [Language::Zh, Language::En].map(|l| batch::why(def, &why, l).1);
            Err(Error::State {
                code: "not_restored",
                zh: format!("不能恢复：{zh}"),
                en: format!("it cannot come back: {en}"),
            })
        }
    }
}

/// Whether the caller may know of it, and it can come back this way: the
/// bytes of a file are gone with its record.
fn is_open(app: &App, caller: &Caller, deleted: &Deleted) -> bool {
    let object = deleted.object.as_str();
    let Some(def) = app.catalog.objects.get(object) else {
        return false;
    };
    def.written_by.is_none()
        && object != files::OBJECT
        && may(caller, object, Action::Delete)
        && may(caller, object, Action::Read)
        && (deleted.actor == caller.actor || sees_all(caller, object))
}

/// Its title, and all words by which it is found.
fn called(app: &App, caller: &Caller, deleted: &Deleted) -> (Option<String>, String) {
    let Some(def) = app.catalog.objects.get(&deleted.object) else {
        return (None, String::new());
    };
    let own = access(caller, &def.id);
    let text = |field: &Option<String>| {
        let field = field.as_ref().filter(|f| !own.hides(&def.id, f))?;
        match deleted.before.get(field) {
            Some(Json::String(text)) => Some(text.clone()),
            _ => None,
        }
    };
    let (title, number) = (text(&def.title), text(&def.number));
    let words = [title.as_deref(), number.as_deref()];
    let words = words.map(Option::unwrap_or_default).join("\n");
    (title.or(number), words)
}

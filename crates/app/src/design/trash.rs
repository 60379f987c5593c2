//! What was removed and still stands in the tables: it comes back with its
//! values, or goes for good.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keji_schema::Catalog;
use keji_schema::definition::{AdditionDef, FieldDef, ObjectDef};
use keji_schema::role::Admin;
use keji_store::{ChangeKind, Emptied, Trashed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::draft::{TextDraft, addition_path, object_path};
use super::{DesignOutcome, bring, same_version};
use crate::audit::{Event, note};
use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Caller, require_admin};

/// How long something removed can come back.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Debug, Serialize, ToSchema)]
pub struct TrashBody {
    pub object: String,
    /// Null: the whole object.
    pub field: Option<String>,
    pub object_name: TextDraft,
    pub name: TextDraft,
    #[schema(value_type = String, format = DateTime)]
    pub removed_at: Timestamp,
    /// When it goes for good.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Records that there are, or that have a value there.
    pub n_records: i64,
}

/// What is meant in the trash.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrashPlace {
    pub object: String,
    /// Absent: the whole object.
    #[serde(default)]
    pub field: Option<String>,
}

pub(super) async fn list(app: &App) -> Result<Vec<TrashBody>> {
    let mut all = Vec::new();
    for trashed in app.store.trashed().await? {
        let before = before(app, &trashed).await?;
        let def = before.objects.get(&trashed.object);
        let object_name: TextDraft = def.map(|def| (&def.name).into()).unwrap_or_default();
        let field = trashed.field.as_deref();
        let name = match field {
            None => object_name.clone(),
            Some(id) => (def.and_then(|def| def.field(id)))
                .map(|field| (&field.name).into())
                .unwrap_or_default(),
        };
        let n_records = app.store.count_filled(&trashed.object, field).await?;
        all.push(TrashBody {
            n_records,
            object_name,
            name,
            removed_at: trashed.removed_at,
            until: trashed.removed_at + KEPT,
            object: trashed.object,
            field: trashed.field,
        });
    }
    Ok(all)
}

/// Brings one thing back as it was when it was removed.
pub async fn restore(
    app: &App,
    caller: &Caller,
    version: i64,
    place: &TrashPlace,
    dry_run: bool,
) -> Result<(DesignOutcome, Option<App>)> {
    require_admin(caller, Admin::Design)?;
    same_version(app, version)?;
    let trashed = find(app, place).await?;
    let before = before(app, &trashed).await?;
    let mut files = app.catalog.designed.clone();
    let gone = || Error::not_found("definition", &place.object);
    match &place.field {
        None => {
            let path = object_path(&place.object);
            let text = before.designed.get(&path).ok_or_else(gone)?;
            files.insert(path, text.clone());
        }
        Some(field) => {
            let def = before.objects.get(&place.object).ok_or_else(gone)?;
            let field = def.field(field).ok_or_else(gone)?;
            put_back(&mut files, &place.object, field)?;
        }
    }
    let note = match &place.field {
        Some(field) => format!("+ {}.{field}", place.object),
        None => format!("+ {}", place.object),
    };
    bring(app, caller, files, &note, dry_run).await
}

/// A field behind the others of its file.
fn put_back(files: &mut BTreeMap<String, String>, object: &str, field: &FieldDef) -> Result<()> {
    let broken = |e: toml::de::Error| Error::Internal(e.to_string());
    let unwritten = |e: toml::ser::Error| Error::Internal(e.to_string());
    let path = object_path(object);
    if let Some(text) = files.get(&path) {
        let mut def: ObjectDef = toml::from_str(text).map_err(broken)?;
        def.fields.push(field.clone());
        files.insert(path, toml::to_string(&def).map_err(unwritten)?);
        return Ok(());
    }
    let path = addition_path(object);
    let text = files.get(&path).map(String::as_str).unwrap_or_default();
    let mut addition: AdditionDef = toml::from_str(text).map_err(broken)?;
    addition.fields.push(field.clone());
    files.insert(path, toml::to_string(&addition).map_err(unwritten)?);
    Ok(())
}

/// Removes one thing for good, with its values.
pub async fn discard(app: &App, caller: &Caller, place: &TrashPlace) -> Result<()> {
    require_admin(caller, Admin::Design)?;
    let trashed = find(app, place).await?;
    let which = Emptied::One(&trashed.object, trashed.field.as_deref());
    app.store.empty_trash(which).await?;
    let what = match &trashed.field {
        Some(field) => format!("{}.{field}", trashed.object),
        None => trashed.object.clone(),
    };
    let event = Event::new(ChangeKind::Define).with("discarded", what);
    note(app, caller, event).await?;
    Ok(())
}

/// What was removed too long ago goes.
pub async fn sweep(app: &App) -> Result<()> {
    let kept = SignedDuration::try_from(KEPT).map_err(|e| Error::Internal(e.to_string()))?;
    let oldest = Timestamp::now() - kept;
    app.store.empty_trash(Emptied::Before(oldest)).await?;
    Ok(())
}

async fn find(app: &App, place: &TrashPlace) -> Result<Trashed> {
    let all = app.store.trashed().await?;
    let found = all
        .into_iter()
        .find(|t| t.object == place.object && t.field == place.field);
    found.ok_or_else(|| {
        let what = place.field.as_ref();
        let what = what.map_or_else(|| place.object.clone(), |f| format!("{}.{f}", place.object));
        Error::not_found("trash", what)
    })
}

/// The definitions under which it still was.
async fn before(app: &App, trashed: &Trashed) -> Result<Catalog> {
    let files = match trashed.version - 1 {
        ..=0 => BTreeMap::new(),
        version => {
            let found = app.store.design_at(version).await?;
            found.map(|design| design.files).unwrap_or_default()
        }
    };
    Ok(Catalog::standard_and(app.catalog.own.clone(), files)?)
}

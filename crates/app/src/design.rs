//! What objects and fields there are, changed while the program runs: an
//! administrator's drafts become definition files in the form of the embedded
//! ones, are checked with all others as at start, and take effect whole or not
//! at all. It writes no file and no table itself; the store does, in one
//! transaction.
//!
//! Reading order: here, `draft` (a draft to a definition and back), `guard`
//! (what the data forbid), `metric` (a metric's draft to a definition and back),
//! `numbers` (metrics that go with an object), `steps`
//! (what would change, in words), `place` (whose fault it is), `pack` (out and
//! in as one file), `trash`.

mod draft;
mod guard;
mod metric;
mod numbers;
mod pack;
mod place;
mod steps;
mod trash;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use keji_schema::Catalog;
use keji_schema::role::Admin;
use keji_store::NewDesign;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::App;
use crate::definitions;
use crate::error::{Error, FieldFault, Result};
use crate::permission::{Caller, require_admin};

pub(crate) use draft::text_of;
pub use draft::{DerivedDraft, FieldDraft, ObjectDraft, OptionDraft, RuleDraft, TextDraft};
pub use metric::{
    DesignedMetric, ExampleDraft, GivenDraft, MeasureDraft, MetricDesign, MetricDraft, MetricEdit,
    RatioDraft, metric,
};
pub use pack::{Pack, pack};
pub use steps::Step;
pub use trash::{TrashBody, TrashPlace, discard, restore, sweep};

/// Versions that are listed.
const N_VERSIONS: u32 = 100;
/// Of all definitions together: they are a part of every backup's manifest.
const MAX_BYTES: usize = 4 << 20;
const MAX_NOTE: usize = 500;

/// What an administrator begins with.
#[derive(Debug, Serialize, ToSchema)]
pub struct DesignBody {
    /// Of the definitions that are in force; 0 before anything was defined.
    pub version: i64,
    pub objects: Vec<DesignedObject>,
    /// Those that were defined here.
    pub metrics: Vec<DesignedMetric>,
    /// Newest first.
    pub versions: Vec<VersionBody>,
    /// Removed fields and objects that can come back.
    pub trash: Vec<TrashBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DesignedObject {
    pub id: String,
    /// `product`: fields, options and rules are added to it. `own`: all of it
    /// may be changed. `file`: it stands in a file of the data folder. `module`:
    /// the product alone writes it.
    pub kind: ObjectKind,
    pub name: TextDraft,
    pub n_fields: usize,
    /// Fields that this place added.
    pub n_added: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    Product,
    Own,
    File,
    Module,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct VersionBody {
    pub version: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub actor: String,
    pub note: String,
}

/// One object as it may be changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectDesign {
    pub version: i64,
    pub id: String,
    pub kind: ObjectKind,
    pub draft: ObjectDraft,
    /// Of an object of the product: its own fields, which stay as they are.
    pub given: Vec<FieldDraft>,
}

/// Changes that take effect together.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DesignChange {
    /// The version that was changed.
    pub version: i64,
    /// What for; shown in the list of versions.
    #[serde(default)]
    pub note: String,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default)]
    pub objects: Vec<ObjectEdit>,
    #[serde(default)]
    pub metrics: Vec<MetricEdit>,
    /// Definition files by their path, such as `metrics/own/visits.toml`; null
    /// removes one.
    #[serde(default)]
    pub files: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectEdit {
    /// Absent: a new object, named after its name.
    #[serde(default)]
    pub id: Option<String>,
    /// Null removes the object, or what was added to one of the product.
    pub draft: Option<ObjectDraft>,
    /// Of an object of one's own that is measured by a date: also makes the
    /// metrics of how many there are and of the sum of each amount of money,
    /// where they are not there yet.
    #[serde(default)]
    pub with_metrics: bool,
}

/// Back to which version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The version that is in force.
    pub version: i64,
    /// 0 is before anything was defined.
    pub to: i64,
    /// Why; shown in the list of versions.
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub dry_run: bool,
}

/// What changed, or would.
#[derive(Debug, Serialize, ToSchema)]
pub struct DesignOutcome {
    /// In force now.
    pub version: i64,
    pub is_applied: bool,
    pub steps: Vec<Step>,
    /// Ids that new objects got.
    pub objects: Vec<String>,
    /// Ids that new metrics got.
    pub metrics: Vec<String>,
}

/// All there is to change.
pub async fn read(app: &App, caller: &Caller) -> Result<DesignBody> {
    require_admin(caller, Admin::Design)?;
    let versions = app.store.design_versions(N_VERSIONS).await?;
    let catalog = &app.catalog;
    let objects = catalog.objects.values().map(|def| DesignedObject {
        id: def.id.clone(),
        kind: kind_of(catalog, &def.id),
        name: (&def.name).into(),
        n_fields: def.fields.len(),
        n_added: def.fields.iter().filter(|f| f.is_own).count(),
    });
    Ok(DesignBody {
        version: app.design,
        objects: objects.collect(),
        metrics: metric::list(catalog),
        versions: versions
            .into_iter()
            .map(|v| VersionBody {
                version: v.version,
                at: v.at,
                actor: v.actor,
                note: v.note,
            })
            .collect(),
        trash: trash::list(app).await?,
    })
}

/// One object with all that may be changed of it.
pub fn object(app: &App, caller: &Caller, id: &str) -> Result<ObjectDesign> {
    require_admin(caller, Admin::Design)?;
    let def = app.catalog.objects.get(id);
    let def = def.ok_or_else(|| Error::not_found("object", id))?;
    let kind = kind_of(&app.catalog, id);
    let (draft, given) = draft::of(&app.catalog, def, kind);
    Ok(ObjectDesign {
        version: app.design,
        id: id.to_owned(),
        kind,
        draft,
        given,
    })
}

/// Makes the changes, or says what they would be. With the second value, where
/// something changed, requests are to be answered from now on.
pub async fn change(
    app: &App,
    caller: &Caller,
    change: &DesignChange,
) -> Result<(DesignOutcome, Option<App>)> {
    require_admin(caller, Admin::Design)?;
    same_version(app, change.version)?;
    let mut files = app.catalog.designed.clone();
    for (path, text) in &change.files {
        match text {
            Some(text) => drop(files.insert(path.clone(), text.clone())),
            None => drop(files.remove(path)),
        }
    }
    let mut named = Vec::new();
    for (at, edit) in change.objects.iter().enumerate() {
        let (path, text, id) = draft::file(app, &files, edit, at)?;
        if edit.id.is_none() {
            named.push(id.clone());
        }
        if path == draft::object_path(&id) {
            let new = text.as_deref().map(|text| draft::read(&id, text));
            let new = new.transpose()?;
            let old = app.catalog.objects.get(&id);
            numbers::bring(&mut files, old, new.as_ref(), edit.with_metrics)?;
        }
        match text {
            Some(text) => drop(files.insert(path, text)),
            None => drop(files.remove(&path)),
        }
    }
    let mut measured = Vec::new();
    for (at, edit) in change.metrics.iter().enumerate() {
        let (path, text, id) = metric::file(&app.catalog, &files, edit, at)?;
        if edit.id.is_none() {
            measured.push(id);
        }
        match text {
            Some(text) => drop(files.insert(path, text)),
            None => drop(files.remove(&path)),
        }
    }
    let (mut outcome, next) = bring(app, caller, files, &change.note, change.dry_run).await?;
    outcome.objects = named;
    outcome.metrics = measured;
    Ok((outcome, next))
}

/// Back to what was in force: what came since goes to the trash, what went
/// since comes back, with its values where the trash still has them.
pub async fn roll_back(
    app: &App,
    caller: &Caller,
    back: &RollBack,
) -> Result<(DesignOutcome, Option<App>)> {
    require_admin(caller, Admin::Design)?;
    same_version(app, back.version)?;
    let files = match back.to {
        0 => BTreeMap::new(),
        to => {
            let found = app.store.design_at(to).await?;
            found.ok_or_else(|| Error::not_found("version", to))?.files
        }
    };
    let note = format!("→ {} {}", back.to, back.note);
    bring(app, caller, files, note.trim_end(), back.dry_run).await
}

/// What another process defined: the place with it, where there is something
/// new.
pub async fn follow(app: &App) -> Result<Option<App>> {
    if app.store.design_version().await? == app.design {
        return Ok(None);
    }
    let design = app.store.design().await?;
    let catalog = definitions::catalog(app.folder(), design.files)?;
    let store = app.store.with_catalog(Arc::new(catalog)).await?;
    app.with(store, design.version).map(Some)
}

/// From the definitions in force to `files`.
pub(crate) async fn bring(
    app: &App,
    caller: &Caller,
    files: BTreeMap<String, String>,
    note: &str,
    dry_run: bool,
) -> Result<(DesignOutcome, Option<App>)> {
    if note.chars().count() > MAX_NOTE {
        let zh = format!("最多 {MAX_NOTE} 个字符");
        let en = format!("it has more than {MAX_NOTE} characters");
        return Err(FieldFault::new("note", "too_long", zh, en).into());
    }
    let n_bytes: usize = files.values().map(String::len).sum();
    if n_bytes > MAX_BYTES {
        let zh = "全部定义加起来太大";
        let en = "all definitions together are too large";
        return Err(FieldFault::new("files", "too_long", zh, en).into());
    }
    let catalog = Catalog::standard_and(app.catalog.own.clone(), files.clone());
    let catalog = catalog.map_err(|problem| place::told(problem, &files))?;
    guard::check(app, &catalog).await?;
    metric::check_examples(app, &catalog).await?;
    let steps = steps::between(app, &catalog).await?;
    let mut outcome = DesignOutcome {
        version: app.design,
        is_applied: false,
        steps,
        objects: Vec::new(),
        metrics: Vec::new(),
    };
    if dry_run || catalog.designed == app.catalog.designed {
        return Ok((outcome, None));
    }
    let new = NewDesign {
        expected: app.design,
        catalog: Arc::new(catalog),
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        note: note.to_owned(),
    };
    let store = app
        .store
        .define(&new)
        .await
        .map_err(|problem| match problem {
            keji_store::Error::Outdated(_) => outdated(),
            other => other.into(),
        })?;
    outcome.version = app.design + 1;
    outcome.is_applied = true;
    let next = app.with(store, outcome.version)?;
    Ok((outcome, Some(next)))
}

pub(crate) fn same_version(app: &App, version: i64) -> Result<()> {
    match version == app.design {
        true => Ok(()),
        false => Err(outdated()),
    }
}

fn outdated() -> Error {
    Error::State {
        code: "version",
        zh: "别人刚刚改了定义：请刷新页面，再改一次".to_owned(),
        en:
            "somebody else changed the definitions meanwhile: reload the page and change them again"
                .to_owned(),
    }
}

fn kind_of(catalog: &Catalog, object: &str) -> ObjectKind {
    let path = format!("objects/{object}.toml");
    let def = catalog.objects.get(object);
    if catalog.own.contains_key(&path) {
        ObjectKind::File
    } else if catalog.designed.contains_key(&path) {
        ObjectKind::Own
    } else if def.is_some_and(|def| def.written_by.is_some()) {
        ObjectKind::Module
    } else {
        ObjectKind::Product
    }
}

//! Packs: ready-made objects, fields and views for a trade or a task, with
//! sample records. One is taken in and removed in one step; what it brings is
//! then like everything that was made in the page. The files stand below
//! `definitions/packs/<id>/`: `pack.toml`, `objects/`, `additions/` as in the
//! catalog, and `samples.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::civil::Time;
use jiff::{Span, Timestamp};
use keji_schema::definition::{AdditionDef, ObjectDef, Text2};
use keji_schema::role::Admin;
use keji_store::{By, InstalledPack};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::context::App;
use crate::design::DesignOutcome;
use crate::design::{self, TextDraft};
use crate::error::{Error, Result};
use crate::messages::Language;
use crate::permission::{Caller, require_admin};
use crate::views::{self, NewView, ViewState};
use crate::{identity, records};

#[derive(Debug, Serialize, ToSchema)]
pub struct PackList {
    /// Of the definitions that are in force.
    pub version: i64,
    /// Industries first, then applications.
    pub packs: Vec<PackBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PackBody {
    pub id: String,
    pub name: TextDraft,
    pub about: TextDraft,
    pub kind: PackKind,
    /// Objects that it brings.
    pub objects: Vec<PackPart>,
    /// Objects of the product to which it adds fields.
    pub additions: Vec<PackPart>,
    /// Lists and boards that it brings.
    pub views: Vec<PackPart>,
    pub n_samples: usize,
    /// Null where it was not taken in.
    pub taken_in: Option<TakenIn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackKind {
    Industry,
    Application,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PackPart {
    /// The object.
    pub object: String,
    pub name: TextDraft,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TakenIn {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub actor: String,
    /// Sample records that are still there.
    pub n_samples: usize,
}

/// A pack, in or out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackChange {
    /// The version of the definitions that was looked at.
    pub version: i64,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Taking in: without sample records. Removing: the sample records alone.
    #[serde(default)]
    pub samples: SampleChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleChoice {
    #[default]
    With,
    Without,
    Only,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PackOutcome {
    #[serde(flatten)]
    pub design: DesignOutcome,
    /// Sample records that were made or removed.
    pub n_samples: usize,
    /// Sample records that stay, since others lead to them.
    pub n_kept: usize,
}

/// `pack.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackDef {
    name: Text2,
    about: Text2,
    kind: PackKind,
    #[serde(rename = "view")]
    views: Vec<ViewDef>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewDef {
    object: String,
    name: Text2,
    state: ViewState,
}

/// `samples.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Samples {
    #[serde(rename = "record", default)]
    records: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    object: String,
    /// By which later ones lead to it.
    #[serde(default)]
    key: Option<String>,
    values: BTreeMap<String, Cell>,
}

/// What a sample says of one field.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Cell {
    /// In the language of whoever takes it in.
    Text(Text2),
    /// An earlier sample.
    Ref {
        #[serde(rename = "ref")]
        key: String,
    },
    /// Days from today, and for an instant the time of the day here.
    Day {
        day: i64,
        #[serde(default)]
        time: Option<String>,
    },
    /// Whoever takes it in.
    Me {
        #[serde(rename = "me")]
        _is_me: bool,
    },
    Plain(toml::Value),
}

struct Known {
    id: &'static str,
    def: PackDef,
    /// `objects/<id>.toml` and text.
    objects: BTreeMap<&'static str, &'static str>,
    /// Object to what is added to it.
    additions: BTreeMap<&'static str, AdditionDef>,
    samples: Samples,
}

pub async fn list(app: &App, caller: &Caller) -> Result<PackList> {
    require_admin(caller, Admin::Design)?;
    let mut taken: BTreeMap<String, InstalledPack> = (app.store.packs().await?)
        .into_iter()
        .map(|pack| (pack.id.clone(), pack))
        .collect();
    let mut packs = Vec::new();
    for pack in known()? {
        packs.push(PackBody {
            name: (&pack.def.name).into(),
            about: (&pack.def.about).into(),
            kind: pack.def.kind,
            objects: pack.own_objects()?,
            additions: pack
                .additions
                .keys()
                .map(|object| PackPart {
                    object: (*object).to_owned(),
                    name: app
                        .catalog
                        .objects
                        .get(*object)
                        .map_or_else(TextDraft::default, |def| TextDraft::from(&def.name)),
                })
                .collect(),
            views: (pack.def.views.iter())
                .map(|view| PackPart {
                    object: view.object.clone(),
                    name: (&view.name).into(),
                })
                .collect(),
            n_samples: pack.samples.records.len(),
            taken_in: taken.remove(pack.id).map(|found| TakenIn {
                at: found.at,
                actor: found.actor,
                n_samples: found.samples.len(),
            }),
            id: pack.id.to_owned(),
        });
    }
    packs.sort_by_key(|pack| pack.kind);
    Ok(PackList {
        version: app.design,
        packs,
    })
}

/// Takes a pack in. With the second value, where something changed, requests
/// are to be answered from now on.
pub async fn take_in(
    app: &App,
    caller: &Caller,
    id: &str,
    wanted: &PackChange,
    language: Language,
) -> Result<(PackOutcome, Option<App>)> {
    require_admin(caller, Admin::Design)?;
    whole(caller)?;
    design::same_version(app, wanted.version)?;
    let pack = one(id)?;
    if find(app, id).await?.is_some() {
        return Err(Error::State {
            code: "pack_there",
            zh: format!("“{}”已经装上了", pack.def.name.zh),
            en: format!("\"{}\" is there already", pack.def.name.en),
        });
    }
    let mut files = app.catalog.designed.clone();
    for (path, text) in &pack.objects {
        let object = stem(path);
        if let Some(there) = app.catalog.objects.get(object) {
            return Err(Error::State {
                code: "object_there",
                zh: format!(
                    "已有同名的对象“{}”（`{object}`）：先改名或删除它",
                    there.name.zh
                ),
                en: format!(
                    "there is an object \"{}\" (`{object}`) already: remove it first",
                    there.name.en
                ),
            });
        }
        files.insert((*path).to_owned(), (*text).to_owned());
    }
    for (object, added) in &pack.additions {
        let path = addition_path(object);
        let mut whole = addition(&files, &path)?;
        join(&mut whole, added);
        files.insert(path, design::text_of(&whole)?);
    }
    let note = format!("+ {}", pick(&pack.def.name, language));
    let before = app.catalog.designed.clone();
    let (outcome, next) = design::bring(app, caller, files, &note, wanted.dry_run).await?;
    let n_samples = match wanted.samples {
        SampleChoice::Without => 0,
        SampleChoice::With | SampleChoice::Only => pack.samples.records.len(),
    };
    let mut outcome = PackOutcome {
        design: outcome,
        n_samples,
        n_kept: 0,
    };
    if wanted.dry_run {
        return Ok((outcome, None));
    }
    // A pack without definitions of its own changes none.
    let next = next.unwrap_or_else(|| app.clone());
    let caller = &renewed(&next, caller).await?;
    let with_samples = n_samples > 0;
    match fill(&next, caller, pack, with_samples, language).await {
        Ok(n) => {
            outcome.n_samples = n;
            Ok((outcome, Some(next)))
        }
        Err(problem) => {
            // As if nobody had asked.
            let back = design::bring(&next, caller, before, &format!("- {note}"), false).await;
            back.map_err(|worse| Error::Internal(format!("{problem}; then {worse}")))?;
            Err(problem)
        }
    }
}

/// Takes a pack out again: its samples, its views, and unless only the samples
/// are to go, its objects and fields, which stay in the trash for 30 days.
pub async fn remove(
    app: &App,
    caller: &Caller,
    id: &str,
    wanted: &PackChange,
    language: Language,
) -> Result<(PackOutcome, Option<App>)> {
    require_admin(caller, Admin::Design)?;
    whole(caller)?;
    design::same_version(app, wanted.version)?;
    let pack = one(id)?;
    let there = find(app, id).await?.ok_or_else(|| Error::State {
        code: "pack_not_there",
        zh: format!("“{}”没有装上", pack.def.name.zh),
        en: format!("\"{}\" is not there", pack.def.name.en),
    })?;
    let mut files = app.catalog.designed.clone();
    let is_whole = wanted.samples != SampleChoice::Only;
    if is_whole {
        for path in pack.objects.keys() {
            files.remove(*path);
        }
        let others = others(app, id).await?;
        for (object, added) in &pack.additions {
            let path = addition_path(object);
            let mut whole = addition(&files, &path)?;
            let shared: Vec<&AdditionDef> = (others.iter())
                .filter_map(|other| other.additions.get(object))
                .collect();
            part(&mut whole, added, &shared);
            match whole == AdditionDef::default() {
                true => drop(files.remove(&path)),
                false => drop(files.insert(path, design::text_of(&whole)?)),
            }
        }
    }
    let note = format!("− {}", pick(&pack.def.name, language));
    // First whether it may go at all.
    let (outcome, _) = design::bring(app, caller, files.clone(), &note, true).await?;
    let mut outcome = PackOutcome {
        design: outcome,
        n_samples: there.samples.len(),
        n_kept: 0,
    };
    if wanted.dry_run {
        return Ok((outcome, None));
    }
    let kept = remove_samples(app, caller, &there.samples).await?;
    outcome.n_kept = kept.len();
    outcome.n_samples -= kept.len();
    if !is_whole {
        let views = &there.views;
        app.store.keep_pack(id, &kept, views, by(caller)).await?;
        return Ok((outcome, None));
    }
    for (object, view) in &there.views {
        match views::delete(app, caller, object, *view).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(problem) => return Err(problem),
        }
    }
    let (design, next) = design::bring(app, caller, files, &note, false).await?;
    outcome.design = design;
    let now = next.as_ref().unwrap_or(app);
    now.store.forget_pack(id, by(caller)).await?;
    Ok((outcome, next))
}

/// The caller with his rights over what there is now.
async fn renewed(app: &App, caller: &Caller) -> Result<Caller> {
    let Some(user) = caller.user() else {
        return Ok(caller.clone());
    };
    let fresh = identity::caller_of_user(app, user).await?;
    let fresh = fresh.ok_or_else(|| Error::not_found("user", user))?;
    Ok(fresh.by_way_of(caller))
}

/// A pack makes records and views in its user's name; a token that does less
/// than he would do more by it.
fn whole(caller: &Caller) -> Result<()> {
    match caller.is_limited {
        false => Ok(()),
        true => Err(Error::Forbidden {
            zh: "有范围限制的令牌不能装上或移除行业包".to_owned(),
            en: "a token with scopes does not take packs in or out".to_owned(),
        }),
    }
}

/// Samples and views; how many samples there are. Nothing of it stays where
/// something fails.
async fn fill(
    app: &App,
    caller: &Caller,
    pack: &Known,
    with_samples: bool,
    language: Language,
) -> Result<usize> {
    let mut samples = Vec::new();
    let mut views = Vec::new();
    let done = async {
        if with_samples {
            make_samples(app, caller, pack, language, &mut samples).await?;
        }
        for view in &pack.def.views {
            let new = NewView {
                name: pick(&view.name, language).to_owned(),
                state: view.state.clone(),
                shared_with: Some(views::EVERYBODY.to_owned()),
            };
            let made = views::create(app, caller, &view.object, new).await?;
            views.push((view.object.clone(), made.id));
        }
        let store = &app.store;
        store
            .keep_pack(pack.id, &samples, &views, by(caller))
            .await?;
        Ok(samples.len())
    };
    let done: Result<usize> = done.await;
    if done.is_err() {
        for (object, view) in views {
            views::delete(app, caller, &object, view).await?;
        }
        remove_samples(app, caller, &samples).await?;
    }
    done
}

async fn make_samples(
    app: &App,
    caller: &Caller,
    pack: &Known,
    language: Language,
    made: &mut Vec<(String, i64)>,
) -> Result<()> {
    let mut keys: BTreeMap<&str, i64> = BTreeMap::new();
    for (n, sample) in pack.samples.records.iter().enumerate() {
        let mut values = Map::new();
        for (field, cell) in &sample.values {
            values.insert(field.clone(), value(app, caller, cell, &keys, language)?);
        }
        let saved = records::create(app, caller, &sample.object, &values, None).await;
        let saved = saved.map_err(|problem| {
            let place = format!("{}/samples.toml, {} {n}", pack.id, sample.object);
            match problem {
                problem @ Error::Forbidden { .. } => problem,
                other => Error::Internal(format!("{place}: {other}")),
            }
        })?;
        let id = saved.body["id"].as_i64();
        let id = id.ok_or_else(|| Error::Internal("a record without an id".to_owned()))?;
        if let Some(key) = &sample.key {
            keys.insert(key, id);
        }
        made.push((sample.object.clone(), id));
    }
    Ok(())
}

fn value(
    app: &App,
    caller: &Caller,
    cell: &Cell,
    keys: &BTreeMap<&str, i64>,
    language: Language,
) -> Result<Json> {
    let wrong = |what: &str| Error::Internal(format!("a sample: {what}"));
    Ok(match cell {
        Cell::Text(text) => json!(pick(text, language)),
        Cell::Ref { key } => json!(keys.get(key.as_str()).ok_or_else(|| wrong(key))?),
        Cell::Me { .. } => json!(caller.user()),
        Cell::Day { day, time } => {
            let calendar = &app.catalog.calendar;
            let today = calendar.day_of(Timestamp::now());
            let day = today.checked_add(Span::new().days(*day));
            let day = day.map_err(|e| wrong(&e.to_string()))?;
            match time {
                None => json!(day.to_string()),
                Some(time) => {
                    let time: Time = time.parse().map_err(|_| wrong(time))?;
                    json!(calendar.instant_of(day.to_datetime(time))?.to_string())
                }
            }
        }
        Cell::Plain(plain) => serde_json::to_value(plain).map_err(|e| wrong(&e.to_string()))?,
    })
}

/// From the last to the first; those that others lead to stay.
async fn remove_samples(
    app: &App,
    caller: &Caller,
    samples: &[(String, i64)],
) -> Result<Vec<(String, i64)>> {
    let mut kept = Vec::new();
    for (object, id) in samples.iter().rev() {
        if !app.catalog.objects.contains_key(object) {
            continue;
        }
        match records::delete(app, caller, object, *id, None).await {
            Ok(()) => {}
            Err(Error::Record(problem)) if problem.code == "not_found" => {}
            Err(Error::Record(problem)) if problem.code == "in_use" => {
                kept.push((object.clone(), *id));
            }
            Err(problem) => return Err(problem),
        }
    }
    kept.reverse();
    Ok(kept)
}

fn join(whole: &mut AdditionDef, added: &AdditionDef) {
    for option in &added.options {
        let is_there = |o: &&keji_schema::definition::AddedOption| {
            o.field == option.field && o.value == option.value
        };
        if !whole.options.iter().any(|o| is_there(&o)) {
            whole.options.push(option.clone());
        }
    }
    for field in &added.fields {
        if !whole.fields.iter().any(|f| f.id == field.id) {
            whole.fields.push(field.clone());
        }
    }
    for rule in &added.rules {
        if !whole.rules.contains(rule) {
            whole.rules.push(rule.clone());
        }
    }
    for derived in &added.derived {
        if !whole.derived.iter().any(|d| d.id == derived.id) {
            whole.derived.push(derived.clone());
        }
    }
}

/// Takes out what was added, unless another pack added it too.
fn part(whole: &mut AdditionDef, added: &AdditionDef, others: &[&AdditionDef]) {
    let mut own = added.clone();
    for other in others {
        own.options.retain(|o| !other.options.contains(o));
        own.fields
            .retain(|f| !other.fields.iter().any(|g| g.id == f.id));
        own.rules.retain(|r| !other.rules.contains(r));
        own.derived
            .retain(|d| !other.derived.iter().any(|e| e.id == d.id));
    }
    let is_option = |o: &keji_schema::definition::AddedOption| {
        (own.options.iter()).any(|p| p.field == o.field && p.value == o.value)
    };
    whole.options.retain(|o| !is_option(o));
    whole
        .fields
        .retain(|f| !own.fields.iter().any(|g| g.id == f.id));
    whole.rules.retain(|r| !own.rules.contains(r));
    whole
        .derived
        .retain(|d| !own.derived.iter().any(|e| e.id == d.id));
}

impl Known {
    fn own_objects(&self) -> Result<Vec<PackPart>> {
        let each = self.objects.iter();
        each.map(|(path, text)| {
            let def: ObjectDef = parse(self.id, path, text)?;
            Ok(PackPart {
                object: stem(path).to_owned(),
                name: (&def.name).into(),
            })
        })
        .collect()
    }
}

/// Every pack of the product, by id. They are read once.
fn known() -> Result<&'static [Known]> {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known);
    }
    let read = read()?;
    Ok(KNOWN.get_or_init(|| read))
}

fn read() -> Result<Vec<Known>> {
    let mut files: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (path, text) in keji_schema::packs() {
        let Some((id, path)) = path.split_once('/') else {
            return Err(Error::Internal(format!("packs/{path} belongs to no pack")));
        };
        files.entry(id).or_default().insert(path, text);
    }
    let mut packs = Vec::new();
    for (id, mut files) in files {
        let text = |files: &mut BTreeMap<&'static str, &'static str>, name: &str| {
            files.remove(name).unwrap_or_default()
        };
        let def = parse(id, "pack.toml", text(&mut files, "pack.toml"))?;
        let samples = parse(id, "samples.toml", text(&mut files, "samples.toml"))?;
        let mut pack = Known {
            id,
            def,
            objects: BTreeMap::new(),
            additions: BTreeMap::new(),
            samples,
        };
        for (path, text) in files {
            if path.starts_with("objects/") {
                pack.objects.insert(path, text);
            } else if path.starts_with("additions/") {
                pack.additions.insert(stem(path), parse(id, path, text)?);
            } else {
                return Err(Error::Internal(format!("packs/{id}/{path} has no place")));
            }
        }
        packs.push(pack);
    }
    Ok(packs)
}

fn one(id: &str) -> Result<&'static Known> {
    let found = known()?.iter().find(|pack| pack.id == id);
    found.ok_or_else(|| Error::not_found("pack", id))
}

async fn find(app: &App, id: &str) -> Result<Option<InstalledPack>> {
    let packs = app.store.packs().await?;
    Ok(packs.into_iter().find(|pack| pack.id == id))
}

/// The other packs that were taken in.
async fn others(app: &App, id: &str) -> Result<Vec<&'static Known>> {
    let taken: BTreeSet<String> = (app.store.packs().await?)
        .into_iter()
        .map(|pack| pack.id)
        .filter(|other| other != id)
        .collect();
    let packs = known()?.iter();
    Ok(packs.filter(|pack| taken.contains(pack.id)).collect())
}

fn parse<T: serde::de::DeserializeOwned>(id: &str, path: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| Error::Internal(format!("packs/{id}/{path}: {e}")))
}

fn addition(files: &BTreeMap<String, String>, path: &str) -> Result<AdditionDef> {
    let text = files.get(path).map_or("", String::as_str);
    toml::from_str(text).map_err(|e| Error::Internal(format!("{path}: {e}")))
}

fn addition_path(object: &str) -> String {
    format!("additions/{object}.toml")
}

/// `objects/<id>.toml` is of `<id>`.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".toml").unwrap_or(name)
}

fn pick(text: &Text2, language: Language) -> &str {
    match language {
        Language::Zh => &text.zh,
        Language::En => &text.en,
    }
}

fn by(caller: &Caller) -> By<'_> {
    By {
        actor: &caller.actor,
        channel: caller.channel.id(),
        address: caller.address.as_deref(),
    }
}

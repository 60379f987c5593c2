//! Two records become one, after a look at every field and every link, and two
//! again for 30 days. Who may change and delete both may do it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keji_schema::definition::{ObjectDef, Origin};
use keji_store::{MergeOrder, MergeProblem, MergeSide, MovedLinks, UNDO_DAYS, merged_value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

use super::known;
use crate::consent::{self, Party};
use crate::context::App;
use crate::error::{Error, FieldFault, RecordProblem, Result};
use crate::identity;
use crate::permission::{
    Action, Caller, access, access_for, comes_by_order_files, may, may_write, require_fields,
};

/// Merges that are listed.
const MOST: u32 = 100;

/// From which of the two a value comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Survivor,
    Loser,
}

impl Side {
    fn of_store(self) -> MergeSide {
        match self {
            Side::Survivor => MergeSide::Survivor,
            Side::Loser => MergeSide::Loser,
        }
    }
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// The record that stays.
    pub survivor: i64,
    /// The record that becomes a part of it.
    pub loser: i64,
}

/// What a merge would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergePreview {
    pub survivor: i64,
    pub loser: i64,
    /// As they were looked at; a merge of others is refused.
    pub versions: MergeVersions,
    pub fields: Vec<MergeField>,
    /// Records that would lead to the survivor.
    pub moved: Vec<MergeLink>,
    /// Days within which it can be taken back.
    pub undo_days: i64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeVersions {
    pub survivor: i64,
    pub loser: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MergeField {
    pub field: String,
    /// As a record has them.
    #[schema(value_type = Value)]
    pub survivor: Json,
    #[schema(value_type = Value)]
    pub loser: Json,
    /// Which is taken where nobody chooses.
    pub taken: Side,
    /// Whether the caller may choose.
    pub may_choose: bool,
}

/// How many records of an object lead there over a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MergeLink {
    pub object: String,
    pub field: String,
    pub n: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The record that stays.
    pub survivor: i64,
    /// The record that becomes a part of it.
    pub loser: i64,
    /// Fields for which the value of one of them was chosen.
    #[serde(default)]
    pub sides: BTreeMap<String, Side>,
    /// Of the preview; another one is refused.
    pub versions: Option<MergeVersions>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MergeDone {
    /// For the undo.
    pub id: i64,
    pub survivor: i64,
    pub loser: i64,
    /// Of the survivor.
    pub version: i64,
    pub moved: Vec<MergeLink>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MergeList {
    /// Newest first.
    pub merges: Vec<MergeEntry>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MergeEntry {
    pub id: i64,
    pub survivor: i64,
    /// Null where the caller may not see it.
    pub title: Option<String>,
    pub loser: i64,
    pub actor: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub undone_at: Option<Timestamp>,
    /// Until when it can be taken back; null where it cannot any more.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub undo_until: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UnmergeDone {
    pub survivor: i64,
    pub loser: i64,
    /// Records that lead to the old one again.
    pub moved: i64,
    /// Those that were led elsewhere or deleted since, and stay so.
    pub left: i64,
    /// Fields of the survivor that keep what was written since.
    pub fields_left: Vec<String>,
}

const ACTIONS: [Action; 3] = [Action::Read, Action::Update, Action::Delete];

/// Every field of both and every link that leads to the one that goes.
pub async fn preview(
    app: &App,
    caller: &Caller,
    object: &str,
    query: &PreviewQuery,
) -> Result<MergePreview> {
    let def = mergeable(app, caller, object)?;
    let own = access_for(caller, object, &ACTIONS);
    let of = async |id: i64| {
        let found = app.store.get_with_version(object, id, &own).await?;
        found.ok_or_else(|| not_found(def, id))
    };
    let (survivor, loser) = (of(query.survivor).await?, of(query.loser).await?);
    let seen = access(caller, object);
    let mut fields = Vec::new();
    for field in def.fields.iter().filter(|f| seen.shows(object, &f.id)) {
        let (a, b) = (survivor.0.value(&field.id), loser.0.value(&field.id));
        let json = |value| serde_json::to_value(value).unwrap_or(Json::Null);
        let is_kept = merged_value(field, a, b, None) == a;
        fields.push(MergeField {
            field: field.id.clone(),
            survivor: json(a),
            loser: json(b),
            taken: if is_kept { Side::Survivor } else { Side::Loser },
            may_choose: may_write(caller, object, &field.id) && Origin::of(&field.id).is_none(),
        });
    }
    let moved = app.store.links_to(object, query.loser).await?;
    Ok(MergePreview {
        survivor: query.survivor,
        loser: query.loser,
        versions: MergeVersions {
            survivor: survivor.1,
            loser: loser.1,
        },
        fields,
        moved: moved.into_iter().map(link).collect(),
        undo_days: UNDO_DAYS,
    })
}

/// Makes them one.
pub async fn merge(
    app: &App,
    caller: &Caller,
    object: &str,
    body: &MergeBody,
) -> Result<MergeDone> {
    let def = mergeable(app, caller, object)?;
    let seen = access(caller, object);
    for field in body.sides.keys() {
        if def.field(field).is_none_or(|f| !seen.shows(object, &f.id)) {
            let zh = format!("没有字段「{field}」");
            let en = format!("there is no field `{field}`");
            return Err(FieldFault::new(field.as_str(), "unknown_field", zh, en).into());
        }
    }
    let chosen = body.sides.iter().filter(|(_, side)| **side == Side::Loser);
    let chosen = chosen.map(|(field, _)| field.as_str());
    require_fields(caller, object, Action::Update, chosen)?;
    let own = access_for(caller, object, &ACTIONS);
    for id in [body.survivor, body.loser] {
        let found = app.store.get(object, id, &own).await?;
        found.ok_or_else(|| not_found(def, id))?;
    }
    let party = match object {
        "customer" => Some(Party::Customer),
        "contact" => Some(Party::Contact),
        _ => None,
    };
    let more = match party.filter(|_| body.survivor != body.loser) {
        Some(party) => consent::stricter(app, caller, party, body.survivor, body.loser).await?,
        None => Vec::new(),
    };
    let sides = body.sides.iter();
    let order = MergeOrder {
        object: object.to_owned(),
        survivor: body.survivor,
        loser: body.loser,
        sides: sides
            .map(|(f, side)| (f.clone(), side.of_store()))
            .collect(),
        expected: [
            body.versions.map(|v| v.survivor),
            body.versions.map(|v| v.loser),
        ],
        more,
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
    };
    let merged = app.store.merge(&order, &own).await;
    let merged = merged.map_err(|problem| told(def, problem))?;
    // A share goes along with its customer, and rights follow it at once.
    identity::forget(app);
    Ok(MergeDone {
        id: merged.id,
        survivor: body.survivor,
        loser: body.loser,
        version: merged.version,
        moved: merged.moved.into_iter().map(link).collect(),
    })
}

/// The newest merges of which the caller sees what they left.
pub async fn list(app: &App, caller: &Caller, object: &str) -> Result<MergeList> {
    let (def, _) = known(app, caller, object, &[Action::Read])?;
    let merges = app.store.merges(object, MOST).await?;
    let ids: Vec<i64> = merges.iter().map(|m| m.survivor).collect();
    let seen = super::check::titles(app, def, &ids, &access(caller, object)).await?;
    let seen: BTreeMap<i64, Option<String>> = (seen.into_iter())
        .map(|(id, title, _)| (id, title))
        .collect();
    let may_undo = may(caller, object, Action::Update) && may(caller, object, Action::Delete);
    let entries = merges.into_iter().filter_map(|merge| {
        let title = seen.get(&merge.survivor)?.clone();
        let until = merge.at + SignedDuration::from_hours(24 * UNDO_DAYS);
        Some(MergeEntry {
            id: merge.id,
            survivor: merge.survivor,
            title,
            loser: merge.loser,
            actor: merge.actor,
            at: merge.at,
            undone_at: merge.undone_at,
            undo_until: (merge.is_kept && may_undo).then_some(until),
        })
    });
    Ok(MergeList {
        merges: entries.collect(),
    })
}

/// Makes them two again.
pub async fn undo(app: &App, caller: &Caller, object: &str, id: i64) -> Result<UnmergeDone> {
    let def = mergeable(app, caller, object)?;
    let found = app.store.merge_by_id(id).await?;
    let found = found.filter(|merge| merge.object == object);
    let found = found.ok_or_else(|| Error::not_found("merge", id))?;
    let own = access_for(caller, object, &ACTIONS);
    // What one may not see was not merged, either.
    let seen = app.store.get(object, found.survivor, &own).await?;
    let is_gone = app.store.moved_to(object, found.survivor).await?.is_some();
    if seen.is_none() && !is_gone {
        return Err(Error::not_found("merge", id));
    }
    let channel = caller.channel.id();
    let done = app.store.unmerge(id, &own, &caller.actor, channel).await;
    let done = done.map_err(|problem| told(def, problem))?;
    identity::forget(app);
    Ok(UnmergeDone {
        survivor: done.survivor,
        loser: done.loser,
        moved: done.moved,
        left: done.left,
        fields_left: done.fields_left,
    })
}

/// Where a record went that the caller asks for by its old id; `None` where it
/// went nowhere, or to where he may not see.
pub async fn moved_to(app: &App, caller: &Caller, object: &str, id: i64) -> Result<Option<i64>> {
    if !app.catalog.objects.contains_key(object) || !may(caller, object, Action::Read) {
        return Ok(None);
    }
    let Some(to) = app.store.moved_to(object, id).await? else {
        return Ok(None);
    };
    let seen = app.store.get(object, to, &access(caller, object)).await?;
    Ok(seen.map(|_| to))
}

fn mergeable<'a>(app: &'a App, caller: &Caller, object: &str) -> Result<&'a ObjectDef> {
    let (def, _) = known(app, caller, object, &ACTIONS)?;
    match def.written_by.is_some() || comes_by_order_files(object) {
        true => Err(Error::State {
            code: "read_only",
            zh: format!("{}不能合并", def.name.zh),
            en: format!("records of `{object}` are not merged"),
        }),
        false => Ok(def),
    }
}

fn link(moved: MovedLinks) -> MergeLink {
    MergeLink {
        object: moved.object,
        field: moved.field,
        n: moved.n,
    }
}

fn not_found(def: &ObjectDef, id: i64) -> Error {
    Error::Record(Box::new(RecordProblem {
        code: "not_found",
        zh: format!("没有这个{}：{id}", def.name.zh),
        en: format!("there is no {} {id}", def.id),
        fields: Vec::new(),
        version: None,
    }))
}

/// What the store refuses, in the words of the catalog.
fn told(def: &ObjectDef, problem: keji_store::Error) -> Error {
    use keji_store::Error as E;
    let name = &def.name.zh;
    let label = |field: &String| def.field(field).map_or(field, |f| &f.name.zh).clone();
    match problem {
        E::NotFound { id, .. } => not_found(def, id),
        E::Version { id, present, .. } => Error::Record(Box::new(RecordProblem {
            code: "version",
            zh: format!("{name} {id} 在您查看之后已被改动，请重新核对再合并"),
            en: format!(
                "{} {id} was changed since you looked at it; look again",
                def.id
            ),
            fields: Vec::new(),
            version: Some(present),
        })),
        E::Merge(problem) => {
            let (code, zh) = match &problem {
                MergeProblem::Itself => ("merge_itself", "不能和自己合并".to_owned()),
                MergeProblem::OnlyOne { object, field } => (
                    "merge_conflict",
                    format!(
                        "两条{name}都有一条 `{object}`，而 `{field}` 只允许一条；请先处理其中一条"
                    ),
                ),
                MergeProblem::Erased => (
                    "merge_erased",
                    format!("其中一条{name}的个人信息已删除或正在等待删除，不能合并"),
                ),
                MergeProblem::AlreadyUndone => ("merge_undone", "这次合并已经撤销过了".to_owned()),
                MergeProblem::TooLate => (
                    "merge_too_late",
                    format!("合并在 {UNDO_DAYS} 天内可以撤销，这次已经不行了"),
                ),
                MergeProblem::SurvivorGone(id) => (
                    "merge_conflict",
                    format!(
                        "合并后留下的{name} {id} 之后被删除或又被合并了；如是后者，请先撤销后一次"
                    ),
                ),
                MergeProblem::Taken { field } => (
                    "merge_conflict",
                    format!(
                        "别的{name}已用了原记录的{}（`{field}`）；请先改掉它",
                        label(field)
                    ),
                ),
                MergeProblem::LinkGone { field, id } => (
                    "merge_conflict",
                    format!(
                        "原记录的{}（`{field}`）指向的记录 {id} 已经不在了",
                        label(field)
                    ),
                ),
            };
            let en = problem.to_string();
            Error::State { code, zh, en }
        }
        other => other.into(),
    }
}

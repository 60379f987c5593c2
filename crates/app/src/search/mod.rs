//! One box over everything: the records of all objects that fit a text best,
//! under the caller's rights. A text is found by a part of it, by its Pinyin,
//! whole or by first letters, by the end of a telephone number, by what sounds
//! alike, and with one character mistyped.
//!
//! Reading order: here, `rank` (how well a record fits).

mod rank;

use std::collections::BTreeSet;

use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use keji_store::{Candidate, Fitting, ListQuery, Sort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::permission::{Action, Caller, access, may};
use rank::{Asked, Rank};

const DEFAULT_HITS: u32 = 10;
const MAX_HITS: u32 = 50;
const MAX_CHARS: usize = 100;

/// Candidates of one object that are looked at.
const LOOKED_AT: u32 = 40;

/// Nearly right candidates are many more than right ones.
const NEAR: u32 = 300;

/// Candidates from which those are chosen that the caller may see, where he
/// does not see all; and of nearly right ones.
const CHOSEN_FROM: u32 = 2_000;
const NEAR_CHOSEN_FROM: u32 = 20_000;

/// Objects that people look for most, in the order in which they stand among
/// records that fit as well.
const FIRST: [&str; 8] = [
    "customer",
    "contact",
    "opportunity",
    "contract",
    "quote",
    "order",
    "product",
    "ticket",
];

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// 1 to 100 characters: a part of a name or a number, Pinyin or its first
    /// letters; several words have all to be found.
    pub q: String,
    /// Objects separated by commas; without any, all that the caller may read.
    pub objects: Option<String>,
    /// 1 to 50; 10 by default.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Hits {
    /// The best first.
    pub hits: Vec<Hit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Hit {
    pub object: String,
    pub id: i64,
    /// Null where the object has no title, the record none, or the caller may
    /// not see it.
    pub title: Option<String>,
    /// The field that fits.
    pub field: String,
    /// What stands in it; of a long text the part that fits.
    pub text: String,
    pub fit: Fit,
}

/// How a text fits what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// It is the same.
    Whole,
    /// It begins so.
    Prefix,
    /// It has it.
    Part,
    /// It is spelt so in Latin letters.
    Spelling,
    /// It sounds alike.
    Sound,
    /// One character is different, missing or too many, or two are swapped.
    Near,
}

/// What fits best; a wrong parameter is named.
pub async fn search(app: &App, caller: &Caller, wanted: &Search) -> Result<Hits> {
    let asked = asked(&wanted.q)?;
    let limit = limit(wanted.limit)?;
    let objects = objects(app, caller, wanted.objects.as_deref())?;
    crate::spelling::follow(app).await?;
    let ids: Vec<&str> = objects.iter().map(|def| def.id.as_str()).collect();
    let sees_all = (objects.iter()).all(|def| access(caller, &def.id).predicate.is_none());
    let mut found: Vec<(Rank, Hit)> = Vec::new();
    let mut seen: BTreeSet<(usize, i64)> = BTreeSet::new();
    // Whatever is the text or begins so has it as well: where few have it, all
    // of them come at once. Of several words each is looked for by itself.
    let is_one = asked.wanted.words.len() < 2;
    let mut order = Fitting::ALL;
    if is_one {
        order = [
            Fitting::Part,
            Fitting::Whole,
            Fitting::Prefix,
            Fitting::Near,
        ];
    }
    let mut are_all = false;
    for fitting in order {
        let is_near = fitting == Fitting::Near;
        // Whatever fits less well stands behind these; and nobody has
        // mistyped what is there.
        let is_enough = match fitting {
            Fitting::Near => !found.is_empty(),
            Fitting::Part if is_one => false,
            _ if is_one => are_all,
            _ => found.len() >= limit,
        };
        if is_enough {
            continue;
        }
        let looked_at = if is_near { NEAR } else { LOOKED_AT };
        let most = match (sees_all, is_near) {
            (true, _) => looked_at,
            (false, false) => CHOSEN_FROM,
            (false, true) => NEAR_CHOSEN_FROM,
        };
        let candidates = app
            .store
            .nearest_ids(&ids, &asked.wanted, fitting, most)
            .await?;
        if fitting == Fitting::Part {
            are_all = candidates.values().all(|ids| ids.len() < most as usize);
        }
        for (order, def) in objects.iter().enumerate() {
            let Some(ids) = candidates.get(&def.id) else {
                continue;
            };
            let access = access(caller, &def.id);
            let is_restricted = access.predicate.is_some();
            let is_cut = is_restricted && ids.len() >= most as usize;
            let mut ids: Vec<i64> = ids
                .iter()
                .copied()
                .filter(|id| !seen.contains(&(order, *id)))
                .collect();
            if !is_restricted {
                ids.truncate(looked_at as usize);
            }
            let mut records = app.store.nearest(&def.id, &ids, looked_at, &access).await?;
            if fitting == Fitting::Part {
                are_all &= records.len() < looked_at as usize;
            }
            if records.is_empty() && is_cut && fitting == Fitting::Part {
                records = read_on(app, caller, def, &asked).await?;
            }
            for record in records {
                if seen.insert((order, record.id))
                    && let Some((rank, hit)) = hit(def, order, record, &asked)
                {
                    found.push((rank, hit));
                }
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.truncate(limit);
    let hits = found.into_iter().map(|(_, hit)| hit).collect();
    Ok(Hits { hits })
}

fn asked(q: &str) -> Result<Asked> {
    let asked = Asked::new(q);
    let n = q.trim().chars().count();
    if (1..=MAX_CHARS).contains(&n) && !asked.wanted.text.is_empty() {
        return Ok(asked);
    }
    let zh = format!("要有 1 到 {MAX_CHARS} 个字");
    let en = format!("it must have 1 to {MAX_CHARS} characters");
    Err(FieldFault::new("q", "value", zh, en).into())
}

fn limit(wanted: Option<u32>) -> Result<usize> {
    let limit = wanted.unwrap_or(DEFAULT_HITS);
    if (1..=MAX_HITS).contains(&limit) {
        return Ok(limit as usize);
    }
    let zh = format!("只能是 1 到 {MAX_HITS}");
    let en = format!("it must be 1 to {MAX_HITS}");
    Err(FieldFault::new("limit", "value", zh, en).into())
}

/// The objects to look in, those that people look for most first.
fn objects<'a>(app: &'a App, caller: &Caller, wanted: Option<&str>) -> Result<Vec<&'a ObjectDef>> {
    let mut objects: Vec<&ObjectDef> = match wanted.filter(|w| !w.trim().is_empty()) {
        Some(wanted) => wanted
            .split(',')
            .map(|id| crate::records::readable(app, caller, id.trim()))
            .collect::<Result<_>>()?,
        None => app
            .catalog
            .objects
            .values()
            .filter(|def| may(caller, &def.id, Action::Read))
            .collect(),
    };
    objects.retain(|def| def.fields.iter().any(|field| field.search));
    let order = |def: &ObjectDef| FIRST.iter().position(|id| *id == def.id);
    objects.sort_by_key(|def| order(def).unwrap_or(FIRST.len()));
    objects.dedup_by_key(|def| &def.id);
    Ok(objects)
}

/// Where the newest of very many candidates are all somebody else's: the
/// records that the caller sees, as a list finds them.
async fn read_on(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    asked: &Asked,
) -> Result<Vec<Candidate>> {
    let query = ListQuery {
        object: def.id.clone(),
        fields: vec!["id".to_owned()],
        filter: None,
        search: Some(asked.wanted.text.clone()),
        search_in: Vec::new(),
        sort: vec![Sort::desc("id")],
        limit: LOOKED_AT,
        offset: 0,
        after: None,
        total: false,
    };
    let access = access(caller, &def.id);
    let page = app.store.list(&query, &access).await?;
    let ids: Vec<i64> = page
        .rows
        .iter()
        .filter_map(|row| match row.first() {
            Some(Value::Int(id)) => Some(*id),
            _ => None,
        })
        .collect();
    Ok(app.store.nearest(&def.id, &ids, LOOKED_AT, &access).await?)
}

fn hit(def: &ObjectDef, order: usize, record: Candidate, asked: &Asked) -> Option<(Rank, Hit)> {
    let title = def.title.as_deref();
    let best = rank::best(&record.texts, title, asked)?;
    let text_of = |id: &str| {
        let text = record.texts.iter().find(|(field, _)| field == id);
        text.map(|(_, text)| text.clone())
    };
    let hit = Hit {
        object: def.id.clone(),
        id: record.id,
        title: title.and_then(text_of),
        text: rank::excerpt(&text_of(&best.field)?, asked),
        field: best.field,
        fit: best.fit,
    };
    Some((best.rank.among(order, record.id), hit))
}

//! Whether a record that somebody types is there already. What he may see is
//! told whole; of what he may not, only that it is there, whose it is with the
//! name covered, and how long nobody has spoken to it — and only where the
//! match is sure, so that nobody fishes in what is others'.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use keji_schema::expr::Expr;
use keji_store::{Access, ChangeKind, ListQuery, Sort};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::traits::{self, LISTED, Likeness, Reason, TOLD};
use super::{READER, codes, known, rows_of, traits_of};
use crate::audit::{Event, note};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::permission::{Action, Caller, access, may};

/// As many are told at most; the best ones.
const MOST: usize = 5;

/// Of a caller, in a minute.
const CHECKS: u32 = 120;
/// Records of others that a caller is told of, in an hour.
const UNSEEN: u32 = 40;

/// What a caller asked lately.
#[derive(Debug)]
pub(crate) struct Asked {
    minute: Instant,
    checks: u32,
    hour: Instant,
    unseen: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateCheck {
    /// What is typed so far: field to value, as for a new record. Fields that
    /// do not tell duplicates are left out of account.
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
    /// The record itself, where it is one that is changed.
    pub id: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateAnswer {
    /// The most alike first.
    pub matches: Vec<DuplicateMatch>,
    /// What looks mistyped; it may be stored all the same.
    pub hints: Vec<TypedHint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TypedHint {
    pub field: String,
    pub kind: TypedHintKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypedHintKind {
    /// The last sign of a credit code does not follow from the others.
    WrongCheckSign,
}

/// A record that may be the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateMatch {
    /// Null where the caller may not see it.
    pub id: Option<i64>,
    pub title: Option<String>,
    pub number: Option<String>,
    /// Whether it is so sure that the two should be one.
    pub is_sure: bool,
    pub reasons: Vec<Reason>,
    /// Who looks after it; of a record that the caller may not see, covered:
    /// `张*`. Null where nobody does.
    pub owner: Option<String>,
    /// Days since anybody of us spoke to it; null where nobody ever did.
    pub days_since_contact: Option<i64>,
}

/// The matches of what is typed.
pub async fn check(
    app: &App,
    caller: &Caller,
    object: &str,
    body: &DuplicateCheck,
) -> Result<DuplicateAnswer> {
    let (def, duplicates) = known(app, caller, object, &[])?;
    let may_write = [Action::Create, Action::Update];
    if !may_write.iter().any(|action| may(caller, object, *action)) {
        crate::permission::require(caller, object, Action::Create)?;
    }
    count_check(app, caller)?;
    let own = access(caller, object);
    let fields = duplicates.fields();
    if let Some(name) = body.values.keys().find(|name| {
        let field = def.field(name);
        field.is_none() || own.hides(object, name) && !own.masks(object, name)
    }) {
        let zh = format!("没有字段「{name}」");
        let en = format!("there is no field `{name}`");
        return Err(FieldFault::new(name.as_str(), "unknown_field", zh, en).into());
    }
    let given: Vec<Value> = (fields.iter())
        .map(|field| match body.values.get(*field) {
            Some(Json::String(text)) => Value::from(text.as_str()),
            Some(Json::Number(n)) => n.as_i64().map_or(Value::Null, Value::Int),
            _ => Value::Null,
        })
        .collect();
    // What the caller may not read tells him nothing here, either.
    let is_used = |field: &str| !own.hides(object, field);
    let is_mistyped = |field: &&String| match body.values.get(*field) {
        Some(Json::String(text)) => is_used(field) && codes::is_mistyped(text),
        _ => false,
    };
    let hints = (duplicates.codes.iter().filter(is_mistyped))
        .map(|field| TypedHint {
            field: field.clone(),
            kind: TypedHintKind::WrongCheckSign,
        })
        .collect();
    let typed = traits::traits(def, &given, is_used);
    if typed.is_nothing() {
        return Ok(DuplicateAnswer {
            matches: Vec::new(),
            hints,
        });
    }
    let mut ids = app
        .store
        .sharing_keys(object, &READER, &typed.keys())
        .await?;
    ids.retain(|id| Some(*id) != body.id);
    if let Some(id) = body.id {
        let apart = app.store.told_apart(object, id).await?;
        ids.retain(|id| !apart.contains(id));
    }
    let mut found: Vec<(i64, Likeness)> = Vec::new();
    for (id, other) in traits_of(app, def, duplicates, &ids, is_used).await? {
        if let Some(likeness) = traits::compare(&typed, &other)
            && likeness.score >= TOLD
        {
            found.push((id, likeness));
        }
    }
    found.sort_by_key(|(id, likeness)| (std::cmp::Reverse(likeness.score), *id));
    let ids: Vec<i64> = found.iter().map(|(id, _)| *id).collect();
    let seen = titles(app, def, &ids, &own).await?;
    let mut matches = Vec::new();
    for (id, likeness) in found {
        if matches.len() == MOST {
            break;
        }
        let title = seen.iter().find(|(of, ..)| *of == id);
        let is_seen = title.is_some();
        if !is_seen && likeness.score < LISTED {
            continue;
        }
        if !is_seen {
            tell_unseen(app, caller, object, id, &likeness).await?;
        }
        let owner = owner(app, def, id).await?;
        matches.push(DuplicateMatch {
            id: is_seen.then_some(id),
            title: title.and_then(|(_, title, _)| title.clone()),
            number: title.and_then(|(_, _, number)| number.clone()),
            is_sure: likeness.score >= LISTED,
            reasons: likeness.reasons,
            owner: match is_seen {
                true => owner,
                false => owner.map(|name| covered(&name)),
            },
            days_since_contact: days_since_contact(app, def, id).await?,
        });
    }
    Ok(DuplicateAnswer { matches, hints })
}

/// Id, title and number of those of the records that the caller sees.
pub(super) async fn titles(
    app: &App,
    def: &ObjectDef,
    ids: &[i64],
    access: &Access,
) -> Result<Vec<(i64, Option<String>, Option<String>)>> {
    let shown = |field: &Option<String>| field.clone().filter(|f| access.shows(&def.id, f));
    let (title, number) = (shown(&def.title), shown(&def.number));
    let mut fields = vec!["id".to_owned()];
    fields.extend(title.iter().chain(&number).cloned());
    let mut found = Vec::new();
    for row in rows_of(app, &def.id, fields, ids, access).await? {
        let mut values = row.into_iter();
        let Some(Value::Int(id)) = values.next() else {
            continue;
        };
        let mut text = |is_asked: bool| match is_asked.then(|| values.next()).flatten() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let title = text(title.is_some());
        found.push((id, title, text(number.is_some())));
    }
    Ok(found)
}

/// The first letter of a name.
fn covered(name: &str) -> String {
    let first = name.chars().next().map(String::from);
    format!("{}*", first.unwrap_or_default())
}

/// The name of who looks after a record, or after what it belongs to.
async fn owner(app: &App, def: &ObjectDef, id: i64) -> Result<Option<String>> {
    let is_owned = |def: &ObjectDef| {
        let user = def.field("user");
        user.is_some_and(|f| f.to.as_deref() == Some("user"))
    };
    let path = match is_owned(def) {
        true => "user.name".to_owned(),
        false => {
            let within = def.duplicates.as_ref().and_then(|d| d.within.clone());
            let behind = |link: &String| {
                let to = def.field(link)?.to.as_ref()?;
                app.catalog.objects.get(to).filter(|def| is_owned(def))
            };
            match within.filter(|link| behind(link).is_some()) {
                Some(link) => format!("{link}.user.name"),
                None => return Ok(None),
            }
        }
    };
    let rows = rows_of(app, &def.id, vec![path], &[id], &Access::all()).await?;
    Ok(match rows.into_iter().flatten().next() {
        Some(Value::Text(name)) => Some(name),
        _ => None,
    })
}

async fn days_since_contact(app: &App, def: &ObjectDef, id: i64) -> Result<Option<i64>> {
    let Some(touchpoint) = app.catalog.objects.get("touchpoint") else {
        return Ok(None);
    };
    let link = (touchpoint.fields.iter()).find(|f| f.to.as_deref() == Some(&def.id));
    let (Some(link), Some(_)) = (link, touchpoint.field("held_on")) else {
        return Ok(None);
    };
    let today = app.catalog.calendar.day_of(Timestamp::now());
    let filter = format!("{} = {id} and held_on <= date '{today}'", link.id);
    let query = ListQuery {
        object: touchpoint.id.clone(),
        fields: vec!["held_on".to_owned()],
        filter: Some(Expr::parse_filter(
            &filter,
            &app.catalog.scope(&touchpoint.id),
        )?),
        sort: vec![Sort::desc("held_on")],
        limit: 1,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &Access::all()).await?;
    Ok(match page.rows.into_iter().flatten().next() {
        Some(Value::Date(day)) => today.since(day).ok().map(|span| i64::from(span.get_days())),
        _ => None,
    })
}

/// Counts one more, or says how long to wait.
fn count_check(app: &App, caller: &Caller) -> Result<()> {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let now = Instant::now();
    let mut all = (app.duplicates.asked.lock()).unwrap_or_else(PoisonError::into_inner);
    all.retain(|_, asked| now - asked.hour < hour);
    let asked = all.entry(caller.actor.clone()).or_insert(Asked {
        minute: now,
        checks: 0,
        hour: now,
        unseen: 0,
    });
    if now - asked.minute >= minute {
        (asked.minute, asked.checks) = (now, 0);
    }
    asked.checks += 1;
    let left = |since: Instant, of: Duration| (of - (now - since)).as_secs() + 1;
    if asked.checks > CHECKS {
        let seconds = left(asked.minute, minute);
        return Err(Error::TooMany { seconds });
    }
    if asked.unseen > UNSEEN {
        let seconds = left(asked.hour, hour);
        return Err(Error::TooMany { seconds });
    }
    Ok(())
}

/// That somebody was told of a record which he may not see is in the log,
/// once a day for each.
async fn tell_unseen(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    likeness: &Likeness,
) -> Result<()> {
    let today = app.catalog.calendar.day_of(Timestamp::now());
    let key = (caller.actor.clone(), object.to_owned(), id);
    {
        let mut told = (app.duplicates.told.lock()).unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, day| *day == today);
        if told.insert(key, today).is_some() {
            return Ok(());
        }
    }
    {
        let mut all = (app.duplicates.asked.lock()).unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = all.get_mut(&caller.actor) {
            asked.unseen += 1;
        }
    }
    let by: BTreeSet<Reason> = likeness.reasons.iter().copied().collect();
    let event = Event::new(ChangeKind::Reveal).of(object, Some(id)).with(
        "duplicate_check",
        serde_json::to_value(by).unwrap_or(Json::Null),
    );
    note(app, caller, event).await
}

#[cfg(test)]
mod tests {
    use super::covered;

    #[test]
    fn of_a_name_the_first_letter_stays() {
        assert_eq!(covered("张三丰"), "张*");
        assert_eq!(covered("anna"), "a*");
        assert_eq!(covered(""), "*");
    }
}

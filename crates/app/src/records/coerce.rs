//! Values as JSON gives them, read as the fields want them. Every field that
//! is wrong is told, not only the first.
//!
//! Text may be given for any type, as forms and command lines do; blank text
//! is null, as null is never the empty text. A decimal is text or a number
//! with at most four places; an instant is RFC 3339 or civil time in the
//! calendar's zone; a link is an id or `{ "number": "…" }`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use keji_schema::calendar::is_kept;
use keji_schema::definition::{FieldDef, ObjectDef};
use keji_schema::{Decimal, Type, Value};
use keji_store::{Access, Op, comes_by_itself};
use serde_json::{Map, Value as Json, json};

use super::{LinkDoc, own_user, owner, task};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::messages::phrases;
use crate::permission::{Caller, access, may_write};

/// Characters of a text.
const MAX_TEXT: usize = 10_000;
/// Of one that stands in an index, which takes only some kilobytes.
const MAX_KEY: usize = 500;
/// From here on a float no longer tells four places apart.
const MAX_FLOAT: f64 = 1e11;

/// The values of one record on their way in.
pub(super) struct Draft {
    pub(super) values: Vec<(String, Value)>,
    /// Links that are still to be looked up, by field.
    pub(super) wanted: Vec<(String, Wanted)>,
    pub(super) links: BTreeMap<String, LinkDoc>,
    pub(super) faults: Vec<FieldFault>,
    pub(super) object: String,
}

/// To which record a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Id(i64),
    Number(String),
}

impl Draft {
    pub(super) fn titles(&self) -> BTreeMap<String, LinkDoc> {
        self.links.clone()
    }

    pub(super) fn create(self) -> Result<Op> {
        let values = self.whole()?;
        Ok(Op::Create { values })
    }

    pub(super) fn update(self, id: i64) -> Result<Op> {
        let values = self.whole()?;
        Ok(Op::Update { id, values })
    }

    fn whole(self) -> Result<Vec<(String, Value)>> {
        match self.faults.is_empty() {
            true => Ok(self.values),
            false => Err(Error::from(self.faults)),
        }
    }
}

pub(super) fn create(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    values: &Map<String, Json>,
) -> Draft {
    let access = access(caller, &def.id);
    let mut draft = read(app, &access, def, values);
    draft.values.retain(|(_, value)| !value.is_null());
    if let (Some(owner), Some(user)) = (owner(def), own_user(caller))
        && !values.contains_key(&owner.id)
    {
        draft.wanted.push((owner.id.clone(), Wanted::Id(user)));
    }
    // Whoever enters an order made the sale, where nobody else is named.
    if let (Some(seller), Some(user)) = (seller(def), own_user(caller))
        && !values.contains_key(&seller.id)
        && may_write(caller, &def.id, &seller.id)
    {
        draft.wanted.push((seller.id.clone(), Wanted::Id(user)));
    }
    let is_wrong = |field: &FieldDef| draft.faults.iter().any(|fault| fault.field == field.id);
    let missing = def.fields.iter().filter(|field| {
        let has = draft.values.iter().any(|(f, _)| *f == field.id)
            || draft.wanted.iter().any(|(f, _)| *f == field.id);
        // A number that is not given is counted on.
        let comes = comes_by_itself(&def.id, &field.id);
        field.required
            && !comes
            && !has
            && def.number.as_ref() != Some(&field.id)
            && !is_wrong(field)
    });
    let missing: Vec<FieldFault> = missing.map(|field| required(&field.id)).collect();
    draft.faults.extend(missing);
    draft
}

fn seller(def: &ObjectDef) -> Option<&FieldDef> {
    def.field("seller").filter(|_| def.id == "order")
}

pub(super) fn update(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    values: &Map<String, Json>,
) -> Draft {
    let access = access(caller, &def.id);
    let mut draft = read(app, &access, def, values);
    let is_required = |id: &str| def.field(id).is_some_and(|f| f.required);
    let cleared = draft
        .values
        .iter()
        .filter(|(id, v)| v.is_null() && is_required(id));
    let cleared: Vec<FieldFault> = cleared.map(|(id, _)| required(id)).collect();
    draft.faults.extend(cleared);
    draft
}

fn read(app: &App, access: &Access, def: &ObjectDef, values: &Map<String, Json>) -> Draft {
    let mut draft = Draft {
        values: Vec::new(),
        wanted: Vec::new(),
        links: BTreeMap::new(),
        faults: Vec::new(),
        object: def.id.clone(),
    };
    for (id, given) in values {
        let field = def.field(id).filter(|_| !access.hides(&def.id, id));
        let Some(field) = field else {
            let seen = def.fields.iter().filter(|f| !access.hides(&def.id, &f.id));
            let all: Vec<&str> = seen.map(|f| f.id.as_str()).collect();
            let all = all.join(", ");
            let zh = format!("没有这个字段；可用的有 {all}");
            let en = format!("there is no such field; there are {all}");
            draft
                .faults
                .push(FieldFault::new(id, "unknown_field", zh, en));
            continue;
        };
        let is_key = field.unique || def.indexes.iter().flatten().any(|indexed| indexed == id);
        let instant = |civil| app.catalog.calendar.instant_of(civil).ok();
        match value(field, given, is_key, instant) {
            Ok(Read::Value(value)) => draft.values.push((id.clone(), value)),
            Ok(Read::Link(wanted)) => draft.wanted.push((id.clone(), wanted)),
            Err(fault) => draft.faults.push(fault),
        }
    }
    if def.id == task::OBJECT {
        task::complete(app, def, &mut draft, values);
    }
    draft
}

#[derive(Debug, PartialEq)]
pub(super) enum Read {
    Value(Value),
    Link(Wanted),
}

/// One value. `instant` reads civil time in the calendar's zone.
pub(super) fn value(
    field: &FieldDef,
    given: &Json,
    is_key: bool,
    instant: impl Fn(DateTime) -> Option<Timestamp>,
) -> std::result::Result<Read, FieldFault> {
    let is_blank = given.as_str().is_some_and(|text| text.trim().is_empty());
    if given.is_null() || is_blank {
        return Ok(Read::Value(Value::Null));
    }
    let text = given.as_str().map(str::trim);
    let wrong = || not_a(field, given);
    let read = match field.kind {
        Type::Text => {
            let text = text.ok_or_else(wrong)?;
            let max = if is_key { MAX_KEY } else { MAX_TEXT };
            if text.contains('\0') {
                let (zh, en) = ("不能含有零字符", "it holds a zero character");
                return Err(FieldFault::new(&field.id, "value", zh, en));
            }
            if text.chars().count() > max {
                let zh = format!("最多 {max} 个字符");
                let en = format!("it has more than {max} characters");
                return Err(FieldFault::new(&field.id, "too_long", zh, en));
            }
            Value::Text(text.to_owned())
        }
        Type::Choice => {
            let word = text.ok_or_else(wrong)?;
            if !field.options.iter().any(|option| option.value == word) {
                let all: Vec<&str> = field.options.iter().map(|o| o.value.as_str()).collect();
                let (all, word) = (all.join(", "), short(given));
                let zh = format!("没有选项 `{word}`；可选 {all}");
                let en = format!("there is no option `{word}`; there are {all}");
                return Err(FieldFault::new(&field.id, "option", zh, en));
            }
            Value::Text(word.to_owned())
        }
        Type::Int => {
            let parsed = text.and_then(|text| text.parse().ok());
            Value::Int(given.as_i64().or(parsed).ok_or_else(wrong)?)
        }
        Type::Decimal => Value::Decimal(decimal(field, given)?),
        Type::Float => {
            let parsed = text.and_then(|text| text.parse().ok());
            let x = given.as_f64().or(parsed).filter(|x: &f64| x.is_finite());
            Value::Float(x.ok_or_else(wrong)?)
        }
        Type::Bool => match (given, text) {
            (Json::Bool(b), _) => Value::Bool(*b),
            (_, Some("true")) => Value::Bool(true),
            (_, Some("false")) => Value::Bool(false),
            _ => return Err(wrong()),
        },
        Type::Date => {
            // Other forms of ISO 8601 are read as other days by other programs.
            let day = text.filter(|text| text.len() == 10);
            let day = day.and_then(|text| text.parse::<Date>().ok());
            Value::Date(day.ok_or_else(wrong)?)
        }
        Type::Instant => {
            let text = text.ok_or_else(wrong)?;
            let zoned = text.parse::<Timestamp>().ok();
            let civil = || text.parse::<DateTime>().ok().and_then(instant);
            let at = zoned.or_else(civil).filter(|at| is_kept(*at));
            let at = at.ok_or_else(wrong)?;
            // Microseconds are what is kept.
            Value::Instant(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
        }
        Type::Link => return link(field, given).map(Read::Link),
    };
    Ok(Read::Value(read))
}

fn link(field: &FieldDef, given: &Json) -> std::result::Result<Wanted, FieldFault> {
    let parsed = given.as_str().and_then(|text| text.trim().parse().ok());
    if let Some(id) = given.as_i64().or(parsed) {
        return Ok(Wanted::Id(id));
    }
    let number = given.as_object().filter(|map| map.len() == 1);
    let number = number.and_then(|map| map.get("number")?.as_str());
    // No text has a zero character, and not every database is asked for one.
    let number = number.map(str::trim).filter(|n| !n.contains('\0'));
    match number.filter(|number| !number.is_empty()) {
        Some(number) => Ok(Wanted::Number(number.to_owned())),
        None => {
            let zh = "要写 id（整数）或 `{ \"number\": \"…\" }`";
            let en = "it must be an id or `{ \"number\": \"…\" }`";
            Err(FieldFault::new(&field.id, "link", zh, en))
        }
    }
}

fn decimal(field: &FieldDef, given: &Json) -> std::result::Result<Decimal, FieldFault> {
    let text = match given {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(n) if n.is_f64() => {
            let x = n.as_f64().unwrap_or_default();
            if x.abs() >= MAX_FLOAT {
                let zh = "这么大的数要写成文本，例如 \"123456789012.34\"，否则会丢失小数";
                let en = "a number as large as this must be text, such as \"123456789012.34\", or places are lost";
                return Err(FieldFault::new(&field.id, "value", zh, en));
            }
            // Never with an exponent.
            x.to_string()
        }
        Json::Number(n) => n.to_string(),
        _ => return Err(not_a(field, given)),
    };
    let places = text.split_once('.').map_or("", |(_, places)| places);
    let has_exponent = text.contains(['e', 'E']);
    if has_exponent {
        return Err(not_a(field, given));
    }
    let number: Decimal = text.parse().map_err(|_| not_a(field, given))?;
    if places.trim_end_matches('0').len() > 4 {
        let zh = "小数最多四位";
        let en = "it has more than four places behind the point";
        return Err(FieldFault::new(&field.id, "value", zh, en));
    }
    Ok(number)
}

fn not_a(field: &FieldDef, given: &Json) -> FieldFault {
    let (given, en) = (short(given), field.kind.name());
    let how = match field.kind {
        Type::Date => ["，要写成 2026-01-31", " such as 2026-01-31"],
        Type::Instant => [
            "，要写成 2026-01-31T09:30:00Z 或 2026-01-31 09:30",
            " such as 2026-01-31T09:30:00Z or 2026-01-31 09:30",
        ],
        _ => ["", ""],
    };
    let zh = phrases::word(en).unwrap_or(en);
    FieldFault::new(
        &field.id,
        "value",
        format!("`{given}` 不是{zh}{}", how[0]),
        format!("`{given}` is not a {en}{}", how[1]),
    )
}

pub(super) fn required(field: &str) -> FieldFault {
    FieldFault::new(field, "required", "必须填写", "it is required")
}

/// As it was given, but no longer than a line, and without what would end the
/// quotation.
fn short(given: &Json) -> String {
    let text = given
        .as_str()
        .map_or_else(|| given.to_string(), str::to_owned);
    let mut short: String = text.chars().take(60).filter(|c| *c != '`').collect();
    if text.chars().count() > 60 {
        short.push('…');
    }
    short
}

/// What `field=value` of a command line says as JSON: `customer.number=K1` is
/// a link by number, all else text, which every type reads.
pub fn text_form(pair: &str) -> Option<(String, Json)> {
    let (field, value) = pair.split_once('=')?;
    let field = field.trim();
    Some(match field.strip_suffix(".number") {
        Some(link) => (link.to_owned(), json!({ "number": value })),
        None => (field.to_owned(), json!(value)),
    })
}

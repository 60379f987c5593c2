//! Records of a list counted and added up by one of their fields: what its
//! chart shows, and the heads of its board.

use std::collections::BTreeSet;

use keji_schema::calendar::Grain;
use keji_schema::definition::{FieldDef, ObjectDef};
use keji_schema::{Type, Value};
use keji_store::{Group, GroupQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

use super::{Paths, as_id, json, known, links};
use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::messages::Language;
use crate::permission::{Action, Caller, access};

/// More groups than this come as one, `other`.
pub const MAX_GROUPS: u32 = 50;

/// Which records, grouped by what.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GroupRecords {
    /// A field, also over links (`stage.kind`): a choice, a link, a text, yes
    /// or no, or a date or time, which is grouped by month.
    pub by: String,
    /// A decimal or whole number to add up.
    pub sum: Option<String>,
    /// Of a date or time: `month`, also where nothing is said.
    #[param(inline)]
    pub grain: Option<Grain>,
    /// As in `list_records`.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// As in `list_records`.
    pub search: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RecordGroups {
    /// At most 50: of months the newest, in the order of time; of others those
    /// with the largest sum or the most records, largest first. The group
    /// without a value comes last.
    pub groups: Vec<RecordGroup>,
    /// The groups that are not among them.
    pub other: Option<OtherGroups>,
    /// How many records there are in all groups.
    pub count: i64,
    /// Of all groups; null as in each.
    pub sum: Option<String>,
    /// The one currency of what was added up, where it is money and that is
    /// known.
    pub currency: Option<String>,
    /// The sums would be over several currencies, or nobody can tell: they are
    /// null.
    pub is_mixed: bool,
    /// Whether there may be records that the caller does not see.
    pub is_partial: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RecordGroup {
    /// As in a record; of a month its first day; null for the records without
    /// a value.
    #[schema(value_type = Value)]
    pub value: Json,
    /// For people, in the language of the request. Null for a link to what the
    /// caller does not see.
    pub label: Option<String>,
    pub count: i64,
    /// Exact. Null where none of the records has a value, which is not zero.
    pub sum: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OtherGroups {
    pub n_groups: i64,
    pub count: i64,
    pub sum: Option<String>,
}

/// The groups of the records that a list with the same condition shows.
pub async fn groups(
    app: &App,
    caller: &Caller,
    object: &str,
    wanted: &GroupRecords,
    language: Language,
) -> Result<RecordGroups> {
    let def = known(app, caller, object, Action::Read)?;
    let access = access(caller, object);
    let paths = Paths {
        app,
        caller,
        access: &access,
        def,
    };
    let by = grouped(&paths, wanted)?;
    let sum = summed(&paths, wanted.sum.as_deref())?;
    let is_money = sum.is_some_and(|field| field.unit.as_deref() == Some("money"));
    let unit = is_money.then(|| currency_path(app, def)).flatten();
    // Whoever may not see the currency cannot be told that it is one.
    let is_unit_seen = unit.iter().all(|path| paths.check("sum", path).is_ok());
    let search = wanted.search.clone().filter(|s| !s.trim().is_empty());
    if search.is_some() {
        crate::spelling::follow(app).await?;
    }
    let query = GroupQuery {
        object: object.to_owned(),
        filter: paths.filter(wanted.filter.as_deref())?,
        search,
        by: wanted.by.trim().to_owned(),
        sum: sum.and(wanted.sum.clone()),
        unit: unit.filter(|_| is_unit_seen),
        limit: MAX_GROUPS,
    };
    let found = app.store.groups(&query, &access).await?;

    let mut units = BTreeSet::new();
    for unit in &found.units {
        units.insert(match unit {
            Value::Text(unit) => Some(unit.clone()),
            // What says nothing of its currency is in that of the orders.
            _ => app.currency(caller).await?,
        });
    }
    let is_mixed = is_money && (units.len() > 1 || !is_unit_seen);
    let told = |sum: &Value| match sum {
        _ if is_mixed => None,
        Value::Decimal(d) => Some(d.to_string()),
        Value::Int(n) => Some(n.to_string()),
        _ => None,
    };

    let mut shown = found.groups;
    // The store puts what has no value first, and of months the newest.
    if shown.first().is_some_and(|group| group.key.is_null()) {
        shown.rotate_left(1);
    }
    if matches!(by.kind, Type::Date | Type::Instant) {
        let n = shown.iter().filter(|group| !group.key.is_null()).count();
        shown[..n].reverse();
    }
    let total = found.total.unwrap_or(Group {
        key: Value::Null,
        count: 0,
        sum: Value::Null,
        n_summed: 0,
    });
    let n_other = found.n_groups - i64::try_from(shown.len()).unwrap_or(i64::MAX);
    let other = (n_other > 0).then(|| {
        let rest = rest(&total, &shown);
        OtherGroups {
            n_groups: n_other,
            count: rest.count,
            sum: told(&rest.sum),
        }
    });
    let titles = match &by.to {
        Some(to) => {
            let ids = shown.iter().filter_map(|group| as_id(&group.key)).collect();
            links::titles(app, caller, to, ids).await?
        }
        None => Default::default(),
    };
    let label = |key: &Value| match (key, by.kind) {
        (Value::Null, _) => Some(language.pick("（空）", "(empty)").to_owned()),
        (Value::Int(id), Type::Link) => titles.get(id).and_then(|link| link.title.clone()),
        (Value::Text(text), _) => {
            let option = by.options.iter().find(|o| o.value == *text);
            let named = option.map_or(text.as_str(), |o| language.pick(&o.zh, &o.en));
            Some(named.to_owned())
        }
        (Value::Bool(yes), _) => {
            let word = match yes {
                true => language.pick("是", "Yes"),
                false => language.pick("否", "No"),
            };
            Some(word.to_owned())
        }
        (Value::Date(day), _) => Some(day.strftime("%Y-%m").to_string()),
        _ => None,
    };
    Ok(RecordGroups {
        groups: shown
            .iter()
            .map(|group| RecordGroup {
                value: json(&group.key),
                label: label(&group.key),
                count: group.count,
                sum: told(&group.sum),
            })
            .collect(),
        other,
        count: total.count,
        sum: told(&total.sum),
        currency: units.into_iter().flatten().next().filter(|_| !is_mixed),
        is_mixed,
        is_partial: access.predicate.is_some(),
    })
}

/// The field to group by, of a kind that can be.
fn grouped<'a>(paths: &'a Paths<'_>, wanted: &GroupRecords) -> Result<&'a FieldDef> {
    let field = paths.check("by", wanted.by.trim())?;
    let is_grouped =
        |field: &&FieldDef| !matches!(field.kind, Type::Decimal | Type::Int | Type::Float);
    let field = field.filter(is_grouped).ok_or_else(|| {
        let zh = "只能按选项、关联、文本、是否或日期分组";
        let en = "records are grouped by a choice, link, text, yes or no, or date";
        FieldFault::new("by", "value", zh, en)
    })?;
    let is_time = matches!(field.kind, Type::Date | Type::Instant);
    match wanted.grain {
        None => Ok(field),
        Some(Grain::Month) if is_time => Ok(field),
        Some(_) => {
            let zh = "只有日期和时间可以按 `month` 分组";
            let en = "it must be `month`, of a date or time";
            Err(FieldFault::new("grain", "value", zh, en).into())
        }
    }
}

fn summed<'a>(paths: &'a Paths<'_>, wanted: Option<&str>) -> Result<Option<&'a FieldDef>> {
    let Some(path) = wanted.filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let field = paths.check("sum", path)?;
    let field = field.filter(|f| matches!(f.kind, Type::Decimal | Type::Int));
    // A record's own: over a link the same amount would be counted twice.
    let field = field.filter(|_| !path.contains('.'));
    let field = field.ok_or_else(|| {
        let zh = "只能合计这个对象自己的数字字段";
        let en = "only a number of the object's own is added up";
        FieldFault::new("sum", "value", zh, en)
    })?;
    Ok(Some(field))
}

/// Where the currency of an object's money stands: at the record itself, or
/// at what it is a part of.
fn currency_path(app: &App, def: &ObjectDef) -> Option<String> {
    const CURRENCY: &str = "currency";
    if def.field(CURRENCY).is_some() {
        return Some(CURRENCY.to_owned());
    }
    let has_currency = |f: &&FieldDef| {
        let to = f.to.as_ref().and_then(|to| app.catalog.objects.get(to));
        f.required && to.is_some_and(|to| to.field(CURRENCY).is_some())
    };
    let whole = def.fields.iter().find(has_currency)?;
    Some(format!("{}.{CURRENCY}", whole.id))
}

/// What is in the total and not in the groups shown.
fn rest(total: &Group, shown: &[Group]) -> Group {
    let (mut rest, mut sum) = (total.clone(), units(&total.sum));
    for group in shown {
        rest.count -= group.count;
        rest.n_summed -= group.n_summed;
        sum -= units(&group.sum);
    }
    rest.sum = match (&total.sum, i64::try_from(sum)) {
        (Value::Decimal(_), Ok(sum)) if rest.n_summed > 0 => {
            Value::Decimal(keji_schema::Decimal::from_units(sum))
        }
        (Value::Int(_), Ok(sum)) if rest.n_summed > 0 => Value::Int(sum),
        _ => Value::Null,
    };
    rest
}

fn units(sum: &Value) -> i128 {
    match sum {
        Value::Decimal(d) => d.units().into(),
        Value::Int(n) => (*n).into(),
        _ => 0,
    }
}

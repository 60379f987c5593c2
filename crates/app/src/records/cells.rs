//! Cells as people write them and as spreadsheets copy them: numbers with
//! commas, days with slashes, choices by their words, links by number or
//! name. Each becomes what `coerce` reads, which says what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::definition::{FieldDef, ObjectDef};
use keji_schema::{Decimal, Type, Value};
use serde_json::{Map, Value as Json, json};

use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::import::parse::{self, DateFormat};
use crate::import::plain::rows::is_yes;
use crate::permission::{Action, Caller, access, require};

/// What a text of a link column leads to.
enum Target {
    One(i64),
    Several,
    None,
}

/// The links of a table by field and text, looked up once for all rows.
pub(super) struct LinkTexts(BTreeMap<String, BTreeMap<String, Target>>);

impl LinkTexts {
    /// By number, else by title where only one has it; of records that the
    /// caller may see.
    pub(super) async fn find<'a>(
        app: &App,
        caller: &Caller,
        def: &ObjectDef,
        cells: impl Iterator<Item = (&'a str, &'a Json)>,
    ) -> Result<LinkTexts> {
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (field, cell) in cells {
            let is_link = def.field(field).is_some_and(|f| f.kind == Type::Link);
            if let (true, Json::String(text)) = (is_link, cell)
                && !text.trim().is_empty()
                && !text.contains('\0')
            {
                wanted.entry(field).or_default().insert(text.trim());
            }
        }
        let mut all = BTreeMap::new();
        for (field, texts) in wanted {
            let to = def.field(field).and_then(|f| f.to.as_deref());
            let Some(target) = to.and_then(|to| app.catalog.objects.get(to)) else {
                continue;
            };
            let mut found: BTreeMap<String, Target> = BTreeMap::new();
            let own = access(caller, &target.id);
            let keys = [&target.number, &target.title];
            for key in keys.into_iter().flatten() {
                let may_read = require(caller, &target.id, Action::Read).is_ok()
                    && !own.hides(&target.id, key);
                let left: Vec<&str> = (texts.iter().copied())
                    .filter(|text| !found.contains_key(*text))
                    .collect();
                if !may_read || left.is_empty() {
                    continue;
                }
                let records = app.store.find_by_text(&target.id, key, &left, &[], &own);
                for (text, records) in records.await? {
                    let target = match records.as_slice() {
                        [] => continue,
                        [one] => Target::One(one.id),
                        _ => Target::Several,
                    };
                    found.insert(text, target);
                }
            }
            all.insert(field.to_owned(), found);
        }
        Ok(LinkTexts(all))
    }

    fn get(&self, field: &FieldDef, text: &str) -> &Target {
        let found = self.0.get(&field.id).and_then(|all| all.get(text.trim()));
        found.unwrap_or(&Target::None)
    }
}

/// One row's cells as values for `coerce`. What is no text is taken as it is,
/// and null means that the cell is left alone.
pub(super) fn values(
    app: &App,
    def: &ObjectDef,
    fields: &[String],
    cells: &[Json],
    links: &LinkTexts,
) -> (Map<String, Json>, Vec<FieldFault>) {
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for (id, cell) in fields.iter().zip(cells) {
        if cell.is_null() {
            continue;
        }
        let read = match (def.field(id), cell) {
            (Some(field), Json::String(text)) => read(app, field, text, links),
            (_, cell) => Ok(cell.clone()),
        };
        match read {
            Ok(value) => drop(values.insert(id.clone(), value)),
            Err(fault) => faults.push(fault),
        }
    }
    (values, faults)
}

/// What cannot be read stays as it is written: `coerce` says what is wrong.
fn read(
    app: &App,
    field: &FieldDef,
    cell: &str,
    links: &LinkTexts,
) -> std::result::Result<Json, FieldFault> {
    if field.kind == Type::Text {
        return Ok(json!(cell.replace("\r\n", "\n")));
    }
    let Some(text) = parse::text(cell) else {
        return Ok(Json::Null);
    };
    let as_written = || json!(cell);
    Ok(match field.kind {
        Type::Choice => {
            let word = text.to_lowercase();
            let option = field.options.iter().find(|option| {
                let words = [&option.value, &option.zh, &option.en];
                words.iter().any(|w| w.to_lowercase() == word)
            });
            let Some(option) = option else {
                let all = |which: fn(&keji_schema::definition::OptionDef) -> &str| {
                    let words: Vec<&str> = field.options.iter().map(which).collect();
                    words.join("、")
                };
                let zh = format!("没有选项“{text}”；可选 {}", all(|o| &o.zh));
                let en = all(|o| &o.en).replace('、', ", ");
                let en = format!("there is no option “{text}”; there are {en}");
                return Err(FieldFault::new(&field.id, "option", zh, en));
            };
            json!(option.value)
        }
        Type::Int | Type::Decimal | Type::Float => match number(field, &text) {
            Some(number) => json!(plain(number)),
            None => as_written(),
        },
        Type::Bool => is_yes(&text).map_or_else(as_written, |yes| json!(yes)),
        Type::Date | Type::Instant => {
            let Ok(written) = parse::date_in(text.trim(), DateFormat::Ymd, None) else {
                return Ok(as_written());
            };
            if field.kind == Type::Date {
                return Ok(json!(written.civil.date().to_string()));
            }
            let at = match written.offset_s {
                None => app.catalog.calendar.instant_of(written.civil).ok(),
                Some(seconds) => jiff::tz::Offset::from_seconds(seconds)
                    .and_then(|offset| offset.to_timestamp(written.civil))
                    .ok(),
            };
            at.map_or_else(as_written, |at| json!(at.to_string()))
        }
        Type::Link => match links.get(field, cell) {
            Target::One(id) => json!(id),
            Target::Several => {
                let zh = format!("有几条都叫“{text}”，请写编号");
                let en = format!("several are called “{text}”: give the number");
                return Err(FieldFault::new(&field.id, "several", zh, en));
            }
            Target::None => {
                let to = field
                    .to
                    .as_deref()
                    .and_then(|to| app.catalog.objects.get(to));
                let (zh, en) = to.map_or(("记录", "record"), |to| (&to.name.zh, &to.name.en));
                let zh = format!("没有编号或名称为“{text}”的{zh}");
                let en = format!("no {} has the number or name “{text}”", en.to_lowercase());
                return Err(FieldFault::new(&field.id, "link", zh, en));
            }
        },
        Type::Text => as_written(),
    })
}

/// A share may be written as a percentage.
fn number(field: &FieldDef, text: &str) -> Option<Decimal> {
    let whole = text.trim_end_matches(['%', '％']);
    let is_percent = whole.len() < text.len();
    if is_percent && field.unit.as_deref() != Some("pct") {
        return None;
    }
    let number = parse::number(whole).ok()?;
    Some(match is_percent {
        true => Decimal::from_units(number.units() / 100),
        false => number,
    })
}

/// Without places where there are none, as a whole number is read.
fn plain(number: Decimal) -> String {
    let value = Value::Decimal(number);
    let text = crate::error::shown(&value);
    match text.split_once('.') {
        Some((whole, places)) if places.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => text,
    }
}

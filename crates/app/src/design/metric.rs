//! A metric of one's own as a form shows it, to a definition file and back.
//! What a form does not show, such as benchmarks, stays as it is; a metric that
//! is made otherwise than the form can say is changed as a file.

use std::collections::BTreeMap;

use keji_metrics::examples::run_examples;
use keji_schema::calendar::Grain;
use keji_schema::definition::ObjectDef;
use keji_schema::metric::{
    Direction, Example, Measure, MetricDef, PERIOD_DAYS, Term, Unit, Window,
};
use keji_schema::role::Admin;
use keji_schema::{Catalog, Type};
use serde::{Deserialize, Serialize};
use toml::{Table, Value as Toml};
use utoipa::ToSchema;

use super::draft::{TextDraft, id_of, named, short, text_of};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::messages::phrases;
use crate::permission::{Caller, require_admin};

const MAX_RECORDS: usize = 200;
/// Where those go that are made here, and the group that they are listed in.
const GROUP: &str = "own";

/// A metric of one's own; exactly one of `measure`, `ratio` and `formula`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricDraft {
    pub name: TextDraft,
    #[serde(default)]
    pub about: TextDraft,
    pub unit: Unit,
    pub direction: Direction,
    /// The finest period for which the number is honest; absent: a day.
    #[serde(default)]
    pub grain_min: Option<Grain>,
    /// With fewer cases behind it a value is marked as small.
    #[serde(default)]
    pub min_n: Option<u32>,
    /// The role that answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub measure: Option<MeasureDraft>,
    #[serde(default)]
    pub ratio: Option<RatioDraft>,
    /// `+ - * /`, numbers and brackets over the ids of other metrics.
    #[serde(default)]
    pub formula: Option<String>,
    pub example: ExampleDraft,
}

/// One aggregate over one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureDraft {
    /// `count`, `sum`, `count_distinct`, `avg`, `min`, `max`, `median`, `p75`
    /// or `p90`.
    pub agg: String,
    /// The object whose records are counted or summed.
    pub from: String,
    /// What is aggregated; nothing, where records are counted.
    #[serde(default)]
    pub expr: Option<String>,
    /// Which records take part.
    #[serde(default, rename = "where")]
    pub filter: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatioDraft {
    pub num: MeasureDraft,
    pub den: MeasureDraft,
}

/// A few records, and what the metric is over a span of days. It is computed
/// before the metric is taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleDraft {
    #[serde(default)]
    pub about: TextDraft,
    pub given: Vec<GivenDraft>,
    #[schema(format = Date)]
    pub from: String,
    /// The day after the last one.
    #[schema(format = Date)]
    pub to: String,
    /// Null: there is no value.
    pub is: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenDraft {
    pub object: String,
    /// Field → value as text. A link is the number of what it leads to, or its
    /// position from 1.
    pub rows: Vec<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricEdit {
    /// Absent: a new metric, named after its name.
    #[serde(default)]
    pub id: Option<String>,
    /// Null removes it.
    pub draft: Option<MetricDraft>,
}

/// A metric that was defined here.
#[derive(Debug, Serialize, ToSchema)]
pub struct DesignedMetric {
    pub id: String,
    pub name: TextDraft,
    pub version: u32,
    pub formula: String,
}

/// One of them as it may be changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricDesign {
    /// Of all definitions.
    pub version: i64,
    pub id: String,
    /// Of the metric.
    pub metric_version: u32,
    /// Null, where it is made otherwise than a form can say.
    pub draft: Option<MetricDraft>,
    /// The definition file.
    pub text: String,
}

/// Those that were defined here.
pub(super) fn list(catalog: &Catalog) -> Vec<DesignedMetric> {
    let own = catalog.designed.keys().filter_map(|path| id_at(path));
    let metrics = own.filter_map(|id| catalog.metrics.get(id));
    metrics
        .map(|metric| DesignedMetric {
            id: metric.id.clone(),
            name: (&metric.name).into(),
            version: metric.version,
            formula: metric.formula(),
        })
        .collect()
}

/// One metric that was defined here.
///
/// # Errors
/// It is none of those, or the caller may not design.
pub fn metric(app: &App, caller: &Caller, id: &str) -> Result<MetricDesign> {
    require_admin(caller, Admin::Design)?;
    let catalog = &app.catalog;
    let found = (catalog.metrics.get(id)).zip(path_of(&catalog.designed, id));
    let (metric, path) = found.ok_or_else(|| Error::not_found("metric", id))?;
    Ok(MetricDesign {
        version: app.design,
        id: metric.id.clone(),
        metric_version: metric.version,
        draft: draft(metric),
        text: catalog.designed[path].clone(),
    })
}

/// The file of an edit: its path, its text (nothing: it goes), the id.
pub(super) fn file(
    catalog: &Catalog,
    files: &BTreeMap<String, String>,
    edit: &MetricEdit,
    at: usize,
) -> Result<(String, Option<String>, String)> {
    let place = format!("metrics[{at}]");
    let id = match (&edit.id, &edit.draft) {
        (Some(id), _) => id.clone(),
        (None, Some(draft)) => id_of(&draft.name, "", |id| {
            catalog.metrics.contains_key(id) || path_of(files, id).is_some()
        }),
        (None, None) => String::new(),
    };
    let path = match (path_of(files, &id), &edit.id) {
        (Some(path), _) => path.clone(),
        (None, None) if edit.draft.is_some() => format!("metrics/{GROUP}/{id}.toml"),
        (None, _) => {
            let (zh, en) = match catalog.metrics.contains_key(&id) {
                true => (
                    "它不是在这里定义的，不能改",
                    "it was not defined here, so it cannot be changed",
                ),
                false => ("没有这个指标", "there is no such metric"),
            };
            return Err(FieldFault::new(format!("{place}.id"), "value", zh, en).into());
        }
    };
    let Some(draft) = &edit.draft else {
        return Ok((path, None, id));
    };
    let old = files.get(&path).map(|text| read(text)).transpose()?;
    let mut table = table(catalog, old.clone().unwrap_or_default(), draft, &place)?;
    // Who cites a version of a metric cites what it meant then.
    let version = old
        .as_ref()
        .and_then(|old| old.get("version")?.as_integer());
    let same = version.unwrap_or(1);
    table.insert("version".to_owned(), Toml::Integer(same));
    match old {
        Some(old) if old == table => return Ok((path.clone(), files.get(&path).cloned(), id)),
        Some(_) => drop(table.insert("version".to_owned(), Toml::Integer(same + 1))),
        None => {}
    }
    Ok((path, Some(text_of(&table)?), id))
}

/// The examples of the metrics that are new or say something else now.
pub(super) async fn check_examples(app: &App, new: &Catalog) -> Result<()> {
    let changed = |(path, text): &(&String, &String)| app.catalog.designed.get(*path) != Some(text);
    for (path, _) in new.designed.iter().filter(changed) {
        let Some(metric) = id_at(path).and_then(|id| new.metrics.get(id)) else {
            continue;
        };
        for outcome in run_examples(&app.engine, new, metric).await {
            let Some(failure) = outcome.failure else {
                continue;
            };
            // One number reads better without the brackets of a table.
            let failure = failure.replace("[[\"", "").replace("\"]]", "");
            let said = phrases::chinese(&failure).unwrap_or_else(|| failure.clone());
            let (zh, en) = (
                format!("指标“{}”的算例对不上：{said}", metric.name.zh),
                format!(
                    "the example of “{}” does not come out: {failure}",
                    metric.name.en
                ),
            );
            let place = format!("{}.example", metric.id);
            return Err(FieldFault::new(place, "example", zh, en).into());
        }
    }
    Ok(())
}

fn id_at(path: &str) -> Option<&str> {
    let (_, id) = path.strip_prefix("metrics/")?.split_once('/')?;
    id.strip_suffix(".toml")
}

fn path_of<'a>(files: &'a BTreeMap<String, String>, id: &str) -> Option<&'a String> {
    files.keys().find(|path| id_at(path) == Some(id))
}

fn read(text: &str) -> Result<Table> {
    text.parse::<Table>()
        .map_err(|e| Error::Internal(e.to_string()))
}

/// The file's table: `old` with what the form says.
fn table(catalog: &Catalog, old: Table, draft: &MetricDraft, place: &str) -> Result<Table> {
    let mut faults = Vec::new();
    named(&mut faults, &format!("{place}.name"), &draft.name);
    short(&mut faults, &format!("{place}.about"), &draft.about);
    short(
        &mut faults,
        &format!("{place}.example.about"),
        &draft.example.about,
    );
    let n_kinds = [
        draft.measure.is_some(),
        draft.ratio.is_some(),
        draft.formula.is_some(),
    ];
    if n_kinds.iter().filter(|is_there| **is_there).count() != 1 {
        let zh = "一个数、一个比率、一个公式，要而且只能有一种";
        let en = "there must be one of a measure, a ratio and a formula";
        faults.push(FieldFault::new(format!("{place}.measure"), "value", zh, en));
    }
    let n_records: usize = draft
        .example
        .given
        .iter()
        .map(|given| given.rows.len())
        .sum();
    if n_records > MAX_RECORDS {
        let zh = format!("算例最多 {MAX_RECORDS} 条记录");
        let en = format!("an example has at most {MAX_RECORDS} records");
        faults.push(FieldFault::new(
            format!("{place}.example.given"),
            "too_long",
            zh,
            en,
        ));
    }
    let given = given(catalog, draft, place, &mut faults);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    // What a file may leave out, and one that stands for a later day, stay so.
    let finest = draft.grain_min;
    let finest = finest.filter(|grain| *grain != Grain::Day || old.contains_key("grain_min"));
    let as_of = as_of(&old, &draft.example.to);
    let mut table = old;
    let mut set = |key: &str, value: Option<Toml>| match value {
        Some(value) => drop(table.insert(key.to_owned(), value)),
        None => drop(table.remove(key)),
    };
    let text = |draft: &TextDraft| {
        let both = draft.text();
        Toml::Table(Table::from_iter([
            ("zh".to_owned(), Toml::String(both.zh)),
            ("en".to_owned(), Toml::String(both.en)),
        ]))
    };
    let string = |text: &str| Toml::String(text.to_owned());
    set("name", Some(text(&draft.name)));
    let about = if draft.about.is_empty() {
        &draft.name
    } else {
        &draft.about
    };
    set("about", Some(text(about)));
    set("unit", Some(string(draft.unit.name())));
    set("direction", Some(string(direction(draft.direction))));
    set("grain_min", finest.map(|grain| string(grain.name())));
    set("min_n", draft.min_n.map(|n| Toml::Integer(n.into())));
    set("owner", draft.owner.as_deref().map(string));
    for kind in ["cohort", "conversion"] {
        set(kind, None);
    }
    set("measure", draft.measure.as_ref().map(measure));
    set(
        "ratio",
        draft.ratio.as_ref().map(|ratio| {
            Toml::Table(Table::from_iter([
                ("num".to_owned(), measure(&ratio.num)),
                ("den".to_owned(), measure(&ratio.den)),
            ]))
        }),
    );
    set("derived", draft.formula.as_deref().map(derived));
    let mut example = Table::from_iter([
        ("as_of".to_owned(), string(&as_of)),
        ("from".to_owned(), string(&draft.example.from)),
        ("to".to_owned(), string(&draft.example.to)),
        ("given".to_owned(), Toml::Table(given)),
    ]);
    let is = draft
        .example
        .is
        .as_deref()
        .map(str::trim)
        .filter(|is| !is.is_empty());
    let row = Toml::Array(vec![string(is.unwrap_or("null"))]);
    example.insert("rows".to_owned(), Toml::Array(vec![row]));
    if !draft.example.about.is_empty() {
        example.insert("about".to_owned(), text(&draft.example.about));
    }
    set("example", Some(Toml::Array(vec![Toml::Table(example)])));
    if !table.contains_key("code") {
        table.insert("code".to_owned(), string("O1"));
        table.insert("group".to_owned(), string(GROUP));
    }
    Ok(table)
}

/// The day on which an example stands: the one it stood on, while it ends as
/// it did; else its end.
fn as_of(old: &Table, to: &str) -> String {
    let text = |key: &str| old.get("example")?.get(0)?.get(key)?.as_str();
    match (text("to"), text("as_of")) {
        (Some(before), Some(as_of)) if before == to => as_of.to_owned(),
        _ => to.to_owned(),
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
        Direction::Band => "band",
    }
}

fn measure(draft: &MeasureDraft) -> Toml {
    let said = |text: &Option<String>| {
        let text = text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let parts = [
        ("agg", Some(draft.agg.clone())),
        ("from", Some(draft.from.clone())),
        ("expr", said(&draft.expr)),
        ("where", said(&draft.filter)),
    ];
    let parts = parts.into_iter();
    let parts = parts.filter_map(|(key, text)| Some((key.to_owned(), Toml::String(text?))));
    Toml::Table(parts.collect())
}

/// Every word of a formula is the id of a metric.
fn derived(formula: &str) -> Toml {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = formula.split(|c| !is_word(c));
    let words = words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
    let terms = words.filter(|word| *word != PERIOD_DAYS).map(|word| {
        let term = Table::from_iter([("metric".to_owned(), Toml::String(word.to_owned()))]);
        (word.to_owned(), Toml::Table(term))
    });
    Toml::Table(Table::from_iter([
        ("terms".to_owned(), Toml::Table(terms.collect())),
        (
            "formula".to_owned(),
            Toml::String(formula.trim().to_owned()),
        ),
    ]))
}

/// The records of the example, typed as their fields are. Who a link leads to
/// by its number is there, even where nothing more is said of it.
fn given(
    catalog: &Catalog,
    draft: &MetricDraft,
    place: &str,
    faults: &mut Vec<FieldFault>,
) -> Table {
    let mut all: BTreeMap<String, Vec<Table>> = BTreeMap::new();
    let mut named: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (i, given) in draft.example.given.iter().enumerate() {
        let at = format!("{place}.example.given[{i}]");
        let Some(def) = catalog.objects.get(&given.object) else {
            let zh = format!("没有对象“{}”", given.object);
            let en = format!("there is no object `{}`", given.object);
            faults.push(FieldFault::new(format!("{at}.object"), "value", zh, en));
            continue;
        };
        let rows = all.entry(given.object.clone()).or_default();
        for (j, row) in given.rows.iter().enumerate() {
            let mut record = Table::new();
            for (field, text) in row.iter().filter(|(_, text)| !text.trim().is_empty()) {
                match typed(catalog, def, field, text.trim()) {
                    Some(value) => {
                        if let Some((to, by)) = numbered(catalog, def, field)
                            && let Toml::String(number) = &value
                        {
                            named.entry((to, by)).or_default().push(number.clone());
                        }
                        record.insert(field.clone(), value);
                    }
                    None => {
                        let zh = format!("“{text}”不能是字段“{field}”的值");
                        let en = format!("`{text}` is no value of the field `{field}`");
                        let at = format!("{at}.rows[{j}].{field}");
                        faults.push(FieldFault::new(at, "value", zh, en));
                    }
                }
            }
            rows.push(record);
        }
    }
    for ((object, by), numbers) in named {
        let rows = all.entry(object).or_default();
        for number in numbers {
            let is_it = |row: &Table| row.get(&by).and_then(Toml::as_str) == Some(number.as_str());
            if !rows.iter().any(is_it) {
                rows.push(Table::from_iter([(by.clone(), Toml::String(number))]));
            }
        }
    }
    let tables = |rows: Vec<Table>| Toml::Array(rows.into_iter().map(Toml::Table).collect());
    all.into_iter()
        .map(|(object, rows)| (object, tables(rows)))
        .collect()
}

/// Where a link leads, and the field by which a number is known there.
fn numbered(catalog: &Catalog, def: &ObjectDef, field: &str) -> Option<(String, String)> {
    let to = def
        .field(field)
        .filter(|f| f.kind == Type::Link)?
        .to
        .clone()?;
    let by = catalog.objects.get(&to)?.number.clone()?;
    Some((to, by))
}

fn typed(catalog: &Catalog, def: &ObjectDef, field: &str, text: &str) -> Option<Toml> {
    let kind = def.field(field)?.kind;
    match kind {
        Type::Int => text.parse().ok().map(Toml::Integer),
        Type::Float => text.parse().ok().map(Toml::Float),
        Type::Bool => text.parse().ok().map(Toml::Boolean),
        Type::Link if numbered(catalog, def, field).is_none() => {
            text.parse().ok().map(Toml::Integer)
        }
        _ => Some(Toml::String(text.to_owned())),
    }
}

/// As the form shows it, where it can.
fn draft(metric: &MetricDef) -> Option<MetricDraft> {
    let mut draft = MetricDraft {
        name: (&metric.name).into(),
        about: (&metric.about).into(),
        unit: metric.unit,
        direction: metric.direction,
        grain_min: Some(metric.grain_min),
        min_n: metric.min_n,
        owner: metric.owner.clone(),
        measure: None,
        ratio: None,
        formula: None,
        example: example(metric)?,
    };
    if let Some(measure) = &metric.measure {
        draft.measure = Some(plain(measure)?);
    } else if let Some(ratio) = &metric.ratio {
        let (Term::Measure(num), Term::Measure(den)) = (&ratio.num, &ratio.den) else {
            return None;
        };
        draft.ratio = Some(RatioDraft {
            num: plain(num)?,
            den: plain(den)?,
        });
    } else if let Some(derived) = &metric.derived {
        let is_plain = |(name, term): (&String, &Term)| match term {
            Term::Metric(of) => of.metric == *name && of.shift.is_none() && of.lag_days == 0,
            Term::Measure(_) => false,
        };
        if !derived.terms.iter().all(is_plain) {
            return None;
        }
        draft.formula = Some(derived.formula.clone());
    } else {
        return None;
    }
    Some(draft)
}

/// A measure of nothing but what a form says.
fn plain(measure: &Measure) -> Option<MeasureDraft> {
    let Measure {
        agg,
        from,
        expr,
        filter,
        per,
        lets,
        having,
        time,
        window,
        enter,
        exit,
        over_time,
        shift,
        lag_days,
    } = measure;
    let is_plain = per.is_none()
        && lets.is_empty()
        && having.is_none()
        && time.is_none()
        && *window == Window::Period
        && enter.is_none()
        && exit.is_none()
        && over_time.is_none()
        && shift.is_none()
        && *lag_days == 0;
    is_plain.then(|| MeasureDraft {
        agg: agg.name().to_owned(),
        from: from.clone(),
        expr: expr.clone(),
        filter: filter.clone(),
    })
}

/// The only example, of one number over one span.
fn example(metric: &MetricDef) -> Option<ExampleDraft> {
    let [
        Example {
            about,
            given,
            as_of: _,
            from: Some(from),
            to: Some(to),
            grain: None,
            by,
            rows,
        },
    ] = metric.examples.as_slice()
    else {
        return None;
    };
    let [row] = rows.as_slice() else { return None };
    let [is] = row.as_slice() else { return None };
    if !by.is_empty() {
        return None;
    }
    let text = |value: &Toml| match value {
        Toml::String(text) => text.clone(),
        other => other.to_string(),
    };
    let record = |row: &Table| row.iter().map(|(k, v)| (k.clone(), text(v))).collect();
    let given = given.iter().map(|(object, rows)| GivenDraft {
        object: object.clone(),
        rows: rows.iter().map(record).collect(),
    });
    Some(ExampleDraft {
        about: about.as_ref().map(Into::into).unwrap_or_default(),
        given: given.collect(),
        from: from.clone(),
        to: to.clone(),
        is: (is != "null").then(|| is.clone()),
    })
}

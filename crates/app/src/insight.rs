//! Asking for numbers: every surface that shows one comes through here.

mod choice;
mod definition;
mod relations;
mod why;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use keji_metrics::copy::Snapshot;
use keji_metrics::plan::{self, Facts, Plan};
use keji_metrics::records::{Records, records};
use keji_schema::calendar::Period;
use keji_schema::definition::Text2;
use keji_schema::expr::Expr;
use keji_schema::metric::{Measure, MetricDef, Term};
use keji_schema::question::{Answer, Question};
use keji_schema::{Catalog, Value};
use keji_store::{ListQuery, Sort};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{self, Action, Caller, access};

pub use choice::{
    Attainable, Baseline, Choice, ChoiceQuestion, ChoiceReason, ChoiceWords, ChosenMetric, Missing,
    Past, Said, SaidKind, Situation, choose, words,
};
pub use definition::{
    BenchmarkBody, ExampleBody, ExampleField, ExampleRecords, Grade, MetricDefinition, MetricOwner,
    definition,
};
pub use relations::{
    AtLag, RelatedPair, RelationFound, RelationMethod, Relations, RelationsQuestion, relations,
};
pub use why::{Effects, Why, WhyKind, WhyPart, why};

/// Where a number comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    pub metrics: Vec<MetricText>,
    /// The plan, indented text.
    pub plan: String,
    /// The same as SQL over the columnar copy.
    pub sql: String,
    pub period: Period,
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    pub seq: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MetricText {
    pub id: String,
    pub code: String,
    pub version: u32,
    pub name: Text2,
    pub about: Text2,
    pub formula: String,
}

/// The records behind a number.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactRows {
    pub object: String,
    pub columns: Vec<FactColumn>,
    #[schema(value_type = Vec<Vec<Value>>)]
    pub rows: Vec<Vec<Value>>,
    pub total: u64,
    pub truncated: bool,
    /// Whether there may be records that the caller does not see.
    pub is_partial: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FactColumn {
    pub name: String,
    pub label: Text2,
    pub unit: String,
}

/// Answers a question over facts that include every write acknowledged before.
pub async fn ask(app: &App, caller: &Caller, question: &Question) -> Result<Answer> {
    let (answer, _) = answered(app, caller, question).await?;
    Ok(answer)
}

/// The same with the first day of which something is known.
async fn answered(
    app: &App,
    caller: &Caller,
    question: &Question,
) -> Result<(Answer, Option<Date>)> {
    let (plan, snapshot, is_partial) = planned(app, caller, question).await?;
    let mut answer = keji_metrics::run::run(&app.engine, &app.catalog, &snapshot, &plan).await?;
    answer.is_partial = is_partial;
    Ok((answer, plan.first))
}

/// The value of each period of a question of one metric by period; of periods
/// before the first known fact nothing is known, not that nothing was.
fn past_of(answer: &Answer, metric: &str, known: Option<Date>) -> Vec<(Date, Value)> {
    let at = |name: &str| (answer.columns.iter()).position(|column| column.name == name);
    let (Some(period), Some(value)) = (at("period"), at(metric)) else {
        return Vec::new();
    };
    let rows = answer.rows.iter().filter_map(|row| match row.get(period)? {
        Value::Date(from) if known.is_some_and(|known| *from >= known) => {
            Some((*from, row.get(value)?.clone()))
        }
        _ => None,
    });
    rows.collect()
}

/// As a floating number, where it is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Decimal(d) => Some(d.to_f64()),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

pub async fn explain(app: &App, caller: &Caller, question: &Question) -> Result<Explanation> {
    let (plan, snapshot, _) = planned(app, caller, question).await?;
    let metrics = question
        .metrics
        .iter()
        .map(|id| {
            let m = app.catalog.metric(id)?;
            Ok(MetricText {
                id: m.id.clone(),
                code: m.code.clone(),
                version: m.version,
                name: m.name.clone(),
                about: m.about.clone(),
                formula: m.formula(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let explained = keji_metrics::explain::explain(&plan);
    Ok(Explanation {
        metrics,
        plan: explained.plan,
        sql: explained.sql,
        period: plan.asked,
        as_of: plan.as_of,
        seq: snapshot.seq(),
    })
}

/// The newest records behind a number.
pub async fn rows(app: &App, caller: &Caller, question: &Question) -> Result<FactRows> {
    const MOST: usize = 1_000;
    let found = behind(app, caller, question, MOST).await?;
    Ok(FactRows {
        object: found.object,
        columns: found
            .columns
            .into_iter()
            .map(|c| FactColumn {
                name: c.name,
                label: c.label,
                unit: c.unit,
            })
            .collect(),
        rows: found.rows,
        total: found.total,
        truncated: found.truncated,
        is_partial: rights(app, caller, question)?.is_some(),
    })
}

/// As many of the records behind a number, in memory.
pub(crate) async fn behind(
    app: &App,
    caller: &Caller,
    question: &Question,
    most: usize,
) -> Result<Records> {
    let (snapshot, facts) = fresh(app, caller, question).await?;
    let rights = rights(app, caller, question)?;
    let (engine, catalog) = (&app.engine, &app.catalog);
    let mut found = records(
        engine,
        catalog,
        &snapshot,
        question,
        rights.as_ref(),
        &facts,
        most,
    )
    .await?;
    cover(catalog, caller, &mut found);
    Ok(found)
}

/// Leaves out what the caller may not see, and covers what is masked.
fn cover(catalog: &Catalog, caller: &Caller, found: &mut Records) {
    for i in (0..found.columns.len()).rev() {
        let name = &found.columns[i].name;
        if permission::is_unseen(catalog, caller, &found.object, name) {
            found.columns.remove(i);
            found.rows.iter_mut().for_each(|row| drop(row.remove(i)));
        } else if permission::is_covered(catalog, caller, &found.object, name) {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            let field = catalog.field(&found.object, &path);
            let mask = field.map(|f| f.mask).unwrap_or_default();
            found
                .rows
                .iter_mut()
                .for_each(|row| row[i] = mask.cover(&row[i]));
        }
    }
}

/// With whether the caller's rights leave something out.
async fn planned(
    app: &App,
    caller: &Caller,
    question: &Question,
) -> Result<(Plan, Arc<Snapshot>, bool)> {
    let (snapshot, facts) = fresh(app, caller, question).await?;
    let rights = rights(app, caller, question)?;
    let plan = plan::plan(&app.catalog, question, rights.as_ref(), &facts)?;
    Ok((plan, snapshot, rights.is_some()))
}

/// The caller's row filter over the dimensions, for the facts that the
/// question's metrics are made of. A question that needs a hidden field is
/// refused.
fn rights(app: &App, caller: &Caller, question: &Question) -> Result<Option<Expr>> {
    let mut objects = BTreeSet::new();
    let mut texts: Vec<&str> = question.by.iter().map(String::as_str).collect();
    texts.extend(question.filter.as_deref());
    for id in &question.metrics {
        add_facts(
            &app.catalog,
            app.catalog.metric(id)?,
            &mut objects,
            &mut texts,
        )?;
    }
    for (_, field) in permission::hidden(caller) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = texts.iter().flat_map(|t| t.split(|c| !is_word(c)));
        if names.into_iter().any(|name| name == field) {
            return Err(Error::Forbidden {
                zh: format!("这个数字要用到您看不到的字段「{field}」"),
                en: format!("this number needs the field `{field}`, which you may not see"),
            });
        }
    }
    permission::facts(caller, &objects)
}

/// Refuses to write what an answer is made of to a file, unless the role
/// exports it.
pub(crate) fn require_export(app: &App, caller: &Caller, question: &Question) -> Result<()> {
    let mut objects = BTreeSet::new();
    for id in &question.metrics {
        let metric = app.catalog.metric(id)?;
        add_facts(&app.catalog, metric, &mut objects, &mut Vec::new())?;
    }
    let mut objects = objects.into_iter();
    objects.try_for_each(|object| permission::require(caller, object, Action::Export))
}

/// The objects whose records a metric is made of, and every text that names
/// their fields.
fn add_facts<'a>(
    catalog: &'a Catalog,
    metric: &'a MetricDef,
    objects: &mut BTreeSet<&'a str>,
    texts: &mut Vec<&'a str>,
) -> Result<()> {
    let mut add = |measure: &'a Measure| {
        objects.insert(&measure.from);
        let all = [
            &measure.expr,
            &measure.filter,
            &measure.having,
            &measure.time,
            &measure.enter,
            &measure.exit,
        ];
        texts.extend(all.into_iter().flatten().map(String::as_str));
        let lets = measure.lets.values().filter_map(|l| l.expr.as_deref());
        texts.extend(lets);
    };
    if let Some(measure) = &metric.measure {
        add(measure);
    }
    let mut others = Vec::new();
    for term in metric.terms() {
        match term {
            Term::Measure(measure) => add(measure),
            Term::Metric(other) => others.push(catalog.metric(&other.metric)?),
        }
    }
    if let Some(cohort) = &metric.cohort {
        objects.insert(&cohort.from);
        texts.extend(cohort.filter.as_deref());
    }
    if let Some(conversion) = &metric.conversion {
        objects.insert(&conversion.from);
        let all = [&conversion.filter, &conversion.then];
        texts.extend(all.into_iter().flatten().map(String::as_str));
    }
    for other in others {
        add_facts(catalog, other, objects, texts)?;
    }
    Ok(())
}

async fn fresh(app: &App, caller: &Caller, question: &Question) -> Result<(Arc<Snapshot>, Facts)> {
    app.copy.refresh().await?;
    let snapshot = app.copy.snapshot().await?;
    let mut facts = Facts {
        first: None,
        last: None,
        today: app.catalog.calendar.day_of(jiff::Timestamp::now()),
    };
    for (object, field) in dated(&app.catalog, question)? {
        let first = edge(app, caller, object, field, false).await?;
        let last = edge(app, caller, object, field, true).await?;
        // None comes before every day.
        facts.first = facts.first.into_iter().chain(first).min();
        facts.last = facts.last.max(last);
    }
    Ok((snapshot, facts))
}

/// The objects and fields whose days say over what stretch a question's
/// metrics have facts. What an evaluation writes, and a question without a
/// metric, goes by the orders.
fn dated<'a>(catalog: &'a Catalog, question: &Question) -> Result<BTreeSet<(&'a str, &'a str)>> {
    const ORDERS: (&str, &str) = ("order", "ordered_on");
    let mut objects = BTreeSet::new();
    for id in &question.metrics {
        let metric = catalog.metric(id)?;
        add_facts(catalog, metric, &mut objects, &mut Vec::new())?;
    }
    let mut all = BTreeSet::new();
    for id in objects {
        let def = catalog.object(id)?;
        let time = def.copy.as_ref().and_then(|copy| copy.time.as_deref());
        all.insert(match time.filter(|_| def.written_by.is_none()) {
            None => ORDERS,
            Some(time) => match time.split_once('.') {
                None => (def.id.as_str(), time),
                // A part has the days of its whole.
                Some((link, field)) => {
                    let to = def.field(link).and_then(|f| f.to.as_deref());
                    to.map_or(ORDERS, |to| (to, field))
                }
            },
        });
    }
    if all.is_empty() {
        all.insert(ORDERS);
    }
    Ok(all)
}

/// The first or last day of an object's records, by the index.
async fn edge(
    app: &App,
    caller: &Caller,
    object: &str,
    field: &str,
    is_last: bool,
) -> Result<Option<Date>> {
    // Where a record may have no day, those would come first.
    let is_required = app.catalog.object(object)?.field(field);
    let is_required = is_required.is_some_and(|f| f.required);
    let filter = match is_required {
        true => None,
        false => Some(Expr::parse_filter(
            &format!("{field} is not null"),
            &app.catalog.scope(object),
        )?),
    };
    let query = ListQuery {
        object: object.to_owned(),
        fields: vec![field.to_owned()],
        sort: vec![Sort {
            path: field.to_owned(),
            descending: is_last,
        }],
        filter,
        limit: 1,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, object)).await?;
    Ok(page.rows.first().and_then(|row| match row.first() {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }))
}

//! What one metric's definition says, for whoever wants to know what a number
//! means: also who answers for it, what others have found, its worked examples
//! and which of its records are not there yet.

use keji_schema::Catalog;
use keji_schema::calendar::Grain;
use keji_schema::definition::Text2;
use keji_schema::metric::{Benchmark, BenchmarkGrade, Direction, Example, MetricDef, Unit};
use keji_schema::question::Question;
use serde::Serialize;
use utoipa::ToSchema;

use super::choice::{Missing, missing};
use super::rights;
use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::Caller;

/// One metric, whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricDefinition {
    pub id: String,
    /// Of the catalogue, such as `F14`.
    pub code: String,
    pub version: u32,
    pub name: Text2,
    pub about: Text2,
    pub group: String,
    pub unit: Unit,
    pub direction: Direction,
    /// `measure`, `ratio`, `derived`, `cohort` or `conversion`.
    pub kind: &'static str,
    pub formula: String,
    /// The finest period for which the number is honest.
    pub grain_min: Grain,
    /// Days after the end of a period until its value is settled.
    pub settle_days: u32,
    /// With fewer cases behind it a value is marked as small.
    pub min_n: Option<u32>,
    /// The role that answers for the definition.
    pub owner: Option<MetricOwner>,
    /// The standard, book or rule that it keeps to.
    pub reference: Option<Text2>,
    /// What others have found, to compare with; never a target.
    pub benchmarks: Vec<BenchmarkBody>,
    pub examples: Vec<ExampleBody>,
    /// What would have to be recorded, as far as the caller may know.
    pub missing: Vec<Missing>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MetricOwner {
    pub role: String,
    pub name: Text2,
}

/// A published value or range.
#[derive(Debug, Serialize, ToSchema)]
pub struct BenchmarkBody {
    pub about: Text2,
    /// In the metric's unit, a percentage as a share. One end may be open.
    pub low: Option<String>,
    pub high: Option<String>,
    pub source: String,
    /// `2024` or `2024-03`; absent: the source does not say.
    pub dated: Option<String>,
    pub grade: Grade,
}

/// How far to trust a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum Grade {
    /// Who counted it publishes it.
    A,
    /// Put together by others.
    B,
    /// A rule of thumb.
    C,
}

/// Records, and what the metric is over them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleBody {
    pub about: Option<Text2>,
    pub given: Vec<ExampleRecords>,
    #[schema(format = Date)]
    pub as_of: String,
    #[schema(format = Date)]
    pub from: Option<String>,
    /// The day after the last one.
    #[schema(format = Date)]
    pub to: Option<String>,
    pub grain: Option<Grain>,
    /// `period`, `cohort`, `age`, dimensions and last the metric.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleRecords {
    pub object: String,
    pub name: Text2,
    pub fields: Vec<ExampleField>,
    /// A link is the number or the position, from 1, of what it leads to.
    pub rows: Vec<Vec<Option<String>>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleField {
    pub id: String,
    pub name: Text2,
}

/// One metric's definition.
///
/// # Errors
/// There is no such metric.
pub async fn definition(app: &App, caller: &Caller, id: &str) -> Result<MetricDefinition> {
    let catalog = &app.catalog;
    let metric = catalog.metrics.get(id);
    let metric = metric.ok_or_else(|| Error::not_found("metric", id))?;
    let asked = Question {
        metrics: vec![metric.id.clone()],
        ..Question::default()
    };
    // What is not there is no news to who may not see the number.
    let missing = match rights(app, caller, &asked) {
        Ok(_) => missing(app, caller, metric).await?,
        Err(Error::Forbidden { .. }) => Vec::new(),
        Err(other) => return Err(other),
    };
    let owner = metric.owner.as_ref().and_then(|id| catalog.roles.get(id));
    let examples = metric.examples.iter();
    Ok(MetricDefinition {
        id: metric.id.clone(),
        code: metric.code.clone(),
        version: metric.version,
        name: metric.name.clone(),
        about: metric.about.clone(),
        group: metric.group.clone(),
        unit: metric.unit,
        direction: metric.direction,
        kind: metric.kind(),
        formula: metric.formula(),
        grain_min: metric.grain_min,
        settle_days: metric.settle_days,
        min_n: metric.min_n,
        owner: owner.map(|role| MetricOwner {
            role: role.id.clone(),
            name: role.name.clone(),
        }),
        reference: metric.reference.clone(),
        benchmarks: metric.benchmarks.iter().map(benchmark).collect(),
        examples: examples.map(|one| example(catalog, metric, one)).collect(),
        missing,
    })
}

fn benchmark(found: &Benchmark) -> BenchmarkBody {
    BenchmarkBody {
        about: found.about.clone(),
        low: found.low.as_ref().map(ToString::to_string),
        high: found.high.as_ref().map(ToString::to_string),
        source: found.source.clone(),
        dated: found.dated.clone(),
        grade: match found.grade {
            BenchmarkGrade::A => Grade::A,
            BenchmarkGrade::B => Grade::B,
            BenchmarkGrade::C => Grade::C,
        },
    }
}

fn example(catalog: &Catalog, metric: &MetricDef, example: &Example) -> ExampleBody {
    let mut columns: Vec<String> = match (metric.cohort.is_some(), example.grain) {
        (true, _) => vec!["cohort".to_owned(), "age".to_owned()],
        (false, Some(_)) => vec!["period".to_owned()],
        (false, None) => Vec::new(),
    };
    columns.extend(example.by.iter().cloned());
    columns.push(metric.id.clone());
    let rows = example.rows.iter();
    let rows = rows.map(|row| {
        let cell = |text: &String| (text != "null").then(|| text.clone());
        row.iter().map(cell).collect()
    });
    let given = example.given.iter();
    ExampleBody {
        about: example.about.clone(),
        given: given
            .filter_map(|(object, records)| given_of(catalog, object, records))
            .collect(),
        as_of: example.as_of.clone(),
        from: example.from.clone(),
        to: example.to.clone(),
        grain: example.grain,
        columns,
        rows: rows.collect(),
    }
}

/// The fields that any of the records has, in the order of their object.
fn given_of(catalog: &Catalog, object: &str, records: &[toml::Table]) -> Option<ExampleRecords> {
    let def = catalog.objects.get(object)?;
    let used = |id: &String| records.iter().any(|record| record.contains_key(id));
    let fields = def.fields.iter().filter(|field| used(&field.id));
    let fields: Vec<ExampleField> = fields
        .map(|field| ExampleField {
            id: field.id.clone(),
            name: field.name.clone(),
        })
        .collect();
    let row = |record: &toml::Table| {
        let cell = |field: &ExampleField| record.get(&field.id).map(plain);
        fields.iter().map(cell).collect()
    };
    let rows = records.iter().map(row).collect();
    Some(ExampleRecords {
        object: def.id.clone(),
        name: def.name.clone(),
        fields,
        rows,
    })
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

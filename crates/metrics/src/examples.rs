//! The worked examples of metrics, run through plan and run over a tiny copy
//! made of their records. `keji check` and the tests use the same function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use keji_schema::catalog::Given;
use keji_schema::metric::{Example, MetricDef};
use keji_schema::question::{Answer, Question};
use keji_schema::{Catalog, Value};

use crate::copy::write::FolderWriter;
use crate::copy::{DataFile, Snapshot};
use crate::error::Result;
use crate::plan::source::{copied, question};
use crate::plan::{Facts, plan};
use crate::run::{Engine, run};

/// What one example gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleOutcome {
    pub metric: String,
    /// Position among the metric's examples, from 1.
    pub number: usize,
    /// `None` when the answer is the expected one, otherwise what differs.
    pub failure: Option<String>,
}

/// Runs every example of a metric.
pub async fn run_examples(
    engine: &Engine,
    catalog: &Catalog,
    metric: &MetricDef,
) -> Vec<ExampleOutcome> {
    let mut outcomes = Vec::new();
    for (i, example) in metric.examples.iter().enumerate() {
        let failure = match answered(engine, catalog, metric, example).await {
            Ok(answer) => difference(&answer, &example.rows),
            Err(e) => Some(e.to_string()),
        };
        outcomes.push(ExampleOutcome {
            metric: metric.id.clone(),
            number: i + 1,
            failure,
        });
    }
    outcomes
}

async fn answered(
    engine: &Engine,
    catalog: &Catalog,
    metric: &MetricDef,
    example: &Example,
) -> Result<Answer> {
    let copy = TinyCopy::new(catalog, &catalog.given(example)?)?;
    let date = |text: &String| {
        text.parse::<Date>()
            .map_err(|_| question(format!("`{text}` is not a date")))
    };
    let as_of = date(&example.as_of)?;
    let asked = Question {
        metrics: vec![metric.id.clone()],
        by: example.by.clone(),
        grain: example.grain,
        from: example.from.as_ref().map(date).transpose()?,
        to: example.to.as_ref().map(date).transpose()?,
        as_of: Some(as_of),
        ..Question::default()
    };
    let facts = Facts {
        today: as_of,
        ..copy.facts
    };
    let plan = plan(catalog, &asked, None, &facts)?;
    run(engine, catalog, &copy.snapshot, &plan).await
}

/// A copy of a few records in a temporary folder, gone when dropped.
pub struct TinyCopy {
    pub snapshot: Snapshot,
    /// First and last day of any record.
    pub facts: Facts,
    folder: PathBuf,
}

impl TinyCopy {
    /// Records as [`Catalog::given`] reads them: ids are positions from 1.
    pub fn new(catalog: &Catalog, given: &Given) -> Result<Self> {
        static N: AtomicU64 = AtomicU64::new(0);
        let n = N.fetch_add(1, Ordering::Relaxed);
        let name = format!("keji-example-{}-{n}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let facts = Facts {
            first: None,
            last: None,
            today: Date::MAX,
        };
        // Made first, so that a failure removes what was written.
        let mut copy = TinyCopy {
            snapshot: Snapshot::default(),
            facts,
            folder,
        };
        let mut files = Vec::new();
        // Of an object without a copy an example names what links lead to.
        let copied = |object: &&String| {
            catalog
                .objects
                .get(*object)
                .is_none_or(|o| o.copy.is_some())
        };
        for object in given.keys().filter(copied) {
            copy.write(catalog, given, object, &mut files)?;
        }
        copy.snapshot = Snapshot::new(0, files);
        Ok(copy)
    }

    fn write(
        &mut self,
        catalog: &Catalog,
        given: &Given,
        object: &str,
        files: &mut Vec<(String, DataFile)>,
    ) -> Result<()> {
        let mut columns = copied(catalog, object)?;
        // An example gives only the fields that matter to it.
        columns.columns.iter_mut().for_each(|c| c.required = false);
        let mut months: BTreeMap<Option<Date>, Vec<Vec<Value>>> = BTreeMap::new();
        for record in &given[object] {
            let row = columns
                .paths
                .iter()
                .map(|path| value(catalog, given, object, record, path));
            let row: Vec<Value> = row.collect();
            let month = match columns.time.map(|i| &row[i]) {
                None => None,
                Some(Value::Date(day)) => {
                    let (first, last) = (self.facts.first, self.facts.last);
                    self.facts.first = Some(first.map_or(*day, |d| d.min(*day)));
                    self.facts.last = Some(last.map_or(*day, |d| d.max(*day)));
                    Some(day.first_of_month())
                }
                Some(_) => {
                    return Err(question(format!("a record of `{object}` has no date")));
                }
            };
            months.entry(month).or_default().push(row);
        }
        for (month, rows) in months {
            let part = month.map_or("all".to_owned(), |m| {
                format!("month={}", m.strftime("%Y-%m"))
            });
            let mut writer = FolderWriter::new(
                &columns,
                self.folder.join(object).join(part),
                "1".to_owned(),
            );
            for row in rows {
                writer.append(&row)?;
            }
            for written in writer.finish()? {
                let (path, n_rows, n_bytes) = (written.path, written.n_rows, written.n_bytes);
                files.push((
                    object.to_owned(),
                    DataFile {
                        path,
                        month,
                        n_rows,
                        n_bytes,
                    },
                ));
            }
        }
        Ok(())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for TinyCopy {
    fn drop(&mut self) {
        // Whatever is left is below the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The value at the end of a path over links; null where a link is.
fn value(
    catalog: &Catalog,
    given: &Given,
    object: &str,
    record: &BTreeMap<String, Value>,
    path: &[String],
) -> Value {
    let Some((field, rest)) = path.split_first() else {
        return Value::Null;
    };
    let here = record.get(field).cloned().unwrap_or(Value::Null);
    if rest.is_empty() {
        return here;
    }
    let def = catalog.objects.get(object).and_then(|o| o.field(field));
    let (Some(to), Value::Int(id)) = (def.and_then(|f| f.to.as_deref()), here) else {
        return Value::Null;
    };
    let position = usize::try_from(id - 1).ok();
    let linked = position.and_then(|i| given.get(to)?.get(i));
    linked.map_or(Value::Null, |linked| {
        value(catalog, given, to, linked, rest)
    })
}

fn difference(answer: &Answer, expected: &[Vec<String>]) -> Option<String> {
    let same = answer.rows.len() == expected.len()
        && answer.rows.iter().zip(expected).all(|(row, texts)| {
            row.len() == texts.len() && row.iter().zip(texts).all(|(v, t)| is_shown_as(v, t))
        });
    if same {
        return None;
    }
    let got: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|r| r.iter().map(text).collect())
        .collect();
    Some(format!("the answer is {got:?}, not {expected:?}"))
}

fn is_shown_as(value: &Value, expected: &str) -> bool {
    match (value, expected.parse::<f64>()) {
        // A rate is compared to four places, or to as many as the example
        // writes: 0.5 is not 0.46.
        (Value::Float(x), Ok(y)) => {
            let places = expected.split_once('.').map_or(0, |(_, part)| part.len());
            let places = places.max(4);
            format!("{x:.places$}") == format!("{y:.places$}")
        }
        _ => text(value) == expected,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(t) => t.clone(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Date(d) => d.to_string(),
        Value::Instant(t) => t.to_string(),
    }
}

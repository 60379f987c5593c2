//! A copy of a handful of records written in the test, and questions to it.

use jiff::civil::Date;
use keji_metrics::examples::TinyCopy;
use keji_metrics::plan::{Facts, Plan, plan};
use keji_metrics::run::{Engine, MEMORY_BYTES, run};
use keji_metrics::{Error, Result};
use keji_schema::metric::MetricDef;
use keji_schema::question::{Answer, Question};
use keji_schema::{Catalog, Value};

pub struct Tiny {
    pub catalog: Catalog,
    pub engine: Engine,
    pub copy: TinyCopy,
}

impl Tiny {
    /// `given` is the body of an example's `[given]`.
    pub fn new(given: &str) -> Tiny {
        Tiny::with_metrics(given, &[])
    }

    /// Beside the standard metrics some of the test's own, each with its id.
    pub fn with_metrics(given: &str, metrics: &[(&str, &str)]) -> Tiny {
        let mut catalog = Catalog::standard().unwrap();
        for (id, text) in metrics {
            let mut metric: MetricDef = toml::from_str(text).unwrap();
            metric.id = (*id).to_owned();
            catalog.metrics.insert(metric.id.clone(), metric);
        }
        let example = format!("as_of = '2000-01-01'\nrows = []\n[given]\n{given}");
        let given = catalog.given(&toml::from_str(&example).unwrap()).unwrap();
        let copy = TinyCopy::new(&catalog, &given).unwrap();
        let engine = Engine::new(MEMORY_BYTES).unwrap();
        Tiny {
            catalog,
            engine,
            copy,
        }
    }

    pub fn facts(&self) -> Facts {
        Facts {
            today: jiff::civil::date(2030, 1, 1),
            ..self.copy.facts
        }
    }

    pub fn plan(&self, question: &str) -> Result<Plan> {
        plan(&self.catalog, &asked(question), None, &self.facts())
    }

    pub async fn answer(&self, question: impl AsRef<str>) -> Answer {
        let plan = self.plan(question.as_ref()).unwrap();
        run(&self.engine, &self.catalog, &self.copy.snapshot, &plan)
            .await
            .unwrap()
    }

    /// The rows, cells separated by a bar.
    pub async fn rows(&self, question: impl AsRef<str>) -> Vec<String> {
        shown(&self.answer(question).await.rows)
    }

    pub fn refusal(&self, question: &str) -> String {
        match self.plan(question) {
            Err(Error::Schema(e)) => e.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

/// A question as JSON without the outer braces.
pub fn asked(question: &str) -> Question {
    serde_json::from_str(&format!("{{{question}}}")).unwrap()
}

pub fn shown(rows: &[Vec<Value>]) -> Vec<String> {
    let row = |row: &Vec<Value>| row.iter().map(text).collect::<Vec<_>>().join(" | ");
    rows.iter().map(row).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(t) => t.clone(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Float(x) => format!("~{}", (x * 1e6).round() / 1e6),
        Value::Bool(b) => b.to_string(),
        Value::Date(d) => d.to_string(),
        Value::Instant(t) => t.to_string(),
    }
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

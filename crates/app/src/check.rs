//! Proof that the place is whole: definitions by their examples, the database
//! by its own check, the copy against the store.

use serde::Serialize;

use crate::context::App;
use crate::error::Result;
use crate::permission::Caller;

#[derive(Debug, Serialize)]
pub struct CheckReport {
    pub findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub is_good: bool,
    pub detail: String,
}

impl CheckReport {
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|f| f.is_good)
    }
}

pub async fn run(app: &App, _caller: &Caller) -> Result<CheckReport> {
    let mut findings = vec![definitions(app).await?];
    let problems = app.store.integrity_check().await?;
    findings.push(Finding {
        what: "store".to_owned(),
        is_good: problems.is_empty(),
        detail: if problems.is_empty() {
            "whole".to_owned()
        } else {
            problems.join("; ")
        },
    });
    app.copy.refresh().await?;
    let copy = app.copy.check().await?;
    findings.push(Finding {
        what: "copy = store".to_owned(),
        is_good: copy.is_equal(),
        detail: if copy.is_equal() {
            format!("{} rows in {} parts", copy.n_rows, copy.n_parts)
        } else {
            copy.differences
                .iter()
                .map(difference)
                .collect::<Vec<_>>()
                .join("; ")
        },
    });
    Ok(CheckReport { findings })
}

fn difference(d: &keji_metrics::copy::Difference) -> String {
    let month = d
        .month
        .map_or(String::new(), |m| format!(" {}", &m.to_string()[..7]));
    match &d.damage {
        Some(damage) => format!("{}{month}: {damage}", d.object),
        None => format!(
            "{}{month}: {} rows in the store, {} in the copy",
            d.object, d.store.n_rows, d.copy.n_rows
        ),
    }
}

async fn definitions(app: &App) -> Result<Finding> {
    let mut n = 0;
    let mut wrong = Vec::new();
    for metric in app.catalog.metrics.values() {
        for outcome in keji_metrics::examples::run_examples(&app.engine, &app.catalog, metric).await
        {
            n += 1;
            if let Some(failure) = outcome.failure {
                wrong.push(format!(
                    "{} example {}: {failure}",
                    outcome.metric, outcome.number
                ));
            }
        }
    }
    Ok(Finding {
        what: "definitions".to_owned(),
        is_good: wrong.is_empty(),
        detail: if wrong.is_empty() {
            format!("{n} worked examples")
        } else {
            wrong.join("; ")
        },
    })
}

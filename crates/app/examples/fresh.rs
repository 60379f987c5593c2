//! How long the first answers after one new order take:
//!
//! `fresh FOLDER` writes five orders into an existing data folder, one after
//! the other, and asks each question after each. Prints JSON, milliseconds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use keji_app::{App, Caller, OpenOptions, insight};
use keji_schema::question::Question;
use keji_schema::{Catalog, Decimal, Value};
use keji_store::{Access, Location, NewChange, Op, Store};

const QUESTIONS: [(&str, &str); 6] = [
    (
        "net_revenue by month",
        r#"{"metrics":["net_revenue"],"grain":"month"}"#,
    ),
    (
        "orders, this year",
        r#"{"metrics":["orders"],"from":"2025-01-01"}"#,
    ),
    (
        "buyers by month",
        r#"{"metrics":["buyers"],"grain":"month"}"#,
    ),
    (
        "new_customers by month",
        r#"{"metrics":["new_customers"],"grain":"month"}"#,
    ),
    ("cohort_retention", r#"{"metrics":["cohort_retention"]}"#),
    (
        "repeat_purchase_rate",
        r#"{"metrics":["repeat_purchase_rate"],"from":"2025-12-01"}"#,
    ),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("fresh FOLDER")?);
    let app = App::open(OpenOptions {
        folder: folder.clone(),
        database: None,
        workbook_parser: PathBuf::from("keji"),
        give_back_memory: || {},
        outbound: Default::default(),
    })
    .await?;
    let catalog = Arc::new(Catalog::standard()?);
    let store = Store::open(&Location::Folder(folder), catalog).await?;
    let caller = Caller::command_line();
    let mut asked = Vec::new();
    for (name, text) in QUESTIONS {
        let question: Question = serde_json::from_str(text)?;
        insight::ask(&app, &caller, &question).await?;
        asked.push((name, question));
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); QUESTIONS.len()];
    let run = std::process::id();
    for n in 0..5 * QUESTIONS.len() {
        write(&store, &format!("F{run}-{n}"), 1 + n as i64).await?;
        let at = n % QUESTIONS.len();
        let started = Instant::now();
        insight::ask(&app, &caller, &asked[at].1).await?;
        times[at].push(started.elapsed().as_secs_f64() * 1e3);
    }
    let medians = QUESTIONS.iter().zip(times).map(|((name, _), mut all)| {
        all.sort_by(f64::total_cmp);
        (
            (*name).to_owned(),
            serde_json::json!((all[2] * 10.0).round() / 10.0),
        )
    });
    let shown: serde_json::Map<_, _> = medians.collect();
    println!("{}", serde_json::Value::Object(shown));
    Ok(())
}

async fn write(
    store: &Store,
    number: &str,
    customer: i64,
) -> Result<(), Box<dyn std::error::Error>> {
    let on = jiff::civil::date(2025, 12, 15);
    let at = on
        .at(9, 0, 0, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)?
        .timestamp();
    let money = |units| Value::Decimal(Decimal::from_units(units));
    let values = [
        ("number", number.into()),
        ("customer", Value::Int(customer)),
        ("kind", "sale".into()),
        ("ordered_at", Value::Instant(at)),
        ("ordered_on", Value::Date(on)),
        ("goods_amount", money(10)),
        ("gross_amount", money(10)),
        ("freight", money(0)),
        ("discount", money(0)),
        ("net_amount", money(10)),
        ("n_lines", Value::Int(0)),
    ];
    let change = NewChange {
        object: "order".into(),
        op: Op::Create {
            values: values.map(|(f, v)| (f.to_owned(), v)).into(),
        },
        actor: "bench".into(),
        channel: "bench".into(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    };
    store.write(change, &Access::all()).await?;
    Ok(())
}

//! `keji ask`: metrics on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use keji_app::export::Format;
use keji_schema::calendar::Grain;
use keji_schema::question::{Compare, Question};

use super::output::Output;
use super::{DONE, InName, Place, open};

#[derive(Args)]
pub struct AskArgs {
    #[command(flatten)]
    name: InName,
    /// Metric ids, separated by commas, for example gross_sales,orders.
    #[arg(value_delimiter = ',', required = true, value_name = "METRIC,…")]
    metrics: Vec<String>,
    /// Dimensions, separated by commas: country, customer.kind, product.category …
    /// A grain (day, week, month, quarter, year) among them splits by period.
    #[arg(long, value_delimiter = ',', value_name = "DIM,…")]
    by: Vec<String>,
    /// Split by period.
    #[arg(long, value_enum)]
    grain: Option<GrainName>,
    /// First day, included.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// End day, not included.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// A condition over the dimensions, for example "customer is not null".
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Compare with the previous period of equal elapsed time, or the year before.
    #[arg(long, value_enum)]
    compare: Option<CompareName>,
    /// Facts before this day count.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Columns to sort by, `-` for descending, `abs:` by size.
    #[arg(
        long,
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_name = "COLUMN,…"
    )]
    sort: Vec<String>,
    /// At most so many rows; with --rows the newest so many records.
    #[arg(long)]
    limit: Option<usize>,
    /// Print definition, plan and SQL instead of the answer.
    #[arg(long)]
    explain: bool,
    /// Print the records behind the number instead of the answer.
    #[arg(long, conflicts_with = "explain")]
    rows: bool,
    /// Write the answer, or with --rows the records, to this .csv, .xlsx or
    /// .parquet file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "explain")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum GrainName {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Clone, Copy, ValueEnum)]
enum CompareName {
    Previous,
    Year,
}

impl From<GrainName> for Grain {
    fn from(name: GrainName) -> Self {
        match name {
            GrainName::Day => Grain::Day,
            GrainName::Week => Grain::Week,
            GrainName::Month => Grain::Month,
            GrainName::Quarter => Grain::Quarter,
            GrainName::Year => Grain::Year,
        }
    }
}

pub async fn run(place: &Place, args: AskArgs, output: &Output) -> anyhow::Result<u8> {
    let mut grain = args.grain;
    let mut by = Vec::new();
    for name in args.by {
        match GrainName::from_str(&name, true) {
            Ok(_) if grain.is_some() => {
                return Err(keji_app::Error::State {
                    code: "two_grains",
                    zh: format!("一次只能按一种期间拆分；{name} 是多出来的"),
                    en: format!("an answer is split by one kind of period; {name} is one too many"),
                }
                .into());
            }
            Ok(found) => grain = Some(found),
            Err(_) => by.push(name),
        }
    }
    let question = Question {
        metrics: args.metrics,
        by,
        grain: grain.map(Grain::from),
        from: args.from,
        to: args.to,
        filter: args.filter,
        compare: args.compare.map(|c| match c {
            CompareName::Previous => Compare::Previous,
            CompareName::Year => Compare::Year,
        }),
        as_of: args.as_of,
        sort: args.sort,
        limit: args.limit,
    };
    let app = open(place).await?;
    let caller = args.name.caller(&app).await?;
    if let Some(path) = &args.output {
        let format = Format::of(path)?;
        let language = output.language;
        let n_rows = if args.rows {
            keji_app::export::rows(&app, &caller, format, &question, path, language).await?
        } else {
            keji_app::export::answer(&app, &caller, format, &question, path, language).await?
        };
        if output.is_json {
            output.json(&serde_json::json!({ "file": path, "rows": n_rows }))?;
        } else {
            println!("{n_rows} {} → {}", output.say("行", "rows"), path.display());
        }
    } else if args.explain {
        let explanation = keji_app::insight::explain(&app, &caller, &question).await?;
        if output.is_json {
            output.json(&explanation)?;
        } else {
            for metric in &explanation.metrics {
                println!(
                    "{} {} v{}",
                    metric.code,
                    output.say(&metric.name.zh, &metric.name.en),
                    metric.version
                );
                println!("{}", output.say(&metric.about.zh, &metric.about.en));
                println!("{}\n", metric.formula);
            }
            println!("{}\n\n{}", explanation.plan, explanation.sql);
        }
    } else if args.rows {
        let rows = keji_app::insight::rows(&app, &caller, &question).await?;
        if output.is_json {
            output.json(&rows)?;
        } else {
            let head: Vec<String> = rows.columns.iter().map(|c| c.name.clone()).collect();
            let cells: Vec<Vec<String>> = rows
                .rows
                .iter()
                .map(|r| r.iter().map(|v| output.cell(v)).collect())
                .collect();
            output.table(&head, &cells);
            println!("{} / {}", rows.rows.len(), rows.total);
        }
    } else {
        let answer = keji_app::insight::ask(&app, &caller, &question).await?;
        if output.is_json {
            output.json(&answer)?;
        } else {
            let head: Vec<String> = answer.columns.iter().map(|c| c.name.clone()).collect();
            let cells: Vec<Vec<String>> = answer
                .rows
                .iter()
                .map(|r| r.iter().map(|v| output.cell(v)).collect())
                .collect();
            output.table(&head, &cells);
            if let Some(before) = answer.compared {
                let last = before.to.yesterday().unwrap_or(before.to);
                println!(
                    "{} {} – {last}",
                    output.say("对比", "compared with"),
                    before.from
                );
            }
            if answer.truncated {
                let n = cells.len();
                eprintln!(
                    "{}",
                    output.say(
                        &format!("只显示前 {n} 行：用 --limit 多看，或用 -o 写成文件"),
                        &format!("only the first {n} rows: see more with --limit, or all with -o"),
                    )
                );
            }
        }
    }
    app.close().await;
    Ok(DONE)
}

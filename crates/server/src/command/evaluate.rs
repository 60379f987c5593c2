//! `keji evaluate` and `keji check`.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use keji_app::App;
use keji_app::messages::Language;

use super::output::Output;
use super::{DIFFERS, DONE, Place, caller, open};

#[derive(Args)]
pub struct EvaluateArgs {
    /// Facts before this day count; without it the day after the last order.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
}

pub async fn run(place: &Place, args: EvaluateArgs, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let doc = keji_app::evaluation::run(&app, &caller(), args.as_of, &|_| {}).await?;
    if output.is_json {
        output.json(&doc)?;
    } else {
        let text = |pointer: &str| doc.pointer(pointer).map(plain).unwrap_or_default();
        println!(
            "{} {}, {} {} / {}",
            output.say("评估日", "as of"),
            text("/as_of"),
            output.say("客户", "customers"),
            text("/n_buyers"),
            text("/n_customers"),
        );
        for (group, field, title) in [
            ("tiers", "tier", output.say("价值等级", "tier")),
            ("stages", "stage", output.say("生命周期阶段", "stage")),
        ] {
            let head = [
                title,
                output.say("客户", "customers"),
                output.say("近365天净销售额", "net revenue 365d"),
            ]
            .map(str::to_owned);
            let rows: Vec<Vec<String>> = doc
                .get(group)
                .and_then(|g| g.as_object())
                .into_iter()
                .flatten()
                .map(|(id, cell)| {
                    vec![
                        named(&app, field, id, output.language),
                        cell.get("customers").map(plain).unwrap_or_default(),
                        cell.get("net_revenue_365").map(plain).unwrap_or_default(),
                    ]
                })
                .collect();
            println!();
            output.table(&head, &rows);
        }
        println!(
            "\n{} {} ({} {})",
            output.say("风险价值", "value at risk"),
            text("/value_at_risk"),
            text("/n_at_risk"),
            output.say("位客户", "customers"),
        );
        for model in ["bg_nbd", "mbg_nbd", "gamma_gamma"] {
            let note = text(&format!("/models/{model}/note/{}", output.say("zh", "en")));
            let fitted = doc.pointer(&format!("/models/{model}/log_likelihood"));
            let fitted = fitted.and_then(|x| x.as_f64()).map_or_else(
                || output.say("没有拟合", "not fitted").to_owned(),
                |x| format!("{} {x:.3}", output.say("对数似然", "log-likelihood")),
            );
            println!("{model}{}{fitted}  {note}", output.say("：", ": "));
        }
    }
    app.close().await;
    Ok(DONE)
}

/// A tier or stage by its name; in Chinese with the value that conditions use.
fn named(app: &App, field: &str, id: &str, language: Language) -> String {
    let score = app.catalog.object("score").ok();
    let field = score.and_then(|object| object.field(field));
    let mut options = field.into_iter().flat_map(|f| &f.options);
    match (options.find(|o| o.value == id), language) {
        (Some(option), Language::Zh) => format!("{} {id}", option.zh),
        _ => id.to_owned(),
    }
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[derive(Args)]
pub struct CheckArgs {
    /// A backup that is kept elsewhere: the log of changes must be the one that
    /// is in it, gone on.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

pub async fn check(place: &Place, args: CheckArgs, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let against = args.against.as_deref();
    let report = keji_app::check::run(&app, &caller(), against, output.language).await?;
    if output.is_json {
        output.json(&report)?;
    } else {
        for finding in &report.findings {
            println!(
                "{} {}{}{}",
                if finding.is_good { "✓" } else { "✗" },
                finding.name,
                output.say("：", ": "),
                finding.detail
            );
        }
    }
    app.close().await;
    Ok(if report.is_good() { DONE } else { DIFFERS })
}

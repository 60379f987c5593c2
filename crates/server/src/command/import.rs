//! `keji import` and `keji demo`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use keji_app::import::{How, ImportOutcome, ImportRequest, Mapping, Mode, Progress, Summary};
use keji_app::messages::Language;
use keji_app::{App, Caller};
use serde_json::{Value as Json, json};

use super::output::Output;
use super::{DONE, InName, NEEDS_YOU, Place, caller, open};

#[derive(Args)]
pub struct ImportArgs {
    #[command(flatten)]
    name: InName,
    /// Files of order lines, or of records of --object: .csv, .csv.gz or .xlsx; one batch each.
    #[arg(value_name = "FILE", required_unless_present = "undo")]
    files: Vec<PathBuf>,
    /// The object whose records the files have, such as contact; without it they are orders.
    #[arg(long, value_name = "OBJECT")]
    object: Option<String>,
    /// Read and check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// What the columns mean: the file that a first try printed, mended.
    #[arg(long, value_name = "M")]
    mapping: Option<PathBuf>,
    /// What to do with what is known already: add, update or replace.
    #[arg(long, value_name = "MODE", default_value = "add", value_parser = PossibleValuesParser::new(["add", "update", "replace"]).map(mode))]
    mode: Mode,
    /// Where the files come from; `replace` needs it.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Where to write the rejected rows with their reasons.
    #[arg(long, value_name = "OUT")]
    rejects: Option<PathBuf>,
    /// Take a whole batch back.
    #[arg(long, value_name = "BATCH", conflicts_with_all = ["files", "object", "dry_run", "mapping", "rejects", "source"])]
    undo: Option<i64>,
}

/// A mapping file that a person has mended.
pub fn mapping(path: Option<&Path>) -> Result<Option<Mapping>, keji_app::Error> {
    let Some(path) = path else { return Ok(None) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(keji_app::Error::named(name.clone()))?;
    Ok(Some(Mapping::from_toml(&name, &text)?))
}

fn mode(text: String) -> Mode {
    match text.as_str() {
        "update" => Mode::Update,
        "replace" => Mode::Replace,
        _ => Mode::Add,
    }
}

pub async fn run(place: &Place, args: ImportArgs, output: &Output) -> anyhow::Result<u8> {
    if let Some(batch) = args.undo {
        return undo(place, &args.name, batch, output).await;
    }
    if args.rejects.is_some() && args.files.len() > 1 {
        return Err(keji_app::Error::State {
            code: "option_unused",
            zh: "--rejects 只能写一个文件的退回行：请逐个文件导入，各写到自己的文件".to_owned(),
            en: "--rejects takes the rows of one file: import the files one by one, each with its own"
                .to_owned(),
        }
        .into());
    }
    let mapping = mapping(args.mapping.as_deref())?;
    let cancel = Arc::new(AtomicBool::new(false));
    let asked = cancel.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        asked.store(true, Ordering::Relaxed);
    });
    let app = open(place).await?;
    let caller = args.name.caller(&app).await?;
    let is_one = args.files.len() == 1;
    let mut code = DONE;
    let mut outcomes = Vec::new();
    for file in &args.files {
        let how = How {
            dry_run: args.dry_run,
            review: false,
            mode: args.mode,
            source: args.source.clone(),
            object: args.object.clone(),
            mapping: mapping.clone(),
            language: output.language,
        };
        let request = ImportRequest {
            path: file.clone(),
            how,
            rejects: args.rejects.clone(),
        };
        if !is_one && !output.is_json {
            println!("{}", file.display());
        }
        let (ended, mut outcome) = match one(&app, &caller, request, output, cancel.clone()).await {
            Ok(ended) => ended,
            // A bad file is no reason to leave out those behind it.
            Err(problem) => {
                let (ended, body) = output.say_problem(&problem);
                (ended, json!({ "state": "failed", "error": body }))
            }
        };
        code = code.max(ended);
        outcome["file"] = json!(file);
        outcomes.push(outcome);
        if cancel.load(Ordering::Relaxed) {
            break;
        }
    }
    if output.is_json {
        match outcomes.as_slice() {
            [only] if is_one => output.json(only)?,
            all => output.json(&json!({ "imports": all }))?,
        }
    }
    app.close().await;
    Ok(code)
}

async fn undo(place: &Place, name: &InName, batch: i64, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let caller = name.caller(&app).await?;
    let undone = keji_app::import::undo(&app, &caller, batch).await?;
    if output.is_json {
        output.json(&undone)?;
    } else {
        let (lines, orders) = (undone.lines_deleted, undone.orders_deleted);
        let (customers, products) = (undone.customers_deleted, undone.products_deleted);
        let (restored, records) = (undone.records_restored, undone.records_deleted);
        println!(
            "{}",
            match output.language {
                Language::Zh => format!(
                    "已撤销批次 {batch}：删除了 {lines} 行明细、{orders} 张订单、{customers} 个客户、{products} 个产品、{records} 条其他记录，{restored} 条记录恢复原样"
                ),
                Language::En => format!(
                    "batch {batch} is undone: deleted lines {lines}, orders {orders}, customers {customers}, products {products}, other records {records}; records as before {restored}"
                ),
            }
        );
    }
    app.close().await;
    Ok(DONE)
}

/// Imports one file and says what came of it; with `--json` the caller prints
/// the document.
async fn one(
    app: &App,
    caller: &Caller,
    request: ImportRequest,
    output: &Output,
    cancel: Arc<AtomicBool>,
) -> anyhow::Result<(u8, Json)> {
    let dry_run = request.how.dry_run;
    let shows_progress = std::io::stderr().is_terminal() && !output.is_json;
    let language = output.language;
    let progress = move |p: Progress| {
        if shows_progress {
            eprint!("\r\x1b[K{}", p.line(language));
            let _ = std::io::stderr().flush();
        }
    };
    let outcome = keji_app::import::run(app, caller, request, &progress, cancel).await;
    if shows_progress {
        eprintln!();
    }
    match outcome? {
        ImportOutcome::NeedsMapping(mapping) => {
            eprintln!(
                "keji: {}",
                output.say(
                    "列的含义不够确定。请把下面的内容存成文件，改好后用 --mapping 再导入一次",
                    "the columns are not certain enough; save the text below, mend it and import again with --mapping",
                )
            );
            for doubt in mapping.doubts(language) {
                eprintln!("keji: {doubt}");
            }
            if !output.is_json {
                println!("{}", mapping.to_toml());
            }
            let document = json!({ "state": "needs_mapping", "mapping": mapping });
            Ok((NEEDS_YOU, document))
        }
        ImportOutcome::Done { batch, summary } => {
            if !output.is_json {
                report(&summary, batch, dry_run, output);
            }
            let document = json!({
                "state": if dry_run { "dry_run" } else { "done" },
                "batch": batch,
                "summary": summary,
            });
            Ok((DONE, document))
        }
    }
}

fn report(summary: &Summary, batch: Option<i64>, dry_run: bool, output: &Output) {
    for (zh, en, text) in summary.lines() {
        // What would be new is known only to the store.
        let is_stores = ["new", "changed", "known", "evaluated"]
            .iter()
            .any(|w| en.starts_with(w));
        if dry_run && is_stores {
            continue;
        }
        println!("{:>24}  {text}", output.say(zh, en));
    }
    for line in summary.oddities.iter().chain(&summary.first_looks) {
        println!("{:>24}  {}", "·", output.say(&line.zh, &line.en));
    }
    if let Some(batch) = batch {
        println!(
            "{:>24}  keji import --undo {batch}",
            output.say("撤销", "to undo")
        );
    }
}

pub async fn demo(place: &Place, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let summary = keji_app::demo::load(&app, &caller()).await?;
    if output.is_json {
        output.json(&summary)?;
    } else {
        for (zh, en, text) in summary.lines() {
            println!("{:>24}  {text}", output.say(zh, en));
        }
    }
    app.close().await;
    Ok(DONE)
}

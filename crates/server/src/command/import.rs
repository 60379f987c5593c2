//! `keji import` and `keji demo`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;
use keji_app::App;
use keji_app::import::{How, ImportOutcome, ImportRequest, Mapping, Mode, Progress};

use super::output::Output;
use super::{DONE, NEEDS_YOU, Place, caller, open};

#[derive(Args)]
pub struct ImportArgs {
    /// Files of order lines: .csv, .csv.gz or .xlsx; one batch each.
    #[arg(value_name = "FILE", required_unless_present = "undo")]
    files: Vec<PathBuf>,
    /// Read and check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// What the columns mean: the file that a first try printed, mended.
    #[arg(long, value_name = "M")]
    mapping: Option<PathBuf>,
    /// What to do with what is known already: add, update or replace.
    #[arg(long, value_name = "MODE", default_value = "add", value_parser = mode)]
    mode: Mode,
    /// Where the files come from; `replace` needs it.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Where to write the rejected rows with their reasons.
    #[arg(long, value_name = "OUT")]
    rejects: Option<PathBuf>,
    /// Take a whole batch back.
    #[arg(long, value_name = "BATCH", conflicts_with_all = ["files", "dry_run", "mapping", "rejects", "source"])]
    undo: Option<i64>,
}

/// A mapping file that a person has mended.
pub fn mapping(path: Option<&Path>) -> anyhow::Result<Option<Mapping>> {
    let Some(path) = path else { return Ok(None) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
    let mapping = Mapping::from_toml(&name, &text).map_err(keji_app::Error::from)?;
    Ok(Some(mapping))
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "add" => Ok(Mode::Add),
        "update" => Ok(Mode::Update),
        "replace" => Ok(Mode::Replace),
        _ => Err("add, update or replace".to_owned()),
    }
}

pub async fn run(place: &Place, args: ImportArgs, output: &Output) -> anyhow::Result<u8> {
    if let Some(batch) = args.undo {
        let app = open(place).await?;
        let summary = keji_app::import::undo(&app, &caller(), batch).await?;
        if output.is_json {
            output.json(&summary)?;
        } else {
            println!(
                "{} {batch}: {}",
                output.say("已撤销批次", "undone: batch"),
                serde_json::to_string(&summary)?
            );
        }
        app.close().await;
        return Ok(DONE);
    }
    let mapping = mapping(args.mapping.as_deref())?;
    let cancel = Arc::new(AtomicBool::new(false));
    let asked = cancel.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        asked.store(true, Ordering::Relaxed);
    });
    let app = open(place).await?;
    let mut code = DONE;
    for file in &args.files {
        let how = How {
            dry_run: args.dry_run,
            review: false,
            mode: args.mode,
            source: args.source.clone(),
            mapping: mapping.clone(),
            language: output.language,
        };
        let request = ImportRequest {
            path: file.clone(),
            how,
            rejects: args.rejects.clone(),
        };
        if args.files.len() > 1 && !output.is_json {
            println!("{}", file.display());
        }
        let ended = one(&app, request, output, args.dry_run, cancel.clone()).await?;
        code = code.max(ended);
    }
    app.close().await;
    Ok(code)
}

/// Imports one file and says what came of it.
async fn one(
    app: &App,
    request: ImportRequest,
    output: &Output,
    dry_run: bool,
    cancel: Arc<AtomicBool>,
) -> anyhow::Result<u8> {
    let shows_progress = std::io::stderr().is_terminal() && !output.is_json;
    let progress = move |p: Progress| {
        if shows_progress {
            eprint!("\r\x1b[K{}", p.line());
            let _ = std::io::stderr().flush();
        }
    };
    let outcome = keji_app::import::run(app, &caller(), request, &progress, cancel).await;
    if shows_progress {
        eprintln!();
    }
    Ok(match outcome? {
        ImportOutcome::NeedsMapping(mapping) => {
            eprintln!(
                "keji: {}",
                output.say(
                    "列的含义不够确定。请把下面的内容存成文件，改好后用 --mapping 再导入一次",
                    "the columns are not certain enough; save the text below, mend it and import again with --mapping",
                )
            );
            if output.is_json {
                output
                    .json(&serde_json::json!({ "state": "needs_mapping", "mapping": mapping }))?;
            } else {
                println!("{}", mapping.to_toml());
            }
            NEEDS_YOU
        }
        ImportOutcome::Done { batch, summary } => {
            if output.is_json {
                output.json(&serde_json::json!({
                    "state": if dry_run { "dry_run" } else { "done" },
                    "batch": batch,
                    "summary": summary,
                }))?;
            } else {
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
            DONE
        }
    })
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

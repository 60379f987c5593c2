//! `keji import` and `keji demo`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;
use keji_app::import::{ImportOutcome, ImportRequest, Mapping, Progress};

use super::output::Output;
use super::{DONE, NEEDS_YOU, Place, caller, open};

#[derive(Args)]
pub struct ImportArgs {
    /// A file of order lines: .csv, .csv.gz or .xlsx.
    #[arg(required_unless_present = "undo")]
    file: Option<PathBuf>,
    /// Read and check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// What the columns mean: the file that a first try printed, mended.
    #[arg(long, value_name = "M")]
    mapping: Option<PathBuf>,
    /// Where to write the rejected rows with their reasons.
    #[arg(long, value_name = "OUT")]
    rejects: Option<PathBuf>,
    /// Take a whole batch back.
    #[arg(long, value_name = "BATCH", conflicts_with_all = ["file", "dry_run", "mapping", "rejects"])]
    undo: Option<i64>,
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
    let file = args.file.context("a file to import")?;
    let mapping = match &args.mapping {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            Some(
                Mapping::from_toml(&path.display().to_string(), &text)
                    .map_err(keji_app::Error::from)?,
            )
        }
        None => None,
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let asked = cancel.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        asked.store(true, Ordering::Relaxed);
    });
    let app = open(place).await?;
    let request = ImportRequest {
        path: file,
        mapping,
        dry_run: args.dry_run,
        rejects: args.rejects,
    };
    let shows_progress = std::io::stderr().is_terminal() && !output.is_json;
    let progress = move |p: Progress| {
        if shows_progress {
            eprint!("\r\x1b[K{}", p.line());
            let _ = std::io::stderr().flush();
        }
    };
    let outcome = keji_app::import::run(&app, &caller(), request, &progress, cancel).await;
    if shows_progress {
        eprintln!();
    }
    let code = match outcome? {
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
                    "state": if args.dry_run { "dry_run" } else { "done" },
                    "batch": batch,
                    "summary": summary,
                }))?;
            } else {
                for (zh, en, text) in summary.lines() {
                    // What would be new is known only to the store.
                    let is_stores = ["new", "changed", "known", "evaluated"]
                        .iter()
                        .any(|w| en.starts_with(w));
                    if args.dry_run && is_stores {
                        continue;
                    }
                    println!("{:>24}  {text}", output.say(zh, en));
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
    };
    app.close().await;
    Ok(code)
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

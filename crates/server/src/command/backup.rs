//! `keji backup` and `keji restore`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use keji_app::backup::{BackupProgress, BackupReport, BackupStep};
use keji_app::person;
use serde_json::json;

use super::output::Output;
use super::{DONE, Place, caller, open};

#[derive(Args)]
pub struct BackupArgs {
    /// The file to write; it must not exist yet. Without one, the backup goes
    /// to those that the page shows, in `backups` of the data folder.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Args)]
pub struct RestoreArgs {
    /// The backup. It goes into the folder of --data or the database of
    /// --database, which must be empty.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The register of erasures (erasures.jsonl in the data folder): who was
    /// erased after the backup was made is erased again. Without it, that of the
    /// data folder in whose `backups` the file lies.
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
}

pub async fn backup(place: &Place, args: BackupArgs, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let (file, report) = match args.file {
        Some(file) => {
            let report = keji_app::backup::backup(&app, &caller(), &file, shown(output)).await?;
            (file, report)
        }
        None => keji_app::backup::work::make(&app, &caller(), shown(output)).await?,
    };
    app.close().await;
    say(output, &report, ("已备份到", "backed up to"), &file)
}

pub async fn restore(place: &Place, args: RestoreArgs, output: &Output) -> anyhow::Result<u8> {
    let database = place.database.as_deref();
    // Read first: a register that cannot be read must not leave a place in
    // which the erased are back.
    let beside = || person::register_beside(&args.file);
    let file = args.erasures.clone().or_else(beside);
    let register = file.as_deref().map(person::read_register).transpose()?;
    let report =
        keji_app::backup::restore(&args.file, &place.data, database, shown(output)).await?;
    // The columnar copy is no part of a backup.
    let app = open(place).await?;
    let erased = match &register {
        Some(register) => person::apply_register(&app, &caller(), register).await?,
        None => {
            person::write_register(&app).await?;
            0
        }
    };
    keji_app::backup::make_ready(&app).await?;
    app.close().await;
    if register.is_none() {
        let warning = output.say(
            "没有找到清除登记 erasures.jsonl：备份之后清除的人又在这里了。有登记就清空这个地方，加 --erasures 再恢复一次",
            "no register of erasures (erasures.jsonl) was found: whoever was erased after the \
             backup was made is in this place again. Where there is one, empty the place and \
             restore with --erasures",
        );
        eprintln!("{warning}");
    }
    if output.is_json {
        let mut report = serde_json::to_value(&report)?;
        report["erasures"] = json!(file);
        report["erased_again"] = json!(erased);
        output.json(&report)?;
        return Ok(DONE);
    }
    let done = say(output, &report, ("已恢复自", "restored from"), &args.file)?;
    if let Some(file) = &file {
        let said = output.say("按清除登记再次清除的人", "erased again, by the register");
        println!("{said} {}: {erased}", file.display());
    }
    Ok(done)
}

fn shown(output: &Output) -> impl FnMut(BackupProgress) + Send + use<> {
    let shows = std::io::stderr().is_terminal() && !output.is_json;
    let language = output.language;
    move |p: BackupProgress| {
        if shows {
            let table = p.table.as_deref().unwrap_or_default();
            let step = match p.step {
                BackupStep::Open => language.pick("检查", "checking"),
                BackupStep::Copy => language.pick("复制", "copying"),
                BackupStep::Verify => language.pick("核对", "comparing"),
                BackupStep::Finish => language.pick("写盘", "finishing"),
            };
            eprint!("\r\x1b[K{step} {table} {}", p.rows);
            let _ = std::io::stderr().flush();
        }
    }
}

fn say(
    output: &Output,
    report: &BackupReport,
    (zh, en): (&str, &str),
    file: &std::path::Path,
) -> anyhow::Result<u8> {
    if output.is_json {
        output.json(report)?;
        return Ok(DONE);
    }
    let head = [
        output.say("表", "table"),
        output.say("行数", "rows"),
        output.say("校验和", "checksum"),
    ]
    .map(str::to_owned);
    let rows: Vec<Vec<String>> = report
        .tables
        .iter()
        .map(|t| vec![t.name.clone(), t.rows.to_string(), t.checksum.to_string()])
        .collect();
    output.table(&head, &rows);
    println!("{} {}", output.say(zh, en), file.display());
    println!(
        "{} {}",
        output.say("附件内容", "contents of files"),
        report.contents
    );
    if report.contents_missing > 0 {
        // What is missing was missing before: `keji check` names it.
        eprintln!(
            "{} {}",
            output.say("缺失或损坏的附件内容：", "contents missing or damaged:"),
            report.contents_missing
        );
    }
    Ok(DONE)
}

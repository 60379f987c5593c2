//! The command line: every verb of the product, each with `--json`.
//!
//! Exit codes: 0 done; 1 failed, the reason on standard error; 2 the call or
//! its input needs somebody (a wrong option, a mapping to look at); 3 `check`
//! found a difference.

mod ask;
mod backup;
mod customers;
mod definitions;
mod evaluate;
mod file;
mod import;
mod outbound;
mod output;
mod person;
mod records;
mod serve;
mod user;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use keji_app::messages::Language;
use keji_app::outbound::Outbound;
use keji_app::{App, Caller, Error, OpenOptions, identity};

use output::Output;

pub const DONE: u8 = 0;
pub const FAILED: u8 = 1;
pub const NEEDS_YOU: u8 = 2;
pub const DIFFERS: u8 = 3;

/// Keji 客绩: how every customer performs, why, and what to do next.
#[derive(Parser)]
#[command(name = "keji", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
    /// Print the result as one JSON document.
    #[arg(long, global = true)]
    json: bool,
}

/// Where the data are.
#[derive(Args, Clone)]
pub struct Place {
    /// The data folder.
    #[arg(
        long,
        global = true,
        env = "KEJI_DATA",
        default_value = "./data",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// Keep the records in PostgreSQL: postgres://user:password@host/database.
    #[arg(long, global = true, env = "KEJI_DATABASE", value_name = "URL")]
    database: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server and the page.
    Serve(serve::ServeArgs),
    /// Import a file of orders or of other records (CSV, CSV.gz, XLSX), or undo an import.
    Import(import::ImportArgs),
    /// Evaluate every customer: value, tier, stage, RFM, risk.
    Evaluate(evaluate::EvaluateArgs),
    /// Ask for one or more metrics.
    Ask(ask::AskArgs),
    /// List customers with their scores.
    Customers(customers::ListArgs),
    /// Write customers with their scores to a .csv, .xlsx or .parquet file.
    Export(customers::ExportArgs),
    /// List, show, create, change and delete the records of any object.
    Records(records::RecordsArgs),
    /// Keep the content of files, write it to the disk, replace it.
    #[command(subcommand)]
    File(file::FileCommand),
    /// Check definitions of one's own by themselves; nothing else is opened.
    Definitions(definitions::DefinitionsArgs),
    /// Prove that definitions, store and copy are whole and agree.
    Check(evaluate::CheckArgs),
    /// Write everything of the store into one file, while others go on working.
    Backup(backup::BackupArgs),
    /// Bring a backup back into an empty place.
    Restore(backup::RestoreArgs),
    /// Whether requests go out; let them, after a restore.
    #[command(subcommand)]
    Outbound(outbound::OutboundCommand),
    /// Load the demo company into an empty place.
    Demo,
    /// Add users, list them, or give one a new password.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Make tokens by which programs come in, list or end them.
    #[command(subcommand)]
    Token(user::TokenCommand),
    /// Take out or erase all that there is of one person.
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Show and record what a person consents to.
    #[command(subcommand)]
    Consent(person::ConsentCommand),
    /// Print the API's description.
    #[command(hide = true)]
    Openapi,
    /// Read a workbook in this process, under limits it sets for itself.
    #[command(hide = true)]
    ParseWorkbook { file: PathBuf },
}

pub fn main() -> ExitCode {
    let language = language();
    let cli = match words::parse::<Cli>(language) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    // The child that reads workbooks must not start a runtime: it lives
    // under a memory limit.
    if let Command::ParseWorkbook { file } = &cli.command {
        return keji_app::import::parse_workbook_child(file);
    }
    // A reader that stops early, such as `head`, ends a command quietly; the
    // server has to see closed connections as errors.
    if !matches!(cli.command, Command::Serve(_)) {
        crate::memory::end_with_the_reader();
    }
    let output = Output::new(cli.json, language);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(problem) => {
            eprintln!("keji: {problem}");
            return ExitCode::from(FAILED);
        }
    };
    let code = runtime.block_on(run(cli, &output));
    // A blocking reader that nobody waits for any more must not hold the exit.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run(cli: Cli, output: &Output) -> u8 {
    let place = cli.place;
    let result = match cli.command {
        Command::Serve(args) => serve::run(place, args, output).await,
        Command::Import(args) => import::run(&place, args, output).await,
        Command::Evaluate(args) => evaluate::run(&place, args, output).await,
        Command::Ask(args) => ask::run(&place, args, output).await,
        Command::Customers(args) => customers::list(&place, args, output).await,
        Command::Export(args) => customers::export(&place, args, output).await,
        Command::Records(args) => records::run(&place, args, output).await,
        Command::File(command) => file::file(&place, command, output).await,
        Command::Definitions(args) => definitions::run(&place, args, output).await,
        Command::Check(args) => evaluate::check(&place, args, output).await,
        Command::Backup(args) => backup::backup(&place, args, output).await,
        Command::Restore(args) => backup::restore(&place, args, output).await,
        Command::Outbound(command) => outbound::run(&place, command, output).await,
        Command::Demo => import::demo(&place, output).await,
        Command::User(command) => user::user(&place, command, output).await,
        Command::Token(command) => user::token(&place, command, output).await,
        Command::Person(command) => person::person(&place, command, output).await,
        Command::Consent(command) => person::consent(&place, command, output).await,
        Command::Openapi => {
            println!("{}", crate::http::openapi_json());
            Ok(DONE)
        }
        Command::ParseWorkbook { .. } => unreachable!("handled before the runtime starts"),
    };
    result.unwrap_or_else(|problem| output.problem(&problem))
}

/// Chinese unless the locale says English; English where there is no locale,
/// as in scripts.
fn language() -> Language {
    ["KEJI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| {
            std::env::var(name)
                .ok()
                .filter(|v| !v.is_empty() && v != "C" && v != "POSIX" && v != "C.UTF-8")
        })
        .map_or(Language::En, |text| Language::preferred(&text))
}

async fn open(place: &Place) -> anyhow::Result<App> {
    open_with(place, Outbound::default()).await
}

async fn open_with(place: &Place, outbound: Outbound) -> anyhow::Result<App> {
    Ok(App::open(OpenOptions {
        folder: place.data.clone(),
        database: place.database.clone(),
        workbook_parser: std::env::current_exe()?,
        give_back_memory: crate::memory::give_back,
        outbound,
    })
    .await?)
}

fn caller() -> Caller {
    Caller::command_line()
}

/// In whose name a command reads and writes records.
#[derive(Args)]
pub struct InName {
    /// In the name of this user, with his rights and no more; without it
    /// everything, since whoever has this command line has the data folder.
    #[arg(long = "as", env = "KEJI_AS", global = true, value_name = "LOGIN")]
    as_user: Option<String>,
}

impl InName {
    async fn caller(&self, app: &App) -> Result<Caller, Error> {
        match &self.as_user {
            Some(login) => identity::caller_of_login(app, login).await,
            None => Ok(caller()),
        }
    }
}

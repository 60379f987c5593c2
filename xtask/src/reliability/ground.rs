//! Where the runs happen: the program, the databases, the places that each
//! trial gets for itself, and what is read from a store past the program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use super::process::{Ended, ended};
use super::random::Random;
use super::server::TOKEN;

/// No command of the program may take longer here.
pub const COMMAND: Duration = Duration::from_secs(120);

static N_DATABASES: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Postgres,
}

pub const STORES: [Store; 2] = [Store::Sqlite, Store::Postgres];

impl Store {
    pub fn name(self) -> &'static str {
        match self {
            Store::Sqlite => "SQLite",
            Store::Postgres => "PostgreSQL",
        }
    }
}

/// A throw-away cluster of `scripts/test-postgres.sh`.
#[derive(Debug)]
pub struct Cluster {
    /// postgres://user:password@host:port, without a database.
    pub base: String,
    pub folder: PathBuf,
    pub programs: PathBuf,
}

impl Cluster {
    /// The one that `scripts/reliability.sh` started, if any.
    pub fn of_environment(root: &Path) -> Result<Option<Cluster>> {
        let value = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let (Some(url), Some(folder)) =
            (value("KEJI_TEST_POSTGRES"), value("KEJI_TEST_POSTGRES_DIR"))
        else {
            return Ok(None);
        };
        let mut which = Command::new(root.join("scripts/test-postgres.sh"));
        let programs = ended(which.arg("which"), COMMAND)?.good()?;
        let (base, _) = url.rsplit_once('/').context("no database in the URL")?;
        Ok(Some(Cluster {
            base: base.to_owned(),
            folder: folder.into(),
            programs: programs.trim().into(),
        }))
    }
}

#[derive(Debug)]
pub struct Ground {
    pub bin: PathBuf,
    pub seed: u64,
    pub is_sample: bool,
    pub cluster: Option<Cluster>,
    /// The project.
    pub root: PathBuf,
}

impl Ground {
    /// How many trials: all, or the few of a sample.
    pub fn n(&self, all: usize, sample: usize) -> usize {
        if self.is_sample { sample } else { all }
    }

    pub fn random(&self, purpose: &str) -> Random {
        Random::new(self.seed, purpose)
    }

    /// Why a store cannot be tried here.
    pub fn lacks(&self, store: Store) -> Option<&'static str> {
        (store == Store::Postgres && self.cluster.is_none())
            .then_some("KEJI_TEST_POSTGRES and KEJI_TEST_POSTGRES_DIR are not set")
    }

    pub fn home(&self, store: Store) -> Result<Home> {
        let folder = tempfile::Builder::new()
            .prefix("keji-reliability-")
            .tempdir()?;
        let database = match (store, &self.cluster) {
            (Store::Sqlite, _) => None,
            (Store::Postgres, Some(cluster)) => Some(Database::create(cluster)?),
            (Store::Postgres, None) => anyhow::bail!("no PostgreSQL here"),
        };
        Ok(Home {
            data: folder.path().join("data"),
            folder,
            under: Vec::new(),
            bin: self.bin.clone(),
            database,
            token: OnceLock::new(),
        })
    }
}

#[derive(Debug)]
struct Database {
    url: String,
    admin: String,
    name: String,
    psql: PathBuf,
}

impl Database {
    fn create(cluster: &Cluster) -> Result<Database> {
        let n = N_DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("reliability_{}_{n}", std::process::id());
        let database = Database {
            url: format!("{}/{name}", cluster.base),
            admin: format!("{}/postgres", cluster.base),
            psql: cluster.programs.join("psql"),
            name,
        };
        database.ask(
            &database.admin,
            &format!("create database {}", database.name),
        )?;
        Ok(database)
    }

    fn ask(&self, url: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new(&self.psql);
        psql.args([url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        ended(&mut psql, COMMAND)?.good()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("drop database if exists {} with (force)", self.name);
        let _ = self.ask(&self.admin, &sql);
    }
}

/// A data folder and, with PostgreSQL, a database of its own.
#[derive(Debug)]
pub struct Home {
    /// Removed with the home; holds `data` and what a test keeps outside it.
    folder: tempfile::TempDir,
    pub data: PathBuf,
    /// A program and its arguments that run all others here, such as nsenter.
    pub under: Vec<OsString>,
    bin: PathBuf,
    database: Option<Database>,
    token: OnceLock<String>,
}

impl Home {
    pub fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file beside the data folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    }

    pub fn keji<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        self.keji_under(Vec::<OsString>::new(), arguments)
    }

    /// The program under another one that runs it, such as strace.
    pub fn keji_under<P: Into<OsString>, S: Into<OsString>>(
        &self,
        under: impl IntoIterator<Item = P>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut words: Vec<OsString> = under.into_iter().map(Into::into).collect();
        words.push(self.bin.clone().into());
        let mut command = self.under(words);
        command
            .arg("--data")
            .arg(&self.data)
            .args(arguments.into_iter().map(Into::into))
            .env("KEJI_LANG", "en")
            .env_remove("KEJI_DATABASE")
            .env_remove("KEJI_DATA");
        if let Some(database) = &self.database {
            command.env("KEJI_DATABASE", &database.url);
        }
        command
    }

    fn under(&self, words: Vec<OsString>) -> Command {
        let mut all = self.under.iter().cloned().chain(words);
        let mut command = Command::new(all.next().unwrap_or_default());
        command.args(all);
        command
    }

    pub fn serve(&self) -> Command {
        self.serve_under(Vec::<OsString>::new())
    }

    pub fn serve_under<P: Into<OsString>>(&self, under: impl IntoIterator<Item = P>) -> Command {
        let mut command = self.keji_under(under, ["serve", "--listen", "127.0.0.1:0"]);
        command.env(TOKEN, self.token());
        command
    }

    /// By which a client of this place's server comes in; without one it is
    /// refused, and the test says so.
    fn token(&self) -> &str {
        self.token.get_or_init(|| {
            let made = self
                .run(["user", "add", "owner", "--role", "owner", "--no-password"])
                .and_then(|_| self.json(["token", "create", "test", "--user", "owner"]));
            let token = made
                .ok()
                .and_then(|t| Some(t["token"].as_str()?.to_owned()));
            token.unwrap_or_default()
        })
    }

    pub fn run<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Ended> {
        ended(self.keji(arguments).arg("--json"), COMMAND)
    }

    pub fn json<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Json> {
        let text = self.run(arguments)?.good()?;
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
    }

    pub fn import(&self, file: &Path) -> Result<Json> {
        self.json([OsString::from("import"), file.into()])
    }

    /// The program's own proof.
    pub fn is_good(&self) -> Result<()> {
        let report = self.json(["check"])?;
        let findings = report["findings"].as_array().context("no findings")?;
        ensure!(
            !findings.is_empty() && findings.iter().all(|f| f["is_good"] == true),
            "check: {report}"
        );
        Ok(())
    }

    /// As the program answers.
    pub fn n_orders(&self) -> Result<i64> {
        let answer = self.json(["ask", "orders"])?;
        Ok(answer["rows"][0][0].as_i64().unwrap_or(0))
    }

    /// Rows of the store, asked past the program, columns joined by `|`.
    pub fn sql(&self, sql: &str) -> Result<Vec<String>> {
        let text = match &self.database {
            Some(database) => database.ask(&database.url, sql)?,
            None => {
                let mut sqlite = self.under(vec!["sqlite3".into()]);
                sqlite
                    .args(["-cmd", ".timeout 30000"])
                    .arg(self.data.join("keji.sqlite"))
                    .arg(sql);
                ended(&mut sqlite, COMMAND)?.good()?
            }
        };
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Everything by which two places with the same files must agree.
    pub fn state(&self) -> Result<Vec<String>> {
        let mut state = self.sql(
            r#"select 'order', count(*), sum(net_amount), sum(n_lines) from "order"
            union all select 'order_line', count(*), sum(amount), sum(quantity) from order_line
            union all select 'customer', count(*), min(length(number)), max(length(number)) from customer
            union all select 'product', count(*), min(length(number)), max(length(number)) from product
            union all select 'score', count(*), sum(net_revenue), sum(n_orders) from score
            union all select 'evaluation', count(*), sum(n_customers), 0 from keji_evaluation"#,
        )?;
        let months = self.json(["ask", "orders,net_revenue", "--by", "month"])?;
        state.push(months["rows"].to_string());
        Ok(state)
    }

    pub fn agrees_with(&self, expected: &[String]) -> Result<()> {
        let state = self.state()?;
        let differs: Vec<_> = state
            .iter()
            .zip(expected)
            .filter(|(is, should)| is != should)
            .map(|(is, should)| format!("{is} instead of {should}"))
            .collect();
        ensure!(
            differs.is_empty() && state.len() == expected.len(),
            "{}",
            differs.join("; ")
        );
        Ok(())
    }

    /// Each order of a one-order file with how many lines it has.
    pub fn ones(&self) -> Result<BTreeMap<String, Vec<u64>>> {
        let rows = self.sql(
            r#"select number, (select count(*) from order_line l where l."order" = o.id)
            from "order" o where number like 'A%'"#,
        )?;
        let mut ones: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for row in rows {
            let (number, n_lines) = row.split_once('|').context("two columns")?;
            ones.entry(number.to_owned())
                .or_default()
                .push(n_lines.parse()?);
        }
        Ok(ones)
    }
}

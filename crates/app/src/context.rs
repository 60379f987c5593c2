//! What there is to work with: catalog, store, copy and the data folder.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use keji_metrics::copy::Copy;
use keji_metrics::run::{Engine, MEMORY_BYTES};
use keji_schema::{Catalog, Value};
use keji_store::{BulkWatch, Contents, ListQuery, Location, Sort, Store};

use crate::definitions;
use crate::error::{Error, Result};
use crate::outbound::Outbound;
use crate::permission::{Caller, access};

/// Orders that are looked at for their currency.
const N_NEWEST: u32 = 200;

/// Where the data are and how to start the child that reads workbooks.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The data folder; made when absent.
    pub folder: PathBuf,
    /// A PostgreSQL URL; absent: SQLite in the folder.
    pub database: Option<String>,
    /// The program that knows `parse-workbook FILE`, usually this one.
    pub workbook_parser: PathBuf,
    /// Hands free memory back to the system, called between the stages of an
    /// import; nothing where the allocator needs none.
    pub give_back_memory: fn(),
    /// The one way out, with what the operator allows.
    pub outbound: Outbound,
}

/// Batches that are being written, by who writes them and his key.
type UnderWay = HashMap<(String, String), Arc<BulkWatch>>;

/// The product, open. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub catalog: Arc<Catalog>,
    /// The version of what was defined in the page.
    pub(crate) design: i64,
    pub(crate) store: Store,
    pub(crate) copy: Arc<Copy>,
    /// The bytes of files.
    pub(crate) contents: Contents,
    pub(crate) engine: Engine,
    folder: Arc<PathBuf>,
    pub(crate) workbook_parser: Arc<PathBuf>,
    pub(crate) give_back_memory: fn(),
    pub outbound: Outbound,
    pub(crate) identity: Arc<crate::identity::Memory>,
    pub(crate) backups: Arc<crate::backup::Memory>,
    pub(crate) duplicates: Arc<crate::duplicates::Memory>,
    /// Batches that are being written, by who writes them and his key.
    pub(crate) batches: Arc<Mutex<UnderWay>>,
    pub(crate) live: Arc<crate::live::Memory>,
    /// Whether a worker keeps the search's index up.
    pub(crate) follows: Arc<AtomicBool>,
}

impl App {
    pub async fn open(options: OpenOptions) -> Result<App> {
        let folder = &options.folder;
        let location = location(folder, options.database.as_deref())?;
        std::fs::create_dir_all(folder).map_err(Error::named(folder.display().to_string()))?;
        // Several databases may share a folder; each has a copy of its own.
        let mark = match &location {
            Location::Folder(_) => String::new(),
            Location::Postgres(url) => {
                format!("-{:016x}", stable_hash(without_password(url).as_bytes()))
            }
        };
        let copy = folder.join(format!("copy{mark}"));
        let own = |designed| Ok::<_, Error>(Arc::new(definitions::catalog(folder, designed)?));
        let store = Store::open_by(&location, own).await?;
        store
            .use_search(&folder.join(format!("search{mark}.sqlite")))
            .await?;
        let copy = Copy::open(&copy, store.clone())?;
        let contents = store.contents(&options.folder).await?;
        Ok(App {
            catalog: store.catalog().clone(),
            design: store.design_version().await?,
            store,
            copy: Arc::new(copy),
            contents,
            engine: Engine::new(MEMORY_BYTES)?,
            folder: Arc::new(options.folder),
            workbook_parser: Arc::new(options.workbook_parser),
            give_back_memory: options.give_back_memory,
            outbound: options.outbound,
            identity: Arc::default(),
            backups: Arc::default(),
            duplicates: Arc::default(),
            batches: Arc::default(),
            live: Arc::default(),
            follows: Arc::default(),
        })
    }

    /// The same place with other definitions, which `store` works with. Whoever
    /// holds this one works on with those of before.
    pub(crate) fn with(&self, store: Store, design: i64) -> Result<App> {
        let copy = self.copy.with(store.clone())?;
        crate::identity::forget(self);
        Ok(App {
            catalog: store.catalog().clone(),
            design,
            copy: Arc::new(copy),
            store,
            ..self.clone()
        })
    }

    /// Whether both work with the same definitions.
    pub fn is_same(&self, other: &App) -> bool {
        self.design == other.design
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The currency of the newest orders, where they have one and the same.
    pub(crate) async fn currency(&self, caller: &Caller) -> Result<Option<String>> {
        let query = ListQuery {
            object: "order".to_owned(),
            fields: vec!["currency".to_owned()],
            sort: vec![Sort::desc("ordered_on")],
            limit: N_NEWEST,
            ..ListQuery::default()
        };
        let page = self.store.list(&query, &access(caller, "order")).await?;
        let mut found = page.rows.iter().flatten().map(|value| match value {
            Value::Text(currency) => Some(currency.as_str()),
            _ => None,
        });
        let first = found.next().flatten();
        let is_one = found.all(|currency| currency == first);
        Ok(first.filter(|_| is_one).map(str::to_owned))
    }

    /// For tests and tools that look at the state as a whole.
    pub async fn state_hash(&self) -> Result<u128> {
        Ok(self.store.state_hash().await?)
    }

    pub async fn close(self) {
        self.backups.stop();
        self.store.close().await;
    }
}

/// The folder, or the database of a URL. Only PostgreSQL is known by one.
pub(crate) fn location(folder: &Path, database: Option<&str>) -> Result<Location> {
    let Some(url) = database else {
        return Ok(Location::Folder(folder.to_owned()));
    };
    match url.split_once("://") {
        Some(("postgres" | "postgresql", _)) => Ok(Location::Postgres(url.to_owned())),
        other => {
            let kind = other.map_or(url, |(scheme, _)| scheme);
            Err(Error::State {
                code: "unknown_database",
                zh: format!(
                    "不支持 `{kind}` 数据库：这里要写 postgres://用户:密码@主机/库名；不写则用数据文件夹里的 SQLite"
                ),
                en: format!(
                    "`{kind}` is not supported as a database: give postgres://user:password@host/database, or nothing for SQLite in the data folder"
                ),
            })
        }
    }
}

/// Whether a file can be put there, before the work is done.
pub(crate) fn check_place(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let fault = match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Some(ErrorKind::NotADirectory),
        Ok(_) if path.is_dir() => Some(ErrorKind::IsADirectory),
        Ok(_) => None,
        Err(problem) => return Err(Error::named(folder.display().to_string())(problem)),
    };
    match fault {
        Some(kind) => Err(Error::named(path.display().to_string())(kind.into())),
        None => Ok(()),
    }
}

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let user = url[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}://{user}{}", &url[..scheme], &url[at..])
        }
        _ => url.to_owned(),
    }
}

/// FNV-1a; names a folder, protects nothing.
pub(crate) fn stable_hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

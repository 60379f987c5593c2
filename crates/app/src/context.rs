//! What there is to work with: catalog, store, copy and the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keji_metrics::copy::Copy;
use keji_metrics::run::{Engine, MEMORY_BYTES};
use keji_schema::Catalog;
use keji_store::{Location, Store};

use crate::error::{Error, Result};

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
}

/// The product, open. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub catalog: Arc<Catalog>,
    pub(crate) store: Store,
    pub(crate) copy: Arc<Copy>,
    pub(crate) engine: Engine,
    folder: Arc<PathBuf>,
    pub(crate) workbook_parser: Arc<PathBuf>,
    pub(crate) give_back_memory: fn(),
}

impl App {
    pub async fn open(options: OpenOptions) -> Result<App> {
        let catalog = Arc::new(Catalog::standard()?);
        let folder = &options.folder;
        std::fs::create_dir_all(folder).map_err(Error::io(folder.display().to_string()))?;
        let (location, copy) = match &options.database {
            None => (Location::Folder(folder.clone()), folder.join("copy")),
            // Several databases may share a folder; each has a copy of its own.
            Some(url) => {
                let name = format!(
                    "copy-{:016x}",
                    stable_hash(without_password(url).as_bytes())
                );
                (Location::Postgres(url.clone()), folder.join(name))
            }
        };
        let store = Store::open(&location, catalog.clone()).await?;
        let copy = Copy::open(&copy, store.clone())?;
        Ok(App {
            catalog,
            store,
            copy: Arc::new(copy),
            engine: Engine::new(MEMORY_BYTES)?,
            folder: Arc::new(options.folder),
            workbook_parser: Arc::new(options.workbook_parser),
            give_back_memory: options.give_back_memory,
        })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// For tests and tools that look at the state as a whole.
    pub async fn state_hash(&self) -> Result<u128> {
        Ok(self.store.state_hash().await?)
    }

    pub async fn close(self) {
        self.store.close().await;
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

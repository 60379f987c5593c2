//! The handle to the store: opening, closing, and what all operations share.
//! The operations themselves stand beside their types, one `impl Store` per
//! subject.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use keji_schema::Catalog;

use crate::check::CountsCache;
use crate::db::{self, Db};
use crate::ddl::Shape;
use crate::error::Result;
use crate::group::GroupsCache;
use crate::import::Imports;
use crate::job::Held;
use crate::search::Index;
use crate::system;

#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A data folder; the database is `keji.sqlite` in it. Several processes
    /// may open it at once: they share one writer's place, by waiting.
    Folder(PathBuf),
    /// `postgres://…`
    Postgres(String),
}

impl fmt::Debug for Location {
    /// Without the URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
            Location::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// Asks a long operation to stop; checked between its statements.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn new() -> Self {
        Cancel::default()
    }

    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once the stop was asked for.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_asked() {
            Err(crate::Error::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Cheap to clone; all clones are one store.
#[derive(Debug, Clone)]
pub struct Store(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) shape: Shape,
    /// Imports that this process is staging.
    pub(crate) imports: Imports,
    /// Jobs that this process works on.
    pub(crate) held: Held,
    pub(crate) counts: CountsCache,
    pub(crate) groups: GroupsCache,
    /// Where there is one: [`Store::use_search`].
    pub(crate) search: OnceLock<Index>,
}

impl Store {
    /// Creates or extends the tables after the catalog and sweeps what dead
    /// imports left behind. Stored fields that the catalog no longer has are
    /// an error.
    pub async fn open(location: &Location, catalog: Arc<Catalog>) -> Result<Store> {
        Self::open_with(location, catalog, false).await
    }

    /// Like [`Store::open`]; `may_drop` allows it to drop what the catalog no
    /// longer has, with its data.
    pub async fn open_with(
        location: &Location,
        catalog: Arc<Catalog>,
        may_drop: bool,
    ) -> Result<Store> {
        let db = match location {
            Location::Folder(folder) => Db::Sqlite(db::sqlite::open(folder).await?),
            Location::Postgres(url) => Db::Postgres(db::postgres::open(url).await?),
        };
        let shape = system::prepare(&db, &catalog, may_drop).await?;
        let store = Store(Arc::new(Inner {
            db,
            catalog,
            shape,
            imports: Imports::default(),
            held: Held::default(),
            counts: CountsCache::default(),
            groups: GroupsCache::default(),
            search: OnceLock::new(),
        }));
        store.sweep_imports().await?;
        Ok(store)
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.0.catalog
    }

    /// Waits for running operations and closes the connections.
    pub async fn close(self) {
        self.0.imports.clear().await;
        if let Some(index) = self.0.search.get() {
            index.close().await;
        }
        self.0.db.close().await;
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }
}

//! The handle to the store: opening, closing, and what all operations share.
//! The operations themselves stand beside their types, one `impl Store` per
//! subject.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use keji_schema::Catalog;

use crate::check::CountsCache;
use crate::db::{self, Db};
use crate::ddl::Shape;
use crate::design;
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
    pub(crate) imports: Arc<Imports>,
    /// Jobs that this process works on.
    pub(crate) held: Arc<Held>,
    pub(crate) counts: Arc<CountsCache>,
    pub(crate) groups: Arc<GroupsCache>,
    /// Where there is one: [`Store::use_search`].
    pub(crate) search: Arc<OnceLock<Index>>,
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
        Self::open_on(connect(location).await?, catalog, may_drop).await
    }

    /// Like [`Store::open`] with a catalog that rests on what was defined in
    /// the page, which the database holds.
    pub async fn open_by<E: From<crate::Error>>(
        location: &Location,
        catalog: impl FnOnce(BTreeMap<String, String>) -> std::result::Result<Arc<Catalog>, E>,
    ) -> std::result::Result<Store, E> {
        let db = connect(location).await?;
        let designed = design::newest(&mut db.reader().await?.conn()).await?;
        let catalog = catalog(designed.files)?;
        Ok(Self::open_on(db, catalog, false).await?)
    }

    async fn open_on(db: Db, catalog: Arc<Catalog>, may_drop: bool) -> Result<Store> {
        let shape = system::prepare(&db, &catalog, may_drop).await?;
        let store = Store(Arc::new(Inner {
            db,
            catalog,
            shape,
            imports: Arc::default(),
            held: Arc::default(),
            counts: Arc::default(),
            groups: Arc::default(),
            search: Arc::default(),
        }));
        store.sweep_imports().await?;
        Ok(store)
    }

    /// The same store after its definitions changed. Whoever holds this one
    /// works on with the catalog of before.
    pub(crate) fn with(&self, catalog: Arc<Catalog>, shape: Shape) -> Store {
        let Inner {
            db,
            imports,
            held,
            counts,
            groups,
            search,
            ..
        } = &*self.0;
        db.renew();
        Store(Arc::new(Inner {
            db: db.clone(),
            catalog,
            shape,
            imports: imports.clone(),
            held: held.clone(),
            counts: counts.clone(),
            groups: groups.clone(),
            search: search.clone(),
        }))
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

async fn connect(location: &Location) -> Result<Db> {
    Ok(match location {
        Location::Folder(folder) => Db::Sqlite(db::sqlite::open(folder).await?),
        Location::Postgres(url) => Db::Postgres(db::postgres::open(url).await?),
    })
}

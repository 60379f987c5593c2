//! The columnar copy of the store: plain zstd Parquet below
//! `<folder>/<object>/month=YYYY-MM/` (small objects: `<object>/all/`), a
//! layout that other engines read too.
//!
//! Which files count is decided by the store's list alone; a file that is not
//! in it is an orphan. It must not compute any metric.
//!
//! Reading order: [`columns`], [`mod@write`] (one folder's files), this file,
//! `refresh` (which parts are rewritten, and how), `check` (copy = store),
//! `snapshot`, `sweep`.

mod check;
pub mod columns;
mod refresh;
mod snapshot;
mod sweep;
pub mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use jiff::civil::Date;
use keji_store::{CopyManifest, Store};

use crate::copy::columns::{CopyColumns, copy_columns};
use crate::error::{Error, Result};

pub use check::{CheckReport, Difference, Tally};
pub use snapshot::{DataFile, Snapshot};

/// One month of an object, or all of a small object: what is rewritten whole.
type Part = (String, Option<Date>);

/// Held while files or the list change; its time of change tells every process
/// that they did.
const LOCK: &str = "lock";

/// The copy in one folder. Cheap to clone. Several processes may use the same
/// folder with the same store; a folder belongs to one store.
#[derive(Clone)]
pub struct Copy(Arc<Inner>);

struct Inner {
    /// Absolute.
    folder: PathBuf,
    store: Store,
    /// Every copied object.
    columns: BTreeMap<String, CopyColumns>,
    refreshing: Arc<tokio::sync::Mutex<()>>,
    newest: Mutex<Option<(Arc<Snapshot>, SystemTime)>>,
    /// Those that somebody may still read from.
    live: Arc<Mutex<Vec<Weak<Snapshot>>>>,
}

impl Copy {
    /// Makes the folder where it is missing. Reads nothing yet.
    pub fn open(folder: &Path, store: Store) -> Result<Copy> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let folder = folder.canonicalize().map_err(Error::file(folder))?;
        Self::of(folder, store, Arc::default(), Arc::default())
    }

    /// The same files for a store with other definitions. No file goes that
    /// somebody reads from through either.
    pub fn with(&self, store: Store) -> Result<Copy> {
        let Inner {
            folder,
            refreshing,
            live,
            ..
        } = &*self.0;
        Self::of(folder.clone(), store, refreshing.clone(), live.clone())
    }

    fn of(
        folder: PathBuf,
        store: Store,
        refreshing: Arc<tokio::sync::Mutex<()>>,
        live: Arc<Mutex<Vec<Weak<Snapshot>>>>,
    ) -> Result<Copy> {
        let catalog = store.catalog();
        let mut columns = BTreeMap::new();
        for object in catalog.objects.keys() {
            if let Some(own) = copy_columns(catalog, object)? {
                columns.insert(object.clone(), own);
            }
        }
        Ok(Copy(Arc::new(Inner {
            folder,
            store,
            columns,
            refreshing,
            newest: Mutex::default(),
            live,
        })))
    }

    /// Rewrites exactly the parts that changed since the copy was made, and
    /// returns the change up to which it stands now. With nothing to do it is
    /// one look at the log. Concurrent calls wait for one another.
    pub async fn refresh(&self) -> Result<i64> {
        Ok(self.newest().await?.seq())
    }

    /// The newest files, after a refresh: what was written before the call is
    /// in them.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        self.newest().await
    }

    /// The files as they stand, perhaps behind the store; refreshes only where
    /// this process has not looked at them yet.
    pub async fn standing(&self) -> Result<Arc<Snapshot>> {
        match self.current() {
            Some(snapshot) => Ok(snapshot),
            None => self.newest().await,
        }
    }

    /// Writes every file anew from the store.
    pub async fn rebuild(&self) -> Result<i64> {
        let guard = self.0.refreshing.clone().lock_owned().await;
        let snapshot = self
            .aside(guard, |copy| async move { copy.bring(true).await })
            .await?;
        Ok(snapshot.seq())
    }

    /// Reads the store and the files and names every part in which they
    /// differ. Refreshes first.
    pub async fn check(&self) -> Result<CheckReport> {
        let guard = self.0.refreshing.clone().lock_owned().await;
        self.aside(guard, |copy| async move {
            let snapshot = match copy.current_if_newest().await? {
                Some(snapshot) => snapshot,
                None => copy.bring(false).await?,
            };
            copy.compare(&snapshot).await
        })
        .await
    }

    async fn newest(&self) -> Result<Arc<Snapshot>> {
        if let Some(snapshot) = self.current_if_newest().await? {
            return Ok(snapshot);
        }
        let guard = self.0.refreshing.clone().lock_owned().await;
        // Whoever held the lock may have done the work.
        if let Some(snapshot) = self.current_if_newest().await? {
            return Ok(snapshot);
        }
        self.aside(guard, |copy| async move { copy.bring(false).await })
            .await
    }

    async fn current_if_newest(&self) -> Result<Option<Arc<Snapshot>>> {
        let Some(snapshot) = self.current() else {
            return Ok(None);
        };
        let seq = self.0.store.last_seq().await?;
        Ok((snapshot.seq() == seq).then_some(snapshot))
    }

    /// `None` also when another process changed the files meanwhile.
    fn current(&self) -> Option<Arc<Snapshot>> {
        let (snapshot, changed_at) = held(&self.0.newest).clone()?;
        (self.changed_at().ok()? == changed_at).then_some(snapshot)
    }

    /// Runs on a thread that may block: rows are sorted and files written
    /// between the awaits. Goes on when the caller is dropped.
    async fn aside<T, F>(
        &self,
        guard: tokio::sync::OwnedMutexGuard<()>,
        work: impl FnOnce(Copy) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>>,
    {
        let copy = self.clone();
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || {
            let path = copy.0.folder.join(LOCK);
            let lock = File::options()
                .append(true)
                .create(true)
                .open(&path)
                .map_err(Error::file(&path))?;
            // Against other processes; let go when the file is closed.
            lock.lock().map_err(Error::file(&path))?;
            let result = runtime.block_on(work(copy));
            drop(guard);
            result
        });
        task.await
            .unwrap_or_else(|failed| match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Stopped),
            })
    }

    /// The manifest as a snapshot that keeps its files from being removed.
    fn publish(&self, manifest: &CopyManifest) -> Result<Arc<Snapshot>> {
        let files = manifest.files.iter().map(|f| {
            let file = DataFile {
                path: self.0.folder.join(&f.path),
                month: f.month,
                n_rows: f.n_rows as u64,
                n_bytes: f.n_bytes as u64,
            };
            (f.object.clone(), file)
        });
        let snapshot = Arc::new(Snapshot::new(manifest.seq, files));
        let changed_at = self.changed_at()?;
        let mut live = held(&self.0.live);
        live.retain(|s| s.strong_count() > 0);
        live.push(Arc::downgrade(&snapshot));
        *held(&self.0.newest) = Some((snapshot.clone(), changed_at));
        Ok(snapshot)
    }

    fn changed_at(&self) -> Result<SystemTime> {
        let path = self.0.folder.join(LOCK);
        path.metadata()
            .and_then(|m| m.modified())
            .map_err(Error::file(&path))
    }
}

fn held<T>(what: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

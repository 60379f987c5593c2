//! Where a backup or a restore is put together: a hidden folder in the target
//! folder, so that the last step is a rename. It goes away with its value; one
//! of a killed process goes with the next that works in the same folder.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sqlx::pool::PoolOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::at;
use crate::db::group::Group;
use crate::db::{fault, sqlite};
use crate::error::Result;

const PREFIX: &str = ".keji-backup-";
const LOCK: &str = "lock";

#[derive(Debug)]
pub(super) struct Workplace {
    folder: PathBuf,
    #[allow(dead_code)] // Held, never read: says that the folder is in use.
    lock: File,
}

impl Workplace {
    /// `parent` must exist.
    pub(super) fn new(parent: &Path) -> Result<Self> {
        sweep(parent);
        let mut n = 0u32;
        let folder = loop {
            let name = format!("{PREFIX}{}-{n}", std::process::id());
            let folder = parent.join(name);
            match std::fs::create_dir(&folder) {
                Ok(()) => break folder,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => n += 1,
                Err(e) => return Err(at(&folder, e)),
            }
        };
        let path = folder.join(LOCK);
        let lock = File::create_new(&path)
            .and_then(|lock| lock.lock().map(|()| lock))
            .map_err(|e| {
                let _ = std::fs::remove_dir_all(&folder);
                at(&path, e)
            })?;
        Ok(Workplace { folder, lock })
    }

    /// The database that is worked on.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.join(sqlite::FILE)
    }

    /// Gives the database, closed by now, its place and name, for good once
    /// this returns.
    pub(super) fn publish(self, to: &Path) -> Result<()> {
        let from = self.database();
        File::open(&from)
            .and_then(|file| file.sync_all())
            .map_err(|e| at(&from, e))?;
        std::fs::rename(&from, to).map_err(|e| at(to, e))?;
        let folder = folder_of(to);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| at(folder, e))
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The folder that a path is in.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Removes what killed processes left. What cannot be read or removed stays.
pub fn sweep(parent: &Path) {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let is_left = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => match lock.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
            },
            // It is being made or removed, unless its process was killed at it.
            Err(_) => is_of_the_dead(&entry.file_name().to_string_lossy()),
        };
        if is_left {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// Whether the process that a workplace is named after is no more; not known
/// where the system does not list its processes.
fn is_of_the_dead(name: &str) -> bool {
    let number = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('-').next());
    let Some(Ok(number)) = number.map(str::parse::<u32>) else {
        return false;
    };
    let processes = Path::new("/proc");
    let own = processes.join(std::process::id().to_string());
    own.exists() && !processes.join(number.to_string()).exists()
}

/// Opens the database at the begin of a backup, to be read as it stands.
pub(super) fn open_to_read(path: &Path) -> sqlite::Pools {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .pragma("temp_store", "file");
    let pool = || PoolOptions::new().max_connections(1);
    let writer = pool().connect_lazy_with(options.clone());
    sqlite::Pools {
        folder: folder_of(path).to_owned(),
        group: Group::new(writer.clone()),
        readers: pool().connect_lazy_with(options),
        writer,
    }
}

/// Opens a database that may be lost: no journal, no waiting for the disk, no
/// foreign keys, because tables come in any order.
pub(super) async fn open(path: &Path) -> Result<sqlite::Pools> {
    let options = sqlite::scratch_file(path, false).foreign_keys(false);
    let pool = || {
        PoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writer = pool().connect_with(options.clone()).await.map_err(fault)?;
    Ok(sqlite::Pools {
        folder: folder_of(path).to_owned(),
        group: Group::new(writer.clone()),
        readers: pool().connect_lazy_with(options),
        writer,
    })
}

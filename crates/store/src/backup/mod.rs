//! Backup and restore: one file for both databases, made while others write,
//! and restored into an empty place of either kind. The file is a SQLite
//! database with everything that is in the store, and its manifest behind
//! that ([`file`]), the bytes of files between the two. It knows no records and
//! no meaning of a table: what is there is taken from the database
//! ([`tables`]). The columnar copy is left out, because it follows from the
//! records.

mod check;
mod checksum;
mod file;
mod load;
mod tables;
#[cfg(test)]
mod tests;
mod workplace;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use keji_schema::Catalog;
use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions;

pub use check::{BackupFault, check_backup};
pub use checksum::Checksum;
pub use workplace::sweep as sweep_backups;

use crate::content::{self, ContentPart, Contents};
use crate::db::{Db, fault, sqlite};
use crate::error::{Error, Result};
use crate::identity::{By, note};
use crate::store::{Inner, Location, Store};
use crate::system::{self, meta, set_meta};
use crate::write::now;
use file::Opened;
use workplace::Workplace;

/// Of the file, as far as this version can read it.
const FORMAT: u32 = 2;

/// Key in `keji_meta` of a restored store that nobody has confirmed yet.
const FROZEN: &str = "frozen";

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Version of the product that wrote it.
    pub product: String,
    pub created_at: Timestamp,
    /// Who had it made; absent in backups of earlier versions.
    #[serde(default)]
    pub created_by: Option<String>,
    pub source: Source,
    /// The last change that is in it.
    pub seq: i64,
    pub tables: Vec<TableSum>,
    /// [`Store::state_hash`], by the definitions of that day.
    pub state_hash: Checksum,
    /// The newest seal of the change log, so that whoever keeps the backup can
    /// tell later whether the log up to then is still the same.
    #[serde(default)]
    pub log_head: Option<String>,
    /// The bytes of files, in their order behind the database.
    #[serde(default)]
    pub contents: Vec<ContentPart>,
    /// Contents that a record names and that were not there, or damaged.
    #[serde(default)]
    pub contents_missing: u64,
    /// Files of definitions that do not come with the product, by path: what
    /// the tables mean.
    #[serde(default)]
    pub definitions: BTreeMap<String, String>,
    /// The same of what was defined in the page. The database has it too; whoever
    /// restores needs it before.
    #[serde(default)]
    pub designed: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Sqlite,
    Postgres,
}

/// All values of one table, whatever the order of its rows and columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    pub name: String,
    pub rows: u64,
    pub checksum: Checksum,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    pub tables: Vec<TableSum>,
    /// Of the backup file.
    pub bytes: u64,
    pub state_hash: Checksum,
    pub created_at: Timestamp,
    /// Contents of files, and those that were missing or damaged already.
    pub contents: u64,
    pub contents_missing: u64,
}

/// Where a backup or a restore is. SQLite copies itself in one step, without a
/// table and without a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupProgress {
    pub step: BackupStep,
    pub table: Option<String>,
    /// Rows of the table so far.
    pub rows: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupStep {
    /// Checking the file as a whole; of a restore, before anything is written,
    /// and of [`check_backup`].
    Open,
    /// Copying the rows.
    Copy,
    /// Reading the copy back.
    Verify,
    /// Writing the last of it to the disk.
    Finish,
}

type Tell<'a> = &'a mut (dyn FnMut(BackupProgress) + Send);

impl Store {
    /// Writes one consistent state of the database to `file`, which must not
    /// exist yet; its folder must. Others may go on writing: on SQLite it
    /// reads like any reader, on PostgreSQL in one read-only transaction. Until
    /// all is on the disk and read back, the file has no name. A content that is
    /// not what its record says is left out and counted: one damaged photo must
    /// not keep the rest from being saved.
    pub async fn backup(
        &self,
        file: &Path,
        created_by: Option<&str>,
        contents: &Contents,
        mut progress: impl FnMut(BackupProgress) + Send,
    ) -> Result<BackupReport> {
        let tell: Tell<'_> = &mut progress;
        if file.exists() {
            return Err(refused(file, io::ErrorKind::AlreadyExists, "it is there"));
        }
        let log_head = self.seal_log().await?.map(|seal| seal.hash);
        let folder = workplace::folder_of(file);
        let work = Workplace::new(folder)?;
        let path = work.database();
        let created_at = now();
        step(tell, BackupStep::Copy);
        // From before the rows are copied until their bytes are.
        let place = contents.clone();
        let hold = blocking(move || place.hold()).await?;
        let (source, expected) = match self.db() {
            Db::Sqlite(pools) => {
                vacuum_into(&pools.folder, &path).await?;
                (Source::Sqlite, None)
            }
            Db::Postgres(_) => {
                let sums = load::from_postgres(self, &path, tell).await?;
                (Source::Postgres, Some(sums))
            }
        };
        let pools = workplace::open(&path).await?;
        let sums = tables::sums(&pools, tell).await?;
        if let Some(expected) = &expected {
            same(&path, expected, &sums)?;
        }
        let copied = Store(Arc::new(Inner {
            db: Db::Sqlite(pools),
            catalog: self.0.catalog.clone(),
            shape: self.0.shape.clone(),
            imports: Arc::default(),
            held: Arc::default(),
            counts: Arc::default(),
            groups: Arc::default(),
            search: Arc::default(),
        }));
        let named = copied.all_contents().await?;
        let mut manifest = Manifest {
            format: FORMAT,
            product: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            created_by: created_by.map(str::to_owned),
            source,
            seq: copied.last_seq().await?,
            tables: sums,
            state_hash: Checksum(copied.state_hash().await?),
            log_head,
            contents: Vec::new(),
            contents_missing: 0,
            definitions: self.0.catalog.own.clone(),
            designed: copied.design().await?.files,
        };
        copied.close().await;
        step(tell, BackupStep::Finish);
        let from = contents.clone();
        let (manifest, bytes) = blocking(move || {
            let named = named.into_iter().map(|(checksum, _)| checksum);
            (manifest.contents, manifest.contents_missing) = file::append(&path, &from, named)?;
            let bytes = file::seal(&path, &manifest)?;
            Ok((manifest, bytes))
        })
        .await?;
        drop(hold);
        let report = manifest;
        let to = file.to_owned();
        blocking(move || work.publish(&to)).await?;
        Ok(report.report(bytes))
    }

    /// Whether this store was restored and nobody has said yet that it is the
    /// one to go on with. Until then nothing should reach the outside: the
    /// store that it was made from may still be alive and do the same.
    pub async fn is_frozen(&self) -> Result<bool> {
        let mut reader = self.db().reader().await?;
        Ok(meta(&mut reader.conn(), FROZEN).await?.is_some())
    }

    /// Says so, in the log too.
    pub async fn release(&self, by: By<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_meta where key = $1";
        if conn.run(sql, &[FROZEN.into()]).await? == 0 {
            return Ok(());
        }
        note(&mut conn, by, "outbound", None, "released", "yes").await?;
        tx.commit().await
    }

    /// Says so.
    pub async fn unfreeze(&self) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let sql = "delete from keji_meta where key = $1";
        tx.conn().run(sql, &[FROZEN.into()]).await?;
        tx.commit().await
    }
}

/// Fills an empty place, a folder without a database or a database without our
/// tables, from a backup of either kind, brings it up to `catalog` and
/// freezes it ([`Store::is_frozen`]). Every table is read back and compared
/// with the manifest. The bytes of files go below `folder`, the data folder,
/// before the rows count. Whatever goes wrong, the place is empty again.
pub async fn restore(
    file: &Path,
    to: &Location,
    folder: &Path,
    catalog: Arc<Catalog>,
    mut progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    let tell: Tell<'_> = &mut progress;
    step(tell, BackupStep::Open);
    let opened = {
        let file = file.to_owned();
        blocking(move || file::open(&file)).await?
    };
    if let Location::Folder(folder) = to {
        load::refuse_used_folder(folder)?;
    }
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder).map_err(|e| at(folder, e))?;
    let place = match to {
        Location::Folder(_) => None,
        Location::Postgres(_) => Some(content::new_place()),
    };
    let from = Backup { file, opened };
    let mut taken = Taken {
        contents: content::in_folder(folder, place.as_deref()),
        new: Vec::new(),
    };
    let restored = match to {
        Location::Folder(folder) => restore_folder(&from, &mut taken, folder, &catalog, tell).await,
        Location::Postgres(url) => {
            let db = Db::Postgres(crate::db::postgres::open(url).await?);
            let restored =
                restore_postgres(&from, &mut taken, place.as_deref(), &db, &catalog, tell).await;
            db.close().await;
            restored
        }
    };
    if restored.is_err() {
        taken.give_back();
        if is_new {
            // It may be gone, or somebody else's by now.
            let _ = std::fs::remove_dir(folder);
        }
    }
    restored?;
    let Opened {
        manifest, bytes, ..
    } = from.opened;
    Ok(manifest.report(bytes))
}

/// A backup that is checked.
struct Backup<'a> {
    file: &'a Path,
    opened: Opened,
}

/// The bytes that a restore has brought.
struct Taken {
    contents: Contents,
    /// Those that were not there before.
    new: Vec<String>,
}

impl Taken {
    async fn take(&mut self, from: &Backup<'_>) -> Result<()> {
        let (file, contents) = (from.file.to_owned(), self.contents.clone());
        let (at, parts) = (from.opened.payload, from.opened.manifest.contents.clone());
        let (new, taken) = blocking(move || {
            let mut new = Vec::new();
            let taken = file::take_out(&file, at, &parts, &contents, &mut new);
            Ok((new, taken))
        })
        .await?;
        self.new = new;
        taken
    }

    /// What cannot be removed now is swept once there is a store again.
    fn give_back(&self) {
        for checksum in &self.new {
            let _ = self.contents.remove(checksum);
        }
        self.contents.remove_empty();
    }
}

/// The manifest alone: checked for itself, without reading the rest of the
/// file. [`restore`] checks that too.
pub fn read_manifest(file: &Path) -> Result<Manifest> {
    file::manifest(file).map(|opened| opened.manifest)
}

async fn restore_folder(
    from: &Backup<'_>,
    taken: &mut Taken,
    folder: &Path,
    catalog: &Catalog,
    tell: Tell<'_>,
) -> Result<()> {
    let work = Workplace::new(folder)?;
    let db = unpack(from, &work, catalog, tell).await?;
    step(tell, BackupStep::Finish);
    let mut tx = db.begin().await?;
    freeze(&mut tx.conn(), None).await?;
    tx.commit().await?;
    db.close().await;
    taken.take(from).await?;
    load::refuse_used_folder(folder)?;
    let to = folder.join(sqlite::FILE);
    blocking(move || work.publish(&to)).await
}

async fn restore_postgres(
    from: &Backup<'_>,
    taken: &mut Taken,
    place: Option<&str>,
    db: &Db,
    catalog: &Catalog,
    tell: Tell<'_>,
) -> Result<()> {
    let is_ours = load::refuse_used_database(db, catalog).await?;
    // Beside the backup there is room for another.
    let work = Workplace::new(workplace::folder_of(from.file))
        .or_else(|_| Workplace::new(&std::env::temp_dir()))?;
    let rows = unpack(from, &work, catalog, tell).await?;
    taken.take(from).await?;
    let loaded = match &rows {
        Db::Sqlite(pools) => load::into_postgres(pools, db, catalog, place, tell).await,
        Db::Postgres(_) => Ok(()),
    };
    rows.close().await;
    if loaded.is_err() && !is_ours {
        load::remove_from_postgres(db).await?;
    }
    loaded
}

/// The database of a checked file, as a file of its own: compared with the
/// manifest and brought up to the catalog.
async fn unpack(
    from: &Backup<'_>,
    work: &Workplace,
    catalog: &Catalog,
    tell: Tell<'_>,
) -> Result<Db> {
    step(tell, BackupStep::Copy);
    let (file, path) = (from.file.to_owned(), work.database());
    let payload = from.opened.payload;
    blocking(move || file::unpack(&file, payload, &path)).await?;
    let pools = workplace::open(&work.database()).await?;
    let expected = &from.opened.manifest.tables;
    same(from.file, expected, &tables::sums(&pools, tell).await?)?;
    let db = Db::Sqlite(pools);
    system::prepare(&db, catalog, false).await?;
    Ok(db)
}

/// After the comparison, because these differ from the manifest. The files of
/// the columnar copy are not in a backup, so none of them counts; the folder
/// with the bytes of files may be another.
async fn freeze(conn: &mut crate::db::Conn<'_>, place: Option<&str>) -> Result<()> {
    content::set_place(conn, place).await?;
    conn.run("delete from keji_copy_file", &[]).await?;
    conn.run("delete from keji_meta where key = 'copy_seq'", &[])
        .await?;
    set_meta(conn, FROZEN, &now().to_string()).await
}

/// A copy of the database as one reader sees it, by SQLite itself.
async fn vacuum_into(folder: &Path, path: &Path) -> Result<()> {
    // A connection of its own: one that only queries may not write the copy.
    let mut conn = sqlite::main_file(folder)
        .create_if_missing(false)
        .connect()
        .await
        .map_err(fault)?;
    let text = path.to_str().ok_or_else(|| {
        let message = "the path is not Unicode";
        refused(path, io::ErrorKind::InvalidInput, message)
    })?;
    let copied = crate::db::Conn::Sqlite(&mut conn)
        .run("vacuum into $1", &[text.into()])
        .await;
    let _ = sqlx::Connection::close(conn).await;
    copied.map(|_| ())
}

fn same(file: &Path, expected: &[TableSum], found: &[TableSum]) -> Result<()> {
    let shown = |sum: Option<&TableSum>| match sum {
        Some(sum) => format!("{} rows, checksum {}", sum.rows, sum.checksum),
        None => "no such table".to_owned(),
    };
    let names = expected.iter().chain(found).map(|sum| &sum.name);
    for name in names {
        let of = |sums: &'_ [TableSum]| sums.iter().find(|sum| sum.name == *name).cloned();
        let (expected, found) = (of(expected), of(found));
        if expected != found {
            let message = format!(
                "table `{name}` should have {}, but has {}",
                shown(expected.as_ref()),
                shown(found.as_ref())
            );
            return Err(refused(file, io::ErrorKind::InvalidData, &message));
        }
    }
    Ok(())
}

impl Manifest {
    fn report(self, bytes: u64) -> BackupReport {
        BackupReport {
            tables: self.tables,
            bytes,
            state_hash: self.state_hash,
            created_at: self.created_at,
            contents: self.contents.len() as u64,
            contents_missing: self.contents_missing,
        }
    }
}

fn step(tell: Tell<'_>, step: BackupStep) {
    tell(BackupProgress {
        step,
        table: None,
        rows: 0,
    });
}

fn refused(path: &Path, kind: io::ErrorKind, message: &str) -> Error {
    at(path, io::Error::new(kind, message))
}

pub(crate) fn at(path: &Path, source: io::Error) -> Error {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    if [StorageFull, QuotaExceeded].contains(&source.kind()) {
        return Error::Full;
    }
    Error::Io {
        what: path.display().to_string(),
        source,
    }
}

/// Runs what waits for the disk, off the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::Query(format!("the work broke off: {e}")))?
}

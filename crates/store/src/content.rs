//! The bytes of files: flat in one folder, each content once, under the SHA-256
//! of what it holds. No name that anybody gave ever becomes a path here.
//!
//! Bytes come first, the record that names them after: they are on the disk,
//! under their name, before the record's transaction commits. What no record
//! names goes with the next sweep, so a killed process leaves nothing behind.
//! One lock file keeps the two apart: whoever is between bytes and record, or
//! copies all of it, holds it with others; a sweep holds it alone.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use keji_schema::{Type, Value};
use sha2::{Digest, Sha256};

use crate::backup::{at, blocking};
use crate::db::{Db, Fields};
use crate::error::{Error, Result};
use crate::sql::quote;
use crate::store::Store;
use crate::system::{meta, set_meta};
use crate::write::now;

/// The object whose records have bytes.
pub const OBJECT: &str = "file";

/// Its field that says which.
pub const CHECKSUM: &str = "checksum";

/// Key in `keji_meta` of the database on PostgreSQL by which its folder is
/// known: several may share a data folder.
pub(crate) const PLACE: &str = "contents";

const FOLDER: &str = "files";
const LOCK: &str = "lock";
const PART: &str = "part-";
/// Read or written at once.
const PORTION: usize = 256 << 10;
/// Names in one statement.
const PIECE: usize = 500;

/// The folder. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    folder: PathBuf,
}

/// Keeps bytes that no record names yet from being swept.
#[derive(Debug)]
pub struct Hold(#[allow(dead_code)] Option<File>); // Held, never read.

/// Bytes on their way in; what is given up goes.
#[derive(Debug)]
pub struct Incoming {
    contents: Contents,
    path: PathBuf,
    file: File,
    hash: Sha256,
    bytes: u64,
    is_kept: bool,
}

/// Bytes that are there, for a record that is about to name them.
#[derive(Debug)]
pub struct Landed {
    pub checksum: String,
    pub bytes: u64,
    #[allow(dead_code)] // Held, never read.
    hold: Hold,
}

/// Whether every record has the bytes that it names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ContentCheck {
    /// Contents that were read.
    pub n: u64,
    pub bytes: u64,
    pub damages: Vec<ContentDamage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDamage {
    /// The records that name it.
    pub records: Vec<i64>,
    /// Whether there is nothing at all; otherwise there is something else.
    pub is_missing: bool,
}

impl Contents {
    pub(crate) fn at(folder: PathBuf) -> Contents {
        Contents { folder }
    }

    /// The folder of that name that is the same database's as this one.
    pub fn beside(&self, name: &str) -> PathBuf {
        let own = self.folder.file_name().unwrap_or_default();
        let own = own.to_string_lossy();
        let mark = own.strip_prefix(FOLDER).unwrap_or_default();
        self.folder.with_file_name(format!("{name}{mark}"))
    }

    /// A place for bytes that come.
    pub fn incoming(&self) -> Result<Incoming> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(&self.folder).map_err(|e| at(&self.folder, e))?;
        // A part without its lock would be swept.
        let _hold = self.hold()?;
        let (time, n) = (now().as_nanosecond(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = format!("{PART}{time:x}-{}-{n}", std::process::id());
        let path = self.folder.join(name);
        let file = File::create_new(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|e| at(&path, e))?;
        Ok(Incoming {
            contents: self.clone(),
            path,
            file,
            hash: Sha256::new(),
            bytes: 0,
            is_kept: false,
        })
    }

    /// `None` where there is nothing of that name, or it is no name at all.
    pub fn open(&self, checksum: &str) -> Result<Option<File>> {
        if !is_checksum(checksum) {
            return Ok(None);
        }
        let path = self.folder.join(checksum);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(at(&path, e)),
        }
    }

    /// Together with others, but with no sweep.
    pub(crate) fn hold(&self) -> Result<Hold> {
        let Some(lock) = self.lock_file()? else {
            return Ok(Hold(None));
        };
        lock.lock_shared().map_err(|e| at(&self.folder, e))?;
        Ok(Hold(Some(lock)))
    }

    /// Alone; `None` where somebody is at work and it does not wait.
    fn take(&self, waits: bool) -> Result<Option<Hold>> {
        let Some(lock) = self.lock_file()? else {
            return Ok(Some(Hold(None)));
        };
        let taken = match waits {
            true => lock.lock().map(|()| true),
            false => match lock.try_lock() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(e)) => Err(e),
            },
        };
        let is_taken = taken.map_err(|e| at(&self.folder, e))?;
        Ok(is_taken.then_some(Hold(Some(lock))))
    }

    /// `None` while there is no folder, and so nothing to keep.
    fn lock_file(&self) -> Result<Option<File>> {
        let path = self.folder.join(LOCK);
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(at(&path, e)),
        }
    }

    /// The names of all that is there; parts that nobody writes go.
    fn names(&self) -> Result<Vec<String>> {
        let fail = |e| at(&self.folder, e);
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(fail(e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_checksum(&name) {
                names.push(name);
            } else if name.starts_with(PART)
                && File::open(entry.path()).is_ok_and(|part| part.try_lock().is_ok())
            {
                remove(&entry.path())?;
            }
        }
        Ok(names)
    }

    pub(crate) fn remove(&self, checksum: &str) -> Result<()> {
        remove(&self.folder.join(checksum))
    }

    /// Makes what was renamed or removed there so for good.
    fn sync(&self) -> Result<()> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|e| at(&self.folder, e))
    }

    /// Removes the folder where nothing but its lock is in it.
    pub(crate) fn remove_empty(&self) {
        if self.names().is_ok_and(|names| names.is_empty()) {
            let _ = remove(&self.folder.join(LOCK));
            // It may hold what is none of ours.
            let _ = std::fs::remove_dir(&self.folder);
        }
    }

    /// Copies bytes to `to` as long as they are what their name says; how many.
    pub(crate) fn copy(&self, checksum: &str, to: &mut impl Write) -> Result<Option<u64>> {
        let Some(mut file) = self.open(checksum)? else {
            return Ok(None);
        };
        let fail = |e| at(&self.folder.join(checksum), e);
        let (mut hash, mut n) = (Sha256::new(), 0);
        let mut portion = vec![0; PORTION];
        loop {
            let read = file.read(&mut portion).map_err(fail)?;
            if read == 0 {
                break;
            }
            hash.update(&portion[..read]);
            to.write_all(&portion[..read]).map_err(fail)?;
            n += read as u64;
        }
        Ok((hex(hash) == checksum).then_some(n))
    }
}

impl Incoming {
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| at(&self.path, e))?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// How many there are so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// On the disk and under their name, once this returns.
    pub fn finish(mut self) -> Result<Landed> {
        self.file.sync_all().map_err(|e| at(&self.path, e))?;
        let checksum = hex(std::mem::take(&mut self.hash));
        let hold = self.contents.hold()?;
        // Over the same content, if that is there: it may have been damaged.
        let path = self.contents.folder.join(&checksum);
        std::fs::rename(&self.path, &path).map_err(|e| at(&path, e))?;
        self.is_kept = true;
        self.contents.sync()?;
        if let Some(above) = self.contents.folder.parent() {
            File::open(above)
                .and_then(|folder| folder.sync_all())
                .map_err(|e| at(above, e))?;
        }
        Ok(Landed {
            checksum,
            bytes: self.bytes,
            hold,
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is swept.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Store {
    /// Where the bytes of this store's files are, below the data folder.
    pub async fn contents(&self, folder: &Path) -> Result<Contents> {
        let Db::Postgres(_) = self.db() else {
            return Ok(in_folder(folder, None));
        };
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let place = match meta(&mut conn, PLACE).await? {
            Some(place) => place,
            None => {
                let place = new_place();
                let sql = "insert into keji_meta (key, value) values ($1, $2) \
                           on conflict (key) do nothing";
                conn.run(sql, &[PLACE.into(), place.as_str().into()])
                    .await?;
                // Another process may have been faster.
                meta(&mut conn, PLACE).await?.unwrap_or(place)
            }
        };
        tx.commit().await?;
        Ok(in_folder(folder, Some(&place)))
    }

    /// Removes the bytes that no record names, and what uploads that died left;
    /// how many contents. Without waiting it leaves that, as `None`, to the
    /// next while somebody is between bytes and record.
    pub async fn sweep_contents(&self, contents: &Contents, waits: bool) -> Result<Option<u64>> {
        let place = contents.clone();
        let Some(hold) = blocking(move || place.take(waits)).await? else {
            return Ok(None);
        };
        let place = contents.clone();
        let names = blocking(move || place.names()).await?;
        let n = self.remove_unnamed(contents, names).await?;
        drop(hold);
        Ok(Some(n))
    }

    /// Removes these bytes unless a record names them; whether that was
    /// possible now. The next sweep does it otherwise.
    pub async fn drop_content(&self, contents: &Contents, checksum: &str) -> Result<bool> {
        let Some(hold) = contents.take(false)? else {
            return Ok(false);
        };
        if contents.open(checksum)?.is_some() {
            self.remove_unnamed(contents, vec![checksum.to_owned()])
                .await?;
        }
        drop(hold);
        Ok(true)
    }

    async fn remove_unnamed(&self, contents: &Contents, names: Vec<String>) -> Result<u64> {
        let mut n = 0;
        for piece in names.chunks(PIECE) {
            let named = self.named_contents(piece).await?;
            for name in piece.iter().filter(|name| !named.contains(*name)) {
                contents.remove(name)?;
                n += 1;
            }
        }
        if n > 0 {
            contents.sync()?;
        }
        Ok(n)
    }

    async fn named_contents(&self, names: &[String]) -> Result<BTreeSet<String>> {
        if names.is_empty() || !self.0.catalog.objects.contains_key(OBJECT) {
            return Ok(BTreeSet::new());
        }
        let holes: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
        let (table, field) = (quote(OBJECT), quote(CHECKSUM));
        let holes = holes.join(", ");
        let sql = format!("select distinct {field} from {table} where {field} in ({holes})");
        let names: Vec<Value> = names.iter().map(|name| name.as_str().into()).collect();
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &names, &[Type::Text]).await?;
        rows.into_iter()
            .map(|row| Fields::new(row).text())
            .collect()
    }

    /// Every content that a record names, each with its records, in order.
    pub(crate) async fn all_contents(&self) -> Result<Vec<(String, Vec<i64>)>> {
        if !self.0.catalog.objects.contains_key(OBJECT) {
            return Ok(Vec::new());
        }
        let (table, field) = (quote(OBJECT), quote(CHECKSUM));
        let sql = format!(
            "select {field}, \"id\" from {table} where {field} is not null order by {field}, \"id\""
        );
        let mut all: Vec<(String, Vec<i64>)> = Vec::new();
        let mut reader = self.db().reader().await?;
        let kinds = [Type::Text, Type::Int];
        for row in reader.conn().rows(sql, &[], &kinds).await? {
            let mut row = Fields::new(row);
            let (checksum, id) = (row.text()?, row.int()?);
            match all.last_mut() {
                Some((last, ids)) if *last == checksum => ids.push(id),
                _ => all.push((checksum, vec![id])),
            }
        }
        Ok(all)
    }

    /// Reads all of it.
    pub async fn check_contents(&self, contents: &Contents) -> Result<ContentCheck> {
        let all = self.all_contents().await?;
        let contents = contents.clone();
        blocking(move || {
            let mut check = ContentCheck::default();
            for (checksum, records) in all {
                let is_missing = contents.open(&checksum)?.is_none();
                match contents.copy(&checksum, &mut std::io::sink())? {
                    Some(bytes) => {
                        check.n += 1;
                        check.bytes += bytes;
                    }
                    None => check.damages.push(ContentDamage {
                        records,
                        is_missing,
                    }),
                }
            }
            Ok(check)
        })
        .await
    }
}

/// Of a store in the folder, or of the database that is known as `place`.
pub(crate) fn in_folder(folder: &Path, place: Option<&str>) -> Contents {
    Contents::at(match place {
        None => folder.join(FOLDER),
        Some(place) => folder.join(format!("{FOLDER}-{place}")),
    })
}

/// A name for a database that no other has.
pub(crate) fn new_place() -> String {
    format!("{:x}-{:x}", now().as_nanosecond(), std::process::id())
}

/// For the database that is being restored.
pub(crate) async fn set_place(conn: &mut crate::db::Conn<'_>, place: Option<&str>) -> Result<()> {
    match place {
        Some(place) => set_meta(conn, PLACE, place).await,
        None => {
            let sql = "delete from keji_meta where key = $1";
            conn.run(sql, &[PLACE.into()]).await.map(drop)
        }
    }
}

/// 64 hexadecimal digits, and so no path.
fn is_checksum(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// What is gone already is gone.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(at(path, e)),
        _ => Ok(()),
    }
}

/// Reads what stands in a backup into the folder; `Error::Io` where it is not
/// what the backup says. Whether it is new there.
pub(crate) fn take_in(
    contents: &Contents,
    from: &mut impl Read,
    part: &ContentPart,
) -> Result<bool> {
    let is_new = contents.open(&part.checksum)?.is_none();
    let mut incoming = contents.incoming()?;
    let mut portion = vec![0; PORTION];
    let mut from = from.take(part.bytes);
    loop {
        let n = from
            .read(&mut portion)
            .map_err(|e| at(&contents.folder, e))?;
        if n == 0 {
            break;
        }
        incoming.write(&portion[..n])?;
    }
    let landed = incoming.finish()?;
    if landed.checksum == part.checksum && landed.bytes == part.bytes {
        return Ok(is_new);
    }
    contents.remove(&landed.checksum)?;
    Err(Error::Corrupt(format!(
        "content {} is another in the backup",
        part.checksum
    )))
}

/// Whether the next bytes of a backup are what it says of them.
pub(crate) fn is_as_said(from: &mut impl Read, part: &ContentPart) -> std::io::Result<bool> {
    let mut hash = Sha256::new();
    let mut portion = vec![0; PORTION];
    let mut from = from.take(part.bytes);
    loop {
        let n = from.read(&mut portion)?;
        if n == 0 {
            break;
        }
        hash.update(&portion[..n]);
    }
    Ok(hex(hash) == part.checksum && from.limit() == 0)
}

/// One content in a backup, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ContentPart {
    pub checksum: String,
    pub bytes: u64,
}

//! Whether a backup could be restored, without restoring it: every byte by the
//! file's own checksum, every table and content by the manifest. Unlike a
//! restore it goes on after the first difference, so that it can say all that
//! is wrong and where. Nothing is written.

use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom};
use std::path::Path;

use super::file::{self, Opened};
use super::tables::{self, Table};
use super::{BackupProgress, BackupStep, Manifest, Tell, at, blocking, step, workplace};
use crate::content;
use crate::db::{Db, sqlite};
use crate::error::{Error, Result};

/// What is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupFault {
    /// It is none, a part of one, or its manifest is damaged: what is said of
    /// that. Nothing else can be looked at then.
    File(String),
    /// The database in it cannot be read: what it says itself.
    Database(String),
    /// A table with other rows than it should have; `found` is absent where it
    /// is not there or cannot be read to its end.
    Table {
        name: String,
        expected: u64,
        found: Option<u64>,
    },
    /// Bytes of a file that are others, by their checksum.
    Content(String),
    /// Bytes that belong to no table and no content.
    Bytes,
}

/// Reads all of a backup; empty where it is as it was made.
pub async fn check_backup(
    file: &Path,
    mut progress: impl FnMut(BackupProgress) + Send,
) -> Result<Vec<BackupFault>> {
    let tell: Tell<'_> = &mut progress;
    step(tell, BackupStep::Open);
    let path = file.to_owned();
    let opened = match blocking(move || file::manifest(&path)).await {
        Ok(opened) => opened,
        Err(problem) => return Ok(vec![BackupFault::File(damage(problem)?)]),
    };
    let path = file.to_owned();
    let is_altered = match blocking(move || file::open(&path)).await {
        Ok(_) => false,
        Err(problem) => damage(problem).map(|_| true)?,
    };
    step(tell, BackupStep::Verify);
    let pools = workplace::open_to_read(file);
    let mut faults = of_tables(&pools, &opened.manifest, tell).await?;
    Db::Sqlite(pools).close().await;
    let path = file.to_owned();
    faults.extend(blocking(move || of_contents(&path, &opened)).await?);
    if is_altered && faults.is_empty() {
        faults.push(BackupFault::Bytes);
    }
    Ok(faults)
}

/// What is said of the file, where it is the file that is wrong.
fn damage(problem: Error) -> Result<String> {
    match problem {
        Error::Io { source, .. }
            if matches!(
                source.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof
            ) =>
        {
            Ok(source.to_string())
        }
        other => Err(other),
    }
}

async fn of_tables(
    pools: &sqlite::Pools,
    manifest: &Manifest,
    tell: Tell<'_>,
) -> Result<Vec<BackupFault>> {
    let db = Db::Sqlite(pools.clone());
    let found = match db.reader().await {
        Ok(mut reader) => tables::tables(&mut reader.conn()).await,
        Err(problem) => Err(problem),
    };
    let found = match found {
        Ok(found) => found,
        Err(problem) => return Ok(vec![BackupFault::Database(of_database(problem)?)]),
    };
    let mut faults = Vec::new();
    for expected in &manifest.tables {
        let table = found.iter().find(|table| table.name == expected.name);
        let sum = match table {
            None => None,
            Some(table) => match tables::sum(pools, table, tell).await {
                Ok(sum) => Some(sum.of(table)),
                Err(problem) => of_database(problem).map(|_| None)?,
            },
        };
        if sum.as_ref() != Some(expected) {
            faults.push(BackupFault::Table {
                name: expected.name.clone(),
                expected: expected.rows,
                found: sum.map(|sum| sum.rows),
            });
        }
    }
    let is_known = |table: &Table| manifest.tables.iter().any(|t| t.name == table.name);
    for table in found.iter().filter(|table| !is_known(table)) {
        faults.push(BackupFault::Table {
            name: table.name.clone(),
            expected: 0,
            found: None,
        });
    }
    Ok(faults)
}

/// What a damaged database says; that the machine has no room or no time for
/// it is another matter.
fn of_database(problem: Error) -> Result<String> {
    match problem {
        Error::Full | Error::Busy | Error::Cancelled => Err(problem),
        Error::Corrupt(said) => Ok(said),
        other => Ok(other.to_string()),
    }
}

fn of_contents(path: &Path, opened: &Opened) -> Result<Vec<BackupFault>> {
    let fail = |e| at(path, e);
    let mut file = File::open(path).map_err(fail)?;
    let mut start = opened.payload;
    let mut faults = Vec::new();
    for part in &opened.manifest.contents {
        file.seek(SeekFrom::Start(start)).map_err(fail)?;
        if !content::is_as_said(&mut file, part).map_err(fail)? {
            faults.push(BackupFault::Content(part.checksum.clone()));
        }
        start += part.bytes;
    }
    Ok(faults)
}

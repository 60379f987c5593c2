//! The backup file: a SQLite database, behind it the bytes of files one after
//! the other, the manifest as JSON, and a footer of fixed length at the very end, as a zip has its directory. SQLite
//! reads such a file as it stands, and nothing has to be unpacked to see what
//! is in it. It knows no tables.
//!
//! ```text
//!   database | contents | manifest | magic 16 | length of what is before the
//!   manifest 8 | of the manifest 8 | hash of the manifest 16 | hash of all
//!   before 16
//! ```
//! Numbers are little-endian.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::checksum::Hasher;
use super::{FORMAT, Manifest, at, refused};
use crate::content::{self, ContentPart, Contents};
use crate::error::{Error, Result};

const MAGIC: &[u8; 16] = b"keji backup file";
/// Magic, two lengths, two hashes.
const FOOTER: usize = 16 + 8 + 8 + 16 + 16;
/// More than any manifest, to be safe from a foreign number.
const MAX_MANIFEST: u64 = 256 << 20;
/// Read at once; a multiple of the hash's words.
const PORTION: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Opened {
    pub(super) manifest: Manifest,
    /// Length of the database, at the file's begin.
    pub(super) payload: u64,
    /// Length of the whole file.
    pub(super) bytes: u64,
}

/// Puts the contents behind a database file that is closed, as far as they are
/// what their names say. Which, and how many are not.
pub(super) fn append(
    path: &Path,
    contents: &Contents,
    names: impl Iterator<Item = String>,
) -> Result<(Vec<ContentPart>, u64)> {
    let fail = |e| at(path, e);
    let mut file = OpenOptions::new().write(true).open(path).map_err(fail)?;
    let mut end = file.seek(SeekFrom::End(0)).map_err(fail)?;
    let (mut parts, mut missing) = (Vec::new(), 0);
    for checksum in names {
        match contents.copy(&checksum, &mut file)? {
            Some(bytes) => {
                end += bytes;
                parts.push(ContentPart { checksum, bytes });
            }
            None => {
                missing += 1;
                file.set_len(end).map_err(fail)?;
                file.seek(SeekFrom::Start(end)).map_err(fail)?;
            }
        }
    }
    Ok((parts, missing))
}

/// Puts the contents behind the database, which ends at `start`, into the
/// folder; `new` has those that were not there before, also when it fails.
pub(super) fn take_out(
    path: &Path,
    start: u64,
    parts: &[ContentPart],
    to: &Contents,
    new: &mut Vec<String>,
) -> Result<()> {
    let fail = |e| at(path, e);
    let mut file = File::open(path).map_err(fail)?;
    file.seek(SeekFrom::Start(start)).map_err(fail)?;
    for part in parts {
        if content::take_in(to, &mut file, part)? {
            new.push(part.checksum.clone());
        }
    }
    Ok(())
}

/// Makes a backup out of a file with database and contents. Returns the length.
pub(super) fn seal(path: &Path, manifest: &Manifest) -> Result<u64> {
    let fail = |e| at(path, e);
    let text = serde_json::to_vec(manifest).map_err(|e| Error::Corrupt(e.to_string()))?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(fail)?;
    let payload = file.metadata().map_err(fail)?.len();
    file.seek(SeekFrom::Start(payload)).map_err(fail)?;
    file.write_all(&text).map_err(fail)?;
    let mut footer = Vec::with_capacity(FOOTER);
    footer.extend_from_slice(MAGIC);
    footer.extend_from_slice(&payload.to_le_bytes());
    footer.extend_from_slice(&(text.len() as u64).to_le_bytes());
    footer.extend_from_slice(&hash_of_manifest(&text, &footer).to_le_bytes());
    file.write_all(&footer).map_err(fail)?;
    let length = payload + (text.len() + footer.len()) as u64;
    let hash = hash_of_file(&mut file, length).map_err(fail)?;
    file.write_all(&hash.to_le_bytes()).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    Ok(length + 16)
}

/// The manifest, checked for itself.
pub(super) fn manifest(path: &Path) -> Result<Opened> {
    let fail = |e| at(path, e);
    let wrong = |message: &str| refused(path, ErrorKind::InvalidData, message);
    let mut file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    let Some(before) = bytes.checked_sub(FOOTER as u64) else {
        return Err(wrong("this is no backup, or only a part of one"));
    };
    let mut footer = [0; FOOTER];
    file.seek(SeekFrom::Start(before)).map_err(fail)?;
    file.read_exact(&mut footer).map_err(fail)?;
    if &footer[..16] != MAGIC {
        return Err(wrong("this is no backup, or only a part of one"));
    }
    let (payload, length) = (number(&footer[16..24]), number(&footer[24..32]));
    if length > MAX_MANIFEST || payload.checked_add(length) != Some(before) {
        return Err(wrong("the backup was altered"));
    }
    let mut text = vec![0; length as usize];
    file.seek(SeekFrom::Start(payload)).map_err(fail)?;
    file.read_exact(&mut text).map_err(fail)?;
    if hash_of_manifest(&text, &footer[..32]).to_le_bytes() != footer[32..48] {
        return Err(wrong("the backup was altered"));
    }
    let wrong_manifest = |e: serde_json::Error| wrong(&format!("its manifest: {e}"));
    let json: serde_json::Value = serde_json::from_slice(&text).map_err(wrong_manifest)?;
    // Before the rest, which another format may have otherwise.
    let format = json["format"].as_i64().unwrap_or_default();
    if format > i64::from(FORMAT) {
        return Err(Error::Newer {
            stored: format,
            known: i64::from(FORMAT),
        });
    }
    let manifest: Manifest = serde_json::from_value(json).map_err(wrong_manifest)?;
    let mut contents = manifest.contents.iter();
    let database = contents.try_fold(payload, |rest, part| rest.checked_sub(part.bytes));
    Ok(Opened {
        payload: database.ok_or_else(|| wrong("the backup was altered"))?,
        manifest,
        bytes,
    })
}

/// The manifest, once every byte of the file is checked.
pub(super) fn open(path: &Path) -> Result<Opened> {
    let fail = |e| at(path, e);
    let opened = manifest(path)?;
    let mut file = File::open(path).map_err(fail)?;
    let hash = hash_of_file(&mut file, opened.bytes - 16).map_err(fail)?;
    let mut stored = [0; 16];
    file.read_exact(&mut stored).map_err(fail)?;
    if hash.to_le_bytes() != stored {
        let message = "the backup was altered";
        return Err(refused(path, ErrorKind::InvalidData, message));
    }
    Ok(opened)
}

/// Writes the database of a backup to a new file.
pub(super) fn unpack(path: &Path, payload: u64, to: &Path) -> Result<()> {
    let from = File::open(path).map_err(|e| at(path, e))?;
    let mut out = File::create_new(to).map_err(|e| at(to, e))?;
    let n = io::copy(&mut from.take(payload), &mut out).map_err(|e| at(to, e))?;
    match n == payload {
        true => Ok(()),
        false => Err(refused(path, ErrorKind::UnexpectedEof, "the file shrank")),
    }
}

fn hash_of_manifest(text: &[u8], footer: &[u8]) -> u128 {
    let mut hasher = Hasher::new();
    hasher.bytes(text);
    hasher.bytes(footer);
    hasher.end()
}

/// Of the first `length` bytes; the file stands behind them afterwards.
fn hash_of_file(file: &mut File, length: u64) -> io::Result<u128> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; PORTION];
    let mut rest = length;
    file.seek(SeekFrom::Start(0))?;
    while rest > 0 {
        let n = rest.min(PORTION as u64) as usize;
        file.read_exact(&mut buffer[..n])?;
        hasher.bytes(&buffer[..n]);
        rest -= n as u64;
    }
    hasher.word(length);
    Ok(hasher.end())
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |n, byte| n << 8 | u64::from(*byte))
}

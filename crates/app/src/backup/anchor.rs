//! The log of changes against the backups: each holds the newest seal of the
//! log's chain then, so a log that was cut short or written anew, with all its
//! hashes, does not have that seal any more.

use std::path::Path;

use super::kept;
use crate::context::App;
use crate::error::Result;

/// How the log stands to one backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Holds,
    /// The log is another one.
    Missing,
    /// The backup has no seal: it was made by an earlier version, or of an
    /// empty log.
    None,
}

/// Names of the kept backups whose log is not this one's beginning. What cannot
/// be read says nothing.
pub async fn missing(app: &App) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for backup in kept::known(app).await? {
        if let (Some(seq), Some(head)) = (backup.seq, &backup.log_head)
            && !app.store.holds_seal(seq, head).await?
        {
            all.push(backup.name);
        }
    }
    Ok(all)
}

/// The same of a backup that is kept elsewhere.
pub async fn of_file(app: &App, file: &Path) -> Result<Anchor> {
    let manifest = keji_store::read_manifest(file).map_err(super::of_files)?;
    let Some(head) = &manifest.log_head else {
        return Ok(Anchor::None);
    };
    Ok(match app.store.holds_seal(manifest.seq, head).await? {
        true => Anchor::Holds,
        false => Anchor::Missing,
    })
}

//! Everything of the store in one file, and back into an empty place. The file
//! is anywhere, or among those that the place keeps ([`kept`]), which the server
//! makes and checks in the background ([`work`]). By those that are kept it is
//! seen whether the log of changes is still the same ([`anchor`]).

pub mod anchor;
pub mod kept;
pub mod work;

use std::path::Path;
use std::sync::Arc;

pub use keji_store::{BackupProgress, BackupReport, BackupStep};

pub(crate) use work::Memory;

use crate::context::{App, check_place, location};
use crate::definitions;
use crate::error::{Error, Result};
use crate::permission::Caller;

/// Writes a backup while others go on writing; the file must not exist yet.
pub async fn backup(
    app: &App,
    caller: &Caller,
    file: &Path,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    check_place(file)?;
    let by = Some(caller.actor.as_str());
    let written = app.store.backup(file, by, &app.contents, progress).await;
    written.map_err(of_files)
}

/// Restores a backup into an empty folder, or an empty database; counts and
/// checksums of every table are compared before anything counts as restored.
/// Definitions of one's own come along, where the folder has none.
pub async fn restore(
    file: &Path,
    folder: &Path,
    database: Option<&str>,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    let location = location(folder, database)?;
    let manifest = keji_store::read_manifest(file).map_err(of_files)?;
    let is_new = !folder.exists();
    let (catalog, made) = definitions::of_backup(folder, manifest.definitions, manifest.designed)?;
    let restored = keji_store::restore(file, &location, folder, Arc::new(catalog), progress).await;
    if let (Err(_), Some(made)) = (&restored, made) {
        // As it was before; a folder that cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(made);
        if is_new {
            let _ = std::fs::remove_dir(folder);
        }
    }
    restored.map_err(of_files)
}

/// The files of a backup and the place of a restore are the caller's choice.
fn of_files(problem: keji_store::Error) -> Error {
    match problem {
        keji_store::Error::Io { what, source } => Error::named(what)(source),
        other => other.into(),
    }
}

/// Makes what a backup leaves out because it follows from the rest.
pub async fn make_ready(app: &App) -> Result<()> {
    app.copy.refresh().await?;
    Ok(())
}

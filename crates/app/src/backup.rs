//! Everything of the store in one file, and back into an empty place.

use std::path::Path;
use std::sync::Arc;

use keji_schema::Catalog;
pub use keji_store::{BackupProgress, BackupReport, BackupStep};

use crate::context::{App, check_place, location};
use crate::error::{Error, Result};
use crate::permission::Caller;

/// Writes a backup while others go on writing; the file must not exist yet.
pub async fn backup(
    app: &App,
    _caller: &Caller,
    file: &Path,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    check_place(file)?;
    app.store.backup(file, progress).await.map_err(of_files)
}

/// Restores a backup into an empty folder, or an empty database; counts and
/// checksums of every table are compared before anything counts as restored.
pub async fn restore(
    file: &Path,
    folder: &Path,
    database: Option<&str>,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    let location = location(folder, database)?;
    let catalog = Arc::new(Catalog::standard()?);
    keji_store::restore(file, &location, catalog, progress)
        .await
        .map_err(of_files)
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
    crate::spelling::follow(app).await
}

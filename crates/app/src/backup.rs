//! Everything of the store in one file, and back into an empty place.

use std::path::Path;
use std::sync::Arc;

use keji_schema::Catalog;
use keji_store::Location;

pub use keji_store::{BackupProgress, BackupReport, BackupStep};

use crate::context::App;
use crate::error::Result;
use crate::permission::Caller;

/// Writes a backup while others go on writing; the file must not exist yet.
pub async fn backup(
    app: &App,
    _caller: &Caller,
    file: &Path,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    Ok(app.store.backup(file, progress).await?)
}

/// Restores a backup into an empty folder, or an empty database; counts and
/// checksums of every table are compared before anything counts as restored.
pub async fn restore(
    file: &Path,
    folder: &Path,
    database: Option<&str>,
    progress: impl FnMut(BackupProgress) + Send,
) -> Result<BackupReport> {
    let location = match database {
        None => Location::Folder(folder.to_owned()),
        Some(url) => Location::Postgres(url.to_owned()),
    };
    let catalog = Arc::new(Catalog::standard()?);
    Ok(keji_store::restore(file, &location, catalog, progress).await?)
}

/// Makes what a backup leaves out because it follows from the rest.
pub async fn make_ready(app: &App) -> Result<()> {
    app.copy.refresh().await?;
    crate::spelling::follow(app).await
}

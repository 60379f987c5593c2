//! The one error type of this crate, its variants named for what the caller
//! can do about them. It knows no status codes and no languages.

use std::path::{Path, PathBuf};

use thiserror::Error;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Error)]
pub enum Error {
    /// A file or folder of the copy cannot be read or written: look at the
    /// disk, then rebuild the copy.
    #[error("{path}: {cause}", path = path.display())]
    File {
        path: PathBuf,
        cause: std::io::Error,
    },
    /// A file of the copy does not hold what its place promises: rebuild.
    #[error("{path}: {message}", path = path.display())]
    Content { path: PathBuf, message: String },
    /// A row does not fit the columns it is written under.
    #[error("{0}")]
    Row(String),
    /// A sum left the range of the exact decimal.
    #[error("the number is too large: {0}")]
    Overflow(String),
    /// A name or a value that the catalog does not allow, or a question that
    /// cannot be asked as it stands.
    #[error(transparent)]
    Schema(#[from] keji_schema::Error),
    #[error(transparent)]
    Store(#[from] keji_store::Error),
    /// The runtime is shutting down.
    #[error("stopped before it was done")]
    Stopped,
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error(transparent)]
    Engine(#[from] datafusion_common::DataFusionError),
}

impl Error {
    pub(crate) fn content(path: &Path, message: impl Into<String>) -> Self {
        Error::Content {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Error::File { path, cause }
    }
}

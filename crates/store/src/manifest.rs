//! The list of files of the columnar copy. The files are the business of
//! `metrics`; here is only which ones count.

use jiff::civil::Date;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyFile {
    pub object: String,
    /// First day of the month; `None` for objects without a time.
    pub month: Option<Date>,
    /// Below the copy's folder.
    pub path: String,
    pub n_rows: i64,
    pub n_bytes: i64,
    pub checksum: String,
}

/// One consistent state of the copy: the files, and the change they include.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyManifest {
    pub seq: i64,
    pub files: Vec<CopyFile>,
}

//! Which parts of the copy are rewritten, and the rewriting: one scan of the
//! store, in order of the business date, per run of neighbouring months.
//!
//! Only the rows of one file are in memory at a time ([`super::write::MAX_FILE_ROWS`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::Date;
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::{Access, CopyFile, CopyManifest, ScanQuery, Sort};

use super::columns::CopyColumns;
use super::snapshot::Snapshot;
use super::write::{FolderWriter, Written};
use super::{Copy, LOCK, Part};
use crate::error::{Error, Result};

/// How often changes that arrive while files are written are followed before
/// the copy is called good; the rest waits for the next refresh.
const MAX_ROUNDS: usize = 4;

/// Neighbouring months, both named by their first day and both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Months {
    first: Date,
    last: Date,
}

/// The new files of every part that was rewritten; none where it became empty.
type Rewritten = BTreeMap<Part, Vec<Written>>;

impl Copy {
    /// Makes the files say what the store says. The caller holds the lock.
    pub(super) async fn bring(&self, everything: bool) -> Result<Arc<Snapshot>> {
        let manifest = self.0.store.copy_manifest().await?;
        let mut rewritten = Rewritten::new();
        let mut seq = self.0.store.last_seq().await?;
        if everything {
            rewritten.extend(
                manifest
                    .files
                    .iter()
                    .map(|f| ((f.object.clone(), f.month), vec![])),
            );
            for object in self.0.columns.keys() {
                self.rewrite(object, None, &mut rewritten).await?;
            }
        } else {
            let parts = self.outdated(&manifest).await?;
            self.rewrite_parts(parts, &mut rewritten).await?;
        }
        // A file may hold changes that came after `seq`; what they touched is
        // written again, so that all files stand at the same change.
        for _ in 0..MAX_ROUNDS {
            let newer = self.0.store.last_seq().await?;
            if newer == seq {
                break;
            }
            let parts = self.touched_since(seq).await?;
            self.rewrite_parts(parts, &mut rewritten).await?;
            seq = newer;
        }
        let manifest = if rewritten.is_empty() && manifest.seq == seq {
            manifest
        } else {
            self.replace(seq, rewritten).await?
        };
        let snapshot = self.publish(&manifest)?;
        self.sweep(&snapshot);
        Ok(snapshot)
    }

    async fn replace(&self, seq: i64, rewritten: Rewritten) -> Result<CopyManifest> {
        let removed: Vec<Part> = rewritten.keys().cloned().collect();
        let mut added = Vec::new();
        for ((object, month), files) in rewritten {
            for file in files {
                let below = file.path.strip_prefix(&self.0.folder).unwrap_or(&file.path);
                added.push(CopyFile {
                    object: object.clone(),
                    month,
                    path: below.to_string_lossy().into_owned(),
                    n_rows: file.n_rows as i64,
                    n_bytes: file.n_bytes as i64,
                    checksum: format!("{:016x}", file.checksum),
                });
            }
        }
        self.0.store.copy_replace(seq, &removed, &added).await?;
        let path = self.0.folder.join(LOCK);
        let lock = std::fs::File::options()
            .write(true)
            .open(&path)
            .map_err(Error::file(&path))?;
        lock.set_modified(SystemTime::now())
            .map_err(Error::file(&path))?;
        Ok(self.0.store.copy_manifest().await?)
    }

    /// Parts that changed since, whose definition changed, whose files are
    /// gone, or of an object that is new to the copy.
    async fn outdated(&self, manifest: &CopyManifest) -> Result<BTreeSet<Part>> {
        let mut parts = self.touched_since(manifest.seq).await?;
        let mut known = BTreeSet::new();
        for file in &manifest.files {
            known.insert(&file.object);
            let fingerprint = self.0.columns.get(&file.object).map(|c| c.fingerprint);
            let is_of = fingerprint.is_some_and(|f| file.path.contains(&format!("-{f:08x}-")));
            let length = self.0.folder.join(&file.path).metadata().map(|m| m.len());
            if !is_of || length.ok() != Some(file.n_bytes as u64) {
                parts.insert((file.object.clone(), file.month));
            }
        }
        if self.0.columns.keys().any(|object| !known.contains(object)) {
            let ever = self.touched_since(0).await?;
            parts.extend(
                ever.into_iter()
                    .filter(|(object, _)| !known.contains(object)),
            );
        }
        Ok(parts)
    }

    async fn touched_since(&self, seq: i64) -> Result<BTreeSet<Part>> {
        let touched = self.0.store.touched_since(seq).await?;
        let copied = touched
            .into_iter()
            .filter(|t| self.0.columns.contains_key(&t.object));
        Ok(copied.map(|t| (t.object, t.month)).collect())
    }

    async fn rewrite_parts(&self, parts: BTreeSet<Part>, rewritten: &mut Rewritten) -> Result<()> {
        for part in &parts {
            // What has no row any more, or is no longer copied, gets no file.
            rewritten.insert(part.clone(), Vec::new());
        }
        for (object, months) in runs(parts) {
            if self.0.columns.contains_key(&object) {
                self.rewrite(&object, months, rewritten).await?;
            }
        }
        Ok(())
    }

    /// Writes the months from one to the other, or all of the object.
    async fn rewrite(
        &self,
        object: &str,
        months: Option<Months>,
        rewritten: &mut Rewritten,
    ) -> Result<()> {
        let columns = &self.0.columns[object];
        let query = self.query(object, columns, months)?;
        let stamp = stamp();
        let mut open: Option<(Option<Date>, FolderWriter)> = None;
        self.0
            .store
            .scan(&query, &Access::all(), |row| {
                let month = month_of(columns, row)?;
                match &mut open {
                    Some((at, writer)) if *at == month => return writer.append(row),
                    Some((at, _)) if *at > month => {
                        return Err(Error::Row(format!(
                            "`{object}` does not come in order of its date"
                        )));
                    }
                    _ => {}
                }
                if let Some((at, writer)) = open.take() {
                    rewritten.insert((object.to_owned(), at), writer.finish()?);
                }
                let folder = self.0.folder.join(object).join(folder_name(month));
                let mut writer = FolderWriter::new(columns, folder, stamp.clone());
                writer.append(row)?;
                open = Some((month, writer));
                Ok::<_, Error>(())
            })
            .await?;
        if let Some((month, writer)) = open {
            rewritten.insert((object.to_owned(), month), writer.finish()?);
        }
        Ok(())
    }

    /// Every column of the copy, in order of the business date.
    pub(super) fn query(
        &self,
        object: &str,
        columns: &CopyColumns,
        months: Option<Months>,
    ) -> Result<ScanQuery> {
        let fields: Vec<String> = columns.paths.iter().map(|p| p.join(".")).collect();
        let time = columns.time.map(|i| fields[i].as_str());
        let mut filter = None;
        if let Some((months, time)) = months.zip(time) {
            let (first, last) = (months.first, months.last.last_of_month());
            let text = format!("{time} between date '{first}' and date '{last}'");
            filter = Some(Expr::parse_filter(
                &text,
                &self.0.store.catalog().scope(object),
            )?);
        }
        let sort = time.map(Sort::asc).into_iter().collect();
        Ok(ScanQuery {
            object: object.to_owned(),
            filter,
            sort,
            fields,
        })
    }
}

/// First day of the month of a row; `None` for an object without a date.
pub(super) fn month_of(columns: &CopyColumns, row: &[Value]) -> Result<Option<Date>> {
    match columns.time.map(|i| &row[i]) {
        None => Ok(None),
        Some(Value::Date(date)) => Ok(Some(date.first_of_month())),
        Some(other) => Err(Error::Row(format!("{other:?} is no date to copy a row by"))),
    }
}

fn folder_name(month: Option<Date>) -> String {
    month.map_or("all".to_owned(), |m| {
        format!("month={:04}-{:02}", m.year(), m.month())
    })
}

/// Neighbouring months of an object together.
fn runs(parts: BTreeSet<Part>) -> Vec<(String, Option<Months>)> {
    let mut runs: Vec<(String, Option<Months>)> = Vec::new();
    for (object, month) in parts {
        let follows = |months: &Months| {
            let next = months.last.last_of_month().tomorrow().ok();
            next.is_some() && next == month
        };
        match (runs.last_mut(), month) {
            (Some((o, Some(months))), Some(month)) if *o == object && follows(months) => {
                months.last = month;
            }
            _ => runs.push((object, month.map(|m| Months { first: m, last: m }))),
        }
    }
    runs
}

/// Part of a file's name that no other refresh uses.
fn stamp() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}", since.as_nanos())
}

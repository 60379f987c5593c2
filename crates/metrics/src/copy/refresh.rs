//! Which parts of the copy are rewritten, and the rewriting: one scan of the
//! store, in order of the business date, per run of neighbouring months.
//!
//! Only the rows of one file are in memory at a time ([`super::write::MAX_FILE_ROWS`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::Date;
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::{Access, ChangeKind, ChangeQuery, CopyFile, CopyManifest, ScanQuery, Sort};

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::statistics::Statistics;

use super::columns::CopyColumns;
use super::snapshot::Snapshot;
use super::write::{FolderWriter, MAX_FILE_ROWS, Written};
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

/// More new records than this are not worth looking at one by one.
const MAX_NEW: u32 = 500;
/// Files of a part beyond those that its rows need: then it is written whole.
const MAX_SMALL_FILES: usize = 24;

#[derive(Debug)]
struct Outdated {
    touched: BTreeSet<Part>,
    /// Cannot be added to.
    damaged: BTreeSet<Part>,
}

impl Copy {
    /// Makes the files say what the store says. The caller holds the lock.
    pub(super) async fn bring(&self, everything: bool) -> Result<Arc<Snapshot>> {
        let manifest = self.0.store.copy_manifest().await?;
        let mut rewritten = Rewritten::new();
        let mut appended = Rewritten::new();
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
            let mut parts = self.outdated(&manifest).await?;
            for (part, ids) in self.only_new(&manifest, seq).await? {
                if parts.damaged.contains(&part)
                    || !parts.touched.contains(&part)
                    || !self.is_behind_files(&manifest, &part, &ids)?
                {
                    continue;
                }
                parts.touched.remove(&part);
                let files = self.append(&part, &ids).await?;
                appended.insert(part, files);
            }
            parts.touched.append(&mut parts.damaged);
            self.rewrite_parts(parts.touched, &mut rewritten).await?;
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
        appended.retain(|part, _| !rewritten.contains_key(part));
        let manifest = if rewritten.is_empty() && manifest.seq == seq {
            manifest
        } else {
            self.replace(seq, rewritten, appended).await?
        };
        let snapshot = self.publish(&manifest)?;
        self.sweep(&snapshot);
        Ok(snapshot)
    }

    async fn replace(
        &self,
        seq: i64,
        rewritten: Rewritten,
        appended: Rewritten,
    ) -> Result<CopyManifest> {
        let removed: Vec<Part> = rewritten.keys().cloned().collect();
        let mut added = Vec::new();
        for ((object, month), files) in rewritten.into_iter().chain(appended) {
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

    /// Parts that changed since, and those whose definition changed, whose
    /// files are gone, or of an object that is new to the copy.
    async fn outdated(&self, manifest: &CopyManifest) -> Result<Outdated> {
        let touched = self.touched_since(manifest.seq).await?;
        let mut damaged = BTreeSet::new();
        let mut known = BTreeSet::new();
        for file in &manifest.files {
            known.insert(&file.object);
            let fingerprint = self.0.columns.get(&file.object).map(|c| c.fingerprint);
            let is_of = fingerprint.is_some_and(|f| file.path.contains(&format!("-{f:08x}-")));
            let length = self.0.folder.join(&file.path).metadata().map(|m| m.len());
            if !is_of || length.ok() != Some(file.n_bytes as u64) {
                damaged.insert((file.object.clone(), file.month));
            }
        }
        if self.0.columns.keys().any(|object| !known.contains(object)) {
            let ever = self.touched_since(0).await?;
            damaged.extend(
                ever.into_iter()
                    .filter(|(object, _)| !known.contains(object)),
            );
        }
        Ok(Outdated { touched, damaged })
    }

    /// Parts in which a few records are new since the copy was made and nothing
    /// else changed, with these records: a file of their own is added, and the
    /// month stays as it is. So a new order is in the next answer at once.
    async fn only_new(
        &self,
        manifest: &CopyManifest,
        seq: i64,
    ) -> Result<BTreeMap<Part, BTreeSet<i64>>> {
        let since = self.0.store.changes_since(manifest.seq, MAX_NEW).await?;
        let query = ChangeQuery {
            after_seq: manifest.seq,
            limit: MAX_NEW,
            ..ChangeQuery::default()
        };
        let changes = self.0.store.changes(&query).await?;
        let is_whole = changes.last().is_none_or(|c| c.seq >= seq);
        if since.has_more || since.seq > seq || !is_whole {
            return Ok(BTreeMap::new());
        }
        // By its first change since: what was created behind the copy cannot
        // be in it, whatever became of it after.
        let mut first = BTreeMap::new();
        for change in changes {
            if let (Some(object), Some(id)) = (change.object, change.record) {
                first.entry((object, id)).or_insert(change.kind);
            }
        }
        let mut parts: BTreeMap<Part, Option<BTreeSet<i64>>> = BTreeMap::new();
        for delta in since.deltas {
            let is_new = |id: &i64| {
                let record = (delta.object.clone(), *id);
                first.get(&record) == Some(&ChangeKind::Create)
            };
            let new = delta.record.filter(is_new);
            let part = (delta.object.clone(), delta.month);
            let of = parts.entry(part).or_insert_with(|| Some(BTreeSet::new()));
            match (new, of) {
                (Some(id), Some(ids)) => {
                    ids.insert(id);
                }
                (_, of) => *of = None,
            }
        }
        let is_small = |part: &Part| {
            let files = manifest.files.iter();
            let own = files.filter(|f| f.object == part.0 && f.month == part.1);
            let (n_files, n_rows) = own.fold((0, 0), |(n, rows), f| (n + 1, rows + f.n_rows));
            n_files < MAX_SMALL_FILES + (n_rows as usize).div_ceil(MAX_FILE_ROWS)
        };
        let only_new = parts
            .into_iter()
            .filter_map(|(part, ids)| Some((part, ids?)));
        Ok(only_new
            .filter(|(part, _)| self.0.columns.contains_key(&part.0) && is_small(part))
            .collect())
    }

    /// Whether all these ids are higher than any in the part's files. A file
    /// may be ahead of the list that names it, when writers were faster than
    /// the refresh that made it; then it holds some of them already.
    fn is_behind_files(
        &self,
        manifest: &CopyManifest,
        part: &Part,
        ids: &BTreeSet<i64>,
    ) -> Result<bool> {
        let Some(lowest) = ids.first() else {
            return Ok(true);
        };
        let files = manifest.files.iter();
        for file in files.filter(|f| f.object == part.0 && f.month == part.1) {
            match highest_id(&self.0.folder.join(&file.path))? {
                Some(highest) if highest < *lowest => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Writes these records of a part into files beside those that it has.
    async fn append(&self, (object, month): &Part, ids: &BTreeSet<i64>) -> Result<Vec<Written>> {
        let columns = &self.0.columns[object];
        let months = month.map(|m| Months { first: m, last: m });
        let query = self.query(object, columns, months, Some(ids))?;
        let folder = self.0.folder.join(object).join(folder_name(*month));
        let mut writer = FolderWriter::new(columns, folder, stamp());
        self.0
            .store
            .scan(&query, &Access::all(), |row| writer.append(row))
            .await?;
        writer.finish()
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
        let query = self.query(object, columns, months, None)?;
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

    /// Every column of the copy, in order of the business date: of these months,
    /// of these records.
    pub(super) fn query(
        &self,
        object: &str,
        columns: &CopyColumns,
        months: Option<Months>,
        only: Option<&BTreeSet<i64>>,
    ) -> Result<ScanQuery> {
        let fields: Vec<String> = columns.paths.iter().map(|p| p.join(".")).collect();
        let time = columns.time.map(|i| fields[i].as_str());
        let mut all = Vec::new();
        if let Some((months, time)) = months.zip(time) {
            let (first, last) = (months.first, months.last.last_of_month());
            all.push(format!("{time} between date '{first}' and date '{last}'"));
        }
        if let Some(ids) = only {
            let any: Vec<String> = ids.iter().map(|id| format!("id = {id}")).collect();
            all.push(format!("({})", any.join(" or ")));
        }
        let filter = if all.is_empty() {
            None
        } else {
            let scope = self.0.store.catalog().scope(object);
            Some(Expr::parse_filter(&all.join(" and "), &scope)?)
        };
        let sort = time.map(Sort::asc).into_iter().collect();
        Ok(ScanQuery {
            object: object.to_owned(),
            filter,
            sort,
            fields,
        })
    }
}

/// The highest id in a file, by its footer; `None` where that does not say.
fn highest_id(path: &Path) -> Result<Option<i64>> {
    let file = File::open(path).map_err(Error::file(path))?;
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let mut highest = None;
    for group in footer.metadata().row_groups() {
        // The id is the first column of every object.
        let Some(Statistics::Int64(ids)) = group.column(0).statistics() else {
            return Ok(None);
        };
        let Some(max) = ids.max_opt() else {
            return Ok(None);
        };
        highest = highest.max(Some(*max));
    }
    Ok(highest)
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

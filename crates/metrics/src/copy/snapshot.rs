//! One consistent set of files: what an answer reads. Immutable; a refresh
//! makes a new one. It must not open files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

/// One Parquet file of the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Absolute, or relative to the working folder when the copy is.
    pub path: PathBuf,
    /// First day of the month whose rows it holds; `None` for an object
    /// without a business date.
    pub month: Option<Date>,
    pub n_rows: u64,
    pub n_bytes: u64,
}

/// The files of every object as of one `seq` of the change log. While a
/// snapshot of [`super::Copy`] lives, none of its files is removed.
#[derive(Debug, Default)]
pub struct Snapshot {
    seq: i64,
    files: BTreeMap<String, Vec<DataFile>>,
}

impl Snapshot {
    /// Files may come in any order.
    pub fn new(seq: i64, files: impl IntoIterator<Item = (String, DataFile)>) -> Self {
        let mut all: BTreeMap<String, Vec<DataFile>> = BTreeMap::new();
        for (object, file) in files {
            all.entry(object).or_default().push(file);
        }
        for files in all.values_mut() {
            files.sort_by(|a, b| (a.month, &a.path).cmp(&(b.month, &b.path)));
        }
        Snapshot { seq, files: all }
    }

    /// Everything up to and including this change is in the files.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// In month order; a month may have several files. Empty when the object
    /// has no rows.
    pub fn files(&self, object: &str) -> &[DataFile] {
        self.files.get(object).map_or(&[], Vec::as_slice)
    }

    /// The files whose months touch `[from, to)`; all files of an object
    /// without months. Rows outside may still be in them.
    pub fn files_between(&self, object: &str, from: Date, to: Date) -> &[DataFile] {
        let files = self.files(object);
        let start = files.partition_point(|f| f.month.is_some_and(|m| m < from.first_of_month()));
        let end = files.partition_point(|f| f.month.is_none_or(|m| m < to));
        if start < end { &files[start..end] } else { &[] }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.values().flatten().map(|f| f.path.as_path())
    }

    pub fn n_rows(&self, object: &str) -> u64 {
        self.files(object).iter().map(|f| f.n_rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn gives_the_files_whose_months_touch_a_period() {
        let file = |name: &str, month| DataFile {
            path: name.into(),
            month,
            n_rows: 1,
            n_bytes: 1,
        };
        let order = |name, y, m| ("order".to_owned(), file(name, Some(date(y, m, 1))));
        let snapshot = Snapshot::new(
            7,
            [
                order("c", 2011, 3),
                order("a", 2011, 1),
                order("b2", 2011, 2),
                order("b1", 2011, 2),
                ("customer".to_owned(), file("all", None)),
            ],
        );
        let names = |object, from, to| {
            let files = snapshot.files_between(object, from, to).iter();
            files
                .map(|f| f.path.display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("order", date(2011, 2, 28), date(2011, 3, 1)),
            ["b1", "b2"]
        );
        assert_eq!(
            names("order", date(2011, 2, 1), date(2011, 3, 2)),
            ["b1", "b2", "c"]
        );
        assert_eq!(names("order", date(2012, 1, 1), date(2013, 1, 1)), [""; 0]);
        assert_eq!(names("order", date(2011, 3, 1), date(2011, 1, 1)), [""; 0]);
        assert_eq!(
            names("customer", date(2012, 1, 1), date(2012, 1, 2)),
            ["all"]
        );
        assert_eq!(names("score", date(2012, 1, 1), date(2012, 1, 2)), [""; 0]);
        assert_eq!(snapshot.n_rows("order"), 4);
    }
}

//! Removes files that nobody needs: neither the manifest nor a snapshot that
//! is still being read. A crash before the manifest was written leaves some.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::snapshot::Snapshot;
use super::{Copy, held};

impl Copy {
    /// The caller holds the lock, so no file is in the making. What cannot be
    /// removed now is found again by the next sweep.
    pub(super) fn sweep(&self, newest: &Snapshot) {
        let live = held(&self.0.live);
        let live: Vec<_> = live.iter().filter_map(|s| s.upgrade()).collect();
        let kept = live.iter().flat_map(|s| s.paths()).chain(newest.paths());
        let kept: BTreeSet<&Path> = kept.collect();
        for part in folders(&self.0.folder)
            .iter()
            .flat_map(|object| folders(object))
        {
            if !is_ours(&part) {
                continue;
            }
            for file in entries(&part) {
                if file.extension().is_some_and(|e| e == "parquet")
                    && !kept.contains(file.as_path())
                {
                    let _ = std::fs::remove_file(file);
                }
            }
            // Refused while something is in it.
            let _ = std::fs::remove_dir(part);
        }
    }
}

fn is_ours(part: &Path) -> bool {
    let name = part
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    name == "all" || name.starts_with("month=")
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|p| p.is_dir()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

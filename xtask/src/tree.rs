//! The project's files in memory, so that a test can plant a violation without
//! a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// Folders that hold what was made or fetched; `data` only at the top.
const NOT_OURS: [&str; 6] = [
    ".git",
    "target",
    "node_modules",
    "dist",
    "test-results",
    "playwright-report",
];
const TEXTS: [&str; 9] = [
    "rs", "toml", "md", "lock", "json", "ts", "tsx", "mjs", "npmrc",
];

/// Paths are relative to the project, with `/`.
#[derive(Default)]
pub struct Tree {
    texts: BTreeMap<String, String>,
    /// Every file and folder, read or not.
    paths: BTreeSet<String>,
}

impl Tree {
    pub fn read(root: &Path) -> io::Result<Tree> {
        let mut tree = Tree::default();
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.texts.insert((*path).to_owned(), (*text).to_owned());
            let mut at = *path;
            tree.paths.insert(at.to_owned());
            while let Some((folder, _)) = at.rsplit_once('/') {
                tree.paths.insert(folder.to_owned());
                at = folder;
            }
        }
        tree
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    pub fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    pub fn n_texts(&self) -> usize {
        self.texts.len()
    }

    /// The texts below `folder` (with its `/`) that end in `end`, in order.
    pub fn below<'a>(
        &'a self,
        folder: &'a str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self
            .texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(move |(path, _)| path.starts_with(folder) && path.ends_with(end))
    }

    fn read_folder(&mut self, folder: &Path, relative: &str) -> io::Result<()> {
        for entry in folder.read_dir()? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if relative.is_empty() {
                name.clone()
            } else {
                format!("{relative}/{name}")
            };
            if entry.file_type()?.is_dir() {
                if !NOT_OURS.contains(&name.as_str()) && path != "data" {
                    self.paths.insert(path.clone());
                    self.read_folder(&entry.path(), &path)?;
                }
                continue;
            }
            let end = name.rsplit('.').next().unwrap_or("");
            if TEXTS.contains(&end)
                && let Ok(text) = std::fs::read_to_string(entry.path())
            {
                self.texts.insert(path.clone(), text);
            }
            self.paths.insert(path);
        }
        Ok(())
    }
}

//! What the compiler does not check: the dependency picture, the shape of
//! sources, lock files, links and coverage. One file per idea; each only looks.

mod coverage;
mod documents;
mod locks;
mod manifests;
mod modules;
mod sources;

use std::fmt;

use crate::tree::Tree;

pub use modules::imports;

/// Something to mend.
#[derive(Debug)]
pub struct Finding {
    pub path: String,
    /// From 1; 0 for the whole file.
    pub line: usize,
    pub message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Finding {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Everything that is wrong with the tree, in order of the checks.
pub fn tidy(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in [
        manifests::check,
        modules::check,
        sources::check,
        sources::orphans,
        coverage::check,
        locks::check,
        documents::check,
    ] {
        check(tree, &mut findings);
    }
    findings
}

/// The messages of one check on planted files.
#[cfg(test)]
fn found(check: fn(&Tree, &mut Vec<Finding>), files: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    check(&Tree::of(files), &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

//! Who imports whom inside `app`, so that it does not become one lump: a
//! feature imports the kernel and its own children, never a sibling.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::sources::product_code;
use crate::rust_text::root_modules;
use crate::tree::Tree;

const SRC: &str = "crates/app/src/";

/// What every feature may import.
const KERNEL: [&str; 8] = [
    "audit",
    "context",
    "definitions",
    "error",
    "jobs",
    "messages",
    "outbound",
    "permission",
];

/// `(module, imports, why)`; each line is a debt or a design that is argued.
const ALLOWED: [(&str, &str, &str); 68] = [
    (
        "audit",
        "backup",
        "whether the log was rewritten, the kept backups tell",
    ),
    (
        "audit",
        "records",
        "an entry shows of a record what its own history shows",
    ),
    (
        "check",
        "backup",
        "whether the log was rewritten, the kept backups tell",
    ),
    (
        "person",
        "backup",
        "an erasure names the kept backups that still hold the person",
    ),
    (
        "packs",
        "design",
        "a pack is a change of the definitions, made as any",
    ),
    (
        "packs",
        "identity",
        "samples are made with the rights over what has just come",
    ),
    ("packs", "records", "samples are written as any record"),
    (
        "packs",
        "views",
        "a pack brings views that anybody could save",
    ),
    (
        "context",
        "backup",
        "the backup under way is known as long as the place is open",
    ),
    (
        "context",
        "duplicates",
        "what is known between requests lives as long as the place is open",
    ),
    (
        "context",
        "live",
        "who looks at what is known as long as the place is open",
    ),
    (
        "records",
        "import",
        "a pasted cell is read as a cell of a file is",
    ),
    (
        "context",
        "identity",
        "what is known between requests lives as long as the place is open",
    ),
    (
        "customers",
        "evaluation",
        "a customer's page shows the scores of an evaluation",
    ),
    (
        "customers",
        "insight",
        "the list is filtered by the same expressions as a question",
    ),
    (
        "demo",
        "customers",
        "the demo company comes in the way a user's files do",
    ),
    (
        "demo",
        "evaluation",
        "the demo company comes in the way a user's files do",
    ),
    (
        "demo",
        "import",
        "the demo company comes in the way a user's files do",
    ),
    (
        "demo",
        "status",
        "the demo company goes into an empty place only",
    ),
    (
        "error",
        "import",
        "one error type per crate carries what an import reports",
    ),
    (
        "export",
        "customers",
        "an export is the list of customers as a file",
    ),
    (
        "export",
        "insight",
        "the answer to a question is exported as it is shown",
    ),
    (
        "customers",
        "spelling",
        "a list is searched by the spelling of names too",
    ),
    (
        "export",
        "spelling",
        "the file of a list is searched as the list is",
    ),
    (
        "import",
        "customers",
        "a file goes back with the scores of the list of customers",
    ),
    (
        "import",
        "export",
        "a file goes back through the writer of every export",
    ),
    ("import", "evaluation", "an import ends with an evaluation"),
    (
        "jobs",
        "evaluation",
        "jobs hands each kind of work to its module",
    ),
    (
        "jobs",
        "import",
        "jobs hands each kind of work to its module",
    ),
    (
        "records",
        "spelling",
        "a list is searched by the spelling of names too",
    ),
    (
        "status",
        "demo",
        "the status says whether this is the demo company",
    ),
    (
        "status",
        "evaluation",
        "the status names the evaluations that there are",
    ),
    (
        "webhooks",
        "identity",
        "a webhook tells with the rights that its owner has at that moment",
    ),
    (
        "forms",
        "identity",
        "a form writes with the rights that its owner has at that moment",
    ),
    (
        "forms",
        "records",
        "an answer is written and refused as any record is",
    ),
    (
        "views",
        "identity",
        "a view is shared with a role, and shown with its owner's name",
    ),
    (
        "views",
        "records",
        "a view may ask what a list may be asked",
    ),
    ("person", "export", "a person's data go out as a file does"),
    (
        "person",
        "identity",
        "an erasure is confirmed by somebody else, where there is one",
    ),
    (
        "person",
        "import",
        "received files may hold an erased person",
    ),
    (
        "person",
        "records",
        "a reason is as good here as where a value is revealed",
    ),
    (
        "person",
        "spelling",
        "the spelling of an erased name goes with it",
    ),
    (
        "identity",
        "sharing",
        "what was shared with somebody is part of his rights",
    ),
    (
        "import",
        "identity",
        "a file is imported with the rights of who sent it",
    ),
    (
        "search",
        "records",
        "an object that may not be read is refused in the same words",
    ),
    ("search", "spelling", "a name is found by how it is spelt"),
    (
        "sharing",
        "customers",
        "who does not see a customer learns nothing of its shares",
    ),
    ("sharing", "identity", "a share changes rights at once"),
    (
        "duplicates",
        "spelling",
        "a name is told again by each of its readings",
    ),
    (
        "duplicates",
        "identity",
        "a share goes along with a merged customer, and rights follow at once",
    ),
    (
        "duplicates",
        "consent",
        "what one of two withdrew stays withdrawn of the one",
    ),
    (
        "duplicates",
        "audit",
        "who is told of a record of others is in the log",
    ),
    (
        "comments",
        "identity",
        "who is named in a comment is told, as far as he sees the record himself",
    ),
    (
        "comments",
        "records",
        "who does not see a record learns nothing of its comments",
    ),
    (
        "notifications",
        "comments",
        "a notification calls people by their names, as comments do",
    ),
    (
        "notifications",
        "records",
        "of a record that is not seen any more nothing is told",
    ),
    (
        "favourites",
        "records",
        "a record that is not seen any more is not shown",
    ),
    (
        "today",
        "backup",
        "the day tells how old the newest backup is",
    ),
    (
        "today",
        "comments",
        "the day calls people by their names, as comments do",
    ),
    (
        "today",
        "duplicates",
        "the day tells what may be there twice",
    ),
    (
        "today",
        "evaluation",
        "risks are those of the newest evaluation",
    ),
    ("today", "favourites", "the day shows what is marked"),
    (
        "today",
        "import",
        "the day tells which imports were not completed",
    ),
    ("today", "notifications", "the day shows what was not read"),
    (
        "today",
        "records",
        "a record that is linked to is shown by its title, where it is seen",
    ),
    ("design", "audit", "what goes for good is in the log"),
    ("design", "identity", "a role must not name what is no more"),
    (
        "design",
        "spelling",
        "what has a Chinese name alone is known by its Pinyin",
    ),
];

/// Each module of `app` with the modules of the root that it names.
pub fn imports(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in product_code(tree, SRC) {
        let inside = path
            .strip_prefix(SRC)
            .unwrap_or(path)
            .trim_end_matches(".rs");
        let mut parts: Vec<&str> = inside.split('/').collect();
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        if parts == ["lib"] {
            continue;
        }
        all.entry(parts[0].to_owned())
            .or_default()
            .extend(root_modules(&code, parts.len()));
    }
    let modules: BTreeSet<String> = all.keys().cloned().collect();
    for (module, imports) in &mut all {
        imports.retain(|other| other != module && modules.contains(other));
    }
    all
}

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let all = imports(tree);
    for (module, imports) in &all {
        for other in imports {
            let is_allowed = ALLOWED.iter().any(|(m, o, _)| m == module && o == other);
            if KERNEL.contains(&other.as_str()) || is_allowed {
                continue;
            }
            let message = format!("module `{module}` must not import its sibling `{other}`");
            findings.push(Finding::new(&format!("{SRC}{module}"), 0, message));
        }
    }
    for (module, other, _) in ALLOWED {
        if !all
            .get(module)
            .is_some_and(|imports| imports.contains(other))
        {
            let message = format!(
                "`{module}` no longer imports `{other}`: take it off the list of what is allowed"
            );
            findings.push(Finding::new("xtask/src/tidy/modules.rs", 0, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn siblings_stay_apart() {
        let files = [
            (
                "crates/app/src/lib.rs",
                "pub mod goals; pub mod insight; pub mod jobs;",
            ),
            ("crates/app/src/jobs.rs", "//! x"),
            (
                "crates/app/src/goals/mod.rs",
                "use crate::{Error, jobs::Job}; mod tree; use self::tree::Tree;",
            ),
            (
                "crates/app/src/goals/tree.rs",
                "use super::super::insight::ask; use super::Goal;",
            ),
            (
                "crates/app/src/insight.rs",
                "#[cfg(test)] mod tests { use crate::goals::Goal; }",
            ),
        ];
        let sibling = "crates/app/src/goals: module `goals` must not import its sibling `insight`";
        assert_eq!(
            found(check, &files)
                .iter()
                .filter(|f| f.starts_with("crates/"))
                .collect::<Vec<_>>(),
            [sibling]
        );
        let all = imports(&Tree::of(&files));
        assert_eq!(all["goals"].iter().collect::<Vec<_>>(), ["insight", "jobs"]);
        assert!(all["insight"].is_empty());
    }
}

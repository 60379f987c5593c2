//! The shape of Rust sources: an opening sentence, nothing unfinished, no
//! `unwrap` in the product, foreign names only at home.

use std::collections::BTreeSet;

use super::Finding;
use crate::rust_text::{code_only, line_of, without_tests};
use crate::tree::Tree;

const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "dbg!("];

/// Beginnings of paths and the crate that alone may import them, however they
/// came there: a re-export would hide them from the manifests.
const ONLY: [(&str, &str); 5] = [
    ("sqlx", "store"),
    ("datafusion", "metrics"),
    ("arrow", "metrics"),
    ("parquet", "metrics"),
    ("axum", "server"),
];

/// What opens a connection, and the one file of the product that may.
const WAYS_OUT: [&str; 7] = [
    "TcpStream::connect",
    "TcpSocket",
    "UdpSocket",
    "UnixStream::connect",
    "hyper::",
    "hyper_util::",
    "tokio_rustls::",
];
const OUTBOUND: &str = "crates/app/src/outbound.rs";

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.below("", ".rs") {
        if !text.starts_with("//!") {
            findings.push(Finding::new(
                path,
                1,
                "opens without `//!`: say what the file is for",
            ));
        }
        let code = code_only(text);
        for word in UNFINISHED {
            for (at, _) in code.match_indices(word) {
                let message = format!("`{}` is not finished", word.trim_end_matches('('));
                findings.push(Finding::new(path, line_of(&code, at), message));
            }
        }
    }
    for (path, code) in product_code(tree, "") {
        for (at, _) in code.match_indices(".unwrap()") {
            let message =
                "`unwrap` outside tests: return the error, or `expect` with the invariant";
            findings.push(Finding::new(path, line_of(&code, at), message));
        }
        if path.starts_with("crates/") && path != OUTBOUND {
            for (way, at) in WAYS_OUT
                .iter()
                .flat_map(|way| code.match_indices(way).map(move |(at, _)| (way, at)))
            {
                let message = format!("`{way}`: requests go out by `app::outbound` only");
                findings.push(Finding::new(path, line_of(&code, at), message));
            }
        }
        let home = path
            .strip_prefix("crates/")
            .and_then(|p| p.split('/').next())
            .unwrap_or("");
        for (n, line) in code.lines().enumerate() {
            let line = line
                .trim_start()
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ");
            let Some(used) = line
                .strip_prefix("use ")
                .map(|u| u.trim_start_matches("::"))
            else {
                continue;
            };
            let first = used
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next()
                .unwrap_or("");
            let is_of = |start: &str| first == start || first.starts_with(&format!("{start}_"));
            if let Some((_, only)) = ONLY
                .iter()
                .find(|(start, only)| is_of(start) && *only != home)
            {
                findings.push(Finding::new(
                    path,
                    n + 1,
                    format!("only `{only}` may name {first}"),
                ));
            }
        }
    }
}

/// A file that no `mod` names is never compiled, and its tests never run.
pub fn orphans(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, _) in tree.below("", ".rs") {
        let of = |folder: &'static str| {
            let (root, inside) = path.split_once(folder)?;
            Some((format!("{root}{folder}"), inside))
        };
        // Without a `main.rs`, every file of `tests` is a program of its own.
        let is_one = |(root, _): &(String, &str)| tree.text(&format!("{root}main.rs")).is_some();
        let Some((root, inside)) = of("/src/").or_else(|| of("/tests/").filter(is_one)) else {
            continue;
        };
        let own = inside.trim_end_matches(".rs").trim_end_matches("/mod");
        if own == "lib" || own == "main" || own.starts_with("bin/") {
            continue;
        }
        let (parents, name) = match own.rsplit_once('/') {
            Some((parent, name)) => (
                vec![format!("{parent}.rs"), format!("{parent}/mod.rs")],
                name,
            ),
            None => (vec!["lib.rs".to_owned(), "main.rs".to_owned()], own),
        };
        let declaration = format!("mod {name};");
        let is_declared = |parent: &String| {
            let text = tree.text(&format!("{root}{parent}"));
            text.is_some_and(|text| code_only(text).contains(&declaration))
        };
        if !parents.iter().any(is_declared) {
            findings.push(Finding::new(
                path,
                0,
                format!("no `{declaration}` names this file"),
            ));
        }
    }
}

/// The code of the files below `folder` that are part of the product: without
/// tests, benchmarks, examples and the items that only tests see.
pub fn product_code<'a>(tree: &'a Tree, folder: &'a str) -> Vec<(&'a str, String)> {
    let mut all = Vec::new();
    let mut of_tests: BTreeSet<String> = BTreeSet::new();
    for (path, text) in tree.below(folder, ".rs") {
        if path
            .split('/')
            .any(|part| ["tests", "benches", "examples"].contains(&part))
        {
            continue;
        }
        let (code, modules) = without_tests(&code_only(text));
        let (parent, file) = path.rsplit_once('/').unwrap_or(("", path));
        let home = match file {
            "mod.rs" | "lib.rs" | "main.rs" => parent.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        of_tests.extend(modules.iter().map(|module| format!("{home}/{module}")));
        all.push((path, code));
    }
    all.retain(|(path, _)| {
        let own = path.trim_end_matches(".rs").trim_end_matches("/mod");
        !of_tests
            .iter()
            .any(|module| own == module || own.starts_with(&format!("{module}/")))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(
            found(check, &[("crates/app/src/a.rs", "fn a() {}")]),
            ["crates/app/src/a.rs:1: opens without `//!`: say what the file is for"]
        );
    }

    #[test]
    fn every_file_is_a_module() {
        let with = |root: &str| {
            let files = [
                ("crates/app/src/lib.rs", root),
                ("crates/app/src/a/mod.rs", "//! x\nmod b;"),
                ("crates/app/src/a/b.rs", "//! x"),
                ("crates/app/src/bin/tool.rs", "//! x"),
                ("crates/app/tests/alone.rs", "//! x"),
            ];
            found(orphans, &files)
        };
        assert_eq!(with("//! x\nmod a;"), [""; 0]);
        assert_eq!(
            with("//! x\n// mod a;"),
            ["crates/app/src/a/mod.rs: no `mod a;` names this file"]
        );
        let tests = [
            ("crates/app/tests/main.rs", "//! x\nmod story;"),
            ("crates/app/tests/story.rs", "//! x"),
            ("crates/app/tests/forgotten.rs", "//! x"),
        ];
        assert_eq!(
            found(orphans, &tests),
            ["crates/app/tests/forgotten.rs: no `mod forgotten;` names this file"]
        );
    }

    #[test]
    fn nothing_is_left_unfinished() {
        for word in UNFINISHED {
            let text = format!("//! x\n// {word}\nfn a() {{ {word}\"\") }}");
            let all = found(check, &[("crates/app/tests/a.rs", &text)]);
            assert_eq!(all.len(), 1, "{all:?}");
            assert!(all[0].starts_with("crates/app/tests/a.rs:3: "));
        }
    }

    #[test]
    fn only_tests_unwrap() {
        let unwraps = "//! x\nfn a() { b().unwrap() }";
        assert_eq!(found(check, &[("crates/app/src/a.rs", unwraps)]).len(), 1);
        for place in [
            "crates/app/tests/a.rs",
            "crates/models/examples/a.rs",
            "crates/store/benches/a.rs",
        ] {
            assert_eq!(found(check, &[(place, unwraps)]), [""; 0]);
        }
        let inline =
            "//! x\n/// `b().unwrap()`\n#[cfg(test)]\nmod tests { fn a() { b().unwrap() } }";
        assert_eq!(found(check, &[("crates/app/src/a.rs", inline)]), [""; 0]);
        let files = [
            ("crates/app/src/a.rs", "//! x\n#[cfg(test)]\nmod tests;"),
            ("crates/app/src/a/tests.rs", unwraps),
        ];
        assert_eq!(found(check, &files), [""; 0]);
        let files = [
            ("crates/app/src/a/mod.rs", "//! x\nmod tests;"),
            ("crates/app/src/a/checks.rs", unwraps),
        ];
        assert_eq!(found(check, &files).len(), 1);
    }

    #[test]
    fn there_is_one_way_out() {
        for way in [
            "async fn a() { tokio::net::TcpStream::connect(b).await }",
            "use tokio::net::UdpSocket;",
            "use hyper::client::conn;",
        ] {
            let text = format!("//! x\n{way}");
            let all = found(check, &[("crates/app/src/oidc.rs", &text)]);
            assert_eq!(all.len(), 1, "{all:?}");
            assert_eq!(found(check, &[(OUTBOUND, &text)]), [""; 0]);
            assert_eq!(found(check, &[("crates/app/tests/a.rs", &text)]), [""; 0]);
        }
    }

    #[test]
    fn foreign_names_stay_at_home() {
        assert_eq!(
            found(
                check,
                &[(
                    "crates/app/src/a.rs",
                    "//! x\npub use datafusion_expr::Expr;"
                )]
            )
            .len(),
            1
        );
        assert_eq!(
            found(
                check,
                &[(
                    "crates/metrics/src/a.rs",
                    "//! x\nuse datafusion_expr::Expr;"
                )]
            ),
            [""; 0]
        );
        assert_eq!(
            found(
                check,
                &[(
                    "crates/app/src/a.rs",
                    "//! x\nuse crate::arrow::x; use arrows::y;"
                )]
            ),
            [""; 0]
        );
    }
}

//! The dependency picture of ARCHITECTURE.md, kept from the manifests.

use toml::{Table, Value};

use super::Finding;
use crate::tree::Tree;

/// Each crate and the own crates that it may name.
const PICTURE: [(&str, &[&str]); 6] = [
    ("schema", &[]),
    ("models", &[]),
    ("store", &["schema"]),
    ("metrics", &["schema", "store"]),
    ("app", &["schema", "models", "store", "metrics"]),
    ("server", &["schema", "app"]),
];

/// What a test may name besides: a store to test on, models to compare with.
const ALSO_IN_TESTS: [(&str, &[&str]); 3] = [
    ("store", &["store"]),
    ("metrics", &["models"]),
    ("server", &["store"]),
];

/// Libraries that one crate alone may name, by the beginning of their names.
const ONLY: [(&str, &str); 9] = [
    ("sqlx", "store"),
    ("datafusion", "metrics"),
    ("arrow", "metrics"),
    ("parquet", "metrics"),
    ("deltalake", "metrics"),
    ("axum", "server"),
    ("hyper", "app"),
    ("rustls", "app"),
    ("tokio-rustls", "app"),
];

/// Clients that would be a second way out, past `app::outbound`.
const BANNED: [&str; 10] = [
    "attohttpc",
    "awc",
    "curl",
    "isahc",
    "minreq",
    "native-tls",
    "openssl",
    "reqwest",
    "surf",
    "ureq",
];

/// Crates without I/O.
const WITHOUT_TOKIO: [&str; 2] = ["schema", "models"];

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.below("crates/", "/Cargo.toml") {
        let Some(name) = path
            .strip_prefix("crates/")
            .and_then(|p| p.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        let Some((_, may)) = PICTURE.iter().find(|(known, _)| *known == name) else {
            let message = format!(
                "crate `{name}` is not in the picture; a new crate needs a decision record"
            );
            findings.push(Finding::new(path, 0, message));
            continue;
        };
        let manifest: Table = match text.parse() {
            Ok(manifest) => manifest,
            Err(problem) => {
                findings.push(Finding::new(path, 0, problem.to_string()));
                continue;
            }
        };
        for (dependency, is_for_tests) in dependencies(&manifest) {
            let in_tests = ALSO_IN_TESTS
                .iter()
                .find(|(known, _)| *known == name)
                .map_or(&[][..], |(_, may)| *may);
            let line = text
                .lines()
                .position(|l| l.starts_with(&dependency))
                .map_or(0, |n| n + 1);
            let mut say = |message: String| findings.push(Finding::new(path, line, message));
            if let Some(own) = own_crate(&dependency) {
                let is_allowed = may.contains(&own) || (is_for_tests && in_tests.contains(&own));
                if !is_allowed {
                    say(format!("`{name}` must not depend on `{own}`"));
                }
            } else if let Some((_, only)) = ONLY
                .iter()
                .find(|(start, only)| is_of(&dependency, start) && *only != name)
            {
                say(format!("only `{only}` may name {dependency}"));
            } else if BANNED.iter().any(|start| is_of(&dependency, start)) {
                say(format!(
                    "{dependency}: requests go out by `app::outbound` only"
                ));
            } else if dependency == "tokio" && WITHOUT_TOKIO.contains(&name) {
                say(format!("`{name}` has no I/O and must not name tokio"));
            }
        }
    }
}

/// `arrow`, `arrow-schema`, but not `arrows`.
fn is_of(dependency: &str, start: &str) -> bool {
    dependency
        .strip_prefix(start)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn own_crate(dependency: &str) -> Option<&str> {
    if dependency == "keji" {
        Some("server")
    } else {
        dependency.strip_prefix("keji-")
    }
}

/// Names of packages (a renamed one by its real name), and whether only tests
/// see them.
fn dependencies(manifest: &Table) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    for table in tables {
        for (section, is_for_tests) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            for (name, value) in table
                .get(section)
                .and_then(Value::as_table)
                .into_iter()
                .flatten()
            {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
                all.push((package.to_owned(), is_for_tests));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    fn of(name: &str, text: &str) -> Vec<String> {
        found(check, &[(&format!("crates/{name}/Cargo.toml"), text)])
    }

    #[test]
    fn edges_follow_the_picture() {
        assert_eq!(
            of(
                "app",
                "[dependencies]\nkeji-store.workspace = true\nkeji-models.workspace = true"
            ),
            [""; 0]
        );
        assert_eq!(
            of("store", "[dependencies]\nkeji-app.workspace = true"),
            ["crates/store/Cargo.toml:2: `store` must not depend on `app`"]
        );
        assert_eq!(
            of("models", "[dev-dependencies]\nkeji-schema.workspace = true").len(),
            1
        );
        assert_eq!(
            of("server", "[dependencies]\nkeji-store.workspace = true").len(),
            1
        );
        assert_eq!(
            of("server", "[dev-dependencies]\nkeji-store.workspace = true"),
            [""; 0]
        );
        assert_eq!(
            of("store", "[dev-dependencies]\nkeji-store = { path = \".\" }"),
            [""; 0]
        );
        assert_eq!(of("common", "[dependencies]").len(), 1);
    }

    #[test]
    fn libraries_have_one_home() {
        assert_eq!(
            of(
                "store",
                "[dependencies]\nsqlx.workspace = true\ntokio.workspace = true"
            ),
            [""; 0]
        );
        assert_eq!(of("app", "[dependencies]\nsqlx.workspace = true").len(), 1);
        assert_eq!(
            of(
                "app",
                "[dependencies]\nsneaky = { package = \"datafusion-expr\", version = \"1\" }"
            )
            .len(),
            1
        );
        assert_eq!(
            of(
                "server",
                "[target.'cfg(unix)'.dependencies]\narrow-schema = \"1\""
            )
            .len(),
            1
        );
        assert_eq!(of("app", "[build-dependencies]\naxum = \"1\"").len(), 1);
        assert_eq!(of("schema", "[dev-dependencies]\ntokio = \"1\"").len(), 1);
        assert_eq!(
            of("app", "[dependencies]\nreqwest = \"1\""),
            ["crates/app/Cargo.toml:2: reqwest: requests go out by `app::outbound` only"]
        );
        assert_eq!(of("server", "[dependencies]\nhyper = \"1\"").len(), 1);
        assert_eq!(of("app", "[dependencies]\nhyper = \"1\""), [""; 0]);
    }
}

//! Lock files and settings name the public registries and nothing else, or the
//! project builds on one machine only.

use super::Finding;
use crate::tree::Tree;

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
const PACKAGES: &str = "https://registry.npmjs.org/";

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut each_line = |end: &str, is_wrong: &dyn Fn(&str) -> bool, message: &str| {
        for (path, text) in tree.below("", end) {
            for (n, line) in text.lines().enumerate() {
                if is_wrong(line.trim()) {
                    findings.push(Finding::new(path, n + 1, message));
                }
            }
        }
    };
    each_line(
        "Cargo.lock",
        &|line| {
            line.strip_prefix("source = ")
                .is_some_and(|source| source.trim_matches('"') != CRATES)
        },
        "a crate that is not from crates.io",
    );
    each_line(
        "package-lock.json",
        &|line| {
            line.strip_prefix("\"resolved\": \"")
                .is_some_and(|from| !from.starts_with(PACKAGES))
        },
        "a package that is not from registry.npmjs.org",
    );
    each_line(
        ".npmrc",
        &|line| {
            let setting = line
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()));
            setting.is_some_and(|(key, value)| {
                key.ends_with("registry") && !value.starts_with(PACKAGES)
            })
        },
        "a registry that is not registry.npmjs.org",
    );
    each_line(
        ".cargo/config.toml",
        &|line| line.starts_with("[source") || line.starts_with("[registr"),
        "cargo takes crates from crates.io, without a replacement",
    );
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn only_public_registries() {
        let good = [
            (
                "Cargo.lock",
                "source = \"registry+https://github.com/rust-lang/crates.io-index\"",
            ),
            (
                "web/package-lock.json",
                "  \"resolved\": \"https://registry.npmjs.org/react/-/react-1.tgz\",",
            ),
            (
                "web/.npmrc",
                "omit-lockfile-registry-resolved=true\nfund=false",
            ),
            (".cargo/config.toml", "[alias]"),
        ];
        assert_eq!(found(check, &good), [""; 0]);
        for (path, text) in [
            (
                "Cargo.lock",
                "source = \"registry+https://mirror.example/index\"",
            ),
            ("Cargo.lock", "source = \"git+https://github.com/a/b\""),
            (
                "web/package-lock.json",
                "  \"resolved\": \"https://mirror.example/react.tgz\",",
            ),
            ("web/.npmrc", "registry = https://mirror.example/"),
            (".cargo/config.toml", "[source.crates-io]"),
        ] {
            assert_eq!(found(check, &[(path, text)]).len(), 1, "{path}: {text}");
        }
    }
}

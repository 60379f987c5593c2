//! Documents: relative links lead somewhere, and the change log has a section
//! for what is in the tree.

use super::Finding;
use crate::tree::Tree;

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.below("", ".md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in links(text) {
            let file = target.split(['#', '?']).next().unwrap_or("");
            let is_elsewhere =
                target.contains("://") || target.starts_with("mailto:") || file.is_empty();
            if !is_elsewhere && !resolve(folder, file).is_some_and(|file| tree.has(&file)) {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("the link to `{target}` leads nowhere"),
                ));
            }
        }
    }
    change_log(tree, findings);
}

/// `](target)` outside of code, with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut is_code = false;
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Every other part is between backticks.
        let prose: String = line
            .split('`')
            .enumerate()
            .filter(|(i, _)| i % 2 == 0)
            .map(|(_, part)| part)
            .collect();
        for part in prose.split("](").skip(1) {
            let target = part
                .split(')')
                .next()
                .unwrap_or("")
                .split_whitespace()
                .next()
                .unwrap_or("");
            all.push((n + 1, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    all
}

/// None when the path leaves the project.
fn resolve(folder: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn change_log(tree: &Tree, findings: &mut Vec<Finding>) {
    const PATH: &str = "CHANGELOG.md";
    let version = tree
        .text("Cargo.toml")
        .and_then(|text| text.lines().find_map(|l| l.strip_prefix("version = ")))
        .map_or("", |v| v.trim_matches('"'));
    let is_section = |line: &str| {
        let title = line
            .strip_prefix("## ")
            .map(|t| t.trim_start_matches('[').trim_start_matches('v'));
        title.is_some_and(|t| {
            t.starts_with("Unreleased") || (!version.is_empty() && t.starts_with(version))
        })
    };
    if !tree
        .text(PATH)
        .is_some_and(|text| text.lines().any(is_section))
    {
        let message = format!("needs a section `## Unreleased` or `## {version}`");
        findings.push(Finding::new(PATH, 0, message));
    }
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    const LOG: (&str, &str) = ("CHANGELOG.md", "# Changes\n\n## Unreleased\n");

    #[test]
    fn links_lead_somewhere() {
        let read = |text: &str| {
            found(
                check,
                &[LOG, ("docs/a.md", text), ("docs/decisions/0001.md", "x")],
            )
        };
        assert_eq!(
            read(
                "[a](decisions/0001.md#why) [b](../CHANGELOG.md) [c](https://example.com/x) [d](#here) [e](decisions/)\n\
                  `[f](no.md)`\n```\n[g](no.md)\n```"
            ),
            [""; 0]
        );
        assert_eq!(
            read("x\n[a](b.md)"),
            ["docs/a.md:2: the link to `b.md` leads nowhere"]
        );
        assert_eq!(read("![a](../../outside.png)").len(), 1);
    }

    #[test]
    fn the_change_log_speaks_of_this_version() {
        let manifest = ("Cargo.toml", "[workspace.package]\nversion = \"0.1.0\"");
        assert_eq!(
            found(
                check,
                &[manifest, ("CHANGELOG.md", "## [0.1.0] - 2026-11-21")]
            ),
            [""; 0]
        );
        assert_eq!(found(check, &[manifest, LOG]), [""; 0]);
        assert_eq!(
            found(check, &[manifest, ("CHANGELOG.md", "## 0.0.9")]).len(),
            1
        );
        assert_eq!(found(check, &[manifest]).len(), 1);
    }
}

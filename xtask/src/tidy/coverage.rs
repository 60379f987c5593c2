//! `docs/coverage.toml`: each requirement names tests that exist and a page
//! where its result is seen.

use toml::{Table, Value};

use super::Finding;
use crate::tree::Tree;

const PATH: &str = "docs/coverage.toml";
const LAST_REQUIREMENT: u32 = 119;

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(text) = tree.text(PATH) else {
        findings.push(Finding::new(PATH, 0, "is missing"));
        return;
    };
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(problem) => {
            findings.push(Finding::new(PATH, 0, problem.to_string()));
            return;
        }
    };
    for (requirement, entry) in &table {
        let line = text
            .lines()
            .position(|l| l.starts_with(&format!("[{requirement}]")))
            .map_or(0, |n| n + 1);
        let mut say = |message: String| {
            findings.push(Finding::new(
                PATH,
                line,
                format!("{requirement}: {message}"),
            ))
        };
        if !is_requirement(requirement) {
            say(format!("is not a requirement, R01 to R{LAST_REQUIREMENT}"));
        }
        match entry.get("tests").and_then(Value::as_array) {
            Some(tests) if !tests.is_empty() => {
                for test in tests {
                    if let Err(message) = find_test(tree, test.as_str().unwrap_or("")) {
                        say(message);
                    }
                }
            }
            _ => say("has no tests".to_owned()),
        }
        match entry.get("page").and_then(Value::as_str) {
            Some(page) if page.starts_with('/') => {
                if !is_page(tree, page) {
                    say(format!("the page `{page}` is not named in web/src"));
                }
            }
            _ => say("has no page such as \"/customers\"".to_owned()),
        }
        for key in entry.as_table().into_iter().flat_map(Table::keys) {
            if !["tests", "page"].contains(&key.as_str()) {
                say(format!("`{key}` is neither tests nor page"));
            }
        }
    }
}

fn is_requirement(name: &str) -> bool {
    let digits = name
        .strip_prefix('R')
        .filter(|d| d.len() >= 2 && d.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|d| d.parse().ok());
    number.is_some_and(|n: u32| (1..=LAST_REQUIREMENT).contains(&n) && name == format!("R{n:02}"))
}

/// `path/to/file.rs::function` or `path/to/file.spec.ts::title of the test`.
fn find_test(tree: &Tree, test: &str) -> Result<(), String> {
    let (path, name) = test
        .split_once("::")
        .ok_or(format!("`{test}` is not file::test"))?;
    let text = tree.text(path).ok_or(format!("there is no file {path}"))?;
    let is_there = if path.ends_with(".rs") {
        let function = name.rsplit("::").next().unwrap_or(name);
        [format!("fn {function}("), format!("fn {function}<")]
            .iter()
            .any(|f| text.contains(f))
    } else {
        ['"', '\'', '`']
            .iter()
            .any(|quote| text.contains(&format!("{quote}{name}{quote}")))
    };
    if is_there && !name.is_empty() {
        Ok(())
    } else {
        Err(format!("{path} has no test `{name}`"))
    }
}

/// Routes are plain texts in the page's sources.
fn is_page(tree: &Tree, page: &str) -> bool {
    let texts = tree
        .below("web/src/", ".tsx")
        .chain(tree.below("web/src/", ".ts"));
    let quoted = format!("\"{page}\"");
    texts.into_iter().any(|(_, text)| text.contains(&quoted))
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    fn of(coverage: &str) -> Vec<String> {
        found(
            check,
            &[
                (PATH, coverage),
                ("crates/models/tests/rfm.rs", "#[test]\nfn uk_cells() {}"),
                (
                    "web/e2e/story.spec.ts",
                    "test(\"from a file to a page\", async () => {})",
                ),
                ("web/src/router.tsx", "path: \"/overview\""),
            ],
        )
    }

    #[test]
    fn a_requirement_names_what_exists() {
        let good = "[R08]\ntests = [\"crates/models/tests/rfm.rs::uk_cells\", \
                    \"web/e2e/story.spec.ts::from a file to a page\"]\npage = \"/overview\"\n";
        assert_eq!(of(good), [""; 0]);
        assert_eq!(
            of(&good.replace("uk_cells", "de_cells")),
            ["docs/coverage.toml:1: R08: crates/models/tests/rfm.rs has no test `de_cells`"]
        );
        assert_eq!(of(&good.replace("rfm.rs", "rf.rs")).len(), 1);
        assert_eq!(of(&good.replace("from a file", "from the file")).len(), 1);
        assert_eq!(of(&good.replace("/overview", "/nowhere")).len(), 1);
        assert_eq!(of(&good.replace("page =", "pages =")).len(), 2);
        assert_eq!(of("[R08]\ntests = []\npage = \"/overview\"").len(), 1);
        for name in ["R120", "R8", "R00", "S08"] {
            assert_eq!(of(&good.replace("R08", name)).len(), 1, "{name}");
        }
        assert_eq!(found(check, &[]).len(), 1);
    }
}

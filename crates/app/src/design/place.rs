//! What the catalog says of a file, at the place of the form that made it.

use std::collections::BTreeMap;

use crate::error::{Error, FieldFault};
use crate::messages::phrases;

/// The fault of one of `files` as one of a field: `machine.fields[2].to`; of
/// another file, and of what no line tells, as it is.
pub(super) fn told(problem: keji_schema::Error, files: &BTreeMap<String, String>) -> Error {
    let keji_schema::Error::Definition {
        file,
        line,
        message,
    } = &problem
    else {
        return Error::Schema(problem);
    };
    let Some(text) = files.get(file) else {
        return Error::Schema(problem);
    };
    let zh = phrases::chinese(message).unwrap_or_else(|| message.clone());
    FieldFault::new(place(file, text, *line), "definition", zh, message).into()
}

fn place(file: &str, text: &str, line: usize) -> String {
    let stem = file.strip_suffix(".toml").unwrap_or(file);
    let object = match stem.split_once('/') {
        Some(("objects" | "additions", object)) => object,
        Some(("metrics", metric)) => {
            let id = metric.rsplit('/').next().unwrap_or(metric);
            return part(id, text, line);
        }
        _ => return stem.to_owned(),
    };
    let before: Vec<&str> = text.lines().take(line).collect();
    let list = before.iter().rev().find_map(|line| match line.trim() {
        "[[field]]" => Some(("[[field]]", "fields")),
        "[[derived]]" => Some(("[[derived]]", "derived")),
        "[[rule]]" => Some(("[[rule]]", "rules")),
        "[[option]]" => Some(("[[option]]", "options")),
        _ => None,
    });
    let Some((heading, list)) = list else {
        return object.to_owned();
    };
    let n = before.iter().filter(|line| line.trim() == heading).count();
    let key = before.last().and_then(|line| match line.trim() {
        line if line.starts_with('[') => None,
        line => Some(line.split_once('=')?.0.trim()),
    });
    // A running number is a field of the file, first, and none of the form.
    let is_numbered = text
        .lines()
        .any(|line| line.trim() == "number = \"number\"");
    let hidden = usize::from(list == "fields" && is_numbered);
    let index = n.saturating_sub(1 + hidden);
    match key {
        Some(key) => format!("{object}.{list}[{index}].{key}"),
        None => format!("{object}.{list}[{index}]"),
    }
}

/// What a line of a metric's file says: `visits.measure.where`.
fn part(metric: &str, text: &str, line: usize) -> String {
    let before: Vec<&str> = text.lines().take(line).map(str::trim).collect();
    let heading = before.iter().rev().find(|line| line.starts_with('['));
    let heading = heading.map(|heading| heading.trim_matches(['[', ']']));
    let key = before.last().filter(|line| !line.starts_with('['));
    let key = key.and_then(|line| Some(line.split_once('=')?.0.trim()));
    let parts = [Some(metric), heading, key];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_field_that_it_belongs_to() {
        let text = "[name]\nzh = \"a\"\n\n[[field]]\nid = \"a\"\n\n[field.name]\nzh = \"a\"\n\n\
                    [[field]]\nid = \"b\"\nto = \"nothing\"\n\n[[rule]]\ncheck = \"x\"\n";
        let at = |line| place("objects/machine.toml", text, line);
        assert_eq!(at(2), "machine");
        assert_eq!(at(5), "machine.fields[0].id");
        assert_eq!(at(12), "machine.fields[1].to");
        assert_eq!(at(14), "machine.rules[0]");
        assert_eq!(at(15), "machine.rules[0].check");
        let numbered = format!("number = \"number\"\n{text}");
        let at = |line| place("objects/machine.toml", &numbered, line);
        assert_eq!(at(13), "machine.fields[0].to");
        assert_eq!(at(16), "machine.rules[0].check");
        let metric = "code = \"O1\"\nunit = \"x\"\n\n[measure]\nagg = \"sum\"\nwhere = \"y\"\n";
        let at = |line| place("metrics/own/visits.toml", metric, line);
        assert_eq!(at(2), "visits.unit");
        assert_eq!(at(4), "visits.measure");
        assert_eq!(at(6), "visits.measure.where");
        assert_eq!(place("roles/desk.toml", text, 5), "roles/desk");
    }
}

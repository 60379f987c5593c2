//! What the parser of cells does not tell: which columns of a sheet are hidden
//! and which cells are merged over several rows. Looks for two tags in the raw
//! parts of the archive, as a stream.

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek};

use zip::ZipArchive;

/// Columns from 0, first and last.
pub type Columns = (usize, usize);

/// A range that is merged over several rows; rows and columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merge {
    pub first_row: u64,
    pub last_row: u64,
    pub column: usize,
}

#[derive(Debug, Default)]
pub struct Extras {
    pub hidden: Vec<Columns>,
    /// In the order of their first rows.
    pub merges: Vec<Merge>,
}

/// Ranges beyond are not repeated: their rows are turned away as they stand.
const N_MERGES: usize = 200_000;
/// A tag is never longer; text is.
const TAG_BYTES: usize = 4096;

/// The parts of the sheets, in the order of the workbook; `None` where the
/// workbook does not lead to one.
pub fn sheet_parts(archive: &mut ZipArchive<impl Read + Seek>) -> Vec<Option<String>> {
    let mut targets = HashMap::new();
    let _ = tags(archive, "xl/_rels/workbook.xml.rels", |name, tag| {
        if name == "Relationship"
            && let (Some(id), Some(target)) = (attribute(tag, "Id"), attribute(tag, "Target"))
        {
            let path = match target.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("xl/{target}"),
            };
            targets.insert(id.to_owned(), path);
        }
        true
    });
    let mut parts = Vec::new();
    let _ = tags(archive, "xl/workbook.xml", |name, tag| {
        if name == "sheet" {
            parts.push(attribute(tag, "id").and_then(|id| targets.get(id).cloned()));
        }
        true
    });
    parts
}

/// Reads one part to its end; an unreadable one has no extras, and the parser
/// of the cells says what is wrong with it.
pub fn extras(archive: &mut ZipArchive<impl Read + Seek>, part: &str) -> Extras {
    let mut extras = Extras::default();
    let _ = tags(archive, part, |name, tag| {
        match name {
            "col" if matches!(attribute(tag, "hidden"), Some("1" | "true")) => {
                let number = |name| attribute(tag, name).and_then(|n| n.parse::<usize>().ok());
                if let (Some(min @ 1..), Some(max)) = (number("min"), number("max")) {
                    extras.hidden.push((min - 1, max.saturating_sub(1)));
                }
            }
            "mergeCell" => extras
                .merges
                .extend(attribute(tag, "ref").and_then(vertical)),
            _ => {}
        }
        extras.merges.len() < N_MERGES
    });
    extras.merges.sort_unstable();
    extras
}

/// `A3:A7`, if it is more than one row.
fn vertical(range: &str) -> Option<Merge> {
    let (from, to) = range.split_once(':')?;
    let ((first_row, column), (last_row, _)) = (place(from)?, place(to)?);
    (last_row > first_row).then_some(Merge {
        first_row,
        last_row,
        column,
    })
}

/// Row and column of `B12`, from 0.
fn place(cell: &str) -> Option<(u64, usize)> {
    let cell: String = cell.chars().filter(|c| *c != '$').collect();
    let n_letters = cell.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = cell.split_at(n_letters);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.bytes().fold(0, |n, b| {
        n * 26 + usize::from(b.to_ascii_uppercase() - b'A') + 1
    });
    Some((digits.parse::<u64>().ok()?.checked_sub(1)?, column - 1))
}

/// Calls `on_tag` with the local name and the text of every opening tag that
/// is short, until it answers false.
fn tags(
    archive: &mut ZipArchive<impl Read + Seek>,
    part: &str,
    mut on_tag: impl FnMut(&str, &str) -> bool,
) -> Option<()> {
    let mut read = BufReader::with_capacity(64 << 10, archive.by_name(part).ok()?);
    let mut chunk = vec![0; 64 << 10];
    let mut held: Vec<u8> = Vec::new();
    loop {
        let n = read.read(&mut chunk).ok()?;
        if n == 0 {
            return Some(());
        }
        held.extend_from_slice(&chunk[..n]);
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'<', &held[at..]).map(|i| at + i) {
            let Some(close) = memchr::memchr(b'>', &held[open..]).map(|i| open + i) else {
                at = open;
                break;
            };
            // Cells are by far most of the tags, and none of them matters.
            let is_cell = matches!(held.get(open + 1), Some(b'/' | b'v' | b'c'))
                && !held[open + 1..close].starts_with(b"col");
            if !is_cell && close - open <= TAG_BYTES {
                let tag = std::str::from_utf8(&held[open + 1..close]).unwrap_or_default();
                let end = tag.find(|c: char| c.is_whitespace() || c == '/');
                let name = &tag[..end.unwrap_or(tag.len())];
                let local = name.rsplit(':').next().unwrap_or(name);
                if !on_tag(local, tag) {
                    return Some(());
                }
            }
            at = close + 1;
        }
        if memchr::memchr(b'<', &held[at..]).is_none() {
            at = held.len();
        }
        held.drain(..at);
        // An opening bracket that never closes is no XML; it is not held.
        if held.len() > TAG_BYTES {
            held.clear();
        }
    }
}

/// The value of an attribute, with or without a prefix.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(found) = tag[from..].find(name).map(|i| from + i) {
        let rest = tag[found + name.len()..].trim_start();
        let starts_word = tag[..found].ends_with(|c: char| c.is_whitespace() || c == ':');
        if starts_word && let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            return value[1..].split(quote).next();
        }
        from = found + name.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_go_by_their_whole_name() {
        let tag = r#"sheet name="id=7" sheetId="3" r:id = 'rId9'/"#;
        assert_eq!(attribute(tag, "id"), Some("rId9"));
        assert_eq!(attribute(tag, "sheetId"), Some("3"));
        assert_eq!(attribute(tag, "hidden"), None);
    }

    #[test]
    fn only_ranges_of_several_rows_count() {
        assert_eq!(
            vertical("AB3:AC7"),
            Some(Merge {
                first_row: 2,
                last_row: 6,
                column: 27
            })
        );
        assert_eq!(vertical("A1:F1"), None);
        assert_eq!(vertical("A1"), None);
        assert_eq!(vertical("A0:A4"), None);
    }
}

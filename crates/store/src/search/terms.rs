//! A text as terms of an index, and the terms that a text has to have to
//! contain another one. Nothing here judges what a match is: the terms leave
//! only candidates, each of which is looked at.
//!
//! Two characters of which one is Chinese are a term, three of ASCII are one;
//! so 云海 and 4711 are found wherever they stand. A term is written as
//! the hexadecimal bytes of its characters, which no tokenizer takes apart and
//! which keeps the order of prefixes.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Stands behind the end of a text.
const END: char = '\u{1}';

/// Of which reading of a text a term is: as it stands, its first letters in
/// Latin script, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Initials,
    Spelt,
}

impl Kind {
    fn mark(self) -> char {
        match self {
            Kind::Text => 't',
            Kind::Initials => 'i',
            Kind::Spelt => 's',
        }
    }
}

/// All terms of a text.
pub(super) fn of_text(kind: Kind, text: &str, into: &mut BTreeSet<String>) {
    let text = text.to_ascii_lowercase();
    let mut chars: Vec<char> = text.chars().collect();
    let n = chars.len();
    chars.extend([END, END]);
    for at in 0..n {
        let width = width(&chars[at..]);
        into.insert(term(kind, &chars[at..at + width]));
    }
}

/// What every text has that contains `part`, as a query of FTS5: terms joined
/// by AND. `None` of an empty part, which all texts contain.
pub(super) fn query(kind: Kind, part: &str) -> Option<String> {
    let part = part.to_ascii_lowercase();
    let chars: Vec<char> = part.chars().collect();
    let mut terms = BTreeSet::new();
    for at in 0..chars.len().saturating_sub(1) {
        let width = width(&chars[at..]);
        if at + width <= chars.len() {
            terms.insert(term(kind, &chars[at..at + width]));
        }
    }
    if terms.is_empty() && !chars.is_empty() {
        // Too short for a whole term.
        return Some(format!("{}*", term(kind, &chars)));
    }
    let terms: Vec<String> = terms.into_iter().collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// Characters of the term that begins here; decided by two of them, so that a
/// text and a part of it agree.
fn width(chars: &[char]) -> usize {
    match chars {
        [a, b, ..] if a.is_ascii() && b.is_ascii() => 3,
        _ => 2,
    }
}

fn term(kind: Kind, chars: &[char]) -> String {
    let mut bytes = [0; 4];
    let mut term = String::from(kind.mark());
    for c in chars {
        for byte in c.encode_utf8(&mut bytes).bytes() {
            // Writing to a text cannot fail.
            let _ = write!(term, "{byte:02x}");
        }
    }
    term
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str, part: &str) -> bool {
        let mut terms = BTreeSet::new();
        of_text(Kind::Text, text, &mut terms);
        let Some(query) = query(Kind::Text, part) else {
            return true;
        };
        query
            .split(" AND ")
            .all(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => terms.iter().any(|t| t.starts_with(prefix)),
                None => terms.contains(wanted),
            })
    }

    #[test]
    fn short_parts_leave_few_candidates() {
        assert!(has("上海云海贸易", "云海"));
        assert!(!has("上海云贸易海", "云海"));
        assert!(has("K00004711", "4711"));
        assert!(!has("K00047011", "4711"));
        assert!(has("ab中", "b中"));
        assert!(has("A1", "a1"));
    }

    /// No text that contains the part is missed, wherever it is cut out.
    #[test]
    fn whatever_contains_a_part_has_its_terms() {
        for text in [
            "上海明朗贸易有限公司",
            "Acme (上海) Ltd. 2号",
            "x",
            "é中a b",
            "K00012345",
            "a😀b",
        ] {
            let chars: Vec<char> = text.chars().collect();
            for from in 0..chars.len() {
                for to in from..=chars.len() {
                    let part: String = chars[from..to].iter().collect();
                    assert!(has(text, &part), "{text}: {part}");
                }
            }
        }
    }
}

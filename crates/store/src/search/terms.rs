//! A text as terms of an index, and the terms that a text has to have to
//! contain another one. Nothing here judges what a match is: the terms leave
//! only candidates, each of which is looked at.
//!
//! Two characters of which one is Chinese are a term, three of ASCII are one;
//! so 云海 and 4711 are found wherever they stand. Three letters stand in too
//! many texts, most of all of Pinyin, to leave few: five of ASCII are a wide
//! term, which is asked for wherever that many were typed. A text has marks
//! before and behind it, so that its beginning and its end are terms too. A
//! term is written as the hexadecimal bytes of its characters, which no
//! tokenizer takes apart and which keeps the order of prefixes.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Stands behind the end of a text.
const END: char = '\u{1}';

/// Stands before the beginning of a text.
const START: char = '\u{2}';

/// Characters in which one may be mistyped; in a longer text each costs a
/// look-up and saves nobody.
const MANY_CHARS: usize = 24;

/// Characters of a wide term.
const WIDE: usize = 5;

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

    /// Another one, so that what begins as a term is not also looked for among
    /// the wide ones.
    fn wide_mark(self) -> char {
        match self {
            Kind::Text => 'w',
            Kind::Initials => 'j',
            Kind::Spelt => 'p',
        }
    }
}

/// All terms of a text.
pub(super) fn of_text(kind: Kind, text: &str, into: &mut BTreeSet<String>) {
    let text = text.to_ascii_lowercase();
    if text.is_empty() {
        return;
    }
    let mut chars = vec![START];
    chars.extend(text.chars());
    let n = chars.len();
    chars.extend([END, END]);
    for at in 0..n {
        let width = width(&chars[at..]);
        into.insert(term(kind, &chars[at..at + width]));
        if is_wide(&chars, at) {
            into.insert(wide_term(kind, &chars[at..at + WIDE]));
        }
    }
}

/// The digits of a number that is written with spaces or strokes, such as a
/// telephone's; `None` of a text that is something else or digits alone.
pub(super) fn digits(text: &str) -> Option<String> {
    let is_between = |c: char| matches!(c, ' ' | '-' | '+' | '(' | ')' | '.' | '/');
    let is_number = text.chars().all(|c| c.is_ascii_digit() || is_between(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (is_number && digits.len() >= 5 && digits.len() < text.len()).then_some(digits)
}

/// How much of a text has to be as it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// From the first character to the last.
    Whole,
    /// It begins so.
    Prefix,
    /// It has it anywhere.
    Part,
    /// As [`Fit::Whole`] or [`Fit::Part`], but for one character that is wrong,
    /// too many or missing, or two that changed places.
    Near,
}

/// Terms that a text has to have, all of them. One that ends in a star stands
/// for all that begin so.
pub(super) type Clause = BTreeSet<String>;

/// What every text has that fits `part`: all terms of one of the clauses.
/// Without any the terms say nothing: of an empty part, or one too short to be
/// mistyped.
pub(super) fn fitting(kind: Kind, fit: Fit, part: &str) -> Vec<Clause> {
    let part = part.to_ascii_lowercase();
    if part.is_empty() {
        return Vec::new();
    }
    match fit {
        Fit::Part => query(kind, &part).into_iter().collect(),
        Fit::Whole | Fit::Prefix => {
            let mut chars = vec![START];
            chars.extend(part.chars());
            if fit == Fit::Whole {
                chars.extend([END, END]);
            }
            let mut terms = terms_of(kind, &chars, |_, _| true);
            if terms.is_empty() {
                // A letter: only a prefix of the first term.
                terms.insert(format!("{}*", term(kind, &chars)));
            }
            vec![terms]
        }
        Fit::Near => near(kind, &part),
    }
}

/// Whatever is typed wrong spoils only the terms that have it: of each place
/// in turn, all terms but those.
fn near(kind: Kind, part: &str) -> Vec<Clause> {
    let own: Vec<char> = part.chars().take(MANY_CHARS).collect();
    let is_long = part.chars().nth(MANY_CHARS).is_some();
    let mut whole = vec![START];
    whole.extend(&own);
    if !is_long {
        whole.extend([END, END]);
    }
    // Two terms of what was asked, or one that is not the end of very many
    // texts, are needed to leave few enough.
    let mut clauses = Vec::new();
    for (chars, at_least) in [(&whole, 2), (&own, 1)] {
        let typed = (0..chars.len()).filter(|at| !is_mark(chars[*at]));
        // One of them is wrong; it and the next one changed places.
        for (first, last) in typed.flat_map(|at| [(at, at), (at, at + 1)]) {
            let is_kept = |at: usize, width: usize| at > last || at + width <= first;
            let n_kept = places(chars).filter(|(at, width)| is_kept(*at, *width));
            if n_kept.count() >= at_least {
                clauses.push(terms_of(kind, chars, is_kept));
            }
        }
    }
    clauses
}

fn is_mark(c: char) -> bool {
    c == START || c == END
}

/// Where the terms of these characters begin, and how long they are. The last
/// marks are no beginning.
fn places(chars: &[char]) -> impl Iterator<Item = (usize, usize)> + '_ {
    (0..chars.len())
        .filter(|at| chars[*at] != END)
        .map(|at| (at, width(&chars[at..])))
        .filter(|(at, width)| at + width <= chars.len())
}

/// The terms of those places that are kept, given by where they begin and how
/// long they are. What a wide term says already is not said again.
fn terms_of(kind: Kind, chars: &[char], is_kept: impl Fn(usize, usize) -> bool) -> Clause {
    let wide: Vec<usize> = (0..chars.len())
        .filter(|at| chars[*at] != END && is_wide(chars, *at) && is_kept(*at, WIDE))
        .collect();
    let is_said = |at: usize, width: usize| {
        let mut around = wide.iter();
        around.any(|begin| *begin <= at && at + width <= begin + WIDE)
    };
    let narrow = places(chars)
        .filter(|(at, width)| is_kept(*at, *width) && !is_said(*at, *width))
        .map(|(at, width)| term(kind, &chars[at..at + width]));
    let wide = wide
        .iter()
        .map(|at| wide_term(kind, &chars[*at..at + WIDE]));
    narrow.chain(wide).collect()
}

/// Whether a wide term begins here.
fn is_wide(chars: &[char], at: usize) -> bool {
    let here = chars.get(at..at + WIDE);
    here.is_some_and(|chars| chars.iter().all(char::is_ascii))
}

/// What every text has that contains `part`. `None` of an empty part, which all
/// texts contain.
pub(super) fn query(kind: Kind, part: &str) -> Option<Clause> {
    let part = part.to_ascii_lowercase();
    let chars: Vec<char> = part.chars().collect();
    let mut terms = terms_of(kind, &chars, |_, _| true);
    if terms.is_empty() && !chars.is_empty() {
        // Too short for a whole term.
        terms.insert(format!("{}*", term(kind, &chars)));
    }
    (!terms.is_empty()).then_some(terms)
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
    written(kind.mark(), chars)
}

fn wide_term(kind: Kind, chars: &[char]) -> String {
    written(kind.wide_mark(), chars)
}

fn written(mark: char, chars: &[char]) -> String {
    let mut bytes = [0; 4];
    let mut term = String::from(mark);
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

    fn has_all(terms: &BTreeSet<String>, clause: &Clause) -> bool {
        clause.iter().all(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => terms.iter().any(|t| t.starts_with(prefix)),
            None => terms.contains(wanted),
        })
    }

    fn has(text: &str, part: &str) -> bool {
        let mut terms = BTreeSet::new();
        of_text(Kind::Text, text, &mut terms);
        query(Kind::Text, part).is_none_or(|clause| has_all(&terms, &clause))
    }

    fn fits(fit: Fit, text: &str, part: &str) -> bool {
        let mut terms = BTreeSet::new();
        of_text(Kind::Text, text, &mut terms);
        let clauses = fitting(Kind::Text, fit, part);
        clauses.iter().any(|clause| has_all(&terms, clause))
    }

    #[test]
    fn a_number_has_its_digits_too() {
        assert_eq!(
            digits("+86 (10) 8888-0001").as_deref(),
            Some("861088880001")
        );
        assert_eq!(digits("13800138000"), None);
        assert_eq!(digits("SO-2025-001"), None);
        assert_eq!(digits("2 - 3"), None);
    }

    #[test]
    fn beginning_and_end_are_terms() {
        for whole in ["云海", "上海云海贸易", "ab", "a", "K-1", "李", "中a"] {
            assert!(fits(Fit::Whole, whole, whole), "{whole}");
            assert!(fits(Fit::Prefix, &format!("{whole}x1"), whole), "{whole}");
            assert!(fits(Fit::Prefix, &format!("{whole}中文"), whole), "{whole}");
            assert!(!fits(Fit::Whole, &format!("{whole}中"), whole), "{whole}");
            assert!(!fits(Fit::Prefix, &format!("文{whole}"), whole), "{whole}");
        }
    }

    /// Wherever one character is wrong, missing, too many, or two changed
    /// places.
    #[test]
    fn a_text_is_found_by_what_is_nearly_it() {
        for text in [
            "上海明朗贸易",
            "李明朗",
            "shanghai",
            "K00012345",
            "13800138000",
        ] {
            let chars: Vec<char> = text.chars().collect();
            for at in 0..chars.len() {
                let mut typed = vec![chars.clone(); 4];
                typed[0][at] = '误';
                typed[1].remove(at);
                typed[2].insert(at, '误');
                if at + 1 < chars.len() {
                    typed[3].swap(at, at + 1);
                }
                for typed in typed {
                    let typed: String = typed.into_iter().collect();
                    // Of three characters two that changed places leave nothing.
                    let is_found = fits(Fit::Near, text, &typed);
                    assert!(is_found || text.chars().count() == 3, "{text}: {typed}");
                }
            }
        }
        assert!(fits(Fit::Near, "李明朗", "李民朗"));
        assert!(!fits(Fit::Near, "王小二", "李民朗"));
        assert!(fitting(Kind::Text, Fit::Near, "李").is_empty());
    }

    /// Three letters stand in so many texts that their terms take long to go
    /// through.
    #[test]
    fn letters_are_asked_for_five_at_a_time() {
        let marks = |fit, part| -> Vec<String> {
            let clauses = fitting(Kind::Spelt, fit, part);
            let clauses = clauses.iter().map(|clause| {
                let mut marks: Vec<char> = clause.iter().filter_map(|t| t.chars().next()).collect();
                marks.sort_unstable();
                marks.into_iter().collect()
            });
            clauses.collect()
        };
        assert_eq!(marks(Fit::Part, "minglang"), ["pppp"]);
        assert_eq!(marks(Fit::Part, "ming"), ["ss"]);
        assert_eq!(marks(Fit::Prefix, "ming"), ["p"]);
        // Two letters are the beginning of terms, and of no wide one besides.
        assert_eq!(marks(Fit::Part, "mi"), ["s"]);
        // Of what is left beside a mistyped letter, narrow ones where it is short.
        assert!(marks(Fit::Near, "minglang").contains(&"ppps".to_owned()));
        // Around a Chinese character there is nothing wide.
        let mixed = fitting(Kind::Text, Fit::Part, "ming明lang");
        assert!(mixed.iter().flatten().all(|term| term.starts_with('t')));
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

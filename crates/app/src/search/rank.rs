//! How well a record fits what was asked: judged by the texts alone, so that
//! the same record fits the same whatever index found it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use keji_store::Wanted;

use super::Fit;
use crate::spelling::{readings, spell};

/// Of what was typed, all that is worked out once.
#[derive(Debug)]
pub(super) struct Asked {
    pub wanted: Wanted,
    chars: Vec<char>,
}

/// The smaller, the better: how it fits, whether it is the title, how long
/// the text is, the object, the newest record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u8, bool, usize, usize, Reverse<i64>);

impl Rank {
    pub fn among(mut self, object: usize, record: i64) -> Rank {
        (self.3, self.4) = (object, Reverse(record));
        self
    }
}

#[derive(Debug)]
pub(super) struct Best {
    pub rank: Rank,
    pub field: String,
    pub fit: Fit,
}

/// Characters of an excerpt, and how many of them stand before what fits.
const EXCERPT: usize = 60;
const BEFORE: usize = 12;

/// Fewer letters or digits are not taken for mistyped ones; of Chinese
/// characters three are enough.
const MISTYPED: usize = 5;
const MISTYPED_CHINESE: usize = 3;

impl Asked {
    /// Full-width letters are half-width ones.
    pub fn new(q: &str) -> Asked {
        let mut text: String = q.trim().chars().map(half_width).collect();
        text.make_ascii_lowercase();
        let words = text.split_whitespace().map(str::to_owned).collect();
        let has_letters = text.chars().any(|c| c.is_ascii_alphabetic());
        let spelt = spell(&text).map(|mut spelling| {
            // What is asked is read in the usual way; what is found, in all.
            for all in [&mut spelling.initials, &mut spelling.full] {
                all.truncate(all.find(' ').unwrap_or(all.len()));
            }
            spelling
        });
        let is_one = !text.contains(' ');
        let (spelt, sound) = match spelt.filter(|_| is_one) {
            Some(spelt) if has_letters => (Some(spelt), None),
            Some(spelt) => (None, Some(spelt.full)),
            None => (None, None),
        };
        Asked {
            chars: text.chars().collect(),
            wanted: Wanted {
                digits: digits(&text),
                text,
                words,
                spelt,
                sound,
            },
        }
    }
}

fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// The digits of a number with spaces or strokes between.
fn digits(text: &str) -> Option<String> {
    let is_between = |c: char| matches!(c, ' ' | '-' | '+' | '(' | ')' | '.' | '/');
    let is_number = text.chars().all(|c| c.is_ascii_digit() || is_between(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (is_number && digits.len() >= MISTYPED && digits.len() < text.len()).then_some(digits)
}

/// The text that fits best; `None` where none does.
pub(super) fn best(texts: &[(String, String)], title: Option<&str>, asked: &Asked) -> Option<Best> {
    let mut best: Option<Best> = None;
    for (field, text) in texts {
        let is_title = title == Some(field.as_str());
        let lower: String = text.chars().map(half_width).collect();
        let lower = lower.to_ascii_lowercase();
        let Some((points, fit)) = fit(&lower, field == "name" || is_title, asked) else {
            continue;
        };
        let rank = Rank(points, !is_title, text.chars().count(), 0, Reverse(0));
        if best.as_ref().is_none_or(|best| rank < best.rank) {
            let field = field.clone();
            best = Some(Best { rank, field, fit });
        }
    }
    // Words apart fit better than all of them with a mistyped character.
    let words = all_words(texts, title, asked);
    [best, words]
        .into_iter()
        .flatten()
        .min_by(|a, b| a.rank.cmp(&b.rank))
}

/// Each word stands in one of the texts.
fn all_words(texts: &[(String, String)], title: Option<&str>, asked: &Asked) -> Option<Best> {
    let words = &asked.wanted.words;
    if words.len() < 2 {
        return None;
    }
    let mut fields = Vec::new();
    for word in words {
        let chars: Vec<char> = word.chars().collect();
        let has = |(field, text): &&(String, String)| {
            let text = text.to_ascii_lowercase();
            let is_name = field == "name" || title == Some(field.as_str());
            text.contains(word.as_str()) || (is_name && spelt_as(&text, &chars).is_some())
        };
        fields.push(&texts.iter().find(has)?.0);
    }
    let field = fields.first()?;
    let is_title = title == Some(field.as_str());
    Some(Best {
        rank: Rank(35, !is_title, 0, 0, Reverse(0)),
        field: (*field).clone(),
        fit: Fit::Part,
    })
}

/// The fewer points, the better.
fn fit(text: &str, is_name: bool, asked: &Asked) -> Option<(u8, Fit)> {
    let wanted = &asked.wanted;
    let plain = digits(text);
    let texts = [Some(text), plain.as_deref()];
    let asks = [Some(wanted.text.as_str()), wanted.digits.as_deref()];
    let pairs = (texts.into_iter().flatten())
        .flat_map(|text| asks.into_iter().flatten().map(move |asked| (text, asked)));
    if let Some(found) = pairs.filter_map(|(text, asked)| stands(text, asked)).min() {
        return Some(found);
    }
    if is_name && let Some(spelt) = spelt_as(text, &asked.chars) {
        let points = match spelt {
            Spelt {
                at: 0,
                is_whole: true,
            } => 5,
            Spelt { at: 0, .. } => 12,
            Spelt { .. } => 30,
        };
        return Some((points, Fit::Spelling));
    }
    if is_name
        && let Some(sound) = &wanted.sound
        && let Some(spelling) = spell(text)
    {
        let mut of = spelling
            .full
            .split(' ')
            .filter(|full| full.contains(sound.as_str()));
        if let Some(full) = of.next() {
            return Some((if full == sound { 40 } else { 42 }, Fit::Sound));
        }
    }
    nearly(text, is_name, asked)
}

/// Where the text has it as it was asked.
fn stands(text: &str, asked: &str) -> Option<(u8, Fit)> {
    if text == asked {
        Some((0, Fit::Whole))
    } else if text.starts_with(asked) {
        Some((10, Fit::Prefix))
    } else if text.ends_with(asked) && asked.bytes().all(|b| b.is_ascii_digit()) {
        // The end of a telephone number is said more often than its middle.
        Some((15, Fit::Part))
    } else {
        text.contains(asked).then_some((20, Fit::Part))
    }
}

fn nearly(text: &str, is_name: bool, asked: &Asked) -> Option<(u8, Fit)> {
    let is_ascii = asked.wanted.text.is_ascii();
    let at_least = if is_ascii { MISTYPED } else { MISTYPED_CHINESE };
    if asked.chars.len() < at_least {
        return None;
    }
    let plain = digits(text);
    let typed = asked.wanted.digits.as_ref();
    let typed = typed.map(|digits| digits.chars().collect::<Vec<char>>());
    for text in [Some(text), plain.as_deref()].into_iter().flatten() {
        let text: Vec<char> = text.chars().collect();
        let mut asks = [Some(&asked.chars), typed.as_ref()].into_iter().flatten();
        if asks.any(|asked| is_nearly_in(asked, &text)) {
            return Some((50, Fit::Near));
        }
    }
    if is_name
        && is_ascii
        && let Some(spelling) = spell(text)
    {
        for full in spelling.full.split(' ') {
            let full: Vec<char> = full.chars().collect();
            if is_nearly_in(&asked.chars, &full) {
                return Some((55, Fit::Near));
            }
        }
    }
    None
}

/// Where a name is spelt as asked.
#[derive(Debug, PartialEq, Eq)]
struct Spelt {
    /// Character of the name.
    at: usize,
    /// Up to the last one.
    is_whole: bool,
}

/// Each character of the name is typed as it stands, by its first letter or in
/// full, and the last one perhaps in part: `shmingl`, 上海ml.
fn spelt_as(name: &str, typed: &[char]) -> Option<Spelt> {
    if !typed.iter().any(char::is_ascii_alphabetic) {
        return None;
    }
    let chars: Vec<char> = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let sounds: Vec<Vec<&'static str>> = chars.iter().map(|c| readings(*c)).collect();
    if sounds.iter().all(Vec::is_empty) {
        return None;
    }
    let mut failed = BTreeSet::new();
    (0..chars.len()).find_map(|at| {
        let end = spelt_from(&chars, &sounds, at, typed, &mut failed)?;
        let is_whole = end == chars.len();
        Some(Spelt { at, is_whole })
    })
}

/// Where the typed ends in the name, if it can be read from `at` on.
fn spelt_from(
    chars: &[char],
    sounds: &[Vec<&'static str>],
    at: usize,
    typed: &[char],
    failed: &mut BTreeSet<(usize, usize)>,
) -> Option<usize> {
    if typed.is_empty() {
        return Some(at);
    }
    if at == chars.len() || failed.contains(&(at, typed.len())) {
        return None;
    }
    if chars[at].eq_ignore_ascii_case(&typed[0])
        && let Some(end) = spelt_from(chars, sounds, at + 1, &typed[1..], failed)
    {
        return Some(end);
    }
    for sound in &sounds[at] {
        let n_same = sound
            .chars()
            .zip(typed)
            .take_while(|(sound, typed)| sound == *typed)
            .count();
        // In full, a part of it at the end, its first letter.
        let is_full = n_same == sound.len() || n_same == typed.len();
        for n in [n_same, 1] {
            if n == 0 || n > n_same || (n == n_same && n > 1 && !is_full) {
                continue;
            }
            if let Some(end) = spelt_from(chars, sounds, at + 1, &typed[n..], failed) {
                return Some(end);
            }
        }
    }
    failed.insert((at, typed.len()));
    None
}

/// Whether a part of the text is what was typed but for one character that is
/// different, missing or too many, or two that are swapped.
fn is_nearly_in(typed: &[char], text: &[char]) -> bool {
    let n = typed.len();
    // What the first characters of `typed` cost, up to here in the text: the
    // last two rows of the table.
    let mut before: Vec<usize> = (0..=n).collect();
    let mut earlier = before.clone();
    for (at, c) in text.iter().enumerate() {
        let mut row = vec![0; n + 1];
        for i in 1..=n {
            let other = usize::from(typed[i - 1] != *c);
            row[i] = (before[i - 1] + other)
                .min(before[i] + 1)
                .min(row[i - 1] + 1);
            let is_swapped = i > 1 && at > 0 && typed[i - 1] == text[at - 1] && typed[i - 2] == *c;
            if is_swapped {
                row[i] = row[i].min(earlier[i - 2] + 1);
            }
        }
        if row[n] <= 1 {
            return true;
        }
        earlier = std::mem::replace(&mut before, row);
    }
    false
}

/// Of a long text the part around what was asked.
pub(super) fn excerpt(text: &str, asked: &Asked) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= EXCERPT {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let first = asked.wanted.words.first().map_or("", String::as_str);
    let at = [asked.wanted.text.as_str(), first]
        .into_iter()
        .find_map(|part| lower.find(part))
        .map_or(0, |byte| lower[..byte].chars().count());
    let from = at.saturating_sub(BEFORE);
    let to = (from + EXCERPT).min(chars.len());
    let mut excerpt: String = chars[from..to].iter().collect();
    if from > 0 {
        excerpt.insert(0, '…');
    }
    if to < chars.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, q: &str) -> Option<Fit> {
        let texts = [("name".to_owned(), text.to_owned())];
        best(&texts, Some("name"), &Asked::new(q)).map(|best| best.fit)
    }

    #[test]
    fn every_way_to_type_a_name_finds_it() {
        let firm = "上海明朗贸易有限公司";
        for (q, fit) in [
            ("上海明朗贸易有限公司", Fit::Whole),
            ("上海明", Fit::Prefix),
            ("明朗", Fit::Part),
            ("shml", Fit::Spelling),
            ("shanghaiminglang", Fit::Spelling),
            ("shanghaiml", Fit::Spelling),
            ("shangh", Fit::Spelling),
            ("mlmy", Fit::Spelling),
            ("上海ml", Fit::Spelling),
            ("明langmaoyi", Fit::Spelling),
            ("ＳＨＭＬ", Fit::Spelling),
            ("上海名郎", Fit::Sound),
            ("上海朗明贸易", Fit::Near),
            ("上海明郎贸易有限", Fit::Sound),
            ("上海明亮贸易", Fit::Near),
            ("上海明贸易", Fit::Near),
            ("shanghaiminlang", Fit::Near),
        ] {
            assert_eq!(of(firm, q), Some(fit), "{q}");
        }
        for q in ["北京", "xyz", "上海北京", "shbj", "明明明", "l m q"] {
            assert_eq!(of(firm, q), None, "{q}");
        }
        assert_eq!(of("单曾文", "shanzw"), Some(Fit::Spelling));
        assert_eq!(of("单曾文", "dcw"), Some(Fit::Spelling));
        assert_eq!(of("Acme Shanghai Ltd.", "shanghai acme"), Some(Fit::Part));
        assert_eq!(of("Acme Shanghai Ltd.", "shanghai bolt"), None);
    }

    #[test]
    fn numbers_are_found_by_their_digits() {
        assert_eq!(of("13800138000", "138 0013 8000"), Some(Fit::Whole));
        assert_eq!(of("138-0013-8000", "138 0013 8000"), Some(Fit::Whole));
        assert_eq!(of("P-2025-077", "2025-077"), Some(Fit::Part));
        assert_eq!(of("P-2025-077", "2025 077"), Some(Fit::Part));
        assert_eq!(of("021-6888 0001", "0216888 0010"), Some(Fit::Near));
        assert_eq!(of("+86 138-0013-8000", "8000"), Some(Fit::Part));
        assert_eq!(of("+86 138-0013-8000", "00138000"), Some(Fit::Part));
        assert_eq!(of("13800138000", "13800183000"), Some(Fit::Near));
        assert_eq!(of("13800138000", "1391"), None);
    }

    #[test]
    fn what_fits_better_stands_before() {
        let order = [
            "云海",
            "云海贸易",
            "上海云海",
            "上海云海贸易有限公司",
            "运海",
        ];
        let ranks: Vec<Rank> = (order.iter())
            .map(|name| {
                let texts = [("name".to_owned(), (*name).to_owned())];
                best(&texts, Some("name"), &Asked::new("云海"))
                    .unwrap()
                    .rank
            })
            .collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
        let texts = [
            ("former_name".to_owned(), "云海".to_owned()),
            ("name".to_owned(), "云海二号".to_owned()),
        ];
        let first = best(&texts, Some("name"), &Asked::new("云海")).unwrap();
        assert_eq!(first.field, "former_name");
    }

    #[test]
    fn a_long_text_is_cut_around_what_fits() {
        let text = format!("{}云海{}", "前".repeat(200), "后".repeat(200));
        let excerpt = excerpt(&text, &Asked::new("云海"));
        assert!(excerpt.contains("云海") && excerpt.starts_with('…') && excerpt.ends_with('…'));
        assert!(excerpt.chars().count() <= EXCERPT + 2);
    }
}

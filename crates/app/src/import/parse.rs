//! One cell's text becomes a value: number, date, name. Pure functions, with
//! fast paths for the plain forms that make up most of every file.

mod date;
mod number;
mod numerals;

use std::borrow::Cow;

// One front door for the forms of one cell.
pub use date::{
    DateFormat, DayMonth, Written, date, date_in, day_month, day_month_in, is_month, is_serial,
    short_date, year_in,
};
pub use number::{amount, has_decimal_comma, number, with_point};

/// Why a cell is not the value it should be; the code of a reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    NotANumber,
    Percent,
    NumberTooLarge,
    NotADate,
}

/// The text of a cell without surrounding white space and with each inner run
/// of it as one space; `None` for nothing, and for the words that programs
/// write for nothing. The apostrophe that our own exports put before a formula
/// is taken off again, and so is what forces text in a spreadsheet: `="1001"`,
/// `'1001`.
pub fn text(cell: &str) -> Option<Cow<'_, str>> {
    let mut trimmed = cell.trim_matches(is_space);
    if let Some(inner) = trimmed
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
    {
        trimmed = inner.trim_matches(is_space);
    } else if let Some(rest) = trimmed.strip_prefix('\'')
        && rest.starts_with(|c: char| matches!(c, '=' | '+' | '-' | '@') || c.is_ascii_digit())
    {
        trimmed = rest;
    }
    if matches!(
        trimmed,
        "" | "NULL" | "null" | "NaN" | "nan" | "None" | "#N/A" | "\\N"
    ) {
        return None;
    }
    let bytes = trimmed.as_bytes();
    let plain = trimmed.is_ascii()
        && !bytes.windows(2).any(|w| w == b"  ")
        && !bytes.iter().any(|b| *b < b' ');
    if plain {
        return Some(Cow::Borrowed(trimmed));
    }
    if !trimmed.contains(|c| is_space(c) && c != ' ') && !trimmed.contains("  ") {
        return Some(Cow::Borrowed(trimmed));
    }
    let words: Vec<&str> = trimmed
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect();
    Some(Cow::Owned(words.join(" ")))
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}') || (c.is_control())
}

/// A number by which something is known: [`text`], with `13085.0` as `13085`
/// and `1.3812345678E+10` as `13812345678`, which is what spreadsheets and data
/// frames make of whole numbers.
pub fn identity(cell: &str) -> Option<Cow<'_, str>> {
    let text = text(cell)?;
    // Digits in full width are the same number.
    if text.chars().any(|c| ('\u{ff10}'..='\u{ff19}').contains(&c)) {
        let folded: String = text.chars().map(half_width).collect();
        return Some(Cow::Owned(whole_number(&folded).unwrap_or(folded)));
    }
    match whole_number(&text) {
        Some(number) => Some(Cow::Owned(number)),
        None => Some(text),
    }
}

/// A number that a spreadsheet showed as `1.38E+10` and an export wrote so:
/// its last digits are gone. Spreadsheets always write the sign and two digits.
pub fn has_lost_digits(text: &str) -> bool {
    if !text.as_bytes().contains(&b'+') {
        return false;
    }
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let Some(exponent) = exponent.strip_prefix('+').filter(|e| e.len() >= 2) else {
        return false;
    };
    whole.len() == 1
        && is_digits(whole)
        && is_digits(part)
        && is_digits(exponent)
        && exponent.parse().is_ok_and(|n: usize| n > part.len())
}

fn whole_number(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once('.')?;
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if !rest.is_empty() && rest.bytes().all(|b| b == b'0') {
        return Some(whole.to_owned());
    }
    let (part, exponent) = rest.split_once(['e', 'E'])?;
    let exponent: usize = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .ok()?;
    // Fewer digits than the exponent: the rest is lost, and zeros in its place
    // would be somebody else's number.
    let all_known =
        whole.len() == 1 && part.len() == exponent && part.bytes().all(|b| b.is_ascii_digit());
    all_known.then(|| format!("{whole}{part}"))
}

/// Full-width forms as their ASCII counterparts, every space as a space.
pub fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2212}' | '\u{2013}' => '-',
        '\u{3000}' | '\u{a0}' | '\u{202f}' | '\t' | '\u{2000}'..='\u{200a}' => ' ',
        '。' => '.',
        other => other,
    }
}

#[cfg(test)]
mod tests;

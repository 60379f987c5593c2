//! A cell's text becomes a number. Knows no column: what a heading says of
//! units is the caller's.

use std::borrow::Cow;

use keji_schema::Decimal;

use super::{Fault, half_width, numerals};

/// A plain or a written number: signs, thousands separators, currency signs,
/// full-width digits, parentheses for negatives, `元` behind, 1.2亿, 3,500万.
/// More than four places are rounded half away from zero. A percentage is
/// refused: 5 % of what, the cell does not say.
pub fn number(cell: &str) -> Result<Decimal, Fault> {
    amount(cell, 1)
}

/// The number times what the heading counts in, a power of ten, unless the cell
/// names its unit itself (`1.2亿`, `88元`). It is rounded only behind that:
/// 0.123456 万元 are 1,234.56.
pub fn amount(cell: &str, scale: i64) -> Result<Decimal, Fault> {
    match plain_number(cell.as_bytes()) {
        Some(number) => times(number, scale),
        None => written_number(cell, scale),
    }
}

fn times(number: Decimal, scale: i64) -> Result<Decimal, Fault> {
    if scale == 1 {
        return Ok(number);
    }
    let product = Decimal::from_int(scale).and_then(|scale| number.checked_mul(scale));
    product.ok_or(Fault::NumberTooLarge)
}

/// `1.234,56` as 1234.56: the comma is the point.
pub fn with_point(cell: &str) -> String {
    cell.chars()
        .map(|c| match half_width(c) {
            ',' => '.',
            '.' => ',',
            other => other,
        })
        .collect()
}

/// What a cell says of its decimal sign: `Some(true)` for a comma that can
/// only be the point (`1.234,56`, `12,5`), `Some(false)` for a point that can
/// only be one, `None` where both readings hold.
pub fn has_decimal_comma(cell: &str) -> Option<bool> {
    let plain: String = cell
        .chars()
        .map(half_width)
        .filter(|c| c.is_ascii_digit() || matches!(c, ',' | '.'))
        .collect();
    if !plain.contains([',', '.']) {
        return None;
    }
    let reads = |text: &str| without_separators(text).is_some_and(|t| t.parse::<Decimal>().is_ok());
    match (reads(&plain), reads(&with_point(&plain))) {
        (false, true) => Some(true),
        (true, false) => Some(false),
        _ => None,
    }
}

/// `-12.34` and nothing else.
fn plain_number(bytes: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // 14 digits before the point times 10,000 stay within 64 bits.
    if digits.is_empty() || digits.len() > 14 {
        return None;
    }
    let (mut value, mut places, mut seen) = (0i64, None, false);
    for b in digits {
        match b {
            b'0'..=b'9' => {
                value = value * 10 + i64::from(b - b'0');
                places = places.map(|p: u32| p + 1);
                seen = true;
            }
            b'.' if places.is_none() => places = Some(0),
            _ => return None,
        }
    }
    let places = places.unwrap_or(0);
    if !seen || places > 4 {
        return None;
    }
    let units = value * 10i64.pow(4 - places);
    Some(Decimal::from_units(if negative { -units } else { units }))
}

const CURRENCIES: [&str; 13] = [
    "¥",
    "￥",
    "HK$",
    "US$",
    "$",
    "€",
    "£",
    "RMB",
    "CNY",
    "USD",
    "EUR",
    "GBP",
    "人民币",
];

fn written_number(cell: &str, scale: i64) -> Result<Decimal, Fault> {
    if cell.len() > 200 {
        return Err(Fault::NotANumber);
    }
    let folded: String = cell.chars().map(half_width).collect();
    // `="12"` and an apostrophe are how text is forced in a spreadsheet.
    let mut text = folded.trim().trim_start_matches(['\'', '\u{2019}']);
    if let Some(inner) = text.strip_prefix("=\"").and_then(|t| t.strip_suffix('"')) {
        text = inner.trim();
    }
    if text.ends_with(['%', '‰']) {
        return Err(Fault::Percent);
    }
    let mut negative = false;
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        negative = true;
        text = inner.trim();
    }
    // A sign may stand before or behind the currency, once.
    let (mut signed, mut has_unit) = (false, false);
    loop {
        let before = text;
        for currency in CURRENCIES {
            text = text.strip_prefix(currency).unwrap_or(text).trim_start();
            text = text.strip_suffix(currency).unwrap_or(text).trim_end();
        }
        for unit in ['元', '圆', '整'] {
            if let Some(rest) = text.strip_suffix(unit) {
                (text, has_unit) = (rest.trim_end(), true);
            }
        }
        if !signed && let Some(rest) = text.strip_prefix(['-', '+']) {
            negative ^= text.starts_with('-');
            signed = true;
            text = rest.trim_start();
        }
        if text == before {
            break;
        }
    }
    let value = match text.ends_with(is_unit) || text.contains(['万', '亿']) {
        true => counted_in_units(text)?,
        false if text.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            decimal(text, if has_unit { 1 } else { scale })?
        }
        false => in_words(&folded)?,
    };
    match negative {
        true => value.checked_neg().ok_or(Fault::NumberTooLarge),
        false => Ok(value),
    }
}

/// The number times a power of ten, rounded once.
fn decimal(text: &str, scale: i64) -> Result<Decimal, Fault> {
    let plain = without_separators(text).ok_or(Fault::NotANumber)?;
    let is_number_like = plain
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let scaled = match scale.checked_ilog10() {
        None | Some(0) => plain.parse::<Decimal>(),
        Some(places) => {
            let (digits, exponent) = plain.split_once(['e', 'E']).unwrap_or((&plain, "0"));
            let exponent: i32 = exponent.parse().map_err(|_| Fault::NotANumber)?;
            format!("{digits}e{}", exponent.saturating_add(places as i32)).parse()
        }
    };
    match scaled {
        Ok(value) => Ok(value),
        Err(_) if is_number_like && plain.parse::<f64>().is_ok() => Err(Fault::NumberTooLarge),
        Err(_) => Err(Fault::NotANumber),
    }
}

fn is_unit(c: char) -> bool {
    matches!(c, '百' | '千' | '万' | '亿' | 'w' | 'W' | 'k' | 'K')
}

/// `1.2亿`, `3,500万`, `2千`, `1亿2000万`, `3.5w`: each number times the units
/// behind it, largest first.
fn counted_in_units(text: &str) -> Result<Decimal, Fault> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return in_words(text);
    }
    let (mut rest, mut sum, mut above) = (text, Decimal::ZERO, i64::MAX);
    while !rest.is_empty() {
        let n_number = rest.find(is_unit).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(n_number);
        let n_units: usize = behind
            .chars()
            .take_while(|c| is_unit(*c))
            .map(char::len_utf8)
            .sum();
        let (units, after) = behind.split_at(n_units);
        let scale = units.chars().try_fold(1i64, |scale, unit| {
            scale.checked_mul(match unit {
                '百' => 100,
                '千' | 'k' | 'K' => 1_000,
                '万' | 'w' | 'W' => 10_000,
                _ => 100_000_000,
            })
        });
        let scale = scale.filter(|s| *s < above).ok_or(Fault::NotANumber)?;
        let part = decimal(number.trim(), scale)?;
        sum = sum.checked_add(part).ok_or(Fault::NumberTooLarge)?;
        (above, rest) = (scale, after.trim_start());
    }
    Ok(sum)
}

/// `壹万贰仟元整`.
fn in_words(text: &str) -> Result<Decimal, Fault> {
    let text = text.trim_start_matches("人民币").trim();
    numerals::amount_in_hundredths(text)
        .and_then(|n| n.checked_mul(keji_schema::decimal::UNIT / 100))
        .map(Decimal::from_units)
        .ok_or(Fault::NotANumber)
}

/// Groups of three behind a comma or a space; `1,23` is not a number, because
/// reading it as 123 would be wrong wherever the comma is the point.
fn without_separators(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains([',', ' ']) {
        return Some(Cow::Borrowed(text));
    }
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    let separator = if whole.contains(',') { ',' } else { ' ' };
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    if !(1..=3).contains(&first.len()) || !groups.all(|group| group.len() == 3) {
        return None;
    }
    let mut plain: String = whole.chars().filter(|c| *c != separator).collect();
    if let Some(part) = part {
        plain.push('.');
        plain.push_str(part);
    }
    Some(Cow::Owned(plain))
}

//! One cell's text becomes a value: number, date, name. Pure functions, with
//! fast paths for the plain forms that make up most of every file.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use keji_schema::Decimal;

/// Why a cell is not the value it should be; the code of a reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    NotANumber,
    Percent,
    NumberTooLarge,
    NotADate,
}

/// The order of day and month in dates that do not begin with the year, or
/// days counted by a spreadsheet. Decided once for a whole column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateFormat {
    /// Only dates that say themselves what is what.
    #[default]
    Ymd,
    Dmy,
    Mdy,
    /// Also the day numbers of Excel (1 = 1900-01-01).
    Serial,
}

impl DateFormat {
    pub fn name(self) -> &'static str {
        match self {
            DateFormat::Ymd => "ymd",
            DateFormat::Dmy => "dmy",
            DateFormat::Mdy => "mdy",
            DateFormat::Serial => "serial",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [
            DateFormat::Ymd,
            DateFormat::Dmy,
            DateFormat::Mdy,
            DateFormat::Serial,
        ]
        .into_iter()
        .find(|f| f.name() == name)
    }
}

/// A date as it is written: civil, with its offset from UTC where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub civil: DateTime,
    pub offset_s: Option<i32>,
}

/// What a date of the form `5/3/2025` says about the order of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayMonth {
    /// The year comes first, or the month is a word: nothing to decide.
    Clear,
    DayFirst,
    MonthFirst,
    /// Both readings are dates, and they differ.
    Either,
    /// Both readings are the same date.
    Same,
}

/// The text of a cell without surrounding white space and with each inner run
/// of it as one space; `None` for nothing, and for the words that programs
/// write for nothing. The apostrophe that our own exports put before a formula
/// is taken off again.
pub fn text(cell: &str) -> Option<Cow<'_, str>> {
    let mut trimmed = cell.trim_matches(is_space);
    if let Some(rest) = trimmed.strip_prefix('\'')
        && rest.starts_with(['=', '+', '-', '@'])
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
    match whole_number(&text) {
        Some(number) => Some(Cow::Owned(number)),
        None => Some(text),
    }
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

/// A plain or a written number: signs, thousands separators, currency signs,
/// full-width digits, parentheses for negatives, `元` behind. More than four
/// places are rounded half away from zero. A percentage is refused: 5 % of
/// what, the cell does not say.
pub fn number(cell: &str) -> Result<Decimal, Fault> {
    match plain_number(cell.as_bytes()) {
        Some(number) => Ok(number),
        None => written_number(cell),
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

const CURRENCIES: [&str; 10] = ["¥", "￥", "$", "€", "£", "RMB", "CNY", "USD", "EUR", "GBP"];

fn written_number(cell: &str) -> Result<Decimal, Fault> {
    if cell.len() > 200 {
        return Err(Fault::NotANumber);
    }
    let folded: String = cell.chars().map(half_width).collect();
    let mut text = folded.trim();
    if text.ends_with(['%', '‰']) {
        return Err(Fault::Percent);
    }
    let mut negative = false;
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        negative = true;
        text = inner.trim();
    }
    // A sign may stand before or behind the currency, once.
    let mut signed = false;
    loop {
        let before = text;
        for currency in CURRENCIES {
            text = text.strip_prefix(currency).unwrap_or(text).trim_start();
            text = text.strip_suffix(currency).unwrap_or(text).trim_end();
        }
        text = text.strip_suffix('元').unwrap_or(text).trim_end();
        if !signed && let Some(rest) = text.strip_prefix(['-', '+']) {
            negative ^= text.starts_with('-');
            signed = true;
            text = rest.trim_start();
        }
        if text == before {
            break;
        }
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(Fault::NotANumber);
    }
    let plain = without_separators(text).ok_or(Fault::NotANumber)?;
    let is_number_like = plain
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    match plain.parse::<Decimal>() {
        Ok(value) => Ok(if negative {
            value.checked_neg().ok_or(Fault::NumberTooLarge)?
        } else {
            value
        }),
        Err(_) if is_number_like && plain.parse::<f64>().is_ok() => Err(Fault::NumberTooLarge),
        Err(_) => Err(Fault::NotANumber),
    }
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

/// Full-width forms as their ASCII counterparts, every space as a space.
pub fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2212}' => '-',
        '\u{3000}' | '\u{a0}' | '\u{202f}' | '\t' => ' ',
        '。' => '.',
        other => other,
    }
}

/// Years outside are typing errors in an order list.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// A date, with a time of day where there is one. The day and month of
/// `5/3/2025` follow `format`; a day that cannot be under it is a fault, never
/// silently the other order.
pub fn date(cell: &str, format: DateFormat) -> Result<Written, Fault> {
    if let Some(civil) = iso_date_time(cell.as_bytes()) {
        return Ok(Written {
            civil,
            offset_s: None,
        });
    }
    if format == DateFormat::Serial
        && let Some(civil) = serial_date(cell)
    {
        return Ok(Written {
            civil,
            offset_s: None,
        });
    }
    let scan = Scan::of(cell).ok_or(Fault::NotADate)?;
    scan.written(format).ok_or(Fault::NotADate)
}

/// What the cell says about the order of day and month; `None` when it is no
/// date under any order.
pub fn day_month(cell: &str) -> Option<DayMonth> {
    if iso_date_time(cell.as_bytes()).is_some() {
        return Some(DayMonth::Clear);
    }
    let scan = Scan::of(cell)?;
    if !scan.is_year_last {
        return scan.written(DateFormat::Ymd).map(|_| DayMonth::Clear);
    }
    match (scan.written(DateFormat::Dmy), scan.written(DateFormat::Mdy)) {
        (Some(a), Some(b)) if a == b => Some(DayMonth::Same),
        (Some(_), Some(_)) => Some(DayMonth::Either),
        (Some(_), None) => Some(DayMonth::DayFirst),
        (None, Some(_)) => Some(DayMonth::MonthFirst),
        (None, None) => None,
    }
}

/// Days of a spreadsheet between 1927 and 2173, so that a year or a small
/// count is not taken for one.
pub fn is_serial(cell: &str) -> bool {
    matches!(number(cell), Ok(n) if (10_000..100_000).contains(&(n.units() / keji_schema::decimal::UNIT)))
}

fn iso_date_time(b: &[u8]) -> Option<DateTime> {
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let date = civil_date(four(b, 0)?, two(b, 5)?, two(b, 8)?)?;
    let time = match b.len() {
        10 => Time::midnight(),
        16 | 19 if matches!(b[10], b' ' | b'T') && b[13] == b':' => {
            let second = match b.len() {
                19 if b[16] == b':' => two(b, 17)?,
                16 => 0,
                _ => return None,
            };
            Time::new(two(b, 11)?, two(b, 14)?, second, 0).ok()?
        }
        _ => return None,
    };
    Some(DateTime::from_parts(date, time))
}

fn two(b: &[u8], at: usize) -> Option<i8> {
    let (tens, ones) = (b[at].wrapping_sub(b'0'), b[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| (tens * 10 + ones) as i8)
}

fn four(b: &[u8], at: usize) -> Option<i16> {
    Some(i16::from(two(b, at)?) * 100 + i16::from(two(b, at + 2)?))
}

fn civil_date(year: i16, month: i8, day: i8) -> Option<Date> {
    YEARS
        .contains(&year)
        .then(|| Date::new(year, month, day).ok())
        .flatten()
}

/// Day 25,569 is 1970-01-01. Day 60, which Excel calls 1900-02-29, is far
/// below what is taken. Times are rounded to the second.
fn serial_date(cell: &str) -> Option<DateTime> {
    let cell = cell.trim();
    let days: f64 = cell.parse().ok()?;
    if !(10_000.0..100_000.0).contains(&days)
        || !cell.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        return None;
    }
    let seconds = (days * 86_400.0).round() as i64;
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let date = keji_schema::calendar::from_epoch_days((day - 25_569) as i32)?;
    let time = Time::new(
        (second / 3600) as i8,
        (second / 60 % 60) as i8,
        (second % 60) as i8,
        0,
    )
    .ok()?;
    Some(DateTime::from_parts(date, time))
}

/// A date taken apart, before the order of day and month is known.
struct Scan {
    /// As they stand; with `is_year_last` the third is the year.
    parts: [i32; 3],
    is_year_last: bool,
    time: Time,
    offset_s: Option<i32>,
}

impl Scan {
    fn of(cell: &str) -> Option<Scan> {
        if cell.len() > 64 {
            return None;
        }
        // Chinese units become separators, and the rest is ASCII.
        let mut ascii = String::with_capacity(cell.len());
        let mut afternoon = None;
        let folded = match cell.is_ascii() {
            true => Cow::Borrowed(cell),
            false => {
                for (word, is_pm) in [("上午", false), ("下午", true)] {
                    if cell.contains(word) {
                        afternoon = Some(is_pm);
                    }
                }
                Cow::Owned(cell.replace("上午", " ").replace("下午", " "))
            }
        };
        for c in folded.chars() {
            match half_width(c) {
                '年' | '月' => ascii.push('-'),
                '日' | '号' | '秒' => ascii.push(' '),
                '时' | '点' | '分' => ascii.push(':'),
                c if c.is_ascii() => ascii.push(c),
                _ => return None,
            }
        }
        let mut rest = ascii.trim().trim_end_matches(':');
        let (parts, is_year_last) = date_parts(&mut rest)?;
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            rest = after;
        } else if !rest.is_empty() && !rest.starts_with(' ') && parts_were_separate(rest) {
            return None;
        }
        let (time, offset_s) = time_and_offset(rest.trim(), afternoon)?;
        Some(Scan {
            parts,
            is_year_last,
            time,
            offset_s,
        })
    }

    fn written(&self, format: DateFormat) -> Option<Written> {
        let [a, b, c] = self.parts;
        let (year, month, day) = match (self.is_year_last, format) {
            (false, _) => (a, b, c),
            (true, DateFormat::Dmy) => (c, b, a),
            (true, DateFormat::Mdy) => (c, a, b),
            (true, _) if a == b => (c, a, b),
            (true, _) => return None,
        };
        let date = civil_date(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        )?;
        Some(Written {
            civil: DateTime::from_parts(date, self.time),
            offset_s: self.offset_s,
        })
    }
}

/// A compact date (`20250305`) may be followed by its time at once; any other
/// needs a space or `T`.
fn parts_were_separate(rest: &str) -> bool {
    rest.len() != 6 || !rest.bytes().all(|b| b.is_ascii_digit())
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Takes the date off the front of `rest`.
fn date_parts(rest: &mut &str) -> Option<([i32; 3], bool)> {
    let mut parts = [0i32; 3];
    let mut month_word = None;
    let mut widths = [0usize; 3];
    for i in 0..3 {
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if n_digits == 0 {
            let n_letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let word = rest.get(..n_letters)?.to_ascii_lowercase();
            let month = MONTHS
                .iter()
                .position(|m| word.len() >= 3 && word.starts_with(m))?;
            if month_word.is_some() {
                return None;
            }
            month_word = Some(i);
            parts[i] = month as i32 + 1;
            *rest = &rest[n_letters..];
        } else {
            if i == 0 && (n_digits == 8 || n_digits == 14) {
                let number: i32 = rest[..8].parse().ok()?;
                *rest = &rest[8..];
                return Some(([number / 10_000, number / 100 % 100, number % 100], false));
            }
            if n_digits > 4 {
                return None;
            }
            parts[i] = rest[..n_digits].parse().ok()?;
            widths[i] = n_digits;
            *rest = &rest[n_digits..];
        }
        if i < 2 {
            let separators = rest
                .bytes()
                .take_while(|b| matches!(b, b'-' | b'/' | b'.' | b',' | b' '))
                .count();
            let has_word = month_word.is_some()
                || rest
                    .as_bytes()
                    .get(separators)
                    .is_some_and(u8::is_ascii_alphabetic);
            if separators == 0
                || (separators > 1 && !has_word)
                || (rest.starts_with([',', ' ']) && !has_word)
            {
                return None;
            }
            *rest = &rest[separators..];
        }
    }
    match (month_word, widths) {
        (None, [4, 1..=2, 1..=2]) => Some((parts, false)),
        (None, [1..=2, 1..=2, 4]) => Some((parts, true)),
        // 5 Mar 2025, Mar 5 2025, 2025 Mar 5.
        (Some(1), [1..=2, _, 4]) => Some(([parts[2], parts[1], parts[0]], false)),
        (Some(0), [_, 1..=2, 4]) => Some(([parts[2], parts[0], parts[1]], false)),
        (Some(1), [4, _, 1..=2]) => Some((parts, false)),
        _ => None,
    }
}

/// `8:26`, `08:26:00.123`, `082600`, with `PM`, with `Z`, `+08:00` or `+0800`.
fn time_and_offset(text: &str, mut afternoon: Option<bool>) -> Option<(Time, Option<i32>)> {
    if text.is_empty() {
        return Some((Time::midnight(), None));
    }
    let (mut text, mut offset_s) = (text, None);
    if let Some(rest) = text
        .strip_suffix(['Z', 'z'])
        .or_else(|| text.strip_suffix("UTC"))
    {
        (text, offset_s) = (rest.trim_end(), Some(0));
    } else if let Some(at) = text.rfind(['+', '-']) {
        offset_s = Some(offset_seconds(&text[at..])?);
        text = text[..at].trim_end();
    }
    let n = text.len();
    if n > 2 && text.is_char_boundary(n - 2) {
        let (front, last) = text.split_at(n - 2);
        if last.eq_ignore_ascii_case("am") || last.eq_ignore_ascii_case("pm") {
            afternoon = Some(last.eq_ignore_ascii_case("pm"));
            text = front.trim_end();
        }
    }
    let (mut hour, minute, second, nanos) = clock(text)?;
    if let Some(is_pm) = afternoon {
        // 下午 15:20 is written too.
        hour = match (hour, is_pm) {
            (12, false) => 0,
            (1..=11, true) => hour + 12,
            (hour, _) => hour,
        };
    }
    Some((Time::new(hour, minute, second, nanos).ok()?, offset_s))
}

fn clock(text: &str) -> Option<(i8, i8, i8, i32)> {
    let bytes = text.as_bytes();
    if bytes.len() == 6 && bytes.iter().all(u8::is_ascii_digit) {
        return Some((two(bytes, 0)?, two(bytes, 2)?, two(bytes, 4)?, 0));
    }
    let field = |text: &str| -> Option<i8> {
        ((1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let mut fields = text.split(':');
    let (hour, minute) = (field(fields.next()?)?, field(fields.next()?)?);
    let (second, nanos) = match fields.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once(['.', ',']) {
            None => (field(seconds)?, 0),
            Some((whole, part)) => {
                if part.is_empty() || part.len() > 9 || !part.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                (
                    field(whole)?,
                    part.parse::<i32>().ok()? * 10i32.pow(9 - part.len() as u32),
                )
            }
        },
    };
    fields
        .next()
        .is_none()
        .then_some((hour, minute, second, nanos))
}

fn offset_seconds(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits
        .get(2..)
        .filter(|m| !m.is_empty())
        .map_or(Some(0), |m| m.parse().ok())?;
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_people_write_them() {
        for (cell, expected) in [
            ("12.34", "12.34"),
            ("-0.05", "-0.05"),
            ("1,234,567.8", "1234567.8"),
            ("¥1,234.50", "1234.5"),
            ("￥ 99", "99"),
            ("-$5.00", "-5"),
            ("$-5.00", "-5"),
            ("(1,200.00)", "-1200"),
            ("（８８．５）", "-88.5"),
            ("１２３", "123"),
            ("12.5元", "12.5"),
            (" 6 ", "6"),
            ("6\u{a0}", "6"),
            ("1 234", "1234"),
            ("€3", "3"),
            ("3.50 GBP", "3.5"),
            ("1.5E+3", "1500"),
            ("0.30000000000000004", "0.3"),
            ("+7", "7"),
            ("−7", "-7"),
        ] {
            assert_eq!(
                number(cell).map(|n| n.to_string()),
                Ok(expected.to_owned()),
                "{cell}"
            );
        }
        for (cell, fault) in [
            ("12%", Fault::Percent),
            ("１２％", Fault::Percent),
            ("1,23", Fault::NotANumber),
            ("--5", Fault::NotANumber),
            ("abc", Fault::NotANumber),
            ("", Fault::NotANumber),
            ("-", Fault::NotANumber),
            ("1e30", Fault::NumberTooLarge),
            ("12345678901234567890", Fault::NumberTooLarge),
            ("#DIV/0!", Fault::NotANumber),
            ("12-05", Fault::NotANumber),
        ] {
            assert_eq!(number(cell), Err(fault), "{cell}");
        }
    }

    #[test]
    fn reads_dates_as_people_write_them() {
        for (cell, format, expected) in [
            ("2025-03-05", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("2025/3/5", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("2025.3.5", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("2025-03-05 07:45", DateFormat::Ymd, "2025-03-05T07:45:00"),
            ("2025-03-05 7:45:09", DateFormat::Ymd, "2025-03-05T07:45:09"),
            (
                "2025-03-05T07:45:00.250",
                DateFormat::Ymd,
                "2025-03-05T07:45:00.25",
            ),
            ("2025年3月5日", DateFormat::Ymd, "2025-03-05T00:00:00"),
            (
                "2025年03月05日 7时45分",
                DateFormat::Ymd,
                "2025-03-05T07:45:00",
            ),
            (
                "2025年3月5日 下午 3:20",
                DateFormat::Ymd,
                "2025-03-05T15:20:00",
            ),
            (
                "２０２５－０３－０５",
                DateFormat::Ymd,
                "2025-03-05T00:00:00",
            ),
            ("20250305", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("20250305074509", DateFormat::Ymd, "2025-03-05T07:45:09"),
            ("12/1/2010 8:26", DateFormat::Mdy, "2010-12-01T08:26:00"),
            ("12/1/2010 8:26", DateFormat::Dmy, "2010-01-12T08:26:00"),
            (
                "12/1/2010 8:26:00 PM",
                DateFormat::Mdy,
                "2010-12-01T20:26:00",
            ),
            ("5 Mar 2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("05-Mar-2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("March 5, 2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
            ("40148.322916667", DateFormat::Serial, "2009-12-01T07:45:00"),
            ("45721", DateFormat::Serial, "2025-03-05T00:00:00"),
            ("2/29/2024", DateFormat::Mdy, "2024-02-29T00:00:00"),
        ] {
            assert_eq!(
                date(cell, format).map(|w| w.civil.to_string()),
                Ok(expected.to_owned()),
                "{cell}"
            );
        }
        for (cell, offset_s) in [
            ("2025-03-05T07:45:00Z", 0),
            ("2025-03-05 07:45:00+08:00", 28_800),
            ("2025-03-05T07:45:00.123456-0330", -12_600),
        ] {
            assert_eq!(
                date(cell, DateFormat::Ymd).unwrap().offset_s,
                Some(offset_s),
                "{cell}"
            );
        }
        for (cell, format) in [
            ("2025-02-30", DateFormat::Ymd),
            ("13/13/2010", DateFormat::Dmy),
            ("12/31/2010", DateFormat::Dmy),
            ("31/12/2010", DateFormat::Mdy),
            ("12/1/2010", DateFormat::Ymd),
            ("12/1/10", DateFormat::Mdy),
            ("45721", DateFormat::Ymd),
            ("0000-00-00", DateFormat::Ymd),
            ("2025-03-05 25:00", DateFormat::Ymd),
            ("2025-03-05 banana", DateFormat::Ymd),
            ("536365", DateFormat::Serial),
            ("2.55", DateFormat::Ymd),
            ("合计", DateFormat::Ymd),
            ("", DateFormat::Ymd),
        ] {
            assert_eq!(date(cell, format), Err(Fault::NotADate), "{cell}");
        }
    }

    #[test]
    fn knows_what_a_date_says_about_its_order() {
        for (cell, expected) in [
            ("2025-03-05", Some(DayMonth::Clear)),
            ("13/1/2010", Some(DayMonth::DayFirst)),
            ("1/13/2010", Some(DayMonth::MonthFirst)),
            ("1/2/2010 8:26", Some(DayMonth::Either)),
            ("2/2/2010", Some(DayMonth::Same)),
            ("85123A", None),
        ] {
            assert_eq!(day_month(cell), expected, "{cell}");
        }
    }

    #[test]
    fn reads_names_and_numbers_of_things() {
        assert_eq!(
            text(" 上海\u{3000}\u{3000}某某 公司 ").as_deref(),
            Some("上海 某某 公司")
        );
        assert_eq!(text("A  B\tC").as_deref(), Some("A B C"));
        assert_eq!(text("'=1+1").as_deref(), Some("=1+1"));
        for nothing in ["", "  ", "NULL", "nan", "#N/A", "\u{3000}"] {
            assert_eq!(text(nothing), None);
        }
        for (cell, expected) in [
            ("13085.0", "13085"),
            ("1.3812345678E+10", "13812345678"),
            ("1.38E+10", "1.38E+10"),
            ("85123A", "85123A"),
            ("007", "007"),
            ("2.5", "2.5"),
        ] {
            assert_eq!(identity(cell).as_deref(), Some(expected));
        }
    }
}

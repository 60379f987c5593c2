//! A cell's text becomes a date and a time of day. Knows no column: the order
//! of day and month is decided once for a whole column and given.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};

use super::{Fault, half_width, number, numerals};

/// The order of day and month in dates that do not begin with the year, or
/// days counted by a spreadsheet. Decided once for a whole column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateFormat {
    /// Only dates that say themselves what is what.
    #[default]
    Ymd,
    Dmy,
    Mdy,
    /// Also years of two digits: 25-3-5, 5/3/25, 3/5/25. Years to 69 are of
    /// this century.
    YmdShort,
    DmyShort,
    MdyShort,
    /// Also months alone: their first day.
    Month,
    /// Also the day numbers of Excel (1 = 1900-01-01).
    Serial,
    /// Also the day numbers of workbooks that count from 1904-01-01.
    Serial1904,
}

impl DateFormat {
    const NAMES: [(DateFormat, &'static str); 9] = [
        (DateFormat::Ymd, "ymd"),
        (DateFormat::Dmy, "dmy"),
        (DateFormat::Mdy, "mdy"),
        (DateFormat::YmdShort, "yymd"),
        (DateFormat::DmyShort, "dmyy"),
        (DateFormat::MdyShort, "mdyy"),
        (DateFormat::Month, "month"),
        (DateFormat::Serial, "serial"),
        (DateFormat::Serial1904, "serial1904"),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(format, _)| *format == self)
            .map_or("ymd", |(_, name)| name)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(format, _)| *format)
    }

    /// Days between the first day of the count and that of Excel.
    fn serial_shift(self) -> Option<i64> {
        match self {
            DateFormat::Serial => Some(0),
            DateFormat::Serial1904 => Some(1_462),
            _ => None,
        }
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

/// Years outside are typing errors in an order list.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// A date, with a time of day where there is one. The day and month of
/// `5/3/2025` follow `format`; a day that cannot be under it is a fault, never
/// silently the other order.
pub fn date(cell: &str, format: DateFormat) -> Result<Written, Fault> {
    date_in(cell, format, None)
}

/// The same, where the sheet or the title says the year of `3月5日`.
pub fn date_in(cell: &str, format: DateFormat, year: Option<i16>) -> Result<Written, Fault> {
    if let Some(civil) = iso_date_time(cell.as_bytes()) {
        return Ok(Written {
            civil,
            offset_s: None,
        });
    }
    if let Some(shift) = format.serial_shift()
        && let Some(civil) = serial_date(cell, shift)
    {
        return Ok(Written {
            civil,
            offset_s: None,
        });
    }
    let scan = Scan::of(cell, year).ok_or(Fault::NotADate)?;
    scan.written(format).ok_or(Fault::NotADate)
}

/// What the cell says about the order of day and month; `None` when it is no
/// date under any order, or has two digits of its year or no day.
pub fn day_month(cell: &str) -> Option<DayMonth> {
    day_month_in(cell, None)
}

/// The same, where the sheet or the title says the year.
pub fn day_month_in(cell: &str, year: Option<i16>) -> Option<DayMonth> {
    if iso_date_time(cell.as_bytes()).is_some() {
        return Some(DayMonth::Clear);
    }
    let scan = Scan::of(cell, year)?;
    if scan.shape == Shape::YearFirst {
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

/// A year and a month without a day.
pub fn is_month(cell: &str) -> bool {
    Scan::of(cell, None)
        .is_some_and(|s| s.shape == Shape::Month && s.written(DateFormat::Month).is_some())
}

/// Three numbers of which none is a whole year: whether they are a date under
/// [`DateFormat::YmdShort`], `DmyShort` and `MdyShort`.
pub fn short_date(cell: &str) -> Option<[bool; 3]> {
    let scan = Scan::of(cell, None).filter(|s| s.shape == Shape::Short)?;
    let under = [
        DateFormat::YmdShort,
        DateFormat::DmyShort,
        DateFormat::MdyShort,
    ]
    .map(|format| scan.written(format).is_some());
    under.contains(&true).then_some(under)
}

/// The year that a title or the name of a sheet speaks of: `2025年销售明细`,
/// `二〇二五年3月`, `202503`, `Mar 2025`. `None` where there are two.
pub fn year_in(text: &str) -> Option<i16> {
    let spelt: String = numerals::spelt_out(text).chars().map(half_width).collect();
    let mut years = spelt
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| matches!(digits.len(), 4 | 6 | 8))
        .filter_map(|digits| digits[..4].parse::<i16>().ok())
        .filter(|year| (1990..=2099).contains(year));
    let first = years.next()?;
    years.all(|year| year == first).then_some(first)
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
fn serial_date(cell: &str, shift: i64) -> Option<DateTime> {
    let cell = cell.trim();
    let days: f64 = cell.parse().ok()?;
    if !(10_000.0..100_000.0).contains(&days)
        || !cell.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        return None;
    }
    let seconds = (days * 86_400.0).round() as i64;
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let date = keji_schema::calendar::from_epoch_days((day + shift - 25_569) as i32)?;
    let time = Time::new(
        (second / 3600) as i8,
        (second / 60 % 60) as i8,
        (second % 60) as i8,
        0,
    )
    .ok()?;
    Some(DateTime::from_parts(date, time))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Year, month, day.
    YearFirst,
    /// The third part is the year.
    YearLast,
    /// Three numbers of one or two digits.
    Short,
    /// Year and month.
    Month,
}

/// A date taken apart, before the order of day and month is known.
struct Scan {
    /// As they stand.
    parts: [i32; 3],
    shape: Shape,
    time: Time,
    offset_s: Option<i32>,
}

impl Scan {
    fn of(cell: &str, year: Option<i16>) -> Option<Scan> {
        if cell.len() > 100 {
            return None;
        }
        let (folded, afternoon) = match cell.is_ascii() {
            true => (Cow::Borrowed(cell), None),
            false => without_words(cell, year),
        };
        // Chinese units become separators, and the rest is ASCII.
        let mut ascii = String::with_capacity(cell.len());
        for c in folded.chars() {
            match half_width(c) {
                '年' | '月' => ascii.push('-'),
                '日' | '号' | '秒' => ascii.push(' '),
                '时' | '点' | '分' => ascii.push(':'),
                c if c.is_ascii() => ascii.push(c),
                _ => return None,
            }
        }
        let mut rest = without_weekday(ascii.trim().trim_end_matches(':'));
        let (parts, shape) = date_parts(&mut rest)?;
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            rest = after;
        } else if !rest.is_empty() && !rest.starts_with(' ') && parts_were_separate(rest) {
            return None;
        }
        let (time, offset_s) = time_and_offset(rest.trim(), afternoon)?;
        Some(Scan {
            parts,
            shape,
            time,
            offset_s,
        })
    }

    fn written(&self, format: DateFormat) -> Option<Written> {
        use DateFormat::*;
        let [a, b, c] = self.parts;
        let (year, month, day) = match (self.shape, format) {
            (Shape::YearFirst, _) => (a, b, c),
            (Shape::Month, Month) => (a, b, 1),
            (Shape::YearLast, Dmy | DmyShort) => (c, b, a),
            (Shape::YearLast, Mdy | MdyShort) => (c, a, b),
            (Shape::YearLast, _) if a == b => (c, a, b),
            (Shape::Short, YmdShort) => (whole_year(a), b, c),
            (Shape::Short, DmyShort) => (whole_year(c), b, a),
            (Shape::Short, MdyShort) => (whole_year(c), a, b),
            (Shape::YearLast | Shape::Short | Shape::Month, _) => return None,
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

/// Two digits are a year from 1970 to 2069.
fn whole_year(short: i32) -> i32 {
    if short < 70 {
        2000 + short
    } else {
        1900 + short
    }
}

/// Chinese numerals as digits, a missing year in its place, and without the
/// words for weekdays and times of day; `Some(true)` in the afternoon.
fn without_words(cell: &str, year: Option<i16>) -> (Cow<'_, str>, Option<bool>) {
    const TIMES: [(&str, bool); 6] = [
        ("上午", false),
        ("凌晨", false),
        ("早上", false),
        ("下午", true),
        ("晚上", true),
        ("傍晚", true),
    ];
    let mut afternoon = None;
    let mut text: String = cell.chars().map(half_width).collect();
    for (word, is_pm) in TIMES {
        if text.contains(word) {
            afternoon = Some(is_pm);
            text = text.replace(word, " ");
        }
    }
    for word in ["星期", "礼拜", "周"] {
        if let Some(at) = text.find(word) {
            let end = text[at + word.len()..]
                .chars()
                .next()
                .filter(|c| "一二三四五六日天".contains(*c))
                .map(|c| at + word.len() + c.len_utf8());
            if let Some(end) = end {
                let (front, behind) = (text[..at].trim_end(), text[end..].trim_start());
                let front = front.strip_suffix('(').unwrap_or(front);
                let behind = behind.strip_prefix(')').unwrap_or(behind);
                text = format!("{front} {behind}");
            }
            break;
        }
    }
    text = numerals::spelt_out(&text);
    // 25年3月5日.
    if let Some((short, rest)) = text.trim().split_once('年')
        && short.len() == 2
        && short.bytes().all(|b| b.is_ascii_digit())
        && let Ok(short) = short.parse::<i32>()
    {
        text = format!("{}年{rest}", whole_year(short));
    }
    // 3月5日, without a year.
    if let Some(year) = year
        && !text.contains('年')
        && let Some((month, _)) = text.trim().split_once('月')
        && (1..=2).contains(&month.len())
        && month.bytes().all(|b| b.is_ascii_digit())
    {
        text = format!("{year}年{}", text.trim());
    }
    (Cow::Owned(text), afternoon)
}

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Without `Wed,` in front or `(Wed)` behind.
fn without_weekday(text: &str) -> &str {
    let is_weekday = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.len() >= 3 && WEEKDAYS.iter().any(|day| day.starts_with(&word))
    };
    let n_first = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if is_weekday(&text[..n_first]) {
        return text[n_first..].trim_start_matches([',', '.', ' ']);
    }
    let closed = text.trim_end_matches(')');
    let n_last = closed
        .bytes()
        .rev()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let (front, last) = closed.split_at(closed.len() - n_last);
    match is_weekday(last) {
        true => front.trim_end_matches(['(', ',', ' ']),
        false => text,
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
fn date_parts(rest: &mut &str) -> Option<([i32; 3], Shape)> {
    let mut parts = [0i32; 3];
    let mut month_word = None;
    let mut widths = [0usize; 3];
    for i in 0..3 {
        // 2025年3月 and 2025-03: nothing follows the month.
        if i == 2 && month_word.is_none() && widths[0] == 4 && rest.trim().is_empty() {
            return Some((parts, Shape::Month));
        }
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
                return Some((
                    [number / 10_000, number / 100 % 100, number % 100],
                    Shape::YearFirst,
                ));
            }
            if n_digits > 4 {
                return None;
            }
            parts[i] = rest[..n_digits].parse().ok()?;
            widths[i] = n_digits;
            *rest = &rest[n_digits..];
        }
        if i < 2 {
            if i == 1 && widths[0] == 4 && month_word.is_none() && rest.is_empty() {
                return Some((parts, Shape::Month));
            }
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
        (None, [4, 1..=2, 1..=2]) => Some((parts, Shape::YearFirst)),
        (None, [1..=2, 1..=2, 4]) => Some((parts, Shape::YearLast)),
        (None, [1..=2, 1..=2, 2]) | (None, [2, 1..=2, 1..=2]) => Some((parts, Shape::Short)),
        // 5 Mar 2025, Mar 5 2025, 2025 Mar 5.
        (Some(1), [1..=2, _, 4]) => Some(([parts[2], parts[1], parts[0]], Shape::YearFirst)),
        (Some(0), [_, 1..=2, 4]) => Some(([parts[2], parts[0], parts[1]], Shape::YearFirst)),
        (Some(1), [4, _, 1..=2]) => Some((parts, Shape::YearFirst)),
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

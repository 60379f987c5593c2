//! What the values of a sample say about its columns: numbers, dates and in
//! which form, gaps that merged cells leave.

use super::super::error::Result;
use super::super::field::Field;
use super::super::parse::{self, DateFormat, DayMonth};
use super::super::records::Record;
use super::super::table::Table;

/// Shares of the values that are not empty.
#[derive(Default)]
pub struct Content {
    n: usize,
    pub numbers: f64,
    whole: f64,
    dates: f64,
    /// Of the dates, those whose year stands in the title only.
    pub yearless: f64,
    serials: f64,
    months: f64,
    shorts: f64,
    mails: f64,
    choices: f64,
    /// The comma is the point of its numbers.
    pub has_comma: bool,
}

impl Content {
    pub fn of<'a>(
        records: impl Iterator<Item = &'a Record> + Clone,
        index: usize,
        table: &Table,
        is_choice: impl Fn(&str) -> bool,
    ) -> Content {
        let mut content = Content {
            has_comma: has_decimal_comma(records.clone(), index),
            ..Content::default()
        };
        let add = |share: &mut f64, is: bool| *share += f64::from(u8::from(is));
        for record in records {
            let Some(text) = parse::text(record.cell(index)) else {
                continue;
            };
            content.n += 1;
            let number = number(&text, content.has_comma);
            add(&mut content.numbers, number.is_some());
            add(
                &mut content.whole,
                number.is_some_and(|n| n.units() % keji_schema::decimal::UNIT == 0),
            );
            let year = table.surroundings(record.sheet).year;
            let is_date = parse::day_month_in(&text, year).is_some();
            add(&mut content.dates, is_date);
            add(
                &mut content.yearless,
                is_date && year.is_some() && parse::day_month(&text).is_none(),
            );
            add(&mut content.serials, parse::is_serial(&text));
            add(&mut content.months, parse::is_month(&text));
            add(&mut content.shorts, parse::short_date(&text).is_some());
            add(&mut content.mails, text.contains('@'));
            add(&mut content.choices, is_choice(&text));
        }
        let n = content.n.max(1) as f64;
        for share in [
            &mut content.numbers,
            &mut content.whole,
            &mut content.dates,
            &mut content.yearless,
            &mut content.serials,
            &mut content.months,
            &mut content.shorts,
            &mut content.mails,
            &mut content.choices,
        ] {
            *share /= n;
        }
        content
    }

    /// Dates in whatever form that names at least year and month.
    pub fn any_date(&self) -> f64 {
        self.dates.max(self.shorts)
    }

    /// 1 where the values are what the field needs, 0 where they cannot be.
    pub fn fits(&self, field: Field) -> f64 {
        if self.n == 0 {
            return 0.5;
        }
        let by_share = |share: f64| match share {
            s if s >= 0.9 => 1.0,
            s if s >= 0.5 => 0.65,
            _ => 0.0,
        };
        match field {
            // One column may have both: dates as text, and the day numbers of
            // cells that lost their format.
            Field::OrderedAt => by_share(
                (self.dates + self.serials)
                    .max(self.months)
                    .max(self.shorts)
                    .min(1.0),
            ),
            field if field.is_number() && self.dates >= 0.9 && self.whole < 0.9 => 0.0,
            field if field.is_number() => by_share(self.numbers),
            field if field.is_choice() => by_share(self.choices),
            Field::Email => by_share(self.mails),
            // An amount or a written date is no number of anything.
            Field::OrderNumber | Field::CustomerNumber | Field::ProductNumber => {
                let fractions = self.numbers - self.whole;
                let dates = self.dates - self.dates.min(self.whole);
                if fractions > 0.5 || dates > 0.5 {
                    0.0
                } else {
                    1.0
                }
            }
            _ => 1.0,
        }
    }
}

fn number(cell: &str, has_comma: bool) -> Option<keji_schema::Decimal> {
    match has_comma {
        true => parse::number(&parse::with_point(cell)).ok(),
        false => parse::number(cell).ok(),
    }
}

/// Only where most commas prove it and no value speaks against it: one slip
/// (`12,5` among `1,234` and `2,000`) must not divide the others by a thousand.
pub fn has_decimal_comma<'a>(records: impl Iterator<Item = &'a Record>, index: usize) -> bool {
    let (mut n_proved, mut n_open) = (0u32, 0u32);
    for record in records {
        match parse::has_decimal_comma(record.cell(index)) {
            Some(false) => return false,
            Some(true) => n_proved += 1,
            None => n_open += u32::from(record.cell(index).contains([',', '，'])),
        }
    }
    n_proved > 2 * n_open
}

/// The form of the dates in a column, and a code where it is in doubt.
pub fn find_date_format(
    table: &mut Table,
    index: usize,
) -> Result<(DateFormat, Option<&'static str>)> {
    let (mut n_dates, mut n_serials, mut n_months) = (0u64, 0u64, 0u64);
    let mut shorts: Vec<[bool; 3]> = Vec::new();
    for record in &table.sample {
        let cell = record.cell(index).trim();
        let year = table.surroundings(record.sheet).year;
        n_dates += u64::from(parse::day_month_in(cell, year).is_some());
        n_serials += u64::from(parse::is_serial(cell));
        n_months += u64::from(parse::is_month(cell));
        shorts.extend(parse::short_date(cell));
    }
    let serial = match table.counts_from_1904() {
        true => DateFormat::Serial1904,
        false => DateFormat::Serial,
    };
    if !shorts.is_empty() && shorts.len() as u64 >= n_dates.max(n_serials) {
        return Ok(short_format(&shorts));
    }
    if n_months > n_dates.max(n_serials) {
        return Ok((DateFormat::Month, Some("month_only")));
    }
    if n_serials > n_dates {
        return Ok((serial, None));
    }
    let (format, code) = find_date_order(table, index)?;
    match (format, code, n_serials) {
        (DateFormat::Ymd, None, 1..) => Ok((serial, None)),
        found => Ok((found.0, found.1)),
    }
}

/// Years of two digits: the order that holds for all of them. Where several
/// do, the year first, as it is written in China, and somebody has to look.
fn short_format(shorts: &[[bool; 3]]) -> (DateFormat, Option<&'static str>) {
    const ORDERS: [DateFormat; 3] = [
        DateFormat::YmdShort,
        DateFormat::DmyShort,
        DateFormat::MdyShort,
    ];
    let holds: Vec<DateFormat> = (0..3)
        .filter(|order| shorts.iter().all(|short| short[*order]))
        .map(|order| ORDERS[order])
        .collect();
    match holds.as_slice() {
        [only] => (*only, None),
        [first, ..] => (*first, Some("two_digit_year")),
        [] => (DateFormat::YmdShort, Some("two_digit_year")),
    }
}

/// The order of day and month in a column, and a code where it is in doubt.
fn find_date_order(table: &mut Table, index: usize) -> Result<(DateFormat, Option<&'static str>)> {
    let mut looked = 0;
    let (mut day_first, mut month_first, mut either) = (0u64, 0u64, 0u64);
    loop {
        for record in table.sample.iter().skip(looked) {
            match parse::day_month(record.cell(index)) {
                Some(DayMonth::DayFirst) => day_first += 1,
                Some(DayMonth::MonthFirst) => month_first += 1,
                Some(DayMonth::Either) => either += 1,
                _ => {}
            }
        }
        looked = table.sample.len();
        let open = day_first == 0 && month_first == 0 && either > 0;
        if !open || !table.read_sample(looked + 10_000)? && table.sample.len() == looked {
            break;
        }
    }
    Ok(match (day_first, month_first, either) {
        (0, 0, 0) => (DateFormat::Ymd, None),
        (0, 0, _) => (DateFormat::Dmy, Some("date_order")),
        (_, 0, _) => (DateFormat::Dmy, None),
        (0, _, _) => (DateFormat::Mdy, None),
        (d, m, _) => (
            if d >= m {
                DateFormat::Dmy
            } else {
                DateFormat::Mdy
            },
            Some("date_order_mixed"),
        ),
    })
}

/// How often the amount is quantity × price to within rounding; `None` with
/// fewer than three rows that say something. The columns are quantity, price
/// and amount. An amount merged over several rows is that of the order.
pub fn share_of_products<'a>(
    records: impl Iterator<Item = &'a Record>,
    columns: [usize; 3],
    has_comma: [bool; 3],
) -> Option<f64> {
    let (mut n, mut n_equal) = (0u32, 0u32);
    for record in records.filter(|record| !record.is_merged(columns[2])) {
        let value = |i: usize| number(record.cell(columns[i]), has_comma[i]);
        let [Some(quantity), Some(price), Some(amount)] = [0, 1, 2].map(value) else {
            continue;
        };
        let Some(product) = quantity.checked_mul(price) else {
            continue;
        };
        if product.units() == 0 && amount.units() == 0 {
            continue;
        }
        n += 1;
        n_equal += u32::from(super::super::rows::is_equal_to_rounding(
            product, amount, quantity,
        ));
    }
    (n >= 3).then(|| f64::from(n_equal) / f64::from(n))
}

/// The columns of `of_order` that are mostly empty where a key is, in rows that
/// have a line; several orders of one day leave the day empty and not the
/// number. None, unless the first row has all keys.
pub fn gaps<'a>(
    records: impl Iterator<Item = &'a Record> + Clone,
    keys: &[usize],
    line: &[usize],
    of_order: &[usize],
) -> Vec<usize> {
    let is_empty = |record: &Record, i: usize| parse::text(record.cell(i)).is_none();
    let starts = records
        .clone()
        .next()
        .is_some_and(|first| keys.iter().all(|i| !is_empty(first, *i)));
    if !starts {
        return Vec::new();
    }
    let lines: Vec<&Record> = records
        .filter(|r| line.iter().any(|i| parse::number(r.cell(*i)).is_ok()))
        .collect();
    let below: Vec<&Record> = lines
        .iter()
        .copied()
        .filter(|r| keys.iter().any(|i| is_empty(r, *i)))
        .filter(|r| of_order.iter().filter(|i| is_empty(r, **i)).count() >= 2)
        // Numbers alone may be a total without a word.
        .filter(|r| {
            r.cells()
                .any(|cell| parse::text(cell).is_some() && parse::number(cell).is_err())
        })
        .collect();
    // A few such rows are rows with something missing.
    if below.is_empty() || below.len() * 4 < lines.len() {
        return Vec::new();
    }
    of_order
        .iter()
        .copied()
        .filter(|i| {
            let n = below.iter().filter(|r| is_empty(r, *i)).count();
            n * 2 >= below.len()
        })
        .collect()
}

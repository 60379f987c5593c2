//! What is odd in a file and yet no reason to turn a row away: for the report
//! at the end of an import. Costs a little per row and bounded memory.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::Decimal;
use keji_schema::calendar::Calendar;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::OrderLineRow;
use super::messages;
use super::names::Spellings;
use crate::messages::Language;

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Oddity {
    /// A code of [`messages::oddity_text`].
    pub code: String,
    pub count: u64,
    /// The heading it is about.
    pub column: Option<String>,
    /// The first row, as a spreadsheet counts.
    pub row: Option<u64>,
    /// Values, names or rows; a row of one sheet of several as `sheet!row`.
    pub samples: Vec<String>,
}

impl Oddity {
    pub fn new(code: &str, count: u64) -> Self {
        Oddity {
            code: code.to_owned(),
            count,
            column: None,
            row: None,
            samples: Vec::new(),
        }
    }

    /// One sentence for a person.
    pub fn text(&self, language: Language) -> String {
        let separator = match language {
            Language::Zh => "；",
            Language::En => "; ",
        };
        let args: Map<String, Value> = [
            ("count", self.count.to_string()),
            ("column", self.column.clone().unwrap_or_default()),
            ("row", self.row.map_or(String::new(), |row| row.to_string())),
            ("samples", self.samples.join(separator)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
        messages::fill(messages::oddity_text(&self.code, language), &args)
    }
}

/// Where a row stands: its sheet and its number there.
pub(super) type Place = (usize, u64);

/// How often, where first, and the first few values.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub count: u64,
    pub first: Option<Place>,
    pub samples: Vec<String>,
}

/// Samples of one oddity.
const N_SAMPLES: usize = 3;
/// Groups of spellings that are shown.
const N_GROUPS: usize = 20;
const N_CURRENCIES: usize = 20;
/// Fingerprints that are kept; a longer file is compared with its first rows.
const N_HASHES: usize = 250_000;
/// Amounts from which the median is taken.
const N_RESERVOIR: usize = 10_000;
/// The largest amounts that are kept.
const N_LARGEST: usize = 200;
/// An amount is odd beyond so many times the median.
const ODD_TIMES: i128 = 50;
/// Fewer rows have no usual amount.
const MIN_ROWS: u64 = 20;

impl Tally {
    pub fn add(&mut self, place: Place, sample: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert(place);
        if self.samples.len() < N_SAMPLES {
            self.samples.push(sample());
        }
    }
}

/// Looks at every accepted row.
pub(super) struct Watch {
    tomorrow: Date,
    spellings: Spellings,
    currencies: Vec<String>,
    months: BTreeSet<i32>,
    last_month: i32,
    hashes: HashSet<i64, BuildHasherDefault<AsItIs>>,
    duplicates: Tally,
    future: Tally,
    negative_prices: Tally,
    amounts: Amounts,
    pub phones: Tally,
    pub products: Tally,
    pub totals: Tally,
    pub amount_differs: Tally,
}

impl Watch {
    pub fn new(calendar: &Calendar) -> Self {
        let today = calendar.day_of(Timestamp::now());
        Watch {
            tomorrow: today.tomorrow().unwrap_or(today),
            spellings: Spellings::default(),
            currencies: Vec::new(),
            months: BTreeSet::new(),
            last_month: i32::MIN,
            hashes: HashSet::default(),
            duplicates: Tally::default(),
            future: Tally::default(),
            negative_prices: Tally::default(),
            amounts: Amounts::default(),
            phones: Tally::default(),
            products: Tally::default(),
            totals: Tally::default(),
            amount_differs: Tally::default(),
        }
    }

    /// `has_price`: the file says the price, it does not follow from the amount.
    pub fn row(&mut self, row: &OrderLineRow, place: Place, has_price: bool) {
        if let Some(name) = &row.customer_name {
            self.spellings.add(name);
        }
        if let Some(currency) = &row.currency
            && self.currencies.len() < N_CURRENCIES
            && !self.currencies.contains(currency)
        {
            self.currencies.push(currency.clone());
        }
        let day = row.ordered_on;
        let month = i32::from(day.year()) * 12 + i32::from(day.month()) - 1;
        if month != self.last_month {
            self.last_month = month;
            self.months.insert(month);
        }
        if day > self.tomorrow {
            self.future.add(place, || day.to_string());
        }
        let is_new = match self.hashes.len() < N_HASHES {
            true => self.hashes.insert(row.row_hash),
            false => !self.hashes.contains(&row.row_hash),
        };
        if !is_new {
            self.duplicates.add(place, || shown_line(row));
        }
        if has_price && row.price.is_negative() {
            self.negative_prices.add(place, || row.price.to_string());
        }
        self.amounts.add(row.amount, place);
    }

    /// `name_of` shows a place.
    pub fn oddities(&self, name_of: &dyn Fn(Place) -> String) -> Vec<Oddity> {
        let mut found: Vec<Oddity> = Vec::new();
        for (code, tally) in [
            ("totals_differ", &self.totals),
            ("amount_differs", &self.amount_differs),
            ("phone_lost_digits", &self.phones),
            ("product_lost_digits", &self.products),
            ("future_dates", &self.future),
            ("duplicate_rows", &self.duplicates),
            ("negative_prices", &self.negative_prices),
        ] {
            if tally.count > 0 {
                found.push(Oddity {
                    row: tally.first.map(|(_, row)| row),
                    samples: tally.samples.clone(),
                    ..Oddity::new(code, tally.count)
                });
            }
        }
        if self.currencies.len() > 1 {
            found.push(Oddity {
                samples: self.currencies.clone(),
                ..Oddity::new("currency_mix", self.currencies.len() as u64)
            });
        }
        found.extend(self.missing_months());
        found.extend(self.amounts.outliers(name_of));
        // The longest, so behind the others.
        let doubles = self.spellings.doubles();
        if !doubles.is_empty() {
            found.push(Oddity {
                samples: doubles
                    .iter()
                    .take(N_GROUPS)
                    .map(|group| group.join(" = "))
                    .collect(),
                ..Oddity::new("duplicate_looking_customers", doubles.len() as u64)
            });
        }
        found
    }

    fn missing_months(&self) -> Option<Oddity> {
        let (first, last) = (*self.months.first()?, *self.months.last()?);
        let missing = || (first..=last).filter(|month| !self.months.contains(month));
        let count = missing().count() as u64;
        (count > 0).then(|| Oddity {
            samples: missing()
                .take(6)
                .map(|month| format!("{:04}-{:02}", month / 12, month % 12 + 1))
                .collect(),
            ..Oddity::new("gaps_in_dates", count)
        })
    }
}

fn shown_line(row: &OrderLineRow) -> String {
    let words = [
        row.order_number
            .as_deref()
            .or(row.customer_number.as_deref()),
        row.product_number.as_deref(),
    ];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    format!("{} {} {}", words.join(" "), row.ordered_on, row.amount)
}

/// A sample of the amounts, and the largest with their rows.
#[derive(Default)]
struct Amounts {
    n: u64,
    reservoir: Vec<u64>,
    /// Largest first.
    largest: Vec<(u64, Place)>,
    state: u64,
}

impl Amounts {
    /// Vitter's algorithm R, with a generator that gives the same sample for
    /// the same file.
    fn add(&mut self, amount: Decimal, place: Place) {
        let size = amount.units().unsigned_abs();
        self.n += 1;
        if self.reservoir.len() < N_RESERVOIR {
            self.reservoir.push(size);
        } else {
            self.state = self
                .state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (self.state >> 16) % self.n;
            if let Some(slot) = self.reservoir.get_mut(at as usize) {
                *slot = size;
            }
        }
        let smallest = self.largest.last().map_or(0, |(size, _)| *size);
        if self.largest.len() < N_LARGEST || size > smallest {
            let at = self.largest.partition_point(|(other, _)| *other >= size);
            self.largest.insert(at, (size, place));
            self.largest.truncate(N_LARGEST);
        }
    }

    fn outliers(&self, name_of: &dyn Fn(Place) -> String) -> Option<Oddity> {
        if self.n < MIN_ROWS {
            return None;
        }
        let mut sorted = self.reservoir.clone();
        sorted.sort_unstable();
        let median = *sorted.get(sorted.len() / 2)?;
        let is_odd = |size: u64| i128::from(size) > ODD_TIMES * i128::from(median);
        let count = self
            .largest
            .iter()
            .take_while(|(size, _)| is_odd(*size))
            .count();
        (count > 0 && median > 0).then(|| Oddity {
            row: self.largest.first().map(|(_, (_, row))| *row),
            samples: self.largest[..count.min(N_SAMPLES)]
                .iter()
                .map(|(_, place)| name_of(*place))
                .collect(),
            ..Oddity::new("outlier_amounts", count as u64)
        })
    }
}

/// Fingerprints are spread already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }

    fn write_i64(&mut self, n: i64) {
        self.0 = n as u64;
    }
}

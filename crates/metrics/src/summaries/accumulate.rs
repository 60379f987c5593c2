//! The pass itself: dense accumulators by customer id, fed month by month.

use std::hint::black_box;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Date32Type, Decimal64Type, Int32Type, Int64Type};
use jiff::civil::Date;
use keji_schema::calendar::epoch_days;

use super::gaps::{Found, Gaps};
use super::read::for_each_batch;
use super::{HALF_YEAR_DAYS, Summaries, YEAR_DAYS};
use crate::copy::DataFile;
use crate::error::{Error, Result};

const COLUMNS: [&str; 5] = [
    "customer",
    "kind",
    "ordered_on",
    "gross_amount",
    "net_amount",
];

/// Rows whose accounts are fetched together.
const BLOCK: usize = 64;

/// The whole history of one customer so far: one line of the processor's cache.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Account {
    pub gross: i64,
    pub first_gross: i64,
    pub net: i64,
    pub first_day: i32,
    pub last_day: i32,
    pub n_rows: u32,
    pub n_orders: u32,
    /// Purchase days of the months that are closed.
    pub n_days: u32,
    pub n_returns: u32,
    /// Purchase days of the open month, bit 0 the first day.
    month_days: u32,
}

/// What one customer did in the windows before as_of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recent {
    pub gross: i64,
    pub net: i64,
    pub net_half: i64,
    pub net_half_before: i64,
    pub n_orders: u32,
    pub n_days: u32,
}

/// Days since 1970-01-01.
struct Borders {
    as_of: i32,
    year: i32,
    half: i32,
    half_before: i32,
}

struct Pass {
    borders: Borders,
    accounts: Vec<Account>,
    recent: Vec<Recent>,
    found: Vec<Found>,
    /// Customers with a purchase in the open month.
    touched: Vec<u32>,
    /// First day of the open month.
    month: i32,
    n_orders: u64,
    n_without_customer: u64,
    has_overflow: bool,
}

/// The columns of one batch.
struct Rows<'a> {
    customers: &'a [i64],
    /// Where the customer is null.
    nobody: Option<&'a NullBuffer>,
    /// Index into `words`.
    kinds: &'a [i32],
    words: Vec<Kind>,
    days: &'a [i32],
    gross: &'a [i64],
    net: &'a [i64],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sale,
    Return,
    Other,
}

pub(super) fn run(files: &[DataFile], as_of: Date, n_customers: usize) -> Result<Summaries> {
    let before: Vec<DataFile> = files
        .iter()
        .filter(|f| f.month.is_none_or(|m| m < as_of))
        .cloned()
        .collect();
    if let Some(file) = before.iter().find(|f| f.month.is_none()) {
        return Err(Error::content(&file.path, "orders stand in months"));
    }
    let mut pass = Pass::new(as_of, n_customers);
    for_each_batch(&before, &COLUMNS, |index, batch| {
        let file = &before[index];
        pass.open_month(epoch_days(file.month.unwrap_or(as_of)));
        let rows = Rows::of(batch).ok_or("an order lacks its kind, day or amount".to_owned());
        rows.and_then(|rows| pass.add(&rows))
            .map_err(|message| Error::content(&file.path, message))
    })?;
    pass.finish(as_of)
}

impl Pass {
    fn new(as_of: Date, n_customers: usize) -> Self {
        let day = epoch_days(as_of);
        Pass {
            borders: Borders {
                as_of: day,
                year: day - YEAR_DAYS,
                half: day - HALF_YEAR_DAYS,
                half_before: day - 2 * HALF_YEAR_DAYS,
            },
            accounts: vec![Account::default(); n_customers + 1],
            recent: vec![Recent::default(); n_customers + 1],
            found: Vec::new(),
            touched: Vec::new(),
            month: i32::MIN,
            n_orders: 0,
            n_without_customer: 0,
            has_overflow: false,
        }
    }

    /// Closes the month before, when it is another.
    fn open_month(&mut self, month: i32) {
        if month != self.month {
            self.close_month();
            self.month = month;
        }
    }

    /// Turns the days of the open month into gaps.
    fn close_month(&mut self) {
        let mut found = Found::default();
        let year = self.borders.year;
        for at in 0..self.touched.len() {
            if at % BLOCK == 0 {
                let end = (at + BLOCK).min(self.touched.len());
                self.warm(self.touched[at..end].iter().map(|&c| c as usize));
            }
            let customer = self.touched[at];
            let account = &mut self.accounts[customer as usize];
            let mut days = std::mem::take(&mut account.month_days);
            if self.month + 31 > year {
                let back = (year - self.month).clamp(0, 31) as u32;
                self.recent[customer as usize].n_days += (days >> back).count_ones();
            }
            if account.n_days == 0 {
                account.last_day = account.first_day;
                account.n_days = 1;
                days &= days - 1;
            }
            while days != 0 {
                let day = self.month + days.trailing_zeros() as i32;
                found.push(customer, day - account.last_day);
                account.last_day = day;
                account.n_days += 1;
                days &= days - 1;
            }
        }
        self.touched.clear();
        self.found.push(found);
    }

    fn add(&mut self, rows: &Rows) -> std::result::Result<(), String> {
        for start in (0..rows.days.len()).step_by(BLOCK) {
            let end = (start + BLOCK).min(rows.days.len());
            self.warm(rows.customers[start..end].iter().map(|&c| c as usize));
            for row in start..end {
                self.add_row(rows, row)?;
            }
        }
        Ok(())
    }

    /// Brings the accounts of the next rows into the cache: these loads do not
    /// wait for one another, those of `add_row` would.
    fn warm(&self, customers: impl Iterator<Item = usize>) {
        let count = |customer| {
            self.accounts
                .get(customer)
                .map_or(0, |a: &Account| a.n_rows)
        };
        black_box(customers.map(count).fold(0, u32::wrapping_add));
    }

    #[inline]
    fn add_row(&mut self, rows: &Rows, row: usize) -> std::result::Result<(), String> {
        let (day, month) = (rows.days[row], self.month);
        if day >= self.borders.as_of {
            return Ok(());
        }
        if day < month || day > month + 30 {
            return Err(format!(
                "an order of day {day} stands in the month of day {month}"
            ));
        }
        self.n_orders += 1;
        if rows.nobody.is_some_and(|n| n.is_null(row)) {
            self.n_without_customer += 1;
            return Ok(());
        }
        let customer = rows.customers[row];
        let index = usize::try_from(customer).unwrap_or(0);
        if index == 0 || index >= self.accounts.len() {
            self.grow(customer)?;
        }
        let kind = rows.words[rows.kinds[row] as usize];
        let net = if kind == Kind::Other {
            0
        } else {
            rows.net[row]
        };
        let is_purchase = kind == Kind::Sale && rows.gross[row] > 0;
        let gross = if is_purchase { rows.gross[row] } else { 0 };
        let mut overflows = false;
        let account = &mut self.accounts[index];
        account.n_rows += 1;
        account.n_returns += u32::from(kind == Kind::Return);
        add(&mut account.net, net, &mut overflows);
        if is_purchase {
            if account.n_days == 0 {
                if account.month_days == 0 || day < account.first_day {
                    account.first_day = day;
                    account.first_gross = gross;
                } else if day == account.first_day {
                    add(&mut account.first_gross, gross, &mut overflows);
                }
            }
            if account.month_days == 0 {
                self.touched.push(index as u32);
            }
            account.month_days |= 1 << (day - month);
            account.n_orders += 1;
            add(&mut account.gross, gross, &mut overflows);
        }
        if day >= self.borders.year {
            let recent = &mut self.recent[index];
            recent.n_orders += u32::from(is_purchase);
            add(&mut recent.gross, gross, &mut overflows);
            add(&mut recent.net, net, &mut overflows);
            if day >= self.borders.half {
                add(&mut recent.net_half, net, &mut overflows);
            } else if day >= self.borders.half_before {
                add(&mut recent.net_half_before, net, &mut overflows);
            }
        }
        self.has_overflow |= overflows;
        Ok(())
    }

    #[cold]
    fn grow(&mut self, customer: i64) -> std::result::Result<(), String> {
        let index = u32::try_from(customer).ok().filter(|&i| i > 0);
        let index = index.ok_or_else(|| format!("{customer} is no customer's id"))?;
        let n = index as usize + 1;
        self.accounts
            .resize(n.max(self.accounts.len()), Account::default());
        self.recent
            .resize(n.max(self.recent.len()), Recent::default());
        Ok(())
    }

    fn finish(mut self, as_of: Date) -> Result<Summaries> {
        self.close_month();
        if self.has_overflow {
            return Err(Error::Overflow(
                "the orders of one customer together".into(),
            ));
        }
        let n_gaps = self.accounts.iter().map(|a| a.n_days.saturating_sub(1));
        let gaps = Gaps::new(self.found, n_gaps);
        Ok(Summaries {
            as_of,
            n_orders: self.n_orders,
            n_without_customer: self.n_without_customer,
            n_present: self.accounts.iter().filter(|a| a.n_rows > 0).count(),
            accounts: self.accounts,
            recent: self.recent,
            gaps,
        })
    }
}

fn add(total: &mut i64, amount: i64, overflows: &mut bool) {
    let (sum, is_over) = total.overflowing_add(amount);
    *total = sum;
    *overflows |= is_over;
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let amounts = |i: usize| batch.column(i).as_primitive_opt::<Decimal64Type>();
        let customers = batch.column(0).as_primitive_opt::<Int64Type>()?;
        let kinds = batch.column(1).as_dictionary_opt::<Int32Type>()?;
        // Only the customer may be missing.
        batch.columns()[1..]
            .iter()
            .all(|c| c.null_count() == 0)
            .then_some(Rows {
                customers: customers.values(),
                nobody: customers.nulls().filter(|n| n.null_count() > 0),
                kinds: kinds.keys().values(),
                words: kinds
                    .values()
                    .as_string_opt::<i32>()?
                    .iter()
                    .map(Kind::of)
                    .collect(),
                days: batch.column(2).as_primitive_opt::<Date32Type>()?.values(),
                gross: amounts(3)?.values(),
                net: amounts(4)?.values(),
            })
    }
}

impl Kind {
    fn of(word: Option<&str>) -> Self {
        match word {
            Some("sale") => Kind::Sale,
            Some("return") => Kind::Return,
            _ => Kind::Other,
        }
    }
}

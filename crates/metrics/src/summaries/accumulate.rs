//! The pass itself: dense accumulators by customer id, fed month by month.

use arrow::array::{Array, AsArray, DictionaryArray, RecordBatch};
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

/// The whole history of one customer so far.
#[derive(Debug, Clone, Copy, Default)]
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
        pass.add(batch)
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
        for customer in self.touched.drain(..) {
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
        self.found.push(found);
    }

    fn add(&mut self, batch: &RecordBatch) -> std::result::Result<(), String> {
        let customers = batch
            .column(0)
            .as_primitive_opt::<Int64Type>()
            .ok_or("customer is no link")?;
        let kinds = batch
            .column(1)
            .as_dictionary_opt::<Int32Type>()
            .ok_or("kind is no text")?;
        let days = batch
            .column(2)
            .as_primitive_opt::<Date32Type>()
            .ok_or("ordered_on is no date")?;
        let gross = batch
            .column(3)
            .as_primitive_opt::<Decimal64Type>()
            .ok_or("gross_amount is no decimal")?;
        let net = batch
            .column(4)
            .as_primitive_opt::<Decimal64Type>()
            .ok_or("net_amount is no decimal")?;
        if days.null_count() + gross.null_count() + net.null_count() + kinds.null_count() > 0 {
            return Err("an order lacks its kind, day or amount".into());
        }
        let words = kinds_of(kinds);
        let is_null = customers.nulls().filter(|n| n.null_count() > 0);
        let rows = customers
            .values()
            .iter()
            .zip(kinds.keys().values())
            .zip(days.values());
        let amounts = gross.values().iter().zip(net.values());
        let month = self.month;
        let month_end = month + 31;
        let touches_windows = month_end > self.borders.year;
        for (i, (((&customer, &key), &day), (&gross, &net))) in rows.zip(amounts).enumerate() {
            if day >= self.borders.as_of {
                continue;
            }
            if day < month || day >= month_end {
                return Err(format!(
                    "an order of day {day} stands in the month of day {month}"
                ));
            }
            self.n_orders += 1;
            if is_null.is_some_and(|n| n.is_null(i)) {
                self.n_without_customer += 1;
                continue;
            }
            let index = usize::try_from(customer).unwrap_or(0);
            if index == 0 || index >= self.accounts.len() {
                self.grow(customer)?;
            }
            let kind = words[key as usize];
            let account = &mut self.accounts[index];
            account.n_rows += 1;
            let net = if kind == Kind::Other { 0 } else { net };
            let is_purchase = kind == Kind::Sale && gross > 0;
            let gross = if is_purchase { gross } else { 0 };
            let mut overflows = false;
            add(&mut account.net, net, &mut overflows);
            account.n_returns += u32::from(kind == Kind::Return);
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
            if touches_windows {
                let recent = &mut self.recent[index];
                if day >= self.borders.year {
                    add(&mut recent.net, net, &mut overflows);
                    add(&mut recent.gross, gross, &mut overflows);
                    recent.n_orders += u32::from(is_purchase);
                }
                if day >= self.borders.half {
                    add(&mut recent.net_half, net, &mut overflows);
                } else if day >= self.borders.half_before {
                    add(&mut recent.net_half_before, net, &mut overflows);
                }
            }
            self.has_overflow |= overflows;
        }
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

/// What each word of the batch's dictionary stands for.
fn kinds_of(kinds: &DictionaryArray<Int32Type>) -> Vec<Kind> {
    let words = kinds.values().as_string::<i32>();
    let kind = |word| match word {
        Some("sale") => Kind::Sale,
        Some("return") => Kind::Return,
        _ => Kind::Other,
    };
    words.iter().map(kind).collect()
}

//! A made-up base of customers, the same on every machine: 1,000,000
//! customers of whom about 807,000 buy, 10,000,000 orders in three years,
//! heavily skewed, written as the columnar copy writes its order files.

use std::path::Path;

use jiff::civil::{Date, date};
use keji_metrics::Result;
use keji_metrics::copy::columns::CopyColumns;
use keji_metrics::copy::write::FolderWriter;
use keji_schema::calendar::{epoch_days, from_epoch_days};
use keji_schema::{Decimal, Value};

pub const FROM: Date = date(2023, 1, 1);
pub const TO: Date = date(2026, 1, 1);
const SEED: u64 = 20_261_121;
const MAX_ORDERS: u32 = 600;
const COUNTRIES: [&str; 12] = [
    "United Kingdom",
    "Germany",
    "France",
    "Ireland",
    "Spain",
    "Netherlands",
    "Belgium",
    "Switzerland",
    "Portugal",
    "Australia",
    "Norway",
    "Italy",
];
const CHANNELS: [&str; 4] = ["shop", "web", "partner", "phone"];

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In 0..n.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Standard normal, near enough: twelve uniforms.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Writes the files below `folder`, one sub-folder per month.
pub fn write(folder: &Path, columns: &CopyColumns, n_customers: u32, n_orders: u64) -> Result<()> {
    let orders = orders(n_customers, n_orders);
    let mut rest = orders.as_slice();
    let mut first_id = 1;
    let mut month = FROM;
    while month < TO {
        let next = month
            .last_of_month()
            .tomorrow()
            .expect("a date of this century");
        let end = days(next);
        let (these, later) = rest.split_at(rest.partition_point(|o| i32::from(o.day) < end));
        let name = format!("month={:04}-{:02}", month.year(), month.month());
        let mut writer = FolderWriter::new(columns, folder.join(name), "bench".into());
        for (i, order) in these.iter().enumerate() {
            writer.append(&row(order, first_id + i as i64))?;
        }
        writer.finish()?;
        first_id += these.len() as i64;
        rest = later;
        month = next;
    }
    Ok(())
}

fn days(date: Date) -> i32 {
    epoch_days(date) - epoch_days(FROM)
}

#[derive(Clone, Copy)]
struct Order {
    /// Since [`FROM`].
    day: i16,
    customer: u32,
    /// Seeds the order's own values.
    seed: u32,
}

/// In order of their days.
fn orders(n_customers: u32, n_orders: u64) -> Vec<Order> {
    let mut random = Random::new(SEED);
    let span = f64::from(days(TO));
    let mut all = Vec::with_capacity(n_orders as usize);
    let mut lives = Vec::new();
    for customer in 1..=n_customers {
        let is_buyer = random.below(1000) < 807;
        let n = 1 + (1.6 + 1.25 * random.normal()).exp() as u32;
        let first = span * random.unit().powf(1.5);
        let last = first + (span - first) * random.unit().sqrt();
        if is_buyer {
            lives.push((customer, first, last));
            buy(
                &mut all,
                &mut random,
                customer,
                n.min(MAX_ORDERS),
                first,
                last,
            );
        }
    }
    while (all.len() as u64) < n_orders {
        let (customer, first, last) = lives[random.below(lives.len() as u64) as usize];
        buy(&mut all, &mut random, customer, 1, first, last);
    }
    all.truncate(n_orders as usize);
    all.sort_by_key(|o| o.day);
    all
}

fn buy(all: &mut Vec<Order>, random: &mut Random, customer: u32, n: u32, first: f64, last: f64) {
    let mut day = first as i16;
    for _ in 0..n {
        // One order in seven falls on the day of the one before.
        if random.below(7) > 0 {
            day = (first + (last - first) * random.unit()) as i16;
        }
        all.push(Order {
            day,
            customer,
            seed: random.next() as u32,
        });
    }
}

fn row(order: &Order, id: i64) -> Vec<Value> {
    let own = u64::from(order.customer);
    let mut customer = Random::new(own);
    let mut random = Random::new(own << 32 | u64::from(order.seed));
    let cents = |n: u64| n as i64 * 100;
    let level = 500 << customer.below(7);
    let amount = cents(level * (20 + random.below(180)) / 100 + random.below(100));
    let (kind, goods, gross) = match random.below(1000) {
        0..960 => ("sale", amount, amount),
        960..962 => ("sale", 0, 0),
        962..992 => ("return", -amount, 0),
        _ => ("adjustment", amount / 100 * 50, 0),
    };
    let freight = if random.below(10) < 3 { cents(800) } else { 0 };
    let discount = if random.below(10) < 1 {
        goods.max(0) / 1000 * 100
    } else {
        0
    };
    let day =
        from_epoch_days(epoch_days(FROM) + i32::from(order.day)).expect("a date of this century");
    let second = 8 * 3600 + random.below(14 * 3600) as i32;
    let at = day.at(
        (second / 3600) as i8,
        (second / 60 % 60) as i8,
        (second % 60) as i8,
        0,
    );
    let at = at
        .to_zoned(jiff::tz::TimeZone::UTC)
        .expect("UTC has no gaps")
        .timestamp();
    let money = |units| Value::Decimal(Decimal::from_units(units));
    vec![
        Value::Int(id),
        Value::Text(format!("S{id:08}")),
        Value::Int(i64::from(order.customer)),
        Value::from(kind),
        Value::Instant(at),
        Value::Date(day),
        Value::from(COUNTRIES[(customer.below(144) as f64).sqrt() as usize % 12]),
        Value::from(CHANNELS[random.below(4) as usize]),
        Value::from("CNY"),
        money(goods),
        money(gross),
        money(freight),
        money(discount),
        money(goods + freight - discount),
        Value::Int(1 + random.below(8) as i64),
        Value::from(if customer.below(5) == 0 {
            "company"
        } else {
            "person"
        }),
    ]
}

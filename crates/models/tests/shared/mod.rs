//! Public data sets and reference results shared by the developers. They are too large to be part of this crate:
//! where they are absent, tests that need them say how many checks they left out, and pass.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use jiff::civil::Date;
use keji_models::history::{Collapsed, PurchaseHistory};
use serde_json::Value;

/// `None`, with a line saying what was left out, when the shared data are not there.
pub fn expected(name: &str, n_checks: usize) -> Option<Value> {
    match std::fs::read_to_string(directory().join("expected").join(name)) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            println!("left out {n_checks} checks against {name}: shared data not present");
            None
        }
    }
}

/// One customer of a summary.
pub struct Customer {
    pub id: String,
    pub repeats: u32,
    pub days_at_last: u32,
    pub days: u32,
    /// Over repeat days; 0 without any.
    pub mean_spend: f64,
    pub n_orders: u32,
    /// Ten-thousandths, whole period.
    pub total: i128,
    /// Purchase days after the end of calibration.
    pub n_later: u32,
}

pub struct Purchase {
    pub customer: String,
    pub day: Date,
    pub order: String,
    pub ten_thousandths: i128,
}

pub fn cdnow_sample() -> Vec<Purchase> {
    read("cdnow_sample.csv", |row| Purchase {
        customer: row[1].to_owned(),
        day: row[2].parse().unwrap(),
        order: String::new(),
        ten_thousandths: scaled(&row[4]),
    })
}

pub fn cdnow_full() -> Vec<Purchase> {
    read("cdnow_master.csv.gz", |row| Purchase {
        customer: row[0].to_owned(),
        day: row[1].parse().unwrap(),
        order: String::new(),
        ten_thousandths: scaled(&row[3]),
    })
}

pub fn online_retail() -> Vec<Purchase> {
    read("online_retail_2009_2010_clean.csv.gz", |row| Purchase {
        // Written as a float by the source.
        customer: row[6].trim_end_matches(".0").to_owned(),
        day: row[4][..10].parse().unwrap(),
        order: row[0].to_owned(),
        ten_thousandths: row[3].parse::<i128>().unwrap() * scaled(&row[5]),
    })
}

/// The summary of purchases up to and including `end`, one event per customer and day, ordered by id.
pub fn summarise(purchases: &[Purchase], end: Date) -> Vec<Customer> {
    let mut days: BTreeMap<&str, BTreeMap<Date, i128>> = BTreeMap::new();
    let mut orders: BTreeMap<&str, std::collections::BTreeSet<(&str, Date)>> = BTreeMap::new();
    for purchase in purchases {
        *days
            .entry(&purchase.customer)
            .or_default()
            .entry(purchase.day)
            .or_default() += purchase.ten_thousandths;
        let order = if purchase.order.is_empty() {
            ("", purchase.day)
        } else {
            (purchase.order.as_str(), end)
        };
        if purchase.day <= end {
            orders.entry(&purchase.customer).or_default().insert(order);
        }
    }
    let between = |from: Date, to: Date| (to - from).get_days() as u32;
    days.into_iter()
        .filter_map(|(id, days)| {
            let (&first, _) = days.first_key_value()?;
            if first > end {
                return None;
            }
            let seen: Vec<(Date, i128)> = days
                .range(..=end)
                .map(|(&day, &total)| (day, total))
                .collect();
            let repeat: Vec<f64> = seen[1..]
                .iter()
                .map(|&(_, total)| total as f64 / 1e4)
                .collect();
            let (last, _) = seen[seen.len() - 1];
            Some(Customer {
                id: id.to_owned(),
                repeats: repeat.len() as u32,
                days_at_last: between(first, last),
                days: between(first, end),
                mean_spend: repeat.iter().sum::<f64>() / (repeat.len().max(1)) as f64,
                n_orders: orders.get(id).map_or(0, |orders| orders.len() as u32),
                total: seen.iter().map(|(_, total)| total).sum(),
                n_later: (days.len() - seen.len()) as u32,
            })
        })
        .collect()
}

pub fn collapse(customers: &[Customer]) -> Collapsed {
    let column = |field: fn(&Customer) -> u32| customers.iter().map(field).collect::<Vec<_>>();
    Collapsed::from_days(
        &column(|c| c.repeats),
        &column(|c| c.days_at_last),
        &column(|c| c.days),
    )
    .unwrap()
}

/// A history as printed in the reference files: ages in weeks to 10 digits, whole days in truth.
pub fn history(row: &Value) -> PurchaseHistory {
    let days = |field: &str| (number(&row[field]) * 7.0).round() as u32;
    PurchaseHistory::from_days(row["x"].as_u64().unwrap() as u32, days("t_x"), days("T"))
}

pub fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}

pub fn numbers<const N: usize>(params: &Value, names: [&str; N]) -> [f64; N] {
    names.map(|name| number(&params[name]))
}

#[track_caller]
pub fn assert_close(found: f64, expected: f64, relative: f64, what: &str) {
    assert!(
        (found - expected).abs() <= relative * expected.abs(),
        "{what}: {found} is not within {relative} of {expected}"
    );
}

/// `KEJI_SHARED_DATA`, or beside the checkout.
fn directory() -> PathBuf {
    match std::env::var_os("KEJI_SHARED_DATA") {
        Some(place) => PathBuf::from(place),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    }
}

/// One value per row of a plain or compressed file.
pub fn read<T>(name: &str, parse: impl Fn(&csv::StringRecord) -> T) -> Vec<T> {
    records(name).iter().map(parse).collect()
}

/// All rows of a file, without its header.
pub fn records(name: &str) -> Vec<csv::StringRecord> {
    let file = std::fs::File::open(directory().join(name)).unwrap();
    let reader: Box<dyn Read> = if name.ends_with(".gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    csv::Reader::from_reader(reader)
        .records()
        .map(Result::unwrap)
        .collect()
}

/// A decimal number as ten-thousandths, without going through a float.
fn scaled(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 4, "more than four decimals: {text}");
    format!("{whole}{fraction:0<4}").parse().unwrap()
}

//! Times the store's part of an import, without a file and its parsing:
//!
//! ```text
//! cargo run --release -p keji-store --example import -- FOLDER|postgres://… [rows] [rows per order]
//! ```
//!
//! The customers are a tenth of the orders, as in `bench/make_orders.sql`.
//! The place must be new.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::ToSpan;
use jiff::civil::date;
use jiff::tz::TimeZone;
use keji_schema::{Catalog, Decimal};
use keji_store::*;

const PORTION: u64 = 5_000;
/// As the import of a file does it.
const MARK: u64 = 50_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().ok_or("where?")?;
    let n_rows: u64 = arguments.next().as_deref().unwrap_or("1000000").parse()?;
    let n_lines: u64 = arguments.next().as_deref().unwrap_or("1").parse()?;
    let location = match place.starts_with("postgres") {
        true => Location::Postgres(place),
        false => Location::Folder(PathBuf::from(place)),
    };
    let store = Store::open(&location, Arc::new(Catalog::standard()?)).await?;

    let begun = Instant::now();
    let new = NewBatch {
        fingerprint: Some("example".to_owned()),
        ..NewBatch::new("orders.csv", "example", "cli")
    };
    let batch = store.import_begin(&new).await?;
    for first in (0..n_rows).step_by(PORTION as usize) {
        let last = (first + PORTION).min(n_rows);
        let rows: Vec<_> = (first..last).map(|n| row(n, n_rows, n_lines)).collect();
        store.import_stage(batch.id, &rows).await?;
        if last.is_multiple_of(MARK) {
            let mark = StageMark {
                row_no: last,
                rows: last,
                ..StageMark::default()
            };
            store.import_mark(batch.id, &mark).await?;
        }
    }
    let staged = begun.elapsed();
    let summary = store.import_merge(batch.id, &Cancel::new()).await?;
    let all = begun.elapsed();
    let merged = all - staged;
    println!(
        "{} rows: staging {:.2} s, merge {:.2} s, {:.0} rows/s, peak {} MB",
        summary.lines_new,
        staged.as_secs_f64(),
        merged.as_secs_f64(),
        n_rows as f64 / all.as_secs_f64(),
        peak_mb(),
    );
    store.close().await;
    Ok(())
}

fn row(n: u64, n_rows: u64, n_lines: u64) -> OrderLineRow {
    let order = n / n_lines;
    let n_customers = (n_rows / n_lines / 10).max(1);
    // A whole that looks like chance and comes out the same each time.
    let random = (n ^ 0x9e37_79b9)
        .wrapping_mul(0xff51_afd7_ed55_8ccd)
        .rotate_left(29);
    let random = random.wrapping_mul(0xc4ce_b9fe_1a85_ec53) ^ (random >> 31);
    let n_orders = (n_rows / n_lines).max(1);
    let day = date(2023, 1, 1) + ((order * 1095 / n_orders) as i64).days();
    let of_order = (order ^ 0x51).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 20;
    let quantity = Decimal::from_units((random % 9 + 1) as i64 * 10_000);
    let price = Decimal::from_units((random % 100_000) as i64 * 100);
    OrderLineRow {
        row_no: n + 1,
        order_number: Some(format!("{}", 1_000_000 + order)),
        kind: None,
        customer_number: Some(format!("C{:07}", of_order % n_customers)),
        customer_name: None,
        customer_kind: None,
        country: None,
        region: None,
        city: None,
        industry: None,
        owner: None,
        phone: None,
        email: None,
        product_number: Some(format!("P{:03}", random % 1000)),
        product_name: None,
        category: None,
        ordered_at: day
            .to_zoned(TimeZone::UTC)
            .map_or(jiff::Timestamp::UNIX_EPOCH, |at| at.timestamp()),
        ordered_on: day,
        channel: None,
        currency: None,
        quantity,
        price,
        amount: quantity.checked_mul(price).unwrap_or_default(),
        freight: None,
        discount: None,
        row_hash: random as i64,
    }
}

/// Where the system says it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

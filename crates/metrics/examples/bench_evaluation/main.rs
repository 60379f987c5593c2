//! Measures the evaluation's hot path: purchase histories of 1,000,000
//! customers from 10,000,000 orders and their RFM scores by rank.
//!
//! `bench_evaluation <folder> [customers] [orders]` makes the base in the
//! folder when it is absent, reads it once and prints one line of JSON:
//! processor seconds (user and system, of the measured part only), seconds by
//! the clock, the peak memory of the process, and what came out.
//! `bench/run_peers.py` runs it beside its peers.

mod base;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use jiff::civil::Date;
use keji_metrics::copy::DataFile;
use keji_metrics::copy::columns::copy_columns;
use keji_metrics::summaries::{Summaries, Summary, summarise};
use keji_models::rfm::{self, Customers, Rule, Scores};
use keji_schema::Catalog;
use serde_json::{Value as Json, json};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(args.first().ok_or("which folder?")?);
    let n_customers = args.get(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let n_orders = args.get(2).map_or(Ok(10_000_000), |n| n.parse())?;
    // The measured run is a process of its own, so that making the base does
    // not count in its peak memory.
    if !folder.exists() {
        let columns =
            copy_columns(&Catalog::standard()?, "order")?.ok_or("orders are not copied")?;
        let making = folder.with_extension("making");
        base::write(&making, &columns, n_customers, n_orders)?;
        std::fs::rename(making, folder)?;
        println!("{}", json!({ "made": folder }));
        return Ok(());
    }
    let files = files(folder)?;
    let (cpu, clock) = (cpu_s()?, Instant::now());
    let summaries = summarise(&files, base::TO, n_customers as usize)?;
    let summarised = cpu_s()? - cpu;
    let (customers, scores) = score(&summaries)?;
    let figures = json!({
        "cpu_s": cpu_s()? - cpu,
        "summaries_cpu_s": summarised,
        "clock_s": clock.elapsed().as_secs_f64(),
        "peak_mb": peak_mb()?,
        "result": result(&summaries, customers, &scores),
    });
    println!("{figures}");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<DataFile>, Box<dyn Error>> {
    let mut files = Vec::new();
    for month in std::fs::read_dir(folder)? {
        let month = month?.path();
        let name = month
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        let first: Date = format!("{}-01", name.trim_start_matches("month=")).parse()?;
        for file in std::fs::read_dir(&month)? {
            let file = file?;
            let n_bytes = file.metadata()?.len();
            files.push(DataFile {
                path: file.path(),
                month: Some(first),
                n_rows: 0,
                n_bytes,
            });
        }
    }
    files.sort_by(|a, b| (a.month, &a.path).cmp(&(b.month, &b.path)));
    Ok(files)
}

/// Everyone with a purchase, by the reference rule: days since the last
/// purchase, number of orders, gross sales over the whole history.
fn score(summaries: &Summaries) -> Result<(usize, Scores), Box<dyn Error>> {
    let buyers: Vec<_> = summaries.iter().filter(|s| s.n_purchase_days > 0).collect();
    // Numbers of equal width, so that ties break in the order of the ids.
    let text: String = buyers
        .iter()
        .map(|s| format!("{:08}", s.customer))
        .collect();
    let ids: Vec<&str> = (0..buyers.len()).map(|i| &text[i * 8..][..8]).collect();
    let days = |s: &Summary| days_since_last(s, summaries.as_of());
    let scores = rfm::score(
        &Customers {
            ids: &ids,
            days_since_last: &buyers.iter().map(days).collect::<Vec<_>>(),
            frequency: &buyers.iter().map(|s| s.n_orders).collect::<Vec<_>>(),
            monetary: &buyers
                .iter()
                .map(|s| i128::from(s.gross_units))
                .collect::<Vec<_>>(),
        },
        &Rule::Rank,
    )?;
    Ok((buyers.len(), scores))
}

fn days_since_last(summary: &Summary, as_of: Date) -> u32 {
    summary
        .days_since_last(as_of)
        .and_then(|d| u32::try_from(d).ok())
        .unwrap_or(u32::MAX)
}

/// What every engine must find: the totals, and how many customers have each
/// of the 125 scores.
fn result(summaries: &Summaries, n_buyers: usize, scores: &Scores) -> Json {
    let mut cells = serde_json::Map::new();
    let mut counts = [0u32; 1000];
    for i in 0..n_buyers {
        counts[usize::from(scores.cell(i))] += 1;
    }
    for (cell, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        cells.insert(cell.to_string(), n.into());
    }
    let total =
        |value: &dyn Fn(&Summary) -> i64| -> i64 { summaries.iter().map(|s| value(&s)).sum() };
    json!({
        "customers": summaries.len(),
        "buyers": n_buyers,
        "orders": total(&|s| s.n_orders.into()),
        "purchase_days": total(&|s| s.n_purchase_days.into()),
        "gross_units": total(&|s| s.gross_units),
        "first_gross_units": total(&|s| s.first_gross_units),
        "net_units": total(&|s| s.net_units),
        "net_365_units": total(&|s| s.net_365_units),
        "net_180_units": total(&|s| s.net_180_units),
        "net_180_before_units": total(&|s| s.net_180_before_units),
        "purchase_days_365": total(&|s| s.n_purchase_days_365.into()),
        "returns": total(&|s| s.n_returns.into()),
        "median_gaps_doubled": total(&|s| s.median_gap_days().map_or(0, |m| (2.0 * m) as i64)),
        "base_median_gap": summaries.base_median_gap(),
        "rfm": cells,
    })
}

/// Processor seconds of this process so far, in the kernel's ticks of 10 ms.
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold spaces; user and system are fields 14
    // and 15 of the line, 12 and 13 behind it.
    let fields: Vec<&str> = stat[stat.rfind(')').ok_or("no name")? + 2..]
        .split(' ')
        .collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

fn peak_mb() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|l| l.starts_with("VmHWM:"))
        .ok_or("no peak")?;
    let kb: f64 = line
        .trim_start_matches("VmHWM:")
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kb / 1024.0)
}

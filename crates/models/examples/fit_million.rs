//! Fits BG/NBD and Gamma-Gamma to a million customers and predicts for each, with CPU seconds and memory.
//!
//! `cargo run --release -p keji-models --example fit_million [customers.csv]`
//!
//! With a file name, the customers are read from it if it exists, and written to it otherwise, so that another
//! program can be measured on the same ones. Columns: x, t_days, T_days, m.

#[path = "simulation/mod.rs"]
mod simulation;

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::Path;

use keji_models::history::Collapsed;
use keji_models::rfm::{self, Customers, Rule};
use keji_models::{bg_nbd, clv, gamma_gamma, predict};

const N_CUSTOMERS: usize = 1_000_000;
/// Three years.
const MAX_DAYS: u32 = 157 * 7;

#[derive(Default)]
struct Columns {
    repeats: Vec<u32>,
    days_at_last: Vec<u32>,
    days: Vec<u32>,
    mean_spend: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1);
    let columns = match path.as_deref().map(Path::new) {
        Some(path) if path.exists() => read(path)?,
        path => {
            let columns = simulate()?;
            if let Some(path) = path {
                write(path, &columns)?;
            }
            columns
        }
    };
    println!("customers            {}", columns.repeats.len());
    println!("memory before        {}", memory("VmRSS:"));

    let start = cpu_seconds();
    let data = Collapsed::from_days(&columns.repeats, &columns.days_at_last, &columns.days)?;
    let collapsed = cpu_seconds();
    println!(
        "collapse             {:.3} CPU s, {} distinct",
        collapsed - start,
        data.n_groups()
    );

    let purchases = bg_nbd::fit(&data)?;
    let fitted = cpu_seconds();
    println!("BG/NBD fit           {:.3} CPU s", fitted - collapsed);

    let spends = gamma_gamma::Spends::new(&columns.repeats, &columns.mean_spend)?;
    let spend = gamma_gamma::fit(&spends)?;
    let spend_fitted = cpu_seconds();
    println!("Gamma-Gamma fit      {:.3} CPU s", spend_fitted - fitted);

    let plan = clv::Plan::default();
    let predictions = predict::predict_all(&purchases.params, &data, &[52.0], Some(&plan))?;
    let values = clv::values(
        &data,
        &predictions.discounted,
        &spend.params,
        &columns.mean_spend,
        &plan,
    )?;
    let end = cpu_seconds();
    println!("all predictions      {:.3} CPU s", end - spend_fitted);
    println!("total                {:.3} CPU s", end - start);
    println!("peak memory          {}", memory("VmHWM:"));

    println!("BG/NBD               {:?}", purchases.params);
    println!(
        "                     LL {:.5}, {} iterations, gradient {:.1e}",
        purchases.log_likelihood, purchases.iterations, purchases.gradient_norm
    );
    println!("Gamma-Gamma          {:?}", spend.params);
    println!(
        "                     LL {:.5}, {} iterations, gradient {:.1e}",
        spend.log_likelihood, spend.iterations, spend.gradient_norm
    );
    println!(
        "sum of P(alive)      {:.3}",
        predict::total(&data, &predictions.p_alive)
    );
    println!(
        "purchases, 52 weeks  {:.3}",
        predict::total(&data, &predictions.expected[0])
    );
    println!("sum of values        {:.2}", values.iter().sum::<f64>());

    time_rfm(&columns)
}

/// Not part of the total above.
fn time_rfm(columns: &Columns) -> Result<(), Box<dyn Error>> {
    // Not in the order of the rows, as ids from a database are not.
    let n = columns.repeats.len();
    let ids: Vec<String> = (0..n)
        .map(|i| format!("customer-{:07}", i * 7_919 % n))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let recency: Vec<u32> = columns
        .days
        .iter()
        .zip(&columns.days_at_last)
        .map(|(end, last)| end - last)
        .collect();
    let monetary: Vec<i128> = columns
        .mean_spend
        .iter()
        .zip(&columns.repeats)
        .map(|(mean, &x)| (mean * 1e4).round() as i128 * i128::from(x))
        .collect();
    let customers = Customers {
        ids: &ids,
        days_since_last: &recency,
        frequency: &columns.repeats,
        monetary: &monetary,
    };
    for (name, rule) in [("rank", Rule::Rank), ("cut", Rule::Cut)] {
        let start = cpu_seconds();
        let scores = rfm::score(&customers, &rule)?;
        let best = (0..n).filter(|&i| scores.cell(i) == 555).count();
        println!(
            "RFM by {name:<4}          {:.3} CPU s, {best} customers at 555",
            cpu_seconds() - start
        );
    }
    Ok(())
}

fn simulate() -> Result<Columns, Box<dyn Error>> {
    let params = bg_nbd::params(0.25, 4.5, 0.8, 2.5)?;
    let mut random = simulation::Random::new(20_240_601);
    let mut columns = Columns::default();
    for _ in 0..N_CUSTOMERS {
        let days = random.whole(7, MAX_DAYS);
        let customer = simulation::customer(
            &mut random,
            &params,
            [6.0, 3.7, 15.0],
            f64::from(days) / 7.0,
            0.0,
        );
        let history = customer.history;
        // A day ends after its purchases, and purchases of one day are one: x cannot exceed the days.
        let days_at_last = ((history.age_at_last * 7.0).ceil() as u32).min(days);
        columns.repeats.push(history.repeats.min(days_at_last));
        columns.days_at_last.push(days_at_last);
        columns.days.push(days);
        columns
            .mean_spend
            .push((customer.mean_spend * 100.0).ceil() / 100.0);
    }
    Ok(columns)
}

fn read(path: &Path) -> Result<Columns, Box<dyn Error>> {
    let mut columns = Columns::default();
    for line in std::fs::read_to_string(path)?.lines().skip(1) {
        let mut fields = line.split(',');
        let mut next = || fields.next().ok_or("a row needs four columns");
        columns.repeats.push(next()?.parse()?);
        columns.days_at_last.push(next()?.parse()?);
        columns.days.push(next()?.parse()?);
        columns.mean_spend.push(next()?.parse()?);
    }
    Ok(columns)
}

fn write(path: &Path, columns: &Columns) -> std::io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "x,t_days,T_days,m")?;
    for (i, x) in columns.repeats.iter().enumerate() {
        let (t, end, m) = (
            columns.days_at_last[i],
            columns.days[i],
            columns.mean_spend[i],
        );
        writeln!(file, "{x},{t},{end},{m}")?;
    }
    file.flush()
}

/// Of this thread, from Linux; 0 elsewhere. The crate starts no threads.
fn cpu_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or(0.0, |nanoseconds| nanoseconds / 1e9)
}

fn memory(field: &str) -> String {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with(field))?;
            let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(format!("{:.0} MiB", kib / 1024.0))
        })
        .unwrap_or_else(|| "unknown".to_owned())
}

//! The naive rival of every classifier: one column alone, most often the days since the last purchase.
//! Must stay naive; a model that does not beat it is not worth showing.

use crate::error::Result;
use crate::features::{self, Features};

use super::bins::{Bins, Cuts};

/// Customers a bin must bring before its own rate counts more than that of all.
const SMOOTHING: f64 = 10.0;

/// Rates of the outcome in ten groups of equal size, or per level of a category.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleColumn {
    name: String,
    bins: Bins,
    rates: Vec<f64>,
}

/// Fits on the column of that name. Each rate is drawn to that of all as if by 10 more customers.
pub fn fit(features: &Features, name: &str, outcome: &[bool]) -> Result<SingleColumn> {
    let table = only(features, name)?;
    features::check_training(&table, outcome)?;
    let bins = Bins::of(&table, 10);
    let n_bins = bins.columns.first().map_or(0, Cuts::n_bins);
    let overall = outcome.iter().filter(|&&y| y).count() as f64 / outcome.len() as f64;
    let mut counts = vec![(0.0, 0.0); n_bins];
    for column in bins.place(&table) {
        for (bin, &y) in column.into_iter().zip(outcome) {
            let slot: &mut (f64, f64) = &mut counts[usize::from(bin)];
            slot.0 += f64::from(u8::from(y));
            slot.1 += 1.0;
        }
    }
    let rate = |(k, n): (f64, f64)| (k + SMOOTHING * overall) / (n + SMOOTHING);
    Ok(SingleColumn {
        name: name.to_owned(),
        bins,
        rates: counts.into_iter().map(rate).collect(),
    })
}

impl SingleColumn {
    /// Probabilities per row; what training did not see has the rate of all.
    pub fn probabilities(&self, features: &Features) -> Result<Vec<f64>> {
        let table = only(features, &self.name)?;
        table.check_like(&self.bins.shapes)?;
        let placed = self.bins.place(&table).into_iter().flatten();
        Ok(placed.map(|bin| self.rates[usize::from(bin)]).collect())
    }
}

fn only(features: &Features, name: &str) -> Result<Features> {
    let column = features.named(name)?.clone();
    let table = Features::new(features.n_rows());
    match column.values {
        features::Values::Number(values) => table.number(name, values),
        features::Values::Category(codes) => table.category(name, codes),
    }
}

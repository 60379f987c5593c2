//! Cuts every column into at most 255 bins, so that a tree can look for splits in counts instead of sorted values.
//! Must not look at the outcome: cuts are by quantile.
//!
//! Bin 0 is "not known": missing numbers and categories, and levels never seen or too rare to have a bin.

use crate::features::{Column, Features, Shape, Values};

pub(crate) const MISSING: u8 = 0;

/// How the columns of training were cut.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bins {
    pub columns: Vec<Cuts>,
    pub shapes: Vec<Shape>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cuts {
    /// Bin 1 + number of borders below the value.
    Borders(Vec<f64>),
    /// Ascending codes; bin 1 + position.
    Levels(Vec<u32>),
}

impl Bins {
    pub fn of(features: &Features, max_bins: usize) -> Self {
        Self {
            columns: features
                .columns()
                .iter()
                .map(|column| cut(column, max_bins))
                .collect(),
            shapes: features.shapes(),
        }
    }

    /// Bins of a table of the same columns, column by column.
    pub fn place(&self, features: &Features) -> Vec<Vec<u8>> {
        let columns = self.columns.iter().zip(features.columns());
        columns
            .map(|(cuts, column)| match (cuts, &column.values) {
                (Cuts::Borders(borders), Values::Number(values)) => values
                    .iter()
                    .map(|value| {
                        if value.is_nan() {
                            MISSING
                        } else {
                            1 + borders.partition_point(|border| border < value) as u8
                        }
                    })
                    .collect(),
                (Cuts::Levels(levels), Values::Category(codes)) => codes
                    .iter()
                    .map(|code| match code.map(|code| levels.binary_search(&code)) {
                        Some(Ok(position)) => 1 + position as u8,
                        _ => MISSING,
                    })
                    .collect(),
                // Kinds are checked before; another kind would be all unknown.
                _ => vec![MISSING; features.n_rows()],
            })
            .collect()
    }
}

impl Cuts {
    /// One more than the highest bin.
    pub fn n_bins(&self) -> usize {
        match self {
            Cuts::Borders(borders) => borders.len() + 2,
            Cuts::Levels(levels) => levels.len() + 1,
        }
    }
}

fn cut(column: &Column, max_bins: usize) -> Cuts {
    match &column.values {
        Values::Number(values) => {
            let mut sorted: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
            sorted.sort_by(f64::total_cmp);
            Cuts::Borders(borders(&sorted, max_bins))
        }
        Values::Category(codes) => {
            let mut counts = std::collections::BTreeMap::new();
            for &code in codes.iter().flatten() {
                *counts.entry(code).or_insert(0usize) += 1;
            }
            let mut levels: Vec<(u32, usize)> = counts.into_iter().collect();
            levels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            levels.truncate(max_bins);
            let mut levels: Vec<u32> = levels.into_iter().map(|(code, _)| code).collect();
            levels.sort_unstable();
            Cuts::Levels(levels)
        }
    }
}

/// Borders halfway between neighbouring distinct values; at quantiles if there are more of those than bins.
pub(crate) fn borders(sorted: &[f64], max_bins: usize) -> Vec<f64> {
    let between = |low: f64, high: f64| {
        let middle = low + 0.5 * (high - low);
        // A value equal to its border belongs below it, so a rounded middle must not reach the upper value.
        if middle < high { middle } else { low }
    };
    let mut steps: Vec<f64> = Vec::new();
    let mut n_distinct = usize::from(!sorted.is_empty());
    for pair in sorted.windows(2) {
        if pair[0] < pair[1] {
            n_distinct += 1;
            if n_distinct <= max_bins {
                steps.push(between(pair[0], pair[1]));
            }
        }
    }
    if n_distinct <= max_bins {
        return steps;
    }
    steps.clear();
    for k in 1..max_bins {
        let at = k * sorted.len() / max_bins;
        let value = sorted[at];
        // The first value above the quantile's own, so that ties stay in one bin.
        let next = sorted.partition_point(|x| *x <= value);
        if let Some(&high) = sorted.get(next) {
            let border = between(value, high);
            if steps.last().is_none_or(|last| *last < border) {
                steps.push(border);
            }
        }
    }
    steps
}

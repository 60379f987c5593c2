//! How many groups, how stable, and whether there are any: figures for each k, and advice with its reason.
//! Must not decide for the business, which may want five groups whatever the data say.

use crate::error::{self, Result};
use crate::features;
use crate::random::Random;

use super::agreement::Table;
use super::{Points, lloyd, nearest, squared};

/// What the search may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// From 2 groups to this many, at most 20.
    pub max_k: usize,
    pub n_starts: usize,
    /// Bootstrap samples per k.
    pub n_bootstraps: usize,
    /// Reference sets for the gap statistic.
    pub n_references: usize,
    /// Points used; more are thinned at random, as silhouettes cost their square.
    pub max_points: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_k: 8,
            n_starts: 5,
            n_bootstraps: 20,
            n_references: 10,
            max_points: 2000,
            seed: 1,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub k: usize,
    /// Mean of (b-a)/max(a,b), a the mean distance within the group, b to the next one; -1 to 1. By Kaufman &
    /// Rousseeuw (1990) above 0.5 reasonable, below 0.25 nothing substantial.
    pub silhouette: f64,
    /// ln W of points without structure less ln W of these, W the within sum of squares.
    pub gap: f64,
    /// Its simulation error, sd sqrt(1 + 1/B).
    pub gap_error: f64,
    /// Mean adjusted Rand index between these groups and those of bootstrap samples, and its lowest tenth.
    pub stability: f64,
    pub stability_low: f64,
    /// Share of customers in the smallest group.
    pub smallest: f64,
}

/// Figures per k, and what they say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// k = 2, 3, ..
    pub by_k: Vec<Figures>,
    /// By the rule of the paper: the least k whose gap is within one error of the next; 1 says there are no groups.
    pub k_by_gap: usize,
    /// The highest silhouette among stable k (adjusted Rand 0.75 or more); `None` if no k is stable.
    pub k_advised: Option<usize>,
    pub n_points: usize,
}

impl Choice {
    /// Whether groups were shown to be there: more than one by the gap, and a stable k with a silhouette from 0.25.
    pub fn has_groups(&self) -> bool {
        let advised = self.by_k.iter().find(|f| Some(f.k) == self.k_advised);
        self.k_by_gap > 1 && advised.is_some_and(|figures| figures.silhouette >= 0.25)
    }
}

const STABLE: f64 = 0.75;

/// Tries k = 2 to `max_k`. Fails on fewer than 10 points per group tried, and on settings out of range.
pub fn choose(points: &Points, settings: &Settings) -> Result<Choice> {
    error::within("max_k", settings.max_k as f64, 2.0, 20.0)?;
    error::within("n_starts", settings.n_starts as f64, 1.0, 1000.0)?;
    error::within("n_bootstraps", settings.n_bootstraps as f64, 2.0, 1000.0)?;
    error::within("n_references", settings.n_references as f64, 2.0, 1000.0)?;
    error::within("max_points", settings.max_points as f64, 20.0, 20_000.0)?;
    features::at_least("points", 10 * settings.max_k, points.n())?;
    let mut random = Random::new(settings.seed);
    let kept = random.sample(points.n(), settings.max_points);
    let points = points.pick(&kept);
    let gaps = gaps(&points, settings, &mut random)?;
    let mut by_k = Vec::new();
    for (k, &(gap, gap_error)) in (2..=settings.max_k).zip(gaps.iter().skip(1)) {
        let clusters = lloyd(&points, k, settings.n_starts, random.next())?;
        let mut agreements = Vec::new();
        for _ in 0..settings.n_bootstraps {
            let rows: Vec<usize> = (0..points.n()).map(|_| random.below(points.n())).collect();
            let other = lloyd(&points.pick(&rows), k, settings.n_starts, random.next())?;
            let labels = other.assign(&points)?;
            agreements.push(Table::of(&clusters.labels, k, &labels, k)?.adjusted_rand());
        }
        agreements.sort_by(f64::total_cmp);
        let smallest = clusters.sizes().into_iter().min().unwrap_or(0);
        by_k.push(Figures {
            k,
            silhouette: silhouette(&points, &clusters.labels, k),
            gap,
            gap_error,
            stability: agreements.iter().sum::<f64>() / agreements.len() as f64,
            stability_low: agreements[agreements.len() / 10],
            smallest: smallest as f64 / points.n() as f64,
        });
    }
    // Tibshirani et al., step 3: gap(k) >= gap(k+1) - error(k+1).
    let within_one = |pair: &[(f64, f64)]| pair[0].0 >= pair[1].0 - pair[1].1;
    let k_by_gap = gaps
        .windows(2)
        .position(within_one)
        .map_or(gaps.len(), |at| at + 1);
    let mut advised: Option<&Figures> = None;
    for figures in by_k.iter().filter(|figures| figures.stability >= STABLE) {
        if advised.is_none_or(|best| figures.silhouette > best.silhouette) {
            advised = Some(figures);
        }
    }
    Ok(Choice {
        k_by_gap,
        k_advised: advised.map(|figures| figures.k),
        n_points: points.n(),
        by_k,
    })
}

/// Mean silhouette width. A point alone in its group counts 0. Cost: n^2 d.
pub(crate) fn silhouette(points: &Points, labels: &[u32], k: usize) -> f64 {
    let counts = super::sizes(labels, k);
    let mut total = 0.0;
    for i in 0..points.n() {
        let mut sums = vec![0.0; k];
        for j in 0..points.n() {
            sums[labels[j] as usize] += squared(points.row(i), points.row(j)).sqrt();
        }
        let own = labels[i] as usize;
        if counts[own] < 2 {
            continue;
        }
        let a = sums[own] / (counts[own] - 1) as f64;
        let others = (0..k).filter(|&other| other != own && counts[other] > 0);
        let b = others
            .map(|other| sums[other] / counts[other] as f64)
            .fold(f64::INFINITY, f64::min);
        if a.max(b) > 0.0 && b.is_finite() {
            total += (b - a) / a.max(b);
        }
    }
    total / points.n() as f64
}

/// Gap and its error for k = 1, 2, ..; the reference is uniform over the box of the points along their own axes.
///
/// The paper prefers the box along principal axes; the plain one asks for groups a little more readily where columns
/// correlate, which the stability then has to catch.
fn gaps(points: &Points, settings: &Settings, random: &mut Random) -> Result<Vec<(f64, f64)>> {
    let d = points.dimensions();
    let mut limits = vec![(f64::INFINITY, f64::NEG_INFINITY); d];
    for i in 0..points.n() {
        for (limit, &x) in limits.iter_mut().zip(points.row(i)) {
            *limit = (limit.0.min(x), limit.1.max(x));
        }
    }
    let ours = log_within(points, settings, random)?;
    let mut references = vec![Vec::new(); ours.len()];
    for _ in 0..settings.n_references {
        let mut values = Vec::with_capacity(points.n() * d);
        for _ in 0..points.n() {
            for (low, high) in &limits {
                values.push(low + (high - low) * random.unit());
            }
        }
        let n = points.n();
        let reference = Points { n, d, values };
        for (list, w) in references
            .iter_mut()
            .zip(log_within(&reference, settings, random)?)
        {
            list.push(w);
        }
    }
    let n = settings.n_references as f64;
    let gap = |(list, ours): (&Vec<f64>, &f64)| {
        let mean = list.iter().sum::<f64>() / n;
        let variance = list.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n;
        (mean - ours, (variance * (1.0 + 1.0 / n)).sqrt())
    };
    Ok(references.iter().zip(&ours).map(gap).collect())
}

/// ln of the within sum of squares for k = 1, 2, ..
fn log_within(points: &Points, settings: &Settings, random: &mut Random) -> Result<Vec<f64>> {
    let n = points.n() as f64;
    let mut mean = vec![0.0; points.dimensions()];
    for i in 0..points.n() {
        for (sum, x) in mean.iter_mut().zip(points.row(i)) {
            *sum += x / n;
        }
    }
    let centre = [mean];
    let one: f64 = (0..points.n())
        .map(|i| nearest(points.row(i), &centre).1)
        .sum();
    let mut list = vec![one.max(f64::MIN_POSITIVE).ln()];
    for k in 2..=settings.max_k {
        let within = lloyd(points, k, settings.n_starts, random.next())?.within;
        list.push(within.max(f64::MIN_POSITIVE).ln());
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points 0, 1 | 10, 11 by hand: a = 1; b = 10.5 for the outer ones and 9.5 for the inner.
    #[test]
    fn silhouette_by_hand() {
        let points = Points {
            n: 4,
            d: 1,
            values: vec![0.0, 1.0, 10.0, 11.0],
        };
        let found = silhouette(&points, &[0, 0, 1, 1], 2);
        assert!((found - 0.5 * (9.5 / 10.5 + 8.5 / 9.5)).abs() < 1e-15);
        // A point alone counts 0.
        let found = silhouette(&points, &[0, 1, 2, 2], 3);
        assert!((found - 0.25 * (8.0 / 9.0 + 9.0 / 10.0)).abs() < 0.02);
    }
}

//! Groups of customers that behave alike, found by k-means, and whether there are any.
//! Must not name groups for people; [`personas`] says what sets each apart, the business gives the words.
//!
//! ```text
//!  features -> Scaling -> Points -> fit (k given)  -> personas (names that stay) -> drift of shares
//!                            |
//!                         choose (how many, how stable, any at all)
//! ```
//!
//! Columns are scaled by median and interquartile range, optionally after a signed logarithm, and cut at
//! [`LIMIT`] such units, so that a few very large customers do not make a group of their own and squeeze all others
//! into one. k-means then minimises squared distances (Lloyd 1982), started by k-means++ (Arthur & Vassilvitskii
//! 2007, SODA) from a seed, several times over; clusters are numbered from the largest down.
//!
//! | question | where | reference |
//! |---|---|---|
//! | how well apart | [`choose`]: silhouette | Rousseeuw (1987), J. Comput. Appl. Math. 20:53 |
//! | any groups at all | [`choose`]: gap statistic | Tibshirani, Walther & Hastie (2001), JRSS B 63:411 |
//! | the same again with other customers | [`choose`]: adjusted Rand index over bootstrap | Hubert & Arabie (1985), J. Classification 2:193; Hennig (2007), CSDA 52:258 |
//! | the same as last quarter | [`personas`] | Kuhn (1955), Naval Res. Logist. 2:83 |
//!
//! When not to believe it: k-means cuts any cloud into k pieces. Where the gap statistic asks for one group, or the
//! stability is low, the pieces are a ruler laid on a continuum: useful for reports, not types of people.
//!
//! ```
//! use keji_models::features::Features;
//! use keji_models::segmentation::{self, Scaling};
//! let frequency: Vec<f64> = (0..60).map(|i| f64::from(i % 3 * 10 + i % 2)).collect();
//! let spend: Vec<f64> = (0..60).map(|i| f64::from(i % 3 * 100 + i % 5)).collect();
//! let table = Features::new(60).number("frequency", frequency)?.number("spend", spend)?;
//! let scaling = Scaling::fit(&table, &["spend"])?; // spend on a log scale
//! let points = scaling.points(&table)?;
//! let clusters = segmentation::fit(&points, 3, 5, 1)?;
//! assert_eq!(clusters.sizes(), [20, 20, 20]);
//! assert_eq!(clusters.labels[0], clusters.labels[3]);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, ColumnProblem, Result};
use crate::features::{self, Features, Shape};
use crate::random::Random;

pub mod agreement;
pub mod choose;
pub mod personas;

/// Scaled values beyond this many robust standard deviations are cut.
pub const LIMIT: f64 = 3.5;

/// Interquartile range of a normal distribution in standard deviations.
const NORMAL_IQR: f64 = 1.348_979_500_392_163_5;

/// How columns become comparable: (f(x) - median) / (IQR / 1.349), f the identity or a signed logarithm.
///
/// Keep it with the clusters: points of a later period must be scaled as those of the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    pub columns: Vec<ColumnScale>,
    shapes: Vec<Shape>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ColumnScale {
    pub name: String,
    /// Whether x was replaced by sign(x) ln(1+|x|).
    pub is_log: bool,
    pub median: f64,
    /// One robust standard deviation; the ordinary one where more than half of the values are equal.
    pub unit: f64,
}

/// n points in d dimensions, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    n: usize,
    d: usize,
    values: Vec<f64>,
}

impl Scaling {
    /// `log_columns` names skewed columns such as amounts. Fails on categories, on missing values (say what they
    /// stand for first: a customer without orders has frequency 0, not "unknown"), on constant columns, and on names
    /// that are not there.
    pub fn fit(table: &Features, log_columns: &[&str]) -> Result<Self> {
        features::at_least("columns", 1, table.columns().len())?;
        features::at_least("rows", 2, table.n_rows())?;
        for name in log_columns {
            table.named(name)?;
        }
        let mut columns = Vec::new();
        for column in table.columns() {
            let values = column.numbers()?;
            if let Some(row) = values.iter().position(|x| x.is_nan()) {
                return Err(error::column(&column.name, ColumnProblem::Missing { row }));
            }
            let is_log = log_columns.contains(&column.name.as_str());
            let mut values: Vec<f64> = values.iter().map(|&x| stretch(x, is_log)).collect();
            values.sort_by(f64::total_cmp);
            let n = values.len() as f64;
            let iqr = quantile(&values, 0.75) - quantile(&values, 0.25);
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let unit = if iqr > 0.0 {
                iqr / NORMAL_IQR
            } else {
                variance.sqrt()
            };
            if values.first() == values.last() || unit <= 0.0 {
                return Err(error::column(&column.name, ColumnProblem::Constant));
            }
            columns.push(ColumnScale {
                name: column.name.clone(),
                is_log,
                median: quantile(&values, 0.5),
                unit,
            });
        }
        Ok(Self {
            columns,
            shapes: table.shapes(),
        })
    }

    /// The rows of a table of the same columns as points. Fails as [`Scaling::fit`], but takes constant columns.
    pub fn points(&self, table: &Features) -> Result<Points> {
        table.check_like(&self.shapes)?;
        let (n, d) = (table.n_rows(), self.columns.len());
        let mut values = vec![0.0; n * d];
        for (j, (scale, column)) in self.columns.iter().zip(table.columns()).enumerate() {
            for (row, &x) in column.numbers()?.iter().enumerate() {
                if x.is_nan() {
                    return Err(error::column(&column.name, ColumnProblem::Missing { row }));
                }
                let scaled = (stretch(x, scale.is_log) - scale.median) / scale.unit;
                values[row * d + j] = scaled.clamp(-LIMIT, LIMIT);
            }
        }
        Ok(Points { n, d, values })
    }

    /// A scaled value of a column back in the column's unit.
    pub fn unscale(&self, column: usize, scaled: f64) -> Option<f64> {
        let scale = self.columns.get(column)?;
        let x = scale.median + scale.unit * scaled;
        Some(if scale.is_log {
            x.signum() * x.abs().exp_m1()
        } else {
            x
        })
    }
}

fn stretch(x: f64, is_log: bool) -> f64 {
    if is_log {
        x.signum() * x.abs().ln_1p()
    } else {
        x
    }
}

/// Linear between order statistics, as numpy and R type 7; `sorted` is not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let low = position.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * (position - low as f64)
}

impl Points {
    pub fn n(&self) -> usize {
        self.n
    }

    pub fn dimensions(&self) -> usize {
        self.d
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.d..(i + 1) * self.d]
    }

    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        Self {
            n: rows.len(),
            d: self.d,
            values: rows
                .iter()
                .flat_map(|&row| self.row(row))
                .copied()
                .collect(),
        }
    }
}

/// k groups, the largest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// k centres of d scaled values.
    pub centres: Vec<Vec<f64>>,
    /// Per point.
    pub labels: Vec<u32>,
    /// Sum of squared distances to the own centre.
    pub within: f64,
    /// Of the best start.
    pub iterations: usize,
    /// Share of starts that ended within 0.1% of the best sum: low means a landscape of many valleys.
    pub agreeing_starts: f64,
}

impl Clusters {
    pub fn k(&self) -> usize {
        self.centres.len()
    }

    pub fn sizes(&self) -> Vec<usize> {
        sizes(&self.labels, self.k())
    }

    /// The nearest centre of each point; points of other customers, scaled alike. Fails on other dimensions.
    pub fn assign(&self, points: &Points) -> Result<Vec<u32>> {
        let d = self.centres.first().map_or(0, Vec::len);
        error::same_length("a point, in columns,", d, points.d)?;
        Ok((0..points.n)
            .map(|i| nearest(points.row(i), &self.centres).0 as u32)
            .collect())
    }
}

/// Groups points into `k` (2 to 50), the best of `n_starts` starts from `seed`.
///
/// Fails on fewer than k distinct points, and on k out of range. Cost: n k d per iteration, some tens of iterations.
pub fn fit(points: &Points, k: usize, n_starts: usize, seed: u64) -> Result<Clusters> {
    error::within("k", k as f64, 2.0, 50.0)?;
    error::within("n_starts", n_starts as f64, 1.0, 1000.0)?;
    features::at_least("points", k, points.n)?;
    lloyd(points, k, n_starts, seed)
}

/// Groups points of a later period, started from the centres of an earlier one instead of anew.
///
/// Where groups are pieces of a continuum there are many divisions almost as good as the best, and a fresh start picks
/// another one each quarter for no reason in the customers; this one moves only as far as they did. Both periods must
/// be scaled alike. Fails on other dimensions and on fewer points than groups.
pub fn refit(before: &Clusters, points: &Points) -> Result<Clusters> {
    let d = before.centres.first().map_or(0, Vec::len);
    error::same_length("a point, in columns,", d, points.d)?;
    features::at_least("points", before.k(), points.n)?;
    let mut found = run(points, before.centres.clone());
    found.agreeing_starts = 1.0;
    Ok(by_size(found))
}

pub(crate) fn lloyd(points: &Points, k: usize, n_starts: usize, seed: u64) -> Result<Clusters> {
    let mut random = Random::new(seed);
    let mut best = run(points, start(points, k, &mut random)?);
    let mut sums = vec![best.within];
    for _ in 1..n_starts {
        let found = run(points, start(points, k, &mut random)?);
        sums.push(found.within);
        if found.within < best.within {
            best = found;
        }
    }
    let n_agreeing = sums.iter().filter(|sum| **sum <= 1.001 * best.within);
    best.agreeing_starts = n_agreeing.count() as f64 / sums.len() as f64;
    Ok(by_size(best))
}

/// k-means++: each next centre is a point drawn with probability proportional to its squared distance to the
/// nearest so far.
fn start(points: &Points, k: usize, random: &mut Random) -> Result<Vec<Vec<f64>>> {
    let mut centres = vec![points.row(random.below(points.n)).to_vec()];
    let mut nearest: Vec<f64> = (0..points.n)
        .map(|i| squared(points.row(i), &centres[0]))
        .collect();
    while centres.len() < k {
        let total: f64 = nearest.iter().sum();
        if total <= 0.0 {
            // All points sit on the centres there are.
            features::at_least("distinct points", k, centres.len())?;
        }
        let mut left = random.unit() * total;
        // The last point with any distance, should rounding leave something over.
        let mut chosen = 0;
        for (i, distance) in nearest.iter().enumerate() {
            if *distance > 0.0 {
                chosen = i;
                left -= distance;
                if left < 0.0 {
                    break;
                }
            }
        }
        let centre = points.row(chosen).to_vec();
        for (i, distance) in nearest.iter_mut().enumerate() {
            *distance = distance.min(squared(points.row(i), &centre));
        }
        centres.push(centre);
    }
    Ok(centres)
}

fn run(points: &Points, mut centres: Vec<Vec<f64>>) -> Clusters {
    const MAX_ITERATIONS: usize = 300;
    let k = centres.len();
    let mut labels = vec![u32::MAX; points.n];
    let mut within;
    let mut iterations = 0;
    loop {
        iterations += 1;
        let mut is_changed = false;
        within = 0.0;
        let mut farthest = (0.0, 0);
        for (i, label) in labels.iter_mut().enumerate() {
            let (own, distance) = nearest(points.row(i), &centres);
            is_changed |= *label != own as u32;
            *label = own as u32;
            within += distance;
            if distance > farthest.0 {
                farthest = (distance, i);
            }
        }
        if !is_changed || iterations == MAX_ITERATIONS {
            break;
        }
        let counts = sizes(&labels, k);
        for centre in &mut centres {
            centre.fill(0.0);
        }
        for (i, &label) in labels.iter().enumerate() {
            for (sum, x) in centres[label as usize].iter_mut().zip(points.row(i)) {
                *sum += x;
            }
        }
        for (centre, &count) in centres.iter_mut().zip(&counts) {
            if count == 0 {
                // A centre that lost all its points starts again where the fit is worst.
                centre.copy_from_slice(points.row(farthest.1));
            } else {
                centre.iter_mut().for_each(|sum| *sum /= count as f64);
            }
        }
    }
    Clusters {
        centres,
        labels,
        within,
        iterations,
        agreeing_starts: 0.0,
    }
}

/// Numbers clusters from the largest down, equal ones by their centres, so that the order of starts does not show.
fn by_size(mut clusters: Clusters) -> Clusters {
    let counts = clusters.sizes();
    let mut order: Vec<usize> = (0..clusters.k()).collect();
    order.sort_by(|&a, &b| {
        let centres = clusters.centres[a].iter().zip(&clusters.centres[b]);
        let by_centre = centres.map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
        counts[b]
            .cmp(&counts[a])
            .then(by_centre.unwrap_or(std::cmp::Ordering::Equal))
    });
    let mut place = vec![0; order.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old] = new as u32;
    }
    for label in &mut clusters.labels {
        *label = place[*label as usize];
    }
    clusters.centres = order
        .iter()
        .map(|&old| clusters.centres[old].clone())
        .collect();
    clusters
}

/// The nearest centre, the first of equals, and the squared distance to it.
pub(crate) fn nearest(point: &[f64], centres: &[Vec<f64>]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (i, centre) in centres.iter().enumerate() {
        let distance = squared(point, centre);
        if distance < best.1 {
            best = (i, distance);
        }
    }
    best
}

pub(crate) fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

pub(crate) fn sizes(labels: &[u32], k: usize) -> Vec<usize> {
    let mut sizes = vec![0; k];
    for &label in labels {
        sizes[label as usize] += 1;
    }
    sizes
}

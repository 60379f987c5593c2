//! How two series move together, at once or one behind the other. Must not say which causes which.
//!
//! Values of one month resemble those of the month before, so twelve of them tell less than twelve throws of a die:
//! the interval counts an effective number of pairs, not the pairs (see [`Correlation::n_effective`]).
//!
//! ```
//! use keji_models::correlation::{Method, lagged};
//! use keji_models::interval::USUAL_LEVEL;
//! // What sells today was asked for two months ago.
//! let asked = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3].map(|n| Some(f64::from(n)));
//! let mut sold = [None; 16];
//! sold[2..].copy_from_slice(&asked[..14]);
//! let found = lagged(Method::Pearson, &asked, &sold, 2, USUAL_LEVEL)?.unwrap();
//! assert_eq!(found.n, 14);
//! assert!((found.r - 1.0).abs() < 1e-12);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::Result;
use crate::interval::{Interval, critical};

/// With fewer pairs, effective ones too, there is no number.
pub const FEWEST: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Of the values: how close they lie to a line.
    Pearson,
    /// Of the ranks, ties at their mean: whether one rises where the other does.
    Spearman,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Within -1..=1.
    pub r: f64,
    /// Pairs that both series have.
    pub n: usize,
    /// n (1 - a b) / (1 + a b), with a and b the correlation of each series with itself one step later (Bartlett 1935,
    /// JRSS 98:536-543), at most n.
    pub n_effective: f64,
    pub interval: Interval,
}

/// `x` at each step with `y` `lag` steps later; a negative lag takes `y` earlier. Steps where either is missing or not
/// finite take no part.
///
/// None with fewer than [`FEWEST`] pairs, or where one of the two never changes. Fails unless the level lies between
/// 0 and 1.
pub fn lagged(
    method: Method,
    x: &[Option<f64>],
    y: &[Option<f64>],
    lag: i32,
    level: f64,
) -> Result<Option<Correlation>> {
    let back = lag.unsigned_abs() as usize;
    let (skip_x, skip_y) = if lag < 0 { (back, 0) } else { (0, back) };
    let pairs = x.iter().skip(skip_x).zip(y.iter().skip(skip_y));
    let is_there = |value: &Option<f64>| value.filter(|v| v.is_finite());
    let (x, y): (Vec<f64>, Vec<f64>) = pairs
        .filter_map(|(x, y)| Some((is_there(x)?, is_there(y)?)))
        .unzip();
    let z = critical(level)?;
    let n = x.len();
    if n < FEWEST {
        return Ok(None);
    }
    let (x, y) = match method {
        Method::Pearson => (x, y),
        Method::Spearman => (ranks(&x), ranks(&y)),
    };
    let Some(r) = pearson(&x, &y) else {
        return Ok(None);
    };
    let persistence = [&x, &y].map(|s| pearson(&s[..n - 1], &s[1..]).unwrap_or(0.0));
    let n_effective = effective(n, persistence);
    if n_effective < FEWEST as f64 {
        return Ok(None);
    }
    Ok(Some(Correlation {
        r,
        n,
        n_effective,
        interval: fisher(method, r, n_effective, z),
    }))
}

fn effective(n: usize, [a, b]: [f64; 2]) -> f64 {
    let n = n as f64;
    // Series that alternate would seem to know more than they have pairs.
    let both = (a * b).max(0.0);
    n * (1.0 - both) / (1.0 + both)
}

/// tanh(artanh r +- z s) with s = 1/sqrt(n - 3) (Fisher 1921, Metron 1:3-32); of ranks
/// s = sqrt((1 + r^2/2) / (n - 3)) (Bonett & Wright 2000, Psychometrika 65:23-28).
fn fisher(method: Method, r: f64, n: f64, z: f64) -> Interval {
    // On a line there is nothing to be unsure of, as far as it goes.
    if r.abs() >= 1.0 {
        return Interval { low: r, high: r };
    }
    let spread = match method {
        Method::Pearson => 1.0,
        Method::Spearman => 1.0 + r * r / 2.0,
    };
    Interval::around(libm::atanh(r), z * (spread / (n - 3.0)).sqrt()).map(libm::tanh)
}

/// None where one never changes.
fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    // Rounding leaves something of values that are all the same.
    let least = |mean: f64| n * (mean * 1e-12).powi(2);
    if xx <= least(mean_x) || yy <= least(mean_y) {
        return None;
    }
    Some((xy / xx.sqrt() / yy.sqrt()).clamp(-1.0, 1.0)).filter(|r| r.is_finite())
}

/// From 1; equal values share the mean of their places.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = order[from..]
            .iter()
            .take_while(|&&i| values[i] == values[order[from]]);
        let to = from + same.count();
        for &i in &order[from..to] {
            ranks[i] = (from + to + 1) as f64 / 2.0;
        }
        from = to;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::USUAL_LEVEL;

    /// Anscombe (1973), The American Statistician 27:17-21, first set.
    const X: [f64; 11] = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
    const Y: [f64; 11] = [
        8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
    ];

    fn at(method: Method, x: &[f64], y: &[f64], lag: i32) -> Option<Correlation> {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        lagged(method, &some(x), &some(y), lag, USUAL_LEVEL).unwrap()
    }

    /// R 4.3, `cor.test(anscombe$x1, anscombe$y1)`: 0.8164205, 0.4243912 to 0.9506933; printed to seven places.
    #[test]
    fn anscombe() {
        let r = pearson(&X, &Y).unwrap();
        assert!((r - 0.816_420_5).abs() < 5e-8, "{r}");
        let interval = fisher(Method::Pearson, r, 11.0, critical(USUAL_LEVEL).unwrap());
        assert!((interval.low - 0.424_391_2).abs() < 5e-8, "{interval:?}");
        assert!((interval.high - 0.950_693_3).abs() < 5e-8, "{interval:?}");
        // By hand: ranks of y less those of x, squared, are 40; 1 - 6 * 40 / (11 * 120).
        let r = at(Method::Spearman, &X, &Y, 0).unwrap().r;
        assert!((r - (1.0 - 240.0 / 1320.0)).abs() < 1e-12, "{r}");
    }

    #[test]
    fn the_lag_says_which_comes_later() {
        let x = [3, 8, 8, 2, 9, 1, 1, 7, 6, 4, 0, 5, 9, 2, 6, 3].map(f64::from);
        let mut y = vec![4.4, 1.1];
        y.extend(&x[..14]);
        let r = |lag: i32| at(Method::Pearson, &x, &y, lag).unwrap().r;
        assert!((r(2) - 1.0).abs() < 1e-12);
        assert!(r(-2).abs() < 0.5 && r(0).abs() < 0.5);
        // Turned round, the lag turns too.
        let turned = at(Method::Pearson, &y, &x, -2).unwrap();
        assert!((turned.r - 1.0).abs() < 1e-12);
        assert_eq!(turned.n, 14);
    }

    #[test]
    fn little_or_nothing_gives_no_number() {
        assert_eq!(at(Method::Pearson, &X[..7], &Y[..7], 0), None);
        assert_eq!(at(Method::Pearson, &X, &Y, 4), None);
        assert_eq!(at(Method::Pearson, &X, &[0.1; 11], 0), None);
        assert_eq!(at(Method::Spearman, &[5.0; 11], &Y, 0), None);
        assert_eq!(at(Method::Pearson, &[], &[], 3), None);
        // Holes are left out, not taken for zero.
        let mut holed: Vec<Option<f64>> = X.iter().copied().map(Some).collect();
        (holed[0], holed[1]) = (None, Some(f64::NAN));
        let y: Vec<Option<f64>> = Y.iter().copied().map(Some).collect();
        let found = lagged(Method::Spearman, &holed, &y, 0, USUAL_LEVEL).unwrap();
        assert_eq!(found.unwrap().n, 9);
        assert!(lagged(Method::Pearson, &holed, &y, 0, 1.0).is_err());
    }

    /// Two lines that only both rise: 36 months are worth few, and no number is made of them.
    #[test]
    fn what_only_both_rises_proves_nothing() {
        let x: Vec<f64> = (0..36).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| x + (x * 1.7).sin()).collect();
        assert_eq!(at(Method::Pearson, &x, &y, 0), None);
        let (n, r) = (36.0, 0.5);
        assert_eq!(effective(36, [0.5, -0.5]), n);
        assert!((effective(36, [r, r]) - n * 0.75 / 1.25).abs() < 1e-12);
    }

    #[test]
    fn equal_values_share_their_places() {
        assert_eq!(ranks(&[2.0, 1.0, 2.0, 2.0, 5.0]), [3.0, 1.0, 3.0, 3.0, 5.0]);
    }
}

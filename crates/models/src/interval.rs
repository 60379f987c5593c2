//! Confidence intervals for shares, and what every interval of this crate has in common.
//! Must not know where the counts come from.
//!
//! A share is never given as p +- z sqrt(p(1-p)/n): at 0 of n that interval has no width, and near the ends it
//! covers far less often than it says (Brown, Cai & DasGupta 2001, Statistical Science 16:101-133).
//!
//! ```
//! use keji_models::interval::{USUAL_LEVEL, wilson};
//! // Nobody of ten left: up to a quarter may leave all the same.
//! let left = wilson(0.0, 10.0, USUAL_LEVEL)?;
//! assert_eq!(format!("{:.3} {:.3}", left.low, left.high), "0.000 0.278");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::distribution::normal_quantile;
use crate::error::{Error, Result};

/// The confidence level where nothing else is asked for.
pub const USUAL_LEVEL: f64 = 0.95;

/// Both limits belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// Symmetric about `centre`.
    pub(crate) fn around(centre: f64, half_width: f64) -> Self {
        Interval {
            low: centre - half_width,
            high: centre + half_width,
        }
    }

    /// Cut to what is possible at all.
    pub(crate) fn within(self, least: f64, most: f64) -> Self {
        Interval {
            low: self.low.clamp(least, most),
            high: self.high.clamp(least, most),
        }
    }

    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Interval {
            low: f(self.low),
            high: f(self.high),
        }
    }
}

/// The normal quantile of a two-sided interval. Fails unless the level lies between 0 and 1.
pub(crate) fn critical(level: f64) -> Result<f64> {
    if level > 0.0 && level < 1.0 {
        Ok(normal_quantile(0.5 + 0.5 * level))
    } else {
        Err(Error::OutOfRange {
            name: "level",
            value: level,
        })
    }
}

/// Interval of a share, `successes` of `n` (Wilson 1927, JASA 22:209-212). Within \[0, 1\], never without width.
///
/// Neither need be whole: weighted answers enter with their effective number. Fails when `n` is not above zero,
/// or successes lie outside 0..=n.
pub fn wilson(successes: f64, n: f64, level: f64) -> Result<Interval> {
    let z = critical(level)?;
    if !(n > 0.0 && n.is_finite()) {
        return Err(Error::OutOfRange {
            name: "n",
            value: n,
        });
    }
    if !(0.0..=n).contains(&successes) {
        return Err(Error::OutOfRange {
            name: "successes",
            value: successes,
        });
    }
    let p = successes / n;
    let stretch = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / stretch;
    let half = z / stretch * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Ok(Interval {
        // Exactly, where rounding would leave 1e-17.
        low: if successes == 0.0 { 0.0 } else { centre - half },
        high: if successes == n { 1.0 } else { centre + half },
    })
}

/// Interval of the difference of two shares, first less second, each as (successes, n), from independent groups.
///
/// The squared distances of the Wilson limits are added (Newcombe 1998, Statistics in Medicine 17:873-890,
/// method 10). Fails as [`wilson`] does.
pub fn share_difference(first: (f64, f64), second: (f64, f64), level: f64) -> Result<Interval> {
    let [one, two] = [
        wilson(first.0, first.1, level)?,
        wilson(second.0, second.1, level)?,
    ];
    let (p, q) = (first.0 / first.1, second.0 / second.1);
    Ok(Interval {
        low: p - q - (p - one.low).hypot(two.high - q),
        high: p - q + (one.high - p).hypot(q - two.low),
    })
}

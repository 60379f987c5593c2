//! Intervals for shares of customers, and the normal quantiles they need.

/// Two-sided 95%.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's (1927) score interval for `k` of `n`, within 0 and 1 also at the ends; (0, 1) for `n = 0`.
/// `k` may be a fraction, where ties leave an expected count.
pub(crate) fn wilson(k: f64, n: f64, z: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let p = k / n;
    let zz = z * z;
    let centre = (p + zz / (2.0 * n)) / (1.0 + zz / n);
    let half = z / (1.0 + zz / n) * (p * (1.0 - p) / n + zz / (4.0 * n * n)).max(0.0).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// The value a chi-square variable of `df` degrees stays below with probability 95% (Wilson & Hilferty 1931),
/// to about 1% from one degree on.
pub(crate) fn chi_square_95(df: f64) -> f64 {
    const Z: f64 = 1.644_853_626_951_472;
    let s = 2.0 / (9.0 * df);
    df * (1.0 - s + Z * s.sqrt()).powi(3)
}

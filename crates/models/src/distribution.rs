//! Tails and quantiles of the normal and chi-squared distributions.
//! Must not know any model.

use std::f64::consts::{PI, SQRT_2};

/// The value below which a standard normal variable lies with probability `p`; infinite at 0 and 1.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    // Abramowitz & Stegun 26.2.23 is right to 4.5e-4; Halley triples the digits with each step.
    let t = (-2.0 * p.ln()).sqrt();
    let mut z = -(t
        - (2.515517 + t * (0.802853 + t * 0.010328))
            / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
    for _ in 0..3 {
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        if density == 0.0 {
            break;
        }
        let step = (normal_cdf(z) - p) / density;
        z -= step / (1.0 + 0.5 * z * step);
    }
    z
}

pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Probability that a standard normal variable is further from 0 than `z`, on either side.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// Probability that a chi-squared variable with `df` degrees of freedom exceeds `x`; 1 without any.
///
/// The regularised incomplete gamma function, by its series below the mean and its continued fraction above
/// (Abramowitz & Stegun 6.5.29 and 6.5.31), so that tiny tails keep their relative precision.
pub(crate) fn chi_squared_tail(x: f64, df: usize) -> f64 {
    if df == 0 || x <= 0.0 {
        return 1.0;
    }
    let (a, x) = (0.5 * df as f64, 0.5 * x);
    let scale = (a * x.ln() - x - libm::lgamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, a);
        while term > 1e-17 * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return (1.0 - scale * sum).max(0.0);
    }
    // Lentz's method.
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = b.recip();
    let mut fraction = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = (numerator * d + b).recip();
        c = b + numerator / c;
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    scale * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles and tails with 16 digits, from their tables and closed forms.
    #[test]
    fn known_values() {
        let pairs = [
            (normal_quantile(0.975), 1.959_963_984_540_054),
            (normal_quantile(0.9), 1.281_551_565_544_600_4),
            (normal_quantile(1e-10), -6.361_340_902_404_056),
            // With 2 degrees of freedom the tail is exp(-x/2).
            (chi_squared_tail(244.25, 2), (-122.125f64).exp()),
            (chi_squared_tail(0.5, 2), (-0.25f64).exp()),
            // With 1 it is the two-sided normal tail.
            (chi_squared_tail(9.0, 1), two_sided_p(3.0)),
            (chi_squared_tail(0.04, 1), two_sided_p(0.2)),
            // With 4, exp(-x/2) (1 + x/2).
            (chi_squared_tail(7.0, 4), (-3.5f64).exp() * 4.5),
        ];
        for (found, expected) in pairs {
            assert!((found / expected - 1.0).abs() < 2e-13, "{found} {expected}");
        }
        assert!(normal_quantile(0.5).abs() < 1e-15);
        assert_eq!(chi_squared_tail(3.0, 0), 1.0);
    }
}

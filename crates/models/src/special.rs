//! Digamma and trigamma, and differences of logarithms of the gamma function; the logarithm of the gamma function comes from `libm`.
//! Also normal quantiles. For positive arguments only, which is all the models need.

/// The derivative of ln G, to about 1e-15 relative to its terms.
pub(crate) fn digamma(x: f64) -> f64 {
    let (x, shift) = lift(x, |x| -1.0 / x);
    let s = 1.0 / (x * x);
    // Abramowitz & Stegun 6.3.18; the next term is below 1e-18 from x = 12 on.
    let series = s
        * (1.0 / 12.0
            - s * (1.0 / 120.0
                - s * (1.0 / 252.0
                    - s * (1.0 / 240.0
                        - s * (1.0 / 132.0 - s * (691.0 / 32760.0 - s * (1.0 / 12.0)))))));
    shift + x.ln() - 0.5 / x - series
}

/// The second derivative of ln G.
pub(crate) fn trigamma(x: f64) -> f64 {
    let (x, shift) = lift(x, |x| 1.0 / (x * x));
    let s = 1.0 / (x * x);
    // Abramowitz & Stegun 6.4.12.
    let series = s
        * (1.0 / 6.0
            - s * (1.0 / 30.0
                - s * (1.0 / 42.0
                    - s * (1.0 / 30.0
                        - s * (5.0 / 66.0 - s * (691.0 / 2730.0 - s * (7.0 / 6.0)))))));
    shift + (1.0 + 0.5 / x + series) / x
}

/// ln G(x+d) - ln G(x) for x > 0 and d >= 0, exact to its own rounding where the difference of two logarithms is not.
fn ln_gamma_ratio(mut x: f64, d: f64) -> f64 {
    if d == 0.0 {
        return 0.0;
    }
    // Product of (x+i)/(x+d+i) over the steps up to where the asymptotic series holds.
    let mut below = 0.0;
    while x < 16.0 {
        below += (d / x).ln_1p();
        x += 1.0;
    }
    // Abramowitz & Stegun 6.1.40; the next term is below 1e-17 from x = 16 on.
    let correction = |x: f64| {
        let s = 1.0 / (x * x);
        (1.0 / 12.0
            - s * (1.0 / 360.0
                - s * (1.0 / 1260.0
                    - s * (1.0 / 1680.0 - s * (1.0 / 1188.0 - s * (691.0 / 360_360.0))))))
            / x
    };
    let stirling = (x + d - 0.5) * (d / x).ln_1p() + d * (x.ln() - 1.0);
    stirling + correction(x + d) - correction(x) - below
}

/// ln B(a, b+y) - ln B(a, b) for a, b > 0 and y >= 0.
pub(crate) fn ln_beta_ratio(a: f64, b: f64, y: f64) -> f64 {
    // The smaller step leaves the smaller terms to subtract.
    if y <= a {
        ln_gamma_ratio(b, y) - ln_gamma_ratio(a + b, y)
    } else {
        ln_gamma_ratio(b, a) - ln_gamma_ratio(b + y, a)
    }
}

/// Standard deviations either side of the mean that hold `level` of a normal distribution.
pub(crate) fn deviations(level: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle: f64 = 0.5 * (low + high);
        if libm::erfc(middle * std::f64::consts::FRAC_1_SQRT_2) > 1.0 - level {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Moves the argument up to where the asymptotic series holds, with what the recurrence adds on the way.
fn lift(mut x: f64, step: impl Fn(f64) -> f64) -> (f64, f64) {
    let mut shift = 0.0;
    while x < 12.0 {
        shift += step(x);
        x += 1.0;
    }
    (x, shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles() {
        for (level, expected) in [
            (0.95, 1.959_963_984_540_054),
            (0.5, 0.674_489_750_196_081_7),
        ] {
            assert!((deviations(level) - expected).abs() < 1e-13);
        }
    }

    /// Products of (x+i), and the slope psi(x) for a small step.
    #[test]
    fn ratios_of_gamma_functions() {
        for x in [1e-6, 0.3, 5.0, 40.0, 1e9] {
            let (mut product, mut n) = (0.0, 0.0);
            for i in 0..30 {
                let found = ln_gamma_ratio(x, n);
                assert!(
                    (found - product).abs() <= 1e-14 * (1.0 + product.abs()),
                    "{x} {n} {found} {product}"
                );
                product += (x + f64::from(i)).ln();
                n += 1.0;
            }
            let found = ln_gamma_ratio(x, 1e-9 * x) / (1e-9 * x);
            assert!((found / digamma(x) - 1.0).abs() < 1e-6, "{x} {found}");
        }
        assert_eq!(ln_gamma_ratio(3.0, 0.0), 0.0);
        // B(1, b+y)/B(1, b) = b/(b+y), whichever way it is taken.
        for y in [0.5, 1.0, 2.0, 1e12] {
            let found = ln_beta_ratio(1.0, 3.0, y);
            assert!((found / (3.0 / (3.0 + y)).ln() - 1.0).abs() < 1e-14, "{y}");
        }
    }

    /// psi(1) = -gamma, psi(1/2) = -gamma - 2 ln 2, psi'(1) = pi^2/6, psi'(1/2) = pi^2/2 (A&S 6.3.2, 6.3.3, 6.4.2, 6.4.4).
    #[test]
    fn known_values() {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let pi = std::f64::consts::PI;
        let pairs = [
            (digamma(1.0), -EULER),
            (digamma(0.5), -EULER - 2.0 * std::f64::consts::LN_2),
            (digamma(1e-3), -1e3 + digamma(1.001)),
            (digamma(100.0), digamma(99.0) + 1.0 / 99.0),
            (trigamma(1.0), pi * pi / 6.0),
            (trigamma(0.5), pi * pi / 2.0),
            (trigamma(100.0), trigamma(99.0) - 1.0 / 9801.0),
        ];
        for (found, expected) in pairs {
            assert!((found / expected - 1.0).abs() < 4e-15, "{found} {expected}");
        }
    }
}

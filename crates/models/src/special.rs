//! Digamma and trigamma; the logarithm of the gamma function comes from `libm`.
//! For positive arguments only, which is all the models need.

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

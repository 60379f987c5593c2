//! How bad the truth may still be after so many trials: the upper end of the
//! one-sided 95 % interval for the rate of failures. Knows no test.

/// Without a failure 3/n (the rule of three, at most 1), else the exact upper
/// bound of Clopper and Pearson (1934): the rate at which so few failures have
/// a probability of 5 %. 1 when nothing was tried or everything failed.
pub fn bound95(n: u64, failures: u64) -> f64 {
    if n == 0 || failures >= n {
        return 1.0;
    }
    if failures == 0 {
        return (3.0 / n as f64).min(1.0);
    }
    let (mut low, mut high) = (failures as f64 / n as f64, 1.0);
    // Halves the interval to below the last digit that anybody reads.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if at_most(n, failures, middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Probability of at most `k` in `n` at the rate `p`, summed in logarithms:
/// (1 - p)^n alone would be zero for a large n.
fn at_most(n: u64, k: u64, p: f64) -> f64 {
    if p >= 1.0 {
        return if k >= n { 1.0 } else { 0.0 };
    }
    let mut ln_term = n as f64 * (-p).ln_1p();
    let mut sum = ln_term.exp();
    for i in 1..=k {
        ln_term += ((n - i + 1) as f64 / i as f64).ln() + p.ln() - (-p).ln_1p();
        sum += ln_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::bound95;

    #[test]
    fn nothing_found_is_three_in_n() {
        assert_eq!(bound95(60, 0), 0.05);
        assert_eq!(bound95(2, 0), 1.0);
        assert_eq!(bound95(0, 0), 1.0);
    }

    /// Quantiles of the beta distribution: beta.ppf(0.95, k + 1, n - k), where
    /// a case with n - k = 1 has the closed form 0.95^(1/n).
    #[test]
    fn agrees_with_the_beta_distribution() {
        for (n, k, expected) in [
            (10, 1, 0.394_163),
            (60, 1, 0.076_643),
            (100, 5, 0.102_253),
            (10_000, 3, 0.000_775_2),
            (20, 19, 0.95_f64.powf(1.0 / 20.0)),
        ] {
            let bound = bound95(n, k);
            // The published digits.
            assert!((bound / expected - 1.0).abs() < 2e-3, "{n} {k}: {bound}");
        }
        assert_eq!(bound95(7, 7), 1.0);
    }
}

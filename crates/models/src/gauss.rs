//! The Gauss hypergeometric function 2F1(1, b; c; z), in which discounted sums over beta mixtures end.
//! For 0 < b < c and 0 <= z < 1 only, where it is a sum of positive terms.

/// Gauss's continued fraction for 2F1(a, b; c; z) with a = 1 (DLMF section 15.7) by the modified Lentz method.
///
/// Needs about 18/sqrt(1-z) steps, where the series needs 36/(1-z) terms.
pub(crate) fn hypergeometric(b: f64, c: f64, z: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const MAX_STEPS: u32 = 2_000_000;
    // 1/(1 + d_1 z/(1 + d_2 z/(1 + ..))); the running fraction is the denominator.
    let (mut denominator, mut numerators, mut denominators) = (1.0, 1.0, 0.0);
    for step in 1..=MAX_STEPS {
        let k = f64::from(step / 2);
        let d = if step == 1 {
            -b / c
        } else if step % 2 == 1 {
            -(b + k) * (c - 1.0 + k) / ((c - 1.0 + 2.0 * k) * (c + 2.0 * k))
        } else {
            -k * (c - b - 1.0 + k) / ((c - 2.0 + 2.0 * k) * (c - 1.0 + 2.0 * k))
        };
        denominators = 1.0 + d * z * denominators;
        if denominators == 0.0 {
            denominators = TINY;
        }
        denominators = denominators.recip();
        numerators = 1.0 + d * z / numerators;
        if numerators == 0.0 {
            numerators = TINY;
        }
        let change = numerators * denominators;
        denominator *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    denominator.recip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // 2F1(1, 1; 2; z) = -ln(1-z)/z (A&S 15.1.3); 2F1(1, b; b+1; z) = b times the Lerch sum.
        // The value moves by the rounding of z over 1-z.
        for (z, tolerance) in [
            (1e-9, 1e-14),
            (0.1, 1e-14),
            (0.9, 1e-14),
            (1.0 - 1e-6, 1e-10),
        ] {
            let found = hypergeometric(1.0, 2.0, z);
            let expected = -(-z).ln_1p() / z;
            assert!((found / expected - 1.0).abs() < tolerance, "{z} {found}");
        }
        assert_eq!(hypergeometric(3.0, 4.0, 0.0), 1.0);
        for (b, c, z) in [(3.8, 4.5, 0.91), (0.01, 40.0, 0.99), (900.0, 900.2, 0.95)] {
            let (mut term, mut sum) = (1.0, 0.0);
            for k in 0..6_000 {
                sum += term;
                term *= z * (b + f64::from(k)) / (c + f64::from(k));
            }
            let found = hypergeometric(b, c, z);
            assert!((found / sum - 1.0).abs() < 1e-12, "{found} {sum}");
        }
    }
}

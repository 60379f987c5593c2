//! Integrals of smooth positive functions that fall, by Gauss-Legendre panels.
//! Must not know any model.
//!
//! Why not one adaptive rule: an integrand of a likelihood has to be a smooth function of the parameters, so the
//! number of nodes follows from the fall of the integrand, never from an estimate of the error.

/// Nodes and weights of the 12-point rule on (0, 1).
const RULE: [(f64, f64); 12] = {
    // Abramowitz & Stegun, table 25.4, for (-1, 1).
    const HALF: [(f64, f64); 6] = [
        (0.1252334085114689, 0.24914704581340277),
        (0.3678314989981802, 0.2334925365383548),
        (0.5873179542866175, 0.20316742672306592),
        (0.7699026741943047, 0.16007832854334622),
        (0.9041172563704749, 0.10693932599531843),
        (0.9815606342467192, 0.04717533638651183),
    ];
    let mut rule = [(0.0, 0.0); 12];
    let mut i = 0;
    while i < 6 {
        let (node, weight) = HALF[i];
        rule[5 - i] = (0.5 - 0.5 * node, 0.5 * weight);
        rule[6 + i] = (0.5 + 0.5 * node, 0.5 * weight);
        i += 1;
    }
    rule
};

/// A panel is at most this wide: the integrands here have singularities at a distance of pi from the real axis.
const MAX_WIDTH: f64 = 2.5;

/// Over a panel the integrand falls by at most this factor's logarithm; 12 nodes then err by 1e-16 or so.
const MAX_FALL: f64 = 8.0;

/// The integral over (0, `length`), which may be infinite.
///
/// `integrand` is called with a place and the weight of the node, and returns the value there; what else is to be
/// integrated with the same nodes it adds up itself. `fall` is minus its logarithmic derivative, which must not
/// descend. What lies beyond a falling integrand's last digit is left out.
pub(crate) fn integrate(
    length: f64,
    fall: impl Fn(f64) -> f64,
    mut integrand: impl FnMut(f64, f64) -> f64,
) -> f64 {
    let mut start = 0.0;
    let mut sum = 0.0;
    while start < length {
        let mut width = MAX_WIDTH.min(length - start);
        let steepness = fall(start);
        if steepness * width > MAX_FALL {
            width = MAX_FALL / steepness;
        }
        while fall(start + width) * width > MAX_FALL {
            width *= 0.5;
        }
        let mut last = 0.0;
        for (node, weight) in RULE {
            last = integrand(start + width * node, width * weight);
            sum += width * weight * last;
        }
        let end = start + width;
        // From here on the integrand falls at least as fast as an exponential.
        if last <= 1e-17 * sum * fall(end) || end <= start || !sum.is_finite() {
            break;
        }
        start = end;
    }
    sum
}

/// Nodes and weights of equal panels over (0, `length`).
pub(crate) fn nodes(length: f64, n_panels: u32) -> impl Iterator<Item = (f64, f64)> {
    let width = length / f64::from(n_panels);
    (0..n_panels).flat_map(move |panel| {
        RULE.into_iter()
            .map(move |(node, weight)| ((f64::from(panel) + node) * width, width * weight))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_integrals() {
        // exp(-c y) for gentle and steep falls.
        for c in [0.05, 0.7, 30.0, 1e5] {
            let found = integrate(f64::INFINITY, |_| c, |y, _| (-c * y).exp());
            assert!((found * c - 1.0).abs() < 1e-14, "{c} {found}");
            let found = integrate(2.0, |_| c, |y, _| (-c * y).exp());
            assert!((found * c / -(-2.0 * c).exp_m1() - 1.0).abs() < 2e-15);
        }
        // 1/(1 + e^y) from 0 on is ln 2; its singularities lie at a distance of pi.
        let found = integrate(
            f64::INFINITY,
            |y| (1.0 + (-y).exp()).recip(),
            |y, _| (1.0 + y.exp()).recip(),
        );
        assert!(
            (found / std::f64::consts::LN_2 - 1.0).abs() < 1e-14,
            "{found}"
        );
        let found: f64 = nodes(3.0, 2).map(|(y, w)| w * y.powi(5)).sum();
        assert!((found / 121.5 - 1.0).abs() < 1e-14);
    }
}

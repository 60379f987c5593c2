//! What the Pareto/NBD says of a customer: alive or not, expected purchases, and the distribution of outcomes.
//! Must not fit, and must not check arguments; [`crate::predict`] does.
//!
//! With k = r+x, B = beta+T and l = ln((B+H)/B):
//!
//! E[X(T, T+H) | alive] = k B/((alpha+T)(s-1)) (1 - e^(-(s-1) l)),   k B l/(alpha+T) at s = 1,
//!
//! taken as k B/(alpha+T) l expm1(z)/z with z = -(s-1) l, which has no pole.
//!
//! Outcomes: given alive, purchase rate and death rate are independent a posteriori, gamma (k, alpha+T) and gamma
//! (s, B), and v = ln((B + time of death)/B) is exponential with rate s. Purchases until then are negative binomial
//! with size k and probability h/(alpha+T+h), so P(X > j) is an integral over v in (0, l) plus the case of no death.

use crate::history::{Collapsed, PurchaseHistory};
use crate::pareto_nbd::{Death, Params};
use crate::purchase_model::{DropoutWords, PurchaseModel};
use crate::quadrature;

impl PurchaseModel for Params {
    const DROPOUT: DropoutWords = DropoutWords {
        one: "s",
        other: "beta",
        mean_zh: "平均流失速率 s/beta",
        mean_en: "the mean death rate s/beta",
    };

    fn alive(&self, customer: &PurchaseHistory) -> f64 {
        let death = Death::new(self, customer.repeats, customer.age_at_last, customer.age);
        (1.0 + death.ln_odds().exp()).recip()
    }

    fn alive_per_group(&self, data: &Collapsed) -> Vec<f64> {
        data.iter()
            .map(|(customer, _)| self.alive(&customer))
            .collect()
    }

    fn expected_if_alive(&self, repeats: u32) -> impl FnMut(f64, &[f64], &mut [f64]) {
        let params = *self;
        let k = params.r + f64::from(repeats);
        move |age, horizons, out| {
            let until = params.beta + age;
            let rate = k / (params.alpha + age);
            for (slot, horizon) in out.iter_mut().zip(horizons) {
                let l = (horizon / until).ln_1p();
                let z = (1.0 - params.s) * l;
                let mean = if z == 0.0 { 1.0 } else { z.exp_m1() / z };
                *slot = rate * until * l * mean;
            }
        }
    }

    fn outcomes(&self, customer: &PurchaseHistory, horizon: f64) -> impl FnMut() -> f64 {
        let mut paths = paths(self, customer, horizon);
        move || {
            let more = paths
                .iter_mut()
                .map(|path| path.weight * path.advance())
                .sum();
            // What is left of a path is rounding from here on.
            paths.retain(|path| path.above > 1e-15);
            more
        }
    }
}

/// Purchases if death comes at one time, with the weight of that case.
struct Path {
    weight: f64,
    size: f64,
    z: f64,
    j: f64,
    /// P(N = j), or 0 while it is below what a float can multiply; then only its logarithm is kept.
    p: f64,
    ln_p: f64,
    /// P(N >= j).
    above: f64,
}

impl Path {
    /// Well above the smallest float, well below anything that counts.
    const LN_SMALL: f64 = -600.0;

    fn new(weight: f64, size: f64, start: f64, until: f64) -> Self {
        let ln_p = -size * (until / start).ln_1p();
        Path {
            weight,
            size,
            z: until / (start + until),
            j: 0.0,
            p: if ln_p > Self::LN_SMALL {
                ln_p.exp()
            } else {
                0.0
            },
            ln_p,
            above: 1.0,
        }
    }

    /// P(N > j), then j+1 is next.
    fn advance(&mut self) -> f64 {
        self.above = (self.above - self.p).max(0.0);
        let ratio = self.z * (self.size + self.j) / (self.j + 1.0);
        if self.ln_p > Self::LN_SMALL {
            self.p *= ratio;
        } else {
            self.ln_p += ratio.ln();
            if self.ln_p > Self::LN_SMALL {
                self.p = self.ln_p.exp();
            }
        }
        self.j += 1.0;
        self.above
    }
}

fn paths(params: &Params, customer: &PurchaseHistory, horizon: f64) -> Vec<Path> {
    /// More would only sharpen counts in the ten thousands.
    const MAX_PANELS: f64 = 200.0;
    let size = params.r + f64::from(customer.repeats);
    let start = params.alpha + customer.age;
    let until = params.beta + customer.age;
    let alive = params.alive(customer);
    let l = (horizon / until).ln_1p();
    let mut paths = vec![Path::new(
        alive * (-params.s * l).exp(),
        size,
        start,
        horizon,
    )];
    if horizon == 0.0 {
        return paths;
    }
    // P(N > j) turns from 0 to 1 over a few standard deviations of N, of which about 2 sqrt(mean) fit in.
    let mean = size * horizon / start;
    let n_panels = (2.0 + mean.sqrt() + l.max(params.s * l / 8.0)).min(MAX_PANELS);
    paths.extend(quadrature::nodes(l, n_panels as u32).map(|(v, weight)| {
        let density = params.s * (-params.s * v).exp();
        Path::new(alive * weight * density, size, start, until * v.exp_m1())
    }));
    paths
}

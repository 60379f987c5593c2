//! Expected purchases of a customer who is alive, for BG/NBD and MBG/NBD, without poles and without cancellation.
//! Must not know about groups of customers; [`crate::predict`] does.
//!
//! With k = r+x, b' = b+s (s = 1 for MBG), c = a+b'+x-1, q = (alpha+T)/(alpha+T+H), z = 1-q, the published form is
//!
//! E[X(T, T+H) | alive] = c/(a-1) (1 - q^k 2F1(k, b'+x; c; z)).
//!
//! The Euler transform 2F1(k, b'+x; c; z) = q^(a-1-k) 2F1(c-k, a-1; c; z) has small parameters, so nothing
//! overflows for large x. Then q^(1-a) = 1 + (a-1) sum over j >= 1 of (a)_(j-1)/j! z^j is expanded next to it,
//! which cancels the factor a-1 term by term, and with it the removable pole at a = 1:
//!
//! E = q^(a-1) sum over j >= 1 of (a)_(j-1)/j! g_j z^j,   g_j = c (1 - (c-k)_j/(c)_j)
//!
//! g_1 = k,   g_(j+1) = (g_j (c-k+j) + c k)/(c+j),
//!
//! where (.)_j is the rising factorial. The terms do not depend on T or H beyond z: one list per x serves all.
//! Needs about 36/-ln z terms; z is near 1 only when the horizon is much longer than alpha+T.
//!
//! For a beyond [`LARGE_A`] the factors of the product overflow, and the sum over the number N of purchases that
//! would happen without dropout is used instead, all terms positive:
//!
//! E = c/(a-1) sum over n of P(N = n) (1 - (b'+x)_n/(c)_n),   N negative binomial with size k and probability z.

use crate::beta_geometric::Params;

const LARGE_A: f64 = 30.0;

/// Terms beyond this change nothing for any horizon below about a million times alpha+T.
const MAX_TERMS: usize = 4_000_000;

const LANES: usize = 4;

/// The futures of all customers with the same x.
pub(crate) struct Futures {
    alpha: f64,
    a: f64,
    k: f64,
    c: f64,
    coefficients: Vec<f64>,
    /// (a)_(j-1)/j! and g_j of the next coefficient.
    next: [f64; 2],
}

impl Futures {
    pub fn new(params: &Params, repeats: u32) -> Self {
        let k = params.r + f64::from(repeats);
        let b_after = params.b_shifted() + f64::from(repeats);
        Futures {
            alpha: params.alpha,
            a: params.a,
            k,
            c: params.a + b_after - 1.0,
            coefficients: Vec::new(),
            next: [1.0, k],
        }
    }

    /// Writes expected purchases in (T, T+H] given alive at T, for each horizon H.
    pub fn expected(&mut self, age: f64, horizons: &[f64], out: &mut [f64]) {
        if self.a > LARGE_A {
            for (slot, &horizon) in out.iter_mut().zip(horizons) {
                *slot = self.by_purchases(age, horizon);
            }
        } else {
            for (slots, part) in out.chunks_mut(LANES).zip(horizons.chunks(LANES)) {
                self.by_series(age, part, slots);
            }
        }
    }

    fn by_series(&mut self, age: f64, horizons: &[f64], out: &mut [f64]) {
        let start = self.alpha + age;
        let mut z = [0.0; LANES];
        for (lane, horizon) in z.iter_mut().zip(horizons) {
            *lane = horizon / (start + horizon);
        }
        let widest = (0..LANES).fold(0, |best, i| if z[i] > z[best] { i } else { best });
        let mut power = [1.0; LANES];
        let mut sum = [0.0; LANES];
        let mut n_terms = 0;
        loop {
            if self.coefficients.len() == n_terms {
                self.extend(n_terms.max(32));
            }
            let block = &self.coefficients[n_terms..];
            let block = &block[..block.len().min(16)];
            for &coefficient in block {
                for i in 0..LANES {
                    power[i] *= z[i];
                    sum[i] += coefficient * power[i];
                }
            }
            n_terms += block.len();
            // An upper bound of the ratio of later terms, so of the whole tail as a geometric series.
            let j = n_terms as f64;
            let ratio = z[widest] * ((self.a + j) / (j + 1.0)).max(1.0) * (j + 1.0) / j;
            let term = self.coefficients[n_terms - 1] * power[widest];
            let is_done =
                ratio < 1.0 && (term * ratio).abs() <= 1e-16 * (1.0 - ratio) * sum[widest].abs();
            if is_done || n_terms >= MAX_TERMS {
                break;
            }
        }
        for ((slot, horizon), sum) in out.iter_mut().zip(horizons).zip(sum) {
            let ln_q = -(horizon / start).ln_1p();
            *slot = sum * ((self.a - 1.0) * ln_q).exp();
        }
    }

    fn extend(&mut self, n: usize) {
        let [mut weight, mut g] = self.next;
        for _ in 0..n {
            self.coefficients.push(weight * g);
            let j = self.coefficients.len() as f64;
            weight *= (self.a + j - 1.0) / (j + 1.0);
            g = (g * (self.c - self.k + j) + self.c * self.k) / (self.c + j);
        }
        self.next = [weight, g];
    }

    fn by_purchases(&self, age: f64, horizon: f64) -> f64 {
        let start = self.alpha + age;
        let z = horizon / (start + horizon);
        if z == 0.0 {
            return 0.0;
        }
        let mean = self.k * horizon / start;
        let ln_z = z.ln();
        let mut ln_p = -self.k * (horizon / start).ln_1p();
        let (mut lost, mut sum) = (0.0, 0.0);
        for n in 0..MAX_TERMS {
            let n = n as f64;
            let term = ln_p.exp() * lost;
            sum += term;
            let ratio = z * (self.k + n) / (n + 1.0);
            if n > mean && ratio < 1.0 && term * ratio <= 1e-17 * (1.0 - ratio) * sum {
                break;
            }
            ln_p += ln_z + ((self.k + n) / (n + 1.0)).ln();
            lost += (1.0 - lost) * (self.a - 1.0) / (self.c + n);
        }
        self.c / (self.a - 1.0) * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beta_geometric::Dropout;

    /// Both forms are exact; where both are stable they must agree to rounding.
    #[test]
    fn series_and_sum_over_purchases_agree() {
        for dropout in [Dropout::AfterRepeat, Dropout::AfterEvery] {
            for a in [1.5, 5.0, 29.0] {
                let params = Params::new(dropout, 0.9, 6.0, a, 40.0).unwrap();
                for repeats in [0, 3, 60] {
                    let mut futures = Futures::new(&params, repeats);
                    let mut series = [0.0; 2];
                    futures.by_series(20.0, &[13.0, 104.0], &mut series);
                    for (value, horizon) in series.into_iter().zip([13.0, 104.0]) {
                        let sum = futures.by_purchases(20.0, horizon);
                        assert!((value / sum - 1.0).abs() < 1e-12, "{value} {sum}");
                    }
                }
            }
        }
    }
}

//! What BG/NBD and MBG/NBD say of a customer: alive or not, expected purchases without poles and without
//! cancellation, and the distribution of outcomes. Must not fit, and must not check arguments; [`crate::predict`] does.
//!
//! P(alive) = 1 / (1 + e^d), d = ln a - ln(b+s+x-1) + (r+x) ln((alpha+T)/(alpha+t)), and 1 for BG/NBD with x = 0.
//!
//! **Outcomes.** Given alive, purchase rate and dropout probability are independent a posteriori: gamma (r+x,
//! alpha+T) and beta (a, b'') with b'' = b+x for BG and b+x+1 for MBG. Let N be the purchases that would happen in H
//! without dropout. The customer makes at least j of them if N >= j and the first j-1 were not followed by dropout:
//!
//! P(X >= j) = P(alive) P(N >= j) prod over i < j-1 of (b''+i)/(a+b''+i),
//!
//! N negative binomial with size r+x and probability H/(alpha+T+H).
//!
//! **Expectation.**
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
//! For large a the factors overflow, and for r well above a+b' the terms alternate and cancel. There the sum over
//! the number N of purchases that would happen without dropout is used, all terms positive:
//!
//! E = sum over n of P(N = n) m_n,   N negative binomial with size k and probability z,
//!
//! m_n = expected purchases out of n opportunities, m_(n+1) = m_n + (b'+x)_n / (a+b'+x)_n.
//!
//! It needs as many terms as N has likely values, so the series above is better for large x.

use crate::beta_geometric::Params;
use crate::history::{Collapsed, PurchaseHistory};
use crate::purchase_model::{DropoutWords, PurchaseModel};

/// The series is used for a up to this ..
const MAX_A: f64 = 30.0;

/// .. and r - a - b' up to this, where alternation costs about two digits.
const MAX_ALTERNATION: f64 = 6.0;

/// Terms beyond this change nothing for any horizon below about a million times alpha+T.
const MAX_TERMS: usize = 4_000_000;

const LANES: usize = 4;

impl PurchaseModel for Params {
    const DROPOUT: DropoutWords = DropoutWords {
        one: "a",
        other: "b",
        mean_zh: "平均流失概率 a/(a+b)",
        mean_en: "the mean dropout probability a/(a+b)",
    };

    fn alive(&self, customer: &PurchaseHistory) -> f64 {
        let waited = customer.age - customer.age_at_last;
        let gap = (waited / (self.alpha + customer.age_at_last)).ln_1p();
        alive_from_gap(self, customer.repeats, gap)
    }

    fn alive_per_group(&self, data: &Collapsed) -> Vec<f64> {
        let table: Vec<f64> = data
            .ages
            .iter()
            .map(|age| (self.alpha + age).ln())
            .collect();
        data.groups
            .iter()
            .map(|group| {
                let gap = table[group.age as usize] - table[group.age_at_last as usize];
                alive_from_gap(self, group.repeats, gap)
            })
            .collect()
    }

    fn expected_if_alive(&self, repeats: u32) -> impl FnMut(f64, &[f64], &mut [f64]) {
        let mut futures = Futures::new(self, repeats);
        move |age, horizons, out| futures.expected(age, horizons, out)
    }

    fn outcomes(&self, customer: &PurchaseHistory, horizon: f64) -> impl FnMut() -> f64 {
        let mut walk = Walk::new(self, customer, horizon);
        move || walk.advance()
    }
}

/// `gap` is ln((alpha+T)/(alpha+t)).
fn alive_from_gap(params: &Params, repeats: u32, gap: f64) -> f64 {
    if !params.can_be_lost(repeats) {
        return 1.0;
    }
    let x = f64::from(repeats);
    let survivors = params.b_shifted() + x - 1.0;
    let odds_lost = params.a / survivors * ((params.r + x) * gap).exp();
    (1.0 + odds_lost).recip()
}

/// The futures of all customers with the same x.
struct Futures {
    alpha: f64,
    a: f64,
    k: f64,
    c: f64,
    b_after: f64,
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
            b_after,
            coefficients: Vec::new(),
            next: [1.0, k],
        }
    }

    /// Writes expected purchases in (T, T+H] given alive at T, for each horizon H.
    pub fn expected(&mut self, age: f64, horizons: &[f64], out: &mut [f64]) {
        if self.a > MAX_A || self.k - self.c > MAX_ALTERNATION {
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
        // Probabilities are kept relative to e^ln_scale, which P(N = 0) alone may underflow.
        const LARGE: f64 = 1e200;
        let start = self.alpha + age;
        let z = horizon / (start + horizon);
        let mean = self.k * horizon / start;
        let mut ln_scale = -self.k * (horizon / start).ln_1p();
        let (mut p, mut out_of_n, mut surviving) = (1.0, 0.0, 1.0);
        let mut sum = 0.0;
        for n in 0..MAX_TERMS {
            let n = n as f64;
            sum += p * out_of_n;
            let ratio = z * (self.k + n) / (n + 1.0);
            let tail_ratio = ratio * (n + 1.0) / n;
            if n > mean
                && tail_ratio < 1.0
                && p * out_of_n * tail_ratio <= 1e-17 * (1.0 - tail_ratio) * sum
            {
                break;
            }
            p *= ratio;
            out_of_n += surviving;
            surviving *= (self.b_after + n) / (self.a + self.b_after + n);
            if p > LARGE {
                p /= LARGE;
                sum /= LARGE;
                ln_scale += LARGE.ln();
            }
        }
        sum * ln_scale.exp()
    }
}

/// Walks over j = 1, 2, .. and yields P(X >= j).
struct Walk {
    a: f64,
    b_after: f64,
    size: f64,
    ln_z: f64,
    j: f64,
    /// ln P(N = j), and P(N > j).
    ln_p: f64,
    above: f64,
    /// P(alive) times the probability of not having dropped out before purchase j.
    surviving: f64,
}

impl Walk {
    fn new(params: &Params, customer: &PurchaseHistory, horizon: f64) -> Self {
        let x = f64::from(customer.repeats);
        let size = params.r + x;
        let start = params.alpha + customer.age;
        let ln_p = -size * (horizon / start).ln_1p();
        Walk {
            a: params.a,
            b_after: params.b_shifted() + x,
            size,
            ln_z: (horizon / (start + horizon)).ln(),
            j: 0.0,
            ln_p,
            above: -ln_p.exp_m1(),
            surviving: params.alive(customer),
        }
    }

    fn advance(&mut self) -> f64 {
        let at_least = self.surviving * self.above;
        self.surviving *= (self.b_after + self.j) / (self.a + self.b_after + self.j);
        self.ln_p += self.ln_z + ((self.size + self.j) / (self.j + 1.0)).ln();
        self.j += 1.0;
        self.above = (self.above - self.ln_p.exp()).max(0.0);
        at_least
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
            for [r, a, b] in [
                [0.9, 1.5, 40.0],
                [0.9, 29.0, 40.0],
                [0.2, 0.05, 0.02],
                [3.0, 1.0, 2.0],
                [0.5, 1.0 + 1e-9, 2.0],
            ] {
                let params = Params::new(dropout, r, 6.0, a, b).unwrap();
                for repeats in [0, 3, 60, 2000] {
                    let mut futures = Futures::new(&params, repeats);
                    let mut series = [0.0; 3];
                    let horizons = [0.0, 13.0, 104.0];
                    futures.by_series(20.0, &horizons, &mut series);
                    for (value, horizon) in series.into_iter().zip(horizons) {
                        let sum = futures.by_purchases(20.0, horizon);
                        assert!((value - sum).abs() <= 1e-11 * sum, "{value} {sum}");
                    }
                }
            }
        }
    }

    /// Equal customers with r in the thousands: Poisson purchases at one rate, without dropout k H/(alpha+T).
    #[test]
    fn large_r_does_not_cancel() {
        let params = Params::new(Dropout::AfterRepeat, 4e3, 4e3, 1e-9, 1.0).unwrap();
        let mut found = [0.0];
        Futures::new(&params, 3).expected(20.0, &[52.0], &mut found);
        let expected = 4003.0 * 52.0 / 4020.0;
        assert!((found[0] / expected - 1.0).abs() < 1e-8, "{}", found[0]);
    }
}

//! Chance that repeats: the same numbers on every machine and in every year.
//! No clock, no system randomness, and none of the platform's `exp` or `ln`,
//! whose last digit differs between systems.

/// A stream of pseudo-random numbers (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// Stream `n` of a `topic`: changing how one customer is drawn leaves all
    /// others as they were.
    pub fn new(topic: u64, n: u64) -> Self {
        let mut dice =
            Dice(topic.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ n.wrapping_mul(0x9e6c_63d0_876a_3f6b));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In `[from, to)`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.uniform()
    }

    /// In `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// An index, as likely as its weight says.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total: u32 = weights.clone().sum();
        let mut left = self.below(total as usize) as u32;
        for (i, w) in weights.enumerate() {
            if left < w {
                return i;
            }
            left -= w;
        }
        0
    }

    /// Standard normal, as the sum of twelve uniforms less six.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Mean 1, by von Neumann's comparison method, which needs no logarithm.
    pub fn exponential(&mut self) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.uniform();
            let (mut last, mut run) = (first, 1);
            loop {
                let next = self.uniform();
                if next >= last {
                    break;
                }
                (last, run) = (next, run + 1);
            }
            if run % 2 == 1 {
                return whole + first;
            }
            whole += 1.0;
        }
    }

    /// Gamma with mean 1 and a whole-numbered shape: the larger, the more regular.
    pub fn gamma(&mut self, shape: u32) -> f64 {
        (0..shape).map(|_| self.exponential()).sum::<f64>() / f64::from(shape)
    }
}

/// eˣ from `+ − × ÷` alone, for |x| < 700.
pub fn exp(x: f64) -> f64 {
    let k = (x * std::f64::consts::LOG2_E).round();
    let r = x - k * std::f64::consts::LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..16 {
        term *= r / f64::from(n);
        sum += term;
    }
    sum * f64::from_bits(((1023 + k as i64) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_they_promise() {
        let mut dice = Dice::new(1, 1);
        let n = 200_000;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        // Four standard errors of the mean are 0.009 for the widest of them.
        assert!((mean(&mut || dice.uniform()) - 0.5).abs() < 0.003);
        assert!((mean(&mut || dice.exponential()) - 1.0).abs() < 0.009);
        assert!((mean(&mut || dice.exponential() * dice.exponential()) - 1.0).abs() < 0.016);
        assert!((mean(&mut || dice.gamma(4)) - 1.0).abs() < 0.005);
        assert!(mean(&mut || dice.normal()).abs() < 0.009);
        assert!((exp(1.0) - std::f64::consts::E).abs() < 1e-14);
        assert!((exp(-3.5) - 0.030_197_383_422_318_5).abs() < 1e-16);
    }
}

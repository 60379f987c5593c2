//! Seeded random numbers (SplitMix64 of Steele, Lea & Flood 2014), so that the same call gives the same model.
//! Must never be seeded from a clock.

pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Within 0 (included) and 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below `n`; 0 for `n = 0`. The bias of the remainder, below n / 2^64, does not matter here.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// `take` different positions below `n`, ascending; all of them when `take >= n`.
    pub fn sample(&mut self, n: usize, take: usize) -> Vec<usize> {
        let mut left = take.min(n);
        let mut chosen = Vec::with_capacity(left);
        // Selection sampling (Knuth, algorithm S): each position in turn with the probability it still needs.
        for i in 0..n {
            if self.unit() * ((n - i) as f64) < left as f64 {
                chosen.push(i);
                left -= 1;
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_takes_exactly_what_was_asked() {
        let mut random = Random::new(7);
        for take in [0, 1, 50, 99, 100, 200] {
            let chosen = random.sample(100, take);
            assert_eq!(chosen.len(), take.min(100));
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}

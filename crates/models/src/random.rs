//! A seeded stream of random numbers, so that a simulated interval is the same on every machine and every day.
//! For simulation only; nothing secret may depend on it.
//!
//! xoshiro256++ of Blackman & Vigna (2021), "Scrambled linear pseudorandom number generators", ACM TOMS 47(4),
//! its state filled by SplitMix64 from one number.

pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut at = seed;
        let state = std::array::from_fn(|_| {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = at;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Random { state }
    }

    pub fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = &mut self.state;
        let drawn = s0.wrapping_add(*s3).rotate_left(23).wrapping_add(*s0);
        let shifted = *s1 << 17;
        *s2 ^= *s0;
        *s3 ^= *s1;
        *s1 ^= *s2;
        *s0 ^= *s3;
        *s2 ^= shifted;
        *s3 = s3.rotate_left(45);
        drawn
    }

    /// Evenly between 0 and 1, never 0 and never 1.
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
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

    /// Standard normal, by inversion: one draw each, so streams stay aligned.
    pub fn normal(&mut self) -> f64 {
        crate::distribution::normal_quantile(self.unit())
    }
}

/// The value at a share of the way through ascending values, between neighbours in proportion (type 7 of Hyndman &
/// Fan 1996). NaN without values.
pub(crate) fn quantile(ascending: &[f64], share: f64) -> f64 {
    let position = share * ascending.len().saturating_sub(1) as f64;
    let below = position.floor();
    let low = ascending.get(below as usize).copied().unwrap_or(f64::NAN);
    let high = ascending.get(below as usize + 1).copied().unwrap_or(low);
    low + (position - below) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs of the published C code from the state 1, 2, 3, 4.
    #[test]
    fn published_stream() {
        let mut random = Random {
            state: [1, 2, 3, 4],
        };
        let found: Vec<u64> = (0..4).map(|_| random.next()).collect();
        let expected = [41943041, 58720359, 3588806011781223, 3591011842654386];
        assert_eq!(found, expected);
    }

    #[test]
    fn moments() {
        let mut random = Random::new(7);
        let n = 100_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let z = random.normal();
            sum += z;
            squares += z * z;
        }
        let n = f64::from(n);
        // Three standard errors of each.
        assert!((sum / n).abs() < 3.0 / n.sqrt());
        assert!((squares / n - 1.0).abs() < 3.0 * (2.0 / n).sqrt());
    }

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

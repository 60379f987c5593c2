//! Simulated customers with known parameters, the same on every machine: for the example and for tests.
//! Must not use the crate's likelihoods, so that it stays an independent witness of them.
#![allow(dead_code)] // Every user takes its own part.

use keji_models::beta_geometric::{Dropout, Params};
use keji_models::history::PurchaseHistory;
use keji_models::pareto_nbd;

/// One customer, with what happens after the end of observation.
pub struct Customer {
    pub history: PurchaseHistory,
    /// Mean amount of the repeat purchases; 0 without any.
    pub mean_spend: f64,
    pub n_later: u32,
    pub is_alive: bool,
}

/// Draws one customer observed for `age` weeks, then followed for `horizon` weeks. `spend` is (p, q, v).
pub fn customer(
    random: &mut Random,
    params: &Params,
    spend: [f64; 3],
    age: f64,
    horizon: f64,
) -> Customer {
    let rate = random.gamma(params.r) / params.alpha;
    let p_lost = random.beta(params.a, params.b);
    let mut repeats = 0;
    let mut age_at_last = 0.0;
    let mut n_later = 0;
    let mut now = 0.0;
    let mut goes_on = params.dropout == Dropout::AfterRepeat || random.uniform() >= p_lost;
    let mut is_alive = goes_on;
    while goes_on {
        now -= random.uniform().ln() / rate;
        if now > age + horizon {
            break;
        }
        goes_on = random.uniform() >= p_lost;
        if now <= age {
            repeats += 1;
            age_at_last = now;
            is_alive = goes_on;
        } else {
            n_later += 1;
        }
    }
    let [p, q, v] = spend;
    let scale = random.gamma(q) / v;
    let mean_spend = if repeats > 0 {
        let x = f64::from(repeats);
        random.gamma(p * x) / (scale * x)
    } else {
        0.0
    };
    Customer {
        history: PurchaseHistory {
            repeats,
            age_at_last,
            age,
        },
        mean_spend,
        n_later,
        is_alive,
    }
}

/// As [`customer`], for a death at any time instead of a dropout after purchases, and without spend.
pub fn pareto_customer(
    random: &mut Random,
    params: &pareto_nbd::Params,
    age: f64,
    horizon: f64,
) -> Customer {
    let rate = random.gamma(params.r) / params.alpha;
    let death_rate = random.gamma(params.s) / params.beta;
    let death = -random.uniform().ln() / death_rate;
    let (mut repeats, mut age_at_last, mut n_later, mut now) = (0, 0.0, 0, 0.0);
    loop {
        now -= random.uniform().ln() / rate;
        if now > death || now > age + horizon {
            break;
        }
        if now <= age {
            repeats += 1;
            age_at_last = now;
        } else {
            n_later += 1;
        }
    }
    Customer {
        history: PurchaseHistory {
            repeats,
            age_at_last,
            age,
        },
        mean_spend: 0.0,
        n_later,
        is_alive: death > age,
    }
}

/// xorshift128+ seeded by splitmix64: short, and good enough for simulation.
pub struct Random {
    state: [u64; 2],
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut counter = seed;
        let mut next = || {
            counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = counter;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Random {
            state: [next(), next()],
        }
    }

    /// In (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Whole number from `low` to `high`, both included.
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + (self.uniform() * f64::from(high - low + 1)) as u32
    }

    /// Rate 1. Marsaglia & Tsang (2000), "A simple method for generating gamma variables", sections 4 and 6.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let one = self.gamma(a);
        one / (one + self.gamma(b))
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn next(&mut self) -> u64 {
        let [mut x, y] = self.state;
        let result = x.wrapping_add(y);
        x ^= x << 23;
        self.state = [y, x ^ y ^ (x >> 17) ^ (y >> 26)];
        result
    }
}

//! Seeded random numbers and the retail lines, for tests of models on simulated and on real customers.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::shared;

/// A linear congruential generator (Knuth's MMIX), upper bits only; other than the crate's own on purpose.
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Self {
        let mut draws = Self(seed);
        draws.unit();
        draws
    }

    pub fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.unit();
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// One line of an order of the public retail data.
#[derive(Clone, Copy)]
pub struct Line {
    pub customer: u32,
    pub item: u32,
    /// Since 2009-12-01.
    pub day: i64,
    pub amount: f64,
}

pub struct Retail {
    pub lines: Vec<Line>,
    pub n_customers: usize,
    pub n_items: usize,
}

/// `None` when the shared data are not there. Postage and other codes without a digit first are no items.
pub fn retail() -> Option<&'static Retail> {
    static RETAIL: OnceLock<Option<Retail>> = OnceLock::new();
    RETAIL
        .get_or_init(|| {
            shared::expected("online_retail_2009_2010.json", 10)?;
            let start: jiff::civil::Date = "2009-12-01".parse().unwrap();
            let mut customers = BTreeMap::new();
            let mut items = BTreeMap::new();
            let mut lines = Vec::new();
            for row in shared::records("online_retail_2009_2010_clean.csv.gz") {
                if !row[1].starts_with(|c: char| c.is_ascii_digit()) {
                    continue;
                }
                let next = customers.len() as u32;
                let customer = *customers.entry(row[6].to_owned()).or_insert(next);
                let next = items.len() as u32;
                let item = *items.entry(row[1].to_owned()).or_insert(next);
                let day: jiff::civil::Date = row[4][..10].parse().unwrap();
                let price: f64 = row[5].parse().unwrap();
                lines.push(Line {
                    customer,
                    item,
                    day: i64::from((day - start).get_days()),
                    amount: price * row[3].parse::<f64>().unwrap(),
                });
            }
            Some(Retail {
                lines,
                n_customers: customers.len(),
                n_items: items.len(),
            })
        })
        .as_ref()
}

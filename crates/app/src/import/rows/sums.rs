//! What the rows above add up to, against which a row of totals is held.

use std::collections::HashMap;

use keji_schema::Decimal;

/// Different labels of totals that are told apart.
const N_LABELS: usize = 100;

/// Sums in ten-thousandths over accepted rows.
#[derive(Debug, Default)]
pub struct Sums {
    all: i128,
    sheet: i128,
    since_total: i128,
    /// What `all` was at the last total of each label.
    at_label: HashMap<String, i128>,
}

impl Sums {
    pub fn begin_sheet(&mut self) {
        (self.sheet, self.since_total) = (0, 0);
    }

    pub fn add(&mut self, amount: Decimal) {
        let units = i128::from(amount.units());
        self.all += units;
        self.sheet += units;
        self.since_total += units;
    }

    /// Whether the amount is one of the sums a total may be: of everything, of
    /// the sheet, since the last total, since the last total of the same
    /// label; otherwise the nearest of them.
    pub fn check(&self, total: Decimal, label: &str, tolerance: i128) -> Result<(), i128> {
        let since_label = self.all - self.at_label.get(label).copied().unwrap_or(0);
        let total = i128::from(total.units());
        let nearest = [self.all, self.sheet, self.since_total, since_label]
            .into_iter()
            .min_by_key(|sum| (sum - total).abs())
            .unwrap_or(self.all);
        match (nearest - total).abs() <= tolerance {
            true => Ok(()),
            false => Err(nearest),
        }
    }

    pub fn has_any(&self) -> bool {
        self.all != 0
    }

    pub fn pass_total(&mut self, label: &str) {
        self.since_total = 0;
        if self.at_label.len() < N_LABELS || self.at_label.contains_key(label) {
            self.at_label.insert(label.to_owned(), self.all);
        }
    }
}

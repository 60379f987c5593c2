//! Purchase histories of customers, and the exact collapse of equal ones that makes fitting fast.
//! Must not know where purchases are stored or how days are cut: that is the caller's time zone rule.
//!
//! | symbol | field | meaning | unit |
//! |---|---|---|---|
//! | x | `repeats` | purchases after the first one, same-day orders merged | count |
//! | t | `age_at_last` | from the first to the last purchase, 0 when x = 0 | weeks |
//! | T | `age` | from the first purchase to the end of observation | weeks |
//!
//! A customer with T = 0 (first seen on the last day) is valid and has likelihood 1.
//!
//! ```
//! use keji_models::history::Collapsed;
//! // Three customers, in days: (x, t, T); two of them are equal.
//! let data = Collapsed::from_days(&[2, 0, 0], &[213, 0, 0], &[272, 189, 189])?;
//! assert_eq!((data.n_customers(), data.n_groups()), (3, 2));
//! assert_eq!(data.group_of(), [1, 0, 0]);
//! assert_eq!(data.history(1).days_since_last().round(), 59.0);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result, RowProblem};

pub const DAYS_PER_WEEK: f64 = 7.0;

/// A count above this is a fault upstream; it also bounds the cost of one likelihood call.
pub const MAX_REPEATS: u32 = 1_000_000;

/// One customer as the purchase models see it (x, t, T).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseHistory {
    pub repeats: u32,
    /// Weeks from the first to the last purchase; 0 without a repeat purchase.
    pub age_at_last: f64,
    /// Weeks from the first purchase to the end of observation.
    pub age: f64,
}

/// Distinct histories with the number of customers that share each one.
///
/// Groups are ordered by (x, T, t). Collapsing is exact: ages are compared bit by bit, never rounded.
/// Cost: O(n) for whole days, O(n log n) for arbitrary ages.
#[derive(Debug, Clone, PartialEq)]
pub struct Collapsed {
    /// Distinct ages in weeks, ascending; groups refer to them by position.
    pub(crate) ages: Vec<f64>,
    pub(crate) groups: Vec<Group>,
    group_of: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub repeats: u32,
    pub age: u32,
    pub age_at_last: u32,
    pub n: u32,
}

impl PurchaseHistory {
    pub fn from_days(repeats: u32, days_at_last: u32, days: u32) -> Self {
        PurchaseHistory {
            repeats,
            age_at_last: f64::from(days_at_last) / DAYS_PER_WEEK,
            age: f64::from(days) / DAYS_PER_WEEK,
        }
    }

    /// T - t in days.
    pub fn days_since_last(&self) -> f64 {
        (self.age - self.age_at_last) * DAYS_PER_WEEK
    }

    /// Whether the row can enter a model; lets a caller list all bad rows before fitting.
    pub fn check(&self) -> std::result::Result<(), RowProblem> {
        let &PurchaseHistory {
            repeats,
            age_at_last,
            age,
        } = self;
        if !age.is_finite() || age < 0.0 {
            Err(RowProblem::BadAge(age))
        } else if !age_at_last.is_finite() || age_at_last < 0.0 {
            Err(RowProblem::BadAgeAtLast(age_at_last))
        } else if age_at_last > age {
            Err(RowProblem::LastAfterAge { age_at_last, age })
        } else if repeats == 0 && age_at_last > 0.0 {
            Err(RowProblem::LastWithoutRepeat(age_at_last))
        } else if repeats > 0 && age_at_last == 0.0 {
            Err(RowProblem::RepeatWithoutLast(repeats))
        } else if repeats > MAX_REPEATS {
            Err(RowProblem::TooManyRepeats(repeats))
        } else {
            Ok(())
        }
    }
}

impl Collapsed {
    /// From whole days: `repeats` (x), `days_at_last` (t) and `days` (T), one entry per customer.
    ///
    /// Fails with the position of the first bad row. More repeat purchases than days is such a row, because
    /// orders of one day are one event.
    pub fn from_days(repeats: &[u32], days_at_last: &[u32], days: &[u32]) -> Result<Self> {
        error::same_length("days_at_last", repeats.len(), days_at_last.len())?;
        error::same_length("days", repeats.len(), days.len())?;
        for (i, ((&x, &t), &age)) in repeats.iter().zip(days_at_last).zip(days).enumerate() {
            PurchaseHistory::from_days(x, t, age)
                .check()
                .map_err(error::row(i))?;
            if x > t {
                return Err(error::row(i)(RowProblem::TooManyRepeats(x)));
            }
        }
        let (distinct, codes) = code_days(days_at_last, days);
        let ages = distinct
            .into_iter()
            .map(|day| f64::from(day) / DAYS_PER_WEEK)
            .collect();
        collapse(ages, repeats, &codes)
    }

    /// From ages in weeks at any resolution. Rounding ages to days first collapses far more customers.
    pub fn from_histories(histories: &[PurchaseHistory]) -> Result<Self> {
        for (i, history) in histories.iter().enumerate() {
            history.check().map_err(error::row(i))?;
        }
        // Bit patterns of floats that are not negative ascend with them; adding zero turns -0.0 into 0.0.
        let mut places: Vec<(u64, usize)> = histories
            .iter()
            .flat_map(|h| [h.age_at_last + 0.0, h.age + 0.0])
            .map(f64::to_bits)
            .zip(0..)
            .collect();
        places.sort_unstable();
        let mut ages = Vec::new();
        let mut codes = vec![[0u32; 2]; histories.len()];
        for same in places.chunk_by(|one, next| one.0 == next.0) {
            for &(_, place) in same {
                codes[place / 2][place % 2] = ages.len() as u32;
            }
            ages.push(f64::from_bits(same[0].0));
        }
        let repeats: Vec<u32> = histories.iter().map(|h| h.repeats).collect();
        collapse(ages, &repeats, &codes)
    }

    pub fn n_customers(&self) -> usize {
        self.group_of.len()
    }

    pub fn n_groups(&self) -> usize {
        self.groups.len()
    }

    /// For each input row its group, so that results per group can be shared out.
    pub fn group_of(&self) -> &[u32] {
        &self.group_of
    }

    pub fn history(&self, group: usize) -> PurchaseHistory {
        let group = self.groups[group];
        PurchaseHistory {
            repeats: group.repeats,
            age_at_last: self.ages[group.age_at_last as usize],
            age: self.ages[group.age as usize],
        }
    }

    /// Number of customers in a group.
    pub fn count(&self, group: usize) -> u32 {
        self.groups[group].n
    }

    /// Every group with its number of customers.
    pub fn iter(&self) -> impl Iterator<Item = (PurchaseHistory, u32)> + '_ {
        (0..self.n_groups()).map(|group| (self.history(group), self.count(group)))
    }
}

/// Distinct days ascending, and per customer the positions of (t, T) among them.
fn code_days(days_at_last: &[u32], days: &[u32]) -> (Vec<u32>, Vec<[u32; 2]>) {
    let max = days.iter().copied().max().unwrap_or(0) as usize;
    // A table over all days is smaller than the data for any calendar in weeks, months or decades.
    if max <= 4 * days.len() + 100_000 {
        let mut position = vec![0u32; max + 1];
        for (&t, &age) in days_at_last.iter().zip(days) {
            position[t as usize] = 1;
            position[age as usize] = 1;
        }
        let mut distinct = Vec::new();
        for (day, slot) in position.iter_mut().enumerate() {
            if *slot == 1 {
                *slot = distinct.len() as u32;
                distinct.push(day as u32);
            }
        }
        let codes = days_at_last
            .iter()
            .zip(days)
            .map(|(&t, &age)| [position[t as usize], position[age as usize]])
            .collect();
        (distinct, codes)
    } else {
        let mut distinct: Vec<u32> = days_at_last.iter().chain(days).copied().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let code = |day: u32| distinct.partition_point(|&known| known < day) as u32;
        let codes = days_at_last
            .iter()
            .zip(days)
            .map(|(&t, &age)| [code(t), code(age)])
            .collect();
        (distinct, codes)
    }
}

/// Sorts rows by the packed key (x, T, t) and counts runs.
fn collapse(ages: Vec<f64>, repeats: &[u32], codes: &[[u32; 2]]) -> Result<Collapsed> {
    let n = repeats.len();
    if n == 0 {
        return Err(Error::NotEnough("no customers"));
    }
    let age_bits = bits(ages.len() - 1);
    let repeat_bits = bits(repeats.iter().copied().max().unwrap_or(0) as usize);
    let row_bits = bits(n - 1);
    let key_bits = repeat_bits + 2 * age_bits;
    if key_bits > 64 || row_bits > 32 {
        return Err(Error::TooFine(n));
    }
    let keys = repeats.iter().zip(codes).map(|(&x, &[t, age])| {
        (u64::from(x) << (2 * age_bits)) | (u64::from(age) << age_bits) | u64::from(t)
    });
    let unpack = |key: u64, n: u32| Group {
        repeats: (key >> (2 * age_bits)) as u32,
        age: ((key >> age_bits) & ((1 << age_bits) - 1)) as u32,
        age_at_last: (key & ((1 << age_bits) - 1)) as u32,
        n,
    };

    let mut groups: Vec<Group> = Vec::new();
    let mut group_of = vec![0u32; n];
    let mut last_key = None;
    let mut place = |key: u64, row: usize| {
        if last_key == Some(key) {
            let group = groups.last_mut().expect("a last key means a group exists");
            group.n += 1;
        } else {
            groups.push(unpack(key, 1));
            last_key = Some(key);
        }
        group_of[row] = groups.len() as u32 - 1;
    };
    if key_bits + row_bits <= 64 {
        let packed = keys
            .enumerate()
            .map(|(row, key)| (key << row_bits) | row as u64);
        let row_mask = (1u64 << row_bits) - 1;
        for value in radix_sort(packed.collect(), row_bits, key_bits) {
            place(value >> row_bits, (value & row_mask) as usize);
        }
    } else {
        let mut pairs: Vec<(u64, u32)> = keys.zip(0u32..).collect();
        pairs.sort_unstable();
        for (key, row) in pairs {
            place(key, row as usize);
        }
    }
    Ok(Collapsed {
        ages,
        groups,
        group_of,
    })
}

fn bits(max: usize) -> u32 {
    (usize::BITS - max.leading_zeros()).max(1)
}

/// Stable least-significant-digit sort by the `n_bits` bits from `from_bit` upwards.
fn radix_sort(mut values: Vec<u64>, from_bit: u32, n_bits: u32) -> Vec<u64> {
    const DIGIT_BITS: u32 = 11;
    let mut sorted = vec![0u64; values.len()];
    for pass in 0..n_bits.div_ceil(DIGIT_BITS) {
        let shift = from_bit + pass * DIGIT_BITS;
        let digit = |value: u64| (value >> shift) as usize & ((1 << DIGIT_BITS) - 1);
        let mut starts = [0usize; 1 << DIGIT_BITS];
        for &value in &values {
            starts[digit(value)] += 1;
        }
        let mut start = 0;
        for slot in &mut starts {
            let count = *slot;
            *slot = start;
            start += count;
        }
        for &value in &values {
            let slot = &mut starts[digit(value)];
            sorted[*slot] = value;
            *slot += 1;
        }
        std::mem::swap(&mut values, &mut sorted);
    }
    values
}

//! RFM scores from 1 (worst) to 5 (best) for recency, frequency and monetary value, by three rules.
//! Must not aggregate purchases, and must not name segments: those are the business's.
//!
//! | rule | score | ties | use |
//! |---|---|---|---|
//! | [`Rule::Rank`] | 1 + floor(5 i / n), i = position in ascending order | broken by id (as text) | groups of equal size |
//! | [`Rule::Cut`] | 1 + number of 20/40/60/80% quantiles strictly below | kept together | equal customers score alike |
//! | [`Rule::Thresholds`] | by fixed limits of the business | kept together | scores comparable over time |
//!
//! The first two differ a lot where values tie: if most customers bought once, `Rank` spreads them over several
//! frequency scores by id, which is arbitrary, while `Cut` gives them one.
//!
//! Few days since the last purchase are good, so recency is ranked from most to fewest days, and under the other
//! rules its score is 6 minus that of the days. Money is a scaled integer and compared exactly: quantiles are
//! interpolated linearly between order statistics (as numpy and R type 7) and kept in fifths, never rounded.
//!
//! Cost: O(n) by selection, no full sort; ids are compared only where a tie straddles a border.
//!
//! ```
//! use keji_models::rfm::{self, Customers, Rule};
//! let customers = Customers {
//!     ids: &["a", "b", "c", "d", "e"],
//!     days_since_last: &[10, 20, 30, 40, 50],
//!     frequency: &[9, 1, 1, 1, 1],
//!     monetary: &[100_0000, 50_0000, 20_0000, 20_0000, 1_0000], // ten-thousandths
//! };
//! let rank = rfm::score(&customers, &Rule::Rank)?;
//! assert_eq!((rank.recency, rank.frequency), (vec![5, 4, 3, 2, 1], vec![5, 1, 2, 3, 4]));
//! let cut = rfm::score(&customers, &Rule::Cut)?;
//! assert_eq!((cut.frequency, cut.monetary), (vec![5, 1, 1, 1, 1], vec![5, 4, 2, 2, 1]));
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result};

/// Columns of equal length, one entry per customer.
#[derive(Debug, Clone, Copy)]
pub struct Customers<'a> {
    /// Unique; decides ties under [`Rule::Rank`] only.
    pub ids: &'a [&'a str],
    pub days_since_last: &'a [u32],
    pub frequency: &'a [u32],
    /// Scaled integers (ten-thousandths, or any scale); may be negative after refunds.
    pub monetary: &'a [i128],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Rank,
    Cut,
    Thresholds(Thresholds),
}

/// Fixed limits, each list ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Score 5 up to the first number of days (included), 4 up to the second, .. 1 beyond the last.
    pub days_since_last: [u32; 4],
    /// Score 1 below the first, 2 from it on, .. 5 from the last on.
    pub frequency: [u32; 4],
    pub monetary: [i128; 4],
}

/// Scores per customer, in the order of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scores {
    pub recency: Vec<u8>,
    pub frequency: Vec<u8>,
    pub monetary: Vec<u8>,
}

/// A quantile as a whole number of fifths: the value is `fifths / 5` in the unit of the data, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    pub fifths: i128,
}

/// Scores all customers; an empty input gives empty scores.
///
/// Fails on columns of different length, on amounts beyond 10^37 and on thresholds that descend.
pub fn score(customers: &Customers<'_>, rule: &Rule) -> Result<Scores> {
    let n = customers.ids.len();
    error::same_length("days_since_last", n, customers.days_since_last.len())?;
    error::same_length("frequency", n, customers.frequency.len())?;
    error::same_length("monetary", n, customers.monetary.len())?;
    check_amounts(customers.monetary)?;
    let &Customers {
        ids,
        days_since_last,
        frequency,
        monetary,
    } = customers;
    Ok(match rule {
        Rule::Rank => Scores {
            // The smaller the number of days the later in the order.
            recency: by_rank(days_since_last, ids, |days| u32::MAX - days),
            frequency: by_rank(frequency, ids, |count| count),
            monetary: by_rank(monetary, ids, |amount| amount),
        },
        Rule::Cut => Scores {
            recency: by_cut(days_since_last, |score| 6 - score),
            frequency: by_cut(frequency, |score| score),
            monetary: by_cut(monetary, |score| score),
        },
        Rule::Thresholds(limits) => {
            check_ascending("days_since_last", &limits.days_since_last)?;
            check_ascending("frequency", &limits.frequency)?;
            check_ascending("monetary", &limits.monetary)?;
            Scores {
                recency: days_since_last
                    .iter()
                    .map(|days| 5 - count(&limits.days_since_last, |limit| limit < days))
                    .collect(),
                frequency: frequency
                    .iter()
                    .map(|value| 1 + count(&limits.frequency, |limit| limit <= value))
                    .collect(),
                monetary: monetary
                    .iter()
                    .map(|value| 1 + count(&limits.monetary, |limit| limit <= value))
                    .collect(),
            }
        }
    })
}

/// The 20/40/60/80% quantiles by linear interpolation; `None` without values.
///
/// Values must lie within 10^37, as [`score`] checks.
pub fn cuts<T: Copy + Ord + Into<i128>>(values: &[T]) -> Option<[Cut; 4]> {
    let last = values.len().checked_sub(1)?;
    let mut values = values.to_vec();
    let mut from = 0;
    Some(std::array::from_fn(|i| {
        // Quantile k/5 lies at position (n-1) k/5 = whole + fifths/5 of the ascending values.
        let position = last * (i + 1);
        let (whole, fifths) = (position / 5, (position % 5) as i128);
        let (_, &mut low, above) = values[from..].select_nth_unstable(whole - from);
        let high = above.iter().min().map_or(low, |&value| value);
        from = whole;
        let (low, high): (i128, i128) = (low.into(), high.into());
        Cut {
            fifths: 5 * low + (high - low) * fifths,
        }
    }))
}

impl Scores {
    /// Three digits, such as 543.
    pub fn cell(&self, customer: usize) -> u16 {
        100 * u16::from(self.recency[customer])
            + 10 * u16::from(self.frequency[customer])
            + u16::from(self.monetary[customer])
    }
}

/// Position in the order of (value, id) decides; only the four borders between scores are looked for.
fn by_rank<T: Copy, K: Copy + Ord>(values: &[T], ids: &[&str], key: impl Fn(T) -> K) -> Vec<u8> {
    let n = values.len();
    let keys: Vec<K> = values.iter().map(|&value| key(value)).collect();
    let mut ordered = keys.clone();
    let mut scores = vec![1u8; n];
    let mut from = 0;
    for part in 1..5 {
        // floor(5 i / n) >= part from this position on.
        let position = (part * n).div_ceil(5);
        if position >= n {
            break;
        }
        let (_, &mut border, _) = ordered[from..].select_nth_unstable(position - from);
        from = position;
        let n_below = keys.iter().filter(|&&key| key < border).count();
        let mut ties: Vec<u32> = (0..n as u32)
            .filter(|&i| keys[i as usize] == border)
            .collect();
        let n_lower_ties = position - n_below;
        for (score, key) in scores.iter_mut().zip(&keys) {
            *score += u8::from(*key > border);
        }
        if n_lower_ties > 0 {
            // Ids repeated against the rules still give one order, by row.
            ties.select_nth_unstable_by(n_lower_ties, |&i, &j| {
                (ids[i as usize], i).cmp(&(ids[j as usize], j))
            });
        }
        for &i in &ties[n_lower_ties..] {
            scores[i as usize] += 1;
        }
    }
    scores
}

fn by_cut<T: Copy + Ord + Into<i128>>(values: &[T], orient: impl Fn(u8) -> u8) -> Vec<u8> {
    let Some(cuts) = cuts(values) else {
        return Vec::new();
    };
    // For whole values, 5 value > fifths means value > floor(fifths / 5).
    let floors = cuts.map(|cut| cut.fifths.div_euclid(5));
    values
        .iter()
        .map(|&value| {
            let value: i128 = value.into();
            orient(1 + count(&floors, |&floor| floor < value))
        })
        .collect()
}

fn count<T>(limits: &[T; 4], holds: impl Fn(&T) -> bool) -> u8 {
    limits.iter().map(|limit| u8::from(holds(limit))).sum()
}

fn check_amounts(amounts: &[i128]) -> Result<()> {
    const LIMIT: u128 = 10u128.pow(37);
    match amounts.iter().find(|amount| amount.unsigned_abs() > LIMIT) {
        Some(&amount) => Err(Error::OutOfRange {
            name: "monetary",
            value: amount as f64,
        }),
        None => Ok(()),
    }
}

fn check_ascending<T: Copy + PartialOrd>(name: &'static str, limits: &[T; 4]) -> Result<()> {
    if limits.is_sorted() {
        Ok(())
    } else {
        Err(Error::Descending(name))
    }
}

//! How often advice from one period came true in the next, beside naming the best sellers.
//! Must not let the later period into the fit; the caller cuts by time.
//!
//! A customer counts if active before and buying at least one product after that was not owned before. It is a test
//! of foresight, not of effect: nobody was shown the advice, and some would have bought with it that did not.

use crate::error::{self, Result};
use crate::features;
use crate::proportion::{Z95, wilson};

use super::{Baskets, ItemToItem, same_numbers};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holdout {
    /// Customers judged.
    pub n: usize,
    pub k: usize,
    pub item_to_item: Figures,
    pub best_sellers: Figures,
    /// Difference of hit rates and its 95% interval, from customers whom only one of the two hit (McNemar's pairs).
    pub gain: f64,
    pub gain_lower: f64,
    pub gain_upper: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Share of customers who bought at least one of their k, and its 95% interval (Wilson).
    pub hit_rate: f64,
    pub lower: f64,
    pub upper: f64,
    /// Mean share of the k that was bought.
    pub precision: f64,
    /// Mean share of the new products bought that was among the k.
    pub recall: f64,
    /// Mean of 1/rank of the first hit, 0 without.
    pub reciprocal_rank: f64,
    /// Share of all products that were advised to anybody.
    pub coverage: f64,
}

/// Judges `k` recommendations per customer. Fails if nobody bought anything new after.
pub fn judge(model: &ItemToItem, before: &Baskets, after: &Baskets, k: usize) -> Result<Holdout> {
    same_numbers(before, after)?;
    error::within("k", k as f64, 1.0, before.n_items() as f64)?;
    let mut related = Tally::new(before.n_items());
    let mut popular = Tally::new(before.n_items());
    let (mut n, mut only_related, mut only_popular) = (0usize, 0.0, 0.0);
    for customer in 0..before.n_customers() {
        let owned = before.of(customer);
        let new: Vec<u32> = after
            .of(customer)
            .iter()
            .filter(|item| owned.binary_search(item).is_err())
            .copied()
            .collect();
        if owned.is_empty() || new.is_empty() {
            continue;
        }
        n += 1;
        let advice = model.recommend(owned, k).into_iter().map(|r| r.item);
        let is_hit = related.add(advice, &new, k);
        let is_popular_hit = popular.add(model.best_sellers(owned, k).into_iter(), &new, k);
        match (is_hit, is_popular_hit) {
            (true, false) => only_related += 1.0,
            (false, true) => only_popular += 1.0,
            _ => {}
        }
    }
    features::at_least("customers who bought something new after", 1, n)?;
    let total = n as f64;
    let gain: f64 = (only_related - only_popular) / total;
    let variance = (only_related + only_popular) / total - gain * gain;
    let half = Z95 * (variance.max(0.0) / total).sqrt();
    Ok(Holdout {
        n,
        k,
        item_to_item: related.figures(n),
        best_sellers: popular.figures(n),
        gain,
        gain_lower: gain - half,
        gain_upper: gain + half,
    })
}

struct Tally {
    hits: usize,
    precision: f64,
    recall: f64,
    reciprocal_rank: f64,
    is_advised: Vec<bool>,
}

impl Tally {
    fn new(n_items: usize) -> Self {
        Self {
            hits: 0,
            precision: 0.0,
            recall: 0.0,
            reciprocal_rank: 0.0,
            is_advised: vec![false; n_items],
        }
    }

    fn add(&mut self, advice: impl Iterator<Item = u32>, new: &[u32], k: usize) -> bool {
        let (mut found, mut first) = (0usize, None);
        for (position, item) in advice.enumerate() {
            if let Some(is_advised) = self.is_advised.get_mut(item as usize) {
                *is_advised = true;
            }
            if new.binary_search(&item).is_ok() {
                found += 1;
                first = first.or(Some(position));
            }
        }
        self.hits += usize::from(found > 0);
        self.precision += found as f64 / k as f64;
        self.recall += found as f64 / new.len() as f64;
        self.reciprocal_rank += first.map_or(0.0, |position| 1.0 / (position + 1) as f64);
        found > 0
    }

    fn figures(&self, n: usize) -> Figures {
        let total = n as f64;
        let (lower, upper) = wilson(self.hits as f64, total, Z95);
        let n_advised = self.is_advised.iter().filter(|is| **is).count();
        Figures {
            hit_rate: self.hits as f64 / total,
            lower,
            upper,
            precision: self.precision / total,
            recall: self.recall / total,
            reciprocal_rank: self.reciprocal_rank / total,
            coverage: n_advised as f64 / self.is_advised.len() as f64,
        }
    }
}

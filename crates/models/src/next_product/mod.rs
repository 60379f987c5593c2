//! What a customer may buy next: products bought by the same customers, and how often such advice came true.
//! Must not know prices, stock or what may be sold to whom.
//!
//! | symbol | meaning |
//! |---|---|
//! | N | customers with any purchase |
//! | n_a, n_ab | customers who bought a; both a and b |
//! | E | n_a n_b / N, those expected to have both if the two had nothing to do with each other |
//!
//! | score of b for buyers of a | formula | good for |
//! |---|---|---|
//! | [`Score::Cosine`] | n_ab/sqrt(n_a n_b) x n_ab/(n_ab+s) | recommending (Deshpande & Karypis 2004, ACM TOIS 22:143) |
//! | [`Score::Lift`] | (n_ab+s)/(E+s) | surprising pairs; the gamma-Poisson shrinkage of DuMouchel (1999, American Statistician 53:177) with prior mean 1 |
//! | [`Score::Confidence`] | lower end of Wilson's interval of n_ab/n_a | sure pairs; favours what everybody buys |
//!
//! Shrinkage s is in customers: a pair seen twice must not outrank one seen two hundred times. A customer counts once
//! per product however often it was bought, so that wholesale lines do not drown the rest.
//!
//! When not to believe it: products that are new, seasonal or sold out; and always when it does not beat naming the
//! best sellers on later purchases ([`holdout::judge`] puts both side by side). What is bought together is not thereby
//! bought because of each other: [`conversion`] follows who bought b after a.
//!
//! Cost of a fit: the sum over customers of the square of their number of products.
//!
//! ```
//! use keji_models::next_product::{self, Baskets, Score, Settings};
//! // Customers 0 to 5; product 0 is bought by all, 1 and 2 go together.
//! let customers = [0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 5];
//! let products = [0, 1, 2, 0, 1, 2, 0, 1, 0, 0, 0, 3];
//! let baskets = Baskets::new(&customers, &products, 6, 4)?;
//! let settings = Settings { shrink: 1.0, min_together: 1, ..Default::default() };
//! let model = next_product::fit(&baskets, &settings)?;
//! // Customer 2 has 0 and 1, and is advised 2 because of 1.
//! let advice = model.recommend(baskets.of(2), 1);
//! assert_eq!((advice[0].item, advice[0].because), (2, Some(1)));
//! let gap = next_product::buys_but_not(&baskets, 1, 2)?;
//! assert_eq!(gap.candidates, [2]);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, Error, Result, RowProblem};
use crate::features;
use crate::proportion::{Z95, wilson};

pub mod holdout;

/// Which products each customer bought, each once. Customers and products are numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baskets {
    n_items: usize,
    /// Per customer, ascending.
    items: Vec<Vec<u32>>,
    /// Per product, ascending.
    customers: Vec<Vec<u32>>,
    n_active: usize,
}

impl Baskets {
    /// From one entry per line of purchase; the same customer and product may come any number of times.
    pub fn new(
        customers: &[u32],
        items: &[u32],
        n_customers: usize,
        n_items: usize,
    ) -> Result<Self> {
        error::same_length("items", customers.len(), items.len())?;
        let mut of_customer: Vec<Vec<u32>> = vec![Vec::new(); n_customers];
        for (row, (&customer, &item)) in customers.iter().zip(items).enumerate() {
            if item as usize >= n_items {
                return Err(error::row(row)(RowProblem::UnknownItem(item)));
            }
            match of_customer.get_mut(customer as usize) {
                Some(own) => own.push(item),
                None => return Err(error::row(row)(RowProblem::UnknownCustomer(customer))),
            }
        }
        let mut of_item: Vec<Vec<u32>> = vec![Vec::new(); n_items];
        for (customer, own) in of_customer.iter_mut().enumerate() {
            own.sort_unstable();
            own.dedup();
            for &item in own.iter() {
                of_item[item as usize].push(customer as u32);
            }
        }
        Ok(Self {
            n_items,
            n_active: of_customer.iter().filter(|own| !own.is_empty()).count(),
            items: of_customer,
            customers: of_item,
        })
    }

    pub fn n_customers(&self) -> usize {
        self.items.len()
    }

    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// Products of one customer, ascending; none for a customer that is not there.
    pub fn of(&self, customer: usize) -> &[u32] {
        self.items.get(customer).map_or(&[], Vec::as_slice)
    }

    /// Customers of one product, ascending; none for a product that is not there.
    pub fn buyers(&self, item: u32) -> &[u32] {
        self.customers.get(item as usize).map_or(&[], Vec::as_slice)
    }

    fn check_item(&self, name: &'static str, item: u32) -> Result<()> {
        error::within(name, f64::from(item), 0.0, self.n_items as f64 - 1.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    Cosine,
    Lift,
    Confidence,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub score: Score,
    /// In customers, 0 or more.
    pub shrink: f64,
    /// Fewest customers with both, at least 1.
    pub min_together: u32,
    /// Most related products kept per product.
    pub n_related: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            score: Score::Cosine,
            shrink: 10.0,
            min_together: 3,
            n_related: 100,
        }
    }
}

/// A product related to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Related {
    pub item: u32,
    /// Customers with both.
    pub together: u32,
    /// By the chosen formula; higher is more related.
    pub score: f64,
    /// Shrunk: how many times more often together than by chance.
    pub lift: f64,
    /// Share of the buyers of the first that have this one, and its 95% interval (Wilson).
    pub confidence: f64,
    pub lower: f64,
    pub upper: f64,
    /// Share of all customers that have it: `lower` above it says that the pair is more than popularity.
    pub base_rate: f64,
}

impl Related {
    /// Whether the pair is surely more than popularity. Among many pairs one in forty passes by chance.
    pub fn is_believed(&self) -> bool {
        self.lower > self.base_rate
    }
}

/// Related products of every product.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemToItem {
    related: Vec<Vec<Related>>,
    /// Products by falling number of customers; equal ones by number of the product.
    best_sellers: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    pub item: u32,
    /// Sum of the scores from the products owned; 0 where only popularity speaks for it.
    pub score: f64,
    /// The product owned that speaks loudest; `None`: a best seller, for want of anything better.
    pub because: Option<u32>,
}

/// Finds the related products of each product. Fails on fewer than two customers or products.
pub fn fit(baskets: &Baskets, settings: &Settings) -> Result<ItemToItem> {
    features::at_least("customers with a purchase", 2, baskets.n_active)?;
    features::at_least("products", 2, baskets.n_items)?;
    error::within("shrink", settings.shrink, 0.0, 1e9)?;
    error::within("min_together", f64::from(settings.min_together), 1.0, 1e9)?;
    error::within("n_related", settings.n_related as f64, 1.0, 1e9)?;
    let mut together = vec![0u32; baskets.n_items];
    let mut touched: Vec<u32> = Vec::new();
    let mut related = Vec::with_capacity(baskets.n_items);
    for item in 0..baskets.n_items as u32 {
        for &customer in baskets.buyers(item) {
            for &other in baskets.of(customer as usize) {
                let count = &mut together[other as usize];
                if *count == 0 {
                    touched.push(other);
                }
                *count += 1;
            }
        }
        let mut own: Vec<Related> = touched
            .iter()
            .filter(|&&other| other != item && together[other as usize] >= settings.min_together)
            .map(|&other| pair(baskets, item, other, together[other as usize], settings))
            .collect();
        for other in touched.drain(..) {
            together[other as usize] = 0;
        }
        own.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        own.truncate(settings.n_related);
        related.push(own);
    }
    Ok(ItemToItem {
        related,
        best_sellers: best_sellers(baskets),
    })
}

fn pair(baskets: &Baskets, a: u32, b: u32, together: u32, settings: &Settings) -> Related {
    let both = f64::from(together);
    let (n_a, n_b) = (
        baskets.buyers(a).len() as f64,
        baskets.buyers(b).len() as f64,
    );
    let n = baskets.n_active as f64;
    let s = settings.shrink;
    let (lower, upper) = wilson(both, n_a, Z95);
    let lift = (both + s) / (n_a * n_b / n + s);
    Related {
        item: b,
        together,
        score: match settings.score {
            Score::Cosine => both / (n_a * n_b).sqrt() * both / (both + s),
            Score::Lift => lift,
            Score::Confidence => lower,
        },
        lift,
        confidence: both / n_a,
        lower,
        upper,
        base_rate: n_b / n,
    }
}

fn best_sellers(baskets: &Baskets) -> Vec<u32> {
    let mut order: Vec<u32> = (0..baskets.n_items as u32).collect();
    order.sort_by_key(|&item| (std::cmp::Reverse(baskets.buyers(item).len()), item));
    order
}

impl ItemToItem {
    /// Related products, the most related first; none for a product that is not there or sold too rarely.
    pub fn related(&self, item: u32) -> &[Related] {
        self.related.get(item as usize).map_or(&[], Vec::as_slice)
    }

    /// Up to `k` products the customer does not own, the best first; best sellers fill what is left.
    pub fn recommend(&self, owned: &[u32], k: usize) -> Vec<Recommendation> {
        let mut sums: std::collections::BTreeMap<u32, (f64, f64, u32)> = Default::default();
        let is_owned = |item: u32| owned.contains(&item);
        for &item in owned {
            for related in self.related(item) {
                let (sum, most, because) = sums.entry(related.item).or_insert((0.0, 0.0, item));
                *sum += related.score;
                if related.score > *most {
                    (*most, *because) = (related.score, item);
                }
            }
        }
        for item in owned {
            sums.remove(item);
        }
        let mut found: Vec<Recommendation> = sums
            .into_iter()
            .map(|(item, (score, _, because))| Recommendation {
                item,
                score,
                because: Some(because),
            })
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        found.truncate(k);
        for &item in &self.best_sellers {
            if found.len() >= k {
                break;
            }
            if !is_owned(item) && !found.iter().any(|other| other.item == item) {
                found.push(Recommendation {
                    item,
                    score: 0.0,
                    because: None,
                });
            }
        }
        found
    }

    /// Up to `k` best sellers the customer does not own: the naive rival.
    pub fn best_sellers(&self, owned: &[u32], k: usize) -> Vec<u32> {
        let new = self
            .best_sellers
            .iter()
            .filter(|item| !owned.contains(item));
        new.take(k).copied().collect()
    }
}

/// Customers who buy a but not b.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    pub n_a: usize,
    pub n_both: usize,
    /// Share of a's buyers that have b, and its 95% interval (Wilson). What can be hoped for at most: those who do
    /// not have b yet had their chances already.
    pub share: f64,
    pub lower: f64,
    pub upper: f64,
    /// Share of b's buyers among all customers.
    pub base_rate: f64,
    /// Ascending; the more other products they have that go with b, the better a bet, which
    /// [`ItemToItem::recommend`] knows.
    pub candidates: Vec<u32>,
}

/// Who buys `a` but not `b`. Fails on products that are not there, and if nobody buys `a`.
pub fn buys_but_not(baskets: &Baskets, a: u32, b: u32) -> Result<Gap> {
    baskets.check_item("a", a)?;
    baskets.check_item("b", b)?;
    let buyers = baskets.buyers(a);
    features::at_least("buyers of the first product", 1, buyers.len())?;
    let has = |&customer: &u32| baskets.of(customer as usize).binary_search(&b).is_ok();
    let candidates: Vec<u32> = buyers.iter().filter(|c| !has(c)).copied().collect();
    let n_both = buyers.len() - candidates.len();
    let (lower, upper) = wilson(n_both as f64, buyers.len() as f64, Z95);
    Ok(Gap {
        n_a: buyers.len(),
        n_both,
        share: n_both as f64 / buyers.len() as f64,
        lower,
        upper,
        base_rate: baskets.buyers(b).len() as f64 / baskets.n_active as f64,
        candidates,
    })
}

/// Who of the buyers of a came to buy b, beside those who had neither.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    /// Customers with a but not b before, and those of them who bought b after.
    pub n: usize,
    pub n_bought: usize,
    pub rate: f64,
    pub lower: f64,
    pub upper: f64,
    /// Active before with neither; and the share of them who bought b after.
    pub n_neither: usize,
    pub rate_neither: f64,
}

/// Follows customers from one period to the next; both tables number customers and products alike.
/// Fails if nobody had a without b.
pub fn conversion(before: &Baskets, after: &Baskets, a: u32, b: u32) -> Result<Conversion> {
    same_numbers(before, after)?;
    let gap = buys_but_not(before, a, b)?;
    features::at_least("customers with a but not b", 1, gap.candidates.len())?;
    let bought = |customer: usize| after.of(customer).binary_search(&b).is_ok();
    let n = gap.candidates.len();
    let n_bought = gap
        .candidates
        .iter()
        .filter(|&&c| bought(c as usize))
        .count();
    let (lower, upper) = wilson(n_bought as f64, n as f64, Z95);
    let neither: Vec<usize> = (0..before.n_customers())
        .filter(|&customer| {
            let own = before.of(customer);
            !own.is_empty() && own.binary_search(&a).is_err() && own.binary_search(&b).is_err()
        })
        .collect();
    let n_neither_bought = neither.iter().filter(|&&customer| bought(customer)).count();
    Ok(Conversion {
        n,
        n_bought,
        rate: n_bought as f64 / n as f64,
        lower,
        upper,
        n_neither: neither.len(),
        rate_neither: n_neither_bought as f64 / neither.len().max(1) as f64,
    })
}

fn same_numbers(before: &Baskets, after: &Baskets) -> Result<()> {
    error::same_length("customers after", before.n_customers(), after.n_customers())?;
    if before.n_items == after.n_items {
        Ok(())
    } else {
        Err(Error::Length {
            what: "products after",
            expected: before.n_items,
            found: after.n_items,
        })
    }
}

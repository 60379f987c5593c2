//! Groups with numbers that stay: which group of this quarter is which of the last, and what moved.
//! Must not invent words for people; it says which columns set a persona apart, by how much.
//!
//! Clusters come out in any order, so "segment 2" of two runs have nothing to do with each other. Here the customers
//! of now are grouped twice, by the old centres and by the new ones; old and new groups are paired so that the sum of
//! shared customers (Jaccard) is largest, and a persona keeps its number if it shares at least half with its partner.
//! A group below that is a new persona, an old one without partner is gone. Numbers are never used again.
//!
//! Both periods must be scaled by the same [`super::Scaling`], that of the first. Group the later one by
//! [`Personas::refit`], which starts from the old centres: on customers that are a continuum a fresh start often cuts
//! elsewhere, and numbers are lost although nobody changed.

use crate::error::{self, Result};
use crate::features::{self, Features};

use super::agreement::{Table, best_assignment};
use super::{Clusters, Points, Scaling, sizes, squared};

/// Least Jaccard index for the same persona: more of the customers of either shared than not.
pub const SAME: f64 = 0.5;

/// A group of customers with a number for life.
#[derive(Debug, Clone, PartialEq)]
pub struct Persona {
    pub id: u32,
    pub n: usize,
    pub share: f64,
    /// Scaled centre.
    pub centre: Vec<f64>,
    /// What sets it apart, the strongest first.
    pub traits: Vec<Trait>,
}

/// A column in which a persona differs from the customers at large.
#[derive(Debug, Clone, PartialEq)]
pub struct Trait {
    pub column: String,
    /// Median of the persona and of all, in the column's own unit.
    pub median: f64,
    pub median_of_all: f64,
    /// Difference of the centre from that of all, in robust standard deviations; 0.5 and more counts as a trait.
    pub difference: f64,
}

/// The personas of one period; keep it for the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Personas {
    /// Cluster i is persona i of this list.
    pub personas: Vec<Persona>,
    clusters: Clusters,
    next_id: u32,
}

/// How one persona went from one period to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Movement {
    pub id: u32,
    pub fate: Fate,
    /// Share of customers of the last period, and of now; 0 where it was not.
    pub share_before: f64,
    pub share_now: f64,
    /// Jaccard index with the old centres' group of today's customers; 0 for new and gone ones.
    pub overlap: f64,
    /// Distance the centre moved, in robust standard deviations; 0 for new and gone ones.
    pub moved: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stayed,
    New,
    Gone,
}

/// The personas of now, and what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    pub personas: Personas,
    /// By number of the persona.
    pub movements: Vec<Movement>,
    /// Agreement of old and new centres on the customers of now (adjusted Rand index): low means that the grouping
    /// itself changed, not only who is in which group.
    pub agreement: f64,
    /// Population stability index of the shares, all customers of now grouped by the old centres; above 0.25 is a
    /// strong shift by custom.
    pub shift: f64,
}

/// Numbers the clusters of a first period from 1, largest first.
///
/// `table` holds the rows the clusters were fitted on, for medians in their own units.
pub fn first(clusters: Clusters, scaling: &Scaling, table: &Features) -> Result<Personas> {
    let ids: Vec<u32> = (1..=clusters.k() as u32).collect();
    let next_id = clusters.k() as u32 + 1;
    describe(clusters, &ids, next_id, scaling, table)
}

/// Carries the numbers over to the clusters of a later period, fitted on `points`, the rows of `table`.
pub fn follow(
    before: &Personas,
    clusters: Clusters,
    points: &Points,
    scaling: &Scaling,
    table: &Features,
) -> Result<Followed> {
    error::same_length("points", clusters.labels.len(), points.n())?;
    let (k_before, k) = (before.clusters.k(), clusters.k());
    let by_old = before.clusters.assign(points)?;
    let shared = Table::of(&by_old, k_before, &clusters.labels, k)?;
    let jaccard = shared.jaccard();
    let partners = best_assignment(&jaccard);
    let mut next_id = before.next_id;
    let mut ids = vec![0; k];
    let mut movements = Vec::new();
    let counts = sizes(&clusters.labels, k);
    let n = points.n().max(1) as f64;
    for (old, persona) in before.personas.iter().enumerate() {
        let same = partners[old].filter(|&new| jaccard[old][new] >= SAME);
        if let Some(new) = same {
            ids[new] = persona.id;
        }
        movements.push(Movement {
            id: persona.id,
            fate: if same.is_some() {
                Fate::Stayed
            } else {
                Fate::Gone
            },
            share_before: persona.share,
            share_now: same.map_or(0.0, |new| counts[new] as f64 / n),
            overlap: same.map_or(0.0, |new| jaccard[old][new]),
            moved: same.map_or(0.0, |new| {
                squared(&persona.centre, &clusters.centres[new]).sqrt()
            }),
        });
    }
    for (new, id) in ids.iter_mut().enumerate().filter(|(_, id)| **id == 0) {
        *id = next_id;
        next_id += 1;
        movements.push(Movement {
            id: *id,
            fate: Fate::New,
            share_before: 0.0,
            share_now: counts[new] as f64 / n,
            overlap: 0.0,
            moved: 0.0,
        });
    }
    movements.sort_by_key(|movement| movement.id);
    let shift = shift(&before.personas, &sizes(&by_old, k_before));
    Ok(Followed {
        agreement: shared.adjusted_rand(),
        shift,
        movements,
        personas: describe(clusters, &ids, next_id, scaling, table)?,
    })
}

impl Personas {
    /// Clusters of a later period, started from the centres of this one (see [`super::refit`]).
    pub fn refit(&self, points: &Points) -> Result<Clusters> {
        super::refit(&self.clusters, points)
    }

    /// The persona of each point, by number; for customers that came since.
    pub fn assign(&self, points: &Points) -> Result<Vec<u32>> {
        let labels = self.clusters.assign(points)?;
        Ok(labels.into_iter().map(|label| self.id_of(label)).collect())
    }

    /// The persona of each customer the clusters were fitted on, by number.
    pub fn labels(&self) -> Vec<u32> {
        let labels = self.clusters.labels.iter();
        labels.map(|&label| self.id_of(label)).collect()
    }

    fn id_of(&self, label: u32) -> u32 {
        self.personas
            .get(label as usize)
            .map_or(0, |persona| persona.id)
    }
}

fn describe(
    clusters: Clusters,
    ids: &[u32],
    next_id: u32,
    scaling: &Scaling,
    table: &Features,
) -> Result<Personas> {
    let n = clusters.labels.len();
    error::same_length("the table", n, table.n_rows())?;
    features::at_least("rows", 1, n)?;
    let d = scaling.columns.len();
    error::same_length("the table, in columns,", d, table.columns().len())?;
    let counts = clusters.sizes();
    // The mean of all, from the centres and their weights.
    let mean_of = |j: usize| -> f64 {
        let parts = clusters.centres.iter().zip(&counts);
        parts
            .map(|(centre, &count)| centre[j] * count as f64)
            .sum::<f64>()
            / n as f64
    };
    let means: Vec<f64> = (0..d).map(mean_of).collect();
    let mut personas = Vec::new();
    for (label, (&id, centre)) in ids.iter().zip(&clusters.centres).enumerate() {
        let mut traits = Vec::new();
        for (j, column) in table.columns().iter().enumerate() {
            let difference = centre[j] - means[j];
            if difference.abs() < 0.5 {
                continue;
            }
            let values = column.numbers()?;
            let own = values.iter().zip(&clusters.labels);
            let own = own.filter(|(_, l)| **l as usize == label).map(|(x, _)| *x);
            traits.push(Trait {
                column: column.name.clone(),
                median: median(own.collect()),
                median_of_all: median(values.to_vec()),
                difference,
            });
        }
        traits.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
        personas.push(Persona {
            id,
            n: counts[label],
            share: counts[label] as f64 / n as f64,
            centre: centre.clone(),
            traits,
        });
    }
    Ok(Personas {
        personas,
        clusters,
        next_id,
    })
}

/// NaN without values, which a persona never is.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match (values.get(n.saturating_sub(1) / 2), values.get(n / 2)) {
        (Some(low), Some(high)) => 0.5 * (low + high),
        _ => f64::NAN,
    }
}

fn shift(before: &[Persona], now: &[usize]) -> f64 {
    let n: f64 = before.iter().map(|persona| persona.n as f64).sum();
    let m: f64 = now.iter().map(|&count| count as f64).sum();
    let k = before.len() as f64;
    let part = |(persona, &count): (&Persona, &usize)| {
        // Half a customer more in each, as in `churn::drift`.
        let p = (persona.n as f64 + 0.5) / (n + 0.5 * k);
        let q = (count as f64 + 0.5) / (m + 0.5 * k);
        (q - p) * (q / p).ln()
    };
    before.iter().zip(now).map(part).sum()
}

//! Time until something happens when it has not happened to everyone yet: contracts ended, customers lost.
//! Must not decide what counts as the event; the caller gives durations and who had it.
//!
//! ```text
//!  (entry, exit, had the event) per customer
//!         |
//!     Lifetimes --+-- kaplan_meier      how many are left after a time
//!                 +-- log_rank          do groups differ
//!                 +-- cox               what raises or lowers the risk, no shape assumed
//!                 |     +- proportionality, does the effect last
//!                 +-- weibull           a shape assumed: one can look beyond the data
//!                 +-- concordance       how well a score orders who goes first
//! ```
//!
//! Whoever has not had the event is censored at the exit. Leaving them out, or counting them as lost, is the common
//! error that these methods are for.
//!
//! **Late entry.** Records that begin years after the first customers came (a CRM import) hold only customers who
//! lasted until then. Give their age at the start of records as the entry: they count as at risk only after it.
//! Without it the survivors' years look safe and every rate is too low.
//!
//! **Changing covariates.** One customer may be several rows, (0, 6], (6, 14], each with the covariates of its time
//! and the event on the last only; entry and exit do the rest.
//!
//! At risk at time t is who has entry < t <= exit. An entry of 0 means observed from the start, so an exit at 0 counts.

mod concordance;
pub mod cox;
pub mod kaplan_meier;
pub mod log_rank;
pub mod proportionality;
pub mod weibull;

pub use concordance::{Concordance, concordance};

use crate::error::{self, Error, Result, RowProblem};

/// Who was observed how long, checked. Any unit of time, the same for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifetimes {
    pub(crate) entry: Vec<f64>,
    pub(crate) exit: Vec<f64>,
    pub(crate) is_event: Vec<bool>,
}

impl Lifetimes {
    /// Observed from age 0 for `duration`; `is_event` tells whether the event ended it. Fails without rows, and on a
    /// duration that is negative or not finite, naming the row.
    pub fn new(duration: &[f64], is_event: &[bool]) -> Result<Self> {
        Lifetimes::with_entry(&vec![0.0; duration.len()], duration, is_event)
    }

    /// Observed from age `entry` (0: from the start) to age `exit`. Fails on an entry that is not before its exit.
    pub fn with_entry(entry: &[f64], exit: &[f64], is_event: &[bool]) -> Result<Self> {
        error::same_length("entry", exit.len(), entry.len())?;
        error::same_length("is_event", exit.len(), is_event.len())?;
        if exit.is_empty() {
            return Err(Error::NotEnough("no lifetimes"));
        }
        for (row, (&entry, &exit)) in entry.iter().zip(exit).enumerate() {
            let problem = error::row(row);
            if !(exit >= 0.0 && exit.is_finite()) {
                return Err(problem(RowProblem::BadDuration(exit)));
            }
            // NaN fails both.
            if !(entry == 0.0 || (entry > 0.0 && entry < exit)) {
                return Err(problem(RowProblem::EntryAfterExit { entry, exit }));
            }
        }
        Ok(Lifetimes {
            entry: entry.to_vec(),
            exit: exit.to_vec(),
            is_event: is_event.to_vec(),
        })
    }

    pub fn n(&self) -> usize {
        self.exit.len()
    }

    pub fn n_events(&self) -> usize {
        self.is_event.iter().filter(|&&is_event| is_event).count()
    }

    /// Those of the given rows, in that order; rows that do not exist are left out.
    pub fn subset(&self, rows: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut chosen = Lifetimes {
            entry: Vec::new(),
            exit: Vec::new(),
            is_event: Vec::new(),
        };
        for row in rows.into_iter().filter(|&row| row < self.n()) {
            chosen.entry.push(self.entry[row]);
            chosen.exit.push(self.exit[row]);
            chosen.is_event.push(self.is_event[row]);
        }
        if chosen.exit.is_empty() {
            return Err(Error::NotEnough("no lifetimes"));
        }
        Ok(chosen)
    }

    /// Numbers at risk and with the event at each distinct time of an event, ascending.
    fn risk_table(&self) -> Vec<AtTime> {
        let mut exits: Vec<(f64, bool)> = self
            .exit
            .iter()
            .copied()
            .zip(self.is_event.iter().copied())
            .collect();
        exits.sort_unstable_by(|one, two| one.0.total_cmp(&two.0));
        let mut entries: Vec<f64> = self.entry.iter().copied().filter(|&e| e > 0.0).collect();
        entries.sort_unstable_by(f64::total_cmp);
        let n_from_start = self.n() - entries.len();
        let (mut n_left, mut n_entered) = (0, 0);
        let mut table: Vec<AtTime> = Vec::new();
        for run in exits.chunk_by(|one, two| one.0 == two.0) {
            let time = run[0].0;
            n_entered += entries[n_entered..]
                .iter()
                .take_while(|&&e| e < time)
                .count();
            let n_events = run.iter().filter(|(_, is_event)| *is_event).count();
            if n_events > 0 {
                table.push(AtTime {
                    time,
                    n_at_risk: n_from_start + n_entered - n_left,
                    n_events,
                });
            }
            n_left += run.len();
        }
        table
    }
}

#[derive(Debug, Clone, Copy)]
struct AtTime {
    time: f64,
    n_at_risk: usize,
    n_events: usize,
}

/// A chi-squared test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    pub chi_squared: f64,
    pub df: usize,
    pub p_value: f64,
}

impl Test {
    pub(crate) fn new(chi_squared: f64, df: usize) -> Self {
        Test {
            chi_squared,
            df,
            p_value: crate::distribution::chi_squared_tail(chi_squared, df),
        }
    }
}

/// Covariates with mean 0 and standard deviation 1, row by row, and the way back.
struct Standardised {
    n_columns: usize,
    cells: Vec<f64>,
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl Standardised {
    /// `columns`: one slice per covariate, each with a value per lifetime. A constant covariate is
    /// [`Error::Collinear`].
    fn new(columns: &[&[f64]], n: usize) -> Result<Self> {
        let n_columns = columns.len();
        let mut all = Standardised {
            n_columns,
            cells: vec![0.0; n * n_columns],
            means: Vec::with_capacity(n_columns),
            scales: Vec::with_capacity(n_columns),
        };
        for (covariate, column) in columns.iter().enumerate() {
            error::same_length("covariate", n, column.len())?;
            if let Some(row) = column.iter().position(|value| !value.is_finite()) {
                let value = column[row];
                return Err(error::row(row)(RowProblem::BadCovariate {
                    covariate,
                    value,
                }));
            }
            let mean = column.iter().sum::<f64>() / n as f64;
            let squares: f64 = column.iter().map(|x| (x - mean) * (x - mean)).sum();
            let scale = (squares / n as f64).sqrt();
            let largest = column.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            // NaN, from an overflow, fails too.
            if !(scale > 1e-12 * largest && scale.is_finite()) {
                return Err(Error::Collinear(covariate));
            }
            for (row, x) in column.iter().enumerate() {
                all.cells[row * n_columns + covariate] = (x - mean) / scale;
            }
            all.means.push(mean);
            all.scales.push(scale);
        }
        Ok(all)
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.n_columns..(row + 1) * self.n_columns]
    }
}

/// Fails unless there is one finite value per covariate.
fn check_values(values: &[f64], n_columns: usize) -> Result<()> {
    error::same_length("covariates", n_columns, values.len())?;
    match values.iter().find(|value| !value.is_finite()) {
        Some(&value) => Err(Error::OutOfRange {
            name: "covariate",
            value,
        }),
        None => Ok(()),
    }
}

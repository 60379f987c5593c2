//! What can be wrong with the input of a model, named for what the caller can do about it.
//! Must not know where the rows come from; it speaks of row positions only.

use thiserror::Error;

pub type Result<T> = std::result::Result<T, Error>;

/// Why one row cannot enter a model.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum RowProblem {
    #[error("age {0} is negative or not finite")]
    BadAge(f64),
    #[error("age at last purchase {0} is negative or not finite")]
    BadAgeAtLast(f64),
    #[error("last purchase at age {age_at_last} lies after the end of observation at {age}")]
    LastAfterAge { age_at_last: f64, age: f64 },
    #[error("no repeat purchase, but a last purchase at age {0}")]
    LastWithoutRepeat(f64),
    /// Purchases of the same day are one event, so a repeat purchase lies at an age above zero.
    #[error("{0} repeat purchases, but the last purchase is at age 0")]
    RepeatWithoutLast(u32),
    #[error("{0} repeat purchases are more than the age at last purchase has days, or than {max}", max = crate::history::MAX_REPEATS)]
    TooManyRepeats(u32),
    #[error("mean spend {0} is not above zero and finite")]
    BadSpend(f64),
    #[error("rating {rating} is not on the scale from {lowest} to {highest}")]
    OffScale { rating: u8, lowest: u8, highest: u8 },
    #[error("weight {0} is not above zero and finite")]
    BadWeight(f64),
    #[error("duration {0} is negative or not finite")]
    BadDuration(f64),
    /// Models with a density need it; Kaplan-Meier and Cox take a duration of 0.
    #[error("duration is zero; count it as half the smallest unit, or leave the row out")]
    ZeroDuration,
    #[error("observed from {entry}, which is not before the end at {exit} or is negative")]
    EntryAfterExit { entry: f64, exit: f64 },
    #[error("covariate {covariate} is {value}, not a finite number")]
    BadCovariate { covariate: usize, value: f64 },
    #[error("value {0} is not a finite number")]
    BadValue(f64),
    #[error("value {0} is not above zero, as multiplicative models need")]
    NotPositive(f64),
}

#[derive(Debug, Clone, PartialEq, Error)]
pub enum Error {
    /// Leave the row out (and tell the user), or correct it.
    #[error("row {row}: {problem}")]
    Row { row: usize, problem: RowProblem },
    #[error("{what} has {found} rows, expected {expected}")]
    Length {
        what: &'static str,
        expected: usize,
        found: usize,
    },
    /// The data cannot carry the model: collect more.
    #[error("not enough data: {0}")]
    NotEnough(&'static str),
    #[error("too many distinct ages for {0} customers; round ages to days")]
    TooFine(usize),
    #[error("parameter `{name}` must be above zero and finite, not {value}")]
    Parameter { name: &'static str, value: f64 },
    #[error("horizon {0} must be finite and not negative")]
    Horizon(f64),
    #[error("`{name}` is out of range: {value}")]
    OutOfRange { name: &'static str, value: f64 },
    #[error("thresholds of `{0}` descend")]
    Descending(&'static str),
    /// The spend distribution has no finite mean for this customer (`p x + q <= 1`).
    #[error("expected spend is infinite: p x + q = {0} is not above 1")]
    InfiniteMean(f64),
    /// The covariate is constant, or a combination of those before it.
    #[error("covariate {0} says nothing that the others do not")]
    Collinear(usize),
    /// The covariate alone tells who has the event, so its coefficient has no finite estimate.
    #[error("covariate {0} separates events from the rest: its coefficient is infinite")]
    Separated(usize),
    #[error("the series has {found} values, the model needs {needed}")]
    TooShort { needed: usize, found: usize },
    #[error("no convergence after {iterations} iterations, gradient {gradient_norm}")]
    NoConvergence {
        iterations: usize,
        gradient_norm: f64,
    },
}

pub(crate) fn row(row: usize) -> impl Fn(RowProblem) -> Error {
    move |problem| Error::Row { row, problem }
}

pub(crate) fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Length {
            what,
            expected,
            found,
        })
    }
}

pub(crate) fn horizon(weeks: f64) -> Result<()> {
    if weeks.is_finite() && weeks >= 0.0 {
        Ok(())
    } else {
        Err(Error::Horizon(weeks))
    }
}

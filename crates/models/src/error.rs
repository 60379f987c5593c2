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
    #[error("outcome {0} is neither 0 nor 1")]
    BadOutcome(f64),
    #[error("score {0} is not finite")]
    BadScore(f64),
    #[error("probability {0} is not within 0 and 1")]
    BadProbability(f64),
    #[error("item {0} is not below the number of items")]
    UnknownItem(u32),
    #[error("customer {0} is not below the number of customers")]
    UnknownCustomer(u32),
    #[error("cluster {0} is not below the number of clusters")]
    UnknownCluster(u32),
    #[error("last transaction at opportunity {last} of only {opportunities}")]
    LastAfterOpportunities { last: u32, opportunities: u32 },
    #[error("{transactions} transactions up to opportunity {last}, the last one taken")]
    TransactionsUpToLast { transactions: u32, last: u32 },
    #[error("{0} opportunities are more than {max}", max = crate::bg_bb::MAX_OPPORTUNITIES)]
    TooManyOpportunities(u32),
    #[error("the cohort has no size")]
    EmptyCohort,
    #[error("the cohort grows at renewal {renewal}")]
    CohortGrows { renewal: usize },
    #[error("{0} renewals are not below {max}", max = crate::retention::MAX_RENEWALS)]
    TooManyRenewals(u32),
    #[error("{before} renewals before observation, but only {made} in all")]
    RenewalsBefore { before: u32, made: u32 },
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

/// Why one column cannot enter a model.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ColumnProblem {
    /// Leave it out ([`crate::features::Features::without_constant`]): it cannot tell customers apart.
    #[error("holds one value only")]
    Constant,
    #[error("row {row} is infinite; a missing number is NaN")]
    Infinite { row: usize },
    /// Sums of squares must stay within floating point.
    #[error("row {row} is beyond 1e100")]
    TooLarge { row: usize },
    #[error("has {found} rows, expected {expected}")]
    Rows { expected: usize, found: usize },
    #[error("there are two of this name")]
    Twice,
    #[error("is not there")]
    Absent,
    #[error("holds categories where the model has numbers, or the reverse")]
    OtherKind,
    #[error("must hold numbers")]
    NotNumbers,
    #[error("row {row} is missing")]
    Missing { row: usize },
    /// A linear combination of the columns before it; leave it out or set a ridge above 0.
    #[error("is a combination of other columns; leave it out or use a ridge")]
    Collinear,
    /// The estimate is infinite; use a ridge, or merge the level with another.
    #[error("tells the outcomes apart without error, so its estimate is infinite; use a ridge")]
    Separates,
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
    #[error("column `{column}` {problem}")]
    Column {
        column: String,
        problem: ColumnProblem,
    },
    #[error("{found} {what}, at least {needed} are needed")]
    TooFew {
        what: &'static str,
        needed: usize,
        found: usize,
    },
    /// Nothing can be learned, and no ranking judged, from one kind of outcome.
    #[error("all {n} outcomes are {}", u8::from(*.value))]
    OneClass { n: usize, value: bool },
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

pub(crate) fn column(column: &str, problem: ColumnProblem) -> Error {
    Error::Column {
        column: column.to_owned(),
        problem,
    }
}

/// Fails unless the value is finite and within both limits, which are included.
pub(crate) fn within(name: &'static str, value: f64, lowest: f64, highest: f64) -> Result<()> {
    if value >= lowest && value <= highest {
        Ok(())
    } else {
        Err(Error::OutOfRange { name, value })
    }
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

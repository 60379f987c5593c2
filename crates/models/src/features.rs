//! A table of what is known of customers before the outcome: named columns of numbers or categories.
//! Must not know where the columns come from, nor look at the outcome.
//!
//! Everything in a column must have been known on the day the score would have been made. A column that was filled
//! later (a closing reason, the last complaint of a customer already gone) makes every test look splendid and every
//! forecast useless; no model can notice that by itself.
//!
//! ```
//! use keji_models::features::Features;
//! let table = Features::new(3)
//!     .number("days_since_last", vec![12.0, 95.0, f64::NAN])? // NaN: not known
//!     .category("region", vec![Some(0), Some(1), None])?
//!     .number("currency_rate", vec![1.0, 1.0, 1.0])?;
//! let (table, left_out) = table.without_constant();
//! assert_eq!(left_out, ["currency_rate"]);
//! assert_eq!(table.names().collect::<Vec<_>>(), ["days_since_last", "region"]);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::error::{self, ColumnProblem, Error, Result, RowProblem};

/// Columns of equal length, one row per customer (or per customer and day of scoring).
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    n_rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub values: Values,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// In any unit; NaN is missing.
    Number(Vec<f64>),
    /// Codes without order; the same code must mean the same in training and in scoring.
    Category(Vec<Option<u32>>),
}

impl Features {
    /// A table without columns yet.
    pub fn new(n_rows: usize) -> Self {
        Self {
            n_rows,
            columns: Vec::new(),
        }
    }

    /// Adds a column of numbers, NaN where not known. Fails on infinite values and beyond 1e100, on another number of rows and on a
    /// name that is taken.
    pub fn number(self, name: &str, values: Vec<f64>) -> Result<Self> {
        if let Some(row) = values.iter().position(|value| value.is_infinite()) {
            return Err(error::column(name, ColumnProblem::Infinite { row }));
        }
        match values.iter().position(|value| value.abs() > 1e100) {
            Some(row) => Err(error::column(name, ColumnProblem::TooLarge { row })),
            None => self.with(name, values.len(), Values::Number(values)),
        }
    }

    /// Adds a column of category codes, `None` where not known. Fails as [`Features::number`].
    pub fn category(self, name: &str, codes: Vec<Option<u32>>) -> Result<Self> {
        self.with(name, codes.len(), Values::Category(codes))
    }

    fn with(mut self, name: &str, found: usize, values: Values) -> Result<Self> {
        let expected = self.n_rows;
        if found != expected {
            let problem = ColumnProblem::Rows { expected, found };
            return Err(error::column(name, problem));
        }
        if self.names().any(|taken| taken == name) {
            return Err(error::column(name, ColumnProblem::Twice));
        }
        self.columns.push(Column {
            name: name.to_owned(),
            values,
        });
        Ok(self)
    }

    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The column of that name.
    pub fn named(&self, name: &str) -> Result<&Column> {
        let mut columns = self.columns.iter();
        columns
            .find(|column| column.name == name)
            .ok_or_else(|| error::column(name, ColumnProblem::Absent))
    }

    /// The rows at these positions, in that order. Fails on a position beyond the last row.
    pub fn rows(&self, positions: &[usize]) -> Result<Self> {
        if let Some(&position) = positions.iter().find(|&&i| i >= self.n_rows) {
            return Err(Error::OutOfRange {
                name: "row",
                value: position as f64,
            });
        }
        let columns = self.columns.iter().map(|column| Column {
            name: column.name.clone(),
            values: match &column.values {
                Values::Number(values) => {
                    Values::Number(positions.iter().map(|&i| values[i]).collect())
                }
                Values::Category(codes) => {
                    Values::Category(positions.iter().map(|&i| codes[i]).collect())
                }
            },
        });
        Ok(Self {
            n_rows: positions.len(),
            columns: columns.collect(),
        })
    }

    /// The table without columns that hold one value only (missing counts as a value), and the names of those.
    pub fn without_constant(self) -> (Self, Vec<String>) {
        let n_rows = self.n_rows;
        let (constant, columns): (Vec<_>, Vec<_>) =
            self.columns.into_iter().partition(Column::is_constant);
        let names = constant.into_iter().map(|column| column.name).collect();
        (Self { n_rows, columns }, names)
    }

    /// Fails unless this table has the columns a model was fitted on, in the same order and of the same kind.
    pub(crate) fn check_like(&self, fitted: &[Shape]) -> Result<()> {
        for (i, shape) in fitted.iter().enumerate() {
            let problem = match self.columns.get(i) {
                Some(column) if column.name != shape.name => ColumnProblem::Absent,
                Some(column) if column.is_number() != shape.is_number => ColumnProblem::OtherKind,
                Some(_) => continue,
                None => ColumnProblem::Absent,
            };
            return Err(error::column(&shape.name, problem));
        }
        error::same_length("the table, in columns,", fitted.len(), self.columns.len())
    }

    pub(crate) fn shapes(&self) -> Vec<Shape> {
        let shape = |column: &Column| Shape {
            name: column.name.clone(),
            is_number: column.is_number(),
        };
        self.columns.iter().map(shape).collect()
    }
}

impl Column {
    /// Whether all rows hold the same value; missing counts as a value.
    pub fn is_constant(&self) -> bool {
        match &self.values {
            Values::Number(values) => values
                .windows(2)
                .all(|pair| pair[0] == pair[1] || (pair[0].is_nan() && pair[1].is_nan())),
            Values::Category(codes) => codes.windows(2).all(|pair| pair[0] == pair[1]),
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self.values, Values::Number(_))
    }

    pub(crate) fn numbers(&self) -> Result<&[f64]> {
        match &self.values {
            Values::Number(values) => Ok(values),
            Values::Category(_) => Err(error::column(&self.name, ColumnProblem::NotNumbers)),
        }
    }
}

/// What a fitted model keeps of a column to recognise it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub name: String,
    pub is_number: bool,
}

/// Fewest rows a two-sided outcome is learned from.
pub const MIN_ROWS: usize = 40;

/// Fewest rows of either outcome; below it every estimate hangs on single customers.
pub const MIN_PER_OUTCOME: usize = 10;

/// Outcomes from numbers: 1 happened (churned, bought), 0 did not. Fails on anything else, NaN above all, by row.
pub fn outcomes(values: &[f64]) -> Result<Vec<bool>> {
    let outcome = |(row, &value): (usize, &f64)| match value {
        1.0 => Ok(true),
        0.0 => Ok(false),
        _ => Err(error::row(row)(RowProblem::BadOutcome(value))),
    };
    values.iter().enumerate().map(outcome).collect()
}

/// Fails unless there is enough to learn from, and every column varies.
pub(crate) fn check_training(features: &Features, outcome: &[bool]) -> Result<()> {
    let n = features.n_rows();
    error::same_length("outcome", n, outcome.len())?;
    at_least("rows", MIN_ROWS, n)?;
    at_least("columns", 1, features.columns().len())?;
    let n_positive = check_both(outcome)?;
    at_least(
        "rows of the rarer outcome",
        MIN_PER_OUTCOME,
        n_positive.min(n - n_positive),
    )?;
    match features
        .columns()
        .iter()
        .find(|column| column.is_constant())
    {
        Some(column) => Err(error::column(&column.name, ColumnProblem::Constant)),
        None => Ok(()),
    }
}

/// The number of positive outcomes; fails unless both kinds occur.
pub(crate) fn check_both(outcome: &[bool]) -> Result<usize> {
    let n = outcome.len();
    at_least("rows", 1, n)?;
    let n_positive = outcome.iter().filter(|&&y| y).count();
    if n_positive == 0 || n_positive == n {
        return Err(Error::OneClass {
            n,
            value: n_positive == n,
        });
    }
    Ok(n_positive)
}

pub(crate) fn at_least(what: &'static str, needed: usize, found: usize) -> Result<()> {
    if found >= needed {
        Ok(())
    } else {
        Err(Error::TooFew {
            what,
            needed,
            found,
        })
    }
}

/// 1 / (1 + e^-x), without overflow.
pub(crate) fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + e^x), without overflow and without loss at very negative x.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Minus the log-likelihood of one outcome at a log-odds.
pub(crate) fn log_loss_at(log_odds: f64, outcome: bool) -> f64 {
    softplus(if outcome { -log_odds } else { log_odds })
}

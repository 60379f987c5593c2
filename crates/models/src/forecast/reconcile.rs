//! Makes forecasts of parts and of their sums agree: regions and the company, products and their category.
//! Must not forecast; it takes what was forecast for every series by itself.
//!
//! Forecasts made one by one do not add up, and the sums are often the better ones, being less noisy. Of all values that
//! add up, the nearest to the forecasts are taken, near in the metric of their error variances W:
//!
//! y~ = y^ - W C' (C W C')^-1 C y^, where C y = 0 says that every sum is the sum of its parts
//! (the projection form of MinT; Wickramasuriya, Athanasopoulos & Hyndman 2019, JASA 114:804-819).
//!
//! | weights | W | needs |
//! |---|---|---|
//! | [`Weights::BottomUp`] | sums are not asked at all | nothing; right when the parts are well forecast |
//! | [`Weights::Ols`] | 1 | nothing, but one unit everywhere |
//! | [`Weights::Structural`] | number of parts | parts of similar size |
//! | [`Weights::Variance`] | one-step error variances (MinT, diagonal) | residuals of each series; the usual choice |
//!
//! Reconciled values can be negative where parts are near zero. Errors of different series are taken as unrelated, so
//! [`Reconciled::std_errors`] is too small where a bad month is bad for all.
//!
//! ```
//! use keji_models::forecast::reconcile::{Hierarchy, Weights};
//! // One total of two parts; the order is: sums, then parts.
//! let company = Hierarchy::new(2, vec![vec![0, 1]])?;
//! let found = company.reconcile(&[vec![100.0], vec![50.0], vec![40.0]], Weights::Variance(&[1.0, 1.0, 4.0]))?;
//! // Ten too little in the parts: shared out as the variances 1 : 1 : 4.
//! let rounded: Vec<f64> = found.forecasts.iter().map(|series| series[0].round()).collect();
//! assert_eq!(rounded, [98.0, 52.0, 47.0]);
//! assert!((found.forecasts[0][0] - found.forecasts[1][0] - found.forecasts[2][0]).abs() < 1e-9);
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::dense::Dense;
use crate::error::{self, Error, Result, RowProblem};

/// Which parts make which sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    n_parts: usize,
    sums: Vec<Vec<usize>>,
    /// Sums that each part belongs to.
    sums_of: Vec<Vec<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights<'a> {
    BottomUp,
    Ols,
    Structural,
    /// Error variance per series, sums first, all above zero.
    Variance(&'a [f64]),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// Series by step ahead, in the order of the input.
    pub forecasts: Vec<Vec<f64>>,
    /// One-step, per series; only with [`Weights::Variance`].
    pub std_errors: Option<Vec<f64>>,
}

impl Hierarchy {
    /// `sums`: for each sum the numbers of its parts, 0..n_parts. Several levels, or crossed ones (regions and products),
    /// are simply more sums. Fails on a part that does not exist or comes twice in a sum, and on an empty sum.
    pub fn new(n_parts: usize, sums: Vec<Vec<usize>>) -> Result<Self> {
        let mut sums_of = vec![Vec::new(); n_parts];
        for (number, parts) in sums.iter().enumerate() {
            if parts.is_empty() {
                return Err(Error::NotEnough("a sum without parts"));
            }
            for &part in parts {
                match sums_of.get_mut(part) {
                    Some(of) if of.last() != Some(&number) => of.push(number),
                    _ => {
                        return Err(Error::OutOfRange {
                            name: "part",
                            value: part as f64,
                        });
                    }
                }
            }
        }
        Ok(Hierarchy {
            n_parts,
            sums,
            sums_of,
        })
    }

    /// Sums and parts.
    pub fn n_series(&self) -> usize {
        self.sums.len() + self.n_parts
    }

    /// `forecasts`: one list of steps per series, sums first in the order of [`Self::new`], then parts; all as long.
    /// Cost: cubic in the number of sums, linear in parts.
    pub fn reconcile(&self, forecasts: &[Vec<f64>], weights: Weights) -> Result<Reconciled> {
        error::same_length("forecasts", self.n_series(), forecasts.len())?;
        let horizon = forecasts.first().map_or(0, Vec::len);
        for (row, series) in forecasts.iter().enumerate() {
            error::same_length("steps of a forecast", horizon, series.len())?;
            if let Some(value) = series.iter().find(|value| !value.is_finite()) {
                return Err(error::row(row)(RowProblem::BadValue(*value)));
            }
        }
        let Some(variances) = self.variances(weights)? else {
            return Ok(Reconciled {
                forecasts: self.added_up(&forecasts[self.sums.len()..], horizon),
                std_errors: None,
            });
        };
        let (of_sums, of_parts) = variances.split_at(self.sums.len());
        // C W C', with C = (1, -A), A the parts of each sum.
        let mut gaps = Dense::zeros(self.sums.len());
        for (i, w) in of_sums.iter().enumerate() {
            gaps.set(i, i, *w);
        }
        for (sums, w) in self.sums_of.iter().zip(of_parts) {
            for &i in sums {
                for &j in sums {
                    gaps.set(i, j, gaps.at(i, j) + w);
                }
            }
        }
        let factor = gaps.cholesky().map_err(|row| Error::OutOfRange {
            name: "variance of a sum beside those of its parts",
            value: of_sums.get(row).copied().unwrap_or(f64::NAN),
        })?;
        let mut parts = forecasts[self.sums.len()..].to_vec();
        for step in 0..horizon {
            let gap: Vec<f64> = self
                .sums
                .iter()
                .zip(forecasts)
                .map(|(parts_of, own)| {
                    let added: f64 = parts_of
                        .iter()
                        .map(|&p| forecasts[self.sums.len() + p][step])
                        .sum();
                    own[step] - added
                })
                .collect();
            let share = factor.solve(&gap);
            for ((part, sums), w) in parts.iter_mut().zip(&self.sums_of).zip(of_parts) {
                part[step] += w * sums.iter().map(|&i| share[i]).sum::<f64>();
            }
        }
        // Var y~ = W - W C' (C W C')^-1 C W, of the parts; a sum's from its parts' covariance, as 1' V 1.
        let std_errors = matches!(weights, Weights::Variance(_)).then(|| {
            let inverse = factor.inverse();
            let of_sum = |(i, w): (usize, &f64)| (w - w * w * inverse.at(i, i)).max(0.0).sqrt();
            let of_part = |(sums, w): (&Vec<usize>, &f64)| {
                let pairs = sums.iter().flat_map(|&i| sums.iter().map(move |&j| (i, j)));
                let known: f64 = pairs.map(|(i, j)| inverse.at(i, j)).sum();
                (w - w * w * known).max(0.0).sqrt()
            };
            let sums = of_sums.iter().enumerate().map(of_sum);
            sums.chain(self.sums_of.iter().zip(of_parts).map(of_part))
                .collect()
        });
        Ok(Reconciled {
            forecasts: self.added_up(&parts, horizon),
            std_errors,
        })
    }

    /// `None` for bottom-up.
    fn variances(&self, weights: Weights) -> Result<Option<Vec<f64>>> {
        let ones = std::iter::repeat_n(1.0, self.n_parts);
        match weights {
            Weights::BottomUp => Ok(None),
            Weights::Ols => Ok(Some(vec![1.0; self.n_series()])),
            Weights::Structural => {
                let sizes = self.sums.iter().map(|parts| parts.len() as f64);
                Ok(Some(sizes.chain(ones).collect()))
            }
            Weights::Variance(variances) => {
                error::same_length("variances", self.n_series(), variances.len())?;
                match variances.iter().find(|w| !(**w > 0.0 && w.is_finite())) {
                    Some(&value) => Err(Error::Parameter {
                        name: "variance",
                        value,
                    }),
                    None => Ok(Some(variances.to_vec())),
                }
            }
        }
    }

    /// Sums computed from parts, so that they agree to the last digit.
    fn added_up(&self, parts: &[Vec<f64>], horizon: usize) -> Vec<Vec<f64>> {
        let add = |of: &Vec<usize>| {
            (0..horizon)
                .map(|step| of.iter().map(|&p| parts[p][step]).sum())
                .collect()
        };
        self.sums
            .iter()
            .map(add)
            .chain(parts.iter().cloned())
            .collect()
    }
}

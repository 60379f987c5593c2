//! Maximises a smooth function of any number of unbounded parameters: Newton with step halving.
//! Must not know any model. Its models hand in standardised covariates, so that steps and limits mean standard
//! deviations. For a handful of positive parameters see [`crate::fit`].

use std::ops::Range;

use crate::dense::{Dense, inner};
use crate::error::{Error, Result};

#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub value: f64,
    pub gradient: Vec<f64>,
    /// The negative Hessian, whole.
    pub information: Dense,
}

#[derive(Debug)]
pub(crate) struct Maximum {
    pub at: Vec<f64>,
    pub value: f64,
    /// Inverse of the information.
    pub covariance: Dense,
    pub iterations: usize,
    pub gradient_norm: f64,
}

/// A coefficient of this many standard deviations, or known no better than that, has run away.
const RUNAWAY: f64 = 40.0;

/// Maximises from `start`; `covariates` are the positions that belong to one. [`Error::Collinear`] names a parameter that the data cannot tell from others at the start,
/// [`Error::Separated`] one that grows without end.
pub(crate) fn maximise(
    start: Vec<f64>,
    covariates: Range<usize>,
    mut evaluate: impl FnMut(&[f64]) -> Point,
) -> Result<Maximum> {
    const MAX_ITERATIONS: usize = 200;
    let mut at = start;
    let mut here = evaluate(&at);
    // Other parameters may have a saddle at the start; a covariate that fails here repeats those before it.
    if let Err(row) = here.information.cholesky()
        && covariates.contains(&row)
        && here.information.at(row, row) > 0.0
    {
        return Err(Error::Collinear(row));
    }
    let mut is_converged = false;
    let mut iterations = 0;
    while iterations < MAX_ITERATIONS && !is_converged {
        iterations += 1;
        let step = uphill(&here);
        let expected = 0.5 * inner(&step, &here.gradient);
        let rounding = 1e-15 * here.value.abs();
        is_converged = expected <= rounding.max(1e-13);
        let mut scale = 1.0;
        loop {
            let next: Vec<f64> = at.iter().zip(&step).map(|(x, s)| x + scale * s).collect();
            let there = evaluate(&next);
            // Below the rounding of the sum the sign of the gain is noise.
            if there.value.is_finite() && there.value >= here.value - 4.0 * rounding {
                (at, here) = (next, there);
                break;
            }
            scale *= 0.5;
            if scale < 1e-9 {
                is_converged = true;
                break;
            }
        }
        if let Some(row) = first(&covariates, at.len(), |i| at[i].abs() > RUNAWAY) {
            return Err(Error::Separated(row));
        }
    }
    let gradient_norm = here
        .gradient
        .iter()
        .fold(0.0, |most: f64, g| most.max(g.abs()));
    if !is_converged || !here.value.is_finite() {
        return Err(Error::NoConvergence {
            iterations,
            gradient_norm,
        });
    }
    let covariance = match here.information.cholesky() {
        Ok(factor) => factor.inverse(),
        // The row where it breaks down may only come after the one that ran away.
        Err(row) => {
            let furthest = covariates.max_by(|&i, &j| at[i].abs().total_cmp(&at[j].abs()));
            return Err(Error::Separated(furthest.unwrap_or(row)));
        }
    };
    let is_unknown = |i| covariance.at(i, i) > RUNAWAY * RUNAWAY;
    if let Some(row) = first(&covariates, at.len(), is_unknown) {
        return Err(Error::Separated(row));
    }
    Ok(Maximum {
        at,
        value: here.value,
        covariance,
        iterations,
        gradient_norm,
    })
}

/// The first position of a covariate that has it, else of any: an intercept runs away with its covariate.
fn first(covariates: &Range<usize>, n: usize, has: impl Fn(usize) -> bool) -> Option<usize> {
    covariates.clone().chain(0..n).find(|&i| has(i))
}

/// The Newton step; where the function is not concave, with as much of the diagonal added as it takes.
fn uphill(here: &Point) -> Vec<f64> {
    let mut information = here.information.clone();
    let mut added = 0.0;
    for _ in 0..40 {
        if let Ok(factor) = information.cholesky() {
            return factor.solve(&here.gradient);
        }
        let more = if added == 0.0 { 1e-4 } else { added };
        for i in 0..information.n() {
            let diagonal = here.information.at(i, i).abs().max(1e-8);
            information.set(i, i, information.at(i, i) + more * diagonal);
        }
        added += more;
    }
    here.gradient.clone()
}

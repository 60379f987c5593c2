//! Maximum likelihood for a few positive parameters: trust-region Newton on their logarithms.
//! Must not know any model; a model hands in value, gradient and Hessian.
//!
//! Why logarithms: positivity needs no constraint, and standard errors on the log scale are relative errors.
//! Why a trust region on exact second derivatives: on a ridge (see [`crate::identification`]) the Hessian has
//! eigenvalues many orders apart, where quasi-Newton methods stop early and plain Newton leaps.

use crate::error::{Error, Result};
use crate::symmetric::{Eigen, Matrix, dot, eigen};

/// A direction with a larger standard error, in log-parameters, is not identified: a factor e either way
/// lies within one standard error.
pub const MAX_DIRECTION_STD_ERROR: f64 = 1.0;

/// A set of N positive parameters that can be moved on the log scale.
pub trait Positive<const N: usize>: Copy {
    const NAMES: [&'static str; N];
    fn to_array(&self) -> [f64; N];
    /// The same model with other values, all above zero.
    fn with(&self, values: [f64; N]) -> Self;
}

/// The result of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted<P, const N: usize> {
    pub params: P,
    /// In the original unit, summed over customers.
    pub log_likelihood: f64,
    /// Customers that entered the likelihood.
    pub n: usize,
    pub iterations: usize,
    /// Largest absolute derivative by a log-parameter at the solution.
    pub gradient_norm: f64,
    /// Standard errors of the parameters by the delta method; `None` when the Hessian is not negative definite.
    pub std_errors: Option<[f64; N]>,
    /// Covariance of the log-parameters, the inverse of the negative Hessian.
    pub log_covariance: Option<[[f64; N]; N]>,
    /// Ratio of the largest to the smallest eigenvalue of the negative Hessian; infinite when not definite.
    pub condition: f64,
    /// Independent directions, the least known first.
    pub directions: [Direction<N>; N],
}

/// A direction in log-parameters, and how well the data tell the position along it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Direction<const N: usize> {
    /// Unit vector, in the order of [`Positive::NAMES`].
    pub loadings: [f64; N],
    /// Standard error along it; infinite when the likelihood does not fall that way.
    pub std_error: f64,
}

impl<P: Positive<N>, const N: usize> Fitted<P, N> {
    /// Whether every direction in log-parameters has a standard error within [`MAX_DIRECTION_STD_ERROR`].
    pub fn is_identified(&self) -> bool {
        self.weakest().std_error <= MAX_DIRECTION_STD_ERROR
    }

    /// The direction the data say least about.
    pub fn weakest(&self) -> &Direction<N> {
        &self.directions[0]
    }

    pub fn aic(&self) -> f64 {
        2.0 * N as f64 - 2.0 * self.log_likelihood
    }

    pub fn bic(&self) -> f64 {
        N as f64 * (self.n as f64).ln() - 2.0 * self.log_likelihood
    }

    /// Standard error of any quantity computed from the parameters, by the delta method with central differences.
    ///
    /// It says how sure the quantity is as a mean, not how far one customer's outcome may lie from it.
    /// `None` when the fit has no covariance or the quantity is not finite. Cost: 2N evaluations.
    pub fn std_error_of(&self, quantity: impl Fn(&P) -> f64) -> Option<f64> {
        let covariance = self.log_covariance.as_ref()?;
        let values = self.params.to_array();
        let gradient: [f64; N] = std::array::from_fn(|i| {
            // Error of order step^2; a smaller step would let the rounding of long sums in.
            let step: f64 = 1e-4;
            let at = |sign: f64| {
                let mut moved = values;
                moved[i] *= (sign * step).exp();
                quantity(&self.params.with(moved))
            };
            (at(1.0) - at(-1.0)) / (2.0 * step)
        });
        let variance = dot(&gradient, &covariance.map(|row| dot(&row, &gradient)));
        (variance.is_finite() && variance >= 0.0).then(|| variance.sqrt())
    }

    /// Parameter sets that stand for the uncertainty of the fit: 2N equally weighted points with the mean and
    /// covariance of the log-parameters (third-degree spherical cubature), so no random numbers are needed.
    ///
    /// Directions that are not identified are cut at a standard error of [`MAX_DIRECTION_STD_ERROR`], beyond
    /// which the quadratic picture of the likelihood is fiction.
    pub fn spread(&self) -> Vec<P> {
        let centre = self.params.to_array();
        let mut points = Vec::with_capacity(2 * N);
        for direction in &self.directions {
            let std_error = direction.std_error.min(MAX_DIRECTION_STD_ERROR);
            for sign in [1.0, -1.0] {
                let reach = sign * (N as f64).sqrt() * std_error;
                let point =
                    std::array::from_fn(|i| centre[i] * (reach * direction.loadings[i]).exp());
                points.push(self.params.with(point));
            }
        }
        points
    }
}

/// Log-likelihood with its derivatives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluation<const N: usize> {
    pub value: f64,
    pub gradient: [f64; N],
    pub hessian: Matrix<N>,
}

impl<const N: usize> Evaluation<N> {
    fn largest_slope(&self) -> f64 {
        self.gradient.iter().fold(0.0, |most, g| most.max(g.abs()))
    }

    /// From derivatives by the parameters to derivatives by their logarithms.
    fn on_log_scale(mut self, values: &[f64; N]) -> Self {
        for i in 0..N {
            self.gradient[i] *= values[i];
            for j in 0..N {
                self.hessian[i][j] *= values[i] * values[j];
            }
            self.hessian[i][i] += self.gradient[i];
        }
        self
    }
}

/// Maximises a log-likelihood over positive parameters from one start.
pub(crate) fn maximise<P: Positive<N>, const N: usize>(
    start: P,
    n: usize,
    evaluate: impl Fn(&P) -> Evaluation<N>,
) -> Result<Fitted<P, N>> {
    const MAX_ITERATIONS: usize = 300;
    // A parameter beyond e^18 is a limit of the model, not an estimate.
    const LIMIT: f64 = 18.0;
    // In units of log-likelihood: what one more Newton step would still gain.
    const TARGET_GAIN: f64 = 1e-13;

    let at = |logs: &[f64; N]| {
        let values = logs.map(f64::exp);
        let params = start.with(values);
        (params, evaluate(&params).on_log_scale(&values))
    };
    let mut logs = start.to_array().map(f64::ln);
    let (mut params, mut here) = at(&logs);
    let mut radius = 1.0;
    let mut iterations = 0;
    let mut is_converged = false;
    while iterations < MAX_ITERATIONS && !is_converged {
        iterations += 1;
        let (gradient, curvature) = free_part(&here, &logs, LIMIT);
        let step = trust_step(&gradient, &curvature, radius);
        let next: [f64; N] = std::array::from_fn(|i| (logs[i] + step[i]).clamp(-LIMIT, LIMIT));
        let moved: [f64; N] = std::array::from_fn(|i| next[i] - logs[i]);
        let length = dot(&moved, &moved).sqrt();
        let expected =
            dot(&gradient, &moved) - 0.5 * dot(&moved, &curvature.map(|row| dot(&row, &moved)));
        let (next_params, there) = at(&next);
        let rounding = 1e-15 * here.value.abs();
        let gain = there.value - here.value;
        is_converged = expected.abs() <= TARGET_GAIN.max(rounding) || length < 1e-12;
        // Below the rounding of the sum the sign of the gain is noise; Newton is then the better judge.
        let is_better = there.value.is_finite() && gain >= -4.0 * rounding;
        let agreement = if is_better {
            (gain + rounding) / (expected + rounding)
        } else {
            -1.0
        };
        if is_better && agreement > 1e-4 {
            (logs, params, here) = (next, next_params, there);
        }
        if agreement < 0.25 {
            radius = 0.25 * length.min(radius);
        } else if agreement > 0.75 && length > 0.8 * radius {
            radius = (2.0 * radius).min(8.0);
        }
        if radius < 1e-10 {
            break;
        }
    }
    // Polish: where gains drown in the rounding of the sum, the gradient still tells better from worse.
    for _ in 0..3 {
        let (gradient, curvature) = free_part(&here, &logs, LIMIT);
        let step = trust_step(&gradient, &curvature, radius.max(1e-3));
        let next: [f64; N] = std::array::from_fn(|i| (logs[i] + step[i]).clamp(-LIMIT, LIMIT));
        let (next_params, there) = at(&next);
        let is_no_loss = there.value - here.value >= -1e-12 * here.value.abs();
        if !is_no_loss || there.largest_slope() >= here.largest_slope() {
            break;
        }
        (logs, params, here) = (next, next_params, there);
    }
    let gradient_norm = here.largest_slope();
    // A radius shrunk to nothing at the rounding limit is a solution; a slope that remains is not.
    if !here.value.is_finite() || !(is_converged || gradient_norm < 1e-6 * n as f64) {
        return Err(Error::NoConvergence {
            iterations,
            gradient_norm,
        });
    }
    Ok(describe(params, &here, n, iterations, gradient_norm))
}

/// Gradient and negative Hessian without the parameters that sit at a limit and want to go beyond it.
fn free_part<const N: usize>(
    here: &Evaluation<N>,
    logs: &[f64; N],
    limit: f64,
) -> ([f64; N], Matrix<N>) {
    let is_free: [bool; N] =
        std::array::from_fn(|i| logs[i].abs() < limit || logs[i] * here.gradient[i] < 0.0);
    let gradient = std::array::from_fn(|i| if is_free[i] { here.gradient[i] } else { 0.0 });
    let curvature = std::array::from_fn(|i| {
        std::array::from_fn(|j| match (is_free[i] && is_free[j], i == j) {
            (true, _) => -here.hessian[i][j],
            (false, true) => 1.0,
            (false, false) => 0.0,
        })
    });
    (gradient, curvature)
}

/// The step that maximises the quadratic model within a ball (Nocedal & Wright 2006, section 4.3).
fn trust_step<const N: usize>(gradient: &[f64; N], curvature: &Matrix<N>, radius: f64) -> [f64; N] {
    let Eigen { values, vectors } = eigen(curvature);
    let slopes = vectors.map(|vector| dot(&vector, gradient));
    let step = |shift: f64| -> [f64; N] {
        std::array::from_fn(|i| {
            (0..N)
                .map(|k| slopes[k] / (values[k] + shift) * vectors[k][i])
                .sum()
        })
    };
    let length = |shift: f64| {
        let step = step(shift);
        dot(&step, &step).sqrt()
    };
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if values[0] > 1e-14 * largest && length(0.0) <= radius {
        return step(0.0);
    }
    let mut low = (-values[0]).max(0.0);
    let mut high = low + dot(gradient, gradient).sqrt() / radius + 1e-14 * largest;
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if length(middle) <= radius {
            high = middle;
        } else {
            low = middle;
        }
    }
    step(high)
}

fn describe<P: Positive<N>, const N: usize>(
    params: P,
    here: &Evaluation<N>,
    n: usize,
    iterations: usize,
    gradient_norm: f64,
) -> Fitted<P, N> {
    // Eigenvalues below this part of the largest are rounding.
    const SMALLEST: f64 = 1e-13;
    let Eigen { values, vectors } = eigen(&here.hessian.map(|row| row.map(|h| -h)));
    let is_definite = values[0] > SMALLEST * values[N - 1];
    let log_covariance: Option<Matrix<N>> = is_definite.then(|| {
        std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                (0..N)
                    .map(|k| vectors[k][i] * vectors[k][j] / values[k])
                    .sum()
            })
        })
    });
    let at = params.to_array();
    Fitted {
        params,
        log_likelihood: here.value,
        n,
        iterations,
        gradient_norm,
        std_errors: log_covariance
            .as_ref()
            .map(|covariance| std::array::from_fn(|i| at[i] * covariance[i][i].sqrt())),
        log_covariance,
        condition: if is_definite {
            values[N - 1] / values[0]
        } else {
            f64::INFINITY
        },
        directions: std::array::from_fn(|k| Direction {
            loadings: vectors[k],
            std_error: if values[k] > SMALLEST * values[N - 1] {
                values[k].sqrt().recip()
            } else {
                f64::INFINITY
            },
        }),
    }
}

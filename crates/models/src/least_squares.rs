//! Minimises a sum of squares of few parameters within bounds: Levenberg-Marquardt with projection.
//! Must not know any model. Derivatives by central differences, so residuals must be smooth within the bounds.

use crate::dense::{Dense, inner};

pub(crate) struct Minimum {
    pub at: Vec<f64>,
    pub sum_of_squares: f64,
    pub is_converged: bool,
    pub iterations: usize,
    /// Largest absolute derivative of half the sum by a parameter that can still move.
    pub gradient_norm: f64,
}

/// Minimises from `start`, which must lie within `bounds`. `residuals` fills its slice and returns whether the point
/// is possible at all. Parameters should be of order one. `None` when the start is not possible.
pub(crate) fn minimise(
    start: &[f64],
    bounds: &[(f64, f64)],
    n_residuals: usize,
    mut residuals: impl FnMut(&[f64], &mut [f64]) -> bool,
) -> Option<Minimum> {
    const MAX_ITERATIONS: usize = 300;
    // A gain of less than this part of the sum, three times in a row, ends the search.
    const SMALLEST_GAIN: f64 = 1e-10;
    let k = start.len();
    let mut at = start.to_vec();
    let mut here = vec![0.0; n_residuals];
    let mut there = here.clone();
    let mut jacobian = vec![vec![0.0; n_residuals]; k];
    if !residuals(&at, &mut here) {
        return None;
    }
    let mut sum = inner(&here, &here);
    let (mut damping, mut n_small) = (1e-3, 0);
    let (mut is_converged, mut iterations, mut gradient_norm) = (false, 0, f64::INFINITY);
    while iterations < MAX_ITERATIONS && !is_converged {
        iterations += 1;
        for (j, column) in jacobian.iter_mut().enumerate() {
            let step = 1e-6 * at[j].abs().max(0.1);
            let (low, high) = bounds[j];
            let mut moved = at.clone();
            moved[j] = (at[j] + step).min(high);
            let above = moved[j];
            let is_up = residuals(&moved, column);
            moved[j] = (at[j] - step).max(low);
            let below = moved[j];
            let is_down = residuals(&moved, &mut there);
            let width = above - below;
            let is_known = is_up && is_down && width > 0.0;
            for (cell, other) in column.iter_mut().zip(&there) {
                *cell = if is_known {
                    (*cell - other) / width
                } else {
                    0.0
                };
            }
        }
        let slope: Vec<f64> = jacobian.iter().map(|column| inner(column, &here)).collect();
        let free: Vec<usize> = (0..k)
            .filter(|&j| {
                let (low, high) = bounds[j];
                !(at[j] <= low && slope[j] > 0.0 || at[j] >= high && slope[j] < 0.0)
            })
            .filter(|&j| inner(&jacobian[j], &jacobian[j]) > 0.0)
            .collect();
        let mut normal = Dense::zeros(free.len());
        for (a, &i) in free.iter().enumerate() {
            for (b, &j) in free.iter().enumerate() {
                normal.set(a, b, inner(&jacobian[i], &jacobian[j]));
            }
        }
        let downhill: Vec<f64> = free.iter().map(|&j| -slope[j]).collect();
        let room: Vec<(f64, f64)> = free
            .iter()
            .map(|&j| (bounds[j].0 - at[j], bounds[j].1 - at[j]))
            .collect();
        let before = sum;
        loop {
            let mut damped = normal.clone();
            for a in 0..free.len() {
                damped.set(a, a, normal.at(a, a) * (1.0 + damping));
            }
            let next = step_within(&damped, &downhill, &room).map(|step| {
                let mut next = at.clone();
                for (&j, step) in free.iter().zip(step) {
                    // Again, because bound - at + at may round beyond the bound.
                    next[j] = (at[j] + step).clamp(bounds[j].0, bounds[j].1);
                }
                next
            });
            if let Some(next) = next
                && residuals(&next, &mut there)
            {
                let found = inner(&there, &there);
                if found < sum {
                    (at, sum) = (next, found);
                    std::mem::swap(&mut here, &mut there);
                    damping = (0.2 * damping).max(1e-12);
                    break;
                }
            }
            damping *= 4.0;
            if damping > 1e12 {
                break;
            }
        }
        n_small = if before - sum <= SMALLEST_GAIN * before {
            n_small + 1
        } else {
            0
        };
        gradient_norm = downhill.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        is_converged = n_small == 3 || damping > 1e12 || sum == 0.0;
    }
    Some(Minimum {
        at,
        sum_of_squares: sum,
        is_converged,
        iterations,
        gradient_norm,
    })
}

/// Solves for a step, with parameters that would leave their room held at its border and the others solved anew.
fn step_within(normal: &Dense, downhill: &[f64], room: &[(f64, f64)]) -> Option<Vec<f64>> {
    let mut step = vec![0.0; downhill.len()];
    let mut moving: Vec<usize> = (0..downhill.len()).collect();
    loop {
        let mut part = Dense::zeros(moving.len());
        let mut right = Vec::with_capacity(moving.len());
        for (a, &i) in moving.iter().enumerate() {
            let held = (0..downhill.len()).filter(|k| !moving.contains(k));
            let taken: f64 = held.map(|k| normal.at(i, k) * step[k]).sum();
            right.push(downhill[i] - taken);
            for (b, &j) in moving.iter().enumerate() {
                part.set(a, b, normal.at(i, j));
            }
        }
        for (&i, found) in moving.iter().zip(part.cholesky().ok()?.solve(&right)) {
            step[i] = found;
        }
        let n_before = moving.len();
        moving.retain(|&i| {
            let (low, high) = room[i];
            let is_within = low <= step[i] && step[i] <= high;
            step[i] = step[i].clamp(low, high);
            is_within
        });
        if moving.len() == n_before || moving.is_empty() {
            return Some(step);
        }
    }
}

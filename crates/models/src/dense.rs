//! Symmetric matrices whose size is known only when the data are: Cholesky, inverse, quadratic forms.
//! For tens to hundreds of rows. Small matrices of fixed size are in [`crate::symmetric`].

/// A pivot below this part of its diagonal entry is rounding: the row depends on those before it.
const SMALLEST_PIVOT: f64 = 1e-11;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dense {
    n: usize,
    /// Row by row.
    cells: Vec<f64>,
}

impl Dense {
    pub fn zeros(n: usize) -> Self {
        Dense {
            n,
            cells: vec![0.0; n * n],
        }
    }

    pub fn n(&self) -> usize {
        self.n
    }

    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.cells[i * self.n + j]
    }

    pub fn set(&mut self, i: usize, j: usize, value: f64) {
        self.cells[i * self.n + j] = value;
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.cells.chunks_exact(self.n.max(1))
    }

    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.cells[i * self.n..(i + 1) * self.n]
    }

    /// Adds `factor` times the outer product of `x` with itself, above the diagonal only.
    pub fn add_outer(&mut self, factor: f64, x: &[f64]) {
        self.add_product(factor, x, x);
    }

    /// Adds `factor` times x y', above the diagonal only.
    pub fn add_product(&mut self, factor: f64, x: &[f64], y: &[f64]) {
        let n = self.n;
        for (i, (row, xi)) in self.cells.chunks_exact_mut(n.max(1)).zip(x).enumerate() {
            let scaled = factor * xi;
            for (cell, yj) in row.iter_mut().zip(y).skip(i) {
                *cell += scaled * yj;
            }
        }
    }

    pub fn add_scaled(&mut self, factor: f64, other: &Dense) {
        for (cell, add) in self.cells.iter_mut().zip(&other.cells) {
            *cell += factor * add;
        }
    }

    pub fn clear(&mut self) {
        self.cells.fill(0.0);
    }

    /// Copies what is above the diagonal below it.
    pub fn mirror(&mut self) {
        for i in 0..self.n {
            for j in 0..i {
                let above = self.at(j, i);
                self.set(i, j, above);
            }
        }
    }

    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        self.rows().map(|row| inner(row, x)).collect()
    }

    /// `Err` names the first row that depends on those before it, or where the matrix is not positive.
    pub fn cholesky(&self) -> Result<Cholesky, usize> {
        let n = self.n;
        let mut lower = Dense::zeros(n);
        for j in 0..n {
            let before = &lower.cells[j * n..j * n + j];
            let pivot = self.at(j, j) - inner(before, before);
            // Written so that NaN fails too.
            if !(pivot > SMALLEST_PIVOT * self.at(j, j).abs() && pivot.is_finite()) {
                return Err(j);
            }
            let root = pivot.sqrt();
            for i in j + 1..n {
                let rest = self.at(i, j)
                    - inner(
                        &lower.cells[i * n..i * n + j],
                        &lower.cells[j * n..j * n + j],
                    );
                lower.set(i, j, rest / root);
            }
            lower.set(j, j, root);
        }
        Ok(Cholesky { lower })
    }

    /// u' A^- u for a matrix that may be singular, with its rank; `u` must lie in what the matrix spans.
    pub fn quadratic_inverse(&self, u: &[f64]) -> (f64, usize) {
        let mut kept: Vec<usize> = Vec::with_capacity(self.n);
        let mut lower: Vec<Vec<f64>> = Vec::with_capacity(self.n);
        let mut solved: Vec<f64> = Vec::with_capacity(self.n);
        for (i, ui) in u.iter().enumerate().take(self.n) {
            let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
            for (k, &j) in kept.iter().enumerate() {
                let above = &lower[k];
                row.push((self.at(i, j) - inner(&row, &above[..k])) / above[k]);
            }
            let pivot = self.at(i, i) - inner(&row, &row);
            if pivot > SMALLEST_PIVOT * self.at(i, i) {
                let root = pivot.sqrt();
                solved.push((ui - inner(&row, &solved)) / root);
                row.push(root);
                lower.push(row);
                kept.push(i);
            }
        }
        (inner(&solved, &solved), kept.len())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    lower: Dense,
}

impl Cholesky {
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let (lower, n) = (&self.lower, self.lower.n);
        let mut x = right.to_vec();
        for i in 0..n {
            let known = inner(&lower.cells[i * n..i * n + i], &x[..i]);
            x[i] = (x[i] - known) / lower.at(i, i);
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|k| lower.at(k, i) * x[k]).sum();
            x[i] = (x[i] - known) / lower.at(i, i);
        }
        x
    }

    pub fn inverse(&self) -> Dense {
        let n = self.lower.n;
        let mut inverse = Dense::zeros(n);
        let mut unit = vec![0.0; n];
        for j in 0..n {
            unit[j] = 1.0;
            inverse.row_mut(j).copy_from_slice(&self.solve(&unit));
            unit[j] = 0.0;
        }
        inverse
    }
}

pub(crate) fn inner(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[f64]]) -> Dense {
        Dense {
            n: rows.len(),
            cells: rows.concat(),
        }
    }

    #[test]
    fn solves_and_names_the_dependent_row() {
        let a = matrix(&[&[4.0, 2.0, 0.0], &[2.0, 5.0, 1.0], &[0.0, 1.0, 3.0]]);
        let factor = a.cholesky().unwrap();
        let x = factor.solve(&[8.0, 15.0, 11.0]);
        for (found, expected) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-14);
        }
        for (i, row) in factor.inverse().rows().enumerate() {
            for (j, found) in a.times(row).iter().enumerate() {
                assert!((found - f64::from(i == j)).abs() < 1e-14);
            }
        }
        // The third row is the sum of the first two.
        let b = matrix(&[&[2.0, 1.0, 3.0], &[1.0, 2.0, 3.0], &[3.0, 3.0, 6.0]]);
        assert_eq!(b.cholesky().unwrap_err(), 2);
        // u = b (1, 0, 0)', so u' b^- u = b[0][0].
        let (form, rank) = b.quadratic_inverse(&[2.0, 1.0, 3.0]);
        assert_eq!(rank, 2);
        assert!((form - 2.0).abs() < 1e-14);
    }
}

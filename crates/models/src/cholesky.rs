//! Cholesky factors of symmetric positive definite matrices of any size, for regressions.
//! For tens to a few hundred rows; nothing here knows about models.

/// Lower factor L of A = L L', row by row.
pub(crate) struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// `a` holds n x n entries, of which the lower half is read. Fails with the first row that is, to a part in
    /// 10^11, a combination of those before it.
    pub fn new(a: &[f64], n: usize) -> Result<Self, usize> {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let (row_i, row_j) = (&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
                let rest = a[i * n + j] - row_i.iter().zip(row_j).map(|(x, y)| x * y).sum::<f64>();
                lower[i * n + j] = if i == j {
                    if rest.is_nan() || rest <= 1e-11 * a[i * n + i] {
                        return Err(i);
                    }
                    rest.sqrt()
                } else {
                    rest / lower[j * n + j]
                };
            }
        }
        Ok(Self { n, lower })
    }

    /// x with A x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let (n, lower) = (self.n, &self.lower);
        let mut x = b.to_vec();
        for i in 0..n {
            let known: f64 = (0..i).map(|k| lower[i * n + k] * x[k]).sum();
            x[i] = (x[i] - known) / lower[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|k| lower[k * n + i] * x[k]).sum();
            x[i] = (x[i] - known) / lower[i * n + i];
        }
        x
    }

    /// The inverse of A, n x n.
    pub fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut unit = vec![0.0; n];
        for j in 0..n {
            unit[j] = 1.0;
            for (i, x) in self.solve(&unit).into_iter().enumerate() {
                inverse[i * n + j] = x;
            }
            unit[j] = 0.0;
        }
        inverse
    }
}

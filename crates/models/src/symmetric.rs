//! Eigenvalues and vectors of a small symmetric matrix by cyclic Jacobi rotations.
//! For matrices of a handful of rows only; nothing here knows about models.

pub(crate) type Matrix<const N: usize> = [[f64; N]; N];

/// `vectors[i]` belongs to `values[i]`; values ascend.
pub(crate) struct Eigen<const N: usize> {
    pub values: [f64; N],
    pub vectors: Matrix<N>,
}

pub(crate) fn eigen<const N: usize>(matrix: &Matrix<N>) -> Eigen<N> {
    let mut a = *matrix;
    let mut v: Matrix<N> = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(i == j)));
    let scale: f64 = a.iter().flatten().map(|x| x.abs()).fold(0.0, f64::max);
    for _ in 0..60 {
        let off: f64 = (0..N)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i][j].abs())
            .fold(0.0, f64::max);
        // Far below the rounding of the entries, so that tiny eigenvalues of a ridge stay meaningful.
        if off <= 1e-18 * scale {
            break;
        }
        for p in 0..N {
            for q in p + 1..N {
                rotate(&mut a, &mut v, p, q);
            }
        }
    }
    let mut order: [usize; N] = std::array::from_fn(|i| i);
    order.sort_by(|&i, &j| a[i][i].total_cmp(&a[j][j]));
    Eigen {
        values: order.map(|i| a[i][i]),
        vectors: order.map(|i| std::array::from_fn(|row| v[row][i])),
    }
}

pub(crate) fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Copies what was computed above the diagonal below it.
pub(crate) fn mirror<const N: usize>(matrix: &mut Matrix<N>) {
    let upper = *matrix;
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, slot) in row.iter_mut().enumerate().take(i) {
            *slot = upper[j][i];
        }
    }
}

fn rotate<const N: usize>(a: &mut Matrix<N>, v: &mut Matrix<N>, p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for row in a.iter_mut() {
        (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    }
    let [row_p, row_q] = a
        .get_disjoint_mut([p, q])
        .expect("two different rows of the matrix");
    for (in_p, in_q) in row_p.iter_mut().zip(row_q) {
        (*in_p, *in_q) = (c * *in_p - s * *in_q, s * *in_p + c * *in_q);
    }
    for row in v.iter_mut() {
        (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    }
}

//! How alike two groupings of the same customers are, and which group of one is which of the other.
//! Must not know how the groups were made.

use crate::error::{self, Result, RowProblem};

/// Customers in group i of the one and j of the other: k rows of l counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub counts: Vec<Vec<usize>>,
}

impl Table {
    /// From labels below `k` and below `l`, customer by customer.
    pub fn of(a: &[u32], k: usize, b: &[u32], l: usize) -> Result<Self> {
        error::same_length("labels", a.len(), b.len())?;
        let mut counts = vec![vec![0; l]; k];
        for (row, (&i, &j)) in a.iter().zip(b).enumerate() {
            let slot = counts
                .get_mut(i as usize)
                .and_then(|line| line.get_mut(j as usize));
            match slot {
                Some(count) => *count += 1,
                None => {
                    let bad = if i as usize >= k { i } else { j };
                    return Err(error::row(row)(RowProblem::UnknownCluster(bad)));
                }
            }
        }
        Ok(Self { counts })
    }

    fn of_rows(&self) -> Vec<usize> {
        self.counts.iter().map(|line| line.iter().sum()).collect()
    }

    fn of_columns(&self) -> Vec<usize> {
        let l = self.counts.first().map_or(0, Vec::len);
        let sum = |j: usize| self.counts.iter().map(|line| line[j]).sum();
        (0..l).map(sum).collect()
    }

    /// Adjusted Rand index: 1 for the same grouping, 0 as much agreement as by chance (Hubert & Arabie 1985, eq. 5).
    /// 1 where both groupings are trivial in the same way.
    pub fn adjusted_rand(&self) -> f64 {
        let pairs = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
        let sum = |counts: &[usize]| counts.iter().map(|&n| pairs(n)).sum::<f64>();
        let together: f64 = self.counts.iter().map(|line| sum(line)).sum();
        let (rows, columns) = (self.of_rows(), self.of_columns());
        let (a, b) = (sum(&rows), sum(&columns));
        let total = pairs(rows.iter().sum());
        if total <= 0.0 {
            return 1.0;
        }
        let (chance, most) = (a * b / total, 0.5 * (a + b));
        if most - chance <= 0.0 {
            1.0
        } else {
            (together - chance) / (most - chance)
        }
    }

    /// Share of customers in i or j that are in both.
    pub fn jaccard(&self) -> Vec<Vec<f64>> {
        let (rows, columns) = (self.of_rows(), self.of_columns());
        let line = |(i, line): (usize, &Vec<usize>)| {
            let cell = |(j, &both): (usize, &usize)| {
                let either = rows[i] + columns[j] - both;
                if either == 0 {
                    0.0
                } else {
                    both as f64 / either as f64
                }
            };
            line.iter().enumerate().map(cell).collect()
        };
        self.counts.iter().enumerate().map(line).collect()
    }
}

/// The one-to-one assignment of rows to columns with the largest sum, by row; `None` for rows left over.
///
/// The Hungarian method (Kuhn 1955) by shortest augmenting paths (Jonker & Volgenant 1987). Every column is used at
/// most once; with fewer columns than rows some rows go without. Cost: the cube of the larger side. Values that are
/// not finite count as very bad.
pub fn best_assignment(gains: &[Vec<f64>]) -> Vec<Option<usize>> {
    let (k, l) = (gains.len(), gains.iter().map(Vec::len).max().unwrap_or(0));
    let size = k.max(l);
    // Padding with zeros: being left over costs nothing.
    let cost = |i: usize, j: usize| -> f64 {
        match gains.get(i).and_then(|line| line.get(j)) {
            Some(gain) if gain.is_finite() => -gain,
            Some(_) => 1e12,
            None => 0.0,
        }
    };
    // Rows and columns are counted from 1; 0 stands for none.
    let (mut u, mut v) = (vec![0.0; size + 1], vec![0.0; size + 1]);
    let mut row_of = vec![0usize; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut least = vec![f64::INFINITY; size + 1];
        let mut is_used = vec![false; size + 1];
        let mut from = vec![0usize; size + 1];
        let mut column = 0;
        loop {
            is_used[column] = true;
            let at = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for j in 1..=size {
                if is_used[j] {
                    continue;
                }
                let reduced = cost(at - 1, j - 1) - u[at] - v[j];
                if reduced < least[j] {
                    (least[j], from[j]) = (reduced, column);
                }
                if least[j] < step {
                    (step, next) = (least[j], j);
                }
            }
            for j in 0..=size {
                if is_used[j] {
                    u[row_of[j]] += step;
                    v[j] -= step;
                } else {
                    least[j] -= step;
                }
            }
            column = next;
            if row_of[column] == 0 {
                break;
            }
        }
        while column != 0 {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let mut columns = vec![None; k];
    for (j, &row) in row_of.iter().enumerate().skip(1) {
        if j <= l && row >= 1 && row <= k {
            columns[row - 1] = Some(j - 1);
        }
    }
    columns
}

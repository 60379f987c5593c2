//! Why a customer has this score: exact Shapley values of trees.
//! Must not approximate: contributions plus the base give the score to rounding.
//!
//! The value of a set S of known columns is the mean of the tree when rows follow the branch at splits on S and are
//! shared out by the training rows of both branches at the others (path-dependent expectation). Shapley's weights
//! over all S are summed in one walk down the tree by Algorithm 2 of Lundberg et al. (2020), Nature Machine
//! Intelligence 2:56-67. Cost per row and tree: leaves x depth^2.
//!
//! They say how the model came to its score, not what would keep the customer: that takes an experiment.

use super::grow::{Kind, Tree, has};

/// The mean of the tree over the training rows.
pub(crate) fn mean(tree: &Tree) -> f64 {
    let total = tree.nodes[0].n;
    let part = |node: &super::grow::Node| match node.kind {
        Kind::Leaf(value) => value * node.n / total,
        Kind::Split { .. } => 0.0,
    };
    tree.nodes.iter().map(part).sum()
}

/// Adds the contributions of the tree for one row, one per column.
pub(crate) fn add(tree: &Tree, columns: &[Vec<u8>], row: usize, contributions: &mut [f64]) {
    Walk {
        tree,
        columns,
        row,
        contributions,
    }
    .down(0, Vec::new(), 1.0, 1.0, None);
}

/// One column met on the way down.
#[derive(Clone, Copy)]
struct Step {
    column: Option<usize>,
    /// Share of rows that come this way when the column is not known.
    zero: f64,
    /// 1 if this row comes this way when it is, else 0.
    one: f64,
    /// Summed weight of the sets of columns of each size.
    weight: f64,
}

struct Walk<'a> {
    tree: &'a Tree,
    columns: &'a [Vec<u8>],
    row: usize,
    contributions: &'a mut [f64],
}

impl Walk<'_> {
    fn down(&mut self, at: usize, mut path: Vec<Step>, zero: f64, one: f64, column: Option<usize>) {
        extend(&mut path, zero, one, column);
        let node = &self.tree.nodes[at];
        match &node.kind {
            Kind::Leaf(value) => {
                for i in 1..path.len() {
                    let Step {
                        column, zero, one, ..
                    } = path[i];
                    if let Some(column) = column {
                        self.contributions[column] += unwound(&path, i) * (one - zero) * value;
                    }
                }
            }
            Kind::Split {
                column,
                goes_left,
                left,
                right,
            } => {
                let is_left = has(goes_left, self.columns[*column][self.row]);
                let (hot, cold) = if is_left {
                    (*left, *right)
                } else {
                    (*right, *left)
                };
                let (mut zero, mut one) = (1.0, 1.0);
                // A column met before is counted once, with both steps multiplied.
                if let Some(k) = path.iter().position(|step| step.column == Some(*column)) {
                    (zero, one) = (path[k].zero, path[k].one);
                    unwind(&mut path, k);
                }
                let share = |child: usize| self.tree.nodes[child].n / node.n;
                let (hot_zero, cold_zero) = (zero * share(hot), zero * share(cold));
                self.down(hot, path.clone(), hot_zero, one, Some(*column));
                self.down(cold, path, cold_zero, 0.0, Some(*column));
            }
        }
    }
}

fn extend(path: &mut Vec<Step>, zero: f64, one: f64, column: Option<usize>) {
    let depth = path.len();
    path.push(Step {
        column,
        zero,
        one,
        weight: if depth == 0 { 1.0 } else { 0.0 },
    });
    let length = (depth + 1) as f64;
    for i in (0..depth).rev() {
        path[i + 1].weight += one * path[i].weight * (i + 1) as f64 / length;
        path[i].weight *= zero * (depth - i) as f64 / length;
    }
}

/// Takes step k out again, as if it had never been met.
fn unwind(path: &mut Vec<Step>, k: usize) {
    let last = path.len() - 1;
    let Step { zero, one, .. } = path[k];
    let length = path.len() as f64;
    let mut next = path[last].weight;
    for i in (0..last).rev() {
        if one != 0.0 {
            let kept = path[i].weight;
            path[i].weight = next * length / ((i + 1) as f64 * one);
            next = kept - path[i].weight * zero * (last - i) as f64 / length;
        } else {
            path[i].weight *= length / (zero * (last - i) as f64);
        }
    }
    for i in k..last {
        path[i].column = path[i + 1].column;
        path[i].zero = path[i + 1].zero;
        path[i].one = path[i + 1].one;
    }
    path.pop();
}

/// The summed weights of the path without step k.
fn unwound(path: &[Step], k: usize) -> f64 {
    let last = path.len() - 1;
    let Step { zero, one, .. } = path[k];
    let length = path.len() as f64;
    let mut next = path[last].weight;
    let mut total = 0.0;
    for i in (0..last).rev() {
        if one != 0.0 {
            let weight = next * length / ((i + 1) as f64 * one);
            total += weight;
            next = path[i].weight - weight * zero * (last - i) as f64 / length;
        } else if zero != 0.0 {
            total += path[i].weight * length / (zero * (last - i) as f64);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::super::grow::Node;
    use super::*;

    /// A tree that meets column 0 twice on one path and column 2 on two.
    fn tree() -> Tree {
        let split = |n: f64, column, bits: u64, left| Node {
            n,
            kind: Kind::Split {
                column,
                goes_left: [bits, 0, 0, 0],
                left,
                right: left + 1,
            },
        };
        let leaf = |n: f64, value| Node {
            n,
            kind: Kind::Leaf(value),
        };
        Tree {
            nodes: vec![
                split(100.0, 0, 0b0111, 1),
                split(70.0, 1, 0b0011, 3),
                split(30.0, 2, 0b0001, 5),
                split(40.0, 0, 0b0001, 7),
                leaf(30.0, -1.5),
                leaf(10.0, 2.0),
                leaf(20.0, 0.25),
                leaf(5.0, 4.0),
                split(35.0, 2, 0b0010, 9),
                leaf(20.0, -3.0),
                leaf(15.0, 1.0),
            ],
        }
    }

    /// The tree's mean when only the columns in `known` are.
    fn expectation(tree: &Tree, at: usize, row: &[u8], known: u32) -> f64 {
        match &tree.nodes[at].kind {
            Kind::Leaf(value) => *value,
            Kind::Split {
                column,
                goes_left,
                left,
                right,
            } => {
                let below = |child: usize| expectation(tree, child, row, known);
                if known >> column & 1 == 1 {
                    below(if has(goes_left, row[*column]) {
                        *left
                    } else {
                        *right
                    })
                } else {
                    let n = tree.nodes[at].n;
                    (tree.nodes[*left].n * below(*left) + tree.nodes[*right].n * below(*right)) / n
                }
            }
        }
    }

    /// Against Shapley's definition over all sets of three columns: weights |S|! (2-|S|)! / 3! = 1/3, 1/6, 1/3.
    #[test]
    fn equals_the_definition() {
        let tree = tree();
        for code in 0..64u8 {
            let row = [code & 3, code >> 2 & 3, code >> 4 & 3];
            let columns: Vec<Vec<u8>> = row.iter().map(|&bin| vec![bin]).collect();
            let mut found = [0.0; 3];
            add(&tree, &columns, 0, &mut found);
            for (column, found) in found.iter().enumerate() {
                let expected: f64 = (0..8u32)
                    .filter(|known| known >> column & 1 == 0)
                    .map(|known| {
                        let weight = [1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0][known.count_ones() as usize];
                        let with = expectation(&tree, 0, &row, known | 1 << column);
                        weight * (with - expectation(&tree, 0, &row, known))
                    })
                    .sum();
                assert!((found - expected).abs() < 1e-13, "{row:?} {column}");
            }
            let total = mean(&tree) + found.iter().sum::<f64>();
            assert!((total - tree.value(&columns, 0)).abs() < 1e-13);
        }
    }
}

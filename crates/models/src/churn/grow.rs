//! Grows one tree, best leaf first, from sums per bin. Must not know what the slopes are the slopes of.

use super::bins::MISSING;
use super::trees::Settings;

/// Nodes in order of creation; the root is the first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Training rows that reached it.
    pub n: f64,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Leaf(f64),
    Split {
        column: usize,
        /// The bins that go left, one bit each.
        goes_left: [u64; 4],
        left: usize,
        right: usize,
    },
}

impl Tree {
    pub fn value(&self, columns: &[Vec<u8>], row: usize) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at].kind {
                Kind::Leaf(value) => return *value,
                Kind::Split {
                    column,
                    goes_left,
                    left,
                    right,
                } => {
                    at = if has(goes_left, columns[*column][row]) {
                        *left
                    } else {
                        *right
                    }
                }
            }
        }
    }

    pub fn is_leaf(&self) -> bool {
        self.nodes.len() == 1
    }

    pub fn scale(&mut self, factor: f64) {
        for node in &mut self.nodes {
            if let Kind::Leaf(value) = &mut node.kind {
                *value *= factor;
            }
        }
    }
}

pub(crate) fn has(set: &[u64; 4], bin: u8) -> bool {
    set[usize::from(bin >> 6)] >> (bin & 63) & 1 == 1
}

fn put(set: &mut [u64; 4], bin: u8) {
    set[usize::from(bin >> 6)] |= 1 << (bin & 63);
}

/// Sums over the rows of one bin.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    g: f64,
    h: f64,
    n: f64,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.g += other.g;
        self.h += other.h;
        self.n += other.n;
    }

    fn less(&self, other: &Sums) -> Sums {
        Sums {
            g: self.g - other.g,
            h: self.h - other.h,
            n: self.n - other.n,
        }
    }

    fn score(&self, l2: f64) -> f64 {
        self.g * self.g / (self.h + l2).max(1e-12)
    }
}

struct Candidate {
    gain: f64,
    column: usize,
    goes_left: [u64; 4],
}

/// A leaf that may still be split.
struct Open {
    node: usize,
    rows: Vec<usize>,
    sums: Vec<Sums>,
    best: Option<Candidate>,
}

pub(crate) struct Grower<'a> {
    columns: &'a [Vec<u8>],
    is_level: &'a [bool],
    settings: &'a Settings,
    /// Where the bins of each column begin in a list of all sums.
    starts: Vec<usize>,
}

impl<'a> Grower<'a> {
    pub fn new(
        columns: &'a [Vec<u8>],
        n_bins: &[usize],
        is_level: &'a [bool],
        settings: &'a Settings,
    ) -> Self {
        let mut starts = vec![0];
        for n in n_bins {
            starts.push(starts[starts.len() - 1] + n);
        }
        Self {
            columns,
            is_level,
            settings,
            starts,
        }
    }

    /// `slopes` holds gradient and curvature per row; the tree steps against the gradient.
    pub fn grow(&mut self, slopes: &[(f64, f64)], rows: Vec<usize>, chosen: &[usize]) -> Tree {
        let mut total = Sums::default();
        for &row in &rows {
            let (g, h) = slopes[row];
            total.add(&Sums { g, h, n: 1.0 });
        }
        let sums = self.sums(slopes, &rows, chosen);
        let mut tree = Tree {
            nodes: vec![self.leaf(&total)],
        };
        let best = self.best(&sums, &total, chosen);
        let mut open = vec![Open {
            node: 0,
            rows,
            sums,
            best,
        }];
        let mut n_leaves = 1;
        while n_leaves < self.settings.max_leaves {
            // The first of equal gains, so that the result does not hang on the order of a heap.
            let gain = |leaf: &Open| leaf.best.as_ref().map_or(0.0, |best| best.gain);
            let mut at = 0;
            for (i, leaf) in open.iter().enumerate() {
                if gain(leaf) > open.get(at).map_or(0.0, gain) {
                    at = i;
                }
            }
            if open.is_empty() {
                break;
            }
            let leaf = open.swap_remove(at);
            let Some(best) = leaf.best else { break };
            let column = &self.columns[best.column];
            let (left, right): (Vec<usize>, Vec<usize>) = leaf
                .rows
                .into_iter()
                .partition(|&row| has(&best.goes_left, column[row]));
            // Only the smaller side is counted; the other is what remains.
            let is_left_smaller = left.len() <= right.len();
            let smaller = if is_left_smaller { &left } else { &right };
            let counted = self.sums(slopes, smaller, chosen);
            let mut rest = leaf.sums;
            for (rest, counted) in rest.iter_mut().zip(&counted) {
                *rest = rest.less(counted);
            }
            let (left_sums, right_sums) = if is_left_smaller {
                (counted, rest)
            } else {
                (rest, counted)
            };
            let first = tree.nodes.len();
            tree.nodes[leaf.node].kind = Kind::Split {
                column: best.column,
                goes_left: best.goes_left,
                left: first,
                right: first + 1,
            };
            for (rows, sums) in [(left, left_sums), (right, right_sums)] {
                // Counted afresh: values of leaves must not carry the rounding of subtractions.
                let mut total = Sums::default();
                for &row in &rows {
                    let (g, h) = slopes[row];
                    total.add(&Sums { g, h, n: 1.0 });
                }
                tree.nodes.push(self.leaf(&total));
                let best = self.best(&sums, &total, chosen);
                open.push(Open {
                    node: tree.nodes.len() - 1,
                    rows,
                    sums,
                    best,
                });
            }
            n_leaves += 1;
        }
        tree
    }

    fn leaf(&self, total: &Sums) -> Node {
        let Settings { rate, l2, .. } = self.settings;
        Node {
            n: total.n,
            kind: Kind::Leaf(-rate * total.g / (total.h + l2).max(1e-12)),
        }
    }

    fn sums(&self, slopes: &[(f64, f64)], rows: &[usize], chosen: &[usize]) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); self.starts[self.columns.len()]];
        for &column in chosen {
            let own = &mut sums[self.starts[column]..self.starts[column + 1]];
            let bins = &self.columns[column];
            for &row in rows {
                let (g, h) = slopes[row];
                let slot = &mut own[usize::from(bins[row])];
                slot.g += g;
                slot.h += h;
                slot.n += 1.0;
            }
        }
        sums
    }

    fn best(&self, sums: &[Sums], total: &Sums, chosen: &[usize]) -> Option<Candidate> {
        if total.n < 2.0 * self.settings.min_rows_per_leaf as f64 {
            return None;
        }
        let mut best: Option<Candidate> = None;
        for &column in chosen {
            let own = &sums[self.starts[column]..self.starts[column + 1]];
            if self.is_level[column] {
                self.by_levels(own, total, column, &mut best);
            } else {
                self.by_border(own, total, column, &mut best);
            }
        }
        best
    }

    fn by_border(&self, own: &[Sums], total: &Sums, column: usize, best: &mut Option<Candidate>) {
        let missing = own[usize::from(MISSING)];
        let ways: &[bool] = if missing.n > 0.0 {
            &[false, true]
        } else {
            &[false]
        };
        for &is_missing_left in ways {
            let mut left = if is_missing_left {
                missing
            } else {
                Sums::default()
            };
            for (bin, sums) in own.iter().enumerate().skip(1) {
                left.add(sums);
                let right = total.less(&left);
                if let Some(gain) = self.gain(&left, &right, total, best) {
                    let mut goes_left = [0; 4];
                    (1..=bin).for_each(|bin| put(&mut goes_left, bin as u8));
                    // Never missing here: who will be missing later goes with the many.
                    if is_missing_left || (missing.n == 0.0 && left.n >= right.n) {
                        put(&mut goes_left, MISSING);
                    }
                    *best = Some(Candidate {
                        gain,
                        column,
                        goes_left,
                    });
                }
            }
        }
    }

    fn by_levels(&self, own: &[Sums], total: &Sums, column: usize, best: &mut Option<Candidate>) {
        let smoothing = self.settings.level_smoothing * total.h / total.n;
        let prior = total.g / total.n * self.settings.level_smoothing;
        let slope = |sums: &Sums| (sums.g + prior) / (sums.h + smoothing).max(1e-12);
        let mut order: Vec<usize> = (0..own.len()).filter(|&bin| own[bin].n > 0.0).collect();
        order.sort_by(|&a, &b| slope(&own[a]).total_cmp(&slope(&own[b])).then(a.cmp(&b)));
        let mut left = Sums::default();
        let mut goes_left = [0; 4];
        for (position, &bin) in order.iter().enumerate() {
            left.add(&own[bin]);
            put(&mut goes_left, bin as u8);
            if position + 1 == order.len() {
                break;
            }
            let right = total.less(&left);
            if let Some(gain) = self.gain(&left, &right, total, best) {
                let mut goes_left = goes_left;
                if left.n >= right.n {
                    // Levels without a row here go with the many, the unknown among them.
                    for other in (0..own.len()).filter(|&other| own[other].n <= 0.0) {
                        put(&mut goes_left, other as u8);
                    }
                }
                *best = Some(Candidate {
                    gain,
                    column,
                    goes_left,
                });
            }
        }
    }

    /// The gain, if it beats the best so far.
    fn gain(
        &self,
        left: &Sums,
        right: &Sums,
        total: &Sums,
        best: &Option<Candidate>,
    ) -> Option<f64> {
        let Settings {
            l2,
            min_rows_per_leaf,
            ..
        } = *self.settings;
        let fewest = min_rows_per_leaf as f64;
        if left.n < fewest || right.n < fewest {
            return None;
        }
        let gain = left.score(l2) + right.score(l2) - total.score(l2);
        (gain > best.as_ref().map_or(1e-9, |best| best.gain * (1.0 + 1e-12))).then_some(gain)
    }
}

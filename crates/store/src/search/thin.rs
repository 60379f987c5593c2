//! Which of the terms of a question the index is asked for. All of them leave
//! the fewest candidates; but terms that stand in very many records take long
//! to go through, and a few rare ones leave nearly as few. Of the ways in which
//! a text may be mistyped, those are asked together that leave few together.

use std::collections::{BTreeSet, HashMap};

use super::terms::Clause;

/// Candidates that are few: so many cost less than one more term.
const FEW: f64 = 30.0;

/// Terms of one clause that are asked for.
const MOST: usize = 8;

/// Two terms with characters in common stand in the same records more often
/// than by chance: how much of what the second one says is new.
const NEW_IN_OVERLAP: f64 = 0.3;
const NEW_ELSEWHERE: f64 = 0.85;

/// Letters of hexadecimal from which two terms are taken to overlap: a Chinese
/// character, or two of ASCII.
const OVERLAP: usize = 4;

/// What is asked of the index.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Query {
    Any(Vec<Query>),
    All(Vec<Query>),
    /// All terms of one of them.
    Clauses(Vec<Clause>),
}

/// In how many records of an object the terms stand.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub records: i64,
    pub of: HashMap<String, i64>,
}

impl Counts {
    fn has_none(&self, clause: &Clause) -> bool {
        clause
            .iter()
            .any(|term| !is_prefix(term) && self.n(term) == 0)
    }

    fn n(&self, term: &str) -> i64 {
        match is_prefix(term) {
            true => self.records,
            false => self.of.get(term).copied().unwrap_or(0),
        }
    }

    /// The share of records with the term, as a logarithm.
    fn share(&self, term: &str) -> f64 {
        let n = self.n(term).clamp(1, self.records.max(1));
        (n as f64 / self.records.max(1) as f64).ln()
    }
}

fn is_prefix(term: &str) -> bool {
    term.ends_with('*')
}

impl Query {
    /// Nothing that could be asked.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Query::Any(all) => all.iter().all(Query::is_empty),
            Query::All(all) => all.iter().any(Query::is_empty),
            Query::Clauses(clauses) => clauses.is_empty(),
        }
    }

    /// Whole terms, which can be counted.
    pub(super) fn terms<'a>(&'a self, into: &mut BTreeSet<&'a str>) {
        match self {
            Query::Any(all) | Query::All(all) => all.iter().for_each(|one| one.terms(into)),
            Query::Clauses(clauses) => {
                let terms = clauses.iter().flatten().map(String::as_str);
                into.extend(terms.filter(|term| !is_prefix(term)));
            }
        }
    }

    /// For FTS5, with every term; `None` where nothing can be found.
    pub(super) fn whole(&self, counts: &Counts) -> Option<String> {
        self.text(&|clauses| {
            let there = clauses.iter().filter(|clause| !counts.has_none(clause));
            there.map(|clause| by_rarity(clause, counts)).collect()
        })
    }

    /// For FTS5, with some of the terms: what [`Query::whole`] finds, and a few
    /// more. `None` where nothing can be found.
    pub(super) fn thin(&self, counts: &Counts) -> Option<String> {
        self.text(&|clauses| thinned(clauses, counts))
    }

    fn text(&self, choose: &dyn Fn(&[Clause]) -> Vec<Vec<String>>) -> Option<String> {
        let parts: Vec<String> = match self {
            Query::Any(all) => all.iter().filter_map(|one| one.text(choose)).collect(),
            Query::All(all) => {
                let all: Option<Vec<String>> = all.iter().map(|one| one.text(choose)).collect();
                return all.map(|all| all.join(" AND "));
            }
            Query::Clauses(clauses) => {
                let lists = choose(clauses).into_iter();
                lists
                    .map(|list| format!("({})", list.join(" AND ")))
                    .collect()
            }
        };
        (!parts.is_empty()).then(|| format!("({})", parts.join(" OR ")))
    }
}

fn by_rarity(clause: &Clause, counts: &Counts) -> Vec<String> {
    let mut list: Vec<String> = clause.iter().cloned().collect();
    list.sort_by_key(|term| counts.n(term));
    list
}

/// Of clauses that stand in a sensible order, those that leave few together as
/// one, and of each the terms that say most.
fn thinned(clauses: &[Clause], counts: &Counts) -> Vec<Vec<String>> {
    let mut merged: Vec<Clause> = Vec::new();
    for clause in clauses.iter().filter(|clause| !counts.has_none(clause)) {
        let last = merged.last_mut();
        if let Some(last) = last {
            let both: Clause = last.intersection(clause).cloned().collect();
            if !both.is_empty() && chosen(&both, counts).1 <= FEW {
                *last = both;
                continue;
            }
        }
        merged.push(clause.clone());
    }
    let lists = merged.iter().map(|clause| chosen(clause, counts).0);
    let sets: BTreeSet<(BTreeSet<String>, Vec<String>)> = lists
        .map(|list| (list.iter().cloned().collect(), list))
        .collect();
    // Whoever has all terms of a longer one has those of a shorter one too.
    let is_said = |set: &BTreeSet<String>| {
        let mut shorter = sets.iter().filter(|(other, _)| other.len() < set.len());
        shorter.any(|(other, _)| other.is_subset(set))
    };
    let needed = sets.iter().filter(|(set, _)| !is_said(set));
    let mut lists: Vec<Vec<String>> = needed.map(|(_, list)| list.clone()).collect();
    lists.dedup_by(|a, b| {
        let a: BTreeSet<&String> = a.iter().collect();
        a == b.iter().collect()
    });
    lists
}

/// The terms that leave few, the rarest first, and how many they leave, by
/// guess.
fn chosen(clause: &Clause, counts: &Counts) -> (Vec<String>, f64) {
    let mut left: Vec<(&String, f64)> = (clause.iter())
        .map(|term| (term, counts.share(term)))
        .collect();
    let mut list: Vec<String> = Vec::new();
    let mut share = 0.0;
    let guess = |share: f64| counts.records as f64 * share.exp();
    while list.len() < MOST && (list.is_empty() || guess(share) > FEW) {
        let says = |(term, share): &(&String, f64)| match list.is_empty() {
            true => *share,
            false if list.iter().any(|other| overlaps(term, other)) => share * NEW_IN_OVERLAP,
            false => share * NEW_ELSEWHERE,
        };
        let best = (0..left.len()).min_by(|a, b| says(&left[*a]).total_cmp(&says(&left[*b])));
        let Some(best) = best else {
            break;
        };
        share += says(&left[best]);
        list.push(left.swap_remove(best).0.clone());
    }
    (list, guess(share))
}

/// Whether one may go on where the other one ends.
fn overlaps(a: &str, b: &str) -> bool {
    let goes_on = |a: &str, b: &str| {
        // Behind the letter of the kind.
        let (a, b) = (&a[1..], &b[1..]);
        let most = a.len().min(b.len());
        (OVERLAP..=most).any(|n| a[a.len() - n..] == b[..n])
    };
    goes_on(a, b) || goes_on(b, a)
}

#[cfg(test)]
mod tests {
    use super::super::terms::{self, Fit, Kind};
    use super::*;

    fn counts(all: &[(&str, i64)], records: i64) -> Counts {
        let of = all
            .iter()
            .map(|(term, n)| ((*term).to_owned(), *n))
            .collect();
        Counts { records, of }
    }

    fn clause(terms: &[&str]) -> Clause {
        terms.iter().map(|term| (*term).to_owned()).collect()
    }

    #[test]
    fn the_rarest_terms_are_asked_for() {
        let all = clause(&["taaaa", "tbbbb", "tcccc"]);
        let counts = counts(
            &[("taaaa", 900_000), ("tbbbb", 40), ("tcccc", 300)],
            1_000_000,
        );
        let query = Query::Clauses(vec![all]);
        assert_eq!(query.thin(&counts).unwrap(), "((tbbbb AND tcccc))");
        assert_eq!(
            query.whole(&counts).unwrap(),
            "((tbbbb AND tcccc AND taaaa))"
        );
    }

    #[test]
    fn a_term_that_stands_nowhere_is_not_asked_for() {
        let counts = counts(&[("taaaa", 5)], 10);
        let gone = Query::Clauses(vec![clause(&["taaaa", "tbbbb"])]);
        assert_eq!(gone.thin(&counts), None);
        assert_eq!(gone.whole(&counts), None);
        let there = Query::Clauses(vec![clause(&["taaaa"])]);
        let both = Query::All(vec![there.clone(), gone.clone()]);
        assert_eq!(both.thin(&counts), None);
        let either = Query::Any(vec![gone, there]);
        assert_eq!(either.thin(&counts).unwrap(), "(((taaaa)))");
        assert!(Query::Any(vec![Query::Clauses(Vec::new())]).is_empty());
    }

    /// What is thin finds all that the whole finds, for every text and way of
    /// mistyping it.
    #[test]
    fn nothing_is_lost_with_the_terms_that_are_left_out() {
        let texts = [
            "上海明朗贸易",
            "上海朗明贸易有限公司",
            "shanghaiminglang",
            "K00012345",
        ];
        let mut of = HashMap::new();
        for text in texts {
            let mut all = BTreeSet::new();
            terms::of_text(Kind::Text, text, &mut all);
            for (at, term) in all.into_iter().enumerate() {
                of.insert(term, [3, 50, 4_000, 200_000][at % 4]);
            }
        }
        let counts = Counts {
            records: 1_000_000,
            of,
        };
        let mut n_thin = 0;
        let mut n_whole = 0;
        for text in texts {
            for fit in [Fit::Whole, Fit::Prefix, Fit::Part, Fit::Near] {
                let clauses = terms::fitting(Kind::Text, fit, text);
                let thin = thinned(&clauses, &counts);
                let there = clauses.iter().filter(|clause| !counts.has_none(clause));
                for clause in there {
                    let is_kept = thin
                        .iter()
                        .any(|list| list.iter().all(|t| clause.contains(t)));
                    assert!(is_kept, "{text} {fit:?}: {clause:?}");
                    n_whole += clause.len();
                }
                n_thin += thin.iter().map(Vec::len).sum::<usize>();
            }
        }
        assert!(n_thin * 4 < n_whole, "{n_thin} of {n_whole}");
    }

    #[test]
    fn terms_with_common_characters_overlap() {
        let mut all = BTreeSet::new();
        terms::of_text(Kind::Text, "明朗贸", &mut all);
        let all: Vec<String> = all.into_iter().collect();
        let n = all.iter().flat_map(|a| all.iter().map(move |b| (a, b)));
        let n = n.filter(|(a, b)| a != b && overlaps(a, b)).count();
        // Each of the four and the next one, both ways.
        assert_eq!(n, 6);
    }
}

//! Segments: the optimum and the matching by brute force, planted groups and a cloud without any, and personas that
//! keep their numbers.

use crate::draws::{self, Draws};
use keji_models::error::Result;
use keji_models::features::Features;
use keji_models::segmentation::agreement::{Table, best_assignment};
use keji_models::segmentation::choose::{self, Settings};
use keji_models::segmentation::personas::{self, Fate};
use keji_models::segmentation::{self, Clusters, Points, Scaling};

/// Columns x, y from points.
fn table(points: &[[f64; 2]]) -> Features {
    Features::new(points.len())
        .number("x", points.iter().map(|p| p[0]).collect())
        .unwrap()
        .number("y", points.iter().map(|p| p[1]).collect())
        .unwrap()
}

fn scaled(points: &[[f64; 2]]) -> (Scaling, Points) {
    let scaling = Scaling::fit(&table(points), &[]).unwrap();
    let scaled = scaling.points(&table(points)).unwrap();
    (scaling, scaled)
}

/// Groups of `n` around each centre.
fn blobs(draws: &mut Draws, centres: &[([f64; 2], usize)], spread: f64) -> Vec<[f64; 2]> {
    let mut points = Vec::new();
    for &(centre, n) in centres {
        for _ in 0..n {
            points.push(centre.map(|x| x + spread * draws.normal()));
        }
    }
    points
}

/// Every partition of nine points into three: none has a smaller sum of squares than the best of some starts.
#[test]
fn finds_the_optimum_of_small_sets() {
    let mut draws = Draws::new(3);
    for _ in 0..5 {
        let raw: Vec<[f64; 2]> = (0..9).map(|_| [draws.unit(), draws.unit()]).collect();
        let (_, points) = scaled(&raw);
        let found = segmentation::fit(&points, 3, 30, 1).unwrap();
        // In scaled coordinates, read off by single-point clusters of the whole.
        let each = segmentation::fit(&points, 9, 30, 1).unwrap();
        let at: Vec<&Vec<f64>> = each
            .labels
            .iter()
            .map(|&label| &each.centres[label as usize])
            .collect();
        assert!(each.within < 1e-20);
        let mut least = f64::INFINITY;
        for code in 0..3usize.pow(9) {
            let label = |i: usize| code / 3usize.pow(i as u32) % 3;
            let mut sum = 0.0;
            for group in 0..3 {
                let members: Vec<usize> = (0..9).filter(|&i| label(i) == group).collect();
                for coordinate in [0, 1] {
                    let own = || members.iter().map(|&i| at[i][coordinate]);
                    let mean = own().sum::<f64>() / members.len().max(1) as f64;
                    sum += own().map(|x| (x - mean).powi(2)).sum::<f64>();
                }
            }
            least = least.min(sum);
        }
        assert!(
            (found.within - least).abs() < 1e-9,
            "{} {least}",
            found.within
        );
    }
}

/// The Hungarian method against all permutations, square and not.
#[test]
fn assignment_is_the_best_of_all() {
    fn best(gains: &[Vec<f64>], row: usize, used: u32, left_over: usize) -> f64 {
        if row == gains.len() {
            return 0.0;
        }
        let skip = if left_over > 0 {
            best(gains, row + 1, used, left_over - 1)
        } else {
            f64::NEG_INFINITY
        };
        (0..gains[row].len())
            .filter(|j| used >> j & 1 == 0)
            .map(|j| gains[row][j] + best(gains, row + 1, used | 1 << j, left_over))
            .fold(skip, f64::max)
    }
    let mut draws = Draws::new(4);
    for (k, l) in [(1, 1), (2, 2), (5, 5), (4, 6), (6, 4), (7, 7)] {
        for _ in 0..20 {
            let gains: Vec<Vec<f64>> = (0..k)
                .map(|_| (0..l).map(|_| (draws.unit() * 10.0).floor()).collect())
                .collect();
            let found = best_assignment(&gains);
            let mut columns: Vec<usize> = found.iter().flatten().copied().collect();
            assert_eq!(columns.len(), k.min(l));
            let sum: f64 = found
                .iter()
                .enumerate()
                .filter_map(|(i, j)| j.map(|j| gains[i][j]))
                .sum();
            columns.sort_unstable();
            columns.dedup();
            assert_eq!(columns.len(), k.min(l), "a column twice");
            assert_eq!(sum, best(&gains, 0, 0, k.saturating_sub(l)));
        }
    }
    assert!(best_assignment(&[]).is_empty());
}

/// By hand: one pair together in both, 2 and 1 in each, of 6: (1 - 1/3) / (3/2 - 1/3) = 4/7.
#[test]
fn adjusted_rand_by_hand() {
    let rand = |a: &[u32], b: &[u32]| Table::of(a, 3, b, 3).unwrap().adjusted_rand();
    assert!((rand(&[0, 0, 1, 1], &[0, 0, 1, 2]) - 4.0 / 7.0).abs() < 1e-15);
    assert_eq!(rand(&[0, 0, 1, 2], &[2, 2, 0, 1]), 1.0);
    assert_eq!(rand(&[0, 0, 0], &[1, 1, 1]), 1.0);
    let mut draws = Draws::new(6);
    let mut labels = || {
        (0..3000)
            .map(|_| draws.below(3) as u32)
            .collect::<Vec<u32>>()
    };
    assert!(rand(&labels(), &labels()).abs() < 0.005);
    assert!(Table::of(&[0, 3], 3, &[0, 0], 3).is_err());
}

fn figures(raw: &[[f64; 2]], max_k: usize) -> choose::Choice {
    let (_, points) = scaled(raw);
    let settings = Settings {
        max_k,
        n_bootstraps: 8,
        n_references: 8,
        max_points: 500,
        ..Default::default()
    };
    choose::choose(&points, &settings).unwrap()
}

/// Four planted groups are found by all three figures; in one cloud none is claimed.
#[test]
fn how_many_groups() {
    let mut draws = Draws::new(12);
    let four = [
        ([0.0, 0.0], 100),
        ([10.0, 0.0], 120),
        ([0.0, 10.0], 80),
        ([10.0, 10.0], 60),
    ];
    let found = figures(&blobs(&mut draws, &four, 1.0), 6);
    assert_eq!((found.k_by_gap, found.k_advised), (4, Some(4)));
    assert!(found.has_groups());
    let best = found.by_k[2];
    assert!(best.silhouette > 0.7 && best.stability > 0.98, "{best:?}");
    assert!((best.smallest - 60.0 / 360.0).abs() < 0.02);

    let cloud: Vec<[f64; 2]> = (0..400).map(|_| [draws.normal(), draws.normal()]).collect();
    let found = figures(&cloud, 6);
    println!("one cloud: gap says {}, {:?}", found.k_by_gap, found.by_k);
    assert_eq!(found.k_by_gap, 1);
    assert!(!found.has_groups());
}

/// The planted groups come back as they were, from any seed, numbered by size.
#[test]
fn recovers_planted_groups() {
    let mut draws = Draws::new(13);
    let planted = [([0.0, 0.0], 300), ([6.0, 0.0], 200), ([0.0, 6.0], 100)];
    let raw = blobs(&mut draws, &planted, 1.0);
    let truth: Vec<u32> = (0..600)
        .map(|i| {
            if i < 300 {
                0
            } else if i < 500 {
                1
            } else {
                2
            }
        })
        .collect();
    let (_, points) = scaled(&raw);
    for seed in 0..5 {
        let found = segmentation::fit(&points, 3, 5, seed).unwrap();
        let agreement = Table::of(&truth, 3, &found.labels, 3)
            .unwrap()
            .adjusted_rand();
        assert!(agreement > 0.98, "{agreement}");
        assert!(found.sizes().is_sorted_by(|a, b| a >= b));
        assert_eq!(found, segmentation::fit(&points, 3, 5, seed).unwrap());
    }
}

/// A column in cents instead of yuan changes nothing; one enormous customer neither.
#[test]
fn scaling_is_robust() {
    let mut draws = Draws::new(14);
    let mut raw = blobs(&mut draws, &[([0.0, 0.0], 70), ([8.0, 8.0], 60)], 1.0);
    let (_, points) = scaled(&raw);
    let plain = segmentation::fit(&points, 2, 5, 1).unwrap();
    let cents: Vec<[f64; 2]> = raw.iter().map(|p| [p[0], p[1] * 100.0]).collect();
    assert_eq!(
        plain.labels,
        segmentation::fit(&scaled(&cents).1, 2, 5, 1)
            .unwrap()
            .labels
    );
    raw.push([1e9, 1e9]);
    let with_giant = segmentation::fit(&scaled(&raw).1, 2, 5, 1).unwrap();
    assert_eq!(with_giant.labels[..130], plain.labels);
    let scaling = Scaling::fit(&table(&raw), &["x"]).unwrap();
    for x in [-50.0, 0.0, 3.0, 1e6] {
        let column = &scaling.columns[0];
        let logged: f64 = if x < 0.0 {
            -f64::ln_1p(-x)
        } else {
            f64::ln_1p(x)
        };
        let back = scaling
            .unscale(0, (logged - column.median) / column.unit)
            .unwrap();
        assert!((back - x).abs() < 1e-9 * (1.0 + x.abs()), "{back} {x}");
    }
}

/// Next quarter the groups come in another order and have moved a little; one is gone, one is new.
#[test]
fn personas_keep_their_numbers() {
    let mut draws = Draws::new(15);
    let before = blobs(
        &mut draws,
        &[([0.0, 0.0], 300), ([10.0, 0.0], 200), ([0.0, 10.0], 100)],
        1.0,
    );
    let (scaling, points) = scaled(&before);
    let clusters = segmentation::fit(&points, 3, 5, 1).unwrap();
    let first = personas::first(clusters, &scaling, &table(&before)).unwrap();
    let ids: Vec<u32> = first.personas.iter().map(|p| p.id).collect();
    assert_eq!(ids, [1, 2, 3]);
    let second = &first.personas[1];
    assert_eq!((second.n, second.traits[0].column.as_str()), (200, "x"));
    assert!((second.traits[0].median - 10.0).abs() < 0.3 && second.traits[0].difference > 0.5);

    let follow = |now: &[[f64; 2]], k: usize| {
        let points = scaling.points(&table(now)).unwrap();
        let clusters: Clusters = segmentation::fit(&points, k, 8, 77).unwrap();
        let followed = personas::follow(&first, clusters, &points, &scaling, &table(now)).unwrap();
        let of_customer = followed.personas.labels();
        assert_eq!(of_customer, followed.personas.assign(&points).unwrap());
        (followed, of_customer)
    };
    // The smallest is now the largest, and all have moved by half a standard deviation.
    let now = blobs(
        &mut draws,
        &[([0.5, 0.0], 100), ([10.5, 0.0], 150), ([0.5, 10.0], 350)],
        1.0,
    );
    let (followed, of_customer) = follow(&now, 3);
    assert_eq!(
        (of_customer[0], of_customer[100], of_customer[599]),
        (1, 2, 3)
    );
    assert!(
        followed
            .movements
            .iter()
            .all(|m| m.fate == Fate::Stayed && m.overlap > 0.9 && m.moved > 0.0)
    );
    assert!((followed.movements[2].share_before - 1.0 / 6.0).abs() < 0.01);
    assert!((followed.movements[2].share_now - 350.0 / 600.0).abs() < 0.01);
    assert!(followed.agreement > 0.95 && followed.shift > 0.25);

    // Group 2 is gone; a new one sits between the others, and gets a number never used before.
    let now = blobs(
        &mut draws,
        &[([0.0, 0.0], 300), ([0.0, 10.0], 100), ([5.0, 14.0], 200)],
        0.6,
    );
    let (followed, of_customer) = follow(&now, 3);
    println!("{:?}", followed.movements);
    let fates: Vec<(u32, Fate)> = followed.movements.iter().map(|m| (m.id, m.fate)).collect();
    assert_eq!(of_customer[0], 1);
    assert!(
        fates.contains(&(4, Fate::New)) && fates.contains(&(2, Fate::Gone)),
        "{fates:?}"
    );
}

/// Real customers of a shop at two days, by recency, frequency and amount: mostly a continuum, and personas stay.
#[test]
fn retail_personas() {
    let Some(retail) = draws::retail() else {
        return;
    };
    let at = |day: i64| {
        let mut rows = vec![(f64::NAN, std::collections::BTreeSet::new(), 0.0); retail.n_customers];
        for line in retail.lines.iter().filter(|line| line.day < day) {
            let row = &mut rows[line.customer as usize];
            row.0 = (day - line.day) as f64;
            row.1.insert(line.day);
            row.2 += line.amount;
        }
        rows.retain(|row| !row.0.is_nan());
        Features::new(rows.len())
            .number("days_since_last", rows.iter().map(|r| r.0).collect())
            .unwrap()
            .number("frequency", rows.iter().map(|r| r.1.len() as f64).collect())
            .unwrap()
            .number("spend", rows.iter().map(|r| r.2).collect())
            .unwrap()
    };
    let (then, now) = (at(274), at(304));
    let scaling = Scaling::fit(&then, &["days_since_last", "frequency", "spend"]).unwrap();
    let points = scaling.points(&then).unwrap();
    let settings = Settings {
        max_k: 5,
        n_bootstraps: 6,
        n_references: 5,
        max_points: 600,
        ..Default::default()
    };
    let choice = choose::choose(&points, &settings).unwrap();
    for figures in &choice.by_k {
        println!("{figures:?}");
    }
    println!(
        "gap says {}, advised {:?}, groups: {}",
        choice.k_by_gap,
        choice.k_advised,
        choice.has_groups()
    );
    let clusters = segmentation::fit(&points, 3, 5, 1).unwrap();
    let first = personas::first(clusters, &scaling, &then).unwrap();
    let later = scaling.points(&now).unwrap();
    let follow = |clusters: Clusters| {
        let followed = personas::follow(&first, clusters, &later, &scaling, &now).unwrap();
        println!(
            "agreement {:.3}, shift {:.3}",
            followed.agreement, followed.shift
        );
        for movement in &followed.movements {
            println!("{movement:?}");
        }
        followed
    };
    let followed = follow(first.refit(&later).unwrap());
    assert!(
        followed
            .movements
            .iter()
            .all(|m| m.fate == Fate::Stayed && m.overlap > 0.7)
    );
    assert!(followed.agreement > 0.6, "{}", followed.agreement);
    // A fresh start agrees less with the old personas, though the customers are the same.
    let fresh = follow(segmentation::fit(&later, 3, 5, 2).unwrap());
    assert!(fresh.agreement < followed.agreement);
}

#[test]
fn bad_input() {
    let told = |result: Result<Scaling>| result.unwrap_err().to_string();
    let two = || Features::new(3).number("x", vec![1.0, 2.0, 3.0]).unwrap();
    assert_eq!(
        told(Scaling::fit(&two().number("y", vec![5.0; 3]).unwrap(), &[])),
        "column `y` holds one value only"
    );
    let missing = two().number("y", vec![5.0, f64::NAN, 1.0]).unwrap();
    assert_eq!(
        told(Scaling::fit(&missing, &[])),
        "column `y` row 1 is missing"
    );
    let category = two().category("y", vec![Some(1), None, Some(0)]).unwrap();
    assert_eq!(
        told(Scaling::fit(&category, &[])),
        "column `y` must hold numbers"
    );
    assert_eq!(
        told(Scaling::fit(&two(), &["z"])),
        "column `z` is not there"
    );
    let same = Features::new(6)
        .number("x", vec![1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
        .unwrap();
    let points = Scaling::fit(&same, &[]).unwrap().points(&same).unwrap();
    let error = segmentation::fit(&points, 3, 2, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 distinct points, at least 3 are needed"
    );
    assert!(segmentation::fit(&points, 1, 2, 1).is_err());
    assert!(segmentation::fit(&points, 7, 2, 1).is_err());
    assert!(choose::choose(&points, &Default::default()).is_err());
}

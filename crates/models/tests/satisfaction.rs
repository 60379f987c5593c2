//! Satisfaction scores against independent computations on public ratings and vectors, and the rules by small cases.

use crate::shared::{self, number};
use keji_models::interval::{self, Interval, USUAL_LEVEL, wilson};
use keji_models::satisfaction::{self, Nps, Sample, Share, Tally};
use keji_models::{Error, error::RowProblem};
use serde_json::Value;

const FILE: &str = "satisfaction.json";

/// The reference values have 10 digits.
const DIGITS: f64 = 2e-9;

#[test]
fn nps_vectors() {
    let Some(expected) = shared::expected(FILE, 61) else {
        return;
    };
    let whole = |value: &Value| value.as_u64().unwrap();
    for row in expected["nps_vectors"]["rows"].as_array().unwrap() {
        let [p, n, d] = ["promoters", "passives", "detractors"].map(|name| whole(&row[name]));
        let found = Nps::from_counts(p, n, d, USUAL_LEVEL).unwrap();
        near(found.score, number(&row["nps"]));
        near(found.std_error, number(&row["se"]));
        same(found.wald, &row["ci95_wald"]);
        same(found.interval, &row["ci95_adjusted_wald_plus3"]);
        near(0.5 * found.wald.width(), number(&row["moe"]));
        assert!(found.interval.width() > 0.0);
    }
    for row in expected["nps_vectors"]["two_sample"].as_array().unwrap() {
        let [a, b] = ["a", "b"].map(|name| {
            let [p, n, d] = [0, 1, 2].map(|i| whole(&row[name][i]));
            Nps::from_counts(p, n, d, USUAL_LEVEL).unwrap()
        });
        let sign = number(&row["diff"]).signum() * (b.score - a.score).signum();
        let found = satisfaction::compare_nps(&b, &a, USUAL_LEVEL).unwrap();
        near(sign * found.difference, number(&row["diff"]));
        near(found.std_error, number(&row["se"]));
        near(sign * found.z, number(&row["z"]));
        near(found.p_value, number(&row["p_two_sided"]));
        assert_eq!(found.interval.contains(0.0), found.p_value > 0.05);
    }
}

#[test]
fn wilson_vectors() {
    let Some(expected) = shared::expected(FILE, 14) else {
        return;
    };
    for row in expected["wilson_vectors"].as_array().unwrap() {
        let found = wilson(number(&row["k"]), number(&row["n"]), USUAL_LEVEL).unwrap();
        same(found, &row["wilson95"]);
    }
}

#[test]
fn tickets() {
    let Some(expected) = shared::expected(FILE, 154) else {
        return;
    };
    let rows = shared::read("support_tickets.csv.gz", |row| {
        let rating = row[16].parse::<f64>().ok().map(|rating| rating as u8);
        (rating, [13, 12, 7].map(|column| row[column].to_owned()))
    });
    let rated: Vec<(u8, &[String; 3])> = rows
        .iter()
        .filter_map(|(rating, keys)| rating.map(|rating| (rating, keys)))
        .collect();
    let block = &expected["tickets"];
    let all: Vec<u8> = rated.iter().map(|(rating, _)| *rating).collect();
    check_tally(&all, &block["overall"]);
    for (column, by) in ["by_channel", "by_priority", "by_type"].iter().enumerate() {
        for (key, expected) in block[by].as_object().unwrap() {
            let of_group: Vec<u8> = rated
                .iter()
                .filter(|(_, keys)| &keys[column] == key)
                .map(|(rating, _)| *rating)
                .collect();
            check_tally(&of_group, expected);
        }
    }
}

fn check_tally(ratings: &[u8], expected: &Value) {
    let tally = Tally::csat(ratings, None).unwrap();
    assert_eq!(Some(tally.n()), expected["n"].as_u64());
    for (point, count) in (1..).zip(tally.counts()) {
        assert_eq!(*count, number(&expected["counts"][point.to_string()]));
    }
    let mean = tally.mean(USUAL_LEVEL).unwrap();
    near(mean.mean, number(&expected["mean"]));
    near(mean.std_deviation.unwrap(), number(&expected["sd"]));
    same(mean.interval.unwrap(), &expected["mean_ci95_normal"]);
    let top = tally.top_two(USUAL_LEVEL).unwrap();
    near(top.share, number(&expected["csat_top2"]["rate"]));
    same(top.interval, &expected["csat_top2"]["wilson95"]);
    assert_eq!(top.sample, Sample::Enough);
}

/// Newcombe (1998), table II, contrasts (a), 56/70 less 48/80, and (e), 5/56 less 0/29, method 10.
#[test]
fn published_differences_of_shares() {
    let printed = |first, second| {
        let found = interval::share_difference(first, second, USUAL_LEVEL).unwrap();
        format!("{:.4} {:.4}", found.low, found.high)
    };
    assert_eq!(printed((56.0, 70.0), (48.0, 80.0)), "0.0524 0.3339");
    assert_eq!(printed((5.0, 56.0), (0.0, 29.0)), "-0.0381 0.1926");
}

/// CES: 2 of 8 at 5 or above; mean (1+2+3+3+4+4+6+7)/8.
#[test]
fn effort() {
    let tally = Tally::ces(&[1, 2, 3, 3, 4, 4, 6, 7], None).unwrap();
    let mean = tally.mean(USUAL_LEVEL).unwrap();
    assert_eq!(mean.mean, 3.75);
    // Squared deviations sum to 27.5.
    near(mean.std_deviation.unwrap(), (27.5f64 / 7.0).sqrt());
    let easy = tally.at_least(5, USUAL_LEVEL).unwrap();
    assert_eq!(easy.share, 0.25);
    assert_eq!(easy.interval, wilson(2.0, 8.0, USUAL_LEVEL).unwrap());
    assert_eq!(easy.sample, Sample::Small);
    let one = Tally::ces(&[7], None).unwrap().mean(USUAL_LEVEL).unwrap();
    assert_eq!((one.interval, one.sample), (None, Sample::TooFew));
}

/// Shop and web each half of the customers; the web answered four times as often and is less happy.
#[test]
fn weights_restore_the_shares_of_customers() {
    let ratings = [vec![10u8; 20], vec![0; 40], vec![9; 40]].concat();
    let weights: Vec<f64> = (0..100).map(|i| if i < 20 { 2.5 } else { 0.625 }).collect();
    let plain = Tally::nps(&ratings, None)
        .unwrap()
        .to_nps(USUAL_LEVEL)
        .unwrap();
    near(plain.score, 20.0);
    let tally = Tally::nps(&ratings, Some(&weights)).unwrap();
    let weighted = tally.to_nps(USUAL_LEVEL).unwrap();
    // Half the customers at 100, half at 0.
    near(weighted.score, 50.0);
    // 100^2 / (20 x 6.25 + 80 x 0.390625) = 64.
    near(weighted.n_effective, 64.0);
    assert!(weighted.interval.width() > plain.interval.width() * 0.9);
    // Weights that are all alike change nothing.
    let alike = Tally::nps(&ratings, Some(&[3.0; 100])).unwrap();
    let alike = alike.to_nps(USUAL_LEVEL).unwrap();
    near(alike.interval.low, plain.interval.low);
    near(alike.n_effective, 100.0);
}

/// With 1,000 answers the bootstrap and the formula differ by the noise of 4,000 draws, about 0.2 points.
#[test]
fn bootstrap() {
    let ratings = [vec![10u8; 420], vec![8; 310], vec![3; 270]].concat();
    let tally = Tally::nps(&ratings, None).unwrap();
    let found = tally.nps_bootstrap(USUAL_LEVEL, 4000, 1).unwrap();
    let wald = tally.to_nps(USUAL_LEVEL).unwrap().wald;
    assert!((found.low - wald.low).abs() < 0.5 && (found.high - wald.high).abs() < 0.5);
    assert_eq!(tally.nps_bootstrap(USUAL_LEVEL, 4000, 1), Ok(found));
    assert_ne!(tally.nps_bootstrap(USUAL_LEVEL, 4000, 2), Ok(found));
    let mean = tally.mean_bootstrap(USUAL_LEVEL, 2000, 1).unwrap();
    let normal = tally.mean(USUAL_LEVEL).unwrap().interval.unwrap();
    assert!((mean.low - normal.low).abs() < 0.03 && (mean.high - normal.high).abs() < 0.03);
    assert!(tally.nps_bootstrap(USUAL_LEVEL, 10, 1).is_err());
}

/// The plain interval of five promoters has no width; of 2,000 simulated surveys of 15 answers the adjusted one
/// covers the truth at least 92 times in 100, the plain one does not.
#[test]
fn adjusted_interval_covers() {
    // 80% promoters, 15% passives, 5% detractors; the state of a small generator, high bits used.
    let mut state = 11u64;
    let mut draw = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let (mut adjusted, mut plain) = (0, 0);
    for _ in 0..2000 {
        let mut counts = [0; 3];
        for _ in 0..15 {
            let at = draw();
            counts[if at < 0.8 {
                0
            } else if at < 0.95 {
                1
            } else {
                2
            }] += 1;
        }
        let [p, n, d] = counts;
        let nps = Nps::from_counts(p, n, d, USUAL_LEVEL).unwrap();
        adjusted += usize::from(nps.interval.contains(75.0));
        plain += usize::from(nps.wald.contains(75.0));
    }
    assert!(adjusted >= 1840, "{adjusted}");
    assert!(plain < 1840, "{plain}");
}

#[test]
fn shares_compared() {
    let share = |k: usize, n: usize| -> Share {
        let ratings = [vec![5u8; k], vec![1; n - k]].concat();
        let tally = Tally::csat(&ratings, None).unwrap();
        tally.top_two(USUAL_LEVEL).unwrap()
    };
    let found = satisfaction::compare_shares(&share(56, 70), &share(48, 80), USUAL_LEVEL).unwrap();
    // Pooled 104/150: z = 0.2 / sqrt(.69333 x .30667 x (1/70 + 1/80)).
    near(
        found.z,
        0.2 / f64::sqrt(104.0 / 150.0 * 46.0 / 150.0 * (1.0 / 70.0 + 1.0 / 80.0)),
    );
    assert!(found.p_value < 0.01 && found.interval.low > 0.0);
    let none = satisfaction::compare_shares(&share(9, 9), &share(9, 9), USUAL_LEVEL).unwrap();
    assert_eq!((none.z, none.p_value), (0.0, 1.0));
}

#[test]
fn bad_ratings_are_named() {
    let off = Tally::csat(&[5, 0], None);
    let problem = RowProblem::OffScale {
        rating: 0,
        lowest: 1,
        highest: 5,
    };
    assert_eq!(off, Err(Error::Row { row: 1, problem }));
    assert!(matches!(
        Tally::nps(&[5, 5], Some(&[1.0, f64::NAN])),
        Err(Error::Row { row: 1, .. })
    ));
    assert!(matches!(Tally::nps(&[], None), Err(Error::NotEnough(_))));
    assert!(matches!(
        Tally::nps(&[1], Some(&[])),
        Err(Error::Length { .. })
    ));
    assert!(Nps::from_counts(0, 0, 0, USUAL_LEVEL).is_err());
    assert!(Nps::from_counts(1, 0, 0, 1.0).is_err());
    assert!(
        Tally::csat(&[5], None)
            .unwrap()
            .to_nps(USUAL_LEVEL)
            .is_err()
    );
    assert!(wilson(3.0, 2.0, USUAL_LEVEL).is_err());
}

#[track_caller]
fn near(found: f64, expected: f64) {
    let allowed = DIGITS * expected.abs().max(1e-3);
    assert!((found - expected).abs() <= allowed, "{found} {expected}");
}

#[track_caller]
fn same(found: Interval, expected: &Value) {
    near(found.low, number(&expected[0]));
    near(found.high, number(&expected[1]));
}

//! Figures of quality, calibration, profit and drift: against definitions worked out by brute force, and by hand.

use crate::draws::Draws;
use keji_models::Error;
use keji_models::churn::calibration::{self, Advice, Isotonic, Platt};
use keji_models::churn::{drift, profit, quality};
use keji_models::features::Features;

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

fn simulated(n: usize, seed: u64, slope: f64, offset: f64) -> (Vec<f64>, Vec<bool>) {
    let mut draws = Draws::new(seed);
    let log_odds: Vec<f64> = (0..n).map(|_| -1.0 + 1.5 * draws.normal()).collect();
    let outcome = log_odds
        .iter()
        .map(|x| draws.unit() < probability(offset + slope * x))
        .collect();
    (log_odds, outcome)
}

/// AUC as the share of pairs in order, ties half; DeLong's variance from the pairs themselves.
#[test]
fn auc_by_pairs() {
    let mut draws = Draws::new(1);
    let outcome: Vec<bool> = (0..120).map(|_| draws.unit() < 0.3).collect();
    let scores: Vec<f64> = outcome
        .iter()
        .map(|&y| (10.0 * (draws.unit() + if y { 0.3 } else { 0.0 })).floor())
        .collect();
    let of = |kind: bool| -> Vec<f64> {
        let rows = scores.iter().zip(&outcome).filter(|(_, y)| **y == kind);
        rows.map(|(score, _)| *score).collect()
    };
    let (left, stayed) = (of(true), of(false));
    let wins = |a: f64, b: f64| {
        if a > b {
            1.0
        } else if a == b {
            0.5
        } else {
            0.0
        }
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let above: Vec<f64> = left
        .iter()
        .map(|&a| mean(&stayed.iter().map(|&b| wins(a, b)).collect::<Vec<_>>()))
        .collect();
    let below: Vec<f64> = stayed
        .iter()
        .map(|&b| mean(&left.iter().map(|&a| wins(a, b)).collect::<Vec<_>>()))
        .collect();
    let spread = |values: &[f64]| {
        let centre = mean(values);
        values.iter().map(|x| (x - centre).powi(2)).sum::<f64>()
            / (values.len() - 1) as f64
            / values.len() as f64
    };
    let found = quality::auc(&scores, &outcome).unwrap();
    assert!((found.value - mean(&above)).abs() < 1e-14);
    assert!((found.std_error - (spread(&above) + spread(&below)).sqrt()).abs() < 1e-14);
    // A model differs from itself by nothing, for sure.
    let none = quality::auc_difference(&scores, &scores, &outcome).unwrap();
    assert_eq!((none.value, none.std_error), (0.0, 0.0));
}

/// About 95% of intervals hold the true AUC: normal scores one standard deviation apart have 0.7602.
#[test]
fn auc_interval_covers() {
    let mut draws = Draws::new(9);
    let n_runs = 300;
    let covered = (0..n_runs)
        .filter(|_| {
            let outcome: Vec<bool> = (0..150).map(|i| i % 5 == 0).collect();
            let shift = |y: bool| if y { 1.0 } else { 0.0 };
            let scores: Vec<f64> = outcome.iter().map(|&y| draws.normal() + shift(y)).collect();
            let found = quality::auc(&scores, &outcome).unwrap();
            found.lower < 0.760_25 && 0.760_25 < found.upper
        })
        .count();
    assert!((273..=297).contains(&covered), "{covered}");
}

/// Worked by hand: ties share their places, a constant score is worth nothing and says so.
#[test]
fn ties_and_constants() {
    let left = [
        true, false, true, false, false, false, false, false, false, false,
    ];
    let flat = [0.2; 10];
    let judged = quality::judge(&flat, &left).unwrap();
    assert_eq!((judged.auc.value, judged.average_precision), (0.5, 0.2));
    assert!((judged.log_loss - judged.log_loss_naive).abs() < 1e-15);
    assert!((judged.brier - judged.brier_naive).abs() < 1e-15);
    let list = quality::list(&flat, &left, 5).unwrap();
    assert_eq!((list.hits, list.lift, list.recall), (1.0, 1.0, 0.5));
    // First two tied, one of them left; the third left: AP = 1/2 * 1/2 + 1/2 * 2/3.
    let scores = [0.9, 0.9, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
    let found = quality::average_precision(&scores, &left).unwrap();
    assert!((found - (0.25 + 1.0 / 3.0)).abs() < 1e-15);
    assert_eq!(quality::list(&scores, &left, 1).unwrap().hits, 0.5);
    // Certain and wrong costs much, not infinitely.
    assert!(
        quality::judge(&[1.0, 0.0], &[false, true])
            .unwrap()
            .log_loss
            < 35.0
    );
}

#[test]
fn reliability_groups_hold_everybody_once() {
    let (log_odds, outcome) = simulated(2000, 4, 1.0, 0.0);
    let p: Vec<f64> = log_odds.iter().map(|x| probability(*x)).collect();
    let groups = quality::reliability(&p, &outcome, 10).unwrap();
    assert_eq!(groups.iter().map(|g| g.n).sum::<usize>(), 2000);
    assert!(
        groups
            .windows(2)
            .all(|pair| pair[0].mean_probability < pair[1].mean_probability)
    );
    let inside = groups
        .iter()
        .filter(|g| g.lower <= g.mean_probability && g.mean_probability <= g.upper);
    assert!(inside.count() >= 8);
    let judged = quality::judge(&p, &outcome).unwrap();
    assert!(judged.calibration_error < 2.0 * judged.calibration_error_by_chance);
    // Twice as bold as right shows.
    let bold: Vec<f64> = log_odds.iter().map(|x| probability(2.0 * x)).collect();
    let judged = quality::judge(&bold, &outcome).unwrap();
    assert!(judged.calibration_error > 4.0 * judged.calibration_error_by_chance);
}

/// Known distortions are undone: logit P = 0.5 + 0.6 x. Intervals of two standard errors.
#[test]
fn calibration_recovers() {
    let (log_odds, outcome) = simulated(4000, 6, 0.6, 0.5);
    let found = calibration::check_calibration(&log_odds, &outcome).unwrap();
    assert!((found.slope - 0.6).abs() < 2.0 * found.slope_std_error);
    assert!((found.offset - 0.5).abs() < 2.0 * found.offset_std_error);
    assert!(found.p_value < 1e-6);
    let platt = Platt::fit(&log_odds, &outcome).unwrap();
    let isotonic = Isotonic::fit(&log_odds, &outcome).unwrap();
    let (fresh, truth) = simulated(4000, 7, 0.6, 0.5);
    let loss = |p: &dyn Fn(f64) -> f64| {
        let p: Vec<f64> = fresh.iter().map(|&x| p(x)).collect();
        quality::judge(&p, &truth).unwrap().log_loss
    };
    let (raw, best) = (loss(&probability), loss(&|x| probability(0.5 + 0.6 * x)));
    assert!(raw > best + 0.05);
    assert!(loss(&|x| platt.probability(x)) < best + 0.002);
    assert!(loss(&|x| isotonic.probability(x)) < best + 0.01);
    // Rising, and within 0 and 1 at both ends.
    let steps: Vec<f64> = (-80..=80)
        .map(|k| isotonic.probability(f64::from(k) / 10.0))
        .collect();
    assert!(steps.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(steps[0] > 0.0 && steps[160] < 1.0);
}

/// Pooled adjacent violators is the least squares fit among rising sequences: no other on a grid does better.
#[test]
fn isotonic_is_least_squares() {
    let outcome = [
        false, true, false, false, true, true, false, true, true, true,
    ];
    let scores: Vec<f64> = (0..10).map(f64::from).collect();
    let found = Isotonic::fit(&scores, &outcome).unwrap();
    // By hand: 0 | 1 0 0 | 1 1 0 | 1 1 1, the ends drawn to 0.6 by one more customer.
    let third = 1.0 / 3.0;
    for (score, expected) in [
        (0.0, 0.6 / 2.0),
        (1.0, third),
        (3.0, third),
        (3.5, 0.5),
        (4.0, 2.0 * third),
        (6.0, 2.0 * third),
        (9.0, 3.6 / 4.0),
        (20.0, 3.6 / 4.0),
    ] {
        assert!(
            (found.probability(score) - expected).abs() < 1e-12,
            "{score}"
        );
    }
}

#[test]
fn advice() {
    let made = {
        let (log_odds, outcome) = simulated(3000, 21, 1.0, 0.0);
        quality::auc(&log_odds, &outcome).unwrap()
    };
    let after = |slope, offset, n| {
        let (log_odds, outcome) = simulated(n, 22, slope, offset);
        calibration::advise(&log_odds, &outcome, &made).unwrap()
    };
    assert_eq!(after(1.0, 0.0, 3000), Advice::Keep);
    assert_eq!(after(1.0, 0.0, 200), Advice::Wait);
    // Twice as many leave, in the same order of risk.
    assert_eq!(after(1.0, 0.8, 3000), Advice::Recalibrate);
    assert_eq!(after(0.3, 0.0, 3000), Advice::Refit);
    let worse = Platt::fit(
        &[2.0, 1.0, -1.0, -2.0, 0.5],
        &[false, false, true, true, true],
    );
    assert!(matches!(worse, Err(Error::NotEnough(_))));
    assert!(Platt::fit(&[1.0; 6], &[true, false, true, false, true, false]).is_err());
    assert!(Isotonic::fit(&[f64::NAN, 1.0], &[true, false]).is_err());
}

/// Neslin et al.'s formula by hand: save 30% of leavers worth 100 with an offer of 10 and a contact of 2.
#[test]
fn profit_by_hand() {
    let campaign = profit::Campaign {
        save_rate: 0.3,
        value: 100.0,
        incentive: 10.0,
        contact: 2.0,
        fixed: 5.0,
    };
    let left = [
        true, true, false, true, false, false, false, false, false, false,
    ];
    let scores: Vec<f64> = (0..10).rev().map(f64::from).collect();
    let curve = profit::curve(&scores, &left, &campaign, 5).unwrap();
    // Each leaver is worth 0.3 * 100 + 10 * 0.7 = 37, each contact costs 12: 4 * -12 + 3 * 37 - 5 = 58.
    assert_eq!((curve.best.length, curve.best.profit), (4, 58.0));
    assert_eq!(curve.everybody.profit, 37.0 * 3.0 - 120.0 - 5.0);
    let lengths: Vec<usize> = curve.points.iter().map(|point| point.length).collect();
    assert_eq!(lengths, [0, 2, 4, 6, 8, 10]);
    assert!((campaign.break_even().unwrap() - 12.0 / 37.0).abs() < 1e-15);
    // Nobody is worth contacting when saving brings nothing.
    let vain = profit::Campaign {
        save_rate: 0.0,
        incentive: 0.0,
        ..campaign
    };
    assert_eq!(
        profit::curve(&scores, &left, &vain, 5).unwrap().best.length,
        0
    );
    assert!(vain.break_even().unwrap().is_infinite());
    assert!(
        profit::curve(
            &scores,
            &left,
            &profit::Campaign {
                value: f64::NAN,
                ..campaign
            },
            5
        )
        .is_err()
    );
}

/// No change stays quiet in small samples too, a shift is loud; by hand for two levels.
#[test]
fn drift_of_columns_and_scores() {
    let mut draws = Draws::new(8);
    let mut normal =
        |n: usize, shift: f64| (0..n).map(|_| shift + draws.normal()).collect::<Vec<f64>>();
    let then = normal(5000, 0.0);
    assert_eq!(
        drift::of_scores(&then, &normal(5000, 0.0)).unwrap().verdict,
        drift::Verdict::None
    );
    let loud = drift::of_scores(&then, &normal(5000, 1.0)).unwrap();
    assert_eq!(loud.verdict, drift::Verdict::Strong);
    let alarms = (0..100)
        .filter(|_| {
            drift::of_scores(&normal(80, 0.0), &normal(60, 0.0))
                .unwrap()
                .psi
                > 0.1
        })
        .count();
    let believed = (0..100)
        .filter(|_| {
            drift::of_scores(&normal(80, 0.0), &normal(60, 0.0))
                .unwrap()
                .verdict
                != drift::Verdict::None
        })
        .count();
    assert!(alarms > 50, "the custom alone cries wolf: {alarms}");
    assert!(believed < 15, "{believed}");

    let levels = |n_first: usize, n: usize| {
        let codes = (0..n).map(|i| Some(u32::from(i >= n_first))).collect();
        Features::new(n).category("region", codes).unwrap()
    };
    let found = drift::of_columns(&levels(500, 1000), &levels(800, 1000)).unwrap();
    // Shares 500.5/1001 and 800.5/1001, and their complements: twice 300/1001 times half the log of the odds.
    let expected = 300.0 / 1001.0 * (800.5f64 / 200.5).ln();
    assert!((found[0].psi - expected).abs() < 1e-12);
    let unseen = Features::new(4)
        .category("region", vec![Some(5), None, Some(0), Some(1)])
        .unwrap();
    assert_eq!(
        drift::of_columns(&levels(500, 1000), &unseen).unwrap()[0].unknown_now,
        0.5
    );
    assert!(drift::of_scores(&[], &[1.0]).is_err());
}

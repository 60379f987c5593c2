//! Ugly columns through every model of features: whatever comes in, an error or finite numbers come out, no panic.

use crate::draws::Draws;
use keji_models::churn::calibration::{self, Isotonic, Platt};
use keji_models::churn::{drift, logistic, quality, single_column, split, trees};
use keji_models::features::Features;
use keji_models::segmentation::{self, Scaling, choose};
use keji_models::{Error, look_alike};

/// Sizes from 1e-300 to 1e100, heavy ties, missing values, and columns that are almost constant.
fn ugly(draws: &mut Draws, n: usize) -> Features {
    let powers = [-300, -100, -8, 0, 8, 99];
    let mut table = Features::new(n);
    for j in 0..4 {
        let kind = draws.below(4);
        let unit = 10f64.powi(powers[draws.below(powers.len())]);
        let column = (0..n)
            .map(|i| match kind {
                0 => unit * draws.normal(),
                1 => unit * f64::from(u8::from(i == 7)),
                2 if draws.unit() < 0.5 => f64::NAN,
                2 => unit * (1.0 + 1e-15 * draws.below(3) as f64),
                _ => unit * (20.0 * draws.normal()).exp().min(1.0 / unit),
            })
            .collect();
        table = table.number(&format!("x{j}"), column).unwrap();
    }
    let codes = (0..n).map(|_| [None, Some(0), Some(1), Some(u32::MAX)][draws.below(4)]);
    table.category("code", codes.collect()).unwrap()
}

fn assert_finite(values: &[f64], what: &str) {
    assert!(values.iter().all(|x| x.is_finite()), "{what}: {values:?}");
}

#[test]
fn ugly_columns() {
    let mut draws = Draws::new(99);
    let (mut n_logistic, mut n_clusters) = (0, 0);
    for round in 0..60 {
        let n = 40 + draws.below(80);
        let outcome: Vec<bool> = (0..n)
            .map(|i| i < 10 || (i >= 20 && draws.unit() < 0.4))
            .collect();
        let (table, _) = ugly(&mut draws, n).without_constant();
        for ridge in [0.0, 1.0] {
            match logistic::fit(&table, &outcome, ridge) {
                Ok(fitted) => {
                    n_logistic += 1;
                    assert_finite(&fitted.log_odds(&table).unwrap(), "logistic");
                }
                Err(Error::Column { .. } | Error::NoConvergence { .. }) if ridge == 0.0 => {}
                Err(error) => panic!("round {round}, ridge {ridge}: {error}"),
            }
        }
        let settings = trees::Settings {
            max_trees: 20,
            min_rows_per_leaf: 1,
            l2: 0.0,
            rate: 1.0,
            ..Default::default()
        };
        let fitted = trees::fit(&table, &outcome, &settings, None).unwrap();
        let scores = fitted.log_odds(&table).unwrap();
        assert_finite(&scores, "trees");
        let reasons = fitted.reasons(&table).unwrap().totals();
        for (total, score) in reasons.iter().zip(&scores) {
            // Leaves of certain rows without regularisation are large, so rounding is relative.
            assert!(
                (total - score).abs() <= 1e-8 * (1.0 + score.abs()),
                "{total} {score}"
            );
        }
        let folds = split::folds(&outcome, 3).unwrap();
        let crossed = trees::fit_in_folds(&table, &outcome, &folds, &settings).unwrap();
        assert_finite(&crossed.out_of_fold, "out of fold");
        let judged = quality::judge(&fitted.probabilities(&table).unwrap(), &outcome).unwrap();
        assert!(judged.log_loss.is_finite() && judged.auc.lower <= judged.auc.upper);
        for column in table.names() {
            let single = single_column::fit(&table, column, &outcome).unwrap();
            assert_finite(&single.probabilities(&table).unwrap(), column);
        }
        let alike = look_alike::fit(&table, &outcome, 1.0).unwrap();
        assert_finite(&alike.scores(&table).unwrap(), "look-alike");
        let similar = alike.most_similar(&table, 0, n).unwrap();
        assert!(similar.iter().all(|s| (0.0..=1.0).contains(&s.similarity)));
        for found in drift::of_columns(&table, &ugly(&mut draws, n).without_constant().0)
            .into_iter()
            .flatten()
        {
            assert!(found.psi.is_finite() && found.psi >= 0.0);
        }
        let known = Features::new(n)
            .number(
                "x",
                (0..n)
                    .map(|_| 10f64.powi(draws.below(100) as i32))
                    .collect(),
            )
            .unwrap();
        let scaling = Scaling::fit(&known, &[]).unwrap();
        let points = scaling.points(&known).unwrap();
        if let Ok(clusters) = segmentation::fit(&points, 3, 3, round) {
            n_clusters += 1;
            assert!(clusters.within.is_finite());
            assert_eq!(clusters.sizes().iter().sum::<usize>(), n);
        }
    }
    assert!(
        n_logistic > 60 && n_clusters > 50,
        "{n_logistic} {n_clusters}"
    );
}

/// Log-odds a probability cannot hold, and columns of one point.
#[test]
fn ugly_scores() {
    let outcome: Vec<bool> = (0..300).map(|i| i % 3 == 0).collect();
    for unit in [1e-200, 1e-9, 1.0, 1e6, 1e80] {
        let scores: Vec<f64> = outcome
            .iter()
            .enumerate()
            .map(|(i, &y)| unit * ((i % 17) as f64 - 8.0 + if y { 2.0 } else { 0.0 }))
            .collect();
        assert!(quality::auc(&scores, &outcome).unwrap().value > 0.5);
        let isotonic = Isotonic::fit(&scores, &outcome).unwrap();
        assert!(
            scores
                .iter()
                .all(|&x| (0.0..=1.0).contains(&isotonic.probability(x)))
        );
        if let Ok(platt) = Platt::fit(&scores, &outcome) {
            assert!((platt.probability(scores[0]) - 0.3).abs() < 0.7);
        }
        if let Ok(check) = calibration::check_calibration(&scores, &outcome) {
            assert!(check.slope > 0.0 && check.p_value.is_finite());
        }
    }
    let flat = Features::new(100)
        .number("x", (0..100).map(|i| f64::from(i % 2)).collect())
        .unwrap();
    let points = Scaling::fit(&flat, &[]).unwrap().points(&flat).unwrap();
    // Two distinct points cannot make three groups, and the search says so.
    assert!(
        choose::choose(
            &points,
            &choose::Settings {
                max_k: 3,
                ..Default::default()
            }
        )
        .is_err()
    );
    let large = Features::new(1).number("x", vec![1e101]);
    assert_eq!(
        large.unwrap_err().to_string(),
        "column `x` row 0 is beyond 1e100"
    );
}

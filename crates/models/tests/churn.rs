//! Churn classifiers: agreement with reference fits on the bank data, recovery of known truths from simulated
//! customers, a contest cut by time on real purchases, and what bad input is told.

use crate::draws::{self, Draws};
use crate::shared::{self, assert_close, number};
use keji_models::Error;
use keji_models::churn::{contest, drift, logistic, quality, single_column, split, trees};
use keji_models::error::ColumnProblem;
use keji_models::features::{Features, outcomes};

/// The columns of the reference regression, in its units.
fn bank_dummies(rows: &[csv::StringRecord]) -> Features {
    let number = |at: usize, unit: f64| {
        let value = |row: &csv::StringRecord| row[at].parse::<f64>().unwrap() / unit;
        rows.iter().map(value).collect::<Vec<_>>()
    };
    let flag = |at: usize, value: &str| {
        let is = |row: &csv::StringRecord| f64::from(u8::from(&row[at] == value));
        rows.iter().map(is).collect::<Vec<_>>()
    };
    let columns = [
        ("CreditScore", number(3, 100.0)),
        ("Germany", flag(4, "Germany")),
        ("Spain", flag(4, "Spain")),
        ("Male", flag(5, "Male")),
        ("Age", number(6, 10.0)),
        ("Tenure", number(7, 1.0)),
        ("Balance", number(8, 1e5)),
        ("Products2", flag(9, "2")),
        ("Products3", flag(9, "3")),
        ("HasCrCard", number(10, 1.0)),
        ("IsActiveMember", number(11, 1.0)),
        ("Salary", number(12, 1e5)),
    ];
    columns
        .into_iter()
        .fold(Features::new(rows.len()), |table, (name, values)| {
            table.number(name, values).unwrap()
        })
}

/// All columns as they come; country, sex and number of products as categories.
fn bank(rows: &[csv::StringRecord]) -> Features {
    let header = [
        (3, "CreditScore"),
        (4, "Geography"),
        (5, "Gender"),
        (6, "Age"),
        (7, "Tenure"),
        (8, "Balance"),
        (9, "NumOfProducts"),
        (10, "HasCrCard"),
        (11, "IsActiveMember"),
        (12, "EstimatedSalary"),
    ];
    header
        .into_iter()
        .fold(Features::new(rows.len()), |table, (at, name)| {
            match at {
                4 | 5 => {
                    let code = |row: &csv::StringRecord| match &row[at] {
                        "France" | "Male" => Some(0),
                        "Germany" | "Female" => Some(1),
                        _ => Some(2),
                    };
                    table.category(name, rows.iter().map(code).collect())
                }
                _ => table.number(name, rows.iter().map(|r| r[at].parse().unwrap()).collect()),
            }
            .unwrap()
        })
}

fn exited(rows: &[csv::StringRecord]) -> Vec<bool> {
    let values: Vec<f64> = rows.iter().map(|row| row[13].parse().unwrap()).collect();
    outcomes(&values).unwrap()
}

fn pick(outcome: &[bool], rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|&row| outcome[row]).collect()
}

/// statsmodels' Newton without penalty: coefficients, standard errors and likelihood, and the test figures of the
/// regression fitted on four rows of five. Both sides converge fully, so ten printed digits are nearly all there.
#[test]
fn logistic_of_the_bank() {
    let Some(expected) = shared::expected("bank_churn.json", 45) else {
        return;
    };
    let rows = shared::records("bank_churn.csv");
    let (table, outcome) = (bank_dummies(&rows), exited(&rows));
    let fitted = logistic::fit(&table, &outcome, 0.0).unwrap();
    let block = &expected["logit_full"];
    let check = |fitted: &logistic::Logistic, block: &serde_json::Value| {
        assert_close(
            fitted.intercept,
            number(&block["coef"]["const"]),
            1e-7,
            "const",
        );
        for coefficient in &fitted.coefficients {
            let expected = number(&block["coef"][&coefficient.name]);
            assert_close(coefficient.value, expected, 1e-7, &coefficient.name);
        }
        assert!((fitted.log_likelihood - number(&block["ll"])).abs() < 1e-6);
    };
    check(&fitted, block);
    assert_close(
        fitted.intercept_std_error,
        number(&block["se"]["const"]),
        1e-6,
        "se",
    );
    for coefficient in &fitted.coefficients {
        let expected = number(&block["se"][&coefficient.name]);
        assert_close(coefficient.std_error, expected, 1e-6, &coefficient.name);
    }
    assert!((fitted.log_likelihood_null - number(&block["ll_null"])).abs() < 1e-6);
    let in_sample = quality::auc(&fitted.log_odds(&table).unwrap(), &outcome).unwrap();
    assert_close(
        in_sample.value,
        number(&block["auc_in_sample"]),
        1e-9,
        "auc in sample",
    );

    let parts = split::every(rows.len(), 5, 4).unwrap();
    let learn = table.rows(&parts.learn).unwrap();
    let judge = table.rows(&parts.judge).unwrap();
    let fitted = logistic::fit(&learn, &pick(&outcome, &parts.learn), 0.0).unwrap();
    check(&fitted, &expected["logit_train"]);
    let truth = pick(&outcome, &parts.judge);
    let probabilities = fitted.probabilities(&judge).unwrap();
    let judged = quality::judge(&probabilities, &truth).unwrap();
    let test = &expected["test"];
    assert_eq!(judged.n as u64, test["n"].as_u64().unwrap());
    assert_close(judged.auc.value, number(&test["auc"]), 1e-8, "auc");
    assert_close(judged.log_loss, number(&test["log_loss"]), 1e-8, "log-loss");
    assert_close(judged.brier, number(&test["brier"]), 1e-8, "brier");
    let list = quality::list(&probabilities, &truth, 200).unwrap();
    assert_close(
        list.precision,
        number(&test["top_decile_precision"]),
        1e-9,
        "precision",
    );
    assert_close(list.lift, number(&test["top_decile_lift"]), 1e-9, "lift");
}

/// The bar: AUC 0.8719, log-loss 0.3280, Brier 0.0985, lift 4.03 of scikit-learn's trees. Ours stop early on folds of
/// the training rows and are averaged; nothing was tuned on the test rows.
#[test]
fn trees_of_the_bank() {
    let Some(expected) = shared::expected("bank_churn.json", 4) else {
        return;
    };
    let rows = shared::records("bank_churn.csv");
    let (table, outcome) = (bank(&rows), exited(&rows));
    let parts = split::every(rows.len(), 5, 4).unwrap();
    let learn = table.rows(&parts.learn).unwrap();
    let judge = table.rows(&parts.judge).unwrap();
    let y = pick(&outcome, &parts.learn);
    let truth = pick(&outcome, &parts.judge);
    let found = contest::run(
        (&learn, &y),
        (&judge, &truth),
        "Age",
        1.0,
        &Default::default(),
    );
    let found = found.unwrap();
    let bar = &expected["sklearn_gbdt"];
    let judged = &found.trees.quality;
    println!(
        "naive age {:.4}, logistic {:.4}, trees {judged:?}",
        found.naive.quality.auc.value, found.logistic.quality.auc.value
    );
    assert!(judged.auc.value > number(&bar["auc"]));
    assert!(judged.log_loss < number(&bar["log_loss"]));
    assert!(judged.brier < number(&bar["brier"]));
    let list = quality::list(&found.trees.probabilities, &truth, 200).unwrap();
    assert!(list.lift > number(&bar["top_decile_lift"]));
    assert_eq!(found.advised, contest::Choice::Trees);
    assert!(found.trees.gain.unwrap().lower > 0.05);
    // Probabilities are right without further help: no further off than chance would be, nearly.
    assert!(judged.calibration_error < 1.5 * judged.calibration_error_by_chance);

    // Reasons are exact, and the age leads them, as the regression's do.
    let few = judge.rows(&(0..40).collect::<Vec<_>>()).unwrap();
    let model = &found.trees.model.model;
    let reasons = model.reasons(&few).unwrap();
    for (total, score) in reasons.totals().iter().zip(model.log_odds(&few).unwrap()) {
        assert!((total - score).abs() < 1e-9, "{total} {score}");
    }
    let mut importance = reasons.importance();
    importance.sort_by(|a, b| b.1.total_cmp(&a.1));
    assert_eq!(importance[0].0, "Age");
    // No drift between two parts of one population, cut without time.
    for drift in drift::of_columns(&learn, &judge).unwrap() {
        assert_eq!(drift.verdict, drift::Verdict::None, "{drift:?}");
    }
}

/// Made on 1 September from what was known then, judged on the 90 days after: real customers of a shop.
#[test]
fn retail_cut_by_time() {
    let Some(retail) = draws::retail() else {
        return;
    };
    let mut orders: Vec<Vec<(i64, f64)>> = vec![Vec::new(); retail.n_customers];
    for line in &retail.lines {
        let own = &mut orders[line.customer as usize];
        match own.last_mut() {
            Some((day, amount)) if *day == line.day => *amount += line.amount,
            _ => own.push((line.day, line.amount)),
        }
    }
    // The first of each month from April (day 121) to September (day 274).
    let snapshots = [121, 151, 182, 212, 243, 274];
    let mut days = Vec::new();
    let mut columns: [Vec<f64>; 6] = Default::default();
    let mut outcome = Vec::new();
    for at in snapshots {
        for own in &orders {
            let before: Vec<_> = own.iter().filter(|(day, _)| *day < at).collect();
            let (Some(first), Some(last)) = (before.first(), before.last()) else {
                continue;
            };
            let n = before.len() as f64;
            let gap = if n > 1.0 {
                (last.0 - first.0) as f64 / (n - 1.0)
            } else {
                f64::NAN
            };
            let recency = (at - last.0) as f64;
            let spend: f64 = before.iter().map(|(_, amount)| amount).sum();
            let row = [
                recency,
                n,
                (at - first.0) as f64,
                gap,
                recency / gap.max(1.0),
                spend / n,
            ];
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
            days.push(at);
            outcome.push(!own.iter().any(|(day, _)| (at..at + 90).contains(day)));
        }
    }
    let names = [
        "days_since_last",
        "orders",
        "age",
        "gap",
        "silence",
        "mean_order",
    ];
    let table = names
        .iter()
        .zip(columns)
        .fold(Features::new(days.len()), |table, (name, values)| {
            table.number(name, values).unwrap()
        });
    let parts = split::by_time(&days, 274, 90).unwrap();
    assert_eq!(
        parts.open.len(),
        days.iter().filter(|&&day| day == 212 || day == 243).count()
    );
    let learn = table.rows(&parts.learn).unwrap();
    let judge = table.rows(&parts.judge).unwrap();
    let (y, truth) = (pick(&outcome, &parts.learn), pick(&outcome, &parts.judge));
    let settings = trees::Settings {
        max_leaves: 8,
        ..Default::default()
    };
    let found = contest::run(
        (&learn, &y),
        (&judge, &truth),
        "days_since_last",
        1.0,
        &settings,
    )
    .unwrap();
    println!(
        "churn in 90 days of {}: recency alone {:.4}, logistic {:.4}, trees {:.4}; {:?}",
        truth.len(),
        found.naive.quality.auc.value,
        found.logistic.quality.auc.value,
        found.trees.quality.auc.value,
        found.advised
    );
    // Recency alone ranks far better than chance here, and a model has to show more.
    assert!(found.naive.quality.auc.lower > 0.6);
    let over_naive = quality::auc_difference(
        &found.trees.probabilities,
        &found.naive.probabilities,
        &truth,
    )
    .unwrap();
    assert!(over_naive.lower > 0.02, "{over_naive:?}");
    assert_ne!(found.advised, contest::Choice::Naive);
    // Autumn brings more buyers than spring did: probabilities learned before are too high, and it shows.
    assert!(
        found.trees.quality.mean_probability
            > truth.iter().filter(|y| **y).count() as f64 / truth.len() as f64
    );
}

/// Known coefficients come back within their standard errors, and the errors are right: about 95% cover.
#[test]
fn logistic_recovers_the_truth() {
    let mut draws = Draws::new(11);
    let (mut covered, n_runs) = (0, 60);
    for _ in 0..n_runs {
        let n = 400;
        let x: Vec<f64> = (0..n).map(|_| 30.0 + 10.0 * draws.normal()).collect();
        let level: Vec<u32> = (0..n).map(|_| draws.below(3) as u32 + 7).collect();
        let outcome: Vec<bool> = (0..n)
            .map(|i| {
                let eta = -3.0 + 0.08 * x[i] + if level[i] == 9 { 1.0 } else { 0.0 };
                draws.unit() < 1.0 / (1.0 + (-eta).exp())
            })
            .collect();
        let table = Features::new(n).number("x", x).unwrap();
        let table = table
            .category("level", level.into_iter().map(Some).collect())
            .unwrap();
        let fitted = logistic::fit(&table, &outcome, 0.0).unwrap();
        let slope = &fitted.coefficients[0];
        covered += usize::from((slope.value - 0.08).abs() < 1.96 * slope.std_error);
    }
    // Binomial (60, 0.95): below 52 once in 300 times, and the seed is fixed.
    assert!((52..=60).contains(&covered), "{covered}");
}

/// A ridge pulls towards 0, keeps separating columns finite, and unknown values count as the average customer.
#[test]
fn ridge_and_unknown_values() {
    let n = 60;
    let outcome: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
    let perfect: Vec<f64> = outcome.iter().map(|&y| f64::from(u8::from(y))).collect();
    let age: Vec<f64> = (0..n)
        .map(|i| {
            if i % 7 == 0 {
                f64::NAN
            } else {
                (i % 11) as f64
            }
        })
        .collect();
    let region: Vec<Option<u32>> = (0..n)
        .map(|i| (i % 4 != 3).then_some(i as u32 % 4))
        .collect();
    let table = Features::new(n)
        .number("age", age)
        .unwrap()
        .category("region", region)
        .unwrap();
    let with_perfect = table.clone().number("closed", perfect).unwrap();
    let problem = |result: keji_models::error::Result<logistic::Logistic>| match result {
        Err(Error::Column { column, problem }) => (column, problem),
        other => panic!("{other:?}"),
    };
    let told = problem(logistic::fit(&with_perfect, &outcome, 0.0));
    assert_eq!(told, ("closed".to_owned(), ColumnProblem::Separates));
    let doubled = table
        .clone()
        .number(
            "twice",
            match &table.columns()[0].values {
                keji_models::features::Values::Number(x) => x.iter().map(|x| 2.0 * x).collect(),
                _ => unreachable!(),
            },
        )
        .unwrap();
    let told = problem(logistic::fit(&doubled, &outcome, 0.0));
    assert_eq!(told, ("twice".to_owned(), ColumnProblem::Collinear));

    let strong = logistic::fit(&with_perfect, &outcome, 10.0).unwrap();
    let light = logistic::fit(&with_perfect, &outcome, 1.0).unwrap();
    let last = |model: &logistic::Logistic| model.coefficients.last().unwrap().value;
    assert!(0.0 < last(&strong) && last(&strong) < last(&light) && last(&light).is_finite());
    // At the optimum of a penalised fit the gradient vanishes.
    assert!(light.gradient_norm < 1e-6);

    let fitted = logistic::fit(&table, &outcome, 1.0).unwrap();
    let unseen = Features::new(2)
        .number("age", vec![3.0, 3.0])
        .unwrap()
        .category("region", vec![Some(77), None])
        .unwrap();
    let reasons = fitted.reasons(&unseen).unwrap();
    assert_eq!(reasons.row(0)[1], 0.0);
    // Missing was seen in training, and is a level of its own.
    assert_ne!(reasons.row(1)[1], 0.0);
    // Centred: over the training rows contributions cancel column by column.
    let reasons = fitted.reasons(&table).unwrap();
    for column in 0..2 {
        let sum: f64 = (0..n).map(|row| reasons.row(row)[column]).sum();
        assert!(sum.abs() < 1e-9, "{sum}");
    }
}

/// What a regression cannot see: an exclusive or, a level among forty, and that "not known" means something.
#[test]
fn trees_find_what_a_regression_cannot() {
    let mut draws = Draws::new(5);
    let n = 9000;
    let a: Vec<f64> = (0..n).map(|_| draws.unit()).collect();
    let b: Vec<f64> = (0..n)
        .map(|_| {
            if draws.unit() < 0.2 {
                f64::NAN
            } else {
                draws.unit()
            }
        })
        .collect();
    let city: Vec<u32> = (0..n).map(|_| draws.below(40) as u32).collect();
    let noise: Vec<f64> = (0..n).map(|_| draws.unit()).collect();
    let truth: Vec<f64> = (0..n)
        .map(|i| {
            let eta = if b[i].is_nan() {
                1.5
            } else if (a[i] > 0.5) != (b[i] > 0.5) {
                1.0
            } else {
                -2.0
            };
            1.0 / (1.0 + f64::exp(-(eta + if city[i].is_multiple_of(2) { 1.0 } else { -1.0 })))
        })
        .collect();
    let outcome: Vec<bool> = truth.iter().map(|p| draws.unit() < *p).collect();
    let table = Features::new(n)
        .number("a", a)
        .unwrap()
        .number("b", b)
        .unwrap()
        .category("city", city.into_iter().map(Some).collect())
        .unwrap()
        .number("noise", noise)
        .unwrap();
    let parts = split::every(n, 3, 2).unwrap();
    let (learn, judge) = (
        table.rows(&parts.learn).unwrap(),
        table.rows(&parts.judge).unwrap(),
    );
    let (y, later) = (pick(&outcome, &parts.learn), pick(&outcome, &parts.judge));
    let folds = split::folds(&y, 4).unwrap();
    let fitted = trees::fit_in_folds(&learn, &y, &folds, &Default::default()).unwrap();
    let again = trees::fit_in_folds(&learn, &y, &folds, &Default::default()).unwrap();
    assert_eq!(fitted, again, "the same call gives the same model");
    let found = fitted.model.probabilities(&judge).unwrap();
    let truth: Vec<f64> = parts.judge.iter().map(|&row| truth[row]).collect();
    let error = found
        .iter()
        .zip(&truth)
        .map(|(p, q)| (p - q).abs())
        .sum::<f64>()
        / truth.len() as f64;
    let best = quality::auc(&truth, &later).unwrap().value;
    let ours = quality::auc(&found, &later).unwrap().value;
    let line = logistic::fit(&learn, &y, 1.0)
        .unwrap()
        .probabilities(&judge)
        .unwrap();
    let line = quality::auc(&line, &later).unwrap().value;
    println!(
        "auc of the truth {best:.4}, trees {ours:.4}, regression {line:.4}, mean error {error:.4}"
    );
    assert!(ours > best - 0.025 && ours > line + 0.05);
    assert!(error < 0.1, "{error}");
    let importance = fitted
        .model
        .reasons(&judge.rows(&(0..200).collect::<Vec<_>>()).unwrap())
        .unwrap();
    let importance = importance.importance();
    assert!(
        importance
            .iter()
            .take(3)
            .all(|(_, size)| *size > 3.0 * importance[3].1),
        "{importance:?}"
    );
    // Levels never seen take the way of the many, and say so.
    let strange = Features::new(1)
        .number("a", vec![0.1])
        .unwrap()
        .number("b", vec![0.9])
        .unwrap()
        .category("city", vec![Some(999)])
        .unwrap()
        .number("noise", vec![0.5])
        .unwrap();
    assert!(fitted.model.probabilities(&strange).unwrap()[0].is_finite());
    assert_eq!(
        fitted.model.unknown_shares(&strange).unwrap()[2],
        ("city".to_owned(), 1.0)
    );
}

/// With no signal there is nothing to learn: early stopping leaves next to nothing, and no model is advised.
#[test]
fn noise_is_left_alone() {
    let mut draws = Draws::new(3);
    let n = 1200;
    let outcome: Vec<bool> = (0..n).map(|_| draws.unit() < 0.3).collect();
    let table = ["days_since_last", "x", "y"]
        .iter()
        .fold(Features::new(n), |table, name| {
            table
                .number(name, (0..n).map(|_| draws.unit()).collect())
                .unwrap()
        });
    let parts = split::every(n, 2, 1).unwrap();
    let (learn, judge) = (
        table.rows(&parts.learn).unwrap(),
        table.rows(&parts.judge).unwrap(),
    );
    let (y, truth) = (pick(&outcome, &parts.learn), pick(&outcome, &parts.judge));
    let found = contest::run(
        (&learn, &y),
        (&judge, &truth),
        "days_since_last",
        1.0,
        &Default::default(),
    )
    .unwrap();
    assert!(
        found.trees.model.n_trees.iter().all(|n| *n < 20),
        "{:?}",
        found.trees.model.n_trees
    );
    assert_eq!(found.advised, contest::Choice::Naive);
    let judged = found.trees.quality;
    assert!(judged.auc.lower < 0.5 && judged.auc.upper > 0.5);
    // The judging half happens to hold more leavers than the learning one, so the rival is the share learned.
    let learned = vec![y.iter().filter(|y| **y).count() as f64 / y.len() as f64; truth.len()];
    let rival = quality::judge(&learned, &truth).unwrap().log_loss;
    assert!(
        judged.log_loss < rival + 0.003,
        "{} {rival}",
        judged.log_loss
    );
}

#[test]
fn bad_input() {
    let n = 50;
    let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let table = Features::new(n).number("x", x.clone()).unwrap();
    let half: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
    let fits = |table: &Features, outcome: &[bool]| {
        let errors = [
            logistic::fit(table, outcome, 1.0)
                .map(|_| ())
                .unwrap_err()
                .to_string(),
            trees::fit(table, outcome, &Default::default(), None)
                .map(|_| ())
                .unwrap_err()
                .to_string(),
            single_column::fit(table, "x", outcome)
                .map(|_| ())
                .unwrap_err()
                .to_string(),
        ];
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
        errors[0].clone()
    };
    assert_eq!(fits(&table, &[true; 50]), "all 50 outcomes are 1");
    assert_eq!(fits(&table, &[false; 50]), "all 50 outcomes are 0");
    assert_eq!(
        fits(&table, &half[..49]),
        "outcome has 49 rows, expected 50"
    );
    let rare: Vec<bool> = (0..n).map(|i| i < 9).collect();
    assert_eq!(
        fits(&table, &rare),
        "9 rows of the rarer outcome, at least 10 are needed"
    );
    let short = table.rows(&(0..39).collect::<Vec<_>>()).unwrap();
    assert_eq!(fits(&short, &half[..39]), "39 rows, at least 40 are needed");
    let constant = Features::new(n).number("x", vec![4.0; n]).unwrap();
    assert_eq!(fits(&constant, &half), "column `x` holds one value only");
    let empty = Features::new(n).number("x", vec![f64::NAN; n]).unwrap();
    assert_eq!(fits(&empty, &half), "column `x` holds one value only");

    let told = |error: Error| error.to_string();
    assert_eq!(
        told(outcomes(&[0.0, 1.0, f64::NAN]).unwrap_err()),
        "row 2: outcome NaN is neither 0 nor 1"
    );
    assert_eq!(
        told(outcomes(&[0.5]).unwrap_err()),
        "row 0: outcome 0.5 is neither 0 nor 1"
    );
    let infinite = Features::new(2).number("x", vec![0.0, f64::INFINITY]);
    assert_eq!(
        told(infinite.unwrap_err()),
        "column `x` row 1 is infinite; a missing number is NaN"
    );
    let twice = Features::new(1)
        .number("x", vec![1.0])
        .unwrap()
        .number("x", vec![1.0]);
    assert_eq!(
        told(twice.unwrap_err()),
        "column `x` there are two of this name"
    );
    assert_eq!(
        told(Features::new(3).number("x", vec![1.0]).unwrap_err()),
        "column `x` has 1 rows, expected 3"
    );

    // A model refuses a table it was not made for.
    let fitted = trees::fit(&table, &half, &Default::default(), None).unwrap();
    let other = Features::new(1).category("x", vec![Some(1)]).unwrap();
    assert!(matches!(
        fitted.log_odds(&other),
        Err(Error::Column {
            problem: ColumnProblem::OtherKind,
            ..
        })
    ));
    let renamed = Features::new(1).number("z", vec![1.0]).unwrap();
    assert!(matches!(
        fitted.log_odds(&renamed),
        Err(Error::Column {
            problem: ColumnProblem::Absent,
            ..
        })
    ));
    for settings in [
        trees::Settings {
            rate: 0.0,
            ..Default::default()
        },
        trees::Settings {
            rate: f64::NAN,
            ..Default::default()
        },
        trees::Settings {
            max_bins: 255,
            ..Default::default()
        },
        trees::Settings {
            l2: -1.0,
            ..Default::default()
        },
    ] {
        assert!(matches!(
            trees::fit(&table, &half, &settings, None),
            Err(Error::OutOfRange { .. })
        ));
    }
    assert!(matches!(
        logistic::fit(&table, &half, -1.0),
        Err(Error::OutOfRange { .. })
    ));
    assert!(split::by_time(&[1, 2, 3], 0, 1).is_err());
}

/// Rows scored within the horizon before the cut are open; folds share out both outcomes and keep customers whole.
#[test]
fn splits() {
    let parts = split::by_time(&[0, 9, 10, 11, 40], 40, 30).unwrap();
    assert_eq!(
        (parts.learn, parts.open, parts.judge),
        (vec![0, 1, 2], vec![3], vec![4])
    );
    let outcome = [true, false, false, true, false, false];
    assert_eq!(split::folds(&outcome, 2).unwrap(), [0, 0, 1, 1, 0, 1]);
    let folds = split::folds_by_customer(&[500, 7, 500, 9, 7], 2).unwrap();
    assert_eq!(folds, [0, 0, 0, 1, 0]);
}

//! The BG/BB: published and independent values on the donations, known parameters from simulated customers, limits.

use crate::purchases::simulation::Random;
use crate::shared::{self, assert_close, number, numbers};
use keji_models::bg_bb::{self, Histories, History, Params, predict};
use keji_models::error::RowProblem;
use keji_models::fit::Positive;
use keji_models::{Error, holdout};

const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// Fader, Hardie & Shang (2010): donors of 1995 by donations in the six years after (x, t, count).
const DONORS: [(u32, u32, u32); 22] = [
    (0, 0, 3464),
    (1, 1, 1091),
    (1, 2, 277),
    (1, 3, 129),
    (1, 4, 78),
    (1, 5, 119),
    (1, 6, 129),
    (2, 2, 613),
    (2, 3, 255),
    (2, 4, 155),
    (2, 5, 173),
    (2, 6, 234),
    (3, 3, 322),
    (3, 4, 181),
    (3, 5, 225),
    (3, 6, 357),
    (4, 4, 240),
    (4, 5, 284),
    (4, 6, 512),
    (5, 5, 335),
    (5, 6, 728),
    (6, 6, 1203),
];

#[test]
fn published() {
    let data = donors();
    assert_eq!((data.n_customers(), data.n_groups()), (11_104, 22));
    let fitted = bg_bb::fit(&data).unwrap();
    println!("{fitted:?}");
    // As published.
    let printed = fitted.params.to_array().map(|value| format!("{value:.3}"));
    assert_eq!(printed, ["1.204", "0.750", "0.657", "2.783"]);
    assert_eq!(format!("{:.1}", fitted.log_likelihood), "-33225.6");
    assert!(fitted.is_identified() && fitted.gradient_norm < 1e-6);

    let compared = bg_bb::compare(&fitted, &data).unwrap();
    println!("{compared:?}");
    // The beta-binomial published beside it: LL = -35516.1.
    assert_eq!(format!("{:.1}", compared.null_log_likelihood), "-35516.1");
    assert_eq!(compared.p_value, 0.0);
}

#[test]
fn donations() {
    let Some(expected) = shared::expected("bgbb_donations.json", 97) else {
        return;
    };
    let data = donors();
    let given = numbers(&expected["params"], NAMES);
    let [alpha, beta, gamma, delta] = given;
    let params = bg_bb::params(alpha, beta, gamma, delta).unwrap();
    let reference = number(&expected["log_likelihood"]);
    // The file prints 10 digits, which is 5e-6 in this sum.
    assert!((bg_bb::log_likelihood(&params, &data) - reference).abs() < 6e-6);
    let fitted = bg_bb::fit(&data).unwrap();
    assert!(fitted.log_likelihood >= reference - 1e-4);
    for (i, name) in NAMES.into_iter().enumerate() {
        assert_close(fitted.params.to_array()[i], given[i], 1e-5, name);
        let std_error = number(&expected["std_errors"][i]);
        assert_close(fitted.std_errors.unwrap()[i], std_error, 1e-3, name);
    }
    for row in expected["rows"].as_array().unwrap() {
        let whole = |field: &str| row[field].as_u64().unwrap() as u32;
        let customer = history(whole("x"), whole("t_x"), whole("n"));
        let check = |found: f64, field: &str| {
            assert_close(found, number(&row[field]), 1e-8, &format!("{field} {row}"));
        };
        let one = Histories::new(&[customer]).unwrap();
        check(bg_bb::log_likelihood(&params, &one), "log_lik");
        check(
            predict::p_alive(&params, &customer).unwrap(),
            "p_alive_next",
        );
        let next = predict::expected_transactions(&params, &customer, 5).unwrap();
        check(next, "exp_5");
        let dert = predict::residual_transactions(&params, &customer, 0.1).unwrap();
        check(dert, "dert_10pct");
    }
}

/// Estimates lie within 4 standard errors of the truth; customers joined at different times.
#[test]
fn known_parameters_come_back() {
    let truth = bg_bb::params(1.2, 1.5, 0.8, 6.0).unwrap();
    let mut random = Random::new(21);
    let ahead = 8;
    let (mut rows, mut later) = (Vec::new(), Vec::new());
    for _ in 0..30_000 {
        let n = random.whole(4, 24);
        let (row, more) = customer(&mut random, &truth, n, ahead);
        rows.push(row);
        later.push(more);
    }
    let data = Histories::new(&rows).unwrap();
    let fitted = bg_bb::fit(&data).unwrap();
    println!("{fitted:?}");
    assert!(fitted.is_identified());
    let std_errors = fitted.std_errors.unwrap();
    for (i, truth) in truth.to_array().into_iter().enumerate() {
        let found = fitted.params.to_array()[i];
        assert!(
            (found - truth).abs() < 4.0 * std_errors[i],
            "{found} {truth}"
        );
    }

    // Hold-out beside the naive rule that everybody goes on at the own past share.
    let per_group: Vec<f64> = data
        .iter()
        .map(|(h, _)| predict::expected_transactions(&fitted.params, &h, ahead).unwrap())
        .collect();
    let model: Vec<f64> = data
        .group_of()
        .iter()
        .map(|&g| per_group[g as usize])
        .collect();
    let naive: Vec<f64> = rows
        .iter()
        .map(|h| f64::from(h.transactions * ahead) / f64::from(h.opportunities))
        .collect();
    let model = holdout::compare(&model, &later).unwrap();
    let naive = holdout::compare(&naive, &later).unwrap();
    println!("{model:?} {naive:?}");
    assert!(model.rmse < naive.rmse && model.mae < naive.mae);
    let actual: f64 = later.iter().map(|&y| f64::from(y)).sum();
    let deviation = model.rmse * (rows.len() as f64).sqrt();
    assert!((model.expected_total - actual).abs() < 4.0 * deviation);

    // Intervals hold at least their level, and not all.
    for level in [0.5, 0.9] {
        let mut inside = 0;
        for (row, y) in rows.iter().zip(&later).take(3_000) {
            let interval = predict::interval(&fitted, row, ahead, level).unwrap();
            inside += u32::from((interval.lower..=interval.upper).contains(y));
        }
        let share = f64::from(inside) / 3_000.0;
        println!("{level} {share}");
        assert!(
            share > level - 0.02 && share < 1.0 - 0.1 * (1.0 - level),
            "{share}"
        );
    }
}

/// The likelihoods of all histories of n opportunities, each as often as it can come about, sum to 1, and give the
/// frequencies and the mean of a new customer.
#[test]
fn likelihoods_are_a_distribution() {
    for [alpha, beta, gamma, delta] in [
        [1.204, 0.75, 0.657, 2.783],
        [0.01, 30.0, 1.0, 0.05],
        [400.0, 100.0, 1e-3, 70.0],
    ] {
        let params = bg_bb::params(alpha, beta, gamma, delta).unwrap();
        let n = 9;
        let mut frequencies = vec![0.0; n as usize + 1];
        for last in 0..=n {
            for x in u32::from(last > 0)..=last {
                let one = Histories::new(&[history(x, last, n)]).unwrap();
                let ways = if last == 0 {
                    1.0
                } else {
                    choose(last - 1, x - 1)
                };
                frequencies[x as usize] += ways * bg_bb::log_likelihood(&params, &one).exp();
            }
        }
        assert_close(frequencies.iter().sum(), 1.0, 1e-12, "all histories");
        let found = predict::distribution_of_new(&params, n).unwrap();
        for (found, expected) in found.iter().zip(&frequencies) {
            assert_close(*found, *expected, 1e-10, "frequency");
        }
        let mean: f64 = found.iter().enumerate().map(|(x, p)| x as f64 * p).sum();
        let expected = predict::expected_of_new(&params, n).unwrap();
        assert_close(mean, expected, 1e-12, "mean");
    }
}

#[test]
fn limits_and_poles() {
    let params = bg_bb::params(1.2, 0.8, 1.0, 2.8).unwrap();
    for customer in [
        history(0, 0, 0),
        history(0, 0, 6),
        history(3, 5, 6),
        history(500, 900, 1_000),
    ] {
        let p_alive = predict::p_alive(&params, &customer).unwrap();
        assert!((0.0..=1.0).contains(&p_alive));
        assert!(predict::p_alive_at(&params, &customer, 7).unwrap() < p_alive);
        let at = |ahead| predict::expected_transactions(&params, &customer, ahead).unwrap();
        assert_eq!(at(0), 0.0);
        assert!(at(1) < at(2) && at(2) < at(400));
        let p = predict::distribution(&params, &customer, 60).unwrap();
        assert_close(p.iter().sum(), 1.0, 1e-12, "distribution");
        let mean: f64 = p.iter().enumerate().map(|(x, p)| x as f64 * p).sum();
        assert_close(mean, at(60), 1e-11, "mean");
        // gamma = 1 divides by zero in the published expectation.
        let near = bg_bb::params(1.2, 0.8, 1.0 + 1e-9, 2.8).unwrap();
        let other = predict::expected_transactions(&near, &customer, 400).unwrap();
        assert_close(at(400), other, 1e-7, "near the pole");
        // Discounted one by one.
        let d = 0.02;
        let (mut sum, mut before) = (0.0, 0.0);
        for i in 1..=1_500 {
            let now = at(i);
            sum += (now - before) / (1.0f64 + d).powi(i as i32);
            before = now;
        }
        let dert = predict::residual_transactions(&params, &customer, d).unwrap();
        assert_close(sum, dert, 1e-9, "DERT");
    }
    // Powers of this size underflow when multiplied out: a daily visitor of 27 years, silent for the last 1,000 days.
    let long = history(8_900, 9_000, 10_000);
    let one = Histories::new(&[long]).unwrap();
    assert!(bg_bb::log_likelihood(&params, &one).is_finite());
    assert!(predict::p_alive(&params, &long).unwrap() < 1e-300);
    // Took the last opportunity: certainly alive then.
    assert_eq!(predict::p_alive_at(&params, &history(2, 6, 6), 0), Ok(1.0));
}

#[test]
fn gradients_are_derivatives() {
    let data = donors();
    let params = bg_bb::params(0.9, 1.1, 0.5, 4.0).unwrap();
    for (i, found) in bg_bb::gradient(&params, &data).into_iter().enumerate() {
        let at = |step: f64| {
            let mut values = params.to_array();
            values[i] += step;
            bg_bb::log_likelihood(&params.with(values), &data)
        };
        let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!(
            (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
            "{found} {expected}"
        );
    }
}

/// With one opportunity only the share that takes it can be known.
#[test]
fn too_few_opportunities_are_not_identified() {
    let rows = [history(0, 0, 1), history(1, 1, 1)];
    let data = Histories::with_counts(&rows, &[700, 300]).unwrap();
    let fitted = bg_bb::fit(&data).unwrap();
    assert!(!fitted.is_identified());
    let next = predict::expected_of_new(&fitted.params, 1).unwrap();
    assert!((next - 0.3).abs() < 1e-4, "{next}");
}

#[test]
fn bad_rows_are_named() {
    let problem = |x, t, n| match Histories::new(&[history(0, 0, 3), history(x, t, n)]) {
        Err(Error::Row { row: 1, problem }) => problem,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        problem(1, 4, 3),
        RowProblem::LastAfterOpportunities { last: 4, .. }
    ));
    assert!(matches!(
        problem(3, 2, 3),
        RowProblem::TransactionsUpToLast { .. }
    ));
    assert!(matches!(
        problem(0, 2, 3),
        RowProblem::TransactionsUpToLast { .. }
    ));
    assert!(matches!(
        problem(0, 0, 20_000),
        RowProblem::TooManyOpportunities(20_000)
    ));
    assert!(matches!(Histories::new(&[]), Err(Error::NotEnough(_))));
    assert!(matches!(
        Histories::with_counts(&[history(0, 0, 1)], &[]),
        Err(Error::Length { .. })
    ));
    for rows in [[history(0, 0, 0); 2], [history(0, 0, 5); 2]] {
        let data = Histories::new(&rows).unwrap();
        assert!(matches!(bg_bb::fit(&data), Err(Error::NotEnough(_))));
    }
    assert!(matches!(
        bg_bb::params(1.0, 1.0, f64::NAN, 1.0),
        Err(Error::Parameter { name: "gamma", .. })
    ));
    let params = bg_bb::params(1.0, 1.0, 1.0, 1.0).unwrap();
    assert!(predict::residual_transactions(&params, &history(0, 0, 3), 0.0).is_err());
    assert!(predict::expected_transactions(&params, &history(2, 1, 3), 5).is_err());
    assert!(predict::distribution(&params, &history(0, 0, 3), 5_000).is_err());
}

fn history(transactions: u32, last: u32, opportunities: u32) -> History {
    History {
        transactions,
        last,
        opportunities,
    }
}

fn donors() -> Histories {
    let (rows, counts): (Vec<History>, Vec<u32>) = DONORS
        .into_iter()
        .map(|(x, t, count)| (history(x, t, 6), count))
        .unzip();
    Histories::with_counts(&rows, &counts).unwrap()
}

fn customer(random: &mut Random, truth: &Params, n: u32, ahead: u32) -> (History, u32) {
    let p = random.beta(truth.alpha, truth.beta);
    let death = random.beta(truth.gamma, truth.delta);
    let mut row = history(0, 0, n);
    let mut more = 0;
    for i in 1..=n + ahead {
        if random.uniform() < death {
            break;
        }
        if random.uniform() < p {
            if i <= n {
                row.transactions += 1;
                row.last = i;
            } else {
                more += 1;
            }
        }
    }
    (row, more)
}

fn choose(n: u32, k: u32) -> f64 {
    (0..k).fold(1.0, |product, i| {
        product * f64::from(n - i) / f64::from(i + 1)
    })
}

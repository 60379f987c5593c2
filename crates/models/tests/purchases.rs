//! The purchase models against their own assumptions: known parameters come back from simulated customers,
//! probabilities and expectations keep their limits, outcomes fall into their intervals, bad rows are named.

#[path = "../examples/simulation/mod.rs"]
pub mod simulation;

use keji_models::beta_geometric::{self, Dropout, FittedPurchases, Params};
use keji_models::error::RowProblem;
use keji_models::fit::Positive;
use keji_models::history::{Collapsed, PurchaseHistory};
use keji_models::identification::{self, Verdict};
use keji_models::{Error, clv, gamma_gamma, holdout, nbd, outcome, predict};
use simulation::{Customer, Random};

const SPEND: [f64; 3] = [6.0, 3.7, 15.0];

/// Estimates lie within 4 standard errors of the truth: a fault of the seed once in about 2,000 runs.
#[test]
fn known_parameters_come_back() {
    for dropout in [Dropout::AfterRepeat, Dropout::AfterEvery] {
        let truth = Params::new(dropout, 0.6, 6.0, 0.8, 2.5).unwrap();
        let customers = simulate(&truth, 40_000, 26.0, 1);
        let data = collapse(&customers);
        let fitted = beta_geometric::fit(dropout, &data).unwrap();
        assert!(fitted.is_identified());
        assert_within(&fitted, &truth);

        // Hold-out: the total is within 4 standard deviations, and it beats the naive rule.
        let later: Vec<u32> = customers.iter().map(|c| c.n_later).collect();
        let scores = holdout::score(&fitted.params, &data, &later, 26.0).unwrap();
        let deviation = scores.model.rmse * (customers.len() as f64).sqrt();
        assert!((scores.model.expected_total - scores.actual_total).abs() < 4.0 * deviation);
        assert!(scores.model.rmse < scores.naive.rmse);
        assert!(scores.model.mae < scores.naive.mae);
        let n_alive = customers.iter().filter(|c| c.is_alive).count() as f64;
        let p_alive = scores.mean_p_alive * customers.len() as f64;
        assert!((n_alive - p_alive).abs() < 4.0 * (customers.len() as f64 / 4.0).sqrt());

        let (repeats, means): (Vec<u32>, Vec<f64>) = customers
            .iter()
            .map(|c| (c.history.repeats, c.mean_spend))
            .unzip();
        let spends = gamma_gamma::Spends::new(&repeats, &means).unwrap();
        let spend = gamma_gamma::fit(&spends).unwrap();
        for ((found, truth), std_error) in spend
            .params
            .to_array()
            .into_iter()
            .zip(SPEND)
            .zip(spend.std_errors.unwrap())
        {
            assert!(
                (found - truth).abs() < 4.0 * std_error,
                "{found} {truth} {std_error}"
            );
        }
        assert!(spends.correlation().abs() < 0.05);
    }
}

/// Whole counts make an interval cover at least its level; far more would mean it is needlessly wide.
#[test]
fn intervals_cover_outcomes() {
    let truth = Params::new(Dropout::AfterEvery, 1.5, 6.0, 0.8, 2.5).unwrap();
    let customers = simulate(&truth, 4_000, 52.0, 2);
    let fitted = beta_geometric::fit(truth.dropout, &collapse(&customers)).unwrap();
    for level in [0.5, 0.9] {
        let mut n_inside = 0;
        let mut n_beyond = 0;
        for customer in &customers {
            let interval = outcome::interval(&fitted, &customer.history, 52.0, level).unwrap();
            n_inside += u32::from((interval.lower..=interval.upper).contains(&customer.n_later));
            n_beyond += u32::from(customer.n_later > interval.upper);
        }
        let n = customers.len() as f64;
        let slack = 3.0 * (level * (1.0 - level) / n).sqrt();
        assert!(f64::from(n_inside) / n > level - slack);
        assert!(f64::from(n_beyond) / n < 0.5 * (1.0 - level) + slack);
        assert!(f64::from(n_beyond) / n > 0.2 * (1.0 - level));
    }
}

/// 80% intervals of the sum over all customers, fitted anew each time, hold it about four times in five.
#[test]
fn total_intervals_cover() {
    let truth = Params::new(Dropout::AfterRepeat, 0.9, 6.0, 0.8, 2.5).unwrap();
    let n = 100;
    let mut n_inside = 0;
    for seed in 0..n {
        let customers = simulate(&truth, 600, 26.0, 200 + seed);
        let data = collapse(&customers);
        let fitted = beta_geometric::fit(truth.dropout, &data).unwrap();
        let total: f64 = customers.iter().map(|c| f64::from(c.n_later)).sum();
        let interval = outcome::total_interval(&fitted, &data, 26.0, 0.8).unwrap();
        n_inside += u32::from((interval.lower..=interval.upper).contains(&total));
    }
    let share = f64::from(n_inside) / n as f64;
    println!("{share}");
    // 3 standard deviations of the share.
    assert!(
        (share - 0.8).abs() < 3.0 * (0.16 / n as f64).sqrt(),
        "{share}"
    );
}

/// The distribution of outcomes and the expectation are computed in unrelated ways; sums must agree.
#[test]
fn distribution_matches_expectation() {
    for dropout in [Dropout::AfterRepeat, Dropout::AfterEvery] {
        for [a, b] in [
            [0.05, 0.02],
            [0.8, 2.5],
            [1.0, 3.0],
            [0.27, 193.0],
            [60.0, 900.0],
        ] {
            let params = Params::new(dropout, 0.9, 8.0, a, b).unwrap();
            for customer in cases() {
                let p = outcome::distribution(&params, &customer, 20.0, 2_000).unwrap();
                assert!(p.iter().all(|p| (-1e-12..=1.0).contains(p)));
                let sum: f64 = p.iter().sum();
                assert!((sum - 1.0).abs() < 1e-9, "{sum}");
                let mean: f64 = p.iter().enumerate().map(|(j, p)| j as f64 * p).sum();
                let expected = predict::expected_purchases(&params, &customer, 20.0).unwrap();
                assert!(
                    (mean - expected).abs() < 1e-8 * (1.0 + expected),
                    "{mean} {expected}"
                );
            }
        }
    }
}

#[test]
fn limits_and_monotonicity() {
    for dropout in [Dropout::AfterRepeat, Dropout::AfterEvery] {
        let params = Params::new(dropout, 0.6, 6.0, 0.8, 2.5).unwrap();
        for customer in cases() {
            let p_alive = predict::p_alive(&params, &customer).unwrap();
            assert!((0.0..=1.0).contains(&p_alive));
            let waited = PurchaseHistory {
                age: customer.age + 10.0,
                ..customer
            };
            assert!(predict::p_alive(&params, &waited).unwrap() <= p_alive);
            let at = |horizon| predict::expected_purchases(&params, &customer, horizon).unwrap();
            assert_eq!(at(0.0), 0.0);
            let mut before = 0.0;
            for horizon in [1.0, 10.0, 100.0, 1_000.0, 100_000.0] {
                assert!(at(horizon) > before);
                before = at(horizon);
                // Never more than a customer who cannot drop out.
                let steady =
                    (params.r + f64::from(customer.repeats)) / (params.alpha + customer.age);
                assert!(before <= p_alive * steady * horizon * (1.0 + 1e-12));
            }
        }
        // Without repeat purchase only MBG/NBD doubts.
        let once = predict::p_alive(&params, &cases()[1]).unwrap();
        assert_eq!(once == 1.0, dropout == Dropout::AfterRepeat);
    }
    // First seen on the last day: likelihood 1.
    let params = Params::new(Dropout::AfterRepeat, 0.6, 6.0, 0.8, 2.5).unwrap();
    let data = Collapsed::from_days(&[0], &[0], &[0]).unwrap();
    assert!(beta_geometric::log_likelihood(&params, &data).abs() < 1e-15);
}

/// Central differences have an error near 1e-9 here.
#[test]
fn gradients_are_derivatives() {
    let truth = Params::new(Dropout::AfterEvery, 0.6, 6.0, 0.8, 2.5).unwrap();
    let customers = simulate(&truth, 300, 0.0, 3);
    let data = collapse(&customers);
    for dropout in [Dropout::AfterRepeat, Dropout::AfterEvery] {
        let params = Params::new(dropout, 0.6, 6.0, 0.8, 2.5).unwrap();
        let gradient = beta_geometric::gradient(&params, &data);
        for (i, found) in gradient.into_iter().enumerate() {
            let at = |step: f64| {
                let mut values = params.to_array();
                values[i] += step;
                beta_geometric::log_likelihood(&params.with(values), &data)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{found} {expected}"
            );
        }
    }
}

/// Predicting groups, customers one by one, and whole days or weeks must be the same thing.
#[test]
fn collapsing_changes_nothing() {
    let params = Params::new(Dropout::AfterEvery, 0.6, 6.0, 0.8, 2.5).unwrap();
    let (x, t, end) = (
        [3, 0, 3, 1, 0, 3],
        [70, 0, 70, 10, 0, 71],
        [100, 35, 100, 100, 0, 100],
    );
    let data = Collapsed::from_days(&x, &t, &end).unwrap();
    assert_eq!((data.n_customers(), data.n_groups()), (6, 5));
    let rows: Vec<PurchaseHistory> = (0..6)
        .map(|i| PurchaseHistory::from_days(x[i], t[i], end[i]))
        .collect();
    assert_eq!(Collapsed::from_histories(&rows).unwrap(), data);
    let plan = clv::Plan::default();
    let all = predict::predict_all(&params, &data, &[13.0, 52.0], Some(&plan)).unwrap();
    let mut sum = 0.0;
    for (row, &group) in rows.iter().zip(data.group_of()) {
        let group = group as usize;
        assert_eq!(data.history(group), *row);
        let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-12);
        close(all.p_alive[group], predict::p_alive(&params, row).unwrap());
        for (column, horizon) in all.expected.iter().zip([13.0, 52.0]) {
            close(
                column[group],
                predict::expected_purchases(&params, row, horizon).unwrap(),
            );
        }
        close(
            all.discounted[group],
            clv::discounted_purchases(&params, row, &plan).unwrap(),
        );
        sum +=
            beta_geometric::log_likelihood(&params, &Collapsed::from_histories(&[*row]).unwrap());
    }
    assert!((beta_geometric::log_likelihood(&params, &data) - sum).abs() < 1e-12);
    // Days too far apart for a table take the other way to the same groups.
    let far = Collapsed::from_days(&[1, 1], &[4_000_000_000, 7], &[4_100_000_000, 7]).unwrap();
    assert_eq!(far.history(0), PurchaseHistory::from_days(1, 7, 7));
    assert_eq!(far.group_of(), [1, 0]);
}

#[test]
fn lifetime_value() {
    let params = Params::new(Dropout::AfterEvery, 0.6, 6.0, 0.8, 2.5).unwrap();
    let spend = gamma_gamma::params(6.0, 3.7, 15.0).unwrap();
    let customer = PurchaseHistory::from_days(3, 70, 100);
    let free = clv::Plan {
        monthly_discount: 0.0,
        weeks_per_month: 4.0,
        margin: 0.5,
        ..clv::Plan::default()
    };
    // Undiscounted, twelve months of four weeks are 48 weeks.
    let purchases = predict::expected_purchases(&params, &customer, 48.0).unwrap();
    let per_purchase = spend.expected_spend(3, 20.0).unwrap();
    let found = clv::value(&params, &spend, &customer, 20.0, &free).unwrap();
    assert!((found / (0.5 * purchases * per_purchase) - 1.0).abs() < 1e-12);
    let discounted = clv::value(
        &params,
        &spend,
        &customer,
        20.0,
        &clv::Plan {
            monthly_discount: 0.01,
            ..free
        },
    );
    assert!(discounted.unwrap() < found);

    let data = Collapsed::from_histories(&[customer]).unwrap();
    let all = predict::predict_all(&params, &data, &[], Some(&free)).unwrap();
    let values = clv::values(&data, &all.discounted, &spend, &[20.0], &free).unwrap();
    assert!((values[0] / found - 1.0).abs() < 1e-12);

    let endless = clv::Plan {
        weeks_per_month: 0.0,
        ..free
    };
    assert!(clv::value(&params, &spend, &customer, 20.0, &endless).is_err());
}

/// The delta method applied to a parameter itself gives that parameter's standard error.
#[test]
fn standard_errors() {
    let truth = Params::new(Dropout::AfterRepeat, 0.6, 6.0, 0.8, 2.5).unwrap();
    let customers = simulate(&truth, 3_000, 0.0, 4);
    let fitted = beta_geometric::fit(truth.dropout, &collapse(&customers)).unwrap();
    let found = fitted.std_error_of(|params| params.b).unwrap();
    assert!((found / fitted.std_errors.unwrap()[3] - 1.0).abs() < 1e-7);
    assert_eq!(fitted.spread().len(), 8);

    let customer = PurchaseHistory::from_days(3, 70, 100);
    let p_alive = predict::p_alive_std_error(&fitted, &customer)
        .unwrap()
        .unwrap();
    assert!(p_alive > 0.0 && p_alive < 0.05);
    let mean = predict::expected_purchases_std_error(&fitted, &customer, 52.0)
        .unwrap()
        .unwrap();
    // One customer's outcome varies far more than its expectation is uncertain.
    let outcome = outcome::interval(&fitted, &customer, 52.0, 0.95).unwrap();
    assert!(f64::from(outcome.upper - outcome.lower) > 8.0 * mean);
    let bad = outcome::interval(&fitted, &customer, 52.0, 1.0);
    assert!(matches!(bad, Err(Error::OutOfRange { name: "level", .. })));
}

#[test]
fn ridges_are_named() {
    // Everybody buys on: dropout after one purchase in a million.
    let steady = Params::new(Dropout::AfterRepeat, 0.9, 8.0, 1.0, 1e6).unwrap();
    let (fitted, data) = fit(&steady, 3_000, 5);
    let found = identification::judge(&fitted, &data).unwrap();
    assert_eq!(
        (found.verdict, found.code()),
        (Verdict::NoDropout, "no_dropout")
    );
    assert!(found.is_prediction_stable());
    assert!(found.in_chinese().contains("NBD") && found.in_english().contains("NBD"));
    // Close to NBD, so close to its predictions too.
    let null = nbd::fit(&data).unwrap();
    assert!((fitted.params.r / null.params.r - 1.0).abs() < 0.05);
    assert!(fitted.log_likelihood >= null.log_likelihood - 1e-6);

    // All customers drop out with the same probability, 5%: the mean is known, the spread is not.
    let equal = Params::new(Dropout::AfterRepeat, 0.9, 8.0, 5e4, 95e4).unwrap();
    let (fitted, data) = fit(&equal, 3_000, 6);
    let found = identification::judge(&fitted, &data).unwrap();
    assert_eq!(found.verdict, Verdict::OnlyMeanDropout);
    let mean = fitted.params.a / (fitted.params.a + fitted.params.b);
    assert!((mean - 0.05).abs() < 0.01, "{mean}");

    // All customers buy at the same rate, one purchase a week.
    let equal = Params::new(Dropout::AfterRepeat, 1e5, 1e5, 0.8, 2.5).unwrap();
    let (fitted, data) = fit(&equal, 3_000, 7);
    let found = identification::judge(&fitted, &data).unwrap();
    assert_eq!(found.verdict, Verdict::OnlyMeanRate);
    let rate = fitted.params.r / fitted.params.alpha;
    assert!((rate - 1.0).abs() < 0.03, "{rate}");
}

#[test]
fn bad_rows_are_named() {
    let problem = |repeats, age_at_last, age| {
        let good = PurchaseHistory::from_days(0, 0, 7);
        let bad = PurchaseHistory {
            repeats,
            age_at_last,
            age,
        };
        match Collapsed::from_histories(&[good, bad]) {
            Err(Error::Row { row: 1, problem }) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(problem(0, 0.0, -1.0), RowProblem::BadAge(-1.0));
    assert!(matches!(problem(0, 0.0, f64::NAN), RowProblem::BadAge(_)));
    assert!(matches!(
        problem(1, f64::INFINITY, 1.0),
        RowProblem::BadAgeAtLast(_)
    ));
    assert!(matches!(
        problem(1, 2.0, 1.0),
        RowProblem::LastAfterAge { .. }
    ));
    assert_eq!(problem(0, 1.0, 2.0), RowProblem::LastWithoutRepeat(1.0));
    assert_eq!(problem(2, 0.0, 2.0), RowProblem::RepeatWithoutLast(2));
    assert!(matches!(
        problem(u32::MAX, 1.0, 2.0),
        RowProblem::TooManyRepeats(_)
    ));
    // Six repeat purchases in five days were not merged by day.
    let six = Collapsed::from_days(&[6], &[5], &[9]).unwrap_err();
    assert!(matches!(
        six,
        Error::Row {
            row: 0,
            problem: RowProblem::TooManyRepeats(6)
        }
    ));
    assert!(matches!(
        Collapsed::from_days(&[0], &[], &[1]),
        Err(Error::Length { .. })
    ));
    assert!(matches!(
        Collapsed::from_histories(&[]),
        Err(Error::NotEnough(_))
    ));
    assert!(matches!(
        Params::new(Dropout::AfterRepeat, 1.0, 1.0, 0.0, 1.0),
        Err(Error::Parameter { name: "a", .. })
    ));

    let unseen = Collapsed::from_days(&[0, 0], &[0, 0], &[0, 0]).unwrap();
    assert!(matches!(nbd::fit(&unseen), Err(Error::NotEnough(_))));
    let silent = Collapsed::from_days(&[0, 0], &[0, 0], &[70, 7]).unwrap();
    assert!(matches!(nbd::fit(&silent), Err(Error::NotEnough(_))));
    let params = Params::new(Dropout::AfterRepeat, 1.0, 1.0, 1.0, 1.0).unwrap();
    assert_eq!(
        predict::expected_of_new(&params, -1.0),
        Err(Error::Horizon(-1.0))
    );
}

fn simulate(params: &Params, n: usize, horizon: f64, seed: u64) -> Vec<Customer> {
    let mut random = Random::new(seed);
    (0..n)
        .map(|_| {
            let age = f64::from(random.whole(7, 546)) / 7.0;
            simulation::customer(&mut random, params, SPEND, age, horizon)
        })
        .collect()
}

fn collapse(customers: &[Customer]) -> Collapsed {
    let rows: Vec<PurchaseHistory> = customers.iter().map(|c| c.history).collect();
    Collapsed::from_histories(&rows).unwrap()
}

fn fit(params: &Params, n: usize, seed: u64) -> (FittedPurchases, Collapsed) {
    let data = collapse(&simulate(params, n, 0.0, seed));
    (beta_geometric::fit(params.dropout, &data).unwrap(), data)
}

fn cases() -> [PurchaseHistory; 6] {
    [
        PurchaseHistory::from_days(0, 0, 0),
        PurchaseHistory::from_days(0, 0, 300),
        PurchaseHistory::from_days(1, 1, 300),
        PurchaseHistory::from_days(4, 280, 300),
        PurchaseHistory::from_days(30, 200, 220),
        PurchaseHistory::from_days(300, 1000, 1010),
    ]
}

#[track_caller]
fn assert_within(fitted: &FittedPurchases, truth: &Params) {
    let std_errors = fitted.std_errors.unwrap();
    let (found, truth) = (fitted.params.to_array(), truth.to_array());
    for ((found, truth), std_error) in found.into_iter().zip(truth).zip(std_errors) {
        assert!(
            (found - truth).abs() < 4.0 * std_error,
            "{found} {truth} {std_error}"
        );
    }
}

//! The Pareto/NBD: published and independent values, known parameters from simulated customers, limits and
//! removable poles.

use crate::purchases::simulation::{self, Customer, Random};
use crate::shared::{self, assert_close, number, numbers};
use jiff::civil::date;
use keji_models::fit::Positive;
use keji_models::history::{Collapsed, PurchaseHistory};
use keji_models::identification::{self, Verdict};
use keji_models::pareto_nbd::{self, FittedPareto, Params};
use keji_models::{Error, bg_nbd, clv, gamma_gamma, holdout, nbd, outcome, predict};
use serde_json::Value;

const NAMES: [&str; 4] = ["r", "alpha", "s", "beta"];

#[test]
fn cdnow_sample() {
    let Some(expected) = shared::expected("btyd_cdnow_sample.json", 365) else {
        return;
    };
    let customers = shared::summarise(&shared::cdnow_sample(), date(1997, 9, 30));
    let data = shared::collapse(&customers);
    let fitted = check_fit(&data, &expected, 1e-6);
    // As published by Fader, Hardie & Lee (2005).
    assert_eq!(printed(&fitted), ["0.553", "10.578", "0.606", "11.669"]);
    assert_eq!(format!("{:.1}", fitted.log_likelihood), "-9595.0");
    check_predictions(&expected);

    let judged = identification::judge(&fitted, &data).unwrap();
    assert!(judged.is_identified(), "{judged:?}");
    assert!(judged.likelihood_ratio > 100.0);
    let later: Vec<u32> = customers.iter().map(|c| c.n_later).collect();
    let scores = holdout::score(&fitted.params, &data, &later, 39.0).unwrap();
    println!("{scores:?}");
    assert_eq!(scores.actual_total, 1882.0);
    assert!(scores.model.rmse < scores.naive.rmse && scores.model.mae < scores.naive.mae);
    let bg = holdout::score(&bg_nbd::fit(&data).unwrap().params, &data, &later, 39.0).unwrap();
    // Nearly the same predictions from another story of dropout.
    assert_close(scores.model.rmse, bg.model.rmse, 0.01, "RMSE");
}

#[test]
fn cdnow_full() {
    let Some(expected) = shared::expected("btyd_cdnow_full.json", 365) else {
        return;
    };
    let customers = shared::summarise(&shared::cdnow_full(), date(1997, 9, 30));
    let data = shared::collapse(&customers);
    let fitted = check_fit(&data, &expected, 1e-5);
    check_predictions(&expected);
    let judged = identification::judge(&fitted, &data).unwrap();
    assert!(judged.is_identified(), "{judged:?}");
}

/// 50-digit values where naive formulas overflow, underflow or cancel.
#[test]
fn extreme_vectors() {
    let Some(expected) = shared::expected("extreme_vectors.json", 100) else {
        return;
    };
    for row in expected["pareto_nbd"].as_array().unwrap() {
        let [r, alpha, s, beta] = [0, 1, 2, 3].map(|i| number(&row["params"][i]));
        let params = pareto_nbd::params(r, alpha, s, beta).unwrap();
        let customer = PurchaseHistory {
            repeats: row["x"].as_u64().unwrap() as u32,
            age_at_last: number(&row["t_x"]),
            age: number(&row["T"]),
        };
        let data = Collapsed::from_histories(&[customer]).unwrap();
        let check = |found: f64, field: &str| {
            let what = format!("{field} of {row}");
            assert_close(found, number(&row[field]), 1e-11, &what);
        };
        check(pareto_nbd::log_likelihood(&params, &data), "loglik");
        check(predict::p_alive(&params, &customer).unwrap(), "p_alive");
        let found = predict::expected_purchases(&params, &customer, 39.0).unwrap();
        check(found, "exp_39");
        let found = pareto_nbd::residual_purchases(&params, &customer, 0.0027).unwrap();
        check(found, "dert_0_0027");
    }
}

/// Estimates lie within 4 standard errors of the truth: a fault of the seed once in about 2,000 runs.
#[test]
fn known_parameters_come_back() {
    let truth = pareto_nbd::params(0.7, 8.0, 0.9, 14.0).unwrap();
    let customers = simulate(&truth, 30_000, 26.0, 11);
    let data = collapse(&customers);
    let fitted = pareto_nbd::fit(&data).unwrap();
    println!("{fitted:?}");
    assert!(fitted.is_identified());
    let std_errors = fitted.std_errors.unwrap();
    for ((found, truth), std_error) in fitted
        .params
        .to_array()
        .into_iter()
        .zip(truth.to_array())
        .zip(std_errors)
    {
        assert!(
            (found - truth).abs() < 4.0 * std_error,
            "{found} {truth} {std_error}"
        );
    }
    let later: Vec<u32> = customers.iter().map(|c| c.n_later).collect();
    let scores = holdout::score(&fitted.params, &data, &later, 26.0).unwrap();
    let n = customers.len() as f64;
    let deviation = scores.model.rmse * n.sqrt();
    assert!((scores.model.expected_total - scores.actual_total).abs() < 4.0 * deviation);
    assert!(scores.model.rmse < scores.naive.rmse && scores.model.mae < scores.naive.mae);
    let n_alive = customers.iter().filter(|c| c.is_alive).count() as f64;
    assert!((n_alive - scores.mean_p_alive * n).abs() < 4.0 * (n / 4.0).sqrt());
}

/// Whole counts make an interval cover at least its level; far more would mean it is needlessly wide.
#[test]
fn intervals_cover_outcomes() {
    let truth = pareto_nbd::params(1.5, 6.0, 0.9, 30.0).unwrap();
    let customers = simulate(&truth, 3_000, 52.0, 12);
    let fitted = pareto_nbd::fit(&collapse(&customers)).unwrap();
    for level in [0.5, 0.9] {
        let (mut n_inside, mut n_beyond) = (0, 0);
        for customer in &customers {
            let interval = outcome::interval(&fitted, &customer.history, 52.0, level).unwrap();
            n_inside += u32::from((interval.lower..=interval.upper).contains(&customer.n_later));
            n_beyond += u32::from(customer.n_later > interval.upper);
        }
        let n = customers.len() as f64;
        let slack = 3.0 * (level * (1.0 - level) / n).sqrt();
        println!("{level} {}", f64::from(n_inside) / n);
        assert!(f64::from(n_inside) / n > level - slack);
        assert!(f64::from(n_beyond) / n < 0.5 * (1.0 - level) + slack);
        assert!(f64::from(n_beyond) / n > 0.2 * (1.0 - level));
    }
}

/// 80% intervals of the sum over all customers, fitted anew each time, hold it about four times in five.
#[test]
fn total_intervals_cover() {
    let truth = pareto_nbd::params(0.8, 8.0, 0.9, 14.0).unwrap();
    let n = 60;
    let mut n_inside = 0;
    for seed in 0..n {
        let customers = simulate(&truth, 400, 26.0, 100 + seed);
        let data = collapse_weeks(&customers);
        let fitted = pareto_nbd::fit(&data).unwrap();
        let total: f64 = customers.iter().map(|c| f64::from(c.n_later)).sum();
        let interval = outcome::total_interval(&fitted, &data, 26.0, 0.8).unwrap();
        n_inside += u32::from((interval.lower..=interval.upper).contains(&total));
        if seed == 0 {
            // The same sum as the predictions, but for the curve of the expectation over the parameters.
            let expected = predict::expected_total(&fitted.params, &data, 26.0).unwrap();
            println!("{interval:?} {expected}");
            assert_close(interval.expected, expected, 0.02, "expected total");
            let wide = outcome::total_interval(&fitted, &data, 26.0, 0.99).unwrap();
            assert!(wide.lower < interval.lower && wide.upper > interval.upper);
            assert!(outcome::total_interval(&fitted, &data, 26.0, 1.0).is_err());
        }
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
    for [s, beta] in [[0.1, 0.5], [0.606, 11.7], [1.0, 8.0], [300.0, 4000.0]] {
        let params = pareto_nbd::params(0.9, 8.0, s, beta).unwrap();
        for customer in cases() {
            for horizon in [0.0, 0.5, 20.0, 400.0] {
                let p = outcome::distribution(&params, &customer, horizon, 4_000).unwrap();
                assert!(p.iter().all(|p| (-1e-12..=1.0).contains(p)));
                let sum: f64 = p.iter().sum();
                let mean: f64 = p.iter().enumerate().map(|(j, p)| j as f64 * p).sum();
                let expected = predict::expected_purchases(&params, &customer, horizon).unwrap();
                assert!((sum - 1.0).abs() < 1e-9, "{sum}");
                assert!(
                    (mean - expected).abs() < 1e-8 * (1.0 + expected),
                    "{mean} {expected} {customer:?} {horizon}"
                );
            }
        }
    }
}

#[test]
fn limits_and_monotonicity() {
    let params = pareto_nbd::params(0.6, 6.0, 0.8, 9.0).unwrap();
    for customer in cases() {
        let p_alive = predict::p_alive(&params, &customer).unwrap();
        assert!((0.0..=1.0).contains(&p_alive));
        let waited = PurchaseHistory {
            age: customer.age + 10.0,
            ..customer
        };
        assert!(predict::p_alive(&params, &waited).unwrap() < p_alive);
        let at = |horizon| predict::expected_purchases(&params, &customer, horizon).unwrap();
        let stays = |horizon| pareto_nbd::p_alive_after(&params, &customer, horizon).unwrap();
        assert_eq!((at(0.0), stays(0.0)), (0.0, p_alive));
        let mut before = 0.0;
        for horizon in [1.0, 10.0, 100.0, 1_000.0, 100_000.0] {
            assert!(at(horizon) > before && stays(horizon) < stays(0.5 * horizon));
            before = at(horizon);
            let steady = (params.r + f64::from(customer.repeats)) / (params.alpha + customer.age);
            assert!(before <= p_alive * steady * horizon * (1.0 + 1e-12));
        }
    }
    // Just bought: alive for certain.
    let just_now = PurchaseHistory::from_days(3, 70, 70);
    assert_eq!(predict::p_alive(&params, &just_now), Ok(1.0));
    // First seen on the last day: likelihood 1.
    let data = Collapsed::from_days(&[0], &[0], &[0]).unwrap();
    assert_eq!(pareto_nbd::log_likelihood(&params, &data), 0.0);
}

/// s = 1 and alpha = beta divide by zero in the published formulas, and x in the hundreds overflows them.
#[test]
fn no_poles() {
    let customers: Vec<PurchaseHistory> = cases().into_iter().filter(|c| c.age > 0.0).collect();
    let data = Collapsed::from_histories(&customers).unwrap();
    let values = |s: f64, beta: f64| -> Vec<f64> {
        let params = pareto_nbd::params(0.6, 11.0, s, beta).unwrap();
        let mut values = vec![pareto_nbd::log_likelihood(&params, &data)];
        values.extend(pareto_nbd::gradient(&params, &data));
        for customer in &customers {
            values.push(predict::p_alive(&params, customer).unwrap());
            values.push(predict::expected_purchases(&params, customer, 39.0).unwrap());
            values.push(pareto_nbd::residual_purchases(&params, customer, 0.0027).unwrap());
        }
        values
    };
    let compare = |at: [f64; 2], near: [f64; 2]| {
        for (one, other) in values(at[0], at[1])
            .into_iter()
            .zip(values(near[0], near[1]))
        {
            assert!(
                (one - other).abs() < 1e-5 * one.abs(),
                "{one} {other} at {at:?}"
            );
        }
    };
    for nudge in [1e-8, -1e-8] {
        compare([1.0, 12.0], [1.0 + nudge, 12.0]);
        compare([0.6, 11.0], [0.6, 11.0 * (1.0 + nudge)]);
        compare([1.0, 11.0], [1.0 + nudge, 11.0 * (1.0 - nudge)]);
    }

    // A very frequent buyer: one purchase a day for 40 years, alive until a few days of silence.
    let params = pareto_nbd::params(0.553, 10.578, 0.606, 11.669).unwrap();
    let daily = |silent: u32| PurchaseHistory::from_days(14_600, 14_600, 14_600 + silent);
    let p: Vec<f64> = [0, 1, 3, 30]
        .map(|days| predict::p_alive(&params, &daily(days)).unwrap())
        .into();
    assert_eq!(p[0], 1.0);
    assert!(p[1] > 0.9998 && p[2] > 0.998 && p[3] < 1e-8, "{p:?}");
    let data = Collapsed::from_histories(&[daily(3)]).unwrap();
    assert!(pareto_nbd::log_likelihood(&params, &data).is_finite());
    assert!(
        pareto_nbd::gradient(&params, &data)
            .iter()
            .all(|g| g.is_finite())
    );
}

/// Central differences have an error near 1e-9 here; the Hessian is compared through standard errors above.
#[test]
fn gradients_are_derivatives() {
    let truth = pareto_nbd::params(0.6, 6.0, 0.8, 9.0).unwrap();
    let data = collapse(&simulate(&truth, 300, 0.0, 13));
    for [alpha, s, beta] in [[6.0, 0.8, 9.0], [20.0, 2.5, 3.0], [7.0, 1.0, 7.0]] {
        let params = pareto_nbd::params(0.6, alpha, s, beta).unwrap();
        for (i, found) in pareto_nbd::gradient(&params, &data).into_iter().enumerate() {
            let at = |step: f64| {
                let mut values = params.to_array();
                values[i] += step;
                pareto_nbd::log_likelihood(&params.with(values), &data)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{found} {expected}"
            );
        }
    }
}

/// Its null is the NBD, and customers who all leave at one rate determine s/beta only.
#[test]
fn ridges_are_named() {
    let steady = pareto_nbd::params(0.9, 8.0, 1.0, 1e8).unwrap();
    let data = collapse(&simulate(&steady, 3_000, 0.0, 14));
    let null = nbd::fit(&data).unwrap();
    let at_null = pareto_nbd::params(null.params.r, null.params.alpha, 1e-9, 1e3).unwrap();
    assert_close(
        pareto_nbd::log_likelihood(&at_null, &data),
        null.log_likelihood,
        1e-9,
        "NBD",
    );
    let fitted = pareto_nbd::fit(&data).unwrap();
    assert!(fitted.log_likelihood >= null.log_likelihood - 1e-6);
    let found = identification::judge(&fitted, &data).unwrap();
    assert_eq!(found.verdict, Verdict::NoDropout);
    assert!(found.is_prediction_stable());
    assert!(found.in_english().contains("s and beta") && found.in_chinese().contains("s、beta"));

    let equal = pareto_nbd::params(0.9, 8.0, 2e4, 1e6).unwrap();
    let data = collapse(&simulate(&equal, 3_000, 0.0, 15));
    let fitted = pareto_nbd::fit(&data).unwrap();
    let found = identification::judge(&fitted, &data).unwrap();
    println!("{fitted:?}\n{}", found.in_english());
    assert_eq!(found.verdict, Verdict::OnlyMeanDropout);
    let mean = fitted.params.s / fitted.params.beta;
    assert!((mean - 0.02).abs() < 0.004, "{mean}");
}

/// Discounting the increments of the conditional expectation day by day ends at the closed form.
#[test]
fn residual_purchases_are_discounted_expectations() {
    let params = pareto_nbd::params(0.553, 10.578, 1.4, 11.669).unwrap();
    let customer = PurchaseHistory::from_days(4, 200, 250);
    let discount = pareto_nbd::continuous_discount(5.0, 52.0).unwrap();
    let at = |horizon: f64| predict::expected_purchases(&params, &customer, horizon).unwrap();
    let step = 0.02;
    let (mut sum, mut before) = (0.0, 0.0);
    for i in 0..60_000 {
        let now = at(f64::from(i + 1) * step);
        sum += (now - before) * (-discount * (f64::from(i) + 0.5) * step).exp();
        before = now;
    }
    let found = pareto_nbd::residual_purchases(&params, &customer, discount).unwrap();
    // The middle of a step errs by (discount step)^2 / 24.
    assert_close(sum, found, 1e-7, "DERT");
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let result = pareto_nbd::residual_purchases(&params, &customer, bad);
        assert!(matches!(
            result,
            Err(Error::OutOfRange {
                name: "discount",
                ..
            })
        ));
        assert!(pareto_nbd::continuous_discount(bad, 52.0).is_err());
    }
    let plan = clv::Plan::default();
    let year = clv::discounted_purchases(&params, &customer, &plan).unwrap();
    assert!(year > 0.0 && year < at(53.0));
}

#[test]
fn bad_parameters_are_named() {
    for (i, name) in NAMES.into_iter().enumerate() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut values = [1.0; 4];
            values[i] = bad;
            let [r, alpha, s, beta] = values;
            match pareto_nbd::params(r, alpha, s, beta) {
                Err(Error::Parameter { name: found, .. }) => assert_eq!(found, name),
                other => panic!("{other:?}"),
            }
        }
    }
    let silent = Collapsed::from_days(&[0, 0], &[0, 0], &[70, 7]).unwrap();
    assert!(matches!(pareto_nbd::fit(&silent), Err(Error::NotEnough(_))));
}

fn check_fit(data: &Collapsed, expected: &Value, tolerance: f64) -> FittedPareto {
    let block = &expected["models"]["pnbd"];
    let [r, alpha, s, beta] = numbers(&block["params"], NAMES);
    let given = pareto_nbd::params(r, alpha, s, beta).unwrap();
    let difference = pareto_nbd::log_likelihood(&given, data) - number(&block["log_likelihood"]);
    assert!(difference.abs() < tolerance, "{difference}");

    let fitted = pareto_nbd::fit(data).unwrap();
    println!("{fitted:?}");
    assert!(fitted.log_likelihood >= number(&block["log_likelihood"]) - 1e-4);
    assert!(fitted.gradient_norm < 1e-5);
    assert!(fitted.is_identified());
    // A flat ridge: the reference stopped on it at a gradient of some 1e-5.
    for (i, name) in NAMES.into_iter().enumerate() {
        let found = fitted.params.to_array()[i];
        assert_close(found, number(&block["params"][name]), 1e-5, name);
        let found = fitted.std_errors.unwrap()[i];
        assert_close(found, number(&block["std_errors"][name]), 1e-3, name);
    }
    assert!(nbd::fit(data).unwrap().log_likelihood < fitted.log_likelihood);
    fitted
}

fn check_predictions(expected: &Value) {
    let models = &expected["models"];
    let [r, alpha, s, beta] = numbers(&models["pnbd"]["params"], NAMES);
    let params = pareto_nbd::params(r, alpha, s, beta).unwrap();
    let [p, q, v] = numbers(&models["gg"]["params"], ["p", "q", "v"]);
    let spend = gamma_gamma::params(p, q, v).unwrap();
    for row in expected["predictions"].as_array().unwrap() {
        let customer = shared::history(row);
        let block = &row["pnbd"];
        let check = |found: f64, field: &str| {
            assert_close(
                found,
                number(&block[field]),
                1e-8,
                &format!("{field} {row}"),
            );
        };
        check(predict::p_alive(&params, &customer).unwrap(), "p_alive");
        for (weeks, field) in [
            (13, "exp_13"),
            (26, "exp_26"),
            (39, "exp_39"),
            (52, "exp_52"),
        ] {
            let found = predict::expected_purchases(&params, &customer, f64::from(weeks));
            check(found.unwrap(), field);
        }
        let dert = pareto_nbd::residual_purchases(&params, &customer, 0.0027).unwrap();
        check(dert, "dert");
        let mean = number(&row["mean_repeat_spend"]);
        let value = dert * spend.expected_spend(customer.repeats, mean).unwrap();
        let expected = number(&row["residual_value_pnbd_gg"]);
        assert_close(value, expected, 1e-8, "residual value");
    }
}

fn printed(fitted: &FittedPareto) -> [String; 4] {
    fitted.params.to_array().map(|value| format!("{value:.3}"))
}

fn simulate(params: &Params, n: usize, horizon: f64, seed: u64) -> Vec<Customer> {
    let mut random = Random::new(seed);
    (0..n)
        .map(|_| {
            let age = f64::from(random.whole(7, 546)) / 7.0;
            simulation::pareto_customer(&mut random, params, age, horizon)
        })
        .collect()
}

fn collapse(customers: &[Customer]) -> Collapsed {
    let rows: Vec<PurchaseHistory> = customers.iter().map(|c| c.history).collect();
    Collapsed::from_histories(&rows).unwrap()
}

/// Rounded up to whole weeks, so that far fewer histories are distinct.
fn collapse_weeks(customers: &[Customer]) -> Collapsed {
    let rows: Vec<PurchaseHistory> = customers
        .iter()
        .map(|c| PurchaseHistory {
            repeats: c.history.repeats,
            age_at_last: c.history.age_at_last.ceil(),
            age: c.history.age.ceil(),
        })
        .collect();
    Collapsed::from_histories(&rows).unwrap()
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

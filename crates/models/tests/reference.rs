//! Agreement with independent computations on public data: fits, predictions, hold-outs and stress vectors.
//! The reference files state how they were made (scipy, mpmath, lifetimes 0.11.3); values have 10 digits.

use crate::shared::{self, Customer, assert_close, number, numbers};
use jiff::civil::{Date, date};
use keji_models::fit::{Fitted, Positive};
use keji_models::history::{Collapsed, PurchaseHistory};
use keji_models::{
    beta_geometric, bg_nbd, clv, gamma_gamma, holdout, identification, mbg_nbd, nbd, predict,
};
use serde_json::Value;

const PURCHASE: [&str; 4] = ["r", "alpha", "a", "b"];
const SPEND: [&str; 3] = ["p", "q", "v"];

/// A fit may be better than the reference, never worse by more than this.
const LL_SLACK: f64 = 1e-4;

#[test]
fn cdnow_sample() {
    let Some(expected) = shared::expected("btyd_cdnow_sample.json", 661) else {
        return;
    };
    let purchases = shared::cdnow_sample();
    let customers = shared::summarise(&purchases, date(1997, 9, 30));
    let data = shared::collapse(&customers);
    let models = &expected["models"];

    let bg = bg_nbd::fit(&data).unwrap();
    check_identified_fit(&bg, &models["bg"], PURCHASE);
    assert_eq!(
        printed(&bg, [3, 3, 3, 3]),
        ["0.243", "4.414", "0.793", "2.426"]
    );
    assert_eq!(format!("{:.1}", bg.log_likelihood), "-9582.4");
    let mbg = mbg_nbd::fit(&data).unwrap();
    check_identified_fit(&mbg, &models["mbg"], PURCHASE);
    assert_eq!(
        printed(&mbg, [3, 3, 3, 3]),
        ["0.525", "6.183", "0.891", "1.614"]
    );
    let (gg, spends) = fit_spend(&customers);
    check_identified_fit(&gg, &models["gg"], SPEND);
    assert_eq!(printed(&gg, [2, 2, 2]), ["6.25", "3.74", "15.44"]);
    assert_close(
        spends.correlation(),
        number(&models["gg"]["corr_x_m"]),
        1e-8,
        "correlation",
    );
    assert!(!spends.is_correlated());

    check_likelihood_at_reference(&data, &customers, models, 1e-6);
    check_predictions(&expected);
    check_clv(&expected);
    for (weeks, value) in expected["unconditional_mean_bg"].as_object().unwrap() {
        let [r, alpha, a, b] = numbers(&models["bg"]["params"], PURCHASE);
        let params = bg_nbd::params(r, alpha, a, b).unwrap();
        let found = predict::expected_of_new(&params, weeks.parse().unwrap()).unwrap();
        assert_close(found, number(value), 1e-8, "E[X(H)]");
    }
    check_holdout(&expected["holdout"], &bg.params, &customers, 39.0);
    assert!(identification::judge(&bg, &data).unwrap().is_identified());
    assert!(identification::judge(&mbg, &data).unwrap().is_identified());
}

#[test]
fn cdnow_full() {
    let Some(expected) = shared::expected("btyd_cdnow_full.json", 633) else {
        return;
    };
    let customers = shared::summarise(&shared::cdnow_full(), date(1997, 9, 30));
    let data = shared::collapse(&customers);
    let models = &expected["models"];
    let bg = bg_nbd::fit(&data).unwrap();
    check_identified_fit(&bg, &models["bg"], PURCHASE);
    let mbg = mbg_nbd::fit(&data).unwrap();
    check_identified_fit(&mbg, &models["mbg"], PURCHASE);
    let (gg, _) = fit_spend(&customers);
    check_identified_fit(&gg, &models["gg"], SPEND);

    // The files print 10 digits, which is 1e-5 in these sums.
    check_likelihood_at_reference(&data, &customers, models, 1e-5);
    check_predictions(&expected);
    check_clv(&expected);
    check_holdout(&expected["holdout"], &bg.params, &customers, 39.0);
    assert!(identification::judge(&bg, &data).unwrap().is_identified());
    assert!(identification::judge(&mbg, &data).unwrap().is_identified());
}

/// Hardly any dropout: a and b lie on a ridge, so parameters are not compared.
#[test]
fn online_retail() {
    let Some(expected) = shared::expected("online_retail_2009_2010.json", 636) else {
        return;
    };
    let purchases = shared::online_retail();
    let customers = shared::summarise(&purchases, date(2010, 12, 9));
    let data = shared::collapse(&customers);
    let full = &expected["btyd_full"];
    let models = &full["models"];
    let bg = bg_nbd::fit(&data).unwrap();
    check_fit(&bg, &models["bg"]);
    let mbg = mbg_nbd::fit(&data).unwrap();
    check_fit(&mbg, &models["mbg"]);
    let (gg, _) = fit_spend(&customers);
    check_identified_fit(&gg, &models["gg"], SPEND);

    check_likelihood_at_reference(&data, &customers, models, 1e-5);
    check_predictions(full);
    check_clv(full);
    let predictions = predict::predict_all(&bg.params, &data, &[13.0], None).unwrap();
    // Both fits stop within 1e-8 of the flat top, at parameters that differ in the third digit.
    let totals = &full["bg_totals"];
    assert_close(
        predict::total(&data, &predictions.p_alive),
        number(&totals["sum_p_alive"]),
        1e-5,
        "sum of P(alive)",
    );
    assert_close(
        predict::total(&data, &predictions.expected[0]),
        number(&totals["expected_purchases_next_13_weeks"]),
        1e-5,
        "total",
    );

    for fitted in [&bg, &mbg] {
        let verdict = identification::judge(fitted, &data).unwrap();
        println!(
            "{verdict:?}\n{}\n{}",
            verdict.in_chinese(),
            verdict.in_english()
        );
        assert!(!verdict.is_identified());
        assert!(verdict.is_prediction_stable());
    }

    let block = &expected["btyd_holdout"];
    let end: Date = block["calibration_end"].as_str().unwrap().parse().unwrap();
    let customers = shared::summarise(&purchases, end);
    let data = shared::collapse(&customers);
    let bg = bg_nbd::fit(&data).unwrap();
    check_fit(&bg, &block["models"]["bg"]);
    check_identified_fit(&fit_spend(&customers).0, &block["models"]["gg"], SPEND);
    let scores = check_holdout(block, &bg.params, &customers, 100.0 / 7.0);
    assert_close(
        scores.naive.expected_total,
        number(&block["naive_rate_total"]),
        1e-9,
        "naive total",
    );
    assert!(!identification::judge(&bg, &data).unwrap().is_identified());
}

/// 50-digit values where naive formulas overflow, underflow or cancel.
#[test]
fn extreme_vectors() {
    let Some(expected) = shared::expected("extreme_vectors.json", 270) else {
        return;
    };
    for row in expected["bg_nbd"].as_array().unwrap() {
        let [r, alpha, a, b] = [0, 1, 2, 3].map(|i| number(&row["params"][i]));
        let params = bg_nbd::params(r, alpha, a, b).unwrap();
        let customer = PurchaseHistory {
            repeats: row["x"].as_u64().unwrap() as u32,
            age_at_last: number(&row["t_x"]),
            age: number(&row["T"]),
        };
        let data = Collapsed::from_histories(&[customer]).unwrap();
        // The vectors next to the pole have 14 digits of a value that itself moves with the seventh digit of a.
        let tolerance = if (a - 1.0).abs() < 1e-6 { 1e-7 } else { 1e-9 };
        let check = |found: f64, field: &str| {
            assert_close(
                found,
                number(&row[field]),
                tolerance,
                &format!("{field} of {row}"),
            );
        };
        check(beta_geometric::log_likelihood(&params, &data), "bg_loglik");
        check(predict::p_alive(&params, &customer).unwrap(), "bg_p_alive");
        for (horizon, field) in [(39.0, "bg_exp_39"), (520.0, "bg_exp_520")] {
            check(
                predict::expected_purchases(&params, &customer, horizon).unwrap(),
                field,
            );
            let all = predict::predict_all(&params, &data, &[horizon], None).unwrap();
            check(all.expected[0][0], field);
        }
    }
}

fn fit_spend(customers: &[Customer]) -> (gamma_gamma::FittedSpend, gamma_gamma::Spends) {
    // One customer of the full CDNOW data paid nothing for the repeat purchases.
    let (repeats, means): (Vec<u32>, Vec<f64>) = customers
        .iter()
        .filter(|c| gamma_gamma::check(c.repeats, c.mean_spend).is_ok())
        .map(|c| (c.repeats, c.mean_spend))
        .unzip();
    let spends = gamma_gamma::Spends::new(&repeats, &means).unwrap();
    (gamma_gamma::fit(&spends).unwrap(), spends)
}

fn check_fit<P: Positive<N>, const N: usize>(fitted: &Fitted<P, N>, block: &Value) {
    println!(
        "{:?} LL {:.6} (reference {}) iterations {} gradient {:.1e} condition {:.1e} weakest {:.3}",
        fitted.params.to_array(),
        fitted.log_likelihood,
        block["log_likelihood"],
        fitted.iterations,
        fitted.gradient_norm,
        fitted.condition,
        fitted.weakest().std_error,
    );
    assert!(fitted.log_likelihood >= number(&block["log_likelihood"]) - LL_SLACK);
    assert_eq!(fitted.n as u64, block["n"].as_u64().unwrap());
    assert!(fitted.gradient_norm < 1e-5);
}

fn check_identified_fit<P: Positive<N>, const N: usize>(
    fitted: &Fitted<P, N>,
    block: &Value,
    names: [&str; N],
) {
    check_fit(fitted, block);
    assert!(fitted.is_identified());
    // The reference stopped at gradients of 1e-5 to 1e-3, and differentiated numerically for its standard errors.
    for (i, name) in names.into_iter().enumerate() {
        assert_close(
            fitted.params.to_array()[i],
            number(&block["params"][name]),
            1e-5,
            name,
        );
        let std_error = fitted.std_errors.unwrap()[i];
        assert_close(std_error, number(&block["std_errors"][name]), 1e-3, name);
    }
}

fn check_likelihood_at_reference(
    data: &Collapsed,
    customers: &[Customer],
    models: &Value,
    tolerance: f64,
) {
    let check = |found: f64, block: &Value| {
        let difference = found - number(&block["log_likelihood"]);
        assert!(difference.abs() < tolerance, "{difference}");
    };
    let [r, alpha, a, b] = numbers(&models["bg"]["params"], PURCHASE);
    let bg = bg_nbd::params(r, alpha, a, b).unwrap();
    check(beta_geometric::log_likelihood(&bg, data), &models["bg"]);
    let [r, alpha, a, b] = numbers(&models["mbg"]["params"], PURCHASE);
    let mbg = mbg_nbd::params(r, alpha, a, b).unwrap();
    check(beta_geometric::log_likelihood(&mbg, data), &models["mbg"]);
    let [p, q, v] = numbers(&models["gg"]["params"], SPEND);
    let gg = gamma_gamma::params(p, q, v).unwrap();
    let (_, spends) = fit_spend(customers);
    check(gamma_gamma::log_likelihood(&gg, &spends), &models["gg"]);
    assert!(nbd::fit(data).unwrap().log_likelihood < number(&models["bg"]["log_likelihood"]));
}

fn check_predictions(block: &Value) {
    let models = &block["models"];
    let [r, alpha, a, b] = numbers(&models["bg"]["params"], PURCHASE);
    let bg = bg_nbd::params(r, alpha, a, b).unwrap();
    let [r, alpha, a, b] = numbers(&models["mbg"]["params"], PURCHASE);
    let mbg = mbg_nbd::params(r, alpha, a, b).unwrap();
    let [p, q, v] = numbers(&models["gg"]["params"], SPEND);
    let spend = gamma_gamma::params(p, q, v).unwrap();
    for row in block["predictions"].as_array().unwrap() {
        let customer = shared::history(row);
        for (model, params) in [("bg", &bg), ("mbg", &mbg)] {
            let p_alive = predict::p_alive(params, &customer).unwrap();
            assert_close(p_alive, number(&row[model]["p_alive"]), 1e-8, "P(alive)");
            for horizon in [13, 26, 39, 52] {
                let found = predict::expected_purchases(params, &customer, f64::from(horizon));
                let expected = number(&row[model][format!("exp_{horizon}")]);
                assert_close(found.unwrap(), expected, 1e-8, "expected purchases");
            }
        }
        let mean = number(&row["mean_repeat_spend"]);
        let found = spend.expected_spend(customer.repeats, mean).unwrap();
        assert_close(
            found,
            number(&row["expected_spend_gg"]),
            1e-8,
            "expected spend",
        );
    }
}

/// lifetimes counts a month as 4.345 weeks and predicts at its own fitted parameters.
fn check_clv(block: &Value) {
    let models = &block["models"];
    let own = |model: &str| &models[model]["lifetimes_0_11_3"]["params"];
    let [r, alpha, a, b] = numbers(own("bg"), PURCHASE);
    let purchases = bg_nbd::params(r, alpha, a, b).unwrap();
    let [p, q, v] = numbers(own("gg"), SPEND);
    let spend = gamma_gamma::params(p, q, v).unwrap();
    let plan = clv::Plan {
        weeks_per_month: 4.345,
        ..clv::Plan::default()
    };
    for row in block["predictions"].as_array().unwrap() {
        let Some(expected) = row["lifetimes_clv_12_months_1pct"].as_f64() else {
            continue;
        };
        let customer = shared::history(row);
        let mean = number(&row["mean_repeat_spend"]);
        let found = clv::value(&purchases, &spend, &customer, mean, &plan).unwrap();
        assert_close(found, expected, 1e-6, "lifetime value");
    }
}

fn check_holdout(
    block: &Value,
    params: &beta_geometric::Params,
    customers: &[Customer],
    horizon: f64,
) -> holdout::Holdout {
    let later: Vec<u32> = customers.iter().map(|c| c.n_later).collect();
    let data = shared::collapse(customers);
    let scores = holdout::score(params, &data, &later, horizon).unwrap();
    let actual = block
        .get("actual_total_repeat_days")
        .or(block.get("actual_total"));
    assert_eq!(scores.actual_total, number(actual.unwrap()));
    let model = scores.model;
    // At our own optimum, which the reference reaches to about 1e-6.
    assert_close(
        model.expected_total,
        number(&block["bg_expected_total"]),
        1e-5,
        "total",
    );
    assert_close(model.mae, number(&block["mae"]), 1e-5, "MAE");
    assert_close(model.rmse, number(&block["rmse"]), 1e-5, "RMSE");
    assert_close(
        model.correlation,
        number(&block["corr"]),
        1e-5,
        "correlation",
    );
    if let Some(mean) = block.get("mean_p_alive") {
        assert_close(scores.mean_p_alive, number(mean), 1e-5, "mean P(alive)");
        let share = number(&block["actual_active_share"]);
        assert_close(scores.actual_active_share, share, 1e-9, "active share");
    }
    scores
}

fn printed<P: Positive<N>, const N: usize>(
    fitted: &Fitted<P, N>,
    digits: [usize; N],
) -> Vec<String> {
    let values = fitted.params.to_array();
    (0..N)
        .map(|i| format!("{:.*}", digits[i], values[i]))
        .collect()
}

//! Agreement with `fixtures/expected.json`, computed by `fixtures/reference.py` from simulated customers, and with
//! published numbers: needs nothing beyond this crate.

use keji_models::history::{Collapsed, PurchaseHistory};
use keji_models::{beta_geometric, bg_nbd, gamma_gamma, identification, mbg_nbd, predict};
use serde_json::Value;

const CUSTOMERS: &str = include_str!("fixtures/customers.csv");
const EXPECTED: &str = include_str!("fixtures/expected.json");

/// Ordinary double precision on both sides.
const TOLERANCE: f64 = 1e-11;

struct Columns {
    repeats: Vec<u32>,
    days_at_last: Vec<u32>,
    days: Vec<u32>,
    mean_spend: Vec<f64>,
}

#[test]
fn purchase_models() {
    let columns = columns();
    let data =
        Collapsed::from_days(&columns.repeats, &columns.days_at_last, &columns.days).unwrap();
    assert_eq!(data.n_customers(), 1000);
    let expected = expected();
    for (name, make, fit) in [
        (
            "bg",
            bg_nbd::params as fn(_, _, _, _) -> _,
            bg_nbd::fit as fn(_) -> _,
        ),
        ("mbg", mbg_nbd::params, mbg_nbd::fit),
    ] {
        let block = &expected[name];
        let [r, alpha, a, b] = numbers(&block["given"]);
        let given = make(r, alpha, a, b).unwrap();
        let found = beta_geometric::log_likelihood(&given, &data);
        assert_close(found, number(&block["log_likelihood_at_given"]), TOLERANCE);

        let fitted = fit(&data).unwrap();
        // scipy's simplex ends within about 1e-9 of the top, which leaves 1e-5 in the parameters.
        assert!(fitted.log_likelihood >= number(&block["log_likelihood"]) - 1e-8);
        let params = fitted.params;
        let [r, alpha, a, b] = numbers(&block["params"]);
        for (found, expected) in [
            (params.r, r),
            (params.alpha, alpha),
            (params.a, a),
            (params.b, b),
        ] {
            assert_close(found, expected, 1e-4);
        }
        assert!(fitted.is_identified());
        assert!(
            identification::judge(&fitted, &data)
                .unwrap()
                .is_identified()
        );
        assert!(fitted.gradient_norm < 1e-9);
    }
}

#[test]
fn predictions() {
    let expected = expected();
    for row in expected["predictions"].as_array().unwrap() {
        let model = row["model"].as_str().unwrap();
        let [r, alpha, a, b] = numbers(&expected[model]["given"]);
        let params = match model {
            "bg" => bg_nbd::params(r, alpha, a, b),
            _ => mbg_nbd::params(r, alpha, a, b),
        }
        .unwrap();
        let whole = |field: &str| row[field].as_u64().unwrap() as u32;
        let customer = PurchaseHistory::from_days(whole("x"), whole("t_days"), whole("T_days"));
        let text = |i: usize| row["p_alive_and_expected"][i].as_str().unwrap();
        let p_alive = predict::p_alive(&params, &customer).unwrap();
        assert_close(p_alive, text(0).parse().unwrap(), TOLERANCE);
        let purchases = predict::expected_purchases(&params, &customer, number(&row["horizon"]));
        assert_close(purchases.unwrap(), text(1).parse().unwrap(), TOLERANCE);
    }
}

#[test]
fn spend_model() {
    let columns = columns();
    let spends = gamma_gamma::Spends::new(&columns.repeats, &columns.mean_spend).unwrap();
    let block = &expected()["gg"];
    let [p, q, v] = numbers(&block["given"]);
    let given = gamma_gamma::params(p, q, v).unwrap();
    let found = gamma_gamma::log_likelihood(&given, &spends);
    assert_close(found, number(&block["log_likelihood_at_given"]), TOLERANCE);

    let fitted = gamma_gamma::fit(&spends).unwrap();
    assert!(fitted.log_likelihood >= number(&block["log_likelihood"]) - 1e-8);
    let [p, q, v] = numbers(&block["params"]);
    for (found, expected) in [
        (fitted.params.p, p),
        (fitted.params.q, q),
        (fitted.params.v, v),
    ] {
        assert_close(found, expected, 1e-4);
    }
    assert!(fitted.is_identified());
}

/// Fader, Hardie & Lee (2005): the worked customer and the mean curve of the CDNOW sample, to every printed digit.
#[test]
fn published() {
    let printed = bg_nbd::params(0.243, 4.414, 0.793, 2.426).unwrap();
    let customer = PurchaseHistory {
        repeats: 2,
        age_at_last: 30.43,
        age: 38.86,
    };
    let found = predict::expected_purchases(&printed, &customer, 39.0).unwrap();
    assert_eq!(format!("{found:.3}"), "1.226");
    // The curve needs more digits of the estimates than the paper prints.
    let exact = bg_nbd::params(0.24259452, 4.41360199, 0.79292201, 2.42590675).unwrap();
    let curve = [
        (0.1429, "0.0078"),
        (1.0, "0.0532"),
        (3.0, "0.1506"),
        (31.8571, "1.0405"),
        (32.0, "1.0437"),
    ];
    for (weeks, expected) in curve {
        let found = predict::expected_of_new(&exact, weeks).unwrap();
        assert_eq!(format!("{found:.4}"), expected);
    }
    // 1.8576 in the same list; ours agrees with an independent 30-digit value instead.
    let found = predict::expected_of_new(&exact, 78.0).unwrap();
    assert!((found - 1.857958).abs() < 1e-6, "{found}");
    // p v/(q-1) at the parameters Fader & Hardie (2013) print for the same customers.
    let spend = gamma_gamma::params(6.25, 3.74, 15.44).unwrap();
    assert_eq!(format!("{:.2}", spend.population_mean().unwrap()), "35.22");
}

fn columns() -> Columns {
    let mut columns = Columns {
        repeats: Vec::new(),
        days_at_last: Vec::new(),
        days: Vec::new(),
        mean_spend: Vec::new(),
    };
    for row in csv::Reader::from_reader(CUSTOMERS.as_bytes()).records() {
        let row = row.unwrap();
        columns.repeats.push(row[0].parse().unwrap());
        columns.days_at_last.push(row[1].parse().unwrap());
        columns.days.push(row[2].parse().unwrap());
        columns.mean_spend.push(row[3].parse().unwrap());
    }
    columns
}

fn expected() -> Value {
    serde_json::from_str(EXPECTED).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers<const N: usize>(list: &Value) -> [f64; N] {
    std::array::from_fn(|i| number(&list[i]))
}

#[track_caller]
fn assert_close(found: f64, expected: f64, relative: f64) {
    let difference = (found - expected).abs();
    assert!(
        difference <= relative * expected.abs(),
        "{found} is not {expected}"
    );
}

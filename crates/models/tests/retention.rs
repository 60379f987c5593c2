//! The models of contract renewal: published and independent values, known parameters from simulated contracts,
//! censoring and truncation, and the line between both models.

use crate::purchases::simulation::Random;
use crate::shared::{self, assert_close, number};
use keji_models::error::RowProblem;
use keji_models::fit::Positive;
use keji_models::retention::{self, Outcome, Renewals, RetentionModel};
use keji_models::{Error, beta_discrete_weibull as bdw, shifted_beta_geometric as sbg};

/// Fader & Hardie (2007): customers of 1,000 left after each year.
const HIGH_END: [u64; 13] = [
    1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394,
];
const REGULAR: [u64; 13] = [
    1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173,
];
/// As in `fixtures/beta_discrete_weibull.py`, which made the expected values where no other source is named.
const COHORTS: [&[u64]; 4] = [
    &[1200, 900, 738, 642, 577],
    &[1500, 1110, 921, 801],
    &[900, 680, 562],
    &[2000, 1505],
];

#[test]
fn published() {
    for (survivors, printed, log_likelihood) in [
        (HIGH_END, "0.668 3.806", "-1611.2"),
        (REGULAR, "0.704 1.182", "-1680.3"),
    ] {
        let data = Renewals::from_survivors(&survivors[..8]).unwrap();
        let fitted = sbg::fit(&data).unwrap();
        let params = fitted.params;
        assert_eq!(format!("{:.3} {:.3}", params.alpha, params.beta), printed);
        assert_eq!(format!("{:.1}", fitted.log_likelihood), log_likelihood);
        assert!(fitted.is_identified() && fitted.gradient_norm < 1e-8);
        assert_eq!(fitted.n, 1000);
        // Years 8 to 12 were not used; the paper's point is that constant retention fails there.
        let projection = retention::project(&params, &survivors, 7).unwrap();
        println!("{projection:?}");
        assert_eq!(projection.n, 5);
        assert!(
            projection.model_mape < 0.03 && projection.naive_mape > 3.0 * projection.model_mape
        );
    }
}

#[test]
fn cohorts_of_the_paper() {
    let Some(expected) = shared::expected("sbg.json", 222) else {
        return;
    };
    for (name, block) in expected["segments"].as_object().unwrap() {
        let survivors: Vec<u64> = block["actual_survivors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .collect();
        for years in [4, 7, 12] {
            let block = &block[format!("fit_on_{years}_years")];
            let check = |found: f64, expected: &serde_json::Value, tolerance: f64, what: &str| {
                let what = format!("{what} of {name}, {years} years");
                assert_close(found, number(expected), tolerance, &what);
            };
            let data = Renewals::from_survivors(&survivors[..=years]).unwrap();
            let (alpha, beta) = (number(&block["alpha"]), number(&block["beta"]));
            let given = sbg::params(alpha, beta).unwrap();
            let reference = number(&block["log_likelihood"]);
            assert!((sbg::log_likelihood(&given, &data) - reference).abs() < 1e-6);
            let fitted = sbg::fit(&data).unwrap();
            assert!(fitted.log_likelihood >= reference - 1e-4);
            check(fitted.params.alpha, &block["alpha"], 1e-5, "alpha");
            check(fitted.params.beta, &block["beta"], 1e-5, "beta");
            for i in 0..2 {
                check(
                    fitted.std_errors.unwrap()[i],
                    &block["se"][i],
                    1e-3,
                    "standard error",
                );
            }

            check(given.mean(), &block["mean_theta"], 1e-8, "mean");
            for t in 1..=12 {
                let i = t as usize - 1;
                check(given.survival(t), &block["survival_1_12"][i], 1e-8, "S(t)");
                check(given.retention(t), &block["retention_1_12"][i], 1e-8, "r_t");
            }
            let both = |closed: f64, summed: f64| {
                assert_close(closed, summed, 1e-11, "closed form and sum");
                closed
            };
            let del = both(
                given.expected_lifetime(0.1).unwrap(),
                retention::expected_lifetime(&given, 0.1).unwrap(),
            );
            check(del, &block["DEL_10pct"], 1e-8, "DEL");
            for (n, expected) in block["DERL_10pct_after_n_renewals"].as_object().unwrap() {
                let n = n.parse().unwrap();
                let derl = both(
                    given.residual_lifetime(n, 0.1).unwrap(),
                    retention::residual_lifetime(&given, n, 0.1).unwrap(),
                );
                check(derl, expected, 1e-8, "DERL");
            }
            if years < 12 {
                // The reference also projects from year 8 on where only four years were used.
                let errors: Vec<f64> = (8..=12u32)
                    .map(|t| {
                        (given.survival(t) * 1000.0 / survivors[t as usize] as f64 - 1.0).abs()
                    })
                    .collect();
                let mape = errors.iter().sum::<f64>() / 5.0;
                check(mape, &block["mape_years_8_12"], 1e-7, "MAPE");
                if years == 7 {
                    let projection = retention::project(&given, &survivors, years).unwrap();
                    check(
                        projection.model_mape,
                        &block["mape_years_8_12"],
                        1e-7,
                        "MAPE",
                    );
                }
            }
        }
    }
}

#[test]
fn independent_values() {
    let cases: [(&[&[u64]], _, _, _, _); 5] = [
        (
            &[&HIGH_END[..8]],
            [0.668088, 3.806095],
            -1611.1581474,
            [0.214253, 1.426575, 1.723565],
            -1605.3142132,
        ),
        (
            &[&REGULAR[..8]],
            [0.704077, 1.182043],
            -1680.2651885,
            [0.455614, 0.779325, 1.283451],
            -1679.6028329,
        ),
        (
            &[&REGULAR],
            [0.697362, 1.168905],
            -1931.4916941,
            [0.508309, 0.868846, 1.209378],
            -1930.9297286,
        ),
        (
            &[&HIGH_END],
            [0.596111, 3.326969],
            -2010.8584196,
            [0.249641, 1.654181, 1.596797],
            -2004.8168885,
        ),
        (
            &COHORTS,
            [0.545633, 1.625448],
            -5251.4800206,
            [0.436056, 1.302013, 1.091364],
            -5251.372053,
        ),
    ];
    for (cohorts, simple, simple_ll, weibull, weibull_ll) in cases {
        let data = Renewals::from_cohorts(cohorts).unwrap();
        let found = sbg::fit(&data).unwrap();
        assert!(found.log_likelihood >= simple_ll - 1e-6);
        for (found, expected) in found.params.to_array().into_iter().zip(simple) {
            assert_close(found, expected, 1e-5, "sBG");
        }
        let fitted = bdw::fit(&data).unwrap();
        println!("{fitted:?}");
        assert!(fitted.log_likelihood >= weibull_ll - 1e-6);
        assert!(fitted.gradient_norm < 1e-6);
        // A simplex on a gentle ridge.
        for (found, expected) in fitted.params.to_array().into_iter().zip(weibull) {
            assert_close(found, expected, 1e-4, "BdW");
        }
        let compared = bdw::compare(&fitted, &found);
        assert_close(
            compared.likelihood_ratio,
            2.0 * (weibull_ll - simple_ll),
            1e-5,
            "likelihood ratio",
        );
    }
    // High-end customers: churn of their own rises with tenure; regular ones: no need of it.
    let compare = |survivors: &[u64]| {
        let data = Renewals::from_survivors(survivors).unwrap();
        bdw::compare(&bdw::fit(&data).unwrap(), &sbg::fit(&data).unwrap()).p_value
    };
    let (high_end, regular) = (compare(&HIGH_END[..8]), compare(&REGULAR[..8]));
    // erfc(sqrt(LR/2)) at LR = 11.6878684 and 1.3247112.
    assert_close(high_end, 6.290e-4, 1e-2, "p value");
    assert_close(regular, 0.2498, 1e-2, "p value");

    let data = Renewals::from_survivors(&HIGH_END).unwrap();
    let given = bdw::params(0.8, 3.0, 1.4).unwrap();
    assert_close(
        bdw::log_likelihood(&given, &data),
        -2217.4232454203543,
        1e-12,
        "log-likelihood",
    );
    for (t, expected) in [
        (1, 0.7894736842105272),
        (2, 0.5965048117109648),
        (12, 0.13554345855895442),
        (60, 0.02375473376522019),
    ] {
        assert_close(given.survival(t), expected, 1e-12, "S(t)");
    }
}

/// With c = 1 the Weibull is the sBG, in likelihood, survival and lifetimes.
#[test]
fn the_simple_model_is_a_special_case() {
    let data = Renewals::from_cohorts(&COHORTS).unwrap();
    for [alpha, beta] in [[0.668, 3.806], [1e-3, 0.2], [300.0, 4000.0], [2e6, 2e7]] {
        let simple = sbg::params(alpha, beta).unwrap();
        let weibull = bdw::params(alpha, beta, 1.0).unwrap();
        let close = |one: f64, other: f64, what: &str| assert_close(one, other, 1e-9, what);
        close(
            bdw::log_likelihood(&weibull, &data),
            sbg::log_likelihood(&simple, &data),
            "log-likelihood",
        );
        for (one, other) in bdw::gradient(&weibull, &data)
            .into_iter()
            .zip(sbg::gradient(&simple, &data))
        {
            assert!(
                (one - other).abs() < 1e-6 * (1.0 + other.abs()),
                "{one} {other}"
            );
        }
        let (mut left, mut gone) = (1.0, 0.0);
        for t in 1..=40 {
            close(weibull.survival(t), simple.survival(t), "S(t)");
            close(weibull.churn(t), simple.churn(t), "P(T = t)");
            left *= simple.retention(t);
            gone += simple.churn(t);
            close(left, simple.survival(t), "product of retention");
            close(1.0 - gone, simple.survival(t), "sum of churn");
        }
        for d in [1e-3, 0.1, 3.0] {
            let closed = simple.residual_lifetime(3, d).unwrap();
            close(
                retention::residual_lifetime(&weibull, 3, d).unwrap(),
                closed,
                "DERL",
            );
            close(
                retention::residual_lifetime(&simple, 3, d).unwrap(),
                closed,
                "DERL",
            );
            let closed = simple.expected_lifetime(d).unwrap();
            close(
                retention::expected_lifetime(&weibull, d).unwrap(),
                closed,
                "DEL",
            );
        }
    }
}

/// Estimates lie within 4 standard errors of the truth, from contracts that began at different times, some of them
/// before observation did.
#[test]
fn known_parameters_come_back() {
    let truth = bdw::params(0.7, 2.5, 1.5).unwrap();
    let mut random = Random::new(31);
    let contracts = Contracts::draw(&mut random, &truth, 40_000);
    let data = contracts.renewals();
    let fitted = bdw::fit(&data).unwrap();
    println!("{fitted:?}");
    assert!(fitted.is_identified());
    assert_within(
        &fitted.params.to_array(),
        &truth.to_array(),
        &fitted.std_errors.unwrap(),
    );
    let simple = sbg::fit(&data).unwrap();
    assert!(bdw::compare(&fitted, &simple).p_value < 1e-6);

    // The same of the sBG, where the test sees no need of c.
    let truth = bdw::params(0.7, 2.5, 1.0).unwrap();
    let data = Contracts::draw(&mut random, &truth, 40_000).renewals();
    let simple = sbg::fit(&data).unwrap();
    assert!(simple.is_identified());
    assert_within(
        &simple.params.to_array(),
        &[0.7, 2.5],
        &simple.std_errors.unwrap(),
    );
    let fitted = bdw::fit(&data).unwrap();
    assert!(fitted.log_likelihood >= simple.log_likelihood - 1e-9);
    assert!(bdw::compare(&fitted, &simple).p_value > 1e-3);
    assert!(sbg::compare(&simple, &data).p_value < 1e-6);
}

/// 95% intervals of S(6) hold the truth about 19 times in 20.
#[test]
fn survival_intervals_cover() {
    let truth = bdw::params(0.7, 2.5, 1.0).unwrap();
    let mut random = Random::new(32);
    let n = 300;
    let mut inside = 0;
    for _ in 0..n {
        let data = Contracts::draw(&mut random, &truth, 400).renewals();
        let fitted = sbg::fit(&data).unwrap();
        let [low, high] = retention::survival_interval(&fitted, 6, 0.95)
            .unwrap()
            .unwrap();
        assert!(low > 0.0 && high < 1.0 && low < high);
        inside += u32::from((low..=high).contains(&truth.survival(6)));
    }
    let share = f64::from(inside) / f64::from(n);
    println!("{share}");
    // 3 standard deviations of the share.
    assert!((share - 0.95).abs() < 0.038, "{share}");
}

#[test]
fn contracts_and_cohorts_are_the_same_data() {
    let cohorts = Renewals::from_cohorts(&[&[5u64, 3, 2][..], &[4, 2][..]]).unwrap();
    let renewals = [0, 0, 1, 2, 2, 0, 0, 1, 1];
    let is_ended = [true, true, true, false, false, true, true, false, false];
    let contracts = Renewals::from_contracts(&renewals, &is_ended, None).unwrap();
    assert_eq!(contracts, cohorts);
    assert_eq!(
        cohorts.outcomes(),
        [Outcome { kept: 5, lost: 4 }, Outcome { kept: 2, lost: 1 }]
    );
    assert_eq!(
        cohorts.observed_retention(),
        [Some(5.0 / 9.0), Some(2.0 / 3.0)]
    );
    assert_close(cohorts.average_retention(), 7.0 / 12.0, 1e-15, "average");
    // Observed from the second renewal on only.
    let late =
        Renewals::from_contracts(&[2, 1, 0], &[false, true, true], Some(&[1, 1, 0])).unwrap();
    assert_eq!(
        late.outcomes(),
        [Outcome { kept: 0, lost: 1 }, Outcome { kept: 1, lost: 1 }]
    );
}

#[test]
fn gradients_are_derivatives() {
    let data = Renewals::from_cohorts(&COHORTS).unwrap();
    let compare = |found: &[f64], at: &dyn Fn(usize, f64) -> f64| {
        for (i, found) in found.iter().enumerate() {
            let expected = (at(i, 1e-5) - at(i, -1e-5)) / 2e-5;
            assert!(
                (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{found} {expected}"
            );
        }
    };
    let simple = sbg::params(0.5, 2.0).unwrap();
    compare(&sbg::gradient(&simple, &data), &|i, step| {
        let mut values = simple.to_array();
        values[i] += step;
        sbg::log_likelihood(&simple.with(values), &data)
    });
    for c in [0.4, 1.0, 2.3] {
        let weibull = bdw::params(0.5, 2.0, c).unwrap();
        compare(&bdw::gradient(&weibull, &data), &|i, step| {
            let mut values = weibull.to_array();
            values[i] += step;
            bdw::log_likelihood(&weibull.with(values), &data)
        });
    }
}

/// Customers who are all alike: the spread is not identified, the projection still is that of one rate.
#[test]
fn equal_customers() {
    let data = Renewals::from_survivors(&[100_000, 80_000, 64_000, 51_200, 40_960]).unwrap();
    let fitted = sbg::fit(&data).unwrap();
    println!("{fitted:?}");
    assert!(!fitted.is_identified());
    assert!((fitted.params.retention(1) - 0.8).abs() < 1e-3);
    assert!((fitted.params.survival(10) - 0.8f64.powi(10)).abs() < 1e-3);
    let compared = sbg::compare(&fitted, &data);
    assert!(compared.likelihood_ratio < 1e-3 && compared.p_value > 0.4);
    // One renewal tells the mean only.
    let data = Renewals::from_survivors(&[1000, 700]).unwrap();
    let fitted = sbg::fit(&data).unwrap();
    assert!(!fitted.is_identified());
    assert!((fitted.params.mean() - 0.3).abs() < 1e-6);
    assert!(matches!(bdw::fit(&data), Err(Error::NotEnough(_))));
}

#[test]
fn bad_rows_are_named() {
    let problem = |cohorts: &[&[u64]]| match Renewals::from_cohorts(cohorts) {
        Err(Error::Row { row, problem }) => (row, problem),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        problem(&[&[5, 4], &[5, 4, 6]]),
        (1, RowProblem::CohortGrows { renewal: 2 })
    );
    assert_eq!(problem(&[&[]]), (0, RowProblem::EmptyCohort));
    for nothing in [&[7u64][..], &[5, 5, 5], &[5, 0], &[0, 0]] {
        assert!(matches!(
            Renewals::from_survivors(nothing),
            Err(Error::NotEnough(_))
        ));
    }
    let before = Renewals::from_contracts(&[1], &[true], Some(&[2]));
    assert!(matches!(
        before,
        Err(Error::Row {
            row: 0,
            problem: RowProblem::RenewalsBefore { before: 2, made: 1 }
        })
    ));
    assert!(matches!(
        Renewals::from_contracts(&[1, 1_000_000], &[true, true], None),
        Err(Error::Row {
            row: 1,
            problem: RowProblem::TooManyRenewals(_)
        })
    ));
    assert!(matches!(
        Renewals::from_contracts(&[1], &[], None),
        Err(Error::Length { .. })
    ));
    assert!(matches!(
        sbg::params(0.0, 1.0),
        Err(Error::Parameter { name: "alpha", .. })
    ));
    assert!(matches!(
        bdw::params(1.0, 1.0, f64::NAN),
        Err(Error::Parameter { name: "c", .. })
    ));
    let model = sbg::params(0.7, 2.0).unwrap();
    assert!(model.expected_lifetime(0.0).is_err());
    assert!(retention::expected_lifetime(&model, 1e-9).is_err());
    assert!(retention::project(&model, &HIGH_END, 13).is_err());
    assert!(retention::project(&model, &HIGH_END, 12).is_err());
}

/// Contracts by renewals made, whether ended, and renewals made before observation.
struct Contracts {
    made: Vec<u32>,
    is_ended: Vec<bool>,
    before: Vec<u32>,
}

impl Contracts {
    fn draw(random: &mut Random, truth: &bdw::Params, n: usize) -> Self {
        let mut drawn = Contracts {
            made: Vec::new(),
            is_ended: Vec::new(),
            before: Vec::new(),
        };
        while drawn.made.len() < n {
            let theta = random.beta(truth.alpha, truth.beta);
            // The smallest T with (1-theta)^(T^c) < u.
            let ratio = random.uniform().ln() / (-theta).ln_1p();
            let leaves_at = ratio.powf(truth.c.recip()).floor().min(1e6) as u32 + 1;
            let before = random.whole(0, 9).saturating_sub(6);
            let seen = before + random.whole(1, 9);
            // Whoever left before observation began is not in the data at all.
            if leaves_at <= before {
                continue;
            }
            drawn.is_ended.push(leaves_at <= seen);
            drawn.made.push(seen.min(leaves_at - 1));
            drawn.before.push(before);
        }
        drawn
    }

    fn renewals(&self) -> Renewals {
        Renewals::from_contracts(&self.made, &self.is_ended, Some(&self.before)).unwrap()
    }
}

#[track_caller]
fn assert_within(found: &[f64], truth: &[f64], std_errors: &[f64]) {
    for ((found, truth), std_error) in found.iter().zip(truth).zip(std_errors) {
        assert!(
            (found - truth).abs() < 4.0 * std_error,
            "{found} {truth} {std_error}"
        );
    }
}

//! Survival: published examples, public data against lifelines, late entry and strata against `fixtures/survival.py`,
//! recovery of known parameters, and what bad input gets.

use crate::shared::{self, assert_close, number};
use keji_models::Error;
use keji_models::error::RowProblem;
use keji_models::interval::USUAL_LEVEL;
use keji_models::survival::kaplan_meier::{self, Band, KaplanMeier};
use keji_models::survival::log_rank::{self, Weight};
use keji_models::survival::proportionality::{self, TimeScale};
use keji_models::survival::{Lifetimes, concordance, cox, weibull};
use serde_json::Value;

/// Weeks of remission, 6-MP first, placebo after (Freireich et al. 1963; Kalbfleisch & Prentice 2002, table 1.1 of
/// section 1.1.1 lists the same trial).
fn remission() -> (Lifetimes, Vec<usize>) {
    let treated = [
        (6, 1),
        (6, 1),
        (6, 1),
        (6, 0),
        (7, 1),
        (9, 0),
        (10, 1),
        (10, 0),
        (11, 0),
        (13, 1),
        (16, 1),
        (17, 0),
        (19, 0),
        (20, 0),
        (22, 1),
        (23, 1),
        (25, 0),
        (32, 0),
        (32, 0),
        (34, 0),
        (35, 0),
    ];
    let placebo = [
        1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23,
    ];
    let mut weeks: Vec<f64> = treated.iter().map(|&(t, _)| f64::from(t)).collect();
    let mut is_event: Vec<bool> = treated.iter().map(|&(_, e)| e == 1).collect();
    weeks.extend(placebo.iter().map(|&t| f64::from(t)));
    is_event.extend([true; 21]);
    let group = (0..42).map(|i| i / 21).collect();
    (Lifetimes::new(&weeks, &is_event).unwrap(), group)
}

#[test]
fn published_remission_trial() {
    let (all, group) = remission();
    let treated = all.subset(0..21).unwrap();
    let curve = kaplan_meier::estimate(&treated, Band::Greenwood, USUAL_LEVEL).unwrap();
    let printed: Vec<String> = curve
        .steps
        .iter()
        .map(|step| {
            format!(
                "{} {} {:.3} {:.4}",
                step.time, step.n_at_risk, step.survival, step.std_error
            )
        })
        .collect();
    // Any table of this trial.
    let expected = [
        "6 21 0.857 0.0764",
        "7 17 0.807 0.0869",
        "10 15 0.753 0.0963",
        "13 12 0.690 0.1068",
        "16 11 0.627 0.1141",
        "22 7 0.538 0.1282",
        "23 6 0.448 0.1346",
    ];
    assert_eq!(printed, expected);
    let median = curve.quantile(0.5).unwrap();
    assert_eq!(
        (median.value, median.low, median.high),
        (Some(23.0), Some(13.0), None)
    );
    let placebo = all.subset(21..42).unwrap();
    let curve = kaplan_meier::estimate(&placebo, Band::LogLog, USUAL_LEVEL).unwrap();
    let median = curve.quantile(0.5).unwrap();
    assert_eq!(
        (median.value, median.low, median.high),
        (Some(8.0), Some(4.0), Some(11.0))
    );
    // Without censoring the restricted mean over everything is the mean, its error that of a mean with n.
    let mean = curve.restricted_mean(23.0).unwrap();
    assert_close(mean.mean, 182.0 / 21.0, 1e-12, "mean");
    let squares: f64 = [
        1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23,
    ]
    .iter()
    .map(|&t| f64::from(t))
    .map(|t| (t - 182.0 / 21.0).powi(2))
    .sum();
    assert_close(mean.std_error, squares.sqrt() / 21.0, 1e-12, "its error");
    assert_eq!(curve.survival_at(40.0), Some(0.0));

    // Log-rank 16.79, Gehan 13.46; Cox with Efron ties 1.572 +- 0.412.
    let found = log_rank::test(&all, &group, Weight::Equal).unwrap();
    assert_eq!(
        format!("{:.2} {}", found.test.chi_squared, found.test.df),
        "16.79 1"
    );
    assert_eq!(format!("{:.2}", found.groups[0].expected), "19.25");
    let found = log_rank::test(&all, &group, Weight::AtRisk).unwrap();
    assert_eq!(format!("{:.2}", found.test.chi_squared), "13.46");
    let is_placebo: Vec<f64> = group.iter().map(|&g| g as f64).collect();
    let fitted = cox::fit(&all, &[&is_placebo], None).unwrap();
    assert_eq!(
        format!("{:.3} {:.3}", fitted.coefficients[0], fitted.std_errors[0]),
        "1.572 0.412"
    );
    assert_eq!(
        format!("{:.2}", fitted.likelihood_ratio().chi_squared),
        "16.35"
    );
}

/// Ovarian cancer trial of Edmonson et al. (1979), as in R's survival: `coxph(Surv(futime, fustat) ~ age + ecog.ps)`
/// and its `cox.zph` with 3.2 or later.
#[test]
fn published_proportionality_test() {
    let days = [
        59., 115., 156., 421., 431., 448., 464., 475., 477., 563., 638., 744., 769., 770., 803.,
        855., 1040., 1106., 1129., 1206., 1227., 268., 329., 353., 365., 377.,
    ];
    let died = [
        1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0,
    ];
    let age = [
        72.3315, 74.4932, 66.4658, 53.3644, 50.3397, 56.4301, 56.9370, 59.8548, 64.1753, 55.1781,
        56.7562, 50.1096, 59.6301, 57.0521, 39.2712, 43.1233, 38.8932, 44.6000, 53.9068, 44.2055,
        59.5890, 74.5041, 43.1370, 63.2192, 64.4247, 58.3096,
    ];
    let ecog = [
        1., 1., 2., 1., 1., 2., 2., 2., 1., 2., 2., 1., 2., 1., 1., 2., 2., 1., 1., 1., 2., 2., 1.,
        2., 1., 1.,
    ];
    let lifetimes = Lifetimes::new(&days, &died.map(|d| d == 1)).unwrap();
    let x: [&[f64]; 2] = [&age, &ecog];
    let fitted = cox::fit(&lifetimes, &x, None).unwrap();
    let [b, c] =
        [0, 1].map(|i| format!("{:.5} {:.5}", fitted.coefficients[i], fitted.std_errors[i]));
    assert_eq!(
        [b.as_str(), c.as_str()],
        ["0.16150 0.04992", "0.01866 0.59908"]
    );
    let found =
        proportionality::test(&fitted, &lifetimes, &x, None, TimeScale::KaplanMeier).unwrap();
    let printed: Vec<String> = found
        .per_covariate
        .iter()
        .chain([&found.global])
        .map(|test| format!("{:.3} {} {:.2}", test.chi_squared, test.df, test.p_value))
        .collect();
    assert_eq!(printed, ["0.698 1 0.40", "2.371 1 0.12", "3.633 2 0.16"]);
    // Scaled residuals average to the coefficients.
    let mean = found
        .effects
        .iter()
        .map(|e| e.coefficients[1] * e.n_events as f64)
        .sum::<f64>()
        / 12.0;
    assert_close(mean, fitted.coefficients[1], 1e-8, "mean effect");
}

struct Bank {
    years: Vec<f64>,
    lifetimes: Lifetimes,
    geography: Vec<usize>,
    columns: Vec<Vec<f64>>,
}

const COUNTRIES: [&str; 3] = ["France", "Germany", "Spain"];
const COVARIATES: [&str; 6] = ["germany", "spain", "male", "age10", "balance1e5", "active"];

fn bank() -> Bank {
    let rows = shared::read("bank_churn.csv", |row| {
        let value = |column: usize| row[column].parse::<f64>().unwrap();
        let country = COUNTRIES.iter().position(|c| *c == &row[4]).unwrap();
        let is = |holds: bool| f64::from(u8::from(holds));
        let x = [
            is(country == 1),
            is(country == 2),
            is(&row[5] == "Male"),
            value(6) / 10.0,
            value(8) / 1e5,
            value(11),
        ];
        (value(7), value(13) == 1.0, country, x)
    });
    let years: Vec<f64> = rows.iter().map(|row| row.0).collect();
    let left: Vec<bool> = rows.iter().map(|row| row.1).collect();
    Bank {
        lifetimes: Lifetimes::new(&years, &left).unwrap(),
        years,
        geography: rows.iter().map(|row| row.2).collect(),
        columns: (0..6)
            .map(|i| rows.iter().map(|row| row.3[i]).collect())
            .collect(),
    }
}

#[test]
fn bank_against_lifelines() {
    let Some(expected) = shared::expected("survival_bank.json", 196) else {
        return;
    };
    let bank = bank();
    check_curve(&bank.lifetimes, &expected["km_all"]);
    for (number, country) in COUNTRIES.iter().enumerate() {
        let rows = (0..10_000).filter(|&row| bank.geography[row] == number);
        let group = bank.lifetimes.subset(rows).unwrap();
        check_curve(&group, &expected["km_by_geography"][country]);
    }
    let found = log_rank::test(&bank.lifetimes, &bank.geography, Weight::Equal).unwrap();
    let block = &expected["logrank_geography"];
    assert_close(found.test.chi_squared, number(&block["chi2"]), 1e-9, "chi2");
    assert_eq!(Some(found.test.df as u64), block["df"].as_u64());
    // The tail at 1e-54 moves by 5e-9 with the last printed digit of chi-squared.
    assert_close(found.test.p_value, number(&block["p"]), 1e-7, "p");

    let x: Vec<&[f64]> = bank.columns.iter().map(Vec::as_slice).collect();
    let fitted = cox::fit(&bank.lifetimes, &x, None).unwrap();
    let block = &expected["cox"];
    for (i, name) in COVARIATES.iter().enumerate() {
        assert_close(
            fitted.coefficients[i],
            number(&block["coef"][name]),
            1e-6,
            name,
        );
        assert_close(fitted.std_errors[i], number(&block["se"][name]), 1e-6, name);
    }
    let ll = number(&block["partial_log_likelihood"]);
    assert!(
        (fitted.log_likelihood - ll).abs() < 1e-5,
        "{}",
        fitted.log_likelihood
    );
    assert_close(
        fitted.concordance.unwrap(),
        number(&block["concordance"]),
        1e-9,
        "concordance",
    );
    let baseline = &fitted.baselines[0];
    for (year, hazard) in block["baseline_cumulative_hazard_at_mean"]
        .as_object()
        .unwrap()
    {
        let year: f64 = year.parse().unwrap();
        let step = baseline
            .steps
            .iter()
            .find(|step| step.time == year)
            .unwrap();
        assert_close(step.cumulative_hazard, number(hazard), 1e-6, "baseline");
        let survival = fitted.survival(0, &fitted.means, year).unwrap().unwrap();
        assert_close(survival, (-number(hazard)).exp(), 1e-6, "survival");
    }
    assert!(fitted.gradient_norm < 1e-6 && fitted.iterations < 10);

    // The reference leaves out who left within the first year: a Weibull has no density at 0.
    let rows: Vec<usize> = (0..10_000).filter(|&i| bank.years[i] > 0.0).collect();
    let later = bank.lifetimes.subset(rows.iter().copied()).unwrap();
    let alone = weibull::fit(&later).unwrap();
    // lifelines stops a little before the top; its log-likelihood agrees to every digit.
    let block = &expected["weibull"];
    assert_close(
        alone.lambda(&[]).unwrap(),
        number(&block["lambda_"]),
        1e-5,
        "lambda",
    );
    assert_close(alone.rho(), number(&block["rho"]), 1e-5, "rho");
    assert_close(
        alone.log_likelihood,
        number(&block["log_likelihood"]),
        2e-10,
        "Weibull",
    );
    let columns: Vec<Vec<f64>> = bank
        .columns
        .iter()
        .map(|column| rows.iter().map(|&row| column[row]).collect())
        .collect();
    let x: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let aft = weibull::fit_aft(&later, &x).unwrap();
    let block = &expected["weibull_aft"];
    for (i, name) in COVARIATES.iter().enumerate() {
        let reference = number(&block["params"][format!("lambda_/{name}")]);
        println!(
            "{name} {} {reference} {}",
            aft.coefficients[i],
            aft.std_errors[i + 1]
        );
        assert!((aft.coefficients[i] - reference).abs() < 1e-3 * aft.std_errors[i + 1]);
    }
    assert_close(
        aft.intercept,
        number(&block["params"]["lambda_/Intercept"]),
        1e-5,
        "intercept",
    );
    assert_close(
        aft.ln_rho,
        number(&block["params"]["rho_/Intercept"]),
        1e-5,
        "ln rho",
    );
    assert!(aft.log_likelihood >= number(&block["log_likelihood"]) - 1e-6);
    assert_close(
        aft.log_likelihood,
        number(&block["log_likelihood"]),
        1e-9,
        "AFT",
    );
    assert_close(
        aft.concordance.unwrap(),
        number(&block["concordance"]),
        1e-6,
        "concordance",
    );
    assert!(aft.likelihood_ratio(&alone).p_value < 1e-100);
}

#[test]
fn bank_curve_of_the_churn_reference() {
    let Some(expected) = shared::expected("bank_churn.json", 11) else {
        return;
    };
    let curve = kaplan_meier::estimate(&bank().lifetimes, Band::LogLog, USUAL_LEVEL).unwrap();
    for (year, survival) in expected["km_tenure_years"].as_object().unwrap() {
        let found = curve.survival_at(year.parse().unwrap()).unwrap();
        assert_close(found, number(survival), 1e-9, year);
    }
}

fn check_curve(lifetimes: &Lifetimes, expected: &Value) {
    let curve = kaplan_meier::estimate(lifetimes, Band::LogLog, USUAL_LEVEL).unwrap();
    assert_eq!(Some(curve.n as u64), expected["n"].as_u64());
    assert_eq!(Some(curve.n_events as u64), expected["events"].as_u64());
    assert_eq!(
        curve.quantile(0.5).unwrap().value,
        expected["median"].as_f64()
    );
    for (year, row) in expected["S"].as_object().unwrap() {
        let time = year.parse().unwrap();
        let band = curve.interval_at(time).unwrap();
        assert_close(
            curve.survival_at(time).unwrap(),
            number(&row["S"]),
            1e-9,
            year,
        );
        assert_close(band.low, number(&row["lo"]), 1e-9, year);
        assert_close(band.high, number(&row["hi"]), 1e-9, year);
    }
}

struct Simulated {
    lifetimes: Lifetimes,
    x1: Vec<f64>,
    x2: Vec<f64>,
    stratum: Vec<u32>,
    expected: Value,
}

fn simulated() -> Simulated {
    let text = include_str!("fixtures/survival.csv");
    let rows: Vec<Vec<f64>> = csv::Reader::from_reader(text.as_bytes())
        .records()
        .map(|row| {
            row.unwrap()
                .iter()
                .map(|cell| cell.parse().unwrap())
                .collect()
        })
        .collect();
    let column = |i: usize| rows.iter().map(|row| row[i]).collect::<Vec<f64>>();
    let is_event: Vec<bool> = column(2).iter().map(|&e| e == 1.0).collect();
    Simulated {
        lifetimes: Lifetimes::with_entry(&column(0), &column(1), &is_event).unwrap(),
        x1: column(3),
        x2: column(4),
        stratum: column(5).iter().map(|&s| s as u32).collect(),
        expected: serde_json::from_str(include_str!("fixtures/survival.json")).unwrap(),
    }
}

#[test]
fn late_entry_and_strata() {
    let data = simulated();
    let curve = kaplan_meier::estimate(&data.lifetimes, Band::LogLog, USUAL_LEVEL).unwrap();
    let block = &data.expected["km"];
    for (step, row) in curve.steps.iter().zip(block["steps"].as_array().unwrap()) {
        let band = step.interval.unwrap();
        let found = [
            step.time,
            step.n_at_risk as f64,
            step.n_events as f64,
            step.survival,
            step.std_error,
            band.low,
            band.high,
        ];
        for (i, found) in found.into_iter().enumerate() {
            assert_close(found, number(&row[i]), 1e-10, "Kaplan-Meier");
        }
    }
    let mean = curve.restricted_mean(15.0).unwrap();
    assert_close(
        mean.mean,
        number(&block["rmst15"][0]),
        1e-12,
        "restricted mean",
    );
    assert_close(
        mean.std_error,
        number(&block["rmst15"][1]),
        1e-12,
        "its error",
    );

    let x: [&[f64]; 2] = [&data.x1, &data.x2];
    let strata = Some(data.stratum.as_slice());
    let fitted = cox::fit(&data.lifetimes, &x, strata).unwrap();
    let block = &data.expected["cox"];
    for i in 0..2 {
        assert_close(
            fitted.coefficients[i],
            number(&block["coef"][i]),
            1e-9,
            "coefficient",
        );
        assert_close(
            fitted.std_errors[i],
            number(&block["se"][i]),
            1e-9,
            "its error",
        );
    }
    assert_close(
        fitted.log_likelihood,
        number(&block["log_likelihood"]),
        1e-12,
        "ln L",
    );
    assert_close(
        fitted.null_log_likelihood,
        number(&block["null_log_likelihood"]),
        1e-12,
        "null",
    );
    assert_close(
        fitted.concordance.unwrap(),
        number(&block["concordance"]),
        1e-12,
        "concordance",
    );
    let row = &block["survival_at_6_of_1_1_in_stratum_1"];
    let survival = fitted.survival(1, &[1.0, 1.0], 6.0).unwrap().unwrap();
    assert_close(survival, number(&row[0]), 1e-9, "survival");
    let band = fitted
        .survival_interval(1, &[1.0, 1.0], 6.0, USUAL_LEVEL)
        .unwrap()
        .unwrap();
    assert_close(band.low, number(&row[1]), 1e-8, "its lower limit");
    assert_close(band.high, number(&row[2]), 1e-8, "its upper limit");
    for (name, scale) in [
        ("identity", TimeScale::Identity),
        ("rank", TimeScale::Rank),
        ("km", TimeScale::KaplanMeier),
    ] {
        let found = proportionality::test(&fitted, &data.lifetimes, &x, strata, scale).unwrap();
        let row = &block["zph"][name];
        for i in 0..2 {
            let chi_squared = found.per_covariate[i].chi_squared;
            assert_close(chi_squared, number(&row[0][i]), 1e-8, name);
        }
        assert_close(found.global.chi_squared, number(&row[1]), 1e-8, name);
    }

    let aft = weibull::fit_aft(&data.lifetimes, &x).unwrap();
    let block = &data.expected["aft"];
    let found = [
        aft.intercept,
        aft.coefficients[0],
        aft.coefficients[1],
        aft.ln_rho,
    ];
    for (i, found) in found.into_iter().enumerate() {
        let std_error = aft.std_errors[i];
        assert!(
            (found - number(&block["params"][i])).abs() < 1e-3 * std_error,
            "{i}"
        );
        assert_close(std_error, number(&block["se"][i]), 1e-3, "standard error");
    }
    let ll = number(&block["log_likelihood"]);
    assert!(aft.log_likelihood >= ll - 1e-6 && aft.log_likelihood < ll + 1e-4);
}

/// A customer cut into rows at the changes of a covariate counts once: constant covariates give the same fit.
#[test]
fn rows_cut_in_two_change_nothing() {
    let data = simulated();
    let whole = cox::fit(&data.lifetimes, &[&data.x1], None).unwrap();
    let text = include_str!("fixtures/survival.csv");
    let (mut entry, mut exit, mut is_event, mut x1) = (vec![], vec![], vec![], vec![]);
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        let row: Vec<f64> = row
            .unwrap()
            .iter()
            .map(|cell| cell.parse().unwrap())
            .collect();
        let cut = 4.25;
        if row[0] < cut && cut < row[1] {
            entry.extend([row[0], cut]);
            exit.extend([cut, row[1]]);
            is_event.extend([false, row[2] == 1.0]);
            x1.extend([row[3]; 2]);
        } else {
            entry.push(row[0]);
            exit.push(row[1]);
            is_event.push(row[2] == 1.0);
            x1.push(row[3]);
        }
    }
    let lifetimes = Lifetimes::with_entry(&entry, &exit, &is_event).unwrap();
    assert!(lifetimes.n() > data.lifetimes.n());
    let cut = cox::fit(&lifetimes, &[&x1], None).unwrap();
    assert_close(
        cut.coefficients[0],
        whole.coefficients[0],
        1e-9,
        "coefficient",
    );
    assert_close(cut.std_errors[0], whole.std_errors[0], 1e-9, "its error");
    assert_close(cut.log_likelihood, whole.log_likelihood, 1e-12, "ln L");
    let [one, two] = [&data.lifetimes, &lifetimes]
        .map(|of| kaplan_meier::estimate(of, Band::LogLog, USUAL_LEVEL).unwrap());
    assert_eq!(one.steps.len(), two.steps.len());
    assert_eq!(one.steps, two.steps);
    let [one, two] = [(&data.lifetimes, &data.x1), (&lifetimes, &x1)]
        .map(|(of, x)| weibull::fit_aft(of, &[x.as_slice()]).unwrap());
    assert_close(two.log_likelihood, one.log_likelihood, 1e-10, "Weibull");
}

/// 20,000 lives of shape 1.5 and scale 10 e^(0.5 x), records beginning at an age of up to 12: the truth lies within
/// four standard errors, and ignoring the late entry misses it by far more.
#[test]
fn recovery_with_late_entry() {
    let mut state = 3u64;
    let mut unit = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    let (mut entry, mut exit, mut is_event, mut x) = (vec![], vec![], vec![], vec![]);
    while x.len() < 20_000 {
        let trait_ = f64::from(u8::from(unit() < 0.5));
        let life = 10.0 * (0.5 * trait_).exp() * (-unit().ln()).powf(1.0 / 1.5);
        let from = (12.0 * unit() - 2.0).max(0.0);
        if life > from {
            entry.push(from);
            exit.push(life.min(from + 9.0));
            is_event.push(life <= from + 9.0);
            x.push(trait_);
        }
    }
    let right = Lifetimes::with_entry(&entry, &exit, &is_event).unwrap();
    let fitted = weibull::fit_aft(&right, &[&x]).unwrap();
    let truth = [10f64.ln(), 0.5, 1.5f64.ln()];
    let far = |fitted: &weibull::Weibull| {
        let found = [fitted.intercept, fitted.coefficients[0], fitted.ln_rho];
        let errors = (0..3).map(|i| (found[i] - truth[i]).abs() / fitted.std_errors[i]);
        errors.fold(0.0, f64::max)
    };
    assert!(far(&fitted) < 4.0, "{}", far(&fitted));
    let naive = weibull::fit_aft(&Lifetimes::new(&exit, &is_event).unwrap(), &[&x]).unwrap();
    assert!(far(&naive) > 20.0, "{}", far(&naive));
    // The same truth as hazards: the ratio is e^(-0.5 x 1.5).
    let cox = cox::fit(&right, &[&x], None).unwrap();
    assert!((cox.coefficients[0] + 0.75).abs() < 4.0 * cox.std_errors[0]);
    let band = cox
        .survival_interval(0, &[1.0], 8.0, USUAL_LEVEL)
        .unwrap()
        .unwrap();
    let given = weibull_survival(8.0, 10.0 * 0.5f64.exp());
    assert!(band.low < given && given < band.high);
    let check = proportionality::test(&cox, &right, &[&x], None, TimeScale::KaplanMeier).unwrap();
    assert!(check.global.p_value > 0.001);
    // Both curves hold the truth; quantiles and survival of one model agree with each other.
    let median = fitted.quantile(&[0.0], 0.5).unwrap();
    assert_close(
        fitted.survival(&[0.0], median).unwrap(),
        0.5,
        1e-12,
        "median",
    );
    let known = 10.0 * 2f64.ln().powf(1.0 / 1.5);
    let band = fitted.quantile_interval(&[0.0], 0.5, 0.999).unwrap();
    assert!(band.low < known && known < band.high);
    let band = fitted.survival_interval(&[0.0], 6.0, 0.999).unwrap();
    assert!(band.low < band.high && band.contains(weibull_survival(6.0, 10.0)));
    let further = fitted.conditional_survival(&[0.0], 6.0, 3.0).unwrap();
    let ratio = fitted.survival(&[0.0], 9.0).unwrap() / fitted.survival(&[0.0], 6.0).unwrap();
    assert_close(further, ratio, 1e-12, "conditional survival");
    assert_close(
        fitted.survival(&[0.0], 0.0).unwrap(),
        1.0,
        0.0,
        "at the start",
    );
}

fn weibull_survival(t: f64, lambda: f64) -> f64 {
    (-(t / lambda).powf(1.5)).exp()
}

/// An effect that is there early and reversed late is found; covariates of any unit and offset give the same fit.
#[test]
fn invariance_and_an_effect_that_wears_off() {
    let data = simulated();
    let plain = cox::fit(&data.lifetimes, &[&data.x1, &data.x2], None).unwrap();
    let moved: Vec<f64> = data.x1.iter().map(|x| 1e9 + 1e6 * x).collect();
    let scaled = cox::fit(&data.lifetimes, &[&moved, &data.x2], None).unwrap();
    assert_close(
        scaled.coefficients[0] * 1e6,
        plain.coefficients[0],
        1e-7,
        "coefficient",
    );
    assert_close(scaled.log_likelihood, plain.log_likelihood, 1e-10, "ln L");

    let n = 400;
    let x: Vec<f64> = (0..n).map(|i| f64::from(i % 2)).collect();
    // Those with the trait go at the beginning and at the end, the others between.
    let time: Vec<f64> = (0..n)
        .map(|i| {
            let i = f64::from(i);
            if i % 2.0 == 0.0 {
                100.0 + i / 4.0
            } else if i < 200.0 {
                i / 4.0
            } else {
                200.0 + i / 4.0
            }
        })
        .collect();
    let lifetimes = Lifetimes::new(&time, &vec![true; n as usize]).unwrap();
    let fitted = cox::fit(&lifetimes, &[&x], None).unwrap();
    let found = proportionality::test(&fitted, &lifetimes, &[&x], None, TimeScale::Rank).unwrap();
    assert!(found.per_covariate[0].p_value < 1e-6);
    assert!(found.effects[0].coefficients[0] > fitted.coefficients[0]);
}

#[test]
fn concordance_by_hand() {
    let lifetimes = Lifetimes::new(&[1.0, 2.0, 2.0, 3.0], &[true, true, false, false]).unwrap();
    // Pairs: the first against all, the second against third (censored at its time) and fourth.
    let found = concordance(&lifetimes, &[4.0, 2.0, 2.0, 3.0], None).unwrap();
    assert_eq!(
        (found.concordant, found.discordant, found.tied),
        (3.0, 1.0, 1.0)
    );
    assert_eq!(found.value, Some(0.7));
    let apart = concordance(&lifetimes, &[4.0, 2.0, 2.0, 3.0], Some(&[0, 1, 2, 3])).unwrap();
    assert_eq!(apart.value, None);
    assert!(concordance(&lifetimes, &[f64::NAN; 4], None).is_err());
}

#[test]
fn limits_of_the_curve() {
    let curve = |t: &[f64], e: &[bool]| -> KaplanMeier {
        let lifetimes = Lifetimes::new(t, e).unwrap();
        kaplan_meier::estimate(&lifetimes, Band::LogLog, USUAL_LEVEL).unwrap()
    };
    // No event: all that is known is that nothing happened.
    let none = curve(&[3.0, 5.0], &[false, false]);
    assert!(none.steps.is_empty());
    assert_eq!(
        (none.survival_at(5.0), none.survival_at(5.1)),
        (Some(1.0), None)
    );
    assert_eq!(none.quantile(0.5).unwrap().value, None);
    assert_eq!(none.restricted_mean(5.0).unwrap().mean, 5.0);
    assert!(matches!(none.restricted_mean(5.1), Err(Error::Horizon(_))));
    // All at once.
    let all = curve(&[2.0, 2.0], &[true, true]);
    assert_eq!((all.steps[0].survival, all.steps[0].interval), (0.0, None));
    assert_eq!(all.quantile(0.5).unwrap().value, Some(2.0));
    assert_eq!(all.restricted_mean(4.0).unwrap().mean, 2.0);
    // The first leaves before the second is known of: what lies between is not told by these data.
    let late = Lifetimes::with_entry(&[0.0, 5.0], &[2.0, 9.0], &[true, true]).unwrap();
    let late = kaplan_meier::estimate(&late, Band::LogLog, USUAL_LEVEL).unwrap();
    assert_eq!(late.emptied_at, Some(2.0));
}

#[test]
fn bad_input_is_named() {
    let row = |result: keji_models::Result<Lifetimes>| match result {
        Err(Error::Row { row, problem }) => (row, problem),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        row(Lifetimes::new(&[1.0, -1.0], &[true, true])),
        (1, RowProblem::BadDuration(-1.0))
    );
    let late = RowProblem::EntryAfterExit {
        entry: 3.0,
        exit: 2.0,
    };
    assert_eq!(
        row(Lifetimes::with_entry(&[3.0], &[2.0], &[true])),
        (0, late)
    );
    assert!(Lifetimes::with_entry(&[f64::NAN], &[2.0], &[true]).is_err());
    assert!(matches!(Lifetimes::new(&[], &[]), Err(Error::NotEnough(_))));
    assert!(matches!(
        Lifetimes::new(&[1.0], &[]),
        Err(Error::Length { .. })
    ));

    let lifetimes = Lifetimes::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[true; 6]).unwrap();
    let x = [1.0, 0.0, 2.0, 0.5, 3.0, 1.5];
    let twice: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    let fit = |columns: &[&[f64]]| cox::fit(&lifetimes, columns, None).map(|_| ());
    assert_eq!(fit(&[&[1.0; 6]]), Err(Error::Collinear(0)));
    assert_eq!(fit(&[&x, &twice]), Err(Error::Collinear(1)));
    // Those with the trait are the first to go, without exception.
    assert_eq!(
        fit(&[&x, &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]]),
        Err(Error::Separated(1))
    );
    let aft = |columns: &[&[f64]]| weibull::fit_aft(&lifetimes, columns).map(|_| ());
    assert_eq!(aft(&[&x, &twice]), Err(Error::Collinear(1)));
    let bad = [1.0, 0.0, f64::NAN, 0.5, 3.0, 1.5];
    assert!(matches!(fit(&[&bad]), Err(Error::Row { row: 2, .. })));
    assert!(matches!(fit(&[&x[..5]]), Err(Error::Length { .. })));
    assert!(matches!(fit(&[]), Err(Error::NotEnough(_))));

    // A group without any event has an infinite lifetime.
    let events = [true, true, true, false, false, false];
    let half = Lifetimes::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &events).unwrap();
    let never = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let found = weibull::fit_aft(&half, &[&never]).map(|_| ());
    assert_eq!(found, Err(Error::Separated(0)));
    let zero = Lifetimes::new(&[1.0, 0.0, 2.0], &[true; 3]).unwrap();
    assert!(matches!(
        weibull::fit(&zero),
        Err(Error::Row { row: 1, .. })
    ));

    let fitted = cox::fit(&lifetimes, &[&x], None).unwrap();
    assert!(fitted.survival(7, &[1.0], 2.0).is_err());
    assert!(fitted.survival(0, &[1.0, 2.0], 2.0).is_err());
    assert_eq!(fitted.survival(0, &[1.0], 7.0), Ok(None));
    assert!(fitted.effect(1, USUAL_LEVEL).is_err());
    let group = log_rank::test(&lifetimes, &[0; 6], Weight::Equal);
    assert!(matches!(group, Err(Error::NotEnough(_))));
    // A group number that nobody has does no harm.
    let gap = log_rank::test(&lifetimes, &[0, 0, 0, 2, 2, 2], Weight::Equal).unwrap();
    assert_eq!((gap.test.df, gap.groups.len()), (1, 3));
}

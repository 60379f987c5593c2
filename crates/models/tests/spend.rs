//! The Gamma-Gamma model at its limits: units, shrinkage, infinite means, equal spends, bad rows.

use keji_models::error::RowProblem;
use keji_models::gamma_gamma::{self, Spends};
use keji_models::{Error, MODELS};

/// Twelve customers are enough to move things; expected values follow from the formulas.
const REPEATS: [u32; 12] = [1, 2, 0, 5, 1, 3, 8, 2, 1, 4, 2, 6];
const MEANS: [f64; 12] = [
    10.0, 155.5, 0.0, 31.0, 8.0, 22.0, 135.0, 12.5, 44.0, 270.0, 95.0, 30.0,
];

#[test]
fn currency_does_not_matter() {
    let fitted = gamma_gamma::fit(&Spends::new(&REPEATS, &MEANS).unwrap()).unwrap();
    // Cents of a currency worth 1/25,000: beyond the optimiser's absolute limits if v were not scaled.
    let unit = 2.5e6;
    let small =
        gamma_gamma::fit(&Spends::new(&REPEATS, &MEANS.map(|m| m * unit)).unwrap()).unwrap();
    assert_eq!(fitted.n, 11);
    let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-7);
    close(small.params.p, fitted.params.p);
    close(small.params.q, fitted.params.q);
    close(small.params.v, fitted.params.v * unit);
    close(
        small.std_errors.unwrap()[2],
        fitted.std_errors.unwrap()[2] * unit,
    );
    // A density per unit: every customer loses ln(unit).
    close(
        small.log_likelihood,
        fitted.log_likelihood - 11.0 * unit.ln(),
    );
    let std_error = |fitted, m| {
        gamma_gamma::expected_spend_std_error(fitted, 2, m)
            .unwrap()
            .unwrap()
    };
    close(
        std_error(&small, 30.0 * unit),
        std_error(&fitted, 30.0) * unit,
    );
}

#[test]
fn gradient_is_a_derivative() {
    let spends = Spends::new(&REPEATS, &MEANS).unwrap();
    let at = |[p, q, v]: [f64; 3]| {
        gamma_gamma::log_likelihood(&gamma_gamma::params(p, q, v).unwrap(), &spends)
    };
    let point = [4.0, 3.0, 20.0];
    let gradient = gamma_gamma::gradient(&gamma_gamma::params(4.0, 3.0, 20.0).unwrap(), &spends);
    for i in 0..3 {
        let (mut up, mut down) = (point, point);
        up[i] += 1e-5;
        down[i] -= 1e-5;
        assert!((gradient[i] - (at(up) - at(down)) / 2e-5).abs() < 1e-7);
    }
}

#[test]
fn expectation_shrinks_towards_the_population() {
    let params = gamma_gamma::params(6.0, 4.0, 15.0).unwrap();
    let population = params.population_mean().unwrap();
    assert_eq!(population, 30.0);
    assert_eq!(params.expected_spend(0, 1e9).unwrap(), population);
    let mut before = population;
    for repeats in [1, 2, 10, 1000] {
        let found = params.expected_spend(repeats, 90.0).unwrap();
        assert!(found > before && found < 90.0);
        before = found;
    }
    assert!(before > 89.9);
}

#[test]
fn infinite_mean_is_an_error() {
    let heavy = gamma_gamma::params(2.0, 0.8, 15.0).unwrap();
    assert_eq!(heavy.population_mean(), Err(Error::InfiniteMean(0.8)));
    assert!(heavy.expected_spend(1, 20.0).is_ok());
}

/// p then has no finite estimate; the fit must say so rather than show one.
#[test]
fn equal_spends_are_not_identified() {
    let spends = Spends::new(&[1, 2, 3, 4, 1, 2, 3, 4], &[20.0; 8]).unwrap();
    assert_eq!(spends.correlation(), 0.0);
    if let Ok(fitted) = gamma_gamma::fit(&spends) {
        assert!(!fitted.is_identified());
        let found = fitted.params.expected_spend(2, 20.0).unwrap();
        assert!((found - 20.0).abs() < 0.1, "{found}");
    }
}

#[test]
fn correlation_warns() {
    let repeats = [1, 2, 3, 4, 5, 6];
    let spends = Spends::new(&repeats, &repeats.map(|x| f64::from(x) * 10.0)).unwrap();
    assert!((spends.correlation() - 1.0).abs() < 1e-12);
    assert!(spends.is_correlated());
}

#[test]
fn bad_rows_are_named() {
    for bad in [0.0, -3.0, f64::NAN, f64::INFINITY] {
        let found = Spends::new(&[0, 1], &[0.0, bad]);
        assert!(matches!(
            found,
            Err(Error::Row {
                row: 1,
                problem: RowProblem::BadSpend(_)
            })
        ));
    }
    assert!(matches!(
        Spends::new(&[0], &[0.0]),
        Err(Error::NotEnough(_))
    ));
    assert!(matches!(Spends::new(&[1], &[]), Err(Error::Length { .. })));
    assert!(gamma_gamma::params(1.0, f64::NAN, 1.0).is_err());
}

#[test]
fn the_list_of_models_has_unique_ids() {
    let mut ids: Vec<&str> = MODELS.iter().map(|model| model.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MODELS.len());
}

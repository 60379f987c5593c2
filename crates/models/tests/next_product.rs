//! Recommendation from what is bought by the same customers: counts by hand, planted and absent relations, and hit
//! rates on held-out months of a shop.

use crate::draws::{self, Draws, Line};
use keji_models::next_product::{self, Baskets, Score, Settings, holdout};

/// Eight customers; product 0 has 4 buyers, 1 has 3, and 3 have both.
#[test]
fn scores_by_hand() {
    let customers = [0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 0];
    let products = [0, 1, 0, 1, 0, 1, 0, 2, 2, 2, 2, 1];
    let baskets = Baskets::new(&customers, &products, 9, 3).unwrap();
    let related = |score| {
        let settings = Settings {
            score,
            shrink: 2.0,
            min_together: 3,
            n_related: 5,
        };
        let model = next_product::fit(&baskets, &settings).unwrap();
        assert!(model.related(2).is_empty());
        model.related(0)[0]
    };
    let pair = related(Score::Cosine);
    assert_eq!(
        (pair.item, pair.together, pair.confidence, pair.base_rate),
        (1, 3, 0.75, 3.0 / 8.0)
    );
    assert!((pair.score - 3.0 / 12f64.sqrt() * 3.0 / 5.0).abs() < 1e-15);
    // Expected together: 4 * 3 / 8 = 1.5; (3 + 2) / (1.5 + 2).
    assert!((related(Score::Lift).score - 5.0 / 3.5).abs() < 1e-15);
    // Wilson's interval of 3 of 4.
    assert!((pair.lower - 0.30064184258240184).abs() < 1e-12);
    assert!((pair.upper - 0.9544127391902995).abs() < 1e-12);
    assert_eq!(related(Score::Confidence).score, pair.lower);
    // Three of four is too few to be sure that it is more than popularity.
    assert!(!pair.is_believed());

    let gap = next_product::buys_but_not(&baskets, 0, 1).unwrap();
    assert_eq!((gap.n_a, gap.n_both, gap.candidates), (4, 3, vec![3]));
    assert!(next_product::buys_but_not(&baskets, 0, 9).is_err());
    // Later customer 3 bought 1, and so did 4, who had neither before.
    let later = Baskets::new(&[3, 4], &[1, 1], 9, 3).unwrap();
    let found = next_product::conversion(&baskets, &later, 0, 1).unwrap();
    assert_eq!(
        (found.n, found.n_bought, found.n_neither, found.rate_neither),
        (1, 1, 4, 0.25)
    );
}

/// Products without relation: about one pair in forty is believed by chance, no more. A planted pair leads its list.
#[test]
fn planted_and_absent_relations() {
    let mut draws = Draws::new(2);
    let (mut customers, mut products) = (Vec::new(), Vec::new());
    for customer in 0..3000u32 {
        for product in 0..40u32 {
            let has_partner = product == 31
                && customers.last() == Some(&customer)
                && products.last() == Some(&30);
            if draws.unit() < if has_partner { 0.5 } else { 0.1 } {
                customers.push(customer);
                products.push(product);
            }
        }
    }
    let baskets = Baskets::new(&customers, &products, 3000, 40).unwrap();
    for score in [Score::Cosine, Score::Lift, Score::Confidence] {
        let model = next_product::fit(
            &baskets,
            &Settings {
                score,
                ..Default::default()
            },
        )
        .unwrap();
        let first = model.related(30)[0];
        assert_eq!(first.item, 31, "{score:?}");
        assert!(first.is_believed() && (first.confidence - 0.5).abs() < 0.1);
        // About 0.5 of its true lift of 0.5 / (0.9 * 0.1 + 0.1 * 0.5) = 3.6 is kept at least, and not exceeded.
        assert!(first.lift > 2.5 && first.lift < 4.0, "{first:?}");
        let pairs = (0..30)
            .flat_map(|item| model.related(item))
            .filter(|pair| pair.item < 30);
        let (n, believed) = pairs.fold((0, 0), |(n, k), pair| {
            (n + 1, k + usize::from(pair.is_believed()))
        });
        assert_eq!(n, 30 * 29);
        assert!(believed < 44, "{believed} of {n}");
    }
}

fn baskets(retail: &draws::Retail, is_in: impl Fn(&Line) -> bool) -> Baskets {
    let lines = || retail.lines.iter().filter(|line| is_in(line));
    let customers: Vec<u32> = lines().map(|line| line.customer).collect();
    let items: Vec<u32> = lines().map(|line| line.item).collect();
    Baskets::new(&customers, &items, retail.n_customers, retail.n_items).unwrap()
}

/// Learned up to a month, judged on the next, for three months: relations beat best sellers in each.
#[test]
fn hit_rate_in_later_months() {
    let Some(retail) = draws::retail() else {
        return;
    };
    // Days since 2009-12-01 of the first of September, October, November and December 2010.
    for (month, (from, to)) in [
        ("September", (274, 304)),
        ("October", (304, 335)),
        ("November", (335, 365)),
    ] {
        let before = baskets(retail, |line| line.day < from);
        let after = baskets(retail, |line| (from..to).contains(&line.day));
        // The other scores once are enough to compare.
        let n_scores = if month == "November" { 3 } else { 1 };
        for score in [Score::Cosine, Score::Lift, Score::Confidence]
            .into_iter()
            .take(n_scores)
        {
            let model = next_product::fit(
                &before,
                &Settings {
                    score,
                    ..Default::default()
                },
            )
            .unwrap();
            let found = holdout::judge(&model, &before, &after, 10).unwrap();
            let (ours, naive) = (found.item_to_item, found.best_sellers);
            println!(
                "{month} {score:?}: {} customers, hit rate at 10 {:.4} against {:.4}, gain {:.4} [{:.4}, {:.4}], recall {:.4}/{:.4}, coverage {:.3}/{:.3}",
                found.n,
                ours.hit_rate,
                naive.hit_rate,
                found.gain,
                found.gain_lower,
                found.gain_upper,
                ours.recall,
                naive.recall,
                ours.coverage,
                naive.coverage
            );
            if score == Score::Cosine {
                assert!(found.gain_lower > 0.0);
                assert!(ours.recall > naive.recall && ours.coverage > naive.coverage);
            }
        }
    }
}

#[test]
fn bad_input() {
    let told = |result: keji_models::error::Result<Baskets>| result.unwrap_err().to_string();
    assert_eq!(
        told(Baskets::new(&[0, 1], &[0], 2, 2)),
        "items has 1 rows, expected 2"
    );
    assert_eq!(
        told(Baskets::new(&[0, 1], &[0, 2], 2, 2)),
        "row 1: item 2 is not below the number of items"
    );
    assert_eq!(
        told(Baskets::new(&[0, 2], &[0, 1], 2, 2)),
        "row 1: customer 2 is not below the number of customers"
    );
    let one = Baskets::new(&[0, 0], &[0, 1], 5, 2).unwrap();
    assert!(next_product::fit(&one, &Default::default()).is_err());
    let two = Baskets::new(&[0, 0, 1], &[0, 1, 1], 5, 2).unwrap();
    let settings = Settings {
        shrink: f64::NAN,
        ..Default::default()
    };
    assert!(next_product::fit(&two, &settings).is_err());
    // Nobody bought anything new.
    let model = next_product::fit(&two, &Default::default()).unwrap();
    assert!(holdout::judge(&model, &two, &two, 1).is_err());
    // A customer without history gets best sellers, and they say so.
    let advice = model.recommend(&[], 5);
    assert_eq!(
        advice
            .iter()
            .map(|r| (r.item, r.because))
            .collect::<Vec<_>>(),
        [(1, None), (0, None)]
    );
}

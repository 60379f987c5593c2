//! Look-alikes: recovery of who is likely from simulated customers, hit rates on real ones held out by time, and
//! what has no signal is not praised.

use std::collections::BTreeMap;

use crate::draws::{self, Draws};
use keji_models::churn::{quality, split};
use keji_models::features::Features;
use keji_models::look_alike;

/// Best customers come from some sectors and sizes; one column repeats another, one is noise.
#[test]
fn recovers_who_is_likely() {
    let mut draws = Draws::new(31);
    let n = 4000;
    let sector: Vec<u32> = (0..n).map(|_| draws.below(12) as u32).collect();
    let size: Vec<f64> = (0..n).map(|_| (4.0 + 1.5 * draws.normal()).exp()).collect();
    let noise: Vec<f64> = (0..n).map(|_| draws.unit()).collect();
    let truth: Vec<f64> = (0..n)
        .map(|i| {
            let sector = if sector[i] < 3 { 1.5 } else { -0.5 };
            // Neither small nor large: what a straight line cannot say.
            -2.0 + sector
                + if (30.0..150.0).contains(&size[i]) {
                    1.5
                } else {
                    -0.5
                }
        })
        .collect();
    let is_best: Vec<bool> = truth
        .iter()
        .map(|eta| draws.unit() < 1.0 / (1.0 + (-eta).exp()))
        .collect();
    let codes: Vec<Option<u32>> = sector.iter().map(|&code| Some(code)).collect();
    let unknown: Vec<f64> = size
        .iter()
        .enumerate()
        .map(|(i, &x)| if i % 10 == 0 { f64::NAN } else { x })
        .collect();
    let table = Features::new(n)
        .category("sector", codes.clone())
        .unwrap()
        .number("staff", unknown)
        .unwrap()
        .category("sector_again", codes)
        .unwrap()
        .number("noise", noise)
        .unwrap();
    let found = look_alike::hold_out(&table, &is_best, 1.0, 80).unwrap();
    let parts = split::every(n, 5, 4).unwrap();
    let pick = |values: &[f64]| parts.judge.iter().map(|&i| values[i]).collect::<Vec<_>>();
    let outcome: Vec<bool> = parts.judge.iter().map(|&i| is_best[i]).collect();
    let ceiling = quality::auc(&pick(&truth), &outcome).unwrap().value;
    println!(
        "auc {:.4} of {ceiling:.4}, hit rate {:.3}, lift {:.2}; {} alone {:.3}",
        found.auc.value,
        found.list.precision,
        found.list.lift,
        found.naive_column,
        found.naive.precision
    );
    assert!(found.auc.value > ceiling - 0.05);
    assert!(found.list.lift > 2.0 && found.gain.lower > 0.0);

    let model = look_alike::fit(&table, &is_best, 1.0).unwrap();
    let reasons = model.reasons(&table).unwrap();
    let importance: BTreeMap<&str, f64> = reasons.importance().into_iter().collect();
    // Said twice, counted once: the two copies share what one would have.
    assert!((importance["sector"] - importance["sector_again"]).abs() < 0.02);
    assert!(importance["noise"] < 0.3 * importance["staff"]);
    for (total, score) in reasons.totals().iter().zip(model.scores(&table).unwrap()) {
        assert!((total - score).abs() < 1e-12);
    }
    // A best customer is most similar to itself.
    let row = is_best.iter().position(|best| *best).unwrap();
    let similar = model.most_similar(&table, row, 3).unwrap();
    assert_eq!((similar[0].row, similar[0].similarity), (row, 1.0));
    assert!(
        similar
            .windows(2)
            .all(|pair| pair[0].similarity >= pair[1].similarity)
    );
}

#[test]
fn noise_is_not_praised() {
    let mut draws = Draws::new(32);
    let is_best: Vec<bool> = (0..1000).map(|_| draws.unit() < 0.2).collect();
    let table = ["a", "b", "c"]
        .iter()
        .fold(Features::new(1000), |table, name| {
            table
                .number(name, (0..1000).map(|_| draws.unit()).collect())
                .unwrap()
        });
    let found = look_alike::hold_out(&table, &is_best, 1.0, 50).unwrap();
    assert!(found.auc.lower < 0.5 && found.auc.upper > 0.5);
    assert!(found.gain.lower < 0.0);
    assert!(found.list.lower < 0.2 && found.list.upper > 0.2);
}

/// Who will be among the best fifth in the 90 days after the first day, from that day alone; cut by time.
#[test]
fn retail_first_orders() {
    let Some(retail) = draws::retail() else {
        return;
    };
    // First day, lines and amount on it, dearest line, amount in the 90 days after.
    let mut first: BTreeMap<u32, (i64, f64, f64, f64, f64)> = BTreeMap::new();
    for line in &retail.lines {
        let own = first
            .entry(line.customer)
            .or_insert((line.day, 0.0, 0.0, 0.0, 0.0));
        if line.day == own.0 {
            own.1 += 1.0;
            own.2 += line.amount;
            own.3 = own.3.max(line.amount);
        } else if line.day <= own.0 + 90 {
            own.4 += line.amount;
        }
    }
    // The first month is not first orders but whoever came by then.
    let rows: Vec<_> = first
        .into_values()
        .filter(|row| (31..284).contains(&row.0))
        .collect();
    let days: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let parts = split::by_time(&days, 190, 90).unwrap();
    // The limit of the best is that of the learning rows: the later ones were not known.
    let mut after: Vec<f64> = parts.learn.iter().map(|&i| rows[i].4).collect();
    after.sort_by(f64::total_cmp);
    let limit = after[after.len() * 4 / 5];
    let is_best: Vec<bool> = rows.iter().map(|row| row.4 > limit).collect();
    let table = Features::new(rows.len())
        .number("lines", rows.iter().map(|r| r.1).collect())
        .unwrap()
        .number("amount", rows.iter().map(|r| r.2).collect())
        .unwrap()
        .number("dearest", rows.iter().map(|r| r.3).collect())
        .unwrap()
        .number("per_line", rows.iter().map(|r| r.2 / r.1).collect())
        .unwrap();
    let part = |rows: &[usize]| {
        (
            table.rows(rows).unwrap(),
            rows.iter().map(|&i| is_best[i]).collect::<Vec<_>>(),
        )
    };
    let (learn, later) = (part(&parts.learn), part(&parts.judge));
    let length = later.1.len() / 10;
    let found = look_alike::judge((&learn.0, &learn.1), (&later.0, &later.1), 1.0, length).unwrap();
    println!(
        "{} learned, {} later of whom {} best: auc {:.4} [{:.4}, {:.4}], hit rate {:.3} [{:.3}, {:.3}] lift {:.2}; {} alone hit rate {:.3}, gain {:?}",
        learn.1.len(),
        found.n,
        found.n_best,
        found.auc.value,
        found.auc.lower,
        found.auc.upper,
        found.list.precision,
        found.list.lower,
        found.list.upper,
        found.list.lift,
        found.naive_column,
        found.naive.precision,
        found.gain
    );
    assert!(found.auc.lower > 0.55);
    assert!(found.list.lower > found.n_best as f64 / found.n as f64);
    // Better than chance, but not than the amount of the first order alone; the hold-out is there to say so.
    assert!(found.gain.lower < 0.0);
}

#[test]
fn bad_input() {
    let table = Features::new(60)
        .number("x", (0..60).map(f64::from).collect())
        .unwrap();
    let told = |is_best: &[bool]| {
        look_alike::fit(&table, is_best, 1.0)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(told(&[false; 60]), "all 60 outcomes are 0");
    assert_eq!(told(&[false; 59]), "outcome has 59 rows, expected 60");
    let few: Vec<bool> = (0..60).map(|i| i < 5).collect();
    assert_eq!(
        told(&few),
        "5 rows of the rarer outcome, at least 10 are needed"
    );
    let some: Vec<bool> = (0..60).map(|i| i % 3 == 0).collect();
    let model = look_alike::fit(&table, &some, 1.0).unwrap();
    let other = Features::new(1).number("y", vec![1.0]).unwrap();
    assert!(model.scores(&other).is_err());
    assert!(model.most_similar(&table, 60, 1).is_err());
}

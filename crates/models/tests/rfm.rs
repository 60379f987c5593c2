//! RFM scores: cell by cell against an independent computation on public data, and the rules on small cases.

use std::collections::BTreeMap;

use crate::shared::{self, Customer};
use jiff::civil::date;
use keji_models::rfm::{self, Customers, Rule, Scores, Thresholds};
use serde_json::Value;

#[test]
fn online_retail() {
    let Some(expected) = shared::expected("online_retail_2009_2010.json", 306) else {
        return;
    };
    let customers = shared::summarise(&shared::online_retail(), date(2010, 12, 9));
    let scores = check(&expected["rfm"], &customers);
    for row in expected["rfm"]["sample"].as_array().unwrap() {
        let id = row["customer_id"].to_string();
        let i = customers.iter().position(|c| c.id == id).unwrap();
        let fields = [
            ("R", &scores[0].recency),
            ("F", &scores[0].frequency),
            ("M", &scores[0].monetary),
            ("Rcut", &scores[1].recency),
            ("Fcut", &scores[1].frequency),
            ("Mcut", &scores[1].monetary),
        ];
        for (field, found) in fields {
            assert_eq!(
                row[field].as_u64(),
                Some(found[i].into()),
                "{field} of {id}"
            );
        }
    }
}

#[test]
fn cdnow() {
    let Some(expected) = shared::expected("btyd_cdnow_sample.json", 12) else {
        return;
    };
    check(
        &expected["rfm"],
        &shared::summarise(&shared::cdnow_sample(), date(1997, 9, 30)),
    );
    let Some(expected) = shared::expected("btyd_cdnow_full.json", 6) else {
        return;
    };
    check(
        &expected["rfm"],
        &shared::summarise(&shared::cdnow_full(), date(1997, 9, 30)),
    );
}

/// 12 equal customers: rank spreads them by id over floor(5 i / 12), the other rules keep them together.
#[test]
fn ties() {
    let ids: Vec<String> = (0..12).rev().map(|i| format!("c{i:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let customers = Customers {
        ids: &ids,
        days_since_last: &[30; 12],
        frequency: &[1; 12],
        monetary: &[-5; 12],
    };
    let rank = rfm::score(&customers, &Rule::Rank).unwrap();
    let descending = vec![5, 5, 4, 4, 3, 3, 3, 2, 2, 1, 1, 1];
    assert_eq!(rank.recency, descending);
    assert_eq!(rank.frequency, descending);
    assert_eq!(rank.monetary, descending);
    let cut = rfm::score(&customers, &Rule::Cut).unwrap();
    assert_eq!((cut.cell(0), cut.cell(11)), (511, 511));
}

/// Four values: the 20% quantile lies at position 0.6, so at 1 + 0.6 (2 - 1) = 1.6 = 8/5.
#[test]
fn cuts_are_exact_fifths() {
    let cuts = rfm::cuts(&[1i128, 2, 4, 8]).unwrap();
    assert_eq!(cuts.map(|cut| cut.fifths), [8, 12, 18, 28]);
    assert!(rfm::cuts::<i128>(&[]).is_none());
    // One unit in 10^30 would be lost in a float.
    let large = 10i128.pow(30);
    let monetary = [large, large + 1, large + 2, large + 3, large + 4];
    let customers = Customers {
        ids: &["a", "b", "c", "d", "e"],
        days_since_last: &[0; 5],
        frequency: &[1; 5],
        monetary: &monetary,
    };
    let scores = rfm::score(&customers, &Rule::Cut).unwrap();
    assert_eq!(scores.monetary, [1, 2, 3, 4, 5]);
}

#[test]
fn fixed_thresholds_include_their_limit() {
    let customers = Customers {
        ids: &["a", "b", "c"],
        days_since_last: &[30, 31, 400],
        frequency: &[1, 2, 20],
        monetary: &[999_9999, 1000_0000, 0],
    };
    let limits = Thresholds {
        days_since_last: [30, 60, 90, 180],
        frequency: [2, 4, 8, 16],
        monetary: [100_0000, 1000_0000, 5000_0000, 9000_0000],
    };
    let scores = rfm::score(&customers, &Rule::Thresholds(limits)).unwrap();
    let expected = Scores {
        recency: vec![5, 4, 1],
        frequency: vec![1, 2, 5],
        monetary: vec![2, 3, 1],
    };
    assert_eq!(scores, expected);
}

#[test]
fn bad_input() {
    let short = Customers {
        ids: &["a"],
        days_since_last: &[],
        frequency: &[1],
        monetary: &[1],
    };
    assert!(rfm::score(&short, &Rule::Rank).is_err());
    let none = Customers {
        ids: &[],
        days_since_last: &[],
        frequency: &[],
        monetary: &[],
    };
    for rule in [Rule::Rank, Rule::Cut] {
        assert!(rfm::score(&none, &rule).unwrap().recency.is_empty());
    }
    let huge = Customers {
        ids: &["a"],
        days_since_last: &[1],
        frequency: &[1],
        monetary: &[i128::MAX],
    };
    assert!(rfm::score(&huge, &Rule::Cut).is_err());
    let one = Customers {
        monetary: &[1],
        ..huge
    };
    assert_eq!(rfm::score(&one, &Rule::Rank).unwrap().cell(0), 111);
    let descending = Thresholds {
        days_since_last: [4, 3, 2, 1],
        frequency: [1; 4],
        monetary: [1; 4],
    };
    assert!(rfm::score(&one, &Rule::Thresholds(descending)).is_err());
}

/// Scores by rank and by cut, after comparing both with the reference.
fn check(expected: &Value, customers: &[Customer]) -> [Scores; 2] {
    let ids: Vec<&str> = customers.iter().map(|c| c.id.as_str()).collect();
    // As of the day after the end of observation.
    let days: Vec<u32> = customers
        .iter()
        .map(|c| c.days - c.days_at_last + 1)
        .collect();
    let frequency: Vec<u32> = customers.iter().map(|c| c.n_orders).collect();
    let monetary: Vec<i128> = customers.iter().map(|c| c.total).collect();
    let input = Customers {
        ids: &ids,
        days_since_last: &days,
        frequency: &frequency,
        monetary: &monetary,
    };
    let cuts = &expected["cut_rule"]["cuts"];
    let found = rfm::cuts(&monetary)
        .unwrap()
        .map(|cut| cut.fifths as f64 / 5e4);
    for (i, found) in found.into_iter().enumerate() {
        shared::assert_close(found, shared::number(&cuts["monetary"][i]), 1e-9, "cut");
    }
    [(Rule::Rank, "rank_rule"), (Rule::Cut, "cut_rule")].map(|(rule, name)| {
        let scores = rfm::score(&input, &rule).unwrap();
        let mut cells: BTreeMap<String, u64> = BTreeMap::new();
        for i in 0..ids.len() {
            *cells.entry(scores.cell(i).to_string()).or_default() += 1;
        }
        let expected: BTreeMap<String, u64> =
            serde_json::from_value(expected[name]["cells"].clone()).unwrap();
        assert_eq!(cells, expected, "{name}");
        scores
    })
}

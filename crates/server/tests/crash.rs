//! kill -9 at random moments of an import: nothing half, nothing lost.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Home, homes, json, orders_csv};

const CYCLES: u64 = 20;

fn counts(home: &Home) -> Vec<i64> {
    let answer = json(home.keji().args(["ask", "net_amount,orders"]));
    let report = json(home.keji().arg("check"));
    assert!(
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|f| f["is_good"] == true),
        "{report}"
    );
    vec![answer["rows"][0][1].as_i64().unwrap_or(0)]
}

#[test]
fn a_killed_import_leaves_all_or_nothing() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("orders.csv");
    std::fs::write(&file, orders_csv(30_000, 3)).unwrap();

    // What it is to become, and how long it takes undisturbed.
    let mut undisturbed = Vec::new();
    for whole in homes() {
        let started = Instant::now();
        json(whole.keji().arg("import").arg(&file));
        undisturbed.push(started.elapsed());
        assert_eq!(counts(&whole), [10_000]);
    }
    let expected = [10_000];

    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut n_killed = 0;
    // One in four on PostgreSQL, where there is one.
    let places = (0..CYCLES).map(|cycle| {
        let mut all = homes();
        let at = if cycle % 4 == 3 { all.len() - 1 } else { 0 };
        (cycle, at, all.swap_remove(at))
    });
    for (cycle, kind, place) in places {
        let undisturbed = undisturbed[kind];
        let mut child = place
            .keji()
            .arg("import")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let part = (seed >> 33) as f64 / f64::from(1u32 << 31);
        std::thread::sleep(Duration::from_secs_f64(undisturbed.as_secs_f64() * part));
        if child.try_wait().unwrap().is_none() {
            n_killed += 1;
        }
        let _ = child.kill();
        child.wait().unwrap();

        let after = json(place.keji().args(["ask", "orders"]));
        let n = after["rows"]
            .get(0)
            .map_or(0, |r| r[0].as_i64().unwrap_or(0));
        assert!(
            n == 0 || n == 10_000,
            "cycle {cycle}: {n} orders of a batch of 10,000"
        );
        json(place.keji().arg("import").arg(&file));
        assert_eq!(counts(&place), expected, "cycle {cycle}");
    }
    assert!(
        n_killed >= CYCLES / 2,
        "only {n_killed} of {CYCLES} were killed on the way"
    );
}

//! An import needs no more memory for a longer file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Home, homes, orders_csv};

/// The most memory that the import of a file ever held, in KiB; 0 where the
/// system does not tell.
fn peak_kib(home: &Home, file: &Path) -> u64 {
    let mut child = home
        .keji()
        .arg("import")
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn ten_times_the_rows_need_no_more_memory() {
    let folder = tempfile::tempdir().unwrap();
    // Every file goes into an empty database. PostgreSQL is slower, so there
    // it is three times the rows; `make bench` goes on from here.
    for (place, (few, many)) in [(400_000, 4_000_000), (400_000, 1_200_000)]
        .iter()
        .enumerate()
    {
        let peak = |rows: usize| {
            let file = folder.path().join(format!("{rows}.csv"));
            // All in one month, so that the orders of both fill a file of the copy.
            let lines = orders_csv(rows, 3).replace("2025-02-", "2025-01-");
            std::fs::write(&file, lines.replace("2025-03-", "2025-01-")).unwrap();
            Some(peak_kib(homes().get(place)?, &file))
        };
        let (Some(one), Some(mut ten)) = (peak(*few), peak(*many)) else {
            continue;
        };
        assert!(one > 10_000, "{one} KiB is no reading");
        // What other threads hold at the highest moment is chance, some 5 %
        // of it, and only adds: growth would be in every reading.
        let is_grown = |ten: u64| ten as f64 > one as f64 * 1.1;
        for _ in 0..2 {
            if is_grown(ten) {
                ten = ten.min(peak(*many).unwrap());
            }
        }
        assert!(ten < 128 * 1024, "{ten} KiB");
        assert!(!is_grown(ten), "{one} KiB, then {ten} KiB");
    }
}

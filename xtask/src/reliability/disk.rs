//! REL-5: the disk is full in the middle of an import. It ends with an error
//! that says so, leaves nothing, and works as soon as there is room.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::ground::{COMMAND, Ground, Home, Store};
use super::orders;
use super::outcome::Outcome;
use super::process::{self, Ended, ended, is_there};

const DISK_MIB: usize = 64;

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let name = "REL-5 disk full, SQLite";
    if !is_there("unshare", &["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]) {
        let why = "needs root, who may mount a small disk in a namespace of its own";
        return tell(Outcome::skipped(name, why));
    }
    let mut planted = Vec::new();
    let found = Outcome::of(name, |outcome| full(ground, outcome, &mut planted));
    let planted = Outcome::of(format!("{name} (planted)"), |outcome| {
        planted
            .drain(..)
            .for_each(|(what, checked)| outcome.planted(what, checked));
        Ok(())
    });
    tell(found);
    tell(planted);
    let name = "REL-5 disk full under a file, SQLite";
    tell(Outcome::of(name, |outcome| attached(ground, outcome)));
}

/// A file that does not fit: told so, and neither bytes nor a record stay; with
/// room the same file is kept.
fn attached(ground: &Ground, outcome: &mut Outcome) -> Result<()> {
    for i in 1..=ground.n(8, 2) {
        let mut home = ground.home(Store::Sqlite)?;
        home.data = home.folder().join("disk/data");
        let disk = Disk::mount(&home.folder().join("disk"))?;
        home.under = disk.under();
        home.json(["records", "file", "list"])?;
        let file = home.write("large.bin", vec![7; 8 << 20])?;
        // Room for a part of the bytes.
        disk.fill_but((4 << 20) + ((i as u64 * 512) << 10))?;
        let add = || [OsString::from("file"), "add".into(), file.clone().into()];
        let struck = home.run(add())?;
        outcome.trial(says_so(&struck).and_then(|()| {
            disk.empty()?;
            let kept = disk.outside.join("data/files");
            let n = std::fs::read_dir(kept)?.flatten().count();
            ensure!(n == 1, "{n} things in the folder beside its lock");
            let listed = home.json(["records", "file", "list", "--count"])?;
            ensure!(listed["total"] == 0, "a record of it: {listed}");
            home.json(add()).context("the same file with room")?;
            home.is_good()
        }));
    }
    Ok(())
}

fn full(
    ground: &Ground,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let whole = ground.home(Store::Sqlite)?;
    let file = whole.write("orders.csv", orders::file(ground.n(30_000, 3_000), 3, 500))?;
    whole.import(&file)?;
    let expected = whole.state()?;
    let needs = bytes_below(&whole.data)?;

    let n = ground.n(8, 2);
    for i in 1..=n {
        let mut home = ground.home(Store::Sqlite)?;
        home.data = home.folder().join("disk/data");
        let disk = Disk::mount(&home.folder().join("disk"))?;
        home.under = disk.under();
        // Less than what stays in the end: it cannot succeed.
        let free = needs * i as u64 / (n as u64 + 1);
        disk.fill_but(free)?;
        let struck = home.run([OsString::from("import"), file.clone().into()])?;
        outcome.trial(
            says_so(&struck)
                .and_then(|()| {
                    disk.empty()?;
                    holds_nothing(&home)?;
                    home.import(&file).context("the same import with room")?;
                    home.agrees_with(&expected)?;
                    home.is_good()
                })
                .with_context(|| format!("{} KiB free", free / 1024)),
        );
        if i == n {
            // Orders that a half import would have left.
            planted.push(("orders are left", holds_nothing(&home)));
        }
    }
    let silent = ended(&mut Command::new("false"), COMMAND)?;
    planted.push(("an error without a word", says_so(&silent)));
    let well = ended(&mut Command::new("true"), COMMAND)?;
    planted.push(("success on a full disk", says_so(&well)));
    Ok(())
}

fn says_so(struck: &Ended) -> Result<()> {
    let said = struck.said();
    ensure!(!struck.has_crashed(), "crashed: {}", said.trim());
    ensure!(!struck.status.success(), "success on a full disk");
    let is_named = ["disk", "space"].iter().any(|word| said.contains(word));
    ensure!(is_named, "the disk is not named: {}", said.trim());
    Ok(())
}

fn holds_nothing(home: &Home) -> Result<()> {
    home.is_good()?;
    let n = home.n_orders()?;
    ensure!(n == 0, "{n} orders of an import that failed");
    Ok(())
}

/// A small disk that only the namespace of one waiting child sees; it goes
/// away with that child.
struct Disk {
    child: Child,
    /// Kept open: the child ends when it closes.
    _stdin: ChildStdin,
    /// The disk as it is seen from outside.
    outside: PathBuf,
}

impl Disk {
    fn mount(at: &Path) -> Result<Disk> {
        std::fs::create_dir_all(at)?;
        let script = format!(
            r#"mount -t tmpfs -o size={DISK_MIB}m tmpfs "$1" && touch "$1/ready" && read -r _"#
        );
        let mut child = Command::new("unshare")
            .args(["-m", "sh", "-c", &script, "sh"])
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take().context("no standard input")?;
        let root = PathBuf::from(format!("/proc/{}/root", child.id()));
        let disk = Disk {
            outside: root.join(at.strip_prefix("/")?),
            child,
            _stdin: stdin,
        };
        let started = Instant::now();
        while !disk.outside.join("ready").exists() {
            if started.elapsed() > Duration::from_secs(10) {
                bail!("the small disk did not come");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(disk)
    }

    /// Leaves so many bytes free.
    fn fill_but(&self, free: u64) -> Result<()> {
        let mut ballast = std::fs::File::create(self.outside.join("ballast"))?;
        let size = (DISK_MIB as u64 * 1024 * 1024).saturating_sub(free);
        let zeros = vec![0; 1 << 16];
        for _ in 0..size / zeros.len() as u64 {
            ballast.write_all(&zeros)?;
        }
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.outside.join("ballast"))?)
    }

    /// Runs what belongs to that home where the disk is seen.
    fn under(&self) -> Vec<OsString> {
        let pid = self.child.id().to_string();
        ["nsenter", "-t", &pid, "-m"].map(OsString::from).to_vec()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = process::stop(&mut self.child);
    }
}

fn bytes_below(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => bytes_below(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

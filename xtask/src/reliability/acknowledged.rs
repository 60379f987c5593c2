//! One-order files sent in one after the other, and a list outside the product
//! of those that it acknowledged: an import shown as `done`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::ground::Home;
use super::orders;
use super::server::Client;

const ONE: Duration = Duration::from_secs(60);

/// More are never sent by one writer.
const MOST: usize = 20_000;

pub fn number(i: usize) -> String {
    format!("A{i:06}")
}

/// The list, in the order in which they were acknowledged.
pub fn read(acks: &Path) -> Result<Vec<String>> {
    match std::fs::read_to_string(acks) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// Acknowledged orders are stored, stored ones were sent, and none is doubled
/// or without its line.
pub fn all_stored_once(acks: &Path, home: &Home, n_sent: usize) -> Result<()> {
    let stored = home.ones()?;
    for number in read(acks)? {
        ensure!(
            stored.contains_key(&number),
            "{number} was acknowledged and is not stored"
        );
    }
    let last = number(n_sent);
    for (number, n_lines) in &stored {
        ensure!(
            n_lines == &[1],
            "{number} is stored {} times, with {n_lines:?} lines",
            n_lines.len()
        );
        ensure!(*number < last, "{number} was never sent");
    }
    Ok(())
}

/// Waits until so many are acknowledged.
pub fn grows(acks: &Path, to: usize, within: Duration) -> Result<()> {
    let started = Instant::now();
    while read(acks)?.len() < to {
        ensure!(
            started.elapsed() < within,
            "fewer than {to} orders acknowledged after {within:?}"
        );
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Sends until it is told to end or, unless it is patient, until the server
/// does not answer.
pub struct Writer {
    thread: JoinHandle<Result<usize>>,
    is_over: Arc<AtomicBool>,
}

impl Writer {
    pub fn start(client: Client, acks: PathBuf, first: usize) -> Writer {
        Writer::of(client, acks, first, false)
    }

    /// Sends the same file again when it is not acknowledged, as a person would
    /// whose server or database went away.
    pub fn patient(client: Client, acks: PathBuf, first: usize) -> Writer {
        Writer::of(client, acks, first, true)
    }

    fn of(client: Client, acks: PathBuf, first: usize, is_patient: bool) -> Writer {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let thread = spawn(move || write(client, &acks, first, is_patient, &over));
        Writer { thread, is_over }
    }

    /// The number after the last one that was sent.
    pub fn end(self) -> Result<usize> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| anyhow::anyhow!("the writer panicked"))?
    }
}

fn write(
    client: Client,
    acks: &Path,
    first: usize,
    is_patient: bool,
    over: &AtomicBool,
) -> Result<usize> {
    let mut list = OpenOptions::new().create(true).append(true).open(acks)?;
    let mut next = first;
    while next < first + MOST && !over.load(Ordering::Relaxed) {
        let order = number(next);
        next += 1;
        while !over.load(Ordering::Relaxed) {
            let ended = client.import("one.csv", orders::one(&order).as_bytes(), ONE);
            match ended {
                Ok(import) if import["state"] == "done" => {
                    writeln!(list, "{order}").context("the list of acknowledgements")?;
                    list.sync_data()?;
                    break;
                }
                // A refusal is no acknowledgement; only a patient one goes on.
                _ if is_patient => sleep(Duration::from_millis(50)),
                Ok(import) => anyhow::bail!("{order}: {import}"),
                Err(_) => return Ok(next),
            }
        }
    }
    Ok(next)
}

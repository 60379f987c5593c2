//! Programs run as children: none outlives its time, each is stopped by its
//! own id. Knows no program in particular.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

const POLL: Duration = Duration::from_millis(2);

/// A program that has ended by itself.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it printed, if it ended well.
    pub fn good(self) -> Result<String> {
        ensure!(
            self.status.success(),
            "{}: {}",
            self.status,
            self.said().trim()
        );
        Ok(self.stdout)
    }

    pub fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// By a signal or a panic, in contrast to an error that it reports.
    pub fn has_crashed(&self) -> bool {
        self.status.signal().is_some() || self.stderr.contains("panicked")
    }
}

/// Runs a program to its end. The output goes through files: a grandchild that
/// keeps a pipe open would hold the reader up.
pub fn ended(command: &mut Command, within: Duration) -> Result<Ended> {
    let mut stdout = tempfile::tempfile()?;
    let mut stderr = tempfile::tempfile()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let Some(status) = wait(&mut child, within)? else {
        stop(&mut child)?;
        bail!("{command:?} did not end within {within:?}");
    };
    Ok(Ended {
        status,
        stdout: text(&mut stdout)?,
        stderr: text(&mut stderr)?,
    })
}

/// None when it still runs after that time.
pub fn wait(child: &mut Child, within: Duration) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() >= within {
            return Ok(None);
        }
        sleep(POLL);
    }
}

/// kill -9; true when the child was still running.
pub fn stop(child: &mut Child) -> Result<bool> {
    let is_running = child.try_wait()?.is_none();
    if is_running {
        child.kill()?;
        child.wait()?;
    }
    Ok(is_running)
}

/// Whether a program is there and does what it is asked.
pub fn is_there(program: &str, arguments: &[&str]) -> bool {
    ended(
        Command::new(program).args(arguments),
        Duration::from_secs(10),
    )
    .is_ok_and(|e| e.status.success())
}

fn text(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

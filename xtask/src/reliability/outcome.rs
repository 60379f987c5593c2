//! What a test counted: trials, failures and why. A planted bug is a trial
//! that fails when the check sees nothing.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::Result;

/// As many failures are told; the rest is only counted.
const N_DETAILS: usize = 10;

#[derive(Debug)]
pub struct Outcome {
    pub test: String,
    pub n: u64,
    pub failures: u64,
    /// Why it was not tried at all.
    pub skipped: Option<String>,
    pub details: Vec<String>,
    pub duration: Duration,
}

impl Outcome {
    /// Runs a test. A test that breaks, in contrast to a trial that fails,
    /// counts as one failure.
    pub fn of(test: impl Into<String>, run: impl FnOnce(&mut Outcome) -> Result<()>) -> Outcome {
        let started = Instant::now();
        let mut outcome = Outcome {
            test: test.into(),
            n: 0,
            failures: 0,
            skipped: None,
            details: Vec::new(),
            duration: Duration::ZERO,
        };
        if let Err(problem) = run(&mut outcome) {
            outcome.trial(Err(problem.context("the test broke")));
        }
        if outcome.n == 0 && outcome.skipped.is_none() {
            outcome.trial(Err(anyhow::anyhow!("nothing was tried")));
        }
        outcome.duration = started.elapsed();
        outcome
    }

    pub fn skipped(test: impl Into<String>, why: &str) -> Outcome {
        Outcome::of(test, |outcome| {
            outcome.skip(why);
            Ok(())
        })
    }

    pub fn trial(&mut self, result: Result<()>) {
        self.n += 1;
        if let Err(problem) = result {
            self.failures += 1;
            if self.details.len() < N_DETAILS {
                self.details.push(format!("trial {}: {problem:#}", self.n));
            }
        }
    }

    /// A check that looked at a planted bug: it has to have found it.
    pub fn planted(&mut self, what: &str, checked: Result<()>) {
        self.trial(match checked {
            Ok(()) => Err(anyhow::anyhow!("not noticed: {what}")),
            Err(_) => Ok(()),
        });
    }

    pub fn note(&mut self, what: impl Display) {
        self.details.push(what.to_string());
    }

    pub fn skip(&mut self, why: &str) {
        self.skipped = Some(why.to_owned());
    }
}

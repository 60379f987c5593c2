//! SEC-6: who has no right to come in does not, and who has none any more does
//! not either. Each case asks over HTTP for what must not be, after it saw that
//! the same goes well for whoever may.
//!
//! The planted bugs are done to the store, in the middle of a case: what the
//! program wrote to keep somebody out is taken away again.

mod device;
mod doors;
mod passkeys;
mod passwords;
mod place;
mod provider;
mod sessions;
mod sso;

use anyhow::{Context, Result};

use super::ground::{Ground, STORES, Store};
use super::outcome::Outcome;
use place::Place;

/// Its name, and what is asked.
type Case = (&'static str, fn(&Place) -> Result<()>);

/// What is planted, and the case that has to notice it.
const BUGS: [(&str, &str); 8] = [
    ("a used code is forgotten", "digits count once"),
    (
        "an ended session comes back",
        "signing out ends the session",
    ),
    ("a deleted token comes back", "a deleted token ends at once"),
    ("a token never ends", "a token ends on its day"),
    (
        "an old session is made young",
        "a session ends after a week",
    ),
    (
        "sessions outlive the password",
        "a new password ends other sessions",
    ),
    ("a counter goes back", "a copied passkey is noticed"),
    (
        "a deleted passkey comes back",
        "a deleted passkey signs in no more",
    ),
];

/// At a place of its own each.
type Alone = (&'static str, fn(&Ground, Store) -> Result<()>);
const ALONE: [Alone; 4] = [
    ("the first start", doors::first_start),
    (
        "guessing the start code waits",
        doors::guessing_the_code_waits,
    ),
    ("floods", doors::floods),
    ("the cookie of an encrypted page", doors::secure_cookie),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    [
        doors::CASES,
        passwords::CASES,
        sessions::CASES,
        passkeys::CASES,
        sso::CASES,
    ]
    .into_iter()
    .flatten()
}

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("SEC-6 signing in, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        tell(Outcome::of(name, |outcome| {
            let place = Place::new(ground, store, None)?;
            for (name, case) in cases() {
                outcome.trial(case(&place).context(*name));
            }
            for (name, case) in ALONE {
                outcome.trial(case(ground, store).context(name));
            }
            Ok(())
        }));
    }
    tell(Outcome::of("SEC-6 (planted)", |outcome| {
        for (bug, noticed_by) in BUGS {
            let (_, case) = cases()
                .find(|(name, _)| *name == noticed_by)
                .context(noticed_by)?;
            // Without it the case has nothing to notice.
            let place = Place::new(ground, Store::Sqlite, None)?;
            outcome.trial(case(&place).context(noticed_by));
            let place = Place::new(ground, Store::Sqlite, Some(bug))?;
            outcome.planted(bug, case(&place));
        }
        Ok(())
    }));
}

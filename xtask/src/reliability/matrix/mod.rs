//! SEC-2: every person × object × action × ownership × door, against a policy
//! that is worked out independently. A refusal leaves the database as it was.
//!
//! [`policy`] (what is right), [`world`] (a company whose every record is
//! somebody's), then the doors: records, the bytes of files, what is said of
//! records and told of it, duplicates, numbers, the place as a whole.

mod duplicates;
mod files;
mod numbers;
mod place;
mod policy;
mod records;
mod talk;
mod world;

use anyhow::{Context, Result, ensure};

use super::ground::{Ground, Home, STORES, Store};
use super::outcome::Outcome;
use super::server::Reply;
use world::World;

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        let name = format!("SEC-2 rights, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        tell(Outcome::of(&name, |outcome| {
            let home = ground.home(store)?;
            let world = World::make(ground, &home)?;
            let mut cells = Cells {
                world: &world,
                outcome,
            };
            compare(ground, &mut cells)?;
            files::is_tidy(&mut cells, &home)?;
            home.is_good()
        }));
    }
    tell(Outcome::of("SEC-2 rights (planted)", |outcome| {
        planted(ground, outcome)
    }));
}

fn compare(ground: &Ground, cells: &mut Cells<'_>) -> Result<()> {
    // A sample tries some of the people with all objects.
    let step = ground.n(1, 4);
    let world = cells.world;
    talk::say(cells)?;
    place::share(cells)?;
    duplicates::scan(cells)?;
    for (i, person) in world.people.iter().enumerate() {
        let client = world.owner.with(&person.token);
        if i % step == 0 {
            for object in &world.objects {
                records::compare(cells, person, &client, object)?;
            }
        }
        files::compare(cells, person, &client)?;
        talk::compare(cells, person, &client)?;
        duplicates::compare(cells, person, &client)?;
        numbers::compare(cells, person, &client)?;
        place::compare(cells, person, &client)?;
    }
    // Last: taking a file back evaluates anew, and scores have new ids then.
    for person in &world.people {
        records::imported(cells, person, &world.owner.with(&person.token))?;
    }
    place::anonymous(cells)
}

/// Changes something past the program.
type Plant = fn(&Home, &World) -> Result<()>;

/// A customer that changed hands, and a role that was widened, behind the
/// program's back.
fn planted(ground: &Ground, outcome: &mut Outcome) -> Result<()> {
    let bugs: [(&str, Plant); 3] = [
        ("a file changed hands", files::plant),
        ("a customer changed hands", |home, world| {
            let (customer, user) = (world.customers["K3"], world.users["li"]);
            home.sql(&format!(
                "update customer set \"user\" = {user} where id = {customer}"
            ))?;
            Ok(())
        }),
        ("a representative became a manager", |home, world| {
            let user = world.users["li"];
            home.sql(&format!(
                "update \"user\" set role = 'owner' where id = {user}"
            ))?;
            Ok(())
        }),
    ];
    for (what, plant) in bugs {
        let home = ground.home(Store::Sqlite)?;
        let mut world = World::make(ground, &home)?;
        plant(&home, &world)?;
        world.people.retain(|p| p.name == "li");
        world
            .objects
            .retain(|o| ["customer", "contact", "file"].contains(&o.id.as_str()));
        // Longer than rights are remembered.
        std::thread::sleep(std::time::Duration::from_secs(3));
        let mut seen = Outcome::of("planted", |seen| {
            let mut cells = Cells {
                world: &world,
                outcome: seen,
            };
            compare(ground, &mut cells)
        });
        let result = match (seen.failures, seen.details.pop()) {
            (0, _) => Ok(()),
            (_, why) => Err(anyhow::anyhow!(why.unwrap_or_default())),
        };
        outcome.planted(what, result);
    }
    Ok(())
}

/// Counts what was compared.
struct Cells<'a> {
    world: &'a World,
    outcome: &'a mut Outcome,
}

impl Cells<'_> {
    fn is(&mut self, what: impl FnOnce() -> String, holds: Result<()>) {
        self.outcome.trial(holds.with_context(what));
    }

    fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: impl FnOnce() -> String,
        found: T,
        right: T,
    ) {
        let holds = (found == right)
            .then_some(())
            .with_context(|| format!("{found:?} instead of {right:?}"));
        self.is(what, holds);
    }

    /// The position of the change log, as the owner sees it.
    fn position(&self) -> Result<i64> {
        let status = self.world.owner.get("/api/status")?;
        status["seq"].as_i64().context("no position")
    }

    /// That a write went through, or was refused and left nothing.
    fn written(
        &mut self,
        what: &dyn Fn() -> String,
        before: i64,
        reply: &Reply,
        may: bool,
    ) -> Result<()> {
        let after = self.position()?;
        let holds = match may {
            true => ensured((200..300).contains(&reply.status) && after > before, || {
                format!(
                    "allowed, but {} and {before} → {after}: {}",
                    reply.status,
                    text(reply)
                )
            }),
            false => ensured(
                [401, 403, 404, 409, 422].contains(&reply.status) && after == before,
                || {
                    format!(
                        "refused, but {} and {before} → {after}: {}",
                        reply.status,
                        text(reply)
                    )
                },
            ),
        };
        self.is(what, holds);
        Ok(())
    }
}

fn ensured(holds: bool, why: impl FnOnce() -> String) -> Result<()> {
    ensure!(holds, "{}", why());
    Ok(())
}

fn text(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    text.chars().take(300).collect()
}

//! Comments, who is told of them, marks, and the day: they are of a record,
//! and theirs are its rights. Whoever does not see a record is told nothing of
//! it, whoever named him.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::super::server::Client;
use super::policy::Person;
use super::world::World;
use super::{Cells, ensured};

/// Objects of which comments are also written.
const WRITTEN: [&str; 4] = ["customer", "contact", "task", "product"];

/// The owner names everybody on every customer; the answer names who could
/// not be told.
pub fn say(cells: &mut Cells<'_>) -> Result<()> {
    let world = cells.world;
    let all: Vec<String> = world
        .users
        .keys()
        .map(|login| format!("@{login}"))
        .collect();
    let body = json!({ "text": all.join(" ") });
    for customer in world.records("customer") {
        let path = format!("/api/records/customer/{}/comments", customer.id);
        let saved = world.owner.ask("POST", &path, &body)?.json()?;
        let blind: BTreeSet<i64> = (saved["unreached"].as_array().context("no list")?)
            .iter()
            .filter_map(|person| person["id"].as_i64())
            .collect();
        let whole = world.people.iter().filter(|p| p.scopes.is_empty());
        let wanted: BTreeSet<i64> = whole
            .filter(|p| !p.may_with("customer", "read", &customer.owned))
            .map(|p| p.user)
            .collect();
        cells.equal(
            || format!("who is named on {} in vain", customer.of),
            blind,
            wanted,
        );
    }
    Ok(())
}

pub fn compare(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let (name, world) = (&person.name, cells.world);
    told(cells, person, client)?;
    day(cells, person, client)?;
    let ids: Vec<(&str, &super::world::Record)> = (world.objects.iter())
        .flat_map(|object| object.records.iter().map(move |r| (object.id.as_str(), r)))
        .collect();
    for (object, record) in ids {
        let base = format!("/api/records/{object}/{}", record.id);
        let seen = match (
            person.may(object, "read"),
            person.may_with(object, "read", &record.owned),
        ) {
            (false, _) => 403,
            (true, false) => 404,
            (true, true) => 200,
        };
        let what = |door: &str| format!("{name}, {door} of {object} of {}", record.of);
        let reply = client.ask("GET", &format!("{base}/comments"), &Json::Null)?;
        cells.equal(|| what("comments"), reply.status, seen);
        let mark = format!("/api/favourites/{object}/{}", record.id);
        let may_mark = person.scopes.is_empty() || person.may_any("update");
        let reply = client.ask("PUT", &mark, &Json::Null)?;
        let wanted = match (may_mark, seen) {
            (false, _) => 403,
            (true, 200) => 204,
            (true, refused) => refused,
        };
        cells.equal(|| what("the star"), reply.status, wanted);
        if !WRITTEN.contains(&object) {
            continue;
        }
        let reply = client.ask("GET", &format!("{base}/people"), &Json::Null)?;
        cells.equal(|| what("people"), reply.status, seen);
        let has_voice = person.scopes.is_empty() || person.may(object, "update");
        let before = cells.position()?;
        let text = json!({ "text": format!("{name} was here") });
        let reply = client.ask("POST", &format!("{base}/comments"), &text)?;
        let may = has_voice && seen == 200;
        cells.written(&|| what("a comment"), before, &reply, may)?;
        let refused = if has_voice { seen } else { 403 };
        if !may {
            cells.equal(|| what("a refused comment"), reply.status, refused);
            continue;
        }
        let id = reply.json()?["comment"]["id"].as_i64().context("no id")?;
        let own = format!("{base}/comments/{id}");
        // Nobody else's to change, not even the owner's of the place.
        let theirs = world.owner.ask("PATCH", &own, &text)?;
        cells.equal(|| what("another one's comment"), theirs.status, 404);
        let reply = client.ask("DELETE", &own, &Json::Null)?;
        cells.equal(|| what("the own comment back"), reply.status, 204);
    }
    marks(cells, person, client)
}

/// Notifications are of those records that the person sees, and of all of
/// these.
fn told(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let world = cells.world;
    let mut all = Vec::new();
    let mut page = String::new();
    loop {
        let list = client.get(&format!("/api/notifications?limit=100{page}"))?;
        all.extend_from_slice(list["notifications"].as_array().context("no list")?);
        let Some(next) = list["next"].as_i64() else {
            break;
        };
        page = format!("&before={next}");
    }
    let of: BTreeSet<i64> = (all.iter())
        .filter(|n| n["kind"] == "mention" && n["object"] == "customer")
        .filter_map(|n| n["record"].as_i64())
        .collect();
    let wanted: BTreeSet<i64> = (world.records("customer"))
        .filter(|c| person.may_with("customer", "read", &c.owned))
        .map(|c| c.id)
        .collect();
    cells.equal(|| format!("{}, mentions", person.name), of, wanted);
    seen(cells, person, "notifications", &all, "record")
}

/// Nothing of the day is of a record that the person does not see.
fn day(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let day = client.get("/api/today")?;
    let sections = day["sections"].as_array().context("no sections")?;
    cells.is(
        || format!("{}, the day", person.name),
        ensured(!sections.is_empty(), || "it has no section".to_owned()),
    );
    for section in sections {
        let what = section["kind"].as_str().unwrap_or_default();
        for list in ["rows", "changes"] {
            let rows = section[list].as_array().cloned().unwrap_or_default();
            seen(cells, person, what, &rows, "id")?;
            for row in rows.iter().filter(|row| row["customer"].is_object()) {
                let customer = json!([{ "object": "customer", "id": row["customer"]["id"] }]);
                let customer = customer.as_array().cloned().unwrap_or_default();
                seen(cells, person, what, &customer, "id")?;
            }
        }
    }
    Ok(())
}

fn marks(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let list = client.get("/api/favourites")?;
    let all = list["favourites"].as_array().context("no list")?;
    seen(cells, person, "favourites", all, "id")
}

fn seen(cells: &mut Cells<'_>, person: &Person, what: &str, rows: &[Json], id: &str) -> Result<()> {
    let world: &World = cells.world;
    for row in rows {
        let object = row["object"].as_str().unwrap_or_default();
        let known = world.records(object).find(|r| row[id] == r.id);
        let Some(record) = known else { continue };
        let holds = ensured(person.may_with(object, "read", &record.owned), || {
            format!("{object} {} of {} is shown", record.id, record.of)
        });
        cells.is(|| format!("{}, {what}", person.name), holds);
    }
    Ok(())
}

//! Duplicates: what is typed tells of others' records that they are there and no
//! more; looking at a merge, merging, undoing and telling apart take the rights
//! to both records, and the list is of those of which both are seen.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};

use super::super::server::Client;
use super::policy::Person;
use super::world::{CUSTOMERS, Record};
use super::{Cells, ensured, text};

const DOOR: &str = "/api/duplicates/customer";

/// All customers have it, so that each of them is like each other one.
const NAME: &str = "甲乙丙丁贸易有限公司";

const MERGING: [&str; 3] = ["read", "update", "delete"];

const SCANNED_WITHIN: Duration = Duration::from_secs(60);

/// Makes all customers alike and compares them as the owner; then everybody
/// lists the pairs. Later tries change what is listed.
pub fn scan(cells: &mut Cells<'_>) -> Result<()> {
    let world = cells.world;
    alike(cells)?;
    let owner = &world.owner;
    let before = owner.get(DOOR)?["last_scan"]["begun_at"].clone();
    let path = format!("{DOOR}/scan");
    owner.ask("POST", &path, &json!({}))?.good()?;
    let until = Instant::now() + SCANNED_WITHIN;
    loop {
        let found = owner.get(DOOR)?;
        if found["last_scan"].is_object() && found["last_scan"]["begun_at"] != before {
            break;
        }
        if Instant::now() > until {
            bail!("no scan: {found}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let all: Vec<&Record> = world.records("customer").collect();
    let of = |seen: &dyn Fn(&Record) -> bool| -> BTreeSet<(i64, i64)> {
        let seen: Vec<i64> = all.iter().filter(|r| seen(r)).map(|r| r.id).collect();
        (seen.iter())
            .flat_map(|a| seen.iter().map(move |b| (*a, *b)))
            .filter(|(a, b)| a < b)
            .collect()
    };
    let whole = pairs(&owner.get(DOOR)?)?;
    cells.equal(|| "the owner, pairs".to_owned(), whole, of(&|_| true));
    for person in &world.people {
        let client = owner.with(&person.token);
        let name = &person.name;
        let reply = client.ask("GET", DOOR, &Json::Null)?;
        if !person.may("customer", "read") {
            cells.equal(|| format!("{name}, pairs"), reply.status, 403);
            continue;
        }
        let list = reply.json()?;
        let wanted = of(&|r| person.may_with("customer", "read", &r.owned));
        cells.equal(|| format!("{name}, pairs"), pairs(&list)?, wanted);
        let may = person.may("customer", "update") && person.may("customer", "delete");
        cells.equal(
            || format!("{name}, is told that he may merge"),
            list["may_merge"] == true,
            may,
        );
    }
    Ok(())
}

pub fn compare(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    alike(cells)?;
    checks(cells, person, client)?;
    let name = &person.name;
    let may_all = |actions: &[&str]| actions.iter().all(|a| person.may("customer", a));
    let may_ask = may_all(&["update", "delete"]);
    let reply = client.ask("POST", &format!("{DOOR}/scan"), &json!({}))?;
    let wanted = if may_ask { 202 } else { 403 };
    cells.equal(|| format!("{name}, a scan"), reply.status, wanted);

    let all: Vec<&Record> = cells.world.records("customer").collect();
    for (a, b) in all.iter().zip(all.iter().cycle().skip(1)) {
        let reaches = |actions: &[&str]| {
            let each = |r: &Record| {
                let may = |action: &&str| person.may_with("customer", action, &r.owned);
                actions.iter().all(may)
            };
            each(a) && each(b)
        };
        let status = |actions: &[&str], granted: &[&str], good: u16| match (
            may_all(granted),
            reaches(actions),
        ) {
            (false, _) => 403,
            (true, false) => 404,
            (true, true) => good,
        };
        let what = |door: &str| format!("{name}, {door} of {} and {}", a.id, b.id);
        let path = format!("{DOOR}/preview?survivor={}&loser={}", a.id, b.id);
        let reply = client.ask("GET", &path, &Json::Null)?;
        let wanted = status(&MERGING, &MERGING, 200);
        cells.equal(|| what("the look"), reply.status, wanted);
        let both = wanted == 200;

        // Told apart, and that taken back.
        let two = json!({ "a": a.id, "b": b.id });
        let path = format!("{DOOR}/distinct");
        let wanted = status(&["read", "update"], &["update"], 204);
        for method in ["POST", "DELETE"] {
            let reply = client.ask(method, &path, &two)?;
            cells.equal(|| what(&format!("{method} distinct")), reply.status, wanted);
        }

        // Made one by him; where he may, two again.
        let merges = format!("{DOOR}/merges");
        let order = json!({ "survivor": a.id, "loser": b.id });
        let before = cells.position()?;
        let reply = client.ask("POST", &merges, &order)?;
        cells.written(&|| what("the merge"), before, &reply, both)?;
        if reply.status == 201 {
            undone(
                cells,
                client,
                &reply.json()?,
                &|| what("the own undo"),
                both,
            )?;
        }
        // Made one by the owner, and he takes it back.
        let merged = cells.world.owner.ask("POST", &merges, &order)?.json()?;
        undone(cells, client, &merged, &|| what("the undo"), both)?;
    }
    merged(cells, person, client)
}

/// Asks who comes for an undo, and the owner where that was refused.
fn undone(
    cells: &mut Cells<'_>,
    client: &Client,
    merge: &Json,
    what: &dyn Fn() -> String,
    may: bool,
) -> Result<()> {
    let path = format!("{DOOR}/merges/{}/undo", merge["id"]);
    let before = cells.position()?;
    let reply = client.ask("POST", &path, &json!({}))?;
    cells.written(what, before, &reply, may)?;
    if reply.status != 200 {
        cells.world.owner.ask("POST", &path, &json!({}))?.good()?;
    }
    Ok(())
}

/// Merges are listed to who sees what they left.
fn merged(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let name = &person.name;
    let reply = client.ask("GET", &format!("{DOOR}/merges"), &Json::Null)?;
    if !person.may("customer", "read") {
        cells.equal(|| format!("{name}, merges"), reply.status, 403);
        return Ok(());
    }
    let list = reply.json()?;
    let seen = seen(cells, person);
    for merge in list["merges"].as_array().context("no merges")? {
        let is_seen = merge["survivor"]
            .as_i64()
            .is_some_and(|id| seen.contains(&id));
        cells.is(
            || format!("{name}, merges"),
            ensured(is_seen, || merge.to_string()),
        );
    }
    Ok(())
}

/// Every customer is as alike to what is typed as every other: those that are
/// seen are told with id and title, the others by number only.
fn checks(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let name = &person.name;
    let path = format!("{DOOR}/check");
    let may = person.may("customer", "create") || person.may("customer", "update");
    let sees_phone = person.sees_field("customer.phone");
    let seen = seen(cells, person);
    let others = CUSTOMERS
        .iter()
        .filter(|(number, _)| !seen.contains(&cells.world.customers[*number]));
    let mut covered: Vec<Option<String>> = others
        .map(|(_, login)| Some(format!("{}*", login.chars().next()?)))
        .collect();
    covered.sort();
    for (number, _) in CUSTOMERS {
        let what = || format!("{name}, check with what {number} has");
        let typed = json!({ "values": { "name": NAME, "phone": phone(number) } });
        let mut reply = client.ask("POST", &path, &typed)?;
        if !may {
            cells.equal(what, reply.status, 403);
            continue;
        }
        if !sees_phone {
            cells.equal(what, reply.status, 422);
            let typed = json!({ "values": { "name": NAME } });
            reply = client.ask("POST", &path, &typed)?;
        }
        let answer = reply.json()?;
        let matches = answer["matches"].as_array().context("no matches")?;
        let told: BTreeSet<i64> = matches.iter().filter_map(|m| m["id"].as_i64()).collect();
        cells.equal(what, told, seen.clone());
        let (open, closed): (Vec<&Json>, Vec<&Json>) =
            matches.iter().partition(|m| m["id"].is_i64());
        let is_whole = open.iter().all(|m| m["title"] == NAME);
        let is_covered = closed
            .iter()
            .all(|m| m["title"].is_null() && m["number"].is_null());
        cells.is(what, ensured(is_whole && is_covered, || answer.to_string()));
        let mut owners: Vec<Option<String>> = (closed.iter())
            .map(|m| m["owner"].as_str().map(str::to_owned))
            .collect();
        owners.sort();
        cells.equal(what, owners, covered.clone());
        if seen.is_empty() {
            let leaks = [NAME, &phone(number)]
                .iter()
                .any(|s| text(&reply).contains(s));
            cells.is(what, ensured(!leaks, || text(&reply)));
        }
    }
    Ok(())
}

fn seen(cells: &Cells<'_>, person: &Person) -> BTreeSet<i64> {
    let all = cells.world.records("customer");
    all.filter(|r| person.may_with("customer", "read", &r.owned))
        .map(|r| r.id)
        .collect()
}

fn phone(number: &str) -> String {
    format!("1380000000{}", number.trim_start_matches('K'))
}

fn pairs(list: &Json) -> Result<BTreeSet<(i64, i64)>> {
    let side = |pair: &Json, side: &str| pair[side]["id"].as_i64().context("no id");
    let all = list["pairs"].as_array().context("no pairs")?;
    (all.iter())
        .map(|pair| Ok((side(pair, "a")?, side(pair, "b")?)))
        .collect()
}

/// Others of the doors change names and phones.
fn alike(cells: &Cells<'_>) -> Result<()> {
    let world = cells.world;
    for (number, id) in &world.customers {
        let body = json!({ "name": NAME, "phone": phone(number) });
        let path = format!("/api/records/customer/{id}");
        world.owner.ask("PATCH", &path, &body)?.good()?;
    }
    Ok(())
}

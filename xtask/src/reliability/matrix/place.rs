//! What concerns the whole place: people, roles, the log, imports of orders,
//! evaluations; and whoever comes without a name.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::super::server::Client;
use super::policy::Person;
use super::{Cells, ensured, text};

/// Method, path, body, and the administrator's right that it takes.
fn doors(cells: &Cells<'_>) -> Vec<(&'static str, String, Json, &'static str)> {
    let world = cells.world;
    let (li, customer) = (world.users["li"], world.customers["K3"]);
    vec![
        (
            "POST",
            "/api/users".into(),
            json!({ "login": "x", "name": "x", "role": "owner" }),
            "users",
        ),
        (
            "PATCH",
            format!("/api/users/{li}"),
            json!({ "role": "owner" }),
            "users",
        ),
        (
            "POST",
            format!("/api/users/{li}/hand-over"),
            json!({ "to": world.users["wang"] }),
            "users",
        ),
        (
            "POST",
            "/api/departments".into(),
            json!({ "name": "x" }),
            "users",
        ),
        (
            "PATCH",
            "/api/departments/1".into(),
            json!({ "name": "x" }),
            "users",
        ),
        ("DELETE", "/api/departments/1".into(), Json::Null, "users"),
        (
            "PUT",
            "/api/roles/wide".into(),
            json!({ "name": { "zh": "x", "en": "x" }, "about": { "zh": "", "en": "" }, "grants": [] }),
            "roles",
        ),
        ("DELETE", "/api/roles/narrow".into(), Json::Null, "roles"),
        ("GET", "/api/audit".into(), Json::Null, "audit"),
        ("GET", "/api/imports".into(), Json::Null, "imports"),
        (
            "POST",
            "/api/imports?filename=o.csv".into(),
            Json::Null,
            "imports",
        ),
        ("POST", "/api/evaluations".into(), json!({}), "evaluations"),
        ("GET", "/api/design".into(), Json::Null, "design"),
        (
            "GET",
            "/api/design/objects/customer".into(),
            Json::Null,
            "design",
        ),
        ("GET", "/api/design/export".into(), Json::Null, "design"),
        ("GET", "/api/design/packs".into(), Json::Null, "design"),
        (
            "POST",
            "/api/design".into(),
            json!({ "version": 0, "objects": [{ "id": "customer", "draft": null }] }),
            "design",
        ),
        (
            "POST",
            "/api/design/rollback".into(),
            json!({ "version": 0, "to": 0 }),
            "design",
        ),
        (
            "POST",
            "/api/design/packs/inventory".into(),
            json!({ "version": 0 }),
            "design",
        ),
        (
            "POST",
            "/api/design/packs/inventory/remove".into(),
            json!({ "version": 0 }),
            "design",
        ),
        (
            "POST",
            "/api/design/trash/discard".into(),
            json!({ "object": "customer", "field": "x_a" }),
            "design",
        ),
        ("GET", "/api/design/forms".into(), Json::Null, "design"),
        ("POST", "/api/design/forms".into(), form(), "design"),
        ("PUT", "/api/design/forms/1".into(), form(), "design"),
        ("DELETE", "/api/design/forms/1".into(), Json::Null, "design"),
        (
            "POST",
            "/api/views/customer".into(),
            json!({ "name": "x", "state": {}, "shared_with": "*" }),
            "design",
        ),
        (
            "POST",
            format!("/api/customers/{customer}/shares"),
            json!({ "user": li, "access": "write" }),
            "share",
        ),
    ]
}

fn form() -> Json {
    json!({
        "object": "customer",
        "title": { "zh": "x", "en": "x" },
        "fields": [{ "field": "name" }, { "field": "phone" }],
    })
}

/// Views that everybody may have, each with a field that its reader has to see.
const SHARED: [(&str, &str, &str); 4] = [
    ("by name", "where", "name is not null"),
    ("by phone", "where", "phone is not null"),
    ("in order", "sort", "phone"),
    ("with", "columns", "name,phone"),
];

/// What the owner shares, and one that he keeps.
pub fn share(cells: &Cells<'_>) -> Result<()> {
    let owner = &cells.world.owner;
    for (name, part, text) in SHARED {
        let body = json!({ "name": name, "state": { part: text }, "shared_with": "*" });
        owner.ask("POST", "/api/views/customer", &body)?.good()?;
    }
    let own = json!({ "name": "own", "state": {} });
    owner.ask("POST", "/api/views/customer", &own)?.good()?;
    Ok(())
}

/// Nobody is offered a view that names what he does not see, or that another
/// keeps.
fn views(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let name = &person.name;
    let reply = client.ask("GET", "/api/views/customer", &Json::Null)?;
    let may = person.may("customer", "read");
    let wanted = if may { 200 } else { 403 };
    cells.equal(|| format!("{name}, views"), reply.status, wanted);
    if !may {
        return Ok(());
    }
    let list = reply.json()?;
    let offered = list["views"].as_array().into_iter().flatten();
    // Whose they are sees all of them.
    if offered.clone().any(|view| view["is_own"] == true) {
        return Ok(());
    }
    let mut offered: Vec<String> = offered
        .filter_map(|view| view["name"].as_str().map(str::to_owned))
        .collect();
    offered.sort();
    let sees = person.sees_field("customer.phone");
    let right = SHARED
        .iter()
        .filter(|(_, _, text)| sees || !text.contains("phone"));
    let mut right: Vec<String> = right.map(|(name, ..)| (*name).to_owned()).collect();
    right.sort();
    offered.dedup();
    cells.equal(|| format!("{name}, which views"), offered, right);
    Ok(())
}

pub fn compare(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    views(cells, person, client)?;
    let name = person.name.clone();
    for (method, path, body, admin) in doors(cells) {
        let may = match admin {
            "share" => {
                let zhao = cells.world.users["zhao"];
                let owned = super::policy::Owned {
                    user: Some(zhao),
                    customer: None,
                    customer_user: Some(zhao),
                    is_somebodys: true,
                };
                person.may_with("customer", "update", &owned)
            }
            // One may see the imports that one may make.
            "imports" if method == "GET" => continue,
            admin => person.administers(admin),
        };
        // Who may do it is not made to: it would change the company.
        if may {
            continue;
        }
        let before = cells.position()?;
        let reply = client.ask(method, &path, &body)?;
        if method == "GET" {
            cells.equal(|| format!("{name}, {path}"), reply.status, 403);
        } else {
            cells.written(
                &|| format!("{name}, {method} {path}"),
                before,
                &reply,
                false,
            )?;
        }
    }
    log(cells, person, client)?;
    // Counts are told to whoever sees all that is counted.
    let status = client.get("/api/status")?;
    for (object, n) in status["counts"].as_object().into_iter().flatten() {
        let known = cells.world.objects.iter().find(|o| o.id == *object);
        let sees_all = known.is_some_and(|o| {
            o.records
                .iter()
                .all(|r| person.may_with(object, "read", &r.owned))
        });
        cells.is(
            || format!("{name}, count of {object}"),
            ensured(sees_all, || n.to_string()),
        );
    }
    Ok(())
}

/// Who may look at the log of all changes finds in it what happened to the
/// records that he sees, and of these no field that is hidden from him.
fn log(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    if !person.administers("audit") {
        return Ok(());
    }
    let (name, world) = (&person.name, cells.world);
    let (mut told, mut page) = (BTreeSet::new(), String::new());
    loop {
        let list = client.get(&format!("/api/audit?limit=500{page}"))?;
        for entry in list["entries"].as_array().context("no entries")? {
            let object = entry["object"].as_str().unwrap_or_default();
            if !world.objects.iter().any(|o| o.id == object) {
                continue;
            }
            let what = || format!("{name}, the log of {object} {}", entry["record"]);
            let hidden = person
                .role
                .fields
                .iter()
                .filter(|(_, as_)| *as_ == "hidden");
            let hidden = hidden.filter_map(|(field, _)| field.strip_prefix(object));
            for field in hidden.filter_map(|field| field.strip_prefix('.')) {
                let is_there = |side: &str| entry[side].get(field).is_some();
                let holds = !is_there("before") && !is_there("after");
                cells.is(what, ensured(holds, || format!("{field} is shown")));
            }
            let known = world.records(object).find(|r| entry["record"] == r.id);
            let may = match known {
                Some(record) => person.may_with(object, "read", &record.owned),
                None => person.may(object, "read"),
            };
            cells.is(what, ensured(may, || "it is shown".to_owned()));
            told.extend(known.map(|record| (object.to_owned(), record.id)));
        }
        match list["next"].as_i64() {
            Some(next) => page = format!("&before={next}"),
            None => break,
        }
    }
    for customer in world.records("customer") {
        cells.equal(
            || format!("{name}, the log has {}", customer.of),
            told.contains(&("customer".to_owned(), customer.id)),
            person.may_with("customer", "read", &customer.owned),
        );
    }
    Ok(())
}

/// A form tells whoever comes the same, and writes what it asks for and nothing
/// else; an address that was not given out is no form.
fn forms(cells: &mut Cells<'_>, client: &Client) -> Result<()> {
    let made = cells
        .world
        .owner
        .ask("POST", "/api/design/forms", &form())?;
    let made = made.json()?;
    let token = made["token"].as_str().unwrap_or_default();
    let path = format!("/api/forms/{token}");
    let asked = client.ask("GET", &path, &Json::Null)?.json()?;
    let told = asked.to_string();
    for customer in cells.world.customers.keys() {
        let is_told = told.contains(&format!("\"{customer}\""));
        cells.equal(
            || format!("nobody, a form tells of {customer}"),
            is_told,
            false,
        );
    }
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let answers = format!("{path}/answers");
    for (field, status) in [("name", 201), ("user", 422), ("id", 422), ("city", 422)] {
        let before = cells.position()?;
        let mut values = json!({ "name": "x" });
        values[field] = json!("x");
        let body = json!({ "ticket": asked["ticket"], "values": values });
        let reply = client.ask("POST", &answers, &body)?;
        cells.equal(
            || format!("nobody, answers {field}: {}", text(&reply)),
            reply.status,
            status,
        );
        let is_written = cells.position()? > before;
        cells.equal(
            || format!("nobody, answers {field}, written"),
            is_written,
            status == 201,
        );
    }
    let before = cells.position()?;
    for token in ["0".repeat(32), "1".to_owned()] {
        let path = format!("/api/forms/{token}");
        let reply = client.ask("GET", &path, &Json::Null)?;
        cells.equal(|| format!("nobody, {path}"), reply.status, 404);
        let body = json!({ "ticket": asked["ticket"], "values": { "name": "x" } });
        let reply = client.ask("POST", &format!("{path}/answers"), &body)?;
        cells.equal(|| format!("nobody, answers {path}"), reply.status, 404);
    }
    let after = cells.position()?;
    cells.equal(
        || "nobody, unknown forms, written".to_owned(),
        after,
        before,
    );
    Ok(())
}

/// Nothing is told to, or done for, whoever has not signed in.
pub fn anonymous(cells: &mut Cells<'_>) -> Result<()> {
    let client = cells.world.owner.with("");
    forms(cells, &client)?;
    let mut all: Vec<(String, String)> = doors(cells)
        .into_iter()
        .map(|(method, path, ..)| (method.to_owned(), path))
        .collect();
    for object in &cells.world.objects {
        let path = format!("/api/records/{}", object.id);
        let one = object.records.first().map_or(1, |r| r.id);
        for (method, rest) in [
            ("GET", String::new()),
            ("POST", String::new()),
            ("GET", format!("/{one}")),
            ("PATCH", format!("/{one}")),
            ("DELETE", format!("/{one}")),
            ("GET", format!("/{one}/history")),
            ("POST", "/bulk".to_owned()),
            ("GET", "/groups?by=user".to_owned()),
        ] {
            all.push((method.to_owned(), format!("{path}{rest}")));
        }
        all.push((
            "GET".to_owned(),
            format!("/api/exports/records/{}?format=csv", object.id),
        ));
    }
    for (method, path) in [
        ("GET", "/api/duplicates/customer"),
        ("POST", "/api/duplicates/customer/check"),
        ("POST", "/api/duplicates/customer/scan"),
        ("POST", "/api/duplicates/customer/distinct"),
        ("DELETE", "/api/duplicates/customer/distinct"),
        ("GET", "/api/duplicates/customer/preview?survivor=1&loser=2"),
        ("GET", "/api/duplicates/customer/merges"),
        ("POST", "/api/duplicates/customer/merges"),
        ("POST", "/api/duplicates/customer/merges/1/undo"),
        ("POST", "/api/files?name=x"),
        ("GET", "/api/files/1/content"),
        ("PUT", "/api/files/1/content"),
    ] {
        all.push((method.to_owned(), path.to_owned()));
    }
    for path in [
        "/api/status",
        "/api/catalog",
        "/api/objects",
        "/api/customers",
        "/api/evaluations",
        "/api/tokens",
        "/api/roles",
        "/api/departments",
        "/api/views/customer",
    ] {
        all.push(("GET".to_owned(), path.to_owned()));
    }
    for (method, path) in all {
        let before = cells.position()?;
        let body = if method == "GET" {
            Json::Null
        } else {
            json!({})
        };
        let reply = client.ask(&method, &path, &body)?;
        cells.equal(
            || format!("nobody, {method} {path}: {}", text(&reply)),
            reply.status,
            401,
        );
        let after = cells.position()?;
        cells.equal(
            || format!("nobody, {method} {path}, written"),
            after,
            before,
        );
    }
    Ok(())
}

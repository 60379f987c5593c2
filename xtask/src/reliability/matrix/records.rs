//! Records by the generic doors: list, count, groups, search, get, history, export,
//! create, change, several at once, delete, import.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::super::server::Client;
use super::policy::Person;
use super::world::{CUSTOMERS, Object, Record, fields};
use super::{Cells, ensured, text};

pub fn compare(
    cells: &mut Cells<'_>,
    person: &Person,
    client: &Client,
    object: &Object,
) -> Result<()> {
    let (id, name) = (object.id.as_str(), &person.name);
    let may = |action: &str, r: &Record| person.may_with(id, action, &r.owned);
    let seen: BTreeSet<i64> = (object.records.iter())
        .filter(|r| may("read", r))
        .map(|r| r.id)
        .collect();
    let is_readable = person.may(id, "read");

    // List, count and search.
    let reply = client.send(
        "GET",
        &format!("/api/records/{id}?limit=1000&count=true"),
        b"",
    )?;
    let what = |door: &'static str| move || format!("{name}, {id}, {door}");
    if is_readable {
        let list = reply.json()?;
        let rows = list["rows"].as_array().context("no rows")?;
        let found: BTreeSet<i64> = rows.iter().filter_map(|r| r["id"].as_i64()).collect();
        cells.equal(what("list"), found, seen.clone());
        cells.equal(
            what("count"),
            list["total"].as_i64(),
            i64::try_from(seen.len()).ok(),
        );
        let is_part = seen.len() < object.records.len();
        let told = list["is_partial"] == true;
        cells.is(
            what("says that it is a part"),
            ensured(told || !is_part, || list.to_string()),
        );
        // No link shows the title of what may not be seen.
        for row in rows {
            for (field, link) in row["links"].as_object().into_iter().flatten() {
                let to = fields(&object.doc).find(|f| f["id"] == field.as_str());
                let to = to.and_then(|f| f["to"].as_str()).unwrap_or_default();
                cells.is(
                    || format!("{name}, {id}, {field} leads to {link}"),
                    ensured(
                        sees(cells_world(cells), person, to, link["id"].as_i64()),
                        String::new,
                    ),
                );
            }
        }
        grouped(cells, person, client, object, &seen)?;
        let has_search = fields(&object.doc).any(|f| f["search"] == true);
        for (number, _) in CUSTOMERS {
            let word = format!("%E6%A0%87%E8%AE%B0{number}");
            let found = client.get(&format!("/api/records/{id}?limit=1000&search={word}"))?;
            let found = found["rows"].as_array().context("no rows")?.clone();
            let found: BTreeSet<i64> = found.iter().filter_map(|r| r["id"].as_i64()).collect();
            cells.is(
                what("search"),
                ensured(found.is_subset(&seen), || {
                    format!("{found:?} not in {seen:?}")
                }),
            );
            // The best of many are found another way.
            if has_search {
                let path = format!("/api/search?q={word}&limit=50&objects={id}");
                let hits = client.get(&path)?["hits"].clone();
                let hits = hits.as_array().context("no hits")?;
                let best: BTreeSet<i64> = hits.iter().filter_map(|h| h["id"].as_i64()).collect();
                cells.is(
                    what("best of a search"),
                    ensured(best.is_subset(&seen), || {
                        format!("{best:?} not in {seen:?}")
                    }),
                );
            }
        }
    } else {
        cells.equal(what("list"), reply.status, 403);
        let path = format!("/api/search?q=x&objects={id}");
        let reply = client.send("GET", &path, b"")?;
        cells.equal(what("best of a search"), reply.status, 403);
        for field in fields(&object.doc).filter_map(|f| f["id"].as_str()) {
            let path = format!("/api/records/{id}/groups?by={field}");
            let reply = client.send("GET", &path, b"")?;
            cells.equal(what("groups"), reply.status, 403);
        }
    }

    // One record and its history.
    for record in &object.records {
        let wanted = match (is_readable, may("read", record)) {
            (false, _) => 403,
            (true, false) => 404,
            (true, true) => 200,
        };
        for rest in ["", "/history"] {
            let reply = client.send(
                "GET",
                &format!("/api/records/{id}/{}{rest}", record.id),
                b"",
            )?;
            let what = || format!("{name}, {id} {} of {}{rest}", record.id, record.of);
            cells.equal(what, reply.status, wanted);
            for field in fields(&object.doc).filter_map(|f| f["id"].as_str()) {
                if !person.sees_field(&format!("{id}.{field}")) {
                    let leaks = text(&reply).contains(&format!("\"{field}\""));
                    cells.is(
                        || format!("{name}, {id}.{field}{rest}"),
                        ensured(!leaks, || text(&reply)),
                    );
                }
            }
        }
    }

    // A file of them.
    let reply = client.send("GET", &format!("/api/exports/records/{id}?format=csv"), b"")?;
    if person.may(id, "export") && is_readable {
        let n = String::from_utf8_lossy(&reply.body).lines().count();
        let wanted = object
            .records
            .iter()
            .filter(|r| may("export", r) && may("read", r))
            .count();
        cells.equal(what("export"), (reply.status, n), (200, wanted + 1));
    } else {
        cells.equal(what("export"), reply.status, 403);
    }
    if object.is_writable {
        writes(cells, person, client, object)?;
    } else {
        let before = cells.position()?;
        let path = format!("/api/records/{id}");
        let first = object.records.first().map_or(1, |r| r.id);
        for (method, path) in [
            ("POST", path.clone()),
            ("PATCH", format!("{path}/{first}")),
            ("DELETE", format!("{path}/{first}")),
        ] {
            let reply = client.ask(method, &path, &json!({}))?;
            cells.written(
                &|| format!("{name}, {method} {path}"),
                before,
                &reply,
                false,
            )?;
        }
    }
    Ok(())
}

/// By every field: no record is counted that is not seen, no hidden field makes
/// groups or sums, and no group is called by what is not seen.
fn grouped(
    cells: &mut Cells<'_>,
    person: &Person,
    client: &Client,
    object: &Object,
    seen: &BTreeSet<i64>,
) -> Result<()> {
    let (id, name) = (object.id.as_str(), &person.name);
    let kind = |f: &Json| f["type"].as_str().unwrap_or_default().to_owned();
    let number = fields(&object.doc)
        .find(|f| ["decimal", "int"].contains(&kind(f).as_str()) && f["is_computed"] != true);
    let number = number.and_then(|f| f["id"].as_str());
    let number = number.filter(|f| person.sees_field(&format!("{id}.{f}")));
    for field in fields(&object.doc) {
        let by = field["id"].as_str().unwrap_or_default();
        let sum = number.map_or(String::new(), |f| format!("&sum={f}"));
        let path = format!("/api/records/{id}/groups?by={by}{sum}");
        let reply = client.send("GET", &path, b"")?;
        let what = || format!("{name}, {path}");
        // What is worked out need not make groups; where it does, they hold.
        if field["is_computed"] == true && reply.status == 422 {
            continue;
        }
        let is_number = ["decimal", "int", "float"].contains(&kind(field).as_str());
        if is_number || !person.sees_field(&format!("{id}.{by}")) {
            cells.equal(what, reply.status, 422);
            if is_number && !person.sees_field(&format!("{id}.{by}")) {
                let path = format!("/api/records/{id}/groups?by=user&sum={by}");
                let reply = client.send("GET", &path, b"")?;
                cells.equal(|| format!("{name}, {path}"), reply.status, 422);
            }
            continue;
        }
        let found = reply.json()?;
        cells.equal(
            what,
            found["count"].as_u64(),
            u64::try_from(seen.len()).ok(),
        );
        let to = field["to"].as_str().unwrap_or_default();
        for group in found["groups"].as_array().context("no groups")? {
            let Some(link) = group["value"].as_i64() else {
                continue;
            };
            let is_named = !group["label"].is_null();
            let may =
                !is_named || (person.may(to, "read") && sees(cells.world, person, to, Some(link)));
            cells.is(what, ensured(may, || group.to_string()));
        }
    }
    Ok(())
}

fn cells_world<'a>(cells: &Cells<'a>) -> &'a super::World {
    cells.world
}

fn sees(world: &super::World, person: &Person, object: &str, id: Option<i64>) -> bool {
    let object = world.objects.iter().find(|o| o.id == object);
    object.is_none_or(|object| {
        let record = object.records.iter().find(|r| Some(r.id) == id);
        record.is_none_or(|r| person.may_with(&object.id, "read", &r.owned))
    })
}

fn writes(cells: &mut Cells<'_>, person: &Person, client: &Client, object: &Object) -> Result<()> {
    let (id, name) = (object.id.as_str(), &person.name);
    let path = format!("/api/records/{id}");
    let text_field = fields(&object.doc).find(|f| {
        let field = f["id"].as_str().unwrap_or_default();
        // By whom a record was made nobody changes.
        f["type"] == "text"
            && f["unique"] != true
            && f["is_computed"] != true
            && field != "created_by"
            && object.doc["number"] != f["id"]
            && person.sees_field(&format!("{id}.{field}"))
    });
    for record in object
        .records
        .iter()
        .filter(|r| !r.body.is_empty() || id == "customer")
    {
        let of = &record.of;
        // Changed, alone and among others.
        if let Some(field) = text_field.and_then(|f| f["id"].as_str()) {
            let may = person.may_with(id, "update", &record.owned)
                && person.writes_field(&format!("{id}.{field}"));
            let before = cells.position()?;
            let values = json!({ field: format!("{} {name} {before}", record.body.get(field).and_then(Json::as_str).unwrap_or("x")) });
            let reply = client.ask("PATCH", &format!("{path}/{}", record.id), &values)?;
            cells.written(
                &|| format!("{name}, change {id} of {of}"),
                before,
                &reply,
                may,
            )?;
            let before = cells.position()?;
            let values = json!({ field: format!("{} {name} {before} b", record.body.get(field).and_then(Json::as_str).unwrap_or("x")) });
            let several = json!({ "atomic": true, "operations": [{ "update": { "id": record.id, "values": values } }] });
            let reply = client.ask("POST", &format!("{path}/bulk"), &several)?;
            cells.written(
                &|| format!("{name}, bulk change {id} of {of}"),
                before,
                &reply,
                may,
            )?;
        }
        if id == "customer" {
            continue;
        }
        // Another like it, and that one gone again.
        let mut body = record.body.clone();
        let keeps_user = object.has_user && !person.writes_field(&format!("{id}.user"));
        if keeps_user {
            body.remove("user");
        }
        let mut owned = record.owned;
        if object.has_user && keeps_user {
            owned.user = Some(person.user);
        }
        let links_seen = fields(&object.doc)
            .filter(|f| f["type"] == "link")
            .all(|f| {
                let to = f["to"].as_str().unwrap_or_default();
                let value = body
                    .get(f["id"].as_str().unwrap_or_default())
                    .and_then(Json::as_i64);
                value.is_none() || (person.may(to, "read") && sees(cells.world, person, to, value))
            });
        let is_kept = body
            .keys()
            .any(|f| !person.writes_field(&format!("{id}.{f}")));
        let may = person.may_with(id, "create", &owned) && links_seen && !is_kept;
        let before = cells.position()?;
        let mut fresh = body.clone();
        for field in fields(&object.doc).filter(|f| f["unique"] == true) {
            let field = field["id"].as_str().unwrap_or_default();
            if fresh.contains_key(field) {
                fresh.insert(field.to_owned(), json!(format!("{id} {name} {before}")));
            }
        }
        let reply = client.ask("POST", &path, &Json::Object(fresh.clone()))?;
        cells.written(
            &|| format!("{name}, create {id} for {of}"),
            before,
            &reply,
            may,
        )?;
        let made = match reply.json() {
            Ok(made) => made,
            Err(_) => {
                let reply = cells.world.owner.ask("POST", &path, &Json::Object(fresh))?;
                reply.json().with_context(|| format!("the owner's {id}"))?
            }
        };
        let made_id = made["id"].as_i64().context("no id")?;
        let owned = match reply.status {
            201 => owned,
            _ => record.owned,
        };
        let may = person.may_with(id, "delete", &owned);
        let before = cells.position()?;
        let one = format!("{path}/{made_id}");
        let reply = client.ask("DELETE", &one, &Json::Null)?;
        cells.written(
            &|| format!("{name}, delete {id} of {of}"),
            before,
            &reply,
            may,
        )?;
        if !may {
            let gone = cells.world.owner.ask("DELETE", &one, &Json::Null)?;
            ensured(gone.status == 204, || format!("{one}: {}", text(&gone)))?;
        }
    }
    Ok(())
}

/// A file with one record: only whose role imports such may send it, and none
/// for a customer that he may not work on.
pub fn imported(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let world = cells.world;
    let object = world.objects.iter().find(|o| o.id == "contact");
    let object = object.context("no contacts")?;
    let (id, name) = (object.id.as_str(), &person.name);
    for (number, _) in CUSTOMERS {
        let Some(record) = object.records.iter().find(|r| r.of == number) else {
            continue;
        };
        let before = cells.position()?;
        let file = format!("客户,姓名\n{number},导入{name}{before}\n");
        let path = format!("/api/imports?filename=c.csv&object={id}&mode=add");
        let sent = client.send("POST", &path, file.as_bytes())?;
        let what = || format!("{name}, import {id} for {number}");
        if !person.may(id, "import") {
            cells.written(&what, before, &sent, false)?;
            continue;
        }
        let import = sent.json()?["id"].as_i64().context("no import")?;
        let ended = client.settled(import, std::time::Duration::from_secs(30))?;
        // A file of which every row was turned away has no batch.
        let made = ended["summary"]["records_new"].as_i64();
        let may = person.may_with(id, "import", &record.owned);
        cells.equal(
            what,
            (ended["state"].as_str(), made),
            (Some("done"), Some(i64::from(may))),
        );
        if may {
            client.post(&format!("/api/imports/{import}/undo"))?;
        }
    }
    Ok(())
}

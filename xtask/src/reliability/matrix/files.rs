//! The bytes of files: up, down, replaced, deleted. Theirs are the rights of
//! the record, and whoever does not see a file's checksum has no way to them.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::super::ground::Home;
use super::super::server::Client;
use super::policy::{Owned, Person};
use super::world::World;
use super::{Cells, ensured, text};

const OBJECT: &str = "file";

/// What the owner gave every file at first.
fn content(of: &str) -> String {
    format!("content of the file of {of}")
}

/// Gives the records their bytes.
pub fn fill(world: &World) -> Result<()> {
    for record in world.records(OBJECT) {
        let path = format!("/api/files/{}/content", record.id);
        let bytes = content(&record.of);
        world.owner.send("PUT", &path, bytes.as_bytes())?.good()?;
    }
    Ok(())
}

pub fn compare(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let (name, world) = (&person.name, cells.world);
    let sees_bytes = ["size_bytes", "media_type", "checksum"]
        .iter()
        .all(|field| person.sees_field(&format!("{OBJECT}.{field}")));
    for record in world.records(OBJECT) {
        let of = &record.of;
        let bytes = content(of);
        let path = format!("/api/files/{}/content", record.id);
        let may = |action: &str| person.may_with(OBJECT, action, &record.owned);
        // Down.
        let wanted = match (person.may(OBJECT, "read"), may("read"), sees_bytes) {
            (false, ..) | (true, true, false) => 403,
            (true, false, _) => 404,
            (true, true, true) => 200,
        };
        let reply = client.send("GET", &path, b"")?;
        cells.equal(|| format!("{name}, bytes of {of}"), reply.status, wanted);
        let is_there = reply.body == bytes.as_bytes();
        cells.equal(
            || format!("{name}, bytes of {of}, what came"),
            is_there,
            wanted == 200,
        );
        // Replaced, and put back.
        let before = cells.position()?;
        let reply = client.send("PUT", &path, format!("{name} {before}").as_bytes())?;
        let is_replaced = may("update") && sees_bytes;
        cells.written(
            &|| format!("{name}, replaces the bytes of {of}"),
            before,
            &reply,
            is_replaced,
        )?;
        let owner = &world.owner;
        if is_replaced {
            owner.send("PUT", &path, bytes.as_bytes())?.good()?;
        } else {
            let now = owner.send("GET", &path, b"")?;
            cells.equal(
                || format!("{name}, bytes of {of} after a refusal"),
                now.body == bytes.as_bytes(),
                true,
            );
        }
        up_and_gone(cells, person, client, record, sees_bytes)?;
    }
    Ok(())
}

/// Another file for the same customer, and that one deleted.
fn up_and_gone(
    cells: &mut Cells<'_>,
    person: &Person,
    client: &Client,
    record: &super::world::Record,
    sees_bytes: bool,
) -> Result<()> {
    let (name, of) = (&person.name, &record.of);
    let customer = record.owned.customer.context("a file of nobody")?;
    let world = cells.world;
    let sees_customer = (world.records("customer").find(|c| c.id == customer))
        .is_some_and(|c| person.may_with("customer", "read", &c.owned));
    let writes = ["name", "customer"]
        .iter()
        .all(|field| person.writes_field(&format!("{OBJECT}.{field}")));
    let owned = Owned {
        user: Some(person.user),
        ..record.owned
    };
    let may = person.may_with(OBJECT, "create", &owned) && sees_customer && writes && sees_bytes;
    let before = cells.position()?;
    let path = format!("/api/files?name=new.txt&customer={customer}");
    let reply = client.send("POST", &path, format!("new of {name} {before}").as_bytes())?;
    cells.written(&|| format!("{name}, uploads for {of}"), before, &reply, may)?;
    let (made, owned) = match reply.status {
        201 => (reply.json()?, owned),
        _ => {
            let user = record.owned.user.context("a file without a user")?;
            let path = format!("{path}&user={user}");
            let made = world.owner.send("POST", &path, b"the owner's")?.json()?;
            (made, record.owned)
        }
    };
    let id = made["id"].as_i64().context("no id")?;
    let may = person.may_with(OBJECT, "delete", &owned);
    let one = format!("/api/records/{OBJECT}/{id}");
    let before = cells.position()?;
    let reply = client.ask("DELETE", &one, &Json::Null)?;
    cells.written(
        &|| format!("{name}, deletes a file of {of}"),
        before,
        &reply,
        may,
    )?;
    if !may {
        let gone = world.owner.ask("DELETE", &one, &Json::Null)?;
        ensured(gone.status == 204, || format!("{one}: {}", text(&gone)))?;
    }
    let after = world
        .owner
        .send("GET", &format!("/api/files/{id}/content"), b"")?;
    cells.equal(|| format!("a deleted file of {of}"), after.status, 404);
    Ok(())
}

/// Nobody who was refused left bytes behind, and nobody's deleted ones stayed.
pub fn is_tidy(cells: &mut Cells<'_>, home: &Home) -> Result<()> {
    let listed = cells
        .world
        .owner
        .get("/api/records/file?limit=1000&fields=checksum")?;
    let rows = listed["rows"].as_array().context("no rows")?;
    let named: std::collections::BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row["values"]["checksum"].as_str())
        .collect();
    let kept = kept(&home.data)?;
    cells.equal(
        || "contents on the disk".to_owned(),
        kept.len(),
        named.len(),
    );
    Ok(())
}

fn kept(data: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("files") {
            for content in std::fs::read_dir(entry.path())? {
                let name = content?.file_name().to_string_lossy().into_owned();
                if name != "lock" {
                    found.push(name);
                }
            }
        }
    }
    Ok(found)
}

/// What a program would do that forgot the bytes: the name on a file changes
/// past it, and with it whose they are.
pub fn plant(home: &Home, world: &World) -> Result<()> {
    let (zhao, li) = (world.users["zhao"], world.users["li"]);
    let of = world.customers["K3"];
    home.sql(&format!(
        "update file set \"user\" = {li} where customer = {of} and \"user\" = {zhao}"
    ))?;
    Ok(())
}

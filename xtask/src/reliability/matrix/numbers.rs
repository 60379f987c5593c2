//! Numbers, and all doors of the customers' performance: sums tell whose
//! orders are in them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::super::server::Client;
use super::policy::{Owned, Person};
use super::world::{CUSTOMERS, amount};
use super::{Cells, ensured, text};

pub fn compare(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    let world = cells.world;
    let name = &person.name;
    let owned = |number: &str, login: &str| Owned {
        user: Some(world.users[login]),
        customer: Some(world.customers[number]),
        customer_user: Some(world.users[login]),
        is_somebodys: true,
    };
    let reached = |object: &str, action: &str| -> Vec<usize> {
        let all = CUSTOMERS.iter().enumerate();
        all.filter(|(_, (number, login))| person.may_with(object, action, &owned(number, login)))
            .map(|(i, _)| i)
            .collect()
    };
    let what = |door: &str| {
        let door = door.to_owned();
        move || format!("{name}, {door}")
    };

    // Gross sales are made of order lines.
    let lines = reached("order_line", "read");
    let sum: u32 = lines.iter().map(|&i| amount(i)).sum();
    let question = json!({ "metrics": ["gross_sales"] });
    let reply = client.ask("POST", "/api/insight", &question)?;
    let may = person.may("order_line", "read");
    if may {
        let answer = reply.json()?;
        cells.equal(
            what("sum"),
            answer["rows"][0][0].clone(),
            json!(sum.to_string()),
        );
        let is_part = lines.len() < CUSTOMERS.len();
        // Who sees everything by name may be told so all the same.
        let told = answer["is_partial"] == true;
        cells.is(
            what("sum of a part"),
            ensured(told || !is_part, || answer.to_string()),
        );
        let sees_name = person.may("customer", "read");
        let by = json!({ "metrics": ["gross_sales"], "by": ["customer.number"] });
        let answer = client.ask("POST", "/api/insight", &by)?;
        if sees_name {
            let answer = answer.json()?;
            let found: BTreeSet<String> = (answer["rows"].as_array().context("no rows")?.iter())
                .filter_map(|r| r[0].as_str().map(str::to_owned))
                .collect();
            let right = lines.iter().map(|&i| CUSTOMERS[i].0.to_owned()).collect();
            cells.equal(what("by customer"), found, right);
        }
        for (i, (number, _)) in CUSTOMERS.iter().enumerate() {
            let one = json!({ "metrics": ["gross_sales"], "where": format!("customer.number = '{number}'") });
            let found = client.ask("POST", "/api/insight", &one)?;
            if (200..300).contains(&found.status) {
                let right = if lines.contains(&i) { amount(i) } else { 0 };
                cells.equal(
                    what(number),
                    found.json()?["rows"][0][0].clone(),
                    json!(right.to_string()),
                );
            }
        }
        let rows = client.ask("POST", "/api/insight/rows", &question)?.json()?;
        cells.equal(
            what("rows behind"),
            rows["total"].as_u64(),
            u64::try_from(2 * lines.len()).ok(),
        );
        let moved = json!({ "metrics": ["gross_sales"], "by": ["customer.number"], "compare": "previous",
            "from": "2025-03-01", "to": "2025-03-10" });
        let why = client.ask("POST", "/api/insight/why", &moved)?;
        if sees_name {
            let why = why.json()?;
            let found: BTreeSet<String> = (why["parts"].as_array().context("no parts")?.iter())
                .filter_map(|part| part["value"].as_str().map(str::to_owned))
                .collect();
            let right = lines.iter().map(|&i| CUSTOMERS[i].0.to_owned()).collect();
            cells.equal(what("why"), found, right);
        } else {
            cells.equal(what("why"), (200..300).contains(&why.status), false);
        }
        let explained = client.ask("POST", "/api/insight/explain", &question)?;
        cells.equal(what("explain"), explained.status, 200);
    } else {
        for path in ["/api/insight", "/api/insight/rows", "/api/insight/explain"] {
            let reply = client.ask("POST", path, &question)?;
            cells.equal(what(path), reply.status, 403);
        }
    }
    for path in [
        "/api/exports/insight?format=csv",
        "/api/exports/rows?format=csv",
    ] {
        let reply = client.ask("POST", path, &question)?;
        let may = may && person.may("order_line", "export");
        cells.equal(what(path), reply.status, if may { 200 } else { 403 });
    }

    // The list of customers with their scores, and one customer's page.
    let customers = reached("score", "read");
    let reply = client.send("GET", "/api/customers?limit=100", b"")?;
    if person.may("score", "read") && person.may("customer", "read") {
        let list = reply.json()?;
        let found: BTreeSet<&str> = (list["resources"].as_array().context("no list")?.iter())
            .filter_map(|r| r["number"].as_str())
            .collect();
        let right: BTreeSet<&str> = customers.iter().map(|&i| CUSTOMERS[i].0).collect();
        cells.equal(what("customers"), found, right);
        cells.equal(
            what("customers' total"),
            list["total"].as_u64(),
            u64::try_from(customers.len()).ok(),
        );
    } else {
        cells.equal(what("customers"), reply.status, 403);
    }
    let seen = reached("customer", "read");
    for (i, (number, _)) in CUSTOMERS.iter().enumerate() {
        let id = world.customers[*number];
        for rest in ["", "/orders", "/timeline", "/shares"] {
            let reply = client.send("GET", &format!("/api/customers/{id}{rest}"), b"")?;
            let is_seen = seen.contains(&i);
            let holds = match is_seen {
                true => [200, 403].contains(&reply.status),
                false => [403, 404].contains(&reply.status),
            };
            cells.is(
                what(&format!("{number}{rest}")),
                ensured(holds, || format!("{}: {}", reply.status, text(&reply))),
            );
            let sees_orders = reached("order", "read").contains(&i);
            let leaks = rest == "/orders"
                && !sees_orders
                && reply.status == 200
                && reply.json()?["total"] != 0;
            cells.is(
                what(&format!("{number}'s orders")),
                ensured(!leaks, || text(&reply)),
            );
            if !person.sees_field("customer.phone") {
                let leaks = text(&reply).contains("1380000000");
                cells.is(what("hidden phone"), ensured(!leaks, || text(&reply)));
            }
        }
    }

    let reply = client.send("GET", "/api/exports/customers?format=csv", b"")?;
    let may = ["score", "customer"]
        .iter()
        .all(|o| person.may(o, "read") && person.may(o, "export"));
    let n = String::from_utf8_lossy(&reply.body).lines().count();
    match may {
        true => {
            let out = reached("score", "export");
            let out = out.iter().filter(|i| customers.contains(i)).count();
            cells.equal(
                what("customers as a file"),
                (reply.status, n),
                (200, out + 1),
            );
        }
        false => cells.equal(what("customers as a file"), reply.status, 403),
    }

    // What the evaluation sums up.
    let reply = client.send("GET", &format!("/api/evaluations/{}", world.as_of), b"")?;
    if person.may("score", "read") {
        let document = reply.json()?;
        cells.equal(
            what("evaluated"),
            document["n_customers"].as_u64(),
            u64::try_from(customers.len()).ok(),
        );
        let is_part = customers.len() < CUSTOMERS.len();
        let told = document["is_partial"] == true;
        cells.is(
            what("a part"),
            ensured(told || !is_part, || document.to_string()),
        );
    } else {
        cells.equal(what("evaluated"), reply.status, 403);
    }
    hidden(cells, person, client)
}

/// A hidden field answers no question, not even by yes or no.
fn hidden(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
    if person.sees_field("customer.phone") {
        return Ok(());
    }
    let name = &person.name;
    let phone = "phone%20=%20'13800000001'";
    for path in [
        "/api/records/customer?fields=phone".to_owned(),
        "/api/records/customer?sort=phone".to_owned(),
        format!("/api/records/customer?where={phone}"),
        format!("/api/records/contact?where=customer.{phone}"),
        "/api/records/contact?fields=customer.phone".to_owned(),
        "/api/records/customer/groups?by=phone".to_owned(),
        "/api/records/contact/groups?by=customer.phone".to_owned(),
        format!("/api/records/contact/groups?by=position&where=customer.{phone}"),
        "/api/customers?sort=phone".to_owned(),
        format!("/api/customers?where={phone}"),
        format!("/api/exports/customers?format=csv&where={phone}"),
        format!("/api/exports/records/customer?format=csv&where={phone}"),
    ] {
        let reply = client.send("GET", &path, b"")?;
        cells.is(
            || format!("{name}, {path}"),
            ensured([403, 404, 422].contains(&reply.status), || {
                format!("{}: {}", reply.status, text(&reply))
            }),
        );
    }
    for body in [
        json!({ "metrics": ["gross_sales"], "by": ["customer.phone"] }),
        json!({ "metrics": ["gross_sales"], "where": "customer.phone is not null" }),
    ] {
        let reply = client.ask("POST", "/api/insight", &body)?;
        cells.is(
            || format!("{name}, {body}"),
            ensured([403, 404, 422].contains(&reply.status), || text(&reply)),
        );
    }
    for path in [
        "/api/records/customer?search=0000001&count=true",
        "/api/records/customer?search=13800000001&count=true",
    ] {
        let found = client.get(path)?;
        cells.equal(
            || format!("{name}, {path}"),
            found["total"].clone(),
            Json::from(0),
        );
    }
    for path in [
        "/api/exports/records/customer?format=csv",
        "/api/exports/customers?format=csv",
    ] {
        let reply = client.send("GET", path, b"")?;
        let leaks = String::from_utf8_lossy(&reply.body).contains("1380000000");
        cells.is(
            || format!("{name}, {path}"),
            ensured(!leaks, || text(&reply)),
        );
    }
    Ok(())
}

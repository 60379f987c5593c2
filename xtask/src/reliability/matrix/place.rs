//! What concerns the whole place: people, roles, the log, imports of orders,
//! evaluations; and whoever comes without a name.

use anyhow::Result;
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
        (
            "POST",
            format!("/api/customers/{customer}/shares"),
            json!({ "user": li, "access": "write" }),
            "share",
        ),
    ]
}

pub fn compare(cells: &mut Cells<'_>, person: &Person, client: &Client) -> Result<()> {
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

/// Nothing is told to, or done for, whoever has not signed in.
pub fn anonymous(cells: &mut Cells<'_>) -> Result<()> {
    let client = cells.world.owner.with("");
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

//! Second order: a text that is kept as a value, and what is asked of it, or
//! with it, afterwards.

use anyhow::{Context, Result};
use serde_json::json;

use super::super::outcome::Outcome;
use super::payloads::{FALSE, Payload, TRUE};
use super::slots::{Request, encoded, get, quoted, send};
use super::{Answer, Place, asked, same};

/// Keeps the text where each of these may be a free one, asks everything that
/// reads it, and does so again with the twin.
pub fn pairs(place: &Place, payload: &Payload, outcome: &mut Outcome) -> Result<()> {
    let yes = stored(place, &payload.of(TRUE))?;
    let no = stored(place, &payload.of(FALSE))?;
    for ((what, yes), (_, no)) in yes.iter().zip(&no) {
        let told = same(yes, no, false);
        outcome.trial(told.with_context(|| format!("stored {:?}, {what}", payload.of(TRUE))));
    }
    Ok(())
}

fn stored(place: &Place, text: &str) -> Result<Vec<(String, Answer)>> {
    let (customer, contact) = (place.customer, place.contact);
    let of = |path: String, body| send("PATCH", path, &body);
    let mut requests = vec![
        of(
            format!("/api/records/customer/{customer}"),
            json!({ "name": text, "city": text, "industry": text }),
        ),
        of(
            format!("/api/records/contact/{contact}"),
            json!({ "name": text, "title": text }),
        ),
        of(
            format!("/api/departments/{}", place.department),
            json!({ "name": text }),
        ),
        of(
            format!("/api/webhooks/{}", place.webhook),
            json!({ "name": text }),
        ),
        role(text),
    ];
    let expression = |of: &str| encoded(&of.replace("{}", &quoted(text)));
    let one = encoded(text);
    requests.extend(
        [
            format!(
                "/api/records/customer?where={}&count=true",
                expression("name = {}")
            ),
            format!(
                "/api/records/customer?where={}&sort=name&fields=name,city",
                expression("city in ({})")
            ),
            format!(
                "/api/records/contact?where={}",
                expression("customer.name = {}")
            ),
            format!("/api/records/customer?search={one}"),
            "/api/records/customer?sort=name,-city&limit=5".to_owned(),
            format!("/api/records/customer/{customer}"),
            format!("/api/customers?search={one}"),
            format!("/api/customers?where={}", expression("name = {}")),
            format!("/api/customers/{customer}"),
            format!("/api/customers/{customer}/timeline"),
            format!(
                "/api/exports/records/contact?format=csv&where={}",
                expression("name = {}")
            ),
            "/api/departments".to_owned(),
            "/api/roles".to_owned(),
            "/api/webhooks".to_owned(),
        ]
        .map(get),
    );
    for body in [
        json!({ "metrics": ["orders"], "by": ["customer"] }),
        json!({ "metrics": ["orders"], "by": ["customer.city"], "sort": ["-orders"] }),
        json!({ "metrics": ["orders"], "where": format!("customer.city = {}", quoted(text)) }),
    ] {
        requests.push(send("POST", "/api/insight".to_owned(), &body));
    }
    // A link by the words that were stored.
    requests.push(of(
        format!("/api/records/ticket/{}", place.ticket),
        json!({ "contact": { "number": text } }),
    ));
    requests
        .iter()
        .map(|request| Ok((what(request), asked(&place.client, request)?)))
        .collect()
}

fn role(text: &str) -> Request {
    let names = json!({ "zh": text, "en": text });
    let role = json!({ "name": names, "about": names,
        "grants": [{ "object": "customer", "actions": ["read"], "rows": "own" }] });
    send("PUT", "/api/roles/twin".to_owned(), &role)
}

fn what(request: &Request) -> String {
    format!("{} {}", request.method, request.path)
}

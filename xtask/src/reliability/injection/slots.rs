//! Every place of a request where text goes that a query is made with.

use serde_json::{Value as Json, json};

use super::Place;
use super::payloads::Payload;

const JSON: &str = "application/json";

pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub kind: &'static str,
    pub header: Option<(&'static str, String)>,
    pub body: Vec<u8>,
}

type Make = Box<dyn Fn(&str) -> Request>;

pub struct Slot {
    pub name: String,
    pub request: Make,
    /// An expression is expected here, so that a text of our own language
    /// rightly means what it says.
    is_expression: bool,
    /// Something is made of it, which has an id and a course of its own.
    pub makes: bool,
}

impl Slot {
    pub fn takes(&self, payload: &Payload) -> bool {
        !self.is_expression || payload.is_foreign
    }
}

pub fn all(place: &Place) -> Vec<Slot> {
    let mut slots = Vec::new();
    records(place, &mut slots);
    customers(place, &mut slots);
    insight(&mut slots);
    exports(&mut slots);
    bodies(place, &mut slots);
    imports(place, &mut slots);
    administration(place, &mut slots);
    slots
}

/// As it stands in a query or a path.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// As a text of our expression language.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub fn get(path: String) -> Request {
    send("GET", path, &Json::Null)
}

pub fn send(method: &'static str, path: String, body: &Json) -> Request {
    Request {
        method,
        path,
        kind: JSON,
        header: None,
        body: match body {
            Json::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        },
    }
}

pub fn slot(name: impl Into<String>, request: impl Fn(&str) -> Request + 'static) -> Slot {
    Slot {
        name: name.into(),
        request: Box::new(request),
        is_expression: false,
        makes: false,
    }
}

/// A parameter of a query: `…?sort={}`; the text is encoded.
fn parameter(slots: &mut Vec<Slot>, template: &str) {
    let path = template.to_owned();
    slots.push(slot(template, move |text| {
        get(path.replace("{}", &encoded(text)))
    }));
}

/// A filter of a list in which the text is a value.
fn filter(slots: &mut Vec<Slot>, path: &str, expression: &str) {
    let (of, inner) = (path.to_owned(), expression.to_owned());
    slots.push(slot(format!("{path} where {expression}"), move |text| {
        get(of.replace("{}", &encoded(&inner.replace("{}", &quoted(text)))))
    }));
}

/// A filter that is the text itself, in the place of `{}`.
fn bare(slots: &mut Vec<Slot>, path: &str, expression: &str) {
    let (of, inner) = (path.to_owned(), expression.to_owned());
    slots.push(Slot {
        is_expression: true,
        ..slot(format!("{path} bare {expression}"), move |text| {
            get(of.replace("{}", &encoded(&inner.replace("{}", text))))
        })
    });
}

fn body(
    slots: &mut Vec<Slot>,
    method: &'static str,
    path: impl Into<String>,
    name: &str,
    make: impl Fn(&str) -> Json + 'static,
) {
    let path = path.into();
    slots.push(slot(format!("{method} {path}, {name}"), move |text| {
        send(method, path.clone(), &make(text))
    }));
}

fn records(place: &Place, slots: &mut Vec<Slot>) {
    let where_ = |object: &str| format!("/api/records/{object}?where={{}}&count=true");
    let list = where_("customer");
    for expression in [
        "name = {}",
        "name <> {}",
        "name in ({}, 'x')",
        "name like {}",
        "lower(name) = {}",
        "coalesce(city, {}) = 'x'",
        "(case when name = {} then 1 else 2 end) = 1",
        "name > {} or city = {}",
        // A choice, a day and a link, where no text fits.
        "kind = {}",
        "parent.name = {}",
        "user.name = {}",
    ] {
        filter(slots, &list, expression);
    }
    // As a board and a calendar ask.
    for expression in ["state = {}", "opened_on >= {}", "customer = {}"] {
        filter(slots, &where_("ticket"), expression);
    }
    filter(slots, &where_("order_line"), "order.number = {}");
    for expression in [
        "{}",
        "{} = 'x'",
        "name = {}",
        "name {} 'x'",
        "name = 'x' and {}",
    ] {
        bare(slots, &list, expression);
    }
    for template in [
        "/api/records/customer?search={}",
        "/api/records/contact?search={}",
        "/api/records/customer?sort={}",
        "/api/records/customer?sort=-{}",
        "/api/records/customer?sort=name,{}",
        "/api/records/customer?fields={}",
        "/api/records/customer?fields=name,user.{}",
        "/api/records/customer?after={}",
        "/api/records/customer?limit={}",
        "/api/records/customer?count={}",
        "/api/records/customer?{}=1",
        "/api/records/{}",
        "/api/records/{}/1",
        "/api/records/customer/{}",
        "/api/objects/{}",
    ] {
        parameter(slots, template);
    }
    let history = format!("/api/records/customer/{}/history", place.customer);
    parameter(slots, &format!("{history}?after={{}}"));
    parameter(slots, &format!("{history}?limit={{}}"));
}

fn customers(place: &Place, slots: &mut Vec<Slot>) {
    let list = "/api/customers?where={}";
    for expression in ["name = {}", "tier = {}", "city like {}"] {
        filter(slots, list, expression);
    }
    bare(slots, list, "{}");
    for template in [
        "/api/customers?search={}",
        "/api/customers?sort={}",
        "/api/customers?as_of={}",
        "/api/customers?offset={}",
        "/api/customers/{}",
        "/api/customers/{}/timeline",
        "/api/orders/{}/lines",
        "/api/evaluations/{}",
        "/api/jobs/{}",
    ] {
        parameter(slots, template);
    }
    let one = format!("/api/customers/{}", place.customer);
    for rest in ["timeline?before", "orders?offset", "orders?limit"] {
        parameter(slots, &format!("{one}/{rest}={{}}"));
    }
    parameter(slots, &format!("{one}?as_of={{}}"));
}

fn insight(slots: &mut Vec<Slot>) {
    fn question(key: &str, value: Json) -> Json {
        let mut question =
            json!({ "metrics": ["orders"], "from": "2025-01-01", "to": "2025-04-01" });
        question[key] = value;
        question
    }
    let all = ["/api/insight", "/api/insight/rows", "/api/insight/explain"];
    for path in all {
        body(slots, "POST", path, "metrics", |text| {
            question("metrics", json!([text]))
        });
        body(slots, "POST", path, "by", |text| {
            question("by", json!([text]))
        });
        body(slots, "POST", path, "sort", |text| {
            question("sort", json!([text]))
        });
        for expression in [
            "customer.name = {}",
            "kind = {}",
            "customer.city in ({}, 'x')",
        ] {
            body(slots, "POST", path, expression, move |text| {
                question("where", json!(expression.replace("{}", &quoted(text))))
            });
        }
        for key in ["from", "to", "as_of", "grain", "compare"] {
            body(slots, "POST", path, key, move |text| {
                question(key, json!(text))
            });
        }
        slots.push(Slot {
            is_expression: true,
            ..slot(format!("{path} bare where"), move |text| {
                send("POST", path.to_owned(), &question("where", json!(text)))
            })
        });
    }
}

fn exports(slots: &mut Vec<Slot>) {
    filter(
        slots,
        "/api/exports/customers?format=csv&where={}",
        "name = {}",
    );
    filter(
        slots,
        "/api/exports/records/contact?format=csv&where={}",
        "name = {}",
    );
    for template in [
        "/api/exports/customers?format={}",
        "/api/exports/customers?format=csv&search={}",
        "/api/exports/customers?format=csv&sort={}",
        "/api/exports/records/{}?format=csv",
        "/api/exports/records/contact?format=csv&sort={}",
        "/api/exports/imports/{}?format=csv",
    ] {
        parameter(slots, template);
    }
    body(
        slots,
        "POST",
        "/api/exports/insight?format=csv",
        "by",
        |text| json!({ "metrics": ["orders"], "by": [text] }),
    );
    body(
        slots,
        "POST",
        "/api/exports/rows?format=csv",
        "where",
        |text| json!({ "metrics": ["orders"], "where": format!("customer.name = {}", quoted(text)) }),
    );
}

/// Of writes, none of which changes anything: a value that is stored has its
/// own trials.
fn bodies(place: &Place, slots: &mut Vec<Slot>) {
    let contact = format!("/api/records/contact/{}", place.contact);
    body(
        slots,
        "PATCH",
        &contact,
        "number of a link",
        |text| json!({ "customer": { "number": text } }),
    );
    body(
        slots,
        "PATCH",
        &contact,
        "link",
        |text| json!({ "customer": text }),
    );
    body(
        slots,
        "PATCH",
        &contact,
        "name of a field",
        |text| json!({ text: "x" }),
    );
    body(
        slots,
        "POST",
        format!("{contact}/reveal"),
        "field",
        |text| json!({ "field": text, "reason": "twins are asked for" }),
    );
    let ticket = format!("/api/records/ticket/{}", place.ticket);
    for field in ["state", "opened_on", "opened_at", "user"] {
        body(
            slots,
            "PATCH",
            &ticket,
            field,
            move |text| json!({ field: text }),
        );
    }
    body(
        slots,
        "POST",
        "/api/records/contact/bulk",
        "op",
        |text| json!({ "operations": [{ text: { "id": 1 } }] }),
    );
    body(
        slots,
        "POST",
        "/api/records/contact/bulk",
        "number of a link",
        |text| json!({ "operations": [{ "create": { "name": "x", "customer": { "number": text } } }] }),
    );
    for header in ["if-match", "idempotency-key"] {
        let path = format!("/api/records/contact/{}", place.contact);
        slots.push(slot(header, move |text| {
            // What cannot stand in a header is left out.
            let value: String = text.chars().filter(|c| matches!(c, ' '..='~')).collect();
            let (method, path, body) = match header {
                "if-match" => ("PATCH", path.clone(), json!({ "name": "twin" })),
                _ => ("POST", "/api/records/contact".to_owned(), json!({})),
            };
            Request {
                header: Some((header, value)),
                ..send(method, path, &body)
            }
        }));
    }
    for party in ["contact", "customer"] {
        parameter(slots, &format!("/api/consents/{party}/{{}}"));
        parameter(slots, &format!("/api/persons/{party}/{{}}/export"));
    }
    parameter(slots, "/api/consents/{}/1");
    let consents = format!("/api/consents/contact/{}", place.contact);
    parameter(slots, &format!("{consents}?as_of={{}}"));
    for key in ["channel", "purpose", "state"] {
        body(slots, "POST", &consents, key, move |text| {
            let mut consent = json!({ "channel": "sms", "purpose": "marketing", "state": "given", "source": "x" });
            consent[key] = json!(text);
            consent
        });
    }
}

fn imports(place: &Place, slots: &mut Vec<Slot>) {
    for key in ["object", "mode", "source", "dry_run"] {
        let name = format!("POST /api/imports?{key}");
        slots.push(Slot {
            makes: true,
            ..slot(name, move |text| {
                let value = encoded(text);
                let path = format!("/api/imports?filename=x.csv&{key}={value}");
                Request {
                    kind: "application/octet-stream",
                    // An empty file: there is nothing to import.
                    ..send("POST", path, &Json::Null)
                }
            })
        });
    }
    let one = format!("/api/imports/{}", place.import);
    parameter(slots, "/api/imports/{}");
    parameter(slots, "/api/imports/{}/rejects");
    parameter(slots, &format!("{one}/preview?rows={{}}"));
    let mapping = |field: &str, heading: &str| json!({ "columns": [{ "column": 1, "heading": heading, "field": field }] });
    body(
        slots,
        "POST",
        format!("{one}/preview"),
        "field",
        move |text| mapping(text, "x"),
    );
    body(
        slots,
        "POST",
        format!("{one}/preview"),
        "heading",
        move |text| mapping("customer.name", text),
    );
    body(
        slots,
        "POST",
        format!("{one}/preview"),
        "encoding",
        |text| json!({ "columns": [], "encoding": text, "delimiter": text }),
    );
    slots.push(slot("DELETE /api/mappings/{}", |text| {
        send(
            "DELETE",
            format!("/api/mappings/{}", encoded(text)),
            &Json::Null,
        )
    }));
}

fn administration(place: &Place, slots: &mut Vec<Slot>) {
    for key in ["actor", "object", "record", "kind", "before", "limit"] {
        parameter(slots, &format!("/api/audit?{key}={{}}"));
    }
    body(
        slots,
        "POST",
        "/api/tokens",
        "scopes",
        |text| json!({ "name": "x", "scopes": [text] }),
    );
    body(
        slots,
        "POST",
        "/api/tokens",
        "scope of an object",
        |text| json!({ "name": "x", "scopes": [format!("{text}:read")] }),
    );
    body(
        slots,
        "POST",
        "/api/users",
        "role",
        |text| json!({ "login": "twin", "name": "x", "role": text }),
    );
    body(
        slots,
        "POST",
        "/api/session",
        "login",
        |text| json!({ "login": text, "password": "no password of anybody" }),
    );
    let grants = |object: &str, rows: &str, field: &str| {
        json!({ "name": { "zh": "x", "en": "x" }, "about": { "zh": "", "en": "" },
            "grants": [{ "object": object, "actions": ["read"], "rows": rows }],
            "fields": [{ "field": field, "as": "hidden" }] })
    };
    let role = "/api/roles/twin";
    body(slots, "PUT", role, "object", move |text| {
        grants(text, "all", "customer.phone")
    });
    body(slots, "PUT", role, "rows", move |text| {
        grants("customer", text, "customer.phone")
    });
    body(slots, "PUT", role, "field", move |text| {
        grants("customer", "all", text)
    });
    slots.push(slot("DELETE /api/roles/{}", |text| {
        send(
            "DELETE",
            format!("/api/roles/{}", encoded(text)),
            &Json::Null,
        )
    }));
    body(
        slots,
        "PATCH",
        format!("/api/departments/{}", place.department),
        "parent",
        |text| json!({ "parent": text }),
    );
    let hook = format!("/api/webhooks/{}", place.webhook);
    for key in ["objects", "kinds"] {
        body(
            slots,
            "PATCH",
            &hook,
            key,
            move |text| json!({ key: [text] }),
        );
    }
    parameter(slots, &format!("{hook}/deliveries?before={{}}"));
    parameter(slots, "/api/webhooks/{}/deliveries");
    body(
        slots,
        "POST",
        "/api/erasures",
        "object",
        |text| json!({ "object": text, "record": 1, "reason": "asked for by letter" }),
    );
    let shares = format!("/api/customers/{}/shares", place.customer);
    for key in ["access", "until", "user"] {
        body(slots, "POST", &shares, key, move |text| {
            let mut share = json!({ "access": "read", "user": 999 });
            share[key] = json!(text);
            share
        });
    }
    parameter(
        slots,
        &format!("/api/customers?as_of={}&where={{}}", place.as_of),
    );
    // The last one is an expression.
    if let Some(last) = slots.last_mut() {
        last.is_expression = true;
    }
    parameter(
        slots,
        &format!("/api/records/order/{}/history?after={{}}", place.order),
    );
}

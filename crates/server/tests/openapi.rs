//! The API's description holds every route and, for whoever may read them,
//! every object with its fields.

use std::collections::BTreeSet;

use crate::support::{Reply, Server, homes, token};
use serde_json::{Value as Json, json};

fn ask(server: &Server, method: &str, path: &str, token: &str) -> Reply {
    let bearer = match token {
        "" => String::new(),
        token => format!("Bearer {token}"),
    };
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", "en"),
        ("authorization", bearer.as_str()),
    ];
    server.send_raw(method, path, &headers, b"")
}

fn document(server: &Server, token: &str) -> Json {
    let reply = ask(server, "GET", "/api/openapi.json", token);
    assert_eq!(reply.status, 200);
    reply.json()
}

/// Every path that a handler of the sources names, by its macro or by hand.
fn paths_of_sources() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut open = vec![std::path::PathBuf::from(folder)];
    let mut all = BTreeSet::new();
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for start in [
                "path = \"/api/",
                ".route(\"/api/",
                ".route(\n            \"/api/",
            ] {
                for (at, _) in text.match_indices(start) {
                    let rest = &text[at + start.len() - 5..];
                    all.insert(rest[..rest.find('"').unwrap()].to_owned());
                }
            }
        }
    }
    all
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let document = document(&server, "");
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let named = paths_of_sources();
    assert!(named.len() > 30, "{named:?}");
    assert_eq!(described, named);
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let asked = path
            .replace("{object}", "customer")
            .replace("{as_of}", "2025-01-01");
        let mut parts: Vec<&str> = asked.split('/').collect();
        for part in &mut parts {
            if part.starts_with('{') {
                *part = "999999";
            }
        }
        let asked = parts.join("/");
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let reply = ask(&server, &method.to_uppercase(), &asked, "none");
            let code = serde_json::from_slice::<Json>(&reply.body)
                .map_or(Json::Null, |body| body["code"].clone());
            // It is gone, as its description says: here is a user already.
            let is_gone = path == "/api/setup";
            assert_eq!(code == "no_such_path", is_gone, "{method} {path}: {code}");
            assert_ne!(code, "no_such_method", "{method} {path}");
            // Only what says so is there for everybody.
            if operation["security"] != json!([]) && path != "/api/session" {
                assert_eq!(reply.status, 401, "{method} {path}");
            }
        }
    }
}

fn refs(at: &Json, all: &mut BTreeSet<String>) {
    match at {
        Json::Object(map) => {
            for (key, value) in map {
                match value {
                    Json::String(to) if key == "$ref" => drop(all.insert(to.clone())),
                    other => refs(other, all),
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|value| refs(value, all)),
        _ => {}
    }
}

#[test]
fn every_object_is_described_to_who_may_read_it() {
    for home in homes() {
        let server = home.server();
        let owner = document(&server, &server.token);
        let objects = server.get("/api/objects").json();
        let objects = objects["objects"].as_array().unwrap();
        assert!(objects.len() > 20);
        for object in objects {
            let id = object["id"].as_str().unwrap();
            let fields: BTreeSet<&str> = object["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|f| f["id"].as_str().unwrap())
                .collect();
            let values = &owner["components"]["schemas"][format!("RecordValues.{id}")];
            let described: BTreeSet<&str> = values["properties"]
                .as_object()
                .unwrap_or_else(|| panic!("no schema of {id}"))
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(described, fields, "{id}");
            let list = &owner["paths"][format!("/api/records/{id}")];
            assert!(list["get"].is_object(), "{id}");
            assert_eq!(
                list["post"].is_object(),
                object["is_writable"] == true,
                "{id}"
            );
        }
        let mut all = BTreeSet::new();
        refs(&owner, &mut all);
        for name in all {
            let pointer = name.trim_start_matches('#');
            assert!(owner.pointer(pointer).is_some(), "{name} leads nowhere");
        }
        for (path, methods) in owner["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let is_whole =
                        response.is_object() && response.get("content").is_none_or(Json::is_object);
                    assert!(is_whole, "{method} {path} {status}: {response}");
                }
            }
        }
        let new = &owner["components"]["schemas"]["NewRecord.opportunity"];
        assert!(
            new["required"].as_array().is_some_and(|r| !r.is_empty()),
            "{new}"
        );

        // Whoever may not read costs does not learn of them, and a hidden field
        // is not named.
        let marketing = token(&home.keji(), "ma", "marketing");
        let seen = document(&server, &marketing);
        let schemas = &seen["components"]["schemas"];
        assert!(schemas["RecordValues.customer"].is_object());
        assert!(schemas["RecordValues.cost"].is_null());
        assert!(seen["paths"]["/api/records/customer"]["post"].is_null());
        let nobody = document(&server, "");
        assert!(nobody["components"]["schemas"]["RecordValues.customer"].is_null());
        assert!(!nobody.to_string().contains("/api/records/customer"));
        assert_eq!(document(&server, "wrong")["paths"], nobody["paths"]);
    }
}

/// A value of a record is a text, a number, yes or no, or null: none of them is
/// an object, and the description must not say so.
#[test]
fn a_value_may_be_any_kind_of_json() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let schemas = document(&server, "")["components"]["schemas"].clone();
    for place in [
        "/Revealed/properties/value",
        "/RecordGroup/properties/value",
        "/Answer/properties/rows/items/items",
        "/FactRows/properties/rows/items/items",
        "/MergeField/properties/survivor",
        "/MergeField/properties/loser",
    ] {
        let schema = schemas.pointer(place);
        let schema = schema.unwrap_or_else(|| panic!("there is no {place}"));
        let kinds = &schema["type"];
        assert!(kinds.is_null(), "{place} is {kinds}");
    }
}

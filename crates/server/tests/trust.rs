//! Masks that are lifted for a reason, and who took what out as a file.

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

const PHONE: &str = "13812345678";
const MAIL: &str = "fang@example.com";
const COVERED: &str = "138****5678";

fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", "en"),
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send_raw(method, path, &headers, body.as_bytes())
}

fn get(server: &Server, path: &str, key: &str) -> Reply {
    ask(server, "GET", path, key, &Json::Null)
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b.is_ascii_alphanumeric() {
            true => char::from(b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect()
}

/// A role that sees all, phones covered, mails covered and not to be lifted.
fn careful() -> Json {
    json!({
        "name": { "zh": "客服外包", "en": "Agency" },
        "about": { "zh": "外包。", "en": "Outside help." },
        "grants": [{ "object": "*", "actions": ["read", "update", "export"], "rows": "all" }],
        "admin": ["audit"],
        "fields": [
            { "field": "customer.phone", "as": "masked", "reveal": true },
            { "field": "customer.email", "as": "masked" },
            { "field": "customer.industry", "as": "hidden" },
            { "field": "customer.city", "as": "write" },
            { "field": "customer.country", "as": "read" },
        ],
    })
}

fn prepared(home: &Home) -> (Server, String, String) {
    let server = home.server();
    let owner = token(&home.keji(), "li", "owner");
    let role = ask(&server, "PUT", "/api/roles/agency", &owner, &careful());
    assert!(role.status < 300, "{}", role.json());
    let agency = token(&home.keji(), "wang", "agency");
    let customer = json!({
        "number": "K1", "name": "青山", "kind": "person", "phone": PHONE, "email": MAIL,
        "city": "上海", "country": "中国", "industry": "secret trade",
    });
    is(
        &ask(&server, "POST", "/api/records/customer", &owner, &customer),
        201,
    );
    (server, owner, agency)
}

/// Neither value in clear.
fn covered(what: &str, reply: &Reply) {
    let body = String::from_utf8_lossy(&reply.body);
    for clear in [PHONE, MAIL, "secret trade"] {
        assert!(!body.contains(clear), "{what}: {body}");
    }
}

#[test]
fn a_masked_value_comes_covered_through_every_door() {
    for home in homes() {
        let (server, owner, agency) = prepared(&home);
        let list = is(&get(&server, "/api/records/customer", &owner), 200);
        let id = list["rows"][0]["id"].as_i64().unwrap();
        let record = format!("/api/records/customer/{id}");
        // A change of it, for the history.
        let other = json!({ "phone": "13900005678" });
        is(&ask(&server, "PATCH", &record, &owner, &other), 200);
        is(
            &ask(
                &server,
                "PATCH",
                &record,
                &owner,
                &json!({ "phone": PHONE }),
            ),
            200,
        );

        let doors = [
            "/api/records/customer".to_owned(),
            record.clone(),
            format!("{record}/history"),
            "/api/records/customer?fields=phone,email".to_owned(),
            format!("{record}?fields=phone,email"),
            "/api/records/customer?search=qs".to_owned(),
            "/api/customers".to_owned(),
            format!("/api/customers/{id}"),
            "/api/exports/records/customer?format=csv".to_owned(),
            "/api/exports/customers?format=csv".to_owned(),
            "/api/audit?object=customer".to_owned(),
            format!("/api/audit?object=customer&record={id}&kind=update"),
        ];
        server.search_follows();
        for path in &doors {
            let reply = get(&server, path, &agency);
            assert_eq!(
                reply.status,
                200,
                "{path}: {}",
                String::from_utf8_lossy(&reply.body)
            );
            covered(path, &reply);
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            assert!(body.contains(COVERED), "{path}: {body}");
        }
        let values = is(&get(&server, &record, &agency), 200)["values"].clone();
        assert_eq!(values["phone"], COVERED);
        assert_eq!(values["email"], "****");
        assert_eq!(values.get("industry"), None);
        let some = is(
            &get(&server, &format!("{record}?fields=phone,city"), &agency),
            200,
        );
        assert_eq!(some["values"], json!({ "phone": COVERED, "city": "上海" }));
        for unknown in ["industry", "nothing", "phone,customer.name"] {
            let refused = get(&server, &format!("{record}?fields={unknown}"), &agency);
            assert_eq!(
                is(&refused, 422)["fields"][0]["field"],
                "fields",
                "{unknown}"
            );
        }

        // Nothing finds, sorts or groups by it; the answer is the same whether
        // the guess is right or wrong.
        for guess in [PHONE, "13000000000"] {
            let wheres = [
                format!(
                    "/api/records/customer?where={}",
                    encoded(&format!("phone = '{guess}'"))
                ),
                "/api/records/customer?sort=phone".to_owned(),
                format!(
                    "/api/customers?where={}",
                    encoded(&format!("phone like '{guess}%'"))
                ),
                "/api/customers?sort=-phone".to_owned(),
                format!(
                    "/api/exports/records/customer?format=csv&where={}",
                    encoded(&format!("phone = '{guess}'"))
                ),
            ];
            for path in &wheres {
                let reply = get(&server, path, &agency);
                assert!(
                    (400..500).contains(&reply.status),
                    "{path}: {}",
                    reply.status
                );
                covered(path, &reply);
            }
            for path in ["/api/records/customer?search=", "/api/customers?search="] {
                let found = is(&get(&server, &format!("{path}{guess}"), &agency), 200);
                let rows = found["rows"].as_array().or(found["resources"].as_array());
                assert_eq!(rows.map(Vec::len), Some(0), "{path}{guess}");
            }
        }
        let question =
            json!({ "metrics": ["orders"], "where": format!("customer.phone = '{PHONE}'") });
        let asked = ask(&server, "POST", "/api/insight", &agency, &question);
        assert!((400..500).contains(&asked.status), "{}", asked.json());

        // Nor is it written.
        for field in ["phone", "email", "country"] {
            let reply = ask(&server, "PATCH", &record, &agency, &json!({ field: "x" }));
            assert!(
                (400..500).contains(&reply.status),
                "{field}: {}",
                reply.json()
            );
        }
        is(
            &ask(
                &server,
                "PATCH",
                &record,
                &agency,
                &json!({ "city": "北京" }),
            ),
            200,
        );
        let now = is(&get(&server, &record, &owner), 200)["values"].clone();
        assert_eq!(
            (&now["phone"], &now["email"], &now["city"]),
            (&json!(PHONE), &json!(MAIL), &json!("北京"))
        );
        // The page knows which it is.
        let object = is(&get(&server, "/api/objects/customer", &agency), 200);
        let field = |id: &str| {
            let fields = object["fields"].as_array().unwrap();
            fields.iter().find(|f| f["id"] == id).cloned().unwrap()
        };
        assert_eq!(
            (&field("phone")["is_masked"], &field("phone")["may_reveal"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(
            (&field("email")["is_masked"], &field("email")["may_reveal"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(field("phone")["search"], false);
        assert_eq!(field("city")["is_read_only"], false);
    }
}

/// Who may look at the log sees of it what he sees of the records: others' are
/// not there, however small the pages.
#[test]
fn the_log_of_all_changes_has_rows_and_fields_of_who_looks() {
    for home in homes() {
        let server = home.server();
        let owner = token(&home.keji(), "li", "owner");
        let role = json!({
            "name": { "zh": "稽核", "en": "Inspector" }, "about": { "zh": "", "en": "" },
            "grants": [{ "object": "customer", "actions": ["read"], "rows": "own" },
                       { "object": "contact", "actions": ["read"], "rows": "own" }],
            "fields": [{ "field": "contact.mobile", "as": "masked" },
                       { "field": "contact.email", "as": "hidden" }],
            "admin": ["audit"],
        });
        let saved = ask(&server, "PUT", "/api/roles/inspector", &owner, &role);
        assert!(saved.status < 300, "{}", saved.json());
        let wang = token(&home.keji(), "wang", "inspector");
        let users = is(&get(&server, "/api/users", &owner), 200);
        let users = users.as_array().or(users["users"].as_array()).unwrap();
        let user = |login: &str| {
            let found = users.iter().find(|u| u["login"] == login);
            found.unwrap()["id"].clone()
        };
        let make = |object: &str, values: Json| {
            let path = format!("/api/records/{object}");
            is(&ask(&server, "POST", &path, &owner, &values), 201)["id"].clone()
        };
        let mine = json!({ "number": "K1", "name": "青山", "user": user("wang") });
        let mine = make("customer", mine);
        let other = json!({ "number": "K2", "name": "别家的", "user": user("li") });
        let other = make("customer", other);
        let mut contacts = Vec::new();
        for i in 0..12 {
            let customer = if i % 4 == 0 { &mine } else { &other };
            let name = if i % 4 == 0 { "自家" } else { "别家人" };
            contacts.push(make(
                "contact",
                json!({ "customer": customer, "name": name, "mobile": PHONE, "email": MAIL }),
            ));
        }
        // Whose a record was that is no more, nobody can say.
        let gone = format!("/api/records/contact/{}", contacts[8]);
        is(&ask(&server, "DELETE", &gone, &owner, &Json::Null), 204);
        make("product", json!({ "number": "P1", "name": "不能看的" }));
        // What an export was asked for holds values too.
        let filter = encoded(&format!("email = '{MAIL}'"));
        for object in ["contact", "customer"] {
            let path = format!("/api/exports/records/{object}?format=csv&where={filter}");
            assert_eq!(get(&server, &path, &owner).status, 200, "{path}");
        }

        let whole = is(&get(&server, "/api/audit?limit=500", &wang), 200);
        let said = whole.to_string();
        for clear in [PHONE, MAIL, "别家的", "别家人", "不能看的"] {
            assert!(!said.contains(clear), "{clear}: {said}");
        }
        assert!(said.contains(COVERED) && said.contains("自家"), "{said}");
        let entries = whole["entries"].as_array().unwrap();
        let of = |object: &str| {
            let those = entries.iter().filter(|e| e["object"] == object);
            let mut ids: Vec<&Json> = those.map(|e| &e["record"]).collect();
            ids.retain(|id| !id.is_null());
            ids
        };
        assert_eq!(of("customer"), [&mine]);
        assert_eq!(of("contact"), [&contacts[4], &contacts[0]]);
        assert_eq!(of("product"), Vec::<&Json>::new());
        // What it happened to is called by its name, where it still is.
        let title = |entries: &[Json], id: &Json| {
            let mut those = entries.iter();
            let found = those.find(|e| e["object"] == "contact" && e["record"] == *id);
            found.unwrap()["title"].clone()
        };
        assert_eq!(title(entries, &contacts[0]), "自家");
        // That there is a role, and who came in, is of the place itself.
        assert!(!of("user").is_empty());
        assert_eq!(whole["is_whole"], true);

        // Page by page it is the same, and ends.
        let mut pages = Vec::new();
        let mut before = String::new();
        loop {
            let page = is(
                &get(&server, &format!("/api/audit?limit=2{before}"), &wang),
                200,
            );
            let rows = page["entries"].as_array().unwrap();
            assert!(rows.len() <= 2);
            pages.extend(rows.iter().cloned());
            let Some(next) = page["next"].as_i64() else {
                break;
            };
            before = format!("&before={next}");
        }
        let seqs =
            |all: &[Json]| -> Vec<i64> { all.iter().map(|e| e["seq"].as_i64().unwrap()).collect() };
        assert_eq!(seqs(&pages), seqs(entries));
        // Whoever sees all sees all of it as ever.
        let all = is(&get(&server, "/api/audit?limit=500", &owner), 200);
        let of_all = all["entries"].as_array().unwrap();
        assert_eq!(title(of_all, &contacts[1]), "别家人");
        assert_eq!(title(of_all, &contacts[8]), Json::Null);
        let all = all.to_string();
        for clear in [PHONE, MAIL, "别家的", "别家人"] {
            assert!(all.contains(clear), "{clear}");
        }
    }
}

#[test]
fn a_reason_lifts_the_mask_of_one_value_and_stays_in_the_log() {
    for home in homes() {
        let (server, owner, agency) = prepared(&home);
        let list = is(&get(&server, "/api/records/customer", &owner), 200);
        let id = list["rows"][0]["id"].as_i64().unwrap();
        let record = format!("/api/records/customer/{id}");
        let reveal = |path: &str, key: &str, field: &str, reason: &str| {
            let body = json!({ "field": field, "reason": reason });
            ask(&server, "POST", path, key, &body)
        };
        let path = format!("{record}/reveal");
        let before = is(&get(&server, &record, &agency), 200)["version"].clone();
        for reason in ["", "x", "because"] {
            let refused = is(&reveal(&path, &agency, "phone", reason), 422);
            assert_eq!(refused["fields"][0]["field"], "reason", "{refused}");
        }
        let refused = is(&reveal(&path, &agency, "email", "he asked me to call"), 403);
        assert_eq!(refused["code"], "forbidden");
        for unknown in ["industry", "nothing"] {
            let refused = is(&reveal(&path, &agency, unknown, "he asked me to call"), 422);
            assert_eq!(refused["fields"][0]["field"], "field", "{refused}");
        }
        let nobody = "/api/records/customer/999999/reveal";
        is(
            &reveal(nobody, &agency, "phone", "he asked me to call"),
            404,
        );
        let none = is(&get(&server, "/api/audit?kind=reveal", &owner), 200);
        assert_eq!(none["entries"], json!([]));

        let seen = is(&reveal(&path, &agency, "phone", "核对收货电话"), 200);
        assert_eq!(seen, json!({ "field": "phone", "value": PHONE }));
        // Only for once, and the record is as it was.
        let again = is(&get(&server, &record, &agency), 200);
        assert_eq!(again["values"]["phone"], COVERED);
        assert_eq!(again["version"], before);
        let log = is(&get(&server, "/api/audit?kind=reveal", &owner), 200);
        let entry = &log["entries"][0];
        assert_eq!(log["entries"].as_array().map(Vec::len), Some(1));
        assert_eq!(entry["actor"], "wang");
        assert_eq!(
            (&entry["object"], &entry["record"]),
            (&json!("customer"), &json!(id))
        );
        assert_eq!(
            entry["after"],
            json!({ "field": "phone", "reason": "核对收货电话" })
        );
        assert_eq!(log["is_whole"], true);
    }
}

#[test]
fn every_file_that_goes_out_is_in_the_log() {
    for home in homes() {
        let (server, owner, agency) = prepared(&home);
        let filter = encoded("city = '上海'");
        let files = [
            format!("/api/exports/records/customer?format=csv&where={filter}"),
            "/api/exports/customers?format=xlsx&search=K1".to_owned(),
        ];
        for path in &files {
            assert_eq!(get(&server, path, &agency).status, 200, "{path}");
        }
        let question = json!({ "metrics": ["orders"], "from": "2025-01-01", "to": "2026-01-01" });
        for path in [
            "/api/exports/insight?format=csv",
            "/api/exports/rows?format=csv",
        ] {
            let reply = ask(&server, "POST", path, &agency, &question);
            assert_eq!(
                reply.status,
                200,
                "{path}: {}",
                String::from_utf8_lossy(&reply.body)
            );
        }
        // A file that is refused is none.
        let refused = get(
            &server,
            "/api/exports/records/customer?format=csv&where=nothing%3D1",
            &agency,
        );
        assert!(refused.status >= 400);
        let out = home.data.path().join("out.csv");
        let mut export = home.keji();
        export.args(["export", "customer", "--output"]).arg(&out);
        let done = export.output().unwrap();
        assert!(done.status.success(), "{}", text(&done));

        let log = is(&get(&server, "/api/audit?kind=export", &owner), 200);
        let entries = log["entries"].as_array().unwrap();
        let what: Vec<_> = entries
            .iter()
            .rev()
            .map(|e| {
                (
                    e["actor"].as_str().unwrap(),
                    e["after"]["what"].as_str().unwrap(),
                    e["after"]["rows"].as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            what,
            [
                ("wang", "records", 1),
                ("wang", "customers", 1),
                ("wang", "answer", 1),
                ("wang", "records_behind", 0),
                ("owner", "records", 1),
            ]
        );
        let first = &entries[entries.len() - 1];
        assert_eq!(first["object"], "customer");
        assert_eq!(first["after"]["where"], "city = '上海'");
        assert_eq!(first["channel"], "api");
    }
}

/// Whoever may import may say of a record where it comes from; nobody changes
/// that afterwards.
#[test]
fn when_and_by_whom_a_record_was_made_is_written_once() {
    for home in homes() {
        let (server, owner, _) = prepared(&home);
        let clerk = json!({
            "name": { "zh": "文员", "en": "Clerk" },
            "about": { "zh": "文员。", "en": "A clerk." },
            "grants": [{ "object": "*", "actions": ["read", "create", "update"], "rows": "all" }],
        });
        is(
            &ask(&server, "PUT", "/api/roles/clerk", &owner, &clerk),
            204,
        );
        let clerk = token(&home.keji(), "sun", "clerk");
        let path = "/api/records/customer";
        let old = json!({
            "number": "K2", "created_at": "2018-05-01T08:00:00+08:00", "created_by": "张伟",
        });
        assert_eq!(
            is(&ask(&server, "POST", path, &clerk, &old), 403)["code"],
            "forbidden"
        );
        let made = is(&ask(&server, "POST", path, &owner, &old), 201);
        assert_eq!(made["values"]["created_at"], "2018-05-01T00:00:00Z");
        assert_eq!(made["values"]["created_by"], "张伟");
        let own = is(
            &ask(&server, "POST", path, &clerk, &json!({ "number": "K3" })),
            201,
        );
        assert_eq!(own["values"]["created_by"], "sun");
        assert!(own["values"]["created_at"].is_string(), "{own}");
        let one = format!("{path}/{}", made["id"]);
        for field in ["created_at", "created_by"] {
            let change = json!({ field: null });
            assert_eq!(
                is(&ask(&server, "PATCH", &one, &owner, &change), 403)["code"],
                "forbidden"
            );
            let many = json!({ "operations": [
                { "update": { "id": made["id"], "values": { field: "2020-01-01" } } },
            ] });
            let bulk = format!("{path}/bulk");
            assert!(ask(&server, "POST", &bulk, &owner, &many).status >= 400);
        }
        let after = is(&get(&server, &one, &owner), 200);
        assert_eq!(after["values"], made["values"]);
    }
}

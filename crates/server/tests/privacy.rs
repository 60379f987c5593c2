//! A person's data: what is consented to, everything in one file, and erased
//! at every place, with the chain of the log still whole (SEC-10).

use std::path::Path;

use crate::support::{self, Home, Reply, Server, homes, json as run, text, token};
use serde_json::{Value as Json, json};

/// Texts of which nothing may be left.
const NAME: &str = "王金丝雀";
const PHONE: &str = "13987654321";
const MAIL: &str = "canary.wang@example.com";
const OTHERS: [&str; 11] = [
    "canary-street-17",
    "canary-hobby",
    "canary-wechat",
    "canary-note-of-the-call",
    "canary-evidence-9",
    "canary-deleted-note",
    "canary-scan-of-a-pass",
    "13911112222",
    "canary-said-of-the-person",
    "canary-said-of-the-call",
    "canary-said-of-the-deleted-note",
];

fn canaries() -> Vec<&'static str> {
    let mut all = vec![NAME, PHONE, MAIL, "jsq", "jinsique"];
    all.extend(OTHERS);
    all
}

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

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

fn make(server: &Server, key: &str, object: &str, values: Json) -> i64 {
    let path = format!("/api/records/{object}");
    let made = is(&ask(server, "POST", &path, key, &values), 201);
    made["id"].as_i64().unwrap()
}

/// In which files below a folder each text stands.
fn found_in(folder: &Path, texts: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for text in texts {
                if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
                    found.push((path.display().to_string(), (*text).to_owned()));
                }
            }
        }
    }
    found
}

/// The files of the data folder, and of PostgreSQL every row of every table:
/// both in a backup, which is not packed.
fn left(home: &Home, texts: &[&str]) -> Vec<(String, String)> {
    let mut found = found_in(home.data.path(), texts);
    let folder = tempfile::tempdir().unwrap();
    let done = home
        .keji()
        .arg("backup")
        .arg(folder.path().join("b"))
        .output();
    let done = done.unwrap();
    assert!(done.status.success(), "{}", text(&done));
    found.extend(found_in(folder.path(), texts));
    found
}

fn is_whole(home: &Home) {
    let report = run(home.keji().arg("check"));
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|f| f["is_good"] == true), "{report}");
}

struct Seeded {
    customer: i64,
    contact: i64,
    person: i64,
}

/// A company with a contact, and a customer who is a person, with the canaries
/// wherever one can put them.
fn seed(home: &Home, server: &Server, key: &str) -> Seeded {
    let customer = make(
        server,
        key,
        "customer",
        json!({ "number": "K1", "name": "青山", "kind": "company" }),
    );
    let contact = make(
        server,
        key,
        "contact",
        json!({
            "name": NAME, "customer": customer, "mobile": PHONE, "email": MAIL,
            "wechat": "canary-wechat", "address": "canary-street-17", "interests": "canary-hobby",
            "birthday": "1990-01-02", "position": "CTO",
        }),
    );
    let path = format!("/api/records/contact/{contact}");
    let other = json!({ "mobile": "13911112222" });
    is(&ask(server, "PATCH", &path, key, &other), 200);
    is(
        &ask(server, "PATCH", &path, key, &json!({ "mobile": PHONE })),
        200,
    );
    let call = make(
        server,
        key,
        "touchpoint",
        json!({
            "customer": customer, "contact": contact, "kind": "call", "held_on": "2025-01-01", "subject": "call",
            "summary": "canary-note-of-the-call",
        }),
    );
    let say = |object: &str, id: i64, text: &str| {
        let path = format!("/api/records/{object}/{id}/comments");
        is(
            &ask(server, "POST", &path, key, &json!({ "text": text })),
            201,
        )
    };
    let said = say("contact", contact, "canary-said-of-the-person, first");
    let path = format!(
        "/api/records/contact/{contact}/comments/{}",
        said["comment"]["id"]
    );
    let again = json!({ "text": "canary-said-of-the-person" });
    is(&ask(server, "PATCH", &path, key, &again), 200);
    say("touchpoint", call, "canary-said-of-the-call");
    // Of the company: it stays, without the name.
    say("customer", customer, &format!("{NAME} decides here"));
    // Of the company, with the person's name in it.
    make(
        server,
        key,
        "note",
        json!({ "customer": customer, "written_on": "2025-01-01", "text": format!("met {NAME} today") }),
    );
    let note = make(
        server,
        key,
        "note",
        json!({ "customer": customer, "contact": contact, "written_on": "2025-01-01", "text": "canary-deleted-note" }),
    );
    say("note", note, "canary-said-of-the-deleted-note");
    let note = format!("/api/records/note/{note}");
    is(
        &ask(
            server,
            "PATCH",
            &note,
            key,
            &json!({ "text": "canary-deleted-note too" }),
        ),
        200,
    );
    assert_eq!(ask(server, "DELETE", &note, key, &Json::Null).status, 204);
    let consent = json!({
        "channel": "phone", "purpose": "marketing", "state": "given", "source": "form",
        "evidence": "canary-evidence-9",
    });
    is(
        &ask(
            server,
            "POST",
            &format!("/api/consents/contact/{contact}"),
            key,
            &consent,
        ),
        201,
    );
    // A request that would be answered again.
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "canary"),
    ];
    let twice = json!({ "customer": customer, "written_on": "2025-01-01", "text": format!("{NAME} again") }).to_string();
    assert_eq!(
        server
            .send("POST", "/api/records/note", &headers, twice.as_bytes())
            .status,
        201
    );
    // A file of orders by which the person is a customer, too.
    let file = format!(
        "单号,日期,客户编号,客户,电话,产品,数量,单价\nS1,2025-03-05,P1,{NAME},{PHONE},茶,2,10\n\
         S2,2025-03-06,K1,青山,,杯,1,5\nS3,,P1,{NAME},{PHONE},茶,2,10\n"
    );
    let headers = [("content-type", "application/octet-stream")];
    let path = "/api/imports?filename=orders.csv";
    let reply = server.send("POST", path, &headers, file.as_bytes());
    assert_eq!(reply.status, 201, "{}", reply.json());
    let import = server.finished(&reply.json());
    assert_eq!(import["state"], "done", "{import}");
    let list = is(
        &ask(
            server,
            "GET",
            "/api/records/customer?where=number%3D%27P1%27",
            key,
            &Json::Null,
        ),
        200,
    );
    let person = list["rows"][0]["id"].as_i64().unwrap();
    let path = format!("/api/records/customer/{person}");
    let kind = json!({ "kind": "person", "email": MAIL, "address": "canary-street-17" });
    is(&ask(server, "PATCH", &path, key, &kind), 200);
    // Files, with what stands in them.
    for of in [format!("contact={contact}"), format!("customer={person}")] {
        let path = format!("/api/files?name=%E7%8E%8B%E9%87%91%E4%B8%9D%E9%9B%80.txt&{of}");
        let content = format!("{of}: canary-scan-of-a-pass of {NAME}");
        let headers = [("content-type", "application/octet-stream")];
        is(
            &server.send("POST", &path, &headers, content.as_bytes()),
            201,
        );
    }
    // Found by its spelling, and taken out as files.
    for path in [
        "/api/records/contact?search=wjsq",
        "/api/exports/customers?format=csv",
    ] {
        assert_eq!(
            ask(server, "GET", path, key, &Json::Null).status,
            200,
            "{path}"
        );
    }
    let filter = format!("/api/exports/records/contact?format=csv&where=mobile%3D%27{PHONE}%27");
    assert_eq!(ask(server, "GET", &filter, key, &Json::Null).status, 200);
    is_whole(home);
    Seeded {
        customer,
        contact,
        person,
    }
}

fn unpacked(bytes: &[u8]) -> (Json, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.zip");
    std::fs::write(&path, bytes).unwrap();
    let out = std::process::Command::new("python3")
        .args(["-c", "import sys,zipfile,json;z=zipfile.ZipFile(sys.argv[1]);print(json.dumps([json.loads(z.read('person.json')),z.namelist()]))"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", text(&out));
    let both: Json = serde_json::from_slice(&out.stdout).unwrap();
    let names = both[1].as_array().unwrap();
    let names = names.iter().map(|n| n.as_str().unwrap().to_owned());
    (both[0].clone(), names.collect())
}

#[test]
fn everything_of_a_person_comes_in_one_file() {
    for home in homes() {
        let server = home.server();
        let owner = token(&home.keji(), "li", "owner");
        let seeded = seed(&home, &server, &owner);
        let wang = token(&home.keji(), "wang", "manager");
        let path = format!("/api/persons/contact/{}/export", seeded.contact);
        is(&ask(&server, "GET", &path, &wang, &Json::Null), 403);
        let company = format!("/api/persons/customer/{}/export", seeded.customer);
        let refused = is(&ask(&server, "GET", &company, &owner, &Json::Null), 409);
        assert_eq!(refused["code"], "no_person");

        let file = ask(&server, "GET", &path, &owner, &Json::Null);
        assert_eq!(file.status, 200);
        assert!(file.body.starts_with(b"PK"));
        let (document, names) = unpacked(&file.body);
        let records = document["records"].as_object().unwrap();
        // A walk over the catalog by the other door: whatever names the person.
        let objects = is(
            &ask(&server, "GET", "/api/objects", &owner, &Json::Null),
            200,
        );
        let mut n = 0;
        for object in objects["objects"].as_array().unwrap() {
            let id = object["id"].as_str().unwrap();
            for field in object["fields"].as_array().unwrap() {
                let filter = match (field["to"].as_str(), id) {
                    (Some("contact"), _) => {
                        format!("{}%3D{}", field["id"].as_str().unwrap(), seeded.contact)
                    }
                    (None, "contact") if field["id"] == "name" => {
                        format!("id%3D{}", seeded.contact)
                    }
                    _ => continue,
                };
                let list = format!("/api/records/{id}?where={filter}&limit=1000");
                let rows = is(&ask(&server, "GET", &list, &owner, &Json::Null), 200);
                for row in rows["rows"].as_array().unwrap() {
                    let held = records[id].as_array().unwrap().iter();
                    let mut held = held.filter(|r| r["id"] == row["id"]);
                    let held = held.next().unwrap_or_else(|| panic!("no {id} {row}"));
                    for (field, value) in row["values"].as_object().unwrap() {
                        assert_eq!(held[field], *value, "{id}.{field}");
                        n += 1;
                    }
                    assert!(names.contains(&format!("{id}.csv")));
                }
            }
        }
        assert!(n > 30, "{n}");
        let scan = names.iter().find(|name| name.starts_with("files/"));
        let scan = scan.expect("the person's file");
        assert!(scan.ends_with(&format!("-{NAME}.txt")), "{scan}");
        let at = |part: &[u8]| file.body.windows(part.len()).any(|w| w == part);
        assert!(at(scan.as_bytes()));
        let text = document.to_string();
        for canary in [
            NAME,
            PHONE,
            MAIL,
            "canary-hobby",
            "canary-evidence-9",
            "13911112222",
        ] {
            assert!(text.contains(canary), "{canary}");
        }
        let log = is(
            &ask(
                &server,
                "GET",
                "/api/audit?kind=export&limit=1",
                &owner,
                &Json::Null,
            ),
            200,
        );
        assert_eq!(log["entries"][0]["after"]["what"], "person");
    }
}

#[test]
fn an_erased_person_is_nowhere_any_more() {
    for home in homes() {
        let server = home.server();
        let owner = token(&home.keji(), "li", "owner");
        let second = token(&home.keji(), "zhao", "owner");
        let wang = token(&home.keji(), "wang", "manager");
        let seeded = seed(&home, &server, &owner);
        let texts = canaries();
        let before = left(&home, &texts);
        for canary in &texts {
            assert!(
                before.iter().any(|(_, t)| t == canary),
                "{canary} was never there"
            );
        }
        let backups = tempfile::tempdir().unwrap();
        let backup = backups.path().join("before");
        let done = home.keji().arg("backup").arg(&backup).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        let orders = run(home.keji().args(["ask", "net_revenue,orders"]))["rows"].clone();

        // Asked for with a reason, confirmed by somebody else who may.
        let wanted = |object: &str, record: i64, reason: &str| json!({ "object": object, "record": record, "reason": reason });
        let post = |path: &str, key: &str, body: &Json| ask(&server, "POST", path, key, body);
        let bad = is(
            &post(
                "/api/erasures",
                &owner,
                &wanted("contact", seeded.contact, "x"),
            ),
            422,
        );
        assert_eq!(bad["fields"][0]["field"], "reason");
        let company = wanted("customer", seeded.customer, "asked by letter");
        assert_eq!(
            is(&post("/api/erasures", &owner, &company), 409)["code"],
            "no_person"
        );
        let asked = wanted("contact", seeded.contact, "asked by letter");
        let id = is(&post("/api/erasures", &owner, &asked), 201)["id"].clone();
        let confirm = format!("/api/erasures/{id}/confirm");
        let typed = json!({ "title": NAME });
        is(&post(&confirm, &wang, &typed), 403);
        assert_eq!(
            is(&post(&confirm, &owner, &typed), 409)["code"],
            "second_person"
        );
        let wrong = is(&post(&confirm, &second, &json!({ "title": "?" })), 422);
        assert_eq!(wrong["fields"][0]["field"], "title");
        let waiting = is(
            &ask(&server, "GET", "/api/erasures", &second, &Json::Null),
            200,
        );
        assert_eq!(waiting["waiting"][0]["asked_by"], "li");
        let report = is(&post(&confirm, &second, &typed), 200);
        let pseudonym = report["pseudonym"].as_str().unwrap().to_owned();
        is(&post(&confirm, &second, &typed), 404);

        let contact = format!("/api/records/contact/{}", seeded.contact);
        let record = is(&ask(&server, "GET", &contact, &owner, &Json::Null), 200);
        assert_eq!(record["values"]["name"], pseudonym.as_str());
        for field in [
            "mobile",
            "email",
            "wechat",
            "address",
            "birthday",
            "interests",
        ] {
            assert_eq!(record["values"][field], json!(null), "{field}");
        }
        assert_eq!(record["values"]["customer"], seeded.customer);
        let consents = format!("/api/consents/contact/{}", seeded.contact);
        let consents = is(&ask(&server, "GET", &consents, &owner, &Json::Null), 200);
        assert_eq!(consents["states"][0]["state"], "given");

        // The same person as a customer, by the command line.
        let mut erase = home.keji();
        let number = seeded.person.to_string();
        erase.args([
            "person",
            "erase",
            "customer",
            &number,
            "--reason",
            "asked by letter",
        ]);
        let refused = erase.args(["--confirm", "somebody"]).output().unwrap();
        assert!(!refused.status.success());
        let mut erase = home.keji();
        erase.args([
            "person",
            "erase",
            "customer",
            &number,
            "--reason",
            "asked by letter",
        ]);
        run(erase.args(["--confirm", NAME]));

        assert_eq!(left(&home, &texts), []);
        is_whole(&home);
        // The money is where it was.
        assert_eq!(
            run(home.keji().args(["ask", "net_revenue,orders"]))["rows"],
            orders
        );
        let log = is(
            &ask(&server, "GET", "/api/audit?limit=500", &owner, &Json::Null),
            200,
        );
        assert_eq!(log["is_whole"], true);
        assert!(log.to_string().contains(&pseudonym));
        // What is written from now on is under the chain as ever.
        make(
            &server,
            &owner,
            "customer",
            json!({ "number": "K9", "name": "后来" }),
        );
        is_whole(&home);
        drop(server);

        // A backup of the days before brings the person back, and the register
        // takes it away again.
        let register = home.data.path().join("erasures.jsonl");
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("restored");
        let mut restore = support::keji(&place);
        restore
            .arg("restore")
            .arg(&backup)
            .arg("--erasures")
            .arg(&register);
        let done = restore.output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        assert_eq!(found_in(&place, &texts), []);
        let report = run(support::keji(&place).arg("check"));
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().all(|f| f["is_good"] == true), "{report}");
        // Without it, it is back: the search is not blind.
        let place = folder.path().join("without");
        let mut restore = support::keji(&place);
        let done = restore.arg("restore").arg(&backup).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        assert!(!found_in(&place, &[NAME]).is_empty());
    }
}

/// Nobody has to think of the register: a kept backup is restored with that of
/// the place it was kept by.
#[test]
fn a_kept_backup_does_not_bring_an_erased_person_back() {
    for home in homes() {
        let server = home.server();
        let owner = token(&home.keji(), "li", "owner");
        let person = json!({ "number": "P1", "name": NAME, "kind": "person", "phone": PHONE });
        let id = make(&server, &owner, "customer", person);
        run(home.keji().arg("backup"));
        let list = is(
            &ask(&server, "GET", "/api/backups", &owner, &Json::Null),
            200,
        );
        let name = list["backups"][0]["name"].as_str().unwrap().to_owned();
        let folders = std::fs::read_dir(home.data.path()).unwrap().flatten();
        let kept = folders.map(|f| f.path().join(&name)).find(|f| f.is_file());
        let kept = kept.unwrap();

        let wanted = json!({ "object": "customer", "record": id, "reason": "asked by letter" });
        let asked = is(&ask(&server, "POST", "/api/erasures", &owner, &wanted), 201);
        let second = token(&home.keji(), "zhao", "owner");
        let confirm = format!("/api/erasures/{}/confirm", asked["id"]);
        let typed = json!({ "title": NAME });
        let report = is(&ask(&server, "POST", &confirm, &second, &typed), 200);
        // Whoever erased is told in which backups the person still is.
        assert_eq!(report["backups"], json!([name]));
        run(home.keji().arg("backup"));
        let list = is(
            &ask(&server, "GET", "/api/erasures", &owner, &Json::Null),
            200,
        );
        assert_eq!(list["done"][0]["backups"], json!([name]), "{list}");
        is_whole(&home);

        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("restored");
        let mut restore = support::keji(&place);
        let done = restore.args(["restore", "--json"]).arg(&kept).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", text(&done));
        let said: Json = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(said["erased_again"], 1, "{said}");
        assert!(done.stderr.is_empty(), "{}", text(&done));
        assert_eq!(found_in(&place, &[NAME, PHONE]), []);

        // Elsewhere there is no register to be found, which is told.
        let away = folder.path().join("away");
        std::fs::copy(&kept, &away).unwrap();
        for (language, told) in [
            ("en", "no register of erasures"),
            ("zh", "没有找到清除登记"),
        ] {
            let place = folder.path().join(language);
            let mut restore = support::keji(&place);
            let done = restore.env("KEJI_LANG", language).arg("restore").arg(&away);
            let done = done.output().unwrap();
            assert!(done.status.success(), "{}", text(&done));
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(said.contains(told), "{said}");
            assert!(!found_in(&place, &[NAME]).is_empty());
        }
    }
}

#[test]
fn consents_are_added_and_told_of_any_day() {
    for home in homes() {
        let server = home.server();
        let owner = token(&home.keji(), "li", "owner");
        let marketing = token(&home.keji(), "zhou", "marketing");
        let customer = make(
            &server,
            &owner,
            "customer",
            json!({ "name": "青山", "kind": "company" }),
        );
        let contact = make(
            &server,
            &owner,
            "contact",
            json!({ "name": "王芳", "customer": customer }),
        );
        let path = format!("/api/consents/contact/{contact}");
        let said = |channel: &str, state: &str, at: &str| json!({ "channel": channel, "purpose": "marketing", "state": state, "at": at, "source": "form" });
        let add = |key: &str, body: &Json| ask(&server, "POST", &path, key, body);
        is(
            &add(&owner, &said("sms", "given", "2026-01-01T08:00:00Z")),
            201,
        );
        is(
            &add(&owner, &said("any", "withdrawn", "2026-02-01T08:00:00Z")),
            201,
        );
        is(
            &add(&owner, &said("phone", "given", "2026-03-01T08:00:00Z")),
            201,
        );
        is(
            &add(&marketing, &said("phone", "given", "2026-03-01T08:00:00Z")),
            403,
        );
        let wrong = json!({
            "channel": "pigeon", "purpose": "fun", "state": "maybe", "at": "2999-01-01T00:00:00Z",
            "source": " ",
        });
        let refused = is(&add(&owner, &wrong), 422);
        let fields: Vec<_> = (refused["fields"].as_array().unwrap().iter())
            .map(|f| f["field"].as_str().unwrap())
            .collect();
        assert_eq!(fields, ["channel", "purpose", "state", "at", "source"]);
        let company = format!("/api/consents/customer/{customer}");
        let refused = ask(
            &server,
            "POST",
            &company,
            &owner,
            &said("sms", "given", "2026-01-01T08:00:00Z"),
        );
        assert_eq!(is(&refused, 409)["code"], "no_person");

        let now = is(&ask(&server, "GET", &path, &marketing, &Json::Null), 200);
        let states = |doc: &Json| -> Vec<(String, String)> {
            let text = |v: &Json| v.as_str().unwrap().to_owned();
            let states = doc["states"].as_array().unwrap().iter();
            states
                .map(|s| (text(&s["channel"]), text(&s["state"])))
                .collect()
        };
        let is_so = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            all.iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        assert_eq!(
            states(&now),
            is_so(&[
                ("any", "withdrawn"),
                ("phone", "given"),
                ("sms", "withdrawn")
            ])
        );
        assert_eq!(now["entries"].as_array().map(Vec::len), Some(3));
        assert_eq!(now["entries"][0]["recorded_by"], "li");

        // Every decision can be made again as of its day: each entry gives what
        // was true, and known, when it was the newest.
        let entries = now["entries"].as_array().unwrap();
        for (n, entry) in entries.iter().rev().enumerate() {
            let at = entry["recorded_at"].as_str().unwrap();
            let then = is(
                &ask(
                    &server,
                    "GET",
                    &format!("{path}?as_of={at}"),
                    &owner,
                    &Json::Null,
                ),
                200,
            );
            assert_eq!(
                then["entries"].as_array().map(Vec::len),
                Some(n + 1),
                "{at}"
            );
        }
        // Before it was recorded, nobody knew.
        let early = format!("{path}?as_of=2026-02-02T00:00:00Z");
        assert_eq!(
            states(&is(&ask(&server, "GET", &early, &owner, &Json::Null), 200)),
            []
        );

        // From a file: all of it, or nothing.
        let file = home.data.path().join("consents.csv");
        let head = "object,id,channel,purpose,state,at,source,evidence\n";
        let good = format!("contact,{contact},email,service,given,2026-01-05T00:00:00Z,表单,7\n");
        let bad = format!("contact,{contact},pigeon,service,given,,form,\n");
        std::fs::write(&file, format!("{head}{good}{bad}")).unwrap();
        let refused = home
            .keji()
            .args(["consent", "import"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert!(text(&refused).contains("pigeon"), "{}", text(&refused));
        let n = |server: &Server| {
            let doc = is(&ask(server, "GET", &path, &owner, &Json::Null), 200);
            doc["entries"].as_array().map_or(0, Vec::len)
        };
        assert_eq!(n(&server), 3);
        std::fs::write(&file, format!("{head}{good}")).unwrap();
        run(home.keji().args(["consent", "import"]).arg(&file));
        assert_eq!(n(&server), 4);
        // No other way in or out: entries are neither changed nor deleted.
        let record = format!("/api/records/consent/{}", entries[0]["id"]);
        for (method, body) in [
            ("PATCH", json!({ "state": "given" })),
            ("DELETE", Json::Null),
        ] {
            assert_eq!(
                is(&ask(&server, method, &record, &owner, &body), 409)["code"],
                "read_only"
            );
        }
        let made = json!({ "customer": customer, "channel": "sms" });
        is(
            &ask(&server, "POST", "/api/records/consent", &owner, &made),
            409,
        );
        is_whole(&home);
    }
}

//! Secrets and personal data stay where they belong (SEC-9): not in the logs,
//! however much is logged, not in problems, not in what goes to a role that
//! may not see them, not beside the database in the data folder.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "canary-password-1";
const WRONG: &str = "canary-wrong-password";
const PHONE: &str = "13700001234";
const MAIL: &str = "canary.mail@example.com";
const NAME: &str = "周金丝雀";

fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", "en"),
        (
            "authorization",
            if key.is_empty() { "" } else { bearer.as_str() },
        ),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send_raw(method, path, &headers, body.as_bytes())
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

/// Files below a folder but for `without` in which one of the texts stands.
fn found_in(folder: &Path, texts: &[String], without: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if without.iter().any(|w| name.starts_with(w)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for text in texts.iter().filter(|t| has(&bytes, t)) {
                found.push((path.display().to_string(), text.clone()));
            }
        }
    }
    found
}

fn logged(home: &Home, log: &Path) -> Command {
    let mut keji = home.keji();
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log);
    keji.env("RUST_LOG", "debug")
        .stderr(Stdio::from(file.unwrap()));
    keji
}

#[test]
fn nothing_secret_or_personal_stands_where_it_does_not_belong() {
    for home in homes() {
        let logs = tempfile::tempdir().unwrap();
        let log = logs.path().join("log");
        let owner = token(&home.keji(), "li", "owner");
        let server = Server::of(logged(&home, &log));
        // Users, sessions, a second factor, tokens.
        let user = json!({ "login": "zhao", "name": "Zhao", "role": "representative", "password": PASSWORD });
        let made = ask(&server, "POST", "/api/users", &owner, &user);
        assert_eq!(made.status, 201, "{}", made.json());
        let sign_in = |password: &str| {
            let wanted = json!({ "login": "zhao", "password": password });
            ask(&server, "POST", "/api/session", "", &wanted)
        };
        let problem = sign_in(WRONG);
        assert_eq!(problem.status, 401);
        let entered = sign_in(PASSWORD);
        let cookie = entered.header("set-cookie").unwrap();
        let session = cookie
            .split(';')
            .next()
            .unwrap()
            .split('=')
            .nth(1)
            .unwrap()
            .to_owned();
        let totp = ask(&server, "POST", "/api/session/totp", &owner, &Json::Null).json();
        let totp = totp["secret"]
            .as_str()
            .unwrap_or("no second factor here")
            .to_owned();
        let second = ask(
            &server,
            "POST",
            "/api/tokens",
            &owner,
            &json!({ "name": "erp" }),
        )
        .json();
        let second = second["token"].as_str().unwrap().to_owned();
        let secrets = [
            PASSWORD.to_owned(),
            WRONG.to_owned(),
            session,
            totp,
            owner.clone(),
            second,
        ];
        let personal = [PHONE, MAIL, NAME].map(str::to_owned);
        let mut all = secrets.to_vec();
        all.extend(personal.clone());

        // Records, a file, questions; well and wrongly asked for.
        let customer = json!({ "number": "K1", "name": NAME, "kind": "person", "phone": PHONE, "email": MAIL });
        let made = ask(&server, "POST", "/api/records/customer", &owner, &customer).json();
        let id = made["id"].as_i64().unwrap();
        let file = format!(
            "单号,日期,客户编号,客户,电话,产品,数量,单价\nS1,2025-03-05,P1,{NAME},{PHONE},茶,2,10\n"
        );
        let import = server.upload("orders.csv", file.as_bytes()).json();
        assert_eq!(server.finished(&import)["state"], "done");
        let mut problems = vec![problem];
        let twice = json!({ "number": "K1", "name": NAME, "phone": PHONE, "email": MAIL });
        problems.push(ask(
            &server,
            "POST",
            "/api/records/customer",
            &owner,
            &twice,
        ));
        let wrong = json!({ "name": NAME, "phone": PHONE, "city": [1] });
        problems.push(ask(
            &server,
            "PATCH",
            &format!("/api/records/customer/{id}"),
            &owner,
            &wrong,
        ));
        problems.push(ask(
            &server,
            "GET",
            "/api/records/customer?sort=nothing",
            &owner,
            &Json::Null,
        ));
        problems.push(server.upload(
            "broken.xlsx",
            format!("PK\u{3}\u{4}{NAME},{PHONE}").as_bytes(),
        ));
        let broken = json!({ "object": "customer", "record": id, "reason": "x" });
        problems.push(ask(&server, "POST", "/api/erasures", &owner, &broken));
        // A table that is not there: the server's own fault, logged whole.
        for path in [
            "/api/records/customer/999999",
            "/api/nothing",
            "/api/customers/999999",
        ] {
            problems.push(ask(&server, "GET", path, &owner, &Json::Null));
        }
        for problem in &problems {
            for text in &all {
                let body = String::from_utf8_lossy(&problem.body);
                assert!(!has(&problem.body, text), "{text} in {body}");
            }
        }
        // What a role does not see is in none of its files and answers.
        let role = json!({
            "name": { "zh": "低", "en": "Low" }, "about": { "zh": "低", "en": "Low" },
            "grants": [{ "object": "*", "actions": ["read", "export"], "rows": "all" }],
            "fields": [
                { "field": "customer.phone", "as": "masked" },
                { "field": "customer.email", "as": "hidden" },
                { "field": "customer.name", "as": "masked" },
            ],
        });
        assert!(ask(&server, "PUT", "/api/roles/low", &owner, &role).status < 300);
        let low = token(&home.keji(), "sun", "low");
        let question = json!({ "metrics": ["orders"], "from": "2025-01-01", "to": "2026-01-01" });
        let mut answers = Vec::new();
        for path in [
            "/api/records/customer".to_owned(),
            format!("/api/records/customer/{id}"),
            format!("/api/records/customer/{id}/history"),
            "/api/records/order".to_owned(),
            "/api/customers".to_owned(),
            format!("/api/customers/{id}"),
            "/api/exports/records/customer?format=csv".to_owned(),
            "/api/exports/records/order?format=csv".to_owned(),
            "/api/exports/customers?format=csv".to_owned(),
        ] {
            let answer = ask(&server, "GET", &path, &low, &Json::Null);
            assert_eq!(
                answer.status,
                200,
                "{path}: {}",
                String::from_utf8_lossy(&answer.body)
            );
            answers.push((path, answer));
        }
        for path in ["/api/insight/rows", "/api/exports/rows?format=csv"] {
            let answer = ask(&server, "POST", path, &low, &question);
            assert_eq!(
                answer.status,
                200,
                "{path}: {}",
                String::from_utf8_lossy(&answer.body)
            );
            answers.push((path.to_owned(), answer));
        }
        for (path, answer) in &answers {
            for text in &all {
                let body = String::from_utf8_lossy(&answer.body);
                assert!(!has(&answer.body, text), "{text} in {path}: {body}");
            }
        }
        // By name, too: a question may not be split by what is covered.
        let by = json!({ "metrics": ["orders"], "by": ["customer.name"] });
        let split = ask(&server, "POST", "/api/insight", &low, &by);
        assert!((400..500).contains(&split.status), "{}", split.json());

        // A backup keeps no secret at all, its manifest nothing personal.
        let backups = tempfile::tempdir().unwrap();
        let backup = backups.path().join("b");
        let done = home
            .keji()
            .args(["backup", "--json"])
            .arg(&backup)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", text(&done));
        for text in &all {
            assert!(
                !has(&done.stdout, text) && !has(&done.stderr, text),
                "{text}"
            );
        }
        assert_eq!(found_in(backups.path(), &secrets, &[]), []);
        drop(server);
        let bytes = std::fs::read(&log).unwrap();
        for text in &all {
            let at = String::from_utf8_lossy(&bytes);
            let line = at.lines().find(|l| l.contains(text.as_str()));
            assert_eq!(line, None, "{text} is logged");
        }
        // In the data folder: personal data in the database, the received files
        // and the copy, secrets nowhere.
        let stores = ["keji.sqlite", "uploads", "copy"];
        assert_eq!(found_in(home.data.path(), &personal, &stores), []);
        assert_eq!(found_in(home.data.path(), &secrets, &[]), []);
        // The search is not blind: what is planted is found.
        std::fs::write(home.data.path().join("planted"), format!("x{PHONE}x")).unwrap();
        assert_eq!(found_in(home.data.path(), &personal, &stores).len(), 1);
    }
}

//! Other programs are told of changes: signed, under the rights of the
//! webhook's owner, again until they have received it, and not before somebody
//! says so after a restore.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use crate::support::{self, Home, Reply, Server, homes, text, token};
use keji_app::webhooks::signature;
use serde_json::{Value as Json, json};

/// What arrived.
#[derive(Debug, Clone)]
struct Got {
    id: String,
    at_s: i64,
    signature: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A program that is told: answers with the statuses of its list in turn, and
/// then with 200.
struct Receiver {
    port: u16,
    answers: Arc<Mutex<Vec<u16>>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            port: listener.local_addr().unwrap().port(),
            answers: Arc::default(),
            got: Arc::default(),
        };
        let (answers, got) = (receiver.answers.clone(), receiver.got.clone());
        spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut one, mut length) = (
                    Got {
                        id: String::new(),
                        at_s: 0,
                        signature: String::new(),
                        body: Vec::new(),
                    },
                    0,
                );
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    if let Some((name, value)) = line.trim().split_once(": ") {
                        match name {
                            "webhook-id" => one.id = value.to_owned(),
                            "webhook-timestamp" => one.at_s = value.parse().unwrap(),
                            "webhook-signature" => one.signature = value.to_owned(),
                            "content-length" => length = value.parse().unwrap(),
                            _ => {}
                        }
                    }
                    line.clear();
                }
                one.body = vec![0; length];
                reader.read_exact(&mut one.body).unwrap();
                let mut answers = answers.lock().unwrap();
                let status = match answers.is_empty() {
                    true => 200,
                    false => answers.remove(0),
                };
                got.lock().unwrap().push(one);
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        receiver
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn serve(&self, home: &Home) -> Server {
        let mut keji = home.keji();
        keji.env("KEJI_ALLOW_OUTBOUND", format!("127.0.0.1:{}", self.port));
        Server::of(keji)
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until `n` have arrived, and a little for one too many.
    fn wait(&self, n: usize) -> Vec<Got> {
        let started = Instant::now();
        while self.got().len() < n {
            assert!(
                started.elapsed() < Duration::from_secs(40),
                "{n} are wanted: {:?}",
                self.got()
            );
            sleep(Duration::from_millis(50));
        }
        sleep(Duration::from_millis(1500));
        let got = self.got();
        assert_eq!(got.len(), n, "{got:?}");
        got
    }
}

fn ask(server: &Server, method: &str, path: &str, token: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {token}");
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

fn own(server: &Server, method: &str, path: &str, body: &Json) -> Reply {
    ask(server, method, path, &server.token, body)
}

/// Its id and its secret.
fn hook(server: &Server, token: &str, wanted: &Json) -> (i64, String) {
    let made = ask(server, "POST", "/api/webhooks", token, wanted);
    assert_eq!(made.status, 201, "{}", made.json());
    let made = made.json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    (made["id"].as_i64().unwrap(), secret)
}

fn record(server: &Server, object: &str, values: &Json) -> i64 {
    let made = own(server, "POST", &format!("/api/records/{object}"), values);
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_i64().unwrap()
}

fn deliveries(server: &Server, id: i64) -> Vec<Json> {
    let path = format!("/api/webhooks/{id}/deliveries");
    let list = own(server, "GET", &path, &Json::Null).json();
    list["deliveries"].as_array().unwrap().clone()
}

#[test]
fn a_change_is_told_once_and_signed() {
    for home in homes() {
        let receiver = Receiver::start();
        let server = receiver.serve(&home);
        record(&server, "customer", &json!({ "name": "before" }));
        let wanted = json!({ "name": "ERP", "url": receiver.url(), "objects": ["customer"], "kinds": ["create", "update"] });
        let (id, secret) = hook(&server, &server.token, &wanted);

        let customer = record(&server, "customer", &json!({ "name": "甲公司" }));
        record(&server, "product", &json!({ "name": "茶" }));
        let path = format!("/api/records/customer/{customer}");
        let changed = own(&server, "PATCH", &path, &json!({ "city": "上海" }));
        assert_eq!(changed.status, 200, "{}", changed.json());
        assert_eq!(own(&server, "DELETE", &path, &Json::Null).status, 204);
        let mut got = receiver.wait(2);
        got.sort_by_key(|g| g.json()["data"]["seq"].as_i64());
        let [created, updated] = &got[..] else {
            panic!()
        };
        assert_ne!(created.id, updated.id);
        for one in &got {
            let secrets = std::slice::from_ref(&secret);
            let signed = signature(secrets, &one.id, one.at_s, &one.body).unwrap();
            assert_eq!(one.signature, signed);
            assert!((jiff::Timestamp::now().as_second() - one.at_s).abs() < 60);
        }
        let (created, updated) = (created.json(), updated.json());
        assert_eq!(created["type"], "customer.create");
        assert_eq!(created["data"]["record"], customer);
        assert_eq!(created["data"]["after"]["name"], "甲公司");
        assert_eq!(created["data"]["actor"], "owner");
        assert_eq!(updated["type"], "customer.update");
        assert_eq!(updated["data"]["after"]["city"], "上海");

        let log = deliveries(&server, id);
        assert_eq!(log.len(), 2);
        for one in &log {
            assert_eq!(one["state"], "delivered", "{one}");
            assert_eq!(one["attempt"]["status"], 200);
            assert!(one["attempt"]["duration_ms"].is_number());
        }
        let list = own(&server, "GET", "/api/webhooks", &Json::Null);
        let shown = String::from_utf8_lossy(&list.body).into_owned();
        assert!(!shown.contains("whsec_"), "{shown}");
        assert_eq!(list.json()["is_frozen"], false);

        // Nothing is told of what changes while it is off.
        let path = format!("/api/webhooks/{id}");
        let off = own(&server, "PATCH", &path, &json!({ "is_active": false }));
        assert_eq!(off.status, 204);
        record(&server, "customer", &json!({ "name": "unseen" }));
        let on = own(&server, "PATCH", &path, &json!({ "is_active": true }));
        assert_eq!(on.status, 204);
        record(&server, "customer", &json!({ "name": "seen" }));
        let got = receiver.wait(3);
        assert_eq!(got[2].json()["data"]["after"]["name"], "seen");

        // Both secrets hold for a day.
        let path = format!("/api/webhooks/{id}/secret");
        let new = own(&server, "POST", &path, &Json::Null).json();
        let new = new["secret"].as_str().unwrap().to_owned();
        assert_ne!(new, secret);
        record(&server, "customer", &json!({ "name": "twice signed" }));
        let one = receiver.wait(4).pop().unwrap();
        let both = signature(&[new, secret], &one.id, one.at_s, &one.body).unwrap();
        assert_eq!(one.signature, both);

        let path = format!("/api/webhooks/{id}");
        assert_eq!(own(&server, "DELETE", &path, &Json::Null).status, 204);
        record(&server, "customer", &json!({ "name": "after the end" }));
        receiver.wait(4);
        assert_eq!(own(&server, "DELETE", &path, &Json::Null).status, 404);
    }
}

#[test]
fn what_was_not_received_comes_again_with_the_same_id() {
    for home in homes() {
        let receiver = Receiver::start();
        receiver.answers.lock().unwrap().extend([500, 302]);
        let server = receiver.serve(&home);
        let wanted =
            json!({ "name": "ERP", "url": receiver.url(), "objects": ["*"], "kinds": ["create"] });
        let (id, _) = hook(&server, &server.token, &wanted);
        let customer = record(&server, "customer", &json!({ "name": "甲" }));
        while receiver.got().is_empty() {
            sleep(Duration::from_millis(50));
        }
        sleep(Duration::from_millis(500));
        let log = deliveries(&server, id);
        assert_eq!(log[0]["state"], "waiting", "{}", log[0]);
        assert!(log[0]["next_at"].is_string());
        let list = own(&server, "GET", "/api/webhooks", &Json::Null).json();
        assert_eq!(list["webhooks"][0]["n_waiting"], 1);
        // A redirect is no answer that counts; it is not gone after either.
        let got = receiver.wait(3);
        assert!(got.iter().all(|g| g.id == got[0].id), "{got:?}");
        assert!(got[1].at_s - got[0].at_s >= 5);
        let log = deliveries(&server, id);
        assert_eq!((log.len(), &log[0]["state"]), (1, &json!("delivered")));
        let delivery = log[0]["id"].as_i64().unwrap();
        let path = format!("/api/webhooks/{id}/deliveries/{delivery}");
        let tries = own(&server, "GET", &path, &Json::Null).json();
        let statuses: Vec<_> = tries["attempts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["status"].as_i64().unwrap())
            .collect();
        assert_eq!(statuses, [500, 302, 200]);

        // By hand once more, and then it says that it is gone.
        receiver.answers.lock().unwrap().push(410);
        let again = own(&server, "POST", &format!("{path}/resend"), &Json::Null);
        assert_eq!(again.status, 202);
        let got = receiver.wait(4);
        assert_eq!(got[3].id, got[0].id);
        assert_eq!(got[3].json()["data"]["record"], customer);
        let log = deliveries(&server, id);
        assert_eq!(log[0]["state"], "dead", "{}", log[0]);
        let list = own(&server, "GET", "/api/webhooks", &Json::Null).json();
        assert_eq!(list["webhooks"][0]["n_dead"], 1);
        let dead = format!("/api/webhooks/{id}/deliveries?dead=true");
        let dead = own(&server, "GET", &dead, &Json::Null).json();
        assert_eq!(dead["deliveries"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn nothing_is_told_that_the_owner_may_not_read() {
    for home in homes() {
        let receiver = Receiver::start();
        let server = receiver.serve(&home);
        let role = json!({
            "name": { "zh": "接口", "en": "Interface" }, "about": { "zh": "接口", "en": "Interface" },
            "admin": ["webhooks"],
            "grants": [{ "object": "customer", "actions": ["read"], "rows": "own" }],
            "fields": [{ "field": "customer.city", "as": "hidden" }],
        });
        let saved = own(&server, "PUT", "/api/roles/interface", &role);
        assert_eq!(
            saved.status,
            204,
            "{}",
            String::from_utf8_lossy(&saved.body)
        );
        let part = token(&home.keji(), "part", "interface");
        let users = own(&server, "GET", "/api/users", &Json::Null).json();
        let user = users["users"]
            .as_array()
            .unwrap()
            .iter()
            .find(|u| u["login"] == "part")
            .unwrap()["id"]
            .clone();
        let all = json!({ "name": "all", "url": receiver.url(), "objects": ["*"], "kinds": ["create", "update", "delete", "import", "undo", "evaluation"] });
        hook(&server, &part, &all);

        // Somebody else's, another object, a file of orders, a role, a token.
        record(&server, "customer", &json!({ "name": "not his" }));
        record(&server, "product", &json!({ "name": "茶" }));
        let import = server.upload(
            "a.csv",
            "单号,日期,客户编号,客户,产品,数量,单价\nS1,2025-03-05,K1,甲,茶,2,10\n".as_bytes(),
        );
        assert_eq!(server.finished(&import.json())["state"], "done");
        let his = json!({ "name": "his", "city": "上海", "user": user });
        let his = record(&server, "customer", &his);
        let path = format!("/api/records/customer/{his}");
        let hidden = own(&server, "PATCH", &path, &json!({ "city": "北京" }));
        assert_eq!(hidden.status, 200);
        let seen = own(
            &server,
            "PATCH",
            &path,
            &json!({ "name": "his too", "city": "广州" }),
        );
        assert_eq!(seen.status, 200);
        let mut got = receiver.wait(2);
        got.sort_by_key(|g| g.json()["data"]["seq"].as_i64());
        let all: Vec<String> = got
            .iter()
            .map(|g| String::from_utf8(g.body.clone()).unwrap())
            .collect();
        assert!(
            all[0].contains("\"his\"") && all[1].contains("his too"),
            "{all:?}"
        );
        for body in &all {
            assert!(
                !body.contains("city") && !body.contains("海") && !body.contains("广"),
                "{body}"
            );
        }
        // Gone from his sight, and deleted: neither is told.
        let away = own(
            &server,
            "PATCH",
            &path,
            &json!({ "user": null, "name": "away" }),
        );
        assert_eq!(away.status, 200);
        assert_eq!(own(&server, "DELETE", &path, &Json::Null).status, 204);
        receiver.wait(2);

        // A token that may only administer does not get its user's sight.
        let admin = [
            "token", "create", "narrow", "--user", "owner", "--scope", "admin",
        ];
        let made = home.keji().args(admin).output().unwrap();
        assert!(made.status.success(), "{}", text(&made));
        let narrow = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let wanted =
            json!({ "name": "x", "url": receiver.url(), "objects": ["*"], "kinds": ["create"] });
        let refused = ask(&server, "POST", "/api/webhooks", &narrow, &wanted);
        assert_eq!(refused.status, 403, "{}", refused.json());
        // Who is no administrator sees none of it.
        let rep = token(&home.keji(), "rep", "representative");
        for (method, path) in [
            ("GET", "/api/webhooks"),
            ("POST", "/api/webhooks/1/test"),
            ("POST", "/api/webhooks/1/secret"),
            ("GET", "/api/webhooks/1/deliveries"),
            ("GET", "/api/webhooks/1/deliveries/1"),
            ("POST", "/api/webhooks/1/deliveries/1/resend"),
            ("DELETE", "/api/webhooks/1"),
            ("GET", "/api/outbound"),
            ("POST", "/api/outbound/release"),
        ] {
            let refused = ask(&server, method, path, &rep, &Json::Null);
            assert_eq!(refused.status, 403, "{method} {path}");
        }
    }
}

#[test]
fn wrong_webhooks_are_refused_by_field_and_wrong_addresses_when_sending() {
    for home in homes() {
        let receiver = Receiver::start();
        // Nothing is allowed here.
        let server = home.server();
        let good = json!({ "name": "x", "url": receiver.url(), "objects": ["customer"], "kinds": ["create"] });
        for (field, value) in [
            ("name", json!(" ")),
            ("url", json!("ftp://example.com/")),
            ("url", json!("http://a:b@example.com/")),
            ("url", json!("")),
            ("objects", json!([])),
            ("objects", json!(["customer", "nothing"])),
            ("objects", json!(["*", "customer"])),
            ("kinds", json!([])),
            ("kinds", json!(["changed"])),
        ] {
            let mut wanted = good.clone();
            wanted[field] = value;
            let refused = own(&server, "POST", "/api/webhooks", &wanted);
            assert_eq!(refused.status, 422, "{wanted}: {}", refused.json());
            assert_eq!(refused.json()["fields"][0]["field"], field);
        }
        let (id, _) = hook(&server, &server.token, &good);
        let test = own(
            &server,
            "POST",
            &format!("/api/webhooks/{id}/test"),
            &Json::Null,
        );
        assert_eq!(test.status, 200, "{}", test.json());
        assert_eq!(test.json()["error"], "refused_address");
        let log = deliveries(&server, id);
        assert_eq!(
            (&log[0]["type"], &log[0]["state"]),
            (&json!("test"), &json!("dead"))
        );
        let path = format!("/api/webhooks/{id}/deliveries/{}/resend", log[0]["id"]);
        assert_eq!(own(&server, "POST", &path, &Json::Null).status, 409);
        assert!(receiver.got().is_empty());
    }
}

#[test]
fn a_restored_place_tells_nobody_until_it_is_released() {
    for home in homes() {
        let receiver = Receiver::start();
        let file = home.data.path().join("backup.keji");
        {
            let server = receiver.serve(&home);
            let wanted = json!({ "name": "ERP", "url": receiver.url(), "objects": ["customer"], "kinds": ["create"] });
            hook(&server, &server.token, &wanted);
            record(&server, "customer", &json!({ "name": "old" }));
            receiver.wait(1);
        }
        let done = home.keji().arg("backup").arg(&file).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        let folder = tempfile::tempdir().unwrap();
        let keji = |args: &[&str]| {
            let mut command = support::keji(folder.path());
            command.args(args);
            command
        };
        let done = keji(&["restore", file.to_str().unwrap()]).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        let status = support::json(&mut keji(&["outbound", "status"]));
        assert_eq!(status["is_frozen"], true);

        let mut command = support::keji(folder.path());
        command.env(
            "KEJI_ALLOW_OUTBOUND",
            format!("127.0.0.1:{}", receiver.port),
        );
        let server = Server::of(command);
        record(&server, "customer", &json!({ "name": "new" }));
        receiver.wait(1);
        let list = own(&server, "GET", "/api/webhooks", &Json::Null).json();
        assert_eq!(list["is_frozen"], true);
        let id = list["webhooks"][0]["id"].as_i64().unwrap();
        let test = own(
            &server,
            "POST",
            &format!("/api/webhooks/{id}/test"),
            &Json::Null,
        );
        assert_eq!((test.status, &test.json()["code"]), (409, &json!("frozen")));
        let released = own(&server, "POST", "/api/outbound/release", &Json::Null);
        assert_eq!(released.status, 204);
        // What waited goes out; what was told before the backup does not.
        let got = receiver.wait(2);
        assert_eq!(got[1].json()["data"]["after"]["name"], "new");
        let said = support::json(&mut keji(&["outbound", "release"]));
        assert_eq!(said["is_frozen"], false);
        let audit = own(&server, "GET", "/api/audit?object=outbound", &Json::Null).json();
        assert_eq!(audit["entries"].as_array().unwrap().len(), 1, "{audit}");
    }
}

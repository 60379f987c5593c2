//! The bytes of files by the API and the command line: in, out, replaced,
//! gone; whose they are; and that a kill leaves neither bytes without a record
//! nor a record without bytes.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Home, Reply, Server, homes, json as run, text, token};
use serde_json::{Value as Json, json};

fn put(server: &Server, method: &str, path: &str, key: &str, body: &[u8]) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/octet-stream"),
    ];
    server.send(method, path, &headers, body)
}

fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send(method, path, &headers, body.as_bytes())
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

/// The folder with the bytes, and what is in it but for its lock.
fn kept(home: &Home) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(home.data.path()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "files" || name.starts_with("files-") {
            let all = std::fs::read_dir(entry.path()).unwrap().flatten();
            found.extend(all.map(|e| e.path()).filter(|path| !path.ends_with("lock")));
        }
    }
    found
}

fn is_whole(home: &Home) -> bool {
    let output = home.keji().args(["check", "--json"]).output().unwrap();
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|f| f["what"] == "files"));
    findings.iter().all(|f| f["is_good"] == true)
}

#[test]
fn bytes_go_in_and_come_out_as_they_were() {
    for home in homes() {
        let server = home.server();
        let key = server.token.clone();
        let customer = json!({ "number": "K1", "name": "青山" });
        let customer = is(
            &ask(&server, "POST", "/api/records/customer", &key, &customer),
            201,
        );
        let contract = json!({ "number": "C1", "name": "c",
            "customer": customer["id"], "signed_on": "2025-01-01" });
        let contract = is(
            &ask(&server, "POST", "/api/records/contract", &key, &contract),
            201,
        );
        let bytes: Vec<u8> = [b"%PDF-1.7\n".as_slice(), &[200; 600_000]].concat();
        let path = format!(
            "/api/files?name=%E5%90%88%E5%90%8C.pdf&contract={}",
            contract["id"]
        );
        let made = put(&server, "POST", &path, &key, &bytes);
        let record = is(&made, 201);
        let id = record["id"].as_i64().unwrap();
        assert_eq!(
            made.header("location"),
            Some(format!("/api/records/file/{id}").as_str())
        );
        let values = &record["values"];
        // Set by the program, and the customer follows from the contract.
        assert_eq!(values["size_bytes"], 600_009);
        assert_eq!(values["media_type"], "application/pdf");
        assert_eq!(values["checksum"].as_str().unwrap().len(), 64);
        assert_eq!(values["customer"], customer["id"]);
        assert!(values["added_on"].is_string() && values["user"].is_number());
        let one = format!("/api/files/{id}/content");
        let back = put(&server, "GET", &one, &key, b"");
        assert_eq!((back.status, back.body == bytes), (200, true));
        assert_eq!(back.header("content-type"), Some("application/pdf"));
        let disposition = back.header("content-disposition").unwrap();
        assert_eq!(
            disposition,
            "inline; filename=\"__.pdf\"; filename*=UTF-8''%E5%90%88%E5%90%8C.pdf"
        );
        assert_eq!(
            back.header("content-security-policy"),
            Some("default-src 'none'; sandbox")
        );
        assert_eq!(back.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(back.header("cache-control"), Some("no-store"));
        // Who took it out is in the log.
        let log = is(
            &ask(&server, "GET", "/api/audit?kind=export", &key, &Json::Null),
            200,
        );
        let entry = &log["entries"][0];
        assert_eq!(
            (&entry["object"], &entry["record"]),
            (&json!("file"), &json!(id))
        );
        assert_eq!(entry["after"]["what"], "file");
        // Nobody else says what the bytes are.
        let file = format!("/api/records/file/{id}");
        for field in ["size_bytes", "media_type", "checksum"] {
            let refused = ask(&server, "PATCH", &file, &key, &json!({ field: null }));
            assert_eq!(is(&refused, 403)["code"], "forbidden");
            let wanted = json!({ "name": "x", field: values[field] });
            is(
                &ask(&server, "POST", "/api/records/file", &key, &wanted),
                403,
            );
        }
        // Another content in its place; the old one goes.
        let version = record["version"].as_i64().unwrap();
        let headers = |tag: &str| {
            let bearer = format!("Bearer {key}");
            let tag = format!("\"{tag}\"");
            server.send(
                "PUT",
                &one,
                &[("authorization", &bearer), ("if-match", &tag)],
                b"other",
            )
        };
        is(&headers("999999"), 412);
        assert_eq!(kept(&home).len(), 1);
        let changed = is(&headers(&version.to_string()), 200);
        assert_eq!(changed["values"]["size_bytes"], 5);
        assert_eq!(kept(&home).len(), 1);
        assert_eq!(put(&server, "GET", &one, &key, b"").body, b"other");
        // The same request again makes no second file.
        let bearer = format!("Bearer {key}");
        let twice = |body: &[u8]| {
            let headers = [
                ("authorization", bearer.as_str()),
                ("idempotency-key", "k1"),
            ];
            server.send("POST", "/api/files?name=twice.txt", &headers, body)
        };
        let first = is(&twice(b"twice"), 201);
        let again = twice(b"twice");
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(is(&again, 201)["id"], first["id"]);
        assert_eq!(is(&twice(b"else"), 422)["code"], "key_reused");
        assert_eq!(kept(&home).len(), 2);
        // Two records with one content: it stays until both are gone.
        let same = is(
            &put(&server, "POST", "/api/files?name=b", &key, b"other"),
            201,
        );
        assert_eq!(kept(&home).len(), 2);
        is(&ask(&server, "DELETE", &file, &key, &Json::Null), 204);
        assert_eq!(kept(&home).len(), 2);
        let several = json!({ "operations": [{ "delete": { "id": same["id"] } },
            { "delete": { "id": first["id"] } }] });
        is(
            &ask(&server, "POST", "/api/records/file/bulk", &key, &several),
            200,
        );
        assert_eq!(kept(&home), Vec::<PathBuf>::new());
        is(&put(&server, "GET", &one, &key, b""), 404);
        // A record of a list of files has none; it may get some.
        let plain = json!({ "name": "elsewhere.pdf" });
        let plain = is(
            &ask(&server, "POST", "/api/records/file", &key, &plain),
            201,
        );
        let one = format!("/api/files/{}/content", plain["id"]);
        is(&put(&server, "GET", &one, &key, b""), 404);
        is(&put(&server, "PUT", &one, &key, b""), 200);
        assert_eq!(put(&server, "GET", &one, &key, b"").body, b"");
        assert!(is_whole(&home));
    }
}

#[test]
fn what_is_wrong_is_said_before_the_bytes_are_kept() {
    for home in homes() {
        let server = Server::with(home.keji(), &["--limit-file", "1"]);
        let key = server.token.clone();
        let send = |path: &str, body: &[u8]| put(&server, "POST", path, &key, body);
        assert_eq!(
            is(&send("/api/files?name=", b"x"), 422)["fields"][0]["field"],
            "name"
        );
        assert_eq!(is(&send("/api/files", b"x"), 400)["code"], "malformed");
        let wrong = is(&send("/api/files?name=a&customer=77", b"x"), 422);
        assert_eq!(wrong["fields"][0]["field"], "customer");
        let unknown = is(&send("/api/files?name=a&checksum=ab", b"x"), 400);
        assert_eq!(unknown["code"], "unknown_parameter");
        let long = format!("/api/files?name={}", "a".repeat(256));
        assert_eq!(is(&send(&long, b"x"), 422)["fields"][0]["code"], "too_long");
        let large = is(&send("/api/files?name=a", &vec![7; 1_000_001]), 413);
        assert_eq!(large["code"], "too_large");
        assert!(
            large["detail"].as_str().unwrap().contains("1 MB"),
            "{large}"
        );
        // As much as is allowed.
        is(&send("/api/files?name=a", &vec![7; 1_000_000]), 201);
        // A length that nobody can keep is refused without waiting for it.
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "POST /api/files?name=a HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\n\
             content-length: 999999999999999\r\nconnection: close\r\n\r\nx",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 413");
        // One that breaks off leaves nothing.
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        let head = head.replace("999999999999999", "1000");
        stream.write_all(head.as_bytes()).unwrap();
        drop(stream);
        let started = std::time::Instant::now();
        while kept(&home).len() > 1 && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(kept(&home).len(), 1);
    }
}

#[test]
fn bytes_are_whose_the_record_is() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let li = token(&home.keji(), "li", "representative");
        let wang = token(&home.keji(), "wang", "representative");
        let role = json!({
            "name": { "zh": "x", "en": "x" }, "about": { "zh": "", "en": "" }, "admin": [],
            "grants": [{ "object": "file", "actions": ["read", "create", "update"], "rows": "all" }],
            "fields": [{ "field": "file.checksum", "as": "hidden" }],
        });
        is(
            &ask(&server, "PUT", "/api/roles/lister", &owner, &role),
            204,
        );
        let mut nameless = role.clone();
        nameless["fields"] = json!([{ "field": "file.name", "as": "hidden" }]);
        is(
            &ask(&server, "PUT", "/api/roles/nameless", &owner, &nameless),
            204,
        );
        let lister = token(&home.keji(), "lister", "lister");
        let nameless = token(&home.keji(), "nameless", "nameless");
        let users = server.get("/api/users").json();
        let users = users["users"].as_array().unwrap();
        let id_of = |login: &str| users.iter().find(|u| u["login"] == login).unwrap()["id"].clone();
        let customer = json!({ "number": "K1", "name": "青山", "user": id_of("li") });
        let customer = is(
            &ask(&server, "POST", "/api/records/customer", &owner, &customer),
            201,
        );
        let path = format!(
            "/api/files?name=secret-plan.txt&customer={}",
            customer["id"]
        );
        let made = is(&put(&server, "POST", &path, &li, b"canary content"), 201);
        let one = format!("/api/files/{}/content", made["id"]);
        assert_eq!(put(&server, "GET", &one, &li, b"").status, 200);
        // Another's is not there: neither to be read nor to be replaced, and
        // nothing is attached to a customer who is not seen.
        for (method, path) in [("GET", &one), ("PUT", &one)] {
            let reply = put(&server, method, path, &wang, b"x");
            assert_eq!(is(&reply, 404)["code"], "not_found");
        }
        is(&put(&server, "POST", &path, &wang, b"x"), 422);
        is(&put(&server, "GET", &one, "wrong", b""), 401);
        // The record without its bytes.
        let file = format!("/api/records/file/{}", made["id"]);
        is(&ask(&server, "GET", &file, &lister, &Json::Null), 200);
        for (method, path) in [("GET", &one), ("PUT", &one)] {
            is(&put(&server, method, path, &lister, b"x"), 403);
        }
        is(
            &put(&server, "POST", "/api/files?name=a", &lister, b"x"),
            403,
        );
        // Without its name, the bytes do not tell it either.
        let reply = put(&server, "GET", &one, &nameless, b"");
        assert_eq!(reply.status, 200);
        assert!(!reply.headers.contains("secret"), "{}", reply.headers);
        assert!(reply.headers.contains(&format!("file-{}", made["id"])));
        // Refused is as if it had never been sent.
        assert_eq!(kept(&home).len(), 1);
        assert_eq!(
            put(&server, "GET", &one, &owner, b"").body,
            b"canary content"
        );
    }
}

#[test]
fn the_command_line_keeps_checks_and_restores() {
    for home in homes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.txt"), b"first").unwrap();
        std::fs::write(at("b.txt"), b"second").unwrap();
        let made = run(home.keji().args(["file", "add"]).arg(at("a.txt")));
        let id = made["id"].to_string();
        assert_eq!(made["values"]["name"], "a.txt");
        run(home.keji().args(["file", "replace", &id]).arg(at("b.txt")));
        let get = |home: &Home, to: &str| {
            let mut keji = home.keji();
            keji.args(["file", "get", &id, "-o"]).arg(at(to));
            keji.output().unwrap()
        };
        assert!(get(&home, "c.txt").status.success());
        assert_eq!(std::fs::read(at("c.txt")).unwrap(), b"second");
        // Never over a file that is there.
        assert_eq!(get(&home, "c.txt").status.code(), Some(2));
        assert!(is_whole(&home));
        let backup = at("backup");
        run(home.keji().arg("backup").arg(&backup));
        for other in homes() {
            run(other.keji().arg("restore").arg(&backup));
            let to = if other.is_postgres() { "pg" } else { "lite" };
            let to = format!("{to}-{}", home.is_postgres());
            let done = get(&other, &to);
            assert!(done.status.success(), "{}", text(&done));
            assert_eq!(std::fs::read(at(&to)).unwrap(), b"second");
            assert!(is_whole(&other));
        }
        // A flipped byte is refused, and a damaged or lost content is found.
        let mut flipped = std::fs::read(&backup).unwrap();
        let place = flipped.windows(6).rposition(|w| w == b"second").unwrap();
        flipped[place] ^= 1;
        std::fs::write(at("flipped"), flipped).unwrap();
        let other = homes().remove(0);
        let refused = other.keji().arg("restore").arg(at("flipped")).output();
        assert_eq!(refused.unwrap().status.code(), Some(2));
        assert!(kept(&other).is_empty());
        let path = kept(&home).remove(0);
        std::fs::write(&path, b"rotted").unwrap();
        assert!(!is_whole(&home));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_whole(&home));
    }
}

/// kill -9 while files come in and are replaced: after the next start there is
/// no content without a record, and every record has its content.
#[test]
fn a_killed_upload_leaves_neither_bytes_nor_record_alone() {
    let content = |n: u64| -> Vec<u8> {
        let start = format!("content {n} ");
        let rest = (0..300_000u64).map(|i| (i * 31 + n) as u8);
        start.into_bytes().into_iter().chain(rest).collect()
    };
    for home in homes() {
        let mut n_acknowledged = 0;
        let mut acknowledged: Vec<(Json, u64)> = Vec::new();
        for cycle in 0..6u64 {
            let mut server = home.server();
            let pid = server.pid();
            let killer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(150 + cycle * 90));
                // It may have ended by itself only if the test failed.
                unsafe_kill(pid);
            });
            for i in 0.. {
                let n = cycle * 1000 + i;
                let Some(made) = try_upload(&server, &format!("f{n}.bin"), &content(n)) else {
                    break;
                };
                acknowledged.push((made["id"].clone(), n));
                n_acknowledged += 1;
            }
            killer.join().unwrap();
            let started = std::time::Instant::now();
            while server.is_alive() {
                assert!(started.elapsed() < Duration::from_secs(30), "not killed");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        assert!(n_acknowledged > 0);
        let server = home.server();
        let started = std::time::Instant::now();
        let list = server.get("/api/records/file?limit=1000&fields=name,checksum");
        let rows = list.json()["rows"].as_array().unwrap().clone();
        assert!(
            rows.len() >= n_acknowledged,
            "{} {n_acknowledged}",
            rows.len()
        );
        // The worker sweeps at its start.
        while kept(&home).len() > rows.len() && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(kept(&home).len(), rows.len());
        for (id, n) in &acknowledged {
            let reply = server.get(&format!("/api/files/{id}/content"));
            assert!(reply.body == content(*n), "file {id}");
        }
        drop(server);
        assert!(is_whole(&home));
    }
}

fn unsafe_kill(pid: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(killed.is_ok());
}

/// None once the server is gone.
fn try_upload(server: &Server, name: &str, body: &[u8]) -> Option<Json> {
    let mut stream = std::net::TcpStream::connect(&server.address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let head = format!(
        "POST /api/files?name={name} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        server.address,
        server.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let json = serde_json::from_slice::<Json>(&answer[end + 4..]).ok()?;
    json["id"].is_number().then_some(json)
}

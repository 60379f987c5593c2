//! What an import leaves on the disk, in its job and in backups.

use std::path::Path;

use crate::support::{self, Home, Server, homes, json as run};
use serde_json::{Value as Json, json};

const HEAD: &str = "单号,日期,客户,产品,数量,单价\n";
const ROWS: &str = "S1,2025-03-05,甲,茶,2,10\nS2,2025-03-06,乙,杯,1,5\n";

fn upload(server: &Server, query: &str, text: &str) -> Json {
    let path = format!("/api/imports?filename={query}");
    let headers = [("content-type", "application/octet-stream")];
    let reply = server.send("POST", &path, &headers, text.as_bytes());
    assert_eq!(
        reply.status,
        201,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    server.finished(&reply.json())
}

/// Files below `uploads`, by name, once the worker has tidied up.
fn kept(home: &Home) -> Vec<String> {
    // The job ends before its folder is emptied.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut names = Vec::new();
    let folders = std::fs::read_dir(home.data.path().join("uploads"));
    for folder in folders.into_iter().flatten().flatten() {
        for file in std::fs::read_dir(folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            names.push(file.file_name().to_string_lossy().into_owned());
        }
        if std::fs::read_dir(folder.path()).is_ok_and(|mut all| all.next().is_none()) {
            names.push("an empty folder".to_owned());
        }
    }
    names.sort();
    names
}

#[test]
fn received_files_stay_only_where_they_are_needed() {
    for home in homes() {
        let server = home.server();
        let text = format!("{HEAD}{ROWS}");
        let checked = upload(&server, "a.csv&dry_run=true", &text);
        assert_eq!(checked["state"], "done", "{checked}");
        assert_eq!(kept(&home), Vec::<String>::new());

        // The rejected rows are the result of a check.
        let more: String = (10..40)
            .map(|i| format!("S{i},2025-04-{:02},丙,茶,1,{i}\n", i % 28 + 1))
            .collect();
        let bad = format!("{text}{more}S3,nonsense,丙,茶,1,1\n");
        let checked = upload(&server, "a.csv&dry_run=true", &bad);
        assert_eq!(kept(&home), ["rejects.csv"]);
        let path = format!("/api/imports/{}/rejects", checked["id"]);
        assert_eq!(server.get(&path).status, 200);
        std::fs::remove_dir_all(home.data.path().join("uploads")).unwrap();

        let failed = upload(&server, "empty.csv", "");
        assert_eq!(failed["state"], "failed", "{failed}");
        assert_eq!(kept(&home), Vec::<String>::new());

        // Refused, and broken off on the way.
        let refused = server.send(
            "POST",
            "/api/imports?filename=d.csv&mode=replace",
            &[],
            b"x",
        );
        assert_eq!(refused.status, 409);
        assert_eq!(kept(&home), Vec::<String>::new());
        let cut = [("content-length", "1000")];
        broken_off(&server, &cut);
        assert_eq!(kept(&home), Vec::<String>::new());

        // One that waits needs its file, and so does one that is done.
        let waiting = upload(&server, "a.csv&review=true", &text);
        assert_eq!(waiting["state"], "needs_mapping");
        assert_eq!(kept(&home), ["file"]);
    }
}

/// A client that goes away in the middle of its file.
fn broken_off(server: &Server, headers: &[(&str, &str)]) {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
    let mut head = format!(
        "POST /api/imports?filename=x.csv HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n",
        server.address, server.token
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"\r\nhalf a file").unwrap();
    stream.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
}

#[test]
fn an_import_that_was_mapped_waits_no_longer() {
    for home in homes() {
        let server = home.server();
        let waiting = upload(&server, "a.csv&review=true", &format!("{HEAD}{ROWS}"));
        let id = waiting["id"].as_i64().unwrap();
        let states = || -> Vec<String> {
            let list = server.get("/api/imports").json();
            let all = list["resources"].as_array().unwrap().iter();
            all.map(|i| i["state"].as_str().unwrap().to_owned())
                .collect()
        };
        let path = format!("/api/imports/{id}/mapping");
        // A mapping that fails leaves the first one waiting, with its file.
        let mut wrong = waiting["mapping"].clone();
        wrong["columns"].as_array_mut().unwrap().truncate(1);
        let failed = server.finished(&server.post(&path, &wrong).json());
        assert_eq!(failed["state"], "failed", "{failed}");
        assert_eq!(states(), ["failed", "needs_mapping"]);
        let preview = server.get(&format!("/api/imports/{id}/preview"));
        assert_eq!(preview.status, 200);

        let done = server.finished(&server.post(&path, &waiting["mapping"]).json());
        assert_eq!(done["state"], "done", "{done}");
        assert_eq!(states(), ["done", "failed"]);
        let first = server.get(&format!("/api/imports/{id}")).json();
        assert_eq!(first["state"], "mapped");
        assert_eq!(first["next"], done["id"]);
        let again = server.post(&path, &waiting["mapping"]);
        assert_eq!(
            (again.status, &again.json()["code"]),
            (409, &json!("not_waiting"))
        );
        let scored = server.get(&format!("/api/exports/imports/{}?format=csv", done["id"]));
        assert_eq!(scored.status, 200);
    }
}

#[test]
fn a_file_that_was_mapped_by_a_command_waits_no_longer() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    std::fs::write(at("a.csv"), format!("{HEAD}S1,5/3/2025,甲,茶,2,10\n")).unwrap();
    let data = at("data");
    let keji = || support::keji(&data);
    let printed = keji().arg("import").arg(at("a.csv")).output().unwrap();
    let mapping = String::from_utf8(printed.stdout).unwrap();
    std::fs::write(
        at("m.toml"),
        mapping.replace("format = \"\"", "format = \"dmy\""),
    )
    .unwrap();
    let import = &mut keji();
    import.arg("import").arg(at("a.csv"));
    run(import.arg("--mapping").arg(at("m.toml")));
    let server = Server::start(&data);
    let list = server.get("/api/imports").json();
    let states: Vec<&Json> = list["resources"].as_array().unwrap().iter().collect();
    assert_eq!(states.len(), 1, "{list}");
    assert_eq!(states[0]["state"], "done");
}

/// Whether the name stands in any file below the folder.
fn holds(path: &Path, name: &[u8]) -> bool {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap().flatten();
        return entries.map(|e| e.path()).any(|p| holds(&p, name));
    }
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(name.len()).any(|w| w == name)
}

#[test]
fn a_backup_knows_no_paths_of_this_machine() {
    for home in homes() {
        let elsewhere = tempfile::tempdir().unwrap();
        let secret = elsewhere.path().join("salaries-of-the-board");
        std::fs::create_dir(&secret).unwrap();
        for (name, text) in [
            ("good.csv", format!("{HEAD}{ROWS}")),
            ("empty.csv", String::new()),
            ("open.csv", "a,b\n1,2\n".to_owned()),
        ] {
            let file = secret.join(name);
            std::fs::write(&file, text).unwrap();
            home.keji().arg("import").arg(&file).output().unwrap();
        }
        let server = home.server();
        upload(&server, "a.csv&review=true", &format!("{HEAD}{ROWS}"));
        let list = server.get("/api/imports");
        assert!(!String::from_utf8_lossy(&list.body).contains("salaries"));
        // The file of an import from the command line is still found.
        let done = list.json()["resources"].as_array().unwrap().clone();
        let done = done.iter().find(|i| i["filename"] == "good.csv").unwrap();
        let scored = format!("/api/exports/imports/{}?format=csv", done["id"]);
        assert_eq!(server.get(&scored).status, 200);

        let file = elsewhere.path().join("backup");
        run(home.keji().arg("backup").arg(&file));
        assert!(!holds(&file, b"salaries-of-the-board"));
        assert!(!holds(&file, home.data.path().to_string_lossy().as_bytes()));
        assert!(holds(&file, b"good.csv"), "the name is kept");
    }
}

//! Backups by the API: made in the background, listed, checked, taken out and
//! restored, deleted; for whoever may see everything, and nobody else.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{self, Home, Reply, Server, homes, json as run, orders_csv, text, token};
use serde_json::{Value as Json, json};

const LONGEST: Duration = Duration::from_secs(120);

fn ask(server: &Server, method: &str, path: &str, key: &str) -> Reply {
    let bearer = match key {
        "" => String::new(),
        key => format!("Bearer {key}"),
    };
    server.send(method, path, &[("authorization", &bearer)], b"")
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

/// The list once nothing is made or checked any more.
fn settled(server: &Server) -> Json {
    let started = Instant::now();
    loop {
        let list = is(&server.get("/api/backups"), 200);
        if list["running"].is_null() {
            return list;
        }
        assert!(started.elapsed() < LONGEST, "{list}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn made(server: &Server) -> Json {
    let begun = is(&server.send("POST", "/api/backups", &[], b""), 202);
    let list = settled(server);
    assert!(list["failure"].is_null(), "{list}");
    let newest = list["backups"][0].clone();
    assert_eq!(newest["name"], begun["name"]);
    newest
}

fn checked(server: &Server, name: &str) -> Json {
    let path = format!("/api/backups/{name}/check");
    is(&server.send("POST", &path, &[], b""), 202);
    let list = settled(server);
    assert!(list["failure"].is_null(), "{list}");
    let all = list["backups"].as_array().unwrap();
    let one = all.iter().find(|b| b["name"] == name).unwrap();
    one["check"].clone()
}

/// The place's own folder of backups.
fn folder(home: &Home) -> PathBuf {
    let entries = std::fs::read_dir(home.data.path()).unwrap().flatten();
    let found = entries.map(|e| e.path()).find(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name == "backups" || name.starts_with("backups-")
    });
    found.expect("a folder with backups")
}

/// What lies there but for the lock.
fn lying(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

fn log(server: &Server) -> Vec<(String, String)> {
    let page = is(&server.get("/api/audit?object=backup"), 200);
    let entries = page["entries"].as_array().unwrap();
    let entry = |e: &Json| {
        assert!(e["after"]["bytes"].as_u64().unwrap() > 0, "{e}");
        let word = |value: &Json| value.as_str().unwrap().to_owned();
        (word(&e["kind"]), word(&e["after"]["name"]))
    };
    entries.iter().map(entry).collect()
}

fn is_whole(home: &Home) {
    let output = home.keji().args(["check", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_backup_is_made_taken_out_and_restored() {
    for home in homes() {
        let server = home.server();
        let import = is(
            &server.upload("orders.csv", orders_csv(300, 3).as_bytes()),
            201,
        );
        assert_eq!(server.finished(&import)["state"], "done");
        let file = server.send("POST", "/api/files?name=a.txt", &[], b"some bytes");
        assert_eq!(file.status, 201);
        let empty = is(&server.get("/api/backups"), 200);
        assert_eq!(empty["backups"], json!([]));
        assert_eq!(empty["is_frozen"], false);

        let first = made(&server);
        let name = first["name"].as_str().unwrap();
        assert_eq!(first["made_by"], "owner");
        assert_eq!(first["is_readable"], true);
        assert_eq!(first["records"]["order"], 100);
        assert_eq!(first["records"]["order_line"], 300);
        assert_eq!(
            (&first["contents"], &first["contents_missing"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(first["log_head"].as_str().unwrap().len(), 64);
        assert!(first["seq"].as_i64().unwrap() > 0);
        assert!(first["check"].is_null());
        // Its name is the time in UTC.
        let at = first["made_at"].as_str().unwrap();
        let day = at[..10].replace('-', "");
        assert!(name.starts_with(&format!("keji-{day}T")), "{name} {at}");

        // A later one is listed before it, and does not hold it.
        let second = made(&server);
        let list = settled(&server);
        let names: Vec<&Json> = list["backups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| &b["name"])
            .collect();
        assert_eq!(names, [&second["name"], &first["name"]]);
        let (a, b) = (first["bytes"].as_u64().unwrap(), &second["bytes"]);
        assert!(b.as_u64().unwrap() < a + a / 2, "{a} {b}");

        let path = format!("/api/backups/{name}/content");
        let taken = server.get(&path);
        assert_eq!(taken.status, 200);
        assert_eq!(taken.body.len() as u64, a);
        assert_eq!(
            taken.header("content-disposition").unwrap(),
            format!("attachment; filename=\"{name}\"")
        );
        assert_eq!(taken.header("cache-control"), Some("no-store"));
        assert!(checked(&server, name)["is_good"] == true);
        let one = format!("/api/backups/{name}");
        is(&server.send("DELETE", &one, &[], b""), 204);
        is(&server.send("DELETE", &one, &[], b""), 404);
        assert_eq!(settled(&server)["backups"].as_array().unwrap().len(), 1);

        // Who did what is in the log, newest first.
        let said = |kind: &str, backup: &Json| {
            let name = backup["name"].as_str().unwrap();
            (kind.to_owned(), name.to_owned())
        };
        let wanted = [
            said("delete", &first),
            said("export", &first),
            said("create", &second),
            said("create", &first),
        ];
        assert_eq!(log(&server), wanted);
        drop(server);
        is_whole(&home);

        // Into a place of either kind: the same records, and nothing sent out.
        let file = home.data.path().join("taken.keji-backup");
        std::fs::write(&file, &taken.body).unwrap();
        let now = home.data.path().join("now.keji-backup");
        let now = run(home.keji().arg("backup").arg(now));
        for empty in homes() {
            let restored = run(empty.keji().arg("restore").arg(&file));
            assert_eq!(restored["state_hash"], now["state_hash"]);
            is_whole(&empty);
            let server = empty.server();
            let list = is(&server.get("/api/backups"), 200);
            assert_eq!(
                (&list["is_frozen"], &list["backups"]),
                (&json!(true), &json!([]))
            );
        }
    }
}

#[test]
fn the_command_line_keeps_its_backups_there_too() {
    for home in homes() {
        let report = run(home.keji().arg("backup"));
        let names = lying(&folder(&home));
        assert_eq!(names.len(), 1);
        let server = home.server();
        let list = settled(&server);
        assert_eq!(list["backups"][0]["name"], names[0].as_str());
        assert_eq!(list["backups"][0]["bytes"], report["bytes"]);
        assert_eq!(log(&server), [("create".to_owned(), names[0].clone())]);
    }
}

/// What `keji check` says of the log, and whether that is good.
fn of_log(home: &Home, language: &str, more: &[&str]) -> (bool, String) {
    let mut check = home.keji();
    check.env("KEJI_LANG", language).args(["check", "--json"]);
    let output = check.args(more).output().unwrap();
    let report: Json =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)));
    let findings = report["findings"].as_array().unwrap();
    let log = findings.iter().find(|f| f["what"] == "log").unwrap();
    let is_good = log["is_good"] == true;
    assert!(is_good || output.status.code() == Some(3), "{report}");
    (is_good, log["detail"].as_str().unwrap().to_owned())
}

/// A chain of hashes alone does not show that somebody made it anew, or cut
/// off its end; the backups do.
#[test]
fn a_log_that_was_rewritten_or_cut_is_told_by_the_backups() {
    let harms = [
        // All of it sealed again, by the program itself.
        "update keji_change set actor = 'eve' where seq = 2; delete from keji_seal",
        // Together with the seals of what is gone; the rest is as it was.
        "delete from keji_change where seq > \
         (select seq from keji_seal order by seq limit 1); \
         delete from keji_seal where seq > (select min(seq) from keji_seal)",
    ];
    for harm in harms {
        for home in homes() {
            let server = home.server();
            let path = "/api/records/customer";
            let make = |number: &str| {
                let made = server.post(path, &json!({ "number": number, "name": number }));
                assert_eq!(made.status, 201, "{}", made.json());
            };
            make("K1");
            assert!(of_log(&home, "en", &[]).0);
            make("K2");
            run(home.keji().arg("backup"));
            let name = lying(&folder(&home)).remove(0);
            let away = home.data.path().join("away.keji-backup");
            run(home.keji().arg("backup").arg(&away));
            let away = away.to_str().unwrap();
            make("K3");
            let against = ["--against", away];
            assert!(of_log(&home, "en", &against).0);
            let page = is(&server.get("/api/audit"), 200);
            assert_eq!(
                (&page["is_whole"], &page["rewritten_since"]),
                (&json!(true), &json!([]))
            );

            home.by_hand(harm);
            // What comes after it hides nothing.
            make("K4");
            let (is_good, said) = of_log(&home, "en", &against);
            assert!(!is_good, "{harm}");
            for name in [name.as_str(), away] {
                let told = format!("the log was rewritten since backup {name}");
                assert!(said.contains(&told), "{harm}: {said}");
            }
            assert!(!said.contains("changed afterwards"), "{harm}: {said}");
            let (_, said) = of_log(&home, "zh", &[]);
            let told = format!("自备份 {name} 以来，变更记录被改写过");
            assert!(said.contains(&told), "{harm}: {said}");
            let page = is(&server.get("/api/audit"), 200);
            assert_eq!(
                (&page["is_whole"], &page["rewritten_since"]),
                (&json!(false), &json!([name]))
            );
            // A backup of the log as it is now says nothing against it.
            let deleted = server.send("DELETE", &format!("/api/backups/{name}"), &[], b"");
            is(&deleted, 204);
            run(home.keji().arg("backup"));
            assert!(of_log(&home, "en", &[]).0, "{harm}");
            assert!(!of_log(&home, "en", &against).0, "{harm}");
        }
    }
}

#[test]
fn only_who_sees_everything_has_to_do_with_backups() {
    for home in homes() {
        let server = home.server();
        let name = made(&server)["name"].as_str().unwrap().to_owned();
        // Who looks after the backups, but does not see all that is in them.
        let part = json!({
            "name": { "zh": "备份", "en": "part" }, "about": { "zh": "", "en": "" },
            "grants": [{ "object": "*", "rows": "all", "actions": ["read", "export"] }],
            "fields": [{ "field": "customer.phone", "as": "masked" }],
            "admin": ["backups"] });
        let role = server.send(
            "PUT",
            "/api/roles/part",
            &[("content-type", "application/json")],
            part.to_string().as_bytes(),
        );
        assert!(role.status < 300, "{}", String::from_utf8_lossy(&role.body));
        let narrow = home
            .keji()
            .args([
                "token", "create", "narrow", "--user", "owner", "--scope", "read",
            ])
            .output()
            .unwrap();
        assert!(narrow.status.success(), "{}", text(&narrow));
        let narrow = String::from_utf8(narrow.stdout).unwrap();
        let keys = [
            (token(&home.keji(), "rep", "representative"), 403),
            (token(&home.keji(), "keeper", "data"), 403),
            (token(&home.keji(), "part", "part"), 403),
            (narrow.trim().to_owned(), 403),
            (String::new(), 401),
            ("keji_nobody".to_owned(), 401),
        ];
        let one = format!("/api/backups/{name}");
        let doors = [
            ("GET", "/api/backups".to_owned()),
            ("POST", "/api/backups".to_owned()),
            ("GET", format!("{one}/content")),
            ("POST", format!("{one}/check")),
            ("DELETE", one.clone()),
            ("GET", "/api/backups/none.keji-backup/content".to_owned()),
        ];
        for (key, status) in &keys {
            for (method, path) in &doors {
                let reply = ask(&server, method, path, key);
                assert_eq!(reply.status, *status, "{method} {path}");
                assert!(reply.body.len() < 1000, "{method} {path}");
            }
        }
        // Nothing came of it, and nothing is in the log.
        assert_eq!(lying(&folder(&home)), std::slice::from_ref(&name));
        assert_eq!(log(&server), [("create".to_owned(), name)]);
    }
}

#[test]
fn a_name_leads_nowhere_else() {
    for home in homes() {
        let server = home.server();
        made(&server);
        let secret = "not a backup's content";
        std::fs::write(home.data.path().join("secret.keji-backup"), secret).unwrap();
        let folder = folder(&home);
        std::fs::write(folder.join("plain.txt"), secret).unwrap();
        std::fs::write(folder.join(".hidden.keji-backup"), secret).unwrap();
        let link = folder.join("link.keji-backup");
        std::os::unix::fs::symlink(home.data.path().join("secret.keji-backup"), link).unwrap();
        std::fs::create_dir(folder.join("folder.keji-backup")).unwrap();
        for name in [
            "..%2Fsecret.keji-backup",
            "%2e%2e%2fsecret.keji-backup",
            "..%5Csecret.keji-backup",
            "../secret.keji-backup",
            "%2e%2e/secret.keji-backup",
            "./secret.keji-backup",
            "....//secret.keji-backup",
            "..%252Fsecret.keji-backup",
            "%2Fetc%2Fpasswd",
            "plain.txt",
            ".lock",
            ".hidden.keji-backup",
            "link.keji-backup",
            "folder.keji-backup",
            "secret.keji-backup%00",
            "none.keji-backup",
        ] {
            for (method, rest) in [("GET", "/content"), ("POST", "/check"), ("DELETE", "")] {
                let path = format!("/api/backups/{name}{rest}");
                let reply = ask(&server, method, &path, &server.token);
                assert!(
                    (400..500).contains(&reply.status),
                    "{method} {path} {}",
                    reply.status
                );
                assert!(!String::from_utf8_lossy(&reply.body).contains(secret));
            }
        }
        let list = settled(&server);
        assert_eq!(list["backups"].as_array().unwrap().len(), 1, "{list}");
        assert!(home.data.path().join("secret.keji-backup").exists());
    }
}

#[test]
fn one_is_made_at_a_time() {
    for home in homes() {
        let server = home.server();
        let before = made(&server);
        // Another process is at it.
        let lock = std::fs::File::open(folder(&home).join(".lock")).unwrap();
        lock.lock().unwrap();
        let name = before["name"].as_str().unwrap();
        let check = format!("/api/backups/{name}/check");
        for path in ["/api/backups", &check] {
            let refused = is(&server.send("POST", path, &[], b""), 409);
            assert_eq!(refused["code"], "backup_running");
        }
        let refused = home.keji().arg("backup").output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        drop(lock);
        // However many ask, as many are made as were begun.
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let ask = || server.send("POST", "/api/backups", &[], b"").status;
            let asked: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(
            statuses.iter().all(|s| [202, 409].contains(s)),
            "{statuses:?}"
        );
        let begun = statuses.iter().filter(|s| **s == 202).count();
        assert!(begun > 0);
        let list = settled(&server);
        assert_eq!(list["backups"].as_array().unwrap().len(), 1 + begun);
    }
}

#[test]
fn a_check_says_what_is_wrong_and_where() {
    for home in homes() {
        let server = home.server();
        let import = is(
            &server.upload("orders.csv", orders_csv(30, 3).as_bytes()),
            201,
        );
        assert_eq!(server.finished(&import)["state"], "done");
        let content = "the bytes of a contract";
        let file = server.send("POST", "/api/files?name=a.txt", &[], content.as_bytes());
        assert_eq!(file.status, 201);
        let name = made(&server)["name"].as_str().unwrap().to_owned();
        let folder = folder(&home);
        let whole = std::fs::read(folder.join(&name)).unwrap();
        let place = |text: &[u8]| {
            let found = whole.windows(text.len()).position(|w| w == text);
            found.unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(text)))
        };
        let changed = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        let end = whole.len();
        let manifest = place(b"\"state_hash\"");
        let product = place("商品1".as_bytes());
        let planted: [(&str, Vec<u8>, &str); 7] = [
            ("half", whole[..end / 2].to_vec(), "only a part of one"),
            ("short", whole[..end - 1].to_vec(), "only a part of one"),
            ("empty", Vec::new(), "only a part of one"),
            ("manifest", changed(manifest + 3), "was altered"),
            ("table", changed(product), "table `product`"),
            (
                "content",
                changed(place(content.as_bytes())),
                "the content ",
            ),
            // The sum itself, which is in no table.
            ("sum", changed(end - 1), "bytes of the file"),
        ];
        for (kind, bytes, wanted) in planted {
            let name = format!("{kind}.keji-backup");
            std::fs::write(folder.join(&name), bytes).unwrap();
            let check = checked(&server, &name);
            let faults = check["faults"].to_string();
            assert_eq!(check["is_good"], false, "{kind}");
            assert!(faults.contains(wanted), "{kind}: {faults}");
            assert_eq!(check["faults"].as_array().unwrap().len(), 1, "{faults}");
            // Nor can it be restored, which is what the check is for.
            let elsewhere = tempfile::tempdir().unwrap();
            let refused = support::keji(elsewhere.path())
                .arg("restore")
                .arg(folder.join(&name))
                .output()
                .unwrap();
            assert!(!refused.status.success(), "{kind}: {}", text(&refused));
        }
        assert_eq!(checked(&server, &name)["faults"], json!([]));
        let list = settled(&server);
        let readable = |kind: &str| {
            let name = format!("{kind}.keji-backup");
            let all = list["backups"].as_array().unwrap();
            let one = all.iter().find(|b| b["name"] == name.as_str()).unwrap();
            assert_eq!(one["problem"].is_null(), one["is_readable"] == true);
            one["is_readable"] == true
        };
        assert!(!readable("half") && !readable("manifest") && readable("table"));
        // Another file of that name was not checked.
        std::fs::write(folder.join("table.keji-backup"), &whole[..end - 1]).unwrap();
        let now = settled(&server);
        let all = now["backups"].as_array().unwrap();
        let table = all.iter().find(|b| b["name"] == "table.keji-backup");
        let table = table.unwrap();
        assert!(table["check"].is_null() && table["is_readable"] == false);
        std::fs::write(folder.join("table.keji-backup"), changed(product)).unwrap();
        assert_eq!(checked(&server, "table.keji-backup")["is_good"], false);
        // In Chinese as well.
        let headers = [("accept-language", "zh"), ("host", server.address.as_str())];
        let list = server.send_raw("GET", "/api/backups", &headers, b"").json();
        let said = list.to_string();
        assert!(said.contains("只是它的一部分"), "{said}");
        assert!(said.contains("表 `product` 的"), "{said}");
    }
}

#[test]
fn what_a_kill_leaves_is_no_backup_and_goes() {
    for home in homes() {
        let mut server = home.server();
        made(&server);
        let folder = folder(&home);
        for _ in 0..3 {
            is(&server.send("POST", "/api/backups", &[], b""), 202);
            // Killed, not asked to stop.
            drop(server);
            server = home.server();
        }
        // And one that was killed for certain.
        let left = folder.join(".keji-backup-1-0");
        std::fs::create_dir_all(&left).unwrap();
        std::fs::write(left.join("lock"), b"").unwrap();
        std::fs::write(left.join("keji.sqlite"), [0; 4096]).unwrap();
        drop(server);
        let server = home.server();
        let started = Instant::now();
        let names = loop {
            let list = settled(&server);
            let backups = list["backups"].as_array().unwrap().clone();
            assert!(backups.iter().all(|b| b["is_readable"] == true), "{list}");
            let mut names: Vec<String> = backups
                .iter()
                .map(|b| b["name"].as_str().unwrap().to_owned())
                .collect();
            names.sort();
            if lying(&folder) == names {
                break names;
            }
            assert!(started.elapsed() < LONGEST, "{:?}", lying(&folder));
            std::thread::sleep(Duration::from_millis(20));
        };
        for name in &names {
            assert_eq!(checked(&server, name)["faults"], json!([]), "{name}");
        }
    }
}

/// Where a small disk can be mounted that nobody else sees.
#[test]
fn a_full_disk_is_told_and_nothing_is_left() {
    for home in homes() {
        run(home.keji().arg("backup"));
        let folder = folder(&home);
        let before = lying(&folder);
        let mount = "mount -t tmpfs -o size=100k tmpfs \"$1\"";
        let script = |rest: &str| {
            let keji = home.keji();
            let mut command = Command::new("unshare");
            command
                .args(["--map-root-user", "--mount", "sh", "-c"])
                .arg(format!("{mount} && {rest}"))
                .arg("sh")
                .arg(&folder)
                .arg(keji.get_program())
                .args(keji.get_args())
                .stdin(Stdio::null());
            for (name, value) in keji.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command.output()
        };
        if !script("true").is_ok_and(|tried| tried.status.success()) {
            println!("no small disk can be mounted here: the full disk is not tested");
            return;
        }
        let ended = script("folder=$1; shift; \"$@\" backup; echo $?; ls -A \"$folder\"").unwrap();
        let said = text(&ended);
        assert!(said.contains("the disk is full"), "{said}");
        let out = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert_eq!(out.lines().collect::<Vec<_>>(), ["1", ".lock"], "{said}");
        assert_eq!(lying(&folder), before);
        is_whole(&home);
    }
}

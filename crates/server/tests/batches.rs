//! Many writes that are one: a table as it comes from a spreadsheet, the same
//! change of many records, and both taken back; the recycle bin; and what an
//! open page is told of it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "a password of the tests";

fn ask_in(
    server: &Server,
    language: &str,
    method: &str,
    path: &str,
    key: &str,
    body: &Json,
) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", language),
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send_raw(method, path, &headers, body.as_bytes())
}

fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    ask_in(server, "en", method, path, key, body)
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

fn paste(server: &Server, key: &str, object: &str, body: &Json) -> Json {
    let path = format!("/api/batches/paste/{object}");
    is(&ask(server, "POST", &path, key, body), 200)
}

fn edit(server: &Server, key: &str, object: &str, body: &Json) -> Json {
    let path = format!("/api/batches/edit/{object}");
    is(&ask(server, "POST", &path, key, body), 200)
}

fn undo(server: &Server, key: &str, batch: &Json, leave: bool) -> Json {
    let path = format!("/api/batches/{batch}/undo");
    is(
        &ask(server, "POST", &path, key, &json!({ "leave": leave })),
        200,
    )
}

fn counts(answer: &Json) -> [i64; 5] {
    let n = |name: &str| answer[name].as_i64().unwrap();
    [
        n("n_created"),
        n("n_updated"),
        n("n_deleted"),
        n("n_unchanged"),
        n("n_wrong"),
    ]
}

/// Row, field and code of each.
fn faults(answer: &Json) -> Vec<(i64, String, String)> {
    let all = answer["faults"].as_array().unwrap().iter();
    all.map(|f| {
        (
            f["row"].as_i64().unwrap(),
            f["field"].as_str().unwrap_or("-").to_owned(),
            f["code"].as_str().unwrap().to_owned(),
        )
    })
    .collect()
}

/// Every record of the object with all its values.
fn all(server: &Server, object: &str) -> Json {
    server
        .get(&format!("/api/records/{object}?limit=1000&sort=id"))
        .json()["rows"]
        .clone()
}

fn user(home: &Home, login: &str, role: &str) {
    let mut add: Command = home.keji();
    let mut child = add
        .args(["user", "add", login, "--role", role, "--name", login])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{PASSWORD}").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

fn cookie(server: &Server, login: &str) -> String {
    let body = json!({ "login": login, "password": PASSWORD }).to_string();
    let headers = [
        ("host", server.address.as_str()),
        ("content-type", "application/json"),
        ("authorization", ""),
    ];
    let entered = server.send_raw("POST", "/api/session", &headers, body.as_bytes());
    assert_eq!(
        entered.status,
        200,
        "{}",
        String::from_utf8_lossy(&entered.body)
    );
    let set = entered.header("set-cookie").unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn id_of(server: &Server, login: &str) -> i64 {
    let users = server.get("/api/users").json();
    let users = users["users"].as_array().unwrap().iter();
    let mut own = users.filter(|u| u["login"] == login);
    own.next().unwrap()["id"].as_i64().unwrap()
}

#[test]
fn a_table_is_read_as_people_write_it_tried_written_and_taken_back() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let customer = make(
            &server,
            &owner,
            "customer",
            json!({"number": "K1", "name": "云海"}),
        );
        make(
            &server,
            &owner,
            "customer",
            json!({"number": "K2", "name": "同名"}),
        );
        make(
            &server,
            &owner,
            "customer",
            json!({"number": "K3", "name": "同名"}),
        );
        let task = make(
            &server,
            &owner,
            "task",
            json!({"name": "打电话", "customer": customer, "due_on": "2026-01-05"}),
        );
        let before = all(&server, "task");
        let fields = json!(["name", "customer", "due_on", "state", "priority", "note"]);
        let options = server.get("/api/objects/task").json();
        let state = options["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["id"] == "state")
            .unwrap()["options"][0]
            .clone();
        let rows = json!([
            {"id": task, "cells": ["打电话", "K1", "2026年1月6日", state["zh"], null, "第一行\n第二行"]},
            {"cells": ["寄样品", "云海", "2026/2/3", state["en"], "", ""]},
            {"cells": ["坏日子", "K1", "明天", "", "", ""]},
            {"cells": ["没有这家", "K9", "2026-01-05", "", "", ""]},
            {"cells": ["两家同名", "同名", "2026-01-05", "没有的", "", ""]},
            {"cells": ["", "", "", "", "", ""]},
            {"cells": ["没写日子", "K1", "", "", "", ""]},
            {"id": 999_999, "cells": ["不在", null, null, null, null, null]},
        ]);
        let mut body = json!({"fields": fields, "rows": rows, "check": true});
        let tried = paste(&server, &owner, "task", &body);
        assert_eq!(tried["batch"], Json::Null);
        assert_eq!(counts(&tried), [1, 1, 0, 1, 5], "{tried}");
        let wrong = [
            (2, "due_on", "value"),
            (3, "customer", "link"),
            (4, "customer", "several"),
            (4, "state", "option"),
            (6, "due_on", "required"),
            (7, "-", "not_found"),
        ];
        let wrong = wrong.map(|(row, f, code)| (row, f.to_owned(), code.to_owned()));
        let mut told = faults(&tried);
        told.sort();
        assert_eq!(told, wrong);
        assert_eq!(all(&server, "task"), before, "a check writes nothing");
        // In the caller's language, and by the words that he knows.
        let path = "/api/batches/paste/task";
        let zh = is(&ask_in(&server, "zh", "POST", path, &owner, &body), 200);
        let said = |answer: &Json| {
            let all = answer["faults"].as_array().unwrap().iter();
            all.map(|f| f["detail"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join("|")
        };
        assert!(said(&zh).contains("有几条都叫“同名”"), "{}", said(&zh));
        assert!(
            said(&zh).contains(state["zh"].as_str().unwrap()),
            "{}",
            said(&zh)
        );
        assert!(
            said(&tried).contains("several are called “同名”"),
            "{}",
            said(&tried)
        );
        // One wrong row, and nothing; or the right ones.
        body["check"] = json!(false);
        let whole = paste(&server, &owner, "task", &body);
        assert_eq!((&whole["batch"], counts(&whole)[4]), (&Json::Null, 5));
        assert_eq!(all(&server, "task"), before);
        body["leave_wrong"] = json!(true);
        body["position"] = tried["position"].clone();
        let written = paste(&server, &owner, "task", &body);
        assert_eq!(counts(&written), [1, 1, 0, 1, 5]);
        let now = all(&server, "task");
        assert_eq!(now.as_array().unwrap().len(), 2);
        assert_eq!(now[0]["values"]["due_on"], "2026-01-06");
        assert_eq!(now[0]["values"]["note"], "第一行\n第二行");
        assert_eq!(now[0]["values"]["state"], state["value"]);
        assert_eq!(now[1]["values"]["customer"], json!(customer));
        assert_eq!(now[1]["values"]["due_on"], "2026-02-03");
        assert_eq!(written["ids"][1], now[1]["id"]);
        // One undo, one redo, and the list of them.
        let undone = undo(&server, &owner, &written["batch"], false);
        assert_eq!((&undone["n"], &undone["left"]), (&json!(2), &json!([])));
        assert_eq!(all(&server, "task"), before);
        undo(&server, &owner, &undone["batch"], false);
        assert_eq!(all(&server, "task"), now);
        let list = server.get("/api/batches").json();
        let kinds: Vec<&str> = (list["batches"].as_array().unwrap().iter())
            .map(|b| b["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["redo", "undo", "paste"]);
        let path = format!("/api/batches/{}/undo", written["batch"]);
        let again = ask(&server, "POST", &path, &owner, &json!({}));
        assert_eq!(is(&again, 409)["code"], "batch_undone");
    }
}

#[test]
fn numbers_shares_and_what_was_seen() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let customer = make(&server, &owner, "customer", json!({"number": "K1"}));
        let pipeline = make(&server, &owner, "pipeline", json!({"name": "P"}));
        let stage = json!({"name": "S", "pipeline": pipeline, "sequence": 1, "kind": "open"});
        let stage = make(&server, &owner, "stage", stage);
        let values = json!({"name": "甲", "customer": customer, "stage": stage,
            "amount": "10", "opened_on": "2026-01-05"});
        let id = make(&server, &owner, "opportunity", values);
        let write = |cell: &str, seen: Json| {
            let body = json!({"fields": ["amount"],
                "rows": [{"id": id, "cells": [cell], "seen": seen}]});
            paste(&server, &owner, "opportunity", &body)
        };
        for (cell, kept) in [
            ("1,234.5", json!("1234.5")),
            ("１２３４", json!("1234")),
            ("¥88.00", json!("88")),
            ("", Json::Null),
        ] {
            assert_eq!(counts(&write(cell, json!({})))[4], 0, "{cell}");
            let path = format!("/api/records/opportunity/{id}");
            let now = server.get(&path).json()["values"]["amount"].clone();
            let number = |v: &Json| v.as_str().map(|t| t.parse::<f64>().unwrap());
            assert_eq!(number(&now), number(&kept), "{cell}");
        }
        assert_eq!(
            faults(&write("很多", json!({}))),
            [(0, "amount".to_owned(), "value".to_owned())]
        );
        // Somebody wrote it meanwhile: told, and nothing is lost.
        let late = write("5", json!({"amount": "10"}));
        assert_eq!((counts(&late)[4], &late["batch"]), (1, &Json::Null));
        assert_eq!(faults(&late)[0].2, "changed");
        let right = write("5", json!({"amount": null}));
        assert_eq!(counts(&right), [0, 1, 0, 0, 0]);
        // What is no table is refused by name.
        for (body, field) in [
            (json!({"fields": ["amount"], "rows": []}), "rows"),
            (
                json!({"fields": ["amount", "amount"], "rows": [{"id": id, "cells": ["1", "2"]}]}),
                "amount",
            ),
            (
                json!({"fields": ["amount"], "rows": [{"id": id, "cells": []}]}),
                "cells",
            ),
        ] {
            let reply = ask(
                &server,
                "POST",
                "/api/batches/paste/opportunity",
                &owner,
                &body,
            );
            assert_eq!(is(&reply, 422)["fields"][0]["field"], field);
        }
    }
}

#[test]
fn the_same_change_of_many_is_previewed_written_and_taken_back() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let mut ids = Vec::new();
        for n in 1..=5 {
            let city = if n < 5 { "上海" } else { "北京" };
            let values =
                json!({"number": format!("K{n}"), "name": format!("客户{n}"), "city": city});
            ids.push(make(&server, &owner, "customer", values));
        }
        make(
            &server,
            &owner,
            "contact",
            json!({"customer": ids[0], "name": "李"}),
        );
        let before = all(&server, "customer");
        let mut body = json!({"where": "city = '上海'", "values": {"city": "杭州"}, "check": true});
        let tried = edit(&server, &owner, "customer", &body);
        assert_eq!(counts(&tried), [0, 4, 0, 0, 0]);
        let sample = &tried["sample"][0];
        assert_eq!(sample["title"], "客户1");
        assert_eq!(sample["before"]["values"]["city"], "上海");
        assert_eq!(sample["after"]["values"]["city"], "杭州");
        assert_eq!(all(&server, "customer"), before);
        // One more since the preview.
        let late = json!({"number": "K6", "city": "上海"});
        make(&server, &owner, "customer", late);
        body["check"] = json!(false);
        body["expect"] = json!(4);
        let path = "/api/batches/edit/customer";
        let reply = ask(&server, "POST", path, &owner, &body);
        assert_eq!(is(&reply, 409)["code"], "selection_changed");
        let before = all(&server, "customer");
        body["expect"] = json!(5);
        let done = edit(&server, &owner, "customer", &body);
        assert_eq!(counts(&done), [0, 5, 0, 0, 0]);
        let left = server
            .get("/api/records/customer?where=city%20%3D%20%27%E4%B8%8A%E6%B5%B7%27")
            .json();
        assert_eq!(left["rows"], json!([]));
        undo(&server, &owner, &done["batch"], false);
        assert_eq!(all(&server, "customer"), before);
        // A record in use keeps the rest from being deleted, or is left.
        let mut body = json!({"ids": ids, "delete": true});
        let refused = edit(&server, &owner, "customer", &body);
        assert_eq!(refused["batch"], Json::Null);
        assert_eq!(faults(&refused), [(0, "-".to_owned(), "in_use".to_owned())]);
        assert_eq!(refused["faults"][0]["title"], "客户1");
        assert_eq!(all(&server, "customer"), before);
        body["leave_wrong"] = json!(true);
        let gone = edit(&server, &owner, "customer", &body);
        assert_eq!(counts(&gone), [0, 0, 4, 0, 1]);
        assert_eq!(all(&server, "customer").as_array().unwrap().len(), 2);
        undo(&server, &owner, &gone["batch"], false);
        assert_eq!(all(&server, "customer"), before);
        // Somebody changed one of them since: named, and nothing is done
        // until somebody says so.
        let body = json!({"ids": ids, "values": {"region": "华东"}});
        let done = edit(&server, &owner, "customer", &body);
        let path = format!("/api/records/customer/{}", ids[1]);
        is(
            &ask(&server, "PATCH", &path, &owner, &json!({"name": "改名"})),
            200,
        );
        let asked = undo(&server, &owner, &done["batch"], false);
        assert_eq!((&asked["batch"], &asked["n"]), (&Json::Null, &json!(0)));
        assert_eq!(asked["left"][0]["title"], "改名");
        assert_eq!(asked["left"][0]["code"], "changed");
        let undone = undo(&server, &owner, &done["batch"], true);
        assert_eq!(undone["n"], 4);
        let now = server.get(&path).json();
        assert_eq!(
            (&now["values"]["name"], &now["values"]["region"]),
            (&json!("改名"), &json!("华东"))
        );
    }
}

#[test]
fn a_batch_keeps_to_the_rights_of_who_writes_it() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let li = token(&home.keji(), "li", "representative");
        let wang = token(&home.keji(), "wang", "representative");
        let (li_id, wang_id) = (id_of(&server, "li"), id_of(&server, "wang"));
        let own = make(
            &server,
            &owner,
            "customer",
            json!({"number": "K1", "user": li_id}),
        );
        let his = make(
            &server,
            &owner,
            "customer",
            json!({"number": "K2", "user": wang_id}),
        );
        let hers = json!({"name": "一", "customer": own, "user": li_id, "due_on": "2026-01-05"});
        let hers = make(&server, &li, "task", hers);
        let others =
            json!({"name": "二", "customer": his, "user": wang_id, "due_on": "2026-01-05"});
        let others = make(&server, &wang, "task", others);
        let there = all(&server, "task");
        // Another's record is none, and a link to another's neither.
        let body = json!({"fields": ["name", "customer"], "leave_wrong": true, "rows": [
            {"id": hers, "cells": ["改", "K1"]},
            {"id": others, "cells": ["改", null]},
            {"id": hers, "cells": ["改", "K2"]},
        ]});
        let written = paste(&server, &li, "task", &body);
        assert_eq!(counts(&written), [0, 1, 0, 0, 2]);
        assert_eq!(
            faults(&written),
            [
                (1, "-".to_owned(), "not_found".to_owned()),
                (2, "customer".to_owned(), "link".to_owned()),
            ]
        );
        // What matches is what one sees.
        let tried = edit(
            &server,
            &li,
            "task",
            &json!({"values": {"note": "x"}, "check": true}),
        );
        assert_eq!(counts(&tried), [0, 1, 0, 0, 0]);
        // Fields that the role only reads, and what it may not do at all.
        let hand_over = json!({"ids": [own], "values": {"user": wang_id}});
        let path = "/api/batches/edit/customer";
        assert_eq!(ask(&server, "POST", path, &li, &hand_over).status, 403);
        let delete = json!({"ids": [hers], "delete": true});
        assert_eq!(
            ask(&server, "POST", "/api/batches/edit/task", &li, &delete).status,
            403
        );
        // A batch is taken back by who made it, or by who sees everything.
        let path = format!("/api/batches/{}/undo", written["batch"]);
        assert_eq!(ask(&server, "POST", &path, &wang, &json!({})).status, 404);
        let list = is(
            &ask(&server, "GET", "/api/batches", &wang, &Json::Null),
            200,
        );
        assert_eq!(list["batches"], json!([]));
        undo(&server, &owner, &written["batch"], false);
        assert_eq!(all(&server, "task"), there);
        // The bin is for who may delete.
        make(&server, &owner, "customer", json!({"number": "K3"}));
        let gone = json!({"where": "number = 'K3'", "delete": true});
        edit(&server, &owner, "customer", &gone);
        let bin = is(&ask(&server, "GET", "/api/bin", &li, &Json::Null), 200);
        assert_eq!(bin["entries"], json!([]));
        let bin = server.get("/api/bin").json();
        let path = format!("/api/bin/{}/restore", bin["entries"][0]["seq"]);
        assert_eq!(ask(&server, "POST", &path, &li, &Json::Null).status, 404);
    }
}

#[test]
fn the_bin_gives_back_what_was_deleted_but_nobody_who_was_erased() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let customer = json!({"number": "K1", "name": "张三丰", "kind": "person"});
        let customer = make(&server, &owner, "customer", customer);
        let contact = json!({"customer": customer, "name": "李四光", "mobile": "13812345678"});
        let contact = make(&server, &owner, "contact", contact);
        let kept = make(
            &server,
            &owner,
            "customer",
            json!({"number": "K2", "name": "云海"}),
        );
        let whole = server.get(&format!("/api/records/customer/{kept}")).json();
        let delete = |object: &str, id: i64| {
            let path = format!("/api/records/{object}/{id}");
            assert_eq!(
                ask(&server, "DELETE", &path, &owner, &Json::Null).status,
                204
            );
        };
        delete("contact", contact);
        delete("customer", kept);
        let names = |query: &str| -> Vec<String> {
            let bin = server.get(&format!("/api/bin{query}")).json();
            let entries = bin["entries"].as_array().unwrap().iter();
            entries
                .map(|e| e["title"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(""), ["云海", "李四光"]);
        assert_eq!(names("?object=contact"), ["李四光"]);
        assert_eq!(names("?search=k2"), ["云海"]);
        assert_eq!(names("?search=nobody"), [""; 0]);
        let first = server.get("/api/bin?limit=1").json();
        let after = format!("/api/bin?limit=1&after={}", first["next"]);
        assert_eq!(server.get(&after).json()["entries"][0]["title"], "李四光");
        let seq = &first["entries"][0]["seq"];
        let path = format!("/api/bin/{seq}/restore");
        let back = is(&ask(&server, "POST", &path, &owner, &Json::Null), 200);
        assert_eq!(
            (&back["id"], &back["values"]),
            (&json!(kept), &whole["values"])
        );
        assert_eq!(ask(&server, "POST", &path, &owner, &Json::Null).status, 404);
        // Who is erased takes what hung on him along.
        let bin = server.get("/api/bin").json();
        let seq = bin["entries"][0]["seq"].clone();
        let mut erase = home.keji();
        let id = customer.to_string();
        let done = erase
            .args(["person", "erase", "customer", &id])
            .args(["--reason", "asked for it", "--confirm", "张三丰"])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", text(&done));
        assert_eq!(names(""), [""; 0]);
        let path = format!("/api/bin/{seq}/restore");
        assert_eq!(ask(&server, "POST", &path, &owner, &Json::Null).status, 404);
    }
}

/// What a page hears.
struct Page(BufReader<TcpStream>);

impl Page {
    fn open(server: &Server, cookie: &str) -> Page {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let wait = Duration::from_secs(30);
        stream.set_read_timeout(Some(wait)).unwrap();
        let head = format!(
            "GET /api/live HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\
             connection: close\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        Page(BufReader::new(stream))
    }

    /// The next event that `is` one.
    fn heard(&mut self, is: impl Fn(&Json) -> bool) -> Json {
        loop {
            let mut line = String::new();
            let n = self.0.read_line(&mut line).unwrap();
            assert!(n > 0, "the server hung up");
            let Some(text) = line.strip_prefix("data: ") else {
                continue;
            };
            let event: Json = serde_json::from_str(text.trim()).unwrap();
            if is(&event) {
                return event;
            }
        }
    }

    fn connection(&mut self) -> i64 {
        self.heard(|e| e["kind"] == "hello")["connection"]
            .as_i64()
            .unwrap()
    }

    /// Once it is listened to.
    fn ready(&mut self) {
        self.heard(|e| e["all"] == true);
    }
}

#[test]
fn an_open_page_hears_of_what_it_may_see_and_of_who_is_there() {
    for home in homes() {
        for login in ["anna", "boss"] {
            user(&home, login, "owner");
        }
        user(&home, "li", "representative");
        let server = home.server();
        let owner = server.token.clone();
        let li_id = id_of(&server, "li");
        let own = make(
            &server,
            &owner,
            "customer",
            json!({"number": "K1", "user": li_id}),
        );
        let away = make(&server, &owner, "customer", json!({"number": "K2"}));
        // With PostgreSQL the write comes by another process.
        let other = home.is_postgres().then(|| home.server());
        let writer = other.as_ref().unwrap_or(&server);
        let (li, anna, boss) = (
            cookie(&server, "li"),
            cookie(&server, "anna"),
            cookie(&server, "boss"),
        );
        let mut hers = Page::open(&server, &li);
        let her_connection = hers.connection();
        hers.ready();
        let change = |id: i64, city: &str| {
            let path = format!("/api/records/customer/{id}");
            is(
                &ask(writer, "PATCH", &path, &owner, &json!({"city": city})),
                200,
            );
        };
        change(away, "北京");
        change(own, "上海");
        let event = hers.heard(|e| e["kind"] == "changes");
        assert_eq!(event["objects"], json!({"customer": [own]}), "{event}");
        // Who looks at the same record.
        let look = |cookie: &str, connection: i64, place: Json| -> u16 {
            let path = format!("/api/live/{connection}");
            let headers = [
                ("host", server.address.as_str()),
                ("cookie", cookie),
                ("content-type", "application/json"),
                ("authorization", ""),
            ];
            let body = json!({ "place": place }).to_string();
            server
                .send_raw("PUT", &path, &headers, body.as_bytes())
                .status
        };
        let at = |id: i64| json!({"object": "customer", "record": id});
        assert_eq!(look(&li, her_connection, at(away)), 404, "not hers to see");
        assert_eq!(look(&li, her_connection, at(own)), 204);
        let mut his = Page::open(&server, &anna);
        let his_connection = his.connection();
        assert_eq!(look(&li, his_connection, at(own)), 404, "not hers to say");
        assert_eq!(look(&anna, his_connection, at(own)), 204);
        let there = |e: &Json, id: i64, name: &str| {
            e["kind"] == "people" && e["records"][id.to_string()] == json!([name])
        };
        his.heard(|e| there(e, own, "li"));
        hers.heard(|e| there(e, own, "anna"));
        let mut third = Page::open(&server, &boss);
        let connection = third.connection();
        assert_eq!(look(&boss, connection, at(away)), 204);
        his.heard(|e| there(e, away, "boss"));
        // Gone again; and of the record that she may not see she heard nothing.
        drop(his);
        let event = hers.heard(|e| e["kind"] == "people" && e["records"] == json!({}));
        assert_eq!(event["object"], "customer");
        // A signed-out page is told nothing more.
        let headers = [
            ("host", server.address.as_str()),
            ("cookie", li.as_str()),
            ("authorization", ""),
        ];
        let out = server.send_raw("DELETE", "/api/session", &headers, b"");
        assert_eq!(out.status, 204);
        change(own, "南京");
        let mut line = String::new();
        while hers.0.read_line(&mut line).unwrap() > 0 {
            assert!(!line.contains("\"changes\""), "{line}");
            line.clear();
        }
    }
}

#[test]
fn connections_are_bounded() {
    let home = homes().swap_remove(0);
    user(&home, "anna", "owner");
    let server = home.server();
    let anna = cookie(&server, "anna");
    let mut open: Vec<Page> = Vec::new();
    for _ in 0..12 {
        let mut page = Page::open(&server, &anna);
        page.connection();
        open.push(page);
    }
    let headers = [
        ("host", server.address.as_str()),
        ("cookie", anna.as_str()),
        ("authorization", ""),
    ];
    let refused = server.send_raw("GET", "/api/live", &headers, b"");
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    // A program with a token has no page.
    let token = format!("Bearer {}", server.token);
    let headers = [
        ("host", server.address.as_str()),
        ("authorization", token.as_str()),
    ];
    assert_eq!(
        server.send_raw("GET", "/api/live", &headers, b"").status,
        401
    );
}

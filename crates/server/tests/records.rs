//! Records of any object, by the API and the command line, on both kinds of
//! database.

use std::process::Command;

use crate::support::{Home, Reply, Server, homes, json as run, text};
use serde_json::{Value as Json, json};

const CONTENT: (&str, &str) = ("content-type", "application/json");

/// What an answer must be, and says when it is not.
fn status(reply: Reply, wanted: u16) -> Reply {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, wanted, "{body}");
    reply
}

fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Reply {
    let mut all = vec![CONTENT];
    all.extend_from_slice(headers);
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send(method, path, &all, body.as_bytes())
}

fn create(server: &Server, object: &str, body: Json) -> Json {
    let reply = send(
        server,
        "POST",
        &format!("/api/records/{object}"),
        &[],
        &body,
    );
    status(reply, 201).json()
}

fn list(server: &Server, query: &str) -> Json {
    status(server.get(&format!("/api/records/{query}")), 200).json()
}

fn ids(page: &Json) -> Vec<i64> {
    let rows = page["rows"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Everything in the store but the log, to see that nothing was written.
fn total(server: &Server, object: &str) -> i64 {
    let page = list(server, &format!("{object}?limit=1&count=true"));
    page["total"].as_i64().unwrap()
}

/// `field` of each of the problem's fields, with its code.
fn faults(problem: &Json) -> Vec<(String, String)> {
    let fields = problem["fields"].as_array().unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    fields
        .iter()
        .map(|f| (text(&f["field"]), text(&f["code"])))
        .collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    all.iter().map(owned).collect()
}

fn encoded(text: &str) -> String {
    let byte = |b: u8| match b.is_ascii_alphanumeric() {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn on_both(story: fn(&Home, &Server)) {
    for home in homes() {
        let server = home.server();
        story(&home, &server);
    }
}

#[test]
fn a_record_is_created_read_changed_and_deleted() {
    on_both(|_, server| {
        let body = json!({ "number": "K1", "name": "青山", "kind": "company", "city": "上海" });
        let made = send(server, "POST", "/api/records/customer", &[], &body);
        let made = status(made, 201);
        let record = made.json();
        let id = record["id"].as_i64().unwrap();
        let path = format!("/api/records/customer/{id}");
        assert_eq!(made.header("location"), Some(path.as_str()));
        assert_eq!(
            made.header("etag").unwrap(),
            format!("\"{}\"", record["version"])
        );
        assert_eq!(record["values"]["name"], "青山");
        assert_eq!(record["values"]["phone"], json!(null));

        let read = status(server.get(&path), 200);
        assert_eq!(read.header("etag"), made.header("etag"));
        assert_eq!(read.json(), record);

        let contact = create(
            server,
            "contact",
            json!({ "name": "王芳", "customer": { "number": "K1" } }),
        );
        assert_eq!(
            contact["links"]["customer"],
            json!({ "id": id, "title": "青山" })
        );
        assert_eq!(contact["values"]["customer"], id);
        let other = create(server, "customer", json!({ "name": "白云" }));
        let moved = format!("/api/records/contact/{}", contact["id"]);
        let reply = send(
            server,
            "PATCH",
            &moved,
            &[],
            &json!({ "customer": other["id"] }),
        );
        let reply = status(reply, 200).json();
        assert_eq!(reply["links"]["customer"]["title"], "白云");
        assert_eq!(reply["values"]["name"], "王芳");

        let patch = json!({ "city": null, "phone": "  021-1 " });
        let changed = status(send(server, "PATCH", &path, &[], &patch), 200);
        let changed_to = changed.json();
        assert_eq!(changed_to["values"]["city"], json!(null));
        assert_eq!(changed_to["values"]["phone"], "021-1");
        assert!(changed_to["version"].as_i64() > record["version"].as_i64());
        assert_eq!(
            changed.header("etag").unwrap(),
            format!("\"{}\"", changed_to["version"])
        );
        // The same again is no change.
        let again = status(send(server, "PATCH", &path, &[], &patch), 200);
        assert_eq!(again.json()["version"], changed_to["version"]);

        let used = format!("/api/records/customer/{}", other["id"]);
        let refused = status(send(server, "DELETE", &used, &[], &Json::Null), 409).json();
        assert_eq!(refused["code"], "in_use");
        assert!(
            refused["detail"].as_str().unwrap().contains("`contact`"),
            "{refused}"
        );
        status(send(server, "DELETE", &path, &[], &Json::Null), 204);
        for method in ["GET", "PATCH", "DELETE"] {
            let body = if method == "PATCH" {
                json!({})
            } else {
                Json::Null
            };
            let gone = status(send(server, method, &path, &[], &body), 404).json();
            assert_eq!(gone["code"], "not_found", "{method}");
        }
    });
}

#[test]
fn lists_are_filtered_searched_sorted_and_paged() {
    on_both(|_, server| {
        let cities = ["上海", "北京", "杭州"];
        let operations: Vec<Json> = (0..45)
            .map(|i| {
                // Some have no city: nulls come last, and are paged too.
                let city = if i % 9 == 8 { json!(null) } else { json!(cities[i % 3]) };
                json!({ "create": { "number": format!("K{i:02}"), "name": format!("客户{i}"), "city": city } })
            })
            .collect();
        let bulk = json!({ "operations": operations });
        let reply = send(server, "POST", "/api/records/customer/bulk", &[], &bulk);
        assert_eq!(status(reply, 200).json()["n_failed"], 0);
        let contact = json!({ "name": "李明朗", "customer": { "number": "K03" } });
        create(server, "contact", contact);

        // Over three pages, each record once and in the order of one page.
        for sort in ["", "city", "-city,name", "-number"] {
            let query = format!("customer?fields=number,city&sort={sort}");
            let whole = list(server, &format!("{query}&limit=1000"));
            assert_eq!(whole["next"], json!(null));
            let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let page = list(server, &format!("{query}&limit=10&after={after}"));
                seen.extend(ids(&page));
                pages += 1;
                match page["next"].as_str() {
                    Some(next) => after = encoded(next),
                    None => break,
                }
            }
            assert_eq!((seen.len(), pages), (45, 5), "sort {sort}");
            assert_eq!(seen, ids(&whole), "sort {sort}");
        }
        let first = list(server, "customer?sort=city&limit=1&fields=city");
        assert_eq!(first["rows"][0]["values"], json!({ "city": "上海" }));
        let last = list(server, "customer?sort=-city&limit=1&fields=city");
        assert_eq!(last["rows"][0]["values"]["city"], "杭州");

        let condition = encoded("city = '上海' and number < 'K10'");
        let some = list(server, &format!("customer?where={condition}&count=true"));
        assert_eq!(some["total"], 4);
        assert_eq!(ids(&some).len(), 4);
        assert_eq!(some["fields"][0], "number");
        assert_eq!(list(server, "customer?limit=1")["total"], json!(null));
        let found = list(server, &format!("customer?search={}", encoded("客户44")));
        assert_eq!(found["rows"][0]["values"]["number"], "K44");
        assert_eq!(ids(&found).len(), 1);
        server.search_follows();
        let spelt = list(
            server,
            "contact?search=lml&fields=customer.name,customer,name",
        );
        assert_eq!(
            spelt["fields"],
            json!(["customer.name", "customer", "name"])
        );
        assert_eq!(spelt["rows"][0]["values"]["customer.name"], "客户3");
        assert_eq!(spelt["rows"][0]["links"]["customer"]["title"], "客户3");
        let by_link = encoded("customer.city = '上海'");
        assert_eq!(
            ids(&list(server, &format!("contact?where={by_link}"))).len(),
            1
        );

        let dear: Vec<(String, &str)> = vec![
            ("where=ghost%20=%201".into(), "where"),
            ("where=city%20=".into(), "where"),
            ("where=city".into(), "where"),
            ("sort=ghost".into(), "sort"),
            ("sort=-name,ghost".into(), "sort"),
            ("fields=name,ghost".into(), "fields"),
            ("fields=name.city".into(), "fields"),
            ("limit=0".into(), "limit"),
            ("limit=1001".into(), "limit"),
            ("after=x".into(), "after"),
            (format!("sort=city&after={}", encoded("[1]")), "after"),
        ];
        for (query, field) in dear {
            let reply = server.get(&format!("/api/records/customer?{query}"));
            let problem = status(reply, 422).json();
            assert_eq!(problem["fields"][0]["field"], field, "{query}: {problem}");
        }
        let unknown = status(server.get("/api/records/customer?filter=x"), 400).json();
        assert_eq!(unknown["code"], "unknown_parameter");
        assert_eq!(unknown["fields"][0]["field"], "filter");
        let path = "/api/records/customer/1/history?limit=1001";
        let problem = status(server.get(path), 422).json();
        assert_eq!(problem["fields"][0]["field"], "limit");
        for path in ["ghost", "ghost/1", "ghost/1/history"] {
            let gone = status(server.get(&format!("/api/records/{path}")), 404).json();
            assert_eq!(gone["code"], "not_found");
            assert!(
                gone["detail"].as_str().unwrap().contains("`ghost`"),
                "{gone}"
            );
        }
        status(server.get("/api/records/customer/999"), 404);
    });
}

#[test]
fn wrong_values_are_all_named_in_both_languages() {
    on_both(|_, server| {
        create(server, "customer", json!({ "number": "K1", "name": "甲" }));
        let body = json!({
            "customer": { "number": "K9" },
            "class": "robot",
            "incurred_on": "2026-02-30",
            "ghost": 1,
            "note": 5,
        });
        let wanted = pairs(&[
            ("class", "option"),
            ("incurred_on", "value"),
            ("ghost", "unknown_field"),
            ("note", "value"),
            ("amount", "required"),
            ("customer", "link"),
        ]);
        for (language, word, link) in [
            ("en", "it is required", "there is no customer `K9`"),
            ("zh-CN", "必须填写", "没有这个客户：`K9`"),
        ] {
            let headers = [
                ("host", server.address.as_str()),
                ("accept-language", language),
                CONTENT,
            ];
            let bytes = body.to_string();
            let reply = server.send_raw("POST", "/api/records/cost", &headers, bytes.as_bytes());
            assert_eq!(
                reply.header("content-type"),
                Some("application/problem+json")
            );
            let problem = status(reply, 422).json();
            assert_eq!(problem["code"], "fields");
            assert_eq!(faults(&problem), wanted, "{problem}");
            assert_eq!(problem["fields"][4]["detail"], word);
            assert_eq!(problem["fields"][5]["detail"], link);
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains("`amount`") && detail.contains("`class`"),
                "{detail}"
            );
        }
        assert_eq!(total(server, "cost"), 0);

        let path = "/api/records/customer/1";
        let clear = send(
            server,
            "PATCH",
            path,
            &[],
            &json!({ "number": "", "id": 3 }),
        );
        let problem = status(clear, 422).json();
        let wanted = pairs(&[("id", "unknown_field"), ("number", "required")]);
        assert_eq!(faults(&problem), wanted);
        let twice = send(
            server,
            "POST",
            "/api/records/customer",
            &[],
            &json!({ "number": "K1" }),
        );
        let problem = status(twice, 409).json();
        assert_eq!(problem["code"], "duplicate");
        assert_eq!(faults(&problem), pairs(&[("number", "duplicate")]));
        let list = send(server, "POST", "/api/records/customer", &[], &json!([1]));
        assert_eq!(status(list, 422).json()["code"], "malformed");
        assert_eq!(total(server, "customer"), 1);
    });
}

#[test]
fn what_the_product_writes_itself_is_refused() {
    on_both(|_, server| {
        let user = json!({ "login": "eve", "name": "Eve", "role": "owner", "is_active": true });
        let calls = [
            ("POST", "/api/records/user", user.clone()),
            ("PATCH", "/api/records/score/1", json!({ "tier": "vip" })),
            ("DELETE", "/api/records/score/1", Json::Null),
            (
                "POST",
                "/api/records/user/bulk",
                json!({ "operations": [{ "create": user }] }),
            ),
        ];
        for (method, path, body) in calls {
            let problem = status(send(server, method, path, &[], &body), 409).json();
            assert_eq!(problem["code"], "read_only", "{method} {path}");
        }
        // The one who asks.
        assert_eq!(total(server, "user"), 1);
        let objects = status(server.get("/api/objects"), 200).json();
        let of = |id: &str| {
            let all = objects["objects"].as_array().unwrap().iter();
            all.clone().find(|o| o["id"] == id).unwrap().clone()
        };
        assert_eq!(of("user")["is_writable"], false);
        assert_eq!(of("user")["actions"], json!(["read", "export"]));
        assert_eq!(of("customer")["actions"].as_array().unwrap().len(), 6);
        assert_eq!(
            (&of("customer")["number"], &of("customer")["title"]),
            (&json!("number"), &json!("name"))
        );
        let customer = status(server.get("/api/objects/customer"), 200).json();
        assert_eq!(customer, of("customer"));
        let field = |id: &str| {
            let mut all = customer["fields"].as_array().unwrap().iter();
            all.find(|f| f["id"] == id).unwrap().clone()
        };
        assert_eq!(field("number")["required"], true);
        assert_eq!(field("user")["to"], "user");
        assert_eq!(field("kind")["options"][0]["value"], "company");
        status(server.get("/api/objects/ghost"), 404);
    });
}

#[test]
fn of_two_writers_with_one_version_one_wins() {
    on_both(|_, server| {
        let made = create(server, "customer", json!({ "name": "甲" }));
        let path = format!("/api/records/customer/{}", made["id"]);
        let tag = format!("\"{}\"", made["version"]);
        let tag = tag.as_str();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let write = |i: usize| {
                let (path, body) = (path.as_str(), json!({ "city": format!("城{i}") }));
                scope.spawn(move || {
                    let headers = [("if-match", tag)];
                    send(server, "PATCH", path, &headers, &body).status
                })
            };
            let all: Vec<_> = (0..6).map(write).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let n = |wanted: u16| statuses.iter().filter(|s| **s == wanted).count();
        assert_eq!((n(200), n(412)), (1, 5), "{statuses:?}");

        let now = server.get(&path).json()["version"].clone();
        for method in ["PATCH", "DELETE"] {
            let body = if method == "PATCH" {
                json!({ "city": "x" })
            } else {
                Json::Null
            };
            for stale in [tag, "\"ghost\"", &format!("W/\"{now}\"")] {
                let headers = [("if-match", stale)];
                let problem = status(send(server, method, &path, &headers, &body), 412).json();
                assert_eq!(problem["version"], now, "{problem}");
                assert!(
                    problem["detail"]
                        .as_str()
                        .unwrap()
                        .contains(&now.to_string())
                );
            }
        }
        let any = send(
            server,
            "PATCH",
            &path,
            &[("if-match", "*")],
            &json!({ "city": "y" }),
        );
        let tag = status(any, 200).header("etag").unwrap().to_owned();
        let gone = send(server, "DELETE", &path, &[("if-match", &tag)], &Json::Null);
        status(gone, 204);
    });
}

#[test]
fn an_import_and_its_undo_are_versions_too() {
    on_both(|_, server| {
        let head = "订单号,下单时间,客户编号,客户名称,商品编号,数量,单价\n";
        let file = format!("{head}S1,2025-03-05,K1,甲,P1,2,10\n");
        let first = server.finished(&server.upload("a.csv", file.as_bytes()).json());
        assert_eq!(first["state"], "done", "{first}");
        let id = ids(&list(server, "customer"))[0];
        let path = format!("/api/records/customer/{id}");
        let version = || server.get(&path).json()["version"].as_i64().unwrap();
        let imported = version();
        assert!(imported > 0);
        let history = server.get(&format!("{path}/history")).json();
        assert_eq!(history["changes"].as_array().unwrap().len(), 1);
        assert_eq!(history["changes"][0]["kind"], "import");
        assert_eq!(history["changes"][0]["seq"], imported);
        assert_eq!(history["changes"][0]["after"], json!(null));

        let file = format!("{head}S2,2025-03-06,K1,乙,P1,2,10\n");
        let query = "b.csv&mode=update";
        let second = server.finished(&server.upload(query, file.as_bytes()).json());
        assert_eq!(second["state"], "done", "{second}");
        let updated = version();
        assert!(updated > imported);
        assert_eq!(server.get(&path).json()["values"]["name"], "乙");
        let undo = format!("/api/imports/{}/undo", second["id"]);
        status(server.post(&undo, &json!({})), 200);
        assert_eq!(server.get(&path).json()["values"]["name"], "甲");
        let undone = version();
        assert!(undone > updated, "the undo changed it");
        let history = server.get(&format!("{path}/history")).json();
        let kinds: Vec<&Json> = history["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["kind"])
            .collect();
        assert_eq!(kinds, ["undo", "update", "import"]);
        assert_eq!(history["changes"][0]["seq"], undone);
    });
}

#[test]
fn a_request_with_a_key_has_one_effect() {
    on_both(|_, server| {
        let body = json!({ "name": "甲", "city": "上海" });
        let post = |key: &str, body: &Json| {
            send(
                server,
                "POST",
                "/api/records/customer",
                &[("idempotency-key", key)],
                body,
            )
        };
        // Two at once, and some more.
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..5).map(|_| scope.spawn(|| post("k-1", &body))).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let replayed = |r: &&Reply| r.header("idempotent-replayed") == Some("true");
        assert_eq!(replies.iter().filter(replayed).count(), 4);
        for reply in &replies {
            assert_eq!(reply.status, 201);
            assert_eq!(reply.json(), replies[0].json());
            assert_eq!(reply.header("etag"), replies[0].header("etag"));
            assert_eq!(reply.header("location"), replies[0].header("location"));
        }
        assert_eq!(total(server, "customer"), 1);
        let other = status(post("k-1", &json!({ "name": "乙" })), 422).json();
        assert_eq!(other["code"], "key_reused");
        assert_eq!(faults(&other), pairs(&[("Idempotency-Key", "key_reused")]));
        let elsewhere = json!({ "operations": [{ "create": { "name": "丙" } }] });
        let bulk = |key: &str, body: &Json| {
            send(
                server,
                "POST",
                "/api/records/customer/bulk",
                &[("idempotency-key", key)],
                body,
            )
        };
        status(bulk("k-1", &elsewhere), 422);
        assert_eq!(total(server, "customer"), 1);
        let first = status(bulk("k-2", &elsewhere), 200);
        let again = status(bulk("k-2", &elsewhere), 200);
        assert_eq!(first.json(), again.json());
        assert_eq!(first.header("idempotent-replayed"), None);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(total(server, "customer"), 2);
        // What failed left the key free.
        status(post("k-3", &json!({ "ghost": 1 })), 422);
        status(post("k-3", &json!({ "name": "丁" })), 201);
        let long = "x".repeat(201);
        for key in ["", "two words", &long] {
            let problem = status(post(key, &body), 422).json();
            assert_eq!(faults(&problem), pairs(&[("Idempotency-Key", "value")]));
        }
    });
}

#[test]
fn many_at_once_are_all_or_none_or_each_by_itself() {
    on_both(|_, server| {
        let a = create(server, "customer", json!({ "number": "A", "name": "甲" }));
        let b = create(server, "customer", json!({ "number": "B", "name": "乙" }));
        let bulk = |body: &Json| send(server, "POST", "/api/records/customer/bulk", &[], body);
        let name = |record: &Json| {
            let path = format!("/api/records/customer/{}", record["id"]);
            server.get(&path).json()["values"]["name"].clone()
        };
        let mut operations = vec![
            json!({ "create": { "number": "C" } }),
            json!({ "update": { "id": a["id"], "values": { "name": "改" } } }),
            json!({ "create": { "number": "B" } }),
        ];
        let before = status(server.get("/api/status"), 200).json()["seq"].clone();
        let refused = status(bulk(&json!({ "operations": operations })), 409).json();
        assert_eq!(refused["fields"][0]["index"], 2, "{refused}");
        assert_eq!(refused["fields"][0]["field"], "number");
        assert_eq!((total(server, "customer"), name(&a)), (2, json!("甲")));
        assert_eq!(server.get("/api/status").json()["seq"], before);

        operations.push(json!({ "create": { "kind": "robot", "ghost": 1 } }));
        operations.push(json!({ "delete": { "id": 999 } }));
        operations.push(json!({ "update": { "id": b["id"], "values": {}, "version": 99999 } }));
        let refused = status(bulk(&json!({ "operations": operations })), 422).json();
        let places: Vec<&Json> = refused["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| &f["index"])
            .collect();
        assert_eq!(places, [3, 3]);
        assert_eq!(
            faults(&refused),
            pairs(&[("kind", "option"), ("ghost", "unknown_field")])
        );
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("`operations[3].kind`"),
            "{refused}"
        );
        assert_eq!(total(server, "customer"), 2);

        operations.push(json!({ "delete": { "id": b["id"] } }));
        let each = status(
            bulk(&json!({ "operations": operations, "atomic": false })),
            200,
        )
        .json();
        let outcomes = each["outcomes"].as_array().unwrap();
        let said: Vec<&str> = outcomes
            .iter()
            .map(|o| o["status"].as_str().unwrap())
            .collect();
        assert_eq!(
            said,
            [
                "created", "updated", "failed", "failed", "failed", "failed", "deleted"
            ]
        );
        assert_eq!(each["n_failed"], 4);
        let codes: Vec<&str> = outcomes[2..6]
            .iter()
            .map(|o| o["problem"]["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes, ["duplicate", "fields", "not_found", "version"]);
        assert_eq!((total(server, "customer"), name(&a)), (2, json!("改")));
        let same =
            json!({ "operations": [{ "update": { "id": a["id"], "values": { "name": "改" } } }] });
        assert_eq!(bulk(&same).json()["outcomes"][0]["status"], "unchanged");

        let many: Vec<Json> = (0..1001).map(|_| json!({ "create": {} })).collect();
        for wrong in [json!([]), json!(many)] {
            let problem = status(bulk(&json!({ "operations": wrong })), 422).json();
            assert_eq!(problem["fields"][0]["field"], "operations");
        }
        let typo = json!({ "operations": [{ "remove": { "id": 1 } }] });
        assert_eq!(status(bulk(&typo), 422).json()["code"], "malformed");
        let most = &many[..1000];
        let made = status(bulk(&json!({ "operations": most })), 200).json();
        assert_eq!(
            (&made["n_failed"], total(server, "customer")),
            (&json!(0), 1002)
        );
    });
}

#[test]
fn numbers_are_counted_on_and_given_once() {
    on_both(|_, server| {
        for number in ["41", "K7", "13800138000"] {
            create(server, "customer", json!({ "number": number }));
        }
        // Behind the highest short number; letters and long digits do not count.
        assert_eq!(
            create(server, "customer", json!({}))["values"]["number"],
            "42"
        );
        create(server, "customer", json!({ "number": "43" }));
        create(server, "customer", json!({ "number": "47" }));
        assert_eq!(
            create(server, "customer", json!({ "number": null }))["values"]["number"],
            "48"
        );
        assert_eq!(
            create(server, "product", json!({}))["values"]["number"],
            "1"
        );

        let mut numbers: Vec<String> = std::thread::scope(|scope| {
            let write = || {
                let made = |_| create(server, "customer", json!({}))["values"]["number"].clone();
                (0..8).map(made).collect::<Vec<Json>>()
            };
            let all: Vec<_> = (0..6).map(|_| scope.spawn(write)).collect();
            let made = all.into_iter().flat_map(|t| t.join().unwrap());
            made.map(|n| n.as_str().unwrap().to_owned()).collect()
        });
        numbers.sort();
        let wanted: Vec<String> = (49..97).map(|n| n.to_string()).collect();
        assert_eq!(numbers, wanted);
    });
}

#[test]
fn history_is_newest_first_and_paged() {
    on_both(|_, server| {
        let made = create(server, "customer", json!({ "number": "K1", "name": "一" }));
        let path = format!("/api/records/customer/{}", made["id"]);
        for name in ["二", "三"] {
            status(
                send(server, "PATCH", &path, &[], &json!({ "name": name })),
                200,
            );
        }
        create(server, "customer", json!({ "name": "别人" }));
        let page = status(server.get(&format!("{path}/history?limit=2")), 200).json();
        let changes = page["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0]["kind"], "update");
        assert_eq!(changes[0]["before"], json!({ "name": "二" }));
        assert_eq!(changes[0]["after"], json!({ "name": "三" }));
        assert_eq!(
            (&changes[0]["actor"], &changes[0]["channel"]),
            (&json!("owner"), &json!("api"))
        );
        let rest = format!("{path}/history?limit=2&after={}", page["next"]);
        let rest = status(server.get(&rest), 200).json();
        assert_eq!(rest["changes"].as_array().unwrap().len(), 1);
        assert_eq!(rest["changes"][0]["kind"], "create");
        assert_eq!(rest["changes"][0]["before"], json!(null));
        let mut after = rest["changes"][0]["after"].clone();
        let when = after.as_object_mut().unwrap().remove("created_at");
        assert!(when.is_some_and(|when| when.is_string()));
        assert_eq!(
            after,
            json!({ "number": "K1", "name": "一", "user": 1, "created_by": "owner" })
        );
        assert_eq!(rest["next"], json!(null));
        status(server.get("/api/records/customer/999/history"), 404);
        // What its links mean, before and after, by name.
        let other = create(server, "customer", json!({ "number": "K9", "name": "九" }));
        let contact = create(
            server,
            "contact",
            json!({ "name": "王", "customer": made["id"] }),
        );
        let path = format!("/api/records/contact/{}", contact["id"]);
        let to_other = json!({ "customer": other["id"] });
        status(send(server, "PATCH", &path, &[], &to_other), 200);
        let history = status(server.get(&format!("{path}/history")), 200).json();
        assert_eq!(
            history["links"]["customer"],
            json!([{ "id": made["id"], "title": "三" }, { "id": other["id"], "title": "九" }])
        );
    });
}

/// With its standard error, for calls that fail.
fn fails(command: &mut Command, language: &str) -> (Option<i32>, String) {
    let output = command.env("KEJI_LANG", language).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn the_command_line_does_what_the_api_does() {
    for home in homes() {
        let records = |args: &[&str]| {
            let mut command = home.keji();
            command.arg("records").args(args);
            command
        };
        let made = run(&mut records(&[
            "customer",
            "create",
            "number=K1",
            "name=青山",
            "city=上海",
        ]));
        assert_eq!(made["values"]["city"], "上海");
        let id = made["id"].to_string();
        let file = home.data.path().join("values.json");
        std::fs::write(
            &file,
            r#"{ "name": "王芳", "position": "经理", "customer": 99 }"#,
        )
        .unwrap();
        let file = file.display().to_string();
        let call = ["contact", "create", "customer.number=K1", "--values", &file];
        let contact = run(&mut records(&call));
        assert_eq!(contact["links"]["customer"]["title"], "青山");
        assert_eq!(contact["values"]["position"], "经理");

        let version = made["version"].to_string();
        let change = [
            "customer",
            "update",
            &id,
            "city=",
            "phone=1=2",
            "--if-match",
            &version,
        ];
        let changed = run(&mut records(&change));
        assert_eq!(changed["values"]["city"], json!(null));
        assert_eq!(changed["values"]["phone"], "1=2");
        let (code, said) = fails(&mut records(&change), "en");
        assert_eq!(
            (code, said.contains("it is at version")),
            (Some(2), true),
            "{said}"
        );
        assert_eq!(run(&mut records(&["customer", "get", &id])), changed);
        for name in ["a", "b"] {
            run(&mut records(&[
                "customer",
                "create",
                &format!("name={name}"),
            ]));
        }
        let all = [
            "customer", "list", "--sort", "-number", "--limit", "2", "--fields", "number",
        ];
        let first = run(&mut records(&all));
        assert_eq!(first["rows"][0]["values"], json!({ "number": "K1" }));
        let next = first["next"].as_str().unwrap().to_owned();
        let mut rest = all.to_vec();
        rest.extend(["--after", &next, "--count"]);
        let rest = run(&mut records(&rest));
        assert_eq!((ids(&rest).len(), &rest["total"]), (1, &json!(3)));
        let condition = ["customer", "list", "--where", "phone is not null"];
        assert_eq!(ids(&run(&mut records(&condition))).len(), 1);
        let shown = records(&["customer", "list", "--search", "青"])
            .output()
            .unwrap();
        assert!(text(&shown).contains("青山"), "{}", text(&shown));
        let history = run(&mut records(&["customer", "history", &id]));
        assert_eq!(history["changes"][0]["channel"], "command_line");
        assert_eq!(history["changes"].as_array().unwrap().len(), 2);

        for (call, en, zh) in [
            (
                vec!["ghost", "list"],
                "there is no object `ghost`",
                "没有这种对象：`ghost`",
            ),
            (
                vec!["customer", "get", "99"],
                "there is no customer 99",
                "没有这个客户：99",
            ),
            (
                vec!["customer", "list", "--sort", "ghost"],
                "`sort`: there is no field `ghost`",
                "没有这个字段",
            ),
            (
                vec!["customer", "create", "kind=robot"],
                "`kind`: there is no option",
                "没有选项 `robot`",
            ),
            (
                vec!["customer", "create", "robot"],
                "write field=value",
                "字段=值",
            ),
            (
                vec!["customer", "create", "--values", "nowhere"],
                "there is no such file",
                "没有这个文件",
            ),
            (
                vec!["score", "delete", "1"],
                "written by the product itself",
                "由程序自己写入",
            ),
            (
                vec!["customer", "delete", &id],
                "still used by a record of `contact`",
                "不能删除",
            ),
        ] {
            let (code, said) = fails(&mut records(&call), "en");
            assert_eq!(
                (code, said.contains(en)),
                (Some(2), true),
                "{call:?}: {said}"
            );
            let (code, said) = fails(&mut records(&call), "zh");
            assert_eq!(
                (code, said.contains(zh)),
                (Some(2), true),
                "{call:?}: {said}"
            );
        }
        let contact = contact["id"].to_string();
        run(&mut records(&["contact", "delete", &contact]));
        assert_eq!(run(&mut records(&["contact", "list"]))["rows"], json!([]));
    }
}

/// What one database takes and the other does not is refused by both.
#[test]
fn what_no_database_keeps_is_the_fields_fault() {
    for home in homes() {
        let server = home.server();
        let customer = create(&server, "customer", json!({ "name": "甲" }))["id"].clone();
        let call = json!({ "customer": customer, "kind": "call", "held_on": "2026-01-31", "subject": "x" });
        let call = create(&server, "touchpoint", call)["id"].clone();
        let path = format!("/api/records/touchpoint/{call}");
        for body in [
            json!({ "held_at": "-005000-01-01T00:00:00Z" }),
            json!({ "held_at": "0000-12-31T00:00:00Z" }),
            json!({ "opportunity": { "number": "a\u{0}b" } }),
        ] {
            let reply = send(&server, "PATCH", &path, &[], &body);
            let problem = status(reply, 422).json();
            let field = body.as_object().unwrap().keys().next().unwrap().clone();
            assert_eq!(faults(&problem)[0].0, field, "{problem}");
        }
        let kept = json!({ "held_at": "0001-01-01T00:00:00Z" });
        status(send(&server, "PATCH", &path, &[], &kept), 200);
        let wrong = "touchpoint?where=held_at%20%3E%20timestamp%20'-005000-01-01T00:00:00Z'";
        let reply = server.get(&format!("/api/records/{wrong}"));
        assert_eq!(reply.status, 422, "{}", reply.json());
    }
}

/// A text with the character zero is refused at every door by both databases,
/// one of which cannot keep it.
#[test]
fn the_character_zero_is_refused_everywhere() {
    for home in homes() {
        let server = home.server();
        for path in [
            "/api/records/customer?where=name%20%3D%20'a%00b'",
            "/api/records/customer?search=a%00b",
            "/api/customers?search=a%00b",
            "/api/exports/customers?format=csv&search=a%00b",
            "/api/audit?actor=a%00b",
            "/api/records/custo%00mer",
            "/api/mappings/a%00b",
        ] {
            let method = if path.contains("mappings") {
                "DELETE"
            } else {
                "GET"
            };
            let reply = send(&server, method, path, &[], &Json::Null);
            assert_eq!(reply.status, 422, "{path}: {}", reply.json());
        }
        for (method, path, body) in [
            ("POST", "/api/departments", json!({ "name": "a\u{0}b" })),
            ("POST", "/api/tokens", json!({ "name": "a\u{0}b" })),
            (
                "POST",
                "/api/session",
                json!({ "login": "a\u{0}b", "password": "x" }),
            ),
            (
                "POST",
                "/api/insight",
                json!({ "metrics": ["orders"], "where": "customer.name = 'a\u{0}b'" }),
            ),
        ] {
            let reply = send(&server, method, path, &[], &body);
            assert_eq!(reply.status, 422, "{path}: {}", reply.json());
        }
        // Written out it is another text.
        let written = json!({ "name": "a\\u0000b" });
        status(
            send(&server, "POST", "/api/departments", &[], &written),
            201,
        );
    }
}

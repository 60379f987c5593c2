//! One box over every object: what is found, and by whom.

use serde_json::{Value as Json, json};

use crate::support::{Home, Reply, Server, homes, text, token};

/// The only other signs in these questions are letters and characters.
fn encoded(q: &str) -> String {
    q.bytes().map(|b| format!("%{b:02X}")).collect()
}

fn find(server: &Server, key: &str, q: &str, more: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    let path = format!("/api/search?q={}{more}", encoded(q));
    server.send("GET", &path, &[("authorization", &bearer)], b"")
}

/// Object and title, or number, of what was found, with how it fits.
fn found(server: &Server, key: &str, q: &str) -> Vec<String> {
    let reply = find(server, key, q, "");
    assert_eq!(reply.status, 200, "{q}: {}", reply.json());
    let hits = reply.json()["hits"].as_array().unwrap().clone();
    let shown = |hit: &Json| {
        let of = |name: &str| hit[name].as_str().unwrap_or("–").to_owned();
        format!("{} {} {}", of("object"), of("title"), of("fit"))
    };
    hits.iter().map(shown).collect()
}

fn create(server: &Server, object: &str, values: &Json) -> i64 {
    let made = server.post(&format!("/api/records/{object}"), values);
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_i64().unwrap()
}

fn import_customers(home: &Home, csv: &str) {
    let file = home.data.path().join("customers.csv");
    std::fs::write(&file, csv).unwrap();
    let mut keji = home.keji();
    keji.arg("import").arg(&file).args(["--object", "customer"]);
    let done = keji.output().unwrap();
    assert!(done.status.success(), "{}", text(&done));
}

#[test]
fn every_way_to_type_it_finds_a_record_of_any_object() {
    for home in homes() {
        let server = home.server();
        let key = server.token.clone();
        let mut ids = Vec::new();
        for (number, name, phone) in [
            ("K1", "上海明朗贸易有限公司", "021-6888 0001"),
            ("K2", "上海云海进出口有限公司", "13800138000"),
            ("K3", "云海", "13911112222"),
            ("K4", "Acme Bolt Ltd.", "+86 138-7777-0002"),
        ] {
            let values =
                json!({ "number": number, "name": name, "phone": phone, "kind": "company" });
            ids.push(create(&server, "customer", &values));
        }
        let contact = json!({ "name": "单曾文", "mobile": "13612345678", "customer": ids[0] });
        create(&server, "contact", &contact);
        let product = json!({ "number": "P-2025-077", "name": "不锈钢螺栓" });
        create(&server, "product", &product);
        let task = json!({ "name": "给云海寄样品", "customer": ids[1], "due_on": "2025-03-01" });
        create(&server, "task", &task);
        let file = format!(
            "/api/files?name={}&customer={}",
            encoded("年度框架合同.pdf"),
            ids[1]
        );
        assert_eq!(server.send("POST", &file, &[], b"%PDF-1.7\n").status, 201);
        server.search_follows();

        for (q, expected) in [
            // Two characters: the whole name first, then the shorter one.
            (
                "云海",
                &[
                    "customer 云海 whole",
                    "task 给云海寄样品 part",
                    "customer 上海云海进出口有限公司 part",
                ][..],
            ),
            ("上海明", &["customer 上海明朗贸易有限公司 prefix"]),
            ("mlmy", &["customer 上海明朗贸易有限公司 spelling"]),
            ("shanghaiming", &["customer 上海明朗贸易有限公司 spelling"]),
            ("上海ml", &["customer 上海明朗贸易有限公司 spelling"]),
            ("上海名郎", &["customer 上海明朗贸易有限公司 sound"]),
            ("上海明郎贸亿", &["customer 上海明朗贸易有限公司 sound"]),
            ("上海朗明贸易", &["customer 上海明朗贸易有限公司 near"]),
            ("shanghaiminlang", &["customer 上海明朗贸易有限公司 near"]),
            // A surname that is read in its own way, and in the usual one.
            ("shanzengwen", &["contact 单曾文 spelling"]),
            ("szw", &["contact 单曾文 spelling"]),
            ("dancengwen", &["contact 单曾文 spelling"]),
            // The end of a telephone number, its digits, all of it.
            ("5678", &["contact 单曾文 part"]),
            ("68880001", &["customer 上海明朗贸易有限公司 part"]),
            ("138 7777 0002", &["customer Acme Bolt Ltd. part"]),
            ("13800138000", &["customer 上海云海进出口有限公司 whole"]),
            ("2025-077", &["product 不锈钢螺栓 part"]),
            ("框架合同", &["file 年度框架合同.pdf part"]),
            ("bolt acme", &["customer Acme Bolt Ltd. part"]),
            ("acme blot", &["customer Acme Bolt Ltd. near"]),
            ("ＡＣＭＥ", &["customer Acme Bolt Ltd. prefix"]),
            ("火星", &[]),
        ] {
            assert_eq!(found(&server, &key, q), expected, "{q}");
        }

        let only = find(&server, &key, "云海", "&objects=task,product&limit=1").json();
        assert_eq!(only["hits"].as_array().unwrap().len(), 1);
        assert_eq!(only["hits"][0]["object"], "task");

        // A name that is no more is found no more.
        let path = format!("/api/records/customer/{}", ids[2]);
        let gone = json!({ "name": "大洋" });
        let headers = [("content-type", "application/json")];
        let changed = server.send("PATCH", &path, &headers, gone.to_string().as_bytes());
        assert_eq!(changed.status, 200, "{}", changed.json());
        server.search_follows();
        assert_eq!(found(&server, &key, "云海").len(), 2);
        assert_eq!(found(&server, &key, "dayang"), ["customer 大洋 spelling"]);
    }
}

#[test]
fn nobody_finds_what_he_may_not_see() {
    for home in homes() {
        // The newest of very many that fit are all somebody else's.
        let mut csv = String::from("客户编号,客户名称,电话\nA1,云海一号,13800000001\n");
        for n in 0..2_100 {
            csv.push_str(&format!("B{n},云海分店{n},1390000{n:04}\n"));
        }
        import_customers(&home, &csv);
        let li = token(&home.keji(), "li", "representative");
        let server = home.server();
        let users = server.get("/api/users").json();
        let users = users["users"].as_array().unwrap();
        let id = &users.iter().find(|u| u["login"] == "li").unwrap()["id"];
        home.own(&[("A1", id.clone())]);
        server.search_follows();
        let own = "customer 云海一号";
        for (q, fit) in [
            ("云海", "prefix"),
            ("yunhai", "spelling"),
            ("yh", "spelling"),
            ("海一", "part"),
            ("运海一号", "sound"),
            ("云海一毫", "sound"),
            ("云海一弓", "near"),
            ("13800000001", "whole"),
        ] {
            let all = found(&server, &li, q);
            assert_eq!(all, [format!("{own} {fit}")], "{q}");
        }
        for q in ["云海分店7", "分店", "13900000007", "fendian", "云海芬店"] {
            assert_eq!(found(&server, &li, q), [""; 0], "{q}");
            assert!(!found(&server, &server.token, q).is_empty(), "{q}");
        }
        let users = find(&server, &li, "li", "&objects=user");
        assert!([200, 403].contains(&users.status), "{}", users.json());
    }
}

/// A covered field is not searched: its digits could be asked one by one.
#[test]
fn a_covered_field_is_not_found() {
    for home in homes() {
        import_customers(&home, "客户编号,客户名称,电话\nA1,云海一号,13800000001\n");
        let server = home.server();
        let role = json!({
            "name": { "zh": "总机", "en": "Desk" },
            "about": { "zh": "总机。", "en": "The desk." },
            "grants": [{ "object": "customer", "actions": ["read"], "rows": "all" }],
            "fields": [{ "field": "customer.phone", "as": "masked" }],
        });
        let headers = [("content-type", "application/json")];
        let role = server.send(
            "PUT",
            "/api/roles/desk",
            &headers,
            role.to_string().as_bytes(),
        );
        assert!(role.status < 300, "{}", role.json());
        let desk = token(&home.keji(), "wang", "desk");
        server.search_follows();
        for q in ["13800000001", "0001", "138 0000 0001", "13800000010"] {
            assert_eq!(found(&server, &desk, q), [""; 0], "{q}");
            assert_eq!(found(&server, &server.token, q).len(), 1, "{q}");
        }
        assert_eq!(found(&server, &desk, "云海"), ["customer 云海一号 prefix"]);
    }
}

#[test]
fn a_wrong_question_is_told_by_its_field() {
    let Some(home) = homes().into_iter().next() else {
        return;
    };
    let marketing = token(&home.keji(), "mei", "marketing");
    let server = home.server();
    let key = server.token.clone();
    let long = "云".repeat(101);
    for (q, more, field) in [
        ("", "", "q"),
        ("  ", "", "q"),
        (long.as_str(), "", "q"),
        ("云", "&limit=0", "limit"),
        ("云", "&limit=51", "limit"),
    ] {
        let reply = find(&server, &key, q, more);
        assert_eq!(reply.status, 422, "{}", reply.json());
        assert_eq!(reply.json()["fields"][0]["field"], field);
    }
    assert_eq!(find(&server, &key, "云", "&objects=nothing").status, 404);
    assert_eq!(
        find(&server, &marketing, "云", "&objects=token").status,
        404
    );
    for q in [
        "\"",
        "*",
        "AND",
        "a\" OR \"b",
        "(",
        "云' or 1=1 --",
        "%",
        "_",
        "\u{1}\u{2}",
    ] {
        let reply = find(&server, &key, q, "");
        assert_eq!(reply.status, 200, "{q}: {}", reply.json());
    }
}

//! The server as a browser, a program and an attacker meet it.

use std::io::Write;

use crate::support::{self, Home, Reply, Server, homes, orders_csv};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

#[test]
fn a_file_goes_in_and_numbers_come_out() {
    homes().iter().for_each(goes_in_and_comes_out);
}

fn goes_in_and_comes_out(home: &Home) {
    let server = home.server();
    let status = server.get("/api/status").json();
    assert_eq!(status["counts"]["order"], 0);
    assert_eq!(status["as_of"], json!(null));

    let reply = server.upload("orders.csv", orders_csv(3_000, 3).as_bytes());
    assert_eq!(
        reply.status,
        201,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    let done = server.finished(&reply.json());
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["summary"]["lines_new"], 3_000);
    assert_eq!(done["summary"]["orders_new"], 1_000);
    let as_of = done["summary"]["as_of"].as_str().unwrap().to_owned();

    let question =
        json!({ "metrics": ["orders", "gross_sales"], "grain": "month", "compare": "previous" });
    let answer = server.post("/api/insight", &question).json();
    let names: Vec<&str> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[0], "period");
    assert!(
        names.contains(&"orders_previous") && names.contains(&"gross_sales_change"),
        "{names:?}"
    );
    let orders: i64 = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r[1].as_i64().unwrap())
        .sum();
    assert_eq!(orders, 1_000);

    let explained = server.post("/api/insight/explain", &question).json();
    assert!(
        explained["sql"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .contains("select"),
        "{explained}"
    );
    let rows = server
        .post(
            "/api/insight/rows",
            &json!({ "metrics": ["orders"], "where": "customer.number = 'K0007'" }),
        )
        .json();
    assert!(rows["total"].as_i64().unwrap() > 0, "{rows}");

    let document = server.get(&format!("/api/evaluations/{as_of}")).json();
    assert_eq!(document["n_buyers"], 500);
    let page = server
        .get(
            "/api/customers?where=stage%20%3C%3E%20'prospect'&sort=-gross_sales&limit=5&search=K00",
        )
        .json();
    assert_eq!(page["resources"].as_array().unwrap().len(), 5, "{page}");
    let id = page["resources"][0]["id"].as_i64().unwrap();
    let customer = server.get(&format!("/api/customers/{id}")).json();
    assert_eq!(
        customer["customer"]["number"],
        page["resources"][0]["number"]
    );
    assert_eq!(
        customer["orders"]["total"],
        page["resources"][0]["n_orders"]
    );
    let orders = server.get(&format!("/api/customers/{id}/orders")).json();
    let order = orders["resources"][0]["id"].as_i64().unwrap();
    assert_eq!(
        server.get(&format!("/api/orders/{order}/lines")).json()["total"],
        3
    );
    let timeline = server.get(&format!("/api/customers/{id}/timeline")).json();
    assert!(
        timeline["resources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["kind"] == "order"),
        "{timeline}"
    );

    for (format, start) in [
        ("csv", b"\xef\xbb\xbf".as_slice()),
        ("xlsx", b"PK"),
        ("parquet", b"PAR1"),
    ] {
        let file = server.get(&format!("/api/exports/customers?format={format}"));
        assert_eq!(file.status, 200);
        assert!(file.body.starts_with(start), "{format}");
    }
    lists_go_out(&server, id, &customer);

    let undone = server
        .send(
            "POST",
            &format!("/api/imports/{}/undo", done["id"]),
            &[],
            b"",
        )
        .json();
    assert_eq!(undone["state"], "undone", "{undone}");
    let counts = &server.get("/api/status").json()["counts"];
    assert_eq!(
        (&counts["order"], &counts["customer"]),
        (&json!(0), &json!(0))
    );
}

/// The records of any object and those behind a number, all of them and no
/// others.
fn lists_go_out(server: &Server, id: i64, customer: &Json) {
    let rows_of = |reply: Reply| -> Vec<Vec<String>> {
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        let text = reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap();
        let mut reader = csv::Reader::from_reader(text);
        let rows = reader.records().map(|row| row.unwrap());
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    };
    let of = |object: &str, rest: &str| {
        let path = format!("/api/exports/records/{object}?format=csv{rest}");
        server.get(&path)
    };
    let number = customer["customer"]["number"].as_str().unwrap();
    let orders = rows_of(of(
        "order",
        &format!("&where=customer%20%3D%20{id}&sort=-ordered_at"),
    ));
    assert_eq!(customer["orders"]["total"], orders.len());
    assert!(
        orders
            .iter()
            .all(|row| row.iter().any(|cell| cell == number))
    );
    // Number, customer, kind, time: the order of the definition.
    assert!(orders.len() > 1);
    assert!(orders.is_sorted_by(|a, b| a[3] >= b[3]), "{orders:?}");
    assert!(orders.first().unwrap()[3] > orders.last().unwrap()[3]);
    assert_eq!(rows_of(of("order_line", "")).len(), 3_000);
    assert_eq!(of("ghost", "").status, 422);
    assert_eq!(of("order", "&sort=ghost").status, 422);
    assert_eq!(of("order", "&where=ghost%20%3D%201").status, 422);

    let question = json!({ "metrics": ["orders"], "where": "customer is not null" });
    let total = server.post("/api/insight/rows", &question).json()["total"].clone();
    let behind = rows_of(server.post("/api/exports/rows?format=csv", &question));
    assert_eq!(total, behind.len());
}

#[test]
fn only_its_own_pages_may_ask() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let own = server.address.clone();
    let origin = format!("http://{own}");
    let ask = |headers: &[(&str, &str)]| server.send_raw("GET", "/api/status", headers, b"").status;
    assert_eq!(ask(&[("host", &own)]), 200);
    assert_eq!(ask(&[("host", &own), ("origin", &origin)]), 200);
    assert_eq!(ask(&[("host", "evil.example")]), 403);
    assert_eq!(
        ask(&[("host", &own), ("origin", "http://evil.example")]),
        403
    );
    assert_eq!(ask(&[("host", &own), ("origin", "null")]), 403);
    let reply = server.send_raw("GET", "/api/status", &[("host", "evil.example")], b"");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(reply.json()["code"], "foreign_request");
}

#[test]
fn listens_on_loopback_only() {
    let data = tempfile::tempdir().unwrap();
    let output = support::keji(data.path())
        .args(["serve", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        support::text(&output).contains("loopback"),
        "{}",
        support::text(&output)
    );
}

#[test]
fn the_description_is_whole_and_matches_the_committed_one() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    // As nobody gets it: without the objects of this place.
    let headers = [("host", server.address.as_str()), ("authorization", "")];
    let document = server
        .send_raw("GET", "/api/openapi.json", &headers, b"")
        .json();
    let paths: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for path in [
        "/api/imports",
        "/api/insight",
        "/api/customers",
        "/api/evaluations/{as_of}",
        "/api/status",
    ] {
        assert!(paths.contains(&path), "{paths:?}");
    }
    let committed = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../web/openapi.json"
    ))
    .unwrap();
    let committed: serde_json::Value = serde_json::from_str(&committed).unwrap();
    assert!(
        committed == document,
        "web/openapi.json is stale: run `make api`"
    );
}

/// Each line an order of its own: 10 at 5 and 10 at 15, a month later 24 at 5
/// and 6 at 20.
#[test]
fn a_change_is_taken_apart() {
    let mut file = String::from("单号,日期,客户编号,客户,产品,数量,单价\n");
    let mut n = 0;
    for (day, customer, lines, price) in [
        ("2025-01-15", "A", 10, 5),
        ("2025-01-15", "B", 10, 15),
        ("2025-02-10", "A", 24, 5),
        ("2025-02-10", "B", 6, 20),
    ] {
        for _ in 0..lines {
            n += 1;
            file.push_str(&format!(
                "S{n},{day},K{customer},客户{customer},P{customer},1,{price}\n"
            ));
        }
    }
    for home in homes() {
        let server = home.server();
        let sent = server.upload("orders.csv", file.as_bytes());
        assert_eq!(server.finished(&sent.json())["state"], "done");
        let ask = |metric: &str, by: &str| {
            let question = json!({ "metrics": [metric], "by": [by], "compare": "previous",
                "from": "2025-02-01", "to": "2025-03-01", "as_of": "2025-03-01" });
            server.post("/api/insight/why", &question)
        };
        let number = |value: &Json| match value.as_str() {
            Some(text) => text.parse().unwrap(),
            None => (value.as_f64().unwrap() * 1e9_f64).round() / 1e9,
        };
        let effects =
            |part: &Json| ["change", "volume", "mix", "rate"].map(|name| number(&part[name]));
        let why = ask("gross_sales", "product.number").json();
        assert_eq!(why["kind"], "sum", "{why}");
        assert_eq!(
            (number(&why["now"]), number(&why["before"])),
            (240.0, 200.0)
        );
        assert_eq!(effects(&why["whole"]), [40.0, 100.0, -90.0, 30.0]);
        assert_eq!(why["parts"][0]["value"], "PA");
        assert_eq!(effects(&why["parts"][0]), [70.0, 25.0, 45.0, 0.0]);
        assert_eq!(effects(&why["parts"][1]), [-30.0, 75.0, -135.0, 30.0]);
        assert_eq!(why["others_count"], 0);
        let why = ask("average_order_value", "customer.number").json();
        assert_eq!(why["kind"], "ratio", "{why}");
        assert_eq!(effects(&why["whole"]), [-2.0, 0.0, -3.0, 1.0]);
        assert_eq!(effects(&why["parts"][0])[2..], [-1.5, 0.0]);

        // Whose parts do not make up the whole is not taken apart.
        let refused = ask("buyers", "product.number");
        assert_eq!(refused.status, 422, "{}", refused.json());
        for (wrong, field) in [
            (
                json!({ "metrics": ["gross_sales"], "by": ["product.number"] }),
                "compare",
            ),
            (
                json!({ "metrics": ["gross_sales"], "compare": "year" }),
                "by",
            ),
            (
                json!({ "metrics": ["gross_sales", "orders"], "by": ["product.number"] }),
                "metrics",
            ),
        ] {
            let refused = server.post("/api/insight/why", &wrong);
            assert_eq!(refused.status, 422);
            assert_eq!(refused.json()["fields"][0]["field"], field);
        }
    }
}

#[test]
fn errors_are_problems_in_the_callers_language() {
    homes().iter().for_each(errors_are_problems);
}

fn errors_are_problems(home: &Home) {
    let server = home.server();
    let reply = server.post("/api/insight", &json!({ "metrics": ["nonsense"] }));
    assert_eq!(reply.status, 422);
    assert_eq!(reply.json()["code"], "unknown_name");
    let zh = server.send(
        "POST",
        "/api/insight",
        &[
            ("content-type", "application/json"),
            ("accept-language", "zh-CN"),
        ],
        br#"{"metrics":["nonsense"]}"#,
    );
    // Two accept-language headers: the first, English, is the polite client's.
    assert_eq!(zh.status, 422);
    assert_eq!(server.get("/api/customers/99").status, 404);
    assert_eq!(server.get("/api/nothing").status, 404);
    assert_eq!(server.get("/assets/nothing.js").status, 404);
    assert_eq!(
        server
            .send(
                "POST",
                "/api/insight",
                &[("content-type", "application/json")],
                b"{"
            )
            .status,
        400
    );
    let wrong = server.get("/api/customers?where=tier%20%3D");
    assert_eq!(wrong.status, 422);
    assert_eq!(
        wrong.header("content-type"),
        Some("application/problem+json")
    );
}

/// Every file that nobody means well with gets an error that names file, row
/// and column, and the same process goes on answering.
/// What no door can read names its field, in the words of who asked.
#[test]
fn what_cannot_be_read_names_its_field() {
    for home in homes() {
        let server = home.server();
        let ask = |method: &str, path: &str, language: &str, body: &str| {
            let headers = [
                ("host", server.address.as_str()),
                ("accept-language", language),
                ("content-type", "application/json"),
            ];
            server.send_raw(method, path, &headers, body.as_bytes())
        };
        for (method, path, body, field) in [
            ("POST", "/api/users", r#"{"login":5}"#, "login"),
            ("POST", "/api/users", "{}", "login"),
            (
                "POST",
                "/api/users",
                r#"{"login":"a","name":"b","role":"owner","departments":[{"id":"x"}]}"#,
                "departments[0].id",
            ),
            ("POST", "/api/webhooks", r#"{"name":"x","url":1}"#, "url"),
            (
                "POST",
                "/api/batches/edit/customer",
                r#"{"nope":1}"#,
                "nope",
            ),
            (
                "POST",
                "/api/batches/edit/customer",
                r#"{"ids":[1,"x"]}"#,
                "ids[1]",
            ),
            ("POST", "/api/batches/1/undo", r#"{"nope":1}"#, "nope"),
            ("GET", "/api/records/customer?limit=abc", "", "limit"),
            ("GET", "/api/audit?limit=abc", "", "limit"),
            ("GET", "/api/audit?kind=ghost", "", "kind"),
        ] {
            for language in ["zh", "en"] {
                let reply = ask(method, path, language, body);
                let said = reply.json();
                assert!((400..=422).contains(&reply.status), "{said}");
                assert_eq!(
                    reply.header("content-type"),
                    Some("application/problem+json")
                );
                assert_eq!(said["fields"][0]["field"], field, "{path} {body}: {said}");
                for told in [&said["detail"], &said["fields"][0]["detail"]] {
                    let told = told.as_str().unwrap();
                    let is_chinese = told.chars().any(|c| c > '\u{2fff}');
                    assert_eq!(is_chinese, language == "zh", "{path} {body}: {said}");
                    let english = ["one of", "expected", " or ", "at line", "invalid"];
                    let has_english = english.iter().any(|word| told.contains(word));
                    assert!(language == "en" || !has_english, "{path} {body}: {said}");
                }
            }
        }
    }
}

/// A key is heeded, or its sender is told that it is not.
#[test]
fn a_key_that_is_not_heeded_is_refused() {
    for home in homes() {
        let server = home.server();
        let send = |method: &str, path: &str, body: &Json| {
            let headers = [
                ("content-type", "application/json"),
                ("idempotency-key", "k1"),
            ];
            server.send(method, path, &headers, body.to_string().as_bytes())
        };
        let departments = || {
            let list = server.get("/api/departments").json();
            let all = list.as_array().or(list["departments"].as_array());
            all.unwrap().len()
        };
        let n = departments();
        let new = json!({ "name": "North" });
        let refused = send("POST", "/api/departments", &new);
        let said = refused.json();
        assert_eq!(refused.status, 400, "{said}");
        assert_eq!(said["code"], "no_idempotency_key");
        assert_eq!(said["fields"][0]["field"], "Idempotency-Key", "{said}");
        assert_eq!(departments(), n);
        assert_eq!(server.post("/api/departments", &new).status, 201);
        // Where it is heeded, one record comes of two requests; and what has
        // one effect anyway may carry one.
        let record = json!({ "number": "K1", "name": "x" });
        let [first, again] = [(), ()].map(|()| send("POST", "/api/records/customer", &record));
        assert_eq!((first.status, again.status), (201, 201));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        let path = format!("/api/records/customer/{}", first.json()["id"]);
        assert_eq!(
            send("PATCH", &path, &json!({ "city": "Leeds" })).status,
            200
        );
    }
}

#[test]
fn hostile_files_are_refused_and_the_server_lives() {
    homes().iter().for_each(hostile_files_are_refused);
}

fn hostile_files_are_refused(home: &Home) {
    let mut server = home.server();
    let head = "订单号,下单时间,客户编号,数量,单价\n";
    let good = "S1,2025-01-02,K1,2,3.5\n";
    let mut long = format!("{head}{good}S2,2025-01-02,\"");
    long.extend(std::iter::repeat_n('x', 20 << 20));
    let bomb = {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![b'0'; 1 << 20];
        for _ in 0..256 {
            packed.write_all(&zeros).unwrap();
        }
        packed.finish().unwrap()
    };
    let cases: Vec<(&str, Vec<u8>, &str, bool)> = vec![
        ("empty.csv", Vec::new(), "empty_file", false),
        (
            "binary.csv",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0".to_vec(),
            "binary_file",
            false,
        ),
        (
            "headless.csv",
            format!("{good}{good}{good}").into_bytes(),
            "no_header",
            true,
        ),
        (
            "twice.csv",
            "订单号,下单时间,客户编号,数量,数量,单价\nS1,2025-01-02,K1,2,2,3.5\n"
                .as_bytes()
                .to_vec(),
            "duplicate_heading",
            true,
        ),
        (
            "nul.csv",
            format!("{head}{good}S2,2025-01-03,K\0,1,1\n").into_bytes(),
            "nul_byte",
            true,
        ),
        ("long.csv", long.into_bytes(), "record_too_long", true),
        ("bomb.csv.gz", bomb, "compression_ratio", false),
        ("two-cells.xlsx", two_cells(), "workbook_cell", true),
        ("bomb.xlsx", zip_bomb(), "workbook_part", false),
    ];
    for (name, bytes, code, has_row) in cases {
        let reply = server.upload(name, &bytes);
        assert_eq!(
            reply.status,
            201,
            "{name}: {}",
            String::from_utf8_lossy(&reply.body)
        );
        let ended = server.finished(&reply.json());
        assert_eq!(ended["state"], "failed", "{name}: {ended}");
        let error = &ended["error"];
        assert_eq!(error["code"], code, "{name}: {ended}");
        assert!(
            error["en"].as_str().unwrap().contains(name),
            "{name}: {error}"
        );
        assert!(
            error["zh"].as_str().unwrap().contains(name),
            "{name}: {error}"
        );
        assert_eq!(error["at"][0]["file"], name, "{error}");
        assert_eq!(
            error["at"][0]["row"].is_number(),
            has_row,
            "{name}: {error}"
        );
        assert!(server.is_alive());
        let counts = server.get("/api/status").json()["counts"].clone();
        assert!(
            (counts.as_object().unwrap().iter()).all(|(object, n)| object == "user" || n == 0),
            "{name} left something: {counts}"
        );
    }
}

/// A1 and XFD1048576: a sheet that claims 2^34 cells.
fn two_cells() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "订单号").unwrap();
    sheet.write(1_048_575, 16_383, 1).unwrap();
    book.save_to_buffer().unwrap()
}

/// A workbook whose sheet is mostly one endless text.
fn zip_bomb() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let text = "0".repeat(32_000);
    for row in 0..6_000 {
        sheet.write(row, 0, format!("{text}{row}")).unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// Found by SEC-1: SQLite read an offset beyond its integers as a float.
#[test]
fn an_offset_beyond_all_records_is_an_empty_page() {
    for home in support::homes() {
        let server = home.server();
        for most in [
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
        ] {
            for path in ["customers", "customers/1/orders", "orders/1/lines"] {
                let reply = server.get(&format!("/api/{path}?offset={most}"));
                assert!(reply.status < 500, "{path} {most}: {}", reply.json());
            }
        }
        let reply = server.get("/api/customers?offset=18446744073709551616");
        assert_eq!(reply.status, 400);
    }
}

/// Found by SEC-1: the catalog, with everybody's objects, was open to all.
#[test]
fn the_catalog_is_for_who_is_signed_in() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let headers = [("host", server.address.as_str()), ("authorization", "")];
    let reply = server.send_raw("GET", "/api/catalog", &headers, b"");
    assert_eq!(reply.status, 401);
    assert_eq!(server.get("/api/catalog").status, 200);
}

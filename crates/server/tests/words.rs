//! What a person is told, in either language, and the exit code that a script
//! gets for it.

use std::path::Path;
use std::process::Command;

use crate::support::{Server, json as run, keji, orders_csv};
use serde_json::{Value as Json, json};

const HEAD: &str = "订单号,下单时间,客户编号,数量,单价\n";
const GOOD: &str = "S1,2025-03-05,K1,2,3.5\nS2,2025-03-06,K2,2,3000.5\n";

struct Told {
    code: Option<i32>,
    out: String,
    problem: String,
}

fn told(command: &mut Command, language: &str) -> Told {
    let output = command.env("KEJI_LANG", language).output().unwrap();
    Told {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        problem: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// English words outside of names, paths, options and quoted code.
fn english_in(text: &str) -> Vec<String> {
    let mut plain = String::new();
    for (i, part) in text.split('`').enumerate() {
        plain.push_str(if i % 2 == 0 { part } else { " " });
    }
    let known = [
        "keji", "json", "csv", "xlsx", "sqlite", "postgres", "unicode",
    ];
    plain
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_./:@".contains(c)))
        .filter(|w| w.len() > 2 && w.bytes().all(|b| b.is_ascii_alphabetic()))
        .map(str::to_ascii_lowercase)
        .filter(|w| !known.contains(&w.as_str()))
        .collect()
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Calls that only the caller can mend: 2, in the caller's language.
#[test]
fn what_the_caller_can_mend_ends_with_2_and_in_his_language() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let data = at("data");
    std::fs::write(at("a.csv"), format!("{HEAD}{GOOD}")).unwrap();
    std::fs::write(at("wrong.toml"), "columns = 3").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    let calls = |data: &Path| -> Vec<Vec<String>> {
        let path = |name: &str| at(name).display().to_string();
        let calls = [
            vec!["evaluate"],
            vec!["import", "F:missing.csv"],
            vec!["import", "F:folder"],
            vec!["import", "F:a.csv", "--mapping", "F:missing.toml"],
            vec!["import", "F:a.csv", "--mapping", "F:folder"],
            vec!["import", "F:a.csv", "--mode", "replace"],
            vec!["import", "--undo", "9"],
            vec!["backup", "F:a.csv"],
            vec!["backup", "F:nowhere/b"],
            vec!["restore", "F:a.csv"],
            vec!["restore", "F:missing"],
            vec!["restore", "F:folder"],
            vec!["serve", "--listen", "0.0.0.0:0"],
            vec!["check", "--database", "mysql://localhost/keji"],
            vec!["check", "--data", "F:a.csv"],
            vec!["export", "customers", "-o", "x.pdf"],
            vec!["export", "customers", "-o", "F:nowhere/x.csv"],
            vec!["export", "order", "-o", "F:nowhere/x.csv"],
            vec!["ask", "orders", "--rows", "-o", "F:nowhere/x.csv"],
            vec!["ask", "orders", "-o", "F:nowhere/x.csv"],
            vec!["export", "customers", "-o", "F:y.csv", "--where", "ghost"],
            vec!["export", "order", "-o", "F:y.csv", "--sort", "ghost"],
            vec![
                "export",
                "customers",
                "-o",
                "F:x.csv",
                "--mapping",
                "F:wrong.toml",
            ],
            vec![
                "export",
                "F:a.csv",
                "-o",
                "F:x.csv",
                "--where",
                "name = 'x'",
            ],
            vec!["ask", "nonsense"],
            vec!["ask", "orders", "--by", "nonsense"],
            vec!["ask", "orders", "--where", "country ="],
            vec!["ask", "orders", "--where", "country = 3"],
            vec!["ask", "orders", "--where", "kind = 'wonn'"],
            vec!["ask", "orders", "--where", "sum(x) > 1"],
            vec!["ask", "orders", "--where", "country = 'x"],
            vec!["ask", "orders", "--sort", "nonsense"],
            vec![
                "ask",
                "orders",
                "--from",
                "2025-02-02",
                "--to",
                "2025-01-01",
            ],
            vec!["ask", "orders,cohort_retention"],
            vec!["ask", "orders,gross_sales", "--rows"],
            vec!["customers", "--where", "nonsense = 1"],
            vec!["customers", "--sort", "nonsense"],
            vec!["customers", "--as-of", "2020-01-01"],
        ];
        let mut all: Vec<Vec<String>> = Vec::new();
        for call in calls {
            let named = |arg: &&str| match arg.strip_prefix("F:") {
                Some(name) => path(name),
                None => (*arg).to_owned(),
            };
            all.push(call.iter().map(named).collect());
        }
        // A place that is used already.
        let there = data.display().to_string();
        all.push(vec!["restore".into(), path("good"), "--data".into(), there]);
        all
    };
    let made = told(keji(&at("other")).args(["backup"]).arg(at("good")), "en");
    assert_eq!(made.code, Some(0), "{}", made.problem);
    for call in calls(&data) {
        for language in ["zh", "en"] {
            let told = told(keji(&data).args(&call), language);
            assert_eq!(told.code, Some(2), "{call:?}: {}", told.problem);
            let said = told.problem.replace(&home.path().display().to_string(), "");
            if language == "zh" {
                assert!(has_chinese(&said), "{call:?}: {said}");
                // Names that the caller gave stand in the sentence.
                let given = call.join(" ");
                let english: Vec<String> = english_in(&said)
                    .into_iter()
                    .filter(|w| !given.contains(w.as_str()))
                    .collect();
                assert!(
                    english.is_empty()
                        || said.contains("可用的有")
                        || said.contains("可选")
                        || said.contains("只有"),
                    "{call:?}: {english:?} in {said}"
                );
            } else {
                assert!(!has_chinese(&said), "{call:?}: {said}");
            }
        }
    }
    let left = std::fs::read_dir(home.path()).unwrap();
    let mut left: Vec<_> = left.map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(
        left,
        ["a.csv", "data", "folder", "good", "other", "wrong.toml"]
    );
}

#[test]
fn a_database_that_nobody_runs_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let started = std::time::Instant::now();
    let call = ["check", "--database", "postgres://keji@127.0.0.1:1/keji"];
    let zh = told(keji(home.path()).args(call), "zh");
    assert_eq!(zh.code, Some(1));
    assert!(zh.problem.contains("连不上数据库"), "{}", zh.problem);
    let en = told(keji(home.path()).args(call), "en");
    assert!(en.problem.contains("cannot be reached"), "{}", en.problem);
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn every_file_of_a_call_is_tried_and_the_worst_counts() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let data = at("data");
    std::fs::write(at("good.csv"), format!("{HEAD}{GOOD}")).unwrap();
    std::fs::write(at("empty.csv"), "").unwrap();
    std::fs::write(at("open.csv"), "a,b\n1,2\n").unwrap();
    let files = ["missing.csv", "empty.csv", "open.csv", "good.csv"].map(at);
    let tried = told(keji(&data).arg("import").args(&files).arg("--json"), "en");
    assert_eq!(tried.code, Some(2), "{}", tried.problem);
    let document: Json = serde_json::from_str(&tried.out).unwrap();
    let states: Vec<&str> = document["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["failed", "failed", "needs_mapping", "done"]);
    assert_eq!(document["imports"][0]["error"]["code"], "file");
    assert_eq!(run(keji(&data).args(["ask", "orders"]))["rows"][0][0], 2);
    // The rows of one file would take the place of those of the other.
    let files = ["good.csv", "open.csv"].map(at);
    let mut both = keji(&data);
    both.arg("import")
        .args(&files)
        .arg("--rejects")
        .arg(at("rejects.csv"));
    let refused = told(&mut both, "en");
    assert_eq!(refused.code, Some(2), "{}", refused.problem);
    assert!(refused.problem.contains("--rejects"), "{}", refused.problem);
}

#[test]
fn any_object_and_the_records_behind_a_number_go_out() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    std::fs::write(at("a.csv"), orders_csv(3_000, 2)).unwrap();
    let data = at("data");
    run(keji(&data).arg("import").arg(at("a.csv")));
    let lines = run(keji(&data)
        .args(["export", "order_line", "-o"])
        .arg(at("l.csv")));
    assert_eq!(lines["rows"], 3_000);
    let some = [
        "export",
        "order",
        "--where",
        "customer.number = 'K0007'",
        "-o",
    ];
    assert_eq!(run(keji(&data).args(some).arg(at("o.xlsx")))["rows"], 3);
    // More than the 10,000 that an answer has by itself.
    let whole = [
        "ask",
        "orders",
        "--by",
        "customer.number",
        "--grain",
        "day",
        "-o",
    ];
    let whole = run(keji(&data).args(whole).arg(at("w.csv")));
    assert!(whole["rows"].as_i64().unwrap() > 10_000, "{whole}");
    let two = told(
        keji(&data).args(["ask", "orders", "--by", "month,week"]),
        "en",
    );
    assert_eq!(two.code, Some(2), "{}", two.problem);
    // More than the 1,000 that are printed.
    let behind = ["ask", "orders", "--rows", "-o"];
    assert_eq!(
        run(keji(&data).args(behind).arg(at("r.parquet")))["rows"],
        1_500
    );
}

#[test]
fn a_limit_counts_for_records_too() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.csv");
    std::fs::write(&file, orders_csv(30, 3)).unwrap();
    run(keji(home.path()).arg("import").arg(&file));
    let rows = run(keji(home.path()).args(["ask", "orders", "--rows", "--limit", "4"]));
    assert_eq!(rows["rows"].as_array().unwrap().len(), 4);
    assert_eq!(
        (&rows["total"], &rows["truncated"]),
        (&json!(10), &json!(true))
    );
}

#[test]
fn answers_are_sentences_and_figures_for_people() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let file = data.join("a.csv");
    std::fs::write(&file, orders_csv(3_000, 3)).unwrap();
    run(keji(data).arg("import").arg(&file));
    let evaluation = run(keji(data).arg("evaluate"));
    assert!(evaluation["at"].is_string(), "{evaluation}");

    let ask = ["ask", "p_alive"];
    let long = |text: &str| {
        text.split_whitespace()
            .filter_map(|w| w.split_once('.'))
            .any(|(_, places)| places.len() > 4 && places.bytes().all(|b| b.is_ascii_digit()))
    };
    let shown = told(keji(data).args(ask), "zh").out;
    assert!(shown.contains("0."), "{shown}");
    assert!(!long(&shown), "{shown}");
    let listed = told(keji(data).arg("customers"), "zh").out;
    assert!(!long(&listed), "{listed}");

    let check = told(keji(data).arg("check"), "zh");
    assert_eq!(check.code, Some(0));
    assert_eq!(
        english_in(&check.out),
        Vec::<String>::new(),
        "{}",
        check.out
    );
    let check = told(keji(data).arg("check"), "en");
    assert!(!has_chinese(&check.out), "{}", check.out);

    let undone = told(keji(data).args(["import", "--undo", "1"]), "zh");
    assert_eq!(undone.code, Some(0), "{}", undone.problem);
    assert!(
        undone
            .out
            .starts_with("已撤销批次 1：删除了 3000 行明细、1000 张订单、500 个客户"),
        "{}",
        undone.out
    );
    assert!(!undone.out.contains(['{', '"']), "{}", undone.out);
}

/// Method, path, content type, body; status and code of the answer.
type Wrong<'a> = (&'a str, &'a str, &'a str, &'a [u8], u16, &'a str);

#[test]
fn requests_that_are_wrong_are_told_in_the_callers_language() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let own = server.address.clone();
    let ask = |language: &str, method: &str, path: &str, kind: &str, body: &[u8]| {
        let headers = [
            ("host", own.as_str()),
            ("accept-language", language),
            ("content-type", kind),
        ];
        server.send_raw(method, path, &headers, body)
    };
    let json = "application/json";
    let large = vec![b' '; 3 << 20];
    let cases: Vec<Wrong> = vec![
        ("POST", "/api/insight", json, b"{", 400, "malformed"),
        (
            "POST",
            "/api/insight",
            json,
            b"{\"metrics\": 3}",
            422,
            "malformed",
        ),
        (
            "POST",
            "/api/insight",
            json,
            b"{\"metrics\": [], \"limt\": 3}",
            422,
            "malformed",
        ),
        ("POST", "/api/insight", json, b"{}", 422, "malformed"),
        (
            "POST",
            "/api/insight",
            "text/plain",
            b"{}",
            415,
            "malformed",
        ),
        ("POST", "/api/insight", json, &large, 413, "malformed"),
        ("GET", "/api/customers?limit=x", json, b"", 400, "malformed"),
        ("GET", "/api/customers/x", json, b"", 400, "malformed"),
        (
            "GET",
            "/api/customers?limt=3",
            json,
            b"",
            400,
            "unknown_parameter",
        ),
        (
            "GET",
            "/api/status?x=1",
            json,
            b"",
            400,
            "unknown_parameter",
        ),
        (
            "GET",
            "/api/imports/1?rows=1",
            json,
            b"",
            400,
            "unknown_parameter",
        ),
        (
            "GET",
            "/api/exports/customers?format=csv&limit=3",
            json,
            b"",
            400,
            "unknown_parameter",
        ),
        (
            "GET",
            "/api/exports/customers?format=pdf",
            json,
            b"",
            400,
            "malformed",
        ),
        (
            "GET",
            "/api/customers/1/timeline?before=x",
            json,
            b"",
            422,
            "argument",
        ),
        (
            "POST",
            "/api/imports?filename=",
            "text/csv",
            b"x",
            422,
            "argument",
        ),
        ("POST", "/api/imports", "text/csv", b"x", 400, "malformed"),
        ("DELETE", "/api/customers", json, b"", 405, "no_such_method"),
        ("GET", "/api/nothing", json, b"", 404, "no_such_path"),
        ("DELETE", "/api/mappings/x", json, b"", 404, "not_found"),
    ];
    for (method, path, kind, body, status, code) in cases {
        for language in ["zh-CN", "en"] {
            let reply = ask(language, method, path, kind, body);
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            assert_eq!(reply.status, status, "{method} {path}: {text}");
            let kind = reply.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{method} {path}");
            let problem = reply.json();
            assert_eq!(problem["code"], code, "{text}");
            let (title, detail) = (&problem["title"], &problem["detail"]);
            let said = format!("{} {}", title.as_str().unwrap(), detail.as_str().unwrap());
            if language == "en" {
                assert!(!has_chinese(&said), "{method} {path}: {said}");
            } else {
                let english: Vec<String> = english_in(&said)
                    .into_iter()
                    .filter(|w| !path.contains(w.as_str()) && !method.eq_ignore_ascii_case(w))
                    .collect();
                assert!(has_chinese(&said), "{method} {path}: {said}");
                let lists_names = said.contains("可用的有") || said.contains("可选");
                assert!(
                    english.is_empty() || lists_names,
                    "{method} {path}: {english:?} in {said}"
                );
            }
        }
    }
    let unknown = server.get("/api/customers?limt=3").json();
    assert!(
        unknown["detail"].as_str().unwrap().contains("`limt`"),
        "{unknown}"
    );
    let mapping = ask("zh", "DELETE", "/api/mappings/x", json, b"").json();
    assert_eq!(mapping["detail"], "没有这个映射：x");
}

/// Days and months are never guessed, also where the proposal is taken unread.
#[test]
fn a_date_that_is_open_is_not_imported_by_the_printed_mapping() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let rows = "S1,5/3/2025,K1,2,3.5\nS2,6/4/2025,K2,2,3.5\n";
    std::fs::write(at("a.csv"), format!("{HEAD}{rows}")).unwrap();
    let data = at("data");
    let printed = told(keji(&data).arg("import").arg(at("a.csv")), "zh");
    assert_eq!(printed.code, Some(2));
    assert!(
        printed.problem.contains("下单时间：分不清日和月的先后"),
        "{}",
        printed.problem
    );
    assert!(
        printed.out.contains("format = \"\" # dmy / mdy\n"),
        "{}",
        printed.out
    );
    let by = |text: &str| {
        std::fs::write(at("m.toml"), text).unwrap();
        let file = at("a.csv");
        told(
            keji(&data)
                .arg("import")
                .arg(file)
                .arg("--mapping")
                .arg(at("m.toml")),
            "zh",
        )
    };
    let unread = by(&printed.out);
    assert_eq!(unread.code, Some(2), "{}", unread.out);
    assert!(unread.problem.contains("dmy 或 mdy"), "{}", unread.problem);
    let said = by(&printed.out.replace("format = \"\"", "format = \"mdy\""));
    assert_eq!(said.code, Some(0), "{}", said.problem);
    let rows = run(keji(&data).args(["ask", "orders", "--by", "month"]));
    assert_eq!(rows["rows"][0][0], "2025-05-01", "{rows}");
}

/// The command line sees everything, or what a user sees in whose name it works.
#[test]
fn a_command_in_the_name_of_a_user_has_his_rights() {
    for home in crate::support::homes() {
        let keji = |args: &[&str]| {
            let mut command = home.keji();
            command.args(args);
            command
        };
        let user = |login: &str, role: &str| {
            let add = ["user", "add", login, "--role", role, "--no-password"];
            run(&mut keji(&add))["id"].clone()
        };
        let (anna, li) = (user("anna", "owner"), user("li", "representative"));
        let make = |number: &str, of: &Json| {
            let (number, of) = (format!("number={number}"), format!("user={of}"));
            let args = ["records", "customer", "create", &number, "name=甲", &of];
            run(&mut keji(&args))
        };
        let (own, other) = (make("K1", &li), make("K2", &anna));
        let list = ["records", "customer", "list", "--fields", "number"];
        assert_eq!(run(&mut keji(&list))["rows"].as_array().unwrap().len(), 2);
        let rows = run(keji(&list).args(["--as", "Li"]));
        assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "{rows}");
        assert_eq!(rows["rows"][0]["values"]["number"], "K1");
        let id = other["id"].to_string();
        let get = ["records", "customer", "get", &id, "--as", "li"];
        let refused = told(&mut keji(&get), "en");
        assert_eq!(refused.code, Some(2), "{}", refused.problem);
        let mut export = keji(&["export", "customer", "--as", "li", "-o"]);
        let refused = told(export.arg(home.data.path().join("li.csv")), "en");
        assert_eq!(refused.code, Some(2), "{}", refused.problem);
        assert!(refused.problem.contains("export"), "{}", refused.problem);
        let unknown = told(keji(&list).args(["--as", "wang"]), "en");
        assert_ne!(unknown.code, Some(0));
        assert!(unknown.problem.contains("wang"), "{}", unknown.problem);
        let id = own["id"].to_string();
        let log = run(&mut keji(&["records", "customer", "history", &id]));
        assert_eq!(log["changes"][0]["channel"], "command_line");
    }
}

#[test]
fn many_records_go_in_at_once_and_a_key_makes_nothing_twice() {
    for home in crate::support::homes() {
        let file = home.data.path().join("bulk.json");
        let operations = json!({ "operations": [
            { "create": { "number": "K1", "name": "甲", "city": "上海" } },
            { "create": { "number": "K2", "name": "乙", "city": "上海" } },
            { "create": { "number": "K3", "name": "丙" } },
        ] });
        std::fs::write(&file, operations.to_string()).unwrap();
        let bulk = || {
            let mut command = home.keji();
            command.args(["records", "customer", "bulk", "--key", "one"]);
            command.arg(&file);
            run(&mut command)
        };
        let first = bulk();
        assert_eq!(first["n_failed"], 0, "{first}");
        assert_eq!(bulk(), first);
        let by = ["records", "customer", "groups", "--by", "city"];
        let groups = run(home.keji().args(by));
        assert_eq!(groups["count"], 3, "{groups}");
        assert_eq!(groups["groups"][0]["value"], "上海");
        let again = [
            "records",
            "customer",
            "create",
            "--key",
            "two",
            "number=K4",
            "name=丁",
        ];
        let made = run(home.keji().args(again));
        assert_eq!(run(home.keji().args(again))["id"], made["id"]);
        std::fs::write(&file, "{\"operations\": 1}").unwrap();
        let wrong = ["records", "customer", "bulk"];
        let wrong = told(home.keji().args(wrong).arg(&file), "zh");
        assert!(wrong.problem.contains("bulk.json"), "{}", wrong.problem);
        assert!(wrong.problem.contains("不是"), "{}", wrong.problem);
    }
}

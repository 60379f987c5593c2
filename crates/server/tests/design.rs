//! Objects and fields that somebody defines while the program runs: in force
//! at every door with the next request, checked as those of the product, taken
//! back and brought elsewhere.

use std::path::Path;

use crate::support::{Home, Reply, Server, homes, json as run, text, token};
use serde_json::{Value as Json, json};

struct Place {
    server: Server,
    owner: String,
}

impl Place {
    fn of(home: &Home) -> Place {
        let owner = token(&home.keji(), "boss", "owner");
        Place {
            server: home.server(),
            owner,
        }
    }

    fn by(&self, key: &str, language: &str, method: &str, path: &str, body: &Json) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("host", self.server.address.as_str()),
            ("accept-language", language),
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let body = match body {
            Json::Null => String::new(),
            body => body.to_string(),
        };
        self.server
            .send_raw(method, path, &headers, body.as_bytes())
    }

    fn get(&self, path: &str) -> Json {
        is(&self.by(&self.owner, "en", "GET", path, &Json::Null), 200)
    }

    fn post(&self, path: &str, body: &Json) -> Reply {
        self.by(&self.owner, "en", "POST", path, body)
    }

    fn version(&self) -> i64 {
        self.get("/api/design")["version"].as_i64().unwrap()
    }

    /// One object, and what was said of it.
    fn define(&self, id: &Json, draft: &Json) -> Reply {
        let change = json!({ "version": self.version(), "note": "because",
            "objects": [{ "id": id, "draft": draft }] });
        self.post("/api/design", &change)
    }

    fn made(&self, object: &str, values: &Json) -> i64 {
        let reply = self.post(&format!("/api/records/{object}"), values);
        is(&reply, 201)["id"].as_i64().unwrap()
    }
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

fn field(kind: &str, zh: &str, en: &str) -> Json {
    json!({ "type": kind, "name": { "zh": zh, "en": en } })
}

/// 安装交付, as somebody would make it in the page.
fn installation() -> Json {
    let option = |zh: &str, en: &str| json!({ "name": { "zh": zh, "en": en } });
    let mut name = field("text", "名称", "Name");
    name["is_title"] = json!(true);
    name["is_searched"] = json!(true);
    name["is_required"] = json!(true);
    let mut customer = field("link", "客户", "Customer");
    customer["to"] = json!("customer");
    let mut owner = field("link", "负责人", "Owner");
    owner["to"] = json!("user");
    let mut state = field("choice", "状态", "State");
    state["options"] = json!([
        option("未开始", "To do"),
        option("进行中", "Doing"),
        option("完成", "Done")
    ]);
    let mut budget = field("decimal", "预算", "Budget");
    budget["unit"] = json!("money");
    let mut due = field("date", "到期日", "Due");
    due["is_required"] = json!(true);
    json!({ "name": { "zh": "安装交付", "en": "Installation" }, "is_numbered": true, "measured_by": "due",
        "fields": [name, customer, owner, state, budget, field("date", "开始", "Starts"), due],
        "rules": [{ "check": "due >= starts", "field": "due",
            "message": { "zh": "到期日不能早于开始", "en": "it is due before it starts" } }] })
}

fn texts(list: &Json, field: &str) -> Vec<String> {
    let rows = list["rows"].as_array().unwrap_or_else(|| panic!("{list}"));
    let values = rows
        .iter()
        .map(|row| row["values"][field].as_str().unwrap_or("-").to_owned());
    values.collect()
}

#[test]
fn an_object_is_in_force_at_every_door_with_the_next_request() {
    for home in homes() {
        let place = Place::of(&home);
        // First only looked at.
        let look =
            json!({ "version": 0, "dry_run": true, "objects": [{ "draft": installation() }] });
        let seen = is(&place.post("/api/design", &look), 200);
        assert_eq!(seen["steps"][0]["kind"], "add_object");
        assert_eq!(seen["is_applied"], false);
        assert_eq!(place.version(), 0);
        let none = place.by(
            &place.owner,
            "en",
            "GET",
            "/api/records/installation",
            &Json::Null,
        );
        assert_eq!(none.status, 404);

        let made = is(&place.define(&Json::Null, &installation()), 200);
        assert_eq!(made["objects"], json!(["installation"]), "{made}");
        assert_eq!(
            (&made["version"], &made["is_applied"]),
            (&json!(1), &json!(true))
        );

        // Records, with a running number, a link by number, a rule.
        let li = is(
            &place.post(
                "/api/users",
                &json!({ "login": "li", "name": "Li", "role": "representative" }),
            ),
            201,
        );
        let customer = place.made(
            "customer",
            &json!({ "number": "K1", "name": "王小明", "kind": "person", "user": li["id"] }),
        );
        let values = json!({ "name": "上海门店上线", "customer": { "number": "K1" }, "state": "doing",
            "budget": "12000.50", "starts": "2026-01-01", "due": "2026-03-01" });
        let one = place.made("installation", &values);
        place.made(
            "installation",
            &json!({ "name": "无主的", "state": "to_do", "due": "2026-05-01" }),
        );
        let early = json!({ "name": "早", "starts": "2026-02-01", "due": "2026-01-01" });
        let refused = is(&place.post("/api/records/installation", &early), 422);
        assert_eq!(refused["fields"][0]["field"], "due", "{refused}");
        assert_eq!(refused["fields"][0]["detail"], "it is due before it starts");
        let path = format!("/api/records/installation/{one}");
        let late = place.by(
            &place.owner,
            "zh",
            "PATCH",
            &path,
            &json!({ "starts": "2026-04-01" }),
        );
        assert_eq!(is(&late, 422)["fields"][0]["detail"], "到期日不能早于开始");

        // List, search, board, description, questions, export.
        let list = place
            .get("/api/records/installation?where=state%20%3D%20%27doing%27&fields=name,number");
        assert_eq!(texts(&list, "name"), ["上海门店上线"]);
        assert_eq!(texts(&list, "number"), ["1"]);
        place.server.search_follows();
        let found = place.get("/api/search?q=shmd");
        assert!(found.to_string().contains("上海门店上线"), "{found}");
        let groups = place.get("/api/records/installation/groups?by=state");
        assert_eq!(groups["groups"].as_array().unwrap().len(), 2, "{groups}");
        assert!(
            place
                .get("/api/openapi.json")
                .to_string()
                .contains("/api/records/installation")
        );
        assert!(place.get("/api/catalog").to_string().contains("安装交付"));
        let bearer = format!("Bearer {}", place.owner);
        let headers = [
            ("host", place.server.address.as_str()),
            ("authorization", bearer.as_str()),
        ];
        let csv = place.server.send_raw(
            "GET",
            "/api/exports/records/installation?format=csv",
            &headers,
            b"",
        );
        assert!(
            String::from_utf8_lossy(&csv.body).contains("上海门店上线"),
            "{}",
            csv.status
        );

        // Rights as of any other: the representative sees his customer's.
        let li = token(&home.keji(), "li", "representative");
        let his = is(
            &place.by(&li, "en", "GET", "/api/records/installation", &Json::Null),
            200,
        );
        assert_eq!(texts(&his, "name"), ["上海门店上线"]);
        assert_eq!(
            place
                .by(&li, "en", "GET", "/api/design", &Json::Null)
                .status,
            403
        );
        let change = json!({ "version": 1, "objects": [{ "draft": installation() }] });
        assert_eq!(
            place.by(&li, "en", "POST", "/api/design", &change).status,
            403
        );
        for (method, path, body) in [
            ("GET", "/api/design/objects/customer", Json::Null),
            ("GET", "/api/design/export", Json::Null),
            (
                "POST",
                "/api/design/rollback",
                json!({ "version": 1, "to": 0 }),
            ),
            (
                "POST",
                "/api/design/trash/restore",
                json!({ "version": 1, "place": { "object": "installation" } }),
            ),
            (
                "POST",
                "/api/design/trash/discard",
                json!({ "object": "installation" }),
            ),
        ] {
            assert_eq!(
                place.by(&li, "en", method, path, &body).status,
                403,
                "{path}"
            );
        }
        assert_eq!(place.version(), 1);
        let log = place.get("/api/audit?kind=define");
        assert_eq!(log["entries"][0]["after"]["note"], "because", "{log}");

        // A file of it, and what the import says of a rule.
        let file = home.data.path().join("more.csv");
        // Without numbers: the rows get the next ones.
        std::fs::write(&file, "名称,客户,状态,开始,到期日\n北京,K1,完成,2026-01-01,2026-02-01\n错,K1,完成,2026-03-01,2026-02-01\n南京,K1,完成,2026-01-01,2026-02-02\n").unwrap();
        let report = run(home
            .keji()
            .args(["import", "--object", "installation"])
            .arg(&file));
        assert_eq!(report["summary"]["rows_rejected"], 1, "{report}");
        let list = place.get(&format!(
            "/api/records/installation?where=customer%20%3D%20{customer}&sort=id&fields=name"
        ));
        assert_eq!(texts(&list, "name"), ["上海门店上线", "北京", "南京"]);
        let path = format!(
            "/api/records/installation?where=customer%20%3D%20{customer}&sort=id&fields=number"
        );
        let path = path.as_str();
        let numbers = texts(&place.get(path), "number");
        assert_eq!(numbers.len(), 3);
        assert!(
            numbers.iter().all(|n| n.parse::<u32>().is_ok()),
            "{numbers:?}"
        );
        // The same file again adds nothing.
        run(home
            .keji()
            .args(["import", "--object", "installation"])
            .arg(&file));
        assert_eq!(texts(&place.get(path), "number"), numbers);
    }
}

#[test]
fn what_is_added_to_an_object_goes_and_comes_back_with_its_values() {
    for home in homes() {
        let place = Place::of(&home);
        let mut size = field("choice", "规模", "Size");
        size["options"] = json!([{ "name": { "zh": "大", "en": "Big" } }, { "name": { "zh": "小", "en": "Small" } }]);
        let draft = json!({ "fields": [size, field("text", "暗号", "Password hint")] });
        is(&place.define(&json!("customer"), &draft), 200);
        let id = place.made("customer", &json!({ "number": "K1", "name": "甲", "kind": "company", "x_size": "big", "x_password_hint": "芝麻" }));
        let path = format!("/api/records/customer/{id}");
        assert_eq!(place.get(&path)["values"]["x_size"], "big");

        // An option in use stays, and so does a type.
        let mut design = place.get("/api/design/objects/customer")["draft"].clone();
        let whole = design.clone();
        design["fields"][0]["options"]
            .as_array_mut()
            .unwrap()
            .remove(0);
        let told = is(&place.define(&json!("customer"), &design), 422);
        assert_eq!(
            told["fields"][0]["field"], "customer.fields[0].options",
            "{told}"
        );
        assert!(
            told["detail"].as_str().unwrap().contains("1 record of"),
            "{told}"
        );
        let mut design = whole.clone();
        design["fields"][1]["type"] = json!("int");
        let told = is(&place.define(&json!("customer"), &design), 422);
        assert_eq!(
            told["fields"][0]["field"], "customer.fields[1].type",
            "{told}"
        );

        // Removed, it is nowhere; restored, it is as it was.
        let none = json!({ "fields": [whole["fields"][0]] });
        let removed = is(&place.define(&json!("customer"), &none), 200);
        assert_eq!(removed["steps"][0]["kind"], "remove_field", "{removed}");
        assert_eq!(removed["steps"][0]["n_records"], 1);
        assert_eq!(place.get(&path)["values"].get("x_password_hint"), None);
        let trash = place.get("/api/design")["trash"].clone();
        assert_eq!(
            (&trash[0]["object"], &trash[0]["field"]),
            (&json!("customer"), &json!("x_password_hint"))
        );
        assert_eq!(trash[0]["name"]["zh"], "暗号");
        // Another field takes neither its name nor its values.
        let other =
            json!({ "fields": [whole["fields"][0], field("int", "暗号", "Password hint")] });
        let told = is(&place.define(&json!("customer"), &other), 422);
        assert!(told["detail"].as_str().unwrap().contains("trash"), "{told}");
        let back = json!({ "version": place.version(), "place": { "object": "customer", "field": "x_password_hint" } });
        is(&place.post("/api/design/trash/restore", &back), 200);
        assert_eq!(place.get(&path)["values"]["x_password_hint"], "芝麻");

        // Back to nothing, and forward again.
        let version = place.version();
        let gone = is(
            &place.post(
                "/api/design/rollback",
                &json!({ "version": version, "to": 0 }),
            ),
            200,
        );
        assert_eq!(gone["steps"].as_array().unwrap().len(), 2, "{gone}");
        assert_eq!(place.get(&path)["values"].get("x_size"), None);
        let again = json!({ "version": version + 1, "to": version, "note": "又要用了" });
        is(&place.post("/api/design/rollback", &again), 200);
        assert_eq!(place.get(&path)["values"]["x_size"], "big");
        let versions = place.get("/api/design")["versions"].clone();
        assert_eq!(versions[0]["note"], format!("→ {version} 又要用了"));
        assert_eq!(versions[1]["note"], "→ 0");
        let long = json!({ "version": version + 2, "to": 0, "note": "x".repeat(600) });
        let told = is(&place.post("/api/design/rollback", &long), 422);
        assert_eq!(told["fields"][0]["field"], "note", "{told}");

        // Gone for good it stays gone.
        let none = json!({ "fields": [whole["fields"][0]] });
        is(&place.define(&json!("customer"), &none), 200);
        let which = json!({ "object": "customer", "field": "x_password_hint" });
        assert_eq!(place.post("/api/design/trash/discard", &which).status, 204);
        assert_eq!(place.post("/api/design/trash/discard", &which).status, 404);
        is(&place.define(&json!("customer"), &whole), 200);
        assert_eq!(place.get(&path)["values"]["x_password_hint"], Json::Null);
    }
}

#[test]
fn what_does_not_hold_is_told_at_its_place_and_nothing_changes() {
    for home in homes() {
        let place = Place::of(&home);
        is(&place.define(&Json::Null, &installation()), 200);
        let told = |id: Json, change: &dyn Fn(&mut Json), at: &str, says: &str| {
            let mut draft = match id.as_str() {
                Some(id) => place.get(&format!("/api/design/objects/{id}"))["draft"].clone(),
                None => installation(),
            };
            change(&mut draft);
            let told = is(&place.define(&id, &draft), 422);
            assert_eq!(told["fields"][0]["field"], at, "{told}");
            let detail = told["fields"][0]["detail"].as_str().unwrap();
            assert!(detail.contains(says), "{told}");
        };
        let own = || json!("installation");
        told(
            own(),
            &|d| d["fields"][1]["to"] = json!("nothing"),
            "installation.fields[1].to",
            "no object",
        );
        told(
            own(),
            &|d| d["rules"][0]["check"] = json!("due >="),
            "installation.rules[0].check",
            "",
        );
        told(
            own(),
            &|d| d["rules"][0]["check"] = json!("customer.name = 'a'"),
            "installation.rules[0].check",
            "itself",
        );
        told(
            own(),
            &|d| d["fields"][0]["name"] = json!({}),
            "objects[0].fields[0].name",
            "name",
        );
        told(
            own(),
            &|d| d["fields"] = json!([]),
            "objects[0].fields",
            "one field",
        );
        told(
            own(),
            &|d| d["measured_by"] = json!("name"),
            "objects[0].measured_by",
            "date",
        );
        // What other definitions need cannot go.
        let mut link = field("link", "项目", "Delivery");
        link["to"] = json!("installation");
        is(
            &place.define(&json!("customer"), &json!({ "fields": [link] })),
            200,
        );
        let gone = json!({ "version": place.version(), "objects": [{ "id": "installation", "draft": null }] });
        let refused = is(&place.post("/api/design", &gone), 422);
        assert_eq!(
            refused["fields"][0]["field"], "customer.fields[0].to",
            "{refused}"
        );
        // Neither can what the product gives, or what nobody may write.
        let user = json!({ "fields": [field("text", "甲", "A")] });
        is(&place.define(&json!("user"), &user), 422);
        is(&place.define(&json!("nowhere"), &user), 422);
        let old = json!({ "version": 0, "objects": [{ "draft": installation() }] });
        assert_eq!(is(&place.post("/api/design", &old), 409)["code"], "version");
        let wrong =
            json!({ "version": place.version(), "files": { "objects/customer.toml": "name = 1" } });
        assert!(place.post("/api/design", &wrong).status == 422);
        assert_eq!(place.version(), 2);
        let chinese = place.by(&place.owner, "zh", "POST", "/api/design", &gone);
        assert!(
            is(&chinese, 422)["detail"]
                .as_str()
                .unwrap()
                .contains("没有对象")
        );
    }
}

#[test]
fn definitions_go_elsewhere_and_into_backups() {
    let homes = homes();
    for home in &homes {
        let place = Place::of(home);
        is(&place.define(&Json::Null, &installation()), 200);
        is(
            &place.define(
                &json!("customer"),
                &json!({ "fields": [field("text", "暗号", "Hint")] }),
            ),
            200,
        );
        place.made(
            "installation",
            &json!({ "name": "带走的", "due": "2026-05-01" }),
        );
        let pack = place.get("/api/design/export");
        assert_eq!(pack["files"].as_object().unwrap().len(), 2, "{pack}");

        let elsewhere = tempfile::tempdir().unwrap();
        let keji = || crate::support::keji(elsewhere.path());
        let other = Place {
            owner: token(&keji(), "boss", "owner"),
            server: Server::of(keji()),
        };
        let change = json!({ "version": 0, "files": pack["files"] });
        is(&other.post("/api/design", &change), 200);
        other.made(
            "installation",
            &json!({ "name": "新的", "due": "2026-05-01" }),
        );
        assert_eq!(other.get("/api/design/export")["files"], pack["files"]);

        // A backup knows them, also those of another process.
        let file = home.data.path().join("all.keji-backup");
        run(home.keji().arg("backup").arg(&file));
        drop(place);
        let empty = tempfile::tempdir().unwrap();
        restored(&file, &empty.path().join("again"));
        let checked = run(home.keji().arg("check"));
        let findings = checked["findings"].as_array().unwrap();
        assert!(findings.iter().all(|f| f["is_good"] == true), "{checked}");
    }
}

fn restored(file: &Path, folder: &Path) {
    let mut keji = crate::support::keji(folder);
    run(keji.arg("restore").arg(file));
    let mut keji = crate::support::keji(folder);
    let output = keji
        .args(["records", "installation", "list", "--json"])
        .output()
        .unwrap();
    assert!(text(&output).contains("带走的"), "{}", text(&output));
}

/// Another process at the same database meets the new definitions by itself.
#[test]
fn another_process_follows() {
    for home in homes() {
        let place = Place::of(&home);
        let other = Place {
            owner: place.owner.clone(),
            server: home.server(),
        };
        is(&place.define(&Json::Null, &installation()), 200);
        let start = std::time::Instant::now();
        loop {
            let reply = other.by(
                &other.owner,
                "en",
                "GET",
                "/api/records/installation",
                &Json::Null,
            );
            if reply.status == 200 {
                break;
            }
            assert!(start.elapsed().as_secs() < 30, "it never followed");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        other.made(
            "installation",
            &json!({ "name": "另一个进程", "due": "2026-05-01" }),
        );
        assert_eq!(
            texts(&place.get("/api/records/installation"), "name"),
            ["另一个进程"]
        );
    }
}

/// Formulas, look-ups over a link, roll-ups of what links here: read like any
/// field, at every door, and no further than the rights of who reads.
#[test]
fn what_is_worked_out_is_read_like_a_field_and_under_the_rights_of_its_parts() {
    for home in homes() {
        let place = Place::of(&home);
        let mut draft = installation();
        draft["derived"] = json!([
            { "name": { "zh": "天数", "en": "Days" }, "unit": "days", "formula": "due - starts" },
            { "name": { "zh": "城市", "en": "City" }, "formula": "customer.city" },
            { "name": { "zh": "含税", "en": "Gross" }, "formula": "budget * 1.13" },
            { "name": { "zh": "每天", "en": "Per day" }, "formula": "gross / days" },
            { "name": { "zh": "电话", "en": "Call" }, "formula": "customer.phone" },
        ]);
        is(&place.define(&Json::Null, &draft), 200);
        let sums = json!({ "derived": [
            { "name": { "zh": "项目数", "en": "Projects" }, "rollup": { "of": "installation", "by": "customer", "what": "count" } },
            { "name": { "zh": "在做的预算", "en": "Doing" },
              "rollup": { "of": "installation", "by": "customer", "what": "sum", "value": "budget", "where": "state = 'doing'" } },
            { "name": { "zh": "最晚", "en": "Latest" }, "rollup": { "of": "installation", "by": "customer", "what": "max", "value": "due" } },
        ] });
        is(&place.define(&json!("customer"), &sums), 200);

        let li = is(
            &place.post(
                "/api/users",
                &json!({ "login": "li", "name": "Li", "role": "representative" }),
            ),
            201,
        );
        let one = place.made("customer", &json!({ "number": "K1", "name": "甲", "kind": "company", "city": "上海", "phone": "13812345678", "user": li["id"] }));
        let two = place.made(
            "customer",
            &json!({ "number": "K2", "name": "乙", "kind": "company", "city": "北京" }),
        );
        let project = |customer: i64, name: &str, state: &str, budget: &str| {
            let values = json!({ "name": name, "customer": customer, "state": state, "budget": budget,
                "starts": "2026-01-01", "due": "2026-01-11" });
            place.made("installation", &values)
        };
        let first = project(one, "一", "doing", "1000");
        project(one, "二", "done", "500");
        project(two, "三", "doing", "70");

        let values = place.get(&format!("/api/records/installation/{first}"))["values"].clone();
        assert_eq!(values["days"], 10, "{values}");
        assert_eq!(values["city"], "上海");
        assert_eq!(
            (&values["gross"], &values["per_day"]),
            (&json!("1130"), &json!("113"))
        );
        let customer = place.get(&format!("/api/records/customer/{one}"))["values"].clone();
        assert_eq!(customer["x_projects"], 2, "{customer}");
        assert_eq!(
            (&customer["x_doing"], &customer["x_latest"]),
            (&json!("1000"), &json!("2026-01-11"))
        );

        // Filtered, sorted, counted, described, exported; never written.
        let list = place
            .get("/api/records/customer?where=x_projects%20%3E%201&fields=name,x_doing&count=true");
        assert_eq!(
            (texts(&list, "name"), &list["total"]),
            (vec!["甲".to_owned()], &json!(1))
        );
        let list = place.get("/api/records/installation?sort=-gross&fields=name,gross,city");
        assert_eq!(texts(&list, "name"), ["一", "二", "三"]);
        assert_eq!(texts(&list, "city"), ["上海", "上海", "北京"]);
        let described = place.get("/api/objects/installation")["fields"].clone();
        let gross = described
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["id"] == "gross")
            .unwrap();
        assert_eq!(
            (
                &gross["type"],
                &gross["is_computed"],
                &gross["is_read_only"]
            ),
            (&json!("decimal"), &json!(true), &json!(true))
        );
        let bearer = format!("Bearer {}", place.owner);
        let headers = [
            ("host", place.server.address.as_str()),
            ("authorization", bearer.as_str()),
        ];
        let csv = place.server.send_raw(
            "GET",
            "/api/exports/records/installation?format=csv",
            &headers,
            b"",
        );
        assert!(
            String::from_utf8_lossy(&csv.body).contains("1130"),
            "{}",
            csv.status
        );
        let path = format!("/api/records/installation/{first}");
        let written = place.by(&place.owner, "en", "PATCH", &path, &json!({ "gross": "1" }));
        assert_eq!(is(&written, 422)["fields"][0]["field"], "gross");

        // Whoever sees a part of the records, sums that part; whoever does not
        // see a field, not what is made of it.
        let two_of = format!("/api/records/customer/{two}");
        let share = json!({ "fields": [{ "field": "customer.phone", "as": "masked" }],
            "grants": [{ "object": "*", "actions": ["read"], "rows": "all" }, { "object": "installation", "actions": ["read"], "rows": "own" }],
            "name": { "zh": "看", "en": "Looks" }, "about": { "zh": "看", "en": "Looks" }, "admin": [] });
        let saved = place.by(&place.owner, "en", "PUT", "/api/roles/looks", &share);
        assert!(
            saved.status < 300,
            "{}",
            String::from_utf8_lossy(&saved.body)
        );
        let looks = token(&home.keji(), "wang", "looks");
        let seen = is(&place.by(&looks, "en", "GET", &two_of, &Json::Null), 200);
        assert_eq!(seen["values"]["x_projects"], 0, "{seen}");
        assert_eq!(seen["values"]["x_doing"], Json::Null);
        let fields = is(
            &place.by(
                &looks,
                "en",
                "GET",
                "/api/objects/installation",
                &Json::Null,
            ),
            200,
        );
        assert!(!fields.to_string().contains("\"call\""), "{fields}");
        for asked in ["fields=call", "where=call%20is%20not%20null", "sort=call"] {
            let path = format!("/api/records/installation?{asked}");
            assert_eq!(
                place.by(&looks, "en", "GET", &path, &Json::Null).status,
                422,
                "{asked}"
            );
        }
        let li = token(&home.keji(), "li", "representative");
        let his = is(
            &place.by(
                &li,
                "en",
                "GET",
                &format!("/api/records/customer/{one}"),
                &Json::Null,
            ),
            200,
        );
        assert_eq!(his["values"]["x_projects"], 2, "{his}");

        // What leads back to itself, or to nothing, is told at its place.
        let wrong = |derived: Json, at: &str, says: &str| {
            let mut draft = place.get("/api/design/objects/installation")["draft"].clone();
            draft["derived"] = derived;
            let told = is(&place.define(&json!("installation"), &draft), 422);
            assert_eq!(told["fields"][0]["field"], at, "{told}");
            assert!(told["detail"].as_str().unwrap().contains(says), "{told}");
        };
        let formula = |id: &str, text: &str| json!({ "id": id, "name": { "zh": id, "en": id }, "formula": text });
        wrong(
            json!([formula("a", "b + 1"), formula("b", "a + 1")]),
            "installation.derived[0].formula",
            "itself",
        );
        wrong(
            json!([formula("a", "nothing + 1")]),
            "installation.derived[0].formula",
            "no field",
        );
        wrong(
            json!([formula("name", "budget")]),
            "installation.derived[0].id",
            "twice",
        );
        let rollup = json!({ "of": "order", "by": "customer", "what": "count" });
        wrong(
            json!([{ "name": { "zh": "a" }, "rollup": rollup }]),
            "installation.derived[0]",
            "no link",
        );
    }
}

/// What an expression got wrong is told in the language of who asks, and that
/// of it which is ours in no other.
#[test]
fn a_wrong_expression_is_told_whole_in_chinese() {
    for home in homes() {
        let place = Place::of(&home);
        is(&place.define(&Json::Null, &installation()), 200);
        let told = |object: &str, change: &dyn Fn(&mut Json)| {
            let mut draft = place.get(&format!("/api/design/objects/{object}"))["draft"].clone();
            change(&mut draft);
            let body = json!({ "version": place.version(), "objects": [{ "id": object, "draft": draft }] });
            let told = is(
                &place.by(&place.owner, "zh", "POST", "/api/design", &body),
                422,
            );
            told["fields"][0]["detail"].as_str().unwrap().to_owned()
        };
        let formula = |id: &str, text: &str| json!({ "id": id, "name": { "zh": id, "en": id }, "formula": text });
        let sum = |value: &str, filter: &str| {
            json!({ "name": { "zh": "数", "en": "Sum" }, "rollup":
                { "of": "installation", "by": "customer", "what": "sum", "value": value, "where": filter } })
        };
        let cycle = told("installation", &|d| {
            d["derived"] = json!([formula("one", "other + 1"), formula("other", "one + 1")]);
        });
        assert!(
            cycle.ends_with(
                "它用到了它自己：installation.one → installation.other → installation.one"
            ),
            "{cycle}"
        );
        let rule = told("installation", &|d| {
            d["rules"][0]["check"] = json!("foo > 1")
        });
        assert_eq!(rule, "`foo > 1` 里：第 1 个字符起，没有字段 `foo`");
        let condition = told("customer", &|d| {
            d["derived"] = json!([sum("budget", "num >")])
        });
        assert!(
            condition.contains("还没写完，后面应该是表达式"),
            "{condition}"
        );
        for text in [cycle, rule, condition] {
            for english in ["column", "in `", "computed", "there is", "expected"] {
                assert!(!text.contains(english), "{text}");
            }
        }
    }
}

/// A roll-up of what is worked out, and with it every circle through a roll-up,
/// is refused for what it is and not as a field that is not there.
#[test]
fn a_roll_up_of_what_is_worked_out_is_told_as_that() {
    for home in homes() {
        let place = Place::of(&home);
        let mut draft = installation();
        draft["derived"] = json!([
            { "name": { "zh": "含税", "en": "Gross" }, "formula": "budget * 1.13" },
        ]);
        is(&place.define(&Json::Null, &draft), 200);
        let total = |value: &str, filter: &Json| {
            let mut rollup =
                json!({ "of": "installation", "by": "customer", "what": "sum", "value": value });
            if !filter.is_null() {
                rollup["where"] = filter.clone();
            }
            json!({ "name": { "zh": "合计", "en": "Total" }, "rollup": rollup })
        };
        let told = |derived: Json| {
            let mut said = Vec::new();
            for language in ["en", "zh"] {
                let body = json!({ "version": place.version(),
                    "objects": [{ "id": "customer", "draft": { "derived": [derived] } }] });
                let reply = place.by(&place.owner, language, "POST", "/api/design", &body);
                let told = is(&reply, 422);
                assert!(
                    told["fields"][0]["field"]
                        .as_str()
                        .unwrap()
                        .starts_with("customer.derived[0]"),
                    "{told}"
                );
                said.push(told["fields"][0]["detail"].as_str().unwrap().to_owned());
            }
            said
        };
        let said = told(total("gross", &Json::Null));
        assert_eq!(
            said,
            [
                "`gross` is itself worked out: a roll-up takes stored fields",
                "`gross` 本身是算出来的：汇总只能用存着的字段",
            ]
        );
        let said = told(total("budget", &json!("gross > 1")));
        assert!(
            said[0].contains("`gross`: it is itself worked out"),
            "{said:?}"
        );
        assert!(said[1].contains("它本身是算出来的"), "{said:?}");
        // What comes back over the roll-up of another object.
        is(
            &place.define(
                &json!("customer"),
                &json!({ "derived": [total("budget", &Json::Null)] }),
            ),
            200,
        );
        let mut draft = place.get("/api/design/objects/installation")["draft"].clone();
        draft["derived"][0]["formula"] = json!("budget + customer.x_total");
        is(&place.define(&json!("installation"), &draft), 200);
        let said = told(total("gross", &Json::Null));
        assert!(said[0].contains("itself worked out"), "{said:?}");
    }
}

/// A layout is for roles that there are.
#[test]
fn a_layout_for_nobody_is_refused() {
    for home in homes() {
        let place = Place::of(&home);
        let with = |roles: &[&str]| {
            let mut draft = installation();
            draft["layouts"] = json!([{ "roles": roles,
                "sections": [{ "name": { "zh": "主要", "en": "Main" }, "fields": ["name"] }] }]);
            draft
        };
        for language in ["en", "zh"] {
            let body =
                json!({ "version": 0, "objects": [{ "draft": with(&["manager", "nobody"]) }] });
            let reply = place.by(&place.owner, language, "POST", "/api/design", &body);
            let told = is(&reply, 422);
            assert_eq!(told["fields"][0]["field"], "installation.layouts[0].roles");
            let detail = told["fields"][0]["detail"].as_str().unwrap();
            let wanted = match language {
                "en" => "there is no role `nobody`",
                _ => "没有角色“nobody”",
            };
            assert!(detail.contains(wanted), "{told}");
        }
        assert_eq!(place.version(), 0);
        let role = json!({ "grants": [{ "object": "*", "actions": ["read"], "rows": "all" }],
            "name": { "zh": "看", "en": "Looks" }, "about": { "zh": "看", "en": "Looks" }, "admin": [] });
        let saved = place.by(&place.owner, "en", "PUT", "/api/roles/looks", &role);
        assert!(saved.status < 300, "{}", saved.status);
        is(
            &place.define(&Json::Null, &with(&["manager", "looks"])),
            200,
        );
        // A role that goes afterwards does not stand in the way of other changes.
        let gone = place.by(
            &place.owner,
            "en",
            "DELETE",
            "/api/roles/looks",
            &Json::Null,
        );
        assert!(gone.status < 300, "{}", gone.status);
        let mut draft = place.get("/api/design/objects/installation")["draft"].clone();
        draft["about"] = json!({ "zh": "装", "en": "Set up" });
        is(&place.define(&json!("installation"), &draft), 200);
    }
}

/// What was made in the page is counted as what the product has: by a metric
/// that somebody writes, by those that come with the date, and with the next
/// request.
#[test]
fn an_object_of_the_page_is_measured_without_a_restart() {
    for home in homes() {
        let place = Place::of(&home);
        let change =
            json!({ "version": 0, "objects": [{ "draft": installation(), "with_metrics": true }] });
        let made = is(&place.post("/api/design", &change), 200);
        let steps = made["steps"].as_array().unwrap();
        let files: Vec<&str> = (steps.iter().filter(|s| s["kind"] == "add_file"))
            .map(|s| s["name"]["en"].as_str().unwrap())
            .collect();
        assert_eq!(
            files,
            [
                "metrics/own/installation_budget_sum.toml",
                "metrics/own/installation_count.toml"
            ]
        );
        let add = |name: &str, state: &str, budget: &str, due: &str| {
            let values = json!({ "name": name, "state": state, "budget": budget, "due": due });
            place.made("installation", &values);
        };
        add("一", "done", "1000.25", "2026-01-05");
        add("二", "doing", "500", "2026-01-31");
        add("三", "done", "70", "2026-02-01");
        let ask = |metric: &str, by: &[&str]| {
            let question = json!({ "metrics": [metric], "by": by,
                "from": "2026-01-01", "to": "2026-02-01", "as_of": "2026-03-01" });
            is(&place.post("/api/insight", &question), 200)["rows"].clone()
        };
        assert_eq!(ask("installation_count", &[]), json!([[2]]));
        assert_eq!(ask("installation_budget_sum", &[]), json!([["1500.25"]]));
        assert_eq!(
            ask("installation_budget_sum", &["state"]),
            json!([["doing", "500"], ["done", "1000.25"]])
        );
        // One by hand, in the same way.
        let metric = r#"
code = "O2"
version = 1
group = "own"
name = { zh = "完成的预算", en = "Budget done" }
about = { zh = "完成的项目的预算之和。", en = "The budgets of what is done." }
unit = "money"
direction = "up"

[measure]
agg = "sum"
from = "installation"
expr = "budget"
where = "state = 'done'"

[[example]]
about = { zh = "一条完成，一条没有。", en = "One is done, one is not." }
as_of = "2024-03-01"
from = "2024-01-01"
to = "2024-02-01"
rows = [["100"]]

[example.given]
installation = [
  { state = "done", budget = "100", due = "2024-01-05" },
  { state = "doing", budget = "50", due = "2024-01-05" },
]
"#;
        let change = json!({ "version": 1, "files": { "metrics/own/budget_done.toml": metric } });
        is(&place.post("/api/design", &change), 200);
        assert_eq!(ask("budget_done", &[]), json!([["1000.25"]]));
        // The next record is in the next answer.
        add("四", "done", "0.75", "2026-01-10");
        assert_eq!(ask("budget_done", &[]), json!([["1001"]]));
        assert_eq!(ask("installation_count", &[]), json!([[3]]));
        let catalog = place.get("/api/catalog").to_string();
        assert!(catalog.contains("安装交付预算合计"), "{catalog}");
        // What comes with a date goes with it, so that the object stays free to
        // change; what somebody wrote himself does not go by itself.
        let none = json!({ "version": 2, "files": { "metrics/own/budget_done.toml": null } });
        is(&place.post("/api/design", &none), 200);
        let mut draft = place.get("/api/design/objects/installation")["draft"].clone();
        draft["measured_by"] = Json::Null;
        let steps = is(&place.define(&json!("installation"), &draft), 200)["steps"].clone();
        let gone = (steps.as_array().unwrap().iter()).filter(|s| s["kind"] == "remove_file");
        assert_eq!(gone.count(), 2, "{steps}");
        let question = json!({ "metrics": ["installation_count"] });
        assert!(place.post("/api/insight", &question).status >= 400);
        // What was written while nothing counted it counts from the day on
        // which a date is chosen again.
        add("五", "done", "5", "2026-04-10");
        let mut draft = place.get("/api/design/objects/installation")["draft"].clone();
        draft["measured_by"] = json!("due");
        let change = json!({ "version": 4, "objects": [
            { "id": "installation", "draft": draft, "with_metrics": true }] });
        is(&place.post("/api/design", &change), 200);
        let question = json!({ "metrics": ["installation_count"],
            "from": "2026-01-01", "to": "2026-05-01", "as_of": "2026-05-01" });
        let all = is(&place.post("/api/insight", &question), 200)["rows"].clone();
        assert_eq!(all, json!([[5]]));
    }
}

//! Files of plain records, on both stores: every object by its own words, with
//! links, rejects, corrections and the way back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Home, Server, homes, json as run, text, token};
use serde_json::{Value as Json, json};

const CUSTOMERS: &str = "客户编号,客户名称,规模,上级公司,电话\n\
     C1,上海甲贸易有限公司,大型,,13812345678.0\n\
     C2,北京乙科技公司,small,,\n\
     C3,广州丙公司,,,\n";

fn import(home: &Home, name: &str, text: &str, more: &[&str]) -> Json {
    let path = home.data.path().join(name);
    std::fs::write(&path, text).unwrap();
    let mut command = home.keji();
    run(command.arg("import").arg(&path).args(more))
}

fn state(home: &Home) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let catalog = std::sync::Arc::new(keji_schema::Catalog::standard().unwrap());
        let store = keji_store::Store::open(&home.location(), catalog)
            .await
            .unwrap();
        let hash = store.state_hash().await.unwrap();
        store.close().await;
        format!("{hash:x}")
    })
}

fn rows(home: &Home, object: &str) -> String {
    let out = home.data.path().join(format!("{object}.csv"));
    let _ = std::fs::remove_file(&out);
    run(home.keji().args(["export", object, "--output"]).arg(&out));
    std::fs::read_to_string(out).unwrap()
}

fn counts(done: &Json) -> [i64; 4] {
    [
        "records_new",
        "records_changed",
        "records_known",
        "rows_rejected",
    ]
    .map(|name| done["summary"][name].as_i64().unwrap())
}

fn is_good(home: &Home) {
    let report = run(home.keji().arg("check"));
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|f| f["is_good"] == true), "{report}");
}

#[test]
fn records_come_in_with_their_links_and_go_out_again() {
    for home in homes() {
        let empty = state(&home);
        let first = import(&home, "c.csv", CUSTOMERS, &["--object", "customer"]);
        assert_eq!(counts(&first), [3, 0, 0, 0], "{first}");
        let with_customers = state(&home);

        // A title, a total, a customer by number and by name, yes and no.
        let contacts = "2025年联系人\n客户,姓名,手机,关键决策人,生日\n\
             C1,王芳,1.3812345678E+10,是,1980年5月6日\n\
             北京乙科技公司,李雷,,否,\n合计,,,,\n";
        let done = import(&home, "p.csv", contacts, &["--object", "contact"]);
        assert_eq!(counts(&done), [2, 0, 0, 0], "{done}");
        assert_eq!(done["summary"]["rows_left_out"], 1, "{done}");
        let with_contacts = state(&home);
        // The same again changes nothing, and nobody needs to undo it.
        let again = import(&home, "p.csv", contacts, &["--object", "contact"]);
        assert_eq!(counts(&again), [0, 0, 2, 0], "{again}");
        assert_eq!(state(&home), with_contacts);
        is_good(&home);

        // Equal rows are as many records as there are rows.
        let two = "客户,回款日期,回款金额\nC1,2025-03-05,\"1,000.50\"\nC1,2025-03-05,1000.5\n";
        let paid = import(&home, "pay.csv", two, &["--object", "payment"]);
        assert_eq!(counts(&paid), [2, 0, 0, 0], "{paid}");
        let three = format!("{two}C1,2025-03-05,1000.5\n");
        let more = import(&home, "pay.csv", &three, &["--object", "payment"]);
        assert_eq!(counts(&more), [1, 0, 2, 0], "{more}");
        is_good(&home);

        for batch in [&more, &paid, &done] {
            let batch = batch["batch"].to_string();
            run(home.keji().args(["import", "--undo", &batch]));
        }
        assert_eq!(state(&home), with_customers);
        let batch = first["batch"].to_string();
        run(home.keji().args(["import", "--undo", &batch]));
        assert_eq!(state(&home), empty);
        is_good(&home);
    }
}

#[test]
fn known_records_are_filled_or_updated_and_restored() {
    for home in homes() {
        import(&home, "c.csv", CUSTOMERS, &["--object", "customer"]);
        let before = state(&home);
        let more = "客户编号,客户名称,省份,规模\nC1,上海甲集团,上海,小型\nC9,新公司,北京,\n";
        let filled = import(&home, "m.csv", more, &["--object", "customer"]);
        // The empty province is filled, the name and the size stay.
        assert_eq!(counts(&filled), [1, 1, 1, 0], "{filled}");
        let update = ["--object", "customer", "--mode", "update"];
        let updated = import(&home, "m.csv", more, &update);
        assert_eq!(counts(&updated), [0, 1, 2, 0], "{updated}");
        let after = state(&home);
        assert_eq!(counts(&import(&home, "m.csv", more, &update)), [0, 0, 2, 0]);
        assert_eq!(state(&home), after);
        is_good(&home);
        for batch in [&updated, &filled] {
            let batch = batch["batch"].to_string();
            run(home.keji().args(["import", "--undo", &batch]));
        }
        assert_eq!(state(&home), before);
        is_good(&home);
    }
}

/// Who made a record and when comes along from the system of before, of every
/// object, and a file that says nothing of it is of now and of who brings it.
#[test]
fn authors_and_dates_are_kept() {
    for home in homes() {
        let customers = "客户编号,客户名称,创建时间,创建人\n\
             C1,上海甲贸易有限公司,2019-03-05 09:30,张伟\n\
             C2,北京乙科技公司,,\n";
        import(&home, "c.csv", customers, &["--object", "customer"]);
        let touchpoints = "客户编号,跟进日期,跟进方式,跟进内容,created at,created by\n\
             C1,2019-04-01,电话,问价,2019-04-02T01:00:00Z,li.na\n\
             C1,2019-04-03,拜访,签约,2019-04-03T02:00:00Z,li.na\n";
        let object = ["--object", "touchpoint"];
        let done = import(&home, "t.csv", touchpoints, &object);
        assert_eq!(counts(&done), [2, 0, 0, 0], "{done}");
        // The same again changes nothing.
        let again = import(&home, "t.csv", touchpoints, &object);
        assert_eq!(counts(&again), [0, 0, 2, 0], "{again}");
        // A ticket has a field of its own for that heading, and it comes first.
        let tickets = "工单号,客户,主题,工单类型,创建时间,创建人\n\
             T1,C1,不能开机,故障,2020-03-05 09:30,王芳\n";
        import(&home, "k.csv", tickets, &["--object", "ticket"]);

        let shown = |object: &str, fields: &str| {
            let fields = format!("id,{fields}");
            let list = run(home
                .keji()
                .args(["records", object, "list", "--fields", &fields]));
            let all = list["rows"].as_array().unwrap().clone();
            all.into_iter()
                .map(|r| r["values"].clone())
                .collect::<Vec<Json>>()
        };
        let made = shown("customer", "number,created_at,created_by");
        let of = |number: &str| made.iter().find(|r| r["number"] == number).unwrap();
        assert_eq!(of("C1")["created_at"], "2019-03-05T01:30:00Z");
        assert_eq!(of("C1")["created_by"], "张伟");
        let now = jiff::Timestamp::now();
        let at: jiff::Timestamp = of("C2")["created_at"].as_str().unwrap().parse().unwrap();
        assert!(at <= now && now.as_second() - at.as_second() < 600, "{at}");
        assert!(of("C2")["created_by"].is_string(), "{made:?}");
        // Nor does a file that updates what is known change them.
        let other = customers
            .replace("2019-03-05", "2020-03-05")
            .replace("张伟", "李娜");
        let update = ["--object", "customer", "--mode", "update"];
        let done = import(&home, "u.csv", &other, &update);
        assert_eq!(counts(&done), [0, 0, 2, 0], "{done}");
        assert_eq!(shown("customer", "number,created_at,created_by"), made);
        let held = shown("touchpoint", "held_on,created_at,created_by");
        for row in &held {
            assert_eq!(row["created_by"], "li.na");
        }
        let mut at: Vec<&str> = held
            .iter()
            .filter_map(|r| r["created_at"].as_str())
            .collect();
        at.sort_unstable();
        assert_eq!(at, ["2019-04-02T01:00:00Z", "2019-04-03T02:00:00Z"]);
        let ticket = &shown("ticket", "opened_at,created_at,created_by")[0];
        assert_eq!(ticket["opened_at"], "2020-03-05T01:30:00Z");
        assert_ne!(ticket["created_at"], ticket["opened_at"]);
        assert_eq!(ticket["created_by"], "王芳");
        // Where that field has a column, the heading means what is left.
        let both = "工单号,客户,主题,工单类型,创建时间,受理时间\n\
             T2,C1,不能关机,故障,2020-03-06 09:30,2020-03-05 09:30\n";
        let done = import(&home, "k.csv", both, &["--object", "ticket"]);
        assert_eq!(done["summary"]["oddities"], json!([]), "{done}");
        let tickets = shown("ticket", "number,opened_at,created_at");
        let second = tickets.iter().find(|r| r["number"] == "T2").unwrap();
        assert_eq!(second["opened_at"], "2020-03-05T01:30:00Z");
        assert_eq!(second["created_at"], "2020-03-06T01:30:00Z");
        // And they go out again.
        assert!(rows(&home, "touchpoint").contains("li.na"));
        is_good(&home);
    }
}

#[test]
fn rejects_are_mended_and_come_in() {
    for home in homes() {
        import(&home, "c.csv", CUSTOMERS, &["--object", "customer"]);
        let rejects = home.data.path().join("rejects.csv");
        let path = rejects.to_str().unwrap();
        let tickets = "工单号,客户,主题,工单类型,创建时间,状态\n\
             T1,C1,不能开机,故障,2025-03-05 09:30,已解决\n\
             T2,没有的公司,慢,投诉,2025-03-06,\n\
             T3,C2,贵,抱怨,2025-03-06,\n\
             T4,C2,晚,投诉,昨天,\n\
             T1,C2,重复,投诉,2025-03-07,\n";
        let object = ["--object", "ticket", "--rejects", path];
        let done = import(&home, "t.csv", tickets, &object);
        assert_eq!(counts(&done), [1, 0, 0, 3], "{done}");
        let odd = done["summary"]["oddities"].to_string();
        assert!(odd.contains("repeated_numbers"), "{done}");
        let found = std::fs::read_to_string(&rejects).unwrap();
        for said in [
            "3,客户,\"there is no customer \"\"没有的公司\"\"",
            "4,工单类型,\"\"\"抱怨\"\" is none of the options: 咨询 question",
            "5,创建时间,\"\"\"昨天\"\" is not a date\"",
        ] {
            assert!(found.contains(said), "{said}\n{found}");
        }
        let mended = found
            .replace("没有的公司,慢", "C3,慢")
            .replace("贵,抱怨", "贵,投诉")
            .replace("投诉,昨天", "投诉,2025-03-08");
        let again = import(&home, "mended.csv", &mended, &["--object", "ticket"]);
        assert_eq!(counts(&again), [3, 0, 0, 0], "{again}");
        let all = rows(&home, "ticket");
        assert!(all.contains("2025-03-05") && all.contains("T4"), "{all}");
        is_good(&home);
    }
}

#[test]
fn a_name_that_several_have_is_told_apart_by_the_row() {
    for home in homes() {
        import(&home, "c.csv", CUSTOMERS, &["--object", "customer"]);
        let pipes = "pipeline\n新客户\n续约\n".replace("pipeline", "名称,在用");
        let pipes = pipes
            .replace("新客户", "新客户,是")
            .replace("续约", "续约,yes");
        import(&home, "l.csv", &pipes, &["--object", "pipeline"]);
        let stages = "销售管道,阶段,顺序,赢单概率,类型\n\
             新客户,洽谈,1,20%,进行中\n新客户,赢单,2,1,赢单\n续约,洽谈,1,0.5,进行中\n";
        import(&home, "s.csv", stages, &["--object", "stage"]);
        let head = "商机编号,商机名称,客户,销售管道,阶段,创建日期,预计金额（万元）\n";
        let rows = "O1,大单,C1,续约,洽谈,2025-01-05,12.5\n\
             O2,小单,C2,,洽谈,2025-01-06,\nO3,错单,C2,续约,赢单,2025-01-06,\n";
        let rejects = home.data.path().join("rejects.csv");
        let path = rejects.to_str().unwrap();
        let object = ["--object", "opportunity", "--rejects", path];
        let done = import(&home, "o.csv", &format!("{head}{rows}"), &object);
        assert_eq!(counts(&done), [1, 0, 0, 2], "{done}");
        let found = std::fs::read_to_string(&rejects).unwrap();
        assert!(found.contains("there are several stage records"), "{found}");
        assert!(found.contains("there is no stage \"\"赢单\"\""), "{found}");
        assert!(self::rows(&home, "opportunity").contains("125000"));
        is_good(&home);
    }
}

#[test]
fn what_cannot_be_is_said_in_both_languages() {
    for home in homes().into_iter().take(1) {
        let said = |file: &str, content: &[u8], more: &[&str], language: &str| {
            let path = home.data.path().join(file);
            std::fs::write(&path, content).unwrap();
            let mut command = home.keji();
            command
                .env("KEJI_LANG", language)
                .arg("import")
                .arg(&path)
                .args(more);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            text(&output)
        };
        let good = "客户,姓名\nC1,王芳\n".as_bytes();
        for (file, content, more, en, zh) in [
            (
                "a.csv",
                good,
                &["--object", "contacts"][..],
                "contacts",
                "contacts",
            ),
            (
                "a.csv",
                good,
                &["--object", "order"],
                "order files",
                "订单文件",
            ),
            ("a.csv", good, &["--object", "user"], "identity", "identity"),
            (
                "a.csv",
                good,
                &["--object", "contact", "--mode", "update"],
                "no number",
                "没有编号",
            ),
            (
                "a.csv",
                good,
                &["--object", "contact", "--mode", "replace", "--source", "x"],
                "order files",
                "订单文件",
            ),
            (
                "b.csv",
                "客户,手机\nC1,1\n".as_bytes(),
                &["--object", "contact"],
                "required field",
                "必填字段",
            ),
            ("c.csv", b"", &["--object", "contact"], "empty", "空的"),
            (
                "d.csv",
                b"%PDF-1.4 not a table",
                &["--object", "contact"],
                "pdf",
                "pdf",
            ),
        ] {
            let text = said(file, content, more, "en");
            assert!(text.contains(en), "{en}\n{text}");
            let text = said(file, content, more, "zh");
            assert!(text.contains(zh), "{zh}\n{text}");
        }
    }
}

#[test]
fn the_endpoint_and_a_workbook_take_the_same_way() {
    for home in homes() {
        let server = home.server();
        let send = |query: &str, body: &[u8]| {
            let path = format!("/api/imports?{query}");
            let headers = [("content-type", "application/octet-stream")];
            server.send("POST", &path, &headers, body)
        };
        let done =
            server.finished(&send("filename=c.csv&object=customer", CUSTOMERS.as_bytes()).json());
        assert_eq!(
            (&done["state"], &done["object"]),
            (&json!("done"), &json!("customer"))
        );
        assert_eq!(done["summary"]["records_new"], 3, "{done}");

        let book = workbook(home.data.path());
        let done = server.finished(&send("filename=v.xlsx&object=touchpoint", &book).json());
        assert_eq!(done["summary"]["records_new"], 2, "{done}");
        assert_eq!(done["summary"]["rows_rejected"], 1, "{done}");
        let id = done["id"].as_i64().unwrap();
        let rejects = server.get(&format!("/api/imports/{id}/rejects"));
        assert!(String::from_utf8_lossy(&rejects.body).contains("C8"));
        let undone = server.post(&format!("/api/imports/{id}/undo"), &json!(null));
        assert_eq!(undone.json()["state"], "undone");

        // Somebody looks at the columns first.
        let contacts = "客户,姓名,工龄\nC1,王芳,3\n".as_bytes();
        let query = "filename=p.csv&object=contact&review=true";
        let waiting = server.finished(&send(query, contacts).json());
        assert_eq!(waiting["state"], "needs_mapping", "{waiting}");
        let id = waiting["id"].as_i64().unwrap();
        let preview = server.get(&format!("/api/imports/{id}/preview")).json();
        assert_eq!(
            preview["rows"][0]["values"]["contact.name"], "王芳",
            "{preview}"
        );
        let mapping = &preview["mapping"];
        let next = server.post(&format!("/api/imports/{id}/mapping"), mapping);
        let next = server.finished(&next.json());
        assert_eq!(next["summary"]["records_new"], 1, "{next}");

        let refused = send("filename=p.csv&object=score", contacts);
        assert!(
            refused.status >= 400 && refused.status < 500,
            "{}",
            refused.status
        );
        drop(server);
        is_good(&home);
    }
}

/// A title, headings, dates as dates, a customer that there is not.
fn workbook(folder: &Path) -> Vec<u8> {
    let path = folder.join("v.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    sheet.write(0, 0, "拜访记录").unwrap();
    for (column, heading) in ["客户", "跟进方式", "拜访时间", "内容"].iter().enumerate()
    {
        sheet.write(1, column as u16, *heading).unwrap();
    }
    for (row, customer) in ["C1", "C2", "C8"].iter().enumerate() {
        let row = row as u32 + 2;
        sheet.write(row, 0, *customer).unwrap();
        sheet.write(row, 1, "拜访").unwrap();
        let at = rust_xlsxwriter::ExcelDateTime::parse_from_str("2025-03-05T14:30:00").unwrap();
        sheet.write_with_format(row, 2, &at, &date).unwrap();
        sheet.write(row, 3, "谈了续约").unwrap();
    }
    book.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

/// What a column of a file holds and nobody reads is told, with the reason.
#[test]
fn columns_that_are_not_read_are_told() {
    for home in homes() {
        let text = "客户编号,客户名称,公司名称,暗号,电话,邮箱,网站\n\
             C1,上海甲贸易有限公司,甲,x,13812345678,a@example.com,example.com\n";
        let done = import(&home, "c.csv", text, &["--object", "customer"]);
        assert_eq!(
            odd(&done),
            [
                ("columns_second_choice", vec!["公司名称"]),
                ("columns_unknown", vec!["暗号"])
            ]
        );
        let line = &done["summary"]["oddities"][1];
        assert!(
            line["zh"]
                .as_str()
                .unwrap()
                .contains("没有这样的字段：暗号")
        );
        assert!(line["en"].as_str().unwrap().contains("暗号"), "{line}");

        // Of a role that may not write some of them.
        let server = home.server();
        let role = json!({
            "name": { "zh": "录入", "en": "desk" },
            "about": { "zh": "", "en": "" },
            "grants": [{ "object": "*", "actions": ["read", "create", "update", "import"], "rows": "all" }],
            "fields": [
                { "field": "customer.phone", "as": "masked" },
                { "field": "customer.email", "as": "hidden" },
                { "field": "customer.website", "as": "read" },
            ],
            "admin": [],
        });
        let kind = [("content-type", "application/json")];
        let body = role.to_string();
        let saved = server.send("PUT", "/api/roles/desk", &kind, body.as_bytes());
        assert!(
            saved.status < 300,
            "{}",
            String::from_utf8_lossy(&saved.body)
        );
        let bearer = format!("Bearer {}", token(&home.keji(), "zoe", "desk"));
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/octet-stream"),
        ];
        let file = "客户编号,客户名称,电话,邮箱,网站\n\
             C2,北京乙科技公司,13912345678,b@example.com,example.org\n";
        let send = |query: &str| {
            let path = format!("/api/imports?filename=d.csv&object=customer{query}");
            let sent = server.send("POST", &path, &headers, file.as_bytes());
            server.finished(&sent.json())
        };
        // As it is shown before.
        let waiting = send("&review=true");
        let path = format!("/api/imports/{}/preview", waiting["id"]);
        let shown = server.send("GET", &path, &headers, &[]).json();
        let columns = shown["mapping"]["columns"].as_array().unwrap();
        for column in &columns[2..] {
            assert_eq!(column["reason"], "not_writable", "{shown}");
            assert_eq!(column["field"], Json::Null);
        }
        let done = send("");
        assert_eq!(done["summary"]["records_new"], 1, "{done}");
        let not_written = vec!["电话", "邮箱", "网站"];
        assert_eq!(odd(&done), [("columns_not_writable", not_written)]);
        let rows = server.get("/api/records/customer?fields=number,phone,email,website");
        let rows = rows.json();
        let all = rows["rows"].as_array().unwrap().iter();
        let made = all.map(|r| &r["values"]).find(|v| v["number"] == "C2");
        let made = made.unwrap();
        for field in ["phone", "email", "website"] {
            assert_eq!(made[field], Json::Null, "{made}");
        }
        drop(server);
        is_good(&home);
    }
}

/// The codes of what was odd, each with its headings.
fn odd(done: &Json) -> Vec<(&str, Vec<&str>)> {
    let lines = done["summary"]["oddities"].as_array().unwrap();
    let each = lines.iter().map(|line| {
        let samples = line["samples"].as_array().unwrap();
        let samples = samples.iter().filter_map(Json::as_str).collect();
        (line["code"].as_str().unwrap(), samples)
    });
    each.collect()
}

/// What people write into a field, another text for each.
fn example(object: &str, field: &Json, made: &BTreeMap<String, i64>) -> Option<Json> {
    let id = field["id"].as_str()?;
    Some(match (id, field["type"].as_str()?) {
        ("created_at", _) => json!("2019-03-05T01:30:00Z"),
        ("created_by", _) => json!("zhang.wei"),
        ("email", _) => json!("a@example.com"),
        ("due_at", _) => json!("2025-03-02T02:30:00Z"),
        (_, "link") => json!(made.get(field["to"].as_str()?)?),
        (_, "choice") => field["options"].as_array()?.first()?["value"].clone(),
        (_, "decimal") if field["unit"] == "pct" => json!("0.25"),
        (_, "decimal") => json!("12.5"),
        (_, "int") => json!(4),
        (_, "bool") => json!(true),
        (_, "date") => json!("2025-03-02"),
        (_, "instant") => json!("2025-03-02T02:30:00Z"),
        _ => json!(format!("{id}-{object}")),
    })
}

const ORDER: &str = "订单号,下单时间,客户编号,商品编号,数量,单价\n\
     S1,2025-02-03 10:00:00,number-customer,number-product,2,5\n";

/// A place with its people, and without records.
fn peopled(home: &Home) -> Server {
    let server = home.server();
    let made = server.post("/api/departments", &json!({ "name": "East" }));
    assert!(made.status < 300, "{}", made.status);
    server
}

/// One record of every object that people write, in an order in which each
/// finds what it links to; orders come by their own file.
fn filled(server: &Server) -> Vec<String> {
    let objects = server.get("/api/objects").json();
    let mut open: Vec<&Json> = objects["objects"]
        .as_array()
        .unwrap()
        .iter()
        // The bytes of a file are no value of a table.
        .filter(|o| o["is_writable"] == true && o["id"] != "file")
        // Lines come with their orders.
        .filter(|o| o["id"] != "order_line")
        .collect();
    let ids: Vec<String> = open
        .iter()
        .map(|o| o["id"].as_str().unwrap().to_owned())
        .collect();
    let mut made: BTreeMap<String, i64> = BTreeMap::new();
    for known in ["department", "user"] {
        let first = server
            .get(&format!("/api/records/{known}?fields=id"))
            .json();
        let id = first["rows"][0]["id"].as_i64().unwrap();
        made.insert(known.to_owned(), id);
    }
    let mut order = Vec::new();
    while !open.is_empty() {
        let before = open.len();
        open.retain(|object| {
            let id = object["id"].as_str().unwrap();
            let fields = object["fields"].as_array().unwrap();
            let waits =
                |to: &str| to != id && ids.iter().any(|i| i == to) && !made.contains_key(to);
            let links = fields.iter().filter_map(|f| f["to"].as_str());
            if links.chain((id == "order").then_some("product")).any(waits) {
                return true;
            }
            let record = match id {
                "order" => {
                    let done = server.finished(&server.upload("o.csv", ORDER.as_bytes()).json());
                    assert_eq!(done["state"], "done", "{done}");
                    1
                }
                _ => {
                    let values = fields.iter().filter_map(|field| {
                        let id = field["id"].as_str()?.to_owned();
                        Some((id, example(object["id"].as_str()?, field, &made)?))
                    });
                    let values: serde_json::Map<String, Json> = values.collect();
                    let path = format!("/api/records/{id}");
                    let reply = server.post(&path, &Json::Object(values));
                    let body = String::from_utf8_lossy(&reply.body).into_owned();
                    assert_eq!(reply.status, 201, "{id}: {body}");
                    reply.json()["id"].as_i64().unwrap()
                }
            };
            made.insert(id.to_owned(), record);
            order.push(id.to_owned());
            false
        });
        assert!(open.len() < before, "links in a circle: {open:?}");
    }
    order
}

fn exported(server: &Server, object: &str, format: &str, language: &str) -> Vec<u8> {
    let path = format!("/api/exports/records/{object}?format={format}");
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", language),
    ];
    let reply = server.send_raw("GET", &path, &headers, &[]);
    let said = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, 200, "{object}: {said}");
    reply.body
}

/// Every object that people write goes out by every format in both languages,
/// and into an empty place, with every value, link, author and date.
#[test]
fn every_object_goes_out_and_comes_in_whole() {
    let (mut n, mut n_dated) = (0, 0);
    for home in homes() {
        let server = peopled(&home);
        let order = filled(&server);
        assert!(order.len() >= 25, "{order:?}");
        let ways = [("csv", "zh"), ("xlsx", "en"), ("csv", "en"), ("xlsx", "zh")];
        // What a heading means does not depend on the database.
        let ways = &ways[..if home.is_postgres() { 2 } else { 4 }];
        for (format, language) in ways {
            let there = homes()
                .into_iter()
                .find(|h| h.is_postgres() == home.is_postgres());
            let there = there.unwrap();
            let other = peopled(&there);
            for object in &order {
                if object == "order" {
                    other.finished(&other.upload("o.csv", ORDER.as_bytes()).json());
                    continue;
                }
                let bytes = exported(&server, object, format, language);
                let path = format!("/api/imports?filename={object}.{format}&object={object}");
                let headers = [("content-type", "application/octet-stream")];
                let sent = other.send("POST", &path, &headers, &bytes);
                let done = other.finished(&sent.json());
                let what = format!("{object} {format} {language}");
                assert_eq!(done["state"], "done", "{what}: {done}");
                assert_eq!(done["summary"]["records_new"], 1, "{what}: {done}");
                assert_eq!(done["summary"]["oddities"], json!([]), "{what}: {done}");
                let [was, is] = [&server, &other]
                    .map(|s| String::from_utf8(exported(s, object, "csv", language)).unwrap());
                // Lines of another record have no beginning of their own.
                let has_origin = was.contains("创建人") || was.contains("Created by");
                assert_eq!(was.contains("zhang.wei"), has_origin, "{what}: {was}");
                n_dated += usize::from(has_origin);
                assert_eq!(is, was, "{what}");
                n += 1;
            }
        }
    }
    assert!(
        n >= 96 && n_dated >= 80,
        "{n} files came in, {n_dated} dated"
    );
}

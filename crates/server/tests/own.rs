//! An object of one's own by files alone, those of the guide: through every
//! door that a standard object has, on both stores, without a line of code.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::spawn;
use std::time::Duration;

use crate::support::{Home, Reply, Server, homes, json as run, text, token};
use serde_json::{Value as Json, json};

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/own")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", "en"),
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send_raw(method, path, &headers, body.as_bytes())
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

/// The values of one field, in the order of the list.
fn column(list: &Json, field: &str) -> Vec<String> {
    let rows = list["rows"].as_array().unwrap_or_else(|| panic!("{list}"));
    let values = rows.iter().map(|row| &row["values"][field]);
    values
        .map(|v| v.as_str().unwrap_or("-").to_owned())
        .collect()
}

/// Gives the body of every request that comes.
fn receiver() -> (u16, mpsc::Receiver<Json>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, receive) = mpsc::channel();
    spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                if let Some(n) = line.trim().strip_prefix("content-length: ") {
                    length = n.parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = send.send(serde_json::from_slice(&body).unwrap());
            let answer = b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n";
            let _ = reader.get_mut().write_all(answer);
        }
    });
    (port, receive)
}

struct World {
    server: Server,
    owner: String,
    told: mpsc::Receiver<Json>,
    customers: [i64; 2],
    li: i64,
}

/// Two customers, the first of them of Li.
fn world(home: &Home) -> World {
    let (port, told) = receiver();
    let owner = token(&home.keji(), "boss", "owner");
    let mut keji = home.keji();
    keji.env("KEJI_ALLOW_OUTBOUND", format!("127.0.0.1:{port}"));
    let server = Server::of(keji);
    let made = |path: &str, body: Json| -> i64 {
        let reply = ask(&server, "POST", path, &owner, &body);
        is(&reply, 201)["id"].as_i64().unwrap()
    };
    let li = json!({ "login": "li", "name": "Li", "role": "representative" });
    let li = made("/api/users", li);
    let customers = [("K1", Some(li)), ("K2", None)].map(|(number, user)| {
        let customer = json!({ "number": number, "name": format!("王{number}"), "kind": "person", "user": user });
        made("/api/records/customer", customer)
    });
    let hook = json!({ "name": "erp", "url": format!("http://127.0.0.1:{port}/"), "objects": ["machine"], "kinds": ["create"] });
    made("/api/webhooks", hook);
    World {
        server,
        owner,
        told,
        customers,
        li,
    }
}

#[test]
fn an_object_of_files_alone_goes_through_every_door() {
    for home in homes() {
        copy(&guide(), &home.data.path().join("definitions"));
        let checked = run(home.keji().arg("definitions"));
        assert_eq!(checked["files"].as_array().unwrap().len(), 4, "{checked}");
        assert_eq!(checked["n_examples"], 1);
        assert_eq!(checked["failures"], json!([]));

        let world = world(&home);
        records(&world);
        files(&home, &world);
        rights(&home, &world);
        numbers(&home, &world);
        description(&world);
        drop(world.server);
        let report = run(home.keji().arg("check"));
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().all(|f| f["is_good"] == true), "{report}");
        restored(&home);
        erased(&home, world.customers[0]);
    }
}

/// Create, list, change, several at once, history; and what is told outside.
fn records(world: &World) {
    let World { server, owner, .. } = world;
    let own = |method: &str, path: &str, body: Json| ask(server, method, path, owner, &body);
    let machine = |number: Json, customer: i64, kind: &str, price: &str, day: &str| {
        json!({ "number": number, "title": format!("Press {price}"), "customer": customer, "kind": kind,
            "price": price, "serial": format!("SN-{price}-77"), "installed_on": day })
    };
    let list = "/api/records/machine";
    let [first, second] = world.customers;
    let made = own(
        "POST",
        list,
        machine(json!("M1"), first, "press", "100.50", "2025-01-05"),
    );
    let one = is(&made, 201);
    let id = one["id"].as_i64().unwrap();
    let told = world.told.recv_timeout(Duration::from_secs(40)).unwrap();
    assert_eq!(told["data"]["object"], "machine", "{told}");
    assert_eq!(told["data"]["record"], id, "{told}");

    // Its own number is counted on, wrong values are named by field.
    let mut counted = machine(Json::Null, second, "lathe", "70", "2025-02-01");
    counted.as_object_mut().unwrap().remove("number");
    let counted = is(&own("POST", list, counted), 201);
    assert!(counted["values"]["number"].is_string(), "{counted}");
    let wrong = machine(json!("M9"), first, "boat", "x", "someday");
    let wrong = is(&own("POST", list, wrong), 422);
    let named = wrong.to_string();
    for field in ["kind", "price", "installed_on"] {
        assert!(named.contains(field), "{named}");
    }
    let twice = own(
        "POST",
        list,
        machine(json!("M1"), first, "press", "1", "2025-01-05"),
    );
    assert!(is(&twice, 409)["type"].is_string());

    // By version, and several at once.
    let path = format!("{list}/{id}");
    let etag = own("GET", &path, Json::Null)
        .header("etag")
        .unwrap()
        .to_owned();
    let patch = |tag: &str| {
        let bearer = format!("Bearer {owner}");
        let headers = [
            ("host", server.address.as_str()),
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("if-match", tag),
        ];
        server.send_raw("PATCH", &path, &headers, br#"{"title":"Press one"}"#)
    };
    is(&patch(&etag), 200);
    is(&patch(&etag), 412);
    let operations = json!({ "operations": [
        { "create": machine(json!("M3"), first, "press", "20", "2025-03-01") },
        { "update": { "id": id, "values": { "kind": "other" } } },
    ]});
    is(&own("POST", &format!("{list}/bulk"), operations), 200);
    let part = json!({ "machine": { "number": "M1" }, "name": "Bearing 6204", "quantity": 4 });
    is(&own("POST", "/api/records/machine_part", part), 201);

    // Filter over a link, sort, search, fields; board and calendar ask so.
    let get = |query: &str| is(&own("GET", &format!("{list}?{query}"), Json::Null), 200);
    let found =
        get("where=customer.number%20%3D%20'K1'&sort=-installed_on&fields=number,customer.name");
    assert_eq!(column(&found, "number"), ["M3", "M1"], "{found}");
    assert_eq!(column(&found, "customer.name"), ["王K1", "王K1"]);
    assert_eq!(column(&get("search=M3"), "number"), ["M3"]);
    let board = get("where=kind%20%3D%20'other'&count=true");
    assert_eq!(
        (column(&board, "number"), &board["total"]),
        (vec!["M1".to_owned()], &json!(1))
    );
    let month =
        get("where=installed_on%20%3E%3D%20'2025-03-01'%20and%20installed_on%20%3C%20'2025-04-01'");
    assert_eq!(column(&month, "number"), ["M3"]);
    let history = is(&own("GET", &format!("{path}/history"), Json::Null), 200);
    assert_eq!(history["changes"].as_array().unwrap().len(), 3, "{history}");
}

/// A file with relations, again, and out in every format.
fn files(home: &Home, world: &World) {
    let file = "设备编号,设备名称,客户编号,类型,售价,安装日期\n\
         M7,七号压机,K1,压机,\"1,000.25\",2025-04-07\n\
         M8,八号,没有的客户,车床,1,2025-04-08\n";
    let path = home.data.path().join("machines.csv");
    std::fs::write(&path, file).unwrap();
    let import = || {
        let mut keji = home.keji();
        run(keji.arg("import").arg(&path).args(["--object", "machine"]))
    };
    let first = import();
    assert_eq!(first["summary"]["records_new"], 1, "{first}");
    assert_eq!(first["summary"]["rows_rejected"], 1, "{first}");
    assert_eq!(import()["summary"]["records_known"], 1);
    for (format, start) in [("csv", "\u{feff}"), ("xlsx", "PK"), ("parquet", "PAR1")] {
        let path = format!("/api/exports/records/machine?format={format}");
        let got = ask(&world.server, "GET", &path, &world.owner, &Json::Null);
        assert_eq!(got.status, 200, "{format}");
        let is_right = got.body.starts_with(start.as_bytes()) || format == "csv";
        assert!(is_right, "{format}: {:?}", &got.body[..8]);
        if format == "csv" {
            let text = String::from_utf8_lossy(&got.body).into_owned();
            assert!(
                text.contains("七号压机") && text.contains("1000.25"),
                "{text}"
            );
        }
    }
}

/// A role by file hides and masks; whose role is `own` sees the own ones.
fn rights(home: &Home, world: &World) {
    let World { server, .. } = world;
    let technician = token(&home.keji(), "tang", "technician");
    let li = token(&home.keji(), "li", "representative");
    let get = |key: &str, path: &str| ask(server, "GET", path, key, &Json::Null);
    let list = is(&get(&technician, "/api/records/machine?sort=number"), 200);
    assert_eq!(list["rows"].as_array().unwrap().len(), 4, "{list}");
    let said = list.to_string();
    assert!(
        !said.contains("100.5") && !said.contains("SN-100"),
        "{said}"
    );
    let hidden = is(
        &get(&technician, "/api/records/machine?where=price%20%3E%201"),
        422,
    );
    assert!(!hidden.to_string().contains("100.5"));
    let csv = get(&technician, "/api/exports/records/machine?format=csv");
    let csv = String::from_utf8_lossy(&csv.body).into_owned();
    assert!(
        csv.contains("M1") && !csv.contains("100.5") && !csv.contains("SN-100"),
        "{csv}"
    );
    let new = json!({ "title": "x", "customer": world.customers[0], "installed_on": "2025-05-01" });
    let made = ask(server, "POST", "/api/records/machine", &technician, &new);
    is(&made, 403);
    let value = json!({ "metrics": ["machine_value"] });
    let refused = ask(server, "POST", "/api/insight", &technician, &value);
    assert!((400..500).contains(&refused.status), "{}", refused.json());

    let own = is(&get(&li, "/api/records/machine?sort=number"), 200);
    assert_eq!(column(&own, "number"), ["M1", "M3", "M7"], "{own}");
    let parts = is(&get(&li, "/api/records/machine_part"), 200);
    assert_eq!(column(&parts, "name"), ["Bearing 6204"]);
    let mut owned = new.clone();
    owned["user"] = json!(world.li);
    is(
        &ask(server, "POST", "/api/records/machine", &li, &owned),
        201,
    );
}

/// A metric by file: by question, by command, and with its definition.
fn numbers(home: &Home, world: &World) {
    let question = json!({ "metrics": ["machine_value"], "by": ["customer.number"],
        "from": "2025-01-01", "to": "2025-05-01", "as_of": "2025-06-01" });
    let question = ask(
        &world.server,
        "POST",
        "/api/insight",
        &world.owner,
        &question,
    );
    let question = is(&question, 200);
    let said = question["rows"].to_string();
    assert!(said.contains("1120.75") && said.contains("70"), "{said}");
    let asked = run(home.keji().args(["ask", "machine_value", "--by", "kind"]));
    // Without a period: from the first machine on, although there is no order.
    assert!(asked["rows"].to_string().contains("1020.25"), "{asked}");
    let catalog = ask(
        &world.server,
        "GET",
        "/api/catalog",
        &world.owner,
        &Json::Null,
    );
    assert!(is(&catalog, 200).to_string().contains("装机金额"));
}

fn description(world: &World) {
    let World { server, owner, .. } = world;
    let document = is(
        &ask(server, "GET", "/api/openapi.json", owner, &Json::Null),
        200,
    );
    for path in ["/api/records/machine", "/api/records/machine_part/{id}"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let object = is(
        &ask(server, "GET", "/api/objects/machine", owner, &Json::Null),
        200,
    );
    assert!(object["name"].to_string().contains("设备"), "{object}");
    assert_eq!(object["fields"].as_array().unwrap().len(), 10, "{object}");
}

/// The definitions come with the backup, into a place that has none.
fn restored(home: &Home) {
    let backups = tempfile::tempdir().unwrap();
    let file = backups.path().join("b");
    run(home.keji().arg("backup").arg(&file));
    let list = |home: &Home| run(home.keji().args(["records", "machine", "list"]));
    for other in homes() {
        run(other.keji().arg("restore").arg(&file));
        assert_eq!(list(&other)["rows"], list(home)["rows"]);
        let technician = other.data.path().join("definitions/roles/technician.toml");
        assert!(technician.exists());
        run(other.keji().arg("check"));
        // Without them the program does not start, and drops nothing.
        std::fs::remove_dir_all(other.data.path().join("definitions")).unwrap();
        let output = other
            .keji()
            .args(["records", "customer", "list"])
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(text(&output).contains("machine"), "{}", text(&output));
        // Nor with a broken one, which is named with its line.
        copy(&guide(), &other.data.path().join("definitions"));
        let broken = other.data.path().join("definitions/objects/machine.toml");
        let whole = std::fs::read_to_string(&broken).unwrap();
        std::fs::write(
            &broken,
            whole.replace("to = \"customer\"", "to = \"nobody\""),
        )
        .unwrap();
        for command in [
            &["definitions"][..],
            &["serve", "--listen", "127.0.0.1:0"],
            &["check"],
        ] {
            let output = other.keji().args(command).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            let wanted = "machine.toml:31: there is no object `nobody`";
            assert!(text(&output).contains(wanted), "{}", text(&output));
        }
    }
}

/// What hangs on a person by the links of the file goes with the person.
fn erased(home: &Home, customer: i64) {
    let contains = |word: &str| {
        let list = run(home.keji().args(["records", "machine", "list"]));
        list.to_string().contains(word)
    };
    assert!(contains("SN-100.50-77"));
    let id = customer.to_string();
    let erase = [
        "person",
        "erase",
        "customer",
        &id,
        "--reason",
        "asked by letter",
        "--confirm",
        "王K1",
    ];
    run(home.keji().args(erase));
    assert!(!contains("王K1") && !contains("SN-100.50-77"));
    let report = run(home.keji().arg("check"));
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|f| f["is_good"] == true), "{report}");
}

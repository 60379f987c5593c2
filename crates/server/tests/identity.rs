//! Who may come in, and what each role sees and does at every door.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "twelve letters";
const FILE: &str = "单号,日期,客户编号,客户,产品,数量,单价\n\
    S1,2025-03-05,K1,甲,茶,2,10\n\
    S2,2025-03-06,K2,乙,杯,1,5\n\
    S3,2025-04-06,K3,丙,杯,1,7\n\
    S4,2025-04-08,K1,甲,茶,1,10\n";

/// Without the owner's token; `cookie` and `bearer` as they are given.
fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let (cookie, authorization) = match key {
        "" => ("", ""),
        key if key.starts_with("keji_session=") => (key, ""),
        _ => ("", bearer.as_str()),
    };
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", "en"),
        ("authorization", authorization),
        ("cookie", cookie),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send_raw(method, path, &headers, body.as_bytes())
}

fn get(server: &Server, path: &str, key: &str) -> Reply {
    ask(server, "GET", path, key, &Json::Null)
}

fn post(server: &Server, path: &str, key: &str, body: &Json) -> Reply {
    ask(server, "POST", path, key, body)
}

fn code(reply: &Reply) -> (u16, String) {
    let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
    (reply.status, code)
}

fn is(reply: &Reply, status: u16, wanted: &str) {
    assert_eq!(code(reply), (status, wanted.to_owned()), "{}", reply.json());
}

/// The pair of name and value, as a browser sends it back.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict"),
        "{set}"
    );
    set.split(';').next().unwrap().to_owned()
}

fn with_password(command: &mut Command, password: &str) -> std::process::Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{password}").unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn add_user(home: &Home, login: &str, role: &str) {
    let mut add = home.keji();
    add.args(["user", "add", login, "--role", role, "--name", login]);
    let done = with_password(&mut add, PASSWORD);
    assert!(done.status.success(), "{}", text(&done));
}

#[test]
fn the_first_user_needs_the_code_of_the_console() {
    for home in homes() {
        let (server, said) = Server::empty(home.keji());
        let code_of_console = said
            .split_whitespace()
            .find(|w| w.len() == 14 && w.matches('-').count() == 2)
            .unwrap_or_else(|| panic!("no code in {said:?}"));
        let state = |key: &str| get(&server, "/api/session", key).json()["state"].clone();
        assert_eq!(state(""), "setup");
        is(&get(&server, "/api/status", ""), 401, "signed_out");

        let mut wanted = json!({ "code": "AAAA-BBBB-CCCC", "login": "Li", "name": "李明", "password": PASSWORD });
        is(&post(&server, "/api/setup", "", &wanted), 403, "forbidden");
        wanted["code"] = json!(code_of_console.to_lowercase());
        wanted["password"] = json!("short");
        is(&post(&server, "/api/setup", "", &wanted), 422, "argument");
        wanted["password"] = json!(PASSWORD);
        let made = post(&server, "/api/setup", "", &wanted);
        assert_eq!(made.status, 201, "{}", made.json());
        let key = cookie(&made);
        assert_eq!(state(&key), "signed_in");
        assert_eq!(state(""), "signed_out");
        assert_eq!(get(&server, "/api/status", &key).status, 200);
        // Nobody gets in by it a second time.
        wanted["login"] = json!("other");
        for body in [&wanted, &json!({})] {
            let gone = post(&server, "/api/setup", "", body);
            is(&gone, 404, "no_such_path");
        }
    }
}

#[test]
fn signing_in_takes_the_right_password_and_ends() {
    for home in homes() {
        add_user(&home, "li", "owner");
        let server = home.server();
        let sign_in = |login: &str, password: &str| {
            let wanted = json!({ "login": login, "password": password });
            post(&server, "/api/session", "", &wanted)
        };
        is(&sign_in("li", "another password"), 401, "wrong_login");
        // The same for a name that nobody has.
        let nobody = sign_in("nobody", PASSWORD);
        assert_eq!(nobody.json()["detail"], sign_in("li", "x").json()["detail"]);
        let entered = sign_in(" LI ", PASSWORD);
        assert_eq!(entered.status, 200, "{}", entered.json());
        let key = cookie(&entered);
        assert_eq!(get(&server, "/api/status", &key).status, 200);
        let user = entered.json()["user"].clone();
        assert_eq!(
            (&user["login"], &user["role"]),
            (&json!("li"), &json!("owner"))
        );

        let changed = json!({ "old": PASSWORD, "new": "a new and longer one" });
        let other = cookie(&sign_in("li", PASSWORD));
        let path = "/api/session/password";
        is(
            &post(&server, path, &key, &json!({ "old": "x", "new": "y" })),
            422,
            "argument",
        );
        assert_eq!(post(&server, path, &key, &changed).status, 204);
        assert_eq!(get(&server, "/api/status", &key).status, 200);
        is(&get(&server, "/api/status", &other), 401, "signed_out");
        is(&sign_in("li", PASSWORD), 401, "wrong_login");

        assert_eq!(
            ask(&server, "DELETE", "/api/session", &key, &Json::Null).status,
            204
        );
        is(&get(&server, "/api/status", &key), 401, "signed_out");
        is(
            &get(&server, "/api/status", "keji_session=0123"),
            401,
            "signed_out",
        );
        is(&get(&server, "/api/status", "keji_0123"), 401, "signed_out");
    }
}

#[test]
fn wrong_passwords_make_the_next_try_wait() {
    let home = &homes()[0];
    add_user(home, "li", "owner");
    let server = home.server();
    let sign_in = |login: &str, password: &str| {
        post(
            &server,
            "/api/session",
            "",
            &json!({ "login": login, "password": password }),
        )
    };
    for _ in 0..6 {
        let _ = sign_in("li", "guess");
    }
    let refused = sign_in("li", PASSWORD);
    is(&refused, 429, "too_many_tries");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    // Others do not wait for it.
    is(&sign_in("wang", PASSWORD), 401, "wrong_login");
}

#[test]
fn tokens_do_what_their_scopes_say_and_no_more() {
    for home in homes() {
        add_user(&home, "li", "owner");
        let server = home.server();
        let made = |scopes: &[&str]| {
            let mut create = home.keji();
            create.args(["token", "create", "t", "--user", "li"]);
            create.args(scopes.iter().flat_map(|s| ["--scope", s]));
            let made = create.output().unwrap();
            assert!(made.status.success(), "{}", text(&made));
            String::from_utf8(made.stdout).unwrap().trim().to_owned()
        };
        let (all, read, products) = (made(&[]), made(&["read"]), made(&["product:read"]));
        assert_eq!(get(&server, "/api/users", &all).status, 200);
        is(&get(&server, "/api/users", &read), 403, "forbidden");
        assert_eq!(
            get(&server, "/api/exports/records/product?format=csv", &all).status,
            200
        );
        for key in [&read, &products] {
            let export = get(&server, "/api/exports/records/product?format=csv", key);
            is(&export, 403, "forbidden");
        }
        let question = json!({ "metrics": ["orders"] });
        assert_eq!(post(&server, "/api/insight", &read, &question).status, 200);
        is(
            &post(&server, "/api/insight", &products, &question),
            403,
            "forbidden",
        );

        let mut wrong = home.keji();
        wrong.args([
            "token",
            "create",
            "t",
            "--user",
            "li",
            "--scope",
            "everything",
        ]);
        assert_eq!(wrong.output().unwrap().status.code(), Some(2));
        let listed = get(&server, "/api/tokens", &all).json();
        let tokens = listed["tokens"].as_array().unwrap();
        assert_eq!(tokens.len(), 3);
        assert!(
            !listed.to_string().contains(&all[5..]),
            "a token is told again"
        );
        let id = tokens[0]["id"].clone();
        let ended = ask(
            &server,
            "DELETE",
            &format!("/api/tokens/{id}"),
            &all,
            &Json::Null,
        );
        assert_eq!(ended.status, 204);
        is(&get(&server, "/api/users", &all), 401, "signed_out");
    }
}

/// It could make itself a token that does everything.
#[test]
fn a_token_with_scopes_makes_no_way_in() {
    for home in homes() {
        add_user(&home, "li", "owner");
        let server = home.server();
        let mut create = home.keji();
        create.args(["token", "create", "t", "--user", "li", "--scope", "read"]);
        let made = create.output().unwrap();
        let read = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        assert_eq!(get(&server, "/api/status", &read).status, 200);
        for (method, path, body) in [
            ("POST", "/api/tokens", json!({ "name": "more" })),
            ("DELETE", "/api/tokens/1", Json::Null),
            ("POST", "/api/session/totp", Json::Null),
            ("POST", "/api/passkeys/options", Json::Null),
            ("DELETE", "/api/passkeys/1", Json::Null),
        ] {
            is(&ask(&server, method, path, &read, &body), 403, "forbidden");
        }
        let changed = json!({ "old": PASSWORD, "new": "a new and longer one" });
        let changed = post(&server, "/api/session/password", &read, &changed);
        is(&changed, 403, "forbidden");
    }
}

#[test]
fn who_comes_in_and_who_does_not_is_in_the_log() {
    for home in homes() {
        add_user(&home, "li", "representative");
        let server = home.server();
        let sign_in = |login: &str, password: &str| {
            let wanted = json!({ "login": login, "password": password });
            post(&server, "/api/session", "", &wanted)
        };
        is(&sign_in("li", "typed wrongly"), 401, "wrong_login");
        is(&sign_in("a password by mistake", "x"), 401, "wrong_login");
        let key = cookie(&sign_in("li", PASSWORD));
        let gone = ask(&server, "DELETE", "/api/session", &key, &Json::Null);
        assert_eq!(gone.status, 204);
        let of = |kind: &str| {
            let page = server.get(&format!("/api/audit?kind={kind}")).json();
            let entries = page["entries"].as_array().unwrap().clone();
            let told = |e: &Json| {
                assert_eq!(e["after"]["address"], "127.0.0.1", "{e}");
                assert_eq!(e["object"], Json::Null);
                (e["actor"].clone(), e["after"]["why"].clone())
            };
            entries.iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(of("sign_in"), [(json!("li"), Json::Null)]);
        assert_eq!(of("sign_out"), [(json!("li"), Json::Null)]);
        // What was typed for a name that nobody has may well be a password.
        assert_eq!(
            of("sign_in_failed"),
            [
                (json!(":unknown"), json!("wrong_login")),
                (json!("li"), json!("wrong_login"))
            ]
        );
        let whole = server.get("/api/audit").json();
        assert!(!whole.to_string().contains("by mistake"), "{whole}");
        // The same for colleagues, in the history of the user's record.
        assert_eq!(whole["is_whole"], json!(true));
    }
}

#[test]
fn a_flood_is_stopped_and_others_are_served() {
    for home in homes() {
        let li = token(&home.keji(), "li", "representative");
        let limits = ["--limit-requests", "10", "--limit-sign-ins", "3"];
        let server = Server::with(home.keji(), &limits);
        assert_eq!(server.get("/api/status").status, 200);
        let asked = |n: usize| {
            let times = (0..n).map(|_| {
                let started = std::time::Instant::now();
                let reply = server.get("/api/status");
                assert_eq!(reply.status, 200, "{}", reply.json());
                started.elapsed()
            });
            let mut times: Vec<_> = times.collect();
            times.sort();
            times[n / 2]
        };
        let before = asked(15);
        // From many sides at once, for as long as the other one asks.
        let (started, is_over) = (std::time::Instant::now(), AtomicBool::new(false));
        let (flood, during) = std::thread::scope(|scope| {
            let send = || {
                let mut replies = Vec::new();
                while replies.len() < 40 || !is_over.load(Ordering::Relaxed) {
                    replies.push(get(&server, "/api/session", &li));
                }
                replies
            };
            let senders: Vec<_> = (0..4).map(|_| scope.spawn(send)).collect();
            let during = asked(40);
            is_over.store(true, Ordering::Relaxed);
            let flood = senders.into_iter().map(|s| s.join().unwrap());
            (flood.collect::<Vec<_>>(), during)
        });
        let seconds = usize::try_from(started.elapsed().as_secs()).unwrap();
        let flood: Vec<&Reply> = flood.iter().flatten().collect();
        let stopped: Vec<&&Reply> = flood.iter().filter(|r| r.status == 429).collect();
        // Its first request counts with the address, as any unknown key's does.
        let served = flood.len() - stopped.len();
        assert!(flood.iter().all(|r| [200, 429].contains(&r.status)));
        assert!((95..130 + 10 * seconds).contains(&served), "{served}");
        let last = stopped[stopped.len() - 1];
        is(last, 429, "too_many_requests");
        let wait: u64 = last.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
        println!("another caller: {before:?} before the flood, {during:?} in it");
        assert!(during.as_millis() < 500, "{before:?}, then {during:?}");
        let wrong = json!({ "login": "nobody", "password": "x" });
        for _ in 0..3 {
            is(
                &post(&server, "/api/session", "", &wrong),
                401,
                "wrong_login",
            );
        }
        let stopped = post(&server, "/api/session", "", &wrong);
        is(&stopped, 429, "too_many_tries");
        assert!(stopped.header("retry-after").is_some());
    }
}

#[test]
fn behind_a_proxy_the_public_address_is_the_servers_own() {
    let home = &homes()[0];
    add_user(home, "li", "owner");
    let server = Server::with(home.keji(), &["--public-url", "https://keji.example.com"]);
    let sign_in = |host: &str, origin: &str, from: &str| {
        let headers = [
            ("host", host),
            ("origin", origin),
            ("x-forwarded-for", from),
            ("content-type", "application/json"),
        ];
        let wanted = json!({ "login": "li", "password": PASSWORD }).to_string();
        server.send_raw("POST", "/api/session", &headers, wanted.as_bytes())
    };
    let own = "https://keji.example.com";
    let made = sign_in("keji.example.com", own, "6.6.6.6, 8.8.8.8");
    assert_eq!(made.status, 200, "{}", made.json());
    assert!(made.header("set-cookie").unwrap().ends_with("; Secure"));
    for (host, origin) in [
        ("keji.example.com", "http://keji.example.com"),
        ("keji.example.com", "http://localhost"),
        ("evil.example.com", own),
        (server.address.as_str(), own),
    ] {
        is(&sign_in(host, origin, "8.8.8.8"), 403, "foreign_request");
    }
    let log = server.get("/api/audit?kind=sign_in").json();
    assert_eq!(log["entries"][0]["after"]["address"], "8.8.8.8", "{log}");
}

/// The id of a customer, as the owner sees it.
fn customer(server: &Server, number: &str) -> i64 {
    let path = format!("/api/customers?where=number%20%3D%20%27{number}%27");
    let list = server.get(&path).json();
    list["resources"][0]["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("{list}"))
}

#[test]
fn a_representative_sees_what_is_his_at_every_door() {
    for home in homes() {
        let file = home.data.path().join("orders.csv");
        std::fs::write(&file, FILE).unwrap();
        let imported = home.keji().arg("import").arg(&file).output().unwrap();
        assert!(imported.status.success(), "{}", text(&imported));
        let li = token(&home.keji(), "li", "representative");
        let wang = token(&home.keji(), "wang", "representative");
        let boss = token(&home.keji(), "zhou", "manager");
        let server = home.server();
        let users = server.get("/api/users").json();
        let id_of = |login: &str| {
            let users = users["users"].as_array().unwrap();
            users.iter().find(|u| u["login"] == login).unwrap()["id"].clone()
        };
        home.own(&[("K1", id_of("li")), ("K2", id_of("wang"))]);
        let names = |key: &str, rest: &str| -> Vec<String> {
            let list = get(&server, &format!("/api/customers?sort=number{rest}"), key).json();
            assert_eq!(
                list["total"],
                list["resources"].as_array().unwrap().len(),
                "{list}"
            );
            let all = list["resources"].as_array().unwrap().iter();
            all.map(|c| c["number"].as_str().unwrap().to_owned())
                .collect()
        };
        // Lists, counts, search.
        assert_eq!(names(&server.token, ""), ["K1", "K2", "K3"]);
        assert_eq!(names(&li, ""), ["K1"]);
        assert_eq!(names(&wang, ""), ["K2"]);
        assert_eq!(names(&li, "&search=%E4%B9%99"), Vec::<String>::new());
        assert_eq!(names(&wang, "&search=%E4%B9%99"), ["K2"]);
        // Without a department a manager sees his own: nothing.
        assert_eq!(names(&boss, ""), Vec::<String>::new());
        // One record and what belongs to it.
        let (one, two) = (customer(&server, "K1"), customer(&server, "K2"));
        for (id, key, status) in [(one, &li, 200), (two, &li, 404), (two, &wang, 200)] {
            let reply = get(&server, &format!("/api/customers/{id}"), key);
            assert_eq!(reply.status, status, "{}", reply.json());
            let orders = get(&server, &format!("/api/customers/{id}/orders"), key);
            let n = orders.json()["total"].as_i64().unwrap_or(0);
            assert_eq!(n > 0, status == 200, "{}", orders.json());
        }
        // Numbers, and what stands behind them.
        let sales = |key: &str, more: Json| {
            let mut question = json!({ "metrics": ["gross_sales"] });
            question
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            post(&server, "/api/insight", key, &question).json()["rows"].clone()
        };
        assert_eq!(sales(&server.token, json!({})), json!([["42"]]));
        assert_eq!(sales(&li, json!({})), json!([["30"]]));
        assert_eq!(sales(&wang, json!({})), json!([["5"]]));
        assert_eq!(
            sales(&li, json!({ "where": "customer.name = '乙'" })),
            json!([["0"]])
        );
        let by = sales(&wang, json!({ "by": ["customer.name"] }));
        assert_eq!(by, json!([["乙", "5"]]));
        let question = json!({ "metrics": ["buyers"], "grain": "month" });
        let buyers = post(&server, "/api/insight", &li, &question).json();
        let n: Vec<&Json> = buyers["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| &r[1])
            .collect();
        assert_eq!(n, [&json!(1), &json!(1)], "{buyers}");
        let rows = post(
            &server,
            "/api/insight/rows",
            &li,
            &json!({ "metrics": ["orders"] }),
        );
        assert_eq!(rows.json()["total"], 2, "{}", rows.json());
        // What sums customers up sums up what each sees.
        let evaluation = server.get("/api/evaluations").json()["resources"][0]["as_of"].clone();
        let path = format!("/api/evaluations/{}", evaluation.as_str().unwrap());
        assert_eq!(server.get(&path).status, 200);
        let part = get(&server, &path, &li).json();
        let told = (&part["is_partial"], &part["n_customers"]);
        assert_eq!(told, (&json!(true), &json!(1)), "{part}");
        let counts = get(&server, "/api/status", &li).json()["counts"].clone();
        assert_eq!(counts["customer"], json!(null), "{counts}");
        // Files, imports, people, the log.
        for path in [
            "/api/exports/customers?format=csv",
            "/api/exports/records/order?format=csv",
            "/api/imports",
            "/api/users",
            "/api/audit",
        ] {
            is(&get(&server, path, &li), 403, "forbidden");
        }
        let role = json!({ "name": { "zh": "x", "en": "x" }, "about": { "zh": "", "en": "" }, "grants": [], "admin": ["users"] });
        let made = ask(&server, "PUT", "/api/roles/mine", &li, &role);
        is(&made, 403, "forbidden");
        let submitted = post(&server, "/api/evaluations", &li, &json!({}));
        is(&submitted, 403, "forbidden");

        // A department makes the manager see its members' customers.
        let department = json!({ "name": "East" });
        let east = server.post("/api/departments", &department).json()["id"].clone();
        let below = json!({ "name": "Shanghai", "kind": "team", "parent": east });
        let team = server.post("/api/departments", &below).json()["id"].clone();
        let put = |login: &str, department: &Json| {
            let wanted = json!({ "departments": [{ "id": department }] });
            let path = format!("/api/users/{}", id_of(login));
            let changed = ask(&server, "PATCH", &path, &server.token, &wanted);
            assert_eq!(changed.status, 204);
        };
        put("zhou", &east);
        put("li", &team);
        assert_eq!(names(&boss, ""), ["K1"]);
        assert_eq!(sales(&boss, json!({})), json!([["30"]]));
        // A circle is refused.
        let circle = json!({ "name": "East", "parent": team });
        let path = format!("/api/departments/{east}");
        is(
            &ask(&server, "PATCH", &path, &server.token, &circle),
            422,
            "argument",
        );

        // What is not named stays.
        let renamed = ask(
            &server,
            "PATCH",
            &format!("/api/departments/{team}"),
            &server.token,
            &json!({ "name": "Suzhou" }),
        );
        assert_eq!(renamed.status, 204);
        let tree = server.get("/api/departments").json();
        let team_now = tree["departments"]
            .as_array()
            .unwrap()
            .iter()
            .find(|d| d["id"] == team);
        let team_now = team_now.unwrap();
        assert_eq!(
            (&team_now["name"], &team_now["parent"]),
            (&json!("Suzhou"), &east)
        );
        assert_eq!(team_now["kind"], "team");

        // Who leaves hands over, and is out.
        let path = format!("/api/users/{}/hand-over", id_of("wang"));
        let handed = server.post(&path, &json!({ "to": id_of("li") })).json();
        assert_eq!(handed["n_records"], 1, "{handed}");
        assert_eq!(names(&li, ""), ["K1", "K2"]);
        let path = format!("/api/users/{}", id_of("wang"));
        let gone = json!({ "is_active": false });
        assert_eq!(
            ask(&server, "PATCH", &path, &server.token, &gone).status,
            204
        );
        is(&get(&server, "/api/status", &wang), 401, "signed_out");
        // The last owner stays.
        let path = format!("/api/users/{}", id_of("owner"));
        is(
            &ask(&server, "PATCH", &path, &server.token, &gone),
            409,
            "last_owner",
        );

        // All of it is in the log, without a secret.
        let log = server.get("/api/audit?limit=500").json();
        let entries = log["entries"].as_array().unwrap();
        assert!(
            entries
                .iter()
                .any(|e| e["object"] == "customer" && e["after"]["user"] == id_of("li"))
        );
        assert!(entries.iter().any(|e| e["after"]["token_made"] == "test"));
        assert!(!log.to_string().contains("argon2"), "a hash in the log");
        assert_eq!(log["is_whole"], true, "{log}");
        let updates = server
            .get("/api/audit?kind=update&object=customer&limit=2")
            .json();
        let kinds: Vec<&Json> = (updates["entries"].as_array().unwrap().iter())
            .map(|e| &e["kind"])
            .collect();
        assert_eq!(kinds, [&json!("update"); 2], "{updates}");
        assert_eq!(server.get("/api/audit?kind=ghost").status, 400);
        let of_owner = server
            .get("/api/audit?actor=owner&object=department")
            .json();
        assert!(
            of_owner["entries"].as_array().unwrap().len() >= 2,
            "{of_owner}"
        );
    }
}

#[test]
fn a_role_of_ones_own_hides_fields_and_rows() {
    for home in homes() {
        let file = home.data.path().join("orders.csv");
        std::fs::write(&file, FILE).unwrap();
        assert!(
            home.keji()
                .arg("import")
                .arg(&file)
                .output()
                .unwrap()
                .status
                .success()
        );
        let server = home.server();
        let role = |fields: Json, object: &str| {
            json!({
                "name": { "zh": "客服", "en": "Desk" },
                "about": { "zh": "", "en": "" },
                "grants": [{ "object": object, "actions": ["read", "export"], "rows": "all" }],
                "fields": fields,
            })
        };
        let save = |role: &Json| ask(&server, "PUT", "/api/roles/desk", &server.token, role);
        let wrong = save(&role(
            json!([{ "field": "customer.ghost", "as": "hidden" }]),
            "*",
        ));
        is(&wrong, 422, "definition");
        let wrong = save(&role(json!([]), "ghost"));
        is(&wrong, 422, "definition");
        is(
            &ask(
                &server,
                "PUT",
                "/api/roles/owner",
                &server.token,
                &role(json!([]), "*"),
            ),
            422,
            "argument",
        );
        let hidden = json!([{ "field": "customer.name", "as": "hidden" }, { "field": "order.net_amount", "as": "hidden" }]);
        assert_eq!(save(&role(hidden, "*")).status, 204);
        let desk = token(&home.keji(), "desk", "desk");

        let export = get(&server, "/api/exports/records/customer?format=csv", &desk);
        assert_eq!(
            export.status,
            200,
            "{}",
            String::from_utf8_lossy(&export.body)
        );
        let csv = String::from_utf8(export.body).unwrap();
        assert!(csv.contains("K1") && !csv.contains('甲'), "{csv}");
        for question in [
            json!({ "metrics": ["net_revenue"] }),
            json!({ "metrics": ["orders"], "by": ["customer.name"] }),
            json!({ "metrics": ["orders"], "where": "customer.name = '甲'" }),
        ] {
            is(
                &post(&server, "/api/insight", &desk, &question),
                403,
                "forbidden",
            );
        }
        let orders = post(
            &server,
            "/api/insight",
            &desk,
            &json!({ "metrics": ["orders"] }),
        );
        assert_eq!(orders.json()["rows"], json!([[4]]), "{}", orders.json());
        let found = get(&server, "/api/customers?search=%E7%94%B2", &desk);
        assert!(
            found.status != 200 || found.json()["total"] == 0,
            "{}",
            found.json()
        );

        let delete = |key: &str| ask(&server, "DELETE", "/api/roles/desk", key, &Json::Null);
        is(&delete(&server.token), 409, "role_in_use");
    }
}

#[test]
fn records_of_any_object_keep_to_the_role() {
    for home in homes() {
        let file = home.data.path().join("orders.csv");
        std::fs::write(&file, FILE).unwrap();
        let imported = home.keji().arg("import").arg(&file).output().unwrap();
        assert!(imported.status.success(), "{}", text(&imported));
        let li = token(&home.keji(), "li", "representative");
        let wang = token(&home.keji(), "wang", "representative");
        let looks = token(&home.keji(), "ma", "marketing");
        let server = home.server();
        let users = server.get("/api/users").json();
        let id_of = |login: &str| {
            let users = users["users"].as_array().unwrap();
            users.iter().find(|u| u["login"] == login).unwrap()["id"].clone()
        };
        home.own(&[("K1", id_of("li")), ("K2", id_of("wang"))]);
        let (own, other) = (customer(&server, "K1"), customer(&server, "K2"));
        let n = |object: &str, key: &str, rest: &str| {
            let path = format!("/api/records/{object}?count=true{rest}");
            let page = get(&server, &path, key).json();
            assert_eq!(
                page["total"],
                page["rows"].as_array().map_or(0, Vec::len),
                "{page}"
            );
            page["total"].as_i64().unwrap()
        };
        for (object, all, his) in [
            ("customer", 3, 1),
            ("order", 4, 2),
            ("order_line", 4, 2),
            ("product", 2, 2),
        ] {
            assert_eq!(n(object, &server.token, ""), all, "{object}");
            assert_eq!(n(object, &li, ""), his, "{object}");
        }
        assert_eq!(
            n("order", &li, "&where=customer.number%20%3D%20%27K2%27"),
            0
        );
        let path = |id: i64| format!("/api/records/customer/{id}");
        assert_eq!(get(&server, &path(own), &li).status, 200);
        for door in [path(other), format!("{}/history", path(other))] {
            assert_eq!(get(&server, &door, &li).status, 404, "{door}");
        }
        let patch = |id: i64, key: &str, body: &Json| ask(&server, "PATCH", &path(id), key, body);
        assert_eq!(patch(own, &li, &json!({ "city": "上海" })).status, 200);
        assert_eq!(patch(other, &li, &json!({ "city": "上海" })).status, 404);
        // Nobody gives himself, or away, what the role keeps.
        is(
            &patch(own, &li, &json!({ "user": id_of("wang") })),
            403,
            "forbidden",
        );
        let delete = ask(&server, "DELETE", &path(own), &li, &Json::Null);
        is(&delete, 403, "forbidden");
        is(
            &patch(own, &looks, &json!({ "city": "x" })),
            403,
            "forbidden",
        );
        let create = |key: &str, body: &Json| post(&server, "/api/records/contact", key, body);
        let contact = |customer: i64| json!({ "customer": customer, "name": "赵" });
        let made = create(&li, &contact(own));
        assert_eq!(made.status, 201, "{}", made.json());
        let refused = create(&li, &contact(other));
        assert!([403, 422].contains(&refused.status), "{}", refused.json());
        assert_eq!(create(&wang, &contact(other)).status, 201);
        assert_eq!(
            (n("contact", &li, ""), n("contact", &server.token, "")),
            (1, 2)
        );
        // A customer of one's own making is one's own.
        let mine = post(
            &server,
            "/api/records/customer",
            &li,
            &json!({ "name": "丁" }),
        );
        assert_eq!(
            mine.json()["values"]["user"],
            id_of("li"),
            "{}",
            mine.json()
        );
        // All or nothing, also of what is not allowed.
        let operations = json!({ "atomic": true, "operations": [
            { "update": { "id": own, "values": { "city": "北京" } } },
            { "update": { "id": other, "values": { "city": "北京" } } },
        ] });
        let bulk = post(&server, "/api/records/customer/bulk", &li, &operations);
        assert!(bulk.status >= 400, "{}", bulk.json());
        let city = get(&server, &path(own), &li).json()["values"]["city"].clone();
        assert_eq!(city, "上海");
        // A task of his with somebody else's customer shows no more of it.
        let task =
            json!({ "customer": other, "user": id_of("li"), "due_on": "2026-01-31", "name": "x" });
        let fields = server.get("/api/objects/task").json();
        let known = fields["fields"].as_array().unwrap();
        let task: serde_json::Map<String, Json> = (task.as_object().unwrap().iter())
            .filter(|(name, _)| known.iter().any(|f| f["id"] == **name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let made = server.post("/api/records/task", &Json::Object(task));
        assert_eq!(made.status, 201, "{}", made.json());
        assert_eq!(n("task", &li, ""), 1);
        let through = get(&server, "/api/records/task?fields=customer.name", &li);
        is(&through, 403, "forbidden");
        let through = get(
            &server,
            "/api/records/task?where=customer.name%20%3D%20%27x%27",
            &li,
        );
        assert!([403, 422].contains(&through.status), "{}", through.json());
        let listed = get(&server, "/api/records/task", &li).json();
        assert_eq!(
            listed["rows"][0]["links"]["customer"],
            json!(null),
            "{listed}"
        );
        // What is offered is what is allowed.
        let objects = get(&server, "/api/objects", &li).json();
        let actions = |id: &str| {
            let all = objects["objects"].as_array().unwrap();
            all.iter().find(|o| o["id"] == id).unwrap()["actions"].clone()
        };
        assert_eq!(actions("customer"), json!(["read", "create", "update"]));
        assert_eq!(actions("order"), json!(["read", "create", "update"]));
    }
}

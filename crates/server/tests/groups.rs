//! Records counted and added up by a field: what a list's chart shows agrees
//! with the list behind it, on both kinds of database.

use crate::support::{Home, Reply, Server, homes, token};
use serde_json::{Value as Json, json};

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

fn is(reply: Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

fn make(server: &Server, object: &str, values: Json) -> i64 {
    let made = server.post(&format!("/api/records/{object}"), &values);
    is(made, 201)["id"].as_i64().unwrap()
}

fn encoded(text: &str) -> String {
    let byte = |b: u8| match b.is_ascii_alphanumeric() || b"&=".contains(&b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn groups(server: &Server, key: &str, object: &str, asked: &str) -> Json {
    let path = format!("/api/records/{object}/groups?{}", encoded(asked));
    is(ask(server, "GET", &path, key, &Json::Null), 200)
}

fn total(server: &Server, key: &str, object: &str, filter: &str) -> i64 {
    let filter = encoded(&format!("where={filter}"));
    let path = format!("/api/records/{object}?limit=1&count=true&{filter}");
    let page = is(ask(server, "GET", &path, key, &Json::Null), 200);
    page["total"].as_i64().unwrap()
}

/// Label, count and sum of each.
fn rows(found: &Json) -> Json {
    let groups = found["groups"].as_array().unwrap();
    let row = |g: &Json| json!([g["label"], g["count"], g["sum"]]);
    Json::Array(groups.iter().map(row).collect())
}

fn on_both(story: fn(&Home, &Server)) {
    for home in homes() {
        let server = home.server();
        story(&home, &server);
    }
}

#[test]
fn groups_agree_with_the_list_behind_them() {
    on_both(|_, server| {
        let key = server.token.as_str();
        let customer = make(
            server,
            "customer",
            json!({ "number": "K1", "name": "青山" }),
        );
        let pipeline = make(
            server,
            "pipeline",
            json!({ "name": "新客户", "is_active": true }),
        );
        let stage = |name: &str, n: i64| {
            let values =
                json!({ "pipeline": pipeline, "name": name, "sequence": n, "kind": "open" });
            make(server, "stage", values)
        };
        let (first, second) = (stage("初访", 1), stage("报价", 2));
        let all = [
            (first, json!("0.1"), json!("2026-01-31"), json!("price")),
            (first, json!("0.2"), json!("2026-02-01"), json!(null)),
            (first, json!("99999999.9999"), json!(null), json!(null)),
            (second, json!(null), json!("2025-12-31"), json!("price")),
        ];
        for (i, (stage, amount, expected, reason)) in all.iter().enumerate() {
            let values = json!({
                "number": format!("O{i}"), "name": format!("商机{i}"), "customer": customer,
                "stage": stage, "amount": amount, "opened_on": "2025-12-01",
                "expected_on": expected, "lost_reason": reason,
            });
            make(server, "opportunity", values);
        }
        let asked = "by=stage&sum=amount";
        let found = groups(server, key, "opportunity", asked);
        // Exact, and nothing is not zero.
        assert_eq!(
            rows(&found),
            json!([["初访", 3, "100000000.2999"], ["报价", 1, null]])
        );
        assert_eq!(found["groups"][0]["value"], first);
        assert_eq!(
            (&found["count"], &found["sum"]),
            (&json!(4), &json!("100000000.2999"))
        );
        assert_eq!(found["other"], json!(null));
        assert_eq!(found["is_partial"], false);
        // Months in the order of time, those without a day last.
        let found = groups(server, key, "opportunity", "by=expected_on&grain=month");
        assert_eq!(
            rows(&found),
            json!([
                ["2025-12", 1, null],
                ["2026-01", 1, null],
                ["2026-02", 1, null],
                ["(empty)", 1, null],
            ])
        );
        assert_eq!(found["groups"][1]["value"], "2026-01-01");
        assert_eq!(found["groups"][3]["value"], json!(null));
        let found = groups(server, key, "opportunity", "by=lost_reason&sum=amount");
        assert_eq!(
            rows(&found),
            json!([["Price", 2, "0.1"], ["(empty)", 2, "100000000.1999"]])
        );
        let found = groups(server, key, "pipeline", "by=is_active");
        assert_eq!(rows(&found), json!([["Yes", 1, null]]));
        // Over a link, and with the list's condition and search.
        let found = groups(server, key, "opportunity", "by=stage.pipeline");
        assert_eq!(rows(&found), json!([["新客户", 4, null]]));
        let found = groups(
            server,
            key,
            "opportunity",
            "by=stage&where=amount < 1&search=商机",
        );
        assert_eq!(rows(&found), json!([["初访", 2, null]]));
        let found = groups(server, key, "opportunity", "by=stage&search=没有");
        assert_eq!((rows(&found), &found["count"]), (json!([]), &json!(0)));
        for (by, text, condition) in [
            ("stage", "初访".to_owned(), format!("stage = {first}")),
            (
                "lost_reason",
                "(empty)".to_owned(),
                "lost_reason is null".to_owned(),
            ),
            (
                "expected_on",
                "2026-01".to_owned(),
                "expected_on between '2026-01-01' and '2026-01-31'".to_owned(),
            ),
        ] {
            let found = groups(server, key, "opportunity", &format!("by={by}"));
            let group = found["groups"].as_array().unwrap();
            let group = group.iter().find(|g| g["label"] == text.as_str()).unwrap();
            assert_eq!(
                group["count"],
                total(server, key, "opportunity", &condition),
                "{by}"
            );
        }
        // Several currencies are not added up.
        let add = |number: &str, currency: Json| {
            let values = json!({
                "number": number, "name": number, "customer": customer, "stage": second,
                "amount": "7", "opened_on": "2025-12-01", "currency": currency,
            });
            make(server, "opportunity", values);
        };
        add("U1", json!("USD"));
        let found = groups(server, key, "opportunity", asked);
        assert_eq!(
            (&found["is_mixed"], &found["sum"]),
            (&json!(true), &json!(null))
        );
        assert_eq!(rows(&found), json!([["初访", 3, null], ["报价", 2, null]]));
        let found = groups(
            server,
            key,
            "opportunity",
            "by=stage&sum=amount&where=currency = 'USD'",
        );
        assert_eq!(rows(&found), json!([["报价", 1, "7"]]));
        assert_eq!(
            (&found["is_mixed"], &found["currency"]),
            (&json!(false), &json!("USD"))
        );
        let found = groups(server, key, "opportunity", "by=currency");
        assert_eq!(
            rows(&found),
            json!([["USD", 1, null], ["(empty)", 4, null]])
        );
    });
}

#[test]
fn the_months_of_instants_are_civil() {
    on_both(|_, server| {
        let key = server.token.as_str();
        let customer = make(
            server,
            "customer",
            json!({ "number": "K1", "name": "青山" }),
        );
        for (i, at) in [
            "2026-01-31T15:59:59.999999Z",
            "2026-01-31T16:00:00Z",
            // Shanghai had summer time: an hour earlier.
            "1988-06-30T14:59:59Z",
            "1988-06-30T15:00:00Z",
            "1969-12-31T15:59:59.999999Z",
            "1969-12-31T16:00:00Z",
            "0001-01-01T00:00:00Z",
            "9999-12-30T15:00:00Z",
        ]
        .iter()
        .enumerate()
        {
            let values = json!({
                "number": format!("T{i}"), "subject": "x", "customer": customer,
                "opened_on": "2026-01-31", "opened_at": at,
            });
            make(server, "ticket", values);
        }
        let found = groups(server, key, "ticket", "by=opened_at");
        let labels: Vec<&str> = found["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| g["label"].as_str().unwrap())
            .collect();
        assert_eq!(
            labels,
            [
                "0001-01", "1969-12", "1970-01", "1988-06", "1988-07", "2026-01", "2026-02",
                "9999-12"
            ]
        );
    });
}

#[test]
fn more_groups_than_fit_come_as_one() {
    on_both(|_, server| {
        let key = server.token.as_str();
        let operations: Vec<Json> = (1..=60)
            .map(|i| json!({ "create": { "number": format!("K{i}"), "name": format!("客户{i}") } }))
            .collect();
        let body = json!({ "operations": operations });
        let made = is(server.post("/api/records/customer/bulk", &body), 200);
        let ids: Vec<i64> = made["outcomes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["id"].as_i64().unwrap())
            .collect();
        let day = |i: usize| format!("{}-{:02}-01", 2015 + i / 12, 1 + i % 12);
        let operations: Vec<Json> = ids.iter().enumerate()
            .map(|(i, id)| json!({ "create": {
                "customer": id, "class": "service", "amount": format!("{}.01", i + 1), "incurred_on": day(i),
            } }))
            .chain([json!({ "create": { "class": "service", "amount": "0.5", "incurred_on": "2030-01-01" } })])
            .collect();
        is(
            server.post(
                "/api/records/cost/bulk",
                &json!({ "operations": operations }),
            ),
            200,
        );
        let found = groups(server, key, "cost", "by=customer&sum=amount");
        let shown = found["groups"].as_array().unwrap();
        assert_eq!(shown.len(), 50);
        // The largest first, what has no customer last, and the rest in one.
        assert_eq!(shown[0]["label"], "客户60");
        assert_eq!(shown[0]["sum"], "60.01");
        assert_eq!(shown[49]["label"], "(empty)");
        assert_eq!(shown[49]["sum"], "0.5");
        // 1.01 to 11.01
        assert_eq!(
            found["other"],
            json!({ "n_groups": 11, "count": 11, "sum": "66.11" })
        );
        assert_eq!(
            (&found["count"], &found["sum"]),
            (&json!(61), &json!("1831.1"))
        );
        let found = groups(server, key, "cost", "by=incurred_on");
        let shown = found["groups"].as_array().unwrap();
        assert_eq!((shown.len(), &shown[49]["label"]), (50, &json!("2030-01")));
        assert_eq!(
            (&shown[0]["label"], &found["other"]["count"]),
            (&json!("2015-12"), &json!(11))
        );
    });
}

#[test]
fn groups_keep_to_the_role() {
    on_both(|home, server| {
        let li = token(&home.keji(), "li", "representative");
        let users = server.get("/api/users").json();
        let all = users["users"].as_array().unwrap();
        let li_id = all.iter().find(|u| u["login"] == "li").unwrap()["id"].clone();
        let own = json!({ "number": "K1", "name": "甲", "city": "上海", "user": li_id });
        let own = make(server, "customer", own);
        let other = json!({ "number": "K2", "name": "乙", "city": "北京" });
        let other = make(server, "customer", other);
        for (customer, amount) in [(own, "10"), (other, "3")] {
            let cost = json!({ "customer": customer, "class": "service", "amount": amount, "incurred_on": "2026-01-01" });
            make(server, "cost", cost);
        }
        let found = groups(server, &li, "cost", "by=customer&sum=amount");
        assert_eq!(rows(&found), json!([["甲", 1, "10"]]));
        assert_eq!(
            (&found["sum"], &found["is_partial"]),
            (&json!("10"), &json!(true))
        );
        let found = groups(server, &li, "customer", "by=city");
        assert_eq!(rows(&found), json!([["上海", 1, null]]));

        let role = json!({
            "name": { "zh": "客服", "en": "Desk" },
            "about": { "zh": "", "en": "" },
            "grants": [{ "object": "*", "actions": ["read"], "rows": "all" }],
            "fields": [
                { "field": "customer.city", "as": "hidden" },
                { "field": "customer.phone", "as": "masked" },
                { "field": "cost.amount", "as": "hidden" },
                { "field": "opportunity.currency", "as": "hidden" },
            ],
        });
        let saved = ask(server, "PUT", "/api/roles/desk", &server.token, &role);
        assert_eq!(saved.status, 204);
        let desk = token(&home.keji(), "desk", "desk");
        for (path, field) in [
            ("customer/groups?by=city", "by"),
            ("customer/groups?by=phone", "by"),
            ("cost/groups?by=customer.city", "by"),
            ("cost/groups?by=customer&sum=amount", "sum"),
            ("customer/groups?by=kind&where=city%20is%20null", "where"),
            ("customer/groups?by=ghost", "by"),
            ("customer/groups?by=", "by"),
            ("customer/groups?by=id", "by"),
            ("cost/groups?by=amount", "by"),
            ("opportunity/groups?by=stage&sum=name", "sum"),
            ("opportunity/groups?by=stage&sum=stage.sequence", "sum"),
            ("opportunity/groups?by=stage&grain=month", "grain"),
            ("opportunity/groups?by=opened_on&grain=week", "grain"),
        ] {
            let path = format!("/api/records/{path}");
            let refused = is(ask(server, "GET", &path, &desk, &Json::Null), 422);
            assert_eq!(refused["fields"][0]["field"], field, "{path}: {refused}");
        }
        is(server.get("/api/records/customer/groups"), 400);
        // Who may not see of which currency it is, is told no sum.
        let found = groups(server, &desk, "opportunity", "by=stage&sum=amount");
        assert_eq!(found["is_mixed"], true);
        let nothing = json!({ "name": { "zh": "x", "en": "x" }, "about": { "zh": "", "en": "" },
            "grants": [{ "object": "task", "actions": ["read"], "rows": "all" }] });
        let saved = ask(server, "PUT", "/api/roles/little", &server.token, &nothing);
        assert_eq!(saved.status, 204);
        let little = token(&home.keji(), "little", "little");
        let path = "/api/records/customer/groups?by=kind";
        is(ask(server, "GET", path, &little, &Json::Null), 403);
        let path = "/api/records/task/groups?by=customer.city";
        is(ask(server, "GET", path, &little, &Json::Null), 403);
        is(ask(server, "GET", path, "", &Json::Null), 401);
    });
}

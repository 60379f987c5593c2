//! Metrics that somebody defines in the page: with the checker and the worked
//! example of every metric, in versions, asked at once.

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

fn import(home: &Home) {
    let file = "单号,日期,客户编号,客户,产品,数量,单价\n\
                S1,2024-01-05,K1,甲,茶,1,100\n\
                S2,2024-01-20,K2,乙,杯,1,30\n\
                S3,2024-02-03,K1,甲,茶,1,7\n";
    let path = home.data.path().join("orders.csv");
    std::fs::write(&path, file).unwrap();
    let imported = home.keji().arg("import").arg(&path).output().unwrap();
    assert!(imported.status.success(), "{}", text(&imported));
}

fn example(rows: &[Json], is: &str) -> Json {
    json!({ "given": [{ "object": "order", "rows": rows }],
        "from": "2024-01-01", "to": "2024-02-01", "is": is })
}

fn order(customer: &str, day: &str, amount: &str) -> Json {
    json!({ "customer": customer, "kind": "sale", "ordered_on": day, "gross_amount": amount })
}

/// Orders of 50 and more.
fn large() -> Json {
    let rows = [
        order("A", "2024-01-05", "50"),
        order("A", "2024-01-31", "49.99"),
        order("B", "2024-02-01", "80"),
    ];
    json!({ "name": { "zh": "大单数", "en": "Large orders" },
        "about": { "zh": "五十元以上的订单。", "en": "Orders of 50 and more." },
        "unit": "count", "direction": "up", "owner": "manager", "min_n": 5,
        "measure": { "agg": "count", "from": "order", "where": "gross_amount >= 50" },
        "example": example(&rows, "1") })
}

fn define(server: &Server, id: &Json, draft: &Json, dry_run: bool) -> Reply {
    let version = server.get("/api/design").json()["version"].clone();
    server.post(
        "/api/design",
        &json!({ "version": version, "dry_run": dry_run, "note": "because",
            "metrics": [{ "id": id, "draft": draft }] }),
    )
}

fn ask(server: &Server, metric: &str) -> Json {
    let question = json!({ "metrics": [metric], "from": "2024-01-01", "to": "2024-02-01",
        "as_of": "2024-03-01" });
    let reply = server.post("/api/insight", &question);
    assert_eq!(reply.status, 200, "{}", reply.json());
    reply.json()["rows"].clone()
}

/// The first fault: its place, and what it says.
fn fault(reply: &Reply) -> (String, String) {
    let told = reply.json();
    assert_eq!(reply.status, 422, "{told}");
    let first = &told["fields"][0];
    let text = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
    (text("field"), text("detail"))
}

#[test]
fn a_metric_of_one_s_own_is_checked_by_its_example_and_asked_at_once() {
    for home in homes() {
        import(&home);
        let server = home.server();

        // Looked at first: nothing is there yet.
        let looked = define(&server, &Json::Null, &large(), true);
        assert_eq!(looked.status, 200, "{}", looked.json());
        assert_eq!(looked.json()["is_applied"], false);
        assert_eq!(looked.json()["steps"][0]["kind"], "add_file");
        assert_eq!(server.get("/api/metrics/large_orders").status, 404);

        let made = define(&server, &Json::Null, &large(), false).json();
        assert_eq!(made["metrics"], json!(["large_orders"]), "{made}");
        assert_eq!(ask(&server, "large_orders"), json!([[1]]));
        let told = server.get("/api/metrics/large_orders").json();
        assert_eq!(told["owner"]["role"], "manager");
        assert_eq!(told["group"], "own");
        // Who the orders are of stands in the example by itself.
        let given = told["examples"][0]["given"].as_array().unwrap();
        let customers = given.iter().find(|g| g["object"] == "customer").unwrap();
        assert_eq!(customers["rows"], json!([["A"], ["B"]]));

        // Back into the form as it was said, and nothing changes by itself.
        let read = server.get("/api/design/metrics/large_orders").json();
        assert_eq!(read["metric_version"], 1);
        assert_eq!(read["draft"]["measure"], large()["measure"]
            .as_object()
            .map(|m| json!({ "agg": m["agg"], "from": m["from"], "expr": null, "where": m["where"] }))
            .unwrap());
        let same = define(&server, &json!("large_orders"), &read["draft"], true).json();
        assert_eq!(same["steps"], json!([]), "{same}");

        // Nor of one that was made with its object, and stands on a later day.
        let object = json!({ "name": { "zh": "来访", "en": "Visit" }, "measured_by": "day",
            "fields": [{ "type": "date", "name": { "zh": "日期", "en": "Day" }, "is_required": true }] });
        let version = server.get("/api/design").json()["version"].clone();
        let change =
            json!({ "version": version, "objects": [{ "draft": object, "with_metrics": true }] });
        let made = server.post("/api/design", &change);
        assert_eq!(made.status, 200, "{}", made.json());
        let visits = server.get("/api/design/metrics/visit_count").json();
        assert_eq!(visits["draft"]["example"]["to"], "2024-02-01");
        let same = define(&server, &json!("visit_count"), &visits["draft"], true).json();
        assert_eq!(same["steps"], json!([]), "{same}");

        // Another meaning is another version.
        let mut all = read["draft"].clone();
        all["measure"]["where"] = json!("gross_amount >= 30");
        all["example"]["is"] = json!("2");
        let changed = define(&server, &json!("large_orders"), &all, false);
        assert_eq!(changed.status, 200, "{}", changed.json());
        assert_eq!(ask(&server, "large_orders"), json!([[2]]));
        let read = server.get("/api/design/metrics/large_orders").json();
        assert_eq!(read["metric_version"], 2);

        // One that is made of it and of one of the product, then of two measures.
        let share = json!({ "name": { "zh": "每张大单的净额", "en": "Net per large order" },
            "unit": "money", "direction": "up", "formula": "net_revenue / large_orders",
            "example": { "given": [{ "object": "order", "rows": [
                { "kind": "sale", "ordered_on": "2024-01-05", "gross_amount": "60", "net_amount": "60" },
                { "kind": "sale", "ordered_on": "2024-01-06", "gross_amount": "20", "net_amount": "20" }] }],
                "from": "2024-01-01", "to": "2024-02-01", "is": "80" } });
        let made = define(&server, &Json::Null, &share, false);
        assert_eq!(made.status, 200, "{}", made.json());
        assert_eq!(made.json()["metrics"], json!(["net_per_large_order"]));
        let each = ask(&server, "net_per_large_order")[0][0].clone();
        let each = each
            .as_str()
            .map_or(each.as_f64(), |text| text.parse().ok());
        assert_eq!(each, Some(65.0));
        let read = server.get("/api/design/metrics/net_per_large_order").json();
        assert_eq!(read["draft"]["formula"], "net_revenue / large_orders");
        let ratio = json!({ "name": { "zh": "大单占比", "en": "Share of large orders" },
            "unit": "pct", "direction": "up",
            "ratio": { "num": { "agg": "count", "from": "order", "where": "gross_amount >= 50" },
                "den": { "agg": "count", "from": "order" } },
            "example": example(&[order("A", "2024-01-05", "50"), order("A", "2024-01-06", "1")], "0.5") });
        let made = define(&server, &Json::Null, &ratio, false);
        assert_eq!(made.status, 200, "{}", made.json());
        assert_eq!(ask(&server, "share_of_large_orders"), json!([[0.5]]));

        // What others are made of cannot go; without them it can.
        let gone = define(&server, &json!("large_orders"), &Json::Null, false);
        let (_, said) = fault(&gone);
        assert!(said.contains("large_orders"), "{said}");
        for id in ["net_per_large_order", "large_orders"] {
            let gone = define(&server, &json!(id), &Json::Null, false);
            assert_eq!(gone.status, 200, "{}", gone.json());
        }
        assert_eq!(server.get("/api/metrics/large_orders").status, 404);
        let left = server.get("/api/design").json()["metrics"].clone();
        let left: Vec<&str> = (left.as_array().unwrap().iter())
            .map(|metric| metric["id"].as_str().unwrap())
            .collect();
        assert_eq!(left, ["share_of_large_orders", "visit_count"]);
    }
}

#[test]
fn a_wrong_metric_is_told_at_its_place_and_nothing_changes() {
    for home in homes() {
        let server = home.server();
        let told = |change: &dyn Fn(&mut Json)| {
            let mut draft = large();
            change(&mut draft);
            let found = fault(&define(&server, &Json::Null, &draft, false));
            assert_eq!(server.get("/api/design").json()["version"], 0);
            found
        };
        // The example is computed, not believed.
        let (place, said) = told(&|draft| draft["example"]["is"] = json!("2"));
        assert_eq!(place, "large_orders.example");
        assert!(
            said.contains("1, not 2") || said.contains("是 1，不是 2"),
            "{said}"
        );
        let (place, said) = told(&|draft| draft["measure"]["where"] = json!("gros_amount > 1"));
        assert_eq!(place, "large_orders.measure.where");
        assert!(said.contains("gros_amount"), "{said}");
        let (place, _) = told(&|draft| draft["measure"]["from"] = json!("nothing"));
        assert_eq!(place, "large_orders.measure.from");
        // A sum of text, and a share that is called money.
        let (place, _) = told(&|draft| {
            draft["measure"] = json!({ "agg": "sum", "from": "order", "expr": "country" });
        });
        assert!(place.starts_with("large_orders.measure"), "{place}");
        let (place, _) = told(&|draft| draft["owner"] = json!("nobody"));
        assert_eq!(place, "large_orders.owner");
        // Of itself.
        let (_, said) = told(&|draft| {
            draft["measure"] = Json::Null;
            draft["formula"] = json!("large_orders + 1");
        });
        assert!(said.contains("large_orders"), "{said}");
        let (place, _) = told(&|draft| draft["formula"] = json!("orders"));
        assert_eq!(place, "metrics[0].measure");
        let (place, _) = told(&|draft| draft["name"] = json!({ "zh": " ", "en": "" }));
        assert_eq!(place, "metrics[0].name");
        let (place, _) = told(&|draft| {
            draft["example"]["given"][0]["rows"][0]["n_lines"] = json!("many");
        });
        assert_eq!(place, "metrics[0].example.given[0].rows[0].n_lines");
        let (place, _) = told(&|draft| draft["example"]["given"][0]["object"] = json!("x"));
        assert_eq!(place, "metrics[0].example.given[0].object");

        // Those of the product stay as they are, and of others nobody knows.
        for (id, said) in [
            ("net_revenue", "not defined here"),
            ("no_such", "no such metric"),
        ] {
            let (place, detail) = fault(&define(&server, &json!(id), &large(), false));
            assert_eq!(place, "metrics[0].id");
            let zh = ["不是在这里定义", "没有这个指标"];
            assert!(
                detail.contains(said) || zh.iter().any(|zh| detail.contains(zh)),
                "{detail}"
            );
        }
        assert_eq!(server.get("/api/design/metrics/net_revenue").status, 404);

        // For who may design.
        let li = token(&home.keji(), "li", "representative");
        let bearer = format!("Bearer {li}");
        let headers = [
            ("host", server.address.as_str()),
            ("authorization", bearer.as_str()),
        ];
        let path = "/api/design/metrics/net_revenue";
        assert_eq!(server.send_raw("GET", path, &headers, b"").status, 403);
    }
}

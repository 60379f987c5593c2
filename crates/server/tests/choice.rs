//! Metrics chosen by what a firm says of itself: with their reasons, with
//! figures as far as the caller may see them, and with what is not recorded.

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

/// Fourteen months: every month one order of K1, one more each time, and one
/// of K2 for five.
fn import(home: &Home) {
    let mut file = String::from("单号,日期,客户编号,客户,产品,数量,单价\n");
    for i in 0..14 {
        let (year, month) = (2024 + i / 12, 1 + i % 12);
        let price = 10 + i;
        file.push_str(&format!("S{i},{year}-{month:02}-05,K1,甲,茶,1,{price}\n"));
        file.push_str(&format!("T{i},{year}-{month:02}-06,K2,乙,杯,1,5\n"));
    }
    let path = home.data.path().join("orders.csv");
    std::fs::write(&path, file).unwrap();
    let imported = home.keji().arg("import").arg(&path).output().unwrap();
    assert!(imported.status.success(), "{}", text(&imported));
}

fn post(server: &Server, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("host", server.address.as_str()),
        ("accept-language", "en"),
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    server.send_raw("POST", path, &headers, body.to_string().as_bytes())
}

fn choose(server: &Server, key: &str, situation: &Json) -> Json {
    let reply = post(server, "/api/insight/choice", key, situation);
    assert_eq!(reply.status, 200, "{}", reply.json());
    reply.json()
}

fn of<'a>(choice: &'a Json, metric: &str) -> &'a Json {
    let all = choice["metrics"].as_array().unwrap();
    let found = all.iter().find(|one| one["metric"] == metric);
    found.unwrap_or_else(|| panic!("no {metric} in {choice}"))
}

#[test]
fn metrics_are_chosen_with_reasons_and_figures() {
    for home in homes() {
        import(&home);
        let server = home.server();
        let words = server.get("/api/insight/choice").json();
        assert!(words["goals"].as_array().unwrap().len() >= 6, "{words}");
        assert_eq!(words["statements"][0]["kind"], "strength");

        let situation = json!({ "goals": ["grow_revenue"], "industry": "manufacturing",
            "swot": ["late_delivery", "market_grows"], "as_of": "2025-03-10" });
        let choice = choose(&server, &server.token, &situation);
        let n = choice["metrics"].as_array().unwrap().len();
        assert!((8..=12).contains(&n), "{n}");
        assert_eq!(choice, choose(&server, &server.token, &situation));

        // The last twelve whole months: 12 to 23 and five of K2 each.
        let revenue = of(&choice, "net_revenue");
        let baseline = &revenue["baseline"];
        assert_eq!(baseline["value"], "270", "{revenue}");
        assert_eq!(
            baseline["period"],
            json!({ "from": "2024-03-01", "to": "2025-03-01" })
        );
        let question = baseline["question"].clone();
        let asked = server.post("/api/insight", &question).json();
        assert_eq!(asked["rows"], json!([["270"]]), "{asked}");
        let attainable = &revenue["attainable"];
        let reached = ["usual", "good", "best"].map(|name| attainable[name].clone());
        assert_eq!(reached, ["23", "26", "28"], "{attainable}");
        assert_eq!(attainable["n"], 12);
        let reasons = revenue["reasons"].as_array().unwrap();
        assert_eq!(reasons[0]["rule"], "grow_revenue_itself");
        assert_eq!(reasons[0]["said"][0]["name"]["zh"], "增加收入");
        assert!(!reasons[0]["why"]["en"].as_str().unwrap().is_empty());

        // Nobody records deliveries: no zero, but what to record.
        let delivery = of(&choice, "on_time_delivery");
        assert_eq!(delivery["baseline"], Json::Null);
        assert_eq!(delivery["missing"][0]["object"], "delivery", "{delivery}");
        assert_eq!(delivery["missing"][0]["field"], Json::Null);
        let rules = delivery["reasons"].as_array().unwrap();
        let rules: Vec<&str> = rules.iter().map(|r| r["rule"].as_str().unwrap()).collect();
        assert!(rules.contains(&"swot_late_delivery"), "{rules:?}");

        // Three months are no history, and the months before are no zeros.
        let young = json!({ "goals": ["grow_revenue"], "as_of": "2024-04-02" });
        let young = choose(&server, &server.token, &young);
        let attainable = &of(&young, "net_revenue")["attainable"];
        assert_eq!(attainable["is_known"], false, "{attainable}");
        assert_eq!(attainable["n"], 3);
        assert_eq!(attainable["best"], Json::Null);

        // Narrowed to one customer, as any number; a tier is known to scores only.
        let mut one = situation.clone();
        one["where"] = json!("customer.number = 'K2'");
        let narrowed = choose(&server, &server.token, &one);
        assert_eq!(of(&narrowed, "net_revenue")["baseline"]["value"], "60");
        assert_eq!(of(&narrowed, "net_revenue")["is_whole"], false);
        let mut tier = situation.clone();
        tier["group"] = json!("vip");
        let narrowed = choose(&server, &server.token, &tier);
        assert_eq!(narrowed["narrowed"], "tier = 'vip'");
        let revenue = of(&narrowed, "net_revenue");
        assert_eq!(revenue["is_whole"], true);
        assert_eq!(revenue["baseline"]["value"], "270");
    }
}

#[test]
fn a_chosen_metric_shows_what_its_reader_may_see() {
    for home in homes() {
        import(&home);
        let li = token(&home.keji(), "li", "representative");
        let wang = token(&home.keji(), "wang", "representative");
        let service = token(&home.keji(), "qian", "service");
        let server = home.server();
        let users = server.get("/api/users").json();
        let id_of = |login: &str| {
            let users = users["users"].as_array().unwrap();
            users.iter().find(|u| u["login"] == login).unwrap()["id"].clone()
        };
        home.own(&[("K1", id_of("li"))]);
        let situation = json!({ "goals": ["grow_revenue"], "as_of": "2025-03-10" });
        // Of his own customer: 12 to 23.
        let revenue = of(&choose(&server, &li, &situation), "net_revenue").clone();
        assert_eq!(revenue["baseline"]["value"], "210", "{revenue}");
        assert_eq!(revenue["baseline"]["is_partial"], true);
        assert_eq!(revenue["attainable"]["best"], "23");
        // Who has no customer has no figure, and learns of none.
        let nothing = of(&choose(&server, &wang, &situation), "net_revenue").clone();
        assert_eq!(nothing["baseline"], Json::Null, "{nothing}");
        assert_eq!(nothing["attainable"], Json::Null);
        assert_eq!(nothing["missing"][0]["object"], "order");

        // Without costs there is no figure that is made of them, nor whether
        // there are any; the metric with its reasons is there all the same.
        let cost = json!({ "class": "acquisition", "incurred_on": "2025-01-10", "amount": "7" });
        let made = server.post("/api/records/cost", &cost);
        assert!(made.status < 300, "{}", made.json());
        let thrift = json!({ "goals": ["cost_to_serve"], "as_of": "2025-03-10" });
        let whole = choose(&server, &server.token, &thrift);
        assert_eq!(of(&whole, "costs")["baseline"]["value"], "7");
        let choice = choose(&server, &service, &thrift);
        let costs = of(&choice, "costs");
        assert!(costs["refused"]["en"].is_string(), "{costs}");
        for figure in ["baseline", "attainable"] {
            assert_eq!(costs[figure], Json::Null, "{costs}");
        }
        assert_eq!(costs["missing"], json!([]));
        assert!(!costs["reasons"].as_array().unwrap().is_empty());

        // A hidden field is no way to narrow by, not even by guessing.
        let role = json!({
            "name": { "zh": "柜台", "en": "Desk" },
            "about": { "zh": "", "en": "" },
            "grants": [{ "object": "*", "actions": ["read"], "rows": "all" }],
            "fields": [{ "field": "customer.name", "as": "hidden" }, { "field": "order.net_amount", "as": "hidden" }],
        });
        let headers = [("content-type", "application/json")];
        let saved = server.send(
            "PUT",
            "/api/roles/desk",
            &headers,
            role.to_string().as_bytes(),
        );
        assert_eq!(saved.status, 204);
        let desk = token(&home.keji(), "desk", "desk");
        let choice = choose(&server, &desk, &situation);
        assert!(of(&choice, "net_revenue")["refused"]["zh"].is_string());
        assert_eq!(of(&choice, "net_revenue")["baseline"], Json::Null);
        assert_eq!(of(&choice, "active_customers")["refused"], Json::Null);
        let mut guess = situation.clone();
        guess["where"] = json!("customer.name = '甲'");
        let choice = choose(&server, &desk, &guess);
        for one in choice["metrics"].as_array().unwrap() {
            assert!(one["refused"]["en"].is_string(), "{one}");
            assert_eq!(one["baseline"], Json::Null);
        }
        // Nobody without a name.
        let stranger = post(&server, "/api/insight/choice", "keji_0", &situation);
        assert_eq!(stranger.status, 401);
    }
}

#[test]
fn a_wrong_situation_names_every_field() {
    for home in homes() {
        let server = home.server();
        let refused = |situation: &Json| {
            let reply = server.post("/api/insight/choice", situation);
            assert_eq!(reply.status, 422, "{}", reply.json());
            let fields = reply.json()["fields"].as_array().cloned();
            let fields = fields.unwrap_or_default();
            let named = fields.iter().map(|f| f["field"].as_str().unwrap_or("?"));
            named.map(str::to_owned).collect::<Vec<_>>()
        };
        let wrong = json!({ "goals": ["fame"], "group": "giants", "industry": "magic",
            "swot": ["luck"], "where": "nothing = 1" });
        assert_eq!(
            refused(&wrong),
            ["goals", "swot", "group", "industry", "where"]
        );
        assert_eq!(refused(&json!({ "goals": [] })), ["goals"]);
        let many = json!({ "goals": ["profit", "satisfy", "win_new", "deepen"] });
        assert_eq!(refused(&many), ["goals"]);
        for unreadable in [json!({}), json!({ "goals": ["profit"], "aim": 1 })] {
            let reply = server.post("/api/insight/choice", &unreadable);
            assert_eq!(reply.status, 422, "{}", reply.json());
        }
        // An empty place has no data, which is no error.
        let choice = choose(&server, &server.token, &json!({ "goals": ["profit"] }));
        let all = choice["metrics"].as_array().unwrap();
        assert!((8..=12).contains(&all.len()));
        for one in all {
            assert_eq!(one["baseline"], Json::Null, "{one}");
            assert!(!one["missing"].as_array().unwrap().is_empty(), "{one}");
        }
    }
}

/// What is ordered follows revenue after two months, by hand.
#[test]
fn metrics_are_related_with_their_lag() {
    const DIGITS: [usize; 24] = [
        3, 8, 8, 2, 9, 1, 1, 7, 6, 4, 0, 5, 9, 2, 6, 3, 7, 5, 2, 8, 1, 4, 9, 0,
    ];
    let mut file = String::from("单号,日期,客户编号,客户,产品,数量,单价\n");
    for (i, digit) in DIGITS.iter().enumerate() {
        let month = format!("{}-{:02}", 2023 + i / 12, 1 + i % 12);
        let price = 100 + 10 * digit;
        file.push_str(&format!("S{i},{month}-05,K1,甲,茶,1,{price}\n"));
        let later = i.checked_sub(2).map_or(0, |i| DIGITS[i]);
        for n in 0..later {
            file.push_str(&format!("T{i}x{n},{month}-06,K1,甲,杯,1,0.01\n"));
        }
    }
    for home in homes() {
        let path = home.data.path().join("orders.csv");
        std::fs::write(&path, &file).unwrap();
        let imported = home.keji().arg("import").arg(&path).output().unwrap();
        assert!(imported.status.success(), "{}", text(&imported));
        let wang = token(&home.keji(), "wang", "representative");
        let service = token(&home.keji(), "qian", "service");
        let server = home.server();
        let relate = |key: &str, metrics: Json, method: &str| {
            let question = json!({ "metrics": metrics, "method": method, "as_of": "2025-01-10" });
            post(&server, "/api/insight/relations", key, &question)
        };
        let owner = server.token.as_str();
        for method in ["pearson", "spearman"] {
            let found = relate(owner, json!(["net_revenue", "orders"]), method).json();
            let pair = &found["pairs"][0];
            assert_eq!(pair["strongest"], 2, "{found}");
            assert_eq!(pair["is_clear"], true);
            let lags = pair["lags"].as_array().unwrap();
            assert_eq!(lags.len(), 13);
            let at = lags.iter().find(|lag| lag["months"] == 2).unwrap();
            let [r, low, high] = ["r", "low", "high"].map(|k| at["found"][k].as_f64().unwrap());
            assert!(r > 0.98 && low < r && r < high && high <= 1.0, "{at}");
            assert_eq!(at["found"]["n"], 22);
        }
        let three = relate(owner, json!(["orders", "net_revenue", "buyers"]), "pearson").json();
        assert_eq!(three["pairs"].as_array().unwrap().len(), 3);
        assert_eq!(three["pairs"][0]["strongest"], -2, "turned round");
        // One buyer every month: what never changes is related to nothing.
        assert_eq!(three["pairs"][1]["strongest"], Json::Null, "{three}");
        assert_eq!(three["pairs"][1]["is_clear"], false);

        // Who sees no record has no number, who may not see costs is refused.
        let nothing = relate(&wang, json!(["net_revenue", "orders"]), "pearson").json();
        assert_eq!(nothing["pairs"][0]["strongest"], Json::Null, "{nothing}");
        let refused = relate(&service, json!(["net_revenue", "costs"]), "pearson");
        assert_eq!(refused.status, 403, "{}", refused.json());
        for wrong in [
            json!(["orders"]),
            json!(["orders", "orders"]),
            json!(["orders", "customer_lifetime"]),
            json!(["orders", "cohort_retention"]),
        ] {
            let refused = relate(owner, wrong.clone(), "pearson");
            assert_eq!(refused.status, 422, "{wrong}: {}", refused.json());
            assert_eq!(refused.json()["fields"][0]["field"], "metrics", "{wrong}");
        }
        assert_eq!(
            relate(owner, json!(["orders", "buyers"]), "guess").status,
            422
        );
    }
}

#[test]
fn a_metric_tells_its_whole_definition_and_what_is_not_recorded() {
    for home in homes() {
        import(&home);
        let server = home.server();
        let score = server.get("/api/metrics/net_promoter_score").json();
        assert_eq!(score["code"], "Q01");
        assert_eq!(score["owner"]["role"], "service");
        assert_eq!(score["reference"]["en"], "Reichheld, Bain");
        assert_eq!(score["min_n"], 30);
        let good = &score["benchmarks"][0];
        assert_eq!((&good["low"], &good["grade"]), (&json!("20"), &json!("C")));
        let example = &score["examples"][0];
        assert_eq!(example["columns"], json!(["period", "net_promoter_score"]));
        assert_eq!(example["rows"], json!([["2024-01-01", "28.5714"]]));
        let given = example["given"].as_array().unwrap();
        let replies = given.iter().find(|g| g["object"] == "reply").unwrap();
        let fields = replies["fields"].as_array().unwrap();
        let ids: Vec<&str> = fields.iter().map(|f| f["id"].as_str().unwrap()).collect();
        let at = |id: &str| ids.iter().position(|one| *one == id).unwrap();
        let first = &replies["rows"][0];
        assert_eq!(first[at("customer")], "A");
        assert_eq!(first[at("rating")], "3");
        // A reply without a rating has none, not a zero.
        assert_eq!(replies["rows"][7][at("rating")], Json::Null);
        assert_eq!(
            score["missing"][0]["object"], "reply",
            "{}",
            score["missing"]
        );
        assert_eq!(score["missing"][0]["field"], Json::Null);

        let revenue = server.get("/api/metrics/net_revenue").json();
        assert_eq!(revenue["missing"], json!([]));
        let cohorts = server.get("/api/metrics/cohort_retention").json();
        let columns = json!(["cohort", "age", "cohort_retention"]);
        assert_eq!(cohorts["examples"][0]["columns"], columns);
        // Every row of every example has a value for each column.
        let catalog = server.get("/api/catalog").json();
        for metric in catalog["metrics"].as_array().unwrap() {
            let id = metric["id"].as_str().unwrap();
            let told = server.get(&format!("/api/metrics/{id}")).json();
            let examples = told["examples"].as_array().unwrap();
            assert!(!examples.is_empty(), "{id}");
            assert!(!told["owner"].is_null(), "{id}");
            for example in examples {
                let n = example["columns"].as_array().unwrap().len();
                for row in example["rows"].as_array().unwrap() {
                    assert_eq!(row.as_array().unwrap().len(), n, "{id}: {example}");
                }
            }
        }

        let none = server.get("/api/metrics/no_such_metric");
        assert_eq!(none.status, 404);
        assert_eq!(none.json()["code"], "not_found");
        // Who may not see costs does not learn that there are none.
        let qian = token(&home.keji(), "qian", "service");
        let bearer = format!("Bearer {qian}");
        let headers = [
            ("host", server.address.as_str()),
            ("authorization", bearer.as_str()),
        ];
        let costs = server.get("/api/metrics/costs").json();
        assert_eq!(costs["missing"][0]["object"], "cost", "{costs}");
        let told = server.send_raw("GET", "/api/metrics/costs", &headers, b"");
        assert_eq!(told.status, 200);
        assert_eq!(told.json()["formula"], costs["formula"]);
        assert_eq!(told.json()["missing"], json!([]));
    }
}

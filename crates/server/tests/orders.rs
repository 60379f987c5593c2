//! Orders and lines by API, command line and beside files: they add up, count
//! in every number, and keep to the rights, on both databases.

use crate::support::{Home, Reply, Server, homes, json as told, text, token};
use serde_json::{Value as Json, json};

fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("host", server.address.as_str()),
        ("content-type", "application/json"),
        ("authorization", bearer.as_str()),
    ];
    let body = match body {
        Json::Null => String::new(),
        body => body.to_string(),
    };
    server.send_raw(method, path, &headers, body.as_bytes())
}

fn is(reply: &Reply, status: u16, code: &str) {
    let body = reply.json();
    let said = body["code"].as_str().unwrap_or_default();
    assert_eq!((reply.status, said), (status, code), "{body}");
}

/// What came of it, which is a record.
fn done(reply: Reply, status: u16) -> Json {
    assert_eq!(reply.status, status, "{}", reply.json());
    reply.json()
}

fn create(server: &Server, object: &str, body: &Json) -> Json {
    let path = format!("/api/records/{object}");
    done(ask(server, "POST", &path, &server.token, body), 201)
}

fn record(server: &Server, object: &str, id: &Json) -> Json {
    let path = format!("/api/records/{object}/{id}");
    done(server.get(&path), 200)["values"].clone()
}

/// These fields of it, in this order.
fn of(values: &Json, fields: &[&str]) -> Json {
    fields.iter().map(|f| values[*f].clone()).collect()
}

const SUMS: [&str; 4] = ["goods_amount", "gross_amount", "net_amount", "n_lines"];

/// The numbers of the orders, by customer.
fn numbers(server: &Server) -> Json {
    let question = json!({
        "metrics": [
            "orders", "net_revenue", "gross_sales", "net_amount", "average_order_value",
            "units_per_order", "refund_rate", "buyers",
        ],
        "by": ["customer.number"],
        "from": "2024-01-01",
        "to": "2024-04-01",
    });
    let answer = done(server.post("/api/insight", &question), 200);
    assert!(
        answer["rows"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
    );
    answer["rows"].clone()
}

/// What was evaluated of every customer, but for the ids.
fn scores(server: &Server) -> Json {
    let fields = "customer.number,as_of,tier,stage,n_orders,n_purchase_days,gross_sales,\
                  net_revenue,net_revenue_365,days_since_last,frequency_365";
    let day = "as_of%20%3D%20%272024-03-10%27";
    let path = format!("/api/records/score?fields={fields}&where={day}&sort=customer.number");
    let page = done(server.get(&path), 200);
    let rows = page["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    rows.iter().map(|row| row["values"].clone()).collect()
}

fn import(home: &Home, text_of_file: &str) {
    let file = home.data.path().join("orders.csv");
    std::fs::write(&file, text_of_file).unwrap();
    let imported = home.keji().arg("import").arg(&file).output().unwrap();
    assert!(imported.status.success(), "{}", text(&imported));
}

const HEAD: &str = "订单号,客户编号,产品编号,下单时间,数量,单价,运费\n";
const BY_FILE: &str = "A1,K1,P1,2024-01-05,2,10,0\nA2,K2,P2,2024-02-10,1,30,0\n";
/// What the test makes by hand.
const BY_HAND: &str = "H1,K1,P1,2024-03-02,3,2.5,5\nH1,K1,P2,2024-03-02,1,4,5\n\
                       H2,K1,P1,2024-03-09,-1,2.5,0\n";

#[test]
fn an_order_made_by_hand_counts_as_one_of_a_file() {
    for (home, other) in homes().into_iter().zip(homes()) {
        import(&other, &format!("{HEAD}{BY_FILE}{BY_HAND}"));
        import(&home, &format!("{HEAD}{BY_FILE}"));
        let server = home.server();
        let before = numbers(&server);
        let number = |n: &str| json!({ "number": n });
        let new = json!({
            "number": "H1", "customer": number("K1"), "ordered_at": "2024-03-02",
            "freight": "5", "state": "confirmed",
        });
        let order = create(&server, "order", &new);
        let values = &order["values"];
        assert_eq!(
            of(values, &["kind", "ordered_on", "state"]),
            json!(["sale", "2024-03-02", "confirmed"])
        );
        assert_eq!(of(values, &SUMS), json!(["0", "0", "5", 0]));
        let line = |order: &Json, product: &str, quantity: &str, price: &str| {
            let new = json!({
                "order": order, "product": number(product), "quantity": quantity, "price": price,
            });
            create(&server, "order_line", &new)
        };
        let one = line(&order["id"], "P1", "2", "2.5");
        assert_eq!(one["values"]["amount"], "5");
        line(&order["id"], "P2", "1", "4");
        let path = format!("/api/records/order_line/{}", one["id"]);
        let changed = ask(
            &server,
            "PATCH",
            &path,
            &server.token,
            &json!({ "quantity": 3 }),
        );
        assert_eq!(done(changed, 200)["values"]["amount"], "7.5");
        let sums = |id: &Json| of(&record(&server, "order", id), &SUMS);
        assert_eq!(sums(&order["id"]), json!(["11.5", "11.5", "16.5", 2]));
        // Goods that come back, by the command line.
        let mut made = home.keji();
        made.args([
            "records",
            "order",
            "create",
            "number=H2",
            "customer.number=K1",
        ]);
        let made = told(made.args(["kind=return", "ordered_at=2024-03-09 00:00"]));
        let mut lines = home.keji();
        lines.args(["records", "order_line", "create", "order.number=H2"]);
        told(lines.args(["product.number=P1", "quantity=-1", "price=2.5"]));
        assert_eq!(sums(&made["id"]), json!(["-2.5", "0", "-2.5", 1]));

        let now = numbers(&server);
        assert_ne!(now, before);
        let other_server = other.server();
        assert_eq!(now, numbers(&other_server));
        let evaluated = home
            .keji()
            .args(["evaluate", "--as-of", "2024-03-10"])
            .output();
        assert!(
            evaluated.as_ref().unwrap().status.success(),
            "{}",
            text(&evaluated.unwrap())
        );
        assert_eq!(scores(&server), scores(&other_server));

        // The customer's page has it, and its own page says what happened.
        let customer = values["customer"].clone();
        let path = format!("/api/customers/{customer}/timeline");
        let timeline = server.get(&path).json();
        let titles = timeline["resources"].to_string();
        assert!(titles.contains("H1") && titles.contains("H2"), "{timeline}");
        let path = format!("/api/records/order/{}/history", order["id"]);
        let history = server.get(&path).json();
        let newest = &history["changes"][0];
        assert_eq!(newest["after"]["net_amount"], "16.5", "{history}");

        // The file that brings the same orders later counts nothing twice.
        import(&home, &format!("{HEAD}{BY_FILE}{BY_HAND}"));
        assert_eq!(numbers(&server), now);
        let checked = home.keji().arg("check").output().unwrap();
        assert!(checked.status.success(), "{}", text(&checked));

        // All of it goes again.
        let page = server.get("/api/records/order_line?where=order.number%20like%20%27H%25%27");
        let rows = page.json()["rows"].clone();
        let gone: Vec<Json> = (rows.as_array().unwrap().iter())
            .map(|row| json!({ "delete": { "id": row["id"] } }))
            .collect();
        assert_eq!(gone.len(), 3);
        let path = format!("/api/records/order/{}", order["id"]);
        let used = ask(&server, "DELETE", &path, &server.token, &Json::Null);
        is(&used, 409, "in_use");
        let body = json!({ "operations": gone });
        done(server.post("/api/records/order_line/bulk", &body), 200);
        assert_eq!(sums(&order["id"]), json!(["0", "0", "5", 0]));
        for id in [&order["id"], &made["id"]] {
            let path = format!("/api/records/order/{id}");
            let gone = ask(&server, "DELETE", &path, &server.token, &Json::Null);
            assert_eq!(gone.status, 204);
        }
        assert_eq!(numbers(&server), before);
        let checked = home.keji().arg("check").output().unwrap();
        assert!(checked.status.success(), "{}", text(&checked));
    }
}

#[test]
fn what_follows_is_written_by_nobody_and_rights_hold() {
    for home in homes() {
        import(&home, &format!("{HEAD}{BY_FILE}"));
        let li = token(&home.keji(), "li", "representative");
        let looks = token(&home.keji(), "ma", "marketing");
        let server = home.server();
        let users = server.get("/api/users").json();
        let users = users["users"].as_array().unwrap();
        let user = users.iter().find(|u| u["login"] == "li").unwrap()["id"].clone();
        home.own(&[("K1", user.clone())]);
        let post = |object: &str, key: &str, body: &Json| {
            ask(
                &server,
                "POST",
                &format!("/api/records/{object}"),
                key,
                body,
            )
        };
        let number = |n: &str| json!({ "number": n });

        // What is read only, is so for everybody, and it is named.
        for (object, body, field) in [
            (
                "order",
                json!({ "number": "X", "net_amount": "1" }),
                "order.net_amount",
            ),
            (
                "order",
                json!({ "number": "X", "n_lines": 1 }),
                "order.n_lines",
            ),
            (
                "order",
                json!({ "ordered_on": "2024-01-01" }),
                "order.ordered_on",
            ),
            (
                "order_line",
                json!({ "order": number("A1"), "quantity": 1, "price": 1, "amount": 2 }),
                "order_line.amount",
            ),
        ] {
            let refused = post(object, &server.token, &body);
            is(&refused, 403, "forbidden");
            assert!(refused.json()["detail"].as_str().unwrap().contains(field));
        }
        let refused = post(
            "order_line",
            &server.token,
            &json!({ "order": number("A1") }),
        );
        is(&refused, 422, "fields");
        let mut named: Vec<String> = (refused.json()["fields"].as_array().unwrap().iter())
            .map(|f| f["field"].as_str().unwrap().to_owned())
            .collect();
        named.sort();
        assert_eq!(named, ["price", "quantity"]);
        let huge = json!({
            "order": number("A1"), "quantity": "900000000000", "price": "900000000000",
        });
        is(&post("order_line", &server.token, &huge), 422, "fields");
        let known = server.get("/api/objects/order").json();
        let field = |id: &str| {
            let all = known["fields"].as_array().unwrap();
            all.iter().find(|f| f["id"] == id).unwrap().clone()
        };
        assert_eq!(field("net_amount")["is_read_only"], true);
        assert_eq!(field("freight")["required"], false);
        assert_eq!(known["is_writable"], true);

        // His own customer's, and nobody else's; who makes it is named.
        let own = json!({ "customer": number("K1"), "state": "in_progress" });
        let made = done(post("order", &li, &own), 201);
        assert_eq!(made["values"]["seller"], user);
        let other = post("order", &li, &json!({ "customer": number("K2") }));
        assert!([403, 422].contains(&other.status), "{}", other.json());
        is(&post("order", &looks, &own), 403, "forbidden");
        let line = |order: &str| json!({ "order": number(order), "quantity": 1, "price": 7 });
        assert_eq!(post("order_line", &li, &line("A1")).status, 201);
        let other = post("order_line", &li, &line("A2"));
        assert!([403, 422].contains(&other.status), "{}", other.json());
        let lines = server
            .get("/api/records/order?where=number%20%3D%20%27A2%27")
            .json();
        assert_eq!(lines["rows"][0]["values"]["n_lines"], 1);
        let delete = format!("/api/records/order/{}", made["id"]);
        let delete = ask(&server, "DELETE", &delete, &li, &Json::Null);
        is(&delete, 403, "forbidden");

        // A product has what an offer needs.
        let product = json!({
            "number": "S1", "unit": "套", "list_price": "99.5", "tax_rate": "0.13",
            "state": "active",
        });
        let product = create(&server, "product", &product);
        assert_eq!(
            of(
                &product["values"],
                &["unit", "list_price", "tax_rate", "state"]
            ),
            json!(["套", "99.5", "0.13", "active"])
        );
    }
}

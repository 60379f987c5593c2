//! A customer opened to somebody else, with all that belongs to it, and what
//! whoever sees a part is told.

use crate::support::{Home, Reply, Server, homes, text, token};
use serde_json::{Value as Json, json};

const FILE: &str = "单号,日期,客户编号,客户,产品,数量,单价\n\
    S1,2025-03-05,K1,甲,茶,1,1\n\
    S2,2025-03-06,K2,乙,杯,1,2\n\
    S3,2025-04-06,K3,丙,杯,1,4\n";

struct Office {
    server: Server,
    li: String,
    wang: String,
    ids: Json,
}

/// K1 is li's, K2 wang's, K3 nobody's.
fn office(home: &Home) -> Office {
    let file = home.data.path().join("orders.csv");
    std::fs::write(&file, FILE).unwrap();
    for arguments in [vec!["import", file.to_str().unwrap()], vec!["evaluate"]] {
        let done = home.keji().args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
    }
    let li = token(&home.keji(), "li", "representative");
    let wang = token(&home.keji(), "wang", "representative");
    let server = home.server();
    let users = server.get("/api/users").json();
    let id_of = |login: &str| {
        let users = users["users"].as_array().unwrap();
        users.iter().find(|u| u["login"] == login).unwrap()["id"].clone()
    };
    let ids = json!({ "li": id_of("li"), "wang": id_of("wang") });
    home.own(&[("K1", ids["li"].clone()), ("K2", ids["wang"].clone())]);
    Office {
        server,
        li,
        wang,
        ids,
    }
}

impl Office {
    fn ask(&self, method: &str, path: &str, key: &str, body: &Json) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let body = match body {
            Json::Null => String::new(),
            body => body.to_string(),
        };
        self.server.send(method, path, &headers, body.as_bytes())
    }

    fn get(&self, path: &str, key: &str) -> Reply {
        self.ask("GET", path, key, &Json::Null)
    }

    fn customer(&self, number: &str) -> i64 {
        let path = format!("/api/customers?where=number%20%3D%20%27{number}%27");
        let list = self.server.get(&path).json();
        list["resources"][0]["id"].as_i64().unwrap()
    }

    fn share(&self, number: &str, key: &str, body: &Json) -> Reply {
        let path = format!("/api/customers/{}/shares", self.customer(number));
        self.ask("POST", &path, key, body)
    }

    fn seen(&self, key: &str) -> Vec<String> {
        let list = self.get("/api/customers?sort=number", key).json();
        let all = list["resources"].as_array().unwrap().iter();
        all.map(|c| c["number"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn a_share_opens_a_customer_and_what_belongs_to_it() {
    for home in homes() {
        let office = office(&home);
        let (li, wang) = (office.li.clone(), office.wang.clone());
        let (one, two) = (office.customer("K1"), office.customer("K2"));
        assert_eq!(office.seen(&li), ["K1"]);
        // Only who may change a customer gives it.
        let to_li = json!({ "user": office.ids["li"], "access": "read" });
        assert_eq!(office.share("K2", &li, &to_li).status, 404);
        let made = office.share("K2", &wang, &to_li);
        assert_eq!(made.status, 201, "{}", made.json());
        assert_eq!(office.seen(&li), ["K1", "K2"]);
        let sales = |key: &str| {
            let question = json!({ "metrics": ["gross_sales"] });
            let answer = office.ask("POST", "/api/insight", key, &question).json();
            (answer["rows"][0][0].clone(), answer["is_partial"].clone())
        };
        assert_eq!(sales(&li), (json!("3"), json!(true)));
        assert_eq!(sales(&office.server.token), (json!("7"), json!(false)));
        // To see is not to change, and not to pass on.
        let path = format!("/api/records/customer/{two}");
        let city = json!({ "city": "上海" });
        assert_eq!(office.ask("PATCH", &path, &li, &city).status, 404);
        assert_eq!(office.share("K2", &li, &to_li).status, 403);
        let listed = office.get(&format!("/api/customers/{two}/shares"), &li);
        assert_eq!(listed.json()["may_change"], json!(false));
        assert_eq!(listed.json()["shares"][0]["name"], "li");
        // The same person a second time: the share changes, no second is made.
        let write = json!({ "user": office.ids["li"], "access": "write" });
        let again = office.share("K2", &wang, &write);
        assert_eq!(again.json()["id"], made.json()["id"]);
        assert_eq!(office.ask("PATCH", &path, &li, &city).status, 200);
        let contact = json!({ "customer": two, "name": "赵" });
        let made_contact = office.ask("POST", "/api/records/contact", &li, &contact);
        assert_eq!(made_contact.status, 201, "{}", made_contact.json());
        assert_eq!(office.share("K2", &li, &to_li).status, 403);
        // Whoever got it may give it back, and then it is closed.
        let end = format!("/api/customers/{two}/shares/{}", made.json()["id"]);
        let wrong = format!("/api/customers/{one}/shares/{}", made.json()["id"]);
        assert_eq!(office.ask("DELETE", &wrong, &li, &Json::Null).status, 404);
        assert_eq!(office.ask("DELETE", &end, &li, &Json::Null).status, 204);
        assert_eq!(office.seen(&li), ["K1"]);
        assert_eq!(office.ask("PATCH", &path, &li, &city).status, 404);
    }
}

#[test]
fn a_share_says_what_is_wrong_with_it_and_ends_with_its_day() {
    for home in homes() {
        let office = office(&home);
        let wang = office.wang.clone();
        let li = &office.ids["li"];
        for (body, field) in [
            (json!({ "access": "read" }), "user"),
            (
                json!({ "user": li, "department": 1, "access": "read" }),
                "user",
            ),
            (json!({ "user": 999, "access": "read" }), "user"),
            (json!({ "department": 999, "access": "read" }), "department"),
            (
                json!({ "user": li, "access": "read", "until": "2020-01-31" }),
                "until",
            ),
        ] {
            let refused = office.share("K2", &wang, &body);
            assert_eq!(refused.status, 422, "{body}: {}", refused.json());
            let said = refused.json().to_string();
            assert!(said.contains(field), "{body}: {said}");
        }
        // A day that is over opens nothing; it is set past the program's door,
        // which refuses it.
        let share = json!({ "user": li, "access": "read", "until": "2999-12-31" });
        assert_eq!(office.share("K2", &wang, &share).status, 201);
        assert_eq!(office.seen(&office.li), ["K1", "K2"]);
        let department = json!({ "name": "North" });
        let made = office.ask(
            "POST",
            "/api/departments",
            &office.server.token,
            &department,
        );
        let north = made.json()["id"].clone();
        let below = json!({ "name": "North 1", "parent": north });
        let made = office.ask("POST", "/api/departments", &office.server.token, &below);
        let seat = json!({ "departments": [{ "id": made.json()["id"] }] });
        let path = format!("/api/users/{li}");
        let seated = office.ask("PATCH", &path, &office.server.token, &seat);
        assert_eq!(seated.status, 204);
        // A department's share is for those below it as well.
        let owner = office.server.token.clone();
        let share = json!({ "department": north, "access": "read" });
        assert_eq!(office.share("K3", &owner, &share).status, 201);
        assert_eq!(office.seen(&office.li), ["K1", "K2", "K3"]);
    }
}

/// The overview of a part is that part's; of all through a filter it equals
/// the one of all.
#[test]
fn the_evaluation_of_a_part_adds_up_what_is_seen() {
    for home in homes() {
        let office = office(&home);
        let day = office.server.get("/api/evaluations").json()["resources"][0]["as_of"].clone();
        let path = format!("/api/evaluations/{}", day.as_str().unwrap());
        let whole = office.server.get(&path).json();
        let part = office.get(&path, &office.li).json();
        assert_eq!(
            (&whole["is_partial"], &part["is_partial"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(
            (&part["n_customers"], &part["n_buyers"]),
            (&json!(1), &json!(1))
        );
        let listed = office.get("/api/evaluations", &office.li).json();
        assert_eq!(listed["resources"][0]["n_customers"], Json::Null);
        // All three are shared with li: the same document, but for the models.
        for number in ["K2", "K3"] {
            let share = json!({ "user": office.ids["li"], "access": "read" });
            assert_eq!(
                office.share(number, &office.server.token, &share).status,
                201
            );
        }
        let mut all = office.get(&path, &office.li).json();
        let mut wanted = whole.clone();
        for document in [&mut all, &mut wanted] {
            let map = document.as_object_mut().unwrap();
            map.remove("models");
            map.remove("is_partial");
        }
        assert_eq!(all, wanted);
    }
}

//! Saved views: a name for what a list's address says, one's own or shared, and
//! never more than its reader may see.

use crate::support::{Home, Reply, Server, homes, token};
use serde_json::{Value as Json, json};

struct Place {
    server: Server,
    owner: String,
    li: String,
}

impl Place {
    fn of(home: &Home) -> Place {
        let owner = token(&home.keji(), "boss", "owner");
        let li = token(&home.keji(), "li", "representative");
        let server = home.server();
        Place { server, owner, li }
    }

    fn by(&self, key: &str, method: &str, path: &str, body: &Json) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("host", self.server.address.as_str()),
            ("accept-language", "en"),
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

    fn made(&self, key: &str, body: &Json) -> i64 {
        let made = is(&self.by(key, "POST", "/api/views/customer", body), 201);
        made["id"].as_i64().unwrap()
    }

    /// The names offered.
    fn names(&self, key: &str) -> Vec<String> {
        let list = is(
            &self.by(key, "GET", "/api/views/customer", &Json::Null),
            200,
        );
        let views = list["views"].as_array().unwrap().iter();
        views
            .map(|v| v["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

/// A token of a user that does less than he may.
fn scoped(home: &Home, login: &str, scopes: &[&str]) -> String {
    let mut create = home.keji();
    create.args(["token", "create", "narrow", "--user", login]);
    create.args(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let made = create.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_view_is_a_name_for_an_address_one_s_own_or_shared() {
    for home in homes() {
        let place = Place::of(&home);
        let (owner, li) = (&place.owner, &place.li);
        let state = json!({ "where": "kind = 'company'", "sort": "-name", "columns": "name,city",
            "view": "board", "by": "kind" });
        let own = place.made(li, &json!({ "name": "我的公司客户", "state": state }));
        let list = is(
            &place.by(li, "GET", "/api/views/customer", &Json::Null),
            200,
        );
        assert_eq!(list["views"][0]["state"], state);
        assert_eq!(list["views"][0]["is_own"], true);
        assert_eq!(list["usual"], Json::Null);
        assert!(place.names(owner).is_empty());
        let one = format!("/api/views/customer/{own}");
        // What others keep for themselves is not there, for an owner neither.
        for method in ["PATCH", "DELETE"] {
            assert_eq!(
                place
                    .by(owner, method, &one, &json!({ "name": "x" }))
                    .status,
                404
            );
        }
        let usual = json!({ "view": own });
        assert_eq!(
            place.by(owner, "PUT", "/api/views/customer", &usual).status,
            404
        );
        is(&place.by(li, "PUT", "/api/views/customer", &usual), 204);
        let list = is(
            &place.by(li, "GET", "/api/views/customer", &Json::Null),
            200,
        );
        assert_eq!(list["usual"], own);
        is(
            &place.by(li, "PATCH", &one, &json!({ "name": " 公司 " })),
            204,
        );
        assert_eq!(place.names(li), ["公司"]);

        // A token for programs that read changes nothing of anybody's page.
        let narrow = scoped(&home, "li", &["read"]);
        let new = json!({ "name": "x", "state": {} });
        for (method, path) in [
            ("POST", "/api/views/customer"),
            ("PATCH", one.as_str()),
            ("DELETE", one.as_str()),
        ] {
            let body = if method == "POST" {
                new.clone()
            } else {
                json!({ "name": "x" })
            };
            assert_eq!(
                place.by(&narrow, method, path, &body).status,
                403,
                "{method}"
            );
        }
        assert_eq!(place.names(&narrow), ["公司"]);

        // Sharing takes the right to design.
        let share = json!({ "shared_with": "*" });
        assert_eq!(place.by(li, "PATCH", &one, &share).status, 403);
        let new = json!({ "name": "全体", "state": {}, "shared_with": "*" });
        assert_eq!(
            place.by(li, "POST", "/api/views/customer", &new).status,
            403
        );
        let all = place.made(owner, &new);
        place.made(
            owner,
            &json!({ "name": "业务员", "state": {}, "shared_with": "representative" }),
        );
        place.made(
            owner,
            &json!({ "name": "经理", "state": {}, "shared_with": "manager" }),
        );
        assert_eq!(place.names(li), ["业务员", "全体", "公司"]);
        let nobody = json!({ "name": "x", "state": {}, "shared_with": "nobody" });
        assert_eq!(
            place
                .by(owner, "POST", "/api/views/customer", &nobody)
                .status,
            422
        );
        let shared = format!("/api/views/customer/{all}");
        assert_eq!(
            place
                .by(li, "PATCH", &shared, &json!({ "name": "x" }))
                .status,
            403
        );
        assert_eq!(place.by(li, "DELETE", &shared, &Json::Null).status, 403);
        is(
            &place.by(li, "PUT", "/api/views/customer", &json!({ "view": all })),
            204,
        );
        is(&place.by(owner, "DELETE", &shared, &Json::Null), 204);
        let list = is(
            &place.by(li, "GET", "/api/views/customer", &Json::Null),
            200,
        );
        assert_eq!(list["usual"], Json::Null);
        assert_eq!(place.names(li), ["业务员", "公司"]);

        // What others see is in the log.
        let audit = is(
            &place.by(owner, "GET", "/api/audit?object=view", &Json::Null),
            200,
        );
        assert_eq!(audit["entries"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn a_view_shows_nothing_that_its_reader_may_not_see() {
    for home in homes() {
        let place = Place::of(&home);
        let (owner, li) = (&place.owner, &place.li);
        let role = json!({ "name": { "zh": "外包", "en": "Outside" }, "about": { "zh": "", "en": "" },
            "grants": [{ "object": "customer", "actions": ["read"], "rows": "all" }],
            "fields": [{ "field": "customer.phone", "as": "hidden" }], "admin": [] });
        let saved = place.by(owner, "PUT", "/api/roles/outside", &role);
        assert!(
            saved.status < 300,
            "{}",
            String::from_utf8_lossy(&saved.body)
        );
        let out = token(&home.keji(), "out", "outside");
        let share = |name: &str, state: Json| {
            place.made(
                owner,
                &json!({ "name": name, "state": state, "shared_with": "*" }),
            )
        };
        let secret = share("a", json!({ "where": "phone = '13800138000'" }));
        share("b", json!({ "sort": "-phone" }));
        share("c", json!({ "columns": "name,phone" }));
        share("d", json!({ "by": "phone", "view": "chart" }));
        share(
            "e",
            json!({ "where": "kind = 'company'", "columns": "name" }),
        );
        assert_eq!(place.names(&out), ["e"]);
        assert_eq!(place.names(li).len(), 5);
        let usual = json!({ "view": secret });
        assert_eq!(
            place.by(&out, "PUT", "/api/views/customer", &usual).status,
            404
        );
        // Nor is one saved that would not be answered.
        for state in [
            json!({ "where": "phone is not null" }),
            json!({ "where": "nothing = 1" }),
            json!({ "sort": "nothing" }),
            json!({ "search": "x".repeat(5_000) }),
        ] {
            let new = json!({ "name": "x", "state": state });
            let told = place.by(&out, "POST", "/api/views/customer", &new);
            assert_eq!(is(&told, 422)["fields"].as_array().unwrap().len(), 1);
        }
        let unread = place.by(&out, "GET", "/api/views/task", &Json::Null);
        assert_eq!(unread.status, 403);
        let unknown = place.by(owner, "GET", "/api/views/nothing", &Json::Null);
        assert_eq!(unknown.status, 404);
        let more = json!({ "name": "x", "state": { "evil": "1" } });
        assert_eq!(
            place.by(li, "POST", "/api/views/customer", &more).status,
            422
        );
    }
}

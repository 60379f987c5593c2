//! Comments with the people named in them, what each is told, what each
//! marked, and what each has to look at today; always under rights.

use crate::support::{Home, Reply, Server, homes, text, token};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value as Json, json};

const FILE: &str = "单号,日期,客户编号,客户,产品,数量,单价\n\
    S1,2024-01-05,K1,甲,茶,1,100\n\
    S2,2024-02-05,K1,甲,茶,1,100\n\
    S3,2024-03-05,K1,甲,茶,1,100\n\
    S4,2024-04-06,K1,甲,茶,1,100\n\
    S5,2024-11-06,K2,乙,杯,1,2\n\
    S6,2024-12-06,K3,丙,杯,1,4\n";

/// K1 is li's, K2 wang's, K3 nobody's; boss sees everything.
struct Office {
    server: Server,
    li: String,
    wang: String,
    boss: String,
    ids: Json,
}

fn office(home: &Home) -> Office {
    let file = home.data.path().join("orders.csv");
    std::fs::write(&file, FILE).unwrap();
    for arguments in [vec!["import", file.to_str().unwrap()], vec!["evaluate"]] {
        let done = home.keji().args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
    }
    let [li, wang, boss] = [
        ("li", "representative"),
        ("wang", "representative"),
        ("boss", "owner"),
    ]
    .map(|(login, role)| token(&home.keji(), login, role));
    let server = home.server();
    let users = server.get("/api/users").json();
    let id_of = |login: &str| {
        let users = users["users"].as_array().unwrap();
        users.iter().find(|u| u["login"] == login).unwrap()["id"].clone()
    };
    let ids = json!({ "li": id_of("li"), "wang": id_of("wang"), "boss": id_of("boss") });
    home.own(&[("K1", ids["li"].clone()), ("K2", ids["wang"].clone())]);
    let office = Office {
        server,
        li,
        wang,
        boss,
        ids,
    };
    // That these are theirs now they have read.
    for key in [&office.li, &office.wang] {
        let list = office.get("/api/notifications", key);
        assert_eq!(list["notifications"][0]["kind"], "owner", "{list}");
        let body = json!({ "id": list["notifications"][0]["id"], "up_to": true });
        office.is(204, "POST", "/api/notifications/read", key, &body);
    }
    office
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

    fn is(&self, status: u16, method: &str, path: &str, key: &str, body: &Json) -> Json {
        let reply = self.ask(method, path, key, body);
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(reply.status, status, "{method} {path}: {body}");
        serde_json::from_str(&body).unwrap_or(Json::Null)
    }

    fn get(&self, path: &str, key: &str) -> Json {
        self.is(200, "GET", path, key, &Json::Null)
    }

    fn customer(&self, number: &str) -> i64 {
        let path = format!("/api/customers?where=number%20%3D%20%27{number}%27");
        let list = self.server.get(&path).json();
        list["resources"][0]["id"].as_i64().unwrap()
    }

    fn make(&self, object: &str, key: &str, values: Json) -> i64 {
        let made = self.is(201, "POST", &format!("/api/records/{object}"), key, &values);
        made["id"].as_i64().unwrap()
    }

    fn say(&self, object: &str, id: i64, key: &str, said: &str) -> Json {
        let path = format!("/api/records/{object}/{id}/comments");
        self.is(201, "POST", &path, key, &json!({ "text": said }))
    }

    /// Kind, object and record of what somebody was not told yet.
    fn told(&self, key: &str) -> Vec<(String, String, i64)> {
        let list = self.get("/api/notifications?unread=true", key);
        let all = list["notifications"].as_array().unwrap().clone();
        assert_eq!(list["unread"], all.len(), "{list}");
        let text = |n: &Json, field: &str| n[field].as_str().unwrap().to_owned();
        (all.iter())
            .map(|n| {
                (
                    text(n, "kind"),
                    text(n, "object"),
                    n["record"].as_i64().unwrap(),
                )
            })
            .collect()
    }

    fn said(&self, object: &str, id: i64, key: &str) -> Vec<String> {
        let list = self.get(&format!("/api/records/{object}/{id}/comments"), key);
        let all = list["comments"].as_array().unwrap().iter();
        all.map(|c| c["text"].as_str().unwrap().to_owned())
            .collect()
    }

    fn section(&self, key: &str, kind: &str) -> Json {
        let today = self.get("/api/today", key);
        let all = today["sections"].as_array().unwrap();
        let found = all.iter().find(|s| s["kind"] == kind);
        found.cloned().unwrap_or(Json::Null)
    }
}

fn of(kind: &str, object: &str, id: i64) -> (String, String, i64) {
    (kind.to_owned(), object.to_owned(), id)
}

#[test]
fn who_is_named_and_sees_the_record_is_told_and_nobody_else() {
    for home in homes() {
        let office = office(&home);
        let (li, wang, boss) = (&office.li, &office.wang, &office.boss);
        let (one, two) = (office.customer("K1"), office.customer("K2"));
        // wang does not see K1: the writer is told so by name, wang is told nothing.
        let saved = office.say("customer", one, li, "@wang @boss 请看一下，也问问 @nobody");
        assert_eq!(saved["unreached"][0]["login"], "wang");
        assert_eq!(saved["unreached"].as_array().unwrap().len(), 1);
        assert_eq!(saved["comment"]["is_own"], true);
        assert_eq!(office.told(boss), [of("mention", "customer", one)]);
        assert_eq!(office.told(wang), []);
        // To wang the record with its comments and its people is not there.
        let comments = format!("/api/records/customer/{one}/comments");
        let comment = saved["comment"]["id"].as_i64().unwrap();
        let own = format!("{comments}/{comment}");
        let hers = json!({ "text": "x" });
        for (method, path, body) in [
            ("GET", comments.clone(), &Json::Null),
            ("POST", comments.clone(), &hers),
            ("PATCH", own.clone(), &hers),
            ("DELETE", own.clone(), &Json::Null),
            (
                "GET",
                format!("/api/records/customer/{one}/people"),
                &Json::Null,
            ),
            (
                "PUT",
                format!("/api/favourites/customer/{one}"),
                &Json::Null,
            ),
            ("PUT", format!("/api/seen/customer/{one}"), &Json::Null),
        ] {
            office.is(404, method, &path, wang, body);
        }
        // Nor is it reached by way of a record that wang sees.
        let elsewhere = format!("/api/records/customer/{two}/comments/{comment}");
        office.is(404, "PATCH", &elsewhere, wang, &hers);
        office.is(404, "DELETE", &elsewhere, wang, &Json::Null);
        assert_eq!(office.said("customer", one, boss).len(), 1);
        // What somebody else said is not the boss's to change either.
        office.is(404, "PATCH", &own, boss, &hers);
        office.is(404, "DELETE", &own, boss, &Json::Null);
        // Offered is only who sees it.
        let people = |q: &str| {
            let path = format!("/api/records/customer/{one}/people?q={q}");
            let list = office.get(&path, li);
            let all = list["people"].as_array().unwrap().iter();
            let logins = all.map(|p| p["login"].as_str().unwrap().to_owned());
            logins.collect::<Vec<_>>()
        };
        assert_eq!(people("wang"), Vec::<String>::new());
        assert_eq!(people("BO"), ["boss"]);
        assert!(
            !people("").contains(&"li".to_owned()),
            "nobody tells himself"
        );
        // The owner of the record and who spoke before are told of the answer.
        office.say("customer", one, boss, "知道了");
        assert_eq!(office.told(li), [of("comment", "customer", one)]);
        assert_eq!(office.told(boss).len(), 1, "not the writer");
        // A change tells whom it newly names, once.
        let list = office.get(&comments, boss);
        let answer = list["comments"][1]["id"].as_i64().unwrap();
        let path = format!("{comments}/{answer}");
        for _ in 0..2 {
            let body = json!({ "text": "知道了 @owner" });
            office.is(200, "PATCH", &path, boss, &body);
        }
        assert_eq!(
            office.told(&office.server.token),
            [of("mention", "customer", one)]
        );
        let list = office.get(&comments, boss);
        assert!(list["comments"][1]["edited_at"].is_string(), "{list}");
        assert_eq!(list["comments"][1]["mentions"][0]["login"], "owner");
        // Read, one and then all.
        let unread = office.get("/api/notifications", boss);
        let id = unread["notifications"][0]["id"].clone();
        office.is(
            204,
            "POST",
            "/api/notifications/read",
            boss,
            &json!({ "id": id }),
        );
        assert_eq!(office.told(boss), []);
        let all = office.get("/api/notifications", boss);
        assert_eq!(all["notifications"][0]["is_read"], true);
        assert_eq!(all["notifications"][0]["actor"], "li");
        // Somebody else's is not read for him.
        office.is(
            204,
            "POST",
            "/api/notifications/read",
            wang,
            &json!({ "id": id, "up_to": true }),
        );
        // K1 goes to wang: he is told, and li is told nothing of it any more.
        let path = format!("/api/records/customer/{one}");
        let hand = json!({ "user": office.ids["wang"] });
        office.is(200, "PATCH", &path, boss, &hand);
        assert_eq!(office.told(wang), [of("owner", "customer", one)]);
        assert_eq!(office.told(li), []);
        // Taken back, the comment is gone, and so is what was told of it.
        let list = office.get(&comments, boss);
        let answer = list["comments"][1]["id"].as_i64().unwrap();
        office.is(
            204,
            "DELETE",
            &format!("{comments}/{answer}"),
            boss,
            &Json::Null,
        );
        assert_eq!(office.told(&office.server.token), []);
        // The history says that there were comments; the audit log what.
        let history = office.get(&format!("/api/records/customer/{one}/history"), wang);
        let kinds: Vec<&Json> = history["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["kind"])
            .collect();
        assert_eq!(
            kinds.iter().filter(|k| **k == "comment").count(),
            4,
            "{kinds:?}"
        );
        assert!(!history.to_string().contains("知道了"), "{history}");
        let audit = office.get("/api/audit?kind=comment", boss);
        assert!(audit.to_string().contains("知道了"), "{audit}");
        assert_eq!(audit["is_whole"], true);
    }
}

#[test]
fn a_comment_says_what_is_wrong_with_it_and_leaves_the_version_alone() {
    for home in homes() {
        let office = office(&home);
        let (li, boss) = (&office.li, &office.boss);
        let one = office.customer("K1");
        let record = format!("/api/records/customer/{one}");
        let comments = format!("{record}/comments");
        for text in ["", "  \n ", &"长".repeat(5_001), "a\0b"] {
            let refused = office.is(422, "POST", &comments, li, &json!({ "text": text }));
            assert_eq!(refused["fields"][0]["field"], "text", "{refused}");
        }
        office.is(
            404,
            "GET",
            "/api/records/customer/999999/comments",
            boss,
            &Json::Null,
        );
        office.is(
            404,
            "GET",
            "/api/records/nothing/1/comments",
            boss,
            &Json::Null,
        );
        assert_eq!(office.said("customer", one, li), Vec::<String>::new());
        // Who has the record open may still save it.
        let seen = office.get(&record, li)["version"].clone();
        office.say("customer", one, boss, "你好");
        assert_eq!(office.get(&record, li)["version"], seen);
        // A token that only reads says nothing and marks nothing.
        let made = office.is(
            201,
            "POST",
            "/api/tokens",
            li,
            &json!({ "name": "reader", "scopes": ["read"] }),
        );
        let reader = made["token"].as_str().unwrap();
        assert_eq!(office.said("customer", one, reader), ["你好"]);
        let text = json!({ "text": "x" });
        office.is(403, "POST", &comments, reader, &text);
        let path = format!("/api/favourites/customer/{one}");
        office.is(403, "PUT", &path, reader, &Json::Null);
        // Whoever may only see the record has a word, too.
        let seller = token(&home.keji(), "mei", "marketing");
        office.say("customer", one, &seller, "活动要用");
        // Pages: the newest 50, then those before.
        for i in 0..52 {
            office.say("customer", one, boss, &format!("n{i}"));
        }
        let page = office.get(&comments, li);
        assert_eq!(page["comments"].as_array().unwrap().len(), 50);
        assert_eq!(page["comments"][49]["text"], "n51");
        let older = office.get(&format!("{comments}?before={}", page["before"]), li);
        assert_eq!(older["comments"].as_array().unwrap().len(), 4);
        assert_eq!(older["before"], Json::Null);
    }
}

#[test]
fn comments_and_marks_go_with_a_merge_and_come_back_with_its_undo() {
    for home in homes() {
        let office = office(&home);
        let boss = &office.boss;
        let (one, two) = (office.customer("K2"), office.customer("K3"));
        office.say("customer", one, boss, "留下的");
        office.say("customer", two, boss, "并走的 @owner");
        let owner = office.server.token.clone();
        for id in [one, two] {
            let path = format!("/api/favourites/customer/{id}");
            office.is(204, "PUT", &path, boss, &Json::Null);
        }
        let path = format!("/api/favourites/customer/{two}");
        office.is(204, "PUT", &path, &owner, &Json::Null);
        let marks = |key: &str| {
            let list = office.get("/api/favourites", key);
            let all = list["favourites"].as_array().unwrap().iter();
            let mut ids: Vec<i64> = all.map(|f| f["id"].as_i64().unwrap()).collect();
            ids.sort_unstable();
            ids
        };
        let merge = json!({ "survivor": one, "loser": two });
        let path = "/api/duplicates/customer/merges";
        let done = office.is(201, "POST", path, boss, &merge);
        assert_eq!(
            office.said("customer", one, boss),
            ["留下的", "并走的 @owner"]
        );
        assert_eq!(office.told(&owner), [of("mention", "customer", one)]);
        assert_eq!((marks(boss), marks(&owner)), (vec![one], vec![one]));
        // One that came since stays where it was written.
        office.say("customer", one, boss, "合并以后");
        let undo = format!("{path}/{}/undo", done["id"]);
        office.is(200, "POST", &undo, boss, &Json::Null);
        assert_eq!(office.said("customer", one, boss), ["留下的", "合并以后"]);
        assert_eq!(office.said("customer", two, boss), ["并走的 @owner"]);
        assert_eq!(office.told(&owner), [of("mention", "customer", two)]);
        let mut both = vec![one, two];
        both.sort_unstable();
        assert_eq!((marks(boss), marks(&owner)), (both, vec![two]));
    }
}

#[test]
fn favourites_are_ones_own_and_shown_as_long_as_they_may_be_seen() {
    for home in homes() {
        let office = office(&home);
        let (li, wang, boss) = (&office.li, &office.wang, &office.boss);
        let one = office.customer("K1");
        let path = format!("/api/favourites/customer/{one}");
        let seen = format!("/api/seen/customer/{one}");
        for _ in 0..2 {
            office.is(204, "PUT", &path, li, &Json::Null);
            office.is(204, "PUT", &seen, li, &Json::Null);
        }
        let list = office.get("/api/favourites", li);
        let marked = json!([{ "object": "customer", "id": one, "title": "甲" }]);
        assert_eq!((&list["favourites"], &list["seen"]), (&marked, &marked));
        assert_eq!(office.get("/api/today", li)["favourites"], marked);
        assert_eq!(office.get("/api/favourites", wang)["favourites"], json!([]));
        // Another's since: no longer shown, and there again when it comes back.
        let record = format!("/api/records/customer/{one}");
        for (to, n) in [("wang", 0), ("li", 1)] {
            let hand = json!({ "user": office.ids[to] });
            office.is(200, "PATCH", &record, boss, &hand);
            let list = office.get("/api/favourites", li);
            assert_eq!(list["favourites"].as_array().unwrap().len(), n);
            assert_eq!(list["seen"].as_array().unwrap().len(), n);
        }
        office.is(204, "DELETE", &path, li, &Json::Null);
        office.is(204, "DELETE", &path, li, &Json::Null);
        assert_eq!(office.get("/api/favourites", li)["favourites"], json!([]));
    }
}

#[test]
fn tasks_are_told_to_whom_they_are_given_and_end_with_an_outcome() {
    for home in homes() {
        let office = office(&home);
        let (li, boss) = (&office.li, &office.boss);
        let one = office.customer("K1");
        let today = office.get("/api/today", li)["day"]
            .as_str()
            .unwrap()
            .to_owned();
        let yesterday: jiff::civil::Date = today.parse().unwrap();
        let yesterday = yesterday.yesterday().unwrap();
        let task = office.make(
            "task",
            boss,
            json!({ "name": "回访", "customer": one, "user": office.ids["li"],
                "due_on": yesterday, "reason": "三个月没有下单", "priority": "high" }),
        );
        assert_eq!(office.told(li), [of("task", "task", task)]);
        // One's own is no news.
        let own = office.make(
            "task",
            li,
            json!({ "name": "自己的", "due_at": format!("{today}T15:30") }),
        );
        assert_eq!(office.told(li).len(), 1);
        // The day follows from the time, and one that is not its is refused.
        let record = office.get(&format!("/api/records/task/{own}"), li);
        assert_eq!(record["values"]["due_on"], today.as_str());
        let wrong = json!({ "name": "x", "due_at": format!("{today}T15:30"), "due_on": yesterday });
        let refused = office.is(422, "POST", "/api/records/task", li, &wrong);
        assert_eq!(refused["fields"][0]["field"], "due_at", "{refused}");
        // Late, due today, and not at another one's.
        let late = office.section(li, "tasks_overdue");
        assert_eq!(
            (&late["rows"][0]["id"], &late["rows"][0]["days_late"]),
            (&json!(task), &json!(1))
        );
        assert_eq!(late["rows"][0]["customer"]["title"], "甲");
        assert_eq!(late["rows"][0]["reason"]["zh"], "三个月没有下单");
        assert_eq!(office.section(li, "tasks_today")["rows"][0]["id"], own);
        assert_eq!(office.section(&office.wang, "tasks_overdue")["total"], 0);
        assert_eq!(office.section(boss, "tasks_overdue")["total"], 0);
        // Done: the day is noted, the outcome kept, and it is off the list.
        let path = format!("/api/records/task/{task}");
        let done = json!({ "state": "done", "outcome": "约好下周下单" });
        let record = office.is(200, "PATCH", &path, li, &done);
        assert_eq!(record["values"]["done_on"], today.as_str());
        assert_eq!(office.section(li, "tasks_overdue")["total"], 0);
        // Open again: it was not done on that day.
        let record = office.is(200, "PATCH", &path, li, &json!({ "state": "open" }));
        assert_eq!(record["values"]["done_on"], Json::Null);
        // Another day has no time until one is given.
        let path = format!("/api/records/task/{own}");
        let record = office.is(200, "PATCH", &path, li, &json!({ "due_on": yesterday }));
        assert_eq!(record["values"]["due_at"], Json::Null);
        // Many at once are one notification.
        let tasks: Vec<Json> = (0..7)
            .map(|i| json!({ "create": { "name": format!("批量 {i}"), "due_on": today, "user": office.ids["wang"] } }))
            .collect();
        let body = json!({ "operations": tasks, "atomic": true });
        office.is(200, "POST", "/api/records/task/bulk", boss, &body);
        let list = office.get("/api/notifications?unread=true", &office.wang);
        assert_eq!(list["notifications"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(list["notifications"][0]["n"], 7);
    }
}

#[test]
fn today_is_by_role_and_of_what_one_may_see() {
    for home in homes() {
        let office = office(&home);
        let (li, wang, boss) = (&office.li, &office.wang, &office.boss);
        let (one, two) = (office.customer("K1"), office.customer("K2"));
        let day: jiff::civil::Date = office.get("/api/today", li)["day"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let soon = day.checked_add(3.days()).unwrap();
        let past = day.checked_sub(2.days()).unwrap();
        for (customer, user) in [(one, "li"), (two, "wang")] {
            let user = &office.ids[user];
            let plan = json!({ "customer": customer, "due_on": past, "amount": "1200.50", "user": user, "state": "open" });
            office.make("payment_plan", boss, plan);
            let ticket = json!({ "customer": customer, "subject": "坏了", "opened_on": past, "state": "open", "user": user });
            office.make("ticket", boss, ticket);
            let visit = json!({ "customer": customer, "kind": "visit", "held_on": past, "next_on": day, "user": user, "summary": "带样品" });
            office.make("touchpoint", boss, visit);
        }
        let pipeline = office.make("pipeline", boss, json!({ "name": "直销" }));
        let stage = |name: &str, kind: &str| {
            office.make(
                "stage",
                boss,
                json!({ "name": name, "pipeline": pipeline, "kind": kind, "sequence": 1 }),
            )
        };
        let (open, won) = (stage("报价", "open"), stage("成交", "won"));
        for (name, stage) in [("开着的", open), ("赢了的", won)] {
            let deal = json!({ "name": name, "customer": one, "pipeline": pipeline, "stage": stage, "expected_on": soon, "opened_on": past, "amount": "5000", "user": office.ids["li"] });
            office.make("opportunity", boss, deal);
        }
        let names = |key: &str| {
            let today = office.get("/api/today", key);
            let all = today["sections"].as_array().unwrap().iter();
            all.map(|s| s["kind"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let keeper = token(&home.keji(), "ke", "data");
        let mei = token(&home.keji(), "mei", "marketing");
        let service = token(&home.keji(), "fu", "service");
        let chen = token(&home.keji(), "chen", "manager");
        // Each role in full, in its order.
        for (key, wanted) in [
            (
                li,
                "visits at_risk payments closing renewals tickets changes",
            ),
            (
                &chen,
                "team at_risk payments closing tickets visits changes",
            ),
            (
                boss,
                "received team at_risk payments closing tickets imports backup",
            ),
            (&keeper, "imports duplicates new_customers"),
            (&mei, "new_customers withdrawn at_risk"),
        ] {
            let tasks = "notifications tasks_overdue tasks_today";
            let wanted = format!("{tasks} {wanted}");
            assert_eq!(names(key).join(" "), wanted);
        }
        assert_eq!(
            names(&service).join(" "),
            "notifications tickets tasks_overdue tasks_today visits at_risk renewals changes"
        );
        // Each sees the own ones, the boss all of them.
        for (key, n) in [(li, 1), (wang, 1), (boss, 2)] {
            for kind in ["payments", "tickets"] {
                assert_eq!(office.section(key, kind)["total"], n, "{kind}");
            }
        }
        let plan = office.section(li, "payments");
        assert_eq!(plan["rows"][0]["customer"]["id"], one);
        assert_eq!(plan["rows"][0]["amount"], "1200.5");
        assert_eq!(plan["rows"][0]["days_late"], 2);
        let closing = office.section(li, "closing");
        assert_eq!(
            (&closing["total"], &closing["rows"][0]["title"]),
            (&json!(1), &json!("开着的"))
        );
        assert_eq!(office.section(wang, "closing")["total"], 0);
        let visit = office.section(li, "visits");
        assert_eq!(
            (&visit["total"], &visit["rows"][0]["state"]),
            (&json!(1), &json!("visit"))
        );
        // K1 bought every month and fell silent: money at stake, and why.
        let risk = office.section(li, "at_risk");
        assert_eq!(
            (&risk["total"], &risk["rows"][0]["id"]),
            (&json!(1), &json!(one)),
            "{risk}"
        );
        assert_eq!(risk["rows"][0]["object"], "customer");
        assert!(risk["rows"][0]["reason"]["zh"].is_string(), "{risk}");
        assert_eq!(office.section(wang, "at_risk")["total"], 0);
        // What others did with his customers; not with another one's.
        let changes = office.section(li, "changes");
        let objects: Vec<&str> = changes["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["object"].as_str().unwrap())
            .collect();
        assert!(
            objects.contains(&"ticket") && objects.contains(&"opportunity"),
            "{changes}"
        );
        assert!(!changes.to_string().contains("乙"), "{changes}");
        // The boss sees where each stands.
        let team = office.section(boss, "team")["team"]
            .as_array()
            .unwrap()
            .clone();
        let row = |name: &str| team.iter().find(|r| r["name"] == name).unwrap().clone();
        assert_eq!(
            (&row("li")["payments"], &row("li")["at_risk"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            (&row("wang")["payments"], &row("wang")["at_risk"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(office.section(li, "team"), Json::Null);
        assert_eq!(
            office.section(boss, "backup")["backup"]["newest_at"],
            Json::Null
        );
        // A manager sees the own department and those below, and nobody else's.
        assert_eq!(office.section(&chen, "tickets")["total"], 0);
        let made = office.is(
            201,
            "POST",
            "/api/departments",
            boss,
            &json!({ "name": "一部" }),
        );
        let one_team = json!({ "departments": [{ "id": made["id"] }] });
        let users = office.server.get("/api/users").json();
        for login in ["li", "chen"] {
            let users = users["users"].as_array().unwrap();
            let id = &users.iter().find(|u| u["login"] == login).unwrap()["id"];
            let path = format!("/api/users/{id}");
            office.is(204, "PATCH", &path, boss, &one_team);
        }
        assert_eq!(office.section(&chen, "tickets")["total"], 1);
        let his = office.section(&chen, "team")["team"].clone();
        assert_eq!(
            (his.as_array().unwrap().len(), &his[0]["name"]),
            (1, &json!("li"))
        );
        // Money of yesterday, and of no other day, each currency by itself.
        let day_of = |days: i64| day.checked_add(days.days()).unwrap();
        for (days, amount, currency) in [
            (-1, "100.5", "CNY"),
            (-1, "200", "CNY"),
            (-1, "50", "USD"),
            (0, "7", "CNY"),
            (-2, "9", "CNY"),
        ] {
            let paid = json!({ "customer": one, "paid_on": day_of(days), "amount": amount, "currency": currency });
            office.make("payment", boss, paid);
        }
        let money = office.section(boss, "received");
        assert_eq!(
            (&money["total"], &money["rows"][0]["amount"]),
            (&json!(3), &json!("200")),
            "{money}"
        );
        assert_eq!(
            money["sums"],
            json!([{ "amount": "300.5", "currency": "CNY" }, { "amount": "50", "currency": "USD" }])
        );
        // Contracts that end within 60 days and are meant to go on.
        for (number, days, state, renewal) in [
            ("H1", 60, json!("active"), json!("manual")),
            ("H2", 0, Json::Null, Json::Null),
            ("H3", 61, json!("active"), json!("manual")),
            ("H4", -1, json!("active"), json!("manual")),
            ("H5", 10, json!("terminated"), json!("manual")),
            ("H6", 10, json!("active"), json!("none")),
        ] {
            let contract = json!({ "number": number, "customer": one, "user": office.ids["li"], "signed_on": past,
                "ends_on": day_of(days), "state": state, "renewal": renewal });
            office.make("contract", boss, contract);
        }
        for (key, n) in [(&service, 2), (li, 2), (wang, 0)] {
            let renewals = office.section(key, "renewals");
            assert_eq!(renewals["total"], n, "{renewals}");
        }
        let renewals = office.section(&service, "renewals");
        let titles: Vec<_> = renewals["rows"].as_array().unwrap().iter().collect();
        assert_eq!(
            (
                &titles[0]["title"],
                &titles[1]["title"],
                &titles[1]["days_late"]
            ),
            (&json!("H2"), &json!("H1"), &json!(-60))
        );
        // Roles that look after something else.
        assert_eq!(office.section(&mei, "new_customers")["total"], 3);
        let bad = office.server.upload("bad.csv", b"a,b\n1,2\n").json();
        office.server.finished(&bad);
        assert_eq!(
            office.section(&keeper, "imports")["imports"][0]["filename"],
            "bad.csv"
        );
        assert_eq!(office.section(&service, "tickets")["total"], 2);
        // A permission withdrawn is the marketing's to know.
        let person = json!({ "number": "P1", "name": "个人", "kind": "person" });
        let person = office.make("customer", boss, person);
        let consent = json!({ "channel": "phone", "purpose": "marketing", "state": "withdrawn",
            "source": "call", "at": Timestamp::now() });
        let path = format!("/api/consents/customer/{person}");
        office.is(201, "POST", &path, boss, &consent);
        let gone = office.section(&mei, "withdrawn");
        assert_eq!(gone["rows"][0]["customer"]["title"], "个人", "{gone}");
    }
}

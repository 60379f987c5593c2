//! Public forms: answered by whoever has the address, written as any record
//! with the rights of their owner, and nothing told to strangers but what is
//! asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Home, Reply, Server, homes, json as run, token};
use serde_json::{Value as Json, json};

/// Longer than a form wants between its questions and an answer.
const READING: Duration = Duration::from_millis(2_100);

struct Place {
    server: Server,
    owner: String,
}

impl Place {
    fn of(home: &Home, more: &[&str]) -> Place {
        let owner = token(&home.keji(), "boss", "owner");
        Place {
            server: Server::with(home.keji(), more),
            owner,
        }
    }

    fn by(&self, key: &str, method: &str, path: &str, body: &Json) -> Reply {
        let bearer = match key {
            "" => String::new(),
            key => format!("Bearer {key}"),
        };
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

    fn owner(&self, method: &str, path: &str, body: &Json) -> Reply {
        self.by(&self.owner, method, path, body)
    }

    fn get(&self, path: &str) -> Json {
        is(&self.owner("GET", path, &Json::Null), 200)
    }

    /// The id and token of a form.
    fn form(&self, draft: &Json) -> (i64, String) {
        let made = is(&self.owner("POST", "/api/design/forms", draft), 201);
        (
            made["id"].as_i64().unwrap(),
            made["token"].as_str().unwrap().to_owned(),
        )
    }

    fn listed(&self, id: i64) -> Json {
        let list = self.get("/api/design/forms");
        let forms = list["forms"].as_array().unwrap();
        forms.iter().find(|f| f["id"] == id).unwrap().clone()
    }

    fn asked(&self, token: &str) -> Json {
        is(
            &self.by("", "GET", &format!("/api/forms/{token}"), &Json::Null),
            200,
        )
    }

    fn ticket(&self, token: &str) -> String {
        let asked = self.asked(token);
        asked["ticket"].as_str().unwrap_or_default().to_owned()
    }

    fn answer(&self, token: &str, ticket: &str, values: &Json) -> Reply {
        let body = json!({ "ticket": ticket, "values": values });
        self.by("", "POST", &format!("/api/forms/{token}/answers"), &body)
    }

    fn customers(&self) -> i64 {
        let list = self.get("/api/records/customer?count=true&limit=1");
        list["total"].as_i64().unwrap()
    }
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

fn fields(problem: &Json) -> Vec<(String, String)> {
    let all = problem["fields"].as_array().cloned().unwrap_or_default();
    let text = |f: &Json, key: &str| f[key].as_str().unwrap().to_owned();
    let mut all: Vec<_> = all
        .iter()
        .map(|f| (text(f, "field"), text(f, "code")))
        .collect();
    all.sort();
    all
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

/// What a company asks whoever comes to its stand.
fn stand() -> Json {
    json!({
        "object": "customer",
        "title": { "zh": "留下联系方式", "en": "Leave your details" },
        "about": { "zh": "我们会尽快联系您。", "en": "" },
        "thanks": { "zh": "谢谢！", "en": "Thank you!" },
        "fields": [
            { "field": "name", "label": { "zh": "您的公司", "en": "Your company" }, "is_required": true },
            { "field": "phone", "is_required": true },
            { "field": "size" },
            { "field": "note" },
        ],
        "fixed": { "kind": "company", "source": "展会" },
    })
}

#[test]
fn whoever_has_the_address_answers_and_learns_nothing_else() {
    for home in homes() {
        let place = Place::of(&home, &[]);
        let (id, form) = place.form(&stand());
        assert!(form.len() == 32 && form.bytes().all(|b| b.is_ascii_hexdigit()));
        let asked = place.asked(&form);
        assert_eq!(asked["state"], "open");
        assert_eq!(asked["title"]["en"], "Leave your details");
        // What is not said in English is said in Chinese.
        assert_eq!(asked["about"]["en"], "我们会尽快联系您。");
        let names: Vec<&str> = asked["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["id"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["name", "phone", "size", "note"]);
        assert_eq!(asked["fields"][0]["label"]["zh"], "您的公司");
        assert_eq!(asked["fields"][0]["is_required"], true);
        assert!(asked["fields"][2]["options"].as_array().unwrap().len() > 1);
        // Neither what stands fixed nor of what it becomes a record.
        let told = asked.to_string();
        for secret in ["customer", "展会", "kind", "boss"] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }

        let ticket = asked["ticket"].as_str().unwrap();
        let values = json!({ "name": "远航贸易", "phone": "13800138000", "note": "要报价" });
        let early = place.answer(&form, ticket, &values);
        assert_eq!(early.status, 429);
        assert!(early.header("retry-after").is_some());
        std::thread::sleep(READING);
        let thanks = is(&place.answer(&form, ticket, &values), 201);
        assert_eq!(
            thanks,
            json!({ "thanks": { "zh": "谢谢！", "en": "Thank you!" } })
        );
        // Twice is once, and another answer wants questions of its own.
        is(&place.answer(&form, ticket, &values), 201);
        let other = json!({ "name": "别家", "phone": "1" });
        let sent = is(&place.answer(&form, ticket, &other), 409);
        assert_eq!(sent["code"], "form_sent");
        assert_eq!(place.customers(), 1);

        let list = place.get("/api/records/customer");
        let record = &list["rows"][0];
        assert_eq!(record["values"]["name"], "远航贸易");
        assert_eq!(record["values"]["kind"], "company");
        assert_eq!(record["values"]["source"], "展会");
        let history = place.get(&format!("/api/records/customer/{}/history", record["id"]));
        assert_eq!(history["changes"][0]["channel"], "form");
        assert_eq!(history["changes"][0]["actor"], "boss");
        let listed = place.listed(id);
        assert_eq!(listed["n_answers"], 1);
        assert_eq!(listed["state"], "open");
        assert!(listed["last_answer_at"].is_string());

        // Unknown is unknown, whatever it looks like.
        for wrong in ["0".repeat(32), "x".to_owned(), form.to_uppercase() + "0"] {
            let ask = place.by("", "GET", &format!("/api/forms/{wrong}"), &Json::Null);
            assert_eq!(is(&ask, 404)["code"], "not_found");
            let answer = place.answer(&wrong, ticket, &values);
            assert_eq!(is(&answer, 404)["code"], "not_found");
        }
        // The page is there for everybody, with the policy of every page.
        let page = place.by("", "GET", &format!("/f/{form}"), &Json::Null);
        assert!(page.status == 404 || page.header("content-security-policy").is_some());
        assert_ne!(page.status, 401);
    }
}

#[test]
fn what_is_wrong_is_said_beside_the_question_and_nothing_is_written() {
    for home in homes() {
        let place = Place::of(&home, &[]);
        let customer = place.owner(
            "POST",
            "/api/records/customer",
            &json!({ "name": "甲", "kind": "company" }),
        );
        let customer = is(&customer, 201)["id"].clone();
        let before = place.get("/api/status")["seq"].clone();

        // Of the form itself.
        let wrong = place.owner(
            "POST",
            "/api/design/forms",
            &json!({
                "object": "customer", "title": { "zh": " ", "en": "" },
                "fields": [{ "field": "number" }, { "field": "parent" }, { "field": "nothing" }],
                "max_answers": 0,
            }),
        );
        let found = fields(&is(&wrong, 422));
        let expected = [
            ("kind", "required"),
            ("max_answers", "value"),
            ("name", "required"),
            ("nothing", "unknown_field"),
            ("number", "unique"),
            ("parent", "link"),
            ("title", "required"),
        ];
        // Whether a name and a kind are needed is the definition's.
        for (field, code) in expected {
            let is_there = found.contains(&(field.to_owned(), code.to_owned()));
            assert!(
                is_there || code == "required" && field != "title",
                "{field}: {found:?}"
            );
        }
        let wrong = json!({ "object": "task", "title": { "zh": "任务", "en": "" },
            "fields": [{ "field": "name" }, { "field": "due_on" }], "fixed": { "customer": 999_999 } });
        let found = fields(&is(&place.owner("POST", "/api/design/forms", &wrong), 422));
        assert!(
            found.contains(&("customer".into(), "link".into())),
            "{found:?}"
        );
        assert_eq!(place.get("/api/status")["seq"], before);

        // Of an answer: all that is wrong, at once.
        let (_, form) = place.form(&json!({
            "object": "task", "title": { "zh": "报修", "en": "Report a fault" },
            "fields": [{ "field": "name" }, { "field": "priority" }, { "field": "due_on" }, { "field": "note", "is_required": true }],
            "fixed": { "customer": customer },
        }));
        let ticket = place.ticket(&form);
        std::thread::sleep(READING);
        let before = place.get("/api/status")["seq"].clone();
        let values = json!({ "name": "x", "note": "  ", "due_on": "2026-12-01", "state": "done" });
        let found = fields(&is(&place.answer(&form, &ticket, &values), 422));
        let named: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        // What nobody asked for, and what the form alone wants.
        assert_eq!(named, ["note", "state"]);
        let values = json!({ "name": "", "note": "x", "priority": "never", "due_on": "tomorrow" });
        let found = fields(&is(&place.answer(&form, &ticket, &values), 422));
        assert_eq!(
            found,
            [
                ("due_on", "value"),
                ("name", "required"),
                ("priority", "option")
            ]
            .map(|(field, code)| (field.to_owned(), code.to_owned()))
        );
        let zero = json!({ "name": "a\u{0}b", "note": "x", "due_on": "2026-12-01" });
        let found = fields(&is(&place.answer(&form, &ticket, &zero), 422));
        assert_eq!(found, [("name".to_owned(), "value".to_owned())]);
        // A program that fills in everything, and one that brings its own ticket.
        let robot =
            json!({ "ticket": ticket, "values": { "name": "x" }, "website": "http://spam" });
        let robot = place.by("", "POST", &format!("/api/forms/{form}/answers"), &robot);
        assert_eq!(
            fields(&is(&robot, 422)),
            [("website".to_owned(), "robot".to_owned())]
        );
        let forged = place.answer(&form, "1.2.3", &json!({ "name": "x" }));
        assert_eq!(
            fields(&is(&forged, 422)),
            [("ticket".to_owned(), "ticket".to_owned())]
        );
        let large = json!({ "name": "x".repeat(400_000) });
        assert_eq!(place.answer(&form, &ticket, &large).status, 413);
        assert_eq!(place.get("/api/status")["seq"], before);
        // The same ticket is good for what holds.
        is(
            &place.answer(
                &form,
                &ticket,
                &json!({ "name": "坏了", "note": "x", "due_on": "2026-12-01" }),
            ),
            201,
        );
        let task = place.get("/api/records/task");
        assert_eq!(task["rows"][0]["values"]["customer"], customer);
    }
}

#[test]
fn a_form_ends_fills_up_and_closes_with_its_object() {
    for home in homes() {
        let place = Place::of(&home, &[]);
        let object = json!({ "version": 0, "objects": [{ "draft": {
            "name": { "zh": "报名", "en": "Signup" },
            "fields": [
                { "type": "text", "name": { "zh": "姓名", "en": "Name" }, "is_title": true, "is_required": true },
                { "type": "int", "name": { "zh": "人数", "en": "People" } },
            ],
            "rules": [{ "check": "people <= 5", "field": "people",
                "message": { "zh": "最多五人", "en": "five at most" } }] } }] });
        is(&place.owner("POST", "/api/design", &object), 200);
        let draft = |max: Json| {
            json!({
            "object": "signup", "title": { "zh": "活动报名", "en": "Sign up" },
            "fields": [{ "field": "name" }, { "field": "people" }], "max_answers": max })
        };
        let (id, form) = place.form(&draft(json!(2)));
        let tickets: Vec<String> = (0..6).map(|_| place.ticket(&form)).collect();
        std::thread::sleep(READING);
        let many = json!({ "name": "a", "people": 6 });
        let told = is(&place.answer(&form, &tickets[0], &many), 422);
        assert_eq!(fields(&told), [("people".to_owned(), "rule".to_owned())]);
        assert_eq!(told["fields"][0]["detail"], "five at most");

        // Six at the same time, of whom two are taken.
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let all: Vec<_> = tickets
                .iter()
                .enumerate()
                .map(|(i, ticket)| {
                    let (place, form) = (&place, &form);
                    scope.spawn(move || {
                        let values = json!({ "name": format!("n{i}"), "people": 1 });
                        place.answer(form, ticket, &values).status
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let n = |status| statuses.iter().filter(|s| **s == status).count();
        assert_eq!((n(201), n(409)), (2, 4), "{statuses:?}");
        let rows = place.get("/api/records/signup");
        assert_eq!(rows["rows"].as_array().unwrap().len(), 2);
        assert_eq!(place.asked(&form)["state"], "full");
        assert_eq!(place.listed(id)["state"], "full");
        // Whose answer was taken and who did not hear of it is thanked again.
        let taken = statuses.iter().position(|s| *s == 201).unwrap();
        let again = json!({ "name": format!("n{taken}"), "people": 1 });
        is(&place.answer(&form, &tickets[taken], &again), 201);

        let change = |draft: &Json| {
            let path = format!("/api/design/forms/{id}");
            is(&place.owner("PUT", &path, draft), 204);
        };
        let mut over = draft(Json::Null);
        over["ends_on"] = json!("2020-01-01");
        change(&over);
        assert_eq!(place.asked(&form)["state"], "ended");
        let mut off = draft(Json::Null);
        off["is_active"] = json!(false);
        change(&off);
        let closed = place.asked(&form);
        assert_eq!(
            (&closed["state"], &closed["fields"]),
            (&json!("closed"), &json!([]))
        );
        change(&draft(Json::Null));
        assert_eq!(place.asked(&form)["state"], "open");

        // A field goes, and with it the form; it comes back with the field.
        let ticket = place.ticket(&form);
        std::thread::sleep(READING);
        let design = place.get("/api/design/objects/signup");
        let mut less = design["draft"].clone();
        less["fields"]
            .as_array_mut()
            .unwrap()
            .retain(|f| f["name"]["en"] != "People");
        less["rules"] = json!([]);
        let change =
            json!({ "version": design["version"], "objects": [{ "id": "signup", "draft": less }] });
        is(&place.owner("POST", "/api/design", &change), 200);
        assert_eq!(place.asked(&form)["state"], "closed");
        let broken = place.listed(id);
        assert_eq!(broken["state"], "broken");
        assert!(
            broken["faults"][0]
                .as_str()
                .unwrap()
                .starts_with("people: ")
        );
        let told = is(
            &place.answer(&form, &ticket, &json!({ "name": "b", "people": 1 })),
            409,
        );
        assert_eq!(told["code"], "form_closed");
        let version = place.get("/api/design")["version"].clone();
        let gone = json!({ "version": version, "objects": [{ "id": "signup", "draft": null }] });
        is(&place.owner("POST", "/api/design", &gone), 200);
        assert_eq!(place.asked(&form)["state"], "closed");
        assert_eq!(
            place.answer(&form, &ticket, &json!({ "name": "b" })).status,
            409
        );
        let version = place.get("/api/design")["version"].as_i64().unwrap();
        let back = json!({ "version": version, "to": version - 2 });
        is(&place.owner("POST", "/api/design/rollback", &back), 200);
        assert_eq!(place.asked(&form)["state"], "open");
        assert_eq!(
            place.get("/api/records/signup")["rows"]
                .as_array()
                .unwrap()
                .len(),
            2
        );

        let audit = place.get("/api/audit?object=form");
        let said: Vec<String> = audit["entries"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|c| c["after"].as_object().unwrap().keys().cloned())
            .filter(|key| key != "address")
            .collect();
        assert_eq!(said, ["changed", "changed", "changed", "added"]);
        is(
            &place.owner("DELETE", &format!("/api/design/forms/{id}"), &Json::Null),
            204,
        );
        let ask = place.by("", "GET", &format!("/api/forms/{form}"), &Json::Null);
        assert_eq!(ask.status, 404);
    }
}

#[test]
fn only_who_designs_makes_forms_and_answers_follow_their_owner_s_rights() {
    for home in homes() {
        let place = Place::of(&home, &[]);
        let li = token(&home.keji(), "li", "representative");
        let (id, form) = place.form(&stand());
        let one = format!("/api/design/forms/{id}");
        for (method, path, body) in [
            ("GET", "/api/design/forms", Json::Null),
            ("POST", "/api/design/forms", stand()),
            ("PUT", one.as_str(), stand()),
            ("DELETE", one.as_str(), Json::Null),
        ] {
            assert_eq!(
                place.by(&li, method, path, &body).status,
                403,
                "{method} {path}"
            );
            assert_eq!(
                place.by("", method, path, &body).status,
                401,
                "{method} {path}"
            );
        }
        // A token of an administrator that may not write customers makes no
        // form that does.
        let narrow = scoped(&home, "boss", &["admin", "read"]);
        let listed = place.by(&narrow, "GET", "/api/design/forms", &Json::Null);
        assert_eq!(listed.status, 200);
        let made = place.by(&narrow, "POST", "/api/design/forms", &stand());
        assert_eq!(made.status, 403);

        // Who leaves takes the form with him until somebody else saves it.
        let users = place.get("/api/users");
        let boss = users["users"]
            .as_array()
            .unwrap()
            .iter()
            .find(|u| u["login"] == "boss");
        let boss = boss.unwrap()["id"].clone();
        let ticket = place.ticket(&form);
        std::thread::sleep(READING);
        let second = token(&home.keji(), "second", "owner");
        let gone = place.by(
            &second,
            "PATCH",
            &format!("/api/users/{boss}"),
            &json!({ "is_active": false }),
        );
        assert!(gone.status < 300, "{}", gone.status);
        // Rights are remembered for a moment.
        std::thread::sleep(READING);
        assert_eq!(place.asked(&form)["state"], "closed");
        let values = json!({ "name": "a", "phone": "1" });
        assert_eq!(place.answer(&form, &ticket, &values).status, 409);
        let list = is(
            &place.by(&second, "GET", "/api/design/forms", &Json::Null),
            200,
        );
        assert_eq!(list["forms"][0]["state"], "broken");
        assert_eq!(place.by(&second, "PUT", &one, &stand()).status, 204);
        is(&place.answer(&form, &ticket, &values), 201);
        let records = is(
            &place.by(&second, "GET", "/api/records/customer", &Json::Null),
            200,
        );
        let record = &records["rows"][0]["id"];
        let path = format!("/api/records/customer/{record}/history");
        let history = is(&place.by(&second, "GET", &path, &Json::Null), 200);
        assert_eq!(history["changes"][0]["actor"], "second");
    }
}

#[test]
fn a_flood_waits_and_the_others_do_not() {
    for home in homes() {
        let place = Place::of(
            &home,
            &[
                "--limit-answers",
                "5",
                "--public-url",
                "https://keji.example.com",
            ],
        );
        let (_, form) = place.form(&stand());
        let ticket = place.ticket(&form);
        std::thread::sleep(READING);
        let path = format!("/api/forms/{form}/answers");
        let send = |from: &str, name: &str, ticket: &str| {
            let body = json!({ "ticket": ticket, "values": { "name": name, "phone": "1" } });
            let headers = [
                ("host", "keji.example.com"),
                ("x-forwarded-for", from),
                ("authorization", ""),
                ("content-type", "application/json"),
            ];
            place
                .server
                .send_raw("POST", &path, &headers, body.to_string().as_bytes())
        };
        // How long somebody waits who opens the form from elsewhere.
        let opened = |n: usize| {
            let headers = [
                ("host", "keji.example.com"),
                ("x-forwarded-for", "8.8.8.8"),
                ("authorization", ""),
            ];
            let times = (0..n).map(|_| {
                let started = std::time::Instant::now();
                let page = format!("/api/forms/{form}");
                let reply = place.server.send_raw("GET", &page, &headers, b"");
                assert_eq!(reply.status, 200, "{}", reply.json());
                started.elapsed()
            });
            let mut times: Vec<_> = times.collect();
            times.sort();
            times[n / 2]
        };
        let before = opened(15);
        let is_over = AtomicBool::new(false);
        let (flood, during) = std::thread::scope(|scope| {
            let spam = || {
                let mut replies = Vec::new();
                while replies.len() < 15 || !is_over.load(Ordering::Relaxed) {
                    replies.push(send("9.9.9.9", "spam", "1.2.3"));
                }
                replies
            };
            let senders: Vec<_> = (0..4).map(|_| scope.spawn(spam)).collect();
            let during = opened(30);
            // And answers it, while the flood goes on.
            assert_eq!(send("8.8.8.8", "远航", &ticket).status, 201);
            is_over.store(true, Ordering::Relaxed);
            let flood = senders.into_iter().flat_map(|s| s.join().unwrap());
            (flood.collect::<Vec<Reply>>(), during)
        });
        let waiting: Vec<&Reply> = flood.iter().filter(|r| r.status == 429).collect();
        assert!(waiting.len() >= 30, "{}", waiting.len());
        let last = waiting.last().unwrap();
        let seconds: u64 = last.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(last.json()["code"], "too_many_requests");
        println!("somebody else: {before:?} before the flood, {during:?} in it");
        assert!(during.as_millis() < 500, "{before:?}, then {during:?}");
        // From elsewhere, and at every other door, all is as ever.
        assert_eq!(place.customers(), 1);
        let list = place.get("/api/design/forms");
        assert_eq!(list["origin"], "https://keji.example.com");
    }
}

#[test]
fn a_backup_has_the_forms_and_their_answers_count() {
    for home in homes() {
        let place = Place::of(&home, &[]);
        let (id, form) = place.form(&stand());
        let ticket = place.ticket(&form);
        std::thread::sleep(READING);
        is(
            &place.answer(&form, &ticket, &json!({ "name": "a", "phone": "1" })),
            201,
        );
        let listed = place.listed(id);
        drop(place);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one");
        run(home.keji().arg("backup").arg(&file));
        let there = tempfile::tempdir().unwrap();
        run(crate::support::keji(there.path()).arg("restore").arg(&file));
        let owner = token(&crate::support::keji(there.path()), "boss", "owner");
        let place = Place {
            server: Server::start(there.path()),
            owner,
        };
        let again = place.listed(id);
        assert_eq!(again, listed);
        assert_eq!(place.asked(&form)["state"], "open");
    }
}

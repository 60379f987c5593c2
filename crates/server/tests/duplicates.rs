//! Records that mean the same: told while one is typed without telling what
//! one may not see, found by the scan, made one, led to by their old id and
//! number, and taken apart again.

use std::time::{Duration, Instant};

use crate::support::{Reply, Server, homes, token};
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

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

fn make(server: &Server, key: &str, object: &str, values: Json) -> i64 {
    let path = format!("/api/records/{object}");
    let made = is(&ask(server, "POST", &path, key, &values), 201);
    made["id"].as_i64().unwrap()
}

fn check(server: &Server, key: &str, values: Json) -> Vec<Json> {
    let path = "/api/duplicates/customer/check";
    let answer = is(
        &ask(server, "POST", path, key, &json!({ "values": values })),
        200,
    );
    answer["matches"].as_array().unwrap().clone()
}

/// A new scan's note.
fn scanned(server: &Server) -> Json {
    let path = "/api/duplicates/customer";
    let before = server.get(path).json()["last_scan"]["begun_at"].clone();
    is(&server.post(&format!("{path}/scan"), &json!({})), 202);
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let list = server.get(path).json();
        if list["last_scan"].is_object() && list["last_scan"]["begun_at"] != before {
            return list;
        }
        assert!(Instant::now() < until, "no scan: {list}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_is_typed_is_told_without_telling_what_is_others() {
    for home in homes() {
        let server = home.server();
        let owner = server.token.clone();
        let li = token(&home.keji(), "li", "representative");
        let wang = token(&home.keji(), "wang", "representative");
        let users = server.get("/api/records/user?fields=login&limit=50").json();
        let user = |login: &str| {
            let rows = users["rows"].as_array().unwrap().iter();
            let mut own = rows.filter(|r| r["values"]["login"] == login);
            own.next().unwrap()["id"].as_i64().unwrap()
        };
        is(
            &ask(
                &server,
                "PATCH",
                &format!("/api/users/{}", user("wang")),
                &owner,
                &json!({ "name": "王大锤" }),
            ),
            204,
        );
        let his = json!({
            "number": "K1", "name": "上海云海贸易有限公司", "phone": "021-62345678",
            "email": "secret.mail@yunhai.example", "credit_code": "9144030071526726XG",
            "address": "秘密路 17 号", "note": "canary-note", "user": user("wang"),
        });
        let id = make(&server, &owner, "customer", his);
        let day = jiff::Zoned::now()
            .date()
            .yesterday()
            .unwrap()
            .yesterday()
            .unwrap();
        let touch = json!({ "customer": id, "kind": "call", "held_on": day.to_string(), "subject": "canary-subject" });
        make(&server, &owner, "touchpoint", touch);
        // Whose it is sees it.
        let own = check(
            &server,
            &wang,
            json!({ "name": "云海贸易（上海）有限公司" }),
        );
        assert_eq!(own[0]["id"], id);
        assert_eq!(own[0]["title"], "上海云海贸易有限公司");
        assert_eq!(own[0]["reasons"], json!(["same_name"]));
        // Who may not learns that it is there, whose it is, and no more.
        for typed in [
            json!({ "name": "云海贸易（上海）有限公司" }),
            json!({ "phone": "+86 21 6234 5678", "name": "上海云海贸易" }),
            json!({ "credit_code": "91440300 71526726xg" }),
            json!({ "name": "shanghai yunhai maoyi youxian gongsi" }),
        ] {
            let path = "/api/duplicates/customer/check";
            let reply = ask(&server, "POST", path, &li, &json!({ "values": typed }));
            let answer = is(&reply, 200);
            let found = &answer["matches"][0];
            assert!(
                found["id"].is_null() && found["title"].is_null(),
                "{answer}"
            );
            assert!(found["number"].is_null(), "{answer}");
            assert_eq!(found["owner"], "王*");
            let days = found["days_since_contact"].as_i64().unwrap();
            assert!((1..=3).contains(&days), "{answer}");
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            for secret in [
                "62345678",
                "secret.mail",
                "9144",
                "秘密路",
                "canary",
                "K1",
                "大锤",
                "云海",
            ] {
                assert!(!body.contains(secret), "{secret} in {body}");
            }
        }
        // Nobody fishes: what is only alike is not told of others' records.
        for typed in [
            json!({ "name": "云海" }),
            json!({ "name": "上海云河贸易有限公司" }),
            json!({ "phone": "021-62345678" }),
            json!({ "phone": "62345678" }),
            json!({ "email": "secret" }),
            json!({}),
        ] {
            assert_eq!(
                check(&server, &li, typed.clone()),
                Vec::<Json>::new(),
                "{typed}"
            );
        }
        // It is in the log, once.
        let log = is(
            &ask(
                &server,
                "GET",
                "/api/audit?kind=reveal",
                &owner,
                &Json::Null,
            ),
            200,
        );
        let told: Vec<&Json> = (log["entries"].as_array().unwrap().iter())
            .filter(|e| e["record"] == id && e["actor"] == "li")
            .collect();
        assert_eq!(told.len(), 1, "{log}");
        // Nor does a representative list, look at or merge what is not his.
        let mine = make(
            &server,
            &li,
            "customer",
            json!({ "number": "K2", "name": "上海云海贸易" }),
        );
        scanned(&server);
        let list = is(
            &ask(&server, "GET", "/api/duplicates/customer", &li, &Json::Null),
            200,
        );
        assert_eq!(
            (list["pairs"].as_array().unwrap().len(), &list["may_merge"]),
            (0, &json!(false))
        );
        let list = server.get("/api/duplicates/customer").json();
        assert_eq!(list["pairs"][0]["a"]["id"], id);
        assert_eq!(list["pairs"][0]["b"]["id"], mine);
        let preview = format!("/api/duplicates/customer/preview?survivor={mine}&loser={id}");
        is(&ask(&server, "GET", &preview, &li, &Json::Null), 403);
        let merge = json!({ "survivor": mine, "loser": id });
        is(
            &ask(
                &server,
                "POST",
                "/api/duplicates/customer/merges",
                &li,
                &merge,
            ),
            403,
        );
        let apart = json!({ "a": mine, "b": id });
        is(
            &ask(
                &server,
                "POST",
                "/api/duplicates/customer/distinct",
                &li,
                &apart,
            ),
            404,
        );
        // A flood of tries is stopped, and others go on.
        let mut last = 200;
        for i in 0..140 {
            let body = json!({ "values": { "name": format!("没有的公司{i}") } });
            last = ask(
                &server,
                "POST",
                "/api/duplicates/customer/check",
                &li,
                &body,
            )
            .status;
            if last == 429 {
                break;
            }
        }
        assert_eq!(last, 429);
        assert_eq!(
            check(
                &server,
                &wang,
                json!({ "phone": "021-62345678", "name": "云海贸易" })
            )
            .len(),
            // His own; li's has four letters without a form of company alike,
            // which is not sure enough to be told of.
            1
        );
    }
}

#[test]
fn two_become_one_and_two_again() {
    for home in homes() {
        let server = home.server();
        let key = server.token.clone();
        let old = make(
            &server,
            &key,
            "customer",
            json!({ "number": "K2", "name": "云海贸易（上海）有限公司", "phone": "021-62345678", "city": "上海" }),
        );
        let kept = make(
            &server,
            &key,
            "customer",
            json!({ "number": "K1", "name": "上海云海贸易有限公司" }),
        );
        let other = make(
            &server,
            &key,
            "customer",
            json!({ "number": "K3", "name": "明朗科技" }),
        );
        let li = make(
            &server,
            &key,
            "contact",
            json!({ "customer": old, "name": "李" }),
        );
        let list = scanned(&server);
        assert_eq!(list["pairs"].as_array().unwrap().len(), 1, "{list}");
        // Said to be two, they are not proposed again, until that is taken back.
        let two = json!({ "a": kept, "b": old });
        is(
            &ask(
                &server,
                "POST",
                "/api/duplicates/customer/distinct",
                &key,
                &two,
            ),
            204,
        );
        assert_eq!(scanned(&server)["pairs"], json!([]));
        is(
            &ask(
                &server,
                "DELETE",
                "/api/duplicates/customer/distinct",
                &key,
                &two,
            ),
            204,
        );
        assert_eq!(scanned(&server)["pairs"].as_array().unwrap().len(), 1);
        let path = format!("/api/duplicates/customer/preview?survivor={kept}&loser={old}");
        let preview = server.get(&path).json();
        let field = |name: &str| {
            let mut all = preview["fields"].as_array().unwrap().iter();
            all.find(|f| f["field"] == name).unwrap().clone()
        };
        assert_eq!(
            (
                field("name")["taken"].clone(),
                field("phone")["taken"].clone()
            ),
            (json!("survivor"), json!("loser"))
        );
        assert_eq!(field("city")["loser"], "上海");
        assert_eq!(
            preview["moved"],
            json!([{ "object": "contact", "field": "customer", "n": 1 }])
        );
        // What was changed since the look is looked at again.
        is(
            &ask(
                &server,
                "PATCH",
                &format!("/api/records/customer/{old}"),
                &key,
                &json!({ "city": "苏州" }),
            ),
            200,
        );
        let mut order = json!({ "survivor": kept, "loser": old, "sides": { "name": "loser" }, "versions": preview["versions"] });
        is(&server.post("/api/duplicates/customer/merges", &order), 412);
        order["versions"] = server.get(&path).json()["versions"].clone();
        let unknown = json!({ "survivor": kept, "loser": old, "sides": { "nmae": "loser" } });
        let problem = is(
            &server.post("/api/duplicates/customer/merges", &unknown),
            422,
        );
        assert_eq!(problem["fields"][0]["field"], "nmae");
        let merged = is(&server.post("/api/duplicates/customer/merges", &order), 201);
        let one = server.get(&format!("/api/records/customer/{kept}")).json();
        assert_eq!(one["values"]["name"], "云海贸易（上海）有限公司");
        assert_eq!(
            (&one["values"]["city"], &one["values"]["number"]),
            (&json!("苏州"), &json!("K1"))
        );
        let contact = server.get(&format!("/api/records/contact/{li}")).json();
        assert_eq!(contact["values"]["customer"], kept);
        // The old id leads on, of the page of a customer too.
        for (path, to) in [
            (
                format!("/api/records/customer/{old}"),
                format!("/api/records/customer/{kept}"),
            ),
            (
                format!("/api/customers/{old}"),
                format!("/api/customers/{kept}"),
            ),
        ] {
            let reply = server.get(&path);
            assert_eq!(reply.status, 307);
            assert_eq!(reply.header("location"), Some(to.as_str()));
        }
        // Who may not see the one learns nothing of the other.
        let rep = token(&home.keji(), "li", "representative");
        let path = format!("/api/records/customer/{old}");
        is(&ask(&server, "GET", &path, &rep, &Json::Null), 404);
        // The old number still means it: for links, files of orders and others.
        let new = make(
            &server,
            &key,
            "contact",
            json!({ "customer": { "number": "K2" }, "name": "王" }),
        );
        let new = server.get(&format!("/api/records/contact/{new}")).json();
        assert_eq!(new["values"]["customer"], kept);
        let csv = "订单号,下单时间,客户编号,客户名称,商品编号,商品名称,数量,单价\n\
                   S1,2026-01-05 10:00:00,K2,云海,P1,茶,2,10\n";
        let import = is(&server.upload("orders.csv", csv.as_bytes()), 201);
        let done = server.finished(&import);
        assert_eq!(done["state"], "done", "{done}");
        let orders = server
            .get("/api/records/order?fields=number,customer")
            .json();
        assert_eq!(orders["rows"][0]["values"]["customer"], kept, "{orders}");
        let customers = server
            .get("/api/records/customer?count=true&limit=1")
            .json();
        assert_eq!(customers["total"], 2, "{customers}");
        // The log says it, of both.
        let history = server
            .get(&format!("/api/records/customer/{kept}/history"))
            .json();
        let kinds: Vec<&str> = (history["changes"].as_array().unwrap().iter())
            .filter_map(|c| c["kind"].as_str())
            .collect();
        assert!(kinds.contains(&"merge"), "{history}");
        let merges = server.get("/api/duplicates/customer/merges").json();
        assert_eq!(merges["merges"][0]["loser"], old);
        assert!(merges["merges"][0]["undo_until"].is_string());
        // And two again.
        let undo = format!("/api/duplicates/customer/merges/{}/undo", merged["id"]);
        let undone = is(&server.post(&undo, &json!({})), 200);
        assert_eq!(
            (&undone["moved"], &undone["left"]),
            (&json!(1), &json!(0)),
            "{undone}"
        );
        let again = server.get(&format!("/api/records/customer/{old}")).json();
        assert_eq!(
            (&again["values"]["number"], &again["values"]["city"]),
            (&json!("K2"), &json!("苏州"))
        );
        let contact = server.get(&format!("/api/records/contact/{li}")).json();
        assert_eq!(contact["values"]["customer"], old);
        is(&server.post(&undo, &json!({})), 409);
        is(
            &server.post(
                "/api/duplicates/customer/merges",
                &json!({ "survivor": other, "loser": other }),
            ),
            409,
        );
        is(&server.get("/api/duplicates/product"), 409);
        is(&server.get("/api/duplicates/nothing"), 404);
        let checked = crate::support::json(home.keji().arg("check"));
        let findings = checked["findings"].as_array().unwrap();
        assert!(findings.iter().all(|f| f["is_good"] == true), "{checked}");
    }
}

/// Two records are made two again by who may change and delete both, not by who
/// only reaches the one that is left.
#[test]
fn a_merge_is_taken_back_by_who_reaches_both() {
    for home in homes() {
        let server = home.server();
        let key = server.token.clone();
        let own = json!({ "grants": [{ "object": "*", "actions": ["read", "create", "update", "delete"], "rows": "own" }],
            "name": { "zh": "自己的", "en": "Own" }, "about": { "zh": "", "en": "" }, "admin": [] });
        let saved = ask(&server, "PUT", "/api/roles/keeps_own", &key, &own);
        assert!(saved.status < 300, "{}", saved.status);
        let li = token(&home.keji(), "li", "keeps_own");
        let wang = token(&home.keji(), "wang", "keeps_own");
        let users = server.get("/api/records/user?fields=login&limit=50").json();
        let user = |login: &str| {
            let mut rows = users["rows"].as_array().unwrap().iter();
            let row = rows.find(|r| r["values"]["login"] == login).unwrap();
            row["id"].as_i64().unwrap()
        };
        let customer = |number: &str, login: &str| {
            let values = json!({ "number": number, "name": "云海贸易", "user": user(login) });
            make(&server, &key, "customer", values)
        };
        let (kept, other, second) = (
            customer("K1", "li"),
            customer("K2", "wang"),
            customer("K3", "li"),
        );
        let merge = |loser: i64| {
            let body = json!({ "survivor": kept, "loser": loser });
            let merged = server.post("/api/duplicates/customer/merges", &body);
            let id = is(&merged, 201)["id"].as_i64().unwrap();
            format!("/api/duplicates/customer/merges/{id}/undo")
        };
        let undo = merge(other);
        for key in [&li, &wang] {
            is(&ask(&server, "POST", &undo, key, &json!({})), 404);
        }
        // Nothing of it was done.
        let gone = server.get(&format!("/api/records/customer/{other}"));
        assert_eq!(gone.status, 307);
        is(&server.post(&undo, &json!({})), 200);
        let undo = merge(second);
        is(&ask(&server, "POST", &undo, &li, &json!({})), 200);
    }
}

/// What one of two people withdrew stays withdrawn, whichever of them stays.
#[test]
fn a_withdrawn_consent_outlives_a_merge() {
    for home in homes() {
        let server = home.server();
        let key = server.token.clone();
        let customer = make(
            &server,
            &key,
            "customer",
            json!({ "number": "K1", "name": "云海" }),
        );
        let person = |name: &str| {
            make(
                &server,
                &key,
                "contact",
                json!({ "customer": customer, "name": name }),
            )
        };
        let (old, kept) = (person("李明"), person("李 明"));
        let say = |id: i64, state: &str, at: &str| {
            let body = json!({ "channel": "email", "purpose": "marketing", "state": state, "at": at, "source": "call" });
            is(
                &server.post(&format!("/api/consents/contact/{id}"), &body),
                201,
            );
        };
        say(old, "withdrawn", "2026-01-01T00:00:00Z");
        say(kept, "given", "2026-02-01T00:00:00Z");
        let merge = json!({ "survivor": kept, "loser": old });
        let merged = is(&server.post("/api/duplicates/contact/merges", &merge), 201);
        let path = format!("/api/consents/contact/{kept}");
        let state = |path: &str| server.get(path).json()["states"][0]["state"].clone();
        assert_eq!(state(&path), "withdrawn");
        let undo = format!("/api/duplicates/contact/merges/{}/undo", merged["id"]);
        is(&server.post(&undo, &json!({})), 200);
        assert_eq!(state(&path), "given");
        assert_eq!(state(&format!("/api/consents/contact/{old}")), "withdrawn");
    }
}

/// A code whose last sign does not follow from the others is told while it is
/// typed, and stored all the same.
#[test]
fn a_mistyped_credit_code_is_told() {
    for home in homes() {
        let server = home.server();
        let key = server.token.clone();
        let hints = |values: Json| {
            let path = "/api/duplicates/customer/check";
            let body = json!({ "values": values });
            is(&ask(&server, "POST", path, &key, &body), 200)["hints"].clone()
        };
        let wrong = json!([{ "field": "credit_code", "kind": "wrong_check_sign" }]);
        assert_eq!(hints(json!({ "credit_code": "9144030071526726XH" })), wrong);
        assert_eq!(
            hints(json!({ "credit_code": "91440300 71526726xh", "name": "云海" })),
            wrong
        );
        for good in ["9144030071526726XG", "9144030071", ""] {
            assert_eq!(hints(json!({ "credit_code": good })), json!([]), "{good}");
        }
        let values = json!({ "number": "K1", "name": "云海", "credit_code": "9144030071526726XH" });
        make(&server, &key, "customer", values);
    }
}

/// Signs of names with their sounds.
const BRAND: &str = "云yun 海hai 明ming 晨chen 光guang 华hua 盛sheng 达da 远yuan 鑫xin 源yuan 泰tai \
    和he 瑞rui 丰feng 润run 嘉jia 恒heng 宏hong 博bo 天tian 宇yu 星xing 辰chen 金jin 玉yu 龙long \
    凤feng 山shan 川chuan 江jiang 河he 湖hu 林lin 森sen 木mu 禾he 田tian 园yuan 春chun 夏xia 秋qiu \
    冬dong 东dong 南nan 西xi 北bei 佳jia 美mei 善shan 信xin 诚cheng 德de 仁ren 义yi 礼li 智zhi 勇yong \
    康kang 健jian 福fu 禄lu 寿shou 喜xi 财cai 利li 通tong 顺shun 安an 平ping 力li 新xin 科ke 创chuang \
    卓zhuo 越yue 领ling 先xian 超chao 凡fan 飞fei 翔xiang 腾teng 跃yue 升sheng 旭xu 阳yang 月yue 雪xue \
    梅mei 兰lan 竹zhu 菊ju 松song 柏bai 桐tong 枫feng 虹hong 霞xia 雷lei 风feng 鹏peng 鹤he 鸿hong 雁yan \
    长chang 乐le 行xing 单shan 曾zeng 重chong";
/// Those of them that are read in other ways, too.
const POLYPHONES: [char; 6] = ['长', '乐', '行', '单', '曾', '重'];
const TRADE: &str = "贸易maoyi 科技keji 食品shipin 服饰fushi 机械jixie 建材jiancai 电子dianzi 家具jiaju \
    包装baozhuang 物流wuliu 餐饮canyin 医疗yiliao 教育jiaoyu 咨询zixun 广告guanggao 化工huagong \
    纺织fangzhi 五金wujin 印刷yinshua 农业nongye 环保huanbao 能源nengyuan 汽车qiche 装饰zhuangshi";
const CITY: &str = "上海shanghai 北京beijing 苏州suzhou 杭州hangzhou 宁波ningbo 深圳shenzhen 广州guangzhou \
    武汉wuhan 南京nanjing 成都chengdu 青岛qingdao 天津tianjin 无锡wuxi 合肥hefei 福州fuzhou 济南jinan \
    郑州zhengzhou 长沙changsha 昆明kunming 大连dalian 沈阳shenyang 温州wenzhou 嘉兴jiaxing 南通nantong 重庆chongqing";

/// Text and how it sounds.
type Spelt = (&'static str, &'static str);

fn spelt(list: &'static str) -> Vec<Spelt> {
    let split = |word: &'static str| {
        let at = word.find(|c: char| c.is_ascii()).unwrap();
        word.split_at(at)
    };
    list.split_whitespace().map(split).collect()
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = (self.0)
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn is(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }
}

#[derive(Clone)]
struct Firm {
    brand: Vec<Spelt>,
    trade: Spelt,
    city: Spelt,
    name: String,
    phone: String,
    mail: String,
    code: String,
}

impl Firm {
    fn row(&self, number: usize) -> String {
        let Firm {
            name,
            phone,
            mail,
            code,
            city,
            ..
        } = self;
        let city = if self.brand.is_empty() { "" } else { city.0 };
        format!("C{number:07},{name},{phone},{mail},{code},{city}\n")
    }

    fn brand(&self) -> String {
        self.brand.iter().map(|(text, _)| *text).collect()
    }
}

/// `n` customers, as many firms as in an ordinary list and some people, in
/// hundred of which one shares a phone with another that it is not (a sister, an
/// agency); and behind them 2 % that are one of them again. With the pairs.
fn customers(n: usize) -> (String, Vec<(usize, usize)>) {
    let (brands, trades, cities) = (spelt(BRAND), spelt(TRADE), spelt(CITY));
    let mut dice = Dice(20261122);
    let mut names = std::collections::HashSet::new();
    let mut all: Vec<Firm> = Vec::with_capacity(n);
    let n_own = n - n / 50;
    for i in 0..n_own {
        let mobile = format!("13{:09}", 100_000_000 + i * 7);
        let mut firm = loop {
            let brand: Vec<Spelt> = (0..2 + dice.below(2)).map(|_| dice.one(&brands)).collect();
            let (trade, city) = (dice.one(&trades), dice.one(&cities));
            let form = dice.one(&["有限公司", "有限公司", "有限责任公司", "股份有限公司"]);
            let word: String = brand.iter().map(|(text, _)| *text).collect();
            let firm = Firm {
                name: format!("{}{word}{}{form}", city.0, trade.0),
                brand,
                trade,
                city,
                phone: if dice.is(80) {
                    mobile.clone()
                } else {
                    String::new()
                },
                mail: if dice.is(40) {
                    format!("info{i}@example.com")
                } else {
                    String::new()
                },
                code: match dice.is(60) {
                    true => code_of(i),
                    false => String::new(),
                },
            };
            // No office registers the same name twice in a place.
            if names.insert((word, firm.trade.0, firm.city.0)) {
                break firm;
            }
        };
        match dice.below(100) {
            // People: many share a name.
            0..15 => {
                firm.name = format!(
                    "{}{}",
                    dice.one(&["王", "李", "张", "刘", "陈", "杨"]),
                    firm.brand()
                );
                firm.brand.clear();
                firm.code.clear();
            }
            15 if i > 0 => {
                // A bookkeeper's phone, or that of a sister in another trade.
                let before = all[dice.below(i)].clone();
                firm.phone.clone_from(&before.phone);
                if !before.brand.is_empty() && dice.is(50) && before.trade != firm.trade {
                    let name = format!(
                        "{}{}{}有限公司",
                        before.city.0,
                        before.brand(),
                        firm.trade.0
                    );
                    if names.insert((before.brand(), firm.trade.0, before.city.0)) {
                        (firm.name, firm.brand, firm.city) = (name, before.brand, before.city);
                    }
                }
            }
            _ => {}
        }
        all.push(firm);
    }
    let mut planted = Vec::new();
    while all.len() < n {
        let of = dice.below(n_own);
        let mut again = all[of].clone();
        let kind = dice.below(5);
        if again.brand.is_empty() || again.phone.is_empty() || (kind == 4 && again.code.is_empty())
        {
            continue;
        }
        let (brand, code) = (again.brand(), std::mem::take(&mut again.code));
        again.mail.clear();
        let (trade, city) = (again.trade, again.city);
        match kind {
            // Brackets and another form, half of them without the phone.
            0 => {
                again.name = format!("{brand}{}（{}）有限责任公司", trade.0, city.0);
                if dice.is(50) {
                    again.phone.clear();
                }
            }
            // One sign wrong, most of them with the phone.
            1 => {
                let at = dice.below(again.brand.len());
                again.brand[at] = dice.one(&brands);
                again.name = format!("{}{}{}有限公司", city.0, again.brand(), trade.0);
                if dice.is(8) {
                    again.phone.clear();
                }
            }
            // In Latin letters.
            2 => {
                let sounds: String = again.brand.iter().map(|(_, sound)| *sound).collect();
                again.name = format!("{} {sounds} {} youxian gongsi", city.1, trade.1);
                if dice.is(50) {
                    again.phone.clear();
                }
            }
            // The phone in another writing, a short name.
            3 => {
                again.phone = format!("+86 {}-{}", &again.phone[..3], &again.phone[3..]);
                again.name = format!("{brand}{}", trade.0);
            }
            // The code in another writing, another name and phone.
            _ => {
                again.code = format!("{} {}", code[..8].to_lowercase(), code[8..].to_lowercase());
                again.name = format!(
                    "{}{}{}公司",
                    city.0,
                    dice.one(&brands).0,
                    dice.one(&brands).0
                );
                again.phone.clear();
            }
        }
        planted.push((of, all.len()));
        all.push(again);
    }
    let mut csv = String::from("客户编号,客户名称,电话,邮箱,统一社会信用代码,城市\n");
    for (i, firm) in all.iter().enumerate() {
        csv.push_str(&firm.row(i));
    }
    (csv, planted)
}

fn code_of(i: usize) -> String {
    keji_app::duplicates::with_check_sign(&format!("91310000{:08}A", 10_000_000 + i * 13)).unwrap()
}

/// What is planted among many customers is found, and little else.
/// `KEJI_DUPLICATE_CUSTOMERS` says among how many, for the measurement.
#[test]
fn the_scan_finds_what_is_planted() {
    let wanted = std::env::var("KEJI_DUPLICATE_CUSTOMERS").ok();
    let n: usize = wanted.and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let (csv, planted) = customers(n);
    for home in homes() {
        let file = home.data.path().join("customers.csv");
        std::fs::write(&file, &csv).unwrap();
        let done = home
            .keji()
            .args(["import", "--object", "customer"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", crate::support::text(&done));
        let server = home.server();
        let started = Instant::now();
        let path = "/api/duplicates/customer";
        is(&server.post(&format!("{path}/scan"), &json!({})), 202);
        let mut list = server.get(path).json();
        while list["last_scan"].is_null() {
            assert!(started.elapsed() < Duration::from_secs(3600), "no scan");
            std::thread::sleep(Duration::from_millis(500));
            list = server.get(path).json();
        }
        let took = started.elapsed();
        let memory = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
        let memory = memory.unwrap_or_default();
        let peak = memory
            .lines()
            .find(|l| l.starts_with("VmHWM"))
            .unwrap_or("")
            .to_owned();
        let number =
            |side: &Json| -> usize { side["number"].as_str().unwrap()[1..].parse().unwrap() };
        let mut found = std::collections::HashSet::new();
        let mut after = String::new();
        loop {
            let page = server
                .get(&format!("{path}?limit=200&after={after}"))
                .json();
            for pair in page["pairs"].as_array().unwrap() {
                let (a, b) = (number(&pair["a"]), number(&pair["b"]));
                found.insert((a.min(b), a.max(b)));
            }
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        let rows: Vec<&str> = csv.lines().skip(1).collect();
        // In Latin letters, of names that may be read in more than one way: the
        // phone finds some of them, the readings have to find the others.
        let is_spelt = |at: usize| rows[at].contains("youxian gongsi");
        let spelt = planted.iter().filter(|(of, at)| {
            let has_two = |text: &str| text.contains(POLYPHONES);
            is_spelt(*at) && has_two(rows[*of]) && !rows[*at].contains(",13")
        });
        let spelt: Vec<&(usize, usize)> = spelt.collect();
        let missed: Vec<[&str; 2]> = (spelt.iter())
            .filter(|pair| !found.contains(pair))
            .map(|(a, b)| [rows[*a], rows[*b]])
            .collect();
        assert!(!spelt.is_empty() || n < 20_000, "none was planted");
        assert!(
            missed.len() * 10 <= spelt.len(),
            "of {}: {missed:#?}",
            spelt.len()
        );
        let mut expected: std::collections::HashSet<(usize, usize)> =
            planted.iter().copied().collect();
        // Two that are planted of one are one, too.
        let mut of: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
        for (a, b) in &planted {
            of.entry(*a).or_default().push(*b);
        }
        let twins: Vec<(usize, usize)> = (of.values())
            .flat_map(|all| all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))))
            .filter(|(a, b)| a < b)
            .collect();
        let hit = planted.iter().filter(|pair| found.contains(pair)).count();
        let recall = hit as f64 / planted.len() as f64;
        expected.extend(twins);
        let right = found.iter().filter(|pair| expected.contains(pair)).count();
        let precision = right as f64 / found.len() as f64;
        println!(
            "{n} customers: precision {precision:.4}, recall {recall:.4}, {} s with the keys, \
             scan {} s, {peak}",
            took.as_secs(),
            list["last_scan"]["seconds"]
        );
        let wrong: Vec<[&str; 2]> = (found.iter())
            .filter(|pair| !expected.contains(pair))
            .map(|(a, b)| [rows[*a], rows[*b]])
            .take(20)
            .collect();
        assert!(precision >= 0.98, "precision {precision}: {wrong:#?}");
        assert!(recall >= 0.90, "recall {recall} of {}", planted.len());
    }
}

//! A company of a few people whose every record is somebody's, made through
//! the program's own doors as its owner.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value as Json, json};

use super::super::ground::{Ground, Home};
use super::super::server::{Client, Server};
use super::policy::{Owned, Person, Role};

/// The customers by number, each with whose it is.
pub const CUSTOMERS: [(&str, &str); 5] = [
    ("K1", "li"),
    ("K2", "wang"),
    ("K3", "zhao"),
    ("K4", "zhao"),
    ("K5", "zhao"),
];

/// What the orders of the customer at a place amount to: one of a file, ten
/// times a power of two, and one written by hand. A sum tells which are in it.
pub fn amount(place: usize) -> u32 {
    of_file(place) + 1
}

fn of_file(place: usize) -> u32 {
    10 << place
}

pub struct World {
    /// Stops with the world.
    _server: Server,
    pub owner: Client,
    pub people: Vec<Person>,
    /// By number.
    pub customers: BTreeMap<String, i64>,
    pub objects: Vec<Object>,
    pub users: BTreeMap<String, i64>,
    pub as_of: String,
}

pub struct Object {
    pub id: String,
    pub doc: Json,
    pub is_writable: bool,
    /// Links from a record to its customer.
    pub way: Option<Vec<String>>,
    pub has_user: bool,
    pub records: Vec<Record>,
}

#[derive(Debug, Clone)]
pub struct Record {
    pub id: i64,
    pub owned: Owned,
    /// The customer's number, for messages.
    pub of: String,
    /// What it was made of, for another like it.
    pub body: Map<String, Json>,
}

/// A role of one's own, with a hidden field and one that is only read.
fn narrow() -> Json {
    let grant = |object: &str, actions: &[&str], rows: &str| json!({ "object": object, "actions": actions, "rows": rows });
    json!({
        "name": { "zh": "窄", "en": "Narrow" }, "about": { "zh": "", "en": "" },
        "grants": [
            grant("customer", &["read", "update"], "team"),
            grant("customer", &["export"], "own"),
            grant("contact", &["read", "create", "update", "delete"], "own"),
            grant("score", &["read"], "team"),
            grant("score", &["export"], "own"),
            grant("order", &["read"], "team"),
            grant("order_line", &["read"], "own"),
            grant("task", &["read", "create"], "department"),
            grant("file", &["read", "create", "update", "delete"], "own"),
        ],
        "fields": [
            { "field": "customer.phone", "as": "hidden" },
            { "field": "customer.city", "as": "read" },
            { "field": "file.checksum", "as": "hidden" },
        ],
        "admin": ["audit"],
    })
}

/// What an administrator makes in the page: somebody's by its customer and its
/// user, counted by a date, with a value that is worked out.
fn own() -> Json {
    let text = |zh: &str, en: &str| json!({ "zh": zh, "en": en });
    let option = |zh: &str, en: &str| json!({ "name": text(zh, en) });
    json!({
        "name": text("安装交付", "Installation"), "is_numbered": true, "measured_by": "due",
        "fields": [
            { "type": "text", "name": text("名称", "Name"), "is_title": true, "is_searched": true, "is_required": true },
            { "type": "link", "to": "customer", "name": text("客户", "Customer") },
            { "type": "link", "to": "user", "name": text("负责人", "Owner") },
            { "type": "choice", "name": text("状态", "State"), "options": [option("未开始", "To do"), option("完成", "Done")] },
            { "type": "decimal", "name": text("预算", "Budget"), "unit": "money" },
            { "type": "date", "name": text("到期日", "Due"), "is_required": true },
        ],
        "derived": [{ "name": text("含税", "Gross"), "formula": "budget * 1.13" }],
    })
}

impl World {
    pub fn make(ground: &Ground, home: &Home) -> Result<World> {
        let mut file = String::from("单号,日期,客户编号,客户,产品,数量,单价\n");
        for (i, (number, _)) in CUSTOMERS.iter().enumerate() {
            let day = i + 1;
            file.push_str(&format!(
                "S{number},2025-03-0{day},{number},公司{number},茶,1,{}\n",
                of_file(i)
            ));
        }
        home.import(&home.write("orders.csv", file)?)?;
        let evaluated = home.json(["evaluate"])?;
        let as_of = evaluated["as_of"].as_str().context("no day")?.to_owned();
        let server = Server::start(&mut home.serve())?;
        let owner = server.client();
        let mut world = World {
            _server: server,
            owner,
            people: Vec::new(),
            customers: BTreeMap::new(),
            objects: Vec::new(),
            users: BTreeMap::new(),
            as_of,
        };
        world.populate(ground, home)?;
        world.design()?;
        world.fill()?;
        world.survey()?;
        super::files::fill(&world)?;
        Ok(world)
    }

    fn populate(&mut self, ground: &Ground, home: &Home) -> Result<()> {
        let department = |name: &str, parent: Option<i64>| -> Result<i64> {
            let body = json!({ "name": name, "parent": parent });
            let made = self.owner.ask("POST", "/api/departments", &body)?.json()?;
            made["id"].as_i64().context("no department")
        };
        let north = department("North", None)?;
        let first = department("North 1", Some(north))?;
        let south = department("South", None)?;
        self.owner
            .ask("PUT", "/api/roles/narrow", &narrow())?
            .good()?;
        let seats = [
            ("li", "representative", vec![first]),
            ("wang", "representative", vec![first]),
            ("zhao", "representative", vec![south]),
            ("boss", "manager", vec![north]),
            ("chief", "manager", vec![south, first]),
            ("idle", "manager", vec![]),
            ("mei", "marketing", vec![]),
            ("care", "service", vec![south]),
            ("keeper", "data", vec![]),
            ("chen", "narrow", vec![first]),
        ];
        for (login, role, departments) in &seats {
            let departments: Vec<Json> = departments.iter().map(|d| json!({ "id": d })).collect();
            let body =
                json!({ "login": login, "name": login, "role": role, "departments": departments });
            let made = self.owner.ask("POST", "/api/users", &body)?.json()?;
            self.users
                .insert((*login).to_owned(), made["id"].as_i64().context("no user")?);
        }
        let listed = self.owner.get("/api/customers?sort=number")?;
        for row in listed["resources"].as_array().context("no customers")? {
            let number = row["number"].as_str().unwrap_or_default().to_owned();
            self.customers
                .insert(number, row["id"].as_i64().context("no id")?);
        }
        for (number, login) in CUSTOMERS {
            let path = format!("/api/records/customer/{}", self.customers[number]);
            let body = json!({ "user": self.users[login], "phone": format!("1380000000{}", &number[1..]), "city": "上海" });
            self.owner.ask("PATCH", &path, &body)?.json()?;
        }
        let share = |number: &str, body: Json| -> Result<()> {
            let path = format!("/api/customers/{}/shares", self.customers[number]);
            self.owner.ask("POST", &path, &body)?.json()?;
            Ok(())
        };
        share("K4", json!({ "department": north, "access": "read" }))?;
        share("K5", json!({ "user": self.users["li"], "access": "write" }))?;

        let inside = |wanted: &[i64]| -> BTreeSet<i64> {
            let seats = seats
                .iter()
                .filter(|(_, _, d)| d.iter().any(|d| wanted.contains(d)));
            seats.map(|(login, _, _)| self.users[*login]).collect()
        };
        let mut people = Vec::new();
        for (login, role, departments) in &seats {
            let below: Vec<i64> = match departments.contains(&north) {
                true => [departments.as_slice(), &[first]].concat(),
                false => departments.clone(),
            };
            let mut shared = BTreeMap::new();
            // North 1 is below North.
            if departments.contains(&north) || departments.contains(&first) {
                shared.insert(self.customers["K4"], false);
            }
            if *login == "li" {
                shared.insert(self.customers["K5"], true);
            }
            let role = match *role {
                "narrow" => Role::of_json(&narrow()),
                id => {
                    let file = ground.root.join(format!("definitions/roles/{id}.toml"));
                    Role::of_toml(&std::fs::read_to_string(file)?)?
                }
            };
            let person = Person {
                name: (*login).to_owned(),
                user: self.users[*login],
                token: String::new(),
                role,
                team: inside(departments),
                department: inside(&below),
                shared,
                scopes: Vec::new(),
            };
            people.push(person.clone());
            if *login == "li" {
                for scopes in [&["read"][..], &["customer:read", "contact:write"]] {
                    people.push(Person {
                        name: format!("li with {}", scopes.join(" ")),
                        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
                        ..person.clone()
                    });
                }
            }
        }
        for mut person in people {
            let login = person.name.split(' ').next().unwrap_or_default().to_owned();
            let mut arguments = vec![
                "token".to_owned(),
                "create".to_owned(),
                "t".to_owned(),
                "--user".to_owned(),
                login,
            ];
            for scope in &person.scopes {
                arguments.extend(["--scope".to_owned(), scope.clone()]);
            }
            let made = home.json(arguments)?;
            made["token"]
                .as_str()
                .context("no token")?
                .clone_into(&mut person.token);
            self.people.push(person);
        }
        Ok(())
    }

    /// A pack, and an object of one's own as the page makes it: both are walked
    /// through as all that the product brings.
    fn design(&self) -> Result<()> {
        let version = || -> Result<Json> { Ok(self.owner.get("/api/design")?["version"].clone()) };
        let pack = json!({ "version": version()?, "samples": "without" });
        let path = "/api/design/packs/aftersales";
        self.owner.ask("POST", path, &pack)?.json()?;
        let change =
            json!({ "version": version()?, "objects": [{ "draft": own(), "with_metrics": true }] });
        self.owner.ask("POST", "/api/design", &change)?.json()?;
        Ok(())
    }

    /// A record of every object that takes any, for every customer.
    fn fill(&mut self) -> Result<()> {
        let listed = self.owner.get("/api/objects")?;
        let docs: BTreeMap<String, Json> = (listed["objects"].as_array().context("no objects")?)
            .iter()
            .map(|o| (o["id"].as_str().unwrap_or_default().to_owned(), o.clone()))
            .collect();
        for (id, doc) in &docs {
            self.objects.push(Object {
                id: id.clone(),
                doc: doc.clone(),
                is_writable: doc["is_writable"] == true,
                way: way(&docs, id),
                has_user: fields(doc).any(|f| f["id"] == "user" && f["to"] == "user"),
                records: Vec::new(),
            });
        }
        // Records that others link to come first.
        let mut made: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (number, id) in &self.customers {
            made.insert(("customer".to_owned(), number.clone()), *id);
        }
        let orders = self
            .owner
            .get("/api/records/order?limit=100&fields=number")?;
        for row in orders["rows"].as_array().context("no orders")? {
            let number = row["values"]["number"].as_str().unwrap_or_default()[1..].to_owned();
            made.insert(
                ("order".to_owned(), number),
                row["id"].as_i64().unwrap_or_default(),
            );
        }
        let mut open: Vec<usize> = (0..self.objects.len())
            .filter(|&i| self.objects[i].is_writable && self.objects[i].id != "customer")
            .collect();
        while !open.is_empty() {
            let before = open.len();
            let mut rest = Vec::new();
            for i in open {
                let object = &self.objects[i];
                let mut bodies = Vec::new();
                for (number, login) in CUSTOMERS {
                    bodies
                        .push(body(object, number, self.users[login], &made).map(|b| (number, b)));
                }
                let Some(bodies) = bodies.into_iter().collect::<Option<Vec<_>>>() else {
                    rest.push(i);
                    continue;
                };
                let name = object.id.clone();
                let is_everybodys = object.way.is_none() && !object.has_user;
                for (number, body) in bodies {
                    let path = format!("/api/records/{name}");
                    let reply = self.owner.ask("POST", &path, &Json::Object(body.clone()))?;
                    let id = reply.json().with_context(|| path)?["id"]
                        .as_i64()
                        .context("no id")?;
                    made.insert((name.clone(), number.to_owned()), id);
                    self.objects[i].records.push(Record {
                        id,
                        owned: Owned::default(),
                        of: number.to_owned(),
                        body,
                    });
                    if is_everybodys {
                        break;
                    }
                }
                if let Some(&id) = made.get(&(name.clone(), "K1".to_owned())) {
                    for (number, _) in CUSTOMERS {
                        made.entry((name.clone(), number.to_owned())).or_insert(id);
                    }
                }
            }
            ensure!(
                rest.len() < before,
                "no record for {:?}",
                rest.iter()
                    .map(|&i| &self.objects[i].id)
                    .collect::<Vec<_>>()
            );
            open = rest;
        }
        Ok(())
    }

    pub fn records(&self, object: &str) -> impl Iterator<Item = &Record> {
        let objects = self.objects.iter().filter(move |o| o.id == object);
        objects.flat_map(|o| &o.records)
    }

    /// Whose every record is, as the owner reads it.
    pub fn survey(&mut self) -> Result<()> {
        let owners: BTreeMap<i64, i64> = CUSTOMERS
            .iter()
            .map(|(number, login)| (self.customers[*number], self.users[*login]))
            .collect();
        for object in &mut self.objects {
            let customer = match (&object.way, object.id.as_str()) {
                (_, "customer") => "id".to_owned(),
                (Some(way), _) => way.join("."),
                (None, _) => String::new(),
            };
            let mut wanted = vec![];
            if object.has_user {
                wanted.push("user".to_owned());
            }
            if object.way.is_some() {
                wanted.push(customer.clone());
            }
            let path = format!(
                "/api/records/{}?limit=1000&fields={}",
                object.id,
                wanted.join(",")
            );
            let listed = self.owner.get(&path)?;
            let mut known: BTreeMap<i64, Record> =
                object.records.drain(..).map(|r| (r.id, r)).collect();
            for row in listed["rows"].as_array().context("no rows")? {
                let id = row["id"].as_i64().context("no id")?;
                let values = &row["values"];
                let customer = match object.id.as_str() {
                    "customer" => Some(id),
                    _ => values[&customer].as_i64(),
                };
                let mut record = known.remove(&id).unwrap_or(Record {
                    id,
                    owned: Owned::default(),
                    of: String::new(),
                    body: Map::new(),
                });
                record.owned = Owned {
                    user: values["user"].as_i64(),
                    customer,
                    customer_user: customer.and_then(|c| owners.get(&c).copied()),
                    is_somebodys: object.has_user
                        || object.way.is_some()
                        || object.id == "customer",
                };
                object.records.push(record);
            }
        }
        Ok(())
    }
}

pub fn fields(doc: &Json) -> impl Iterator<Item = &Json> {
    doc["fields"].as_array().into_iter().flatten()
}

/// The shortest way over links to a customer, the first one in the order of
/// the fields.
fn way(docs: &BTreeMap<String, Json>, object: &str) -> Option<Vec<String>> {
    if object == "customer" {
        return None;
    }
    let mut reached = vec![(object.to_owned(), Vec::<String>::new())];
    for _ in 0..3 {
        let mut next = Vec::new();
        for (at, path) in &reached {
            for field in fields(docs.get(at)?) {
                let Some(to) = field["to"].as_str() else {
                    continue;
                };
                let mut path = path.clone();
                path.push(field["id"].as_str().unwrap_or_default().to_owned());
                if to == "customer" {
                    return Some(path);
                }
                if to != at && to != "user" && docs.contains_key(to) {
                    next.push((to.to_owned(), path));
                }
            }
        }
        reached = next;
    }
    None
}

/// What a record of a customer needs; none where it links to what is not
/// there yet.
fn body(
    object: &Object,
    number: &str,
    user: i64,
    made: &BTreeMap<(String, String), i64>,
) -> Option<Map<String, Json>> {
    let mut body = Map::new();
    for field in fields(&object.doc) {
        let id = field["id"].as_str().unwrap_or_default();
        let is_way = object.way.as_ref().is_some_and(|way| way[0] == id);
        let is_user = id == "user" && field["to"] == "user";
        let is_title = object.doc["title"] == field["id"];
        if !(field["required"] == true || is_way || is_user || is_title) {
            continue;
        }
        let value = match (
            field["type"].as_str().unwrap_or_default(),
            field["to"].as_str(),
        ) {
            ("link", Some("user")) => json!(user),
            ("link", Some(to)) => json!(made.get(&(to.to_owned(), number.to_owned()))?),
            ("choice", _) => field["options"][0]["value"].clone(),
            ("decimal", _) => json!("1"),
            ("int" | "float", _) => json!(1),
            ("bool", _) => json!(false),
            ("date", _) => json!("2026-01-31"),
            ("instant", _) => json!("2026-01-31T06:30:00Z"),
            _ => json!(format!("{} {number} 标记{number}", object.id)),
        };
        body.insert(id.to_owned(), value);
    }
    Some(body)
}

//! Packs: every one of them goes in beside all others, works at every door,
//! and leaves nothing behind when it is removed. And layouts by role.

use crate::support::{Home, Reply, Server, homes, token};
use serde_json::{Value as Json, json};

struct Place {
    server: Server,
    owner: String,
}

impl Place {
    fn of(home: &Home) -> Place {
        let owner = token(&home.keji(), "boss", "owner");
        Place {
            server: home.server(),
            owner,
        }
    }

    fn by(&self, key: &str, language: &str, method: &str, path: &str, body: &Json) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("host", self.server.address.as_str()),
            ("accept-language", language),
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

    fn get(&self, path: &str) -> Json {
        is(&self.by(&self.owner, "zh", "GET", path, &Json::Null), 200)
    }

    fn packs(&self) -> Vec<Json> {
        self.get("/api/design/packs")["packs"]
            .as_array()
            .unwrap()
            .clone()
    }

    fn pack(&self, id: &str) -> Json {
        let mut packs = self.packs().into_iter();
        packs.find(|pack| pack["id"] == id).unwrap()
    }

    fn change(&self, path: &str, samples: &str, dry_run: bool) -> Reply {
        let version = self.get("/api/design")["version"].clone();
        let body = json!({ "version": version, "samples": samples, "dry_run": dry_run });
        let path = format!("/api/design/packs/{path}");
        self.by(&self.owner, "zh", "POST", &path, &body)
    }

    fn numbers(&self, object: &str, field: &str) -> Vec<String> {
        let list = self.get(&format!("/api/records/{object}?limit=200&fields={field}"));
        let rows = list["rows"].as_array().unwrap();
        let text = |row: &Json| row["values"][field].as_str().unwrap_or_default().to_owned();
        rows.iter().map(text).collect()
    }
}

fn is(reply: &Reply, status: u16) -> Json {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Json::Null)
}

#[test]
fn every_pack_goes_in_beside_the_others_and_out_without_a_trace() {
    for home in homes() {
        let place = Place::of(&home);
        let design = place.get("/api/design");
        let objects = design["objects"].as_array().unwrap().len();
        let packs = place.packs();
        let of = |kind: &str| packs.iter().filter(|p| p["kind"] == kind).count();
        assert_eq!((of("industry"), of("application")), (8, 8));
        let mut n_samples = 0;
        for pack in &packs {
            let id = pack["id"].as_str().unwrap();
            if id == "inventory" {
                // First only looked at.
                let seen = is(&place.change(id, "with", true), 200);
                assert_eq!(seen["is_applied"], false, "{id}");
                assert_eq!(place.pack(id)["taken_in"], json!(null), "{id}");
            }
            let done = is(&place.change(id, "with", false), 200);
            assert_eq!(done["n_samples"], pack["n_samples"], "{id}");
            n_samples += done["n_samples"].as_i64().unwrap();
            let is_board = |view: &&Json| view["state"]["view"] == "board";
            let mut boards = 0;
            for part in pack["views"].as_array().unwrap() {
                let object = part["object"].as_str().unwrap();
                let views = place.get(&format!("/api/views/{object}"));
                let views = views["views"].as_array().unwrap();
                assert!(views.iter().all(|view| view["fits"] == true), "{id}");
                for view in views.iter().filter(is_board) {
                    boards += 1;
                    // What a board asks.
                    let by = view["state"]["by"].as_str().unwrap();
                    let groups = place.get(&format!("/api/records/{object}/groups?by={by}"));
                    let groups = groups["groups"].as_array().unwrap();
                    assert!(groups.len() > 1, "{id}: {object} by {by}");
                }
            }
            assert!(boards > 0, "{id} has no board");
            for part in pack["objects"].as_array().unwrap() {
                let object = part["object"].as_str().unwrap();
                let list = place.get(&format!("/api/records/{object}"));
                assert_ne!(list["rows"], json!([]), "{id}: {object} has no sample");
            }
            let again = place.change(id, "with", false);
            assert_eq!(is(&again, 409)["code"], "pack_there", "{id}");
        }
        let customers = place.numbers("customer", "number");
        assert!(customers.iter().any(|number| number.starts_with("DEMO-")));
        assert!(n_samples > 160);
        // All of them out again.
        for pack in &packs {
            let id = pack["id"].as_str().unwrap();
            if id == "inventory" {
                let before = place.get("/api/design")["version"].clone();
                let seen = is(&place.change(&format!("{id}/remove"), "with", true), 200);
                assert_eq!(seen["n_samples"], pack["n_samples"], "{id}");
                assert_eq!(place.get("/api/design")["version"], before);
            }
            let done = is(&place.change(&format!("{id}/remove"), "with", false), 200);
            assert_eq!(done["n_kept"], 0, "{id}");
        }
        let packs = place.packs();
        let left = packs.iter().find(|pack| pack["taken_in"] != json!(null));
        assert_eq!(left, None);
        let design = place.get("/api/design");
        assert_eq!(design["objects"].as_array().unwrap().len(), objects);
        let added = |object: &&Json| object["n_added"] != 0;
        assert_eq!(
            design["objects"].as_array().unwrap().iter().find(added),
            None
        );
        let left: Vec<Json> = ["customer", "product", "order", "contact"]
            .iter()
            .flat_map(|object| {
                let list = place.get(&format!("/api/records/{object}"));
                list["rows"].as_array().unwrap().clone()
            })
            .collect();
        assert_eq!(left, Vec::<Json>::new());
        assert_eq!(place.get("/api/views/customer")["views"], json!([]));
    }
}

#[test]
fn what_somebody_made_himself_stays() {
    for home in homes() {
        let place = Place::of(&home);
        is(&place.change("aftersales", "with", false), 200);
        // One's own record that leads to a sample.
        let list = place.get("/api/records/customer?fields=number&limit=1");
        let customer = list["rows"][0]["id"].clone();
        let contact = json!({ "name": "李明", "customer": customer });
        let made = place.by(&place.owner, "zh", "POST", "/api/records/contact", &contact);
        is(&made, 201);
        // The samples alone go, but for the one that is needed.
        let done = is(&place.change("aftersales/remove", "only", false), 200);
        assert_eq!(done["n_kept"], 1);
        assert_eq!(place.pack("aftersales")["taken_in"]["n_samples"], 1);
        assert_eq!(place.numbers("customer", "number").len(), 1);
        // Without samples it is as empty as a new one; and the objects are gone
        // with the pack, to the trash.
        is(&place.change("aftersales/remove", "with", false), 200);
        let object = place.pack("aftersales")["objects"][0]["object"].clone();
        let path = format!("/api/records/{}", object.as_str().unwrap());
        let gone = place.by(&place.owner, "zh", "GET", &path, &Json::Null);
        assert_eq!(gone.status, 404);
        let trash = place.get("/api/design")["trash"].clone();
        let is_there = |one: &Json| one["object"] == object;
        assert!(trash.as_array().unwrap().iter().any(is_there));
        assert_eq!(place.numbers("contact", "name"), ["李明"]);
    }
}

#[test]
fn a_pack_is_for_whoever_may_design() {
    for home in homes() {
        let place = Place::of(&home);
        let rep = token(&home.keji(), "wang", "representative");
        let body = json!({ "version": 0 });
        let path = "/api/design/packs/inventory";
        let by = |key: &str, method: &str, path: &str, body: &Json| {
            place.by(key, "zh", method, path, body).status
        };
        assert_eq!(by(&rep, "GET", "/api/design/packs", &Json::Null), 403);
        assert_eq!(by(&rep, "POST", path, &body), 403);
        assert_eq!(by(&rep, "POST", &format!("{path}/remove"), &body), 403);
        let owner = place.owner.as_str();
        assert_eq!(by(owner, "POST", "/api/design/packs/nothing", &body), 404);
        assert_eq!(by(owner, "POST", &format!("{path}/remove"), &body), 409);
        // Somebody else was faster.
        let body = json!({ "version": 7 });
        assert_eq!(by(owner, "POST", path, &body), 409);
        // Without samples nothing but the objects is there.
        let done = is(&place.change("inventory", "without", false), 200);
        assert_eq!(done["n_samples"], 0);
        assert_eq!(place.numbers("customer", "number"), Vec::<String>::new());
        assert_eq!(place.pack("inventory")["taken_in"]["n_samples"], 0);
    }
}

#[test]
fn a_page_stands_as_the_layout_of_the_role_has_it() {
    for home in homes() {
        let place = Place::of(&home);
        let rep = token(&home.keji(), "wang", "representative");
        let section =
            |zh: &str, fields: &[&str]| json!({ "name": { "zh": zh, "en": zh }, "fields": fields });
        let define = |layouts: Json| {
            let draft = place.get("/api/design/objects/customer")["draft"].clone();
            let mut draft = draft;
            draft["layouts"] = layouts;
            let version = place.get("/api/design")["version"].clone();
            let body =
                json!({ "version": version, "objects": [{ "id": "customer", "draft": draft }] });
            place.by(&place.owner, "zh", "POST", "/api/design", &body)
        };
        let sections = |key: &str| {
            let object = is(
                &place.by(key, "zh", "GET", "/api/objects/customer", &Json::Null),
                200,
            );
            object["sections"].clone()
        };
        assert_eq!(sections(&rep), json!([]));
        let short = json!({ "roles": ["representative"], "sections": [section("电话", &["name", "phone", "no_such_field"])] });
        let others =
            json!({ "sections": [section("先看", &["number", "industry"]), section("空", &[])] });
        let done = is(&define(json!([short, others])), 200);
        assert_eq!(done["steps"][0]["kind"], "change_layout");
        assert_eq!(sections(&rep), json!([section("电话", &["name", "phone"])]));
        assert_eq!(
            sections(&place.owner),
            json!([section("先看", &["number", "industry"])])
        );
        // Twice for one role.
        let told = is(&define(json!([short, short])), 422);
        assert_eq!(
            told["fields"][0]["field"], "objects[0].layouts[1].roles",
            "{told}"
        );
        let nameless = json!({ "sections": [section("", &["name"])] });
        let told = is(&define(json!([nameless])), 422);
        assert_eq!(
            told["fields"][0]["field"],
            "objects[0].layouts[0].sections[0].name"
        );
        is(&define(json!([])), 200);
        assert_eq!(sections(&rep), json!([]));
    }
}

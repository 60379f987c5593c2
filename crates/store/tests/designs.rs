//! What was defined in the page changes again and again, forward and back:
//! no value that nobody touched is another one afterwards, and what was
//! removed comes back as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use keji_schema::{Catalog, Value};
use keji_store::testing::places;
use keji_store::*;

/// The same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

const KINDS: [&str; 8] = [
    "text", "int", "decimal", "float", "bool", "date", "instant", "choice",
];

/// Of every choice; records have them.
const OPTIONS: [&str; 3] = ["a", "b", "ab"];

/// Objects by name.
type Plan = BTreeMap<String, Thing>;

#[derive(Debug, Clone, Default)]
struct Thing {
    /// Field to type; `None` is a link to the customer.
    fields: BTreeMap<String, Option<&'static str>>,
    /// Words more of a choice, by field, which no record has.
    spare: BTreeMap<String, Vec<String>>,
    /// What is worked out, to the field of which it is.
    derived: BTreeMap<String, String>,
    /// Fields that a rule checks.
    rules: Vec<String>,
    /// Fields by the role whose layout names them.
    layouts: BTreeMap<&'static str, Vec<String>>,
}

impl Thing {
    fn of(fields: BTreeMap<String, Option<&'static str>>) -> Thing {
        Thing {
            fields,
            ..Thing::default()
        }
    }

    /// A field goes, and with it what needs it. A layout may name what is no
    /// more.
    fn remove(&mut self, field: &str) {
        self.fields.remove(field);
        self.spare.remove(field);
        self.derived.retain(|_, of| of != field);
        self.rules.retain(|of| of != field);
    }

    /// One step that touches no value: a word of a choice, a formula, a rule, a
    /// layout, more or less.
    fn vary(&mut self, dice: &mut Dice, version: i64) {
        let names: Vec<String> = self.fields.keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let field = names[dice.below(names.len())].clone();
        let choices: Vec<&String> = (names.iter())
            .filter(|f| self.fields[*f] == Some("choice"))
            .collect();
        match dice.below(8) {
            0 | 1 if !choices.is_empty() => {
                let choice = choices[dice.below(choices.len())].clone();
                let words = self.spare.entry(choice).or_default();
                let word = format!("spare_{version}");
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            2 => self.spare.retain(|_, words| words.pop().is_none()),
            3 | 4 => drop(self.derived.insert(format!("x_is_{version}"), field)),
            5 => drop(self.derived.pop_first()),
            6 if self.rules.pop().is_none() => self.rules.push(field),
            6 => {}
            _ => {
                let role = ["owner", "manager"][dice.below(2)];
                self.layouts.insert(role, vec![field]);
            }
        }
    }
}

fn files(plan: &Plan) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (object, thing) in plan {
        let mut text = String::new();
        if object != "customer" {
            text.push_str(&format!(
                "name = {{ zh = \"物\", en = \"{object}\" }}\nabout = {{ zh = \"物\", en = \"{object}\" }}\n"
            ));
        }
        for (field, kind) in &thing.fields {
            let what = match kind {
                Some("choice") => {
                    let spare = thing.spare.get(field).into_iter().flatten();
                    let words = OPTIONS.into_iter().chain(spare.map(String::as_str));
                    let words: Vec<String> = words
                        .map(|word| {
                            format!("{{ value = \"{word}\", zh = \"词\", en = \"{word}\" }}")
                        })
                        .collect();
                    format!("type = \"choice\"\noptions = [{}]", words.join(", "))
                }
                Some(kind) => format!("type = \"{kind}\""),
                None => "type = \"link\"\nto = \"customer\"".to_owned(),
            };
            text.push_str(&format!(
                "\n[[field]]\nid = \"{field}\"\n{what}\nname = {{ zh = \"{field}\", en = \"{field}\" }}\n"
            ));
        }
        for (id, field) in &thing.derived {
            text.push_str(&format!(
                "\n[[derived]]\nid = \"{id}\"\nname = {{ zh = \"有\", en = \"Has\" }}\n\
                 formula = \"case when {field} is null then 0 else 1 end\"\n"
            ));
        }
        for field in &thing.rules {
            text.push_str(&format!(
                "\n[[rule]]\ncheck = \"{field} is null or {field} is not null\"\nfield = \"{field}\"\n\
                 message = {{ zh = \"不会\", en = \"never\" }}\n"
            ));
        }
        for (role, fields) in &thing.layouts {
            text.push_str(&format!(
                "\n[[layout]]\nroles = [\"{role}\"]\n\n[[layout.section]]\n\
                 name = {{ zh = \"主要\", en = \"Main\" }}\nfields = {fields:?}\n"
            ));
        }
        let place = match object.as_str() {
            "customer" => "additions",
            _ => "objects",
        };
        files.insert(format!("{place}/{object}.toml"), text);
    }
    files
}

fn catalog(plan: &Plan) -> Arc<Catalog> {
    Arc::new(Catalog::standard_and(BTreeMap::new(), files(plan)).unwrap())
}

fn new(version: i64, plan: &Plan) -> NewDesign {
    NewDesign {
        expected: version,
        catalog: catalog(plan),
        actor: "anna".to_owned(),
        channel: "page".to_owned(),
        note: String::new(),
    }
}

fn value(dice: &mut Dice, kind: &str) -> Value {
    let n = dice.below(10_000) as i64;
    match kind {
        "text" => Value::Text(format!("词{n}é\"\\ ")),
        "int" => Value::Int(n * 7 - 3),
        "decimal" => Value::Decimal(keji_schema::Decimal::from_units(n * 12_345 + 1)),
        "float" => Value::Float(n as f64 / 3.0 + 0.1),
        "bool" => Value::Bool(n % 2 == 0),
        "choice" => OPTIONS[n as usize % OPTIONS.len()].into(),
        "date" => Value::Date(jiff::civil::date(2026, 1 + (n % 12) as i8, 5)),
        _ => {
            let at = jiff::Timestamp::from_microsecond(1_700_000_000_000_001 + n * 1_234_567);
            Value::Instant(at.unwrap())
        }
    }
}

async fn write(store: &Store, object: &str, op: Op) -> i64 {
    let change = NewChange {
        object: object.to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: true,
        jobs: Vec::new(),
    };
    let written = store.write(change, &Access::all()).await.unwrap();
    written.unwrap().record.unwrap()
}

/// Every value of every record by object, record and field, nulls left out.
async fn values(store: &Store) -> BTreeMap<(String, i64, String), Value> {
    let mut all = BTreeMap::new();
    for (id, def) in &store.catalog().objects {
        let mut fields = vec!["id".to_owned()];
        fields.extend(def.fields.iter().map(|f| f.id.clone()));
        let query = ListQuery {
            object: id.clone(),
            fields: fields.clone(),
            limit: 1000,
            ..ListQuery::default()
        };
        for row in store.list(&query, &Access::all()).await.unwrap().rows {
            let Value::Int(record) = row[0] else { panic!() };
            for (field, value) in fields.iter().zip(row).skip(1) {
                if !value.is_null() {
                    all.insert((id.clone(), record, field.clone()), value);
                }
            }
        }
    }
    all
}

/// Every derived value says of its field what the stored values say.
async fn derived_hold(store: &Store, plan: &Plan, at: &str) {
    for (object, thing) in plan {
        if thing.derived.is_empty() {
            continue;
        }
        let mut fields = vec!["id".to_owned()];
        for (id, of) in &thing.derived {
            fields.extend([id.clone(), of.clone()]);
        }
        let query = ListQuery {
            object: object.clone(),
            fields,
            limit: 1000,
            ..ListQuery::default()
        };
        for row in store.list(&query, &Access::all()).await.unwrap().rows {
            for pair in row[1..].chunks(2) {
                let is_there = Value::Int(i64::from(!pair[1].is_null()));
                assert_eq!(pair[0], is_there, "{object} {at}");
            }
        }
    }
}

#[tokio::test]
async fn fifty_changes_forward_and_back_leave_every_other_value_alone() {
    for place in places().await {
        let mut dice = Dice(20_261_123);
        let empty = Arc::new(Catalog::standard().unwrap());
        let mut store = Store::open(&place.location, empty).await.unwrap();
        for n in 0..5 {
            let values = vec![
                ("number".to_owned(), Value::Text(format!("K{n}"))),
                ("name".to_owned(), Value::Text(format!("王{n}"))),
                ("kind".to_owned(), "person".into()),
            ];
            write(&store, "customer", Op::Create { values }).await;
        }
        let mut plan = Plan::from([("customer".to_owned(), Thing::default())]);
        let mut plans = vec![Plan::new()];
        // All that was ever written, also of what is removed just now.
        let mut written = values(&store).await;
        for version in 0..50 {
            let mut made = Vec::new();
            let n_fields: usize = plan.values().map(|thing| thing.fields.len()).sum();
            match dice.below(13) {
                0 | 1 => {
                    let object = format!("thing{version}");
                    let kinds = KINDS.map(|kind| (format!("f_{kind}"), Some(kind)));
                    let mut fields = BTreeMap::from(kinds);
                    fields.insert("customer".to_owned(), None);
                    plan.insert(object.clone(), Thing::of(fields));
                    made.push(object);
                }
                2 if plan.len() > 3 => {
                    let names: Vec<String> =
                        plan.keys().filter(|k| *k != "customer").cloned().collect();
                    plan.remove(&names[dice.below(names.len())]);
                }
                3 | 4 if n_fields > 4 => {
                    let names: Vec<String> = plan.keys().cloned().collect();
                    let thing = plan.get_mut(&names[dice.below(names.len())]).unwrap();
                    // An object needs a field.
                    let n = thing.fields.len();
                    if n > 1 {
                        let gone = thing.fields.keys().nth(dice.below(n)).unwrap().clone();
                        thing.remove(&gone);
                    }
                }
                5..8 => {
                    let names: Vec<String> = plan.keys().cloned().collect();
                    let thing = plan.get_mut(&names[dice.below(names.len())]).unwrap();
                    for _ in 0..3 {
                        thing.vary(&mut dice, version);
                    }
                }
                _ => {
                    let names: Vec<String> = plan.keys().cloned().collect();
                    let object = &names[dice.below(names.len())];
                    let kind = KINDS[dice.below(KINDS.len())];
                    let field = format!("x_{kind}_{version}");
                    let thing = plan.get_mut(object).unwrap();
                    thing.fields.insert(field, Some(kind));
                    made.push(object.clone());
                }
            }
            store = store.define(&new(version, &plan)).await.unwrap();
            plans.push(plan.clone());
            for object in made {
                let def = store.catalog().object(&object).unwrap().clone();
                let own = def.fields.iter().filter(|f| f.is_own);
                let mut given: Vec<(String, Value)> = own
                    .filter_map(|f| {
                        let kind = plan[&object].fields.get(&f.id).copied().flatten()?;
                        Some((f.id.clone(), value(&mut dice, kind)))
                    })
                    .collect();
                if object == "customer" {
                    let values = given;
                    write(&store, "customer", Op::Update { id: 1, values }).await;
                } else {
                    given.push(("customer".to_owned(), Value::Int(2)));
                    given.retain(|(f, _)| def.field(f).is_some());
                    write(&store, &object, Op::Create { values: given }).await;
                }
            }
            let now = values(&store).await;
            for (place, before) in &written {
                let is_there = store
                    .catalog()
                    .objects
                    .get(&place.0)
                    .and_then(|d| d.field(&place.2));
                let was_written = place.0 == "customer" && place.1 == 1;
                if is_there.is_some() && !was_written {
                    assert_eq!(now.get(place), Some(before), "{place:?} at {version}");
                }
            }
            written.extend(now);
            derived_hold(&store, &plan, &format!("at {version}")).await;
        }
        let of = |n: fn(&Thing) -> usize| plans.iter().flat_map(BTreeMap::values).map(n).max();
        let n_most = [
            of(|t| t.spare.values().map(Vec::len).sum()),
            of(|t| t.derived.len()),
            of(|t| t.rules.len()),
            of(|t| t.layouts.len()),
        ];
        assert!(n_most.iter().all(|n| *n > Some(0)), "{n_most:?}");
        // Back over all of them: what went comes back as it was.
        let last = plans.len() - 1;
        for (n, plan) in plans.iter().rev().skip(1).enumerate() {
            let version = (last + n) as i64;
            store = store.define(&new(version, plan)).await.unwrap();
            derived_hold(&store, plan, &format!("back at {n}")).await;
            let now = values(&store).await;
            for (place, value) in &now {
                assert_eq!(written.get(place), Some(value), "{place:?} back at {n}");
            }
            for (place, value) in &written {
                let def = store.catalog().objects.get(&place.0);
                if def.is_some_and(|def| def.field(&place.2).is_some()) {
                    assert_eq!(
                        now.get(place),
                        Some(value),
                        "{place:?} is gone, back at {n}"
                    );
                }
            }
        }
        assert!(store.catalog().designed.is_empty());
        assert!(!store.trashed().await.unwrap().is_empty());

        // The next process finds the same, and what is too old goes for good.
        let state = store.state_hash().await.unwrap();
        store.close().await;
        let open =
            |designed| Ok::<_, Error>(Arc::new(Catalog::standard_and(BTreeMap::new(), designed)?));
        let store = Store::open_by(&place.location, open).await.unwrap();
        assert_eq!(store.state_hash().await.unwrap(), state);
        let gone = store
            .empty_trash(Emptied::Before(jiff::Timestamp::MAX))
            .await
            .unwrap();
        assert!(gone.len() > 10, "{gone:?}");
        assert!(store.trashed().await.unwrap().is_empty());
        assert_eq!(store.state_hash().await.unwrap(), state);
        store.close().await;
    }
}

#[tokio::test]
async fn whoever_was_slower_changes_nothing() {
    for place in places().await {
        let empty = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, empty).await.unwrap();
        let fields = BTreeMap::from([("word".to_owned(), Some("text"))]);
        let one = Plan::from([("machine".to_owned(), Thing::of(fields.clone()))]);
        let other = Plan::from([("boat".to_owned(), Thing::of(fields))]);
        let next = store.define(&new(0, &one)).await.unwrap();
        let slower = next.define(&new(0, &other)).await.unwrap_err();
        assert!(matches!(slower, Error::Outdated(_)), "{slower}");
        assert_eq!(next.design().await.unwrap().version, 1);
        assert_eq!(next.design().await.unwrap().files, files(&one));
        // The store of before works on, and knows nothing of it.
        assert!(store.catalog().object("machine").is_err());
        assert_eq!(store.design_version().await.unwrap(), 1);
        let id = write(
            &next,
            "machine",
            Op::Create {
                values: vec![("word".to_owned(), "a".into())],
            },
        );
        assert_eq!(id.await, 1);

        // A field cannot come back as another type.
        let none = next.define(&new(1, &Plan::new())).await.unwrap();
        let number = BTreeMap::from([("word".to_owned(), Some("int"))]);
        let wrong = Plan::from([("machine".to_owned(), Thing::of(number))]);
        let refused = none.define(&new(2, &wrong)).await.unwrap_err();
        assert!(matches!(refused, Error::TypeChange { .. }), "{refused}");
        assert_eq!(none.design_version().await.unwrap(), 2);
        // Removed for good, it may.
        let gone = none
            .empty_trash(Emptied::One("machine", None))
            .await
            .unwrap();
        assert_eq!(gone.len(), 1);
        let again = none.define(&new(2, &wrong)).await.unwrap();
        let values = vec![("word".to_owned(), Value::Int(7))];
        write(&again, "machine", Op::Create { values }).await;
        again.close().await;
    }
}

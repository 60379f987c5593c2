//! Two records become one and two again, over schemas and graphs that nobody
//! thought of: no link is lost, none leads nowhere, and taken back everything
//! is what it was, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keji_schema::{Catalog, Type, Value};
use keji_store::testing::places;
use keji_store::*;

/// The same numbers on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n.max(1)
    }

    pub(crate) fn is(&mut self, of_ten: usize) -> bool {
        self.below(10) < of_ten
    }
}

const KINDS: [&str; 7] = ["text", "int", "decimal", "float", "bool", "date", "instant"];

/// Three to six objects with fields of every type and links in all directions,
/// also to themselves; some are copied for analysis, also over a link.
pub(crate) fn schema(dice: &mut Dice) -> Vec<(String, String)> {
    let n = 3 + dice.below(4);
    let mut files = Vec::new();
    for i in 0..n {
        let mut text = format!(
            "name = {{ zh = \"物{i}\", en = \"Thing {i}\" }}\n\
             about = {{ zh = \"物\", en = \"A thing\" }}\n"
        );
        let has_number = dice.is(6);
        if has_number {
            text.push_str("number = \"number\"\n");
        }
        let mut fields = String::new();
        if has_number {
            fields.push_str(&field("number", "text", "required = true\nunique = true\n"));
        }
        fields.push_str(&field("word", "text", ""));
        for k in 0..dice.below(4) {
            let kind = KINDS[dice.below(KINDS.len())];
            let more = if dice.is(2) { "unique = true\n" } else { "" };
            fields.push_str(&field(&format!("f{k}"), kind, more));
        }
        let mut links = Vec::new();
        for k in 0..1 + dice.below(3) {
            let to = dice.below(n);
            let more = match dice.below(12) {
                0 => "unique = true\n",
                1 if to != i => "required = true\n",
                _ => "",
            };
            // What is required has to be there first.
            let more = if to > i && more.starts_with("req") {
                ""
            } else {
                more
            };
            links.push((format!("l{k}"), to));
            let to = format!("to = \"t{to}\"\n{more}");
            fields.push_str(&field(&format!("l{k}"), "link", &to));
        }
        if dice.is(5) {
            fields.push_str(&field("held_on", "date", "required = true\n"));
            text.push_str("[copy]\ntime = \"held_on\"\n");
            if let Some((link, _)) = links.iter().find(|(_, to)| *to != i) {
                text.push_str(&format!("include = [\"{link}.word\"]\n"));
            }
        }
        files.push((format!("objects/t{i}.toml"), text + &fields));
    }
    files
}

fn field(id: &str, kind: &str, more: &str) -> String {
    format!(
        "\n[[field]]\nid = \"{id}\"\ntype = \"{kind}\"\n\
         name = {{ zh = \"{id}\", en = \"{id}\" }}\n{more}"
    )
}

pub(crate) fn some_value(dice: &mut Dice, kind: Type, n: i64) -> Value {
    match kind {
        Type::Text => Value::Text(format!("词{n}é\"\\ {}", dice.below(1000))),
        Type::Int => Value::Int(n * 7 - 3),
        Type::Decimal => Value::Decimal(keji_schema::Decimal::from_units(n * 12_345 + 1)),
        Type::Float => Value::Float(n as f64 / 3.0 + 0.1),
        Type::Bool => Value::Bool(n % 2 == 0),
        Type::Date => Value::Date(jiff::civil::date(2026, 1 + (n % 12) as i8, 5)),
        Type::Instant => {
            let at = jiff::Timestamp::from_microsecond(1_700_000_000_000_001 + n * 1_234_567);
            Value::Instant(at.unwrap())
        }
        Type::Choice | Type::Link => Value::Null,
    }
}

pub(crate) fn change(object: &str, op: Op) -> NewChange {
    NewChange {
        object: object.to_owned(),
        op,
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
        module: None,
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    }
}

fn order(object: &str, survivor: i64, loser: i64) -> MergeOrder {
    MergeOrder {
        object: object.to_owned(),
        survivor,
        loser,
        sides: BTreeMap::new(),
        expected: [None, None],
        more: Vec::new(),
        actor: "anna".to_owned(),
        channel: "api".to_owned(),
    }
}

/// Every record of every object with its id and all its values.
pub(crate) async fn everything(store: &Store) -> BTreeMap<(String, i64), Vec<(String, Value)>> {
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
        let page = store.list(&query, &Access::all()).await.unwrap();
        assert_eq!(page.next, None);
        for row in page.rows {
            let Value::Int(record) = row[0] else {
                panic!("no id");
            };
            let kept = store
                .get(id, record, &Access::all())
                .await
                .unwrap()
                .unwrap();
            let mut values: Vec<_> = fields.iter().cloned().zip(row).collect();
            let batch = kept.batch.map_or(Value::Null, Value::Int);
            values.push(("batch".to_owned(), batch));
            all.insert((id.clone(), record), values);
        }
    }
    all
}

/// From where over which link to where.
type Edge = (String, i64, String, i64);

fn edges(
    catalog: &Catalog,
    all: &BTreeMap<(String, i64), Vec<(String, Value)>>,
    seen_as: impl Fn(&str, i64) -> i64,
) -> Vec<Edge> {
    let mut found = Vec::new();
    for ((object, id), values) in all {
        let def = catalog.object(object).unwrap();
        for (name, value) in values {
            let to = def.field(name).and_then(|f| f.to.as_deref());
            if let (Some(to), Value::Int(target)) = (to, value) {
                let edge = (
                    object.clone(),
                    seen_as(object, *id),
                    name.clone(),
                    seen_as(to, *target),
                );
                found.push(edge);
            }
        }
    }
    found.sort();
    found
}

/// Records with links to whatever there is already.
pub(crate) async fn fill(store: &Store, dice: &mut Dice) -> BTreeMap<String, Vec<i64>> {
    let catalog = store.catalog().clone();
    let mut known: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut n = 0;
    for _ in 0..3 {
        for (id, def) in &catalog.objects {
            for _ in 0..2 + dice.below(4) {
                n += 1;
                let mut values = Vec::new();
                for field in &def.fields {
                    let is_set = field.required || dice.is(6);
                    if !is_set || keji_schema::definition::Origin::of(&field.id).is_some() {
                        continue;
                    }
                    let value = match &field.to {
                        Some(to) => {
                            let there = known.get(to).map(Vec::as_slice).unwrap_or_default();
                            match there.get(dice.below(there.len())) {
                                Some(target) => Value::Int(*target),
                                None => continue,
                            }
                        }
                        None => some_value(dice, field.kind, n),
                    };
                    values.push((field.id.clone(), value));
                }
                // A unique link may be taken, a required one have no target.
                let made = store
                    .write(change(id, Op::Create { values }), &Access::all())
                    .await;
                if let Ok(Some(made)) = made {
                    known
                        .entry(id.clone())
                        .or_default()
                        .push(made.record.unwrap());
                }
            }
        }
    }
    known
}

#[tokio::test]
async fn a_merge_loses_nothing_and_its_undo_leaves_nothing() {
    let n_cases = std::env::var("KEJI_MERGE_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let calendar = include_str!("../../../definitions/calendar.toml");
    let tiers = include_str!("../../../definitions/tiers/value.toml");
    let (mut n_merged, mut n_refused, mut n_moved) = (0, 0, 0);
    for case in 0..n_cases.unwrap_or(24) {
        let mut dice = Dice(case * 7919 + 17);
        let files = schema(&mut dice);
        let mut texts: Vec<(&str, &str)> = (files.iter())
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        texts.push(("calendar.toml", calendar));
        texts.push(("tiers/value.toml", tiers));
        let catalog = Arc::new(Catalog::load(texts).unwrap());
        for place in places().await {
            let mut dice = Dice(case * 104_729 + 3);
            let store = Store::open(&place.location, catalog.clone()).await.unwrap();
            let known = fill(&store, &mut dice).await;
            let mut undoable = Vec::new();
            for _ in 0..4 {
                let objects: Vec<_> = known.iter().filter(|(_, ids)| ids.len() > 1).collect();
                let (object, ids) = objects[dice.below(objects.len())];
                let there = everything(&store).await;
                let ids: Vec<i64> = (ids.iter().copied())
                    .filter(|id| there.contains_key(&(object.clone(), *id)))
                    .collect();
                if ids.len() < 2 {
                    continue;
                }
                let survivor = ids[dice.below(ids.len())];
                let loser = ids[dice.below(ids.len())];
                if survivor == loser {
                    continue;
                }
                let mut order = order(object, survivor, loser);
                for field in &catalog.object(object).unwrap().fields {
                    let side = [MergeSide::Survivor, MergeSide::Loser][dice.below(2)];
                    if dice.is(5) {
                        order.sides.insert(field.id.clone(), side);
                    }
                }
                let merged = match store.merge(&order, &Access::all()).await {
                    Ok(merged) => merged,
                    Err(Error::Merge(MergeProblem::OnlyOne { .. })) => {
                        // Nothing half-done.
                        assert_eq!(everything(&store).await, there, "case {case}");
                        n_refused += 1;
                        continue;
                    }
                    Err(e) => panic!("case {case}: {e}"),
                };
                n_merged += 1;
                n_moved += merged.moved.iter().map(|m| m.n).sum::<i64>();
                let after = everything(&store).await;
                assert!(!after.contains_key(&(object.clone(), loser)));
                assert_eq!(after.len() + 1, there.len(), "case {case}");
                // What led to either leads to the one; its own links are those
                // that were chosen.
                let one = |of: &str, id: i64| match of == object && id == loser {
                    true => survivor,
                    false => id,
                };
                let of_others = |edges: Vec<Edge>| -> Vec<Edge> {
                    let others = edges.into_iter();
                    others
                        .filter(|(o, id, ..)| (o, *id) != (object, survivor))
                        .collect()
                };
                assert_eq!(
                    of_others(edges(&catalog, &there, one)),
                    of_others(edges(&catalog, &after, |_, id| id)),
                    "case {case}"
                );
                for (from, id, link, to) in edges(&catalog, &after, |_, id| id) {
                    let field = catalog.object(&from).unwrap().field(&link).unwrap();
                    let target = (field.to.clone().unwrap(), to);
                    assert!(
                        after.contains_key(&target),
                        "case {case}: {from} {id} {link}"
                    );
                }
                assert_eq!(store.moved_to(object, loser).await.unwrap(), Some(survivor));
                undoable.push((merged.id, there));
            }
            while let Some((merge, there)) = undoable.pop() {
                let undone = store.unmerge(merge, &Access::all(), "anna", "api").await;
                let undone = undone.unwrap_or_else(|e| panic!("case {case}: {e}"));
                assert_eq!(
                    (undone.left, undone.fields_left.len()),
                    (0, 0),
                    "case {case}"
                );
                assert_eq!(everything(&store).await, there, "case {case}");
                assert_eq!(
                    store.moved_to(&undone.object, undone.loser).await.unwrap(),
                    None
                );
                let again = store.unmerge(merge, &Access::all(), "anna", "api").await;
                assert!(matches!(
                    again,
                    Err(Error::Merge(MergeProblem::AlreadyUndone))
                ));
            }
            store.seal_log().await.unwrap();
            assert!(store.prove_log().await.unwrap().broken.is_none());
            store.close().await;
        }
    }
    assert!(
        n_merged > 20 && n_moved > 20,
        "{n_merged} {n_moved} {n_refused}"
    );
}

async fn customer(store: &Store, number: &str, more: &[(&str, Value)]) -> i64 {
    let mut values = vec![("number".to_owned(), Value::from(number))];
    values.extend(more.iter().map(|(f, v)| ((*f).to_owned(), v.clone())));
    let made = store
        .write(change("customer", Op::Create { values }), &Access::all())
        .await;
    made.unwrap().unwrap().record.unwrap()
}

async fn contact(store: &Store, customer: i64, name: &str) -> i64 {
    let values = vec![
        ("customer".to_owned(), Value::Int(customer)),
        ("name".to_owned(), name.into()),
    ];
    let made = store
        .write(change("contact", Op::Create { values }), &Access::all())
        .await;
    made.unwrap().unwrap().record.unwrap()
}

async fn update(store: &Store, object: &str, id: i64, field: &str, value: Value) {
    let values = vec![(field.to_owned(), value)];
    let op = Op::Update { id, values };
    store
        .write(change(object, op), &Access::all())
        .await
        .unwrap();
}

/// What somebody did after the merge is his, and stays.
#[tokio::test]
async fn an_undo_keeps_what_was_done_since() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let old = customer(
            &store,
            "K2",
            &[("name", "云海".into()), ("city", "上海".into())],
        )
        .await;
        let kept = customer(&store, "K1", &[("name", "云海贸易".into())]).await;
        let third = customer(&store, "K3", &[]).await;
        let (li, wang) = (
            contact(&store, old, "李").await,
            contact(&store, old, "王").await,
        );
        let zhao = contact(&store, old, "赵").await;
        let merged = store
            .merge(&order("customer", kept, old), &Access::all())
            .await
            .unwrap();
        assert_eq!(
            merged.moved,
            [MovedLinks {
                object: "contact".to_owned(),
                field: "customer".to_owned(),
                n: 3,
            }]
        );
        let one = store
            .get("customer", kept, &Access::all())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (one.value("name"), one.value("city")),
            (&"云海贸易".into(), &"上海".into())
        );
        // The number of the old one leads to it.
        let numbers = ["K2".to_owned(), "K9".to_owned()];
        let aliases = store.aliases("customer", &numbers).await.unwrap();
        assert_eq!(aliases, BTreeMap::from([("K2".to_owned(), kept)]));
        update(&store, "customer", kept, "city", "苏州".into()).await;
        update(&store, "contact", wang, "customer", Value::Int(third)).await;
        let op = Op::Delete { id: zhao };
        store
            .write(change("contact", op), &Access::all())
            .await
            .unwrap();
        let new = contact(&store, kept, "新").await;
        let undone = store
            .unmerge(merged.id, &Access::all(), "li", "api")
            .await
            .unwrap();
        assert_eq!((undone.moved, undone.left), (1, 2));
        assert_eq!(undone.fields_left, ["city"]);
        let mut at = Vec::new();
        for id in [li, wang, new] {
            let record = store
                .get("contact", id, &Access::all())
                .await
                .unwrap()
                .unwrap();
            at.push(record.value("customer").clone());
        }
        assert_eq!(at, [Value::Int(old), Value::Int(third), Value::Int(kept)]);
        let kinds: BTreeSet<_> = (store.changes(&ChangeQuery {
            record: Some(("customer".to_owned(), old)),
            limit: 10,
            ..ChangeQuery::default()
        }))
        .await
        .unwrap()
        .iter()
        .map(|c| format!("{:?}", c.kind))
        .collect();
        assert!(
            kinds.contains("Merge") && kinds.contains("Unmerge"),
            "{kinds:?}"
        );
        store.close().await;
    }
}

/// Where the old record cannot be what it was, nothing is done, and it is said
/// why.
#[tokio::test]
async fn an_undo_that_cannot_be_is_refused() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let all = Access::all();
        let (a, b) = (
            customer(&store, "A", &[]).await,
            customer(&store, "B", &[]).await,
        );
        let itself = store.merge(&order("customer", a, a), &all).await;
        assert!(matches!(itself, Err(Error::Merge(MergeProblem::Itself))));
        let mut outdated = order("customer", a, b);
        outdated.expected = [Some(7777), None];
        let outdated = store.merge(&outdated, &all).await;
        assert!(
            matches!(outdated, Err(Error::Version { .. })),
            "{outdated:?}"
        );
        let merged = store.merge(&order("customer", a, b), &all).await.unwrap();
        let taken = customer(&store, "B", &[]).await;
        let undone = store.unmerge(merged.id, &all, "li", "api").await;
        let Err(Error::Merge(MergeProblem::Taken { field })) = undone else {
            panic!("{undone:?}");
        };
        assert_eq!(field, "number");
        let op = Op::Delete { id: taken };
        store.write(change("customer", op), &all).await.unwrap();
        // Somebody merged the survivor: that one is to be taken back first.
        let c = customer(&store, "C", &[]).await;
        let later = store.merge(&order("customer", c, a), &all).await.unwrap();
        assert_eq!(store.moved_to("customer", b).await.unwrap(), Some(c));
        let undone = store.unmerge(merged.id, &all, "li", "api").await;
        assert!(matches!(
            undone,
            Err(Error::Merge(MergeProblem::SurvivorGone(_)))
        ));
        store.unmerge(later.id, &all, "li", "api").await.unwrap();
        assert_eq!(
            store.aliases("customer", &["B".to_owned()]).await.unwrap()["B"],
            a
        );
        store.unmerge(merged.id, &all, "li", "api").await.unwrap();
        assert!(
            store
                .aliases("customer", &["B".to_owned()])
                .await
                .unwrap()
                .is_empty()
        );
        store.close().await;
    }
}

/// Nothing of an erased person stays in what an undo would need, nor in the
/// log of the record that was merged into it.
#[tokio::test]
async fn an_erasure_takes_the_merged_record_too() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let all = Access::all();
        let old = customer(&store, "OLD-CANARY", &[("name", "金丝雀二".into())]).await;
        let kept = customer(&store, "K1", &[("name", "金丝雀一".into())]).await;
        let merged = store
            .merge(&order("customer", kept, old), &all)
            .await
            .unwrap();
        let erasure = Erasure {
            object: "customer".to_owned(),
            record: kept,
            pseudonym: "erased-1".to_owned(),
            reason: "asked by letter".to_owned(),
            actor: "li".to_owned(),
            channel: "api".to_owned(),
            is_deep: true,
            among: None,
        };
        store.erase(&erasure).await.unwrap().unwrap();
        let query = ChangeQuery {
            limit: 1000,
            ..ChangeQuery::default()
        };
        let text = format!("{:?}", store.changes(&query).await.unwrap());
        assert!(
            !text.contains("金丝雀") && !text.contains("OLD-CANARY"),
            "{text}"
        );
        let undone = store.unmerge(merged.id, &all, "li", "api").await;
        assert!(matches!(undone, Err(Error::Merge(MergeProblem::TooLate))));
        assert!(
            store
                .aliases("customer", &["OLD-CANARY".to_owned()])
                .await
                .unwrap()
                .is_empty()
        );
        store.close().await;
    }
}

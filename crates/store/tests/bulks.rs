//! Many writes that are one, over schemas that nobody thought of: tried,
//! nothing stays; taken back, everything is what it was, to the byte; and what
//! somebody did since is not lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use keji_schema::{Catalog, Type, Value};
use keji_store::testing::places;
use keji_store::*;

use crate::merges::{Dice, change, everything, fill, schema, some_value};

fn row(object: &str, op: Op) -> BulkRow {
    BulkRow {
        change: change(object, op),
        seen: Vec::new(),
    }
}

fn write<'a>(object: &'a str, rows: &'a [BulkRow], mode: BulkMode) -> BulkWrite<'a> {
    BulkWrite {
        object,
        kind: "paste",
        rows,
        since: None,
        mode,
        actor: "anna",
    }
}

async fn bulk(store: &Store, object: &str, rows: &[BulkRow], mode: BulkMode) -> BulkDone {
    let (access, watch) = (BulkAccess::default(), BulkWatch::default());
    let write = write(object, rows, mode);
    store.write_bulk(&write, &access, &watch).await.unwrap()
}

async fn undo(store: &Store, id: i64, leaves: bool) -> BulkUndone {
    let undo = BulkUndo {
        id,
        actor: "anna",
        channel: "page",
        leaves,
    };
    let (access, watch) = (BulkAccess::default(), BulkWatch::default());
    store.undo_bulk(&undo, &access, &watch).await.unwrap()
}

/// Creates, updates and deletes as they come, of records that are there and
/// of some that are not.
fn some_rows(dice: &mut Dice, store: &Store, object: &str, ids: &[i64]) -> Vec<BulkRow> {
    let def = store.catalog().object(object).unwrap();
    let mut rows = Vec::new();
    for _ in 0..3 + dice.below(8) {
        let n = 10_000 + dice.below(100_000) as i64;
        let mut values = Vec::new();
        for field in &def.fields {
            if keji_schema::definition::Origin::of(&field.id).is_some() || !dice.is(6) {
                continue;
            }
            let value = match (&field.to, dice.is(2) && !field.required) {
                (_, true) => Value::Null,
                (Some(to), _) if to == object => match ids.get(dice.below(ids.len())) {
                    Some(id) => Value::Int(*id),
                    None => Value::Null,
                },
                (Some(_), _) => continue,
                (None, _) if field.kind == Type::Choice => continue,
                (None, _) => some_value(dice, field.kind, n),
            };
            values.push((field.id.clone(), value));
        }
        let id = match ids.get(dice.below(ids.len())) {
            Some(id) => *id,
            None => 999,
        };
        rows.push(row(
            object,
            match dice.below(5) {
                0 | 1 => Op::Create { values },
                2 | 3 => Op::Update { id, values },
                _ => Op::Delete { id },
            },
        ));
    }
    rows
}

#[tokio::test]
async fn an_undo_leaves_nothing_of_it_and_a_redo_everything() {
    let calendar = include_str!("../../../definitions/calendar.toml");
    let tiers = include_str!("../../../definitions/tiers/value.toml");
    let (mut n_rows, mut n_wrong, mut n_deleted) = (0, 0, 0);
    for case in 0..20 {
        let mut dice = Dice(case * 7907 + 11);
        let files = schema(&mut dice);
        let mut texts: Vec<(&str, &str)> = (files.iter())
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        texts.push(("calendar.toml", calendar));
        texts.push(("tiers/value.toml", tiers));
        let catalog = Arc::new(Catalog::load(texts).unwrap());
        for place in places().await {
            let mut dice = Dice(case * 104_723 + 5);
            let store = Store::open(&place.location, catalog.clone()).await.unwrap();
            let known = fill(&store, &mut dice).await;
            let mut stack = Vec::new();
            for _ in 0..5 {
                let objects: Vec<&String> = known.keys().collect();
                let object = objects[dice.below(objects.len())].clone();
                let there = everything(&store).await;
                let ids: Vec<i64> = (there.keys())
                    .filter(|(o, _)| *o == object)
                    .map(|(_, id)| *id)
                    .collect();
                let rows = some_rows(&mut dice, &store, &object, &ids);
                let hash = store.state_hash().await.unwrap();
                let tried = bulk(&store, &object, &rows, BulkMode::Check).await;
                assert_eq!(tried.id, None);
                assert_eq!(
                    everything(&store).await,
                    there,
                    "case {case}: a check stays"
                );
                let wrong = |done: &BulkDone| -> Vec<bool> {
                    done.outcomes.iter().map(Result::is_err).collect()
                };
                let n = wrong(&tried).iter().filter(|w| **w).count();
                if n > 0 {
                    let whole = bulk(&store, &object, &rows, BulkMode::Whole).await;
                    assert_eq!(whole.id, None);
                    assert_eq!(everything(&store).await, there, "case {case}: half of it");
                }
                let done = bulk(&store, &object, &rows, BulkMode::Right).await;
                assert_eq!(wrong(&done), wrong(&tried), "case {case}: as it was tried");
                n_rows += rows.len();
                n_wrong += n;
                n_deleted += (done.outcomes.iter().flatten())
                    .filter(|o| o.kind == Some(ChangeKind::Delete))
                    .count();
                if let Some(id) = done.id {
                    stack.push((id, there, hash));
                }
            }
            while let Some((id, there, hash)) = stack.pop() {
                let after = everything(&store).await;
                let undone = undo(&store, id, false).await;
                assert_eq!(undone.left, [], "case {case}");
                assert_eq!(everything(&store).await, there, "case {case}");
                assert_eq!(store.state_hash().await.unwrap(), hash, "case {case}");
                // Again, and back again; then the one before.
                let redone = undo(&store, undone.id.unwrap(), false).await;
                assert_eq!(redone.left, [], "case {case}");
                assert_eq!(everything(&store).await, after, "case {case}");
                let again = undo(&store, redone.id.unwrap(), false).await;
                assert_eq!((again.left.len(), again.n), (0, undone.n), "case {case}");
                assert_eq!(everything(&store).await, there, "case {case}");
            }
            store.seal_log().await.unwrap();
            assert!(store.prove_log().await.unwrap().broken.is_none());
            store.close().await;
        }
    }
    assert!(
        n_rows > 400 && n_wrong > 20 && n_deleted > 10,
        "{n_rows} {n_wrong} {n_deleted}"
    );
}

async fn made(store: &Store, object: &str, values: &[(&str, Value)]) -> i64 {
    let values = values.iter().map(|(f, v)| ((*f).to_owned(), v.clone()));
    let op = Op::Create {
        values: values.collect(),
    };
    let made = store.write(change(object, op), &Access::all()).await;
    made.unwrap().unwrap().record.unwrap()
}

fn city(id: i64, city: &str) -> Op {
    let values = vec![("city".to_owned(), city.into())];
    Op::Update { id, values }
}

#[tokio::test]
async fn what_somebody_did_since_is_named_and_kept() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let mut ids = Vec::new();
        for number in ["K1", "K2", "K3"] {
            let values = [("number", number.into()), ("city", "上海".into())];
            ids.push(made(&store, "customer", &values).await);
        }
        let rows: Vec<BulkRow> = (ids.iter())
            .map(|id| row("customer", city(*id, "杭州")))
            .chain([row(
                "customer",
                Op::Create {
                    values: vec![("number".to_owned(), "K4".into())],
                },
            )])
            .collect();
        let done = bulk(&store, "customer", &rows, BulkMode::Whole).await;
        let new = done.outcomes[3].as_ref().unwrap().id;
        // Another field of one, and something that leads to the new one.
        let name = vec![("name".to_owned(), "云海".into())];
        let op = Op::Update {
            id: ids[1],
            values: name,
        };
        store
            .write(change("customer", op), &Access::all())
            .await
            .unwrap();
        made(
            &store,
            "contact",
            &[("customer", Value::Int(new)), ("name", "李".into())],
        )
        .await;
        let before = everything(&store).await;
        let id = done.id.unwrap();
        let asked = undo(&store, id, false).await;
        let mut left: BTreeMap<i64, BulkWhy> =
            asked.left.into_iter().map(|c| (c.record, c.why)).collect();
        assert_eq!((asked.id, asked.n), (None, 0));
        assert_eq!(left.remove(&ids[1]), Some(BulkWhy::Changed));
        assert_eq!(
            left.remove(&new),
            Some(BulkWhy::InUse("contact".to_owned()))
        );
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(everything(&store).await, before, "asking changes nothing");
        let undone = undo(&store, id, true).await;
        assert_eq!((undone.n, undone.left.len()), (2, 2));
        let city = |all: &BTreeMap<(String, i64), Vec<(String, Value)>>, id: i64| {
            let record = &all[&("customer".to_owned(), id)];
            record.iter().find(|(f, _)| f == "city").unwrap().1.clone()
        };
        let after = everything(&store).await;
        assert_eq!(city(&after, ids[0]), Value::from("上海"));
        assert_eq!(city(&after, ids[1]), Value::from("杭州"));
        // Once is enough.
        let (access, watch) = (BulkAccess::default(), BulkWatch::default());
        let twice = BulkUndo {
            id,
            actor: "anna",
            channel: "page",
            leaves: true,
        };
        let twice = store.undo_bulk(&twice, &access, &watch).await;
        assert!(matches!(twice, Err(Error::Batch { .. })), "{twice:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn what_was_seen_or_checked_and_is_not_so_any_more_is_wrong() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let values = [("number", "K1".into()), ("city", "上海".into())];
        let id = made(&store, "customer", &values).await;
        let mut seen = row("customer", city(id, "杭州"));
        seen.seen = vec![("city".to_owned(), "北京".into())];
        let rows = [seen];
        let done = bulk(&store, "customer", &rows, BulkMode::Whole).await;
        assert!(
            matches!(&done.outcomes[0], Err(Error::Moved { field, .. }) if field == "city"),
            "{done:?}"
        );
        // Another field may have changed: nothing of it is lost.
        let mut seen = row("customer", city(id, "杭州"));
        seen.seen = vec![("city".to_owned(), "上海".into())];
        let rows = [seen];
        let tried = bulk(&store, "customer", &rows, BulkMode::Check).await;
        let name = vec![("name".to_owned(), "云海".into())];
        let op = Op::Update { id, values: name };
        store
            .write(change("customer", op), &Access::all())
            .await
            .unwrap();
        let done = bulk(&store, "customer", &rows, BulkMode::Whole).await;
        assert!(done.id.is_some());
        // But not behind a check's back.
        let rows = [row("customer", city(id, "南京"))];
        let late = BulkWrite {
            since: Some(tried.position),
            ..write("customer", &rows, BulkMode::Whole)
        };
        let (access, watch) = (BulkAccess::default(), BulkWatch::default());
        let late = store.write_bulk(&late, &access, &watch).await.unwrap();
        assert_eq!(late.id, None);
        assert!(matches!(&late.outcomes[0], Err(Error::Moved { .. })));
        // And who asks to stop finds nothing done.
        let before = everything(&store).await;
        watch.cancel.ask();
        let stopped = store
            .write_bulk(&write("customer", &rows, BulkMode::Whole), &access, &watch)
            .await;
        assert!(matches!(stopped, Err(Error::Cancelled)));
        assert_eq!(everything(&store).await, before);
        store.close().await;
    }
}

#[tokio::test]
async fn the_deleted_come_back_with_their_id_and_their_links() {
    for place in places().await {
        let catalog = Arc::new(Catalog::standard().unwrap());
        let store = Store::open(&place.location, catalog).await.unwrap();
        let customer = made(&store, "customer", &[("number", "K1".into())]).await;
        let values = [("customer", Value::Int(customer)), ("name", "李".into())];
        let contact = made(&store, "contact", &values).await;
        let there = everything(&store).await;
        let rows = [row("contact", Op::Delete { id: contact })];
        bulk(&store, "contact", &rows, BulkMode::Whole).await;
        let op = Op::Delete { id: customer };
        store
            .write(change("customer", op), &Access::all())
            .await
            .unwrap();
        let bin = store.deleted(None, 10).await.unwrap();
        let names: Vec<&str> = bin.iter().map(|d| d.object.as_str()).collect();
        assert_eq!(names, ["customer", "contact"]);
        let restore = |seq: i64| {
            let store = store.clone();
            async move {
                let access = Access::all();
                store
                    .restore_deleted(seq, &access, "anna", "page")
                    .await
                    .unwrap()
            }
        };
        // What it led to has to be there first.
        let early = restore(bin[1].seq).await;
        assert_eq!(early, Err(BulkWhy::LinkGone("customer".to_owned())));
        assert_eq!(restore(bin[0].seq).await, Ok(customer));
        assert_eq!(restore(bin[1].seq).await, Ok(contact));
        assert_eq!(everything(&store).await, there);
        assert_eq!(store.deleted(None, 10).await.unwrap(), []);
        assert_eq!(restore(bin[1].seq).await, Err(BulkWhy::Gone));
        store.close().await;
    }
}

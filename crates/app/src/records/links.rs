//! To what links lead: their titles for reading, and whether the records are
//! there, and may be seen, for writing. One query per object, not per record.

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::expr::{Expr, Node, Op};
use keji_schema::{Type, Value};
use keji_store::ListQuery;

use super::coerce::{Draft, Wanted};
use super::{LinkDoc, MAX_RECORDS, as_id};
use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::permission::{Action, Caller, access, require};

/// Records of one object that the caller may see, by id.
pub(super) async fn titles(
    app: &App,
    caller: &Caller,
    object: &str,
    ids: BTreeSet<i64>,
) -> Result<BTreeMap<i64, LinkDoc>> {
    let ids: Vec<Value> = ids.into_iter().map(Value::Int).collect();
    let found = look_up(app, caller, object, "id", Type::Link, ids).await?;
    Ok(found.into_iter().map(|(_, link)| (link.id, link)).collect())
}

/// Fills in the links of the drafts; one that leads nowhere is a fault.
pub(super) async fn resolve(
    app: &App,
    caller: &Caller,
    drafts: impl IntoIterator<Item = &mut Draft>,
) -> Result<()> {
    let mut drafts: Vec<&mut Draft> = drafts.into_iter().collect();
    let mut ids: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut numbers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let target = |object: &str, field: &str| {
        let def = app.catalog.objects.get(object);
        def.and_then(|def| def.field(field)?.to.as_deref())
    };
    for draft in &drafts {
        for (field, wanted) in &draft.wanted {
            let Some(to) = target(&draft.object, field) else {
                continue;
            };
            match wanted {
                Wanted::Id(id) => drop(ids.entry(to).or_default().insert(*id)),
                Wanted::Number(n) => drop(numbers.entry(to).or_default().insert(n)),
            }
        }
    }
    let mut by_id: BTreeMap<String, BTreeMap<i64, LinkDoc>> = BTreeMap::new();
    for (to, ids) in ids {
        by_id.insert(to.to_owned(), titles(app, caller, to, ids).await?);
    }
    let mut by_number: BTreeMap<String, BTreeMap<String, LinkDoc>> = BTreeMap::new();
    for (to, numbers) in numbers {
        let Some(field) = &app.catalog.object(to)?.number else {
            continue;
        };
        let all: Vec<String> = numbers.iter().map(|n| (*n).to_owned()).collect();
        let numbers = numbers.into_iter().map(Value::from).collect();
        let found = look_up(app, caller, to, field, Type::Text, numbers).await?;
        let found = found.into_iter().filter_map(|(key, link)| match key {
            Value::Text(number) => Some((number, link)),
            _ => None,
        });
        let mut found: BTreeMap<String, LinkDoc> = found.collect();
        merged(app, caller, to, &all, &mut found).await?;
        by_number.insert(to.to_owned(), found);
    }
    for draft in &mut drafts {
        for (field, wanted) in std::mem::take(&mut draft.wanted) {
            let to = target(&draft.object, &field).unwrap_or_default();
            let (found, shown) = match &wanted {
                Wanted::Id(id) => (by_id.get(to).and_then(|all| all.get(id)), id.to_string()),
                Wanted::Number(number) => {
                    let all = by_number.get(to);
                    (all.and_then(|all| all.get(number)), number.clone())
                }
            };
            let Some(link) = found else {
                let name = app.catalog.objects.get(to).map_or(to, |def| &def.name.zh);
                let zh = format!("没有这个{name}：`{shown}`");
                let en = format!("there is no {to} `{shown}`");
                draft.faults.push(FieldFault::new(field, "link", zh, en));
                continue;
            };
            draft.values.push((field.clone(), Value::Int(link.id)));
            draft.links.insert(field, link.clone());
        }
    }
    Ok(())
}

/// Numbers of records that were merged into another one lead there.
async fn merged(
    app: &App,
    caller: &Caller,
    object: &str,
    numbers: &[String],
    found: &mut BTreeMap<String, LinkDoc>,
) -> Result<()> {
    let missing = numbers.iter().filter(|n| !found.contains_key(*n)).cloned();
    let missing: Vec<String> = missing.collect();
    let aliases = app.store.aliases(object, &missing).await?;
    let there = titles(app, caller, object, aliases.values().copied().collect()).await?;
    for (number, id) in aliases {
        if let Some(link) = there.get(&id) {
            found.insert(number, link.clone());
        }
    }
    Ok(())
}

/// The records whose `key` is one of `keys`, each with its key; none where the
/// caller may not read the object or the key.
async fn look_up(
    app: &App,
    caller: &Caller,
    object: &str,
    key: &str,
    kind: Type,
    keys: Vec<Value>,
) -> Result<Vec<(Value, LinkDoc)>> {
    let access = access(caller, object);
    let may_read = require(caller, object, Action::Read).is_ok() && !access.hides(object, key);
    if keys.is_empty() || !may_read {
        return Ok(Vec::new());
    }
    let def = app.catalog.object(object)?;
    let title = def.title.as_ref().filter(|t| access.shows(object, t));
    let mut fields = vec!["id".to_owned(), key.to_owned()];
    fields.extend(title.cloned());
    let mut found = Vec::new();
    for keys in keys.chunks(MAX_RECORDS as usize) {
        let query = ListQuery {
            object: object.to_owned(),
            fields: fields.clone(),
            filter: Some(is_one_of(key, kind, keys)),
            limit: MAX_RECORDS,
            ..ListQuery::default()
        };
        for row in app.store.list(&query, &access).await?.rows {
            let (Some(id), Some(key)) = (row.first().and_then(as_id), row.get(1)) else {
                continue;
            };
            let title = match row.get(2) {
                Some(Value::Text(title)) => Some(title.clone()),
                _ => None,
            };
            found.push((key.clone(), LinkDoc { id, title }));
        }
    }
    Ok(found)
}

fn is_one_of(field: &str, kind: Type, values: &[Value]) -> Expr {
    let field = Expr {
        node: Node::Field(vec![field.to_owned()]),
        kind: Some(kind),
    };
    let node = match values {
        [one] => Node::Binary(
            Op::Eq,
            Box::new(field),
            Box::new(Expr {
                node: Node::Literal(one.clone()),
                kind: Some(kind),
            }),
        ),
        many => Node::In(Box::new(field), many.to_vec()),
    };
    Expr {
        node,
        kind: Some(Type::Bool),
    }
}

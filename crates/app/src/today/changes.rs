//! What others did since yesterday with the customers that are the caller's:
//! the log's newest entries, each record once, under rights.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::{ChangeKind, ListQuery, LogQuery};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, ROWS, Section, SectionKind};
use crate::comments::People;
use crate::error::Result;
use crate::permission::{Action, access, may};
use crate::records::{LinkDoc, titles};

/// Entries of the log that are looked at.
const LOOKED_AT: u32 = 2_000;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeRow {
    pub object: String,
    pub id: i64,
    pub title: Option<String>,
    /// Whose it is, where that is another record.
    pub customer: Option<LinkDoc>,
    /// Of the newest change: `create`, `update`, `comment` or `merge`.
    #[schema(value_type = String)]
    pub kind: ChangeKind,
    /// Name of who did it.
    pub actor: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Of somebody who has no customers there is none.
pub(super) async fn section(asked: &Asked<'_>) -> Result<Option<Section>> {
    let (app, caller) = (asked.app, asked.caller);
    let Some(user) = caller
        .user()
        .filter(|_| may(caller, "customer", Action::Read))
    else {
        return Ok(None);
    };
    let since = asked.since();
    let query = LogQuery {
        limit: LOOKED_AT,
        ..LogQuery::default()
    };
    let mut newest: BTreeMap<(String, i64), (ChangeKind, String, Timestamp)> = BTreeMap::new();
    for change in app.store.log(&query).await? {
        if change.at < since {
            break;
        }
        let is_told = matches!(
            change.kind,
            ChangeKind::Create | ChangeKind::Update | ChangeKind::Comment | ChangeKind::Merge
        );
        if let (Some(object), Some(id)) = (change.object, change.record)
            && is_told
            && change.actor != caller.actor
        {
            let what = (change.kind, change.actor, change.at);
            newest.entry((object, id)).or_insert(what);
        }
    }
    let mut ids: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (object, id) in newest.keys() {
        ids.entry(object).or_default().push(*id);
    }
    let mut changes = Vec::new();
    let people = People::of(app).await?;
    for (object, ids) in ids {
        let Some(def) = app.catalog.objects.get(object) else {
            continue;
        };
        let whose = match object {
            "customer" => "user",
            _ if def.field("customer").and_then(|f| f.to.as_deref()) == Some("customer") => {
                "customer.user"
            }
            _ => continue,
        };
        if !may(caller, object, Action::Read) || def.written_by.is_some() {
            continue;
        }
        let access = access(caller, object);
        let title = def.title.clone().filter(|t| access.shows(object, t));
        let mut fields = vec!["id".to_owned()];
        fields.extend(title.clone());
        if whose == "customer.user" {
            fields.push("customer".to_owned());
        }
        let all: Vec<String> = ids.iter().map(i64::to_string).collect();
        let filter = format!("{whose} = {user} and id in ({})", all.join(", "));
        let query = ListQuery {
            object: object.to_owned(),
            fields,
            filter: Some(Expr::parse_filter(&filter, &app.catalog.scope(object))?),
            limit: LOOKED_AT,
            ..ListQuery::default()
        };
        for row in app.store.list(&query, &access).await?.rows {
            let Some(Value::Int(id)) = row.first() else {
                continue;
            };
            let Some((kind, actor, at)) = newest.get(&(object.to_owned(), *id)) else {
                continue;
            };
            let text = match row.get(1).filter(|_| title.is_some()) {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            };
            let customer = match row.last() {
                Some(Value::Int(id)) if whose == "customer.user" => Some(*id),
                _ => None,
            };
            changes.push((
                customer,
                ChangeRow {
                    object: object.to_owned(),
                    id: *id,
                    title: text,
                    customer: None,
                    kind: *kind,
                    actor: people.name_of(actor),
                    at: *at,
                },
            ));
        }
    }
    let total = changes.len() as i64;
    changes.sort_by_key(|(_, change)| (std::cmp::Reverse(change.at), change.id));
    changes.truncate(ROWS as usize);
    let customers: BTreeSet<i64> = changes.iter().filter_map(|(id, _)| *id).collect();
    let names = titles(app, caller, "customer", customers).await?;
    let changes = changes.into_iter().map(|(customer, change)| ChangeRow {
        customer: customer.and_then(|id| names.get(&id).cloned()),
        ..change
    });
    Ok(Some(Section {
        total,
        changes: changes.collect(),
        ..Section::new(SectionKind::Changes)
    }))
}

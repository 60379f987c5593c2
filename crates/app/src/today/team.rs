//! Where each person of a team stands: tasks that are late, payments that are
//! late, customers at risk and what they are worth. Only of whose records the
//! caller sees.

use std::collections::BTreeMap;

use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::{Group, GroupQuery};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, Section, SectionKind, at_risk};
use crate::error::Result;
use crate::permission::{Action, access, may, require_path, sees_others};
use crate::records::titles;

/// People who are told one by one.
const PEOPLE: u32 = 50;

#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct TeamRow {
    /// Null for what belongs to nobody.
    pub user: Option<i64>,
    pub name: Option<String>,
    /// Tasks whose day is over.
    pub tasks: i64,
    /// Payments whose day is over.
    pub payments: i64,
    pub at_risk: i64,
    /// Yearly revenue at stake with these customers; exact, as text.
    pub value_at_risk: Option<String>,
    pub tickets: i64,
}

pub(super) async fn section(asked: &Asked<'_>) -> Result<Option<Section>> {
    if !sees_others(asked.caller, "customer") {
        return Ok(None);
    }
    let day = asked.day;
    let mut people: BTreeMap<Option<i64>, TeamRow> = BTreeMap::new();
    let late = format!("due_on < '{day}' and (state is null or state in ('open', 'in_progress'))");
    for group in groups(asked, "task", &late, "user", None).await? {
        people.entry(id(&group.key)).or_default().tasks = group.count;
    }
    let late = format!("due_on < '{day}' and (state is null or state in ('open', 'partly_paid'))");
    for group in groups(asked, "payment_plan", &late, "user", None).await? {
        people.entry(id(&group.key)).or_default().payments = group.count;
    }
    let open = "state is null or state in ('open', 'in_progress', 'waiting')";
    for group in groups(asked, "ticket", open, "user", None).await? {
        people.entry(id(&group.key)).or_default().tickets = group.count;
    }
    if let Some(as_of) = asked.as_of {
        let risky = at_risk(as_of);
        let sum = Some("value_at_risk");
        for group in groups(asked, "score", &risky, "customer.user", sum).await? {
            let row = people.entry(id(&group.key)).or_default();
            row.at_risk = group.count;
            row.value_at_risk = match &group.sum {
                Value::Decimal(d) => Some(d.to_string()),
                _ => None,
            };
        }
    }
    let ids = people.keys().flatten().copied().collect();
    let names = titles(asked.app, asked.caller, "user", ids).await?;
    let mut team: Vec<TeamRow> = people
        .into_iter()
        .map(|(user, row)| TeamRow {
            user,
            name: user.and_then(|id| names.get(&id)?.title.clone()),
            ..row
        })
        .collect();
    team.sort_by_key(|row| {
        (
            row.user.is_none(),
            std::cmp::Reverse((row.tasks + row.payments + row.at_risk, row.tickets)),
            row.user,
        )
    });
    Ok(Some(Section {
        total: team.len() as i64,
        team,
        ..Section::new(SectionKind::Team)
    }))
}

/// None of what the caller may not read.
async fn groups(
    asked: &Asked<'_>,
    object: &str,
    filter: &str,
    by: &str,
    sum: Option<&str>,
) -> Result<Vec<Group>> {
    let (app, caller) = (asked.app, asked.caller);
    let path: Vec<String> = by.split('.').map(str::to_owned).collect();
    let access = access(caller, object);
    let is_hidden = sum.is_some_and(|field| access.hides(object, field));
    let is_reached = require_path(&app.catalog, caller, object, &path).is_ok();
    if !may(caller, object, Action::Read) || is_hidden || !is_reached {
        return Ok(Vec::new());
    }
    let query = GroupQuery {
        object: object.to_owned(),
        filter: Some(Expr::parse_filter(filter, &app.catalog.scope(object))?),
        by: by.to_owned(),
        sum: sum.map(str::to_owned),
        limit: PEOPLE,
        ..GroupQuery::default()
    };
    Ok(app.store.groups(&query, &access).await?.groups)
}

fn id(key: &Value) -> Option<i64> {
    match key {
        Value::Int(id) => Some(*id),
        _ => None,
    }
}

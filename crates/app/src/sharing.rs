//! One customer, with all that belongs to it, opened to another person or
//! department. Who may change a customer shares it; what a share opens is
//! [`crate::permission`]'s.

use std::collections::BTreeSet;

use jiff::civil::Date;
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::{Access, ListQuery, NewChange, Op, ScanQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::App;
use crate::customers::require_seen;
use crate::error::{Error, Result};
use crate::identity;
use crate::permission::{Action, Caller, Shared, access_for, require};

/// Writes to shares come from here only.
const MODULE: &str = "sharing";
/// Of one customer; whoever needs more means a department.
const MAX_SHARES: u32 = 200;

/// With whom; one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShare {
    /// Id of a user.
    pub user: Option<i64>,
    /// Id of a department: everybody in it and in those below.
    pub department: Option<i64>,
    pub access: ShareAccess,
    /// The last day; absent: it stays.
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareAccess {
    Read,
    Write,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShareList {
    pub shares: Vec<ShareBody>,
    /// Whether the caller may add and end shares of this customer.
    pub may_change: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShareBody {
    pub id: i64,
    pub user: Option<i64>,
    pub department: Option<i64>,
    /// Of the user or department.
    pub name: String,
    pub access: ShareAccess,
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

pub async fn list(app: &App, caller: &Caller, customer: i64) -> Result<ShareList> {
    require_seen(app, caller, "customer", customer).await?;
    let query = ListQuery {
        object: "share".to_owned(),
        fields: [
            "id",
            "user",
            "department",
            "user.name",
            "department.name",
            "access",
            "until",
        ]
        .map(str::to_owned)
        .into(),
        filter: Some(filter(app, &format!("customer = {customer}"))?),
        limit: MAX_SHARES,
        ..ListQuery::default()
    };
    // Who sees the customer sees who else does.
    let page = app.store.list(&query, &Access::all()).await?;
    let shares = page.rows.iter().filter_map(|row| match row.as_slice() {
        [
            Value::Int(id),
            user,
            department,
            of_user,
            of_department,
            access,
            until,
        ] => {
            let name = [of_user, of_department].into_iter().find_map(|v| match v {
                Value::Text(name) => Some(name.clone()),
                _ => None,
            });
            Some(ShareBody {
                id: *id,
                user: as_id(user),
                department: as_id(department),
                name: name.unwrap_or_default(),
                access: match access {
                    Value::Text(access) if access == "write" => ShareAccess::Write,
                    _ => ShareAccess::Read,
                },
                until: as_day(until),
            })
        }
        _ => None,
    });
    let shares = shares.collect();
    Ok(ShareList {
        shares,
        may_change: may_share(app, caller, customer).await?,
    })
}

/// Shares a customer, or changes what its share with the same person or
/// department opens.
pub async fn share(app: &App, caller: &Caller, customer: i64, new: &NewShare) -> Result<i64> {
    require_seen(app, caller, "customer", customer).await?;
    if !may_share(app, caller, customer).await? {
        return Err(not_his());
    }
    let (field, object, with) = match (new.user, new.department) {
        (Some(user), None) => ("user", "user", user),
        (None, Some(department)) => ("department", "department", department),
        _ => {
            return Err(Error::Argument {
                name: "user",
                zh: "请给出一个人或一个部门，两者选一".to_owned(),
                en: "name a user or a department, one of the two".to_owned(),
            });
        }
    };
    let receiver = app.store.get(object, with, &Access::all()).await?;
    let is_there = receiver
        .is_some_and(|r| object == "department" || r.value("is_active") == &Value::Bool(true));
    if !is_there {
        return Err(Error::Argument {
            name: field,
            zh: format!("没有编号为 {with} 的在用的人或部门"),
            en: format!("there is no active {object} {with}"),
        });
    }
    let today = app.catalog.calendar.day_of(jiff::Timestamp::now());
    if new.until.is_some_and(|day| day < today) {
        return Err(Error::Argument {
            name: "until",
            zh: "最后一天已经过去了".to_owned(),
            en: "the last day is over".to_owned(),
        });
    }
    let access = match new.access {
        ShareAccess::Read => "read",
        ShareAccess::Write => "write",
    };
    let mut values = vec![
        ("access".to_owned(), Value::Text(access.to_owned())),
        (
            "until".to_owned(),
            new.until.map_or(Value::Null, Value::Date),
        ),
    ];
    let known = ListQuery {
        object: "share".to_owned(),
        fields: vec!["id".to_owned()],
        filter: Some(filter(
            app,
            &format!("customer = {customer} and {field} = {with}"),
        )?),
        limit: 1,
        ..ListQuery::default()
    };
    let known = app.store.list(&known, &Access::all()).await?;
    let known = known.rows.first().and_then(|row| as_id(row.first()?));
    let op = match known {
        Some(id) => Op::Update { id, values },
        None => {
            values.push(("customer".to_owned(), Value::Int(customer)));
            values.push((field.to_owned(), Value::Int(with)));
            Op::Create { values }
        }
    };
    let written = app.store.write(change(caller, op), &Access::all()).await?;
    identity::forget(app);
    // An update that changes nothing writes nothing.
    let id = written.and_then(|w| w.record).or(known);
    id.ok_or_else(|| Error::Internal("a share was not written".to_owned()))
}

/// Ends a share.
pub async fn end(app: &App, caller: &Caller, customer: i64, id: i64) -> Result<()> {
    require_seen(app, caller, "customer", customer).await?;
    let share = app.store.get("share", id, &Access::all()).await?;
    let share = share.filter(|s| s.value("customer") == &Value::Int(customer));
    let share = share.ok_or_else(|| Error::not_found("share", id))?;
    // Who got it may give it back.
    let is_his = caller
        .user()
        .is_some_and(|u| share.value("user") == &Value::Int(u));
    if !is_his && !may_share(app, caller, customer).await? {
        return Err(not_his());
    }
    let op = Op::Delete { id };
    app.store.write(change(caller, op), &Access::all()).await?;
    identity::forget(app);
    Ok(())
}

/// The customers that are open to a user of these departments and of those
/// above them, today.
pub(crate) async fn shared(app: &App, user: i64, departments: &BTreeSet<i64>) -> Result<Shared> {
    let today = app.catalog.calendar.day_of(jiff::Timestamp::now());
    let mut mine = format!("user = {user}");
    if !departments.is_empty() {
        let all: Vec<String> = departments.iter().map(i64::to_string).collect();
        mine = format!("({mine} or department in ({}))", all.join(", "));
    }
    let query = ScanQuery {
        object: "share".to_owned(),
        fields: ["customer", "access", "until"].map(str::to_owned).into(),
        filter: Some(filter(app, &mine)?),
        sort: Vec::new(),
    };
    let mut shared = Shared::default();
    app.store
        .scan(&query, &Access::all(), |row| -> Result<()> {
            let [Value::Int(customer), access, until] = row else {
                return Ok(());
            };
            if as_day(until).is_some_and(|day| day < today) {
                return Ok(());
            }
            shared.read.insert(*customer);
            if access == &Value::Text("write".to_owned()) {
                shared.write.insert(*customer);
            }
            Ok(())
        })
        .await?;
    Ok(shared)
}

/// Those by whose own rows the customer may be changed; a share is not passed
/// on by whom it opens the customer to.
async fn may_share(app: &App, caller: &Caller, customer: i64) -> Result<bool> {
    if require(caller, "customer", Action::Update).is_err() {
        return Ok(false);
    }
    let access = access_for(&caller.without_shares(), "customer", &[Action::Update]);
    Ok(app
        .store
        .get("customer", customer, &access)
        .await?
        .is_some())
}

fn not_his() -> Error {
    Error::Forbidden {
        zh: "只有能修改这个客户的人才能共享它".to_owned(),
        en: "only who may change this customer may share it".to_owned(),
    }
}

fn change(caller: &Caller, op: Op) -> NewChange {
    NewChange {
        object: "share".to_owned(),
        op,
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        module: Some(MODULE.to_owned()),
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    }
}

fn filter(app: &App, text: &str) -> Result<Expr> {
    Ok(Expr::parse_filter(text, &app.catalog.scope("share"))?)
}

fn as_id(value: &Value) -> Option<i64> {
    match value {
        Value::Int(id) => Some(*id),
        _ => None,
    }
}

fn as_day(value: &Value) -> Option<Date> {
    match value {
        Value::Date(day) => Some(*day),
        _ => None,
    }
}

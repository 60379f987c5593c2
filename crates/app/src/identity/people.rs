//! Users, departments and roles, and what happens when somebody leaves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keji_schema::Value;
use keji_schema::definition::Text2;
use keji_schema::expr::Expr;
use keji_schema::role::{Action, Admin, FieldRight, Grant, RoleDef, Rows, Shown};
use keji_store::{Access, ListQuery, NewChange, Op, Record, ScanQuery};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{by, forget, hash_of, scan};
use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Caller, Channel, require_admin};

/// Writes to users, departments and members come from here only.
const MODULE: &str = "identity";
pub(super) const MAX_LOGIN: usize = 100;

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub login: String,
    pub name: String,
    /// Id of a role.
    pub role: String,
    /// At least 12 characters; without one the user cannot sign in yet.
    pub password: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    #[serde(default)]
    pub departments: Vec<Membership>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Id of a department.
    pub id: i64,
    #[serde(default)]
    pub is_head: bool,
}

/// What is given is changed, the rest stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    pub name: Option<String>,
    pub role: Option<String>,
    pub password: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub is_active: Option<bool>,
    pub departments: Option<Vec<Membership>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UserList {
    pub users: Vec<UserBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UserBody {
    pub id: i64,
    pub login: String,
    pub name: String,
    pub role: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub is_active: bool,
    pub departments: Vec<InDepartment>,
    pub has_totp: bool,
    /// When a session of the user was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InDepartment {
    pub id: i64,
    pub name: String,
    pub is_head: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentList {
    pub departments: Vec<DepartmentBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentBody {
    pub id: i64,
    pub name: String,
    /// `department` or `team`.
    pub kind: String,
    pub parent: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDepartment {
    pub name: String,
    /// `department` or `team`; a department by default.
    pub kind: Option<String>,
    pub parent: Option<i64>,
}

/// What is given is changed, the rest stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentChange {
    pub name: Option<String>,
    pub kind: Option<String>,
    /// Null makes it one of the highest.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub parent: Option<Option<i64>>,
}

/// Null is given, which is not the same as nothing.
fn given<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(d).map(Some)
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RoleList {
    pub roles: Vec<RoleBody>,
}

/// A role as it is shown and written.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleBody {
    pub id: String,
    pub name: Text2,
    pub about: Text2,
    /// Comes with the product and cannot be changed.
    pub is_built_in: bool,
    pub grants: Vec<GrantBody>,
    pub fields: Vec<FieldRightBody>,
    #[schema(value_type = Vec<String>)]
    pub admin: Vec<Admin>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    pub name: Text2,
    pub about: Text2,
    pub grants: Vec<GrantBody>,
    #[serde(default)]
    pub fields: Vec<FieldRightBody>,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub admin: Vec<Admin>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// Id of an object; `*` for all that no other grant names.
    pub object: String,
    #[schema(value_type = Vec<String>)]
    pub actions: Vec<Action>,
    #[schema(value_type = String)]
    pub rows: Rows,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRightBody {
    /// `customer.phone`
    pub field: String,
    #[serde(rename = "as")]
    /// `hidden`, `masked`, `read` or `write`.
    #[schema(value_type = String)]
    pub shown: Shown,
    /// Of a masked field: one record's value may be seen for a reason.
    #[serde(default)]
    pub reveal: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HandedOver {
    pub n_records: u64,
}

pub async fn users(app: &App, caller: &Caller) -> Result<UserList> {
    require_admin(caller, Admin::Users)?;
    let mut names = BTreeMap::new();
    scan(app, "department", &["id", "name"], |row| {
        if let [Value::Int(id), Value::Text(name)] = row {
            names.insert(*id, name.clone());
        }
    })
    .await?;
    let mut departments: BTreeMap<i64, Vec<InDepartment>> = BTreeMap::new();
    scan(app, "member", &["user", "department", "is_head"], |row| {
        if let [Value::Int(user), Value::Int(id), is_head] = row {
            let member = InDepartment {
                id: *id,
                name: names.get(id).cloned().unwrap_or_default(),
                is_head: is_head == &Value::Bool(true),
            };
            departments.entry(*user).or_default().push(member);
        }
    })
    .await?;
    let mut users = Vec::new();
    let fields = ["id", "login", "name", "role", "email", "phone", "is_active"];
    scan(app, "user", &fields, |row| {
        let [
            Value::Int(id),
            Value::Text(login),
            Value::Text(name),
            Value::Text(role),
            email,
            phone,
            is_active,
        ] = row
        else {
            return;
        };
        let optional = |value: &Value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        users.push(UserBody {
            id: *id,
            login: login.clone(),
            name: name.clone(),
            role: role.clone(),
            email: optional(email),
            phone: optional(phone),
            is_active: is_active == &Value::Bool(true),
            departments: departments.remove(id).unwrap_or_default(),
            has_totp: false,
            last_seen: None,
        });
    })
    .await?;
    let seen = app.store.last_seen().await?;
    for user in &mut users {
        user.last_seen = seen.get(&user.id).copied();
        let proof = app.store.proof(user.id).await?;
        user.has_totp = proof.is_some_and(|p| p.totp.is_some());
    }
    Ok(UserList { users })
}

pub async fn create_user(app: &App, caller: &Caller, user: &NewUser) -> Result<i64> {
    require_admin(caller, Admin::Users)?;
    require_owner_for(app, caller, &user.role)?;
    let id = insert(app, caller, user, false).await?;
    id.ok_or_else(|| Error::Internal("a user was not written".to_owned()))
}

/// `is_first`: none where there is a user already.
pub(super) async fn insert(
    app: &App,
    caller: &Caller,
    user: &NewUser,
    is_first: bool,
) -> Result<Option<i64>> {
    let login = user.login.trim().to_lowercase();
    let is_login = !login.is_empty()
        && login.chars().count() <= MAX_LOGIN
        && !login
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == ':');
    if !is_login {
        return Err(Error::Argument {
            name: "login",
            zh: format!("登录名要有 1 到 {MAX_LOGIN} 个字符，不含空格和冒号"),
            en: format!("a sign-in name has 1 to {MAX_LOGIN} characters, no spaces and no colons"),
        });
    }
    if user.name.trim().is_empty() {
        return Err(Error::Argument {
            name: "name",
            zh: "请写姓名".to_owned(),
            en: "give a name".to_owned(),
        });
    }
    super::role(app, &user.role).await?;
    check_departments(app, &user.departments).await?;
    let hash = match &user.password {
        Some(password) => Some(hash_of(app, password).await?),
        None => None,
    };
    let mut values = vec![
        ("login".to_owned(), Value::Text(login)),
        ("name".to_owned(), Value::Text(user.name.trim().to_owned())),
        ("role".to_owned(), Value::Text(user.role.clone())),
        ("is_active".to_owned(), Value::Bool(true)),
    ];
    for (field, given) in [("email", &user.email), ("phone", &user.phone)] {
        if let Some(text) = given {
            values.push((field.to_owned(), Value::Text(text.clone())));
        }
    }
    let change = change(caller, "user", Op::Create { values });
    let id = app
        .store
        .write_user(change, hash.as_deref(), is_first)
        .await?;
    if let Some(id) = id {
        for member in &user.departments {
            add_member(app, caller, id, member).await?;
        }
    }
    forget(app);
    Ok(id)
}

pub async fn change_user(app: &App, caller: &Caller, id: i64, wanted: &UserChange) -> Result<()> {
    require_admin(caller, Admin::Users)?;
    let before = record(app, id).await?;
    require_owner_for(app, caller, text(&before, "role"))?;
    let mut values = Vec::new();
    if let Some(role) = &wanted.role {
        super::role(app, role).await?;
        require_owner_for(app, caller, role)?;
        values.push(("role".to_owned(), Value::Text(role.clone())));
    }
    for (field, given) in [
        ("name", &wanted.name),
        ("email", &wanted.email),
        ("phone", &wanted.phone),
    ] {
        if let Some(text) = given {
            let text = text.trim();
            let value = match text.is_empty() {
                true => Value::Null,
                false => Value::Text(text.to_owned()),
            };
            values.push((field.to_owned(), value));
        }
    }
    if let Some(is_active) = wanted.is_active {
        values.push(("is_active".to_owned(), Value::Bool(is_active)));
    }
    let was_owner = text(&before, "role") == "owner";
    let stays_owner =
        wanted.role.as_deref().is_none_or(|r| r == "owner") && wanted.is_active != Some(false);
    if was_owner && !stays_owner && n_owners(app).await? < 2 {
        return Err(Error::State {
            code: "last_owner",
            zh: "至少要有一个在用的老板账号".to_owned(),
            en: "there has to be one active owner at least".to_owned(),
        });
    }
    if let Some(departments) = &wanted.departments {
        check_departments(app, departments).await?;
    }
    let hash = match &wanted.password {
        Some(password) => Some(hash_of(app, password).await?),
        None => None,
    };
    if !values.is_empty() {
        let change = change(caller, "user", Op::Update { id, values });
        app.store.write_user(change, None, false).await?;
    }
    if let Some(hash) = hash {
        app.store.set_password(id, &hash, None, by(caller)).await?;
        // Whoever has the machine lets somebody in whose provider is away.
        if caller.channel == Channel::CommandLine {
            app.store.unbind(id, by(caller)).await?;
        }
    }
    if wanted.is_active == Some(false) {
        app.store.end_sessions(id).await?;
    }
    if let Some(departments) = &wanted.departments {
        set_members(app, caller, id, departments).await?;
    }
    forget(app);
    Ok(())
}

/// Only an owner makes owners, and only an owner changes one.
fn require_owner_for(app: &App, caller: &Caller, role: &str) -> Result<()> {
    let admin = app.catalog.roles.get(role).map(|r| r.admin.as_slice());
    for admin in admin.into_iter().flatten() {
        require_admin(caller, *admin)?;
    }
    Ok(())
}

async fn n_owners(app: &App) -> Result<usize> {
    let mut n = 0;
    scan(app, "user", &["role", "is_active"], |row| {
        if row == [Value::Text("owner".to_owned()), Value::Bool(true)] {
            n += 1;
        }
    })
    .await?;
    Ok(n)
}

/// Everything that has a user's name on it goes to another one.
pub async fn hand_over(app: &App, caller: &Caller, from: i64, to: i64) -> Result<HandedOver> {
    require_admin(caller, Admin::Users)?;
    record(app, from).await?;
    let receiver = record(app, to).await?;
    if receiver.value("is_active") != &Value::Bool(true) || from == to {
        return Err(Error::Argument {
            name: "to",
            zh: "接手的人要在用，并且是另一个人".to_owned(),
            en: "who takes over has to be active, and somebody else".to_owned(),
        });
    }
    let mut n_records = 0;
    for object in app.catalog.objects.values() {
        let is_owned = object
            .field("user")
            .is_some_and(|f| f.to.as_deref() == Some("user"));
        if !is_owned || object.written_by.is_some() {
            continue;
        }
        loop {
            let query = ListQuery {
                object: object.id.clone(),
                fields: vec!["id".to_owned()],
                filter: Some(Expr::parse_filter(
                    &format!("user = {from}"),
                    &app.catalog.scope(&object.id),
                )?),
                limit: 500,
                ..ListQuery::default()
            };
            let page = app.store.list(&query, &Access::all()).await?;
            if page.rows.is_empty() {
                break;
            }
            for row in page.rows {
                let Some(Value::Int(id)) = row.first() else {
                    continue;
                };
                let values = vec![("user".to_owned(), Value::Int(to))];
                let change = change(caller, &object.id, Op::Update { id: *id, values });
                app.store.write(change, &Access::all()).await?;
                n_records += 1;
            }
        }
    }
    Ok(HandedOver { n_records })
}

pub async fn departments(app: &App, caller: &Caller) -> Result<DepartmentList> {
    let _ = caller;
    let mut departments = Vec::new();
    scan(
        app,
        "department",
        &["id", "name", "kind", "parent"],
        |row| {
            if let [Value::Int(id), Value::Text(name), Value::Text(kind), parent] = row {
                departments.push(DepartmentBody {
                    id: *id,
                    name: name.clone(),
                    kind: kind.clone(),
                    parent: match parent {
                        Value::Int(id) => Some(*id),
                        _ => None,
                    },
                });
            }
        },
    )
    .await?;
    Ok(DepartmentList { departments })
}

pub async fn create_department(app: &App, caller: &Caller, new: &NewDepartment) -> Result<i64> {
    require_admin(caller, Admin::Users)?;
    let kind = new.kind.clone();
    let values = DepartmentChange {
        name: Some(new.name.clone()),
        kind: Some(kind.unwrap_or_else(|| "department".to_owned())),
        parent: Some(new.parent),
    };
    let values = department_values(app, None, &values).await?;
    let change = change(caller, "department", Op::Create { values });
    let written = app.store.write(change, &Access::all()).await?;
    forget(app);
    written
        .and_then(|w| w.record)
        .ok_or_else(|| Error::Internal("a department was not written".to_owned()))
}

pub async fn change_department(
    app: &App,
    caller: &Caller,
    id: i64,
    new: &DepartmentChange,
) -> Result<()> {
    require_admin(caller, Admin::Users)?;
    let values = department_values(app, Some(id), new).await?;
    let change = change(caller, "department", Op::Update { id, values });
    app.store.write(change, &Access::all()).await?;
    forget(app);
    Ok(())
}

pub async fn delete_department(app: &App, caller: &Caller, id: i64) -> Result<()> {
    require_admin(caller, Admin::Users)?;
    let change = change(caller, "department", Op::Delete { id });
    app.store.write(change, &Access::all()).await?;
    forget(app);
    Ok(())
}

async fn department_values(
    app: &App,
    id: Option<i64>,
    new: &DepartmentChange,
) -> Result<Vec<(String, Value)>> {
    if new.name.as_deref().is_some_and(|n| n.trim().is_empty()) {
        return Err(Error::Argument {
            name: "name",
            zh: "请写部门名称".to_owned(),
            en: "give the department a name".to_owned(),
        });
    }
    if let (Some(id), Some(Some(parent))) = (id, new.parent) {
        let mut above = BTreeMap::new();
        scan(app, "department", &["id", "parent"], |row| {
            if let [Value::Int(id), Value::Int(parent)] = row {
                above.insert(*id, *parent);
            }
        })
        .await?;
        let mut seen = BTreeSet::new();
        let mut at = Some(parent);
        while let Some(department) = at.filter(|d| seen.insert(*d)) {
            if department == id {
                return Err(Error::Argument {
                    name: "parent",
                    zh: "部门不能在自己的下级里".to_owned(),
                    en: "a department cannot be below itself".to_owned(),
                });
            }
            at = above.get(&department).copied();
        }
    }
    let mut values = Vec::new();
    for (field, text) in [("name", &new.name), ("kind", &new.kind)] {
        if let Some(text) = text {
            values.push((field.to_owned(), Value::Text(text.trim().to_owned())));
        }
    }
    if let Some(parent) = new.parent {
        let parent = parent.map_or(Value::Null, Value::Int);
        values.push(("parent".to_owned(), parent));
    }
    Ok(values)
}

async fn check_departments(app: &App, wanted: &[Membership]) -> Result<()> {
    for member in wanted {
        let found = app
            .store
            .get("department", member.id, &Access::all())
            .await?;
        if found.is_none() {
            return Err(Error::not_found("department", member.id));
        }
    }
    Ok(())
}

async fn set_members(app: &App, caller: &Caller, user: i64, wanted: &[Membership]) -> Result<()> {
    let query = ScanQuery {
        object: "member".to_owned(),
        fields: ["id", "user"].map(str::to_owned).to_vec(),
        ..ScanQuery::default()
    };
    let mut old = Vec::new();
    app.store
        .scan(&query, &Access::all(), |row| -> Result<()> {
            if let [Value::Int(id), Value::Int(of)] = row
                && *of == user
            {
                old.push(*id);
            }
            Ok(())
        })
        .await?;
    for id in old {
        let change = change(caller, "member", Op::Delete { id });
        app.store.write(change, &Access::all()).await?;
    }
    for member in wanted {
        add_member(app, caller, user, member).await?;
    }
    Ok(())
}

async fn add_member(app: &App, caller: &Caller, user: i64, member: &Membership) -> Result<()> {
    let values = vec![
        ("department".to_owned(), Value::Int(member.id)),
        ("user".to_owned(), Value::Int(user)),
        ("is_head".to_owned(), Value::Bool(member.is_head)),
    ];
    let change = change(caller, "member", Op::Create { values });
    app.store.write(change, &Access::all()).await?;
    Ok(())
}

pub async fn roles(app: &App, caller: &Caller) -> Result<RoleList> {
    let _ = caller;
    let mut roles: Vec<RoleBody> = (app.catalog.roles.values())
        .map(|role| body(role.clone(), true))
        .collect();
    let stored = stored_roles(app).await?;
    roles.extend(stored.into_iter().map(|role| body(role, false)));
    Ok(RoleList { roles })
}

/// Those of one's own, which the store keeps.
pub(crate) async fn stored_roles(app: &App) -> Result<Vec<RoleDef>> {
    let stored = app.store.roles().await?;
    let stored = stored.iter().map(|(id, document)| role_of(id, document));
    stored.collect()
}

/// Creates or changes a role of one's own.
pub async fn save_role(app: &App, caller: &Caller, id: &str, new: &NewRole) -> Result<()> {
    require_admin(caller, Admin::Roles)?;
    // Nobody gives what he has not.
    for admin in &new.admin {
        require_admin(caller, *admin)?;
    }
    let is_name = id.len() <= 50
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !is_name || app.catalog.roles.contains_key(id) {
        return Err(Error::Argument {
            name: "id",
            zh: "角色的标识用小写字母、数字和 _，并且不能是自带角色的".to_owned(),
            en: "a role's id has small letters, digits and _, and is none of the product's own"
                .to_owned(),
        });
    }
    let document = serde_json::to_string(new).map_err(|e| Error::Internal(e.to_string()))?;
    app.catalog.check_role(&role_of(id, &document)?)?;
    app.store.save_role(id, &document, by(caller)).await?;
    forget(app);
    Ok(())
}

pub async fn delete_role(app: &App, caller: &Caller, id: &str) -> Result<()> {
    require_admin(caller, Admin::Roles)?;
    let mut holder = None;
    scan(app, "user", &["login", "role"], |row| {
        if let [Value::Text(login), Value::Text(role)] = row
            && role == id
        {
            holder = Some(login.clone());
        }
    })
    .await?;
    if let Some(login) = holder {
        return Err(Error::State {
            code: "role_in_use",
            zh: format!("`{login}` 还是这个角色，请先换掉"),
            en: format!("`{login}` still has this role: give another one first"),
        });
    }
    if !app.store.delete_role(id, by(caller)).await? {
        return Err(Error::not_found("role", id));
    }
    forget(app);
    Ok(())
}

pub(super) fn role_of(id: &str, document: &str) -> Result<RoleDef> {
    let kept: NewRole = serde_json::from_str(document)
        .map_err(|e| Error::Internal(format!("role {id} cannot be read: {e}")))?;
    let grant = |g: GrantBody| Grant {
        objects: vec![g.object],
        actions: g.actions,
        rows: g.rows,
    };
    let field = |f: FieldRightBody| FieldRight {
        field: f.field,
        shown: f.shown,
        reveal: f.reveal,
    };
    Ok(RoleDef {
        id: id.to_owned(),
        name: kept.name,
        about: kept.about,
        grants: kept.grants.into_iter().map(grant).collect(),
        fields: kept.fields.into_iter().map(field).collect(),
        admin: kept.admin,
    })
}

fn body(role: RoleDef, is_built_in: bool) -> RoleBody {
    let grants = role.grants.into_iter().flat_map(|g| {
        let (actions, rows) = (g.actions, g.rows);
        g.objects.into_iter().map(move |object| GrantBody {
            object,
            actions: actions.clone(),
            rows,
        })
    });
    let fields = role.fields.into_iter().map(|f| FieldRightBody {
        field: f.field,
        shown: f.shown,
        reveal: f.reveal,
    });
    RoleBody {
        id: role.id,
        name: role.name,
        about: role.about,
        is_built_in,
        grants: grants.collect(),
        fields: fields.collect(),
        admin: role.admin,
    }
}

pub async fn by_login(app: &App, login: &str) -> Result<Option<Record>> {
    let filter = format!("login = '{}'", login.replace('\'', "''"));
    let query = ListQuery {
        object: "user".to_owned(),
        fields: vec!["id".to_owned()],
        filter: Some(Expr::parse_filter(&filter, &app.catalog.scope("user"))?),
        limit: 1,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &Access::all()).await?;
    let found = page.rows.first().and_then(|row| match row.first() {
        Some(Value::Int(id)) => Some(*id),
        _ => None,
    });
    match found {
        Some(id) => Ok(app.store.get("user", id, &Access::all()).await?),
        None => Ok(None),
    }
}

pub(super) async fn record(app: &App, id: i64) -> Result<Record> {
    let found = app.store.get("user", id, &Access::all()).await?;
    found.ok_or_else(|| Error::not_found("user", id))
}

pub(super) fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    match record.value(field) {
        Value::Text(text) => text,
        _ => "",
    }
}

fn change(caller: &Caller, object: &str, op: Op) -> NewChange {
    let owned = ["user", "department", "member"].contains(&object);
    NewChange {
        object: object.to_owned(),
        op,
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        module: owned.then(|| MODULE.to_owned()),
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    }
}

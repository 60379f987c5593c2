//! Who acts, and what follows from it: which actions are allowed, a row
//! predicate and a set of hidden fields for each object. Every read and write
//! of this crate asks here first.
//!
//! A role grants actions on objects for some rows ([`keji_schema::role`]).
//! Whose a record is follows from its `user` link, and from its customer's:
//! what belongs to a customer is seen by whom the customer is seen. Records
//! that lead to neither, such as products, are everybody's whose role may read
//! the object at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keji_schema::expr::{Expr, Node, Op};
use keji_schema::role::{RoleDef, Shown};
use keji_schema::{Catalog, Type, Value};
use keji_store::Access;

pub use keji_schema::role::{Action, Admin, Rows};

use crate::error::{Error, Result};

/// Links that are followed on the way from a record to its customer.
const MAX_STEPS: usize = 3;

#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: String,
    pub channel: Channel,
    /// Where the request came from.
    pub address: Option<String>,
    /// By a token that does less than its user may.
    pub(crate) is_limited: bool,
    /// Absent: everything, for the system itself and for whoever has the
    /// machine's command line and with it the data folder.
    rights: Option<Arc<Rights>>,
}

/// The way by which a caller came in; kept in the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    CommandLine,
    /// A signed-in person's browser.
    Page,
    /// A program with a token.
    Api,
    Job,
}

impl Channel {
    pub fn id(self) -> &'static str {
        match self {
            Channel::CommandLine => "command_line",
            Channel::Page => "page",
            Channel::Api => "api",
            Channel::Job => "job",
        }
    }
}

impl Caller {
    pub fn command_line() -> Caller {
        Caller {
            actor: "owner".to_owned(),
            channel: Channel::CommandLine,
            address: None,
            is_limited: false,
            rights: None,
        }
    }

    pub fn job() -> Caller {
        Caller {
            actor: "system".to_owned(),
            channel: Channel::Job,
            address: None,
            is_limited: false,
            rights: None,
        }
    }

    pub(crate) fn of(rights: Arc<Rights>, channel: Channel) -> Caller {
        Caller {
            actor: rights.login.clone(),
            channel,
            address: None,
            is_limited: false,
            rights: Some(rights),
        }
    }

    /// The user, where it is one.
    pub fn user(&self) -> Option<i64> {
        self.rights.as_ref().map(|r| r.user)
    }
}

/// A role for one person, worked out for every object.
#[derive(Debug)]
pub(crate) struct Rights {
    user: i64,
    login: String,
    role: RoleDef,
    objects: BTreeMap<String, ObjectRights>,
    /// Whose records each kind of rows means; all has none.
    users: BTreeMap<Rows, BTreeSet<i64>>,
    hidden: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct ObjectRights {
    rows: BTreeMap<Action, Rows>,
    /// Of each kind of rows; none where there is nothing to filter.
    predicates: BTreeMap<Rows, Option<Expr>>,
}

/// The users whose records each kind of rows means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub team: BTreeSet<i64>,
    pub department: BTreeSet<i64>,
}

impl Rights {
    pub fn of(catalog: &Catalog, role: &RoleDef, user: i64, login: &str, reach: &Reach) -> Rights {
        let own = BTreeSet::from([user]);
        let users = BTreeMap::from([
            (Rows::Own, own.clone()),
            (Rows::Team, &reach.team | &own),
            (Rows::Department, &reach.department | &own),
        ]);
        let mut objects = BTreeMap::new();
        for object in catalog.objects.keys() {
            let own: Vec<_> = (role.grants.iter())
                .filter(|g| g.objects.contains(object))
                .collect();
            let grants = if own.is_empty() {
                let all = role.grants.iter().filter(|g| g.objects == ["*"]);
                all.collect()
            } else {
                own
            };
            let mut rights = ObjectRights::default();
            for grant in grants {
                for action in &grant.actions {
                    let rows = rights.rows.entry(*action).or_insert(grant.rows);
                    *rows = grant.rows.max(*rows);
                }
            }
            // Names of colleagues stand beside what belongs to them.
            if ["user", "department", "member"].contains(&object.as_str()) {
                rights.rows.insert(Action::Read, Rows::All);
            }
            let kinds: BTreeSet<Rows> = rights.rows.values().copied().collect();
            for rows in kinds {
                let users = users.get(&rows);
                let predicate = users.and_then(|users| predicate(catalog, object, users));
                rights.predicates.insert(rows, predicate);
            }
            objects.insert(object.clone(), rights);
        }
        let hidden = role.fields.iter().filter(|f| f.shown == Shown::Hidden);
        Rights {
            user,
            login: login.to_owned(),
            objects,
            users,
            hidden: hidden.map(|f| f.field.clone()).collect(),
            role: role.clone(),
        }
    }
}

/// That a record is one of these users'; none where the object leads neither
/// to a user nor to a customer.
fn predicate(catalog: &Catalog, object: &str, users: &BTreeSet<i64>) -> Option<Expr> {
    let paths = paths_to_users(catalog, object);
    // By hand: a large department is more than a text of the language may hold.
    let any = paths.iter().map(|path| {
        let path: Vec<&str> = path.split('.').collect();
        is_in(&path, users)
    });
    any.reduce(|a, b| yes_or_no(Node::Binary(Op::Or, Box::new(a), Box::new(b))))
}

/// Where the users stand whose record it is: its own, and its customer's on
/// the shortest way over links.
fn paths_to_users(catalog: &Catalog, object: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let has_user = |object: &str| {
        let def = catalog.objects.get(object);
        def.and_then(|o| o.field("user"))
            .is_some_and(|f| f.to.as_deref() == Some("user"))
    };
    if has_user(object) {
        paths.push("user".to_owned());
    }
    if object == "customer" {
        return paths;
    }
    let mut at = vec![(object.to_owned(), String::new())];
    for _ in 0..MAX_STEPS {
        let mut next = Vec::new();
        for (object, path) in &at {
            let Some(def) = catalog.objects.get(object) else {
                continue;
            };
            for field in &def.fields {
                let Some(to) = &field.to else { continue };
                let path = format!("{path}{}.", field.id);
                if to == "customer" {
                    paths.push(format!("{path}user"));
                    return paths;
                }
                if to != object && to != "user" {
                    next.push((to.clone(), path));
                }
            }
        }
        at = next;
    }
    paths
}

/// Refuses what the caller's role does not allow with an object. Which of its
/// records are meant is [`access`]'s to say.
pub fn require(caller: &Caller, object: &str, action: Action) -> Result<()> {
    if may(caller, object, action) {
        return Ok(());
    }
    let what = match action {
        Action::Read => ("查看", "read"),
        Action::Create => ("新建", "create"),
        Action::Update => ("修改", "change"),
        Action::Delete => ("删除", "delete"),
        Action::Import => ("导入", "import"),
        Action::Export => ("导出", "export"),
    };
    Err(Error::Forbidden {
        zh: format!("您的角色不能{}「{object}」", what.0),
        en: format!("your role may not {} `{object}`", what.1),
    })
}

pub fn may(caller: &Caller, object: &str, action: Action) -> bool {
    let Some(rights) = &caller.rights else {
        return true;
    };
    let object = rights.objects.get(object);
    object.is_some_and(|o| o.rows.contains_key(&action))
}

/// Objects that only files of orders write: totals and fingerprints hang on
/// their records, and one alone would not agree with them.
pub fn comes_by_order_files(object: &str) -> bool {
    ["order", "order_line"].contains(&object)
}

/// Refuses to write fields that the caller may only read.
pub fn require_fields<'a>(
    caller: &Caller,
    object: &str,
    fields: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    for field in fields {
        if !may_write(caller, object, field) {
            return Err(Error::Forbidden {
                zh: format!("您的角色不能修改「{object}.{field}」"),
                en: format!("your role may not write `{object}.{field}`"),
            });
        }
    }
    Ok(())
}

pub fn may_write(caller: &Caller, object: &str, field: &str) -> bool {
    let Some(rights) = &caller.rights else {
        return true;
    };
    let name = format!("{object}.{field}");
    rights.role.fields.iter().all(|f| f.field != name)
}

/// Refuses what concerns the whole place.
pub fn require_admin(caller: &Caller, admin: Admin) -> Result<()> {
    let Some(rights) = &caller.rights else {
        return Ok(());
    };
    if rights.role.admin.contains(&admin) {
        return Ok(());
    }
    let what = match admin {
        Admin::Users => ("管理用户和部门", "look after users and departments"),
        Admin::Roles => ("管理角色", "look after roles"),
        Admin::Audit => ("查看全部变更记录", "see the log of all changes"),
        Admin::Imports => (
            "导入订单文件或撤销导入",
            "import order files or take them back",
        ),
        Admin::Evaluations => ("评估全部客户", "evaluate all customers"),
    };
    Err(Error::Forbidden {
        zh: format!("您的角色不能{}", what.0),
        en: format!("your role may not {}", what.1),
    })
}

/// Refuses what is made of all records of an object, unless the caller sees
/// them all: a part that looks like the whole would mislead.
pub fn require_all(caller: &Caller, object: &str) -> Result<()> {
    require(caller, object, Action::Read)?;
    if access(caller, object).predicate.is_none() {
        return Ok(());
    }
    Err(Error::Forbidden {
        zh: "这里是全部客户的汇总，您的角色只能看到其中一部分".to_owned(),
        en: "this sums up all customers, of which your role sees a part only".to_owned(),
    })
}

/// Whether whoever sees a record of the object also sees what this link leads
/// to; otherwise a path over it would show what is not the caller's.
pub fn may_follow(catalog: &Catalog, caller: &Caller, object: &str, link: &str) -> bool {
    let Some(rights) = &caller.rights else {
        return true;
    };
    let to = catalog.objects.get(object).and_then(|o| o.field(link));
    let Some(to) = to.and_then(|f| f.to.as_deref()) else {
        return true;
    };
    if !may(caller, to, Action::Read) {
        return false;
    }
    if access(caller, to).predicate.is_none() {
        return true;
    }
    let rows = |object: &str| {
        let rights = rights.objects.get(object);
        rights.and_then(|o| o.rows.get(&Action::Read)).copied()
    };
    let behind: Vec<String> = (paths_to_users(catalog, to).iter())
        .map(|path| format!("{link}.{path}"))
        .collect();
    let own = paths_to_users(catalog, object);
    !own.is_empty() && rows(object) <= rows(to) && own.iter().all(|path| behind.contains(path))
}

/// Refuses a path over a link that the caller may not follow.
pub fn require_path(
    catalog: &Catalog,
    caller: &Caller,
    object: &str,
    path: &[String],
) -> Result<()> {
    let mut at = object.to_owned();
    let links = path.split_last().map_or(&[][..], |(_, links)| links);
    for link in links {
        if !may_follow(catalog, caller, &at, link) {
            return Err(Error::Forbidden {
                zh: format!("您的角色不能通过「{at}」看「{link}」"),
                en: format!("your role may not look at `{link}` through `{at}`"),
            });
        }
        let field = catalog.objects.get(&at).and_then(|o| o.field(link));
        match field.and_then(|f| f.to.clone()) {
            Some(to) => at = to,
            None => break,
        }
    }
    Ok(())
}

/// What the caller may see of an object's records.
pub fn access(caller: &Caller, object: &str) -> Access {
    access_for(caller, object, &[Action::Read])
}

/// The records with which the caller may do all of these. Where one of the
/// actions is not allowed at all there are none.
pub fn access_for(caller: &Caller, object: &str, actions: &[Action]) -> Access {
    let Some(rights) = &caller.rights else {
        return Access::all();
    };
    let known = rights.objects.get(object);
    let rows = |action: &Action| known.and_then(|o| o.rows.get(action).copied());
    let narrowest = actions.iter().map(rows).min().flatten();
    let predicate = match known.zip(narrowest) {
        Some((object, rows)) => object.predicates.get(&rows).cloned().flatten(),
        None => Some(yes_or_no(Node::Literal(Value::Bool(false)))),
    };
    Access {
        predicate,
        hidden: rights.hidden.clone(),
    }
}

/// The caller's row filter for a question over these objects' facts: an
/// expression over dimensions, among which every fact of a customer has the
/// customer's user.
pub(crate) fn facts(caller: &Caller, objects: &BTreeSet<&str>) -> Result<Option<Expr>> {
    let Some(rights) = &caller.rights else {
        return Ok(None);
    };
    let mut narrowest = Rows::All;
    for object in objects {
        require(caller, object, Action::Read)?;
        let rows = rights
            .objects
            .get(*object)
            .and_then(|o| o.rows.get(&Action::Read));
        narrowest = rows.copied().unwrap_or(Rows::Own).min(narrowest);
    }
    let users = rights.users.get(&narrowest);
    Ok(users.map(|users| is_in(&["customer", "user"], users)))
}

/// Whether the caller may not see a field.
pub(crate) fn hides(caller: &Caller, field: &str) -> bool {
    let rights = caller.rights.as_ref();
    rights.is_some_and(|r| r.hidden.contains(field))
}

pub(crate) fn hidden(caller: &Caller) -> impl Iterator<Item = (&str, &str)> {
    let rights = caller.rights.iter();
    rights.flat_map(|r| r.hidden.iter().filter_map(|f| f.split_once('.')))
}

fn is_in(path: &[&str], users: &BTreeSet<i64>) -> Expr {
    let field = Expr {
        node: Node::Field(path.iter().map(|p| (*p).to_owned()).collect()),
        kind: Some(Type::Link),
    };
    let users = users.iter().map(|&id| Value::Int(id)).collect();
    yes_or_no(Node::In(Box::new(field), users))
}

fn yes_or_no(node: Node) -> Expr {
    Expr {
        node,
        kind: Some(Type::Bool),
    }
}

//! Who acts, and what follows from it: which actions are allowed, a row
//! predicate and a set of hidden fields for each object. Every read and write
//! of this crate asks here first.
//!
//! A role grants actions on objects for some rows ([`keji_schema::role`]).
//! Whose a record is follows from its `user` link, and from its customer's:
//! what belongs to a customer is seen by whom the customer is seen, also where
//! the customer was shared with him. Records that lead to neither, such as
//! products, are everybody's whose role may read the object at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keji_schema::definition::{DerivedDef, Origin};
use keji_schema::expr::{Expr, Node, Op, Scope};
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
    /// A public form, in the name of its owner.
    Form,
}

impl Channel {
    pub fn id(self) -> &'static str {
        match self {
            Channel::CommandLine => "command_line",
            Channel::Page => "page",
            Channel::Api => "api",
            Channel::Job => "job",
            Channel::Form => "form",
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

    /// The same, but for what others shared.
    pub(crate) fn without_shares(&self) -> Caller {
        let rights = self.rights.as_ref().map(|rights| {
            Arc::new(Rights {
                shared: Shared::default(),
                ..Rights::clone(rights)
            })
        });
        Caller {
            rights,
            ..self.clone()
        }
    }

    /// The same, seeing of each object only what may also be exported.
    pub(crate) fn exporting(&self) -> Caller {
        let rights = self.rights.as_ref().map(|rights| {
            let mut rights = Rights::clone(rights);
            for object in rights.objects.values_mut() {
                let out = object.rows.get(&Action::Export).copied();
                if let (Some(out), Some(read)) = (out, object.rows.get_mut(&Action::Read)) {
                    *read = out.min(*read);
                }
            }
            Arc::new(rights)
        });
        Caller {
            rights,
            ..self.clone()
        }
    }

    /// The same user, by the way on which `other` came.
    pub(crate) fn by_way_of(self, other: &Caller) -> Caller {
        Caller {
            channel: other.channel,
            address: other.address.clone(),
            ..self
        }
    }

    /// The same user, by a public form.
    pub(crate) fn by_form(self) -> Caller {
        Caller {
            channel: Channel::Form,
            ..self
        }
    }

    /// The id of the user's role, where it is one.
    pub(crate) fn role(&self) -> Option<&str> {
        self.rights.as_ref().map(|r| r.role.id.as_str())
    }

    /// The user, where it is one.
    pub fn user(&self) -> Option<i64> {
        self.rights.as_ref().map(|r| r.user)
    }
}

/// A role for one person, worked out for every object.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    user: i64,
    login: String,
    role: RoleDef,
    objects: BTreeMap<String, ObjectRights>,
    /// Whose records each kind of rows means; all has none.
    users: BTreeMap<Rows, BTreeSet<i64>>,
    shared: Shared,
    /// The masked ones too.
    hidden: BTreeSet<String>,
    masked: BTreeSet<String>,
    /// Objects whose records a roll-up gathers.
    gathered: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
struct ObjectRights {
    rows: BTreeMap<Action, Rows>,
    ways: Ways,
}

/// The users whose records each kind of rows means, and what else is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub team: BTreeSet<i64>,
    pub department: BTreeSet<i64>,
    pub shared: Shared,
}

/// Customers that somebody shared with the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shared {
    /// Those to be seen; holds `write`.
    pub read: BTreeSet<i64>,
    pub write: BTreeSet<i64>,
}

impl Shared {
    /// What a share opens an action to: nobody deletes what is another's.
    fn opens(&self, actions: &[Action]) -> Option<&BTreeSet<i64>> {
        let of = |action: &Action| match action {
            Action::Read | Action::Export => 2,
            Action::Create | Action::Update | Action::Import => 1,
            Action::Delete => 0,
        };
        match actions.iter().map(of).min() {
            Some(2) => Some(&self.read),
            Some(1) => Some(&self.write),
            _ => None,
        }
        .filter(|customers| !customers.is_empty())
    }
}

/// How a record leads to those whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ways {
    /// Paths to users: its own, and its customer's on the shortest way.
    users: Vec<Vec<String>>,
    customer: Option<Vec<String>>,
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
            rights.ways = Ways::of(catalog, object);
            objects.insert(object.clone(), rights);
        }
        let shown = |which: Shown| {
            let fields = role.fields.iter().filter(move |f| f.shown == which);
            fields.map(|f| f.field.clone()).collect::<BTreeSet<_>>()
        };
        let (hidden, masked) = (shown(Shown::Hidden), shown(Shown::Masked));
        Rights {
            user,
            login: login.to_owned(),
            objects,
            users,
            shared: reach.shared.clone(),
            gathered: (catalog.objects.values())
                .flat_map(|def| &def.derived)
                .filter_map(|derived| Some(derived.rollup.as_ref()?.of.clone()))
                .collect(),
            masked: &masked - &hidden,
            hidden: &hidden | &masked,
            role: role.clone(),
        }
    }
}

impl Ways {
    fn of(catalog: &Catalog, object: &str) -> Ways {
        let mut ways = Ways::default();
        let def = catalog.objects.get(object);
        let user = def.and_then(|o| o.field("user"));
        if user.is_some_and(|f| f.to.as_deref() == Some("user")) {
            ways.users.push(vec!["user".to_owned()]);
        }
        if object == "customer" {
            ways.customer = Some(vec!["id".to_owned()]);
            return ways;
        }
        let mut at = vec![(object.to_owned(), Vec::new())];
        for _ in 0..MAX_STEPS {
            let mut next = Vec::new();
            for (object, path) in &at {
                let Some(def) = catalog.objects.get(object) else {
                    continue;
                };
                for field in &def.fields {
                    let Some(to) = &field.to else { continue };
                    let mut path = path.clone();
                    path.push(field.id.clone());
                    if to == "customer" {
                        ways.customer = Some(path.clone());
                        path.push("user".to_owned());
                        ways.users.push(path);
                        return ways;
                    }
                    if to != object && to != "user" {
                        next.push((to.clone(), path));
                    }
                }
            }
            at = next;
        }
        ways
    }

    /// That a record is one of these users', or its customer one of those
    /// opened; none where nobody's name is on such records.
    fn predicate(&self, users: &BTreeSet<i64>, opened: Option<&BTreeSet<i64>>) -> Option<Expr> {
        // By hand: a large department is more than a text of the language may hold.
        let own = self.users.iter().map(|path| is_in(path, users));
        let own = own.reduce(or)?;
        let opened = self.customer.as_ref().zip(opened);
        Some(match opened {
            Some((path, customers)) => or(own, is_in(path, customers)),
            None => own,
        })
    }
}

fn or(a: Expr, b: Expr) -> Expr {
    yes_or_no(Node::Binary(Op::Or, Box::new(a), Box::new(b)))
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

/// Which records of an object the caller may read; none where not even his
/// own. The system's are all.
pub(crate) fn rows_of(caller: &Caller, object: &str) -> Option<Rows> {
    let Some(rights) = &caller.rights else {
        return Some(Rows::All);
    };
    let known = rights.objects.get(object)?;
    known.rows.get(&Action::Read).copied()
}

/// Whether the caller sees records of an object that are others'.
pub(crate) fn sees_others(caller: &Caller, object: &str) -> bool {
    rows_of(caller, object).is_some_and(|rows| rows > Rows::Own)
}

/// The user that keeps marks and notifications of his own; no token that only
/// reads changes them.
pub(crate) fn own_user(caller: &Caller) -> Result<i64> {
    if caller.is_limited && !may_any(caller, Action::Update) {
        return Err(Error::Forbidden {
            zh: "这个令牌只能读".to_owned(),
            en: "this token only reads".to_owned(),
        });
    }
    caller.user().ok_or_else(|| Error::Forbidden {
        zh: "只有登录的用户有自己的收藏和通知".to_owned(),
        en: "only a user has favourites and notifications".to_owned(),
    })
}

/// Whether the role allows it with any object at all.
pub fn may_any(caller: &Caller, action: Action) -> bool {
    let rights = caller.rights.as_ref();
    rights.is_none_or(|r| r.objects.values().any(|o| o.rows.contains_key(&action)))
}

/// What hangs a record of an object on whose it is, for an action that the
/// caller may not do with all of them.
#[derive(Debug)]
pub struct Owned {
    /// The link that leads to its customer, and the records to which it may.
    pub link: Option<(String, Access)>,
    /// Whose it may be, where it has a user.
    pub users: Option<BTreeSet<i64>>,
}

/// None where the caller may do it with all records.
pub(crate) fn owned(
    catalog: &Catalog,
    caller: &Caller,
    object: &str,
    action: Action,
) -> Option<Owned> {
    let rights = caller.rights.as_ref()?;
    let known = rights.objects.get(object)?;
    let users = rights.users.get(known.rows.get(&action)?)?;
    let opened = rights.shared.opens(&[action]);
    known.ways.predicate(users, opened)?;
    let link = known.ways.customer.as_ref().and_then(|way| way.first());
    let link = link.filter(|_| object != "customer").and_then(|link| {
        let to = catalog.objects.get(object)?.field(link)?.to.clone()?;
        let mut there = access(caller, &to);
        let within = Ways::of(catalog, &to).predicate(users, opened);
        there.predicate = match (there.predicate, within) {
            (Some(a), Some(b)) => Some(yes_or_no(Node::Binary(Op::And, Box::new(a), Box::new(b)))),
            (one, other) => one.or(other),
        };
        Some((link.clone(), there))
    });
    let has_user = known.ways.users.iter().any(|path| path.len() == 1);
    Some(Owned {
        link,
        users: has_user.then(|| users.clone()),
    })
}

/// Objects whose files are files of orders: one of plain records would not say
/// which lines make an order, nor be known again.
pub fn comes_by_order_files(object: &str) -> bool {
    ["order", "order_line"].contains(&object)
}

/// Fields that the program sets and nobody else, whatever he may: what the
/// bytes of a file are, only the bytes say, and what an order adds up to, its
/// lines.
pub(crate) fn is_set_by_program(object: &str, field: &str) -> bool {
    object == "file" && ["size_bytes", "media_type", "checksum"].contains(&field)
        || keji_store::follows(object, field)
}

/// Whether the field says when or by whom a record was made, and this is how
/// it is made: whoever may bring records from elsewhere may say of each where
/// it comes from.
fn is_origin(caller: &Caller, object: &str, field: &str, action: Action) -> Result<bool> {
    if Origin::of(field).is_none() {
        return Ok(false);
    }
    if action == Action::Create && require(caller, object, Action::Import).is_ok() {
        return Ok(true);
    }
    Err(Error::Forbidden {
        zh: format!("「{object}.{field}」在建立记录时写定，之后不再改；只有可以导入的角色能自己写"),
        en: format!(
            "`{object}.{field}` is set when a record is made and stays; only a role that may \
             import says it itself"
        ),
    })
}

/// Refuses to write fields that the caller may only read; `action` is whether
/// the record is created or changed.
pub fn require_fields<'a>(
    caller: &Caller,
    object: &str,
    action: Action,
    fields: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    for field in fields {
        if is_origin(caller, object, field, action)? {
            continue;
        }
        if is_set_by_program(object, field) {
            let [zh, en] = match object {
                "file" => ["由程序按文件内容填写", "from the file's content"],
                _ => ["由程序按其他内容算出", "from what else stands there"],
            };
            return Err(Error::Forbidden {
                zh: format!("「{object}.{field}」{zh}"),
                en: format!("`{object}.{field}` is set by the program {en}"),
            });
        }
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
    if is_set_by_program(object, field) || Origin::of(field).is_some() {
        return false;
    }
    let Some(rights) = &caller.rights else {
        return true;
    };
    let name = format!("{object}.{field}");
    let mut own = rights.role.fields.iter().filter(|f| f.field == name);
    own.all(|f| f.shown == Shown::Write)
}

/// Whether the caller sees the field covered only.
pub(crate) fn masks(caller: &Caller, object: &str, field: &str) -> bool {
    let rights = caller.rights.as_ref();
    rights.is_some_and(|r| r.masked.contains(&format!("{object}.{field}")))
}

/// Whether the caller may see one record's value of a masked field for a
/// reason.
pub(crate) fn may_reveal(caller: &Caller, object: &str, field: &str) -> bool {
    let Some(rights) = caller.rights.as_ref() else {
        return false;
    };
    let name = format!("{object}.{field}");
    let mut own = rights.role.fields.iter().filter(|f| f.field == name);
    masks(caller, object, field) && own.any(|f| f.reveal)
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
        Admin::Webhooks => ("管理网络钩子", "look after webhooks"),
        Admin::Privacy => (
            "导出或清除一个人的全部数据",
            "take out or erase all data of a person",
        ),
        Admin::Backups => ("管理备份", "look after backups"),
        Admin::Design => ("设计对象和字段", "design objects and fields"),
    };
    Err(Error::Forbidden {
        zh: format!("您的角色不能{}", what.0),
        en: format!("your role may not {}", what.1),
    })
}

/// Refuses whoever may not see and take out everything that there is, whatever
/// his role may open.
pub fn require_everything(caller: &Caller) -> Result<()> {
    let Some(rights) = &caller.rights else {
        return Ok(());
    };
    let is_all = |object: &ObjectRights| {
        let rows = |action| object.rows.get(&action) == Some(&Rows::All);
        rows(Action::Read) && rows(Action::Export)
    };
    if rights.hidden.is_empty() && rights.objects.values().all(is_all) {
        return Ok(());
    }
    Err(Error::Forbidden {
        zh: "这里涉及全部数据，您的角色不能查看和导出全部数据".to_owned(),
        en: "this is about everything, and your role may not see and take out everything"
            .to_owned(),
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
    let mut behind = Ways::of(catalog, to).users;
    for path in &mut behind {
        path.insert(0, link.to_owned());
    }
    let own = Ways::of(catalog, object).users;
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

/// The same for a path that is read, and may end in what is derived.
pub(crate) fn require_read(
    catalog: &Catalog,
    caller: &Caller,
    object: &str,
    path: &[String],
) -> Result<()> {
    require_path(catalog, caller, object, path)?;
    let Some(derived) = catalog.derived(object, path) else {
        return Ok(());
    };
    let links = path.split_last().map_or(&[][..], |(_, links)| links);
    let mut at = object.to_owned();
    for link in links {
        let to = catalog.objects.get(&at).and_then(|o| o.field(link));
        at = to.and_then(|f| f.to.clone()).unwrap_or(at);
    }
    match sees_derived(catalog, caller, &at, derived) {
        true => Ok(()),
        false => Err(Error::Schema(keji_schema::Error::Unknown {
            kind: "field",
            name: path.join("."),
        })),
    }
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
    let predicate = seen(rights, object, actions);
    let gathered = rights.gathered.iter().filter_map(|object| {
        let seen = seen(rights, object, &[Action::Read])?;
        Some((object.clone(), seen))
    });
    Access {
        predicate,
        hidden: rights.hidden.clone(),
        masked: rights.masked.clone(),
        gathered: gathered.collect(),
    }
}

/// What holds for the records with which the caller may do all of these; none
/// where he may with all there are.
fn seen(rights: &Rights, object: &str, actions: &[Action]) -> Option<Expr> {
    let known = rights.objects.get(object);
    let rows = |action: &Action| known.and_then(|o| o.rows.get(action).copied());
    let narrowest = actions.iter().map(rows).min().flatten();
    match known.zip(narrowest) {
        Some((object, rows)) => {
            let users = rights.users.get(&rows);
            users.and_then(|users| object.ways.predicate(users, rights.shared.opens(actions)))
        }
        None => Some(yes_or_no(Node::Literal(Value::Bool(false)))),
    }
}

/// Whether the caller sees all that a derived value is made of. Which records
/// are gathered, his rights say when it is read.
pub(crate) fn sees_derived(
    catalog: &Catalog,
    caller: &Caller,
    object: &str,
    derived: &DerivedDef,
) -> bool {
    let hides = |object: &str, field: &str| access(caller, object).hides(object, field);
    let sees = |object: &str, path: &[String]| {
        let mut at = object.to_owned();
        let Some((last, links)) = path.split_last() else {
            return false;
        };
        for link in links {
            if hides(&at, link) || !may_follow(catalog, caller, &at, link) {
                return false;
            }
            let to = catalog.objects.get(&at).and_then(|o| o.field(link));
            match to.and_then(|f| f.to.clone()) {
                Some(to) => at = to,
                None => return false,
            }
        }
        let inner = catalog.objects.get(&at).and_then(|o| o.derived(last));
        match inner {
            Some(inner) => sees_derived(catalog, caller, &at, inner),
            None => !hides(&at, last),
        }
    };
    let parts = |text: &str, scope: &dyn Scope| {
        Expr::parse(text, scope).map_or_else(|_| Vec::new(), |parsed| parsed.fields())
    };
    if caller.rights.is_none() {
        return true;
    }
    match (&derived.formula, &derived.rollup) {
        (Some(formula), _) => {
            let parts = parts(formula, &catalog.read_scope(object));
            parts.iter().all(|path| sees(object, path))
        }
        (None, Some(rollup)) => {
            let filter = rollup.filter.as_deref().unwrap_or("true");
            let mut all = parts(filter, &catalog.scope(&rollup.of));
            all.extend(rollup.value.iter().map(|value| vec![value.clone()]));
            all.push(vec![rollup.by.clone()]);
            may(caller, &rollup.of, Action::Read) && all.iter().all(|path| sees(&rollup.of, path))
        }
        (None, None) => false,
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
    Ok(users.map(|users| {
        let own = is_in(&["customer".to_owned(), "user".to_owned()], users);
        match rights.shared.opens(&[Action::Read]) {
            Some(customers) => or(own, is_in(&["customer".to_owned()], customers)),
            None => own,
        }
    }))
}

/// Whether the caller sees every record of an object, so that he may be told
/// what is counted over all of them.
pub fn sees_all(caller: &Caller, object: &str) -> bool {
    may(caller, object, Action::Read) && !sees_part(caller, object)
}

/// Whether the caller sees a part of an object's records only, so that what is
/// counted or added up of them is a part as well.
pub fn sees_part(caller: &Caller, object: &str) -> bool {
    access(caller, object).predicate.is_some()
}

/// Whether what is at the end of a path of one link at most comes covered.
pub(crate) fn is_covered(catalog: &Catalog, caller: &Caller, object: &str, path: &str) -> bool {
    let (object, field) = end_of(catalog, object, path);
    masks(caller, object, field)
}

/// Whether what is at the end of such a path is not seen at all.
pub(crate) fn is_unseen(catalog: &Catalog, caller: &Caller, object: &str, path: &str) -> bool {
    let (object, field) = end_of(catalog, object, path);
    let rights = caller.rights.as_ref();
    let is_hidden = rights.is_some_and(|r| r.hidden.contains(&format!("{object}.{field}")));
    is_hidden && !masks(caller, object, field)
}

fn end_of<'a>(catalog: &'a Catalog, object: &'a str, path: &'a str) -> (&'a str, &'a str) {
    let Some((link, field)) = path.split_once('.') else {
        return (object, path);
    };
    let link = catalog.objects.get(object).and_then(|o| o.field(link));
    (link.and_then(|f| f.to.as_deref()).unwrap_or(object), field)
}

pub(crate) fn hidden(caller: &Caller) -> impl Iterator<Item = (&str, &str)> {
    let rights = caller.rights.iter();
    rights.flat_map(|r| r.hidden.iter().filter_map(|f| f.split_once('.')))
}

fn is_in(path: &[String], ids: &BTreeSet<i64>) -> Expr {
    let field = Expr {
        node: Node::Field(path.to_vec()),
        kind: Some(Type::Link),
    };
    let ids = ids.iter().map(|&id| Value::Int(id)).collect();
    yes_or_no(Node::In(Box::new(field), ids))
}

fn yes_or_no(node: Node) -> Expr {
    Expr {
        node,
        kind: Some(Type::Bool),
    }
}

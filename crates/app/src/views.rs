//! Saved views: a name for what the address of a list says. A view never shows
//! more than its reader may see: the list goes through his rights, and one that
//! names what is not there for him is not offered.

use std::collections::BTreeMap;

use keji_schema::Value;
use keji_schema::role::Admin;
use keji_store::{Access, By, View, ViewValues};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::identity;
use crate::permission::{Action, Caller, require, require_admin};
use crate::records;

/// What `shared_with` says of everybody.
pub(crate) const EVERYBODY: &str = "*";
const MAX_VIEWS: i64 = 500;
/// In one menu.
const MAX_SHOWN: u32 = 500;
const MAX_NAME: usize = 100;
const MAX_TEXT: usize = 4_000;

/// What the address of a list says, word for word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ViewState {
    /// `board`, `calendar` or `chart`; a list without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// A condition.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// The field that a board, a calendar or a chart is made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The number that a chart adds up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// Fields with commas between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
}

impl ViewState {
    fn texts(&self) -> [(&'static str, Option<&str>); 9] {
        [
            ("view", self.view.as_deref()),
            ("search", self.search.as_deref()),
            ("where", self.filter.as_deref()),
            ("sort", self.sort.as_deref()),
            ("by", self.by.as_deref()),
            ("sum", self.sum.as_deref()),
            ("steps", self.steps.as_deref()),
            ("month", self.month.as_deref()),
            ("columns", self.columns.as_deref()),
        ]
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ViewList {
    /// By name.
    pub views: Vec<ViewBody>,
    /// With which one the caller's list begins.
    pub usual: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ViewBody {
    pub id: i64,
    pub name: String,
    pub state: ViewState,
    pub is_own: bool,
    /// Whose it is.
    pub owner: String,
    /// A role's id, `*` for everybody, null for nobody.
    pub shared_with: Option<String>,
    /// Whether the caller may change it.
    pub may_change: bool,
    /// Whether all that it names is still there for the caller; another's is
    /// not offered without.
    pub fits: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    pub name: String,
    pub state: ViewState,
    /// A role's id, `*` for everybody; for that it takes the right to design.
    #[serde(default)]
    pub shared_with: Option<String>,
}

/// What is given is changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewChange {
    pub name: Option<String>,
    pub state: Option<ViewState>,
    /// Null shares it with nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub shared_with: Option<Option<String>>,
}

fn given<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ViewMade {
    pub id: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsualView {
    /// Null: the plain list.
    pub view: Option<i64>,
}

/// The caller's own of an object, and those that were shared with him.
pub async fn list(app: &App, caller: &Caller, object: &str) -> Result<ViewList> {
    readable(app, caller, object)?;
    let user = user(caller)?;
    let role = caller.role().unwrap_or_default();
    let found = app.store.views(object, user, role, MAX_SHOWN).await?;
    let mut views = Vec::new();
    let mut names = BTreeMap::new();
    for view in found {
        let state = state_of(&view)?;
        let fits = may_ask(app, caller, object, &state).is_ok();
        let is_own = view.user == user;
        if !fits && !is_own {
            continue;
        }
        let owner = match names.get(&view.user) {
            Some(name) => String::clone(name),
            None => name_of(app, view.user).await?,
        };
        names.insert(view.user, owner.clone());
        views.push(ViewBody {
            id: view.id,
            is_own,
            owner,
            may_change: may_change(caller, user, &view),
            name: view.values.name,
            state,
            shared_with: view.values.shared_with,
            fits,
        });
    }
    let usual = app.store.usual_view(user, object).await?;
    let usual = usual.filter(|id| views.iter().any(|view| view.id == *id));
    Ok(ViewList { views, usual })
}

pub async fn create(app: &App, caller: &Caller, object: &str, new: NewView) -> Result<ViewMade> {
    readable(app, caller, object)?;
    let user = whole(caller)?;
    let shares = new.shared_with.is_some();
    if shares {
        require_admin(caller, Admin::Design)?;
    }
    let values = checked(app, caller, object, new.name, &new.state, new.shared_with).await?;
    if app.store.n_views(user).await? >= MAX_VIEWS {
        return Err(Error::State {
            code: "too_many_views",
            zh: format!("每个人最多只能有 {MAX_VIEWS} 个视图"),
            en: format!("nobody has more than {MAX_VIEWS} views"),
        });
    }
    let by = by(caller);
    let id = app.store.add_view(user, object, &values, by).await?;
    Ok(ViewMade { id })
}

/// One's own; one that others see takes the right to design, whosever it is.
pub async fn change(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    wanted: ViewChange,
) -> Result<()> {
    whole(caller)?;
    let view = known(app, caller, object, id).await?;
    let present = view.values.clone();
    let shared_with = wanted.shared_with.unwrap_or(present.shared_with);
    if view.values.shared_with.is_some() || shared_with.is_some() {
        require_admin(caller, Admin::Design)?;
    }
    let state = match wanted.state {
        Some(state) => state,
        None => state_of(&view)?,
    };
    let name = wanted.name.unwrap_or(present.name);
    let values = checked(app, caller, object, name, &state, shared_with).await?;
    match app.store.change_view(&view, &values, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("view", id)),
    }
}

pub async fn delete(app: &App, caller: &Caller, object: &str, id: i64) -> Result<()> {
    let view = known(app, caller, object, id).await?;
    // One's own goes whoever sees it: what nobody may keep shared is no danger.
    if view.user != whole(caller)? {
        require_admin(caller, Admin::Design)?;
    }
    match app.store.delete_view(&view, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("view", id)),
    }
}

/// With which view the caller's list of an object begins.
pub async fn set_usual(app: &App, caller: &Caller, object: &str, wanted: &UsualView) -> Result<()> {
    readable(app, caller, object)?;
    if let Some(id) = wanted.view {
        known(app, caller, object, id).await?;
    }
    let user = whole(caller)?;
    Ok(app.store.set_usual_view(user, object, wanted.view).await?)
}

/// A view that the caller is offered; what others keep for themselves is not
/// there.
async fn known(app: &App, caller: &Caller, object: &str, id: i64) -> Result<View> {
    readable(app, caller, object)?;
    let user = user(caller)?;
    let view = app.store.view(id).await?.filter(|view| {
        let shared = view.values.shared_with.as_deref();
        let is_shared = shared.is_some_and(|s| s == EVERYBODY || caller.role() == Some(s));
        // Whoever may share looks after all that is shared.
        let looks_after = shared.is_some() && require_admin(caller, Admin::Design).is_ok();
        view.object == object && (view.user == user || is_shared || looks_after)
    });
    let view = view.ok_or_else(|| Error::not_found("view", id))?;
    if view.user != user && may_ask(app, caller, object, &state_of(&view)?).is_err() {
        return Err(Error::not_found("view", id));
    }
    Ok(view)
}

fn may_change(caller: &Caller, user: i64, view: &View) -> bool {
    match view.values.shared_with {
        Some(_) => require_admin(caller, Admin::Design).is_ok(),
        None => view.user == user,
    }
}

async fn checked(
    app: &App,
    caller: &Caller,
    object: &str,
    name: String,
    state: &ViewState,
    shared_with: Option<String>,
) -> Result<ViewValues> {
    let name = name.trim().to_owned();
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        let zh = format!("要有 1 到 {MAX_NAME} 个字符");
        let en = format!("it must have 1 to {MAX_NAME} characters");
        return Err(FieldFault::new("name", "value", zh, en).into());
    }
    for (name, text) in state.texts() {
        if text.is_some_and(|text| text.chars().count() > MAX_TEXT) {
            let zh = format!("最多 {MAX_TEXT} 个字符");
            let en = format!("it has more than {MAX_TEXT} characters");
            return Err(FieldFault::new(name, "too_long", zh, en).into());
        }
    }
    may_ask(app, caller, object, state)?;
    if let Some(role) = shared_with.as_deref().filter(|s| *s != EVERYBODY) {
        let known = identity::role(app, role).await;
        known.map_err(|problem| FieldFault::of("shared_with", &problem))?;
    }
    let state =
        serde_json::to_string(state).map_err(|problem| Error::Internal(problem.to_string()))?;
    Ok(ViewValues {
        name,
        state,
        shared_with,
    })
}

fn may_ask(app: &App, caller: &Caller, object: &str, state: &ViewState) -> Result<()> {
    let filter = state.filter.as_deref();
    let sorts = [&state.sort, &state.by, &state.sum];
    let sorts: Vec<&str> = sorts.into_iter().flatten().map(String::as_str).collect();
    let columns = state.columns.as_deref();
    records::may_ask(app, caller, object, filter, &sorts, columns)
}

fn readable(app: &App, caller: &Caller, object: &str) -> Result<()> {
    if !app.catalog.objects.contains_key(object) {
        return Err(Error::not_found("object", object));
    }
    require(caller, object, Action::Read)
}

fn user(caller: &Caller) -> Result<i64> {
    caller.user().ok_or_else(|| Error::Forbidden {
        zh: "视图属于用户，命令行不是用户".to_owned(),
        en: "a view belongs to a user, and the command line is none".to_owned(),
    })
}

/// A token that does less than its user changes nothing of his page.
fn whole(caller: &Caller) -> Result<i64> {
    match caller.is_limited {
        false => user(caller),
        true => Err(Error::Forbidden {
            zh: "有范围限制的令牌不能改视图".to_owned(),
            en: "a token with scopes does not change views".to_owned(),
        }),
    }
}

fn state_of(view: &View) -> Result<ViewState> {
    serde_json::from_str(&view.values.state)
        .map_err(|problem| Error::Internal(format!("view {}: {problem}", view.id)))
}

async fn name_of(app: &App, user: i64) -> Result<String> {
    let user = app.store.get("user", user, &Access::all()).await?;
    Ok(match user.as_ref().map(|user| user.value("name")) {
        Some(Value::Text(name)) => name.clone(),
        _ => String::new(),
    })
}

fn by(caller: &Caller) -> By<'_> {
    By {
        actor: &caller.actor,
        channel: caller.channel.id(),
        address: caller.address.as_deref(),
    }
}

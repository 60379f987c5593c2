//! Whether a form can be answered: what it asks and gives has to be there, its
//! owner has to be allowed to write it, and nothing may be missing. Definitions
//! and rights change, so this is asked again with every look.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keji_schema::Type;
use keji_schema::definition::{FieldDef, ObjectDef};
use keji_store::Form;

use super::{FormDraft, FormState};
use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::identity;
use crate::permission::{Action, Caller, access, may, may_write};
use crate::records;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// What definitions and rights say.
    Plain,
    /// Also where fixed links lead.
    Whole,
}

pub(super) async fn state(
    app: &App,
    form: &Form,
    draft: &FormDraft,
    look: Look,
) -> Result<(FormState, Vec<FieldFault>)> {
    if !form.values.is_active {
        return Ok((FormState::Off, Vec::new()));
    }
    let owner = identity::caller_of_user(app, form.values.user).await?;
    let faults = faults(app, owner.as_ref(), draft, look).await?;
    let today = app.catalog.calendar.day_of(Timestamp::now());
    let is_full = form.values.max_answers.is_some_and(|n| form.n_answers >= n);
    let state = match draft.ends_on {
        _ if !faults.is_empty() => FormState::Broken,
        Some(last) if today > last => FormState::Ended,
        _ if is_full => FormState::Full,
        _ => FormState::Open,
    };
    Ok((state, faults))
}

/// By the field that it is about; of the form as a whole by `object`.
pub(super) async fn faults(
    app: &App,
    owner: Option<&Caller>,
    draft: &FormDraft,
    look: Look,
) -> Result<Vec<FieldFault>> {
    let whole = |code, zh: &str, en: &str| Ok(vec![FieldFault::new("object", code, zh, en)]);
    let Some(owner) = owner else {
        let (zh, en) = ("保存它的用户已停用", "the user who saved it is not active");
        return whole("no_owner", zh, en);
    };
    let Some(def) = app.catalog.objects.get(&draft.object) else {
        let (zh, en) = ("没有这种对象了", "there is no such object");
        return whole("unknown", zh, en);
    };
    if !records::is_writable(def) {
        let (zh, en) = ("它的记录由程序自己写入", "the product itself writes it");
        return whole("read_only", zh, en);
    }
    if !may(owner, &def.id, Action::Create) {
        let (zh, en) = (
            "保存它的用户不能新建这种记录",
            "the user who saved it may not create such records",
        );
        return whole("forbidden", zh, en);
    }
    let mut faults = Vec::new();
    let mut named = BTreeSet::new();
    let asked = draft.fields.iter().map(|f| (f.field.as_str(), true));
    let fixed = draft.fixed.keys().map(|f| (f.as_str(), false));
    for (name, is_asked) in asked.chain(fixed) {
        if let Some((code, zh, en)) = wrong(owner, def, name, is_asked) {
            faults.push(FieldFault::new(name, code, zh, en));
        } else if !named.insert(name) {
            let (zh, en) = ("写了两次", "it stands there twice");
            faults.push(FieldFault::new(name, "twice", zh, en));
        }
    }
    for field in records::needed(def).filter(|f| !named.contains(f.id.as_str())) {
        if !faults.iter().any(|fault| fault.field == field.id) {
            let zh = format!("{}必须填写，所以要问，或给固定值", field.name.zh);
            let en = "a record needs it, so it is asked or has a fixed value";
            faults.push(FieldFault::new(&field.id, "required", zh, en));
        }
    }
    if look == Look::Whole && faults.is_empty() {
        faults = records::trial(app, owner, def, &draft.fixed).await?;
    }
    Ok(faults)
}

type Wrong = (&'static str, &'static str, &'static str);

fn wrong(owner: &Caller, def: &ObjectDef, name: &str, is_asked: bool) -> Option<Wrong> {
    let is_seen = !access(owner, &def.id).hides(&def.id, name);
    let field: Option<&FieldDef> = def.field(name).filter(|_| is_seen);
    let Some(field) = field else {
        return Some(("unknown_field", "没有这个字段了", "there is no such field"));
    };
    if !may_write(owner, &def.id, name) {
        return Some((
            "forbidden",
            "保存它的用户不能写这个字段",
            "the user who saved it may not write this field",
        ));
    }
    if field.unique || def.number.as_ref() == Some(&field.id) {
        return Some((
            "unique",
            "它的值不能重复：外人会由此得知哪些值已经有了",
            "its value is one's own: strangers would learn which ones are taken",
        ));
    }
    if is_asked && field.kind == Type::Link {
        return Some((
            "link",
            "关联只能给固定值：外人看不到任何记录",
            "a link only has a fixed value: strangers see no records",
        ));
    }
    None
}

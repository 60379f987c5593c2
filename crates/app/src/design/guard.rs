//! What the records that are there forbid of a change that the catalog allows.

use std::collections::BTreeSet;

use keji_schema::Catalog;
use keji_schema::definition::{FieldDef, ObjectDef};

use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::identity::people::stored_roles;

/// Every fault at once; nothing was changed.
pub(super) async fn check(app: &App, new: &Catalog) -> Result<()> {
    let mut faults = Vec::new();
    let stored = stored_roles(app).await?;
    for (id, def) in &new.objects {
        let old = app.catalog.objects.get(id);
        for (at, field) in own_fields(def) {
            let place = format!("{id}.fields[{at}]");
            let before = old.and_then(|old| old.field(&field.id));
            check_field(app, def, field, before, &place, &mut faults).await?;
        }
        if let Some(old) = old {
            check_words(app, old, def, &mut faults).await?;
        }
        let is_role = |role: &str| {
            new.roles.contains_key(role) || stored.iter().any(|known| known.id == role)
        };
        check_layouts(old, def, is_role, &mut faults);
    }
    // A role that names what is no more would let nobody in.
    for role in &stored {
        if let Err(problem) = new.check_role(role) {
            let problem = problem.into();
            let fault = FieldFault::of(&format!("roles.{}", role.id), &problem);
            faults.push(fault);
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.into()),
    }
}

/// As a draft has them: without running numbers, and of an object of the
/// product the added ones.
fn own_fields(def: &ObjectDef) -> impl Iterator<Item = (usize, &FieldDef)> {
    let fields = def.fields.iter().filter(|f| f.is_own);
    let number = def.number.clone();
    let fields = fields.filter(move |f| number.as_ref() != Some(&f.id));
    fields.enumerate()
}

async fn check_field(
    app: &App,
    def: &ObjectDef,
    field: &FieldDef,
    before: Option<&FieldDef>,
    place: &str,
    faults: &mut Vec<FieldFault>,
) -> Result<()> {
    let stored = app.store.stored_kind(&def.id, &field.id);
    if let Some(stored) = stored.filter(|stored| !stored.is_stored_as(field.kind)) {
        let (zh, en) = match before {
            Some(_) => (
                "已有的字段不能换类型：请新建一个字段".to_owned(),
                format!(
                    "it is stored as {}, and the type of a field stays: make another field",
                    stored.name()
                ),
            ),
            None => (
                format!(
                    "回收站里有同名但类型不同的字段 `{}`：请先恢复或彻底删除它，或换个名称",
                    field.id
                ),
                format!(
                    "the trash has a field `{}` of another type: restore it or delete it for good, \
                     or use another name",
                    field.id
                ),
            ),
        };
        faults.push(FieldFault::new(format!("{place}.type"), "type", zh, en));
        return Ok(());
    }
    if before.is_some_and(|before| before.to != field.to) {
        faults.push(FieldFault::new(
            format!("{place}.to"),
            "type",
            "已有的关联不能改指别的对象：请新建一个字段",
            "what a link leads to stays: make another field",
        ));
    }
    let is_new = before.is_some_and(|before| !before.unique);
    if field.unique && is_new && app.store.has_repeats(&def.id, &field.id).await? {
        faults.push(FieldFault::new(
            format!("{place}.unique"),
            "duplicate",
            "已有记录里有相同的值，不能设为唯一：请先改掉重复的值",
            "records have the same value there, so it cannot be unique: change those first",
        ));
    }
    Ok(())
}

/// A word of a choice goes only when no record has it.
async fn check_words(
    app: &App,
    old: &ObjectDef,
    new: &ObjectDef,
    faults: &mut Vec<FieldFault>,
) -> Result<()> {
    for before in old.fields.iter().filter(|f| !f.options.is_empty()) {
        let Some(after) = new.field(&before.id) else {
            continue;
        };
        let there: BTreeSet<&str> = after.options.iter().map(|o| o.value.as_str()).collect();
        for option in &before.options {
            if there.contains(option.value.as_str()) {
                continue;
            }
            let n = app.store.count_option(&old.id, &before.id, &option.value);
            let n = n.await?;
            if n == 0 {
                continue;
            }
            let place = match own_fields(new).find(|(_, f)| f.id == before.id) {
                Some((at, _)) => format!("{}.fields[{at}].options", new.id),
                None => format!("{}.options", new.id),
            };
            let zh = format!(
                "选项“{}”还有 {n} 条{}在用：请先把它们改成别的选项",
                option.zh, old.name.zh
            );
            let (records, have, them) = match n {
                1 => ("1 record".to_owned(), "has", "it"),
                n => (format!("{n} records"), "have", "them"),
            };
            let en = format!(
                "{records} of {} {have} the option “{}”: give {them} another one first",
                old.name.en, option.en
            );
            faults.push(FieldFault::new(place, "in_use", zh, en));
        }
    }
    Ok(())
}

/// A layout for nobody is a mistyped one. A role that went since the layout was
/// made stays named there: other changes must not fail by it.
fn check_layouts(
    old: Option<&ObjectDef>,
    new: &ObjectDef,
    is_role: impl Fn(&str) -> bool,
    faults: &mut Vec<FieldFault>,
) {
    let named_before: BTreeSet<&str> = (old.iter())
        .flat_map(|old| &old.layouts)
        .flat_map(|layout| layout.roles.iter().map(String::as_str))
        .collect();
    for (at, layout) in new.layouts.iter().enumerate() {
        for role in &layout.roles {
            if named_before.contains(role.as_str()) || is_role(role) {
                continue;
            }
            faults.push(FieldFault::new(
                format!("{}.layouts[{at}].roles", new.id),
                "unknown_role",
                format!("没有角色“{role}”：请先建这个角色，或从布局里去掉它"),
                format!("there is no role `{role}`: make it first, or take it out of the layout"),
            ));
        }
    }
}

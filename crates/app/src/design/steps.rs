//! What lies between two catalogs, in words that somebody can agree to.

use std::collections::BTreeSet;

use keji_schema::Catalog;
use keji_schema::definition::{DerivedDef, FieldDef, ObjectDef};
use serde::Serialize;
use utoipa::ToSchema;

use super::draft::TextDraft;
use crate::context::App;
use crate::error::Result;

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// `add_object`, `restore_object`, `remove_object`, `change_object`,
    /// `add_field`, `restore_field`, `remove_field`, `change_field`,
    /// `remove_derived`, `change_layout`, `add_option`, `remove_option`, `add_rule`, `remove_rule`, `add_file`,
    /// `change_file`, `remove_file`.
    pub kind: &'static str,
    /// Of what.
    pub object: Option<String>,
    pub field: Option<String>,
    /// What it is called, or of a file its path.
    pub name: TextDraft,
    /// Of what is removed: how many records are, or have a value there. They
    /// stay in the trash for 30 days. Of what comes back, the same.
    pub n_records: Option<i64>,
}

pub(super) async fn between(app: &App, new: &Catalog) -> Result<Vec<Step>> {
    let old = &app.catalog;
    let trash: BTreeSet<(String, Option<String>)> = (app.store.trashed().await?)
        .into_iter()
        .map(|t| (t.object, t.field))
        .collect();
    let mut steps = Vec::new();
    for (id, def) in &new.objects {
        match old.objects.get(id) {
            None => {
                let is_back = trash.contains(&(id.clone(), None));
                let mut step = of_object("add_object", def);
                if is_back {
                    step.kind = "restore_object";
                    step.n_records = Some(app.store.count_filled(id, None).await?);
                }
                steps.push(step);
            }
            Some(before) => fields(app, before, def, &trash, &mut steps).await?,
        }
    }
    for (id, def) in &old.objects {
        if !new.objects.contains_key(id) {
            let mut step = of_object("remove_object", def);
            step.n_records = Some(app.store.count_filled(id, None).await?);
            steps.push(step);
        }
    }
    let is_plain =
        |path: &&String| !path.starts_with("objects/") && !path.starts_with("additions/");
    let file = |kind, path: &str| Step {
        kind,
        object: None,
        field: None,
        name: TextDraft {
            zh: path.to_owned(),
            en: path.to_owned(),
        },
        n_records: None,
    };
    for path in new.designed.keys().filter(is_plain) {
        match old.designed.get(path) {
            None => steps.push(file("add_file", path)),
            Some(text) if *text != new.designed[path] => steps.push(file("change_file", path)),
            Some(_) => {}
        }
    }
    for path in old.designed.keys().filter(is_plain) {
        if !new.designed.contains_key(path) {
            steps.push(file("remove_file", path));
        }
    }
    Ok(steps)
}

fn of_object(kind: &'static str, def: &ObjectDef) -> Step {
    Step {
        kind,
        object: Some(def.id.clone()),
        field: None,
        name: (&def.name).into(),
        n_records: None,
    }
}

fn of_field(kind: &'static str, def: &ObjectDef, field: &FieldDef) -> Step {
    Step {
        field: Some(field.id.clone()),
        name: (&field.name).into(),
        ..of_object(kind, def)
    }
}

fn of_derived(kind: &'static str, def: &ObjectDef, derived: &DerivedDef) -> Step {
    Step {
        field: Some(derived.id.clone()),
        name: (&derived.name).into(),
        ..of_object(kind, def)
    }
}

async fn fields(
    app: &App,
    old: &ObjectDef,
    new: &ObjectDef,
    trash: &BTreeSet<(String, Option<String>)>,
    steps: &mut Vec<Step>,
) -> Result<()> {
    let same = (&old.name, &old.about, &old.title, &old.copy, &old.number)
        == (&new.name, &new.about, &new.title, &new.copy, &new.number);
    if !same {
        steps.push(of_object("change_object", new));
    }
    for field in &new.fields {
        let Some(before) = old.field(&field.id) else {
            let place = (new.id.clone(), Some(field.id.clone()));
            let mut step = of_field("add_field", new, field);
            if trash.contains(&place) {
                step.kind = "restore_field";
                let n = app.store.count_filled(&new.id, Some(&field.id)).await?;
                step.n_records = Some(n);
            }
            steps.push(step);
            continue;
        };
        let words = |field: &FieldDef| -> BTreeSet<String> {
            field.options.iter().map(|o| o.value.clone()).collect()
        };
        let (had, has) = (words(before), words(field));
        for option in field.options.iter().filter(|o| !had.contains(&o.value)) {
            let mut step = of_field("add_option", new, field);
            step.name = TextDraft {
                zh: format!("{}：{}", field.name.zh, option.zh),
                en: format!("{}: {}", field.name.en, option.en),
            };
            steps.push(step);
        }
        for option in before.options.iter().filter(|o| !has.contains(&o.value)) {
            let mut step = of_field("remove_option", new, field);
            step.name = TextDraft {
                zh: format!("{}：{}", field.name.zh, option.zh),
                en: format!("{}: {}", field.name.en, option.en),
            };
            steps.push(step);
        }
        let alone = |field: &FieldDef| FieldDef {
            options: Vec::new(),
            ..field.clone()
        };
        let are_words_same = had != has || before.options == field.options;
        if alone(before) != alone(field) || !are_words_same {
            steps.push(of_field("change_field", new, field));
        }
    }
    for field in old.fields.iter().filter(|f| new.field(&f.id).is_none()) {
        let mut step = of_field("remove_field", old, field);
        let n = app.store.count_filled(&old.id, Some(&field.id)).await?;
        step.n_records = Some(n);
        steps.push(step);
    }
    for derived in &new.derived {
        let kind = match old.derived(&derived.id) {
            None => "add_field",
            Some(before) if before != derived => "change_field",
            Some(_) => continue,
        };
        steps.push(of_derived(kind, new, derived));
    }
    for derived in &old.derived {
        if new.derived(&derived.id).is_none() {
            // Nothing of it is kept, so nothing is lost.
            steps.push(of_derived("remove_derived", old, derived));
        }
    }
    if old.layouts != new.layouts {
        steps.push(of_object("change_layout", new));
    }
    for (kind, rules, others) in [
        ("add_rule", &new.rules, &old.rules),
        ("remove_rule", &old.rules, &new.rules),
    ] {
        for rule in rules.iter().filter(|rule| !others.contains(rule)) {
            let mut step = of_object(kind, new);
            step.field = Some(rule.field.clone());
            step.name = (&rule.message).into();
            steps.push(step);
        }
    }
    Ok(())
}

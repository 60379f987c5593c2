//! An object as a form shows it, to a definition file and back. What a form
//! does not show, such as headings or the words of a mask, stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::definition::{
    AddedOption, AdditionDef, CheckDef, CopyDef, DerivedDef, FieldDef, LayoutDef, Mask, ObjectDef,
    OptionDef, Origin, RollupDef, SectionDef, Text2,
};
use keji_schema::{ADDED, Catalog, Type};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ObjectEdit, ObjectKind, kind_of};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::spelling;

/// Characters of a name, and of all else that is said of a thing.
const MAX_NAME: usize = 60;
const MAX_TEXT: usize = 500;
const MAX_FIELDS: usize = 300;
const MAX_OPTIONS: usize = 500;
const MAX_LAYOUTS: usize = 20;
const MAX_SECTIONS: usize = 30;
/// Of an id that is made from a name.
const MAX_ID: usize = 30;
/// The field of running numbers.
const NUMBER: &str = "number";

/// A text in both languages; without English the Chinese stands for both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextDraft {
    #[serde(default)]
    pub zh: String,
    #[serde(default)]
    pub en: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectDraft {
    pub name: TextDraft,
    pub about: TextDraft,
    /// Whether each record gets a running number by which files know it.
    pub is_numbered: bool,
    /// The date by which its numbers are counted; null: it is not analysed.
    pub measured_by: Option<String>,
    /// Of an object of the product those that were added.
    pub fields: Vec<FieldDraft>,
    /// Words added to choices of an object of the product.
    pub options: Vec<AddedOption>,
    pub rules: Vec<RuleDraft>,
    /// What is worked out whenever it is read.
    pub derived: Vec<DerivedDraft>,
    /// How the fields stand on pages and forms.
    pub layouts: Vec<LayoutDraft>,
}

/// How the fields stand for some roles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LayoutDraft {
    /// Nobody: for every role that no other layout names.
    pub roles: Vec<String>,
    pub sections: Vec<SectionDraft>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SectionDraft {
    pub name: TextDraft,
    /// Ids, in their order.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// Either a formula or a roll-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DerivedDraft {
    /// Absent: a new one, named after its name.
    #[serde(default)]
    pub id: Option<String>,
    pub name: TextDraft,
    #[serde(default)]
    pub help: TextDraft,
    /// `money`, `count`, `days` or `pct`.
    #[serde(default)]
    pub unit: Option<String>,
    /// Over the record's fields and those behind its links.
    #[serde(default)]
    pub formula: Option<String>,
    #[serde(default)]
    pub rollup: Option<RollupDef>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldDraft {
    /// Absent: a new field, named after its name.
    #[serde(default)]
    pub id: Option<String>,
    /// `text`, `choice`, `int`, `decimal`, `float`, `bool`, `date`, `instant`
    /// or `link`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: Type,
    pub name: TextDraft,
    #[serde(default)]
    pub help: TextDraft,
    /// Of a link: to which object.
    #[serde(default)]
    pub to: Option<String>,
    /// Of a choice.
    #[serde(default)]
    pub options: Vec<OptionDraft>,
    #[serde(default)]
    pub is_required: bool,
    #[serde(default)]
    pub is_unique: bool,
    /// Found by the search.
    #[serde(default)]
    pub is_searched: bool,
    /// Stands for the record where only one word fits.
    #[serde(default)]
    pub is_title: bool,
    /// `money`, `count`, `days` or `pct`.
    #[serde(default)]
    pub unit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionDraft {
    /// What is stored; made from the name where it is absent.
    #[serde(default)]
    pub value: Option<String>,
    pub name: TextDraft,
}

/// What has to hold for every record that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDraft {
    /// A condition over the record's own fields.
    pub check: String,
    pub message: TextDraft,
    pub field: String,
}

impl From<&Text2> for TextDraft {
    fn from(text: &Text2) -> TextDraft {
        TextDraft {
            zh: text.zh.clone(),
            en: text.en.clone(),
        }
    }
}

impl TextDraft {
    pub(super) fn text(&self) -> Text2 {
        let (zh, en) = (self.zh.trim(), self.en.trim());
        let or = |a: &str, b: &str| (if a.is_empty() { b } else { a }).to_owned();
        Text2 {
            zh: or(zh, en),
            en: or(en, zh),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.zh.trim().is_empty() && self.en.trim().is_empty()
    }

    fn length(&self) -> usize {
        self.zh.chars().count().max(self.en.chars().count())
    }
}

/// What may be changed of an object, and the fields that the product gives.
pub(super) fn of(
    catalog: &Catalog,
    def: &ObjectDef,
    kind: ObjectKind,
) -> (ObjectDraft, Vec<FieldDraft>) {
    let is_product = !matches!(kind, ObjectKind::Own | ObjectKind::File);
    let is_given = |field: &&FieldDef| is_product && !field.is_own;
    let shown = |field: &&FieldDef| Origin::of(&field.id).is_none();
    let is_counted = def.number.as_deref() == Some(NUMBER);
    let addition = addition(catalog, &def.id);
    let fields = def.fields.iter().filter(shown);
    let draft = ObjectDraft {
        name: (&def.name).into(),
        about: (&def.about).into(),
        is_numbered: is_counted,
        measured_by: def.copy.as_ref().and_then(|copy| copy.time.clone()),
        fields: fields
            .clone()
            .filter(|f| !(is_given(f) || is_counted && f.id == NUMBER))
            .map(|f| field_draft(def, f))
            .collect(),
        options: addition.options,
        rules: (if is_product {
            &addition.rules
        } else {
            &def.rules
        })
        .iter()
        .map(|rule| RuleDraft {
            check: rule.check.clone(),
            message: (&rule.message).into(),
            field: rule.field.clone(),
        })
        .collect(),
        derived: (if is_product {
            &addition.derived
        } else {
            &def.derived
        })
        .iter()
        .map(|derived| DerivedDraft {
            id: Some(derived.id.clone()),
            name: (&derived.name).into(),
            help: derived
                .help
                .as_ref()
                .map(TextDraft::from)
                .unwrap_or_default(),
            unit: derived.unit.clone(),
            formula: derived.formula.clone(),
            rollup: derived.rollup.clone(),
        })
        .collect(),
        layouts: (if is_product {
            &addition.layouts
        } else {
            &def.layouts
        })
        .iter()
        .map(|layout| LayoutDraft {
            roles: layout.roles.clone(),
            sections: (layout.sections.iter())
                .map(|section| SectionDraft {
                    name: (&section.name).into(),
                    fields: section.fields.clone(),
                })
                .collect(),
        })
        .collect(),
    };
    let given = fields.filter(is_given).map(|f| field_draft(def, f));
    (draft, given.collect())
}

fn field_draft(def: &ObjectDef, field: &FieldDef) -> FieldDraft {
    FieldDraft {
        id: Some(field.id.clone()),
        kind: field.kind,
        name: (&field.name).into(),
        help: field.help.as_ref().map(TextDraft::from).unwrap_or_default(),
        to: field.to.clone(),
        options: field
            .options
            .iter()
            .map(|option| OptionDraft {
                value: Some(option.value.clone()),
                name: TextDraft {
                    zh: option.zh.clone(),
                    en: option.en.clone(),
                },
            })
            .collect(),
        is_required: field.required,
        is_unique: field.unique,
        is_searched: field.search,
        is_title: def.title.as_ref() == Some(&field.id),
        unit: field.unit.clone(),
    }
}

/// What was added in the page to an object of the product.
pub(super) fn addition(catalog: &Catalog, object: &str) -> AdditionDef {
    let text = catalog.designed.get(&addition_path(object));
    text.and_then(|text| toml::from_str(text).ok())
        .unwrap_or_default()
}

pub(super) fn addition_path(object: &str) -> String {
    format!("additions/{object}.toml")
}

pub(super) fn object_path(object: &str) -> String {
    format!("objects/{object}.toml")
}

/// The file that an edit makes, or removes, and the object's id. `files` are
/// those that stand beside it.
pub(super) fn file(
    app: &App,
    files: &BTreeMap<String, String>,
    edit: &ObjectEdit,
    at: usize,
) -> Result<(String, Option<String>, String)> {
    let catalog = &app.catalog;
    let wrong = |zh: &str, en: &str| -> Error {
        FieldFault::new(format!("objects[{at}].id"), "value", zh, en).into()
    };
    let kind = edit.id.as_deref().map(|id| kind_of(catalog, id));
    let known = |id: &str| {
        let path = object_path(id);
        catalog.objects.contains_key(id) || files.contains_key(&path)
    };
    if edit.id.as_deref().is_some_and(|id| !known(id)) {
        return Err(wrong("没有这个对象", "there is no such object"));
    }
    match (kind, &edit.id) {
        (Some(ObjectKind::File), _) => {
            return Err(wrong(
                "它由数据文件夹里的文件定义：请改那个文件",
                "a file of the data folder defines it: change that file",
            ));
        }
        (Some(ObjectKind::Module), _) => {
            return Err(wrong(
                "它由程序自己写入，不能改",
                "the product itself writes it, so it cannot be changed",
            ));
        }
        (Some(ObjectKind::Product), Some(id)) if catalog.objects.contains_key(id) => {
            let path = addition_path(id);
            let text = match &edit.draft {
                Some(draft) => Some(text_of(&added(catalog, id, draft, at)?)?),
                None => None,
            };
            // Nothing is left of an addition without anything.
            let text = text.filter(|text| !text.trim().is_empty());
            return Ok((path, text, id.clone()));
        }
        _ => {}
    }
    let Some(draft) = &edit.draft else {
        let id = edit.id.clone().unwrap_or_default();
        return Ok((object_path(&id), None, id));
    };
    let id = match &edit.id {
        Some(id) => id.clone(),
        None => id_of(&draft.name, "", |id| {
            catalog.objects.contains_key(id) || files.contains_key(&object_path(id))
        }),
    };
    let old = catalog.objects.get(&id).filter(|def| def.is_own);
    let def = whole(old, &id, draft, at)?;
    Ok((object_path(&id), Some(text_of(&def)?), id))
}

pub(crate) fn text_of(definition: &impl Serialize) -> Result<String> {
    toml::to_string(definition).map_err(|e| Error::Internal(e.to_string()))
}

/// The object of a file that was made here.
pub(super) fn read(id: &str, text: &str) -> Result<ObjectDef> {
    let def: ObjectDef = toml::from_str(text).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(ObjectDef {
        id: id.to_owned(),
        ..def
    })
}

/// An object of one's own.
fn whole(old: Option<&ObjectDef>, id: &str, draft: &ObjectDraft, at: usize) -> Result<ObjectDef> {
    let mut faults = Vec::new();
    let place = format!("objects[{at}]");
    named(&mut faults, &format!("{place}.name"), &draft.name);
    let about = match draft.about.is_empty() {
        true => &draft.name,
        false => &draft.about,
    };
    short(&mut faults, &format!("{place}.about"), &draft.about);
    if draft.fields.is_empty() {
        let (zh, en) = ("至少要有一个字段", "there must be at least one field");
        faults.push(FieldFault::new(
            format!("{place}.fields"),
            "required",
            zh,
            en,
        ));
    }
    let old_fields: Vec<FieldDef> = old.map(|def| def.fields.clone()).unwrap_or_default();
    let mut fields = fields(&mut faults, &place, "", &old_fields, &[], draft);
    let derived = derived(&mut faults, &place, "", &fields, draft);
    let layouts = layouts(&mut faults, &place, draft);
    let titles = draft.fields.iter().zip(&fields);
    let titles: Vec<String> = titles
        .filter(|(draft, _)| draft.is_title)
        .map(|(_, field)| field.id.clone())
        .collect();
    if titles.len() > 1 {
        let (zh, en) = ("只能有一个标题字段", "only one field can be the title");
        faults.push(FieldFault::new(format!("{place}.fields"), "value", zh, en));
    }
    // The first text stands for a record where nobody said which.
    let first = fields.iter().find(|f| f.kind == Type::Text);
    let title = (titles.into_iter().next()).or_else(|| first.map(|f| f.id.clone()));
    let mut number = None;
    if draft.is_numbered {
        let there = old_fields.iter().find(|f| f.id == NUMBER).cloned();
        fields.insert(0, there.unwrap_or_else(number_field));
        number = Some(NUMBER.to_owned());
    }
    let time = draft.measured_by.clone().filter(|field| !field.is_empty());
    if let Some(time) = &time
        && !(fields.iter()).any(|f| f.id == *time && f.kind == Type::Date && f.required)
    {
        let zh = "统计用的日期必须是一个必填的日期字段";
        let en = "what is counted by must be a date that is required";
        let place = format!("{place}.measured_by");
        faults.push(FieldFault::new(place, "value", zh, en));
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let copy = time.map(|time| CopyDef {
        time: Some(time),
        include: Vec::new(),
        dimensions: fields
            .iter()
            .filter(|f| matches!(f.kind, Type::Choice | Type::Link | Type::Bool))
            .map(|f| f.id.clone())
            .collect(),
    });
    let kept = |keeps: fn(&ObjectDef) -> Option<CopyDef>| old.and_then(keeps);
    Ok(ObjectDef {
        id: id.to_owned(),
        is_own: true,
        name: draft.name.text(),
        about: about.text(),
        number,
        title,
        written_by: None,
        // Of a small object that is copied whole, a form shows nothing.
        copy: copy.or_else(|| kept(|def| def.copy.clone().filter(|copy| copy.time.is_none()))),
        duplicates: old.and_then(|def| def.duplicates.clone()),
        indexes: old
            .map(|def| def.indexes.clone())
            .unwrap_or_default()
            .into_iter()
            .filter(|index| index.iter().all(|i| fields.iter().any(|f| f.id == *i)))
            .collect(),
        has_origin: old.is_none_or(|def| def.has_origin),
        fields,
        rules: rules(draft),
        derived,
        layouts,
    })
}

/// What is added to an object of the product.
fn added(catalog: &Catalog, id: &str, draft: &ObjectDraft, at: usize) -> Result<AdditionDef> {
    let mut faults = Vec::new();
    let place = format!("objects[{at}]");
    let old = addition(catalog, id);
    let def = &catalog.objects[id];
    let given: Vec<String> = (def.fields.iter().filter(|f| !f.is_own))
        .map(|f| f.id.clone())
        .collect();
    let fields = fields(&mut faults, &place, ADDED, &old.fields, &given, draft);
    let all: Vec<FieldDef> = def.fields.iter().chain(&fields).cloned().collect();
    let derived = derived(&mut faults, &place, ADDED, &all, draft);
    let layouts = layouts(&mut faults, &place, draft);
    for (i, option) in draft.options.iter().enumerate() {
        let name = TextDraft {
            zh: option.zh.clone(),
            en: option.en.clone(),
        };
        named(&mut faults, &format!("{place}.options[{i}]"), &name);
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let options = draft.options.iter().map(|option| {
        let name = TextDraft {
            zh: option.zh.clone(),
            en: option.en.clone(),
        };
        let text = name.text();
        let value = match option.value.trim() {
            "" => id_of(&name, "", |id| taken.contains(id)),
            value => value.to_owned(),
        };
        taken.insert(value.clone());
        AddedOption {
            field: option.field.clone(),
            value,
            zh: text.zh,
            en: text.en,
        }
    });
    Ok(AdditionDef {
        options: options.collect(),
        fields,
        rules: rules(draft),
        derived,
        layouts,
    })
}

fn derived(
    faults: &mut Vec<FieldFault>,
    place: &str,
    prefix: &str,
    fields: &[FieldDef],
    draft: &ObjectDraft,
) -> Vec<DerivedDef> {
    if draft.derived.len() > MAX_FIELDS {
        let zh = format!("最多 {MAX_FIELDS} 个字段");
        let en = format!("there are more than {MAX_FIELDS} fields");
        faults.push(FieldFault::new(
            format!("{place}.derived"),
            "too_long",
            zh,
            en,
        ));
        return Vec::new();
    }
    let mut taken: BTreeSet<String> = fields.iter().map(|f| f.id.clone()).collect();
    taken.extend(draft.derived.iter().filter_map(|d| d.id.clone()));
    taken.extend(Origin::ALL.map(|origin| origin.id().to_owned()));
    taken.extend([NUMBER, "id", "batch"].map(str::to_owned));
    let mut made = Vec::new();
    for (i, one) in draft.derived.iter().enumerate() {
        let place = format!("{place}.derived[{i}]");
        named(faults, &format!("{place}.name"), &one.name);
        short(faults, &format!("{place}.help"), &one.help);
        let id = match &one.id {
            Some(id) => id.clone(),
            None => id_of(&one.name, prefix, |id| taken.contains(id)),
        };
        taken.insert(id.clone());
        let said = |text: &Option<String>| {
            let text = text
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        made.push(DerivedDef {
            id,
            kind: Type::Text,
            name: one.name.text(),
            help: (!one.help.is_empty()).then(|| one.help.text()),
            unit: said(&one.unit),
            formula: said(&one.formula),
            rollup: one.rollup.clone().map(|rollup| RollupDef {
                value: said(&rollup.value),
                filter: said(&rollup.filter),
                ..rollup
            }),
        });
    }
    made
}

fn layouts(faults: &mut Vec<FieldFault>, place: &str, draft: &ObjectDraft) -> Vec<LayoutDef> {
    let mut made: Vec<LayoutDef> = Vec::new();
    for (i, layout) in draft.layouts.iter().enumerate() {
        let place = format!("{place}.layouts[{i}]");
        if layout.sections.len() > MAX_SECTIONS || i >= MAX_LAYOUTS {
            let zh = format!("最多 {MAX_LAYOUTS} 个布局，每个最多 {MAX_SECTIONS} 组");
            let en = format!(
                "there are more than {MAX_LAYOUTS} layouts, or {MAX_SECTIONS} sections in one"
            );
            faults.push(FieldFault::new(&place, "too_long", zh, en));
            break;
        }
        let is_taken = |role: &String| made.iter().any(|other| other.roles.contains(role));
        let is_second = layout.roles.is_empty() && made.iter().any(|o| o.roles.is_empty());
        if is_second || layout.roles.iter().any(is_taken) {
            let (zh, en) = ("一个角色只能有一个布局", "a role has one layout only");
            faults.push(FieldFault::new(format!("{place}.roles"), "value", zh, en));
        }
        let mut sections = Vec::new();
        for (j, section) in layout.sections.iter().enumerate() {
            named(
                faults,
                &format!("{place}.sections[{j}].name"),
                &section.name,
            );
            sections.push(SectionDef {
                name: section.name.text(),
                fields: section.fields.clone(),
            });
        }
        made.push(LayoutDef {
            roles: layout.roles.clone(),
            sections,
        });
    }
    made
}

fn rules(draft: &ObjectDraft) -> Vec<CheckDef> {
    let rules = draft.rules.iter();
    rules
        .map(|rule| CheckDef {
            check: rule.check.trim().to_owned(),
            message: rule.message.text(),
            field: rule.field.clone(),
        })
        .collect()
}

/// `given` are ids that are taken by fields which are not in the draft.
fn fields(
    faults: &mut Vec<FieldFault>,
    place: &str,
    prefix: &str,
    old: &[FieldDef],
    given: &[String],
    draft: &ObjectDraft,
) -> Vec<FieldDef> {
    if draft.fields.len() > MAX_FIELDS {
        let zh = format!("最多 {MAX_FIELDS} 个字段");
        let en = format!("there are more than {MAX_FIELDS} fields");
        faults.push(FieldFault::new(
            format!("{place}.fields"),
            "too_long",
            zh,
            en,
        ));
        return Vec::new();
    }
    let mut taken: BTreeSet<String> = given.iter().cloned().collect();
    taken.extend(draft.fields.iter().filter_map(|f| f.id.clone()));
    taken.extend(Origin::ALL.map(|origin| origin.id().to_owned()));
    taken.extend([NUMBER, "id", "batch"].map(str::to_owned));
    let mut made = Vec::new();
    for (i, field) in draft.fields.iter().enumerate() {
        let place = format!("{place}.fields[{i}]");
        named(faults, &format!("{place}.name"), &field.name);
        short(faults, &format!("{place}.help"), &field.help);
        let id = match &field.id {
            Some(id) => id.clone(),
            None => match named_after(field, prefix).filter(|id| !taken.contains(*id)) {
                Some(id) => id.to_owned(),
                None => id_of(&field.name, prefix, |id| taken.contains(id)),
            },
        };
        taken.insert(id.clone());
        let before = old.iter().find(|f| f.id == id);
        made.push(FieldDef {
            options: options(faults, &place, &field.options),
            id,
            is_own: true,
            kind: field.kind,
            name: field.name.text(),
            help: (!field.help.is_empty()).then(|| field.help.text()),
            to: field.to.clone().filter(|to| !to.is_empty()),
            required: field.is_required,
            unique: field.is_unique,
            search: field.is_searched,
            unit: field.unit.clone().filter(|unit| !unit.is_empty()),
            mask: before.map_or(Mask::All, |f| f.mask),
            headings: before.map(|f| f.headings.clone()).unwrap_or_default(),
        });
    }
    made
}

/// The owner and the customer of a record are known by these names, wherever
/// rights follow them.
fn named_after(field: &FieldDraft, prefix: &str) -> Option<&'static str> {
    match (field.to.as_deref(), prefix) {
        (Some("user"), "") => Some("user"),
        (Some("customer"), "") => Some("customer"),
        _ => None,
    }
}

fn options(faults: &mut Vec<FieldFault>, place: &str, drafts: &[OptionDraft]) -> Vec<OptionDef> {
    if drafts.len() > MAX_OPTIONS {
        let zh = format!("最多 {MAX_OPTIONS} 个选项");
        let en = format!("there are more than {MAX_OPTIONS} options");
        faults.push(FieldFault::new(
            format!("{place}.options"),
            "too_long",
            zh,
            en,
        ));
        return Vec::new();
    }
    let mut taken: BTreeSet<String> = drafts.iter().filter_map(|o| o.value.clone()).collect();
    let mut made = Vec::new();
    for (i, option) in drafts.iter().enumerate() {
        named(faults, &format!("{place}.options[{i}]"), &option.name);
        let value = match &option.value {
            Some(value) => value.clone(),
            None => id_of(&option.name, "", |id| taken.contains(id)),
        };
        taken.insert(value.clone());
        let text = option.name.text();
        made.push(OptionDef {
            value,
            zh: text.zh,
            en: text.en,
        });
    }
    made
}

fn number_field() -> FieldDef {
    FieldDef {
        id: NUMBER.to_owned(),
        is_own: true,
        kind: Type::Text,
        name: Text2 {
            zh: "编号".to_owned(),
            en: "Number".to_owned(),
        },
        help: None,
        to: None,
        options: Vec::new(),
        required: true,
        unique: true,
        search: true,
        unit: None,
        mask: Mask::All,
        headings: ["number", "no", "code", "id", "编号", "号码", "单号"]
            .map(str::to_owned)
            .to_vec(),
    }
}

pub(super) fn named(faults: &mut Vec<FieldFault>, place: &str, text: &TextDraft) {
    if text.is_empty() {
        faults.push(FieldFault::new(
            place,
            "required",
            "要有名称",
            "it needs a name",
        ));
    } else if text.length() > MAX_NAME {
        let zh = format!("名称最多 {MAX_NAME} 个字符");
        let en = format!("a name has at most {MAX_NAME} characters");
        faults.push(FieldFault::new(place, "too_long", zh, en));
    }
}

pub(super) fn short(faults: &mut Vec<FieldFault>, place: &str, text: &TextDraft) {
    if text.length() > MAX_TEXT {
        let zh = format!("最多 {MAX_TEXT} 个字符");
        let en = format!("it has more than {MAX_TEXT} characters");
        faults.push(FieldFault::new(place, "too_long", zh, en));
    }
}

/// From the English name where it has letters, else from the Pinyin of the
/// Chinese one; the same again gets a number.
pub(super) fn id_of(name: &TextDraft, prefix: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let text = name.text();
    let mut id = slug(&spelt(&text.en));
    if id.is_empty() {
        id = slug(&spelt(&text.zh));
    }
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        id = format!("f_{id}");
    }
    let id = format!("{prefix}{}", id.trim_end_matches('_'));
    let fits = |id: &str| !is_taken(id) && !keji_schema::expr::WORDS.contains(&id);
    if fits(&id) {
        return id;
    }
    let numbered = (2..).map(|n| format!("{id}_{n}"));
    numbered.into_iter().find(|id| fits(id)).unwrap_or(id)
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        if slug.len() >= MAX_ID {
            break;
        }
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('_') => slug.push('_'),
            _ => {}
        }
    }
    slug.trim_matches('_').to_owned()
}

/// The usual reading of each character, as one word each.
fn spelt(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match spelling::readings(c).first() {
            Some(reading) => {
                out.push_str(reading);
                out.push(' ');
            }
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(zh: &str, en: &str) -> TextDraft {
        TextDraft {
            zh: zh.to_owned(),
            en: en.to_owned(),
        }
    }

    #[test]
    fn ids_come_from_names() {
        let free = |_: &str| false;
        assert_eq!(id_of(&name("项目交付", ""), "", free), "xiang_mu_jiao_fu");
        assert_eq!(
            id_of(&name("预算", "Budget (CNY)"), "x_", free),
            "x_budget_cny"
        );
        assert_eq!(id_of(&name("2026 年", ""), "", free), "f_2026_nian");
        assert_eq!(id_of(&name("🎉", ""), "", free), "f");
        // A word of the language, and one that is taken.
        assert_eq!(id_of(&name("", "Date"), "", free), "date_2");
        assert_eq!(id_of(&name("", "Size"), "", |id| id == "size"), "size_2");
        let long = "很长的名称".repeat(10);
        assert!(id_of(&name(&long, ""), "x_", free).len() <= 40);
    }

    #[test]
    fn a_draft_of_an_object_becomes_a_file_that_holds() {
        let field = |kind, zh: &str| FieldDraft {
            id: None,
            kind,
            name: name(zh, ""),
            help: TextDraft::default(),
            to: None,
            options: Vec::new(),
            is_required: false,
            is_unique: false,
            is_searched: false,
            is_title: false,
            unit: None,
        };
        let mut state = field(Type::Choice, "状态");
        state.options = ["未开始", "进行中", "完成"]
            .map(|zh| OptionDraft {
                value: None,
                name: name(zh, ""),
            })
            .to_vec();
        let mut draft = ObjectDraft {
            name: name("项目交付", "Delivery project"),
            is_numbered: true,
            measured_by: Some("kai_shi_ri_qi".to_owned()),
            fields: vec![
                field(Type::Text, "名称"),
                state,
                field(Type::Date, "开始日期"),
            ],
            rules: vec![RuleDraft {
                check: "kai_shi_ri_qi >= date '2020-01-01'".to_owned(),
                message: name("太早", ""),
                field: "kai_shi_ri_qi".to_owned(),
            }],
            ..ObjectDraft::default()
        };
        let told = whole(None, "delivery_project", &draft, 0).unwrap_err();
        assert!(
            told.to_string().contains("objects[0].measured_by"),
            "{told}"
        );
        draft.fields[2].is_required = true;
        let def = whole(None, "delivery_project", &draft, 0).unwrap();
        assert_eq!(def.title.as_deref(), Some("ming_cheng"));
        let text = text_of(&def).unwrap();
        let files = BTreeMap::from([("objects/delivery_project.toml".to_owned(), text)]);
        let catalog = Catalog::standard_and(BTreeMap::new(), files).unwrap();
        let read = catalog.object("delivery_project").unwrap();
        assert!(read.is_own && read.field("number").unwrap().unique);
        let (again, given) = of(&catalog, read, ObjectKind::Own);
        assert!(given.is_empty());
        assert_eq!(again.fields.len(), 3);
        assert_eq!(again.measured_by, draft.measured_by);
        assert_eq!(again.rules[0].check, draft.rules[0].check);
        // Saved as it was read, it is the same.
        let same = whole(Some(read), "delivery_project", &again, 0).unwrap();
        assert_eq!(
            &text_of(&same).unwrap(),
            &catalog.designed["objects/delivery_project.toml"]
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let draft = ObjectDraft {
            fields: vec![FieldDraft {
                id: None,
                kind: Type::Text,
                name: TextDraft::default(),
                help: name(&"长".repeat(501), ""),
                to: None,
                options: Vec::new(),
                is_required: false,
                is_unique: false,
                is_searched: false,
                is_title: false,
                unit: None,
            }],
            ..ObjectDraft::default()
        };
        let told = whole(None, "x", &draft, 2).unwrap_err().to_string();
        for place in [
            "objects[2].name",
            "objects[2].fields[0].name",
            "objects[2].fields[0].help",
        ] {
            assert!(told.contains(place), "{told}");
        }
    }
}

//! What objects there are, and what the caller may do with each.

use keji_schema::definition::{DerivedDef, FieldDef, ObjectDef, OptionDef, SectionDef, Text2};
use serde::Serialize;
use utoipa::ToSchema;

use super::{is_writable, json, known};
use crate::context::App;
use crate::error::Result;
use crate::permission::{
    Action, Caller, access, comes_by_order_files, masks, may_reveal, may_write, require,
};

#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectList {
    pub objects: Vec<ObjectDoc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectDoc {
    pub id: String,
    pub name: Text2,
    pub about: Text2,
    /// The field by which people know a record.
    pub number: Option<String>,
    /// The field that stands for a record where only one word fits.
    pub title: Option<String>,
    /// Whether records are created, changed and deleted here; others are
    /// written by the product itself.
    pub is_writable: bool,
    /// Whether it says by what its duplicates are known.
    pub has_duplicates: bool,
    /// `read`, `create`, `update`, `delete`, `import`, `export`: what the caller
    /// may do.
    pub actions: Vec<&'static str>,
    pub fields: Vec<FieldDoc>,
    /// How its fields stand on pages and forms for the caller's role; none:
    /// by their kind. Fields that it does not name stand behind.
    pub sections: Vec<SectionDef>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FieldDoc {
    pub id: String,
    /// `text`, `int`, `decimal`, `float`, `bool`, `date`, `instant`, `choice` or
    /// `link`.
    #[serde(rename = "type")]
    pub kind: String,
    pub name: Text2,
    pub help: Option<Text2>,
    pub required: bool,
    /// The caller may see it, not write it.
    pub is_read_only: bool,
    /// Worked out whenever it is read; nobody writes it.
    pub is_computed: bool,
    /// The caller sees it covered, as text, and lists neither filter, sort nor
    /// search by it.
    pub is_masked: bool,
    /// The caller may see one record's value for a reason.
    pub may_reveal: bool,
    pub unique: bool,
    /// Whether `search` looks here.
    pub search: bool,
    /// Of a link: the object it leads to.
    pub to: Option<String>,
    pub options: Vec<OptionDef>,
    pub unit: Option<String>,
}

const ACTIONS: [(&str, Action); 6] = [
    ("read", Action::Read),
    ("create", Action::Create),
    ("update", Action::Update),
    ("delete", Action::Delete),
    ("import", Action::Import),
    ("export", Action::Export),
];

/// Those that the caller may read.
pub fn objects(app: &App, caller: &Caller) -> ObjectList {
    let all = app.catalog.objects.values();
    let seen = all.filter(|def| require(caller, &def.id, Action::Read).is_ok());
    ObjectList {
        objects: seen.map(|def| doc(app, caller, def)).collect(),
    }
}

pub fn object(app: &App, caller: &Caller, id: &str) -> Result<ObjectDoc> {
    Ok(doc(app, caller, known(app, caller, id, Action::Read)?))
}

fn doc(app: &App, caller: &Caller, def: &ObjectDef) -> ObjectDoc {
    let access = access(caller, &def.id);
    let is_writable = is_writable(def);
    let may = |action: Action| {
        let is_read = matches!(action, Action::Read | Action::Export);
        let comes_so = action != Action::Import || !comes_by_order_files(&def.id);
        (is_writable && comes_so || is_read) && require(caller, &def.id, action).is_ok()
    };
    let is_seen = |field: &str| !access.hides(&def.id, field);
    let is_shown = |field: &str| access.shows(&def.id, field);
    ObjectDoc {
        id: def.id.clone(),
        name: def.name.clone(),
        about: def.about.clone(),
        number: def.number.clone().filter(|f| is_seen(f)),
        title: def.title.clone().filter(|f| is_shown(f)),
        is_writable,
        has_duplicates: def.duplicates.is_some(),
        actions: ACTIONS
            .iter()
            .filter(|(_, action)| may(*action))
            .map(|(id, _)| *id)
            .collect(),
        fields: def
            .fields
            .iter()
            .filter(|f| is_shown(&f.id))
            .map(|f| field(caller, def, f))
            .chain(super::derived(app, caller, def).map(computed))
            .collect(),
        sections: sections(app, caller, def),
    }
}

/// What the caller may not see of them is left out.
fn sections(app: &App, caller: &Caller, def: &ObjectDef) -> Vec<SectionDef> {
    let access = access(caller, &def.id);
    let derived: Vec<&str> = super::derived(app, caller, def)
        .map(|d| d.id.as_str())
        .collect();
    let is_there = |id: &String| {
        derived.contains(&id.as_str()) || def.field(id).is_some() && access.shows(&def.id, id)
    };
    let each = def
        .sections(caller.role())
        .iter()
        .map(|section| SectionDef {
            name: section.name.clone(),
            fields: section
                .fields
                .iter()
                .filter(|f| is_there(f))
                .cloned()
                .collect(),
        });
    each.filter(|section| !section.fields.is_empty()).collect()
}

fn computed(derived: &DerivedDef) -> FieldDoc {
    FieldDoc {
        id: derived.id.clone(),
        kind: json(&derived.kind).as_str().unwrap_or_default().to_owned(),
        name: derived.name.clone(),
        help: derived.help.clone(),
        required: false,
        is_read_only: true,
        is_computed: true,
        is_masked: false,
        may_reveal: false,
        unique: false,
        search: false,
        to: None,
        options: Vec::new(),
        unit: derived.unit.clone(),
    }
}

fn field(caller: &Caller, def: &ObjectDef, f: &FieldDef) -> FieldDoc {
    FieldDoc {
        id: f.id.clone(),
        kind: json(&f.kind).as_str().unwrap_or_default().to_owned(),
        name: f.name.clone(),
        help: f.help.clone(),
        required: f.required && !keji_store::comes_by_itself(&def.id, &f.id),
        is_read_only: !may_write(caller, &def.id, &f.id),
        is_computed: false,
        is_masked: masks(caller, &def.id, &f.id),
        may_reveal: may_reveal(caller, &def.id, &f.id),
        unique: f.unique,
        search: f.search && !masks(caller, &def.id, &f.id),
        to: f.to.clone(),
        options: f.options.clone(),
        unit: f.unit.clone(),
    }
}

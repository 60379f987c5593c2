//! Roles: what a kind of person may do with the records of each object, whose
//! records they see, and which fields (`definitions/roles/<id>.toml`).

use serde::{Deserialize, Serialize};

use crate::definition::Text2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDef {
    #[serde(skip_deserializing, default)]
    pub id: String,
    pub name: Text2,
    pub about: Text2,
    /// What is not granted is refused. A grant that names an object takes the
    /// place of those for all objects (`*`).
    #[serde(default, rename = "grant")]
    pub grants: Vec<Grant>,
    /// Fields that are more closely kept than their records.
    #[serde(default, rename = "field")]
    pub fields: Vec<FieldRight>,
    /// What concerns the whole place and no single record.
    #[serde(default)]
    pub admin: Vec<Admin>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Ids of objects, or `*` alone for all that no other grant names.
    pub objects: Vec<String>,
    pub actions: Vec<Action>,
    pub rows: Rows,
}

/// What is done with an object's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    Import,
    Export,
}

impl Action {
    pub const ALL: [Action; 6] = [
        Action::Read,
        Action::Create,
        Action::Update,
        Action::Delete,
        Action::Import,
        Action::Export,
    ];
}

/// Whose records, from few to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// Of the user.
    Own,
    /// Of everybody in the user's departments.
    Team,
    /// Of everybody in them and in the departments below.
    Department,
    All,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRight {
    /// Object and field: `customer.phone`.
    pub field: String,
    #[serde(rename = "as")]
    pub shown: Shown,
    /// Of a masked field: the role may see one record's value for a reason.
    #[serde(default)]
    pub reveal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// As if the field did not exist.
    Hidden,
    /// Its value is covered, see [`crate::definition::Mask`]; nothing finds,
    /// sorts or groups by it.
    Masked,
    /// May be read, not written.
    Read,
    /// As without a right of its own.
    Write,
}

/// What concerns the whole place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admin {
    /// Users, departments, and who is in them.
    Users,
    Roles,
    /// The change log as a whole.
    Audit,
    /// Imports of order files, and taking them back.
    Imports,
    /// Evaluations of all customers.
    Evaluations,
    /// Webhooks, and releasing what a restore has frozen.
    Webhooks,
    /// Taking out, and erasing, all that there is of a person.
    Privacy,
    /// Backups, which hold everything; of use only to who may see and take
    /// out all of it.
    Backups,
    /// Objects and fields, while the program runs.
    Design,
}

impl Admin {
    pub const ALL: [Admin; 9] = [
        Admin::Users,
        Admin::Roles,
        Admin::Audit,
        Admin::Imports,
        Admin::Evaluations,
        Admin::Webhooks,
        Admin::Privacy,
        Admin::Backups,
        Admin::Design,
    ];
}

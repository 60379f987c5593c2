//! What one object is: its fields, its identity and how it is copied for
//! analysis. One TOML file each; the file name is the id.

use serde::{Deserialize, Serialize};

use crate::value::{Type, Value};

/// A text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Text2 {
    pub zh: String,
    pub en: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectDef {
    #[serde(skip, default)]
    pub id: String,
    /// Of this place, not of the product: it may change while the program runs.
    #[serde(skip, default)]
    pub is_own: bool,
    pub name: Text2,
    pub about: Text2,
    /// The field by which people and files know a record; unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The field that stands for the record where only one word fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The module that alone may write it; absent means generic writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<CopyDef>,
    /// By what two records that mean the same are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<DuplicatesDef>,
    /// Indexes beyond those of links and unique fields; each a list of fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<String>>,
    /// Whether its records know when and by whom they were made; see
    /// [`Origin`]. A part of another record is made with that.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub has_origin: bool,
    #[serde(rename = "field")]
    pub fields: Vec<FieldDef>,
    /// What has to hold for every record that is written.
    #[serde(rename = "rule", default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<CheckDef>,
    /// What is not kept but worked out whenever it is read.
    #[serde(rename = "derived", default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<DerivedDef>,
    /// How its fields stand on a page and a form; without one, by their kind.
    #[serde(rename = "layout", default, skip_serializing_if = "Vec::is_empty")]
    pub layouts: Vec<LayoutDef>,
}

/// How the fields stand for some roles. A name that is no field, or not seen by
/// the reader, is passed over; a field that no section names stands behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutDef {
    /// Ids of roles; nobody: for every role that no other layout names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(rename = "section", default)]
    pub sections: Vec<SectionDef>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SectionDef {
    pub name: Text2,
    /// In their order.
    pub fields: Vec<String>,
}

impl ObjectDef {
    /// The sections of a role; none where nobody made any.
    pub fn sections(&self, role: Option<&str>) -> &[SectionDef] {
        let of = |layout: &&LayoutDef| layout.roles.iter().any(|r| Some(r.as_str()) == role);
        let own = self.layouts.iter().find(of);
        let found = own.or_else(|| self.layouts.iter().find(|l| l.roles.is_empty()));
        found.map_or(&[], |layout| &layout.sections)
    }
}

/// A value that is read like a field and that nobody writes: either a formula
/// or a roll-up. What a reader may not see of its parts, he does not see here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedDef {
    pub id: String,
    /// Worked out with the catalog.
    #[serde(skip, default = "Type::any")]
    pub kind: Type,
    pub name: Text2,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Text2>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// An expression over the record's fields and those behind its links
    /// (`customer.city` is a look-up), also over other derived ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollup: Option<RollupDef>,
}

/// One number of the records that link here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollupDef {
    /// The object whose records are gathered.
    pub of: String,
    /// Its link to here.
    pub by: String,
    pub what: Gather,
    /// Of which of its fields; none for the count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Only records for which this holds.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// There is no average: it is a formula over a sum and a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Gather {
    Count,
    Sum,
    Min,
    Max,
}

/// A condition over the fields of one record. It is refused where the
/// condition is false; where a value is missing, nothing is known and nothing
/// refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckDef {
    /// Over the record's own fields: `ends_on >= starts_on`.
    pub check: String,
    /// What somebody is told who wrote it otherwise.
    pub message: Text2,
    /// Beside which field it is told.
    pub field: String,
}

/// What a place adds to an object of the product: `additions/<object>.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct AdditionDef {
    #[serde(rename = "option", skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<AddedOption>,
    #[serde(rename = "field", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDef>,
    #[serde(rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<CheckDef>,
    #[serde(rename = "derived", skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<DerivedDef>,
    #[serde(rename = "layout", skip_serializing_if = "Vec::is_empty")]
    pub layouts: Vec<LayoutDef>,
}

/// A word more of a choice of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedOption {
    pub field: String,
    pub value: String,
    pub zh: String,
    pub en: String,
}

fn yes() -> bool {
    true
}

fn is_yes(flag: &bool) -> bool {
    *flag
}

fn is_no(flag: &bool) -> bool {
    !*flag
}

/// Fields that every object gets beside those of its file, unless a module
/// writes it: when and by whom a record was made, here or in the system that
/// it was brought from. They are set when it is made and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    At,
    By,
}

impl Origin {
    pub const ALL: [Origin; 2] = [Origin::At, Origin::By];

    pub const fn id(self) -> &'static str {
        match self {
            Origin::At => "created_at",
            Origin::By => "created_by",
        }
    }

    /// Of a field by its name, which no definition file may use.
    pub fn of(field: &str) -> Option<Origin> {
        Origin::ALL.into_iter().find(|origin| origin.id() == field)
    }

    pub(crate) fn field(self) -> FieldDef {
        let text = |zh: &str, en: &str| Text2 {
            zh: zh.to_owned(),
            en: en.to_owned(),
        };
        let (kind, name, help, headings): (_, _, _, &[&str]) = match self {
            Origin::At => (
                Type::Instant,
                text("创建时间", "Created at"),
                text(
                    "记录是什么时候建立的；从别的系统导入时，取文件里的时间。",
                    "When the record was made; of one brought from another system, what its file says.",
                ),
                &[
                    "created",
                    "created on",
                    "created date",
                    "creation date",
                    "create date",
                    "create time",
                    "date created",
                    "创建日期",
                    "建立时间",
                    "录入时间",
                    "录入日期",
                    "登记时间",
                    "新建时间",
                ],
            ),
            Origin::By => (
                Type::Text,
                text("创建人", "Created by"),
                text(
                    "谁建立的：登录名；从别的系统导入时，取文件里的名字，这个人不必是用户。",
                    "Who made it, by login; of one brought from another system, the name in its \
                     file, whether or not that is a user.",
                ),
                &[
                    "creator",
                    "author",
                    "created by user",
                    "entered by",
                    "创建者",
                    "建立人",
                    "录入人",
                    "登记人",
                    "作者",
                ],
            ),
        };
        FieldDef {
            id: self.id().to_owned(),
            kind,
            name,
            help: Some(help),
            to: None,
            options: Vec::new(),
            required: false,
            unique: false,
            search: false,
            unit: None,
            mask: Mask::All,
            is_own: false,
            headings: headings.iter().map(|word| (*word).to_owned()).collect(),
        }
    }
}

/// How the object stands in the columnar copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyDef {
    /// The date that decides the month, a field or a path over links such as
    /// `order.ordered_on`. Absent: a small object, one file.
    pub time: Option<String>,
    /// Fields of linked records that are copied beside the own ones, as paths
    /// of one link and one field (`order.customer`); the column is named by
    /// the path with `_` for the dot.
    #[serde(default)]
    pub include: Vec<String>,
    /// The own fields by which numbers may be split (`catalog::dimension`
    /// says what comes to them over links).
    #[serde(default)]
    pub dimensions: Vec<String>,
}

/// By what two records that mean the same are known. All but `within` are
/// fields of text; one may hold several values, separated by `/`, `;` or `、`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DuplicatesDef {
    /// What it is called, and was.
    pub names: Vec<String>,
    pub phones: Vec<String>,
    pub mails: Vec<String>,
    /// Unified social credit codes and tax numbers.
    pub codes: Vec<String>,
    /// Where it is: the same name elsewhere may be another one.
    pub places: Vec<String>,
    /// A link: who shares it with another record of that name is the same, as
    /// the contacts of one customer.
    pub within: Option<String>,
}

impl DuplicatesDef {
    /// All fields, each once.
    pub fn fields(&self) -> Vec<&str> {
        let lists = [
            &self.names,
            &self.phones,
            &self.mails,
            &self.codes,
            &self.places,
        ];
        let mut all: Vec<&str> = Vec::new();
        for field in lists.into_iter().flatten().chain(&self.within) {
            if !all.contains(&field.as_str()) {
                all.push(field);
            }
        }
        all
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldDef {
    pub id: String,
    /// Of this place, not of the product: it may go while the program runs.
    #[serde(skip, default)]
    pub is_own: bool,
    #[serde(rename = "type")]
    pub kind: Type,
    pub name: Text2,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Text2>,
    /// Of a link: the object it points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Of a choice: its words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionDef>,
    #[serde(default, skip_serializing_if = "is_no")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "is_no")]
    pub unique: bool,
    /// Found by the search box.
    #[serde(default, skip_serializing_if = "is_no")]
    pub search: bool,
    /// `money`, `count`, `days`, `pct`; decides how it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What stays to be seen where a role has the field masked.
    #[serde(default, skip_serializing_if = "Mask::is_whole")]
    pub mask: Mask,
    /// Headings under which files bring it, in any language; compared without
    /// case, spaces and punctuation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headings: Vec<String>,
}

/// How a value is covered for those who may not see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// Nothing of it is seen, not even its length.
    #[default]
    All,
    /// The last four characters of at least eight, and of at least eleven the
    /// first three as well: enough to know a number by that one has before one.
    Phone,
}

impl Mask {
    fn is_whole(&self) -> bool {
        *self == Mask::All
    }

    /// `138****5678` of a phone number. Null stays null: that there is nothing
    /// is no secret.
    pub fn cover(self, value: &Value) -> Value {
        const COVER: &str = "****";
        let text = match (self, value) {
            (_, Value::Null) => return Value::Null,
            (Mask::Phone, Value::Text(text)) => text,
            _ => return COVER.into(),
        };
        let letters: Vec<char> = text.chars().collect();
        let n = letters.len();
        let start = if n >= 11 { 3 } else { 0 };
        let end = if n >= 8 { n - 4 } else { n };
        let mut covered: String = letters[..start].iter().collect();
        covered.push_str(COVER);
        covered.extend(&letters[end..]);
        Value::Text(covered)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OptionDef {
    pub value: String,
    pub zh: String,
    pub en: String,
}

impl ObjectDef {
    pub fn field(&self, id: &str) -> Option<&FieldDef> {
        self.fields.iter().find(|f| f.id == id)
    }

    pub fn derived(&self, id: &str) -> Option<&DerivedDef> {
        self.derived.iter().find(|d| d.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_keeps_its_ends_and_all_else_nothing() {
        let phone = |text: &str| Mask::Phone.cover(&text.into());
        assert_eq!(phone("13812345678"), "138****5678".into());
        assert_eq!(phone("62345678"), "****5678".into());
        assert_eq!(phone("110"), "****".into());
        assert_eq!(phone(""), "****".into());
        assert_eq!(Mask::All.cover(&"13812345678".into()), "****".into());
        assert_eq!(Mask::All.cover(&Value::Int(7)), "****".into());
        assert_eq!(Mask::Phone.cover(&Value::Null), Value::Null);
    }
}

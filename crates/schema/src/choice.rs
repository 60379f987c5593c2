//! Which metrics fit which firm, as data: words for a firm's situation and
//! rules that let them speak for metrics (`definitions/choice/<id>.toml`). It
//! does not choose; `keji_app::insight` does.

use serde::{Deserialize, Serialize};

use crate::definition::Text2;

/// A choice has at least so many metrics, …
pub const FEWEST: usize = 8;
/// … at most so many, …
pub const MOST: usize = 12;
/// … and at most so many of one group of metrics, so that no side is forgotten.
pub const MOST_OF_A_GROUP: usize = 3;

/// One file; all of them together are one set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChoiceDef {
    #[serde(rename = "goal")]
    pub goals: Vec<Word>,
    #[serde(rename = "group")]
    pub groups: Vec<CustomerGroup>,
    #[serde(rename = "industry")]
    pub industries: Vec<Word>,
    #[serde(rename = "statement")]
    pub statements: Vec<Statement>,
    #[serde(rename = "rule")]
    pub rules: Vec<ChoiceRule>,
}

/// A goal or an industry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ChoiceWord))]
pub struct Word {
    pub id: String,
    pub name: Text2,
    pub about: Text2,
}

/// A group of customers that metrics are chosen for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerGroup {
    pub id: String,
    pub name: Text2,
    pub about: Text2,
    /// An expression over dimensions, by which its numbers are narrowed.
    pub filter: String,
}

/// Something that a firm says of itself and of its market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statement {
    pub id: String,
    pub kind: Swot,
    pub name: Text2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Swot {
    Strength,
    Weakness,
    Opportunity,
    Threat,
}

/// Where all that `when` names is said, it speaks for its metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceRule {
    pub id: String,
    /// Absent: for every firm.
    #[serde(default)]
    pub when: When,
    pub metrics: Vec<String>,
    /// From 1 to [`MOST_POINTS`], for each of the metrics.
    pub points: u32,
    pub why: Text2,
}

/// The highest weight of a rule.
pub const MOST_POINTS: u32 = 5;

/// Ids of the words that must be said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    pub goal: Option<String>,
    pub group: Option<String>,
    pub industry: Option<String>,
    pub statement: Option<String>,
}

impl When {
    /// Whether the rule holds for every firm.
    pub fn is_always(&self) -> bool {
        *self == When::default()
    }
}

impl ChoiceDef {
    pub fn goal(&self, id: &str) -> Option<&Word> {
        self.goals.iter().find(|word| word.id == id)
    }

    pub fn group(&self, id: &str) -> Option<&CustomerGroup> {
        self.groups.iter().find(|group| group.id == id)
    }

    pub fn industry(&self, id: &str) -> Option<&Word> {
        self.industries.iter().find(|word| word.id == id)
    }

    pub fn statement(&self, id: &str) -> Option<&Statement> {
        self.statements.iter().find(|s| s.id == id)
    }
}

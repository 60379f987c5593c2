//! Every definition, validated together, immutable and shared. It knows what
//! the definitions say, not how they are stored or computed.
//!
//! Reading order: here (look-ups), `load` (files to a catalog), `objects` and
//! `metrics` (what a definition must keep to), `units`, `dimension` (the names
//! by which a number may be split), `example`.

use std::collections::BTreeMap;

use crate::calendar::Calendar;
use crate::choice::ChoiceDef;
use crate::definition::{FieldDef, ObjectDef};
use crate::error::{Error, Result};
use crate::expr::Scope;
use crate::metric::MetricDef;
use crate::role::RoleDef;
use crate::rule::{RfmRule, TierRule};
use crate::value::Type;

mod load;

mod additions;

mod derived;

mod objects;

mod metrics;

mod units;

mod roles;

mod rules;

mod choice;

mod dimension;

mod example;

pub use additions::PREFIX as ADDED;
pub use derived::ReadScope;
pub use dimension::{Dimension, DimensionJoin, DimensionScope};
pub use example::Given;
pub use load::packs;

/// Names that every object has beside its fields.
pub const RESERVED: [&str; 2] = ["id", "batch"];

#[derive(Debug, Clone)]
pub struct Catalog {
    /// By id, in the order of their files' names.
    pub objects: BTreeMap<String, ObjectDef>,
    pub metrics: BTreeMap<String, MetricDef>,
    pub rfm: BTreeMap<String, RfmRule>,
    /// Those that come with the product; others are kept in the store.
    pub roles: BTreeMap<String, RoleDef>,
    pub tiers: TierRule,
    pub calendar: Calendar,
    /// All files of it as one set.
    pub choice: ChoiceDef,
    /// Files that do not come with the product, by their path below
    /// `definitions/`: a backup takes them along.
    pub own: BTreeMap<String, String>,
    /// The same of what was defined in the page; the store keeps it.
    pub designed: BTreeMap<String, String>,
}

impl Catalog {
    pub fn object(&self, id: &str) -> Result<&ObjectDef> {
        self.objects.get(id).ok_or_else(|| Error::Unknown {
            kind: "object",
            name: id.to_owned(),
        })
    }

    pub fn metric(&self, id: &str) -> Result<&MetricDef> {
        self.metrics.get(id).ok_or_else(|| Error::Unknown {
            kind: "metric",
            name: id.to_owned(),
        })
    }

    /// The field at the end of a path that starts at `object`: `["country"]`
    /// or over links `["customer", "country"]`.
    pub fn field(&self, object: &str, path: &[String]) -> Result<&FieldDef> {
        let unknown = || Error::Unknown {
            kind: "field",
            name: path.join("."),
        };
        let (last, links) = path.split_last().ok_or_else(unknown)?;
        let mut at = self.object(object)?;
        for link in links {
            let field = at.field(link).ok_or_else(unknown)?;
            at = self.object(field.to.as_deref().ok_or_else(unknown)?)?;
        }
        at.field(last).ok_or_else(unknown)
    }

    /// The names of one object for an expression: its fields, `id`, and paths
    /// over its links. A path that the copy includes (`order.kind` of a line)
    /// is read from the copied column, any other over a join.
    pub fn scope<'a>(&'a self, object: &'a str) -> ObjectScope<'a> {
        ObjectScope {
            catalog: self,
            object,
        }
    }
}

/// See [`Catalog::scope`].
pub struct ObjectScope<'a> {
    catalog: &'a Catalog,
    object: &'a str,
}

impl Scope for ObjectScope<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        if path.len() == 1 && path[0] == "id" {
            return Ok(Type::Link);
        }
        self.catalog.field(self.object, path).map(|f| f.kind)
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        words(self.catalog.field(self.object, path).ok()?)
    }
}

/// The words of a choice.
fn words(field: &FieldDef) -> Option<Vec<String>> {
    (field.kind == Type::Choice).then(|| field.options.iter().map(|o| o.value.clone()).collect())
}

fn path_of(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

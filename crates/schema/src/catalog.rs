//! Every definition, validated together, immutable and shared.

use std::collections::BTreeMap;

use crate::calendar::Calendar;
use crate::definition::{FieldDef, ObjectDef};
use crate::error::{Error, Result};
use crate::expr::Scope;
use crate::metric::MetricDef;
use crate::rule::{RfmRule, TierRule};
use crate::value::Type;

#[derive(Debug, Clone)]
pub struct Catalog {
    /// By id, in the order of their files' names.
    pub objects: BTreeMap<String, ObjectDef>,
    pub metrics: BTreeMap<String, MetricDef>,
    pub rfm: BTreeMap<String, RfmRule>,
    pub tiers: TierRule,
    pub calendar: Calendar,
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
        let unknown = |name: &str| Error::Unknown {
            kind: "field",
            name: name.to_owned(),
        };
        let (last, links) = path.split_last().ok_or_else(|| unknown(""))?;
        let mut at = self.object(object)?;
        for link in links {
            let field = at.field(link).ok_or_else(|| unknown(&path.join(".")))?;
            let to = field
                .to
                .as_deref()
                .ok_or_else(|| unknown(&path.join(".")))?;
            at = self.object(to)?;
        }
        at.field(last).ok_or_else(|| unknown(&path.join(".")))
    }

    pub fn scope<'a>(&'a self, object: &'a str) -> ObjectScope<'a> {
        ObjectScope {
            catalog: self,
            object,
        }
    }
}

/// The names of one object: its fields, `id`, and paths over its links.
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
        let field = self.catalog.field(self.object, path).ok()?;
        (field.kind == Type::Choice)
            .then(|| field.options.iter().map(|o| o.value.clone()).collect())
    }
}

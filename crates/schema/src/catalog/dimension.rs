//! The names by which a number may be split or filtered.
//!
//! A dimension is named from the question's point of view, so that orders,
//! their lines and scores answer to the same name: `customer`,
//! `customer.country`, `kind`. An object lists its own dimensions in
//! `[copy] dimensions`. To these come
//! - over a link among them, the dimensions of the object it leads to, with
//!   the link's name in front: `customer.country`, `product.category`;
//! - for a part of another fact (an object whose time is read over a link,
//!   as an order line's is over `order.ordered_on`), the dimensions of the
//!   whole under the whole's names, as far as its copy includes them: a line
//!   has `kind` by its column `order_kind`. An own name comes first.

use super::{Catalog, path_of, words};
use crate::definition::{CopyDef, FieldDef, ObjectDef};
use crate::error::{Error, Result};
use crate::expr::Scope;
use crate::metric::{Measure, MetricDef, Term, Window};
use crate::value::Type;

/// Where a dimension's value stands for the rows of one fact object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// As the question names it: `customer.country`.
    pub name: String,
    /// The same as a path over links from the fact: `order.customer.country`.
    pub path: Vec<String>,
    /// Column of the fact's copy: the value itself, or with `join` the link
    /// to follow. The copy of an object has the columns `id`, every own field,
    /// and every included path with `_` for the dot.
    pub column: String,
    /// Set where the value is a field of another object's copy.
    pub join: Option<DimensionJoin>,
    pub kind: Type,
}

/// `left join <object> on <object>.id = <column>`, then read `field`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionJoin {
    pub object: String,
    pub field: String,
}

impl Catalog {
    /// Every dimension of a fact object, in the order of the definitions.
    pub fn object_dimensions(&self, object: &str) -> Result<Vec<Dimension>> {
        let def = self.object(object)?;
        let Some(copy) = &def.copy else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for name in &copy.dimensions {
            let field = def.field(name).ok_or_else(|| unknown(name))?;
            self.add_with_links(&mut all, field, vec![name.clone()], name.clone())?;
        }
        if let Some((whole, _)) = copy.time.as_ref().and_then(|t| t.split_once('.')) {
            self.add_of_whole(&mut all, def, copy, whole)?;
        }
        // `customer.kind` is copied beside an order: no join for it.
        for dimension in &mut all {
            if copy.include.contains(&dimension.path.join(".")) {
                dimension.column = dimension.path.join("_");
                dimension.join = None;
            }
        }
        Ok(all)
    }

    /// The dimensions of the record that this one is a part of.
    fn add_of_whole(
        &self,
        all: &mut Vec<Dimension>,
        def: &ObjectDef,
        copy: &CopyDef,
        whole: &str,
    ) -> Result<()> {
        let to = def
            .field(whole)
            .and_then(|f| f.to.as_deref())
            .ok_or_else(|| unknown(whole))?;
        let to = self.object(to)?;
        for name in to.copy.iter().flat_map(|c| &c.dimensions) {
            let is_own = all.iter().any(|d| d.name == *name);
            if is_own || !copy.include.contains(&format!("{whole}.{name}")) {
                continue;
            }
            let field = to.field(name).ok_or_else(|| unknown(name))?;
            let path = vec![whole.to_owned(), name.clone()];
            self.add_with_links(all, field, path, format!("{whole}_{name}"))?;
        }
        Ok(())
    }

    fn add_with_links(
        &self,
        all: &mut Vec<Dimension>,
        field: &FieldDef,
        path: Vec<String>,
        column: String,
    ) -> Result<()> {
        all.push(Dimension {
            name: field.id.clone(),
            path: path.clone(),
            column: column.clone(),
            join: None,
            kind: field.kind,
        });
        let Some(to) = &field.to else {
            return Ok(());
        };
        let to = self.object(to)?;
        for name in to.copy.iter().flat_map(|c| &c.dimensions) {
            let mut path = path.clone();
            path.push(name.clone());
            all.push(Dimension {
                name: format!("{}.{name}", field.id),
                path,
                column: column.clone(),
                join: Some(DimensionJoin {
                    object: to.id.clone(),
                    field: name.clone(),
                }),
                kind: to.field(name).ok_or_else(|| unknown(name))?.kind,
            });
        }
        Ok(())
    }

    /// One dimension of a fact object by its name; an error says which there
    /// are.
    pub fn resolve_dimension(&self, object: &str, name: &str) -> Result<Dimension> {
        let all = self.object_dimensions(object)?;
        if let Some(found) = all.iter().find(|d| d.name == name) {
            return Ok(found.clone());
        }
        let names: Vec<&str> = all.iter().map(|d| d.name.as_str()).collect();
        Err(Error::Question(format!(
            "`{object}` has no dimension `{name}`; it has {}",
            names.join(", ")
        )))
    }

    /// The dimensions of a metric: those that every input of it has. A cohort
    /// metric has `cohort` and `age` in front, which its answer always shows.
    ///
    /// What is dated by a customer's first fact (a new customer, a cohort)
    /// splits by the customer only: an order's country would count a customer
    /// once for every country.
    pub fn dimensions(&self, metric: &str) -> Result<Vec<String>> {
        let metric = self.metric(metric)?;
        let mut names = self.common_dimensions(metric)?;
        if let Some(allowed) = &metric.dims {
            names.retain(|name| allowed.iter().any(|a| is_or_follows(name, a)));
        }
        if metric.cohort.is_some() {
            names.splice(0..0, ["cohort".to_owned(), "age".to_owned()]);
        }
        Ok(names)
    }

    /// Those that all inputs have, before the metric's own list.
    pub(super) fn common_dimensions(&self, metric: &MetricDef) -> Result<Vec<String>> {
        let mut names: Option<Vec<String>> = None;
        self.narrow(metric, &mut names)?;
        Ok(names.unwrap_or_default())
    }

    fn narrow(&self, metric: &MetricDef, names: &mut Option<Vec<String>>) -> Result<()> {
        if let Some(measure) = &metric.measure {
            self.narrow_measure(measure, names)?;
        }
        for term in metric.terms() {
            match term {
                Term::Measure(measure) => self.narrow_measure(measure, names)?,
                Term::Metric(other) => {
                    let other = self.metric(&other.metric)?;
                    self.narrow(other, names)?;
                    if let (Some(allowed), Some(names)) = (&other.dims, names.as_mut()) {
                        names.retain(|name| allowed.iter().any(|a| is_or_follows(name, a)));
                    }
                }
            }
        }
        if let Some(conversion) = &metric.conversion {
            let name = self.key_name(&conversion.from, &conversion.per)?;
            self.narrow_to(&conversion.from, Some(&name), names)?;
        }
        if let Some(cohort) = &metric.cohort {
            self.narrow_to(&cohort.from, Some("customer"), names)?;
        }
        Ok(())
    }

    fn narrow_measure(&self, measure: &Measure, names: &mut Option<Vec<String>>) -> Result<()> {
        let dated_by_key = measure.window == Window::All && measure.time.is_some();
        let only = measure.per.as_deref().filter(|_| dated_by_key);
        let only = only.map(|per| self.key_name(&measure.from, per));
        self.narrow_to(&measure.from, only.transpose()?.as_deref(), names)
    }

    /// The name that a key has as a dimension: `customer` of a line is
    /// `order.customer` as a path.
    fn key_name(&self, object: &str, per: &str) -> Result<String> {
        let all = self.object_dimensions(object)?;
        let found = all.into_iter().find(|d| d.path == path_of(per));
        Ok(found.map_or(per.to_owned(), |d| d.name))
    }

    /// Keeps the names that `object` has too; with `only`, those of that link.
    fn narrow_to(
        &self,
        object: &str,
        only: Option<&str>,
        names: &mut Option<Vec<String>>,
    ) -> Result<()> {
        let here: Vec<String> = self
            .object_dimensions(object)?
            .into_iter()
            .map(|d| d.name)
            .filter(|name| only.is_none_or(|link| name.split('.').next() == Some(link)))
            .collect();
        *names = Some(match names.take() {
            None => here,
            Some(before) => before
                .into_iter()
                .filter(|name| here.contains(name))
                .collect(),
        });
        Ok(())
    }

    /// The dimensions of a fact object as names of an expression: the scope
    /// of a question's `where`. A path in the checked expression is the
    /// dimension's name; [`Catalog::resolve_dimension`] places it.
    pub fn dimension_scope<'a>(&'a self, object: &'a str) -> DimensionScope<'a> {
        DimensionScope {
            catalog: self,
            object,
        }
    }
}

/// Whether a dimension is the named one or lies over that link.
fn is_or_follows(name: &str, link: &str) -> bool {
    let rest = name.strip_prefix(link);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// See [`Catalog::dimension_scope`].
pub struct DimensionScope<'a> {
    catalog: &'a Catalog,
    object: &'a str,
}

impl Scope for DimensionScope<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        self.catalog
            .resolve_dimension(self.object, &path.join("."))
            .map(|d| d.kind)
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        let found = self
            .catalog
            .resolve_dimension(self.object, &path.join("."))
            .ok()?;
        words(self.catalog.field(self.object, &found.path).ok()?)
    }
}

fn unknown(name: &str) -> Error {
    Error::Unknown {
        kind: "field",
        name: path_of(name).join("."),
    }
}

//! What is worked out whenever it is read: formulas, look-ups over links,
//! roll-ups of the records that link here. Their types follow from their parts,
//! and none leads back to itself.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::load::{File, Files, is_name};
use super::objects::reads_as_name;
use super::{Catalog, words};
use crate::definition::{DerivedDef, Gather, ObjectDef, Origin, RollupDef};
use crate::error::{Error, Result};
use crate::expr::{Expr, Scope};
use crate::metric::Unit;
use crate::value::Type;

/// Formulas over formulas.
const MAX_DEPTH: usize = 12;

/// Or a key of the file and what is wrong there.
type Judged<T> = std::result::Result<T, (&'static str, String)>;

impl Catalog {
    /// The names by which records of an object are read: those of
    /// [`Catalog::scope`], and what is derived.
    pub fn read_scope<'a>(&'a self, object: &'a str) -> ReadScope<'a> {
        ReadScope {
            catalog: self,
            object,
        }
    }

    /// The derived value at the end of a path, if it is one.
    pub fn derived(&self, object: &str, path: &[String]) -> Option<&DerivedDef> {
        let (last, links) = path.split_last()?;
        self.behind(object, links)?.derived(last)
    }

    /// The object to which links lead.
    fn behind(&self, object: &str, links: &[String]) -> Option<&ObjectDef> {
        let mut at = self.objects.get(object)?;
        for link in links {
            at = self.objects.get(at.field(link)?.to.as_deref()?)?;
        }
        Some(at)
    }

    /// Checks what is derived and gives each its type.
    pub(super) fn derive(&mut self, files: &Files) -> Result<()> {
        let types = Types {
            catalog: self,
            known: RefCell::default(),
            under_way: RefCell::default(),
        };
        for (id, object) in &self.objects {
            let own = files[&("object", id.clone())];
            let file = files.get(&("addition", id.clone())).copied().unwrap_or(own);
            let n_others = object.derived.len().saturating_sub(file.n_of("derived"));
            for (i, derived) in object.derived.iter().enumerate() {
                let i = i.saturating_sub(n_others).to_string();
                let is_twice = object.derived.iter().filter(|d| d.id == derived.id).count() > 1;
                types
                    .check(object, derived, is_twice)
                    .map_err(|(key, message)| wrong(file, &i, key, message))?;
            }
        }
        let known = types.known.into_inner();
        for (id, object) in &mut self.objects {
            for derived in &mut object.derived {
                if let Some(kind) = known.get(&(id.clone(), derived.id.clone())) {
                    derived.kind = *kind;
                }
            }
        }
        Ok(())
    }
}

fn wrong(file: File, i: &str, key: &str, message: String) -> Error {
    file.error(&["derived", i, key], message)
}

/// See [`Catalog::read_scope`].
pub struct ReadScope<'a> {
    catalog: &'a Catalog,
    object: &'a str,
}

impl Scope for ReadScope<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        match self.catalog.derived(self.object, path) {
            Some(derived) => Ok(derived.kind),
            None => self.catalog.scope(self.object).resolve(path),
        }
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        words(self.catalog.field(self.object, path).ok()?)
    }
}

/// The types of what is derived, worked out as they are asked for.
struct Types<'a> {
    catalog: &'a Catalog,
    known: RefCell<BTreeMap<(String, String), Type>>,
    /// What is being worked out: whoever comes back here is computed from
    /// himself.
    under_way: RefCell<Vec<(String, String)>>,
}

struct Within<'a> {
    types: &'a Types<'a>,
    object: &'a str,
}

impl Scope for Within<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        let catalog = self.types.catalog;
        let (Some(derived), Some((_, links))) =
            (catalog.derived(self.object, path), path.split_last())
        else {
            return catalog.scope(self.object).resolve(path);
        };
        let Some(object) = catalog.behind(self.object, links) else {
            return catalog.scope(self.object).resolve(path);
        };
        self.types
            .of(object, derived)
            .map_err(|(_, message)| Error::Expression {
                text: derived.formula.clone().unwrap_or_default(),
                message,
            })
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        words(self.types.catalog.field(self.object, path).ok()?)
    }
}

/// The names that a roll-up's filter may use. What is worked out is none of
/// them, and it is said so: whoever sees it in the list of fields would not
/// understand that it is not there.
struct Stored<'a> {
    catalog: &'a Catalog,
    object: &'a str,
}

impl Scope for Stored<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        if self.catalog.derived(self.object, path).is_some() {
            return Err(Error::Expression {
                text: path.join("."),
                message: "it is itself worked out: a roll-up takes stored fields".to_owned(),
            });
        }
        self.catalog.scope(self.object).resolve(path)
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        self.catalog.scope(self.object).options(path)
    }
}

impl Types<'_> {
    fn check(&self, object: &ObjectDef, derived: &DerivedDef, is_twice: bool) -> Judged<()> {
        let id = &derived.id;
        if !is_name(id) || !reads_as_name(id) || Origin::of(id).is_some() {
            return Err((
                "id",
                format!("`{id}` is not a name: small letters, digits and _"),
            ));
        }
        if is_twice || object.field(id).is_some() || id == "id" || id == "batch" {
            return Err(("id", format!("field `{id}` is there twice")));
        }
        if let Some(unit) = &derived.unit
            && Unit::named(unit).is_none()
        {
            let message =
                format!("there is no unit `{unit}`; there are money, count, pct, days and score");
            return Err(("unit", message));
        }
        self.of(object, derived).map(|_| ())
    }

    fn of(&self, object: &ObjectDef, derived: &DerivedDef) -> Judged<Type> {
        let place = (object.id.clone(), derived.id.clone());
        if let Some(kind) = self.known.borrow().get(&place) {
            return Ok(*kind);
        }
        {
            let mut under_way = self.under_way.borrow_mut();
            if under_way.contains(&place) || under_way.len() >= MAX_DEPTH {
                let way: Vec<String> = (under_way.iter().chain([&place]))
                    .map(|(object, id)| format!("{object}.{id}"))
                    .collect();
                let message = format!("it is computed from itself: {}", way.join(" → "));
                return Err(("formula", message));
            }
            under_way.push(place.clone());
        }
        let kind = match (&derived.formula, &derived.rollup) {
            (Some(formula), None) => self.formula(object, formula),
            (None, Some(rollup)) => self.rollup(object, rollup),
            _ => {
                let message = "there is either a formula or a rollup".to_owned();
                Err(("formula", message))
            }
        };
        self.under_way.borrow_mut().pop();
        let kind = kind?;
        self.known.borrow_mut().insert(place, kind);
        Ok(kind)
    }

    fn formula(&self, object: &ObjectDef, formula: &str) -> Judged<Type> {
        let scope = Within {
            types: self,
            object: &object.id,
        };
        let parsed = Expr::parse(formula, &scope).map_err(|problem| match problem {
            // Without the text, which stands there.
            Error::Expression { message, .. } => ("formula", message),
            other => ("formula", other.to_string()),
        })?;
        match parsed.kind {
            Some(Type::Link) => {
                let message = "a formula does not give a link: name a field behind it".to_owned();
                Err(("formula", message))
            }
            Some(Type::Choice) => Ok(Type::Text),
            Some(kind) => Ok(kind),
            None => Err(("formula", "it is always null".to_owned())),
        }
    }

    fn rollup(&self, object: &ObjectDef, rollup: &RollupDef) -> Judged<Type> {
        let catalog = self.catalog;
        let Some(of) = catalog.objects.get(&rollup.of) else {
            return Err(("rollup", format!("there is no object `{}`", rollup.of)));
        };
        let by = of.field(&rollup.by);
        if by.and_then(|f| f.to.as_deref()) != Some(&object.id) {
            let message = format!("`{}.{}` is no link to `{}`", of.id, rollup.by, object.id);
            return Err(("rollup", message));
        }
        if let Some(filter) = &rollup.filter {
            let stored = Stored {
                catalog,
                object: &of.id,
            };
            Expr::parse_filter(filter, &stored)
                .map_err(|problem| ("rollup", problem.to_string()))?;
        }
        let value = match (rollup.what, &rollup.value) {
            (Gather::Count, None) => return Ok(Type::Int),
            (Gather::Count, Some(_)) => {
                return Err(("rollup", "a count is of records, not of a field".to_owned()));
            }
            (_, None) => return Err(("rollup", "it does not say of which field".to_owned())),
            (_, Some(value)) => value,
        };
        let Some(field) = of.field(value) else {
            if of.derived(value).is_some() {
                let message =
                    format!("`{value}` is itself worked out: a roll-up takes stored fields");
                return Err(("rollup", message));
            }
            return Err(("rollup", format!("there is no field `{value}`")));
        };
        let fits = match field.kind {
            Type::Int | Type::Decimal | Type::Float => true,
            Type::Date | Type::Instant => rollup.what != Gather::Sum,
            Type::Text | Type::Choice | Type::Bool | Type::Link => false,
        };
        match fits {
            true => Ok(field.kind),
            false => Err((
                "rollup",
                format!(
                    "field `{value}` is a {}: it has no such sum",
                    field.kind.name()
                ),
            )),
        }
    }
}

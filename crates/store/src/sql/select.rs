//! Reading one object by field paths: `country` is its own column,
//! `customer.country` a left join. Every path is checked against the catalog
//! and the caller's mask.

use keji_schema::definition::{Gather, Mask, ObjectDef, RollupDef};
use keji_schema::expr::Expr;
use keji_schema::{Catalog, Type, Value};

use super::{Dialect, expr, quote};
use crate::access::Access;
use crate::error::{Error, Result};

/// A statement under construction.
pub(crate) struct Select<'a> {
    pub(crate) dialect: Dialect,
    catalog: &'a Catalog,
    access: &'a Access,
    pub(crate) object: &'a str,
    /// The links that are followed, each with the object it leads to.
    joins: Vec<Join>,
    pub(crate) params: Vec<Value>,
    /// Off while the caller's own predicate is compiled.
    is_masked: bool,
    /// On while a path is looked up whose value the caller will see.
    is_shown: bool,
    /// Of the path that was looked up last.
    mask: Option<Mask>,
    /// Links to the record whose formula is compiled.
    prefix: Vec<String>,
    /// Before every alias: of a statement within another.
    tag: String,
}

struct Join {
    /// Links from the object of the statement to here.
    path: Vec<String>,
    sql: String,
}

impl<'a> Select<'a> {
    pub(crate) fn new(
        dialect: Dialect,
        catalog: &'a Catalog,
        access: &'a Access,
        object: &'a str,
    ) -> Result<Self> {
        catalog.object(object)?;
        let (joins, params) = (Vec::new(), Vec::new());
        Ok(Select {
            dialect,
            catalog,
            access,
            object,
            joins,
            params,
            is_masked: true,
            is_shown: false,
            mask: None,
            prefix: Vec::new(),
            tag: String::new(),
        })
    }

    pub(crate) fn bind(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    /// A path as text, `customer.name`.
    pub(crate) fn path(&mut self, path: &str) -> Result<(String, Type)> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        self.column(&path)
    }

    /// A path that is only shown: a masked field is one, and comes with how it
    /// is covered.
    pub(crate) fn shown(&mut self, path: &str) -> Result<(String, Type, Option<Mask>)> {
        self.is_shown = true;
        self.mask = None;
        let found = self.path(path);
        self.is_shown = false;
        found.map(|(column, kind)| (column, kind, self.mask))
    }

    /// The column at the end of a path, and its type.
    pub(crate) fn column(&mut self, path: &[String]) -> Result<(String, Type)> {
        let unknown = || keji_schema::Error::Unknown {
            kind: "field",
            name: path.join("."),
        };
        let whole: Vec<String> = self.prefix.iter().chain(path).cloned().collect();
        let (last, mut links) = whole.split_last().ok_or_else(unknown)?;
        let mut last = last.as_str();
        // The id of a linked record is the link itself; no join is needed.
        if last == "id"
            && let Some((link, before)) = links.split_last()
        {
            (last, links) = (link, before);
        }
        let mut object = self.object;
        let mut alias = format!("{}t", self.tag);
        for (n, link) in links.iter().enumerate() {
            let field = self
                .catalog
                .object(object)?
                .field(link)
                .ok_or_else(unknown)?;
            self.check_mask(object, link, path)?;
            let to = field.to.as_deref().ok_or_else(unknown)?;
            alias = self.join(&links[..=n], &alias, link, to);
            object = to;
        }
        if last == "id" {
            return Ok((format!("{alias}.{}", quote("id")), Type::Link));
        }
        let def = self.catalog.object(object)?;
        if let Some(derived) = def.derived(last) {
            let sql = match (&derived.formula, &derived.rollup) {
                (Some(formula), _) => self.formula(def, formula, links.to_vec())?,
                (None, Some(rollup)) => self.rollup(rollup, &alias)?,
                (None, None) => return Err(unknown().into()),
            };
            return Ok((sql, derived.kind));
        }
        let field = def.field(last).ok_or_else(unknown)?;
        match self.is_shown && self.access.masks(object, last) {
            true => self.mask = Some(field.mask),
            false => self.check_mask(object, last, path)?,
        }
        Ok((format!("{alias}.{}", quote(last)), field.kind))
    }

    /// A formula of the record that `links` lead to. Its parts are looked up as
    /// if the caller had named them.
    fn formula(&mut self, def: &ObjectDef, text: &str, links: Vec<String>) -> Result<String> {
        let parsed = Expr::parse(text, &self.catalog.read_scope(&def.id))?;
        let was_shown = std::mem::take(&mut self.is_shown);
        let before = std::mem::replace(&mut self.prefix, links);
        let sql = self.expr(&parsed);
        self.prefix = before;
        self.is_shown = was_shown;
        sql
    }

    /// One number of the records that link to the one at `alias`.
    fn rollup(&mut self, rollup: &RollupDef, alias: &str) -> Result<String> {
        let mut within = Select {
            dialect: self.dialect,
            catalog: self.catalog,
            access: self.access,
            object: &rollup.of,
            joins: Vec::new(),
            params: std::mem::take(&mut self.params),
            is_masked: self.is_masked,
            is_shown: false,
            mask: None,
            prefix: Vec::new(),
            tag: format!("{}r_", self.tag),
        };
        let sql = within.gathered(rollup, alias);
        self.params = within.params;
        sql
    }

    fn gathered(&mut self, rollup: &RollupDef, outer: &str) -> Result<String> {
        let (link, _) = self.path(&rollup.by)?;
        let mut all = vec![format!("{link} = {outer}.{}", quote("id"))];
        let access = self.access;
        if let Some(predicate) = access.gathered.get(&rollup.of) {
            let was_masked = std::mem::replace(&mut self.is_masked, false);
            all.push(format!("({})", self.expr(predicate)?));
            self.is_masked = was_masked;
        }
        if let Some(filter) = &rollup.filter {
            let parsed = Expr::parse_filter(filter, &self.catalog.scope(&rollup.of))?;
            all.push(format!("({})", self.expr(&parsed)?));
        }
        let value = match &rollup.value {
            Some(value) => Some(self.path(value)?),
            None => None,
        };
        let number = match (rollup.what, value) {
            (Gather::Sum, Some((value, Type::Int))) => format!("cast(sum({value}) as bigint)"),
            (Gather::Sum, Some((value, _))) => format!("sum({value})"),
            (Gather::Min, Some((value, _))) => format!("min({value})"),
            (Gather::Max, Some((value, _))) => format!("max({value})"),
            _ => "count(*)".to_owned(),
        };
        Ok(format!(
            "(select {number} {} where {})",
            self.from(),
            all.join(" and ")
        ))
    }

    pub(crate) fn expr(&mut self, expr: &Expr) -> Result<String> {
        expr::sql(self, expr)
    }

    /// `filter` and what the caller may see, as one condition.
    pub(crate) fn condition(&mut self, filter: Option<&Expr>) -> Result<String> {
        let mut all = Vec::new();
        let access = self.access;
        if let Some(predicate) = &access.predicate {
            self.is_masked = false;
            all.push(format!("({})", self.expr(predicate)?));
            self.is_masked = true;
        }
        if let Some(filter) = filter {
            all.push(format!("({})", self.expr(filter)?));
        }
        Ok(if all.is_empty() {
            "true".to_owned()
        } else {
            all.join(" and ")
        })
    }

    /// `from … left join …` for every path named so far.
    pub(crate) fn from(&self) -> String {
        let mut sql = format!("from {} {}t", quote(self.object), self.tag);
        for join in &self.joins {
            sql.push_str(&join.sql);
        }
        sql
    }

    fn join(&mut self, path: &[String], from: &str, link: &str, to: &str) -> String {
        if let Some(at) = self.joins.iter().position(|j| j.path == path) {
            return format!("{}j{at}", self.tag);
        }
        let alias = format!("{}j{}", self.tag, self.joins.len());
        let sql = format!(
            " left join {} {alias} on {alias}.{} = {from}.{}",
            quote(to),
            quote("id"),
            quote(link)
        );
        self.joins.push(Join {
            path: path.to_vec(),
            sql,
        });
        alias
    }

    fn check_mask(&self, object: &str, field: &str, path: &[String]) -> Result<()> {
        if self.is_masked && self.access.hides(object, field) {
            let name = path.join(".");
            return Err(Error::Schema(keji_schema::Error::Unknown {
                kind: "field",
                name,
            }));
        }
        Ok(())
    }
}

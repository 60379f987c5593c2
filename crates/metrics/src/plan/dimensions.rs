//! Dimensions by name: what one word means for each object that is measured,
//! and filters over such words. It must not know aggregates.

use keji_schema::expr::{Expr, Scope};
use keji_schema::{Catalog, Type};

use crate::error::Result;
use crate::plan::Dimension;
use crate::plan::source::{Source, question, replace};

/// What a dimension's name means for one metric's object.
pub(super) struct Names<'a> {
    pub catalog: &'a Catalog,
    /// Whose dimensions they are, for the message when one is missing.
    pub metric: &'a str,
    pub object: &'a str,
}

impl Names<'_> {
    /// The path from the object, or an error that says what the metric has.
    pub fn path(&self, name: &str) -> Result<Vec<String>> {
        let known = self.catalog.dimensions(self.metric)?;
        if !known.iter().any(|d| d == name) {
            let known = known.join(", ");
            let message = format!(
                "metric `{}` has no dimension `{name}`; it has {known}",
                self.metric
            );
            return Err(question(message));
        }
        Ok(self.catalog.resolve_dimension(self.object, name)?.path)
    }

    pub fn dimension(&self, name: &str) -> Result<Dimension> {
        let field = self.catalog.field(self.object, &self.path(name)?)?;
        Ok(Dimension {
            name: name.to_owned(),
            label: field.name.clone(),
            kind: field.kind,
            unit: field
                .unit
                .clone()
                .unwrap_or_else(|| type_word(field.kind).to_owned()),
        })
    }

    /// The caller's filter over this object's source.
    pub fn filter(&self, source: &mut Source, text: &str) -> Result<Expr> {
        let expr = Expr::parse_filter(text, self)?;
        self.over(source, &expr)
    }

    /// An expression over dimensions as one over the columns of `source`.
    pub fn over(&self, source: &mut Source, expr: &Expr) -> Result<Expr> {
        replace(expr, &mut |name| {
            let column = source.column(self.catalog, &self.path(&name.join("."))?)?;
            Ok(keji_schema::expr::Node::Field(vec![column]))
        })
    }
}

impl Scope for Names<'_> {
    fn resolve(&self, path: &[String]) -> keji_schema::Result<Type> {
        let wrong = |e: crate::Error| keji_schema::Error::Question(e.to_string());
        let path = self.path(&path.join(".")).map_err(wrong)?;
        self.catalog.scope(self.object).resolve(&path)
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        let path = self.path(&path.join(".")).ok()?;
        self.catalog.scope(self.object).options(&path)
    }
}

fn type_word(kind: Type) -> &'static str {
    match kind {
        Type::Text => "text",
        Type::Int => "int",
        Type::Decimal => "decimal",
        Type::Float => "float",
        Type::Bool => "bool",
        Type::Date => "date",
        Type::Instant => "instant",
        Type::Choice => "choice",
        Type::Link => "link",
    }
}

//! Where the columns of a scan come from: the copy of one object and, for
//! what it does not hold, the small tables its links point to. It must not
//! know metrics.

use keji_schema::Catalog;
use keji_schema::expr::{Expr, Node};
use keji_schema::metric::is_bound;

use crate::copy::columns::{CopyColumns, copy_columns};
use crate::error::{Error, Result};

/// The rows of one object with the fields of linked records beside them. A
/// record has at most one record at the other end of a link, so a join never
/// multiplies rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub object: String,
    /// Columns of the object's own copy that are read.
    pub columns: Vec<String>,
    /// In the order in which they are made: a later one may start from a
    /// column of an earlier one.
    pub joins: Vec<Join>,
}

/// `left join <object> on <object>.id = <on>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub object: String,
    /// The column of the rows so far that holds the id.
    pub on: String,
    /// Field of the joined object and the name it gets, its dotted path.
    pub columns: Vec<(String, String)>,
}

impl Source {
    pub fn new(object: &str) -> Self {
        Source {
            object: object.to_owned(),
            columns: Vec::new(),
            joins: Vec::new(),
        }
    }

    /// The column that holds the value at the end of `path`, which is read
    /// from now on.
    pub fn column(&mut self, catalog: &Catalog, path: &[String]) -> Result<String> {
        let copy = copied(catalog, &self.object)?;
        if let Some(i) = copy.paths.iter().position(|p| p == path) {
            let name = copy.columns[i].name.clone();
            if !self.columns.contains(&name) {
                self.columns.push(name.clone());
            }
            return Ok(name);
        }
        // The last step is read from the record that the steps before lead to.
        let name = path.join(".");
        let Some((field, link)) = path.split_last().filter(|(_, link)| !link.is_empty()) else {
            return Err(unknown(&name));
        };
        let to = catalog
            .field(&self.object, link)?
            .to
            .clone()
            .ok_or_else(|| unknown(&name))?;
        let target = copied(catalog, &to)?;
        if !target.columns.iter().any(|c| c.name == *field) {
            return Err(unknown(&name));
        }
        let on = self.column(catalog, link)?;
        let made = (field.clone(), name.clone());
        match self.joins.iter_mut().find(|j| j.on == on) {
            Some(join) if join.columns.contains(&made) => {}
            Some(join) => join.columns.push(made),
            None => self.joins.push(Join {
                object: to,
                on,
                columns: vec![made],
            }),
        }
        Ok(name)
    }

    /// Reads everything that `other`, a source of the same object, reads too.
    pub fn merge(&mut self, other: Source) {
        for column in other.columns {
            if !self.columns.contains(&column) {
                self.columns.push(column);
            }
        }
        for join in other.joins {
            match self.joins.iter_mut().find(|j| j.on == join.on) {
                Some(own) => {
                    let new: Vec<_> = join
                        .columns
                        .into_iter()
                        .filter(|c| !own.columns.contains(c))
                        .collect();
                    own.columns.extend(new);
                }
                None => self.joins.push(join),
            }
        }
    }

    /// The expression over this source's columns instead of paths; the ends of
    /// the period keep their names.
    pub fn expression(&mut self, catalog: &Catalog, expr: &Expr) -> Result<Expr> {
        let own = catalog.object(&self.object)?;
        rename(expr, &mut |path| {
            if is_bound(path) && own.field(&path[0]).is_none() {
                return Ok(path[0].clone());
            }
            self.column(catalog, path)
        })
    }
}

/// The business date of an object's copy, as a path; `None` for a small object.
pub fn time_path(catalog: &Catalog, object: &str) -> Result<Option<Vec<String>>> {
    let copy = copied(catalog, object)?;
    Ok(copy.time.map(|i| copy.paths[i].clone()))
}

pub fn copied(catalog: &Catalog, object: &str) -> Result<CopyColumns> {
    copy_columns(catalog, object)?
        .ok_or_else(|| question(format!("`{object}` is not copied for analysis")))
}

/// The same expression with every field named by one column.
pub fn rename(expr: &Expr, to: &mut dyn FnMut(&[String]) -> Result<String>) -> Result<Expr> {
    replace(expr, &mut |path| Ok(Node::Field(vec![to(path)?])))
}

/// The same expression with something else in every field's place.
pub fn replace(expr: &Expr, with: &mut dyn FnMut(&[String]) -> Result<Node>) -> Result<Expr> {
    let mut boxed = |x: &Expr| replace(x, with).map(Box::new);
    let node = match &expr.node {
        Node::Literal(v) => Node::Literal(v.clone()),
        Node::Field(path) => with(path)?,
        Node::Not(x) => Node::Not(boxed(x)?),
        Node::Negate(x) => Node::Negate(boxed(x)?),
        Node::Binary(op, a, b) => Node::Binary(*op, boxed(a)?, boxed(b)?),
        Node::IsNull(x) => Node::IsNull(boxed(x)?),
        Node::In(x, items) => Node::In(boxed(x)?, items.clone()),
        Node::Like(x, pattern) => Node::Like(boxed(x)?, pattern.clone()),
        Node::Case(arms, otherwise) => {
            let mut made = Vec::new();
            for (when, then) in arms {
                made.push((replace(when, with)?, replace(then, with)?));
            }
            let otherwise = otherwise.as_ref().map(|x| replace(x, with)).transpose()?;
            Node::Case(made, otherwise.map(Box::new))
        }
        Node::Call(function, args) => Node::Call(
            *function,
            args.iter()
                .map(|x| replace(x, with))
                .collect::<Result<_>>()?,
        ),
        Node::Cast(x, kind) => Node::Cast(boxed(x)?, *kind),
    };
    Ok(Expr {
        node,
        kind: expr.kind,
    })
}

pub fn question(message: String) -> Error {
    Error::Schema(keji_schema::Error::Question(message))
}

fn unknown(name: &str) -> Error {
    Error::Schema(keji_schema::Error::Unknown {
        kind: "field",
        name: name.to_owned(),
    })
}

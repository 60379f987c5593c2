//! The one expression language: a small scalar subset of SQL.
//!
//! Text is parsed once and type-checked against a [`Scope`]; the checked tree
//! is read three ways: bound SQL (`store`), a DataFusion expression
//! (`metrics`) and direct evaluation on one record ([`eval`]). A property test
//! holds the three equal. It is scalar only: no aggregate, no window, no
//! subquery, no clock.
//!
//! Semantics: three-valued logic as in SQL; text compares by code point;
//! whole numbers and decimals mix into decimals; `/` is exact to four places
//! (half away from zero), never truncates, and gives null for a zero divisor;
//! date − date is a whole number of days; date ± whole number is a date; an
//! approximate number is never infinite and never a negative zero; a result
//! outside its type's range is an error. A choice is text to every reader, and
//! a link a whole number.

mod parse;

mod check;

mod eval;
mod show;

#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::value::{Type, Value};

pub use eval::eval;

/// Words of the language, which are no names.
pub const WORDS: [&str; 18] = [
    "and",
    "between",
    "case",
    "date",
    "else",
    "end",
    "false",
    "in",
    "interval",
    "is",
    "like",
    "not",
    "null",
    "or",
    "then",
    "timestamp",
    "true",
    "when",
];

/// A checked expression and its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub node: Node,
    /// `None` only for the bare `null`.
    pub kind: Option<Type>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Literal(Value),
    /// A name of the scope: `country`, or over links `customer.country`.
    Field(Vec<String>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>),
    /// `x in (…)`; the items are literals of x's type, never null.
    In(Box<Expr>, Vec<Value>),
    /// `x like 'pattern'`, `%` any run, `_` any one character, no escape,
    /// case kept.
    Like(Box<Expr>, String),
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Call(Function, Vec<Expr>),
    /// A change of number type that the check made explicit, so that no reader
    /// needs rules of its own.
    Cast(Box<Expr>, Type),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Or,
    And,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// First argument that is not null.
    Coalesce,
    Abs,
    /// ASCII letters only, so that every reader agrees.
    Lower,
    Upper,
    /// In characters.
    Length,
}

/// What names mean: the fields of an object and of the records it links to,
/// or the reductions of a metric.
pub trait Scope {
    /// The type of a name, or an error that says what there is instead.
    fn resolve(&self, path: &[String]) -> Result<Type>;

    /// The words of a choice, where the scope knows them; then a comparison
    /// with any other word is refused.
    fn options(&self, _path: &[String]) -> Option<Vec<String>> {
        None
    }
}

impl Expr {
    /// Parses and checks. A text of more than 100 nodes, 32 levels or 16
    /// parentheses in each other is refused, and so is anything that is not in
    /// the language, by name and place.
    pub fn parse(text: &str, scope: &dyn Scope) -> Result<Expr> {
        let raw = parse::parse(text)?;
        check::check(text, raw, scope)
    }

    /// Like [`Expr::parse`], and the result must be yes or no.
    pub fn parse_filter(text: &str, scope: &dyn Scope) -> Result<Expr> {
        let expr = Expr::parse(text, scope)?;
        match expr.kind {
            Some(Type::Bool) | None => Ok(expr),
            Some(other) => Err(crate::Error::Expression {
                text: text.to_owned(),
                message: format!("a filter must be yes or no, this is a {}", other.name()),
            }),
        }
    }

    /// Every field path that the expression names, in order, once each.
    pub fn fields(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.collect_fields(&mut found);
        found
    }

    fn collect_fields(&self, found: &mut Vec<Vec<String>>) {
        match &self.node {
            Node::Literal(_) => {}
            Node::Field(path) => {
                if !found.contains(path) {
                    found.push(path.clone());
                }
            }
            Node::Not(x) | Node::Negate(x) | Node::IsNull(x) | Node::Cast(x, _) => {
                x.collect_fields(found);
            }
            Node::In(x, _) | Node::Like(x, _) => x.collect_fields(found),
            Node::Binary(_, a, b) => {
                a.collect_fields(found);
                b.collect_fields(found);
            }
            Node::Case(arms, otherwise) => {
                for (when, then) in arms {
                    when.collect_fields(found);
                    then.collect_fields(found);
                }
                if let Some(x) = otherwise {
                    x.collect_fields(found);
                }
            }
            Node::Call(_, args) => args.iter().for_each(|x| x.collect_fields(found)),
        }
    }
}

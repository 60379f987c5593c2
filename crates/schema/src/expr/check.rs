//! The untyped tree to the checked one: names resolved, types fitted, every
//! change of number type written out as a cast. It evaluates nothing but
//! literals.

use sqlparser::tokenizer::Location;

use super::parse::{self, Raw, RawNode};
use super::{Expr, Function, Node, Op, Scope};
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::value::{Type, Value};

pub(super) fn check(text: &str, raw: Raw, scope: &dyn Scope) -> Result<Expr> {
    let checker = Checker { text, scope };
    match raw.node {
        // A bare null has no type; everywhere else its neighbours give it one.
        RawNode::Literal(Value::Null) => Ok(Expr {
            node: Node::Literal(Value::Null),
            kind: None,
        }),
        _ => checker.expr(raw),
    }
}

struct Checker<'a> {
    text: &'a str,
    scope: &'a dyn Scope,
}

impl Checker<'_> {
    fn expr(&self, raw: Raw) -> Result<Expr> {
        let at = raw.at;
        Ok(match raw.node {
            RawNode::Literal(value) => {
                let kind = literal_type(&value).ok_or_else(|| {
                    self.error(
                        at,
                        "null cannot be computed with: write `is null` or `is not null`",
                    )
                })?;
                typed(Node::Literal(value), kind)
            }
            RawNode::Field(path) => {
                let kind = self
                    .scope
                    .resolve(&path)
                    .map_err(|e| self.error(at, e.to_string()))?;
                typed(Node::Field(path), kind)
            }
            RawNode::Not(x) => {
                let x = self.wanted(*x, Type::Bool, "not")?;
                typed(Node::Not(Box::new(x)), Type::Bool)
            }
            RawNode::Negate(x) => {
                let x = self.number(*x, "-")?;
                let kind = kind_of(&x);
                typed(Node::Negate(Box::new(x)), kind)
            }
            RawNode::Binary(op, a, b) => match op {
                Op::And | Op::Or => {
                    let a = self.wanted(*a, Type::Bool, op.sign())?;
                    let b = self.wanted(*b, Type::Bool, op.sign())?;
                    binary(op, a, b, Type::Bool)
                }
                Op::Add | Op::Sub | Op::Mul | Op::Div => self.arithmetic(op, *a, *b, at)?,
                _ => self.comparison(op, *a, *b, at)?,
            },
            RawNode::IsNull(x) => {
                let x = self.expr(*x)?;
                typed(Node::IsNull(Box::new(x)), Type::Bool)
            }
            RawNode::In(x, items) => self.membership(*x, items)?,
            RawNode::Like(x, pattern) => {
                let place = x.at;
                let x = self.expr(*x)?;
                if !is_text(kind_of(&x)) {
                    return Err(self.error(
                        place,
                        format!("`like` takes a text, this is a {}", kind_of(&x).name()),
                    ));
                }
                typed(Node::Like(Box::new(x), pattern), Type::Bool)
            }
            RawNode::Case(arms, otherwise) => self.case(arms, otherwise, at)?,
            RawNode::Call(function, args) => self.call(function, args, at)?,
        })
    }

    fn wanted(&self, raw: Raw, kind: Type, by: &str) -> Result<Expr> {
        let at = raw.at;
        let x = self.expr(raw)?;
        if kind_of(&x) != kind {
            let found = kind_of(&x).name();
            return Err(self.error(
                at,
                format!("`{by}` takes a {}, this is a {found}", kind.name()),
            ));
        }
        Ok(x)
    }

    fn number(&self, raw: Raw, by: &str) -> Result<Expr> {
        let at = raw.at;
        let x = self.expr(raw)?;
        if !is_number(kind_of(&x)) {
            return Err(self.error(
                at,
                format!("`{by}` takes a number, this is a {}", kind_of(&x).name()),
            ));
        }
        Ok(x)
    }

    fn arithmetic(&self, op: Op, a: Raw, b: Raw, at: Location) -> Result<Expr> {
        let place = b.at;
        let (a, b) = (self.expr(a)?, self.expr(b)?);
        let (left, right) = (kind_of(&a), kind_of(&b));
        match (op, left, right) {
            (Op::Sub, Type::Date, Type::Date) => return Ok(binary(op, a, b, Type::Int)),
            (Op::Add | Op::Sub, Type::Date, Type::Int) => return Ok(binary(op, a, b, Type::Date)),
            _ => {}
        }
        let Some(mut kind) = common_number(left, right) else {
            return Err(self.error(
                at,
                format!(
                    "`{}` does not take a {} and a {}",
                    op.sign(),
                    left.name(),
                    right.name()
                ),
            ));
        };
        // A quotient of whole numbers is exact to four places, never truncated.
        if op == Op::Div && kind == Type::Int {
            kind = Type::Decimal;
        }
        Ok(binary(
            op,
            self.cast(a, kind, at)?,
            self.cast(b, kind, place)?,
            kind,
        ))
    }

    fn comparison(&self, op: Op, a: Raw, b: Raw, at: Location) -> Result<Expr> {
        let places = (a.at, b.at);
        let (a, b) = (self.expr(a)?, self.expr(b)?);
        let a = self.fit(a, &b, places.0)?;
        let b = self.fit(b, &a, places.1)?;
        let (left, right) = (kind_of(&a), kind_of(&b));
        let fits = match (left, right) {
            (Type::Date, Type::Instant) | (Type::Instant, Type::Date) => {
                return Err(self.error(at, "a date does not compare with a date and time: it begins at another instant in every zone"));
            }
            (Type::Link, Type::Int) | (Type::Int, Type::Link) => true,
            _ => {
                left == right
                    || is_text(left) && is_text(right)
                    || common_number(left, right).is_some()
            }
        };
        if !fits {
            return Err(self.error(
                at,
                format!("a {} does not compare with a {}", left.name(), right.name()),
            ));
        }
        let ordered = !matches!(op, Op::Eq | Op::NotEq);
        for kind in [left, right] {
            if ordered && matches!(kind, Type::Bool | Type::Choice) {
                return Err(self.error(
                    at,
                    format!("a {} has no order for `{}`", kind.name(), op.sign()),
                ));
            }
        }
        match common_number(left, right) {
            Some(kind) => Ok(binary(
                op,
                self.cast(a, kind, places.0)?,
                self.cast(b, kind, places.1)?,
                Type::Bool,
            )),
            None => Ok(binary(op, a, b, Type::Bool)),
        }
    }

    fn membership(&self, x: Raw, items: Vec<Raw>) -> Result<Expr> {
        let at = x.at;
        let mut x = self.expr(x)?;
        let mut literals = Vec::with_capacity(items.len());
        for item in items {
            let place = item.at;
            let literal = self.expr(item)?;
            if !matches!(literal.node, Node::Literal(_)) {
                return Err(self.error(place, "`in` takes a list of literals"));
            }
            let literal = self.fit(literal, &x, place)?;
            let (left, right) = (kind_of(&x), kind_of(&literal));
            let fits = left == right
                || is_text(left) && is_text(right)
                || (left, right) == (Type::Link, Type::Int)
                || common_number(left, right).is_some();
            if !fits {
                return Err(self.error(
                    place,
                    format!("a {} is never a {}", left.name(), right.name()),
                ));
            }
            // `n in (1, 2.5)`: the list decides how n is read.
            if let Some(kind) = common_number(left, right) {
                x = self.cast(x, kind, at)?;
            }
            literals.push((literal, place));
        }
        if literals.is_empty() {
            return Err(self.error(at, "`in` needs at least one value"));
        }
        let kind = kind_of(&x);
        let mut values = Vec::with_capacity(literals.len());
        for (literal, place) in literals {
            let literal = if is_number(kind) {
                self.cast(literal, kind, place)?
            } else {
                literal
            };
            match literal.node {
                Node::Literal(value) => values.push(value),
                _ => unreachable!("a cast of a literal is a literal"),
            }
        }
        Ok(typed(Node::In(Box::new(x), values), Type::Bool))
    }

    fn case(
        &self,
        arms: Vec<(Raw, Raw)>,
        otherwise: Option<Box<Raw>>,
        at: Location,
    ) -> Result<Expr> {
        let mut conditions = Vec::with_capacity(arms.len());
        let mut results = Vec::with_capacity(arms.len() + 1);
        for (when, then) in arms {
            conditions.push(self.wanted(when, Type::Bool, "when")?);
            results.push(then);
        }
        let has_else = otherwise.is_some();
        results.extend(otherwise.map(|x| *x));
        let (mut results, kind) = self.unify(results, at, "case")?;
        let otherwise = if has_else {
            results.pop().map(Box::new)
        } else {
            None
        };
        let arms = conditions.into_iter().zip(results).collect();
        Ok(typed(Node::Case(arms, otherwise), kind))
    }

    fn call(&self, function: Function, args: Vec<Raw>, at: Location) -> Result<Expr> {
        let name = function.name();
        if function == Function::Coalesce {
            if args.len() < 2 {
                return Err(self.error(at, "`coalesce` takes at least two values"));
            }
            let (args, kind) = self.unify(args, at, name)?;
            return Ok(typed(Node::Call(function, args), kind));
        }
        let n_args = args.len();
        let mut args = args.into_iter();
        let (Some(arg), None) = (args.next(), args.next()) else {
            return Err(self.error(at, format!("`{name}` takes one value, not {n_args}")));
        };
        let place = arg.at;
        let (arg, kind) = if function == Function::Abs {
            let arg = self.number(arg, name)?;
            let kind = kind_of(&arg);
            (arg, kind)
        } else {
            let arg = self.expr(arg)?;
            if !is_text(kind_of(&arg)) {
                return Err(self.error(
                    place,
                    format!("`{name}` takes a text, this is a {}", kind_of(&arg).name()),
                ));
            }
            (
                arg,
                if function == Function::Length {
                    Type::Int
                } else {
                    Type::Text
                },
            )
        };
        Ok(typed(Node::Call(function, vec![arg]), kind))
    }

    /// Brings alternatives to one type; nulls among them take it on.
    fn unify(&self, raws: Vec<Raw>, at: Location, by: &str) -> Result<(Vec<Expr>, Type)> {
        let mut kind: Option<Type> = None;
        let mut all = Vec::with_capacity(raws.len());
        for raw in raws {
            let place = raw.at;
            if matches!(raw.node, RawNode::Literal(Value::Null)) {
                all.push((None, place));
                continue;
            }
            let x = self.expr(raw)?;
            let found = kind_of(&x);
            kind = Some(match kind {
                None => found,
                Some(k) if k == found => k,
                Some(k) if is_text(k) && is_text(found) => Type::Text,
                Some(k) => common_number(k, found).ok_or_else(|| {
                    self.error(
                        place,
                        format!("`{by}` mixes a {} with a {}", k.name(), found.name()),
                    )
                })?,
            });
            all.push((Some(x), place));
        }
        let kind = kind.ok_or_else(|| self.error(at, format!("`{by}` has no value but null")))?;
        let mut fitted = Vec::with_capacity(all.len());
        for (x, place) in all {
            fitted.push(match x {
                None => typed(Node::Literal(Value::Null), kind),
                Some(x) if is_number(kind) => self.cast(x, kind, place)?,
                Some(x) => x,
            });
        }
        Ok((fitted, kind))
    }

    /// A text literal beside a date, an instant or a choice becomes one.
    fn fit(&self, x: Expr, beside: &Expr, at: Location) -> Result<Expr> {
        let Node::Literal(Value::Text(text)) = &x.node else {
            return Ok(x);
        };
        match kind_of(beside) {
            Type::Date => {
                let date = parse::date(text).map_err(|m| self.error(at, m))?;
                Ok(typed(Node::Literal(Value::Date(date)), Type::Date))
            }
            Type::Instant => {
                let instant = parse::instant(text).map_err(|m| self.error(at, m))?;
                Ok(typed(Node::Literal(Value::Instant(instant)), Type::Instant))
            }
            Type::Choice => {
                if let Node::Field(path) = &beside.node
                    && let Some(options) = self.scope.options(path)
                    && !options.contains(text)
                {
                    let name = path.join(".");
                    let known = options.join(", ");
                    return Err(self.error(
                        at,
                        format!("field `{name}` has no option `{text}`; it has {known}"),
                    ));
                }
                Ok(x)
            }
            _ => Ok(x),
        }
    }

    /// Changes the number type; a literal changes at once.
    fn cast(&self, x: Expr, to: Type, at: Location) -> Result<Expr> {
        if kind_of(&x) == to {
            return Ok(x);
        }
        let node = match x.node {
            Node::Literal(Value::Int(n)) if to == Type::Decimal => {
                let d = Decimal::from_int(n)
                    .ok_or_else(|| self.error(at, format!("the number {n} is too large")))?;
                Node::Literal(Value::Decimal(d))
            }
            Node::Literal(Value::Int(n)) if to == Type::Float => {
                Node::Literal(Value::Float(n as f64))
            }
            Node::Literal(Value::Decimal(d)) if to == Type::Float => {
                Node::Literal(Value::Float(d.to_f64()))
            }
            _ => Node::Cast(Box::new(x), to),
        };
        Ok(typed(node, to))
    }

    fn error(&self, at: Location, message: impl Into<String>) -> Error {
        parse::error(self.text, at, message)
    }
}

fn typed(node: Node, kind: Type) -> Expr {
    Expr {
        node,
        kind: Some(kind),
    }
}

fn binary(op: Op, a: Expr, b: Expr, kind: Type) -> Expr {
    typed(Node::Binary(op, Box::new(a), Box::new(b)), kind)
}

fn kind_of(x: &Expr) -> Type {
    x.kind
        .expect("only the bare null has no type, and it is no operand")
}

fn literal_type(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Null => return None,
        Value::Text(_) => Type::Text,
        Value::Int(_) => Type::Int,
        Value::Decimal(_) => Type::Decimal,
        Value::Float(_) => Type::Float,
        Value::Bool(_) => Type::Bool,
        Value::Date(_) => Type::Date,
        Value::Instant(_) => Type::Instant,
    })
}

/// A choice is text to every reader.
fn is_text(kind: Type) -> bool {
    matches!(kind, Type::Text | Type::Choice)
}

fn is_number(kind: Type) -> bool {
    matches!(kind, Type::Int | Type::Decimal | Type::Float)
}

/// The number type both become: approximate beats exact beats whole.
fn common_number(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        _ if !is_number(a) || !is_number(b) => None,
        (Type::Float, _) | (_, Type::Float) => Some(Type::Float),
        (Type::Decimal, _) | (_, Type::Decimal) => Some(Type::Decimal),
        _ => Some(Type::Int),
    }
}

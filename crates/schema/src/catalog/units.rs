//! Units of measured things, as far as the fields tell: money is not added to
//! a count, and a count is not shown as money. What cannot be told is let
//! through.

use crate::expr::{Expr, Function, Node, Op};
use crate::metric::Unit;
use crate::value::Type;

/// The unit of an expression; `None` where nothing tells. `field` gives the
/// unit of a path.
pub(super) fn unit_of(
    expr: &Expr,
    field: &dyn Fn(&[String]) -> Option<Unit>,
) -> std::result::Result<Option<Unit>, String> {
    let unit = |x: &Expr| unit_of(x, field);
    match &expr.node {
        Node::Literal(_) => Ok(None),
        Node::Field(path) => Ok(field(path)),
        Node::Not(x) | Node::IsNull(x) | Node::Like(x, _) | Node::In(x, _) => unit(x).map(|_| None),
        Node::Negate(x) | Node::Cast(x, _) => unit(x),
        Node::Binary(op, a, b) => {
            let is_days = expr.kind == Some(Type::Int) && a.kind == Some(Type::Date);
            if is_days {
                return Ok(Some(Unit::Days));
            }
            let (left, right) = (unit(a)?, unit(b)?);
            match op {
                Op::And | Op::Or => Ok(None),
                Op::Mul => Ok(match (left, right) {
                    (Some(Unit::Count | Unit::Pct | Unit::Score), Some(u)) => Some(u),
                    (Some(u), Some(Unit::Count | Unit::Pct | Unit::Score)) => Some(u),
                    (Some(_), Some(_)) => None,
                    (u, None) | (None, u) => u,
                }),
                Op::Div => Ok(match (left, right) {
                    (Some(u), Some(Unit::Count)) if u != Unit::Count => Some(u),
                    (u, None) => u,
                    _ => None,
                }),
                _ => {
                    let same = agree(left, right).map_err(|(a, b)| {
                        format!(
                            "`{}` stands between {} and {}",
                            op.sign(),
                            a.name(),
                            b.name()
                        )
                    })?;
                    Ok(if matches!(op, Op::Add | Op::Sub) {
                        same
                    } else {
                        None
                    })
                }
            }
        }
        Node::Case(arms, otherwise) => {
            let mut all = None;
            for (when, then) in arms {
                unit(when)?;
                all = one_of(all, unit(then)?)?;
            }
            match otherwise {
                Some(x) => one_of(all, unit(x)?),
                None => Ok(all),
            }
        }
        Node::Call(Function::Length, _) => Ok(Some(Unit::Count)),
        Node::Call(_, args) => {
            let mut all = None;
            for arg in args {
                all = one_of(all, unit(arg)?)?;
            }
            Ok(all)
        }
    }
}

/// The units that a quotient of two may have; empty where anything may be.
pub(super) fn ratio_units(num: Unit, den: Unit) -> &'static [Unit] {
    match (num, den) {
        (Unit::Count, Unit::Count) => &[Unit::Pct, Unit::Score, Unit::Count],
        (a, b) if a == b => &[Unit::Pct, Unit::Score],
        (Unit::Money, Unit::Count) => &[Unit::Money],
        (Unit::Days, Unit::Count) => &[Unit::Days],
        _ => &[],
    }
}

/// What a formula over terms is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing tells.
    Unknown,
    /// A number without a unit, which may be shown as a count, a share or a
    /// score.
    Plain,
    Of(Unit),
}

/// The unit of a metric's formula; `term` gives those of its terms. Unlike
/// fields, terms tell their units, so money plus a number is refused.
pub(super) fn derived_kind(
    expr: &Expr,
    term: &dyn Fn(&str) -> Option<Unit>,
) -> std::result::Result<Kind, String> {
    let is_plain = |kind| match kind {
        Kind::Plain => true,
        Kind::Of(unit) => !matches!(unit, Unit::Money | Unit::Days),
        Kind::Unknown => false,
    };
    let name = |kind| match kind {
        Kind::Of(unit) => unit.name(),
        _ => "a plain number",
    };
    match &expr.node {
        Node::Literal(_) if expr.kind.is_some_and(|k| k != Type::Text) => Ok(Kind::Plain),
        Node::Field(path) => Ok(term(&path.join(".")).map_or(Kind::Unknown, Kind::Of)),
        Node::Negate(x) | Node::Cast(x, _) => derived_kind(x, term),
        Node::Binary(op @ (Op::Add | Op::Sub | Op::Mul | Op::Div), a, b) => {
            let (left, right) = (derived_kind(a, term)?, derived_kind(b, term)?);
            match (op, left, right) {
                (_, Kind::Unknown, _) | (_, _, Kind::Unknown) => Ok(Kind::Unknown),
                (Op::Add | Op::Sub, a, b) if a == b => Ok(a),
                (Op::Add | Op::Sub, Kind::Plain, b) if is_plain(b) => Ok(b),
                (Op::Add | Op::Sub, a, Kind::Plain) if is_plain(a) => Ok(a),
                (Op::Add | Op::Sub, a, b) => Err(format!(
                    "`{}` stands between {} and {}",
                    op.sign(),
                    name(a),
                    name(b)
                )),
                (_, a, b) if is_plain(a) && is_plain(b) => Ok(Kind::Plain),
                (_, a, b) if is_plain(b) => Ok(a),
                (Op::Mul, a, b) if is_plain(a) => Ok(b),
                (Op::Div, a, b) if a == b => Ok(Kind::Plain),
                _ => Ok(Kind::Unknown),
            }
        }
        _ => Err("a formula has nothing but numbers, terms and + - * /".to_owned()),
    }
}

fn one_of(a: Option<Unit>, b: Option<Unit>) -> std::result::Result<Option<Unit>, String> {
    agree(a, b).map_err(|(a, b)| format!("the values mix {} and {}", a.name(), b.name()))
}

fn agree(a: Option<Unit>, b: Option<Unit>) -> std::result::Result<Option<Unit>, (Unit, Unit)> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Err((a, b)),
        (a, b) => Ok(a.or(b)),
    }
}

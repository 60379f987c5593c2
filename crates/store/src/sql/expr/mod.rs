//! A checked expression as SQL with bound values, equal in every result to
//! `schema::expr::eval`. Where that would be an overflow, the statement fails;
//! only sums inside a comparison go on, on SQLite with an approximation.

#[cfg(test)]
mod tests;

use keji_schema::expr::{Expr, Function, Node, Op};
use keji_schema::{Type, Value};

use super::{Dialect, Select};
use crate::error::Result;

pub(super) fn sql(select: &mut Select<'_>, expr: &Expr) -> Result<String> {
    let dialect = select.dialect;
    Ok(match &expr.node {
        Node::Literal(value) => literal(select, value, expr.kind),
        Node::Field(path) => select.column(path)?.0,
        Node::Not(x) => format!("(not {})", sql(select, x)?),
        // From zero, so that no float becomes a negative zero.
        Node::Negate(x) => format!("(0 - {})", sql(select, x)?),
        Node::Binary(op, a, b) => {
            let kinds = (a.kind, b.kind);
            let (a, b) = (sql(select, a)?, sql(select, b)?);
            binary(dialect, *op, kinds, &a, &b)
        }
        Node::IsNull(x) => format!("({} is null)", sql(select, x)?),
        Node::In(x, items) => {
            let kind = x.kind;
            let x = sql(select, x)?;
            let items: Vec<String> = items
                .iter()
                .map(|item| literal(select, item, kind))
                .collect();
            format!("({x} in ({}))", items.join(", "))
        }
        Node::Like(x, pattern) => {
            let x = sql(select, x)?;
            match dialect {
                // SQLite's `like` ignores the case of ASCII letters, `glob`
                // does not.
                Dialect::Sqlite => {
                    let pattern = select.bind(Value::Text(glob(pattern)));
                    format!("({x} glob {pattern})")
                }
                Dialect::Postgres => {
                    let pattern = select.bind(Value::Text(pattern.clone()));
                    format!("({x} like {pattern} escape '')")
                }
            }
        }
        Node::Case(arms, otherwise) => {
            let mut text = "(case".to_owned();
            for (when, then) in arms {
                let when = sql(select, when)?;
                let then = sql(select, then)?;
                text.push_str(&format!(" when {when} then {then}"));
            }
            if let Some(otherwise) = otherwise {
                text.push_str(&format!(" else {}", sql(select, otherwise)?));
            }
            text.push_str(" end)");
            text
        }
        Node::Call(function, args) => {
            let args = args
                .iter()
                .map(|arg| sql(select, arg))
                .collect::<Result<Vec<_>>>()?
                .join(", ");
            match function {
                Function::Coalesce => format!("coalesce({args})"),
                Function::Abs => format!("abs({args})"),
                // In "C" only ASCII letters have a case; SQLite knows no others.
                Function::Lower => dialect.pick(
                    format!("lower({args})"),
                    format!("lower(({args}) collate \"C\")"),
                ),
                Function::Upper => dialect.pick(
                    format!("upper({args})"),
                    format!("upper(({args}) collate \"C\")"),
                ),
                Function::Length => {
                    dialect.pick(format!("length({args})"), format!("length({args})::bigint"))
                }
            }
        }
        Node::Cast(x, to) => {
            let from = x.kind;
            let x = sql(select, x)?;
            match (dialect, from, to) {
                (Dialect::Sqlite, Some(Type::Int), Type::Decimal) => format!("({x} * 10000)"),
                (Dialect::Sqlite, Some(Type::Decimal), Type::Float) => format!("({x} / 10000.0)"),
                (Dialect::Sqlite, _, Type::Float) => format!("cast({x} as real)"),
                (Dialect::Sqlite, ..) => x,
                (Dialect::Postgres, _, Type::Decimal) => format!("({x})::numeric"),
                // From ten-thousandths, as `Decimal::to_f64` does it: beyond 53
                // bits the nearest float to the decimal is another one.
                (Dialect::Postgres, Some(Type::Decimal), Type::Float) => {
                    format!("((({x}) * 10000)::double precision / 10000)")
                }
                (Dialect::Postgres, _, Type::Float) => format!("({x})::double precision"),
                (Dialect::Postgres, ..) => x,
            }
        }
    })
}

/// A bound value. PostgreSQL is told the type, so that `null` and lone
/// literals have one.
fn literal(select: &mut Select<'_>, value: &Value, kind: Option<Type>) -> String {
    let bound = select.bind(value.clone());
    match (select.dialect, kind) {
        (Dialect::Postgres, Some(kind)) => {
            // A literal beside a link is a whole number, and so on: the value
            // decides, the expression's type only for null.
            format!(
                "{bound}::{}",
                postgres_type(value_kind(value).unwrap_or(kind))
            )
        }
        _ => bound,
    }
}

fn value_kind(value: &Value) -> Option<Type> {
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

fn postgres_type(kind: Type) -> &'static str {
    match kind {
        Type::Text | Type::Choice => "text",
        Type::Int | Type::Link => "bigint",
        Type::Decimal => "numeric",
        Type::Float => "double precision",
        Type::Bool => "boolean",
        Type::Date => "date",
        Type::Instant => "timestamptz",
    }
}

fn binary(
    dialect: Dialect,
    op: Op,
    (left, right): (Option<Type>, Option<Type>),
    a: &str,
    b: &str,
) -> String {
    match (op, left) {
        (Op::Mul, Some(Type::Decimal)) => return decimal_product(dialect, a, b),
        (Op::Div, Some(Type::Decimal)) => return decimal_quotient(dialect, a, b),
        (Op::Div, _) => return format!("({a} / nullif({b}, 0))"),
        // PostgreSQL counts days in 32 bits.
        (Op::Sub, Some(Type::Date)) if right == Some(Type::Date) => {
            return dialect.pick(format!("({a} - {b})"), format!("({a} - {b})::bigint"));
        }
        (Op::Add | Op::Sub, Some(Type::Date)) => {
            let sign = op.sign();
            return dialect.pick(
                format!("({a} {sign} {b})"),
                format!("({a} {sign} ({b})::int)"),
            );
        }
        _ => {}
    }
    let is_text = matches!(left, Some(Type::Text | Type::Choice));
    let is_ordered = matches!(op, Op::Lt | Op::LtEq | Op::Gt | Op::GtEq);
    if dialect == Dialect::Postgres && is_text && is_ordered {
        // By code point, even where both sides are computed.
        return format!("(({a}) collate \"C\" {} {b})", op.sign());
    }
    format!("({a} {} {b})", op.sign())
}

/// The product of decimals, half away from zero at the fourth place.
fn decimal_product(dialect: Dialect, a: &str, b: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("keji_mul({a}, {b})"),
        Dialect::Postgres => format!("round({a} * {b}, 4)"),
    }
}

/// The quotient of decimals, half away from zero at the fourth place; null for
/// a zero divisor.
fn decimal_quotient(dialect: Dialect, a: &str, b: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("keji_div({a}, {b})"),
        // `div` is exact, `/` rounds at a place of its own choice first.
        Dialect::Postgres => format!(
            "(select sign(x) * sign(y) * div(abs(x) * 20000 + abs(y), 2 * abs(y)) * 0.0001 \
             from (select {a} as x, nullif({b}, 0) as y) as operands)"
        ),
    }
}

/// `%` and `_` as `glob` writes them; what is special there stands for itself.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(c);
                glob.push(']');
            }
            c => glob.push(c),
        }
    }
    glob
}

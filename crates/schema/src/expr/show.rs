//! A checked expression as canonical text of the language: small letters,
//! single spaces, no more parentheses than needed. Reading it again in the
//! same scope gives the same tree.

use std::fmt;

use super::{Expr, Function, Node, Op};
use crate::value::{Type, Value};

impl Op {
    pub fn sign(self) -> &'static str {
        match self {
            Op::Or => "or",
            Op::And => "and",
            Op::Eq => "=",
            Op::NotEq => "<>",
            Op::Lt => "<",
            Op::LtEq => "<=",
            Op::Gt => ">",
            Op::GtEq => ">=",
            Op::Add => "+",
            Op::Sub => "-",
            Op::Mul => "*",
            Op::Div => "/",
        }
    }
}

impl Function {
    pub const ALL: [Function; 5] = [
        Function::Coalesce,
        Function::Abs,
        Function::Lower,
        Function::Upper,
        Function::Length,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Function::Coalesce => "coalesce",
            Function::Abs => "abs",
            Function::Lower => "lower",
            Function::Upper => "upper",
            Function::Length => "length",
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, Level::Or, f)
    }
}

/// How tightly a construct binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Compare,
    Add,
    Mul,
    Minus,
    Atom,
}

fn level(expr: &Expr) -> Level {
    match &expr.node {
        Node::Binary(op, ..) => match op {
            Op::Or => Level::Or,
            Op::And => Level::And,
            Op::Add | Op::Sub => Level::Add,
            Op::Mul | Op::Div => Level::Mul,
            _ => Level::Compare,
        },
        // `is not null`, `not in` and `not like` bind as their positive forms.
        Node::Not(x) if matches!(x.node, Node::IsNull(_) | Node::In(..) | Node::Like(..)) => {
            Level::Compare
        }
        Node::Not(_) => Level::Not,
        Node::IsNull(_) | Node::In(..) | Node::Like(..) => Level::Compare,
        // A second sign in front of it would begin a comment.
        Node::Literal(value) if is_negative(value) => Level::Minus,
        Node::Negate(_) => Level::Minus,
        Node::Cast(x, _) => level(x),
        Node::Literal(_) | Node::Field(_) | Node::Case(..) | Node::Call(..) => Level::Atom,
    }
}

/// Writes `expr` where something at least as tight as `at_least` is needed.
fn show(expr: &Expr, at_least: Level, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if level(expr) < at_least {
        f.write_str("(")?;
        show(expr, Level::Or, f)?;
        return f.write_str(")");
    }
    match &expr.node {
        Node::Literal(value) => literal(value, f),
        Node::Field(path) => f.write_str(&path.join(".")),
        Node::Not(x) => match &x.node {
            Node::IsNull(x) => {
                show(x, Level::Add, f)?;
                f.write_str(" is not null")
            }
            Node::In(x, items) => membership(x, "not in", items, f),
            Node::Like(x, pattern) => matching(x, "not like", pattern, f),
            _ => {
                f.write_str("not ")?;
                show(x, Level::Not, f)
            }
        },
        Node::Negate(x) => {
            f.write_str("-")?;
            show(x, Level::Atom, f)
        }
        Node::Binary(op, a, b) => {
            let (left, right) = match level(expr) {
                Level::Or => (Level::Or, Level::And),
                Level::And => (Level::And, Level::Not),
                Level::Add => (Level::Add, Level::Mul),
                Level::Mul => (Level::Mul, Level::Minus),
                _ => (Level::Add, Level::Add),
            };
            operand(a, b, left, f)?;
            write!(f, " {} ", op.sign())?;
            operand(b, a, right, f)
        }
        Node::IsNull(x) => {
            show(x, Level::Add, f)?;
            f.write_str(" is null")
        }
        Node::In(x, items) => membership(x, "in", items, f),
        Node::Like(x, pattern) => matching(x, "like", pattern, f),
        Node::Case(arms, otherwise) => {
            f.write_str("case")?;
            for (when, then) in arms {
                f.write_str(" when ")?;
                show(when, Level::Or, f)?;
                f.write_str(" then ")?;
                show(then, Level::Or, f)?;
            }
            if let Some(x) = otherwise {
                f.write_str(" else ")?;
                show(x, Level::Or, f)?;
            }
            f.write_str(" end")
        }
        Node::Call(function, args) => {
            write!(f, "{}(", function.name())?;
            for (i, arg) in args.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                show(arg, Level::Or, f)?;
            }
            f.write_str(")")
        }
        // Reading puts it back.
        Node::Cast(x, _) => show(x, at_least, f),
    }
}

/// A whole decimal beside a decimal is written without its point, because the
/// neighbour makes it one again: `gross_amount > 0`.
fn operand(x: &Expr, beside: &Expr, at_least: Level, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let decides = beside.kind == Some(Type::Decimal)
        && !matches!(beside.node, Node::Literal(_) | Node::Cast(..));
    match &x.node {
        Node::Literal(Value::Decimal(d)) if decides => write!(f, "{d}"),
        _ => show(x, at_least, f),
    }
}

fn membership(x: &Expr, word: &str, items: &[Value], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    show(x, Level::Add, f)?;
    write!(f, " {word} (")?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        literal(item, f)?;
    }
    f.write_str(")")
}

fn matching(x: &Expr, word: &str, pattern: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    show(x, Level::Add, f)?;
    write!(f, " {word} {}", quoted(pattern))
}

fn literal(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Text(t) => f.write_str(&quoted(t)),
        Value::Int(n) => write!(f, "{n}"),
        Value::Decimal(d) => {
            let text = d.to_string();
            let point = if text.contains('.') { "" } else { ".0" };
            write!(f, "{text}{point}")
        }
        Value::Float(x) => write!(f, "{x}"),
        Value::Bool(b) => write!(f, "{b}"),
        Value::Date(d) => write!(f, "date '{d}'"),
        Value::Instant(t) => write!(f, "timestamp '{t}'"),
    }
}

fn is_negative(value: &Value) -> bool {
    match value {
        Value::Int(n) => *n < 0,
        Value::Decimal(d) => d.is_negative(),
        Value::Float(x) => *x < 0.0,
        _ => false,
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

//! A checked expression on one record. This reading is the one the other two
//! are tested against; it knows no storage and no clock.

use std::cmp::Ordering;

use jiff::Span;

use super::{Expr, Function, Node, Op};
use crate::calendar::days_between;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::value::{Type, Value};

/// The value of `expr`; `field` gives the value of a path and must give the
/// type that the scope promised for it, or null.
///
/// Null in, null out, except `and`, `or`, `is null`, `coalesce` and `case`,
/// which follow SQL. A result outside the range of its type is an error, never
/// a wrapped or rounded number.
pub fn eval(expr: &Expr, field: &dyn Fn(&[String]) -> Value) -> Result<Value> {
    match &expr.node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Field(path) => Ok(field(path)),
        Node::Not(x) => match eval(x, field)? {
            Value::Bool(b) => Ok(Value::Bool(!b)),
            other => null_or_wrong(other, Type::Bool),
        },
        Node::Negate(x) => negate(expr, eval(x, field)?),
        Node::Binary(op @ (Op::And | Op::Or), a, b) => logic(*op, a, b, field),
        Node::Binary(op, a, b) => {
            let (a, b) = (eval(a, field)?, eval(b, field)?);
            if a.is_null() || b.is_null() {
                return Ok(Value::Null);
            }
            match op {
                Op::Add | Op::Sub | Op::Mul | Op::Div => arithmetic(expr, *op, a, b),
                _ => compare(*op, &a, &b),
            }
        }
        Node::IsNull(x) => Ok(Value::Bool(eval(x, field)?.is_null())),
        Node::In(x, items) => {
            let x = eval(x, field)?;
            if x.is_null() {
                return Ok(Value::Null);
            }
            for item in items {
                if compare(Op::Eq, &x, item)? == Value::Bool(true) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Node::Like(x, pattern) => match eval(x, field)? {
            Value::Text(text) => Ok(Value::Bool(like(&text, pattern))),
            other => null_or_wrong(other, Type::Text),
        },
        Node::Case(arms, otherwise) => {
            for (when, then) in arms {
                if eval(when, field)? == Value::Bool(true) {
                    return eval(then, field);
                }
            }
            otherwise
                .as_ref()
                .map_or(Ok(Value::Null), |x| eval(x, field))
        }
        Node::Call(function, args) => call(expr, *function, args, field),
        Node::Cast(x, to) => cast(expr, eval(x, field)?, *to),
    }
}

/// False and anything is false, true or anything is true, even beside a null.
fn logic(op: Op, a: &Expr, b: &Expr, field: &dyn Fn(&[String]) -> Value) -> Result<Value> {
    let decides = op == Op::Or;
    let mut is_unknown = false;
    for side in [a, b] {
        match eval(side, field)? {
            Value::Bool(value) if value == decides => return Ok(Value::Bool(decides)),
            Value::Bool(_) => {}
            Value::Null => is_unknown = true,
            other => return null_or_wrong(other, Type::Bool),
        }
    }
    Ok(if is_unknown {
        Value::Null
    } else {
        Value::Bool(!decides)
    })
}

fn negate(expr: &Expr, value: Value) -> Result<Value> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Int(n) => n
            .checked_neg()
            .map(Value::Int)
            .ok_or_else(|| overflow(expr)),
        Value::Decimal(d) => d
            .checked_neg()
            .map(Value::Decimal)
            .ok_or_else(|| overflow(expr)),
        // From zero, so that there is no negative zero: engines differ on it.
        Value::Float(x) => Ok(Value::Float(0.0 - x)),
        other => null_or_wrong(other, Type::Decimal),
    }
}

fn arithmetic(expr: &Expr, op: Op, a: Value, b: Value) -> Result<Value> {
    let result = match (a, b) {
        (Value::Int(a), Value::Int(b)) => match op {
            Op::Add => a.checked_add(b),
            Op::Sub => a.checked_sub(b),
            Op::Mul => a.checked_mul(b),
            _ => return Err(wrong(&Value::Int(a), Type::Decimal)),
        }
        .map(Value::Int),
        (Value::Decimal(_), Value::Decimal(Decimal::ZERO)) if op == Op::Div => {
            return Ok(Value::Null);
        }
        (Value::Decimal(a), Value::Decimal(b)) => match op {
            Op::Add => a.checked_add(b),
            Op::Sub => a.checked_sub(b),
            Op::Mul => a.checked_mul(b),
            _ => a.checked_div(b),
        }
        .map(Value::Decimal),
        (Value::Float(_), Value::Float(0.0)) if op == Op::Div => return Ok(Value::Null),
        (Value::Float(a), Value::Float(b)) => {
            let x = match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                _ => a / b,
            };
            // Adding zero turns a negative zero into zero.
            x.is_finite().then_some(Value::Float(x + 0.0))
        }
        (Value::Date(a), Value::Date(b)) => Some(Value::Int(i64::from(days_between(b, a)))),
        (Value::Date(a), Value::Int(n)) => {
            let n = if op == Op::Sub {
                n.checked_neg()
            } else {
                Some(n)
            };
            n.and_then(|n| a.checked_add(Span::new().try_days(n).ok()?).ok())
                .map(Value::Date)
        }
        (a, _) => return Err(wrong(&a, Type::Decimal)),
    };
    result.ok_or_else(|| overflow(expr))
}

fn compare(op: Op, a: &Value, b: &Value) -> Result<Value> {
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a
            .partial_cmp(b)
            .ok_or_else(|| wrong(&Value::Float(*a), Type::Float))?,
        // Rust compares the bytes of UTF-8, which is the order of code points.
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Instant(a), Value::Instant(b)) => a.cmp(b),
        (a, _) => return Err(wrong(a, Type::Text)),
    };
    Ok(Value::Bool(match op {
        Op::Eq => order == Ordering::Equal,
        Op::NotEq => order != Ordering::Equal,
        Op::Lt => order == Ordering::Less,
        Op::LtEq => order != Ordering::Greater,
        Op::Gt => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }))
}

fn call(
    expr: &Expr,
    function: Function,
    args: &[Expr],
    field: &dyn Fn(&[String]) -> Value,
) -> Result<Value> {
    if function == Function::Coalesce {
        for arg in args {
            let value = eval(arg, field)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        return Ok(Value::Null);
    }
    let value = match args {
        [arg] => eval(arg, field)?,
        _ => Value::Null,
    };
    match (function, value) {
        (_, Value::Null) => Ok(Value::Null),
        (Function::Abs, Value::Int(n)) => n
            .checked_abs()
            .map(Value::Int)
            .ok_or_else(|| overflow(expr)),
        (Function::Abs, Value::Decimal(d)) => {
            let d = if d.is_negative() {
                d.checked_neg()
            } else {
                Some(d)
            };
            d.map(Value::Decimal).ok_or_else(|| overflow(expr))
        }
        (Function::Abs, Value::Float(x)) => Ok(Value::Float(x.abs())),
        (Function::Lower, Value::Text(t)) => Ok(Value::Text(t.to_ascii_lowercase())),
        (Function::Upper, Value::Text(t)) => Ok(Value::Text(t.to_ascii_uppercase())),
        (Function::Length, Value::Text(t)) => Ok(Value::Int(t.chars().count() as i64)),
        (_, other) => null_or_wrong(other, Type::Text),
    }
}

fn cast(expr: &Expr, value: Value, to: Type) -> Result<Value> {
    match (value, to) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::Int(n), Type::Decimal) => Decimal::from_int(n)
            .map(Value::Decimal)
            .ok_or_else(|| overflow(expr)),
        (Value::Int(n), Type::Float) => Ok(Value::Float(n as f64)),
        (Value::Decimal(d), Type::Float) => Ok(Value::Float(d.to_f64())),
        (other, to) => null_or_wrong(other, to),
    }
}

/// `%` is any run of characters, `_` any one; there is no escape.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut t, mut p) = (0, 0);
    // Where the last `%` stood and how much of the text it has taken so far.
    let mut last_run: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                last_run = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '_' || c == text[t] => {
                t += 1;
                p += 1;
            }
            _ => {
                let Some((run, taken)) = last_run else {
                    return false;
                };
                last_run = Some((run, taken + 1));
                p = run + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

fn null_or_wrong(value: Value, wanted: Type) -> Result<Value> {
    if value.is_null() {
        Ok(value)
    } else {
        Err(wrong(&value, wanted))
    }
}

/// The record gave another type than its scope promised.
fn wrong(value: &Value, wanted: Type) -> Error {
    Error::Value {
        text: format!("{value:?}"),
        wanted: wanted.name(),
    }
}

fn overflow(expr: &Expr) -> Error {
    Error::Overflow(expr.to_string())
}

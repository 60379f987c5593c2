//! A checked expression as a DataFusion physical expression, with exactly the
//! results of `keji_schema::expr::eval`. It must not know metrics or tables:
//! names are columns of the schema it is given.
//!
//! Decimals keep four places. A product is rounded half away from zero from
//! its eight exact places; a quotient is cut at eight places and then rounded,
//! which is the same as rounding the exact quotient, because cutting keeps the
//! fifth place that decides.

#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, IsNullExpr, LikeExpr, Literal, NegativeExpr, NotExpr,
    in_list, is_not_null,
};
use keji_schema::calendar::epoch_days;
use keji_schema::expr::{Expr, Function, Node, Op};
use keji_schema::{Type, Value};

use crate::error::Result;

pub(crate) type Physical = Arc<dyn PhysicalExpr>;

/// Four places; wide enough for every decimal and every whole number.
pub(crate) const DECIMAL: DataType = DataType::Decimal128(38, 4);

/// Compiles an expression over the columns of `schema`; a field path is the
/// column named by the path joined with dots.
pub fn physical(expr: &Expr, schema: &Schema) -> Result<Physical> {
    Compiler { schema }.compile(expr)
}

/// A value as a constant, null of the type the value has no part in.
pub(crate) fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Null => ScalarValue::Null,
        Value::Text(t) => ScalarValue::Utf8(Some(t.clone())),
        Value::Int(n) => ScalarValue::Int64(Some(*n)),
        Value::Decimal(d) => ScalarValue::Decimal128(Some(i128::from(d.units())), 38, 4),
        Value::Float(x) => ScalarValue::Float64(Some(*x)),
        Value::Bool(b) => ScalarValue::Boolean(Some(*b)),
        Value::Date(d) => ScalarValue::Date32(Some(epoch_days(*d))),
        Value::Instant(t) => {
            ScalarValue::TimestampMicrosecond(Some(t.as_microsecond()), Some("UTC".into()))
        }
    }
}

pub(crate) fn literal(value: &Value) -> Physical {
    Arc::new(Literal::new(scalar(value)))
}

pub(crate) fn binary(left: Physical, op: Operator, right: Physical) -> Physical {
    // Whole numbers must not wrap around: an error is better than a wrong sum.
    Arc::new(BinaryExpr::new(left, op, right).with_fail_on_overflow(true))
}

pub(crate) fn cast(expr: Physical, to: DataType) -> Physical {
    Arc::new(CastExpr::new(expr, to, None))
}

struct Compiler<'a> {
    schema: &'a Schema,
}

impl Compiler<'_> {
    fn compile(&self, expr: &Expr) -> Result<Physical> {
        Ok(match &expr.node {
            Node::Literal(Value::Null) => {
                Arc::new(Literal::new(null_of(expr.kind.map(arrow_type))?))
            }
            Node::Literal(value) => literal(value),
            Node::Field(path) => {
                let name = path.join(".");
                let index = self.schema.index_of(&name)?;
                Arc::new(Column::new(&name, index))
            }
            Node::Not(x) => Arc::new(NotExpr::new(self.typed(x, &DataType::Boolean)?)),
            Node::Negate(x) => {
                let x = self.compile(x)?;
                match self.type_of(&x)? {
                    // From zero, so that there is no negative zero.
                    DataType::Float64 => binary(float(0.0), Operator::Minus, x),
                    _ => Arc::new(NegativeExpr::new(x)),
                }
            }
            Node::Binary(op, a, b) => self.binary(*op, a, b)?,
            Node::IsNull(x) => Arc::new(IsNullExpr::new(self.compile(x)?)),
            Node::In(x, items) => {
                let x = self.compile(x)?;
                let kind = self.type_of(&x)?;
                let list = items
                    .iter()
                    .map(|v| constant(v, &kind))
                    .collect::<Result<_>>()?;
                in_list(x, list, &false, self.schema)?
            }
            Node::Like(x, pattern) => {
                // Arrow reads a backslash as an escape; the language has none.
                let pattern = literal(&Value::Text(pattern.replace('\\', "\\\\")));
                let x = self.typed(x, &DataType::Utf8)?;
                Arc::new(LikeExpr::new(false, false, x, pattern))
            }
            Node::Case(arms, otherwise) => self.case(expr, arms, otherwise.as_deref())?,
            Node::Call(function, args) => self.call(expr, *function, args)?,
            Node::Cast(x, to) => {
                let x = self.compile(x)?;
                let to = match (self.type_of(&x)?, to) {
                    (DataType::Decimal128(..), Type::Decimal) => return Ok(x),
                    (DataType::Int64, Type::Decimal) => DataType::Decimal128(23, 4),
                    (_, to) => arrow_type(*to),
                };
                cast(x, to)
            }
        })
    }

    fn binary(&self, op: Op, a: &Expr, b: &Expr) -> Result<Physical> {
        let dates = |x: &Expr| x.kind == Some(Type::Date);
        match op {
            Op::And | Op::Or => {
                let op = if op == Op::And {
                    Operator::And
                } else {
                    Operator::Or
                };
                let a = self.typed(a, &DataType::Boolean)?;
                Ok(binary(a, op, self.typed(b, &DataType::Boolean)?))
            }
            Op::Sub if dates(a) && dates(b) => {
                Ok(binary(self.days(a)?, Operator::Minus, self.days(b)?))
            }
            Op::Add | Op::Sub if dates(a) || dates(b) => {
                let (date, n) = if dates(a) { (a, b) } else { (b, a) };
                let op = if op == Op::Add {
                    Operator::Plus
                } else {
                    Operator::Minus
                };
                let days = binary(self.days(date)?, op, self.typed(n, &DataType::Int64)?);
                Ok(cast(cast(days, DataType::Int32), DataType::Date32))
            }
            _ => {
                let (a, b) = self.alike(a, b)?;
                self.arithmetic(op, a, b)
            }
        }
    }

    /// Both sides have one type, up to the precision of a decimal.
    fn arithmetic(&self, op: Op, a: Physical, b: Physical) -> Result<Physical> {
        let decimal = matches!(self.type_of(&a)?, DataType::Decimal128(..));
        let operator = match op {
            Op::Eq => Operator::Eq,
            Op::NotEq => Operator::NotEq,
            Op::Lt => Operator::Lt,
            Op::LtEq => Operator::LtEq,
            Op::Gt => Operator::Gt,
            Op::GtEq => Operator::GtEq,
            Op::Add => Operator::Plus,
            Op::Sub => Operator::Minus,
            Op::Mul => {
                return self.rounded(binary(a, Operator::Multiply, b));
            }
            Op::Div => {
                // A null divisor gives null; a zero one is made null first.
                let zero = constant(&zero_of(&self.type_of(&b)?), &self.type_of(&b)?)?;
                let not_zero = binary(b.clone(), Operator::NotEq, zero);
                let divisor = Arc::new(CaseExpr::try_new(None, vec![(not_zero, b)], None)?);
                return self.rounded(binary(a, Operator::Divide, divisor));
            }
            Op::And | Op::Or => unreachable!("handled by the caller"),
        };
        let compares = !matches!(op, Op::Add | Op::Sub);
        if decimal && compares && self.type_of(&a)? != self.type_of(&b)? {
            return Ok(binary(cast(a, DECIMAL), operator, cast(b, DECIMAL)));
        }
        Ok(binary(a, operator, b))
    }

    /// A product or quotient back to four places; a float without the sign of
    /// a zero.
    fn rounded(&self, x: Physical) -> Result<Physical> {
        Ok(match self.type_of(&x)? {
            DataType::Decimal128(..) => cast(x, DECIMAL),
            DataType::Float64 => binary(x, Operator::Plus, float(0.0)),
            _ => x,
        })
    }

    fn case(
        &self,
        whole: &Expr,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<Physical> {
        let kind = whole.kind.map(arrow_type);
        let arms = arms
            .iter()
            .map(|(when, then)| {
                Ok((
                    self.typed(when, &DataType::Boolean)?,
                    self.maybe(then, kind.as_ref())?,
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let otherwise = otherwise
            .map(|x| self.maybe(x, kind.as_ref()))
            .transpose()?;
        Ok(Arc::new(CaseExpr::try_new(None, arms, otherwise)?))
    }

    fn call(&self, whole: &Expr, function: Function, args: &[Expr]) -> Result<Physical> {
        match function {
            Function::Coalesce => {
                let kind = whole.kind.map(arrow_type);
                let mut args = args
                    .iter()
                    .map(|x| self.maybe(x, kind.as_ref()))
                    .collect::<Result<Vec<_>>>()?;
                let last = args.pop();
                let arms = args.into_iter().map(|x| Ok((is_not_null(x.clone())?, x)));
                let arms = arms.collect::<Result<Vec<_>>>()?;
                match (arms.is_empty(), last) {
                    (true, Some(only)) => Ok(only),
                    (_, last) => Ok(Arc::new(CaseExpr::try_new(None, arms, last)?)),
                }
            }
            Function::Abs => {
                let x = self.compile(&args[0])?;
                let kind = self.type_of(&x)?;
                let zero = constant(&zero_of(&kind), &kind)?;
                let negative = binary(x.clone(), Operator::Lt, zero);
                let minus: Physical = Arc::new(NegativeExpr::new(x.clone()));
                Ok(Arc::new(CaseExpr::try_new(
                    None,
                    vec![(negative, minus)],
                    Some(x),
                )?))
            }
            Function::Lower | Function::Upper | Function::Length => {
                let x = self.typed(&args[0], &DataType::Utf8)?;
                text::call(function, x, self.schema)
            }
        }
    }

    /// Two operands of the same kind; a constant takes the type of the other
    /// side, so that a column is not converted for it.
    fn alike(&self, a: &Expr, b: &Expr) -> Result<(Physical, Physical)> {
        let constant_of = |x: &Expr| match &x.node {
            Node::Literal(v) => Some(v.clone()),
            _ => None,
        };
        match (constant_of(a), constant_of(b)) {
            (Some(v), None) => {
                let b = self.compile(b)?;
                Ok((constant(&v, &self.type_of(&b)?)?, b))
            }
            (None, Some(v)) => {
                let a = self.compile(a)?;
                let b = constant(&v, &self.type_of(&a)?)?;
                Ok((a, b))
            }
            _ => {
                let kind = a.kind.or(b.kind).map(arrow_type);
                match kind {
                    Some(kind) if a.kind.is_none() || b.kind.is_none() => {
                        Ok((self.typed(a, &kind)?, self.typed(b, &kind)?))
                    }
                    _ => Ok((self.compile(a)?, self.compile(b)?)),
                }
            }
        }
    }

    fn maybe(&self, expr: &Expr, kind: Option<&DataType>) -> Result<Physical> {
        match kind {
            Some(kind) => self.typed(expr, kind),
            None => self.compile(expr),
        }
    }

    /// The expression with exactly this type; the bare null takes it.
    fn typed(&self, expr: &Expr, kind: &DataType) -> Result<Physical> {
        if let Node::Literal(value) = &expr.node {
            return constant(value, kind);
        }
        let compiled = self.compile(expr)?;
        Ok(if self.type_of(&compiled)? == *kind {
            compiled
        } else {
            cast(compiled, kind.clone())
        })
    }

    fn days(&self, expr: &Expr) -> Result<Physical> {
        Ok(cast(
            cast(self.typed(expr, &DataType::Date32)?, DataType::Int32),
            DataType::Int64,
        ))
    }

    fn type_of(&self, expr: &Physical) -> Result<DataType> {
        Ok(expr.data_type(self.schema)?)
    }
}

fn float(x: f64) -> Physical {
    literal(&Value::Float(x))
}

/// A constant of exactly this type.
fn constant(value: &Value, kind: &DataType) -> Result<Physical> {
    let scalar = match (value, kind) {
        (Value::Null, kind) => null_of(Some(kind.clone()))?,
        (Value::Decimal(d), DataType::Decimal128(p, s)) => {
            ScalarValue::Decimal128(Some(i128::from(d.units())), *p, *s)
        }
        (value, kind) => {
            let scalar = scalar(value);
            if scalar.data_type() == *kind {
                scalar
            } else {
                scalar.cast_to(kind)?
            }
        }
    };
    Ok(Arc::new(Literal::new(scalar)))
}

fn null_of(kind: Option<DataType>) -> Result<ScalarValue> {
    match kind {
        Some(kind) => Ok(ScalarValue::try_from(&kind)?),
        None => Ok(ScalarValue::Null),
    }
}

fn zero_of(kind: &DataType) -> Value {
    match kind {
        DataType::Decimal128(..) => Value::Decimal(keji_schema::Decimal::ZERO),
        DataType::Float64 => Value::Float(0.0),
        _ => Value::Int(0),
    }
}

/// As the copy stores it.
pub(crate) fn arrow_type(kind: Type) -> DataType {
    match kind {
        Type::Text | Type::Choice => DataType::Utf8,
        Type::Int | Type::Link => DataType::Int64,
        Type::Decimal => DECIMAL,
        Type::Float => DataType::Float64,
        Type::Bool => DataType::Boolean,
        Type::Date => DataType::Date32,
        Type::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

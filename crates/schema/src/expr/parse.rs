//! Text to an untyped tree, by `sqlparser`. It knows which constructs are in
//! the language and how large a tree may be; it knows no names and no types.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlparser::ast::{
    self, BinaryOperator, DataType, Expr as Sql, FunctionArg, FunctionArgExpr, FunctionArguments,
    Spanned, TimezoneInfo, UnaryOperator,
};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::{Function, Op};
use crate::decimal::SCALE;
use crate::error::{Error, Result};
use crate::value::Value;

const MAX_NODES: usize = 100;
const MAX_LEVELS: usize = 32;
/// More cannot be a tree of 100 nodes. It is checked before the tree is made,
/// whose depth would otherwise grow with the text.
const MAX_TOKENS: usize = 400;
/// How deep parentheses and prefixes may stand in each other. The parser takes
/// up to 90 kB of stack for each in an unoptimised build, and a thread has 2 MB.
const MAX_NESTING: usize = 16;

/// An expression before names and types are known.
pub(super) struct Raw {
    pub at: Location,
    pub node: RawNode,
}

pub(super) enum RawNode {
    Literal(Value),
    Field(Vec<String>),
    Not(Box<Raw>),
    Negate(Box<Raw>),
    Binary(Op, Box<Raw>, Box<Raw>),
    IsNull(Box<Raw>),
    In(Box<Raw>, Vec<Raw>),
    Like(Box<Raw>, String),
    Case(Vec<(Raw, Raw)>, Option<Box<Raw>>),
    Call(Function, Vec<Raw>),
}

pub(super) fn parse(text: &str) -> Result<Raw> {
    let tokens = Tokenizer::new(&Language, text)
        .tokenize_with_location()
        .map_err(|e| syntax_error(text, e.into()))?;
    if tokens
        .iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_)))
        .count()
        > MAX_TOKENS
    {
        return Err(too_large(text));
    }
    let mut parser = Parser::new(&Language)
        .with_recursion_limit(MAX_NESTING)
        .with_tokens_with_locations(tokens);
    let sql = parser.parse_expr().map_err(|e| syntax_error(text, e))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let message = format!("expected the end, found `{}`", rest.token);
        return Err(error(text, rest.span.start, message));
    }
    Lower { text, n_nodes: 0 }.expr(&sql, 1)
}

/// An expression error that names its place in the text.
pub(super) fn error(text: &str, at: Location, message: impl Into<String>) -> Error {
    let message = message.into();
    let message = match (at.line, at.column) {
        (0, _) => message,
        (1, column) => format!("column {column}: {message}"),
        (line, column) => format!("line {line}, column {column}: {message}"),
    };
    Error::Expression {
        text: shortened(text),
        message,
    }
}

fn syntax_error(text: &str, e: ParserError) -> Error {
    let message = match e {
        ParserError::RecursionLimitExceeded => return too_deep(text),
        ParserError::ParserError(m) | ParserError::TokenizerError(m) => m,
    };
    // The parser writes the place behind its message.
    let (said, at) = match message.split_once(" at Line: ") {
        Some((said, place)) => {
            let (line, column) = place.split_once(", Column: ").unwrap_or((place, ""));
            let at = Location {
                line: line.parse().unwrap_or(0),
                column: column.trim().parse().unwrap_or(0),
            };
            (said.to_owned(), at)
        }
        None => (message, Location { line: 0, column: 0 }),
    };
    let said = said
        .replacen("Expected: ", "expected ", 1)
        .replacen("found: EOF", "found the end", 1)
        .replacen("found: ", "found ", 1);
    error(text, at, said)
}

fn too_deep(text: &str) -> Error {
    Error::Expression {
        text: shortened(text),
        message: format!(
            "the expression is deeper than {MAX_LEVELS} levels or {MAX_NESTING} parentheses"
        ),
    }
}

fn too_large(text: &str) -> Error {
    Error::Expression {
        text: shortened(text),
        message: format!("the expression has more than {MAX_NODES} nodes"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The lexical rules: plain names, text in single quotes, nothing else.
#[derive(Debug)]
struct Language;

impl Dialect for Language {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_ascii_alphanumeric() || c == '_'
    }

    fn is_delimited_identifier_start(&self, _: char) -> bool {
        false
    }
}

/// Where an expression begins. Walks down the left side itself, because
/// [`Spanned`] visits the whole tree, and takes much stack for it.
fn place(mut sql: &Sql) -> Location {
    loop {
        sql = match sql {
            Sql::BinaryOp { left: x, .. }
            | Sql::InList { expr: x, .. }
            | Sql::Between { expr: x, .. }
            | Sql::Like { expr: x, .. }
            | Sql::UnaryOp { expr: x, .. }
            | Sql::Nested(x)
            | Sql::IsNull(x)
            | Sql::IsNotNull(x) => x,
            Sql::Function(call) => return call.name.span().start,
            Sql::Case { case_token, .. } => return case_token.0.span.start,
            other => return other.span().start,
        };
    }
}

struct Lower<'a> {
    text: &'a str,
    n_nodes: usize,
}

impl Lower<'_> {
    fn expr(&mut self, sql: &Sql, level: usize) -> Result<Raw> {
        if let Sql::Nested(inner) = sql {
            return self.expr(inner, level);
        }
        self.count()?;
        if level > MAX_LEVELS {
            return Err(too_deep(self.text));
        }
        let at = place(sql);
        let node = match sql {
            Sql::Identifier(name) => RawNode::Field(vec![name.value.clone()]),
            Sql::CompoundIdentifier(names) => {
                RawNode::Field(names.iter().map(|n| n.value.clone()).collect())
            }
            Sql::Value(value) => RawNode::Literal(self.literal(&value.value, at, "")?),
            Sql::TypedString(typed) => RawNode::Literal(self.typed(typed, at)?),
            Sql::UnaryOp { op, expr } => self.unary(*op, expr, at, level)?,
            Sql::BinaryOp { left, op, right } => {
                let op = self.operator(op, at)?;
                let left = self.expr(left, level + 1)?;
                RawNode::Binary(op, Box::new(left), self.boxed(right, level)?)
            }
            Sql::IsNull(x) => RawNode::IsNull(self.boxed(x, level)?),
            Sql::IsNotNull(x) => {
                let inner = RawNode::IsNull(self.boxed(x, level + 1)?);
                self.not(true, inner, at)?
            }
            Sql::InList {
                expr,
                list,
                negated,
            } => {
                let x = self.boxed(expr, level + usize::from(*negated))?;
                let items = list
                    .iter()
                    .map(|item| self.expr(item, level + 1))
                    .collect::<Result<_>>()?;
                self.not(*negated, RawNode::In(x, items), at)?
            }
            Sql::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let level = level + usize::from(*negated);
                let side = |this: &mut Self, op, bound| -> Result<Box<Raw>> {
                    this.count()?;
                    let x = this.boxed(expr, level + 1)?;
                    let bound = this.boxed(bound, level + 1)?;
                    Ok(Box::new(Raw {
                        at,
                        node: RawNode::Binary(op, x, bound),
                    }))
                };
                let low = side(self, Op::GtEq, low)?;
                let high = side(self, Op::LtEq, high)?;
                self.not(*negated, RawNode::Binary(Op::And, low, high), at)?
            }
            Sql::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => {
                let x = self.boxed(expr, level + usize::from(*negated))?;
                let pattern = self.pattern(pattern)?;
                self.not(*negated, RawNode::Like(x, pattern), at)?
            }
            Sql::Case {
                operand: None,
                conditions,
                else_result,
                ..
            } => {
                let mut arms = Vec::with_capacity(conditions.len());
                for arm in conditions {
                    let when = self.expr(&arm.condition, level + 1)?;
                    arms.push((when, self.expr(&arm.result, level + 1)?));
                }
                let otherwise = match else_result {
                    Some(x) => Some(self.boxed(x, level)?),
                    None => None,
                };
                RawNode::Case(arms, otherwise)
            }
            Sql::Case {
                operand: Some(_), ..
            } => {
                return Err(error(
                    self.text,
                    at,
                    "`case` takes conditions: write `case when x = 1 then …`",
                ));
            }
            Sql::Function(call) => self.call(call, at, level)?,
            other => return Err(self.foreign(at, &other.to_string())),
        };
        Ok(Raw { at, node })
    }

    fn count(&mut self) -> Result<()> {
        self.n_nodes += 1;
        if self.n_nodes > MAX_NODES {
            return Err(too_large(self.text));
        }
        Ok(())
    }

    fn boxed(&mut self, sql: &Sql, level: usize) -> Result<Box<Raw>> {
        self.expr(sql, level + 1).map(Box::new)
    }

    fn not(&mut self, negated: bool, node: RawNode, at: Location) -> Result<RawNode> {
        if !negated {
            return Ok(node);
        }
        self.count()?;
        Ok(RawNode::Not(Box::new(Raw { at, node })))
    }

    fn unary(&mut self, op: UnaryOperator, x: &Sql, at: Location, level: usize) -> Result<RawNode> {
        match op {
            UnaryOperator::Not => Ok(RawNode::Not(self.boxed(x, level)?)),
            UnaryOperator::Minus => {
                let mut inner = x;
                while let Sql::Nested(within) = inner {
                    inner = within;
                }
                match inner {
                    Sql::Value(value) if matches!(value.value, ast::Value::Number(..)) => {
                        Ok(RawNode::Literal(self.literal(&value.value, at, "-")?))
                    }
                    _ => {
                        let x = self.boxed(x, level)?;
                        let folded = match &x.node {
                            RawNode::Literal(Value::Int(n)) => n.checked_neg().map(Value::Int),
                            RawNode::Literal(Value::Decimal(d)) => {
                                d.checked_neg().map(Value::Decimal)
                            }
                            _ => None,
                        };
                        Ok(folded.map_or(RawNode::Negate(x), RawNode::Literal))
                    }
                }
            }
            other => Err(self.foreign(at, &other.to_string())),
        }
    }

    fn operator(&self, op: &BinaryOperator, at: Location) -> Result<Op> {
        Ok(match op {
            BinaryOperator::Or => Op::Or,
            BinaryOperator::And => Op::And,
            BinaryOperator::Eq => Op::Eq,
            BinaryOperator::NotEq => Op::NotEq,
            BinaryOperator::Lt => Op::Lt,
            BinaryOperator::LtEq => Op::LtEq,
            BinaryOperator::Gt => Op::Gt,
            BinaryOperator::GtEq => Op::GtEq,
            BinaryOperator::Plus => Op::Add,
            BinaryOperator::Minus => Op::Sub,
            BinaryOperator::Multiply => Op::Mul,
            BinaryOperator::Divide => Op::Div,
            other => return Err(self.foreign(at, &other.to_string())),
        })
    }

    /// `sign` is `-` in front of a number, otherwise empty.
    fn literal(&self, value: &ast::Value, at: Location, sign: &str) -> Result<Value> {
        match value {
            ast::Value::Null => Ok(Value::Null),
            ast::Value::Boolean(b) => Ok(Value::Bool(*b)),
            ast::Value::SingleQuotedString(s) => Ok(Value::Text(s.clone())),
            ast::Value::DoubleQuotedString(_) => {
                Err(error(self.text, at, "text stands in single quotes: 'text'"))
            }
            ast::Value::Number(digits, false) => self.number(&format!("{sign}{digits}"), at),
            other => Err(self.foreign(at, &other.to_string())),
        }
    }

    fn number(&self, digits: &str, at: Location) -> Result<Value> {
        let too_large = || error(self.text, at, format!("the number {digits} is too large"));
        if digits.contains(['e', 'E']) {
            return Err(error(
                self.text,
                at,
                format!("write {digits} without an exponent"),
            ));
        }
        match digits.split_once('.') {
            None => digits.parse().map(Value::Int).map_err(|_| too_large()),
            Some((_, places)) if places.len() > SCALE as usize => Err(error(
                self.text,
                at,
                format!("{digits} has more than {SCALE} places behind the point"),
            )),
            Some(_) => digits.parse().map(Value::Decimal).map_err(|_| too_large()),
        }
    }

    fn typed(&self, typed: &ast::TypedString, at: Location) -> Result<Value> {
        let ast::Value::SingleQuotedString(written) = &typed.value.value else {
            return Err(self.foreign(at, &typed.to_string()));
        };
        match typed.data_type {
            DataType::Date => date(written)
                .map(Value::Date)
                .map_err(|m| error(self.text, at, m)),
            DataType::Timestamp(None, TimezoneInfo::None) => instant(written)
                .map(Value::Instant)
                .map_err(|m| error(self.text, at, m)),
            _ => Err(self.foreign(at, &typed.to_string())),
        }
    }

    fn pattern(&self, sql: &Sql) -> Result<String> {
        let at = sql.span().start;
        match sql {
            Sql::Value(value) => match &value.value {
                // Engines disagree on what a backslash escapes.
                ast::Value::SingleQuotedString(s) if s.contains('\\') => Err(error(
                    self.text,
                    at,
                    "a `like` pattern cannot hold a backslash",
                )),
                ast::Value::SingleQuotedString(s) => Ok(s.clone()),
                _ => Err(error(
                    self.text,
                    at,
                    "`like` takes a pattern in single quotes",
                )),
            },
            _ => Err(error(
                self.text,
                at,
                "`like` takes a pattern in single quotes",
            )),
        }
    }

    fn call(&mut self, call: &ast::Function, at: Location, level: usize) -> Result<RawNode> {
        let name = call.name.to_string();
        let function = Function::ALL
            .into_iter()
            .find(|f| f.name() == name.to_ascii_lowercase())
            .ok_or_else(|| {
                error(
                    self.text,
                    at,
                    format!("there is no function `{name}`; there are coalesce, abs, lower, upper and length"),
                )
            })?;
        let plain = call.filter.is_none()
            && call.null_treatment.is_none()
            && call.over.is_none()
            && call.within_group.is_empty()
            && !call.uses_odbc_syntax
            && matches!(call.parameters, FunctionArguments::None);
        let FunctionArguments::List(list) = &call.args else {
            return Err(self.foreign(at, &call.to_string()));
        };
        if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(self.foreign(at, &call.to_string()));
        }
        let mut args = Vec::with_capacity(list.args.len());
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(x)) => {
                    args.push(self.expr(x, level + 1)?)
                }
                other => return Err(self.foreign(at, &other.to_string())),
            }
        }
        Ok(RawNode::Call(function, args))
    }

    fn foreign(&self, at: Location, what: &str) -> Error {
        error(
            self.text,
            at,
            format!("`{what}` is not in the expression language"),
        )
    }
}

pub(super) fn date(text: &str) -> std::result::Result<Date, String> {
    let plain = text.len() == 10 && text.is_ascii();
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| format!("'{text}' is not a date such as '2010-01-31'"))
}

pub(super) fn instant(text: &str) -> std::result::Result<Timestamp, String> {
    text.parse::<Timestamp>()
        .ok()
        .filter(|t| t.subsec_nanosecond() % 1_000 == 0 && crate::calendar::is_kept(*t))
        .ok_or_else(|| format!("'{text}' is not a date and time such as '2010-01-31T09:30:00Z'"))
}

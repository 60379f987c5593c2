//! An expression over columns as SQL text that people read. It is never
//! executed here.

use keji_schema::expr::{Expr, Function, Node, Op};
use keji_schema::{Type, Value};

/// What a column is called in the statement around it.
pub(super) type Names<'a> = &'a dyn Fn(&str) -> String;

pub(super) fn sql(expr: &Expr, names: Names) -> String {
    Writer { names }.write(expr, 0)
}

/// The same, to stand beside others between `and`.
pub(super) fn conjunct(expr: &Expr, names: Names) -> String {
    Writer { names }.write(expr, 2)
}

/// A name as SQL wants it: quoted when it is not a plain word.
pub(super) fn name(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let word = matches!(
        name,
        "order" | "group" | "table" | "user" | "from" | "where" | "limit"
    );
    if plain && !word {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(t) => format!("'{}'", t.replace('\'', "''")),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Date(d) => format!("date '{d}'"),
        Value::Instant(t) => format!("timestamptz '{t}'"),
    }
}

struct Writer<'a> {
    names: Names<'a>,
}

impl Writer<'_> {
    /// `outer` is how tightly the place around binds; looser text is bracketed.
    fn write(&self, expr: &Expr, outer: u8) -> String {
        let (binds, text) = match &expr.node {
            Node::Literal(v) => (9, value(v)),
            Node::Field(path) => (9, (self.names)(&path.join("."))),
            Node::Not(x) => match &x.node {
                Node::IsNull(y) => (4, format!("{} is not null", self.write(y, 5))),
                Node::In(y, items) => (4, format!("{} not in ({})", self.write(y, 5), list(items))),
                Node::Like(y, p) => (4, format!("{} not like {}", self.write(y, 5), pattern(p))),
                _ => (3, format!("not {}", self.write(x, 4))),
            },
            Node::Negate(x) => (8, format!("-{}", self.write(x, 8))),
            Node::Binary(Op::Div, a, b) if expr.kind == Some(Type::Decimal) => (
                9,
                format!(
                    "round({} / nullif({}, 0), 4)",
                    self.write(a, 7),
                    self.write(b, 0)
                ),
            ),
            Node::Binary(op, a, b) => {
                let (binds, sign) = operator(*op);
                // Comparison does not chain, and the right side of - and / binds.
                let left = if binds == 4 { 5 } else { binds };
                let right = if matches!(op, Op::And | Op::Or) {
                    binds
                } else {
                    binds + 1
                };
                (
                    binds,
                    format!("{} {sign} {}", self.write(a, left), self.write(b, right)),
                )
            }
            Node::IsNull(x) => (4, format!("{} is null", self.write(x, 5))),
            Node::In(x, items) => (4, format!("{} in ({})", self.write(x, 5), list(items))),
            Node::Like(x, p) => (4, format!("{} like {}", self.write(x, 5), pattern(p))),
            Node::Case(arms, otherwise) => {
                let mut text = "case".to_owned();
                for (when, then) in arms {
                    text += &format!(" when {} then {}", self.write(when, 0), self.write(then, 0));
                }
                if let Some(x) = otherwise {
                    text += &format!(" else {}", self.write(x, 0));
                }
                (9, text + " end")
            }
            Node::Call(function, args) => {
                let args: Vec<_> = args.iter().map(|x| self.write(x, 0)).collect();
                (
                    9,
                    format!("{}({})", function_name(*function), args.join(", ")),
                )
            }
            // Both databases mix whole numbers and decimals by themselves.
            Node::Cast(x, Type::Decimal) => return self.write(x, outer),
            Node::Cast(x, to) => (
                9,
                format!("cast({} as {})", self.write(x, 0), type_name(*to)),
            ),
        };
        if binds < outer {
            format!("({text})")
        } else {
            text
        }
    }
}

fn operator(op: Op) -> (u8, &'static str) {
    match op {
        Op::Or => (1, "or"),
        Op::And => (2, "and"),
        Op::Eq => (4, "="),
        Op::NotEq => (4, "<>"),
        Op::Lt => (4, "<"),
        Op::LtEq => (4, "<="),
        Op::Gt => (4, ">"),
        Op::GtEq => (4, ">="),
        Op::Add => (6, "+"),
        Op::Sub => (6, "-"),
        Op::Mul => (7, "*"),
        Op::Div => (7, "/"),
    }
}

fn function_name(function: Function) -> &'static str {
    match function {
        Function::Coalesce => "coalesce",
        Function::Abs => "abs",
        Function::Lower => "lower",
        Function::Upper => "upper",
        Function::Length => "length",
    }
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Text | Type::Choice => "text",
        Type::Int | Type::Link => "bigint",
        Type::Decimal => "decimal(18, 4)",
        Type::Float => "double precision",
        Type::Bool => "boolean",
        Type::Date => "date",
        Type::Instant => "timestamptz",
    }
}

fn list(items: &[Value]) -> String {
    items.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn pattern(text: &str) -> String {
    let escape = if text.contains('\\') {
        " escape ''"
    } else {
        ""
    };
    format!("'{}'{escape}", text.replace('\'', "''"))
}

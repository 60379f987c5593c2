//! DataFusion and `schema::expr::eval` agree on random expressions over random
//! rows. The store holds its two databases to the same grammar.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use jiff::Timestamp;
use jiff::civil::date;
use keji_schema::calendar::from_epoch_days;
use keji_schema::expr::{Expr, Node, Scope, eval};
use keji_schema::{Decimal, Type, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::physical;
use crate::rows::{Column, RowBuilder, arrow_schema};
use crate::run::value_at;

/// One column of every type, two of those that are computed with, and those of
/// a joined table.
const FIELDS: [(&str, Type); 18] = [
    ("t", Type::Text),
    ("u", Type::Text),
    ("c", Type::Choice),
    ("n", Type::Int),
    ("m", Type::Int),
    ("a", Type::Decimal),
    ("b", Type::Decimal),
    ("x", Type::Float),
    ("f", Type::Bool),
    ("d", Type::Date),
    ("e", Type::Date),
    ("i", Type::Instant),
    ("parent", Type::Link),
    ("parent.n", Type::Int),
    ("parent.a", Type::Decimal),
    ("parent.t", Type::Text),
    ("parent.d", Type::Date),
    ("parent.f", Type::Bool),
];

struct Fields;

impl Scope for Fields {
    fn resolve(&self, path: &[String]) -> keji_schema::Result<Type> {
        let name = path.join(".");
        let found = FIELDS.iter().find(|(id, _)| *id == name);
        found
            .map(|(_, kind)| *kind)
            .ok_or(keji_schema::Error::Unknown {
                kind: "field",
                name,
            })
    }
}

/// Letters that order differently by language, wildcards, and quotes.
fn text() -> impl Strategy<Value = String> {
    "[abAB%_*?\\[\\]\\\\'\"üÄ客z~]{0,4}"
}

fn value(kind: Type) -> BoxedStrategy<Value> {
    let some = match kind {
        Type::Text => text().prop_map(Value::Text).boxed(),
        Type::Choice => prop_oneof![Just(Value::from("sale")), Just(Value::from("Return"))].boxed(),
        Type::Int => prop_oneof![-9i64..10, -4_000_000_000i64..4_000_000_000]
            .prop_map(Value::Int)
            .boxed(),
        Type::Decimal => prop_oneof![
            (-30i64..30).prop_map(|n| n * 2500),
            -99_999_999i64..99_999_999,
            -900_000_000_000_000_000i64..900_000_000_000_000_000,
        ]
        .prop_map(|n| Value::Decimal(Decimal::from_units(n)))
        .boxed(),
        Type::Float => prop_oneof![Just(0.0), -10.0f64..10.0, -1e12f64..1e12]
            .prop_map(Value::Float)
            .boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Date => (-40_000i32..40_000)
            .prop_map(|n| Value::Date(from_epoch_days(n).unwrap()))
            .boxed(),
        Type::Instant => (-2_000_000_000_000_000i64..2_000_000_000_000_000)
            .prop_map(|n| Value::Instant(Timestamp::from_microsecond(n).unwrap()))
            .boxed(),
        Type::Link => (1i64..4).prop_map(Value::Int).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 4 => some].boxed()
}

/// Expressions of one type as text of the language, `depth` levels high.
fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["n", "m", "a", "b", "x", "parent.n", "parent.a"])
            .prop_map(str::to_owned),
        (-20i64..20).prop_map(|n| if n < 0 {
            format!("({n})")
        } else {
            n.to_string()
        }),
        (0i64..99_999).prop_map(|n| Decimal::from_units(n).to_string()),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let n = || number(depth - 1);
    let binary = (n(), prop::sample::select(vec!["+", "-", "*", "/"]), n());
    prop_oneof![
        2 => leaf,
        6 => binary.prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        1 => n().prop_map(|a| format!("(-{a})")),
        1 => n().prop_map(|a| format!("abs({a})")),
        1 => (n(), n()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
        1 => (condition(depth - 1), n(), n())
            .prop_map(|(c, a, b)| format!("(case when {c} then {a} else {b} end)")),
        1 => (condition(depth - 1), n()).prop_map(|(c, a)| format!("(case when {c} then {a} end)")),
        1 => word(depth - 1).prop_map(|t| format!("length({t})")),
        1 => (day(depth - 1), day(depth - 1)).prop_map(|(a, b)| format!("({a} - {b})")),
    ]
    .boxed()
}

fn literal() -> impl Strategy<Value = String> {
    text().prop_map(|t| format!("'{}'", t.replace('\'', "''")))
}

fn word(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["t", "u", "parent.t"]).prop_map(str::to_owned),
        literal(),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let t = || word(depth - 1);
    prop_oneof![
        3 => leaf,
        1 => t().prop_map(|t| format!("lower({t})")),
        1 => t().prop_map(|t| format!("upper({t})")),
        1 => (t(), t()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
        1 => (condition(depth - 1), t(), t())
            .prop_map(|(c, a, b)| format!("(case when {c} then {a} else {b} end)")),
    ]
    .boxed()
}

fn day(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec!["d", "e", "parent.d"]).prop_map(str::to_owned);
    if depth == 0 {
        return leaf.boxed();
    }
    let shift = (
        day(depth - 1),
        prop::sample::select(vec!["+", "-"]),
        0i64..5000,
    );
    prop_oneof![
        2 => leaf,
        1 => shift.prop_map(|(d, op, n)| format!("({d} {op} {n})")),
        1 => (day(depth - 1), day(depth - 1)).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
    ]
    .boxed()
}

fn condition(depth: u32) -> BoxedStrategy<String> {
    let sign = || prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let d = depth.saturating_sub(1);
    let leaf = prop_oneof![
        1 => Just("f".to_owned()),
        3 => (number(d), sign(), number(d)).prop_map(|(a, s, b)| format!("({a} {s} {b})")),
        3 => (word(d), sign(), word(d)).prop_map(|(a, s, b)| format!("({a} {s} {b})")),
        1 => (day(d), sign(), day(d)).prop_map(|(a, s, b)| format!("({a} {s} {b})")),
        1 => (day(d), sign()).prop_map(|(a, s)| format!("({a} {s} '1999-12-31')")),
        1 => sign().prop_map(|s| format!("(i {s} '2001-02-03T04:05:06Z')")),
        1 => Just("(c = 'sale')".to_owned()),
        1 => Just("(c in ('sale', 'Return'))".to_owned()),
        1 => (1i64..4).prop_map(|n| format!("(parent = {n})")),
        2 => (word(d), literal()).prop_map(|(a, p)| format!("({a} like {p})")),
        1 => (word(d), literal(), literal()).prop_map(|(a, x, y)| format!("({a} in ({x}, {y}))")),
        1 => (number(d), 0i64..9).prop_map(|(a, n)| format!("({a} in ({n}, 2.5, 0))")),
        1 => number(d).prop_map(|a| format!("({a} is null)")),
        1 => word(d).prop_map(|a| format!("({a} is not null)")),
        1 => Just("(parent.f is null)".to_owned()),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let c = || condition(depth - 1);
    prop_oneof![
        4 => leaf,
        1 => (c(), c()).prop_map(|(a, b)| format!("({a} and {b})")),
        1 => (c(), c()).prop_map(|(a, b)| format!("({a} or {b})")),
        1 => c().prop_map(|a| format!("(not {a})")),
    ]
    .boxed()
}

/// Whether any part of the expression leaves the range of its type: then the
/// engine may fail where lazy evaluation does not get to it.
fn overflows(expr: &Expr, field: &dyn Fn(&[String]) -> Value) -> bool {
    let parts: Vec<&Expr> = match &expr.node {
        Node::Literal(_) | Node::Field(_) => return false,
        Node::Not(x) | Node::Negate(x) | Node::IsNull(x) | Node::Cast(x, _) => vec![x],
        Node::In(x, _) | Node::Like(x, _) => vec![x],
        Node::Binary(_, a, b) => vec![a, b],
        Node::Case(arms, otherwise) => arms
            .iter()
            .flat_map(|(a, b)| [a, b])
            .chain(otherwise.as_deref())
            .collect(),
        Node::Call(_, args) => args.iter().collect(),
    };
    parts.iter().any(|part| overflows(part, field)) || eval(expr, field).is_err()
}

fn columns() -> Vec<Column> {
    let column = |(name, kind): &(&str, Type)| Column {
        name: (*name).to_owned(),
        kind: *kind,
        required: false,
    };
    FIELDS.iter().map(column).collect()
}

fn batch(rows: &[&Vec<Value>]) -> RecordBatch {
    let mut builder = RowBuilder::new(arrow_schema(&columns()));
    for row in rows {
        builder.append(row).unwrap();
    }
    builder.finish().unwrap()
}

fn of_row(row: &[Value], path: &[String]) -> Value {
    let name = path.join(".");
    let at = FIELDS.iter().position(|(id, _)| *id == name).unwrap();
    row[at].clone()
}

fn computed(expr: &Expr, batch: &RecordBatch) -> crate::Result<Vec<Value>> {
    let schema: &Schema = &batch.schema();
    let made = physical(expr, schema)?;
    let column = made.evaluate(batch)?.into_array(batch.num_rows())?;
    (0..batch.num_rows())
        .map(|i| value_at(&column, i))
        .collect()
}

/// `PROPTEST_CASES` sets how many expressions are tried.
#[test]
fn datafusion_computes_what_eval_computes() {
    let mut runner = TestRunner::new(Config::default());
    let mut draw =
        |strategy: BoxedStrategy<Value>| strategy.new_tree(&mut runner).unwrap().current();
    let mut rows: Vec<Vec<Value>> = (0..40)
        .map(|_| FIELDS.iter().map(|(_, kind)| draw(value(*kind))).collect())
        .collect();
    rows[3][9] = Value::Date(date(1999, 12, 31));
    let any = prop_oneof![2 => number(3), 1 => word(2), 2 => condition(3), 1 => day(2)];
    let (mut n_compared, mut n_null) = (0, 0);
    for _ in 0..Config::default().cases * 4 {
        let text = any.new_tree(&mut runner).unwrap().current();
        // Too large, or a kind of comparison that the language refuses.
        let Ok(expr) = Expr::parse(&text, &Fields) else {
            continue;
        };
        let fits = |row: &&Vec<Value>| !overflows(&expr, &|path| of_row(row, path));
        let fitting: Vec<_> = rows.iter().filter(fits).collect();
        let found = computed(&expr, &batch(&fitting)).unwrap_or_else(|e| panic!("{text}: {e}"));
        for (row, found) in fitting.iter().zip(found) {
            let expected = eval(&expr, &|path| of_row(row, path)).unwrap();
            assert_eq!(found, expected, "{text} of {row:?}");
            n_compared += 1;
            n_null += usize::from(expected.is_null());
        }
    }
    // Otherwise the grammar or the rows above are worth nothing.
    assert!(
        n_compared > 1000 && n_null * 2 < n_compared,
        "{n_null} of {n_compared} are null"
    );
}

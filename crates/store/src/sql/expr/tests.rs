//! The two databases and `schema::expr::eval` agree on random expressions
//! over random records.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use keji_schema::calendar::from_epoch_days;
use keji_schema::definition::ObjectDef;
use keji_schema::expr::{Expr, Node, eval};
use keji_schema::{Catalog, Decimal, Type, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::glob;
use crate::access::Access;
use crate::sql::{Dialect, Select};
use crate::store::{Location, Store};
use crate::testing;

#[test]
fn patterns_become_globs() {
    assert_eq!(glob("a%b_c*[d]?%"), "a*b?c[*][[]d][?]*");
}

/// One field of every type, two of those that are computed with, and a link.
const FIELDS: [(&str, Type); 13] = [
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
];

fn catalog() -> Arc<Catalog> {
    let name = json!({ "zh": "样", "en": "Sample" });
    let field = |(id, kind): &(&str, Type)| {
        json!({
            "id": id, "type": kind, "name": name,
            "to": (*kind == Type::Link).then_some("sample"),
            "options": if *kind == Type::Choice {
                json!([{ "value": "sale", "zh": "", "en": "" }, { "value": "Return", "zh": "", "en": "" }])
            } else {
                json!([])
            },
        })
    };
    let fields: Vec<_> = FIELDS.iter().map(field).collect();
    let mut object: ObjectDef = serde_json::from_value(
        json!({ "name": name, "about": name, "has_origin": false, "field": fields }),
    )
    .unwrap();
    object.id = "sample".to_owned();
    let mut catalog = Catalog::standard().unwrap();
    catalog.objects.insert("sample".to_owned(), object);
    Arc::new(catalog)
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
/// databases may fail where lazy evaluation does not get to it.
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

/// `PROPTEST_CASES` sets how many expressions are tried.
async fn agree(location: &Location) {
    let n_cases = Config::default().cases * 2;
    let catalog = catalog();
    let store = Store::open(location, catalog.clone()).await.unwrap();
    let mut runner = TestRunner::new(Config::default());
    let mut draw =
        |strategy: BoxedStrategy<Value>| strategy.new_tree(&mut runner).unwrap().current();
    let mut rows: Vec<Vec<Value>> = (0..40)
        .map(|_| FIELDS.iter().map(|(_, kind)| draw(value(*kind))).collect())
        .collect();
    // The first ones have no parent, so that links lead backwards.
    for row in rows.iter_mut().take(3) {
        row[12] = Value::Null;
    }
    rows[3][9] = Value::Date(date(1999, 12, 31));
    let fields = FIELDS.map(|(id, _)| id);
    store
        .insert_many("sample", &fields, rows.clone().into_iter(), "test", "test")
        .await
        .unwrap();
    let access = Access::all();
    let of_row = |row: &[Value], name: &str| {
        let at = FIELDS.iter().position(|(id, _)| *id == name).unwrap();
        row[at].clone()
    };
    let mut reader = store.db().reader().await.unwrap();
    let (mut n_compared, mut n_null) = (0, 0);
    let mut runner = TestRunner::new(Config::default());
    let any = prop_oneof![2 => number(3), 1 => word(2), 2 => condition(3), 1 => day(2)];
    for _ in 0..n_cases {
        let text = any.new_tree(&mut runner).unwrap().current();
        // Too large, or a kind of comparison that the language refuses.
        let Ok(expr) = Expr::parse(&text, &catalog.scope("sample")) else {
            continue;
        };
        let mut wanted = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let field = |path: &[String]| match path {
                [name] => of_row(row, name),
                [_, name] => match of_row(row, "parent") {
                    Value::Int(id) => of_row(&rows[id as usize - 1], name),
                    _ => Value::Null,
                },
                _ => Value::Null,
            };
            if !overflows(&expr, &field) {
                wanted.push((at as i64 + 1, eval(&expr, &field).unwrap()));
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let mut select = Select::new(store.db().dialect(), &catalog, &access, "sample").unwrap();
        let column = select.expr(&expr).unwrap();
        let ids: Vec<String> = wanted.iter().map(|(id, _)| id.to_string()).collect();
        let sql = format!(
            "select {column} {} where t.\"id\" in ({}) order by t.\"id\"",
            select.from(),
            ids.join(", ")
        );
        let found = reader
            .conn()
            .rows(sql.clone(), &select.params, &[expr.kind.unwrap()])
            .await;
        let found = found.unwrap_or_else(|e| panic!("{expr}: {e}\n{sql}"));
        assert_eq!(found.len(), wanted.len());
        for ((id, wanted), found) in wanted.iter().zip(found) {
            assert_eq!(
                &found[0],
                wanted,
                "{expr} of record {id}: {:?}\n{sql}",
                rows[*id as usize - 1]
            );
            n_compared += 1;
            n_null += i32::from(wanted.is_null());
        }
    }
    assert!(
        n_compared > n_cases * 10 && n_null > 0,
        "{n_compared} compared, {n_null} null"
    );
}

#[tokio::test]
async fn sqlite_agrees() {
    agree(&testing::sqlite().location).await;
}

#[tokio::test]
async fn postgres_agrees() {
    if let Some(place) = testing::postgres().await {
        agree(&place.location).await;
    }
}

/// Every value of an expression as another one of its type.
fn with_other_values(expr: &Expr) -> Expr {
    let other = |value: &Value| match value {
        Value::Null => Value::Null,
        Value::Text(_) => Value::from("') or 1=1; --"),
        Value::Int(_) => Value::Int(7_301),
        Value::Decimal(_) => Value::Decimal(Decimal::from_units(73_017_301)),
        Value::Float(_) => Value::Float(7_301.5),
        Value::Bool(is) => Value::Bool(!is),
        Value::Date(_) => Value::Date(date(1973, 1, 7)),
        Value::Instant(_) => Value::Instant(Timestamp::from_microsecond(7_301).unwrap()),
    };
    let one = |x: &Expr| Box::new(with_other_values(x));
    let node = match &expr.node {
        Node::Literal(value) => Node::Literal(other(value)),
        Node::Field(path) => Node::Field(path.clone()),
        Node::Not(x) => Node::Not(one(x)),
        Node::Negate(x) => Node::Negate(one(x)),
        Node::IsNull(x) => Node::IsNull(one(x)),
        Node::Cast(x, to) => Node::Cast(one(x), *to),
        Node::In(x, items) => Node::In(one(x), items.iter().map(other).collect()),
        Node::Like(x, _) => Node::Like(one(x), "%' or '1'='1".to_owned()),
        Node::Binary(op, a, b) => Node::Binary(*op, one(a), one(b)),
        Node::Case(arms, otherwise) => Node::Case(
            arms.iter().map(|(a, b)| (*one(a), *one(b))).collect(),
            otherwise.as_deref().map(one),
        ),
        Node::Call(function, args) => {
            Node::Call(*function, args.iter().map(with_other_values).collect())
        }
    };
    Expr {
        node,
        kind: expr.kind,
    }
}

/// No value of a filter stands in the text of its statement: with any other
/// values the text is the same, letter by letter, and as many are bound.
#[test]
fn values_are_bound_and_never_text() {
    let catalog = catalog();
    let access = Access::all();
    let statement = |dialect, expr: &Expr| {
        let mut select = Select::new(dialect, &catalog, &access, "sample").unwrap();
        let column = select.expr(expr).unwrap();
        (format!("{column} {}", select.from()), select.params.len())
    };
    let mut runner = TestRunner::new(Config::default());
    let any = condition(3);
    let (mut n_tried, mut n_bound) = (0, 0);
    while n_tried < Config::default().cases * 4 {
        let text = any.new_tree(&mut runner).unwrap().current();
        n_tried += 1;
        let Ok(expr) = Expr::parse(&text, &catalog.scope("sample")) else {
            continue;
        };
        let other = with_other_values(&expr);
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let found = statement(dialect, &expr);
            assert_eq!(found, statement(dialect, &other), "{expr}");
            n_bound += found.1;
        }
    }
    assert!(n_bound > n_tried as usize, "{n_bound} of {n_tried}");
}

/// Sorting is by code point, in a list as in a comparison.
#[tokio::test]
async fn texts_sort_by_code_point() {
    for place in testing::places().await {
        let store = Store::open(&place.location, catalog()).await.unwrap();
        let texts = ["b", "B", "a", "客", "ü", "z", "Ä", "~", "[", ""];
        let rows = texts.map(|text| vec![Value::from(text)]).into_iter();
        store
            .insert_many("sample", &["t"], rows, "test", "test")
            .await
            .unwrap();
        let query = crate::ListQuery {
            object: "sample".to_owned(),
            fields: vec!["t".to_owned()],
            sort: vec![crate::Sort::asc("t")],
            limit: 100,
            ..Default::default()
        };
        let page = store.list(&query, &Access::all()).await.unwrap();
        let sorted: BTreeSet<&str> = texts.into_iter().collect();
        let wanted: Vec<Vec<Value>> = sorted.into_iter().map(|t| vec![Value::from(t)]).collect();
        assert_eq!(page.rows, wanted);
    }
}

//! The language by example: what it reads, computes, writes and refuses.

use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::decimal::Decimal;

/// A small record with one field of every type.
struct Fields;

impl Scope for Fields {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        let name = path.join(".");
        Ok(match name.as_str() {
            "name" | "customer.name" => Type::Text,
            "n" | "m" => Type::Int,
            "amount" | "price" => Type::Decimal,
            "p" => Type::Float,
            "flag" => Type::Bool,
            "day" | "customer.since" => Type::Date,
            "at" => Type::Instant,
            "kind" => Type::Choice,
            "customer" => Type::Link,
            _ => {
                return Err(Error::Unknown {
                    kind: "field",
                    name,
                });
            }
        })
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        (path == ["kind"]).then(|| vec!["sale".into(), "return".into()])
    }
}

fn value(path: &[String]) -> Value {
    match path.join(".").as_str() {
        "name" => "Müller".into(),
        "n" => 7.into(),
        "amount" => d("12.5").into(),
        "price" => Value::Null,
        "p" => Value::Float(0.25),
        "flag" => Value::Bool(true),
        "day" => Value::Date("2024-02-29".parse().unwrap()),
        "at" => Value::Instant("2024-02-29T10:00:00Z".parse().unwrap()),
        "kind" => "sale".into(),
        "customer" => 42.into(),
        _ => Value::Null,
    }
}

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn parse(text: &str) -> Result<Expr> {
    Expr::parse(text, &Fields)
}

fn computed(text: &str) -> Value {
    let expr = parse(text).unwrap_or_else(|e| panic!("{e}"));
    eval(&expr, &value).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn arithmetic_is_exact_and_never_truncates() {
    for (text, result) in [
        ("n + 1", "8"),
        ("n / 2", "3.5"),
        ("2 / 3", "0.6667"),
        ("-2 / 3", "-0.6667"),
        ("1 / 20000", "0.0001"),
        ("amount * 2", "25"),
        ("amount - 0.0001", "12.4999"),
        ("-amount", "-12.5"),
        ("abs(-amount)", "12.5"),
        ("-n * 2 + 1", "-13"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("amount - -1", "13.5"),
        ("2 + 3 * 4 - (5 - 6)", "15"),
        ("length(name)", "6"),
        ("day - date '2024-01-01'", "59"),
    ] {
        let shown = match computed(text) {
            Value::Int(n) => n.to_string(),
            Value::Decimal(d) => d.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(shown, result, "{text}");
    }
    assert_eq!(computed("amount / 0"), Value::Null);
    assert_eq!(computed("amount / (n - 7)"), Value::Null);
    assert_eq!(computed("p / 0"), Value::Null);
    assert_eq!(computed("p * 2"), Value::Float(0.5));
    assert_eq!(computed("p + amount"), Value::Float(12.75));
    assert_eq!(
        computed("day + 1"),
        Value::Date("2024-03-01".parse().unwrap())
    );
    assert_eq!(
        computed("day - n"),
        Value::Date("2024-02-22".parse().unwrap())
    );
    assert_eq!(computed("lower(name)"), "müller".into());
    assert_eq!(computed("upper(name)"), "MüLLER".into());
}

#[test]
fn a_result_out_of_range_is_an_error() {
    for text in [
        "n + 9223372036854775807",
        "n * 9223372036854775807",
        "amount * 900000000000000.5",
        "-(n - 9223372036854775807 - 7 - 2)",
        "day + 9000000",
        "p * 900000000000000 * 900000000000000 / 0.0001",
    ] {
        let expr = parse(text).unwrap();
        match eval(&expr, &value) {
            Err(Error::Overflow(_)) => {}
            // The last two stay in range: a float is wide.
            other => assert!(text.starts_with(['p', '-']), "{text}: {other:?}"),
        }
    }
}

#[test]
fn logic_has_three_values() {
    let (t, f, null) = ("flag", "not flag", "price > 0");
    for (text, result) in [
        (format!("{t} and {null}"), None),
        (format!("{f} and {null}"), Some(false)),
        (format!("{null} and {f}"), Some(false)),
        (format!("{t} or {null}"), Some(true)),
        (format!("{null} or {t}"), Some(true)),
        (format!("{f} or {null}"), None),
        (format!("not ({null})"), None),
        ("price = price".into(), None),
        ("price is null".into(), Some(true)),
        ("price is not null".into(), Some(false)),
        ("amount is null".into(), Some(false)),
        ("price in (1, 2)".into(), None),
        ("price not in (1, 2)".into(), None),
        ("n in (1, 7)".into(), Some(true)),
        ("n in (1, 7.5)".into(), Some(false)),
        ("n not in (1, 2)".into(), Some(true)),
        ("n between 7 and 8".into(), Some(true)),
        ("n not between 7 and 8".into(), Some(false)),
        ("case when price > 0 then flag end".into(), None),
        (
            "case when price > 0 then flag else not flag end".into(),
            Some(false),
        ),
        ("coalesce(price, amount) > 12".into(), Some(true)),
        ("coalesce(price, null, 1) = 1".into(), Some(true)),
    ] {
        let wanted = result.map_or(Value::Null, Value::Bool);
        assert_eq!(computed(&text), wanted, "{text}");
    }
}

#[test]
fn comparisons_fit_their_literals() {
    for text in [
        "kind = 'sale'",
        "kind <> 'return'",
        "kind in ('sale')",
        "day >= '2024-02-29'",
        "'2024-03-01' > day",
        "day = date '2024-02-29'",
        "at < '2024-02-29T18:00:01+08:00'",
        "at = timestamp '2024-02-29T10:00:00Z'",
        "customer = 42",
        "customer in (41, 42)",
        "n = 7.0",
        "amount = 12.50",
        "p < 1",
        "amount > p",
        "name > 'Muller'",
        "name like 'M_ller'",
        "name like '%ü%r'",
        "name like '%'",
        "name not like 'm%'",
        "name not like 'Mü'",
        "flag = true",
        "customer.name is null",
        "customer.since is null",
    ] {
        assert_eq!(computed(text), Value::Bool(true), "{text}");
    }
    assert_eq!(computed("null"), Value::Null);
}

#[test]
fn casts_are_written_into_the_tree() {
    let expr = parse("n + 1.5").unwrap();
    let Node::Binary(Op::Add, left, right) = &expr.node else {
        panic!("{expr:?}")
    };
    assert!(matches!(&left.node, Node::Cast(x, Type::Decimal) if x.kind == Some(Type::Int)));
    assert_eq!(right.node, Node::Literal(d("1.5").into()));
    // A literal changes at once.
    let Node::Binary(Op::Gt, _, right) = parse("amount > 0").unwrap().node else {
        panic!()
    };
    assert_eq!(right.node, Node::Literal(Decimal::ZERO.into()));
    let Node::Binary(Op::Lt, _, right) = parse("p < 1").unwrap().node else {
        panic!()
    };
    assert_eq!(right.node, Node::Literal(Value::Float(1.0)));
}

#[test]
fn what_is_not_in_the_language_is_refused_by_name_and_place() {
    let mut wrong = Vec::new();
    for (text, message) in [
        ("contry = 'x'", "column 1: there is no field `contry`"),
        (
            "n > 1 and contry = 'x'",
            "column 11: there is no field `contry`",
        ),
        (
            "n > 1 and\n contry = 'x'",
            "line 2, column 2: there is no field `contry`",
        ),
        (
            "customer.age > 1",
            "column 1: there is no field `customer.age`",
        ),
        (
            "sum(n)",
            "column 1: there is no function `sum`; there are coalesce, abs, lower, upper and length",
        ),
        ("n % 2", "column 1: `%` is not in the expression language"),
        (
            "name || 'x'",
            "column 1: `||` is not in the expression language",
        ),
        (
            "n = (select 1)",
            "column 6: `(SELECT 1)` is not in the expression language",
        ),
        (
            "cast(n as text)",
            "`CAST(n AS TEXT)` is not in the expression language",
        ),
        (
            "name ilike 'x'",
            "column 1: `name ILIKE 'x'` is not in the expression language",
        ),
        (
            "flag is true",
            "column 1: `flag IS TRUE` is not in the expression language",
        ),
        (
            "case n when 1 then 2 end",
            "column 1: `case` takes conditions: write `case when x = 1 then …`",
        ),
        (
            "name like lower('x')",
            "column 11: `like` takes a pattern in single quotes",
        ),
        (
            "name like 'a\\%'",
            "column 11: a `like` pattern cannot hold a backslash",
        ),
        ("n = 1 n", "column 7: expected the end, found `n`"),
        ("n = ", "expected an expression, found the end"),
        ("", "expected an expression, found the end"),
        (
            "name = \"x\"",
            "column 8: text stands in single quotes: 'text'",
        ),
        ("name = 'x", "column 8: Unterminated string literal"),
        (
            "n = 99999999999999999999",
            "column 5: the number 99999999999999999999 is too large",
        ),
        (
            "amount = 0.00001",
            "column 10: 0.00001 has more than 4 places behind the point",
        ),
        ("amount = 1e3", "column 10: write 1e3 without an exponent"),
        (
            "date '2024-02-30' = day",
            "column 6: '2024-02-30' is not a date such as '2010-01-31'",
        ),
        (
            "day > 'yesterday'",
            "column 7: 'yesterday' is not a date such as '2010-01-31'",
        ),
        (
            "at > '2024-01-01'",
            "column 6: '2024-01-01' is not a date and time such as '2010-01-31T09:30:00Z'",
        ),
        (
            "day = at",
            "column 1: a date does not compare with a date and time: it begins at another instant in every zone",
        ),
        (
            "name = 1",
            "column 1: a text does not compare with a whole number",
        ),
        (
            "name + 1",
            "column 1: `+` does not take a text and a whole number",
        ),
        ("day + day", "column 1: `+` does not take a date and a date"),
        (
            "customer + 1",
            "column 1: `+` does not take a link and a whole number",
        ),
        ("-name", "column 2: `-` takes a number, this is a text"),
        (
            "n and flag",
            "column 1: `and` takes a yes or no, this is a whole number",
        ),
        (
            "flag and not n",
            "column 14: `not` takes a yes or no, this is a whole number",
        ),
        (
            "n = null",
            "column 5: null cannot be computed with: write `is null` or `is not null`",
        ),
        (
            "n in (1, null)",
            "column 10: null cannot be computed with: write `is null` or `is not null`",
        ),
        ("n in (1, m)", "column 10: `in` takes a list of literals"),
        ("n in ('a')", "column 7: a whole number is never a text"),
        (
            "kind = 'sold'",
            "column 8: field `kind` has no option `sold`; it has sale, return",
        ),
        (
            "kind in ('sale', 'sold')",
            "column 18: field `kind` has no option `sold`; it has sale, return",
        ),
        ("kind < 'sale'", "column 1: a choice has no order for `<`"),
        (
            "flag >= true",
            "column 1: a yes or no has no order for `>=`",
        ),
        (
            "n like '1%'",
            "column 1: `like` takes a text, this is a whole number",
        ),
        (
            "abs(name)",
            "column 5: `abs` takes a number, this is a text",
        ),
        ("abs(n, m)", "column 1: `abs` takes one value, not 2"),
        (
            "length(distinct name)",
            "`length(DISTINCT name)` is not in the expression language",
        ),
        (
            "coalesce(n)",
            "column 1: `coalesce` takes at least two values",
        ),
        (
            "coalesce(null, null)",
            "column 1: `coalesce` has no value but null",
        ),
        (
            "coalesce(n, name)",
            "column 13: `coalesce` mixes a whole number with a text",
        ),
        (
            "case when flag then 1 else 'x' end",
            "column 28: `case` mixes a whole number with a text",
        ),
        (
            "case when n then 1 end",
            "column 11: `when` takes a yes or no, this is a whole number",
        ),
    ] {
        match parse(text) {
            Err(Error::Expression {
                text: about,
                message: said,
            }) => {
                assert_eq!(about, text);
                if !said.ends_with(message) {
                    wrong.push(format!("{text}\n   says {said}\n wanted {message}"));
                }
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let not_a_filter = Expr::parse_filter("n + 1", &Fields)
        .unwrap_err()
        .to_string();
    assert_eq!(
        not_a_filter,
        "in `n + 1`: a filter must be yes or no, this is a whole number"
    );
}

#[test]
fn size_and_depth_have_limits() {
    let wide = |n: usize| vec!["n = 1"; n].join(" and ");
    assert!(parse(&wide(25)).is_ok());
    let message = |text: &str| parse(text).unwrap_err().to_string();
    assert!(message(&wide(26)).ends_with("more than 100 nodes"));
    let nested = |n: usize| format!("{}n = 1{}", "not (".repeat(n), ")".repeat(n));
    assert!(parse(&nested(7)).is_ok());
    let too_deep = "deeper than 32 levels or 16 parentheses";
    for text in [
        nested(16),
        "(".repeat(390),
        "- ".repeat(390),
        format!("{}1", "1+".repeat(40)),
        "abs(".repeat(190),
    ] {
        assert!(message(&text).ends_with(too_deep), "{}", message(&text));
    }
    // Too deep for an operator, the parser tries these words as names.
    assert!(parse(&"not ".repeat(390)).is_err());
    assert!(parse(&"case when ".repeat(190)).is_err());
    let long = format!("{}1", "1+".repeat(1_000_000));
    assert!(message(&long).ends_with("more than 100 nodes"));
    assert!(message(&long).len() < 300);
}

#[test]
fn canonical_text_needs_few_parentheses() {
    for (text, shown) in [
        ("KIND_IS is null", None),
        ("( amount )>0", Some("amount > 0")),
        ("amount>0.50", Some("amount > 0.5")),
        ("n>1.0", Some("n > 1.0")),
        (
            "n != 1 AND (flag OR not flag)",
            Some("n <> 1 and (flag or not flag)"),
        ),
        (
            "day between '2024-01-01' and date '2024-01-31'",
            Some("day >= date '2024-01-01' and day <= date '2024-01-31'"),
        ),
        (
            "not (n in (1,2)) and not name like 'a%'",
            Some("n not in (1, 2) and name not like 'a%'"),
        ),
        ("not (n is null)", Some("n is not null")),
        ("name = 'O''Brien'", Some("name = 'O''Brien'")),
        ("(n - 1) - 2", Some("n - 1 - 2")),
        ("n - (1 - 2)", Some("n - (1 - 2)")),
        ("n * (m + 1)", Some("n * (m + 1)")),
        ("-(-n)", Some("-(-n)")),
        ("n - -5", Some("n - -5")),
        ("-(-5)", Some("5")),
        ("(n > 1) = flag", Some("(n > 1) = flag")),
        (
            "case when flag then 1 else 2.5 end",
            Some("case when flag then 1.0 else 2.5 end"),
        ),
        ("coalesce(price,0)", Some("coalesce(price, 0.0)")),
    ] {
        match (parse(text), shown) {
            (Ok(expr), Some(shown)) => assert_eq!(expr.to_string(), shown),
            (Err(_), None) => {}
            (other, _) => panic!("{text}: {other:?}"),
        }
    }
}

/// Text of a well-typed expression of one type.
fn text_of(kind: Type, depth: u32) -> BoxedStrategy<String> {
    let leaf: BoxedStrategy<String> = match kind {
        Type::Bool => prop_oneof![Just("flag".to_owned()), Just("true".to_owned())].boxed(),
        Type::Int => prop_oneof![
            Just("n".to_owned()),
            Just("m".to_owned()),
            (-20i64..20).prop_map(|n| n.to_string())
        ]
        .boxed(),
        Type::Decimal => {
            let literal = (-50_000i64..50_000).prop_map(|n| format!("{:.4}", n as f64 / 1e4));
            prop_oneof![Just("amount".to_owned()), Just("price".to_owned()), literal].boxed()
        }
        Type::Float => Just("p".to_owned()).boxed(),
        Type::Date => {
            prop_oneof![Just("day".to_owned()), Just("date '2024-02-29'".to_owned())].boxed()
        }
        _ => prop_oneof![
            Just("name".to_owned()),
            "[a-z'%_ü ]{0,5}".prop_map(|s| quoted(&s))
        ]
        .boxed(),
    };
    if depth == 0 {
        return leaf;
    }
    let of = move |kind| text_of(kind, depth - 1);
    let number = prop_oneof![Just(Type::Int), Just(Type::Decimal), Just(Type::Float)];
    match kind {
        Type::Bool => prop_oneof![
            leaf,
            (
                of(kind),
                prop_oneof![Just("and"), Just("or"), Just("=")],
                of(kind)
            )
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            of(kind).prop_map(|a| format!("not ({a})")),
            (
                number.clone(),
                number,
                prop_oneof![Just("="), Just("<>"), Just("<"), Just(">=")]
            )
                .prop_flat_map(move |(a, b, op)| (of(a), Just(op), of(b)))
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (of(Type::Text), "[a-z%_]{0,4}").prop_map(|(a, p)| format!("({a}) not like '{p}'")),
            (of(Type::Int), of(Type::Int), of(Type::Decimal))
                .prop_map(|(x, a, b)| format!("({x}) between ({a}) and ({b})")),
            (of(Type::Int), prop::collection::vec(-5i64..5, 1..4)).prop_map(|(x, items)| format!(
                "({x}) in {}",
                format!("{items:?}").replace('[', "(").replace(']', ".5)")
            )),
            (of(Type::Date), of(Type::Date)).prop_map(|(a, b)| format!("({a}) <= ({b})")),
            of(Type::Date).prop_map(|a| format!("({a}) is null")),
        ]
        .boxed(),
        Type::Int | Type::Decimal | Type::Float => {
            let op = if kind == Type::Int {
                prop_oneof![Just("+"), Just("-"), Just("*"), Just("-")]
            } else {
                prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")]
            };
            let mixed = if kind == Type::Float {
                Type::Decimal
            } else {
                Type::Int
            };
            prop_oneof![
                leaf,
                (of(kind), op, of(mixed)).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
                of(kind).prop_map(|a| format!("-({a})")),
                of(kind).prop_map(|a| format!("abs({a})")),
                (of(kind), of(mixed)).prop_map(|(a, b)| format!("coalesce({a}, {b}, null)")),
                (of(Type::Bool), of(mixed), of(kind))
                    .prop_map(|(w, a, b)| format!("case when {w} then {a} else {b} end")),
            ]
            .boxed()
        }
        Type::Date => prop_oneof![
            leaf,
            (of(kind), of(Type::Int)).prop_map(|(a, n)| format!("({a}) - ({n})"))
        ]
        .boxed(),
        _ => prop_oneof![leaf, of(kind).prop_map(|a| format!("upper({a})"))].boxed(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_text_reads_back_as_the_same_tree(text in text_of(Type::Bool, 3)) {
        // The few that are too large say so.
        if let Ok(expr) = parse(&text) {
            let shown = expr.to_string();
            let again = parse(&shown).map_err(|e| TestCaseError::fail(format!("{text}\n{e}")))?;
            prop_assert_eq!(&again, &expr, "{} as {}", text, shown);
            prop_assert_eq!(again.to_string(), shown);
        }
    }

    #[test]
    fn only_size_keeps_well_typed_text_out(text in text_of(Type::Decimal, 2)) {
        match parse(&text) {
            Ok(expr) => {
                // Values in range, so nothing overflows but a divisor near zero.
                let _ = eval(&expr, &value);
            }
            Err(e) => prop_assert!(e.to_string().contains("nodes") || e.to_string().contains("deeper"), "{e}"),
        }
    }

    #[test]
    fn no_text_panics(text in "[ -~]{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_words_panic(words in prop::collection::vec(prop::sample::select(vec![
        "n", "name", "(", ")", "'a'", "1", "-", "not", "and", "case", "when", "then", "end", "in", "is", "null",
        "between", "like", "date", "timestamp", ",", ".", "*", "interval", "select", "exists", "array", "[", "]", "::",
    ]), 0..14)) {
        let _ = parse(&words.join(" "));
    }
}

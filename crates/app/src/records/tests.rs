//! Values as they come, and what is told of those that do not fit.

use jiff::civil::DateTime;
use keji_schema::Value;
use keji_schema::catalog::Catalog;
use serde_json::{Value as Json, json};

use super::coerce::{Read, Wanted, text_form, value};
use super::*;

/// Reads `given` as the field `order.ordered_at`, `customer.name` ….
fn read(path: &str, given: Json) -> std::result::Result<Read, FieldFault> {
    let catalog = Catalog::standard().unwrap();
    let (object, field) = path.split_once('.').unwrap();
    let field = catalog
        .object(object)
        .unwrap()
        .field(field)
        .unwrap()
        .clone();
    let zone = |civil: DateTime| catalog.calendar.instant_of(civil).ok();
    value(&field, &given, true, zone)
}

fn good(path: &str, given: Json) -> Value {
    match read(path, given) {
        Ok(Read::Value(value)) => value,
        other => panic!("{path}: {other:?}"),
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

#[test]
fn every_type_reads_its_forms() {
    let instant = |text: &str| Value::Instant(text.parse().unwrap());
    for (path, given, wanted) in [
        ("customer.name", json!("  甲 乙 "), Value::from("甲 乙")),
        ("customer.name", json!("   "), Value::Null),
        ("customer.name", Json::Null, Value::Null),
        ("customer.kind", json!("person"), Value::from("person")),
        (
            "cost.amount",
            json!("12345678901234.5678"),
            decimal("12345678901234.5678"),
        ),
        ("cost.amount", json!("-0.05"), decimal("-0.05")),
        ("cost.amount", json!("1.50000"), decimal("1.5")),
        ("cost.amount", json!(0.1), decimal("0.1")),
        (
            "cost.amount",
            json!(99999999999.1234),
            decimal("99999999999.1234"),
        ),
        (
            "cost.amount",
            json!(900719925474099i64),
            decimal("900719925474099"),
        ),
        ("order.n_lines", json!(7), Value::Int(7)),
        ("order.n_lines", json!("-7"), Value::Int(-7)),
        ("score.p_alive", json!(0.25), Value::Float(0.25)),
        ("user.is_active", json!(true), Value::Bool(true)),
        ("user.is_active", json!("false"), Value::Bool(false)),
        (
            "cost.incurred_on",
            json!("2026-02-28"),
            Value::Date("2026-02-28".parse().unwrap()),
        ),
        (
            "order.ordered_at",
            json!("2026-01-31T09:30:00Z"),
            instant("2026-01-31T09:30:00Z"),
        ),
        (
            "order.ordered_at",
            json!("2026-01-31T09:30:00+02:00"),
            instant("2026-01-31T07:30:00Z"),
        ),
        // Civil time of the calendar, which is eight hours ahead.
        (
            "order.ordered_at",
            json!("2026-01-31 09:30"),
            instant("2026-01-31T01:30:00Z"),
        ),
        (
            "order.ordered_at",
            json!("2026-01-31T09:30:00.1234567Z"),
            instant("2026-01-31T09:30:00.123456Z"),
        ),
    ] {
        assert_eq!(good(path, given.clone()), wanted, "{path} {given}");
    }
}

#[test]
fn links_are_ids_or_numbers() {
    let link = |given: Json| read("contact.customer", given);
    assert_eq!(link(json!(5)), Ok(Read::Link(Wanted::Id(5))));
    assert_eq!(link(json!("5")), Ok(Read::Link(Wanted::Id(5))));
    let number = Wanted::Number("K 1".to_owned());
    assert_eq!(link(json!({ "number": " K 1" })), Ok(Read::Link(number)));
    assert_eq!(link(json!("")), Ok(Read::Value(Value::Null)));
    for given in [
        json!("K1"),
        json!(1.5),
        json!({ "number": 1 }),
        json!({ "number": "" }),
        json!({ "number": "1", "id": 2 }),
        json!([1]),
    ] {
        assert_eq!(link(given.clone()).unwrap_err().code, "link", "{given}");
    }
    assert_eq!(
        text_form("customer.number=K=1"),
        Some(("customer".to_owned(), json!({ "number": "K=1" })))
    );
    assert_eq!(text_form("name="), Some(("name".to_owned(), json!(""))));
    assert_eq!(text_form("name"), None);
}

#[test]
fn what_does_not_fit_is_named_in_both_languages() {
    for (path, given, code, zh, en) in [
        (
            "customer.name",
            json!(3),
            "value",
            "`3` 不是文本",
            "`3` is not a text",
        ),
        (
            "customer.name",
            json!("a\0b"),
            "value",
            "不能含有零字符",
            "it holds a zero character",
        ),
        (
            "customer.name",
            json!("字".repeat(501)),
            "too_long",
            "最多 500 个字符",
            "it has more than 500 characters",
        ),
        (
            "customer.kind",
            json!("robot"),
            "option",
            "没有选项 `robot`；可选 company, person",
            "there is no option `robot`; there are company, person",
        ),
        (
            "cost.amount",
            json!("12,5"),
            "value",
            "`12,5` 不是数字",
            "`12,5` is not a number",
        ),
        (
            "cost.amount",
            json!("1e3"),
            "value",
            "`1e3` 不是数字",
            "`1e3` is not a number",
        ),
        (
            "cost.amount",
            json!(true),
            "value",
            "`true` 不是数字",
            "`true` is not a number",
        ),
        (
            "cost.amount",
            json!(0.30000000000000004),
            "value",
            "小数最多四位",
            "it has more than four places behind the point",
        ),
        (
            "order.n_lines",
            json!(1.5),
            "value",
            "`1.5` 不是整数",
            "`1.5` is not a whole number",
        ),
        (
            "user.is_active",
            json!(1),
            "value",
            "`1` 不是是或否",
            "`1` is not a yes or no",
        ),
        (
            "cost.incurred_on",
            json!("2026-02-30"),
            "value",
            "`2026-02-30` 不是日期，要写成 2026-01-31",
            "`2026-02-30` is not a date such as 2026-01-31",
        ),
        (
            "cost.incurred_on",
            json!("20260228"),
            "value",
            "`20260228` 不是日期，要写成 2026-01-31",
            "`20260228` is not a date such as 2026-01-31",
        ),
    ] {
        let fault = read(path, given.clone()).unwrap_err();
        assert_eq!(
            (fault.code, &*fault.zh, &*fault.en),
            (code, zh, en),
            "{path} {given}"
        );
    }
    // A float of this size has no places left that could be trusted.
    let large = read("cost.amount", json!(123456789012345.67)).unwrap_err();
    assert!(large.en.contains("must be text"), "{large:?}");
    let overflow = read("cost.amount", json!("99999999999999999999"));
    assert_eq!(overflow.unwrap_err().code, "value");
    let instant = read("order.ordered_at", json!("yesterday")).unwrap_err();
    assert!(
        instant.zh.contains("`yesterday` 不是日期时间"),
        "{instant:?}"
    );
}

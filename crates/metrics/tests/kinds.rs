//! Formulas, balances, bounds, earlier periods, quantiles, small numbers: on
//! records that can be counted by hand, and against counting them again in
//! the test.

use jiff::ToSpan;
use jiff::civil::Date;
use keji_metrics::explain::explain;
use keji_schema::question::Small;

use crate::tiny::{self, Tiny, day};

/// A metric file around the keys that matter to a test.
fn metric(unit: &str, rest: &str) -> String {
    format!(
        r#"
code = "F99"
version = 1
name = {{ zh = "数", en = "Number" }}
about = {{ zh = "数", en = "Number" }}
group = "financial"
unit = "{unit}"
direction = "up"
{rest}
[[example]]
as_of = "2024-02-01"
rows = [["0"]]
given = {{}}
"#
    )
}

fn with(given: &str, metrics: &[(&str, String)]) -> Tiny {
    let metrics: Vec<(&str, &str)> = metrics.iter().map(|(id, m)| (*id, m.as_str())).collect();
    Tiny::with_metrics(given, &metrics)
}

const PAID: &str = r#"
customer = [{ number = "A" }]
order = [
  { number = "1", customer = "A", kind = "sale", ordered_on = "2024-01-31", gross_amount = "10", net_amount = "10" },
  { number = "2", customer = "A", kind = "sale", ordered_on = "2024-02-01", gross_amount = "10", net_amount = "20" },
]
payment = [
  { customer = "A", order = 1, paid_on = "2024-01-31", amount = "1" },
  { customer = "A", order = 1, paid_on = "2024-02-20", amount = "2" },
  { customer = "A", order = 2, paid_on = "2024-02-21", amount = "4" },
  { customer = "A", paid_on = "2024-02-22", amount = "8" },
]
"#;

#[tokio::test]
async fn a_date_over_a_link_places_a_row() {
    let by_order = metric(
        "money",
        "[measure]\nagg = 'sum'\nfrom = 'payment'\nexpr = 'amount'\ntime = 'order.ordered_on'",
    );
    let shop = with(PAID, &[("paid_by_order", by_order)]);
    let months = r#""metrics": ["paid_by_order"], "grain": "month", "from": "2024-01-01",
                    "to": "2024-03-01", "as_of": "2024-03-01""#;
    assert_eq!(
        shop.rows(months).await,
        ["2024-01-01 | 3", "2024-02-01 | 4"]
    );
    let part = r#""metrics": ["paid_by_order"], "from": "2024-02-01", "to": "2024-03-01""#;
    assert_eq!(shop.rows(part).await, ["4"]);
    let by = r#""metrics": ["paid_by_order"], "by": ["customer.number"], "to": "2024-02-01""#;
    assert_eq!(shop.rows(by).await, ["A | 3"]);
}

#[tokio::test]
async fn what_was_recorded_after_as_of_is_not_known_whatever_dates_it() {
    let by_order = metric(
        "money",
        "[measure]\nagg = 'sum'\nfrom = 'payment'\nexpr = 'amount'\ntime = 'order.ordered_on'",
    );
    let shop = with(PAID, &[("paid_by_order", by_order)]);
    let january = |as_of: &str| {
        format!(
            r#""metrics": ["paid_by_order"], "from": "2024-01-01", "to": "2024-02-01",
               "as_of": "{as_of}""#
        )
    };
    assert_eq!(shop.rows(january("2024-02-20")).await, ["1"]);
    assert_eq!(shop.rows(january("2024-02-21")).await, ["3"]);

    // A delivery promised for January and shipped in March was not known of
    // in February.
    let late = Tiny::new(
        r#"
customer = [{ number = "A" }]
delivery = [
  { number = "1", customer = "A", shipped_on = "2024-01-02", promised_on = "2024-01-10", delivered_on = "2024-01-09" },
  { number = "2", customer = "A", shipped_on = "2024-03-01", promised_on = "2024-01-11" },
]"#,
    );
    let asked = |as_of: &str| {
        format!(
            r#""metrics": ["on_time_delivery"], "from": "2024-01-01", "to": "2024-02-01",
               "as_of": "{as_of}""#
        )
    };
    assert_eq!(late.rows(asked("2024-03-01")).await, ["~1"]);
    assert_eq!(late.rows(asked("2024-03-02")).await, ["~0.5"]);
}

#[tokio::test]
async fn few_cases_are_marked() {
    let mean = metric(
        "money",
        "min_n = 2\n[measure]\nagg = 'avg'\nfrom = 'order'\nexpr = 'net_amount'",
    );
    let share = metric(
        "pct",
        "min_n = 2\n[ratio.num]\nagg = 'count'\nfrom = 'order'\nwhere = 'net_amount > 10'\n\
         [ratio.den]\nagg = 'count'\nfrom = 'order'",
    );
    let made = metric(
        "pct",
        "min_n = 3\n[derived]\nformula = '1 - share'\n[derived.terms]\nshare = { metric = 'dear' }",
    );
    let shop = with(
        r#"order = [
          { kind = "sale", ordered_on = "2024-01-05", country = "DE", net_amount = "10" },
          { kind = "sale", ordered_on = "2024-02-05", country = "DE", net_amount = "20" },
          { kind = "sale", ordered_on = "2024-02-06", country = "DE", net_amount = "10" },
        ]"#,
        &[("mean", mean), ("dear", share), ("cheap", made)],
    );
    let answer = shop
        .answer(
            r#""metrics": ["mean", "dear", "cheap"], "grain": "month", "compare": "previous",
               "from": "2024-01-01", "to": "2024-04-01", "as_of": "2024-04-01",
               "sort": ["-mean"]"#,
        )
        .await;
    assert_eq!(
        tiny::shown(&answer.rows),
        [
            "2024-02-01 | 15 | null | null | ~0.5 | null | null | ~0.5 | null | null",
            "2024-01-01 | 10 | null | null | ~0 | null | null | ~1 | null | null",
            "2024-03-01 | null | null | null | null | null | null | null | null | null",
        ]
    );
    let small = |row, column, n| Small { row, column, n };
    // February's two orders suffice for two of the three; where there is no
    // value, there is nothing to mark.
    assert_eq!(
        answer.small,
        [
            small(0, 7, 2),
            small(1, 1, 1),
            small(1, 4, 1),
            small(1, 7, 1)
        ]
    );
}

#[tokio::test]
async fn the_cases_of_a_quotient_in_a_quotient_are_those_of_the_inner_one() {
    let share = metric(
        "pct",
        "[ratio.num]\nagg = 'count'\nfrom = 'order'\nwhere = 'net_amount > 10'\n\
         [ratio.den]\nagg = 'count'\nfrom = 'order'",
    );
    let life = metric(
        "days",
        "min_n = 3\n[derived]\nformula = 'period_days / (1 - share)'\n[derived.terms]\n\
         share = { metric = 'dear' }",
    );
    let order = "{ kind = 'sale', ordered_on = '2024-01-05', net_amount =";
    let shop = with(
        &format!("order = [{order} '20' }}, {order} '5' }}, {order} '5' }}, {order} '5' }}]"),
        &[("dear", share), ("life", life)],
    );
    let january = r#""metrics": ["life"], "from": "2024-01-01", "to": "2024-02-01",
                     "as_of": "2024-03-01""#;
    let answer = shop.answer(january).await;
    // 31 ÷ 0.75, of four orders: the one above the inner line is no measure of
    // how many there are.
    assert_eq!(tiny::shown(&answer.rows), ["~41.333333"]);
    assert_eq!(answer.small, []);
}

#[tokio::test]
async fn a_number_splits_only_by_what_it_lists() {
    let shop = Tiny::new("");
    let refusal = shop.refusal(r#""metrics": ["complaint_rate"], "by": ["channel"]"#);
    assert!(
        refusal.starts_with("metric `complaint_rate` has no dimension `channel`"),
        "{refusal}"
    );
    // A listed link brings what lies over it, so that rights apply.
    let by = r#""metrics": ["complaint_rate"], "by": ["customer.country"]"#;
    let none: [&str; 0] = [];
    assert_eq!(shop.rows(by).await, none);
}

const FORMULA: &str = r#"
customer = [{ number = "A" }]
order = [
  { kind = "sale", ordered_on = "2023-01-05", gross_amount = "1", net_amount = "80" },
  { kind = "sale", ordered_on = "2024-01-05", gross_amount = "1", net_amount = "100" },
  { kind = "sale", ordered_on = "2024-02-05", gross_amount = "1", net_amount = "0.0003" },
]
cost = [
  { class = "goods", amount = "30.5", incurred_on = "2024-01-07" },
  { class = "acquisition", amount = "7", incurred_on = "2024-01-20" },
]
"#;

#[tokio::test]
async fn a_formula_is_exact_and_null_where_it_cannot_be_known() {
    let of = |unit: &str, formula: &str| {
        let terms = "revenue = { metric = 'net_revenue' }\norders = { metric = 'orders' }\n\
             cost = { agg = 'sum', from = 'cost', expr = 'amount' }\n\
             margin = { metric = 'average_order_value' }";
        let named = terms
            .lines()
            .filter(|line| formula.contains(line.split(' ').next().unwrap()))
            .collect::<Vec<_>>()
            .join("\n");
        metric(
            unit,
            &format!("[derived]\nformula = '{formula}'\n[derived.terms]\n{named}"),
        )
    };
    let shop = with(
        FORMULA,
        &[
            ("left", of("money", "revenue - cost")),
            ("right", of("money", "-(cost - revenue) * 2 / 2")),
            ("each", of("money", "revenue / (orders * 3)")),
            ("share", of("pct", "1 - cost / revenue")),
            ("nested", of("money", "margin + cost / 2")),
            ("never", of("pct", "orders / (orders - orders)")),
        ],
    );
    let rows = shop
        .rows(
            r#""metrics": ["left", "right", "each", "share", "nested", "never"], "grain": "month",
               "from": "2024-01-01", "to": "2024-04-01", "as_of": "2024-04-01""#,
        )
        .await;
    assert_eq!(
        rows,
        [
            "2024-01-01 | 62.5 | 62.5 | 33.3333 | ~0.625 | 118.75 | null",
            "2024-02-01 | 0.0003 | 0.0003 | 0.0001 | ~1 | 0.0003 | null",
            "2024-03-01 | 0 | 0 | null | null | null | null",
        ]
    );
}

#[tokio::test]
async fn the_plan_and_the_statement_show_a_formula() {
    let shop = Tiny::new(FORMULA);
    let plan = shop
        .plan(r#""metrics": ["revenue_growth"], "to": "2024-02-01", "from": "2024-01-01""#)
        .unwrap();
    let text = plan.to_string();
    assert!(
        text.contains("revenue_growth (pct) = 2.net_revenue / 1.net_revenue_before - 1")
            || text.contains("revenue_growth (pct) = 1.net_revenue / 2.net_revenue_before - 1"),
        "{text}"
    );
    assert!(text.contains("of the period a year before"), "{text}");
    let sql = explain(&plan).sql;
    assert!(sql.contains("ordered_on >= date '2023-01-01'"), "{sql}");
    assert!(sql.contains("ordered_on >= date '2024-01-01'"), "{sql}");
}

#[tokio::test]
async fn an_earlier_period_moves_by_the_calendar_and_days_by_days() {
    let lagged = metric(
        "money",
        "[measure]\nagg = 'sum'\nfrom = 'order'\nexpr = 'net_amount'\nlag_days = 14",
    );
    let news = metric(
        "count",
        "[derived]\nformula = 'before'\n[derived.terms]\n\
         before = { metric = 'new_customers', shift = 'previous' }",
    );
    let shop = with(
        r#"
customer = [{ number = "A" }, { number = "B" }]
order = [
  { customer = "A", kind = "sale", ordered_on = "2023-02-28", gross_amount = "1", net_amount = "40" },
  { customer = "A", kind = "sale", ordered_on = "2024-01-17", gross_amount = "1", net_amount = "1" },
  { customer = "B", kind = "sale", ordered_on = "2024-01-18", gross_amount = "1", net_amount = "2" },
  { customer = "A", kind = "sale", ordered_on = "2024-02-29", gross_amount = "1", net_amount = "50" },
]"#,
        &[("lagged", lagged), ("news_before", news)],
    );
    let rows = shop
        .rows(
            r#""metrics": ["revenue_growth", "lagged", "news_before"], "grain": "month",
               "from": "2024-01-01", "to": "2024-03-01", "as_of": "2024-03-01""#,
        )
        .await;
    // Of January 2023 nothing is known: the first fact is of February. The 14
    // days before January end with the 17th, so they hold the 1 only; B was
    // new in January.
    assert_eq!(
        rows,
        ["2024-01-01 | null | 1 | 0", "2024-02-01 | ~0.25 | 2 | 1",]
    );
    // A running month is compared with the same days of a year before.
    let running = r#""metrics": ["revenue_growth"], "grain": "month", "from": "2024-02-01",
                     "to": "2024-03-01", "as_of": "2024-02-28""#;
    assert_eq!(shop.rows(running).await, ["2024-02-01 | null"]);
    // And the growth of the year before has its own year before.
    let compared = r#""metrics": ["orders", "revenue_growth"], "from": "2024-02-01",
                      "to": "2024-03-01", "as_of": "2024-03-01", "compare": "year""#;
    assert_eq!(
        shop.rows(compared).await,
        ["1 | 1 | ~0 | ~0.25 | null | null"]
    );
}

/// Some 300 cases with an amount, a first and mostly a last day, by a fixed
/// rule without pattern.
fn cases() -> Vec<(Date, Option<Date>, i64, &'static str)> {
    let mut state = 11u64;
    let mut draw = |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % n
    };
    let base = day("2023-11-15");
    let mut one = |_| {
        let opened = base + (draw(140) as i64).days();
        let closed = (draw(4) > 0).then(|| opened + (draw(60) as i64).days());
        let source = ["a", "b"][draw(2) as usize];
        (opened, closed, draw(1000) as i64, source)
    };
    (0..300).map(&mut one).collect()
}

fn opportunities() -> String {
    let rows: Vec<String> = cases()
        .iter()
        .map(|(opened, closed, amount, source)| {
            let closed = closed.map_or(String::new(), |d| format!(", closed_on = '{d}'"));
            format!(
                "{{ customer = 'A', opened_on = '{opened}', amount = '{amount}', source = '{source}'{closed} }}"
            )
        })
        .collect();
    format!(
        "customer = [{{ number = 'A' }}]\nopportunity = [\n{}\n]",
        rows.join(",\n")
    )
}

/// The amounts open on a day, counted again.
fn open_on(at: Date, source: &str) -> i64 {
    let all = cases();
    let open = all.iter().filter(|(opened, closed, _, of)| {
        *opened <= at && closed.is_none_or(|closed| closed > at) && *of == source
    });
    open.map(|(.., amount, _)| amount).sum()
}

fn days(from: Date, to: Date) -> Vec<Date> {
    from.series(1.day()).take_while(|d| *d < to).collect()
}

#[tokio::test]
async fn a_balance_shows_the_last_first_mean_or_highest_day() {
    let balance = |over_time: &str| {
        metric(
            "money",
            &format!(
                "[measure]\nagg = 'sum'\nfrom = 'opportunity'\nexpr = 'amount'\n\
                 enter = 'opened_on'\nexit = 'closed_on'{over_time}"
            ),
        )
    };
    let of = |name: &str| balance(&format!("\nover_time = '{name}'"));
    let deals = with(
        &opportunities(),
        &[
            ("open", balance("")),
            ("last", of("last")),
            ("first", of("first")),
            ("mean", of("avg")),
            ("highest", of("max")),
        ],
    );
    let rows = deals
        .rows(
            r#""metrics": ["open", "last", "first", "mean", "highest"], "by": ["source"],
               "grain": "month", "from": "2023-12-01", "to": "2024-05-01", "as_of": "2024-04-16""#,
        )
        .await;
    let mut expected = Vec::new();
    for (from, to) in [
        ("2023-12-01", "2024-01-01"),
        ("2024-01-01", "2024-02-01"),
        ("2024-02-01", "2024-03-01"),
        ("2024-03-01", "2024-04-01"),
        ("2024-04-01", "2024-04-16"),
    ] {
        let days = days(day(from), day(to));
        for source in ["a", "b"] {
            let all: Vec<i64> = days.iter().map(|d| open_on(*d, source)).collect();
            let n = all.len() as i64;
            // To four places, half up.
            let units = (all.iter().sum::<i64>() * 20_000 + n) / (2 * n);
            let mean = keji_schema::Decimal::from_units(units);
            let (first, last) = (all[0], all[all.len() - 1]);
            let highest = all.iter().max().unwrap();
            expected.push(format!(
                "{from} | {source} | {last} | {last} | {first} | {mean} | {highest}"
            ));
        }
    }
    assert_eq!(rows, expected);
    // Without a grain the span is one period: its last day, not a sum.
    let whole = r#""metrics": ["open"], "from": "2023-12-01", "to": "2024-02-01", "as_of": "2024-04-16",
                   "where": "source = 'a'""#;
    assert_eq!(
        deals.rows(whole).await,
        [open_on(day("2024-01-31"), "a").to_string()]
    );
}

#[tokio::test]
async fn the_mean_of_daily_distinct_customers_is_no_sum() {
    let mean = metric(
        "count",
        "[measure]\nagg = 'count_distinct'\nfrom = 'order'\nexpr = 'customer'\n\
         window = 'days365'\nover_time = 'avg'",
    );
    let shop = with(
        r#"
customer = [{ number = "A" }, { number = "B" }]
order = [
  { customer = "A", kind = "sale", ordered_on = "2023-01-02" },
  { customer = "A", kind = "sale", ordered_on = "2024-01-04" },
  { customer = "B", kind = "sale", ordered_on = "2024-01-03" },
]"#,
        &[("mean_active", mean)],
    );
    let asked = r#""metrics": ["mean_active"], "from": "2024-01-01", "to": "2024-01-05",
                   "as_of": "2024-02-01""#;
    // A's first purchase counts on the 1st; then nobody, B, both: 4 ÷ 4.
    assert_eq!(shop.rows(asked).await, ["1"]);
    let three = r#""metrics": ["mean_active"], "from": "2024-01-02", "to": "2024-01-05",
                   "as_of": "2024-02-01", "grain": "month""#;
    assert_eq!(shop.rows(three).await, ["2024-01-01 | 1"]);
}

#[tokio::test]
async fn the_ends_of_a_period_stand_in_filters_and_reductions() {
    let kept = |having: &str| {
        format!(
            "agg = 'count'\nfrom = 'order'\nper = 'customer'\nwindow = 'all'\n\
             where = 'ordered_on >= period_start - 60'\n\
             let.before = {{ agg = 'sum', expr = 'case when ordered_on < period_start then 1 else 0 end' }}\n\
             let.since = {{ agg = 'max', expr = 'case when ordered_on >= period_start then ordered_on else null end' }}\n\
             having = '{having}'"
        )
    };
    let stayed = metric(
        "pct",
        &format!(
            "[ratio.num]\n{}\n[ratio.den]\n{}",
            kept("before > 0 and since >= period_end - 20"),
            kept("before > 0")
        ),
    );
    let first_days = metric(
        "count",
        "[measure]\nagg = 'count'\nfrom = 'order'\nwhere = 'ordered_on < period_start + 3'",
    );
    let shop = with(
        r#"
customer = [{ number = "A" }, { number = "B" }]
order = [
  { customer = "A", kind = "sale", ordered_on = "2023-12-02" },
  { customer = "B", kind = "sale", ordered_on = "2023-12-03" },
  { customer = "A", kind = "sale", ordered_on = "2024-01-11" },
  { customer = "B", kind = "sale", ordered_on = "2024-01-12" },
  { customer = "B", kind = "sale", ordered_on = "2024-02-02" },
]"#,
        &[("stayed", stayed), ("first_days", first_days)],
    );
    let asked = r#""metrics": ["stayed", "first_days"], "grain": "month", "from": "2023-12-01",
                   "to": "2024-03-01", "as_of": "2024-03-01""#;
    // The last 20 days of January begin with the 12th, of February with the
    // 10th.
    let expected = [
        "2023-12-01 | null | 2",
        "2024-01-01 | ~0.5 | 0",
        "2024-02-01 | ~0 | 1",
    ];
    assert_eq!(shop.rows(asked).await, expected);
    // One answer after another over the same days and files.
    let later = r#""metrics": ["first_days"], "from": "2024-01-11", "to": "2024-03-01",
                   "as_of": "2024-03-01""#;
    assert_eq!(shop.rows(later).await, ["2"]);
    let year = r#""metrics": ["first_days"], "from": "2023-12-02", "to": "2024-03-01",
                  "as_of": "2024-03-01""#;
    assert_eq!(shop.rows(year).await, ["2"]);
    let sql = explain(&shop.plan(asked).unwrap()).sql;
    assert!(sql.contains("periods.start_day"), "{sql}");
}

#[tokio::test]
async fn a_quantile_is_that_of_all_rows() {
    let of = |agg: &str| {
        metric(
            "days",
            &format!(
                "[measure]\nagg = '{agg}'\nfrom = 'opportunity'\nexpr = 'closed_on - opened_on'\n\
                 time = 'closed_on'"
            ),
        )
    };
    let deals = with(
        &opportunities(),
        &[
            ("half", of("median")),
            ("most", of("p90")),
            ("three", of("p75")),
        ],
    );
    for (asked, from, to) in [
        (r#""grain": "quarter","#, "2024-01-01", "2024-04-01"),
        ("", "2024-01-10", "2024-03-20"),
    ] {
        let rows = deals
            .rows(format!(
                r#"{asked} "metrics": ["half", "three", "most"], "from": "{from}", "to": "{to}",
                   "as_of": "2024-12-01""#
            ))
            .await;
        let mut all: Vec<i64> = cases()
            .iter()
            .filter_map(|(opened, closed, ..)| {
                let closed = closed.filter(|d| *d >= day(from) && *d < day(to))?;
                Some(i64::from((closed - *opened).get_days()))
            })
            .collect();
        all.sort_unstable();
        let at = |q: f64| {
            let place = q * (all.len() - 1) as f64;
            let low = place.floor() as usize;
            let (a, b) = (all[low] as f64, all[place.ceil() as usize] as f64);
            let x = a + (b - a) * (place - low as f64);
            format!("~{}", (x * 1e6).round() / 1e6)
        };
        let expected = format!("{} | {} | {}", at(0.5), at(0.75), at(0.9));
        assert!(rows[0].ends_with(&expected), "{rows:?} {expected}");
    }
    let none = r#""metrics": ["half"], "to": "2020-01-01", "from": "2019-01-01""#;
    assert_eq!(deals.rows(none).await, ["null"]);
}

#[tokio::test]
async fn a_key_may_lie_over_a_link() {
    let shop = Tiny::new(
        r#"
customer = [{ number = "A" }, { number = "B" }, { number = "C" }]
product = [{ number = "P", category = "tea" }, { number = "Q", category = "cups" }]
order = [
  { customer = "A", kind = "sale", ordered_on = "2024-01-05" },
  { customer = "B", kind = "sale", ordered_on = "2024-01-06" },
]
order_line = [
  { order = 1, product = "P", quantity = "1", price = "1", amount = "1" },
  { order = 1, product = "Q", quantity = "1", price = "1", amount = "1" },
  { order = 2, product = "P", quantity = "1", price = "1", amount = "1" },
]"#,
    );
    let asked = r#""metrics": ["cross_buy_rate"], "from": "2024-01-01", "to": "2024-02-01",
                   "as_of": "2024-02-01""#;
    assert_eq!(shop.rows(asked).await, ["~0.5"]);
    let by = r#""metrics": ["cross_buy_rate"], "by": ["customer.number"], "from": "2024-01-01",
                "to": "2024-02-01", "as_of": "2024-02-01""#;
    assert_eq!(shop.rows(by).await, ["A | ~1", "B | ~0"]);
}

#[tokio::test]
async fn a_conversion_counts_whoever_follows_in_time() {
    let of = |then: &str| {
        metric(
            "pct",
            &format!(
                "[conversion]\nfrom = 'order'\nwhere = \"kind = 'sale'\"\n{then}\nper = 'customer'\nwithin_days = 20"
            ),
        )
    };
    // Of 60 customers some 300 orders, sales and returns.
    let all: Vec<(usize, Date, bool)> = cases()
        .iter()
        .enumerate()
        .map(|(i, (day, .., source))| (i * 7 % 60, *day, *source == "a"))
        .collect();
    let customers: Vec<String> = (0..60).map(|i| format!("{{ number = 'C{i}' }}")).collect();
    let orders: Vec<String> = all
        .iter()
        .map(|(customer, day, is_sale)| {
            let kind = if *is_sale { "sale" } else { "return" };
            format!("{{ customer = 'C{customer}', kind = '{kind}', ordered_on = '{day}' }}")
        })
        .collect();
    let shop = with(
        &format!(
            "customer = [{}]\norder = [{}]",
            customers.join(", "),
            orders.join(", ")
        ),
        &[
            ("again", of("")),
            ("back", of("then = \"kind = 'return'\"")),
        ],
    );
    let expected = |from: Date, to: Date, follows_sale: bool| {
        let (mut n, mut n_soon) = (0, 0);
        for customer in 0..60 {
            let own = all.iter().filter(|(c, ..)| *c == customer);
            let sales = own.clone().filter(|(.., is_sale)| *is_sale);
            let Some(first) = sales.map(|(_, day, _)| *day).min() else {
                continue;
            };
            if first < from || first >= to {
                continue;
            }
            n += 1;
            let soon = own.clone().any(|(_, day, is_sale)| {
                *is_sale == follows_sale && *day > first && (*day - first).get_days() <= 20
            });
            n_soon += i32::from(soon);
        }
        if n == 0 {
            return "null".to_owned();
        }
        let share = f64::from(n_soon) / f64::from(n);
        format!("~{}", (share * 1e6).round() / 1e6)
    };
    // February ends 20 days before 21 March; in March nobody has had 20 days.
    let rows = shop
        .rows(
            r#""metrics": ["again", "back"], "grain": "month", "from": "2023-11-01",
               "to": "2024-04-01", "as_of": "2024-03-21""#,
        )
        .await;
    let starts = [
        "2023-11-01",
        "2023-12-01",
        "2024-01-01",
        "2024-02-01",
        "2024-03-01",
    ];
    for (i, row) in rows.iter().enumerate() {
        let from = day(starts[i]);
        let values = match starts.get(i + 1) {
            None => "null | null".to_owned(),
            Some(to) => {
                let (a, b) = (
                    expected(from, day(to), true),
                    expected(from, day(to), false),
                );
                format!("{a} | {b}")
            }
        };
        assert_eq!(*row, format!("{from} | {values}"));
    }
    assert!(rows[1].contains("~0."), "{rows:?}");
    let early = r#""metrics": ["again"], "from": "2023-11-01", "to": "2024-03-01",
                   "as_of": "2024-03-20""#;
    assert_eq!(shop.rows(early).await, ["null"]);
    let sql = explain(&shop.plan(early).unwrap()).sql;
    assert!(sql.contains("follows and day > first"), "{sql}");
}

#[tokio::test]
async fn a_record_leaves_a_balance_on_its_day_in_the_zone() {
    let tickets = Tiny::new(
        r#"
customer = [{ number = "A" }]
ticket = [
  { customer = "A", opened_on = "2024-01-10", solved_at = "2024-01-31T15:59:59Z" },
  { customer = "A", opened_on = "2024-01-10", solved_at = "2024-01-31T16:00:00Z" },
]"#,
    );
    let asked = r#""metrics": ["ticket_backlog"], "grain": "day", "from": "2024-01-30",
                   "to": "2024-02-02", "as_of": "2024-03-01""#;
    // Midnight in Shanghai is 16:00 of the day before.
    assert_eq!(
        tickets.rows(asked).await,
        ["2024-01-30 | 2", "2024-01-31 | 1", "2024-02-01 | 0"]
    );
    let sql = explain(&tickets.plan(asked).unwrap()).sql;
    assert!(sql.contains("at time zone 'Asia/Shanghai'"), "{sql}");
}

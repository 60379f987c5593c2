//! The standard definitions hold, and a broken one is told with its place.

use std::fs;
use std::path::{Path, PathBuf};

use keji_schema::catalog::DimensionJoin;
use keji_schema::definition::Text2;
use keji_schema::expr::{Expr, Scope};
use keji_schema::metric::{BenchmarkGrade, MetricDef, Term};
use keji_schema::{Catalog, Error, Type, Value};

/// The standard files, so that a test changes one line of a whole that holds.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../definitions");
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // What is not in force before somebody takes it in.
                if !path.ends_with("packs") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "toml") {
                let below = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                files.push((below, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

fn load(files: &[(String, String)]) -> Result<Catalog, Error> {
    Catalog::load(
        files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    )
}

/// Loads the standard files with `from` replaced by `to` in one of them.
fn changed(path: &str, from: &str, to: &str) -> Result<Catalog, Error> {
    let mut files = files();
    let (_, text) = files
        .iter_mut()
        .find(|(p, _)| p == path)
        .unwrap_or_else(|| panic!("no {path}"));
    assert!(text.contains(from), "{path} has no {from}");
    *text = text.replacen(from, to, 1);
    load(&files)
}

fn message(path: &str, from: &str, to: &str) -> String {
    match changed(path, from, to) {
        Ok(_) => format!("{path} holds with {to}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn the_standard_definitions_hold() {
    let catalog = Catalog::standard().unwrap();
    let wanted = [
        "net_revenue",
        "average_order_value",
        "gross_sales",
        "net_amount",
        "orders",
        "new_customers",
        "buyers",
        "active_customers",
        "repeat_customer_share",
        "recency",
        "frequency",
        "monetary",
        "repeat_purchase_rate",
        "cohort_customers",
        "cohort_retention",
        "predicted_clv",
        "p_alive",
        "high_value_share",
        "high_value_revenue_share",
        "value_at_risk",
    ];
    for id in wanted {
        let metric = catalog.metric(id).unwrap();
        assert!(!metric.formula().is_empty());
        for text in [&metric.name, &metric.about] {
            assert!(!text.zh.is_empty() && !text.en.is_empty(), "{id}");
        }
        for example in &metric.examples {
            catalog.given(example).unwrap();
        }
    }
    assert_eq!(
        catalog.rfm.keys().collect::<Vec<_>>(),
        ["fixed", "reference", "reference_cut"]
    );
    assert_eq!(catalog.tiers.names.len(), 4);
    assert_eq!(catalog.calendar.zone.iana_name(), Some("Asia/Shanghai"));
}

/// What a trading, software, manufacturing or service company keeps.
const OBJECTS: [&str; 52] = [
    "attribution",
    "call",
    "competitor",
    "consent",
    "contact",
    "contract",
    "contribution",
    "cost",
    "coupon",
    "course_attempt",
    "customer",
    "delivery",
    "delivery_line",
    "department",
    "employment",
    "file",
    "idea",
    "invitation",
    "invoice",
    "market_size",
    "member",
    "membership",
    "message",
    "need",
    "note",
    "opportunity",
    "order",
    "order_line",
    "payment",
    "payment_plan",
    "pipeline",
    "points",
    "price",
    "price_list",
    "product",
    "project",
    "quote",
    "quote_line",
    "referral",
    "reply",
    "score",
    "service_audit",
    "share",
    "shift",
    "sign_up",
    "staff_training",
    "stage",
    "task",
    "ticket",
    "touchpoint",
    "training",
    "web_visit",
];

#[test]
fn every_object_speaks_both_languages() {
    let catalog = Catalog::standard().unwrap();
    let mut ids: Vec<&str> = OBJECTS.to_vec();
    ids.push("user");
    ids.sort_unstable();
    assert_eq!(catalog.objects.keys().collect::<Vec<_>>(), ids);
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for (id, object) in &catalog.objects {
        let mut texts = vec![(id.clone(), object.name.clone())];
        texts.push((id.clone(), object.about.clone()));
        for field in &object.fields {
            let path = format!("{id}.{}", field.id);
            texts.push((path.clone(), field.name.clone()));
            texts.extend(field.help.clone().map(|help| (path.clone(), help)));
            for option in &field.options {
                let (zh, en) = (option.zh.clone(), option.en.clone());
                texts.push((format!("{path}.{}", option.value), Text2 { zh, en }));
            }
        }
        for (path, text) in texts {
            // `VIP 客户`, but a tax rate's `R（…）` has Chinese, too.
            assert!(
                is_chinese(&text.zh) || text.zh == "RFM",
                "{path}: {}",
                text.zh
            );
            assert!(!text.en.is_empty() && !is_chinese(&text.en), "{path}");
        }
    }
}

#[test]
fn what_belongs_to_a_customer_is_found_by_the_customer() {
    let catalog = Catalog::standard().unwrap();
    for (id, object) in &catalog.objects {
        for field in &object.fields {
            if let Some(to) = &field.to {
                assert!(catalog.objects.contains_key(to), "{id}.{}", field.id);
            }
            if field.to.as_deref() == Some("customer") && object.written_by.is_none() {
                let first = |index: &Vec<String>| index.first() == Some(&field.id);
                assert!(object.indexes.iter().any(first), "{id}.{}", field.id);
            }
        }
        let mut names = std::collections::BTreeSet::new();
        for field in &object.fields {
            assert!(names.insert(&field.name.zh), "{id}: {}", field.name.zh);
            assert!(names.insert(&field.name.en), "{id}: {}", field.name.en);
        }
    }
}

#[test]
fn what_happens_at_a_time_can_be_counted() {
    let catalog = Catalog::standard().unwrap();
    for id in [
        "opportunity",
        "quote",
        "quote_line",
        "contract",
        "delivery",
        "delivery_line",
        "payment_plan",
        "payment",
        "invoice",
        "touchpoint",
        "task",
        "need",
        "project",
        "ticket",
        "training",
        "call",
        "contribution",
        "coupon",
        "course_attempt",
        "idea",
        "invitation",
        "membership",
        "message",
        "points",
        "referral",
        "reply",
        "sign_up",
        "web_visit",
    ] {
        let copy = catalog.object(id).unwrap().copy.as_ref();
        let time = copy
            .and_then(|copy| copy.time.as_deref())
            .unwrap_or_default();
        let path: Vec<String> = time.split('.').map(str::to_owned).collect();
        assert!(catalog.field(id, &path).unwrap().required, "{id}: {time}");
        let found = catalog.resolve_dimension(id, "customer.industry");
        assert!(found.is_ok(), "{id}: {found:?}");
    }
    let kind = catalog.resolve_dimension("opportunity", "stage.kind");
    assert_eq!(kind.unwrap().column, "stage_kind");
}

#[test]
fn a_formula_reads_as_one_line() {
    let catalog = Catalog::standard().unwrap();
    for (id, formula) in [
        (
            "gross_sales",
            "sum(amount) of order_line where order.kind = 'sale' and quantity > 0 and price > 0",
        ),
        (
            "average_order_value",
            "(sum(net_amount) of order where kind = 'sale' and gross_amount > 0) ÷ (orders)",
        ),
        (
            "recency",
            "avg(period_end - last) over each customer, with last = max(ordered_on) of order \
             where kind = 'sale' and gross_amount > 0, in all days to the end of the period",
        ),
        (
            "p_alive",
            "avg(p_alive) of score, as of the last evaluation",
        ),
    ] {
        assert_eq!(catalog.metric(id).unwrap().formula(), formula);
    }
}

#[test]
fn every_field_is_a_name_of_the_language() {
    let catalog = Catalog::standard().unwrap();
    for object in catalog.objects.values() {
        let scope = catalog.scope(&object.id);
        for field in &object.fields {
            let expr = Expr::parse(&format!("{} is not null", field.id), &scope).unwrap();
            assert_eq!(expr.fields(), [vec![field.id.clone()]]);
        }
    }
}

#[test]
fn a_broken_definition_names_file_and_line() {
    let mut wrong = Vec::new();
    for (path, from, to, said) in [
        // Not TOML, an unknown key, a missing one, a word outside a closed list.
        (
            "objects/cost.toml",
            "unit = \"money\"",
            "unit = money",
            "objects/cost.toml:36: ",
        ),
        (
            "objects/cost.toml",
            "unit = \"money\"",
            "units = \"money\"",
            "objects/cost.toml:36: unknown field `units`",
        ),
        (
            "metrics/financial/orders.toml",
            "version = 1\n",
            "",
            "metrics/financial/orders.toml:1: missing field `version`",
        ),
        (
            "metrics/financial/orders.toml",
            "\"count\"\ndirection",
            "\"pieces\"\ndirection",
            "metrics/financial/orders.toml:6: unknown variant `pieces`",
        ),
        (
            "rfm/fixed.toml",
            "\"1500\"",
            "\"1.5k\"",
            "rfm/fixed.toml:12: `1.5k` is not a number",
        ),
        // Objects.
        (
            "objects/cost.toml",
            "id = \"note\"",
            "id = \"amount\"",
            "objects/cost.toml:47: field `amount` is there twice",
        ),
        (
            "objects/cost.toml",
            "id = \"note\"",
            "id = \"batch\"",
            "objects/cost.toml:47: the name `batch` is reserved",
        ),
        (
            "objects/cost.toml",
            "id = \"note\"",
            "id = \"case\"",
            "objects/cost.toml:47: the name `case` is a word of the expression language",
        ),
        (
            "objects/cost.toml",
            "id = \"note\"",
            "id = \"Note\"",
            "objects/cost.toml:47: `Note` is not a name: small letters, digits and _",
        ),
        (
            "objects/cost.toml",
            "to = \"order\"",
            "to = \"orders\"",
            "objects/cost.toml:18: there is no object `orders`",
        ),
        (
            "objects/cost.toml",
            "to = \"order\"\n",
            "",
            "objects/cost.toml:16: link `order` does not say `to` what",
        ),
        (
            "objects/cost.toml",
            "type = \"choice\"",
            "type = \"text\"",
            "objects/cost.toml:26: field `class` is no choice",
        ),
        (
            "objects/cost.toml",
            "value = \"other\"",
            "value = \"goods\"",
            "objects/cost.toml:26: option `goods` is empty or there twice",
        ),
        (
            "objects/cost.toml",
            "unit = \"money\"",
            "unit = \"yuan\"",
            "objects/cost.toml:36: there is no unit `yuan`; there are money, count, pct, days and score",
        ),
        (
            "objects/cost.toml",
            "time = \"incurred_on\"",
            "time = \"amount\"",
            "objects/cost.toml:6: `amount` is a number, not a date",
        ),
        (
            "objects/cost.toml",
            "[[\"customer\", \"incurred_on\"]]",
            "[[\"customer\"], [\"day\"]]",
            "objects/cost.toml:3: there is no field `day`",
        ),
        (
            "objects/cost.toml",
            "\"class\"]",
            "\"clas\"]",
            "objects/cost.toml:7: there is no field `clas`",
        ),
        (
            "objects/order.toml",
            "title = \"number\"",
            "title = \"titel\"",
            "objects/order.toml:4: there is no field `titel`",
        ),
        (
            "objects/order.toml",
            "number = \"number\"",
            "number = \"channel\"",
            "objects/order.toml:3: field `channel` must be required and unique",
        ),
        (
            "objects/order_line.toml",
            "\"order.kind\"",
            "\"order.sort\"",
            "objects/order_line.toml:8: there is no field `order.sort`",
        ),
        (
            "objects/order_line.toml",
            "\"order.kind\"",
            "\"order\"",
            "objects/order_line.toml:8: `order` is not one link and one field",
        ),
        // Metrics.
        (
            "metrics/financial/orders.toml",
            "code = \"F16\"",
            "code = \"16\"",
            "metrics/financial/orders.toml:1: code `16` is not a letter and digits",
        ),
        (
            "metrics/financial/orders.toml",
            "group = \"financial\"",
            "group = \"value\"",
            "metrics/financial/orders.toml:3: group `value` does not match the folder `financial`",
        ),
        (
            "metrics/financial/orders.toml",
            "from = \"order\"",
            "from = \"orders\"",
            "metrics/financial/orders.toml:13: there is no object `orders`",
        ),
        (
            "metrics/financial/orders.toml",
            "from = \"order\"",
            "from = \"contact\"",
            "metrics/financial/orders.toml:13: `contact` is not copied for analysis: it has no [copy]",
        ),
        (
            "metrics/financial/orders.toml",
            "kind = 'sale'",
            "sort = 'sale'",
            "metrics/financial/orders.toml:14: in `sort = 'sale' and gross_amount > 0`: column 1: there is no field `sort`",
        ),
        (
            "metrics/financial/orders.toml",
            "kind = 'sale'",
            "kind = 'sold'",
            "metrics/financial/orders.toml:14: in `kind = 'sold' and gross_amount > 0`: column 8: field `kind` has no option `sold`; it has sale, return, adjustment",
        ),
        (
            "metrics/financial/orders.toml",
            "unit = \"count\"",
            "unit = \"money\"",
            "metrics/financial/orders.toml:6: the unit is money, but the number is in count",
        ),
        (
            "metrics/financial/orders.toml",
            "agg = \"count\"",
            "agg = \"sum\"",
            "metrics/financial/orders.toml:11: `sum` needs an expr",
        ),
        (
            "metrics/financial/orders.toml",
            "agg = \"count\"",
            "agg = \"count\"\nexpr = \"net_amount\"",
            "metrics/financial/orders.toml:13: `count` counts rows and takes no expr; choose them by where or having",
        ),
        (
            "metrics/financial/orders.toml",
            "agg = \"count\"",
            "agg = \"count\"\nhaving = \"n > 1\"",
            "metrics/financial/orders.toml:13: `having` goes with `per`",
        ),
        (
            "metrics/financial/orders.toml",
            "agg = \"count\"",
            "agg = \"count\"\nwindow = \"latest\"",
            "metrics/financial/orders.toml:13: `latest` looks at evaluations: only with from = \"score\"",
        ),
        (
            "metrics/financial/orders.toml",
            "agg = \"count\"",
            "agg = \"count\"\ntime = \"channel\"",
            "metrics/financial/orders.toml:13: `channel` is a text, not a date",
        ),
        (
            "metrics/financial/orders.toml",
            "[measure]",
            "[ratio]\nnum = { metric = \"orders\" }\nden = { metric = \"orders\" }\n[measure]",
            "metrics/financial/orders.toml:1: a metric has exactly one of measure, ratio, derived, cohort and conversion",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "revenue / before - 1",
            "revenue / before - money",
            "metrics/financial/revenue_growth.toml:13: in `revenue / before - money`: column 20: there is no term `money`",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "revenue / before - 1",
            "revenue - 1",
            "metrics/financial/revenue_growth.toml:17: the formula does not name `before`",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "revenue / before - 1",
            "revenue / before + revenue",
            "metrics/financial/revenue_growth.toml:13: `+` stands between a plain number and money",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "revenue / before - 1",
            "revenue - before",
            "metrics/financial/revenue_growth.toml:6: the unit is pct, but the number is in money",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "revenue / before - 1",
            "coalesce(revenue / before, 0)",
            "metrics/financial/revenue_growth.toml:13: in `coalesce(revenue / before, 0)`: a formula has nothing but numbers, terms and + - * /",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "before = { metric = \"net_revenue\"",
            "before = { metric = \"revenue_growth\"",
            "metrics/financial/revenue_growth.toml:15: metric `revenue_growth` is made of itself",
        ),
        (
            "metrics/financial/revenue_growth.toml",
            "revenue = { metric = \"net_revenue\" }",
            "revenue = { metric = \"cohort_customers\" }",
            "metrics/financial/revenue_growth.toml:16: metric `cohort_customers` is of cohorts, not of periods",
        ),
        (
            "metrics/acquisition/payback.toml",
            "grain_min = \"month\"",
            "grain_min = \"day\"",
            "metrics/acquisition/payback.toml:19: metric `acquisition_cost` is honest by month at the finest, and this one claims day",
        ),
        (
            "metrics/acquisition/payback.toml",
            "settle_days = 14",
            "settle_days = 13",
            "metrics/acquisition/payback.toml:19: metric `acquisition_cost` settles after 14 days, and this one claims 13",
        ),
        (
            "metrics/acquisition/payback.toml",
            "{ metric = \"acquisition_cost\" }",
            "{ metric = \"acquisition_cost\", shift = \"year\" }",
            "metrics/acquisition/payback.toml:19: metric `acquisition_cost` looks at an earlier period already",
        ),
        (
            "metrics/satisfaction/complaint_rate.toml",
            "dims = [\"customer\"]\n",
            "",
            "metrics/satisfaction/complaint_rate.toml:1: `kind` of `order` is not `kind` of `ticket`: say in `dims` what the number splits by",
        ),
        (
            "metrics/satisfaction/complaint_rate.toml",
            "dims = [\"customer\"]",
            "dims = [\"customer\", \"priority\"]",
            "metrics/satisfaction/complaint_rate.toml:8: the inputs do not all have the dimension `priority`; they have customer, customer.number, customer.name, customer.kind, customer.country, customer.region, customer.city, customer.industry, customer.owner, customer.user, kind, channel",
        ),
        (
            "metrics/pipeline/pipeline_amount.toml",
            "exit = \"closed_on\"",
            "exit = \"source\"",
            "metrics/pipeline/pipeline_amount.toml:17: `source` is a text, not a date",
        ),
        (
            "metrics/pipeline/pipeline_amount.toml",
            "enter = \"opened_on\"\n",
            "",
            "metrics/pipeline/pipeline_amount.toml:16: `exit` goes with `enter`",
        ),
        (
            "metrics/pipeline/pipeline_amount.toml",
            "exit = \"closed_on\"",
            "exit = \"closed_on\"\nwindow = \"all\"",
            "metrics/pipeline/pipeline_amount.toml:18: a balance has `enter` and `exit` instead of `window`",
        ),
        (
            "metrics/pipeline/pipeline_amount.toml",
            "exit = \"closed_on\"",
            "exit = \"closed_on\"\nover_time = \"sum\"",
            "metrics/pipeline/pipeline_amount.toml:18: unknown variant `sum`, expected one of `last`, `first`, `avg`, `max`",
        ),
        (
            "metrics/financial/net_revenue.toml",
            "from = \"order\"",
            "from = \"order\"\nover_time = \"avg\"",
            "metrics/financial/net_revenue.toml:14: `over_time` goes with `enter` or a window of days before",
        ),
        (
            "metrics/behaviour/recency.toml",
            "per = \"customer\"",
            "per = \"customer.country\"",
            "metrics/behaviour/recency.toml:15: `order` has no link `customer.country`",
        ),
        (
            "metrics/acquisition/new_customers.toml",
            "expr = \"ordered_on\"",
            "expr = \"case when ordered_on < period_start then ordered_on else null end\"",
            "metrics/acquisition/new_customers.toml:17: what is dated by a reduction cannot name the ends of a period",
        ),
        (
            "metrics/financial/net_revenue.toml",
            "\"net_amount\"",
            "\"net_amount + n_lines\"",
            "metrics/financial/net_revenue.toml:14: `+` stands between money and count",
        ),
        (
            "metrics/financial/net_revenue.toml",
            "\"net_amount\"",
            "\"channel\"",
            "metrics/financial/net_revenue.toml:14: `sum` does not take a text",
        ),
        (
            "metrics/financial/average_order_value.toml",
            "metric = \"orders\"",
            "metric = \"order\"",
            "metrics/financial/average_order_value.toml:18: there is no metric `order`",
        ),
        (
            "metrics/financial/average_order_value.toml",
            "metric = \"orders\"",
            "metric = \"average_order_value\"",
            "metrics/financial/average_order_value.toml:18: metric `average_order_value` is no plain measure: its parts cannot be added up",
        ),
        (
            "metrics/financial/average_order_value.toml",
            "metric = \"orders\"",
            "metrics = \"orders\"",
            "metrics/financial/average_order_value.toml:18: unknown field `metrics`",
        ),
        (
            "metrics/financial/average_order_value.toml",
            "unit = \"money\"",
            "unit = \"pct\"",
            "metrics/financial/average_order_value.toml:6: the unit is pct, but the number is in money",
        ),
        (
            "metrics/behaviour/recency.toml",
            "per = \"customer\"",
            "per = \"country\"",
            "metrics/behaviour/recency.toml:15: `order` has no link `country`",
        ),
        (
            "metrics/behaviour/recency.toml",
            "period_end - last",
            "period_end - first",
            "metrics/behaviour/recency.toml:17: in `period_end - first`: column 14: there is no reduction `first`",
        ),
        (
            "metrics/behaviour/recency.toml",
            "let.last",
            "let.period_end",
            "metrics/behaviour/recency.toml:16: `period_end` cannot be the name of a reduction",
        ),
        (
            "metrics/acquisition/new_customers.toml",
            "time = \"first\"",
            "time = \"ordered_on\"",
            "metrics/acquisition/new_customers.toml:17: with `per`, time is a reduction, and there is no `ordered_on`",
        ),
        (
            "metrics/acquisition/new_customers.toml",
            "window = \"all\"",
            "window = \"days365\"",
            "metrics/acquisition/new_customers.toml:17: a reduction as time goes with window = \"all\"",
        ),
        (
            "metrics/retention/cohort_customers.toml",
            "from = \"order\"",
            "from = \"product\"",
            "metrics/retention/cohort_customers.toml:13: `product` has no link `customer`",
        ),
        (
            "metrics/satisfaction/net_promoter_score.toml",
            "owner = \"service\"",
            "owner = \"chef\"",
            "metrics/satisfaction/net_promoter_score.toml:10: there is no role `chef`; there are data, manager, marketing, owner, representative, service",
        ),
        // Examples.
        (
            "metrics/financial/orders.toml",
            "[\"德国\", \"1\"]",
            "[\"1\"]",
            "metrics/financial/orders.toml:22: the row has 1 columns, not 2",
        ),
        (
            "metrics/financial/orders.toml",
            "[\"德国\", \"1\"]",
            "[\"德国\", \"one\"]",
            "metrics/financial/orders.toml:22: `one` is neither a number nor null",
        ),
        (
            "metrics/financial/orders.toml",
            "by = [\"country\"]",
            "by = [\"city\"]",
            "metrics/financial/orders.toml:21: `orders` has no dimension `city`; it has ",
        ),
        (
            "metrics/financial/orders.toml",
            "as_of = \"2024-02-01\"",
            "as_of = \"2024-02-30\"",
            "metrics/financial/orders.toml:18: `2024-02-30` is not a date",
        ),
        (
            "metrics/financial/orders.toml",
            "gross_amount = \"100\"",
            "gross_amount = 100.0",
            "metrics/financial/orders.toml:27: field `gross_amount` is a number, not 100.0",
        ),
        (
            "metrics/financial/orders.toml",
            "gross_amount = \"100\"",
            "amount = 100",
            "metrics/financial/orders.toml:27: `order` has no field `amount`",
        ),
        (
            "metrics/financial/orders.toml",
            "customer = \"A\", kind",
            "customer = \"B\", kind",
            "metrics/financial/orders.toml:27: field `customer` points to \"B\", which is no record of the example",
        ),
        // Rules and the calendar.
        (
            "rfm/fixed.toml",
            "[30, 60, 120, 240]",
            "[30, 60, 60, 240]",
            "rfm/fixed.toml:10: the borders do not ascend",
        ),
        (
            "rfm/reference.toml",
            "method = \"rank\"",
            "method = \"thresholds\"",
            "rfm/reference.toml:4: `thresholds` needs a table [thresholds]",
        ),
        (
            "tiers/value.toml",
            "vip_revenue_share = 0.5",
            "vip_revenue_share = 50.0",
            "tiers/value.toml:5: 50 is not a share above 0 and up to 1",
        ),
        (
            "tiers/value.toml",
            "id = \"vip\"",
            "id = \"gold\"",
            "tiers/value.toml:19: these are gold, potential, regular, dormant, but field `score.tier` has vip, potential, regular, dormant",
        ),
        (
            "calendar.toml",
            "Asia/Shanghai",
            "Asia/Peking",
            "calendar.toml:2: there is no time zone `Asia/Peking`",
        ),
    ] {
        let found = message(path, from, to);
        if !found.starts_with(said) {
            wrong.push(format!(
                "  said {found}
wanted {said}
"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

#[test]
fn a_benchmark_says_what_it_is_and_where_it_is_from() {
    let path = "metrics/financial/orders.toml";
    let with = |keys: &str| {
        let row = format!(
            "[[benchmark]]\nabout = {{ zh = \"中位数\", en = \"Median\" }}\n{keys}\n\n[[example]]"
        );
        changed(path, "[[example]]", &row)
    };
    let whole = "low = \"1.5\"\nhigh = \"2\"\nsource = \"S\"\ndated = \"2024-03\"\ngrade = \"B\"";
    let catalog = with(whole).unwrap();
    let row = &catalog.metric("orders").unwrap().benchmarks[0];
    assert_eq!(row.low, Some("1.5".parse().unwrap()));
    assert_eq!(row.grade, BenchmarkGrade::B);
    // One end may be open, and not every source has a date.
    with("high = \"2\"\nsource = \"S\"\ngrade = \"A\"").unwrap();
    for (from, to, said) in [
        (
            "low = \"1.5\"\nhigh = \"2\"",
            "",
            "a benchmark has `low`, `high` or both",
        ),
        (
            "high = \"2\"",
            "high = \"1\"",
            "the range from 1.5 to 1 is empty",
        ),
        ("low = \"1.5\"", "low = 1.5", "invalid type"),
        ("low = \"1.5\"", "low = \"some\"", "`some` is not a number"),
        (
            "source = \"S\"",
            "source = \" \"",
            "a benchmark says where it is from",
        ),
        ("source = \"S\"\n", "", "missing field `source`"),
        (
            "2024-03",
            "2024-13",
            "`2024-13` is neither a year nor a month",
        ),
        (
            "2024-03",
            "last year",
            "`last year` is neither a year nor a month",
        ),
        ("grade = \"B\"", "grade = \"D\"", "unknown variant `D`"),
        ("grade = \"B\"", "", "missing field `grade`"),
        (
            "grade = \"B\"",
            "grade = \"B\"\ntarget = \"2\"",
            "unknown field `target`",
        ),
    ] {
        let found = with(&whole.replace(from, to)).unwrap_err().to_string();
        assert!(
            found.starts_with(path) && found.contains(said),
            "{to}: {found}"
        );
    }
}

#[test]
fn a_file_must_stand_in_its_place() {
    let with = |path: &str| {
        let mut files = files();
        files.push((path.to_owned(), String::new()));
        load(&files).unwrap_err().to_string()
    };
    assert!(
        with("metrics/orders.toml")
            .starts_with("metrics/orders.toml:1: no definition has this place")
    );
    assert!(
        with("objects/order.json")
            .starts_with("objects/order.json:1: no definition has this place")
    );
    let mut without = files();
    without.retain(|(path, _)| path != "tiers/value.toml");
    assert_eq!(
        load(&without).unwrap_err().to_string(),
        "tiers/value.toml:1: the file is missing"
    );
    let mut twice = files();
    let again = twice
        .iter()
        .find(|(p, _)| p == "metrics/financial/orders.toml")
        .unwrap()
        .1
        .clone();
    twice.push((
        "metrics/value/orders.toml".into(),
        again.replace("\"financial\"", "\"value\""),
    ));
    let said = load(&twice).unwrap_err().to_string();
    assert!(
        said.contains("metric `orders` is defined in metrics/"),
        "{said}"
    );
}

#[test]
fn a_dimension_has_one_name_and_a_place_in_every_fact() {
    let catalog = Catalog::standard().unwrap();
    let join = |object: &str, field: &str| {
        Some(DimensionJoin {
            object: object.to_owned(),
            field: field.to_owned(),
        })
    };
    for (object, name, path, column, joined, kind) in [
        (
            "order",
            "customer",
            "customer",
            "customer",
            None,
            Type::Link,
        ),
        (
            "order",
            "customer.country",
            "customer.country",
            "customer",
            join("customer", "country"),
            Type::Text,
        ),
        (
            "order",
            "customer.kind",
            "customer.kind",
            "customer_kind",
            None,
            Type::Choice,
        ),
        ("order", "kind", "kind", "kind", None, Type::Choice),
        (
            "order_line",
            "customer",
            "order.customer",
            "order_customer",
            None,
            Type::Link,
        ),
        (
            "order_line",
            "customer.country",
            "order.customer.country",
            "order_customer",
            join("customer", "country"),
            Type::Text,
        ),
        (
            "order_line",
            "customer.kind",
            "order.customer.kind",
            "order_customer",
            join("customer", "kind"),
            Type::Choice,
        ),
        (
            "order_line",
            "kind",
            "order.kind",
            "order_kind",
            None,
            Type::Choice,
        ),
        (
            "order_line",
            "country",
            "order.country",
            "order_country",
            None,
            Type::Text,
        ),
        (
            "order_line",
            "channel",
            "order.channel",
            "order_channel",
            None,
            Type::Text,
        ),
        (
            "order_line",
            "product.category",
            "product.category",
            "product",
            join("product", "category"),
            Type::Text,
        ),
        (
            "cost",
            "customer.name",
            "customer.name",
            "customer",
            join("customer", "name"),
            Type::Text,
        ),
        ("score", "tier", "tier", "tier", None, Type::Choice),
        (
            "score",
            "customer",
            "customer",
            "customer",
            None,
            Type::Link,
        ),
    ] {
        let found = catalog.resolve_dimension(object, name).unwrap();
        assert_eq!(
            (found.name.as_str(), found.path.join(".").as_str()),
            (name, path),
            "{object}"
        );
        assert_eq!(
            (found.column.as_str(), found.join, found.kind),
            (column, joined, kind),
            "{object} {name}"
        );
        // The path holds in the object's own scope, too.
        assert_eq!(catalog.scope(object).resolve(&found.path), Ok(kind));
    }
    for (object, name) in [
        ("order", "product"),
        ("order", "tier"),
        ("score", "country"),
        ("order", "customer.phone"),
    ] {
        let said = catalog
            .resolve_dimension(object, name)
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with(&format!(
                "`{object}` has no dimension `{name}`; it has customer"
            )),
            "{said}"
        );
    }
    let scope = catalog.dimension_scope("order_line");
    assert!(Expr::parse_filter("customer is not null and kind = 'sale'", &scope).is_ok());
    assert!(Expr::parse_filter("kind = 'sold'", &scope).is_err());
    assert!(Expr::parse_filter("order_kind = 'sale'", &scope).is_err());
}

#[test]
fn a_metric_splits_by_what_all_its_inputs_have() {
    let catalog = Catalog::standard().unwrap();
    let has = |metric: &str, name: &str| {
        catalog
            .dimensions(metric)
            .unwrap()
            .iter()
            .any(|d| d == name)
    };
    assert!(has("gross_sales", "product.category") && has("gross_sales", "country"));
    assert!(has("orders", "country") && !has("orders", "product.category"));
    assert!(has("average_order_value", "channel"));
    assert!(has("p_alive", "tier") && !has("p_alive", "country"));
    // Dated by the customer's first order: by the customer only.
    assert!(has("new_customers", "customer.country") && !has("new_customers", "country"));
    let cohort = catalog.dimensions("cohort_retention").unwrap();
    assert_eq!(cohort[..3], ["cohort", "age", "customer"]);

    // Orders per line: only what both facts know.
    let mixed = changed(
        "metrics/financial/average_order_value.toml",
        "metric = \"orders\"",
        "metric = \"gross_sales\"",
    );
    assert!(
        mixed
            .unwrap_err()
            .to_string()
            .contains("the unit is money, but the number is in pct")
    );
    let mixed = changed(
        "metrics/financial/average_order_value.toml",
        "agg = \"sum\"\nfrom = \"order\"\nexpr = \"net_amount\"\nwhere = \"kind = 'sale' and gross_amount > 0\"",
        "agg = \"sum\"\nfrom = \"order_line\"\nexpr = \"amount\"",
    );
    let names = mixed.unwrap().dimensions("average_order_value").unwrap();
    assert!(names.contains(&"country".to_owned()) && !names.contains(&"product".to_owned()));
}

#[test]
fn an_example_gives_typed_records() {
    let catalog = Catalog::standard().unwrap();
    let metric: &MetricDef = catalog.metric("gross_sales").unwrap();
    let given = catalog.given(&metric.examples[0]).unwrap();
    let line = &given["order_line"][4];
    assert_eq!(line["id"], Value::Int(5));
    assert_eq!(line["order"], Value::Int(2));
    assert_eq!(line["amount"], Value::Decimal("-12.4".parse().unwrap()));
    assert_eq!(line["product"], Value::Null);
    assert_eq!(
        given["order"][1]["ordered_on"],
        Value::Date("2024-01-09".parse().unwrap())
    );
}

#[test]
fn the_names_after_a_reduction_have_types() {
    let catalog = Catalog::standard().unwrap();
    let recency = catalog.metric("recency").unwrap().measure.as_ref().unwrap();
    let scope = catalog.reduced_scope(recency).unwrap();
    let expr = Expr::parse("period_end - last", &scope).unwrap();
    assert_eq!(expr.kind, Some(Type::Int));
    let ratio = catalog
        .metric("repeat_purchase_rate")
        .unwrap()
        .ratio
        .as_ref()
        .unwrap();
    let Term::Measure(num) = &ratio.num else {
        panic!()
    };
    assert!(Expr::parse_filter("days >= 2", &catalog.reduced_scope(num).unwrap()).is_ok());
}

#[test]
fn the_rules_of_choice_are_one_set() {
    let choice = Catalog::standard().unwrap().choice;
    assert!(choice.goals.len() >= 6 && choice.industries.len() >= 4);
    assert_eq!(choice.goal("profit").unwrap().name.en, "Raise profit");
    let tiers: Vec<&str> = (choice.groups.iter())
        .filter(|group| group.filter.starts_with("tier = "))
        .map(|group| group.id.as_str())
        .collect();
    assert_eq!(tiers, ["vip", "potential", "regular", "dormant"]);
    // Whatever can be said, some rule listens to.
    let is_heard = |of: &dyn Fn(&keji_schema::choice::When) -> Option<String>, id: &str| {
        choice
            .rules
            .iter()
            .any(|r| of(&r.when).as_deref() == Some(id))
    };
    for goal in &choice.goals {
        assert!(is_heard(&|when| when.goal.clone(), &goal.id), "{}", goal.id);
    }
    for industry in &choice.industries {
        assert!(is_heard(&|when| when.industry.clone(), &industry.id));
    }
    for group in &choice.groups {
        assert!(is_heard(&|when| when.group.clone(), &group.id));
    }
    for statement in &choice.statements {
        assert!(is_heard(&|when| when.statement.clone(), &statement.id));
    }
}

#[test]
fn a_broken_rule_of_choice_is_told_with_its_line() {
    let file = "choice/goals.toml";
    let line_of = |text: &str| {
        let (_, whole) = files().into_iter().find(|(p, _)| p == file).unwrap();
        1 + whole[..whole.find(text).unwrap()].matches('\n').count()
    };
    let metrics = line_of("metrics = [\"customer_profit\"");
    for (from, to, said) in [
        (
            "[\"customer_profit\"",
            "[\"customer_profits\"",
            format!("{file}:{metrics}: there is no metric `customer_profits`"),
        ),
        (
            "[\"customer_profit\"",
            "[\"cohort_retention\"",
            format!(
                "{file}:{metrics}: metric `cohort_retention` is a table of cohorts, not one number"
            ),
        ),
        (
            "[\"customer_profit\"",
            "[\"gross_margin\"",
            format!("{file}:{metrics}: metric `gross_margin` is there twice"),
        ),
        (
            "when = { goal = \"profit\" }",
            "when = { goal = \"profits\" }",
            format!(
                "{file}:{}: there is no goal `profits`",
                line_of("when = { goal = \"profit\" }")
            ),
        ),
        (
            "id = \"win_new\"\n",
            "id = \"grow_revenue\"\n",
            format!(
                "{file}:{}: goal `grow_revenue` is defined in {file} too",
                line_of("id = \"win_new\"\n")
            ),
        ),
        (
            "points = 1",
            "points = 9",
            format!("{file}:{}: 9 is not from 1 to 5", line_of("points = 1")),
        ),
        (
            "name = { zh = \"提高利润\"",
            "name = { zh = \" \"",
            format!(
                "{file}:{}: the text `zh` is empty",
                line_of("name = { zh = \"提高利润\"")
            ),
        ),
        (
            "points = 1",
            "point = 1",
            format!("{file}:{}: unknown field `point`", line_of("points = 1")),
        ),
    ] {
        let told = message(file, from, to);
        assert!(told.starts_with(&said), "{told}\nnot {said}");
    }
    let told = message(
        file,
        "\"new_customers\", \"retention_rate\", \"repeat_purchase_rate\", \"active_customers\", ",
        "",
    );
    assert!(told.contains("it takes 8"), "{told}");
    let told = message(
        "choice/groups.toml",
        "filter = \"tier = 'vip'\"",
        "filter = \"tier = \"",
    );
    assert!(told.starts_with("choice/groups.toml:"), "{told}");
    // A text that is not there at all.
    let told = message(
        file,
        "why = { zh = \"它就是“增加收入”这个目标本身。\"",
        "why = { cn = \"\"",
    );
    assert!(told.starts_with("choice/goals.toml:"), "{told}");
}

/// Files of one's own add rules; an id of theirs is their own.
#[test]
fn rules_of_ones_own_stand_beside_the_standard() {
    let own = |text: &str| {
        let files = [("choice/mine.toml".to_owned(), text.to_owned())];
        Catalog::standard_with(files.into())
    };
    let text = r#"
[[goal]]
id = "green"
name = { zh = "绿色", en = "Green" }
about = { zh = "环保。", en = "Ecology." }

[[rule]]
id = "green_itself"
when = { goal = "green" }
metrics = ["shipment_return_rate"]
points = 4
why = { zh = "退货要跑两趟。", en = "What comes back travels twice." }
"#;
    assert!(own(text).unwrap().choice.goal("green").is_some());
    let twice = own(&text.replace("\"green\"\nname", "\"profit\"\nname"));
    assert!(
        twice
            .unwrap_err()
            .to_string()
            .contains("goal `profit` is defined in choice/")
    );
}

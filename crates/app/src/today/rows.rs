//! Sections that are lists of records: a condition, an order, and which field
//! says what. What the caller may not read is no section.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use keji_schema::calendar::days_between;
use keji_schema::definition::Text2;
use keji_schema::expr::Expr;
use keji_schema::{Decimal, Value};
use keji_store::{GroupQuery, ListQuery, Sort};

use super::{Asked, MoneySum, ROWS, Section, SectionKind, TodayRow, at_risk};
use crate::error::Result;
use crate::permission::{Action, access, may, may_follow};
use crate::records::titles;

/// Where a section's rows come from.
struct Source {
    object: &'static str,
    filter: String,
    sort: Vec<Sort>,
    /// The fields that say what it is about: its day, time, amount, currency
    /// and state.
    on: Option<&'static str>,
    at: Option<&'static str>,
    amount: Option<&'static str>,
    currency: Option<&'static str>,
    state: Option<&'static str>,
    /// Why, in both languages, or in the one field that there is.
    reason: &'static [&'static str],
}

impl Source {
    fn new(object: &'static str, filter: String) -> Source {
        Source {
            object,
            filter,
            sort: Vec::new(),
            on: None,
            at: None,
            amount: None,
            currency: None,
            state: None,
            reason: &[],
        }
    }
}

pub(super) async fn section(asked: &Asked<'_>, kind: SectionKind) -> Result<Option<Section>> {
    let Some(source) = source(asked, kind) else {
        return Ok(None);
    };
    let (app, caller) = (asked.app, asked.caller);
    if !may(caller, source.object, Action::Read) {
        return Ok(None);
    }
    let access = access(caller, source.object);
    let def = app.catalog.object(source.object)?;
    let is_there = |field: &str| def.field(field).is_some() && access.shows(source.object, field);
    // A role that does not see by what a section is chosen does not have it.
    let filter = Expr::parse_filter(&source.filter, &app.catalog.scope(source.object))?;
    if (filter.fields().iter()).any(|path| access.hides(source.object, &path[0])) {
        return Ok(None);
    }
    let mut fields = vec!["id".to_owned()];
    let mut place = |field: Option<&str>| {
        let field = field.filter(|f| is_there(f))?;
        fields.push(field.to_owned());
        Some(fields.len() - 1)
    };
    let title = place(def.title.as_deref());
    let customer = place(Some("customer"));
    let user = place(Some("user"));
    let (on, at) = (place(source.on), place(source.at));
    let (amount, currency) = (place(source.amount), place(source.currency));
    let state = place(source.state);
    let reasons: Vec<Option<usize>> = source.reason.iter().map(|f| place(Some(f))).collect();
    let query = ListQuery {
        object: source.object.to_owned(),
        fields,
        filter: Some(filter),
        sort: source.sort,
        limit: ROWS,
        total: true,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access).await?;
    let is_score = source.object == "score";
    let mut rows = Vec::new();
    for row in &page.rows {
        let value = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or(&Value::Null);
        let id = |at| match value(at) {
            Value::Int(id) => Some(*id),
            _ => None,
        };
        let text = |at| match value(at) {
            Value::Text(text) => Some(text.clone()),
            Value::Decimal(d) => Some(d.to_string()),
            _ => None,
        };
        let day = match value(on) {
            Value::Date(day) => Some(*day),
            _ => None,
        };
        let mut one = TodayRow {
            object: source.object.to_owned(),
            id: id(Some(0)).unwrap_or_default(),
            title: text(title),
            on: day,
            at: match value(at) {
                Value::Instant(at) => Some(*at),
                _ => None,
            },
            days_late: day.map(|day| days_between(day, asked.day)),
            amount: text(amount),
            currency: text(currency),
            state: text(state),
            reason: match &reasons[..] {
                [zh, en] => text(*zh).zip(text(*en)).map(|(zh, en)| Text2 { zh, en }),
                [one] => text(*one).map(|text| Text2 {
                    zh: text.clone(),
                    en: text,
                }),
                _ => None,
            },
            ..TodayRow::default()
        };
        if let Some(id) = id(customer) {
            let found = titles(app, caller, "customer", BTreeSet::from([id])).await?;
            one.customer = found.get(&id).cloned();
        }
        if let Some(id) = id(user) {
            let found = titles(app, caller, "user", BTreeSet::from([id])).await?;
            one.user = found.get(&id).cloned();
        }
        // Of a score the customer is what one looks at.
        if is_score {
            let Some(of) = one.customer.take() else {
                continue;
            };
            one.object = "customer".to_owned();
            (one.id, one.title) = (of.id, of.title);
        }
        rows.push(one);
    }
    Ok(Some(Section {
        total: page.total.unwrap_or_default(),
        rows,
        filter: (!is_score).then_some(source.filter),
        ..Section::new(kind)
    }))
}

/// More than there are in the payments of one day.
const MANY_CURRENCIES: u32 = 200;

/// The money of yesterday, with its sums. Amounts are of the record's own
/// currency and are not added up across two.
pub(super) async fn received(asked: &Asked<'_>) -> Result<Option<Section>> {
    let Some(mut section) = section(asked, SectionKind::Received).await? else {
        return Ok(None);
    };
    let access = access(asked.caller, "payment");
    let is_told = !["amount", "currency"]
        .iter()
        .any(|f| access.hides("payment", f));
    if is_told && let Some(filter) = &section.filter {
        let query = GroupQuery {
            object: "payment".to_owned(),
            filter: Some(Expr::parse_filter(
                filter,
                &asked.app.catalog.scope("payment"),
            )?),
            by: "currency".to_owned(),
            sum: Some("amount".to_owned()),
            limit: MANY_CURRENCIES,
            ..GroupQuery::default()
        };
        // What does not say its currency is in the usual one.
        let usual = asked.app.currency(asked.caller).await?;
        let mut sums: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
        for group in asked.app.store.groups(&query, &access).await?.groups {
            let currency = match group.key {
                Value::Text(currency) => Some(currency),
                _ => usual.clone(),
            };
            if let Value::Decimal(amount) = group.sum {
                let sum = sums.entry(currency).or_insert(Decimal::ZERO);
                // Beyond what can be told there is no sum, rather than a wrong one.
                let Some(total) = sum.checked_add(amount) else {
                    return Ok(Some(section));
                };
                *sum = total;
            }
        }
        section.sums = (sums.into_iter())
            .map(|(currency, amount)| MoneySum {
                amount: amount.to_string(),
                currency,
            })
            .collect();
    }
    Ok(Some(section))
}

/// None where there is nothing to choose by, such as a person to whom tasks
/// belong.
fn source(asked: &Asked<'_>, kind: SectionKind) -> Option<Source> {
    let day = asked.day;
    let me = asked.caller.user();
    let open = "(state is null or state in ('open', 'in_progress'))";
    Some(match kind {
        SectionKind::TasksOverdue => Source {
            sort: vec![Sort::asc("due_on"), Sort::asc("due_at")],
            ..tasks(format!("user = {} and due_on < '{day}' and {open}", me?))
        },
        SectionKind::TasksToday => Source {
            sort: vec![Sort::asc("due_at")],
            ..tasks(format!("user = {} and due_on = '{day}' and {open}", me?))
        },
        SectionKind::Visits => Source {
            sort: vec![Sort::asc("next_on")],
            on: Some("next_on"),
            state: Some("kind"),
            reason: &["summary"],
            ..Source::new(
                "touchpoint",
                format!(
                    "user = {} and next_on >= '{}' and next_on <= '{day}'",
                    me?,
                    asked.day(-14)
                ),
            )
        },
        SectionKind::AtRisk => {
            let as_of: Date = asked.as_of?;
            Source {
                sort: vec![Sort::desc("value_at_risk"), Sort::desc("net_revenue_365")],
                on: Some("last_ordered_on"),
                amount: Some("value_at_risk"),
                state: Some("stage"),
                reason: &["stage_reason_zh", "stage_reason_en"],
                ..Source::new("score", at_risk(as_of))
            }
        }
        SectionKind::Payments => Source {
            sort: vec![Sort::asc("due_on")],
            on: Some("due_on"),
            amount: Some("amount"),
            currency: Some("currency"),
            state: Some("state"),
            reason: &["condition"],
            ..Source::new(
                "payment_plan",
                format!(
                    "due_on <= '{}' and (state is null or state in ('open', 'partly_paid'))",
                    asked.day(7)
                ),
            )
        },
        SectionKind::Received => Source {
            sort: vec![Sort::desc("amount")],
            on: Some("paid_on"),
            amount: Some("amount"),
            currency: Some("currency"),
            state: Some("method"),
            ..Source::new("payment", format!("paid_on = '{}'", asked.day(-1)))
        },
        SectionKind::Renewals => Source {
            sort: vec![Sort::asc("ends_on")],
            on: Some("ends_on"),
            amount: Some("amount"),
            currency: Some("currency"),
            state: Some("renewal"),
            reason: &["name"],
            ..Source::new(
                "contract",
                format!(
                    "ends_on >= '{day}' and ends_on <= '{}' and (state is null or state = 'active') \
                     and (renewal is null or renewal in ('manual', 'automatic'))",
                    asked.day(60)
                ),
            )
        },
        SectionKind::Tickets => Source {
            sort: vec![Sort::asc("opened_on")],
            on: Some("opened_on"),
            state: Some("priority"),
            ..Source::new(
                "ticket",
                "state is null or state in ('open', 'in_progress', 'waiting')".to_owned(),
            )
        },
        SectionKind::Closing => {
            let follows = may_follow(&asked.app.catalog, asked.caller, "opportunity", "stage");
            let is_open = match follows {
                true => "stage.kind = 'open'",
                false => "closed_on is null",
            };
            Source {
                sort: vec![Sort::asc("expected_on")],
                on: Some("expected_on"),
                amount: Some("amount"),
                currency: Some("currency"),
                ..Source::new(
                    "opportunity",
                    format!("expected_on <= '{}' and {is_open}", asked.day(14)),
                )
            }
        }
        SectionKind::NewCustomers => {
            let week = asked
                .app
                .catalog
                .calendar
                .instant_of(asked.day(-7).at(0, 0, 0, 0));
            Source {
                sort: vec![Sort::desc("created_at")],
                state: Some("kind"),
                reason: &["source"],
                at: Some("created_at"),
                ..Source::new("customer", format!("created_at >= '{}'", week.ok()?))
            }
        }
        SectionKind::Withdrawn => {
            let week = asked
                .app
                .catalog
                .calendar
                .instant_of(asked.day(-7).at(0, 0, 0, 0));
            Source {
                sort: vec![Sort::desc("recorded_at")],
                at: Some("recorded_at"),
                state: Some("channel"),
                ..Source::new(
                    "consent",
                    format!("state = 'withdrawn' and recorded_at >= '{}'", week.ok()?),
                )
            }
        }
        _ => return None,
    })
}

fn tasks(filter: String) -> Source {
    Source {
        on: Some("due_on"),
        at: Some("due_at"),
        state: Some("priority"),
        reason: &["reason"],
        ..Source::new("task", filter)
    }
}

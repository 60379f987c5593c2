//! What happened with one customer, newest first: orders, returns, and tiers
//! or stages that changed from one evaluation to the next.

use keji_schema::definition::Text2;
use keji_schema::expr::{Expr, Node, Op};
use keji_schema::{Type, Value};
use keji_store::{ListQuery, Sort};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MAX_PAGE, and, is_customer};
use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Caller, access};

#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// A date, or an instant in UTC.
    pub at: String,
    /// `order`, `return`, `adjustment` or `score`.
    pub kind: String,
    pub title: Text2,
    /// Net amount of an order.
    #[schema(value_type = Option<String>)]
    pub amount: Option<Value>,
    /// Id of the order.
    #[serde(rename = "ref")]
    pub reference: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TimelinePage {
    pub resources: Vec<TimelineEntry>,
    pub next: Option<String>,
}

/// `before` is the `next` of the page before, an instant.
pub async fn timeline(
    app: &App,
    caller: &Caller,
    id: i64,
    limit: Option<u32>,
    before: Option<&str>,
) -> Result<TimelinePage> {
    let limit = limit.unwrap_or(50).clamp(1, MAX_PAGE);
    let offset: u64 = match before {
        None => 0,
        Some(text) => text.parse().map_err(|_| Error::Argument {
            name: "before",
            zh: format!("`{text}` 不是这个列表的下一页"),
            en: format!("`{text}` is not the next page of this list"),
        })?,
    };
    super::require_seen(app, caller, "customer", id).await?;
    let query = ListQuery {
        object: "order".to_owned(),
        fields: [
            "id",
            "number",
            "kind",
            "ordered_at",
            "net_amount",
            "n_lines",
        ]
        .map(str::to_owned)
        .to_vec(),
        filter: Some(is_customer(id)),
        sort: vec![Sort::desc("ordered_at")],
        limit,
        offset,
        total: true,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, "order")).await?;
    let total = u64::try_from(page.total.unwrap_or(0)).unwrap_or(0);
    let n_orders = page.rows.len() as u64;
    let mut entries: Vec<TimelineEntry> = page
        .rows
        .iter()
        .filter_map(|row| order_entry(row))
        .collect();
    let is_last = offset + n_orders >= total;
    let oldest = if is_last {
        None
    } else {
        entries.last().map(|e| e.at.clone())
    };
    let newest = if offset == 0 {
        None
    } else {
        entries.first().map(|e| e.at.clone())
    };
    let changes = score_changes(app, caller, id).await?;
    entries.extend(changes.into_iter().filter(|c| {
        oldest.as_ref().is_none_or(|o| c.at >= *o) && newest.as_ref().is_none_or(|n| c.at < *n)
    }));
    entries.sort_by(|a, b| b.at.cmp(&a.at));
    let next = (!is_last && n_orders > 0).then(|| (offset + n_orders).to_string());
    Ok(TimelinePage {
        resources: entries,
        next,
    })
}

fn order_entry(row: &[Value]) -> Option<TimelineEntry> {
    let [
        Value::Int(id),
        Value::Text(number),
        Value::Text(kind),
        Value::Instant(at),
        amount,
        Value::Int(lines),
    ] = row
    else {
        return None;
    };
    let (zh, en) = match kind.as_str() {
        "return" => ("退货单", "return"),
        "adjustment" => ("调整单", "adjustment"),
        _ => ("订单", "order"),
    };
    Some(TimelineEntry {
        at: at.to_string(),
        kind: if kind == "sale" {
            "order".to_owned()
        } else {
            kind.clone()
        },
        title: Text2 {
            zh: format!("{zh} {number}，{lines} 条明细"),
            en: format!(
                "{en} {number}, {lines} line{}",
                if *lines == 1 { "" } else { "s" }
            ),
        },
        amount: Some(amount.clone()),
        reference: Some(*id),
    })
}

/// Evaluations at which tier or stage was another than before.
async fn score_changes(app: &App, caller: &Caller, id: i64) -> Result<Vec<TimelineEntry>> {
    let is_buyer = Expr {
        node: Node::Not(Box::new(Expr {
            node: Node::Binary(
                Op::Eq,
                Box::new(Expr {
                    node: Node::Field(vec!["stage".to_owned()]),
                    kind: Some(Type::Choice),
                }),
                Box::new(Expr {
                    node: Node::Literal(Value::from("prospect")),
                    kind: Some(Type::Text),
                }),
            ),
            kind: Some(Type::Bool),
        })),
        kind: Some(Type::Bool),
    };
    let query = ListQuery {
        object: "score".to_owned(),
        fields: [
            "as_of",
            "tier",
            "stage",
            "stage_reason_zh",
            "stage_reason_en",
        ]
        .map(str::to_owned)
        .to_vec(),
        filter: Some(and(is_customer(id), Some(is_buyer))),
        sort: vec![Sort::asc("as_of")],
        limit: MAX_PAGE,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, "score")).await?;
    let named = |names: &[keji_schema::rule::Named], id: &str| {
        names
            .iter()
            .find(|n| n.id == id)
            .map_or((id.to_owned(), id.to_owned()), |n| {
                (n.zh.clone(), n.en.clone())
            })
    };
    let mut found = Vec::new();
    let mut last: Option<(String, String)> = None;
    for row in &page.rows {
        let [
            Value::Date(day),
            Value::Text(tier),
            Value::Text(stage),
            Value::Text(why_zh),
            Value::Text(why_en),
        ] = row.as_slice()
        else {
            continue;
        };
        let now = (tier.clone(), stage.clone());
        if last.as_ref() != Some(&now) {
            let (tier_zh, tier_en) = named(&app.catalog.tiers.names, tier);
            let (stage_zh, stage_en) = named(&app.catalog.tiers.stages, stage);
            found.push(TimelineEntry {
                at: day.to_string(),
                kind: "score".to_owned(),
                title: Text2 {
                    zh: format!("{tier_zh} · {stage_zh}：{why_zh}"),
                    en: format!("{tier_en} · {stage_en}: {why_en}"),
                },
                amount: None,
                reference: None,
            });
        }
        last = Some(now);
    }
    Ok(found)
}

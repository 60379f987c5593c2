//! The list of customers with their scores, and everything of one customer.

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_schema::catalog::Catalog;
use keji_schema::expr::{Expr, Node, Op, Scope};
use keji_schema::question::Question;
use keji_schema::{Type, Value};
use keji_store::{Access, ListQuery, ScanQuery, Sort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::App;
use crate::error::{Error, Result};
use crate::evaluation;
use crate::insight;
use crate::permission::{Action, Caller, access, may, require, sees_part};

mod timeline;
pub use timeline::{TimelineEntry, TimelinePage, timeline};

/// At most so many records in one page.
pub const MAX_PAGE: u32 = 200;

/// Which customers, in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListCustomers {
    /// A condition over customer and score fields: `tier = 'vip' and silence > 1`.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Part of a name, number, phone or e-mail.
    pub search: Option<String>,
    /// A field, `-` before it for descending.
    pub sort: Option<String>,
    /// At most 200; 100 by default.
    pub limit: Option<u32>,
    pub offset: Option<u64>,
    /// The evaluation to read; absent: the newest.
    #[param(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
}

/// Field name to value; decimals as text.
pub type Fields = BTreeMap<String, Value>;

#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerPage {
    #[schema(value_type = Vec<Object>)]
    pub resources: Vec<Fields>,
    /// Of those that the caller sees.
    pub total: i64,
    /// Whether there may be customers that the caller does not see.
    pub is_partial: bool,
    /// The evaluation that the scores are from; null before the first.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
    /// Offset of the next page.
    pub next: Option<u64>,
}

/// The list's view on two objects: with an evaluation its records are scores
/// that link to customers, before one the customers themselves.
pub(crate) struct View<'a> {
    catalog: &'a Catalog,
    /// What the caller sees of scores and of customers.
    access: Access,
    pub as_of: Option<Date>,
}

impl<'a> View<'a> {
    pub async fn open(app: &'a App, caller: &Caller, as_of: Option<Date>) -> Result<View<'a>> {
        let as_of = match as_of {
            Some(day) => {
                app.store
                    .evaluation(day)
                    .await?
                    .ok_or_else(|| Error::not_found("evaluation", day))?;
                Some(day)
            }
            None => evaluation::newest(app).await?,
        };
        let view = View {
            catalog: &app.catalog,
            access: access(caller, "customer"),
            as_of,
        };
        require(caller, "customer", Action::Read)?;
        require(caller, view.object(), Action::Read)?;
        Ok(view)
    }

    pub fn object(&self) -> &'static str {
        if self.as_of.is_some() {
            "score"
        } else {
            "customer"
        }
    }

    /// Names for people, and the path behind each.
    pub fn columns(&self) -> Vec<(String, String)> {
        let own = |object: &str, prefix: &str| -> Vec<(String, String)> {
            self.catalog
                .objects
                .get(object)
                .into_iter()
                .flat_map(|o| &o.fields)
                .filter(|f| !(object == "score" && matches!(f.id.as_str(), "customer" | "as_of")))
                .filter(|f| self.access.shows(object, &f.id))
                .map(|f| (f.id.clone(), format!("{prefix}{}", f.id)))
                .collect()
        };
        match self.as_of {
            None => {
                let mut all = vec![("id".to_owned(), "id".to_owned())];
                all.extend(own("customer", ""));
                all
            }
            Some(_) => {
                let mut all = vec![("id".to_owned(), "customer".to_owned())];
                all.extend(own("customer", "customer."));
                all.extend(own("score", ""));
                all
            }
        }
    }

    /// Whether what is at the end of a path comes covered.
    pub fn is_covered(&self, path: &str) -> bool {
        let (object, field) = match path.split_once('.') {
            Some((object, field)) => (object, field),
            None => (self.object(), path),
        };
        self.access.masks(object, field)
    }

    /// What is wanted, without fields and limit.
    pub fn query(&self, wanted: &ListCustomers) -> Result<ListQuery> {
        Ok(ListQuery {
            object: self.object().to_owned(),
            filter: self.filter(wanted.filter.as_deref())?,
            search: wanted.search.clone().filter(|s| !s.trim().is_empty()),
            search_in: self.search_in(),
            sort: self.sort(wanted.sort.as_deref())?,
            ..ListQuery::default()
        })
    }

    /// The path of a name, or an error that names it.
    pub fn path(&self, name: &str) -> Result<String> {
        self.columns()
            .into_iter()
            .find(|(shown, _)| shown == name)
            .map(|(_, path)| path)
            .ok_or_else(|| {
                keji_schema::Error::Unknown {
                    kind: "field",
                    name: name.to_owned(),
                }
                .into()
            })
    }

    /// The person's condition and the evaluation's day, over the view's object.
    pub fn filter(&self, text: Option<&str>) -> Result<Option<Expr>> {
        let own = match text.map(str::trim).filter(|t| !t.is_empty()) {
            Some(text) => {
                let mut expr = Expr::parse_filter(text, self)?;
                self.rename(&mut expr);
                Some(expr)
            }
            None => None,
        };
        let day = self.as_of.map(|day| Expr {
            node: Node::Binary(
                Op::Eq,
                Box::new(Expr {
                    node: Node::Field(vec!["as_of".to_owned()]),
                    kind: Some(Type::Date),
                }),
                Box::new(Expr {
                    node: Node::Literal(Value::Date(day)),
                    kind: Some(Type::Date),
                }),
            ),
            kind: Some(Type::Bool),
        });
        Ok(match (day, own) {
            (Some(a), Some(b)) => Some(Expr {
                node: Node::Binary(Op::And, Box::new(a), Box::new(b)),
                kind: Some(Type::Bool),
            }),
            (one, other) => one.or(other),
        })
    }

    /// Turns the names people use into paths of the view's object.
    fn rename(&self, expr: &mut Expr) {
        match &mut expr.node {
            Node::Literal(_) => {}
            Node::Field(path) => {
                if let [name] = path.as_slice()
                    && let Ok(found) = self.path(name)
                {
                    *path = found.split('.').map(str::to_owned).collect();
                }
            }
            Node::Not(x) | Node::Negate(x) | Node::IsNull(x) | Node::Cast(x, _) => self.rename(x),
            Node::In(x, _) | Node::Like(x, _) => self.rename(x),
            Node::Binary(_, a, b) => {
                self.rename(a);
                self.rename(b);
            }
            Node::Case(arms, otherwise) => {
                for (when, then) in arms {
                    self.rename(when);
                    self.rename(then);
                }
                if let Some(x) = otherwise {
                    self.rename(x);
                }
            }
            Node::Call(_, args) => args.iter_mut().for_each(|x| self.rename(x)),
        }
    }

    pub fn sort(&self, text: Option<&str>) -> Result<Vec<Sort>> {
        let fallback = if self.as_of.is_some() {
            "-net_revenue_365"
        } else {
            "number"
        };
        let text = text
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .unwrap_or(fallback);
        text.split(',')
            .map(|key| {
                let (name, descending) = match key.trim().strip_prefix('-') {
                    Some(name) => (name, true),
                    None => (key.trim(), false),
                };
                Ok(Sort {
                    path: self.path(name)?,
                    descending,
                })
            })
            .collect()
    }

    fn search_in(&self) -> Vec<String> {
        let prefix = if self.as_of.is_some() {
            "customer."
        } else {
            ""
        };
        ["number", "name", "phone", "email"]
            .iter()
            .filter(|f| !self.access.hides("customer", f))
            .map(|f| format!("{prefix}{f}"))
            .collect()
    }
}

impl Scope for View<'_> {
    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        let [name] = path else { return None };
        let found = self.path(name).ok()?;
        let parts: Vec<String> = found.split('.').map(str::to_owned).collect();
        let field = self.catalog.field(self.object(), &parts).ok()?;
        (field.kind == Type::Choice)
            .then(|| field.options.iter().map(|o| o.value.clone()).collect())
    }

    fn resolve(&self, path: &[String]) -> keji_schema::Result<Type> {
        let unknown = || keji_schema::Error::Unknown {
            kind: "field",
            name: path.join("."),
        };
        let [name] = path else { return Err(unknown()) };
        if name == "id" {
            return Ok(Type::Link);
        }
        let found = self.path(name).map_err(|_| unknown())?;
        let parts: Vec<String> = found.split('.').map(str::to_owned).collect();
        self.catalog.field(self.object(), &parts).map(|f| f.kind)
    }
}

pub async fn list(app: &App, caller: &Caller, wanted: &ListCustomers) -> Result<CustomerPage> {
    if wanted.search.is_some() {
        crate::spelling::follow(app).await?;
    }
    let view = View::open(app, caller, wanted.as_of).await?;
    let columns = view.columns();
    let limit = wanted.limit.unwrap_or(100).min(MAX_PAGE);
    let offset = wanted.offset.unwrap_or(0);
    let query = ListQuery {
        fields: columns.iter().map(|(_, path)| path.clone()).collect(),
        limit,
        offset,
        total: true,
        ..view.query(wanted)?
    };
    let page = app
        .store
        .list(&query, &access(caller, view.object()))
        .await?;
    let total = page.total.unwrap_or(0);
    let resources: Vec<Fields> = page
        .rows
        .into_iter()
        .map(|row| {
            columns
                .iter()
                .map(|(name, _)| name.clone())
                .zip(row)
                .collect()
        })
        .collect();
    let seen = offset + resources.len() as u64;
    let next =
        (!resources.is_empty() && i64::try_from(seen).is_ok_and(|n| n < total)).then_some(seen);
    Ok(CustomerPage {
        resources,
        total,
        is_partial: sees_part(caller, view.object()),
        as_of: view.as_of,
        next,
    })
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerDoc {
    /// The customer's own fields.
    #[schema(value_type = Object)]
    pub customer: Fields,
    /// Its scores; null before the first evaluation.
    #[schema(value_type = Option<Object>)]
    pub score: Option<Fields>,
    /// The main scores of every evaluation, newest first.
    #[schema(value_type = Vec<Object>)]
    pub history: Vec<Fields>,
    pub orders: OrderSpan,
    pub monthly: Vec<Month>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OrderSpan {
    pub total: i64,
    #[schema(value_type = Option<String>, format = Date)]
    pub first_on: Option<Date>,
    #[schema(value_type = Option<String>, format = Date)]
    pub last_on: Option<Date>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Month {
    #[schema(value_type = String, format = Date)]
    pub month: Value,
    #[schema(value_type = Option<String>)]
    pub gross_sales: Value,
    #[schema(value_type = Option<String>)]
    pub net_revenue: Value,
    #[schema(value_type = Option<i64>)]
    pub orders: Value,
}

pub async fn get(app: &App, caller: &Caller, id: i64, as_of: Option<Date>) -> Result<CustomerDoc> {
    let record = app
        .store
        .get("customer", id, &access(caller, "customer"))
        .await?
        .ok_or_else(|| Error::not_found("customer", id))?;
    let mut customer: Fields = record.values.into_iter().collect();
    customer.insert("id".to_owned(), Value::Int(id));

    let sees_scores = may(caller, "score", Action::Read);
    let view = match sees_scores {
        true => Some(View::open(app, caller, as_of).await?),
        false => None,
    };
    let view = view.filter(|view| view.as_of.is_some());
    let by_customer = |extra: Option<Expr>| Some(and(is_customer(id), extra));
    let access = access(caller, "score");
    let is_seen = |field: &str| access.shows("score", field);
    let fields = app.catalog.object("score")?.fields.iter();
    let fields = fields.filter(|f| is_seen(&f.id));
    let score_fields: Vec<String> = fields.map(|f| f.id.clone()).collect();
    let score = match view {
        None => None,
        Some(view) => {
            let mut rows = scores(
                app,
                caller,
                &score_fields,
                by_customer(view.filter(None)?),
                1,
            )
            .await?;
            rows.pop()
        }
    };
    let kept: Vec<String> = [
        "as_of",
        "tier",
        "stage",
        "net_revenue_365",
        "p_alive",
        "clv_12m",
        "value_at_risk",
    ]
    .into_iter()
    .filter(|field| is_seen(field))
    .map(str::to_owned)
    .collect();
    let history = match sees_scores {
        true => scores(app, caller, &kept, by_customer(None), MAX_PAGE).await?,
        false => Vec::new(),
    };

    let question = Question {
        metrics: ["gross_sales", "net_revenue", "orders"]
            .map(str::to_owned)
            .to_vec(),
        grain: Some(keji_schema::calendar::Grain::Month),
        filter: Some(format!("customer = {id}")),
        ..Question::default()
    };
    let rows = match insight::ask(app, caller, &question).await {
        Ok(answer) => answer.rows,
        // Who sees the customer need not see the money.
        Err(Error::Forbidden { .. }) => Vec::new(),
        Err(problem) => return Err(problem),
    };
    let mut monthly: Vec<Month> = rows
        .into_iter()
        .filter_map(|row| {
            let [month, gross_sales, net_revenue, orders] = <[Value; 4]>::try_from(row).ok()?;
            Some(Month {
                month,
                gross_sales,
                net_revenue,
                orders,
            })
        })
        .collect();
    // Months before the customer existed say nothing of him.
    let quiet = |m: &Month| {
        m.orders == Value::Int(0) && matches!(&m.net_revenue, Value::Decimal(d) if d.units() == 0)
    };
    let first = monthly
        .iter()
        .position(|m| !quiet(m))
        .unwrap_or(monthly.len());
    monthly.drain(..first);

    let newest = order_days(app, caller, id, true).await?;
    let oldest = order_days(app, caller, id, false).await?;
    Ok(CustomerDoc {
        customer,
        score,
        history,
        orders: OrderSpan {
            total: newest.0,
            first_on: oldest.1,
            last_on: newest.1,
        },
        monthly,
    })
}

async fn scores(
    app: &App,
    caller: &Caller,
    fields: &[String],
    filter: Option<Expr>,
    limit: u32,
) -> Result<Vec<Fields>> {
    let query = ListQuery {
        object: "score".to_owned(),
        fields: fields.to_vec(),
        filter,
        sort: vec![Sort::desc("as_of")],
        limit,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, "score")).await?;
    Ok(page
        .rows
        .into_iter()
        .map(|row| fields.iter().cloned().zip(row).collect())
        .collect())
}

async fn order_days(
    app: &App,
    caller: &Caller,
    id: i64,
    descending: bool,
) -> Result<(i64, Option<Date>)> {
    let query = ListQuery {
        object: "order".to_owned(),
        fields: vec!["ordered_on".to_owned()],
        filter: Some(is_customer(id)),
        sort: vec![Sort {
            path: "ordered_on".to_owned(),
            descending,
        }],
        limit: 1,
        total: true,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, "order")).await?;
    let day = page.rows.first().and_then(|row| match row.first() {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    });
    Ok((page.total.unwrap_or(0), day))
}

pub(crate) fn is_customer(id: i64) -> Expr {
    equals("customer", id)
}

fn equals(field: &str, id: i64) -> Expr {
    Expr {
        node: Node::Binary(
            Op::Eq,
            Box::new(Expr {
                node: Node::Field(vec![field.to_owned()]),
                kind: Some(Type::Link),
            }),
            Box::new(Expr {
                node: Node::Literal(Value::Int(id)),
                kind: Some(Type::Link),
            }),
        ),
        kind: Some(Type::Bool),
    }
}

pub(crate) fn and(a: Expr, b: Option<Expr>) -> Expr {
    match b {
        None => a,
        Some(b) => Expr {
            node: Node::Binary(Op::And, Box::new(a), Box::new(b)),
            kind: Some(Type::Bool),
        },
    }
}

/// Every customer's id by its number.
pub async fn ids_by_number(app: &App, caller: &Caller) -> Result<BTreeMap<String, i64>> {
    let query = ScanQuery {
        object: "customer".to_owned(),
        fields: vec!["id".to_owned(), "number".to_owned()],
        ..ScanQuery::default()
    };
    let mut ids = BTreeMap::new();
    app.store
        .scan(
            &query,
            &access(caller, "customer"),
            |row: &[Value]| -> Result<()> {
                if let [Value::Int(id), Value::Text(number)] = row {
                    ids.insert(number.clone(), *id);
                }
                Ok(())
            },
        )
        .await?;
    Ok(ids)
}

/// Refuses what belongs to a record that is not there for the caller.
pub(crate) async fn require_seen(
    app: &App,
    caller: &Caller,
    object: &'static str,
    id: i64,
) -> Result<()> {
    require(caller, object, Action::Read)?;
    match app.store.get(object, id, &access(caller, object)).await? {
        Some(_) => Ok(()),
        None => Err(Error::not_found(object, id)),
    }
}

/// Records of any object as they are listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordPage {
    #[schema(value_type = Vec<Object>)]
    pub resources: Vec<Fields>,
    pub total: i64,
}

/// A customer's orders, newest first.
pub async fn orders(
    app: &App,
    caller: &Caller,
    id: i64,
    limit: Option<u32>,
    offset: Option<u64>,
) -> Result<RecordPage> {
    require_seen(app, caller, "customer", id).await?;
    let fields = [
        "id",
        "number",
        "kind",
        "ordered_at",
        "ordered_on",
        "country",
        "channel",
        "currency",
        "goods_amount",
        "gross_amount",
        "freight",
        "discount",
        "net_amount",
        "n_lines",
    ];
    page(
        app,
        caller,
        "order",
        &fields,
        is_customer(id),
        vec![Sort::desc("ordered_at")],
        limit,
        offset,
    )
    .await
}

/// An order's lines, in the order in which they came.
pub async fn lines(
    app: &App,
    caller: &Caller,
    order: i64,
    limit: Option<u32>,
    offset: Option<u64>,
) -> Result<RecordPage> {
    require_seen(app, caller, "order", order).await?;
    let fields = [
        "id",
        "product.number",
        "product.name",
        "product.category",
        "description",
        "quantity",
        "price",
        "amount",
    ];
    page(
        app,
        caller,
        "order_line",
        &fields,
        equals("order", order),
        vec![Sort::asc("id")],
        limit,
        offset,
    )
    .await
}

#[allow(clippy::too_many_arguments)]
async fn page(
    app: &App,
    caller: &Caller,
    object: &str,
    fields: &[&str],
    filter: Expr,
    sort: Vec<Sort>,
    limit: Option<u32>,
    offset: Option<u64>,
) -> Result<RecordPage> {
    let query = ListQuery {
        object: object.to_owned(),
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        filter: Some(filter),
        sort,
        limit: limit.unwrap_or(50).min(MAX_PAGE),
        offset: offset.unwrap_or(0),
        total: true,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, object)).await?;
    let names: Vec<String> = fields.iter().map(|f| f.replace('.', "_")).collect();
    Ok(RecordPage {
        resources: page
            .rows
            .into_iter()
            .map(|row| names.iter().cloned().zip(row).collect())
            .collect(),
        total: page.total.unwrap_or(0),
    })
}

//! The records behind a number: the facts of one object that a metric's first
//! measure (a ratio's numerator) looks at, newest first. It must not compute
//! the number again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::Int64Type;
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{Literal, in_list, is_not_null};
use datafusion_physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion_physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion_physical_plan::sorts::sort::SortExec;
use keji_schema::definition::{FieldDef, Text2};
use keji_schema::expr::Expr;
use keji_schema::metric::{Agg, Window};
use keji_schema::question::Question;
use keji_schema::{Catalog, Type, Value};

use crate::copy::Snapshot;
use crate::error::Result;
use crate::expr::{Physical, binary};
use crate::plan::source::{copied, question};
use crate::plan::{Facts, Let, Part, Pass, Reduced, Scan, Shape, State, plan};
use crate::run::tables::{Aggregate, Stage, aggregate, column, filter, join, project, table};
use crate::run::{Engine, KEY, Reader, filtered, value_at, with_bounds};

/// Columns beside the id.
const MAX_COLUMNS: usize = 12;

#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    pub object: String,
    pub columns: Vec<RecordColumn>,
    pub rows: Vec<Vec<Value>>,
    pub total: u64,
    /// More than are listed.
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RecordColumn {
    /// A field, or `customer.number` for the record at the end of a link.
    pub name: String,
    pub label: Text2,
    pub unit: String,
}

/// Lists the records behind a question about one metric. Its grain,
/// dimensions, comparison and order say nothing about which records those are;
/// its limit says how many of the newest are listed, `most` how many at most.
/// All are counted.
pub async fn records(
    engine: &Engine,
    catalog: &Catalog,
    snapshot: &Snapshot,
    asked: &Question,
    access: Option<&Expr>,
    facts: &Facts,
    most: usize,
) -> Result<Records> {
    if asked.metrics.len() != 1 {
        return Err(question(
            "records are listed for one metric at a time".to_owned(),
        ));
    }
    let whole = Question {
        by: Vec::new(),
        grain: None,
        compare: None,
        sort: Vec::new(),
        limit: None,
        ..asked.clone()
    };
    let at_most = asked.limit.unwrap_or(most).min(most);
    let mut plan = plan(catalog, &whole, access, facts)?;
    let part = *plan.metrics[0].formula.parts()[0];
    // Only this scan's columns and those that are shown are read.
    let mut scan = plan.scans[part.scan].clone();
    let object = scan.source.object.clone();
    let fields = shown(catalog, &object, &scan)?;
    scan.source.column(catalog, &["id".to_owned()])?;
    for field in &fields {
        scan.source
            .column(catalog, std::slice::from_ref(&field.id))?;
    }
    plan.scans = vec![scan];
    let scan = &plan.scans[0];
    let reader = Reader {
        engine,
        catalog,
        snapshot,
        plan: &plan,
    };
    let total = counted(&reader, scan, &part).await?;
    let mut rows = Vec::new();
    // A second plan: a plan's files are read by whoever runs it first.
    if let Some(found) = behind(&reader, scan, &part).await? {
        rows = values(
            &engine
                .collect(newest(scan, &fields, found, at_most)?)
                .await?,
        )?;
    }
    for (i, field) in fields.iter().enumerate() {
        if let Some(to) = &field.to {
            number(&reader, to, &mut rows, i + 1).await?;
        }
    }
    Ok(Records {
        object,
        columns: columns(catalog, &fields)?,
        rows,
        total,
        truncated: total > at_most as u64,
    })
}

async fn counted(reader: &Reader<'_>, scan: &Scan, part: &Part) -> Result<u64> {
    let Some(rows) = behind(reader, scan, part).await? else {
        return Ok(0);
    };
    let n = Aggregate {
        name: "n".to_owned(),
        agg: Agg::Count,
        arg: None,
        filter: None,
    };
    let batches = reader
        .engine
        .collect(aggregate(rows, Vec::new(), vec![n], false)?)
        .await?;
    let n = batches
        .first()
        .map(|b| b.column(0).as_primitive::<Int64Type>().value(0));
    Ok(n.map_or(0, i64::unsigned_abs))
}

/// The rows that the measure looks at; `None` when there is no evaluation yet.
async fn behind(reader: &Reader<'_>, scan: &Scan, part: &Part) -> Result<Option<Stage>> {
    let plan = reader.plan;
    let Some(mut pass) = scan.passes(plan, &plan.now).passes.pop() else {
        return Ok(None);
    };
    if scan.window == Window::Latest {
        let days = reader.days(scan, Some(pass.to)).await?;
        let Some(day) = days.last() else {
            return Ok(None);
        };
        pass = Pass {
            from: Some(*day),
            to: crate::plan::spans::plus(*day, 1),
            start: *day,
            end_at: None,
            period: Some(0),
        };
    }
    let rows = reader.rows(scan, pass)?;
    let state = &scan.states[part.state];
    let reduced = match &scan.shape {
        Shape::Rows => {
            let Some(expr) = &state.filter else {
                return Ok(Some(rows));
            };
            let expr = with_bounds(expr, &rows, pass)?;
            return Ok(Some(filter(rows, expr)?));
        }
        Shape::Reduced(reduced) => reduced.clone(),
        Shape::Cohort { key } => first_day(key, scan, None),
        Shape::Conversion(conversion) => {
            first_day(&conversion.key, scan, conversion.first.as_ref())
        }
    };
    // The facts of those keys that take part; the rows are read twice.
    let keys = reader.per_key(
        scan,
        &reduced,
        &plan.now,
        pass,
        reader.rows(scan, pass)?,
        false,
    )?;
    let keys = match &state.filter {
        Some(expr) => filter(keys.clone(), with_bounds(expr, &keys, pass)?)?,
        None => keys,
    };
    let date = reduced.dated_by.as_deref();
    let mut small = vec![(column(&keys, KEY)?, "id".to_owned())];
    small.push((column(&keys, date.unwrap_or(KEY))?, "$part".to_owned()));
    let rows = join(rows, project(keys, small)?, &reduced.key)?;
    let found = column(&rows, "$part")?;
    // Where a fact dates its key, that fact is the one behind the number.
    let keep = match (date, &scan.time, &scan.shape) {
        (Some(_), Some(time), Shape::Reduced(_)) => {
            binary(found, Operator::Eq, column(&rows, time)?)
        }
        _ => is_not_null(found)?,
    };
    Ok(Some(filtered(rows, vec![keep])?))
}

/// A cohort's customers are those whose first day lies in the span; `may`
/// says which rows may be the first.
fn first_day(key: &str, scan: &Scan, may: Option<&Expr>) -> Reduced {
    let time = scan.time.clone().unwrap_or_default();
    let expr = Expr {
        node: keji_schema::expr::Node::Field(vec![time]),
        kind: Some(Type::Date),
    };
    let expr = match may {
        None => expr,
        Some(may) => Expr {
            node: keji_schema::expr::Node::Case(vec![(may.clone(), expr)], None),
            kind: Some(Type::Date),
        },
    };
    let first = Let {
        name: "first".to_owned(),
        agg: Agg::Min,
        expr: Some(expr),
        kind: Type::Date,
    };
    Reduced {
        key: key.to_owned(),
        lets: vec![first],
        dated_by: Some("first".to_owned()),
    }
}

fn newest(scan: &Scan, fields: &[FieldDef], rows: Stage, at_most: usize) -> Result<Stage> {
    let mut columns = vec![(column(&rows, "id")?, "id".to_owned())];
    for field in fields {
        columns.push((column(&rows, &field.id)?, field.id.clone()));
    }
    let mut order = Vec::new();
    if let Some(time) = &scan.time {
        columns.push((column(&rows, time)?, "$time".to_owned()));
    }
    let rows = project(rows, columns)?;
    if scan.time.is_some() {
        let options = SortOptions {
            descending: true,
            nulls_first: false,
        };
        order.push(PhysicalSortExpr {
            expr: column(&rows, "$time")?,
            options,
        });
    }
    let options = SortOptions {
        descending: false,
        nulls_first: false,
    };
    order.push(PhysicalSortExpr {
        expr: column(&rows, "id")?,
        options,
    });
    let order = LexOrdering::new(order).expect("the id is always among the keys");
    let one = Arc::new(CoalescePartitionsExec::new(rows));
    let sorted: Stage = Arc::new(SortExec::new(order, one).with_fetch(Some(at_most)));
    let mut kept = vec![(column(&sorted, "id")?, "id".to_owned())];
    for field in fields {
        kept.push((column(&sorted, &field.id)?, field.id.clone()));
    }
    project(sorted, kept)
}

/// Replaces ids by the numbers of their records, which people know.
async fn number(reader: &Reader<'_>, to: &str, rows: &mut [Vec<Value>], at: usize) -> Result<()> {
    let def = reader.catalog.object(to)?;
    let (Some(number), Some(_)) = (&def.number, &def.copy) else {
        return Ok(());
    };
    let ids: BTreeSet<i64> = rows
        .iter()
        .filter_map(|r| {
            if let Value::Int(id) = r[at] {
                Some(id)
            } else {
                None
            }
        })
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let files = reader.snapshot.files(to);
    let table = table(
        reader.catalog,
        to,
        &["id".to_owned(), number.clone()],
        files,
    )?;
    let list = ids
        .iter()
        .map(|id| Arc::new(Literal::new(ScalarValue::Int64(Some(*id)))) as Physical);
    let wanted = in_list(
        column(&table, "id")?,
        list.collect(),
        &false,
        &table.schema(),
    )?;
    let batches = reader.engine.collect(filter(table, wanted)?).await?;
    let mut numbers = HashMap::new();
    for row in values(&batches)? {
        if let [Value::Int(id), number] = row.as_slice() {
            numbers.insert(*id, number.clone());
        }
    }
    for row in rows {
        if let Value::Int(id) = row[at]
            && let Some(number) = numbers.get(&id)
        {
            row[at] = number.clone();
        }
    }
    Ok(())
}

fn values(batches: &[RecordBatch]) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    for batch in batches {
        for i in 0..batch.num_rows() {
            let row = batch.columns().iter().map(|c| value_at(c, i));
            rows.push(row.collect::<Result<Vec<_>>>()?);
        }
    }
    Ok(rows)
}

/// What is known about a record at a glance: its number, its links, what the
/// measure names, then the other fields in the order of their definition.
fn shown(catalog: &Catalog, object: &str, scan: &Scan) -> Result<Vec<FieldDef>> {
    let def = catalog.object(object)?;
    let copy = copied(catalog, object)?;
    let named: Vec<String> = scan.states.iter().flat_map(state_fields).collect();
    let rank = |field: &FieldDef| {
        if Some(&field.id) == def.number.as_ref() {
            0
        } else if field.kind == Type::Link {
            1
        } else if Some(&field.id) == scan.time.as_ref() || named.contains(&field.id) {
            2
        } else {
            3
        }
    };
    // A whole number without a unit is a fingerprint or the like.
    let tells = |f: &&FieldDef| f.kind != Type::Int || f.unit.is_some();
    let stands = |f: &&FieldDef| copy.columns.iter().any(|c| c.name == f.id);
    let mut fields: Vec<_> = def
        .fields
        .iter()
        .filter(tells)
        .filter(stands)
        .cloned()
        .collect();
    let place = |f: &FieldDef| def.fields.iter().position(|o| o.id == f.id);
    fields.sort_by_key(rank);
    fields.truncate(MAX_COLUMNS);
    fields.sort_by_key(|f| (rank(f).min(2), place(f)));
    Ok(fields)
}

fn state_fields(state: &State) -> Vec<String> {
    let exprs = [&state.expr, &state.filter].into_iter().flatten();
    exprs
        .flat_map(Expr::fields)
        .map(|path| path.join("."))
        .collect()
}

fn columns(catalog: &Catalog, fields: &[FieldDef]) -> Result<Vec<RecordColumn>> {
    let id = Text2 {
        zh: "内部编号".to_owned(),
        en: "Id".to_owned(),
    };
    let mut columns = vec![RecordColumn {
        name: "id".to_owned(),
        label: id,
        unit: "link".to_owned(),
    }];
    for field in fields {
        let number = match &field.to {
            Some(to) => catalog.object(to)?.number.clone(),
            None => None,
        };
        columns.push(RecordColumn {
            name: number.map_or(field.id.clone(), |n| format!("{}.{n}", field.id)),
            label: field.name.clone(),
            unit: field.unit.clone().unwrap_or_else(|| "text".to_owned()),
        });
    }
    Ok(columns)
}

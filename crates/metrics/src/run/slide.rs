//! Overlapping windows, such as the 365 days up to each month's end, in one
//! reading: the rows of each key are put in order of days, and the window's
//! two ends move over them. One pass per period gives the same (a test holds
//! them equal) but reads and groups every row a dozen times.
//!
//! It reduces rows to keys; the states of a period are made from those by the
//! same plan as in [`crate::run::pass`].

#[cfg(test)]
pub(super) mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int64Type, Schema};
use arrow::row::{RowConverter, SortField};
use datafusion_datasource::memory::MemorySourceConfig;
use datafusion_physical_expr::expressions::is_not_null;
use jiff::civil::Date;
use keji_schema::Type;
use keji_schema::calendar::epoch_days;
use keji_schema::expr::{Expr, Node};
use keji_schema::metric::{Agg, Window};

use crate::error::{Error, Result};
use crate::expr::{DECIMAL, cast, physical};
use crate::plan::{Let, Pass, Scan, Shape, Span, State, is_end};
use crate::run::groups::Groups;
use crate::run::pass::{KEY, Reader, dimension, filtered, states};
use crate::run::tables::{Stage, aggregate, column, project};

/// What can slide: exact sums and counts, which can be taken back, and the
/// first, last and number of days, which the order of the rows gives.
pub(super) fn slides(scan: &Scan) -> bool {
    let Some(time) = &scan.time else { return false };
    let is_time = |x: &Option<Expr>| x.as_ref().is_some_and(|x| is_column(x, time));
    let overlaps = matches!(scan.window, Window::Days365 | Window::All);
    // Only the states know which period they are for.
    let names = |x: &Expr| x.fields().iter().any(|f| is_end(f));
    let is_fixed = |l: &Let| !l.expr.as_ref().is_some_and(names);
    overlaps
        && !scan.filters.iter().any(names)
        && match &scan.shape {
            Shape::Reduced(reduced) => {
                reduced.dated_by.is_none()
                    && reduced.lets.iter().all(is_fixed)
                    && reduced.lets.iter().all(|l| match l.agg {
                        Agg::Count => true,
                        Agg::Sum => matches!(l.kind, Type::Int | Type::Decimal),
                        Agg::CountDistinct | Agg::Min | Agg::Max => is_time(&l.expr),
                        Agg::Avg | Agg::Median | Agg::P75 | Agg::P90 => false,
                    })
            }
            Shape::Rows => counted_key(scan).is_some(),
            Shape::Cohort { .. } | Shape::Conversion(_) => false,
        }
}

/// Of a scan that only counts distinct records at the end of a link, that
/// link: each key with a row counts once.
fn counted_key(scan: &Scan) -> Option<&str> {
    let [
        State {
            agg: Agg::CountDistinct,
            expr: Some(expr),
            filter: None,
            ..
        },
    ] = scan.states.as_slice()
    else {
        return None;
    };
    match (&expr.node, expr.kind) {
        (Node::Field(path), Some(Type::Link)) if path.len() == 1 => Some(&path[0]),
        _ => None,
    }
}

/// Adds the groups of all passes, whose windows must move forward.
pub(super) async fn slide(
    reader: &Reader<'_>,
    scan: &Scan,
    span: &Span,
    passes: &[Pass],
    groups: &mut Groups,
) -> Result<()> {
    let (lets, key): (&[Let], &str) = match (&scan.shape, counted_key(scan)) {
        (Shape::Reduced(reduced), _) => (&reduced.lets, &reduced.key),
        (_, Some(key)) => (&[], key),
        _ => return Err(Error::Row("windows that cannot slide".to_owned())),
    };
    let (Some(first), Some(last)) = (passes.first(), passes.last()) else {
        return Ok(());
    };
    let whole = Pass {
        from: first.from,
        to: last.to,
        start: first.start,
        end_at: None,
        period: None,
    };
    let read = prepared(reader, scan, key, lets, whole)?;
    let schema = read.schema();
    let batches = reader.engine.collect(read).await?;
    let mut keys = Keys::new(scan, lets, &batches)?;
    // The schema of the reduced rows: dimensions, then reductions.
    let dimensions = schema
        .fields()
        .iter()
        .skip(2)
        .take(scan.dimensions.len())
        .cloned();
    let reductions = lets
        .iter()
        .map(|l| Arc::new(Field::new(&l.name, reduced_type(l), true)));
    let fields: Vec<_> = dimensions.chain(reductions).collect();
    let schema = Arc::new(Schema::new(fields));
    let counting = counting(scan);
    for pass in passes {
        keys.advance(pass.from, pass.to);
        let rows = keys.reduced(schema.clone(), &batches)?;
        let rows: Stage = MemorySourceConfig::try_new_exec(&[vec![rows]], schema.clone(), None)?;
        let mut by = Vec::new();
        for i in 0..scan.dimensions.len() {
            by.push((column(&rows, &dimension(i))?, dimension(i)));
        }
        let states = states(&counting, &rows, *pass)?;
        let made = reader
            .engine
            .collect(aggregate(rows, by, states, false)?)
            .await?;
        groups.add(reader.plan, scan, span, pass.period, &made)?;
    }
    Ok(())
}

/// The scan with states over reduced rows: distinct keys are rows there.
fn counting(scan: &Scan) -> Scan {
    let mut scan = scan.clone();
    if scan.shape == Shape::Rows {
        for state in &mut scan.states {
            (state.agg, state.expr) = (Agg::Count, None);
        }
    }
    scan
}

/// Key, day, dimensions and the argument of every reduction that has one.
fn prepared(
    reader: &Reader<'_>,
    scan: &Scan,
    key: &str,
    lets: &[Let],
    whole: Pass,
) -> Result<Stage> {
    let rows = reader.rows(scan, whole)?;
    let found = is_not_null(column(&rows, key)?)?;
    let rows = filtered(rows, vec![found])?;
    let mut columns = vec![(column(&rows, key)?, KEY.to_owned())];
    let time = scan.time.as_deref().unwrap_or_default();
    columns.push((column(&rows, time)?, "$day".to_owned()));
    for (i, name) in scan.dimensions.iter().enumerate() {
        columns.push((column(&rows, name)?, dimension(i)));
    }
    for l in lets {
        if let (Agg::Sum | Agg::Count, Some(expr)) = (l.agg, &l.expr) {
            let arg = physical(expr, &rows.schema())?;
            let arg = if l.kind == Type::Decimal {
                cast(arg, DECIMAL)
            } else {
                arg
            };
            columns.push((arg, l.name.clone()));
        }
    }
    project(rows, columns)
}

/// The rows of every key, one key after the other and by day, with a window
/// over each.
struct Keys {
    /// Where each key's rows begin; one more at the end.
    starts: Vec<usize>,
    days: Vec<i32>,
    /// Of each key the rows `begin..end` are in the window.
    begin: Vec<usize>,
    end: Vec<usize>,
    n_days: Vec<i64>,
    sums: Vec<Sliding>,
    /// Where a key's dimensions stand: batch and row.
    examples: Vec<(usize, usize)>,
    n_dimensions: usize,
    lets: Vec<Let>,
}

/// A sum or count over the window of every key.
struct Sliding {
    /// Of every row; `None` for null, which adds nothing.
    rows: Vec<Option<i128>>,
    totals: Vec<(i128, i64)>,
}

impl Keys {
    fn new(scan: &Scan, lets: &[Let], batches: &[RecordBatch]) -> Result<Self> {
        let n_dimensions = scan.dimensions.len();
        let (ids, examples) = numbered(batches, n_dimensions)?;
        let mut days = Vec::with_capacity(ids.len());
        for batch in batches {
            days.extend_from_slice(batch.column(1).as_primitive::<Date32Type>().values());
        }
        let mut starts = vec![0usize; examples.len() + 1];
        ids.iter().for_each(|id| starts[*id as usize + 1] += 1);
        (1..starts.len()).for_each(|i| starts[i] += starts[i - 1]);
        let mut next = starts.clone();
        let mut order = vec![0u32; ids.len()];
        for (row, id) in ids.iter().enumerate() {
            let at = &mut next[*id as usize];
            order[*at] = row as u32;
            *at += 1;
        }
        for key in starts.windows(2) {
            order[key[0]..key[1]].sort_unstable_by_key(|row| days[*row as usize]);
        }
        let mut sums = Vec::new();
        let mut arg = 2 + n_dimensions;
        for l in lets {
            if !matches!(l.agg, Agg::Sum | Agg::Count) {
                continue;
            }
            let values = if l.expr.is_some() {
                arg += 1;
                arguments(batches, arg - 1, l.agg)?
            } else {
                vec![Some(1); ids.len()]
            };
            let rows = order.iter().map(|row| values[*row as usize]).collect();
            sums.push(Sliding {
                rows,
                totals: vec![(0, 0); examples.len()],
            });
        }
        let n = examples.len();
        Ok(Keys {
            begin: starts[..n].to_vec(),
            end: starts[..n].to_vec(),
            starts,
            days: order.iter().map(|row| days[*row as usize]).collect(),
            n_days: vec![0; n],
            sums,
            examples,
            n_dimensions,
            lets: lets.to_vec(),
        })
    }

    /// Moves every window to `from` ≤ day < `to`. The rows of one day come and
    /// go together, which is what makes days countable.
    fn advance(&mut self, from: Option<Date>, to: Date) {
        let from = from.map_or(i32::MIN, epoch_days);
        let to = epoch_days(to);
        for key in 0..self.examples.len() {
            let last = self.starts[key + 1];
            let (mut begin, mut end) = (self.begin[key], self.end[key]);
            while end < last && self.days[end] < to {
                let is_new = end == begin || self.days[end - 1] != self.days[end];
                self.n_days[key] += i64::from(is_new);
                self.sums.iter_mut().for_each(|s| s.add(key, end, 1));
                end += 1;
            }
            while begin < end && self.days[begin] < from {
                let is_last = begin + 1 == end || self.days[begin + 1] != self.days[begin];
                self.n_days[key] -= i64::from(is_last);
                self.sums.iter_mut().for_each(|s| s.add(key, begin, -1));
                begin += 1;
            }
            (self.begin[key], self.end[key]) = (begin, end);
        }
    }

    /// One row for every key with a row in its window.
    fn reduced(&self, schema: Arc<Schema>, batches: &[RecordBatch]) -> Result<RecordBatch> {
        let inside: Vec<usize> = (0..self.examples.len())
            .filter(|k| self.begin[*k] < self.end[*k])
            .collect();
        let mut columns: Vec<ArrayRef> = Vec::new();
        let examples: Vec<_> = inside.iter().map(|k| self.examples[*k]).collect();
        for i in 0..self.n_dimensions {
            let arrays: Vec<&dyn Array> =
                batches.iter().map(|b| b.column(2 + i).as_ref()).collect();
            columns.push(interleave(&arrays, &examples)?);
        }
        let mut sums = self.sums.iter();
        let over = |value: &dyn Fn(usize) -> i32| -> ArrayRef {
            Arc::new(
                inside
                    .iter()
                    .map(|k| Some(value(*k)))
                    .collect::<Date32Array>(),
            )
        };
        for l in &self.lets {
            columns.push(match l.agg {
                Agg::Min => over(&|k| self.days[self.begin[k]]),
                Agg::Max => over(&|k| self.days[self.end[k] - 1]),
                Agg::CountDistinct => Arc::new(Int64Array::from_iter_values(
                    inside.iter().map(|k| self.n_days[*k]),
                )),
                // The others do not slide.
                _ => {
                    let sliding = sums.next().ok_or_else(|| Error::Row(l.name.clone()))?;
                    sliding.column(l, &inside)?
                }
            });
        }
        let rows =
            arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(inside.len()));
        Ok(RecordBatch::try_new_with_options(schema, columns, &rows)?)
    }
}

impl Sliding {
    fn add(&mut self, key: usize, row: usize, sign: i64) {
        if let Some(value) = self.rows[row] {
            let (total, n) = &mut self.totals[key];
            *total += value * i128::from(sign);
            *n += sign;
        }
    }

    fn column(&self, l: &Let, keys: &[usize]) -> Result<ArrayRef> {
        let totals = keys.iter().map(|k| self.totals[*k]);
        if l.agg == Agg::Count {
            return Ok(Arc::new(Int64Array::from_iter_values(
                totals.map(|(_, n)| n),
            )));
        }
        // A sum over nulls only is null.
        let totals = totals.map(|(total, n)| (n > 0).then_some(total));
        if l.kind == Type::Decimal {
            let sums: Decimal128Array = totals.collect();
            return Ok(Arc::new(sums.with_data_type(DECIMAL)));
        }
        let narrow = |total: Option<i128>| {
            let wide = total.map(i64::try_from).transpose();
            wide.map_err(|_| Error::Overflow(l.name.clone()))
        };
        Ok(Arc::new(
            totals.map(narrow).collect::<Result<Int64Array>>()?,
        ))
    }
}

/// Numbers the combinations of key and dimensions; beside the number of every
/// row, where each combination stands first.
#[expect(clippy::type_complexity, reason = "two lists, made in one walk")]
fn numbered(
    batches: &[RecordBatch],
    n_dimensions: usize,
) -> Result<(Vec<u32>, Vec<(usize, usize)>)> {
    let mut ids = Vec::new();
    let mut examples = Vec::new();
    if n_dimensions == 0 {
        let mut known: HashMap<i64, u32> = HashMap::new();
        for (b, batch) in batches.iter().enumerate() {
            for (row, key) in batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .enumerate()
            {
                ids.push(*known.entry(*key).or_insert_with(|| {
                    examples.push((b, row));
                    examples.len() as u32 - 1
                }));
            }
        }
        return Ok((ids, examples));
    }
    let mut known: HashMap<Box<[u8]>, u32> = HashMap::new();
    for (b, batch) in batches.iter().enumerate() {
        let parts: Vec<ArrayRef> = std::iter::once(batch.column(0))
            .chain(batch.columns().iter().skip(2).take(n_dimensions))
            .cloned()
            .collect();
        let fields = parts
            .iter()
            .map(|p| SortField::new(p.data_type().clone()))
            .collect();
        let rows = RowConverter::new(fields)?.convert_columns(&parts)?;
        for (row, bytes) in rows.iter().enumerate() {
            if let Some(id) = known.get(bytes.as_ref()) {
                ids.push(*id);
                continue;
            }
            examples.push((b, row));
            let id = examples.len() as u32 - 1;
            known.insert(bytes.as_ref().into(), id);
            ids.push(id);
        }
    }
    Ok((ids, examples))
}

/// The values of a reduction's argument; a count only asks whether there is
/// one.
fn arguments(batches: &[RecordBatch], at: usize, agg: Agg) -> Result<Vec<Option<i128>>> {
    let mut values = Vec::new();
    for batch in batches {
        let column = batch.column(at);
        match (agg, column.data_type()) {
            (Agg::Count, _) => {
                values.extend((0..column.len()).map(|i| column.is_valid(i).then_some(1)));
            }
            (_, DataType::Int64) => {
                let column = column.as_primitive::<Int64Type>();
                values.extend(column.iter().map(|v| v.map(i128::from)));
            }
            (_, DataType::Decimal128(..)) => {
                values.extend(column.as_primitive::<Decimal128Type>().iter());
            }
            (_, other) => return Err(Error::Row(format!("a sum over {other}"))),
        }
    }
    Ok(values)
}

fn reduced_type(l: &Let) -> DataType {
    match (l.agg, l.kind) {
        (Agg::Min | Agg::Max, _) => DataType::Date32,
        (Agg::Sum, Type::Decimal) => DECIMAL,
        _ => DataType::Int64,
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(&expr.node, Node::Field(path) if path.len() == 1 && path[0] == name)
}

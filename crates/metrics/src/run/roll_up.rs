//! The roll-up of customers by month: for every month one bit for each
//! customer with a row. Buyers of any run of months, first months and cohorts
//! are then unions and counts of bits, not another reading of the facts; with a
//! second bit for each customer with two, so is who came back.
//!
//! It answers only what it can answer exactly ([`kind_of`]); everything else
//! goes the general way, and a test holds the two equal.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema};
use jiff::civil::Date;
use keji_schema::calendar::{Grain, Period};
use keji_schema::expr::{Expr, Node, Op};
use keji_schema::metric::{Agg, Window};
use keji_schema::{Type, Value};

use crate::error::{Error, Result};
use crate::plan::spans::{period_key, plus};
use crate::plan::{Pass, Scan, Shape, Span, State};
use crate::run::groups::Groups;
use crate::run::memo::Kept;
use crate::run::pass::{KEY, PERIOD, Reader};
use crate::run::tables::{column, project};

/// Ids are dense, so a bit for each is small; a base with holes larger than
/// this is read the general way.
const MAX_KEYS: i64 = 1 << 27;

/// One bit for each id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    #[cfg(test)]
    pub fn with_room(n: usize) -> Self {
        Bits(vec![0; n.div_ceil(64)])
    }

    pub fn size(&self) -> usize {
        self.0.len() * 8
    }

    fn set(&mut self, id: usize) {
        if self.0.len() <= id / 64 {
            self.0.resize(id / 64 + 1, 0);
        }
        self.0[id / 64] |= 1 << (id % 64);
    }

    fn count(&self) -> i64 {
        self.0.iter().map(|word| i64::from(word.count_ones())).sum()
    }

    fn add(&mut self, other: &Bits) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Those of `self` that are not in `other`.
    fn without(&self, other: &Bits) -> Bits {
        let others = other.0.iter().chain(std::iter::repeat(&0));
        Bits(self.0.iter().zip(others).map(|(a, b)| a & !b).collect())
    }

    fn common(&self, other: &Bits) -> Bits {
        let both = self.0.iter().zip(&other.0);
        Bits(both.map(|(a, b)| a & b).collect())
    }

    fn n_common(&self, other: &Bits) -> i64 {
        let both = self.0.iter().zip(&other.0);
        both.map(|(a, b)| i64::from((a & b).count_ones())).sum()
    }
}

/// Keys by how often they are seen: at least once, at least twice. Stretches
/// without a day in common add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    once: Bits,
    twice: Bits,
}

impl Seen {
    pub fn size(&self) -> usize {
        self.once.size() + self.twice.size()
    }

    fn add(&mut self, other: &Seen) {
        self.twice.add(&other.twice);
        self.twice.add(&self.once.common(&other.once));
        self.once.add(&other.once);
    }
}

/// What makes a key be seen again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Row,
    Day,
}

enum Kind<'a> {
    /// Distinct keys of each period or window.
    Distinct(&'a str),
    /// Keys of each period or window that are seen once or twice at least;
    /// of every state whether it is twice.
    Seen(&'a str, Again, Vec<bool>),
    /// Keys by the period of their first row.
    First(&'a str),
    /// Keys by the month of their first row and the months of later ones.
    Cohort(&'a str),
}

/// What of a scan whole months can answer.
fn kind_of(scan: &Scan) -> Option<Kind<'_>> {
    let time = scan.time.as_deref()?;
    if !scan.by_month || !scan.dimensions.is_empty() {
        return None;
    }
    let counts_all = |s: &State| s.agg == Agg::Count && s.expr.is_none() && s.filter.is_none();
    match (&scan.shape, scan.window) {
        (Shape::Rows, Window::Period | Window::Days365) => match scan.states.as_slice() {
            [
                State {
                    agg: Agg::CountDistinct,
                    expr: Some(expr),
                    filter: None,
                    ..
                },
            ] if expr.kind == Some(Type::Link) => Some(Kind::Distinct(single(expr)?)),
            _ => None,
        },
        (Shape::Reduced(reduced), Window::All) => {
            let [first] = reduced.lets.as_slice() else {
                return None;
            };
            let is_first = first.agg == Agg::Min
                && first.expr.as_ref().and_then(single) == Some(time)
                && reduced.dated_by.as_deref() == Some(first.name.as_str());
            (is_first && scan.states.iter().all(counts_all)).then_some(Kind::First(&reduced.key))
        }
        (Shape::Reduced(reduced), Window::Period | Window::Days365) => {
            let [often] = reduced.lets.as_slice() else {
                return None;
            };
            let again = match (often.agg, &often.expr) {
                (Agg::Count, None) => Again::Row,
                (Agg::CountDistinct, Some(expr)) if single(expr) == Some(time) => Again::Day,
                _ => return None,
            };
            let states = scan.states.iter().map(|s| is_twice(s, &often.name));
            let states = states.collect::<Option<_>>()?;
            let is_free = reduced.dated_by.is_none();
            is_free.then_some(Kind::Seen(&reduced.key, again, states))
        }
        (Shape::Cohort { key }, _) if scan.states.iter().all(counts_all) => Some(Kind::Cohort(key)),
        _ => None,
    }
}

/// Of a state that counts the keys seen at least once or twice, whether it is
/// twice.
fn is_twice(state: &State, often: &str) -> Option<bool> {
    if state.agg != Agg::Count || state.expr.is_some() {
        return None;
    }
    let Some(filter) = &state.filter else {
        return Some(false);
    };
    let Node::Binary(Op::GtEq, left, right) = &filter.node else {
        return None;
    };
    match (single(left), &right.node) {
        (Some(name), Node::Literal(Value::Int(n @ (1 | 2)))) if name == often => Some(*n == 2),
        _ => None,
    }
}

fn single(expr: &Expr) -> Option<&str> {
    match &expr.node {
        Node::Field(path) if path.len() == 1 => Some(&path[0]),
        _ => None,
    }
}

/// The groups of a scan from whole months; `None` where it has to be read the
/// general way.
pub(super) async fn rolled_up(
    reader: &Reader<'_>,
    scan: &Scan,
    span: &Span,
) -> Result<Option<Groups>> {
    let Some(kind) = kind_of(scan) else {
        return Ok(None);
    };
    // Shorter periods have their own distinct keys.
    if matches!(reader.plan.grain, Some(Grain::Day | Grain::Week)) {
        return Ok(None);
    }
    let made = match kind {
        Kind::Distinct(key) => distinct(reader, scan, span, key).await?,
        Kind::Seen(key, again, states) => seen(reader, scan, span, (key, again), &states).await?,
        Kind::First(key) => firsts(reader, scan, span, key).await?,
        Kind::Cohort(key) => cohorts(reader, scan, span, key).await?,
    };
    let Some(batch) = made else {
        return Ok(None);
    };
    let mut groups = Groups::default();
    groups.add(reader.plan, scan, span, None, &[batch])?;
    Ok(Some(groups))
}

async fn distinct(
    reader: &Reader<'_>,
    scan: &Scan,
    span: &Span,
    key: &str,
) -> Result<Option<RecordBatch>> {
    let mut counts = Vec::new();
    for (at, from, to) in windows(reader, scan, span) {
        let mut all = Bits::default();
        for piece in reader.months(scan, Some(from), to) {
            let Some(bits) = keys(reader, scan, key, piece).await? else {
                return Ok(None);
            };
            all.add(&bits);
        }
        counts.push((at, all.count()));
    }
    counted(scan, &counts).map(Some)
}

async fn seen(
    reader: &Reader<'_>,
    scan: &Scan,
    span: &Span,
    key: (&str, Again),
    is_twice: &[bool],
) -> Result<Option<RecordBatch>> {
    let mut starts = Vec::new();
    let mut counts = vec![Vec::new(); is_twice.len()];
    for (at, from, to) in windows(reader, scan, span) {
        let mut all = Seen::default();
        for piece in reader.months(scan, Some(from), to) {
            let Some(seen) = seen_in(reader, scan, key, piece).await? else {
                return Ok(None);
            };
            all.add(&seen);
        }
        starts.push(at);
        let (once, twice) = (all.once.count(), all.twice.count());
        for (counts, is_twice) in counts.iter_mut().zip(is_twice) {
            counts.push(if *is_twice { twice } else { once });
        }
    }
    batch(scan, starts, None, counts).map(Some)
}

/// What is looked at for each period: the key of its group, the first day and
/// the day after the last.
fn windows(reader: &Reader<'_>, scan: &Scan, span: &Span) -> Vec<(i32, Date, Date)> {
    let of = |(i, period): (usize, &Period)| {
        let to = span.end(i);
        let from = match scan.window {
            Window::Days365 => plus(to, -365),
            _ => period.from.max(span.seen.from),
        };
        (at(reader, period.from), from, to)
    };
    span.periods.iter().enumerate().map(of).collect()
}

/// A first row before the span places a key before it, so the month in which
/// the span begins is read in two pieces.
async fn firsts(
    reader: &Reader<'_>,
    scan: &Scan,
    span: &Span,
    key: &str,
) -> Result<Option<RecordBatch>> {
    let (from, to) = (span.seen.from, span.seen.to);
    let mut pieces = reader.months(scan, None, from);
    pieces.extend(reader.months(scan, Some(from), to));
    let mut known = Bits::default();
    let mut counts: Vec<(i32, i64)> = Vec::new();
    for piece in pieces {
        let Some(bits) = keys(reader, scan, key, piece).await? else {
            return Ok(None);
        };
        if piece.0 >= from {
            let (at, n) = (at(reader, piece.0), bits.without(&known).count());
            match counts.last_mut() {
                Some((last, total)) if *last == at => *total += n,
                _ => counts.push((at, n)),
            }
        }
        known.add(&bits);
    }
    counted(scan, &counts).map(Some)
}

async fn cohorts(
    reader: &Reader<'_>,
    scan: &Scan,
    span: &Span,
    key: &str,
) -> Result<Option<RecordBatch>> {
    let (from, to) = (span.seen.from, span.seen.to);
    let mut pieces = reader.months(scan, None, from);
    pieces.extend(reader.months(scan, Some(from), to));
    pieces.extend(reader.months(scan, Some(to), reader.plan.as_of));
    let mut known = Bits::default();
    let mut cohorts: Vec<(i32, Bits)> = Vec::new();
    let mut months: Vec<(i32, Bits)> = Vec::new();
    for piece in pieces {
        let Some(bits) = keys(reader, scan, key, piece).await? else {
            return Ok(None);
        };
        let month = period_key(&reader.plan.calendar, Grain::Month, piece.0);
        if piece.0 >= from && piece.0 < to {
            cohorts.push((month, bits.without(&known)));
        }
        known.add(&bits);
        match months.last_mut() {
            Some((last, all)) if *last == month => all.add(&bits),
            _ => months.push((month, (*bits).clone())),
        }
    }
    let (mut starts, mut ages, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for (start, cohort) in &cohorts {
        for (month, bits) in months.iter().filter(|(month, _)| month >= start) {
            let n = cohort.n_common(bits);
            if n > 0 {
                starts.push(*start);
                ages.push(i64::from(month - start));
                counts.push(n);
            }
        }
    }
    let ages: ArrayRef = Arc::new(Int64Array::from(ages));
    let counts = vec![counts; scan.states.len()];
    batch(scan, starts, Some(ages), counts).map(Some)
}

/// The key under which a day's group is added.
fn at(reader: &Reader<'_>, day: Date) -> i32 {
    match reader.plan.grain {
        Some(grain) => period_key(&reader.plan.calendar, grain, day),
        None => 0,
    }
}

fn counted(scan: &Scan, counts: &[(i32, i64)]) -> Result<RecordBatch> {
    let (at, n): (Vec<i32>, Vec<i64>) = counts.iter().copied().unzip();
    batch(scan, at, None, vec![n; scan.states.len()])
}

/// The columns that the general way gives.
fn batch(
    scan: &Scan,
    at: Vec<i32>,
    ages: Option<ArrayRef>,
    counts: Vec<Vec<i64>>,
) -> Result<RecordBatch> {
    let mut fields = vec![Field::new(PERIOD, DataType::Int32, false)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(at))];
    if let Some(ages) = ages {
        fields.push(Field::new("$age", DataType::Int64, false));
        columns.push(ages);
    }
    for (state, counts) in scan.states.iter().zip(counts) {
        fields.push(Field::new(&state.name, DataType::Int64, true));
        columns.push(Arc::new(Int64Array::from(counts)));
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

/// The keys with a row from one day to before another of the same month.
async fn keys(
    reader: &Reader<'_>,
    scan: &Scan,
    key: &str,
    (from, to): (Date, Date),
) -> Result<Option<Arc<Bits>>> {
    let pass = Pass {
        from: Some(from),
        to,
        start: from,
        end_at: None,
        period: Some(0),
    };
    // Scans that differ only in what they count share their keys.
    let (source, filters) = (&scan.source, &scan.filters);
    let what = format!(
        "keys {key} {} {filters:?} {:?}",
        source.object, source.joins
    );
    let stretch = reader.stretch(scan, pass);
    if let Some(Kept::Keys(bits)) = reader.engine.memo().get(&what, &stretch) {
        return Ok(Some(bits));
    }
    let rows = reader.rows_with(scan, pass, &[key])?;
    let only = vec![(column(&rows, key)?, KEY.to_owned())];
    let batches = reader.engine.collect(project(rows, only)?).await?;
    let mut bits = Bits::default();
    for batch in &batches {
        let ids = batch.column(0);
        if ids.data_type() != &DataType::Int64 {
            return Err(Error::Row(format!("a key of type {}", ids.data_type())));
        }
        let ids = ids.as_primitive::<Int64Type>();
        if ids.null_count() == 0 {
            for id in ids.values() {
                if !set(&mut bits, *id) {
                    return Ok(None);
                }
            }
        } else {
            for id in ids.iter().flatten() {
                if !set(&mut bits, id) {
                    return Ok(None);
                }
            }
        }
    }
    let bits = Arc::new(bits);
    let memo = reader.engine.memo();
    memo.keep(&what, stretch, Kept::Keys(bits.clone()));
    Ok(Some(bits))
}

/// The keys with rows from one day to before another of the same month, and
/// those of them with two.
async fn seen_in(
    reader: &Reader<'_>,
    scan: &Scan,
    (key, again): (&str, Again),
    (from, to): (Date, Date),
) -> Result<Option<Arc<Seen>>> {
    let pass = Pass {
        from: Some(from),
        to,
        start: from,
        end_at: None,
        period: Some(0),
    };
    let (source, filters) = (&scan.source, &scan.filters);
    let what = format!(
        "seen {again:?} {key} {} {filters:?} {:?}",
        source.object, source.joins
    );
    let stretch = reader.stretch(scan, pass);
    if let Some(Kept::Seen(seen)) = reader.engine.memo().get(&what, &stretch) {
        return Ok(Some(seen));
    }
    let time = scan.time.as_deref().unwrap_or_default();
    let rows = reader.rows_with(scan, pass, &[key, time])?;
    let columns = vec![
        (column(&rows, key)?, KEY.to_owned()),
        (column(&rows, time)?, "$day".to_owned()),
    ];
    let batches = reader.engine.collect(project(rows, columns)?).await?;
    let mut seen = Seen::default();
    const NO_DAY: i32 = i32::MIN;
    // By id, the day of the first row.
    let mut first_days: Vec<i32> = Vec::new();
    for batch in &batches {
        let ids = batch.column(0);
        if ids.data_type() != &DataType::Int64 {
            return Err(Error::Row(format!("a key of type {}", ids.data_type())));
        }
        let days = batch.column(1).as_primitive::<Date32Type>().values();
        for (id, day) in ids.as_primitive::<Int64Type>().iter().zip(days) {
            let Some(id) = id else { continue };
            if !(0..MAX_KEYS).contains(&id) {
                return Ok(None);
            }
            let id = id as usize;
            if first_days.len() <= id {
                first_days.resize(id + 1, NO_DAY);
            }
            let first = &mut first_days[id];
            if *first == NO_DAY {
                *first = *day;
                seen.once.set(id);
            } else if again == Again::Row || first != day {
                seen.twice.set(id);
            }
        }
    }
    let seen = Arc::new(seen);
    let memo = reader.engine.memo();
    memo.keep(&what, stretch, Kept::Seen(seen.clone()));
    Ok(Some(seen))
}

fn set(bits: &mut Bits, id: i64) -> bool {
    let fits = (0..MAX_KEYS).contains(&id);
    if fits {
        bits.set(id as usize);
    }
    fits
}

#[cfg(test)]
mod tests;

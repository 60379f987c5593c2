//! The groups of every scan as the rows of an answer: joined on period and
//! dimensions, divided, compared, sorted. Money is exact to the last step.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::civil::Date;
use keji_schema::calendar::{Grain, Period, epoch_days};
use keji_schema::expr::Op;
use keji_schema::metric::{Agg, OverTime, Unit};
use keji_schema::question::{Answer, Column, Role, Small, Status};
use keji_schema::{Decimal, Type, Value};

use crate::error::Result;
use crate::plan::source::question;
use crate::plan::spans::{period_key, plus};
use crate::plan::{Calculation, Formula, Part, Plan, SortKey, Span};
use crate::run::groups::{Cell, Groups, Key, compare, decimal};

/// More rows than this are refused before they are made.
const MAX_ROWS: usize = 2_000_000;

pub(super) fn answer(
    plan: &Plan,
    now: &[Groups],
    before: Option<&[Groups]>,
    seq: i64,
) -> Result<Answer> {
    let mut rows = Vec::new();
    let mut row_status = Vec::new();
    let mut row_small = Vec::new();
    for group in groups(plan, now, before)? {
        let (row, small) = row(plan, &group, now, before)?;
        rows.push(row);
        row_small.push(small);
        row_status.push(status(plan, &group));
    }
    let order = order(plan, &rows);
    let truncated = order.len() > plan.limit;
    let kept = || order.iter().take(plan.limit).copied();
    let row_status: Vec<_> = kept().map(|i| row_status[i]).collect();
    let small = kept().enumerate().flat_map(|(row, i)| {
        let of = move |(column, n): &(usize, u64)| Small {
            row,
            column: *column,
            n: *n,
        };
        row_small[i].iter().map(of)
    });
    let small = small.collect();
    let whole = ended(plan, plan.asked.to);
    Ok(Answer {
        columns: columns(plan),
        rows: kept().map(|i| std::mem::take(&mut rows[i])).collect(),
        as_of: plan.as_of,
        status: row_status.iter().copied().max().unwrap_or(whole),
        row_status,
        small,
        period: plan.asked,
        compared: plan.compared.as_ref().map(|c| c.span.seen),
        seq,
        truncated,
        // The caller's rights are not known here.
        is_partial: false,
    })
}

/// What one row of the answer is about.
struct Group<'a> {
    period: usize,
    keys: Cow<'a, [Key]>,
}

/// Every group that has a row: those that any measure gave, now or before,
/// and with a grain all periods for each of them.
fn groups<'a>(
    plan: &Plan,
    now: &'a [Groups],
    before: Option<&'a [Groups]>,
) -> Result<Vec<Group<'a>>> {
    let all = now.iter().chain(before.unwrap_or_default());
    let mut dimensions: Vec<&[Key]> = all.flat_map(Groups::keys).collect();
    if plan.cohort {
        return Ok(cohorts(plan, dimensions));
    }
    if plan.dimensions.is_empty() {
        dimensions.push(&[]);
    }
    dimensions.sort_unstable();
    dimensions.dedup();
    let n = dimensions.len() * plan.now.periods.len();
    if n > MAX_ROWS {
        let message = format!(
            "the answer has {n} rows, more than {MAX_ROWS}; filter it or leave out a dimension"
        );
        return Err(question(message));
    }
    let mut groups = Vec::with_capacity(n);
    for period in 0..plan.now.periods.len() {
        let of = |keys: &&'a [Key]| Group {
            period,
            keys: Cow::Borrowed(*keys),
        };
        groups.extend(dimensions.iter().map(of));
    }
    Ok(groups)
}

/// Every age that a cohort has reached, zero where nobody came back.
fn cohorts<'a>(plan: &Plan, dimensions: Vec<&[Key]>) -> Vec<Group<'a>> {
    let mut parts: Vec<&[Key]> = dimensions.into_iter().map(|keys| &keys[1..]).collect();
    if plan.dimensions.len() == 1 {
        parts.push(&[]);
    }
    parts.sort_unstable();
    parts.dedup();
    let mut all = Vec::new();
    for period in 0..plan.now.periods.len() {
        for age in 0..ages(plan, period) {
            for part in &parts {
                let keys = std::iter::once(Key::Int(age)).chain(part.iter().cloned());
                all.push(Group {
                    period,
                    keys: keys.collect(),
                });
            }
        }
    }
    all
}

/// How many months have begun since a cohort's own, that one included.
fn ages(plan: &Plan, cohort: usize) -> i64 {
    let month = |d: Date| i64::from(period_key(&plan.calendar, Grain::Month, d));
    month(plus(plan.as_of, -1)) - month(plan.now.periods[cohort].from) + 1
}

/// The cells of one row, and those that rest on too few cases: the place of
/// each and how many cases there are.
type Row = (Vec<Value>, Vec<(usize, u64)>);

fn row(plan: &Plan, group: &Group, now: &[Groups], before: Option<&[Groups]>) -> Result<Row> {
    let (period, keys) = (group.period, group.keys.as_ref());
    let mut row = Vec::new();
    let mut small = Vec::new();
    if plan.grain.is_some() {
        row.push(Value::Date(plan.now.periods[period].from));
    }
    row.extend(keys.iter().map(Key::value));
    let counterpart = plan.compared.as_ref().map(|c| c.counterparts[period]);
    for metric in &plan.metrics {
        let of = |groups: &[Groups], span: &Span, period: usize| {
            let place = Place { span, period, keys };
            value(metric.unit, &metric.formula, groups, &place)
        };
        let value = of(now, &plan.now, period)?;
        let too_few = |value: &Value, groups: &[Groups], period: usize| {
            let min = u64::from(metric.min_n?);
            let n = n_cases(&metric.formula, groups, period, keys)?;
            (n < min && !value.is_null()).then_some(n)
        };
        small.extend(too_few(&value, now, period).map(|n| (row.len(), n)));
        row.push(value.clone());
        let (Some(before), Some(counterpart)) = (before, counterpart) else {
            continue;
        };
        let previous = match (counterpart, &plan.compared) {
            (Some(i), Some(compared)) => of(before, &compared.span, i)?,
            _ => Value::Null,
        };
        let n = counterpart.and_then(|i| too_few(&previous, before, i));
        small.extend(n.map(|n| (row.len(), n)));
        row.push(previous.clone());
        row.push(change(metric.unit, &value, &previous));
    }
    Ok((row, small))
}

/// How many cases the weakest part of a value rests on.
fn n_cases(formula: &Formula, groups: &[Groups], period: usize, keys: &[Key]) -> Option<u64> {
    let start: Vec<Key>;
    let keys = match formula {
        Formula::ShareOfCohort(_) => {
            start = std::iter::once(Key::Int(0))
                .chain(keys[1..].iter().cloned())
                .collect();
            &start
        }
        _ => keys,
    };
    let of = |part: &&Part| {
        let groups = &groups[part.scan];
        let n = |period| match groups.get(period, keys).map(|cells| &cells[part.rows]) {
            Some(Cell::Int(n)) => Some(n.unsigned_abs()),
            None => Some(0),
            // An extreme has no count beside it.
            Some(_) => None,
        };
        match groups.days(period) {
            None => n(period),
            Some((_, days)) => days.filter_map(n).max(),
        }
    };
    formula.cases().iter().filter_map(of).min()
}

/// Which value of a span.
struct Place<'a> {
    span: &'a Span,
    period: usize,
    keys: &'a [Key],
}

impl Place<'_> {
    /// The days of the period that count.
    fn days(&self) -> i128 {
        let from = self.span.periods[self.period].from;
        let from = epoch_days(from.max(self.span.seen.from));
        i128::from(epoch_days(self.span.end(self.period)) - from)
    }
}

fn value(unit: Unit, formula: &Formula, groups: &[Groups], place: &Place) -> Result<Value> {
    let (period, keys) = (place.period, place.keys);
    let number = |part: &Part| number(part, &groups[part.scan], period, keys);
    match formula {
        Formula::Measure(part) => number(part).shown(part, unit),
        Formula::Ratio(num, den) => number(num).divided(&number(den), unit),
        Formula::ShareOfCohort(part) => {
            let mut keys = keys.to_vec();
            keys[0] = Key::Int(0);
            let start = self::number(part, &groups[part.scan], period, &keys);
            number(part).divided(&start, unit)
        }
        Formula::Derived(calculation) => {
            calculated(calculation, &number, place.days()).derived(unit)
        }
    }
}

fn calculated(calculation: &Calculation, number: &dyn Fn(&Part) -> Number, days: i128) -> Number {
    let of = |x: &Calculation| calculated(x, number, days);
    match calculation {
        Calculation::Part(part) => number(part),
        Calculation::Constant(constant) => Number::Exact(i128::from(constant.units()), 1),
        Calculation::PeriodDays => Number::whole(days),
        Calculation::Negate(x) => of(x).combined(Op::Mul, Number::whole(-1)),
        Calculation::Of(op, a, b) => of(a).combined(*op, of(b)),
    }
}

/// A measure's value before it is rounded: `n / d` of decimals in
/// ten-thousandths, or a float, or a value that is no number.
#[derive(Debug, Clone)]
enum Number {
    Null,
    Exact(i128, i128),
    Float(f64),
    Value(Value),
}

fn number(part: &Part, groups: &Groups, period: usize, keys: &[Key]) -> Number {
    let Some((over_time, days)) = groups.days(period) else {
        return number_at(part, groups, period, keys);
    };
    let days = days.map(|day| number_at(part, groups, day, keys));
    let known = days.filter(|n| matches!(n, Number::Exact(..) | Number::Float(_)));
    if over_time == OverTime::Max {
        let higher = |a: Number, b: Number| if b.float() > a.float() { b } else { a };
        return known.reduce(higher).unwrap_or(Number::Null);
    }
    let mut n_days = 0;
    let sum = known
        .inspect(|_| n_days += 1)
        .reduce(|a, b| a.combined(Op::Add, b));
    sum.map_or(Number::Null, |sum| {
        sum.combined(Op::Div, Number::whole(n_days))
    })
}

fn number_at(part: &Part, groups: &Groups, period: usize, keys: &[Key]) -> Number {
    if !groups.has_data(period) {
        return Number::Null;
    }
    let zero = if part.kind == Type::Float {
        Number::Float(0.0)
    } else {
        Number::Exact(0, 1)
    };
    let cells = groups.get(period, keys);
    let state = cells.map_or(&Cell::Null, |cells| &cells[part.state]);
    let rows = cells.map_or(0, |cells| {
        if let Cell::Int(n) = cells[part.rows] {
            n
        } else {
            0
        }
    });
    let plain = match state {
        Cell::Null => Number::Null,
        Cell::Int(n) => Number::Exact(i128::from(*n) * i128::from(keji_schema::decimal::UNIT), 1),
        Cell::Units(units) => Number::Exact(*units, 1),
        Cell::Float(x) => Number::Float(*x),
        Cell::Value(v) => Number::Value(*v.clone()),
    };
    match (part.agg, plain) {
        (Agg::Count | Agg::CountDistinct, Number::Null) => zero,
        (Agg::Sum, _) if rows == 0 => zero,
        (Agg::Avg | Agg::Median | Agg::P75 | Agg::P90, _) if rows == 0 => Number::Null,
        (Agg::Avg, Number::Exact(n, d)) => Number::Exact(n, d * i128::from(rows)),
        (Agg::Avg, Number::Float(x)) => Number::Float(x / rows as f64),
        (_, plain) => plain,
    }
}

impl Number {
    fn whole(n: i128) -> Number {
        Number::Exact(n * i128::from(keji_schema::decimal::UNIT), 1)
    }

    fn float(&self) -> Option<f64> {
        match self {
            Number::Exact(n, d) => Some(*n as f64 / *d as f64 / keji_schema::decimal::UNIT as f64),
            Number::Float(x) => Some(*x),
            Number::Null | Number::Value(_) => None,
        }
    }

    /// `+ - * /`, exact as long as both are and the digits suffice; null where
    /// one is and where it divides by zero.
    fn combined(self, op: Op, other: Number) -> Number {
        let unit = i128::from(keji_schema::decimal::UNIT);
        if op == Op::Div && other.float() == Some(0.0) {
            return Number::Null;
        }
        if let (Number::Exact(a, ad), Number::Exact(b, bd)) = (&self, &other) {
            let sum = |b: i128| -> Option<(i128, i128)> {
                // Of one denominator mostly, which then does not grow.
                if ad == bd {
                    return Some((a.checked_add(b)?, *ad));
                }
                let (left, right) = (a.checked_mul(*bd)?, b.checked_mul(*ad)?);
                Some((left.checked_add(right)?, ad.checked_mul(*bd)?))
            };
            let made = match op {
                Op::Add => sum(*b),
                Op::Sub => sum(-b),
                Op::Mul => fraction((*a, *ad), (*b, *bd), unit),
                _ => fraction((*a, *ad), (*bd, *b), 1).and_then(|(n, d)| {
                    let n = n.checked_mul(unit)?;
                    Some((n, d))
                }),
            };
            if let Some((n, d)) = made {
                return reduced(n, d);
            }
        }
        let (Some(a), Some(b)) = (self.float(), other.float()) else {
            return Number::Null;
        };
        Number::Float(match op {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            _ => a / b,
        })
    }

    /// As the answer shows the value of a formula.
    fn derived(self, unit: Unit) -> Result<Value> {
        Ok(match self {
            Number::Exact(n, d) if is_amount(unit) => Value::Decimal(decimal(divide(n, d))?),
            Number::Float(x) if is_amount(unit) => {
                let units = (x * keji_schema::decimal::UNIT as f64).round();
                Value::Decimal(decimal(units as i128)?)
            }
            other => other.float().map_or(Value::Null, Value::Float),
        })
    }

    /// As the answer shows a single measure.
    fn shown(self, part: &Part, unit: Unit) -> Result<Value> {
        Ok(match self {
            Number::Null => Value::Null,
            Number::Value(v) => v,
            Number::Float(x) => Value::Float(x),
            // An average of a rate or of days is no amount.
            exact if part.agg == Agg::Avg && !is_amount(unit) => {
                exact.float().map_or(Value::Null, Value::Float)
            }
            Number::Exact(n, 1) if part.kind == Type::Int => {
                Value::Int((n / i128::from(keji_schema::decimal::UNIT)) as i64)
            }
            Number::Exact(n, d) => Value::Decimal(decimal(divide(n, d))?),
        })
    }

    fn divided(self, by: &Number, unit: Unit) -> Result<Value> {
        Ok(match (self, by) {
            (Number::Exact(..) | Number::Float(_), Number::Exact(0, _)) => Value::Null,
            (Number::Exact(n, nd), Number::Exact(d, dd)) if is_amount(unit) => {
                let n = n.checked_mul(i128::from(keji_schema::decimal::UNIT));
                let n = n.and_then(|n| n.checked_mul(*dd));
                let d = d.checked_mul(nd);
                match (n, d) {
                    (Some(n), Some(d)) => Value::Decimal(decimal(divide(n, d))?),
                    _ => return Err(crate::Error::Overflow("a quotient".to_owned())),
                }
            }
            (Number::Exact(n, nd), Number::Exact(d, dd)) => {
                Value::Float((n as f64 * *dd as f64) / (*d as f64 * nd as f64))
            }
            (n, d) => match (n.float(), d.float()) {
                (Some(_), Some(0.0)) => Value::Null,
                (Some(n), Some(d)) => Value::Float(n / d),
                _ => Value::Null,
            },
        })
    }
}

/// `a × b ÷ by`; `None` where the digits do not suffice.
fn fraction(a: (i128, i128), b: (i128, i128), by: i128) -> Option<(i128, i128)> {
    let n = a.0.checked_mul(b.0)?;
    let d = a.1.checked_mul(b.1)?.checked_mul(by)?;
    Some((n, d))
}

/// In lowest terms, the denominator positive, so that digits last longer.
fn reduced(n: i128, d: i128) -> Number {
    let (mut a, mut b) = (n.unsigned_abs(), d.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let common = i128::try_from(a.max(1)).unwrap_or(1);
    let sign = if d < 0 { -1 } else { 1 };
    Number::Exact(sign * (n / common), sign * (d / common))
}

/// Half away from zero.
fn divide(n: i128, d: i128) -> i128 {
    let (q, r) = (n / d, n % d);
    let away = if (n < 0) == (d < 0) { 1 } else { -1 };
    if 2 * r.abs() >= d.abs() { q + away } else { q }
}

fn is_amount(unit: Unit) -> bool {
    matches!(unit, Unit::Money | Unit::Count)
}

/// The difference of rates; of anything else the change in relation to the
/// size of the earlier value, null where that is zero.
fn change(unit: Unit, now: &Value, before: &Value) -> Value {
    let (Some(now), Some(before)) = (as_float(now), as_float(before)) else {
        return Value::Null;
    };
    match unit {
        Unit::Pct | Unit::Score => Value::Float(now - before),
        _ if before == 0.0 => Value::Null,
        _ => Value::Float((now - before) / before.abs()),
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Decimal(d) => Some(d.to_f64()),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

/// The worst that is true of a row's period. An answer is as final as the
/// metric of it that settles last.
fn status(plan: &Plan, group: &Group) -> Status {
    match (plan.cohort, group.keys.first()) {
        (true, Some(Key::Int(age))) => {
            let mut month = plan.now.periods[group.period];
            for _ in 0..*age {
                month = Period {
                    from: month.to,
                    to: plan.calendar.next(Grain::Month, month.to),
                };
            }
            ended(plan, month.to)
        }
        _ => ended(plan, plan.now.periods[group.period].to),
    }
}

fn ended(plan: &Plan, end: Date) -> Status {
    if end > plan.as_of {
        Status::Open
    } else if plus(end, plan.settle_days as i32) > plan.as_of {
        Status::Unsettled
    } else {
        Status::Settled
    }
}

fn order(plan: &Plan, rows: &[Vec<Value>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // Stable: rows that are equal keep the order of their dimensions.
    order.sort_by(|a, b| {
        let keys = plan
            .sort
            .iter()
            .map(|key| sorted(key, &rows[*a], &rows[*b]));
        keys.fold(Ordering::Equal, Ordering::then)
    });
    order
}

/// Null comes last in both directions.
fn sorted(key: &SortKey, a: &[Value], b: &[Value]) -> Ordering {
    let (a, b) = (&a[key.column], &b[key.column]);
    if a.is_null() || b.is_null() {
        return compare(a, b);
    }
    let order = if key.absolute {
        compare(&size(a), &size(b))
    } else {
        compare(a, b)
    };
    if key.descending {
        order.reverse()
    } else {
        order
    }
}

fn size(value: &Value) -> Value {
    match value {
        Value::Int(n) => Value::Int(n.saturating_abs()),
        Value::Decimal(d) => Value::Decimal(Decimal::from_units(d.units().saturating_abs())),
        Value::Float(x) => Value::Float(x.abs()),
        other => other.clone(),
    }
}

fn columns(plan: &Plan) -> Vec<Column> {
    let column = |name: &str, role, unit: &str| Column {
        name: name.to_owned(),
        role,
        unit: unit.to_owned(),
    };
    let mut columns = Vec::new();
    if plan.grain.is_some() {
        let name = if plan.cohort { "cohort" } else { "period" };
        columns.push(column(name, Role::Dimension, "date"));
    }
    for d in &plan.dimensions {
        columns.push(column(&d.name, Role::Dimension, &d.unit));
    }
    for metric in &plan.metrics {
        let unit = metric.unit.name();
        columns.push(column(&metric.id, Role::Metric, unit));
        if plan.compared.is_some() {
            let change = if metric.unit == Unit::Score {
                "score"
            } else {
                "pct"
            };
            columns.push(column(
                &format!("{}_previous", metric.id),
                Role::Metric,
                unit,
            ));
            columns.push(column(
                &format!("{}_change", metric.id),
                Role::Metric,
                change,
            ));
        }
    }
    columns
}

//! One pass of a scan as a physical plan: read, join, filter, reduce, group.
//! It must not put answers together.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type};
use datafusion_common::ScalarValue;
use datafusion_common::config::ConfigOptions;
use datafusion_datasource::memory::MemorySourceConfig;
use datafusion_expr::Operator;
use datafusion_functions::datetime::date_part;
use datafusion_physical_expr::ScalarFunctionExpr;
use datafusion_physical_expr::expressions::{CaseExpr, Literal, is_not_null};
use jiff::civil::Date;
use keji_schema::calendar::{Grain, Period, epoch_days, from_epoch_days};
use keji_schema::expr::{Expr, Node};
use keji_schema::metric::{Agg, PERIOD_END, is_bound};
use keji_schema::{Catalog, Type, Value};

use crate::copy::{DataFile, Snapshot};
use crate::error::Result;
use crate::expr::{DECIMAL, Physical, binary, cast, literal, physical};
use crate::plan::source::replace;
use crate::plan::spans::week_offset;
use crate::plan::{Conversion, Let, PERIOD_END_AT, Pass, Plan, Reduced, Scan, Shape, Span, is_end};
use crate::run::engine::{Engine, PARTITIONS};
use crate::run::memo::{Kept, Stretch};
use crate::run::tables::{Aggregate, Stage, aggregate, column, filter, join, project, table};

/// Names that no field has.
pub(crate) const PERIOD: &str = "$period";
pub(crate) const KEY: &str = "$key";
const MONTH: &str = "$month";
const DAY: &str = "$day";

pub(crate) struct Reader<'a> {
    pub engine: &'a Engine,
    pub catalog: &'a Catalog,
    pub snapshot: &'a Snapshot,
    pub plan: &'a Plan,
}

impl Reader<'_> {
    /// The groups of one pass: the period's key where rows decide it, the
    /// dimensions, the states. What was computed before is not read again.
    pub async fn pass(&self, scan: &Scan, span: &Span, pass: Pass) -> Result<Vec<RecordBatch>> {
        let stretch = self.stretch(scan, pass);
        let what = self.what(scan, span, pass);
        if let Some(Kept::Groups(batches)) = self.engine.memo().get(&what, &stretch) {
            return Ok(batches);
        }
        let batches = self.computed(scan, span, pass).await?;
        let kept = Kept::Groups(batches.clone());
        self.engine.memo().keep(&what, stretch, kept);
        Ok(batches)
    }

    /// Everything that decides the groups of a pass beside its days and files.
    fn what(&self, scan: &Scan, span: &Span, pass: Pass) -> String {
        let by_row = match pass.period {
            None => format!("{:?} {:?}", self.plan.grain, self.plan.calendar.week_start),
            Some(_) => String::new(),
        };
        let seen = match &scan.shape {
            Shape::Rows => None,
            Shape::Reduced(_) | Shape::Cohort { .. } | Shape::Conversion(_) => {
                Some(dated_in(span, pass))
            }
        };
        let start = scan.knows_bounds().then_some(pass.start);
        format!("{scan:?} {by_row} {seen:?} {start:?}")
    }

    /// The days of a pass and every file that it reads.
    pub fn stretch(&self, scan: &Scan, pass: Pass) -> Stretch {
        let joined = scan.source.joins.iter();
        let joined = joined.flat_map(|join| self.snapshot.files(&join.object));
        let files = self.files(scan, pass).iter().chain(joined);
        Stretch {
            from: pass.from,
            to: pass.to,
            files: files.map(|f| f.path.clone()).collect(),
        }
    }

    /// The days from one to before another, cut at the turns of months; months
    /// without a row are left out.
    pub fn months(&self, scan: &Scan, from: Option<Date>, to: Date) -> Vec<(Date, Date)> {
        let from = from.unwrap_or(Date::MIN);
        let files = self.snapshot.files_between(&scan.source.object, from, to);
        let mut months: Vec<Date> = files.iter().filter_map(|f| f.month).collect();
        months.dedup();
        let cut = |month: Date| {
            let next = crate::plan::spans::plus(month.last_of_month(), 1);
            (month.max(from), next.min(to))
        };
        let cut = months.into_iter().map(cut);
        cut.filter(|(from, to)| from < to).collect()
    }

    pub(crate) async fn computed(
        &self,
        scan: &Scan,
        span: &Span,
        pass: Pass,
    ) -> Result<Vec<RecordBatch>> {
        let rows = self.rows(scan, pass)?;
        let plan = match &scan.shape {
            Shape::Rows => self.grouped(scan, rows, pass)?,
            Shape::Reduced(reduced) => self.reduced(scan, reduced, span, rows, pass)?,
            Shape::Cohort { key } => self.cohort(scan, key, span, rows).await?,
            Shape::Conversion(conversion) => {
                self.conversion(scan, conversion, span, (rows, self.rows(scan, pass)?), pass)?
            }
        };
        self.engine.collect(plan).await
    }

    /// The groups of the records of one day, an evaluation.
    pub async fn evaluation(&self, scan: &Scan, day: Date) -> Result<Vec<RecordBatch>> {
        let next = crate::plan::spans::plus(day, 1);
        let pass = Pass {
            from: Some(day),
            to: next,
            start: day,
            end_at: None,
            period: Some(0),
        };
        self.pass(scan, &self.plan.now, pass).await
    }

    /// The days that a scan's time takes, up to and including `last`.
    pub async fn days(&self, scan: &Scan, last: Option<Date>) -> Result<BTreeSet<Date>> {
        let (Some(time), Some(last)) = (&scan.time, last) else {
            return Ok(BTreeSet::new());
        };
        let object = &scan.source.object;
        let files =
            self.snapshot
                .files_between(object, Date::MIN, crate::plan::spans::plus(last, 1));
        let rows = table(self.catalog, object, std::slice::from_ref(time), files)?;
        let key = vec![(column(&rows, time)?, time.clone())];
        let days = self
            .engine
            .collect(aggregate(rows, key, Vec::new(), false)?)
            .await?;
        let days = days
            .iter()
            .flat_map(|b| b.column(0).as_primitive::<Date32Type>().iter());
        Ok(days
            .flatten()
            .filter_map(from_epoch_days)
            .filter(|d| *d <= last)
            .collect())
    }

    /// The rows of a pass with every column that its expressions name.
    pub fn rows(&self, scan: &Scan, pass: Pass) -> Result<Stage> {
        self.rows_of(scan, pass, &scan.source.columns)
    }

    /// The rows of a pass with these columns and those that decide which rows
    /// they are.
    pub fn rows_with(&self, scan: &Scan, pass: Pass, columns: &[&str]) -> Result<Stage> {
        let mut needed: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
        needed.extend(
            scan.filters
                .iter()
                .flat_map(|f| f.fields())
                .map(|f| f.join(".")),
        );
        needed.extend(scan.source.joins.iter().map(|j| j.on.clone()));
        if !self.is_whole(scan, pass) {
            needed.extend(scan.time.clone());
        }
        let source = scan.source.columns.iter();
        let columns: Vec<String> = source.filter(|c| needed.contains(c)).cloned().collect();
        self.rows_of(scan, pass, &columns)
    }

    /// Whether every row of the pass's files lies in its days.
    fn is_whole(&self, scan: &Scan, pass: Pass) -> bool {
        let turns = |day: Date| day == day.first_of_month();
        scan.by_month && pass.from.is_none_or(turns) && turns(pass.to)
    }

    fn rows_of(&self, scan: &Scan, pass: Pass, columns: &[String]) -> Result<Stage> {
        let source = &scan.source;
        let files = self.files(scan, pass);
        let mut rows = table(self.catalog, &source.object, columns, files)?;
        // What the object's own columns decide is decided before the joins.
        let is_own = |name: &String| source.columns.contains(name);
        let time = scan.time.as_ref().filter(|_| !self.is_whole(scan, pass));
        let inside = |rows: &Stage, time: Option<&String>| -> Result<Vec<Physical>> {
            time.map_or(Ok(Vec::new()), |time| {
                Ok(between(column(rows, time)?, pass.from, pass.to))
            })
        };
        let mut filters = inside(&rows, time.filter(|t| is_own(t)))?;
        let own = |x: &&Expr| x.fields().iter().all(|f| is_end(f) || is_own(&f.join(".")));
        let (early, late): (Vec<_>, Vec<_>) = scan.filters.iter().partition(own);
        for expr in early {
            filters.push(with_bounds(expr, &rows, pass)?);
        }
        rows = filtered(rows, filters)?;
        for made in &source.joins {
            let mut columns = vec!["id".to_owned()];
            columns.extend(made.columns.iter().map(|(field, _)| field.clone()));
            let files = self.snapshot.files(&made.object);
            let small = table(self.catalog, &made.object, &columns, files)?;
            let mut named = vec![(column(&small, "id")?, "id".to_owned())];
            for (field, name) in &made.columns {
                named.push((column(&small, field)?, name.clone()));
            }
            rows = join(rows, project(small, named)?, &made.on)?;
        }
        let mut filters = inside(&rows, time.filter(|t| !is_own(t)))?;
        for expr in late {
            filters.push(with_bounds(expr, &rows, pass)?);
        }
        filtered(rows, filters)
    }

    fn files(&self, scan: &Scan, pass: Pass) -> &[DataFile] {
        let object = &scan.source.object;
        if !scan.by_month {
            return self.snapshot.files(object);
        }
        self.snapshot
            .files_between(object, pass.from.unwrap_or(Date::MIN), pass.to)
    }

    fn grouped(&self, scan: &Scan, rows: Stage, pass: Pass) -> Result<Stage> {
        let mut keys = Vec::new();
        if let (None, Some(time)) = (pass.period, &scan.time) {
            keys.push((
                self.period_key(column(&rows, time)?, &rows)?,
                PERIOD.to_owned(),
            ));
        }
        keys.extend(dimensions(scan, &rows)?);
        let states = states(scan, &rows, pass)?;
        aggregate(rows, keys, states, !scan.dimensions.is_empty())
    }

    fn reduced(
        &self,
        scan: &Scan,
        reduced: &Reduced,
        span: &Span,
        rows: Stage,
        pass: Pass,
    ) -> Result<Stage> {
        let by_row = pass.period.is_none() && reduced.dated_by.is_none();
        let rows = self.per_key(scan, reduced, span, pass, rows, by_row)?;
        let mut keys = Vec::new();
        if pass.period.is_some() {
            // The pass is about one period.
        } else if let Some(date) = &reduced.dated_by {
            keys.push((
                self.period_key(column(&rows, date)?, &rows)?,
                PERIOD.to_owned(),
            ));
        } else if by_row {
            keys.push((column(&rows, PERIOD)?, PERIOD.to_owned()));
        }
        for i in 0..scan.dimensions.len() {
            keys.push((column(&rows, &dimension(i))?, dimension(i)));
        }
        let states = states(scan, &rows, pass)?;
        aggregate(rows, keys, states, !scan.dimensions.is_empty())
    }

    /// One row per key (and period and dimensions) with its reductions; of
    /// keys dated by a reduction those that the span holds.
    pub fn per_key(
        &self,
        scan: &Scan,
        reduced: &Reduced,
        span: &Span,
        pass: Pass,
        rows: Stage,
        by_period: bool,
    ) -> Result<Stage> {
        let rows = filter(rows.clone(), is_not_null(column(&rows, &reduced.key)?)?)?;
        let mut keys = Vec::new();
        if let (true, Some(time)) = (by_period, &scan.time) {
            keys.push((
                self.period_key(column(&rows, time)?, &rows)?,
                PERIOD.to_owned(),
            ));
        }
        keys.push((column(&rows, &reduced.key)?, KEY.to_owned()));
        keys.extend(dimensions(scan, &rows)?);
        let n_keys = keys.len();
        let first = aggregate(rows.clone(), keys, lets(&reduced.lets, &rows, pass)?, true)?;
        let rows = averaged(first, n_keys, &reduced.lets)?;
        let Some(date) = &reduced.dated_by else {
            return Ok(rows);
        };
        let Period { from, to } = dated_in(span, pass);
        let inside = between(column(&rows, date)?, Some(from), to);
        filtered(rows, inside)
    }

    /// The months of each key are made once and read twice: for the first
    /// month of a key and for the months after it.
    async fn cohort(&self, scan: &Scan, key: &str, span: &Span, rows: Stage) -> Result<Stage> {
        let Some(time) = &scan.time else {
            return Ok(rows);
        };
        let rows = filter(rows.clone(), is_not_null(column(&rows, key)?)?)?;
        let mut keys = vec![(column(&rows, key)?, KEY.to_owned())];
        keys.extend(dimensions(scan, &rows)?);
        let n_keys = keys.len();
        keys.push((
            self.period_key(column(&rows, time)?, &rows)?,
            MONTH.to_owned(),
        ));
        let day = |rows: &Stage, name: &str| -> Result<Aggregate> {
            let arg = Some(column(rows, name)?);
            Ok(Aggregate {
                name: DAY.to_owned(),
                agg: Agg::Min,
                arg,
                filter: None,
            })
        };
        let months = aggregate(rows.clone(), keys, vec![day(&rows, time)?], true)?;
        let schema = months.schema();
        let mut parts = vec![Vec::new(); PARTITIONS];
        for (i, batch) in self.engine.collect(months).await?.into_iter().enumerate() {
            parts[i % PARTITIONS].push(batch);
        }
        let months = || MemorySourceConfig::try_new_exec(&parts, schema.clone(), None);
        let rows: Stage = months()?;
        let keys = schema
            .fields()
            .iter()
            .take(n_keys)
            .map(|f| f.name().clone());
        let keys: Vec<String> = keys.collect();
        let mut group = Vec::new();
        for name in &keys {
            group.push((column(&rows, name)?, name.clone()));
        }
        let firsts = aggregate(rows.clone(), group, vec![day(&rows, DAY)?], true)?;
        let inside = between(column(&firsts, DAY)?, Some(span.seen.from), span.seen.to);
        let firsts = filtered(firsts, inside)?;
        let joined = crate::run::tables::same_keys(firsts, months()?, &keys)?;
        let first = self.period_key(column(&joined, "$first")?, &joined)?;
        let age = binary(column(&joined, MONTH)?, Operator::Minus, first.clone());
        let mut group = vec![
            (first, PERIOD.to_owned()),
            (cast(age, DataType::Int64), "$age".to_owned()),
        ];
        for i in 0..scan.dimensions.len() {
            group.push((column(&joined, &dimension(i))?, dimension(i)));
        }
        let pass = Pass {
            from: None,
            to: span.seen.to,
            start: span.seen.from,
            end_at: None,
            period: None,
        };
        let states = states(scan, &joined, pass)?;
        aggregate(joined, group, states, false)
    }

    /// The rows are read twice: for the first day of each key and for the days
    /// after it.
    fn conversion(
        &self,
        scan: &Scan,
        conversion: &Conversion,
        span: &Span,
        (rows, again): (Stage, Stage),
        pass: Pass,
    ) -> Result<Stage> {
        let Some(time) = &scan.time else {
            return Ok(rows);
        };
        let compiled = |x: &Option<Expr>, rows: &Stage| -> Result<Option<Physical>> {
            x.as_ref().map(|x| with_bounds(x, rows, pass)).transpose()
        };
        let day = |rows: &Stage, name: &str, of: &str, filter| -> Result<Aggregate> {
            Ok(Aggregate {
                name: name.to_owned(),
                agg: Agg::Min,
                arg: Some(column(rows, of)?),
                filter,
            })
        };
        let with_key = |rows: Stage| -> Result<(Stage, Vec<(Physical, String)>)> {
            let rows = filter(rows.clone(), is_not_null(column(&rows, &conversion.key)?)?)?;
            let mut keys = vec![(column(&rows, &conversion.key)?, KEY.to_owned())];
            keys.extend(dimensions(scan, &rows)?);
            Ok((rows, keys))
        };
        let (rows, keys) = with_key(rows)?;
        let names: Vec<String> = keys.iter().map(|(_, name)| name.clone()).collect();
        let may_begin = compiled(&conversion.first, &rows)?;
        let first = day(&rows, DAY, time, may_begin)?;
        let firsts = aggregate(rows, keys, vec![first], true)?;
        let inside = between(column(&firsts, DAY)?, Some(span.seen.from), span.seen.to);
        let firsts = filtered(firsts, inside)?;
        let (again, mut columns) = with_key(again)?;
        columns.push((column(&again, time)?, DAY.to_owned()));
        let then = compiled(&conversion.then, &again)?;
        let then = then.unwrap_or_else(|| literal(&Value::Bool(true)));
        columns.push((then, "$then".to_owned()));
        let all = project(again, columns)?;
        let joined = crate::run::tables::same_keys(firsts, all, &names)?;
        let later = binary(
            column(&joined, DAY)?,
            Operator::Gt,
            column(&joined, "$first")?,
        );
        let follows = binary(column(&joined, "$then")?, Operator::And, later);
        let days = vec![
            day(&joined, "first", "$first", None)?,
            day(&joined, "next", DAY, Some(follows))?,
        ];
        let by = names
            .iter()
            .map(|name| Ok((column(&joined, name)?, name.clone())));
        let by = by.collect::<Result<Vec<_>>>()?;
        let rows = aggregate(joined, by, days, true)?;
        let mut keys = vec![(
            self.period_key(column(&rows, "first")?, &rows)?,
            PERIOD.to_owned(),
        )];
        for i in 0..scan.dimensions.len() {
            keys.push((column(&rows, &dimension(i))?, dimension(i)));
        }
        let states = states(scan, &rows, pass)?;
        aggregate(rows, keys, states, !scan.dimensions.is_empty())
    }

    /// See [`crate::plan::spans::period_key`].
    fn period_key(&self, date: Physical, rows: &Stage) -> Result<Physical> {
        let number = |n: i32| Arc::new(Literal::new(ScalarValue::Int32(Some(n)))) as Physical;
        let part = |name: &str| -> Result<Physical> {
            let name = Arc::new(Literal::new(ScalarValue::Utf8(Some(name.to_owned()))));
            let config = Arc::new(ConfigOptions::default());
            let args = vec![name as Physical, date.clone()];
            let schema = rows.schema();
            Ok(Arc::new(ScalarFunctionExpr::try_new(
                date_part(),
                args,
                &schema,
                config,
            )?))
        };
        let day = || cast(date.clone(), DataType::Int32);
        Ok(match self.plan.grain {
            None => number(0),
            Some(Grain::Day) => day(),
            Some(Grain::Week) => {
                let shifted = binary(
                    day(),
                    Operator::Plus,
                    number(week_offset(&self.plan.calendar)),
                );
                binary(shifted, Operator::Divide, number(7))
            }
            Some(Grain::Month) => {
                let years = binary(part("year")?, Operator::Multiply, number(12));
                binary(years, Operator::Plus, part("month")?)
            }
            Some(Grain::Quarter) => {
                let years = binary(part("year")?, Operator::Multiply, number(4));
                let from_zero = binary(part("month")?, Operator::Minus, number(1));
                binary(
                    years,
                    Operator::Plus,
                    binary(from_zero, Operator::Divide, number(3)),
                )
            }
            Some(Grain::Year) => part("year")?,
        })
    }
}

pub(crate) fn dimension(i: usize) -> String {
    format!("$d{i}")
}

fn dimensions(scan: &Scan, rows: &Stage) -> Result<Vec<(Physical, String)>> {
    let made = scan.dimensions.iter().enumerate();
    made.map(|(i, name)| Ok((column(rows, name)?, dimension(i))))
        .collect()
}

/// The days in which a reduction that dates a key must lie.
fn dated_in(span: &Span, pass: Pass) -> Period {
    match pass.period {
        None => span.seen,
        Some(_) => Period {
            from: pass.start,
            to: pass.to,
        },
    }
}

pub(crate) fn states(scan: &Scan, rows: &Stage, pass: Pass) -> Result<Vec<Aggregate>> {
    let compiled = |expr: &Option<Expr>| -> Result<Option<Physical>> {
        let made = expr.as_ref().map(|x| with_bounds(x, rows, pass));
        made.transpose()
    };
    let made = scan.states.iter().map(|state| {
        Ok(Aggregate {
            name: state.name.clone(),
            agg: state.agg,
            arg: compiled(&state.expr)?,
            filter: compiled(&state.filter)?,
        })
    });
    made.collect()
}

/// The expression, in which the names of the period's ends are those of the
/// pass, unless the rows have a column of that name.
pub(crate) fn with_bounds(expr: &Expr, rows: &Stage, pass: Pass) -> Result<Physical> {
    let schema = rows.schema();
    let expr = replace(expr, &mut |path| {
        Ok(match path {
            [name] if name == PERIOD_END_AT => {
                let at = pass.end_at;
                Node::Literal(at.map_or(Value::Null, Value::Instant))
            }
            [name] if is_bound(path) && schema.column_with_name(name).is_none() => {
                let day = if name == PERIOD_END {
                    pass.to
                } else {
                    pass.start
                };
                Node::Literal(Value::Date(day))
            }
            path => Node::Field(path.to_vec()),
        })
    })?;
    physical(&expr, &schema)
}

/// The reductions; an average as its sum and its count.
fn lets(lets: &[Let], rows: &Stage, pass: Pass) -> Result<Vec<Aggregate>> {
    let mut made = Vec::new();
    for Let {
        name, agg, expr, ..
    } in lets
    {
        let arg = expr.as_ref().map(|x| with_bounds(x, rows, pass));
        let arg = arg.transpose()?;
        let of = |name: String, agg| Aggregate {
            name,
            agg,
            arg: arg.clone(),
            filter: None,
        };
        if *agg == Agg::Avg {
            made.push(of(format!("{name}$sum"), Agg::Sum));
            made.push(of(format!("{name}$n"), Agg::Count));
        } else {
            made.push(of(name.clone(), *agg));
        }
    }
    Ok(made)
}

/// The keys and reductions with averages made of their sums and counts.
fn averaged(rows: Stage, n_keys: usize, lets: &[Let]) -> Result<Stage> {
    if lets.iter().all(|l| l.agg != Agg::Avg) {
        return Ok(rows);
    }
    let mut columns = Vec::new();
    for field in rows.schema().fields().iter().take(n_keys) {
        columns.push((column(&rows, field.name())?, field.name().clone()));
    }
    for Let {
        name, agg, kind, ..
    } in lets
    {
        let made = if *agg == Agg::Avg {
            let to = if *kind == Type::Float {
                DataType::Float64
            } else {
                DECIMAL
            };
            let sum = cast(column(&rows, &format!("{name}$sum"))?, to.clone());
            let n = column(&rows, &format!("{name}$n"))?;
            let some = binary(n.clone(), Operator::Gt, literal(&Value::Int(0)));
            let n_kind = if to == DECIMAL {
                DataType::Decimal128(23, 4)
            } else {
                to.clone()
            };
            let n: Physical = Arc::new(CaseExpr::try_new(
                None,
                vec![(some, cast(n, n_kind))],
                None,
            )?);
            cast(binary(sum, Operator::Divide, n), to)
        } else {
            column(&rows, name)?
        };
        columns.push((made, name.clone()));
    }
    project(rows, columns)
}

/// `from` ≤ date < `to`.
pub(crate) fn between(date: Physical, from: Option<Date>, to: Date) -> Vec<Physical> {
    let day =
        |d: Date| Arc::new(Literal::new(ScalarValue::Date32(Some(epoch_days(d))))) as Physical;
    let from = from.map(|from| binary(date.clone(), Operator::GtEq, day(from)));
    from.into_iter()
        .chain([binary(date, Operator::Lt, day(to))])
        .collect()
}

pub(crate) fn filtered(rows: Stage, filters: Vec<Physical>) -> Result<Stage> {
    match filters
        .into_iter()
        .reduce(|a, b| binary(a, Operator::And, b))
    {
        Some(all) => filter(rows, all),
        None => Ok(rows),
    }
}

//! A plan as indented text, for people and for snapshot tests.

use std::fmt;

use keji_schema::calendar::Period;
use keji_schema::expr::{Expr, Op};
use keji_schema::metric::{Agg, OverTime, PERIOD_DAYS, Window};
use keji_schema::question::Compare;

use crate::plan::{Calculation, Conversion, Formula, Part, Plan, Scan, Shape, Span, State};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.metrics.iter().map(|m| m.id.as_str()).collect();
        let mut by: Vec<String> = Vec::new();
        if let Some(grain) = self.grain {
            let what = if self.cohort { "cohort of the " } else { "" };
            by.push(format!("{what}{}", grain.name()));
        }
        by.extend(self.dimensions.iter().map(|d| d.name.clone()));
        let by = if by.is_empty() {
            String::new()
        } else {
            format!(" by {}", by.join(", "))
        };
        writeln!(f, "ask {}{by}", ids.join(", "))?;
        writeln!(f, "period {}, as of {}", days(self.asked), self.as_of)?;
        span(f, "now", &self.now)?;
        if let Some(compared) = &self.compared {
            span(f, "before", &compared.span)?;
        }
        for (i, scan) in self.scans.iter().enumerate() {
            writeln!(f, "scan {}: {}", i + 1, scan.source.object)?;
            show_scan(f, self, scan)?;
        }
        writeln!(f, "answer")?;
        for metric in &self.metrics {
            let formula = match &metric.formula {
                Formula::Measure(part) => self.part(part),
                Formula::Ratio(num, den) => format!("{} / {}", self.part(num), self.part(den)),
                Formula::ShareOfCohort(part) => {
                    format!("{} / the same at age 0", self.part(part))
                }
                Formula::Derived(calculation) => self.calculation(calculation, 0),
            };
            let unit = format!("{:?}", metric.unit).to_lowercase();
            writeln!(f, "  {} ({unit}) = {formula}", metric.id)?;
        }
        let names = self.column_names();
        let keys = self.sort.iter().map(|k| {
            let sign = if k.descending { "-" } else { "" };
            let size = if k.absolute { "abs:" } else { "" };
            format!("{sign}{size}{}", names[k.column])
        });
        let keys: Vec<_> = keys.collect();
        let order = if keys.is_empty() {
            "the dimensions".to_owned()
        } else {
            keys.join(", ")
        };
        writeln!(f, "  order by {order}, at most {} rows", self.limit)
    }
}

impl Plan {
    /// With parentheses where the sign around binds at least as close.
    fn calculation(&self, calculation: &Calculation, around: u8) -> String {
        match calculation {
            Calculation::Part(part) => match part.agg {
                Agg::Avg if around > 1 => format!("({})", self.part(part)),
                _ => self.part(part),
            },
            Calculation::Constant(number) => number.to_string(),
            Calculation::PeriodDays => PERIOD_DAYS.to_owned(),
            Calculation::Negate(x) => format!("-{}", self.calculation(x, 3)),
            Calculation::Of(op, a, b) => {
                let level = if matches!(op, Op::Add | Op::Sub) {
                    1
                } else {
                    2
                };
                let (a, b) = (self.calculation(a, level), self.calculation(b, level + 1));
                let text = format!("{a} {} {b}", op.sign());
                if level < around {
                    format!("({text})")
                } else {
                    text
                }
            }
        }
    }

    fn part(&self, part: &Part) -> String {
        let states = &self.scans[part.scan].states;
        let name = |i: usize| format!("{}.{}", part.scan + 1, states[i].name);
        match part.agg {
            Agg::Avg => format!("{} / {}", name(part.state), name(part.rows)),
            _ => name(part.state),
        }
    }
}

fn span(f: &mut fmt::Formatter<'_>, name: &str, span: &Span) -> fmt::Result {
    let n = span.periods.len();
    let plural = if n == 1 { "" } else { "s" };
    writeln!(f, "{name} {}, {n} period{plural}", days(span.seen))
}

fn days(p: Period) -> String {
    format!("{} to {}", p.from, p.to)
}

fn show_scan(f: &mut fmt::Formatter<'_>, plan: &Plan, scan: &Scan) -> fmt::Result {
    writeln!(f, "  read {}", scan.source.columns.join(", "))?;
    for join in &scan.source.joins {
        let fields: Vec<_> = join
            .columns
            .iter()
            .map(|(field, _)| field.as_str())
            .collect();
        writeln!(
            f,
            "  join {} on {}: {}",
            join.object,
            join.on,
            fields.join(", ")
        )?;
    }
    if let Some(time) = &scan.time {
        let which = match (scan.window, &scan.shape) {
            (_, Shape::Cohort { .. } | Shape::Conversion(_)) => "before as_of",
            (Window::Period, _) => "in the period",
            (Window::Days365, _) => "in the 365 days up to the period's end",
            (Window::All, _) => "before the period's end",
            (Window::Latest, _) => "the last on or before the period's end",
        };
        writeln!(f, "  where {time} {which}")?;
    }
    match scan.over_time {
        Some(OverTime::First) => writeln!(f, "  on the first day of the period")?,
        Some(OverTime::Avg) => writeln!(f, "  the mean of the days of the period")?,
        Some(OverTime::Max) => writeln!(f, "  the highest of the days of the period")?,
        Some(OverTime::Last) | None => {}
    }
    match scan.moved.shift {
        Some(Compare::Previous) => writeln!(f, "  of the period before")?,
        Some(Compare::Year) => writeln!(f, "  of the period a year before")?,
        None => {}
    }
    if scan.moved.lag_days > 0 {
        writeln!(f, "  {} days earlier", scan.moved.lag_days)?;
    }
    for filter in &scan.filters {
        writeln!(f, "  where {filter}")?;
    }
    let mut keys: Vec<String> = Vec::new();
    if plan.grain.is_some() {
        keys.push("period".to_owned());
    }
    keys.extend(scan.dimensions.iter().cloned());
    match &scan.shape {
        Shape::Rows | Shape::Conversion(_) => {}
        Shape::Reduced(reduced) => {
            writeln!(f, "  reduce to one row per {}", reduced.key)?;
            for l in &reduced.lets {
                writeln!(
                    f,
                    "    {} = {}",
                    l.name,
                    aggregate(l.agg, l.expr.as_ref(), None)
                )?;
            }
            if let Some(date) = &reduced.dated_by {
                writeln!(f, "    in the period of {date}")?;
            }
        }
        Shape::Cohort { key } => {
            writeln!(
                f,
                "  reduce to the months of each {key}, age from its first"
            )?;
        }
    }
    if let Shape::Conversion(conversion) = &scan.shape {
        let Conversion {
            key, first, then, ..
        } = conversion;
        let of = |x: &Option<Expr>| x.as_ref().map_or(String::new(), |x| format!(" where {x}"));
        writeln!(f, "  reduce to one row per {key}")?;
        writeln!(f, "    first = first day{}", of(first))?;
        writeln!(f, "    next = first later day{}", of(then))?;
        writeln!(f, "    in the period of first")?;
    }
    if !keys.is_empty() {
        writeln!(f, "  group by {}", keys.join(", "))?;
    }
    for State {
        name,
        agg,
        expr,
        filter,
        ..
    } in &scan.states
    {
        writeln!(
            f,
            "  {name} = {}",
            aggregate(*agg, expr.as_ref(), filter.as_ref())
        )?;
    }
    Ok(())
}

fn aggregate(agg: Agg, expr: Option<&Expr>, filter: Option<&Expr>) -> String {
    let of = expr.map_or("*".to_owned(), Expr::to_string);
    let call = match agg {
        Agg::Sum => format!("sum({of})"),
        Agg::Count => format!("count({of})"),
        Agg::CountDistinct => format!("count(distinct {of})"),
        Agg::Avg => format!("avg({of})"),
        Agg::Min => format!("min({of})"),
        Agg::Max => format!("max({of})"),
        Agg::Median | Agg::P75 | Agg::P90 => format!("{}({of})", agg.name()),
    };
    filter.map_or(call.clone(), |filter| format!("{call} where {filter}"))
}

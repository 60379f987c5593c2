//! One scan of a plan as a select over the copy's tables.

use keji_schema::calendar::Grain;
use keji_schema::expr::Expr;
use keji_schema::metric::{Agg, PERIOD_END, PERIOD_START, Window, is_bound};
use keji_schema::{Type, Value};

use crate::explain::indent;
use crate::explain::text::{conjunct, name, sql, value};
use crate::plan::{Conversion, Let, PERIOD_END_AT, Pass, Plan, Reduced, Scan, Shape};

pub(super) fn scan_sql(plan: &Plan, scan: &Scan) -> String {
    let mut passes = scan.passes(plan, &plan.now);
    if scan.by_days() {
        // The statement shows how the last day of each period is counted.
        let last = passes.days.iter().enumerate();
        let last = last.filter_map(|(i, days)| {
            let pass = passes.passes.get(days.clone())?.last()?;
            Some(Pass {
                period: Some(i),
                ..*pass
            })
        });
        passes.passes = last.collect();
    }
    let passes = passes.passes;
    let select = Select {
        plan,
        scan,
        passes: &passes,
    };
    match &scan.shape {
        Shape::Rows => select.rows(),
        Shape::Reduced(reduced) => select.reduced(reduced),
        Shape::Cohort { key } => select.cohort(key),
        Shape::Conversion(conversion) => select.conversion(conversion),
    }
}

struct Select<'a> {
    plan: &'a Plan,
    scan: &'a Scan,
    passes: &'a [Pass],
}

impl Select<'_> {
    fn rows(&self) -> String {
        let keys = self.keys(self.scan.time.as_deref());
        let columns = keys.iter().cloned().chain(self.states(&|c| self.column(c)));
        let columns: Vec<_> = columns.collect();
        let group = group_by(keys.len());
        format!(
            "select\n  {}\n{}{group}",
            columns.join(",\n  "),
            self.from(None)
        )
    }

    fn reduced(&self, reduced: &Reduced) -> String {
        let dated = reduced.dated_by.as_deref();
        // In the place of an earlier period, a key is looked at for one.
        let is_moved = !self.scan.moved.is_none();
        let mut inner = if dated.is_some() && !is_moved {
            self.dimensions()
        } else {
            self.keys(self.scan.time.as_deref())
        };
        let n_outer = inner.len();
        if self.has_periods() {
            for bound in [PERIOD_START, PERIOD_END] {
                if self.states_name(bound) || dated.is_some() && is_moved {
                    inner.push(format!("{} as {bound}", self.bound(bound)));
                }
            }
        }
        inner.push(format!("{} as key", self.column(&reduced.key)));
        let group = group_by(inner.len());
        let lets = reduced.lets.iter().map(
            |Let {
                 name: l, agg, expr, ..
             }| {
                format!(
                    "{} as {}",
                    self.aggregate(*agg, expr.as_ref(), &|c| self.column(c)),
                    name(l)
                )
            },
        );
        inner.extend(lets);
        let from = self.from(Some(&reduced.key));
        let inner = format!("select\n  {}\n{from}{group}", inner.join(",\n  "));
        let mut outer: Vec<String> = Vec::new();
        let mut filter = String::new();
        if let Some(date) = dated {
            let seen = self.plan.now.seen;
            let date = name(date);
            let (from, to) = if is_moved {
                if n_outer > self.scan.dimensions.len() {
                    outer.push("period".to_owned());
                }
                (self.reduction(PERIOD_START), self.reduction(PERIOD_END))
            } else {
                if self.plan.grain.is_some() {
                    outer.push(format!("{} as period", self.start_of(&date)));
                }
                (
                    format!("date '{}'", seen.from),
                    format!("date '{}'", seen.to),
                )
            };
            filter = format!("\nwhere {date} >= {from} and {date} < {to}");
        } else if n_outer > self.scan.dimensions.len() {
            outer.push("period".to_owned());
        }
        outer.extend(self.plan.dimensions.iter().map(|d| name(&d.name)));
        let group = group_by(outer.len());
        outer.extend(self.states(&|c| self.reduction(c)));
        let outer = outer.join(",\n  ");
        format!(
            "select\n  {outer}\nfrom (\n{}\n) as reduced{filter}{group}",
            indent(&inner)
        )
    }

    fn cohort(&self, key: &str) -> String {
        let time = self.column(self.scan.time.as_deref().unwrap_or("id"));
        let parts: Vec<String> = self
            .plan
            .dimensions
            .iter()
            .skip(1)
            .map(|d| name(&d.name))
            .collect();
        let mut inner = vec![format!("{} as key", self.column(key))];
        inner.extend(self.dimensions());
        let n_keys = inner.len();
        inner.push(format!("{} as month", self.start_of(&time)));
        inner.push(format!("min({time}) as day"));
        let window: Vec<_> = std::iter::once("key".to_owned())
            .chain(parts.clone())
            .collect();
        let from = self.from(Some(key));
        let months = format!(
            "select\n  {}\n{from}{}",
            inner.join(",\n  "),
            group_by(n_keys + 1)
        );
        let over = window.join(", ");
        let firsts = format!(
            "select *, min(day) over (partition by {over}) as first\nfrom (\n{}\n) as months",
            indent(&months)
        );
        let seen = self.plan.now.seen;
        let age = "12 * (extract(year from month) - extract(year from first)) \
                   + extract(month from month) - extract(month from first)";
        let mut outer = vec![
            format!("{} as cohort", self.start_of("first")),
            format!("{age} as age"),
        ];
        outer.extend(parts);
        let group = group_by(outer.len());
        outer.extend(self.states(&|c| name(c)));
        format!(
            "select\n  {}\nfrom (\n{}\n) as firsts\nwhere first >= date '{}' and first < date '{}'{group}",
            outer.join(",\n  "),
            indent(&firsts),
            seen.from,
            seen.to
        )
    }

    fn conversion(&self, conversion: &Conversion) -> String {
        let time = self.column(self.scan.time.as_deref().unwrap_or("id"));
        let parts: Vec<String> = self.plan.dimensions.iter().map(|d| name(&d.name)).collect();
        let filter = |x: &Option<Expr>| x.as_ref().map(|x| sql(x, &|c| self.column(c)));
        let first = filter(&conversion.first);
        let first = first.map_or(String::new(), |x| format!(" filter (where {x})"));
        let then = filter(&conversion.then).unwrap_or_else(|| "true".to_owned());
        let key = self.column(&conversion.key);
        let mut by = vec![key.clone()];
        by.extend(self.scan.dimensions.iter().map(|c| self.column(c)));
        let mut inner = vec![format!("{key} as key")];
        inner.extend(self.dimensions());
        inner.push(format!("{time} as day"));
        inner.push(format!("{then} as follows"));
        inner.push(format!(
            "min({time}){first} over (partition by {}) as first",
            by.join(", ")
        ));
        let from = self.from(Some(&conversion.key));
        let days = format!("select\n  {}\n{from}", inner.join(",\n  "));
        let mut middle = vec!["key".to_owned()];
        middle.extend(parts.clone());
        middle.push("first".to_owned());
        let group = group_by(middle.len());
        middle.push("min(day) filter (where follows and day > first) as next".to_owned());
        let keys = format!(
            "select\n  {}\nfrom (\n{}\n) as days{group}",
            middle.join(",\n  "),
            indent(&days)
        );
        let mut outer = Vec::new();
        if self.plan.grain.is_some() {
            outer.push(format!("{} as period", self.start_of("first")));
        }
        outer.extend(parts);
        let group = group_by(outer.len());
        outer.extend(self.states(&|c| name(c)));
        let seen = self.plan.now.seen;
        format!(
            "select\n  {}\nfrom (\n{}\n) as firsts\nwhere first >= date '{}' and first < date '{}'{group}",
            outer.join(",\n  "),
            indent(&keys),
            seen.from,
            seen.to
        )
    }

    /// Whether several windows overlap, so that a row counts in some of them.
    fn has_periods(&self) -> bool {
        self.passes.len() > 1
    }

    fn states_name(&self, bound: &str) -> bool {
        let exprs = self.scan.states.iter();
        let mut exprs = exprs.flat_map(|s| s.expr.iter().chain(&s.filter));
        exprs.any(|x| names(x, bound))
    }

    /// Whether anything names the first day of the period.
    fn names_start(&self) -> bool {
        let lets: &[Let] = match &self.scan.shape {
            Shape::Reduced(reduced) => &reduced.lets,
            Shape::Rows | Shape::Cohort { .. } | Shape::Conversion(_) => &[],
        };
        let lets = lets.iter().filter_map(|l| l.expr.as_ref());
        let mut exprs = lets.chain(&self.scan.filters);
        let is_moved = !self.scan.moved.is_none();
        let dated = matches!(&self.scan.shape, Shape::Reduced(r) if r.dated_by.is_some());
        self.states_name(PERIOD_START) || dated && is_moved || exprs.any(|x| names(x, PERIOD_START))
    }

    /// An end of the period, of several the one that a row is looked at for.
    fn bound(&self, bound: &str) -> String {
        let is_end = bound == PERIOD_END;
        if self.has_periods() {
            let column = if is_end { "to_day" } else { "start_day" };
            return format!("periods.{column}");
        }
        let day = self.passes.first();
        let day = day.map(|p| Value::Date(if is_end { p.to } else { p.start }));
        day.map_or(name(bound), |day| value(&day))
    }

    fn keys(&self, time: Option<&str>) -> Vec<String> {
        let mut keys = Vec::new();
        if self.plan.grain.is_some() {
            let first = self.plan.now.periods.first().map(|p| p.from);
            keys.push(
                match (self.has_periods(), self.passes.first(), time, first) {
                    (true, ..) => "periods.period".to_owned(),
                    (
                        _,
                        Some(Pass {
                            period: Some(_), ..
                        }),
                        _,
                        Some(first),
                    ) => {
                        format!("date '{first}' as period")
                    }
                    (_, _, Some(time), _) => {
                        format!("{} as period", self.start_of(&self.column(time)))
                    }
                    _ => "null as period".to_owned(),
                },
            );
        }
        keys.extend(self.dimensions());
        keys
    }

    fn dimensions(&self) -> Vec<String> {
        let skip = usize::from(self.plan.cohort);
        let named = self
            .scan
            .dimensions
            .iter()
            .zip(self.plan.dimensions.iter().skip(skip));
        named
            .map(|(column, d)| format!("{} as {}", self.column(column), name(&d.name)))
            .collect()
    }

    fn states(&self, names: &dyn Fn(&str) -> String) -> Vec<String> {
        let made = self.scan.states.iter().map(|s| {
            let call = self.aggregate(s.agg, s.expr.as_ref(), names);
            let filter = s.filter.as_ref();
            let filter = filter.map_or(String::new(), |x| {
                format!(" filter (where {})", sql(x, names))
            });
            format!("{call}{filter} as {}", name(&s.name))
        });
        made.collect()
    }

    fn aggregate(&self, agg: Agg, expr: Option<&Expr>, names: &dyn Fn(&str) -> String) -> String {
        let of = expr.map_or("*".to_owned(), |x| sql(x, names));
        match agg {
            Agg::Sum => format!("sum({of})"),
            Agg::Count => format!("count({of})"),
            Agg::CountDistinct => format!("count(distinct {of})"),
            Agg::Min => format!("min({of})"),
            Agg::Max => format!("max({of})"),
            Agg::Median | Agg::P75 | Agg::P90 => {
                let q = agg.quantile().unwrap_or_default();
                format!("percentile_cont({q}) within group (order by {of})")
            }
            Agg::Avg if expr.is_some_and(|x| x.kind == Some(Type::Float)) => format!("avg({of})"),
            Agg::Avg => format!("round(avg({of}), 4)"),
        }
    }

    fn reduction(&self, column: &str) -> String {
        if !is_bound(&[column.to_owned()]) || self.has_periods() {
            return name(column);
        }
        self.bound(column)
    }

    fn column(&self, column: &str) -> String {
        let source = &self.scan.source;
        if column == PERIOD_END_AT {
            let zone = self.plan.calendar.zone.iana_name().unwrap_or("UTC");
            let end = self.bound(PERIOD_END);
            return format!("cast({end} as timestamp) at time zone '{zone}'");
        }
        if is_bound(&[column.to_owned()]) && !source.columns.iter().any(|c| c == column) {
            return self.bound(column);
        }
        if self.scan.source.joins.is_empty() && !self.has_periods() {
            return name(column);
        }
        match column.rsplit_once('.') {
            Some((link, field)) => format!("{}.{}", alias(link), name(field)),
            None => format!("{}.{}", name(&self.scan.source.object), name(column)),
        }
    }

    fn start_of(&self, date: &str) -> String {
        let shift = i32::from(self.plan.calendar.week_start.to_monday_zero_offset());
        match self.plan.grain {
            Some(Grain::Week) if shift > 0 => {
                format!("cast(date_trunc('week', {date} - {shift}) as date) + {shift}")
            }
            Some(grain) => format!("cast(date_trunc('{}', {date}) as date)", grain.name()),
            None => date.to_owned(),
        }
    }

    fn from(&self, key: Option<&str>) -> String {
        let source = &self.scan.source;
        let object = name(&source.object);
        let mut text = if self.has_periods() {
            let start = if self.names_start() {
                ", start_day"
            } else {
                ""
            };
            format!(
                "from (values\n{}\n) as periods(period, from_day, to_day{start})\ncross join {object}",
                self.periods()
            )
        } else {
            format!("from {object}")
        };
        for join in &source.joins {
            let Some((_, path)) = join.columns.first() else {
                continue;
            };
            let link = path.rsplit_once('.').map_or("", |(link, _)| link);
            let (other, alias) = (name(&join.object), alias(link));
            let named = if other == alias {
                other
            } else {
                format!("{other} as {alias}")
            };
            text += &format!(
                "\nleft join {named} on {alias}.id = {}",
                self.column(&join.on)
            );
        }
        let mut filters = self.days();
        filters.extend(
            self.scan
                .filters
                .iter()
                .map(|x| conjunct(x, &|c| self.column(c))),
        );
        filters.extend(key.map(|key| format!("{} is not null", self.column(key))));
        let filters = filters.join("\n  and ");
        if filters.is_empty() {
            text
        } else {
            format!("{text}\nwhere {filters}")
        }
    }

    fn days(&self) -> Vec<String> {
        let (Some(time), Some(pass)) = (&self.scan.time, self.passes.first()) else {
            return Vec::new();
        };
        let time = self.column(time);
        let many = self.has_periods();
        let to = if many {
            "periods.to_day".to_owned()
        } else {
            format!("date '{}'", pass.to)
        };
        if self.scan.window == Window::Latest {
            let (own, object) = (
                name(self.scan.time.as_deref().unwrap_or("id")),
                name(&self.scan.source.object),
            );
            let last = format!("select max(e.{own}) from {object} as e where e.{own} <= {to}");
            return vec![format!("{time} = ({last})")];
        }
        let from = pass.from.map(|from| {
            let from = if many {
                "periods.from_day".to_owned()
            } else {
                format!("date '{from}'")
            };
            format!("{time} >= {from}")
        });
        from.into_iter().chain([format!("{time} < {to}")]).collect()
    }

    fn periods(&self) -> String {
        let rows = self.passes.iter().filter_map(|p| {
            let start = self.plan.now.periods.get(p.period?)?.from;
            let from = p.from.map_or("null".to_owned(), |d| format!("date '{d}'"));
            let first = if self.names_start() {
                format!(", date '{}'", p.start)
            } else {
                String::new()
            };
            Some(format!(
                "  (date '{start}', {from}, date '{}'{first})",
                p.to
            ))
        });
        rows.collect::<Vec<_>>().join(",\n")
    }
}

fn names(expr: &Expr, bound: &str) -> bool {
    expr.fields().iter().any(|f| f.join(".") == bound)
}

/// The name of a joined table: the links that lead to it.
fn alias(link: &str) -> String {
    name(&link.replace('.', "_"))
}

fn group_by(n: usize) -> String {
    let positions: Vec<_> = (1..=n).map(|i| i.to_string()).collect();
    if n == 0 {
        String::new()
    } else {
        format!("\ngroup by {}", positions.join(", "))
    }
}

//! What a metric definition must keep to.

use std::collections::BTreeMap;

use super::load::{File, Files, is_name};
use super::objects::reads_as_name;
use super::units::{ratio_units, unit_of};
use super::{Catalog, path_of};
use crate::error::{Error, Result};
use crate::expr::{Expr, Scope};
use crate::metric::{
    Agg, Cohort, Measure, MetricDef, PERIOD_END, Ratio, Reduce, Term, Unit, Window,
};
use crate::value::Type;

impl Catalog {
    pub(super) fn check_metrics(&self, files: &Files) -> Result<()> {
        // Ratios last, so that what is wrong in a measure is told there.
        for is_ratio in [false, true] {
            for (id, metric) in &self.metrics {
                if metric.ratio.is_some() == is_ratio {
                    self.check_metric(files[&("metric", id.clone())], metric)?;
                }
            }
        }
        // Examples name dimensions, which other metrics may take part in.
        for (id, metric) in &self.metrics {
            let file = files[&("metric", id.clone())];
            for (i, example) in metric.examples.iter().enumerate() {
                self.check_example(metric, example)
                    .map_err(|(key, message)| {
                        let i = i.to_string();
                        let mut path = vec!["example", i.as_str()];
                        path.extend(key.iter().map(String::as_str));
                        file.error(&path, message)
                    })?;
            }
        }
        Ok(())
    }

    fn check_metric(&self, file: File, metric: &MetricDef) -> Result<()> {
        let (letters, digits) = metric.code.split_at(metric.code.len().min(1));
        let is_code = letters.bytes().all(|b| b.is_ascii_uppercase())
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_code {
            return Err(file.error(
                &["code"],
                format!("code `{}` is not a letter and digits", metric.code),
            ));
        }
        if metric.version == 0 {
            return Err(file.error(&["version"], "versions begin with 1"));
        }
        if metric.examples.is_empty() {
            return Err(file.error(&["example"], "a metric needs a worked example"));
        }
        let unit = match (&metric.measure, &metric.ratio, &metric.cohort) {
            (Some(measure), None, None) => {
                let found = self.check_measure(file, &["measure"], measure)?;
                found.filter(|found| *found != metric.unit)
            }
            (None, Some(ratio), None) => self.check_ratio(file, metric, ratio)?,
            (None, None, Some(cohort)) => {
                self.check_cohort(file, cohort)?;
                None
            }
            _ => {
                return Err(
                    file.error(&[], "a metric has exactly one of measure, ratio and cohort")
                );
            }
        };
        match unit {
            Some(found) => {
                let message = format!(
                    "the unit is {}, but the number is in {}",
                    metric.unit.name(),
                    found.name()
                );
                Err(file.error(&["unit"], message))
            }
            None => Ok(()),
        }
    }

    /// A unit that contradicts the metric's, where the terms tell.
    fn check_ratio(&self, file: File, metric: &MetricDef, ratio: &Ratio) -> Result<Option<Unit>> {
        let mut units = Vec::new();
        for (key, term) in [("num", &ratio.num), ("den", &ratio.den)] {
            let path = ["ratio", key];
            units.push(match term {
                Term::Measure(measure) => self.check_measure(file, &path, measure)?,
                Term::Metric(other) => {
                    let other = self
                        .metric(&other.metric)
                        .map_err(|e| file.error(&path, e.to_string()))?;
                    // So a ratio never leads to another, and never in a circle.
                    if other.measure.is_none() {
                        let message = format!(
                            "metric `{}` is no plain measure: its parts cannot be added up",
                            other.id
                        );
                        return Err(file.error(&path, message));
                    }
                    Some(other.unit)
                }
            });
        }
        let (Some(num), Some(den)) = (units[0], units[1]) else {
            return Ok(None);
        };
        let allowed = ratio_units(num, den);
        let fits = allowed.is_empty() || allowed.contains(&metric.unit);
        Ok(if fits { None } else { Some(allowed[0]) })
    }

    fn check_cohort(&self, file: File, cohort: &Cohort) -> Result<()> {
        self.check_fact(file, &["cohort", "from"], &cohort.from)?;
        let has_customer = self
            .object(&cohort.from)?
            .field("customer")
            .is_some_and(|f| f.kind == Type::Link);
        if !has_customer {
            return Err(file.error(
                &["cohort", "from"],
                format!("`{}` has no link `customer`", cohort.from),
            ));
        }
        self.check_filter(
            file,
            &["cohort", "where"],
            cohort.filter.as_deref(),
            &self.scope(&cohort.from),
        )
    }

    /// Checks a measure; its unit where the fields tell.
    fn check_measure(&self, file: File, at: &[&str], m: &Measure) -> Result<Option<Unit>> {
        fn key<'a>(at: &[&'a str], last: &'a str) -> Vec<&'a str> {
            [at, &[last]].concat()
        }
        self.check_fact(file, &key(at, "from"), &m.from)?;
        if m.window == Window::Latest && m.from != "score" {
            return Err(file.error(
                &key(at, "window"),
                "`latest` looks at evaluations: only with from = \"score\"",
            ));
        }
        let rows = self.scope(&m.from);
        self.check_filter(file, &key(at, "where"), m.filter.as_deref(), &rows)?;
        let row_unit = |path: &[String]| {
            let field = self.field(&m.from, path).ok()?;
            Unit::named(field.unit.as_deref()?)
        };
        let Some(per) = &m.per else {
            for (name, is_there) in [("let", !m.lets.is_empty()), ("having", m.having.is_some())] {
                if is_there {
                    return Err(file.error(&key(at, name), format!("`{name}` goes with `per`")));
                }
            }
            if let Some(time) = &m.time {
                let kind = rows
                    .resolve(&path_of(time))
                    .map_err(|e| file.error(&key(at, "time"), e.to_string()))?;
                check_date(file, &key(at, "time"), time, kind)?;
            }
            let found = check_agg(m.agg, m.expr.as_deref(), &rows, &row_unit);
            return found
                .map(|(_, unit)| unit)
                .map_err(|e| file.error(&key(at, "expr"), e));
        };
        let link = self
            .object(&m.from)?
            .field(per)
            .filter(|f| f.kind == Type::Link);
        if link.is_none() {
            return Err(file.error(&key(at, "per"), format!("`{}` has no link `{per}`", m.from)));
        }
        let mut reduced = Reduced::default();
        for (name, reduce) in &m.lets {
            let at = [at, &["let", name.as_str()]].concat();
            if !is_name(name) || name == PERIOD_END || !reads_as_name(name) {
                return Err(file.error(&at, format!("`{name}` cannot be the name of a reduction")));
            }
            let Reduce { agg, expr } = reduce;
            let found = check_agg(*agg, expr.as_deref(), &rows, &row_unit)
                .map_err(|e| file.error(&at, e))?;
            reduced.names.insert(name.clone(), found);
        }
        self.check_filter(file, &key(at, "having"), m.having.as_deref(), &reduced)?;
        if let Some(time) = &m.time {
            let at = key(at, "time");
            let Some((kind, _)) = reduced.names.get(time) else {
                return Err(file.error(
                    &at,
                    format!("with `per`, time is a reduction, and there is no `{time}`"),
                ));
            };
            check_date(file, &at, time, *kind)?;
            if m.window != Window::All {
                return Err(file.error(&at, "a reduction as time goes with window = \"all\""));
            }
        }
        let unit = |path: &[String]| reduced.names.get(path.first()?)?.1;
        let found = check_agg(m.agg, m.expr.as_deref(), &reduced, &unit);
        found
            .map(|(_, unit)| unit)
            .map_err(|e| file.error(&key(at, "expr"), e))
    }

    fn check_fact(&self, file: File, at: &[&str], object: &str) -> Result<()> {
        let def = self
            .object(object)
            .map_err(|e| file.error(at, e.to_string()))?;
        if def.copy.is_none() {
            return Err(file.error(
                at,
                format!("`{object}` is not copied for analysis: it has no [copy]"),
            ));
        }
        Ok(())
    }

    fn check_filter(
        &self,
        file: File,
        at: &[&str],
        text: Option<&str>,
        scope: &dyn Scope,
    ) -> Result<()> {
        match text {
            None => Ok(()),
            Some(text) => Expr::parse_filter(text, scope)
                .map(|_| ())
                .map_err(|e| file.error(at, e.to_string())),
        }
    }
}

fn check_date(file: File, at: &[&str], name: &str, kind: Type) -> Result<()> {
    match kind {
        Type::Date => Ok(()),
        other => Err(file.error(at, format!("`{name}` is a {}, not a date", other.name()))),
    }
}

/// Type and unit of an aggregate.
fn check_agg(
    agg: Agg,
    expr: Option<&str>,
    scope: &dyn Scope,
    unit: &dyn Fn(&[String]) -> Option<Unit>,
) -> std::result::Result<(Type, Option<Unit>), String> {
    let Some(text) = expr else {
        return match agg {
            Agg::Count => Ok((Type::Int, Some(Unit::Count))),
            _ => Err(format!("`{}` needs an expr", agg.name())),
        };
    };
    let expr = Expr::parse(text, scope).map_err(|e| e.to_string())?;
    let kind = expr.kind.ok_or("null cannot be aggregated")?;
    let found = unit_of(&expr, unit)?;
    let is_number = matches!(kind, Type::Int | Type::Decimal | Type::Float);
    let wrong = || Err(format!("`{}` does not take a {}", agg.name(), kind.name()));
    match agg {
        Agg::Count => {
            Err("`count` counts rows and takes no expr; choose them by where or having".to_owned())
        }
        Agg::CountDistinct => Ok((Type::Int, Some(Unit::Count))),
        Agg::Sum if is_number => Ok((kind, found)),
        Agg::Avg if kind == Type::Float => Ok((Type::Float, found)),
        Agg::Avg if is_number => Ok((Type::Decimal, found)),
        Agg::Min | Agg::Max if is_number || matches!(kind, Type::Date | Type::Instant) => {
            Ok((kind, found))
        }
        _ => wrong(),
    }
}

/// The names after a reduction: the reductions and `period_end`.
#[derive(Default)]
struct Reduced {
    names: BTreeMap<String, (Type, Option<Unit>)>,
}

impl Scope for Reduced {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        match path {
            [name] if name == PERIOD_END => Ok(Type::Date),
            [name] if self.names.contains_key(name) => Ok(self.names[name].0),
            _ => Err(Error::Unknown {
                kind: "reduction",
                name: path.join("."),
            }),
        }
    }
}

impl Catalog {
    /// The scope of `having` and `expr` of a measure with `per`: its
    /// reductions with their types, and `period_end`.
    pub fn reduced_scope(&self, measure: &Measure) -> Result<impl Scope + use<>> {
        let mut reduced = Reduced::default();
        let rows = self.scope(&measure.from);
        for (name, Reduce { agg, expr }) in &measure.lets {
            let found =
                check_agg(*agg, expr.as_deref(), &rows, &|_| None).map_err(Error::Question)?;
            reduced.names.insert(name.clone(), found);
        }
        Ok(reduced)
    }
}

//! What a metric definition must keep to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::load::{File, Files, is_name};
use super::objects::reads_as_name;
use super::units::{Kind, derived_kind, ratio_units, unit_of};
use super::{Catalog, ObjectScope, path_of};
use crate::definition::FieldDef;
use crate::error::{Error, Result};
use crate::expr::{Expr, Scope};
use crate::metric::{
    Agg, Benchmark, Cohort, Conversion, Derived, Measure, MetricDef, OverTime, PERIOD_DAYS,
    PERIOD_START, Ratio, Reduce, Term, Unit, Window, is_bound,
};
use crate::value::Type;

impl Catalog {
    pub(super) fn check_metrics(&self, files: &Files) -> Result<()> {
        // What is made of others last, so that what is wrong in a measure is
        // told there.
        let rank = |m: &MetricDef| (m.derived.is_some(), m.ratio.is_some());
        for of in [(false, false), (false, true), (true, false), (true, true)] {
            for (id, metric) in &self.metrics {
                if rank(metric) == of {
                    self.check_metric(files[&("metric", id.clone())], metric)?;
                }
            }
        }
        for (id, metric) in &self.metrics {
            self.check_dims(files[&("metric", id.clone())], metric)?;
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
        if let Some(owner) = &metric.owner
            && !self.roles.contains_key(owner)
        {
            let known: Vec<&str> = self.roles.keys().map(String::as_str).collect();
            let message = format!("there is no role `{owner}`; there are {}", known.join(", "));
            return Err(file.error(&["owner"], message));
        }
        for (i, benchmark) in metric.benchmarks.iter().enumerate() {
            check_benchmark(benchmark)
                .map_err(|message| file.error(&["benchmark", &i.to_string()], message))?;
        }
        let parts = (
            &metric.measure,
            &metric.ratio,
            &metric.derived,
            &metric.cohort,
            &metric.conversion,
        );
        let unit = match parts {
            (Some(measure), None, None, None, None) => {
                let found = self.check_measure(file, &["measure"], measure)?;
                let counts = !matches!(measure.agg, Agg::Min | Agg::Max);
                if metric.min_n.is_some() && !counts {
                    let message = "`min_n` is about counted cases, and an extreme has none";
                    return Err(file.error(&["min_n"], message));
                }
                found.filter(|found| *found != metric.unit)
            }
            (None, Some(ratio), None, None, None) => self.check_ratio(file, metric, ratio)?,
            (None, None, Some(derived), None, None) => {
                self.check_derived(file, metric, derived)?;
                None
            }
            (None, None, None, Some(cohort), None) => {
                self.check_cohort(file, cohort)?;
                None
            }
            (None, None, None, None, Some(conversion)) => {
                self.check_conversion(file, conversion)?;
                Some(Unit::Pct).filter(|unit| *unit != metric.unit)
            }
            _ => {
                return Err(file.error(
                    &[],
                    "a metric has exactly one of measure, ratio, derived, cohort and conversion",
                ));
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
            if let Term::Metric(other) = term {
                let other = self
                    .metric(&other.metric)
                    .map_err(|e| file.error(&path, e.to_string()))?;
                // A formula says better than a ratio of ratios what is meant.
                if other.measure.is_none() {
                    let message = format!(
                        "metric `{}` is no plain measure: its parts cannot be added up",
                        other.id
                    );
                    return Err(file.error(&path, message));
                }
            }
            units.push(self.check_term(file, &path, metric, term)?);
        }
        let (Some(num), Some(den)) = (units[0], units[1]) else {
            return Ok(None);
        };
        let allowed = ratio_units(num, den);
        let fits = allowed.is_empty() || allowed.contains(&metric.unit);
        Ok(if fits { None } else { Some(allowed[0]) })
    }

    /// The unit of a term, where it tells.
    fn check_term(
        &self,
        file: File,
        path: &[&str],
        metric: &MetricDef,
        term: &Term,
    ) -> Result<Option<Unit>> {
        let Term::Metric(term) = term else {
            return match term {
                Term::Measure(measure) => self.check_measure(file, path, measure),
                Term::Metric(_) => Ok(None),
            };
        };
        let other = self
            .metric(&term.metric)
            .map_err(|e| file.error(path, e.to_string()))?;
        let at = |message: String| Err(file.error(path, message));
        if other.cohort.is_some() || other.conversion.is_some() {
            return at(format!(
                "metric `{}` is of cohorts, not of periods",
                other.id
            ));
        }
        if other.grain_min > metric.grain_min {
            return at(format!(
                "metric `{}` is honest by {} at the finest, and this one claims {}",
                other.id,
                other.grain_min.name(),
                metric.grain_min.name()
            ));
        }
        if other.settle_days > metric.settle_days {
            return at(format!(
                "metric `{}` settles after {} days, and this one claims {}",
                other.id, other.settle_days, metric.settle_days
            ));
        }
        let moves = term.shift.is_some() || term.lag_days > 0;
        if moves && self.is_moved(other, &mut BTreeSet::new())? {
            return at(format!(
                "metric `{}` looks at an earlier period already",
                other.id
            ));
        }
        Ok(Some(other.unit))
    }

    /// Whether a part of a metric looks at an earlier period.
    fn is_moved<'a>(&'a self, metric: &'a MetricDef, seen: &mut BTreeSet<&'a str>) -> Result<bool> {
        if !seen.insert(&metric.id) {
            return Ok(false);
        }
        let moves = |m: &Measure| m.shift.is_some() || m.lag_days > 0;
        if metric.measure.as_ref().is_some_and(moves) {
            return Ok(true);
        }
        for term in metric.terms() {
            let found = match term {
                Term::Measure(measure) => moves(measure),
                Term::Metric(other) => {
                    other.shift.is_some()
                        || other.lag_days > 0
                        || self.is_moved(self.metric(&other.metric)?, seen)?
                }
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check_derived(&self, file: File, metric: &MetricDef, derived: &Derived) -> Result<()> {
        if let Some(name) = self.circle(metric, &mut vec![&metric.id])? {
            let message = format!("metric `{name}` is made of itself");
            return Err(file.error(&["derived", "terms"], message));
        }
        let mut units = BTreeMap::new();
        for (name, term) in &derived.terms {
            let path = ["derived", "terms", name.as_str()];
            if !is_name(name) || name == PERIOD_DAYS || !reads_as_name(name) {
                let message = format!("`{name}` cannot be the name of a term");
                return Err(file.error(&path, message));
            }
            units.insert(name.clone(), self.check_term(file, &path, metric, term)?);
        }
        let at = &["derived", "formula"];
        let formula = derived
            .parsed()
            .map_err(|e| file.error(at, e.to_string()))?;
        let named = formula.fields();
        if let Some(idle) = derived.terms.keys().find(|n| !named.contains(&path_of(n))) {
            let message = format!("the formula does not name `{idle}`");
            return Err(file.error(&["derived", "terms", idle], message));
        }
        let unit_of = |name: &str| match name {
            PERIOD_DAYS => Some(Unit::Days),
            name => units.get(name).copied().flatten(),
        };
        let found = derived_kind(&formula, &unit_of).map_err(|e| file.error(at, e))?;
        let wrong = match found {
            Kind::Unknown => None,
            Kind::Of(unit) => (unit != metric.unit).then(|| unit.name()),
            Kind::Plain => {
                let fits = !matches!(metric.unit, Unit::Money | Unit::Days);
                (!fits).then_some("no unit")
            }
        };
        match wrong {
            None => Ok(()),
            Some(found) => {
                let unit = metric.unit.name();
                let message = format!("the unit is {unit}, but the number is in {found}");
                Err(file.error(&["unit"], message))
            }
        }
    }

    /// The first metric that leads back to itself.
    fn circle<'a>(
        &'a self,
        metric: &'a MetricDef,
        above: &mut Vec<&'a str>,
    ) -> Result<Option<&'a str>> {
        for term in metric.terms() {
            let Term::Metric(other) = term else { continue };
            let Ok(other) = self.metric(&other.metric) else {
                continue;
            };
            if above.contains(&other.id.as_str()) {
                return Ok(Some(&other.id));
            }
            above.push(&other.id);
            if let Some(found) = self.circle(other, above)? {
                return Ok(Some(found));
            }
            above.pop();
        }
        Ok(None)
    }

    /// The dimensions of a metric: those it lists are there, and one word means
    /// one thing to all its inputs.
    fn check_dims(&self, file: File, metric: &MetricDef) -> Result<()> {
        for (i, name) in metric.dims.iter().flatten().enumerate() {
            let common = self.common_dimensions(metric)?;
            if !common.contains(name) {
                let at = i.to_string();
                let message = format!(
                    "the inputs do not all have the dimension `{name}`; they have {}",
                    common.join(", ")
                );
                return Err(file.error(&["dims", &at], message));
            }
        }
        let mut objects = BTreeSet::new();
        self.add_objects(metric, &mut objects)?;
        if objects.len() < 2 {
            return Ok(());
        }
        let names = self.dimensions(&metric.id)?;
        let mut meant: BTreeMap<String, (&str, &FieldDef)> = BTreeMap::new();
        for object in objects {
            for dimension in self.object_dimensions(object)? {
                if !names.contains(&dimension.name) {
                    continue;
                }
                let field = self.field(object, &dimension.path)?;
                let Some((other, known)) = meant.get(&dimension.name) else {
                    meant.insert(dimension.name, (object, field));
                    continue;
                };
                let words = |f: &FieldDef| -> Vec<String> {
                    f.options.iter().map(|o| o.value.clone()).collect()
                };
                let is_same = (known.kind, &known.to) == (field.kind, &field.to)
                    && words(known) == words(field);
                if !is_same {
                    let message = format!(
                        "`{}` of `{other}` is not `{}` of `{object}`: say in `dims` what the number splits by",
                        dimension.name, dimension.name
                    );
                    return Err(file.error(&["dims"], message));
                }
            }
        }
        Ok(())
    }

    fn add_objects<'a>(
        &'a self,
        metric: &'a MetricDef,
        objects: &mut BTreeSet<&'a str>,
    ) -> Result<()> {
        objects.extend(metric.measure.iter().map(|m| m.from.as_str()));
        for term in metric.terms() {
            match term {
                Term::Measure(measure) => {
                    objects.insert(&measure.from);
                }
                Term::Metric(other) => self.add_objects(self.metric(&other.metric)?, objects)?,
            }
        }
        Ok(())
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

    fn check_conversion(&self, file: File, conversion: &Conversion) -> Result<()> {
        let Conversion { from, per, .. } = conversion;
        self.check_fact(file, &["conversion", "from"], from)?;
        let link = self.field(from, &path_of(per));
        if link.ok().is_none_or(|f| f.kind != Type::Link) {
            let message = format!("`{from}` has no link `{per}`");
            return Err(file.error(&["conversion", "per"], message));
        }
        if conversion.within_days == 0 {
            let message = "what follows comes on a later day";
            return Err(file.error(&["conversion", "within_days"], message));
        }
        let rows = self.scope(from);
        for (key, text) in [("where", &conversion.filter), ("then", &conversion.then)] {
            self.check_filter(file, &["conversion", key], text.as_deref(), &rows)?;
        }
        Ok(())
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
        let rows = self.row_scope(&m.from);
        self.check_filter(file, &key(at, "where"), m.filter.as_deref(), &rows)?;
        self.check_moments(file, at, m, &rows)?;
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
        let link = self.field(&m.from, &path_of(per));
        if link.ok().is_none_or(|f| f.kind != Type::Link) {
            return Err(file.error(&key(at, "per"), format!("`{}` has no link `{per}`", m.from)));
        }
        let mut reduced = Reduced::default();
        for (name, reduce) in &m.lets {
            let at = [at, &["let", name.as_str()]].concat();
            if !is_name(name) || is_bound(std::slice::from_ref(name)) || !reads_as_name(name) {
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
            if self.names_bound(m)? {
                let message = "what is dated by a reduction cannot name the ends of a period";
                return Err(file.error(&at, message));
            }
        }
        let unit = |path: &[String]| reduced.names.get(path.first()?)?.1;
        let found = check_agg(m.agg, m.expr.as_deref(), &reduced, &unit);
        found
            .map(|(_, unit)| unit)
            .map_err(|e| file.error(&key(at, "expr"), e))
    }

    /// Entry, exit, what a period of several days shows, and windows.
    fn check_moments(&self, file: File, at: &[&str], m: &Measure, rows: &dyn Scope) -> Result<()> {
        let wrong = |name: &str, message: String| {
            let path: Vec<&str> = at.iter().copied().chain([name]).collect();
            Err(file.error(&path, message))
        };
        for (name, date) in [("enter", &m.enter), ("exit", &m.exit)] {
            let Some(date) = date else { continue };
            match rows.resolve(&path_of(date)) {
                Ok(Type::Date) => {}
                // It leaves on its day in the calendar's zone.
                Ok(Type::Instant) if name == "exit" => {}
                Ok(kind) => {
                    return wrong(name, format!("`{date}` is a {}, not a date", kind.name()));
                }
                Err(e) => return wrong(name, e.to_string()),
            }
            for (other, is_there) in [
                ("per", m.per.is_some()),
                ("time", m.time.is_some()),
                ("window", m.window != Window::Period),
            ] {
                if is_there {
                    let message = format!("a balance has `enter` and `exit` instead of `{other}`");
                    return wrong(other, message);
                }
            }
        }
        if m.exit.is_some() && m.enter.is_none() {
            return wrong("exit", "`exit` goes with `enter`".to_owned());
        }
        let ends_with_day = m.enter.is_some()
            || matches!(m.window, Window::Days365 | Window::All)
                && (m.per.is_none() || m.time.is_none());
        if m.over_time.is_some() && !ends_with_day {
            let message = "`over_time` goes with `enter` or a window of days before".to_owned();
            return wrong("over_time", message);
        }
        let by_days = matches!(m.over_time, Some(OverTime::Avg | OverTime::Max));
        let is_text = matches!(m.agg, Agg::Min | Agg::Max);
        if by_days && is_text {
            let message = format!("`{}` of a day has no mean over days", m.agg.name());
            return wrong("over_time", message);
        }
        if m.window != Window::Latest {
            return Ok(());
        }
        if m.time.is_some() {
            let message = "an evaluation has its own day".to_owned();
            return wrong("time", message);
        }
        if self.names_start(m)? {
            let message = "an evaluation knows no first day of a period".to_owned();
            return wrong("window", message);
        }
        Ok(())
    }

    /// Whether an expression of a measure names an end of the period.
    fn names_bound(&self, m: &Measure) -> Result<bool> {
        Ok(self.bounds_of(m)?.next().is_some())
    }

    fn names_start(&self, m: &Measure) -> Result<bool> {
        Ok(self.bounds_of(m)?.any(|name| name == PERIOD_START))
    }

    fn bounds_of(&self, m: &Measure) -> Result<impl Iterator<Item = String> + use<>> {
        let own = self.object(&m.from)?;
        let rows = self.row_scope(&m.from);
        let mut found = Vec::new();
        let mut add = |text: Option<&String>, scope: &dyn Scope, is_row: bool| {
            let parsed = text.and_then(|text| Expr::parse(text, scope).ok());
            let fields = parsed.iter().flat_map(|x| x.fields());
            let bounds = fields.filter(|path| is_bound(path));
            found.extend(
                bounds
                    .filter(|path| !is_row || own.field(&path[0]).is_none())
                    .map(|path| path[0].clone()),
            );
        };
        add(m.filter.as_ref(), &rows, true);
        m.lets
            .values()
            .for_each(|l| add(l.expr.as_ref(), &rows, true));
        if m.per.is_some() {
            let reduced = self.reduced_scope(m)?;
            add(m.expr.as_ref(), &reduced, false);
            add(m.having.as_ref(), &reduced, false);
        } else {
            add(m.expr.as_ref(), &rows, true);
        }
        Ok(found.into_iter())
    }

    /// The scope of `where`, the reductions and (without `per`) `expr` of a
    /// measure: the fields of the object and the ends of the period.
    pub fn row_scope<'a>(&'a self, object: &'a str) -> RowScope<'a> {
        RowScope(self.scope(object))
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

fn check_benchmark(benchmark: &Benchmark) -> std::result::Result<(), String> {
    match (benchmark.low, benchmark.high) {
        (None, None) => return Err("a benchmark has `low`, `high` or both".to_owned()),
        (Some(low), Some(high)) if low > high => {
            return Err(format!("the range from {low} to {high} is empty"));
        }
        _ => {}
    }
    if benchmark.source.trim().is_empty() {
        return Err("a benchmark says where it is from".to_owned());
    }
    let is_dated = |text: &String| {
        let day = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => return false,
        };
        day.parse::<Date>().is_ok()
    };
    match &benchmark.dated {
        Some(text) if !is_dated(text) => Err(format!("`{text}` is neither a year nor a month")),
        _ => Ok(()),
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
        Agg::Median | Agg::P75 | Agg::P90 if is_number => Ok((Type::Float, found)),
        Agg::Min | Agg::Max if is_number || matches!(kind, Type::Date | Type::Instant) => {
            Ok((kind, found))
        }
        _ => wrong(),
    }
}

/// See [`Catalog::row_scope`].
pub struct RowScope<'a>(ObjectScope<'a>);

impl Scope for RowScope<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        match self.0.resolve(path) {
            Err(_) if is_bound(path) => Ok(Type::Date),
            found => found,
        }
    }

    fn options(&self, path: &[String]) -> Option<Vec<String>> {
        self.0.options(path)
    }
}

/// The terms of a formula, exact numbers all.
struct Terms<'a>(&'a Derived);

impl Scope for Terms<'_> {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        match path {
            [name] if name == PERIOD_DAYS || self.0.terms.contains_key(name) => Ok(Type::Decimal),
            _ => Err(Error::Unknown {
                kind: "term",
                name: path.join("."),
            }),
        }
    }
}

impl Derived {
    /// The formula, in which nothing stands but numbers, terms and `+ - * /`.
    pub fn parsed(&self) -> Result<Expr> {
        let expr = Expr::parse(&self.formula, &Terms(self))?;
        match derived_kind(&expr, &|_| None) {
            Ok(_) => Ok(expr),
            Err(message) => Err(Error::Expression {
                text: self.formula.clone(),
                message,
            }),
        }
    }
}

/// The names after a reduction: the reductions and the ends of the period.
#[derive(Default)]
struct Reduced {
    names: BTreeMap<String, (Type, Option<Unit>)>,
}

impl Scope for Reduced {
    fn resolve(&self, path: &[String]) -> Result<Type> {
        match path {
            path if is_bound(path) => Ok(Type::Date),
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
    /// reductions with their types, and the ends of the period.
    pub fn reduced_scope(&self, measure: &Measure) -> Result<impl Scope + use<>> {
        let mut reduced = Reduced::default();
        let rows = self.row_scope(&measure.from);
        for (name, Reduce { agg, expr }) in &measure.lets {
            let found =
                check_agg(*agg, expr.as_deref(), &rows, &|_| None).map_err(Error::Question)?;
            reduced.names.insert(name.clone(), found);
        }
        Ok(reduced)
    }
}

//! Metrics to scans: each measure becomes a few states of a scan, and measures
//! that read the same rows in the same way share one scan.

use keji_schema::expr::Expr;
use keji_schema::metric::{Agg, Cohort, CohortShow, Measure, MetricDef, Term, Window};
use keji_schema::{Catalog, Type};

use crate::error::Result;
use crate::plan::dimensions::Names;
use crate::plan::source::{question, time_path};
use crate::plan::{Dimension, Formula, Let, Part, Reduced, Scan, Shape, Source, State};

pub(super) struct Builder<'a> {
    catalog: &'a Catalog,
    by: &'a [&'a String],
    filter: Option<&'a str>,
    access: Option<&'a Expr>,
    scans: Vec<Scan>,
    dimensions: Vec<Dimension>,
}

impl<'a> Builder<'a> {
    pub fn new(
        catalog: &'a Catalog,
        by: &'a [&'a String],
        filter: Option<&'a str>,
        access: Option<&'a Expr>,
    ) -> Self {
        Builder {
            catalog,
            by,
            filter,
            access,
            scans: Vec::new(),
            dimensions: Vec::new(),
        }
    }

    pub fn metric(&mut self, def: &'a MetricDef) -> Result<Formula> {
        if let Some(measure) = &def.measure {
            return Ok(Formula::Measure(self.measure(def, &def.id, measure)?));
        }
        if let Some(ratio) = &def.ratio {
            let num = self.term(def, &format!("{}_num", def.id), &ratio.num)?;
            let den = self.term(def, &format!("{}_den", def.id), &ratio.den)?;
            return Ok(Formula::Ratio(num, den));
        }
        match &def.cohort {
            Some(cohort) => self.cohort(def, cohort),
            None => Err(question(format!(
                "metric `{}` defines nothing to compute",
                def.id
            ))),
        }
    }

    pub fn finish(mut self) -> Result<(Vec<Scan>, Vec<Dimension>)> {
        self.scans.iter_mut().for_each(hoist);
        Ok((self.scans, self.dimensions))
    }

    fn term(&mut self, def: &'a MetricDef, name: &str, term: &'a Term) -> Result<Part> {
        match term {
            Term::Measure(measure) => self.measure(def, name, measure),
            Term::Metric(other) => {
                let other = self.catalog.metric(&other.metric)?;
                let measure = other.measure.as_ref().ok_or_else(|| {
                    let message = format!(
                        "metric `{}` divides by or with `{}`, which is no measure",
                        def.id, other.id
                    );
                    question(message)
                })?;
                self.measure(def, &other.id, measure)
            }
        }
    }

    fn measure(&mut self, def: &'a MetricDef, name: &str, measure: &'a Measure) -> Result<Part> {
        let catalog = self.catalog;
        let object = &measure.from;
        let mut scan = self.scan(def, object, measure.window)?;
        if measure.window == Window::Latest && scan.time.is_none() {
            return Err(question(format!(
                "metric `{}` asks for the latest of `{object}`, which has no time",
                def.id
            )));
        }
        let own = catalog.scope(object);
        let filter = measure.filter.as_ref().map(|text| -> Result<Expr> {
            scan.source
                .expression(catalog, &Expr::parse_filter(text, &own)?)
        });
        let filter = filter.transpose()?;
        let (expr, state_filter) = if let Some(key) = &measure.per {
            scan.filters.extend(filter);
            let lets = self.lets(&mut scan.source, object, measure)?;
            let key = scan.source.column(catalog, &split(key))?;
            let dated_by = self.date(def, &mut scan, measure, &lets)?;
            let scope = catalog.reduced_scope(measure)?;
            let expr = measure
                .expr
                .as_ref()
                .map(|t| Expr::parse(t, &scope))
                .transpose()?;
            let having = measure
                .having
                .as_ref()
                .map(|t| Expr::parse_filter(t, &scope))
                .transpose()?;
            scan.shape = Shape::Reduced(Reduced {
                key,
                lets,
                dated_by,
            });
            (expr, having)
        } else {
            self.date(def, &mut scan, measure, &[])?;
            let expr = measure.expr.as_ref().map(|text| -> Result<Expr> {
                scan.source.expression(catalog, &Expr::parse(text, &own)?)
            });
            (expr.transpose()?, filter)
        };
        self.part(scan, name, measure.agg, expr, state_filter)
    }

    fn cohort(&mut self, def: &'a MetricDef, cohort: &'a Cohort) -> Result<Formula> {
        let catalog = self.catalog;
        let mut scan = self.scan(def, &cohort.from, Window::All)?;
        if let Some(text) = &cohort.filter {
            let expr = Expr::parse_filter(text, &catalog.scope(&cohort.from))?;
            let expr = scan.source.expression(catalog, &expr)?;
            scan.filters.push(expr);
        }
        if scan.time.is_none() {
            return Err(question(format!(
                "metric `{}` needs an object with a time",
                def.id
            )));
        }
        let customer = catalog.resolve_dimension(&cohort.from, "customer")?;
        let key = scan.source.column(catalog, &customer.path)?;
        scan.shape = Shape::Cohort { key };
        let part = self.part(scan, &def.id, Agg::Count, None, None)?;
        Ok(match cohort.show {
            CohortShow::Customers => Formula::Measure(part),
            CohortShow::Share => Formula::ShareOfCohort(part),
        })
    }

    /// A scan with everything that the question says about every measure.
    fn scan(&mut self, def: &'a MetricDef, object: &'a str, window: Window) -> Result<Scan> {
        let catalog = self.catalog;
        let mut source = Source::new(object);
        let time = time_path(catalog, object)?;
        let time = time.map(|path| source.column(catalog, &path)).transpose()?;
        let names = Names {
            catalog,
            metric: &def.id,
            object,
        };
        let mut filters = Vec::new();
        if let Some(access) = self.access {
            filters.push(names.over(&mut source, access)?);
        }
        if let Some(text) = self.filter {
            filters.push(names.filter(&mut source, text)?);
        }
        let mut dimensions = Vec::new();
        let mut described = Vec::new();
        for name in self.by {
            dimensions.push(source.column(catalog, &names.path(name)?)?);
            described.push(names.dimension(name)?);
        }
        // The first metric's words describe the columns of the answer.
        if self.scans.is_empty() {
            self.dimensions = described;
        }
        let shape = Shape::Rows;
        let by_month = time.is_some();
        Ok(Scan {
            source,
            time,
            by_month,
            window,
            filters,
            dimensions,
            shape,
            states: Vec::new(),
        })
    }

    fn lets(&self, source: &mut Source, object: &str, measure: &Measure) -> Result<Vec<Let>> {
        let scope = self.catalog.scope(object);
        let mut made = Vec::new();
        for (name, reduce) in &measure.lets {
            let expr = reduce.expr.as_ref().map(|text| -> Result<Expr> {
                source.expression(self.catalog, &Expr::parse(text, &scope)?)
            });
            let expr = expr.transpose()?;
            let kind = result_type(name, reduce.agg, expr.as_ref())?;
            made.push(Let {
                name: name.clone(),
                agg: reduce.agg,
                expr,
                kind,
            });
        }
        Ok(made)
    }

    /// Which date places a row in a period; gives the reduction when it is one.
    fn date(
        &self,
        def: &MetricDef,
        scan: &mut Scan,
        measure: &Measure,
        lets: &[Let],
    ) -> Result<Option<String>> {
        let Some(time) = &measure.time else {
            return Ok(None);
        };
        if let Some(found) = lets.iter().find(|l| l.name == *time) {
            if found.kind != Type::Date || measure.window != Window::All {
                let message = format!(
                    "metric `{}`: a reduction that dates a row is a date over the window `all`",
                    def.id
                );
                return Err(question(message));
            }
            return Ok(Some(time.clone()));
        }
        let path = split(time);
        if self.catalog.field(&measure.from, &path)?.kind != Type::Date {
            return Err(question(format!(
                "metric `{}`: `{time}` is no date",
                def.id
            )));
        }
        let column = scan.source.column(self.catalog, &path)?;
        scan.by_month = scan.time.as_ref() == Some(&column);
        scan.time = Some(column);
        Ok(None)
    }

    /// Adds the states of one measure to a scan that reads the same, or to
    /// this new one.
    fn part(
        &mut self,
        scan: Scan,
        name: &str,
        agg: Agg,
        expr: Option<Expr>,
        filter: Option<Expr>,
    ) -> Result<Part> {
        let kind = result_type(name, agg, expr.as_ref())?;
        // Distinct records are counted from the roll-up of whole months, which
        // a scan that also adds up could not use.
        let is_alone = agg == Agg::CountDistinct
            && scan.shape == Shape::Rows
            && scan.dimensions.is_empty()
            && expr.as_ref().is_some_and(|x| x.kind == Some(Type::Link));
        let index = self.shared(scan, is_alone);
        let states = &mut self.scans[index].states;
        let mut state = |suffix: &str, agg: Agg, expr: Option<Expr>| -> Result<usize> {
            let same = |s: &State| s.agg == agg && s.expr == expr && s.filter == filter;
            if let Some(i) = states.iter().position(same) {
                return Ok(i);
            }
            let name = format!("{name}{suffix}");
            let kind = result_type(&name, agg, expr.as_ref())?;
            states.push(State {
                name,
                agg,
                expr,
                filter: filter.clone(),
                kind,
            });
            Ok(states.len() - 1)
        };
        let (state, rows) = match agg {
            Agg::Sum => (
                state("", Agg::Sum, expr)?,
                state("_rows", Agg::Count, None)?,
            ),
            Agg::Avg => (
                state("_sum", Agg::Sum, expr.clone())?,
                state("_n", Agg::Count, expr)?,
            ),
            _ => {
                let i = state("", agg, expr)?;
                (i, i)
            }
        };
        Ok(Part {
            scan: index,
            agg,
            state,
            rows,
            kind,
        })
    }

    fn shared(&mut self, scan: Scan, is_alone: bool) -> usize {
        let counts_distinct = |s: &State| s.agg == Agg::CountDistinct;
        let same = |other: &Scan| {
            let is_apart =
                is_alone || scan.dimensions.is_empty() && other.states.iter().any(counts_distinct);
            !is_apart
                && other.source.object == scan.source.object
                && (&other.time, other.window) == (&scan.time, scan.window)
                && (&other.filters, &other.dimensions) == (&scan.filters, &scan.dimensions)
                && other.shape == scan.shape
        };
        match self.scans.iter().position(same) {
            Some(i) => {
                self.scans[i].source.merge(scan.source);
                i
            }
            None => {
                self.scans.push(scan);
                self.scans.len() - 1
            }
        }
    }
}

/// A filter that all states of a row scan share becomes one of the scan, so
/// that rows nobody counts are dropped early.
fn hoist(scan: &mut Scan) {
    let common = scan.states.first().and_then(|s| s.filter.clone());
    if scan.shape == Shape::Rows
        && let Some(common) = common
        && scan
            .states
            .iter()
            .all(|s| s.filter.as_ref() == Some(&common))
    {
        scan.filters.push(common);
        scan.states.iter_mut().for_each(|s| s.filter = None);
    }
}

fn result_type(name: &str, agg: Agg, expr: Option<&Expr>) -> Result<Type> {
    let kind = expr.and_then(|x| x.kind);
    let number = matches!(kind, Some(Type::Int | Type::Decimal | Type::Float));
    match (agg, kind) {
        (Agg::Count, _) => Ok(Type::Int),
        (Agg::CountDistinct, Some(_)) => Ok(Type::Int),
        (Agg::Sum, Some(kind)) if number => Ok(kind),
        (Agg::Avg, Some(kind)) if number => Ok(if kind == Type::Float {
            Type::Float
        } else {
            Type::Decimal
        }),
        (Agg::Min | Agg::Max, Some(kind)) => Ok(kind),
        (_, None) => Err(question(format!("`{name}` says nothing to aggregate"))),
        (_, Some(kind)) => Err(question(format!(
            "`{name}` cannot add up a {}",
            kind.name()
        ))),
    }
}

fn split(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

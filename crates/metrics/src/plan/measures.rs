//! Metrics to scans: each measure becomes a few states of a scan, and measures
//! that read the same rows in the same way share one scan.

use jiff::civil::Date;
use keji_schema::expr::{Expr, Node, Op};
use keji_schema::metric::{
    Agg, Cohort, CohortShow, Derived, Measure, MetricDef, OverTime, PERIOD_DAYS, PERIOD_END, Term,
    Window,
};
use keji_schema::{Catalog, Decimal, Type, Value};

use crate::error::Result;
use crate::plan::dimensions::Names;
use crate::plan::source::{question, time_path};
use crate::plan::{
    Calculation, Conversion, Dimension, Formula, Let, Moved, PERIOD_END_AT, Part, Reduced, Scan,
    Shape, Source, State,
};

pub(super) struct Builder<'a> {
    catalog: &'a Catalog,
    by: &'a [&'a String],
    filter: Option<&'a str>,
    access: Option<&'a Expr>,
    as_of: Date,
    scans: Vec<Scan>,
    dimensions: Vec<Dimension>,
}

impl<'a> Builder<'a> {
    pub fn new(
        catalog: &'a Catalog,
        by: &'a [&'a String],
        filter: Option<&'a str>,
        access: Option<&'a Expr>,
        as_of: Date,
    ) -> Self {
        Builder {
            catalog,
            by,
            filter,
            access,
            as_of,
            scans: Vec::new(),
            dimensions: Vec::new(),
        }
    }

    pub fn metric(&mut self, def: &'a MetricDef) -> Result<Formula> {
        let none = Moved::default();
        if let Some(measure) = &def.measure {
            return Ok(Formula::Measure(self.measure(def, &def.id, measure, none)?));
        }
        if let Some(ratio) = &def.ratio {
            let num = self.term(def, &format!("{}_num", def.id), &ratio.num)?;
            let den = self.term(def, &format!("{}_den", def.id), &ratio.den)?;
            return Ok(Formula::Ratio(num, den));
        }
        if let Some(derived) = &def.derived {
            let made = self.derived(def, &def.id, derived, none)?;
            return Ok(Formula::Derived(made));
        }
        if let Some(conversion) = &def.conversion {
            return self.conversion(def, conversion);
        }
        match &def.cohort {
            Some(cohort) => self.cohort(def, cohort),
            None => Err(question(format!(
                "metric `{}` defines nothing to compute",
                def.id
            ))),
        }
    }

    fn derived(
        &mut self,
        def: &'a MetricDef,
        name: &str,
        derived: &'a Derived,
        moved: Moved,
    ) -> Result<Calculation> {
        let formula = derived.parsed()?;
        self.calculation(def, name, derived, &formula, moved)
    }

    fn calculation(
        &mut self,
        def: &'a MetricDef,
        name: &str,
        derived: &'a Derived,
        formula: &Expr,
        moved: Moved,
    ) -> Result<Calculation> {
        let mut of = |x: &Expr| self.calculation(def, name, derived, x, moved);
        match &formula.node {
            Node::Literal(Value::Int(n)) => {
                let number = Decimal::from_int(*n);
                let number =
                    number.ok_or_else(|| question(format!("the number {n} is too large")))?;
                Ok(Calculation::Constant(number))
            }
            Node::Literal(Value::Decimal(d)) => Ok(Calculation::Constant(*d)),
            Node::Negate(x) => Ok(Calculation::Negate(Box::new(of(x)?))),
            Node::Cast(x, _) => of(x),
            Node::Binary(op @ (Op::Add | Op::Sub | Op::Mul | Op::Div), a, b) => {
                let (a, b) = (of(a)?, of(b)?);
                Ok(Calculation::Of(*op, Box::new(a), Box::new(b)))
            }
            Node::Field(path) if path.join(".") == PERIOD_DAYS => Ok(Calculation::PeriodDays),
            Node::Field(path) => {
                let term = path.first().and_then(|name| derived.terms.get(name));
                let term = term.ok_or_else(|| question(format!("`{name}` lacks a term")))?;
                let name = format!("{name}_{}", path.join("_"));
                self.calculated(def, &name, term, moved)
            }
            _ => Err(question(format!("`{name}` is no formula of terms"))),
        }
    }

    /// A term of a formula, which may itself be one.
    fn calculated(
        &mut self,
        def: &'a MetricDef,
        name: &str,
        term: &'a Term,
        moved: Moved,
    ) -> Result<Calculation> {
        let other = match term {
            Term::Measure(measure) => {
                return Ok(Calculation::Part(self.measure(def, name, measure, moved)?));
            }
            Term::Metric(other) => other,
        };
        let moved = Moved {
            shift: other.shift.or(moved.shift),
            lag_days: other.lag_days.max(moved.lag_days),
        };
        let other = self.catalog.metric(&other.metric)?;
        let suffix = if moved.is_none() { "" } else { "_before" };
        let name = format!("{}{suffix}", other.id);
        if let Some(measure) = &other.measure {
            return Ok(Calculation::Part(self.measure(def, &name, measure, moved)?));
        }
        if let Some(ratio) = &other.ratio {
            let num = self.calculated(def, &format!("{name}_num"), &ratio.num, moved)?;
            let den = self.calculated(def, &format!("{name}_den"), &ratio.den, moved)?;
            return Ok(Calculation::Of(Op::Div, Box::new(num), Box::new(den)));
        }
        match &other.derived {
            Some(derived) => self.derived(def, &name, derived, moved),
            None => Err(question(format!(
                "metric `{}` cannot be part of a formula",
                other.id
            ))),
        }
    }

    pub fn finish(mut self) -> Result<(Vec<Scan>, Vec<Dimension>)> {
        self.scans.iter_mut().for_each(hoist);
        Ok((self.scans, self.dimensions))
    }

    fn term(&mut self, def: &'a MetricDef, name: &str, term: &'a Term) -> Result<Part> {
        match term {
            Term::Measure(measure) => self.measure(def, name, measure, Moved::default()),
            Term::Metric(other) => {
                let moved = Moved {
                    shift: other.shift,
                    lag_days: other.lag_days,
                };
                let other = self.catalog.metric(&other.metric)?;
                let measure = other.measure.as_ref().ok_or_else(|| {
                    let message = format!(
                        "metric `{}` divides by or with `{}`, which is no measure",
                        def.id, other.id
                    );
                    question(message)
                })?;
                self.measure(def, &other.id, measure, moved)
            }
        }
    }

    fn measure(
        &mut self,
        def: &'a MetricDef,
        name: &str,
        measure: &'a Measure,
        moved: Moved,
    ) -> Result<Part> {
        let catalog = self.catalog;
        let object = &measure.from;
        let mut scan = self.scan(def, object, measure.window)?;
        scan.moved = Moved {
            shift: measure.shift.or(moved.shift),
            lag_days: measure.lag_days.max(moved.lag_days),
        };
        scan.over_time = measure.over_time.filter(|o| *o != OverTime::Last);
        if let Some(enter) = &measure.enter {
            self.balance(def, &mut scan, enter, measure.exit.as_deref())?;
        }
        if measure.window == Window::Latest && scan.time.is_none() {
            return Err(question(format!(
                "metric `{}` asks for the latest of `{object}`, which has no time",
                def.id
            )));
        }
        let own = catalog.row_scope(object);
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

    fn conversion(
        &mut self,
        def: &'a MetricDef,
        conversion: &'a keji_schema::metric::Conversion,
    ) -> Result<Formula> {
        let catalog = self.catalog;
        let from = &conversion.from;
        let mut scan = self.scan(def, from, Window::All)?;
        if scan.time.is_none() {
            return Err(question(format!(
                "metric `{}` needs an object with a time",
                def.id
            )));
        }
        let mut filter = |text: Option<&String>| -> Result<Option<Expr>> {
            let made = text.map(|text| {
                let expr = Expr::parse_filter(text, &catalog.scope(from))?;
                scan.source.expression(catalog, &expr)
            });
            made.transpose()
        };
        let first = filter(conversion.filter.as_ref())?;
        let then = filter(conversion.then.as_ref().or(conversion.filter.as_ref()))?;
        let key = scan.source.column(catalog, &split(&conversion.per))?;
        let within_days = conversion.within_days;
        scan.shape = Shape::Conversion(Conversion {
            key,
            first,
            then,
            within_days,
        });
        let of = |node, kind| {
            Box::new(Expr {
                node,
                kind: Some(kind),
            })
        };
        let day = |name: &str| of(Node::Field(vec![name.to_owned()]), Type::Date);
        let days = of(Node::Binary(Op::Sub, day("next"), day("first")), Type::Int);
        let most = Node::Literal(Value::Int(i64::from(within_days)));
        let soon = of(
            Node::Binary(Op::LtEq, days, of(most, Type::Int)),
            Type::Bool,
        );
        let name = |part: &str| format!("{}_{part}", def.id);
        let num = self.part(scan.clone(), &name("num"), Agg::Count, None, Some(*soon))?;
        let den = self.part(scan, &name("den"), Agg::Count, None, None)?;
        Ok(Formula::Ratio(num, den))
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
            moved: Moved::default(),
            over_time: None,
            filters,
            dimensions,
            shape,
            states: Vec::new(),
        })
    }

    fn lets(&self, source: &mut Source, object: &str, measure: &Measure) -> Result<Vec<Let>> {
        let scope = self.catalog.row_scope(object);
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
        self.dated(def, scan, time)?;
        Ok(None)
    }

    /// Places the rows of a scan by another date than their own.
    fn dated(&self, def: &MetricDef, scan: &mut Scan, time: &str) -> Result<()> {
        let path = split(time);
        if self.catalog.field(&scan.source.object, &path)?.kind != Type::Date {
            return Err(question(format!(
                "metric `{}`: `{time}` is no date",
                def.id
            )));
        }
        let column = scan.source.column(self.catalog, &path)?;
        scan.by_month = scan.time.as_ref() == Some(&column);
        // What was recorded later was not yet known, whatever date places it.
        if let (false, Some(own)) = (scan.by_month, &scan.time) {
            let known = compare(
                own,
                Op::Lt,
                Node::Literal(Value::Date(self.as_of)),
                Type::Date,
            );
            scan.filters.push(known);
        }
        scan.time = Some(column);
        Ok(())
    }

    /// Rows from the day of entry until before the day of exit, at the end of
    /// the period.
    fn balance(
        &self,
        def: &MetricDef,
        scan: &mut Scan,
        enter: &str,
        exit: Option<&str>,
    ) -> Result<()> {
        self.dated(def, scan, enter)?;
        scan.window = Window::All;
        if let Some(exit) = exit {
            let path = split(exit);
            let kind = self.catalog.field(&scan.source.object, &path)?.kind;
            let exit = scan.source.column(self.catalog, &path)?;
            let end = if kind == Type::Instant {
                PERIOD_END_AT
            } else {
                PERIOD_END
            };
            let stays = compare(&exit, Op::GtEq, Node::Field(vec![end.to_owned()]), kind);
            let field = Expr {
                node: Node::Field(vec![exit]),
                kind: Some(kind),
            };
            let never = Expr {
                node: Node::IsNull(Box::new(field)),
                kind: Some(Type::Bool),
            };
            scan.filters.push(Expr {
                node: Node::Binary(Op::Or, Box::new(never), Box::new(stays)),
                kind: Some(Type::Bool),
            });
        }
        Ok(())
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
            Agg::Median | Agg::P75 | Agg::P90 => (
                state("", agg, expr.clone())?,
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
                && (other.moved, other.over_time) == (scan.moved, scan.over_time)
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
        (Agg::Median | Agg::P75 | Agg::P90, Some(_)) if number => Ok(Type::Float),
        (_, None) => Err(question(format!("`{name}` says nothing to aggregate"))),
        (_, Some(kind)) => Err(question(format!(
            "`{name}` cannot add up a {}",
            kind.name()
        ))),
    }
}

/// `column op than`, both of one type.
fn compare(column: &str, op: Op, than: Node, kind: Type) -> Expr {
    let side = |node| {
        Box::new(Expr {
            node,
            kind: Some(kind),
        })
    };
    let column = Node::Field(vec![column.to_owned()]);
    Expr {
        node: Node::Binary(op, side(column), side(than)),
        kind: Some(Type::Bool),
    }
}

fn split(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

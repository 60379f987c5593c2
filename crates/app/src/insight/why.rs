//! Why a number moved: what each part of a dimension did to it. A sum moves by
//! volume (more or fewer cases), mix (other parts than before) and rate (more
//! or less a case); a quotient by mix and rate. The parts make up the whole
//! change, or the question is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use keji_schema::calendar::Period;
use keji_schema::decimal::UNIT;
use keji_schema::metric::{Agg, Measure, MetricDef, Term};
use keji_schema::question::{Answer, Question, Role, Status};
use keji_schema::{Catalog, Decimal, Value};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask;
use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::permission::Caller;

/// Parts that are told one by one.
const TOLD: usize = 50;

/// Values of a dimension that are looked at.
const MOST: usize = 10_000;

/// What made a number move from one period to the next.
#[derive(Debug, Serialize, ToSchema)]
pub struct Why {
    pub metric: String,
    /// The dimension whose values are the parts.
    pub by: String,
    pub kind: WhyKind,
    pub period: Period,
    pub compared: Period,
    #[schema(value_type = Value)]
    pub now: Value,
    #[schema(value_type = Value)]
    pub before: Value,
    /// What all parts together did.
    pub whole: Effects,
    /// Those that did most first.
    pub parts: Vec<WhyPart>,
    /// The parts that are not among them.
    pub others: Effects,
    pub others_count: usize,
    #[schema(value_type = String)]
    pub status: Status,
    pub is_partial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhyKind {
    Sum,
    Ratio,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WhyPart {
    /// The value of the dimension.
    #[schema(value_type = Value)]
    pub value: Value,
    /// The metric of this part alone; null where there was nothing.
    #[schema(value_type = Value)]
    pub now: Value,
    #[schema(value_type = Value)]
    pub before: Value,
    #[serde(flatten)]
    pub effects: Effects,
}

/// In the unit of the metric; `change` is the sum of the other three. Of a sum
/// exact, of a quotient floating numbers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Effects {
    #[schema(value_type = Value)]
    pub change: Value,
    /// Of a sum: more or fewer cases, shared out as before. Zero of a quotient.
    #[schema(value_type = Value)]
    pub volume: Value,
    #[schema(value_type = Value)]
    pub mix: Value,
    #[schema(value_type = Value)]
    pub rate: Value,
}

/// Change, volume, mix and rate: in ten-thousandths, or of a quotient.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moved {
    Sum([i128; 4]),
    Ratio([f64; 4]),
}

impl Moved {
    fn nothing(kind: WhyKind) -> Moved {
        match kind {
            WhyKind::Sum => Moved::Sum([0; 4]),
            WhyKind::Ratio => Moved::Ratio([0.0; 4]),
        }
    }

    fn and(self, other: Moved) -> Moved {
        match (self, other) {
            (Moved::Sum(mut a), Moved::Sum(b)) => {
                (a.iter_mut().zip(b)).for_each(|(a, b)| *a = a.saturating_add(b));
                Moved::Sum(a)
            }
            (Moved::Ratio(mut a), Moved::Ratio(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                Moved::Ratio(a)
            }
            // Of one question all are of one kind.
            (a, _) => a,
        }
    }

    fn size(self) -> f64 {
        match self {
            Moved::Sum([change, ..]) => (change as f64).abs(),
            Moved::Ratio([change, ..]) => change.abs(),
        }
    }

    fn told(self) -> Effects {
        let [change, volume, mix, rate] = match self {
            Moved::Sum(all) => all.map(|units| match i64::try_from(units) {
                Ok(units) => Value::Decimal(Decimal::from_units(units)),
                Err(_) => Value::Null,
            }),
            Moved::Ratio(all) => all.map(Value::Float),
        };
        Effects {
            change,
            volume,
            mix,
            rate,
        }
    }
}

/// Numerator and denominator, now and before, in ten-thousandths: of a sum
/// itself and its cases.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sizes {
    num: [i128; 2],
    den: [i128; 2],
}

impl Sizes {
    fn and(mut self, other: Sizes) -> Sizes {
        for at in [NOW, BEFORE] {
            self.num[at] = self.num[at].saturating_add(other.num[at]);
            self.den[at] = self.den[at].saturating_add(other.den[at]);
        }
        self
    }
}

const NOW: usize = 0;
const BEFORE: usize = 1;

/// Of a question of one metric by one dimension, compared with another period.
pub async fn why(app: &App, caller: &Caller, question: &Question) -> Result<Why> {
    let [metric] = question.metrics.as_slice() else {
        return Err(wrong(
            "metrics",
            "要正好一个指标",
            "it takes exactly one metric",
        ));
    };
    let [by] = question.by.as_slice() else {
        return Err(wrong(
            "by",
            "要正好一个维度",
            "it takes exactly one dimension",
        ));
    };
    if question.compare.is_none() {
        let (zh, en) = (
            "要说明与哪一期比",
            "it has to say with which period to compare",
        );
        return Err(wrong("compare", zh, en));
    }
    let def = app.catalog.metric(metric)?;
    let Some((kind, num, den)) = terms(&app.catalog, def) else {
        return Err(not_additive(def));
    };
    let mut catalog = (*app.catalog).clone();
    let [n, d] = [("n", num), ("d", den)].map(|(mark, measure)| {
        let id = format!("{metric}.{mark}");
        let part = as_metric(def, &id, measure);
        catalog.metrics.insert(id.clone(), part);
        id
    });
    let mut with = app.clone();
    with.catalog = Arc::new(catalog);
    let whole = Question {
        metrics: vec![metric.clone(), n.clone(), d.clone()],
        by: Vec::new(),
        grain: None,
        sort: Vec::new(),
        limit: None,
        ..question.clone()
    };
    let split = Question {
        by: vec![by.clone()],
        limit: Some(MOST),
        ..whole.clone()
    };
    let total = ask(&with, caller, &whole).await?;
    let answer = ask(&with, caller, &split).await?;
    if answer.truncated {
        let zh = format!("这个维度有 {MOST} 个以上的值");
        let en = format!("the dimension has more than {MOST} values");
        return Err(FieldFault::new("by", "value", zh, en).into());
    }
    let Some(compared) = total.compared else {
        let (zh, en) = ("没有可以比的上一期", "there is no period to compare with");
        return Err(wrong("compare", zh, en));
    };
    let places = Places::of(&total, metric, &n, &d);
    let row = total.rows.first().map(Vec::as_slice).unwrap_or_default();
    let (all, now, before) = (places.sizes(row), places.now(row), places.before(row));
    let places = Places::of(&answer, metric, &n, &d);
    let dimension = (answer.columns.iter()).position(|c| c.role == Role::Dimension);
    let mut parts: Vec<(Moved, &[Value])> = Vec::new();
    let mut sum = Sizes::default();
    for row in &answer.rows {
        let part = places.sizes(row);
        sum = sum.and(part);
        let moved = match kind {
            WhyKind::Sum => of_sum(part, all),
            WhyKind::Ratio => of_ratio(part, all),
        };
        parts.push((moved, row));
    }
    // One order in two categories would count twice.
    let is_whole = match kind {
        WhyKind::Sum => sum.num == all.num,
        WhyKind::Ratio => sum == all && all.den.iter().all(|den| *den != 0),
    };
    if !is_whole {
        return Err(not_additive(def));
    }
    let together = |parts: &[(Moved, &[Value])]| {
        let all = parts.iter().map(|(moved, _)| *moved);
        all.fold(Moved::nothing(kind), Moved::and).told()
    };
    let whole = together(&parts);
    parts.sort_by(|(a, _), (b, _)| b.size().total_cmp(&a.size()));
    let rest = parts.split_off(parts.len().min(TOLD));
    let parts = parts.into_iter().map(|(moved, row)| WhyPart {
        value: cell(row, dimension),
        now: places.now(row),
        before: places.before(row),
        effects: moved.told(),
    });
    Ok(Why {
        metric: metric.clone(),
        by: by.clone(),
        kind,
        period: total.period,
        compared,
        now,
        before,
        whole,
        parts: parts.collect(),
        others: together(&rest),
        others_count: rest.len(),
        status: total.status,
        is_partial: total.is_partial,
    })
}

fn wrong(field: &str, zh: &str, en: &str) -> crate::error::Error {
    FieldFault::new(field, "value", zh, en).into()
}

fn not_additive(def: &MetricDef) -> crate::error::Error {
    let zh = format!("{}不能按这个维度拆开：各部分合不成它的变化", def.name.zh);
    let en = format!(
        "{} cannot be taken apart by this dimension: its parts do not make up its change",
        def.name.en
    );
    FieldFault::new("by", "value", zh, en).into()
}

/// What is above and what below the line; of a sum, below the line are the
/// records that it adds up.
fn terms(catalog: &Catalog, def: &MetricDef) -> Option<(WhyKind, Measure, Measure)> {
    if let Some(measure) = &def.measure {
        let count = Measure {
            agg: Agg::Count,
            expr: None,
            ..measure.clone()
        };
        if measure.per.is_some() {
            return None;
        }
        return match measure.agg {
            Agg::Sum | Agg::Count => Some((WhyKind::Sum, measure.clone(), count)),
            Agg::Avg => {
                let expr = measure.expr.as_deref()?;
                let there = format!("({expr}) is not null");
                let filter = match &measure.filter {
                    Some(filter) => format!("({filter}) and {there}"),
                    None => there,
                };
                let sum = Measure {
                    agg: Agg::Sum,
                    ..measure.clone()
                };
                let count = Measure {
                    filter: Some(filter),
                    ..count
                };
                Some((WhyKind::Ratio, sum, count))
            }
            _ => None,
        };
    }
    let ratio = def.ratio.as_ref()?;
    let [num, den] = [&ratio.num, &ratio.den].map(|term| match term {
        Term::Measure(measure) => Some((**measure).clone()),
        // Two periods of one question would be four.
        Term::Metric(other) if other.shift.is_some() || other.lag_days != 0 => None,
        Term::Metric(other) => catalog.metrics.get(&other.metric)?.measure.clone(),
    });
    Some((WhyKind::Ratio, num?, den?))
}

fn as_metric(def: &MetricDef, id: &str, measure: Measure) -> MetricDef {
    MetricDef {
        id: id.to_owned(),
        measure: Some(measure),
        ratio: None,
        cohort: None,
        examples: Vec::new(),
        ..def.clone()
    }
}

/// Where in a row what stands.
struct Places {
    metric: [Option<usize>; 2],
    num: [Option<usize>; 2],
    den: [Option<usize>; 2],
}

impl Places {
    fn of(answer: &Answer, metric: &str, num: &str, den: &str) -> Places {
        let at: BTreeMap<&str, usize> = (answer.columns.iter().enumerate())
            .map(|(at, column)| (column.name.as_str(), at))
            .collect();
        let both = |name: &str| {
            let before = format!("{name}_previous");
            [name, before.as_str()].map(|name| at.get(name).copied())
        };
        Places {
            metric: both(metric),
            num: both(num),
            den: both(den),
        }
    }

    fn now(&self, row: &[Value]) -> Value {
        cell(row, self.metric[NOW])
    }

    fn before(&self, row: &[Value]) -> Value {
        cell(row, self.metric[BEFORE])
    }

    fn sizes(&self, row: &[Value]) -> Sizes {
        Sizes {
            num: self.num.map(|at| number(&cell(row, at))),
            den: self.den.map(|at| number(&cell(row, at))),
        }
    }
}

fn cell(row: &[Value], at: Option<usize>) -> Value {
    at.and_then(|at| row.get(at))
        .cloned()
        .unwrap_or(Value::Null)
}

/// In ten-thousandths; of no records the sum is nothing.
fn number(value: &Value) -> i128 {
    match value {
        Value::Int(n) => i128::from(*n) * i128::from(UNIT),
        Value::Decimal(d) => i128::from(d.units()),
        Value::Float(f) => (f * UNIT as f64).round() as i128,
        _ => 0,
    }
}

/// `a × b / c`, half away from zero.
fn times_over(a: i128, b: i128, c: i128) -> Option<i128> {
    let product = a.checked_mul(b)?;
    let half = c.abs() / 2;
    let sign = if product < 0 { -1 } else { 1 };
    product.checked_add(sign * half)?.checked_div(c)
}

/// What one part did to a sum; whatever cannot be told apart is rate.
fn of_sum(part: Sizes, all: Sizes) -> Moved {
    let change = part.num[NOW] - part.num[BEFORE];
    let effects = || {
        let growth = all.den[NOW] - all.den[BEFORE];
        let volume = times_over(part.num[BEFORE], growth, all.den[BEFORE])?;
        // What is new is taken to have come in at the mean of all.
        let mean = if part.den[BEFORE] == 0 { all } else { part };
        let as_now = times_over(part.den[NOW], mean.num[BEFORE], mean.den[BEFORE])?;
        let as_before = times_over(part.num[BEFORE], all.den[NOW], all.den[BEFORE])?;
        Some((volume, as_now - as_before))
    };
    let (volume, mix) = effects().unwrap_or_default();
    Moved::Sum([change, volume, mix, change - volume - mix])
}

/// What one part did to a quotient.
fn of_ratio(part: Sizes, all: Sizes) -> Moved {
    let over = |a: i128, b: i128| (b != 0).then(|| a as f64 / b as f64);
    let effects = || {
        let ratio = over(all.num[BEFORE], all.den[BEFORE])?;
        let weight = |at: usize| over(part.den[at], all.den[at]);
        let (now, before) = (weight(NOW)?, weight(BEFORE)?);
        let moved = over(part.num[NOW], all.den[NOW])? - over(part.num[BEFORE], all.den[BEFORE])?;
        let change = moved - ratio * (now - before);
        let own = |at: usize| over(part.num[at], part.den[at]);
        let mix = match (own(BEFORE), own(NOW)) {
            (Some(own), _) => (now - before) * (own - ratio),
            (None, Some(own)) => now * (own - ratio),
            (None, None) => 0.0,
        };
        Some((change, mix))
    };
    let (change, mix) = effects().unwrap_or_default();
    Moved::Ratio([change, 0.0, mix, change - mix])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(num: [i64; 2], den: [i64; 2]) -> Sizes {
        Sizes {
            num: num.map(i128::from),
            den: den.map(i128::from),
        }
    }

    /// Two products, worked out by hand: 10 at 5 and 10 at 15 become 24 at 5
    /// and 6 at 20.
    #[test]
    fn a_sum_moves_by_volume_mix_and_rate() {
        let (a, b) = (sizes([120, 50], [24, 10]), sizes([120, 150], [6, 10]));
        let all = a.and(b);
        // Half as many again: 25 and 75; then 9 more of the cheap ones and 9
        // fewer of the dear ones; then the dear ones 5 dearer.
        assert_eq!(of_sum(a, all), Moved::Sum([70, 25, 45, 0]));
        assert_eq!(of_sum(b, all), Moved::Sum([-30, 75, -135, 30]));
        let told = of_sum(a, all).and(of_sum(b, all)).told();
        assert_eq!(told.change, Value::Decimal(Decimal::from_units(40)));
    }

    #[test]
    fn what_is_new_or_gone_is_mix() {
        let all = sizes([300, 200], [30, 20]);
        let new = of_sum(sizes([100, 0], [10, 0]), all);
        assert_eq!(new, Moved::Sum([100, 0, 100, 0]));
        let gone = of_sum(sizes([0, 100], [0, 10]), all);
        assert_eq!(gone, Moved::Sum([-100, 50, -150, 0]));
    }

    /// 10 of 100 and 40 of 100 become 12 of 150 and 20 of 50: the quotient of
    /// all falls from 25 to 16 per cent.
    #[test]
    fn a_quotient_moves_by_mix_and_rate() {
        let (a, b) = (sizes([12, 10], [150, 100]), sizes([20, 40], [50, 100]));
        let all = a.and(b);
        let near = |moved: Moved, wanted: [f64; 4]| match moved {
            Moved::Ratio(all) => (all.iter().zip(wanted)).all(|(a, b)| (a - b).abs() < 1e-12),
            Moved::Sum(_) => false,
        };
        // A quarter of all is another part now, 15 points below or above the
        // mean; then 10 per cent became 8.
        assert!(near(of_ratio(a, all), [-0.0525, 0.0, -0.0375, -0.015]));
        assert!(near(of_ratio(b, all), [-0.0375, 0.0, -0.0375, 0.0]));
    }

    #[test]
    fn parts_make_up_the_whole_whatever_they_are() {
        // A cheap generator is enough: what is added up has to be exact.
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            i64::try_from((state >> 33) % below).unwrap_or_default()
        };
        for _ in 0..500 {
            let parts: Vec<Sizes> = (0..1 + next(6))
                .map(|_| sizes([next(900), next(900)], [next(9), next(9)]))
                .collect();
            let all = parts.iter().copied().fold(Sizes::default(), Sizes::and);
            let sum = |kind: WhyKind, of: fn(Sizes, Sizes) -> Moved| {
                let each = parts.iter().map(|part| of(*part, all));
                each.fold(Moved::nothing(kind), Moved::and)
            };
            let Moved::Sum([change, volume, mix, rate]) = sum(WhyKind::Sum, of_sum) else {
                panic!("not a sum");
            };
            assert_eq!(change, all.num[NOW] - all.num[BEFORE]);
            assert_eq!(volume + mix + rate, change);
            if all.den.iter().all(|den| *den != 0) {
                let Moved::Ratio([change, _, mix, rate]) = sum(WhyKind::Ratio, of_ratio) else {
                    panic!("not a quotient");
                };
                let over = |at: usize| all.num[at] as f64 / all.den[at] as f64;
                assert!((change - (over(NOW) - over(BEFORE))).abs() < 1e-9);
                assert!((mix + rate - change).abs() < 1e-9);
            }
        }
    }
}

//! Relations between metrics: how their months move together, at once or
//! one some months behind the other. Correlated is not caused, and nothing is
//! said of too few months.

use jiff::civil::Date;
use keji_models::correlation::{self, Correlation};
use keji_models::interval::USUAL_LEVEL;
use keji_schema::calendar::{Grain, Period};
use keji_schema::question::Question;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{answered, number, past_of};
use crate::context::App;
use crate::error::{FieldFault, Result};
use crate::permission::Caller;

/// Months that are looked back on.
const MONTHS: usize = 36;
/// Months that one may be behind the other.
const LAGS: i32 = 6;
/// More than one reads in a table of pairs.
const MOST: usize = 6;

/// Which metrics are to be related.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationsQuestion {
    /// Two to six, told by month.
    pub metrics: Vec<String>,
    /// An expression over dimensions.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    #[serde(default)]
    pub method: RelationMethod,
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelationMethod {
    /// Of the values.
    Pearson,
    /// Of their ranks.
    #[default]
    Spearman,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Relations {
    pub period: Period,
    pub method: RelationMethod,
    /// Each two of the metrics.
    pub pairs: Vec<RelatedPair>,
    /// Whether the caller sees a part of the records only.
    pub is_partial: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedPair {
    pub first: String,
    pub second: String,
    /// From six months before to six after.
    pub lags: Vec<AtLag>,
    /// The lag with the strongest correlation; none where there is no number.
    pub strongest: Option<i32>,
    /// Whether its interval leaves out zero, with all lags tried counted in.
    pub is_clear: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AtLag {
    /// The second metric so many months after the first.
    pub months: i32,
    /// Absent where there are too few months to say.
    pub found: Option<RelationFound>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RelationFound {
    pub r: f64,
    /// Of 95 %.
    pub low: f64,
    pub high: f64,
    /// Months that both have.
    pub n: usize,
}

/// The monthly series of two to six metrics, each two related at every lag.
pub async fn relations(
    app: &App,
    caller: &Caller,
    question: &RelationsQuestion,
) -> Result<Relations> {
    check(app, question)?;
    let calendar = &app.catalog.calendar;
    let to = calendar.start_of(Grain::Month, question.as_of);
    let mut from = to;
    for _ in 0..MONTHS {
        from = calendar.previous(Grain::Month, from);
    }
    let mut series = Vec::new();
    let mut is_partial = false;
    for metric in &question.metrics {
        let asked = Question {
            metrics: vec![metric.clone()],
            grain: Some(Grain::Month),
            from: Some(from),
            to: Some(to),
            filter: question.filter.clone(),
            as_of: Some(question.as_of),
            ..Question::default()
        };
        let (answer, first) = answered(app, caller, &asked).await?;
        is_partial |= answer.is_partial;
        let known = first.map(|day| calendar.start_of(Grain::Month, day));
        let past = past_of(&answer, metric, known);
        // By the calendar, so that the months of two series meet.
        let months = calendar.periods(Grain::Month, Period { from, to });
        let of_month = |month: &Period| {
            let found = past.iter().find(|(day, _)| *day == month.from);
            found.and_then(|(_, value)| number(value))
        };
        series.push(months.iter().map(of_month).collect::<Vec<Option<f64>>>());
    }
    let mut pairs = Vec::new();
    for (i, first) in question.metrics.iter().enumerate() {
        for (j, second) in question.metrics.iter().enumerate().skip(i + 1) {
            let (lags, strongest, is_clear) = related(question.method, &series[i], &series[j])?;
            pairs.push(RelatedPair {
                first: first.clone(),
                second: second.clone(),
                lags,
                strongest,
                is_clear,
            });
        }
    }
    Ok(Relations {
        period: Period { from, to },
        method: question.method,
        pairs,
        is_partial,
    })
}

fn check(app: &App, question: &RelationsQuestion) -> Result<()> {
    let fault = |zh: String, en: String| -> Result<()> {
        Err(FieldFault::new("metrics", "value", zh, en).into())
    };
    let metrics = &question.metrics;
    let is_twice = (1..metrics.len()).any(|i| metrics[..i].contains(&metrics[i]));
    if !(2..=MOST).contains(&metrics.len()) || is_twice {
        return fault(
            format!("要 2 到 {MOST} 个不同的指标"),
            format!("it takes 2 to {MOST} different metrics"),
        );
    }
    for id in metrics {
        let metric = app.catalog.metric(id)?;
        if metric.cohort.is_some() || metric.grain_min > Grain::Month {
            return fault(
                format!("{}不能按月给出，不能和别的指标比", metric.name.zh),
                format!(
                    "{} is not told by month, so it cannot be related",
                    metric.name.en
                ),
            );
        }
    }
    Ok(())
}

fn related(
    method: RelationMethod,
    x: &[Option<f64>],
    y: &[Option<f64>],
) -> Result<(Vec<AtLag>, Option<i32>, bool)> {
    let method = match method {
        RelationMethod::Pearson => correlation::Method::Pearson,
        RelationMethod::Spearman => correlation::Method::Spearman,
    };
    let mut lags = Vec::new();
    let mut strongest: Option<(i32, f64)> = None;
    for months in -LAGS..=LAGS {
        let found = correlation::lagged(method, x, y, months, USUAL_LEVEL)?;
        if let Some(Correlation { r, .. }) = found
            && strongest.is_none_or(|(_, best)| r.abs() > best.abs())
        {
            strongest = Some((months, r));
        }
        let found = found.map(|c| RelationFound {
            r: c.r,
            low: c.interval.low,
            high: c.interval.high,
            n: c.n,
        });
        lags.push(AtLag { months, found });
    }
    let strongest = strongest.map(|(months, _)| months);
    // Who tries thirteen lags finds one by chance; each is held to more.
    let tried = f64::from(2 * LAGS + 1);
    let level = 1.0 - (1.0 - USUAL_LEVEL) / tried;
    let strict = match strongest {
        Some(months) => correlation::lagged(method, x, y, months, level)?,
        None => None,
    };
    let is_clear = strict.is_some_and(|c| !c.interval.contains(0.0));
    Ok((lags, strongest, is_clear))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_lag_is_found_and_chance_is_not_clear() {
        let x: Vec<Option<f64>> = [
            3, 8, 8, 2, 9, 1, 1, 7, 6, 4, 0, 5, 9, 2, 6, 3, 7, 5, 2, 8, 1, 4, 9, 0,
        ]
        .map(|n| Some(f64::from(n)))
        .to_vec();
        let mut y = vec![None, None, None];
        y.extend(&x[..21]);
        let (lags, strongest, is_clear) = related(RelationMethod::Spearman, &x, &y).unwrap();
        assert_eq!((lags.len(), strongest, is_clear), (13, Some(3), true));
        let at = lags.iter().find(|lag| lag.months == 3).unwrap();
        assert!((at.found.as_ref().unwrap().r - 1.0).abs() < 1e-12);
        let noise: Vec<Option<f64>> = [
            5, 1, 6, 6, 2, 9, 4, 3, 8, 5, 0, 7, 7, 1, 3, 9, 2, 6, 8, 4, 0, 3, 5, 1,
        ]
        .map(|n| Some(f64::from(n)))
        .to_vec();
        let (_, strongest, is_clear) = related(RelationMethod::Pearson, &x, &noise).unwrap();
        assert!(strongest.is_some() && !is_clear);
        let (lags, strongest, is_clear) =
            related(RelationMethod::Pearson, &x[..7], &y[..7]).unwrap();
        assert!(lags.iter().all(|lag| lag.found.is_none()));
        assert_eq!((strongest, is_clear), (None, false));
    }
}

//! Kaplan-Meier: the share that goes on beyond each time, with bands, median and restricted mean.
//! Must not compare groups; [`super::log_rank`] does.
//!
//! With d events among n at risk at each time (Kaplan & Meier 1958, JASA 53:457-481):
//! S(t) = product of (1 - d/n), and by Greenwood Var S = S^2 sum of d / (n (n-d)).
//!
//! | band | limits | use |
//! |---|---|---|
//! | [`Band::LogLog`] | S^exp(+-z s), s = sqrt(sum d/(n(n-d))) / ln S | always inside (0, 1), good from about 25 customers |
//! | [`Band::Greenwood`] | S +- z S sqrt(sum), cut at 0 and 1 | for comparison with other software |
//!
//! Do not believe the right end where few are still at risk: look at [`Step::n_at_risk`]. Censoring must have nothing
//! to do with the event (a customer deleted because about to leave breaks every number here).
//!
//! ```
//! use keji_models::interval::USUAL_LEVEL;
//! use keji_models::survival::{Lifetimes, kaplan_meier::{self, Band}};
//! // Months of six contracts, three of them still running.
//! let contracts = Lifetimes::new(
//!     &[3.0, 5.0, 5.0, 8.0, 12.0, 12.0],
//!     &[true, true, false, true, false, false],
//! )?;
//! let curve = kaplan_meier::estimate(&contracts, Band::LogLog, USUAL_LEVEL)?;
//! // 5/6 after the first, 4/5 of that after the second, 2/3 of that after the third.
//! assert!((curve.survival_at(8.0).unwrap() - 5.0 / 6.0 * 4.0 / 5.0 * 2.0 / 3.0).abs() < 1e-15);
//! // Half have ended by month 8; six contracts cannot say how late that might be, and nobody knows beyond month 12.
//! let median = curve.quantile(0.5)?;
//! assert_eq!((median.value, median.high), (Some(8.0), None));
//! assert_eq!(curve.survival_at(13.0), None);
//! # Ok::<(), keji_models::Error>(())
//! ```

use super::Lifetimes;
use crate::error::{Error, Result};
use crate::interval::{Interval, critical};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Band {
    LogLog,
    Greenwood,
}

/// The curve falls at this time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub time: f64,
    /// Just before.
    pub n_at_risk: usize,
    pub n_events: usize,
    /// From here until the next step.
    pub survival: f64,
    /// Greenwood.
    pub std_error: f64,
    /// For each time by itself, not for the curve as a whole. `None` once nobody is left.
    pub interval: Option<Interval>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct KaplanMeier {
    /// One per time with an event, ascending; none when there was no event.
    pub steps: Vec<Step>,
    pub n: usize,
    pub n_events: usize,
    /// Latest exit: nothing is known beyond it.
    pub last_time: f64,
    pub level: f64,
    /// With late entry: the curve fell to 0 at this time although others were observed later. Start it at a time
    /// when enough are at risk, by leaving out earlier exits.
    pub emptied_at: Option<f64>,
}

/// A time by which some share had the event. `None` where the curve, or its band, does not fall that far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Expected time within a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestrictedMean {
    pub mean: f64,
    pub std_error: f64,
    pub interval: Interval,
}

/// Estimates the curve. Cost: n ln n.
pub fn estimate(lifetimes: &Lifetimes, band: Band, level: f64) -> Result<KaplanMeier> {
    let z = critical(level)?;
    let (mut survival, mut sum) = (1.0, 0.0);
    let mut steps: Vec<Step> = Vec::new();
    let last_time = lifetimes.exit.iter().fold(0.0, |most: f64, t| most.max(*t));
    let mut emptied_at = None;
    for at in lifetimes.risk_table() {
        let (n, d) = (at.n_at_risk as f64, at.n_events as f64);
        if emptied_at.is_some() {
            break;
        }
        survival *= (n - d) / n;
        if at.n_events == at.n_at_risk {
            emptied_at = Some(at.time);
        } else {
            sum += d / (n * (n - d));
        }
        let std_error = survival * f64::sqrt(sum);
        steps.push(Step {
            time: at.time,
            n_at_risk: at.n_at_risk,
            n_events: at.n_events,
            survival,
            std_error,
            interval: (survival > 0.0).then(|| match band {
                Band::Greenwood => Interval::around(survival, z * std_error).within(0.0, 1.0),
                Band::LogLog => {
                    let log: f64 = survival.ln();
                    let reach = z * sum.sqrt() / -log;
                    Interval {
                        low: (log * reach.exp()).exp(),
                        high: (log * (-reach).exp()).exp(),
                    }
                }
            }),
        });
    }
    Ok(KaplanMeier {
        steps,
        n: lifetimes.n(),
        n_events: lifetimes.n_events(),
        last_time,
        level,
        emptied_at: emptied_at.filter(|&time| time < last_time),
    })
}

impl KaplanMeier {
    /// S(t), `None` before 0 and beyond what was observed.
    pub fn survival_at(&self, time: f64) -> Option<f64> {
        self.step_at(time)
            .map(|step| step.map_or(1.0, |s| s.survival))
    }

    /// The band at a time; `None` where [`Self::survival_at`] is `None`, before the first event and after the last
    /// customer.
    pub fn interval_at(&self, time: f64) -> Option<Interval> {
        self.step_at(time)??.interval
    }

    /// First time by which `share` had the event, with the times where the band crosses the same line
    /// (Brookmeyer & Crowley 1982, Biometrics 38:29-41). 0.5 gives the median.
    pub fn quantile(&self, share: f64) -> Result<Quantile> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::OutOfRange {
                name: "share",
                value: share,
            });
        }
        // A product of fractions that should be equal to the line may lie a rounding above it.
        let line = (1.0 - share) * (1.0 + 1e-12);
        let first = |value: fn(&Step) -> f64| {
            let step = self.steps.iter().find(|step| value(step) <= line);
            step.map(|step| step.time)
        };
        Ok(Quantile {
            value: first(|step| step.survival),
            low: first(|step| step.interval.map_or(0.0, |band| band.low)),
            // Nobody is left, yet the last band was above the line: the upper limit is not known.
            high: first(|step| step.interval.map_or(f64::INFINITY, |band| band.high)),
        })
    }

    /// The area under the curve up to `limit`: expected time when nobody is followed for longer.
    ///
    /// Var = sum of A^2 d/(n(n-d)), A the area from each event time to the limit (Klein & Moeschberger 2003, section
    /// 4.5). Fails when the limit is not above 0 or lies beyond the last exit while some are left.
    pub fn restricted_mean(&self, limit: f64) -> Result<RestrictedMean> {
        let z = critical(self.level)?;
        let is_known = limit <= self.last_time || self.survival_at(self.last_time) == Some(0.0);
        if !(limit > 0.0 && limit.is_finite() && is_known) {
            return Err(Error::Horizon(limit));
        }
        let within: Vec<&Step> = self
            .steps
            .iter()
            .take_while(|step| step.time < limit)
            .collect();
        let (mut area, mut variance, mut until) = (0.0, 0.0, limit);
        for step in within.iter().rev() {
            area += step.survival * (until - step.time);
            until = step.time;
            if step.n_events < step.n_at_risk {
                let (n, d) = (step.n_at_risk as f64, step.n_events as f64);
                variance += area * area * d / (n * (n - d));
            }
        }
        let mean = area + until;
        let std_error = f64::sqrt(variance);
        Ok(RestrictedMean {
            mean,
            std_error,
            interval: Interval::around(mean, z * std_error).within(0.0, limit),
        })
    }

    /// Outer `None`: unknown. Inner `None`: before the first event.
    fn step_at(&self, time: f64) -> Option<Option<&Step>> {
        let last = self.steps.last();
        let is_over = last.is_some_and(|step| step.survival == 0.0 && time >= step.time);
        if !(time >= 0.0 && (time <= self.last_time || is_over)) {
            return None;
        }
        let n_before = self.steps.partition_point(|step| step.time <= time);
        Some(n_before.checked_sub(1).and_then(|i| self.steps.get(i)))
    }
}

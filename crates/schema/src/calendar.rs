//! The calendar: which civil day an instant belongs to, and where days, weeks,
//! months, quarters and years begin. Periods are half-open, `[from, to)`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

#[derive(Debug, Clone)]
pub struct Calendar {
    pub zone: TimeZone,
    pub week_start: Weekday,
}

impl Default for Calendar {
    /// Shanghai, weeks from Monday. Fixed at +08:00 there is no ambiguity.
    fn default() -> Self {
        Calendar {
            zone: TimeZone::get("Asia/Shanghai")
                .unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8))),
            week_start: Weekday::Monday,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Grain {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// `[from, to)` in civil days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Period {
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub from: Date,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub to: Date,
}

impl Period {
    pub fn n_days(self) -> i32 {
        days_between(self.from, self.to)
    }
}

/// Whole days from `a` to `b`; negative when `b` is earlier.
pub fn days_between(a: Date, b: Date) -> i32 {
    epoch_days(b) - epoch_days(a)
}

/// Days since 1970-01-01, as Arrow's Date32 counts them.
pub fn epoch_days(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    let span = epoch
        .until(date)
        .expect("two dates differ by a span of days");
    span.get_days()
}

/// The inverse of [`epoch_days`]; `None` outside the years −9999 to 9999.
pub fn from_epoch_days(days: i32) -> Option<Date> {
    Date::constant(1970, 1, 1)
        .checked_add(i64::from(days).days())
        .ok()
}

impl Calendar {
    pub fn day_of(&self, instant: Timestamp) -> Date {
        instant.to_zoned(self.zone.clone()).date()
    }

    /// A date and time that came without a zone is civil time here.
    pub fn instant_of(&self, civil: DateTime) -> Result<Timestamp> {
        civil
            .to_zoned(self.zone.clone())
            .map(|z| z.timestamp())
            .map_err(|_| Error::Value {
                text: civil.to_string(),
                wanted: "date and time",
            })
    }

    /// First day of the period of this grain that holds `date`.
    pub fn start_of(&self, grain: Grain, date: Date) -> Date {
        match grain {
            Grain::Day => date,
            Grain::Week => {
                let back = date.weekday().since(self.week_start);
                shift(date, i64::from(back).days(), false)
            }
            Grain::Month => date.first_of_month(),
            Grain::Quarter => {
                let month = (date.month() - 1) / 3 * 3 + 1;
                Date::constant(date.year(), month, 1)
            }
            Grain::Year => date.first_of_year(),
        }
    }

    /// First day of the period after the one that starts at `start`.
    pub fn next(&self, grain: Grain, start: Date) -> Date {
        shift(start, grain.span(), true)
    }

    /// First day of the period before the one that starts at `start`.
    pub fn previous(&self, grain: Grain, start: Date) -> Date {
        shift(start, grain.span(), false)
    }

    /// Every period of the grain that touches `span`, whole, in order.
    pub fn periods(&self, grain: Grain, span: Period) -> Vec<Period> {
        let mut all = Vec::new();
        let mut from = self.start_of(grain, span.from);
        while from < span.to {
            let to = self.next(grain, from);
            all.push(Period { from, to });
            from = to;
        }
        all
    }
}

impl Grain {
    pub fn span(self) -> Span {
        match self {
            Grain::Day => 1.day(),
            Grain::Week => 1.week(),
            Grain::Month => 1.month(),
            Grain::Quarter => 3.months(),
            Grain::Year => 1.year(),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Quarter => "quarter",
            Grain::Year => "year",
        }
    }
}

fn shift(date: Date, span: Span, forward: bool) -> Date {
    let moved = if forward {
        date.checked_add(span)
    } else {
        date.checked_sub(span)
    };
    moved.unwrap_or(if forward { Date::MAX } else { Date::MIN })
}

//! The calendar: which civil day an instant belongs to, and where days, weeks,
//! months, quarters and years begin. Periods are half-open, `[from, to)`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
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

/// Whether an instant is of the years 1 to 9999: what both stores keep, and
/// what is written with four digits.
pub fn is_kept(at: Timestamp) -> bool {
    (1..=9999).contains(&at.to_zoned(TimeZone::UTC).year())
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
    let span = Span::new().try_days(days).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

/// `definitions/calendar.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarDef {
    /// A zone of the IANA database, such as `Asia/Shanghai`.
    pub zone: String,
    pub week_start: WeekStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekStart {
    Monday,
    Saturday,
    Sunday,
}

impl CalendarDef {
    pub fn calendar(&self) -> Result<Calendar> {
        Ok(Calendar {
            zone: TimeZone::get(&self.zone).map_err(|_| Error::Unknown {
                kind: "time zone",
                name: self.zone.clone(),
            })?,
            week_start: match self.week_start {
                WeekStart::Monday => Weekday::Monday,
                WeekStart::Saturday => Weekday::Saturday,
                WeekStart::Sunday => Weekday::Sunday,
            },
        })
    }
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

    /// How many seconds civil time is ahead of UTC at first, and what it is from
    /// each change on, in order. Changes after the year 2100 are left out.
    pub fn offsets(&self) -> (i32, Vec<(Timestamp, i32)>) {
        let is_near = |at: Timestamp| at.to_zoned(TimeZone::UTC).year() <= 2100;
        let first = self.zone.to_offset(Timestamp::MIN).seconds();
        let changes = self.zone.following(Timestamp::MIN);
        let changes = changes.map(|change| (change.timestamp(), change.offset().seconds()));
        (first, changes.take_while(|(at, _)| is_near(*at)).collect())
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

    /// The span before `span` over equal elapsed time: periods are moved, not
    /// dates. `span` ends with the last day that is known, so a running period
    /// is shorter than its grain.
    ///
    /// With a grain, the span moves back by as many periods as it touches and
    /// keeps its place in the first and the last of them: the 1st to the 15th
    /// of March become the 1st to the 15th of February, the whole of March the
    /// whole of February, and the 1st to the 30th of March the whole of
    /// February too, which has no more days.
    ///
    /// Without one, the smallest of month, quarter and year decides that begins
    /// with the span and holds it; then whole months; any other span is
    /// followed by the same number of days.
    pub fn span_before(&self, span: Period, grain: Option<Grain>) -> Period {
        let last = shift(span.to, 1.day(), false);
        let holds = |g: &Grain| {
            self.start_of(*g, span.from) == span.from && self.start_of(*g, last) == span.from
        };
        let is_whole = |g: &Grain| {
            self.start_of(*g, span.from) == span.from && self.start_of(*g, span.to) == span.to
        };
        let grain = grain
            .or_else(|| {
                [Grain::Month, Grain::Quarter, Grain::Year]
                    .into_iter()
                    .find(holds)
            })
            .or_else(|| Some(Grain::Month).filter(is_whole))
            .unwrap_or(Grain::Day);
        let n = self.periods(grain, span).len();
        let back = |day: Date| match grain {
            Grain::Day => shift(day, (n as i64).days(), false),
            Grain::Week => shift(day, (n as i64).weeks(), false),
            Grain::Month => shift(day, (n as i64).months(), false),
            Grain::Quarter => shift(day, (3 * n as i64).months(), false),
            Grain::Year => shift(day, (n as i64).years(), false),
        };
        // Whole months stay whole inside a quarter or a year as well.
        let step = if grain > Grain::Month {
            Grain::Month
        } else {
            grain
        };
        let to = if self.start_of(step, span.to) == span.to {
            back(span.to)
        } else {
            shift(back(last), 1.day(), true)
        };
        Period {
            from: back(span.from),
            to,
        }
    }

    /// The same span a year before, over equal elapsed time. With the grain
    /// week it is the same ISO weeks of the year before (week 53 becomes week
    /// 52); otherwise the same days, where a 29 February becomes the 28th and
    /// whole months stay whole.
    pub fn span_year_before(&self, span: Period, grain: Option<Grain>) -> Period {
        let back = |day: Date| match grain {
            Some(Grain::Week) if self.week_start == Weekday::Monday => {
                let week = day.iso_week_date();
                let at = |n| ISOWeekDate::new(week.year() - 1, n, week.weekday());
                at(week.week())
                    .or_else(|_| at(52))
                    .map_or(Date::MIN, ISOWeekDate::date)
            }
            Some(Grain::Week) => shift(day, 52.weeks(), false),
            _ => shift(day, 1.year(), false),
        };
        let is_whole =
            |day: Date| grain != Some(Grain::Week) && self.start_of(Grain::Month, day) == day;
        let to = if is_whole(span.from) && is_whole(span.to) {
            back(span.to)
        } else {
            shift(back(shift(span.to, 1.day(), false)), 1.day(), true)
        };
        Period {
            from: back(span.from),
            to,
        }
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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn period(text: &str) -> Period {
        let (from, to) = text.split_once("..").unwrap();
        Period {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }
    }

    fn shown(period: Period) -> String {
        format!("{}..{}", period.from, period.to)
    }

    #[test]
    fn days_count_from_the_epoch() {
        assert_eq!(epoch_days(date(1970, 1, 1)), 0);
        assert_eq!(epoch_days(date(1969, 12, 31)), -1);
        assert_eq!(epoch_days(date(2024, 3, 1)), 19_783);
        assert_eq!(from_epoch_days(19_783), Some(date(2024, 3, 1)));
        assert_eq!(from_epoch_days(i32::MAX), None);
        assert_eq!(days_between(date(2024, 2, 1), date(2024, 3, 1)), 29);
    }

    #[test]
    fn an_instant_has_the_civil_day_of_the_zone() {
        let calendar = Calendar::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            calendar.day_of(at("2024-02-29T15:59:59Z")),
            date(2024, 2, 29)
        );
        assert_eq!(
            calendar.day_of(at("2024-02-29T16:00:00Z")),
            date(2024, 3, 1)
        );
        let civil = date(2024, 3, 1).at(0, 0, 0, 0);
        assert_eq!(
            calendar.instant_of(civil).unwrap(),
            at("2024-02-29T16:00:00Z")
        );
    }

    #[test]
    fn periods_begin_where_the_calendar_says() {
        let calendar = Calendar::default();
        for (grain, start, next) in [
            (Grain::Day, date(2024, 2, 29), date(2024, 3, 1)),
            (Grain::Week, date(2024, 2, 26), date(2024, 3, 4)),
            (Grain::Month, date(2024, 2, 1), date(2024, 3, 1)),
            (Grain::Quarter, date(2024, 1, 1), date(2024, 4, 1)),
            (Grain::Year, date(2024, 1, 1), date(2025, 1, 1)),
        ] {
            assert_eq!(
                calendar.start_of(grain, date(2024, 2, 29)),
                start,
                "{grain:?}"
            );
            assert_eq!(calendar.next(grain, start), next, "{grain:?}");
            assert_eq!(calendar.previous(grain, next), start, "{grain:?}");
        }
        let sunday = Calendar {
            week_start: Weekday::Sunday,
            ..Calendar::default()
        };
        assert_eq!(
            sunday.start_of(Grain::Week, date(2024, 3, 2)),
            date(2024, 2, 25)
        );
        assert_eq!(
            sunday.start_of(Grain::Week, date(2024, 3, 3)),
            date(2024, 3, 3)
        );
    }

    #[test]
    fn a_span_touches_whole_periods() {
        let calendar = Calendar::default();
        let list = |grain, span: &str| {
            let all = calendar.periods(grain, period(span));
            all.into_iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            list(Grain::Month, "2024-01-31..2024-02-02"),
            "2024-01-01..2024-02-01 2024-02-01..2024-03-01"
        );
        assert_eq!(
            list(Grain::Month, "2024-01-01..2024-02-01"),
            "2024-01-01..2024-02-01"
        );
        assert_eq!(
            list(Grain::Week, "2024-03-03..2024-03-05"),
            "2024-02-26..2024-03-04 2024-03-04..2024-03-11"
        );
        assert_eq!(list(Grain::Day, "2024-02-28..2024-02-28"), "");
    }

    #[test]
    fn the_span_before_has_the_same_elapsed_time() {
        let calendar = Calendar::default();
        for (grain, span, before) in [
            // A running month: the same first days.
            (None, "2024-03-01..2024-03-16", "2024-02-01..2024-02-16"),
            // A whole one: the whole one before, longer or shorter.
            (None, "2024-03-01..2024-04-01", "2024-02-01..2024-03-01"),
            (None, "2023-02-01..2023-03-01", "2023-01-01..2023-02-01"),
            // Thirty days do not fit into February.
            (None, "2024-03-01..2024-03-31", "2024-02-01..2024-03-01"),
            (None, "2023-03-01..2023-03-31", "2023-02-01..2023-03-01"),
            // Quarter and year to date, whole months kept whole.
            (None, "2024-04-01..2024-05-11", "2024-01-01..2024-02-11"),
            (None, "2024-01-01..2024-03-01", "2023-10-01..2023-12-01"),
            (None, "2024-01-01..2024-11-21", "2023-01-01..2023-11-21"),
            (None, "2024-01-01..2025-01-01", "2023-01-01..2024-01-01"),
            // Five whole months, and days that are no month.
            (None, "2024-02-01..2024-07-01", "2023-09-01..2024-02-01"),
            (None, "2024-03-11..2024-03-21", "2024-03-01..2024-03-11"),
            (
                Some(Grain::Week),
                "2024-03-04..2024-03-07",
                "2024-02-26..2024-02-29",
            ),
            (
                Some(Grain::Month),
                "2024-01-01..2024-03-16",
                "2023-10-01..2023-12-16",
            ),
            (
                Some(Grain::Year),
                "2024-01-01..2024-03-01",
                "2023-01-01..2023-03-01",
            ),
        ] {
            assert_eq!(
                shown(calendar.span_before(period(span), grain)),
                before,
                "{span}"
            );
        }
    }

    #[test]
    fn the_year_before_keeps_its_months_and_weeks() {
        let calendar = Calendar::default();
        for (grain, span, before) in [
            (None, "2024-02-01..2024-03-01", "2023-02-01..2023-03-01"),
            (None, "2025-02-01..2025-03-01", "2024-02-01..2024-03-01"),
            (None, "2024-02-29..2024-03-01", "2023-02-28..2023-03-01"),
            (None, "2025-02-28..2025-03-01", "2024-02-28..2024-02-29"),
            (None, "2024-02-10..2024-03-01", "2023-02-10..2023-03-01"),
            (None, "2024-03-01..2024-03-16", "2023-03-01..2023-03-16"),
            // ISO week 10; week 53 has no counterpart and takes week 52.
            (
                Some(Grain::Week),
                "2024-03-04..2024-03-11",
                "2023-03-06..2023-03-13",
            ),
            (
                Some(Grain::Week),
                "2020-12-28..2021-01-04",
                "2019-12-23..2019-12-30",
            ),
        ] {
            assert_eq!(
                shown(calendar.span_year_before(period(span), grain)),
                before,
                "{span}"
            );
        }
    }
}

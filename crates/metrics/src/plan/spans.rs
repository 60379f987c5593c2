//! The periods of a question and those it is compared with. Civil days only;
//! it must not know metrics.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use keji_schema::Calendar;
use keji_schema::calendar::{Grain, Period, days_between, epoch_days};
use keji_schema::question::Compare;

use crate::error::Result;
use crate::plan::source::question;

/// A run of periods and the days of it that are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The days whose facts count: what was asked, cut at `as_of`.
    pub seen: Period,
    /// Whole periods of the grain, in order; without a grain the one asked for.
    pub periods: Vec<Period>,
}

impl Span {
    pub fn new(calendar: &Calendar, grain: Option<Grain>, asked: Period, as_of: Date) -> Self {
        let to = asked.to.min(as_of).max(asked.from);
        let seen = Period {
            from: asked.from,
            to,
        };
        let periods = match grain {
            Some(grain) => calendar.periods(grain, seen),
            None => vec![asked],
        };
        Span { seen, periods }
    }

    /// The day before which facts of period `i` count.
    pub fn end(&self, i: usize) -> Date {
        self.periods[i].to.min(self.seen.to)
    }

    fn index_of(&self, start: Date) -> Option<usize> {
        self.periods.binary_search_by_key(&start, |p| p.from).ok()
    }
}

/// The earlier span, and for every period of `now` its counterpart there
/// (`None` where the earlier year has no such day or week).
pub fn compared(
    calendar: &Calendar,
    grain: Option<Grain>,
    compare: Compare,
    now: &Span,
) -> Result<(Span, Vec<Option<usize>>)> {
    let (Some(first), Some(last)) = (now.periods.first(), now.periods.last()) else {
        return Err(question("there is no period to compare".to_owned()));
    };
    let Some(grain) = grain else {
        let seen = earlier(compare, *first, now.seen);
        return Ok((
            Span {
                seen,
                periods: vec![seen],
            },
            vec![Some(0)],
        ));
    };
    let n = now.periods.len();
    let shift = |start: Date| match compare {
        Compare::Previous => Some((0..n).fold(start, |start, _| calendar.previous(grain, start))),
        Compare::Year => year_before(calendar, grain, start),
    };
    // A first day that the earlier year lacks begins with the next that it has.
    let starts: Vec<_> = now.periods.iter().map(|p| shift(p.from)).collect();
    let Some(start) = starts.iter().flatten().min().copied() else {
        return Err(question("the year before has no such period".to_owned()));
    };
    let end = starts.iter().flatten().max().copied().unwrap_or(start);
    let whole = Period {
        from: start,
        to: calendar.next(grain, end),
    };
    let skipped = days_between(first.from, now.seen.from);
    let from = plus(start, skipped).min(calendar.next(grain, start));
    // Equal elapsed time in the period that is still running or cut.
    let to = if now.seen.to >= last.to {
        whole.to
    } else {
        plus(end, days_between(last.from, now.seen.to)).min(whole.to)
    };
    let span = Span {
        seen: Period {
            from,
            to: to.max(from),
        },
        periods: calendar.periods(grain, whole),
    };
    let counterparts = starts
        .iter()
        .map(|s| s.and_then(|s| span.index_of(s)))
        .collect();
    Ok((span, counterparts))
}

/// Without a grain: whole months move by months, anything else by its length
/// in days; a year moves by a year.
fn earlier(compare: Compare, asked: Period, seen: Period) -> Period {
    let elapsed = seen.n_days();
    if compare == Compare::Year {
        let from = minus_months(asked.from, 12);
        let whole = seen.to == asked.to;
        let to = if whole {
            minus_months(asked.to, 12)
        } else {
            plus(from, elapsed)
        };
        return Period { from, to };
    }
    let from = match whole_months(asked) {
        Some(months) => minus_months(asked.from, months),
        None => plus(asked.from, -asked.n_days()),
    };
    let to = if seen.to == asked.to {
        asked.from
    } else {
        plus(from, elapsed).min(asked.from)
    };
    Period { from, to }
}

fn whole_months(p: Period) -> Option<i32> {
    let count = |d: Date| i32::from(d.year()) * 12 + i32::from(d.month());
    (p.from.day() == 1 && p.to.day() == 1 && p.from < p.to).then(|| count(p.to) - count(p.from))
}

fn year_before(calendar: &Calendar, grain: Grain, start: Date) -> Option<Date> {
    match grain {
        Grain::Week if calendar.week_start == Weekday::Monday => {
            let week = start.iso_week_date();
            let before =
                jiff::civil::ISOWeekDate::new(week.year() - 1, week.week(), Weekday::Monday);
            before.ok().map(|w| w.date())
        }
        Grain::Week => Some(plus(start, -364)),
        Grain::Day => {
            let before = Date::new(start.year() - 1, start.month(), start.day());
            before.ok()
        }
        _ => Some(minus_months(start, 12)),
    }
}

fn minus_months(date: Date, months: i32) -> Date {
    date.checked_sub(months.months()).unwrap_or(Date::MIN)
}

pub fn plus(date: Date, days: i32) -> Date {
    let fallback = if days < 0 { Date::MIN } else { Date::MAX };
    date.checked_add(i64::from(days).days()).unwrap_or(fallback)
}

/// A whole number that is the same for all days of one period and different
/// for those of another; the runner computes the same from a column of dates.
pub fn period_key(calendar: &Calendar, grain: Grain, date: Date) -> i32 {
    let (year, month) = (i32::from(date.year()), i32::from(date.month()));
    match grain {
        Grain::Day => epoch_days(date),
        Grain::Week => (epoch_days(date) + week_offset(calendar)) / 7,
        Grain::Month => year * 12 + month,
        Grain::Quarter => year * 4 + (month - 1) / 3,
        Grain::Year => year,
    }
}

/// Days to add to a day's number so that a division by seven counts weeks,
/// never negative: 1970-01-01 was a Thursday, the fourth day from Monday.
pub fn week_offset(calendar: &Calendar) -> i32 {
    let from_monday = i32::from(calendar.week_start.to_monday_zero_offset());
    700_007 + 3 - from_monday
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn span(grain: Option<Grain>, from: Date, to: Date, as_of: Date) -> Span {
        Span::new(&Calendar::default(), grain, Period { from, to }, as_of)
    }

    fn shown(compare: Compare, grain: Option<Grain>, now: &Span) -> String {
        let (span, parts) = compared(&Calendar::default(), grain, compare, now).unwrap();
        format!("{}..{} {parts:?}", span.seen.from, span.seen.to)
    }

    #[test]
    fn the_previous_period_has_the_same_elapsed_time() {
        // A running month: nine days of December against nine of November.
        let now = span(
            None,
            date(2011, 12, 1),
            date(2012, 1, 1),
            date(2011, 12, 10),
        );
        assert_eq!(
            shown(Compare::Previous, None, &now),
            "2011-11-01..2011-11-10 [Some(0)]"
        );
        assert_eq!(
            shown(Compare::Year, None, &now),
            "2010-12-01..2010-12-10 [Some(0)]"
        );
        // A finished one: whole months of different length.
        let now = span(None, date(2011, 3, 1), date(2011, 4, 1), date(2011, 12, 10));
        assert_eq!(
            shown(Compare::Previous, None, &now),
            "2011-02-01..2011-03-01 [Some(0)]"
        );
        // The last day of March has no counterpart in February.
        let now = span(None, date(2011, 3, 1), date(2011, 4, 1), date(2011, 3, 31));
        assert_eq!(
            shown(Compare::Previous, None, &now),
            "2011-02-01..2011-03-01 [Some(0)]"
        );
        // Ten days, then the ten before.
        let now = span(
            None,
            date(2011, 3, 11),
            date(2011, 3, 21),
            date(2011, 12, 10),
        );
        assert_eq!(
            shown(Compare::Previous, None, &now),
            "2011-03-01..2011-03-11 [Some(0)]"
        );
    }

    #[test]
    fn periods_of_a_grain_move_as_periods() {
        let month = Some(Grain::Month);
        let now = span(
            month,
            date(2011, 11, 1),
            date(2012, 1, 1),
            date(2011, 12, 10),
        );
        assert_eq!(
            shown(Compare::Previous, month, &now),
            "2011-09-01..2011-10-10 [Some(0), Some(1)]"
        );
        assert_eq!(
            shown(Compare::Year, month, &now),
            "2010-11-01..2010-12-10 [Some(0), Some(1)]"
        );
        // Week 53 of 2009 begins 2009-12-28; 2008 has no week 53.
        let week = Some(Grain::Week);
        let now = span(week, date(2009, 12, 21), date(2010, 1, 4), date(2011, 1, 1));
        assert_eq!(
            shown(Compare::Year, week, &now),
            "2008-12-15..2008-12-22 [Some(0), None]"
        );
        // The leap day has no counterpart.
        let day = Some(Grain::Day);
        let now = span(day, date(2012, 2, 28), date(2012, 3, 2), date(2013, 1, 1));
        assert_eq!(
            shown(Compare::Year, day, &now),
            "2011-02-28..2011-03-02 [Some(0), None, Some(1)]"
        );
    }

    #[test]
    fn keys_change_where_periods_begin() {
        let calendar = Calendar::default();
        for (grain, a, b) in [
            (Grain::Week, date(2010, 1, 3), date(2010, 1, 4)),
            (Grain::Week, date(1969, 12, 28), date(1969, 12, 29)),
            (Grain::Month, date(2009, 12, 31), date(2010, 1, 1)),
            (Grain::Quarter, date(2010, 3, 31), date(2010, 4, 1)),
            (Grain::Year, date(2009, 12, 31), date(2010, 1, 1)),
        ] {
            let key = |d| period_key(&calendar, grain, d);
            assert_eq!(key(b) - key(a), 1, "{grain:?}");
            assert_eq!(key(a), key(calendar.start_of(grain, a)), "{grain:?}");
        }
    }
}

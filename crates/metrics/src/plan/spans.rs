//! The periods of a question and those it is compared with. Civil days only;
//! it must not know metrics.

use jiff::ToSpan;
use jiff::civil::Date;
use keji_schema::Calendar;
use keji_schema::calendar::{Grain, Period, epoch_days};
use keji_schema::question::Compare;

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
}

/// The earlier span over equal elapsed time, and for every period of `now` its
/// counterpart there.
pub fn compared(
    calendar: &Calendar,
    grain: Option<Grain>,
    compare: Compare,
    now: &Span,
) -> (Span, Vec<Option<usize>>) {
    let seen = match compare {
        Compare::Previous => calendar.span_before(now.seen, grain),
        Compare::Year => calendar.span_year_before(now.seen, grain),
    };
    let Some(grain) = grain else {
        let periods = vec![seen];
        return (Span { seen, periods }, vec![Some(0)]);
    };
    let span = Span {
        seen,
        periods: calendar.periods(grain, seen),
    };
    let all = now.periods.iter().enumerate();
    let counterparts = all.map(|(i, period)| match compare {
        Compare::Previous => (i < span.periods.len()).then_some(i),
        // By the calendar, because years differ by a day or a week.
        Compare::Year => {
            let before = calendar.span_year_before(*period, Some(grain));
            let start = calendar.start_of(grain, before.from);
            span.periods.binary_search_by_key(&start, |p| p.from).ok()
        }
    });
    let counterparts = counterparts.collect();
    (span, counterparts)
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
        let (span, parts) = compared(&Calendar::default(), grain, compare, now);
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
            "2008-12-22..2008-12-29 [Some(0), Some(0)]"
        );
        // The leap day is compared with the 28th.
        let day = Some(Grain::Day);
        let now = span(day, date(2012, 2, 28), date(2012, 3, 2), date(2013, 1, 1));
        assert_eq!(
            shown(Compare::Year, day, &now),
            "2011-02-28..2011-03-02 [Some(0), Some(0), Some(1)]"
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

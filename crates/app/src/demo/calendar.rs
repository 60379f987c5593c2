//! The days that are told about, and how busy each is: working days, Spring
//! Festival, 618, 双11, the end of the year.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// Three years.
pub const N_DAYS: usize = 1_096;

pub struct Days {
    pub n: usize,
    pub dates: Vec<Date>,
    /// Day of the price rise: the first of the month 14 months before the last.
    pub price_rise: f64,
    /// Day from which the North-East's loyalty falls: the first of the month
    /// 8 months before the last.
    pub north_east: f64,
    firms: Season,
    people: Season,
}

/// Elapsed "business time" at the beginning of each day, in average days.
struct Season(Vec<f64>);

impl Days {
    /// The `N_DAYS` days that end with `last_day`.
    pub fn until(last_day: Date) -> Self {
        let back = |n: usize| last_day.checked_sub((n as i64).days()).unwrap_or(Date::MIN);
        let dates: Vec<Date> = (0..N_DAYS).rev().map(back).collect();
        let first = dates[0];
        let month = |months: i64| {
            let day = last_day
                .first_of_month()
                .checked_sub(months.months())
                .unwrap_or(Date::MIN);
            f64::from(keji_schema::calendar::days_between(first, day))
        };
        Days {
            n: N_DAYS,
            price_rise: month(14),
            north_east: month(8),
            firms: Season::of(&dates, busy_firm),
            people: Season::of(&dates, busy_person),
            dates,
        }
    }

    /// Where one is after `gap` average days of business from `day` on; past
    /// the last day the answer is at least `n`.
    pub fn after(&self, is_company: bool, day: f64, gap: f64) -> f64 {
        let season = if is_company {
            &self.firms
        } else {
            &self.people
        };
        season.day_at(season.at(day) + gap)
    }

    /// How far through the last 365 days a day is: 0 before them, 1 at the end.
    pub fn last_year(&self, day: f64) -> f64 {
        let from = self.n as f64 - 365.0;
        ((day - from) / 365.0).clamp(0.0, 1.0)
    }
}

impl Season {
    fn of(dates: &[Date], busy: fn(Date) -> f64) -> Self {
        let weights: Vec<f64> = dates.iter().map(|d| busy(*d)).collect();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut at = Vec::with_capacity(weights.len() + 1);
        let mut total = 0.0;
        for w in weights {
            at.push(total);
            total += w / mean;
        }
        at.push(total);
        Season(at)
    }

    fn at(&self, day: f64) -> f64 {
        let whole = (day as usize).min(self.0.len() - 2);
        let part = day - whole as f64;
        self.0[whole] + part * (self.0[whole + 1] - self.0[whole])
    }

    fn day_at(&self, elapsed: f64) -> f64 {
        let n = self.0.len() - 1;
        if elapsed >= self.0[n] {
            return n as f64;
        }
        let day = self.0.partition_point(|at| *at <= elapsed) - 1;
        day as f64 + (elapsed - self.0[day]) / (self.0[day + 1] - self.0[day])
    }
}

fn busy_firm(date: Date) -> f64 {
    let weekday = match date.weekday() {
        Weekday::Saturday => 0.4,
        Weekday::Sunday => 0.18,
        _ => 1.2,
    };
    let month = [
        0.96, 1.0, 1.12, 1.02, 1.0, 1.04, 0.94, 0.96, 1.06, 1.02, 1.1, 1.28,
    ][date.month() as usize - 1];
    let festival = match days_to_festival(date) {
        -30..=-11 => 1.15,
        -10..=-4 => 0.6,
        -3..=7 => 0.06,
        8..=14 => 0.65,
        _ => 1.0,
    };
    let holiday = match (date.month(), date.day()) {
        (10, 1..=7) => 0.3,
        (5, 1..=5) => 0.45,
        _ => 1.0,
    };
    weekday * month * festival * holiday
}

fn busy_person(date: Date) -> f64 {
    let weekday = if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
        1.15
    } else {
        1.0
    };
    let sale = match (date.month(), date.day()) {
        (6, 1) => 2.2,
        (6, 18) => 4.2,
        (6, 2..=20) => 1.7,
        (11, 1) => 2.6,
        (11, 11) => 6.0,
        (11, 2..=12) => 1.9,
        (12, 12) => 2.4,
        _ => 1.0,
    };
    let festival = match days_to_festival(date) {
        -20..=-5 => 1.5,
        -4..=6 => 0.35,
        _ => 1.0,
    };
    weekday * sale * festival
}

/// Days on which everything is cheaper.
pub fn is_sale(date: Date) -> bool {
    matches!(
        (date.month(), date.day()),
        (6, 1..=18) | (11, 1..=11) | (12, 12)
    )
}

/// Whole days since the Spring Festival of the year; negative before it.
fn days_to_festival(date: Date) -> i32 {
    keji_schema::calendar::days_between(spring_festival(date.year()), date)
}

/// New year of the lunar calendar; outside 2019–2040 its usual early February.
fn spring_festival(year: i16) -> Date {
    const DAYS: [(i8, i8); 22] = [
        (2, 5),
        (1, 25),
        (2, 12),
        (2, 1),
        (1, 22),
        (2, 10),
        (1, 29),
        (2, 17),
        (2, 6),
        (1, 26),
        (2, 13),
        (2, 3),
        (1, 23),
        (2, 11),
        (1, 31),
        (2, 19),
        (2, 8),
        (1, 28),
        (2, 15),
        (2, 4),
        (1, 24),
        (2, 12),
    ];
    let (month, day) = usize::try_from(i32::from(year) - 2019)
        .ok()
        .and_then(|i| DAYS.get(i))
        .copied()
        .unwrap_or((2, 5));
    Date::new(year, month, day).unwrap_or(Date::MIN)
}

//! Who buys, and what they are up to: names, rhythm, spend, and the stories
//! that somebody should find.

use std::collections::HashSet;

use super::calendar::Days;
use super::dice::{Dice, exp};
use super::words::{
    BRAND_FIRST, BRAND_SECOND, CHANNELS, FORMS, GIVEN_FIRST, GIVEN_SECOND, HOME_BUYS, INDUSTRIES,
    NORTH_EAST, ONLINE, PROVINCES, SURNAMES, TEAMS,
};

pub const N_CUSTOMERS: usize = 5_000;
/// Customers that the company already had on its first recorded day.
const N_AT_START: usize = 1_500;

// The places of the stories in the list of customers.
/// The big customer whose orders shrink over the last year.
pub const FALLING: usize = 11;
/// A VIP that bought every 20 days, silent for 2.3 of its purchase cycles.
pub const SILENT: usize = 23;
/// One firm with three numbers and three spellings.
pub const SPELLINGS: [(usize, &str); 3] = [
    (210, "杭州云帆科技有限公司"),
    (1_733, "杭州云帆科技有限责任公司"),
    (3_120, "杭州市云帆科技公司"),
];
/// Big orders that cost more than they bring.
pub const UNPROFITABLE: [usize; 6] = [64, 151, 402, 777, 1_024, 1_390];
/// One in so many of the first customers goes away for months and comes back.
const WON_BACK_EVERY: usize = 25;
#[cfg(test)]
pub const N_WON_BACK: usize = N_AT_START / WON_BACK_EVERY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerKind {
    Company,
    Person,
}

pub struct Customer {
    pub number: String,
    pub name: String,
    pub kind: CustomerKind,
    pub region: &'static str,
    pub city: &'static str,
    /// None for a person.
    pub industry: Option<&'static str>,
    pub owner: &'static str,
    pub phone: String,
    pub email: String,
    pub(super) habits: Habits,
}

/// What moves a customer; days count from the first recorded day.
pub(super) struct Habits {
    /// Day of the first order; customers from before the record start with one
    /// somewhere in their first cycle.
    pub joined: Option<f64>,
    /// Usual days between orders, in an average season.
    pub cycle: f64,
    /// Shape of the gaps' gamma distribution; None keeps time to the day.
    pub shape: Option<u32>,
    /// Usual order in fen, and its growth per year.
    pub spend: f64,
    pub growth: f64,
    /// No order after this day.
    pub leaves: f64,
    /// Only ever one order.
    pub once: bool,
    /// No orders between these days.
    pub away: Option<(f64, f64)>,
    /// From the given day on, cycles are this much longer.
    pub slows: Option<(f64, f64)>,
    /// Share of orders in the last year's fall, as `1 − fall × progress`.
    pub fall: f64,
    pub channel: usize,
    pub buys: [usize; 3],
    /// What is paid of the list price.
    pub price_factor: f64,
    pub unprofitable: bool,
}

/// All customers in the order in which they came.
pub fn customers(days: &Days) -> Vec<Customer> {
    let mut taken: HashSet<String> = SPELLINGS
        .iter()
        .map(|(_, name)| (*name).to_owned())
        .collect();
    let mut all: Vec<Customer> = (0..N_CUSTOMERS)
        .map(|i| customer(i, days, &mut taken))
        .collect();
    tell_stories(&mut all, days);
    all
}

fn customer(i: usize, days: &Days, taken: &mut HashSet<String>) -> Customer {
    let mut dice = Dice::new(1, i as u64);
    let kind = if dice.chance(0.8) {
        CustomerKind::Company
    } else {
        CustomerKind::Person
    };
    let province = &PROVINCES[dice.weighted(PROVINCES.iter().map(|p| p.weight))];
    let city = dice.pick(province.cities);
    let industry = &INDUSTRIES[dice.weighted(INDUSTRIES.iter().map(|i| i.weight))];
    let is_company = kind == CustomerKind::Company;
    let name = loop {
        let name = if is_company {
            firm_name(&mut dice, city, industry.trades)
        } else {
            person_name(&mut dice)
        };
        // Two firms never share a name; two people may.
        if !is_company || taken.insert(name.clone()) {
            break name;
        }
    };
    let team = TEAMS[if is_company { province.team } else { ONLINE }];
    let channel = dice.weighted(CHANNELS.iter().map(|c| if is_company { c.1 } else { c.2 }));
    let owner = dice.pick(team);
    let habits = habits(
        &mut dice,
        i,
        is_company,
        days,
        province.team,
        industry.buys,
        channel,
    );
    Customer {
        number: format!("K{:05}", i + 1),
        name,
        kind,
        region: province.name,
        city,
        industry: is_company.then_some(industry.name),
        owner,
        phone: phone(i),
        email: format!("k{:05}@example.com", i + 1),
        habits,
    }
}

fn habits(
    dice: &mut Dice,
    i: usize,
    is_company: bool,
    days: &Days,
    team: usize,
    buys: [usize; 3],
    channel: usize,
) -> Habits {
    let joined = joined(i, days);
    let arrival = joined.unwrap_or(0.0);
    let (cycle, spend) = if is_company {
        (
            dice.lognormal(23.7, 0.62).max(4.0),
            dice.lognormal(160_000.0, 0.95),
        )
    } else {
        (
            dice.lognormal(48.0, 0.55).max(6.0),
            dice.lognormal(16_000.0, 0.55),
        )
    };
    // Those who spend more stay longer.
    let per_year = if is_company {
        if spend > 300_000.0 { 0.14 } else { 0.26 }
    } else {
        0.48
    };
    let mut leaves = arrival + dice.exponential() / per_year * 365.0;
    let once = dice.chance(if is_company { 0.05 } else { 0.14 });
    let growth = match dice.below(20) {
        0..3 => 0.45,
        3..6 => -0.25,
        _ => 0.03,
    };

    // The price rise drives small buyers away within two months.
    if spend < 60_000.0
        && arrival < days.price_rise
        && leaves > days.price_rise
        && dice.chance(0.26)
    {
        leaves = days.price_rise + dice.between(0.0, 60.0);
    }
    // The North-East's loyalty falls from one month on.
    let mut slows = None;
    if team == NORTH_EAST && is_company && arrival < days.north_east {
        slows = Some((days.north_east, 1.5));
        if leaves > days.north_east && dice.chance(0.45) {
            leaves = days.north_east + dice.between(0.0, 200.0);
        }
    }
    Habits {
        joined,
        cycle,
        shape: Some(if is_company { 4 } else { 2 }),
        spend,
        growth,
        leaves,
        once,
        away: None,
        slows,
        fall: 0.0,
        channel,
        buys: if is_company { buys } else { HOME_BUYS },
        price_factor: if is_company {
            (dice.between(0.86, 1.0) * 100.0).round() / 100.0
        } else {
            1.0
        },
        unprofitable: false,
    }
}

/// 30 % were there before; the others come evenly, fewer in the last half year.
fn joined(i: usize, days: &Days) -> Option<f64> {
    let later = i.checked_sub(N_AT_START)?;
    let share = later as f64 / (N_CUSTOMERS - N_AT_START) as f64;
    let last = days.n as f64 - 1.0;
    let bend = last - 180.0;
    // The last 180 days bring 11 % of the new ones where 16 % would be even.
    Some(if share < 0.89 {
        share / 0.89 * bend
    } else {
        bend + (share - 0.89) / 0.11 * 180.0
    })
}

fn tell_stories(all: &mut [Customer], days: &Days) {
    let last = days.n as f64 - 1.0;
    let never = f64::INFINITY;

    for (i, spend, cycle) in [(FALLING, 5_200_000.0, 9.0), (SILENT, 4_600_000.0, 20.0)] {
        company(&mut all[i]);
        let h = &mut all[i].habits;
        (h.joined, h.spend, h.cycle, h.growth) = (None, spend, cycle, 0.0);
        (h.leaves, h.once, h.slows, h.price_factor) = (never, false, None, 0.92);
    }
    all[FALLING].name = "苏州恒远贸易有限公司".to_owned();
    (
        all[FALLING].region,
        all[FALLING].city,
        all[FALLING].industry,
    ) = ("江苏", "苏州", Some("批发零售"));
    (all[FALLING].owner, all[FALLING].habits.channel) = (TEAMS[0][0], 0);
    (all[FALLING].habits.fall, all[FALLING].habits.shape) = (0.7, Some(8));
    all[FALLING].habits.slows = Some((last - 365.0, 1.6));

    all[SILENT].name = "深圳启航精密制造有限公司".to_owned();
    (all[SILENT].region, all[SILENT].city, all[SILENT].industry) = ("广东", "深圳", Some("制造"));
    (all[SILENT].owner, all[SILENT].habits.channel) = (TEAMS[1][0], 0);
    all[SILENT].habits.shape = None;

    for (i, name) in SPELLINGS {
        company(&mut all[i]);
        let c = &mut all[i];
        c.name = name.to_owned();
        (c.region, c.city, c.industry, c.owner) = ("浙江", "杭州", Some("信息技术"), TEAMS[0][1]);
        c.phone = phone(SPELLINGS[0].0);
        (c.habits.spend, c.habits.cycle, c.habits.growth) = (420_000.0, 24.0, 0.03);
        (c.habits.leaves, c.habits.once) = (never, false);
    }

    for i in UNPROFITABLE {
        company(&mut all[i]);
        let h = &mut all[i].habits;
        (h.spend, h.cycle, h.leaves, h.once) = (2_400_000.0, 13.0, never, false);
        (h.price_factor, h.unprofitable, h.growth) = (0.78, true, 0.2);
    }

    for i in (WON_BACK_EVERY - 1..N_AT_START).step_by(WON_BACK_EVERY) {
        let mut dice = Dice::new(3, i as u64);
        let h = &mut all[i].habits;
        if !h.unprofitable {
            h.cycle = h.cycle.clamp(8.0, 20.0);
            (h.leaves, h.once, h.slows) = (never, false, None);
            h.away = Some((
                last - dice.between(280.0, 340.0),
                last - dice.between(35.0, 80.0),
            ));
        }
    }
}

/// The stories are about firms: whoever stands there becomes one.
fn company(c: &mut Customer) {
    if c.kind == CustomerKind::Person {
        c.name = format!("{}{}百货有限公司", c.city, c.name);
        c.kind = CustomerKind::Company;
        c.industry = Some("批发零售");
        c.habits.shape = Some(4);
        c.habits.buys = INDUSTRIES[1].buys;
        c.habits.channel = 0;
    }
}

impl Habits {
    /// How large an order of this day usually is, in fen.
    pub fn spend_on(&self, day: f64, days: &Days) -> f64 {
        let years = (day - days.n as f64 / 2.0) / 365.0;
        self.spend * exp(self.growth * years) * (1.0 - self.fall * days.last_year(day))
    }

    pub fn cycle_on(&self, day: f64) -> f64 {
        match self.slows {
            Some((from, factor)) if day >= from => self.cycle * factor,
            _ => self.cycle,
        }
    }
}

fn firm_name(dice: &mut Dice, city: &str, trades: &[&str]) -> String {
    let (first, second, trade) = (
        dice.pick(&BRAND_FIRST),
        dice.pick(&BRAND_SECOND),
        dice.pick(trades),
    );
    let form = FORMS[dice.weighted(FORMS.iter().map(|f| f.1))].0;
    format!("{city}{first}{second}{trade}{form}")
}

fn person_name(dice: &mut Dice) -> String {
    let surname = SURNAMES[dice.weighted(SURNAMES.iter().map(|s| s.1))].0;
    let second = dice.pick(&GIVEN_SECOND);
    if dice.chance(0.25) {
        format!("{surname}{second}")
    } else {
        format!("{surname}{}{second}", dice.pick(&GIVEN_FIRST))
    }
}

/// Numbers that begin with 1990000 reach nobody.
fn phone(i: usize) -> String {
    format!("1990000{:04}", i + 1)
}

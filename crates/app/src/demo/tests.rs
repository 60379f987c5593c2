//! The company is the same each time, has its promised size, and its stories
//! are in the data, told from the lines alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use jiff::civil::{Date, date};

use super::customers::{FALLING, N_CUSTOMERS, N_WON_BACK, SILENT, SPELLINGS, UNPROFITABLE};
use super::products::FAULTY;
use super::*;

const LAST_DAY: Date = date(2026, 11, 20);

static COMPANY: LazyLock<Company> = LazyLock::new(|| generate(LAST_DAY));

/// Days from the last recorded day back to `day`.
fn ago(day: Date) -> i32 {
    keji_schema::calendar::days_between(day, LAST_DAY)
}

fn is_sale(line: &DemoLine<'_>) -> bool {
    line.kind == OrderKind::Sale
}

/// The days on which each customer bought.
fn days_of_customers() -> HashMap<&'static str, BTreeSet<Date>> {
    let mut days: HashMap<&str, BTreeSet<Date>> = HashMap::new();
    for line in COMPANY.lines().filter(is_sale) {
        days.entry(line.customer_number)
            .or_default()
            .insert(line.ordered_on);
    }
    days
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn same_day_same_bytes() {
    let mut csv = Vec::new();
    write_csv(&COMPANY, &mut csv).unwrap();
    assert_eq!(fnv1a(&csv), 847_357_842_123_287_887, "{} bytes", csv.len());
    let mut again = Vec::new();
    write_csv(&generate(LAST_DAY), &mut again).unwrap();
    assert!(csv == again);
    let mut costs = Vec::new();
    write_costs_csv(&COMPANY, &mut costs).unwrap();
    assert_eq!(
        fnv1a(&costs),
        10_541_493_852_875_395_144,
        "{} bytes",
        costs.len()
    );
}

#[test]
fn has_its_size_whatever_the_day() {
    for last_day in [
        LAST_DAY,
        date(2024, 2, 29),
        date(2025, 1, 1),
        date(2031, 7, 15),
    ] {
        let company = generate(last_day);
        let mut customers = BTreeSet::new();
        let mut sales = BTreeSet::new();
        let (mut n_lines, mut first, mut last) = (0, Date::MAX, Date::MIN);
        for line in company.lines() {
            n_lines += 1;
            (first, last) = (first.min(line.ordered_on), last.max(line.ordered_on));
            if line.kind == OrderKind::Sale {
                customers.insert(line.customer_number.to_owned());
                sales.insert(line.order_number.to_owned());
            }
        }
        assert_eq!(customers.len(), N_CUSTOMERS);
        assert!(
            (115_000..=125_000).contains(&sales.len()),
            "{} orders until {last_day}",
            sales.len()
        );
        assert!((240_000..=290_000).contains(&n_lines), "{n_lines} lines");
        assert!(last <= last_day && ago(last) - ago(last_day) <= 1);
        assert!((1_090..=1_096).contains(&keji_schema::calendar::days_between(first, last_day)));
        let n_costs = company.costs().len();
        assert!((60_000..=120_000).contains(&n_costs), "{n_costs} costs");
    }
}

#[test]
fn lines_are_sound() {
    let mut last = Timestamp::MIN;
    let mut orders: HashMap<&str, (&str, Timestamp)> = HashMap::new();
    let (mut products, mut provinces, mut owners) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in COMPANY.lines() {
        assert!(line.ordered_at >= last, "lines come in order of time");
        last = line.ordered_at;
        let first = *orders
            .entry(line.order_number)
            .or_insert((line.customer_number, line.ordered_at));
        assert_eq!(
            first,
            (line.customer_number, line.ordered_at),
            "an order has one customer and one time"
        );
        assert_eq!(line.quantity.checked_mul(line.price), Some(line.amount));
        match line.kind {
            OrderKind::Sale => assert!(line.quantity.is_positive() && line.price.is_positive()),
            OrderKind::Return => {
                assert!(line.quantity.is_negative() && line.order_number.starts_with('C'))
            }
            OrderKind::Adjustment => {
                assert!(line.price.is_negative() && line.order_number.starts_with('A'))
            }
        }
        products.insert(line.product_number);
        provinces.insert(line.region);
        owners.insert(line.owner);
    }
    assert_eq!(
        (products.len(), provinces.len(), owners.len()),
        (301, 31, 12)
    );
    assert!(orders.values().len() > 115_000);
}

#[test]
fn file_has_a_field_for_every_heading() {
    let mut csv = Vec::new();
    write_csv(&COMPANY, &mut csv).unwrap();
    let text = String::from_utf8(csv).unwrap();
    for row in text.lines() {
        assert_eq!(row.split(',').count(), CSV_HEADINGS.len(), "{row}");
        assert!(!row.contains('"'));
    }
    let second = text.lines().nth(1).unwrap();
    assert!(
        second.starts_with("SO20231121-0001,2023-11-21 0"),
        "{second}"
    );
}

#[test]
fn four_in_five_are_firms_and_names_are_unique() {
    let firms: Vec<_> = COMPANY
        .customers()
        .iter()
        .filter(|c| c.kind == CustomerKind::Company)
        .collect();
    assert!((3_900..=4_100).contains(&firms.len()), "{}", firms.len());
    assert_eq!(
        firms.iter().map(|c| &c.name).collect::<BTreeSet<_>>().len(),
        firms.len()
    );
    let industries: BTreeSet<_> = firms.iter().filter_map(|c| c.industry).collect();
    assert_eq!(industries.len(), 8);
}

#[test]
fn seasons_show() {
    let mut days: BTreeMap<Date, (usize, usize)> = BTreeMap::new();
    for line in COMPANY.lines().filter(is_sale) {
        let day = days.entry(line.ordered_on).or_default();
        match line.customer_kind {
            CustomerKind::Company => day.0 += 1,
            CustomerKind::Person => day.1 += 1,
        }
    }
    let sum = |from: Date, n: i64, f: fn(&(usize, usize)) -> usize| -> usize {
        (0..n)
            .filter_map(|i| days.get(&from.checked_add(jiff::Span::new().days(i)).unwrap()))
            .map(f)
            .sum()
    };
    // Spring Festival 2026 is 17 February; the same weekdays four weeks later.
    let (festival, usual) = (
        sum(date(2026, 2, 15), 8, |d| d.0),
        sum(date(2026, 3, 15), 8, |d| d.0),
    );
    assert!(
        festival * 6 < usual,
        "{festival} lines in the festival week, {usual} later"
    );
    let (double_eleven, before) = (days[&date(2025, 11, 11)].1, days[&date(2025, 10, 14)].1);
    assert!(double_eleven > 3 * before, "{double_eleven} and {before}");
    let (june, may) = (days[&date(2026, 6, 18)].1, days[&date(2026, 5, 21)].1);
    assert!(june > 2 * may, "{june} and {may}");
}

#[test]
fn big_customer_orders_less_and_less() {
    let mut halves = [0.0; 4];
    for line in COMPANY
        .lines()
        .filter(|l| l.customer_number == COMPANY.customers[FALLING].number)
    {
        if let Some(half) = halves.get_mut((ago(line.ordered_on) / 182) as usize) {
            *half += line.amount.to_f64();
        }
    }
    let [latest, before, year_earlier, _] = halves;
    assert!(
        latest < before && latest < 0.45 * year_earlier && year_earlier > 800_000.0,
        "{halves:?}"
    );
}

#[test]
fn steady_customer_is_silent_for_2_3_cycles() {
    let days = days_of_customers();
    let days: Vec<Date> = days[COMPANY.customers[SILENT].number.as_str()]
        .iter()
        .copied()
        .collect();
    assert!(
        days.windows(2)
            .all(|w| keji_schema::calendar::days_between(w[0], w[1]) == 20)
    );
    // As of the morning after the last day.
    assert_eq!(ago(*days.last().unwrap()) + 1, 46);
}

#[test]
fn north_east_loses_its_customers() {
    // Share of the firms that bought in a half year and buy again in the next.
    let days = days_of_customers();
    let kept = |is_north_east: bool, from: i32| {
        let mut n = (0, 0);
        for c in COMPANY
            .customers()
            .iter()
            .filter(|c| c.kind == CustomerKind::Company)
        {
            if ["辽宁", "吉林", "黑龙江"].contains(&c.region) != is_north_east {
                continue;
            }
            let bought = |from: i32, to: i32| {
                days[c.number.as_str()]
                    .iter()
                    .any(|d| (to..from).contains(&ago(*d)))
            };
            if bought(from, from - 120) {
                n.0 += 1;
                n.1 += i32::from(bought(from - 120, from - 240));
            }
        }
        f64::from(n.1) / f64::from(n.0)
    };
    let (earlier, now, elsewhere) = (kept(true, 480), kept(true, 240), kept(false, 240));
    assert!(
        now < earlier - 0.1 && now < elsewhere - 0.1,
        "{earlier} {now} {elsewhere}"
    );
}

#[test]
fn price_rise_drives_small_buyers_away() {
    // Prices rise on 1 September 2025, fourteen months before November 2026.
    let rise = date(2025, 9, 1);
    let mut prices: HashMap<(&str, &str), [f64; 2]> = HashMap::new();
    let mut spend: HashMap<&str, (f64, BTreeSet<&str>)> = HashMap::new();
    for line in COMPANY.lines().filter(is_sale) {
        let side = usize::from(line.ordered_on >= rise);
        prices
            .entry((line.customer_number, line.product_number))
            .or_default()[side] = line.price.to_f64();
        if line.customer_kind == CustomerKind::Company {
            let c = spend.entry(line.customer_number).or_default();
            c.0 += line.amount.to_f64();
            c.1.insert(line.order_number);
        }
    }
    let ratios: Vec<f64> = prices
        .values()
        .filter(|p| p[0] > 0.0 && p[1] > 0.0)
        .map(|p| p[1] / p[0])
        .collect();
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!((mean - 1.08).abs() < 0.003, "{mean}");

    let days = days_of_customers();
    let lost = |small: bool, at: Date| {
        let (mut n, mut gone) = (0, 0);
        for (who, (amount, orders)) in &spend {
            if (amount / (orders.len() as f64) < 700.0) != small {
                continue;
            }
            let since = |d: &Date| keji_schema::calendar::days_between(at, *d);
            if days[who].iter().any(|d| (-90..0).contains(&since(d))) {
                n += 1;
                gone += i32::from(!days[who].iter().any(|d| (60..240).contains(&since(d))));
            }
        }
        f64::from(gone) / f64::from(n)
    };
    let (small, large, small_before) = (
        lost(true, rise),
        lost(false, rise),
        lost(true, date(2025, 3, 1)),
    );
    assert!(
        small > large + 0.1 && small > small_before + 0.1,
        "{small} {large} {small_before}"
    );
}

#[test]
fn six_big_customers_cost_more_than_they_bring() {
    let mut net: HashMap<&str, (f64, f64)> = HashMap::new();
    for line in COMPANY.lines() {
        let n = net.entry(line.customer_number).or_default();
        n.0 += line.amount.to_f64() + line.freight.to_f64() - line.discount.to_f64();
    }
    for cost in COMPANY.costs() {
        if let Some(who) = cost.customer_number {
            net.entry(who).or_default().1 += cost.amount.to_f64();
        }
    }
    let all: (f64, f64) = net.values().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let margin = 1.0 - all.1 / all.0;
    assert!((0.1..0.35).contains(&margin), "{margin}");
    for i in UNPROFITABLE {
        let (revenue, cost) = net[COMPANY.customers[i].number.as_str()];
        assert!(revenue > 300_000.0 && cost > revenue, "{revenue} {cost}");
    }
    let losers = net
        .values()
        .filter(|n| n.0 > 300_000.0 && n.1 > n.0)
        .count();
    assert_eq!(losers, UNPROFITABLE.len());
}

#[test]
fn one_firm_is_spelt_three_ways() {
    let three: Vec<&Customer> = SPELLINGS
        .iter()
        .map(|(i, _)| &COMPANY.customers[*i])
        .collect();
    assert!(
        three
            .iter()
            .all(|c| c.name.contains("云帆") && c.phone == three[0].phone && c.city == "杭州")
    );
    assert_eq!(
        three
            .iter()
            .map(|c| &c.number)
            .collect::<BTreeSet<_>>()
            .len(),
        3
    );
    assert_eq!(
        three.iter().map(|c| &c.name).collect::<BTreeSet<_>>().len(),
        3
    );
}

#[test]
fn one_product_comes_back() {
    let faulty = &COMPANY.products[FAULTY];
    assert_eq!(faulty.name, "碎纸机 标准装");
    let (mut sold, mut back, mut others_sold, mut others_back) = (0, 0, 0, 0);
    for line in COMPANY.lines().filter(|l| ago(l.ordered_on) < 131) {
        match (line.product_number == faulty.number, line.kind) {
            (true, OrderKind::Sale) => sold += 1,
            (true, OrderKind::Return) => back += 1,
            (false, OrderKind::Sale) => others_sold += 1,
            (false, OrderKind::Return) => others_back += 1,
            (_, OrderKind::Adjustment) => {}
        }
    }
    assert!(back > 80 && back * 4 > sold, "{back} of {sold}");
    assert!(
        others_back * 50 < others_sold,
        "{others_back} of {others_sold}"
    );
}

#[test]
fn some_went_away_and_came_back() {
    let days = days_of_customers();
    let came_back = days.values().filter(|days| {
        let days: Vec<Date> = days.iter().copied().collect();
        let gap = days
            .windows(2)
            .map(|w| keji_schema::calendar::days_between(w[0], w[1]))
            .max();
        let recent = days.iter().filter(|d| ago(**d) < 100).count();
        gap.is_some_and(|g| (190..340).contains(&g)) && recent >= 2 && days.len() > 20
    });
    let n = came_back.count();
    assert!(n >= N_WON_BACK * 4 / 5, "{n}");
}

#[test]
fn new_customers_become_fewer_and_dearer() {
    let days = days_of_customers();
    let n_new = |to: i32, from: i32| {
        days.values()
            .filter(|d| d.first().is_some_and(|d| (to..from).contains(&ago(*d))))
            .count() as f64
    };
    let spent = |to: i32, from: i32| -> f64 {
        let costs = COMPANY.costs();
        let of_period = costs.iter().filter(|c| c.class == CostClass::Acquisition);
        of_period
            .filter(|c| (to..from).contains(&ago(c.incurred_on)))
            .map(|c| c.amount.to_f64())
            .sum()
    };
    assert!(n_new(0, 180) < 0.8 * n_new(180, 360));
    assert!(spent(0, 180) / n_new(0, 180) > 1.1 * spent(360, 540) / n_new(360, 540));
}

#[test]
fn phones_and_mails_reach_nobody() {
    for c in COMPANY.customers() {
        assert!(
            c.phone.len() == 11 && c.phone.starts_with("1990000"),
            "{}",
            c.phone
        );
        assert!(c.email.ends_with("@example.com"));
    }
}

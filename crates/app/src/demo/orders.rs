//! What they ordered, brought back and were credited, day by day.

use std::ops::Range;

use jiff::civil::Date;

use super::calendar::{Days, is_sale};
use super::customers::{Customer, CustomerKind};
use super::dice::Dice;
use super::products::{FAULTY, Product};
use super::words::CHANNELS;

/// Days between the orders of the customer that keeps time, and its silence at
/// the end: 2.3 of them.
pub const STEADY_CYCLE_DAYS: usize = 20;
pub const SILENCE_DAYS: usize = 46;

/// Days before the last one between which the faulty shredders were sold.
pub const FAULTY_SOLD: Range<usize> = 70..131;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderKind {
    Sale,
    Return,
    /// A credit at the end of a year.
    Adjustment,
}

pub struct Order {
    pub number: String,
    pub kind: OrderKind,
    /// Index into the customers.
    pub customer: usize,
    /// Days since the first recorded one, and seconds into the day.
    pub day: usize,
    pub second: u32,
    pub channel: &'static str,
    /// In fen; of the whole order.
    pub freight: i64,
    pub discount: i64,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Index into the products; None for a credit.
    pub product: Option<usize>,
    pub quantity: i64,
    /// In fen; negative for a credit.
    pub price: i64,
}

impl Order {
    /// Σ quantity × price in fen.
    pub fn goods(&self) -> i64 {
        self.lines.iter().map(|l| l.quantity * l.price).sum()
    }
}

/// Everything that was ordered, in order of time, numbered.
pub fn orders(customers: &[Customer], products: &[Product], days: &Days) -> Vec<Order> {
    let mut all = Vec::with_capacity(130_000);
    for (i, customer) in customers.iter().enumerate() {
        of_customer(i, customer, products, days, &mut all);
    }
    all.sort_by_key(|o| (o.day, o.second, o.customer));
    number(&mut all, days);
    all
}

fn of_customer(
    i: usize,
    customer: &Customer,
    products: &[Product],
    days: &Days,
    all: &mut Vec<Order>,
) {
    let mut dice = Dice::new(4, i as u64);
    let mut year_goods = 0;
    for day in order_days(customer, days, &mut dice) {
        let order = sale(i, customer, products, days, day, &mut dice);
        year_goods += order.goods();
        let back = returned(&order, days, &mut dice);
        all.push(order);
        all.extend(back);

        // Firms that bought for more than 200,000 yuan get 2 % back.
        if is_year_end(days, day) {
            if year_goods > 20_000_000 && dice.chance(0.6) {
                all.push(credit(i, customer, day, year_goods / 50 / 10_000 * 10_000));
            }
            year_goods = 0;
        }
    }
}

/// The days on which a customer orders, in order; never none.
fn order_days(customer: &Customer, days: &Days, dice: &mut Dice) -> Vec<usize> {
    let h = &customer.habits;
    let is_company = customer.kind == CustomerKind::Company;
    let Some(shape) = h.shape else {
        let last = days.n - SILENCE_DAYS;
        return (last % STEADY_CYCLE_DAYS..=last)
            .step_by(STEADY_CYCLE_DAYS)
            .collect();
    };
    let mut at = match h.joined {
        None => days.after(is_company, 0.0, h.cycle.min(60.0) * dice.uniform()),
        // Newcomers too begin on days when people buy.
        Some(day) => days.after(is_company, day, 0.0),
    };
    let mut all = vec![(at as usize).min(days.n - 1)];
    if h.once {
        return all;
    }
    loop {
        at = days.after(is_company, at, h.cycle_on(at) * dice.gamma(shape));
        if let Some((from, to)) = h.away
            && (from..to).contains(&at)
        {
            at = to + dice.between(0.0, 6.0);
        }
        if at >= days.n as f64 || at > h.leaves {
            return all;
        }
        all.push(at as usize);
    }
}

fn sale(
    i: usize,
    customer: &Customer,
    products: &[Product],
    days: &Days,
    day: usize,
    dice: &mut Dice,
) -> Order {
    let h = &customer.habits;
    let is_company = customer.kind == CustomerKind::Company;
    let wanted = h.spend_on(day as f64, days) * dice.lognormal(1.0, 0.35);
    let rise = if day as f64 >= days.price_rise {
        1.08
    } else {
        1.0
    };

    let n_lines = n_lines(dice);
    let per_line = wanted / n_lines as f64;
    let mut lines: Vec<Line> = Vec::with_capacity(n_lines);
    for _ in 0..n_lines {
        let product = choose(h.buys, per_line, products, days, day, dice);
        let price =
            (products[product].price as f64 * h.price_factor * rise / 10.0).round() as i64 * 10;
        let quantity = ((per_line / price as f64).round() as i64).max(1);
        match lines.iter_mut().find(|l| l.product == Some(product)) {
            Some(line) => line.quantity += quantity,
            None => lines.push(Line {
                product: Some(product),
                quantity,
                price,
            }),
        }
    }

    let goods: i64 = lines.iter().map(|l| l.quantity * l.price).sum();
    let discount = if h.unprofitable {
        goods * 6 / 100
    } else if is_sale(days.dates[day]) {
        goods * 5 / 100
    } else if is_company && dice.chance(0.15) {
        goods * 2 / 100
    } else {
        0
    };
    let freight = match is_company {
        true if dice.chance(0.6) => 0,
        true => 1_500 + 500 * dice.below(14) as i64,
        false if goods >= 9_900 => 0,
        false => 800,
    };
    let channel = if dice.chance(0.85) {
        h.channel
    } else {
        dice.weighted(CHANNELS.iter().map(|c| if is_company { c.1 } else { c.2 }))
    };
    Order {
        number: String::new(),
        kind: OrderKind::Sale,
        customer: i,
        day,
        second: second(is_company, dice),
        channel: CHANNELS[channel].0,
        freight,
        discount: discount / 100 * 100,
        lines,
    }
}

fn n_lines(dice: &mut Dice) -> usize {
    let mut n = 1;
    while n < 8 && dice.chance(0.55) {
        n += 1;
    }
    n
}

/// A product that the customer usually buys and that fits the wanted sum.
fn choose(
    buys: [usize; 3],
    per_line: f64,
    products: &[Product],
    days: &Days,
    day: usize,
    dice: &mut Dice,
) -> usize {
    let left = days.n - 1 - day;
    if FAULTY_SOLD.contains(&left) && per_line > 20_000.0 && dice.chance(0.05) {
        return FAULTY;
    }
    let mut cheapest: Option<usize> = None;
    for _ in 0..4 {
        let category = if dice.chance(0.75) {
            buys[dice.below(3)]
        } else {
            dice.below(10)
        };
        // The first goods of a category sell best.
        let well = if dice.chance(0.7) {
            dice.uniform()
        } else {
            1.0
        };
        let good = (dice.uniform() * well * 30.0) as usize;
        let product = category * 30 + good;
        if products[product].price as f64 <= 1.5 * per_line {
            return product;
        }
        if cheapest.is_none_or(|c| products[product].price < products[c].price) {
            cheapest = Some(product);
        }
    }
    cheapest.unwrap_or(0)
}

/// What comes back of an order some days later, as an order of its own.
fn returned(order: &Order, days: &Days, dice: &mut Dice) -> Option<Order> {
    let left = days.n - 1 - order.day;
    let in_batch = FAULTY_SOLD.contains(&left);
    let mut lines = Vec::new();
    for line in &order.lines {
        let is_faulty = in_batch && line.product == Some(FAULTY);
        if dice.chance(if is_faulty { 0.42 } else { 0.008 }) {
            let all = is_faulty || dice.chance(0.5);
            lines.push(Line {
                quantity: -if all {
                    line.quantity
                } else {
                    (line.quantity + 1) / 2
                },
                ..*line
            });
        }
    }
    let day = order.day + 2 + dice.below(13);
    if lines.is_empty() || day >= days.n {
        return None;
    }
    Some(Order {
        number: String::new(),
        kind: OrderKind::Return,
        customer: order.customer,
        day,
        second: 9 * 3600 + dice.below(8 * 3600) as u32,
        channel: order.channel,
        freight: 0,
        discount: 0,
        lines,
    })
}

fn credit(i: usize, customer: &Customer, day: usize, amount: i64) -> Order {
    Order {
        number: String::new(),
        kind: OrderKind::Adjustment,
        customer: i,
        day,
        second: 17 * 3600 + 30 * 60,
        channel: CHANNELS[customer.habits.channel].0,
        freight: 0,
        discount: 0,
        lines: vec![Line {
            product: None,
            quantity: 1,
            price: -amount,
        }],
    }
}

fn is_year_end(days: &Days, day: usize) -> bool {
    let date: Date = days.dates[day];
    date.month() == 12 && date.day() > 20
}

fn second(is_company: bool, dice: &mut Dice) -> u32 {
    let (from, hours) = if is_company { (8.5, 9.5) } else { (8.0, 15.0) };
    // Two draws make the middle of the day the busiest part.
    let at = from + hours * (dice.uniform() + dice.uniform()) / 2.0;
    (at * 3600.0) as u32
}

/// `SO20240103-0001`, `C…` for returns and `A…` for credits, counted per day.
fn number(orders: &mut [Order], days: &Days) {
    let mut today = usize::MAX;
    let mut counts = [0; 3];
    for order in orders {
        if order.day != today {
            (today, counts) = (order.day, [0; 3]);
        }
        let (prefix, count) = match order.kind {
            OrderKind::Sale => ("SO", &mut counts[0]),
            OrderKind::Return => ("C", &mut counts[1]),
            OrderKind::Adjustment => ("A", &mut counts[2]),
        };
        *count += 1;
        let date = days.dates[order.day];
        order.number = format!(
            "{prefix}{:04}{:02}{:02}-{count:04}",
            date.year(),
            date.month(),
            date.day()
        );
    }
}

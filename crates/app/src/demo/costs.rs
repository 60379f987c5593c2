//! What goods, service and new customers cost, month by month.

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_schema::Decimal;

use super::calendar::Days;
use super::customers::{Customer, CustomerKind};
use super::dice::Dice;
use super::orders::{Order, OrderKind};
use super::products::Product;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CostClass {
    Goods,
    Service,
    Acquisition,
}

impl CostClass {
    /// The value of the option in `definitions/objects/cost.toml`.
    pub fn value(self) -> &'static str {
        match self {
            CostClass::Goods => "goods",
            CostClass::Service => "service",
            CostClass::Acquisition => "acquisition",
        }
    }
}

#[derive(Debug, Clone)]
pub struct DemoCost<'a> {
    /// None where it is not known for whom the money went.
    pub customer_number: Option<&'a str>,
    pub class: CostClass,
    /// In yuan; more than 0.
    pub amount: Decimal,
    pub incurred_on: Date,
    pub note: &'static str,
}

/// How much of a yuan of revenue it takes to serve a customer of the kind.
const UNPROFITABLE_SERVICE: f64 = 0.09;

/// Ways to find customers: `(note, share of the spend)`.
const FINDING: [(&str, f64); 4] = [
    ("展会", 0.3),
    ("平台推广", 0.4),
    ("搜索投放", 0.2),
    ("老客推荐奖励", 0.1),
];

pub fn costs<'a>(
    customers: &'a [Customer],
    products: &[Product],
    orders: &[Order],
    days: &Days,
) -> Vec<DemoCost<'a>> {
    let month_of = |day: usize| days.dates[day].first_of_month();
    let mut goods: BTreeMap<(Date, usize), i64> = BTreeMap::new();
    let mut revenue: BTreeMap<(Date, usize), i64> = BTreeMap::new();
    let mut returns: BTreeMap<(Date, usize), i64> = BTreeMap::new();
    let mut newcomers: BTreeMap<Date, i64> = BTreeMap::new();
    let mut seen = vec![false; customers.len()];
    for order in orders {
        let key = (month_of(order.day), order.customer);
        let habits = &customers[order.customer].habits;
        // Suppliers raised their prices two months before the company did.
        let level = if order.day as f64 >= days.price_rise - 60.0 {
            1.06
        } else {
            1.0
        };
        // Made to order: more work than the price allows for.
        let level = if habits.unprofitable {
            level * 1.12
        } else {
            level
        };
        let cost = order
            .lines
            .iter()
            .filter_map(|l| Some(l.quantity as f64 * products[l.product?].cost as f64 * level))
            .sum::<f64>();
        *goods.entry(key).or_default() += cost as i64;
        *revenue.entry(key).or_default() += order.goods();
        match order.kind {
            OrderKind::Return => *returns.entry(key).or_default() += 1,
            OrderKind::Sale if !seen[order.customer] => {
                seen[order.customer] = true;
                *newcomers.entry(key.0).or_default() += i64::from(habits.joined.is_some());
            }
            OrderKind::Sale | OrderKind::Adjustment => {}
        }
    }

    let mut all = Vec::with_capacity(goods.len() + 20_000);
    let mut add = |who: Option<usize>, class, fen: i64, month: Date, note| {
        if fen > 0 {
            all.push(DemoCost {
                customer_number: who.map(|i| customers[i].number.as_str()),
                class,
                amount: Decimal::from_units(fen * 100),
                incurred_on: month.last_of_month().min(days.dates[days.n - 1]),
                note,
            });
        }
    };
    for (&(month, i), &fen) in &goods {
        // Goods that came back in a month without sales are no cost.
        add(Some(i), CostClass::Goods, fen, month, "");
    }
    for (&(month, i), &fen) in &revenue {
        let mut dice = Dice::new(
            5,
            (i as u64) << 16 | (month.year() as u64) << 4 | month.month() as u64,
        );
        if customers[i].habits.unprofitable {
            add(
                Some(i),
                CostClass::Service,
                (fen as f64 * UNPROFITABLE_SERVICE) as i64,
                month,
                "驻场服务",
            );
        } else if customers[i].kind == CustomerKind::Company && dice.chance(0.16) {
            add(
                Some(i),
                CostClass::Service,
                dice.lognormal(12_000.0, 0.6) as i64,
                month,
                "上门服务",
            );
        }
    }
    for (&(month, i), &n) in &returns {
        add(Some(i), CostClass::Service, 2_500 * n, month, "退货处理");
    }
    for (nth, (&month, &n)) in newcomers.iter().enumerate() {
        let mut dice = Dice::new(6, nth as u64);
        // A new customer costs 1.5 % more each month than the month before.
        let spend = 2_000_000.0 + 62_000.0 * n as f64 * (1.0 + 0.015 * nth as f64);
        for (note, share) in FINDING {
            add(
                None,
                CostClass::Acquisition,
                (spend * share * dice.between(0.85, 1.15)) as i64,
                month,
                note,
            );
        }
    }
    all.sort_by_key(|c| c.incurred_on);
    all
}

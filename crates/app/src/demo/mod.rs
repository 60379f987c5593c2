//! The demo company: a dealer in office and workshop supplies with 5,000
//! customers, three years of orders, and stories that somebody should find.
//! Pure but for `load`: no clock, no store, no network; the same last day gives the same
//! bytes. Whatever resembles a real firm or person is chance.
//!
//! ```text
//!   words, products ──> customers ──> orders ──> costs
//!   dice, calendar (used by all)         └────> DemoLine, CSV (here)
//! ```
//!
//! What there is to find:
//! - 苏州恒远贸易有限公司, one of the largest, orders less and less over the
//!   last year.
//! - 深圳启航精密制造有限公司 bought every 20 days and has been silent for 46.
//! - The North-East (辽宁, 吉林, 黑龙江) loses customers from eight months ago on.
//! - A price rise 14 months ago drove small buyers away.
//! - Six firms with large orders cost more than they bring.
//! - 杭州云帆科技 is one firm with three numbers and three spellings.
//! - The shredders (碎纸机 标准装) sold two to four months ago keep coming back.
//! - Sixty customers went away for half a year and came back.
//! - Each month fewer new customers, each of them more expensive.

mod calendar;
mod costs;
mod customers;
mod dice;
mod load;
mod orders;
mod products;
#[cfg(test)]
mod tests;
mod words;

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{self, TimeZone};
use keji_schema::Decimal;

use calendar::Days;
use orders::Order;
use products::Product;

pub use costs::{CostClass, DemoCost};
pub use customers::{Customer, CustomerKind};
pub use load::{LAST_DAY, load};
pub use orders::OrderKind;

/// What the order file is called, and how a place is known to hold the demo.
pub const FILENAME: &str = "示例公司订单.csv";

/// The whole company, made in memory (about 60 MB).
pub struct Company {
    customers: Vec<Customer>,
    products: Vec<Product>,
    orders: Vec<Order>,
    days: Days,
}

/// One line of an order with everything that a file says about it.
#[derive(Debug, Clone)]
pub struct DemoLine<'a> {
    pub order_number: &'a str,
    pub kind: OrderKind,
    pub customer_number: &'a str,
    pub customer_name: &'a str,
    pub customer_kind: CustomerKind,
    pub country: &'static str,
    pub region: &'static str,
    pub city: &'static str,
    /// Empty for a person.
    pub industry: &'static str,
    pub owner: &'static str,
    pub phone: &'a str,
    pub email: &'a str,
    pub product_number: &'a str,
    pub product_name: &'a str,
    pub category: &'a str,
    pub ordered_at: Timestamp,
    pub ordered_on: Date,
    pub channel: &'static str,
    pub currency: &'static str,
    /// Pieces; negative where goods came back.
    pub quantity: Decimal,
    /// In yuan; negative for a credit.
    pub price: Decimal,
    /// Quantity × price, exact.
    pub amount: Decimal,
    /// Of the whole order, on its first line; zero on the others.
    pub freight: Decimal,
    pub discount: Decimal,
}

/// The company as it stands on the evening of `last_day`.
pub fn generate(last_day: Date) -> Company {
    let days = Days::until(last_day);
    let products = products::products();
    let customers = customers::customers(&days);
    let orders = orders::orders(&customers, &products, &days);
    Company {
        customers,
        products,
        orders,
        days,
    }
}

impl Company {
    pub fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// Sales, returns and credits together.
    pub fn n_orders(&self) -> usize {
        self.orders.len()
    }

    /// All order lines in order of time.
    pub fn lines(&self) -> impl Iterator<Item = DemoLine<'_>> {
        self.orders
            .iter()
            .flat_map(move |order| (0..order.lines.len()).map(move |nth| self.line(order, nth)))
    }

    /// All costs in order of time; a month's stand on its last day.
    pub fn costs(&self) -> Vec<DemoCost<'_>> {
        costs::costs(&self.customers, &self.products, &self.orders, &self.days)
    }

    fn line<'a>(&'a self, order: &'a Order, nth: usize) -> DemoLine<'a> {
        let customer = &self.customers[order.customer];
        let line = order.lines[nth];
        let product = line.product.map(|p| &self.products[p]);
        let ordered_on = self.days.dates[order.day];
        let (freight, discount) = if nth == 0 {
            (order.freight, order.discount)
        } else {
            (0, 0)
        };
        DemoLine {
            order_number: &order.number,
            kind: order.kind,
            customer_number: &customer.number,
            customer_name: &customer.name,
            customer_kind: customer.kind,
            country: "中国",
            region: customer.region,
            city: customer.city,
            industry: customer.industry.unwrap_or(""),
            owner: customer.owner,
            phone: &customer.phone,
            email: &customer.email,
            product_number: product.map_or("FL", |p| &p.number),
            product_name: product.map_or("年度返利", |p| &p.name),
            category: product.map_or("费用", |p| p.category),
            ordered_at: instant(ordered_on, order.second),
            ordered_on,
            channel: order.channel,
            currency: "CNY",
            quantity: Decimal::from_units(line.quantity * keji_schema::decimal::UNIT),
            price: yuan(line.price),
            amount: yuan(line.quantity * line.price),
            freight: yuan(freight),
            discount: yuan(discount),
        }
    }
}

fn yuan(fen: i64) -> Decimal {
    Decimal::from_units(fen * (keji_schema::decimal::UNIT / 100))
}

/// China keeps +08:00 all year.
fn instant(day: Date, second: u32) -> Timestamp {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let time = Time::new(hour as i8, minute as i8, second as i8, 0).unwrap_or(Time::midnight());
    let zoned = day
        .to_datetime(time)
        .to_zoned(TimeZone::fixed(tz::offset(8)));
    zoned.map_or(Timestamp::UNIX_EPOCH, |z| z.timestamp())
}

/// The headings of the order file.
pub const CSV_HEADINGS: [&str; 21] = [
    "订单号",
    "下单时间",
    "客户编号",
    "客户名称",
    "客户类型",
    "国家",
    "省份",
    "城市",
    "所属行业",
    "业务员",
    "联系电话",
    "电子邮箱",
    "产品编号",
    "产品名称",
    "品类",
    "渠道",
    "币种",
    "数量",
    "单价",
    "运费",
    "折扣金额",
];

/// The orders as the file that a user would bring: UTF-8 with a byte order
/// mark, Chinese headings, civil times. The amount is left to the reader.
pub fn write_csv(company: &Company, mut to: impl Write) -> io::Result<()> {
    writeln!(to, "\u{feff}{}", CSV_HEADINGS.join(","))?;
    for line in company.lines() {
        let kind = match line.customer_kind {
            CustomerKind::Company => "公司",
            CustomerKind::Person => "个人",
        };
        let at = line
            .ordered_at
            .to_zoned(TimeZone::fixed(tz::offset(8)))
            .datetime();
        let time = at.time();
        // No name holds a comma or a quote, so nothing needs quoting.
        write!(
            to,
            "{},{} {time},{},{},{kind},",
            line.order_number,
            at.date(),
            line.customer_number,
            line.customer_name
        )?;
        write!(
            to,
            "{},{},{},{},{},",
            line.country, line.region, line.city, line.industry, line.owner
        )?;
        write!(
            to,
            "{},{},{},{},{},",
            line.phone, line.email, line.product_number, line.product_name, line.category
        )?;
        write!(
            to,
            "{},{},{},{},",
            line.channel, line.currency, line.quantity, line.price
        )?;
        writeln!(to, "{},{}", line.freight, line.discount)?;
    }
    Ok(())
}

/// The costs as a file, in the terms of `definitions/objects/cost.toml`.
pub fn write_costs_csv(company: &Company, mut to: impl Write) -> io::Result<()> {
    writeln!(to, "\u{feff}客户编号,类别,金额,发生日,备注")?;
    for cost in company.costs() {
        let (who, class) = (cost.customer_number.unwrap_or(""), cost.class.value());
        writeln!(
            to,
            "{who},{class},{},{},{}",
            cost.amount, cost.incurred_on, cost.note
        )?;
    }
    Ok(())
}

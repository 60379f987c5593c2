//! Files of orders to import. Numbers that say `S` are of a file, those that
//! say `A` of one-order files whose acknowledgement is kept outside.

use std::fmt::Write;

/// A file of order lines: `n` rows, `per_order` to an order, over 90 days and
/// `n_customers` customers.
pub fn file(n: usize, per_order: usize, n_customers: usize) -> String {
    let mut csv = String::from("订单号,下单时间,客户编号,客户名称,商品编号,商品名称,数量,单价\n");
    for i in 0..n {
        let order = i / per_order;
        let day = order % 90;
        let customer = order * 7 % n_customers;
        // Writing to a text cannot fail.
        let _ = writeln!(
            csv,
            "S{order:07},2025-{:02}-{:02} 10:{:02}:00,K{customer:05},客户{customer},P{:03},商品{},{},{}.{:02}",
            1 + day / 30,
            1 + day % 28,
            order % 60,
            i % 97,
            i % 97,
            1 + i % 9,
            10 + i % 50,
            i % 100,
        );
    }
    csv
}

/// One order of one line.
pub fn one(number: &str) -> String {
    let price = 1 + number.bytes().map(u64::from).sum::<u64>() % 90;
    format!("订单号,下单时间,客户编号,数量,单价\n{number},2025-02-03 10:00:00,K00001,2,{price}.5\n")
}

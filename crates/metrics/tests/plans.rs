//! Plans and their SQL as text: what is read, shared and joined.

use crate::tiny::{Tiny, asked};
use keji_metrics::explain::explain;
use keji_metrics::plan::plan;
use keji_schema::expr::Expr;
use keji_schema::question::Question;

/// Texts with a common left edge in the test's source.
fn same(found: &str, expected: &str) {
    let lines: Vec<_> = expected
        .lines()
        .skip_while(|l| l.trim().is_empty())
        .collect();
    let edge = lines.first().map_or(0, |l| l.len() - l.trim_start().len());
    let lines: Vec<_> = lines.iter().map(|l| l.get(edge..).unwrap_or("")).collect();
    assert_eq!(found.trim(), lines.join("\n").trim(), "\n{found}");
}

/// A copy with two orders, so that the spans are short.
fn tiny() -> Tiny {
    Tiny::new(
        r#"order = [{ kind = "sale", ordered_on = "2024-01-05" }, { kind = "sale", ordered_on = "2024-03-10" }]"#,
    )
}

#[test]
fn measures_of_one_object_and_window_share_a_scan() {
    let plan = tiny()
        .plan(r#""metrics": ["gross_sales", "orders", "average_order_value"], "grain": "month", "limit": 50"#)
        .unwrap();
    same(
        &plan.to_string(),
        "
        ask gross_sales, orders, average_order_value by month
        period 2024-01-05 to 2024-03-11, as of 2024-03-11
        now 2024-01-05 to 2024-03-11, 3 periods
        scan 1: order_line
          read order_ordered_on, order_kind, quantity, price, amount
          where order_ordered_on in the period
          where order_kind = 'sale' and quantity > 0 and price > 0
          group by period
          gross_sales = sum(amount)
          gross_sales_rows = count(*)
        scan 2: order
          read ordered_on, kind, gross_amount, net_amount
          where ordered_on in the period
          where kind = 'sale' and gross_amount > 0
          group by period
          orders = count(*)
          average_order_value_num = sum(net_amount)
        answer
          gross_sales (money) = 1.gross_sales
          orders (count) = 2.orders
          average_order_value (money) = 2.average_order_value_num / 2.orders
          order by the dimensions, at most 50 rows
        ",
    );
    same(
        &explain(&plan).sql,
        "
        -- periods without facts are added: 0 for counts and sums, null for the rest
        with scan_1 as (
          select
            cast(date_trunc('month', order_ordered_on) as date) as period,
            sum(amount) as gross_sales,
            count(*) as gross_sales_rows
          from order_line
          where order_ordered_on >= date '2024-01-05'
            and order_ordered_on < date '2024-03-11'
            and order_kind = 'sale' and quantity > 0 and price > 0
          group by 1
        ), scan_2 as (
          select
            cast(date_trunc('month', ordered_on) as date) as period,
            count(*) as orders,
            sum(net_amount) as average_order_value_num
          from \"order\"
          where ordered_on >= date '2024-01-05'
            and ordered_on < date '2024-03-11'
            and kind = 'sale' and gross_amount > 0
          group by 1
        ), all_keys as (
          select period from scan_1
          union
          select period from scan_2
        )
        select
          all_keys.period,
          case when scan_1.gross_sales_rows > 0 then scan_1.gross_sales else 0 end as gross_sales,
          coalesce(scan_2.orders, 0) as orders,
          round(case when scan_2.orders > 0 then scan_2.average_order_value_num else 0 end / nullif(coalesce(scan_2.orders, 0), 0), 4) as average_order_value
        from all_keys
        left join scan_1 on scan_1.period is not distinct from all_keys.period
        left join scan_2 on scan_2.period is not distinct from all_keys.period
        order by all_keys.period
        limit 50
        ",
    );
}

#[test]
fn dimensions_and_filters_become_joins_of_small_tables() {
    let plan = tiny()
        .plan(
            r#""metrics": ["gross_sales"], "by": ["product.category", "customer.kind"],
               "where": "customer.region = '上海' or country = 'FR'",
               "compare": "year", "sort": ["-abs:gross_sales_change"]"#,
        )
        .unwrap();
    same(
        &plan.to_string(),
        "
        ask gross_sales by product.category, customer.kind
        period 2024-01-05 to 2024-03-11, as of 2024-03-11
        now 2024-01-05 to 2024-03-11, 1 period
        before 2023-01-05 to 2023-03-11, 1 period
        scan 1: order_line
          read order_ordered_on, order_customer, order_country, product, order_kind, quantity, price, amount
          join customer on order_customer: region, kind
          join product on product: category
          where order_ordered_on in the period
          where order.customer.region = '上海' or order_country = 'FR'
          where order_kind = 'sale' and quantity > 0 and price > 0
          group by product.category, order.customer.kind
          gross_sales = sum(amount)
          gross_sales_rows = count(*)
        answer
          gross_sales (money) = 1.gross_sales
          order by -abs:gross_sales_change, at most 10000 rows
        ",
    );
    same(
        &explain(&plan).sql,
        "
        -- compared with the same from 2023-01-05 to 2023-03-11
        with scan_1 as (
          select
            product.category as \"product.category\",
            order_customer.kind as \"customer.kind\",
            sum(order_line.amount) as gross_sales,
            count(*) as gross_sales_rows
          from order_line
          left join customer as order_customer on order_customer.id = order_line.order_customer
          left join product on product.id = order_line.product
          where order_line.order_ordered_on >= date '2024-01-05'
            and order_line.order_ordered_on < date '2024-03-11'
            and (order_customer.region = '上海' or order_line.order_country = 'FR')
            and order_line.order_kind = 'sale' and order_line.quantity > 0 and order_line.price > 0
          group by 1, 2
        )
        select
          \"product.category\",
          \"customer.kind\",
          case when gross_sales_rows > 0 then gross_sales else 0 end as gross_sales
        from scan_1
        order by \"product.category\", \"customer.kind\"
        limit 10000
        ",
    );
}

#[test]
fn sliding_windows_and_reductions_are_spelled_out() {
    let plan = tiny()
        .plan(r#""metrics": ["recency", "new_customers"], "grain": "month""#)
        .unwrap();
    same(
        &plan.to_string(),
        "
        ask recency, new_customers by month
        period 2024-01-05 to 2024-03-11, as of 2024-03-11
        now 2024-01-05 to 2024-03-11, 3 periods
        scan 1: order
          read ordered_on, kind, gross_amount, customer
          where ordered_on before the period's end
          where kind = 'sale' and gross_amount > 0
          reduce to one row per customer
            last = max(ordered_on)
          group by period
          recency_sum = sum(period_end - last)
          recency_n = count(period_end - last)
        scan 2: order
          read ordered_on, kind, gross_amount, customer
          where ordered_on before the period's end
          where kind = 'sale' and gross_amount > 0
          reduce to one row per customer
            first = min(ordered_on)
            in the period of first
          group by period
          new_customers = count(*)
        answer
          recency (days) = 1.recency_sum / 1.recency_n
          new_customers (count) = 2.new_customers
          order by the dimensions, at most 10000 rows
        ",
    );
    let sql = explain(&plan).sql;
    let values = "(date '2024-02-01', null, date '2024-03-01'),";
    assert!(sql.contains(values), "{sql}");
    assert!(
        sql.contains("where first >= date '2024-01-05' and first < date '2024-03-11'"),
        "{sql}"
    );
}

#[test]
fn the_callers_filter_is_part_of_every_scan() {
    let tiny = tiny();
    let scope = tiny.catalog.dimension_scope("order");
    let access = Expr::parse_filter("customer.owner = '李'", &scope).unwrap();
    let question =
        asked(r#""metrics": ["gross_sales", "buyers", "new_customers", "cohort_customers"]"#);
    let one = |metric: &str| Question {
        metrics: vec![metric.to_owned()],
        ..question.clone()
    };
    for metric in &question.metrics {
        let plan = plan(&tiny.catalog, &one(metric), Some(&access), &tiny.facts()).unwrap();
        for scan in &plan.scans {
            assert!(
                scan.filters[0]
                    .to_string()
                    .ends_with("customer.owner = '李'"),
                "{plan}"
            );
        }
        assert!(explain(&plan).sql.contains("owner = '李'"));
    }
    // A metric that cannot be restricted is refused, not answered whole.
    let access = Expr::parse_filter("channel = 'web'", &scope).unwrap();
    let refused = plan(
        &tiny.catalog,
        &one("predicted_clv"),
        Some(&access),
        &tiny.facts(),
    );
    let message = refused.unwrap_err().to_string();
    assert!(
        message.starts_with("metric `predicted_clv` has no dimension `channel`"),
        "{message}"
    );
}

-- A file of $orders order lines, four to an order, of 500 customers over one
-- quarter, the same on every machine: the file grows, the base does not.
copy (
  select
    'S' || lpad((i // 4)::varchar, 9, '0') as "订单号",
    'K' || lpad((hash(i // 4) % 500)::varchar, 4, '0') as "客户编号",
    strftime(date '2025-01-01' + (i / $orders * 89)::int, '%Y-%m-%d') as "下单日期",
    'P' || lpad((hash(i * 104729 + 3) % 300)::varchar, 5, '0') as "产品编号",
    1 + (hash(i * 7) % 9)::int as "数量",
    round(5 + (hash(i * 13) % 50000) / 100.0, 2) as "单价"
  from range($orders) as t(i)
) to '$file' (header, delimiter ',')

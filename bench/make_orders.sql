-- A file of $orders order lines of at most $customers customers over three
-- years, the same on every machine. Few customers order often.
copy (
  select
    'S' || lpad(i::varchar, 9, '0') as "订单号",
    'K' || lpad(($customers * pow(u1, 1.6))::bigint::varchar, 8, '0') as "客户编号",
    strftime(date '2023-01-01' + (i / $orders * 1095)::int, '%Y-%m-%d') as "下单日期",
    'P' || lpad((u3 * 5000)::bigint::varchar, 5, '0') as "产品编号",
    1 + (u4 * 9)::int as "数量",
    round(5 + u5 * u5 * 500, 2) as "单价"
  from (
    select
      i,
      hash(i * 7919 + 1) / 18446744073709551616.0 as u1,
      hash(i * 104729 + 3) / 18446744073709551616.0 as u3,
      hash(i * 1299709 + 5) / 18446744073709551616.0 as u4,
      hash(i * 15485863 + 9) / 18446744073709551616.0 as u5
    from range($orders) as t(i)
  )
) to '$file' (header, delimiter ',')

-- The purchase history per customer that our pass makes, and RFM by rank from
-- it: the same work as bench_evaluation, so the fair comparison.
-- $files: glob of the order files; $as_of: the first day that does not count.
create or replace temp table facts as
select
  customer,
  ordered_on,
  kind = 'sale' and gross_amount > 0 as is_purchase,
  kind = 'return' as is_return,
  gross_amount,
  case when kind = 'adjustment' then 0 else net_amount end as net
from read_parquet($files, hive_partitioning = false)
where ordered_on < $as_of and customer is not null;

create or replace temp table days as
select
  customer,
  ordered_on,
  sum(gross_amount) as gross,
  ordered_on - lag(ordered_on) over (partition by customer order by ordered_on) as gap
from facts
where is_purchase
group by customer, ordered_on;

create or replace temp table gaps as
select
  customer,
  count(*) as n_days,
  arg_min(gross, ordered_on) as first_gross,
  count(*) filter (where ordered_on >= $as_of - 365) as n_days_365,
  median(gap) as median_gap
from days
group by customer;

create or replace temp table summaries as
select
  customer,
  min(ordered_on) filter (where is_purchase) as first_on,
  max(ordered_on) filter (where is_purchase) as last_on,
  count(*) filter (where is_purchase) as n_orders,
  coalesce(sum(gross_amount) filter (where is_purchase), 0) as gross,
  sum(net) as net,
  coalesce(sum(net) filter (where ordered_on >= $as_of - 365), 0) as net_365,
  coalesce(sum(net) filter (where ordered_on >= $as_of - 180), 0) as net_180,
  coalesce(sum(net) filter (where ordered_on >= $as_of - 360 and ordered_on < $as_of - 180), 0)
    as net_180_before,
  coalesce(sum(gross_amount) filter (where is_purchase and ordered_on >= $as_of - 365), 0)
    as gross_365,
  count(*) filter (where is_purchase and ordered_on >= $as_of - 365) as n_orders_365,
  count(*) filter (where is_return) as n_returns
from facts
group by customer;

create or replace temp table scores as
select
  customer,
  1 + (5 * (row_number() over (order by last_on, customer) - 1)) // count(*) over () as r,
  1 + (5 * (row_number() over (order by n_orders, customer) - 1)) // count(*) over () as f,
  1 + (5 * (row_number() over (order by gross, customer) - 1)) // count(*) over () as m
from summaries
where n_orders > 0;

-- RFM by rank from the order files: the least that the scores need.
-- $files: glob of the order files; $as_of: the first day that does not count.
-- A score is 1 + floor(5 i / n) by the position i from 0; ties by customer.
with buyers as (
  select
    customer,
    max(ordered_on) as last_on,
    count(*) as n_orders,
    sum(gross_amount) as gross
  from read_parquet($files, hive_partitioning = false)
  where kind = 'sale' and gross_amount > 0 and ordered_on < $as_of and customer is not null
  group by customer
),
scored as (
  select
    1 + (5 * (row_number() over (order by last_on, customer) - 1)) // count(*) over () as r,
    1 + (5 * (row_number() over (order by n_orders, customer) - 1)) // count(*) over () as f,
    1 + (5 * (row_number() over (order by gross, customer) - 1)) // count(*) over () as m
  from buyers
)
select 100 * r + 10 * f + m as cell, count(*) as customers
from scored
group by cell
order by cell;

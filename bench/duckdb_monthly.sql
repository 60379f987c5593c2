-- Monthly metrics over the whole history: gross and net sales, orders, buyers,
-- new customers, and how many of each month's new customers bought k months on.
-- $files: glob of the order files; $as_of: the first day that does not count.
with facts as materialized (
  select
    customer,
    date_trunc('month', ordered_on)::date as month,
    kind = 'sale' and gross_amount > 0 as is_purchase,
    gross_amount,
    case when kind = 'adjustment' then 0 else net_amount end as net
  from read_parquet($files, hive_partitioning = false)
  where ordered_on < $as_of
),
months as (
  select
    month,
    sum(gross_amount) filter (where is_purchase) as gross_sales,
    sum(net) as net_revenue,
    count(*) filter (where is_purchase) as orders,
    count(distinct customer) filter (where is_purchase) as buyers
  from facts
  group by month
),
active as materialized (
  select distinct customer, month from facts where is_purchase and customer is not null
),
first_months as (
  select customer, min(month) as cohort from active group by customer
),
cohorts as (
  select cohort, date_diff('month', cohort, month) as age, count(*) as customers
  from active join first_months using (customer)
  group by cohort, age
)
select
  month, gross_sales, net_revenue, orders, buyers,
  list(customers order by age) as cohort_by_age,
  list(customers order by age)[1] as new_customers
from months left join cohorts on cohort = month
group by all
order by month;

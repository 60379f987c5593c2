create table customer_month as
select
  customer,
  date_trunc('month', ordered_on)::date as month,
  sum(gross_amount) filter (where kind = 'sale' and gross_amount > 0) as gross_sales,
  sum(case when kind = 'adjustment' then 0 else net_amount end) as net_revenue,
  count(*) filter (where kind = 'sale' and gross_amount > 0) as orders
from read_parquet($files, hive_partitioning = false)
where ordered_on < $as_of
group by all;
-- asked
with active as materialized (
  select customer, month from customer_month where orders > 0 and customer is not null
),
first_months as (
  select customer, min(month) as cohort from active group by customer
),
cohorts as (
  select cohort, date_diff('month', cohort, month) as age, count(*) as customers
  from active join first_months using (customer)
  group by cohort, age
),
months as (
  select
    month, sum(gross_sales) as gross_sales, sum(net_revenue) as net_revenue, sum(orders) as orders,
    count(customer) filter (where orders > 0) as buyers
  from customer_month
  group by month
)
select month, gross_sales, net_revenue, orders, buyers, list(customers order by age) as cohort_by_age
from months left join cohorts on cohort = month
group by all
order by month;

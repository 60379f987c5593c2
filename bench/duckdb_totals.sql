-- What our pass must have found too, from the tables of duckdb_summaries.sql.
select
  count(*) as customers,
  count(*) filter (where n_orders > 0) as buyers,
  sum(n_orders)::bigint as orders,
  sum(n_days)::bigint as purchase_days,
  (sum(gross) * 10000)::bigint as gross_units,
  (sum(first_gross) * 10000)::bigint as first_gross_units,
  (sum(net) * 10000)::bigint as net_units,
  (sum(net_365) * 10000)::bigint as net_365_units,
  (sum(net_180) * 10000)::bigint as net_180_units,
  (sum(net_180_before) * 10000)::bigint as net_180_before_units,
  sum(n_days_365)::bigint as purchase_days_365,
  sum(n_returns)::bigint as returns,
  sum(2 * median_gap)::bigint as median_gaps_doubled,
  median(median_gap) as base_median_gap
from summaries left join gaps using (customer);

import { PERIODS, type PeriodName } from "../../ui/period";

export type OverviewSearch = {
  period?: PeriodName;
  compare?: "previous" | "year";
  rfm?: string;
  heat?: "money";
};

export function readOverviewSearch(raw: Record<string, unknown>): OverviewSearch {
  const search: OverviewSearch = {};
  const period = PERIODS.find((p) => p === raw.period);
  if (period && period !== "last_month") search.period = period;
  if (raw.compare === "year") search.compare = "year";
  if (typeof raw.rfm === "string") search.rfm = raw.rfm;
  if (raw.heat === "money") search.heat = "money";
  return search;
}

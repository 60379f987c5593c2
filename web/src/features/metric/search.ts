import type { Grain } from "../../api/types";
import { GRAINS } from "../../charts/grains";
import { isDate } from "../../ui/period";

/** What is asked about a metric, as it stands in the URL. */
export type MetricSearch = {
  grain?: Grain | "none";
  by?: string;
  from?: string;
  to?: string;
  compare?: "previous" | "year";
  view?: "table";
};

export function readMetricSearch(raw: Record<string, unknown>): MetricSearch {
  const search: MetricSearch = {};
  const grain = [...GRAINS, "none" as const].find((g) => g === raw.grain);
  if (grain) search.grain = grain;
  if (typeof raw.by === "string" && raw.by) search.by = raw.by;
  if (isDate(raw.from)) search.from = raw.from;
  if (isDate(raw.to)) search.to = raw.to;
  if (raw.compare === "previous" || raw.compare === "year") search.compare = raw.compare;
  if (raw.view === "table") search.view = "table";
  return search;
}

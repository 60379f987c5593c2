import { AT_RISK, allOf, quote } from "../../ui/where";

/** The filters of the list, as they stand in the URL. */
export type CustomersSearch = {
  search?: string;
  tier?: string;
  stage?: string;
  country?: string;
  risk?: boolean;
  where?: string;
  sort?: string;
};

const TEXTS = ["search", "tier", "stage", "country", "where", "sort"] as const;
/** Before the first evaluation there are no scores to sort by. */
export const defaultSort = (hasScores: boolean): string => (hasScores ? "-net_revenue_365" : "number");

export function readCustomersSearch(raw: Record<string, unknown>): CustomersSearch {
  const search: CustomersSearch = {};
  for (const name of TEXTS) {
    const value = raw[name];
    if (typeof value === "string" && value !== "") search[name] = value;
    // The router reads `?search=12345` as a number.
    else if (typeof value === "number") search[name] = String(value);
  }
  if (raw.risk === true || raw.risk === "true") search.risk = true;
  return search;
}

export const whereOf = (s: CustomersSearch): string | undefined =>
  allOf([
    s.tier && `tier = ${quote(s.tier)}`,
    s.stage && `stage = ${quote(s.stage)}`,
    s.country && `country = ${quote(s.country)}`,
    s.risk && AT_RISK,
    s.where,
  ]);

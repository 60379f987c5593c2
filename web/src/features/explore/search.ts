import type { Grain, Value } from "../../api/types";
import { GRAINS } from "../../charts/grains";
import { isDate } from "../../ui/period";

/** More metrics than one looks at together. */
export const MAX_METRICS = 4;
export const MAX_DIMENSIONS = 2;

/** A place that the question is narrowed to: a dimension and one of its values. */
export type At = [path: string, value: Exclude<Value, undefined>];

/** What is explored, as it stands in the URL: whoever gets the link sees the same. */
export type ExploreSearch = {
  metrics?: string[];
  by?: string[];
  at?: At[];
  grain?: Grain | "none";
  from?: string;
  to?: string;
  compare?: "previous" | "year";
  where?: string;
  view?: "pivot" | "table";
};

const texts = (raw: unknown, most: number): string[] =>
  Array.isArray(raw) ? [...new Set(raw.filter((x) => typeof x === "string" && x !== ""))].slice(0, most) : [];

const isAt = (raw: unknown): raw is At =>
  Array.isArray(raw) &&
  raw.length === 2 &&
  typeof raw[0] === "string" &&
  (raw[1] === null || ["string", "number", "boolean"].includes(typeof raw[1]));

export function readExploreSearch(raw: Record<string, unknown>): ExploreSearch {
  const search: ExploreSearch = {};
  const metrics = texts(raw.metrics, MAX_METRICS);
  if (metrics.length > 0) search.metrics = metrics;
  const by = texts(raw.by, MAX_DIMENSIONS);
  if (by.length > 0) search.by = by;
  const at = Array.isArray(raw.at) ? raw.at.filter(isAt) : [];
  if (at.length > 0) search.at = at;
  const grain = [...GRAINS, "none" as const].find((g) => g === raw.grain);
  if (grain) search.grain = grain;
  if (isDate(raw.from)) search.from = raw.from;
  if (isDate(raw.to)) search.to = raw.to;
  if (raw.compare === "previous" || raw.compare === "year") search.compare = raw.compare;
  if (typeof raw.where === "string" && raw.where.trim() !== "") search.where = raw.where;
  if (raw.view === "pivot" || raw.view === "table") search.view = raw.view;
  return search;
}

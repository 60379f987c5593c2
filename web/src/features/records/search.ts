import type { ObjectDef, RecordFilter } from "../../api/records";

export const VIEWS = ["list", "grid", "board", "calendar", "chart"] as const;
export type View = (typeof VIEWS)[number];

/** The state of a list, as it stands in the URL. */
export type RecordsSearch = {
  search?: string;
  where?: string;
  sort?: string;
  view?: View;
  /** The field that makes the columns of the board, the days of the calendar or the groups of the chart. */
  by?: string;
  /** The number that the chart adds up; without one it counts. */
  sum?: string;
  /** The record whose steps the board has as columns, such as a pipeline. */
  steps?: string;
  month?: string;
  /** Fields with commas between them; without, the reader's own choice. */
  columns?: string;
};

const TEXTS = ["search", "where", "sort", "by", "sum", "steps", "columns"] as const;

export function readRecordsSearch(raw: Record<string, unknown>): RecordsSearch {
  const search: RecordsSearch = {};
  for (const name of TEXTS) {
    const value = raw[name];
    if (typeof value === "string" && value !== "") search[name] = value;
    // The router reads `?search=12345` as a number.
    else if (typeof value === "number") search[name] = String(value);
  }
  const view = VIEWS.find((v) => v === raw.view);
  if (view && view !== "list") search.view = view;
  if (typeof raw.month === "string" && /^\d{4}-(0[1-9]|1[0-2])$/.test(raw.month)) search.month = raw.month;
  return search;
}

export function filterOf(object: ObjectDef, search: RecordsSearch): RecordFilter {
  const field = search.sort?.replace(/^-/, "");
  const isKnown = object.fields.some((f) => f.id === field);
  return {
    ...(search.where ? { where: search.where } : {}),
    ...(search.search ? { search: search.search } : {}),
    ...(search.sort && isKnown ? { sort: search.sort } : {}),
  };
}

import type { ObjectDef, RecordFilter } from "../../api/records";

export const VIEWS = ["list", "board", "calendar"] as const;
export type View = (typeof VIEWS)[number];

/** The state of a list, as it stands in the URL. */
export type RecordsSearch = {
  search?: string;
  where?: string;
  sort?: string;
  view?: View;
  /** The field that makes the columns of the board, or the days of the calendar. */
  by?: string;
  month?: string;
};

const TEXTS = ["search", "where", "sort", "by"] as const;

export function readRecordsSearch(raw: Record<string, unknown>): RecordsSearch {
  const search: RecordsSearch = {};
  for (const name of TEXTS) {
    const value = raw[name];
    if (typeof value === "string" && value !== "") search[name] = value;
    // The router reads `?search=12345` as a number.
    else if (typeof value === "number") search[name] = String(value);
  }
  if (raw.view === "board" || raw.view === "calendar") search.view = raw.view;
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

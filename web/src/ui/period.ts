// Civil dates as text (`2010-12-09`), and the spans that the page offers.
// A span holds `from` and ends before `to`.
import type { Grain, Period } from "../api/types";
import type { Lang } from "./format";

const utc = (date: string) => new Date(`${date}T00:00:00Z`);
const text = (date: Date) => date.toISOString().slice(0, 10);

/** Whether the text is a civil date that exists. */
export const isDate = (value: unknown): value is string =>
  typeof value === "string" &&
  /^\d{4}-\d{2}-\d{2}$/.test(value) &&
  !Number.isNaN(utc(value).getTime()) &&
  text(utc(value)) === value;

export function addDays(date: string, days: number): string {
  const at = utc(date);
  at.setUTCDate(at.getUTCDate() + days);
  return text(at);
}

/** The first day of the month that lies `months` after the date's own. */
export function monthStart(date: string, months = 0): string {
  const at = utc(date);
  return text(new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1)));
}

export const yearStart = (date: string): string => `${date.slice(0, 4)}-01-01`;

export const PERIODS = ["last_month", "this_month", "last_12_months", "this_year", "all"] as const;
export type PeriodName = (typeof PERIODS)[number];

/** The span of a name, for facts before `asOf`. */
export function spanOf(name: PeriodName, asOf: string, first?: string | null): Period {
  const lastDay = addDays(asOf, -1);
  // A month that ends exactly with `asOf` is full.
  const running = monthStart(asOf) === asOf ? asOf : monthStart(lastDay);
  switch (name) {
    case "last_month":
      return { from: monthStart(running, -1), to: running };
    case "this_month":
      return { from: monthStart(lastDay), to: asOf };
    case "last_12_months":
      return { from: monthStart(running, -12), to: running };
    case "this_year":
      return { from: yearStart(lastDay), to: asOf };
    case "all":
      return { from: first ?? monthStart(running, -24), to: asOf };
  }
}

/** The last `months` calendar months up to the span's end. */
export function trendSpan(to: string, months: number): Period {
  const end = monthStart(addDays(to, -1), 1);
  return { from: monthStart(end, -months), to };
}

/** A span in words; whole months and years are named. */
export function showPeriod(period: Period, lang: Lang): string {
  const { from, to } = period;
  if (from.endsWith("-01") && monthStart(from, 1) === to) return showGrain(from, "month", lang);
  if (from.endsWith("-01-01") && monthStart(from, 12) === to) return showGrain(from, "year", lang);
  return `${from} ${lang === "zh" ? "至" : "to"} ${addDays(to, -1)}`;
}

/** The name of the period of a grain that begins at `start`. */
export function showGrain(start: string, grain: Grain | null | undefined, lang: Lang): string {
  const [year = "", month = ""] = start.split("-");
  switch (grain) {
    case "month":
      return lang === "zh" ? `${year}年${Number(month)}月` : `${year}-${month}`;
    case "quarter": {
      const quarter = Math.ceil(Number(month) / 3);
      return lang === "zh" ? `${year}年第${quarter}季度` : `${year} Q${quarter}`;
    }
    case "year":
      return lang === "zh" ? `${year}年` : year;
    case "week":
      return lang === "zh" ? `${start} 起一周` : `Week of ${start}`;
    default:
      return start;
  }
}

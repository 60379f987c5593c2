// From one value of an answer to the question about exactly that value: its
// period, and its place in every dimension as a condition.
import type { Answer, Grain, Period, Question, Value } from "../api/types";
import { addDays, monthStart } from "../ui/period";
import { allOf, quote } from "../ui/where";
import { columnAt } from "./shape";

const MONTHS: Record<Exclude<Grain, "day" | "week">, number> = { month: 1, quarter: 3, year: 12 };

/** The start of the period `n` after the one that begins at `start`. */
export const grainStart = (start: string, grain: Grain, n: number): string =>
  grain === "day" || grain === "week"
    ? addDays(start, n * (grain === "day" ? 1 : 7))
    : monthStart(start, n * MONTHS[grain]);

const firstOf = (a: string, b: string | null | undefined) => (b && b < a ? b : a);
const lastOf = (a: string, b: string | null | undefined) => (b && b > a ? b : a);

const within = (period: Period, span: Period): Period => ({
  from: lastOf(period.from, span.from),
  to: firstOf(period.to, span.to),
});

/** The start of the calendar period of a grain that holds a first day of a month or a period's own start. */
function startOf(day: string, grain: Grain): string {
  const month = Number(day.slice(5, 7));
  if (grain === "month") return monthStart(day);
  if (grain === "quarter") return monthStart(day, -((month - 1) % 3));
  if (grain === "year") return monthStart(day, 1 - month);
  return day;
}

/** The days behind a value; null where the page cannot know them. */
function periodOf(
  answer: Answer,
  question: Question,
  row: number,
  grain: Grain | null | undefined,
  isPrevious: boolean,
): Period | null {
  const at = columnAt(answer, "period");
  if (at < 0 || !grain) return isPrevious ? (answer.compared ?? null) : answer.period;
  const start = String(answer.rows[row]?.[at]);
  if (!isPrevious) return within({ from: start, to: grainStart(start, grain, 1) }, answer.period);
  const span = answer.compared;
  // Weeks of two years do not fall on the same days; the server alone pairs them.
  if (!span || grain === "week") return null;
  const starts = [...new Set(answer.rows.map((r) => String(r[at])))].sort();
  const before =
    question.compare === "year"
      ? `${Number(start.slice(0, 4)) - 1}${start.slice(4)}`
      : grainStart(startOf(span.from, grain), grain, starts.indexOf(start));
  const period = within({ from: before, to: grainStart(before, grain, 1) }, span);
  return period.from < period.to ? period : null;
}

/** That a dimension has a value. */
export const condition = (path: string, value: Value): string =>
  value === null ? `${path} is null` : `${path} = ${typeof value === "string" ? quote(value) : value}`;

/** The question about one value of an answer. */
export function drill(
  answer: Answer,
  question: Question,
  row: number,
  grain: Grain | null | undefined,
  isPrevious = false,
): Question | null {
  const period = periodOf(answer, question, row, grain, isPrevious);
  if (!period) return null;
  const conditions = answer.columns.map((c, i) =>
    c.role === "dimension" && c.name !== "period"
      ? condition(c.name, answer.rows[row]?.[i] ?? null)
      : undefined,
  );
  return {
    metrics: question.metrics,
    ...period,
    where: allOf([question.where ?? undefined, ...conditions]) ?? null,
    as_of: question.as_of ?? null,
  };
}

/** A cohort's customers in one month after the first: its facts up to that month's end, of which the newest count. */
export function drillCohort(question: Question, cohort: string, age: number, asOf: string) {
  const since = monthStart(cohort, age);
  return {
    since,
    question: {
      metrics: question.metrics,
      from: cohort,
      to: monthStart(cohort, 1),
      as_of: firstOf(monthStart(since, 1), asOf),
      where: question.where ?? null,
    },
  };
}

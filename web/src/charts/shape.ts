// What an answer is: from its columns alone, so that no metric needs code of its own.
import type { Answer, AnswerColumn, Value } from "../api/types";
import { NO_VALUE } from "../ui/format";

export type Shape = "tile" | "line" | "bar" | "heat" | "empty";

const dimensions = (answer: Answer): AnswerColumn[] => answer.columns.filter((c) => c.role === "dimension");

export function shapeOf(answer: Answer): Shape {
  if (answer.rows.length === 0) return "empty";
  const names = dimensions(answer).map((c) => c.name);
  if (names.includes("cohort") && names.includes("age")) return "heat";
  if (names.includes("period")) return "line";
  return names.length === 0 ? "tile" : "bar";
}

export const columnAt = (answer: Answer, name: string): number =>
  answer.columns.findIndex((c) => c.name === name);

export function cellOf(answer: Answer, row: Value[] | undefined, name: string): Value {
  const at = columnAt(answer, name);
  return at < 0 ? null : (row?.[at] ?? null);
}

/** How many cases a value rests on, where they are too few. */
export function fewAt(answer: Answer, row: number, name: string): number | undefined {
  const column = columnAt(answer, name);
  return answer.small.find((s) => s.row === row && s.column === column)?.n;
}

/** The columns that hold values: not a dimension, not part of a comparison. */
export const metricColumns = (answer: Answer): AnswerColumn[] =>
  answer.columns.filter((c) => c.role === "metric" && !/_(previous|change)$/.test(c.name));

export type Series = {
  name: string;
  values: (string | number | null)[];
  /** The row of the answer behind each value. */
  rows: (number | undefined)[];
  isPrevious: boolean;
};

/** An answer over time as one line per value of the other dimension. */
export function seriesOf(answer: Answer, metric: string): { periods: string[]; series: Series[] } {
  const period = columnAt(answer, "period");
  const value = columnAt(answer, metric);
  const before = columnAt(answer, `${metric}_previous`);
  const others = answer.columns
    .map((c, i) => ({ c, i }))
    .filter(({ c, i }) => c.role === "dimension" && i !== period)
    .map(({ i }) => i);
  const periods = [...new Set(answer.rows.map((r) => String(r[period])))].sort();
  const at = new Map(periods.map((p, i) => [p, i]));
  const lines = new Map<string, Series>();
  const put = (name: string, isPrevious: boolean, index: number, v: Value | undefined, row: number) => {
    const key = `${isPrevious}:${name}`;
    let line = lines.get(key);
    if (!line) {
      line = { name, isPrevious, values: Array(periods.length).fill(null), rows: [] };
      lines.set(key, line);
    }
    line.values[index] = typeof v === "number" || typeof v === "string" ? v : null;
    line.rows[index] = row;
  };
  for (const [i, row] of answer.rows.entries()) {
    const name = others.map((at) => String(row[at] ?? NO_VALUE)).join(" · ");
    const index = at.get(String(row[period])) ?? 0;
    put(name, false, index, row[value], i);
    if (before >= 0 && others.length === 0) put(name, true, index, row[before], i);
  }
  // The largest lines first, so that a chart of a few shows those that matter.
  const peak = (line: Series) => Math.max(...line.values.map((v) => Math.abs(Number(v ?? 0))));
  const sized = [...lines.values()].map((line) => ({ line, size: peak(line) }));
  return {
    periods,
    series: sized
      .sort((a, b) => Number(a.line.isPrevious) - Number(b.line.isPrevious) || b.size - a.size)
      .map(({ line }) => line),
  };
}

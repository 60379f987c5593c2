// An answer by two dimensions as a table of rows and columns. Margins are
// questions of their own: a ratio's total is no sum of its parts.
import type { Answer, Value } from "../../api/types";
import { columnAt } from "../../charts/shape";

/** More columns than anybody compares. */
export const MAX_COLUMNS = 24;
export const MAX_ROWS = 200;

export type Pivot = {
  rows: Value[];
  columns: Value[];
  /** The answer's row behind each place, by row and column. */
  places: (number | undefined)[][];
  /** How many there are before the cut. */
  allRows: number;
  allColumns: number;
};

const key = (value: Value | undefined) => JSON.stringify(value ?? null);

/** Values in the order in which they come first, periods by time. */
function values(answer: Answer, at: number, isTime: boolean): Value[] {
  const found = new Map<string, Value>();
  for (const row of answer.rows) if (!found.has(key(row[at]))) found.set(key(row[at]), row[at] ?? null);
  const all = [...found.values()];
  return isTime ? all.sort((a, b) => (String(a) < String(b) ? -1 : 1)) : all;
}

export function pivotOf(answer: Answer, row: string, column: string): Pivot {
  const rowAt = columnAt(answer, row);
  const columnAt_ = columnAt(answer, column);
  const allRows = values(answer, rowAt, row === "period");
  const allColumns = values(answer, columnAt_, column === "period");
  const rows = allRows.slice(0, MAX_ROWS);
  // Of time the latest are kept, of anything else the first.
  const columns = column === "period" ? allColumns.slice(-MAX_COLUMNS) : allColumns.slice(0, MAX_COLUMNS);
  const rowOf = new Map(rows.map((value, i) => [key(value), i]));
  const columnOf = new Map(columns.map((value, i) => [key(value), i]));
  const places: (number | undefined)[][] = rows.map(() => Array(columns.length).fill(undefined));
  for (const [i, cells] of answer.rows.entries()) {
    const line = places[rowOf.get(key(cells[rowAt])) ?? -1];
    const place = columnOf.get(key(cells[columnAt_]));
    if (line && place !== undefined) line[place] = i;
  }
  return { rows, columns, places, allRows: allRows.length, allColumns: allColumns.length };
}

/** The value that an answer has at one place, by one dimension. */
export function valueAt(answer: Answer | undefined, dimension: string, value: Value, metric: string): Value {
  if (!answer) return null;
  const at = columnAt(answer, dimension);
  const row = answer.rows.find((cells) => key(cells[at]) === key(value));
  return row?.[columnAt(answer, metric)] ?? null;
}

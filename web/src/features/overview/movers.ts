import type { Answer, Value } from "../../api/types";
import { cellOf } from "../../charts/shape";
import { toNumber } from "../../ui/format";

export type Mover = {
  id: number;
  name: string | null;
  number: string | null;
  now: Value;
  before: Value;
  change: Value;
  delta: number;
};

/** The largest rises and falls among the rows of several answers, by amount. */
export function topMovers(answers: Answer[], metric: string, n: number): { up: Mover[]; down: Mover[] } {
  const found = new Map<number, Mover>();
  for (const answer of answers) {
    for (const row of answer.rows) {
      const id = toNumber(cellOf(answer, row, "customer"));
      if (id === null) continue;
      const now = cellOf(answer, row, metric);
      const before = cellOf(answer, row, `${metric}_previous`);
      const text = (name: string) => {
        const value = cellOf(answer, row, name);
        return typeof value === "string" && value !== "" ? value : null;
      };
      found.set(id, {
        id,
        name: text("customer.name"),
        number: text("customer.number"),
        now,
        before,
        change: cellOf(answer, row, `${metric}_change`),
        delta: (toNumber(now) ?? 0) - (toNumber(before) ?? 0),
      });
    }
  }
  const sorted = [...found.values()].sort((a, b) => b.delta - a.delta);
  return {
    up: sorted.filter((m) => m.delta > 0).slice(0, n),
    down: sorted
      .filter((m) => m.delta < 0)
      .reverse()
      .slice(0, n),
  };
}

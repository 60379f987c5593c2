// From a value of an answer to the question about exactly it, and whether the
// records behind it are the number.
import { describe, expect, it } from "vitest";
import type { Answer, RowsBehind } from "../src/api/types";
import { drill, drillCohort } from "../src/charts/drill";
import { fewAt } from "../src/charts/shape";
import { isAdditive, isSame, proofOf, provedBy, sumOf } from "../src/features/metric/proof";

const question = {
  metrics: ["net_revenue"],
  by: ["country"],
  compare: "previous" as const,
  as_of: "2026-10-15",
};
const answer: Answer = {
  columns: [
    { name: "period", role: "dimension", unit: "date" },
    { name: "country", role: "dimension", unit: "text" },
    { name: "net_revenue", role: "metric", unit: "money" },
    { name: "net_revenue_previous", role: "metric", unit: "money" },
  ],
  rows: [
    ["2026-09-01", "O'Land", "12", "10"],
    ["2026-10-01", null, "5", "4"],
  ],
  as_of: "2026-10-15",
  status: "open",
  row_status: ["settled", "open"],
  small: [{ row: 1, column: 3, n: 12 }],
  period: { from: "2026-09-10", to: "2026-11-01" },
  compared: { from: "2026-07-10", to: "2026-08-15" },
  seq: 1,
  truncated: false,
  is_partial: false,
};

describe("the question about one value", () => {
  it("has its period, cut to the span, and its place as conditions", () => {
    expect(drill(answer, question, 0, "month")).toEqual({
      metrics: ["net_revenue"],
      from: "2026-09-10",
      to: "2026-10-01",
      where: "country = 'O''Land'",
      as_of: "2026-10-15",
    });
    expect(drill(answer, { ...question, where: "kind = 'sale'" }, 1, "month")?.where).toBe(
      "(kind = 'sale') and (country is null)",
    );
  });

  it("of the period before pairs the first with the first, over equal time", () => {
    const previous = (row: number) => drill(answer, question, row, "month", true);
    expect(previous(0)).toMatchObject({ from: "2026-07-10", to: "2026-08-01" });
    expect(previous(1)).toMatchObject({ from: "2026-08-01", to: "2026-08-15" });
  });

  it("of the year before goes by the calendar", () => {
    const year = { ...answer, compared: { from: "2025-09-10", to: "2025-10-15" } };
    expect(drill(year, { ...question, compare: "year" }, 1, "month", true)).toMatchObject({
      from: "2025-10-01",
      to: "2025-10-15",
    });
  });

  it("is not made for weeks of another year, which only the server pairs", () => {
    expect(drill(answer, question, 0, "week", true)).toBeNull();
  });

  it("of a cohort's month looks at the facts up to its end", () => {
    expect(drillCohort({ metrics: ["m"] }, "2026-01-01", 2, "2026-11-01")).toEqual({
      since: "2026-03-01",
      question: { metrics: ["m"], from: "2026-01-01", to: "2026-02-01", as_of: "2026-04-01", where: null },
    });
  });
});

describe("the proof of a number", () => {
  const found: RowsBehind = {
    object: "order",
    columns: [
      { name: "id", label: { zh: "", en: "" }, unit: "link" },
      { name: "customer.number", label: { zh: "", en: "" }, unit: "text" },
      { name: "net_amount", label: { zh: "", en: "" }, unit: "money" },
    ],
    rows: [
      [1, "C1", "90071992547409931.01"],
      [2, "C1", "-0.5"],
      [3, null, null],
    ],
    total: 3,
    truncated: false,
    is_partial: false,
  };
  const by = (formula: string) => {
    const proof = proofOf(formula);
    return proof && provedBy(proof, found);
  };

  it("adds decimals up to the last digit", () => {
    expect(sumOf(["0.1", "0.2", null])).toBe("0.3");
    expect(sumOf([])).toBe("0");
    expect(by("sum(net_amount) of order where kind in ('sale', 'return')")).toBe("90071992547409930.51");
  });

  it("counts records, and different customers without the unknown", () => {
    expect(by("count of order where kind = 'sale'")).toBe("3");
    expect(by("count_distinct(customer) of order where kind = 'sale'")).toBe("1");
    expect(by("count over each customer, with first = min(ordered_on) of order")).toBe("1");
  });

  it("knows a ratio's upper part, and that an average is no sum", () => {
    expect(proofOf("(sum(net_amount) of order) ÷ (orders)")?.isPart).toBe(true);
    expect(proofOf("avg(p_alive) of score, as of the last evaluation")).toBeNull();
  });

  it("adds shorter periods only where they add up", () => {
    expect(isAdditive("sum(net_amount) of order where kind in ('sale', 'return')")).toBe(true);
    expect(isAdditive("count_distinct(customer) of order")).toBe(false);
    expect(isAdditive("sum(value_at_risk) of score, as of the last evaluation")).toBe(false);
  });

  it("takes 1.50 for 1.5", () => {
    expect(isSame("1.50", "1.5")).toBe(true);
    expect(isSame("1.5", "-1.5")).toBe(false);
  });
});

it("a value that rests on too few cases says on how many", () => {
  expect(fewAt(answer, 1, "net_revenue_previous")).toBe(12);
  expect(fewAt(answer, 1, "net_revenue")).toBeUndefined();
  expect(fewAt(answer, 0, "net_revenue_previous")).toBeUndefined();
});

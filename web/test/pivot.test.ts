import { expect, test } from "vitest";
import type { Answer } from "../src/api/types";
import { MAX_COLUMNS, pivotOf, valueAt } from "../src/features/explore/pivot";
import { readExploreSearch } from "../src/features/explore/search";

const answer = (columns: string[], rows: (string | number | null)[][]): Answer =>
  ({
    columns: columns.map((name) => ({
      name,
      role: name === "value" ? "metric" : "dimension",
      unit: "count",
    })),
    rows,
  }) as unknown as Answer;

test("each number stands at its row and its column, and nothing where there is none", () => {
  const found = answer(
    ["city", "period", "value"],
    [
      ["B", "2024-02-01", 4],
      ["A", "2024-01-01", 1],
      [null, "2024-02-01", 3],
    ],
  );
  const pivot = pivotOf(found, "city", "period");
  expect(pivot.rows).toEqual(["B", "A", null]);
  expect(pivot.columns).toEqual(["2024-01-01", "2024-02-01"]);
  expect(pivot.places).toEqual([
    [undefined, 0],
    [1, undefined],
    [undefined, 2],
  ]);
});

test("of too many periods the latest are kept, and what is cut is counted", () => {
  const months = Array.from(
    { length: 30 },
    (_, i) => `${2020 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, "0")}-01`,
  );
  const pivot = pivotOf(
    answer(
      ["city", "period", "value"],
      months.map((m, i) => ["A", m, i]),
    ),
    "city",
    "period",
  );
  expect(pivot.columns).toHaveLength(MAX_COLUMNS);
  expect(pivot.columns.at(-1)).toBe(months.at(-1));
  expect(pivot.allColumns).toBe(30);
});

test("a margin is read from its own answer, the empty value too", () => {
  const rows = answer(
    ["city", "value"],
    [
      ["A", 5],
      [null, 2],
    ],
  );
  expect(valueAt(rows, "city", "A", "value")).toBe(5);
  expect(valueAt(rows, "city", null, "value")).toBe(2);
  expect(valueAt(rows, "city", "C", "value")).toBeNull();
  expect(valueAt(undefined, "city", "A", "value")).toBeNull();
});

test("of an address only what can be asked is read", () => {
  expect(
    readExploreSearch({
      metrics: ["a", "a", "b", "c", "d", "e", 7],
      by: ["x", "y", "z"],
      at: [["city", "A"], ["city"], "x", ["n", null], ["o", {}]],
      grain: "hour",
      from: "2024-13-01",
      compare: "year",
      where: " ",
      view: "pie",
    }),
  ).toEqual({
    metrics: ["a", "b", "c", "d"],
    by: ["x", "y"],
    at: [
      ["city", "A"],
      ["n", null],
    ],
    compare: "year",
  });
});

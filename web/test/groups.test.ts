// The list behind a group of a chart is that group: its condition is one that
// the reader can change, and narrows what was there.
import { describe, expect, it } from "vitest";
import type { FieldDef, ObjectDef, RecordGroups } from "../src/api/records";
import { fromExpression } from "../src/features/records/filter";
import { monthsOf, whereOf } from "../src/features/records/groups";
import { laneKey, laneWhere, withMoves } from "../src/features/records/lanes";
import { chartFields, stepsOf, sumFields } from "../src/fields/record";

const names = { zh: "", en: "" };
const field = (id: string, type: FieldDef["type"], more: Partial<FieldDef> = {}): FieldDef => ({
  id,
  type,
  name: names,
  ...more,
});
const options = ["a", "b"].map((value) => ({ value, zh: value, en: value }));
const fields = {
  number: field("number", "text", { unique: true }),
  name: field("name", "text"),
  kind: field("kind", "choice", { options }),
  stage: field("stage", "link", { to: "stage" }),
  source: field("source", "text"),
  phone: field("phone", "text", { is_masked: true }),
  note: field("note", "text"),
  done: field("done", "bool"),
  due_on: field("due_on", "date"),
  made_at: field("made_at", "instant"),
  amount: field("amount", "decimal", { unit: "money" }),
  n: field("n", "int", { unit: "count" }),
  chance: field("chance", "decimal", { unit: "pct" }),
};
const object: ObjectDef = {
  id: "opportunity",
  name: names,
  about: names,
  number: "number",
  title: "name",
  is_writable: true,
  actions: [],
  fields: Object.values(fields),
};

describe("the list behind a group", () => {
  for (const [of, value, wanted] of [
    ["kind", "a", "kind in ('a')"],
    ["kind", null, "kind is null"],
    ["stage", 7, "stage = 7"],
    ["source", "展会 'x'", "source = '展会 ''x'''"],
    ["done", true, "done = true"],
    ["done", false, "done = false"],
    ["due_on", "2024-02-01", "due_on between '2024-02-01' and '2024-02-29'"],
    [
      "made_at",
      "2026-12-01",
      "(made_at >= '2026-12-01T00:00:00+08:00' and made_at < '2027-01-01T00:00:00+08:00')",
    ],
  ] as const) {
    it(`${of} ${value}`, () => {
      expect(whereOf(object, undefined, fields[of], value)).toBe(wanted);
      expect(fromExpression(object, wanted)?.conditions).toHaveLength(1);
    });
  }
  it("keeps the conditions that were there", () => {
    expect(whereOf(object, "amount >= 5", fields.kind, "a")).toBe("amount >= 5 and kind in ('a')");
    expect(whereOf(object, "amount >= 5 or n > 1", fields.kind, "a")).toBe(
      "(amount >= 5 or n > 1) and (kind in ('a'))",
    );
    expect(whereOf(object, "stage.kind = 'won'", fields.kind, "a")).toBe(
      "(stage.kind = 'won') and (kind in ('a'))",
    );
  });
});

const found = (...months: (string | null)[]): RecordGroups => ({
  groups: months.map((value) => ({ value, label: value, count: 1, sum: null })),
  other: null,
  count: months.length,
  sum: null,
  currency: null,
  is_mixed: false,
  is_partial: false,
});

it("draws the months between, unless they are too many", () => {
  const months = monthsOf(found("2025-11-01", "2026-02-01", null));
  expect(months.map((m) => [m.month, m.group?.count])).toEqual([
    ["2025-11-01", 1],
    ["2025-12-01", undefined],
    ["2026-01-01", undefined],
    ["2026-02-01", 1],
  ]);
  expect(monthsOf(found("0001-01-01", "9999-12-01"))).toHaveLength(2);
  expect(monthsOf(found(null))).toEqual([]);
});

it("offers what makes groups and sums", () => {
  expect(chartFields(object).map((f) => f.id)).toEqual([
    "stage",
    "kind",
    "due_on",
    "done",
    "source",
    "made_at",
  ]);
  expect(sumFields(object).map((f) => f.id)).toEqual(["amount", "n"]);
});

it("knows steps by their sequence, and of what they are", () => {
  const pipeline = field("pipeline", "link", { to: "pipeline", required: true });
  const stage = { ...object, fields: [pipeline, field("sequence", "int")] };
  expect(stepsOf(stage)).toEqual({ order: "sequence", of: pipeline });
  expect(stepsOf(object)).toBe(null);
});

it("makes the condition of a column of a board", () => {
  expect(laneWhere(fields.kind, "a")).toBe("kind = 'a'");
  expect(laneWhere(fields.stage, 7)).toBe("stage = 7");
  expect(laneWhere(fields.kind, null)).toBe("kind is null");
  expect([laneKey(7), laneKey(null), laneKey(undefined)]).toEqual(["7", "", ""]);
});

it("a card on its way is in the column that it goes to, and in no other, until it is there", () => {
  const [first, second] = [
    { id: 1, values: {}, links: {} },
    { id: 2, values: {}, links: {} },
  ];
  const ids = (rows: { id: number }[]) => rows.map((row) => row.id);
  const moves = [{ row: first, to: "b" }];
  expect(ids(withMoves([first, second], "a", moves))).toEqual([2]);
  expect(ids(withMoves([second], "b", moves))).toEqual([1, 2]);
  // Read again after the move: it is there once, at its place.
  expect(ids(withMoves([second, first], "b", moves))).toEqual([2, 1]);
  expect(ids(withMoves([second], "c", moves))).toEqual([2]);
});

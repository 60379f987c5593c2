// Conditions and the expression that they make, there and back.
import { describe, expect, it } from "vitest";
import type { ObjectDef } from "../src/api/records";
import { type Condition, conditionText, fromExpression, toExpression } from "../src/features/records/filter";

const names = { zh: "", en: "" };
const fields = (
  [
    ["name", "text"],
    ["stage", "choice"],
    ["customer", "link"],
    ["amount", "decimal"],
    ["n_calls", "int"],
    ["is_open", "bool"],
    ["due_on", "date"],
    ["seen_at", "instant"],
  ] as const
).map(([id, type]) => ({ id, type, name: names }));
const object: ObjectDef = {
  id: "opportunity",
  name: names,
  about: names,
  number: null,
  title: "name",
  is_writable: true,
  actions: [],
  fields,
};
const text = (condition: Condition) => {
  const field = fields.find((f) => f.id === condition.field);
  return field ? conditionText(field, condition) : null;
};

const CASES: [string, Condition][] = [
  ["name like '%O''Neil%'", { field: "name", op: "contains", values: ["O'Neil"] }],
  ["name like '甲%'", { field: "name", op: "starts", values: ["甲"] }],
  ["name = 'a and b'", { field: "name", op: "is", values: ["a and b"] }],
  ["(name <> 'x' or name is null)", { field: "name", op: "is_not", values: ["x"] }],
  ["name is null", { field: "name", op: "empty", values: [] }],
  ["name is not null", { field: "name", op: "not_empty", values: [] }],
  ["stage in ('won', 'lost')", { field: "stage", op: "any_of", values: ["won", "lost"] }],
  ["(not (stage in ('won')) or stage is null)", { field: "stage", op: "none_of", values: ["won"] }],
  ["customer = 5", { field: "customer", op: "is", values: ["5"] }],
  ["(customer <> 5 or customer is null)", { field: "customer", op: "is_not", values: ["5"] }],
  ["amount >= 1200.50", { field: "amount", op: "at_least", values: ["1200.50"] }],
  ["amount between -1 and 10.5", { field: "amount", op: "between", values: ["-1", "10.5"] }],
  ["n_calls < 3", { field: "n_calls", op: "less", values: ["3"] }],
  ["is_open = true", { field: "is_open", op: "yes", values: [] }],
  ["is_open = false", { field: "is_open", op: "no", values: [] }],
  ["due_on >= '2026-01-01'", { field: "due_on", op: "at_least", values: ["2026-01-01"] }],
  ["due_on <= '2026-01-31'", { field: "due_on", op: "at_most", values: ["2026-01-31"] }],
  [
    "due_on between '2026-01-01' and '2026-01-31'",
    { field: "due_on", op: "between", values: ["2026-01-01", "2026-01-31"] },
  ],
  ["seen_at < '2026-02-01T00:00:00+08:00'", { field: "seen_at", op: "at_most", values: ["2026-01-31"] }],
  [
    "(seen_at >= '2026-01-01T00:00:00+08:00' and seen_at < '2026-02-01T00:00:00+08:00')",
    { field: "seen_at", op: "between", values: ["2026-01-01", "2026-01-31"] },
  ],
];

describe("a condition", () => {
  it.each(CASES)("%s", (expression, condition) => {
    expect(text(condition)).toBe(expression);
    expect(fromExpression(object, expression)).toEqual({ join: "and", conditions: [condition] });
  });
  it("says nothing while a value is missing or is no number", () => {
    expect(text({ field: "name", op: "contains", values: [" "] })).toBeNull();
    expect(text({ field: "amount", op: "between", values: ["1"] })).toBeNull();
    expect(text({ field: "amount", op: "is", values: ["1 or 1=1"] })).toBeNull();
    expect(text({ field: "customer", op: "is", values: ["Miller"] })).toBeNull();
    expect(text({ field: "stage", op: "any_of", values: [] })).toBeNull();
  });
});

describe("several conditions", () => {
  const all = CASES.map(([, condition]) => condition);
  it.each(["and", "or"] as const)("joined by %s come back the same", (join) => {
    const filter = { join, conditions: all };
    expect(fromExpression(object, toExpression(object, filter))).toEqual(filter);
  });
  it("leave out what is not complete and what there is no longer", () => {
    expect(
      toExpression(object, {
        join: "and",
        conditions: [
          { field: "name", op: "is", values: [] },
          { field: "gone", op: "empty", values: [] },
          { field: "is_open", op: "yes", values: [] },
        ],
      }),
    ).toBe("is_open = true");
  });
});

describe("an expression that says more", () => {
  it.each([
    "amount * 2 > 10",
    "customer.name = 'x'",
    "name = 'a' and stage in ('won') or due_on is null",
    "lower(name) = 'x'",
    "amount > n_calls",
  ])("%s is left to its own text", (expression) => {
    expect(fromExpression(object, expression)).toBeNull();
  });
  it("none at all is no condition", () => {
    expect(fromExpression(object, " ")).toEqual({ join: "and", conditions: [] });
  });
});

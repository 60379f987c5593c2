// What follows from a definition: columns, groups, views, and what is typed.
import { describe, expect, it } from "vitest";
import type { FieldDef, ObjectDef } from "../src/api/records";
import { coerce, coerceAll, faultsOf, fromInstant, toInstant } from "../src/fields/coerce";
import {
  boardFields,
  calendarFields,
  defaultColumns,
  groupsOf,
  keptColumns,
  linksTo,
  mayDo,
  titleOf,
} from "../src/fields/record";

const names = { zh: "", en: "" };
const field = (id: string, type: FieldDef["type"], more: Partial<FieldDef> = {}): FieldDef => ({
  id,
  type,
  name: names,
  ...more,
});
const options = ["a", "b"].map((value) => ({ value, zh: value, en: value }));
const object: ObjectDef = {
  id: "opportunity",
  name: names,
  about: names,
  number: "number",
  title: "name",
  is_writable: true,
  actions: ["read", "create", "update"],
  fields: [
    field("number", "text"),
    field("note", "text"),
    field("amount", "decimal", { unit: "money" }),
    field("created_at", "instant"),
    field("source", "choice", { options }),
    field("due_on", "date"),
    field("customer", "link", { to: "customer" }),
    field("name", "text", { required: true }),
    field("stage", "choice", { options }),
    field("probability", "int"),
  ],
};

it("lists title, choices, money and dates first, other links behind them, and long texts last", () => {
  const wanted = ["name", "number", "source", "stage", "amount", "due_on", "customer", "created_at"];
  expect(defaultColumns(object)).toEqual(wanted);
});

it("lists what a record must lead to before the rest", () => {
  const fields = object.fields.map((f) => (f.id === "customer" ? { ...f, required: true } : f));
  expect(defaultColumns({ ...object, fields })[2]).toBe("customer");
});

it("keeps the chosen columns that there still are", () => {
  expect(keptColumns(object, ["stage", "gone", "name"])).toEqual(["stage", "name"]);
  expect(keptColumns(object, ["gone"])).toEqual(defaultColumns(object));
  expect(keptColumns(object, null)).toEqual(defaultColumns(object));
});

it("groups every field once", () => {
  const groups = groupsOf(object);
  expect(groups.map((g) => g.id)).toEqual(["basics", "links", "figures", "days", "texts"]);
  expect(groups.flatMap((g) => g.fields).length).toBe(object.fields.length);
});

it("stands as the layout says, and folds away only what may stay empty", () => {
  const sections = [
    { name: { zh: "先看", en: "First" }, fields: ["stage", "gone", "amount"] },
    { name: { zh: "空", en: "Empty" }, fields: ["gone"] },
  ];
  const needed = { ...field("must", "text"), required: true };
  const groups = groupsOf({ ...object, fields: [...object.fields, needed], sections });
  expect(groups.map((g) => g.id)).toEqual(["section-0", "needed", "more"]);
  expect(groups[0]?.fields.map((f) => f.id)).toEqual(["stage", "amount"]);
  expect(groups[1]?.fields.map((f) => f.id)).toContain("must");
  expect(groups[2]?.fields.every((f) => !f.required)).toBe(true);
  expect(groups.flatMap((g) => g.fields)).toHaveLength(object.fields.length + 1);
});

it("offers the board by stage and the calendar by due day first", () => {
  expect(boardFields(object).map((f) => f.id)).toEqual(["stage", "source"]);
  expect(calendarFields(object).map((f) => f.id)).toEqual(["due_on", "created_at"]);
});

it("calls a record by its title, its number, its id", () => {
  const row = { id: 7, values: { name: null, number: "N7" }, links: {} };
  expect(titleOf(object, row)).toBe("N7");
  expect(titleOf(object, { ...row, values: { name: "甲" } })).toBe("甲");
  expect(titleOf(object, { ...row, values: {} })).toBe("#7");
  expect(
    titleOf({ ...object, title: "customer" }, { ...row, links: { customer: { id: 1, title: "乙" } } }),
  ).toBe("乙");
});

it("knows who links here and what may be done", () => {
  expect(linksTo([object], "customer").map((l) => l.field.id)).toEqual(["customer"]);
  expect(mayDo(object, "update")).toBe(true);
  expect(mayDo(object, "delete")).toBe(false);
  expect(mayDo({ ...object, is_writable: false }, "update")).toBe(false);
});

describe("what is typed", () => {
  const cases: [FieldDef["type"], string | number | boolean | null, unknown][] = [
    ["decimal", "1,234.50", { value: "1234.50" }],
    ["decimal", "１２３．５", { value: "123.5" }],
    ["decimal", "123456789012345678.9999", { value: "123456789012345678.9999" }],
    ["decimal", ".5", { value: "0.5" }],
    ["decimal", "−3", { value: "-3" }],
    ["decimal", "1.23456", { wrong: "decimal" }],
    ["decimal", "1e5", { wrong: "decimal" }],
    ["int", "12", { value: 12 }],
    ["int", "1.5", { wrong: "int" }],
    ["float", "0.25", { value: 0.25 }],
    ["float", "x", { wrong: "float" }],
    ["date", "2026-02-28", { value: "2026-02-28" }],
    ["date", "2026-02-30", { wrong: "date" }],
    ["instant", "2026-11-21 14:30", { value: "2026-11-21T06:30:00Z" }],
    ["instant", "2026-11-21T06:30:00Z", { value: "2026-11-21T06:30:00Z" }],
    ["instant", "2026-11-21 25:00", { wrong: "instant" }],
    ["link", 5, { value: 5 }],
    ["bool", false, { value: false }],
    ["text", " 甲 ", { value: "甲" }],
    ["text", "  ", { value: null }],
    ["decimal", null, { value: null }],
  ];
  it.each(cases)("%s: %s", (type, draft, result) => {
    expect(coerce(field("x", type), draft)).toEqual(result);
  });
  it("must be there where it is required", () => {
    expect(coerce(field("x", "text", { required: true }), " ")).toEqual({ wrong: "required" });
  });
  it("gives the values that are there, and every fault", () => {
    expect(coerceAll(object.fields, { amount: "x", stage: "a" })).toEqual({
      values: { stage: "a" },
      wrong: { amount: "decimal", name: "required" },
    });
  });
  it("an instant goes there and back", () => {
    expect(toInstant(fromInstant("2026-11-21T06:30:00Z"))).toBe("2026-11-21T06:30:00Z");
  });
});

it("reads the faults of a refused record", () => {
  const fault = { field: "name", code: "required", detail: "…" };
  expect(faultsOf({ title: "x", fields: [fault, { field: 1 }] })).toEqual([fault]);
  expect(faultsOf({ title: "x" })).toEqual([]);
});

// The editor of mappings: every code of the server has its words, and what an
// edit does to the columns.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ColumnMapping, Preview } from "../src/api/types";
import { change, DATE, DATE_FORMATS, missing, rehead, sheetsOf, viewOf } from "../src/features/import/draft";
import { sizeOf } from "../src/features/import/paste-box";
import en from "../src/i18n/import.en.json";
import zh from "../src/i18n/import.zh.json";

const column = (heading: string, field: string | null = null, more: Partial<ColumnMapping> = {}) => ({
  heading,
  field,
  ...more,
});

describe("the words of the codes", () => {
  const source = readFileSync("../crates/app/src/import/messages.rs", "utf8");
  const list = /const MAPPING: &\[Line\] = &\[([\s\S]*?)\n\];/.exec(source)?.[1] ?? "";
  const codes = [...list.matchAll(/^ {4}\("(\w+)"/gm)].map((m) => m[1]);
  it("are there in both languages, and no others", () => {
    expect(codes.length).toBeGreaterThan(20);
    expect(Object.keys(zh.mapping.reasons).sort()).toEqual([...codes].sort());
    expect(Object.keys(en.mapping.reasons).sort()).toEqual([...codes].sort());
  });
  it("name every format that the server knows", () => {
    const formats = /日期可用 ([a-z0-9、]+)，数字可用 ([a-z_、]+)。/.exec(source);
    const known = `${formats?.[1]}、${formats?.[2]}`.split("、");
    expect(known.slice(0, -2)).toEqual([...DATE_FORMATS]);
    expect(Object.keys(zh.mapping.formats).sort()).toEqual(["found", ...known].sort());
  });
});

describe("an edit", () => {
  it("gives a field to one column only", () => {
    const before = [column("a", "order.number"), column("b", "customer.number", { format: "x" })];
    const after = change(before, 0, { field: "customer.number" });
    expect(after.map((c) => c.field)).toEqual(["customer.number", null]);
  });
  it("forgets the format with the field", () => {
    const after = change([column("a", DATE, { format: "dmy" })], 0, { field: "order.number" });
    expect(after[0]).toMatchObject({ field: "order.number", format: null });
  });
  it("leaves the rest alone when a format is chosen", () => {
    const after = change([column("a", DATE), column("b")], 0, { format: "mdy" });
    expect(after[0]).toMatchObject({ field: DATE, format: "mdy" });
  });
});

describe("what is missing", () => {
  it("is a date, money and somebody", () => {
    expect(missing([])).toEqual(["date", "amount", "party"]);
    expect(missing([column("a", DATE), column("b", "order_line.quantity")])).toEqual(["amount", "party"]);
  });
  it("is nothing with quantity and price and a customer's name", () => {
    const fields = [DATE, "order_line.quantity", "order_line.price", "customer.name"];
    expect(missing(fields.map((f) => column(f, f)))).toEqual([]);
  });
});

it("keeps columns of the same heading when the heading row moves", () => {
  const rows = [{ row: 3, cells: ["1", "", "x"], values: {}, is_left_out: false }];
  const columns = rehead(["单号", "", "备注"], rows, [column("单号", "order.number")]);
  expect(columns.map((c) => [c.heading, c.field])).toEqual([
    ["单号", "order.number"],
    ["备注", null],
  ]);
});

it("offers the sheets that are not read too", () => {
  const notes = [{ code: "sheet_differs", columns: ["二月"] }];
  expect(sheetsOf({ columns: [], notes }, ["一月"])).toEqual(["一月", "二月"]);
});

describe("what matters of a column", () => {
  const preview = (cells: string[]): Preview => ({
    mapping: { columns: [] },
    signature: "",
    header: ["a"],
    sheets: [],
    rows: cells.map((cell, i) => ({ row: i + 2, cells: [cell], values: {}, is_left_out: false })),
  });
  it("is the format of a date and of a number with a comma or a point", () => {
    expect(viewOf(column("a", DATE), false, true, 0, preview(["1/2/2024"])).formats).toContain("dmy");
    expect(viewOf(column("a", "order_line.amount"), true, false, 0, preview(["12"])).formats).toEqual([]);
    expect(viewOf(column("a", "order_line.amount"), true, false, 0, preview(["1,5"])).formats).toHaveLength(
      2,
    );
  });
  it("is whether there are empty cells", () => {
    expect(viewOf(column("a", "order.number"), false, false, 0, preview(["1", ""])).hasGaps).toBe(true);
    expect(viewOf(column("a"), false, false, 0, preview(["1", ""])).hasGaps).toBe(false);
  });
});

it("measures a pasted table", () => {
  expect(sizeOf("单号\t金额\r\n1\t2\r\n\r\n")).toEqual({ rows: 2, columns: 2 });
  expect(sizeOf("")).toEqual({ rows: 0, columns: 0 });
});

import { expect, test } from "vitest";
import { has, marked } from "../src/features/find/entries";

test("a name is known in either language", () => {
  const name = { zh: "总销售额", en: "Gross sales" };
  expect(has(name, "销售")).toBe(true);
  expect(has(name, " gross ")).toBe(true);
  expect(has(name, "成本")).toBe(false);
});

test("what was typed is marked where it stands", () => {
  expect(marked("上海云海贸易", "云海")).toEqual(["上海", "云海", "贸易"]);
  expect(marked("Acme Ltd", "aCM")).toEqual(["", "Acm", "e Ltd"]);
  expect(marked("上海", "sh")).toEqual(["上海", "", ""]);
  expect(marked("İstanbul", "stan")).toEqual(["İstanbul", "", ""]);
  expect(marked("上海", " ")).toEqual(["上海", "", ""]);
});

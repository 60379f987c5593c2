import { expect, test } from "vitest";
import { cutAt, has } from "../src/features/find/entries";

test("a name is known in either language", () => {
  const name = { zh: "总销售额", en: "Gross sales" };
  expect(has(name, "销售")).toBe(true);
  expect(has(name, " gross ")).toBe(true);
  expect(has(name, "成本")).toBe(false);
});

test("what was typed is marked where it stands", () => {
  expect(cutAt("上海云海贸易", "云海")).toEqual(["上海", "云海", "贸易"]);
  expect(cutAt("Acme Ltd", "aCM")).toEqual(["", "Acm", "e Ltd"]);
  expect(cutAt("上海", "sh")).toEqual(["上海", "", ""]);
  expect(cutAt("İstanbul", "stan")).toEqual(["İstanbul", "", ""]);
  expect(cutAt("上海", " ")).toEqual(["上海", "", ""]);
});

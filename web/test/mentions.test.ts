import { expect, it } from "vitest";
import { mentionAt, named } from "../src/fields/mentions";

const people = [
  { id: 1, login: "lina", name: "李娜" },
  { id: 2, login: "li", name: "李" },
];

it("knows who is being named at the caret", () => {
  expect(mentionAt("请 @li", 5)).toEqual({ from: 2, part: "li" });
  expect(mentionAt("请＠李", 3)).toEqual({ from: 1, part: "李" });
  expect(mentionAt("@li 看", 5)).toBeNull();
  expect(mentionAt("a@li", 4)).toBeNull();
  expect(mentionAt("没有人", 3)).toBeNull();
});

it("cuts a text where people are named, by the longest name", () => {
  const cut = (text: string) => named(text, people).map((p) => [p.text, p.person?.id ?? 0]);
  expect(cut("请@lina看，@LI.")).toEqual([
    ["请", 0],
    ["@lina", 1],
    ["看，", 0],
    ["@LI", 2],
    [".", 0],
  ]);
  expect(cut("@李娜好")).toEqual([
    ["@李娜", 1],
    ["好", 0],
  ]);
  expect(cut("x@lina @linas")).toEqual([["x@lina @linas", 0]]);
});

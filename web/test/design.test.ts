import { expect, it } from "vitest";
import {
  faultsByPlace,
  isSameAt,
  measuredBy,
  moved,
  newField,
  newObject,
  withName,
  withType,
} from "../src/features/design/draft";

it("a new object begins with what its rights need", () => {
  const words = { zh: { name: "名称", todo: "未开始" }, en: { name: "Name" } };
  const draft = newObject(words);
  expect(draft.fields?.map((f) => f.to ?? f.type)).toEqual(["text", "customer", "user", "choice", "date"]);
  expect(draft.fields?.filter((f) => f.is_title)).toHaveLength(1);
  expect(draft.fields?.[3]?.options?.[0]?.name.zh).toBe("未开始");
});

it("another type leaves nothing of the old one behind", () => {
  const link = withType({ ...newField("text", "a"), is_title: true, is_searched: true }, "link");
  expect(link).toMatchObject({ to: "customer", is_title: false, is_searched: false, options: [] });
  const choice = withType(link, "choice");
  expect(choice.to).toBeNull();
  expect(choice.options).toHaveLength(1);
});

it("what is counted by a date asks every record for one", () => {
  const draft = newObject({ zh: {}, en: {} });
  const fields = draft.fields?.map((f, i) => ({ ...f, id: `f${i}` }));
  const by = measuredBy({ ...draft, fields }, "f4");
  expect(by.measured_by).toBe("f4");
  expect(by.fields?.filter((f) => f.is_required).map((f) => f.id)).toEqual(["f0", "f4"]);
  expect(measuredBy({ ...draft, fields }, null)).toMatchObject({ measured_by: null, fields });
});

it("moves within the list only", () => {
  expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
  expect(moved(["a", "b"], 1, 2)).toEqual(["a", "b"]);
});

const KNOWN = ["customer", "machine"];

it("knows a fault by its place, whoever tells it", () => {
  const told = [
    { field: "objects[0].fields[2].name", detail: "empty" },
    { field: "machine.fields[2].to", detail: "nothing there" },
    { field: "machine.rules[0].check", detail: "wrong" },
    { field: "objects[0].name", detail: "too long" },
  ];
  const here = { "fields[2]": "empty; nothing there", "rules[0]": "wrong", name: "too long" };
  expect(faultsByPlace(told, "machine", KNOWN)).toEqual({ here, elsewhere: [] });
  // A new one has an id that nobody here knows yet.
  expect(faultsByPlace(told, "", ["customer"])).toEqual({ here, elsewhere: [] });
});

it("a fault of another object does not stand beside a field of this one", () => {
  const told = [
    { field: "customer.fields[0].to", detail: "no object `machine`" },
    { field: "customer", detail: "no field" },
    { field: "roles.clerk.grants", detail: "names `machine`" },
    { field: "machine.fields[0].options", detail: "in use" },
  ];
  expect(faultsByPlace(told, "machine", KNOWN)).toEqual({
    here: { "fields[0]": "in use" },
    elsewhere: [
      { object: "customer", detail: "no object `machine`" },
      { object: "customer", detail: "no field" },
      { object: null, detail: "names `machine`" },
    ],
  });
});

it("who writes English alone gives both names", () => {
  expect(withName({ zh: "", en: "" }, "en", "B")).toEqual({ zh: "B", en: "B" });
  expect(withName({ zh: "B", en: "B" }, "en", "Bu")).toEqual({ zh: "Bu", en: "Bu" });
  expect(withName({ zh: "预算", en: "B" }, "en", "Bu")).toEqual({ zh: "预算", en: "Bu" });
  expect(withName({ zh: "预", en: "" }, "zh", "预算")).toEqual({ zh: "预算", en: "" });
});

it("what was mended is no fault any more, and what was not still is", () => {
  const was = { ...newObject({ zh: {}, en: {} }), fields: [newField("text"), newField("text")] };
  const now = { ...was, fields: [newField("text", "预算"), newField("text")] };
  expect(isSameAt("fields[0]", was, now)).toBe(false);
  expect(isSameAt("fields[1]", was, now)).toBe(true);
  expect(isSameAt("name", was, { ...now, name: { zh: "安装", en: "" } })).toBe(false);
  expect(isSameAt("rules[0]", was, now)).toBe(true);
});

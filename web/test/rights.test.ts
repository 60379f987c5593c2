// The settings' logic: the matrix of a role, the tree of departments, where an
// object stands in the navigation, what a change did.
import { describe, expect, it } from "vitest";
import type { ObjectDef } from "../src/api/records";
import type { Department, Role } from "../src/api/session";
import { readRecordsSearch } from "../src/features/records/search";
import { grantOf, idFor, withAction, withAdmin, withField, withRows } from "../src/features/settings/rights";
import { belowOf, branchesOf } from "../src/features/settings/tree";
import { changedFields } from "../src/fields/record";
import { roomsOf } from "../src/ui/rooms";

const names = { zh: "", en: "" };
const role: Role = {
  id: "r",
  name: names,
  about: names,
  is_built_in: false,
  grants: [],
  fields: [],
  admin: [],
};

describe("the rights of a role", () => {
  it("whoever may do anything may read, and without reading there is nothing", () => {
    const one = withAction(role, "contact", "update", true);
    expect(grantOf(one, "contact")).toEqual({ object: "contact", actions: ["read", "update"], rows: "own" });
    expect(withAction(one, "contact", "update", false).grants[0]?.actions).toEqual(["read"]);
    expect(withAction(one, "contact", "read", false).grants).toEqual([]);
  });
  it("keep the rows, and actions that the page does not know", () => {
    const one = {
      ...role,
      grants: [{ object: "contact", actions: ["read", "merge"], rows: "all" as const }],
    };
    expect(withAction(one, "contact", "create", true).grants).toEqual([
      { object: "contact", actions: ["read", "create", "merge"], rows: "all" },
    ]);
    expect(withRows(one, "contact", "team").grants[0]?.rows).toBe("team");
  });
  it("what is granted for all others counts until an object has its own", () => {
    const all = { object: "*", actions: ["read", "update"], rows: "department" as const };
    const one = { ...role, grants: [all] };
    expect(grantOf(one, "cost")).toEqual(all);
    expect(withRows(one, "cost", "own").grants).toEqual([all, { ...all, object: "cost", rows: "own" }]);
    // Nothing at all has to be said, or the others' grant would count.
    expect(withAction(one, "cost", "read", false).grants).toEqual([
      all,
      { object: "cost", actions: [], rows: "department" },
    ]);
  });
  it("on fields and settings come and go", () => {
    const one = withField(role, "contact.phone", "read");
    expect(withField(one, "contact.phone", "hidden").fields).toEqual([
      { field: "contact.phone", as: "hidden" },
    ]);
    expect(withField(one, "contact.phone", null).fields).toEqual([]);
    expect(withAdmin(withAdmin(role, "users", true), "users", true).admin).toEqual(["users"]);
    expect(withAdmin({ ...role, admin: ["users"] }, "users", false).admin).toEqual([]);
  });
  it("a new role has an id of its own", () => {
    expect(idFor("Shop Manager", [])).toBe("shop_manager");
    expect(idFor("店长", ["role"])).toBe("role_2");
  });
});

describe("departments", () => {
  const d = (id: number, parent: number | null): Department => ({ id, name: `${id}`, kind: null, parent });
  it("stand below their parents", () => {
    const lines = branchesOf([d(3, 2), d(1, null), d(2, 1), d(4, 99)]);
    expect(lines.map((l) => [l.department.id, l.depth])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 0],
    ]);
  });
  it("show a circle, so that it can be mended", () => {
    expect(branchesOf([d(1, 2), d(2, 1)]).map((l) => l.department.id)).toEqual([1, 2]);
  });
  it("cannot stand below themselves", () => {
    expect([...belowOf([d(1, null), d(2, 1), d(3, 2), d(4, null)], 1)].sort()).toEqual([1, 2, 3]);
  });
});

describe("the navigation", () => {
  const object = (id: string): ObjectDef => ({
    id,
    name: names,
    about: names,
    number: null,
    title: null,
    is_writable: true,
    actions: [],
    fields: [],
  });
  it("groups what it knows, and keeps what it does not know in reach", () => {
    const rooms = roomsOf(["ticket", "tractor", "order", "opportunity", "user", "payment"].map(object));
    expect(rooms.map((r) => [r.room, r.objects.map((o) => o.id)])).toEqual([
      ["sales", ["opportunity", "order"]],
      ["money", ["payment"]],
      ["service", ["ticket"]],
      ["more", ["tractor"]],
    ]);
  });
  it("reads the state of a list from the URL", () => {
    expect(
      readRecordsSearch({ search: 123, view: "board", month: "2026-13", by: "", sort: "-due_on" }),
    ).toEqual({
      search: "123",
      view: "board",
      sort: "-due_on",
    });
  });
});

it("a change names only the fields that differ, in the order of the definition", () => {
  const object = { fields: [{ id: "b" }, { id: "a" }, { id: "c" }] } as unknown as ObjectDef;
  expect(changedFields(object, { a: 1, b: "x", c: null }, { a: 2, b: "y", z: 1 })).toEqual(["b", "a", "z"]);
  expect(changedFields(undefined, null, { a: 1 })).toEqual(["a"]);
});

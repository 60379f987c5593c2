import { beforeEach, expect, it, vi } from "vitest";
import { drop, explain, keep, lastUser, rememberUser, type Waiting, waiting } from "../src/ui/outbox";

const one = (key: string): Waiting => ({
  key,
  user: 7,
  object: "touchpoint",
  title: key,
  values: { kind: "visit" },
  at: "2026-11-23T01:02:03Z",
});

const stored = new Map<string, string>();
let isFull = false;
vi.stubGlobal("localStorage", {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, text: string) => {
    if (isFull) throw new DOMException("full", "QuotaExceededError");
    stored.set(key, text);
  },
});

beforeEach(() => {
  stored.clear();
  isFull = false;
});

it("keeps what waits in its order, each once, until it has gone", () => {
  expect(keep(one("a")) && keep(one("b")) && keep(one("a"))).toBe(true);
  expect(waiting().map((w) => w.key)).toEqual(["b", "a"]);
  explain("b", "wrong");
  expect(waiting()[0]?.problem).toBe("wrong");
  drop("b");
  expect(waiting().map((w) => w.key)).toEqual(["a"]);
  // The same list until something changes: a page that asks again draws nothing anew.
  expect(waiting()).toBe(waiting());
});

it("reads over what is broken and says when the device is full", () => {
  localStorage.setItem("keji-outbox", "{broken");
  expect(waiting()).toEqual([]);
  localStorage.setItem("keji-outbox", '[1, null, {"key": "x"}]');
  expect(waiting()).toEqual([]);
  isFull = true;
  expect(keep(one("a"))).toBe(false);
});

it("knows who was signed in last", () => {
  expect(lastUser()).toBeNull();
  rememberUser(7);
  expect(lastUser()).toBe(7);
});

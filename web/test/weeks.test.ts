import { expect, it } from "vitest";
import { weeksOf } from "../src/features/records/weeks";

it("covers a month from Monday to Sunday", () => {
  // 1 November 2026 is a Sunday, so the first week begins in October.
  const november = weeksOf("2026-11-01");
  expect(november.length).toBe(6);
  expect(november[0]?.[0]).toBe("2026-10-26");
  expect(november[0]?.[6]).toBe("2026-11-01");
  expect(november.at(-1)?.[0]).toBe("2026-11-30");
  // February 2027 begins on a Monday and is four weeks long.
  expect(weeksOf("2027-02-01").length).toBe(4);
});

import { expect, it } from "vitest";
import { readChooseSearch } from "../src/features/choose/search";

it("keeps what the address says of a situation, and nothing else", () => {
  const said = {
    goals: ["profit", "satisfy"],
    group: "vip",
    industry: "retail",
    swot: ["rivals"],
    where: "customer.city = '1'",
    notes: { weakness: "slow" },
    without: ["orders"],
    related: ["orders", "buyers"],
    method: "pearson",
  };
  expect(readChooseSearch(said)).toEqual(said);
  expect(
    readChooseSearch({
      goals: ["profit", "profit", 7, ""],
      group: "",
      industry: 3,
      swot: "rivals",
      where: "  ",
      notes: { luck: "x", threat: "", strength: 4 },
      without: [],
      method: "guess",
      other: 1,
    }),
  ).toEqual({ goals: ["profit"] });
  expect(readChooseSearch({ notes: null })).toEqual({});
  const long = readChooseSearch({ notes: { threat: "x".repeat(1000) } });
  expect(long.notes?.threat).toHaveLength(300);
});

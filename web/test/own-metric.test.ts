// The form of a metric: what its example has to tell, and where a fault stands.
import { expect, it } from "vitest";
import type { Catalog } from "../src/api/types";
import {
  columnsOf,
  metricFaults,
  newMetric,
  sampleOf,
  shownColumns,
  wayOf,
  withWay,
} from "../src/features/design/metric-draft";

type CatalogObject = Catalog["objects"][number];
const names = { zh: "", en: "" };
const field = (id: string, type: string) => ({ id, type, name: names, options: [] });
const order: CatalogObject = {
  id: "order",
  name: names,
  about: names,
  measured_by: "ordered_on",
  fields: [
    field("number", "text"),
    field("kind", "choice"),
    field("ordered_on", "date"),
    field("gross_amount", "decimal"),
  ],
};

it("tells the date that counts and the fields that are read", () => {
  const draft = newMetric(order);
  expect(columnsOf(order, draft)).toEqual(["ordered_on"]);
  expect(draft.example.given[0]?.rows).toHaveLength(3);
  draft.measure = { agg: "sum", from: "order", expr: "gross_amount", where: "kind = 'sale'" };
  expect(columnsOf(order, draft)).toEqual(["ordered_on", "kind", "gross_amount"]);
  // Of another object nothing of this is read.
  draft.measure.from = "payment";
  expect(columnsOf(order, draft)).toEqual(["ordered_on"]);
  const rows: Record<string, string>[] = [{ number: "1" }, { gross_amount: "2" }];
  const given = { object: "order", rows };
  expect(shownColumns(order, given, draft)).toEqual(["ordered_on", "number", "gross_amount"]);
});

it("gives no date to an object that is counted over a link", () => {
  const line = { ...order, id: "order_line", measured_by: "order.ordered_on" };
  expect(columnsOf(line, newMetric(line))).toEqual([]);
  expect(sampleOf(line).rows).toEqual([{}, {}, {}]);
});

it("keeps what is counted when it is made another way", () => {
  const draft = { ...newMetric(order), measure: { agg: "sum", from: "payment", expr: "amount" } };
  const ratio = withWay(draft, "ratio");
  expect(wayOf(ratio)).toBe("ratio");
  expect(ratio.ratio?.num.expr).toBe("amount");
  expect(ratio.ratio?.den).toEqual({ agg: "count", from: "payment" });
  expect(ratio.unit).toBe("pct");
  expect(withWay(ratio, "measure").measure?.expr).toBe("amount");
  expect(wayOf(withWay(ratio, "formula"))).toBe("formula");
});

it("tells a fault at its part of the form", () => {
  const faults = [
    { field: "metrics[0].name", detail: "a" },
    { field: "big.measure.where", detail: "b" },
    { field: "big.ratio.num.expr", detail: "c" },
    { field: "big.derived.formula", detail: "d" },
    { field: "big.example", detail: "e" },
    { field: "other.derived.formula", detail: "f" },
    { field: "version", detail: "g" },
  ];
  const known = metricFaults(faults, "big");
  expect(known.here).toEqual({ name: "a", measure: "b", "ratio.num": "c", formula: "d", example: "e" });
  expect(known.elsewhere).toEqual(["f", "g"]);
  // A new one has no id of its own yet.
  expect(metricFaults([{ field: "new_one.measure.from", detail: "x" }], "").here).toEqual({ measure: "x" });
});

// The draft of a metric as the form holds it. Pure.
import type { GivenDraft, MeasureDraft, MetricDraft } from "../../api/design";
import type { Catalog } from "../../api/types";
import { type Fault, noText } from "./draft";

export const AGGS = ["count", "sum", "avg", "count_distinct", "min", "max", "median", "p75", "p90"] as const;
export const METRIC_UNITS = ["money", "count", "pct", "days", "score"] as const;
export const DIRECTIONS = ["up", "down", "band"] as const;
export const WAYS = ["measure", "ratio", "formula"] as const;
export type Way = (typeof WAYS)[number];

type CatalogObject = Catalog["objects"][number];

export const wayOf = (draft: MetricDraft): Way =>
  draft.ratio ? "ratio" : typeof draft.formula === "string" ? "formula" : "measure";

const count = (from: string): MeasureDraft => ({ agg: "count", from });

/** The draft made another way; what it counts is kept where it can be. */
export function withWay(draft: MetricDraft, way: Way): MetricDraft {
  const first = draft.measure ?? draft.ratio?.num ?? count("order");
  const none = { measure: null, ratio: null, formula: null };
  if (way === "ratio")
    return { ...draft, ...none, unit: "pct", ratio: { num: first, den: count(first.from) } };
  if (way === "formula") return { ...draft, ...none, formula: "" };
  return { ...draft, ...none, measure: first };
}

/** The measures that a draft is made of, each with what the form calls it. */
export function measuresOf(draft: MetricDraft): MeasureDraft[] {
  if (draft.measure) return [draft.measure];
  return draft.ratio ? [draft.ratio.num, draft.ratio.den] : [];
}

const wordsOf = (...texts: (string | null | undefined)[]) =>
  texts.flatMap((text) => (text ?? "").match(/[a-z_][a-z0-9_]*/g) ?? []);

/** The fields that an example of the object has to tell: the date it is counted by, and those that are read. */
export function columnsOf(object: CatalogObject, draft: MetricDraft): string[] {
  const used = new Set(
    measuresOf(draft)
      .filter((m) => m.from === object.id)
      .flatMap((m) => wordsOf(m.expr, m.where)),
  );
  const ids = object.fields.map((f) => f.id).filter((id) => used.has(id) && id !== object.measured_by);
  return object.measured_by && !object.measured_by.includes(".") ? [object.measured_by, ...ids] : ids;
}

/** What the rows tell already, in the object's order, with what they have to tell. */
export function shownColumns(object: CatalogObject, given: GivenDraft, draft: MetricDraft): string[] {
  const told = new Set([...columnsOf(object, draft), ...given.rows.flatMap((row) => Object.keys(row))]);
  const [first] = columnsOf(object, draft);
  const rest = object.fields.map((f) => f.id).filter((id) => told.has(id) && id !== first);
  return first ? [first, ...rest] : rest;
}

/** Two records of January and one that is outside. */
export function sampleOf(object: CatalogObject): GivenDraft {
  const day = object.measured_by;
  const days = ["2024-01-05", "2024-01-31", "2024-02-01"];
  return {
    object: object.id,
    rows: days.map((at): Record<string, string> => (day && !day.includes(".") ? { [day]: at } : {})),
  };
}

export function newMetric(order: CatalogObject | undefined): MetricDraft {
  return {
    name: noText(),
    about: noText(),
    unit: "count",
    direction: "up",
    grain_min: "day",
    min_n: null,
    owner: null,
    measure: count(order?.id ?? "order"),
    ratio: null,
    formula: null,
    example: {
      about: noText(),
      given: order ? [sampleOf(order)] : [],
      from: "2024-01-01",
      to: "2024-02-01",
      is: "2",
    },
  };
}

/** Faults by the part of the form where they are told: `name`, `measure`, `ratio.num`, `formula`, `example`…; the rest are of others. */
export function metricFaults(
  fields: readonly Fault[] | undefined,
  id: string,
): { here: Record<string, string>; elsewhere: string[] } {
  const here: Record<string, string> = {};
  const elsewhere: string[] = [];
  for (const { field, detail } of fields ?? []) {
    const inside = /^metrics\[\d+\]\.(.+)$/.exec(field)?.[1] ?? afterId(field, id);
    const part =
      /^(name|about|unit|direction|grain_min|min_n|owner|measure|ratio\.(?:num|den)|ratio|derived|formula|example)\b/.exec(
        inside ?? "",
      )?.[1];
    if (!part) elsewhere.push(detail);
    else {
      const place = part === "derived" ? "formula" : part;
      here[place] = here[place] ? `${here[place]}; ${detail}` : detail;
    }
  }
  return { here, elsewhere };
}

/** Of a new metric the id is the server's to give: whatever comes first is it. */
function afterId(field: string, id: string): string | null {
  const [, first, rest] = /^([a-z0-9_]+)\.(.+)$/.exec(field) ?? [];
  return rest !== undefined && (id === "" || first === id) ? rest : null;
}

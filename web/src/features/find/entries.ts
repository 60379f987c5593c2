// What the box offers beside records: pages, metrics, and what can be made.
import type { ObjectDef } from "../../api/records";
import type { CatalogMetric, Text2 } from "../../api/types";

/** Whether a name has what was typed, in either language. */
export const has = (name: Text2, typed: string): boolean => {
  const text = typed.trim().toLowerCase();
  return name.zh.toLowerCase().includes(text) || name.en.toLowerCase().includes(text);
};

export const metricsOf = (metrics: CatalogMetric[], typed: string, most: number): CatalogMetric[] =>
  typed.trim() === ""
    ? []
    : metrics.filter((m) => has(m.name, typed) || m.id === typed.trim()).slice(0, most);

/** Objects whose records are made by hand. */
export const makeable = (objects: ObjectDef[]): ObjectDef[] =>
  objects.filter((o) => o.is_writable && o.actions.includes("create"));

/** A text cut where what was typed stands in it: before, that, behind. */
export function cutAt(text: string, typed: string): [string, string, string] {
  const part = typed.trim().toLowerCase();
  const at = part === "" ? -1 : text.toLowerCase().indexOf(part);
  // A letter whose small form is longer would shift the rest.
  if (at < 0 || text.toLowerCase().length !== text.length) return [text, "", ""];
  return [text.slice(0, at), text.slice(at, at + part.length), text.slice(at + part.length)];
}

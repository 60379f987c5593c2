// The draft of an object as the form holds it. Pure.
import type { FieldDraft, ObjectDraft, OptionDraft } from "../../api/design";
import type { FieldType } from "../../api/records";

export const TYPES: readonly FieldType[] = [
  "text",
  "choice",
  "decimal",
  "int",
  "date",
  "link",
  "bool",
  "instant",
  "float",
];
export const UNITS = ["money", "count", "days", "pct"] as const;

export const noText = () => ({ zh: "", en: "" });

export const newOption = (zh = "", en = ""): OptionDraft => ({ name: { zh, en } });

export function newField(type: FieldType, zh = "", en = ""): FieldDraft {
  return {
    type,
    name: { zh, en },
    help: noText(),
    options: type === "choice" ? [newOption()] : [],
    is_required: false,
    is_unique: false,
    is_searched: false,
    is_title: false,
  };
}

/** What is counted by a date has one in every record. */
export function measuredBy(draft: ObjectDraft, id: string | null): Partial<ObjectDraft> {
  const fields = draft.fields?.map((f) => (id && f.id === id ? { ...f, is_required: true } : f));
  return { measured_by: id, fields };
}

/** What most objects of one's own have; with an owner and a customer the rights follow. */
export function newObject(words: Record<Lang, Record<string, string>>): ObjectDraft {
  const field = (type: FieldType, key: string) => newField(type, words.zh[key] ?? "", words.en[key] ?? "");
  const name = { ...field("text", "name"), is_required: true, is_searched: true, is_title: true };
  const state = {
    ...field("choice", "state"),
    options: ["todo", "doing", "done"].map((key) => newOption(words.zh[key], words.en[key])),
  };
  return {
    name: noText(),
    about: noText(),
    is_numbered: true,
    measured_by: null,
    fields: [
      name,
      { ...field("link", "customer"), to: "customer" },
      { ...field("link", "owner"), to: "user" },
      state,
      field("date", "due"),
    ],
    options: [],
    rules: [],
    derived: [],
    layouts: [],
  };
}
type Lang = "zh" | "en";

/** A field of another type; what the new type does not have goes. */
export function withType(field: FieldDraft, type: FieldType): FieldDraft {
  return {
    ...field,
    type,
    to: type === "link" ? (field.to ?? "customer") : null,
    options: type === "choice" ? (field.options?.length ? field.options : [newOption()]) : [],
    is_searched: type === "text" && (field.is_searched ?? false),
    is_title: type === "text" && (field.is_title ?? false),
    unit: type === "decimal" || type === "int" || type === "float" ? (field.unit ?? null) : null,
  };
}

/** The list with one thing at another place. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, at) => at !== from);
  const one = list[from];
  if (one === undefined || to < 0 || to > rest.length) return [...list];
  return [...rest.slice(0, to), one, ...rest.slice(to)];
}

export const withAt = <T>(list: readonly T[], at: number, one: T): T[] =>
  list.map((old, i) => (i === at ? one : old));
export const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

/** Faults by their place in the draft: `objects[0].fields[2].name` and `machine.fields[2].to` are `fields[2]`. */
export function faultsByPlace(
  fields: readonly { field: string; detail: string }[] | undefined,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, detail } of fields ?? []) {
    const inside = field.replace(/^(objects\[\d+\]|[a-z0-9_]+)\.?/, "");
    const place = /^(fields|rules|options|derived)\[\d+\]/.exec(inside)?.[0] ?? inside;
    found[place] = found[place] ? `${found[place]}; ${detail}` : detail;
  }
  return found;
}

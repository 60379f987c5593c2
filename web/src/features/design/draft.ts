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

/** A name as it is written in the page's language. Chinese has to be there: who writes English alone gives both. */
export function withName(name: { zh?: string; en?: string }, lang: Lang, value: string) {
  const was = { ...noText(), ...name };
  if (lang === "zh") return { ...was, zh: value };
  return { zh: was.zh === "" || was.zh === was.en ? value : was.zh, en: value };
}

/** Whether what stands at a place, as `fields[2]`, is the same in both drafts. */
export function isSameAt(place: string, one: ObjectDraft, other: ObjectDraft): boolean {
  const [, part = "", n] = /^(\w+)(?:\[(\d+)\])?/.exec(place) ?? [];
  const at = (draft: ObjectDraft) => {
    const value: unknown = Object.entries(draft).find(([key]) => key === part)?.[1];
    return JSON.stringify(n !== undefined && Array.isArray(value) ? value[Number(n)] : value);
  };
  return at(one) === at(other);
}

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

export type Fault = { field: string; detail: string };

/** What a fault of a draft begins with: `objects[0]`, or the id that the object has in the files. */
const PREFIX = /^(objects\[\d+\]|[a-z0-9_]+)(?:\.|$)/;

/**
 * Faults of the object in the form by their place in it: `objects[0].fields[2].name` and
 * `machine.fields[2].to` are `fields[2]` of `machine`. Those of other objects, such as one that
 * links to what is removed, stand by themselves. `object` is empty for a new one: its id is the
 * server's to give, and is none of the `known` ones.
 */
export function faultsByPlace(
  fields: readonly Fault[] | undefined,
  object: string,
  known: readonly string[],
): { here: Record<string, string>; elsewhere: { object: string | null; detail: string }[] } {
  const here: Record<string, string> = {};
  const elsewhere: { object: string | null; detail: string }[] = [];
  for (const { field, detail } of fields ?? []) {
    const [whole = "", first = ""] = PREFIX.exec(field) ?? [];
    const isOther = first !== object && known.includes(first);
    const isThis = first.startsWith("objects[") || first === object || (object === "" && first !== "roles");
    if (isOther || !isThis) {
      elsewhere.push({ object: isOther ? first : null, detail });
      continue;
    }
    const inside = field.slice(whole.length);
    const place = /^(fields|rules|options|derived)\[\d+\]/.exec(inside)?.[0] ?? inside;
    here[place] = here[place] ? `${here[place]}; ${detail}` : detail;
  }
  return { here, elsewhere };
}

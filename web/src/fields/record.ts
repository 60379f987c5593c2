// What follows from an object's definition alone: how a record is called,
// which fields a list shows, which views fit. No object is known by its name here.
import type { FieldDef, ObjectDef, RecordRow } from "../api/records";
import type { ChangeValues } from "../api/session";
import type { Value } from "../api/types";

export const findObject = (objects: ObjectDef[] | undefined, id: string): ObjectDef | undefined =>
  objects?.find((o) => o.id === id);
export const findFieldOf = (object: ObjectDef, id: string): FieldDef | undefined =>
  object.fields.find((f) => f.id === id);

export type Action = "create" | "update" | "delete";
/** Whether the reader may do it; an object that a module writes is for reading only. */
export const mayDo = (object: ObjectDef, action: Action): boolean =>
  object.is_writable && object.actions.includes(action);

const isSaid = (value: Value | undefined): boolean => value !== null && value !== undefined && value !== "";

/** What a record is called: by its title, else its number, else its id. */
export function titleOf(object: ObjectDef, row: RecordRow): string {
  for (const field of [object.title, object.number]) {
    if (!field) continue;
    const link = row.links[field];
    if (link) return link.title;
    if (isSaid(row.values[field])) return String(row.values[field]);
  }
  return `#${row.id}`;
}

/** The fields by which a record is named, best first. */
export const namesOf = (object: ObjectDef): string[] =>
  [object.title, object.number].filter((f): f is string => typeof f === "string");

export const isMoney = (field: FieldDef): boolean => field.unit === "money";
export const isFigure = (field: FieldDef): boolean =>
  field.type === "decimal" || field.type === "int" || field.type === "float";

const N_COLUMNS = 8;

/** The columns of a list that nobody has chosen yet: title, what it must lead to, choices, money, dates, then what is left. */
export function defaultColumns(object: ObjectDef): string[] {
  const rank = (field: FieldDef): number => {
    if (field.id === object.title) return 0;
    if (field.id === object.number) return 1;
    if (field.type === "link") return field.required || STEP.test(field.id) ? 2 : 6;
    if (field.type === "choice") return 3;
    if (isMoney(field)) return 4;
    if (field.type === "date") return 5;
    if (field.type === "instant") return 7;
    if (field.type === "bool" || isFigure(field)) return 8;
    return isLong(field) ? 10 : 9;
  };
  return object.fields
    .map((field, at) => ({ id: field.id, at, rank: rank(field) }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, N_COLUMNS)
    .map((column) => column.id);
}

/** The chosen columns that there still are; the defaults where none of them is left. */
export function keptColumns(object: ObjectDef, kept: unknown): string[] {
  const ids = Array.isArray(kept) ? kept.filter((id) => object.fields.some((f) => f.id === id)) : [];
  return ids.length > 0 ? ids : defaultColumns(object);
}

const LONG =
  /(^|_)(note|notes|text|body|content|description|remark|reason|comment|detail|details|address|answer|question|summary)$/;
/** A text that takes more than a line. */
export const isLong = (field: Pick<FieldDef, "id" | "type">): boolean =>
  field.type === "text" && LONG.test(field.id);

type Kind = "basics" | "links" | "figures" | "days" | "texts";
export type FieldGroup = {
  id: string;
  /** Of a section that somebody made. */
  name?: { zh: string; en: string };
  /** Otherwise what kind of fields they are; `more` are those that no section names. */
  kind: Kind | "more";
  fields: FieldDef[];
};
const groupOf = (field: FieldDef): Kind =>
  isLong(field)
    ? "texts"
    : field.type === "link"
      ? "links"
      : isFigure(field)
        ? "figures"
        : field.type === "date" || field.type === "instant"
          ? "days"
          : "basics";

/**
 * The fields of a page or form: as the layout of the reader's role has them, or by kind; groups
 * without fields are left out. What has to be filled in is never among those that are folded away.
 */
export function groupsOf(object: ObjectDef): FieldGroup[] {
  const order: Kind[] = ["basics", "links", "figures", "days", "texts"];
  const byKind = (fields: FieldDef[]): FieldGroup[] =>
    order.map((kind) => ({ id: kind, kind, fields: fields.filter((f) => groupOf(f) === kind) }));
  const sections = object.sections ?? [];
  const isFull = (group: FieldGroup) => group.fields.length > 0;
  if (sections.length === 0) return byKind(object.fields).filter(isFull);
  const named = new Set(sections.flatMap((section) => section.fields));
  const rest = object.fields.filter((f) => !named.has(f.id));
  const isNeeded = (f: FieldDef) => f.required && !f.is_read_only;
  const made = sections.map(
    (section, n): FieldGroup => ({
      id: `section-${n}`,
      name: section.name,
      kind: "basics",
      fields: section.fields.flatMap((id) => object.fields.find((f) => f.id === id) ?? []),
    }),
  );
  const needed: FieldGroup = { id: "needed", kind: "basics", fields: rest.filter(isNeeded) };
  const more: FieldGroup = { id: "more", kind: "more", fields: rest.filter((f) => !isNeeded(f)) };
  return [...made, needed, more].filter(isFull);
}

const STEP = /(^|_)(stage|status|state|step|priority)$/;
const first = (wanted: RegExp) => (a: FieldDef, b: FieldDef) =>
  Number(wanted.test(b.id)) - Number(wanted.test(a.id));

/** The fields by which a board can be made, the likeliest first: choices, and links to what the reader may see. */
export const boardFields = (object: ObjectDef, objects: ObjectDef[] = []): FieldDef[] =>
  object.fields
    .filter((f) =>
      f.type === "choice"
        ? (f.options?.length ?? 0) > 1
        : f.type === "link" && f.to !== object.id && findObject(objects, f.to ?? "") !== undefined,
    )
    .sort((a, b) => first(STEP)(a, b) || Number(b.type === "choice") - Number(a.type === "choice"));

/** Where an object's records follow each other as steps: by which field, and of what they are steps. */
export function stepsOf(object: ObjectDef): { order: string; of: FieldDef | undefined } | null {
  if (!object.fields.some((f) => f.id === "sequence" && f.type === "int")) return null;
  return { order: "sequence", of: object.fields.find((f) => f.type === "link" && f.required) };
}

/** The fields by which records make groups of a chart, the likeliest first. */
export function chartFields(object: ObjectDef): FieldDef[] {
  const rank = (field: FieldDef): number =>
    STEP.test(field.id) ? 0 : ["choice", "link", "date", "bool", "text", "instant"].indexOf(field.type) + 1;
  const isName = (field: FieldDef) =>
    field.id === object.title || field.id === object.number || field.unique || isLong(field);
  return object.fields
    .filter((f) => !f.is_masked && !isFigure(f) && !(f.type === "text" && isName(f)))
    .sort((a, b) => rank(a) - rank(b));
}

/** The numbers that it makes sense to add up, money first. */
export const sumFields = (object: ObjectDef): FieldDef[] =>
  object.fields
    // What is worked out when it is read is not added up by the server.
    .filter((f) => !f.is_masked && !f.is_computed && (f.type === "decimal" || f.type === "int"))
    .filter(
      (f) =>
        f.unit !== undefined &&
        f.unit !== null &&
        f.unit !== "pct" &&
        f.unit !== "score" &&
        f.id !== "sequence",
    )
    .sort((a, b) => Number(isMoney(b)) - Number(isMoney(a)));

const DUE = /(^|_)(due|planned|next|expected|start|starts|close|closes)/;
/** The fields by which a calendar can be made, the likeliest first. */
export const calendarFields = (object: ObjectDef): FieldDef[] =>
  object.fields
    .filter((f) => f.type === "date" || f.type === "instant")
    .sort(
      (a, b) =>
        Number(b.type === "date") - Number(a.type === "date") ||
        Number(b.required) - Number(a.required) ||
        first(DUE)(a, b),
    );

/** Which fields of other objects point to this one. */
export const linksTo = (objects: ObjectDef[], target: string): { object: ObjectDef; field: FieldDef }[] =>
  objects.flatMap((object) =>
    object.fields
      .filter((field) => field.type === "link" && field.to === target)
      .map((field) => ({ object, field })),
  );

/** The fields that differ, those of the definition first and in its order. */
export function changedFields(
  object: ObjectDef | undefined,
  before: ChangeValues,
  after: ChangeValues,
): string[] {
  const ids = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const isChanged = (id: string) =>
    JSON.stringify(before?.[id] ?? null) !== JSON.stringify(after?.[id] ?? null);
  const order = object?.fields.map((f) => f.id) ?? [];
  const rank = (id: string) => (order.includes(id) ? order.indexOf(id) : order.length);
  return [...ids].filter(isChanged).sort((a, b) => rank(a) - rank(b));
}

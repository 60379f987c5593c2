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

/** The columns of a list that nobody has chosen yet: title, links, choices, dates, money, then what is left. */
export function defaultColumns(object: ObjectDef): string[] {
  const rank = (field: FieldDef): number => {
    if (field.id === object.title) return 0;
    if (field.id === object.number) return 1;
    if (field.type === "link") return 2;
    if (field.type === "choice") return 3;
    if (field.type === "date") return 4;
    if (isMoney(field)) return 5;
    if (field.type === "instant") return 6;
    if (field.type === "bool" || isFigure(field)) return 7;
    return isLong(field) ? 9 : 8;
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
export const isLong = (field: FieldDef): boolean => field.type === "text" && LONG.test(field.id);

export type FieldGroup = { id: "basics" | "links" | "figures" | "days" | "texts"; fields: FieldDef[] };
const groupOf = (field: FieldDef): FieldGroup["id"] =>
  isLong(field)
    ? "texts"
    : field.type === "link"
      ? "links"
      : isFigure(field)
        ? "figures"
        : field.type === "date" || field.type === "instant"
          ? "days"
          : "basics";

/** The fields of a record page, by kind; groups without fields are left out. */
export function groupsOf(object: ObjectDef): FieldGroup[] {
  const order: FieldGroup["id"][] = ["basics", "links", "figures", "days", "texts"];
  return order
    .map((id) => ({ id, fields: object.fields.filter((f) => groupOf(f) === id) }))
    .filter((group) => group.fields.length > 0);
}

const STEP = /(^|_)(stage|status|state|step|priority)$/;
const first = (wanted: RegExp) => (a: FieldDef, b: FieldDef) =>
  Number(wanted.test(b.id)) - Number(wanted.test(a.id));

/** The fields by which a board can be made, the likeliest first. */
export const boardFields = (object: ObjectDef): FieldDef[] =>
  object.fields.filter((f) => f.type === "choice" && (f.options?.length ?? 0) > 1).sort(first(STEP));

const DUE = /(^|_)(due|planned|next|expected|start|starts|close|closes)/;
/** The fields by which a calendar can be made, the likeliest first. */
export const calendarFields = (object: ObjectDef): FieldDef[] =>
  object.fields
    .filter((f) => f.type === "date" || f.type === "instant")
    .sort((a, b) => Number(b.type === "date") - Number(a.type === "date") || first(DUE)(a, b));

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

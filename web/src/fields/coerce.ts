// Between what is typed and what is kept. Decimals stay text from the field to
// the store, so that no digit is lost.
import type { FieldDef, FieldFault, Values } from "../api/records";
import type { Value } from "../api/types";
import { isDate } from "../ui/period";

export type Draft = Value;
export type Drafts = Record<string, Draft>;
export type WrongCode = "required" | "decimal" | "int" | "float" | "date" | "instant";
export type Coerced = { value: Value } | { wrong: WrongCode };

/** As people write numbers: full-width digits, thousands marks, a minus from print. */
export function plainNumber(typed: string): string {
  return typed
    .normalize("NFKC")
    .replaceAll("−", "-")
    .replace(/[\s,，_']/g, "");
}

const DECIMAL = /^-?(\d+(\.\d{0,4})?|\.\d{1,4})$/;
const ZONE = "+08:00";

/** `2026-11-21 14:30` of the calendar's zone as an instant; null where there is no such time. */
export function toInstant(typed: string): string | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}):(\d{2}))?$/.exec(typed);
  if (!match || !isDate(match[1])) return null;
  const [hour = "00", minute = "00"] = [match[2], match[3]];
  if (Number(hour) > 23 || Number(minute) > 59) return null;
  return new Date(`${match[1]}T${hour}:${minute}:00${ZONE}`).toISOString().replace(".000Z", "Z");
}

/** The reverse, for a field to type in. */
export function fromInstant(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return value;
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 16).replace("T", " ");
}

export function coerce(field: FieldDef, draft: Draft | undefined): Coerced {
  const typed = typeof draft === "string" ? draft.trim() : draft;
  if (typed === undefined || typed === null || typed === "")
    return field.required ? { wrong: "required" } : { value: null };
  switch (field.type) {
    case "decimal": {
      const text = plainNumber(String(typed));
      if (!DECIMAL.test(text)) return { wrong: "decimal" };
      return { value: text.replace(/^(-?)\./, "$10.").replace(/\.$/, "") };
    }
    case "int": {
      const text = plainNumber(String(typed));
      const n = Number(text);
      return /^-?\d+$/.test(text) && Number.isSafeInteger(n) ? { value: n } : { wrong: "int" };
    }
    case "float": {
      const n = Number(plainNumber(String(typed)));
      return Number.isFinite(n) ? { value: n } : { wrong: "float" };
    }
    case "date":
      return isDate(typed) ? { value: typed } : { wrong: "date" };
    case "instant": {
      const text = String(typed);
      // A value that was not touched goes back as it came.
      if (/T.*(Z|[+-]\d{2}:\d{2})$/.test(text)) return { value: text };
      const at = toInstant(text);
      return at === null ? { wrong: "instant" } : { value: at };
    }
    case "link":
      return { value: Number(typed) };
    default:
      return { value: typed };
  }
}

/** Everything that is filled in, and the faults of what cannot be taken. */
export function coerceAll(
  fields: FieldDef[],
  drafts: Drafts,
): { values: Values; wrong: Record<string, WrongCode> } {
  const values: Values = {};
  const wrong: Record<string, WrongCode> = {};
  for (const field of fields) {
    const result = coerce(field, drafts[field.id]);
    if ("wrong" in result) wrong[field.id] = result.wrong;
    else if (result.value !== null) values[field.id] = result.value;
  }
  return { values, wrong };
}

/** The faults that the server found, if it named fields. */
export function faultsOf(problem: unknown): FieldFault[] {
  if (typeof problem !== "object" || problem === null || !("fields" in problem)) return [];
  const found = (problem as { fields: unknown }).fields;
  if (!Array.isArray(found)) return [];
  return found.filter((f): f is FieldFault => typeof f?.field === "string" && typeof f?.detail === "string");
}

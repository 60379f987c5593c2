// Conditions that a reader clicks together, and the expression that they make.
// The expression is what counts: it stands in the URL and goes to the server.
// It is read back only if it is one that conditions make.
import type { FieldDef, ObjectDef } from "../../api/records";
import { addDays, isDate } from "../../ui/period";
import { quote } from "../../ui/where";

export const OPS = [
  "is",
  "is_not",
  "contains",
  "starts",
  "any_of",
  "none_of",
  "at_least",
  "at_most",
  "more",
  "less",
  "between",
  "yes",
  "no",
  "empty",
  "not_empty",
] as const;
export type Op = (typeof OPS)[number];
export type Condition = { field: string; op: Op; values: string[] };
export type Join = "and" | "or";
export type Filter = { join: Join; conditions: Condition[] };

const KNOWN: Op[] = ["empty", "not_empty"];
const OPS_OF: Record<FieldDef["type"], Op[]> = {
  text: ["contains", "is", "is_not", "starts", ...KNOWN],
  choice: ["any_of", "none_of", ...KNOWN],
  link: ["is", "is_not", ...KNOWN],
  decimal: ["at_least", "at_most", "more", "less", "is", "between", ...KNOWN],
  int: ["at_least", "at_most", "more", "less", "is", "between", ...KNOWN],
  float: ["at_least", "at_most", "more", "less", "between", ...KNOWN],
  bool: ["yes", "no", ...KNOWN],
  date: ["at_least", "at_most", "is", "between", ...KNOWN],
  instant: ["at_least", "at_most", "between", ...KNOWN],
};
export const opsOf = (field: FieldDef): Op[] => OPS_OF[field.type];

/** How many values a condition takes; any number is `null`. */
export function arity(op: Op): number | null {
  if (op === "any_of" || op === "none_of") return null;
  if (op === "between") return 2;
  return op === "yes" || op === "no" || op === "empty" || op === "not_empty" ? 0 : 1;
}

const isNumber = (field: FieldDef) =>
  field.type === "decimal" || field.type === "int" || field.type === "float" || field.type === "link";
const NUMBER = /^-?\d+(\.\d+)?$/;
const DAY = "T00:00:00+08:00";

/** Null while something is still missing. */
function literal(field: FieldDef, value: string | undefined): string | null {
  const text = (value ?? "").trim();
  if (text === "") return null;
  if (isNumber(field)) return NUMBER.test(text) ? text : null;
  if (field.type === "date" || field.type === "instant") {
    if (!isDate(text)) return null;
    return quote(field.type === "date" ? text : `${text}${DAY}`);
  }
  return quote(text);
}

export function conditionText(field: FieldDef, { op, values }: Condition): string | null {
  const f = field.id;
  switch (op) {
    case "yes":
      return `${f} = true`;
    case "no":
      return `${f} = false`;
    case "empty":
      return `${f} is null`;
    case "not_empty":
      return `${f} is not null`;
    case "any_of":
    case "none_of": {
      const all = values.map((v) => literal(field, v)).filter((v): v is string => v !== null);
      if (all.length === 0) return null;
      const list = `${f} in (${all.join(", ")})`;
      // Where nothing is filled in, it is none of them either.
      return op === "any_of" ? list : `(not (${list}) or ${f} is null)`;
    }
    case "contains":
    case "starts": {
      const text = (values[0] ?? "").trim();
      if (text === "") return null;
      return `${f} like ${quote(op === "contains" ? `%${text}%` : `${text}%`)}`;
    }
    default: {
      const a = literal(field, values[0]);
      if (a === null) return null;
      if (op === "is") return `${f} = ${a}`;
      if (op === "is_not") return `(${f} <> ${a} or ${f} is null)`;
      if (op === "more") return `${f} > ${a}`;
      if (op === "less") return `${f} < ${a}`;
      if (op === "at_least") return `${f} >= ${a}`;
      // A day is over when the next one begins.
      const next = (day: string | undefined) => quote(`${addDays((day ?? "").trim(), 1)}${DAY}`);
      if (op === "at_most") return field.type === "instant" ? `${f} < ${next(values[0])}` : `${f} <= ${a}`;
      const b = literal(field, values[1]);
      if (b === null) return null;
      return field.type === "instant"
        ? `(${f} >= ${a} and ${f} < ${next(values[1])})`
        : `${f} between ${a} and ${b}`;
    }
  }
}

/** The expression of all conditions that are complete; empty where there is none. */
export function toExpression(object: ObjectDef, filter: Filter): string {
  return filter.conditions
    .map((condition) => {
      const field = object.fields.find((f) => f.id === condition.field);
      return field ? conditionText(field, condition) : null;
    })
    .filter((text): text is string => text !== null)
    .join(` ${filter.join} `);
}

/** Cuts at a word between the conditions, outside of quotes and parentheses; `between a and b` stays whole. */
function pieces(text: string, word: Join): string[] {
  const found: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let from = 0;
  let isBetween = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "'") isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (c === "(") depth += 1;
    if (c === ")") depth -= 1;
    if (depth > 0) continue;
    if (text.startsWith(" between ", i)) isBetween = true;
    if (!text.startsWith(` ${word} `, i)) continue;
    if (word === "and" && isBetween) {
      isBetween = false;
      continue;
    }
    found.push(text.slice(from, i));
    from = i + word.length + 2;
    i = from - 1;
  }
  found.push(text.slice(from));
  return found;
}

const unquote = (text: string): string => text.slice(1, -1).replaceAll("''", "'");
const QUOTED = /^'(?:[^']|'')*'$/;

function readLiteral(text: string): string | null {
  const t = text.trim();
  if (QUOTED.test(t)) return unquote(t);
  return NUMBER.test(t) ? t : null;
}

const dayOf = (field: FieldDef, value: string, isNext: boolean): string =>
  field.type !== "instant" || !isDate(value.slice(0, 10)) || !value.endsWith(DAY)
    ? value
    : addDays(value.slice(0, 10), isNext ? -1 : 0);

/** One condition of an expression. What it makes of it is checked by making the text again. */
function readCondition(object: ObjectDef, text: string): Condition | null {
  const id = /^\(?(?:not \()?([a-z]\w*)/.exec(text)?.[1];
  const field = object.fields.find((f) => f.id === id);
  if (!field) return null;
  const candidates: Condition[] = [];
  const put = (op: Op, ...values: (string | null)[]) => {
    if (values.every((v) => v !== null)) candidates.push({ field: field.id, op, values: values as string[] });
  };
  const rest = text.replace(/^\(?(?:not \()?[a-z]\w* ?/, "");
  put("yes");
  put("no");
  put("empty");
  put("not_empty");
  const list = /^in \((.*?)\)(?:\) or \w+ is null\))?$/.exec(rest)?.[1];
  if (list !== undefined) {
    const items = list.match(/'(?:[^']|'')*'|[^,\s]+/g) ?? [];
    const values = items.map(readLiteral);
    put("any_of", ...values);
    put("none_of", ...values);
  }
  const like = /^like ('(?:[^']|'')*')$/.exec(rest)?.[1];
  if (like !== undefined) {
    const pattern = unquote(like);
    put("contains", pattern.slice(1, -1));
    put("starts", pattern.slice(0, -1));
  }
  const between = /^between ('(?:[^']|'')*'|\S+) and (.+)$/.exec(rest);
  if (between) put("between", readLiteral(between[1] ?? ""), readLiteral(between[2] ?? ""));
  const days = /^>= '([^']+)' and \w+ < '([^']+)'\)$/.exec(rest);
  if (days) put("between", dayOf(field, days[1] ?? "", false), dayOf(field, days[2] ?? "", true));
  const simple = /^(=|<>|>=|<=|>|<) ('(?:[^']|'')*'|\S+?)(?: or \w+ is null\))?$/.exec(rest);
  const value = simple ? readLiteral(simple[2] ?? "") : null;
  if (value !== null) {
    for (const op of ["is", "is_not", "more", "less"] as const) put(op, value);
    put("at_least", dayOf(field, value, false));
    put("at_most", value);
    put("at_most", dayOf(field, value, true));
  }
  return (
    candidates.find((c) => opsOf(field).includes(c.op) && conditionText(field, c) === text.trim()) ?? null
  );
}

/** The conditions of an expression; null where it says more than conditions can. */
export function fromExpression(object: ObjectDef, text: string): Filter | null {
  if (text.trim() === "") return { join: "and", conditions: [] };
  for (const join of ["and", "or"] as const) {
    const conditions = pieces(text.trim(), join).map((p) => readCondition(object, p));
    if (conditions.every((c): c is Condition => c !== null)) return { join, conditions };
  }
  return null;
}

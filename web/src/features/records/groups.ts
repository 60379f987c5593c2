// What a chart of records draws, and the list behind one of its groups.
import type { FieldDef, ObjectDef, RecordGroup, RecordGroups } from "../../api/records";
import { addDays, monthStart } from "../../ui/period";
import { allOf } from "../../ui/where";
import { type Condition, conditionText, fromExpression, toExpression } from "./filter";

/** Fewer months are drawn without gaps. */
const MAX_MONTHS = 60;

export const isTime = (field: FieldDef): boolean => field.type === "date" || field.type === "instant";

/** The condition that a group's records fulfil. */
export function conditionOf(field: FieldDef, value: RecordGroup["value"]): Condition {
  const put = (op: Condition["op"], ...values: string[]) => ({ field: field.id, op, values });
  if (value === null) return put("empty");
  const text = String(value);
  if (isTime(field)) return put("between", text, addDays(monthStart(text, 1), -1));
  if (field.type === "bool") return put(value === true ? "yes" : "no");
  return put(field.type === "choice" ? "any_of" : "is", text);
}

/** The expression of the list behind a group of a list. */
export function whereOf(
  object: ObjectDef,
  where: string | undefined,
  field: FieldDef,
  value: RecordGroup["value"],
): string {
  const condition = conditionOf(field, value);
  const before = fromExpression(object, where ?? "");
  // As conditions that the reader can change, where they say it all.
  if (before && (before.join === "and" || before.conditions.length < 2))
    return toExpression(object, { join: "and", conditions: [...before.conditions, condition] });
  const own = conditionText(field, condition) ?? "";
  return allOf([where, own]) ?? own;
}

/** The months of a chart in order, those without records between them as well. */
export function monthsOf(found: RecordGroups): { month: string; group: RecordGroup | undefined }[] {
  const groups = found.groups.filter((g) => g.value !== null);
  const of = new Map(groups.map((g) => [String(g.value), g]));
  const known = [...of.keys()].sort();
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return [];
  const all: string[] = [];
  for (let month = first; month <= last && all.length <= MAX_MONTHS; month = monthStart(month, 1))
    all.push(month);
  const drawn = all.length <= MAX_MONTHS ? all : known;
  return drawn.map((month) => ({ month, group: of.get(month) }));
}

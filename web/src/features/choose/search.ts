import type { RelationMethod, Swot } from "../../api/types";

export const SWOT = ["strength", "weakness", "opportunity", "threat"] as const satisfies Swot[];

const LONGEST_NOTE = 300;
const MOST_IDS = 50;

/** The answers, as they stand in the URL: whoever gets the link sees the same. */
export type ChooseSearch = {
  goals?: string[];
  group?: string;
  industry?: string;
  swot?: string[];
  where?: string;
  /** Free text beside the statements; it decides nothing. */
  notes?: Partial<Record<Swot, string>>;
  /** Metrics that somebody took out. */
  without?: string[];
  /** Metrics whose relations are looked at; absent: the first that can be. */
  related?: string[];
  method?: RelationMethod;
};

const texts = (raw: unknown): string[] =>
  Array.isArray(raw)
    ? [...new Set(raw.filter((x) => typeof x === "string" && x !== ""))].slice(0, MOST_IDS)
    : [];

const isText = (raw: unknown): raw is string => typeof raw === "string" && raw.trim() !== "";

export function readChooseSearch(raw: Record<string, unknown>): ChooseSearch {
  const search: ChooseSearch = {};
  const [goals, swot, without] = [texts(raw.goals), texts(raw.swot), texts(raw.without)];
  if (goals.length > 0) search.goals = goals;
  if (swot.length > 0) search.swot = swot;
  if (without.length > 0) search.without = without;
  const related = texts(raw.related);
  if (related.length > 0) search.related = related;
  if (raw.method === "pearson") search.method = raw.method;
  if (isText(raw.group)) search.group = raw.group;
  if (isText(raw.industry)) search.industry = raw.industry;
  if (isText(raw.where)) search.where = raw.where;
  const notes: ChooseSearch["notes"] = {};
  const written = typeof raw.notes === "object" && raw.notes !== null ? raw.notes : {};
  for (const kind of SWOT) {
    const text = (written as Record<string, unknown>)[kind];
    if (isText(text)) notes[kind] = text.slice(0, LONGEST_NOTE);
  }
  if (Object.keys(notes).length > 0) search.notes = notes;
  return search;
}

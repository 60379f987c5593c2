// Whether the records listed are the number: what is added up or counted, by
// the formula that the catalogue tells. It proves a number and never makes one.
import type { RowsBehind, Value } from "../../api/types";

export type Proof = {
  kind: "sum" | "count" | "distinct";
  /** The column that is added up, or whose different values are counted. */
  column: string;
  /** The records are a ratio's upper part, not the number itself. */
  isPart: boolean;
};

const SUM = /^\(?sum\((\w+)\) of /;
const COUNT = /^\(?count of /;
const DISTINCT = /^\(?count_distinct\((\w+)\) of /;
const KEYS = /^\(?count over each (\w+)/;
const COHORT = /^share of the cohort's (\w+?)s of /;

/** Null where the number is no sum of its records: an average, a middle value. */
export function proofOf(formula: string): Proof | null {
  const isPart = formula.includes(" ÷ ");
  const sum = SUM.exec(formula)?.[1];
  if (sum) return { kind: "sum", column: sum, isPart };
  if (COUNT.test(formula)) return { kind: "count", column: "id", isPart };
  const share = COHORT.exec(formula)?.[1];
  if (share) return { kind: "distinct", column: share, isPart: true };
  const key = DISTINCT.exec(formula)?.[1] ?? KEYS.exec(formula)?.[1];
  return key ? { kind: "distinct", column: key, isPart } : null;
}

/** The sum of decimals as text, exact to the last digit. */
export function sumOf(values: (Value | undefined)[]): string {
  const parts = values.flatMap((value) => {
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value ?? ""));
    return match ? [{ sign: match[1] ?? "", whole: match[2] ?? "", fraction: match[3] ?? "" }] : [];
  });
  const places = Math.max(0, ...parts.map((p) => p.fraction.length));
  const total = parts.reduce((sum, p) => sum + BigInt(p.sign + p.whole + p.fraction.padEnd(places, "0")), 0n);
  const digits = String(total < 0n ? -total : total).padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, "");
  return `${total < 0n ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}

/** What the records give; null where the column is not among those listed. */
export function provedBy(proof: Proof, found: RowsBehind): string | null {
  if (proof.kind === "count") return String(found.rows.length);
  const at = found.columns.findIndex(
    (c) => c.name === proof.column || (proof.kind === "distinct" && c.name.startsWith(`${proof.column}.`)),
  );
  if (at < 0) return null;
  const values = found.rows.map((row) => row[at]);
  if (proof.kind === "sum") return sumOf(values);
  return String(new Set(values.filter((v) => v !== null && v !== undefined)).size);
}

/** Equal as numbers, whatever zeros stand at the end. */
export const isSame = (a: Value, b: Value): boolean => sumOf([a]) === sumOf([b]);

/** Whether the numbers of shorter periods add up to that of a longer one. */
export const isAdditive = (formula: string): boolean => {
  const proof = proofOf(formula);
  return proof !== null && proof.kind !== "distinct" && !proof.isPart && !/, (in|as of) /.test(formula);
};

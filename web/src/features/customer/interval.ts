import type { Value } from "../../api/types";
import { toNumber } from "../../ui/format";

/** Half width of a 95 % interval in standard errors. */
const Z95 = 1.96;

/** The 95 % interval of an estimate; never below zero, and at most `top`. */
export function interval(value: Value, se: Value, top: number | null): { from: number; to: number } | null {
  const x = toNumber(value);
  const s = toNumber(se);
  if (x === null || s === null) return null;
  const to = x + Z95 * s;
  return { from: Math.max(0, x - Z95 * s), to: top === null ? to : Math.min(top, to) };
}

import type { Grain } from "../api/types";

/** The finest first. */
export const GRAINS: Grain[] = ["day", "week", "month", "quarter", "year"];

/** The grains that are honest for a metric: its finest and all coarser ones. */
export function grainsFrom(finest: Grain | null | undefined): Grain[] {
  return GRAINS.slice(Math.max(0, GRAINS.indexOf(finest ?? "day")));
}

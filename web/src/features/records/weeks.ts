import { addDays, monthStart } from "../../ui/period";

/** The weeks that a month touches, from Monday to Sunday. */
export function weeksOf(first: string): string[][] {
  const weekday = (new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7;
  const end = monthStart(first, 1);
  const weeks: string[][] = [];
  for (let monday = addDays(first, -weekday); monday < end; monday = addDays(monday, 7))
    weeks.push(Array.from({ length: 7 }, (_, i) => addDays(monday, i)));
  return weeks;
}

import type { Department } from "../../api/session";

export type Branch = { department: Department; depth: number };

/** Departments below their parents, as lines with a depth; one whose parent is not there stands at the top. */
export function branchesOf(departments: Department[]): Branch[] {
  const known = new Set(departments.map((d) => d.id));
  const seen = new Set<number>();
  const lines: Branch[] = [];
  const put = (parent: number | null, depth: number) => {
    for (const department of departments) {
      const own = department.parent !== null && known.has(department.parent) ? department.parent : null;
      if (own !== parent || seen.has(department.id)) continue;
      seen.add(department.id);
      lines.push({ department, depth });
      put(department.id, depth + 1);
    }
  };
  put(null, 0);
  // A circle has no top; it is shown all the same, so that it can be mended.
  for (const department of departments) if (!seen.has(department.id)) lines.push({ department, depth: 0 });
  return lines;
}

/** A department and everything below it: none of them can become its parent. */
export function belowOf(departments: Department[], id: number): Set<number> {
  const below = new Set([id]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const d of departments) if (d.parent !== null && below.has(d.parent)) below.add(d.id);
  }
  return below;
}

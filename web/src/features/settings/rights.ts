// The matrix of a role: which actions on which object, and on whose records.
import type { FieldRight, Grant, Role, Rows } from "../../api/session";

export const ACTIONS = ["read", "create", "update", "delete", "import", "export"] as const;
export type RightAction = (typeof ACTIONS)[number];
export const ADMIN = [
  "users",
  "roles",
  "audit",
  "imports",
  "evaluations",
  "webhooks",
  "privacy",
  "backups",
  "design",
] as const;

/** All objects that no grant of their own names. */
const OTHERS = "*";

/** What counts for an object: its own grant, else the one for all others. */
export const grantOf = (role: Role, object: string): Grant | undefined =>
  role.grants.find((g) => g.object === object) ?? role.grants.find((g) => g.object === OTHERS);

/** An object's own grant in place of what counted before; without actions only where that says something. */
function withGrant(role: Role, grant: Grant): Role {
  const others = role.grants.filter((g) => g.object !== grant.object);
  const isSaying = grant.actions.length > 0 || others.some((g) => g.object === OTHERS);
  return { ...role, grants: isSaying ? [...others, grant] : others };
}

/** Without reading there is nothing else; whoever may do anything may read. */
export function withAction(role: Role, object: string, action: RightAction, isOn: boolean): Role {
  const now = { rows: "own" as Rows, actions: [] as string[], ...grantOf(role, object), object };
  const actions = new Set(now.actions);
  if (isOn) actions.add(action).add("read");
  else if (action === "read") actions.clear();
  else actions.delete(action);
  const kept: string[] = [
    ...ACTIONS.filter((a) => actions.has(a)),
    // An action that the page does not know stays as it was.
    ...[...actions].filter((a) => !(ACTIONS as readonly string[]).includes(a)),
  ];
  return withGrant(role, { ...now, actions: kept });
}

export function withRows(role: Role, object: string, rows: Rows): Role {
  const now = grantOf(role, object);
  return now ? withGrant(role, { ...now, object, rows }) : role;
}

/** How a field is seen; nothing means as usual. */
export const withField = (role: Role, field: string, as: FieldRight | null): Role => ({
  ...role,
  fields: [...role.fields.filter((f) => f.field !== field), ...(as === null ? [] : [{ field, as }])],
});

/** Whether one record's value of a masked field may be seen for a reason. */
export const withReveal = (role: Role, field: string, reveal: boolean): Role => ({
  ...role,
  fields: role.fields.map((f) => (f.field === field ? { ...f, reveal } : f)),
});

export const withAdmin = (role: Role, area: string, isOn: boolean): Role => ({
  ...role,
  admin: isOn ? [...new Set([...role.admin, area])] : role.admin.filter((a) => a !== area),
});

/** An id for a role's name: Latin letters and digits, or a number where there are none. */
export function idFor(name: string, taken: string[]): string {
  const base =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "") || "role";
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n++) if (!taken.includes(`${base}_${n}`)) return `${base}_${n}`;
}

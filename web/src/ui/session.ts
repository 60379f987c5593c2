// Who is signed in. The shell shows a page only to somebody who is, so there
// is always a user below it.
import { useQuery } from "@tanstack/react-query";
import { objectsQuery } from "../api/records";
import { type SessionUser, sessionQuery } from "../api/session";

export const useUser = (): SessionUser | null => useQuery(sessionQuery).data?.user ?? null;

export function useMayAdmin(area: string): boolean {
  return useUser()?.admin.includes(area) ?? false;
}

/** The objects that the reader may see; none before they have come. */
export const useObjects = () => useQuery(objectsQuery).data ?? NONE;
const NONE: never[] = [];

/** The settings that somebody may open, in the order of the page. */
export const AREAS = [
  { to: "/settings/users", area: "users", key: "settings.users" },
  { to: "/settings/departments", area: "users", key: "settings.departments" },
  { to: "/settings/providers", area: "users", key: "settings.providers" },
  { to: "/settings/roles", area: "roles", key: "settings.roles" },
  { to: "/settings/audit", area: "audit", key: "settings.audit" },
  { to: "/settings/webhooks", area: "webhooks", key: "settings.webhooks" },
  { to: "/settings/privacy", area: "privacy", key: "settings.privacy" },
] as const;

/** What the server takes at least. */
export const SHORTEST_PASSWORD = 12;

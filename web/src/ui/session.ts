// Who is signed in. The shell shows a page only to somebody who is, so there
// is always a user below it.
import { useQuery } from "@tanstack/react-query";
import { type ObjectDef, objectsQuery } from "../api/records";
import { type SessionUser, sessionQuery } from "../api/session";
import { roomsOf } from "./rooms";

export const useUser = (): SessionUser | null => useQuery(sessionQuery).data?.user ?? null;

export function useMayAdmin(area: string): boolean {
  return useUser()?.admin.includes(area) ?? false;
}

/** The objects that the reader may see; none before they have come. */
export const useObjects = () => useQuery(objectsQuery).data ?? NONE;
const NONE: never[] = [];

/** What the reader may bring in by files: orders, and the plain records of objects. */
export function useImports(): { orders: boolean; objects: ObjectDef[] } {
  const orders = useMayAdmin("imports");
  const objects = useObjects().filter((o) => o.is_writable && o.actions.includes("import"));
  // In the order of the navigation, then those that do not stand there.
  const inRooms = roomsOf(objects).flatMap((room) => room.objects);
  return { orders, objects: [...inRooms, ...objects.filter((o) => !inRooms.includes(o))] };
}

/** Whether the reader takes records of these objects out as files; without one, of any object. */
export function useMayExport(...ids: string[]): boolean {
  const objects = useObjects().filter((o) => o.actions.includes("export"));
  return ids.length === 0 ? objects.length > 0 : ids.every((id) => objects.some((o) => o.id === id));
}

/** The settings that somebody may open, in the order of the page. */
export const AREAS = [
  { to: "/settings/users", area: "users", key: "settings.users" },
  { to: "/settings/departments", area: "users", key: "settings.departments" },
  { to: "/settings/providers", area: "users", key: "settings.providers" },
  { to: "/settings/roles", area: "roles", key: "settings.roles" },
  { to: "/settings/audit", area: "audit", key: "settings.audit" },
  { to: "/settings/webhooks", area: "webhooks", key: "settings.webhooks" },
  { to: "/settings/privacy", area: "privacy", key: "settings.privacy" },
  { to: "/settings/backups", area: "backups", key: "settings.backups" },
  { to: "/settings/design", area: "design", key: "settings.design" },
  { to: "/settings/forms", area: "design", key: "settings.forms" },
] as const;

/** What the server takes at least. */
export const SHORTEST_PASSWORD = 12;

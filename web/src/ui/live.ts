// What the page heard of others: who looks at which record, and where this
// page says that it looks. Kept up by the host of the connection.
import { useEffect, useSyncExternalStore } from "react";

export type Place = { object: string; record: number };
type People = { object: string; records: Record<string, string[]> };

let people: People = { object: "", records: {} };
let place: Place | null = null;
const readers = new Set<() => void>();
const hosts = new Set<() => void>();
const NOBODY: string[] = [];

export function setPeople(next: People): void {
  people = next;
  for (const tell of readers) tell();
}

export const lookedAt = (): Place | null => place;
export function onLook(tell: () => void): () => void {
  hosts.add(tell);
  return () => hosts.delete(tell);
}
function look(next: Place | null): void {
  place = next;
  for (const tell of hosts) tell();
}

/** Says that this record is looked at, for as long as it is. */
export function useLook(object: string, record: number | null): void {
  useEffect(() => {
    look(record === null ? null : { object, record });
    return () => look(null);
  }, [object, record]);
}

/** Who else looks at records of the object, by the record's id. */
export function usePeople(object: string): Record<string, string[]> {
  const now = useSyncExternalStore(
    (changed) => {
      readers.add(changed);
      return () => readers.delete(changed);
    },
    () => people,
  );
  return now.object === object ? now.records : NONE;
}
const NONE: Record<string, string[]> = {};

export const usePeopleAt = (object: string, record: number): string[] =>
  usePeople(object)[String(record)] ?? NOBODY;

// What was written without a network and waits on this device. It is sent with
// the key that it got when it was written, so it arrives once.
import { useSyncExternalStore } from "react";

export type Waiting = {
  /** Also the request's key. */
  key: string;
  /** Whose it is; nobody else's session sends it. */
  user: number;
  object: string;
  title: string;
  values: Record<string, unknown>;
  /** When it was written. */
  at: string;
  /** Why the server did not take it. */
  problem?: string;
};

const PLACE = "keji-outbox";
const LAST_USER = "keji-last-user";
const listeners = new Set<() => void>();
let known: { text: string | null; items: Waiting[] } = { text: null, items: [] };

/** All that waits, oldest first; the same list until something changes. */
export function waiting(): Waiting[] {
  const text = localStorage.getItem(PLACE);
  if (text !== known.text) known = { text, items: read(text) };
  return known.items;
}

function read(text: string | null): Waiting[] {
  try {
    const all: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(all) ? all.filter(isWaiting) : [];
  } catch {
    return [];
  }
}

const isWaiting = (one: unknown): one is Waiting =>
  typeof one === "object" && one !== null && "key" in one && "object" in one && "values" in one;

/** Fails where the device keeps nothing more; then nothing was kept. */
function write(items: Waiting[]): void {
  localStorage.setItem(PLACE, JSON.stringify(items));
  for (const listener of listeners) listener();
}

/** False where the device did not keep it. */
export function keep(one: Waiting): boolean {
  try {
    write([...waiting().filter((other) => other.key !== one.key), one]);
    return true;
  } catch {
    return false;
  }
}

export const drop = (key: string): void => write(waiting().filter((one) => one.key !== key));

export const explain = (key: string, problem: string): void =>
  write(waiting().map((one) => (one.key === key ? { ...one, problem } : one)));

/** Whoever was signed in last: a page that starts without a network knows nobody else. */
export const lastUser = (): number | null => Number(localStorage.getItem(LAST_USER)) || null;
export function rememberUser(id: number): void {
  if (lastUser() !== id) localStorage.setItem(LAST_USER, String(id));
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  // Another tab sent or wrote something.
  window.addEventListener("storage", changed);
  return () => {
    listeners.delete(changed);
    window.removeEventListener("storage", changed);
  };
}

export const useOutbox = (): Waiting[] => useSyncExternalStore(subscribe, waiting);

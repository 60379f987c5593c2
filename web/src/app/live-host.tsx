// The open connection: asks again for what changed elsewhere, and says where
// this page looks. It comes back by itself, and rests while nobody looks.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { send } from "../api/request";
import type { components } from "../api/schema";
import { lookedAt, onLook, setPeople } from "../ui/live";

type LiveEvent = components["schemas"]["LiveEvent"];

const AGAIN_MS = 3_000;
const LONGEST_MS = 60_000;
/** Changes that come one after the other are asked for once. */
const TOGETHER_MS = 400;
/** Where the cursor only passes, nobody is told. */
const SETTLED_MS = 150;
const NOBODY = { object: "", records: {} };
/** An unattended page asks for nothing, so that its session ends as ever. */
const IDLE_MS = 20 * 60_000;
/** Pages that show records in words of their own. */
const OTHERS: Record<string, string[]> = { customer: ["customers", "customer"] };

export function LiveHost() {
  const cache = useQueryClient();
  useEffect(() => {
    let source: EventSource | null = null;
    let connection: number | null = null;
    let wait = AGAIN_MS;
    let again: number | undefined;
    let asking: number | undefined;
    let touched = Date.now();
    let wasOpen = false;
    const changed = new Set<string>();
    const ask = () => {
      asking = undefined;
      const objects = [...changed];
      changed.clear();
      if (objects.includes("")) void cache.invalidateQueries({ queryKey: ["records"] });
      for (const object of objects.filter((o) => o !== "")) {
        void cache.invalidateQueries({
          queryKey: ["records", object],
          // Whoever deletes a record hears of it before the answer: it is gone, and so is he in a moment.
          predicate: ({ queryKey }) =>
            cache.isMutating({ mutationKey: ["leave", object, queryKey[3]] }) === 0,
        });
        for (const key of OTHERS[object] ?? []) void cache.invalidateQueries({ queryKey: [key] });
      }
      void cache.invalidateQueries({ queryKey: ["batches"] });
      void cache.invalidateQueries({ queryKey: ["bin"] });
    };
    let said = "null";
    let isSaying = false;
    let saying: number | undefined;
    /** One after the other, and only where it is last: answers may overtake each other. */
    const say = async () => {
      saying = undefined;
      if (isSaying) return;
      isSaying = true;
      while (connection !== null && JSON.stringify(lookedAt()) !== said) {
        const place = lookedAt();
        said = JSON.stringify(place);
        if (!place) setPeople(NOBODY);
        await send("PUT", `/api/live/${connection}`, { body: { place } }).catch(() => setPeople(NOBODY));
      }
      isSaying = false;
    };
    const saySoon = () => {
      saying ??= window.setTimeout(() => void say(), SETTLED_MS);
    };
    const hear = (event: LiveEvent) => {
      if (event.kind === "hello") {
        connection = event.connection;
        wait = AGAIN_MS;
        said = "null";
        saySoon();
        // What happened in between was not told.
        if (wasOpen) hear({ kind: "changes", objects: {}, all: true });
        wasOpen = true;
      } else if (event.kind === "people") {
        setPeople({ object: event.object, records: event.records });
      } else {
        if (event.all) changed.add("");
        for (const object of Object.keys(event.objects)) changed.add(object);
        asking ??= window.setTimeout(ask, TOGETHER_MS);
      }
    };
    const close = () => {
      source?.close();
      source = null;
      connection = null;
      window.clearTimeout(again);
    };
    const isWatched = () => !document.hidden && navigator.onLine && Date.now() - touched < IDLE_MS;
    const open = () => {
      if (source || !isWatched()) return;
      source = new EventSource("/api/live");
      source.onmessage = (message) => {
        if (!isWatched()) close();
        else hear(JSON.parse(String(message.data)) as LiveEvent);
      };
      source.onerror = () => {
        close();
        again = window.setTimeout(open, wait);
        wait = Math.min(wait * 2, LONGEST_MS);
      };
    };
    const look = () => {
      if (document.hidden || !navigator.onLine) close();
      else open();
    };
    const touch = () => {
      touched = Date.now();
      if (!source && wait === AGAIN_MS) look();
    };
    open();
    const stop = onLook(saySoon);
    const touches = ["pointerdown", "keydown"] as const;
    document.addEventListener("visibilitychange", look);
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    for (const name of touches) document.addEventListener(name, touch);
    return () => {
      close();
      stop();
      window.clearTimeout(asking);
      window.clearTimeout(saying);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
      for (const name of touches) document.removeEventListener(name, touch);
    };
  }, [cache]);
  return null;
}

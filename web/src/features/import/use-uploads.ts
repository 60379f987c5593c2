// Files on their way to the server, one after the other. What became of each
// is the server's to say; here is only what has not reached it.
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { type How, uploadFile } from "../../api/upload";

export type Sending = {
  key: number;
  file: File;
  sent: number;
  /** The import that the file became. */
  id?: number;
  error?: unknown;
  isStopped?: boolean;
};

export function useUploads(onOnly: (id: number) => void) {
  const cache = useQueryClient();
  const [list, setList] = useState<Sending[]>([]);
  const next = useRef(0);
  const stops = useRef(new Map<number, AbortController>());
  const queue = useRef<Promise<void>>(Promise.resolve());

  const put = (key: number, part: Partial<Sending>) =>
    setList((now) => now.map((s) => (s.key === key ? { ...s, ...part } : s)));

  const sendOne = async (item: Sending, how: How, stop: AbortController): Promise<number | null> => {
    if (stop.signal.aborted) return null;
    try {
      const started = await uploadFile(item.file, how, (sent) => put(item.key, { sent }), stop.signal);
      put(item.key, { id: started.id, sent: item.file.size });
      await cache.invalidateQueries({ queryKey: ["imports"] });
      return started.id;
    } catch (error) {
      put(item.key, stop.signal.aborted ? { isStopped: true } : { error });
      return null;
    }
  };

  /** Each file becomes an import. The only one is shown at once; of several there is a list. */
  const send = (files: File[], how: How) => {
    if (files.length === 0) return;
    const items = files.map((file): Sending => ({ key: next.current++, file, sent: 0 }));
    const isOnly = files.length === 1 && list.every((s) => s.id !== undefined || s.error || s.isStopped);
    // A new lot takes the place of one that is through.
    setList((now) => [...(isOnly ? [] : now), ...items]);
    for (const item of items) {
      const stop = new AbortController();
      stops.current.set(item.key, stop);
      queue.current = queue.current.then(async () => {
        const id = await sendOne(item, how, stop);
        if (isOnly && id !== null) onOnly(id);
      });
    }
  };
  const stop = (key: number) => {
    stops.current.get(key)?.abort();
    put(key, { isStopped: true });
  };
  return { list, send, stop };
}

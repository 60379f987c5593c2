// The bytes of files: sent in, and where they are fetched from. All else about
// a file is a record's.
import type { Held, RecordRow, Values } from "./records";
import { part, withQuery } from "./request";
import { sendBytes } from "./upload";

/** The object whose records have bytes. */
export const FILE = "file";

export const contentPath = (id: number): string => `/api/files/${part(id)}/content`;

type OnSent = (bytes: number) => void;

const held = ({ body, etag }: { body: RecordRow; etag: string | null }): Held => ({ ...body, etag });

/** A new file of these values; `key` is the same for every try of one wish. */
export const addFile = async (
  file: File,
  values: Values,
  key: string,
  onSent: OnSent,
  signal: AbortSignal,
): Promise<Held> => {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  const path = withQuery("/api/files", Object.fromEntries(given.map(([id, v]) => [id, String(v)])));
  const headers = { "Idempotency-Key": key };
  return held(await sendBytes<RecordRow>("POST", path, file, { onSent, signal, headers }));
};

export const replaceContent = async (
  id: number,
  file: File,
  etag: string | null,
  onSent: OnSent,
  signal: AbortSignal,
): Promise<Held> => {
  const headers: Record<string, string> = etag ? { "If-Match": etag } : {};
  return held(await sendBytes<RecordRow>("PUT", contentPath(id), file, { onSent, signal, headers }));
};

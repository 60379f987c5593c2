// Sends a file's bytes. `fetch` cannot say how much has gone out, and the
// import has no id before the server has answered; XMLHttpRequest can.
import { ApiError, apiLanguage, asProblem } from "./client";
import type { Answered } from "./request";
import type { Import, Mode } from "./types";

/** How a file is to be imported. */
export type How = {
  mode: Mode;
  source: string;
  review: boolean;
  dryRun: boolean;
  /** The object whose plain records the file has; without one it has orders. */
  object?: string | undefined;
};

type Sending = {
  onSent: (bytes: number) => void;
  signal: AbortSignal;
  headers?: Record<string, string>;
};

/** Sends a file as the body of a request, and says how much has gone out. */
export function sendBytes<T>(
  method: string,
  path: string,
  file: File,
  { onSent, signal, headers = {} }: Sending,
): Promise<Answered<T>> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.setRequestHeader("Accept-Language", apiLanguage());
    request.setRequestHeader("Content-Type", "application/octet-stream");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300)
        resolve({ body: request.response as T, etag: request.getResponseHeader("ETag") });
      else reject(new ApiError(asProblem(request.response, request.status)));
    };
    request.onerror = () => reject(new ApiError(asProblem(null, 0)));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

export async function uploadFile(
  file: File,
  how: How,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Import> {
  const query = new URLSearchParams({
    filename: file.name,
    mode: how.mode,
    review: String(how.review),
    dry_run: String(how.dryRun),
    ...(how.source ? { source: how.source } : {}),
    ...(how.object ? { object: how.object } : {}),
  });
  return (await sendBytes<Import>("POST", `/api/imports?${query}`, file, { onSent, signal })).body;
}

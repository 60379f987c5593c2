// Sends a file's bytes. `fetch` cannot say how much has gone out, and the
// import has no id before the server has answered; XMLHttpRequest can.
import { ApiError, apiLanguage, asProblem } from "./client";
import type { Import, Mode } from "./types";

/** How a file is to be imported. */
export type How = { mode: Mode; source: string; review: boolean; dryRun: boolean };

export function uploadFile(
  file: File,
  how: How,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Import> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({
      filename: file.name,
      mode: how.mode,
      review: String(how.review),
      dry_run: String(how.dryRun),
      ...(how.source ? { source: how.source } : {}),
    });
    request.open("POST", `/api/imports?${query}`);
    request.setRequestHeader("Accept-Language", apiLanguage());
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response as Import);
      else reject(new ApiError(asProblem(request.response, request.status)));
    };
    request.onerror = () => reject(new ApiError(asProblem(null, 0)));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

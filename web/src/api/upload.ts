// Sends a file's bytes. `fetch` cannot say how much has gone out, and the
// import has no id before the server has answered; XMLHttpRequest can.
import { ApiError, apiLanguage, asProblem } from "./client";
import type { Import } from "./types";

export function uploadFile(
  file: File,
  dryRun: boolean,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Import> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/imports?filename=${encodeURIComponent(file.name)}&dry_run=${dryRun}`);
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

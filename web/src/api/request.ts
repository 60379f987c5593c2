// Calls whose types are written by hand. They fail as those of the generated
// client do: with an `ApiError` that says what happened.
import { ApiError, apiLanguage, asProblem } from "./client";

export type Answered<T> = { body: T; etag: string | null };

type Options = {
  body?: unknown;
  signal?: AbortSignal | undefined;
  headers?: Record<string, string>;
};

export async function send<T>(method: string, path: string, options: Options = {}): Promise<Answered<T>> {
  const { body, signal, headers } = options;
  const response = await fetch(path, {
    method,
    headers: {
      "Accept-Language": apiLanguage(),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  const answer: unknown = text === "" ? undefined : readJson(text);
  if (!response.ok) throw new ApiError(asProblem(answer, response.status));
  return { body: answer as T, etag: response.headers.get("ETag") };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `/api/x?a=1`, without what is not given. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}`;
}

/** Names in a path. */
export const part = (name: string | number): string => encodeURIComponent(String(name));

export const codeOf = (error: unknown): string | null =>
  error instanceof ApiError ? (error.problem.code ?? null) : null;
export const statusOf = (error: unknown): number | null =>
  error instanceof ApiError ? error.problem.status : null;

// The one way to the server. Every failure becomes an `ApiError` that says
// what happened and where.
import createClient from "openapi-fetch";
import type { paths } from "./schema";
import type { Problem } from "./types";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

let language = "zh-CN";

/** The language in which the server words its errors. */
export function setApiLanguage(tag: string): void {
  language = tag;
}

export const apiLanguage = (): string => language;

export const client = createClient<paths>({ baseUrl: "" });
client.use({
  onRequest({ request }) {
    request.headers.set("Accept-Language", language);
    return request;
  },
});

/** What an answer carries, or the error that it is. */
export function unwrap<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  throw new ApiError(asProblem(answer.error, answer.response.status));
}

/** The same for answers that carry records: the generated type says "object". */
export const unwrapAs = <T>(answer: { data?: unknown; error?: unknown; response: Response }): T =>
  unwrap(answer) as T;

/** An answer that is no problem of Keji's own comes from something in between: it has no title of use. */
export function asProblem(error: unknown, status: number): Problem {
  if (typeof error === "object" && error !== null && "title" in error) return error as Problem;
  return { type: "about:blank", title: "", status };
}

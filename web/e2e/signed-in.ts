// A server with its first user: the start code comes from the program's own
// console, as it does for people.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type APIRequestContext, type BrowserContextOptions, request } from "@playwright/test";

export type Fresh = { url: string; code: string; stop: () => Promise<void> };
export type StorageState = Exclude<BrowserContextOptions["storageState"], string | undefined>;

export const OWNER = { login: "owner", name: "1001", password: "a long enough password" };
const START_MS = 30_000;
/** `start code: ABCD-EFGH`, in either language. */
const CODE = /(?:code|代码|启动码)\s*[:：]?\s*([A-Za-z0-9][A-Za-z0-9-]{5,})/i;

/** The program at KEJI_BIN on an empty folder, nobody signed in; `prepare` may put something there before. */
export async function startFresh(more: string[] = [], prepare?: (data: string) => void): Promise<Fresh> {
  const program = process.env.KEJI_BIN;
  if (!program) throw new Error("set KEJI_BIN to the program");
  const data = mkdtempSync(join(tmpdir(), "keji-e2e-"));
  prepare?.(data);
  const listen = more.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const child = spawn(program, ["serve", "--data", data, ...listen, ...more], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { url, code } = await said(child);
  return {
    url,
    code,
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function said(child: ChildProcess): Promise<{ url: string; code: string }> {
  return new Promise((resolve, reject) => {
    let seen = "";
    const fail = (why: string) => reject(new Error(`${why}: ${seen}`));
    const timer = setTimeout(() => fail(`no address and code within ${START_MS} ms`), START_MS);
    child.once("exit", (status) => fail(`the server ended with ${status}`));
    const read = (part: Buffer) => {
      seen += part.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(seen)?.[0];
      const code = CODE.exec(seen)?.[1];
      if (!url || !code) return;
      clearTimeout(timer);
      resolve({ url, code });
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
  });
}

export type SignedIn = {
  url: string;
  api: APIRequestContext;
  state: StorageState;
  stop: () => Promise<void>;
};

/** Past the page: the first user of a fresh server, or KEJI_LOGIN and KEJI_PASSWORD on the one at KEJI_URL. */
export async function signedIn(prepare?: (data: string) => void): Promise<SignedIn> {
  const running = process.env.KEJI_URL?.replace(/\/$/, "");
  const fresh = running ? null : await startFresh([], prepare);
  const url = running ?? fresh?.url ?? "";
  const api = await request.newContext({ baseURL: url });
  const { login, password } = OWNER;
  const answer = fresh
    ? await api.post("/api/setup", { data: { code: fresh.code, ...OWNER } })
    : await api.post("/api/session", {
        data: {
          login: process.env.KEJI_LOGIN ?? login,
          password: process.env.KEJI_PASSWORD ?? password,
        },
      });
  if (!answer.ok()) throw new Error(`cannot sign in: ${answer.status()} ${await answer.text()}`);
  return {
    url,
    api,
    state: await api.storageState(),
    stop: async () => {
      await api.dispose();
      await fresh?.stop();
    },
  };
}

type Field = {
  id: string;
  type: string;
  required?: boolean;
  to?: string | null;
  options?: { value: string }[] | null;
};
type ObjectBody = { id: string; title: string | null; is_writable: boolean; fields: Field[] };

export async function objectOf(api: APIRequestContext, id: string): Promise<ObjectBody> {
  const { objects } = (await (await api.get("/api/objects")).json()) as { objects: ObjectBody[] };
  const found = objects.find((o) => o.id === id);
  if (!found) throw new Error(`there is no object ${id}`);
  return found;
}

/** A record with something in every field that has to be filled in, and what is given. */
export async function makeRecord(
  api: APIRequestContext,
  object: ObjectBody,
  given: Record<string, unknown>,
): Promise<number> {
  const values: Record<string, unknown> = {};
  for (const field of object.fields.filter((f) => f.required && f.type !== "link"))
    values[field.id] =
      {
        choice: field.options?.[0]?.value,
        decimal: "1",
        int: 1,
        float: 1,
        bool: false,
        date: "2026-01-31",
        instant: "2026-01-31T06:30:00Z",
      }[field.type] ?? `7${Date.now()}${Math.floor(Math.random() * 1000)}`;
  const answer = await api.post(`/api/records/${object.id}`, {
    data: { ...values, ...given },
    headers: { "Idempotency-Key": `${object.id}-${Date.now()}-${Math.random()}` },
  });
  if (!answer.ok()) throw new Error(`${object.id}: ${answer.status()} ${await answer.text()}`);
  return ((await answer.json()) as { id: number }).id;
}

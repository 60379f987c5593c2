// The server under test: one that runs already, or one started for the test
// on an empty folder and a free port, with an owner who is signed in. With
// KEJI_E2E_POSTGRES, the URL of a PostgreSQL server, its records are in a new
// database there. A running server needs KEJI_LOGIN and KEJI_PASSWORD.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Server = { url: string; stop: () => Promise<void> };

/** Called by digits alone, so that every word on the page is the page's own. */
export const OWNER = { login: "owner", name: "007", password: "a password of the stories" };
/** The cookie of the owner's session, as the server under test gave it. */
export const session = { name: "keji_session", value: "", url: "" };
export const asOwner = (): Record<string, string> => ({ cookie: `${session.name}=${session.value}` });

const START_MS = 30_000;

export async function startServer(): Promise<Server> {
  const running = process.env.KEJI_URL;
  if (running) {
    const url = running.replace(/\/$/, "");
    await signIn(url, process.env.KEJI_LOGIN ?? "", process.env.KEJI_PASSWORD ?? "");
    return { url, stop: async () => {} };
  }
  const program = process.env.KEJI_BIN;
  if (!program) throw new Error("set KEJI_URL to a running server or KEJI_BIN to the program");
  const data = mkdtempSync(join(tmpdir(), "keji-e2e-"));
  const database = newDatabase();
  execFileSync(
    program,
    ["user", "add", OWNER.login, "--name", OWNER.name, "--role", "owner", "--data", data, ...database],
    {
      input: OWNER.password,
      stdio: ["pipe", "ignore", "inherit"],
    },
  );
  const child = spawn(program, ["serve", "--data", data, "--listen", "127.0.0.1:0", ...database], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await address(child);
  await signIn(url, OWNER.login, OWNER.password);
  return {
    url,
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function signIn(url: string, login: string, password: string): Promise<void> {
  const answer = await fetch(`${url}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ login, password }),
  });
  const value = /keji_session=([0-9a-f]+)/.exec(answer.headers.get("set-cookie") ?? "")?.[1];
  if (!value) throw new Error(`not signed in: ${answer.status} ${await answer.text()}`);
  Object.assign(session, { value, url });
}

/** The arguments that name a database made for this server; none for SQLite. */
function newDatabase(): string[] {
  const url = process.env.KEJI_E2E_POSTGRES;
  if (!url) return [];
  const name = `keji_e2e_${process.pid}_${Date.now()}`;
  execFileSync("psql", ["--quiet", "--command", `create database ${name}`, url]);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return ["--database", own.href];
}

function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = "";
    const timer = setTimeout(() => reject(new Error(`no address within ${START_MS} ms: ${seen}`)), START_MS);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${seen}`)));
    child.stdout?.on("data", (part: Buffer) => {
      seen += part.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(seen);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[0]);
    });
  });
}

// The server under test: one that runs already, or one started for the test
// on an empty folder and a free port. With KEJI_E2E_POSTGRES, the URL of a
// PostgreSQL server, its records are in a new database there.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Server = { url: string; stop: () => Promise<void> };

const START_MS = 30_000;

export async function startServer(): Promise<Server> {
  const running = process.env.KEJI_URL;
  if (running) return { url: running.replace(/\/$/, ""), stop: async () => {} };
  const program = process.env.KEJI_BIN;
  if (!program) throw new Error("set KEJI_URL to a running server or KEJI_BIN to the program");
  const data = mkdtempSync(join(tmpdir(), "keji-e2e-"));
  const database = newDatabase();
  const child = spawn(program, ["serve", "--data", data, "--listen", "127.0.0.1:0", ...database], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await address(child);
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

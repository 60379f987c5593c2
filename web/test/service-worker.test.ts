// The two rules of the service worker, in a browser made of maps.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

type Fetched = Request & { mode: string };
type Event = { waitUntil: (work: Promise<unknown>) => void; request?: Fetched; respondWith?: unknown };

const ORIGIN = "https://keji.example";
const pathOf = (key: string | Request) => new URL(typeof key === "string" ? key : key.url, ORIGIN).pathname;

/** A browser's caches and network; `answers` is what the server has. */
function browser() {
  const stores = new Map<string, Map<string, Response>>();
  const answers = new Map<string, () => Response>();
  const network = { isUp: true, asked: [] as string[] };
  const fetch = async (key: string | Request) => {
    network.asked.push(pathOf(key));
    const answer = answers.get(pathOf(key));
    if (!network.isUp || !answer) throw new TypeError("no network");
    return answer();
  };
  const open = async (name: string) => {
    const store = stores.get(name) ?? new Map<string, Response>();
    stores.set(name, store);
    return {
      add: async (key: string | Request) => store.set(pathOf(key), await fetch(key)),
      put: async (key: string, answer: Response) => store.set(pathOf(key), answer),
      match: async (key: string | Request) => store.get(pathOf(key))?.clone(),
    };
  };
  const caches = {
    open,
    keys: async () => [...stores.keys()],
    delete: async (name: string) => stores.delete(name),
    match: async (key: string | Request) =>
      [...stores.values()]
        .find((store) => store.has(pathOf(key)))
        ?.get(pathOf(key))
        ?.clone(),
  };

  /** A version of the worker, as the build writes it. */
  const worker = (version: string, assets: string[]) => {
    const handlers: Record<string, (event: Event) => void> = {};
    const self = {
      addEventListener: (name: string, handler: (event: Event) => void) => {
        handlers[name] = handler;
      },
      skipWaiting: async () => {},
      clients: { claim: async () => {} },
      location: new URL(ORIGIN),
    };
    class Asked extends Request {
      constructor(path: string) {
        super(new URL(path, ORIGIN));
      }
    }
    const source = readFileSync("build/sw.js", "utf8")
      .replace("__VERSION__", version)
      .replace("__ASSETS__", JSON.stringify(assets));
    new Function("self", "caches", "fetch", "Request", source)(self, caches, fetch, Asked);
    const run = async (name: string) => {
      let work: Promise<unknown> = Promise.resolve();
      handlers[name]?.({ waitUntil: (promise) => (work = promise) });
      await work;
    };
    const get = async (path: string, mode = "no-cors", method = "GET") => {
      let answer: Promise<Response> | undefined;
      const request = { url: ORIGIN + path, method, mode } as Fetched;
      const respondWith = (promise: Promise<Response>) => (answer = promise);
      handlers.fetch?.({ waitUntil: () => {}, request, respondWith });
      return answer;
    };
    return { run, get };
  };
  return { answers, network, stores, worker };
}

const page = () =>
  new Response('<script nonce="abc123">', {
    headers: { "content-security-policy": "script-src 'self' 'nonce-abc123'" },
  });

async function started() {
  const b = browser();
  b.answers.set("/", page);
  for (const path of ["/assets/a.js", "/assets/b.js", "/mode.js"])
    b.answers.set(path, () => new Response(path));
  const first = b.worker("1", ["/assets/a.js", "/mode.js"]);
  await first.run("install");
  await first.run("activate");
  return { ...b, first };
}

it("leaves the API and every write alone", async () => {
  const { first } = await started();
  expect(await first.get("/api/status")).toBeUndefined();
  expect(await first.get("/api/imports", "cors", "POST")).toBeUndefined();
});

it("takes assets from the cache, the page from the network", async () => {
  const { first, network } = await started();
  network.asked.length = 0;
  expect(await (await first.get("/assets/a.js"))?.text()).toBe("/assets/a.js");
  expect(network.asked).toEqual([]);
  await first.get("/customers", "navigate").catch(() => undefined);
  expect(network.asked).toEqual(["/customers"]);
});

it("starts offline, each time with a nonce of its own", async () => {
  const { first, network } = await started();
  network.isUp = false;
  const nonces = [];
  for (let i = 0; i < 2; i++) {
    const answer = await first.get("/customers", "navigate");
    const nonce = /nonce="([^"]+)"/.exec((await answer?.text()) ?? "")?.[1];
    expect(answer?.headers.get("content-security-policy")).toBe(`script-src 'self' 'nonce-${nonce}'`);
    nonces.push(nonce);
  }
  expect(nonces).not.toContain("abc123");
  expect(nonces[0]).not.toBe(nonces[1]);
});

it("takes over without breaking a page of the version before, and forgets the one before that", async () => {
  const { worker, answers, network, stores } = await started();
  answers.delete("/assets/a.js");
  network.asked.length = 0;
  const second = worker("2", ["/assets/b.js", "/mode.js"]);
  await second.run("install");
  await second.run("activate");
  // The server no longer has the chunk that the running page may ask for.
  expect(await (await second.get("/assets/a.js"))?.text()).toBe("/assets/a.js");
  expect([...stores.keys()]).toEqual(["keji-1", "keji-2"]);
  const third = worker("3", ["/assets/b.js", "/mode.js"]);
  network.asked.length = 0;
  await third.run("install");
  await third.run("activate");
  expect(network.asked).not.toContain("/assets/b.js");
  expect([...stores.keys()]).toEqual(["keji-2", "keji-3"]);
});

// The service worker: the page starts offline and says so. Written by hand,
// because it is two rules: hashed assets come from the cache, the page from
// the network if there is one. A library would bring more code than that.
// The build writes in the version and the list of assets.
const VERSION = "__VERSION__";
const ASSETS = __ASSETS__;
const SHELL = "/";
const CACHE = `keji-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    ASSETS.map(async (path) => {
      // Most files have the same name in two versions; those are not loaded again.
      const known = path.startsWith("/assets/") && (await caches.match(path));
      await (known ? cache.put(path, known) : cache.add(path));
    }),
  );
  await cache.add(new Request(SHELL, { cache: "reload" }));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => self.clients.claim()));
});

// The version before stays: a page that still runs may need one of its chunks.
async function tidy() {
  const mine = (await caches.keys()).filter((name) => name.startsWith("keji-") && name !== CACHE);
  await Promise.all(mine.slice(0, -1).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  // Answers of the API are never kept: a number must not be older than it says.
  // A public form is a page of its own, not the kept one.
  if (request.method !== "GET" || url.origin !== self.location.origin || /^\/(api|f)\//.test(url.pathname))
    return;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(offline));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(cached(request));
  else if (ASSETS.includes(url.pathname))
    event.respondWith(fetch(request).catch(() => caches.match(request)));
});

const cached = async (request) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request);

// The kept page gets a nonce of its own each time, like every answer of the server.
async function offline() {
  const kept = await (await caches.open(CACHE)).match(SHELL);
  if (!kept) return Response.error();
  const policy = kept.headers.get("content-security-policy") ?? "";
  const used = /'nonce-([^']+)'/.exec(policy)?.[1];
  const fresh = crypto.randomUUID().replaceAll("-", "");
  const swap = (text) => (used ? text.replaceAll(used, fresh) : text);
  const headers = new Headers(kept.headers);
  headers.set("content-security-policy", swap(policy));
  return new Response(swap(await kept.text()), { headers });
}
